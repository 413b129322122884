"""Pictures of chapter 3b: who looks at whom, what breaks without a part, one block's order.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import LogLocator

from ..style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    PAPER,
    QUIET,
    RED,
    SHARES,
    SKY,
    Rim,
    literal,
    on_share,
)


def weight_maps(
    maps: dict[str, np.ndarray], looking: Sequence[str], looked_at: Sequence[str]
) -> Figure:
    """Attention weights as squares side by side: title -> weights (T, S), rows sum to 1.

    looking: names of the T rows; looked_at: names of the S columns. A weight that shows as 0.00
    is left blank.
    """
    upright = max(map(len, looked_at)) > 3  # long names stand on end
    height = 1.1 + 0.34 * len(looking) + 0.09 * upright * max(map(len, looked_at))
    fig, axes = plt.subplots(1, len(maps), sharey=True, squeeze=False, figsize=(5.8, height))
    for ax, (title, weights) in zip(axes[0], maps.items()):
        ax.imshow(weights, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
        _write_weights(ax, np.asarray(weights))
        ax.set_xticks(range(len(looked_at)), [*map(literal, looked_at)], rotation=90 * upright)
        ax.set_yticks(range(len(looking)), [*map(literal, looking)])
        ax.grid(visible=False)
        ax.set(title=title, xlabel="is looked at")
    axes[0, 0].set_ylabel("looks")
    return fig


def _write_weights(ax: Axes, weights: np.ndarray) -> None:
    for (row, column), weight in np.ndenumerate(weights):
        if weight >= 0.005:
            ax.text(
                column,
                row,
                f"{weight:.2f}".removeprefix("0"),
                ha="center",
                va="center",
                fontsize=9,
                color=on_share(float(weight)),
            )


def blends(panels: dict[str, tuple[Sequence[str], np.ndarray, np.ndarray, np.ndarray]]) -> Figure:
    """Where an average of vectors lies: title -> (names, points (T, 2), weights (T,), result (2,)).

    Each dot's area is its weight; an arrow leads from the last point, which looks, to the result.
    """
    fig, axes = plt.subplots(
        1, len(panels), sharex=True, sharey=True, squeeze=False, figsize=(5.8, 3.2)
    )
    for ax, (title, (names, points, weights, result)) in zip(axes[0], panels.items()):
        ax.scatter(*np.asarray(points).T, s=600 * np.asarray(weights), color=SKY)
        places = [(0, 12, "center")] * (len(names) - 1) + [(13, -4, "left")]  # clear of the arrow
        for name, point, weight, (x, y, side) in zip(names, np.asarray(points), weights, places):
            ax.annotate(
                f"{name} {weight:.2f}", point, xytext=(x, y), ha=side, textcoords="offset points"
            )
        ax.annotate(
            "",
            result,
            xytext=points[-1],
            arrowprops=dict(arrowstyle="->", color=RED, linewidth=1.8),
        )
        ax.plot(*result, "D", color=RED, markersize=6)
        ax.set(title=title, xlabel="first number", xlim=(-0.9, 2.9), ylim=(-0.5, 2.9))
    axes[0, 0].set_ylabel("second number")
    return fig


def two_softmaxes(
    read: Sequence[str], weights: np.ndarray, words: Sequence[str], bets: np.ndarray
) -> Figure:
    """A row of attention's weights beside a row of predictions, both as bars.

    read: names of the T positions, weights: (T,), sums to 1; words: names of the candidates that
    are drawn, bets: their probabilities, best first (the rest of the vocabulary is not drawn).
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.8, 1.1 + 0.3 * max(len(read), len(words))))
    sides = (
        ("over the positions:\nwhat to read", read, weights, BLUE, "weight"),
        ("over the vocabulary:\nwhat comes", words, bets, ORANGE, "probability"),
    )
    for ax, (title, names, shares, colour, label) in zip(axes, sides):
        bars = ax.barh(range(len(names)), shares, height=0.7, color=colour)
        ax.bar_label(bars, fmt="%.3f", padding=3, fontsize=9)
        ax.set_yticks(range(len(names)), [*map(literal, names)])
        ax.invert_yaxis()
        ax.grid(visible=False)
        ax.set(xlim=(0, 1.25), xlabel=label)
        ax.set_xticks([0, 0.5, 1])
        ax.set_title(title, fontsize=10)
    return fig


def looks_on_picture(patches: np.ndarray, panels: dict[str, np.ndarray]) -> Figure:
    """One picture again and again, each time with other weights on its patches.

    patches: (rows, columns, height, width) of pixels, black 0 and white 1; panels: title ->
    weights (rows * columns,), row by row. A patch's frame is as thick as its weight, which is written in
    its corner; one that shows as 0.00 is left as it is.
    """
    rows, columns, height, width = patches.shape
    picture = np.asarray(patches).transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    fig, axes = plt.subplots(1, len(panels), squeeze=False, figsize=(5.8, 0.6 + 5.4 / len(panels)))
    for ax, (title, weights) in zip(axes[0], panels.items()):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        for at, weight in enumerate(np.asarray(weights)):
            row, column = divmod(at, columns)
            corner = (column * width - 0.5, row * height - 0.5)
            ax.add_patch(
                Rectangle(corner, width, height, fill=False, edgecolor=GREY, linewidth=0.6)
            )
            if weight >= 0.005:
                _frame(ax, corner, width, height, float(weight))
        ax.set_title(title, fontsize=9.5)
        ax.axis("off")
    return fig


def _frame(ax: Axes, corner: tuple[float, float], width: int, height: int, weight: float) -> None:
    """An orange frame just inside a patch, as thick as its weight, and the weight in its corner."""
    left, top = corner
    ax.add_patch(
        Rectangle(
            (left + 0.25, top + 0.25),
            width - 0.5,
            height - 0.5,
            fill=False,
            edgecolor=ORANGE,
            linewidth=0.5 + 3.5 * weight,
        )
    )
    ax.text(
        left + width - 0.3,
        top + height - 0.3,
        f"{weight:.2f}".removeprefix("0"),
        ha="right",
        va="bottom",
        fontsize=7.5,
        color="white",
        path_effects=[Rim()],
    )


def by_width(widths: Sequence[int], panels: dict[str, dict[str, Sequence[float]]]) -> Figure:
    """Measurements against the width D, side by side: label of the y-axis -> legend -> values."""
    fig, axes = plt.subplots(1, len(panels), squeeze=False, figsize=(5.8, 3.0))
    for ax, (label, rows) in zip(axes[0], panels.items()):
        for (name, values), marker in zip(rows.items(), cycle("os^")):
            ax.plot(widths, values, marker=marker, markersize=5, label=name)
        ax.set(xlabel="width D of query and key", ylabel=label, xscale="log", yscale="log")
        ax.set_xticks(widths, [str(width) for width in widths], fontsize=8.5)
        ax.minorticks_off()
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def losses_compared(
    steps: Sequence[int], losses: dict[str, Sequence[float]], lines: dict[str, float]
) -> Figure:
    """Loss over the updates for several networks on the same axes.

    losses: legend -> nats per token, one for each of the steps; lines: text -> a loss that is
    drawn as a dashed line across, such as the floor.
    """
    fig, ax = plt.subplots(figsize=(5.8, 3.8))
    for (name, values), colour, marker in zip(losses.items(), cycle(CYCLE), cycle("os^Dvx")):
        ax.plot(steps, values, marker=marker, markersize=5, color=colour, label=name)
    for text, loss in lines.items():
        ax.axhline(loss, color=GREY, linestyle="--", linewidth=1.2)
        above = loss == min(
            lines.values()
        )  # the others' names hang below, where no network comes to rest
        ax.annotate(
            text,
            (steps[-1], loss),
            xytext=(0, 3 if above else -3),
            textcoords="offset points",
            ha="right",
            va="baseline" if above else "top",
            color=QUIET,
            fontsize=9,
        )
    ax.set(xlabel="updates", ylabel="loss (nats per token)")
    ax.set_ylim(bottom=0)
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    return fig


_STATIONS = (  # of a block, in order: text, colour, beside the stream or on it
    ("layer norm", GREEN, True),
    ("attention", BLUE, True),
    ("+", ORANGE, False),
    ("layer norm", GREEN, True),
    ("MLP", BLUE, True),
    ("+", ORANGE, False),
)


def block_order() -> Figure:
    """The order of operations in one block: two branches leave the stream and are added to it."""
    fig, ax = plt.subplots(figsize=(5.8, 2.6))
    ax.annotate(
        "",
        (10.6, 0),
        xytext=(0, 0),
        arrowprops=dict(arrowstyle="-|>", linewidth=5, color=GREY, shrinkA=0, shrinkB=0),
    )
    ax.text(0.05, -0.25, "x in\n(B, T, C)", va="top")
    ax.text(10.6, -0.25, "x out\n(B, T, C)", va="top", ha="right")
    ax.text(5.3, -0.35, "residual stream", va="top", ha="center", color=QUIET)
    for begin in (0.9, 5.7):
        _draw_branch(ax, begin)
    for at, (text, colour, beside) in enumerate(_STATIONS):
        begin, place = (0.9, 5.7)[at // 3], at % 3
        if beside:
            _draw_box(ax, begin + 0.2 + 1.85 * place, text, colour)
        else:
            ax.text(
                begin + 3.95,
                0,
                text,
                ha="center",
                va="center",
                fontsize=14,
                color="black",
                bbox=dict(boxstyle="circle,pad=0.15", facecolor=colour, edgecolor="none"),
            )
    ax.set(xlim=(-0.1, 10.8), ylim=(-1.1, 2.1))
    ax.axis("off")
    return fig


def _draw_branch(ax: Axes, begin: float) -> None:
    """The way from the stream up, through two boxes, and down to the sum."""
    way = dict(color=GREY, linewidth=1.8)
    ax.plot([begin, begin, begin + 3.95], [0, 1.3, 1.3], **way)
    ax.annotate(
        "",
        (begin + 3.95, 0.3),
        xytext=(begin + 3.95, 1.33),
        arrowprops=dict(arrowstyle="->", shrinkA=0, shrinkB=0, **way),
    )


def _draw_box(ax: Axes, left: float, text: str, colour: str) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (left, 0.9),
            1.6,
            0.8,
            boxstyle="round,pad=0.03",
            zorder=3,
            facecolor=PAPER,
            edgecolor=colour,
            linewidth=2,
        )
    )
    ax.text(left + 0.8, 1.3, text, ha="center", va="center", fontsize=10, zorder=4)
