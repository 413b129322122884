"""What a program holds in its fast memory: tiles of numbers, and arithmetic on them by Triton's rules.

The rules are Triton's and not PyTorch's where the two differ: a kernel that runs here runs on a GPU.

Source: Triton's documentation, "Type Promotion" and "Broadcasting" (triton-lang.org, Triton Semantics).
"""

import functools
import itertools
import operator

import torch

from nbutils.words import sentence

SHORT = (torch.float16, torch.bfloat16)


class KernelError(ValueError):
    """A mistake in a kernel: what it did, which program did it, and what would be right."""


class Tile:
    """A block of numbers that a program holds. ``shape``: () for a single number.

    It has what Triton's own has, as far as the course needs it: arithmetic, comparison, ``&``, ``|``, ``~``,
    ``<<``, ``>>``, ``[:, None]``, ``.to(dtype)``, ``.T``.
    """

    __slots__ = ("numbers",)
    __array_priority__ = 1000

    def __init__(self, numbers: torch.Tensor):
        self.numbers = numbers

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.numbers.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.numbers.dtype

    @property
    def T(self) -> "Tile":
        if len(self.shape) != 2:
            raise KernelError(
                sentence(
                    "only a tile of two directions is transposed; this one is {shape}",
                    shape=self.shape,
                )
            )
        return Tile(self.numbers.T)

    def to(self, dtype: torch.dtype) -> "Tile":
        """The same numbers in another format, rounded to it."""
        return Tile(self.numbers.to(dtype))

    def __getitem__(self, index) -> "Tile":
        parts = index if isinstance(index, tuple) else (index,)
        if any(part is not None and part != slice(None) for part in parts):
            raise KernelError(
                sentence(
                    "[{index}] picks numbers out of a tile, which a kernel can't: tl.load with a mask, or "
                    "tl.where, chooses them; [:, None] and [None, :] add a direction",
                    index=index,
                )
            )
        return Tile(self.numbers[index])

    def __bool__(self) -> bool:
        if self.shape:
            raise KernelError(
                sentence(
                    "a tile of shape {shape} is not true or false as a whole: `if`, `and`, `or`, `not` want "
                    "a single number. For each number: tl.where, and & | ~ with parentheses around "
                    "comparisons",
                    shape=self.shape,
                )
            )
        return bool(self.numbers)

    def __index__(self) -> int:
        if self.shape or self.dtype.is_floating_point:
            raise KernelError(
                sentence(
                    "{tile} is not a whole number, as `range` or a shape needs it", tile=repr(self)
                )
            )
        return int(self.numbers)

    def __repr__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        return f"Tile({self.numbers.tolist()}, {dtype})"

    def __neg__(self):
        return Tile(-self.numbers)

    def __invert__(self):
        return Tile(~self.numbers)

    __hash__ = None


def as_tile(value: "Tile | float", like: torch.dtype | None = None) -> Tile:
    """A number as a tile of shape (); a tile as it is.

    A whole number takes the dtype ``like``, a broken one where that is a float format; else int32 (int64 for a large
    one) or float32. Raises `KernelError` where it does not fit, as Triton does.
    """
    if isinstance(value, Tile):
        return value
    value = getattr(value, "value", value)  # of what tl.constexpr marks
    if isinstance(value, bool):
        return Tile(_number(value, torch.bool))
    if not isinstance(value, int | float):
        raise KernelError(sentence("{value} is neither a tile nor a number", value=repr(value)))
    whole = isinstance(value, int)
    if like is None or like == torch.bool or not (whole or like.is_floating_point):
        small = whole and -(2**31) <= value < 2**31
        like = torch.int32 if small else torch.int64 if whole else torch.float32
    return Tile(_number(value, like))


@functools.lru_cache(maxsize=256)
def _number(value: float, dtype: torch.dtype) -> torch.Tensor:
    whole = dtype != torch.bool and not dtype.is_floating_point
    if whole and not torch.iinfo(dtype).min <= value <= torch.iinfo(dtype).max:
        name = str(dtype).removeprefix("torch.")
        raise KernelError(
            sentence(
                "{name} can't hold {value}"
                if dtype == torch.int64
                else "{name} can't hold {value}: .to(tl.int64) makes a tile that can",
                name=name,
                value=f"{value:,}",
            )
        )
    return torch.tensor(value, dtype=dtype, device="cpu")


def together(*values: "Tile | float", divide: bool = False) -> list[torch.Tensor]:
    """Operands as tensors of one dtype and of shapes that fit each other.

    A Python number takes the tile's dtype; of two tiles the wider dtype wins. ``divide``: a quotient of float16
    or bfloat16 is computed in float32.
    """
    wide = functools.reduce(_wider, (x.numbers.dtype for x in values if isinstance(x, Tile)), None)
    numbers = [as_tile(x, wide).numbers for x in values]
    wide = functools.reduce(_wider, (x.dtype for x in numbers))
    shapes = {x.shape for x in numbers}
    if len(shapes) > 1:
        fitting(*shapes)
    wide = torch.float32 if divide and wide in SHORT else wide
    return [x if x.dtype == wide else x.to(wide) for x in numbers]


def _wider(one: torch.dtype | None, other: torch.dtype) -> torch.dtype:
    return other if one is None or one == other else torch.promote_types(one, other)


@functools.lru_cache(maxsize=1024)
def fitting(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that several broadcast to. Raises `KernelError`."""
    sizes = []
    for column in itertools.zip_longest(*map(reversed, shapes), fillvalue=1):
        wide = {n for n in column if n != 1}
        if len(wide) > 1:
            told = sentence(" and ").join(str(tuple(shape)) for shape in shapes)
            raise KernelError(
                sentence(
                    "shapes {shapes} don't fit each other: from the right, sizes are equal or 1. [:, None] "
                    "makes a column, [None, :] a row",
                    shapes=told,
                )
            )
        sizes.append(wide.pop() if wide else 1)
    return tuple(reversed(sizes))


def _divide(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a / b if a.dtype.is_floating_point else a.float() / b.float()


def _floor_divide(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.dtype.is_floating_point:
        raise KernelError(sentence("// divides whole numbers; for others write /"))
    return torch.div(a, b, rounding_mode="trunc")  # as C does, and so a GPU


def _shift(function, a: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    if a.dtype.is_floating_point or a.dtype == torch.bool:
        raise KernelError(
            sentence("<< and >> shift whole numbers; these are {dtype}", dtype=a.dtype)
        )
    bits = torch.iinfo(a.dtype).bits
    if ((by < 0) | (by >= bits)).any():
        raise KernelError(
            sentence(
                "<< and >> shift by 0 to {bits} bits here; what comes of others is chance",
                bits=bits - 1,
            )
        )
    return function(a, by)


def _operators() -> None:
    """Give `Tile` its operators, from both sides."""
    plain = ("add", "sub", "mul", "and_", "or_", "xor", "lt", "le", "gt", "ge", "eq", "ne")
    functions = {name.strip("_"): getattr(operator, name) for name in plain}
    functions |= {"truediv": _divide, "floordiv": _floor_divide, "mod": torch.fmod}
    shifts = {"lshift": torch.bitwise_left_shift, "rshift": torch.bitwise_right_shift}
    functions |= {name: functools.partial(_shift, shift) for name, shift in shifts.items()}
    for name, function in functions.items():
        divide = function in (_divide, torch.fmod)

        def left(self, other, function=function, divide=divide):
            if not isinstance(other, Tile | int | float):
                return NotImplemented
            return Tile(function(*together(self, other, divide=divide)))

        def right(self, other, function=function, divide=divide):
            if not isinstance(other, int | float):
                return NotImplemented
            return Tile(function(*together(other, self, divide=divide)))

        setattr(Tile, f"__{name}__", left)
        if name not in ("lt", "le", "gt", "ge", "eq", "ne"):
            setattr(Tile, f"__r{name}__", right)


_operators()
