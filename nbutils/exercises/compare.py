"""Is a student's value the expected one? If not: where they begin to differ, in a sentence."""

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nbutils.words import sentence

SHOWN_WHOLE = 6  # numbers of a tensor, or values of a list
# Relative and absolute: what rounding in that dtype may change in a few dozen operations.
TOLERANCE = {
    torch.float64: (1e-6, 1e-7),
    torch.float32: (1e-4, 1e-5),
    torch.bfloat16: (5e-2, 5e-2),
    torch.float16: (1e-2, 1e-2),
}
# Of Python's numbers, which are float64 unless they come out of a tensor.
NUMBERS = {torch.float64: (1e-6, 1e-9), torch.float32: (1e-5, 1e-7)}


@dataclass(frozen=True)
class Consumed:
    """What an iterator gave, in its place: ``kind`` is the iterator's type."""

    kind: str
    values: list


def difference(got, expected, dtype: torch.dtype = torch.float32) -> str:
    """A sentence that says how ``got`` differs from ``expected``; "" if it doesn't.

    Forms that mean the same are equal: a list, an array and a tensor of the same numbers; a number
    and a tensor without dimensions; a tuple and a list. dtype: that of the inputs; rounding in it
    is no difference.
    """
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(got, expected, dtype)
    if isinstance(expected, Mapping):
        return _mapping_difference(got, expected, dtype)
    if isinstance(expected, (str, bytes)) or expected is None:
        got = bytes(got) if isinstance(got, bytearray) else got
        same = isinstance(got, type(expected)) and got == expected
        return "" if same else _should_be(expected, got)
    if isinstance(expected, Sequence):
        return _sequence_difference(got, expected, dtype)
    if isinstance(expected, numbers.Number):
        return _number_difference(got, expected, dtype)
    return "" if got == expected else _should_be(expected, got)


def is_same(one, other) -> bool:
    """Whether two values are the same to the last digit, in the same form; nan is nan."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
            return False
        return bool(((one == other) | ((one != one) & (other != other))).all())
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(
            one, other, equal_nan=one.dtype.kind in "fc"
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return one == other or (one != one and other != other)
    return one is other or (isinstance(one, (str, bytes, bytearray, int, set)) and one == other)


def _tensor_difference(got, expected: torch.Tensor, dtype: torch.dtype) -> str:
    if isinstance(got, (list, tuple)) and any(getattr(one, "ndim", 0) for one in got):
        return _list_of_tensors(got)
    tensor = as_tensor(got)
    if tensor is None:
        return sentence("it should give a tensor; yours gives {mine}", mine=type_in_words(got))
    tensor = tensor.detach().cpu()
    if tensor.shape != expected.shape:
        return sentence(
            "the shape should be {right}; yours is {mine}",
            right=tuple(expected.shape),
            mine=tuple(tensor.shape),
        )
    if _kind_of_dtype(tensor.dtype) != _kind_of_dtype(expected.dtype):
        return sentence(
            "the dtype should be {right}; yours is {mine}",
            right=_name(expected.dtype),
            mine=_name(tensor.dtype),
        )
    if tensor.is_floating_point() and tensor.isnan().any() and not expected.isnan().any():
        n = int(tensor.isnan().sum())
        return sentence("{n} of {all} numbers are nan", n=n, all=tensor.numel())
    return _value_difference(tensor, expected, dtype)


def _list_of_tensors(got: list | tuple) -> str:
    shapes = {tuple(one.shape) for one in got if hasattr(one, "shape")}
    return sentence(
        "it should give one tensor; yours gives {mine} of {n}, each of shape {shape} (torch.stack or torch.cat "
        "makes one of them)"
        if len(shapes) == 1
        else "it should give one tensor; yours gives {mine} of {n} (torch.stack or torch.cat makes one of them)",
        mine=type_in_words(got),
        n=len(got),
        shape=next(iter(shapes), ""),
    )


def _value_difference(tensor: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> str:
    """As `difference`, for two tensors of the same shape and kind of dtype."""
    if tensor.is_floating_point():
        relative, absolute = TOLERANCE[dtype]
        same = tensor.double().isclose(expected.double(), relative, absolute, equal_nan=True)
    else:
        same = tensor == expected
    if same.all():
        return ""
    if expected.numel() <= SHOWN_WHOLE:
        return _should_be(expected, tensor)
    index = tuple((~same).nonzero()[0].tolist())
    return sentence(
        "{n} of {all} numbers differ, the first at [{place}]: {difference}",
        n=int((~same).sum()),
        all=same.numel(),
        place=", ".join(map(str, index)),
        difference=_should_be(expected[index], tensor[index]),
    )


def as_tensor(value) -> torch.Tensor | None:
    """The value as a tensor; None if it is no number and no table of numbers."""
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


def _kind_of_dtype(dtype: torch.dtype) -> str:
    return "float" if dtype.is_floating_point else "bool" if dtype == torch.bool else "whole"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _number_difference(got, expected, dtype: torch.dtype) -> str:
    if isinstance(got, (torch.Tensor, np.ndarray, np.generic)) and getattr(got, "ndim", 0) == 0:
        got = got.item()
    if isinstance(got, (torch.Tensor, np.ndarray)):
        return sentence(
            "it should give one number; yours has the shape {shape}", shape=tuple(got.shape)
        )
    if not isinstance(got, numbers.Number):
        return sentence("it should give a number; yours gives {mine}", mine=type_in_words(got))
    if isinstance(expected, (bool, int)) and isinstance(got, (bool, int)):
        same = got == expected
    else:
        relative, absolute = NUMBERS.get(dtype, TOLERANCE[dtype])
        same = math.isclose(got, expected, rel_tol=relative, abs_tol=absolute)
        same = same or (math.isnan(got) and math.isnan(expected))
    return "" if same else _should_be(expected, got)


def _sequence_difference(got, expected: Sequence, dtype: torch.dtype) -> str:
    if isinstance(got, (torch.Tensor, np.ndarray)):
        got = got.tolist()
    if not isinstance(got, Sequence) or isinstance(got, (str, bytes)):
        return sentence(
            "it should give {right}; yours gives {mine}",
            right=type_in_words(expected),
            mine=type_in_words(got),
        )
    if len(got) != len(expected):
        return sentence(
            "it should give {right} values; yours gives {mine}"
            if len(expected) != 1
            else "it should give {right} value; yours gives {mine}",
            right=len(expected),
            mine=len(got),
        )
    if len(expected) <= SHOWN_WHOLE and all(isinstance(x, (str, bytes, int)) for x in expected):
        if list(got) == list(expected):
            return ""
        return _should_be(expected, got, whole=_is_rounded(got, expected))
    for i, (mine, right) in enumerate(zip(got, expected, strict=True)):
        if found := difference(mine, right, dtype):
            return sentence("at [{place}] {difference}", place=i, difference=found)
    return ""


def _is_rounded(got: Sequence, expected: Sequence) -> bool:
    """Whether these are the numbers that are expected, but for the rounding of a float."""
    return all(
        isinstance(mine, numbers.Real)
        and isinstance(right, numbers.Real)
        and abs(mine - right) <= 1e-9 * abs(right)
        for mine, right in zip(got, expected, strict=True)
    )


def _mapping_difference(got, expected: Mapping, dtype: torch.dtype) -> str:
    if not isinstance(got, Mapping):
        return sentence("it should give a dict; yours gives {mine}", mine=type_in_words(got))
    if missing := expected.keys() - got.keys():
        return sentence("yours has no {key}", key=repr(min(missing, key=repr)))
    if extra := got.keys() - expected.keys():
        return sentence(
            "yours has {key}, which should not be there", key=repr(min(extra, key=repr))
        )
    for key, right in expected.items():
        if found := difference(got[key], right, dtype):
            return sentence("at [{place}] {difference}", place=repr(key), difference=found)
    return ""


def _should_be(expected, got, whole: bool = False) -> str:
    """whole: the numbers are right, but no whole ones."""
    is_got = type_in_words(got) if got is None else format_value(got)
    should = format_value(expected)
    if should == is_got and (digits := _all_digits(expected, got)):
        should, is_got = digits
    return sentence(
        "it should be {right}; yours is {mine} (give whole numbers: use // instead of /)"
        if whole
        else "it should be {right}; yours is {mine}",
        right=should,
        mine=is_got,
    )


def _all_digits(expected, got) -> tuple[str, str] | None:
    """Two numbers with the digits in which they differ; None if they are no two numbers."""
    one, other = as_tensor(expected), as_tensor(got)
    if one is None or other is None or one.numel() != 1 or other.numel() != 1:
        return None
    return f"{one.item():.9g}", f"{other.item():.9g}"


def type_in_words(value) -> str:
    """Its type with an article: "a list", "an int"."""
    if value is None:
        return sentence("None (is there a return?)")
    name = value.kind if isinstance(value, Consumed) else type(value).__name__
    return sentence("an {type}" if name[0] in "aeiou" else "a {type}", type=name)


def format_value(value) -> str:
    """A value for people, in one line, cut where it is long."""
    if isinstance(value, torch.Tensor):
        return _format_tensor(value)
    if isinstance(value, float):
        value = float(f"{value:.4g}")
    if isinstance(value, Consumed):
        return type_in_words(value)
    text = getattr(value, "__name__", sentence("a function")) if callable(value) else repr(value)
    return type_in_words(value) if " at 0x" in text else _cut(text)  # an address says nothing


def _format_tensor(value: torch.Tensor) -> str:
    if value.numel() > 24 or value.is_meta or value.layout is not torch.strided:
        return sentence("a tensor of shape {shape}", shape=tuple(value.shape))
    value = value.detach().cpu()
    if value.is_floating_point():
        return _cut(f"tensor({value.double().round(decimals=4).tolist()})")
    return _cut(f"tensor({value.tolist()})")


def _cut(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "…"
