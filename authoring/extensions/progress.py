"""The page "Your progress": a place for the script that fills it, and what there is to do in the course.

The directive ``{progress}`` leaves the place. What there is, each page's sections, questions and exercises, is
written beside it when all pages are known; ``book/scripts/progress.js`` puts both together.
"""

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from authoring.extensions.predictions import Prediction
from authoring.site import toc_pages
from nbutils import words

PLACE = '<div id="progress-here"></div>'
CHECKED = re.compile(r'^check\("(\w+)"', re.M)


class Progress(Directive):
    """``{progress}``: without a script, a sentence that says that one is needed."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", PLACE, format="html")]


def course(env: BuildEnvironment) -> list[dict]:
    """Of each notebook in the table of contents: its page, title, sections, questions and exercises."""
    return [
        {
            "page": page,
            "title": env.titles[page].astext(),
            **to_do(env.get_doctree(page)),
            "exercises": exercises(Path(env.doc2path(page))),
        }
        for page in toc_pages()
        if page.startswith("notebooks/")
    ]


def to_do(doctree: nodes.document) -> dict:
    """The ids of a page's sections (those of its second level), and of its questions."""
    title = next(doctree.findall(nodes.section))
    return {
        "sections": [node["ids"][0] for node in title.children if isinstance(node, nodes.section)],
        "predictions": [node["name"] for node in doctree.findall(Prediction)],
    }


def exercises(notebook: Path) -> list[str]:
    """The names of the exercises that a notebook checks."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return [name for source in code for name in CHECKED.findall(source)]


def fill_in(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if PLACE not in context.get("body", ""):
        return
    told = words.table("pages/progress", app.config.language)
    known = json.dumps(course(app.env), ensure_ascii=False).replace("<", "\\u003c")
    without = f"<noscript><p>{escape(told['no_script'])}</p></noscript>"
    made = f'{without}{PLACE}<script type="application/json" id="course">{known}</script>'
    context["body"] = context["body"].replace(PLACE, made)


def outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The page is written again whenever another is: it counts what they hold."""
    return [page for page in env.found_docs if page.endswith("book/progress")]


def setup(app: Sphinx) -> dict:
    app.add_directive("progress", Progress)
    app.connect("env-updated", outdated)
    app.connect("html-page-context", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
