"""Judge an answer: right, or the sentence that names its mistake.

A mistake is recognised by imitation. Each exercise keeps the mistakes that students make as changes
of its own answer; an answer that gives what one of them gives, on every case, makes that mistake,
however it is written (`imitation`). What no list foresees is looked at for its form (`forms`), or told at the
line where it was raised (`crashes`). Two mistakes at once are found by imitation too. What is left gets the
first case that is wrong, after those that are right: the cases are ordered so that each adds one thing.
"""

import html
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from nbutils.exercises.compare import format_value
from nbutils.exercises.crashes import in_plain_words, wrong_number_of_arguments
from nbutils.exercises.exercise import Case, Exercise, Inputs, Wrong, exercise
from nbutils.exercises.forms import Results, describe_form, describe_relation, is_value
from nbutils.exercises.guard import SECONDS, Outcome, Stopped, outcome
from nbutils.exercises.imitation import Attempt, difference_of, expected_of, find_mistake, find_two
from nbutils.exercises.world import as_it_came
from nbutils.words import sentence

OTHER_SEEDS = range(1, 7)  # with which a call is tried again, to see whether it draws
SECONDS_AGAIN = 0.5  # for each of these calls
SECONDS_IN_ALL = 8.0  # for all cases of one check
PASSED, WRONG, RAISED, STOPPED, UNTRIED = "passed", "wrong", "raised", "stopped", "not tried yet"


@dataclass(frozen=True)
class Verdict:
    """What `judge` found.

    named: whether it says what the mistake is. mistakes: those of the exercise's list that were
    recognised.
    """

    name: str
    state: str
    says: str = ""
    example: str = ""
    tested: tuple[str, ...] = ()
    mistakes: tuple[Wrong, ...] = field(default=(), repr=False)
    named: bool = False

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

    What it prints is printed once, with the calls of the cases.

    Raises:
        ValueError: there is no such exercise.
        TypeError: the answer is no function.
    """
    asked = name if isinstance(name, Exercise) else exercise(name)
    if not callable(answer):
        raise TypeError(
            sentence(
                "check({name}, …) takes your function, not {value}: write its name without parentheses",
                name=repr(asked.name),
                value=format_value(answer),
            )
        )
    with as_it_came():
        return _judged(asked, answer, seed, dtype)


def _judged(asked: Exercise, answer: Callable, seed: int, dtype: torch.dtype) -> Verdict:
    cases, outcomes = asked.cases(Inputs(seed, dtype)), []
    end = time.monotonic() + SECONDS_IN_ALL
    for case in cases:
        seconds = min(SECONDS, max(end - time.monotonic(), 0.1))
        outcomes.append(outcome(answer, case.args, seconds, show=True))
        if _is_the_starter(asked, outcomes[-1]):
            return Verdict(asked.name, UNTRIED, sentence("not tried yet"))
        if isinstance(outcomes[-1].error, Stopped):
            return _stopped(asked, case, outcomes[-1])
    attempt = Attempt(asked, answer, dtype, cases, outcomes)
    expected = expected_of(asked, seed, dtype)
    differences = list(attempt.differences(expected.outcome))
    if any(differences) or attempt.changes_what_is_kept():
        return _wrong(attempt, expected, differences)
    if other := _fails_with_others(asked, answer, seed, dtype, end):
        return other
    tested = tuple(case.shows for case in cases)
    says = " ".join(
        filter(
            None, (sentence("right. Tested with {list}.", list=_listed(tested)), _remark(attempt))
        )
    )
    return Verdict(asked.name, PASSED, says, tested=tested)


def _fails_with_others(
    asked: Exercise, answer: Callable, seed: int, dtype: torch.dtype, end: float
) -> Verdict | None:
    """The verdict on an answer that is right in all cases, and wrong in the same ones with other numbers.

    Until ``end`` on the monotonic clock; a slow answer that has been right so far is right.
    """
    for case in asked.cases(Inputs(seed + 1, dtype)):
        mine = outcome(answer, case.args, max(end - time.monotonic(), 0.1))
        if isinstance(mine.error, Stopped):  # what was fast enough before is so now
            return None
        if found := difference_of(mine, outcome(asked.answer, case.args), dtype):
            says = sentence(
                "Right with one set of numbers, and wrong with {case} when these are others. Does it keep "
                "something from an earlier call, or hold for these numbers by chance?",
                case=case.shows,
            )
            return Verdict(asked.name, WRONG, says, _example(asked, case, found))
    return None


def _is_the_starter(asked: Exercise, found: Outcome) -> bool:
    """Whether this is the exception of the place to write, and not one of PyTorch's of the same type."""
    if not isinstance(found.error, NotImplementedError):
        return False
    message = str(found.error)
    return message == asked.name or (not message and "raise NotImplementedError" in found.line)


def _remark(attempt: Attempt) -> str:
    """What is said of a right answer that changes an argument which no docstring promises to keep."""
    if not (names := attempt.changed()):
        return ""
    return sentence(
        "It changes `{argument}`, which it was given: whoever calls it finds other values there. Work on a "
        "copy if you don't mean it.",
        argument=names[0],
    )


def _wrong(attempt: Attempt, expected, differences: list[str]) -> Verdict:
    """The verdict on an answer that is wrong in some case: by its mistake, if that is known."""
    asked, cases = attempt.exercise, attempt.cases
    if not any(differences):
        mistakes = find_mistake(attempt, expected)
        says = mistakes[0].says if mistakes else _changes(attempt)
        return Verdict(asked.name, WRONG, says, mistakes=mistakes, named=True)
    first = next(i for i, found in enumerate(differences) if found)
    example = _example(asked, cases[first], differences[first])
    if mistakes := find_mistake(attempt, expected):
        return Verdict(asked.name, WRONG, mistakes[0].says, example, (), mistakes, named=True)
    if says := wrong_number_of_arguments(
        attempt.outcomes[first].error, attempt.answer, cases[first].args, attempt.names
    ):
        return Verdict(asked.name, RAISED, says, named=True)
    if attempt.outcomes[first].error is not None:
        says, known = _raised(attempt.outcomes[first], attempt.answer)
        return Verdict(asked.name, RAISED, says, example if first else "", named=known)
    if says := _by_its_nature(attempt, expected, first):
        return Verdict(asked.name, WRONG, says, example, named=True)
    if mistakes := find_two(attempt, expected):
        says = " ".join([sentence("Two mistakes at once."), *(wrong.says for wrong in mistakes)])
        return Verdict(asked.name, WRONG, says, example, (), mistakes, named=True)
    right = [case.shows for case in cases[:first]]
    so_far = sentence("Right with {list}.", list=_listed(right)) if right else ""
    says = sentence("Wrong with {case}.", case=cases[first].shows)
    return Verdict(asked.name, WRONG, " ".join(filter(None, (so_far, says))), example)


def _by_its_nature(attempt: Attempt, expected, first: int) -> str:
    """What the results show of themselves: chance, memory, their form, or how they are related."""
    if attempt.changes_what_is_kept():
        return _changes(attempt)
    if says := _differs_from_call_to_call(attempt, first):
        return says
    rights = [expected.outcome(i, case) for i, case in enumerate(attempt.cases)]
    both = [
        (mine, right, case.args)
        for mine, right, case in zip(attempt.outcomes, rights, attempt.cases)
        if right.error is None
    ]
    if any(mine.error is not None for mine, _, _ in both):
        return ""
    mine, right, args = zip(*both)
    results = Results(
        [one.value for one in mine],
        [one.value for one in right],
        list(args),
        attempt.names,
        [one.printed for one in mine],
        attempt.dtype,
    )
    if says := describe_form(results):
        return says
    changes = _changes(attempt) if attempt.changed() else ""
    return " ".join(filter(None, (changes, describe_relation(results))))


def _differs_from_call_to_call(attempt: Attempt, first: int) -> str:
    """Whether the same call gives another result by chance, or since the function remembers."""
    case, then = attempt.cases[first], attempt.outcomes[first]
    if not is_value(then.value) or difference_of(then, then, attempt.dtype):
        return ""  # two objects of a class, or tensors without numbers, are never the same

    def differs(seed: int) -> bool:
        again = outcome(attempt.answer, case.args, SECONDS_AGAIN, seed=seed)
        late = isinstance(again.error, Stopped)
        return not late and bool(difference_of(again, then, attempt.dtype))

    if differs(0):
        return sentence(
            "Your function gives another result when the same call comes again. Either it remembers earlier "
            "calls: a list, dict or tensor that is made outside of it, or in its first line with def, lives on, "
            "so make it anew inside. Or it reads what nobody has set: torch.empty, or a random generator of "
            "its own."
        )
    if any(map(differs, OTHER_SEEDS)):
        return sentence(
            "Your function draws random numbers: the same call gives another result each time. Is there a "
            "layer with weights of its own, a dropout, a random start or a draw where none belongs?"
        )
    return ""


def _changes(attempt: Attempt) -> str:
    return sentence(
        "Your function changes `{argument}`, which it was given: after the call it is another one. Work on a "
        "copy, or make a new one. In place are `+=`, `{argument}[...] = …`, and methods that end in _.",
        argument=attempt.changed()[0],
    )


def is_right(
    asked: Exercise,
    answer: Callable,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    seconds: float = SECONDS,
) -> bool:
    """Whether an answer is right, without looking for what is wrong with it."""
    with as_it_came():
        for case in asked.cases(Inputs(seed, dtype)):
            mine, right = outcome(answer, case.args, seconds), outcome(asked.answer, case.args)
            attempt = Attempt(asked, answer, dtype, [case], [mine])
            if difference_of(mine, right, dtype) or attempt.changes_what_is_kept():
                return False
    return True


# --- in words -------------------------------------------------------------------------------------


def _stopped(asked: Exercise, case: Case, found: Outcome) -> Verdict:
    says = sentence(
        "With {case}: {error}. Is there a loop that never ends?", case=case.shows, error=found.error
    )
    where = f" ({found.line})" if found.line else ""
    return Verdict(asked.name, STOPPED, says + where, named=True)


def _raised(found: Outcome, answer: Callable) -> tuple[str, bool]:
    """What is said of an exception, and whether something is known about it."""
    where = (
        sentence("{error} in {line}", error=found.kind, line=found.line)
        if found.line
        else found.kind
    )
    message = str(found.error).strip().splitlines()[0] if str(found.error).strip() else ""
    advice = in_plain_words(found.error, found.line, answer)
    return f"{where}. {message}" + (f"\n{advice}" if advice else ""), bool(advice)


def _example(asked: Exercise, case: Case, found: str) -> str:
    """The call of a case, and what is wrong with its result."""
    call = f"{asked.name}({', '.join(map(format_value, case.args))})"
    return sentence("With {case}, {call}: {found}.", case=case.shows, call=call, found=found)


def _listed(parts: Sequence[str]) -> str:
    """A list in a sentence: "one, two and three"."""
    *first, last = parts
    return sentence("{first} and {last}", first=", ".join(first), last=last) if first else last
