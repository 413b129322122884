"""Softmax that doesn't overflow

A network gives one **logit** for each token of the vocabulary: any number. Softmax makes
probabilities of them:

$$p_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}}$$

On paper that is all. In a computer $e^{1000}$ is infinite, and infinity divided by infinity is
*nan*, "not a number". One nan in a step ruins every parameter of a network. Write a softmax that
is right for logits of any size.
"""

import math

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 15


def stable_softmax(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities from logits, along the last dimension.

    Args:
        logits: (…, V), floats: one row (V,), or rows in any number of dimensions before it. They
            may be as large as 1000 or as low as -1000. Some may be minus infinity: their
            probability is 0; each row has at least one that is not.

    Returns:
        The shape of ``logits``, floats: each row (V,) is from 0 to 1 and sums to 1.
    """
    positive = torch.exp(logits - logits.amax(dim=-1, keepdim=True))
    return positive / positive.sum(dim=-1, keepdim=True)


def cases(given):
    hidden = torch.tensor([1.0, -math.inf, 2.0, 0.5], dtype=given.dtype)
    wide = torch.tensor([-1000.0, 996.0, 0.0, 1000.0], dtype=given.dtype)
    apart = given.normal(2, 3) + torch.tensor([[1000.0], [-1000.0]], dtype=given.dtype)
    return [
        Case("one row of logits", given.normal(5)),
        Case("a row for each of three positions", given.normal(3, 5)),
        Case("a batch of windows", given.normal(2, 3, 4)),
        Case("a logit of minus infinity", hidden),
        Case("logits of about 1000", given.normal(4) + 1000),
        Case("one row from -1000 to 1000", wide),
        Case("two rows that are 2000 apart, so that each needs its own maximum", apart),
    ]


HINTS = (
    "Add the same number to every logit of a row. What happens to its probabilities? Try it on "
    "paper with two logits.",
    "Take off a number that makes every logit 0 or less: then e to it is at most 1, and nothing "
    "overflows. Which number does that?",
    "`logits.amax(dim=-1, keepdim=True)` is the largest logit of each row, with the shape (…, 1), "
    "so that it can be subtracted from the rows (…, V).",
    "The sum goes along the last dimension too, with `keepdim=True`.",
)
WHY = """
If you take $m$ off every logit of a row, each $e^{z_i}$ is divided by $e^m$; so is their sum, and
the quotient stays. With the row's maximum as $m$ the largest exponent is 0: nothing can overflow,
and the sum is at least 1, so nothing is divided by 0. What underflows to 0 was negligible beside
the largest. Each row needs its own maximum: with one for the whole tensor a low row becomes 0 / 0.
"""
WRONG = (
    Wrong(
        "Large logits overflow: e to the 1000 is infinite. Take the row's largest logit off every "
        "logit of the row first; that changes no probability.",
        "logits - logits.amax(dim=-1, keepdim=True)",
        "logits",
    ),
    Wrong(
        "You take one maximum for the whole tensor. In a row that is far below it, e to every "
        "logit is 0, and 0 / 0 is nan. Take each row's own maximum off.",
        "logits.amax(dim=-1, keepdim=True)",
        "logits.amax()",
    ),
    Wrong(
        "All rows together sum to 1 in your result; each row should. Sum along the last dimension "
        "only, with keepdim=True.",
        "positive.sum(dim=-1, keepdim=True)",
        "positive.sum()",
    ),
    Wrong(
        "Your softmax goes along the first dimension. Logits of one position stand along the last: "
        "dim=-1.",
        instead=lambda logits: logits.softmax(dim=0),
    ),
    Wrong(
        "Your softmax goes along dim=1, which is the last dimension only if there are two. dim=-1 "
        "is always the last.",
        instead=lambda logits: logits.softmax(dim=1),
    ),
    Wrong(
        "Your rows don't sum to 1: divide each row by its sum.",
        "positive / positive.sum(dim=-1, keepdim=True)",
        "positive",
    ),
    Wrong(
        "Your function gives logarithms of the probabilities. Give the probabilities.",
        instead=lambda logits: logits.log_softmax(dim=-1),
    ),
    Wrong(
        "What you take off a row is not its largest logit. Is it the mean, or the least one? Then "
        "the largest may still be far above it and overflow: take the maximum off.",
        "amax",
        "mean",
    ),
    Wrong(
        "You divide the logits by their maximum. That changes the probabilities: subtract it.",
        "logits - logits.amax",
        "logits / logits.amax",
    ),
    Wrong(
        "You cut large logits off at some limit, and so make them equal. Take the row's maximum "
        "off instead: that changes no probability.",
        "logits - logits.amax(dim=-1, keepdim=True)",
        "logits.clamp(max=50)",
    ),
    Wrong(
        "The sign is wrong: the largest logit gets the least probability.",
        "logits - logits.amax(dim=-1, keepdim=True)",
        "logits.amin(dim=-1, keepdim=True) - logits",
    ),
    Wrong(
        "You cut large logits off at some limit, and so make them equal. Take the row's maximum "
        "off instead: that changes no probability.",
        "logits - logits.amax(dim=-1, keepdim=True)",
        "logits.clamp(-50, 50)",
    ),
    Wrong(
        "You divide the logits by their sum. Raise e to each of them first: a logit may be "
        "negative, a probability may not.",
        "torch.exp(logits - logits.amax(dim=-1, keepdim=True))",
        "logits",
    ),
)


def by_pytorch(logits):
    return torch.softmax(logits, dim=-1)


def by_logarithms(logits):
    return (logits.double() - logits.double().logsumexp(dim=-1, keepdim=True)).exp()


def row_by_row(logits):
    rows = logits.reshape(-1, logits.shape[-1]).tolist()
    out = []
    for row in rows:
        powers = [math.exp(z - max(row)) for z in row]
        out.append([power / sum(powers) for power in powers])
    return np.array(out).reshape(logits.shape)


def in_place(logits):
    logits -= logits.max(-1, True).values
    logits.exp_()
    return logits.div_(logits.sum(-1).unsqueeze(-1))


RIGHT = (by_pytorch, by_logarithms, row_by_row, in_place)
