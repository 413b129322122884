"""How long the grader takes for a class: copies of a notebook of exercises with every answer filled in."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

from authoring import exercises
from nbutils.exercises import grading
from nbutils.exercises.checking import PASSED
from nbutils.exercises.exercise import exercise, names

CLASSES = ((1, 1), (30, 2))  # notebooks, and how many are graded at a time
CHAPTER = "internals"


@dataclass(frozen=True)
class Row:
    """One class. right: answers that were found right, of all of them; seconds: on the clock."""

    what: str
    workers: int
    answers: int
    right: int
    seconds: float


def answered(chapter: str):
    """A chapter's notebook of exercises, with the course's own answers filled in."""
    notebook = exercises.notebook(chapter)
    for cell in notebook.cells:
        name = cell.id.replace("-", "_")
        if name in names():
            cell.source = exercise(name).source
    return notebook


def rows() -> list[Row]:
    """A row for each class. Raises AssertionError where a right answer is not found right."""
    return [measured(*one) for one in CLASSES]


def measured(count: int, workers: int) -> Row:
    notebook = answered(CHAPTER)
    answers = count * sum(chapter == CHAPTER for chapter in names().values())
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            nbformat.write(notebook, Path(folder, f"{i:02}.ipynb"))
        start = time.monotonic()
        marks = grading.grade(Path(folder), workers=workers)
        seconds = time.monotonic() - start
    right = sum(mark.state == PASSED for mark in marks)
    assert right == answers, f"{right} of {answers} answers are right"
    what = f"{count} of {exercises.file_name(CHAPTER)}"
    return Row(what, workers, answers, right, seconds)
