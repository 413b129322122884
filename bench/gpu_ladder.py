"""On smallworld: how far a GPU's losses are from a CPU's, and chapter 6's ladders. Steps of ``gpu.py``."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from gpu_run import Bench, Step, find_room, tell
from rows import Row
from world import World

from nbutils import chips, device, ladder
from nbutils.device import Chip


def agreement(bench: Bench) -> Iterator[Row]:
    """How far losses on this chip are from a CPU's in float32, on the same batches."""
    chip, world, updates = bench.chip, bench.world, 3 if bench.quick else 50
    rungs = [
        ladder.Rung(fused_attention=True),
        ladder.Rung(fused_attention=True, mixed_precision=True),
    ]
    reference = losses(device.pick("cpu"), world, rungs[0], updates)
    for what, rung in zip(chips.WANTED["agreement"], rungs, strict=True):
        if rung.mixed_precision and chip.dtype == torch.float32:
            return
        worst = (losses(chip, world, rung, updates) - reference).abs().max().item()
        format = bench.format if rung.mixed_precision else "float32"
        how = f"largest difference of {updates} losses on the same batches, {format}"
        yield Row(what, worst, "nats", how)


def losses(chip: Chip, world: World, rung: ladder.Rung, updates: int) -> torch.Tensor:
    """The losses of the first updates, each before its update, on the CPU."""
    step = ladder.Step(ladder.make_model(world.shape, rung, chip), rung, chip)
    batches = world.windows(world.train, 8, chip)
    for group in step.optimizer.param_groups:
        group["lr"] = 1e-3
    return torch.stack([step(*batches.batch(i)).cpu() for i in range(updates)])


def of_ladder(name: str) -> Step:
    seconds = 25 if ladder.SPEED[name].compile else 8
    return Step("ladder", (ladder.ROW + name,), seconds, partial(rung_speed, name=name))


def rung_speed(bench: Bench, name: str) -> Iterator[Row]:
    """Tokens a second on a rung of chapter 6."""
    (shape, B), chip, rung = bench.ladder_shape, bench.chip, ladder.SPEED[name]
    how = chips.network(shape, B * rung.larger_batch)
    find_room(bench, how, ladder.memory_needed(shape, [rung], chip, B))
    for compiled in (True, False):
        tried = replace(rung, compile=rung.compile and compiled and chip.device.type != "cpu")
        maker = partial(ladder.make_update, shape, tried, chip, B)
        try:
            speed = ladder.speeds({name: maker}, chip, 0.02 if bench.quick else 0.7)[name]
            break
        except Exception as error:
            if not tried.compile or device.out_of_memory(error):
                raise
            tell(f"  {ladder.why_not_compiled(error, chip)}")
        bench.free()
    without = chips.UNCOMPILED if rung.compile and not tried.compile else ""
    yield Row(ladder.ROW + name, speed, "tokens/s", how + without)


def learning(bench: Bench, name: str) -> Iterator[Row]:
    """Nats above the floor on a rung of chapter 6: after equal updates, and after equal time."""
    chip, world = bench.chip, bench.world
    train, val = world.windows(world.train, 8, chip), world.windows(world.val, 32, chip)
    ends = {"updates": 2 if bench.quick else 200}, {"seconds": 0.05 if bench.quick else 3.0}
    for what, end in zip(chips.learning(name), ends, strict=True):
        run = ladder.short_run(world.shape, ladder.LEARNING[name], chip, train, val, **end)
        how = f"above the floor, {run.updates} updates in {run.seconds:.1f} s"
        yield Row(what, run.loss - world.floor, "nats", how)
