"""Tables of what was measured: the directives ``{measured}`` and ``{chips}``.

The first's one argument names a part of `book/measured.json`, which `make measure` writes: ``bench``,
``limit``, ``training``, ``proof``, ``answers``, ``chapters``, ``check``, ``pages``, ``pictures`` or ``grading``.
Beside each table stand the day, the machine and the command. The build measures nothing, so it never waits for a
number.

The second's argument names a table of ``nbutils.chips.WANTED``, or is ``runs``: on which chips, with which
versions and by which command its rows were measured.

Heads and sentences are words of ``nbutils/words/LANGUAGE/book/measured.json``. What rows say, they say in English,
part by part as `saying` takes them apart; ``nbutils/words/LANGUAGE/measured.json`` has the same in another language.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

from authoring.extensions import figures
from nbutils import chips, words

MEASURED = Path("book", "measured.json")
AREA = "book/measured"
NAMED = "measured"  # the table of what rows say
# What stays as it is in all languages: a number, or a name with a digit in it, cl100k_base or exercises/01_tokens.
DATUM = re.compile(r"(?<![\w./-])-?(?:\d[\d.,]*e[+-]\d+|[\w./,]*\d[\w./,]*)(?<![.,])")
PARTED = re.compile(r"([,;] )")
Say = Callable[[str], str]


def say(key: str, **values) -> str:
    return words.fill(words.table(AREA, words.language())[key], **values)


def heads(name: str) -> tuple[str, ...]:
    """The first line of a table."""
    return tuple(words.table(AREA, words.language())[name])


def parts(text: str) -> list[str]:
    """What a row says, cut at its commas and semicolons, which stand between."""
    return PARTED.split(text)


def saying(known: Mapping[str, str]) -> Say:
    """Says what a row says in the language of a table of its parts; what the table lacks stays."""
    return lambda text: "".join(figures.said(part, known, DATUM) for part in parts(text))


def in_language() -> Say:
    """Says what a row says in the book's language."""
    return saying(figures.table(words.language(), NAMED))


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
        text = [*table(measured(name, part["rows"], in_language())), "", source(part)]
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
        text = table(by_chip(known[name], found, in_language())) if known[name] else told(found)
        made = nodes.container(classes=["numbers"])
        self.state.nested_parse(StringList(text, source=str(chips.FILE)), self.content_offset, made)
        return [made]


NONE = "\N{EN DASH}"


def measured(name: str, rows: list[dict], to_say: Say) -> list[tuple]:
    """The lines of a part's table, the head first. to_say: what a row says, in the page's language."""
    return [heads(name), *TABLES[name](rows, to_say)]


def by_chip(wanted: tuple[str, ...], found: list[chips.ChipRun], to_say: Say) -> list[tuple]:
    """A line for each chip that has the row, the newest first."""
    lines, known = [heads("chips")], in_language()
    for what in wanted:
        rows = [(run, row) for run in found if (row := run.row(what))]
        for run, row in rows:
            value, place = value_of(row, to_say), f"{known(run.card)}, {run.date}"
            # What failed names cells, tests and errors, which stay.
            how = (known if isinstance(row["value"], str) else to_say)(row["how"])
            lines.append((to_say(what), value, place, how))
        if not rows:
            lines.append((to_say(what), say("nobody"), "", ""))
    return lines


def value_of(row: dict, to_say: Say) -> str:
    """What came out, with its unit."""
    return to_say(f"{readable(row['value'])} {row['unit']}".strip())


def told(found: list[chips.ChipRun]) -> list[str]:
    """A line for each run: card, day, versions, command."""
    if not found:
        return [say("no_run")]
    lines, known = [heads("runs")], in_language()
    for run in found:
        lines.append((known(run.card), run.date, versions(run.versions), f"`{known(run.command)}`"))
    return table(lines)


def source(part: dict) -> str:
    """Day, machine, versions and command of a part, in a sentence."""
    machine = in_language()(part["machine"])
    return f"{part['date']}, {machine}, {versions(part['versions'])}: `{part['command']}`"


def versions(of: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in of.items())


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


def bench(rows: list[dict], to_say: Say) -> list[tuple]:
    return [(to_say(row["what"]), value_of(row, to_say), to_say(row["how"])) for row in rows]


def limit(rows: list[dict], to_say: Say) -> list[tuple]:
    return [limit_line(row, to_say) for row in rows]


def limit_line(row: dict, to_say: Say) -> tuple:
    numbers = [row[name] for name in ("megaflop", "megabytes", "limit", "takes")]
    return (to_say(row["program"]), to_say(row["kind"]), *numbers, f"{row['share']:.0%}")


def training(rows: list[dict], to_say: Say) -> list[tuple]:
    """What PyTorch needs of memory and of download is not known: it stands there as a dash."""
    return [
        (
            *(to_say(row[key]) for key in ("network", "way")),
            *(row[key] for key in ("speed", "share")),
            *(row[key] or NONE for key in ("megabytes", "kilobytes")),
        )
        for row in rows
    ]


def proof(rows: list[dict], to_say: Say) -> list[tuple]:
    """A line for each chapter and one for all; the file has one for each exercise."""
    chapters = [(name, list(of)) for name, of in groupby(rows, key=lambda row: row["chapter"])]
    return [(to_say(name), *summed(of)) for name, of in [*chapters, ("all", rows)]]


def summed(rows: list[dict]) -> tuple:
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key not in WORDS}
    return (
        len(rows),
        say("of", n=total["told"], all=total["mistakes"]),
        say("of", n=total["taken"], all=total["right"]),
        total["changes"],
        total["same"],
        total["missed"],
    )


WORDS = ("chapter", "exercise")


def chapters(rows: list[dict], to_say: Say) -> list[tuple]:
    return [(page(row["page"]), row["seconds"], to_say(row["on"])) for row in rows]


def check(rows: list[dict], to_say: Say) -> list[tuple]:
    return [(f"`{row['file']}`", row["seconds"], row["budget"]) for row in rows]


OF_PAGES = ("own", "first", "usable", "usable_slowed", "blocked_slowed")


def pages(rows: list[dict], to_say: Say) -> list[tuple]:
    return [(page(row["page"]), *(row.get(key, "") for key in OF_PAGES)) for row in rows]


def pictures(rows: list[dict], to_say: Say) -> list[tuple]:
    return [
        (picture(row["picture"], to_say), row["milliseconds"], row.get("answer", NONE))
        for row in rows
    ]


def picture(told: str, to_say: Say) -> str:
    """A picture's name in the code, which stays, and how it was drawn."""
    name, comma, how = told.partition(", ")
    return f"{name}{comma}{to_say(how)}"


def answers(rows: list[dict], to_say: Say) -> list[tuple]:
    return [
        (
            to_say(row["chapter"]),
            *(row[key] for key in ("answers", "judged", "wrong", "named", "misled")),
            *(say("seconds", n=f"{row[key]:.2f}") for key in ("within_95", "slowest")),
        )
        for row in rows
    ]


def grading(rows: list[dict], to_say: Say) -> list[tuple]:
    counts = ("workers", "answers", "right", "seconds")
    return [(to_say(row["what"]), *(row[key] for key in counts)) for row in rows]


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
