"""Pictures of chapter 3a: a formula as its knobs turn, digits, weights, words as arrows.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..style import BLUE, GREY, INK, PAPER, RED, SIGNED

Slope = tuple[Sequence[float], Sequence[float], float, float, float]


def _value_map(ax: Axes, values: np.ndarray, reach: float):
    """Values from 0 (blue) to 1 (orange) over x1 and x2, and a line where they are one half."""
    values = np.asarray(values)
    x = np.linspace(-reach, reach, len(values))
    if values.min() < 0.5 < values.max():
        ax.contour(x, x, values, levels=[0.5], colors=INK, linewidths=1.2)
    ax.grid(visible=False)
    return ax.imshow(
        values, cmap=SIGNED, vmin=0, vmax=1, origin="lower", extent=(-reach, reach, -reach, reach)
    )


def knob_maps(rows: Sequence[Mapping[str, np.ndarray]], reach: float) -> Figure:
    """Small maps of a formula's value over x1 and x2: a row for each knob, a map for each setting.

    rows: in each, the map's title -> values, shape (n, n), at x2 (down) and x1 (across) from
    -reach to reach.
    """
    n = len(rows[0])
    fig, axes = plt.subplots(
        len(rows),
        n,
        figsize=(5.8, 0.45 + 1.5 * len(rows) * 4 / (n + 0.4)),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for row, maps in zip(axes, rows):
        for ax, (title, values) in zip(row, maps.items()):
            drawn = _value_map(ax, values, reach)
            ax.set_title(title, fontsize=10)
            ax.set(xlabel="x1", ylabel="x2")
            ax.label_outer()
    fig.colorbar(
        drawn, ax=axes, label="value of the formula", shrink=0.9 if len(rows) == 1 else 0.5
    )
    return fig


def maps_with_points(
    panels: Mapping[str, np.ndarray], points: np.ndarray, labels: Sequence[int], reach: float
) -> Figure:
    """Maps of several formulas side by side, each under the same labelled points.

    panels: title -> values as in ``knob_maps``; points: shape (n, 2); labels: 0 or 1 for each.
    """
    points, labels = np.asarray(points), np.asarray(labels)
    fig, axes = plt.subplots(1, len(panels), figsize=(5.8, 3.3), sharey=True, squeeze=False)
    for ax, (title, values) in zip(axes[0], panels.items()):
        _value_map(ax, values, reach)
        for label, marker, colour in ((0, "o", BLUE), (1, "^", RED)):
            chosen = points[labels == label]
            ax.plot(
                *chosen.T,
                marker,
                color=colour,
                markersize=5,
                markeredgecolor=PAPER,
                markeredgewidth=0.6,
                label=f"label {label}",
            )
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="x1", ylabel="x2")
        ax.label_outer()
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def knob_slopes(knobs: Mapping[str, Slope]) -> Figure:
    """The loss as each knob alone is turned, with the slope at the present setting.

    knobs: name -> (settings, losses at them, present setting, present loss, slope there).
    """
    fig, axes = plt.subplots(1, len(knobs), figsize=(5.8, 2.7), sharey=True, squeeze=False)
    for ax, (name, (settings, losses, at, loss, slope)) in zip(axes[0], knobs.items()):
        near = np.array([at - 2, at + 2])
        ax.plot(settings, losses, color=BLUE)
        ax.plot(near, loss + slope * (near - at), color=RED)
        ax.plot(at, loss, "o", color=RED)
        ax.set_title(f"slope {slope:+.2f}", fontsize=10)
        ax.set(xlabel=f"setting of {name}", ylabel="loss (nats)")
        ax.label_outer()
    return fig


def loss_by_turn(runs: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """The loss after each turn of all knobs: name -> the losses in nats of each of its starts."""
    fig, ax = plt.subplots()
    for (name, starts), colour in zip(runs.items(), cycle((BLUE, RED))):
        for number, losses in enumerate(starts):
            ax.plot(
                range(len(losses)),
                losses,
                color=colour,
                linewidth=1,
                alpha=0.8,
                label=None if number else name,
            )
    ax.set(xlabel="turns of all knobs", ylabel="loss (nats)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def _panels(n: int, columns: int) -> tuple[Figure, list[Axes]]:
    rows = -(-n // columns)
    fig, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(5.8, (5.8 / columns + 0.25) * rows)
    )
    for ax in axes.flat:
        ax.axis("off")
    return fig, list(axes.flat)


def pictures(images: Sequence[np.ndarray], captions: Sequence[str], columns: int = 5) -> Figure:
    """Grey pictures with a line above each. images: shape (h, w) each, 0 white to 1 black."""
    fig, axes = _panels(len(images), columns)
    for ax, image, caption in zip(axes, images, captions):
        ax.imshow(image, cmap="Greys", vmin=0, vmax=1)
        ax.set_title(caption, fontsize=10)
    return fig


def weight_pictures(weights: np.ndarray, columns: int = 4) -> Figure:
    """Each unit's weights as a picture, all on one scale: blue negative, white 0, orange positive.

    weights: shape (units, h, w).
    """
    weights = np.asarray(weights)
    most = np.abs(weights).max()
    fig, axes = _panels(len(weights), columns)
    for unit, (ax, picture) in enumerate(zip(axes, weights)):
        drawn = ax.imshow(picture, cmap=SIGNED, vmin=-most, vmax=most)
        ax.set_title(f"unit {unit}", fontsize=9)
    fig.colorbar(drawn, ax=axes, location="bottom", label="weight", shrink=0.6, aspect=30)
    return fig


def likeness_table(words: Sequence[str], likeness: np.ndarray) -> Figure:
    """The cosine of every pair of words as coloured squares. likeness: shape (n, n), -1 to 1."""
    n = len(words)
    fig, ax = plt.subplots(figsize=(5.6, 5.1))
    drawn = ax.imshow(likeness, cmap=SIGNED, vmin=-1, vmax=1)
    ax.set_xticks(range(n), words, rotation=90)
    ax.set_yticks(range(n), words)
    ax.grid(visible=False)
    fig.colorbar(drawn, ax=ax, label="cosine similarity", shrink=0.8)
    return fig


def relation_arrows(
    starts: np.ndarray, ends: np.ndarray, start_names: Sequence[str], end_names: Sequence[str]
) -> Figure:
    """Words as points of a plane, an arrow from each start to its end. Both of shape (n, 2).

    Starts are named in a column at their left, ends at their right, in the points' order from top
    to bottom and moved up where two names would overlap.
    """
    starts, ends = np.asarray(starts), np.asarray(ends)
    fig, ax = plt.subplots(figsize=(5.8, 5.4))
    for start, end in zip(starts, ends):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})
    gap = 0.042 * np.ptp(np.concatenate([starts, ends])[:, 1])
    left, right = starts[:, 0].min(), ends[:, 0].max()
    groups = (
        (starts, start_names, BLUE, "o", left, "right"),
        (ends, end_names, RED, "^", right, "left"),
    )
    for points, names, colour, marker, column, align in groups:
        ax.plot(*points.T, marker, color=colour, markersize=5)
        for name, height in zip(names, _kept_apart(points[:, 1], gap)):
            ax.annotate(
                name,
                (column, height),
                xytext=(8 if align == "left" else -8, 0),
                textcoords="offset points",
                ha=align,
                va="center",
                fontsize=9.5,
                color=colour,
            )
    ax.margins(x=0.36)
    ax.set(xlabel="along the mean arrow (no unit)", ylabel="along the widest spread (no unit)")
    return fig


def _kept_apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """The heights, each moved up as far as it must be to stand `gap` above the next lower one."""
    order, apart = np.argsort(heights), heights.astype(float)
    for below, above in zip(order, order[1:]):
        apart[above] = max(apart[above], apart[below] + gap)
    return apart


def likeness_spread(pairs: Mapping[str, float], all_pairs: Sequence[float]) -> Figure:
    """Named pairs of words by their cosine, above how often each cosine is that of any two words.

    pairs: name -> cosine; all_pairs: the cosines of all pairs, in any order.
    """
    fig, (above, below) = plt.subplots(
        2, 1, figsize=(5.8, 1.9 + 0.2 * len(pairs)), sharex=True, height_ratios=(len(pairs), 7)
    )
    ordered = sorted(pairs.items(), key=lambda pair: pair[1])
    above.plot([cosine for _, cosine in ordered], [name for name, _ in ordered], "o", color=RED)
    below.hist(np.asarray(all_pairs), np.linspace(-1, 1, 41), color=GREY)
    for ax in (above, below):
        ax.axvline(0, color=INK, linewidth=0.8)
    above.tick_params(axis="y", labelsize=9)
    below.set(xlim=(-1, 1), xlabel="cosine similarity", ylabel="pairs")
    below.set_xticks([-1, -0.5, 0, 0.5, 1])
    below.yaxis.set_major_formatter("{x:,.0f}")
    return fig


def share_by_removed(
    removed: Sequence[int], shares: Sequence[Sequence[float]], width: int
) -> Figure:
    """Which share is right when numbers of a vector are removed: a dot a draw, a line of means.

    removed: how many numbers were removed; shares: for each the shares of its draws, from 0 to 1;
    width: how many numbers there are.
    """
    fig, ax = plt.subplots()
    for count, draws in zip(removed, shares):
        ax.plot([count] * len(draws), draws, "o", color=BLUE, markersize=4)
    ax.plot(removed, [np.mean(draws) for draws in shares], color=BLUE)
    ax.set(xlabel=f"numbers removed, of {width}", ylabel="answered right", ylim=(0, 1.05))
    ax.set_xticks(range(0, width + 1, width // 8))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return fig


def share_by_move(moves: Sequence[int], shares: Mapping[str, Sequence[float]]) -> Figure:
    """Which share of pictures is read right after a move: network -> shares, one for each move.

    moves: pixels to the right; a negative number is a move to the left.
    """
    fig, ax = plt.subplots()
    for (name, values), colour, marker in zip(shares.items(), cycle((BLUE, RED)), cycle("os")):
        ax.plot(moves, values, marker=marker, color=colour, label=name)
    ax.set(xlabel="moved to the right (pixels)", ylabel="read right", ylim=(0, 1.05))
    ax.set_xticks(moves)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.legend()
    return fig
