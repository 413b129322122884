"""Pictures of training: how the loss falls, and the floor that it can't pass.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Sequence
from itertools import cycle

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils.progress import History

from ..style import BLUE, GREY, ORANGE


def draw_losses(ax: Axes, history: History, floor: float | None = None) -> None:
    """Training and validation loss over the updates, on the given axes (see `loss_curve`)."""
    ax.plot(history.steps, history.train_losses, color=BLUE, label="training")
    ax.plot(history.steps, history.val_losses, color=ORANGE, label="validation")
    if floor is not None:
        ax.axhline(floor, color=GREY, linestyle="--", label=f"floor: {floor:.3f}")
    ax.set(xlabel="updates", ylabel="loss (nats per token)")
    ax.set_ylim(bottom=0)


def loss_curve(history: History, floor: float | None = None) -> Figure:
    """Training and validation loss over the updates.

    history: what `training.train` returned; floor: the loss that the true distribution itself
    gets, in nats per token, drawn as a line if it is known.
    """
    fig, ax = plt.subplots()
    draw_losses(ax, history, floor)
    ax.legend()
    return fig


def runs_compared(histories: dict[str, History], floor: float | None = None) -> Figure:
    """The two curves of several runs side by side, with one scale: title -> history."""
    fig, axes = plt.subplots(1, len(histories), sharey=True, squeeze=False, figsize=(5.8, 2.7))
    for ax, (title, history) in zip(axes[0], histories.items()):
        draw_losses(ax, history, floor)
        ax.set_title(title, fontsize=10)
        ax.label_outer()
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def gap_by_kind(steps: Sequence[int], gaps: dict[str, Sequence[float]]) -> Figure:
    """How far the loss stands above the truth's own at each kind of place, as a run goes on.

    steps: updates done, 0 first; gaps: kind -> nats per token above the floor, one for each step.
    Both axes grow by factors; step 0 stands at the left edge.
    """
    fig, ax = plt.subplots(figsize=(5.8, 3.6))
    for (kind, values), marker in zip(gaps.items(), cycle("os^Dv")):
        ax.plot(steps, values, marker=marker, markersize=4, label=kind)
    ax.set_xscale("symlog", linthresh=steps[1], linscale=0.3)
    ticks = [0]
    for step in steps[1:]:
        if step >= 1.4 * ticks[-1]:  # closer labels would overlap
            ticks.append(step)
    ax.set_xticks(ticks, [f"{step:,}" for step in ticks], rotation=60, fontsize=8.5)
    ax.set(xlabel="updates", ylabel="loss above the floor (nats)", yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    fig.legend(loc="outside lower center", ncols=3)
    return fig
