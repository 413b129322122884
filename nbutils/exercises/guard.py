"""Run a student's function so that nothing it does stops the notebook: limits, and errors at a line.

Each call begins with the same random states, with gradients and in float32; the world around the
whole check is `world.as_it_came`'s.
"""

import contextlib
import ctypes
import functools
import inspect
import io
import itertools
import linecache
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from nbutils.exercises.compare import Consumed, is_same
from nbutils.words import sentence

SECONDS = 5.0  # for one call
MEMORY = 4 * 2**30  # bytes that a call may ask for
SHOWN = 10_000  # characters that a call may print
MATERIAL = 10_000  # values of an iterator that are looked at
PATIENCE = (
    3.0  # seconds beyond the limit, after which a call is said to be one that nothing can end
)
_POLL_SECONDS = 0.2  # between two alarms
_LOOK_SECONDS = 0.05  # between two looks of the lookout


class Stopped(BaseException):
    """Raised inside a function that takes too long; not an Exception, so that it isn't caught."""


class _Chased(Stopped):
    """A `Stopped` that comes again wherever it is caught, until the chase is called off.

    While the chase is on, ``__init__`` is a call in C that raises the next one in the same thread: so a
    bare ``except`` around a loop's body does not outlive it. Nothing in Python may run in there: it would be
    the first to meet the next one.
    """


_UNCHASED = _Chased.__init__
_raise_in_thread = ctypes.PYFUNCTYPE(None, ctypes.c_ulong, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a value, or an exception and the student's line where it was raised.

    changed: places of the arguments that were others after the call. printed: what it printed.
    """

    value: object = None
    error: BaseException | None = None
    line: str = ""
    changed: tuple[int, ...] = ()
    printed: str = ""

    @property
    def kind(self) -> str:
        return "value" if self.error is None else type(self.error).__name__


def outcome(
    function: Callable,
    args: tuple,
    seconds: float = SECONDS,
    *,
    seed: int = 0,
    show: bool = False,
) -> Outcome:
    """Call the function with copies of the arguments, within limits, with its own random state.

    The value is a copy too, made before anything else is called: a buffer that is used again gives
    nothing away. seed: of all random states. show: whether what it prints is printed.
    """
    given = _copy(args)
    printed = _Printed()
    try:
        with _own_state(seed), contextlib.redirect_stdout(printed), _memory_limit(MEMORY):
            value = within(seconds, lambda: _snapshot(function(*given)), function)
        found = {"value": value}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # exit(), a library's panic: whatever a call may raise
        found = {"error": error, "line": _line_of(error, function)}
    if show and (text := printed.getvalue()):
        print(text, end="")
    changed = tuple(
        i for i, (mine, was) in enumerate(zip(given, args, strict=True)) if not is_same(mine, was)
    )
    return Outcome(**found, changed=changed, printed=printed.getvalue())


class _Printed(io.StringIO):
    """What is printed, up to `SHOWN` characters."""

    def write(self, text: str) -> int:
        left = SHOWN - self.tell()
        if left > 0:
            super().write(text if len(text) <= left else f"{text[:left]}…\n")
        return len(text)


def _snapshot(value):
    """A copy of what a function gave; of an iterator what it gives."""
    if isinstance(value, Iterator) and not isinstance(value, io.IOBase):
        return Consumed(type(value).__name__, list(itertools.islice(value, MATERIAL)))
    try:
        return _copy(value)
    except (RecursionError, TypeError, RuntimeError):  # a list that holds itself, an own class
        return value


def _copy(value):
    """Tensors and containers anew, so that a call in place changes nothing for the next one."""
    if type(value) is torch.Tensor or isinstance(value, torch.nn.Parameter):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, bytearray):
        return bytearray(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # torch.return_types have no such
        return type(value)(*map(_copy, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_copy, value))
    if isinstance(value, dict):
        return _copy_of_a_dict(value)
    return value


def _copy_of_a_dict(value: dict) -> dict:
    copied = {name: _copy(one) for name, one in value.items()}
    if type(value) is dict:
        return copied
    same = value.copy()  # a Counter, a defaultdict
    same.clear()
    same.update(copied)
    return same


@contextlib.contextmanager
def _own_state(seed: int) -> Iterator[None]:
    """Random states of this seed, gradients, and PyTorch's own default dtype, for one call."""
    torch.default_generator.manual_seed(seed)  # a CPU's; torch.manual_seed turns GPUs' too
    np.random.seed(seed)
    random.seed(seed)
    torch.set_default_dtype(torch.float32)
    with torch.enable_grad():
        yield


# --- limits ---------------------------------------------------------------------------------------


@dataclass
class _Watch:
    """One call that is watched. over: nothing more is raised in its thread; told: that it hangs was said."""

    thread: int
    seconds: float
    function: Callable
    by_alarm: bool
    since: float = field(default_factory=time.monotonic)
    sending: threading.Lock = field(default_factory=threading.Lock)
    waits: float = 0.0  # seconds beyond the limit, after which it is called the next time
    over: bool = False
    told: bool = False


_WATCHES: list[_Watch] = []  # calls that run now
_LOOKOUT: list[threading.Thread] = []  # the thread that looks at them, while there are any


def within(seconds: float, call: Callable, function: Callable):
    """What the call gives; raises Stopped when the time is over, however often it is caught inside.

    In the main thread an alarm rings, which wakes what sleeps or waits, and needs no other thread to come to
    its turn; elsewhere, and on Windows, the lookout calls. ``function`` is the one that is told to hang.
    """
    thread, value, raised = threading.get_ident(), None, None
    by_alarm = thread == threading.main_thread().ident and hasattr(signal, "setitimer")
    watch = _Watch(thread, seconds, function, by_alarm)
    _WATCHES.append(watch)
    if not any(one.is_alive() for one in _LOOKOUT):
        _LOOKOUT[:] = [threading.Thread(target=_look_out, daemon=True)]
        _LOOKOUT[0].start()
    before = _set_alarm(watch) if by_alarm else None
    try:
        value = call()
        watch.over = True
    except BaseException as error:
        watch.over = True  # first, and by no call: nothing is sent from here on
        _Chased.__init__ = _UNCHASED
        raised = error
    try:  # one more may have been sent before
        _end_watch(watch, before)
    except Stopped as late:
        _Chased.__init__ = _UNCHASED
        raised = raised or late
    _end_watch(watch, before)
    if isinstance(raised, Stopped):
        late = sentence("no answer after {seconds} seconds", seconds=f"{seconds:g}")
        raise Stopped(late).with_traceback(raised.__traceback__)
    if raised is not None:
        raise raised
    return value


def _end_watch(watch: _Watch, before: tuple | None) -> None:
    """End the watch, and hear what it sent too late, which must not meet the code that comes after.

    Nothing is taken back: where nothing is left to take, Python 3.11 looks for it for ever.
    """
    if watch.by_alarm:
        signal.setitimer(signal.ITIMER_REAL, 0)
    with watch.sending:  # what the lookout is about to send has been sent then
        if watch in _WATCHES:
            _WATCHES.remove(watch)
    if before is not None:
        _set_back(*before)


def _look_out() -> None:
    """Look at all calls that run, until there have been none for a second."""
    idle = 0
    while idle < 1 / _LOOK_SECONDS:
        time.sleep(_LOOK_SECONDS)
        idle = 0 if _WATCHES else idle + 1
        for watch in list(_WATCHES):
            _look_at(watch)
    _LOOKOUT.clear()
    if _WATCHES:  # one that came meanwhile
        _LOOKOUT.append(threading.current_thread())
        _look_out()


def _look_at(watch: _Watch) -> None:
    """Say at last that nothing helps; where no alarm rings, raise Stopped in its thread again and again."""
    late = time.monotonic() - watch.since - watch.seconds
    if late < 0 or watch.over:
        return
    if not watch.by_alarm and late >= watch.waits:
        watch.waits = 1.5 * late + _POLL_SECONDS  # whoever ends the watch has time to hear it
        if not _may_not_be_cut(sys._current_frames().get(watch.thread)):
            with watch.sending:
                if not watch.over:
                    _Chased.__init__ = functools.partial(_raise_in_thread, watch.thread, _Chased)
                    _raise_in_thread(watch.thread, _Chased)
    if late > PATIENCE and not watch.told:
        watch.told = True
        _tell_that_it_hangs(watch.thread, watch.function)


def _set_alarm(watch: _Watch) -> tuple:
    """Let an alarm ring after its seconds, and again. Returns what there was, for `_set_back`."""

    def ring(signum, frame) -> None:
        if not watch.over and not _may_not_be_cut(frame):
            _Chased.__init__ = functools.partial(_raise_in_thread, watch.thread, _Chased)
            raise _Chased

    handler = signal.signal(signal.SIGALRM, ring) or signal.SIG_DFL
    timer = signal.setitimer(signal.ITIMER_REAL, max(watch.seconds, 1e-3), _POLL_SECONDS)
    return handler, timer, time.monotonic()


def _set_back(handler, timer: tuple[float, float], since: float) -> None:
    """The alarm that there was before, which has waited meanwhile."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)
    left, interval = timer
    if left:
        left = max(left - (time.monotonic() - since), 0.001)
        signal.setitimer(signal.ITIMER_REAL, left, interval)


def _may_not_be_cut(frame) -> bool:
    """Whether this frame imports a module, of which half can't be imported again, or tidies up memory."""
    if frame is not None and frame.f_code.co_name in ("_remove", "__del__"):
        return True
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _tell_that_it_hangs(thread: int, function: Callable) -> None:
    """Say on which line a call hangs that nothing ends: in a library that asks nobody."""
    frame, own = sys._current_frames().get(thread), _file_of(function)
    while frame is not None and not _is_the_students(frame.f_code.co_filename, own):
        frame = frame.f_back
    told = sentence(
        "{function} still runs in {line}. This line calls something that can't be stopped from here: restart "
        "the kernel (in the menu: Kernel, Restart; on Colab: Runtime, Restart session), and change that line."
        if frame
        else "{function} still runs. This line calls something that can't be stopped from here: restart the "
        "kernel (in the menu: Kernel, Restart; on Colab: Runtime, Restart session), and change that line.",
        function=getattr(function, "__name__", sentence("your function")),
        line=_in_words(frame.f_code.co_filename, frame.f_lineno) if frame else "",
    )
    print(told, file=sys.stderr, flush=True)


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


# --- the student's line ---------------------------------------------------------------------------


def _line_of(error: BaseException, function: Callable) -> str:
    """The student's line where it was raised, with its number in the cell; "" if it has none.

    An error that comes from another process brings it along, as ``student_line``.
    """
    if brought := getattr(error, "student_line", ""):
        return brought
    own = _file_of(function)
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if _is_the_students(f.filename, own)
    ]
    return _in_words(frames[-1].filename, frames[-1].lineno) if frames else ""


def _in_words(file: str, number: int) -> str:
    code = linecache.getline(file, number).strip()
    return sentence("line {number}: {code}", number=number, code=code)


def _file_of(function: Callable) -> str:
    return function.__code__.co_filename if inspect.isfunction(function) else ""


def _is_the_students(file: str, own: str) -> bool:
    """Is that file a notebook's cell, or the one in which the answer stands?"""
    return file == own or "ipykernel_" in file or file.startswith("<ipython-input")
