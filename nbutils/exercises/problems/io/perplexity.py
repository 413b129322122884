"""Perplexity

A loss of 2.3 nats a token says little to most people. The **perplexity** says the same as a number
of choices: the network was as unsure as somebody who guesses evenly among so many tokens. It is e
to the mean loss of a token. Papers on language models report it, so you should be able to turn one
into the other.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 5


def perplexity(losses: torch.Tensor) -> torch.Tensor:
    """The perplexity of a text or a batch.

    Args:
        losses: floats of any shape, such as (T,) or (B, T): the loss of each token in nats, 0 or
            more. All of them count alike.

    Returns:
        One number, a float tensor of shape (): e to the mean of all losses.
    """
    return losses.mean().exp()


def cases(given):
    spread = torch.tensor([4.0, 1.0, 0.5, 3.0], dtype=given.dtype)
    rows = torch.tensor([[1.0], [3.5]], dtype=given.dtype)
    return [
        Case("one token", 1 + given.uniform(1)),
        Case(
            "three tokens that were each guessed evenly among ten",
            torch.full((3,), math.log(10), dtype=given.dtype),
        ),
        Case("tokens with different losses", given.uniform(4) / 2 + spread),
        Case("a token that cost nothing", torch.tensor([2.5, 0.0, 1.5], dtype=given.dtype)),
        Case("a batch of windows", given.uniform(2, 3) / 2 + rows),
        Case("losses with three dimensions", given.uniform(2, 2, 3) + rows),
        Case("a text of 600 tokens", 2 + given.uniform(600)),
        Case(
            "a guess that was very bad",
            torch.cat(
                [given.uniform(9), torch.tensor([85.0], dtype=given.dtype), given.uniform(10)]
            ),
        ),
        Case("tokens that all cost nothing", torch.zeros(3, dtype=given.dtype)),
    ]


HINTS = (
    "A token that was guessed evenly among ten costs ln 10. What undoes a natural logarithm?",
    "First the mean of all losses, one number; then e to it.",
    "`.mean()` without a dim takes all numbers of a tensor, whatever its shape.",
)
WHY = """
The mean comes first. The losses of a text add up to minus the logarithm of its probability, so e
to their mean is one divided by the geometric mean of the tokens' probabilities. If you took e
first, a single token with a loss of 20 would hide a thousand good guesses.
"""


def product(losses):
    p = (-losses.double()).exp()
    return p.prod() ** (-1 / p.numel())


WRONG = (
    Wrong(
        "You take the root only after you have multiplied or summed over all tokens, and for a long text "
        "no float holds that product. Take the mean of the losses first, then e.",
        instead=product,
    ),
    Wrong(
        "You take 10 to the power of the mean loss. These losses are in nats, so take e.",
        "losses.mean().exp()",
        "10 ** losses.mean()",
    ),
    Wrong(
        "You take the logarithm of the mean loss. The perplexity is e to it, which undoes a logarithm.",
        ".exp()",
        ".log()",
    ),
    Wrong(
        "You give minus the mean loss. The perplexity is e to the mean loss.",
        "losses.mean().exp()",
        "-losses.mean()",
    ),
    Wrong(
        "You give the sum of the losses. The perplexity is e to their mean.",
        "losses.mean().exp()",
        "losses.sum()",
    ),
    Wrong(
        "You give the mean loss in bits. The perplexity is e to the mean loss in nats.",
        "losses.mean().exp()",
        "losses.mean() / 0.6931471805599453",
    ),
    Wrong(
        "You take e to the median loss. Take the mean: all losses count.",
        "losses.mean()",
        "losses.flatten().median()",
    ),
    Wrong(
        "You take e to the largest loss. Take e to the mean.",
        "losses.mean()",
        "losses.max()",
    ),
    Wrong(
        "You take e to the first loss only. Take the mean of all.",
        "losses.mean()",
        "losses.flatten()[0]",
    ),
    Wrong(
        "You take 1 off. The perplexity is e to the mean loss, at least 1.",
        ".exp()",
        ".expm1()",
    ),
    Wrong(
        "You add up e to each loss. Take the mean of the losses first, then e.",
        "losses.mean().exp()",
        "losses.exp().sum()",
    ),
    Wrong(
        "You take e to the sum of the losses and divide by their number. Divide the sum first, then take "
        "e.",
        "losses.mean().exp()",
        "losses.sum().exp() / losses.numel()",
    ),
    Wrong(
        "You take e to the losses twice. Once is enough.",
        ".exp()",
        ".exp().exp()",
    ),
    Wrong(
        "You take losses for probabilities, and a logarithm of them. They are minus a logarithm already: "
        "take e to their mean.",
        "losses.mean()",
        "losses.log().mean().neg()",
    ),
    Wrong(
        "You give a perplexity for each column. All tokens of a batch make one mean.",
        "losses.mean()",
        "losses.mean(dim=0)",
    ),
    Wrong(
        "You divide the sum of the losses by the length of one row. Divide by the number of all losses: "
        "losses.mean() does.",
        "losses.mean()",
        "(losses.sum() / losses.shape[-1])",
    ),
    Wrong(
        "You divide by one less than there are losses. Divide by their number: losses.mean() does.",
        "losses.mean()",
        "(losses.sum() / (losses.numel() - 1))",
    ),
    Wrong(
        "You take the whole part of the mean loss first. Keep what stands behind the point.",
        "losses.mean()",
        "losses.mean().floor()",
    ),
    Wrong(
        "You give the square of the mean loss. The perplexity is e to it.",
        "losses.mean().exp()",
        "losses.mean() ** 2",
    ),
    Wrong(
        "You take e to each loss and then the mean. Take the mean first: one bad guess would hide "
        "all others.",
        "losses.mean().exp()",
        "losses.exp().mean()",
    ),
    Wrong(
        "You give the mean loss. The perplexity is e to it.",
        ".exp()",
        "",
    ),
    Wrong(
        "You take 2 to the mean loss. That is right for losses in bits; these are in nats, so "
        "take e.",
        ".exp()",
        ".exp2()",
    ),
    Wrong(
        "You take e to the sum of the losses. Take their mean, so that long and short texts can be "
        "compared.",
        "losses.mean()",
        "losses.sum()",
    ),
    Wrong(
        "You take e to minus the mean loss: that is a probability, below 1. Leave the minus out.",
        "losses.mean()",
        "losses.mean().neg()",
    ),
    Wrong(
        "You give a perplexity for each row. All tokens of a batch make one mean: don't give it "
        "a dim.",
        "losses.mean()",
        "losses.mean(dim=-1)",
    ),
    Wrong(
        "You average the perplexities of the rows. Average the losses of all tokens, then take e "
        "once.",
        "losses.mean().exp()",
        "losses.mean(dim=-1).exp().mean()",
    ),
    Wrong(
        "Losses of 0 are left out. A token that was certain counts like any other.",
        "losses.mean()",
        "losses[losses > 0].mean()",
    ),
    Wrong(
        "You give one divided by the mean probability. Average the losses, not the probabilities.",
        "losses.mean().exp()",
        "1 / (-losses).exp().mean()",
    ),
    Wrong(
        "You take e to each loss, and give no mean. Take the mean of the losses first.",
        "losses.mean()",
        "losses",
    ),
    Wrong(
        "You divide the sum of the losses by the number of rows, len(losses). Divide by the number "
        "of all losses: losses.mean() does.",
        "losses.mean()",
        "(losses.sum() / len(losses))",
    ),
    Wrong(
        "The last token's loss is left out. All of them count alike.",
        "losses.mean()",
        "losses.flatten()[:-1].mean()",
    ),
)


def with_math(losses):
    flat = losses.flatten().tolist()
    return math.exp(sum(flat) / len(flat))


def geometric_mean(losses):
    p = (-losses.double()).exp()
    return 1 / (p ** (1 / p.numel())).prod()


def running(losses):
    found = 1.0
    for loss in losses.double().reshape(-1):
        found = found * math.e ** (loss / losses.numel())
    return found


RIGHT = (with_math, geometric_mean, running)
