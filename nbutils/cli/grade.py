"""``python -m nbutils grade``: submitted notebooks -> tables of what is right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Grade:
    """Judge every exercise in a folder of submitted notebooks, each in a process of its own, and write
    grades.csv and grades.html."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The notebooks, in folders of any depth."""
    out: Path = Path(".")
    """The folder for the two tables."""
    seconds: float = 300.0
    """Stop a notebook that takes longer."""
    workers: int | None = None
    """How many notebooks run at the same time; None: one for each core."""


def main(arguments: list[str]) -> None:
    options = tyro.cli(Grade, args=arguments, prog="python -m nbutils grade")

    from nbutils.exercises import grading

    grades = grading.grade(options.folder, seconds=options.seconds, workers=options.workers)
    options.out.mkdir(parents=True, exist_ok=True)
    grading.write_csv(grades, options.out / "grades.csv")
    (options.out / "grades.html").write_text(grading.as_html(grades), "utf-8")
    for notebook, passed in grading.totals(grades).items():
        print(f"{passed:4} right  {notebook}")
    print(f"Tables: {options.out / 'grades.csv'}, {options.out / 'grades.html'}")
