"""What a student has done: a small file, and the code that it keeps to become the model."""

import ast
import builtins
import datetime
import inspect
import json
import os
import re
import sys
import textwrap
import types
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbutils.exercises.exercise import compiled, exercise, names
from nbutils.files import written_aside

FILE = "next_token_progress.json"
DRIVE = Path("/content/drive/MyDrive")  # Google Drive on Colab, if it is mounted
VERSION = 1


class ProgressWarning(UserWarning):
    """The progress file could not be read or written as it should be."""


@dataclass
class Entry:
    """What is known of one exercise. code: the last right answer, and all that it needs."""

    tries: int = 0
    hints: int = 0
    passed: str = ""  # when, as an ISO date and time
    solution: str = ""  # when it was shown
    code: str = ""
    says: str = ""  # of the last verdict
    unfit: str = ""  # why the right answer can't be used in a network


@dataclass
class Progress:
    """All entries of a file, by exercise."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    def of(self, name: str) -> Entry:
        return self.entries.setdefault(name, Entry())


def progress_file() -> Path:
    """Where the file is: NBUTILS_PROGRESS, else in a mounted Drive, else in the working folder."""
    chosen = os.environ.get("NBUTILS_PROGRESS")
    if chosen:
        return Path(chosen).expanduser()
    return (DRIVE if DRIVE.is_dir() else Path.cwd()) / FILE


def load_progress(path: Path | None = None) -> Progress:
    """The progress in a file. One that can't be understood is set aside, with a warning."""
    path = path or progress_file()
    if not path.exists():
        return Progress(path)
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["version"] > VERSION:
            raise ValueError(
                f"it is of version {content['version']}, and this nbutils reads {VERSION}"
            )
        return Progress(
            path, {name: Entry(**entry) for name, entry in content["exercises"].items()}
        )
    except OSError as error:
        warnings.warn(
            f"{path} can't be read ({error}): what was done before is not known here. Set "
            "NBUTILS_PROGRESS to a file that can be read and written.",
            ProgressWarning,
            stacklevel=3,
        )
        return Progress(path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = _unused(path)
        path.rename(aside)
        warnings.warn(
            f"{path} can't be read ({error}). It is kept as {aside.name}; a new one is begun.",
            ProgressWarning,
            stacklevel=3,
        )
        return Progress(path)


def _unused(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}.json")).exists():
        number += 1
    return aside


def store_progress(progress: Progress) -> None:
    """Store it; a killed kernel or a full disk leaves the old file whole."""
    content = {
        "version": VERSION,
        "exercises": {name: asdict(entry) for name, entry in progress.entries.items()},
    }
    try:
        with written_aside(progress.path) as aside:
            aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        warnings.warn(
            f"{progress.path} can't be written ({error}): what you have done now is lost when the "
            "notebook is closed. Set NBUTILS_PROGRESS to a file that can be written.",
            ProgressWarning,
            stacklevel=3,
        )


def now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


# --- the student's code ---------------------------------------------------------------------------


def code_of(name: str, answer: Callable, right: Callable[[Callable], bool]) -> str:
    """The text of a function, with the imports, values and functions of the notebook that it uses.

    It defines ``name``, whatever the student calls it. "" if the text can't be had, or if what it
    makes alone is not ``right``: a lambda in a call, a function that needs a value without a text.
    """
    found: dict[str, str] = {}
    try:
        _gather(answer.__name__, answer, found)
        if answer.__name__ != name:
            found[""] = f"{name} = {answer.__name__}"
        code = "\n\n".join(found.values()) + "\n"
        return code if right(compiled(code, name, {})) else ""
    except Exception:  # whatever it is, the text is no use
        return ""


def _gather(name: str, value, found: dict[str, str]) -> None:
    """Add what defines the name, after all that it needs."""
    if name in found:
        return
    if isinstance(value, types.ModuleType):
        found[name] = f"import {value.__name__} as {name}"
    elif _of_the_notebook(value):
        found[name] = ""  # a function that calls itself, or two that call each other
        text = textwrap.dedent(inspect.getsource(value)).rstrip()
        for other, needed in _used(text, vars(sys.modules["__main__"])):
            _gather(other, needed, found)
        del found[name]
        found[name] = text
    elif home := _home(value):
        found[name] = f"from {home} import {value.__name__} as {name}"
    elif text := _as_text(value):
        found[name] = f"{name} = {text}"


def _home(value) -> str:
    """The shortest name of a module that has this function or class under its own name, or ""."""
    own = getattr(value, "__name__", None)
    if not isinstance(own, str):
        return ""
    modules = [(name, vars(module)) for name, module in list(sys.modules.items()) if module]
    has_it = [name for name, inside in modules if inside.get(own) is value and name != "__main__"]
    return min(has_it, key=len, default="")


def _as_text(value) -> str:
    """Python for a plain value; "" for others."""
    if isinstance(value, float):
        return f"float({str(value)!r})"  # "inf" and "nan" have no other text
    if isinstance(value, re.Pattern):
        return f"__import__('re').compile({value.pattern!r}, {value.flags})"
    try:
        return repr(value) if ast.literal_eval(repr(value)) == value else ""
    except (ValueError, SyntaxError):
        return ""


def _of_the_notebook(value) -> bool:
    return isinstance(value, (types.FunctionType, type)) and value.__module__ == "__main__"


def _used(text: str, notebook: dict):
    """Names of the notebook that a text uses, in its signature too, with their values."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id in notebook and not hasattr(builtins, node.id):
            yield node.id, notebook[node.id]


def answers(progress: Progress | None = None) -> dict[str, Callable]:
    """For each exercise the student's function where it is right, else the course's own."""
    kept = (progress or load_progress()).entries
    return {name: _answer(name, kept.get(name)) for name in names()}


def _answer(name: str, entry: Entry | None) -> Callable:
    if entry is None or not entry.passed or not entry.code:
        return exercise(name).answer
    try:
        return compiled(entry.code, name, {})
    except Exception as error:  # the file was edited by hand, or a package is missing here
        warnings.warn(
            f"your {name} can't be run here ({type(error).__name__}: {error}); the course's own "
            "stands in for it",
            ProgressWarning,
            stacklevel=3,
        )
        return exercise(name).answer
