"""Which mistake an answer makes: the one that gives the same in every case.

An exception counts as the same only if it has the same origin. A crash alone is no evidence: a mistake is
recognised by exceptions only where these come in the same cases, and other cases give the same values.
"""

import functools
import inspect
import itertools
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from nbutils.exercises.compare import difference, format_value
from nbutils.exercises.exercise import Case, Exercise, ExerciseError, Wrong
from nbutils.exercises.guard import Outcome, Stopped, outcome
from nbutils.words import sentence

SECONDS_OF_TWO = 0.1  # for one call of an answer with two mistakes
SECONDS_FOR_PAIRS = 0.2  # in which two mistakes at once are looked for
_OF_THE_CODE = (NameError, AttributeError, SyntaxError, AssertionError, ImportError, SystemExit)
"""Exceptions that come from how an answer is written, not from what it computes: never the same."""
_OF_MANY_ORIGINS = (RuntimeError, TypeError)
"""Exceptions that are the same only with the same message."""


@dataclass(frozen=True)
class Attempt:
    """An answer and what it gives: an outcome for each case."""

    exercise: Exercise
    answer: Callable
    dtype: torch.dtype
    cases: list[Case]
    outcomes: list[Outcome]

    @property
    def names(self) -> list[str]:
        """Of the arguments, as the exercise calls them."""
        return list(inspect.signature(self.exercise.answer).parameters)

    def differences(self, other: Callable[[int, Case], Outcome]) -> Iterator[str]:
        """For each case how its outcome differs from the other one's; "" where it doesn't."""
        for i, (case, mine) in enumerate(zip(self.cases, self.outcomes, strict=True)):
            yield difference_of(mine, other(i, case), self.dtype)

    def changed(self) -> list[str]:
        """Names of the arguments that were others after a call."""
        places = {i for found in self.outcomes for i in found.changed}
        return [self.names[i] for i in sorted(places)]

    def changes_what_is_kept(self) -> bool:
        """Whether an argument was changed that the docstring promises to leave as it was."""
        return not set(self.exercise.kept).isdisjoint(self.changed())

    def imitated_by(self, other: Callable[[int, Case], Outcome]) -> bool:
        """Whether a mistake gives the same in every case. Nothing is computed after the first difference."""
        same_words = []  # of those cases in which both raise
        kept = {self.names.index(name) for name in self.exercise.kept}
        for i, (case, mine) in enumerate(zip(self.cases, self.outcomes, strict=True)):
            theirs = other(i, case)
            if kept and kept.intersection(mine.changed) != kept.intersection(theirs.changed):
                return False
            if mine.error is not None and theirs.error is not None:
                if not _have_one_origin(mine.error, theirs.error):
                    return False
                same_words.append(str(mine.error) == str(theirs.error))
            elif difference_of(mine, theirs, self.dtype):
                return False
        return len(same_words) < len(self.cases) or all(same_words)


def _have_one_origin(one: BaseException, other: BaseException) -> bool:
    if type(one) is not type(other) or isinstance(one, _OF_THE_CODE):
        return False
    return not isinstance(one, _OF_MANY_ORIGINS) or str(one) == str(other)


def difference_of(mine: Outcome, right: Outcome, dtype: torch.dtype) -> str:
    """What is wrong with this outcome; "" if nothing is."""
    if mine.error is not None and right.error is not None:
        if isinstance(mine.error, type(right.error)):
            return ""
        return sentence(
            "it should raise {right}; yours raises {mine}", right=right.kind, mine=mine.kind
        )
    if right.error is not None:
        return sentence(
            "it should raise {right}; yours gives {mine}",
            right=right.kind,
            mine=format_value(mine.value),
        )
    if mine.error is not None:
        return sentence(
            "it should be {right}; yours raises {mine}",
            right=format_value(right.value),
            mine=mine.kind,
        )
    try:
        return difference(mine.value, right.value, dtype)
    except Exception as error:  # a list that holds itself, a sparse tensor: anything may come
        return sentence(
            "it should be {right}; yours, a {type}, can't be compared with it ({error})",
            right=format_value(right.value),
            type=type(mine.value).__name__,
            error=type(error).__name__,
        )


class Expected:
    """What an exercise's answer gives, and what each mistake does, in the cases of one seed and dtype.

    What was computed once is known.
    """

    def __init__(self, exercise: Exercise):
        self.exercise = exercise
        self.known: dict[tuple[Wrong | None, int], Outcome] = {}

    def outcome(self, i: int, case: Case, wrong: Wrong | None = None) -> Outcome:
        """In case number i, of the answer or of one with that mistake."""
        if (wrong, i) in self.known:
            return self.known[wrong, i]
        function = self.exercise.with_mistakes((wrong,)) if wrong else self.exercise.answer
        found = outcome(function, case.args)
        if not isinstance(found.error, Stopped):  # the machine may have paused
            self.known[wrong, i] = found
        return found


@functools.lru_cache(maxsize=1)
def expected_of(asked: Exercise, seed: int, dtype: torch.dtype) -> Expected:
    """Kept of the exercise that was checked last, so that a second try is judged sooner."""
    return Expected(asked)


def find_mistake(attempt: Attempt, expected: Expected) -> tuple[Wrong, ...]:
    """The mistake that gives what this answer gives; () if there is none."""
    for wrong in attempt.exercise.wrong:
        if attempt.imitated_by(functools.partial(expected.outcome, wrong=wrong)):
            return (wrong,)
    return ()


def find_two(attempt: Attempt, expected: Expected) -> tuple[Wrong, ...]:
    """Two mistakes that together give what this answer gives; () if there are none.

    Nothing is told of an answer that raises an exception, nor where one mistake hides the other: where a part
    of the result is right wherever one of the two alone would make it wrong.
    """
    if any(found.error is not None for found in attempt.outcomes):
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, about text that is ours
        pair = _search(attempt)
    hidden = any(_is_hidden(attempt, expected, wrong) for wrong in pair)
    return () if hidden else pair


def _search(attempt: Attempt) -> tuple[Wrong, ...]:
    """Two edits of the answer's text that together give what this answer gives."""
    end = time.monotonic() + SECONDS_FOR_PAIRS
    edits = [wrong for wrong in attempt.exercise.wrong if not wrong.instead]
    for pair in itertools.combinations(edits, 2):
        if time.monotonic() > end:
            break
        try:
            function = attempt.exercise.with_mistakes(pair)
        except (ExerciseError, SyntaxError):  # these two don't fit together
            continue
        if attempt.imitated_by(functools.partial(_imitate, function)):
            return pair
    return ()


def _imitate(function: Callable, i: int, case: Case) -> Outcome:
    return outcome(function, case.args, SECONDS_OF_TWO)


def _is_hidden(attempt: Attempt, expected: Expected, wrong: Wrong) -> bool:
    """Whether some part of the result is right wherever this mistake alone would make it wrong."""
    seen: dict[int, list[bool]] = {}
    for i, case in enumerate(attempt.cases):
        mine = _parts(attempt.outcomes[i].value)
        alone = _parts(expected.outcome(i, case, wrong).value)
        for k, right in enumerate(_parts(expected.outcome(i, case).value)):
            if k >= len(alone) or difference(alone[k], right, attempt.dtype):
                is_wrong = k >= len(mine) or bool(difference(mine[k], right, attempt.dtype))
                seen.setdefault(k, []).append(is_wrong)
    return not all(map(any, seen.values()))


def _parts(value) -> list:
    return list(value) if isinstance(value, (tuple, list)) else [value]
