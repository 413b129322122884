"""Mistakes that nobody named: the answers, changed mechanically, are refused by the checks."""

import pytest
from proof import EQUIVALENT, mutants, rows, survivors

from nbutils.exercises.exercise import CHAPTERS, exercise, names

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of changes to `is`


@pytest.mark.parametrize("name", list(names()))
def test_no_change_that_makes_an_answer_wrong_is_taken(name):
    alive, _ = survivors(exercise(name))
    known = EQUIVALENT.get(name, {})
    assert {mutant.line for mutant in alive} <= set(known), [
        (mutant.line, mutant.change) for mutant in alive if mutant.line not in known
    ]


@pytest.mark.parametrize("name", list(EQUIVALENT))
def test_what_is_called_equivalent_is_a_change_that_is_made_and_taken(name):
    assert set(EQUIVALENT[name]) == {mutant.line for mutant in survivors(exercise(name))[0]}


def test_changes_are_of_many_kinds():
    changes = {
        mutant.change.split("_")[0] for name in names() for mutant in mutants(exercise(name))
    }
    assert {
        "NumberReplacer",
        "ReplaceBinaryOperator",
        "ReplaceComparisonOperator",
        "AddNot",
        "ZeroIterationForLoop",
        "ReplaceUnaryOperator",
    } <= changes
    assert sum(1 for name in names() for _ in mutants(exercise(name))) > 1000


def test_a_wrong_check_would_be_noticed():
    """An exercise whose cases see nothing lets its mutants live."""
    from dataclasses import replace

    blind = replace(exercise("layer_norm"), cases=lambda given: [])
    alive, count = survivors(blind)
    assert len(alive) > count / 2


def test_the_table_has_a_row_for_each_chapter(monkeypatch):
    import proof

    monkeypatch.setattr(proof, "names", lambda: {"one_hot": "io", "linear": "internals"})
    made = rows()
    assert [row.chapter for row in made] == list(CHAPTERS)
    by_chapter = {row.chapter: row for row in made}
    assert by_chapter["io"].exercises == 1 and by_chapter["tokens"].mistakes == 0
    assert by_chapter["internals"].told == by_chapter["internals"].mistakes > 5
    assert by_chapter["internals"].taken == by_chapter["internals"].right >= 4
