"""The exercises prove their checks: every named mistake is found, every right answer accepted."""

import pytest
import torch

from nbutils.exercises.checking import PASSED, judge
from nbutils.exercises.exercise import Inputs, exercise, names

EXERCISES = list(names())
SEEDS = range(5)
FLOAT32, FLOAT64, BFLOAT16 = FORMATS = (torch.float32, torch.float64, torch.bfloat16)
IN_THE_PART = pytest.mark.part("exercises")


def diagnoses(name: str, seed: int, dtype: torch.dtype) -> list[tuple[str, str]]:
    """For each named mistake what it is, and what its author is told."""
    asked = exercise(name)
    return [
        (wrong.says, judge(asked, asked.with_mistakes((wrong,)), seed=seed, dtype=dtype).says)
        for wrong in asked.wrong
    ]


def each_named_mistake_is_told(name: str, seeds, formats) -> None:
    for dtype in formats:
        for seed in seeds:
            for mistake, told in diagnoses(name, seed, dtype):
                assert told == mistake, (seed, dtype)


def each_right_answer_is_taken(name: str, seeds, formats) -> None:
    asked = exercise(name)
    for answer in (asked.answer, *asked.right):
        for dtype in formats:
            for seed in seeds:
                verdict = judge(asked, answer, seed=seed, dtype=dtype)
                assert verdict.state == PASSED, (answer.__name__, verdict)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_named_mistake_is_rejected_by_its_own_name(name):
    assert len(exercise(name).wrong) >= 5
    each_named_mistake_is_told(name, SEEDS[:1], [FLOAT32])


@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_are_accepted_in_every_form(name):
    assert len(exercise(name).right) >= 3
    each_right_answer_is_taken(name, SEEDS[:1], [FLOAT32])


@IN_THE_PART
@pytest.mark.parametrize("name", EXERCISES)
def test_every_named_mistake_is_rejected_with_every_seed(name):
    each_named_mistake_is_told(name, SEEDS, [FLOAT32, FLOAT64])


@IN_THE_PART
@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_are_accepted_with_every_seed_and_format(name):
    each_right_answer_is_taken(name, SEEDS, FORMATS)


@pytest.mark.parametrize("name", EXERCISES)
def test_nothing_filled_in_is_not_tried(name):
    asked, namespace = exercise(name), {**vars(__import__("builtins"))}
    exec(asked.starter(), dict(asked.namespace), namespace)
    assert judge(name, namespace[name]).says == "not tried yet"


def test_a_seed_gives_the_same_inputs_again_and_another_one_others():
    assert Inputs(1).normal(3).equal(Inputs(1).normal(3))
    assert not Inputs(1).normal(3).equal(Inputs(2).normal(3))
