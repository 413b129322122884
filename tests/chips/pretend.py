"""A GPU that is not there, with its rules and real numbers: what breaks on one breaks here.

``load(spec)`` before anything imports PyTorch; then inside ``Pretend(CHIPS["T4"])`` tensors can be on "cuda" (or
"mps"). A CPU computes their numbers. What it shows:

- A CPU's tensor or generator beside one of the chip's raises, and so do ``.numpy()``, and float64 on a Mac.
- autocast, loss scaling and fused optimizers run as on the chip.
- Memory is counted; too much raises ``torch.cuda.OutOfMemoryError``. ``Pretend.most`` is the peak.
- ``waits`` counts what waits for the chip; while a CUDA graph is captured a wait raises.
- ``clock_early``: whether the clock was last read while the chip was still at work; ``early``: the functions of a
  notebook's cells that read it so.
- ``lost``: of the numbers brought to float16, the share that became 0 by it.
- ``emulated`` counts products in a format that the chip has no units for (bfloat16 before generation 8).

``hollow``: shapes alone (PyTorch's meta device), for networks of any size; a float asked for is 0, a whole number 1.

What it can't see: Triton, compiled code, real kernels and their rounding, NCCL, speed. Temporary memory inside an
operation is not counted, so the peak is a lower bound.
"""

import contextlib
import ctypes
import functools
import gc
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "_build" / "chips"
OF_THE_CONTEXT = 350_000_000  # bytes that CUDA and cuBLAS keep for themselves


@dataclass(frozen=True)
class Spec:
    """A chip: what PyTorch says of it. ``memory`` in bytes, of each of ``count`` alike."""

    name: str
    kind: str
    capability: tuple[int, int]
    memory: int
    count: int


CHIPS = {
    name: Spec(**about | {"capability": tuple(about["capability"])})
    for name, about in json.loads((HERE / "specs.json").read_text("utf-8")).items()
}


def load(spec: Spec) -> None:
    """Compile ``pretend.cpp``, once for each PyTorch, and load it.

    Raises ``RuntimeError`` if torch was imported before, or where there is no g++.
    """
    if "torch" in sys.modules:
        raise RuntimeError("load before torch: it asks only once whether there is a GPU")
    os.environ["PRETEND_COUNT"] = str(spec.count)
    library = ctypes.CDLL(str(_compiled(spec.kind)))
    _define(library)
    library.pretend()


def _compiled(kind: str) -> Path:
    torch_folder = Path(importlib.util.find_spec("torch").origin).parent
    source = HERE / "pretend.cpp"
    made = BUILT / f"{kind}-{importlib.metadata.version('torch')}.so"
    if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    define = ["-DMPS_CHIP"] if kind == "mps" else []
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        aside = Path(folder, made.name)
        try:
            subprocess.run([
                "g++", "-O1", "-shared", "-fPIC", "-std=c++20", *define, f"-I{torch_folder}/include", source,
                f"-L{torch_folder}/lib", f"-Wl,-rpath,{torch_folder}/lib", "-lc10", "-ltorch_cpu", "-o", aside,
            ], check=True)  # fmt: skip
        except FileNotFoundError as error:
            raise RuntimeError("the pretend chip needs a C++ compiler: apt install g++") from error
        aside.replace(made)
    return made


def _define(library) -> None:
    global OnChip, Pretend
    import torch
    import torch._dynamo  # it looks at torch.cuda's functions once: before others stand there
    from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
    from torch.utils._pytree import tree_flatten, tree_unflatten
    from torch.utils.flop_counter import flop_registry

    aten = torch.ops.aten
    GENERATORS = (
        weakref.WeakValueDictionary()
    )  # operations get another object for the same generator

    class Generator(torch._C.Generator):
        """The chip's, played by a CPU's."""

        def __new__(cls, device="cpu"):
            made = super().__new__(cls)
            made.on = torch.device(device)
            GENERATORS[made._cdata] = made
            return made

        device = property(lambda self: self.on)

    class OnChip(torch.Tensor):
        """Says that it is on the chip; its numbers are in ``held``."""

        __torch_function__ = torch._C._disabled_torch_function_impl

        @staticmethod
        def __new__(cls, held, chip, device):
            made = torch.Tensor._make_wrapper_subclass(
                cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(),
                dtype=held.dtype, device=device,
            )  # fmt: skip
            made.held, made.room = held, chip.room_of(held, device.index)
            return made

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return Pretend.now.run(func, args, kwargs or {})

    class Room:
        """The memory of one storage on the chip."""

        def __init__(self, chip, size, index):
            self.chip, self.size, self.index = chip, 0, index
            chip.take(size, index)
            self.size = size  # not before: what there was no room for is not given back

        def __del__(self):
            self.chip.used_on[self.index] -= self.size

    WAITS = {aten._local_scalar_dense.default, aten.equal.default, aten.nonzero.default, aten.is_nonzero.default,
             aten.masked_select.default, aten._unique2.default}  # fmt: skip
    TAKES_INDICES = {
        aten.index.Tensor,
        aten.index_put.default,
        aten.index_put_.default,
        aten._index_put_impl_.default,
    }
    GOES_BETWEEN = {
        aten.copy_.default,
        aten._to_copy.default,
        aten._has_compatible_shallow_copy_type.default,
    }

    class Pretend(TorchDispatchMode):
        now = None

        def __init__(self, spec: Spec, hollow: bool = False):
            super().__init__()
            self.spec, self.hollow = spec, hollow
            self.rooms = weakref.WeakValueDictionary()
            self.used_on, self.most = [0] * spec.count, 0
            self.waits = self.compiled = self.emulated = 0
            self._to_float16 = [0, 0]  # numbers, and those that became 0
            self.busy = self.clock_early = False
            self.early, self.waited_for = [], None
            self.generators = [Generator(torch.device(spec.kind, i)) for i in range(spec.count)]
            self.counts, self.capture = Counter(), None

        def forget(self):
            """What was counted so far."""
            gc.collect()
            self.most, self.waits, self.emulated = self.used, 0, 0
            self.busy = self.clock_early = False
            self._to_float16, self.early, self.capture = [0, 0], [], None

        @property
        def lost(self):
            numbers, zeros = self._to_float16
            return zeros / max(1, numbers)

        def half(self, x):
            """To float16, which is counted."""
            return self._counted(x, x.half())

        def _counted(self, x, short):
            if not self.hollow and short.dtype is torch.float16 and x.dtype is not short.dtype:
                self._to_float16[0] += x.numel()
                self._to_float16[1] += int(((short == 0) & (x != 0)).sum())
            return short

        @property
        def used(self):
            return sum(self.used_on)

        @property
        def current(self):
            return torch.device(self.spec.kind, library.current_device())

        def place(self, device):
            """The chip that a device means: "cuda" is the current one."""
            return self.current if device.index is None else device

        def set_device(self, device):
            device = (
                torch.device(self.spec.kind, device)
                if isinstance(device, int)
                else torch.device(device)
            )
            library.set_device(self.place(device).index)

        def __enter__(self):
            Pretend.now, self.undo = self, contextlib.ExitStack()
            _play(self, self.undo.callback, torch, OnChip, Generator, library)
            return super().__enter__()

        def __exit__(self, *error):
            super().__exit__(*error)
            self.undo.close()
            Pretend.now = None

        def take(self, size, index=0):
            room = self.spec.memory - OF_THE_CONTEXT
            if self.used_on[index] + size > room:
                gc.collect()
            if self.used_on[index] + size > room:
                free = room - self.used_on[index]
                raise torch.cuda.OutOfMemoryError(
                    f"CUDA out of memory. Tried to allocate {size / 2**30:.2f} GiB. GPU {index} has a total capacity "
                    f"of {self.spec.memory / 2**30:.2f} GiB of which {free / 2**30:.2f} GiB is free."
                )
            self.used_on[index] += size
            self.most = max(self.most, self.used_on[index])

        def room_of(self, held, index):
            storage = held.untyped_storage()
            room = self.rooms.get(storage._cdata)
            if room is None:
                size = -(-storage.nbytes() // 512) * 512
                room = self.rooms[storage._cdata] = Room(self, size, index)
            return room

        def wait(self):
            self.waits += 1
            self.busy = False
            if self.capture is not None:
                raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return self.run(func, args, kwargs or {})

        def run(self, func, args, kwargs):
            with _disable_current_modes():
                return self._run(func, args, kwargs)

        def _run(self, func, args, kwargs):
            flat, shape = tree_flatten((args, kwargs))
            ours = [x for x in flat if isinstance(x, OnChip)]
            to = None if kwargs.get("device") is None else torch.device(kwargs["device"])
            to_chip = to is not None and to.type in ("cuda", "mps")
            device = self.place(to) if to_chip else ours[0].device if ours else None
            self._check_generators(flat, device or torch.device("cpu"))
            if not ours and not to_chip:
                return func(*args, **kwargs)
            if ours and func not in GOES_BETWEEN:
                self._check_devices(func, args, flat, ours)
            self.busy = True
            if func._overloadpacket in flop_registry:
                self._note_format(ours)
            if self.spec.kind == "mps" and torch.float64 in [
                kwargs.get("dtype"),
                *(x.dtype for x in ours),
            ]:
                raise TypeError(
                    "Cannot convert a MPS Tensor to float64 dtype: the MPS framework doesn't support it"
                )
            if func in WAITS:
                self.wait()
            if func is aten.copy_.default:
                return self._copy_(*args)
            if func is aten._to_copy.default and ours and to is not None and not to_chip:
                return self._to_cpu(args[0], kwargs)
            inner = [x.held if isinstance(x, OnChip) else x for x in flat]
            place = torch.device("meta" if self.hollow else "cpu")
            inner = [
                place if isinstance(x, torch.device) and x.type in ("cuda", "mps") else x
                for x in inner
            ]
            if self.hollow and func is not aten._to_copy.default:
                inner = [x.to("meta") if isinstance(x, torch.Tensor) else x for x in inner]
            inner_args, inner_kwargs = tree_unflatten(inner, shape)
            inner_kwargs |= {
                name: False for name in ("non_blocking", "pin_memory") if name in inner_kwargs
            }
            out = self._compute(func, inner_args, inner_kwargs, device)
            self.counts[func] += 1
            known, plain = {id(x.held): x for x in ours}, to is not None and not to_chip
            leaves, out_shape = tree_flatten(out)
            leaves = [x if plain or not isinstance(x, torch.Tensor) else known[id(x)] if id(x) in known
                      else OnChip(x, self, device) for x in leaves]  # fmt: skip
            return tree_unflatten(leaves, out_shape)

        def _note_format(self, ours):
            short = any(x.dtype is torch.bfloat16 for x in ours)
            self.emulated += short and self.spec.kind == "cuda" and self.spec.capability < (8, 0)

        def _compute(self, func, args, kwargs, device):
            if self.hollow and func is aten._local_scalar_dense.default:
                return 0.0 if args[0].dtype.is_floating_point else args[0].dtype is torch.bool or 1
            if self.hollow and func in (aten.equal.default, aten.is_nonzero.default):
                return True
            if self.capture is not None:
                if device is not None and device.index != library.current_device():
                    raise RuntimeError(f"a graph of {self.current} can't record what {device} does")
                self.capture.before(func, args)
            out = self._drawn(func, args, kwargs, device)
            if self.capture is not None:
                self.capture.done.append((func, args, kwargs, out))
            return out

        def _drawn(self, func, args, kwargs, device):
            """Random numbers are the chip's own: they don't move a CPU's on."""
            if (
                torch.Tag.nondeterministic_seeded not in func.tags
                or kwargs.get("generator")
                or self.hollow
            ):
                return self._as_there(func, args, kwargs)
            generator = self.generators[device.index]
            if any(argument.name == "generator" for argument in func._schema.arguments):
                return func(*args, **{**kwargs, "generator": generator})
            kept = torch.get_rng_state()
            torch.set_rng_state(generator.get_state())
            out = func(*args, **kwargs)
            generator.set_state(torch.get_rng_state())
            torch.set_rng_state(kept)
            return out

        def _as_there(self, func, args, kwargs):
            """A GPU sums products of float16 in float32, and has some operations that a CPU lacks."""
            if self.hollow and self._writes_only(func):
                return args[0] if func._schema.returns else None
            if (
                func in (aten._softmax.default, aten._log_softmax.default) and args[2]
            ):  # half to float
                return func(args[0].float(), args[1], False)
            if func in (
                aten._softmax_backward_data.default,
                aten._log_softmax_backward_data.default,
            ):
                return func(*args[:3], args[0].dtype).to(args[3])
            short = [x for x in args if isinstance(x, torch.Tensor) and x.dtype is torch.float16]
            if func is aten._to_copy.default:
                return self._counted(args[0], func(*args, **kwargs))
            if func._overloadpacket not in flop_registry or not short:
                return func(*args, **kwargs)

            def up(x):
                short = isinstance(x, torch.Tensor) and x.dtype is torch.float16
                return x.float() if short else x

            out = func(*map(up, args), **{name: up(x) for name, x in kwargs.items()})
            if isinstance(out, torch.Tensor):
                return self.half(out)
            sums = "backward" not in func._schema.name  # attention's second answer stays float32
            return tuple(x if sums and i == 1 or not isinstance(x, torch.Tensor) else self.half(x)
                         for i, x in enumerate(out))  # fmt: skip

        def _writes_only(self, func):
            """Whether an operation changes numbers in place, and nothing else: without numbers it does nothing."""
            schema = func._schema
            in_place = schema.is_mutable and schema.name.endswith("_") and len(schema.returns) < 2
            changes_shape = torch.Tag.inplace_view in func.tags or schema.name in (
                "aten::resize_",
                "aten::set_",
            )
            return in_place and not changes_shape

        def _copy_(self, to, source, non_blocking=False):
            here, there = (x.held if isinstance(x, OnChip) else x for x in (source, to))
            if isinstance(to, OnChip) != isinstance(source, OnChip) and not (
                isinstance(to, OnChip) and non_blocking
            ):
                self.wait()
            if not self.hollow or here.device == there.device:
                on = (to if isinstance(to, OnChip) else source).device
                self._compute(aten.copy_.default, (there, here), {}, on)
            return to

        def _to_cpu(self, x, kwargs):
            self.wait()
            dtype = kwargs.get("dtype") or x.dtype
            if self.hollow:
                return torch.ones(x.shape, dtype=dtype)
            return x.held.to(
                dtype, copy=True, memory_format=kwargs.get("memory_format") or torch.preserve_format
            )

        def _check_devices(self, func, args, flat, ours):
            others = [x for x in flat if isinstance(x, torch.Tensor) and x.device != ours[0].device]
            if func in TAKES_INDICES and isinstance(args[0], OnChip):  # which may come from a CPU
                others = [x for x in others if not any(x is index for index in args[1])]
            numbers = torch.Tag.pointwise in func.tags or func is aten.fill_.Tensor
            bad = [
                x for x in others if x.dim() or not numbers
            ]  # a single number may come from a CPU
            if bad:
                raise RuntimeError(
                    f"Expected all tensors to be on the same device, but found at least two devices, "
                    f"{ours[0].device} and {bad[0].device}! ({func})"
                )

        def _check_generators(self, flat, wanted):
            for x in flat:
                if isinstance(x, torch._C.Generator):
                    found = GENERATORS[x._cdata].on if x._cdata in GENERATORS else x.device
                    found = self.place(found) if found.type == self.spec.kind else found
                    if found != wanted:
                        raise RuntimeError(
                            f"Expected a '{wanted}' device type for generator but found '{found}'"
                        )


def _play(chip, later, torch, OnChip, Generator, library) -> None:
    """What PyTorch tells of a chip, and what it does with tensors outside of operations."""
    import torch.nn.functional as F

    spec, is_cuda = chip.spec, chip.spec.kind == "cuda"

    def put(where, **values):
        for name, value in values.items():
            own = (
                where.__dict__.get(name, put)
                if isinstance(where, type)
                else getattr(where, name, put)
            )
            setattr(where, name, value)
            later(
                functools.partial(delattr, where, name)
                if own is put
                else functools.partial(setattr, where, name, own)
            )

    class Nothing:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __getattr__(self, name):
            return lambda *_, **__: None

    def of(device=None):
        """The number of a device as PyTorch's functions take it: None, a number, a name, a torch.device."""
        if device is None:
            return library.current_device()
        return device if isinstance(device, int) else chip.place(torch.device(device)).index

    class Current:
        """``torch.cuda.device``: inside it that card is the current one."""

        def __init__(self, device):
            self.index = of(device)

        def __enter__(self):
            self.before = library.current_device()
            library.set_device(self.index)

        def __exit__(self, *_):
            library.set_device(self.before)

    def synchronize(device=None):
        chip.waited_for = of(device)
        chip.wait()

    def seeded(seed):
        for generator in chip.generators:
            generator.manual_seed(seed)

    major, minor = spec.capability
    about = SimpleNamespace(
        name=spec.name, major=major, minor=minor, total_memory=spec.memory, multi_processor_count=40
    )
    random = dict(
        get_rng_state=lambda device=None: chip.generators[of(device)].get_state(),
        set_rng_state=lambda state, device=None: chip.generators[of(device)].set_state(state),
        manual_seed=seeded, _is_in_bad_fork=lambda: False, synchronize=synchronize,
        empty_cache=lambda: None,
    )  # fmt: skip
    put(
        torch.cuda,
        is_available=lambda: is_cuda,
        device_count=lambda: spec.count * is_cuda,
        _lazy_init=lambda: None,
    )
    if is_cuda:
        put(
            torch.cuda, **random, manual_seed_all=seeded, current_device=library.current_device,
            get_device_name=lambda *_: spec.name, get_device_capability=lambda *_: spec.capability,
            get_device_properties=lambda *_: about,
            mem_get_info=lambda device=None: (spec.memory - OF_THE_CONTEXT - chip.used_on[of(device)], spec.memory),
            is_bf16_supported=lambda including_emulation=True: including_emulation or spec.capability >= (8, 0),
            memory_allocated=lambda device=None: chip.used_on[of(device)],
            memory_reserved=lambda device=None: chip.used_on[of(device)],
            max_memory_allocated=lambda device=None: chip.most,
            reset_peak_memory_stats=lambda device=None: setattr(chip, "most", chip.used_on[of(device)]),
            get_arch_list=lambda: ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"],
            set_device=chip.set_device, device=Current, Stream=Nothing, stream=Nothing, Event=Nothing,
            current_stream=Nothing, CUDAGraph=_Graph, graph=functools.partial(_Capture, chip),
        )  # fmt: skip
    else:
        put(torch.mps, **random, recommended_max_memory=lambda: spec.memory)
    put(torch.backends.mps, is_available=lambda: not is_cuda)
    put(
        torch, Generator=Generator, inference_mode=torch.no_grad
    )  # its tensors can't be views of ours
    for name in ("tensor", "as_tensor"):
        put(torch, **{name: _made_on_cpu(torch, getattr(torch, name))})
    own = {
        name: getattr(torch.Tensor, name)
        for name in ("numpy", "__array__", "tolist", "untyped_storage", "data_ptr", "__format__")
    }

    def instead(name, ours):
        put(
            torch.Tensor,
            **{
                name: lambda x, *a, **k: (
                    ours(x, *a, **k) if isinstance(x, OnChip) else own[name](x, *a, **k)
                )
            },
        )

    def no_numpy(x, *_, **__):
        raise TypeError(
            f"can't convert {x.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
            "memory first."
        )

    instead("numpy", no_numpy)
    instead("__array__", no_numpy)
    instead("tolist", lambda x: x.detach().cpu().tolist())
    instead("untyped_storage", lambda x: own["untyped_storage"](x.held))
    instead("data_ptr", lambda x: own["data_ptr"](x.held))
    instead(
        "__format__",
        lambda x, how: format(x.item(), how) if not x.dim() else own["__format__"](x, how),
    )
    own_attention = F.scaled_dot_product_attention

    def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, **more):
        """The fused one keeps no weights for the way back, as a GPU's."""
        if not isinstance(q, OnChip):
            return own_attention(q, k, v, attn_mask, dropout_p, is_causal, scale=scale, **more)
        if torch.is_autocast_enabled(spec.kind):
            q, k, v = (x.to(torch.get_autocast_dtype(spec.kind)) for x in (q, k, v))
        fused = (
            torch.backends.cuda.flash_sdp_enabled()
            or torch.backends.cuda.mem_efficient_sdp_enabled()
        )
        fused = fused and not (spec.kind == "mps" and q.requires_grad)  # PyTorch issue 179294
        if not fused or dropout_p or q.dim() != 4:
            return torch.ops.aten._scaled_dot_product_attention_math(
                q, k, v, attn_mask, dropout_p, is_causal, scale=scale
            )[0]
        if attn_mask is not None:
            if attn_mask.dtype is torch.bool:
                attn_mask = torch.zeros_like(attn_mask, dtype=q.dtype).masked_fill(
                    ~attn_mask, float("-inf")
                )
            attn_mask = attn_mask.expand(*q.shape[:3], k.size(2))
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, 0.0, is_causal, attn_mask=attn_mask, scale=scale)[0]  # fmt: skip

    put(F, scaled_dot_product_attention=attention)
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    # Module.to: each parameter stays the object it is.
    torch.__future__.set_swap_module_params_on_conversion(True)
    later(lambda: torch.__future__.set_swap_module_params_on_conversion(swaps))

    def swap_tensors(one, other):
        """As PyTorch's, but whoever else holds them, as an error's frames do: to a real chip that is nothing."""
        for name in ("__class__", "__dict__"):
            of_one = getattr(one, name)
            setattr(one, name, getattr(other, name))
            setattr(other, name, of_one)
        torch._C._swap_tensor_impl(one, other)

    put(torch.utils, swap_tensors=swap_tensors)
    put(torch.nn.Module, compile=lambda *_, **__: setattr(chip, "compiled", chip.compiled + 1))
    put(torch.compiler, set_stance=Nothing)
    profile = torch.profiler.profile
    put(
        torch.profiler,
        profile=lambda activities=None, **k: profile(
            activities=[torch.profiler.ProfilerActivity.CPU], **k
        ),
    )
    own_clock = time.perf_counter

    def clock():
        chip.clock_early = chip.busy
        caller = sys._getframe(1).f_code
        if chip.busy and re.search("ipython-input|ipykernel", caller.co_filename):
            chip.early.append(caller.co_name)
        return own_clock()

    put(time, perf_counter=clock)
    own_run = threading.Thread.run

    def run(thread):  # a thread begins without modes
        from torch.utils._python_dispatch import _pop_mode, _push_mode

        _push_mode(chip)
        try:
            own_run(thread)
        finally:
            _pop_mode()

    put(threading.Thread, run=run)


def _made_on_cpu(torch, make):
    """Of a list, PyTorch makes a tensor and sends it where no mode sees it."""
    keeps = make is torch.as_tensor

    def made(data, *args, device=None, requires_grad=False, **options):
        here = data if keeps and isinstance(data, torch.Tensor) else make(data, *args, **options)
        there = here if device is None else here.to(device)
        return there.requires_grad_() if requires_grad else there

    return made


class _Graph:
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


class _Capture:
    def __init__(self, chip, graph, **_):
        self.chip, self.graph = chip, graph

    def __enter__(self):
        self.chip.wait()
        self.chip.capture = self.graph

    def __exit__(self, *error):
        self.chip.capture = None
        for x, before in self.graph.kept.values():  # nothing is computed while a graph is captured
            x.copy_(before)
