"""The sentences in Python code that `nbutils.words.sentence` says, gathered from the code by area.

A catalogue has those of an area, ``sentences/exercises`` say; a unit's place is its module. What it compiles to is a
table from English to the other language, ``nbutils/words/LANGUAGE/sentences/AREA.json``.
"""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from authoring import catalogues
from authoring.catalogues import Unit
from nbutils import text_files
from nbutils.cli import grade, options, pack, sample, train
from nbutils.config import GPTConfig, TrainConfig
from nbutils.exercises.crash_kinds import KINDS
from nbutils.words import FOLDER

PACKAGE = FOLDER.parent
CALL = "sentence"
EXERCISES, REST = "sentences/exercises", "sentences/package"
NAMES = (EXERCISES, REST)


def _help(kind: type) -> list[str]:
    """What a command says of itself and of its options."""
    return [options.about(kind), *options.helps(kind).values()]


# Modules whose sentences stand in a table, and the sentences.
TABLED = {
    "nbutils.exercises.crash_kinds": [kind.says for kind in KINDS],
    "nbutils.cli.grade": _help(grade.Grade),
    "nbutils.cli.pack": _help(pack.Pack),
    "nbutils.cli.sample": _help(sample.Sample),
    "nbutils.cli.train": _help(train.Train),
    "nbutils.text_files": [*text_files.OTHERS.values()],
    "nbutils.config": [
        text for kind in (TrainConfig, GPTConfig) for text in options.helps(kind).values()
    ],
}
# Functions that say a sentence for who calls them: which argument it is, by its place and its name.
SAID_FOR = {
    "whole": (4, "or_none"),
    "finite": (4, "or_none"),
    "of_type": (3, "remedy"),
    "_rule": (9, "like"),
}


class NotLiteral(ValueError):
    """A call whose sentence can't be read from the code."""


def units(name: str) -> list[Unit]:
    """What a catalogue of `NAMES` has to say, each sentence of a module once."""
    return [
        *dict.fromkeys(
            Unit(module, says) for module, file in modules(name) for says in of_module(module, file)
        )
    ]


def modules(name: str) -> Iterator[tuple[str, Path]]:
    """The modules of an area, with their files."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        of_exercises = parts[:2] == ("nbutils", "exercises")
        if of_exercises == (name == EXERCISES) and "problems" not in parts:
            yield ".".join(part for part in parts if part != "__init__"), file


def of_module(module: str, file: Path) -> Iterator[str]:
    yield from TABLED.get(module, ())
    if file == FOLDER / "__init__.py":
        return
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            for said in said_by(node):
                yield from _literals(said, module)


def said_by(call: ast.Call) -> Iterator[ast.expr]:
    """The sentence that a call says, if it is one of `sentence`, or has one said; one that is said already is none."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if isinstance(call.func, ast.Name) and name == CALL:
        yield call.args[0]
    elif name in SAID_FOR:
        place, keyword = SAID_FOR[name]
        said = [each.value for each in call.keywords if each.arg == keyword]
        yield from (
            each
            for each in (*call.args[place : place + 1], *said)
            if not isinstance(each, ast.Call)
        )


def _literals(said: ast.expr, module: str) -> Iterator[str]:
    """The sentence that stands there, or the two of a choice. Raises `NotLiteral` if it is computed."""
    if isinstance(said, ast.IfExp):
        yield from _literals(said.body, module)
        yield from _literals(said.orelse, module)
    elif isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.Name) and said.id.isupper():
        yield getattr(importlib.import_module(module), said.id)
    elif module not in TABLED_BY:
        raise NotLiteral(
            f"{module}, line {said.lineno}: sentence({ast.unparse(said)}) must have a literal or a constant"
        )


# Modules that say what others have in their tables.
TABLED_BY = {
    "nbutils.arguments": "its callers",
    "nbutils.cli.options": "the commands",
    "nbutils.config": "_rule",
    "nbutils.exercises.crashes": "nbutils.exercises.crash_kinds",
    "nbutils.text_files": "OTHERS",
}


def apart(sentence: str) -> str:
    """The sentence with a blank behind a place-holder in code, which would look like a role of Markdown."""
    return re.sub(r"(\{\w+\})`", r"\1 `", sentence)


def table(language: str, name: str) -> Mapping[str, str]:
    """English to that language, of an area."""
    told = catalogues.said(catalogues.load(catalogues.path(language, name)))
    return {unit.says: told[unit] for unit in units(name) if unit in told}
