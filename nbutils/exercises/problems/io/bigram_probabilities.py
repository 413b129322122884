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
    large = given.integers(0, 9, 60, 60) * 10 ** given.integers(0, 8, 60, 1)
    large[given.sample(range(60), 9)] = 0
    large[:, given.sample(range(60), 9)] = 0
    return [
        Case("nothing added", counts, 0),
        Case("pairs that never came", gaps, 0),
        Case("1 added to each count", gaps, 1),
        Case("20 added to each count", gaps, 20),
        Case("a token that nothing came after", unseen, 0),
        Case("an eighth added where nothing came after a token", unseen, 0.125),
        Case("no counts at all", torch.zeros(3, 3, dtype=torch.long), 0),
        Case("counts up to a million", counts * 100_000, 0.5),
        Case("one token", torch.tensor([[7]]), 0),
        Case("a tiny number added where nothing came after a token", unseen, 1e-9),
        Case("60 tokens, counts from 0 to a billion, and rows without any", large, 0),
        Case("the same counts with a hundredth added", large, 0.01),
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


def even(shares, totals):
    """These shares, and 1 / V where a row has the total 0."""
    return shares.masked_fill((totals == 0).reshape(-1, 1), 1 / len(shares))


def without_keepdim(counts, extra):
    raised = counts + extra
    return even(raised / raised.sum(dim=1), raised.sum(dim=1))


def raised_where_empty_by_columns(counts, extra):
    raised = counts + float(extra)
    raised[raised.sum(dim=1) == 0] = 1.0
    return raised / raised.sum(dim=1)


def mended_nan(value):
    return lambda counts, extra: ((counts + extra) / (counts + extra).sum(-1)).nan_to_num(nan=value)


def raised_afterwards(again):
    def shares(counts, extra):
        totals = counts.sum(dim=1, keepdim=True)
        raised = even(counts / totals, totals) + extra
        return raised / raised.sum(dim=1, keepdim=True) if again else raised

    return shares


AFTERWARDS = "You add extra to the probabilities, after the division. Add it to the counts, before you divide."
SHARES = "torch.where(totals > 0, raised / totals, 1 / len(counts))"
WRONG = (
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        instead=without_keepdim,
    ),
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        instead=lambda counts, extra: mended_nan(1 / len(counts))(counts, extra),
    ),
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        instead=mended_nan(0.0),
    ),
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        SHARES,
        "raised / raised.sum(dim=-1)",
    ),
    Wrong(
        "Each column sums to 1 in your result; each row should. Sum along the last dimension, with "
        "keepdim=True.",
        SHARES,
        "raised / raised.sum(dim=0)",
    ),
    Wrong(
        "A row without counts gets 1 / 4. There are V tokens: 1 / V.",
        "1 / len(counts)",
        "0.25",
    ),
    Wrong(
        "extra is rounded to a whole number, since the counts are whole. It may be 0.125: make floats first.",
        "counts + extra",
        "counts + int(extra)",
    ),
    Wrong(
        "You add at least 1 to each count. With an extra of 0 nothing is added.",
        "counts + extra",
        "counts + max(extra, 1)",
    ),
    Wrong(AFTERWARDS, instead=raised_afterwards(False)),
    Wrong(AFTERWARDS, instead=raised_afterwards(True)),
    Wrong(
        "You divide with //, which rounds down to whole numbers. Divide with /.",
        "raised / totals",
        "raised // totals",
    ),
    Wrong(
        "You round the probabilities down to whole numbers, as .long() and int do. Keep them floats.",
        SHARES,
        f"({SHARES}).long()",
    ),
    Wrong(
        "A row without counts gets 1 / (V * V), so it sums to 1 / V. It is V numbers that sum to 1: 1 / V.",
        "1 / len(counts)",
        "1 / counts.numel()",
    ),
    Wrong(
        "A row without counts is all V in your result. Make it even, so that it sums to 1: 1 / V "
        "everywhere.",
        "1 / len(counts)",
        "1.0 * len(counts)",
    ),
    Wrong(
        "The whole result becomes even where one row has no counts. Only that row does.",
        "torch.where(totals > 0,",
        "torch.where(totals.min() > 0,",
    ),
    Wrong(
        "Only a table without any counts becomes even; each row without counts should.",
        "torch.where(totals > 0,",
        "torch.where(totals.max() > 0,",
    ),
    Wrong(
        "A count of 0 becomes 1 / V in your result. Only rows whose counts are all 0 become even.",
        "totals > 0",
        "raised > 0",
    ),
    Wrong(
        "Only your totals contain extra, so that rows sum to less than 1. Add it to each count above the "
        "fraction line too.",
        "raised / totals",
        "counts / totals",
    ),
    Wrong(
        "You add 1 to each count, whatever extra is. Add extra.",
        "counts + extra",
        "counts + 1",
    ),
    Wrong(
        "You add extra to the diagonal only. Add it to each count.",
        "counts + extra",
        "counts + extra * torch.eye(len(counts))",
    ),
    Wrong(
        "You multiply the counts by extra. Add it to each count.",
        "counts + extra",
        "counts * extra",
    ),
    Wrong(
        "You subtract extra from the counts. Add it.",
        "counts + extra",
        "counts - extra",
    ),
    Wrong(
        "You add extra / V to each count. Add extra itself.",
        "counts + extra",
        "counts + extra / len(counts)",
    ),
    Wrong(
        "You divide each row by its largest number. Divide it by its sum.",
        "raised.sum(dim=-1, keepdim=True)",
        "raised.amax(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You divide each row by V, or by its mean. Divide it by its sum.",
        "raised.sum(dim=-1, keepdim=True)",
        "raised.double().mean(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You divide each row by V, or by its mean. Divide it by its sum.",
        "raised / totals",
        "raised / len(counts)",
    ),
    Wrong(
        "You divide by the number of entries above 0. Divide by the sum of the row.",
        "raised.sum(dim=-1, keepdim=True)",
        "(raised > 0).sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "You give logarithms of the probabilities. Give the probabilities.",
        SHARES,
        f"({SHARES}).log()",
    ),
    Wrong(
        "You take a softmax of the probabilities as well. Divide each row by its total, and no more.",
        SHARES,
        f"({SHARES}).softmax(dim=-1)",
    ),
    Wrong(
        "Your result is the transpose: the row is the token before, the column the one after.",
        SHARES,
        f"({SHARES}).T",
    ),
    Wrong(
        "A row without counts has its 1 on the diagonal. Make it even: 1 / V everywhere.",
        "1 / len(counts)",
        "torch.eye(len(counts))",
    ),
    Wrong(
        "A row without counts has its 1 in the first column. Make it even: 1 / V everywhere.",
        "1 / len(counts)",
        "torch.eye(len(counts))[:1]",
    ),
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
    Wrong(
        "Column j is divided by the total of row j. The totals have the shape (V,) and are spread "
        "along the wrong dimension: sum with keepdim=True.",
        instead=raised_where_empty_by_columns,
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
