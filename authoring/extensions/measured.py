"""Tables of what was measured: the directives ``{measured}`` and ``{chips}``.

The first's one argument names a part of `book/measured.json`, which `make measure` writes: ``bench``,
``limit``, ``training``, ``proof``, ``answers``, ``chapters``, ``check``, ``pages``, ``pictures`` or ``grading``.
Beside each table stand the day, the machine and the command. The build measures nothing, so it never waits for a
number.

The second's argument names a table of ``nbutils.chips.WANTED``, or is ``runs``: on which chips, with which
versions and by which command its rows were measured.
"""

import json
from itertools import groupby
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

from nbutils import chips

MEASURED = Path("book", "measured.json")


class Measured(Directive):
    """The table of one part, and a line that says where its numbers are from."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        env, name = self.state.document.settings.env, self.arguments[0]
        if name not in TABLES:
            raise self.error(f"measured knows {', '.join(TABLES)}, not {name!r}")
        path = Path(env.srcdir, MEASURED)
        env.note_dependency(str(path))
        part = json.loads(path.read_text("utf-8")).get(name)
        if part is None:
            raise self.error(f"{MEASURED} has no {name!r}: python -m authoring.measure {name}")
        made = nodes.container(classes=["numbers"])
        text = [*table(TABLES[name](part["rows"])), "", source(part)]
        self.state.nested_parse(StringList(text, source=str(path)), self.content_offset, made)
        return [made]


class Chips(Directive):
    """What was measured on any chip, of one table; a row that nobody has measured yet says so."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        env, name = self.state.document.settings.env, self.arguments[0]
        known = {"runs": (), **chips.WANTED}
        if name not in known:
            raise self.error(f"chips knows {', '.join(known)}, not {name!r}")
        env.note_dependency(str(chips.FILE))
        found = list(reversed(chips.all_runs()))
        text = table(by_chip(known[name], found)) if known[name] else told(found)
        made = nodes.container(classes=["numbers"])
        self.state.nested_parse(StringList(text, source=str(chips.FILE)), self.content_offset, made)
        return [made]


NOBODY, NONE = "by nobody yet", "\N{EN DASH}"


def by_chip(wanted: tuple[str, ...], found: list[chips.ChipRun]) -> list[tuple]:
    """A line for each chip that has the row, the newest first."""
    lines = [("What", "Measured", "On", "How")]
    for what in wanted:
        rows = [(run, row) for run in found if (row := run.row(what))]
        for run, row in rows:
            value = f"{readable(row['value'])} {row['unit']}".strip()
            lines.append((what, value, f"{run.card}, {run.date}", row["how"]))
        if not rows:
            lines.append((what, NOBODY, "", ""))
    return lines


def told(found: list[chips.ChipRun]) -> list[str]:
    """A line for each run: card, day, versions, command."""
    if not found:
        return [f"Measured on a chip: {NOBODY}."]
    lines = [("Chip", "Day", "Versions", "Command")]
    for run in found:
        versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
        lines.append((run.card, run.date, versions, f"`{run.command}`"))
    return table(lines)


def source(part: dict) -> str:
    """Day, machine, versions and command of a part, in a sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in part["versions"].items())
    return f"{part['date']}, {part['machine']}, {versions}: `{part['command']}`"


def table(rows: list[tuple]) -> list[str]:
    """Rows of cells, the head first, as the lines of a Markdown table."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def cell(value) -> str:
    return readable(value).replace("|", "\\|")


def readable(value) -> str:
    """A number with three figures that matter, a count whole; words stay as they are."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def page(name: str) -> str:
    """A link to a page, with its title."""
    return f"{{doc}}`/{name}`"


def bench(rows: list[dict]) -> list[tuple]:
    return [
        ("What", "Measured", "How"),
        *((row["what"], f"{readable(row['value'])} {row['unit']}", row["how"]) for row in rows),
    ]


def limit(rows: list[dict]) -> list[tuple]:
    head = ("Program", "Kind", "Million operations", "MB", "Limit, ms", "Takes, ms", "Share")
    return [head, *(limit_line(row) for row in rows)]


def limit_line(row: dict) -> tuple:
    numbers = [row[name] for name in ("megaflop", "megabytes", "limit", "takes")]
    return (row["program"], row["kind"], *numbers, f"{row['share']:.0%}")


OF_TRAINING = ("network", "way", "speed", "share")


def training(rows: list[dict]) -> list[tuple]:
    """What PyTorch needs of memory and of download is not known: it stands there as a dash."""
    head = ("Network", "Way", "Tokens a second", "of PyTorch", "Memory, MB", "Download, kB")
    return [
        head,
        *(
            (
                *(row[key] for key in OF_TRAINING),
                *(row[key] or NONE for key in ("megabytes", "kilobytes")),
            )
            for row in rows
        ),
    ]


def proof(rows: list[dict]) -> list[tuple]:
    """A line for each chapter and one for all; the file has one for each exercise."""
    head = (
        "Chapter",
        "Exercises",
        "Mistakes told by name",
        "Right answers taken",
        "Mechanical changes",
        "still right",
        "wrong and taken",
    )
    chapters = [(name, list(of)) for name, of in groupby(rows, key=lambda row: row["chapter"])]
    return [head, *(summed(name, of) for name, of in [*chapters, ("all", rows)])]


def summed(name: str, rows: list[dict]) -> tuple:
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key not in WORDS}
    return (
        name,
        len(rows),
        f"{total['told']} of {total['mistakes']}",
        f"{total['taken']} of {total['right']}",
        total["changes"],
        total["same"],
        total["missed"],
    )


WORDS = ("chapter", "exercise")


def chapters(rows: list[dict]) -> list[tuple]:
    return [
        ("Chapter", "Seconds", "On"),
        *((page(row["page"]), row["seconds"], row["on"]) for row in rows),
    ]


def check(rows: list[dict]) -> list[tuple]:
    return [
        ("What", "Seconds of one core", "Budget"),
        *((f"`{row['file']}`", row["seconds"], row["budget"]) for row in rows),
    ]


OF_PAGES = ("own", "first", "usable", "usable_slowed", "blocked_slowed")


def pages(rows: list[dict]) -> list[tuple]:
    return [
        (
            "Page",
            "Itself, kB",
            "First visit, kB",
            "Usable after, ms",
            "slowed, ms",
            "Blocked, slowed, ms",
        ),
        *((page(row["page"]), *(row.get(key, "") for key in OF_PAGES)) for row in rows),
    ]


def pictures(rows: list[dict]) -> list[tuple]:
    return [
        ("Picture", "Slowest drawing, ms", "Slowest answer at a quarter of the speed, ms"),
        *((row["picture"], row["milliseconds"], row.get("answer", NONE)) for row in rows),
    ]


def answers(rows: list[dict]) -> list[tuple]:
    return [
        (
            "Chapter",
            "Answers",
            "judged rightly",
            "Wrong",
            "named",
            "misled",
            "95 % within",
            "slowest",
        ),
        *(
            (
                *(row[key] for key in ("chapter", "answers", "judged", "wrong", "named", "misled")),
                f"{row['within_95']:.2f} s",
                f"{row['slowest']:.2f} s",
            )
            for row in rows
        ),
    ]


def grading(rows: list[dict]) -> list[tuple]:
    return [
        ("Notebooks", "at a time", "Answers", "found right", "Seconds"),
        *(
            (*(row[key] for key in ("what", "workers", "answers", "right", "seconds")),)
            for row in rows
        ),
    ]


TABLES = {
    "bench": bench,
    "limit": limit,
    "training": training,
    "proof": proof,
    "answers": answers,
    "chapters": chapters,
    "check": check,
    "pages": pages,
    "pictures": pictures,
    "grading": grading,
}


def setup(app: Sphinx) -> dict:
    app.add_directive("measured", Measured)
    app.add_directive("chips", Chips)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
