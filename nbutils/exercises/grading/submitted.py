"""What was handed in: the notebooks below a folder, and the code cells of one, whatever is in its file."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbutils.exercises.grading.marks import printable
from nbutils.words import sentence

SKIPPED = "skip-grading"  # the tag of cells that define no answer
LARGEST = 100 * 2**20  # bytes of a notebook that is read
LINK = "it is a link, and links are not followed: put the file itself there"


@dataclass(frozen=True)
class Submission:
    """A notebook that was handed in.

    name: its path below the folder, as it is shown; no two are the same.
    trouble: why it can't be read, or "".
    """

    path: str
    name: str
    trouble: str = ""


class NotebookError(ValueError):
    """A file that is no notebook, with why."""


def submissions(folder: Path) -> list[Submission]:
    """Every notebook below a folder, in order; also what only looks like one.

    Copies that Jupyter and macOS make on their own are left out.

    Raises:
        ValueError: there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise ValueError(
            sentence(
                "there is no folder {folder}; it is a file: give the folder, {parent}"
                if folder.is_file()
                else "there is no folder {folder}",
                folder=repr(printable(str(folder))),
                parent=repr(printable(str(folder.parent))),
            )
        )
    found, taken = [], set()
    for path, trouble in sorted(_found(str(folder))):
        shown = printable(os.path.relpath(path, folder).replace(os.sep, "/")).replace("\n", " ")
        name, number = shown, 1
        while name in taken:
            number += 1
            name = f"{shown} ({number})"
        taken.add(name)
        found.append(Submission(path, name, trouble))
    if not found:
        raise ValueError(
            sentence("no notebook (*.ipynb) in {folder}", folder=repr(printable(str(folder))))
        )
    return found


def _found(folder: str) -> Iterator[tuple[str, str]]:
    """Paths, each with why it can't be read."""
    closed = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(set(folders) - {".ipynb_checkpoints", "__MACOSX"})
        for name in folders:
            path = os.path.join(place, name)
            if os.path.islink(path):
                yield path, sentence(LINK)
            elif _is_a_notebook_s(name):
                yield (
                    path,
                    sentence("it is a folder, no notebook; the notebooks in it are graded"),
                )
        for name in files:
            path = os.path.join(place, name)
            if _is_a_notebook_s(name) and not name.startswith("._"):
                yield path, _trouble(path)
    for error in closed:
        said = sentence("the folder can't be read: {error}", error=error.strerror)
        yield str(error.filename), said


def _is_a_notebook_s(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _trouble(path: str) -> str:
    """Why this can't be read as a notebook, as far as that is seen from outside; or ""."""
    try:
        info = os.lstat(path)
    except OSError as error:
        return sentence("it can't be read: {error}", error=error.strerror)
    if stat.S_ISLNK(info.st_mode):
        return sentence(LINK)
    if not stat.S_ISREG(info.st_mode):
        return sentence("it is no file")
    if info.st_size > LARGEST:
        return sentence(
            "the file has {size} MiB, and at most {largest} are read: clear the notebook's outputs",
            size=f"{info.st_size / 2**20:.0f}",
            largest=f"{LARGEST / 2**20:.0f}",
        )
    return "" if info.st_size else sentence("the file is empty")


@dataclass(frozen=True)
class Cell:
    """A code cell that is run. number: among all code cells of the notebook, from 1."""

    number: int
    text: str


def read_cells(path: str) -> list[Cell]:
    """The code cells of a notebook, of any format since 3, without those tagged ``skip-grading``.

    Raises:
        NotebookError: with a sentence that says what it is instead.
    """
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(LARGEST + 1))
    except OSError as error:
        raise NotebookError(sentence("it can't be read: {error}", error=error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise NotebookError(
            sentence("it is no notebook: its text is not JSON ({error})", error=error)
        ) from None
    cells = _cells_of(content)
    code = [one for one in cells if isinstance(one, dict) and one.get("cell_type") == "code"]
    return [
        Cell(number, _text_of(one))
        for number, one in enumerate(code, start=1)
        if SKIPPED not in _tags_of(one)
    ]


def _cells_of(content) -> list:
    if not isinstance(content, dict):
        raise NotebookError(sentence("it is no notebook: its JSON is no object with cells"))
    sheets = content.get("worksheets")  # format 3, before 2015
    if "cells" not in content and isinstance(sheets, list):
        parts = [one.get("cells") for one in sheets if isinstance(one, dict)]
        return [cell for part in parts if isinstance(part, list) for cell in part]
    if not isinstance(content.get("cells"), list):
        raise NotebookError(sentence("it is no notebook: it has no list of cells"))
    return content["cells"]


def _text_of(cell: dict) -> str:
    """Its source, which is a text or a list of lines; format 3 calls it input."""
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _tags_of(cell: dict) -> list:
    about = cell.get("metadata")
    tags = about.get("tags") if isinstance(about, dict) else None
    return tags if isinstance(tags, list) else []
