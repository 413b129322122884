"""Notebooks in an environment like Colab's, each alone in an empty folder, from its setup cell on.

Two of them in `make test`, the others in its part "colab". `make setup` makes that environment once
(`.venv/colab`): the versions of tests/colab.txt, and beside them as files the packages that the setup cell has
to install. Its address leads to this folder's files, so nothing here needs a network.
"""

import os
import subprocess
from pathlib import Path

import fork  # tools/fork.py
import nbformat
import pytest
from conftest import COLAB, colab_packages, copy_of_the_repository
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import notebooks as tool  # tools/notebooks.py

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
WITHIN = "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """What would be pushed now, as a repository of its own."""
    folder = copy_of_the_repository(tmp_path_factory.mktemp("repository"))
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all"]
    subprocess.run(commit, cwd=folder, check=True)
    return folder


def new_machine(folder: Path) -> Path:
    """An environment that sees Colab's packages; what is installed comes into it alone."""
    subprocess.run([COLAB / WITHIN / "python", "-m", "venv", "--without-pip", folder], check=True)
    (own,) = folder.rglob("site-packages")
    (own / "colab.pth").write_text(f"{colab_packages()}\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """One for all notebooks: the first installs the package."""
    return new_machine(tmp_path_factory.mktemp("machine"))


class Notebook:
    """Runs cells as Jupyter does, with a kernel of the given environment."""

    def __init__(self, machine: Path, folder: Path, address: Path):
        self.folder, self.python = folder, machine / WITHIN / "python"
        rewritten = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{address.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"https://github.com/{fork.repository()}",
        }
        offline = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(COLAB / "wheels"),
            "PIP_NO_CACHE_DIR": "1",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.environment = (
            clean
            | rewritten
            | offline
            | {
                "PATH": f"{machine / WITHIN}{os.pathsep}{os.environ['PATH']}",
            }
        )

    def run(self, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
        """The notebook with what its cells gave. Raises ``CellExecutionError``."""
        manager = KernelManager()
        manager._kernel_spec = KernelSpec(
            argv=[str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            language="python",
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=tool.TIMEOUT,
            resources={"metadata": {"path": str(self.folder)}},
        )
        try:
            client.execute(env=self.environment)
        finally:
            manager.shutdown_kernel(now=True)
        return notebook

    def pip_freeze(self) -> dict[str, str]:
        done = subprocess.run(
            [self.python, "-m", "pip", "freeze", "--all"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line.replace(" @ ", "==") for line in done.stdout.splitlines() if line]
        return dict(line.split("==", 1) for line in lines)


def setup_alone() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[tool.setup_cell()], metadata=tool.METADATA)


def printed(notebook) -> str:
    return "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )


def test_the_setup_cell_installs_the_package_and_changes_nothing_else(
    machine, repository, tmp_path
):
    notebook = Notebook(machine, tmp_path, repository)
    before = notebook.pip_freeze()
    assert "nbutils" not in before and before["torch"].startswith("2.13.0")
    assert (before["ipywidgets"], before["anywidget"]) == ("7.7.1", "0.9.21")

    told = printed(notebook.run(setup_alone()))
    assert told.strip().splitlines()[-1].startswith("CPU with ")

    after = notebook.pip_freeze()
    assert after.pop("nbutils").startswith("git+https://github.com/")
    assert {name: after[name] for name in before} == before
    assert not {"torch", "numpy", "ipywidgets", "matplotlib"} & (after.keys() - before.keys())

    again = printed(notebook.run(setup_alone()))
    assert again.count("\n") == 1 and again.startswith("CPU with ")  # installed: one line, no pip


def test_without_a_network_it_says_what_is_needed(tmp_path):
    machine = new_machine(tmp_path / "machine")
    with pytest.raises(CellExecutionError) as told:
        Notebook(machine, tmp_path, tmp_path / "nowhere").run(setup_alone())
    assert "This needs a network once, and Python 3.11 or later" in str(told.value)
    assert "No module named 'nbutils'" in str(told.value)


AT_ONCE = ("01_tokens", "exercises-02_io")  # the others run in part "colab"


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}".removeprefix("notebooks-")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=named(path),
            marks=[] if named(path) in AT_ONCE else [pytest.mark.part("colab")],
        )
        for path in PATHS
    ],
)
def test_a_notebook_runs_there_from_top_to_bottom(machine, repository, tmp_path, path):
    notebook = nbformat.read(path, as_version=4)
    done = Notebook(machine, tmp_path, repository).run(notebook)
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "CPU with " in printed(done)
