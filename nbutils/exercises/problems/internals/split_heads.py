"""Cut into heads

One attention makes one mixture for each position, and a position often needs several. So the C
numbers of each position are cut into H pieces, the heads: the first D = C / H numbers are head 0's,
the next D are head 1's, and so on. Each head then runs attention on its own piece. Heads don't look
at each other, just as windows don't, so their dimension stands beside the batch, before time: then
one matrix product does all heads of all windows at once.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 12


def split_heads(x: torch.Tensor, n_head: int) -> torch.Tensor:
    """Cut each position's numbers into pieces of equal width, one for each head.

    Args:
        x: (B, T, C), C numbers for each of T positions in B windows.
        n_head: H, how many heads there are; it divides C.

    Returns:
        (B, H, T, D) with D = C / H: at [b, h, t] stand the numbers h * D to (h + 1) * D - 1 of
        x[b, t].
    """
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)


def cases(given):
    few = torch.arange(1, 7, dtype=given.dtype)
    return [
        Case("one head, so that nothing is cut", few.view(1, 2, 3), 1),
        Case("one position and two heads", few.view(1, 1, 6), 2),
        Case("three positions and two heads of one number", few.view(1, 3, 2), 2),
        Case("four positions and three heads of two numbers", given.normal(1, 4, 6), 3),
        Case("two windows and three heads of four numbers", given.normal(2, 5, 12), 3),
    ]


HINTS = (
    "First cut the last dimension in two: (B, T, C) becomes (B, T, H, D). No number has to move "
    "for that.",
    "`x.view(B, T, H, D)` reads the same numbers, in the same order, in another shape.",
    "Then H must stand before T. That is no view: numbers change their order.",
    "`transpose(1, 2)` exchanges the dimensions 1 and 2.",
)
WHY = """
`view` keeps the order of the numbers, so it can only cut the last dimension where the pieces lie
side by side: (B, T, H, D). A `view` straight to (B, H, T, D) has the right shape and the wrong
numbers: head 0 would get the first positions, whole, instead of a piece of every position. Only
`transpose` exchanges dimensions.
"""
WRONG = (
    Wrong(
        "The shape is right, but the positions are mixed up: a view straight to (B, H, T, D) "
        "keeps the numbers in their order. View as (B, T, H, D), then exchange H and T.",
        "x.view(B, T, n_head, C // n_head).transpose(1, 2)",
        "x.view(B, n_head, T, C // n_head)",
    ),
    Wrong(
        "Your result is (B, T, H, D): time stands before the heads. Exchange the two.",
        ".transpose(1, 2)",
        "",
    ),
    Wrong(
        "Your heads take every H-th number. Head h takes D numbers that stand side by side: view "
        "as (B, T, H, D), not as (B, T, D, H).",
        "x.view(B, T, n_head, C // n_head).transpose(1, 2)",
        "x.view(B, T, C // n_head, n_head).permute(0, 3, 1, 2)",
    ),
    Wrong(
        "Your heads are n_head numbers wide, and there are C / n_head of them. It is the other way "
        "round: n_head heads, each C / n_head wide.",
        "n_head, C // n_head",
        "C // n_head, n_head",
    ),
    Wrong(
        "Your result is (B, H, D, T): time stands last. The D numbers of a position come last.",
        ".transpose(1, 2)",
        ".permute(0, 2, 3, 1)",
    ),
    Wrong(
        "Your result is (H, B, T, D): the heads stand before the windows. The batch comes first.",
        ".transpose(1, 2)",
        ".permute(2, 0, 1, 3)",
    ),
    Wrong(
        "Windows and heads are one dimension in your result. Keep both: (B, H, T, D).",
        ".transpose(1, 2)",
        ".transpose(1, 2).flatten(0, 1)",
    ),
)


def piece_by_piece(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1), dim=1)


def with_loops(x, n_head):
    B, T, C = x.shape
    D = C // n_head
    out = torch.empty(B, n_head, T, D, dtype=x.dtype)
    for h in range(n_head):
        for i in range(D):
            out[:, h, :, i] = x[:, :, h * D + i]
    return out


def by_numpy(x, n_head):
    return x.double().numpy().reshape(*x.shape[:2], n_head, -1).swapaxes(1, 2)


def as_lists(x, n_head):
    D = x.shape[-1] // n_head
    return [
        [[row[h * D : (h + 1) * D] for row in window] for h in range(n_head)]
        for window in x.tolist()
    ]


RIGHT = (piece_by_piece, with_loops, by_numpy, as_lists)
