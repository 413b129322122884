"""Grade a folder of submitted notebooks, each in a process of its own with limits.

A notebook's cells run in order, as Restart and run all would, without those that are tagged as of no
use here; a cell that stops with an error does not stop those after it. Then every exercise's
function that it defines is judged, by another process in which no code of the notebook has run:
only plain data pass between the two. It is no prison: code from people you don't trust
belongs in a container.

    submitted   which notebooks there are, and the cells in a file
    server      a worker: starts the two processes of each notebook
    student     the one that runs the cells, in a `shell`, behind a `fence` and without rights (`landlock`), and
                then answers calls
    judging     the other one, which asks, compares and tells
    wire        what passes between them
    marks, tables   what comes out
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nbutils.exercises.grading.marks import ERROR, REMARK, Mark, printable, totals
from nbutils.exercises.grading.submitted import SKIPPED, Submission, submissions
from nbutils.exercises.grading.tables import Table, as_html, write_csv
from nbutils.words import sentence

__all__ = [
    "ERROR",
    "REMARK",
    "SKIPPED",
    "Mark",
    "Table",
    "as_html",
    "grade",
    "grade_each",
    "totals",
    "write_csv",
]
SECONDS = 300.0  # for a notebook
# How a worker starts processes. A forked one has PyTorch already; on macOS that does not survive a fork,
# and Windows has none.
METHOD = "fork" if sys.platform == "linux" else "spawn"
A_CELL, ALL_CELLS = 0.2, 0.6  # what a cell may take of them, and all cells together
MARGIN = 60.0  # seconds beyond them, after which a worker is taken to hang


def grade(folder: Path, *, seconds: float = SECONDS, workers: int | None = None) -> list[Mark]:
    """Grade every notebook below a folder; the marks are in the order of the notebooks' names.

    Raises:
        ValueError: there is no such folder, or no notebook in it.
    """
    order = {one.name: i for i, one in enumerate(submissions(folder))}
    found = [mark for one in grade_each(folder, seconds=seconds, workers=workers) for mark in one]
    return sorted(found, key=lambda mark: order.get(mark.notebook, len(order)))


def grade_each(
    folder: Path, *, seconds: float = SECONDS, workers: int | None = None
) -> Iterator[list[Mark]]:
    """The marks of one notebook after the other, as soon as they are known.

    Args:
        folder: with the notebooks, in folders of any depth.
        seconds: for one notebook. A cell has a fifth of them, all cells three fifths.
        workers: how many notebooks run at the same time; None: one for each core.

    Raises:
        ValueError: there is no such folder, or no notebook in it; no worker, or no time.
    """
    if workers is not None and workers < 1:
        raise ValueError(sentence("workers={workers}: at least one is needed", workers=workers))
    if not seconds > 0:
        raise ValueError(
            sentence(
                "seconds={seconds}: a notebook needs some, {usual} are usual",
                seconds=f"{seconds:g}",
                usual=f"{SECONDS:g}",
            )
        )
    found = submissions(folder)
    count = min(workers or os.cpu_count() or 1, len(found))
    crew = [_Worker(_hidden(folder)) for _ in range(count)]
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for worker in crew:
        idle.put(worker)

    def one(submission: Submission) -> list[Mark]:
        worker = idle.get()
        try:
            return worker.grade(submission, seconds)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(len(crew)) as pool:
        running = [pool.submit(one, submission) for submission in found]
        try:
            for done in as_completed(running):
                yield done.result()
        finally:  # also where nobody wants the rest
            for left in running:
                left.cancel()
            for worker in crew:
                worker.over = True
                worker.close()


def _hidden(folder: Path) -> list[str]:
    """What no notebook may read: what the others have handed in, unless Python itself lies there."""
    whole = os.path.realpath(folder)
    places = [sys.prefix, sys.base_prefix, *filter(None, sys.path)]
    return (
        [] if any(Path(os.path.realpath(one)).is_relative_to(whole) for one in places) else [whole]
    )


class _Worker:
    """A program that grades one notebook after the other; started when it is first needed."""

    def __init__(self, hidden: list[str]):
        self.program: subprocess.Popen | None = None
        self.hidden = hidden
        self.used = False  # whether the program has graded something before
        self.over = False  # whether nobody wants what comes

    def grade(self, submission: Submission, seconds: float) -> list[Mark]:
        if submission.trouble:
            return [Mark(submission.name, "", ERROR, submission.trouble)]
        request = {
            "path": submission.path,
            "hidden": self.hidden,
            "seconds": seconds,
            "a_cell": A_CELL,
            "all_cells": ALL_CELLS,
        }
        try:
            told, whole = self._ask(request, seconds + MARGIN)
            if (
                not whole and self.used and not self.over
            ):  # it may have ended for what an earlier notebook has done
                self.close()
                told, whole = self._ask(request, seconds + MARGIN)
        except OSError as error:
            said = sentence("no process could be started: {error}", error=error)
            told, whole = [["", ERROR, said]], True
        self.used = whole
        if not whole:
            said = sentence("the grader's own process ended: {said}", said=self.close())
            told.append(["", ERROR, said])
        return [Mark(submission.name, *map(printable, one)) for one in told]

    def _ask(self, request: dict, seconds: float) -> tuple[list[list[str]], bool]:
        """What the program tells, and whether that is all."""
        if self.over:
            return [], False
        if self.program is None:
            self.program = _start()
        told, watch = [], threading.Timer(seconds, self.program.kill)
        watch.start()
        try:
            self.program.stdin.write(json.dumps(request) + "\n")
            self.program.stdin.flush()
            for line in self.program.stdout:
                one = json.loads(line)
                if one is None:
                    return told, True
                told.append(one)
        except (OSError, ValueError):  # it was killed
            pass
        finally:
            watch.cancel()
        return told, False

    def close(self) -> str:
        """End the program. Returns the last that it said of itself."""
        if self.program is None:
            return ""
        program, self.program = self.program, None
        program.terminate()
        said = program.communicate()[1].strip()
        return (said.splitlines() or [sentence("it ended without a word")])[-1]


def _start() -> subprocess.Popen:
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__name__}.server", METHOD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=environment,
        start_new_session=True,
    )
