"""The tests that need a GPU, and the notebooks from top to bottom: steps of ``gpu.py``."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from gpu_run import ROOT, Bench, Step, tell
from rows import Row

from nbutils import chips

NOTEBOOKS = ROOT / "notebooks"
QUICK_NOTEBOOKS = ("exercises/05_inference",)
# What authoring.notebooks says on a line: of a cell that fails, before its code; of a notebook that ran.
FAILED = re.compile(r": cell '([\w-]+)' failed: (\w+)$", re.M)
RAN = re.compile(r"^([\d.]+) s$", re.M)


def tests(bench: Bench) -> Iterator[Row]:
    """How many of the tests that need a GPU pass."""
    command = ["-m", "pytest", "-q", "--part", "gpu", "-p", "no:cacheprovider", "tests/test_gpu.py"]
    start = time.monotonic()
    done = subprocess.run(
        [*bench.python, *command], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    yield tests_row(done.stdout, time.monotonic() - start)
    if done.returncode:
        tell(done.stdout[-6000:] + done.stderr[-2000:])


def tests_row(printed: str, seconds: float) -> Row:
    """What pytest's last lines say."""
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for number, word in re.findall(r"(\d+) (passed|failed|error|skipped)", printed):
        counts[word] = int(number)
    bad = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", printed, re.M)
    how = f"{counts['skipped']} skipped, {seconds:.0f} s: pytest --part gpu tests/test_gpu.py"
    (what,) = chips.WANTED["tests"]
    if bad or not counts["passed"]:
        return Row(what, "failed", "", ", ".join([f"{counts['passed']} passed", *bad]))
    return Row(what, counts["passed"], "passed", how)


def of_notebook(name: str) -> Step:
    """It takes what it took on the machine of the page "How it is tested", as far as one knows."""
    stored = json.loads((ROOT / "book" / "measured.json").read_text("utf-8"))["chapters"]["rows"]
    usual = {row["page"]: row["seconds"] for row in stored}
    seconds = usual.get(f"notebooks/{name}", 60)
    return Step("notebooks", (f"Notebook {name}",), seconds, partial(notebook, name=name))


def notebook(bench: Bench, name: str) -> Iterator[Row]:
    """Seconds from the start of its kernel to its last cell; of one that fails, the cell and the error.

    Nothing of an error but its name: its words may name a folder.
    """
    path = str(NOTEBOOKS / f"{name}.ipynb")
    command = [sys.executable, "-m", "authoring.notebooks", "--dry-run", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    if done.returncode:
        tell(done.stderr)
        found = FAILED.search(done.stderr)
        if found is None:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}")
        yield Row(f"Notebook {name}", "failed", "", f"cell {found[1]}: {found[2]}")
        return
    yield Row(f"Notebook {name}", float(RAN.search(done.stdout)[1]), "s", "from top to bottom")
