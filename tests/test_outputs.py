"""What a notebook shows is what it computes: its stored outputs are those of the book's build.

The build ran every notebook alone, from top to bottom, and kept what came out; running all of them a
second time here would tell nothing more. Sums over several threads differ in their last digits, so a
number that is no count may differ by a hundred-thousandth of it. A cell tagged ``nbval-ignore-output`` may
differ from run to run.
"""

import base64
import io
import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

import notebooks as tool  # tools/notebooks.py

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def computed(path: Path) -> nbformat.NotebookNode:
    """The notebook as the last build ran it."""
    stored = nbformat.read(path, as_version=4)
    try:
        return get_cache(ROOT / "_build" / ".jupyter_cache").merge_match_into_notebook(stored)[1]
    except KeyError:
        pytest.fail(
            f"{path.name} has not been run since its code changed: make book", pytrace=False
        )


def differing(stored, fresh) -> list[str]:
    """The names of the cells whose outputs differ and should not."""
    stored, fresh = tool.normalise(stored), tool.normalise(fresh)
    assert [cell.id for cell in stored.cells] == [cell.id for cell in fresh.cells]
    return [
        old.id
        for old, new in zip(stored.cells, fresh.cells)
        if old.cell_type == "code"
        and tool.KEPT not in old.metadata.get("tags", [])
        and not alike(said(old), said(new))
    ]


def said(cell) -> list[tuple[str, str]]:
    """A cell's outputs: kind and content."""
    found = []
    for output in cell.outputs:
        found += sorted(output.get("data", {}).items()) or [
            (output.output_type, output.get("text", ""))
        ]
    return found


def alike(stored: list[tuple[str, str]], fresh: list[tuple[str, str]]) -> bool:
    return [kind for kind, _ in stored] == [kind for kind, _ in fresh] and all(
        old == new or (same_picture if kind == "image/png" else same_text)(old, new)
        for (kind, old), (_, new) in zip(stored, fresh)
    )


def same_picture(old: str, new: str) -> bool:
    """At most one in a thousand pixels looks different."""
    old, new = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB")).astype(int)
        for one in (old, new)
    )
    return old.shape == new.shape and (np.abs(old - new).max(-1) > 16).mean() < 1e-3


def same_text(old: str, new: str) -> bool:
    if NUMBER.split(old) != NUMBER.split(new):
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new))
    return all(a == b or same_number(a, b) for a, b in pairs)


def same_number(a: str, b: str) -> bool:
    """Counts, which have neither a point nor an exponent, must be equal."""
    counts = not {*a} & {".", "e"}
    return not counts and math.isclose(float(a), float(b), rel_tol=1e-5, abs_tol=1e-7)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_stored_outputs_are_what_the_code_computes(path):
    stored, fresh = nbformat.read(path, as_version=4), computed(path)
    assert differing(stored, fresh) == [], "run `make notebooks`, and look at what changed"


def test_in_every_chapter_outputs_are_compared():
    for path in (path for path in PATHS if path.parent.name == "notebooks"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("outputs")]
        kept = [cell for cell in cells if tool.KEPT in cell.metadata.get("tags", [])]
        assert len(kept) < 0.8 * len(cells), path.name


@pytest.mark.parametrize(
    "output, told",
    [
        ("2 or 0.5 ok\n", []),
        ("2 or 0.5000001 ok\n", []),
        ("2 or 0.501 ok\n", ["sum"]),
        ("3 or 0.5 ok\n", ["sum"]),
        ("2 or 0.5 no\n", ["sum"]),
        ("", ["sum"]),
    ],
)
def test_another_output_is_noticed(output, told):
    one = new_notebook(cells=[new_code_cell("print(1 + 1, 'or', 1 / 2, 'ok')", id="sum")])
    one.cells[0].outputs = [new_output("stream", name="stdout", text="2 or 0.5 ok\n")]
    other = nbformat.from_dict(one)
    other.cells[0].outputs = [new_output("stream", name="stdout", text=output)] if output else []
    assert differing(one, other) == told
    one.cells[0].metadata.tags = other.cells[0].metadata.tags = [tool.KEPT]
    assert differing(one, other) == []


def test_counts_are_compared_as_counts():
    assert same_text("-0.5 of 300001", "-0.5000001 of 300001")
    assert not same_text("300001", "300002") and not same_text("-300001", "-300002")


def test_another_picture_is_noticed():
    def drawn(column: int, shade: int = 255) -> str:
        pixels = np.zeros((50, 100, 3), dtype=np.uint8)
        pixels[:, column] = shade
        to = io.BytesIO()
        Image.fromarray(pixels).save(to, "png")
        return base64.b64encode(to.getvalue()).decode()

    assert same_picture(drawn(3), drawn(3)) and same_picture(drawn(3), drawn(3, 250))
    assert not same_picture(drawn(3), drawn(4))
