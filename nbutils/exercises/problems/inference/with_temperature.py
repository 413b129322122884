"""A temperature

Before a token is drawn, the logits can be divided by a number, the temperature. Below 1 the likely
tokens become likelier: the text gets safer and more alike. Above 1 the unlikely ones gain: it gets
more varied and more often wrong. Nobody can divide by 0, so temperature 0 is a convention: it means
greedy, all on the likeliest token.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 10


def with_temperature(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """The probabilities of the next token at this temperature.

    Args:
        logits: (V,), floats.
        temperature: 0, or a number from 0.001 up. The smallest ones make very large quotients,
            and the probabilities must be right all the same.

    Returns:
        (V,), floats: the softmax of the logits divided by the temperature. At temperature 0: 1 for
        the largest logit and 0 for all others. If several are equally large, the first has the 1.
    """
    if temperature == 0:
        probabilities = torch.zeros_like(logits)
        probabilities[logits.argmax()] = 1
        return probabilities
    return (logits / temperature).softmax(dim=-1)


def cases(given):
    def tensor(values):
        return torch.tensor(values, dtype=given.dtype)

    high = given.sample([2.0, 2.25, 2.5, 2.75, 3.0], 5)
    spread = given.sample([-1.5, -0.5, 0.25, 1.0, 2.0], 5)
    return [
        Case("temperature 1, which changes nothing", tensor(spread), 1.0),
        Case("temperature 2", tensor(spread), 2.0),
        Case("temperature 0.5", tensor(spread[::-1]), 0.5),
        Case("temperature 0", tensor(high), 0.0),
        Case("temperature 0 and two equally large logits", tensor([1.0, 3.0, 0.5, 3.0]), 0.0),
        Case("temperature 0.002, so that the quotients are above 1,000", tensor(high), 0.002),
    ]


HINTS = (
    "There are two paths: one for temperature 0, where nothing is divided, and one for the rest.",
    "The division comes first and the softmax last, so that the result sums to 1.",
    "`probabilities = torch.zeros_like(logits)` has the shape that temperature 0 needs. Which one "
    "entry has to become 1?",
    "e to the 1,000 is too large for a float. `softmax` takes care of that; if you write it "
    "yourself, subtract the largest quotient from all of them first.",
)
WHY = """
A division by T raises each probability to the power 1/T, before they are scaled to sum to 1: what
was twice as likely is four times as likely at T = 0.5. As T comes near 0 all goes to the largest
logit, and that is what temperature 0 stands for. `argmax` names one place only, so the sum is 1
even if two logits are equal.
"""
WRONG = (
    Wrong(
        "A higher temperature makes your probabilities sharper; it should make them flatter. "
        "Divide the logits by it.",
        "logits / temperature",
        "logits * temperature",
    ),
    Wrong(
        "The temperature has no effect, except at 0: above 0 your function gives the softmax of "
        "the logits as they are. Divide the logits by the temperature before the softmax.",
        "logits / temperature",
        "logits",
    ),
    Wrong(
        "Your function divides after the softmax, so the probabilities don't sum to 1. Divide the "
        "logits, then take the softmax.",
        "(logits / temperature).softmax(dim=-1)",
        "logits.softmax(dim=-1) / temperature",
    ),
    Wrong(
        "Above temperature 0 your function gives the divided logits. The softmax that makes "
        "probabilities of them is missing.",
        ".softmax(dim=-1)",
        "",
    ),
    Wrong(
        "At temperature 0 your function gives nan, as a division by 0 does. That temperature needs "
        "its own path: all on the largest logit.",
        "temperature == 0",
        "temperature < 0",
    ),
    Wrong(
        "At a temperature near 0 your function gives nan: a power has become too large or too "
        "small for a float. Let softmax compute it, or subtract the largest quotient before you "
        "take e to the power of each.",
        "(logits / temperature).softmax(dim=-1)",
        "(logits / temperature).exp() / (logits / temperature).exp().sum()",
    ),
    Wrong(
        "At temperature 0, two equally large logits get 1 each, which sums to 2. Only the first of "
        "them has the 1.",
        "probabilities[logits.argmax()]",
        "probabilities[logits == logits.max()]",
    ),
    Wrong(
        "At temperature 0, two equally large logits share the probability. (A tiny temperature in "
        "place of 0 also does that.) The first of them should have all of it.",
        "probabilities[logits.argmax()] = 1",
        "probabilities[logits == logits.max()] = 1 / (logits == logits.max()).sum()",
    ),
    Wrong(
        "At temperature 0, the last of several equally large logits has the 1. It should be the "
        "first.",
        "logits.argmax()",
        "len(logits) - 1 - logits.flip(0).argmax()",
    ),
    Wrong(
        "At temperature 0 your function gives the likeliest token's id. It should give "
        "probabilities there, too: 1 at this id and 0 everywhere else.",
        "return probabilities",
        "return logits.argmax()",
    ),
    Wrong(
        "Your function treats temperature 0 like temperature 1. At 0 all goes to the largest "
        "logit.",
        "        probabilities = torch.zeros_like(logits)\n"
        "        probabilities[logits.argmax()] = 1\n"
        "        return probabilities\n",
        "        temperature = 1\n",
    ),
    Wrong(
        "Your function gives logarithms of probabilities above temperature 0. Use softmax, not "
        "log_softmax.",
        ".softmax(dim=-1)",
        ".log_softmax(dim=-1)",
    ),
)


def by_numbers(logits, temperature):
    numbers = logits.tolist()
    top = max(numbers)
    if temperature == 0:
        return [float(i == numbers.index(top)) for i in range(len(numbers))]
    powers = [2.718281828459045 ** ((number - top) / temperature) for number in numbers]
    return [power / sum(powers) for power in powers]


def by_logarithms(logits, temperature):
    if not temperature:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).to(logits.dtype)
    scaled = logits.double().div(temperature)
    return (scaled - scaled.logsumexp(dim=0)).exp()


def in_place(logits, temperature):
    if temperature == 0:
        best = logits.argmax().item()
        return logits.zero_().index_fill_(0, torch.tensor([best]), 1)
    logits -= logits.max().clone()
    logits.div_(temperature).exp_()
    return logits.div_(logits.sum())


RIGHT = (by_numbers, by_logarithms, in_place)
