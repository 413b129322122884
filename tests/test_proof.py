"""Mistakes that nobody named: the answers, changed mechanically, are refused by the checks."""

from dataclasses import replace
from functools import cache

import pytest
from proof import EQUIVALENT, Mutant, rows, survivors, that_ends

from nbutils.exercises.exercise import CHAPTERS, exercise, names
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


def test_the_table_has_a_row_for_each_chapter(monkeypatch):
    import proof

    monkeypatch.setattr(proof, "names", lambda: {"one_hot": "io", "linear": "internals"})
    made = rows()
    assert [row.chapter for row in made] == list(CHAPTERS)
    by_chapter = {row.chapter: row for row in made}
    assert by_chapter["io"].exercises == 1 and by_chapter["tokens"].mistakes == 0
    assert by_chapter["internals"].told == by_chapter["internals"].mistakes > 5
    assert by_chapter["internals"].taken == by_chapter["internals"].right >= 4
