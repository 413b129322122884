"""Documents -> a folder of token files: made once, with all cores, and from then on only read.

What ``windows.write_tokens`` does in one go, for corpora that take hours: a run that is cut off
goes on where it stopped. The folder holds ``train.tokens`` and ``val.tokens``, their
``encoding.json``, and ``corpus.json``, which says what they were made of.
"""

import hashlib
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

import tiktoken
from tqdm import tqdm

from nbutils.arguments import whole
from nbutils.files import expanded
from nbutils.tokens import (
    check_documents,
    check_encoding,
    check_unicode,
    noting_end,
    save,
    warn_of_end,
)
from nbutils.words import sentence

from .corpus import (
    DESCRIPTION,
    ENCODING,
    CorpusState,
    Packed,
    TokenFiles,
    locked,
    open_corpus,
    resumed_state,
)
from .workers import available_cores, encode_in_order

_BATCH = 1 << 18  # characters that a worker encodes at once
_SAVE_EVERY = 5.0  # seconds: the most that a run which is killed loses


def pack(
    documents: Iterable[str],
    encoding: tiktoken.Encoding,
    folder: str | os.PathLike,
    *,
    name: str = "documents",
    val_every: int = 10,
    max_documents: int | None = None,
    max_tokens: int | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Packed:
    """Encode documents into a folder of token files, and open it.

    Each file is what ``tokens.encode_documents`` makes of its documents. Few documents are in
    memory at a time. A run that was stopped, killed or met an error goes on where it was when it
    is called again with the same documents; what it then leaves is byte for byte what one run
    would have left, with any number of workers. A finished folder is only read, and the documents
    are not asked for.

    Args:
        documents: strings, read once and in order; they may never end if there is a limit.
        name: what the corpus is called. Another name in the same folder is refused: with
            ``text_files.described(path)`` a file that was corrected is noticed.
        val_every: of so many documents in a row, the last is for validation.
        max_documents: stop after so many documents, those for validation counted too.
        max_tokens: stop with the document that fills ``train.tokens`` up to so many.
        workers: processes that encode; None: one for each core. With 1 it is done right here.
            Others start Python anew, so a script that calls this must stand under
            ``if __name__ == "__main__":``.
        progress: show a bar on a terminal, elsewhere a line now and then, and the speed.

    Raises:
        ValueError: the folder holds another corpus, a damaged one or other files; there is no
            document, or none for validation; a number that makes no sense; not valid Unicode.
        TypeError: one string in place of many, or a document that is none.
        OSError: the folder can't be written, or the disk is full.
        RuntimeError: a worker was killed, or another program packs into the folder.
    """
    check_documents(documents)
    check_encoding(encoding)
    folder = expanded(folder)
    limits = {
        "val_every": whole("val_every", val_every, 2),
        "max_documents": whole("max_documents", max_documents, 1, or_none="None"),
        "max_tokens": whole("max_tokens", max_tokens, 1, or_none="None"),
    }
    workers = whole("workers", workers, 1, or_none="None") or available_cores()
    what = {"name": name, "encoding": _fingerprint(encoding), **limits}
    if not resumed_state(folder, what).whole:
        spelling = []
        with locked(folder):
            noted = noting_end(documents, spelling)
            packed = _run(noted, encoding, folder, what, workers, progress)
        warn_of_end([number for number in spelling if number < packed], stacklevel=3)
    return open_corpus(folder)


def _fingerprint(encoding: tiktoken.Encoding) -> str:
    with tempfile.TemporaryDirectory() as folder:
        save(encoding, Path(folder) / ENCODING)
        digest = hashlib.sha256((Path(folder) / ENCODING).read_bytes()).hexdigest()
    return f"{encoding.name}, {encoding.n_vocab} tokens, {digest[:16]}"


def _run(documents, encoding, folder: Path, what: dict, workers: int, progress: bool) -> int:
    """Pack to the end, or to a limit; gives the number of documents in the folder."""
    with ExitStack() as stack:
        files = TokenFiles(folder, encoding, resumed_state(folder, what), stack)
        shown = stack.enter_context(closing(_Progress(files.state, progress)))
        if not files.state.full():
            _encode_and_write(files, documents, encoding, workers, shown)
        if files.state.documents >= what["val_every"]:  # there are some for training and validation
            files.finish()
            shown.finished(files.state)
            return files.state.documents
    for file in ("train.tokens", "val.tokens", ENCODING, DESCRIPTION):
        (folder / file).unlink()
    raise _too_few(files.state)


def _encode_and_write(
    files: TokenFiles, documents: Iterator, encoding, workers: int, shown
) -> None:
    """Read, encode and write until the documents end or a limit is reached."""
    batches = _batches(islice(documents, files.state.what["max_documents"]), files)
    encoded = encode_in_order(batches, encoding, files.folder / ENCODING, workers)
    saved = time.monotonic()
    try:
        with closing(encoded):
            for rows, checksum in encoded:
                shown.added(files.add(*rows, checksum), files.state.train)
                if files.state.full():
                    break
                if time.monotonic() - saved > _SAVE_EVERY:
                    files.commit()
                    shown.saved(files.state)
                    saved = time.monotonic()
    finally:
        files.commit()  # whatever happened: what is done is kept


def _batches(documents: Iterator[str], files: TokenFiles) -> Iterator[tuple[int, list[str], int]]:
    """The documents that are not packed yet, in batches: the number of the first, all of them, and
    the checksum up to the last."""
    state, checksum = files.state, 0
    for index, document in enumerate(islice(documents, state.documents)):
        checksum = _checksum(document, index, checksum)
    if checksum != state.checksum:
        raise ValueError(
            sentence(
                "{folder} holds another corpus: its {documents} documents are not the first of these; "
                "choose another folder, or delete this one",
                folder=files.folder,
                documents=f"{state.documents:,}",
            )
        )
    batch, size, first = [], 0, state.documents
    for index, document in enumerate(documents, first):
        checksum = _checksum(document, index, checksum)
        batch.append(document)
        size += len(document)
        if size >= _BATCH:
            yield first, batch, checksum
            batch, size, first = [], 0, index + 1
    if batch:
        yield first, batch, checksum


def _checksum(document: str, index: int, before: int) -> int:
    if not isinstance(document, str):
        raise TypeError(
            sentence(
                "documents[{index}] is {kind}, where str is needed",
                index=index,
                kind=type(document).__name__,
            )
        )
    check_unicode(document, f"documents[{index}]")
    return zlib.crc32(b"\0", zlib.crc32(document.encode(), before))


def _too_few(state: CorpusState) -> ValueError:
    if not state.documents:
        return ValueError(sentence("documents is empty: there is nothing to pack"))
    return ValueError(
        sentence(
            "the corpus ends after {documents} documents, and with val_every={val_every} none of them is "
            "for validation; choose a smaller val_every, or more documents or tokens",
            documents=state.documents,
            val_every=state.what["val_every"],
        )
    )


class _Progress:
    """A bar on a terminal; in a log or a notebook a line whenever what is done is saved."""

    def __init__(self, state: CorpusState, wanted: bool):
        bar = wanted and sys.stderr.isatty()
        self.lines, self.wanted = wanted and not bar, wanted
        self.new, self.started = 0, time.monotonic()
        self.bar = tqdm(
            total=state.what["max_tokens"],
            initial=state.train,
            unit=" tokens",
            unit_scale=True,
            disable=not bar,
        )
        if wanted and state.documents:
            self.bar.write(
                sentence(
                    "{documents} documents are packed; going on after them",
                    documents=f"{state.documents:,}",
                )
            )

    def close(self) -> None:
        self.bar.close()

    def added(self, tokens: int, train: int) -> None:
        """So many more tokens, and so many in all to train on, whose limit the bar shows."""
        self.new += tokens
        self.bar.update(min(train, self.bar.total or train) - self.bar.n)

    def saved(self, state: CorpusState) -> None:
        self.bar.set_postfix(documents=f"{state.documents:,}")
        if self.lines:
            print(self._line(state), flush=True)

    def finished(self, state: CorpusState) -> None:
        self.close()
        if self.wanted:
            print(self._line(state), flush=True)

    def _line(self, state: CorpusState) -> str:
        seconds = time.monotonic() - self.started
        return sentence(
            "{documents} documents, {train} tokens to train on and {val} to validate, {speed} tokens/s",
            documents=f"{state.documents:,}",
            train=f"{state.train:,}",
            val=f"{state.val:,}",
            speed=f"{self.new / seconds:,.0f}",
        )
