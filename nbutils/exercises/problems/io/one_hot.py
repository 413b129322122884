"""A row with a single 1

A token id is a name that is written as a number: the token 7 is not between the tokens 6 and 8.
Before ids take part in a computation they become rows with one entry for each token of the
vocabulary: a 1 at the token itself, 0 elsewhere. Such a row is also the probability distribution
of somebody who is certain. So you will meet it again where the label pulls at a network's answer.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 3, 10


def one_hot(ids: torch.Tensor, V: int) -> torch.Tensor:
    """Each id as a row with a single 1.

    Args:
        ids: whole numbers from 0 to V - 1, of any shape with at least one dimension, such as (T,)
            or (B, T).
        V: how many tokens the vocabulary has. Not every one of them need be in ``ids``.

    Returns:
        Floats, the shape of ``ids`` with a dimension V added at its end: (T, V), (B, T, V), …
        An id's row is 1 at the place of the id, and 0 elsewhere.
    """
    return (ids[..., None] == torch.arange(V, device=ids.device)).float()


def cases(given):
    return [
        Case("one id", torch.tensor([2]), 5),
        Case("the first and the last id of a vocabulary", torch.tensor([0, 4]), 5),
        Case("an id that comes twice", torch.tensor([3, 1, 3]), 6),
        Case("a batch of windows", torch.tensor([[4, 0, 6], [2, 5, 1]]), 7),
        Case("a larger batch", given.integers(0, 7, 3, 5), 8),
        Case("ids with four dimensions", given.integers(0, 4, 2, 3, 1, 2), 5),
        Case("a vocabulary of one token", torch.tensor([0, 0]), 1),
        Case("a vocabulary of 400 tokens", torch.tensor([399, 256, 7]), 400),
        Case("as many ids as tokens", torch.tensor([1, 2, 0]), 3),
        Case("a vocabulary of two tokens", torch.tensor([1, 0, 1, 1, 0]), 2),
        Case("200 ids of a vocabulary of 300 tokens", given.integers(0, 299, 4, 50), 300),
    ]


HINTS = (
    "Begin with zeros of the right shape, and put one 1 into each row.",
    "For ids of shape (T,): row t of the result has its 1 in column ids[t].",
    "Without a loop: compare each id with all of `torch.arange(V)`. For that an id needs a "
    "dimension of its own: `ids[..., None]` has the shape (…, 1).",
    "A comparison gives True and False. `.float()` makes 1 and 0 of them.",
)
WHY = """
`ids[..., None]` has the shape (…, 1) and `torch.arange(V)` the shape (V,): compared, each id meets
each token of the vocabulary once, and only at its own place are the two equal. The result is float
because it goes on into products and differences with other floats, such as probabilities.
`device=ids.device` makes the row where the ids are, on a GPU too.
"""


def for_one_dimension(ids, V):
    rows = torch.zeros(len(ids), V)
    rows[torch.arange(len(ids)), ids] = 1
    return rows


def a_row_for_each_window(ids, V):
    rows = torch.zeros(len(ids), V)
    for row, its in zip(rows, ids, strict=True):
        row[its] = 1
    return rows


def up_to_two_dimensions(ids, V):
    if ids.dim() == 1:
        return for_one_dimension(ids, V)
    B, T = ids.shape
    rows = torch.zeros(B, T, V)
    rows[torch.arange(B)[:, None], torch.arange(T), ids] = 1
    return rows


def every_row_has_all(ids, V):
    rows = torch.zeros(*ids.shape, V)
    rows[..., ids.flatten()] = 1
    return rows


def columns_by_row(ids, V):
    rows = torch.zeros(V, *ids.shape)
    for v in range(V):
        rows[v] = ids == v
    return rows


WRONG = (
    Wrong(
        "Your rows are all 0. Write a 1 at each id's place.",
        ".float()",
        ".float() * 0",
    ),
    Wrong(
        "Your function gives the ids as floats. Make a row of V entries for each id.",
        "(ids[..., None] == torch.arange(V, device=ids.device)).float()",
        "ids.float()",
    ),
    Wrong(
        "The 1 stands one place too far to the right. Ids are counted from 0: id 0 belongs to the first "
        "entry.",
        "ids[..., None]",
        "((ids + 1) % V)[..., None]",
    ),
    Wrong(
        "Every row has a 1 for every id, since you index all rows with all ids. Each row has one 1: index "
        "rows and columns together, rows[torch.arange(len(ids)), ids].",
        instead=every_row_has_all,
    ),
    Wrong(
        "The vocabulary is the first dimension in your result; it must be the last one.",
        instead=columns_by_row,
    ),
    Wrong(
        "Your function knows one or two dimensions of ids. There may be more, and V comes after all of "
        "them: ids[..., None].",
        instead=up_to_two_dimensions,
    ),
    Wrong(
        "Each row sums to more than 1, as all entries up to the id are 1. Only the id's own place is 1.",
        "==",
        ">=",
    ),
    Wrong(
        "The entries before the id are 1, and its own is 0. Only the id's own place is 1.",
        "==",
        ">",
    ),
    Wrong(
        "All entries from the id on are 1. Only the id's own place is 1.",
        "==",
        "<=",
    ),
    Wrong(
        "You divide by V. Each row has one 1, and is not divided.",
        ".float()",
        ".float() / V",
    ),
    Wrong(
        "You count how often each id comes. Give a row for each id.",
        instead=lambda ids, V: torch.bincount(ids.flatten(), minlength=V).float(),
    ),
    Wrong(
        "You take a softmax of the rows. A row has a single 1, and 0 elsewhere.",
        ".float()",
        ".float().softmax(dim=-1)",
    ),
    Wrong(
        "Your rows are -1 where they should be 0. Write 0 there.",
        ".float()",
        ".float() * 2 - 1",
    ),
    Wrong(
        "You compare ids with 1 to V. They are counted from 0: torch.arange(V).",
        "torch.arange(V, device=ids.device)",
        "torch.arange(1, V + 1, device=ids.device)",
    ),
    Wrong(
        "Your rows are those of the tokens 0, 1, 2, … in order, the identity. Row t has its 1 at ids[t].",
        "ids[..., None]",
        "(torch.arange(ids.numel()).reshape(ids.shape) % V)[..., None]",
    ),
    Wrong(
        "Dimensions of size 1 are dropped, so a vocabulary of one token has no dimension. Keep them: no "
        "squeeze.",
        ".float()",
        ".float().squeeze()",
    ),
    Wrong(
        "Your rows are whole numbers. They have to be floats, so that they can be multiplied with "
        "floats: add .float().",
        ".float()",
        ".long()",
    ),
    Wrong(
        "Your rows are True and False. They have to be floats: add .float().",
        ".float()",
        "",
    ),
    Wrong(
        "The vocabulary is the dimension before the last in your result; it must be the last one.",
        ".float()",
        ".float().transpose(-1, -2)",
    ),
    Wrong(
        "Your rows end at the largest id that comes. Every row must have V entries, also for "
        "tokens that don't come.",
        "torch.arange(V,",
        "torch.arange(int(ids.max()) + 1,",
    ),
    Wrong(
        "Your rows have V + 1 entries. The ids go from 0 to V - 1, so V entries are enough.",
        "torch.arange(V,",
        "torch.arange(V + 1,",
    ),
    Wrong(
        "The 1 stands one place too far to the left, as if ids were counted from 1. They are "
        "counted from 0: id 0 belongs to the first entry.",
        "ids[..., None]",
        "((ids - 1) % V)[..., None]",
    ),
    Wrong(
        "All ids share one row in your result. Each needs a row of its own.",
        ".float()",
        ".float().flatten(0, -2).amax(dim=0)",
    ),
    Wrong(
        "You write the id itself into the row. Write a 1 at the id's place.",
        ".float()",
        ".float() * ids[..., None]",
    ),
    Wrong(
        "Your rows are 0 at the id and 1 everywhere else: exchange them.",
        "==",
        "!=",
    ),
    Wrong(
        "The windows of a batch stand in one long list of rows. Keep the shape of ids, and add V "
        "at its end.",
        ".float()",
        ".float().flatten(0, -2)",
    ),
    Wrong(
        "Your function raises an IndexError for a batch: it knows one dimension of ids only. There "
        "may be more, and V comes after all of them.",
        instead=for_one_dimension,
    ),
    Wrong(
        "In a batch all ids of a window share one row: your result has the shape (B, V). Each id "
        "needs a row of its own: (B, T, V).",
        instead=a_row_for_each_window,
    ),
    Wrong(
        "Your rows have V - 1 entries: the last token has no place. arange(V) goes to V - 1 by itself.",
        "(V, device=ids.device)",
        "(V - 1, device=ids.device)",
    ),
    Wrong(
        "Your places are counted from the end of the row. The id 0 has the first place.",
        "torch.arange(V, device=ids.device)",
        "torch.arange(V - 1, -1, -1)",
    ),
)


def by_pytorch(ids, V):
    return torch.nn.functional.one_hot(ids, V).float()


def from_the_identity(ids, V):
    return np.eye(V)[ids.numpy()]


def scattered(ids, V):
    return torch.zeros(*ids.shape, V).scatter_(-1, ids.unsqueeze(-1), 1.0)


def as_lists(ids, V):
    if ids.dim() > 1:
        return [as_lists(row, V) for row in ids]
    return [[1.0 if v == i else 0.0 for v in range(V)] for i in ids.tolist()]


RIGHT = (by_pytorch, from_the_identity, scattered, as_lists)
