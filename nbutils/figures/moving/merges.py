"""Chapter 1's moving picture: byte pair encoding learns from a sentence, one merge at a time."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import traitlets

from nbutils.bpe import BYTES
from nbutils.tokens import SPLIT_PATTERN, split
from nbutils.words import sentence

from ..style import spelled
from .picture import Picture, whole_number

MOST_CHARACTERS = 120
"""What the picture takes: more would not fit on a screen."""


class Merge(NamedTuple):
    """One step of learning: the pair, how often it stood in the text, and its new number."""

    pair: tuple[int, int]
    count: int
    new: int


def learn_merges(text: str) -> tuple[list[Merge], list[bytes]]:
    """Every merge that a text allows, in order, and the vocabulary: bytes by number.

    The order is that of `nbutils.tokens.train_bpe`: the most frequent pair first, and of equally
    frequent ones the one with the smaller numbers.
    """
    rows = [list(piece.encode()) for piece in split(text)]
    vocabulary, merges = [bytes([value]) for value in range(BYTES)], []
    while counts := Counter(pair for row in rows for pair in zip(row, row[1:])):
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        joined = vocabulary[pair[0]] + vocabulary[pair[1]]
        if joined not in vocabulary:
            vocabulary.append(joined)
        merges.append(Merge(pair, counts[pair], vocabulary.index(joined)))
        rows = [_merged(row, merges[-1]) for row in rows]
    return merges, vocabulary


def tokens_after(text: str, merges: Sequence[Merge]) -> list[int]:
    """The ids of a text's tokens after these merges."""
    rows = [list(piece.encode()) for piece in split(text)]
    for merge in merges:
        rows = [_merged(row, merge) for row in rows]
    return [token for row in rows for token in row]


def _merged(row: list[int], merge: Merge) -> list[int]:
    out = []
    for symbol in row:
        if out and (out[-1], symbol) == merge.pair:
            out[-1] = merge.new
        else:
            out.append(symbol)
    return out


class Merges(Picture):
    """Step through the merges of a text, forward and back; the reader can type another text.

    Args:
        text: 1 to `MOST_CHARACTERS` characters.
        step: how many merges are done at the start.
    """

    script = "merges.js"
    kept = ("text", "step")

    text = traitlets.Unicode().tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    pattern = traitlets.Unicode().tag(sync=True)  # how a text is cut, for JavaScript
    most = traitlets.Int(MOST_CHARACTERS).tag(sync=True)

    def __init__(self, text: str, step: int = 0):
        _check(text)
        whole_number("step", step, 0, len(learn_merges(text)[0]))
        super().__init__(text=text, step=step, pattern=for_javascript(SPLIT_PATTERN))

    def tokens(self) -> list[int]:
        """The ids that the picture shows."""
        return tokens_after(self.text, learn_merges(self.text)[0][: self.step])

    def summary(self) -> str:
        merges, vocabulary = learn_merges(self.text)
        done = self.say(
            "done",
            step=self.step,
            steps=len(merges),
            bytes=len(self.text.encode()),
            tokens=len(self.tokens()),
        )
        if self.step == len(merges):
            return f"{done} {self.say('end')}"
        (left, right), count, new = merges[self.step]
        left, right = spelled(vocabulary[left]), spelled(vocabulary[right])
        return f"{done} {self.say('next', left=left, right=right, count=count, new=new)}"


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(sentence("text={text} must be a str", text=repr(text)))
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise ValueError(
            sentence(
                "text has {count} characters; give 1 to {most_characters}",
                count=len(text),
                most_characters=MOST_CHARACTERS,
            )
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            sentence(
                "text has half a character, {text}, at {start}; leave it out",
                text=repr(text[error.start]),
                start=error.start,
            )
        ) from error


def for_javascript(pattern: str) -> str:
    """An encoding's rule for cutting, as a regular expression of JavaScript with the flag u.

    JavaScript's \\s has other characters in it than that of Python and Rust. It has no possessive
    quantifiers; in these rules plain ones find the same, since what follows one can't begin inside
    of it. Older browsers can't ignore case in a part: `_ANY_CASE` writes it out, with the long s
    that Rust takes for an s.
    """
    pattern = pattern.replace("(?i:[sdmt]|ll|ve|re)", _ANY_CASE)
    pattern = re.sub(r"([+*?]|\{\d+,?\d*\})\+", r"\1", pattern)
    return pattern.replace(r"\s", r"\p{White_Space}").replace(r"\S", r"\P{White_Space}")


_ANY_CASE = "(?:[sdmtSDMTſ]|[lL]{2}|[vV][eE]|[rR][eE])"
