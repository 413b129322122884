"""How fast is a training step with each combination of chapter 6's ways, not only rung after rung?

Stores the speeds under this machine's name in nbutils/ladder.json, which the moving picture of chapter 6 shows; a
machine that is there already is replaced. Five minutes, half of them for compiling. On a CPU all 64 take turns, an
update each. Of a combination's updates the fastest counts: other programs can only make one slower.
"""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import product

from rows import Row, table

from nbutils import device, ladder  # before torch  # isort: skip
import torch

from nbutils.config import GPTConfig
from nbutils.device import Chip
from nbutils.files import written_aside


def combinations() -> list[str]:
    """A 1 for each of the ways that is on, a 0 for each that is not."""
    return ["".join(signs) for signs in product("01", repeat=len(ladder.WAYS))]


def rung(signs: str) -> ladder.Rung:
    return ladder.rung_with(way for way, sign in zip(ladder.WAYS, signs) if sign == "1")


def speeds(
    makers: dict[str, Callable[[], ladder.Update]], chip: Chip, rounds: int
) -> dict[str, float]:
    """Tokens a second of each update, given by what makes it: of its fastest time in so many rounds.

    On a GPU one is there at a time.
    """
    together = [list(makers)] if chip.device.type == "cpu" else [[name] for name in makers]
    found = {}
    for names in together:
        updates = {name: makers[name]() for name in names}
        for update, _ in updates.values():
            update()
        took = {name: [] for name in names}
        for _ in range(rounds):
            for name, (update, _) in updates.items():
                start = time.perf_counter()
                float(update())  # a GPU answers before it is done; this waits for it
                took[name].append(time.perf_counter() - start)
        found |= {name: count / min(took[name]) for name, (_, count) in updates.items()}
        del updates, update
        device.empty_cache(chip)
    return found


def measure(rounds: int = 16) -> dict:
    """What `ladder.stored_combinations` has of a machine: this one."""
    chip = device.pick()
    peak = device.measure_peak(chip)  # of the format that it is fastest in
    if chip.dtype == torch.float32 and chip.device.type == "cpu":
        # The package leaves that way out on such a chip. Measured, it shows why.
        chip = Chip(chip.device, torch.bfloat16, chip.name)
    torch._dynamo.config.recompile_limit = (
        64  # else the ninth kind of block is silently not compiled
    )
    shape, batch_size = ladder.shape_for(chip)
    makers = {
        signs: partial(ladder.make_update, shape, rung(signs), chip, batch_size)
        for signs in combinations()
    }
    found = speeds(makers, chip, rounds)
    return {
        "machine": device.processor() if chip.device.type == "cpu" else chip.name,
        "chip": chip.name,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"Python": platform.python_version(), "PyTorch": version("torch")},
        "shape": changed_fields(shape),
        "batch_size": batch_size,
        "peak": float(f"{peak:.4g}"),
        "speeds": {signs: float(f"{speed:.4g}") for signs, speed in found.items()},
    }


def changed_fields(shape: GPTConfig) -> dict:
    """The fields of the shape that are not as by default."""
    usual = asdict(GPTConfig())
    return {name: value for name, value in asdict(shape).items() if value != usual[name]}


def store(run: dict) -> None:
    """Keep it in place of what was measured on the same machine."""
    there = ladder.stored_combinations() if ladder.COMBINED.exists() else []
    others = [
        old for old in there if (old["machine"], old["chip"]) != (run["machine"], run["chip"])
    ]
    with written_aside(ladder.COMBINED) as aside:
        aside.write_text(json.dumps([*others, run], indent=1) + "\n", "utf-8")


def report(run: dict) -> list[Row]:
    """The plain step, each way alone, all of them, and the fastest."""
    stored = run["speeds"]
    alone = {way: f"{1 << i:0{len(ladder.WAYS)}b}"[::-1] for i, way in enumerate(ladder.WAYS)}
    asked = {"plain": "0" * len(ladder.WAYS)} | alone | {"all": "1" * len(ladder.WAYS)}
    asked["the fastest"] = max(stored, key=stored.get)
    return [Row(name, stored[signs], "tokens/s", signs) for name, signs in asked.items()]


if __name__ == "__main__":
    store(found := measure())
    print(table(report(found)))
