"""How long it takes

Training costs about six operations for each parameter and token. A chip's maker says how many
operations it does in a second, at best; real training gets a share of that, often 30 to 50 percent.
With these few numbers you can plan a run before anyone pays for it, and see why GPT-3 took
thousands of chips.
"""

from fractions import Fraction

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 3, 5


def days_of_training(parameters: float, tokens: float, peak: float, share: float) -> float:
    """How many days one chip needs to train a network.

    Args:
        parameters: how many the network has. Each costs 6 operations for each token.
        tokens: how many tokens are read, in all.
        peak: the operations a second that the chip does at best.
        share: the part of the peak that training gets, from 0 to 1; not 0.

    Returns:
        Days of 24 hours; not rounded.
    """
    seconds = 6 * parameters * tokens / (peak * share)
    return seconds / (24 * 60 * 60)


def cases(given):
    return [
        Case("a chip that works at its peak", 1e9, 1e10, 1e14, 1.0),
        Case("a chip that gets a third of its peak", 1e9, 1e10, 1e14, 1 / 3),
        Case("a run of less than a day", 1e8, 2e9, 65e12, 0.4),
        Case("GPT-3 on one chip", 175e9, 300e9, 312e12, 0.3),
        Case("a run of less than half an hour", 8e6, 2e8, 3e13, 0.3),
        Case("a huge network on a slow chip", 2e12, 1e13, 1e6, 0.5),
        Case("a tiny network on a very slow chip", 90.0, 1000.0, 1e3, 0.02),
        Case("numbers that are not round", 123456789.0, 9876543210.0, 7.77e13, 0.123),
    ]


HINTS = (
    "First count all the operations. Then: how many of them does the chip do in a second?",
    "In a second the chip does `peak * share` operations.",
    "A day has 24 times 60 times 60 seconds.",
)
WHY = """
Operations divided by operations a second give seconds. The chip never reaches its peak: it waits
for memory and for other chips, and it also computes what isn't counted. GPT-3 comes out at a
hundred years on one chip, and so it was trained on thousands of them at a time.
"""
WRONG = (
    Wrong(
        "The 6 is missing: each parameter costs 6 operations for each token.",
        "6 * parameters",
        "parameters",
    ),
    Wrong(
        "Each parameter is counted with 2 operations for each token. That is the forward pass "
        "alone; training takes 6.",
        "6 * parameters",
        "2 * parameters",
    ),
    Wrong(
        "Each parameter is counted with 4 operations for each token. That is the backward pass "
        "alone; training takes 6.",
        "6 * parameters",
        "4 * parameters",
    ),
    Wrong(
        "Each parameter is counted with 3 operations for each token. A multiplication and an "
        "addition are two: training takes 6.",
        "6 * parameters",
        "3 * parameters",
    ),
    Wrong(
        "You take the share for a percentage. It goes from 0 to 1: don't divide it by 100.",
        "(peak * share)",
        "(peak * share / 100)",
    ),
    Wrong(
        "The peak is taken for teraFLOPs. It is the number of operations a second already: leave "
        "the 1e12 out.",
        "(peak * share)",
        "(peak * 1e12 * share)",
    ),
    Wrong(
        "The chip's peak is missing: divide the operations by peak * share, those of a second.",
        "(peak * share)",
        "share",
    ),
    Wrong(
        "The operations are multiplied by what the chip does in a second. Divide them by it.",
        "/ (peak * share)",
        "* (peak * share)",
    ),
    Wrong(
        "The quotient is upside down: you divide what the chip does by what there is to do. Divide "
        "the operations by peak * share.",
        "6 * parameters * tokens / (peak * share)",
        "peak * share / (6 * parameters * tokens)",
    ),
    Wrong(
        "Your chip works at its peak. It does only peak * share operations a second.",
        "(peak * share)",
        "peak",
    ),
    Wrong(
        "A smaller share makes your run shorter. It should take longer: divide by the share too. "
        "(In a / b * c the c multiplies.)",
        "(peak * share)",
        "peak * share",
    ),
    Wrong(
        "Your share is what the chip loses. It is the part of the peak that it gets.",
        "(peak * share)",
        "(peak * (1 - share))",
    ),
    Wrong(
        "These are seconds. Divide by the seconds of a day.",
        "seconds / (24 * 60 * 60)",
        "seconds",
    ),
    Wrong(
        "These are minutes. Divide by 24 * 60 once more.",
        "(24 * 60 * 60)",
        "60",
    ),
    Wrong(
        "These are years. Give days: don't divide by 365.",
        "(24 * 60 * 60)",
        "(24 * 60 * 60 * 365)",
    ),
    Wrong(
        "Your days are twice too many. Each parameter costs 6 operations for each token, not 12, and "
        "a day has 24 hours.",
        instead=lambda *given: 2 * days_of_training(*given),
    ),
    Wrong(
        "The seconds are multiplied by those of a day. Divide.",
        "seconds / (24 * 60 * 60)",
        "seconds * (24 * 60 * 60)",
    ),
    Wrong(
        "These are hours. Divide by 24 once more.",
        "(24 * 60 * 60)",
        "(60 * 60)",
    ),
    Wrong(
        "Your day has 24 * 60 seconds: those are its minutes. Multiply by 60 once more.",
        "(24 * 60 * 60)",
        "(24 * 60)",
    ),
    Wrong(
        "Your days are cut down to whole ones. Don't round: a run may take half a day.",
        "seconds / (24",
        "seconds // (24",
    ),
    Wrong(
        "Your days are rounded to whole ones. Don't round: a run may take half a day.",
        "seconds / (24 * 60 * 60)",
        "-(-seconds // (24 * 60 * 60))",
    ),
    *(
        Wrong(
            "Your days are rounded. Don't round: a run may take a hundredth of a day.",
            "seconds / (24 * 60 * 60)",
            f"round(seconds / (24 * 60 * 60), {digits})",
        )
        for digits in range(5)
    ),
    Wrong(
        "These are the days for a single parameter: the number of parameters is missing.",
        "6 * parameters",
        "6",
    ),
    Wrong(
        "These are the operations of the whole run. Divide them by what the chip does in a day.",
        "seconds / (24 * 60 * 60)",
        "6 * parameters * tokens",
    ),
    Wrong(
        "These are the days for a single token: the number of tokens is missing.",
        "parameters * tokens",
        "parameters",
    ),
    Wrong(
        "The seconds are multiplied where they should be divided. (In a / 24 * 60 the 60 "
        "multiplies: put parentheses around 24 * 60 * 60.)",
        "(24 * 60 * 60)",
        "24 * 60 * 60",
    ),
)


def by_day(parameters, tokens, peak, share):
    operations_a_day = peak * share * 86_400
    return 6 * parameters * tokens / operations_a_day


def for_each_token(parameters, tokens, peak, share):
    tokens_a_second = share * peak / parameters / 6
    hours = tokens / tokens_a_second / 3_600
    return hours / 24


def exactly(parameters, tokens, peak, share):
    work = 6 * Fraction(parameters) * Fraction(tokens)
    return float(work / Fraction(peak) / Fraction(share) / 86_400)


RIGHT = (by_day, for_each_token, exactly)
