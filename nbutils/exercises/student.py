"""What a student calls in a notebook; each call also notes in the progress file what was done."""

import contextlib
import html
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from nbutils.exercises import record
from nbutils.exercises.checking import UNTRIED, Verdict, is_right, judge
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.sources import source_of
from nbutils.exercises.world import as_it_came
from nbutils.exercises.your_gpt import IN_THE_GPT, unfit
from nbutils.words import sentence

MISTAKES_SHOWN = 8  # of an exercise's list, beside its solution


def check(name: str, answer: Callable) -> Verdict:
    """Is this function a right answer? If not, the verdict names the mistake.

    Args:
        name: of the exercise.
        answer: your function.

    Raises:
        ValueError: there is no such exercise.
        TypeError: the answer is no function.
    """
    verdict = judge(name, answer)
    if verdict.state == UNTRIED:
        return verdict
    if (device := torch.get_default_device()).type != "cpu":
        elsewhere = sentence(
            "(Checked on the CPU, with tensors there; your default device is {device}.)",
            device=device,
        )
        verdict = replace(verdict, says=f"{verdict.says} {elsewhere}")
    progress = record.load_progress()
    entry = progress.of(name)
    entry.tries += 1
    if verdict.passed:
        entry.passed = record.now()
        entry.code, entry.unfit = _kept(name, answer)
        verdict = replace(verdict, says=" ".join(filter(None, (verdict.says, _remark(entry)))))
    entry.says = verdict.says
    record.store_progress(progress)
    return verdict


def _kept(name: str, answer: Callable) -> tuple[str, str]:
    """The text of a right answer, and why it can't be part of a network; "" where nothing is to be said.

    It is called again for both; what it prints has been seen.
    """
    with as_it_came(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = source_of(name, answer, lambda again: is_right(exercise(name), again))
        return code, unfit(name, answer)


def _remark(entry: record.Entry) -> str:
    """What a right answer is not good for, if anything."""
    if entry.unfit:
        return sentence("It can't become part of your GPT as it is: {why}.", why=entry.unfit)
    if not entry.code:
        return sentence(
            "But its text can't be kept, so the course's own function stands in where this one would be used: "
            "write it as a function with def, in a cell, without what only this notebook's memory holds (a "
            "lambda in a call, a partial, an object of a class)."
        )
    return ""


@dataclass(frozen=True)
class Markdown:
    """Text that a notebook shows as Markdown."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def hint(name: str) -> Markdown:
    """The next hint; after the last one, all of them."""
    asked, progress = exercise(name), record.load_progress()
    entry = progress.of(name)
    most = len(asked.hints)
    if entry.hints < most:
        entry.hints += 1
        record.store_progress(progress)
        head = sentence("**Hint {n} of {all}.**", n=entry.hints, all=most)
        return Markdown(f"{head} {asked.hints[entry.hints - 1]}")
    return Markdown("\n".join(f"{i}. {words}" for i, words in enumerate(asked.hints, start=1)))


def solution(name: str, anyway: bool = False) -> Markdown:
    """The course's answer, why it is so, and what often goes wrong; after a try, or ``anyway``."""
    asked, progress = exercise(name), record.load_progress()
    entry = progress.of(name)
    if not (entry.tries or anyway):
        return Markdown(
            sentence(
                "Try it first: write something, and run `check('{name}', {name})`. Hints are in "
                "`hint('{name}')`. To see the solution at once: `solution('{name}', anyway=True)`.",
                name=name,
            )
        )
    entry.solution = entry.solution or record.now()
    record.store_progress(progress)
    known = list(dict.fromkeys(wrong.says for wrong in asked.wrong))
    step = max(1, len(known) // MISTAKES_SHOWN)
    mistakes = "\n".join(f"- {says}" for says in known[::step][:MISTAKES_SHOWN])
    if len(known) > MISTAKES_SHOWN:
        more = sentence("The check knows {n} more.", n=len(known) - MISTAKES_SHOWN)
        mistakes += f"\n\n{more}"
    head = sentence("**What goes wrong, for example**")
    code = f"```python\n{asked.body().rstrip()}\n```"
    return Markdown(f"{code}\n\n{asked.why}\n\n{head}\n\n{mistakes}")


DONE, TRIED, LEFT = "✓", "✗", "○"


class Line(NamedTuple):
    """One exercise in the overview: a sign for how far it is, and words for it. own: their code is kept."""

    chapter: str
    name: str
    title: str
    sign: str
    words: str
    own: bool = False


@dataclass(frozen=True)
class Overview:
    """What is done: a line for each exercise.

    in_the_gpt: names of the functions that `your_gpt` calls.
    """

    lines: tuple[Line, ...]
    following: str
    in_the_gpt: frozenset[str]

    def __str__(self) -> str:
        rows = (f"{line.sign} {line.name:22} {line.words}" for line in self.lines)
        return "\n".join([*rows, self.in_words(), self.following])

    __repr__ = __str__

    def in_words(self) -> str:
        """Whose code the GPT is made of."""
        parts = [line for line in self.lines if line.name in self.in_the_gpt]
        own = [line.name for line in parts if line.own]
        return sentence(
            "{n} of the {all} functions that your GPT is made of are yours: {names}."
            if own
            else "{n} of the {all} functions that your GPT is made of are yours; the course's stand in.",
            n=len(own),
            all=len(parts),
            names=", ".join(own),
        )

    def _repr_html_(self) -> str:
        chapters = dict.fromkeys(line.chapter for line in self.lines)
        drawn = "".join(map(self._row, chapters))
        tried = "".join(
            f"<li><code>{line.name}</code>: {html.escape(line.words)}</li>"
            for line in self.lines
            if line.sign == TRIED
        )
        frame = sentence("They have a thick frame.")
        below = html.escape(f"{self.in_words()} {frame} {self.following}")
        return f"<div>{drawn}<p>{below}</p>{f'<ul>{tried}</ul>' if tried else ''}</div>"

    def _row(self, chapter: str) -> str:
        lines = [line for line in self.lines if line.chapter == chapter]
        done = sum(line.sign == DONE for line in lines)
        chips = "".join(map(self._chip, lines))
        style = "display: flex; flex-wrap: wrap; gap: 0.3em; margin: 0.2em 0; align-items: baseline"
        count = sentence("{done} of {all}", done=done, all=len(lines))
        head = f'<span style="flex-basis: 100%"><b>{chapter}</b> {count}</span>'
        return f'<div style="{style}">{head}{chips}</div>'

    def _chip(self, line: Line) -> str:
        colour = {DONE: "#2a8a4a", TRIED: "#c4453a"}.get(line.sign, "#888888")
        width = "0.2em" if line.name in self.in_the_gpt else "1px"
        style = f"border: {width} solid {colour}; border-radius: 0.3em; padding: 0 0.3em"
        about = html.escape(f"{line.title}: {line.words}", quote=True)
        return f'<span style="{style}" title="{about}">{line.sign} {line.name}</span>'


def progress() -> Overview:
    """What is done, whose code would be in your GPT, and what is next."""
    entries = record.load_progress().entries
    lines = tuple(_line(name, entries.get(name, record.Entry())) for name in names())
    following = sentence(
        "Everything is done: exercises/06_your_gpt trains a GPT of your code alone."
    )
    if left := [line for line in lines if line.sign != DONE]:
        following = sentence("Next: {name}, {title}.", name=left[0].name, title=left[0].title)
    return Overview(lines, following, IN_THE_GPT)


def _line(name: str, entry: record.Entry) -> Line:
    asked = exercise(name)
    if entry.passed:
        sign = DONE
        words = sentence("your code" if entry.code else "right, but its text is not kept")
        if entry.unfit:
            words = sentence("right, but not in the GPT: {why}", why=entry.unfit)
    elif entry.tries:
        sign = TRIED
        words = sentence(
            "{n} try: {says}" if entry.tries == 1 else "{n} tries: {says}",
            n=entry.tries,
            says=entry.says,
        )
    else:
        sign = LEFT
        words = sentence("{n} minutes; the course's code stands in", n=asked.minutes)
    own = bool(entry.passed and entry.code and not entry.unfit)
    return Line(asked.chapter, name, asked.title, sign, words, own)
