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
    right end to the next one. So a token with probability 0 is never drawn.

    Args:
        probabilities: (V,), floats, 0 or more. Their sum is 1, or a little less by rounding.
        u: 0 or more, and below 1.

    Returns:
        The id. If u lies beyond the sum of all probabilities, the last id, V - 1.
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
    return [
        Case("a u in the first token's part", tensor(parts), 0.09),
        Case("a u in a later token's part", tensor(parts), middle),
        Case("a u in the last token's part", tensor([2, 3, 1, 4, 6]), 0.7),
        Case("a u between two parts", tensor([4, 3, 7, 2]), 0.25),
        Case("u = 0 and a first token with probability 0", tensor([0, 9, 7]), 0.0),
        Case("a u beyond the sum, which is a little less than 1", tensor([4, 3, 8.75]), 0.995),
        Case("a u beyond the sum of four", tensor([4, 3, 5, 3.75]), 0.995),
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
        "Your function lays the largest part first. Each token would come as often as it should, "
        "but here the parts lie in the order of the ids.",
        instead=lambda probabilities, u: int(
            probabilities.argsort(descending=True, stable=True)[
                (probabilities.sort(descending=True).values.cumsum(dim=0)[:-1] <= u).sum()
            ]
        ),
    ),
    Wrong(
        "Your function gives every token the same chance: u times V, cut to a whole number. Each "
        "part is as long as the token's probability.",
        "int((ends <= u).sum())",
        "int(u * len(probabilities))",
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
