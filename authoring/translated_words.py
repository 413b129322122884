"""Units of the tables of words, and the tables in another language, made of its catalogues.

A catalogue has the tables of an area of `nbutils/words/en`, ``words/pictures`` say, or what figures have written on
them (``figures``), or what tables of measurements say in their rows (``measured``). `compiled` makes of them, and of
those of sentences and exercises, the tables of `nbutils/words/LANGUAGE` that the package and the book read.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from authoring import (
    catalogues,
    figure_labels,
    measured_words,
    translated_exercises,
    translated_sentences,
    translation_check,
)
from authoring.catalogues import Unit
from authoring.translated_pages import Say
from nbutils.words import FOLDER

AREAS = ("pictures", "panels", "pages", "book")
FIGURES = "figures"
MEASURED = "measured"
# Catalogues of what is stored in English: each is one table, pattern -> pattern.
STORED = {FIGURES: figure_labels.units, MEASURED: measured_words.units}
NAMES = (*(f"words/{area}" for area in AREAS), *STORED)


def units(name: str) -> list[Unit]:
    """What a catalogue of `NAMES` has to say."""
    if name in STORED:
        return STORED[name]()
    return [
        unit
        for table in tables(name)
        for unit in units_of(table.stem, json.loads(table.read_text("utf-8")))
    ]


def tables(name: str) -> list[Path]:
    """The English tables of an area's catalogue."""
    return sorted((FOLDER / "en" / name.removeprefix("words/")).glob("*.json"))


def units_of(where: str, words) -> Iterator[Unit]:
    """The units of a table, or of a part of it; a part with numbers in it is one unit, as JSON."""
    if isinstance(words, str):
        if words:
            yield Unit(where, words)
    elif as_json(words):
        yield Unit(where, dumped(words))
    else:
        for key, one in keyed(words):
            yield from units_of(f"{where}/{key}", one)


def keyed(words: dict | list) -> Iterator[tuple]:
    return iter(words.items() if isinstance(words, dict) else enumerate(words))


def as_json(words: dict | list) -> bool:
    return any(isinstance(one, int | float) for _, one in keyed(words))


def dumped(words: dict | list) -> str:
    return json.dumps(words, ensure_ascii=False)


def translated(where: str, words, say: Say):
    """A table, or a part of it, in another language. say: a unit's words there."""
    if isinstance(words, str):
        return say(Unit(where, words)) if words else ""
    if as_json(words):
        return json.loads(say(Unit(where, dumped(words))))
    made = {key: translated(f"{where}/{key}", one, say) for key, one in keyed(words)}
    return made if isinstance(words, dict) else [*made.values()]


def compiled(language: str) -> dict[Path, str]:
    """The files of `nbutils/words/LANGUAGE`, each whole: a table that lacks words is left out."""
    made = {}
    for name in NAMES:
        told = catalogues.said(catalogues.load(catalogues.path(language, name)))
        if name in STORED:
            made[FOLDER / language / f"{name}.json"] = table_text(figure_labels.table(told))
            continue
        for table in tables(name):
            words = json.loads(table.read_text("utf-8"))
            if all(unit in told for unit in units_of(table.stem, words)):
                file = FOLDER / language / table.relative_to(FOLDER / "en")
                made[file] = table_text(translated(table.stem, words, told.__getitem__))
    for of in (translated_sentences, translated_exercises):
        made |= {
            FOLDER / language / f"{name}.json": table_text(of.table(language, name))
            for name in of.NAMES
        }
    return made


def table_text(table: Mapping) -> str:
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def store(language: str) -> None:
    """Write the tables; those that are whole no more go."""
    made = compiled(language)
    for file in (FOLDER / language).rglob("*.json"):
        if file not in made:
            file.unlink()
    for file, text in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def unsound(name: str, english: str, instead: str) -> Iterator[str]:
    """What is wrong with what is said instead of a unit: a sentence each. What stays as it is is a name, or data."""
    if english.startswith('{"'):
        yield from _unsound_json(english, instead)
    elif instead != english or name not in STORED and " " in english:
        yield from translation_check.unsound(english, instead, markdown=False)
        if name == MEASURED:
            yield from translation_check.kept(english, instead)


def _unsound_json(english: str, instead: str) -> Iterator[str]:
    try:
        made = json.loads(instead)
    except ValueError as error:
        yield f"it is no JSON: {error}"
        return
    if not isinstance(made, type(json.loads(english))) or not as_json(made):
        yield "it is JSON of another kind"
