"""Pictures of chapter 1: text as coloured tokens, vocabularies, languages, a picture and a tone.

``strips`` returns HTML: its pieces are real text, which wraps on a narrow screen. The others draw
what they are given on new axes and return the matplotlib figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
from IPython.display import HTML
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..style import BLUE, CYCLE, GREY, ORANGE, SKY, TINTS, Rim, spelled

_STRIP = "display:flex;flex-wrap:wrap;gap:2px;margin:0 0 .7em 0;line-height:1.25"
_PIECE = (
    "display:inline-block;padding:2px 5px;border-radius:4px;text-align:center;color:#111;"
    "font-family:monospace;background:"
)
_SIZE = (5.6, 3.2)  # inches: small enough that the labels stay readable on a phone


def strips(rows: Mapping[str, Iterable[tuple[int, bytes]]]) -> HTML:
    """Each row's tokens as coloured pieces, with the ids below and the row's name above.

    rows: name of a row -> its tokens as (id, bytes), as ``nbutils.tokens.pieces`` gives them.
    A space is drawn as a dot; bytes that are no whole character are drawn as hexadecimals.
    """
    return HTML("\n".join(f"{_name(name)}{_strip(tokens)}" for name, tokens in rows.items()))


def _name(name: str) -> str:
    return f'<div style="font-size:.85em;white-space:pre-wrap">{escape(name)}</div>'


def _strip(tokens: Iterable[tuple[int, bytes]]) -> str:
    spans = "".join(
        f'<span style="{_PIECE}{TINTS[at % len(TINTS)]}">{escape(spelled(piece))}'
        f'<br><small style="color:#333">{token}</small></span>'
        for at, (token, piece) in enumerate(tokens)
    )
    return f'<div style="{_STRIP}">{spans}</div>'


def size_against_length(symbols: Mapping[str, tuple[int, int]]) -> Figure:
    """One point a way of writing a text: how many different symbols, how many in a row.

    symbols: name of the way -> (different symbols, length of the text in symbols).
    """
    fig, ax = plt.subplots(figsize=_SIZE)
    for at, (name, (size, length)) in enumerate(symbols.items()):
        ax.plot(size, length, "o", markersize=9, color=CYCLE[at % len(CYCLE)])
        ax.annotate(name, (size, length), xytext=(0, 10), ha="center", textcoords="offset points")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="different symbols (vocabulary)",
        ylabel="length of the text (symbols)",
    )
    ax.margins(x=0.15, y=0.2)
    return fig


def vocabulary_growth(curves: Mapping[str, tuple[Sequence[int], Sequence[int]]]) -> Figure:
    """Different words against words read: one curve for each text.

    curves: name of the text -> (words read, different words among them).
    """
    fig, ax = plt.subplots(figsize=_SIZE)
    for at, (name, (read, different)) in enumerate(curves.items()):
        ax.plot(read, different, color=CYCLE[at % len(CYCLE)], linestyle=("-", "--", ":")[at % 3])
        ax.annotate(
            name, (read[-1], different[-1]), xytext=(0, 7), ha="right", textcoords="offset points"
        )
    ax.set(xlabel="words read", ylabel="different words so far")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.margins(y=0.15)
    return fig


def bytes_a_token(
    sizes: Sequence[int], measured: Sequence[float], other: float, other_name: str
) -> Figure:
    """Bytes that a token covers against vocabulary size, beside one other encoding's."""
    fig, ax = plt.subplots(figsize=_SIZE)
    ax.plot(sizes, measured, "o-", color=BLUE, label="our BPE")
    ax.axhline(other, color=GREY, linestyle="--", label=other_name)
    ax.set(
        xscale="log",
        xlabel="tokens in the vocabulary",
        ylabel="bytes a token",
        ylim=(0, 1.1 * max(*measured, other)),
    )
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    ax.legend(loc="lower right")
    return fig


def tokens_a_character(english: Mapping[str, float], korean: Mapping[str, float]) -> Figure:
    """Tokens a character for each encoding, a bar for English and one for Korean."""
    fig, ax = plt.subplots(figsize=_SIZE)
    for side, (language, colour, values) in enumerate(
        (("English", BLUE, english), ("Korean", ORANGE, korean))
    ):
        at = [row + 0.4 * side for row in range(len(values))]
        bars = ax.barh(at, list(values.values()), height=0.36, color=colour, label=language)
        ax.bar_label(bars, fmt="%.2f", padding=3)
    ax.set_yticks([row + 0.2 for row in range(len(english))], list(english))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="tokens a character")
    ax.margins(x=0.1)
    ax.legend(loc="lower right")
    return fig


def picture_and_tone(
    picture: np.ndarray,
    ids: np.ndarray,
    restored: np.ndarray,
    milliseconds: Sequence[float],
    curves: Mapping[str, Sequence[float]],
) -> Figure:
    """A picture in patches and as it comes back from ids; below, a sound as it comes back.

    picture, restored: pixels (rows, columns), black 0 and white 1; ids: the number of each patch,
    (patches down, patches across). curves: name -> the sound at each of the milliseconds, of
    which the first is drawn as it was, and the others as steps.
    """
    fig = plt.figure(figsize=(5.6, 5.2))
    above, below = fig.subfigures(2, 1, height_ratios=(1.25, 1))
    axes = above.subplots(1, 2)
    for ax, pixels, title in zip(
        axes, (picture, restored), ("cut into patches", "put together from ids")
    ):
        _patches(ax, pixels, ids.shape)
        ax.set_title(title, fontsize=10)
    _numbers(axes[1], restored.shape, ids)
    ax = below.subplots()
    for (name, sound), colour, width in zip(curves.items(), (GREY, ORANGE, BLUE), (4.0, 1.6, 1.6)):
        style = "default" if colour == GREY else "steps-mid"
        ax.plot(milliseconds, sound, color=colour, linewidth=width, drawstyle=style, label=name)
    ax.set(xlabel="milliseconds", ylabel="sound")
    below.legend(loc="outside lower center", ncols=len(curves), fontsize=9)
    return fig


def _patches(ax: Axes, pixels: np.ndarray, patches: tuple[int, int]) -> None:
    """A picture with the lines along which it is cut."""
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    for size, count, line in zip(pixels.shape, patches, (ax.axhline, ax.axvline)):
        for at in range(1, count):
            line(at * size / count - 0.5, color=SKY, linewidth=0.8)
    ax.axis("off")


def _numbers(ax: Axes, size: tuple[int, int], ids: np.ndarray) -> None:
    """Each patch's id in its middle, white with a dark rim: readable on any grey."""
    rim = [Rim()]
    height, width = (pixels / count for pixels, count in zip(size, ids.shape))
    for (row, column), number in np.ndenumerate(ids):
        ax.text(
            (column + 0.5) * width - 0.5,
            (row + 0.5) * height - 0.5,
            str(number),
            ha="center",
            va="center",
            fontsize=8,
            color="white",
            path_effects=rim,
        )
