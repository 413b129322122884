"""The course's facts: what the lecture says and must come out right, each asserted by a cell of its own.

`book/facts.json` has a row for each: the ``fact`` in words, the part of the course ``where`` it stands, and
the ``name`` of its cell, ``notebook#id``; the cell is tagged ``fact``. When nbval has run it
(notebooks/conftest.py), its assertions run once more with one value changed, each in turn, and must fail.
So an assertion that would let another number pass is noticed, and no cell runs twice for it.
"""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path

FACTS = Path(__file__).parents[1] / "book" / "facts.json"
TAG = "fact"
# Functions that compare their first two arguments.
COMPARE = ("assert_close", "equal", "allclose", "isclose", "array_equal")


def facts() -> list[dict[str, str]]:
    """The rows of `book/facts.json`."""
    return json.loads(FACTS.read_text("utf-8"))


def mutation_test(source: str) -> str:
    """A program that changes nothing, and raises ``AssertionError`` where a mutant of the cell's assertions holds.

    source: of the cell, in whose namespace the program runs after it.
    """
    return "\n".join(
        f"try:\n    {statement}\nexcept AssertionError:\n    pass\nelse:\n"
        f"    raise AssertionError({f'this holds as well, so the cell asserts too little: {statement}'!r})"
        for statement in mutants(source)
    )


def mutants(source: str) -> list[str]:
    """The mutants of the cell's assertions: each with one value changed, in turn.

    A number or word that something equals is another one. A bound is ten times further in the direction in
    which the assertion fails. Of two results that are compared, one is larger by 1.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert) or called(node) == "assert_close":
            found += [text for part in ast.walk(node) for text in mutants_in(node, part)]
    return list(dict.fromkeys(found))  # what stands between two relations is met twice


def called(node: ast.AST) -> str:
    """The last name of the function that a call calls, "" of anything else."""
    return ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def mutants_in(whole: ast.AST, part: ast.AST) -> Iterator[str]:
    """The mutants of the assertion ``whole`` whose changed value stands in its part, a comparison."""
    if called(part) in COMPARE:
        expected = part.args[1]
        part.args[1] = ast.BinOp(expected, ast.Add(), ast.Constant(1))
        yield ast.unparse(whole)
        part.args[1] = expected
    if isinstance(part, ast.Compare):
        sides = [part.left, *part.comparators]
        for left, relation, right in zip(sides, part.ops, sides[1:]):
            for side, change in mutations(left, relation, right):
                for value in constants(side):
                    before, value.value = value.value, change(value.value)
                    yield ast.unparse(whole)
                    value.value = before


def mutations(left: ast.AST, relation: ast.cmpop, right: ast.AST) -> list[tuple[ast.AST, Callable]]:
    """The sides of a comparison, and how a value there is changed so that the comparison should fail."""
    if isinstance(relation, ast.Eq):
        return [(left, other), (right, other)]
    if isinstance(relation, ast.Lt | ast.LtE):
        return [(left, bound(left, +1)), (right, bound(right, -1))]
    if isinstance(relation, ast.Gt | ast.GtE):
        return [(left, bound(left, -1)), (right, bound(right, +1))]
    return []


def other(value: int | float | str) -> int | float | str:
    return f"{value}?" if isinstance(value, str) else value + 1


def bound(side: ast.AST, direction: int) -> Callable:
    """What moves a bound up (+1) or down (-1), ten times as far; of a negative one the digits are changed."""
    negative = isinstance(side, ast.UnaryOp)
    away = direction > 0 if not negative else direction < 0
    return lambda value: direction if value == 0 else value * 10 if away else value / 10


def constants(side: ast.AST) -> list[ast.Constant]:
    """The numbers and words of which alone a side is made, or that stand in its list."""
    if isinstance(side, ast.List | ast.Tuple):
        return [value for element in side.elts for value in constants(element)]
    leaves = [node for node in ast.walk(side) if not isinstance(node, PURE)]
    words = [node for node in ast.walk(side) if isinstance(node, ast.Constant)]
    return [] if leaves else [node for node in words if type(node.value) in (int, float, str)]


PURE = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
