"""GPU code on pretend chips (pretend.py), each in a process of its own, since PyTorch asks only
once whether there is a GPU.

What this can't see: Triton, compiled code, real kernels and their rounding, NCCL, speed. `make gpu` is for those.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHIPS = json.loads((HERE / "specs.json").read_text("utf-8"))
ALLOWED = json.loads((HERE / "allowed.json").read_text("utf-8"))
NOTEBOOKS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/**/0*.ipynb"))
ON_THE_CHIP = (
    "02_io",
    "03b_attention",
    "03c_transformer",
    "04b_training",
    "06_faster",
    "06b_kernel",
    "07_bigger",
)
CONTEXT, SPARE = 350e6, 1e9  # bytes that CUDA keeps for itself, and that must stay free
HANGS = 3600  # seconds; only a hanging process needs so many
LATER = pytest.mark.part("chips")


def on_chip(name: str, *what: str, **environment: str) -> dict:
    """What run.py found, by what was asked."""
    done = subprocess.run(
        [sys.executable, HERE / "run.py", name, *what],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def t4():
    """The package and two chapters, in one process."""
    return on_chip("T4", "package", "notebooks/02_io.ipynb", "notebooks/04b_training.ipynb")


@pytest.mark.parametrize(
    "what", ["package", "notebooks/02_io.ipynb", "notebooks/04b_training.ipynb"]
)
def test_on_a_t4(t4, what):
    assert t4[what] == {}


@pytest.mark.parametrize(
    "name",
    ["Mac", *(pytest.param(name, marks=LATER) for name in ("two T4", "L4", "A100", "H100"))],
)
def test_the_package_on_other_chips_and_planted_mistakes_are_caught(name):
    assert on_chip(name, "package") == {"package": {}}


@pytest.mark.parametrize(
    "name", ["T4", pytest.param("L4", marks=LATER), pytest.param("A100", marks=LATER)]
)
def test_each_chapter_leaves_a_gigabyte_free(name):
    """By shapes alone; a chapter that is not here puts nothing on a chip, as its whole run shows."""
    paths = [f"notebooks/{chapter}.ipynb" for chapter in ON_THE_CHIP]
    found = on_chip(name, "memory", *paths)
    room = CHIPS[name]["memory"] - CONTEXT - SPARE
    for path in paths:
        assert found[path]["errors"] == {}, path
        assert 0 < found[path]["most"] <= room, f"{path}: {found[path]['most'] / 1e9:.2f} GB"
    assert found["notebooks/06_faster.ipynb"]["most"] < 10.5e9  # one rung at a time, on any card


@LATER
@pytest.mark.parametrize("path", NOTEBOOKS)
@pytest.mark.parametrize("name", ["T4", "A100", "Mac"])
def test_every_notebook_from_top_to_bottom(name, path, tmp_path):
    assert on_chip(name, path, NBUTILS_CACHE=str(tmp_path)) == {path: {}}


@LATER
def test_make_gpu_takes_its_whole_path(tmp_path):
    """Every wanted row comes, the tests for a real card among them, but nanoGPT's, whose clone is not here."""
    from nbutils import chips

    rows = tmp_path / "rows.json"
    command = ["bench/gpu.py", "--pretend", "T4", "--minutes", "60", "--to", str(rows)]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=HANGS
    )
    assert rows.exists(), done.stderr[-3000:]
    (run,) = json.loads(rows.read_text("utf-8"))
    assert run["device"] == "cuda" and run["card"] == "Tesla T4, which is not there"
    found = {row["what"]: row["value"] for row in run["rows"]}
    groups = {name: rows for name, rows in chips.WANTED.items() if name != "notebooks"}
    wanted = {what for rows in groups.values() for what in rows if "nanoGPT" not in what}
    assert wanted <= found.keys()
    assert not [
        what for what, value in found.items() if isinstance(value, str) and "failed" in value
    ]


def test_what_may_fail_is_a_cell_and_has_a_reason():
    for notebook, cells in ALLOWED.items():
        path = (
            ROOT / ("" if notebook.startswith("notebooks/") else "notebooks") / f"{notebook}.ipynb"
        )
        known = {cell["id"] for cell in json.loads(path.read_text("utf-8"))["cells"]}
        assert set(cells) <= known, notebook
        assert all(len(reason.split()) > 4 for reason in cells.values()), notebook


def test_without_a_compiler_or_after_torch_it_says_so(tmp_path):
    code = (
        "import sys; sys.path.insert(0, {folder!r}); {first}import pretend; "
        "pretend.BUILT = __import__('pathlib').Path({built!r}); pretend.load(pretend.CHIPS['T4'])"
    )

    def error(first: str, **environment: str) -> str:
        program = code.format(folder=str(HERE), first=first, built=str(tmp_path))
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 1
        return done.stderr

    assert "apt install g++" in error("", PATH=str(tmp_path))
    assert "load before torch" in error("sys.modules['torch'] = sys; ")
