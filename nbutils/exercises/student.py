"""What a student calls in a notebook; each call also notes in the progress file what was done."""

import html
from collections.abc import Callable
from dataclasses import dataclass, replace

from nbutils.exercises import record as kept
from nbutils.exercises.checking import UNTRIED, Verdict, is_right, judge
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.your_gpt import IN_THE_GPT, unfit


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
    why = unfit(name, answer) if verdict.passed else ""
    if why:
        verdict = replace(
            verdict, says=f"{verdict.says} It can't become part of your GPT as it is: {why}."
        )
    if verdict.state != UNTRIED:
        progress = kept.load_progress()
        entry = progress.of(name)
        entry.tries += 1
        entry.says = verdict.says
        if verdict.passed:
            entry.passed, entry.unfit = kept.now(), why
            entry.code = kept.code_of(name, answer, lambda again: is_right(exercise(name), again))
        kept.store_progress(progress)
    return verdict


@dataclass(frozen=True)
class Text:
    """Markdown that a notebook shows as such."""

    markdown: str

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return self.markdown


def hint(name: str) -> Text:
    """The next hint; after the last one, all of them."""
    asked, progress = exercise(name), kept.load_progress()
    entry = progress.of(name)
    most = len(asked.hints)
    if entry.hints < most:
        entry.hints += 1
        kept.store_progress(progress)
        return Text(f"**Hint {entry.hints} of {most}.** {asked.hints[entry.hints - 1]}")
    return Text("\n".join(f"{i}. {words}" for i, words in enumerate(asked.hints, start=1)))


def solution(name: str, anyway: bool = False) -> Text:
    """The course's answer, why it is so, and what often goes wrong; after a try, or ``anyway``."""
    asked, progress = exercise(name), kept.load_progress()
    entry = progress.of(name)
    if not (entry.tries or anyway):
        return Text(
            f"Try it first: write something, and run `check({name!r}, {name})`. Hints are in "
            f"`hint({name!r})`. To see the solution at once: `solution({name!r}, anyway=True)`."
        )
    entry.solution = entry.solution or kept.now()
    kept.store_progress(progress)
    mistakes = "\n".join(f"- {wrong.says}" for wrong in asked.wrong)
    return Text(
        f"```python\n{asked.body().rstrip()}\n```\n\n{asked.why}\n\n**What often goes wrong**\n\n{mistakes}"
    )


@dataclass(frozen=True)
class Overview:
    """What is done: a line for each exercise, (chapter, name, title, sign, words).

    in_the_gpt: names of the functions that `your_gpt` calls.
    """

    lines: tuple[tuple[str, ...], ...]
    following: str
    in_the_gpt: frozenset[str]

    def __str__(self) -> str:
        rows = (f"{sign} {name:22} {words}" for _, name, _, sign, words in self.lines)
        return "\n".join([*rows, self.in_words(), self.following])

    __repr__ = __str__

    def in_words(self) -> str:
        """Whose code the GPT is made of."""
        parts = [(name, words) for _, name, _, _, words in self.lines if name in self.in_the_gpt]
        own = [name for name, words in parts if words == YOURS]
        whose = f"{len(own)} of the {len(parts)} functions that your GPT is made of are yours"
        return f"{whose}: {', '.join(own)}." if own else f"{whose}; the course's stand in."

    def _repr_html_(self) -> str:
        chapters = dict.fromkeys(chapter for chapter, *_ in self.lines)
        drawn = "".join(map(self._row, chapters))
        tried = "".join(
            f"<li><code>{name}</code>: {html.escape(words)}</li>"
            for _, name, _, sign, words in self.lines
            if sign == TRIED
        )
        below = (
            f"{html.escape(self.in_words())} They have a thick frame. {html.escape(self.following)}"
        )
        return f"<div>{drawn}<p>{below}</p>{f'<ul>{tried}</ul>' if tried else ''}</div>"

    def _row(self, chapter: str) -> str:
        lines = [line for line in self.lines if line[0] == chapter]
        done = sum(sign == DONE for *_, sign, _ in lines)
        chips = "".join(self._chip(*line[1:]) for line in lines)
        style = "display: flex; flex-wrap: wrap; gap: 0.3em; margin: 0.2em 0; align-items: baseline"
        head = f'<span style="flex-basis: 100%"><b>{chapter}</b> {done} of {len(lines)}</span>'
        return f'<div style="{style}">{head}{chips}</div>'

    def _chip(self, name: str, title: str, sign: str, words: str) -> str:
        colour = {DONE: "#2a8a4a", TRIED: "#c4453a"}.get(sign, "#888888")
        width = "0.2em" if name in self.in_the_gpt else "1px"
        style = f"border: {width} solid {colour}; border-radius: 0.3em; padding: 0 0.3em"
        about = html.escape(f"{title}: {words}", quote=True)
        return f'<span style="{style}" title="{about}">{sign} {name}</span>'


DONE, TRIED, LEFT = "✓", "✗", "○"
YOURS = "your code"


def progress() -> Overview:
    """What is done, whose code would be in your GPT, and what is next."""
    entries = kept.load_progress().entries
    lines, following = (
        [],
        "Everything is done: exercises/06_your_gpt trains a GPT of your code alone.",
    )
    for name, chapter in names().items():
        asked, entry = exercise(name), entries.get(name, kept.Entry())
        if entry.passed:
            sign, words = DONE, YOURS if entry.code else "right, but its text is not kept"
            if entry.unfit:
                words = f"right, but not in the GPT: {entry.unfit}"
        elif entry.tries:
            sign = TRIED
            words = f"{entry.tries} {'try' if entry.tries == 1 else 'tries'}: {entry.says}"
        else:
            sign, words = LEFT, f"{asked.minutes} minutes; the course's code stands in"
        lines.append((chapter, name, asked.title, sign, words))
    left = [line for line in lines if line[3] != DONE]
    if left:
        following = f"Next: {left[0][1]}, {left[0][2]}."
    return Overview(tuple(lines), following, IN_THE_GPT)
