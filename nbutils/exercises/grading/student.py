"""The process in which a notebook's code runs: its cells, one by one, then calls of what they define.

It never holds the exercises' answers and judges nothing. What it says to the judge are
plain data of `wire`, and the judge believes nothing but that these are what the notebook's code gave.
"""

import contextlib
import inspect
import linecache
import os
import sys
import tempfile
import threading
import traceback
from multiprocessing.connection import Connection

import torch

from nbutils import exercises
from nbutils.exercises import guard, student, world
from nbutils.exercises.checking import PASSED, Verdict
from nbutils.exercises.compare import format_value
from nbutils.exercises.grading import fence, landlock, shell, wire

MEMORY = 8 * 2**30  # bytes of the process's addresses; PyTorch alone takes two of them
MOST_NAMES = 5_000  # of a notebook that its judge is told
CELL = "<ipython-input"  # how the files of cells begin, as IPython calls them
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
    # A GPU maps more addresses than a notebook may have, and one for all workers is soon full.
    "NBUTILS_DEVICE": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "TORCHDYNAMO_DISABLE": "1",  # torch.compile would start a compiler
}


def run_student(judge: Connection, folder: str, hidden: list[str], forked: bool) -> None:
    """Serve a judge until it ends: the whole life of this process.

    folder: the notebook's own, empty. hidden: folders in which it reads nothing, where the system sees to that.
    """
    own = _shut_out_the_rest(judge, folder, hidden, forked)
    notebook = Notebook(own)
    try:
        while True:
            notebook.answer(wire.from_bytes_of_json(own.recv_bytes()))
    except (EOFError, OSError):  # the judge is done
        pass
    finally:
        os._exit(0)  # without what the notebook left to be done at the end


def _shut_out_the_rest(
    judge: Connection, folder: str, hidden: list[str], forked: bool
) -> Connection:
    """Leave this process with its folder and the pipe to its judge."""
    if hasattr(os, "setsid"):
        os.setsid()  # so that it is ended with all that it starts
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    if forked:  # other pipes came along
        kept = judge.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, 4096)
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")
    sys.stderr = open(2, "w", encoding="utf-8")
    os.environ |= ENVIRONMENT | {
        "TMPDIR": folder,
        "TEMP": folder,
        "NBUTILS_PROGRESS": os.path.join(folder, "progress.json"),
    }
    tempfile.tempdir = None
    os.chdir(folder)
    sys.path[:] = ["", *(place for place in sys.path if place)]
    sys.dont_write_bytecode = True
    torch.set_num_threads(1)
    _limit_memory()
    landlock.restrict(folder, [str(fence.ANSWERS), *hidden])
    fence.close(folder)
    return judge


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    with contextlib.suppress(ValueError):  # macOS: more addresses are in use already
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _judged_later(name: str, *_, **__) -> Verdict:
    """What `check` gives in a notebook that is graded: an assert on it does not stop the cell."""
    return Verdict(name, PASSED, "the grader judges it after the cells.")


class Notebook:
    """What a notebook's cells have defined, and what its judge may ask."""

    def __init__(self, judge: Connection):
        self.judge, self.names = judge, ()
        for module in (exercises, student):
            module.check = module.hint = module.solution = _judged_later
            module.progress = lambda: _judged_later("progress")
        self.shell = shell.start_shell()

    def answer(self, asked: dict) -> None:
        """Do what the judge asks, and send what came of it."""
        if "cell" in asked:
            found = self.run_cell(asked["text"], asked["seconds"])
        elif "names" in asked:
            main = self.shell.user_ns
            found = {
                "defined": {
                    name: _described(main[name]) for name in asked["names"] if name in main
                },
                "others": [name for name in list(main) if isinstance(name, str)][:MOST_NAMES],
            }
        else:
            with world.as_it_came():
                found = self.call(asked)
        try:
            sent = wire.to_bytes_of_json(found)
        except wire.WireError as error:
            sent = wire.to_bytes_of_json({"raised": wire.encode_error(error)})
        self.judge.send_bytes(sent)

    def run_cell(self, text: str, seconds: float) -> dict:
        """Run a cell within the seconds; what stopped it, if anything did."""
        place = []
        watch = threading.Timer(0.95 * seconds, lambda: place.append(_line_of_the_main_thread()))
        watch.daemon = True
        watch.start()
        try:
            found = guard.outcome(lambda: self.shell.run(text), (), seconds)
        finally:
            watch.cancel()
        error = found.error or self.shell.error
        if error is None:
            return {"ran": True}
        late = isinstance(error, guard.Stopped)
        line = _line_of(error) or (place[0] if late and place else "")
        return {"ran": False, **wire.encode_error(error), "line": line, "late": late}

    def call(self, asked: dict) -> dict:
        """Call one of the notebook's functions: its value, or what it raised; and its arguments, if changed."""
        function = self.shell.user_ns.get(asked["call"])
        args = [wire.Decoder(self.ask).decode(one) for one in asked["args"]]
        before = [wire.Encoder([]).encode(one) for one in args]
        told = {}

        def call_it():
            told["gave"] = wire.Encoder().encode(function(*args))

        try:
            found = guard.outcome(call_it, (), asked["seconds"], seed=asked["seed"])
        except BaseException as error:  # KeyboardInterrupt, a library's panic
            found = guard.Outcome(error=error)
        if found.error is not None:
            told = {"raised": wire.encode_error(found.error), "line": _line_of(found.error)}
            told["late"] = isinstance(found.error, guard.Stopped)
        after = [wire.Encoder([]).encode(one) for one in args]
        changed = [[i, after[i]] for i in range(len(args)) if after[i] != before[i]]
        return {
            **told,
            "changed": changed,
            "printed": found.printed,
        }

    def ask(self, number: int, args: tuple):
        """What a function that the judge sent gives: it is called there."""
        asked = {"ask": number, "args": [wire.Encoder().encode(one) for one in args]}
        self.judge.send_bytes(wire.to_bytes_of_json(asked))
        answered = wire.from_bytes_of_json(self.judge.recv_bytes())
        if "raised" in answered:
            raise wire.decode_error(answered["raised"])
        return wire.Decoder().decode(answered["gave"])


def _described(value) -> dict:
    """What a name stands for, in words; of a function also its parameters and its own names."""
    if not callable(value):
        return {"is": format_value(value)}
    code = getattr(value, "__code__", None)
    told = {"is": "function", "locals": list(getattr(code, "co_varnames", ()))}
    with contextlib.suppress(TypeError, ValueError):
        signature = inspect.signature(value)
        parameters = signature.parameters.values()
        told["parameters"] = [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]
        told["signature"] = str(signature)
    return told


def _line_of(error: BaseException) -> str:
    """The line of the notebook's code at which it was raised, with its number in the cell."""
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(CELL):
        return f"line {error.lineno}: {(error.text or '').strip()}"
    return _last_own(traceback.extract_tb(error.__traceback__))


def _line_of_the_main_thread() -> str:
    """As `_line_of`, of what runs now: a cell that is about to be stopped."""
    frame = sys._current_frames().get(threading.main_thread().ident)
    return _last_own(traceback.extract_stack(frame)) if frame else ""


def _last_own(frames: traceback.StackSummary) -> str:
    """The innermost of these lines that is a cell's, or a module's that a cell has written."""
    own = [one for one in frames if one.filename.startswith((CELL, os.getcwd()))]
    if not own:
        return ""
    text = linecache.getline(own[-1].filename, own[-1].lineno).strip()
    return f"line {own[-1].lineno}: {text}"
