"""How near does a program come to what its chip can do? Training and sampling beside their limits.

``python bench/limit.py``: for each program what each kind of operation must do, how long that takes at
least on this chip, and how long it takes. `nbutils.profiling` says how both are found. The shapes are
those of ``train.py`` and ``sample.py``.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import torch
from rows import show

from nbutils import device, ladder, profiling
from nbutils.config import GPTConfig
from nbutils.model import GPT

TRAINING = {"4/4/128/64/12": (4, 4, 128, 64, 12), "6/6/384/256/16": (6, 6, 384, 256, 16)}
CHARACTERS = 65  # of tiny Shakespeare, as nanoGPT has it
SAMPLING = {"1 text": 1, "16 texts": 16}
LENGTH = 350  # tokens that are there: the middle of what ``sample.py`` writes


class Line(NamedTuple):
    """A kind of operation of a program, or all of it: its work, and two times in milliseconds."""

    program: str
    kind: str
    calls: int
    megaflop: float
    megabytes: float
    limit: float
    takes: float
    share: float
    """Of the limit; 0 for what has none, as Python's own time."""

    def cells(self) -> tuple[str, ...]:
        numbers = (self.megaflop, self.megabytes, self.limit, self.takes)
        shown = (f"{n:,.2f}" for n in numbers)
        return (self.program, self.kind, str(self.calls), *shown, f"{self.share:.0%}")


HEAD = ("Program", "Kind", "Calls", "Million operations", "MB", "Limit, ms", "Takes, ms", "Share")


def measure(quick: bool) -> list[Line]:
    """``quick``: the small shapes alone, with fewer repetitions."""
    times = 3 if quick else 40
    return [row for program in _programs(quick) for row in _rows(*program, times)]


def _programs(quick: bool) -> Iterator[tuple[str, profiling.Action]]:
    chip = device.pick()
    rung = ladder.SPEED["fused optimizer"]
    for name, (n_layer, n_head, n_embd, block_size, batch_size) in TRAINING.items():
        if quick and n_embd > 128:
            continue
        shape = dict(n_layer=n_layer, n_head=n_head, n_embd=n_embd, block_size=block_size)
        config = GPTConfig(vocab_size=CHARACTERS, bias=False, **shape)
        yield f"Training, {name}", ladder.make_update(config, rung, chip, batch_size)[0]
    torch.manual_seed(0)
    model = GPT(GPTConfig(block_size=704, n_layer=4, n_head=4, n_embd=128)).to(chip.device).eval()
    for name, texts in SAMPLING.items():
        yield f"Sampling, {name}", profiling.sampling_steps(model, texts, LENGTH)


def _rows(program: str, action: profiling.Action, times: int) -> Iterator[Line]:
    chip = device.pick()
    with device.memory_kept(chip):  # as `train` does
        found = profiling.beside_limit(action, chip, times)
    for kind, work, limit, seconds in found.parts:
        yield _line(program, kind, work, limit, seconds)
    whole = functools.reduce(profiling.Work.plus, (part.work for part in found.parts))
    at = f"all, at {found.peak / 1e9:,.0f} GFLOP/s and {found.bandwidth / 1e9:,.0f} GB/s"
    yield _line(program, at, whole, found.limit, found.seconds)


def _line(program: str, kind: str, work: profiling.Work, limit: float, seconds: float) -> Line:
    numbers = work.operations / 1e6, work.moved / 1e6, 1e3 * limit, 1e3 * seconds
    return Line(program, kind, work.calls, *numbers, limit / seconds)


def main(arguments: list[str] | None = None) -> None:
    show(__doc__, HEAD, measure, "the small shapes, 3 times each", arguments)


if __name__ == "__main__":
    main()
