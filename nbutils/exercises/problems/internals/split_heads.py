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
        Case("as many heads as numbers", given.normal(3, 1, 4), 4),
        Case("three hundred positions", given.normal(2, 300, 24), 8),
        Case("twenty heads of one window", given.normal(1, 3, 40), 20),
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


def of_some_heads(first, last):
    """A loop from head `first` to the one before H + `last`, one head at least."""

    def split(x, n_head):
        heads = split_heads(x, n_head)
        return heads[:, first : n_head + last] if n_head > 1 else heads

    return split


def zeros_for_a_head(left_out):
    def split(x, n_head):
        heads = split_heads(x, n_head).clone()
        heads[:, left_out] = 0
        return heads

    return split


def one_step_a_head(x, n_head):
    D = x.shape[-1] // n_head
    return torch.stack([x[..., h : h + D] for h in range(n_head)], dim=1)


NO_LAST = "The last head is left out. There are H of them: range(H) goes from 0 to H - 1, without the H itself."
NO_FIRST = "Head 0 is left out. There are H heads, and they count from 0: range(H)."


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
    Wrong(
        "H and D are exchanged: your result is (B, T, D, H). It is T and H that change places: transpose(1, 2).",
        ".transpose(1, 2)",
        ".transpose(2, 3)",
    ),
    Wrong(
        "Windows and positions are exchanged with each other, not positions and heads: (T, B, H, D). Exchange "
        "dimensions 1 and 2.",
        ".transpose(1, 2)",
        ".transpose(0, 1)",
    ),
    Wrong(
        "T and D are exchanged: your result is (B, D, H, T). It is T and H that change places: transpose(1, 2).",
        ".transpose(1, 2)",
        ".transpose(1, 3)",
    ),
    Wrong(
        "Your result is (H, T, B, D). The batch comes first, then the heads.",
        ".transpose(1, 2)",
        ".permute(2, 1, 0, 3)",
    ),
    Wrong(
        "The shape is right, but the numbers are not: the positions were exchanged with the numbers first, and then "
        "a change of shape mixed them. View as (B, T, H, D), then exchange H and T.",
        "x.view(B, T, n_head, C // n_head).transpose(1, 2)",
        "x.transpose(1, 2).reshape(B, n_head, T, C // n_head)",
    ),
    Wrong(
        "The positions are cut into pieces, not the numbers of each. Cut the last dimension: (B, T, H, D).",
        "x.view(B, T, n_head, C // n_head).transpose(1, 2)",
        "x.view(B, n_head, T // n_head, C)",
    ),
    Wrong(
        "Only head 0 is there. Give all H of them.",
        ".transpose(1, 2)",
        ".transpose(1, 2)[:, 0]",
    ),
    Wrong(
        "Only head 0 is there. Give all H of them.",
        ".transpose(1, 2)",
        ".transpose(1, 2)[:, :1]",
    ),
    Wrong(
        "The heads stand in reverse: head 0 has the last D numbers. It has the first.",
        ".transpose(1, 2)",
        ".transpose(1, 2).flip(1)",
    ),
    Wrong(
        "Every head gets all C numbers. Cut them: D = C / H for each.",
        "x.view(B, T, n_head, C // n_head).transpose(1, 2)",
        "x[:, None].expand(B, n_head, T, C)",
    ),
    Wrong(
        "Your heads are added up. They stand beside each other in a dimension of their own: (B, H, T, D).",
        ".transpose(1, 2)",
        ".sum(2)",
    ),
    Wrong(
        "You give the pieces one by one, H tensors of (B, T, D). Make one tensor of them: torch.stack(…, dim=1).",
        instead=lambda x, n_head: x.chunk(n_head, dim=-1),
    ),
    Wrong(
        NO_LAST,
        instead=of_some_heads(0, -1),
    ),
    Wrong(
        NO_LAST,
        instead=zeros_for_a_head(-1),
    ),
    Wrong(
        NO_FIRST,
        instead=of_some_heads(1, 0),
    ),
    Wrong(
        NO_FIRST,
        instead=zeros_for_a_head(0),
    ),
    Wrong(
        "Head h begins at the number h in yours, so that heads overlap. It begins at h * D.",
        instead=one_step_a_head,
    ),
    Wrong(
        "Only the first window is cut. Give all B of them.",
        instead=lambda x, n_head: split_heads(x[:1], n_head),
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
