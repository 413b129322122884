"""The files that people have -> documents, each a string: text, JSON, Parquet, and folders of these.

A file's kind is told by its name, packed (gzip, bzip2, xz) or not by its first bytes. Of a file of
any size a few million characters are in memory at a time, or one document where that is longer.
"""

import bz2
import codecs
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from nbutils.words import sentence

from .files import quoted
from .tokens import END, check_unicode

KINDS = ".txt, .jsonl or .parquet files"
"""What `documents` reads of a folder."""
KEY = "text"
"""The key of JSON, and the column of Parquet, that holds a document."""

_PIECE = 1 << 22  # bytes of a file that are read at once
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_END = re.compile(re.escape(END))
_LINE_END = re.compile("\n")
_JSON_LINES = (".jsonl", ".ndjson")
_IN_A_FOLDER = (".txt", *_JSON_LINES, ".parquet")
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_BYTE_ORDER_MARKS = {  # the longer ones first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
}
OTHERS = {  # what is no text, by its first bytes
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive (as .docx and .epub are)",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"\xd0\xcf\x11\xe0": "a file of Microsoft Office",
    b"{\\rtf": "rich text (RTF)",
}
_WITH_SIGNS = (".csv", ".tsv", ".html", ".htm", ".xml", ".ipynb")
"""Text, but with signs between what somebody wrote."""


def documents(path: Path) -> Iterator[str]:
    """The documents of a file, or of all files in a folder in the order of their names.

    - Text: what stands between ``<|endoftext|>`` or, without it (but for sentences that speak of it),
      between blank lines. In a folder a text file without it is one document. UTF-8, or UTF-16 and
      UTF-32 with their mark; line ends of Unix, Windows and old Macs all become "\n".
    - JSON Lines: of each line the string, or an object's ``text``; ``.json``: the same in one list.
    - Parquet: of each row the column ``text``. Needs ``pip install "nbutils[fineweb]"``.

    Documents without text are left out. Raises ``ValueError`` for a file that is damaged or has no
    such text, with the line or the row; ``FileNotFoundError`` for a folder without such files;
    ``ImportError`` where a package is missing.
    """
    found = False
    for file in members(path):
        for document in _documents_of(file, blank_lines=path.is_file()):
            if document.strip():
                found = True
                yield document
    if not found:
        raise too_short(path)


def members(path: Path) -> list[Path]:
    """The file itself, or the files in a folder that can be read, at any depth, without hidden ones."""
    if path.is_file():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if _kind(file) in _IN_A_FOLDER
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.is_file()
    )
    if not files:
        raise FileNotFoundError(
            sentence("{path} is a folder without {kinds} in it", path=path, kinds=sentence(KINDS))
        )
    return files


def described(path: Path) -> str:
    """A name that another text does not have: a file's name, its size and what it holds, in short."""
    files = members(path)
    total = hashlib.sha256()
    for file in files:
        if path.is_dir():
            total.update(os.fsencode(file.relative_to(path)) + b"\0")
        with open(file, "rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    size = sum(file.stat().st_size for file in files)
    many = f"{len(files):,} files, " if path.is_dir() else ""
    return f"{path.absolute().name}, {many}{size:,} bytes, sha256 {total.hexdigest()[:16]}"


def too_short(path: Path) -> ValueError:
    """The error for a file in which there is nothing, or nothing that could be split."""
    return ValueError(
        sentence(
            "{path} is empty, or too short to split into train and val: it needs two characters at "
            "least that are no white space",
            path=path,
        )
    )


def _kind(path: Path) -> str:
    """The suffix that says how a file is read, in small letters, without that of its packing."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bz2", ".xz"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _documents_of(path: Path, blank_lines: bool) -> Iterator[str]:
    """``blank_lines``: they separate documents in a text without `END`."""
    kind = _kind(path)
    with _readable(path):
        if kind == ".parquet" or _first_bytes(path).startswith(b"PAR1"):
            return (yield from _parquet(path))
        with _unpacked(path) as file:
            beginning = file.read(512)  # the length of a tar archive's first part
        codec, spelling = _encoding(beginning)
        _check_text(path, beginning, may_hold_zeros=spelling != "utf-8")
        if kind in _JSON_LINES:
            return (yield from _json_lines(path, codec))
        if kind == ".json":
            return (yield from _json(path, codec))
        _warn_of_signs(path, kind, beginning)
        yield from _text(path, codec, spelling, blank_lines)


def _check_text(path: Path, beginning: bytes, may_hold_zeros: bool) -> None:
    """Raise ``ValueError`` for what is no text, by its first bytes."""
    for mark, other in OTHERS.items():
        if beginning.startswith(mark):
            raise ValueError(
                sentence(
                    "{path} is {other}, not text: save its text as a .txt file, UTF-8",
                    path=path,
                    other=sentence(other),
                )
            )
    if b"\0" in beginning and not may_hold_zeros:
        raise ValueError(
            sentence(
                "{path} has zero bytes, so it is a tar archive, UTF-16 without its mark, a program's own "
                "data, or damaged: save its text as a .txt file, UTF-8",
                path=path,
            )
        )


def _warn_of_signs(path: Path, kind: str, beginning: bytes) -> None:
    like_json = re.match(rb'(\xef\xbb\xbf)?\s*\[?\s*\{\s*"', beginning)
    if like_json or kind in _WITH_SIGNS:
        warnings.warn(
            sentence(
                "{path} is read as text, with all signs that are around what somebody wrote there; name "
                'it .jsonl or .json if it holds documents under "{key}"'
                if like_json
                else "{path} is read as text, with all signs that are around what somebody wrote there; "
                "save what is to be read as .txt or .jsonl",
                path=path,
                key=KEY,
            ),
            stacklevel=2,
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Inside it a packed file that was cut off or changed is told by its name."""
    try:
        yield
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if getattr(error, "errno", None):  # the system's, which names the file itself
            raise
        raise ValueError(
            sentence("{path} is damaged ({error}): get it again", path=path, error=error)
        ) from error


def _first_bytes(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(8)


def _unpacked(path: Path):
    """The file's content, to be read as bytes."""
    return _opener(path)(path, "rb")


def _opener(path: Path):
    """``open``, or what opens a packed file so."""
    first = _first_bytes(path)
    return next((way for mark, way in _PACKED.items() if first.startswith(mark)), open)


def _encoding(beginning: bytes) -> tuple[str, str]:
    """The codec that reads a text which begins so, and the one that spells a part of it."""
    marked = (codec for mark, codec in _BYTE_ORDER_MARKS.items() if beginning.startswith(mark))
    return next(marked, ("utf-8-sig", "utf-8"))


# --- text ---------------------------------------------------------------------------------------


def _text(path: Path, codec: str, spelling: str, blank_lines: bool) -> Iterator[str]:
    """What stands between separators, one document in memory at a time."""
    if _holds(path, END.encode(spelling)):
        parts = _split_stream(_decoded(path, codec), _END)
        if not all(_is_spoken_of(*pair) for pair in pairwise(parts)):
            yield from _between_ends(path, codec)
            return
    if not blank_lines:
        yield "".join(_decoded(path, codec)).strip("\n").rstrip()
        return
    for part in _split_stream(_decoded(path, codec), _BLANK_LINE):
        yield part.strip("\n").rstrip()


def _between_ends(path: Path, codec: str) -> Iterator[str]:
    spoken_of, before = 0, ""
    for part in _split_stream(_decoded(path, codec), _END):
        spoken_of += _is_spoken_of(before, part)
        before = part
        yield part.strip("\n").rstrip()
    if spoken_of:
        warnings.warn(
            sentence(
                "{path}: <|endoftext|> stands inside a sentence, as if the text spoke of it (times: "
                "{spoken_of}), and ends a document there too; if it should not, write it otherwise",
                path=path,
                spoken_of=f"{spoken_of:,}",
            ),
            stacklevel=2,
        )


def _is_spoken_of(before: str, after: str) -> bool:
    """Whether what stands between is a word of a sentence, such as "the token <|endoftext|> ends it"."""
    opened = re.search(r"""[^.!?\s][ \t]\Z|["'`(]\Z""", before[-2:])
    return bool(opened) and after[:1] not in ("", "\n")


def _holds(path: Path, wanted: bytes) -> bool:
    tail = b""
    with _unpacked(path) as file:
        while piece := file.read(_PIECE):
            if wanted in tail + piece:
                return True
            tail = (tail + piece)[1 - len(wanted) :]
    return False


def _split_stream(pieces: Iterable[str], separator: re.Pattern) -> Iterator[str]:
    """``separator.split`` of the joined pieces, in time that grows as they do.

    What is left of a split may begin a separator, so it is searched again with what follows. It
    waits until that is at least as long, or a long document would be searched with each new piece.
    """
    rest, waiting, size = "", [], 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= len(rest):
            *parts, rest = separator.split("".join((rest, *waiting)))
            waiting, size = [], 0
            yield from parts
    yield from separator.split("".join((rest, *waiting)))


def _decoded(path: Path, codec: str) -> Iterator[str]:
    """The file's text, piece by piece, with "\\n" for every line end."""
    decoder = codecs.getincrementaldecoder(codec)()
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    with _unpacked(path) as file:
        while True:
            data = file.read(_PIECE)
            try:
                yield lines.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise _not_decoded(path, error, file.tell() - len(error.object)) from error
            if not data:
                return


def _not_decoded(path: Path, error: UnicodeDecodeError, before: int) -> ValueError:
    """``before``: how many bytes of the file come before those of the error."""
    name = error.encoding.upper()
    guess = _guess(error) if name == "UTF-8" else None
    remedy = sentence("unpack it, then save it as UTF-8 in an editor")
    if _opener(path) is open:
        remedy = sentence(
            "save it as UTF-8 in an editor, or with: iconv -f {codec} -t UTF-8 {path} > {new}",
            codec=guess or "THE_ENCODING_IT_HAS",
            path=quoted(path),
            new=quoted(path.with_name(path.stem + "-utf8" + path.suffix)),
        )
    return ValueError(
        sentence(
            "{path} is not {name}: byte 0x{byte} at position {position} ({reason}); it may be {guess}; {remedy}"
            if guess
            else "{path} is not {name}: byte 0x{byte} at position {position} ({reason}); {remedy}",
            path=path,
            name=name,
            byte=f"{error.object[error.start]:02x}",
            position=before + error.start,
            reason=error.reason,
            guess=guess,
            remedy=remedy,
        )
    )


def _guess(error: UnicodeDecodeError) -> str | None:
    """Korea's or Western Europe's code page, where the text is one; None for UTF-8 that is damaged."""
    if not error.object[: error.start].isascii():
        return None
    for codec in ("cp949", "cp1252"):
        try:
            codecs.getincrementaldecoder(codec)().decode(error.object[error.start :])
            return codec.upper()
        except UnicodeDecodeError:
            continue
    return None


# --- JSON and Parquet ---------------------------------------------------------------------------


def _json_lines(path: Path, codec: str) -> Iterator[str]:
    for number, line in enumerate(_split_stream(_decoded(path, codec), _LINE_END), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(
                sentence(
                    "{path}, line {number} is not JSON ({msg}, column {column}): each line must be like "
                    '{"{key}": "a document"}',
                    path=path,
                    number=number,
                    msg=error.msg,
                    column=error.colno,
                    key=KEY,
                )
            ) from error
        yield _text_of(row, sentence("{path}, line {number}", path=path, number=number))


def _json(path: Path, codec: str) -> Iterator[str]:
    """A list of documents; a file that holds lines of JSON after all is read as such."""
    with _unpacked(path) as file:
        content = file.read()
    try:
        rows = json.loads(content.decode(codec))
    except UnicodeDecodeError as error:
        raise _not_decoded(path, error, 0) from error
    except json.JSONDecodeError as error:
        if error.doc.lstrip().startswith("["):
            raise ValueError(
                sentence(
                    "{path}, line {number} is not JSON ({msg}, column {column}): the file must be a list, "
                    'like [{"{key}": "a document"}], or a line for each document',
                    path=path,
                    number=error.lineno,
                    msg=error.msg,
                    column=error.colno,
                    key=KEY,
                )
            ) from error
        yield from _json_lines(path, codec)
        return
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        yield _text_of(row, sentence("{path}, item {number}", path=path, number=number))


def _parquet(path: Path) -> Iterator[str]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ImportError(
            sentence(
                '{path} is a Parquet file, which needs a package: pip install "nbutils[fineweb]"',
                path=path,
            )
        ) from error
    try:
        with ParquetFile(path) as file:
            names = file.schema_arrow.names
            if KEY not in names:
                raise ValueError(sentence(_NO_COLUMN, where=path, **_beside(names)))
            number = 0
            for batch in file.iter_batches(1024, columns=[KEY]):
                for row in batch.to_pylist():
                    yield _text_of(row, sentence("{path}, row {number}", path=path, number=number))
                    number += 1
    except pyarrow.ArrowException as error:
        raise ValueError(
            sentence("{path} is damaged ({error}): get it again", path=path, error=str(error)[:200])
        ) from error


def _text_of(row, where: str) -> str:
    if isinstance(row, dict):
        if KEY not in row:
            raise ValueError(sentence(_NO_KEY, where=where, **_beside(row)))
        row = row[KEY]
    if not isinstance(row, str):
        raise ValueError(
            sentence(
                "{where}: {key} is {kind}, where a string is needed",
                where=where,
                key=KEY,
                kind=type(row).__name__,
            )
        )
    check_unicode(row, where)
    return row


_NO_COLUMN = (
    "{where} has no column {key}, only: {found}; rename the one that holds the documents to {key}"
)
_NO_KEY = (
    "{where} has no key {key}, only: {found}; rename the one that holds the documents to {key}"
)


def _beside(names: Iterable[str]) -> dict[str, str]:
    """What the two say: the key that is missing, and the names that are there instead."""
    return {"key": repr(KEY), "found": ", ".join(map(str, names)) or sentence("none")}
