"""The optimizers, beside PyTorch's own, and the learning rate of each update."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from runs import CONFIG, CORPUS, fresh, weights

from nbutils import device
from nbutils.optim import Muon, learning_rate_at, make_optimizer, orthogonalize
from nbutils.training import TrainConfig
from nbutils.windows import Windows

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


# The optimizer


def test_matrices_decay_and_vectors_do_not():
    model = fresh()
    optimizer = make_optimizer(model, dataclasses.replace(CONFIG, weight_decay=0.3))
    decay = {id(w): g["weight_decay"] for g in optimizer.param_groups for w in g["params"]}
    assert len(decay) == len(list(model.parameters()))
    for name, weight in model.named_parameters():
        vector = name.endswith("bias") or "norm" in name
        assert decay[id(weight)] == (0.0 if vector else 0.3), name


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
def test_muon_orthogonalizes_in_the_format_that_the_cpu_multiplies_fast(monkeypatch, dtype):
    monkeypatch.setattr(device, "pick", lambda name: device.Chip(torch.device("cpu"), dtype, "CPU"))
    after = orthogonalize(torch.eye(4, 6)[None] * torch.tensor([1.0, 0.5, 0.25, 0.1])[:, None])
    assert after.dtype == dtype and after.shape == (1, 4, 6)
    strengths = torch.linalg.svdvals(after[0].float())
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
def test_orthogonalized_matrices_turn_all_directions_alike(shape):
    torch.manual_seed(0)
    before = torch.randn(shape)
    after = orthogonalize(before)
    assert after.shape == before.shape and after.dtype == device.pick("cpu").dtype
    assert torch.linalg.svdvals(after.float()).sub(0.95).abs().max() < 0.3
    # the same directions as before: X^T U is symmetric where U is X's nearest rotation
    turned = before.mT @ after.float()
    torch.testing.assert_close(turned, turned.mT, atol=0.05 * float(turned.abs().max()), rtol=0)


@pytest.mark.parametrize("shape", [(3, 8, 16), (2, 40, 10), (1, 5, 23)])
def test_all_rounds_from_the_square_alone_are_the_rounds_one_by_one(monkeypatch, shape):
    float32 = device.Chip(torch.device("cpu"), torch.float32, "CPU")
    monkeypatch.setattr(device, "pick", lambda name: float32)
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(orthogonalize(matrices), _one_by_one(matrices), atol=1e-5, rtol=1e-4)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    bad = left @ (torch.logspace(0, -5, left.size(-1))[:, None] * right)  # hardly conditioned
    torch.testing.assert_close(orthogonalize(bad), _one_by_one(bad), atol=1e-3, rtol=0)


def _one_by_one(matrices):
    x = matrices.double() / matrices.double().norm(dim=(-2, -1), keepdim=True)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return x.float()
