"""Windows, batches and token files."""

import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbutils.windows import (
    IGNORE,
    CorpusTooShortError,
    TokenFileError,
    TokenRangeError,
    Windows,
    open_tokens,
    token_dtype,
    write_tokens,
)

END = 9


def documents(lengths, seed=0):
    """END, words, END, words, ..., END; every word below END."""
    rng = np.random.default_rng(seed)
    parts = [np.array([END])]
    for n in lengths:
        parts += [rng.integers(END, size=n), [END]]
    return np.concatenate(parts)


# Random batches


def test_labels_are_the_tokens_one_place_later():
    tokens, labels = Windows(np.arange(1000), 16, 32).batch(0)
    assert tokens.shape == labels.shape == (16, 32)
    assert tokens.dtype == labels.dtype == torch.int64
    assert torch.equal(labels, tokens + 1)
    assert torch.equal(tokens[:, 1:], tokens[:, :-1] + 1)


def test_a_batch_depends_on_seed_and_step_alone():
    corpus = np.arange(5000)
    used = Windows(corpus, 8, 16, seed=3)
    for step in range(20):
        used.batch(step)
    fresh = Windows(corpus, 8, 16, seed=3)
    assert torch.equal(used.batch(7)[0], fresh.batch(7)[0])
    assert not torch.equal(fresh.batch(7)[0], fresh.batch(8)[0])
    assert not torch.equal(fresh.batch(7)[0], Windows(corpus, 8, 16, seed=4).batch(7)[0])


def test_every_start_is_drawn_the_first_and_the_last_too():
    windows = Windows(np.arange(12), 64, 4)
    starts = torch.cat([windows.batch(step)[0][:, 0] for step in range(10)])
    assert sorted(set(starts.tolist())) == list(range(8))  # the last window's labels end at 11


def test_one_window_is_enough():
    tokens, labels = Windows(np.arange(5), 2, 4).batch(0)
    assert tokens.tolist() == [[0, 1, 2, 3]] * 2
    assert labels.tolist() == [[1, 2, 3, 4]] * 2


def test_aligned_windows_begin_with_the_start_token_and_reach_every_document():
    corpus = documents(range(1, 30))
    windows = Windows(corpus, 64, 20, start_token=END)
    seen = set()
    for step in range(20):
        tokens, labels = windows.batch(step)
        assert (tokens[:, 0] == END).all()
        inside = labels[:, :-1] != IGNORE
        assert torch.equal(tokens[:, 1:][inside], labels[:, :-1][inside])
        seen |= {tuple(row.tolist()) for row in tokens}
    assert len(seen) == 29


def test_an_aligned_window_past_the_last_token_does_not_count_there():
    corpus = documents([6, 2])  # END, 6 words, END, 2 words, END
    windows = Windows(corpus, 32, 8, start_token=END)
    tokens, labels = windows.batch(0)
    last = labels[tokens[:, 1] == corpus[8]]
    assert len(last) and torch.equal(last[0], torch.tensor([*corpus[8:], *[IGNORE] * 5]))


def test_batches_go_to_the_device():
    tokens, labels = Windows(np.arange(100), 2, 4, device="meta").batch(0)
    assert tokens.device.type == labels.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA chip")
def test_batches_on_cuda_are_those_on_the_cpu():
    corpus = np.arange(1000)
    on_cpu, on_cuda = (Windows(corpus, 8, 16, device=d).batch(3) for d in ("cpu", "cuda"))
    for here, there in zip(on_cpu, on_cuda, strict=True):
        assert there.device.type == "cuda" and torch.equal(here, there.cpu())


def test_to_cuda_goes_through_pinned_memory_without_waiting(monkeypatch):
    calls = []
    windows = Windows(np.arange(100), 2, 4)
    windows.device = torch.device("cuda")
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: calls.append("pin") or self)
    monkeypatch.setattr(
        torch.Tensor,
        "to",
        lambda self, device, non_blocking=False: calls.append((device.type, non_blocking)) or self,
    )
    windows.batch(0)
    assert calls == ["pin", ("cuda", True)] * 2


# Evaluation's pass


def test_epoch_counts_every_label_once():
    corpus = np.arange(103)
    labels = torch.cat([labels for _, labels in Windows(corpus, 4, 8).epoch()])
    assert sorted(labels[labels != IGNORE].tolist()) == list(range(1, 103))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(10, 24), st.integers(1, 5))
def test_aligned_epoch_counts_every_label_of_every_document_once(lengths, block, batch):
    corpus = documents(lengths)
    if len(corpus) <= block:
        return
    counted = []
    for tokens, labels in Windows(corpus, batch, block, start_token=END).epoch():
        assert (tokens[:, 0] == END).all() and len(tokens) <= batch
        for row, answers in zip(tokens, labels, strict=True):
            keep = answers != IGNORE
            n = int(keep.sum())
            assert keep[:n].all() and answers[n - 1] == END  # whole documents, then nothing
            assert torch.equal(row[1:n], answers[: n - 1])
            counted += answers[:n].tolist()
    assert counted == corpus[1:].tolist()


def test_a_document_longer_than_a_window_loses_its_end_alone():
    corpus = documents([3, 12, 3])
    rows = list(Windows(corpus, 1, 6, start_token=END).epoch())
    counted = [labels[labels != IGNORE].tolist() for _, labels in rows]
    assert counted == [corpus[1:5].tolist(), corpus[5:11].tolist(), corpus[18:].tolist()]


def test_epoch_is_the_same_every_time_and_stops_where_told():
    windows = Windows(np.arange(1000), 4, 8)
    first, second = list(windows.epoch(5)), list(windows.epoch(5))
    assert len(first) == 5
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


# Errors


@pytest.mark.parametrize("aligned", [None, 1])
def test_a_corpus_shorter_than_a_window(aligned):
    with pytest.raises(CorpusTooShortError, match=r"8 tokens.*block_size=8.*need 9"):
        Windows(np.arange(8), 1, 8, start_token=aligned)


@pytest.mark.parametrize("length", [6, 7, 8, 14, 40])
def test_documents_are_found_in_every_piece_of_the_search(monkeypatch, length):
    monkeypatch.setattr("nbutils.windows._SCAN", 7)
    corpus = np.arange(length) % 3
    windows = Windows(corpus, 1, 4, start_token=0)
    assert windows.starts.tolist() == list(range(0, length - 1, 3))


def test_a_start_token_that_is_nowhere():
    with pytest.raises(CorpusTooShortError, match="start_token=77 is nowhere"):
        Windows(np.arange(50), 1, 8, start_token=77)


@pytest.mark.parametrize("bad", [-1, 10, 4000])
def test_ids_outside_the_vocabulary(bad, tmp_path):
    corpus = np.zeros(40, dtype=np.int64)
    corpus[-1] = bad
    with pytest.raises(TokenRangeError, match=rf"the id {bad}, .*vocab_size=10"):
        Windows(corpus, 4, 8, vocab_size=10)
    with pytest.raises(TokenRangeError, match=f"the id {bad}"):
        write_tokens(tmp_path / "x", corpus, 10)
    assert not list(tmp_path.iterdir())


def test_ids_outside_the_vocabulary_in_a_file_are_found_in_their_batch(tmp_path):
    write_tokens(tmp_path / "x", np.full(40, 500), 1000)
    windows = Windows(open_tokens(tmp_path / "x"), 4, 8, vocab_size=100)
    with pytest.raises(TokenRangeError, match="the id 500"):
        windows.batch(0)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.zeros((4, 4), int), r"shape \(4, 4\)"),
        (np.zeros(40), "dtype float64"),
        (["a", "b"], "dtype <U1"),
    ],
)
def test_tokens_that_are_not_a_row_of_ids(tokens, message):
    with pytest.raises(ValueError, match=message):
        Windows(tokens, 1, 4)


@pytest.mark.parametrize("name", ["batch_size", "block_size"])
def test_sizes_below_one(name):
    sizes = {"batch_size": 1, "block_size": 4} | {name: 0}
    with pytest.raises(ValueError, match=f"{name}=0"):
        Windows(np.arange(50), **sizes)


# Token files


@pytest.mark.parametrize(
    ("vocab_size", "dtype"), [(1, "uint16"), (65_536, "uint16"), (65_537, "uint32")]
)
def test_a_file_gives_back_its_tokens_in_the_smallest_type(tmp_path, vocab_size, dtype):
    tokens = np.random.default_rng(0).integers(vocab_size, size=1000)
    path = tmp_path / "corpus.tokens"
    chunks = (tokens[i : i + 300] for i in range(0, 1000, 300))
    assert write_tokens(path, chunks, vocab_size) == 1000
    back = open_tokens(path)
    assert isinstance(back, np.memmap) and back.dtype == dtype == token_dtype(vocab_size)
    assert back.tolist() == tokens.tolist()
    assert not back.flags.writeable
    assert list(tmp_path.iterdir()) == [path]


def test_windows_of_a_file_are_those_of_the_array(tmp_path):
    corpus = documents(range(1, 40))
    write_tokens(tmp_path / "x", corpus, 10)
    for start in (None, END):
        a = Windows(corpus, 8, 16, start_token=start, vocab_size=10)
        b = Windows(open_tokens(tmp_path / "x"), 8, 16, start_token=start, vocab_size=10)
        for here, there in zip([a.batch(5), *a.epoch()], [b.batch(5), *b.epoch()], strict=True):
            assert torch.equal(here[0], there[0]) and torch.equal(here[1], there[1])


def test_a_file_of_many_gigabytes_is_read_only_where_it_is_used(tmp_path):
    count = 20_000_000_000  # 40 GB that take no place on the disk
    path = tmp_path / "big"
    with open(path, "wb") as file:
        file.write(struct.pack("<8sQQ", b"NBTOKENS", 2, count))
        file.truncate(24 + 2 * count)
    tokens, _ = Windows(open_tokens(path), 4, 128, vocab_size=10).batch(0)
    assert tokens.shape == (4, 128) and not tokens.any()


def test_writing_needs_memory_for_one_chunk_only(tmp_path):
    alive = peak = 0

    class Chunk(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= self.base is None

    def chunks():
        nonlocal alive, peak
        for _ in range(50):
            alive += 1
            peak = max(peak, alive)
            chunk = Chunk(1000, dtype=np.int64)
            chunk[:] = 1
            yield chunk

    assert write_tokens(tmp_path / "x", chunks(), 10) == 50_000
    assert peak <= 3


def test_an_interrupted_write_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "x"
    write_tokens(path, np.arange(9), 10)

    def broken():
        yield np.zeros(100, int)
        raise OSError("the text's source went away")

    with pytest.raises(OSError, match="went away"):
        write_tokens(path, broken(), 10)
    assert open_tokens(path).tolist() == list(range(9))
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_to_write(tmp_path):
    with pytest.raises(CorpusTooShortError, match="no tokens"):
        write_tokens(tmp_path / "x", [], 10)


@pytest.mark.parametrize("change", [-1, -100, +2])
def test_a_file_cut_off_or_grown(tmp_path, change):
    path = tmp_path / "x"
    write_tokens(path, np.arange(100), 1000)
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + bytes(change))
    message = f"has {224 + change} bytes; its 100 tokens of 2 bytes need 224"
    with pytest.raises(TokenFileError, match=message):
        open_tokens(path)


@pytest.mark.parametrize("content", [b"", b"NBTOK", b"To be, or not to be: that is the question."])
def test_a_foreign_file(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(TokenFileError, match="not a token file"):
        open_tokens(tmp_path / "x")
    with pytest.raises(TokenFileError, match="is a folder: give its train.tokens, or"):
        open_tokens(tmp_path)


@pytest.mark.parametrize("itemsize, count", [(3, 2), (0, 2), (1, 2), (8, 2), (2, 0), (4, 0)])
def test_a_damaged_header(tmp_path, itemsize, count):
    header = struct.pack("<8sQQ", b"NBTOKENS", itemsize, count)
    (tmp_path / "x").write_bytes(header + bytes(itemsize * count))
    with pytest.raises(TokenFileError, match="damaged header"):
        open_tokens(tmp_path / "x")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_tokens(tmp_path / "x")


def test_a_vocabulary_that_fits_no_type():
    with pytest.raises(ValueError, match="vocab_size=0"):
        token_dtype(0)


@pytest.mark.parametrize("start_token", [None, END])
def test_each_window_comes_once_before_one_comes_again(start_token):
    corpus = np.arange(107) if start_token is None else np.array(([END] + [1] * 5) * 17 + [END])
    windows = Windows(corpus, 4, 10, start_token=start_token, each_once=True, seed=3)
    count = 9 if start_token is None else 17  # 9 x 10 and up to 17 left over
    places = np.arange(107) if start_token is None else corpus.cumsum()
    seen = np.concatenate([places[windows._once_each(step)] for step in range(3 * count)])
    rounds = seen.reshape(-1, count)  # 12 of them: 4 windows a step
    assert all(len(set(row)) == count for row in rounds.tolist())
    assert len({tuple(row) for row in rounds.tolist()}) == len(rounds)  # each in its own order
    if start_token is None:
        for row in rounds:
            assert (np.diff(np.sort(row)) == 10).all() and row.max() + 10 < 107
        assert len({row.min() for row in rounds}) > 3  # and from its own place
    again = Windows(corpus, 4, 10, start_token=start_token, each_once=True, seed=3)
    for step in (20, 5):  # as a run does that is continued
        assert torch.equal(again.batch(step)[0], windows.batch(step)[0])


def test_the_shortest_corpus_has_one_window_each_time():
    windows = Windows(np.arange(9), 2, 8, each_once=True)
    assert windows.batch(5)[1].tolist() == 2 * [list(range(1, 9))]
