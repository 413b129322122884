"""What people train and pack: files and folders of their own; and ids that stand for no token."""

import json

import pytest
import torch
from commands import run, trained

from nbutils import packing, sampling, tokens
from nbutils.cli import model_folder
from nbutils.config import GPTConfig
from nbutils.model import GPT
from nbutils.packing import workers
from nbutils.tokens import END

SHORT = ("--steps", "0", "--block-size", "16")
WEB = [f"Page {i} of the web, with words." for i in range(40)]


@pytest.fixture
def web(tmp_path):
    """JSON Lines, of which two documents speak of the special token."""
    pages = [*WEB[:38], f"It ends with {END}.", f"Or {END}?"]
    path = tmp_path / "web.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in pages), "utf-8")
    return path


def test_training_splits_json_lines_by_documents(web, tmp_path, capsys):
    trained(tmp_path / "m", "--text", str(web), "--model.vocab-size", "300", *SHORT)
    err = capsys.readouterr().err
    encoding = tokens.get_encoding(tmp_path / "m" / "encoding.json")
    learned = {token for token, rank in encoding._mergeable_ranks.items() if rank >= 256}
    assert not any(b'"' in token for token in learned)  # of the texts, not of the JSON
    assert encoding.name == "web"
    told = [line for line in err.splitlines() if "mention" in line]
    assert [line.split(",")[0] for line in told] == [
        f"note: documents that mention {END}: 1",  # to train on, and to validate
        f"note: documents that mention {END}: 1",
    ]


def test_packing_tells_of_end_and_of_a_corrected_file(web, tmp_path, capsys):
    command = ["pack", "--text", web, "--vocab-size", "300", "--workers", "1", "--out"]
    status, out, err = run(capsys, *command, tmp_path / "c")
    assert status == 0 and "c: 40 documents" in out
    assert err.startswith(f"note: documents that mention {END}: 2, first documents[38]. It is ")
    assert packing.open_corpus(tmp_path / "c").train.tolist().count(300 - 1) == 36 + 1
    assert run(capsys, *command, tmp_path / "c")[0] == 0
    web.write_text(web.read_text("utf-8").replace("Page 7", "page 7"), "utf-8")
    status, _, err = run(capsys, *command, tmp_path / "c")
    assert status == 1 and "another corpus: name was web.jsonl, " in err


def test_a_limit_leaves_the_documents_behind_it_untold(web, tmp_path, recwarn):
    encoding = tokens.train_bpe("text", 257)
    documents = ["a", "b", "c", END]
    packing.pack(documents, encoding, tmp_path, val_every=2, max_documents=2, workers=1)
    assert not recwarn


def test_a_worker_tells_a_document_by_its_number_among_all():
    with pytest.raises(ValueError, match=r"documents\[41\] is not valid Unicode at character 4"):
        workers._encode(40, ["fine", "half\ud800"], tokens.train_bpe("text", 257))


def test_a_folder_of_texts_is_trained_on_and_packed(tmp_path, capsys):
    (tmp_path / "books").mkdir()
    for i, page in enumerate(WEB):
        (tmp_path / "books" / f"{i:02}.txt").write_text(f"{page}\n\nIts end.\n", "utf-8")
    command = ["pack", "--text", tmp_path / "books", "--encoding", "cl100k_base", "--workers", "1"]
    status, out, _ = run(capsys, *command, "--out", tmp_path / "c")
    assert status == 0 and "c: 40 documents" in out
    trained(tmp_path / "m", "--text", str(tmp_path / "books"), *SHORT)
    assert "text: " in capsys.readouterr().out
    (tmp_path / "books" / "00.txt").write_text(f"{WEB[0]}\n\nits end.\n", "utf-8")
    status, _, err = run(capsys, *command, "--out", tmp_path / "c")
    assert status == 1 and "another corpus: name was books, 40 files, " in err


@pytest.fixture(scope="module")
def with_gaps():
    """An encoding in which no token has the ids 257 to 259, as cl100k_base has such gaps."""
    ranks = {bytes([value]): value for value in range(256)} | {b"ab": 256}
    return tokens.tiktoken.Encoding(
        "gaps", pat_str=".+", mergeable_ranks=ranks, special_tokens={END: 260}
    )


@pytest.fixture
def likes_257():
    """A model of 320 ids, filled up from 261, which nearly always draws 257 and 300."""
    torch.manual_seed(0)
    config = GPTConfig(320, block_size=8, n_layer=1, n_head=1, n_embd=8, tie_weights=False)
    model = GPT(config)
    torch.nn.init.zeros_(model.final_norm.weight)
    torch.nn.init.ones_(model.final_norm.bias)
    model.head.weight.data[257] = model.head.weight.data[300] = 2.0
    return model


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.0}, {"top_k": 5}, {"top_p": 0.9}, {"use_cache": False}]
)
def test_ids_without_a_token_are_never_drawn(with_gaps, likes_257, options):
    unused = tokens.unused_ids(with_gaps, 320)
    prompt = torch.tensor([[260, 97]] * 4)
    drawn = sampling.generate(likes_257, prompt, 12, seed=0, **options)[:, 2:]
    assert torch.isin(drawn, torch.tensor(unused)).float().mean() > 0.9
    drawn = sampling.generate(likes_257, prompt, 12, seed=0, suppress_tokens=unused, **options)
    assert not torch.isin(drawn[:, 2:], torch.tensor(unused)).any()


@pytest.mark.parametrize(
    "given, message",
    [
        ([320], "suppress_tokens has id 320, outside"),
        (["a"], r"suppress_tokens=\['a'\] must be an id"),
        (range(320), "suppress_tokens has every id"),
    ],
)
def test_ids_that_can_not_be_suppressed_are_named(likes_257, given, message):
    with pytest.raises(ValueError, match=message):
        sampling.generate(likes_257, torch.tensor([[1]]), 2, suppress_tokens=given)


def test_sample_draws_and_prints_what_stands_for_a_token(
    with_gaps, likes_257, tmp_path, capsys, monkeypatch
):
    likes_257.save_pretrained(tmp_path)
    tokens.save(with_gaps, tmp_path / "encoding.json")
    asked = []
    monkeypatch.setattr(sampling, "stream", lambda *args, **kw: asked.append(kw) or [257, 97, 300])
    status, out, _ = run(capsys, "sample", "--from", tmp_path, "--prompt", "b")
    assert status == 0 and out == "b\ufffda\ufffd\n"
    assert asked[0]["suppress_tokens"] == [257, 258, 259, *range(261, 320)]


@pytest.mark.parametrize(
    "n_tokens, vocab_size, fits",
    [(50_257, 50_257, True), (50_257, 50_304, True), (100_277, 100_352, True)]
    + [(300, 1242, False), (300, 299, False), (50_257, 100_352, False)],
)
def test_rows_that_fill_up_a_vocabulary_are_no_mismatch(n_tokens, vocab_size, fits):
    assert model_folder._fits(n_tokens, vocab_size) == fits
