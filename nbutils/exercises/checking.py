"""Judge an answer: right, or the sentence that names its mistake.

A mistake is recognised by imitation. Each exercise keeps the mistakes that students make as changes
of its own answer; an answer that gives what one of them gives, on every case, makes that mistake,
however it is written. Two mistakes at once are found in the same way. What nobody foresaw gets the
first case that is wrong, after those that are right: the cases are ordered so that each adds one
thing.
"""

import functools
import html
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch

from nbutils.device import cpu_by_default
from nbutils.exercises.compare import difference, format_value
from nbutils.exercises.exercise import Case, Exercise, ExerciseError, Inputs, Wrong, exercise
from nbutils.exercises.guard import SECONDS, Outcome, Stopped, outcome

SECONDS_FOR_PAIRS = 0.5  # in which two mistakes at once are looked for
PASSED, WRONG, RAISED, STOPPED, UNTRIED = "passed", "wrong", "raised", "stopped", "not tried yet"
ADVICE = {
    NameError: "Has the cell that defines it been run?",
    UnboundLocalError: "It is given a value only after it is used, or only in some cases.",
    IndexError: "Count from 0: the last of n has the index n - 1.",
    KeyError: "Print the keys that there are.",
    ZeroDivisionError: "Which input makes the divisor 0?",
    AttributeError: "Print the value's type() to see what it is.",
    RecursionError: "The function calls itself without an end.",
    MemoryError: "Print the shapes: one of them is far larger than it should be.",
}
SHAPE_ADVICE = (
    "Print the shapes of what stands in this line, and say for each dimension what it counts."
)


@dataclass(frozen=True)
class Verdict:
    """What `judge` found. mistakes: the named ones, if it was recognised."""

    name: str
    state: str
    says: str = ""
    example: str = ""
    tested: tuple[str, ...] = ()
    mistakes: tuple[Wrong, ...] = field(default=(), repr=False)

    @property
    def passed(self) -> bool:
        return self.state == PASSED

    def __str__(self) -> str:
        sign = {PASSED: "✓", UNTRIED: "○"}.get(self.state, "✗")
        return "\n".join(filter(None, (f"{sign} {self.name}: {self.says}", self.example)))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour = {PASSED: "#2a8a4a", UNTRIED: "#888888"}.get(self.state, "#c4453a")
        lines = str(self).splitlines()
        paragraphs = "".join(
            f'<p style="margin: 0.2em 0">{html.escape(line)}</p>' for line in lines
        )
        style = f"border-left: 0.3em solid {colour}; padding: 0.1em 0.8em; max-width: 50em"
        return f'<div style="{style}">{paragraphs}</div>'


def judge(
    name: str | Exercise, answer: Callable, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Verdict:
    """Try an answer on the exercise's cases.

    Args:
        name: of the exercise.
        answer: the student's function.
        seed, dtype: of the cases' random inputs.

    Raises:
        ValueError: there is no such exercise.
        TypeError: the answer is no function.
    """
    asked = name if isinstance(name, Exercise) else exercise(name)
    if not callable(answer):
        raise TypeError(
            f"check({asked.name!r}, …) takes your function, not {format_value(answer)}: write its name "
            "without parentheses"
        )
    with cpu_by_default():
        return _judged(asked, answer, seed, dtype)


def _judged(asked: Exercise, answer: Callable, seed: int, dtype: torch.dtype) -> Verdict:
    cases, outcomes = asked.cases(Inputs(seed, dtype)), []
    for case in cases:
        outcomes.append(outcome(answer, case.args))
        if isinstance(outcomes[-1].error, NotImplementedError):
            return Verdict(asked.name, UNTRIED, "not tried yet")
        if isinstance(outcomes[-1].error, Stopped):
            return _stopped(asked, case, outcomes[-1])
    attempt = _Attempt(asked, dtype, cases, outcomes)
    expected = _expected(asked, seed, dtype)
    differences = list(attempt.differences(expected.outcome))
    if not any(differences):
        tested = tuple(case.shows for case in cases)
        says = f"right. Tested with {_in_words(tested)}."
        return Verdict(asked.name, PASSED, says, tested=tested)
    return _wrong(attempt, expected, differences)


def _wrong(attempt: "_Attempt", expected: "_Expected", differences: list[str]) -> Verdict:
    """The verdict on an answer that is wrong in some case: by its mistakes, if they are known."""
    asked, cases = attempt.exercise, attempt.cases
    first = next(i for i, found in enumerate(differences) if found)
    call = f"{asked.name}({', '.join(map(format_value, cases[first].args))})"
    example = f"With {cases[first].shows}, {call}: {differences[first]}."
    if mistakes := _find_mistakes(attempt, expected):
        says = " ".join(wrong.says for wrong in mistakes)
        if len(mistakes) > 1:
            says = f"Two mistakes at once. {says}"
        return Verdict(asked.name, WRONG, says, example, mistakes=mistakes)
    if attempt.outcomes[first].error is not None:
        says = _raised(attempt.outcomes[first])
        return Verdict(asked.name, RAISED, says, example if first else "")
    right = _in_words(case.shows for case in cases[:first])
    so_far = f"Right with {right}. " if right else ""
    return Verdict(asked.name, WRONG, f"{so_far}Wrong with {cases[first].shows}.", example)


def is_right(
    asked: Exercise,
    answer: Callable,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    seconds: float = SECONDS,
) -> bool:
    """Whether an answer is right, without looking for what is wrong with it."""
    return all(
        not _difference(
            outcome(answer, case.args, seconds), outcome(asked.answer, case.args), dtype
        )
        for case in asked.cases(Inputs(seed, dtype))
    )


# --- what an answer gives, and what it should give ------------------------------------------------


@dataclass(frozen=True)
class _Attempt:
    """What an answer gives: an outcome for each case."""

    exercise: Exercise
    dtype: torch.dtype
    cases: list[Case]
    outcomes: list[Outcome]

    def differences(self, other: Callable[[int, Case], Outcome]) -> Iterator[str]:
        """For each case how its outcome differs from the other one's; "" where it doesn't."""
        for i, (case, mine) in enumerate(zip(self.cases, self.outcomes, strict=True)):
            yield _difference(mine, other(i, case), self.dtype)

    def equals(self, other: Callable[[int, Case], Outcome]) -> bool:
        """Whether there is no difference; nothing is computed after the first."""
        return not any(self.differences(other))


class _Expected:
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
def _expected(asked: Exercise, seed: int, dtype: torch.dtype) -> _Expected:
    """Kept of the exercise that was checked last, so that a second try is judged sooner."""
    return _Expected(asked)


def _difference(mine: Outcome, right: Outcome, dtype: torch.dtype) -> str:
    """What is wrong with this outcome; "" if nothing is."""
    if mine.error is not None and right.error is not None:
        same = isinstance(mine.error, type(right.error))
        return "" if same else f"it should raise {right.kind}; yours raises {mine.kind}"
    if right.error is not None:
        return f"it should raise {right.kind}; yours gives {format_value(mine.value)}"
    if mine.error is not None:
        return f"it should be {format_value(right.value)}; yours raises {mine.kind}"
    try:
        return difference(mine.value, right.value, dtype)
    except Exception as error:  # a list that holds itself, a sparse tensor: anything may come
        return (
            f"it should be {format_value(right.value)}; yours, a {type(mine.value).__name__}, can't be "
            f"compared with it ({type(error).__name__})"
        )


# --- which mistake it makes -----------------------------------------------------------------------


def _find_mistakes(attempt: _Attempt, expected: _Expected) -> tuple[Wrong, ...]:
    """The mistake, or the two, that give what this answer gives; () if there are none."""
    for wrong in attempt.exercise.wrong:
        if attempt.equals(functools.partial(expected.outcome, wrong=wrong)):
            return (wrong,)
    return _find_two_mistakes(attempt)


def _find_two_mistakes(attempt: _Attempt) -> tuple[Wrong, ...]:
    end = time.perf_counter() + SECONDS_FOR_PAIRS
    edits = [wrong for wrong in attempt.exercise.wrong if not wrong.instead]
    for pair in itertools.combinations(edits, 2):
        if time.perf_counter() > end:
            break
        try:
            function = attempt.exercise.with_mistakes(pair)
        except (ExerciseError, SyntaxError):  # these two don't fit together
            continue
        if attempt.equals(functools.partial(_outcome_of, function)):
            return pair
    return ()


def _outcome_of(function: Callable, i: int, case: Case) -> Outcome:
    return outcome(function, case.args)


# --- in words -------------------------------------------------------------------------------------


def _stopped(asked: Exercise, case: Case, found: Outcome) -> Verdict:
    says = f"{found.error}. Is there a loop that never ends?"
    where = f" ({found.line})" if found.line else ""
    return Verdict(asked.name, STOPPED, f"With {case.shows}: {says}{where}")


def _raised(found: Outcome) -> str:
    where = f" in {found.line}" if found.line else ""
    message = str(found.error).strip().splitlines()[0] if str(found.error).strip() else ""
    advice = _advice(found.error)
    return f"{found.kind}{where}. {message}" + (f"\n{advice}" if advice else "")


def _advice(error: BaseException) -> str:
    if isinstance(error, TypeError) and "float" in str(error):
        return "Is it a quotient? / gives a float, // a whole number."
    if any(word in str(error).lower() for word in ("shape", "size", "dimension")):
        return SHAPE_ADVICE
    return next((words for kind, words in ADVICE.items() if isinstance(error, kind)), "")


def _in_words(parts: Iterable[str]) -> str:
    """A list in a sentence: "one, two and three"."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
