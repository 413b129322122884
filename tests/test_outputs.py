"""What counts as the same output, and that nbval asks for it. All notebooks: `pytest --nbval`."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_notebook, new_output

from authoring import facts, outputs
from authoring import notebooks as tool
from nbutils.figures.style import BLUE, RED, use_style
from nbutils.figures.svg import svg

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


def drawn(**changed) -> str:
    """A figure with a curve, a label with a number, bars and an image; what is changed is drawn otherwise."""
    told = {"label": "floor: 0.3720", "high": 1.0, "color": BLUE, "bars": 3, "pixel": 0.0} | changed
    with matplotlib.rc_context():
        use_style()
        fig, (left, right) = plt.subplots(1, 2)
        x = np.linspace(0, 3, 200)
        left.plot(x, told["high"] * np.sin(x), color=told["color"], label=told["label"])
        left.bar(range(told["bars"]), 0.5)
        left.set(ylim=(0, 2))
        left.legend()
        right.imshow(np.diag([1.0, told["pixel"]]), vmin=0, vmax=1)
        return svg(fig)


@pytest.mark.parametrize(
    "changed, told",
    [
        ({}, ""),
        ({"high": 1.001, "pixel": 0.001}, ""),  # another machine's last digits
        ({"label": "floor: 0.3721"}, ""),
        ({"label": "floor: 0.5"}, "0.5 is not the stored 0.3720"),
        ({"label": "ground: 0.3720"}, "in the figure 'ground: 0.3720'"),
        ({"high": 1.1}, "a path of the figure has d="),
        ({"color": RED}, "a path of the figure has stroke="),
        ({"bars": 2}, "of the figure"),
        ({"pixel": 0.5}, "an image of the figure is another"),
    ],
)
def test_another_figure_is_noticed(changed, told):
    before, now = (
        [new_output("display_data", data={"image/svg+xml": one})]
        for one in (drawn(), drawn(**changed))
    )
    found = outputs.difference(before, now)
    assert told in found and bool(told) == bool(found)


def nbval(path: Path, *options: str) -> subprocess.CompletedProcess:
    """nbval as it runs the course's notebooks."""
    command = [sys.executable, "-m", "pytest", *options, "--nbval-current-env", "-q", path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "notebooks"), str(ROOT)])}
    return subprocess.run(
        [*command, "-p", "conftest"],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        encoding="utf-8",
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
