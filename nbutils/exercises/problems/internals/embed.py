"""Tokens become vectors

A token's id is only a name: token 300 is not "more" than token 200. So a GPT begins by looking up a
row of C numbers for each token. That row is the same wherever the token stands, so a row from a
second table says where it stands: one for position 0, one for position 1, and so on. The sum of the
two is what the first block reads. Both tables are knobs: they start at random, and training turns
them.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 10


def embed(
    ids: torch.Tensor, token_table: torch.Tensor, position_table: torch.Tensor
) -> torch.Tensor:
    """For each token of each window the sum of its token's row and its position's row.

    Args:
        ids: (B, T), whole numbers: the token ids of B windows of T tokens.
        token_table: (V, C), a row for each token of the vocabulary.
        position_table: (longest, C), a row for each position of the longest window that there may
            be. T is at most longest, and often smaller. Positions count from 0 in every window.

    Returns:
        (B, T, C), in the tables' dtype.
    """
    return token_table[ids] + position_table[: ids.shape[1]]


def cases(given):
    V, longest, C = 11, 5, 3

    def tables():
        return given.normal(V, C), given.normal(longest, C)

    token = given.choice(range(longest, V))
    return [
        Case("one token", torch.tensor([[token]]), *tables()),
        Case(
            "the same token three times, so that only positions differ",
            torch.full((1, 3), token),
            *tables(),
        ),
        Case("different tokens", torch.tensor([given.sample(range(V), 4)]), *tables()),
        Case("a window of the greatest length", given.integers(0, V - 1, 1, longest), *tables()),
        Case("two windows", given.integers(0, V - 1, 2, 4), *tables()),
    ]


HINTS = (
    "Indexing a table with a tensor of ids looks up a row for each: `token_table[ids]`. Which "
    "shape has that?",
    "The positions of a window are 0, 1, …, T - 1, whatever tokens stand there. T is "
    "`ids.shape[1]`.",
    "The first T rows of a table are `table[:T]`.",
    "(B, T, C) + (T, C) is broadcasting: every window gets the same position rows.",
)
WHY = """
Indexing with a (B, T) tensor puts a row of C numbers in the place of each id, so the result is
(B, T, C). The position rows are (T, C): they fit from the right, so each window gets the same ones.
Adding loses nothing that matters: with many channels the network finds room for both in one vector.
"""
WRONG = (
    Wrong(
        "The position has no effect: the same token gives the same vector everywhere. Add the row "
        "of its position.",
        " + position_table[: ids.shape[1]]",
        "",
    ),
    Wrong(
        "The whole position table is added, so windows shorter than it don't fit. Take its first T "
        "rows.",
        "position_table[: ids.shape[1]]",
        "position_table",
    ),
    Wrong(
        "Your windows get the last T rows of the position table. The first token stands at "
        "position 0: take the first T rows.",
        "position_table[: ids.shape[1]]",
        "position_table[len(position_table) - ids.shape[1] :]",
    ),
    Wrong(
        "Your positions count from 1, so the first row is left out. The first token stands at "
        "position 0.",
        "position_table[: ids.shape[1]]",
        "position_table[1 : ids.shape[1] + 1]",
    ),
    Wrong(
        "Your positions run to B, the number of windows. They run to T, the number of tokens: "
        "ids.shape[1].",
        "ids.shape[1]",
        "ids.shape[0]",
    ),
    Wrong(
        "The number of the window chooses the position row, so all tokens of a window get the same "
        "one. Choose it by the place within the window.",
        "position_table[: ids.shape[1]]",
        "position_table[: ids.shape[0], None]",
    ),
    Wrong(
        "All tokens get the row of the last position. Each needs the row of its own position.",
        "position_table[: ids.shape[1]]",
        "position_table[ids.shape[1] - 1]",
    ),
    Wrong(
        "The position row is looked up by the token's id. Look it up by the place within the "
        "window: 0 to T - 1.",
        "position_table[: ids.shape[1]]",
        "position_table[ids]",
    ),
    Wrong(
        "The two rows are multiplied; add them.",
        "] + position",
        "] * position",
    ),
    Wrong(
        "The two rows stand side by side, so the vector is 2 C long. Add them: the result has C "
        "numbers.",
        instead=lambda ids, token_table, position_table: torch.cat(
            [token_table[ids], position_table[: ids.shape[1]].expand(*ids.shape, -1)], dim=-1
        ),
    ),
    Wrong(
        "Your positions are counted through the whole batch. They begin at 0 in every window.",
        instead=lambda ids, token_table, position_table: (
            token_table[ids] + position_table[torch.arange(ids.numel()).view(ids.shape)]
        ),
    ),
    Wrong(
        "Only the position counts: the token's row is missing. Add it.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]].expand(*ids.shape, -1)",
    ),
)


def by_pytorch(ids, token_table, position_table):
    places = torch.arange(ids.shape[1]).expand_as(ids)
    return torch.nn.functional.embedding(ids, token_table) + position_table[places]


def with_loops(ids, token_table, position_table):
    out = torch.empty(*ids.shape, token_table.shape[1], dtype=token_table.dtype)
    for b, window in enumerate(ids.tolist()):
        for t, token in enumerate(window):
            out[b, t] = token_table[token]
            out[b, t] += position_table[t]
    return out


def by_one_hot(ids, token_table, position_table):
    chosen = torch.eye(len(token_table), dtype=torch.float64)[ids]  # (B, T, V)
    return chosen @ token_table.double() + position_table.double()[None, : ids.size(1)]


def as_lists(ids, token_table, position_table):
    return [
        [(token_table[i] + row).tolist() for i, row in zip(window, position_table, strict=False)]
        for window in ids
    ]


RIGHT = (by_pytorch, with_loops, by_one_hot, as_lists)
