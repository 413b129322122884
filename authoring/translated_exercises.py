"""What the exercises of a chapter say: `nbutils/exercises/problems`, told by the modules themselves.

A unit's place is the exercise's name and what it is: its title, its statement, the docstring that a student sees, a
hint, why it is so, a mistake's sentence, a case. What a catalogue compiles to is a table,
``nbutils/words/LANGUAGE/exercises/CHAPTER.json``: for each exercise and kind, English to the other language.
"""

import inspect
from collections.abc import Iterator
from unicodedata import east_asian_width

from authoring import catalogues, translation_check
from authoring.catalogues import Unit
from nbutils.exercises.exercise import CHAPTERS, Exercise, Inputs, exercise, names

FOLDER = "exercises/"
NAMES = tuple(f"{FOLDER}{chapter}" for chapter in CHAPTERS)
WIDTH = 80  # columns of a docstring, which stands four further in
MARKDOWN = ("statement", "hint", "why")


def units(name: str) -> list[Unit]:
    """What the catalogue of that name has to say, each sentence of an exercise once."""
    chapter = name.removeprefix(FOLDER)
    asked = [exercise(one) for one, of in names().items() if of == chapter]
    return [*dict.fromkeys(unit for one in asked for unit in of_exercise(one))]


def of_exercise(one: Exercise) -> Iterator[Unit]:
    said = {
        "title": [one.title],
        "statement": [one.statement.strip()],
        "docstring": [inspect.getdoc(one.answer)],
        "hint": one.hints,
        "why": [one.why.strip()],
        "wrong": [wrong.says for wrong in one.wrong],
        "case": [case.shows for case in one.cases(Inputs())],
    }
    for kind, texts in said.items():
        yield from (Unit(f"{one.name} {kind}", text) for text in texts)


def table(language: str, name: str) -> dict[str, dict[str, dict[str, str]]]:
    """For each exercise of that chapter and each kind: English to that language."""
    told = catalogues.said(catalogues.load(catalogues.path(language, name)))
    made = {}
    for unit in units(name):
        if unit in told:
            of, _, kind = unit.where.rpartition(" ")
            made.setdefault(of, {}).setdefault(kind, {})[unit.says] = told[unit]
    return made


def unsound(unit: Unit, instead: str) -> Iterator[str]:
    """What is wrong with what is said instead of a unit."""
    markdown = unit.where.rpartition(" ")[2] in MARKDOWN
    yield from translation_check.unsound(unit.says, instead, markdown=markdown)
    yield from () if markdown else translation_check.kept(unit.says, instead)
    if unit.where.endswith(" docstring"):
        yield from (
            f"{columns(line)} columns, where {WIDTH} are allowed: {line!r}"
            for line in instead.splitlines()
            if columns(line) > WIDTH
        )


def columns(line: str) -> int:
    """How wide a line of code is: a letter of Hangul has two columns."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in line)
