"""As many as it takes

Top-k keeps the same number of tokens everywhere. But after "The capital of" the network is unsure
and many tokens make sense; after "two plus two is" only one does. Top-p (also called nucleus
sampling) counts probability and not tokens: it keeps the likeliest tokens until together they hold
the share p. So it keeps few where the network is sure, and many where it is not.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 4, 30


def keep_top_p(probabilities: torch.Tensor, p: float) -> torch.Tensor:
    """The fewest of the largest probabilities that together reach p, scaled to sum to 1.

    Args:
        probabilities: (V,), floats above 0 that sum to 1, no two of them equal, in any order.
        p: above 0 and at most 1.

    Returns:
        (V,), floats: the largest probabilities, as few as have a sum of p or more, each divided by
        their sum and at its own place; 0 elsewhere. A sum of exactly p is enough. At least one
        token is kept.
    """
    largest, ids = probabilities.sort(descending=True)
    before = largest.cumsum(dim=0) - largest  # the share that the likelier tokens hold
    kept = largest.masked_fill(before >= p, 0)
    result = torch.zeros_like(probabilities)
    result[ids] = kept / kept.sum()
    return result


def cases(given):
    def tensor(values, turn=0):
        return torch.tensor(values, dtype=given.dtype).roll(turn)

    turn = int(given.integers(1, 6))
    seven = [0.08, 0.34, 0.02, 0.24, 0.11, 0.16, 0.05]
    return [
        Case("a likeliest token that alone has more than p", tensor([0.6, 0.3, 0.1]), 0.5),
        Case("two tokens that are needed", tensor([0.4, 0.3, 0.2, 0.1]), 0.6),
        Case("seven tokens in any order", tensor(seven, turn), 0.8),
        Case("a very small p", tensor(seven, -turn), 0.03),
        Case("a sum that is exactly p", tensor([0.0625, 0.25, 0.1875, 0.5]), 0.75),
        Case("p = 1, which keeps all", tensor([0.125, 0.5, 0.0625, 0.3125]), 1.0),
    ]


HINTS = (
    "Which token is kept first, and which next? Sort the probabilities from the largest down: "
    "`sort(descending=True)` gives the values and the ids where they stood.",
    "`cumsum` gives the sum up to each token, with the token itself. Whether a token is needed "
    "depends on the sum *before* it: is that still below p?",
    "The first sorted token has nothing before it, so it is always kept, even if p is tiny.",
    "`result[ids] = values` puts sorted values back at their own places. Divide by the sum of "
    "what is kept before or after that.",
)
WHY = """
A token is needed as long as the likelier ones have not reached p. So the question is what they
hold without it: the running sum minus its own share. The token that crosses the line is the last
one kept. The division makes a distribution of what is left; how likely the kept tokens are beside
each other stays as it was.
"""
WRONG = (
    Wrong(
        "What your function keeps doesn't sum to 1. Divide it by its sum.",
        "kept / kept.sum()",
        "kept",
    ),
    Wrong(
        "Your function drops the token that crosses the line, so what it keeps never passes p, "
        "and a small p keeps nothing at all. Look at the sum before each token, without the "
        "token itself.",
        "largest.cumsum(dim=0) - largest  # the share that the likelier tokens hold\n"
        "    kept = largest.masked_fill(before >= p, 0)",
        "largest.cumsum(dim=0)\n    kept = largest.masked_fill(before > p, 0)",
    ),
    Wrong(
        "Your function keeps only what stays below p, and a token that reaches p is dropped, even "
        "if it is the only one. Look at the sum before each token, without the token itself.",
        "largest.cumsum(dim=0) - largest",
        "largest.cumsum(dim=0)",
    ),
    Wrong(
        "Your function drops the token that crosses the line, unless it is the likeliest one. It "
        "is needed: without it the sum is below p.",
        "before >= p",
        "(before + largest > p) & (before > 0)",
    ),
    Wrong(
        "If a sum is exactly p your function keeps one token more. Exactly p is enough: stop "
        "there.",
        "before >= p",
        "before > p",
    ),
    Wrong(
        "Your function always keeps one token too many: the one after the token that reaches p.",
        "before >= p",
        "before - largest.roll(1) * (before > 0) >= p",
    ),
    Wrong(
        "Your result is sorted: the probabilities have lost their tokens. Put each back at its "
        "place.",
        "result[ids] = kept / kept.sum()",
        "result = kept / kept.sum()",
    ),
    Wrong(
        "Your function puts the sorted values back to wrong places. With the ids that sort "
        "gives, it is result[ids] = values, and not result = values[ids].",
        "result[ids] = kept / kept.sum()",
        "result = (kept / kept.sum())[ids]",
    ),
    Wrong(
        "Your function begins with the least likely tokens. Sort from the largest down.",
        "descending=True",
        "descending=False",
    ),
    Wrong(
        "Your function adds up the tokens in the order of their ids. Sort them first: the "
        "likeliest come first.",
        "probabilities.sort(descending=True)",
        "probabilities, torch.arange(len(probabilities))",
    ),
    Wrong(
        "Your function keeps the tokens that have p or more each, and often there is none. It is "
        "their sum that has to reach p.",
        "before >= p",
        "largest < p",
    ),
    Wrong(
        "Your function scales with a softmax, which changes how likely the kept tokens are beside "
        "each other, and gives a share to the others too. Divide by the sum.",
        "kept / kept.sum()",
        "kept.softmax(dim=0)",
    ),
)


def one_after_the_other(probabilities, p):
    rest, result = probabilities.clone(), torch.zeros_like(probabilities)
    while result.sum() < p:
        best = rest.argmax()
        result[best], rest[best] = rest[best].clone(), 0
    return result / result.sum()


def by_the_number(probabilities, p):
    k = 1
    while probabilities.topk(k).values.sum() < p:
        k += 1
    kept = torch.where(probabilities < probabilities.topk(k).values[-1], 0, probabilities)
    return kept / kept.sum()


def by_comparing(probabilities, p):
    exact = probabilities.double()
    likelier = exact[None, :] > exact[:, None]  # (V, V): is this one likelier than that one?
    kept = exact * ((likelier * exact).sum(dim=1) < p)
    return kept / kept.sum()


def as_lists(probabilities, p):
    numbers = probabilities.tolist()
    total, kept = 0.0, set()
    for i in sorted(range(len(numbers)), key=numbers.__getitem__, reverse=True):
        if total >= p:
            break
        total += numbers[i]
        kept.add(i)
    return [number / total if i in kept else 0.0 for i, number in enumerate(numbers)]


RIGHT = (one_after_the_other, by_the_number, by_comparing, as_lists)
