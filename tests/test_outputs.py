"""What a notebook shows is what it computes: its stored outputs are those of the book's build.

The build ran every notebook alone, from top to bottom, and kept what came out; running all of them a
second time here would tell nothing more. A cell tagged ``nbval-ignore-output`` may differ from run to run.
"""

from pathlib import Path

import nbformat
import notebooks as tool  # tools/notebooks.py
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))


def computed(path: Path) -> nbformat.NotebookNode:
    """The notebook as the last build ran it."""
    stored = nbformat.read(path, as_version=4)
    try:
        return get_cache(ROOT / "_build" / ".jupyter_cache").merge_match_into_notebook(stored)[1]
    except KeyError:
        pytest.fail(f"{path.name} has not been run since its code changed: make book", pytrace=False)


def differing(stored, fresh) -> list[str]:
    """The names of the cells whose outputs differ and should not."""
    stored, fresh = tool.normalise(stored), tool.normalise(fresh)
    assert [cell.id for cell in stored.cells] == [cell.id for cell in fresh.cells]
    return [
        old.id
        for old, new in zip(stored.cells, fresh.cells)
        if old.cell_type == "code" and tool.KEPT not in old.metadata.get("tags", [])
        and said(old) != said(new)
    ]  # fmt: skip


def said(cell) -> list[dict]:
    """A cell's outputs without what describes them."""
    return [{"text": output.get("text"), **output.get("data", {})} for output in cell.outputs]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_stored_outputs_are_what_the_code_computes(path):
    stored, fresh = nbformat.read(path, as_version=4), computed(path)
    assert differing(stored, fresh) == [], "run `make notebooks`, and look at what changed"


def test_every_notebook_s_cells_that_count_are_compared():
    """Most cells with an output are compared, in every notebook that has ten."""
    for path in PATHS:
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("outputs")]
        kept = [cell for cell in cells if tool.KEPT in cell.metadata.get("tags", [])]
        assert len(cells) < 10 or len(kept) < 0.8 * len(cells), path


@pytest.mark.parametrize("output, told", [("2\n", []), ("3\n", ["sum"]), (None, ["sum"])])
def test_another_output_is_noticed(output, told):
    one = new_notebook(cells=[new_code_cell("print(1 + 1)", id="sum")])
    one.cells[0].outputs = [new_output("stream", name="stdout", text="2\n")]
    other = nbformat.from_dict(one)
    other.cells[0].outputs = [new_output("stream", name="stdout", text=output)] if output else []
    assert differing(one, other) == told
    one.cells[0].metadata.tags = [tool.KEPT]
    other.cells[0].metadata.tags = [tool.KEPT]
    assert differing(one, other) == []
