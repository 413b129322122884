"""A packed corpus's folder: its token files, while they grow too, and what says how far they are."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import tiktoken
from filelock import FileLock, Timeout

from nbutils.files import expanded, quoted, written_aside
from nbutils.tokens import get_encoding, save
from nbutils.words import sentence

# Not loaded here: nbutils.windows, with it PyTorch. The workers import this module and need none.

DESCRIPTION = "corpus.json"
"""The file that says what a folder's tokens were made of; it makes the folder a packed corpus."""
ENCODING = "encoding.json"
"""The file in a corpus's folder, and in a model's, that holds its encoding."""
FILES = (DESCRIPTION, "train.tokens", "val.tokens")
"""The files by which a folder is a packed corpus, or was to become one."""


@dataclass(frozen=True)
class Packed:
    """A packed corpus; its tokens are read from the disk only where they are used."""

    name: str
    documents: int
    train: np.memmap
    val: np.memmap
    encoding: tiktoken.Encoding


def open_corpus(folder: str | os.PathLike) -> Packed:
    """The corpus that `pack` left in a folder.

    Raises ``FileNotFoundError`` where there is none, and ``ValueError`` for one that is not
    finished or is damaged.
    """
    from nbutils.windows import open_tokens

    folder = expanded(folder)
    state = stored_state(folder)
    if state is None:
        raise FileNotFoundError(
            sentence(
                "{folder} holds no packed corpus (no {description}); make one with `python -m nbutils "
                "pack --out {quoted}`",
                folder=folder,
                description=DESCRIPTION,
                quoted=quoted(folder),
            )
        )
    if not state.whole:
        raise ValueError(
            sentence(
                "{folder} is not packed to its end ({train} tokens so far); call the same `pack` again, "
                "and it goes on",
                folder=folder,
                train=f"{state.train:,}",
            )
        )
    train, val = (open_tokens(token_file(folder, split)) for split in ("train", "val"))
    if (len(train), len(val)) != (state.train, state.val):
        raise damaged_corpus(folder)
    encoding = get_encoding(folder / ENCODING)
    return Packed(state.what["name"], state.documents, train, val, encoding)


@dataclass(frozen=True)
class CorpusState:
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


def resumed_state(folder: Path, what: dict) -> CorpusState:
    """Where the folder's run stands; raises if it is not this one."""
    state = stored_state(folder)
    if state is None:
        names = ("train.tokens", "val.tokens", ENCODING)
        found = next((name for name in names if (folder / name).exists()), None)
        if found is not None:
            raise ValueError(
                sentence(
                    "{folder} holds {found} of something else; choose another folder",
                    folder=folder,
                    found=found,
                )
            )
        return CorpusState(what)
    different = next((key for key in what if state.what.get(key) != what[key]), None)
    if different is not None:
        raise ValueError(
            sentence(
                "{folder} holds another corpus: {name} was {before} and is now {now}; choose another "
                "folder, or delete this one",
                folder=folder,
                name=different,
                before=state.what.get(different),
                now=what[different],
            )
        )
    return state


def stored_state(folder: Path) -> CorpusState | None:
    """What ``corpus.json`` says, or None where there is none; ``ValueError`` if it is damaged."""
    try:
        state = CorpusState(**json.loads((folder / DESCRIPTION).read_bytes()))
        return replace(state, what=dict(state.what))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError) as error:
        raise damaged_corpus(folder) from error


def damaged_corpus(folder: Path) -> ValueError:
    """The error that a folder deserves whose files do not fit each other."""
    return ValueError(sentence("{folder} is damaged: delete it and pack again", folder=folder))


def token_file(folder: Path, split: str) -> Path:
    """Where the tokens of "train" or of "val" stand."""
    return folder / f"{split}.tokens"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Inside it no other program packs into the folder, which is there and can be written."""
    if folder.is_file():
        raise NotADirectoryError(sentence("{folder} is a file: choose a folder", folder=folder))
    lock = FileLock(folder / f"{DESCRIPTION}.lock")
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except Timeout as error:
        raise RuntimeError(
            sentence("another program is packing into {folder}; wait for it", folder=folder)
        ) from error
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Inside it an ``OSError`` says which folder could not be written, and what then helps."""
    try:
        yield
    except Timeout:  # an OSError too
        raise
    except OSError as error:
        raise OSError(
            sentence(
                "{folder} can't be written ({error}); what it holds is kept: make room there, and the "
                "same call goes on",
                folder=folder,
                error=error.strerror or error,
            )
        ) from error


class TokenFiles:
    """The token files while they grow. What counts is what the state says of them."""

    def __init__(
        self, folder: Path, encoding: tiktoken.Encoding, state: CorpusState, stack: ExitStack
    ):
        from nbutils.windows import token_dtype, write_header

        self.folder, self.state, self.n_vocab = folder, state, encoding.n_vocab
        self.dtype, self.write_header = token_dtype(encoding.n_vocab), write_header
        self.files = {}
        with writing(folder):
            if not state.documents:
                self._create(encoding)
            for split in ("train", "val"):
                self.files[split] = stack.enter_context(self._open(split))

    def _create(self, encoding: tiktoken.Encoding) -> None:
        """Files with the END that stands before the first document. The state comes first."""
        self.state = replace(self.state, train=1, val=1)
        self._save_state()
        save(encoding, self.folder / ENCODING)
        for split in ("train", "val"):
            with open(token_file(self.folder, split), "wb") as file:
                self.write_header(file, self.n_vocab, 0)
                file.write(np.array([encoding.eot_token], self.dtype).tobytes())

    def _open(self, split: str):
        """The file as the state says it is: whatever else a killed run wrote is cut off."""
        file = open(token_file(self.folder, split), "r+b", buffering=0)
        self.write_header(file, self.n_vocab, 0)
        size = file.tell() + getattr(self.state, split) * self.dtype.itemsize
        if os.fstat(file.fileno()).st_size < size:
            file.close()
            raise damaged_corpus(self.folder)
        file.truncate(size)
        file.seek(size)
        return file

    def add(self, ids: np.ndarray, lengths: np.ndarray, checksum: int) -> int:
        """Append documents, up to the limit of tokens; gives the number of tokens added.

        Args:
            ids: the documents' tokens in a row, each with its END, 1-D.
            lengths: how many of them are each document's, ``(n_documents,)``.
            checksum: of all documents up to the last of these.
        """
        state, every = self.state, self.state.what["val_every"]
        numbers = state.documents + np.arange(len(lengths))
        held_out = numbers % every == every - 1
        filled = state.train + np.cumsum(np.where(held_out, 0, lengths))
        if state.what["max_tokens"] is not None:
            kept = int(np.searchsorted(filled, state.what["max_tokens"])) + 1
            lengths, held_out = lengths[:kept], held_out[:kept]
        ids, of_val = ids[: lengths.sum()], np.repeat(held_out, lengths)
        with writing(self.folder):
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
        with writing(self.folder):
            for file in self.files.values():
                os.fsync(file.fileno())
            self._save_state()

    def finish(self) -> None:
        """Give the files their headers, which make them token files."""
        with writing(self.folder):
            for split, file in self.files.items():
                file.seek(0)
                self.write_header(file, self.n_vocab, getattr(self.state, split))
        self.state = replace(self.state, checksum=0, whole=True)
        self.commit()

    def _save_state(self) -> None:
        with written_aside(self.folder / DESCRIPTION) as aside:
            aside.write_text(json.dumps(asdict(self.state), indent=1) + "\n", "utf-8")


def _append(file, ids: np.ndarray) -> None:
    left = memoryview(ids).cast("B")
    while left:  # a file without a buffer may take a part
        left = left[file.write(left) :]
