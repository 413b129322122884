"""What the network can see

A network reads at most so many tokens at once: its window. A text that grows while it is written,
or a long conversation, becomes longer than that in the end. Then its beginning is cut off and the
network sees the last tokens only. It keeps no memory of what was cut.
"""

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 5


def crop_context(ids: list[int], longest: int) -> list[int]:
    """The end of a text, as much of it as the network can see.

    Args:
        ids: the text's token ids, any number of them, also none.
        longest: how many ids the network can see, 0 or more.

    Returns:
        The last ``longest`` ids in their order. All ids if there are no more than that; an empty
        list if longest is 0.
    """
    return ids[max(0, len(ids) - longest) :]


def cases(given):
    ids = given.sample(range(10, 100), 7)
    return [
        Case("a text that is longer", ids, 4),
        Case("a text of which one id is seen", ids[:5], 1),
        Case("a text that is as long as the window", ids[:3], 3),
        Case("a text that is shorter by 1", ids[3:], 5),
        Case("a text that is much shorter", ids[2:4], 6),
        Case("a window of length 0", ids[1:5], 0),
        Case("no text at all", [], 2),
    ]


HINTS = (
    "`ids[-3:]` is the last three ids. Try it with fewer than three in the list.",
    "What is `ids[-0:]`? Minus 0 is 0, so nothing is cut off.",
    "How many ids have to go? That many, counted from the start, and never fewer than 0.",
)
WHY = """
`len(ids) - longest` ids have to go; if this is negative, none. `ids[-longest:]` is shorter and
nearly right, but -0 is 0, and `ids[0:]` is the whole text. A mistake that shows itself only at 0
hides well.
"""
WRONG = (
    Wrong(
        "Right, except where the window has length 0: there ids[-0:] is the whole list, and the "
        "empty list is asked for.",
        "max(0, len(ids) - longest) :",
        "-longest:",
    ),
    Wrong(
        "If the text is shorter than the window, the start of your slice is negative, and Python "
        "counts a negative start from the end. Begin at 0 at least.",
        "max(0, len(ids) - longest)",
        "len(ids) - longest",
    ),
    Wrong(
        "Your function keeps the beginning of the text. Keep its end: the next token goes on "
        "from there.",
        "max(0, len(ids) - longest) :",
        ":longest",
    ),
    Wrong(
        "Your function keeps one id too many.",
        "len(ids) - longest",
        "len(ids) - longest - 1",
    ),
    Wrong(
        "Your function keeps one id too few: longest - 1 of them. All places of the window can "
        "be used.",
        "max(0, len(ids) - longest)",
        "max(0, len(ids) - max(0, longest - 1))",
    ),
    Wrong(
        "Your function gives the right ids from the last to the first. Leave them in the text's "
        "order.",
        "return ids[max(0, len(ids) - longest) :]",
        "return ids[max(0, len(ids) - longest) :][::-1]",
    ),
    Wrong(
        "Your function cuts off as many ids as the window is long and keeps the rest. Keep the "
        "last ones, as many as the window is long.",
        "max(0, len(ids) - longest)",
        "longest",
    ),
    Wrong(
        "Your function fills a short text up with zeros. A shorter text needs nothing: give it "
        "as it is.",
        "ids[max(0, len(ids) - longest) :]",
        "[0] * (longest - len(ids)) + ids[max(0, len(ids) - longest) :]",
    ),
    Wrong(
        "Your function gives an empty list if the text is shorter than the window. Then all of the "
        "text is seen.",
        "max(0, len(ids) - longest)",
        "len(ids) - longest if len(ids) >= longest else len(ids)",
    ),
    Wrong(
        "Your function leaves out the last id. It is the newest, and the one that matters most.",
        "max(0, len(ids) - longest) :",
        "max(0, len(ids) - 1 - longest) : -1",
    ),
)


def by_two_cases(ids, longest):
    return ids[-longest:] if longest else []


def one_at_a_time(ids, longest):
    while len(ids) > longest:
        ids.pop(0)
    return ids


def by_asking_each(ids, longest):
    return [token for place, token in enumerate(ids) if place >= len(ids) - longest]


def backwards(ids, longest):
    return list(reversed(ids[::-1][:longest]))


RIGHT = (by_two_cases, one_at_a_time, by_asking_each, backwards)
