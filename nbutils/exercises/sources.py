"""The text of what a student wrote: taken from the notebook with all that it needs, and run again."""

import ast
import builtins
import inspect
import re
import sys
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator

from nbutils.exercises.exercise import compile_function, exercise, names
from nbutils.exercises.record import Entry, Progress, ProgressWarning, load_progress
from nbutils.words import sentence


def source_of(name: str, answer: Callable, right: Callable[[Callable], bool]) -> str:
    """The text of a function, with the imports, values and functions of the notebook that it uses.

    It defines ``name``, whatever the student calls it. "" if the text can't be had, or if what it
    makes alone is not ``right``: a lambda in a call, a function that needs a value without a text.
    """
    found: dict[str, str] = {}
    try:
        _collect(answer.__name__, answer, found)
        if answer.__name__ != name:
            found[""] = f"{name} = {answer.__name__}"
        code = "\n\n".join(found.values()) + "\n"
        return code if right(compile_function(code, name, {})) else ""
    except Exception:  # whatever it is, the text is no use
        return ""


def _collect(name: str, value, found: dict[str, str]) -> None:
    """Add what defines the name, after all that it needs."""
    if name in found:
        return
    if isinstance(value, types.ModuleType):
        found[name] = f"import {value.__name__} as {name}"
    elif _is_defined_in_the_notebook(value):
        found[name] = ""  # a function that calls itself, or two that call each other
        text = textwrap.dedent(inspect.getsource(value)).rstrip()
        for other, needed in _names_used(text, vars(sys.modules["__main__"])):
            _collect(other, needed, found)
        del found[name]
        found[name] = text
    elif module := _module_of(value):
        found[name] = f"from {module} import {value.__name__} as {name}"
    elif text := _literal(value):
        found[name] = f"{name} = {text}"


def _module_of(value) -> str:
    """The shortest name of a module that has this function or class under its own name, or ""."""
    own = getattr(value, "__name__", None)
    if not isinstance(own, str):
        return ""
    modules = [(name, vars(module)) for name, module in list(sys.modules.items()) if module]
    has_it = [name for name, inside in modules if inside.get(own) is value and name != "__main__"]
    return min(has_it, key=len, default="")


def _literal(value) -> str:
    """Python for a plain value; "" for others."""
    if isinstance(value, float):
        return f"float({str(value)!r})"  # "inf" and "nan" have no other text
    if isinstance(value, re.Pattern):
        return f"__import__('re').compile({value.pattern!r}, {value.flags})"
    try:
        return repr(value) if ast.literal_eval(repr(value)) == value else ""
    except (ValueError, SyntaxError):
        return ""


def _is_defined_in_the_notebook(value) -> bool:
    return isinstance(value, (types.FunctionType, type)) and value.__module__ == "__main__"


def _names_used(text: str, notebook: dict) -> Iterator[tuple]:
    """Names of the notebook that a text uses, in its signature too, with their values."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id in notebook and not hasattr(builtins, node.id):
            yield node.id, notebook[node.id]


def load_answers(progress: Progress | None = None) -> dict[str, Callable]:
    """For each exercise the student's function where it is right, else the course's own."""
    kept = (progress or load_progress()).entries
    return {name: _load_answer(name, kept.get(name)) for name in names()}


def _load_answer(name: str, entry: Entry | None) -> Callable:
    if entry is None or not entry.passed or not entry.code:
        return exercise(name).answer
    try:
        return compile_function(entry.code, name, {})
    except Exception as error:  # the file was edited by hand, or a package is missing here
        warnings.warn(
            sentence(
                "your {name} can't be run here ({error}); the course's own stands in for it",
                name=name,
                error=f"{type(error).__name__}: {error}",
            ),
            ProgressWarning,
            stacklevel=3,
        )
        return exercise(name).answer
