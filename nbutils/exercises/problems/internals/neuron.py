"""One unit of a network

A network is a formula with knobs, and this is its smallest piece: two inputs, three knobs and one
value.

$$\\frac{1}{1 + e^{-(w_0 + w_1 x_1 + w_2 x_2)}}$$

The sum in the exponent may be any number. What stands around it, the sigmoid, brings it between 0
and 1, so you can read the value as the probability of "yes". The inputs are what you ask about; the
knobs stay the same for every question, and training turns them. Feed such values into more units of
the same kind, and you have a network.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 5


def neuron(x1: torch.Tensor, x2: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """The value of the formula for each pair of inputs.

    Args:
        x1, x2: the inputs, two tensors of one shape, whichever it is: () for a single question.
        w: (3,), the knobs: w0, which is only added, then w1 and w2, which multiply x1 and x2.

    Returns:
        A tensor of the inputs' shape, with values between 0 and 1.
    """
    z = w[0] + w[1] * x1 + w[2] * x2
    return 1 / (1 + torch.exp(-z))


def cases(given):
    def some(*shape):  # numbers that are well apart from each other and from 0
        apart = (-2.1, -1.6, -1.2, -0.7, -0.4, 0.5, 0.8, 1.1, 1.5, 2.0)
        return torch.tensor(given.sample(apart, math.prod(shape)), dtype=given.dtype).view(shape)

    zero = torch.zeros((), dtype=given.dtype)
    one = torch.tensor([0.0, 1.0, 0.0], dtype=given.dtype)
    return [
        Case("inputs of 0, so that only w0 counts", zero, zero, some(3)),
        Case("an x2 of 0, so that w1 comes in", some(), zero, some(3)),
        Case("both inputs", some(), some(), some(3)),
        Case("five pairs of inputs at once", some(5), some(5), some(3)),
        Case("a table of inputs", some(2, 4), some(2, 4), some(3)),
        Case("a very large sum", torch.full((), 900.0, dtype=given.dtype), zero, one),
    ]


HINTS = (
    "Make the sum first and give it a name: w0 plus w1 times x1 plus w2 times x2.",
    "`w[0]`, `w[1]` and `w[2]` are the knobs. Times and plus work on tensors of any shape, number "
    "by number.",
    "`torch.exp(-z)` is e to the power -z, for every number of z.",
    "Mind the parentheses: the whole of 1 + e^-z stands below the line.",
)
WHY = """
For a very negative z, e to the power -z is huge and the value nearly 0. For a large z it is nearly
0 and the value nearly 1. For z = 0 it is 1 and the value one half. All operations work on whole
tensors, so one call can ask about thousands of pairs. `torch.sigmoid` is the same function,
ready-made.
"""
WRONG = (
    Wrong(
        "The minus in the exponent is missing, so the value falls where the sum grows. Take e to "
        "the power of minus the sum.",
        "torch.exp(-z)",
        "torch.exp(z)",
    ),
    Wrong(
        "Your minus belongs to w0 alone. Put parentheses around the whole sum, and the minus "
        "before them.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[0] - w[1] * x1 - w[2] * x2",
    ),
    Wrong(
        "w0 has no effect. It is added to the sum, whatever the inputs are.",
        "w[0] + ",
        "",
    ),
    Wrong(
        "Your function gives the sum itself, which may be any number. Put it through the sigmoid, "
        "1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "z",
    ),
    Wrong(
        "w1 multiplies x2, and w2 multiplies x1. Exchange them.",
        "w[1] * x1 + w[2] * x2",
        "w[1] * x2 + w[2] * x1",
    ),
    Wrong(
        "The last knob is added and the first two multiply. It is w[0] that is added; w[1] and "
        "w[2] multiply.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[0] * x1 + w[1] * x2 + w[2]",
    ),
    Wrong(
        "Yours divides 1 by 1 and then adds e^-z. Put parentheses around 1 + e^-z.",
        "(1 + torch.exp(-z))",
        "1 + torch.exp(-z)",
    ),
    Wrong(
        "The value is the tanh of the sum, from -1 to 1. The sigmoid, 1 / (1 + e^-sum), goes from "
        "0 to 1.",
        "1 / (1 + torch.exp(-z))",
        "torch.tanh(z)",
    ),
    Wrong(
        "It works for one pair of inputs and not for many at once. Use operations that take "
        "tensors of any shape, such as torch.exp; math.exp takes a single number.",
        "torch.exp(-z)",
        "math.exp(-z)",
    ),
    Wrong(
        "Your formula is right, but large sums give nan: e to a large power is infinite, and infinite "
        "divided by infinite is no number. Take 1 / (1 + e^-z), in which e^z does not occur.",
        "1 / (1 + torch.exp(-z))",
        "torch.exp(z) / (1 + torch.exp(z))",
    ),
)


def by_sigmoid(x1, x2, w):
    return torch.sigmoid(torch.stack([torch.ones_like(x1), x1, x2], dim=-1) @ w)


def with_a_loop(x1, x2, w):
    w0, w1, w2 = w.tolist()
    pairs = zip(x1.flatten().tolist(), x2.flatten().tolist(), strict=True)
    values = [1 / (1 + math.exp(-(w0 + w1 * a + w2 * b))) for a, b in pairs]
    return torch.tensor(values).view(x1.shape)


def by_tanh(x1, x2, w):
    w0, w1, w2 = w.double()
    return 0.5 + 0.5 * torch.tanh((w0 + x1.double() * w1 + x2.double() * w2) / 2)


RIGHT = (by_sigmoid, with_a_loop, by_tanh)
