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
    minus = torch.tensor([-math.inf, -1000.0, -math.inf, -999.0], dtype=given.dtype)
    first = torch.tensor([1000.0, -1000.0], dtype=given.dtype)
    many = 3 * given.normal(40, 90) + 1000 * given.integers(-1, 1, 40, 1)
    many[:, 7], many[5:9, 60], many[9:15, 0] = -math.inf, 1000.0, -1000.0
    many[15:20, :40], many[20:25, 50:], many[25:30, 1:80] = -math.inf, -math.inf, many[25:30, :1]
    return [
        Case("one row of logits", given.normal(5)),
        Case("a row for each of three positions", given.normal(3, 5)),
        Case("a batch of windows", given.normal(2, 3, 4)),
        Case("a logit of minus infinity", hidden),
        Case("logits of about 1000", given.normal(4) + 1000),
        Case("one row from -1000 to 1000", wide),
        Case("two rows that are 2000 apart, so that each needs its own maximum", apart),
        Case("as many rows as tokens", given.normal(4, 4)),
        Case("logits with five dimensions", given.normal(2, 1, 3, 2, 4)),
        Case("a vocabulary of one token", given.normal(2, 1)),
        Case("logits of about -1000, and minus infinity", minus),
        Case("a row from 1000 to -1000, the largest first", first),
        Case("40 rows of 90 logits: large, small, equal ones and minus infinity", many),
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


def known_dimensions(logits):
    powers = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim={1: 0, 2: 1, 3: 2}.get(logits.dim(), 0), keepdim=True)


def filled(value):
    def plain(logits):
        powers = logits.exp()
        shares = powers / powers.sum(dim=-1, keepdim=True)
        return shares.nan_to_num(nan=1 / logits.shape[-1] if value is None else value)

    return plain


def base(number):
    def powers(logits):
        positive = number ** (logits - logits.amax(dim=-1, keepdim=True))
        return positive / positive.sum(dim=-1, keepdim=True)

    return powers


def of_rows(take_off):
    def shares(logits):
        positive = (logits - take_off(logits)).exp()
        return positive / positive.sum(dim=-1, keepdim=True)

    return shares


def kept_finite(low):
    return lambda logits: logits.masked_fill(logits.isinf(), low).softmax(dim=-1)


CUT = (
    "You cut logits off at some limit, and so make them equal. Take the row's maximum off instead: that "
    "changes no probability."
)
NAN = (
    "You put a number where nan came out. nan says that e to a large logit was infinite: take the row's "
    "largest logit off first, and no nan comes."
)
OWN = "logits - logits.amax(dim=-1, keepdim=True)"


def guessed_dimension(logits):
    return logits.softmax(dim=0 if logits.dim() in (1, 3) else 1)


def with_a_little_more(logits):
    return logits.exp() / (logits.exp().sum(dim=-1, keepdim=True) + 1e-9)


def without_keepdim(logits):
    positive = (logits - logits.amax(dim=-1)).exp()
    return positive / positive.sum(dim=-1)


WRONG = (
    Wrong(
        "You give softmax no dim, and PyTorch takes the first or the second dimension. Give dim=-1, the "
        "last.",
        instead=guessed_dimension,
    ),
    Wrong(
        "Large logits overflow: e to the 1000 is infinite. A little more under the fraction line does not "
        "help: take the row's largest logit off first.",
        instead=with_a_little_more,
    ),
    Wrong(
        "You take the maximum without keepdim=True, so its shape (…) doesn't fit the rows (…, V), or is "
        "spread along the wrong dimension. Keep the dimension.",
        OWN,
        "logits - logits.amax(dim=-1)",
    ),
    Wrong(
        "You take maximum and sum without keepdim=True, so their shape (…) doesn't fit the rows (…, V), or "
        "is spread along the wrong dimension. Keep the dimension in both.",
        instead=without_keepdim,
    ),
    Wrong(
        "You add the row's largest logit. Take it off: then the largest exponent is 0.",
        OWN,
        "logits + logits.amax(dim=-1, keepdim=True)",
    ),
    Wrong(
        "Your function gives logarithms of the probabilities. Give the probabilities.",
        instead=lambda logits: logits - logits.logsumexp(dim=-1, keepdim=True),
    ),
    Wrong(
        "What you take off a row is not its largest logit. Is it the mean, or the least one? Then "
        "the largest may still be far above it and overflow: take the maximum off.",
        OWN,
        "logits - logits.amin(dim=-1, keepdim=True)",
    ),
    *(Wrong(NAN, instead=filled(value)) for value in (0.0, 1.0, None)),
    Wrong(
        "You take off the largest absolute value: the logits' signs are lost. In a row of large negative "
        "logits every e to a logit is then 0, and 0 / 0 is nan. Take the largest logit off.",
        instead=of_rows(lambda logits: logits.abs().amax(dim=-1, keepdim=True)),
    ),
    Wrong(
        "You take the maximum down the first dimension. Each row needs its own: dim=-1.",
        instead=of_rows(lambda logits: logits.amax(dim=0, keepdim=True)),
    ),
    Wrong(
        "You put 0 where a logit is minus infinity, so it gets a probability. Leave it: e to minus "
        "infinity is 0.",
        instead=kept_finite(0.0),
    ),
    Wrong(
        "You take powers of 10; take powers of e: torch.exp.",
        instead=base(10),
    ),
    Wrong(
        "You take powers of 2; take powers of e: torch.exp.",
        instead=base(2),
    ),
    Wrong(
        "Your sum goes along the last dimension only where there are up to three dimensions. There may be "
        "more: dim=-1 is always the last.",
        instead=known_dimensions,
    ),
    Wrong(
        "Your softmax goes along dim=-2, the dimension before the last. Logits of one position stand along "
        "the last: dim=-1.",
        instead=lambda logits: logits.softmax(dim=-2 if logits.dim() > 1 else -1),
    ),
    Wrong(
        "You sum without keepdim=True, so the sums are spread along the wrong dimension: a number is "
        "divided by the sum of another row, or the shapes don't fit. Keep the dimension.",
        "positive.sum(dim=-1, keepdim=True)",
        "positive.sum(dim=-1)",
    ),
    Wrong(
        "You sum down the columns. Sum along each row, the last dimension.",
        "positive.sum(dim=-1, keepdim=True)",
        "positive.sum(dim=0, keepdim=True)",
    ),
    Wrong(
        "You take the mean of the row for its sum, so that your rows sum to V. Divide by the sum.",
        "positive.sum(dim=-1, keepdim=True)",
        "positive.mean(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You divide by the length of the row (the root of the sum of squares). Divide by the sum.",
        "positive.sum(dim=-1, keepdim=True)",
        "positive.norm(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You put e to the logits into a softmax again: two softmaxes. One is enough.",
        instead=lambda logits: logits.softmax(dim=-1).softmax(dim=-1),
    ),
    Wrong(
        "You take a sigmoid of each logit. It looks at one logit alone: divide e to it by the row's sum.",
        instead=lambda logits: logits.sigmoid(),
    ),
    Wrong(
        "You take a sigmoid of each logit and divide by the row's sum. Take e to each logit.",
        instead=lambda logits: logits.sigmoid() / logits.sigmoid().sum(dim=-1, keepdim=True),
    ),
    Wrong(
        "The largest logit gets the probability 1 and all others 0. Softmax gives a share to each.",
        instead=lambda logits: (logits == logits.amax(dim=-1, keepdim=True)).float(),
    ),
    Wrong(
        "You give the place of the largest logit. Give a probability for each logit.",
        instead=lambda logits: logits.argmax(dim=-1),
    ),
    Wrong(
        "You take the square of each difference. Take e to the difference itself.",
        "torch.exp(logits - logits.amax(dim=-1, keepdim=True))",
        "torch.exp(-((logits - logits.amax(dim=-1, keepdim=True)) ** 2))",
    ),
    Wrong(
        "You take the absolute value of the logits. A negative logit is a small probability.",
        OWN,
        "logits.abs() - logits.abs().amax(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You take 1 off each e to a logit, with expm1. Use exp.",
        "torch.exp(",
        "torch.expm1(",
    ),
    Wrong(CUT, OWN, "logits.clamp(min=-50)"),
    Wrong(CUT, OWN, "logits.clamp(max=80)"),
    Wrong(
        "You divide all logits by a number, such as 100 or 1000, so that e does not overflow. That changes "
        "the probabilities: take the row's largest logit off.",
        OWN,
        "logits / 1000",
    ),
    Wrong(
        "You divide all logits by a number, such as 100 or 1000, so that e does not overflow. That changes "
        "the probabilities: take the row's largest logit off.",
        OWN,
        "logits / 100",
    ),
    Wrong(
        "You divide all logits by a number, such as 100 or 1000, so that e does not overflow. That changes "
        "the probabilities: take the row's largest logit off.",
        OWN,
        "logits / 10",
    ),
    Wrong(
        "You take 1000 off every logit, or another fixed number. Take off the row's own largest "
        "logit: in a row of low logits, every e to a logit is otherwise 0, and 0 / 0 is nan.",
        OWN,
        "logits - 1000",
    ),
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
    Wrong(CUT, OWN, "logits.clamp(max=50)"),
    Wrong(
        "The sign is wrong: the largest logit gets the least probability.",
        "logits - logits.amax(dim=-1, keepdim=True)",
        "logits.amin(dim=-1, keepdim=True) - logits",
    ),
    Wrong(CUT, OWN, "logits.clamp(-50, 50)"),
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
