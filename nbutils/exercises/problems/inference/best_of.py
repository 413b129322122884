"""The best of several

A network has written several answers, and the best is to be shown. Their log-probabilities can't
be compared as they are: each token adds a number below 0, so a long answer always looks worse than
a short one. Compare the average for each token. Tests with several answers to choose from are
often graded in the same way.
"""

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
    return [
        Case("one candidate", [-4.5], [3]),
        Case("candidates of the same length", [-7.0, -4.0, -9.5, -8.0], [4, 4, 4, 4]),
        Case("a long candidate that is the best", [-6.0, -2.4, -2.2, -4.5], [3, 1, 2, 5]),
        Case("a short candidate that is the best", [-8.0, -9.0, -1.4], [4, 5, 2]),
        Case("averages between the same whole numbers", [-9.5, -3.6, -5.2, -4.4], [5, 2, 4, 3]),
        Case("five candidates", list(totals), list(lengths)),
        Case("two that are equally good", [-9.0, -3.0, -6.0, -8.0], [3, 2, 4, 4]),
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
        "Your function always gives index 0. Did the search begin with 0 as the best average? No "
        "average is larger: begin with the first one or with minus infinity.",
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
)


def with_a_loop(log_probabilities, lengths):
    best, best_mean = None, -float("inf")
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
