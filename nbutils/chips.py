"""On which chips the course was run, and what came out: the file `FILE`.

``make gpu`` adds a row as soon as it is measured. The page "On which chips this was run" and chapter 6 (by
``ladder.stored_speeds``) read them. Who has a chip but no clone prints a block in chapter 6 (`for_form`) and pastes it
into the form at `FORM`; ``python -m nbutils.chips < block.txt`` adds it to the file.

Nothing in it tells whose machine it was: no name of a user or a computer, no path.
"""

import json
import math
import platform
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from nbutils.config import GPTConfig
from nbutils.device import Chip, processor
from nbutils.files import written_aside
from nbutils.ladder import LEARNING, MEASURED, ROW, SPEED
from nbutils.words import sentence

FILE = MEASURED
FORM = "https://github.com/next-token-course/next-token/issues/new?template=chip.yml"
"""Where readers paste what chapter 6 measured on their chip."""
DAYS = 7
"""How old a run may be for another call to go on with it."""

FORMATS = ("float32", "bfloat16", "float16")
CONTENDERS = ("ours, blocks compiled", "nanoGPT", "transformers", "ours, compiled whole")
WAYS = ("KV cache", "CUDA graph", "no KV cache", "transformers")
TEXTS = (1, 16)
NOTEBOOKS = (
    "04b_training",
    "06_faster",
    "07_bigger",
    "exercises/06_your_gpt",
    "01_tokens",
    "02_io",
    "03a_knobs",
    "03b_attention",
    "03c_transformer",
    "04a_descent",
    "05_inference",
    "06b_kernel",
    "exercises/01_tokens",
    "exercises/02_io",
    "exercises/03_internals",
    "exercises/04_training",
    "exercises/05_inference",
    "exercises/06b_kernel",
)
"""Those that train for long first."""


# The names of rows: what bench/gpu.py measures and the page shows.


def fastest_product(dtype: torch.dtype | str) -> str:
    """Of the speed of the fastest matrix product in this format."""
    return f"Fastest product, {str(dtype).removeprefix('torch.')}"


def training(contender: str) -> tuple[str, str]:
    """Of its speed, and of its utilisation: the share of the fastest product that arrives."""
    return f"Training, {contender}", f"Utilisation, {contender}"


def sampling(way: str) -> tuple[str, ...]:
    """Of its speed with each of `TEXTS`."""
    return tuple(f"Sampling, {way}, {n} text{'s' if n > 1 else ''}" for n in TEXTS)


def learning(rung: str) -> tuple[str, str]:
    """Of the loss after equal updates, and after equal time."""
    return f"Learning, {rung}, 200 updates", f"Learning, {rung}, 3 seconds"


def _each(name: Callable[[str], tuple[str, ...]], of: Iterable[str]) -> tuple[str, ...]:
    return tuple(row for one in of for row in name(one))


WANTED: dict[str, tuple[str, ...]] = {
    "peak": tuple(map(fastest_product, FORMATS)),
    "training": _each(training, CONTENDERS),
    "sampling": _each(sampling, WAYS),
    "agreement": ("From a CPU's losses, float32", "From a CPU's losses, 16 bits"),
    "ladder": tuple(ROW + rung for rung in SPEED),
    "tests": ("Tests that need a GPU",),
    "learning": _each(learning, LEARNING),
    "notebooks": tuple(f"Notebook {name}" for name in NOTEBOOKS),
}
"""The names of all rows that a whole run has, by their table on the page."""


@dataclass
class ChipRun:
    """What one chip gave with one set of versions, within `DAYS`."""

    card: str
    device: str
    """"cuda", "mps" or "cpu"."""
    date: str
    """The day on which it began, 2026-12-01, in UTC."""
    versions: dict[str, str]
    command: str
    rows: list[dict] = field(default_factory=list)
    """Each has "what", "value", "unit" and "how", as a benchmark's row. A value that is no number says
    how a measurement failed."""

    def row(self, what: str) -> dict | None:
        """The row of that name, None if there is none."""
        return next((row for row in self.rows if row["what"] == what), None)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of the wanted rows that are not there, or failed."""
        done = {row["what"] for row in self.rows if not isinstance(row["value"], str)}
        return [name for name in wanted if name not in done]


def new_run(chip: Chip, command: str) -> ChipRun:
    """A run of today on this chip, with no row yet."""
    name = processor() if chip.device.type == "cpu" else chip.name
    return ChipRun(name, chip.device.type, str(_today()), versions(chip), command)


def versions(chip: Chip) -> dict[str, str]:
    """What decides how fast the chip is, beside itself."""
    found = {"Python": platform.python_version(), "PyTorch": torch.__version__}
    if chip.device.type == "cuda":
        found |= {"CUDA": torch.version.cuda, "ROCm": torch.version.hip, "Triton": _triton()}
    found["nbutils"] = version("nbutils")
    return {name: value for name, value in found.items() if value}


def _triton() -> str | None:
    try:
        return version("triton")
    except PackageNotFoundError:  # Windows, and PyTorch for a CPU
        return None


def _today() -> date:
    return datetime.now(UTC).date()


def all_runs(file: Path = FILE) -> list[ChipRun]:
    """What the file holds, the oldest first; nothing if it is not there.

    Raises ``ValueError`` if it is not as `add_row` writes it.
    """
    if not file.exists():
        return []
    try:
        return [_validated(one) for one in json.loads(file.read_text("utf-8"))]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{file.name} is not as `make gpu` writes it ({error}): get it anew with git checkout"
        ) from error


def resumed_run(run: ChipRun, file: Path = FILE) -> ChipRun:
    """The stored run of this card, versions and command that is at most `DAYS` old; else ``run``."""
    for stored in reversed(all_runs(file)):
        alike = all(getattr(stored, n) == getattr(run, n) for n in ("card", "versions", "command"))
        days = (date.fromisoformat(run.date) - date.fromisoformat(stored.date)).days
        if alike and 0 <= days <= DAYS:
            return stored
    return run


def add_row(run: ChipRun, row: dict, file: Path | None = FILE) -> None:
    """Put a row into the run, in place of one of its name, and the run into the file (None: none).

    Numbers keep four figures: more is noise.
    """
    if isinstance(row["value"], float):
        row = row | {"value": float(f"{row['value']:.4g}")}
    names = [known["what"] for known in run.rows]
    place = names.index(row["what"]) if row["what"] in names else len(names)
    run.rows[place : place + 1] = [row]
    if file is not None:
        _store(run, file)


def _store(run: ChipRun, file: Path) -> None:
    """Put the run in the place of the one that it goes on with, or at the end."""
    _validated(asdict(run))
    stored, own = all_runs(file), _identity(run)
    places = [i for i, known in enumerate(stored) if _identity(known) == own]
    place = places[-1] if places else len(stored)
    stored[place : place + 1] = [run]
    with written_aside(file) as aside:
        text = json.dumps([asdict(one) for one in stored], indent=1, ensure_ascii=False)
        aside.write_text(text + "\n", "utf-8", newline="\n")


def _identity(run: ChipRun) -> dict:
    return {name: value for name, value in asdict(run).items() if name != "rows"}


def _validated(made: dict) -> ChipRun:
    """A run from the file. Raises ``ValueError`` or ``TypeError`` with what is wrong."""
    run = ChipRun(**made)
    if run.device not in ("cuda", "mps", "cpu"):
        raise ValueError(f'device={run.device!r} is none of "cuda", "mps", "cpu"')
    date.fromisoformat(run.date)
    for words in (run.card, run.command, *run.versions, *run.versions.values()):
        if not isinstance(words, str) or not words:
            raise ValueError(f"{run.card}: {words!r} must be words")
    names = [row["what"] for row in run.rows if _is_row(row)]
    if len(set(names)) < len(run.rows):
        raise ValueError(f"{run.card}, {run.date}: a row is there twice, or is none")
    return run


def _is_row(row) -> bool:
    if not isinstance(row, dict) or row.keys() != {"what", "value", "unit", "how"}:
        return False
    value, words = row["value"], (row["what"], row["unit"], row["how"])
    number = isinstance(value, int | float) and math.isfinite(value)
    return all(isinstance(one, str) for one in words) and (number or isinstance(value, str))


# A reader's own chip


def network(config: GPTConfig, batch_size: int) -> str:
    """What was trained to measure a speed, in a few words."""
    size = f"{config.n_layer} layers of {config.n_embd}"
    return f"{size}, {batch_size} windows of {config.block_size} tokens"


UNCOMPILED = ", not compiled"


def for_form(
    chip: Chip,
    speeds: dict[str, float],
    peak: float,
    config: GPTConfig,
    batch_size: int,
    compiled: bool = True,
) -> str:
    """The block of text that chapter 6 prints, with where to paste it.

    ``speeds``: tokens a second by the name of the rung; those that are none of ``ladder.SPEED`` are
    left out. ``peak``: FLOPs a second, by ``device.measure_peak``. ``config`` and ``batch_size``: what
    was trained, by ``ladder.shape_for``. ``compiled``: whether torch.compile worked.
    """
    run = new_run(chip, _CHAPTER)
    told = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    format = str(chip.dtype).removeprefix("torch.")
    lines = [
        f"card: {run.card} ({run.device})",
        f"date: {run.date}",
        f"versions: {told}",
        f"network: {network(config, batch_size)}",
        f"fastest product: {peak / 1e12:.4g} TFLOP/s in {format}",
    ]
    for name in (name for name in SPEED if name in speeds):
        without = UNCOMPILED if SPEED[name].compile and not compiled else ""
        lines.append(f"{name}: {speeds[name]:.0f} tokens/s{without}")
    last = sentence("Paste these lines, which name no person, here: {form}", form=FORM)
    return "\n".join([*lines, "", last])


_CHAPTER = "chapter 6"
_MOST = 200  # characters in a line of a form
_CARD = re.compile(r"([\w ()@.,+/-]{2,100}) \((cuda|mps|cpu)\)")
_VERSION = re.compile(r"(Python|PyTorch|CUDA|ROCm|Triton|nbutils) ([\w.+-]{1,40})")
_NETWORK = re.compile(r"(\d+ layers of \d+, )(\d+)( windows of \d+ tokens)")
_PEAK = re.compile(rf"([\d.e+-]+) TFLOP/s in ({'|'.join(FORMATS)})")
_SPEED = re.compile(rf"(\d+) tokens/s({UNCOMPILED})?")


def from_form(text: str) -> ChipRun:
    """The run that the lines of `for_form` tell of.

    Anybody may have written them: what `for_form` does not write is refused.

    Raises ``ValueError`` with the line that is missing or wrong.
    """
    written = text.replace("\r\n", "\n").strip().partition("\n\n")[0]
    lines = dict(line.partition(": ")[::2] for line in written.splitlines())
    card, kind = _part(lines, "card", _CARD)
    (day,) = _part(lines, "date", re.compile(r"(20\d\d-\d\d-\d\d)"))
    before, windows, after = _part(lines, "network", _NETWORK)
    peak, format = _part(lines, "fastest product", _PEAK)
    told = [_VERSION.fullmatch(one) for one in lines.pop("versions", "").split(", ")]
    if None in told:
        raise ValueError("versions: is missing or wrong: it must be as chapter 6 printed it")
    run = ChipRun(card, kind, day, dict(found.groups() for found in told), _CHAPTER)
    rows = [(fastest_product(format), float(peak), "TFLOP/s", "")]
    for name in list(lines):
        if name not in SPEED:
            raise ValueError(f"{name[:_MOST]!r} is none of {', '.join(SPEED)}")
        speed, without = _part(lines, name, _SPEED)
        how = f"{before}{int(windows) * SPEED[name].larger_batch}{after}{without or ''}"
        rows.append((ROW + name, int(speed), "tokens/s", how))
    for row in rows:
        add_row(run, dict(zip(("what", "value", "unit", "how"), row)), None)
    return _validated(asdict(run))


def _part(lines: dict[str, str], name: str, form: re.Pattern) -> tuple:
    """The groups of a line; it is taken out."""
    found = form.fullmatch(lines.pop(name, "").strip()[:_MOST])
    if found is None:
        raise ValueError(f"{name}: is missing or wrong: it must be as chapter 6 printed it")
    return found.groups()


def add_pasted(text: str, file: Path = FILE) -> None:
    """Add what was pasted into a form to the file."""
    try:
        run = from_form(text)
        if any(_identity(known) == _identity(run) for known in all_runs(file)):
            raise ValueError(f"{file.name} has a run on {run.card} of {run.date} already")
    except ValueError as error:
        sys.exit(str(error))
    _store(run, file)
    print(f"{run.card}, {run.date}: {len(run.rows)} rows are in {file.name}")


if __name__ == "__main__":
    add_pasted(sys.stdin.buffer.read().decode("utf-8", "replace"))
