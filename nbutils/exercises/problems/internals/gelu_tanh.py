"""The bend of GPT-2

Two linear layers, one after the other, can do no more than a single one. So something between them
must bend. GPT-2 takes the GELU: nearly 0 for a negative number, nearly the number itself for a
positive one, and smooth between. The exact GELU is made from the bell curve of statistics; GPT-2
was trained with this approximation of it, so you need it to get GPT-2's numbers:

$$\\frac{x}{2}\\left(1 + \\tanh\\left(\\sqrt{\\frac{2}{\\pi}}\\,\\left(x + 0.044715\\,x^3\\right)\\right)\\right)$$
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 3, 6


def gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    """GPT-2's approximation of GELU, for each number by itself.

    Args:
        x: numbers of any size, in a tensor of any shape.

    Returns:
        A tensor of the same shape.
    """
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(inner))


def cases(given):
    positive = given.sample([0.3, 0.6, 1.0, 1.4, 1.8], 3) + [2.3]
    negative = given.sample([-0.3, -0.6, -1.0, -1.4, -1.8], 3) + [-2.3]
    return [
        Case("positive numbers", torch.tensor(positive, dtype=given.dtype)),
        Case("negative numbers", torch.tensor(negative, dtype=given.dtype)),
        Case("two windows", 2 * given.normal(2, 4, 3)),
        Case("large numbers", torch.tensor([30.0, -30.0], dtype=given.dtype)),
    ]


HINTS = (
    "Work from the inside: first x + 0.044715 x³, then the factor, then the tanh.",
    "`x**3` takes the third power of every number. `math.sqrt(2 / math.pi)` is the factor.",
    "`torch.tanh` is ready-made, and takes large numbers too.",
    "What is left is 0.5 * x * (1 + the tanh).",
)
WHY = """
tanh goes from -1 to 1, so (1 + tanh) / 2 goes from 0 to 1: a soft gate that is shut for negative
numbers and open for positive ones, and x is multiplied by it. The constants are chosen so that the
curve hardly differs from the exact GELU: by less than 0.0005 anywhere. That is little, but a
network of many layers was trained with the one and not with the other.
"""
BY_EXP = (
    "Your formula is right, but large numbers give nan: e to a large power is infinite, and "
    "infinite divided by infinite is no number. Use torch.tanh."
)
WRONG = (
    Wrong(
        "The result is twice as large as it should be. Multiply by one half.",
        "0.5 * x",
        "x",
    ),
    Wrong(
        "The 1 before the tanh is missing, so negative numbers come out positive. Add 1 to the "
        "tanh.",
        "(1 + torch.tanh(inner))",
        "torch.tanh(inner)",
    ),
    Wrong(
        "The factor is 2 / π without its square root. Take math.sqrt(2 / math.pi).",
        "math.sqrt(2 / math.pi)",
        "2 / math.pi",
    ),
    Wrong(
        "Your root covers only the 2. It is the root of the whole fraction: math.sqrt(2 / "
        "math.pi).",
        "math.sqrt(2 / math.pi)",
        "math.sqrt(2) / math.pi",
    ),
    Wrong(
        "There is no factor before x + 0.044715 x³. Multiply it by math.sqrt(2 / math.pi).",
        "math.sqrt(2 / math.pi) * ",
        "",
    ),
    Wrong(
        "Your factor covers only x, not the third power. Put parentheses around x + 0.044715 x³.",
        "(x + 0.044715 * x**3)",
        "x + 0.044715 * x**3",
    ),
    Wrong(
        "x is squared where it should have its third power.",
        "x**3",
        "x**2",
    ),
    Wrong(
        "The third power is missing: the tanh gets x alone. Add 0.044715 x³ to it.",
        "(x + 0.044715 * x**3)",
        "x",
    ),
    Wrong(
        "That is the exact GELU. GPT-2 uses the approximation with tanh; F.gelu has it under "
        "approximate='tanh'.",
        instead=lambda x: torch.nn.functional.gelu(x),
    ),
    Wrong(
        "Your approximation is x times the sigmoid of 1.702 x, another one. Use the formula with "
        "tanh.",
        instead=lambda x: x * torch.sigmoid(1.702 * x),
    ),
    Wrong(
        "That is a ReLU, which has a corner at 0. The GELU is smooth: use the formula with tanh.",
        instead=lambda x: x.relu(),
    ),
    Wrong(
        BY_EXP,
        "torch.tanh(inner)",
        "((2 * inner).exp() - 1) / ((2 * inner).exp() + 1)",
    ),
    Wrong(
        BY_EXP,
        "torch.tanh(inner)",
        "(inner.exp() - (-inner).exp()) / (inner.exp() + (-inner).exp())",
    ),
    Wrong(
        "Your third power covers 0.044715 too. Only x is raised: 0.044715 * x**3.",
        "0.044715 * x**3",
        "(0.044715 * x) ** 3",
    ),
)


def by_pytorch(x):
    return torch.nn.functional.gelu(x, approximate="tanh")


def one_by_one(x):
    def bend(z):
        return z / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)))

    return torch.tensor([bend(z) for z in x.flatten().tolist()]).view(x.shape)


def as_a_gate(x):
    wide = x.double()
    return wide * torch.sigmoid(wide * (8 / math.pi) ** 0.5 * (1 + 0.044715 * wide.square()))


RIGHT = (by_pytorch, one_by_one, as_a_gate)
