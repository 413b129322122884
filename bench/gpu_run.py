"""A run of ``gpu.py`` on one chip: steps one after the other, until they are done or the time is up."""

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from rows import Row, readable
from world import World

from nbutils import chips, device, ladder
from nbutils.config import GPTConfig
from nbutils.device import Chip

ROOT = Path(__file__).parents[1]
GPT2 = GPTConfig.preset("gpt2", vocab_size=50304)  # padded to a multiple of 64
TINY = GPTConfig(vocab_size=128, block_size=16, n_layer=2, n_head=2, n_embd=32)
AGAIN = "then again"  # stands in a row that was measured twice


class TimeIsUp(BaseException):
    """The minutes are over. It is no error: what catches those lets it pass."""


class NoRoom(Exception):
    """The chip has too little free memory for a measurement; the message says how much it needs."""


@dataclass
class Bench:
    """A run on one chip: where its rows go, how long it may take, and what several steps share."""

    chip: Chip
    quick: bool
    run: chips.ChipRun
    file: Path | None = None
    """Where rows are stored; None: nowhere."""
    ends: float = float("inf")
    """By ``time.monotonic``."""
    nanogpt: Path | None = None
    python: tuple[str, ...] = (sys.executable,)
    """What starts another Python program on this chip."""

    def keep(self, row: Row) -> None:
        chips.add_row(self.run, row._asdict(), self.file)
        value = f"{readable(row.value)} {row.unit}".strip()
        tell(f"  {row.what}: {value}" + (f" ({row.how})" if row.how else ""))

    def free(self) -> None:
        """Let go of what nobody uses any more: one contender is there at a time."""
        torch.compiler.reset()  # compiled programs hold their networks
        device.empty_cache(self.chip)

    @property
    def format(self) -> str:
        return str(self.chip.dtype).removeprefix("torch.")

    @property
    def config(self) -> GPTConfig:
        return TINY if self.quick else GPT2

    @cached_property
    def peak(self) -> float:
        """FLOPs a second of the fastest product in the chip's format, from this run where it has it."""
        row = self.run.row(chips.fastest_product(self.chip.dtype))
        return 1e12 * row["value"] if row else self.measured_peak(self.chip)

    def measured_peak(self, chip: Chip) -> float:
        return device.measure_peak(chip, *((0.1, 256) if self.quick else (1.5, None)))

    @cached_property
    def world(self) -> World:
        return World(100, 10) if self.quick else World()

    @cached_property
    def ladder_shape(self) -> tuple[GPTConfig, int]:
        return (TINY, 2) if self.quick else ladder.shape_for(self.chip)


@dataclass(frozen=True)
class Step:
    """A measurement. It begins with an empty chip, and gives rows as they come."""

    group: str
    """Its table, of ``chips.WANTED``."""
    rows: tuple[str, ...]
    seconds: float
    """What it takes, as guessed before anybody could measure it: a step that won't fit is not begun."""
    measure: Callable[[Bench], Iterator[Row]]
    twice: bool = False
    """Whether it is done only where its first row was measured twice."""

    @property
    def name(self) -> str:
        return self.rows[0] + (", again" if self.twice else "")

    def is_done(self, run: chips.ChipRun) -> bool:
        if run.missing(self.rows):
            return False
        return not self.twice or AGAIN in run.row(self.rows[0])["how"]


def tell(words: str) -> None:
    print(words, flush=True)


def measure(
    bench: Bench, steps: list[Step], only: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Run the steps that are not done, as long as there is time; ``only``: these groups, done or not.

    Gives the names of those that are left for want of time, and of what failed.
    """
    due = [step for step in steps if (step.group in only if only else not step.is_done(bench.run))]
    tried, failed = [], []
    try:
        with alarm(bench.ends - time.monotonic()):
            for step in due:
                # The first may be longer than all the time there is: else it would never be tried.
                if not tried or step.seconds <= bench.ends - time.monotonic():
                    failed += attempt(bench, step)
                    tried.append(step)
    except TimeIsUp:
        tell("  Time is up.")
    return [step.name for step in due if step not in tried], failed


def attempt(bench: Bench, step: Step) -> list[str]:
    """Run a step, store each of its rows, and give the names of those that failed."""
    start = time.monotonic()
    tell(f"{step.name} ...")
    try:
        for row in step.measure(bench):
            bench.keep(row)
    except Exception as error:
        explain(error)
        return [step.name]
    finally:
        bench.free()
    tell(f"  {time.monotonic() - start:.0f} s")
    return bench.run.missing(step.rows)


def explain(error: Exception) -> None:
    """Too little memory in a sentence; what nobody expected with the place where it happened."""
    if isinstance(error, NoRoom):
        tell(f"  {error}")
    elif device.out_of_memory(error):
        tell(f"  Out of memory: {str(error).strip().splitlines()[0]}")
    else:
        traceback.print_exception(error)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TimeIsUp` inside it after so many seconds, where the system has alarms (not Windows)."""
    if not hasattr(signal, "setitimer") or seconds == float("inf"):
        yield
        return

    def ring(*_):
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def find_room(bench: Bench, what: str, needed: float) -> None:
    """Say what a measurement will need, in bytes by `planning`.

    Raises `NoRoom` if the chip has not that much free, with ``ladder.SPARE`` to spare.
    """
    free, spare = device.free_memory(bench.chip) / 1e9, ladder.SPARE / 1e9
    tell(f"  {what}: {needed / 1e9:.2g} GB by plan, {free:.1f} GB are free")
    if needed / 1e9 + spare > free:
        raise NoRoom(
            f"No room: {needed / 1e9:.2g} GB and {spare:.0f} GB to spare are needed, and {free:.1f} GB are free. End "
            f"what else runs on {bench.chip.name}, or it is too small for this"
        )
