"""Marks as tables: grades.csv, which grows with each notebook, and grades.html."""

import csv
import html
from pathlib import Path

from nbutils.exercises.checking import PASSED, UNTRIED
from nbutils.exercises.exercise import names
from nbutils.exercises.grading.marks import ERROR, REMARK, Mark, heads, said, totals
from nbutils.files import written_aside
from nbutils.words import language, sentence


class Table:
    """A CSV file that grows: what is added stands in the file, whatever happens then."""

    def __init__(self, path: Path):
        self.file = open(path, "w", newline="", encoding="utf-8-sig")  # Excel asks for the mark
        self.table = csv.writer(self.file)
        self.table.writerow(heads())
        self.file.flush()

    def add(self, grades: list[Mark]) -> None:
        self.table.writerows(map(_escape_formulas, map(Mark.row, grades)))
        self.file.flush()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_) -> None:
        self.file.close()


def write_csv(grades: list[Mark], path: Path) -> None:
    """All marks as a CSV file, which is never there half."""
    with written_aside(path) as aside, Table(aside) as table:
        table.add(grades)


def _escape_formulas(values) -> list[str]:
    """Cells that a spreadsheet takes for text, not for a formula."""
    risky = ("=", "+", "-", "@", "\t", "\r")
    return [f"'{value}" if value.startswith(risky) else value for value in values]


def as_html(grades: list[Mark]) -> str:
    """A page with a line for each notebook; each sign's title says what its author was told."""
    shown = [name for name in names() if any(one.exercise == name for one in grades)]
    of = {(one.notebook, one.exercise): one for one in grades}
    head = "".join(f"<th><span>{html.escape(name)}</span></th>" for name in shown)
    lines, told = [], []
    for notebook, passed in totals(grades).items():
        cells = "".join(_cell(of.get((notebook, name))) for name in shown)
        lines.append(f"<tr><th>{html.escape(notebook)}</th><td>{passed}</td>{cells}</tr>")
    for one in grades:
        if one.state not in (PASSED, UNTRIED):
            told.append(
                f"<li><b>{html.escape(one.notebook)}</b> <code>{html.escape(one.exercise)}</code> "
                f"{html.escape(said(one.state))}: {html.escape(one.says)}</li>"
            )
    return _PAGE.format(
        language=language(),
        title=sentence("Grades"),
        signs=sentence("✓ right, ✗ wrong, ○ not tried yet, ! could not be run."),
        notebook=sentence("Notebook"),
        right=sentence("right"),
        head=head,
        lines="".join(lines),
        what=sentence("What was told"),
        told="".join(told),
    )


def _cell(one: Mark | None) -> str:
    if one is None:
        return "<td></td>"
    sign = {PASSED: "✓", UNTRIED: "○", ERROR: "!", REMARK: "!"}.get(one.state, "✗")
    return f'<td title="{html.escape(one.says)}">{sign}</td>'


_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 2em }}
table {{ border-collapse: collapse }} td, th {{ border: 1px solid #bbb; padding: 0.2em 0.5em }}
thead span {{ writing-mode: vertical-rl }} tbody th {{ text-align: left }} td {{ text-align: center }}
</style>
<h1>{title}</h1>
<p>{signs}</p>
<table><thead><tr><th>{notebook}</th><th><span>{right}</span></th>{head}</tr></thead>
<tbody>{lines}</tbody></table>
<h2>{what}</h2>
<ul>{told}</ul>
</html>
"""
