"""The house: a module is read in one sitting, a function fits on a screen and branches seldom."""

import ast
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULE, FUNCTION, COMPLEXITY = 500, 60, 12  # lines, lines, and as ruff's C901 counts


def sources() -> dict[str, str]:
    """Every Python file that git knows, and what it holds."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in paths if p.exists()}


def too_long(text: str) -> list[tuple[str, int]]:
    """The names of a module's functions that are too long, and "", if it is itself; with their lines."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    sizes = [(node.name, node.end_lineno - node.lineno + 1) for node in functions]
    module = [("", text.count("\n"))]
    return [one for one in module if one[1] > MODULE] + [one for one in sizes if one[1] > FUNCTION]


def test_modules_and_functions_are_short():
    found = {name: too_long(text) for name, text in sources().items()}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_what_is_too_long_is_named():
    body = "        pass\n"
    assert too_long(f"class A:\n    def f():\n{59 * body}") == []
    assert too_long(f"class A:\n    async def f():\n{60 * body}") == [("f", 61)]
    assert too_long(500 * "x = 1\n") == [] and too_long(501 * "x = 1\n") == [("", 501)]


def test_no_function_branches_often():
    """ruff finds those that do, in the first minute of the check; it must be asked, without exceptions."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "C90" in lint["select"] and "per-file-ignores" not in lint
    assert lint["mccabe"] == {"max-complexity": COMPLEXITY}
    allowed = "noqa: " + "C901"
    assert [name for name, text in sources().items() if allowed in text] == []
