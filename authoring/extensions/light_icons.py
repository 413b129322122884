"""Icons of the theme: pages load those that they show, instead of 800 kB with all there are.

The theme brings Font Awesome twice, as fonts with every icon and as a script for icons of one's
own. The script is left out, and the fonts are cut to the icons that the built pages, styles and
scripts name.
"""

import logging
import re
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx

SCRIPT = re.compile(r'[ \t]*<script[^>]*src="[^"]*/fontawesome\.js[^"]*"></script>\n?')
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
ICON = re.compile(r"\.fa-([\w-]+)::?before")
SIGN = re.compile(r'"\\([0-9a-fA-F]{2,5})"')
COMPRESSED = re.compile(r'url\([^)]+\.woff2\)\s*format\("woff2"\),\s*')  # the cut ones are .ttf
STYLE = "styles/pydata-sphinx-theme.css"
logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table that it cuts


def lighten_icons(app: Sphinx, error) -> None:
    """Cut the script and the fonts out of the built book."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    used = set()
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text("utf-8")
        used |= named(" ".join(re.findall(r'class="([^"]*)"', html)))
        if "fontawesome.js" in html:
            page.write_text(SCRIPT.sub("", html), "utf-8")
    (static / "scripts" / "fontawesome.js").unlink(missing_ok=True)
    for script in [*static.glob("*.js"), *(static / "scripts").glob("*.js")]:
        used |= named(script.read_text("utf-8"))
    signs = set().union(*(signs_of(css.read_text("utf-8"), used) for css in static.rglob("*.css")))
    for font in static.glob("vendor/fontawesome/webfonts/*.ttf"):
        cut(font, signs)
        font.with_suffix(".woff2").unlink()
    style = static / STYLE
    style.write_text(COMPRESSED.sub("", style.read_text("utf-8")), "utf-8")


def named(text: str) -> set[str]:
    """The icons that classes in a text name: fa-moon is "moon"."""
    return set(re.findall(r"\bfa-([\w-]+)", text))


def signs_of(css: str, used: set[str]) -> set[int]:
    """The characters that a style needs: of the used icons, and what other rules name themselves."""
    signs = set()
    for selector, body in RULE.findall(css):
        icons = ICON.findall(selector)
        if not icons or used & set(icons):
            signs |= {int(sign, 16) for sign in SIGN.findall(body)}
    return signs


def cut(font: Path, signs: set[int]) -> None:
    """Leave these characters in the font, as far as it has them."""
    loaded = subset.load_font(font, subset.Options())
    cutter = subset.Subsetter()
    cutter.populate(unicodes=signs)
    cutter.subset(loaded)
    loaded.save(font)


def setup(app: Sphinx) -> dict:
    # Before build_numbers weighs the pages.
    app.connect("build-finished", lighten_icons, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
