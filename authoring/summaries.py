"""What a stored picture shows, in another language: a notebook keeps its sentence in English, and is not run anew.

The sentence was made of the words of `nbutils/words/en/pictures`, with numbers and names filled in. Here it is taken
apart into these words again, and put together of the other language's. A value that is one of the words itself, a
unit or a choice, is said in that language, too. So is what a state calls in English: stages, machines.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape, unescape
from typing import NamedTuple

from nbutils.figures.moving.picture import Picture
from nbutils.words import fill, table

END = re.compile(r"(?<=[.!?:])\s+|\n")  # where a sentence of a summary may end
NAMES = "book/stored"  # the table of what a state has in English
HOLDER = re.compile(r"\{(\w+)\}")
VALUE = r"(?:(?![.!?]\s[A-Z]).)+?"  # no sentence ends in a value
STORED = re.compile(r"(?<=><p>)(.*?)(?=</p>)", re.S)


class Template(NamedTuple):
    """Words of a table: how they are found, how many letters are their own, and what is said instead.

    A sign is a hundredth of a letter: what is nothing but signs holds a place where no words do.
    """

    found: re.Pattern
    own: float
    instead: str


def in_language(kind: type[Picture], summary: str, language: str) -> str:
    """The summary of a picture of that class; one that is in that language already stays.

    Raises ValueError where it is not made of the picture's words.
    """
    ways = [
        _translated(summary, templates(kind, language, written)) for written in ("en", language)
    ]
    if any(ways):
        return max(filter(None, ways), key=lambda one: one[0])[1]
    raise ValueError(f"{kind.__name__} says what its words in {language!r} don't: {summary!r}")


def in_html(kind: type[Picture], html: str, language: str) -> str:
    """What `Picture.html` left in a notebook, with the summary in that language."""
    return STORED.sub(
        lambda found: escape(in_language(kind, unescape(found[1]), language)), html, count=1
    )


@cache
def templates(kind: type[Picture], language: str, written: str = "en") -> tuple[Template, ...]:
    """All words that the picture may say, as they are written in one language and said in another."""
    pairs = zip(flat(kind.wording(written)), flat(kind.wording(language)), strict=True)
    return (*(_template(*pair) for pair in pairs if pair[0]), *names(language, written))


@cache
def names(language: str, written: str = "en") -> tuple[Template, ...]:
    """What notebooks and measured runs call things, in a state or at a summary's beginning."""
    pairs = [*zip(*(flat(table(NAMES, one)) for one in (written, language)), strict=True)]
    pairs += [[one[0].upper() + one[1:] for one in pair] for pair in pairs if pair[0][0].islower()]
    return tuple(_template(*pair) for pair in pairs)


def in_state(state, language: str):
    """A picture's state, or a part of it, with the `names` in it as that language has them."""
    if isinstance(state, str):
        return (_read(state, names(language), 1) or (0, state))[1]
    if isinstance(state, dict):
        return {key: in_state(one, language) for key, one in state.items()}
    return [in_state(one, language) for one in state] if isinstance(state, list) else state


def flat(words) -> Iterator[str]:
    """Each single piece of a table's words, lists and tables inside it included."""
    if isinstance(words, str):
        yield words
        return
    for one in words.values() if isinstance(words, Mapping) else words:
        yield from flat(one)


def _template(words: str, instead: str) -> Template:
    known, pattern, at = set(), "", 0
    for holder in HOLDER.finditer(words):
        pattern += re.escape(words[at : holder.start()])
        pattern += f"(?P={holder[1]})" if holder[1] in known else f"(?P<{holder[1]}>{VALUE})"
        known.add(holder[1])
        at = holder.end()
    pattern += re.escape(words[at:])
    own = HOLDER.sub("", words)
    letters = sum(map(str.isalpha, own))
    return Template(re.compile(pattern, re.S), letters + (len(own) - letters) / 100, instead)


def _translated(summary: str, words: tuple[Template, ...]) -> tuple[float, str] | None:
    """The summary's sentences, one after the other, and how many letters are words; None where they are no such words.

    Of all ways to read it the one counts in which the fewest letters are values.
    """
    starts = [0, *(end.end() for end in END.finditer(summary)), len(summary)]
    ends = [*(end.start() for end in END.finditer(summary)), len(summary)]
    best = {0: (0, "")}  # up to a start: letters that are words, what is said instead
    for first, start in enumerate(starts[:-1]):
        if start not in best:
            continue
        letters, before = best[start]
        for end, after in zip(ends[first:], starts[first + 1 :]):
            found = _read(summary[start:end], words)
            if found and letters + found[0] > best.get(after, (-1,))[0]:
                best[after] = (letters + found[0], before + found[1] + summary[end:after])
    return best.get(len(summary))


def _read(said: str, words: tuple[Template, ...], least: float = 0) -> tuple[float, str] | None:
    """What was said as the words that fit best: how many letters are theirs, and what is said instead.

    least: as many letters must be theirs.
    """
    best = None
    for template in words:
        if template.own >= least and (found := template.found.fullmatch(said)):
            values = {name: _value(text, words) for name, text in found.groupdict().items()}
            nested = sum(letters for letters, _ in values.values())
            own = template.own + (nested if template.own >= 1 else 0)
            if best is None or own > best[0]:
                texts = {name: text for name, (_, text) in values.items()}
                best = own, fill(template.instead, **texts)
    return best


def _value(said: str, words: tuple[Template, ...]) -> tuple[float, str]:
    """A value in the other language, where it is words, and how many letters they have; else as it is.

    It may be a list (``w0 down, w1 up``), or something with a unit behind it.
    """
    found = [(0, said)]
    if ", " in said:
        parts = [_value(one, words) for one in said.split(", ")]
        found.append((sum(letters for letters, _ in parts), ", ".join(text for _, text in parts)))
    first, _, rest = said.partition(" ")
    for template in words:
        if rest and not template.found.groups and template.found.fullmatch(rest):
            found.append((template.own, f"{first} {template.instead}"))
    return max([*found, _read(said, words, 1) or found[0]], key=lambda one: one[0])
