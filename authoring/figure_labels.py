"""What figures that notebooks store have written on them, and the same in another language.

A label's pattern has place-holders where it has numbers: ``floor: {0}``. Data stays as it is and has no unit: what has
no word in it, and tokens, with the space before them, and beginnings of texts. Of what is left a translator says what
is data, a name or a word of smallworld: there, what is said instead is the same.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path

from authoring.catalogues import Unit
from authoring.extensions.figures import LABEL, pattern
from authoring.site import ROOT

WORD = re.compile(r"[A-Za-z]{2}")
DATA = ("·", "…", " ", "\N{NO-BREAK SPACE}", "|", "<")  # how tokens and beginnings of texts begin


def says(label: str) -> bool:
    """Whether it may say something in words, and is not plainly data."""
    return bool(WORD.search(label)) and not label.startswith(DATA)


def stored(notebook: dict) -> Iterator[str]:
    """The labels of a notebook's figures, as they stand there."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
            yield from (unescape(label) for _, label, _ in LABEL.findall(svg))


def units_in(notebook: Path) -> list[Unit]:
    """The patterns of a notebook's labels, each once, without those that stay."""
    labels = stored(json.loads(notebook.read_text("utf-8")))
    where = notebook.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
    return [Unit(where, one) for one in dict.fromkeys(map(pattern, filter(says, labels)))]


def units() -> list[Unit]:
    """Those of all notebooks; each pattern once, where it stands first."""
    found = {}
    for notebook in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in notebook.parts:
            for unit in units_in(notebook):
                found.setdefault(unit.says, unit)
    return [*found.values()]


def table(told: Mapping[Unit, str]) -> dict[str, str]:
    """The table that `authoring.extensions.figures.said` reads: pattern -> pattern."""
    return {unit.says: instead for unit, instead in told.items()}


def lacking(page: Path, words: Mapping[str, str]) -> list[str]:
    """The patterns of a notebook's figures that a table of labels lacks; no other page has figures."""
    if page.suffix != ".ipynb":
        return []
    return [unit.says for unit in units_in(page) if unit.says not in words]
