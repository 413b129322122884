"""From counts to probabilities

A table of counts becomes a model when each row becomes a probability distribution: the chances of
the next token, given the token before. One thing is dangerous. A pair that never came gets the
probability 0, and if it comes later, its loss is infinite. So one often adds a little to every
count, as if each pair had been seen already. The more is added, the more even the guesses are.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 3, 20


def bigram_probabilities(counts: torch.Tensor, extra: float) -> torch.Tensor:
    """The probabilities of a model that counts.

    Args:
        counts: (V, V), whole numbers, 0 or more: in row i, column j stands how often token j came
            right after token i.
        extra: what is added to each of the counts first, 0 or more.

    Returns:
        (V, V), floats: row i holds the probabilities of the tokens after token i, in proportion to
        the raised counts, and sums to 1. A row whose raised counts are all 0 becomes even: 1 / V
        everywhere.
    """
    raised = counts + extra  # (V, V)
    totals = raised.sum(dim=-1, keepdim=True)  # (V, 1)
    return torch.where(totals > 0, raised / totals, 1 / len(counts))


def cases(given):
    counts = given.integers(2, 9, 4, 4) * torch.tensor([[16], [1], [4], [2]])
    gaps = counts * torch.tensor([[1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    gaps[3] = torch.tensor([0, 0, 1, 0])
    unseen = counts * torch.tensor([[1], [1], [0], [1]])
    return [
        Case("nothing added", counts, 0),
        Case("pairs that never came", gaps, 0),
        Case("1 added to each count", gaps, 1),
        Case("20 added to each count", gaps, 20),
        Case("a token that nothing came after", unseen, 0),
        Case("an eighth added where nothing came after a token", unseen, 0.125),
    ]


HINTS = (
    "First add extra to the whole table. Then divide each row by its own sum.",
    "`raised.sum(dim=-1)` has the shape (V,), and PyTorch would spread it along the wrong "
    "dimension. With `keepdim=True` it has the shape (V, 1): one total for each row.",
    "0 divided by 0 is nan. In which rows does that happen, and for which extra?",
    "`torch.where(condition, a, b)` takes a where the condition is true, and b elsewhere.",
)
WHY = """
The totals are summed *after* extra was added, so they contain it V times, once for each column. A
total of shape (V, 1) is spread along its row; one of shape (V,) would be spread along the columns,
and since the table is square, no error would tell you. About a row without counts the table says
nothing, so no token gets more than another: with any extra above 0 the same division gives that by
itself.
"""
WRONG = (
    Wrong(
        "Each column sums to 1 in your result; each row should. Sum along the last dimension.",
        "sum(dim=-1, keepdim=True)",
        "sum(dim=0, keepdim=True)",
    ),
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        "sum(dim=-1, keepdim=True)",
        "sum(dim=-1)",
    ),
    Wrong(
        "The whole table sums to 1 in your result; each row should.",
        "sum(dim=-1, keepdim=True)",
        "sum()",
    ),
    Wrong(
        "Nothing is added: use extra.",
        "counts + extra",
        "counts",
    ),
    Wrong(
        "Your totals leave extra out, so that rows sum to more than 1. Sum the raised counts.",
        "raised.sum(dim=-1, keepdim=True)",
        "counts.sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "Your totals contain extra once. It is added to each of the V counts of a row, so it is "
        "in the total V times.",
        "raised.sum(dim=-1, keepdim=True)",
        "counts.sum(dim=-1, keepdim=True) + extra",
    ),
    Wrong(
        "Only counts of 0 are raised. Add extra to each count.",
        "counts + extra",
        "torch.where(counts > 0, counts, extra)",
    ),
    Wrong(
        "A row without counts becomes nan: 0 divided by 0. Make it even, 1 / V everywhere.",
        "torch.where(totals > 0, raised / totals, 1 / len(counts))",
        "raised / totals",
    ),
    Wrong(
        "A row without counts is all 0 in your result, and sums to 0. Make it even, 1 / V "
        "everywhere.",
        "1 / len(counts)",
        "0.0",
    ),
    Wrong(
        "A row without counts is all 1 in your result. Make it even, so that it sums to 1: 1 / V "
        "everywhere.",
        "1 / len(counts)",
        "1.0",
    ),
    Wrong(
        "Your function gives the raised counts. Divide each row by its total.",
        "torch.where(totals > 0, raised / totals, 1 / len(counts))",
        "raised",
    ),
    Wrong(
        "You take a softmax of the counts. They are no logits: divide each row by its total.",
        instead=lambda counts, extra: (counts + extra).double().softmax(dim=-1),
    ),
    Wrong(
        "You divide by at least 1. So a row without counts sums to 0, and one with a total below 1 "
        "to less than 1. Divide by the total itself, and make the row even where it is 0.",
        "torch.where(totals > 0, raised / totals, 1 / len(counts))",
        "raised / totals.clamp(min=1)",
    ),
)


def row_by_row(counts, extra):
    out = []
    for row in counts.tolist():
        raised = [count + extra for count in row]
        total = sum(raised)
        out.append([one / total if total else 1 / len(row) for one in raised])
    return out


def mended(counts, extra):
    raised = counts.double() + extra
    return (raised / raised.sum(1)[:, None]).nan_to_num(nan=1 / counts.shape[1])


def raised_where_empty(counts, extra):
    raised = counts.numpy() + np.float64(extra)
    raised[raised.sum(axis=1) == 0] = 1
    return raised / raised.sum(axis=1, keepdims=True)


def by_the_transpose(counts, extra):
    columns = (counts + float(extra)).T.contiguous()
    columns[:, columns.sum(0) == 0] += 5
    return (columns / columns.sum(0)).T


RIGHT = (row_by_row, mended, raised_where_empty, by_the_transpose)
