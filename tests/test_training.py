"""Training: the recipe's parts, resuming, and a trained model against the true distribution."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from runs import CONFIG, CORPUS, MODEL, Interrupted, fresh, stop_at, weights

from nbutils import device, files, parallel, smallworld, text, tokens
from nbutils import training as training_module
from nbutils.checkpoints import single_file
from nbutils.checkpoints.single_file import CHECKPOINT, PREVIOUS
from nbutils.checkpoints.state import CheckpointError
from nbutils.figures.chapters.training import loss_curve
from nbutils.model import GPT, GPTConfig
from nbutils.optim import learning_rate_at, make_optimizer
from nbutils.training import TrainConfig, TrainingDivergedError, train
from nbutils.windows import IGNORE, CorpusTooShortError, TokenRangeError, Windows

# A step


def step_of(model, config) -> training_module._Step:
    optimizer, alone = make_optimizer(model, config), parallel.ALONE
    how = config.accumulation, config.grad_clip
    return training_module._Step(model, model, optimizer, device.pick("cpu"), alone, *how)


def test_frozen_weights_are_left_out():
    model = fresh()
    model.token_embedding.weight.requires_grad_(False)
    before, others = model.token_embedding.weight.clone(), model.position_embedding.weight.clone()
    held = [w for group in make_optimizer(model, CONFIG).param_groups for w in group["params"]]
    assert len(held) == len(list(model.parameters())) - 1
    train(model, CORPUS, CORPUS, CONFIG)
    assert torch.equal(model.token_embedding.weight, before)
    assert not torch.equal(model.position_embedding.weight, others)


@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.3, 0.5)])
def test_steps_are_pytorchs_adamw(float32, betas):
    config = dataclasses.replace(
        CONFIG,
        steps=3,
        warmup_steps=0,
        grad_clip=0.05,
        betas=betas,
        seed=5,
        min_learning_rate=CONFIG.learning_rate,
    )
    ours, theirs = fresh(), fresh()
    train(ours, CORPUS, CORPUS, config)
    groups = [
        {"params": [w for w in theirs.parameters() if w.dim() == dim], "weight_decay": decay}
        for dim, decay in ((2, config.weight_decay), (1, 0.0))
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas)
    for step in range(3):
        optimizer.zero_grad()
        theirs(*Windows(CORPUS, 8, 8, seed=5).batch(step))[1].backward()
        norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.05)
        optimizer.step()
        assert norm > 0.05
    torch.testing.assert_close(weights(ours), weights(theirs), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("clip", [0.0, 1e-9])
def test_clipping_can_be_turned_off(float32, monkeypatch, clip):
    calls = []
    original = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda *a: calls.append(a[1]) or original(*a)
    )
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=3, grad_clip=clip))
    assert calls == [clip] * (3 if clip else 0)


@pytest.mark.parametrize("start_token", [None, 11])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(float32, start_token):
    # Aligned windows that run past the end count fewer labels in one part than in another.
    corpus, results = CORPUS[:40], []
    for parts in (1, 2, 8):
        config = dataclasses.replace(
            CONFIG, steps=1, accumulation=parts, start_token=start_token, warmup_steps=0
        )
        model = fresh()
        batch = Windows(corpus, 8, 8, start_token=start_token).batch(0)
        loss = step_of(model, config).backward(*batch)
        gradient = torch.cat([w.grad.flatten() for w in model.parameters()])
        results.append((loss, gradient))
    counted = (batch[1] != IGNORE).sum(1)
    assert (counted.min() < counted.max()) == (start_token is not None)
    for loss, gradient in results[1:]:
        torch.testing.assert_close(loss, results[0][0])
        torch.testing.assert_close(gradient, results[0][1])


def test_accumulation_trains_as_one_large_batch_does(float32):
    whole, parts = fresh(), fresh()
    train(whole, CORPUS, CORPUS, CONFIG)
    train(parts, CORPUS, CORPUS, dataclasses.replace(CONFIG, accumulation=4))
    torch.testing.assert_close(weights(whole), weights(parts), atol=1e-4, rtol=1e-3)


# Mixed precision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_every_precision_learns_and_keeps_float32_weights(monkeypatch, dtype):
    chip = device.Chip(torch.device("cpu"), dtype, "test", scaler=dtype == torch.float16)
    monkeypatch.setattr(device, "pick", lambda name: chip)
    seen = set()
    model = fresh()
    model.blocks[0].mlp.expand.register_forward_hook(
        lambda layer, given, made: seen.add((layer.training, made.dtype))
    )
    history = train(model, CORPUS, CORPUS, CONFIG)
    # Evaluation is in the weights' own precision, whatever training is in.
    assert seen == {(True, dtype), (False, torch.float32)}
    assert all(weight.dtype == torch.float32 for weight in model.parameters())
    assert history.val_losses[-1] < history.val_losses[0] - 0.5


def test_float16_skips_a_step_whose_gradient_overflows(monkeypatch):
    chip = device.Chip(torch.device("cpu"), torch.float16, "test", scaler=True)
    monkeypatch.setattr(device, "pick", lambda name: chip)
    model = fresh()
    step = step_of(model, CONFIG)
    before, scale = weights(model), step.scaler.get_scale()
    model.final_norm.bias.register_hook(lambda gradient: gradient * math.inf)
    step(*Windows(CORPUS, 8, 8).batch(0), 1e-3)
    assert torch.equal(weights(model), before)
    assert step.scaler.get_scale() == scale / 2


# The model


def test_a_gradient_that_was_left_is_none_of_the_first_update():
    """As after a Stop in the middle of a backward pass, or a learner's own."""
    clean, left = fresh(), fresh()
    (1000 * left(torch.tensor([[1, 2]]), torch.tensor([[2, 3]]))[1]).backward()
    histories = [train(model, CORPUS, CORPUS, CONFIG) for model in (clean, left)]
    assert histories[0].val_losses == histories[1].val_losses


def test_a_model_without_parameters_is_refused():
    empty = torch.nn.Identity()
    empty.config = MODEL
    with pytest.raises(ValueError, match="Identity without parameters: nothing to train"):
        train(empty, CORPUS, CORPUS, CONFIG)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_after_an_error_the_network_is_as_after_training_and_nothing_else_is_kept(kind):
    model = fresh()

    def stop(step, model):
        if step == 20:
            model.train()
            next(model.parameters()).grad = torch.ones_like(next(model.parameters()))
            raise kind("enough")

    with pytest.raises(kind):
        train(model, CORPUS, CORPUS, CONFIG, on_eval=stop)
    assert not model.training and all(weight.grad is None for weight in model.parameters())


# Checkpoints


@pytest.mark.parametrize("scaled", [False, True])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(tmp_path, monkeypatch, scaled):
    if scaled:
        chip = device.Chip(torch.device("cpu"), torch.float16, "test", scaler=True)
        monkeypatch.setattr(device, "pick", lambda name: chip)
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path / "run"), checkpoint_every=25)
    whole, parts = fresh(dropout=0.2), fresh(dropout=0.2)
    expected = train(whole, CORPUS, CORPUS, CONFIG)
    with pytest.raises(Interrupted):
        train(parts, CORPUS, CORPUS, config, on_eval=stop_at(40))
    torch.rand(7)
    parts = fresh(dropout=0.2)
    history = train(parts, CORPUS, CORPUS, config)
    assert history.steps == expected.steps
    assert history.train_losses == expected.train_losses
    assert history.val_losses == expected.val_losses
    assert history.learning_rates == expected.learning_rates
    assert history.seconds == sorted(history.seconds)
    assert torch.equal(weights(parts), weights(whole))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {CHECKPOINT, PREVIOUS}


def test_a_finished_run_is_only_read(tmp_path):
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path))
    first, second = fresh(), fresh()
    expected = train(first, CORPUS, CORPUS, config)
    written = (tmp_path / CHECKPOINT).stat().st_mtime_ns
    history = train(second, CORPUS, CORPUS, config, on_eval=stop_at(60))
    assert history == expected and torch.equal(weights(first), weights(second))
    assert (tmp_path / CHECKPOINT).stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"config": dataclasses.replace(CONFIG, learning_rate=1e-3)}, "learning_rate was 0.003"),
        ({"config": dataclasses.replace(CONFIG, steps=70)}, "steps was 60 and is now 70"),
        ({"model": fresh(n_head=4)}, "model was"),
        ({"train_tokens": CORPUS[:-1]}, "train_tokens was 3300 tokens"),
        ({"val_tokens": CORPUS[::-1]}, "val_tokens was 3300 tokens"),
    ],
)
def test_another_run_in_the_folder_is_named(tmp_path, changes, name):
    folder = {"checkpoint": str(tmp_path)}
    given = {"model": fresh(), "train_tokens": CORPUS, "val_tokens": CORPUS, "config": CONFIG}
    given["config"] = dataclasses.replace(CONFIG, **folder)
    train(**given)
    given |= changes
    given["config"] = dataclasses.replace(given["config"], **folder)
    with pytest.raises(CheckpointError, match=name):
        train(**given)


def test_a_crash_while_writing_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path), checkpoint_every=20)

    def crash(*args):
        raise Interrupted

    with pytest.raises(Interrupted):
        train(fresh(), CORPUS, CORPUS, config, on_eval=stop_at(40))
    before = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / PREVIOUS).unlink(missing_ok=True)
    monkeypatch.setattr(files.os, "replace", crash)
    with pytest.raises(Interrupted):
        train(fresh(), CORPUS, CORPUS, config)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, PREVIOUS}


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", "utf-8")
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path / "file" / "run"))
    with pytest.raises(CheckpointError, match="checkpoint=.*can't be written"):
        train(fresh(), CORPUS, CORPUS, config, on_eval=stop_at(0))

    def full(**where):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(single_file.tempfile, "TemporaryFile", full)
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path / "run"))
    with pytest.raises(CheckpointError, match="checkpoint=.*No space left"):
        train(fresh(), CORPUS, CORPUS, config, on_eval=stop_at(0))


def test_a_chip_with_a_scaler_goes_on_where_one_without_stopped(tmp_path, monkeypatch):
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path), checkpoint_every=20)
    with pytest.raises(Interrupted):
        train(fresh(), CORPUS, CORPUS, config, on_eval=stop_at(40))
    chip = device.Chip(torch.device("cpu"), torch.float16, "test", scaler=True)
    monkeypatch.setattr(device, "pick", lambda name: chip)
    assert train(fresh(), CORPUS, CORPUS, config).steps == [0, 20, 40, 60]


@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_whether_or_not_its_model_is_compiled(tmp_path, first):
    """torch.compile's "_orig_mod." is no part of a weight's name."""
    config = dataclasses.replace(CONFIG, steps=8, eval_every=4, checkpoint_every=4)
    config = dataclasses.replace(config, checkpoint=str(tmp_path))
    compiled, other = (torch.compile(fresh(), backend="eager"), fresh())
    before, after = (compiled, other) if first else (other, compiled)
    with pytest.raises(Interrupted):
        train(before, CORPUS, CORPUS, config, on_eval=stop_at(8))
    stored = single_file._read(tmp_path / CHECKPOINT).tensors
    assert not any("_orig_mod" in name for name in stored)
    assert train(after, CORPUS, CORPUS, config).steps == [0, 4, 8]


def test_a_checkpoint_with_a_wrappers_names_is_read(tmp_path):
    """As an older version wrote it."""
    config = dataclasses.replace(CONFIG, steps=5, checkpoint=str(tmp_path))
    expected = train(model := fresh(), CORPUS, CORPUS, config)
    state = single_file._read(tmp_path / CHECKPOINT)
    for name in [name for name in state.tensors if name.startswith("model.")]:
        state.tensors[name.replace("model.", "model._orig_mod.", 1)] = state.tensors.pop(name)
    single_file.write(tmp_path, state)
    other = fresh()
    assert train(other, CORPUS, CORPUS, config).val_losses == expected.val_losses
    assert all(map(torch.equal, weights(other), weights(model)))


def test_the_checkpoint_of_another_model_is_no_damaged_one_and_stays(tmp_path):
    config = dataclasses.replace(CONFIG, steps=5, checkpoint=str(tmp_path))
    train(fresh(), CORPUS, CORPUS, config)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = fresh()
    other.extra = torch.nn.Linear(2, 2)
    with pytest.raises(CheckpointError, match="of another model: it has no extra.weight, which"):
        train(other, CORPUS, CORPUS, config)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_s_folder_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=1, checkpoint="~/run"))
    assert (tmp_path / "run" / CHECKPOINT).exists()


@pytest.mark.parametrize(
    ("tensor", "about"),
    [
        ("model.final_norm.bias", None),
        ("optimizer.0.exp_avg", None),
        ("random.cpu", None),
        (None, "step"),
        (None, "history"),
        (None, "scaler"),
    ],
)
def test_a_checkpoint_with_something_missing_is_damaged(tmp_path, tensor, about):
    config = dataclasses.replace(CONFIG, steps=5, checkpoint=str(tmp_path))
    train(fresh(), CORPUS, CORPUS, config)
    state = single_file._read(tmp_path / CHECKPOINT)
    state.tensors.pop(tensor, None)
    state.about.pop(about, None)
    single_file.write(tmp_path, state)
    (tmp_path / PREVIOUS).unlink()
    told = "of another model: it has no final_norm.bias" if "norm" in str(tensor) else "damaged, or"
    with pytest.raises(CheckpointError, match=told):
        train(fresh(), CORPUS, CORPUS, config)


# What goes wrong


@pytest.mark.parametrize("step", [0, 7, 10, 23])
def test_a_loss_that_is_no_number_stops_with_step_rate_and_remedy(step):
    model, calls = fresh(), 0

    def broken(tokens, labels):
        nonlocal calls
        logits, loss = GPT.forward(model, tokens, labels)
        calls += model.training
        return logits, loss * math.nan if calls == step + 1 else loss

    model.forward = broken
    config = dataclasses.replace(CONFIG, grad_clip=0.0)
    rate = f"{learning_rate_at(step, config):.2g}"
    with pytest.raises(
        TrainingDivergedError,
        match=rf"loss is nan at step {step}, .*{rate}.*learning_rate=0.0003.*grad_clip=1.0",
    ):
        train(model, CORPUS, CORPUS, config)


def test_too_high_a_learning_rate_is_told(float32):
    config = dataclasses.replace(CONFIG, learning_rate=1e12, warmup_steps=0, steps=200)
    with pytest.raises(TrainingDivergedError, match=r"learning_rate=1e\+11"):
        train(fresh(), CORPUS, CORPUS, config)


def test_texts_that_do_not_fit_the_model():
    with pytest.raises(CorpusTooShortError, match="validation text"):
        train(fresh(), CORPUS, CORPUS[:5], CONFIG)
    with pytest.raises(CorpusTooShortError, match="training text"):
        train(fresh(), CORPUS[:5], CORPUS, CONFIG)
    with pytest.raises(ValueError, match="block_size=9 is longer than the model's context, 8"):
        train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, block_size=9))
    with pytest.raises(TokenRangeError, match="the id 12"):
        train(fresh(), CORPUS + 1, CORPUS, CONFIG)


# Against the truth


@pytest.fixture(scope="module")
def learned():
    """A small model after a short training, and validation documents it has not seen."""
    encoding = smallworld.encoding()
    documents = text.load("smallworld", "val", n_documents=600)
    corpora = [
        tokens.encode_documents(part, encoding)
        for part in (text.load("smallworld", n_documents=10_000), documents)
    ]
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=encoding.n_vocab, n_layer=2, n_embd=64))
    config = TrainConfig(
        steps=400,
        batch_size=8,
        learning_rate=5e-3,
        eval_every=400,
        eval_batches=None,
        start_token=encoding.eot_token,
        device="cpu",
        progress=False,
    )
    history = train(model, *corpora, config)
    windows = Windows(corpora[1], 16, 128, start_token=encoding.eot_token)
    return SimpleNamespace(model=model, history=history, documents=documents, windows=windows)


@torch.no_grad()
def losses_of(model, windows) -> np.ndarray:
    """The model's loss on every counted label, in the corpus's order."""
    found = []
    for given, labels in windows.epoch():
        logits = model(given)
        losses = F.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="none"
        )
        found.append(losses[labels.flatten() != IGNORE])
    return torch.cat(found).double().numpy()


def test_no_model_beats_the_floor_and_this_one_comes_near_it(learned):
    truth = np.concatenate(
        [smallworld.token_losses(document + tokens.END) for document in learned.documents]
    )
    model = losses_of(learned.model, learned.windows)
    assert len(model) == len(truth)
    assert learned.history.val_losses[-1] == pytest.approx(model.mean(), rel=1e-5)
    # Losses within a document hang together, so the error is that of documents' sums.
    lengths = [len(smallworld.encoding().encode_ordinary(d)) + 1 for d in learned.documents]
    excess = np.add.reduceat(model - truth, np.cumsum([0, *lengths[:-1]]))
    error = excess.std(ddof=1) / math.sqrt(len(excess))
    assert excess.mean() > -3 * error
    untrained = learned.history.val_losses[0] - truth.mean()
    assert untrained > 4
    assert (model - truth).mean() < 0.47  # measured: 0.404, after 6.766 untrained


def test_the_curve_shows_both_losses_and_the_floor(learned):
    axes = loss_curve(learned.history, floor=0.4).axes[0]
    training, validation, floor = axes.lines
    assert list(training.get_ydata()) == learned.history.train_losses
    assert list(validation.get_ydata()) == learned.history.val_losses
    assert set(floor.get_ydata()) == {0.4}
    assert "nats per token" in axes.get_ylabel() and axes.get_xlabel() == "updates"
    assert len(loss_curve(learned.history).axes[0].lines) == 2
