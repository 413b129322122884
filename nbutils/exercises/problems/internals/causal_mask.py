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
    return [
        Case("one position", 1),
        Case("two positions", 2),
        Case("five positions", 5),
        Case("more positions than a table of 256 has", 260),
    ]


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
    Wrong(
        "Each position sees only itself: only the diagonal is True. It may look at what came before, too: 0 to t.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
        "torch.eye(T, dtype=torch.bool)",
    ),
    Wrong(
        "Each position sees only the one before it and itself. It may look at all that came before: 0 to t.",
        ".tril()",
        ".tril().triu(-1)",
    ),
    *(
        Wrong(
            "Your mask is cut from one of a fixed size, too small for a longer text. Make it T by T.",
            instead=lambda T, n=n: causal_mask(n)[:T, :T],
        )
        for n in (5, 6, 8, 10, 16, 32, 64, 100, 128, 256)
    ),
    *(
        Wrong(
            "Your mask always has the same size, whatever T is. Make it T by T.",
            instead=lambda T, n=n: causal_mask(n),
        )
        for n in (3, 4, 5, 6, 8, 10, 16, 32, 64, 128, 256, 1024)
    ),
    Wrong(
        "Your mask has numbers in it, 0 where a position may look and minus infinity where it may not. That is "
        "what a mask becomes when it is added to scores; here it should be True and False.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
        "torch.full((T, T), -torch.inf).triu(1)",
    ),
    Wrong(
        "Your mask has whole numbers in it; it should be True and False. Compare, or choose dtype=torch.bool.",
        "torch.ones(T, T, dtype=torch.bool)",
        "torch.ones(T, T, dtype=torch.long)",
    ),
    Wrong(
        "Your mask is False everywhere, so nothing may be looked at. Row t is True from 0 to t.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
        "torch.zeros(T, T, dtype=torch.bool)",
    ),
    Wrong(
        "The rows stand in reverse: row 0 sees all. Row t is about position t, so row 0 sees itself alone.",
        ".tril()",
        ".tril().flip(0)",
    ),
    Wrong(
        "Row 0 is False everywhere: the first position does not see itself. Row t is True from 0 to t, also for t = 0.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
        "torch.ones(T, T, dtype=torch.bool).tril() & (torch.arange(T) > 0)[:, None]",
    ),
    Wrong(
        "You give one row, that of the last position. Give a row for each of the T positions.",
        instead=lambda T: torch.ones(T, dtype=torch.bool),
    ),
    Wrong(
        "Your mask is one too large. There are T positions, so T rows and T columns.",
        instead=lambda T: causal_mask(T + 1),
    ),
    Wrong(
        "Each of your rows sums to 1: these are equal weights, as a softmax gives them. Give True and False.",
        instead=lambda T: causal_mask(T) / torch.arange(1, T + 1)[:, None],
    ),
    Wrong(
        "Your rows end at the position that looks, so they differ in length. Each has T columns: False where a "
        "position may not look.",
        instead=lambda T: [[True] * (t + 1) for t in range(T)],
    ),
    Wrong(
        "Your mask has T - 1 rows and columns. Make it (T, T): a row for each of the T positions.",
        "torch.ones(T, T,",
        "torch.ones(max(0, T - 1), max(0, T - 1),",
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
