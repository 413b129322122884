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

    logits = [-3.5, 2.5, -1.0, 0.5, 3.0, 1.5, -2.25]
    turned = tensor(logits).roll(int(given.integers(0, 6)))
    below = -tensor([5.0, 1.0, *given.sample([2.0, 2.5, 3.0, 4.0], 4)])
    return [
        Case("one logit of three", tensor([0.5, 2.0, -1.0]), 1),
        Case("three of seven", turned, 3),
        Case("negative logits only, so that 0 is larger than all", below, 2),
        Case("all but one", tensor([1.0, -2.0, 3.0, 0.25]), 3),
        Case("k = V", turned[:5], 5),
        Case("a k that is larger than V", turned[2:], 9),
        Case("two logits that are nearly equal", tensor([0.25, 2.0, -0.5, 2.25, -3.0]), 1),
        Case("120 of 200", given.normal(200).argsort().to(given.dtype) / 8, 120),
        Case("a logit of 0 among those that go", tensor([1.0, 0.0, 3.0, -1.5]), 2),
        Case("one logit alone", tensor([-0.5]), 1),
        Case("logits of 1,000 and -1,000", tensor([0.0, -1000, 3, 1000, -1016, 0.5, 1016]), 5),
        Case("all but one of 400", given.normal(400).argsort().to(given.dtype) - 200, 399),
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
    *(
        Wrong(
            "Your function strikes out with a large negative number. Use minus infinity, -math.inf: "
            "then the probability is 0 for any logits.",
            "-math.inf",
            number,
        )
        for number in (
            *(
                "-1e9",
                "-1e10",
                "-1e8",
                "-1e6",
                "-1e5",
                "-1e4",
                "-1e3",
                "-100.0",
                "-999.0",
                "-9999.0",
            ),
            *("torch.finfo(logits.dtype).min", "torch.finfo(torch.float16).min", "-1e20", "-1e30"),
        )
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
    Wrong(
        "In your function what stays is nan: a mask of 0 and 1 is multiplied by infinity, and 0 times "
        "infinity is nan. Choose instead of multiplying: masked_fill or torch.where.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits - (logits < least) * math.inf",
    ),
    Wrong(
        "In your function what goes is nan: infinity was multiplied by 0, or subtracted from itself. "
        "Put -math.inf there: masked_fill or torch.where.",
        "-math.inf",
        "math.nan",
    ),
    *(
        Wrong(
            "argsort gives the ids in the order of their logits, and no ranks: its entry i is not the "
            "rank of token i. For ranks use argsort twice, or compare with the k-th largest logit.",
            "logits < least",
            mask,
        )
        for mask in (
            "logits.argsort(descending=True) >= k",
            "logits.argsort() < len(logits) - k",
            "logits.argsort() >= k",
        )
    ),
    Wrong(
        "Your function looks for the k-th of the sorted logits, and there is none if k is larger than "
        "V. Look for number min(k, V).",
        "logits.topk(min(k, len(logits))).values[-1]",
        "logits.sort(descending=True).values[k - 1]",
    ),
    Wrong(
        "Your function keeps one logit too many, and fails where k is V or more: sorted[k] is the one "
        "after the k-th largest. Counted from 0, that is number k - 1; and k may be larger than V.",
        "logits.topk(min(k, len(logits))).values[-1]",
        "logits.sort(descending=True).values[k]",
    ),
    Wrong(
        "Your function keeps one logit too few: k - 1 of them, but one at least. The k-th largest is "
        "the last that stays.",
        "min(k, len(logits))",
        "max(1, min(k, len(logits)) - 1)",
    ),
    Wrong(
        "Your function keeps the largest logit only, whatever k is. The bar is the k-th largest: the "
        "last value that topk gives, and not the first.",
        ".values[-1]",
        ".values[0]",
    ),
    Wrong(
        "Your function takes its bar from the wrong end: the k-th smallest logit. Take the k-th "
        "largest.",
        "logits.topk(min(k, len(logits))).values[-1]",
        "logits.sort().values[min(k, len(logits)) - 1]",
    ),
    Wrong(
        "Your function strikes out the k smallest logits. Keep the k largest: V - k of them go.",
        "logits.topk(min(k, len(logits))).values[-1]",
        "[*logits.sort().values.tolist(), math.inf][min(k, len(logits))]",
    ),
    Wrong(
        "Your function strikes out the k smallest logits. Keep the k largest: V - k of them go.",
        "logits < least",
        "logits <= logits.sort().values[min(k, len(logits)) - 1]",
    ),
    Wrong(
        "Your function compares the logits with k itself. k says how many stay: compare with the "
        "k-th largest logit.",
        "logits < least",
        "logits < k",
    ),
    Wrong(
        "Your function strikes out what is below the average, whatever k is. Keep the k largest.",
        "logits < least",
        "logits < logits.mean()",
    ),
    Wrong(
        "Your function strikes out the smallest logit only. Keep the k largest, no more.",
        "logits < least",
        "logits <= logits.min()",
    ),
    Wrong(
        "Your function keeps the last k places, whatever stands there. Keep the k largest logits.",
        "logits < least",
        "torch.arange(len(logits)) < len(logits) - k",
    ),
    Wrong(
        "Your function gives the ids of the largest logits. Give all V logits, with -inf where "
        "nothing is kept.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.topk(min(k, len(logits))).indices",
    ),
    Wrong(
        "Your function gives the kept logits only, in the order of the ids. Their places are lost: "
        "give all V places, with -inf where nothing is kept.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits[logits >= least]",
    ),
    Wrong(
        "Your function gives the mask. Give the logits, with -inf where the mask strikes out.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits >= least",
    ),
    Wrong(
        "Your function gives a mask that is True where a logit goes. Give the logits, with -inf there.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits < least",
    ),
    Wrong(
        "Your function gives 1 or 0 where a logit stays. Each that stays is unchanged.",
        "logits.masked_fill(logits < least, -math.inf)",
        "torch.where(logits < least, -math.inf, 1.0)",
    ),
    Wrong(
        "Your function gives 1 or 0 where a logit stays. Each that stays is unchanged.",
        "logits.masked_fill(logits < least, -math.inf)",
        "torch.where(logits < least, -math.inf, 0.0)",
    ),
    Wrong(
        "Your function raises what is small up to the k-th largest logit. Strike it out: -inf.",
        "-math.inf)",
        "least)",
    ),
    Wrong(
        "Your function takes the softmax first and keeps probabilities, 0 elsewhere. Work on the "
        "logits: those that stay are unchanged, the others are -inf.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.softmax(dim=-1).masked_fill(logits < least, 0)",
    ),
    Wrong(
        "Your function takes the softmax first, so what stays is a probability. Work on the logits: "
        "those that stay are unchanged.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.softmax(dim=-1).masked_fill(logits < least, -math.inf)",
    ),
    Wrong(
        "Your function gives logarithms of probabilities over what is kept. The kept logits stay as "
        "they are: no log_softmax here.",
        "-math.inf)",
        "-math.inf).log_softmax(dim=-1)",
    ),
    Wrong(
        "Your function gives logarithms of probabilities. The kept logits stay as they are: no "
        "softmax and no logarithm here.",
        "logits.masked_fill(logits < least, -math.inf)",
        "logits.log_softmax(dim=-1).masked_fill(logits < least, -math.inf)",
    ),
    Wrong(
        "Your function takes the largest logit off those that stay. They have to be unchanged.",
        "logits.masked_fill",
        "(logits - logits.max()).masked_fill",
    ),
    Wrong(
        "If k is V or more your function returns nothing. Then all logits are kept: return them.",
        "    least =",
        "    if k >= len(logits):\n        return None\n    least =",
    ),
    Wrong(
        "If k is larger than V your function returns nothing. Then all logits are kept: return them.",
        "    least =",
        "    if k > len(logits):\n        return None\n    least =",
    ),
    Wrong(
        "If k is V or more your function strikes out everything. Then all logits are kept.",
        "logits < least",
        "(logits < least) | (k >= len(logits))",
    ),
    Wrong(
        "If k is larger than V your function strikes out everything. Then all logits are kept.",
        "logits < least",
        "(logits < least) | (k > len(logits))",
    ),
    Wrong(
        "Your function makes whole numbers of the logits, so different ones look equal. Compare them "
        "as they are.",
        "logits < least",
        "logits.int() < int(least)",
    ),
    Wrong(
        "Your function rounds the logits, so different ones look equal. Compare them as they are.",
        "logits < least",
        "logits.round() < least.round()",
    ),
    Wrong(
        "Your function keeps one logit too few: the k-th largest is struck out as well. Strike out "
        "what is smaller than it, and not what is equal.",
        "logits < least",
        "(logits <= least) & (k < len(logits))",
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
