"""Pictures of large runs: where work and memory go, laws of scale, who holds what.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ..style import BLUE, CYCLE, GREY, PAPER, RED

MARKERS = "os^Dv*"


def attention_share(lengths: Sequence[int], shares: Mapping[str, Sequence[float]]) -> Figure:
    """How much of the work is attention's products, by the length of the window.

    lengths: tokens in a window; shares: network -> share of all FLOPs, one for each length.
    """
    fig, ax = plt.subplots()
    for (name, values), marker in zip(shares.items(), cycle(MARKERS)):
        ax.plot(lengths, values, marker=marker, markersize=4, label=name)
    ax.axhline(0.5, color=GREY, linestyle="--", linewidth=1)
    ax.set(xscale="log", ylim=(0, 1), xlabel="T: tokens in a window", ylabel="attention's share")
    ax.set_xticks(lengths, [f"{length:,}" for length in lengths], rotation=30, fontsize=8.5)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.legend()
    return fig


def memory_bars(
    bars: Mapping[str, Mapping[str, float]], limits: Mapping[str, float] | None = None
) -> Figure:
    """What lies in memory, by part, one bar for each plan.

    bars: plan -> part -> bytes, with the same parts in each; limits: chip -> bytes that it has,
    drawn as lines.
    """
    fig, ax = plt.subplots(figsize=(5.8, 1.5 + 0.38 * len(bars)))
    names = list(bars)
    left = np.zeros(len(names))
    for part, colour in zip(bars[names[0]], CYCLE):
        widths = np.array([bars[name][part] for name in names]) / 1e9
        ax.barh(names, widths, left=left, color=colour, label=part, height=0.65)
        left += widths
    for chip, size in (limits or {}).items():
        ax.axvline(size / 1e9, color=GREY, linestyle="--", linewidth=1)
        ax.text(size / 1e9, -0.55, f" {chip}", color=GREY, fontsize=8.5, ha="left")
    ax.invert_yaxis()
    ax.margins(x=0.12)  # room for the last chip's name
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("memory (GB)")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return fig


def same_cost(
    sizes: Sequence[float], losses: Mapping[str, Sequence[float]], best: Mapping[str, float]
) -> Figure:
    """Loss by the network's size where all runs of a curve cost the same.

    sizes: parameters; losses: budget -> loss for each size; best: budget -> the size with the
    lowest loss, marked on its curve.
    """
    fig, ax = plt.subplots()
    for (budget, values), colour in zip(losses.items(), CYCLE):
        ax.plot(sizes, values, color=colour, label=budget)
        lowest = np.interp(np.log(best[budget]), np.log(sizes), values)
        ax.plot(best[budget], lowest, "o", color=colour)
    lows = [min(values) for values in losses.values()]
    ax.set_ylim(min(lows) - 0.2, max(lows) + 1)  # the arms go on
    ax.set(xscale="log", xlabel="N: parameters", ylabel="loss (nats per token)")
    ax.legend(title="FLOPs", fontsize=9)
    return fig


def law(
    sizes: Sequence[float],
    tokens: Sequence[float],
    above: Sequence[float],
    predict: Callable[[np.ndarray, float], np.ndarray],
    unseen: tuple[float, float, float] | None = None,
) -> Figure:
    """Measured losses above the floor and the law fitted to them, by size, on two log axes.

    sizes, tokens, above: one number for each run: parameters, training tokens, nats per token
    above the floor. predict: the law's answer for sizes and one number of tokens, drawn as one
    line for each number of tokens. unseen: size, tokens and loss of a run that the law has not
    seen, drawn as a star with the law's line to it.
    """
    sizes, tokens, above = np.array(sizes), np.array(tokens), np.array(above)
    fig, ax = plt.subplots(figsize=(5.8, 3.6))
    last = max(sizes.max(), unseen[0] if unseen else 0)
    line = np.geomspace(sizes.min(), last, 50)
    for count, marker, colour in zip(np.unique(tokens), cycle(MARKERS), cycle(CYCLE)):
        here = tokens == count
        ax.plot(line, predict(line, count), color=colour, linewidth=1.2)
        ax.plot(sizes[here], above[here], marker, color=colour, markersize=5, label=f"{count:,}")
    if unseen:
        ax.plot(line, predict(line, unseen[1]), color=GREY, linewidth=1.2, linestyle="--")
        label = f"{unseen[1]:,} (unseen)"
        ax.plot(unseen[0], unseen[2], "*", color=RED, markersize=12, label=label)
    ax.set(xscale="log", yscale="log", xlabel="N: parameters", ylabel="loss above the floor (nats)")
    ticks = np.unique([*sizes, *(unseen[:1] if unseen else ())])
    ax.set_xticks(ticks, [f"{size:,.0f}" for size in ticks], rotation=30, fontsize=8.5)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    fig.legend(loc="outside lower center", ncols=3, title="D: tokens read", fontsize=9)
    return fig


def who_holds_what(
    held: Mapping[str, Sequence[Sequence[np.ndarray]]], names: Sequence[str]
) -> Figure:
    """Which part of each matrix lies in each process, for several ways to share.

    held: way -> process -> one array of True (held) and False for each matrix in ``names``.
    """
    processes = len(next(iter(held.values())))
    columns = processes * len(names)
    fig, axes = plt.subplots(
        len(held), columns, figsize=(5.8, 0.4 + 0.95 * len(held)), squeeze=False
    )
    shades = ListedColormap([PAPER, BLUE])
    for i, (way, per_process) in enumerate(held.items()):
        masks = [mask for matrices in per_process for mask in matrices]
        for column, (ax, mask) in enumerate(zip(axes[i], masks)):
            ax.pcolormesh(np.flipud(mask), cmap=shades, vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[], aspect="equal")
            ax.spines[["top", "right"]].set_visible(True)
            if i == 0:
                process, matrix = divmod(column, len(names))
                ax.set_title(f"process {process}\n{names[matrix]}", fontsize=8.5)
        axes[i, 0].set_ylabel(way, rotation=0, ha="right", va="center", fontsize=9)
    return fig
