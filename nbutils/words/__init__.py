"""What learners are told: for each area one table of words in each language, and no sentence twice.

A table is a file of JSON, ``words/LANGUAGE/AREA.json``: key -> words with place-holders in braces, or a
list of words. A place-holder stands for a number or a name as it is; nothing that depends on it is joined
to it, since in some languages the word's form would change.

Sentences that stand in Python code, since they are read beside what finds them (the checks of exercises, errors,
commands), are English there and go through `sentence`; their tables, ``words/LANGUAGE/sentences/AREA.json``, lead
from the English to the other language.
"""

from __future__ import (
    annotations,
)  # for a Python that is too old for the course, and hears it from the doctor

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent


def language(chosen: str | None = None) -> str:
    """The language to speak; with an argument, the one that this process speaks from now on: ``language("ko")``.

    Else the environment variable ``NBUTILS_LANG`` names it, else it is English; empty is as if not set. What the
    system speaks counts for nothing. Programs that the process starts speak the same. Raises ValueError for a
    language that has no words.
    """
    named, said = f"language={chosen!r}", chosen
    if chosen is None:
        said = os.environ.get("NBUTILS_LANG") or "en"
        named = f"NBUTILS_LANG={said!r}"
    if said not in (known := languages()):
        rest = ", or not set" if chosen is None else ""
        raise ValueError(f"{named} must be one of {', '.join(known)}{rest}")
    if chosen is not None:
        os.environ["NBUTILS_LANG"] = said
    return said


def languages() -> list[str]:
    """Those that have words: ``en``, ``ko``."""
    return [*_languages(FOLDER)]


@cache
def _languages(folder: Path) -> tuple[str, ...]:
    """Looked up once, since each sentence asks for it."""
    return tuple(sorted({path.parts[-3] for path in folder.glob("*/*/*.json")}))


@cache
def table(area: str, language: str) -> Mapping[str, str | list[str]]:
    """The words of an area: ``pictures/window``, say. Raises ValueError if there are none."""
    path = FOLDER / language / f"{area}.json"
    if not path.is_file():
        raise ValueError(f"there are no words for area={area!r} in language={language!r}")
    return MappingProxyType(json.loads(path.read_text("utf-8")))


def sentence(english: str, /, **values) -> str:
    """The sentence in the language spoken, English where that has no words for it, and filled as by `fill`.

    english: a literal, or a constant of the module, so that its catalogue can be gathered from the code. It has a
    place-holder for whatever differs from time to time.
    """
    return fill(_sentences(language()).get(english, english), **values)


@cache
def _sentences(language: str) -> Mapping[str, str]:
    found = {}
    for path in sorted((FOLDER / language / "sentences").glob("*.json")):
        found |= json.loads(path.read_text("utf-8"))
    return MappingProxyType(found)


def fill(words: str, **values) -> str:
    """The words with ``{name}`` replaced by the value of that name, as ``fill`` in shared.js does it.

    Raises KeyError for a place-holder without a value.
    """
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), words)
