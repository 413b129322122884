"""One unit's gradient, by hand

A unit is the smallest network: a weighted sum, and a sigmoid that makes a probability of it. The
loss has a slope for each of its knobs, and the chain rule gives all of them at once: multiply the
slopes along the way from the loss back to the knob. If you can do it for this unit, you know what
`backward()` does. At the end of a GPT stands the same thing with more classes.
"""

import torch
import torch.nn.functional as F

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 25


def neuron_gradient(
    x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The slopes of a sigmoid unit's mean log loss for its knobs.

    The unit says p = sigmoid(z), with z = x @ w + b: a probability for each of N examples. The loss
    of an example is -ln p where y is 1, and -ln(1 - p) where y is 0. It is averaged over the
    examples.

    Args:
        x: (N, n), the examples' inputs, n numbers each.
        y: (N,), the right answers, each 1.0 or 0.0.
        w: (n,), the weights.
        b: one number without dimensions, the bias.

    Returns:
        The slopes for w, (n,), and for b, one number. They are finite even where z is so large or
        so small that p is rounded to 1 or 0.
    """
    p = torch.sigmoid(x @ w + b)  # (N,)
    d_z = (p - y) / len(y)  # (N,), the slope for each sum
    return x.T @ d_z, d_z.sum()


def cases(given):
    N, n = 5, 3

    def away_from_0(*shape):
        return (1 + given.uniform(*shape)) * torch.tensor(given.choice((-1.0, 1.0))).to(given.dtype)

    b = 0.5 + given.uniform()
    zero = torch.zeros((), dtype=given.dtype)
    answers = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0], dtype=given.dtype)
    mixed, ends = given.normal(40, 7).clamp(-2, 2), given.normal(7).clamp(-1, 1)
    ends[0] = 2.0
    mixed[:4, 0] = torch.tensor([512.0, -512, 512, -512], dtype=given.dtype)
    forty = given.integers(0, 1, 40).to(given.dtype)
    forty[:4] = torch.tensor([1.0, 0, 0, 0], dtype=given.dtype)
    return [
        Case(
            "one example with one input, whose answer is 1",
            away_from_0(1, 1),
            answers[:1],
            away_from_0(1),
            zero,
        ),
        Case("an answer that is 0", away_from_0(1, 1), answers[1:2], away_from_0(1), zero),
        Case("a bias", away_from_0(1, 1), answers[:1], away_from_0(1), b),
        Case("three inputs", 2 * given.normal(1, n), answers[:1], given.normal(n), -b),
        Case(
            "five examples, over which the loss is averaged",
            1.5 * given.normal(N, n).clamp(-1, 1),
            answers,
            given.normal(n).clamp(-1, 1),
            b,
        ),
        Case(
            "sums so low that p is rounded to 0",
            -100 * (1 + given.uniform(2, 2)),
            answers[:2],
            2 + given.uniform(2),
            b,
        ),
        Case(
            "sums so large that p is rounded to 1",
            100 * (1 + given.uniform(3, 2)),
            answers[1:4],
            2 + given.uniform(2),
            b,
        ),
        Case(
            "40 examples at once: sums of 1,024, of -1,024, and small ones", mixed, forty, ends, b
        ),
    ]


HINTS = (
    "Go back one step at a time: from the loss to p, from p to z, from z to w and b.",
    "For an answer of 1 the loss is -ln p, so its slope for p is -1/p. The slope of the sigmoid is "
    "p (1 - p). Multiply the two on paper: what is left is p - 1. And for an answer of 0?",
    "So the slope for z is p - y, divided by N since the loss is an average. Turn the weight w[i] "
    "by a little: z rises by x[i] times as much. Turn b: z rises as much.",
    "All examples share the knobs, so their slopes are added: `x.T @ d_z` and `d_z.sum()`.",
)
WHY = """
The slope of the log loss for p is $-1/p$ or $1/(1-p)$, and the sigmoid's slope is $p(1-p)$. In
their product everything cancels but $p - y$: the mistake itself. Do the cancelling on paper and not
in the program: where p is rounded to 1, $1/(1-p)$ is infinite, the slope of the sigmoid is 0, and
the product of the two is not a number.
"""


def by_parts(x, y, w, b):
    p = torch.sigmoid(x @ w + b)
    d_p = ((1 - y) / (1 - p) - y / p) / len(y)
    d_z = d_p * p * (1 - p)
    return x.T @ d_z, d_z.sum()


def sigmoid_by_exp(x, y, w, b):
    z = x @ w + b
    d_z = (z.exp() / (1 + z.exp()) - y) / len(y)
    return x.T @ d_z, d_z.sum()


def sigmoid_by_exp_of_minus(x, y, w, b):
    z = x @ w + b
    d_z = (1 - (-z).exp() / (1 + (-z).exp()) - y) / len(y)
    return x.T @ d_z, d_z.sum()


def cut_off(x, y, w, b):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    loss = F.binary_cross_entropy(torch.sigmoid(x @ w + b), y)
    return torch.autograd.grad(loss, (w, b))


def sigmoid_twice(x, y, w, b):
    p = torch.sigmoid(x @ w + b)
    d_z = (torch.sigmoid(p) - y) * p * (1 - p) / len(y)
    return x.T @ d_z, d_z.sum()


WRONG = (
    Wrong(
        "Your slopes are not numbers (nan) where p is rounded to 1 or 0: there you divide by 0, "
        "or take its logarithm. Multiply the slopes on paper first: the slope for z is p - y, "
        "without a division.",
        instead=by_parts,
    ),
    *(
        Wrong(
            "Your slopes are not numbers (nan) where z is far from 0: exp of a large number is "
            "infinite, and infinite / infinite is nan. Take torch.sigmoid(z), and F.softplus(z) for "
            "ln(1 + exp(z)).",
            instead=function,
        )
        for function in (sigmoid_by_exp, sigmoid_by_exp_of_minus)
    ),
    Wrong(
        "Your slopes are 0 where p is rounded to 0 or 1: a clamp, a small number added to p, or "
        "F.binary_cross_entropy cuts the logarithm off there. The slope for z is p - y, without a "
        "division; in PyTorch take F.binary_cross_entropy_with_logits.",
        instead=cut_off,
    ),
    Wrong(
        "The sigmoid is taken twice: F.binary_cross_entropy_with_logits takes z, not p, and does "
        "the sigmoid itself.",
        instead=sigmoid_twice,
    ),
    Wrong(
        "The examples' slopes are added, but the loss is an average. Divide by N, the number of "
        "examples.",
        " / len(y)",
        "",
    ),
    Wrong(
        "Your slope for b is a sum over the examples; that for w is a mean. The loss is an "
        "average: divide both by N.",
        "d_z.sum()",
        "d_z.sum() * len(y)",
    ),
    Wrong(
        "Your slope for w is a sum over the examples; that for b is a mean. The loss is an "
        "average: divide both by N.",
        "x.T @ d_z,",
        "x.T @ d_z * len(y),",
    ),
    Wrong(
        "Both slopes are divided by N twice: a mean, and a division besides. One of them is enough.",
        " / len(y)",
        " / len(y) ** 2",
    ),
    Wrong(
        "The slope for w is divided by N twice: a mean, and a division besides. One of them is "
        "enough.",
        "x.T @ d_z,",
        "x.T @ d_z / len(y),",
    ),
    Wrong(
        "The slopes are divided by the number of weights. Divide by N, the number of examples.",
        "len(y)",
        "len(w)",
    ),
    *(
        Wrong(
            "Your slope for w is not divided by N alone: the number of weights is in your divisor. "
            "Add x times the slopes for z over the examples, and divide by N.",
            "x.T @ d_z,",
            new,
        )
        for new in ("x.T @ d_z * len(y) / len(w),", "x.T @ d_z / len(w),")
    ),
    Wrong(
        "You multiply the mean input by the mean mistake. Multiply first, example by example, then "
        "take the mean: x.T @ (p - y) / N.",
        "x.T @ d_z,",
        "x.mean(dim=0) * d_z.sum(),",
    ),
    Wrong(
        "Your slope for b has the factor x in it: that belongs to w. z rises as fast as b does: the "
        "slope for b is the sum of those for z.",
        "d_z.sum()",
        "(x.sum(dim=1) * d_z).sum()",
    ),
    Wrong(
        "The slopes for all weights are added up to one number. Each weight has its own: x.T @ "
        "d_z.",
        "x.T @ d_z,",
        "(x.T @ d_z).mean(),",
    ),
    Wrong(
        "The slopes for all weights are added up to one number. Each weight has its own: x.T @ "
        "d_z.",
        "x.T @ d_z,",
        "(x.T @ d_z).sum(),",
    ),
    Wrong(
        "The slopes are divided by all numbers in x, N times n. Divide by N, the number of "
        "examples.",
        "len(y)",
        "x.numel()",
    ),
    Wrong(
        "Your slopes have the wrong sign. Where p is too large, the loss rises with z, so the "
        "slope p - y is positive.",
        "p - y",
        "y - p",
    ),
    Wrong(
        "There is no sigmoid: the sum itself is compared to y. Compare p = sigmoid(z).",
        "torch.sigmoid(x @ w + b)",
        "x @ w + b",
    ),
    Wrong(
        "Your slope for z has the factor p (1 - p) in it. That belongs to a squared error; with "
        "the log loss it cancels, and p - y is left.",
        "(p - y)",
        "(p - y) * p * (1 - p)",
    ),
    Wrong(
        "These are the slopes of the squared error, (p - y)². The loss here is the log loss, and "
        "its slope for z is p - y.",
        "(p - y)",
        "2 * (p - y) * p * (1 - p)",
    ),
    Wrong(
        "The sigmoid's own slope, p (1 - p), is missing: yours is the loss's slope for p, not for "
        "z. Multiply the two on paper: p - y is left.",
        "(p - y)",
        "((1 - y) / (1 - p) - y / p)",
    ),
    Wrong(
        "These are the slopes of p, not of the loss. Multiply them by the loss's slope for p; "
        "together p - y is left.",
        "(p - y)",
        "p * (1 - p)",
    ),
    Wrong(
        "Your p is rounded to 0 or 1 before it is compared to y. Take the probability itself.",
        "(p - y)",
        "(p.round() - y)",
    ),
    Wrong(
        "Your slope for z is p - 1 whatever the answer is. Where y is 0 it is p: write p - y.",
        "(p - y)",
        "(p - 1)",
    ),
    Wrong(
        "Only the examples whose answer is 1 have a slope in your function. Those with 0 have one "
        "too, from -ln(1 - p): together p - y.",
        "(p - y)",
        "(p - 1) * y",
    ),
    Wrong(
        "Your slopes have no sign: the mistake p - y may be negative. Leave the abs out.",
        "(p - y)",
        "(p - y).abs()",
    ),
    Wrong(
        "Your unit has a tanh. It should be a sigmoid, which goes from 0 to 1.",
        "torch.sigmoid(",
        "torch.tanh(",
    ),
    Wrong(
        "Your unit has a softmax over the examples. Each example has a sigmoid of its own.",
        "torch.sigmoid(x @ w + b)",
        "torch.softmax(x @ w + b, dim=0)",
    ),
    Wrong(
        "The right answers are not used: your slope for z is p. It should be p - y.",
        "(p - y)",
        "p",
    ),
    Wrong(
        "The bias is missing from the sum: z = x @ w + b.",
        " + b)",
        ")",
    ),
    Wrong(
        "The slope for b is divided by N twice. The mean is already in the slopes for z, so add "
        "them up.",
        "d_z.sum()",
        "d_z.mean()",
    ),
    Wrong(
        "Your slope for b has a number for each example. They share one b, so add them up.",
        "d_z.sum()",
        "d_z",
    ),
    Wrong(
        "Your slope for w has a row for each example. They share the weights, so add the rows up.",
        "x.T @ d_z",
        "x * d_z[:, None]",
    ),
    Wrong(
        "Your slope for w leaves out the inputs. A weight moves z as much as the number that it is "
        "multiplied by: multiply the slope for z by x.",
        "x.T @ d_z",
        "torch.ones_like(x).T @ d_z",
    ),
    Wrong(
        "Your slope for b is 1: that is how fast z rises with b. The chain rule multiplies it by "
        "the slope for z: add up p - y, over N.",
        "d_z.sum()",
        "torch.ones_like(b)",
    ),
    Wrong(
        "Your slope for b has the factor b in it. z rises as fast as b does: the slope for b is the "
        "sum of those for z.",
        "d_z.sum()",
        "d_z.sum() * b",
    ),
    Wrong(
        "Your slope for w multiplies by the weights. A weight moves z as much as the input that it "
        "is multiplied by: multiply the slope for z by x.",
        "x.T @ d_z,",
        "d_z.sum() * w,",
    ),
    Wrong(
        "Both slopes stand in one tensor. Give two: first the one for w, then the one for b.",
        "x.T @ d_z, d_z.sum()",
        "torch.cat([x.T @ d_z, d_z.sum()[None]])",
    ),
    Wrong(
        "These are the knobs after a step. Give their slopes alone.",
        "x.T @ d_z, d_z.sum()",
        "w - x.T @ d_z, b - d_z.sum()",
    ),
    Wrong(
        "The two slopes are exchanged: first comes the one for w, then the one for b.",
        "x.T @ d_z, d_z.sum()",
        "d_z.sum(), x.T @ d_z",
    ),
    Wrong(
        "The last example is left out. The mean is over all N of them.",
        "return x.T @ d_z, d_z.sum()",
        "return x[:-1].T @ d_z[:-1], d_z[:-1].sum()",
    ),
    Wrong(
        "The first example is left out. The mean is over all N of them, and they count from 0.",
        "return x.T @ d_z, d_z.sum()",
        "return x[1:].T @ d_z[1:], d_z[1:].sum()",
    ),
)


def by_autograd(x, y, w, b):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(x @ w + b, y)
    return torch.autograd.grad(loss, (w, b))


def with_loops(x, y, w, b):
    d_w, d_b = [0.0] * len(w), 0.0
    for inputs, label in zip(x.double(), y.double(), strict=True):
        z = b.double() + sum(inputs[i] * w[i].double() for i in range(len(w)))
        mistake = (torch.sigmoid(z) - label).item()
        d_w = [d + mistake * one.item() / len(y) for d, one in zip(d_w, inputs, strict=True)]
        d_b += mistake / len(y)
    return d_w, d_b


def as_averages(x, y, w, b):
    z = (x.double() * w.double()).sum(dim=1) + b.double()
    mistake = 0.5 + 0.5 * torch.tanh(z / 2) - y.double()
    return [torch.einsum("bi,b->bi", x.double(), mistake).mean(dim=0), mistake.mean()]


RIGHT = (by_autograd, with_loops, as_averages)
