"""Grade a folder of submitted notebooks: each in a process of its own, with limits.

A notebook's cells run in order, as Restart and run all would, without those that are tagged as of no
use here; a cell that stops with an error does not stop those after it. Then every exercise's
function that it defines is judged. The process has limits on time and memory, its own empty
folder, and no part in the teacher's progress file. It is no prison: code from people you don't
trust belongs in a container.
"""

import ast
import contextlib
import csv
import html
import json
import linecache
import os
import subprocess
import sys
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nbutils.exercises.checking import PASSED, UNTRIED, judge
from nbutils.exercises.exercise import names

SECONDS = 300.0  # for a notebook
MEMORY = 8 * 2**30  # bytes of a process's addresses; PyTorch alone takes two of them
ERROR = "could not be run"
SKIPPED = "skip-grading"  # the tag of cells that define no answer


@dataclass(frozen=True)
class Mark:
    """One exercise of one notebook, with what its author is told."""

    notebook: str
    exercise: str
    state: str
    says: str


def grade(folder: Path, *, seconds: float = SECONDS, workers: int | None = None) -> list[Mark]:
    """Grade every notebook below a folder.

    Raises:
        ValueError: there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}")
    found = sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    if not found:
        raise ValueError(f"no notebook (*.ipynb) in {str(folder)!r}")
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        several = pool.map(lambda path: _grade_in_a_process(path, folder, seconds), found)
    return [one for grades in several for one in grades]


def _grade_in_a_process(path: Path, folder: Path, seconds: float) -> list[Mark]:
    name = path.relative_to(folder).as_posix()
    with tempfile.TemporaryDirectory() as empty:
        answer = Path(empty, "grades.json")
        command = [sys.executable, "-m", __spec__.name, str(path.resolve()), str(answer)]
        environment = os.environ | {
            "NBUTILS_PROGRESS": str(Path(empty, "progress.json")),
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
            # A GPU maps more addresses than a notebook may have, and one for all workers is soon full.
            "NBUTILS_DEVICE": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        try:
            done = subprocess.run(
                command,
                cwd=empty,
                env=environment,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            return [Mark(name, "", ERROR, f"the notebook was not done after {seconds:g} seconds")]
        if not answer.exists():
            last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            return [Mark(name, "", ERROR, last)]
        return [Mark(name, *one) for one in json.loads(answer.read_text("utf-8"))]


def _grade_here(path: Path) -> list[tuple[str, str, str]]:
    """Run a notebook here, and judge what it defines: (exercise, state, words)."""
    _limit_memory()
    namespace, stopped = _run_cells(path)
    found = []
    for name in names():
        answer = namespace.get(name)
        if callable(answer):
            verdict = judge(name, answer)
            found.append((name, verdict.state, str(verdict).partition(": ")[2]))
        else:
            found.append((name, UNTRIED, stopped.get(name, "")))
    return found


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    with contextlib.suppress(ValueError):  # macOS: more addresses are in use already
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _run_cells(path: Path) -> tuple[dict, dict[str, str]]:
    """The names after all cells; and for a function whose cell did not run, why."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    stopped = {}
    cells = json.loads(path.read_text("utf-8"))["cells"]
    for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        if SKIPPED in cell["metadata"].get("tags", []):
            continue
        text, file = _without_magics("".join(cell["source"])), f"<ipython-input-{number}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        try:
            exec(compile(text, file, "exec"), main.__dict__)
        except (Exception, SystemExit) as error:
            words = f"{type(error).__name__} in cell {number}: {error}"
            stopped |= dict.fromkeys(_functions_defined(text), words)
    return main.__dict__, stopped


def _without_magics(text: str) -> str:
    """A cell's Python: without lines for Jupyter and the shell."""
    return "\n".join(
        "" if line.lstrip().startswith(("%", "!", "?")) else line for line in text.splitlines()
    )


def _functions_defined(text: str) -> list[str]:
    try:
        return [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        return [name for name in names() if f"def {name}(" in text]


def totals(grades: list[Mark]) -> dict[str, int]:
    """For each notebook, how many exercises are right."""
    return {
        notebook: sum(one.state == PASSED for one in grades if one.notebook == notebook)
        for notebook in dict.fromkeys(one.notebook for one in grades)
    }


def write_csv(grades: list[Mark], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8-sig") as file:  # Excel asks for the mark
        table = csv.writer(file)
        table.writerow([field.name for field in fields(Mark)])
        table.writerows(_escape_formulas(asdict(one).values()) for one in grades)


def _escape_formulas(values) -> list[str]:
    """Cells that a spreadsheet takes for text, not for a formula."""
    return [f"'{value}" if value.startswith(("=", "+", "-", "@")) else value for value in values]


def as_html(grades: list[Mark]) -> str:
    """A page with a line for each notebook; each sign's title says what its author was told."""
    shown = [name for name in names() if any(one.exercise == name for one in grades)]
    of = {(one.notebook, one.exercise): one for one in grades}
    head = "".join(f"<th><span>{html.escape(name)}</span></th>" for name in shown)
    lines, told = [], []
    for notebook, passed in totals(grades).items():
        cells = "".join(_cell(of.get((notebook, name))) for name in shown)
        lines.append(f"<tr><th>{html.escape(notebook)}</th><td>{passed}</td>{cells}</tr>")
        wrong = [
            one for one in grades if one.notebook == notebook and one.state not in (PASSED, UNTRIED)
        ]
        told += [
            f"<li><b>{html.escape(notebook)}</b> <code>{html.escape(one.exercise)}</code> "
            f"{html.escape(one.state)}: {html.escape(one.says)}</li>"
            for one in wrong
        ]
    return _PAGE.format(head=head, lines="".join(lines), told="".join(told))


def _cell(one: Mark | None) -> str:
    if one is None:
        return "<td></td>"
    sign = {PASSED: "✓", UNTRIED: "○"}.get(one.state, "✗")
    return f'<td title="{html.escape(one.says)}">{sign}</td>'


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Grades</title>
<style>
body {{ font-family: sans-serif; margin: 2em }}
table {{ border-collapse: collapse }} td, th {{ border: 1px solid #bbb; padding: 0.2em 0.5em }}
thead span {{ writing-mode: vertical-rl }} tbody th {{ text-align: left }} td {{ text-align: center }}
</style>
<h1>Grades</h1>
<p>✓ right, ✗ wrong, ○ not tried yet.</p>
<table><thead><tr><th>Notebook</th><th><span>right</span></th>{head}</tr></thead>
<tbody>{lines}</tbody></table>
<h2>What was told</h2>
<ul>{told}</ul>
</html>
"""


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_grade_here(Path(sys.argv[1]))), "utf-8")
