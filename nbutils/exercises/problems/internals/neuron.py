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
    # These sums are exact in any dtype.
    many = [given.integers(-30, 30, 3, 1, 100).to(given.dtype) for _ in range(2)]
    knobs = torch.tensor(given.sample([0.5, -1.0, 2.0], 3), dtype=given.dtype)
    return [
        Case("inputs of 0, so that only w0 counts", zero, zero, some(3)),
        Case("an x2 of 0, so that w1 comes in", some(), zero, some(3)),
        Case("both inputs", some(), some(), some(3)),
        Case("five pairs of inputs at once", some(5), some(5), some(3)),
        Case("a table of inputs", some(2, 4), some(2, 4), some(3)),
        Case("a very large sum", torch.full((), 900.0, dtype=given.dtype), zero, one),
        Case("dimensions of one", some(1, 3, 1), some(1, 3, 1), some(3)),
        Case(
            "very large sums and very small ones side by side",
            torch.tensor([900.0, -700.0, 0.0, 2.0, -2.0], dtype=given.dtype),
            torch.zeros(5, dtype=given.dtype),
            one,
        ),
        Case("three hundred pairs of all sizes", *many, knobs),
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
        "Your value falls where the sum grows: the exponent has the wrong sign, or you give the "
        "probability of no. Take e to the power of minus the sum.",
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
        "What you give is 1 + e^-z: in 1 / 1 + e^-z only the 1 is divided. Divide 1 by all of it, with "
        "parentheses around 1 + e^-z.",
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
    Wrong(
        "All pairs of inputs are added up, so there is one value for all. Each pair has its own: leave the "
        "sum out, w[1] * x1 + w[2] * x2 keeps the inputs' shape.",
        "w[1] * x1 + w[2] * x2",
        "(w[1] * x1 + w[2] * x2).sum()",
    ),
    Wrong(
        "w0 is added after the sigmoid. It belongs in the sum, inside the exponent.",
        "z = w[0] + w[1] * x1 + w[2] * x2\n    return 1",
        "z = w[1] * x1 + w[2] * x2\n    return w[0] + 1",
    ),
    Wrong(
        "w0 is subtracted, as a threshold would be. Here it is added.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[1] * x1 + w[2] * x2 - w[0]",
    ),
    Wrong(
        "Your knobs begin at w[0]: it multiplies x1, and w[1] multiplies x2. w[0] is added alone; w[1] and "
        "w[2] multiply.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[0] * x1 + w[1] * x2",
    ),
    Wrong(
        "w1 multiplies both inputs. x2 has a knob of its own, w[2].",
        "w[2] * x2",
        "w[1] * x2",
    ),
    Wrong(
        "x2 is never used: w[2] multiplies x1. It multiplies x2.",
        "w[2] * x2",
        "w[2] * x1",
    ),
    Wrong(
        "x2 has no effect. Add w[2] * x2 to the sum.",
        " + w[2] * x2",
        "",
    ),
    Wrong(
        "w0 multiplies the rest of the sum. It is only added.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[0] * (w[1] * x1 + w[2] * x2)",
    ),
    Wrong(
        "w0 multiplies x1 as well: you have (w0 + w1) * x1. Only w1 * x1 is a product; w0 is added to it.",
        "w[0] + w[1] * x1",
        "(w[0] + w[1]) * x1",
    ),
    Wrong(
        "Your minus ends before w2 * x2. It stands before the whole sum: put parentheses around all three "
        "parts.",
        "w[1] * x1 + w[2] * x2",
        "w[1] * x1 - w[2] * x2",
    ),
    Wrong(
        "The 1 below the line is missing: 1 / e^-sum is e^sum, which may be any positive number. Divide by "
        "1 + e^-sum.",
        "(1 + torch.exp(-z))",
        "torch.exp(-z)",
    ),
    Wrong(
        "You subtract e^-sum from 1 below the line. Add it.",
        "1 + torch.exp",
        "1 - torch.exp",
    ),
    Wrong(
        "The sigmoid is taken twice. The value of the first is the answer.",
        "1 / (1 + torch.exp(-z))",
        "torch.sigmoid(torch.sigmoid(z))",
    ),
    Wrong(
        "Negative sums become 0, and others stay as they are: that is a ReLU. Use the sigmoid, 1 / (1 + "
        "e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "torch.relu(z)",
    ),
    *(
        Wrong(
            "The value is only 0 or 1: your function decides where the sum is positive. The sigmoid gives "
            "what lies between, 1 / (1 + e^-sum).",
            "1 / (1 + torch.exp(-z))",
            step,
        )
        for step in ("(z > 0).to(z.dtype)", "z > 0", "(z > 0).long()")
    ),
    Wrong(
        "The value is a softmax over the pairs of inputs, which sums to 1. Each pair has its own sigmoid, "
        "1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "torch.softmax(z, dim=-1)",
    ),
    Wrong(
        "The value is a softmax over the pairs of inputs, which sums to 1. Each pair has its own sigmoid, "
        "1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "torch.softmax(z, dim=0)",
    ),
    Wrong(
        "The two products are multiplied by each other. Add them: w1 * x1 + w2 * x2.",
        "x1 + w[2] * x2",
        "x1 * w[2] * x2",
    ),
    Wrong(
        "The sum is cut off at 0 and at 1. The sigmoid brings it between them smoothly: 1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "z.clamp(0, 1)",
    ),
    Wrong(
        "w0 and each product have a sigmoid of their own. Add the three first; the sum has one sigmoid.",
        "1 / (1 + torch.exp(-z))",
        "torch.sigmoid(w[0]) + torch.sigmoid(w[1] * x1) + torch.sigmoid(w[2] * x2)",
    ),
    Wrong(
        "Your power has the base 2 where it should have e. torch.exp takes e.",
        "torch.exp(-z)",
        "2 ** -z",
    ),
    Wrong(
        "Your knobs are one place off: w[0] is added and multiplies x1, too. w[1] multiplies x1, w[2] x2.",
        "w[1] * x1 + w[2] * x2",
        "w[0] * x1 + w[1] * x2",
    ),
    Wrong(
        "Your value goes from -1 to 1. The sigmoid, 1 / (1 + e^-sum), goes from 0 to 1: it is neither doubled nor "
        "shifted.",
        "1 / (1 + torch.exp(-z))",
        "torch.tanh(z / 2)",
    ),
    Wrong(
        "The knobs don't multiply the inputs: w0, w1, w2, x1 and x2 are all added. w1 and w2 multiply.",
        "w[1] * x1 + w[2] * x2",
        "w[1] + x1 + w[2] + x2",
    ),
    Wrong(
        "w0 and w2 have changed places. w0 is only added, w2 multiplies x2.",
        "w[0] + w[1] * x1 + w[2] * x2",
        "w[2] + w[1] * x1 + w[0] * x2",
    ),
    Wrong(
        "w0 and w1 have changed places. w0 is only added, w1 multiplies x1.",
        "w[0] + w[1] * x1",
        "w[1] + w[0] * x1",
    ),
    Wrong(
        "x1 has no effect. Add w[1] * x1 to the sum.",
        "w[1] * x1 + ",
        "",
    ),
    Wrong(
        "Your sum has lost its sign. A sum below 0 gives a value below one half.",
        "torch.exp(-z)",
        "torch.exp(-z.abs())",
    ),
    Wrong(
        "Only the first pair's value is given. Give one for each pair of inputs: the result has their shape.",
        "1 / (1 + torch.exp(-z))",
        "(1 / (1 + torch.exp(-z))).flatten()[0]",
    ),
    Wrong(
        "The values of all pairs are averaged. Give one for each pair of inputs: the result has their shape.",
        "1 / (1 + torch.exp(-z))",
        "(1 / (1 + torch.exp(-z))).mean()",
    ),
    Wrong(
        "The value is the logarithm of 1 + e^sum, which is called softplus. Give 1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "torch.log(1 + torch.exp(z))",
    ),
    Wrong(
        "There is no power of e in your value: the sum is divided by 1 plus its own size. Give 1 / (1 + e^-sum).",
        "1 / (1 + torch.exp(-z))",
        "z / (1 + z.abs())",
    ),
    Wrong(
        "x1 and x2 are multiplied with each other, beside w1. Each has a knob of its own: w1 * x1 and w2 * x2.",
        "w[1] * x1",
        "w[1] * x1 * x2",
    ),
    Wrong("w0 is added twice. Add it once.", "w[0] + ", "2 * w[0] + "),
    Wrong(
        "The sum is cut off, at 5 and at -5, so values don't come near enough to 0 and 1. Take the sum as it is.",
        "torch.exp(-z)",
        "torch.exp(-z.clamp(-5, 5))",
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
