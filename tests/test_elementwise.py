"""What goes number by number, with its way back by hand: PyTorch's formulas are the judge."""

import pytest
import torch
import torch.nn.functional as F
from networks import MODERN, filled, tokens_for

from nbutils import elementwise
from nbutils.elementwise import apply_rotary, relu_squared, rms_norm

ANGLES = torch.linspace(0, 3, 30).view(5, 6)  # (T, D / 2)


def turned(x):
    return apply_rotary(x, ANGLES.cos().to(x.dtype), ANGLES.sin().to(x.dtype))


def turned_by_formula(x):
    first, second = x.chunk(2, dim=-1)
    cos, sin = ANGLES.cos().to(x.dtype), ANGLES.sin().to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


WAYS = {
    "a norm": (rms_norm, lambda x: F.rms_norm(x, (12,))),
    "a norm that adds more": (
        lambda x: rms_norm(x, eps=0.1),
        lambda x: F.rms_norm(x, (12,), eps=0.1),
    ),
    "a turn": (turned, turned_by_formula),
    "ReLU squared": (relu_squared, lambda x: x.clamp(min=0) ** 2),
}


def numbers(dtype=torch.float32) -> torch.Tensor:
    """Of heads as attention has them: (B, H, T, D), not in the order of memory."""
    drawn = torch.randn(3, 5, 2, 12, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return drawn.transpose(1, 2).requires_grad_()


def outcome(way, x) -> tuple[torch.Tensor, torch.Tensor]:
    """What comes out, and the gradient of a sum that weighs its numbers differently."""
    y = way(x)
    return y, torch.autograd.grad((y * torch.arange(y.numel()).view(y.shape).cos()).sum(), x)[0]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_values_and_gradients_are_those_of_the_formula(name, dtype):
    ours, theirs = (outcome(way, numbers(dtype)) for way in WAYS[name])
    assert ours[0].dtype == dtype
    torch.testing.assert_close(ours, theirs)


def test_a_norms_weight_gets_its_gradient():
    x = numbers()
    weights = [torch.linspace(-1, 2, 12, requires_grad=True) for _ in range(2)]
    outs = rms_norm(x, weights[0], 1e-5), F.rms_norm(x, (12,), weights[1], 1e-5)
    torch.testing.assert_close(*outs)
    ours, theirs = (
        torch.autograd.grad(out.square().sum(), (x, weight)) for out, weight in zip(outs, weights)
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", WAYS)
def test_without_gradients_the_formulas_run_alone(name, monkeypatch):
    monkeypatch.setattr(torch.autograd.Function, "apply", None)
    x = numbers()
    with torch.no_grad():
        expected = WAYS[name][1](x)
        torch.testing.assert_close(WAYS[name][0](x), expected)
    torch.testing.assert_close(WAYS[name][0](x.detach()), expected)


def test_a_network_learns_the_same_with_the_ways_by_hand_and_without():
    def gradients():
        model = filled(MODERN)
        model(tokens_for(MODERN, 3, 9), tokens_for(MODERN, 3, 9, seed=2))[1].backward()
        return [weight.grad for weight in model.parameters()]

    by_hand = gradients()
    with elementwise.by_formula():
        x = numbers()
        assert "_RMSNorm" not in str(rms_norm(x).grad_fn)
        by_formula = gradients()
    torch.testing.assert_close(by_hand, by_formula)
    assert "_RMSNorm" in str(rms_norm(x).grad_fn)  # afterwards by hand again


def test_a_single_vector_is_brought_to_its_length():
    x, weight = torch.randn(12, requires_grad=True), torch.ones(12, requires_grad=True)
    ours = torch.autograd.grad(rms_norm(x, weight).square().sum(), (x, weight))
    theirs = torch.autograd.grad(F.rms_norm(x, (12,), weight).square().sum(), (x, weight))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", WAYS)
def test_a_second_derivative_is_refused_by_hand_and_right_by_formula(name):
    ours, theirs = WAYS[name]
    x = torch.linspace(-1, 2, 60).view(5, 12)

    def second(way):
        return torch.autograd.functional.hessian(lambda x: (way(x) ** 3).sum(), x)

    with pytest.raises(RuntimeError, match="elementwise.by_formula"):
        second(ours)
    with elementwise.by_formula():
        found = second(ours)
    torch.testing.assert_close(found, second(theirs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", WAYS)
def test_functions_of_functions_have_gradients(name):
    ours, theirs = (torch.func.grad(lambda x, w=way: w(x).sin().sum()) for way in WAYS[name])
    torch.testing.assert_close(ours(numbers().detach()), theirs(numbers().detach()))


def test_angles_that_learn_or_add_rows_are_turned_by_the_formula():
    angles = ANGLES.clone().requires_grad_()
    one = torch.randn(1, 12, requires_grad=True)
    out = apply_rotary(one, angles.cos(), angles.sin())
    assert out.shape == (5, 12) and torch.autograd.grad(out.sum(), angles)[0].any()
    assert apply_rotary(one, ANGLES.cos(), ANGLES.sin()).shape == (5, 12)
