"""Count the places where a window can start

Windows are cut at random places of a stream, so the code that draws a place must know how many
there are. One too many, and now and then a window runs past the stream's end: the training stops
after hours, at a random step. One too few, and the stream's last token is never a label. The
answer is one line, but think before you write it.
"""

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 3, 5


def window_starts(n_tokens: int, T: int) -> int:
    """How many places of a stream a window can start at.

    A window reads T neighbouring tokens, and the label of each is the token that stands next, also
    that of the last one. Windows may overlap.

    Args:
        n_tokens: how many tokens the stream has, 1 or more.
        T: how many tokens a window reads, 1 or more.

    Returns:
        The number of possible starts; 0 if the stream is too short for a window and its labels.
    """
    count = n_tokens - T
    return max(0, count)


def cases(given):
    T = given.choice(range(4, 8))
    return [
        Case("a stream that is just long enough", T + 1, T),
        Case("a stream with one token more", T + 2, T),
        Case("a stream of 50 tokens", 50, T),
        Case("windows of one token", 50, 1),
        Case("a stream without a token for the last label", T, T),
        Case("a stream that is far too short", 2, T),
    ]


HINTS = (
    "How many tokens of the stream do a window and its labels use together?",
    "Take a stream of 5 tokens and T = 3. Write down each possible start.",
    "The last label stands at place start + T, and the last place of the stream is n_tokens - 1. "
    "So the largest start is n_tokens - 1 - T. How many starts are there from 0 to that one?",
    "For a short stream that number falls below 0, but there can't be fewer starts than none: "
    "`max`.",
)
WHY = """
The T labels reach one place further than the T tokens, so a start s needs the place s + T. It must
be at most n_tokens - 1, so s goes from 0 to n_tokens - 1 - T: these are n_tokens - T places. That
is also what a random number generator wants, since its upper end is usually left out:
`np.random.default_rng().integers(0, n_tokens - T)`.
"""
WRONG = (
    Wrong(
        "Your number is one too large: from the last of your starts there is no token left for the "
        "last label.",
        "n_tokens - T",
        "n_tokens - T + 1",
    ),
    Wrong(
        "Your number is one too small. Is it the largest start? Starts count from 0, so there is "
        "one more than that.",
        "n_tokens - T",
        "n_tokens - T - 1",
    ),
    Wrong(
        "Your number falls below 0 when the stream is short. Then there are no starts: give 0.",
        "max(0, count)",
        "count",
    ),
    Wrong(
        "You count windows that stand side by side. They may overlap: each start is one place "
        "after the one before. The last token needs a label, too.",
        "n_tokens - T",
        "n_tokens // T",
    ),
    Wrong(
        "You count windows that stand side by side. They may overlap: each start is one place "
        "after the one before.",
        "n_tokens - T",
        "(n_tokens - 1) // T",
    ),
    Wrong(
        "You count at least one start, but a stream that is too short has none.",
        "max(0,",
        "max(1,",
    ),
    Wrong(
        "You count every token of the stream as a start. Those near its end have no whole window "
        "after them.",
        "n_tokens - T",
        "n_tokens",
    ),
    Wrong(
        "You count every token but the last, as if windows read one token. They read T.",
        "n_tokens - T",
        "n_tokens - 1",
    ),
    Wrong(
        "Your function gives the starts themselves. Give their number.",
        "max(0, count)",
        "list(range(count))",
    ),
)


def with_a_loop(n_tokens, T):
    count = 0
    while count + T + 1 <= n_tokens:
        count += 1
    return count


def by_a_range(n_tokens, T):
    return len(range(T, n_tokens))


def by_trying(n_tokens, T):
    stream = list(range(n_tokens))
    return sum(len(stream[start : start + T + 1]) == T + 1 for start in range(n_tokens))


RIGHT = (with_a_loop, by_a_range, by_trying)
