"""The tool that runs notebooks and stores their outputs: authoring/notebooks.py."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import notebooks as tool

ROOT = Path(__file__).parents[1]


def small(*code, **metadata) -> nbformat.NotebookNode:
    made = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(code)]
    return new_notebook(cells=made, metadata=metadata)


def run_tool(*paths):
    command = [sys.executable, "-m", "authoring.notebooks", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")


def commit(folder):
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def test_a_second_run_changes_nothing(tmp_path):
    path = tmp_path / "a.ipynb"
    notebook = small("import time, os\nprint(os.listdir())", "print(time.time())\ntime.time()")
    notebook.cells[1].metadata.tags = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    told = run_tool(path)
    assert told.returncode == 0 and re.fullmatch(r".*a\.ipynb \.\.\.\n\d+\.\d s\n", told.stdout)
    first = path.read_bytes()
    printed, setup, times = nbformat.read(path, 4).cells
    assert printed.outputs[0].text == "[]\n"  # an empty folder
    assert setup.source == tool.setup_cell().source and times.source == notebook.cells[1].source
    commit(tmp_path)
    assert run_tool(path).returncode == 0
    assert path.read_bytes() == first
    changed = nbformat.read(path, 4)
    changed.cells[0].source += "\n1 + 1"  # what comes before a cell counts too
    nbformat.write(changed, path)
    run_tool(path)
    assert nbformat.read(path, 4).cells[2].outputs != changed.cells[2].outputs


def test_a_failure_names_the_cell_and_keeps_the_file(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(small("x = 1", "x / 0"), path)
    before = path.read_bytes()
    told = run_tool(path)
    assert told.returncode == 1
    assert "a.ipynb: cell 'cell-1' failed: ZeroDivisionError\n" in told.stderr
    assert "ZeroDivisionError: division by zero" in told.stderr
    assert path.read_bytes() == before


def test_normalise_drops_what_differs():
    kernel = {"name": "mine", "display_name": "Mine"}
    notebook = small("1", widgets={"state": {"a": 1}}, kernelspec=kernel)
    cell = notebook.cells[0]
    cell.metadata.execution = {"iopub.execute_input": "2026-01-01"}
    cell.metadata.tags = ["keep"]
    cell.execution_count = 7
    cell.outputs = [
        new_output("stream", text="10%\r50%\r100%\n"),
        new_output("stream", text="done\n"),
        new_output("execute_result", data={"text/plain": "1", tool.WIDGET: {}}, execution_count=7),
    ]
    notebook.cells.append(new_markdown_cell("words", id="words"))
    clean = tool.normalise(notebook, Path("a.ipynb"))
    assert clean.metadata == tool.METADATA
    assert clean.cells[0].metadata == {"tags": ["keep"]}
    assert clean.cells[0].execution_count == clean.cells[0].outputs[1].execution_count == 1
    assert [o.get("text") for o in clean.cells[0].outputs] == ["100%\ndone\n", None]
    assert clean.cells[0].outputs[1].data == {"text/plain": "1"}  # what a page can show
    assert tool.normalise(clean, Path("a.ipynb")) == clean
    assert cell.outputs[0].text == "10%\r50%\r100%\n"  # the given notebook stays as it was


def test_a_long_notebook_asks_colab_for_a_gpu_and_no_other_does():
    at_home, asking = (
        tool.normalise(small("1", accelerator="TPU"), Path("notebooks") / f"{name}.ipynb").metadata
        for name in ("05_inference", "06_faster")
    )
    assert at_home == tool.METADATA
    assert asking == tool.METADATA | {"accelerator": "GPU", "colab": {"gpuType": "T4"}}


def test_kernels_are_stored_where_triton_is_installed_alone(tmp_path, monkeypatch, capsys):
    path = tmp_path / f"{tool.KERNELS[0]}.ipynb"
    nbformat.write(small("x = 1"), path)
    before = path.read_bytes()
    monkeypatch.setattr(tool, "find_spec", lambda name: None)
    monkeypatch.setattr(tool.sys, "platform", "darwin")  # `make notebooks` ends well there
    tool.main([str(path)])
    assert capsys.readouterr().out.endswith(
        "06b_kernel.ipynb is left as it is: "
        "it stores what Triton's interpreter computes, and Triton is for Linux alone\n"
    )
    assert path.read_bytes() == before
    monkeypatch.setattr(tool.sys, "platform", "linux")
    with pytest.raises(
        SystemExit, match=r"06b_kernel.ipynb stores what Triton's .* `make notebooks` makes"
    ):
        tool.main([str(path)])
    tool.main([str(path), "--dry-run"])
    assert path.read_bytes() == before
    monkeypatch.setattr(tool, "find_spec", lambda name: "found")
    tool.main([str(path)])
    assert path.read_bytes() != before
