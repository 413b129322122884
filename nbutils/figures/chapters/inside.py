"""Pictures of chapter 3c: the values inside a transformer, what its heads do, where its knobs are.

Every function draws what it is given on new axes and returns the matplotlib figure.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..style import BLUE, CYCLE, GREY, ORANGE, SHARES, SIGNED, SKY, literal, on_share

_DARKEST = 0.5  # weights of this and more look alike, so that small ones can be seen


def values_at_positions(
    panels: Mapping[str, np.ndarray], pieces: Sequence[str], xlabel: str = "channel"
) -> Figure:
    """Numbers as colours, one panel below the other: a row for each position.

    panels: title -> array (T, n), coloured from minus to plus its largest size;
    pieces: the T tokens' texts; xlabel: what the n columns are.
    """
    size = (5.8, 0.35 + (0.45 + 0.115 * len(pieces)) * len(panels))
    fig, axes = plt.subplots(len(panels), 1, figsize=size, squeeze=False)
    for ax, (title, values) in zip(axes[:, 0], panels.items()):
        image = _signed(ax, values)
        ax.set_title(title, fontsize=10)
        ax.set_yticks(range(len(pieces)), [*map(literal, pieces)], fontsize=8, family="monospace")
        fig.colorbar(image, ax=ax, pad=0.01, aspect=12)
    axes[-1, 0].set_xlabel(xlabel)
    return fig


def _signed(ax: Axes, values: np.ndarray):
    most = float(np.abs(values).max()) or 1.0
    ax.grid(False)
    return ax.imshow(values, cmap=SIGNED, vmin=-most, vmax=most, aspect="auto")


def from_scores_to_weights(
    scores: np.ndarray, weights: np.ndarray, pieces: Sequence[str]
) -> Figure:
    """One head's scores before mask and softmax, and the weights after, both (T, T)."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(5.8, 3.1))
    fig.colorbar(_signed(left, scores), ax=left, location="bottom", aspect=16)
    fig.colorbar(_shares(right, weights), ax=right, location="bottom", aspect=16, extend="max")
    for ax, title in ((left, "scores"), (right, "weights")):
        ax.set_aspect("equal")
        ax.set_title(title, fontsize=10)
        ax.set_xticks(range(len(pieces)), [*map(literal, pieces)], fontsize=8, family="monospace")
        ax.set_yticks(range(len(pieces)), [*map(literal, pieces)], fontsize=8, family="monospace")
        ax.xaxis.tick_top()
    left.set_ylabel("position that looks (query)")
    fig.supxlabel("position that is looked at (key)", fontsize=10)
    return fig


def _shares(ax: Axes, weights: np.ndarray):
    ax.grid(False)
    return ax.imshow(weights, cmap=SHARES, vmin=0, vmax=_DARKEST)


def weights_of_all_heads(weights: np.ndarray, pieces: Sequence[str]) -> Figure:
    """Every head's weights: layers from top to bottom, heads side by side.

    weights: (layers, heads, T, T), rows look at columns; pieces: the T tokens' texts.
    """
    n_layer, n_head = weights.shape[:2]
    fig, axes = plt.subplots(
        n_layer, n_head, figsize=(5.8, 2.0 * n_layer), sharex=True, sharey=True, squeeze=False
    )
    for (layer, head), ax in np.ndenumerate(axes):
        image = _shares(ax, weights[layer, head])
        ax.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=9)
        ax.set_xticks(range(len(pieces)), [*map(literal, pieces)], fontsize=9, family="monospace")
        ax.set_yticks(range(len(pieces)), [*map(literal, pieces)], fontsize=9, family="monospace")
        ax.label_outer()
    fig.colorbar(
        image,
        ax=axes,
        location="bottom",
        aspect=40,
        shrink=0.6,
        extend="max",
        label="weight (rows look at columns)",
    )
    return fig


def table_of_numbers(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str = "",
    xlabel: str = "",
    form: str = "{:.2f}",
) -> Figure:
    """A table whose cells are coloured by their numbers, larger is darker.

    values: (rows, columns); form: how a number is written.
    """
    fig, ax = plt.subplots(figsize=(5.8, 1.1 + 0.3 * len(rows)))
    ax.grid(False)
    least, most = float(values.min()), float(values.max())
    ax.imshow(values, cmap=SHARES, vmin=least, vmax=most + 1e-9, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ax.text(
            column,
            row,
            form.format(value),
            ha="center",
            va="center",
            fontsize=9,
            color=on_share((value - least) / (most + 1e-9 - least)),
        )
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(title=title, xlabel=xlabel)
    return fig


def weight_on_letters(per_letter: np.ndarray, letters: Sequence[str], even: float) -> Figure:
    """Each head's mean weight on one letter of the question, at each place of the answer.

    per_letter: (heads, letters, places); even: the weight if a head looked everywhere alike.
    """
    heads, _, places = per_letter.shape
    fig, axes = plt.subplots(1, heads, figsize=(5.8, 2.7), sharey=True, squeeze=False)
    for head, ax in enumerate(axes[0]):
        for name, values, colour in zip(letters, per_letter[head], cycle(CYCLE)):
            ax.plot(range(1, places + 1), values, "o-", color=colour, markersize=4, label=name)
        ax.axhline(even, color=GREY, linestyle="--", linewidth=1)
        ax.set_title(f"head {head + 1}", fontsize=10)
        ax.set_xticks(range(1, places + 1))
    axes[0, 0].set_ylabel("weight on one such letter")
    axes[0, 0].set_ylim(bottom=0)
    fig.supxlabel("place in the answer that is being filled", fontsize=10)
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(letters)
    )
    return fig


def apart_by_stage(
    stages: Sequence[str], between: Mapping[str, Sequence[float]], within: Sequence[float]
) -> Figure:
    """How far two meanings of a word are apart at each stage of the network.

    stages: names from the token table to the last block; between: word -> cosine distance of its
    two meanings, the first word drawn boldly, at least one more beside it; within: the mean
    distance of two contexts that mean the same.
    """
    fig, ax = plt.subplots(figsize=(5.8, 3.3))
    first, *others = between
    for name in others:
        ax.plot(between[name], color=SKY, linewidth=1.2)
    ax.lines[-1].set_label(f"two meanings of the {len(others)} other words")
    ax.plot(between[first], color=BLUE, linewidth=2.4, label=f"two meanings of {first!r}")
    ax.plot(within, color=ORANGE, linestyle="--", label="one meaning, two contexts")
    ax.set_xticks(range(len(stages)), stages)
    ax.set_ylabel("cosine distance")
    fig.legend(loc="outside lower center", ncols=2, fontsize=9)
    return fig


def along_a_direction(stages: Sequence[str], places: Mapping[str, Sequence[float]]) -> Figure:
    """Where each thing stands on a direction from small (-1) to big (+1), after each block."""
    fig, ax = plt.subplots(figsize=(5.8, 3.2))
    for name, values in places.items():
        ax.plot(values, "o-", label=name)
    for edge in (-1, 1):
        ax.axhline(edge, color=GREY, linestyle="--", linewidth=1)
    ax.set_xticks(range(len(stages)), stages)
    ax.set_ylabel("size direction\n(−1 miniature, +1 famous)")
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    return fig


def where_parameters_sit(models: Mapping[str, Mapping[str, int]]) -> Figure:
    """Each model's parameters as shares of its total, one bar for each model.

    models: name -> part -> how many parameters; every model has the same parts.
    """
    fig, ax = plt.subplots(figsize=(5.8, 0.9 + 0.55 * len(models)))
    left = np.zeros(len(models))
    for part, colour in zip(next(iter(models.values())), cycle(CYCLE)):
        shares = [100 * parts[part] / sum(parts.values()) for parts in models.values()]
        ax.barh(range(len(models)), shares, left=left, color=colour, label=part, height=0.6)
        left += shares
    ax.set_yticks(range(len(models)), list(models))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="share of the parameters (%)", xlim=(0, 100))
    fig.legend(loc="outside upper center", ncols=3, fontsize=9)
    return fig


def weight_by_head(
    weights: Mapping[str, Mapping[str, np.ndarray]], even: Mapping[str, float]
) -> Figure:
    """How much weight each head gives from one place to another, one network below the other.

    weights: network -> the place that looks -> (layers, heads); even: the place that looks -> the
    weight if a head looked at all tokens alike, a dashed line in its colour.
    """
    fig, axes = plt.subplots(len(weights), 1, figsize=(5.8, 1.9 * len(weights)), sharex=True)
    for ax, (network, places) in zip(np.atleast_1d(axes), weights.items()):
        width = 0.8 / len(places)
        for i, ((place, values), colour) in enumerate(zip(places.items(), cycle(CYCLE))):
            at = np.arange(values.size) + (i - (len(places) - 1) / 2) * width
            ax.bar(at, np.ravel(values), width, color=colour, label=f"from {place}")
            ax.axhline(even[place], color=colour, linestyle="--", linewidth=1)
        ax.set(title=network, ylim=(0, 0.65))
        heads = [f"{layer + 1}.{head + 1}" for layer, head in np.ndindex(*np.shape(values))]
        ax.set_xticks(range(len(heads)), heads)
    ax.set_xlabel("layer.head; dashed: if it looked at all tokens alike")
    fig.supylabel("weight on the colour", fontsize=10)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def firing_rates(rates: np.ndarray) -> Figure:
    """How many hidden numbers of each layer are on how often. rates: (layers, n), from 0 to 1."""
    fig, axes = plt.subplots(1, len(rates), figsize=(5.8, 2.6), sharey=True, squeeze=False)
    for layer, (ax, row) in enumerate(zip(axes[0], rates), start=1):
        ax.hist(row, bins=np.linspace(0, 1, 21), color=BLUE)
        ax.set_title(f"layer {layer}", fontsize=10)
        ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes[0, 0].set_ylabel("hidden numbers")
    fig.supxlabel("share of the places at which it is on", fontsize=10)
    return fig
