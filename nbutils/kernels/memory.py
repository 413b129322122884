"""Slow memory as a kernel sees it: rows of numbers with addresses, and what each program moves.

A GPU lets a program read and write where it likes; what is outside of a tensor is somebody else's. Here each address
is checked, each byte is counted, and it is known which program was where.
"""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import torch

from nbutils.device import cpu_by_default
from nbutils.kernels.held import KernelError, Tile, as_tile, fitting
from nbutils.words import sentence

NOBODY, SEVERAL = -1, -2  # in the place of a program's number
# What a program does where another has been: it loads what that has stored, stores over it, or over what that
# has loaded.
_LOADS, _STORES, _STORES_OVER = range(3)


@dataclass
class Moved:
    """Bytes between slow and fast memory: ``loaded`` by all programs together, and ``stored``.

    A number that several programs load counts for each. What a mask leaves out does not count.
    """

    loaded: int = 0
    stored: int = 0

    @property
    def total(self) -> int:
        """Bytes moved, both ways."""
        return self.loaded + self.stored


@dataclass
class Launch:
    """A kernel at work: its ``grid``, which ``program`` has its turn, what was ``moved``."""

    grid: tuple[int, int, int]
    program: tuple[int, int, int] = (0, 0, 0)
    number: int = 0  # of the program, in the order of their turns
    moved: Moved = field(default_factory=Moved)


_running: list[Launch] = []


def running() -> Launch | None:
    """The kernel that is at work."""
    return _running[-1] if _running else None


@contextlib.contextmanager
def at_work(launch: Launch) -> Iterator[None]:
    """Inside it, this is what `running` gives; numbers are computed in the formats that they have."""
    _running.append(launch)
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False), cpu_by_default():
            yield
    finally:
        _running.pop()


class Row:
    """One storage on which tensors given to a kernel have a share, as a row of numbers; and who used which of them.

    ``aside``: the kernel works on a copy, which stays one. Tensors of another format on the same storage have a row
    of their own.
    """

    def __init__(self, aside: bool = False):
        self.aside, self.names = aside, []
        self.first = self.end = 0  # in the storage, counted in numbers
        self.stored_by = self.loaded_by = self.lane = None

    def include(self, name: str, tensor: torch.Tensor) -> int:
        """Take a tensor in, before anything is used; gives how many numbers it has from its first to its last."""
        sizes = zip(tensor.shape, tensor.stride())
        size = 1 + sum((n - 1) * stride for n, stride in sizes) if tensor.numel() else 0
        start = tensor.storage_offset()
        self.first = min(self.first, start) if self.names else start
        self.end = max(self.end, start + size)
        self.names.append(name)
        self._tensor = tensor.detach()
        return size

    @functools.cached_property
    def there(self) -> torch.Tensor:
        """The numbers where they are, (n,)."""
        return self._tensor.as_strided((self.end - self.first,), (1,), self.first)

    @functools.cached_property
    def numbers(self) -> torch.Tensor:
        """The numbers on the CPU, (n,): a view, or a copy."""
        return self._bring()

    def _bring(self) -> torch.Tensor:
        numbers = self.there.cpu()  # on the CPU already, it is the same memory
        same = numbers.device == self.there.device
        return numbers.clone() if self.aside and same else numbers

    def users(self, kind: str) -> torch.Tensor:
        """``stored_by`` or ``loaded_by``, (n,), from its first use on."""
        if getattr(self, kind) is None:
            setattr(self, kind, torch.full((len(self.numbers),), NOBODY, dtype=torch.int32))
        return getattr(self, kind)

    def give_back(self) -> None:
        """Bring what was stored to where the tensors are."""
        if self.aside or self.stored_by is None or self.numbers.device == self.there.device:
            return
        stored = self.stored_by != NOBODY
        self.there[stored.to(self.there.device)] = self.numbers[stored].to(self.there.device)


class Memory:
    """A tensor as a kernel sees it: numbers in a row, from its first to its last.

    ``row``: what it shares with other tensors of the same storage; else it has one of its own.
    """

    def __init__(self, name: str, tensor: torch.Tensor, row: Row | None = None):
        self.name, self.dtype = name, tensor.dtype
        self.row = Row() if row is None else row
        self.size = self.row.include(name, tensor)
        self.offset = tensor.storage_offset()

    def _in_row(self, at: torch.Tensor) -> torch.Tensor:
        before = self.offset - self.row.first
        return at + before if before else at

    def load(self, at: torch.Tensor, launch: Launch) -> torch.Tensor:
        """The numbers at these addresses, (n,)."""
        self._check(at, storing=False)
        launch.moved.loaded += at.numel() * self.dtype.itemsize
        there = self._in_row(at)
        if self.row.stored_by is not None:
            self._apart(self.row.stored_by[there], at, launch, _LOADS)
        loaded_by = self.row.users("loaded_by")
        before = loaded_by[there]
        alone = (before == NOBODY) | (before == launch.number)
        loaded_by[there] = torch.where(alone, launch.number, SEVERAL).int()
        return self.row.numbers[there]

    def store(self, at: torch.Tensor, values: torch.Tensor, launch: Launch) -> None:
        """Write ``values`` (n,) to these addresses."""
        self._check(at, storing=True)
        launch.moved.stored += at.numel() * self.dtype.itemsize
        there = self._in_row(at)
        stored_by = self.row.users("stored_by")
        self._apart(stored_by[there], at, launch, _STORES)
        if self.row.loaded_by is not None:
            self._apart(self.row.loaded_by[there], at, launch, _STORES_OVER)
        if self.row.lane is None:
            self.row.lane = torch.empty(len(self.row.numbers), dtype=torch.int64)
        lanes = torch.arange(at.numel())
        self.row.lane[there] = lanes
        twice = self.row.lane[there] != lanes
        if twice.any():
            raise KernelError(
                sentence(
                    "one tl.store writes several numbers to {place}, and which of them stays is chance: each "
                    "number needs an address of its own (is a row's length missing in the address?)",
                    place=self._spell(at[twice][0]),
                )
            )
        stored_by[there] = launch.number
        self.row.numbers[there] = values

    def _check(self, at: torch.Tensor, storing: bool) -> None:
        if not at.numel():
            return
        low, high = at.aminmax()
        if low >= 0 and high < self.size:
            return
        outside = at[(at < 0) | (at >= self.size)]
        raise KernelError(
            sentence(
                "tl.store writes {place}, which is outside: {name} has {size} numbers, 0 to {last}. Give a "
                "mask= that is true for addresses inside"
                if storing
                else "tl.load reads {place}, which is outside: {name} has {size} numbers, 0 to {last}. Give "
                "a mask= that is true for addresses inside",
                place=self._spell(outside[0]),
                name=self.name,
                size=self.size,
                last=self.size - 1,
            )
        )

    def _apart(self, users: torch.Tensor, at: torch.Tensor, launch: Launch, what: int) -> None:
        """Programs don't wait for each other: what one stores is no other's to load or to store."""
        others = (users != NOBODY) & (users != launch.number)
        if others.any():
            user = int(users[others][0])
            several, names = user == SEVERAL, self.row.names
            who = "" if several else _place(user, launch.grid)
            told = _meeting(what, several, self._spell(at[others][0]), who)
            shared = sentence(" and ").join(names) if len(names) > 1 else ""
            raise KernelError(
                sentence(
                    "{told} ({shared} share memory). Programs don't wait for each other: on a GPU chance "
                    "decides which comes first"
                    if shared
                    else "{told}. Programs don't wait for each other: on a GPU chance decides which comes "
                    "first",
                    told=told,
                    shared=shared,
                )
            )

    def _spell(self, at: torch.Tensor) -> str:
        return f"{self.name}[{int(at)}]"


class Pointer:
    """Addresses in one tensor. ``at``: numbers from the tensor's first, int64, of any shape."""

    __slots__ = ("memory", "at")

    def __init__(self, memory: Memory, at: torch.Tensor):
        self.memory, self.at = memory, at

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.at.shape)

    @property
    def dtype(self) -> SimpleNamespace:
        """As Triton's: ``X.dtype.element_ty`` is the format of the numbers there."""
        return SimpleNamespace(element_ty=self.memory.dtype)

    def __add__(self, offset: "Tile | int") -> "Pointer":
        return self._moved(offset, torch.add)

    __radd__ = __add__

    def __sub__(self, offset: "Tile | int") -> "Pointer":
        return self._moved(offset, torch.sub)

    def _moved(self, offset, function) -> "Pointer":
        if isinstance(offset, Pointer):
            raise KernelError(
                sentence("two pointers are added; a pointer and whole numbers make an address")
            )
        offset = as_tile(offset, torch.int64)
        if offset.dtype.is_floating_point:
            raise KernelError(
                sentence(
                    "an address in {name} is computed with {dtype}: addresses are whole numbers",
                    name=self.memory.name,
                    dtype=offset.dtype,
                )
            )
        fitting(self.shape, offset.shape)
        return Pointer(self.memory, function(self.at, offset.numbers))

    def chosen(self, mask: "Tile | bool | None") -> tuple[torch.Tensor, torch.Tensor]:
        """Addresses, and which of them a mask lets through; both of the shape that they have together."""
        mask = torch.tensor(True) if mask is None else as_tile(mask).numbers
        if mask.dtype != torch.bool:
            raise KernelError(
                sentence(
                    "mask= is {dtype}: a mask is true or false, as a comparison gives it",
                    dtype=mask.dtype,
                )
            )
        fitting(self.shape, mask.shape)
        return torch.broadcast_tensors(self.at, mask)


def _place(number: int, grid: tuple[int, int, int]) -> tuple[int, int, int]:
    """Which program has its turn as number ``number`` (from 0)."""
    rest, z = divmod(number, grid[2])
    return (*divmod(rest, grid[1]), z)


def _meeting(what: int, several: bool, place: str, program: str) -> str:
    """Who has used a place before: ``several``, or the program of that number."""
    if what == _LOADS:
        return sentence(
            "it loads {place}, which several others have stored"
            if several
            else "it loads {place}, which program {program} has stored",
            place=place,
            program=program,
        )
    if what == _STORES:
        return sentence(
            "it stores to {place}, which several others have stored to"
            if several
            else "it stores to {place}, which program {program} has stored to",
            place=place,
            program=program,
        )
    return sentence(
        "it stores to {place}, which several others have loaded"
        if several
        else "it stores to {place}, which program {program} has loaded",
        place=place,
        program=program,
    )
