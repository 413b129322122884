"""What the lecture and its companions say, and in which cell of the course it is checked.

The directive ``{lecture}`` draws ``book/lecture.json``: the counts of each status, which are also switches
(radio buttons and a style sheet; no script), then the lecture's chapters and the companions with their rows.

A row has a ``claim`` in our own words and a ``status``:

- ``computed``: one of its cells computes the claim, and asserts it;
- ``shown``: one of its cells draws or prints it;
- ``told``: a cell's text says it;
- ``corrected``: one of its cells computes something else, and ``note`` says what;
- ``waits``: the chapter ``waits`` will have it, and there is no cell yet.

``where`` names cells as ``notebook#id``. ``at`` is the minute of the video, where it is known.
"""

import json
import re
from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from authoring import headings as headings_
from nbutils.words import fill, language, table

TABLE = Path("book", "lecture.json")
NBSP = "\N{NO-BREAK SPACE}"
STATUSES = ("computed", "shown", "told", "corrected", "waits")


def say(key: str, **values) -> str:
    return fill(table("book/lecture", language())[key], **values)


def style() -> str:
    """``lecture.css``, and for each status the rules that leave its rows alone on the page."""
    rules = [Path(__file__).with_suffix(".css").read_text("utf-8")]
    for status in STATUSES:
        chosen = f".bd-article:has(#claims-{status}:checked)"
        rules.append(f"li.claim.{status} .status {{ color: var(--{status}); }}")
        rules.append(f"{chosen} li.claim:not(.{status}) {{ display: none; }}")
        without = f"section:has(> ul.claims):not(:has(li.{status}))"
        rules.append(f"{chosen} {without} {{ display: none; }}")
    return "\n".join(rules)


def parts(table: dict) -> list[dict]:
    """The lecture's chapters, then the companions: each with ``title`` and ``rows``."""
    return [*table["lecture"], *table["companions"]]


def counts(table: dict) -> dict[str, int]:
    """How many rows have each status, in the order of ``STATUSES``."""
    found = Counter(row["status"] for part in parts(table) for row in part["rows"])
    return {status: found[status] for status in STATUSES}


def seconds(minute: str) -> int:
    """1:02:03 or 2:03 as seconds."""
    total = 0
    for number in minute.split(":"):
        total = 60 * total + int(number)
    return total


class Notebook:
    """For each cell of a notebook the words and the anchor of a link to its section."""

    def __init__(self, root: Path, name: str):
        self.name = name  # below notebooks, without its ending
        cells = json.loads(Path(root, "notebooks", f"{name}.ipynb").read_text("utf-8"))["cells"]
        title, *_ = headings("".join(cells[0]["source"]))
        chapter = re.match(r"(\d\w?) |Exercises (\d\w?)", title)
        short = title if chapter is None else chapter[1] or f"exercises {chapter[2]}"
        self.sections, slugs = {}, set()
        self.parts, part = (
            {},
            "",
        )  # the anchor of a cell's section of the second level; "" above the first
        for cell in cells:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                for heading in headings(text):
                    words = short if heading == title else f"{short},{NBSP}{heading}"
                    slugs.add(slug := anchor(heading, slugs))
                    if re.search(rf"^## +{re.escape(heading)} *$", text, re.M):
                        part = slug
            self.sections[cell["id"]] = words, slug
            self.parts[cell["id"]] = part

    def link(self, cell: str) -> str:
        """Markdown: the chapter and the section in which the cell stands, linked."""
        if cell not in self.sections:
            raise KeyError(f"notebooks/{self.name}.ipynb has no cell {cell!r}")
        words, slug = self.sections[cell]
        return f"[{words}](/notebooks/{self.name}.ipynb#{slug})"


def anchor(heading: str, taken: set[str]) -> str:
    """MyST's anchor of a heading; a second one of the same words gets a number."""
    slug, number = headings_.slug(heading.replace("`", "")), 1
    while slug in taken:
        slug, number = f"{slug}-{number}", number + 1
    return slug


def headings(markdown: str) -> list[str]:
    """The headings of a cell's text, in order."""
    plain = re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M)
    return re.findall(r"^#{1,3} +(.+?) *$", plain, re.M)


class Lecture(SphinxDirective):
    """Counts and switches, then a section for each part of the table."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir, TABLE)
        self.env.note_dependency(str(path))
        self.table, self.notebooks = json.loads(path.read_text("utf-8")), {}
        drawn = f"<style>{style()}</style>{switches(counts(self.table))}"
        return [nodes.raw("", drawn, format="html"), *map(self.section, parts(self.table))]

    def section(self, part: dict) -> nodes.section:
        title = nodes.title("", "", *self.minute(part), nodes.Text(part["title"]))
        if "address" in part:
            title = nodes.title("", "", nodes.reference("", part["title"], refuri=part["address"]))
        made = nodes.section("", title, names=[nodes.fully_normalize_name(part["title"])])
        self.state.document.note_implicit_target(made, made)
        rows = nodes.bullet_list(
            classes=["claims"] if "at" in part else ["claims", "claims-untimed"]
        )
        rows += [self.row(row) for row in part["rows"]]
        made += rows
        return made

    def row(self, row: dict) -> nodes.list_item:
        item = nodes.list_item(classes=["claim", row["status"]])
        if "at" in row:
            item += nodes.paragraph("", "", *self.minute(row), classes=["at"])
        said = nodes.container("", nodes.paragraph("", row["claim"]), classes=["said"])
        if "note" in row:
            said += nodes.paragraph("", row["note"], classes=["note"])
        item += [said, nodes.paragraph("", say(row["status"]), classes=["status"])]
        if "waits" in row:
            item += nodes.paragraph("", say("waits_for", number=row["waits"]), classes=["where"])
        item += self.links(row.get("where", []))
        return item

    def minute(self, of: dict) -> list[nodes.Node]:
        """A link to the video at this second, and a space."""
        if "at" not in of:
            return []
        address = f"{self.table['address']}&t={seconds(of['at'])}s"
        return [nodes.reference("", of["at"], refuri=address), nodes.Text(" ")]

    def links(self, cells: list[str]) -> list[nodes.Node]:
        """Where the cells stand; two in one section are one link."""
        found = []
        for name, cell in (where.split("#") for where in cells):
            if name not in self.notebooks:
                self.env.note_dependency(str(Path(self.env.srcdir, "notebooks", f"{name}.ipynb")))
                self.notebooks[name] = Notebook(self.env.srcdir, name)
            found.append(self.notebooks[name].link(cell))
        made = nodes.Element()
        text = StringList(["; ".join(dict.fromkeys(found))], source=str(TABLE))
        self.state.nested_parse(text, self.content_offset, made)
        for paragraph in made:
            paragraph["classes"].append("where")
        return list(made)


def switches(found: dict[str, int]) -> str:
    """A radio button for all rows and one for each status, with their counts."""
    buttons = {"all": sum(found.values())} | found
    made = "".join(
        f'<label title="{escape(say(name + "_means"))}"><input type="radio" name="claims" id="claims-{name}" '
        f'autocomplete="off"{" checked" if name == "all" else ""}> {say(name)} ({number})</label>'
        for name, number in buttons.items()
    )
    return (
        f'<fieldset class="claims-filter"><legend>{escape(say("show"))}</legend>{made}</fieldset>'
    )


def setup(app: Sphinx) -> dict:
    app.add_directive("lecture", Lecture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
