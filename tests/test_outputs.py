"""What counts as the same output, and that nbval asks for it. All notebooks: `pytest --nbval`."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from authoring import facts, outputs
from authoring import notebooks as tool

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))


def test_in_every_chapter_outputs_are_compared():
    for path in (path for path in PATHS if path.parent.name == "notebooks"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("outputs")]
        kept = [cell for cell in cells if tool.KEPT in cell.metadata.get("tags", [])]
        assert len(kept) < 0.8 * len(cells), path.name


def printed(text: str) -> list:
    return [new_output("stream", name="stdout", text=text)] if text else []


@pytest.mark.parametrize(
    "fresh, told",
    [
        ("2 or 0.5 ok\n", ""),
        ("2 or 0.5000001 ok\n", ""),
        ("2 or 0.501 ok\n", "0.501 is not the stored 0.5"),
        ("3 or 0.5 ok\n", "3 is not the stored 2"),
        ("2 or 0.5 no\n", "is not what is stored"),
        ("", "gave nothing, not stream"),
    ],
)
def test_another_text_is_noticed(fresh, told):
    found = outputs.difference(printed("2 or 0.5 ok\n"), printed(fresh))
    assert told in found and bool(told) == bool(found)


@pytest.mark.parametrize(
    "stored, fresh, same",
    [
        ("300001", "300002", False),
        ("-300001", "-300002", False),
        ("300,001", "300,002", False),
        ("-0.5", "-0.5000001", True),
        ("0.394", "0.395", True),  # 0.39449 and 0.39451, printed
        ("0.394", "0.396", False),
        ("12.3", "12.4", True),
        ("0.37", "0.38", False),  # two digits are too few to call it rounding
        ("5.69e+06", "5.70e+06", True),
        ("1e-9", "2e-9", True),  # nothing, beside the numbers that pages show
        ("1.0", "0.9999999", True),
    ],
)
def test_numbers_are_compared_as_numbers_and_counts_as_counts(stored, fresh, same):
    assert outputs.same_number(stored, fresh) == same
    assert (outputs.of_texts(f"({stored} nats)", f"({fresh} nats)") == "") == same


def shown(state: str, said: str = "Ready.") -> list:
    html = f'<div><p>{said}</p>\n<script type="application/json">{state}</script></div>'
    return [new_output("display_data", data={"text/html": html, "text/plain": said})]


@pytest.mark.parametrize(
    "state, told",
    [
        ('{"p":[0.25,1e-9],"n":3,"words":["a"]}', ""),
        ('{"p":[0.2500001,3e-9],"n":3,"words":["a"]}', ""),
        ('{"n":3,"words":["a"],"p":[0.25,0.0]}', ""),  # their order says nothing
        ('{"p":[0.26,1e-9],"n":3,"words":["a"]}', "is 0.26, not 0.25"),
        ('{"p":[0.25,1e-9],"n":4,"words":["a"]}', "is 4, not 3"),
        ('{"p":[0.25,1e-9],"n":3,"words":["b"]}', "'b'"),
        ('{"p":[0.25],"n":3,"words":["a"]}', "has 1 entries, not 2"),
    ],
)
def test_numbers_in_the_state_of_a_picture_are_compared_too(state, told):
    found = outputs.difference(shown('{"p":[0.25,1e-9],"n":3,"words":["a"]}'), shown(state))
    assert told in found and bool(told) == bool(found)


def test_another_picture_is_noticed():
    def drawn(column: int, shade: int = 255) -> str:
        pixels = np.zeros((50, 100, 3), dtype=np.uint8)
        pixels[:, column] = shade
        to = io.BytesIO()
        Image.fromarray(pixels).save(to, "png")
        return base64.b64encode(to.getvalue()).decode()

    assert outputs.same_picture(drawn(3), drawn(3)) and outputs.same_picture(
        drawn(3), drawn(3, 250)
    )
    assert not outputs.same_picture(drawn(3), drawn(4))


def nbval(path: Path, *options: str) -> subprocess.CompletedProcess:
    """nbval as it runs the course's notebooks."""
    command = [sys.executable, "-m", "pytest", *options, "--nbval-current-env", "-q", path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "notebooks"), str(ROOT)])}
    return subprocess.run(
        [*command, "-p", "conftest"],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_nbval_compares_in_an_empty_folder_with_a_sentence(tmp_path):
    cells = [
        new_code_cell("import os\nos.listdir()", id="folder"),
        new_code_cell("print(2 / 3)", id="rounded"),
        new_code_cell("[1][0];", id="hidden"),
        new_code_cell("print('new')", id="wrong"),
        new_code_cell("print('new')", id="kept", metadata={"tags": [tool.KEPT]}),
        new_code_cell("assert 3 < 100", id="vague", metadata={"tags": [facts.TAG]}),
    ]
    texts = ["[]", "0.66666667\n", "", "old\n", "old\n", ""]
    for cell, text in zip(cells, texts):
        cell.outputs, cell.execution_count = printed(text), 1
    cells[0].outputs = [new_output("execute_result", data={"text/plain": "[]"}, execution_count=1)]
    nbformat.write(new_notebook(cells=cells, metadata=tool.METADATA), tmp_path / "a.ipynb")
    strict = nbval(tmp_path / "a.ipynb", "--nbval")
    assert "2 failed, 4 passed" in strict.stdout, strict.stdout
    assert "asserts too little: assert 30 < 100" in strict.stdout
    assert "'new'\nis not what is stored:\n'old'" in strict.stdout
    assert "1 failed, 5 passed" in nbval(tmp_path / "a.ipynb", "--nbval-lax").stdout
