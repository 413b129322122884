"""What PyTorch tells of a pretend chip, and what it does with its tensors outside of operations.

Only pretend.load imports this.
"""

import functools
import re
import sys
import threading
import time
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from pretend import OF_THE_CONTEXT
from pretend_tensors import Generator, OnChip
from torch.utils._python_dispatch import _pop_mode, _push_mode


class Patches:
    """Puts other values in the place of PyTorch's; ``later`` is told how each is put back."""

    def __init__(self, later):
        self.later = later

    def put(self, where, **values):
        for name, value in values.items():
            own = (
                vars(where).get(name, self)
                if isinstance(where, type)
                else getattr(where, name, self)
            )
            setattr(where, name, value)
            back = (delattr, where, name) if own is self else (setattr, where, name, own)
            self.later(functools.partial(*back))

    def on_chip(self, **methods):
        """Put methods of tensors that are on the chip; other tensors keep their own."""
        for name, ours in methods.items():
            own = getattr(torch.Tensor, name)
            self.put(torch.Tensor, **{name: _by_place(ours, own)})


def _by_place(ours, own):
    def method(x, *arguments, **options):
        return (ours if isinstance(x, OnChip) else own)(x, *arguments, **options)

    return method


def play(chip, later) -> None:
    """From here on PyTorch says that the chip is there, until what ``later`` was given is called."""
    patches = Patches(later)
    patches.put(
        torch.cuda,
        is_available=lambda: chip.spec.kind == "cuda",
        device_count=lambda: chip.spec.count * (chip.spec.kind == "cuda"),
        _lazy_init=lambda: None,
    )
    patches.put(torch.backends.mps, is_available=lambda: chip.spec.kind == "mps")
    _tell_of_the_chip(patches, chip)
    _make_and_read_tensors(patches)
    patches.put(F, scaled_dot_product_attention=_attention(chip.spec.kind))
    _move_modules(patches, later)
    patches.put(
        torch.nn.Module, compile=lambda *_, **__: setattr(chip, "compiled", chip.compiled + 1)
    )
    patches.put(torch.compiler, set_stance=Nothing)
    cpu_alone = [torch.profiler.ProfilerActivity.CPU]
    profile = torch.profiler.profile
    patches.put(
        torch.profiler,
        profile=lambda activities=None, **options: profile(activities=cpu_alone, **options),
    )
    patches.put(time, perf_counter=_clock(chip))
    patches.put(threading.Thread, run=_run_of_threads(chip))


class Nothing:
    """Stands for what has no meaning here: streams, events, stances."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __getattr__(self, name):
        return lambda *_, **__: None


class Current:
    """``torch.cuda.device``: inside it that card is the current one."""

    def __init__(self, chip, device):
        self.library, self.index = chip.library, chip.index(device)

    def __enter__(self):
        self.before = self.library.current_device()
        self.library.set_device(self.index)

    def __exit__(self, *_):
        self.library.set_device(self.before)


def _tell_of_the_chip(patches, chip):
    """The functions of ``torch.cuda`` and of ``torch.mps``."""
    spec, index = chip.spec, chip.index

    def synchronize(device=None):
        chip.waited_for = index(device)
        chip.wait()

    def seed(seed):
        for generator in chip.generators:
            generator.manual_seed(seed)

    random = dict(
        get_rng_state=lambda device=None: chip.generators[index(device)].get_state(),
        set_rng_state=lambda state, device=None: chip.generators[index(device)].set_state(state),
        manual_seed=seed, _is_in_bad_fork=lambda: False, synchronize=synchronize, empty_cache=lambda: None,
    )  # fmt: skip
    if spec.kind == "mps":
        patches.put(torch.mps, **random, recommended_max_memory=lambda: spec.memory)
        return
    major, minor = spec.capability
    about = SimpleNamespace(
        name=spec.name, major=major, minor=minor, total_memory=spec.memory, multi_processor_count=40,
        max_threads_per_multi_processor=1024, shared_memory_per_multiprocessor=2**16, warp_size=32,
    )  # fmt: skip
    patches.put(
        torch.cuda, **random, manual_seed_all=seed, current_device=chip.library.current_device,
        get_device_name=lambda *_: spec.name, get_device_capability=lambda *_: spec.capability,
        get_device_properties=lambda *_: about,
        mem_get_info=lambda device=None: (spec.memory - OF_THE_CONTEXT - chip.used_on[index(device)], spec.memory),
        is_bf16_supported=lambda including_emulation=True: including_emulation or spec.capability >= (8, 0),
        memory_allocated=lambda device=None: chip.used_on[index(device)],
        memory_reserved=lambda device=None: chip.used_on[index(device)],
        max_memory_allocated=lambda device=None: chip.most,
        reset_peak_memory_stats=lambda device=None: setattr(chip, "most", chip.used_on[index(device)]),
        get_arch_list=lambda: ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"],
        set_device=chip.set_device, device=functools.partial(Current, chip), Stream=Nothing, stream=Nothing,
        Event=Nothing, current_stream=Nothing, CUDAGraph=Graph, graph=functools.partial(Capture, chip),
    )  # fmt: skip


def _make_and_read_tensors(patches):
    patches.put(
        torch, Generator=Generator, inference_mode=torch.no_grad
    )  # its tensors can't be views of ours
    for name in ("tensor", "as_tensor"):
        patches.put(torch, **{name: _made_on_cpu(getattr(torch, name))})
    untyped_storage, data_ptr = torch.Tensor.untyped_storage, torch.Tensor.data_ptr
    own_format = torch.Tensor.__format__

    def no_numpy(x, *_, **__):
        raise TypeError(
            f"can't convert {x.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
            "memory first."
        )

    patches.on_chip(
        numpy=no_numpy,
        __array__=no_numpy,
        tolist=lambda x: x.detach().cpu().tolist(),
        untyped_storage=lambda x: untyped_storage(x.held),
        data_ptr=lambda x: data_ptr(x.held),
        __format__=lambda x, how: own_format(x, how) if x.dim() else format(x.item(), how),
    )


def _made_on_cpu(make):
    """Of a list, PyTorch makes a tensor and sends it where no mode sees it."""
    keeps = make is torch.as_tensor

    def made(data, *args, device=None, requires_grad=False, **options):
        here = data if keeps and isinstance(data, torch.Tensor) else make(data, *args, **options)
        there = here if device is None else here.to(device)
        return there.requires_grad_() if requires_grad else there

    return made


def _attention(kind):
    """``scaled_dot_product_attention``; the fused one keeps no weights for the way back, as a GPU's."""
    own, aten = F.scaled_dot_product_attention, torch.ops.aten

    def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, **more):
        if not isinstance(q, OnChip):
            return own(q, k, v, attn_mask, dropout_p, is_causal, scale=scale, **more)
        if torch.is_autocast_enabled(kind):
            q, k, v = (x.to(torch.get_autocast_dtype(kind)) for x in (q, k, v))
        fused = (
            torch.backends.cuda.flash_sdp_enabled()
            or torch.backends.cuda.mem_efficient_sdp_enabled()
        )
        fused = fused and not (kind == "mps" and q.requires_grad)  # PyTorch issue 179294
        if not fused or dropout_p or q.dim() != 4:
            return aten._scaled_dot_product_attention_math(
                q, k, v, attn_mask, dropout_p, is_causal, scale=scale
            )[0]
        if attn_mask is not None:
            if attn_mask.dtype is torch.bool:
                attn_mask = torch.zeros_like(attn_mask, dtype=q.dtype).masked_fill(
                    ~attn_mask, float("-inf")
                )
            attn_mask = attn_mask.expand(*q.shape[:3], k.size(2))
        return aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, 0.0, is_causal, attn_mask=attn_mask, scale=scale)[0]  # fmt: skip

    return attention


def _move_modules(patches, later):
    """``Module.to``: each parameter stays the object it is."""
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    later(lambda: torch.__future__.set_swap_module_params_on_conversion(swaps))

    def swap_tensors(one, other):
        """As PyTorch's, but whoever else holds them, as an error's frames do: to a real chip that is nothing."""
        for name in ("__class__", "__dict__"):
            of_one = getattr(one, name)
            setattr(one, name, getattr(other, name))
            setattr(other, name, of_one)
        torch._C._swap_tensor_impl(one, other)

    patches.put(torch.utils, swap_tensors=swap_tensors)


def _clock(chip):
    """``time.perf_counter``, which notes who read it while the chip was at work."""
    own = time.perf_counter

    def clock():
        chip.clock_early = chip.busy
        caller = sys._getframe(1).f_code
        if chip.busy and re.search("ipython-input|ipykernel", caller.co_filename):
            chip.early.append(caller.co_name)
        return own()

    return clock


def _run_of_threads(chip):
    """``Thread.run`` with the chip there: a thread begins without modes."""
    own = threading.Thread.run

    def run(thread):
        _push_mode(chip)
        try:
            own(thread)
        finally:
            _pop_mode()

    return run


class Graph:
    """A CUDA graph: what was done while it was captured, done again on the same memory."""

    def __init__(self, *_):
        self.done, self.kept = [], {}

    def before(self, func, args):
        for x, argument in zip(args, func._schema.arguments):
            if (
                argument.alias_info is not None
                and argument.alias_info.is_write
                and hasattr(x, "untyped_storage")
            ):
                self.kept.setdefault(x.untyped_storage()._cdata, (x, x.clone()))

    def replay(self):
        for func, args, kwargs, out in self.done:
            again = func(*args, **kwargs)
            for old, new in zip(
                *(x if isinstance(x, (list, tuple)) else [x] for x in (out, again))
            ):
                if (
                    hasattr(old, "untyped_storage")
                    and old.untyped_storage()._cdata != new.untyped_storage()._cdata
                ):
                    old.copy_(new)


class Capture:
    def __init__(self, chip, graph, **_):
        self.chip, self.graph = chip, graph

    def __enter__(self):
        self.chip.wait()
        self.chip.capture = self.graph

    def __exit__(self, *error):
        self.chip.capture = None
        for x, before in self.graph.kept.values():  # nothing is computed while a graph is captured
            x.copy_(before)
