"""One look for every picture: colours that a colour-blind reader can tell apart, readable sizes.

The colours are six of Okabe and Ito's (Color Universal Design, 2008), by their names, and a grey.
Figures are shown as SVG, in which these colours have names: see `svg`.
"""

import sys

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke

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

INK, QUIET = LOOKS["light"]["ink"], LOOKS["light"]["quiet"]
IDLE, PAPER, GRID = LOOKS["light"]["idle"], "#FEFEFE", "#E5E5E5"
"""What text and axes, remarks, fields that have no part, boxes and grids are drawn with. Paper is the page's
own colour; plain white stays white in the dark."""

FIGURES = {
    "light": {
        "ground": "#FFFFFF",
        "paper": PAPER,
        "ink": INK,
        "quiet": QUIET,
        "grid": GRID,
        "idle": IDLE,
        "blue": BLUE,
        "orange": ORANGE,
        "green": GREEN,
        "red": RED,
        "purple": PURPLE,
        "sky": SKY,
        "grey": GREY,
        "pale-blue": TINTS[0],
        "pale-orange": TINTS[1],
        "pale-green": TINTS[2],
        "pale-purple": TINTS[3],
    },
    "dark": {
        "ground": "#14181E",
        "paper": "#14181E",
        "ink": LOOKS["dark"]["ink"],
        "quiet": LOOKS["dark"]["quiet"],
        "grid": "#2F363F",
        "idle": LOOKS["dark"]["idle"],
        "blue": "#3F9BE0",
        "orange": ORANGE,
        "green": "#2CC08D",
        "red": "#E8661B",
        "purple": PURPLE,
        "sky": "#A9DAF8",
        "grey": "#9AA3AD",
        "pale-blue": "#12405E",
        "pale-orange": "#553C08",
        "pale-green": "#0F4A37",
        "pale-purple": "#53304A",
    },
}
"""A figure's colours by their names, in each look of a page. Blue stays darker than sky, and red than
orange; what is pale on white is deep in the dark, so that the ink is readable on both."""

NAMES = {FIGURES["light"][name]: name for name in FIGURES["light"] if name != "ground"}

SIGNED = LinearSegmentedColormap.from_list(
    "signed", [(0, BLUE), (0.5, BLUE + "00"), (0.5, ORANGE + "00"), (1, ORANGE)]
)
"""For numbers on both sides of a middle: blue below, nothing there, orange above."""

SHARES = LinearSegmentedColormap.from_list("shares", [BLUE + "00", BLUE])
"""For shares: nothing for 0, blue for 1, so that the page is seen where nothing is."""


def on_share(share: float) -> str:
    """The colour of a text on `SHARES`, for a share from 0 to 1."""
    return "white" if share > 0.85 else INK


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
    "axes.facecolor": "none",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
    "image.interpolation": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


class Rim(withStroke):
    """A dark rim around a text's letters: white text is then readable on any grey."""

    def __init__(self, width: float = 2, colour: str = "#000"):
        super().__init__(linewidth=width, foreground=colour)
        self.width, self.colour = width, colour


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
    """Set matplotlib's defaults for this process to the course's look; a notebook shows figures as SVG."""
    import matplotlib as mpl
    from cycler import cycler

    _show_as_svg()
    mpl.rcParams.update(_RC)
    mpl.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)


def _show_as_svg() -> None:
    """Let Jupyter ask `svg` for each figure, where it shows them as images at all."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from .svg import svg

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or "inline" not in mpl.get_backend():
        return
    # It chooses a format when it is first imported; what is chosen after that stays.
    import matplotlib_inline.backend_inline  # noqa: F401

    for formatter in shell.display_formatter.formatters.values():
        formatter.pop(Figure, None)
    shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, svg)
