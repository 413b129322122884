"""The best of several

A network has written several answers, and the best is to be shown. Their log-probabilities can't
be compared as they are: each token adds a number below 0, so a long answer always looks worse than
a short one. Compare the average for each token. Tests with several answers to choose from are
often graded in the same way.
"""

import math

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 3, 8


def best_of(log_probabilities: list[float], lengths: list[int]) -> int:
    """Which candidate has the highest log-probability for each of its tokens?

    Args:
        log_probabilities: of each candidate, the sum over its tokens; all below 0. One candidate
            or more.
        lengths: of each candidate, the number of its tokens, 1 or more.

    Returns:
        The index of the candidate with the largest quotient of log-probability and length. If
        several are equally good, the first of them.
    """
    means = [total / n for total, n in zip(log_probabilities, lengths)]
    return means.index(max(means))


def cases(given):
    order = given.choice([[0, 3, 1, 2, 4], [4, 2, 0, 3, 1], [3, 0, 4, 1, 2], [2, 4, 1, 0, 3]])
    several = [(-9.0, 8), (-1.4, 1), (-5.0, 4), (-8.0, 5), (-30.0, 10)]
    totals, lengths = zip(*(several[i] for i in order))
    better = ([-9.0, -2.0, -4.0, -7.5], [3, 2, 2, 3])
    sizes = given.integers(1, 2000, 300).tolist()
    sums = [-n * (1 + i / 100) for n, i in zip(sizes, given.sample(range(300), 300))]
    best = int(given.integers(256, 299))
    sizes[best], sums[best] = 1500, -1200.0
    return [
        Case("one candidate", [-4.5], [3]),
        Case("candidates of the same length", [-7.0, -4.0, -9.5, -8.0], [4, 4, 4, 4]),
        Case("a long candidate that is the best", [-6.0, -2.4, -2.2, -4.5], [3, 1, 2, 5]),
        Case("a short candidate that is the best", [-8.0, -9.0, -1.4], [4, 5, 2]),
        Case("averages between the same whole numbers", [-9.5, -3.6, -5.2, -4.4], [5, 2, 4, 3]),
        Case("five candidates", list(totals), list(lengths)),
        Case("two that are equally good", [-9.0, -3.0, -6.0, -8.0], [3, 2, 4, 4]),
        Case("four that are equally good", [-6.0, -9.0, -1.5, -12.0, -3.0], [3, 6, 1, 8, 2]),
        Case("averages that are nearly equal", [-4.5, -6.7, -2.25, -3.93], [3, 5, 1, 3]),
        Case("averages far below 0", [-600.0, -300.0, -450.0], [2, 2, 1]),
        Case("log-probabilities far below 0", [-1300.0, -3000.0, -1200.0], [400, 1000, 300]),
        Case("a long candidate that is nearly certain", [-3.0, -0.1, -2.0], [2, 9, 1]),
        Case("a long candidate beside a short one", [-4.0, -9.5], [1, 6]),
        Case("the best in the first place", [-3.0, -9.0, -8.0, -12.0], [3, 4, 5, 6]),
        Case("the best in the last place", [-9.0, -8.0, -12.0, -8.5], [4, 5, 6, 8]),
        Case("a better one, and then one that is better than the first only", *better),
        Case("a length that outweighs a little", [-2.0, -5.25, -9.5, -12.0], [1, 3, 5, 6]),
        Case("300 candidates of all lengths", sums, sizes),
    ]


HINTS = (
    "First make a list of the averages: each log-probability divided by its length. `zip` goes "
    "through two lists side by side.",
    "All averages are below 0. The best is the largest, the one nearest to 0.",
    "`means.index(x)` is the first place of x in a list; `max(means)` is the largest.",
)
WHY = """
The sum grows more negative with every token, so it favours the short. The average doesn't: it is
minus the loss for each token, and its exponential the typical probability of a token in this
candidate. `index` gives the first place, which settles ties.
"""
WRONG = (
    Wrong(
        "Your function compares the sums, so long candidates look bad. Divide each by its length "
        "first.",
        "total / n",
        "total",
    ),
    Wrong(
        "Your function multiplies by the length. Divide by it to have the average for each token.",
        "total / n",
        "total * n",
    ),
    Wrong(
        "Your function takes the worst candidate, whose average is the smallest or the farthest "
        "from 0. The largest is the best: logarithms nearer to 0 are likelier.",
        "max(means)",
        "min(means)",
    ),
    Wrong(
        "Your function divides without a remainder: // makes whole numbers of the averages, so "
        "different candidates look equal. Use /.",
        "total / n",
        "total // n",
    ),
    Wrong(
        "Your function gives the best average itself. Give the candidate's index.",
        "means.index(max(means))",
        "max(means)",
    ),
    Wrong(
        "If several candidates are equally good your function gives the last of them. Give the "
        "first.",
        "means.index(max(means))",
        "len(means) - 1 - means[::-1].index(max(means))",
    ),
    Wrong(
        "Your function always gives index 0. Did the search begin with 0 as the best average, or do "
        "you sort first? No average is above 0, and a sorted list has lost the indices.",
        "means.index(max(means))",
        "[0.0, *means].index(max([0.0, *means]))",
    ),
    Wrong(
        "Your index counts from 1. The first candidate has index 0.",
        "means.index(max(means))",
        "means.index(max(means)) + 1",
    ),
    Wrong(
        "Your function takes the longest candidate. Length is no merit: compare the averages.",
        "total / n",
        "n",
    ),
    Wrong(
        "Your function takes the shortest candidate. Compare the averages.",
        "total / n",
        "-n",
    ),
    Wrong(
        "Your function divides by the root of the length. Divide by the length itself.",
        "total / n",
        "total / n**0.5",
    ),
    Wrong(
        "Your function divides the probability, e to the log-probability, by the length. The logarithm "
        "is what is divided: its average is asked for.",
        "total / n",
        "math.exp(total) / n",
    ),
    Wrong(
        "Your function compares the probabilities of the whole candidates, so long ones look bad, and "
        "those far below 0 are all rounded to 0. Divide each log-probability by its length.",
        "total / n",
        "math.exp(total)",
    ),
    Wrong(
        "Your function compares the probabilities, each to the power of one over its length. That is the "
        "same by the formula, but the probability of a long text is rounded to 0: divide the logarithms.",
        "total / n",
        "math.exp(total) ** (1 / n)",
    ),
    Wrong(
        "Your search begins with a fixed number as the best average, and where all are below it nothing "
        "is found. Begin with the first one or with minus infinity.",
        "means.index(max(means))",
        "means.index(max(means)) if max(means) > -100 else 0",
    ),
    Wrong(
        "Your search begins with -1 as the best average, and where all are below it nothing is found. "
        "Begin with the first one or with minus infinity.",
        "means.index(max(means))",
        "means.index(max(means)) if max(means) > -1 else 0",
    ),
    Wrong(
        "Your search begins with a fixed number as the best average, and where all are below it your "
        "index is -1. Begin with the first one or with minus infinity.",
        "means.index(max(means))",
        "means.index(max(means)) if max(means) > -100 else -1",
    ),
    Wrong(
        "Your search begins with a fixed number as the best average, and where all are below it nothing "
        "is given. Begin with the first one or with minus infinity.",
        "means.index(max(means))",
        "means.index(max(means)) if max(means) > -100 else None",
    ),
    Wrong(
        "Your function never gives an index. Did the search begin with 0 as the best average? No average "
        "is larger: begin with the first one or with minus infinity.",
        "means.index(max(means))",
        "None",
    ),
    *(
        Wrong(
            "Your function divides by the length plus or minus 1. Divide by the length itself.",
            "total / n",
            new,
        )
        for new in ("total / (n + 1)", "total / max(1, n - 1)")
    ),
    Wrong(
        "Your function divides by the square of the length. Divide by the length itself.",
        "total / n",
        "total / n**2",
    ),
    *(
        Wrong(
            "Your function divides by a power of the length (a length penalty). Divide by the length "
            "itself.",
            "total / n",
            new,
        )
        for new in (
            "total / n**0.7",
            "total / n**0.6",
            "total / n**0.8",
            "total / ((5 + n) / 6) ** 0.6",
        )
    ),
    Wrong(
        "Your function divides by a logarithm of the length. Divide by the length itself.",
        "total / n",
        "total / (1 + math.log(n))",
    ),
    Wrong(
        "Your function adds the length to the log-probability. Divide by it.",
        "total / n",
        "total + n",
    ),
    Wrong(
        "Your function takes the length off the log-probability. Divide by it.",
        "total / n",
        "total - n",
    ),
    *(
        Wrong(
            "Your function rounds the averages, so different candidates look equal. Compare them as they "
            "are.",
            "total / n",
            f"round(total / n{digits})",
        )
        for digits in ("", ", 1")
    ),
    Wrong(
        "Your function cuts the averages to whole numbers, so different candidates look equal. Compare "
        "them as they are.",
        "total / n",
        "int(total / n)",
    ),
    Wrong(
        "If several candidates are equally good your function gives the longest of them. Give the first.",
        "means.index(max(means))",
        "max(range(len(means)), key=lambda i: (means[i], lengths[i]))",
    ),
    Wrong(
        "If several candidates are equally good your function gives the shortest of them. Give the first.",
        "means.index(max(means))",
        "max(range(len(means)), key=lambda i: (means[i], -lengths[i]))",
    ),
    Wrong(
        "Your function gives a list of all that are equally good. Give one number: the first of them.",
        "means.index(max(means))",
        "[i for i, mean in enumerate(means) if mean == max(means)]",
    ),
    Wrong(
        "Your function gives the best candidate's log-probability. Give its index.",
        "means.index(max(means))",
        "log_probabilities[means.index(max(means))]",
    ),
    Wrong(
        "Your function gives the best candidate's length. Give its index.",
        "means.index(max(means))",
        "lengths[means.index(max(means))]",
    ),
    Wrong(
        "Your function gives the index and the average. Give the index alone.",
        "means.index(max(means))",
        "(means.index(max(means)), max(means))",
    ),
    Wrong(
        "Your function gives the best candidate's numbers. Give its index.",
        "means.index(max(means))",
        "max(zip(log_probabilities, lengths), key=lambda one: one[0] / one[1])",
    ),
    Wrong(
        "Your function gives the averages of all candidates. Give the index of the largest.",
        "means.index(max(means))",
        "means",
    ),
    Wrong(
        "Your function never takes the first candidate. Begin with index 0.",
        "means.index(max(means))",
        "means.index(max(means[1:] or means), len(means) > 1)",
    ),
    Wrong(
        "Your function never takes the last candidate. The loop has to go through all of them.",
        "means.index(max(means))",
        "means.index(max(means[:-1] or means))",
    ),
    Wrong(
        "Your function compares each candidate with the one before it. Compare it with the best "
        "so far.",
        "means.index(max(means))",
        "max((i for i in range(1, len(means)) if means[i] > means[i - 1]), default=0)",
    ),
    Wrong(
        "Your function updates the index but not the best average: it compares with the first one "
        "always. Remember the larger average, too.",
        "means.index(max(means))",
        "max((i for i in range(1, len(means)) if means[i] > means[0]), default=0)",
    ),
    Wrong(
        "Your function gives the first candidate that is better than the first one: the return stands "
        "in the loop. Look at all candidates.",
        "means.index(max(means))",
        "min((i for i in range(1, len(means)) if means[i] > means[0]), default=0)",
    ),
)


def with_a_loop(log_probabilities, lengths):
    best, best_mean = None, -math.inf
    for i in range(len(lengths)):
        mean = log_probabilities[i] / lengths[i]
        if mean > best_mean:
            best, best_mean = i, mean
    return best


def by_a_key(log_probabilities, lengths):
    return max(range(len(lengths)), key=lambda i: log_probabilities[i] / lengths[i])


def by_crossing(log_probabilities, lengths):
    best = 0
    for i, (total, n) in enumerate(zip(log_probabilities, lengths)):
        if total * lengths[best] > log_probabilities[best] * n:  # no division at all
            best = i
    return best


def by_perplexity(log_probabilities, lengths):
    import numpy as np

    return int(np.argmin(-np.array(log_probabilities) / np.array(lengths)))


RIGHT = (with_a_loop, by_a_key, by_crossing, by_perplexity)
