"""What a wrong guess costs

The **loss** of one prediction is minus the natural logarithm of the probability that the network
gave to the label, in nats. Being sure and right costs nothing; being sure and wrong costs a lot.
The loss of a batch is the mean over its predictions, and this one number is all that training ever
looks at.

Some positions have no label: those that fill up a short text. They carry the label -1 and must not
count.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 25


def cross_entropy_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy of N predictions, in nats.

    Args:
        logits: (N, V), floats, as large as 1000 or as low as -1000: a row for each prediction.
            The probabilities are the row's softmax.
        labels: (N,), whole numbers: the token that really came, 0 to V - 1, or -1 where the
            prediction does not count, neither in the sum nor in the number. At least one counts.

    Returns:
        One number, a float tensor of shape (): the mean of minus the natural logarithm of the
        probability of the label. It is finite, also where that probability is too small for a
        float.
    """
    log_p = logits.log_softmax(dim=-1)  # (N, V)
    counted = labels != -1
    return -log_p[counted, labels[counted]].mean()


def cases(given):
    surprised = torch.tensor([[500.0, -500.0, 0.0, 300.0]], dtype=given.dtype)
    last = torch.tensor([1.0, 0.5, 0.0, -6.0], dtype=given.dtype)  # as a label it would cost a lot
    return [
        Case("one prediction", given.normal(1, 3), torch.tensor([1])),
        Case(
            "the first and the last token among the labels",
            3 * given.normal(3, 5),
            torch.tensor([4, 0, 2]),
        ),
        Case("logits of about 1000", given.normal(2, 3) + 1000, torch.tensor([2, 0])),
        Case("a label that was held to be impossible", surprised, torch.tensor([1])),
        Case("a label of -1", given.normal(3, 4) + last, torch.tensor([2, -1, 1])),
        Case(
            "more labels of -1 than others",
            given.normal(5, 4) + last,
            torch.tensor([-1, 3, -1, -1, 0]),
        ),
    ]


HINTS = (
    "Three stages: logarithms of the probabilities (N, V); the label's entry in each row; their "
    "mean.",
    "Don't take the logarithm of a softmax: a probability that is too small becomes 0, and its "
    "logarithm minus infinity. `torch.log_softmax` does both at once: the logits minus their "
    "`logsumexp`.",
    "`log_p[torch.arange(N), labels]` picks one entry in each row. With labels of -1 it would pick "
    "the last one.",
    "`counted = labels != -1` is True where a label counts. Index both the rows and the labels "
    "with it, before the mean.",
)
WHY = """
The logarithm of a softmax is the logit minus the logarithm of the sum of e to all logits. Computed
in that form, with the maximum taken off, it stays finite: a label that got $e^{-1000}$ costs 1000
nats. A position without a label leaves both the sum and the number that it is divided by, so that
the loss stays the mean over the predictions that count, however much of a batch is filling.
"""
WRONG = (
    Wrong(
        "Your loss is negative: a logarithm of a probability is below 0. Put a minus before it.",
        "return -log_p",
        "return log_p",
    ),
    Wrong(
        "Your loss is the sum; it should be the mean over the predictions that count.",
        ".mean()",
        ".sum()",
    ),
    Wrong(
        "You give the loss of each prediction. Give their mean, one number.",
        ".mean()",
        "",
    ),
    Wrong(
        "You divide by N. Positions with the label -1 don't count: divide by the number of the "
        "others.",
        ".mean()",
        ".sum() / len(labels)",
    ),
    Wrong(
        "A label of -1 is taken for the last token: Python counts negative places from the end. "
        "Leave these positions out.",
        "labels != -1",
        "labels >= -1",
    ),
    Wrong(
        "Your function raises an IndexError for a label of -1. Leave these positions out before "
        "you look the label up. (PyTorch's cross_entropy does so with ignore_index=-1.)",
        instead=torch.nn.functional.cross_entropy,
    ),
    Wrong(
        "Your function raises a RuntimeError for a label of -1. Leave these positions out before "
        "you look the label up.",
        instead=lambda logits, labels: -logits.log_softmax(-1).gather(1, labels[:, None]).mean(),
    ),
    Wrong(
        "Labels of 0 are left out too. 0 is a token like others; only -1 doesn't count.",
        "labels != -1",
        "labels > 0",
    ),
    Wrong(
        "Large logits make nan: e to the 1000 is infinite. Use log_softmax, which takes the "
        "maximum off first.",
        "logits.log_softmax(dim=-1)",
        "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()",
    ),
    Wrong(
        "Large logits make an infinite loss: e to the 1000 is infinite, and so is the sum. Use "
        "logsumexp or log_softmax, which take the maximum off first.",
        "logits.log_softmax(dim=-1)",
        "logits - logits.exp().sum(dim=-1, keepdim=True).log()",
    ),
    Wrong(
        "The loss is infinite where the label's probability is too small for a float: it becomes "
        "0, and you take the logarithm of that. Use log_softmax, which never computes the "
        "probability.",
        "log_softmax(dim=-1)",
        "softmax(dim=-1).log()",
    ),
    Wrong(
        "Your softmax goes down the columns, over the predictions. It must go along each row, "
        "over the vocabulary: dim=-1.",
        "dim=-1",
        "dim=0",
    ),
    Wrong(
        "The logarithm is missing: your loss is minus the mean probability. Use log_softmax.",
        "log_softmax",
        "softmax",
    ),
    Wrong(
        "Your loss is 1 - p, the probability that was missed. It should be minus the logarithm of "
        "p.",
        "logits.log_softmax(dim=-1)",
        "logits.softmax(dim=-1) - 1",
    ),
    Wrong(
        "There is no softmax: you average the labels' logits. Take log_softmax first.",
        "logits.log_softmax(dim=-1)",
        "logits",
    ),
    Wrong(
        "You take the logarithm of the mean probability. Take the mean of the logarithms: each "
        "prediction is charged by itself.",
        "labels[counted]].mean()",
        "labels[counted]].exp().mean().log()",
    ),
    Wrong(
        "Your loss is in bits, with the logarithm to base 2. Use the natural logarithm.",
        ".mean()",
        ".mean() / 0.6931471805599453",
    ),
    Wrong(
        "You pick every label in every row, N times N entries. Pick one in each row: the row's own "
        "label, with log_p[torch.arange(N), labels].",
        "log_p[counted, labels[counted]]",
        "log_p[counted][:, labels[counted]]",
    ),
    Wrong(
        "You leave labels of -1 out, but not the rows of their predictions, so that the labels "
        "after them meet the wrong rows. Leave both out.",
        "log_p[counted,",
        "log_p[torch.arange(int(counted.sum())),",
    ),
)


def by_pytorch(logits, labels):
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=-1)


def one_by_one(logits, labels):
    losses = []
    for row, label in zip(logits.double(), labels.tolist(), strict=True):
        if label >= 0:
            top = row.max()
            losses.append(float(top + (row - top).exp().sum().log() - row[label]))
    return sum(losses) / len(losses)


def with_one_hot(logits, labels):
    hot = (labels[:, None] == torch.arange(logits.shape[1])).double()  # rows of 0 for -1
    return -(logits.double().log_softmax(dim=1) * hot).sum() / hot.sum()


def with_numpy(logits, labels):
    z, y = logits.double().numpy(), labels.numpy()
    z, y = z[y >= 0], y[y >= 0]
    return (np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]).mean()


RIGHT = (by_pytorch, one_by_one, with_one_hot, with_numpy)
