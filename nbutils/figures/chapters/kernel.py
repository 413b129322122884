"""Chapter 6b's pictures: programs over an array, tiles over attention's table, time and bytes over length.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ..style import GREY, IDLE, INK, PAPER, TINTS


def programs(n: int, block: int) -> Figure:
    """Which of ``n`` numbers each program takes, ``block`` places in a row, a program a row.

    Places beyond the last number are drawn apart: there the mask is false.
    """
    count = -(-n // block)
    inside = (np.arange(count * block) < n).reshape(count, block)
    fig, ax = plt.subplots(figsize=(5.8, 0.9 + 0.34 * count))
    ax.pcolormesh(inside, cmap=ListedColormap([IDLE, TINTS[0]]), vmin=0, vmax=1, edgecolors=PAPER)
    for row in range(count):
        first, last = row * block, min((row + 1) * block, n) - 1
        ax.text(0.4, row + 0.5, str(first), va="center", fontsize=8.5, color=INK)
        ax.text(
            last % block + 0.6,
            row + 0.5,
            str(last),
            va="center",
            ha="right",
            fontsize=8.5,
            color=INK,
        )
        if last % block < block - 1:
            ax.text(
                last % block + 1.6, row + 0.5, "mask is false", va="center", fontsize=8.5, color=INK
            )
    ax.set(xlabel=f"place in the block, 0 to {block - 1}", ylabel="program")
    ax.set_xticks(
        np.arange(0, block, max(1, block // 8)) + 0.5, range(0, block, max(1, block // 8))
    )
    ax.set_yticks(np.arange(count) + 0.5, range(count))
    ax.invert_yaxis()
    ax.grid(visible=False)
    return fig


def tiles_visited(
    T: int, tile: tuple[int, int], steps: Sequence[tuple[int, int, float, float]]
) -> Figure:
    """Attention's table of T times T weights, cut into tiles, each visited one with what is kept after it.

    tile: (queries, keys); steps: (first query, first key, running maximum, running sum) in the order of the visits. A
    tile that the causal mask cuts has another colour than a whole one; those never visited are grey.
    """
    rows, columns = -(-T // tile[0]), -(-T // tile[1])
    kind = np.zeros((rows, columns))
    fig, ax = plt.subplots(figsize=(5.8, 1.0 + 0.62 * rows))
    for number, (query, key, maximum, total) in enumerate(steps, 1):
        row, column = query // tile[0], key // tile[1]
        kind[row, column] = 1 + (key + tile[1] - 1 > query)
        told = f"{number}\nmax {maximum:.2f}\nsum {total:.2f}"
        ax.text(column + 0.5, row + 0.5, told, ha="center", va="center", fontsize=10.5, color=INK)
    colors = ListedColormap([IDLE, *TINTS[:2]])
    ax.pcolormesh(kind, cmap=colors, vmin=0, vmax=2, edgecolors=PAPER, linewidth=2)
    ends = [
        (size, min(size + step, T) - 1)
        for step, n in zip(tile, (rows, columns))
        for size in range(0, n * step, step)
    ]
    labels = [f"{first} to {last}" for first, last in ends]
    ax.set_yticks(np.arange(rows) + 0.5, labels[:rows])
    ax.set_xticks(np.arange(columns) + 0.5, labels[rows:])
    ax.set(xlabel="keys", ylabel="queries")
    ax.invert_yaxis()
    ax.grid(visible=False)
    swatches = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors.colors]
    names = ("skipped", "whole", "cut by the mask")
    fig.legend(swatches, names, loc="outside lower center", ncols=3, fontsize=9)
    return fig


def time_and_bytes(
    lengths: Sequence[int],
    milliseconds: dict[str, Sequence[float]],
    moved: dict[str, Sequence[float]],
) -> Figure:
    """Time (left) and bytes moved (right) over the number of tokens, all axes growing by factors.

    milliseconds, moved: name -> one number for each length, from the shortest on; a list that ends early stops there.
    ``moved`` is in bytes. What stands in both has one colour.
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.8, 3.3))
    colors = {name: f"C{i}" for i, name in enumerate({**milliseconds, **moved})}
    for ax, curves, unit in zip(axes, (milliseconds, moved), (1, 1e6)):
        for (name, values), marker in zip(curves.items(), cycle("osv")):
            values = np.asarray(values) / unit
            ax.plot(lengths[: len(values)], values, marker=marker, color=colors[name], label=name)
        ax.set(xscale="log", yscale="log", xlabel="tokens, T")
        ax.set_xticks(lengths, [f"{length:,}" for length in lengths], rotation=45)
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
    axes[0].set(ylabel="time (ms)")
    axes[1].set(ylabel="moved (MB)")
    shown = {line.get_label(): line for ax in axes for line in ax.lines}
    fig.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=2, fontsize=9)
    return fig


def read_in_pieces(row: Sequence[float], size: int, kept: Sequence[tuple[float, float]]) -> Figure:
    """A row of numbers, read a piece at a time, with the running maximum and sum after each piece.

    kept: (maximum, sum) after each piece. Only what stands in the picture is kept between two pieces.
    """
    fig, (above, below) = plt.subplots(2, 1, figsize=(5.8, 3.6), sharex=True)
    colors = [TINTS[at // size % 2] for at in range(len(row))]
    above.bar(range(len(row)), row, color=colors, edgecolor=GREY, linewidth=0.5)
    ends = np.array([*range(0, len(row), size), len(row)])
    maxima, totals = zip(*kept)
    above.stairs(
        maxima, ends - 0.5, baseline=None, color="C3", linewidth=2, label="running maximum"
    )
    below.stairs(
        totals,
        ends - 0.5,
        baseline=None,
        color="C0",
        linewidth=2,
        label="running sum of exponentials",
    )
    above.set(ylabel="score")
    below.set(ylabel="sum", xlabel="place in the row")
    below.set_ylim(bottom=0)
    above.margins(y=0.3)
    above.legend(loc="upper left", fontsize=9)
    below.legend(loc="lower left", fontsize=9)
    return fig
