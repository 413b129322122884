"""Pictures of chapter 2: what length costs, probabilities, the loss of every position.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ..style import BLUE, CYCLE, GREY, RED, visible


def cost_of_length(lengths: Sequence[int], seconds: Sequence[float]) -> Figure:
    """Measured seconds for one window against its length T, beside a cost in proportion to T."""
    fig, ax = plt.subplots()
    straight = [seconds[0] * n / lengths[0] for n in lengths]
    ax.plot(lengths, seconds, "o-", color=BLUE, label="measured")
    ax.plot(lengths, straight, "--", color=GREY, label="if twice as long cost twice as much")
    ax.set(xlabel="length of the window T (tokens)", ylabel="seconds for one window")
    ax.legend()
    return fig


def probability_bars(
    names: Sequence[str], rows: dict[str, Sequence[float]], title: str = ""
) -> Figure:
    """Horizontal bars of next-token probability: one group for each name, one bar for each row.

    names: the tokens' texts; rows: legend text -> probabilities, in the order of `names`.
    """
    height = 0.8 / len(rows)
    fig, ax = plt.subplots(figsize=(5.8, 1.3 + 0.2 * len(names) * max(1.2, len(rows))))
    for k, (name, values) in enumerate(rows.items()):
        at = np.arange(len(names)) + (k - (len(rows) - 1) / 2) * height
        ax.barh(at, values, height=height * 0.92, label=name)
    ax.set_yticks(range(len(names)), [visible(n) for n in names], family="monospace")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="probability of being the next token", title=title)
    fig.legend(loc="outside lower center", ncols=len(rows))
    return fig


def surprise(vocab_size: int) -> Figure:
    """The loss -ln p against the probability p that the label was given."""
    p = np.linspace(0.005, 1, 400)
    fig, ax = plt.subplots()
    ax.plot(p, -np.log(p), color=BLUE)
    for q in (0.01, 0.1, 0.5, 1.0):
        loss = math.log(1 / q)
        ax.plot(q, loss, "o", color=RED)
        ax.annotate(
            f"p = {q:g}: {loss:.2f}",
            (q, loss),
            xytext=(8, 6),
            textcoords="offset points",
            ha="right" if q == 1.0 else "left",
        )
    floor = math.log(vocab_size)
    ax.set(
        xlabel="probability p that was given to the label",
        ylabel="loss −ln p (nats)",
        title=f"guessing evenly among {vocab_size:,} tokens would cost {floor:.2f}",
    )
    return fig


def honest_score(q: Sequence[float], losses: dict[str, Sequence[float]], truth: float) -> Figure:
    """Average loss of answering q when the truth is `truth`, for several losses."""
    fig, ax = plt.subplots()
    for (name, values), colour in zip(losses.items(), cycle(CYCLE)):
        ax.plot(q, values, color=colour, label=name)
        best = int(np.argmin(values))
        ax.plot(q[best], values[best], "o", color=colour)
        ax.annotate(
            f"lowest at {q[best]:.2f}",
            (q[best], values[best]),
            xytext=(0, -14) if q[best] > 0.9 else (6, -14),  # beside the line of the truth
            textcoords="offset points",
            ha="right" if q[best] > 0.9 else "left",
        )
    ax.axvline(truth, color=GREY, linestyle="--", label=f"the truth, {truth:g}")
    ax.set(xlabel="probability q that you answer", ylabel="average loss", ylim=(0, 1.6))
    ax.legend(loc="lower left")
    return fig


def loss_of_each_token(pieces: Sequence[str], rows: dict[str, Sequence[float]]) -> Figure:
    """What each token of a text cost: a bar for each row above each token.

    pieces: the tokens' texts; rows: legend text -> losses in nats, one for each token.
    """
    width = 0.8 / len(rows)
    fig, ax = plt.subplots(figsize=(5.8, 3.2))
    for k, (name, losses) in enumerate(rows.items()):
        at = np.arange(len(pieces)) + (k - (len(rows) - 1) / 2) * width
        ax.bar(at, losses, width=width, label=name)
    ax.set_xticks(range(len(pieces)), [visible(p) for p in pieces], rotation=90, fontsize=8)
    ax.grid(axis="x", visible=False)
    ax.set(ylabel="loss (nats)", xlim=(-0.8, len(pieces) - 0.2))
    fig.legend(loc="outside upper center", ncols=len(rows))
    return fig


def model_against_truth(model: np.ndarray, truth: np.ndarray) -> Figure:
    """Every (context, token) pair as a point: the model's probability against the true one.

    model, truth: shape (n, V), rows that sum to 1. Points that both put near 0 are left out.
    """
    fig, ax = plt.subplots(figsize=(4.8, 4.3))
    shown = (truth > 0) | (model > 0.01)
    ax.plot(truth[shown], model[shown], ".", color=BLUE, alpha=0.35, markersize=5, rasterized=True)
    ax.plot([0, 1], [0, 1], "--", color=GREY, label="model = truth")
    ax.set(xlabel="true probability", ylabel="the model's probability", aspect="equal")
    ax.legend(loc="upper left")
    return fig
