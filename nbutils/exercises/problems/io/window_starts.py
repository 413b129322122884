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
        Case("a stream of one token", 1, T),
        Case("a stream of 3000 tokens", 3000, 10 * T),
        Case("two tokens, and windows of one token", 2, 1),
        Case("one token, and windows of one token", 1, 1),
        Case("windows of 1024 tokens", 1501, 1024),
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
SIDE_BY_SIDE = (
    "You count windows that stand side by side. They may overlap: each start is one place after the one "
    "before."
)
WRONG = (
    Wrong(SIDE_BY_SIDE, "n_tokens - T", "n_tokens // T if n_tokens > T else 0"),
    Wrong(SIDE_BY_SIDE, "n_tokens - T", "-((T - n_tokens) // T)"),
    Wrong(
        "`min` gives 0 or less. Of 0 and the number of starts take the larger: `max`.",
        "max(0",
        "min(0",
    ),
    Wrong(
        "A stream that is long enough can't start a window at every token: those near its end have no "
        "whole window after them.",
        "n_tokens - T",
        "n_tokens if n_tokens > T else 0",
    ),
    Wrong(
        "A stream that is too short gives the number of its tokens in your function. It has no start: 0.",
        "max(0, count)",
        "count if count >= 0 else n_tokens",
    ),
    Wrong(
        "You give what is left over when windows stand side by side. Count the places to start at.",
        "n_tokens - T",
        "n_tokens % T",
    ),
    Wrong(
        "Your number loses its sign: a stream that is too short has none below 0, but no start either. "
        "Give 0 there: max, not abs.",
        "max(0, count)",
        "abs(count)",
    ),
    Wrong(
        "You count windows that stand side by side, each with a label behind it. They may "
        "overlap: each start is one place after the one before.",
        "n_tokens - T",
        "n_tokens // (T + 1)",
    ),
    Wrong(
        "You count windows that stand side by side. They may overlap: each start is one place after the "
        "one before.",
        "n_tokens - T",
        "(n_tokens - T) // T",
    ),
    Wrong(
        "You divide by T. Windows may overlap: nothing is divided.",
        "n_tokens - T",
        "n_tokens / T",
    ),
    Wrong(
        "You divide by T. Windows may overlap: nothing is divided.",
        "n_tokens - T",
        "-(-n_tokens // T)",
    ),
    Wrong(
        "Your number is two too small. From start 0 to start n_tokens - 1 - T there are n_tokens - T.",
        "n_tokens - T",
        "n_tokens - T - 2",
    ),
    Wrong(
        "You take T off twice. A window and its labels use T + 1 tokens together, not 2 T.",
        "n_tokens - T",
        "n_tokens - 2 * T",
    ),
    Wrong(
        "You take T off twice. A window and its labels use T + 1 tokens together, not 2 T.",
        "n_tokens - T",
        "n_tokens - 2 * T + 1",
    ),
    Wrong(
        "The difference is upside down: T is taken off n_tokens.",
        "n_tokens - T",
        "T - n_tokens",
    ),
    Wrong(
        "You multiply by T. Give the number of starts, not of tokens.",
        "n_tokens - T",
        "(n_tokens - T) * T",
    ),
    Wrong(
        "A stream that is too short gives None. Give 0.",
        "return max(0, count)",
        "return count if count >= 0 else None",
    ),
    Wrong(
        "A stream that is too short gives -1. Give 0.",
        "return max(0, count)",
        "return count if count > 0 else -1",
    ),
    Wrong(
        "A stream that is just long enough has one start. You give 0 there.",
        "return max(0, count)",
        "return count if count > 1 else 0",
    ),
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
