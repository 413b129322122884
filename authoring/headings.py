"""Headings and terms, and their anchors: those of a translated one are the English one's.

So a link, what a browser remembers of a section, and the switch between languages hold in every language.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from myst_parser.mdit_to_docutils.base import default_slugify

from authoring import catalogues, exercise_pages
from authoring.translated_pages import ALT, CODE
from authoring.translations import GLOSSARY, LECTURE, TITLE, finished
from nbutils.words import language

HEADING = re.compile(r"^#{1,4} +(.+?) *$", re.M)
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
PLAIN = re.compile(r"[`*]|\$")


def headings(text: str) -> list[str]:
    """The headings of a text, without the signs of code, maths and emphasis."""
    return [PLAIN.sub("", heading) for heading in HEADING.findall(FENCE.sub("", text))]


@cache
def english_of(spoken: str) -> Mapping[str, str]:
    """Each heading of that language -> the English one. Raises ValueError where one has two."""
    titles = catalogues.said(catalogues.load(catalogues.path(spoken, LECTURE)))
    found = {plain(told): unit.says for unit, told in titles.items() if unit.where == TITLE}
    for page in finished(spoken):
        for text, told in texts(spoken, page):
            for english, other in zip(headings(text), headings(told), strict=True):
                if found.setdefault(plain(other), english) != english:
                    raise ValueError(
                        f"the heading {other!r} of {page} stands for {english!r} and for {found[plain(other)]!r}: "
                        "a link could not tell them apart; word one of them otherwise"
                    )
    return found


def texts(spoken: str, page: str) -> Iterator[tuple[str, str]]:
    """The texts of a page in English, each with what it is in that language."""
    words = catalogues.said(catalogues.load(catalogues.path(spoken, page)))
    yield from (
        (unit.says, told) for unit, told in words.items() if not unit.where.endswith((ALT, CODE))
    )
    made = (exercise_pages.made(page, language) for language in ("en", spoken))
    yield from zip(*(cells.values() for cells in made), strict=True)


def plain(heading: str) -> str:
    return " ".join(PLAIN.sub("", heading).lower().split())


def slug(heading: str) -> str:
    """MyST's anchor of a heading: that of the English one."""
    return default_slugify(of_english(heading))


def of_english(heading: str) -> str:
    """The English heading of a translated one; of another the same."""
    return english_of(language()).get(plain(heading), heading) if language() != "en" else heading


@cache
def named_after(spoken: str) -> Mapping[str, str]:
    """Each term of that language's glossary -> the words that its anchor is made of.

    The first of an entry has the anchor of the English entry, so that a link leads to the entry's top. An English
    term that is not first keeps its own, but the one whose anchor is taken; others are numbered.
    """
    found = {}
    words = catalogues.said(catalogues.load(catalogues.path(spoken, GLOSSARY)))
    for unit, told in words.items() if GLOSSARY in finished(spoken) else ():
        english, other = heads(unit.says), heads(told)
        for number, head in enumerate(other):
            if number == 0:
                found[head] = english[0]
            elif head == english[0]:
                found[head] = f"{head} en"
            elif head not in english:
                found[head] = f"{english[0]} {number + 1}"
    return found


def heads(entry: str) -> list[str]:
    """The terms of an entry of the glossary; none of another text."""
    above, _, said = entry.partition("\n  ")
    return above.split("\n") if said else []


def term(anchor: str) -> str:
    """What Sphinx makes an anchor of, ``term-토큰``, with English words: ``term-token``; of another the same."""
    kind, _, told = anchor.partition("-")
    if kind != "term" or language() == "en":
        return anchor
    return f"{kind}-{named_after(language()).get(told, told)}"
