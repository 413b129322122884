"""Judge an answer: right, or the sentence that names its mistake.

A mistake is recognised by imitation. Each exercise keeps the mistakes that students make as changes
of its own answer; an answer that gives what one of them gives, on every case, makes that mistake,
however it is written. Two mistakes at once are found in the same way. What nobody foresaw gets the
first case that is wrong, after those that are right: the cases are ordered so that each adds one
thing.
"""

import html
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from nbutils.device import cpu_by_default
from nbutils.exercises.compare import difference, shown
from nbutils.exercises.exercise import Case, Exercise, ExerciseError, Given, Wrong, exercise
from nbutils.exercises.guard import SECONDS, Outcome, Stopped, outcome

PATIENCE = 0.5  # seconds in which pairs of mistakes are tried
PASSED, WRONG, RAISED, STOPPED, UNTRIED = "passed", "wrong", "raised", "stopped", "not tried yet"
HELP = {
    NameError: "Has the cell that defines it been run?",
    UnboundLocalError: "It is given a value only after it is used, or only in some cases.",
    IndexError: "Count from 0: the last of n has the index n - 1.",
    KeyError: "Print the keys that there are.",
    ZeroDivisionError: "Which input makes the divisor 0?",
    AttributeError: "Print the value's type() to see what it is.",
    RecursionError: "The function calls itself without an end.",
    MemoryError: "Print the shapes: one of them is far larger than it should be.",
}
SHAPES = "Print the shapes of what stands in this line, and say for each dimension what it counts."


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
            f"check({asked.name!r}, …) takes your function, not {shown(answer)}: write its name "
            "without parentheses"
        )
    with cpu_by_default():
        return _judged(asked, answer, seed, dtype)


def _judged(asked: Exercise, answer: Callable, seed: int, dtype: torch.dtype) -> Verdict:
    cases = asked.cases(Given(seed, dtype))
    got = []
    for case in cases:
        got.append(outcome(answer, case.args))
        if isinstance(got[-1].error, NotImplementedError):
            return Verdict(asked.name, UNTRIED, "not tried yet")
        if isinstance(got[-1].error, Stopped):
            return _stopped(asked, case, got[-1])
    remembered = _remembered(asked, seed, dtype)
    expected = [remembered(asked.answer, i, case) for i, case in enumerate(cases)]
    differ = [
        _differ(mine, right, dtype, case)
        for mine, right, case in zip(got, expected, cases, strict=True)
    ]
    if not any(differ):
        tested = tuple(case.shows for case in cases)
        return Verdict(asked.name, PASSED, f"right. Tested with {_listed(tested)}.", tested=tested)
    first = next(i for i, found in enumerate(differ) if found)
    example = _example(asked, cases[first], differ[first])
    mistakes = _imitated(asked, cases, got, dtype, remembered)
    if mistakes:
        says = " ".join(wrong.says for wrong in mistakes)
        if len(mistakes) > 1:
            says = f"Two mistakes at once. {says}"
        return Verdict(asked.name, WRONG, says, example, mistakes=mistakes)
    if got[first].error is not None:
        return Verdict(asked.name, RAISED, _raised(got[first]), example if first else "")
    right = _listed([case.shows for case in cases[:first]])
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
        not _differ(
            outcome(answer, case.args, seconds), outcome(asked.answer, case.args), dtype, case
        )
        for case in asked.cases(Given(seed, dtype))
    )


def _differ(mine: Outcome, right: Outcome, dtype: torch.dtype, case: Case) -> str:
    """What is wrong with this outcome; "" if nothing is."""
    if mine.error is not None and right.error is not None:
        same = isinstance(mine.error, type(right.error))
        return "" if same else f"it should raise {right.kind}; yours raises {mine.kind}"
    if right.error is not None:
        return f"it should raise {right.kind}; yours gives {shown(mine.value)}"
    if mine.error is not None:
        return f"it should be {shown(right.value)}; yours raises {mine.kind}"
    try:
        return difference(mine.value, right.value, dtype)
    except Exception as error:  # a list that holds itself, a sparse tensor: anything may come
        return (
            f"it should be {shown(right.value)}; yours, a {type(mine.value).__name__}, can't be "
            f"compared with it ({type(error).__name__})"
        )


def _remembered(asked: Exercise, seed: int, dtype: torch.dtype) -> Callable:
    """As `outcome`, for the answer and its single mistakes with the cases of this seed and dtype.

    Of the exercise that was checked last, what they gave is known: a second try is judged sooner.
    """
    global _last
    if _last[0] is not asked or _last[1:3] != (seed, dtype):
        _last = (asked, seed, dtype, {})
    known = _last[-1]

    def remembered(made: Callable | Wrong, i: int, case: Case) -> Outcome:
        key = (id(made), i)  # the exercise holds them, so that an id stays theirs
        if key in known:
            return known[key]
        given = outcome(asked.mistaken((made,)) if isinstance(made, Wrong) else made, case.args)
        if not isinstance(given.error, Stopped):  # the machine may have paused
            known[key] = given
        return given

    return remembered


_last: tuple = (None, None, None, {})


def _imitated(
    asked: Exercise, cases: list[Case], got: list[Outcome], dtype, remembered
) -> tuple[Wrong, ...]:
    """The mistake, or the two, that give what this answer gives; () if there are none."""
    for wrong in asked.wrong:
        if _alike(wrong, cases, got, dtype, remembered):
            return (wrong,)
    end = time.perf_counter() + PATIENCE
    for pair in itertools.combinations([wrong for wrong in asked.wrong if not wrong.instead], 2):
        if time.perf_counter() > end:
            break
        try:
            imitation = asked.mistaken(pair)
        except (ExerciseError, SyntaxError):  # these two don't fit together
            continue
        if _alike(
            imitation, cases, got, dtype, lambda function, _, case: outcome(function, case.args)
        ):
            return pair
    return ()


def _alike(
    imitation: Callable | Wrong, cases: list[Case], got: list[Outcome], dtype, outcome_of
) -> bool:
    return all(
        not _differ(mine, outcome_of(imitation, i, case), dtype, case)
        for i, (case, mine) in enumerate(zip(cases, got, strict=True))
    )


def _example(asked: Exercise, case: Case, found: str) -> str:
    call = f"{asked.name}({', '.join(map(shown, case.args))})"
    return f"With {case.shows}, {call}: {found}."


def _stopped(asked: Exercise, case: Case, found: Outcome) -> Verdict:
    says = f"{found.error}. Is there a loop that never ends?"
    where = f" ({found.line})" if found.line else ""
    return Verdict(asked.name, STOPPED, f"With {case.shows}: {says}{where}")


def _raised(found: Outcome) -> str:
    error = found.error
    advice = next((words for kind, words in HELP.items() if isinstance(error, kind)), "")
    if isinstance(error, TypeError) and "float" in str(error):
        advice = "Is it a quotient? / gives a float, // a whole number."
    elif any(word in str(error).lower() for word in ("shape", "size", "dimension")):
        advice = SHAPES
    where = f" in {found.line}" if found.line else ""
    message = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{found.kind}{where}. {message}" + (f"\n{advice}" if advice else "")


def _listed(words) -> str:
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
