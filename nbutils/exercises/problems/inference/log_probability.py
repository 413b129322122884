"""How likely is this text?

The probability of a text is a product: the first token's, times the second one's given the first,
and so on. A product of a hundred numbers below 1 soon becomes too small for a float. Its logarithm
is a sum, and sums are harmless. So programs compare texts, measure losses and grade answers by the
sum of the logarithms.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def log_probability(logits: torch.Tensor, ids: torch.Tensor) -> float:
    """The natural logarithm of the probability of these tokens.

    Args:
        logits: (T, V), floats. Row t is what the network says of the token at place t. They may be
            large, like 900 or -900, and the sum must be right all the same.
        ids: (T,), whole numbers from 0 to V - 1: the token that stands at each place t.

    Returns:
        The sum over all places of the logarithm of the probability (softmax over the V logits) of
        the token that stands there. It is 0 or below.
    """
    log_p = logits.log_softmax(dim=-1)  # (T, V)
    return log_p[torch.arange(len(ids)), ids].sum().item()


def cases(given):
    T, V = 4, 6
    zeros = torch.zeros(1, 5, dtype=given.dtype)
    rows = torch.tensor([[-900, -300, 900, 300], [300, -300, -900, 900]], dtype=given.dtype)
    large = rows[:, given.sample(range(4), 4)]
    ids = torch.stack([large[0].argmin(), large[1].argmax()])
    return [
        Case("five equal logits, so that each token has one fifth", zeros, given.integers(0, 4, 1)),
        Case("one token", given.normal(1, V), given.integers(0, V - 1, 1)),
        Case("four tokens", 2 * given.normal(T, V), given.integers(0, V - 1, T)),
        Case("one token four times", 2 * given.normal(T, V), given.integers(0, V - 1, 1).expand(T)),
        Case("logits of 900 and -900", large, ids),
    ]


HINTS = (
    "`logits.log_softmax(dim=-1)` turns each row into logarithms of probabilities. It is more "
    "exact than the logarithm of a softmax, which is minus infinity where the softmax has become "
    "0.",
    "From each row you need one entry: in row t the one of ids[t].",
    "`table[rows, columns]` with two tensors of T whole numbers takes T entries, one for each "
    "pair. The rows are `torch.arange(T)`.",
)
WHY = """
A logarithm turns the product into a sum. `log_softmax` is the logit minus the logarithm of the sum
of all e to the logit, and it computes this with the largest logit taken off first. So it never
takes the logarithm of a probability that was rounded to 0. With the sign turned, divided by T, the
sum is the loss of training.
"""
WRONG = (
    Wrong(
        "Your function gives the average over the tokens. Add the logarithms up; don't divide by "
        "T.",
        ".sum()",
        ".mean()",
    ),
    Wrong(
        "Your sign is turned: that is the loss. The logarithm of a probability is 0 or below.",
        "return log_p[torch",
        "return -log_p[torch",
    ),
    Wrong(
        "Your function gives the loss: the sign is turned, and the sum is divided by T. Give the "
        "sum of the logarithms.",
        "return log_p[torch.arange(len(ids)), ids].sum()",
        "return -log_p[torch.arange(len(ids)), ids].mean()",
    ),
    Wrong(
        "With large logits your function gives minus infinity: an exponential has become 0 or "
        "infinite before its logarithm was taken. Use log_softmax, which avoids this.",
        "logits.log_softmax(dim=-1)",
        "logits.softmax(dim=-1).log()",
    ),
    Wrong(
        "With large logits your function gives nan: e to the 900 is too large for a float. Use "
        "log_softmax, which takes the largest logit off first.",
        "logits.log_softmax(dim=-1)",
        "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()",
    ),
    Wrong(
        "The softmax is over the places (dim=0). It should be over the tokens of the vocabulary, "
        "the last dimension.",
        "dim=-1",
        "dim=0",
    ),
    Wrong(
        "Your function adds up the logits of the tokens. They are no logarithms of probabilities "
        "yet: take log_softmax first.",
        "logits.log_softmax(dim=-1)",
        "logits",
    ),
    Wrong(
        "Your function adds up the probabilities. Add up their logarithms.",
        "log_softmax",
        "softmax",
    ),
    Wrong(
        "Your function takes the logarithm of the sum of the probabilities. Take the logarithm "
        "of each, then the sum.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p[torch.arange(len(ids)), ids].logsumexp(dim=0)",
    ),
    Wrong(
        "Your function gives the probability. Its logarithm is asked for, without the exp at the "
        "end.",
        ".sum().item()",
        ".sum().exp().item()",
    ),
    Wrong(
        "Your logarithm has base 2. Use the natural one.",
        "logits.log_softmax(dim=-1)",
        "logits.log_softmax(dim=-1) / 0.6931471805599453",
    ),
    Wrong(
        "Your function compares each row with the next token. Here row t already belongs to "
        "ids[t]: don't shift.",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[torch.arange(len(ids) - 1), ids[1:]]",
    ),
    Wrong(
        "Your function takes the likeliest token of each row. Take the one that stands there, "
        "ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p.amax(dim=-1)",
    ),
    Wrong(
        "log_p[:, ids] takes the columns of all ids in every row. From row t take only the "
        "column ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[:, ids]",
    ),
    Wrong(
        "Your function gives T numbers. Add them up.",
        ".sum().item()",
        ".tolist()",
    ),
)


def by_the_loss(logits, ids):
    return -torch.nn.functional.cross_entropy(logits.double(), ids, reduction="sum")


def by_gathering(logits, ids):
    chosen = logits.double().gather(1, ids[:, None])[:, 0]
    return (chosen - logits.double().logsumexp(dim=1)).sum()


def with_loops(logits, ids):
    total = 0.0
    for row, i in zip(logits.tolist(), ids.tolist()):
        top = max(row)
        rest = torch.tensor([x - top for x in row], dtype=torch.float64).exp().sum().log()
        total += row[i] - top - rest.item()
    return total


def with_one_hot(logits, ids):
    marks = torch.nn.functional.one_hot(ids, logits.shape[1])
    return torch.where(marks == 1, logits.log_softmax(dim=1), 0).sum()


RIGHT = (by_the_loss, by_gathering, with_loops, with_one_hot)
