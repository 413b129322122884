"""Where a text could go on in more than one way, and who answers: a writer or a reader."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from nbutils.words import sentence

if TYPE_CHECKING:
    import tiktoken


class Choice:
    """Weighted options at one point of a text: what each one says and what it means.

    Args:
        texts: what the options say; each whole pre-tokens, such as " Anna" or ", but".
        values: what ``choose`` returns for them; the texts themselves if not given.
        weights: positive integers; all 1 if not given.

    Raises:
        ValueError: no options, or one is the beginning of another.
    """

    __slots__ = ("texts", "values", "weights", "cumulative", "total", "_subsets", "_trie")

    def __init__(
        self,
        texts: Iterable[str],
        values: Iterable[Any] | None = None,
        weights: Iterable[int] | None = None,
    ):
        self.texts = tuple(texts)
        self.values = self.texts if values is None else tuple(values)
        self.weights = (1,) * len(self.texts) if weights is None else tuple(weights)
        self.cumulative = list(accumulate(self.weights))
        _check_options(self.texts, self.values, self.weights)
        self.total = self.cumulative[-1]
        self._subsets: dict[tuple, Choice] = {}
        self._trie: dict | None = None

    def without(self, *values: Any) -> Choice:
        """The same choice with the options of these values taken out."""
        if values not in self._subsets:
            rows = zip(self.texts, self.values, self.weights, strict=True)
            self._subsets[values] = Choice(*zip(*(r for r in rows if r[1] not in values)))
        return self._subsets[values]

    def trie(self, encoding: tiktoken.Encoding) -> dict:
        """The options token by token: ``{token: (probability, loss, rest)}``.

        ``rest`` is another such dict, or at an option's end the option's number. It is made at
        first use, and kept: ``encoding`` is always the world's own.
        """
        if self._trie is None:
            encode = encoding.encode
            rows = [(encode(t, allowed_special="all"), w) for t, w in zip(self.texts, self.weights)]
            self._trie = _build_trie([(ids, w, i) for i, (ids, w) in enumerate(rows)])
        return self._trie


def _check_options(texts: Sequence[str], values: Sequence, weights: Sequence[int]) -> None:
    if not texts or not len(texts) == len(values) == len(weights):
        raise ValueError(f"a choice needs options, and as many values and weights: {texts}")
    if min(weights) < 1 or "" in texts:
        raise ValueError(f"an option needs a text and a positive weight: {texts}, {weights}")
    ordered = sorted(texts)
    for one, other in zip(ordered, ordered[1:]):
        if other.startswith(one):
            raise ValueError(f"the option {one!r} is the beginning of {other!r}")


def _build_trie(options: list[tuple[list[int], int, int]], depth: int = 0) -> dict:
    total = sum(weight for _, weight, _ in options)
    branches: dict[int, list] = {}
    for option in options:
        branches.setdefault(option[0][depth], []).append(option)
    trie = {}
    for token, branch in branches.items():
        part = sum(weight for _, weight, _ in branch)
        ends = len(branch[0][0]) == depth + 1  # then it is alone: no option begins another
        rest = branch[0][2] if ends else _build_trie(branch, depth + 1)
        trie[token] = (part / total, math.log(total / part), rest)
    return trie


@cache
def certain(text: str) -> Choice:
    """No choice: the text is certain."""
    return Choice((text,))


@cache
def among(options: tuple) -> Choice:
    """One of these words, people or other things with a name, each equally likely."""
    return Choice((f" {option}" for option in options), options)


def groups(texts: Mapping[Any, Sequence[str]]) -> Choice:
    """Every text of each group, the group as its value, each group equally likely."""
    common = math.lcm(*(len(group) for group in texts.values()))
    rows = [(text, key, common // len(group)) for key, group in texts.items() for text in group]
    return Choice(*zip(*rows))


class Writer:
    """Answers every choice by chance and keeps what was said.

    ``random`` gives a number from 0 to below 1 for each choice.
    """

    def __init__(self, random: Callable[[], float]):
        self._random = random
        self.parts: list[str] = []
        self.say = self.parts.append

    def choose(self, choice: Choice) -> Any:
        """Say one of the options, by its weight; gives its value."""
        option = bisect(choice.cumulative, self._random() * choice.total)
        self.say(choice.texts[option])
        return choice.values[option]


class Reader:
    """Answers every choice as the given tokens did, and keeps what each token cost."""

    def __init__(self, ids: Sequence[int], encoding: tiktoken.Encoding):
        self.ids, self.encoding = ids, encoding
        self.losses: list[float] = []  # of the tokens read so far
        self.what_next: dict = {}  # the trie where the tokens end

    def choose(self, choice: Choice) -> Any:
        """Read the option that the next tokens spell; gives its value."""
        ids, losses, rest = self.ids, self.losses, choice.trie(self.encoding)
        while type(rest) is dict:
            if len(losses) == len(ids):
                self.what_next = rest
                raise EndOfTokens
            try:
                _, loss, rest = rest[ids[len(losses)]]
            except KeyError:
                raise ValueError(_explain(ids, len(losses), rest, self.encoding)) from None
            losses.append(loss)
        return choice.values[rest]

    def say(self, text: str) -> None:
        """Read a text that is certain here."""
        self.choose(certain(text))


class EndOfTokens(Exception):
    """The reader's tokens end here."""


def _explain(ids: Sequence[int], at: int, trie: Mapping, encoding: tiktoken.Encoding) -> str:
    decode = encoding.decode
    before, found = decode(ids[max(0, at - 12) : at]), decode(ids[at : at + 12])
    possible = [decode([token]) for token in trie]
    shown = ", ".join(map(repr, possible[:8])) + (", ..." if len(possible) > 8 else "")
    whole = [p for p in possible if p.startswith(decode(ids[at:]))]
    if whole:
        return sentence(
            "the text ends inside a token: {found} after {before} begins {whole}",
            found=repr(found),
            before=repr(before),
            whole=repr(whole[0]),
        )
    return sentence(
        "no document of the small world goes on like this: at token {at}, after {before}, comes {found}; "
        "possible are {possible}",
        at=at,
        before=repr(before),
        found=repr(found),
        possible=shown,
    )
