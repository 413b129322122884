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
    near = given.sample([0.0, 0.002, -0.001, 0.001], 4)
    ends = [-3.0, 3.0, 1.0, 3.0, 0.0]
    return [
        Case("temperature 1, which changes nothing", tensor(spread), 1.0),
        Case("temperature 2", tensor(spread), 2.0),
        Case("temperature 0.5", tensor(spread[::-1]), 0.5),
        Case("temperature 0", tensor(high), 0.0),
        Case("temperature 0 and two equally large logits", tensor([1.0, 3.0, 0.5, 3.0]), 0.0),
        Case("temperature 0.002, so that the quotients are above 1,000", tensor(high), 0.002),
        Case("temperature 0.001 and logits near each other", tensor(near), 0.001),
        Case("temperature 0 and negative logits only", -tensor(high), 0.0),
        Case("temperature 0.05", tensor(near) * 50, 0.05),
        Case("one logit alone", tensor([-2.0]), 0.5),
        Case("two largest logits, and quotients of 3,000 and -3,000", tensor(ends), 0.001),
        Case("logits of 1,000 and -1,000", tensor([0.0, -1000, 1000, 999, -1000]), 1.0),
        Case("300 logits at temperature 100", 50 * given.normal(300), 100.0),
        Case("300 logits at temperature 0", -given.uniform(300) - 1, 0),
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
    Wrong(
        "A small temperature gives the same as 0 in your function: all on the likeliest token. Only "
        "temperature 0 itself means greedy; from 0.001 up the softmax is asked for.",
        "temperature == 0",
        "temperature < 0.01",
    ),
    Wrong(
        "A small temperature gives the same as 0 in your function, up to 0.05 or more. Only "
        "temperature 0 itself means greedy; from 0.001 up the softmax is asked for.",
        "temperature == 0",
        "temperature < 0.1",
    ),
    *(
        Wrong(
            "Your function never divides by less than some fixed temperature, so a smaller one has no "
            "effect of its own. Divide by any temperature from 0.001 up, and give 0 its own path.",
            old,
            new,
        )
        for old, new in (
            ("temperature == 0", "(temperature := max(temperature, 0.01)) == 0"),
            ("temperature == 0", "(temperature := max(temperature, 0.1)) == 0"),
            ("/ temperature", "/ max(temperature, 0.01)"),
            ("/ temperature", "/ max(temperature, 0.1)"),
        )
    ),
    *(
        Wrong(
            "Your function adds a small number to the temperature, which changes every result where "
            "the temperature is small. Divide by the temperature itself.",
            old,
            new,
        )
        for old, new in (
            ("/ temperature", "/ (temperature + 1e-3)"),
            ("/ temperature", "/ (temperature + 1e-4)"),
            ("/ temperature", "/ (temperature + 1e-5)"),
            ("temperature == 0", "(temperature := temperature + 1e-3) == 0"),
            ("temperature == 0", "(temperature := temperature + 1e-4) == 0"),
            ("temperature == 0", "(temperature := temperature + 1e-5) == 0"),
        )
    ),
    Wrong(
        "At temperature 0 your function gives whole numbers (a one_hot has dtype int64). "
        "Probabilities are floats: .to(logits.dtype).",
        "return probabilities",
        "return probabilities.long()",
    ),
    Wrong(
        "At temperature 0 your function gives the logits themselves. It should give probabilities: 1 "
        "for the largest logit, 0 elsewhere.",
        "return probabilities",
        "return logits",
    ),
    Wrong(
        "At temperature 0 your function gives each token the same probability. That is what a very "
        "high temperature does; at 0 all goes to the largest logit.",
        "return probabilities",
        "return torch.ones_like(logits) / len(logits)",
    ),
    Wrong(
        "At temperature 0 your function gives minus infinity for the other tokens. A probability is "
        "never below 0: give 0.",
        "return probabilities",
        "return torch.where(probabilities > 0, probabilities, -torch.inf)",
    ),
    Wrong(
        "At temperature 0 your function puts the largest logit itself at its place. The "
        "probability there is 1.",
        "] = 1",
        "] = logits.max()",
    ),
    Wrong(
        "At temperature 0 your function gives zeros only. The largest logit's place has the 1.",
        "        probabilities[logits.argmax()] = 1\n",
        "",
    ),
    Wrong(
        "At temperature 0 your function puts the 1 at the smallest logit. It belongs to the largest.",
        "argmax()",
        "argmin()",
    ),
    Wrong(
        "At temperature 0 your function gives 1 for every token: the nan of a division by 0 was "
        "replaced. Give that temperature a path of its own.",
        "return probabilities",
        "return torch.ones_like(logits)",
    ),
    Wrong(
        "Your function is greedy at every temperature: 1 for the largest logit. That is what "
        "temperature 0 does; above it, take the softmax of the divided logits.",
        "temperature == 0",
        "temperature >= 0",
    ),
    Wrong(
        "Your function divides after the softmax and takes a softmax once more. Divide the logits, "
        "and take one softmax.",
        "(logits / temperature).softmax(dim=-1)",
        "(logits.softmax(dim=-1) / temperature).softmax(dim=-1)",
    ),
    Wrong(
        "Your function takes the softmax twice. Once makes the probabilities.",
        ".softmax(dim=-1)",
        ".softmax(dim=-1).softmax(dim=-1)",
    ),
    Wrong(
        "Your function divides the quotients by their sum; the e to the power of each is missing. "
        "Take the softmax.",
        ".softmax(dim=-1)",
        ".div((logits / temperature).sum())",
    ),
    Wrong(
        "Your function divides by the square of the temperature. Divide by it once.",
        "/ temperature",
        "/ temperature**2",
    ),
    Wrong(
        "Your function divides by the square root of the temperature. Divide by the temperature "
        "itself.",
        "/ temperature",
        "/ temperature**0.5",
    ),
    Wrong(
        "Your function adds up e to the logits without the temperature below the line, so the "
        "probabilities don't sum to 1. Divide the logits first, everywhere.",
        "(logits / temperature).softmax(dim=-1)",
        "(logits / temperature).exp() / logits.exp().sum()",
    ),
    Wrong(
        "Your function takes e to the power of the quotients and doesn't divide by their sum, so "
        "the result doesn't sum to 1. softmax does both.",
        ".softmax(dim=-1)",
        ".sub((logits / temperature).max()).exp()",
    ),
    Wrong(
        "Your function takes e to the power of the quotients and doesn't divide by their sum, so "
        "the result doesn't sum to 1, and is infinite near 0. softmax does both.",
        ".softmax(dim=-1)",
        ".exp()",
    ),
    Wrong(
        "Your sign is wrong: the smallest logit gets the largest probability.",
        "return (logits",
        "return (-logits",
    ),
    Wrong(
        "Your function divides with //, which rounds down to whole numbers. Use /.",
        "logits / temperature",
        "logits // temperature",
    ),
    *(
        Wrong(
            "Your function keeps the quotients within fixed limits, so that large ones look equal. "
            "softmax needs no limits: it takes the largest off first.",
            "(logits / temperature)",
            f"(logits / temperature).clamp({low}, {high})",
        )
        for low, high in ((-50, 50), (-100, 100), (None, 80))
    ),
    Wrong(
        "Your function raises the probabilities to the power 1/T and doesn't divide by their sum. "
        "They have to sum to 1.",
        "(logits / temperature).softmax(dim=-1)",
        "logits.softmax(dim=-1) ** (1 / temperature)",
    ),
    Wrong(
        "Your function gives each logit its own sigmoid. Use softmax, so that the probabilities of "
        "all tokens sum to 1.",
        ".softmax(dim=-1)",
        ".sigmoid()",
    ),
    Wrong(
        "Your function draws a token. Give the probabilities; drawing comes later.",
        "(logits / temperature).softmax(dim=-1)",
        "torch.multinomial((logits / temperature).softmax(dim=-1), 1)",
    ),
    Wrong(
        "Your function adds random noise to the logits (a Gumbel softmax). Give the "
        "probabilities; nothing is drawn here.",
        "(logits / temperature).softmax(dim=-1)",
        "torch.nn.functional.gumbel_softmax(logits, tau=temperature)",
    ),
    Wrong(
        "Above temperature 0 your function returns nothing. Is there a return on that path, too?",
        "    return (logits",
        "    (logits",
    ),
    Wrong(
        "At temperature 0 your function returns nothing. Is there a return on that path, too?",
        "return probabilities",
        "return None",
    ),
    Wrong(
        "Your function computes with half precision: the probabilities are right to three digits "
        "only. Keep the dtype of the logits.",
        ".softmax(dim=-1)",
        ".half().softmax(dim=-1)",
    ),
    Wrong(
        "Your function raises the probabilities to the power 1/T. That is the same by the formula, "
        "but near temperature 0 every power is rounded to 0, and 0 / 0 is nan. Divide the logits "
        "instead.",
        "(logits / temperature).softmax(dim=-1)",
        "logits.softmax(dim=-1) ** (1 / temperature) / "
        "(logits.softmax(dim=-1) ** (1 / temperature)).sum()",
    ),
    Wrong(
        "At temperature 0 your function gives a row with the likeliest token's id. It should give "
        "probabilities there, too: 1 at this id and 0 everywhere else.",
        "return probabilities",
        "return [logits.argmax().item()]",
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
