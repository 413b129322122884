"""`python -m nbutils`, as a person at a shell meets it."""

import codecs
import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from commands import FEW, TINY, run, shell, trained

from nbutils import __main__ as program
from nbutils import smallworld
from nbutils.cli import COMMANDS, main


@pytest.fixture(scope="module")
def smallworld_model(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("smallworld"), *FEW)


@pytest.fixture(scope="module")
def own_text_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    book = folder / "book.txt"
    book.write_text("다람쥐 헌 쳇바퀴에 타고파.\n\nThe quick brown fox jumps.\n\n" * 400, "utf-8")
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


@pytest.mark.parametrize("command", ["pack", "train", "sample", "grade"])
def test_every_option_is_explained(capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    lines = capsys.readouterr().out.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("│ --"):
            words = " ".join(lines[i : i + 2]).split("(default")[0].replace("│", " ")
            assert len(words.split()) >= 5, line


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_waits_for_no_large_library_and_is_shown_under_any_code_page(command):
    done = shell(*command.split(), "--help", python=["-X", "importtime"], encoding="cp949")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0 and "nbutils.cli" in loaded
    assert not loaded & {"torch", "numpy", "tiktoken"}


@pytest.mark.parametrize(
    "arguments", [["sample", "--from", "/nowhere"], ["pack", "--text", "fineweb", "--out", "x"]]
)
def test_a_refusal_does_not_wait_for_pytorch(arguments):
    done = shell(*arguments, python=["-X", "importtime"])
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("error: ")
    assert not re.search(r"\| +torch$", done.stderr, re.MULTILINE)


def test_a_file_in_the_way_is_named_by_every_command(tmp_path):
    (tmp_path / "tyro.py").touch()
    done = shell("train", "--out", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    near = os.path.join(os.curdir, "tyro.py")
    says = f"a file of yours, {near}, stands in place of the package tyro: rename it"
    assert done.stderr == f"error: {says}\n"


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
    config = json.loads((smallworld_model / "config.json").read_text("utf-8"))
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


@pytest.mark.parametrize("kept, where", [(None, ""), (12, ""), (10, " from step 10")])
def test_ctrl_c_says_where_it_stopped(tmp_path, capsys, monkeypatch, kept, where):
    from nbutils import training

    def stopped(*arguments):
        raise training.TrainingInterrupt(12, kept)

    monkeypatch.setattr(training, "train", stopped)
    status, _, err = run(capsys, "train", "--out", tmp_path, *TINY, *FEW)
    assert status == 130 and err == f"stopped at step 12; the same command goes on{where}\n"


def test_a_preset_is_the_shape_that_options_change(tmp_path):
    from nbutils.cli.train import read_options
    from nbutils.config import GPTConfig

    out = ["--out", str(tmp_path)]
    assert read_options(out).model == GPTConfig()
    assert read_options([*out, "--preset", "gpt2"]).model == GPTConfig.preset("gpt2")
    given = ["--preset=gpt2", "--model.n-layer", "4", "--model.block-size", "128"]
    changed = GPTConfig.preset("gpt2", n_layer=4, block_size=128)  # as in the default: not lost
    assert read_options([*out, *given]).model == changed


@pytest.mark.skipif(os.name == "nt", reason="the printed lines are read as a shell of Unix does")
def test_a_home_folder_and_a_name_with_blanks_in_each_path_and_each_line_to_copy(
    tmp_path, monkeypatch, capsys
):
    home, here = tmp_path / "hong gildong", tmp_path / "here"
    home.mkdir(), here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (home / "t.txt").write_text("다람쥐 헌 쳇바퀴에 타고파.\n\n" * 200, "utf-8")

    def copied(status, out, err):
        assert status == 0, err
        return shlex.split(out.splitlines()[-1].partition("python -m nbutils ")[2])

    packing = ["pack", "--text=~/t.txt", "--out=~/a corpus", "--vocab-size=280", "--workers=1"]
    again = copied(*run(capsys, *packing))
    assert again == ["train", "--text", str(home / "a corpus"), "--out", "..."]
    ways = "--out=it's $HOME", "--out=-gpt", "--out=~/gpt"
    for out, folder in zip(ways, (here / "it's $HOME", here / "-gpt", home / "gpt")):
        sampling = copied(*run(capsys, *again[:3], out, *TINY, "--steps=0", "--warmup-steps=0"))
        assert Path(sampling[2]).resolve() == folder and (folder / "config.json").is_file()
        assert run(capsys, *sampling, "--max-new-tokens=2")[0] == 0
    assert run(capsys, "sample", "--from=~/gpt", "--max-new-tokens=2")[0] == 0
    assert "there is no folder" in run(capsys, "grade", "~/none")[2]
    assert "workers=0 must be at least 1" in run(capsys, "grade", ".", "--workers=0")[2]
    assert "is a file: choose a folder" in run(capsys, *packing[:2], "--out=~/t.txt")[2]
    assert sorted(path.name for path in here.iterdir()) == ["-gpt", "it's $HOME"]


# Errors: one sentence, no trace


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_strangers_model_is_not_overwritten(tmp_path, capsys, name):
    (tmp_path / name).write_text("{}", "utf-8")
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
    content = (own_text_model / name).read_text("utf-8") if content is None else content
    (folder / name).write_text(content, "utf-8")
    status, _, err = run(capsys, "sample", "--from", folder)
    assert status == 1 and message in err and err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--from", "nowhere"], "nowhere holds no finished model"),
        (["train", "--out", "x", "--text", "nowhere.txt"], "nowhere.txt"),
        (["train", "--out", "x", "--text", "fineweb"], "never ends: pack a part of it"),
        (["train", "--out", "x", "--text", "."], "folder without .txt, .jsonl or .parquet"),
        (["train", "--out", "x", "--text", "half", "--documents", "5"], "documents=5: a packed"),
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
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "corpus.json").touch()
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


def test_an_output_without_a_sign_gets_another_and_a_path_its_own_bytes():
    codecs.register_error("nbutils.plainly", program._plainly)
    folder = "\udcb0\udcfa"  # as Python spells two bytes of a name under another code page
    said = f"✗ {folder} 가".encode("ascii", "nbutils.plainly")
    assert said == b"x \xb0\xfa ?"
