"""A glossary's term is a quiet link where a section first says it; ``book/scripts/terms.js`` shows its sentence there.

Only the text of paragraphs counts: not headings, code, links, tables, what is folded, questions and their answers, and
the map of the GPT, which is a list of terms. Where a section defines a term itself, in bold, it is not marked. The
sentences are one script for all pages, fetched when a reader first comes to a term; without a script the link leads
to the glossary's entry.
"""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from authoring import terms
from authoring.extensions.moving_pictures import written
from authoring.extensions.page_scripts import FOLDER
from authoring.extensions.predictions import Prediction
from authoring.gpt_map import TITLE

GLOSSARY = "book/glossary"
PAGES = "notebooks/"
LEFT = (Prediction, nodes.table, nodes.title, nodes.figure, nodes.literal_block)


class Term(nodes.inline):
    """A word of the glossary: ``term`` is its entry."""


def transform(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the terms of a notebook's page."""
    page = app.env.docname
    if not page.startswith(PAGES):
        return
    app.env.note_dependency(str(terms.GLOSSARY))
    app.env.note_dependency(str(terms.EVERYDAY))
    top = next(doctree.findall(nodes.section))
    begun = [node for node in top.children if not isinstance(node, nodes.section)]
    for part in [begun, *([node] for node in top.children if isinstance(node, nodes.section))]:
        mark(part, page)


def mark(part: list[nodes.Node], page: str) -> None:
    """Mark the first place of each term in these nodes."""
    said = {
        term
        for node in part
        for strong in node.findall(nodes.strong)
        for _, _, term in terms.places(strong.astext(), page, strong.astext())
    }
    for paragraph in list(paragraphs(part)):
        for text in [child for child in paragraph.children if isinstance(child, nodes.Text)]:
            paragraph.replace(text, list(marked(text.astext(), page, paragraph.astext(), said)))


def paragraphs(beside: list[nodes.Node]) -> Iterator[nodes.paragraph]:
    """The paragraphs of these nodes in which a reader may want to know a word."""
    folded = 0
    for node in beside:
        if isinstance(node, nodes.Text):
            continue
        if isinstance(node, nodes.raw):
            folded += node.astext().count("<details") - node.astext().count("</details")
        elif folded or isinstance(node, LEFT) or "cell" in node.get("classes", ()):
            continue
        elif not isinstance(node, nodes.paragraph):
            yield from paragraphs(node.children)
        elif not node.astext().startswith(TITLE):
            yield node


def marked(text: str, page: str, paragraph: str, said: set[str]) -> Iterator[nodes.Node]:
    """The text, with the terms in it that were not said before."""
    at = 0
    for begin, end, term in terms.places(text, page, paragraph):
        if term not in said:
            said.add(term)
            if at < begin:
                yield nodes.Text(text[at:begin])
            yield Term("", text[begin:end], term=term)
            at = end
    if at < len(text):
        yield nodes.Text(text[at:])


def visit_term(self, node) -> None:
    glossary = self.builder.get_relative_uri(self.builder.current_docname, GLOSSARY)
    place = (
        f"{glossary}#term-{node['term'].replace(' ', '-')}"  # as Sphinx names a glossary's entries
    )
    self.body.append(f'<a class="term" href="{escape(place)}" data-term="{escape(node["term"])}">')


def depart_term(self, node) -> None:
    self.body.append("</a>")


def name_sentences(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Tell a page with terms where their sentences are."""
    if 'class="term"' not in context.get("body", ""):
        return
    content = json.dumps(terms.sentences(), ensure_ascii=False)
    script = f"document.currentScript.content = {content};\n".encode()
    name = written(Path(app.outdir, "_static", FOLDER), "terms", "js", script)
    address = context["pathto"](f"_static/{FOLDER}/{name}", resource=True)
    context["metatags"] = context.get("metatags", "") + f'<meta name="terms" content="{address}">\n'


def setup(app: Sphinx) -> dict:
    app.add_node(Term, html=(visit_term, depart_term))
    app.connect("doctree-read", transform, priority=600)  # after questions have been found
    app.connect("html-page-context", name_sentences)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
