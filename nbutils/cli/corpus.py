"""What ``train --text`` names: a source's text, a file's, or a corpus that `pack` made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbutils
from nbutils.files import expanded
from nbutils.words import sentence

if TYPE_CHECKING:
    import numpy as np
    import tiktoken


class Corpus(NamedTuple):
    """What a model is trained and judged on."""

    train: np.ndarray
    val: np.ndarray
    encoding: tiktoken.Encoding
    start_token: int | None  # every window begins with it
    floor: float | None  # the least loss on ``val``, in nats per token, where it is known


def is_packed(source: str) -> bool:
    """Whether a folder that `pack` made is meant: no source called like one, nor a folder of texts."""
    if source in ("", "smallworld", "pydocs"):
        return False
    folder = expanded(source)
    return any((folder / name).exists() for name in nbutils.packing.corpus.FILES)


def open_packed(source: str, documents: int | None, window: int) -> Corpus:
    """The corpus in a folder, read from there while training goes on.

    Raises ``ValueError`` if only some ``documents`` of it are asked for.
    """
    if documents is not None:
        raise ValueError(
            sentence(
                "documents={documents}: a packed corpus is used whole; pack one of so many",
                documents=documents,
            )
        )
    packed = nbutils.packing.open_corpus(source)
    return _corpus(packed.name, packed.train, packed.val, packed.encoding, window)


def encode_text(source: str, documents: int | None, window: int, vocab_size: int) -> Corpus:
    """A source or a file in memory. All but smallworld gets an encoding of ``vocab_size`` tokens.

    ``documents``: at most so many to train on, and a ninth as many to validate.
    """
    text, tokens = nbutils.text, nbutils.tokens
    if source == "fineweb":
        raise ValueError(
            sentence(
                "text='fineweb' never ends: pack a part of it with `python -m nbutils pack`, or use "
                "smallworld, pydocs or the path of a file or folder"
            )
        )
    training = text.load(source, n_documents=documents)
    ninth = documents and math.ceil(documents / 9)
    held_out = text.load(source, "val", n_documents=ninth)
    if source == "smallworld":
        encoding = nbutils.smallworld.encoding()
    else:
        encoding = tokens.train_bpe(training, vocab_size, name=Path(source).stem)
    train, val = (tokens.encode_documents(part, encoding) for part in (training, held_out))
    return _corpus(source, train, val, encoding, window)


def _corpus(name: str, train, val, encoding: tiktoken.Encoding, window: int) -> Corpus:
    start = floor = None
    if name == "smallworld":
        smallworld = nbutils.smallworld
        start = encoding.eot_token
        own = encoding.name == smallworld.encoding().name
        if own and window >= smallworld.MAX_TOKENS:  # else a document's end is not judged
            floor = smallworld.loss_floor(encoding.decode(val[1:].tolist()))
    return Corpus(train, val, encoding, start, floor)
