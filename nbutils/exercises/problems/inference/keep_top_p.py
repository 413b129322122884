"""As many as it takes

Top-k keeps the same number of tokens everywhere. But after "The capital of" the network is unsure
and many tokens make sense; after "two plus two is" only one does. Top-p (also called nucleus
sampling) counts probability and not tokens: it keeps the likeliest tokens until together they hold
the share p. So it keeps few where the network is sure, and many where it is not.
"""

import functools

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 4, 30


def keep_top_p(probabilities: torch.Tensor, p: float) -> torch.Tensor:
    """The fewest of the largest probabilities that together reach p, scaled to sum to 1.

    Args:
        probabilities: (V,), floats above 0 that sum to 1, or a little less by rounding, no two of
            them equal, in any order.
        p: above 0 and at most 1.

    Returns:
        (V,), floats: the largest probabilities, as few as have a sum of p or more, each divided by
        their sum and at its own place; 0 elsewhere. A sum of exactly p is enough. At least one
        token is kept; all are, if even the sum of all stays below p.
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
    rounded = [0.1875, 0.0625 - 2**-20, 0.5, 0.25]
    seven = [0.08, 0.34, 0.02, 0.24, 0.11, 0.16, 0.05]
    halves = tensor(given.sample([0.5**i for i in range(1, 21)], 20))
    few = torch.arange(1, 296, dtype=torch.float64) * (0.0312 / (295 * 296 / 2))
    unlike = torch.cat([0.5 ** torch.arange(1, 6, dtype=torch.float64), few])
    unlike = unlike[given.sample(range(300), 300)].to(given.dtype)
    fine = torch.promote_types(given.dtype, torch.float32)  # where bfloat16 would make them equal
    flat = torch.linspace(0.9, 1.1, 2000, dtype=torch.float64)
    flat = flat[torch.randperm(2000, generator=given.generator)]
    flat = (flat / flat.sum()).to(fine)
    return [
        Case("a likeliest token that alone has more than p", tensor([0.6, 0.3, 0.1]), 0.5),
        Case("two tokens that are needed", tensor([0.4, 0.3, 0.2, 0.1]), 0.6),
        Case("seven tokens in any order", tensor(seven, turn), 0.8),
        Case("a very small p", tensor(seven, -turn), 0.03),
        Case("a sum that is exactly p", tensor([0.0625, 0.25, 0.1875, 0.5]), 0.75),
        Case("p = 1, which keeps all", tensor([0.125, 0.5, 0.0625, 0.3125]), 1.0),
        Case(
            "a sum that is less than a millionth below p",
            torch.tensor([0.0625, 0.25, 0.1875, 0.5], dtype=fine),
            0.75 + 2**-21,
        ),
        Case("p = 1 and a sum that is below it by rounding", tensor(rounded), 1.0),
        Case("one token alone", tensor([1.0]), 0.9),
        Case("a likeliest token with nearly all", tensor([2.0**-20, 1 - 2.0**-8, 2.0**-9]), 0.5),
        Case("300 tokens, most of them very unlikely", unlike, 0.9),
        Case("p = 1 and 300 tokens", unlike, 1.0),
        Case("20 tokens, each half as likely as one before it", halves, 0.97),
        Case(
            "a sum that is very little below p, and one of all that is below 1 by rounding",
            torch.tensor(rounded, dtype=fine),
            0.75 + 2**-21,
        ),
        Case("2000 tokens that are almost equally likely", flat, 0.95),
        Case("2000 such tokens and a p that one of them reaches", flat, 0.0002),
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


def by_counting_up(probabilities, p, more=1):
    """Runs over the end where the rounded sum never reaches p."""
    largest, ids = probabilities.sort(descending=True)
    number = int((largest.cumsum(dim=0) >= p).nonzero()[0]) + more
    result = torch.zeros_like(probabilities)
    result[ids[:number]] = largest[:number]
    return result / result.sum()


def by_the_largest(probabilities, p):
    kept = probabilities.masked_fill(probabilities < p * probabilities.max(), 0)
    return kept / kept.sum()


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
    Wrong(
        "With p = 1 your function runs past the end: by rounding, all probabilities together can "
        "stay a little below 1, so p is never reached. Stop after the last token, too.",
        instead=by_counting_up,
    ),
    Wrong(
        "With p = 1 your function keeps the likeliest token only, where all probabilities together "
        "stay a little below 1 by rounding: p is never reached, and all are to be kept then.",
        "before >= p",
        "(before >= p) | (largest.sum() < p) & (before > 0)",
    ),
    Wrong(
        "Your mask is in the order of the sorted probabilities, and you use it on the unsorted ones. "
        "Put it back first: with the ids that sort gives, it is mask[ids] = sorted_mask.",
        "    result[ids] = kept / kept.sum()",
        "    kept = torch.where(kept > 0, probabilities, 0)\n    result = kept / kept.sum()",
    ),
    Wrong(
        "Your function scales with a softmax, which changes how likely the kept tokens are beside "
        "each other: they are probabilities already. Divide by the sum.",
        "kept / kept.sum()",
        "kept.masked_fill(kept == 0, -torch.inf).softmax(dim=0)",
    ),
    Wrong(
        "Your function takes a softmax first. It is given probabilities already, not logits.",
        "probabilities.sort(descending=True)",
        "probabilities.softmax(dim=-1).sort(descending=True)",
    ),
    Wrong(
        "Your function gives minus infinity elsewhere. These are probabilities: give 0.",
        "return result",
        "return result.masked_fill(result == 0, -torch.inf)",
    ),
    Wrong(
        "Your function gives logarithms. Give the probabilities themselves, and 0 elsewhere.",
        "return result",
        "return result.log()",
    ),
    Wrong(
        "Your function gives logarithms, those of the probabilities before they are scaled. Give "
        "the scaled probabilities themselves, and 0 elsewhere.",
        "kept / kept.sum()",
        "kept.log()",
    ),
    Wrong(
        "Your function compares each token with p times the largest probability (that is min-p). It "
        "is the sum of the likeliest tokens that has to reach p.",
        instead=by_the_largest,
    ),
    *(
        Wrong(
            "Where all probabilities together stay a little below 1 by rounding, your function keeps too few. Add "
            "them as they are, from the largest down, and compare the sums with p itself, not with 1 - p.",
            "before >= p",
            too_few,
        )
        for too_few in (
            "before / largest.sum() >= p",
            "largest.flip(0).cumsum(dim=0).flip(0) <= 1 - p",
        )
    ),
    Wrong(
        "Your function divides each probability by the sum up to its own token. Divide all by the sum of what is kept.",
        "kept / kept.sum()",
        "kept / largest.cumsum(dim=0)",
    ),
    Wrong(
        "Your function cuts the last kept token so that the sum is p. Keep it whole.",
        "largest.masked_fill(before >= p, 0)",
        "largest.minimum(p - before).clamp(min=0)",
    ),
    Wrong(
        "Your function divides by the number of kept tokens. Divide by the sum of their probabilities.",
        "kept.sum()",
        "(kept > 0).sum()",
    ),
    Wrong(
        "Your function divides by the root of the sum of squares. Divide by the sum.",
        "kept.sum()",
        "kept.norm()",
    ),
    Wrong(
        "Your function leaves what is dropped as it was. Put 0 there.",
        "result = torch.zeros_like(probabilities)\n    result[ids] = kept / kept.sum()",
        "result = probabilities.clone()\n    result[ids[kept > 0]] = (kept / kept.sum())[kept > 0]",
    ),
    Wrong(
        "Your function drops the token that crosses the line, since it keeps only those above it. That token is "
        "needed: keep it, too.",
        "before >= p",
        "largest <= largest[int((before < p).sum()) - 1]",
    ),
    *(
        Wrong(
            f"Your function always keeps {number} tokens. How many are needed depends on p.",
            "before >= p",
            f"torch.arange(len(largest)) >= {number}",
        )
        for number in (2, 3, 50)
    ),
    Wrong(
        "Your function takes what argsort gives for places in the order. It gives the ids: the token at ids[0] is the "
        "likeliest.",
        "result[ids] = kept / kept.sum()",
        "result = torch.where(ids < (kept > 0).sum(), probabilities, 0)\n    result = result / result.sum()",
    ),
    Wrong(
        "Your function goes on until 1 - p is reached. It is p that the sum has to reach.",
        "before >= p",
        "(before >= 1 - p) & (before > 0)",
    ),
    Wrong(
        "Your function divides by p. What is kept has a sum of p or more: divide by that sum.",
        "/ kept.sum()",
        "/ p",
    ),
    Wrong(
        "Your function divides by the largest that is kept. Divide by the sum of what is kept.",
        "kept.sum()",
        "kept.max()",
    ),
    Wrong(
        "Your function gives each kept token the same share. Keep their probabilities, and divide them "
        "by their sum.",
        "kept / kept.sum()",
        "((kept > 0) / (kept > 0).sum()).to(kept.dtype)",
    ),
    Wrong(
        "Your function gives what is left over to the likeliest token. Divide what is kept by its sum, "
        "so that each grows by the same factor.",
        "kept / kept.sum()",
        "kept + (1 - kept.sum()) * (before == 0)",
    ),
    Wrong(
        "Your function shares what is left over equally among the kept tokens. Divide what is kept by "
        "its sum, so that each grows by the same factor.",
        "kept / kept.sum()",
        "kept + (1 - kept.sum()) * (kept > 0) / (kept > 0).sum()",
    ),
    Wrong(
        "Your function gives the kept probabilities only. Give all V places, with 0 where nothing is "
        "kept.",
        "result[ids] = kept / kept.sum()",
        "result = (kept / kept.sum())[kept > 0]",
    ),
    Wrong(
        "Your function gives the kept probabilities only. Give all V places, with 0 where nothing is "
        "kept.",
        "return result",
        "return result[result > 0]",
    ),
    Wrong(
        "Your function gives the kept probabilities only, and they don't sum to 1. Give all V places, "
        "with 0 where nothing is kept, divided by the sum of what is kept.",
        "result[ids] = kept / kept.sum()",
        "result = kept[kept > 0]",
    ),
    Wrong(
        "Your function gives the ids of the kept tokens. Give a probability for each of the V tokens.",
        "return result",
        "return ids[before < p]",
    ),
    Wrong(
        "Your function gives the number of kept tokens. Give a probability for each of the V tokens.",
        "return result",
        "return int((before < p).sum())",
    ),
    Wrong(
        "Your function gives a mask. Give the probabilities of the kept tokens, divided by their sum.",
        "return result",
        "return result > 0",
    ),
    *(
        Wrong(
            "Your function keeps the share p of the number of tokens. It is their probability that is "
            "added up until it reaches p.",
            "before >= p",
            f"torch.arange(len(largest)) >= {number}",
        )
        for number in (
            "max(1, int(p * len(largest)))",
            "-int(-p * len(largest) // 1)",
            "max(1, round(p * len(largest)))",
        )
    ),
    Wrong(
        "Your function keeps the tokens that have 1 - p or more each. It is the sum of the likeliest "
        "that has to reach p.",
        "before >= p",
        "largest < 1 - p",
    ),
    Wrong(
        "Your function keeps two tokens at least. One is enough if it holds the share p alone.",
        "before >= p",
        "(before >= p) & (torch.arange(len(largest)) > 1)",
    ),
    Wrong(
        "Your function keeps the likeliest token only, whatever p is. Go on until the sum reaches p.",
        "before >= p",
        "before > 0",
    ),
    Wrong(
        "Your function keeps everything. Stop at the token with which the sum reaches p.",
        "before >= p",
        "before > 1",
    ),
    Wrong(
        "Your function keeps the unlikely tokens and drops those that together reach p. It should be "
        "the other way round.",
        "before >= p",
        "before < p",
    ),
    Wrong(
        "roll puts the sum of all before the first token, so the likeliest token is dropped. Nothing "
        "stands before it: its sum before is 0.",
        "largest.cumsum(dim=0) - largest  #",
        "largest.cumsum(dim=0).roll(1)  #",
    ),
    *(
        Wrong(
            "Your function stops a little before p is reached. Only a sum of p or more is enough; for "
            "p = 1 stop after the last token.",
            "before >= p",
            f"before >= p - {little}",
        )
        for little in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    ),
    Wrong(
        "You turned the sorted values round, but not their ids: the probabilities go to other "
        "tokens. Turn both, or sort with descending=True.",
        "probabilities.sort(descending=True)",
        "probabilities.sort().values.flip(0), probabilities.argsort()",
    ),
    Wrong(
        "Your function keeps only what stays below p, and with p = 1 it runs past the end, where "
        "the rounded sum never reaches 1. The token with which the sum reaches p is kept, too; "
        "stop after the last one.",
        instead=functools.partial(by_counting_up, more=0),
    ),
    Wrong(
        "Your function multiplies the probabilities up. Add them: cumsum, not cumprod.",
        "before >= p",
        "largest.cumprod(dim=0) < p",
    ),
    Wrong(
        "Your function keeps one token too few where one is not enough: the token that reaches p belongs "
        "to those that are kept. Ask whether the likelier ones have reached p before it.",
        "before >= p",
        "(largest.cumsum(dim=0) >= p) & (before > 0)",
    ),
    Wrong(
        "Your function keeps one token too few where one is not enough: the token that reaches p belongs "
        "to those that are kept. Ask whether the likelier ones have reached p before it.",
        "before >= p",
        "(largest.cumsum(dim=0) >= p) & (before > 0) & (p < 1)",
    ),
    Wrong(
        "Your function compares each probability with p, and keeps the likeliest at least. Compare the "
        "sum of the likelier ones with p.",
        "before >= p",
        "(largest < p) & (before > 0)",
    ),
)


def one_after_the_other(probabilities, p):
    rest, result = probabilities.clone(), torch.zeros_like(probabilities)
    while result.sum() < p and rest.any():
        best = rest.argmax()
        result[best], rest[best] = rest[best].clone(), 0
    return result / result.sum()


def by_the_number(probabilities, p):
    k = 1
    while k < len(probabilities) and probabilities.topk(k).values.sum() < p:
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
