"""What a cell's text says without being run: which names it defines, and whether it looks for answers."""

import ast
import re
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

from nbutils.exercises.exercise import CHAPTERS

_DEFINED = re.compile(r"(?:def|class)\s+(\w+)|^(\w+)\s*=[^=]", re.M)
_IMPORTED = re.compile(r"^\s*(?:from\s+\S+\s+)?import\s+(.+)$", re.M)
_ANSWERS = re.compile(
    rf"exercises[./]problems|\bproblems[./\\](?:{'|'.join(CHAPTERS)})\b|(?<![\w.])exercise\(|\.exercise\("
)


def names_bound(text: str) -> frozenset[str]:
    """The names that a cell defines if it runs to its end; of one that is no Python, those it seems to."""
    if text.lstrip().startswith("%%"):
        text = text.lstrip().partition("\n")[2]
    try:
        tree = ast.parse(TransformerManager().transform_cell(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(_seemingly(text))
    return frozenset(_bound(tree))


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement binds, and those in it that are no functions or classes of their own."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield one.name
        elif isinstance(one, ast.alias):
            yield (one.asname or one.name).split(".")[0]
        elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id
        elif not isinstance(one, ast.Lambda):
            yield from _bound(one)


def _seemingly(text: str) -> Iterator[str]:
    for found in _DEFINED.findall(text):
        yield from filter(None, found)
    for names in _IMPORTED.findall(text):
        yield from (part.split()[-1].split(".")[0] for part in names.split(",") if part.strip())


def missing_name(says: str) -> str:
    """The name of which a NameError says that it is not defined; "" in other texts."""
    found = re.search(r"name '(\w+)' is not defined", says)
    return found[1] if found else ""


def asks_for_answers(text: str) -> bool:
    """Whether a cell seems to look for the exercises' own answers, which the grader bars."""
    return bool(_ANSWERS.search(text))
