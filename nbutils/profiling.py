"""Where a program's time goes, and how near it comes to what its chip can do.

A program is an action to call: an update of `ladder.make_update`, or `sampling_steps`. Its operations
are sorted by what they are for, timed (`where_time_goes`), and counted (`count_work`): numbers
multiplied and added, bytes read and written. `beside_limit` joins the two with what this chip can do,
measured at that moment. It is the roofline of Williams, Waterman and Patterson (2009), for a whole program.
"""

import functools
import os
import statistics
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from nbutils import device
from nbutils.decoding import decoder, read_prompt
from nbutils.device import Chip
from nbutils.model import GPT

Action = Callable[[], torch.Tensor]

KINDS = {
    "matrix products": ("mm", "linear", "matmul", "baddbmm", "addmv"),
    "attention": ("attention", "attn", "bmm", "_softmax"),
    "loss": ("log_softmax", "nll_loss", "cross_entropy"),
    "compiled blocks": ("compiled", "inductor", "triton"),
}
"""Words in the names of PyTorch's operations, by what the operation is for."""
OPTIMIZER, OTHER, REST = "optimizer", "norms, elementwise", "Python, rest"


def kind_of(name: str) -> str:
    """What an operation of PyTorch is for, by its name."""
    for kind in ("loss", "attention", "compiled blocks", "matrix products"):
        if any(word in name.lower() for word in KINDS[kind]):
            return kind
    return OTHER


# Time


def where_time_goes(action: Action, chip: Chip, times: int = 5) -> dict[str, float]:
    """Seconds of one call by kind of operation, as PyTorch's profiler sees them.

    The optimizer's operations count as "optimizer"; what no word of ``KINDS`` names as "norms,
    elementwise"; what is left of the clock's time as "Python, rest". The profiler itself makes
    many small operations slower. On a Mac's GPU it sees only when an operation was asked for: there all
    time stands under "not seen by the profiler".
    """
    device.synchronize(chip)
    action()
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler writes lines of its own
    activities = [torch.profiler.ProfilerActivity.CPU]
    if chip.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        whole = _seconds(action, chip, times)
    if chip.device.type == "mps":
        return {"not seen by the profiler": whole}
    spent = Counter(dict.fromkeys((*KINDS, OPTIMIZER, OTHER), 0.0))
    for event in profiler.events():
        spent[_kind_of_event(event)] += _self_seconds(event, chip) / times
    return {**spent, REST: max(0.0, whole - sum(spent.values()))}


def _seconds(action: Action, chip: Chip, times: int) -> float:
    """Seconds of a call, the mean of so many."""
    device.synchronize(chip)  # a GPU answers before it is done
    start = time.perf_counter()
    for _ in range(times):
        action()
    device.synchronize(chip)
    return (time.perf_counter() - start) / times


def _self_seconds(event, chip: Chip) -> float:
    """Seconds in the operation itself; the profiler's times are in microseconds."""
    if event.device_type != torch.autograd.DeviceType.CPU:
        return 0.0  # a GPU's program, whose time the operation that called it has too
    on_gpu = chip.device.type == "cuda"
    return (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e6


def _kind_of_event(event) -> str:
    outer = event
    while outer is not None:
        if outer.name.startswith("Optimizer."):
            return OPTIMIZER
        outer = outer.cpu_parent
    return kind_of(event.name)


# Work


class Work(NamedTuple):
    """What has to be done: calls, floating-point operations, bytes moved."""

    calls: int = 0
    operations: int = 0
    moved: int = 0

    def plus(self, other: "Work") -> "Work":
        return Work(*(mine + yours for mine, yours in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Count:
    """A program's operations by kind, in order, and the bytes of all the tensors that it touches."""

    calls: dict[str, list[Work]]
    touched: int

    def work(self, kind: str) -> Work:
        """All operations of a kind together."""
        return functools.reduce(Work.plus, self.calls.get(kind, []), Work())

    def limit(self, kind: str, peak: float, bandwidth: float) -> float:
        """Seconds that a kind needs at least: each call the longer of its operations' time, at ``peak``
        a second, and its bytes', at ``bandwidth`` a second."""
        calls = self.calls.get(kind, [])
        return sum(max(call.operations / peak, call.moved / bandwidth) for call in calls)


def count_work(action: Action) -> Count:
    """The work of one call, as its operations say it, whatever the chip makes of them.

    ``operations``: of matrix products and attention alone, a multiplication and an addition each.
    ``moved``: each operation reads what goes in and writes what comes out, once. A view moves nothing.
    What runs as one compiled program is not seen from here: count it as written.
    """
    ledger = _Ledger()
    hooks = [
        register_optimizer_step_pre_hook(lambda *_: ledger.enter(OPTIMIZER)),
        register_optimizer_step_post_hook(lambda *_: ledger.enter(None)),
    ]
    try:
        with ledger:
            action()
    finally:
        for hook in hooks:
            hook.remove()
    return Count(ledger.calls, sum(ledger.storages.values()))


class _Ledger(TorchDispatchMode):
    """Writes down every operation that PyTorch is asked for."""

    def __init__(self):
        super().__init__()
        self.calls: dict[str, list[Work]] = {}
        self.storages: dict[
            int, int
        ] = {}  # bytes by address: memory that is used again counts once
        self._within: str | None = None

    def enter(self, kind: str | None) -> None:
        self._within = kind

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        given = dict(kwargs or {})
        made = operation(*args, **given)
        name, outputs = operation.overloadpacket.__name__, list(_tensors(made))
        moved = _moved(operation, _Given(operation, args, given), outputs)
        if moved:
            kind = self._within or kind_of(name)
            work = Work(1, _operations(operation, args, given, made), moved)
            self.calls.setdefault(kind, []).append(work)
            for tensor in _tensors((args, given, made)):
                storage = tensor.untyped_storage()
                size = max(storage.nbytes(), self.storages.get(storage.data_ptr(), 0))
                self.storages[storage.data_ptr()] = size
        return made


class LiveMemory(TorchDispatchMode):
    """The most bytes of tensors that live at a time, of those that are made inside it: ``peak``.

    For tensors on a CPU, whose memory no allocator counts for PyTorch.
    """

    def __init__(self):
        super().__init__()
        self.sizes, self.peak = {}, 0

    def __torch_dispatch__(self, op, types, inputs=(), named=None):
        answer = op(*inputs, **(named or {}))
        for tensor in _tensors(answer):
            self._note(tensor.untyped_storage())
        return answer

    def _note(self, storage):
        place = storage.data_ptr()
        if place and place not in self.sizes:
            self.sizes[place] = storage.nbytes()
            self.peak = max(self.peak, sum(self.sizes.values()))
            weakref.finalize(storage, self.sizes.pop, place)


def _tensors(tree: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))


_LOOK_UP = ("embedding", "index", "index_select", "gather")  # read only what they give
_OVERWRITE = ("copy_", "fill_", "zero_", "normal_", "uniform_", "exponential_", "random_")
"""What was there is not read."""
_FILLED = ("zeros", "ones", "full", "rand", "randn")  # and the like: only their shape is asked for


class _Given:
    """The tensors that an operation is given: those that it reads, and those that it changes."""

    def __init__(self, operation, args: tuple, kwargs: dict):
        self.name, self.read, self.written = operation.overloadpacket.__name__, [], []
        for i, argument in enumerate(operation._schema.arguments):
            value = args[i] if i < len(args) else kwargs.get(argument.name)
            writes = argument.alias_info is not None and argument.alias_info.is_write
            if writes:
                self.written += _tensors(value)
            if not writes or not (argument.kwarg_only or self.name in _OVERWRITE):
                self.read += _tensors(value)
        if self.name.removeprefix("new_").removesuffix("_like") in _FILLED:
            self.read = []
        self.read = list({(x.data_ptr(), x.shape, x.stride()): x for x in self.read}.values())


def _moved(operation, given: _Given, outputs: list[torch.Tensor]) -> int:
    """Bytes that an operation must read and write."""
    homes = {x.untyped_storage().data_ptr() for x in (*given.read, *given.written)}
    new = [x for x in outputs if x.untyped_storage().data_ptr() not in homes]
    view = outputs and not new and not given.written
    if view or given.name.startswith(("empty", "new_empty")):
        return 0
    if given.name in _LOOK_UP:
        return 2 * _bytes(new)
    return _bytes(given.read) + _bytes(given.written) + _bytes(new)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    """What the numbers of these tensors take; a number that is only repeated takes no more."""
    total = 0
    for tensor in tensors:
        shape = zip(tensor.shape, tensor.stride(), strict=True)
        total += tensor.element_size() * torch.Size(n for n, step in shape if step).numel()
    return total


def _operations(operation, args: tuple, kwargs: dict, made) -> int:
    packet = operation.overloadpacket
    if packet in flop_registry:
        return flop_registry[packet](*args, **kwargs, out_val=made)
    name = packet.__name__
    if name in ("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu"):
        return sdpa_flop_count(*(x.shape for x in args[:3]))
    if name == "_scaled_dot_product_flash_attention_for_cpu_backward":
        return sdpa_backward_flop_count(*(x.shape for x in args[:4]))
    return 0


# Both


class Part(NamedTuple):
    """One kind of operation beside its limit; seconds of one call."""

    kind: str
    work: Work
    limit: float
    seconds: float


@dataclass(frozen=True)
class BesideLimit:
    """A program beside what its chip can do."""

    peak: float
    """Floating-point operations a second of the fastest large product, in the chip's format: a program
    that computes in a longer one, as sampling does, can't come so near."""
    bandwidth: float
    """Bytes a second read and written, between two tensors that together take what the program touches."""
    touched: int
    parts: list[Part]

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)

    @property
    def limit(self) -> float:
        return sum(part.limit for part in self.parts)


def beside_limit(action: Action, chip: Chip, times: int = 20) -> BesideLimit:
    """How long each kind of operation must take on this chip, and how long it takes.

    The limit is `Count.limit`'s. Peak and bandwidth are measured with as many threads, before and after,
    and the better ones count. The clock's time is the median of ``times`` calls; the profiler, which
    slows small operations, only says how it is shared out. On a Mac's GPU, where it can't, there is one
    part.

    ``action`` must run as written: of a compiled program the operations can't be counted.
    """
    count = count_work(action)
    before = _limits(chip, count.touched)
    spent = where_time_goes(action, chip)
    seconds = statistics.median(_seconds(action, chip, 1) for _ in range(times))
    peak, bandwidth = map(max, zip(before, _limits(chip, count.touched), strict=True))
    scale = seconds / sum(spent.values())
    parts = []
    for kind, share in spent.items():
        work = count.work(kind)
        if share or work.calls:
            limit = count.limit(kind, peak, bandwidth)
            parts.append(Part(kind, work, limit, scale * share))
    return BesideLimit(peak, bandwidth, count.touched, parts)


def _limits(chip: Chip, touched: int) -> tuple[float, float]:
    """Operations and bytes a second, the bytes between two tensors that take so many."""
    return device.measure_peak(chip), device.measure_bandwidth(chip, size=max(touched // 2, 1))


def sampling_steps(model: GPT, texts: int, length: int, steps: int = 10) -> Action:
    """So many steps of sampling, each with the likeliest token, after ``length`` tokens of each text.

    Called again, it takes the same steps again. The tokens that come out are the new ones, (texts,).
    """
    chip = next(model.parameters()).device
    ids = torch.arange(texts * length, device=chip).view(texts, length) % model.config.vocab_size
    with torch.inference_mode():
        _, cache = read_prompt(model, ids, capacity=length + steps)
        step = decoder(model, cache, ids[:, -1])

    @torch.inference_mode()
    def action() -> torch.Tensor:
        cache.length = length
        new = ids[:, -1]
        for _ in range(steps):
            new = step(new).argmax(-1)
        return new

    return action
