"""An update of a training beside what this machine can do: ``python bench/limit_training.py``

Each operation of the update is counted: its floating-point operations, and the bytes that it reads and
writes. No machine does it in less time than its fastest matrix product needs for those operations, or
its fastest copy for those bytes: the roofline (Williams, Waterman and Patterson, 2009). Beside that
limit stands what it took. Both speeds are measured in the same run, the copy with tensors as large as
the update's own, which stay in the processor's cache.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from contenders import Shape
from rows import Row, fastest, markdown, table
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop, sdpa_flop

from nbutils import device, ladder
from nbutils.config import GPTConfig

SHAPE = Shape(n_layer=4, n_head=4, n_embd=128, block_size=64, batch_size=12)  # nanoGPT's for a CPU
CHARACTERS = 65  # tokens of tiny Shakespeare, which nanoGPT reads character by character
RUNG = ladder.SPEED["fused optimizer"]
HEADER = ("Operations", "Milliseconds", "MFLOP", "MB", "At least, ms", "Of the limit")
flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
FLOPS = flop_registry | {
    flash: lambda q, k, v, *rest, **options: sdpa_flop(q.shape, k.shape, v.shape),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (
        lambda grad, q, k, v, *rest, **options: sdpa_backward_flop(
            grad.shape, q.shape, k.shape, v.shape
        )
    ),
}
"""What PyTorch's counter knows, and attention in one operation on a CPU, which it does not."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    found = measured(parser.parse_args(arguments).quick)
    print(markdown(cells(found)), table(rows(found)), sep="\n\n")


def measure(quick: bool) -> list[Row]:
    """A row for each kind of operation, and one for the whole update."""
    return rows(measured(quick))


@dataclass(frozen=True)
class Part:
    """One kind of an update's operations."""

    name: str
    seconds: float
    flops: float
    moved: float
    """Bytes read and written."""
    least: float
    """Seconds that this machine needs for them, by its roofline."""

    def share(self) -> float:
        """How much of the limit is reached."""
        return self.least / self.seconds if self.seconds else 0.0


class Machine(NamedTuple):
    """What the chip can do."""

    peak: float
    """Floating-point operations a second of its fastest matrix product."""
    bandwidth: float
    """Bytes a second that a copy reads and writes, of a tensor as large as the update's."""

    def least(self, flops: float, moved: float) -> float:
        """Seconds that so many operations with so many bytes take at least."""
        return max(flops / self.peak, moved / self.bandwidth)


def measured(quick: bool = False, shape: Shape = SHAPE) -> list[Part]:
    """The parts of an update, the longest first, then the whole update, as written and compiled.

    Compiled it moves fewer bytes than are counted here; its operations are the same. The parts'
    milliseconds are PyTorch's profiler's, which makes small operations slower; the whole is measured
    without it.
    """
    chip = device.pick()
    config = GPTConfig(vocab_size=CHARACTERS, bias=False, **shape.sizes())
    update, tokens = ladder.make_update(config, RUNG, chip, shape.batch_size)
    size = 16 * tokens * shape.n_embd  # bytes of the MLP's wide middle
    machines = [Machine(device.measure_peak(chip), bandwidth(chip, size))]
    with device.memory_kept(chip):
        whole = fastest_update(update, quick)
        spent = ladder.where_time_goes(update, chip, 2 if quick else 20)
        compiled = None if quick else compiled_update(config, shape, chip)
        machines.append(Machine(device.measure_peak(chip), bandwidth(chip, size)))
        with Counted(Machine(*map(max, zip(*machines, strict=True)))) as counted:
            update()
    work = counted.flops, counted.moved, counted.least
    parts = [
        Part(kind, seconds, *(found[kind] for found in work))
        for kind, seconds in sorted(spent.items(), key=lambda pair: -pair[1])
        if seconds or counted.moved[kind]
    ]
    totals = [sum(found.values()) for found in work]
    parts.append(Part("the whole update", whole, *totals))
    return parts + ([Part("the same with compiled blocks", compiled, *totals)] if compiled else [])


def fastest_update(update, quick: bool) -> float:
    """Seconds of an update in the fastest of several stretches; the first is not counted."""
    update()
    return min(stretch(update, 3 if quick else 20) for _ in range(2 if quick else 10))


def compiled_update(config: GPTConfig, shape: Shape, chip: device.Chip) -> float | None:
    """The same with compiled blocks; None where nothing compiles."""
    if chip.device.type != "cuda" and not device.cpp_compiler():
        return None
    rung = replace(RUNG, compile=True)
    return fastest_update(ladder.make_update(config, rung, chip, shape.batch_size)[0], False)


def stretch(update, times: int) -> float:
    """Seconds of one of so many updates in a row."""
    start = time.perf_counter()
    for _ in range(times):
        loss = update()
    float(loss)
    return (time.perf_counter() - start) / times


def bandwidth(chip: device.Chip, size: int) -> float:
    """Bytes a second that copying ``size`` bytes reads and writes."""
    a, b = (torch.ones(size // 4, device=chip.device) for _ in range(2))

    def copies() -> None:
        for _ in range(20):
            b.copy_(a)
        device.synchronize(chip)

    return 20 * 2 * size / fastest(copies, 20)


class Counted(TorchDispatchMode):
    """Inside it, each operation's work is counted by its kind (see ``ladder.where_time_goes``)."""

    def __init__(self, machine: Machine):
        super().__init__()
        self.machine, self.in_optimizer = machine, False
        self.flops, self.moved, self.least = Counter(), Counter(), Counter()

    def __enter__(self):
        self.hooks = [
            register_optimizer_step_pre_hook(lambda *_: setattr(self, "in_optimizer", True)),
            register_optimizer_step_post_hook(lambda *_: setattr(self, "in_optimizer", False)),
        ]
        return super().__enter__()

    def __exit__(self, *error) -> None:
        super().__exit__(*error)
        for hook in self.hooks:
            hook.remove()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        answer = operation(*args, **(kwargs or {}))
        kind = "optimizer" if self.in_optimizer else ladder.kind_of(operation.name())
        formula = FLOPS.get(operation.overloadpacket)
        flops = formula(*args, **(kwargs or {}), out_val=answer) if formula else 0
        moved = bytes_moved((args, kwargs), answer, operation)
        self.flops[kind] += flops
        self.moved[kind] += moved
        self.least[kind] += self.machine.least(flops, moved)
        return answer


def bytes_moved(given, answer, operation) -> int:
    """Bytes of the tensors read and written: none by a view, which only names the same bytes anew."""
    read, written = (
        [x for x in tree_leaves(side) if isinstance(x, torch.Tensor)] for side in (given, answer)
    )
    if "empty" in operation.name():  # makes room, and writes nothing
        return 0
    changes = operation._schema.is_mutable
    if not changes and any(returned.alias_info for returned in operation._schema.returns):
        return 0
    if changes and not written:  # such as fused AdamW: each of them is read and written
        written = read
    return sum(x.numel() * x.element_size() for x in read + written)


def cells(parts: list[Part]) -> list[tuple[str, ...]]:
    """The parts as a table's cells, the head first."""
    return [HEADER] + [
        (
            part.name,
            f"{1e3 * part.seconds:.2f}",
            f"{part.flops / 1e6:,.0f}",
            f"{part.moved / 1e6:,.1f}",
            f"{1e3 * part.least:.2f}",
            f"{part.share():.0%}",
        )
        for part in parts
    ]


def rows(parts: list[Part]) -> list[Row]:
    """The parts as a benchmark's rows."""
    return [
        Row(
            f"An update beside its limit: {part.name}",
            1e3 * part.seconds,
            "ms",
            f"{part.flops / 1e6:,.0f} MFLOP, {part.moved / 1e6:,.1f} MB: at least "
            f"{1e3 * part.least:.2f} ms here, so {part.share():.0%} of the limit",
        )
        for part in parts
    ]


if __name__ == "__main__":
    main()
