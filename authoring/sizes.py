"""The sizes of our notebooks and of the package, as rows of STYLE.md's two tables: python -m authoring.sizes.

The exercises themselves are left out: their statements and cases are data.
"""

import ast
import json
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
PACKAGE, PROBLEMS = ROOT / "nbutils", ROOT / "nbutils/exercises/problems"
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def notebooks_row() -> str:
    """A code cell's lines: median / p90 / share over 40; Markdown to code cells; words a code line."""
    paths = (ROOT / "notebooks").glob("0*.ipynb")
    cells = [cell for path in paths for cell in json.loads(path.read_text("utf-8"))["cells"]]
    code, texts = (
        ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]
        for kind in ("code", "markdown")
    )
    lengths = [sum(bool(line.strip()) for line in source.splitlines()) for source in code]
    over = sum(length > 40 for length in lengths) / len(lengths)
    words = sum(len(text.split()) for text in texts)
    sizes = f"{median(lengths):.0f} / {quantiles(lengths, n=10)[-1]:.0f} / {over:.0%}"
    return f"| {sizes} | {len(texts) / len(code):.1f} | {words / sum(lengths):.1f} |"


def functions(tree: ast.Module) -> list[tuple[str, int]]:
    """Each function's and method's name, and its lines with its docstring."""
    found = [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    return [(node.name, node.end_lineno - node.lineno + 1) for node in found]


def package_row() -> str:
    """Lines; a function's lines: median / p90 / longest; the longest module's; docstrings; checks."""
    texts = [p.read_text("utf-8") for p in PACKAGE.rglob("*.py") if PROBLEMS not in p.parents]
    trees = [ast.parse(text) for text in texts]
    modules = [text.count("\n") for text in texts]
    lengths = [lines for tree in trees for _, lines in functions(tree)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = [node for node in nodes if isinstance(node, FUNCTION | ast.ClassDef)]
    told = sum(ast.get_docstring(node) is not None for node in named) / len(named)
    checks = sum(isinstance(node, ast.Raise | ast.Try) for node in nodes) / sum(modules)
    sizes = f"{median(lengths):.0f} / {quantiles(lengths, n=10)[-1]:.0f} / {max(lengths)}"
    return f"| {sum(modules):,} | {sizes} | {max(modules)} | {told:.0%} | {100 * checks:.1f} |".replace(
        "%", " %"
    )


if __name__ == "__main__":
    print(notebooks_row(), package_row(), sep="\n")
