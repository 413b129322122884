"""Formulas as MathML, written at the build, with a font of just the signs that the book's formulas have.

A page with a formula loads one style, which holds the font: no script draws, and nothing moves when the font
comes. The font is STIX Two Math (``fonts/``, under the SIL Open Font License), cut twice: in the repository
it has what `authoring.extensions.mathml_symbols` names, made by
``python -m authoring.extensions.formulas STIXTwoMath-Regular.ttf``, and a built book has what is in use.
"""

import base64
import hashlib
import logging
import re
import sys
import unicodedata
from html import unescape
from io import BytesIO
from pathlib import Path

from docutils import nodes
from fontTools import subset
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

from authoring.extensions.mathml import TeXError, letter_of, mathml
from authoring.extensions.mathml_symbols import ACCENTS, ALPHABETS, BRACES, SYMBOLS

FONT = Path(__file__).with_name("fonts") / "STIXTwoMath-cut.woff"
RULES = Path(__file__).with_name("formulas.css")
STYLE, COPYING = "formulas.css", "formulas.js"  # the script is in book/assets
SIGNS = re.compile(r"<(?:mi|mo|mn|mtext)\b[^>]*>[^<]+<")
ROOT = "√"  # drawn by <msqrt>, in no markup
logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table that it cuts


def written(writer, node, display: bool) -> str:
    """The formula as MathML. Raises ExtensionError with the page and the TeX if it can't be read."""
    try:
        return mathml(node.astext(), display)
    except TeXError as error:
        page = writer.builder.current_docname
        raise ExtensionError(f"{page}: can't read the formula {node.astext()!r}: {error}") from None


def inline(writer, node) -> None:
    """A formula within a line."""
    writer.body.append(written(writer, node, display=False))
    raise nodes.SkipNode


def block(writer, node) -> None:
    """A formula of its own, with its number where it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append(f"{written(writer, node, display=True)}</div>\n")
    raise nodes.SkipNode


def add_style(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """A page without a formula loads nothing for formulas."""
    if "<math" in context.get("body", ""):
        app.add_css_file(STYLE)
        app.add_js_file(COPYING, defer="defer")


def finish(app: Sphinx, error) -> None:
    """Write the style, with the font for all pages, and name its content where pages link to it."""
    if error or app.builder.format != "html":
        return
    pages = {page: page.read_text("utf-8") for page in Path(app.outdir).rglob("*.html")}
    pages = {page: html for page, html in pages.items() if "<math" in html}
    font = cut(FONT, set(ROOT).union(*map(drawn, pages.values())))
    style = RULES.read_text("utf-8").replace("FONT", base64.b64encode(font).decode())
    Path(app.outdir, "_static", STYLE).write_text(style, "utf-8")
    version = hashlib.sha256(style.encode()).hexdigest()[:8]
    for page, html in pages.items():
        page.write_text(html.replace(f'{STYLE}"', f'{STYLE}?v={version}"'), "utf-8")


def drawn(html: str) -> set[str]:
    """The signs that a page's formulas show: of a single letter also the slanted one that browsers take."""
    signs = set()
    for found in SIGNS.findall(html):
        tag, text = found[1:3], unescape(found[found.index(">") + 1 : -1])
        signs |= set(text)
        if tag == "mi" and len(text) == 1 and "mathvariant" not in found:
            signs |= slanted(text)
    return signs


def slanted(letter: str) -> set[str]:
    """The letter that browsers show for one that stands alone."""
    try:
        return {"ℎ" if letter == "h" else letter_of(letter, "ITALIC")}
    except TeXError:
        return set()


def cut(font: Path, signs: set[str], flavor: str = "woff") -> bytes:
    """The font with these signs only, and with what grows of them. Raises ExtensionError if it lacks one."""
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, flavor=flavor, name_IDs=NAMES
    )
    loaded = subset.load_font(font, options)
    if lacks := "".join(sorted(sign for sign in signs if ord(sign) not in loaded.getBestCmap())):
        raise ExtensionError(f"{font.name} has no {lacks!r}, which a formula shows")
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=map(ord, signs))
    cutter.subset(loaded)
    made = BytesIO()
    loaded.flavor = flavor
    loaded.save(made)
    return made.getvalue()


WIDEST_ROOT = 900  # of 1000 parts of an em
NAMES = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # copyright, names and licence


def make(font: Path) -> None:
    """Cut the whole font to what formulas may hold, and store it here."""
    shown = [sign for _, sign in SYMBOLS.values()]
    shown += [sign for sign, *_ in [*ACCENTS.values(), *BRACES.values()]]
    letters = [chr(code) for code in range(0x20, 0x7F)] + [
        sign for sign in shown if sign.isalpha() or sign == "∂"
    ]
    alphabets = [*ALPHABETS.values(), "ITALIC"]
    signs = {*letters, *"".join(shown), ROOT, "\N{NO-BREAK SPACE}", "\N{THIN SPACE}", *"ℎ″‴"}
    for letter in letters:
        for alphabet in alphabets:
            try:
                signs.add(letter_of(letter, alphabet))
            except TeXError:
                pass  # Unicode has no such letter
    loaded = subset.load_font(font, subset.Options())
    known = {sign for sign in signs if ord(sign) in loaded.getBestCmap()}
    print("not in the font:", *(unicodedata.name(sign) for sign in signs - known), sep="\n")
    mend(loaded)
    whole = FONT.with_suffix(".whole")
    loaded.save(whole)
    FONT.write_bytes(cut(whole, known))
    whole.unlink()


def mend(font) -> None:
    """What browsers draw otherwise than TeX, by the numbers in the font."""
    math = font["MATH"].table
    # As in TeX's fonts: an index stands as deep below a p as below an x.
    math.MathConstants.SubscriptBaselineDropMin.Value = 50
    # Chromium leaves room for the widest of a root's signs; let none be much wider than the first.
    variants = math.MathVariants
    of_root = variants.VertGlyphCoverage.glyphs.index(font.getBestCmap()[ord(ROOT)])
    root = variants.VertGlyphConstruction[of_root]
    names = [record.VariantGlyph for record in root.MathGlyphVariantRecord[1:]]
    for name in {*names, *(part.glyph for part in root.GlyphAssembly.PartRecords)}:
        glyph, width = font["glyf"][name], font["hmtx"][name][0]
        glyph.coordinates.scale((WIDEST_ROOT / width, 1))
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (WIDEST_ROOT, glyph.xMin)


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect(
        "config-inited", lambda app, config: setattr(config, "html_math_renderer", "mathml")
    )
    app.connect("html-page-context", add_style)
    # Before build_numbers weighs the pages.
    app.connect("build-finished", finish, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    make(Path(sys.argv[1]))
