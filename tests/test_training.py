"""Training: the recipe's parts, resuming, and a trained model against the true distribution."""

import dataclasses
import itertools
import json
import math
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.utils import counters

from nbutils import checkpoints, device, files, smallworld, text, tokens
from nbutils import training as training_module
from nbutils.checkpoints import BEFORE, CHECKPOINT, CheckpointError
from nbutils.figures.training import loss_curve
from nbutils.model import GPT, GPTConfig
from nbutils.training import (
    History,
    Muon,
    TrainConfig,
    TrainingDivergedError,
    document_losses,
    evaluate,
    evened_out,
    learning_rate_at,
    make_optimizer,
    train,
)
from nbutils.windows import IGNORE, CorpusTooShortError, TokenRangeError, Windows

CONFIG = TrainConfig(
    steps=60,
    batch_size=8,
    learning_rate=3e-3,
    warmup_steps=10,
    eval_every=20,
    eval_batches=3,
    device="cpu",
    progress=False,
)
CORPUS = np.tile(np.arange(1, 12), 300)  # what follows is always certain
MODEL = GPTConfig(vocab_size=12, block_size=8, n_layer=1, n_head=2, n_embd=16)


def fresh(**changes) -> GPT:
    torch.manual_seed(1)
    return GPT(dataclasses.replace(MODEL, **changes))


@pytest.fixture
def float32(monkeypatch):
    """Every chip computes in float32, so that results can be compared closely."""
    chip = device.Chip(torch.device("cpu"), torch.float32, "test")
    monkeypatch.setattr(device, "pick", lambda name: chip)


def weights(model) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


# Each token's loss


def test_a_document_s_losses_do_not_depend_on_its_neighbours_in_the_batch():
    documents = text.load("smallworld", "val", n_documents=7)
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=smallworld.MAX_TOKENS)
    together = document_losses(model, documents, encoding, batch_size=4)
    for document, losses in zip(documents, together, strict=True):
        ids = [encoding.eot_token, *encoding.encode(document), encoding.eot_token]
        logits = model(torch.tensor([ids[:-1]]))[0]
        expected = F.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none").detach()
        assert losses == pytest.approx(expected.numpy(), rel=1e-4)
        assert losses.shape == smallworld.token_losses(document + tokens.END).shape


def test_losses_are_computed_without_dropout_and_leave_the_mode(monkeypatch):
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=smallworld.MAX_TOKENS, dropout=0.5)
    documents = text.load("smallworld", "val", n_documents=1)
    one, other = (document_losses(model.train(), documents, encoding)[0] for _ in range(2))
    assert np.array_equal(one, other)
    assert model.training
    assert not document_losses(model.eval(), [], encoding)
    assert not model.training


def test_a_document_longer_than_the_context_is_refused():
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=8)
    with pytest.raises(ValueError, match="longer than this model's position table"):
        document_losses(model.train(), text.load("smallworld", "val", n_documents=1), encoding)
    assert model.training  # as it was
    with pytest.raises(TypeError, match=r"one string; put it in a list"):
        document_losses(model, "We say", encoding)
    with pytest.raises(ValueError, match="batch_size=0 must be at least 1"):
        document_losses(model, ["We say"], encoding, batch_size=0)


# The schedule


def test_learning_rate_rises_straight_then_falls_like_half_a_cosine():
    config = TrainConfig(steps=110, warmup_steps=10, learning_rate=1.0, min_learning_rate=0.2)
    rates = [learning_rate_at(step, config) for step in range(111)]
    assert np.diff(rates[:11]) == pytest.approx(1 / 11)
    assert rates[0] == pytest.approx(1 / 11) and rates[10] == max(rates) == 1.0
    assert rates[60] == pytest.approx(0.6)  # half-way
    assert rates[35] == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2)  # a quarter
    assert rates[110] == pytest.approx(0.2) and (np.diff(rates[10:]) < 0).all()


def test_a_run_shorter_than_its_warm_up_only_rises():
    config = TrainConfig(steps=5, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(6)]
    assert rates == pytest.approx([n / 11 for n in range(1, 7)])


def test_a_warm_up_as_long_as_the_run_ends_at_the_highest_rate():
    config = TrainConfig(steps=10, warmup_steps=10, learning_rate=1.0)
    assert [learning_rate_at(step, config) for step in (9, 10)] == pytest.approx([10 / 11, 1.0])


def test_the_other_schedule_is_a_straight_line_down():
    config = TrainConfig(
        steps=110, warmup_steps=10, learning_rate=1.0, min_learning_rate=0.2, schedule="linear"
    )
    rates = [learning_rate_at(step, config) for step in range(10, 111)]
    assert rates[0] == 1.0 and np.diff(rates) == pytest.approx(-0.8 / 100)


def test_by_the_clock_the_schedule_follows_the_seconds():
    config = TrainConfig(seconds=60, warmup_steps=10, learning_rate=1.0, steps=20)
    assert learning_rate_at(4, config, 50.0) == pytest.approx(5 / 11)  # still warming up
    rates = [learning_rate_at(500, config, seconds) for seconds in (0.0, 15.0, 30.0, 60.0, 61.0)]
    assert rates == pytest.approx([1.0, (1 + math.sqrt(0.5)) / 2, 0.5, 0.0, 0.0])


def test_a_run_by_the_clock_ends_when_its_time_is_over(monkeypatch):
    looks = itertools.count(step=1 / 64)  # between two looks at the clock passes the same time
    clock = SimpleNamespace(perf_counter=lambda: next(looks))
    monkeypatch.setattr(training_module, "time", clock)
    config = dataclasses.replace(CONFIG, seconds=0.5, steps=1, eval_every=1_000_000)
    history = train(fresh(), CORPUS, CORPUS, config)
    assert history.steps == [0, 32]  # an update begins with a look and ends with one
    assert history.learning_rates[-1] == 0
    assert history.seconds[-1] >= 0.5


# The optimizer


def test_matrices_decay_and_vectors_do_not():
    model = fresh()
    optimizer = make_optimizer(model, dataclasses.replace(CONFIG, weight_decay=0.3))
    decay = {id(w): g["weight_decay"] for g in optimizer.param_groups for w in g["params"]}
    assert len(decay) == len(list(model.parameters()))
    for name, weight in model.named_parameters():
        vector = name.endswith("bias") or "norm" in name
        assert decay[id(weight)] == (0.0 if vector else 0.3), name


def test_frozen_weights_are_left_out():
    model = fresh()
    model.token_embedding.weight.requires_grad_(False)
    before, others = model.token_embedding.weight.clone(), model.position_embedding.weight.clone()
    held = [w for group in make_optimizer(model, CONFIG).param_groups for w in group["params"]]
    assert len(held) == len(list(model.parameters())) - 1
    train(model, CORPUS, CORPUS, CONFIG)
    assert torch.equal(model.token_embedding.weight, before)
    assert not torch.equal(model.position_embedding.weight, others)


def test_one_kernel_updates_all_weights():
    assert make_optimizer(fresh(), CONFIG).defaults["fused"] is True


def test_muon_turns_the_blocks_matrices_and_adamw_the_rest(float32, monkeypatch):
    # Both even out in short formats, whose last bits depend on the number of threads: here in float64.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.double)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    config = dataclasses.replace(CONFIG, optimizer="muon", weight_decay=0.2)
    model, twin = fresh(), fresh()
    optimizer = make_optimizer(model, config)
    matrices = [w for w in twin.blocks.parameters() if w.dim() == 2]
    others = [w for w in twin.parameters() if all(w is not matrix for matrix in matrices)]
    decays = [0.2 if w.dim() == 2 else 0.0 for w in others]
    muon = torch.optim.Muon(
        matrices, config.learning_rate, weight_decay=0.2, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW(
        [dict(params=[w], weight_decay=decay) for w, decay in zip(others, decays)],
        lr=config.learning_rate,
        betas=config.betas,
    )
    tokens, labels = Windows(CORPUS, 4, 8).batch(0)
    for step in range(3):
        for group in (*optimizer.param_groups, *muon.param_groups, *adamw.param_groups):
            group["lr"] = config.learning_rate / (step + 1)
        for one in (model, twin):
            one.zero_grad()
            one(tokens, labels)[1].backward()
        optimizer.step()
        muon.step()
        adamw.step()
    assert weights(model).tolist() == pytest.approx(weights(twin).tolist(), abs=1e-6)
    assert len(optimizer.state_dict()["state"]) == len(list(model.parameters()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_muon_evens_out_in_the_format_that_the_cpu_multiplies_fast(monkeypatch, dtype):
    monkeypatch.setattr(device, "pick", lambda name: device.Chip(torch.device("cpu"), dtype, "CPU"))
    evened = evened_out(torch.eye(4, 6)[None] * torch.tensor([1.0, 0.5, 0.25, 0.1])[:, None])
    assert evened.dtype == dtype and evened.shape == (1, 4, 6)
    strengths = torch.linalg.svdvals(evened[0].float())
    assert 0.6 < strengths.min() and strengths.max() < 1.3


def test_muon_needs_blocks():
    config = dataclasses.replace(CONFIG, optimizer="muon")
    with pytest.raises(ValueError, match="optimizer='muon' takes .*, and Linear has no blocks"):
        make_optimizer(torch.nn.Linear(3, 3), config)


def test_muon_leaves_weights_without_a_gradient_alone():
    used, unused = (torch.nn.Parameter(torch.ones(4, 2)) for _ in range(2))
    used.grad = torch.eye(4, 2)
    Muon([used, unused], lr=0.5).step()
    assert torch.equal(unused, torch.ones(4, 2)) and not torch.equal(used, unused)


@pytest.mark.parametrize("shape", [(3, 5, 40), (3, 40, 5), (1, 6, 6)])
def test_evened_out_matrices_turn_all_directions_alike(shape):
    torch.manual_seed(0)
    before = torch.randn(shape)
    after = evened_out(before)
    assert after.shape == before.shape and after.dtype == device.pick("cpu").dtype
    assert torch.linalg.svdvals(after.float()).sub(0.95).abs().max() < 0.3
    # the same directions as before: X^T U is symmetric where U is X's nearest rotation
    turned = before.mT @ after.float()
    torch.testing.assert_close(turned, turned.mT, atol=0.05 * float(turned.abs().max()), rtol=0)


# Blocks share one graph however many they are; PyTorch gives up after 8 variants.
@pytest.mark.parametrize(
    ("what", "n_layer"),
    [("blocks", 10), pytest.param("model", 3, marks=pytest.mark.part("package"))],
)
def test_compiled_parts_learn_the_same_and_are_left_as_they_were(compiler, float32, what, n_layer):
    model, twin = fresh(n_layer=n_layer), fresh(n_layer=n_layer)
    config = dataclasses.replace(CONFIG, steps=12, eval_every=6)
    torch.compiler.reset()
    counters.clear()
    seen, part = [], lambda model: model if what == "model" else model.blocks[0]
    compiled = train(
        model,
        CORPUS,
        CORPUS,
        dataclasses.replace(config, compile=what),
        on_eval=lambda step, model: seen.append(part(model)._compiled_call_impl),
    )
    assert counters["stats"]["unique_graphs"] == 1
    plain = train(twin, CORPUS, CORPUS, config)
    assert compiled.val_losses == pytest.approx(plain.val_losses, rel=1e-4)
    assert None not in seen and part(model)._compiled_call_impl is None


def test_without_a_compiler_nothing_is_begun(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")  # where Windows looks
    model, seen = fresh(), []
    with torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}):
        assert device.cpp_compiler() is None
        with pytest.raises(
            RuntimeError, match="compile='blocks' needs a C\\+\\+ compiler on a CPU.*apt install g"
        ):
            train(
                model,
                CORPUS,
                CORPUS,
                dataclasses.replace(CONFIG, compile="blocks"),
                on_eval=lambda *_: seen.append(1),
            )
    assert not seen and model.blocks[0]._compiled_call_impl is None


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
        run = training_module._Run(fresh(), corpus, corpus, config)
        batch = run.train_windows.batch(0)
        loss = run._backward(*batch)
        gradient = torch.cat([w.grad.flatten() for w in run.model.parameters()])
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
    run = training_module._Run(fresh(), CORPUS, CORPUS, CONFIG)
    before, scale = weights(run.model), run.scaler.get_scale()
    run.model.final_norm.bias.register_hook(lambda gradient: gradient * math.inf)
    run.update()
    assert torch.equal(weights(run.model), before)
    assert run.scaler.get_scale() == scale / 2


# What a run reports


def test_history_has_one_entry_for_each_evaluation():
    calls = []

    def on_eval(step, model):
        calls.append((step, model.training, torch.is_grad_enabled()))

    model = fresh()
    history = train(model, CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=50), on_eval=on_eval)
    assert history.steps == [0, 20, 40, 50]
    assert calls == [(step, False, False) for step in history.steps]
    assert not model.training
    for name, values in history.to_dict().items():
        assert len(values) == 4, name
    assert history.val_losses[0] == pytest.approx(math.log(12), abs=0.1)
    assert history.train_losses[0] == pytest.approx(math.log(12), abs=0.1)
    assert history.train_losses[-1] < history.train_losses[1] < history.train_losses[0]
    assert history.tokens_per_second[0] == 0 and min(history.tokens_per_second[1:]) > 0
    assert history.seconds == sorted(history.seconds)
    assert history.learning_rates[1] == learning_rate_at(20, dataclasses.replace(CONFIG, steps=50))


def test_train_losses_are_means_of_the_batches_in_between(float32):
    every = train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, eval_every=1))
    some = train(fresh(), CORPUS, CORPUS, CONFIG)
    assert some.train_losses[1:] == pytest.approx(
        [np.mean(every.train_losses[i + 1 : i + 21]) for i in (0, 20, 40)]
    )
    assert some.val_losses == every.val_losses[::20]


def test_history_goes_through_json():
    history = train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=5))
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_no_updates_is_one_evaluation():
    model = fresh()
    history = train(model, CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=0))
    assert history.steps == [0] and torch.equal(weights(model), weights(fresh()))


def test_evaluate_weighs_every_label_the_same():
    model = fresh(dropout=0.5)
    corpus = CORPUS[:93]  # a last batch that is smaller, a last window that is shorter
    windows = Windows(corpus, 4, 8)
    model.eval()
    losses = []
    for start in range(0, 92, 8):
        row = torch.tensor(corpus[start : start + 9])[None]
        logits = model(row[:, :-1])[0]
        losses += F.cross_entropy(logits, row[0, 1:], reduction="none").tolist()
    model.train()
    assert evaluate(model, windows) == pytest.approx(np.mean(losses), rel=1e-5)
    assert model.training
    assert evaluate(model, windows, 1) == pytest.approx(np.mean(losses[:32]), rel=1e-5)


def test_evaluate_leaves_the_mode_also_after_an_error():
    model = fresh().train()
    model.blocks[0].forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        evaluate(model, Windows(CORPUS, 4, 8))
    assert model.training


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


def test_a_log_gets_one_line_an_evaluation(capsys):
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, progress=True))
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["0/60", "20/60", "40/60", "60/60"]
    assert "\r" not in out and err == ""
    assert all("train" in line and "val" in line and "tokens/s" in line for line in lines)


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, progress=True))
    out, err = capsys.readouterr()
    assert out == "" and "60/60" in err and "val=" in err


def test_no_progress_says_nothing(capsys):
    train(fresh(), CORPUS, CORPUS, CONFIG)
    assert capsys.readouterr() == ("", "")


# Checkpoints


class Interrupted(Exception):
    pass


def stop_at(step):
    def on_eval(now, model):
        torch.rand(1000)  # what a callback draws must not change the run
        if now == step:
            raise Interrupted

    return on_eval


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
    assert {path.name for path in (tmp_path / "run").iterdir()} == {CHECKPOINT, BEFORE}


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
    (tmp_path / BEFORE).unlink(missing_ok=True)
    monkeypatch.setattr(files.os, "replace", crash)
    with pytest.raises(Interrupted):
        train(fresh(), CORPUS, CORPUS, config)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, BEFORE}


@pytest.fixture
def usual_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(config, at, presses=1):
    """Train and press Ctrl-C in the middle of update ``at``."""
    model, calls = fresh(dropout=0.2), 0

    def forward(tokens, labels):
        nonlocal calls
        calls += model.training
        if model.training and calls == at + 1:
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        return GPT.forward(model, tokens, labels)

    model.forward = forward
    train(model, CORPUS, CORPUS, config)


@pytest.mark.parametrize("at", [0, 26, 39, 59])
def test_ctrl_c_keeps_the_run(tmp_path, usual_ctrl_c, at):
    expected = train(fresh(dropout=0.2), CORPUS, CORPUS, CONFIG)
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path))
    with pytest.raises(KeyboardInterrupt, match=f"stopped at step {at + 1}; the same") as stop:
        interrupted(config, at)
    assert stop.value.step == at + 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert checkpoints._read(tmp_path / CHECKPOINT).about["step"] == at + 1
    history = train(fresh(dropout=0.2), CORPUS, CORPUS, config)
    assert history.train_losses == expected.train_losses
    assert history.val_losses == expected.val_losses


def test_a_second_ctrl_c_stops_at_once_and_leaves_the_checkpoint_before(tmp_path, usual_ctrl_c):
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path), checkpoint_every=20)
    with pytest.raises(KeyboardInterrupt) as stop:
        interrupted(config, 26, presses=2)
    assert not isinstance(stop.value, training_module.TrainingInterrupt)
    assert checkpoints._read(tmp_path / CHECKPOINT).about["step"] == 20
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_ctrl_c_and_other_threads_are_left_alone(tmp_path, usual_ctrl_c):
    config = dataclasses.replace(CONFIG, steps=2, checkpoint=str(tmp_path))
    failed = []

    def work():
        try:
            train(fresh(), CORPUS, CORPUS, config)
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupted(dataclasses.replace(config, checkpoint=str(tmp_path / "other")), 1)


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path / "file" / "run"))
    with pytest.raises(CheckpointError, match="checkpoint=.*can't be written"):
        train(fresh(), CORPUS, CORPUS, config, on_eval=stop_at(0))

    def full(**where):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.tempfile, "TemporaryFile", full)
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
    state = checkpoints._read(tmp_path / CHECKPOINT)
    state.tensors.pop(tensor, None)
    state.about.pop(about, None)
    checkpoints.write(tmp_path, state)
    (tmp_path / BEFORE).unlink()
    with pytest.raises(CheckpointError, match="damaged, or no checkpoint of nbutils"):
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
