"""What learners are told: for each area one table of words in each language, and no sentence twice.

A table is a file of JSON, ``words/LANGUAGE/AREA.json``: key -> words with place-holders in braces, or a
list of words. A place-holder stands for a number or a name as it is; nothing that depends on it is joined
to it, since in some languages the word's form would change.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent


def language() -> str:
    """The language to speak: the environment variable ``NBUTILS_LANG`` names it, else English.

    Empty is as if not set. Raises ValueError for a language that has no words.
    """
    chosen = os.environ.get("NBUTILS_LANG") or "en"
    known = sorted({path.parts[-3] for path in FOLDER.glob("*/*/*.json")})
    if chosen not in known:
        raise ValueError(f"NBUTILS_LANG={chosen!r} must be one of {', '.join(known)}, or not set")
    return chosen


@cache
def table(area: str, language: str) -> Mapping[str, str | list[str]]:
    """The words of an area: ``pictures/window``, say. Raises ValueError if there are none."""
    path = FOLDER / language / f"{area}.json"
    if not path.is_file():
        raise ValueError(f"there are no words for area={area!r} in language={language!r}")
    return MappingProxyType(json.loads(path.read_text("utf-8")))


def fill(words: str, **values) -> str:
    """The words with ``{name}`` replaced by the value of that name, as ``fill`` in shared.js does it.

    Raises KeyError for a place-holder without a value.
    """
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), words)
