"""A benchmark's answer: rows that say what was measured, the value, its unit, and how."""

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
