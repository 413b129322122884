"""A file is replaced whole or not at all."""

import os
from pathlib import Path

import pytest

from nbutils.files import cache_folder, written_aside


def test_the_new_file_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), written_aside(path) as aside:
        aside.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_two_writers_have_two_names(tmp_path):
    with written_aside(tmp_path / "a") as one, written_aside(tmp_path / "a") as two:
        assert one != two
        one.write_text("1")
        two.write_text("2")
    assert (tmp_path / "a").read_text() == "1"  # the one that ended last


def test_what_is_kept_between_runs_has_one_folder_which_the_environment_can_choose(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("NBUTILS_CACHE", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "nbutils"
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("NBUTILS_CACHE", "~/mine")
    assert cache_folder() == Path.home() / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBUTILS_CACHE", "near")
    assert cache_folder() == tmp_path / "near"  # stays the same when the current folder changes
