"""Notebooks in an environment like Colab's, each alone in an empty folder, from its setup cell on.

In `make test` two of them, in `.venv/colab`: Colab's versions as tests/colab.txt records them, but the course's
PyTorch. In `make all PART=colab` all, in `.venv/colab-own`, which has Colab's PyTorch too. Packages that the
setup cell has to install lie beside them as files, and its address leads to this folder's files, so nothing
here needs a network.
"""

import functools
import os
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import COLAB, COLAB_OWN, colab_packages, copy_of_the_repository
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from authoring import colab
from authoring import notebooks as tool
from tools import fork

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


def new_machine(environment: Path, folder: Path) -> Path:
    """An environment that sees another's packages; what is installed comes into it alone."""
    python = environment / WITHIN / "python"
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = folder.rglob("site-packages")
    (own / "colab.pth").write_text(f"{colab_packages(environment)}\n", "utf-8")
    return folder


OWN = pytest.param(COLAB_OWN, id="own", marks=pytest.mark.part("colab"))
EITHER = pytest.mark.parametrize("environment", [pytest.param(COLAB, id="stand-in"), OWN])


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """One of each environment for all notebooks: the first installs the package."""

    @functools.cache
    def made(environment: Path) -> Path:
        return new_machine(environment, tmp_path_factory.mktemp("machine"))

    return made


class Notebook:
    """Runs cells as Jupyter does, with a kernel of the given environment."""

    def __init__(self, machine: Path, folder: Path, address: Path = Path("/nowhere")):
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
            encoding="utf-8",
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


@EITHER
def test_what_is_installed_is_colab_s(environment, tmp_path):
    """All of it in the one environment; in the other all but PyTorch and what belongs to it."""
    found = Notebook(new_machine(environment, tmp_path / "machine"), tmp_path).pip_freeze()
    found = {colab.canonical(name): version.partition("+")[0] for name, version in found.items()}
    expected = dict(line.split("==") for line in colab.own())
    if environment == COLAB:
        pins = re.findall(r"^([\w.-]+)==(\S+)", colab.RECORDED.read_text("utf-8"), re.M)
        pinned = {colab.canonical(name): version for name, version in pins}
        assert pinned.items() - expected.items() == {("torch", "2.13.0")}
        expected = pinned
    elif "triton" in found:  # PyTorch's small build for a CPU comes without
        expected["triton"] = colab.recorded()["triton"]
    assert {name: found.get(name) for name in expected} == expected


@EITHER
def test_the_setup_cell_installs_the_package_and_changes_nothing_else(
    machines, environment, repository, tmp_path
):
    notebook = Notebook(machines(environment), tmp_path, repository)
    before = notebook.pip_freeze()
    version = "2.13.0" if environment == COLAB else colab.recorded()["torch"].partition("+")[0]
    assert "nbutils" not in before and before["torch"].partition("+")[0] == version

    told = printed(notebook.run(setup_alone()))
    assert told.strip().splitlines()[-1].startswith("CPU with ")

    after = notebook.pip_freeze()
    assert after.pop("nbutils").startswith("git+https://github.com/")
    assert {name: after[name] for name in before} == before
    assert not {"torch", "numpy", "ipywidgets", "matplotlib"} & (after.keys() - before.keys())

    again = printed(notebook.run(setup_alone()))
    assert again.count("\n") == 1 and again.startswith("CPU with ")  # installed: one line, no pip


def test_without_a_network_it_says_what_is_needed(tmp_path):
    machine = new_machine(COLAB, tmp_path / "machine")
    with pytest.raises(CellExecutionError) as told:
        Notebook(machine, tmp_path, tmp_path / "nowhere").run(setup_alone())
    assert "This needs a network once, and Python 3.11 or later" in str(told.value)
    assert "No module named 'nbutils'" in str(told.value)


AT_ONCE = ("01_tokens", "exercises-02_io")


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}".removeprefix("notebooks-")


@pytest.mark.parametrize(
    "environment, path",
    [
        *(pytest.param(COLAB, path, id=named(path)) for path in PATHS if named(path) in AT_ONCE),
        *(
            pytest.param(*OWN.values, path, id=f"own-{named(path)}", marks=OWN.marks)
            for path in PATHS
        ),
    ],
)
def test_a_notebook_runs_there_from_top_to_bottom(
    machines, repository, tmp_path, environment, path
):
    notebook = nbformat.read(path, as_version=4)
    done = Notebook(machines(environment), tmp_path, repository).run(notebook)
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "CPU with " in printed(done)
