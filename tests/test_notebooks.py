"""Rules for the notebooks.

That each runs alone in an empty folder, and gives what it stores, nbval shows: notebooks/conftest.py.
"""

import ast
import json
import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from authoring import notebooks as tool

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted((ROOT / "notebooks" / "exercises").glob("[0-9]*.ipynb"))
PICTURES = {"image/png", "image/svg+xml", "image/jpeg"}
LECTURE = "7xTGNNLPyMI"


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
    assert len(PATHS) >= 10 and len(EXERCISES) >= 6


def test_valid_with_names_for_cells(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for name in ids:  # words, since translations are keyed by them; no random letters
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}(-.*)?", name), name


ALL = pytest.mark.parametrize(
    "path", [*PATHS, *EXERCISES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)


@ALL
def test_every_notebook_begins_with_the_same_cell(path):
    notebook = nbformat.read(path, as_version=4)
    setup = notebook.cells[1]
    expected = tool.setup_cell()
    assert [setup.id, setup.source, setup.metadata] == [
        expected.id,
        expected.source,
        expected.metadata,
    ]
    assert len(setup.source.splitlines()) <= 3
    assert sum("pip" in cell.source for cell in cells(notebook, "code")) == 1


@ALL
def test_the_long_ones_ask_colab_for_a_gpu_and_say_how_long_they_take(path):
    notebook = nbformat.read(path, as_version=4)
    long = ("04b_training", "06_faster", "07_bigger", "06_your_gpt")
    assert notebook.metadata == tool.metadata(path)
    asked = notebook.metadata.get("accelerator"), notebook.metadata.get("colab")
    wants = path.stem in long or (path.parent.name, path.stem) == ("notebooks", "06b_kernel")
    assert asked == (("GPU", {"gpuType": "T4"}) if wants else (None, None))
    if path.stem in long:
        opening = notebook.cells[0].source
        told = re.search(r"about (\w+) minutes? on two processor cores", opening)[1]
        minutes = ["", "a", "two", "three", "four", "five", "six"].index(told)
        assert 0.5 <= minutes / (measured_seconds(path) / 60) <= 2
        assert "GPU" in opening


def measured_seconds(path) -> float:
    """What the notebook took in `make measure`, from top to bottom."""
    rows = json.loads((ROOT / "book" / "measured.json").read_text("utf-8"))["chapters"]["rows"]
    page = path.relative_to(ROOT).with_suffix("").as_posix()
    return next(row["seconds"] for row in rows if row["page"] == page)


def test_code_comes_in_small_cells(notebook):
    sizes = [lines(cell) for cell in cells(notebook, "code")]
    assert max(sizes) <= 40
    assert statistics.median(sizes) <= 5


def test_text_and_code_are_in_balance(notebook):
    ratio = len(cells(notebook, "markdown")) / len(cells(notebook, "code"))
    assert 1.2 <= round(ratio, 1) <= 2.0
    assert len(prose(notebook).split()) >= 2000


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
    assert len(asked) >= 8
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


PNG = {}  # (notebook, cell) -> why it must be one; none so far


@ALL
def test_figures_are_stored_as_svg(path):
    """They follow a page's look and language; a PNG does neither."""
    for cell in cells(nbformat.read(path, as_version=4), "code"):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert not kinds & {"image/png", "image/jpeg"} or (path.stem, cell.id) in PNG, cell.id


def test_bold_terms_stand_in_the_glossary(notebook):
    glossary = (ROOT / "book" / "glossary.md").read_text("utf-8").lower().splitlines()
    for term in re.findall(r"(?<!\w)\*\*([^*]{2,})\*\*(?!\w)", prose(notebook)):
        if not term.endswith((".", "?")):  # those are the openings of paragraphs
            assert {term.lower(), term.lower().removesuffix("s")} & set(glossary), term


def public_names() -> set[str]:
    """Functions and classes that modules of nbutils define for others; what students write is not."""
    names = set()
    for source in (ROOT / "nbutils").rglob("*.py"):
        if "exercises" not in source.parts:
            names |= defined(ast.parse(source.read_text("utf-8")).body)
    return {name for name in names if not name.startswith("_")} - {"main"}


def defined(statements) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return {node.name for node in statements if isinstance(node, kinds)}


def test_defines_nothing_that_the_package_defines(path, notebook):
    own = set()
    for cell in cells(notebook, "code"):
        own |= defined(ast.walk(ast.parse(python(cell.source))))
    written_here = {
        "TinyNorm",
        "TinyMLP",
        "TinyAttention",
        "TinyBlock",
        "TinyGPT",
    }  # tests/test_gpt_map.py
    allowed = written_here if path.stem == "03c_transformer" else set()
    assert not own & public_names() - allowed


def python(source) -> str:
    """The source without IPython's own lines."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(kept)


def test_nothing_is_stored_that_differs_between_runs(path, notebook):
    clean = tool.normalise(notebook, path)
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
        "nbutils",
        "torch",
        "numpy",
        "matplotlib",
        "tiktoken",
        "IPython",
        "ipywidgets",
        "sklearn",
    }
    for cell in cells(notebook, "code"):
        for node in ast.walk(ast.parse(python(cell.source))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert tops <= allowed | sys.stdlib_module_names, cell.id


def test_the_book_runs_no_notebook():
    execute = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["execute"]
    assert execute["execute_notebooks"] == "off"
