"""Run notebooks and store their outputs, without anything that differs from run to run.

``python -m authoring.notebooks notebooks/01_tokens.ipynb ...`` runs each notebook from top to bottom,
alone in an empty folder, and writes it back. Times, widget state and the versions of the kernel are
dropped. A cell tagged ``nbval-ignore-output`` keeps its stored output while the code up to it is as
in the last commit, so a second run changes nothing; clear that output to have it made anew.

``--dry-run`` writes nothing: it says whether the notebooks run, and for how many seconds.

Every notebook begins with the same cell, `SETUP`; where it is missing or old, it is put in place.
Those that train for long (`LONG`), and those with kernels (`KERNELS`), ask Colab for a GPU, by the metadata that Colab
itself writes. Those with kernels are stored where Triton is installed alone, on Linux: `make notebooks` has an
environment with it. On other systems they are passed over.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell

from nbutils.exercises.grading import SKIPPED
from nbutils.files import expanded
from tools.fork import repository

TIMEOUT = 900  # seconds a cell, on a busy machine
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
LONG = ("04b_training", "06_faster", "07_bigger", "06_your_gpt")
KERNELS = ("06b_kernel",)
GPU = {"accelerator": "GPU", "colab": {"gpuType": "T4"}}
KEPT = "nbval-ignore-output"
NO_TRITON = (  # on Linux, an error
    "{path} stores what Triton's interpreter computes, and Triton is not installed here. `make notebooks` makes an "
    "environment with it, .venv/kernel, on Linux; --dry-run runs the notebook and stores nothing"
)
NEVER_TRITON = "{path} is left as it is: it stores what Triton's interpreter computes, and Triton is for Linux alone"
WIDGET = "application/vnd.jupyter.widget-view+json"
# Colab, or another machine without nbutils, installs it; then a line says which chip computes. The
# last words stand in the error that follows a failed installation.
SETUP = """\
try: from nbutils import doctor
except ImportError: get_ipython().run_line_magic("pip", "install -q git+https://github.com/{repository}")
from nbutils import doctor; doctor.ready()  # an error? This needs a network once, and Python 3.11 or later\
"""


def main(arguments: list[str] | None = None) -> None:
    """Run each notebook and write it back; stop at the first cell that fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", type=expanded, metavar="NOTEBOOK")
    parser.add_argument("--dry-run", action="store_true", help="run them, and write nothing")
    options = parser.parse_args(arguments)
    for path in options.paths:
        if has_kernels(path) and not options.dry_run and find_spec("triton") is None:
            if sys.platform == "linux":
                sys.exit(NO_TRITON.format(path=path))
            print(NEVER_TRITON.format(path=path), flush=True)
            continue
        print(f"{path} ...", flush=True)
        stored = with_setup(nbformat.read(path, as_version=4))
        start = time.monotonic()
        executed = execute(path, stored)
        print(f"{time.monotonic() - start:.1f} s", flush=True)
        fresh = normalise(executed, path)
        if not options.dry_run:
            write(keep_ignored(fresh, stored, committed_code(path)), path)


def setup_cell() -> nbformat.NotebookNode:
    """The first cell of code; the book, whose readers have no kernel, leaves it out."""
    cell = new_code_cell(SETUP.format(repository=repository()), id="setup")
    cell.metadata.tags = [KEPT, SKIPPED, "remove-cell"]
    return cell


def with_setup(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy whose first cell of code is `setup_cell`, with the output that it had."""
    copy, setup = nbformat.from_dict(notebook), setup_cell()
    setup.outputs = [
        output for cell in copy.cells if cell.id == setup.id for output in cell.outputs
    ]
    copy.cells = [cell for cell in copy.cells if cell.id != setup.id]
    copy.cells.insert(1, setup)
    return copy


def execute(
    path: Path, stored: nbformat.NotebookNode, threads: int | None = None
) -> nbformat.NotebookNode:
    """A copy with fresh outputs, computed on so many threads (None: as PyTorch likes).

    A failure ends the program and names the cell.
    """
    notebook = nbformat.from_dict(stored)
    with tempfile.TemporaryDirectory() as empty:
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": empty}},
        )
        try:
            client.execute(env=os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {}))
        except CellExecutionError as error:
            sys.exit(explain(path, notebook, error))
    return notebook


def explain(path, notebook, error) -> str:
    """Which cell failed by which error, on a line of their own; its code, and what went wrong."""
    cell = next(
        c for c in notebook.cells if any(o.output_type == "error" for o in c.get("outputs", []))
    )
    failed = f"{path}: cell {cell.id!r} failed: {error.ename}"
    return f"{failed}\n\n{cell.source}\n\n{error.ename}: {error.evalue}"


def metadata(path: Path) -> dict:
    """What the notebook of that name says of itself: its kernel, and for Colab whether it wants a GPU."""
    return METADATA | (GPU if path.stem in LONG or has_kernels(path) else {})


def has_kernels(path: Path) -> bool:
    """Whether it is a chapter of `KERNELS`; exercises of the same name run none."""
    return path.stem in KERNELS and path.parent.name != "exercises"


def normalise(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """The same notebook, without what differs between runs and machines."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(metadata(path))
    count = 0
    for cell in notebook.cells:
        cell.metadata = without(cell.metadata, "execution", "collapsed", "ExecuteTime")
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [clean(output, count) for output in merge_streams(cell.outputs)]
    return notebook


def without(mapping, *names):
    return nbformat.from_dict({k: v for k, v in mapping.items() if k not in names})


def merge_streams(outputs) -> list:
    """Join what was printed: how it was cut into pieces depends on the moment."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(nbformat.from_dict(output))
    return merged


def clean(output, count):
    """One output with the cell's own count, without progress and widgets that are gone."""
    if output.get("data", {}).keys() - {WIDGET}:  # it names a widget of a kernel that has ended
        output.data.pop(WIDGET, None)
    if output.output_type == "execute_result":
        output.execution_count = count
    if output.output_type == "stream":
        output.text = re.sub(r"[^\n]*\r(?!\n|$)", "", output.text)  # a progress bar's last state
    return output


def keep_ignored(fresh, stored, committed: list[str]) -> nbformat.NotebookNode:
    """Give tagged cells their stored output back, while the code up to them is as committed."""
    for new, old in zip(fresh.cells, stored.cells):
        if new.cell_type != "code":
            continue
        same = committed[: new.execution_count] == code(fresh)[: new.execution_count]
        if same and old.outputs and KEPT in new.metadata.get("tags", []):
            new.outputs = [clean(output, new.execution_count) for output in old.outputs]
    return fresh


def committed_code(path: Path) -> list[str]:
    """The sources of the code cells in the last commit; none if there is no such notebook."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True
    )
    return code(nbformat.reads(shown.stdout.decode(), as_version=4)) if not shown.returncode else []


def code(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def write(notebook, path: Path) -> None:
    """Write aside, then put in place: an interrupted run leaves the old notebook."""
    aside = path.with_suffix(".part")
    aside.write_text(nbformat.writes(notebook) + "\n", "utf-8", newline="\n")
    aside.replace(path)


if __name__ == "__main__":
    main()
