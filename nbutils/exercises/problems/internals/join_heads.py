"""Heads side by side again

When each head has made its mixtures, they have to come back into the shape of the residual stream:
for each position one vector of C numbers. It holds what head 0 found, then what head 1 found, and
so on. Nothing is added or averaged here; a matrix that comes after it mixes what the heads found.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 8


def join_heads(x: torch.Tensor) -> torch.Tensor:
    """Lay the heads' numbers side by side.

    Args:
        x: (B, H, T, D), what each of H heads gives for each of T positions in B windows: D numbers.

    Returns:
        (B, T, C) with C = H * D: at [b, t] stand the D numbers of x[b, 0, t], then those of
        x[b, 1, t], and so on.
    """
    B, H, T, D = x.shape
    return x.transpose(1, 2).reshape(B, T, H * D)


def cases(given):
    few = torch.arange(1, 7, dtype=given.dtype)
    return [
        Case("one head, so that nothing is joined", few.view(1, 1, 2, 3)),
        Case("two heads and one position", few.view(1, 2, 1, 3)),
        Case("two heads of one number and three positions", few.view(1, 2, 3, 1)),
        Case("three heads of two numbers and four positions", given.normal(1, 3, 4, 2)),
        Case("two windows and three heads of four numbers", given.normal(2, 3, 5, 4)),
        Case("heads and positions of one number", given.normal(3, 4, 1, 1)),
        Case("three hundred positions", given.normal(2, 8, 300, 3)),
        Case("twenty heads of one window", given.normal(1, 20, 3, 2)),
    ]


HINTS = (
    "The heads' numbers have to stand beside D before the two can become one dimension. Where is "
    "T now?",
    "Exchange H and T first: (B, T, H, D).",
    "`reshape(B, T, H * D)` then makes one dimension of the last two.",
)
WHY = """
Joining is cutting, backwards: first the exchange, then the shape. The exchange must come first,
because a change of shape keeps the numbers in their order. `transpose` moves no number in memory,
it only counts differently, so `view` may refuse afterwards; `reshape` copies where it must.
"""


def of_some_heads(first, last):
    """A loop from head `first` to the one before H + `last`."""
    return lambda x: torch.cat([x[:, h] for h in range(first, x.shape[1] + last)], dim=-1)


def at_least_one(some):
    return lambda x: some(x) if x.shape[1] > 1 else x[:, 0]


def zeros_for_a_head(left_out):
    def join(x):
        joined = join_heads(x).clone().unflatten(-1, x.shape[1:4:2])
        joined[..., left_out, :] = 0
        return joined.flatten(-2)

    return join


NO_LAST = "The last head is left out. There are H of them: range(H) goes from 0 to H - 1, without the H itself."
NO_FIRST = "Head 0 is left out. There are H heads, and they count from 0: range(H)."


WRONG = (
    Wrong(
        "The shape is right, but positions and heads are mixed up: a change of shape keeps the "
        "numbers in their order. Exchange H and T first.",
        "x.transpose(1, 2)",
        "x",
    ),
    Wrong(
        "Yours fails as soon as there are several heads and several positions: view can't join "
        "dimensions after a transpose, since their numbers don't lie side by side in memory. Use "
        "reshape.",
        "reshape(",
        "view(",
    ),
    Wrong(
        "The heads are added up. Lay them side by side, so that each keeps its place: H * D "
        "numbers.",
        instead=lambda x: x.sum(dim=1),
    ),
    Wrong(
        "The heads are averaged. Lay them side by side, so that each keeps its place: H * D "
        "numbers.",
        instead=lambda x: x.mean(dim=1),
    ),
    Wrong(
        "Your numbers alternate between the heads. First come all D numbers of head 0, then those "
        "of head 1.",
        "transpose(1, 2)",
        "permute(0, 2, 3, 1)",
    ),
    Wrong(
        "Your result is (B, T, H, D). The last two dimensions have to become one.",
        ".reshape(B, T, H * D)",
        "",
    ),
    Wrong(
        "The heads stand one after the other in time: (B, H * T, D). They belong side by side, in "
        "the last dimension.",
        ".transpose(1, 2).reshape(B, T, H * D)",
        ".reshape(B, H * T, D)",
    ),
    Wrong(
        "Your result is (B, C, T): time stands last. The C numbers of a position come last.",
        ".transpose(1, 2).reshape(B, T, H * D)",
        ".transpose(2, 3).reshape(B, H * D, T)",
    ),
    Wrong(
        "The windows are laid side by side, not the heads. Dimension 0 counts the windows, dimension 1 the "
        "heads.",
        instead=lambda x: torch.cat([*x], dim=-1),
    ),
    Wrong(
        "T and D are exchanged; it is H and T that change places, so that each position's heads stand together: "
        "transpose(1, 2).",
        "transpose(1, 2)",
        "transpose(2, 3)",
    ),
    Wrong(
        "H and D are exchanged; it is H and T that change places, so that each position's heads stand together: "
        "transpose(1, 2).",
        "transpose(1, 2)",
        "transpose(1, 3)",
    ),
    Wrong(
        "Windows and heads are exchanged. It is H and T that change places: transpose(1, 2).",
        "transpose(1, 2)",
        "transpose(0, 1)",
    ),
    Wrong(
        "The heads stand in reverse: the last head's numbers come first. Head 0 comes first.",
        "x.transpose(1, 2)",
        "x.flip(1).transpose(1, 2)",
    ),
    Wrong(
        "Only head 0 is there. Lay all heads side by side: H * D numbers.",
        ".transpose(1, 2).reshape(B, T, H * D)",
        "[:, 0]",
    ),
    Wrong(
        "Only the last head is there. Lay all heads side by side: H * D numbers.",
        ".transpose(1, 2).reshape(B, T, H * D)",
        "[:, -1]",
    ),
    Wrong(
        "Of the heads only the largest number is kept at each place. Lay them side by side: H * D numbers.",
        instead=lambda x: x.amax(dim=1),
    ),
    Wrong(
        "The positions are laid side by side, not the heads: (B, H, T * D). Exchange H and T first.",
        ".transpose(1, 2).reshape(B, T, H * D)",
        ".reshape(B, H, T * D)",
    ),
    Wrong(
        "Windows and positions are one dimension in your result: (B * T, C). Keep both: (B, T, C).",
        "reshape(B, T, H * D)",
        "reshape(B * T, H * D)",
    ),
    Wrong(
        "Your windows are one long row each: (B, T * C). Keep the positions: (B, T, C).",
        "reshape(B, T, H * D)",
        "reshape(B, T * H * D)",
    ),
    Wrong(
        "The heads are multiplied by each other. Lay them side by side: H * D numbers.",
        instead=lambda x: x.prod(dim=1),
    ),
    Wrong(
        "You give the heads one by one. Lay them side by side: torch.cat(…, dim=-1).",
        instead=lambda x: x.unbind(dim=1),
    ),
    Wrong(NO_LAST, instead=of_some_heads(0, -1)),
    Wrong(NO_LAST, instead=at_least_one(of_some_heads(0, -1))),
    Wrong(NO_LAST, instead=zeros_for_a_head(-1)),
    Wrong(NO_FIRST, instead=of_some_heads(1, 0)),
    Wrong(NO_FIRST, instead=at_least_one(of_some_heads(1, 0))),
    Wrong(NO_FIRST, instead=zeros_for_a_head(0)),
    Wrong(
        "Only the first window is joined. Give all B of them.", instead=lambda x: join_heads(x[:1])
    ),
)


def head_by_head(x):
    return torch.cat(x.unbind(dim=1), dim=-1)


def with_loops(x):
    B, H, T, D = x.shape
    out = x.new_zeros(B, T, H * D)
    for h in range(H):
        out[:, :, h * D : (h + 1) * D] = x[:, h]
    return out


def by_numpy(x):
    return x.double().numpy().transpose(0, 2, 1, 3).reshape(len(x), x.shape[2], -1)


def as_lists(x):
    return [
        [sum((head[t] for head in window), []) for t in range(len(window[0]))]
        for window in x.tolist()
    ]


RIGHT = (head_by_head, with_loops, by_numpy, as_lists)
