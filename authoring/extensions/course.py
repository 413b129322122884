"""How the course's pages belong together, by the names of their files, and what is said of that.

03a_knobs and 03b_attention are chapters, whose exercises are exercises/03_internals; 06b_kernel has its own.
"""

import json
import re
from pathlib import Path

from authoring.extensions.lecture import headings
from nbutils.words import fill, language, table

NOTEBOOKS = "notebooks/"
EXERCISES = "notebooks/exercises/"
NUMBER = re.compile(r"(?:Exercises )?(\d+\w?)[ :]")


def say(key: str, **values) -> str:
    return fill(table("pages/doors", language())[key], **values)


def number(title: str) -> str:
    """A chapter's number from its title, "3b" from "3b Internals: attention"; "" if it has none."""
    found = NUMBER.match(title)
    return found[1] if found else ""


def title_of(root: Path, page: str) -> str:
    """A notebook's title, from its first cell."""
    cells = json.loads((root / f"{page}.ipynb").read_text("utf-8"))["cells"]
    return headings("".join(cells[0]["source"]))[0]


def prefix(page: str) -> str:
    """What its file's name begins with: 03b of notebooks/03b_attention."""
    return page.rpartition("/")[2].partition("_")[0]


def exercises_of(page: str, pages: set[str]) -> list[str]:
    """The exercises of a chapter: those with its number and letter, else those with its number."""
    of = {other: prefix(other) for other in sorted(pages) if other.startswith(EXERCISES)}
    own = [other for other, begins in of.items() if begins == prefix(page)]
    return own or [other for other, begins in of.items() if begins == prefix(page).rstrip("abc")]


def chapters_of(page: str, pages: set[str]) -> list[str]:
    """The chapters whose exercises these are."""
    chapters = sorted(p for p in pages if p.startswith(NOTEBOOKS) and not p.startswith(EXERCISES))
    return [chapter for chapter in chapters if page in exercises_of(chapter, pages)]
