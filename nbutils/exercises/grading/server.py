"""One worker of the grader: python -m nbutils.exercises.grading.server METHOD

It reads requests, a line of JSON each, and writes what is found as lines of JSON. For each notebook it
starts two processes, the one that runs it and its judge, and never runs a notebook's code itself. Where
processes can be forked, PyTorch is loaded once for all of them.
"""

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

from nbutils.exercises.grading import judging, student, wire
from nbutils.words import sentence

MARGIN = 20.0  # seconds beyond a notebook's own, after which its judge is taken to hang


def serve(method: str) -> None:
    """Answer requests until there are no more. method: how processes are started, "fork" or "spawn"."""
    context = multiprocessing.get_context(method)
    for line in sys.stdin:
        for told in graded(json.loads(line), context):
            print(json.dumps(told), flush=True)
        print("null", flush=True)


def graded(request: dict, context) -> Iterator[list[str]]:
    """Marks of a notebook, as they are found: [exercise, state, words]."""
    request["end"] = time.time() + request["seconds"]
    state = judging.asdict(judging.Known())
    while state is not None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            state = yield from _judged(request, state, context, folder)


def _judged(request: dict, state: dict, context, folder: str) -> Iterator[list[str]]:
    """Marks up to where the notebook's process is lost. Returns the state to go on with, or None."""
    here, there = context.Pipe()
    runs = context.Process(
        target=student.run_student,
        args=(there, folder, request["hidden"], context.get_start_method() == "fork"),
    )
    runs.start()
    there.close()
    listens, tells = context.Pipe(duplex=False)
    judges = context.Process(target=judging.judge_notebook, args=(request, state, here, tells))
    judges.start()
    here.close()
    tells.close()
    try:
        while True:
            if not listens.poll(max(request["end"] - time.time(), 0) + MARGIN):
                raise EOFError
            told = wire.from_bytes_of_json(listens.recv_bytes())["told"]
            if isinstance(told, dict):
                return told["again"]
            yield told
    except EOFError:
        yield [
            "",
            judging.ERROR,
            sentence("its judge ended early, so exercises without a mark are not judged"),
        ]
        return None
    finally:
        _end(runs, its_own=True)
        _end(judges)
        listens.close()


def _end(process: BaseProcess, its_own: bool = False) -> None:
    """End a process; with ``its_own``, all that it has started, too."""
    if its_own and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
    process.close()


def _stop(*_) -> None:
    raise SystemExit


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    os.environ |= student.ENVIRONMENT
    serve(sys.argv[1])
