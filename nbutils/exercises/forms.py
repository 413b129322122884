"""What a wrong result has to do with the right one, whatever the exercise: its form, or how it is related.

Each sentence is a fact about the results of all cases: "gives `x` back as it came", "twice the right one in
every case". A relation that holds in some cases only is not told. What nothing here fits gets no sentence.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nbutils.exercises.compare import (
    Consumed,
    as_tensor,
    difference,
    format_value,
    is_same,
    type_in_words,
)

FEWEST = 3  # different numbers in which a relation must show before it is told
CLOSE = 1e-4  # relative: how well a relation must hold
DIGITS = (
    1e-5,
    1e-2,
)  # of a case's largest number: errors with which a result is right to a few digits
EXACT = 1e-6  # the same, with which it is right to the last
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True)
class Results:
    """The results of all cases, beside the right ones.

    names: of the arguments. args: those of each case. printed: what each call printed.
    """

    mine: list
    right: list
    args: list[tuple]
    names: Sequence[str]
    printed: list[str]
    dtype: torch.dtype

    def all(self, fits: Callable) -> bool:
        """Whether ``fits(mine, right)`` is true in every case."""
        return all(map(fits, self.mine, self.right))

    def equal(self, form: Callable, other: Callable = lambda right: right) -> bool:
        """Whether ``form(mine)`` is ``other(right)`` in every case; an exception is a no."""
        try:
            return self.all(lambda mine, right: not self.difference(form(mine), other(right)))
        except Exception:
            return False

    def difference(self, mine, right) -> str:
        return difference(mine, right, self.dtype)


def describe_form(results: Results) -> str:
    """A sentence on the form of what is given; "" if the form is as asked for."""
    return _first(results, (_nothing, _printed, _kind, _parts, _constant, _dtype, _shape, _order))


def describe_relation(results: Results) -> str:
    """A sentence on how all numbers are related to the right ones; "" if no relation is seen."""
    return _first(results, (_related,))


def _first(results: Results, looks: Iterable[Callable]) -> str:
    return next(filter(None, (_seen(results, look) for look in looks)), "")


def _seen(results: Results, look: Callable) -> str:
    try:
        return look(results)
    except Exception:  # whatever a student's value does when it is looked at
        return ""


def _nothing(results: Results) -> str:
    """The result is an argument, as it was given."""
    for i, name in enumerate(results.names):
        column = [args[i] for args in results.args]
        if all(map(is_value, column)) and all(map(is_same, results.mine, column)):
            return (
                f"Your function gives `{name}` back as it came: nothing has been done to it. Is the result "
                "thrown away, or does it go to another name than the one that is returned?"
            )
    return ""


def is_value(one) -> bool:
    """Whether it is made of numbers and texts, which can be compared."""
    return isinstance(one, (torch.Tensor, np.ndarray, list, tuple, dict, str, bytes, int, float))


def _printed(results: Results) -> str:
    if any(one is not None for one in results.mine):
        return ""
    if all(map(str.strip, results.printed)):
        return "Your function prints its result and returns nothing. Write return in the place of print."
    if all(right is not None for right in results.right):
        return (
            "Your function returns nothing, so the result is None. Is there a return at its end, outside of "
            "every if and loop? A method that works in place, such as sort() or append(), gives None as well."
        )
    return ""


def _kind(results: Results) -> str:
    """The right values in another kind: an iterator, a set, a function, text."""
    mine = results.mine[0]
    if isinstance(mine, Consumed):
        held = (
            "holds the right values, but gives each only once"
            if results.equal(_values)
            else "is read once"
        )
        return (
            f"Your function gives {type_in_words(mine)}, which {held}; it should give "
            f"{type_in_words(results.right[0])}. Make one of it: list(…), dict(…)."
        )
    if inspect.iscoroutine(mine):
        return "Your function gives a coroutine, since it begins with async. Write def alone."
    if callable(mine) and not callable(results.right[0]):
        return "Your function gives a function. Is a pair of parentheses missing behind its name?"
    if isinstance(mine, (set, frozenset, Mapping)) and isinstance(results.right[0], (list, tuple)):
        if results.equal(sorted, sorted):
            return (
                f"Your function gives {type_in_words(mine)}; it should give {type_in_words(results.right[0])}, "
                "in its order."
            )
    if isinstance(mine, str) and not isinstance(results.right[0], str):
        if results.all(lambda one, right: one.replace(" ", "") == str(right).replace(" ", "")):
            return (
                "Your function gives text that shows the right values. Give the values themselves: "
                f"{type_in_words(results.right[0])}."
            )
    if isinstance(mine, (list, tuple)) and results.equal(lambda one: torch.stack(tuple(one))):
        return (
            "Your function gives a list of the right tensors; it should give one tensor. torch.stack makes one "
            "of them."
        )
    if isinstance(mine, bytes) and results.equal(bytes.decode):
        return "Your function gives bytes; it should give text: decode them."
    if isinstance(mine, str) and results.equal(str.encode):
        return "Your function gives text; it should give bytes: encode it."
    if isinstance(mine, Sequence) and results.equal("".join):
        return 'Your function gives the right letters in a list. Join them: "".join(…).'
    return ""


def _values(consumed: Consumed) -> list:
    return consumed.values


def _parts(results: Results) -> str:
    """More values than are asked for, or fewer, or the same in another order."""
    if not all(isinstance(one, (tuple, list)) for one in results.mine):
        return _one_of_several(results)
    n = {len(one) for one in results.mine}
    if len(n) != 1:
        return ""
    (n,) = n
    for i in range(min(n, len(_ORDINALS))):
        if results.equal(lambda one, i=i: one[i]):
            if n == 1:
                return (
                    f"The right result stands in {type_in_words(results.mine[0])} of one. Give it alone: "
                    "a comma behind a value, or brackets around it, make a tuple or a list."
                )
            return f"Your function gives {n} values; the {_ORDINALS[i]} is the right one. Give that alone."
    several = {len(one) for one in results.right if isinstance(one, tuple)}
    if len(several) != 1 or not all(isinstance(one, tuple) for one in results.right):
        return ""
    (m,) = several
    if n > m and results.equal(lambda one: tuple(one[:m])):
        return f"Your function gives {n} values; the first {m} are right. Give those alone."
    if n == m and results.equal(lambda one: tuple(reversed(one))):
        return f"Your function gives the right {n} results in the wrong order."
    return ""


def _one_of_several(results: Results) -> str:
    if not all(isinstance(one, tuple) for one in results.right):
        return ""
    n = {len(one) for one in results.right}
    if len(n) != 1:
        return ""
    (n,) = n
    for i in range(n):
        if results.equal(lambda one: one, lambda right, i=i: right[i]):
            return (
                f"Your function gives only the {_ORDINALS[i]} of the {n} results. Give all {n}: return "
                "a, b, …"
            )
    return ""


def _constant(results: Results) -> str:
    """The same result in every case, where the right ones differ."""
    first, *others = results.mine
    if len(others) < 2 or first is None or not all(is_same(first, one) for one in others):
        return ""
    if all(not results.difference(results.right[0], right) for right in results.right[1:]):
        return ""
    return (
        f"Your function gives {format_value(first)} whatever it is given. Does it use its arguments, or values "
        "from outside of it?"
    )


def _dtype(results: Results) -> str:
    """The right numbers in another dtype, or as text."""
    pairs = [(as_tensor(mine), right) for mine, right in zip(results.mine, results.right)]
    if not all(isinstance(right, torch.Tensor) and mine is not None for mine, right in pairs):
        return ""
    if any(mine.shape != right.shape for mine, right in pairs):
        return ""
    other = next((mine.dtype for mine, right in pairs if mine.dtype != right.dtype), None)
    if other and not any(results.difference(mine, right.to(mine.dtype)) for mine, right in pairs):
        asked, got = (str(one).removeprefix("torch.") for one in (pairs[0][1].dtype, other))
        remedy = ".bool()" if asked == "bool" else ".long()" if asked == "int64" else ".float()"
        return (
            f"The right numbers, but the dtype is {got}; it should be {asked}. Convert the result ({remedy}), "
            "or begin with that dtype."
        )
    return ""


def _shape(results: Results) -> str:
    """The right numbers in another shape, or with two dimensions exchanged."""
    pairs = [(as_tensor(mine), right) for mine, right in zip(results.mine, results.right)]
    if not all(isinstance(right, torch.Tensor) and mine is not None for mine, right in pairs):
        return _one_number(results)
    other = next(((m, r) for m, r in pairs if m.shape != r.shape), None)
    if other:
        if not any(
            m.numel() != r.numel() or results.difference(m.reshape(r.shape), r) for m, r in pairs
        ):
            got, asked = (tuple(one.shape) for one in other)
            why = _why_another_shape(got, asked)
            return f"The right numbers in another shape: {got}, where it should be {asked}. {why}"
    most = max(right.dim() for _, right in pairs)
    for i in range(-most, 0):
        for j in range(i + 1, 0):
            turned = [(m.transpose(i, j) if m.dim() >= -i else m, r) for m, r in pairs]
            if not any(results.difference(m, r) for m, r in turned):
                return (
                    f"The right numbers with two dimensions exchanged, {i} and {j}: transpose({i}, {j}) "
                    "puts them right, or one transpose is too many."
                )
    return ""


def _why_another_shape(got: tuple, asked: tuple) -> str:
    if [n for n in got if n != 1] == [n for n in asked if n != 1]:
        if len(got) > len(asked):
            return (
                "A dimension of size 1 is too many: squeeze takes it away, an index does too, and a reduction "
                "without keepdim doesn't keep it."
            )
        return (
            "A dimension of size 1 is missing: unsqueeze adds one, and a reduction with keepdim=True keeps "
            "it."
        )
    return "Reshape the result."


def _one_number(results: Results) -> str:
    if all(isinstance(right, (int, float)) for right in results.right):
        pairs = [(as_tensor(mine), right) for mine, right in zip(results.mine, results.right)]
        one = all(mine is not None and mine.numel() == 1 for mine, _ in pairs)
        if one and any(mine.dim() for mine, _ in pairs):
            if not any(results.difference(mine.item(), right) for mine, right in pairs):
                return (
                    f"The right number in another shape: it stands in {type_in_words(results.mine[0])} "
                    "of one. Give the number alone: .item(), or the index [0]."
                )
    return ""


def _order(results: Results) -> str:
    """The right values in another order."""
    if not all(map(_is_row, [*results.mine, *results.right])):
        return ""
    mine, right = (
        [list(map(_plain, one)) for one in results.mine],
        [list(map(_plain, one)) for one in results.right],
    )
    if sum(len(set(map(repr, one))) > 1 for one in right) < 2:
        return ""
    if all(_equal_rows(one[::-1], other) for one, other in zip(mine, right)):
        return "The right values in another order: yours is the right row backwards."
    if all(_equal_rows(sorted(one), sorted(other)) for one, other in zip(mine, right)):
        return "The right values in another order. In which order are they asked for?"
    return ""


def _is_row(one) -> bool:
    return isinstance(one, (list, tuple)) or (isinstance(one, torch.Tensor) and one.dim() == 1)


def _plain(one):
    return one.item() if isinstance(one, torch.Tensor) and one.numel() == 1 else one


def _equal_rows(one: list, other: list) -> bool:
    return len(one) == len(other) and not difference(one, other)


# --- numbers that are related -----------------------------------------------------------------------


def _related(results: Results) -> str:
    """One relation between all numbers and the right ones."""
    pairs = [_numbers(mine, right) for mine, right in zip(results.mine, results.right)]
    if any(pair is None for pair in pairs):
        return ""
    mine, right = (torch.cat(column) for column in zip(*pairs))
    if not mine.any() and right.any():
        return (
            "Your function gives zeros only. Is what was computed thrown away, or is a tensor of zeros given "
            "before anything is written into it?"
        )
    if not (mine.isfinite().all() and right.isfinite().all()):
        return ""
    if len(set(right.tolist())) < FEWEST:
        return ""
    if all(map(_is_whole, results.right)):
        return _factor(pairs, mine, right)
    if all(_close(*pair) for pair in pairs):
        return _digits(pairs)
    for words, relation in _RELATIONS:
        if _holds(pairs, relation):
            return f"In every case yours is {words} the right one."
    return _factor(pairs, mine, right) or _digits(pairs)


def _numbers(mine, right) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Both as rows of floats; None if they aren't the same number of numbers."""
    one, other = as_tensor(mine), as_tensor(right)
    if one is None or other is None or one.shape != other.shape or one.is_complex():
        return None
    if one.dtype == torch.bool:
        return None
    return one.detach().double().flatten(), other.detach().double().flatten()


_RELATIONS: tuple[tuple[str, Callable], ...] = (
    ("minus", torch.neg),
    ("the absolute value of", torch.abs),
    ("the natural logarithm of", torch.log),
    ("minus the natural logarithm of", lambda x: -torch.log(x)),
    ("e to the power of", torch.exp),
    ("2 to the power of", torch.exp2),
    ("the logarithm to base 2 of", torch.log2),
    ("the square of", torch.square),
    ("the square root of", torch.sqrt),
    ("1 divided by", torch.reciprocal),
    ("1 minus", lambda x: 1 - x),
    ("the whole part (rounded down) of", torch.floor),
    ("the nearest whole number to", torch.round),
)


def _is_whole(right) -> bool:
    """Whether it is whole numbers: ids, counts, places."""
    tensor = as_tensor(right)
    return tensor is not None and not tensor.is_floating_point()


def _holds(pairs: list[tuple], relation: Callable) -> bool:
    """Whether the relation gives yours in every case, and more than one number by it."""
    related = [relation(right) for _, right in pairs]
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
        return f"In every case yours is {shown} times the right one."
    factors = [_factor_of(*pair) for pair in pairs]
    if None not in factors:
        shown = [f"{one:.4g}" for one in factors if one is not ... and abs(one - 1) > CLOSE]
        if len(set(shown)) > 1 and not any(one == 0 for one in factors):
            return (
                "In every case yours is the right one times one factor, which differs from case to case: "
                f"{', '.join(shown[:4])}{', …' if len(shown) > 4 else ''}. What in the input has that size?"
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
        more = "larger" if off.median() > 0 else "smaller"
        return f"In every case yours is {more} by {abs(off.median().item()):.4g}."
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
    return (
        f"Your numbers are right to {n} digit{'s' * (n > 1)} only, in nearly every case. Look for a constant that "
        "is a little off, a small number added where none belongs, a rounding, or half precision (float16, "
        "bfloat16)."
    )
