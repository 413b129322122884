"""Serve MathJax from the book's own files, so that formulas need no other host.

The package ``sphinx-mathjax-offline`` carries MathJax. Its own extension copies all of it
(24 MB); a page needs one script and its fonts, and ``LOADER``, which says when they come.
"""

from importlib.metadata import files
from pathlib import Path

from sphinx.application import Sphinx

LOADER = "formulas.js"  # in book/assets
SCRIPT = "tex-chtml.js"
FONTS = "output/chtml/fonts/woff-v2"


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", _use_own_script)
    app.connect("html-page-context", _only_where_needed, priority=900)
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _use_own_script(app, config):
    config.mathjax_path = LOADER


def _only_where_needed(app, pagename, templatename, context, doctree):
    """Take the scripts (1.2 MB) back from a page that shows no formula.

    Sphinx counts its children's, too, and those in the forms of an output that aren't shown.
    """
    if 'class="math' not in context.get("body", ""):
        context["script_files"] = [
            script for script in context["script_files"] if LOADER not in str(script.filename)
        ]


def _copy(app, error):
    if error or app.builder.format != "html":
        return
    for packaged in files("sphinx-mathjax-offline"):
        name = packaged.as_posix().partition("static/mathjax/")[2]
        if name == SCRIPT or name.startswith(FONTS):
            target = Path(app.outdir, "_static", "mathjax", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packaged.read_binary())
