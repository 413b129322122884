"""Answers that strangers wrote from the statements alone: each gets a right verdict, and its own mistake's name.

Those that were once judged wrongly are tried each time, the others with the part "exercises".
"""

import functools
import warnings

import pytest

from authoring import strangers
from nbutils.exercises.checking import Verdict, judge
from nbutils.exercises.exercise import names
from nbutils.exercises.your_gpt import unfit

ANSWERS = strangers.answers()
WRONG = [one for one in ANSWERS if not one.right]
LEAST_NAMED = 0.9  # of all wrong answers
SLOW = "times as slow"  # how slow an answer is depends on the machine: it may be told, and may not


def each(answers):
    """A case for each, under its exercise's name."""
    parts = [
        pytest.param(
            one, id=one.exercise, marks=[] if one.today else [pytest.mark.part("exercises")]
        )
        for one in answers
    ]
    return pytest.mark.parametrize("one", parts)


@functools.cache
def verdict_on(one: strangers.Answer) -> Verdict:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judge(one.exercise, one.function())


def test_there_are_answers_to_most_exercises():
    assert {one.exercise for one in ANSWERS} <= set(names())
    assert len({one.exercise for one in ANSWERS}) > 45 and len(ANSWERS) >= 180
    assert all(one.told for one in WRONG)


@each(ANSWERS)
def test_right_is_told_from_wrong_and_no_mistake_is_named_that_was_not_made(one):
    verdict = verdict_on(one)
    assert verdict.passed == one.right, (one.what, str(verdict))
    if verdict.named and not one.right:
        assert one.is_named_by(verdict), (one.what, one.told, str(verdict))


@pytest.mark.parametrize(
    "answers",
    [
        [one for one in WRONG if one.today],
        pytest.param(WRONG, marks=pytest.mark.part("exercises")),
    ],
    ids=["once judged wrongly", "all"],
)
def test_nearly_all_mistakes_are_named(answers):
    unnamed = [(one.exercise, one.what) for one in answers if not one.is_named_by(verdict_on(one))]
    assert len(unnamed) <= (1 - LEAST_NAMED) * len(answers), unnamed


@each([one for one in ANSWERS if one.right])
def test_a_right_answer_can_become_part_of_the_gpt_or_is_told_why_not(one):
    why = unfit(one.exercise, one.function(), "cpu")
    assert (one.unfit in why and bool(one.unfit)) if why else one.unfit in ("", SLOW), why
