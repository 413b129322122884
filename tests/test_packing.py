"""Packing: the right bytes, whatever stops it and however many workers; little memory."""

import builtins
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from nbutils import packing, text, tokens
from nbutils.packing import open_corpus, pack

DOCUMENTS = [f"{'one more ' * (i % 17)}document, number {i}: 가나다\n" for i in range(400)]
FORK = multiprocessing.get_context("fork") if sys.platform == "linux" else None
linux = pytest.mark.skipif(FORK is None, reason="needs fork and /proc")


@pytest.fixture(scope="module")
def encoding():
    return tokens.train_bpe(DOCUMENTS, 300)


@pytest.fixture
def packed(encoding, tmp_path):
    """Packs `DOCUMENTS`, or others, into a folder, right here and without a word."""

    def packed(documents=DOCUMENTS, folder=tmp_path / "corpus", **options):
        options = {"workers": 1, "progress": False, "encoding": encoding} | options
        return pack(documents, folder=folder, **options)

    return packed


@pytest.fixture
def small_batches(monkeypatch):
    """Many batches, each saved, but without waiting for the disk: no power is cut here."""
    monkeypatch.setattr(packing, "_BATCH", 500)
    monkeypatch.setattr(packing, "_SAVE_EVERY", -1.0)
    monkeypatch.setattr(os, "fsync", lambda file: None)


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture(scope="module")
def wanted(encoding, tmp_path_factory):
    """What an uninterrupted run leaves."""
    folder = tmp_path_factory.mktemp("wanted")
    pack(DOCUMENTS, encoding, folder, workers=1, progress=False)
    return content(folder)


# --- the bytes --------------------------------------------------------------------------------


def test_the_files_are_the_documents_with_end_between_them(packed, encoding):
    corpus = packed(name="four hundred")
    train = [document for i, document in enumerate(DOCUMENTS) if i % 10 != 9]
    assert np.array_equal(corpus.train, tokens.encode_documents(train, encoding))
    assert np.array_equal(corpus.val, tokens.encode_documents(DOCUMENTS[9::10], encoding))
    assert (corpus.name, corpus.documents) == ("four hundred", 400)
    assert isinstance(corpus.train, np.memmap) and corpus.train.dtype == np.uint16
    assert corpus.encoding.decode(corpus.val[1:].tolist()).split(tokens.END)[0] == DOCUMENTS[9]


def test_a_packed_source_has_the_splits_that_load_gives(packed, encoding):
    corpus = packed(text.read("pydocs"))
    for split in ("train", "val"):
        loaded = tokens.encode_documents(text.load("pydocs", split), encoding)
        assert np.array_equal(getattr(corpus, split), loaded)


def test_the_folder_holds_these_files_and_no_other(wanted):
    assert set(wanted) == {"train.tokens", "val.tokens", "encoding.json", "corpus.json"}


def test_large_vocabularies_have_four_bytes(packed):
    cl100k_base = tokens.get_encoding("cl100k_base")
    corpus = packed(encoding=cl100k_base)
    assert corpus.train.dtype == np.uint32 and corpus.train[0] == cl100k_base.eot_token
    assert corpus.encoding.n_vocab == 100_277


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_and_workers_do_not_show(packed, wanted, small_batches, tmp_path, workers):
    packed(workers=workers)
    assert content(tmp_path / "corpus") == wanted


@pytest.mark.parametrize("val_every", [2, 7, 400])
def test_val_every_chooses_the_documents_for_validation(packed, encoding, val_every):
    corpus = packed(val_every=val_every)
    held_out = DOCUMENTS[val_every - 1 :: val_every]
    assert np.array_equal(corpus.val, tokens.encode_documents(held_out, encoding))


# --- limits -----------------------------------------------------------------------------------


def endless():
    return (DOCUMENTS[i % 400] for i in count())


def test_an_endless_corpus_ends_after_so_many_documents(packed):
    corpus = packed(endless(), max_documents=53)
    assert corpus.documents == 53
    assert int((corpus.train == corpus.encoding.eot_token).sum()) == 53 - 5 + 1


@pytest.mark.parametrize("batch", [1, 300, 1 << 18])
def test_the_limit_of_tokens_falls_on_a_documents_end(
    packed, encoding, monkeypatch, tmp_path, batch
):
    monkeypatch.setattr(packing, "_BATCH", batch)
    whole = tokens.encode_documents([d for i, d in enumerate(DOCUMENTS) if i % 10 != 9], encoding)
    ends = np.flatnonzero(whole == encoding.eot_token) + 1  # tokens up to END number i
    for limit, last in ((ends[30] - 1, 30), (ends[30], 30), (ends[30] + 1, 31)):
        corpus = packed(endless(), folder=tmp_path / str(limit), max_tokens=int(limit))
        assert np.array_equal(corpus.train, whole[: ends[last]])
        assert corpus.documents == last + 3
    monkeypatch.setattr(packing, "_BATCH", 700)
    packed(endless(), folder=tmp_path / "other", max_tokens=int(limit))
    assert content(tmp_path / "other") == content(tmp_path / str(limit))


def test_a_run_that_had_reached_its_limit_reads_no_further(packed, monkeypatch, tmp_path):
    monkeypatch.setattr(packing.TokenFiles, "finish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        packed(endless(), max_tokens=500)
    monkeypatch.undo()
    assert packed(iter(()), max_tokens=500).train.size >= 500


# --- whatever stops it ------------------------------------------------------------------------


def failing(after: int, error: BaseException):
    yield from DOCUMENTS[:after]
    raise error


@pytest.mark.parametrize("error", [ConnectionError("gone"), KeyboardInterrupt(), ValueError("bad")])
def test_what_is_done_is_kept_when_the_documents_fail(
    packed, wanted, small_batches, monkeypatch, tmp_path, error
):
    monkeypatch.setattr(packing, "_SAVE_EVERY", 1e9)  # only because of the error
    for after in (0, 5, 150, 320):
        with pytest.raises(type(error)) as raised:
            packed(failing(after, error))
        assert raised.value is error
        with pytest.raises(ValueError, match="not packed to its end .*same `pack` again"):
            open_corpus(tmp_path / "corpus")
    assert json.loads((tmp_path / "corpus" / "corpus.json").read_text("utf-8"))["documents"] > 300
    packed()
    assert content(tmp_path / "corpus") == wanted


def whole_content(folder: Path) -> dict[str, bytes]:
    """Without what a run leaves that is killed when the corpus is whole, before it cleans up."""
    leftovers = [path for path in folder.iterdir() if path.suffix in (".part", ".lock")]
    for path in leftovers:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return content(folder)


def test_no_worker_is_left_when_the_documents_fail(packed, small_batches):
    with pytest.raises(ConnectionError):
        packed(failing(300, ConnectionError()), workers=2)
    assert multiprocessing.active_children() == []


def killed_at(moment: int, folder: Path, encoding) -> bool:
    """Pack in a process that dies just before the n-th time it changes the disk."""
    left = iter(range(moment))

    def dying(original):
        def call(*arguments, **options):
            if next(left, None) is None:
                os._exit(9)
            return original(*arguments, **options)

        return call

    def run():
        packing.corpus._append = dying(packing.corpus._append)
        for name in ("fsync", "replace"):
            setattr(os, name, dying(getattr(os, name)))
        builtins.open = dying(builtins.open)
        pack(DOCUMENTS, encoding, folder, workers=1, progress=False)

    process = FORK.Process(target=run)
    process.start()
    process.join()
    return process.exitcode == 9


@linux
def test_a_death_between_any_two_changes_of_the_disk(
    wanted, encoding, small_batches, monkeypatch, tmp_path
):
    monkeypatch.setattr(packing, "_BATCH", 20_000)
    moments = 0
    while killed_at(moments, tmp_path / str(moments), encoding):
        pack(DOCUMENTS, encoding, tmp_path / str(moments), workers=1, progress=False)
        assert whole_content(tmp_path / str(moments)) == wanted, moments
        moments += 1
    assert moments > 20


def test_what_stands_after_the_counted_tokens_is_cut_off(packed, wanted, small_batches, tmp_path):
    with pytest.raises(ConnectionError):
        packed(failing(200, ConnectionError()))
    with open(tmp_path / "corpus" / "train.tokens", "ab") as file:
        file.write(b"more than the rest of the corpus" * 1000)
    packed()
    assert content(tmp_path / "corpus") == wanted


@linux
def test_tokens_are_on_the_disk_before_the_state_counts_them(packed, small_batches, monkeypatch):
    flushed = []

    def fsync(file):
        flushed.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)

    monkeypatch.setattr(os, "fsync", fsync)
    packed()
    commits = [flushed[i - 2 : i] for i, name in enumerate(flushed) if name == "corpus.json"][1:]
    assert len(commits) > 10 and all(c == ["train.tokens", "val.tokens"] for c in commits)


@linux
def test_forty_kills_at_random_moments(wanted, encoding, small_batches, tmp_path):
    def slowly():
        for document in DOCUMENTS:
            time.sleep(1e-5)
            yield document

    chance = random.Random(0)
    folder, kills = tmp_path / "corpus", 0
    while kills < 40:
        process = FORK.Process(
            target=lambda: pack(slowly(), encoding, folder, workers=1, progress=False)
        )
        process.start()
        process.join(chance.uniform(0.01, 0.12))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        if process.exitcode == 0:
            assert whole_content(folder) == wanted
            shutil.rmtree(folder)
    pack(DOCUMENTS, encoding, folder, workers=1, progress=False)
    assert whole_content(folder) == wanted


@linux
def test_a_killed_worker_is_named_and_the_same_call_goes_on(
    packed, wanted, small_batches, tmp_path
):
    def treacherous():
        yield from DOCUMENTS[:300]
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)
        yield from DOCUMENTS[300:]

    with pytest.raises(RuntimeError, match="worker process ended.*same call goes on"):
        packed(treacherous(), workers=2)
    packed()
    assert content(tmp_path / "corpus") == wanted


@linux
def test_a_full_disk_keeps_what_is_packed(packed, wanted, encoding, small_batches, tmp_path):
    folder = tmp_path / "corpus"

    def run():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))  # bytes in a file
        sys.stderr = open(tmp_path / "said", "w", encoding="utf-8")
        pack(DOCUMENTS, encoding, folder, workers=1, progress=False)

    for _ in range(2):
        process = FORK.Process(target=run)
        process.start()
        process.join()
        said = (tmp_path / "said").read_text("utf-8")
        assert process.exitcode == 1
        assert "can't be written (File too large); what it holds is kept" in said
    assert json.loads((folder / "corpus.json").read_text("utf-8"))["documents"] > 100
    packed()
    assert content(folder) == wanted


# --- a folder that is there -------------------------------------------------------------------


def test_a_finished_folder_is_only_read(packed, wanted, tmp_path, capsys):
    packed()
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "corpus").iterdir()}
    again = packed(failing(0, ConnectionError("not asked for")), progress=True)
    assert again.documents == 400
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "corpus").iterdir()} == times
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "other"}, "name was documents and is now other"),
        ({"val_every": 5}, "val_every was 10 and is now 5"),
        ({"max_tokens": 10**6}, "max_tokens was None and is now 1000000"),
        ({"max_documents": 399}, "max_documents was None and is now 399"),
        ({"encoding": tokens.train_bpe("another text", 300)}, "encoding was bpe, 300 tokens, "),
    ],
)
def test_another_corpus_is_refused(packed, small_batches, tmp_path, changes, said, finished):
    if finished:
        packed()
    else:
        with pytest.raises(ConnectionError):
            packed(failing(200, ConnectionError()))
    before = content(tmp_path / "corpus")
    with pytest.raises(ValueError, match=f"corpus holds another corpus: {said}.*another folder"):
        packed(**changes)
    assert content(tmp_path / "corpus") == before


@pytest.mark.parametrize("others", [["another", *DOCUMENTS[1:]], DOCUMENTS[:20]])
def test_other_documents_are_refused(packed, small_batches, others):
    with pytest.raises(ConnectionError):
        packed(failing(200, ConnectionError()))
    with pytest.raises(ValueError, match="another corpus: its .* documents are not the first"):
        packed(others)


@pytest.mark.parametrize("name", ["train.tokens", "val.tokens", "encoding.json"])
def test_the_files_of_something_else_are_not_overwritten(packed, tmp_path, name):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / name).write_text("mine", "utf-8")
    with pytest.raises(ValueError, match=f"{name} of something else; choose another folder"):
        packed()
    assert content(tmp_path / "corpus") == {name: b"mine"}


def test_damage_is_named(packed, small_batches, tmp_path):
    with pytest.raises(ConnectionError):
        packed(failing(200, ConnectionError()))
    os.truncate(tmp_path / "corpus" / "val.tokens", 50)
    with pytest.raises(ValueError, match="corpus is damaged: delete it and pack again"):
        packed()
    for bad in ("", "[]", '{"what": 1}', '{"who": {}}', "\x00"):
        (tmp_path / "corpus" / "corpus.json").write_text(bad, "utf-8")
        with pytest.raises(ValueError, match="corpus is damaged: delete it and pack again"):
            packed()


def test_files_that_do_not_belong_together_are_refused(packed, tmp_path):
    packed()
    packed(DOCUMENTS[:100], folder=tmp_path / "other")
    os.replace(tmp_path / "other" / "val.tokens", tmp_path / "corpus" / "val.tokens")
    with pytest.raises(ValueError, match="damaged"):
        open_corpus(tmp_path / "corpus")


def test_a_folder_without_a_corpus(tmp_path):
    with pytest.raises(FileNotFoundError, match="no packed corpus.*nbutils pack --out"):
        open_corpus(tmp_path)


def test_two_programs_do_not_pack_into_one_folder(packed, wanted, tmp_path):
    (tmp_path / "corpus").mkdir()
    with FileLock(tmp_path / "corpus" / "corpus.json.lock"):
        with pytest.raises(RuntimeError, match="another program is packing into .*corpus"):
            packed()
    packed()
    assert content(tmp_path / "corpus") == wanted


def test_a_folder_that_can_not_be_written(packed, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OSError, match="can't be written .*"):
        packed(folder=tmp_path / "file" / "corpus")


# --- what is given ----------------------------------------------------------------------------


def test_no_documents_leave_no_folder_that_is_taken_for_a_corpus(packed, tmp_path):
    with pytest.raises(ValueError, match="documents is empty"):
        packed([])
    with pytest.raises(ValueError, match="ends after 9 documents.*val_every=10 none"):
        packed(DOCUMENTS[:9])
    assert content(tmp_path / "corpus") == {}
    assert packed(DOCUMENTS[:9], val_every=9).documents == 9


@pytest.mark.parametrize(
    ("documents", "error", "said"),
    [
        ("one text", TypeError, r"documents is one string.*\[text\]"),
        ([*DOCUMENTS[:25], None], TypeError, r"documents\[25\] is NoneType"),
        ([*DOCUMENTS[:25], "a\ud800"], ValueError, r"documents\[25\] is not valid.*character 1"),
    ],
)
def test_bad_documents_are_named(packed, small_batches, documents, error, said):
    for _ in range(2):  # also where it goes on
        with pytest.raises(error, match=said):
            packed(documents)


@pytest.mark.parametrize(
    ("option", "least"), [("val_every", 2), ("max_documents", 1), ("max_tokens", 1), ("workers", 1)]
)
def test_numbers_too_small(packed, option, least):
    with pytest.raises(ValueError, match=f"{option}={least - 1} must be at least {least}"):
        packed(**{option: least - 1})


# --- memory and speed -------------------------------------------------------------------------


def test_only_a_few_batches_are_read_ahead(packed, small_batches, monkeypatch):
    written, ahead = [0], []
    add = packing.TokenFiles.add

    def counted(self, ids, lengths, checksum):
        written[0] += len(lengths)
        return add(self, ids, lengths, checksum)

    def documents():
        for i, document in enumerate(["a document of fifty characters, " + 18 * "."] * 1000):
            ahead.append(i - written[0])
            yield document

    monkeypatch.setattr(packing.TokenFiles, "add", counted)
    packed(documents(), workers=2)
    assert 10 < max(ahead) <= 10 * (2 * 2 + 2)  # ten documents a batch


@linux
def test_memory_does_not_grow_with_the_corpus(encoding, tmp_path):
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def documents(heard):
        for i in range(150):
            if i == 15:
                heard.send(peak())
            yield "one more document, " * 10_000  # 190 kB

    def run(heard):
        pack(documents(heard), encoding, tmp_path / "corpus", workers=1, progress=False)
        heard.send(peak())

    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=run, args=(theirs,))
    process.start()
    early, late = ours.recv(), ours.recv()
    process.join()
    size = sum(path.stat().st_size for path in (tmp_path / "corpus").iterdir())
    assert late - early < 5e6 < 0.5 * size, (early, late, size)


def test_lines_say_how_far_it_is_and_the_last_how_fast(packed, small_batches, capsys):
    packed(progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert lines[-1].startswith("400 documents, ") and lines[-1].endswith(" tokens/s")
    assert int(lines[-1].split()[-2].replace(",", "")) > 1000


def test_a_terminal_shows_a_bar_of_the_tokens_to_train_on(
    packed, small_batches, capsys, monkeypatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    packed(max_tokens=2_000, progress=True)
    said = capsys.readouterr()
    assert "100%" in said.err and "2.00k/2.00k" in said.err and "tokens/s" in said.err
    assert said.out.count("\n") == 1


def test_a_run_that_goes_on_says_so_and_counts_its_own_tokens(packed, small_batches, capfd):
    with pytest.raises(ConnectionError):
        packed(failing(390, ConnectionError()))
    packed(progress=True)
    said = capfd.readouterr()
    assert "documents are packed; going on after them" in said.out + said.err
