"""matplotlib's figures as SVG in which text stays text, and colours have names.

A page in which a figure stands gives the colours (``--figure-blue``) and the letters (``--figure-font``):
so figures follow light and dark, are sharp at any size, can be searched and read aloud, and their labels can
be translated without drawing anew. Jupyter and Colab know no such names, and show what stands beside them:
the colours of `style`, on white.

matplotlib's own SVG has none of this, and names each text's letters. This is a small renderer of its own:
it measures text in DejaVu Sans, which is wider than the letters of most pages, and hangs each text up by
the side on which it is aligned. Hatches and shaded triangles, which the course doesn't use, it leaves out.

DejaVu Sans has no Hangul. What shows the figure draws it, so the machine that computes needs no font for it; where
text is measured, a letter that is as large stands for each.
"""

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from PIL import Image

from nbutils.words import language

from .style import INK, NAMES, Rim

UNIT = 72  # of the drawing's units, an inch
NATURAL = 1.5  # pixels of a screen, for one of them: then text is as large as a page's
MARGIN = 2.0  # around what is drawn, for letters that are wider than the measured ones
TEXT = 10.5  # the size of text that says none
FONT = "'DejaVu Sans',Verdana,sans-serif"
MONO = "'DejaVu Sans Mono',Menlo,Consolas,monospace"
WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uff01-\uff60]")  # Hangul and its like
AS_WIDE = "Ŵ"  # as wide as a letter of these, and as high
CIRCLE = Path.unit_circle()
_LETTER = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
_POINTS = {"M": 1, "L": 1, "Q": 2, "C": 3}


def svg(fig: Figure) -> str:
    """The figure as SVG, cut to what is drawn on it; the same figure is always the same text."""
    width, height = (float(inches) * UNIT for inches in fig.get_size_inches())
    with _as_drawn(fig) as (dpi, texts, rims):
        drawing = Drawing(width, height, texts, rims)
        drawing.dpi = float(dpi)
        with _measuring(fig, drawing):
            fig.draw(_Mixed(fig, *fig.get_size_inches(), dpi, drawing))
        box = fig.get_tightbbox(drawing)
    left, top = box.x0 * UNIT - MARGIN, height - box.y1 * UNIT - MARGIN
    return drawing.document(
        left, top, box.width * UNIT + 2 * MARGIN, box.height * UNIT + 2 * MARGIN
    )


@contextmanager
def _as_drawn(fig: Figure) -> Iterator[tuple[float, dict[int, Text], dict[int, Rim]]]:
    """The figure in the drawing's units, with no ground, and no rim that would make a text a path.

    Gives its dots per inch, and by the identity of their font the texts, and those texts' rims.
    """
    dpi, ground = fig.dpi, fig.patch.get_visible()
    texts = {id(text.get_fontproperties()): text for text in fig.findobj(Text)}
    rims = {
        key: effect
        for key, text in texts.items()
        for effect in text.get_path_effects() or ()
        if isinstance(effect, Rim)
    }
    try:
        fig.dpi = UNIT
        fig.patch.set_visible(False)
        for key in rims:
            texts[key].set_path_effects([])
        yield dpi, texts, rims
    finally:
        fig.dpi = dpi
        fig.patch.set_visible(ground)
        for key, rim in rims.items():
            texts[key].set_path_effects([rim])


@contextmanager
def _measuring(fig: Figure, drawing: "Drawing") -> Iterator[None]:
    """Where words may have letters that matplotlib's font lacks, the drawing measures the figure's layout, too.

    Where all words are English it stays matplotlib's own: what notebooks store was made with that.
    """
    if language() == "en" and not any(WIDE.search(text.get_text()) for text in fig.findobj(Text)):
        yield
        return
    fig.canvas.get_renderer = lambda *options, **more: drawing
    try:
        yield
    finally:
        del fig.canvas.get_renderer


class _Mixed(MixedModeRenderer):
    """matplotlib's, which tells the drawing what is not an image but was too much to draw point by point."""

    def stop_rasterizing(self) -> None:
        self._vector_renderer.dots = True
        super().stop_rasterizing()
        self._vector_renderer.dots = False


class Drawing(RendererBase):
    """What matplotlib asks a renderer for; y counts from the top, as in SVG.

    texts: by the identity of their font, to know how a text of several lines is aligned; rims: of these
    texts, in the same way.
    """

    def __init__(self, width: float, height: float, texts: dict[int, Text], rims: dict[int, Rim]):
        super().__init__()
        self.width, self.height = width, height
        self.texts, self.rims = texts, rims
        self.flip = Affine2D().scale(1, -1).translate(0, height)
        self.parts: list[
            str | tuple[str, list[str]]
        ] = []  # an element, or a path's look and its pieces
        self.clips: dict[str, str] = {}  # a shape -> the name of what it cuts to
        self.alike: dict[str, list[str]] | None = None  # of an axis: a look -> the path that has it
        self.dots = False
        self.dpi = 2.0 * UNIT  # of what matplotlib draws as dots

    def document(self, left: float, top: float, width: float, height: float) -> str:
        """The SVG of this part of the drawing. Names in it are its own: two on one page never meet."""
        body = "".join(
            part if isinstance(part, str) else f'<path{part[0]} d="{"".join(part[1])}"/>'
            for part in self.parts
        )
        cuts = "".join(
            f'<clipPath id="{name}">{shape}</clipPath>' for shape, name in self.clips.items()
        )
        body = (f"<defs>{cuts}</defs>" if cuts else "") + body
        body = body.replace("NAME", "f" + hashlib.sha256(body.encode()).hexdigest()[:8])
        x, y, across, down = (number(one, 1) for one in (left, top, width, height))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {across} {down}"'
            f' width="{NATURAL * width:.0f}" style="max-width:100%;height:auto"'
            f' font-family="var(--figure-font,{FONT})" font-size="{TEXT}" stroke-linejoin="round"'
            f' fill="{painted(INK)}"><rect x="{x}" y="{y}" width="{across}" height="{down}"'
            f' fill="var(--figure-ground,#FFF)"/>'
            f"{body}</svg>"
        )

    # What matplotlib asks about the paper

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def points_to_pixels(self, points):
        return points

    def option_scale_image(self) -> bool:
        return True

    def option_image_nocomposite(self) -> bool:
        return True

    def get_text_width_height_descent(self, s, prop, ismath):
        measured = s if ismath else WIDE.sub(AS_WIDE, s)
        return self._text2path.get_text_width_height_descent(measured, prop, ismath)

    # Lines and areas

    def open_group(self, s, gid=None) -> None:
        if s.startswith("matplotlib.axis"):
            self.alike = {}

    def close_group(self, s) -> None:
        if s.startswith("matplotlib.axis"):
            self.alike = None

    def draw_path(self, gc, path, transform, rgbFace=None) -> None:
        look = path_look(gc, rgbFace)
        if look is None or not len(path.vertices):
            return
        to = transform + self.flip
        if round_ := circle(path, to):
            (x, y), radius = round_
            cut = self._cut(gc, np.array([[x - radius, y - radius], [x + radius, y + radius]]))
            self.parts.append(
                f'<circle{look}{cut} cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'
            )
            return
        points = to.transform(path.vertices)
        edge = self._edge(gc)
        inside = None
        cut = self._cut(gc, points)
        if cut and 'fill="none"' in look and edge is not None:
            inside, cut = tuple(edge.ravel()), ""  # a line is cut where it is written
        thin = path.should_simplify and rgbFace is None
        cleaned = path.cleaned(to, remove_nans=True, clip=inside, simplify=thin, curves=True)
        self._add(look + cut, path_data(cleaned))

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None) -> None:
        look = path_look(gc, rgbFace)
        if look is None:
            return
        marker = marker_path.transformed(marker_trans + Affine2D().scale(1, -1))
        round_ = circle(marker_path, marker_trans)
        edge = self._edge(gc)
        for points, code in path.iter_segments(trans + self.flip, simplify=False):
            if code == Path.CLOSEPOLY:
                continue
            at = points[-2:]
            if edge is not None and not lies_within(at[None], edge, 0.01):
                continue
            if round_:
                here = ring(at, round_[1])
            else:
                here = path_data(marker.transformed(Affine2D().translate(*at)))
            apart = rgbFace is not None and painted(rgbFace) != painted(gc.get_rgb())
            if apart or "opacity" in look:  # where two lie on each other both are seen
                self.parts.append((look, [here]))
            else:
                self._add(look, here)

    def _add(self, look: str, data: str) -> None:
        """One more path; those of an axis that look alike are one, since they don't overlap."""
        if not data:
            return
        last = self.parts[-1] if self.parts else None
        if self.alike is not None and look in self.alike:
            self.alike[look].append(data)
        elif isinstance(last, tuple) and last[0] == look and "opacity" not in look:
            last[1].append(data)
        else:
            self.parts.append((look, [data]))
            if self.alike is not None:
                self.alike[look] = self.parts[-1][1]

    def _edge(self, gc) -> np.ndarray | None:
        """Where drawing ends: the smallest and the largest x and y."""
        box = gc.get_clip_rectangle()
        if box is None:
            return None
        corners = self.flip.transform([[box.x0, box.y0], [box.x1, box.y1]])
        return np.array([corners.min(0), corners.max(0)])

    def _cut(self, gc, points: np.ndarray) -> str:
        """The attribute that cuts off what lies outside; "" where nothing does."""
        path, transform = gc.get_clip_path()
        edge = self._edge(gc)
        if path is not None:
            return self._clip(f'<path d="{path_data(path.transformed(transform + self.flip))}"/>')
        if edge is None or lies_within(points[np.isfinite(points).all(1)], edge):
            return ""
        (x, y), (width, height) = edge[0], edge[1] - edge[0]
        sizes = (
            f'{name}="{number(value)}"'
            for name, value in zip(("x", "y", "width", "height"), (x, y, width, height))
        )
        return self._clip(f"<rect {' '.join(sizes)}/>")

    def _clip(self, shape: str) -> str:
        name = self.clips.setdefault(shape, f"NAME-{len(self.clips)}")
        return f' clip-path="url(#{name})"'

    # Images

    def draw_image(self, gc, x, y, im, transform=None) -> None:
        high, wide = im.shape[:2]
        if transform is None:  # drawn by matplotlib, in so many dots per inch; rows from the bottom
            dot = UNIT / self.dpi
            corners = np.array([[x, y + dot * high], [x + dot * wide, y]])
            rows = im[::-1]
        else:
            to = Affine2D().scale(1 / wide, 1 / high) + transform + Affine2D().translate(x, y)
            corners = to.transform([[0, high], [wide, 0]])
            rows = im[::-1]
        corners = self.flip.transform(corners)
        if corners[0, 1] > corners[1, 1]:
            rows, corners[:, 1] = rows[::-1], corners[::-1, 1]
        if corners[0, 0] > corners[1, 0]:
            rows, corners[:, 0] = rows[:, ::-1], corners[::-1, 0]
        (left, top), (width, height) = corners[0], corners[1] - corners[0]
        look = "" if transform is None else ' style="image-rendering:pixelated"'
        if self.dots:
            look = ' style="filter:var(--figure-dots,none)"'
        self.parts.append(
            f'<image{look}{self._cut(gc, corners)} x="{number(left)}" y="{number(top)}"'
            f' width="{number(width)}" height="{number(height)}" preserveAspectRatio="none"'
            f' href="data:image/png;base64,{png_of(rows)}"/>'
        )

    def get_image_magnification(self) -> float:
        return self.dpi / UNIT

    # Text

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None) -> None:
        text = mtext or self.texts.get(id(prop))
        share = aligned(text, angle, several=mtext is None)
        width = self.get_text_width_height_descent(s, prop, ismath)[0]
        turned = np.deg2rad(angle)
        x, y = x + share * width * np.cos(turned), y - share * width * np.sin(turned)
        look = f' x="{number(x, 1)}" y="{number(y, 1)}"'
        look += {0.0: "", 0.5: ' text-anchor="middle"', 1.0: ' text-anchor="end"'}[share]
        look += letters(prop) + ink(gc)
        if rim := self.rims.get(id(prop)):
            look += f' stroke="{rim.colour}" stroke-width="{rim.width}" paint-order="stroke"'
        if angle:
            look += f' transform="rotate({number(-angle, 1)} {number(x, 1)} {number(y, 1)})"'
        inner = self._formula(s, prop) if ismath else escape(kept(s), quote=False)
        self.parts.append(f"<text{look}>{inner}</text>")

    def _formula(self, s: str, prop) -> str:
        """A small formula as text: raised and lowered parts are smaller and moved."""
        glyphs = self._text2path.mathtext_parser.parse(s, UNIT, prop)[3]
        pieces: list[list] = []
        for _, size, code, *_, rise in glyphs:  # rise: above the line on which the formula stands
            if not pieces or pieces[-1][:2] != [size, rise]:
                pieces.append([size, rise, ""])
            pieces[-1][2] += chr(code)
        told, before = "", 0.0
        for size, rise, piece in pieces:
            moved = f' dy="{number(before - rise, 1)}"' if rise != before else ""
            told += f'<tspan font-size="{number(size, 1)}"{moved}>{escape(piece)}</tspan>'
            before = rise
        return told


def number(value: float, places: int = 2) -> str:
    """A number as short as it can be written: .5 for 0.50."""
    told = f"{value:.{places}f}".rstrip("0").rstrip(".")
    if told in ("-0", ""):
        return "0"
    return told.replace("0.", ".", 1) if told.lstrip("-").startswith("0.") else told


def path_data(path: Path) -> str:
    """A path's data, in the drawing's units."""
    places = 2 if len(path.vertices) < 8 else 1
    codes = path.codes
    if codes is None:
        codes = [Path.MOVETO] + [Path.LINETO] * (len(path.vertices) - 1)
    told, at, before = [], 0, ("", "")
    while at < len(codes) and codes[at] != Path.STOP:
        if codes[at] == Path.CLOSEPOLY:
            told.append("Z")
            at += 1
            continue
        letter = _LETTER[codes[at]]
        points = [
            (number(x, places), number(y, places))
            for x, y in path.vertices[at : at + _POINTS[letter]]
        ]
        at += _POINTS[letter]
        if letter == "L" and points[0][1] == before[1]:
            told.append(f"H{points[0][0]}")
        elif letter == "L" and points[0][0] == before[0]:
            told.append(f"V{points[0][1]}")
        else:
            told.append(letter + " ".join(f"{x} {y}" for x, y in points))
        before = points[-1]
    return "".join(told).replace(" -", "-")


def circle(path: Path, to) -> tuple[np.ndarray, float] | None:
    """A circle's middle and radius, if the path is one."""
    if path.codes is None or not np.array_equal(path.codes, CIRCLE.codes):
        return None
    points = to.transform(path.vertices[:-1:3])
    middle = (points.min(0) + points.max(0)) / 2
    far = np.hypot(*(points - middle).T)
    return (middle, float(far.mean())) if np.ptp(far) < 0.02 * far.mean() else None


def ring(at: np.ndarray, radius: float) -> str:
    """A circle as a part of a path."""
    r, across = number(radius), number(2 * radius)
    half = f"a{r} {r} 0 1 0"
    return f"M{number(at[0] - radius)} {number(at[1])}{half} {across} 0{half}-{across} 0z".replace(
        " -", "-"
    )


def lies_within(points: np.ndarray, edge: np.ndarray, slack: float = 0.5) -> bool:
    return bool((points >= edge[0] - slack).all() and (points <= edge[1] + slack).all())


def painted(colour) -> str:
    """A colour as SVG takes it: by its name, if it has one, which the page may know."""
    told = to_hex(colour).upper()
    return f"var(--figure-{NAMES[told]},{told})" if told in NAMES else told


def path_look(gc, face) -> str | None:
    """How a path looks, as attributes; None if nothing of it is seen."""
    forced = gc.get_alpha() if gc.get_forced_alpha() else None
    solid = 0.0 if face is None else forced if forced is not None else (*face, 1.0)[3]
    line = forced if forced is not None else gc.get_rgb()[3]
    wide = gc.get_linewidth() if line else 0.0
    if not solid and not wide:
        return None
    look = f' fill="{painted(face)}"' if solid else ' fill="none"'
    if 0 < solid < 1:
        look += f' fill-opacity="{number(solid)}"'
    if not wide:
        return look
    look += f' stroke="{painted(gc.get_rgb())}"' + (
        "" if wide == 1 else f' stroke-width="{number(wide)}"'
    )
    if line < 1:
        look += f' stroke-opacity="{number(line)}"'
    offset, dashes = gc.get_dashes()
    if dashes is not None:
        look += f' stroke-dasharray="{" ".join(number(dash) for dash in dashes)}"'
        look += f' stroke-dashoffset="{number(offset)}"' if offset else ""
    if (join := gc.get_joinstyle()) != "round":
        look += f' stroke-linejoin="{join}"'
    if (cap := gc.get_capstyle()) != "butt" and dashes is None:
        look += f' stroke-linecap="{"square" if cap == "projecting" else cap}"'
    return look


def png_of(rows: np.ndarray) -> str:
    """Pixels as a PNG, in base64, with no more colours than there are."""
    colours, which = np.unique(rows.reshape(-1, 4), axis=0, return_inverse=True)
    more = {}
    if len(colours) > 256:
        image = Image.fromarray(np.ascontiguousarray(rows))
    else:
        image = Image.fromarray(which.reshape(rows.shape[:2]).astype(np.uint8), "P")
        image.putpalette(colours[:, :3].tobytes())
        more["transparency"] = colours[:, 3].tobytes()
    to = io.BytesIO()
    image.save(to, "png", optimize=True, **more)
    return base64.b64encode(to.getvalue()).decode()


def aligned(text: Text | None, angle: float, several: bool) -> float:
    """By which part of its width a text hangs: 0 its beginning, 1 its end."""
    if text is None:
        return 0.0
    side = text.get_horizontalalignment()
    if several:  # the lines of one text
        side = getattr(text, "_multialignment", None) or side
    if angle and text.get_rotation_mode() != "anchor":
        upright = 45 < angle < 135
        side = {"top": "right", "bottom": "left"}.get(
            text.get_verticalalignment() if upright else ""
        )
    return {"left": 0.0, "right": 1.0}.get(side, 0.5)


def letters(prop) -> str:
    look = (
        f' font-size="{number(prop.get_size_in_points())}"'
        if prop.get_size_in_points() != TEXT
        else ""
    )
    if prop.get_family()[0] == "monospace":
        look += f' font-family="var(--figure-mono,{MONO})"'
    if prop.get_weight() in ("bold", 700):
        look += ' font-weight="bold"'
    if prop.get_style() in ("italic", "oblique"):
        look += ' font-style="italic"'
    return look


def ink(gc) -> str:
    """A text's colour, unless it is the drawing's own."""
    colour = gc.get_rgb()
    alpha = gc.get_alpha() if gc.get_forced_alpha() else colour[3]
    told = painted(colour)
    return ("" if told == painted(INK) else f' fill="{told}"') + (
        f' fill-opacity="{number(alpha)}"' if alpha < 1 else ""
    )


def kept(text: str) -> str:
    """Spaces at a text's edges, which SVG would leave out."""
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return (
        "\N{NO-BREAK SPACE}" * before
        + inner
        + "\N{NO-BREAK SPACE}" * (len(text) - len(inner) - before)
    )
