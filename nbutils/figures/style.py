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

TINTS = ("#CFE5F5", "#FBE3B0", "#CDEBDF", "#F6D9E8")
"""Pale blue, orange, green and purple: near-black text on them is readable on any page."""

LOOKS = {
    "light": {
        "ink": "#1F2328",
        "quiet": "#57606A",
        "line": "#C4CAD1",
        "card": "#FFFFFF",
        "mark": BLUE,
        "target": ORANGE,
        "rise": GREEN,
        "fall": RED,
        "idle": "#EDEFF2",
    },
    "dark": {
        "ink": "#E6EDF3",
        "quiet": "#B1BAC4",
        "line": "#4C5560",
        "card": "#14181E",
        "mark": SKY,
        "target": ORANGE,
        "rise": "#2CC08D",
        "fall": "#F0803C",
        "idle": "#252B33",
    },
}
"""What moving pictures paint with, by the page's look. ``mark``: what is chosen; ``target``: what
is to be predicted; ``rise`` and ``fall``: changes; ``idle``: boxes that have no part."""

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


def marked(piece: str) -> str:
    """A token's text with a dot for a space, arrows for other white space."""
    return piece.translate(_WHITE_SPACE)


def visible(piece: str) -> str:
    """The same for matplotlib."""
    return literal(marked(piece))


def spelled(piece: bytes) -> str:
    """A token's bytes as marked text; as hexadecimals where they are no whole characters."""
    try:
        return marked(piece.decode())
    except UnicodeDecodeError:
        return piece.hex(" ").upper()


def use_style() -> None:
    """Set matplotlib's defaults for this process to the course's look."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(_RC)
    mpl.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)
