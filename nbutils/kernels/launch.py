"""``triton.jit`` and what it makes, by our own means: a kernel runs its programs one after the other.

Where Triton is missing, this module is ``triton``.
"""

import dis
import functools
import inspect
import itertools
import sys
import types
from collections.abc import Callable

import torch

from nbutils.kernels import standin
from nbutils.kernels.held import KernelError, as_tile
from nbutils.kernels.memory import Launch, Memory, Moved, Pointer, Row, at_work, running
from nbutils.words import sentence

language = standin
FOR_THE_COMPILER = {"num_warps", "num_stages", "num_ctas", "maxnreg"}


class Kernel:
    """A function that each program of a grid runs: ``kernel[grid](arguments)``.

    Tensors become pointers, numbers become tiles of shape (); arguments marked ``tl.constexpr`` stay as they are.
    ``aside``: it works on copies of the tensors.
    """

    def __init__(self, fn: Callable, aside: bool = False):
        functools.update_wrapper(self, fn)
        self.fn, self.signature, self.aside = fn, inspect.signature(fn), aside
        self.constants = {
            name
            for name, parameter in self.signature.parameters.items()
            if _is_constexpr(parameter.annotation)
        }

    def __getitem__(self, grid) -> Callable[..., None]:
        return functools.partial(self.run, grid)

    def __call__(self, *arguments, **named):
        """Called by another kernel, it is a function like any other."""
        if running() is None:
            raise KernelError(
                sentence(
                    "a kernel is started with its grid, which says how many programs run: "
                    "{kernel}[(programs,)](...)",
                    kernel=self.__name__,
                )
            )
        return self.fn(*arguments, **named)

    def run(self, grid, *arguments, **named) -> Moved:
        """Run all programs of the grid, one after the other; gives the bytes that they moved.

        ``grid``: one to three numbers of programs, or a function that computes them from the arguments.
        Raises ``TypeError`` for arguments that are not the kernel's, `KernelError` for a mistake inside it.
        """
        named = {name: value for name, value in named.items() if name not in FOR_THE_COMPILER}
        try:
            bound = self.signature.bind(*arguments, **named)
        except TypeError as error:
            raise TypeError(f"{self.__name__}{self.signature}: {error}") from None
        bound.apply_defaults()
        self._check_names()
        now = Launch(self._sizes(grid, bound.arguments))
        rows, values = {}, {}
        for name, value in bound.arguments.items():
            values[name] = value if name in self.constants else self._argument(name, value, rows)
        with at_work(now):
            self._run_programs(now, values)
        for row in rows.values():
            row.give_back()
        return now.moved

    def _run_programs(self, now: Launch, values: dict) -> None:
        for number, program in enumerate(itertools.product(*map(range, now.grid))):
            now.number, now.program = number, program
            try:
                self.fn(**values)
            except KernelError as error:
                error.args = (f"{self.__name__}, program {program}: {error}",)
                raise

    def _check_names(self) -> None:
        """What Triton's compiler refuses: a kernel that reads names of the program around it."""
        marked = _marks(self.fn)
        for name, value in _names_around(self.fn).items():
            known = type(value).__name__ == "constexpr" or _is_constexpr(marked.get(name))
            if isinstance(value, bool | int | float | str | torch.Tensor) and not known:
                raise KernelError(
                    sentence(
                        "{kernel} reads {name}, which the program around it has: a kernel knows its arguments "
                        "alone. Give it as one, or mark it where it is made: {name} = tl.constexpr(...)",
                        kernel=self.__name__,
                        name=name,
                    )
                )
            if isinstance(value, types.FunctionType) and value.__module__ != standin.__name__:
                raise KernelError(
                    sentence(
                        "{kernel} calls {name}, which is no kernel: write @triton.jit before its definition",
                        kernel=self.__name__,
                        name=name,
                    )
                )

    def _argument(self, name: str, value, rows: dict):
        if isinstance(value, torch.Tensor):
            key = value.device, value.untyped_storage().data_ptr(), value.dtype
            row = rows.setdefault(key, Row(self.aside))
            return Pointer(Memory(name, value, row), torch.tensor(0, device="cpu"))
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return as_tile(value)
        raise TypeError(
            sentence(
                "{kernel}: {name} is a {kind}; a kernel takes tensors and numbers",
                kernel=self.__name__,
                name=name,
                kind=type(value).__name__,
            )
        )

    def _sizes(self, grid, arguments: dict) -> tuple[int, int, int]:
        grid = grid(arguments) if callable(grid) else grid
        right = isinstance(grid, tuple) and 1 <= len(grid) <= 3
        if not right or not all(isinstance(n, int) and n >= 0 for n in grid):
            raise KernelError(
                sentence(
                    "the grid of {kernel} is {grid}; it is a tuple of one to three whole numbers, how many "
                    "programs run in each direction: {kernel}[(4,)](...)",
                    kernel=self.__name__,
                    grid=repr(grid),
                )
            )
        return (*grid, *(1,) * (3 - len(grid)))


def jit(fn: Callable | None = None, **options) -> Kernel | Callable[[Callable], Kernel]:
    """Make a kernel of a function; ``@triton.jit`` before its definition."""
    return Kernel if fn is None else Kernel(fn)


def cdiv(x: int, y: int) -> int:
    """x / y, rounded up: how many tiles of y numbers hold x."""
    return (x + y - 1) // y


def next_power_of_2(n: int) -> int:
    """The smallest power of 2 that is at least n."""
    return 1 << (n - 1).bit_length()


def in_our_words(fn: Callable) -> Callable:
    """The same function, with the stand-in's words where it has Triton's; other kernels that it calls as well."""
    while not isinstance(fn, types.FunctionType):  # a kernel, or what Triton has put around one
        fn = fn.fn
    known = {name: _ours(value) for name, value in _names_around(fn).items()}
    known |= {"__builtins__": fn.__globals__.get("__builtins__", {}), "__annotations__": _marks(fn)}
    inside = tuple(types.CellType(_ours(cell.cell_contents)) for cell in fn.__closure__ or ())
    made = types.FunctionType(fn.__code__, known, fn.__name__, fn.__defaults__, inside)
    made.__kwdefaults__, made.__annotations__ = fn.__kwdefaults__, fn.__annotations__
    return made


def _marks(fn: types.FunctionType) -> dict:
    """The annotations of the program around a function, by name.

    From Python 3.14 on they are computed when the module is asked, and its dictionary may lack them.
    """
    module = sys.modules.get(fn.__globals__.get("__name__"))
    if module is not None and vars(module) is fn.__globals__:
        return getattr(module, "__annotations__", {})
    return fn.__globals__.get("__annotations__", {})


def _names_around(fn: types.FunctionType) -> dict:
    """What a function reads of the program around it, by name."""
    used = {one.argval for one in dis.get_instructions(fn) if one.opname == "LOAD_GLOBAL"}
    found = {name: fn.__globals__[name] for name in used if name in fn.__globals__}
    return found | dict(
        zip(fn.__code__.co_freevars, (cell.cell_contents for cell in fn.__closure__ or ()))
    )


def _ours(value):
    """What the stand-in has in the place of something of Triton's; other things as they are."""
    kind, name = type(value).__name__, getattr(value, "__name__", "")
    if kind in ("JITFunction", "InterpretedFunction"):
        own = not value.fn.__module__.startswith("triton.")
        return Kernel(in_our_words(value)) if own else getattr(standin, name)
    home = name if isinstance(value, types.ModuleType) else str(getattr(value, "__module__", ""))
    if kind == "constexpr" and home.startswith("triton."):
        return standin.constexpr(_ours(value.value))
    if kind == "dtype" and home.startswith("triton."):
        theirs = vars(sys.modules["triton.language"])
        return next(getattr(standin, w) for w in standin.__all__ if theirs.get(w) is value)
    if name == "triton":
        return sys.modules[__name__]
    if home.startswith("triton."):
        return standin if isinstance(value, types.ModuleType) else getattr(standin, name)
    return value


def _is_constexpr(annotation) -> bool:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] == "constexpr"


def __getattr__(name: str):
    raise AttributeError(
        sentence(
            "the course's stand-in for Triton has no triton.{name}, which Triton itself may have; it "
            "has cdiv, jit, language, next_power_of_2",
            name=name,
        )
    )
