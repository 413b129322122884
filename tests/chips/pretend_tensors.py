"""What is on a pretend chip: tensors, their memory, generators. Only pretend.load imports this."""

import weakref

import torch

GENERATORS = weakref.WeakValueDictionary()  # operations get another object for the same generator


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

    chip = None  # the one that is played now

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
        return cls.chip.run(func, args, kwargs or {})


class Room:
    """The memory of one storage on the chip."""

    def __init__(self, chip, size, index):
        self.chip, self.size, self.index = chip, 0, index
        chip.take(size, index)
        self.size = size  # not before: what there was no room for is not given back

    def __del__(self):
        self.chip.used_on[self.index] -= self.size
