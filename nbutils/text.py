"""Where text comes from: a name becomes documents, each a string.

Of each ten documents in a row, the tenth is for validation and the other nine are for training;
only a file of fewer than ten documents is cut by its length instead. The split goes by position
and does not look at the text: a document that a source holds twice, as "smallworld" does some,
may be on both sides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from nbutils.words import sentence

from . import smallworld, text_files
from .arguments import shown, whole
from .files import expanded

SOURCES = ("smallworld", "pydocs", "fineweb")
_SPLITS = ("train", "val")
_FINEWEB_COMMIT = "9bb295ddab0e05d785b879661af7260fed5140fc"  # its tag v1.4.0
_SMALLWORLD_DOCUMENTS = 20_000  # both splits, if not said otherwise: about 1.1 million tokens


def load(
    name: str | os.PathLike, split: str = "train", *, n_documents: int | None = None
) -> list[str] | Iterator[str]:
    """The documents of a source: a list, but for "fineweb" an iterator that reads as it goes.

    Args:
        name: one of

            - "smallworld": the corpus whose true probabilities are known, of seed 0: 18,000
              documents to train on and 2,000 to validate, or as many as ``n_documents`` says,
              which may be more;
            - "pydocs": the topics of Python's own ``help()``, about 0.5 MB of technical English
              on every machine. The text differs a little from one Python version to the next;
            - "fineweb": web pages, streamed from Hugging Face's ``HuggingFaceFW/fineweb``,
              ``sample-10BT``. Needs ``pip install "nbutils[fineweb]"`` and a network, or in the
              environment variable ``NBUTILS_FINEWEB`` (empty is as if not set) a folder with its
              parquet files;
            - the path of a file: text, in which documents are what stands between
              ``<|endoftext|>`` or, in a file without it, between blank lines; ``.jsonl``,
              ``.json`` or ``.parquet``, each with the documents under ``text``; any of them
              packed (``.gz``, ``.bz2``, ``.xz``); or of a folder of such files, each ``.txt``
              a document. `text_files` says more. Fewer than ten documents are cut where their
              last tenth begins: after a line if one ends near there, else after a word, else
              anywhere.
        split: "train" or "val".
        n_documents: at most so many documents of this split; None for all ("smallworld", which
            has no end: for the 18,000 or 2,000).

    Raises:
        TypeError: a name that is neither text nor a path.
        ValueError: an unknown name or split, ``n_documents`` below 1, or a file that is empty,
            too short to be split, damaged or not UTF-8; FineWeb's files are damaged or hold no
            text.
        FileNotFoundError: there is no such file, a folder without any that can be read, or
            ``NBUTILS_FINEWEB`` names no folder with parquet files.
        ImportError: the package that a source needs is missing.
        ConnectionError: FineWeb can't be reached, now or, while you read on, later.
    """
    if split not in _SPLITS:
        raise ValueError(
            sentence('split={split} is unknown; use "train" or "val"', split=repr(split))
        )
    n_documents = whole("n_documents", n_documents, 1, or_none="None for all")
    if _checked(name) == "fineweb":
        return islice(_every_tenth(_fineweb(), split), n_documents)
    if name == "smallworld":
        documents = _split(smallworld.generate(_documents_needed(split, n_documents)), split)
    elif name == "pydocs":
        documents = _split(_pydocs(), split)
    else:
        documents = _split_file(path_of(name), split)
    return documents[:n_documents]


def read(name: str | os.PathLike) -> Iterator[str]:
    """The documents of a source in their order, neither split nor all in memory at once.

    ``name`` is as for `load`; "smallworld" has no end here. Nothing is opened before the first
    document is asked for. Raises what `load` raises, then or at the document in question.
    """
    if _checked(name) == "fineweb":
        yield from _fineweb()
    elif name == "smallworld":
        yield from smallworld.endless()
    elif name == "pydocs":
        yield from _pydocs()
    else:
        yield from text_files.documents(path_of(name))


def _every_tenth(documents: Iterable[str], split: str) -> Iterator[str]:
    for index, document in enumerate(documents):
        if (index % 10 == 9) == (split == "val"):
            yield document


def _split(documents: list[str], split: str) -> list[str]:
    return list(_every_tenth(documents, split))


def _documents_needed(split: str, n_documents: int | None) -> int:
    """How many documents to generate so that ``n_documents`` are in the split; at least ten."""
    if n_documents is None:
        return _SMALLWORLD_DOCUMENTS
    return max(10, 10 * n_documents if split == "val" else n_documents + (n_documents - 1) // 9)


def _pydocs() -> list[str]:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ImportError(
            sentence(
                "this Python lacks its module pydoc_data.topics; install Python's complete standard "
                'library, or load another text: load("smallworld") or load("a/file.txt")'
            )
        ) from error
    return [topics[topic].strip() for topic in sorted(topics) if topics[topic].strip()]


# --- files ------------------------------------------------------------------------------------


def path_of(name: str | os.PathLike) -> Path:
    """The path of the file or the folder that is meant; "~" is the home folder.

    Raises as `load` does where there is none.
    """
    path = expanded(name)
    if os.fspath(name) and (path.is_file() or path.is_dir()):  # "" would be this folder
        return path
    looks_like_a_path = isinstance(name, os.PathLike) or path.suffix or len(path.parts) > 1
    if looks_like_a_path:
        raise FileNotFoundError(
            sentence("there is no file {path} (looked from {cwd})", path=path, cwd=Path.cwd())
        )
    sources = ", ".join(f'"{source}"' for source in SOURCES)
    raise ValueError(
        sentence(
            "name={name} is unknown: use {sources} or the path of a file or folder",
            name=repr(name),
            sources=sources,
        )
    )


def _checked(name) -> str | os.PathLike:
    if not isinstance(name, str | os.PathLike):
        raise TypeError(
            sentence("name={name} must be a source's name or the path of a text", name=shown(name))
        )
    return name


def _split_file(path: Path, split: str) -> list[str]:
    documents = list(text_files.documents(path))
    if len(documents) >= 10:
        return _split(documents, split)
    train, val = _cut_by_length(documents)
    if not train or not val:
        raise text_files.too_short(path)
    return train if split == "train" else val


def _cut_by_length(documents: list[str]) -> tuple[list[str], list[str]]:
    """The first nine tenths and the last tenth of the text; the document between is cut.

    Neither part is without text, if the documents hold two characters that are no white space.
    """
    goal = sum(map(len, documents)) * 9 // 10
    whole = 0  # documents that are in the first part as they are
    while len(documents[whole]) <= goal:
        goal -= len(documents[whole])
        whole += 1
    text = documents[whole]
    at = _cut_position(text, goal)
    if whole == 0:
        at = max(at, len(text) - len(text.lstrip()) + 1)  # the first part has text
    if whole == len(documents) - 1:
        at = min(at, len(text.rstrip()) - 1)  # and so has the last
    train = [*documents[:whole], text[:at]]
    val = [text[at:], *documents[whole + 1 :]]
    return [d for d in train if d.strip()], [d for d in val if d.strip()]


def _cut_position(text: str, goal: int) -> int:
    """After the last line that ends before the goal and not far from it, else the last word."""
    for mark in "\n ":
        at = text.rfind(mark, goal * 9 // 10, goal)
        if at > 0:
            return at + 1
    return goal


# --- FineWeb ----------------------------------------------------------------------------------


def _fineweb() -> Iterator[str]:
    """Open the stream at once, so that what is missing is said at once; then read as asked."""
    try:
        import datasets
    except ImportError as error:
        raise ImportError(
            sentence('load("fineweb") needs the package datasets: pip install "nbutils[fineweb]"')
        ) from error
    folder = os.environ.get("NBUTILS_FINEWEB")  # empty is as if not set
    texts = _fineweb_texts(lambda: _open_fineweb(datasets, folder), folder)
    first = next(texts)
    return chain([first], texts)


def _open_fineweb(datasets, folder: str | None) -> Iterable[dict]:
    if not folder:
        return datasets.load_dataset(
            "HuggingFaceFW/fineweb",
            "sample-10BT",
            revision=_FINEWEB_COMMIT,
            split="train",
            streaming=True,
        )
    files = sorted(map(str, expanded(folder).glob("**/*.parquet")))
    if not files:
        raise FileNotFoundError(
            sentence(
                "NBUTILS_FINEWEB={folder} is no folder with parquet files in it", folder=folder
            )
        )
    return datasets.load_dataset(  # nosec B615 - of files here
        "parquet", data_files=files, split="train", streaming=True
    )


def _fineweb_texts(open_rows: Callable[[], Iterable[dict]], folder: str | None) -> Iterator[str]:
    """The text of each row; errors say what can be done about them."""
    row = None
    try:
        for row in open_rows():
            yield _text_of(row, folder)
    except (FileNotFoundError, _NoTextError):
        raise
    except Exception as error:  # datasets passes on whatever its libraries raise
        raise _unreadable(error, folder) from error
    if row is None:
        raise _NoTextError(
            sentence(
                "{source_name} holds no rows; get its parquet files again",
                source_name=_source_name(folder),
            )
        )


class _NoTextError(ValueError):
    pass


def _text_of(row: dict, folder: str | None) -> str:
    if not isinstance(row.get("text"), str):
        raise _NoTextError(
            sentence(
                "{source_name} has a row without a string in the column 'text' (its columns: {names}); "
                "FineWeb's own files have one",
                source_name=_source_name(folder),
                names=", ".join(map(str, row)),
            )
        )
    return row["text"]


def _source_name(folder: str | None) -> str:
    return f"NBUTILS_FINEWEB={folder}" if folder else "FineWeb"


def _unreadable(error: Exception, folder: str | None) -> Exception:
    said = f"{type(error).__name__}: {str(error)[:200]}"
    if folder:
        return ValueError(
            sentence(
                "NBUTILS_FINEWEB={folder} can't be read ({said}): one of its parquet files is damaged or "
                "empty; get that file again or remove it",
                folder=folder,
                said=said,
            )
        )
    return ConnectionError(
        sentence(
            "FineWeb can't be read ({said}); check the network, set NBUTILS_FINEWEB to a folder with its parquet "
            'files, or use load("smallworld") or load("pydocs"), which need none',
            said=said,
        )
    )
