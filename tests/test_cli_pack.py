"""`python -m nbutils pack`, and the recipe of chapter 7 from a corpus to a model that talks."""

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from itertools import islice, product

import pytest
import tiktoken.load
from commands import FEW, byte_alphabet, run, shell, trained

from nbutils import packing, tokens
from nbutils.cli import main
from nbutils.tokens import END


@pytest.fixture
def fineweb(tmp_path, monkeypatch):
    """A shard of sixty pages in FineWeb's form, where the environment says; gives the pages."""
    pytest.importorskip("datasets")
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    pages = [f"Page {i} of the web. " * (i % 7 + 1) for i in range(60)]
    (tmp_path / "shards").mkdir()
    pq.write_table(pa.table({"text": pages}), tmp_path / "shards" / "000_00000.parquet")
    monkeypatch.setenv("NBUTILS_FINEWEB", str(tmp_path / "shards"))
    return pages


@pytest.fixture
def gpt2(tmp_path, monkeypatch):
    """Tables of GPT-2's size and form where tiktoken looks for those it has downloaded.

    The merges are the first 50,000 pairs of bytes, so the checksums can't be right.
    """
    letters = byte_alphabet()
    pairs = list(islice(product(letters, letters), 50_000))
    singles = [letter for letter in letters if letter.isprintable() and ord(letter) < 256]
    singles += [letter for letter in letters if letter not in singles]
    names = [*singles, *map("".join, pairs), END]
    base = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
    tables = {
        "vocab.bpe": "\n".join(["#version: 0.2", *map(" ".join, pairs), ""]),
        "encoder.json": json.dumps({name: i for i, name in enumerate(names)}),
    }
    (tmp_path / "tables").mkdir()
    for name, table in tables.items():
        (tmp_path / "tables" / hashlib.sha1((base + name).encode()).hexdigest()).write_text(
            table, "utf-8"
        )
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "tables"))
    monkeypatch.setattr(tiktoken.load, "check_hash", lambda data, expected: True)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})


def test_packed_smallworld_is_trained_on_like_the_text(tmp_path, capsys):
    corpus = tmp_path / "corpus"
    assert main(["pack", "--text", "smallworld", "--documents", "80", "--out", str(corpus)]) == 0
    out = capsys.readouterr().out
    assert f"{corpus}: 80 documents, " in out and " tokens/s" in out and "1,242 in the" in out
    verdicts = []
    for text, more in (("smallworld", ["--documents", "72"]), (str(corpus), [])):
        trained(tmp_path / f"model{len(more)}", "--text", text, *more)
        lines = capsys.readouterr().out.splitlines()
        verdicts.append([line for line in lines if line.startswith(("loss on", "step 20"))])
    assert "above the floor of" in verdicts[0][1]
    assert verdicts[0][1] == verdicts[1][1]
    assert verdicts[0][0].split()[:5] == verdicts[1][0].split()[:5]  # train and val, not the speed


def test_a_packed_file_learns_its_encoding_once(tmp_path, capsys, monkeypatch):
    book = tmp_path / "book.txt"
    book.write_text(
        "\n\n".join(f"다람쥐 헌 쳇바퀴에 타고파, {i} times." for i in range(50)), "utf-8"
    )
    command = ["pack", "--text", str(book), "--vocab-size", "280", "--out", str(tmp_path / "c")]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert "45 documents" not in first and "50 documents" in first and "280 in the voc" in first
    monkeypatch.setattr(tokens, "train_bpe", None)
    assert main(command) == 0
    assert capsys.readouterr().out == first[first.index(str(tmp_path)) :]
    monkeypatch.undo()
    status, _, err = run(capsys, *command[:-3], "270", *command[-2:])
    assert status == 1 and "another corpus: encoding was book.txt, " in err
    book.write_text(book.read_text("utf-8") + "!", "utf-8")
    status, _, err = run(capsys, *command)
    assert status == 1 and "another corpus: name was book.txt, " in err


def test_a_new_encoding_is_learned_from_a_beginning(monkeypatch, tmp_path):
    from nbutils.cli import pack

    monkeypatch.setattr(pack, "_LEARNED_FROM", 100)
    assert list(pack._beginning(iter(["a" * 60] * 5))) == ["a" * 60] * 2


def test_a_model_of_a_packed_corpus_speaks_its_encoding(fineweb, tmp_path, capsys):
    corpus, model = tmp_path / "corpus", tmp_path / "model"
    command = ["pack", "--text", "fineweb", "--encoding", "cl100k_base", "--out", str(corpus)]
    assert main([*command, "--tokens", "300"]) == 0
    trained(model, "--text", str(corpus), "--block-size", "8", "--steps", "1")
    assert "floor" not in capsys.readouterr().out
    status, out, _ = run(capsys, "sample", "--from", model, "--prompt", "Page", "--seed", 0)
    assert status == 0 and out.startswith("Page")


def test_fineweb_that_was_not_read_to_its_end_lets_the_program_end(fineweb, tmp_path):
    """datasets' own threads have kept Python from ending, after everything was done."""
    command = ["pack", "--text", "fineweb", "--encoding", "cl100k_base", "--out", tmp_path / "c"]
    done = shell(*command, "--tokens", "100", "--val-every", "2", "--workers", "1")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a terminal's Ctrl-C as Unix does")
def test_ctrl_c_stops_packing_and_its_workers_with_a_sentence(tmp_path):
    command = ["pack", "--text", "smallworld", "--documents", "100_000_000", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nbutils", *command, "--out", str(tmp_path / "c")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        assert " tokens/s" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=900)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, err) == (130, "stopped; the same command goes on\n")


def test_gpt2s_encoding(gpt2, fineweb, tmp_path, capsys):
    command = ["pack", "--text", "fineweb", "--encoding", "gpt2", "--documents", "20"]
    assert main([*command, "--out", str(tmp_path / "c")]) == 0
    corpus = packing.open_corpus(tmp_path / "c")
    assert corpus.encoding.n_vocab == 50_257 and corpus.train.dtype.itemsize == 2
    assert corpus.train[0] == 50_256
    assert corpus.encoding.decode(corpus.val[1:].tolist()).split(END)[:2] == fineweb[9:20:10]


def test_gpt2s_encoding_without_a_network(fineweb, tmp_path, capsys, monkeypatch):
    def unreachable(*arguments):
        raise OSError("no network")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setattr(tiktoken.load, "read_file", unreachable)
    command = ["pack", "--text", "fineweb", "--encoding", "gpt2", "--documents", "20"]
    status, _, err = run(capsys, *command, "--out", tmp_path / "c")
    assert status == 1 and "could not be downloaded" in err and "cl100k_base" in err
    assert err.count("\n") == 1 and not (tmp_path / "c").exists()


def test_a_corpus_may_be_called_like_a_source(fineweb, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["pack", "--text", "fineweb", "--encoding", "cl100k_base", "--tokens", "300"]
    assert main([*command, "--out", "fineweb"]) == 0
    trained(tmp_path / "model", "--text", "fineweb", "--block-size", "8", "--steps", "0")
    (tmp_path / "smallworld").mkdir()
    trained(tmp_path / "other", *FEW, "--steps", "0")
    assert "text: smallworld, 3," in capsys.readouterr().out


# The recipe of chapter 7


def recipe(root) -> list[list[str]]:
    """The commands in the chapter's blocks of code, each as a list of words."""
    notebook = json.loads((root / "notebooks" / "07_bigger.ipynb").read_text("utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [shlex.split(block.replace("\\\n", "")) for block in blocks if "-m nbutils" in block]


SMALLER = {
    "--tokens": "300",
    "--val-every": "2",
    "--nproc-per-node": "2",
    "--batch-size": "16",
    "--steps": "2",
    "--warmup-steps": "1",
    "--eval-every": "1",
}
NARROW = "--model.n-layer 1 --model.n-head 2 --model.n-embd 16 --model.block-size 16".split()


def test_the_recipe_for_gpt2_works_on_a_few_pages(
    root, gpt2, fineweb, tmp_path, monkeypatch, capsys
):
    pack, train, sample = recipe(root)
    monkeypatch.chdir(tmp_path)
    for option in SMALLER:
        command = pack if option in pack else train
        command[command.index(option) + 1] = SMALLER[option]
    assert pack[:3] == sample[:3] == ["python", "-m", "nbutils"] and train[0] == "torchrun"
    assert main(pack[3:]) == 0
    # One torch.compile takes longer than all the rest; the ladder of chapter 6 is tested with it.
    train = [sys.executable, "-m", "torch.distributed.run", *train[1:], *NARROW, "--device", "cpu"]
    at = train.index("--compile")
    del train[at : at + 2]
    done = subprocess.run(
        train, capture_output=True, encoding="utf-8", env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "ddp in 2 processes" in done.stdout and "loss on all validation" in done.stdout
    capsys.readouterr()
    assert main([*sample[3:], "--max-new-tokens", "5"]) == 0
    assert capsys.readouterr().out.startswith(sample[-1])
