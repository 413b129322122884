"""Rules for the notebooks, and the tool that stores their outputs.

That each runs alone in an empty folder is shown by the book's build (``run_in_temp``), and that its
outputs are as stored by nbval; neither is done a third time here.
"""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import notebooks as tool  # tools/notebooks.py
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = {"image/png", "image/svg+xml", "image/jpeg"}
LECTURE = "7xTGNNLPyMI"
# DESIGN's facts: the cell of each chapter that computes one, and what it asserts.
FACTS = {
    "01_tokens": {
        "cl100k": ["cl100k.n_vocab == 100277"],
        "viewing-single": ["cl100k.encode('|Viewing Single') == [91, 860, 287, 11579]"],
        "next-tokens": ["[4] == 3962", "(3962, 11799, 19438)", "[' Post', ' Case', ' Direction']"],
        "fineweb": ["round(disk / fineweb_tokens) == 3"],
    },
    "02_io": {
        "context-and-label": ["context == [91, 860, 287, 11579] and label == 3962"],
        "three-candidates": ["names == [' Post', ' Case', ' Direction']"],
        "count-looks": ["round(looks(16000) / looks(4000)) == 16"],
        "cost-figure": ["growth > 4"],
        "ask-box": ["logits.shape == (1, 4, 100277)"],
        "untrained-batch": ["abs(loss.item() - math.log(V)) < 0.05"],
        "after-one-nudge": ["after[POST] > before[POST]", "after[others].sum() < before[others].sum()"],
        "find-the-nudge": ["0.03 < was[POST] < now[POST]", "(now < was)[others]"],
        "loop-against-once": ["torch.testing.assert_close(once, looped"],
        "no-peeking-check": ["torch.testing.assert_close(box(changed)[:, :-1], once[:, :-1])"],
        "train": ["floor < history.val_losses[-1]"],
    },
}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def cells(notebook, kind):
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in cells(notebook, "markdown"))


def test_there_are_notebooks():
    assert [path.stem for path in PATHS] == sorted(FACTS)


def test_valid_with_names_for_cells(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for name in ids:  # words, since translations are keyed by them; no random letters
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}(-.*)?", name), name


def test_code_comes_in_small_cells(notebook):
    sizes = [lines(cell) for cell in cells(notebook, "code")]
    assert max(sizes) <= 40
    assert statistics.median(sizes) <= 5


def test_text_and_code_are_in_balance(notebook):
    ratio = len(cells(notebook, "markdown")) / len(cells(notebook, "code"))
    assert 1.2 <= round(ratio, 1) <= 2.0
    assert 2000 <= len(prose(notebook).split()) <= 3400


def test_opens_with_its_question_and_its_minute(notebook):
    opening = cells(notebook, "markdown")[0].source
    assert opening.startswith("# ")
    assert "?" in opening
    assert LECTURE in opening


def test_every_link_to_the_lecture_names_its_second(notebook):
    for link in re.findall(rf"https?://[^\s)]*{LECTURE}[^\s)]*", prose(notebook)):
        assert re.search(r"[?&]t=\d+s?$", link), link


def test_asks_for_predictions(notebook):
    asked = [c for c in cells(notebook, "markdown") if "predict first" in c.source.lower()]
    assert len(asked) >= 5
    for cell in asked:
        assert "?" in cell.source, f"{cell.id} asks nothing"


def test_ends_with_what_the_learner_can_compute(notebook):
    assert re.findall(r"^## .+$", prose(notebook), re.M)[-1] == "## What you can now compute"


def test_every_picture_has_an_alt_text(notebook):
    for cell in cells(notebook, "code"):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if kinds & PICTURES:
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 6, f"{cell.id} shows a picture without saying what it shows"
    for alt in re.findall(r"!\[([^\]]*)\]\(", prose(notebook)):
        assert len(alt.split()) >= 6


def test_bold_terms_stand_in_the_glossary(notebook):
    glossary = (ROOT / "book" / "glossary.md").read_text("utf-8").lower().splitlines()
    for term in re.findall(r"(?<!\w)\*\*([^*]{2,})\*\*(?!\w)", prose(notebook)):
        if not term.endswith((".", "?")):  # those are the openings of paragraphs
            assert {term.lower(), term.lower().removesuffix("s")} & set(glossary), term


def public_names() -> set[str]:
    """Functions and classes that modules of nbutils define for others."""
    names = set()
    for source in (ROOT / "nbutils").rglob("*.py"):
        names |= defined(ast.parse(source.read_text("utf-8")).body)
    return {name for name in names if not name.startswith("_")} - {"main"}


def defined(statements) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return {node.name for node in statements if isinstance(node, kinds)}


def test_defines_nothing_that_the_package_defines(notebook):
    own = set()
    for cell in cells(notebook, "code"):
        own |= defined(ast.walk(ast.parse(python(cell.source))))
    assert not own & public_names()


def python(source) -> str:
    """The source without IPython's own lines."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(kept)


def test_the_facts_are_computed_and_asserted(path, notebook):
    sources = {cell.id: python(cell.source) for cell in cells(notebook, "code")}
    for name, expected in FACTS[path.stem].items():
        asserted = "\n".join(assertions(sources.get(name, "")))
        for fact in expected:
            assert fact in asserted, f"cell {name!r} no longer asserts {fact}"


def assertions(source) -> list[str]:
    """Assert statements and calls of assert_close."""
    found = [n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.Assert, ast.Call))]
    code = [ast.unparse(node) for node in found]
    return [line for line in code if line.startswith(("assert ", "torch.testing.assert_close("))]


def test_nothing_is_stored_that_differs_between_runs(notebook):
    clean = tool.normalise(notebook)
    changed = [old.id for old, new in zip(notebook.cells, clean.cells) if old != new]
    assert not changed, "run `make notebooks`"
    assert clean == notebook, "run `make notebooks`"


def test_no_trace_of_a_machine_or_an_error(notebook):
    for cell in cells(notebook, "code"):
        stored = str(cell.outputs)
        path = re.search(r"/(home|root|tmp|work|Users)/|site-packages|[A-Z]:\\\\", stored)
        assert not path, cell.id
        assert not re.search(r" at 0x[0-9a-f]{6,}", stored), cell.id
        assert "raises-exception" in cell.metadata.get("tags", []) or not any(
            output.output_type == "error" for output in cell.outputs
        )


def test_uses_only_the_package_and_what_it_requires(notebook):
    allowed = {
        "nbutils", "torch", "numpy", "matplotlib", "tiktoken", "IPython", "ipywidgets", "sklearn",
    }  # fmt: skip
    for cell in cells(notebook, "code"):
        for node in ast.walk(ast.parse(python(cell.source))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert tops <= allowed | sys.stdlib_module_names, cell.id


def test_the_book_runs_each_notebook_alone_in_an_empty_folder():
    execute = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["execute"]
    assert execute["execute_notebooks"] == "cache"
    assert execute["run_in_temp"] is True
    assert "allow_errors" not in execute


# The tool


def small(*code, **metadata) -> nbformat.NotebookNode:
    made = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(code)]
    return new_notebook(cells=made, metadata=metadata)


def run_tool(*paths):
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "notebooks.py", *paths], capture_output=True, text=True
    )


def commit(folder):
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b",
                                                   "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def test_a_second_run_changes_nothing(tmp_path):
    path = tmp_path / "a.ipynb"
    notebook = small("import time, os\nprint(os.listdir())", "print(time.time())\ntime.time()")
    notebook.cells[1].metadata.tags = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    assert run_tool(path).returncode == 0
    first = path.read_bytes()
    assert nbformat.read(path, 4).cells[0].outputs[0].text == "[]\n"  # an empty folder
    commit(tmp_path)
    assert run_tool(path).returncode == 0
    assert path.read_bytes() == first
    changed = nbformat.read(path, 4)
    changed.cells[0].source += "\n1 + 1"  # what comes before a cell counts too
    nbformat.write(changed, path)
    run_tool(path)
    assert nbformat.read(path, 4).cells[1].outputs != changed.cells[1].outputs


def test_a_failure_names_the_cell_and_keeps_the_file(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(small("x = 1", "x / 0"), path)
    before = path.read_bytes()
    told = run_tool(path)
    assert told.returncode == 1
    assert "a.ipynb: cell 'cell-1' failed" in told.stderr
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
        new_output("execute_result", data={"text/plain": "1"}, execution_count=7),
    ]
    notebook.cells.append(new_markdown_cell("words", id="words"))
    clean = tool.normalise(notebook)
    assert clean.metadata == tool.METADATA
    assert clean.cells[0].metadata == {"tags": ["keep"]}
    assert clean.cells[0].execution_count == clean.cells[0].outputs[1].execution_count == 1
    assert [o.get("text") for o in clean.cells[0].outputs] == ["100%\ndone\n", None]
    assert tool.normalise(clean) == clean
    assert cell.outputs[0].text == "10%\r50%\r100%\n"  # the given notebook stays as it was
