"""The course's network: what is shipped fits together, is read in a moment, and can be made anew."""

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

from nbutils import recipes, smallworld, text, tokens
from nbutils.evaluation import evaluate
from nbutils.figures.moving.networks import content, load_network
from nbutils.figures.moving.sampler import Sampler
from nbutils.model import GPT, GPTConfig
from nbutils.network_file import safetensors_bytes
from nbutils.training import TrainConfig, TrainingInterrupt
from nbutils.windows import Windows

ANEW = "run make model"


@pytest.fixture(scope="module")
def run():
    return recipes.smallworld()


@pytest.fixture(scope="module")
def val_tokens():
    held_out = text.load("smallworld", "val", n_documents=recipes.HELD_OUT)
    return tokens.encode_documents(held_out, smallworld.encoding())


def same(one, other) -> bool:
    states = (one.state_dict(), other.state_dict())
    return all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))


# What is shipped


def test_it_was_made_by_the_recipe_of_today_in_the_world_of_today():
    stored = json.loads((recipes.FOLDER / "smallworld.json").read_text("utf-8"))
    now = recipes.recipe()
    for parts in (stored, now):  # as objects: a new setting with a default makes no other training
        parts["model"] = GPTConfig(**parts["model"])
        parts["training"] = TrainConfig(**parts["training"])
    for name, value in now.items():
        assert stored[name] == value, f"{name} has changed since the training: {ANEW}"
    assert now["model"] == recipes.MODEL


def test_every_file_is_named_and_every_name_is_a_file(run):
    named = {path.name for path, _ in run.files.values()} | {"smallworld.json"}
    assert {path.name for path in recipes.FOLDER.iterdir()} == named
    assert run.steps == list(recipes.KEPT)
    for path, expected in run.files.values():
        stored = path.read_bytes()
        assert hashlib.sha256(stored).hexdigest() == expected
        assert len(stored) < 2_000_000


def test_a_network_is_ready_to_use(run):
    model = run.model
    assert not model.training
    assert {(p.dtype, p.device.type) for p in model.parameters()} == {(torch.float32, "cpu")}
    assert model.config == recipes.MODEL
    assert model.config.vocab_size == smallworld.encoding().n_vocab
    assert same(model, run.model) and model is not run.model  # whoever changes it changes its own
    assert not same(model, run.at(100))


def test_the_distance_from_the_floor_is_what_is_stored(run):
    assert recipes.gap(run.model) == pytest.approx(run.gap, rel=1e-3)
    assert 0 < run.gap < 0.03


@pytest.mark.parametrize("step", recipes.KEPT)
def test_the_networks_lie_on_the_run_s_curve(run, val_tokens, step):
    config, history = run.config, run.history
    windows = Windows(
        val_tokens, config.batch_size, recipes.MODEL.block_size, start_token=config.start_token
    )
    loss = evaluate(run.at(step), windows, config.eval_batches)
    assert loss == pytest.approx(history.val_losses[history.steps.index(step)], abs=2e-3)


def test_the_history_is_the_whole_run_s(run):
    history, config = run.history, run.config
    assert history.steps == [*range(0, config.steps + 1, config.eval_every)]
    assert {len(values) for values in history.to_dict().values()} == {len(history.steps)}
    assert history.seconds == sorted(history.seconds)
    assert config.start_token == smallworld.encoding().eot_token and config.checkpoint is None


def test_it_is_said_where_and_when_it_was_made(run):
    assert run.made.keys() == {"machine", "chip", "versions", "date", "command"}
    assert all(run.made.values())
    assert date.fromisoformat(run.made["date"]) and "/" not in run.made["machine"]


def test_reading_it_draws_and_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recipes, "train", None)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    recipes.smallworld().at(100)
    assert torch.equal(torch.get_rng_state(), before)
    assert not (tmp_path / "cache").exists()


def test_pages_and_chapters_answer_alike(run):
    """Chapter 5 prints an answer, and its picture, to which the reader gives the same question, too."""
    question, encoding = "The capital of sushi is", smallworld.encoding()
    ids = torch.tensor([[encoding.eot_token, *encoding.encode(question)]])
    with torch.no_grad():
        chances = run.model(ids)[0, -1].softmax(-1)
    shown = Sampler(question).rows()[0]
    chance, token = chances.max(-1)
    assert shown[0].strip("·") == encoding.decode([token.item()]).strip()
    assert shown[1] == pytest.approx(chance.item(), abs=1e-5)
    assert same(load_network("smallworld"), run.model)
    assert content("smallworld") == run.files[run.config.steps][0].read_bytes()


# What is missing or damaged


@pytest.fixture
def copy(monkeypatch, tmp_path):
    shutil.copytree(recipes.FOLDER, tmp_path / "trained")
    monkeypatch.setattr(recipes, "FOLDER", tmp_path / "trained")
    return tmp_path / "trained"


def test_other_steps_are_refused(run):
    with pytest.raises(ValueError, match=r"step=7 was not kept; there are \[100, 3600\]"):
        run.at(7)


@pytest.mark.parametrize("name", ["smallworld.json", "smallworld.safetensors"])
def test_a_missing_file_is_named_with_a_way_out(copy, name):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing; install .*nbutils.recipes"):
        recipes.smallworld().model  # noqa: B018


@pytest.mark.parametrize("name", ["smallworld.json", "smallworld.safetensors"])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_file_cut_short_is_named_with_a_way_out(copy, name, kept):
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match=f"{name} is damaged.*; install .*nbutils.recipes"):
        recipes.smallworld().model  # noqa: B018


@pytest.mark.parametrize("found", ["[]", "{}", '{"training": {"stepz": 1}}'])
def test_a_description_of_something_else_is_damage(copy, found):
    (copy / "smallworld.json").write_text(found, "utf-8")
    with pytest.raises(ValueError, match="smallworld.json is damaged"):
        recipes.smallworld()


def test_weights_of_another_training_are_noticed(copy):
    shutil.copy(copy / "smallworld-100.safetensors", copy / "smallworld.safetensors")
    with pytest.raises(ValueError, match="damaged or of another training"):
        recipes.smallworld().model  # noqa: B018


@pytest.mark.parametrize("kept", [0, 4, 60, 0.5])
def test_a_network_s_file_cut_short_is_a_sentence(tmp_path, kept):
    whole = safetensors_bytes(
        GPT(GPTConfig(vocab_size=9, block_size=4, n_layer=1, n_head=1, n_embd=8))
    )
    path = tmp_path / "small.safetensors"
    path.write_bytes(whole[: kept if kept != 0.5 else len(whole) // 2])
    with pytest.raises(ValueError, match="small.safetensors is damaged; install"):
        recipes.read_network(path)


# How it is made


@pytest.fixture
def small_recipe(tmp_path, monkeypatch):
    """A training of 30 updates, and where its files go."""
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path / "cache"))
    shape = GPTConfig(n_layer=1, n_head=2, n_embd=8, block_size=smallworld.MAX_TOKENS)
    monkeypatch.setattr(recipes, "MODEL", shape)
    monkeypatch.setattr(recipes, "DOCUMENTS", 200)
    monkeypatch.setattr(recipes, "HELD_OUT", 30)
    monkeypatch.setattr(recipes, "KEPT", (10, 30))
    training = replace(
        recipes.TRAINING,
        steps=30,
        batch_size=2,
        warmup_steps=3,
        eval_every=5,
        checkpoint_every=10,
        device="cpu",
    )
    monkeypatch.setattr(recipes, "TRAINING", training)
    monkeypatch.setattr(recipes, "FOLDER", tmp_path / "trained")
    return tmp_path / "trained"


def test_what_is_made_is_what_is_read(small_recipe, monkeypatch, capsys):
    trained, train = [], recipes.train
    monkeypatch.setattr(recipes, "train", lambda *a, **k: (trained.append(a), train(*a, **k))[1])
    recipes.make(small_recipe)
    run = recipes.smallworld()
    (model, train_tokens, val_tokens, _), *more = trained
    assert not more
    assert same(run.model, model.half().float())
    assert run.steps == [10, 30] and run.history.steps == [0, 5, 10, 15, 20, 25, 30]
    assert run.gap == pytest.approx(recipes.gap(run.model))
    assert f"{run.gap:.4f} nats a token above the floor" in capsys.readouterr().out
    assert not [*(small_recipe.parent / "cache").glob("*/*")]
    decode = smallworld.encoding().decode
    held_out = text.load("smallworld", "val", n_documents=1)[0]
    assert decode(val_tokens.tolist()).split("<|endoftext|>")[1] == held_out
    assert decode(train_tokens.tolist()).split("<|endoftext|>")[1] != held_out


def test_a_training_that_was_cut_off_goes_on(small_recipe, monkeypatch):
    recipes.make(small_recipe)
    whole, train, seen = recipes.smallworld(), recipes.train, []
    expected = whole.model
    shutil.rmtree(small_recipe)

    def cut(step, on_eval, model):
        seen.append(step)
        on_eval(step, model)
        if seen.count(25) == 1 and step == 25:
            raise TrainingInterrupt(step)

    monkeypatch.setattr(
        recipes,
        "train",
        lambda *a, on_eval: train(*a, on_eval=lambda step, model: cut(step, on_eval, model)),
    )
    with pytest.raises(TrainingInterrupt):
        recipes.make(small_recipe)
    assert not small_recipe.exists()
    recipes.make(small_recipe)
    assert seen == [
        0,
        5,
        10,
        15,
        20,
        25,
        25,
        30,
    ]  # from the checkpoint after 20, not from the start
    run = recipes.smallworld()
    assert same(run.model, expected)
    np.testing.assert_array_equal(run.history.val_losses, whole.history.val_losses)


def test_every_part_of_a_recipe_is_compared(small_recipe, monkeypatch):
    stored = recipes.recipe()
    changes = {
        "MODEL": ("model", replace(recipes.MODEL, n_head=1)),
        "DOCUMENTS": ("documents", 300),
        "TRAINING": ("training", replace(recipes.TRAINING, learning_rate=1e-3)),
    }
    for name, (told, value) in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(recipes, name, value)
            assert [key for key, now in recipes.recipe().items() if now != stored[key]] == [told]
    monkeypatch.setattr(recipes.world, "generate", lambda n: ["another world"])
    assert [key for key, now in recipes.recipe().items() if now != stored[key]] == ["world"]
