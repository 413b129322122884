"""``python -m nbutils pack``: a corpus -> token files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import nbutils
from nbutils.cli.options import parsed
from nbutils.files import expanded, quoted
from nbutils.words import sentence

if TYPE_CHECKING:
    import tiktoken

_LEARNED_FROM = 10_000_000  # characters that a new encoding is learned from


@dataclass(frozen=True)
class Pack:
    """Encode a corpus into token files, which `train --text FOLDER` reads. Uses all cores; the
    same command again goes on where it stopped."""

    text: str
    """smallworld, pydocs, fineweb (web pages, from the network), or the path of a file (text, .jsonl,
    .json or .parquet, packed as .gz or not) or of a folder of such files."""
    out: Path
    """The folder for the token files and their encoding."""
    encoding: str = "new"
    """A name that tiktoken knows, such as gpt2 (its table comes from the network) or cl100k_base;
    the path of an encoding's file; or new: learned from the corpus, of which smallworld brings
    its own."""
    vocab_size: int = 2048
    """How many tokens a new encoding has at most."""
    tokens: int | None = None
    """Stop when there are so many tokens to train on; None: at the end of the corpus."""
    documents: int | None = None
    """Stop after so many documents, those for validation among them; None: at the end."""
    val_every: int = 10
    """Of so many documents in a row, keep the last for validation."""
    workers: int | None = None
    """How many processes encode; None: one for each core."""


def main(arguments: list[str]) -> None:
    options = parsed(Pack, arguments, "pack")
    options = replace(options, out=expanded(options.out))
    if options.text in ("fineweb", "smallworld") and options.tokens is options.documents is None:
        raise ValueError(
            sentence(
                "text={text} is endless: say how much, with --tokens or --documents",
                text=repr(options.text),
            )
        )
    try:
        corpus = _packed(options)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(sentence("stopped; the same command goes on")) from stop
    print(
        sentence(
            "{out}: {documents} documents, {train} tokens to train on, {val} to validate, "
            "{n_vocab} in the vocabulary\nTrain on it: python -m nbutils train --text {quoted} --out ...",
            out=options.out,
            documents=f"{corpus.documents:,}",
            train=f"{len(corpus.train):,}",
            val=f"{len(corpus.val):,}",
            n_vocab=f"{corpus.encoding.n_vocab:,}",
            quoted=quoted(options.out),
        )
    )


def _packed(options: Pack) -> nbutils.packing.Packed:
    name = _corpus_name(options.text)
    with closing(nbutils.text.read(options.text)) as documents:
        return nbutils.packing.pack(
            documents,
            _encoding(options, name),
            options.out,
            name=name,
            val_every=options.val_every,
            max_documents=options.documents,
            max_tokens=options.tokens,
            workers=options.workers,
        )


def _corpus_name(source: str) -> str:
    """A file or a folder that holds something else is another corpus."""
    if source in nbutils.text.SOURCES:
        return source
    return nbutils.text_files.described(nbutils.text.path_of(source))


def _encoding(options: Pack, name: str) -> tiktoken.Encoding:
    tokens = nbutils.tokens
    if options.encoding != "new":
        return tokens.get_encoding(options.encoding)
    if options.text == "smallworld":
        return nbutils.smallworld.encoding()
    own = f"{name}, {options.vocab_size} tokens"
    stored = options.out / nbutils.packing.ENCODING
    if stored.is_file() and (found := tokens.get_encoding(stored)).name == own:
        return found
    with closing(nbutils.text.read(options.text)) as documents:
        return tokens.train_bpe(_beginning(documents), options.vocab_size, name=own)


def _beginning(documents: Iterable[str]) -> Iterator[str]:
    """Documents until there is enough text to learn an encoding from."""
    size = 0
    for document in documents:
        yield document
        size += len(document)
        if size >= _LEARNED_FROM:
            return
