"""A benchmark's answer: rows that say what was measured, the value, its unit, and how."""

import argparse
import json
import time
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    what: str
    value: float | str
    unit: str
    how: str


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [("What", "Measured", "How")]
    cells += [(row.what, f"{readable(row.value)} {row.unit}".strip(), row.how) for row in rows]
    return markdown(cells)


def markdown(cells: list[tuple[str, ...]]) -> str:
    """A Markdown table, its head first, with columns that line up."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def show(
    doc: str,
    head: tuple[str, ...],
    measure: Callable[[bool], list],
    quick: str,
    arguments: list[str] | None,
) -> None:
    """A benchmark's command line: print its rows as a table under ``head``, or as JSON.

    ``measure(quick)`` gives named tuples with a method ``cells``; ``quick`` says what --quick does.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", action="store_true", help="rows as JSON instead of a table")
    options = parser.parse_args(arguments)
    rows = measure(options.quick)
    if options.json:
        print(json.dumps([row._asdict() for row in rows]))
    else:
        print(markdown([head, *(row.cells() for row in rows)]))


def fastest(action: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of several runs: other programs can only make a run slower."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def readable(value: float | str) -> str:
    """A number with three figures that matter; words stay as they are."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
