"""A chapter's questions become things to act on, and what answers them waits behind a veil.

A question is ``<div class="prediction" id="CELL" data-question="…">`` in a built page, its wrong choices' sentences are
``<li data-wrong="A">``, and what answers it stands in ``<div class="veiled">``: the code cells that follow, and the
text that speaks of them. `answers` says where that ends; a question may have several such blocks. Without a script all
of it shows as the notebook does. `authoring.predictions` reads the cells, ``predictions.js`` acts.
"""

import json
import re
from collections.abc import Container, Mapping
from html import escape
from itertools import accumulate, groupby, takewhile
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from authoring import predictions
from nbutils import words

logger = logging.getLogger(__name__)

# Tags of cells behind a question, for what `answers` can't know.
VEILED = "veiled"  # it answers, too
IN_SIGHT = "in-sight"  # this text speaks of something else
LINES = 10_000  # MyST-NB counts the lines of the first cell from 10,001 on, of the second from 20,001 on
LEADS_ON = (":", "?")


class Prediction(nodes.Element):
    """A question: the page's texts of a cell, with what the page can't see in them."""


class Wrong(nodes.list_item):
    """The sentence of one wrong answer, as an item of a list."""


class Veiled(nodes.Element):
    """What answers a question. cells, words: how much code and text that is."""


def transform(app: Sphinx, doctree: nodes.document) -> None:
    """Find the questions of a notebook's page and put each into its element."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    told = words.table(predictions.AREA, app.config.language)
    begun = [node for node in doctree.findall(nodes.paragraph) if begins(node, told)]
    if not begun:
        return
    cells = nbformat.read(path, as_version=4).cells
    tags = {number: cell.metadata.get("tags", ()) for number, cell in enumerate(cells, 1)}
    asking = {
        number: cell
        for number, cell in enumerate(cells, 1)
        if cell.cell_type == "markdown"
        and predictions.is_question(cell.source, app.config.language)
    }
    if len(asking) != len(begun):
        logger.warning("%s: %d cells ask, %d questions are seen", path, len(asking), len(begun))
    for node, cell in zip(begun, asking.values()):
        try:
            asked = put(node, cell.id, predictions.read(cell.source, app.config.language), told)
            veil(asked, tags, asking)
        except predictions.BadPrediction as error:
            logger.warning("%s, cell %s: %s", path, cell.id, error, type="prediction")


def begins(node: nodes.paragraph, told) -> bool:
    first = next((child for child in node.children if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext() == told["predict"]


def put(start: nodes.paragraph, name: str, question: predictions.Question, told) -> Prediction:
    """Move a question's texts into one element."""
    parent = start.parent
    first = parent.children.index(start)
    behind = range(first, len(parent.children))
    last = next((i for i in behind if closes(parent.children[i])), None)
    if last is None:
        raise predictions.BadPrediction("its answer is not closed by </details>")
    asked = Prediction(name=name, question=json.dumps(question.page(), ensure_ascii=False))
    asked += parent.children[first : last + 1]
    mark(asked, question, told)
    parent[first : last + 1] = [asked]
    return asked


def veil(asked: Prediction, tags: Mapping[int, Container[str]], asking: Container[int]) -> None:
    """Move what answers a question into blocks.

    tags: those of each cell, by its number from 1. asking: the numbers of the cells with a question.
    """
    parent = asked.parent
    first = parent.children.index(asked) + 1
    behind = list(takewhile(lambda n: not isinstance(n, nodes.section), parent.children[first:]))
    numbers = list(accumulate((cell_number(node) for node in behind), lambda a, b: b or a))
    end = next((i for i, number in enumerate(numbers) if number in asking), len(behind))
    if not end:
        return
    marks = answers(behind[:end], [tags.get(number, ()) for number in numbers])
    made = []
    for answering, block in groupby(zip(marks, behind[:end]), key=lambda pair: pair[0]):
        found = [node for _, node in block]
        made += [covered(asked["name"], found)] if answering else found
    parent[first : first + end] = made


def cell_number(node: nodes.Node) -> int:
    """The number of the notebook's cell that a node comes from, from 1; 0 where the node doesn't say."""
    return (node.line or 0) // LINES


def answers(behind: list[nodes.Node], tags: list[Container[str]]) -> list[bool]:
    """For each node behind a question, up to the next heading or question, whether it gives the answer.

    The code cells straight behind the question do, and those tagged `VEILED`. So does the text after such a cell, up
    to the next code cell or a text tagged `IN_SIGHT`. But a last paragraph that ends in a colon or a question mark
    leads on to the code cell after it: it stays in sight with that.
    """
    gives, straight, marks = True, True, []
    for i, (node, tagged) in enumerate(zip(behind, tags)):
        straight = straight and is_code(node)
        if is_code(node):
            gives = straight or VEILED in tagged
            if not gives and marks and leads_on(behind[i - 1], tags[i - 1]):
                marks[-1] = False
        elif VEILED in tagged or IN_SIGHT in tagged:
            gives = VEILED in tagged
        marks.append(gives)
    return marks


def is_code(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and "cell" in node.get("classes", ())


def leads_on(node: nodes.Node, tagged: Container[str]) -> bool:
    said = isinstance(node, nodes.paragraph) and node.astext().rstrip('"”)').endswith(LEADS_ON)
    return said and VEILED not in tagged


def covered(name: str, found: list[nodes.Node]) -> Veiled:
    """A block of what answers a question, and how much it is."""
    code = [node for node in found if is_code(node)]
    words_ = sum(len(node.astext().split()) for node in found if not is_code(node))
    made = Veiled(by=name, cells=len(code), words=words_)
    made += found
    return made


def closes(node: nodes.Node) -> bool:
    return isinstance(node, nodes.raw) and node.astext().strip().endswith("</details>")


def mark(asked: Prediction, question: predictions.Question, told) -> None:
    """Name the sentences of wrong answers, and the list of choices."""
    said = re.compile(predictions.pattern(told["not"], said="(.+)"))
    for item in list(asked.findall(nodes.list_item)):
        first = next(item.findall(emphasised), None)
        if first is not None and (found := said.fullmatch(first.astext())):
            wrong = Wrong(said=found[1])
            wrong += item.children
            item.replace_self(wrong)
        elif question.kind == "choice" and re.match(r"[A-D]\.", item.astext()):
            item.parent["classes"] = ["choices"]


def emphasised(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.emphasis, nodes.strong))


def visit_prediction(self, node) -> None:
    question = escape(node["question"])
    self.body.append(f'<div class="prediction" id="{node["name"]}" data-question="{question}">\n')


def visit_veiled(self, node) -> None:
    much = f'data-cells="{node["cells"]}" data-words="{node["words"]}"'
    self.body.append(f'<div class="veiled" data-by="{node["by"]}" {much}>\n')


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
    return {"env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
