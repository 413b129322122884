"""Which token follows which

The simplest language model doesn't learn, it counts. Two neighbouring tokens are called a
**bigram**. Go through a text and note for each token how often each other token came right after
it. This table is all that a model can know that looks at one token only. So it is a mark that a
network with a longer context has to beat.
"""

from collections import Counter
from itertools import pairwise

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 3, 15


def bigram_counts(tokens: torch.Tensor, V: int) -> torch.Tensor:
    """How often each token comes right after each other one.

    Args:
        tokens: (N,), whole numbers from 0 to V - 1, at least one.
        V: how many tokens the vocabulary has. Not every one of them need be in ``tokens``.

    Returns:
        (V, V), whole numbers: the entry in row i, column j is how often token j stands right after
        token i. All of them together are N - 1.
    """
    counts = torch.zeros(V, V, dtype=torch.long)
    for before, after in pairwise(tokens.tolist()):
        counts[before, after] += 1
    return counts


def cases(given):
    long = torch.cat(
        [given.integers(0, 269, 200), given.integers(0, 3, 100), given.integers(266, 269, 100)]
    )
    return [
        Case("two tokens", torch.tensor([2, 0]), 4),
        Case("one token that nothing follows", torch.tensor([1]), 3),
        Case("five different tokens", torch.tensor(given.sample(range(6), 5)), 6),
        Case("a pair that comes twice", torch.tensor([1, 3, 0, 1, 3]), 5),
        Case("a token after itself", torch.tensor([2, 2, 2, 2, 0, 1]), 3),
        Case("60 tokens", given.integers(0, 4, 60), 5),
        Case("a pair that comes 400 times", torch.tensor([1, 0] * 400 + [0]), 2),
        Case("a vocabulary of one token", torch.tensor([0, 0, 0]), 1),
        Case("a vocabulary of 260 tokens", torch.tensor([259, 256, 259, 256, 3]), 260),
        Case("400 tokens of a vocabulary of 270", long, 270),
    ]


HINTS = (
    "A text of N tokens has N - 1 pairs of neighbours, since pairs overlap: a b c has a b and b c.",
    "Begin with a table of zeros, (V, V), with dtype=torch.long. For each pair add 1 in the row "
    "of the token before and the column of the token after.",
    "`tokens[:-1]` are the tokens before, `tokens[1:]` those after. Go through both at once with "
    "`zip`.",
)
WHY = """
Every token but the last is once a token before, and every token but the first is once a token
after: N - 1 pairs. On a long text the loop is slow. Then give each pair one number,
`tokens[:-1] * V + tokens[1:]`, and let `torch.bincount` count the numbers: with
`minlength=V * V` that is the same table as one long row.
"""


def wrapped(low):
    """Counts in eight bits, from low to low + 255."""
    return lambda tokens, V: (bigram_counts(tokens, V) - low) % 256 + low


def of_codes(code):
    def counts(tokens, V):
        codes = code(tokens[:-1], tokens[1:], V)
        return torch.bincount(codes, minlength=V * V)[: V * V].reshape(V, V)

    return counts


def share(counts, total):
    return counts / total(counts).clamp(min=1)


EIGHT_BITS = (
    "Your counts have eight bits, and begin anew after {}: a pair may come more often. Count with "
    "dtype=torch.long."
)
WRONG = (
    Wrong(EIGHT_BITS.format("255"), instead=wrapped(0)),
    Wrong(EIGHT_BITS.format("127"), instead=wrapped(-128)),
    Wrong(
        "Your counts stop at 255. A pair may come more often: dtype=torch.long.",
        "return counts",
        "return counts.clamp(max=255)",
    ),
    Wrong(
        "Your table is all 0: nothing is counted. Add 1 for each pair.",
        "+= 1",
        "+= 0",
    ),
    Wrong(
        "Several of your pairs share one number. Multiply the token before by V, not by V - 1 or "
        "another number, and add the token after.",
        instead=of_codes(lambda before, after, V: before * (V - 1) + after),
    ),
    Wrong(
        "Several of your pairs share one number. Multiply the token before by V, not by V - 1 or "
        "another number, and add the token after.",
        instead=of_codes(lambda before, after, V: before + after),
    ),
    Wrong(
        "Several of your pairs share one number. Multiply the token before by V, not by V - 1 or "
        "another number, and add the token after.",
        instead=of_codes(lambda before, after, V: before * after),
    ),
    Wrong(
        "You count single tokens. Count pairs of neighbours, in a table (V, V).",
        instead=lambda tokens, V: torch.bincount(tokens, minlength=V),
    ),
    Wrong(
        "You count single tokens, on the diagonal. Count pairs of neighbours.",
        instead=lambda tokens, V: torch.bincount(tokens, minlength=V).diag(),
    ),
    Wrong(
        "You give the counts as one long row. Give a table: reshape(V, V).",
        "return counts",
        "return counts.flatten()",
    ),
    Wrong(
        "You give a dict. Give a table (V, V), with 0 for pairs that don't come.",
        instead=lambda tokens, V: dict(Counter(pairwise(tokens.tolist()))),
    ),
    Wrong(
        "You give the list of pairs. Give a table (V, V) of how often each comes.",
        instead=lambda tokens, V: list(pairwise(tokens.tolist())),
    ),
    Wrong(
        "You give probabilities. Give the counts, whole numbers.",
        "return counts",
        "return share(counts, lambda table: table.sum(dim=-1, keepdim=True))",
    ),
    Wrong(
        "You divide by the number of pairs. Give the counts, whole numbers.",
        "return counts",
        "return share(counts, lambda table: table.sum())",
    ),
    Wrong(
        "Your table has one row and one column too many. Tokens go from 0 to V - 1.",
        "torch.zeros(V, V",
        "torch.zeros(V + 1, V + 1",
    ),
    Wrong(
        "You count each token with every later one. Count it with the very next one.",
        instead=lambda tokens, V: torch.stack(
            [
                torch.bincount(
                    torch.cat([tokens[n + 1 :] for n in (tokens == i).nonzero().flatten().tolist()])
                    if (tokens[:-1] == i).any()
                    else tokens[:0],
                    minlength=V,
                )
                for i in range(V)
            ]
        ),
    ),
    Wrong(
        "You count each token with itself as the next one. The token after is tokens[n + 1].",
        "counts[before, after]",
        "counts[before, before]",
    ),
    Wrong(
        "You count in the row and the column of the token after. The row is the token before.",
        "counts[before, after]",
        "counts[after, after]",
    ),
    Wrong(
        "Your table has rows and columns only for the tokens that come. It must have V of both.",
        instead=lambda tokens, V: bigram_counts(
            tokens.unique(return_inverse=True)[1], len(tokens.unique())
        ),
    ),
    Wrong(
        "You count from 1: row and column are one place off. Token 0 has row 0 and column 0.",
        "counts[before, after]",
        "counts[before - 1, after - 1]",
    ),
    Wrong(
        "You add the whole row of the token before. Add 1 at one place: counts[before, after].",
        "counts[before, after]",
        "counts[before]",
    ),
    Wrong(
        "You add to the whole column of the token after. Add 1 at one place: counts[before, after]. "
        "(`[[0] * V] * V` is one row, V times: make each row anew.)",
        "counts[before, after]",
        "counts[:, after]",
    ),
    Wrong(
        "You stop after the first pair. Is the return inside the loop?",
        "    return counts",
        "        return counts\n    return counts",
    ),
    Wrong(
        "You give the pair that comes most often. Give the whole table.",
        "return counts",
        "return divmod(int(counts.argmax()), V)",
    ),
    Wrong(
        "Rows and columns are exchanged: the row is the token before, the column the one after.",
        "counts[before, after]",
        "counts[after, before]",
    ),
    Wrong(
        "A pair that comes again is not counted again: your entries are 0 or 1. If you write "
        "counts[a, b] += 1 with whole tensors a and b, each place is raised only once; use a loop "
        "or torch.bincount.",
        "+= 1",
        "= 1",
    ),
    Wrong(
        "You also count the last token and the first as a pair. Nothing stands after the last "
        "token.",
        "pairwise(tokens.tolist())",
        "pairwise([*tokens.tolist(), int(tokens[0])])",
    ),
    Wrong(
        "The last pair is missing: N tokens have N - 1 pairs.",
        "tokens.tolist()",
        "tokens[:-1].tolist()",
    ),
    Wrong(
        "The first pair is missing: N tokens have N - 1 pairs.",
        "tokens.tolist()",
        "tokens[1:].tolist()",
    ),
    Wrong(
        "You count every second pair only. Pairs overlap: the token after is the next pair's token "
        "before.",
        "pairwise(tokens.tolist())",
        "list(pairwise(tokens.tolist()))[::2]",
    ),
    Wrong(
        "You count each pair in both directions. Only the order of the text counts.",
        "counts[before, after] += 1",
        "counts[before, after] += 1; counts[after, before] += 1",
    ),
    Wrong(
        "Your table ends at the largest id that comes. It must have V rows and V columns, also for "
        "tokens that don't come.",
        "counts = torch.zeros",
        "V = int(tokens.max()) + 1\n    counts = torch.zeros",
    ),
    Wrong(
        "Your counts are floats. Counts are whole numbers: dtype=torch.long.",
        ", dtype=torch.long",
        "",
    ),
    Wrong(
        "Every count is one too high, also where no pair came. Begin with zeros.",
        "torch.zeros",
        "torch.ones",
    ),
    Wrong(
        "A token right after itself is not counted. It is a pair like any other.",
        "+= 1",
        "+= before != after",
    ),
    Wrong(
        "You count a token and the one two places later. Count neighbours.",
        "pairwise(tokens.tolist())",
        "zip(tokens.tolist(), tokens.tolist()[2:])",
    ),
)


def by_bincount(tokens, V):
    return torch.bincount(tokens[:-1] * V + tokens[1:], minlength=V * V).reshape(V, V)


def by_adding_at(tokens, V):
    counts = np.zeros((V, V), dtype=int)
    np.add.at(counts, (tokens[:-1].numpy(), tokens[1:].numpy()), 1)
    return counts


def by_multiplying(tokens, V):
    hot = torch.nn.functional.one_hot(tokens, V)
    return hot[:-1].T @ hot[1:]


def by_looking_up(tokens, V):
    pairs = [(int(tokens[n - 1]), int(tokens[n])) for n in range(1, len(tokens))]
    known = {pair: pairs.count(pair) for pair in pairs}
    return [[known.get((i, j), 0) for j in range(V)] for i in range(V)]


RIGHT = (by_bincount, by_adding_at, by_multiplying, by_looking_up)
