"""What a wrong result has to do with the right one, whatever the exercise: its form, or how it is related.

Each sentence is a fact about the results of all cases: "gives `x` back as it came". What nothing here fits gets
no sentence. How numbers are related, `relations` says.
"""

import inspect
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
from nbutils.exercises.relations import relation
from nbutils.words import sentence

PLACES = 6  # of several values that are looked at one by one


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
            return sentence(
                "Your function gives `{argument}` back as it came: nothing has been done to it. Is the result "
                "thrown away, or does it go to another name than the one that is returned?",
                argument=name,
            )
    return ""


def is_value(one) -> bool:
    """Whether it is made of numbers and texts, which can be compared."""
    return isinstance(one, (torch.Tensor, np.ndarray, list, tuple, dict, str, bytes, int, float))


def _printed(results: Results) -> str:
    if any(one is not None for one in results.mine):
        return ""
    if all(map(str.strip, results.printed)):
        return sentence(
            "Your function prints its result and returns nothing. Write return in the place of print."
        )
    if all(right is not None for right in results.right):
        return sentence(
            "Your function returns nothing, so the result is None. Is there a return at its end, outside of "
            "every if and loop? A method that works in place, such as sort() or append(), gives None as well."
        )
    return ""


def _kind(results: Results) -> str:
    """The right values in another kind: an iterator, a set, a function, text."""
    mine = results.mine[0]
    if isinstance(mine, Consumed):
        return sentence(
            "Your function gives {mine}, which holds the right values, but gives each only once; it should give "
            "{right}. Make one of it: list(…), dict(…)."
            if results.equal(_values)
            else "Your function gives {mine}, which is read once; it should give {right}. Make one of it: list(…), "
            "dict(…).",
            mine=type_in_words(mine),
            right=type_in_words(results.right[0]),
        )
    if inspect.iscoroutine(mine):
        return sentence(
            "Your function gives a coroutine, since it begins with async. Write def alone."
        )
    if callable(mine) and not callable(results.right[0]):
        return sentence(
            "Your function gives a function. Is a pair of parentheses missing behind its name?"
        )
    if isinstance(mine, (set, frozenset, Mapping)) and isinstance(results.right[0], (list, tuple)):
        if results.equal(sorted, sorted):
            return sentence(
                "Your function gives {mine}; it should give {right}, in its order.",
                mine=type_in_words(mine),
                right=type_in_words(results.right[0]),
            )
    if isinstance(mine, str) and not isinstance(results.right[0], str):
        if results.all(lambda one, right: one.replace(" ", "") == str(right).replace(" ", "")):
            return sentence(
                "Your function gives text that shows the right values. Give the values themselves: {right}.",
                right=type_in_words(results.right[0]),
            )
    if isinstance(mine, (list, tuple)) and results.equal(lambda one: torch.stack(tuple(one))):
        return sentence(
            "Your function gives a list of the right tensors; it should give one tensor. torch.stack makes one "
            "of them."
        )
    if isinstance(mine, bytes) and results.equal(bytes.decode):
        return sentence("Your function gives bytes; it should give text: decode them.")
    if isinstance(mine, str) and results.equal(str.encode):
        return sentence("Your function gives text; it should give bytes: encode it.")
    if isinstance(mine, Sequence) and results.equal("".join):
        return sentence('Your function gives the right letters in a list. Join them: "".join(…).')
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
    for i in range(min(n, PLACES)):
        if results.equal(lambda one, i=i: one[i]):
            if n == 1:
                return sentence(
                    "The right result stands in {mine} of one. Give it alone: a comma behind a value, or brackets "
                    "around it, make a tuple or a list.",
                    mine=type_in_words(results.mine[0]),
                )
            return sentence(
                "Your function gives {n} values; {which} is the right one. Give that alone.",
                n=n,
                which=_in_order(i),
            )
    several = {len(one) for one in results.right if isinstance(one, tuple)}
    if len(several) != 1 or not all(isinstance(one, tuple) for one in results.right):
        return ""
    (m,) = several
    if n > m and results.equal(lambda one: tuple(one[:m])):
        return sentence(
            "Your function gives {n} values; the first {m} are right. Give those alone.", n=n, m=m
        )
    if n == m and results.equal(lambda one: tuple(reversed(one))):
        return sentence("Your function gives the right {n} results in the wrong order.", n=n)
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
            return sentence(
                "Your function gives only {which} of the {n} results. Give all {n}: return a, b, …",
                which=_in_order(i),
                n=n,
            )
    return ""


def _in_order(i: int) -> str:
    """Which of some values it is: "the first" for 0. Raises IndexError from `PLACES` on."""
    return (
        sentence("the first"),
        sentence("the second"),
        sentence("the third"),
        sentence("the fourth"),
        sentence("the fifth"),
        sentence("the sixth"),
    )[i]


def _constant(results: Results) -> str:
    """The same result in every case, where the right ones differ."""
    first, *others = results.mine
    if len(others) < 2 or first is None or not all(is_same(first, one) for one in others):
        return ""
    if all(not results.difference(results.right[0], right) for right in results.right[1:]):
        return ""
    return sentence(
        "Your function gives {value} whatever it is given. Does it use its arguments, or values from outside "
        "of it?",
        value=format_value(first),
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
        return sentence(
            "The right numbers, but the dtype is {mine}; it should be {right}. Convert the result ({remedy}), or "
            "begin with that dtype.",
            mine=got,
            right=asked,
            remedy=remedy,
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
            return sentence(
                "The right numbers in another shape: {mine}, where it should be {right}. {advice}",
                mine=got,
                right=asked,
                advice=_why_another_shape(got, asked),
            )
    most = max(right.dim() for _, right in pairs)
    for i in range(-most, 0):
        for j in range(i + 1, 0):
            turned = [(m.transpose(i, j) if m.dim() >= -i else m, r) for m, r in pairs]
            if not any(results.difference(m, r) for m, r in turned):
                return sentence(
                    "The right numbers with two dimensions exchanged, {i} and {j}: transpose({i}, {j}) puts them "
                    "right, or one transpose is too many.",
                    i=i,
                    j=j,
                )
    return ""


def _why_another_shape(got: tuple, asked: tuple) -> str:
    if [n for n in got if n != 1] == [n for n in asked if n != 1]:
        if len(got) > len(asked):
            return sentence(
                "A dimension of size 1 is too many: squeeze takes it away, an index does too, and a reduction "
                "without keepdim doesn't keep it."
            )
        return sentence(
            "A dimension of size 1 is missing: unsqueeze adds one, and a reduction with keepdim=True keeps "
            "it."
        )
    return sentence("Reshape the result.")


def _one_number(results: Results) -> str:
    if all(isinstance(right, (int, float)) for right in results.right):
        pairs = [(as_tensor(mine), right) for mine, right in zip(results.mine, results.right)]
        one = all(mine is not None and mine.numel() == 1 for mine, _ in pairs)
        if one and any(mine.dim() for mine, _ in pairs):
            if not any(results.difference(mine.item(), right) for mine, right in pairs):
                return sentence(
                    "The right number in another shape: it stands in {mine} of one. Give the number alone: .item(), "
                    "or the index [0].",
                    mine=type_in_words(results.mine[0]),
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
        return sentence("The right values in another order: yours is the right row backwards.")
    if all(_equal_rows(sorted(one), sorted(other)) for one, other in zip(mine, right)):
        return sentence("The right values in another order. In which order are they asked for?")
    return ""


def _is_row(one) -> bool:
    return isinstance(one, (list, tuple)) or (isinstance(one, torch.Tensor) and one.dim() == 1)


def _plain(one):
    return one.item() if isinstance(one, torch.Tensor) and one.numel() == 1 else one


def _equal_rows(one: list, other: list) -> bool:
    return len(one) == len(other) and not difference(one, other)


def _related(results: Results) -> str:
    return relation(results.mine, results.right)
