"""Answers that strangers wrote from the statements alone, and what the checks say of them.

`tests/answers/<chapter>.json` has them as they were written. "told" is a pattern for the sentence that names
the mistake; it was written down before the checks knew the answer.
"""

import json
import linecache
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from nbutils.exercises.checking import Verdict, judge
from nbutils.exercises.exercise import CHAPTERS, compile_function

FOLDER = Path(__file__).parents[1] / "tests" / "answers"


@dataclass(frozen=True)
class Answer:
    """One answer. today: what was wrong with its verdict when it was found; told: see above; unfit: what is
    said of a right one that can't be part of a network, and why that is so.
    """

    exercise: str
    right: bool
    what: str
    code: str
    told: str = ""
    today: str = ""
    unfit: str = ""

    def function(self) -> Callable:
        """The function, whose lines are found as those of a notebook's cell are."""
        file = f"<ipython-input-{abs(hash(self.code))}>"
        lines = self.code.splitlines(keepends=True)
        linecache.cache[file] = (len(self.code), None, lines, file)
        namespace = {"__name__": "__main__", "torch": torch}
        return compile_function(self.code, self.exercise, namespace, file)

    def is_named_by(self, verdict: Verdict) -> bool:
        """Whether the verdict's words name the mistake that was made."""
        return bool(re.search(self.told, str(verdict), re.IGNORECASE))


def answers(chapter: str | None = None) -> list[Answer]:
    """All answers, or a chapter's, in the order of the chapters."""
    found = []
    for name in CHAPTERS if chapter is None else (chapter,):
        path = FOLDER / f"{name}.json"
        if path.exists():
            found += [Answer(**one) for one in json.loads(path.read_text("utf-8"))]
    return found


@dataclass(frozen=True)
class Row:
    """One chapter. judged: answers that were told right from wrong; named: wrong ones whose mistake was named;
    misled: wrong ones that got a sentence about another mistake; seconds, of a first check of each."""

    chapter: str
    answers: int
    judged: int
    wrong: int
    named: int
    misled: int
    median: float
    within_95: float
    within_99: float
    slowest: float


def rows() -> list[Row]:
    """A row for each chapter, and one for all."""
    checked = {chapter: list(map(_checked, answers(chapter))) for chapter in CHAPTERS}
    everything = [one for of_chapter in checked.values() for one in of_chapter]
    return [_row(*one) for one in [*checked.items(), ("all", everything)] if one[1]]


def _checked(answer: Answer) -> tuple[Answer, Verdict, float]:
    function = answer.function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        verdict = judge(answer.exercise, function)
    return answer, verdict, time.perf_counter() - start


def _row(chapter: str, checked: list[tuple[Answer, Verdict, float]]) -> Row:
    wrong = [(answer, verdict) for answer, verdict, _ in checked if not answer.right]
    named = [answer.is_named_by(verdict) for answer, verdict in wrong]
    misled = [
        verdict.named and not is_named for (_, verdict), is_named in zip(wrong, named, strict=True)
    ]
    seconds = sorted(took for *_, took in checked)
    return Row(
        chapter,
        len(checked),
        sum(verdict.passed == answer.right for answer, verdict, _ in checked),
        len(wrong),
        sum(named),
        sum(misled),
        seconds[len(seconds) // 2],
        seconds[int(0.95 * (len(seconds) - 1))],
        seconds[int(0.99 * (len(seconds) - 1))],
        seconds[-1],
    )
