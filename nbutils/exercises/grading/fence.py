"""What a notebook's code may not do while it is graded, by Python's audit hooks.

It may not read the exercises' answers, write outside of its own folder, start programs or end other
processes. A hook can't be taken away again, but it is Python: who tries hard gets around it, and
code in C is not asked. So this is a fence, which says what is barred; the wall behind it is `landlock`, where
there is one.
"""

import functools
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

ANSWERS = Path(__file__).parents[1] / "problems"
NO_ANSWERS = "the course's answers can't be read while a notebook is graded"
NO_FILE = "while a notebook is graded, it may write in its own folder only"
NO_FOLDER = "while a notebook is graded, no folder but its own can be opened as a file"
NO_PROGRAM = "while a notebook is graded, it may neither start programs nor end processes"
PROGRAMS = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "subprocess.Popen",
    "pty.spawn",
    "os.kill",
    "os.killpg",
    "resource.prlimit",
}
LOOKS = {"os.listdir", "os.scandir", "os.chdir"}  # of one folder
CHANGES = {  # which of their arguments are paths
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def close(folder: str) -> None:
    """Put the fence around this process, for good: it may write below ``folder``."""
    barred = frozenset(_identity(path) for path in (ANSWERS, *ANSWERS.rglob("*")))
    sys.addaudithook(_hook(_checks(os.path.realpath(folder) + os.sep, barred)))


def _identity(path) -> tuple[int, int]:
    """Of a file or folder, whatever it is called and however one gets there."""
    info = os.stat(path)
    return info.st_dev, info.st_ino


def _hook(checks: dict[str, Callable]) -> Callable:
    find = checks.get

    def hook(event: str, args: tuple) -> None:
        if check := find(event):
            check(args)

    return hook


def _checks(own: str, barred: frozenset) -> dict[str, Callable]:
    """What is asked at each event; each raises PermissionError.

    What they use is taken now: code that replaces os.stat afterwards does not reach it.
    """
    look, real, is_folder, to_text = os.stat, os.path.realpath, stat.S_ISDIR, os.fsdecode
    nowhere, writing = os.devnull, WRITING

    others = tuple(f"/proc/{number}" for number in range(1, 10))  # memory of processes
    mine = f"/proc/{os.getpid()}/"

    def inside(path) -> bool:
        return path == nowhere or (real(to_text(path)) + os.sep).startswith(own)

    def check_reading(args, folders=False) -> None:
        path = args[0]
        try:
            info = look(path)
        except (OSError, ValueError, TypeError):  # there is none
            return
        if (info.st_dev, info.st_ino) in barred:
            raise PermissionError(NO_ANSWERS)
        if folders and is_folder(info.st_mode) and not inside(path):  # a way to what is below it
            raise PermissionError(NO_FOLDER)

    def check_opening(args) -> None:
        path, _, flags = args
        if isinstance(path, int):
            return
        if flags & writing and not inside(path):
            raise PermissionError(NO_FILE)
        if (whole := real(to_text(path))).startswith(others) and not whole.startswith(mine):
            raise PermissionError(NO_PROGRAM)
        check_reading(args, folders=True)

    def check_change(args, places) -> None:
        if not all(isinstance(args[i], int) or inside(args[i]) for i in places):
            raise PermissionError(NO_FILE)

    return {
        **{event: functools.partial(check_change, places=CHANGES[event]) for event in CHANGES},
        **dict.fromkeys(LOOKS, check_reading),
        **dict.fromkeys(PROGRAMS, _refuse),
        "open": check_opening,
    }


def _refuse(_) -> None:
    raise PermissionError(NO_PROGRAM)
