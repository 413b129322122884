"""What several test files share: where the repository is, and a browser."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import nbutils  # noqa: F401 - before any test imports torch: it tells waiting threads to sleep

matplotlib.use("Agg")  # which opens no window
pytest_plugins = ["parts", "budgets"]
ROOT = Path(__file__).parents[1]
COLAB = ROOT / ".venv" / "colab"  # with the course's PyTorch; the Makefile says more
COLAB_OWN = ROOT / ".venv" / "colab-own"  # with Colab's
NO_CHROMIUM = (
    "No Chromium found. Install one (`sudo apt install chromium`, or `.venv/bin/playwright install "
    "chromium`), or set CHROMIUM=/path/to/it."
)

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell's background job; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """What warns of encodings that nobody named is on in this process; programs that it starts go without.

    (With several workers those are what runs the tests.)
    """
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        os.environ.pop("PYTHONWARNDEFAULTENCODING", None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture
def bench(root, monkeypatch):
    """Imports a module of bench/, whose folder is on the path as it is for a script there."""
    monkeypatch.syspath_prepend(str(root / "bench"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(root / "bench") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def close_figures():
    """No figure of matplotlib outlives its test."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def colab_packages(environment: Path = COLAB) -> Path:
    """The folder with the packages of an environment with Colab's versions."""
    (folder,) = environment.glob("[lL]ib/**/site-packages")
    return folder


def copy_of_the_repository(to: Path) -> Path:
    """The repository's present files in ``to``, known to git there, not yet committed."""
    from tools import fork  # which a kernel that reads this file does not find

    for path in fork.known_files(ROOT):
        target = to / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=to, check=True)
    return to


@pytest.fixture
def compiler() -> str:
    """The C++ compiler that torch.compile uses. Windows in GitHub's workflow has none at hand."""
    from nbutils import device

    return device.cpp_compiler() or pytest.skip("no C++ compiler was found")


@pytest.fixture
def float32(monkeypatch):
    """Every chip computes in float32, so that results can be compared closely."""
    import torch

    from nbutils import device

    chip = device.Chip(torch.device("cpu"), torch.float32, "test")
    monkeypatch.setattr(device, "pick", lambda name: chip)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, which reaches this machine and no other."""
    from playwright.sync_api import sync_playwright

    from authoring.site import OPTIONS
    from nbutils.doctor import find_chromium

    with sync_playwright() as playwright:
        executable = find_chromium(playwright.chromium.executable_path)
        if not executable:
            pytest.fail(NO_CHROMIUM, pytrace=False)
        chromium = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site():
    """The address of a server of the built book."""
    from authoring.site import HTML, serving

    if not (HTML / "index.html").exists():
        pytest.fail("_build/html is missing. Build the book first: `make book`", pytrace=False)
    with serving(HTML) as address:
        yield address


@pytest.fixture(scope="session")
def reader(browser, site):
    """A tab on the built book, which keeps what it has loaded."""
    from visits import Reader

    made = Reader(browser, site)
    yield made
    made.close()
