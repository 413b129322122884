"""Documents -> a folder of token files: made once, with all cores, and from then on only read.

What ``windows.write_tokens`` does in one go, for corpora that take hours: a run that is cut off
goes on where it stopped. The folder holds ``train.tokens`` and ``val.tokens``, their
``encoding.json``, and ``corpus.json``, which says what they were made of.
"""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import tiktoken
from filelock import FileLock, Timeout
from tqdm import tqdm

from nbutils.files import written_aside
from nbutils.tokens import encode_stream, get_encoding, save

# Not loaded here: nbutils.windows, with it PyTorch. The workers import this module and need none.

DESCRIPTION = "corpus.json"
"""The file that says what a folder's tokens were made of; it makes the folder a packed corpus."""
ENCODING = "encoding.json"
"""The file in a corpus's folder, and in a model's, that holds its encoding."""

_BATCH = 1 << 18  # characters that a worker encodes at once
_SAVE_EVERY = 5.0  # seconds: the most that a run which is killed loses


@dataclass(frozen=True)
class Packed:
    """A packed corpus; its tokens are read from the disk only where they are used."""

    name: str
    documents: int
    train: np.memmap
    val: np.memmap
    encoding: tiktoken.Encoding


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
        name: what the corpus is called. Another name in the same folder is refused.
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
    if isinstance(documents, str):
        raise TypeError("documents is one string: give a list of documents, such as [text]")
    folder = Path(folder)
    limits = {"val_every": val_every, "max_documents": max_documents, "max_tokens": max_tokens}
    _check_numbers(workers=workers, **limits)
    what = {"name": name, "encoding": _fingerprint(encoding), **limits}
    if not _state(folder, what).whole:
        with _alone(folder):
            _run(documents, encoding, folder, what, workers or _cores(), progress)
    return open_corpus(folder)


def open_corpus(folder: str | os.PathLike) -> Packed:
    """The corpus that `pack` left in a folder.

    Raises ``FileNotFoundError`` where there is none, and ``ValueError`` for one that is not
    finished or is damaged.
    """
    from nbutils.windows import open_tokens

    folder = Path(folder)
    state = _stored_state(folder)
    if state is None:
        raise FileNotFoundError(
            f"{folder} holds no packed corpus (no {DESCRIPTION}); make one with "
            f"`python -m nbutils pack --out {folder}`"
        )
    if not state.whole:
        raise ValueError(
            f"{folder} is not packed to its end ({state.train:,} tokens so far); call the same "
            "`pack` again, and it goes on"
        )
    train, val = (open_tokens(_file(folder, split)) for split in ("train", "val"))
    if (len(train), len(val)) != (state.train, state.val):
        raise _damaged(folder)
    encoding = get_encoding(folder / ENCODING)
    return Packed(state.what["name"], state.documents, train, val, encoding)


def _check_numbers(val_every: int, **at_least_one: int | None) -> None:
    if val_every < 2:
        raise ValueError(f"val_every={val_every} must be at least 2, or nothing is for training")
    for name, value in at_least_one.items():
        if value is not None and value < 1:
            raise ValueError(f"{name}={value} must be at least 1, or None")


def _cores() -> int:
    """The cores that this process may use; Windows can wait for 61 processes at most."""
    available = getattr(os, "sched_getaffinity", None)  # on Linux; in a container it may be fewer
    return min(len(available(0)) if available else os.cpu_count() or 1, 61)


def _fingerprint(encoding: tiktoken.Encoding) -> str:
    with tempfile.TemporaryDirectory() as folder:
        save(encoding, Path(folder) / ENCODING)
        digest = hashlib.sha256((Path(folder) / ENCODING).read_bytes()).hexdigest()
    return f"{encoding.name}, {encoding.n_vocab} tokens, {digest[:16]}"


# --- how far it is ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    """What ``corpus.json`` holds."""

    what: dict
    documents: int = 0
    train: int = 0  # tokens in the file, as in the next line
    val: int = 0
    checksum: int = 0  # of the documents, so that others are not taken for them
    whole: bool = False

    def full(self) -> bool:
        """Whether a limit is reached."""
        limits = (self.what["max_documents"], self.documents), (self.what["max_tokens"], self.train)
        return any(limit is not None and reached >= limit for limit, reached in limits)


def _state(folder: Path, what: dict) -> _State:
    """Where the folder's run stands; raises if it is not this one."""
    state = _stored_state(folder)
    if state is None:
        names = ("train.tokens", "val.tokens", ENCODING)
        found = next((name for name in names if (folder / name).exists()), None)
        if found is not None:
            raise ValueError(f"{folder} holds a {found} of something else; choose another folder")
        return _State(what)
    different = next((key for key in what if state.what.get(key) != what[key]), None)
    if different is not None:
        raise ValueError(
            f"{folder} holds another corpus: {different} was {state.what.get(different)} and is "
            f"now {what[different]}; choose another folder, or delete this one"
        )
    return state


def _stored_state(folder: Path) -> _State | None:
    try:
        state = _State(**json.loads((folder / DESCRIPTION).read_bytes()))
        return replace(state, what=dict(state.what))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        raise _damaged(folder) from error


def _damaged(folder: Path) -> ValueError:
    return ValueError(f"{folder} is damaged: delete it and pack again")


def _file(folder: Path, split: str) -> Path:
    return folder / f"{split}.tokens"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Inside it no other program packs into the folder, which is there and can be written."""
    lock = FileLock(folder / f"{DESCRIPTION}.lock")
    try:
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except Timeout as error:
        raise RuntimeError(f"another program is packing into {folder}; wait for it") from error
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:  # an OSError too
        raise
    except OSError as error:
        raise OSError(
            f"{folder} can't be written ({error.strerror or error}); what it holds is kept: make "
            "room there, and the same call goes on"
        ) from error


class _Files:
    """The token files while they grow. What counts is what the state says of them."""

    def __init__(self, folder: Path, encoding: tiktoken.Encoding, state: _State, stack: ExitStack):
        from nbutils.windows import token_dtype, write_header

        self.folder, self.state, self.n_vocab = folder, state, encoding.n_vocab
        self.dtype, self.write_header = token_dtype(encoding.n_vocab), write_header
        self.files = {}
        with _writing(folder):
            if not state.documents:
                self._begin(encoding)
            for split in ("train", "val"):
                self.files[split] = stack.enter_context(self._open(split))

    def _begin(self, encoding: tiktoken.Encoding) -> None:
        """Files with the END that stands before the first document. The state comes first."""
        self.state = replace(self.state, train=1, val=1)
        self._store()
        save(encoding, self.folder / ENCODING)
        for split in ("train", "val"):
            with open(_file(self.folder, split), "wb") as file:
                self.write_header(file, self.n_vocab, 0)
                file.write(np.array([encoding.eot_token], self.dtype).tobytes())

    def _open(self, split: str):
        """The file as the state says it is: whatever else a killed run wrote is cut off."""
        file = open(_file(self.folder, split), "r+b", buffering=0)
        self.write_header(file, self.n_vocab, 0)
        size = file.tell() + getattr(self.state, split) * self.dtype.itemsize
        if os.fstat(file.fileno()).st_size < size:
            file.close()
            raise _damaged(self.folder)
        file.truncate(size)
        file.seek(size)
        return file

    def add(self, ids: np.ndarray, lengths: np.ndarray, checksum: int) -> int:
        """Append documents, up to the limit of tokens; gives the number of tokens added."""
        state, every = self.state, self.state.what["val_every"]
        numbers = state.documents + np.arange(len(lengths))
        held_out = numbers % every == every - 1
        filled = state.train + np.cumsum(np.where(held_out, 0, lengths))
        if state.what["max_tokens"] is not None:
            kept = int(np.searchsorted(filled, state.what["max_tokens"])) + 1
            lengths, held_out = lengths[:kept], held_out[:kept]
        ids, of_val = ids[: lengths.sum()], np.repeat(held_out, lengths)
        with _writing(self.folder):
            _append(self.files["train"], ids[~of_val].astype(self.dtype))
            _append(self.files["val"], ids[of_val].astype(self.dtype))
        self.state = replace(
            state,
            documents=state.documents + len(lengths),
            train=state.train + int((~of_val).sum()),
            val=state.val + int(of_val.sum()),
            checksum=checksum,
        )
        return len(ids)

    def commit(self) -> None:
        """From here on, a run that is killed goes on from here."""
        with _writing(self.folder):
            for file in self.files.values():
                os.fsync(file.fileno())
            self._store()

    def finish(self) -> None:
        """Give the files their headers, which make them token files."""
        with _writing(self.folder):
            for split, file in self.files.items():
                file.seek(0)
                self.write_header(file, self.n_vocab, getattr(self.state, split))
        self.state = replace(self.state, checksum=0, whole=True)
        self.commit()

    def _store(self) -> None:
        with written_aside(self.folder / DESCRIPTION) as aside:
            aside.write_text(json.dumps(asdict(self.state), indent=1) + "\n", "utf-8")


def _append(file, ids: np.ndarray) -> None:
    left = memoryview(ids).cast("B")
    while left:  # a file without a buffer may take a part
        left = left[file.write(left) :]


# --- the run ----------------------------------------------------------------------------------


def _run(documents, encoding, folder: Path, what: dict, workers: int, progress: bool) -> None:
    with ExitStack() as stack:
        files = _Files(folder, encoding, _state(folder, what), stack)
        shown = stack.enter_context(closing(_Progress(files.state, progress)))
        if not files.state.full():
            _grow(files, iter(documents), encoding, workers, shown)
        if files.state.documents >= what["val_every"]:  # there are some for training and validation
            files.finish()
            shown.finished(files.state)
            return
    for file in ("train.tokens", "val.tokens", ENCODING, DESCRIPTION):
        (folder / file).unlink()
    raise _too_few(files.state)


def _grow(files: _Files, documents: Iterator, encoding, workers: int, shown) -> None:
    """Read, encode and write until the documents end or a limit is reached."""
    batches = _batches(islice(documents, files.state.what["max_documents"]), files)
    encoded = _in_order(batches, encoding, files.folder / ENCODING, workers)
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


def _batches(documents: Iterator[str], files: _Files) -> Iterator[tuple[list[str], int]]:
    """The documents that are not packed yet, in batches, each with the checksum up to its end."""
    state, checksum = files.state, 0
    for index, document in enumerate(islice(documents, state.documents)):
        checksum = _checksum(document, index, checksum)
    if checksum != state.checksum:
        raise ValueError(
            f"{files.folder} holds another corpus: its {state.documents:,} documents are not the "
            "first of these; choose another folder, or delete this one"
        )
    batch, size = [], 0
    for index, document in enumerate(documents, state.documents):
        checksum = _checksum(document, index, checksum)
        batch.append(document)
        size += len(document)
        if size >= _BATCH:
            yield batch, checksum
            batch, size = [], 0
    if batch:
        yield batch, checksum


def _checksum(document: str, index: int, before: int) -> int:
    if not isinstance(document, str):
        raise TypeError(f"documents[{index}] is {type(document).__name__}, where str is needed")
    try:
        return zlib.crc32(b"\0", zlib.crc32(document.encode(), before))
    except UnicodeEncodeError as error:
        raise ValueError(
            f"documents[{index}] is not valid Unicode at character {error.start}: read the text "
            'with errors="replace"'
        ) from error


def _too_few(state: _State) -> ValueError:
    if not state.documents:
        return ValueError("documents is empty: there is nothing to pack")
    return ValueError(
        f"the corpus ends after {state.documents} documents, and with "
        f"val_every={state.what['val_every']} none of them is for validation; choose a smaller "
        "val_every, or more documents or tokens"
    )


# --- the workers ------------------------------------------------------------------------------


def _in_order(batches, encoding, path: Path, workers: int) -> Iterator[tuple[tuple, int]]:
    """The batches encoded, in their order, with their checksums; few are on the way at a time.

    Processes, because threads get in each other's way: tiktoken lets go of Python's lock only
    while it encodes one document (``bench/packing.py`` compares them).
    """
    if workers == 1:
        yield from ((_encode(batch, encoding), checksum) for batch, checksum in batches)
        return
    context = multiprocessing.get_context("spawn")  # the same everywhere, also with threads
    pool = ProcessPoolExecutor(workers, context, _start, (path,))
    waiting = deque()
    try:
        for batch, checksum in batches:
            waiting.append((pool.submit(_work, batch), checksum))
            if len(waiting) > 2 * workers:  # all are busy, and each has one to go on with
                yield waiting[0][0].result(), waiting.popleft()[1]
        yield from ((future.result(), checksum) for future, checksum in waiting)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process ended before its work did: was it killed, or short of memory "
            "(workers=1 needs least), or does a script call pack outside `if __name__ == "
            '"__main__":`? What is packed so far is kept: the same call goes on'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _encode(documents: list[str], encoding: tiktoken.Encoding) -> tuple[np.ndarray, np.ndarray]:
    """The documents' tokens in a row, an END after each, and how many each has with its END."""
    _, *rows = encode_stream(documents, encoding)  # the first is the END before all documents
    return np.concatenate(rows), np.array([len(row) for row in rows])


def _start(path: Path) -> None:
    """In a new worker: read the encoding once; Ctrl-C is for the process that started it."""
    global _own_encoding
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _own_encoding = get_encoding(path)


def _end_with_parent() -> None:
    """A killed process can't tell its workers, and they would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(documents: list[str]) -> tuple[np.ndarray, np.ndarray]:
    return _encode(documents, _own_encoding)


# --- what is shown ----------------------------------------------------------------------------


class _Progress:
    """A bar on a terminal; in a log or a notebook a line whenever what is done is saved."""

    def __init__(self, state: _State, wanted: bool):
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
            self.bar.write(f"{state.documents:,} documents are packed; going on after them")

    def close(self) -> None:
        self.bar.close()

    def added(self, tokens: int, train: int) -> None:
        """So many more tokens, and so many in all to train on, whose limit the bar shows."""
        self.new += tokens
        self.bar.update(min(train, self.bar.total or train) - self.bar.n)

    def saved(self, state: _State) -> None:
        self.bar.set_postfix(documents=f"{state.documents:,}")
        if self.lines:
            print(self._line(state), flush=True)

    def finished(self, state: _State) -> None:
        self.close()
        if self.wanted:
            print(self._line(state), flush=True)

    def _line(self, state: _State) -> str:
        seconds = time.monotonic() - self.started
        return (
            f"{state.documents:,} documents, {state.train:,} tokens to train on and "
            f"{state.val:,} to validate, {self.new / seconds:,.0f} tokens/s"
        )
