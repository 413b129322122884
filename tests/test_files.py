"""A file is replaced whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from nbutils import files, hub
from nbutils.checkpoints import Store
from nbutils.config import GPTConfig
from nbutils.files import cache_folder, expanded, quoted, remove_leftovers, written_aside

locks = pytest.mark.skipif(files.fcntl is None, reason="this system locks and flushes no folders")


def test_the_new_file_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", "utf-8")
    with written_aside(path) as aside:
        aside.write_text("new", "utf-8")
        assert path.read_text("utf-8") == "old"
    assert path.read_text("utf-8") == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old", "utf-8")
    with pytest.raises(error), written_aside(path) as aside:
        aside.write_text("half", "utf-8")
        aside.with_name("a library's own").write_text("half", "utf-8")
        raise error
    assert path.read_text("utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir] if os.name != "nt" else [])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, make):
    """A network that was saved to /dev/null took the device's place, and the system had none."""
    make(tmp_path / "a")
    before = (tmp_path / "a").lstat()
    with pytest.raises(FileExistsError, match="a is no file that could be replaced: give another"):
        with written_aside(tmp_path / "a") as aside:
            aside.write_text("new", "utf-8")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").lstat() == before


def test_two_writers_have_two_names(tmp_path):
    with written_aside(tmp_path / "a") as one, written_aside(tmp_path / "a") as two:
        assert one != two
        one.write_text("1", "utf-8")
        two.write_text("2", "utf-8")
    assert (tmp_path / "a").read_text("utf-8") == "1"  # the one that ended last


def write(path, text, **how):
    with written_aside(path, **how) as aside:
        aside.write_text(text, "utf-8")


@pytest.mark.parametrize("links", [True, False])
def test_the_file_before_is_kept_under_its_own_name(tmp_path, monkeypatch, links):
    def refuse(*names):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(files.os, "link", refuse)
    new, old = tmp_path / "new", tmp_path / "old"
    write(new, "1", before=old)
    assert not old.exists()
    replace = os.replace

    def watched(one, other):
        assert new.exists() and one != new  # at no moment is there no newest
        replace(one, other)

    if links:
        monkeypatch.setattr(files.os, "replace", watched)
    for text in "234":
        write(new, text, before=old)
        assert (new.read_text("utf-8"), old.read_text("utf-8")) == (text, str(int(text) - 1))


@locks
def test_content_is_flushed_before_it_gets_its_name_and_the_name_afterwards(tmp_path, monkeypatch):
    """Else a power cut could leave a name without content."""
    done, fsync, replace = [], os.fsync, os.replace

    def flushed(handle):
        done.append(os.fstat(handle).st_ino)
        fsync(handle)

    def renamed(*names):
        done.append("replaced")
        replace(*names)

    monkeypatch.setattr(files.os, "fsync", flushed)
    monkeypatch.setattr(files.os, "replace", renamed)
    write(tmp_path / "a", "new")
    assert done == [(tmp_path / "a").stat().st_ino, "replaced", tmp_path.stat().st_ino]


WRITER = """
import sys, time
from nbutils.files import written_aside
with written_aside(sys.argv[1]) as aside:
    aside.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of writing a file."""
    command = [sys.executable, "-c", WRITER, tmp_path / "a[1]"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


@locks
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path, writer):
    path = tmp_path / "a[1]"
    other = tmp_path / "a[1]2.0.part"
    other.mkdir()
    write(path, "new")
    remove_leftovers(path)
    assert len(list(tmp_path.glob("a?1?.*.part/a?1?"))) == 1
    writer.kill()
    writer.wait()
    assert len(list(tmp_path.glob("*.part"))) == 2
    write(path, "newer")
    assert set(tmp_path.iterdir()) == {path, other}  # another file's is not this one's to remove
    assert path.read_text("utf-8") == "newer"


@pytest.mark.parametrize("missing", ["fcntl", pytest.param("flock", marks=locks)])
def test_without_locks_nothing_is_taken_for_a_leftover(tmp_path, monkeypatch, missing):
    def refuse(*args):
        raise OSError(38, "Function not implemented")

    if missing == "fcntl":
        monkeypatch.setattr(files, "fcntl", None)  # as on Windows
    else:
        monkeypatch.setattr(files.fcntl, "flock", refuse)
    (tmp_path / "a.0.part").mkdir()
    write(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text("utf-8") == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "a.0.part"}


def test_a_folder_taken_for_a_leftover_before_its_lock_is_made_again(tmp_path, monkeypatch):
    lock, taken = files._lock, []

    def late(folder, wait):
        if wait and not taken:
            taken.append(folder)
            folder.rmdir()
        return lock(folder, wait)

    monkeypatch.setattr(files, "_lock", late)
    write(tmp_path / "a", "new")
    assert taken and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("told", "number", "text"),
    [
        ("I/O error: No space left on device (os error 28)", 28, "No space left on device"),
        ("the disk is on fire", 0, "the disk is on fire"),
    ],
)
def test_tensors_that_can_t_be_written_are_an_error_of_the_system(
    tmp_path, monkeypatch, told, number, text
):
    def broken(*given, **how):
        raise safetensors.SafetensorError(told)

    monkeypatch.setattr(safetensors.torch, "save_file", broken)
    with pytest.raises(OSError, match=text) as error:
        files.save_tensors({}, tmp_path / "a", {})
    assert error.value.errno == number


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


def test_a_home_folder_is_written_as_a_tilde_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # as Windows has it
    assert expanded("~") == tmp_path and expanded("~/a b") == tmp_path / "a b"
    assert expanded(Path("~/a")) == tmp_path / "a"
    assert expanded("a/~") == Path("a/~") and expanded("~no-such-user") == Path("~no-such-user")
    with files.written_aside("~/a.txt") as aside:
        aside.write_text("a", "utf-8")
    assert (tmp_path / "a.txt").read_text("utf-8") == "a"
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(
        ValueError, match="there is no home folder for the ~ in ~/a: give the whole"
    ):
        expanded("~/a")


@pytest.mark.parametrize(
    "name",
    ["a", "my gpt", "it's", 'a "b"', "$HOME", "한글", "-gpt", "~", "a;b", "a*", "back\\slash"],
)
@pytest.mark.skipif(os.name == "nt", reason="names and shells of another kind")
def test_a_path_in_a_command_that_is_copied_is_the_same_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(os.path.join(os.curdir, name)).mkdir()
    command = f"cd {quoted(name)} && pwd"
    done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == f"{tmp_path / name}\n"


@pytest.mark.parametrize(
    "name, word",
    [(r"C:\a\b", r"C:\a\b"), (r"C:\hong gildong", r'"C:\hong gildong"'), ("a&b", '"a&b"')],
)
def test_on_windows_it_stands_between_double_quotes(monkeypatch, name, word):
    monkeypatch.setattr(files.os, "name", "nt")
    assert quoted(name) == word


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: hub.save_pretrained(folder, GPTConfig(), {}),
        lambda folder: Store(folder, 1, {}, torch.nn.Linear(1, 1), None, None),
    ],
)
def test_nothing_is_written_where_it_could_not_be_read(write, tmp_path, monkeypatch):
    """A healthy checkpoint there was called damaged, and its owner told to delete it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="name that is not valid Unicode.*choose another folder"):
        write("\udcb0\udca1")
    assert not os.listdir()
