"""Keep the translations: ``python -m authoring.translations update``, ``check`` or ``compile``.

Names of catalogues behind ``update`` and ``check`` are for a few of them.

``update`` brings the catalogues up to what is said in English now: new words wait for theirs, changed ones are
marked fuzzy. ``check`` says what is missing, stale or unsound, and exits with 1 where anything is.
``compile`` writes the tables of words that the package reads, `nbutils/words/LANGUAGE`.
"""

import argparse
import json
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from authoring import (
    catalogues,
    exercise_pages,
    lexicon,
    translated_exercises,
    translated_pages,
    translated_sentences,
    translated_words,
)
from authoring.catalogues import Unit
from authoring.site import ROOT, toc_pages
from authoring.translation_check import kept, unsound
from tools.fork import online, repository

LANGUAGES = ("ko",)
GLOSSARY = "book/glossary"
LECTURE = "lecture"  # the table of book/lecture.json, on the page of that name
TITLE = "title"
LINK = re.compile(r"\]\(((?!\w+:)[\w./-]+)\.(?:md|ipynb)\b")  # to a page, up to its ending
FRAME = "frame"  # the catalogue of what stands around the pages
SEEN = ("author", "copyright")  # of the settings; the title is the same everywhere


def finished(language: str) -> list[str]:
    """The pages that are translated whole."""
    return (catalogues.ROOT / language / "finished.txt").read_text("utf-8").split()


def pages() -> list[str]:
    """The pages that have a catalogue, as the table of contents names them."""
    return toc_pages()


def names() -> list[str]:
    """All catalogues."""
    package = translated_words.NAMES + translated_sentences.NAMES + translated_exercises.NAMES
    return [FRAME, LECTURE, lexicon.CATALOGUE, *pages(), *package]


def source(page: str) -> Path:
    """The page's file."""
    return next(file for end in (".ipynb", ".md") if (file := ROOT / f"{page}{end}").exists())


def framed() -> list[Unit]:
    """What the table of contents and the settings say."""
    contents, made = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")), settings("en")
    said = [part["caption"] for part in contents["parts"]] + [made[key] for key in SEEN]
    return [Unit("", words) for words in said]


def settings(language: str) -> dict:
    """The book's settings, with what a reader sees of them in that language."""
    made = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    if language != "en":
        say = speaker(language, FRAME)
        made |= {key: say(Unit("", made[key])) for key in SEEN}
    return made


def claims(table: dict) -> Iterator[tuple[dict, str, Unit]]:
    """What the lecture's table says: the part of it that says something, under which key, and the unit."""
    for part in [*table["lecture"], *table["companions"]]:
        yield part, "title", Unit(TITLE, part["title"])
        for row in part["rows"]:
            yield from ((row, key, Unit(key, row[key])) for key in ("claim", "note") if key in row)


def lecture() -> dict:
    return json.loads((ROOT / "book" / "lecture.json").read_text("utf-8"))


def units(name: str) -> list[Unit]:
    """What a catalogue of that name has to say."""
    if name == FRAME:
        return framed()
    if name == LECTURE:
        return [unit for _, _, unit in claims(lecture())]
    if name == lexicon.CATALOGUE:
        return lexicon.units()
    if name in translated_words.NAMES:
        return translated_words.units(name)
    if name in translated_exercises.NAMES:
        return translated_exercises.units(name)
    if name in translated_sentences.NAMES:
        return translated_sentences.units(name)
    if name.startswith(exercise_pages.FOLDER):
        return [*exercise_pages.own_units(name, json.loads(source(name).read_text("utf-8")))]
    return [*translated_pages.units(source(name))]


class Untranslated(ValueError):
    """A finished page that says something for which there are no words."""


def translated(language: str, page: str) -> str:
    """The page's file in that language."""
    file, say = source(page), speaker(language, page)
    text = file.read_text("utf-8")
    if file.suffix == ".md":
        return translated_pages.markdown_in(text, say)
    if page.startswith(exercise_pages.FOLDER):
        made = exercise_pages.notebook_in(page, json.loads(text), language, say)
    else:
        made = translated_pages.notebook_in(json.loads(text), say)
    return json.dumps(made, ensure_ascii=False, indent=1)


def speaker(language: str, name: str) -> translated_pages.Say:
    """What a catalogue says. Where it has no words, the English has changed, and `Untranslated` says where."""
    words = catalogues.said(catalogues.load(catalogues.path(language, name)))

    def say(unit: Unit) -> str:
        if unit not in words:
            raise Untranslated(
                f"{name} is finished in {language!r}, and has no words at {unit.where!r} for {unit.says[:60]!r}: "
                f"python -m authoring.translations update {name}, then write them"
            )
        return words[unit]

    return say


def for_colab(language: str, page: str) -> str:
    """The notebook as Colab opens it: without outputs, and `nbutils` speaks that language in it.

    Links to what is no notebook of that language lead to the online book's page in it.
    """
    made = json.loads(translated(language, page))
    for cell in made["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = [online_links(language, page, line) for line in cell["source"]]
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if cell["id"] == "setup":
            *before, last = cell["source"]
            cell["source"] = [*before, f'import nbutils; nbutils.language("{language}")\n', last]
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def online_links(language: str, page: str, text: str) -> str:
    """The text of a page with the addresses of the online book where no notebook of that language stands."""

    def instead(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), found[1]))
        if target in finished(language) and source(target).suffix == ".ipynb":
            return found[0]
        return f"]({online(repository())}{language}/{target}.html"

    return LINK.sub(instead, text)


def colab_file(language: str, page: str) -> Path:
    return catalogues.path(language, page).with_suffix(".ipynb")


def update(language: str, name: str) -> None:
    file = catalogues.path(language, name)
    catalogues.store(catalogues.update(catalogues.load(file), units(name)), file)


def compiled(language: str) -> None:
    """Write what is made from the catalogues and committed: tables of words, and notebooks for Colab."""
    translated_words.store(language)
    for page in finished(language):
        if source(page).suffix == ".ipynb":
            colab_file(language, page).write_text(for_colab(language, page), "utf-8")


def problems(language: str, name: str) -> Iterator[str]:
    """What is missing, stale or unsound in a catalogue."""
    told = {
        Unit(one.context or "", one.id): one
        for one in catalogues.load(catalogues.path(language, name))
        if one.id
    }
    for number, unit in enumerate(dict.fromkeys(units(name))):
        place, message = f"{name} [{number}] {unit.where}", told.pop(unit, None)
        if message is None or not message.string:
            yield f"{place}: no translation of {unit.says[:60]!r}"
        elif message.fuzzy:
            yield f"{place}: the English has changed since"
        else:
            for what in unsound_unit(name, unit, message.string):
                yield f"{place}: {what}"
    for unit in told:
        yield f"{name} {unit.where}: nothing says {unit.says[:60]!r} any more"


def unsound_unit(name: str, unit: Unit, instead: str) -> Iterator[str]:
    """What is wrong with what a catalogue says instead of a unit."""
    if name in translated_words.NAMES:
        yield from translated_words.unsound(name, unit.says, instead)
        return
    if name in translated_sentences.NAMES:
        english, instead = map(translated_sentences.apart, (unit.says, instead))
        yield from unsound(english, instead, markdown=False)
        yield from kept(english, instead)
        return
    if name in translated_exercises.NAMES:
        yield from translated_exercises.unsound(unit, instead)
        return
    plain = unit.where.endswith((translated_pages.ALT, translated_pages.CODE))
    plain = plain or name == lexicon.CATALOGUE
    entry = name == GLOSSARY and "\n  " in unit.says
    yield from unsound(unit.says, instead, markdown=not plain, entry=entry)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("update", "check", "compile"))
    parser.add_argument("names", nargs="*")
    options, wrong = parser.parse_args(arguments), 0
    for language in LANGUAGES:
        if options.what == "compile":
            compiled(language)
            continue
        for name in options.names or names():
            if options.what == "update":
                update(language, name)
            else:
                for problem in problems(language, name):
                    print(problem)
                    wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
