"""Draw a token

Each token shall be drawn as often as its probability says. A computer's generator gives something
simpler: a number u, anywhere from 0 to 1 with equal chance. So lay the tokens side by side on the
line from 0 to 1, each as long as its probability, and see where u falls. A token with three times
the probability is hit three times as often. All chance sits in u: the same u gives the same token.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 20


def draw_token(probabilities: torch.Tensor, u: float) -> int:
    """The id of the token on whose part of the line u lies.

    The parts lie in the order of the ids. Token 0 has the line from 0 to probabilities[0], token 1
    a part as long as probabilities[1] after it, and so on. A part's left end belongs to it, its
    right end to the next one. So a token with probability 0 has no part of the line.

    Args:
        probabilities: (V,), floats, 0 or more. Their sum is 1, or a little less by rounding.
        u: 0 or more, and below 1.

    Returns:
        The id. If u lies beyond the sum of all probabilities, the last id, V - 1, whatever its
        probability.
    """
    ends = probabilities.cumsum(dim=0)  # where each token's part ends
    passed = int((ends <= u).sum())
    return min(passed, len(probabilities) - 1)


def cases(given):
    def tensor(sixteenths):
        return torch.tensor(sixteenths, dtype=given.dtype) / 16

    parts = given.choice([[5, 1, 6, 4], [4, 1, 7, 4], [3, 2, 7, 4], [5, 2, 6, 3]])
    token = int(given.integers(1, 2))
    middle = (sum(parts[:token]) + parts[token] / 2) / 16
    many = [0.0] * 260 + [7.0] + [0.0] * 38 + [9.0]
    return [
        Case("a u in the first token's part", tensor(parts), 0.09),
        Case("a u in a later token's part", tensor(parts), middle),
        Case("a u in the last token's part", tensor([2, 3, 1, 4, 6]), 0.7),
        Case("a u between two parts", tensor([4, 3, 7, 2]), 0.25),
        Case("u = 0 and a first token with probability 0", tensor([0, 9, 7]), 0.0),
        Case("a u beyond the sum, which is a little less than 1", tensor([4, 3, 8.75]), 0.995),
        Case("a u beyond the sum of four", tensor([4, 3, 5, 3.75]), 0.995),
        Case(
            "a u beyond the sum, and a last token with probability 0", tensor([8, 7.75, 0]), 0.995
        ),
        Case("a u after a token with probability 0", tensor([4, 0, 8, 4]), 0.25),
        Case("a token that has nearly all", tensor([0.5, 15, 0.5]), 0.25),
        Case("parts shorter than a hundredth", tensor([3, 2, 1016, 3]) / 64, 0.004),
        Case("300 tokens, of which two are possible", tensor(many), 0.3),
        Case("one token alone", tensor([16]), 0.75),
        Case("16 tokens that are equally likely", tensor([1] * 16), 0.78),
        Case("a u that is nearly 1", tensor([7, 8.9375, 0.0625]), 0.998),
    ]


HINTS = (
    "Draw the line for the probabilities 0.25, 0.5, 0.25. Where does each part end? Which token "
    "has u = 0.6?",
    "`probabilities.cumsum(dim=0)` gives the ends of all parts. u lies in the first part that ends "
    "beyond it.",
    "Count the parts that u has passed, those with an end of u or less. This count is the id: if "
    "no part is passed, it is token 0.",
    "What does your function give if u has passed all parts? There is no id V.",
)
WHY = """
A part's length is the token's probability, so that is the chance that u falls on it. u has passed
a part if it is at its end or beyond, and as many parts as it has passed is the id of the one it
lies in. Sums of rounded numbers end at 0.9999999 now and then; without the last line the program
would fail once in millions of tokens, which is the worst kind of mistake to find.
"""


def sorted_line(descending, by_place=False):
    """A line that begins with the largest or the smallest part; beyond it V - 1 or the sort's last."""

    def answer(probabilities, u):
        parts, ids = probabilities.sort(descending=descending, stable=True)
        passed = int((parts.cumsum(dim=0) <= u).sum())
        last = len(ids) - 1
        return int(ids[min(passed, last)]) if by_place or passed <= last else last

    return answer


def by_multinomial(seed):
    """A draw of PyTorch's own, from a seed that u gives or that is always the same."""

    def draw(probabilities, u):
        generator = torch.Generator().manual_seed(seed(u))
        return int(torch.multinomial(probabilities, 1, generator=generator))

    return draw


WRONG = (
    Wrong(
        "Your function doesn't use u: it always gives the likeliest token. That is greedy, and "
        "no draw.",
        "min(passed, len(probabilities) - 1)",
        "int(probabilities.argmax())",
    ),
    Wrong(
        "Your function compares u with the probabilities themselves. Compare it with where the "
        "parts end: the sum of all probabilities up to each token.",
        ".cumsum(dim=0)",
        "",
    ),
    Wrong(
        "Your function takes the first token whose own probability is above u. Compare u with "
        "where the parts end: the sum of all probabilities up to each token.",
        instead=lambda probabilities, u: next(
            (i for i, p in enumerate(probabilities.tolist()) if u < p), len(probabilities) - 1
        ),
    ),
    Wrong(
        "A u that lies exactly between two parts belongs to the right one; your function gives the "
        "left one. So it can also draw a token whose probability is 0.",
        "ends <= u",
        "ends < u",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives V, and there is no "
        "such token. Give the last id, V - 1.",
        "min(passed, len(probabilities) - 1)",
        "passed",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives nothing: its loop ends "
        "without a return. Give the last id, V - 1, after the loop.",
        "return min(passed, len(probabilities) - 1)",
        "return passed if passed < len(probabilities) else None",
    ),
    Wrong(
        "Your function gives the token before the one on which u lies. If u has passed no part, "
        "it is token 0.",
        "min(passed, len(probabilities) - 1)",
        "max(min(passed, len(probabilities) - 1) - 1, 0)",
    ),
    Wrong(
        "Your function gives the id minus 1, and -1 for the first token. The number of parts "
        "that u has passed is the id itself.",
        "int((ends <= u).sum())",
        "int((ends <= u).sum()) - 1",
    ),
    Wrong(
        "Your function gives the token after the one on which u lies. The number of parts that u "
        "has passed is the id itself.",
        "int((ends <= u).sum())",
        "int((ends <= u).sum()) + 1",
    ),
    Wrong(
        "Your line begins with the last token. Lay the parts in the order of the ids, token 0 "
        "first.",
        instead=lambda probabilities, u: (
            len(probabilities)
            - 1
            - min(int((probabilities.flip(0).cumsum(dim=0) <= u).sum()), len(probabilities) - 1)
        ),
    ),
    Wrong(
        "Your function sorts the probabilities and gives a place in the sorted row, which is no "
        "id. Don't sort: the parts lie in the order of the ids.",
        "probabilities.cumsum(dim=0)",
        "probabilities.sort(descending=True).values.cumsum(dim=0)",
    ),
    Wrong(
        "Your function gives every token the same chance: u times V, cut to a whole number. Each "
        "part is as long as the token's probability.",
        "int((ends <= u).sum())",
        "int(u * len(probabilities))",
    ),
    *(
        Wrong(
            "Your function sorts, so that the parts lie in the order of their size. Each token would "
            "come as often as it should, but here the parts lie in the order of the ids: don't sort.",
            instead=sorted_line(descending, by_place),
        )
        for descending in (True, False)
        for by_place in (True, False)
    ),
    *(
        Wrong(
            "Your function draws a random number of its own and ignores u. All chance sits in u: the "
            "same u gives the same token.",
            old,
            new,
        )
        for old, new in (
            ("int((ends <= u).sum())", "int(torch.multinomial(probabilities, 1))"),
            ("ends <= u", "ends <= torch.rand(1)"),
        )
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives the last token whose "
        "probability is above 0. Give the last id, V - 1.",
        "len(probabilities) - 1",
        "int(probabilities.nonzero()[-1])",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives token 0 (argmax of a row "
        "without True does that). Give the last id, V - 1.",
        "min(passed, len(probabilities) - 1)",
        "passed % len(probabilities)",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives -1. Give the last id, "
        "V - 1.",
        "min(passed, len(probabilities) - 1)",
        "passed if passed < len(probabilities) else -1",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function gives the likeliest token. Give "
        "the last id, V - 1.",
        "min(passed, len(probabilities) - 1)",
        "passed if passed < len(probabilities) else int(probabilities.argmax())",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, no part ends beyond it, and your function "
        "looks for one that does. Give the last id, V - 1.",
        "    passed = int((ends <= u).sum())",
        "    passed = int((ends > u).nonzero()[0])",
    ),
    Wrong(
        "If u lies beyond the sum of the probabilities, your function raises an error. That u is "
        "allowed: give the last id, V - 1.",
        "    return",
        '    if passed == len(probabilities):\n        raise ValueError("u")\n    return',
    ),
    Wrong(
        "Your function never gives the last token, V - 1: its loop ends before it, and gives V - "
        "2 for what is left.",
        "len(probabilities) - 1",
        "len(probabilities) - 2",
    ),
    Wrong(
        "Your function compares u with the end of the part before, so it gives the token after the one "
        "on which u lies. Add the part first, then compare.",
        "min(passed, len(probabilities) - 1)",
        "min(int((ends < u).sum()) + (u > 0), len(probabilities) - 1)",
    ),
    Wrong(
        "Your function counts one more than the parts that u has passed, so it gives the id after "
        "the right one, up to V. The number of parts that u has passed is the id itself.",
        "min(passed, len(probabilities) - 1)",
        "min(passed + 1, len(probabilities))",
    ),
    Wrong(
        "Your function counts one more than the parts that u has passed, and runs past the end "
        "where u lies beyond the sum. The number of parts that u has passed is the id itself, V - "
        "1 at most.",
        "min(passed, len(probabilities) - 1)",
        "list(range(len(probabilities)))[passed] + 1",
    ),
    Wrong(
        "Your function gives the token's probability. Give its id.",
        "min(passed, len(probabilities) - 1)",
        "probabilities[min(passed, len(probabilities) - 1)].item()",
    ),
    Wrong(
        "Your function gives the end of the token's part. Give the token's id.",
        "min(passed, len(probabilities) - 1)",
        "ends[min(passed, len(probabilities) - 1)].item()",
    ),
    Wrong(
        "Your function takes the token whose probability is nearest to u. Ask on whose part of the line "
        "u lies: add the probabilities up.",
        "min(passed, len(probabilities) - 1)",
        "int((probabilities - u).abs().argmin())",
    ),
    Wrong(
        "Your function takes the part whose end is nearest to u. u lies in the first part that ends "
        "beyond it.",
        "min(passed, len(probabilities) - 1)",
        "int((ends - u).abs().argmin())",
    ),
    Wrong(
        "Your function takes the first token whose own probability is above u, and fails if there is "
        "none. Compare u with where the parts end: the sum of all probabilities up to each token.",
        "(ends <= u).sum()",
        "(probabilities > u).nonzero()[0]",
    ),
    Wrong(
        "Your function gives every token the same chance: u times V, rounded. Each part is as long as "
        "the token's probability.",
        "int((ends <= u).sum())",
        "round(u * len(probabilities))",
    ),
    Wrong(
        "Your function takes a softmax first. It is given probabilities already: add them up as they "
        "are.",
        "probabilities.cumsum(dim=0)",
        "probabilities.softmax(dim=0).cumsum(dim=0)",
    ),
    Wrong(
        "Your function leaves out the tokens with probability 0, so the ids after them are too small. "
        "They have no part of the line, but they keep their ids.",
        "min(passed, len(probabilities) - 1)",
        "min(int((ends[probabilities > 0] <= u).sum()), int((probabilities > 0).sum()) - 1)",
    ),
    Wrong(
        "Your function rounds the parts to hundredths. Add the probabilities up as they are.",
        "min(passed, len(probabilities) - 1)",
        "min(int(((probabilities * 100).round().cumsum(dim=0) <= int(u * 100)).sum()), "
        "len(probabilities) - 1)",
    ),
    Wrong(
        "Your id is wrong above 255: a byte (uint8) has no room for it. Use int, or torch.long.",
        "min(passed, len(probabilities) - 1)",
        "min(passed, len(probabilities) - 1) % 256",
    ),
    Wrong(
        "Your function gives the number of tokens, or its last id, whatever u is. Count the parts that "
        "u has passed.",
        "int((ends <= u).sum())",
        "len(ends <= u)",
    ),
    Wrong(
        "Your function always gives token 0. Does its loop return in the first round, whatever the "
        "comparison says?",
        "min(passed, len(probabilities) - 1)",
        "0",
    ),
    Wrong(
        "Your function compares the ends with 1 - u, so large numbers give the first tokens. Compare "
        "them with u itself.",
        "ends <= u",
        "ends <= 1 - u",
    ),
    *(
        Wrong(
            "Your function lets torch.multinomial draw, from a random state of its own; u is at most its "
            "seed. All chance sits in u: give the token on whose part of the line it lies.",
            instead=by_multinomial(seed),
        )
        for seed in (
            lambda u: int(u * 1000),
            lambda u: int(u * 1e6),
            lambda u: int(u * 2**32),
            lambda u: 42,
            lambda u: 1337,
        )
    ),
)


def with_a_loop(probabilities, u):
    end = 0.0
    for i, p in enumerate(probabilities.tolist()):
        end += p
        if u < end:
            return i
    return len(probabilities) - 1


def by_using_it_up(probabilities, u):
    i = 0
    while i < len(probabilities) - 1 and u >= probabilities[i]:
        u = u - probabilities[i].item()
        i += 1
    return i


def by_numpy(probabilities, u):
    ends = probabilities.double().numpy().cumsum()
    return ends[:-1].searchsorted(u, side="right")


RIGHT = (with_a_loop, by_using_it_up, by_numpy)
