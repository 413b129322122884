"""authoring/colab.py: what has changed on Colab since tests/colab.txt was written, and what stands there."""

import functools
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from authoring import colab as tool

ROOT = Path(__file__).parents[1]
TORCH_LINE = "torch==2.11.0+cu128"


@pytest.fixture
def lists(tmp_path):
    """A folder with both lists, as Colab would have them if nothing had changed."""
    versions = tool.recorded()
    python = versions.pop("python")
    lines = [f"{name.replace('-', '_')}=={version}" for name, version in versions.items()]
    packages = "# Do not modify\nabsl-py==1.4.0\n" + "\n".join(lines)
    packages += "\ngoogle-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz\n"
    (tmp_path / tool.PACKAGES).write_text(packages, "utf-8")
    system = f"# Do not modify\nUbuntu 22.04.5 LTS\nPython {python}\njulia version 1.12.6\n"
    (tmp_path / tool.SYSTEM).write_text(system, "utf-8")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "authoring.colab", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=100)


def compared(lists: Path) -> subprocess.CompletedProcess:
    return run("--address", f"{lists.as_uri()}/")


def told(done: subprocess.CompletedProcess) -> list[str]:
    *lines, advice = done.stdout.splitlines()
    assert done.returncode == 1 and "tests/colab.txt" in advice and "PART=colab" in advice
    return lines


def test_equal_lists_are_equal(lists):
    done = compared(lists)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout == "Colab's image is as tests/colab.txt records it.\n"


@pytest.mark.parametrize(
    "old, new, line",
    [
        (
            TORCH_LINE,
            "torch==2.12.0+cu130",
            "torch: 2.11.0+cu128 recorded, 2.12.0+cu130 on Colab now",
        ),
        (
            TORCH_LINE,
            "torch @ https://download.pytorch.org/whl/cu130/torch-2.12.0%2Bcu130-cp313-cp313-linux_x86_64.whl",
            "torch: 2.11.0+cu128 recorded, 2.12.0+cu130 on Colab now",
        ),
        ("\nipywidgets==7.7.1", "", "ipywidgets: 7.7.1 recorded, none on Colab now"),
        (
            "scikit_learn==1.6.1",
            "scikit-learn==1.7.0",
            "scikit-learn: 1.6.1 recorded, 1.7.0 on Colab now",
        ),
    ],
)
def test_a_changed_package_is_told_in_a_line(lists, old, new, line):
    change(lists / tool.PACKAGES, old, new)
    assert told(compared(lists)) == [line]


def test_a_changed_python_and_a_package_that_the_course_does_not_meet(lists):
    change(lists / tool.SYSTEM, "Python 3.13.15", "Python 3.14.1")
    change(lists / tool.PACKAGES, "absl-py==1.4.0", "absl-py==2.0.0")
    assert told(compared(lists)) == ["python: 3.13.15 recorded, 3.14.1 on Colab now"]


def test_over_http_as_over_files(lists):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=lists)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}/"
        assert run("--address", address).returncode == 0
        gone = run("--address", f"{address}old/")
        server.shutdown()
    assert gone.returncode == 2 and "old/pip-freeze.gpu.txt can't be fetched" in gone.stderr
    assert "404" in gone.stderr and gone.stdout == ""


def test_without_a_network_a_sentence_and_not_a_change(tmp_path):
    done = run("--address", "http://localhost:9/")  # nobody listens there
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr.startswith("Can't tell what Colab has now: http://localhost:9/pip-freeze")
    assert "this needs a network" in done.stderr


@pytest.mark.parametrize(
    "name, text, why",
    [
        (tool.PACKAGES, "<html>Sign in</html>", "names no version of torch"),
        (tool.SYSTEM, "Ubuntu 22.04.5 LTS", "no line such as 'Python 3.13.15'"),
    ],
)
def test_something_else_in_a_list_s_place_is_no_change(lists, name, text, why):
    (lists / name).write_text(text, "utf-8")
    done = compared(lists)
    assert done.returncode == 2 and done.stdout == "" and why in done.stderr


def test_the_address_is_of_colab_s_own_lists():
    assert tool.NEWEST == "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
    assert (tool.PACKAGES, tool.SYSTEM) == ("pip-freeze.gpu.txt", "os-info-gpu.txt")


# What tests/colab.txt says


def test_the_file_says_which_commit_it_was_read_from():
    text = tool.RECORDED.read_text("utf-8")
    assert len(re.findall(r"^# [0-9a-f]{40} of \d{4}-\d\d-\d\d\b", text, re.M)) == 1


def test_colab_s_torch_triton_and_python_are_not_those_of_the_stand_in():
    versions = tool.recorded()
    assert versions["torch"].startswith("2.11.0+cu") and versions["triton"] == "3.6.0"
    assert versions["python"].startswith("3.13.")
    text = tool.RECORDED.read_text("utf-8")
    pinned = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text("utf-8"), re.M)[0]
    assert re.findall(r"^torch==\S+", text, re.M) == [pinned]


def test_an_environment_with_colab_s_own_torch_has_its_other_packages_too():
    done = run("own")
    assert done.returncode == 0
    found = {one.name: str(one.specifier) for one in map(Requirement, done.stdout.split())}
    assert found["torch"] == "==2.11.0" and found["setuptools"] == "==75.2.0"
    assert found.keys() == tool.recorded().keys() - {"python", "triton"}
    assert {"ipywidgets", "transformers", "datasets"} <= found.keys()


def test_the_makefile_looks_for_colab_s_python_first():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    first = re.search(r"^COLAB_PYTHON = \$\(shell for v in (\S+)", makefile, re.M)[1]
    assert tool.recorded()["python"].startswith(f"{first}.")


def test_the_lowest_torch_that_is_promised_is_the_one_that_is_run():
    """`make all PART=colab` runs the package's tests with Colab's PyTorch."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    lowest = re.search(r'"torch>=([\d.]+)"', project)[1]
    assert tool.recorded()["torch"].partition("+")[0] in (lowest, f"{lowest}.0")
    part = (ROOT / "Makefile").read_text("utf-8").partition("\nall:")[2].partition("\n\n")[0]
    assert '$(OWN)/tests/bin/python $(WORKERS) "@tests/package.txt"' in part


def test_the_weekly_workflow_asks():
    weekly = (ROOT / ".github" / "workflows" / "weekly.yml").read_text("utf-8")
    assert "run: python -m authoring.colab\n" in weekly
