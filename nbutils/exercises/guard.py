"""Run a student's function so that nothing it does stops the notebook: limits, and errors at a line."""

import contextlib
import ctypes
import inspect
import linecache
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

SECONDS = 5.0  # for one call
MEMORY = 4 * 2**30  # bytes that a call may ask for
_POLL_SECONDS = 0.05  # between two looks of the watch


class Stopped(BaseException):
    """Raised inside a function that takes too long; not an Exception, so that it isn't caught."""


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a value, or an exception and the student's line where it was raised."""

    value: object = None
    error: BaseException | None = None
    line: str = ""

    @property
    def kind(self) -> str:
        return "value" if self.error is None else type(self.error).__name__


def outcome(function: Callable, args: tuple, seconds: float = SECONDS) -> Outcome:
    """Call the function with copies of the arguments, within limits, with its own random state."""
    given = _copy(args)
    try:
        with torch.random.fork_rng(devices=[]), _memory_limit(MEMORY), _time_limit(seconds):
            torch.default_generator.manual_seed(0)  # a CPU's; torch.manual_seed turns GPUs' too
            return Outcome(function(*given))
    except (Stopped, SystemExit, Exception) as error:  # not Ctrl-C
        return Outcome(error=error, line=_line_of(error, function))


def _copy(value):
    """Tensors and containers anew, so that a call in place changes nothing for the next one."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_copy, value))
    if isinstance(value, dict):
        return {name: _copy(one) for name, one in value.items()}
    return value


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise Stopped in this thread when the time is over, again and again until it is heard."""
    thread, done = threading.get_ident(), threading.Event()

    def watch():
        wait, poll = seconds, _POLL_SECONDS
        while not done.wait(wait):
            wait = poll
            if _importing(thread):  # half a module can't be imported again
                continue
            poll *= 2  # whoever ends the watch has time to hear what comes meanwhile
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(Stopped)
            )

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        try:
            watcher.start()
            yield
        finally:
            done.set()
            watcher.join()
    except Stopped as stop:
        _end_watch(watcher, done)
        told = Stopped(f"no answer after {seconds:g} seconds")
        raise told.with_traceback(stop.__traceback__) from None


def _end_watch(watcher: threading.Thread, done: threading.Event) -> None:
    """End the watch and hear what it sent too late, which must not meet the code that comes after.

    Nothing is taken back: where nothing is left to take, Python 3.11 looks for it for ever.
    """
    while True:
        try:
            done.set()
            watcher.join()
            return
        except Stopped:
            continue


def _importing(thread: int) -> bool:
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _memory_limit(size: int) -> Iterator[None]:
    """Refuse memory beyond what is in use and ``size`` bytes: on Linux, so on Colab too."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + size if hard == resource.RLIM_INFINITY else min(used + size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _line_of(error: BaseException, function: Callable) -> str:
    """The student's line where it was raised, with its number in the cell; "" if it has none."""
    own = function.__code__.co_filename if inspect.isfunction(function) else ""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if _is_the_students(f.filename, own)
    ]
    if not frames:
        return ""
    text = frames[-1].line or linecache.getline(frames[-1].filename, frames[-1].lineno).strip()
    return f"line {frames[-1].lineno}: {text}"


def _is_the_students(file: str, own: str) -> bool:
    """Is that file a notebook's cell, or the one in which the answer stands?"""
    return file == own or "ipykernel_" in file or file.startswith("<ipython-input")
