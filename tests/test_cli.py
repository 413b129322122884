"""`python -m nbutils`, as a person at a shell meets it."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import islice, product

import pytest
import tiktoken

from nbutils import packing, smallworld, tokens
from nbutils.__main__ import main
from nbutils.tokens import END

TINY = (
    "--steps 20 --eval-every 10 --eval-batches 1 --batch-size 4 --warmup-steps 2 --device cpu "
    "--model.n-layer 1 --model.n-head 2 --model.n-embd 16"
).split()
FEW = ("--documents", "60")


def shell(*arguments, cwd=None, code="") -> subprocess.CompletedProcess:
    command = ["-c", code] if code else ["-m", "nbutils"]
    return subprocess.run(
        [sys.executable, *command, *map(str, arguments)], capture_output=True, text=True, cwd=cwd
    )


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def trained(folder, *more):
    assert main(["train", "--out", str(folder), *TINY, *more]) == 0
    return folder


@pytest.fixture(scope="module")
def smallworld_model(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("smallworld"), *FEW)


@pytest.fixture(scope="module")
def own_text_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    book = folder / "book.txt"
    book.write_text("다람쥐 헌 쳇바퀴에 타고파.\n\nThe quick brown fox jumps.\n\n" * 400)
    return trained(folder / "model", "--text", str(book), "--model.vocab-size", "300")


# Help


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_names_the_commands(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert status == 0 and err == ""
    assert all(name in out for name in ("pack ", "train ", "sample ", "--help"))


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("pack", ["--text", "--encoding", "--tokens", "--documents", "--out", "--workers"]),
        ("train", ["--out", "--text", "--steps", "--learning-rate", "--preset", "--model.n-layer"]),
        ("sample", ["--from", "--prompt", "--temperature", "--top-k", "--top-p", "--seed"]),
    ],
)
def test_each_commands_help_lists_its_options(capsys, command, options):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in options)
    # What the command decides itself is no option.
    assert "--checkpoint " not in out and "--start-token" not in out


def test_every_field_of_the_recipe_is_explained(capsys):
    from nbutils.__main__ import Pack, Sample, _train_options

    for kind, command in ((Pack, "pack"), (_train_options(), "train"), (Sample, "sample")):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        lines = capsys.readouterr().out.splitlines()
        for i, line in enumerate(lines):
            if line.startswith("│ --"):
                words = " ".join(lines[i : i + 2]).split("(default")[0].replace("│", " ")
                assert len(words.split()) >= 5, f"{kind.__name__}: {line}"


def test_help_does_not_wait_for_pytorch():
    code = """
import sys
from nbutils.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("torch" in sys.modules)
"""
    helps = [["--help"], ["pack", "--help"], ["sample", "--help"]]
    for arguments in (*helps, ["sample", "--from", "/nowhere"], ["pack", "--text", "fineweb"]):
        assert shell(*arguments, code=code).stdout.splitlines()[-1:] == ["False"], arguments


# From a text to a talking model


def test_train_leaves_everything_that_sample_needs(smallworld_model, capsys):
    names = {path.name for path in smallworld_model.iterdir()}
    assert names == {"checkpoint.safetensors", "config.json", "model.safetensors", "encoding.json"}
    first, again, other = (
        run(capsys, "sample", "--from", smallworld_model, "--prompt", "Now Nora", "--seed", seed)
        for seed in (1, 1, 2)
    )
    assert first == again and first[0] == 0 and first[2] == ""
    assert first[1].startswith("Now Nora") and first[1].endswith("\n")
    assert first[1] != other[1]


def test_train_reports_the_distance_to_the_floor(smallworld_model, capsys):
    assert main(["train", "--out", str(smallworld_model), *TINY, *FEW]) == 0
    out = capsys.readouterr().out
    assert "step" not in out  # it was finished, so nothing is trained again
    verdict = next(line for line in out.splitlines() if line.startswith("loss on all"))
    loss, above, floor = (float(word.rstrip(".,")) for word in verdict.split() if word[0].isdigit())
    assert loss - floor == pytest.approx(above, abs=2e-4)
    assert above > 1  # 20 updates are not enough


def test_windows_too_short_for_a_document_are_not_judged_by_the_floor(tmp_path, capsys):
    trained(tmp_path, *FEW, "--block-size", "40", "--steps", "0")
    out = capsys.readouterr().out
    assert "loss on all" in out and "floor" not in out


def test_a_models_weights_are_in_hugging_faces_layout(smallworld_model):
    config = json.loads((smallworld_model / "config.json").read_text())
    assert config["model_type"] == "gpt2" and config["n_embd"] == 16


def test_an_own_text_gets_its_own_encoding(own_text_model, capsys):
    status, out, _ = run(
        capsys,
        "sample",
        "--from",
        own_text_model,
        "--prompt",
        "다람쥐",
        "--seed",
        0,
        "--max-new-tokens",
        40,
    )
    assert status == 0 and out.startswith("다람쥐") and len(out) > 20
    from nbutils.tokens import get_encoding

    assert get_encoding(str(own_text_model / "encoding.json")).n_vocab == 300


def test_characters_are_printed_whole(own_text_model, capsys):
    """Greedy text is the same decoded at once or as it comes."""
    import torch

    from nbutils.model import GPT
    from nbutils.sampling import generate
    from nbutils.tokens import get_encoding

    encoding = get_encoding(str(own_text_model / "encoding.json"))
    end = encoding.eot_token
    prompt = torch.tensor([[end]])
    made = generate(
        GPT.from_pretrained(own_text_model), prompt, 60, temperature=1.3, seed=3, stop=end
    )
    expected = encoding.decode([i for i in made[0].tolist() if i != end])
    _, out, _ = run(
        capsys,
        "sample",
        "--from",
        own_text_model,
        "--max-new-tokens",
        60,
        "--temperature",
        1.3,
        "--seed",
        3,
        "--device",
        "cpu",
    )
    assert out == expected + "\n"


def test_the_commands_pass_their_choices_on(smallworld_model, tmp_path, capsys, monkeypatch):
    import torch

    from nbutils import sampling, training

    asked = []
    monkeypatch.setattr(sampling, "stream", lambda *a, **k: asked.append(k) or iter(()))
    run(capsys, "sample", "--from", smallworld_model, "--top-k", 7, "--seed", 3)
    end = smallworld.encoding().eot_token
    assert asked[0]["top_k"] == 7 and asked[0]["stop"] == end and asked[0]["seed"] == 3
    seeds, recipes = [], []
    monkeypatch.setattr(torch, "manual_seed", seeds.append)
    monkeypatch.setattr(training, "train", lambda *a: recipes.append(a[3]))
    trained(tmp_path, *FEW, "--seed", "9")
    assert seeds == [9] and recipes[0].seed == 9 and recipes[0].start_token == end


def test_ctrl_c_says_where_it_stopped(tmp_path, capsys, monkeypatch):
    from nbutils import training

    def stopped(*arguments):
        raise training.TrainingInterrupt(12)

    monkeypatch.setattr(training, "train", stopped)
    status, _, err = run(capsys, "train", "--out", tmp_path, *TINY, *FEW)
    assert status == 130 and err == "stopped at step 12; the same command goes on\n"


# From a corpus to token files to a model


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
    from nbutils.tokens import _byte_alphabet

    letters = _byte_alphabet()
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
        (tmp_path / "tables" / hashlib.sha1((base + name).encode()).hexdigest()).write_text(table)
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
    book.write_text("\n\n".join(f"다람쥐 헌 쳇바퀴에 타고파, {i} times." for i in range(50)))
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
    book.write_text(book.read_text() + "!")
    status, _, err = run(capsys, *command)
    assert status == 1 and "another corpus: name was book.txt, " in err


def test_a_new_encoding_is_learned_from_a_beginning(monkeypatch, tmp_path):
    from nbutils import __main__ as cli

    monkeypatch.setattr(cli, "_LEARNED_FROM", 100)
    assert list(cli._beginning(iter(["a" * 60] * 5))) == ["a" * 60] * 2


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
        text=True,
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
        train, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "ddp in 2 processes" in done.stdout and "loss on all validation" in done.stdout
    capsys.readouterr()
    assert main([*sample[3:], "--max-new-tokens", "5"]) == 0
    assert capsys.readouterr().out.startswith(sample[-1])


def test_a_preset_is_the_shape_that_options_change(tmp_path):
    from nbutils.__main__ import _training
    from nbutils.model import GPTConfig

    out = ["--out", str(tmp_path)]
    assert _training(out).model == GPTConfig()
    assert _training([*out, "--preset", "gpt2"]).model == GPTConfig.preset("gpt2")
    given = ["--preset=gpt2", "--model.n-layer", "4", "--model.block-size", "128"]
    changed = GPTConfig.preset("gpt2", n_layer=4, block_size=128)  # as in the default: not lost
    assert _training([*out, *given]).model == changed


# Errors: one sentence, no trace


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_strangers_model_is_not_overwritten(tmp_path, capsys, name):
    (tmp_path / name).write_text("{}")
    status, _, err = run(capsys, "train", "--out", tmp_path, *TINY, *FEW)
    assert status == 1 and "choose another folder" in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    status, _, err = run(capsys, "sample", "--from", tmp_path)
    assert status == 1 and "without encoding.json" in err and "train --out" not in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("encoding.json", None, "encoding of 300 tokens and a model of 1242"),
        ("config.json", "[]", "."),
        ("encoding.json", "[]", "encoding.json"),
    ],
)
def test_a_damaged_folder_is_one_sentence(
    smallworld_model, own_text_model, tmp_path, capsys, name, content, message
):
    folder = shutil.copytree(smallworld_model, tmp_path / "model")
    content = (own_text_model / name).read_text() if content is None else content
    (folder / name).write_text(content)
    status, _, err = run(capsys, "sample", "--from", folder)
    assert status == 1 and message in err and err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--from", "nowhere"], "nowhere holds no finished model"),
        (["train", "--out", "x", "--text", "nowhere.txt"], "nowhere.txt"),
        (["train", "--out", "x", "--text", "fineweb"], "never ends: pack a part of it"),
        (["train", "--out", "x", "--text", "."], "holds no packed corpus"),
        (["train", "--out", "x", "--text", ".", "--documents", "5"], "documents=5: a packed"),
        (["train", "--out", "x", "--preset", "gpt5"], "'gpt5' is unknown; there are small"),
        (["pack", "--out", "x", "--text", "fineweb"], "'fineweb' is endless: say how much"),
        (["pack", "--out", "x", "--text", "smallworld"], "'smallworld' is endless: say how much"),
        (["pack", "--out", "x", "--text", "nowhere.txt"], "nowhere.txt"),
        (["pack", "--out", "x", "--text", "pydocs", "--encoding", "gpt9"], "'gpt9' is neither"),
        (["pack", "--out", "x", "--text", "pydocs", "--vocab-size", "256"], "vocab_size=256"),
        (["pack", "--out", "x", "--text", "pydocs", "--val-every", "1"], "val_every=1 must be"),
        (["train", "--out", "x", "--steps", "-3"], "steps=-3 must be at least 0"),
        (["train", "--out", "x", "--model.n-head", "7"], "n_head=7"),
        (["train", "--out", "x", "--device", "abacus"], "abacus"),
        (["train", "--out", "x", "--block-size", "500", *TINY, *FEW], "500"),
    ],
)
def test_an_error_is_one_sentence(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as stop:  # from the library that reads the options
        status = stop.code
    err = capsys.readouterr().err
    assert status not in (0, None)
    assert message in err and "Traceback" not in err and not list(tmp_path.glob("x/*"))


def test_bad_sampling_choices_are_named(smallworld_model, capsys):
    status, _, err = run(capsys, "sample", "--from", smallworld_model, "--top-p", 2)
    assert status == 1 and err.startswith("error: top_p=2.0") and err.count("\n") == 1


def test_another_recipe_in_the_same_folder_is_refused(smallworld_model, capsys):
    status, _, err = run(capsys, "train", "--out", smallworld_model, *TINY, *FEW, "--seed", 5)
    assert status == 1 and "another run" in err


def test_an_unknown_command(capsys):
    status, out, err = run(capsys, "trian")
    assert status == 2 and out == "" and "'trian'" in err


def test_from_a_shell(tmp_path):
    done = shell("sample", "--from", "nothing here", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: nothing here holds no finished model")
