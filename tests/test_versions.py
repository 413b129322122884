"""The ranges of pyproject.toml: what is tried is what stands there, and Colab's image lies within."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from authoring import versions

ROOT = versions.ROOT


def ranges() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return list(
        map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["fineweb"]])
    )


def pins(path: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / path).read_text("utf-8"), re.M)
    return {canonicalize_name(name): version for name, version in found}


def test_every_dependency_has_a_lower_bound_and_no_other():
    for one in ranges():
        assert re.fullmatch(r">=\d+(\.\d+)*", str(one.specifier)), one


def test_the_lowest_are_the_lower_bounds():
    held = dict(line.split("==") for line in versions.constraints("lowest"))
    expected = {one.name: str(one.specifier).removeprefix(">=") for one in ranges()}
    assert held == expected | {"torch": pins("requirements.txt")["torch"]}


def test_of_the_newest_only_torch_is_held():
    assert versions.constraints("newest") == [f"torch=={pins('requirements.txt')['torch']}"]


@pytest.mark.parametrize("path", ["requirements.txt", "tests/colab.txt"])
def test_the_ranges_hold_what_is_pinned(path):
    pinned = pins(path)
    within = [one for one in ranges() if canonicalize_name(one.name) in pinned]
    assert len(within) > 10
    for one in within:
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one


def test_the_package_s_tests_are_there_and_need_no_book():
    names = (ROOT / "tests" / "package.txt").read_text("utf-8").splitlines()
    assert len(names) == len(set(names)) > 30
    for name in names:
        source = (ROOT / name).read_text("utf-8")
        assert not re.search(r"def test_\w+\(.*\b(browser|root)\b", source), name
        assert not re.search(r"playwright|_build|jupyter_book", source), name


def test_workflows_and_tool_run_the_same_tests():
    for path in (".github/workflows/book.yml", "authoring/versions.py"):
        assert "@tests/package.txt" in (ROOT / path).read_text("utf-8")
    weekly = (ROOT / ".github/workflows/weekly.yml").read_text("utf-8")
    assert "authoring.versions ${{ matrix.versions }}" in weekly
    assert re.findall(r"versions: (\w+),", weekly) == list(versions.KINDS)
