"""Mistakes that nobody named: the answers, changed mechanically, are refused by the checks."""

from dataclasses import replace
from functools import cache

import pytest

from authoring.proof import EQUIVALENT, Mutant, row, survivors, that_ends
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.guard import Stopped, outcome

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of changes to `is`


@cache
def found(name: str) -> tuple[list[Mutant], list[Mutant]]:
    """Those of an exercise's mutants that are taken for right, and all; tried once for all tests."""
    return survivors(exercise(name))


@pytest.mark.parametrize("name", list(names()))
def test_no_change_that_makes_an_answer_wrong_is_taken(name):
    alive, _ = found(name)
    known = EQUIVALENT.get(name, {})
    assert {mutant.line for mutant in alive} <= set(known), [
        (mutant.line, mutant.change) for mutant in alive if mutant.line not in known
    ]


@pytest.mark.parametrize("name", list(EQUIVALENT))
def test_what_is_called_equivalent_is_a_change_that_is_made_and_taken(name):
    assert set(EQUIVALENT[name]) == {mutant.line for mutant in found(name)[0]}


def test_changes_are_of_many_kinds():
    made = [mutant.change.split("_")[0] for name in names() for mutant in found(name)[1]]
    assert {
        "NumberReplacer",
        "ReplaceBinaryOperator",
        "ReplaceComparisonOperator",
        "AddNot",
        "ZeroIterationForLoop",
        "ReplaceUnaryOperator",
    } <= set(made)
    assert len(made) > 1000


@pytest.mark.parametrize("loop", ["while True: pass", "for x in xs: xs += [x]"])
def test_a_changed_answer_that_never_ends_is_stopped_by_its_turns(loop):
    endless = that_ends(f"def nudge(xs):\n    {loop}", exercise("nudge"))
    assert isinstance(outcome(endless, ([1],), seconds=3600).error, Stopped)


def test_a_wrong_check_would_be_noticed():
    """An exercise whose cases see nothing lets its mutants live."""
    blind = replace(exercise("layer_norm"), cases=lambda given: [])
    alive, made = survivors(blind)
    assert len(alive) > len(made) / 2


def test_a_row_says_what_was_proved_of_an_exercise():
    made = row("one_hot")
    assert (made.exercise, made.chapter) == ("one_hot", "io")
    assert made.told == made.mistakes > 5 and made.taken == made.right >= 4
    assert made.changes > 3 and made.missed == 0
