"""The theme's own words in another language: ``translations/LANGUAGE/theme.po``.

For most of them the theme asks a catalogue, which gives what ours adds. What its templates have in English for every
language (messages of the context `TEMPLATE`) is changed where a page is read aloud or shows it beside the pointer.
"""

import re
from collections.abc import Mapping
from html import escape, unescape
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.locale import translators

from authoring import catalogues

CATALOGUE = "booktheme"  # of the theme; authoring/edition.py writes ours beside Sphinx's
TEMPLATE = "template"
ATTRIBUTE = re.compile(r'(\s(?:title|aria-label|alt|placeholder)=")([^"]*)(?=")')


def settle(app: Sphinx, config) -> None:
    """Let the theme ask our catalogue first, then its own."""
    if config.language != "en":
        its_own = translators.pop(("general", CATALOGUE), None)
        app.add_message_catalog(CATALOGUE, config.locale_dirs[0])
        if its_own is not None:
            translators["general", CATALOGUE].add_fallback(its_own)


def in_templates(language: str) -> Mapping[str, str]:
    """The templates' English words -> those in a language."""
    words = catalogues.said(catalogues.load(catalogues.path(language, "theme")))
    return {unit.says: told for unit, told in words.items() if unit.where == TEMPLATE}


def translated(html: str, words: Mapping[str, str]) -> str:
    """The page with other words in its attributes, wherever one is just such words."""

    def attribute(found) -> str:
        said = unescape(found[2])
        return found[1] + (escape(words[said]) if said in words else found[2])

    return ATTRIBUTE.sub(attribute, html)


def translate(app: Sphinx, error) -> None:
    """Change the built pages of another language."""
    if error or app.config.language == "en" or app.builder.format != "html":
        return
    words = in_templates(app.config.language)
    for page in Path(app.outdir).rglob("*.html"):
        page.write_text(translated(page.read_text("utf-8"), words), "utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", settle)
    app.connect("build-finished", translate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
