"""Tokens become vectors

A token's id is only a name: token 300 is not "more" than token 200. So a GPT begins by looking up a
row of C numbers for each token. That row is the same wherever the token stands, so a row from a
second table says where it stands: one for position 0, one for position 1, and so on. The sum of the
two is what the first block reads. Both tables are knobs: they start at random, and training turns
them.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong, each

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
    large = 65_537 + given.choice(range(100))

    def tables(V=V, longest=longest, C=C):
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
        Case("more windows than tokens", given.integers(0, longest - 1, 3, 2), *tables()),
        Case(
            "tables in float64",
            given.integers(0, V - 1, 2, 3),
            *(table.double() for table in tables()),
        ),
        Case("a single window and rows of one number", torch.tensor([[2, 0, 2]]), *tables(3, 4, 1)),
        Case(
            "a large vocabulary",
            torch.tensor([[large - 1, 256, 40_000], [0, 32_768, 65_536]]),
            *tables(large, longest, C),
        ),
        Case(
            "a window of more than a thousand tokens",
            given.integers(0, 2, 1, 1030),
            *tables(3, 1040, 2),
        ),
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


def by_float32_rows(ids, token_table, position_table):
    chosen = torch.nn.functional.one_hot(ids, len(token_table)).to(torch.float32)
    return chosen @ token_table + position_table[: ids.shape[1]]


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
    Wrong(
        "The position rows are added once for each window. They belong to the whole batch at once: one + adds "
        "them to every window.",
        "+ position",
        "+ len(ids) * position",
    ),
    Wrong(
        "Your positions run backwards: the first token gets the last position's row. Count from 0 upwards.",
        "position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]].flip(0)",
    ),
    Wrong(
        "The token's row is multiplied by the root of C, as the first transformer did. Here the two rows are "
        "added as they are.",
        "token_table[ids]",
        "token_table[ids] * token_table.shape[1] ** 0.5",
    ),
    Wrong(
        "You give the average of the two rows. Give their sum.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "(token_table[ids] + position_table[: ids.shape[1]]) / 2",
    ),
    Wrong(
        "All tokens get the row of position 0. Each needs the row of its own position.",
        "position_table[: ids.shape[1]]",
        "position_table[0]",
    ),
    Wrong(
        "The position's row is subtracted. Add it.",
        "] + position",
        "] - position",
    ),
    Wrong(
        "All tokens get the sum of the position rows. Each needs the row of its own position alone.",
        "position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]].sum(dim=0)",
    ),
    Wrong(
        "All tokens get the mean of the position rows. Each needs the row of its own position alone.",
        "position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]].mean(dim=0)",
    ),
    Wrong(
        "Each token gets the sum of all position rows up to its own. It needs its own row alone.",
        "position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]].cumsum(dim=0)",
    ),
    *each(
        "Only the first window is looked up. There are B of them: token_table[ids] takes all.",
        "token_table[ids]",
        "token_table[ids[0]]",
        "token_table[ids[:1]]",
    ),
    Wrong(
        "Your ids count from 1: each token gets the row before its own. Row 0 belongs to id 0.",
        "token_table[ids]",
        "token_table[ids - 1]",
    ),
    Wrong(
        "The two tables are exchanged: the ids look up position rows, and the places token rows. Exchange them.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "position_table[ids] + token_table[: ids.shape[1]]",
    ),
    Wrong(
        "The sum of all rows of a window is given: one vector for a window. Give one for each token.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "(token_table[ids] + position_table[: ids.shape[1]]).sum(dim=1)",
    ),
    Wrong(
        "The mean of all rows of a window is given: one vector for a window. Give one for each token.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "(token_table[ids] + position_table[: ids.shape[1]]).mean(dim=1)",
    ),
    Wrong(
        "The numbers of a place in the window are added, not its row: 0, 1, 2, … Look up the row in "
        "position_table.",
        "position_table[: ids.shape[1]]",
        "torch.arange(ids.shape[1])[:, None]",
    ),
    Wrong(
        "The id itself is added to the position's row. It is a name: look up its row in token_table.",
        "token_table[ids]",
        "ids[..., None]",
    ),
    Wrong(
        "Your positions count from 1, so the first row is left out. The first token stands at position 0.",
        "position_table[: ids.shape[1]]",
        "position_table[torch.arange(1, ids.shape[1] + 1)]",
    ),
    Wrong(
        "All tokens get the row T, which is one after the last position. Each needs the row of its own position.",
        "position_table[: ids.shape[1]]",
        "position_table[ids.shape[1]]",
    ),
    Wrong(
        "Windows and tokens are one dimension in your result: (B * T, C). Keep both: (B, T, C).",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "(token_table[ids] + position_table[: ids.shape[1]]).flatten(0, 1)",
    ),
    Wrong(
        "The sum is normalised. Give it as it is; the first block has a layer norm of its own.",
        "return token_table[ids] + position_table[: ids.shape[1]]",
        "x = token_table[ids] + position_table[: ids.shape[1]]\n"
        "    return torch.nn.functional.layer_norm(x, x.shape[-1:])",
    ),
    Wrong(
        "Only the position counts: the token's row is missing. Add it.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "position_table[: ids.shape[1]]",
    ),
    Wrong(
        "Your positions' rows come from token_table. They have a table of their own, position_table.",
        "position_table[: ids.shape[1]]",
        "token_table[: ids.shape[1]]",
    ),
    Wrong(
        "You take as many position rows as there are channels. Take as many as there are tokens: ids.shape[1].",
        "position_table[: ids.shape[1]]",
        "position_table[: token_table.shape[1]]",
    ),
    Wrong(
        "The position's row counts twice. Add it once.",
        "+ position",
        "+ 2 * position",
    ),
    Wrong(
        "The token's row counts twice. Take it once.",
        "return token",
        "return 2 * token",
    ),
    *(
        Wrong(
            "The position row is looked up by the token's id, brought into the table's range. Look it up by "
            "the place within the window: 0 to T - 1.",
            "position_table[: ids.shape[1]]",
            f"position_table[{place}]",
        )
        for place in (
            "ids % len(position_table)",
            "ids % ids.shape[1]",
            "ids.clamp(max=len(position_table) - 1)",
        )
    ),
    Wrong(
        "Your positions are counted through the whole batch, and begin anew after the table's last row. They "
        "begin at 0 in every window.",
        "position_table[: ids.shape[1]]",
        "position_table[torch.arange(ids.numel()).view(ids.shape) % len(position_table)]",
    ),
    Wrong(
        "Your rows with a single 1 are float32, and tables of another dtype can't be multiplied with them. "
        "Look the rows up, token_table[ids], or make them with .to(token_table.dtype).",
        instead=by_float32_rows,
    ),
    *each(
        "Large ids become other ones: yours are turned into numbers of a smaller type. Leave them as they are.",
        "token_table[ids]",
        "token_table[ids.to(torch.int16).long()]",
        "token_table[ids.to(torch.uint8).long()]",
        "token_table[ids.to(torch.bfloat16).long()]",
        "token_table[ids.to(torch.float16).long()]",
    ),
    Wrong(
        "Positions begin anew after 256 tokens in yours. Each place in the window has a row of its own, 0 to T - 1.",
        "position_table[: ids.shape[1]]",
        "position_table[torch.arange(ids.shape[1]) % 256]",
    ),
    Wrong(
        "Tokens and positions stand one after the other, as 2 T vectors. Add the two rows of each place.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "torch.cat([token_table[ids], position_table[: ids.shape[1]].expand(len(ids), -1, -1)], 1)",
    ),
    Wrong(
        "Numbers below 0 become 0. Give the sum as it is; no bend belongs here.",
        "token_table[ids] + position_table[: ids.shape[1]]",
        "(token_table[ids] + position_table[: ids.shape[1]]).relu()",
    ),
    Wrong(
        "Token 0 counts as padding in yours, and has no row. It is a token like the others here.",
        "token_table[ids]",
        "token_table[ids] * (ids > 0)[..., None]",
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
    chosen = torch.nn.functional.one_hot(ids, len(token_table)).double()  # (B, T, V)
    return chosen @ token_table.double() + position_table.double()[None, : ids.size(1)]


def as_lists(ids, token_table, position_table):
    return [
        [(token_table[i] + row).tolist() for i, row in zip(window, position_table, strict=False)]
        for window in ids
    ]


RIGHT = (by_pytorch, with_loops, by_one_hot, as_lists)
