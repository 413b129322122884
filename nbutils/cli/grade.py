"""``python -m nbutils grade``: submitted notebooks -> tables of what is right."""

import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nbutils.arguments import finite, whole
from nbutils.cli.options import parsed
from nbutils.files import expanded
from nbutils.words import sentence


@dataclass(frozen=True)
class Grade:
    """Judge every exercise in a folder of submitted notebooks, each in a process of its own, and write
    grades.csv and grades.html."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The notebooks, in folders of any depth."""
    out: Path = Path(".")
    """The folder for the two tables."""
    seconds: float = 300.0
    """Stop a notebook that takes longer; what it has by then is judged."""
    workers: int | None = None
    """How many notebooks run at the same time; None: one for each core."""


def main(arguments: list[str]) -> None:
    options = parsed(Grade, arguments, "grade")

    from nbutils.exercises import grading

    folder, out = expanded(options.folder), expanded(options.out)
    seconds = finite("seconds", options.seconds, 1)
    workers = whole("workers", options.workers, 1, or_none="None for one on each core")
    table, page = out / "grades.csv", out / "grades.html"
    grades = []
    try:
        with contextlib.ExitStack() as stack:
            each = grading.grade_each(folder, seconds=seconds, workers=workers)
            stack.enter_context(contextlib.closing(each))
            first = next(each)  # a folder that is none leaves the tables of an earlier one
            out.mkdir(parents=True, exist_ok=True)
            growing = stack.enter_context(grading.Table(table))
            for found in itertools.chain([first], each):
                growing.add(found)  # whatever happens to those that follow
                grades += found
                for notebook, passed in grading.totals(found).items():
                    print(
                        sentence(
                            "{passed} right  {notebook}", passed=f"{passed:4}", notebook=notebook
                        ),
                        flush=True,
                    )
    finally:
        if grades:
            grades.sort(key=lambda one: one.notebook)
            grading.write_csv(grades, table)
            page.write_text(grading.as_html(grades), "utf-8")
    print(sentence("Tables: {table}, {page}", table=table, page=page))
