"""Where files are kept between runs, and how they are never half written."""

import glob
import os
import re
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbutils.words import sentence

try:
    import fcntl
except ImportError:  # Windows: leftovers stay, since nothing tells whose they are
    fcntl = None


@contextmanager
def written_aside(
    path: str | os.PathLike, before: str | os.PathLike | None = None
) -> Iterator[Path]:
    """Give a new name beside ``path`` to write to; without an error it then becomes ``path``.

    A kill, a power cut or a full disk leaves the old file or the new one, never half of one, and
    two processes that write the same file do not meet. What killed ones left beside it is
    removed. The folder must exist. Raises ``FileExistsError`` where a folder, a device or a pipe has
    that name: none is replaced by a file.

    ``before``: a second name, under which the file that is replaced is kept.
    """
    path = expanded(path)
    check_name(path)
    if path.exists() and not path.is_file():
        raise FileExistsError(
            sentence("{path} is no file that could be replaced: give another name", path=path)
        )
    with _private_folder(path) as folder:
        aside = folder / path.name
        yield aside
        flush(aside)
        if before is not None and path.exists():
            _hard_link(path, Path(before))
        os.replace(aside, path)
        with suppress(OSError):  # Windows, and some network drives, flush no folder
            flush(path.parent)


def save_tensors(tensors: dict, path: str | os.PathLike, metadata: dict[str, str]) -> None:
    """Write a safetensors file.

    Raises ``OSError`` where the library has an error of its own, which has no number and is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        number = int(number[1]) if number else 0
        raise OSError(number, os.strerror(number) if number else str(error)) from error


def check_name(path: str | os.PathLike) -> None:
    """Raise ``ValueError`` for a path with bytes that are no text: safetensors can't read from there."""
    if "\0" in os.fspath(path):
        raise ValueError(
            sentence(
                "{path} has a character 0, which no name may have: take it out",
                path=repr(os.fspath(path)),
            )
        )
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            sentence(
                "{path} has a name that is not valid Unicode, as one made under another code page: no "
                "weights can be read from there; rename it, or choose another folder",
                path=path,
            )
        ) from error


def remove_leftovers(path: str | os.PathLike) -> None:
    """Remove what killed processes left of `written_aside` to ``path``; living ones keep theirs."""
    for folder in Path(path).parent.glob(f"{glob.escape(Path(path).name)}.*.part"):
        lock = _lock(folder, wait=False)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


@contextmanager
def _private_folder(path: Path) -> Iterator[Path]:
    """A folder beside ``path``, gone afterwards: libraries too put what they need beside a file."""
    remove_leftovers(path)
    folder, lock = _create_locked(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _create_locked(path: Path) -> tuple[Path, int | None]:
    """A new folder beside ``path``, and the lock on it."""
    while True:
        folder = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        folder.mkdir()
        lock = _lock(folder, wait=True)
        if folder.exists():  # else another process took it, not locked yet, for a leftover
            return folder, lock


def _lock(folder: Path, wait: bool) -> int | None:
    """An open folder that is locked until it is closed or the process ends.

    None if another holds it and it is not to wait, or the system has no such locks.
    """
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def flush(path: Path) -> None:
    """Wait until the disk has the file's or the folder's content."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hard_link(path: Path, other: Path) -> None:
    """Give a file a second name; where the file system can't, it loses its first."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        os.replace(path, other)


def expanded(path: str | os.PathLike) -> Path:
    """The path with a "~" at its beginning as the home folder, and "~ada" as hers, if there is an ada.

    Raises ``ValueError`` where there is no home folder.
    """
    whole = os.path.expanduser(path)
    if re.match(r"~(?=[/\\]|$)", whole):
        raise ValueError(
            sentence("there is no home folder for the ~ in {path}: give the whole path", path=whole)
        )
    return Path(whole)


def quoted(path: str | os.PathLike) -> str:
    """The path as a word of a command that is printed to be copied into a shell.

    One that begins like an option gets "./" before it; one with a "~" that is no home folder is whole.
    """
    text = os.fspath(path)
    if text.startswith("-"):
        text = os.path.join(os.curdir, text)
    elif text.startswith("~"):
        text = os.path.abspath(text)
    if os.name == "nt":  # where a name has no double quote
        return text if re.fullmatch(r"[\w.:\\/-]+", text) else f'"{text}"'
    return shlex.quote(text)


def cache_folder() -> Path:
    """Where the course keeps what it made once: ``NBUTILS_CACHE``, else ``~/.cache/nbutils``.

    Raises ``RuntimeError`` on a system without a home folder.
    """
    try:
        chosen = os.environ.get("NBUTILS_CACHE")
        return expanded(chosen or "~/.cache/nbutils").absolute()
    except ValueError as error:
        raise RuntimeError(
            sentence(
                "there is no home folder to keep files in: set NBUTILS_CACHE to a folder that can be written"
            )
        ) from error
