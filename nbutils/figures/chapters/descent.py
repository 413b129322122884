"""Pictures of chapter 4a: the way back through a network, paths downhill, runs side by side.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..style import BLUE, CYCLE, GREY, IDLE, INK, ORANGE, RED, SHARES, SIGNED, SKY

Curve = tuple[Sequence[float], Sequence[float]]  # updates, losses in nats per token


def there_and_back(steps: Sequence[tuple[str, str]]) -> Figure:
    """The steps of a network as boxes, values going down on the right, slopes up on the left.

    steps: (name, shape of what leaves the step), the input first.
    """
    fig, ax = plt.subplots(figsize=(5.6, 0.62 * len(steps)))
    for row, (name, shape) in enumerate(steps):
        ax.text(
            0,
            -row,
            name,
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": IDLE, "edgecolor": BLUE},
        )
        ax.text(1.25, -row, shape, ha="left", va="center", family="monospace", color=BLUE)
        ax.text(-1.25, -row, shape, ha="right", va="center", family="monospace", color=RED)
        if row:
            ax.annotate(
                "",
                (0.95, -row - 0.1),
                (0.95, -row + 0.9),
                arrowprops={"arrowstyle": "->", "color": BLUE},
            )
            ax.annotate(
                "",
                (-0.95, -row + 0.9),
                (-0.95, -row - 0.1),
                arrowprops={"arrowstyle": "->", "color": RED},
            )
    ax.text(1.25, 0.75, "forward: values", color=BLUE)
    ax.text(-1.25, 0.75, "backward: slopes", color=RED, ha="right")
    ax.set(xlim=(-2.9, 2.9), ylim=(0.5 - len(steps), 1.2))
    ax.axis("off")
    return fig


def probability_and_slope(names: Sequence[str], p: Sequence[float], y: Sequence[float]) -> Figure:
    """Above: the probabilities p and the label y; below: p - y, the slope for each logit."""
    fig, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(5.8, 3.4))
    at = np.arange(len(names))
    top.bar(at - 0.2, p, 0.4, color=BLUE, label="probability p")
    top.bar(at + 0.2, y, 0.4, color=ORANGE, label="label y")
    top.set(ylabel="probability", ylim=(0, 1.15))
    top.legend(ncols=2, loc="upper right")
    bottom.bar(at, np.asarray(p) - np.asarray(y), 0.5, color=RED)
    bottom.axhline(0, color=INK, linewidth=0.8)
    bottom.set_xticks(at, names)
    bottom.set(ylabel="slope p − y", xlabel="token")
    return fig


def weights_and_slopes(weights: np.ndarray, slopes: np.ndarray) -> Figure:
    """Attention weights of one head, and how the loss changes with each score before the softmax.

    Both (T, T), rows are queries. Slopes: blue where the loss falls with the score, orange where
    it rises.
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.8, 2.9))
    most = np.abs(slopes).max()
    kinds = (
        ("weights", weights, SHARES, 0, 1),
        ("slopes of the scores", slopes, SIGNED, -most, most),
    )
    for ax, (title, values, colours, low, high) in zip(axes, kinds):
        image = ax.imshow(values, cmap=colours, vmin=low, vmax=high)
        fig.colorbar(image, ax=ax, shrink=0.75)
        ax.set(title=title, xlabel="looks at position")
        ax.set(xticks=range(len(values)), yticks=range(len(values)))
        ax.grid(visible=False)
    axes[0].set_ylabel("position")
    return fig


def valley(
    a: np.ndarray, b: np.ndarray, height: np.ndarray, paths: Mapping[str, np.ndarray]
) -> Figure:
    """Paths over a valley's contour lines, one panel for each.

    a, b: the axes of the grid, shapes (n,) and (m,); height: (m, n); paths: title -> (steps + 1,
    2), the places (a, b) visited.
    """
    fig, axes = plt.subplots(
        len(paths), 1, figsize=(5.6, 1.75 * len(paths)), sharex=True, squeeze=False
    )
    levels = np.geomspace(height.max() / 300, height.max(), 9)
    for ax, (title, path), colour in zip(axes[:, 0], paths.items(), cycle(CYCLE)):
        ax.contour(a, b, height, levels=levels, colors="#BBBBBB", linewidths=0.8)
        ax.plot(path[:, 0], path[:, 1], "o-", color=colour, markersize=3, linewidth=1.2)
        ax.plot(0, 0, "x", color=INK)
        ax.set(title=title, ylabel="knob b", xlim=(a[0], a[-1]), ylim=(b[0], b[-1]))
        ax.grid(visible=False)
    axes[-1, 0].set_xlabel("knob a")
    return fig


def schedules(rates: Mapping[str, Sequence[float]]) -> Figure:
    """The learning rate of each update."""
    fig, ax = plt.subplots(figsize=(5.8, 2.4))
    for name, values in rates.items():
        ax.plot(range(len(values)), values, label=name)
    ax.set(xlabel="update", ylabel="learning rate")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper right")
    return fig


def runs(curves: Mapping[str, Curve], floor: float) -> Figure:
    """Training losses of several runs, with the floor of the data."""
    fig, ax = plt.subplots(figsize=(5.8, 3.2))
    for name, (steps, losses) in curves.items():
        ax.plot(steps, losses, label=name)
    ax.axhline(floor, color=GREY, linestyle="--", label=f"floor: {floor:.2f}")
    ax.set(xlabel="updates", ylabel="loss (nats per token)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def by_learning_rate(rates: Sequence[float], losses: Mapping[str, Sequence[float]]) -> Figure:
    """The loss at the end of runs against their highest learning rate, a line for each recipe."""
    fig, ax = plt.subplots(figsize=(5.8, 3.2))
    for (name, values), marker in zip(losses.items(), cycle("os^D")):
        ax.plot(rates, values, marker + "-", label=name)
    ax.set(xlabel="highest learning rate", ylabel="validation loss (nats per token)", xscale="log")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    fig.legend(loc="outside upper center", ncols=len(losses))
    return fig


def gradient_lengths(lengths: Sequence[float], limit: float) -> Figure:
    """The gradient's length at each update, with the length at which it is clipped."""
    fig, ax = plt.subplots(figsize=(5.8, 2.5))
    ax.plot(range(len(lengths)), lengths, color=BLUE, linewidth=1.2)
    ax.axhline(limit, color=RED, linestyle="--", label=f"clipped to {limit:g}")
    ax.set(xlabel="update", ylabel="length of the gradient", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.legend()
    return fig


def gradient_errors(sizes: Sequence[int], errors: Sequence[float]) -> Figure:
    """How far a batch's gradient is off, against the batch's size, beside a fall as 1 / sqrt(B)."""
    fig, ax = plt.subplots()
    law = [errors[0] * (sizes[0] / size) ** 0.5 for size in sizes]
    ax.plot(sizes, errors, "o-", color=BLUE, label="measured")
    ax.plot(sizes, law, "--", color=GREY, label="1 / √B")
    ax.set(
        xlabel="batch size B (windows)", ylabel="error / true gradient", xscale="log", yscale="log"
    )
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set_yticks(errors, [f"{error:.1f}" for error in errors])
    ax.minorticks_off()
    ax.legend()
    return fig


def patients(broken: Mapping[str, tuple[Curve, Curve]], healthy: Curve, floor: float) -> Figure:
    """Runs that went wrong, a panel for each: training and validation loss beside a healthy run's.

    broken: title -> (training curve, validation curve); healthy: a validation curve; floor: the
    data's, in nats per token.
    """
    rows = len(broken) // 2 + 1  # the legend needs a panel too
    fig, axes = plt.subplots(rows, 2, figsize=(5.8, 2.1 * rows), sharex=True, sharey=True)
    for ax in axes.flat[len(broken) :]:
        ax.axis("off")
    for ax, (title, (train, val)) in zip(axes.flat, broken.items()):
        ax.plot(*healthy, color=SKY, linewidth=1.2, label="healthy, validation")
        ax.plot(*train, color=BLUE, label="training")
        ax.plot(*val, color=ORANGE, label="validation")
        ax.axhline(floor, color=GREY, linestyle="--", label="floor")
        ax.set_title(title)
        ax.tick_params(labelbottom=True)
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center")
    fig.supxlabel("updates", fontsize=10.5)
    fig.supylabel("loss (nats per token)", fontsize=10.5)
    return fig
