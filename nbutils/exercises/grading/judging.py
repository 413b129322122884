"""The judge of one notebook: a process in which none of its code ever runs.

It sends cells and calls to the notebook's process, compares what comes back, and tells of each mark as
soon as it is known. Where the other process hangs or ends, it says so and asks for a new one:
what is known by then stands in a `Known`, with which the next judge goes on.
"""

import contextlib
import inspect
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from types import SimpleNamespace

import torch

from nbutils.exercises.checking import RAISED, UNTRIED, WRONG, judge
from nbutils.exercises.exercise import names
from nbutils.exercises.grading import wire
from nbutils.exercises.grading.marks import ERROR, REMARK
from nbutils.exercises.grading.reading import (
    asks_for_answers,
    missing_name,
    names_bound,
)
from nbutils.exercises.grading.submitted import Cell, NotebookError, read_cells
from nbutils.exercises.guard import SECONDS, Stopped
from nbutils.words import sentence

KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
)
SOONER = 0.5  # seconds by which a call ends there before it would be ended here
PATIENCE = 5.0  # seconds beyond a limit, after which a process is taken to hang


@dataclass
class Known:
    """What is known of a notebook. stops: of each cell that did not run to its end, why."""

    stops: dict[str, str] = field(default_factory=dict)
    failed: list[int] = field(default_factory=list)  # cells that stopped by an error of theirs
    skipped: list[int] = field(default_factory=list)  # cells that ended or hung their process
    done: list[str] = field(default_factory=list)  # exercises with a mark; "" for the whole
    in_vain: int = 0  # processes that were lost without anything new

    def known(self) -> int:
        return len(self.skipped) + len(self.done)


class Lost(Exception):
    """The notebook's process hangs, or is no more."""


def judge_notebook(request: dict, state: dict, student: Connection, tell: Connection) -> None:
    """Judge one notebook, or go on with it.

    Sends to ``tell`` each mark as (exercise, state, words), and at last the state with which to go on or None.
    """
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)

    def send(message) -> None:
        tell.send_bytes(wire.to_bytes_of_json({"told": message}))

    try:
        cells = read_cells(request["path"])
    except NotebookError as error:
        send(["", ERROR, str(error)])
        send({"again": None})
        return
    judging = _Judging(cells, request, Known(**state), student)
    known = judging.state.known()
    try:
        for mark in judging.marks():
            send(mark)
            judging.state.done.append(mark[0])
    except Lost:
        judging.state.in_vain += judging.state.known() == known
        send({"again": asdict(judging.state)})
    else:
        send({"again": None})


class _Judging:
    def __init__(self, cells: list[Cell], request: dict, state: Known, student: Connection):
        self.cells, self.state, self.student = cells, state, student
        self.others: tuple[str, ...] = ()  # all names of the notebook
        self.lost = False  # whether its process can't be spoken to any more
        self.request, self.seconds, self.end = request, request["seconds"], request["end"]

    def marks(self) -> Iterator[tuple[str, str, str]]:
        """(exercise, state, words) of each exercise that has none yet; first, what is said of the whole."""
        left = [name for name in names() if name not in self.state.done]
        if time.time() > self.end or self.state.in_vain > 1:
            yield from self.too_late(left)
            return
        self.run_cells()
        self.say({"names": left})
        told = self.hear(PATIENCE)
        defined = told.get("defined")
        defined = defined if isinstance(defined, dict) else {}
        self.others = _names_in(told.get("others"))
        if "" not in self.state.done:
            yield from self.remarks()
        for name in left:
            yield (name, *self.mark(name, defined.get(name)))
            if self.lost:
                raise Lost(sentence("while an exercise was judged"))

    def too_late(self, left: list[str]) -> Iterator[tuple[str, str, str]]:
        """Marks of what can't be judged any more."""
        if "" not in self.state.done:
            yield from self.remarks()
        seem_defined = frozenset().union(*(names_bound(cell.text) for cell in self.cells))
        for name in left:
            yield (name, ERROR, self.over()) if name in seem_defined else (name, UNTRIED, "")

    def over(self) -> str:
        if self.state.in_vain > 1:
            return sentence("it was not judged: the notebook's process ends after its cells")
        return sentence(
            "it was not judged: the notebook took all of its {seconds} s",
            seconds=f"{self.seconds:g}",
        )

    # --- cells ------------------------------------------------------------------------------------

    def run_cells(self) -> None:
        """Run all cells but those that are known to end or hang their process."""
        left = self.seconds * self.request["all_cells"]
        limit = self.seconds * self.request["a_cell"]
        for cell in self.cells:
            if cell.number in self.state.skipped:
                continue
            start = time.monotonic()
            if left <= 0:
                self.stop(
                    cell,
                    sentence(
                        "cell {number} was not run: those before it took too long",
                        number=cell.number,
                    ),
                )
                continue
            allowed = min(limit, left)
            self.say({"cell": cell.number, "text": cell.text, "seconds": allowed})
            try:
                found = self.hear(allowed + PATIENCE)
            except Lost as lost:
                self.state.skipped.append(cell.number)
                self.stop(
                    cell,
                    sentence("cell {number} was cut off: {lost}", number=cell.number, lost=lost),
                )
                raise
            if not found.get("ran"):
                self.stop(cell, _why(cell.number, found), failed=not found.get("late"))
            left -= time.monotonic() - start

    def stop(self, cell: Cell, why: str, failed: bool = False) -> None:
        if str(cell.number) not in self.state.stops:
            self.state.stops[str(cell.number)] = why
            self.state.failed += [cell.number] * failed

    def remarks(self) -> Iterator[tuple[str, str, str]]:
        """What is said of the whole notebook: cells that were cut off, cells that look for answers."""
        cut = [
            words
            for number, words in self.state.stops.items()
            if int(number) in self.state.skipped or int(number) not in self.state.failed
        ]
        asking = [cell.number for cell in self.cells if asks_for_answers(cell.text)]
        if asking:
            where = ", ".join(map(str, asking))
            cut.append(
                sentence("look at cell {where}: it asks for the course's own answers", where=where)
            )
        if cut:
            yield ("", REMARK, "; ".join(cut))

    # --- exercises --------------------------------------------------------------------------------

    def mark(self, name: str, described) -> tuple[str, str]:
        """State and words of one exercise, for what the notebook is said to have under its name."""
        stopped = [
            self.state.stops[str(cell.number)]
            for cell in self.cells
            if str(cell.number) in self.state.stops and name in names_bound(cell.text)
        ]
        if not isinstance(described, dict):
            return (ERROR, "; ".join(stopped)) if stopped else (UNTRIED, "")
        if described.get("is") != "function":
            kind = str(described.get("is"))[:200]
            return WRONG, sentence("it should be a function; yours is {kind}", kind=kind)
        if time.time() > self.end:
            return ERROR, self.over()
        verdict = judge(name, _Answer(self, name, described))
        says = str(verdict).partition(": ")[2]
        if (
            verdict.state == UNTRIED and stopped
        ):  # the starter's own, which another cell was to replace
            return ERROR, "; ".join(stopped)
        if verdict.passed or verdict.state == UNTRIED:
            return verdict.state, says
        missing = missing_name(says) if verdict.state == RAISED else ""
        for cell in self.cells if missing else ():
            why = self.state.stops.get(str(cell.number))
            if why and missing in names_bound(cell.text) and why not in stopped:
                stopped.append(why)
        return verdict.state, " ".join([says, *(f"({why}.)" for why in stopped)])

    # --- the pipe ---------------------------------------------------------------------------------

    def say(self, message: dict) -> None:
        try:
            self.student.send_bytes(wire.to_bytes_of_json(message))
        except OSError:
            self.lost = True
            raise Lost(sentence("its process ended")) from None

    def hear(self, seconds: float) -> dict:
        """The next message. Raises Lost where none comes in time, or what comes is none."""
        end = time.monotonic() + min(seconds, max(self.end - time.time(), 0) + 1)
        self.lost = True  # until it is heard; what comes after a wait that was ended is no answer
        try:
            while not self.student.poll(0.05):  # short waits: Stopped must be heard meanwhile
                if time.monotonic() > end:
                    raise Lost(sentence("its process hangs"))
            message = wire.from_bytes_of_json(self.student.recv_bytes(wire.LARGEST))
        except (EOFError, OSError):
            raise Lost(sentence("its process ended")) from None
        except wire.WireError:
            raise Lost(sentence("its process spoke nonsense")) from None
        self.lost = False
        return message


class _Answer:
    """A notebook's function, as `judge` calls it: each call goes over the pipe.

    described: what the notebook's process says of its signature and its names, with which a crash is explained.
    """

    def __init__(self, judging: _Judging, name: str, described: dict):
        self.judging, self.__name__ = judging, name
        self.__globals__ = dict.fromkeys(judging.others)
        self.__code__ = SimpleNamespace(co_varnames=_names_in(described.get("locals")))
        with contextlib.suppress(TypeError, ValueError, LookupError):
            self.__signature__ = _Signature(described["parameters"], described["signature"])

    def __call__(self, *args):
        judging, functions = self.judging, []
        if judging.lost:
            raise RuntimeError(sentence("the process in which it runs is no more"))
        asked = {
            "call": self.__name__,
            "args": [wire.Encoder(functions).encode(one) for one in args],
            "seed": torch.initial_seed(),
            "seconds": max(SECONDS - SOONER, 0.1),
        }
        try:
            judging.say(asked)
            found = judging.hear(SECONDS + PATIENCE)
            while "ask" in found:
                judging.say(_asked(functions, found))
                found = judging.hear(SECONDS + PATIENCE)
        except Lost as lost:
            raise RuntimeError(sentence("{lost} while it was called", lost=lost)) from None
        return _result(found, args)


class _Signature(inspect.Signature):
    """A function's parameters, without their defaults and annotations, and the text that has these."""

    __slots__ = ("text",)

    def __init__(self, parameters: list, text: str):
        super().__init__(
            [
                inspect.Parameter(name, KINDS[kind], **({"default": None} if has_default else {}))
                for name, kind, has_default in parameters
            ]
        )
        self.text = str(text)[:300]

    def __str__(self) -> str:
        return self.text


def _names_in(told) -> tuple[str, ...]:
    """The names in a list that another process sent."""
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()


def _asked(functions: list[Callable], found: dict) -> dict:
    """What one of the case's functions gives for these arguments, or what it raises."""
    try:
        function = functions[found["ask"]]
        args = [wire.Decoder().decode(one) for one in found["args"]]
        return {"gave": wire.Encoder().encode(function(*args))}
    except Exception as error:
        return {"raised": wire.encode_error(error)}


def _result(found: dict, args: tuple):
    """The value of a call, or its exception with ``student_line``; changes the arguments as it did."""
    if printed := found.get("printed"):
        print(printed, end="")
    for i, after in found.get("changed", ()):
        wire.write_back(args[i], wire.Decoder().decode(after))
    if "raised" not in found:
        return wire.Decoder().decode(found.get("gave", {}))
    error = wire.decode_error(found["raised"])
    if found.get("late"):
        error = Stopped(found["raised"].get("says"))
    error.student_line = str(found.get("line", ""))[:300]
    raise error


def _why(number: int, found: dict) -> str:
    """Why a cell stopped, in words."""
    line, says = (str(found.get(name, ""))[:500].strip() for name in ("line", "says"))
    told = dict(number=number, kind=str(found.get("kind", ""))[:80], line=line, says=says)
    if found.get("late"):
        return sentence(
            "cell {number} took too long and was stopped in {line}"
            if line
            else "cell {number} took too long and was stopped",
            **told,
        )
    return sentence(
        "cell {number} stopped with {kind} in {line}. {says}"
        if line
        else "cell {number} stopped with {kind}. {says}",
        **told,
    ).rstrip(". ")
