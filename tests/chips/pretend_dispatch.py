"""What becomes of each operation of PyTorch on a pretend chip. Only pretend.load imports this."""

import contextlib
import ctypes
import gc
import weakref
from collections import Counter

import pretend_patches
import torch
from pretend import OF_THE_CONTEXT, Spec
from pretend_tensors import GENERATORS, Generator, OnChip, Room
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
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
    """Inside it there is the chip."""

    library: ctypes.CDLL  # of pretend.cpp, by pretend.load

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
        return torch.device(self.spec.kind, self.library.current_device())

    def place(self, device):
        """The chip that a device means: "cuda" is the current one."""
        return self.current if device.index is None else device

    def index(self, device=None):
        """The number of a device as PyTorch's functions take it: None, a number, a name, a torch.device."""
        if device is None:
            return self.library.current_device()
        return device if isinstance(device, int) else self.place(torch.device(device)).index

    def set_device(self, device):
        self.library.set_device(self.index(device))

    def __enter__(self):
        OnChip.chip, self.undo = self, contextlib.ExitStack()
        pretend_patches.play(self, self.undo.callback)
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.undo.close()
        OnChip.chip = None

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
            place if isinstance(x, torch.device) and x.type in ("cuda", "mps") else x for x in inner
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
            if device is not None and device.index != self.library.current_device():
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
        if func in (aten._softmax.default, aten._log_softmax.default) and args[2]:  # half to float
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
        bad = [x for x in others if x.dim() or not numbers]  # a single number may come from a CPU
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
