"""A chapter's questions become things to act on, and what answers them waits behind a veil.

A question is ``<div class="prediction" id="CELL" data-question="…">`` in a built page, its wrong choices' sentences are
``<li data-wrong="A">``, and the code cells that follow, up to the next text, stand in ``<div class="veiled">``. Without
a script all of it shows as the notebook does. `authoring.predictions` reads the cells, ``predictions.js`` acts.
"""

import json
import re
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from authoring import predictions
from nbutils import words

logger = logging.getLogger(__name__)


class Prediction(nodes.Element):
    """A question: the page's texts of a cell, with what the page can't see in them."""


class Wrong(nodes.list_item):
    """The sentence of one wrong answer, as an item of a list."""


class Veiled(nodes.Element):
    """The cells that answer a question."""


def transform(app: Sphinx, doctree: nodes.document) -> None:
    """Find the questions of a notebook's page and put each into its element."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    told = words.table(predictions.AREA, app.config.language)
    begun = [node for node in doctree.findall(nodes.paragraph) if begins(node, told)]
    if not begun:
        return
    cells = {
        cell.id: cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
        and predictions.is_question(cell.source, app.config.language)
    }
    if len(cells) != len(begun):
        logger.warning("%s: %d cells ask, %d questions are seen", path, len(cells), len(begun))
    for node, (name, source) in zip(begun, cells.items()):
        try:
            put(node, name, predictions.read(source, app.config.language), told)
        except predictions.BadPrediction as error:
            logger.warning("%s, cell %s: %s", path, name, error, type="prediction")


def begins(node: nodes.paragraph, told) -> bool:
    first = next((child for child in node.children if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext() == told["predict"]


def put(start: nodes.paragraph, name: str, question: predictions.Question, told) -> None:
    """Move a question's texts into one element, and the code cells behind it into another."""
    parent = start.parent
    beside = parent.children
    first = beside.index(start)
    last = next((i for i in range(first, len(beside)) if closes(beside[i])), None)
    if last is None:
        raise predictions.BadPrediction("its answer is not closed by </details>")
    end = last + 1
    while end < len(beside) and "cell" in beside[end].get("classes", []):
        end += 1
    asked = Prediction(name=name, question=json.dumps(question.page(), ensure_ascii=False))
    asked += beside[first : last + 1]
    mark(asked, question, told)
    answered = Veiled(by=name)
    answered += beside[last + 1 : end]
    parent[first:end] = [asked, answered] if answered.children else [asked]


def closes(node: nodes.Node) -> bool:
    return isinstance(node, nodes.raw) and node.astext().strip().endswith("</details>")


def mark(asked: Prediction, question: predictions.Question, told) -> None:
    """Name the sentences of wrong answers, and the list of choices."""
    said = re.compile(predictions.pattern(told["not"], said="(.+)"))
    for item in list(asked.findall(nodes.list_item)):
        first = next(item.findall(nodes.emphasis), None)
        if first is not None and (found := said.fullmatch(first.astext())):
            wrong = Wrong(said=found[1])
            wrong += item.children
            item.replace_self(wrong)
        elif question.kind == "choice" and re.match(r"[A-D]\.", item.astext()):
            item.parent["classes"] = ["choices"]


def visit_prediction(self, node) -> None:
    question = escape(node["question"])
    self.body.append(f'<div class="prediction" id="{node["name"]}" data-question="{question}">\n')


def visit_veiled(self, node) -> None:
    self.body.append(f'<div class="veiled" data-by="{node["by"]}">\n')


def depart(self, node) -> None:
    self.body.append("</div>\n")


def visit_wrong(self, node) -> None:
    self.body.append(f'<li data-wrong="{escape(node["said"])}">')


def depart_wrong(self, node) -> None:
    self.body.append("</li>\n")


def setup(app: Sphinx) -> dict:
    app.add_node(Prediction, html=(visit_prediction, depart))
    app.add_node(Veiled, html=(visit_veiled, depart))
    app.add_node(Wrong, html=(visit_wrong, depart_wrong))
    app.connect("doctree-read", transform)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
