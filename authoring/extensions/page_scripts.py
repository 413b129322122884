"""The script and the style that every page loads: ``book/scripts``, bundled, with the words of the book's language.

The file is named after its content, so that no browser keeps an old one. Where it can't be loaded or run, a page is as
it would be without any script: ``scripted`` is taken off the page again, and nothing is veiled.
"""

import hashlib
import json
from pathlib import Path

from sphinx.application import Sphinx

from authoring.extensions.moving_pictures import written
from nbutils import words

BUNDLE = Path("book", "bundles", "page.js")
FOLDER = "page"  # in the built book's _static
AREA = "pages"
SCRIPTED = 'document.documentElement.classList.add("scripted")'
UNSCRIPTED = 'document.documentElement.classList.remove("scripted")'


def script(root: Path, language: str) -> bytes:
    """The bundle behind its words, which it finds at its own element."""
    tables = {
        path.stem: dict(words.table(f"{AREA}/{path.stem}", language))
        for path in sorted((words.FOLDER / language / AREA).glob("*.json"))
    }
    told = f"document.currentScript.words = {json.dumps(tables, ensure_ascii=False)};\n"
    return (told + Path(root, BUNDLE).read_text("utf-8")).encode()


def add(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Load the script on this page, with the page's name and the way to the book's top."""
    made = script(app.srcdir, app.config.language)
    name = written(Path(app.outdir, "_static", FOLDER), "page", "js", made)
    app.add_js_file(None, body=SCRIPTED, priority=100)
    app.add_js_file(
        f"{FOLDER}/{name}",
        defer="defer",
        onerror=UNSCRIPTED,
        **{"data-page": pagename, "data-root": context["pathto"]("", resource=True)},
    )


def note(app: Sphinx, config) -> None:
    """A changed script makes every page be written again."""
    config.page_scripts = hashlib.sha256(script(app.srcdir, config.language)).hexdigest()


def setup(app: Sphinx) -> dict:
    app.add_config_value("page_scripts", "", "html")
    app.connect("config-inited", note)
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
