"""Those words of ``triton.language`` that the course uses, written with PyTorch: where Triton is missing, this is tl.

A kernel written with them is one of Triton's: the words, their arguments and the rules for types are its own. What
it would answer with a crash, or with numbers of chance, is told here by name.

Source: triton-lang.org, the pages of triton.language; the interpreter in Triton's own triton/runtime/interpreter.py.
"""

import torch

from nbutils.kernels.held import KernelError, Tile, as_tile, fitting, together
from nbutils.kernels.memory import Launch, Pointer, running
from nbutils.words import sentence

__all__ = (
    "abs arange bfloat16 broadcast_to cdiv constexpr dot erf exp exp2 float16 float32 float64 full int1 int32 int64 "
    "load log log2 max maximum min minimum num_programs program_id rsqrt sigmoid sqrt static_range store sum "
    "trans where zeros"
).split()
int1, int32, int64 = torch.bool, torch.int32, torch.int64
float16, bfloat16, float32, float64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
static_range = range
LARGEST = 2**20  # numbers in a tile, as Triton has it
INNER = 16  # the least that tl.dot sums over, as Triton has it


class constexpr:
    """Marks what is known when a kernel is compiled: an argument, in the kernel's head, or a number of the program
    around it, ``tl.constexpr(64)``.

    Such a number is one of its own type, with itself as ``value``. True and False, of which Python derives nothing,
    are 1 and 0 by type and themselves in ``value``, which tiles take; None and a format need no mark.
    """

    def __new__(cls, value):
        if value is None or isinstance(value, torch.dtype):
            return value
        if not isinstance(value, int | float | str | tuple):
            raise KernelError(
                sentence(
                    "tl.constexpr marks a number, a text, several of them, true, false, None or a format, "
                    "not {value}",
                    value=repr(value),
                )
            )
        kind = int if isinstance(value, bool) else type(value)
        return type(cls.__name__, (kind,), {"value": value})(value)


def program_id(axis: int) -> Tile:
    """Which program this is, in that direction of the grid."""
    return _of_grid(_now("program_id").program, axis)


def num_programs(axis: int) -> Tile:
    """How many programs the grid has in that direction."""
    return _of_grid(_now("num_programs").grid, axis)


def arange(start: int, end: int) -> Tile:
    """start, start + 1, ... before end. Their number is a power of 2."""
    size = _size(end, "end") - _size(start, "start")
    _check_shape((size,), f"tl.arange({start}, {end})")
    return Tile(torch.arange(start, end, dtype=torch.int32))


def full(shape: tuple[int, ...], value: float, dtype: torch.dtype) -> Tile:
    """A tile of one number throughout. Each of its sizes is a power of 2."""
    shape = tuple(_size(n) for n in shape)
    _check_shape(shape)
    return Tile(torch.full(shape, as_tile(value).numbers.item(), dtype=dtype))


def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tile:
    """A tile of zeros. Each of its sizes is a power of 2."""
    return full(shape, 0, dtype)


def load(pointer: Pointer, mask=None, other=None, cache_modifier="", eviction_policy="") -> Tile:
    """The numbers at these addresses, from slow memory.

    Where ``mask`` is false nothing is read, and ``other`` stands there. Without ``other`` Triton leaves open what
    stands there; here it is nan (the smallest whole number, for those), so that it is seen if it is used.
    """
    _check_pointer(pointer, "tl.load")
    if other is not None and mask is None:
        raise KernelError(sentence("tl.load: other= has no meaning without mask="))
    at, mask = pointer.chosen(mask)
    dtype = pointer.memory.dtype
    if other is None:
        whole = dtype == torch.bool or dtype.is_floating_point
        numbers = torch.full(
            at.shape, float("nan") if whole else torch.iinfo(dtype).min, dtype=dtype
        )
    else:
        numbers = as_tile(other).numbers.to(dtype).expand(at.shape).clone()
    numbers[mask] = pointer.memory.load(at[mask], _now("load"))
    return Tile(numbers)


def store(pointer: Pointer, value, mask=None, cache_modifier="", eviction_policy="") -> None:
    """Write numbers to these addresses in slow memory, rounded to its format; where ``mask`` is false, nothing."""
    _check_pointer(pointer, "tl.store")
    value = as_tile(value)
    at, mask = pointer.chosen(mask)
    if fitting(at.shape, value.shape) != pointer.shape:
        raise KernelError(
            sentence(
                "tl.store has addresses of shape {shape} for values of shape {values} and a mask of "
                "shape {mask}: one address for each number",
                shape=pointer.shape,
                values=value.shape,
                mask=tuple(mask.shape),
            )
        )
    values = value.numbers.to(pointer.memory.dtype).expand(at.shape)
    pointer.memory.store(at[mask], values[mask], _now("store"))


def dot(
    a: Tile,
    b: Tile,
    acc: Tile | None = None,
    input_precision=None,
    allow_tf32=None,
    out_dtype=float32,
) -> Tile:
    """The matrix product (M, K) times (K, N), plus ``acc`` (M, N). Summed in float32, whatever the inputs' format.

    ``input_precision``: "ieee" makes a GPU multiply float32 as float32; else it shortens them to TF32 (10 bits after
    the point). On a CPU all is float32.
    """
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[0]:
        raise KernelError(
            sentence(
                "tl.dot multiplies (M, K) by (K, N); these are {a} and {b}",
                a=a.shape,
                b=b.shape,
            )
        )
    if a.dtype != b.dtype or not a.dtype.is_floating_point:
        raise KernelError(
            sentence(
                "tl.dot wants two tiles of one float format; these are {a} and {b}",
                a=a.dtype,
                b=b.dtype,
            )
        )
    if a.shape[1] < INNER:
        raise KernelError(
            sentence(
                "tl.dot sums over {numbers} numbers; a GPU's matrix units want at least {inner}",
                numbers=a.shape[1],
                inner=INNER,
            )
        )
    wide = torch.promote_types(a.dtype, torch.float32)
    product = (a.numbers.to(wide) @ b.numbers.to(wide)).to(torch.promote_types(a.dtype, out_dtype))
    return Tile(product if acc is None else product + acc.numbers)


def trans(x: Tile) -> Tile:
    """Rows become columns: (M, N) to (N, M)."""
    return x.T


def where(condition: Tile, x, y) -> Tile:
    """x where the condition is true, else y."""
    x, y = together(x, y)
    condition = as_tile(condition).numbers
    fitting(condition.shape, x.shape, y.shape)
    return Tile(torch.where(condition, x, y))


def cdiv(x, y):
    """x / y, rounded up to a whole number."""
    return (x + y - 1) // y


def broadcast_to(x: Tile, shape: tuple[int, ...]) -> Tile:
    """The same numbers, repeated to a larger shape."""
    if fitting(x.shape, shape) != tuple(shape):
        raise KernelError(
            sentence(
                "a tile of shape {shape} is not smaller than {other}",
                shape=x.shape,
                other=tuple(shape),
            )
        )
    return Tile(x.numbers.expand(shape))


def _reduction(name: str, function):
    """A word that makes one number of many: of all, or along one axis."""

    def reduce(input: Tile, axis: int | None = None, keep_dims: bool = False) -> Tile:
        short = input.dtype in (torch.float16, torch.bfloat16) and name != "sum"
        numbers = input.numbers.float() if short else input.numbers
        numbers = numbers.int() if numbers.dtype == torch.bool else numbers
        directions = len(input.shape)
        if axis is not None and not -directions <= axis < directions:
            raise KernelError(
                sentence(
                    "tl.{name}: axis={axis} is none of a tile of shape {shape}",
                    name=name,
                    axis=axis,
                    shape=input.shape,
                )
            )
        every = tuple(range(directions)) if axis is None else axis % directions
        out = function(numbers, every, keepdim=keep_dims)
        return Tile(out.to(numbers.dtype))

    reduce.__name__, reduce.__doc__ = name, f"The {name} of all numbers, or along an axis."
    return reduce


def _function(name: str, function):
    """A word that computes each number from one."""

    def compute(x: Tile) -> Tile:
        x = as_tile(x)
        if x.dtype not in (torch.float32, torch.float64):
            raise KernelError(
                sentence(
                    "tl.{name} takes float32, and this is {dtype}: write .to(tl.float32)",
                    name=name,
                    dtype=x.dtype,
                )
            )
        return Tile(function(x.numbers))

    compute.__name__, compute.__doc__ = name, f"{name} of each number; float32."
    return compute


def _pairwise(name: str, function):
    """A word that computes each number from two."""

    def compute(x, y) -> Tile:
        return Tile(function(*together(x, y)))

    compute.__name__, compute.__doc__ = name, f"The {name} of two numbers at each place."
    return compute


exp, exp2, log, log2 = (
    _function(name, getattr(torch, name)) for name in ("exp", "exp2", "log", "log2")
)
sqrt, rsqrt, erf = (_function(name, getattr(torch, name)) for name in ("sqrt", "rsqrt", "erf"))
sigmoid = _function("sigmoid", torch.sigmoid)
maximum, minimum = _pairwise("maximum", torch.maximum), _pairwise("minimum", torch.minimum)
max, min, sum = (
    _reduction("max", torch.amax),
    _reduction("min", torch.amin),
    _reduction("sum", torch.sum),
)


def abs(x: Tile) -> Tile:
    """Each number without its sign."""
    return Tile(as_tile(x).numbers.abs())


def _now(word: str) -> Launch:
    launch = running()
    if launch is None:
        raise KernelError(
            sentence(
                "tl.{word} has a meaning within a kernel alone, while it runs over its grid",
                word=word,
            )
        )
    return launch


def _of_grid(values: tuple[int, int, int], axis: int) -> Tile:
    if axis not in (0, 1, 2):
        raise KernelError(sentence("a grid has axes 0, 1 and 2; this asks for {axis}", axis=axis))
    return as_tile(values[axis])


def _size(n, of_range: str = "") -> int:
    """A size of a tile, or the "end" or the "start" of a range."""
    if not isinstance(n, int):
        what = sentence("a tile's size")
        if of_range:
            what = sentence("tl.arange's end" if of_range == "end" else "tl.arange's start")
        raise KernelError(
            sentence(
                "{what} is {n}, computed while the kernel runs; it must be known before. Give it as an "
                "argument that the kernel's head marks with : tl.constexpr",
                what=what,
                n=repr(n),
            )
        )
    return n


def _check_shape(shape: tuple[int, ...], what: str = "") -> None:
    numbers = 1
    for n in shape:
        numbers *= n
        if n < 1 or n & (n - 1):
            raise KernelError(
                sentence(
                    "{what} has {n} numbers in a direction, which is no power of 2: take the next one "
                    "(triton.next_power_of_2) and a mask for what is too much",
                    what=what or _tile(shape),
                    n=n,
                )
            )
    if numbers > LARGEST:
        raise KernelError(
            sentence(
                "{what} has {numbers} numbers; a program holds at most {largest} in one tile",
                what=what or _tile(shape),
                numbers=f"{numbers:,}",
                largest=f"{LARGEST:,}",
            )
        )


def _tile(shape: tuple[int, ...]) -> str:
    return sentence("a tile of shape {shape}", shape=shape)


def _check_pointer(pointer, word: str) -> None:
    if not isinstance(pointer, Pointer):
        raise KernelError(
            sentence(
                "{word} wants addresses (an argument of the kernel + whole numbers), not {pointer}",
                word=word,
                pointer=repr(pointer),
            )
        )


def __getattr__(name: str):
    raise AttributeError(
        sentence(
            "the course's stand-in for Triton has no tl.{name}, which Triton itself may have; it has "
            "{names}",
            name=name,
            names=", ".join(__all__),
        )
    )
