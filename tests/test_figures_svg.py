"""Figures as SVG: text is text and hangs where it should, colours have names, images are upright."""

import base64
import io
import re
import sys
import warnings
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from authoring.extensions import figures as extension
from nbutils.figures import style
from nbutils.figures.svg import MARGIN, svg

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def look():
    """The course's style, for one test."""
    with matplotlib.rc_context():
        style.use_style()
        yield


def parts(fig: Figure, kind: str) -> list[dict[str, str]]:
    """The figure's marks of a kind: their attributes, and their text as `said`."""
    found = ElementTree.fromstring(svg(fig)).iter(SPACE + kind)
    return [part.attrib | {"said": "".join(part.itertext())} for part in found]


def text(fig: Figure, said: str) -> dict[str, str]:
    return next(part for part in parts(fig, "text") if part["said"] == said)


def test_a_figure_made_again_is_the_same_text():
    def drawn() -> str:
        fig, ax = plt.subplots()
        ax.plot([1, 2, 3], "o-")
        return svg(fig)

    assert drawn() == drawn()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_hangul_has_room_though_matplotlib_has_no_letters_for_it(language, monkeypatch):
    monkeypatch.setenv("NBUTILS_LANG", language)
    fig, said = Figure(layout="constrained"), "가장많이찼을때의양"
    fig.suptitle(said, size=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = ElementTree.fromstring(svg(fig))
    width = float(drawn.get("viewBox").split()[2]) - 2 * MARGIN
    assert 0.92 < width / (10 * len(said)) < 1.05  # in em; fonts have from 0.87 to 1
    assert text(fig, said)
    assert "get_renderer" not in vars(fig.canvas)


def test_a_figure_is_left_as_it_was():
    fig, ax = plt.subplots()
    rimmed = ax.text(0.5, 0.5, "rim", color="white", path_effects=[style.Rim()])
    before = fig.dpi, fig.patch.get_visible(), rimmed.get_path_effects()
    svg(fig)
    assert (fig.dpi, fig.patch.get_visible(), rimmed.get_path_effects()) == before
    assert text(fig, "rim")["paint-order"] == "stroke"


def test_a_text_hangs_by_the_side_on_which_it_is_aligned():
    """Letters that are narrower than the measured ones leave it where it belongs."""
    fig = plt.figure(figsize=(4, 2), layout="none")
    for x, side in ((0.25, "left"), (0.5, "center"), (0.75, "right")):
        fig.text(x, 0.5, side, ha=side)
        fig.text(x, 0.2, f"two\n{side} lines", ha=side)
    fig.text(0.1, 0.5, "up", rotation=90, ha="center", va="top")
    anchors = {"left": None, "center": "middle", "right": "end"}
    for x, side in ((0.25, "left"), (0.5, "center"), (0.75, "right")):
        for said in (side, f"{side} lines"):
            found = text(fig, said)
            assert found.get("text-anchor") == anchors[side]
            assert float(found["x"]) == pytest.approx(4 * 72 * x, abs=0.2)
    assert text(fig, "up")["text-anchor"] == "end"


def test_colours_have_names_and_plain_white_has_none():
    fig, ax = plt.subplots()
    ax.bar([1], [1], color=style.BLUE, edgecolor=style.PAPER)
    ax.text(1, 0.5, "on the bar", color="white")
    told = svg(fig)
    assert f'fill="var(--figure-blue,{style.BLUE})" stroke="var(--figure-paper,' in told
    assert text(fig, "on the bar")["fill"] == "#FFFFFF"
    assert "var(--figure-ground,#FFF)" in told  # white, where no page says otherwise


def test_formulas_and_spaces_are_kept():
    fig, ax = plt.subplots()
    ax.plot([1, 1000], [1, 1000])
    ax.set(xscale="log", title=" A <b> & C")
    raised = [part for part in parts(fig, "text") if part["said"] == "103"]
    assert len(raised) == 1 and re.search(r'10</tspan><tspan font-size="[\d.]+" dy="-', svg(fig))
    assert text(fig, "\N{NO-BREAK SPACE}A <b> & C")


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_images_stand_upright_in_their_own_pixels(origin):
    fig, ax = plt.subplots()
    values = np.arange(12.0).reshape(3, 4)
    ax.imshow(values, cmap="gray", origin=origin)
    (image,) = parts(fig, "image")
    pixels = Image.open(io.BytesIO(base64.b64decode(image["href"].partition(",")[2])))
    greys = np.asarray(pixels.convert("L")).astype(float)
    shown = values if origin == "upper" else values[::-1]
    assert greys.shape == values.shape and np.abs(greys - shown * 255 / 11).max() < 1.5
    assert "pixelated" in image["style"]


def test_what_is_many_points_is_an_image_and_few_are_marks():
    fig, ax = plt.subplots()
    ax.plot(np.linspace(0, 1, 5), np.linspace(0, 1, 5), "o", alpha=0.5)
    few = len(parts(fig, "path"))
    assert not parts(fig, "image")
    ax.plot(np.linspace(0, 1, 500), np.linspace(0, 1, 500), ".", alpha=0.5, rasterized=True)
    assert len(parts(fig, "path")) == few
    (image,) = parts(fig, "image")
    assert "--figure-dots" in image["style"] and float(image["width"]) > 300


def test_what_lies_outside_the_axes_is_cut():
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0, 10], color=style.RED)
    ax.bar([0.5], [10], color=style.GREEN)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    line = next(part for part in parts(fig, "path") if "red" in part.get("stroke", ""))
    bar = next(part for part in parts(fig, "path") if "green" in part.get("fill", ""))
    assert min(float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", line["d"])) > 0
    assert re.fullmatch(r"url\(#f[0-9a-f]{8}-0\)", bar["clip-path"])


def test_jupyter_shows_figures_as_svg_alone(monkeypatch):
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    monkeypatch.setattr(matplotlib, "get_backend", lambda **_: "inline")
    shell.display_formatter.formatters["image/png"].for_type(Figure, lambda fig: b"png")
    style.use_style()
    data, _ = shell.display_formatter.format(plt.figure())
    assert data.keys() == {"image/svg+xml", "text/plain"} and data["image/svg+xml"][:4] == "<svg"


def luminance(colour: str) -> float:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", style.FIGURES.values(), ids=style.FIGURES)
def test_every_look_has_every_colour_and_text_is_readable(colours):
    assert colours.keys() == style.FIGURES["light"].keys()
    for name in ("ground", "paper", "idle", *(name for name in colours if "pale" in name)):
        assert contrast(colours["ink"], colours[name]) > 7, name
    assert contrast(colours["quiet"], colours["ground"]) > 4.5
    for name in ("blue", "green", "red", "grey"):
        assert contrast(colours[name], colours["ground"]) > 3, name


def test_in_the_dark_each_colour_is_brighter_or_the_same():
    light, dark = style.FIGURES.values()
    for name in ("blue", "orange", "green", "red", "purple", "sky", "grey"):
        assert luminance(dark[name]) >= luminance(light[name]), name
    assert luminance(dark["blue"]) < luminance(dark["sky"]) / 1.5
    assert luminance(dark["red"]) < luminance(dark["orange"]) / 1.5


def test_in_a_page_names_are_its_own_and_the_alt_text_is_told():
    fig, ax = plt.subplots()
    ax.bar([0.5], [10])
    ax.set_ylim(0, 1)
    shown = extension.inline(svg(fig), 'A "bar" & <more>', 3, {})
    assert 'id="figure-3-0"' in shown and 'clip-path="url(#figure-3-0)"' in shown
    read = ElementTree.fromstring(shown)
    assert (read.get("role"), read.get("aria-label")) == ("img", 'A "bar" & <more>')


def test_labels_are_replaced_by_a_table_and_their_numbers_stay():
    fig, ax = plt.subplots()
    ax.axhline(0.577, label="floor: 0.577")
    ax.set(xlabel="updates", ylabel="kept & unknown")
    ax.legend()
    words = {"updates": "학습 횟수", "floor: {0}": "바닥 {0}", "nats": "never"}
    said = [
        part.text
        for part in ElementTree.fromstring(extension.relabelled(svg(fig), words)).iter(
            SPACE + "text"
        )
    ]
    assert {"학습 횟수", "바닥 0.577", "kept & unknown"} <= set(said)
    assert not {"updates", "floor: 0.577"} & set(said)
    assert extension.relabelled(svg(fig), {}) == svg(fig) and extension.table("en") == {}


def test_the_style_of_pages_knows_every_name():
    told = extension.css()
    for name in (*style.NAMES.values(), "ground", "font", "mono", "dots"):
        assert f"--figure-{name}:" in told
    assert told.count("{") == told.count("}")
