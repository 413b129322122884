"""Code that helps: what a cell imports and what it asserts is folded to one line, and lines that are too long wrap.

In a page, a run of imports shows as "13 imports" with their names, a run of asserts as "checked: 2 asserts"; both open
by mouse, keyboard, and a browser's search, stand open in print, and need no script. The copy button copies the whole
cell. A cell of nothing but asserts is about them, and on the pages of exercises only cells of nothing but imports are
folded: what learners fill in stays in sight.

Long lines of code wrap, with a sign where they go on and further in than they began (``code.css``). So does what a cell
prints, but for tables: their columns would break, so they scroll.
"""

import ast
import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx

from nbutils import words

AREA = "book/code"
PYTHON = {"ipython3", "python", "python3", "ipython"}
SET_UP = {"use_style", "manual_seed"}  # what a cell of imports does beside importing
WRAPS = 38  # characters that a phone shows without wrapping
BLOCK = re.compile(r"<pre>(?:<span></span>)?(.*?)</pre>", re.S)
COLUMNS = re.compile(r"^ |\S {2,}\S|\t", re.M)  # what stands below each other must not wrap


class Code(nodes.literal_block):
    """Code whose lines wrap, and some of them folded: ``folds``."""


class Fold(NamedTuple):
    """Lines from ``first`` up to and without ``end``, from 0, that show as one: its words, and names beside them."""

    first: int
    end: int
    told: str
    names: str = ""


def transform(app: Sphinx, doctree: nodes.document) -> None:
    """Let the page's code and what it prints wrap; fold what a notebook's cells import and assert."""
    exercise = "/exercises/" in f"/{app.env.docname}"
    told = words.table(AREA, app.config.language)
    for block in list(doctree.findall(nodes.literal_block)):
        around = {name for node in ancestors(block) for name in node.get("classes", [])}
        source = block.astext()
        if "cell_output" in around and COLUMNS.search(source):
            block["classes"].append("columns")
            continue
        made = Code(block.rawsource, "", *block.children, **block.attributes)
        made["folds"] = folds(source, exercise, told) if "cell_input" in around else []
        made.source, made.line = block.source, block.line
        block.replace_self(made)


def ancestors(node: nodes.Node) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def folds(source: str, exercise: bool, told) -> list[Fold]:
    """What of a cell's lines is folded; of code that is no Python, nothing."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    found = [imported(body, told)] if body and is_import(body[0]) else []
    if exercise:
        return found if all(map(is_import, body)) else []
    if not all(isinstance(node, ast.Assert) for node in body):
        found += [asserted(run, told) for run in runs(body)]
    return [fold for fold in found if fold and alone(fold, body)]


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def imported(body: list[ast.stmt], told) -> Fold | None:
    """The imports that a cell begins with, and what sets up behind them; one line of them stays as it is."""
    last = next((i for i, node in enumerate(body) if not is_import(node)), len(body))
    names = [name.asname or name.name for node in body[:last] for name in node.names]
    while last < len(body) and sets_up(body[last]):
        last += 1
    first, end = body[0].lineno - 1, body[last - 1].end_lineno
    if end - first < 2:
        return None
    return Fold(first, end, counted("import", len(names), told), ", ".join(names))


def sets_up(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in SET_UP
    )


def runs(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Asserts that follow one another."""
    run = []
    for node in [*body, None]:
        if isinstance(node, ast.Assert):
            run.append(node)
        elif run:
            yield run
            run = []


def asserted(run: list[ast.stmt], told) -> Fold:
    return Fold(run[0].lineno - 1, run[-1].end_lineno, counted("assert", len(run), told))


def counted(what: str, n: int, told) -> str:
    return words.fill(told[what if n == 1 else f"{what}s"], n=n)


def alone(fold: Fold, body: list[ast.stmt]) -> bool:
    """Whether what stands on the fold's lines is folded whole, and is nothing else, as in ``x = 1; assert x``."""
    there = [node for node in body if node.lineno <= fold.end and fold.first < node.end_lineno]
    return all(
        fold.first < node.lineno
        and node.end_lineno <= fold.end
        and (is_import(node) or sets_up(node) or isinstance(node, ast.Assert))
        for node in there
    )


def shown(html: str, folded: list[Fold]) -> str:
    """A highlighted block of code, with its lines able to wrap and these folded."""
    return BLOCK.sub(lambda found: arranged(found[1], folded), html, count=1)


def arranged(inner: str, folded: list[Fold]) -> str:
    lines = inner.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not folded:
        return pre(lines)
    made, at = [], 0
    for first, end, told, names in folded:
        if at < first:
            made.append(pre(lines[at:first]))
        named = f" <code>{escape(names)}</code>" if names else ""
        inside = pre(lines[first:end])
        made.append(
            f'<details class="fold"><summary>{escape(told)}{named}</summary>{inside}</details>'
        )
        at = end
    if at < len(lines):
        made.append(pre(lines[at:]))
    return f'<div class="folded">{"".join(made)}</div>'


def pre(lines: list[str]) -> str:
    """Lines of a block; the empty span keeps a browser from taking away an empty first line."""
    return f"<pre><span></span>{''.join(map(wrapping, lines))}</pre>"


def wrapping(line: str) -> str:
    """A line that knows how far in it begins, if it may ever wrap."""
    text = re.sub(r"<[^>]*>", "", line)
    if len(re.sub(r"&\w+;|&#\d+;", "x", text)) <= WRAPS:
        return f"{line}\n"
    deep = len(text) - len(text.lstrip(" "))
    style = f' style="--in:{deep}"' if deep else ""
    return f'<span class="line"{style}>{line}\n</span>'


def visit_code(self, node) -> None:
    try:
        self.visit_literal_block(node)
    except nodes.SkipNode:
        self.body[-1] = shown(self.body[-1], node["folds"])
        raise


def depart_code(self, node) -> None:
    self.depart_literal_block(node)


def setup(app: Sphinx) -> dict:
    app.add_node(Code, html=(visit_code, depart_code))
    app.connect("doctree-read", transform)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
