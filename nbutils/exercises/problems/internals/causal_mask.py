"""Hide what comes later

A GPT learns to guess the next token at every position at once. If a position could see the token
that it has to guess, it would copy it and learn nothing. So each position may look at itself and at
what came before, and at nothing later. Say so in a table: one row for each position that looks, one
column for each position that is looked at.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 5, 5


def causal_mask(T: int) -> torch.Tensor:
    """Which positions each position may look at.

    Args:
        T: how many positions there are.

    Returns:
        (T, T), bool: row t is True at the positions that position t may look at: 0 to t.
    """
    return torch.ones(T, T, dtype=torch.bool).tril()


def cases(given):
    return [Case("one position", 1), Case("two positions", 2), Case("five positions", 5)]


HINTS = (
    "Write the table for three positions on paper. Which triangle is True?",
    "`torch.ones(T, T, dtype=torch.bool)` is a table that is True everywhere.",
    "`tril` keeps the lower triangle of a matrix, with its diagonal.",
)
WHY = """
Row t is about the position that looks, so it is True in the columns 0 to t: a lower triangle. The
diagonal belongs to it, since a position may see its own token; what it has to guess is the next one.
"""
WRONG = (
    Wrong(
        "A position can't see itself in your mask: the diagonal is False. It may look at its own "
        "token, since it has to guess the one after it.",
        "tril()",
        "tril(-1)",
    ),
    Wrong(
        "Your mask shows the future and hides the past. Rows are the positions that look, columns "
        "those that are looked at: the lower triangle is True.",
        "tril()",
        "triu()",
    ),
    Wrong(
        "Your mask is True where a position may *not* look. Here True means that it may.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
        "~torch.ones(T, T, dtype=torch.bool).tril()",
    ),
    Wrong(
        "Your mask hides nothing: every position sees those after it.",
        ".tril()",
        "",
    ),
    Wrong(
        "Each position sees one position too far: the token that it has to guess.",
        "tril()",
        "tril(1)",
    ),
    Wrong(
        "Your mask has numbers in it; it should be True and False. Compare, or choose "
        "dtype=torch.bool.",
        "torch.ones(T, T, dtype=torch.bool)",
        "torch.ones(T, T)",
    ),
)


def by_comparing(T):
    place = torch.arange(T)
    return place[None, :] <= place[:, None]


def with_loops(T):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for t in range(T):
        for s in range(t + 1):
            mask[t, s] = True
    return mask


def as_lists(T):
    return [[s <= t for s in range(T)] for t in range(T)]


RIGHT = (by_comparing, with_loops, as_lists)
