"""What the exercises of a chapter say: `nbutils/exercises/problems`, told by the modules themselves.

A unit's place is the exercise's name and what it is: its title, its statement, the docstring that a student sees, a
hint, why it is so, a mistake's sentence, a case.
"""

import inspect
from collections.abc import Iterator

from authoring.catalogues import Unit
from nbutils.exercises.exercise import CHAPTERS, Exercise, Inputs, exercise, names

FOLDER = "exercises/"
NAMES = tuple(f"{FOLDER}{chapter}" for chapter in CHAPTERS)
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


def is_markdown(unit: Unit) -> bool:
    return unit.where.rpartition(" ")[2] in MARKDOWN
