"""How many minutes a page takes: the role ``{minutes}``, and what others ask of it.

Nothing is typed in. What a chapter takes to read is estimated from its notebook, as `reading` says; what its
exercises take to write is the sum of what each exercise states; what a notebook runs for was measured
(`book/measured.json`).
"""

import json
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from authoring.extensions.measured import MEASURED
from authoring.predictions import is_question
from nbutils.exercises.exercise import exercise, names
from nbutils.words import fill, language, table

ENGLISH = Path(__file__).resolve().parents[2]  # an edition's minutes are those of the English pages
WORDS = 200  # a minute: prose that one thinks about; novels are read at about 240
LINE = 4  # seconds for a line of code that is read and not written
PREDICTION = 30  # seconds to decide, and to see why
PICTURE = 60  # seconds with a picture that moves
FIGURE = 15  # seconds for one that doesn't
STEP = 5  # an estimate is no finer than that many minutes
LONG = 60  # seconds from which a notebook's run is worth a word
FOLDED = re.compile(r"<details>.*?</details>", re.S)


def reading(cells: list[dict]) -> int:
    """Minutes to read a notebook, a multiple of 5: an estimate, counted and not measured.

    Words at `WORDS` a minute, `LINE` seconds for a line of code, and time to predict and to look. A
    prediction's answer is read; what else is folded away is not. Setup that the page leaves out counts
    for nothing, and so does the wait for a cell to run.
    """
    seconds = sum(
        text_seconds("".join(cell["source"]))
        if cell["cell_type"] == "markdown"
        else code_seconds(cell)
        for cell in cells
        if "remove-cell" not in cell["metadata"].get("tags", ())
    )
    return max(STEP, STEP * round(seconds / 60 / STEP))


def text_seconds(text: str) -> float:
    asks = is_question(text)
    shown = text if asks else FOLDED.sub("", text)
    words = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", shown).split()  # without the addresses of links
    return 60 * len(words) / WORDS + PREDICTION * asks


def code_seconds(cell: dict) -> float:
    lines = [line for line in "".join(cell["source"]).splitlines() if line.strip()]
    kinds = [kind for output in cell["outputs"] for kind in output.get("data", ())]
    moves = any("moving-picture" in "".join(shown(output)) for output in cell["outputs"])
    drawn = any(kind.startswith("image/") for kind in kinds)
    return LINE * len(lines) + (PICTURE if moves else FIGURE * drawn)


def shown(output: dict) -> list[str]:
    """An output's HTML, in lines."""
    html = output.get("data", {}).get("text/html", ())
    return [html] if isinstance(html, str) else list(html)


@cache
def minutes(root: Path, page: str) -> tuple[str, int]:
    """The word for what a notebook's page is for, "read" or "write", and how many minutes that takes."""
    written = written_minutes(page)
    if written:
        return "write", written
    cells = json.loads((root / f"{page}.ipynb").read_text("utf-8"))["cells"]
    return "read", reading(cells)


def written_minutes(page: str) -> int:
    """What the exercises of a page state, added up; 0 for a page of another kind."""
    if "/exercises/" not in page:
        return 0
    chapter = page.rpartition("/")[2].partition("_")[2]
    return sum(exercise(name).minutes for name, of in names().items() if of == chapter)


@cache
def running(root: Path, page: str) -> int:
    """Minutes that a notebook ran for where it was measured; 0 for less than one, and for none known."""
    measured = json.loads((root / MEASURED).read_text("utf-8"))
    rows = measured.get("chapters", {}).get("rows", ())
    seconds = {row["page"]: row["seconds"] for row in rows}.get(page, 0)
    return round(seconds / 60) if seconds >= LONG else 0


class Minutes(SphinxRole):
    """``{minutes}`notebooks/01_tokens```: what a chapter takes, in a few words."""

    def run(self) -> tuple[list[nodes.Node], list]:
        root, page = ENGLISH, self.text
        for path in (root / f"{page}.ipynb", root / MEASURED):
            self.env.note_dependency(str(path))
        words, (_, takes), runs = (
            table("pages/doors", language()),
            minutes(root, page),
            running(root, page),
        )
        key = "chapter_runs" if runs else "chapter_minutes"
        return [nodes.inline("", fill(words[key], n=takes, runs=runs), classes=["minutes"])], []


def setup(app: Sphinx) -> dict:
    app.add_role("minutes", Minutes())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
