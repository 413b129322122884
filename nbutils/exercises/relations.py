"""How wrong numbers are related to the right ones: "twice the right one in every case".

A relation that holds in some cases only is not told.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch

from nbutils.exercises.compare import as_tensor
from nbutils.words import sentence

FEWEST = 3  # different numbers in which a relation must show before it is told
CLOSE = 1e-4  # relative: how well a relation must hold
# Of a case's largest number: errors with which a result is right to a few digits, and to the last.
DIGITS = (1e-5, 1e-2)
EXACT = 1e-6


def relation(results: Sequence, expected: Sequence) -> str:
    """A sentence on one relation between all numbers and the right ones; "" if none is seen.

    results, expected: of all cases: numbers, tensors or lists of numbers.
    """
    pairs = [_numbers(mine, right) for mine, right in zip(results, expected)]
    if any(pair is None for pair in pairs):
        return ""
    mine, right = (torch.cat(column) for column in zip(*pairs))
    if not mine.any() and right.any():
        return sentence(
            "Your function gives zeros only. Is what was computed thrown away, or is a tensor of zeros given "
            "before anything is written into it?"
        )
    if not (mine.isfinite().all() and right.isfinite().all()):
        return ""
    if len(set(right.tolist())) < FEWEST:
        return ""
    if all(map(_is_whole, expected)):
        return _factor(pairs, mine, right)
    if all(_close(*pair) for pair in pairs):
        return _digits(pairs)
    for says, function in _relations():
        if _holds(pairs, function):
            return says
    return _factor(pairs, mine, right) or _digits(pairs)


def _numbers(mine, right) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Both as rows of floats; None if they aren't the same number of numbers."""
    one, other = as_tensor(mine), as_tensor(right)
    if one is None or other is None or one.shape != other.shape or one.is_complex():
        return None
    if one.dtype == torch.bool:
        return None
    return one.detach().double().flatten(), other.detach().double().flatten()


def _relations() -> Iterator[tuple[str, Callable]]:
    """What is said where all numbers are so related to the right ones, and the relation."""
    yield sentence("In every case yours is minus the right one."), torch.neg
    yield sentence("In every case yours is the absolute value of the right one."), torch.abs
    yield sentence("In every case yours is the natural logarithm of the right one."), torch.log
    yield (
        sentence("In every case yours is minus the natural logarithm of the right one."),
        lambda x: -torch.log(x),
    )
    yield sentence("In every case yours is e to the power of the right one."), torch.exp
    yield sentence("In every case yours is 2 to the power of the right one."), torch.exp2
    yield sentence("In every case yours is the logarithm to base 2 of the right one."), torch.log2
    yield sentence("In every case yours is the square of the right one."), torch.square
    yield sentence("In every case yours is the square root of the right one."), torch.sqrt
    yield sentence("In every case yours is 1 divided by the right one."), torch.reciprocal
    yield sentence("In every case yours is 1 minus the right one."), lambda x: 1 - x
    yield (
        sentence("In every case yours is the whole part (rounded down) of the right one."),
        torch.floor,
    )
    yield sentence("In every case yours is the nearest whole number to the right one."), torch.round


def _is_whole(right) -> bool:
    """Whether it is whole numbers: ids, counts, places."""
    tensor = as_tensor(right)
    return tensor is not None and not tensor.is_floating_point()


def _holds(pairs: list[tuple], function: Callable) -> bool:
    """Whether the function of the right one gives yours in every case, and more than one number by it."""
    related = [function(right) for _, right in pairs]
    numbers = torch.cat(related)
    if not numbers.isfinite().all() or len(set(numbers.tolist())) < 2:
        return False
    return all(_close(mine, one) for (mine, _), one in zip(pairs, related, strict=True))


def _close(mine: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether they are the same, each beside its own size, and 0 beside the largest of the case."""
    if not other.numel():
        return True
    return bool(mine.isclose(other, CLOSE, CLOSE**2 * other.abs().max().item()).all())


def _factor(pairs: Iterable, mine: torch.Tensor, right: torch.Tensor) -> str:
    """Every number by the same factor or the same number off, in all cases or in each."""
    counted = right.abs() > right.abs().max() * 1e-6
    ratio = (mine / right)[counted]
    if not ratio.numel() or not (mine[~counted].abs() <= CLOSE * mine.abs().max()).all():
        return _shift(mine, right)
    if _is_one(ratio) and abs(ratio.median().item() - 1) < CLOSE:
        return ""
    if _is_one(ratio) and abs(ratio.median().item()) > 1e-6:
        factor = ratio.median().item()
        shown = f"{factor:.4g}" if f"{factor:.4g}" != "1" else f"{factor:.7g}"
        return sentence("In every case yours is {factor} times the right one.", factor=shown)
    factors = [_factor_of(*pair) for pair in pairs]
    if None not in factors:
        shown = [f"{one:.4g}" for one in factors if one is not ... and abs(one - 1) > CLOSE]
        if len(set(shown)) > 1 and not any(one == 0 for one in factors):
            return sentence(
                "In every case yours is the right one times one factor, which differs from case to case: {factors}. "
                "What in the input has that size?",
                factors=", ".join([*shown[:4], *(["…"] if len(shown) > 4 else [])]),
            )
    return _shift(mine, right)


def _factor_of(mine: torch.Tensor, right: torch.Tensor):
    """The factor of one case; ... if all are 0; None if there is none."""
    if not right.any():
        return None if mine.any() else ...
    if len(set(right.tolist())) < 2:
        return None
    counted = right != 0
    ratio = (mine / right)[counted]
    return ratio.median().item() if _is_one(ratio) and not mine[~counted].any() else None


def _shift(mine: torch.Tensor, right: torch.Tensor) -> str:
    off = mine - right
    if _is_one(off) and abs(off.median()) > 1e-3 * right.abs().median():
        return sentence(
            "In every case yours is larger by {amount}."
            if off.median() > 0
            else "In every case yours is smaller by {amount}.",
            amount=f"{abs(off.median().item()):.4g}",
        )
    return ""


def _is_one(numbers: torch.Tensor) -> bool:
    middle = numbers.median()
    return bool(numbers.isclose(middle, CLOSE, 1e-9).all())


def _digits(pairs: list[tuple]) -> str:
    """Right in every case, but for the last digits, and in hardly any to the last."""
    errors = [
        ((mine - right).abs().max() / right.abs().max()).item()
        for mine, right in pairs
        if right.any()
    ]
    if any(mine.any() for mine, right in pairs if not right.any()):
        return ""
    exact = sum(error < EXACT for error in errors)
    if not DIGITS[0] < max(errors) < DIGITS[1] or exact > len(errors) / 3:
        return ""
    n = int(-math.log10(max(errors)))
    return sentence(
        "Your numbers are right to {n} digits only, in nearly every case. Look for a constant that is a little "
        "off, a small number added where none belongs, a rounding, or half precision (float16, bfloat16)."
        if n > 1
        else "Your numbers are right to {n} digit only, in nearly every case. Look for a constant that is a "
        "little off, a small number added where none belongs, a rounding, or half precision (float16, bfloat16).",
        n=n,
    )
