"""What a newcomer meets first: README, the Makefile, the pinned versions, the first picture."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def lines(root):
    """The lines of both files of requirements that name a package."""
    files = ("requirements.txt", "requirements-test.txt")
    found = [line for file in files for line in (root / file).read_text("utf-8").splitlines()]
    return [line for line in found if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def pins(lines):
    """Every package with its one version."""
    return dict(line.partition("#")[0].strip().split("==") for line in lines)


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


def test_every_package_is_pinned_once(lines, pins):
    assert all(re.match(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*(\s+#|$)", line) for line in lines)
    assert len(lines) == len(pins)
    assert pins["torch"] == "2.13.0"


def test_what_the_book_and_the_notebooks_need_needs_nothing_more(root):
    """`pip install -r requirements.txt` brings no package that is not pinned there."""
    pinned = {
        canonicalize_name(name)
        for name in re.findall(
            r"^([\w.-]+)==", (root / "requirements.txt").read_text("utf-8"), re.M
        )
    }
    for name in pinned:
        for needed in map(Requirement, metadata.requires(name) or []):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in pinned, f"{name} needs {needed}"


@pytest.mark.parametrize("python", ["3.11.2", "3.12.0", "3.13.0"])  # the first is Debian 12's
def test_pins_can_be_installed_on_every_python(pins, python):
    wanted = {name: metadata.metadata(name).get("Requires-Python") for name in pins}
    assert [
        name for name, allowed in wanted.items() if not SpecifierSet(allowed or "").contains(python)
    ] == []


def test_pins_satisfy_the_package(root, pins):
    kernel = (root / "requirements-kernel.txt").read_text("utf-8")
    pins = pins | dict(re.findall(r"^(\w+)==([\d.]+);", kernel, re.M))
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [r for rs in project["optional-dependencies"].values() for r in rs]
    for requirement in map(Requirement, [*project["dependencies"], *extras]):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_commands_of_the_readme_exist(root, readme):
    makefile = (root / "Makefile").read_text("utf-8")
    commands = set(re.findall(r"`?make ([a-z]+)`?", readme))
    assert {"book", "lab", "check", "test", "all", "model", "measure"} <= commands
    for command in commands:
        assert re.search(rf"^{command}:", makefile, re.M), f"README names make {command}"


def test_make_help_lists_every_command(root):
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=root, capture_output=True, encoding="utf-8"
    ).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (root / "Makefile").read_text("utf-8"), re.M)[1].split()
    for command in phony:
        assert re.search(rf"^make {command}\s+\S", shown, re.M), command


@pytest.mark.parametrize(
    "changed",
    [
        "book/assets/book.css",
        "authoring/extensions/lecture.css",
        "nbutils/figures/moving/bundles/nudge.js",
        "nbutils/figures/moving/picture.css",
        "nbutils/trained/smallworld.safetensors",
        "notebooks/01_tokens.ipynb",
        "book/measured.json",
    ],
)
def test_what_a_page_is_made_of_makes_it_anew_and_runs_nothing(root, changed):
    """Make is told that the file has changed, and says what it would do."""
    command = ["make", "-n", "-o", ".venv/.ready", "-W", changed, "book"]
    told = subprocess.run(
        command, cwd=root, capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert "jupyter-book build" in told
    assert not re.search(r"nbval|authoring\.notebooks|recipes|measure|pytest|nodejs", told)


def test_unfit_python_is_refused_with_a_sentence(root, tmp_path):
    old = tmp_path / "hong gildong" / "python3"
    old.parent.mkdir()
    old.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 10)\nfix = type('V', (tuple,), "
        "{'major': 3, 'minor': 10})((3, 10))\nsys.version_info = fix\nexec(sys.argv[2])\n",
        "utf-8",
    )
    old.chmod(0o755)
    told = subprocess.run(
        ["make", "-B", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}", f"{tmp_path / 'venv'}/.ready"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
    )
    assert told.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed; this is 3.10" in told.stderr
    assert not (tmp_path / "venv").exists()


def test_a_blank_that_make_can_t_take_is_a_sentence(root):
    command = ["make", "-n", "VENV=my venv", "book"]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")
    assert done.returncode and "VENV=my venv: make can't take a blank" in done.stderr


def test_make_quotes_the_paths_that_it_is_given_or_finds(root, tmp_path):
    folder = tmp_path / "hong gildong" / "it's $HOME"
    folder.mkdir(parents=True)
    found = folder / "python3.13"  # the first that is looked for, for Colab's versions
    found.write_text(f"#!{sys.executable}\nprint({str(found)!r})\n", "utf-8")
    found.chmod(0o755)

    def told(*words):
        command = ["make", "-n", "-B", "-o", ".venv/.ready-tests", *words]
        path = os.pathsep.join([str(folder), os.environ["PATH"]])
        pipes = {"capture_output": True, "encoding": "utf-8", "check": True}
        done = subprocess.run(command, cwd=root, env=os.environ | {"PATH": path}, **pipes)
        return [shlex.split(line) for line in done.stdout.splitlines() if "it'" in line]

    python = str(found).replace("$", "$$")  # as make wants it
    made = [str(found), "-m", "venv", ".venv/colab"]
    assert made in told(".venv/colab/.ready")
    measured = [".venv/bin/python", "bench/gpu.py", "--nanogpt", str(found)]
    assert measured in told("-o", ".venv/.ready", "gpu", f"NANOGPT={python}")
    forked = [".venv/bin/python", "tools/fork.py", "it's"]
    assert forked in told("-o", ".venv/.ready", "fork", "URL=it's")


def test_readme_has_a_badge_for_each_notebook(root, readme):
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]
    place = f"{config['url'].removeprefix('https://github.com/')}/blob/{config['branch']}"
    paths = [
        *sorted(root.glob("notebooks/*.ipynb")),
        *sorted(root.glob("notebooks/*/[0-9]*.ipynb")),
    ]
    named = [path.relative_to(root).as_posix() for path in paths]
    expected = [f"https://colab.research.google.com/github/{place}/{path}" for path in named]
    badges = re.findall(r"\((https://colab\.research\.google\.com/github/[^)]+)\)", readme)
    assert badges == expected


def test_readme_names_this_repository_only(root, readme):
    url = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]["url"]
    assert f"git clone {url}\n" in readme
    running = (root / "book" / "running.md").read_text("utf-8")
    assert f"git clone {url}\n" in running


def test_picture_of_the_readme_is_the_book_s(root):
    drawn = subprocess.run(
        [sys.executable, "-m", "authoring.extensions.flow"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    stored = (root / "book" / "assets" / "flow.svg").read_text("utf-8")
    assert drawn == stored, "run: python -m authoring.extensions.flow > book/assets/flow.svg"


def test_toc_names_every_notebook(root):
    toc = (root / "_toc.yml").read_text("utf-8")
    for path in [*root.glob("notebooks/*.ipynb"), *root.glob("notebooks/*/[0-9]*.ipynb")]:
        assert f"file: {path.relative_to(root).with_suffix('').as_posix()}\n" in toc


def test_without_a_browser_nothing_is_found(monkeypatch, tmp_path):
    from nbutils.doctor import find_chromium

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert find_chromium(str(tmp_path / "none")) == ""
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "mine"))
    assert find_chromium(sys.executable) == ""  # a wish that leads nowhere is not replaced
    (tmp_path / "mine").touch()
    assert find_chromium(sys.executable) == str(tmp_path / "mine")
    monkeypatch.delenv("CHROMIUM")
    assert find_chromium(sys.executable) == sys.executable
