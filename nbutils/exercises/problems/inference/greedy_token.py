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


MANY = torch.cat([torch.full((16,), -1.0), torch.full((40,), 2.0)])


def cases(given):
    def tensor(values):
        return torch.tensor(values, dtype=given.dtype)

    below = given.sample([-4.0, -3.0, -2.0, -0.5], 4)
    long = given.uniform(300)
    long[int(given.integers(256, 290))] = 3.0
    return [
        Case("three logits", tensor([0.5, 2.0, -1.0])),
        Case("a negative logit that is the farthest from 0", tensor([1.0, -4.0, 0.5, 3.0, 2.0])),
        Case("the largest logit in the last place", tensor([*below, 1.5])),
        Case("the largest logit in the first place", tensor([2.5, *below, 1.0])),
        Case("negative logits only", -tensor([5.0, *given.sample([0.7, 1.5, 2.5, 3.5], 4), 4.5])),
        Case("two equally large logits", tensor([-1.0, 0.5, 2.0, -3.0, 2.0, 1.0])),
        Case("two logits that are nearly equal", tensor([0.5, 2.0, 2.25, 1.0])),
        Case("logits that are all below -1,000", tensor([-3000.0, -2000.0, -1504.0, -4000.0])),
        Case("the largest of 300 logits at an id above 255", long),
        Case("40 equally large logits after 16 small ones", MANY.to(given.dtype)),
        Case("one logit alone", tensor([-2.0])),
        Case(
            "logits of 1,000 and -1,000, each twice", tensor([-1000.0, 0, 1000, -1000, 999, 1000])
        ),
        Case("two tokens, both at -1,000", tensor([-1000.0, -1000.0])),
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
BY_SORTING = (
    lambda logits: int(logits.argsort(descending=True)[0]),
    lambda logits: int(logits.argsort()[-1]),
    lambda logits: int(logits.topk(1).indices),
    lambda logits: int((-logits).float().numpy().argsort()[0]),
)
UNSTABLE = [  # on this machine: some processors' sorts keep the order of equal numbers
    sort
    for sort in BY_SORTING
    if not {16, 55} & {sort(MANY.to(dtype)) for dtype in (torch.float32, torch.float64)}
]
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
        "Your function gives the largest logit, cut to a whole number. Give its place in the row, "
        "the token's id.",
        "int(logits.argmax())",
        "int(logits.max())",
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
        "Your function gives a whole row with a 1 for the likeliest token. Give one number, its "
        "id.",
        "int(logits.argmax())",
        "torch.nn.functional.one_hot(logits.argmax(), len(logits))",
    ),
    Wrong(
        "Your function gives all ids in order of their logits. Only the first of them is asked "
        "for.",
        "int(logits.argmax())",
        "logits.argsort(descending=True, stable=True)",
    ),
    *(
        Wrong(
            "Of many equally large logits your function takes any one: a sort and topk promise no "
            "order among equal numbers. argmax gives the first of them.",
            instead=sort,
        )
        for sort in UNSTABLE
    ),
    Wrong(
        "Your function gives the probability of the likeliest token. Give its place in the row, "
        "the token's id.",
        "int(logits.argmax())",
        "logits.softmax(dim=-1).max().item()",
    ),
    Wrong(
        "Your function draws a token by its probability. Greedy leaves nothing to chance: always "
        "take the largest logit.",
        "int(logits.argmax())",
        "int(torch.multinomial(logits.softmax(dim=-1), 1))",
    ),
    Wrong(
        "If two logits are equally large your function gives both ids. Give the smaller one only.",
        "int(logits.argmax())",
        "(logits == logits.max()).nonzero().squeeze().tolist()",
    ),
    Wrong(
        "Your function gives a list of all ids with the largest logit. Give one number: the "
        "smallest of these ids.",
        "int(logits.argmax())",
        "(logits == logits.max()).nonzero().flatten().tolist()",
    ),
    Wrong(
        "Your function gives the id as a tensor with one entry. Give one number: without keepdim, "
        "or with int(…).",
        "int(logits.argmax())",
        "logits.argmax(dim=0, keepdim=True)",
    ),
    Wrong(
        "Your function compares each logit with the one before it. Compare it with the best so "
        "far, and remember both when it is larger.",
        instead=lambda logits: max(
            (i for i in range(1, len(logits)) if logits[i] > logits[i - 1]), default=0
        ),
    ),
    Wrong(
        "Your function updates the id but not the best logit: it compares with the first one "
        "always. Remember the larger logit, too.",
        instead=lambda logits: max(
            i for i in range(len(logits)) if i * (logits[i] > logits[0]) == i
        ),
    ),
    Wrong(
        "Where all logits are far below 0 your function gives id 0: the search began with a fixed "
        "number as the best, or every e to the logit has become 0. Compare the logits themselves, and "
        "begin with the first one or with minus infinity.",
        "int(logits.argmax())",
        "int(logits.clamp(min=-100).argmax())",
    ),
    Wrong(
        "Your search begins with a fixed number as the best, and here every logit is below it, so "
        "nothing is found and your id is -1. Begin with the first logit, or with minus infinity.",
        "int(logits.argmax())",
        "int(logits.argmax()) if logits.max() > -100 else -1",
    ),
    Wrong(
        "Your function makes whole numbers of the logits, so different ones look equal. Compare "
        "them as they are.",
        "logits.argmax()",
        "logits.round().argmax()",
    ),
    Wrong(
        "Your id is wrong above 255: a byte (uint8) has no room for it. Use int, or torch.long.",
        "int(logits.argmax())",
        "int(logits.argmax()) % 256",
    ),
    Wrong(
        "Your function gives the first id whose logit is above 0. Look at all logits: the largest "
        "is asked for.",
        instead=lambda logits: next((i for i, x in enumerate(logits.tolist()) if x > 0), 0),
    ),
    Wrong(
        "Your function gives the second largest logit's id. The largest comes first: index 0 from "
        "the largest down, or -1 from the smallest up.",
        "int(logits.argmax())",
        "int(logits.argsort(descending=True, stable=True)[1])",
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
