"""What a newcomer meets first: README, the Makefile, the pinned versions, the first picture."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image


@pytest.fixture(scope="module")
def lines(root):
    """The lines of both files of requirements that name a package."""
    files = ("requirements.txt", "requirements-test.txt")
    found = [line for file in files for line in (root / file).read_text().splitlines()]
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
        for name in re.findall(r"^([\w.-]+)==", (root / "requirements.txt").read_text(), re.M)
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
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = [r for rs in project["optional-dependencies"].values() for r in rs]
    for requirement in map(Requirement, [*project["dependencies"], *extras]):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_commands_of_the_readme_exist(root, readme):
    makefile = (root / "Makefile").read_text()
    commands = set(re.findall(r"`?make ([a-z]+)`?", readme))
    assert {"book", "lab", "check", "test", "all", "model", "measure"} <= commands
    for command in commands:
        assert re.search(rf"^{command}:", makefile, re.M), f"README names make {command}"


def test_make_help_lists_every_command(root):
    shown = subprocess.run(["make", "-s", "help"], cwd=root, capture_output=True, text=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (root / "Makefile").read_text(), re.M)[1].split()
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
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert "jupyter-book build" in told
    assert not re.search(r"nbval|authoring\.notebooks|recipes|measure|pytest|nodejs", told)


def test_unfit_python_is_refused_with_a_sentence(root, tmp_path):
    old = tmp_path / "python3"
    old.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 10)\nfix = type('V', (tuple,), "
        "{'major': 3, 'minor': 10})((3, 10))\nsys.version_info = fix\nexec(sys.argv[2])\n"
    )
    old.chmod(0o755)
    told = subprocess.run(
        ["make", "-B", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}", f"{tmp_path / 'venv'}/.ready"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert told.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed; this is 3.10" in told.stderr
    assert not (tmp_path / "venv").exists()


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
        text=True,
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


def test_pictures_become_light_and_keep_their_colours(tmp_path):
    from authoring.extensions.light_pictures import lighten

    path = tmp_path / "a.png"
    ramp = np.linspace(0, 255, 300).astype(np.uint8)
    pixels = np.stack([np.broadcast_to(ramp, (200, 300))] * 3, axis=-1)
    Image.fromarray(pixels).save(path, compress_level=0)
    before = path.stat().st_size
    lighten(path)
    assert path.stat().st_size < before / 2
    with Image.open(path) as image:
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - pixels).max() <= 2


@pytest.mark.parametrize("mode", ["I;16", "P", "transparent"])
def test_pictures_that_a_palette_would_spoil_stay_as_they_are(tmp_path, mode):
    from authoring.extensions.light_pictures import lighten

    path = tmp_path / "a.png"
    size = (64, 64)
    image = (
        Image.new("RGBA", size, (9, 9, 9, 100)) if mode == "transparent" else Image.new(mode, size)
    )
    image.save(path, compress_level=0)
    before = path.read_bytes()
    lighten(path)
    assert path.read_bytes() == before
