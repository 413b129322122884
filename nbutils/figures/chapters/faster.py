"""Chapter 6's pictures: where a training step's time goes, and what each rung of the ladder brings.

Every function but `line_by_line` draws what it is given on new axes and returns the matplotlib
figure.
"""

from collections.abc import Sequence
from html import escape
from itertools import cycle

import numpy as np
from IPython.display import HTML
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..style import BLUE, CYCLE, GREY, ORANGE, RED


def time_by_kind(steps: dict[str, dict[str, float]]) -> Figure:
    """Where each step's time goes: a bar for each, cut by kind of operation.

    steps: name -> {kind -> milliseconds}, the same kinds in the same order for each.
    """
    fig, ax = plt.subplots(figsize=(5.8, 1.6 + 0.45 * len(steps)))
    left = np.zeros(len(steps))
    for kind, color in zip(next(iter(steps.values())), cycle((*CYCLE, GREY))):
        if not any(kinds[kind] for kinds in steps.values()):
            continue  # but its colour stays its own
        widths = np.array([kinds[kind] for kinds in steps.values()])
        ax.barh(list(steps), widths, left=left, color=color, label=kind)
        left += widths
    ax.set(xlabel="milliseconds per 1,000 tokens")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    return fig


_BESIDE = {"below": ((7, -9), "left"), "left": ((-7, 4), "right"), "above": ((7, 6), "left")}


def roofline(
    points: dict[str, tuple[float, float]],
    bandwidth: float,
    peak: float,
    names: Sequence[str] = ("below", "left", "above"),
) -> Figure:
    """How fast each operation may be at most, and how fast it was.

    points: name -> (floating-point operations for each byte moved, operations a second);
    bandwidth: bytes a second; peak: operations a second. Both axes grow by factors. names: where each point's name
    stands beside it, from the left on, in turn.
    """
    fig, ax = plt.subplots(figsize=(5.8, 3.4))
    intensities = [x for x, _ in points.values()]
    x = np.geomspace(min(*intensities, peak / bandwidth) / 3, max(intensities) * 6, 200)
    ax.plot(x, np.minimum(x * bandwidth, peak) / 1e9, color=GREY, label="the most there can be")
    for (name, (at, speed)), side in zip(sorted(points.items(), key=_place), cycle(names)):
        offset, ha = _BESIDE[side]
        ax.plot([at], [speed / 1e9], "o", color=BLUE)
        ax.annotate(
            name, (at, speed / 1e9), offset, textcoords="offset points", ha=ha, fontsize=8.5
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="operations for each byte moved",
        ylabel="billion operations a second",
    )
    ax.margins(y=0.12)  # the names of the lowest points stand below them
    ax.legend(loc="upper left")
    ax.grid(which="minor", visible=False)
    return fig


def _place(point: tuple[str, tuple[float, float]]) -> tuple[float, float]:
    return point[1]


def time_and_limit(programs: dict[str, dict[str, tuple[float, float]]]) -> Figure:
    """What each kind of operation takes, and within it the least that it could take.

    programs: title -> {kind -> (milliseconds at the chip's limit, milliseconds measured)}.
    """
    heights = [len(kinds) for kinds in programs.values()]
    fig, axes = plt.subplots(
        len(programs),
        figsize=(5.8, 1.1 * len(programs) + 0.32 * sum(heights)),
        gridspec_kw={"height_ratios": heights},
        squeeze=False,
    )
    for ax, (title, kinds) in zip(axes[:, 0], programs.items()):
        least, takes = zip(*kinds.values())
        ax.barh(list(kinds), takes, color=GREY, alpha=0.5, label="takes")
        ax.barh(list(kinds), least, height=0.4, color=BLUE, label="must take, at the chip's limit")
        ax.set_title(title, fontsize=10)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
    ax.set(xlabel="milliseconds")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return fig


def gradient_sizes(exponents: np.ndarray, lowest: int, shift: int) -> Figure:
    """How large a gradient's numbers are, before and after scaling, and what float16 can hold.

    exponents: log2 of each number's size; lowest: the smallest power of two of the format;
    shift: the power of two of the scale.
    """
    fig, ax = plt.subplots()
    bins = np.arange(np.floor(exponents.min()), np.ceil(exponents.max()) + shift + 1)
    ax.hist(exponents, bins, color=ORANGE, label="as they are")
    ax.hist(exponents + shift, bins, color=BLUE, alpha=0.75, label=f"times 2 to the {shift}")
    ax.axvline(lowest, color=RED, linestyle="--", label="below it float16 says 0")
    ax.set(xlabel="size, as a power of two", ylabel="numbers")
    ax.legend(fontsize=9)
    return fig


def memory_by_length(lengths: Sequence[int], kept: dict[str, Sequence[float]]) -> Figure:
    """Memory over the length of the context, both growing by factors.

    kept: name -> megabytes, one for each length.
    """
    fig, ax = plt.subplots()
    for (name, values), marker in zip(kept.items(), cycle("os")):
        ax.plot(lengths, values, marker=marker, label=name)
    ax.set(xscale="log", yscale="log", xlabel="tokens in the context, T", ylabel="kept (MB)")
    ax.set_xticks(lengths, [f"{length:,}" for length in lengths])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend()
    return fig


def turned(planes: dict[str, np.ndarray]) -> Figure:
    """One pair of numbers of a vector at several positions, as an arrow that turns.

    planes: title -> points (positions, 2), from position 0 on.
    """
    fig, axes = plt.subplots(1, len(planes), figsize=(5.8, 2.9), squeeze=False)
    for ax, (title, points) in zip(axes[0], planes.items()):
        for position, (x, y) in enumerate(points):
            ax.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": BLUE})
            ax.text(1.18 * x, 1.18 * y, str(position), ha="center", va="center", fontsize=9)
        reach = 1.35 * np.abs(points).max()
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.set(xlabel="first number", ylabel="second number")
        ax.set_title(title, fontsize=10)
    return fig


def singular_values(spectra: dict[str, np.ndarray]) -> Figure:
    """How far a matrix stretches each of its directions, largest first: name -> factors."""
    fig, ax = plt.subplots()
    for name, values in spectra.items():
        ax.plot(np.arange(1, len(values) + 1), values, label=name)
    ax.set(xlabel="direction, the strongest first", ylabel="stretched by a factor of")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def ladder(rungs: dict[str, float], label: str, color: str = BLUE, mark: str = "{:,.0f}") -> Figure:
    """One bar for each rung, in order, with its number beside it.

    label: what is measured, with its unit; mark: how the number is written.
    """
    fig, ax = plt.subplots(figsize=(5.8, 0.9 + 0.3 * len(rungs)))
    draw_ladder(ax, rungs, label, [mark.format(value) for value in rungs.values()], color)
    return fig


def draw_ladder(
    ax: Axes, rungs: dict[str, float], label: str, marks: list[str], color: str = BLUE
) -> None:
    """The same on the given axes; marks: what stands beside each bar."""
    bars = ax.barh(list(rungs), list(rungs.values()), color=color)
    ax.bar_label(bars, marks, padding=3, fontsize=9)
    ax.set(xlabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.margins(x=0.16)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)


def two_measures(
    rungs: dict[str, tuple[float, float]], names: tuple[str, str], label: str
) -> Figure:
    """Two measures of each rung as two marks on one line: name -> (first, second).

    names: what the two marks are; label: their unit.
    """
    fig, ax = plt.subplots(figsize=(5.8, 1.4 + 0.3 * len(rungs)))
    for i, (name, color, marker) in enumerate(zip(names, (BLUE, ORANGE), "os")):
        values = [pair[i] for pair in rungs.values()]
        ax.plot(values, list(rungs), marker, color=color, label=name)
    ax.set(xlabel=label)
    ax.set_xlim(left=0)
    ax.invert_yaxis()
    fig.legend(loc="outside lower center", ncols=2)
    return fig


def loss_by_position(
    curves: dict[str, Sequence[float]], floor: Sequence[float], every: int, trained: int
) -> Figure:
    """The loss by position in the window, over the floor, with a mark where training ended.

    curves: name -> means in nats of each ``every`` positions in a row, from the first on; nan, or
    the end, where there are none. floor: the same of the true probabilities. trained: the longest
    window of those networks that saw no longer one.
    """
    fig, ax = plt.subplots(figsize=(5.8, 3.6))
    drawn = {**curves, "the floor": floor}
    for (name, means), marker, color in zip(drawn.items(), "osvD^", (*CYCLE[: len(curves)], GREY)):
        at = every * np.arange(len(means)) + (every + 1) / 2
        ax.plot(at, means, marker=marker, markersize=3.5, color=color, label=name)
    ax.axvline(trained + 0.5, color=GREY, linestyle=":", label=f"{trained} tokens")
    ax.set(xlabel="position in the window (tokens)", ylabel="loss (nats)")
    ax.set_ylim(bottom=0)
    fig.legend(loc="outside lower center", ncols=2, fontsize=9)
    return fig


_CODE = (
    "margin:.15em 0;padding:.1em .6em;font-family:monospace;font-size:.8em;"
    "white-space:pre-wrap;overflow-wrap:anywhere"
)


def line_by_line(rows: Sequence[tuple[str, str, str]]) -> HTML:
    """Pairs of lines of code, one below the other, each pair with a sentence about it.

    rows: (the simple line, the package's line, what the package's line is for).
    """
    return HTML("".join(_pair(*row) for row in rows))


def _pair(simple: str, package: str, why: str) -> str:
    lines = "".join(
        f'<div style="{_CODE};border-left:4px solid {colour}"><b>{name}</b>  {escape(line)}</div>'
        for name, line, colour in (("yours  ", simple, ORANGE), ("package", package, BLUE))
    )
    return f'<div style="margin:.9em 0">{escape(why)}{lines}</div>'
