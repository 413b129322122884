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
    ends = torch.tensor([-1000.0, 1000.0, -100.0, 100.0])
    many = torch.cat([ends, given.uniform(148).double() * 16 - 8, torch.zeros(4), ends]).to(
        given.dtype
    )
    many = torch.stack([many, many.flip(0)]).view(1, 2, -1)
    return [
        Case("positive numbers", torch.tensor(positive, dtype=given.dtype)),
        Case("negative numbers", torch.tensor(negative, dtype=given.dtype)),
        Case("two windows", 2 * given.normal(2, 4, 3)),
        Case("a single number, of shape ()", torch.tensor(0.7, dtype=given.dtype)),
        Case("large numbers", torch.tensor([30.0, -30.0], dtype=given.dtype)),
        Case("dimensions of one, 0 among the numbers", many[:, :1, 150:155]),
        Case("numbers from -1000 to 1000, hundreds of small ones between them", many),
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
    *(
        Wrong(
            f"Your constant is {wrong}; it should be 0.044715.",
            "0.044715",
            wrong,
        )
        for wrong in ("0.44715", "0.0044715", "0.04715", "0.44", "0.4715", "0.447", "0.004715")
    ),
    Wrong(
        "The gate is never multiplied by x: what you give lies between 0 and 1. x / 2 stands before the "
        "parentheses.",
        "0.5 * x",
        "0.5",
    ),
    Wrong(
        "The third power is subtracted. Add it: x + 0.044715 x³.",
        "x + 0.044715",
        "x - 0.044715",
    ),
    Wrong(
        "The constant is missing: the third power is added whole. Multiply it by 0.044715.",
        "0.044715 * x**3",
        "x**3",
    ),
    Wrong(
        "Only the third power stands in your tanh. Add x to it: x + 0.044715 x³.",
        "x + 0.044715",
        "0.044715",
    ),
    Wrong(
        "x is tripled where it should have its third power: x**3.",
        "x**3",
        "x * 3",
    ),
    Wrong(
        "x has its fourth power where it should have its third.",
        "x**3",
        "x**4",
    ),
    Wrong(
        "The factor is upside down: you multiply by the root of π / 2, or divide by that of 2 / "
        "π. Multiply by math.sqrt(2 / math.pi).",
        "2 / math.pi",
        "math.pi / 2",
    ),
    Wrong(
        "You take the root of 2 times π. It is the root of 2 / π.",
        "2 / math.pi",
        "2 * math.pi",
    ),
    Wrong(
        "The tanh is subtracted from 1, so the gate is open for negative numbers and shut for positive ones. "
        "Add it.",
        "1 + torch.tanh",
        "1 - torch.tanh",
    ),
    Wrong(
        "Your formula has the sigmoid where tanh should stand. The sigmoid goes from 0 to 1, tanh from -1 to 1.",
        "torch.tanh(inner)",
        "torch.sigmoid(inner)",
    ),
    Wrong(
        "The 1 stands inside the tanh. It is added after it.",
        "(1 + torch.tanh(inner))",
        "torch.tanh(1 + inner)",
    ),
    Wrong(
        "The parentheses around 1 + tanh are missing, so only the 1 is multiplied by x / 2. Put them there.",
        "(1 + torch.tanh(inner))",
        "1 + torch.tanh(inner)",
    ),
    Wrong(
        "You add x / 2 and 1 + tanh. Multiply them.",
        "0.5 * x * (",
        "0.5 * x + (",
    ),
    Wrong(
        "The factor stands before the tanh. It belongs inside: tanh of the root of 2 / π times the sum.",
        "math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)\n    return 0.5 * x * (1 + torch",
        "(x + 0.044715 * x**3)\n    return 0.5 * x * (1 + math.sqrt(2 / math.pi) * torch",
    ),
    Wrong(
        "The result is half as large as it should be. Multiply by one half once.",
        "0.5 * x",
        "0.25 * x",
    ),
    Wrong(
        "You divide by x. Multiply x / 2 by the gate.",
        "0.5 * x *",
        "0.5 / x *",
    ),
    Wrong(
        "That is x times the sigmoid of x, called SiLU. Use the formula with tanh.",
        instead=lambda x: torch.nn.functional.silu(x),
    ),
    Wrong(
        "That is the tanh of x alone. The GELU has it inside: x / 2 times (1 + tanh(…)).",
        instead=lambda x: x.tanh(),
    ),
    Wrong(
        "You give the tanh alone. Add 1 to it and multiply by x / 2.",
        "0.5 * x * (1 + torch.tanh(inner))",
        "torch.tanh(inner)",
    ),
    Wrong(
        "You give what stands inside the tanh. Take the tanh of it, add 1, and multiply by x / 2.",
        "0.5 * x * (1 + torch.tanh(inner))",
        "inner",
    ),
    Wrong(
        "The third power is that of x without its sign. Take x**3, which is negative for a negative x.",
        "x**3",
        "x.abs() ** 3",
    ),
    Wrong(
        "torch.tan is another function: the one from trigonometry. Take torch.tanh.",
        "torch.tanh(inner)",
        "torch.tan(inner)",
    ),
    Wrong(
        "Your third power covers x + 0.044715 x. Only the second x is raised: x + 0.044715 * x**3.",
        "(x + 0.044715 * x**3)",
        "(x + 0.044715 * x) ** 3",
    ),
    Wrong(
        "You give the gate alone, 1 + tanh. Multiply it by x / 2.",
        "0.5 * x * (",
        "(",
    ),
    Wrong(
        "You give x / 2 alone. Multiply it by 1 + tanh.",
        " * (1 + torch.tanh(inner))",
        "",
    ),
    Wrong(
        "Negative numbers give 0. The GELU gives a little below 0 there: use the formula for all numbers.",
        "0.5 * x *",
        "0.5 * x.relu() *",
    ),
    Wrong(
        "As a sigmoid the gate needs twice the root of 2 / π: (1 + tanh(z)) / 2 is the sigmoid of 2 z.",
        "0.5 * x * (1 + torch.tanh(inner))",
        "x * torch.sigmoid(inner)",
    ),
    Wrong(
        "Numbers below some limit give 0. The GELU is a little below 0 there: use the formula for all numbers.",
        "return 0.5 * x * (1 + torch.tanh(inner))",
        "return torch.where(x < -3, 0.0, 0.5 * x * (1 + torch.tanh(inner)))",
    ),
    Wrong(
        "Numbers above some limit are given as they are. The GELU is a little less: use the formula for all.",
        "return 0.5 * x * (1 + torch.tanh(inner))",
        "return torch.where(x > 3, x, 0.5 * x * (1 + torch.tanh(inner)))",
    ),
    Wrong(
        "Your factor is rounded too far: 0.8. Take math.sqrt(2 / math.pi), about 0.79788.",
        "math.sqrt(2 / math.pi)",
        "0.8",
    ),
    Wrong(
        "Your formula has e to a power where tanh should stand. torch.tanh goes from -1 to 1.",
        "torch.tanh(inner)",
        "torch.exp(inner)",
    ),
    Wrong(
        "Your formula has another bend where tanh should stand. Take torch.tanh.",
        "torch.tanh(inner)",
        "torch.atan(inner)",
    ),
    Wrong(
        "Your formula has another bend where tanh should stand. Take torch.tanh.",
        "torch.tanh(inner)",
        "torch.erf(inner)",
    ),
    Wrong(
        "Your formula has another bend where tanh should stand. Take torch.tanh.",
        "torch.tanh(inner)",
        "torch.sin(inner)",
    ),
    Wrong(
        "That is a leaky ReLU, which has a corner at 0. The GELU is smooth: use the formula with tanh.",
        instead=lambda x: torch.nn.functional.leaky_relu(x),
    ),
    Wrong(
        "That is softplus, the logarithm of 1 + e^x. Use the formula with tanh.",
        instead=lambda x: torch.nn.functional.softplus(x),
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
