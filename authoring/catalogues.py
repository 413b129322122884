"""The catalogues of a translation: what a page or an area says, and the same in another language.

A catalogue is a file of gettext, ``translations/LANGUAGE/….po``: each message has what is said in English, what is said
instead, and where (its context: a cell, a key of a table). `update` brings one up to date: where the English has
changed, the old words stay, marked fuzzy, with the English that they were made for. Nothing fuzzy is shown.
"""

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from babel.messages import Catalog, Message
from babel.messages.pofile import read_po, unescape, write_po

ROOT = Path(__file__).parents[1] / "translations"
HEAD = "# How to correct a sentence: CONTRIBUTING.md, under Translations."
# What Babel writes at a catalogue's head and nobody keeps.
UNKEPT = re.compile(
    rb'^"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team'
    rb"|Plural-Forms|Generated-By):.*\n",
    re.M,
)


# Babel writes the English that fuzzy words were made for, its lines filled like a comment's, and doesn't read it.
QUOTED = r'"(?:[^"\\\n]|\\.)*"'
PREVIOUS = re.compile(
    rf"(?P<before>(?:^#\| .*\n)+)(?:msgctxt (?P<context>{QUOTED})\n)?msgid (?P<words>{QUOTED}(?:\n{QUOTED})*)\n",
    re.M,
)


class Unit(NamedTuple):
    """Something that is said: where, and the words in English."""

    where: str
    says: str


def path(language: str, name: str) -> Path:
    """The catalogue's file; name: `notebooks/02_io`, `words/pictures`."""
    return ROOT / language / f"{name}.po"


def load(file: Path) -> Catalog:
    """The catalogue; an empty one where there is no file."""
    language = file.relative_to(ROOT).parts[0]
    if not file.exists():
        return Catalog(locale=language, fuzzy=False)
    with file.open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    for entry in PREVIOUS.finditer(file.read_text("utf-8")):
        before, context, words = (
            "".join(map(unescape, re.findall(QUOTED, text)))
            for text in (
                entry["before"].replace("\n#| ", " "),
                entry["context"] or "",
                entry["words"],
            )
        )
        catalogue.get(words, context or None).previous_id = [before]
    return catalogue


def said(catalogue: Catalog) -> dict[Unit, str]:
    """What is said instead, for each unit that has its words."""
    return {
        Unit(message.context or "", message.id): message.string
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }


def update(old: Catalog, units: Iterable[Unit]) -> Catalog:
    """A catalogue of these units, in their order, with the words that the old one has.

    What was said at the same place and is said no more gives its words, marked fuzzy, to what has come there.
    """
    units = list(dict.fromkeys(units))
    known = {Unit(message.context or "", message.id): message for message in old if message.id}
    left = {}
    for unit, message in known.items():
        if unit not in units and message.string:
            left.setdefault(unit.where, []).append(message)
    made = Catalog(locale=old.locale, header_comment=HEAD, fuzzy=False)
    for unit in units:
        kept = known.get(unit)
        if kept is None and left.get(unit.where):
            message = _changed(unit, left[unit.where].pop(0))
        else:
            message = Message(
                unit.says, kept.string if kept else "", context=unit.where or None, flags=()
            )
            if kept and kept.fuzzy:
                message = _changed(unit, kept)
        message.flags -= {"python-format", "python-brace-format"}  # Babel guesses
        made[unit.says] = message  # Babel takes its context from the message
    return made


def _changed(unit: Unit, was: Message) -> Message:
    before = was.previous_id if was.fuzzy and was.previous_id else [was.id]
    return Message(
        unit.says,
        was.string,
        context=unit.where or None,
        flags={"fuzzy"} if was.string else (),
        previous_id=before if was.string else (),
    )


def text(catalogue: Catalog) -> bytes:
    """The catalogue's file: one line of it for each line that is said, and no dates."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=0, include_previous=True, no_location=True)
    return UNKEPT.sub(b"", stream.getvalue())


def store(catalogue: Catalog, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text(catalogue))
