"""What a notebook's code may not do while it is graded, by Linux itself: its Landlock (5.13 and newer).

A process gives up rights, for good and for all that it starts. No code gets past that, in C or in Python: so
here the `fence` is as good as a wall. (https://docs.kernel.org/userspace-api/landlock.html)
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on all processors
NO_NEW_PRIVILEGES = 38
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
WRITE_FILE, RENAME_ELSEWHERE, TRUNCATE = 1 << 1, 1 << 13, 1 << 14
RIGHTS = {1: (1 << 13) - 1, 2: RENAME_ELSEWHERE, 3: TRUNCATE}  # by the version that has them first
RUN = 1 << 0
SIGNALS = 1 << 1  # to processes that have more rights
SHARED_MEMORY = "/dev/shm"  # nosec B108 - of multiprocessing


def restrict(own: str, hidden: Iterable[str]) -> bool:
    """Give up what a notebook doesn't need. Returns False where the system can't do that.

    Afterwards this process writes in ``own`` only, reads no file in the folders ``hidden``, starts no
    programs, and (from Linux 6.12 on) sends signals to nobody but what it has started.
    """
    if sys.platform != "linux" or (version := _version()) < 1:
        return False
    rights = sum(right for since, right in RIGHTS.items() if since <= version)
    asked = struct.pack("QQQ", rights, 0, SIGNALS)[: 24 if version >= 6 else 8]
    rules = _call(CREATE, asked, len(asked), 0)
    if rules < 0:
        return False
    everything = rights & ~RUN
    in_files = everything & (READ_FILE | WRITE_FILE | TRUNCATE)
    try:
        _allow(rules, "/", READ_FOLDER)
        for path in _all_but({os.path.realpath(one) for one in hidden}, "/"):
            _allow(rules, path, READ_FILE)
        _allow(rules, own, everything)
        _allow(rules, SHARED_MEMORY, everything)
        _allow(rules, os.devnull, in_files)
        ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return _call(RESTRICT, rules, 0) == 0
    finally:
        os.close(rules)


def _version() -> int:
    """Of Landlock; -1 where there is none."""
    return _call(CREATE, None, 0, 1)


def _call(*args) -> int:
    return ctypes.CDLL(None).syscall(*args)


def _all_but(hidden: set[str], folder: str) -> Iterator[str]:
    """The largest folders, and files, that together hold everything but what is in ``hidden``."""
    if not any((one + os.sep).startswith(os.path.join(folder, "")) for one in hidden):
        yield folder
        return
    if folder in hidden:
        return
    try:
        inside = [one.path for one in os.scandir(folder) if not one.is_symlink()]
    except OSError:  # not for us to read
        return
    for path in inside:
        yield from _all_but(hidden, path)


def _allow(rules: int, path: str, rights: int) -> None:
    """Keep these rights for a file, or a folder with all that is in it; if it is there."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        _call(ADD, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
