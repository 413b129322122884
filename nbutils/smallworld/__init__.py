"""A small world in short English documents, with the true next-token probabilities known.

What is true in it stands in ``tables`` and ``people``. A document is written by plain functions,
the ``scenes``. Wherever the text could go on in more than one way, a scene asks
``doc.choose(choice)``; what is certain it ``doc.say``s. A writer answers by chance and so
generates text. A reader answers by looking at a given text and so finds out which choices made
it (``choices``). No option of a choice is the beginning of another, so a text determines its
choices, and the probability of each token in it is known exactly.

Mind the conditioning: the probabilities assume that the whole document so far is in sight.
A model whose window starts inside a document knows less and can't reach them, so measure it
on windows that start where a document starts.
"""

from __future__ import annotations

import operator
import random
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from nbutils import tokens
from nbutils.arguments import of_type, shown
from nbutils.words import sentence

from .choices import EndOfTokens, Reader, Writer
from .people import PEOPLE
from .scenes import tell_document
from .tables import (
    BUILDINGS,
    CLOTHES,
    COLOURS,
    COUNTED,
    COUNTRIES,
    DAYTIMES,
    DEEDS,
    FAMILIES,
    FEMALE,
    FIGURES,
    FRAMES,
    HOMES,
    KINDS,
    MALE,
    NUMBERS,
    PLACES,
    SENSES,
    THINGS,
    TIMES,
    TREASURES,
)

if TYPE_CHECKING:
    import tiktoken

__all__ = [
    "BUILDINGS",
    "CLOTHES",
    "COLOURS",
    "COUNTED",
    "COUNTRIES",
    "DAYTIMES",
    "DEEDS",
    "FAMILIES",
    "FEMALE",
    "FIGURES",
    "FRAMES",
    "HOMES",
    "KINDS",
    "MALE",
    "MAX_TOKENS",
    "NUMBERS",
    "PEOPLE",
    "PLACES",
    "SENSES",
    "THINGS",
    "TIMES",
    "TREASURES",
    "by_chance",
    "encoding",
    "endless",
    "generate",
    "loss_floor",
    "next_probabilities",
    "spoken_ids",
    "token_losses",
]

MAX_TOKENS = 80  # no document is longer, the END before it counted: a window that holds any
_SAMPLE = 3000  # documents to learn the encoding from; they hold every word of the world


def generate(n_documents: int, seed: int = 0) -> list[str]:
    """Documents of the small world.

    The same seed gives the same bytes on every platform, and fewer documents are the beginning
    of more: ``generate(10, s) == generate(100, s)[:10]``.

    Raises:
        ValueError: ``n_documents`` or ``seed`` is negative.
        TypeError: one of them is no whole number.
    """
    n_documents = _whole_number("n_documents", n_documents)
    return list(islice(endless(seed), n_documents))


def endless(seed: int = 0) -> Iterator[str]:
    """The documents of `generate` one after the other, and never the last."""
    return by_chance(random.Random(_whole_number("seed", seed)).random)


def by_chance(draw: Callable[[], float]) -> Iterator[str]:
    """Documents without end, as the numbers that ``draw`` gives choose them: each from 0 to below 1.

    smallworld.js tells the same documents from the same numbers.
    """
    writer = Writer(draw)
    while True:
        tell_document(writer)
        yield "".join(writer.parts)
        writer.parts.clear()


def _whole_number(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(
            sentence(
                "{name}={value} must be a whole number, 0 or more", name=name, value=repr(value)
            )
        ) from error
    if number < 0:  # random.Random would take a negative seed for the positive one
        raise ValueError(
            sentence("{name}={number} is negative; use 0 or more", name=name, number=number)
        )
    if number > sys.maxsize and name != "seed":
        raise ValueError(
            sentence(
                "{name}={number} is more than there is room for", name=name, number=shown(number)
            )
        )
    return number


@cache
def encoding() -> tiktoken.Encoding:
    """The small world's own byte-level BPE, trained on its documents until no pair is left.

    So every word is one token: with its leading space, or without where it opens a scene.
    """
    return tokens.train_bpe(generate(_SAMPLE), vocab_size=4096, name="smallworld")


@cache
def spoken_ids() -> list[int]:
    """The ids of the tokens that documents are made of, in order and without END: 440 of the encoding's 1,242.

    The others are bytes, and pieces of words that the encoding learned on the way to the words.
    """
    return sorted(
        {i for document in generate(_SAMPLE) for i in encoding().encode_ordinary(document)}
    )


def next_probabilities(prefix: str) -> np.ndarray:
    """The true probability of every token to come next, ``(V,)`` float64, sum 1.

    Args:
        prefix: a document from its beginning, cut after any token; "" is its start. At a
            document's end the next token is certain: END.

    Raises:
        ValueError: no document begins with ``prefix``, or it ends inside a token. The message
            names the place and what would have been possible.
    """
    of_type("prefix", prefix, str, "give the beginning of a document as text")
    if tokens.END in prefix:
        raise ValueError(
            sentence("prefix holds {end}; give the beginning of one document", end=tokens.END)
        )
    probabilities = np.zeros(encoding().n_vocab)
    for token, (probability, _, _) in _read(prefix).what_next.items():
        probabilities[token] = probability
    return probabilities


def token_losses(text: str) -> np.ndarray:
    """What the true distribution pays for each token of ``text``, in nats, ``(n_tokens,)``.

    Args:
        text: documents, an END after each; the last may stop after any token and need no END.
            Each is read from its beginning and predicted with all of itself so far in sight.
            An END costs 0, as the end of a document is certain.

    Raises:
        ValueError: as for ``next_probabilities``.
    """
    return np.array(_read(of_type("text", text, str, "give documents as text")).losses)


def loss_floor(text: str) -> float:
    """The mean of ``token_losses(text)``: nats per token that no model can be expected to beat.

    Raises:
        ValueError: ``text`` is empty, or as for ``next_probabilities``.
    """
    losses = token_losses(text)
    if not len(losses):
        raise ValueError(sentence("text is empty: the loss of no tokens is not defined"))
    return float(losses.mean())


def _read(text: str) -> Reader:
    """A reader that has read all of ``text``: documents, each with END after it."""
    ids = encoding().encode(text, allowed_special={tokens.END})
    reader = Reader(ids, encoding())
    try:
        while True:
            tell_document(reader)
            reader.say(tokens.END)
    except EndOfTokens:
        return reader
