"""What an exception in an answer is told: at its line, in plain words, and never as a mistake of the list."""

import pytest
import torch
import torch.nn.functional as F

from nbutils.exercises.checking import RAISED, UNTRIED, judge
from nbutils.exercises.crashes import in_plain_words
from nbutils.exercises.exercise import exercise

MASK = exercise("causal_mask").answer


def leaf(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, requires_grad=True)
    w -= rate
    return w


def no_gradient(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, requires_grad=True)
    F.cross_entropy(x @ w, y).backward()
    w = w - rate * w.grad
    return w - rate * w.grad


def exchanged(logits, labels):
    return F.cross_entropy(labels, logits)


def misspelt(named_shapes):
    return {name for name, shape in named_shape.items() if len(shape) > 1}  # noqa: F821


def on_a_float(x):
    return x * torch.sqrt(2 / 3)


def whole(T):
    return torch.zeros(T / 1)


def too_few(T, device):
    return MASK(T)


def two_sizes(x):
    B, T = x.shape
    return x


def method(ids, n):
    return ids.crop(n)


def by_row(counts, extra):
    return counts / counts.sum(1)


def other(ids, n):
    raise NotImplementedError("count_pairs")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name, answer, words",
    [
        ("train_linear", leaf, "changed in place, which PyTorch refuses"),
        ("train_linear", no_gradient, "The `.grad` of a tensor is None until"),
        ("cross_entropy_loss", exchanged, "the logits first and then the labels"),
        ("decays", misspelt, "Is `named_shapes` meant?"),
        ("gelu_tanh", on_a_float, "`math.sqrt`"),
        ("causal_mask", whole, "Is it a quotient?"),
        ("causal_mask", too_few, "It is given 1 argument: T; yours begins with"),
        (
            "split_heads",
            two_sizes,
            "called as the exercise calls it",
        ),
        ("crop_context", method, "A list has no `crop`"),
        ("crop_context", other, "`count_pairs`, which is called here, isn't written yet"),
    ],
)
def test_a_crash_is_told_at_its_line_and_never_as_a_mistake_of_the_list(name, answer, words):
    verdict = judge(name, answer)
    assert verdict.state == RAISED and verdict.named and not verdict.mistakes
    assert words in verdict.says, verdict


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: torch.ones(2, 3).T.view(6), "`.reshape`"),
        (lambda: torch.ones(2, 3) @ torch.ones(2, 3), "here they are 3 and 2"),
        (lambda: torch.ones(2, 3) / torch.ones(2, 3).sum(1), "keepdim=True keeps it"),
        (lambda: torch.ones(3).sum(1), "There is no dimension 1 here"),
        (lambda: torch.ones(3)[0, 0], "more indices in the brackets"),
        (lambda: torch.ones(3)[5], "there are 3 places"),
        (lambda: torch.arange(3).softmax(-1), "dtype Long"),
        (lambda: torch.ones(2).tolist().shape, "A tensor has"),
        (lambda: F.sofmax(torch.ones(2)), "Is `softmax` meant?"),
        (lambda: "a" + 1, "this is an int"),
        (lambda: [1, 2][float("0.5")], "Is it a quotient?"),
        (lambda: {}[3], "`.get(key, 0)`"),
        (lambda: 1 / 0, "makes the divisor 0"),
        (lambda: max([]), "nothing to choose from"),
        (lambda: bytes([300]), "A byte is a number from 0 to 255"),
        (lambda: b"\xe2\x82".decode(), "errors="),
        (lambda: len(3), "range(n)"),
        (lambda: exercise("to_bytes").answer("a")(1), "is a * missing?"),
        (lambda: bool(torch.ones(2)), "`&` and `|`"),
        (lambda: torch.ones(2).item(), "a tensor of one number"),
        (lambda: torch.ones(2, requires_grad=True).numpy(), "NumPy knows no gradients"),
        (lambda: torch.ones(2, requires_grad=True).backward(), "take the mean or the sum first"),
        (lambda: torch.ones(1).backward(), "requires_grad_()"),
        (lambda: __import__("math").log(0), "logarithm of 0"),
        (lambda: __import__("math").exp(1000), "Subtract the largest"),
        (lambda: torch.stack([torch.ones(2), torch.ones(3)]), "can't be put together"),
        (lambda: F.one_hot(torch.tensor([5]), 3), "not smaller than the number of classes"),
    ],
)
def test_an_exception_of_python_or_pytorch_has_plain_words(call, words):
    with pytest.raises(Exception) as raised:
        call()
    assert words in in_plain_words(raised.value, "", call), in_plain_words(raised.value, "", call)


def test_only_the_starter_s_own_exception_is_not_tried_yet():
    def starter(T):
        raise NotImplementedError("causal_mask")

    def starter_in_own_words(T):
        raise NotImplementedError

    assert judge("causal_mask", starter).state == UNTRIED
    assert judge("causal_mask", starter_in_own_words).state == UNTRIED
    assert judge("cross_entropy_loss", exchanged).state == RAISED
