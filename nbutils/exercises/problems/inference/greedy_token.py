"""The likeliest token

A network gives a number to every token of its vocabulary: its logit. A text needs one token. The
simplest choice is greedy: always take the token with the largest logit. Softmax keeps the order, so
you need no probabilities for this. Nothing is left to chance: the same prompt gives the same text.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 5


def greedy_token(logits: torch.Tensor) -> int:
    """The id of the likeliest token.

    Args:
        logits: (V,), floats, one for each token of the vocabulary; any of them may be negative.

    Returns:
        The id (from 0 to V - 1) of the largest logit. If several are equally large, the smallest
        of their ids.
    """
    return int(logits.argmax())


def cases(given):
    def tensor(values):
        return torch.tensor(values, dtype=given.dtype)

    below = given.sample([-4.0, -3.0, -2.0, -0.5], 4)
    return [
        Case("three logits", tensor([0.5, 2.0, -1.0])),
        Case("a negative logit that is the farthest from 0", tensor([1.0, -4.0, 0.5, 3.0, 2.0])),
        Case("the largest logit in the last place", tensor([*below, 1.5])),
        Case("the largest logit in the first place", tensor([2.5, *below, 1.0])),
        Case("negative logits only", -tensor([5.0, *given.sample([0.7, 1.5, 2.5, 3.5], 4), 4.5])),
        Case("two equally large logits", tensor([-1.0, 0.5, 2.0, -3.0, 2.0, 1.0])),
    ]


HINTS = (
    "You look for a place, the index of the largest number, and not for the number itself.",
    "If you write a loop: remember the best id so far, beginning with id 0, and replace it only by "
    "a logit that is strictly larger.",
    "PyTorch has it ready: `argmax`. It gives a tensor without dimensions; `int(…)` makes a "
    "number of it.",
)
WHY = """
Softmax makes larger logits into larger probabilities, so the largest logit is the likeliest token.
`argmax` gives the first place of the largest value, which is the smallest id. A rule for equal
logits sounds petty, but without one two right programs could write different texts.
"""
WRONG = (
    Wrong(
        "Your function gives the least likely token, the one with the smallest logit. Take the "
        "largest.",
        "argmax()",
        "argmin()",
    ),
    Wrong(
        "Your function gives the largest logit itself. Give its place in the row, the token's id.",
        "int(logits.argmax())",
        "logits.max().item()",
    ),
    Wrong(
        "Of two equally large logits your function takes the later one. Take the smaller id: "
        "replace the best so far only by a logit that is strictly larger.",
        "int(logits.argmax())",
        "len(logits) - 1 - int(logits.flip(0).argmax())",
    ),
    Wrong(
        "Your function takes the logit that is farthest from 0, though it may be negative. A very "
        "negative logit belongs to a very unlikely token: compare without abs.",
        "logits.argmax()",
        "logits.abs().argmax()",
    ),
    Wrong(
        "Your ids are one too large: they count from 1. The first token has id 0.",
        "int(logits.argmax())",
        "int(logits.argmax()) + 1",
    ),
    Wrong(
        "Your function works only if some logit is above 0; else it gives id 0. Begin the search "
        "with the first logit (or minus infinity) as the best, not with 0.",
        "logits.argmax()",
        "logits.clamp(min=0).argmax()",
    ),
    Wrong(
        "Your function never looks at the last token. A loop over all ids is range(len(logits)).",
        "logits.argmax()",
        "logits[:-1].argmax()",
    ),
    Wrong(
        "Your function never looks at the first token. Its id is 0, so begin there.",
        "int(logits.argmax())",
        "int(logits[1:].argmax()) + 1",
    ),
    Wrong(
        "Your function gives a whole row that marks the likeliest token. Give one number, its id.",
        "int(logits.argmax())",
        "(logits == logits.max()).int()",
    ),
    Wrong(
        "Your function gives all ids in order of their logits. Only the first of them is asked "
        "for.",
        "int(logits.argmax())",
        "logits.argsort(descending=True, stable=True)",
    ),
)


def with_a_loop(logits):
    best = 0
    for i in range(1, len(logits)):
        if logits[i] > logits[best]:
            best = i
    return best


def by_a_list(logits):
    numbers = logits.tolist()
    return numbers.index(max(numbers))


def by_sorting(logits):
    return sorted(range(len(logits)), key=lambda i: (-logits[i].item(), i))[0]


def by_the_softmax(logits):
    return (logits.double().softmax(dim=0) == logits.double().softmax(dim=0).max()).nonzero()[0, 0]


RIGHT = (with_a_loop, by_a_list, by_sorting, by_the_softmax)
