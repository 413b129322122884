"""Only the k likeliest

A network gives every token a chance, if only a tiny one, and it has tens of thousands of tokens.
Many tiny chances add up: sooner or later a token that makes no sense is drawn. Top-k allows only
the k likeliest tokens. It works on the logits: a logit of minus infinity becomes the probability 0
in the softmax that follows.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def keep_top_k(logits: torch.Tensor, k: int) -> torch.Tensor:
    """The k largest logits, and minus infinity for all others.

    Args:
        logits: (V,), floats, no two of them equal.
        k: how many to keep, at least 1. It may be V or more; then all are kept.

    Returns:
        (V,), floats: the k largest logits, unchanged and each at its own place, and -inf elsewhere.
    """
    least = logits.topk(min(k, len(logits))).values[-1]  # the smallest logit that stays
    return logits.masked_fill(logits < least, -math.inf)


def cases(given):
    def tensor(values):
        return torch.tensor(values, dtype=given.dtype)

    logits = [-3.5, 2.5, -1.0, 0.5, 3.0, 1.5, -2.5]
    turned = tensor(logits).roll(int(given.integers(0, 6)))
    below = -tensor([5.0, 1.0, *given.sample([2.0, 2.5, 3.0, 4.0], 4)])
    return [
        Case("one logit of three", tensor([0.5, 2.0, -1.0]), 1),
        Case("three of seven", turned, 3),
        Case("negative logits only, so that 0 is larger than all", below, 2),
        Case("all but one", tensor([1.0, -2.0, 3.0, 0.25]), 3),
        Case("k = V", turned[:5], 5),
        Case("a k that is larger than V", turned[2:], 9),
    ]


HINTS = (
    "Which is the smallest logit that stays? If you know it, each logit can be compared with it.",
    "`logits.topk(k)` gives the k largest, sorted from the largest down, as `.values`, and their "
    "ids as `.indices`. It raises an error if k is larger than V.",
    "`logits.masked_fill(mask, -math.inf)` puts minus infinity where the mask is True. The "
    "smallest logit that stays must not be struck out itself.",
)
WHY = """
The k-th largest logit is the bar: what lies below it goes. Minus infinity and not 0, since e to
the minus infinity is 0, while a logit of 0 is an ordinary one, and often a good one. `min(k, V)`
is there for a generous k: nobody can keep more tokens than there are.
"""
WRONG = (
    Wrong(
        "Your function strikes out with 0. A logit of 0 is an ordinary one, larger than any "
        "negative logit; use minus infinity.",
        "-math.inf",
        "0.0",
    ),
    Wrong(
        "Your function strikes out with -1e9. Use minus infinity, -math.inf: then the probability "
        "is 0 for any logits.",
        "-math.inf",
        "-1e9",
    ),
    Wrong(
        "Your function strikes out with plus infinity. After a softmax nothing but nan would be "
        "left; use minus infinity.",
        "-math.inf",
        "math.inf",
    ),
    Wrong(
        "Your function keeps one logit too few: the k-th largest is struck out as well. Strike out "
        "what is smaller than it, and not what is equal.",
        "logits < least",
        "logits <= least",
    ),
    Wrong(
        "Your function keeps one logit too many: k + 1 of them. The k-th largest is the last that "
        "stays.",
        "min(k, len(logits))",
        "min(k + 1, len(logits))",
    ),
    Wrong(
        "Your function keeps the smallest logits and strikes out the likely ones. Keep the k "
        "largest.",
        "logits < least",
        "logits > logits.sort().values[min(k, len(logits)) - 1]",
    ),
    Wrong(
        "Your function strikes out the largest logits and keeps the others. It should be the other "
        "way round.",
        "logits < least",
        "logits >= least",
    ),
    Wrong(
        "Your function asks topk for more logits than there are, if k is larger than V. Ask for "
        "min(k, V).",
        "min(k, len(logits))",
        "k",
    ),
    Wrong(
        "Your function gives only the kept logits, sorted. Their places say which token each "
        "belongs to: give all V places, with -inf where nothing is kept.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.topk(min(k, len(logits))).values",
    ),
    Wrong(
        "Your function has sorted the logits. Leave each at its own place: the place is the "
        "token's id.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.sort(descending=True).values.masked_fill(torch.arange(len(logits)) >= k, "
        "-math.inf)",
    ),
    Wrong(
        "Your function keeps the first k places, whatever stands there. Keep the k largest logits.",
        "logits < least",
        "torch.arange(len(logits)) >= k",
    ),
    Wrong(
        "Your function keeps the logits that are farthest from 0, negative ones too. Compare the "
        "logits as they are, without abs.",
        "logits < least",
        "logits.abs() < logits.abs().topk(min(k, len(logits))).values[-1]",
    ),
    Wrong(
        "Your function gives probabilities. It should give logits; the softmax comes later.",
        "-math.inf)",
        "-math.inf).softmax(dim=-1)",
    ),
)


def by_places(logits, k):
    kept = torch.full_like(logits, -math.inf)
    ids = logits.argsort(descending=True)[:k]
    kept[ids] = logits[ids]
    return kept


def by_counting(logits, k):
    larger = (logits[None, :] > logits[:, None]).sum(dim=1)  # how many are larger than each
    return torch.where(larger < k, logits, -math.inf)


def in_place(logits, k):
    if k < len(logits):
        logits[logits.topk(len(logits) - k, largest=False).indices] = -math.inf
    return logits


def as_lists(logits, k):
    best = sorted(logits.tolist(), reverse=True)[:k]
    return [x if x in best else -math.inf for x in logits.tolist()]


RIGHT = (by_places, by_counting, in_place, as_lists)
