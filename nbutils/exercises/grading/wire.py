"""Plain data on the pipe between a judge and the process that runs a notebook: JSON, and nothing else.

What comes from there is never run, unpickled or looked up by name. Numbers, texts, bytes, lists,
tuples, sets, dicts, ranges, tensors and arrays come out as they went in; of everything else comes an empty
object whose type has the same name. Sizes and depths have limits. A function that the judge sends is called
by number: what it is asked goes back over the pipe.
"""

import base64
import functools
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from types import SimpleNamespace

import numpy as np
import torch

LARGEST = 64 * 2**20  # bytes of a message
DEEPEST = 40  # lists in lists
MOST = 500_000  # values in a message
TAKEN = 10_000  # values that an iterator is asked for
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
        *(torch.complex64, torch.complex128),
    )
}
MOST_ATTRIBUTES = 3_000  # of an object that lacks one
NUMBERS = "biufc"  # kinds of NumPy's dtypes


class WireError(ValueError):
    """A message that can't be sent, or that is none."""


def to_bytes_of_json(message: dict) -> bytes:
    """A message as it is sent."""
    sent = json.dumps(message).encode("ascii")
    if len(sent) > LARGEST:
        raise WireError(f"what comes of it is larger than {LARGEST >> 20} MiB")
    return sent


def from_bytes_of_json(received: bytes) -> dict:
    """The message that was sent; raises WireError for anything else."""
    try:
        message = json.loads(received)
    except (ValueError, RecursionError, MemoryError):
        raise WireError("what came is no message") from None
    if not isinstance(message, dict):
        raise WireError("what came is no message")
    return message


# --- values ---------------------------------------------------------------------------------------


class Encoder:
    """Makes plain data of values. functions: those met on the way, which are sent by number."""

    def __init__(self, functions: list[Callable] | None = None):
        self.functions, self.left = functions, MOST

    def encode(self, value, depth: int = 0):
        """JSON for this value. Raises WireError if it is too much."""
        self.left -= 1
        if self.left < 0:
            raise WireError(f"what comes of it holds more than {MOST:,} values")
        if value is None or type(value) in (bool, float, str):
            return value
        if depth > DEEPEST:
            return _other(f"{type(value).__name__} that holds itself, or is nested too deep")
        for kind, encode in self._KINDS:
            if isinstance(value, kind):
                return encode(self, value, depth + 1)
        if callable(value) and self.functions is not None:
            self.functions.append(value)
            number = len(self.functions) - 1
            return {"is": "function", "of": number, "name": getattr(value, "__name__", "function")}
        return _other("function" if callable(value) else type(value).__name__)

    def _several(self, value, depth: int) -> dict:
        for kind, name in ((tuple, "tuple"), (frozenset, "frozenset"), (Set, "set")):
            if isinstance(value, kind):
                return {"is": name, "of": [self.encode(one, depth) for one in value]}
        return {"is": "list", "of": [self.encode(one, depth) for one in value]}

    def _mapping(self, value: Mapping, depth: int) -> dict:
        pairs = [[self.encode(one, depth) for one in pair] for pair in value.items()]
        return {"is": "dict", "of": pairs}

    def _iterator(self, value: Iterator, depth: int) -> dict:
        taken = [self.encode(one, depth) for one in itertools.islice(value, TAKEN)]
        return {"is": "iterator", "of": taken, "name": type(value).__name__}

    def _tensor(self, value: torch.Tensor, _) -> dict:
        dtype = str(value.dtype).removeprefix("torch.")
        if value.layout is not torch.strided or value.is_meta or dtype not in DTYPES:
            what = "device meta" if value.is_meta else f"{value.layout} and {value.dtype}"
            return _other(f"tensor with {what}")
        plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        raw = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        return {
            "is": "tensor",
            "of": _text(raw),
            "dtype": dtype,
            "shape": list(value.shape),
            "grad": value.requires_grad,
        }

    def _array(self, value: np.ndarray | np.generic, depth: int) -> dict:
        if isinstance(value, (np.str_, np.bytes_)):
            return self.encode(str(value) if isinstance(value, np.str_) else bytes(value), depth)
        if value.dtype.kind not in NUMBERS or value.dtype.itemsize > 16:
            return _other(f"array with dtype {value.dtype}")
        return {
            "is": "array" if isinstance(value, np.ndarray) else "scalar",
            "of": _text(value.tobytes()),
            "dtype": value.dtype.str,
            "shape": list(value.shape),
        }

    def _whole(self, value: int, _):
        value = int(value)
        return value if abs(value) < 2**63 else {"is": "int", "of": hex(value)}

    # The first that fits. NumPy's numbers before Python's, which some of them are as well.
    _KINDS = (
        (torch.Tensor, _tensor),
        ((np.ndarray, np.generic), _array),
        (bool, lambda self, value, _: bool(value)),
        (int, _whole),
        (float, lambda self, value, _: float(value)),
        (complex, lambda self, value, _: {"is": "complex", "of": [value.real, value.imag]}),
        (str, lambda self, value, _: str.__str__(value)),
        ((bytes, bytearray), lambda self, value, _: {"is": "bytes", "of": _text(bytes(value))}),
        (
            range,
            lambda self, value, _: {"is": "range", "of": [value.start, value.stop, value.step]},
        ),
        (Mapping, _mapping),
        (Iterator, _iterator),
        ((Sequence, Set), _several),
    )


def _other(name: str) -> dict:
    return {"is": "other", "name": name}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


class Decoder:
    """Makes values of plain data. call: takes a function's number and its arguments, where one was sent."""

    def __init__(self, call: Callable | None = None):
        self.call = call

    def decode(self, data):
        """The value; raises WireError if this is none."""
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        try:
            return self._KINDS[data["is"]](self, data)
        except WireError:
            raise
        except Exception:  # whatever is wrong with it
            raise WireError("what came is no value") from None

    def _all(self, data: dict) -> list:
        return [self.decode(one) for one in data["of"]]

    def _dict(self, data: dict) -> dict:
        return {self.decode(name): self.decode(value) for name, value in data["of"]}

    def _tensor(self, data: dict) -> torch.Tensor:
        dtype, raw, shape = DTYPES[data["dtype"]], bytearray(_raw(data)), _shape(data)
        if math.prod(shape) * dtype.itemsize != len(raw):
            raise WireError("a tensor's shape does not fit its numbers")
        if not raw:
            made = torch.empty(shape, dtype=dtype, device="cpu")
        else:
            made = torch.frombuffer(raw, dtype=dtype).reshape(shape)
        return made.requires_grad_(bool(data["grad"]) and made.is_floating_point())

    def _array(self, data: dict):
        dtype = np.dtype(data["dtype"])
        if dtype.kind not in NUMBERS:
            raise WireError("an array of no numbers")
        array = np.frombuffer(_raw(data), dtype=dtype).reshape(_shape(data)).copy()
        return array if data["is"] == "array" else array[()]

    def _iterator(self, data: dict) -> Iterator:
        return type(_name(data["name"]), (_Values,), {})(self._all(data))

    def _function(self, data: dict) -> Callable:
        if self.call is None:
            raise WireError("a function from where none may come")
        number, call = data["of"], self.call

        def function(*args):
            return call(number, args)

        function.__name__ = function.__qualname__ = data["name"]
        return function

    _KINDS = {
        "list": _all,
        "tuple": lambda self, data: tuple(self._all(data)),
        "set": lambda self, data: set(self._all(data)),
        "frozenset": lambda self, data: frozenset(self._all(data)),
        "dict": _dict,
        "range": lambda self, data: range(*map(int, data["of"])),
        "int": lambda self, data: int(data["of"], 16),
        "complex": lambda self, data: complex(*map(float, data["of"])),
        "bytes": lambda self, data: _raw(data),
        "tensor": _tensor,
        "array": _array,
        "scalar": _array,
        "iterator": _iterator,
        "function": _function,
        "other": lambda self, data: _type_of_others(_name(data["name"]))(),
    }


def _raw(data: dict) -> bytes:
    return base64.b64decode(data["of"])


def _shape(data: dict) -> list[int]:
    shape = [int(one) for one in data["shape"]]
    if min(shape, default=0) < 0 or len(shape) > 32:
        raise WireError("no shape")
    return shape


def _name(text: str) -> str:
    """A type's name to show: one line, not long."""
    shown = "".join(sign for sign in str(text) if sign.isprintable() and sign.isascii())
    return shown[:80] or "value"


@functools.lru_cache(1000)
def _type_of_others(name: str) -> type:
    """The type of what can't be sent. Two of them are alike: nobody knows better; nothing else equals one."""
    told = {"__eq__": lambda mine, other: type(mine) is type(other), "__hash__": object.__hash__}
    return type(name, (), told)


class _Values(Iterator):
    """What an iterator gave, once more."""

    def __init__(self, values: list):
        self._left = iter(values)

    def __next__(self):
        return next(self._left)


# --- what changed in place --------------------------------------------------------------------------


def write_back(value, after) -> None:
    """Make a tensor, list or dict what it is in ``after``, in place; its parts, too."""
    if isinstance(value, torch.Tensor) and isinstance(after, torch.Tensor):
        if value.requires_grad != after.requires_grad and value.is_leaf:
            value.requires_grad_(after.requires_grad)
        with torch.no_grad():
            if value.shape == after.shape and value.dtype == after.dtype:
                value.copy_(after)
            else:
                value.data = after.data
    elif isinstance(value, list) and isinstance(
        after, list
    ):  # one that refuses to be changed says so
        kept = [_written(*pair) for pair in zip(value, after)]
        value[:] = [*kept, *after[len(kept) :]]
    elif type(value) is dict and isinstance(after, dict):
        made = {k: _written(value[k], one) if k in value else one for k, one in after.items()}
        value.clear()
        value.update(made)
    elif isinstance(value, tuple) and isinstance(after, tuple):
        for mine, then in zip(value, after):
            write_back(mine, then)


def _written(value, after):
    """The value itself, changed, where it can be; else what it became."""
    if type(value) in (list, dict, torch.Tensor) and type(value) is type(after):
        write_back(value, after)
        return value
    if isinstance(value, tuple) and isinstance(after, tuple) and len(value) == len(after):
        return tuple(map(_written, value, after))
    return after


# --- exceptions -------------------------------------------------------------------------------------


def encode_error(error: BaseException) -> dict:
    """An exception as plain data: its type's name, those of its builtin types, its message."""
    try:
        says = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # its own __str__ fails
        says = ""
    own = type(error)
    name, owner = getattr(error, "name", None), getattr(error, "obj", None)
    has = dir(owner) if isinstance(error, AttributeError) and owner is not None else []
    return {
        "kind": own.__name__,
        "bases": [one.__name__ for one in own.__mro__ if one.__module__ == "builtins"],
        "says": says[:2000],
        "name": name if isinstance(name, str) else None,
        "owner": {"is": type(owner).__name__, "has": has[:MOST_ATTRIBUTES]} if has else None,
    }


def decode_error(data: dict) -> Exception | SystemExit:
    """An exception of the same builtin type, with the same message; a RuntimeError where it has none."""
    import builtins

    found = [getattr(builtins, str(name), None) for name in data.get("bases", ())]
    types = [one for one in found if isinstance(one, type)]
    base = next((one for one in types if issubclass(one, (Exception, SystemExit))), RuntimeError)
    kind, says = _name(data.get("kind", "")), str(data.get("says", ""))
    try:
        plain = base(says)
        if base.__name__ == kind and str(plain) == says:
            return _with_names(plain, data)
    except TypeError:  # UnicodeDecodeError wants five arguments
        pass
    told = {"__init__": lambda self: None, "__str__": lambda self: says}
    return _with_names(type(kind, (base,), told)(), data)


def _with_names(error: BaseException, data: dict) -> BaseException:
    """The error with the name that was not found, and of the object that lacks it something with the same names."""
    if hasattr(error, "name") and isinstance(data.get("name"), str):
        error.name = data["name"]
    if isinstance(error, AttributeError) and isinstance(owner := data.get("owner"), dict):
        plain = {"list": list, "tuple": tuple, "int": int, "float": float}.get(owner.get("is"))
        names = [one for one in owner.get("has", ()) if isinstance(one, str)]
        error.obj = plain() if plain else SimpleNamespace(**dict.fromkeys(names))
    return error
