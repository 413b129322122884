"""A teacher's fork: one command writes the new address everywhere."""

import os
import re
import subprocess

import pytest
from conftest import copy_of_the_repository

from tools import fork

ROOT = fork.ROOT
OWNER, NAME = "ada-l", "my.course"  # apart, so that this file itself names no such repository
MINE = f"https://github.com/{OWNER}/{NAME}"


@pytest.fixture
def copy(tmp_path):
    return copy_of_the_repository(tmp_path)


def holding(root, words: str) -> list[str]:
    found = []
    for path in fork.known_files(root):
        if words.encode() in path.read_bytes():
            found.append(path.relative_to(root).as_posix())
    return found


def test_the_address_is_the_same_everywhere():
    """Where a reader starts from, and what installs the course. Links to other repositories are free."""
    places = (
        fork.INSTALLED,
        re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/issues/new\?template=chip"),
        re.compile(
            r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/[\w.-]+/notebooks/"
        ),
        re.compile(r"git clone https://github\.com/([\w.-]+/[\w.-]*\w)"),
        re.compile(r"repository-code: https://github\.com/([\w.-]+/[\w.-]*\w)"),
    )
    here, found = fork.repository(), [set() for _ in places]
    for text in fork.known_texts(ROOT).values():
        for named, place in zip(found, places):
            named.update(place.findall(text))
    assert found == [{here}] * len(places)
    assert f"({fork.online(here)})" in (ROOT / "README.md").read_text("utf-8")


def test_a_fork_has_its_own_address_and_the_way_back(copy):
    before = {path: path.read_bytes() for path in fork.known_files(copy)}
    old = fork.repository(copy)
    changed = fork.main(MINE, copy)
    assert {"_config.yml", "README.md", "CITATION.cff", "book/running.md"} <= set(changed)
    assert fork.repository(copy) == f"{OWNER}/{NAME}"
    assert holding(copy, old) in (
        [],
        [fork.CREDIT],
    )  # whose course it was; in a fork, not this one's
    assert (copy / fork.CREDIT).read_bytes() == before[copy / fork.CREDIT]
    assert not holding(copy, fork.online(old))
    readme = (copy / "README.md").read_text("utf-8")
    assert f"$ git clone {MINE}\n$ cd {NAME}\n" in readme
    assert (
        f"colab.research.google.com/github/{OWNER}/{NAME}/blob/main/notebooks/01_tokens" in readme
    )
    assert f"> cd {NAME}\n" in (copy / "book" / "running.md").read_text("utf-8")
    chapter = (copy / "notebooks" / "01_tokens.ipynb").read_text("utf-8")
    assert f"install -q git+{MINE}" in chapter
    for file in (copy / "nbutils" / "chips.py", copy / "book" / "chips.md"):
        assert f"{MINE}/issues/new?template=chip.yml" in file.read_text("utf-8")
    fork.main(f"https://github.com/{old}", copy)
    assert {path: path.read_bytes() for path in fork.known_files(copy)} == before


def test_a_change_that_stopped_halfway_is_finished(copy):
    """Or somebody wrote the address into `_config.yml` by hand, as its first lines might invite to."""
    fork.main(MINE, copy)
    whole = {path: path.read_bytes() for path in fork.known_files(copy)}
    fork.main(f"https://github.com/{fork.repository()}", copy)
    settings = copy / "_config.yml"
    settings.write_bytes(whole[settings])
    assert "README.md" in fork.main(MINE, copy)
    assert {path: path.read_bytes() for path in fork.known_files(copy)} == whole


@pytest.mark.parametrize("page", ["cp949", "cp1252", "utf-8"])
def test_files_with_names_of_every_script_have_the_new_address(tmp_path, monkeypatch, page):
    """Whatever the code page is in which Python would read git's answer."""
    url = f"https://github.com/{fork.repository()}"
    (tmp_path / "_config.yml").write_text(f"repository:\n  url: {url}\n", "utf-8")
    names = "과제/토큰.md", "과제/1주차.md", 'ü b/it\'s "$HOME".md'
    for name in names[: 2 if os.name == "nt" else 3]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"see {url}\n", "utf-8")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(subprocess, "_text_encoding", lambda: page)
    fork.main(MINE, tmp_path)
    assert not holding(tmp_path, url)


def test_what_is_no_clone_says_how_to_get_one(copy, tmp_path_factory):
    downloaded = tmp_path_factory.mktemp("downloaded")
    (downloaded / "_config.yml").write_bytes((copy / "_config.yml").read_bytes())
    with pytest.raises(ValueError, match="is no clone: get your fork with git clone"):
        fork.main(MINE, downloaded)


@pytest.mark.parametrize(
    "named, address",
    [
        (f"{OWNER}/{NAME}", f"https://{OWNER}.github.io/{NAME}/"),
        ("Ada/Course", "https://ada.github.io/Course/"),
        ("Ada/ada.github.io", "https://ada.github.io/"),
    ],
)
def test_where_the_book_is_published(named, address):
    assert fork.online(named) == address


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://gitlab.com/a/b", "https://github.com/a"]
)
def test_what_is_no_address_is_refused_and_changes_nothing(copy, url):
    before = (copy / "README.md").read_bytes()
    with pytest.raises(ValueError, match="https://github.com/you/your-course"):
        fork.main(url, copy)
    assert (copy / "README.md").read_bytes() == before


def test_the_form_that_git_clone_takes_is_an_address_too(copy):
    fork.main(f"{MINE}.git", copy)
    assert fork.repository(copy) == f"{OWNER}/{NAME}"


def test_a_longer_name_is_another_repository():
    text = "see a/course-extras, ba/course and a/course.\n"
    assert fork.readdressed(text, "a/course", "c/d") == "see a/course-extras, ba/course and c/d.\n"
