"""Is a student's value the expected one? If not: where they begin to differ, in a sentence."""

import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np
import torch

MOST = 6  # numbers of a tensor that are shown whole
# Relative and absolute: what rounding in that dtype may change in a few dozen operations.
TOLERANCE = {
    torch.float64: (1e-6, 1e-7),
    torch.float32: (1e-4, 1e-5),
    torch.bfloat16: (5e-2, 5e-2),
    torch.float16: (1e-2, 1e-2),
}


def difference(got, expected, dtype: torch.dtype = torch.float32) -> str:
    """A sentence that says how ``got`` differs from ``expected``; "" if it doesn't.

    Forms that mean the same are equal: a list, an array and a tensor of the same numbers; a number
    and a tensor without dimensions; a tuple and a list. dtype: that of the inputs; rounding in it
    is no difference.
    """
    if isinstance(expected, torch.Tensor):
        return _tensors(got, expected, dtype)
    if isinstance(expected, Mapping):
        return _mappings(got, expected, dtype)
    if isinstance(expected, (str, bytes)) or expected is None:
        if isinstance(got, bytearray):
            got = bytes(got)
        return "" if type(got) is type(expected) and got == expected else _instead(got, expected)
    if isinstance(expected, Sequence):
        return _sequences(got, expected, dtype)
    if isinstance(expected, numbers.Number):
        return _numbers(got, expected, dtype)
    return "" if got == expected else _instead(got, expected)


def _tensors(got, expected: torch.Tensor, dtype: torch.dtype) -> str:
    if isinstance(got, (list, tuple)) and any(getattr(one, "ndim", 0) for one in got):
        shapes = {tuple(one.shape) for one in got if hasattr(one, "shape")}
        each = f", each of shape {shapes.pop()}" if len(shapes) == 1 else ""
        return (
            f"it should give one tensor; yours gives {_kind(got)} of {len(got)}{each} (torch.stack or "
            "torch.cat makes one of them)"
        )
    tensor = _as_tensor(got)
    if tensor is None:
        return f"it should give a tensor; yours gives {_kind(got)}"
    tensor = tensor.detach().cpu()
    if tensor.shape != expected.shape:
        return f"the shape should be {tuple(expected.shape)}; yours is {tuple(tensor.shape)}"
    if _family(tensor.dtype) != _family(expected.dtype):
        return f"the dtype should be {_name(expected.dtype)}; yours is {_name(tensor.dtype)}"
    if tensor.is_floating_point():
        if tensor.isnan().any() and not expected.isnan().any():
            return f"{int(tensor.isnan().sum())} of {tensor.numel()} numbers are nan"
        relative, absolute = TOLERANCE[dtype]
        same = tensor.double().isclose(expected.double(), relative, absolute, equal_nan=True)
    else:
        same = tensor == expected
    if same.all():
        return ""
    if expected.numel() <= MOST:
        return f"it should be {shown(expected)}; yours is {shown(tensor)}"
    place = tuple((~same).nonzero()[0].tolist())
    at = f"[{', '.join(map(str, place))}]" if place else ""
    return (
        f"{int((~same).sum())} of {same.numel()} numbers differ, the first at {at}: it should be "
        f"{shown(expected[place])}; yours is {shown(tensor[place])}"
    )


def _as_tensor(value) -> torch.Tensor | None:
    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.as_tensor(np.array(value)) if _numeric(value) else None
    except (ValueError, TypeError):  # rows of different lengths
        return None


def _numeric(value) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_numeric, value))
    return isinstance(value, (numbers.Number, np.ndarray, np.generic, torch.Tensor))


def _family(dtype: torch.dtype) -> str:
    return "float" if dtype.is_floating_point else "bool" if dtype == torch.bool else "whole"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _numbers(got, expected, dtype: torch.dtype) -> str:
    if isinstance(got, (torch.Tensor, np.ndarray, np.generic)) and getattr(got, "ndim", 0) == 0:
        got = got.item()
    if isinstance(got, (torch.Tensor, np.ndarray)):
        return f"it should give one number; yours has the shape {tuple(got.shape)}"
    if not isinstance(got, numbers.Number):
        return f"it should give a number; yours gives {_kind(got)}"
    if isinstance(expected, (bool, int)) and isinstance(got, (bool, int)):
        same = got == expected
    else:
        relative, absolute = TOLERANCE[dtype]
        same = math.isclose(got, expected, rel_tol=relative, abs_tol=absolute)
        same = same or (math.isnan(got) and math.isnan(expected))
    return "" if same else _instead(got, expected)


def _sequences(got, expected: Sequence, dtype: torch.dtype) -> str:
    if isinstance(got, (torch.Tensor, np.ndarray)):
        got = got.tolist()
    if not isinstance(got, Sequence) or isinstance(got, (str, bytes)):
        return f"it should give {_kind(expected)}; yours gives {_kind(got)}"
    if len(got) != len(expected):
        many = f"{len(expected)} value{'s' * (len(expected) != 1)}"
        return f"it should give {many}; yours gives {len(got)}"
    if len(expected) <= MOST and all(isinstance(x, (str, bytes, int)) for x in expected):
        return "" if list(got) == list(expected) else _instead(got, expected)
    for i, (mine, right) in enumerate(zip(got, expected, strict=True)):
        if found := difference(mine, right, dtype):
            return f"at [{i}] {found}"
    return ""


def _mappings(got, expected: Mapping, dtype: torch.dtype) -> str:
    if not isinstance(got, Mapping):
        return f"it should give a dict; yours gives {_kind(got)}"
    for what, keys in (
        ("has no", expected.keys() - got.keys()),
        ("has", got.keys() - expected.keys()),
    ):
        if keys:
            key = sorted(keys, key=repr)[0]
            return f"yours {what} {key!r}" + (
                "" if what == "has no" else ", which should not be there"
            )
    for key, right in expected.items():
        if found := difference(got[key], right, dtype):
            return f"at [{key!r}] {found}"
    return ""


def _instead(got, expected) -> str:
    return f"it should be {shown(expected)}; yours is {shown(got)}"


def _kind(value) -> str:
    if value is None:
        return "None (is there a return?)"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def shown(value) -> str:
    """A value for people, in one line, cut where it is long."""
    if isinstance(value, torch.Tensor):
        if value.numel() > 24 or value.is_meta or value.layout is not torch.strided:
            return f"a tensor of shape {tuple(value.shape)}"
        value = value.detach().cpu()
        value = (
            value.double().numpy().round(4).tolist()
            if value.is_floating_point()
            else value.tolist()
        )
        return _cut(f"tensor({value})")
    elif isinstance(value, float):
        value = float(f"{value:.4g}")
    text = repr(value) if not callable(value) else getattr(value, "__name__", "a function")
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "…"
