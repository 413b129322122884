"""Pictures of chapter 5: what sampling does to the bars, what a cache saves, how sure a model is.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..style import BLUE, CYCLE, GREEN, GREY, ORANGE, PAPER, RED, TINTS, visible


def bars_beside_truth(
    names: Sequence[str], truth: Sequence[float], choices: dict[str, Sequence[float]]
) -> Figure:
    """A panel for each way to choose: its probabilities as bars, the true ones as marks.

    names: the tokens' texts; truth: their true probabilities; choices: title -> the
    probabilities of the same tokens. A bar that is too long for its panel has its value in it.
    """
    rows, longest = -(-len(choices) // 2), 2.2 * max(truth)
    fig, axes = plt.subplots(
        rows,
        2,
        figsize=(5.8, 0.9 + rows * (0.5 + 0.16 * len(names))),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    at = np.arange(len(names))
    for ax, (title, values) in zip(axes.flat, choices.items()):
        ax.barh(at, values, color=BLUE, label="drawn from")
        ax.plot(truth, at, "|", color=RED, markersize=8, markeredgewidth=2, label="truth")
        for y in np.flatnonzero(np.asarray(values) > longest):
            ax.text(
                longest,
                y,
                f"{values[y]:.2f} → ",
                color=PAPER,
                ha="right",
                va="center",
                fontsize=8,
            )
        ax.set_title(title, fontsize=10.5)
        ax.set(xlim=(0, longest), ylim=(len(names) - 0.4, -0.6))
        ax.grid(axis="y", visible=False)
    for ax in axes.flat[len(choices) :]:
        ax.axis("off")
    for ax in axes[:, 0]:
        ax.set_yticks(at, [visible(name) for name in names], family="monospace", fontsize=9)
    fig.supxlabel("probability of being the next token", fontsize=10.5)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def price_of_temperature(
    temperatures: Sequence[float],
    gaps: Sequence[float],
    tried: Sequence[float],
    impossible: Sequence[float],
) -> Figure:
    """Above: nats per token above the floor. Below: the share of impossible documents.

    gaps: one for each of `temperatures`; impossible: shares from 0 to 1, for each of `tried`.
    """
    fig, (above, below) = plt.subplots(2, sharex=True, figsize=(5.8, 4.4))
    above.plot(temperatures, gaps, "o-", color=BLUE)
    above.set(ylabel="nats per token\nabove the floor", ylim=(0, None))
    below.plot(tried, 100 * np.asarray(impossible), "o-", color=RED)
    below.set(xlabel="temperature", ylabel="impossible\ndocuments (%)", ylim=(-3, 103))
    for ax in (above, below):
        ax.axvline(1, color=GREY, linestyle="--")
    return fig


def computed_and_kept(panels: dict[str, np.ndarray], prompt: int) -> Figure:
    """Which positions each step computes: 1 computed, 2 kept from before, 0 not there yet.

    panels: title -> integers of shape (steps, positions); prompt: tokens before the first drawn.
    """
    colours = {"computed": BLUE, "kept": TINTS[0]}
    cells = ListedColormap([PAPER, *colours.values()])
    fig, axes = plt.subplots(1, len(panels), figsize=(5.8, 3.0), sharey=True, squeeze=False)
    for ax, (title, state) in zip(axes[0], panels.items()):
        ax.pcolormesh(state, cmap=cells, vmin=0, vmax=2, edgecolors=PAPER, linewidth=0.6)
        ax.axvline(prompt, color=ORANGE)
        ax.set_title(f"{title}: {(state == 1).sum()} computed", fontsize=10.5)
        ax.set(xlabel="position in the text", aspect="equal")
        ax.grid(visible=False)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_ylabel("step (one new token)")
    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    handles.append(plt.Line2D([], [], color=ORANGE, label="end of the prompt"))
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def time_of_each_token(lengths: Sequence[int], rows: dict[str, Sequence[float]]) -> Figure:
    """Milliseconds for one more token against the text's length so far.

    rows: legend text -> seconds, one for each of `lengths`.
    """
    fig, ax = plt.subplots()
    for name, seconds in rows.items():
        ax.plot(lengths, 1000 * np.asarray(seconds), "o-", label=name)
    ax.set(xlabel="tokens in the text so far", ylabel="time for one more (ms)", ylim=(0, None))
    ax.legend()
    return fig


def score_of_each_kind(
    kinds: Sequence[str], right: Sequence[float], guessing: Sequence[float]
) -> Figure:
    """Share of right answers as bars, one for each kind of question; a mark for a blind guess."""
    at = np.arange(len(kinds))
    fig, ax = plt.subplots(figsize=(5.8, 1.2 + 0.28 * len(kinds)))
    ax.barh(at, 100 * np.asarray(right), color=BLUE, label="the model")
    ax.plot(
        100 * np.asarray(guessing),
        at,
        "|",
        color=RED,
        markersize=11,
        markeredgewidth=2,
        label="a blind guess",
    )
    ax.set_yticks(at, kinds)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="right answers (%)", xlim=(0, 101))
    fig.legend(loc="outside lower center", ncols=2)
    return fig


def reliability(rows: dict[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """What was said against what is so, a line for each row, and the diagonal of honesty.

    rows: legend text -> (mean probability given, mean true probability) of each bin.
    """
    fig, ax = plt.subplots(figsize=(4.8, 4.3))
    ax.plot([0, 1], [0, 1], "--", color=GREY, label="said = true")
    for (name, (said, true)), colour in zip(rows.items(), cycle(CYCLE)):
        ax.plot(said, true, "o-", color=colour, label=name)
    ax.set(
        xlabel="probability that the model gave", ylabel="true probability (mean)", aspect="equal"
    )
    ax.legend(loc="lower right")
    return fig


def certainty(rows: dict[str, Sequence[float]]) -> Figure:
    """How often the model was how sure: a histogram for each row, one above the other.

    rows: title -> the probability of the likeliest answer, one for each question.
    """
    fig, axes = plt.subplots(
        len(rows), sharex=True, figsize=(5.8, 0.8 + 1.2 * len(rows)), squeeze=False
    )
    colours = (BLUE, RED, GREEN)
    for ax, (title, values), colour in zip(axes.flat, rows.items(), cycle(colours)):
        share = np.full(len(values), 100 / len(values))
        ax.hist(values, bins=np.linspace(0, 1, 21), weights=share, color=colour)
        ax.set_title(title, fontsize=10.5, loc="left")
        ax.set_ylabel("% of questions")
    axes[-1, 0].set(xlabel="probability of its likeliest answer", xlim=(0, 1))
    return fig
