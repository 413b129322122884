"""Where files are kept between runs, and how they are never half written."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[Path]:
    """Give a new name beside ``path`` to write to; without an error it then becomes ``path``.

    A crash or a full disk leaves the old file or the new one, never half of one, and two
    processes that write the same file do not meet. The folder must exist.
    """
    path = Path(path)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where the course keeps what it made once: ``NBUTILS_CACHE``, else ``~/.cache/nbutils``.

    Raises ``RuntimeError`` on a system without a home folder.
    """
    chosen = os.environ.get("NBUTILS_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "nbutils"
