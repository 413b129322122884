"""Put matplotlib's figures into the page itself, where they follow its look, its letters and its language.

A notebook stores a figure as `nbutils.figures.svg` writes it. Shown as an image it would know nothing of the
page around it. Here it becomes a part of the page: its colours are the theme's, its text is found and can be
selected, its names are its own on the page, and what it shows is told to those who can't see it. Its labels
are the words of `nbutils/words/LANGUAGE/figures.json` where there is such a table, so that another edition
runs no notebook.
"""

import json
import re
from collections.abc import Mapping
from html import escape, unescape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from nbutils.figures.style import FIGURES
from nbutils.words import FOLDER

from .moving_pictures import written

SVG = re.compile(r"<svg\b[^>]*>")
LABEL = re.compile(r"(<text\b[^>]*>)([^<]*)(</text>)")
NUMBER = re.compile(r"\d[\d,.]*(?<![,.])")
OF_PAGE = {"ground": "transparent", "paper": "var(--pst-color-background, Canvas)"}
NAME = re.compile(r'((?:id="|url\(#))(f[0-9a-f]{8})(-\d+)')


def css() -> str:
    """A figure's colours and letters in a page: by its look, by the reader's own colours, on paper."""
    light, dark = (
        " ".join(f"--figure-{name}: {colour};" for name, colour in (look | OF_PAGE).items())
        for look in FIGURES.values()
    )
    return f"""
:root {{ {light} --figure-dots: none;
  --figure-font: var(--pst-font-family-base, sans-serif);
  --figure-mono: var(--pst-font-family-monospace, monospace); }}
html[data-theme="dark"] {{ {dark} }}
.figure-svg {{ display: block; max-width: 100%; height: auto; overflow: visible; }}
/* As large as the letters for which it was laid out, and never wider */
.figure-svg text {{ font-size-adjust: 0.547; }}
/* On a phone the whole width is the figure's, and its smallest letters are larger */
@media screen and (max-width: 600px) {{
  .bd-article div.cell div.cell_output:has(.figure-svg) {{ width: calc(100% + 1.5rem); max-width: none;
    margin-inline: -0.75rem; padding-inline: 0.75rem; }}
  .figure-svg {{ width: calc(100% + 1.5rem); max-width: none !important; margin-inline: -0.75rem; }}
  .figure-svg text:is([font-size="7.5"], [font-size="8"], [font-size="8.5"]) {{ font-size: 8.8px; }}
}}
@media (forced-colors: active) {{
  .figure-svg, .figure-svg text {{ forced-color-adjust: none; }}
  html .figure-svg {{ --figure-ink: CanvasText; --figure-quiet: CanvasText; --figure-grey: CanvasText;
    --figure-paper: Canvas; --figure-ground: Canvas;
    --figure-grid: color-mix(in srgb, CanvasText 25%, Canvas); }}
}}
@media print {{ html[data-theme] {{ {light} --figure-dots: none; }} }}
"""


def inline(svg: str, alt: str, number: int, words: Mapping[str, str]) -> str:
    """A stored figure as a part of a page: the page's figure of that number, told by its alt text."""
    opening = f'<svg class="figure-svg" role="img" aria-label="{escape(alt)}"'
    svg = SVG.sub(lambda found: opening + found[0].removeprefix("<svg"), svg.strip(), count=1)
    return NAME.sub(rf"\g<1>figure-{number}\3", relabelled(svg, words))


def relabelled(svg: str, words: Mapping[str, str]) -> str:
    """The figure with other labels.

    words: label -> label; in a label that has numbers, such as ``floor: 0.577``, ``{0}`` stands for the first:
    ``"floor: {0}"``. Labels that the table lacks stay.
    """

    def label(found) -> str:
        return found[1] + escape(said(unescape(found[2]), words), quote=False) + found[3]

    return LABEL.sub(label, svg) if words else svg


def said(label: str, words: Mapping[str, str], number: re.Pattern = NUMBER) -> str:
    """What the table has instead of a label, with the label's numbers in it; else the label."""
    if label in words:
        return words[label]
    instead = words.get(pattern(label, number))
    return label if instead is None else instead.format(*number.findall(label))


def pattern(label: str, number: re.Pattern = NUMBER) -> str:
    """The label with ``{0}``, ``{1}`` in place of its numbers."""
    first, *parts = number.split(label)
    return first + "".join(f"{{{i}}}{part}" for i, part in enumerate(parts))


def table(language: str, name: str = "figures") -> Mapping[str, str]:
    """The labels' words in a language; none in English, in which they are drawn. name: the table's."""
    path = FOLDER / language / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def put_inline(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Replace each image of a cell's output that is a figure by the figure itself."""
    if app.builder.format != "html":
        return
    words = table(app.config.language)
    figures = [image for image in doctree.findall(nodes.image) if drawn(app, image)]
    for number, image in enumerate(figures):
        if not (alt := image.get("alt", "")):
            raise ExtensionError(f"figure {number + 1} of {name} has no alt text")
        svg = Path(app.srcdir, image["uri"]).read_text("utf-8")
        image.replace_self(nodes.raw("", inline(svg, alt, number, words), format="html"))


def drawn(app: Sphinx, image: nodes.image) -> bool:
    """Is it a figure that a notebook stored?"""
    cells = (node for node in ancestors(image) if "cell_output" in node.get("classes", ()))
    return image["uri"].endswith(".svg") and any(cells)


def ancestors(node: nodes.Node):
    while node := node.parent:
        if isinstance(node, nodes.Element):
            yield node


def link_look(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Pages with figures, and no others, load what they look like."""
    if 'class="figure-svg"' in context.get("body", ""):
        folder = Path(app.outdir, "_static", "figures")
        app.add_css_file(f"figures/{written(folder, 'figures', 'css', css().encode())}")


def setup(app: Sphinx) -> dict:
    app.connect("doctree-resolved", put_inline)
    app.connect("html-page-context", link_look)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
