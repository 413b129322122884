"""One look for every picture: colours that a colour-blind reader can tell apart, readable sizes.

The colours are six of Okabe and Ito's (Color Universal Design, 2008), by their names, and a grey.
"""

from matplotlib.colors import LinearSegmentedColormap

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
RED = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
GREY = "#7F7F7F"

CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)

SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
"""For numbers on both sides of a middle: blue below, white there, orange above."""

_RC = {
    "figure.figsize": (5.8, 2.9),
    "figure.dpi": 144,
    "figure.constrained_layout.use": True,
    "savefig.bbox": None,
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "svg.hashsalt": "nbutils",
}


_WHITE_SPACE = str.maketrans({" ": "·", "\n": "↵", "\t": "⇥"})


def literal(text: str) -> str:
    """A text for matplotlib, to which a dollar sign would begin a formula."""
    return text.replace("$", r"\$")


def visible(piece: str) -> str:
    """A token's text for matplotlib: a dot for a space, arrows for other white space."""
    return literal(piece.translate(_WHITE_SPACE))


def use_style() -> None:
    """Set matplotlib's defaults for this process to the course's look."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(_RC)
    mpl.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)
