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
    long = given.integers(0, 200_000, 3000).tolist()
    return [
        Case("a text that is longer", ids, 4),
        Case("a text of which one id is seen", ids[:5], 1),
        Case("a text that is as long as the window", ids[:3], 3),
        Case("a text that is shorter by 1", ids[3:], 5),
        Case("a text that is much shorter", ids[2:4], 6),
        Case("a window of length 0", ids[1:5], 0),
        Case("no text at all", [], 2),
        Case("a text in which ids come again", [*ids[:2], *ids[:2], ids[1], *ids[:3]], 5),
        Case("a text of 3,000 ids", [*range(3000)], 2100),
        Case("no text and a window of length 0", [], 0),
        Case("3,000 large ids, of which one is not seen", long, 2999),
        Case("a window of 5,000", [0, *long[:50], 0], 5000),
        Case("a beginning and an end of zeros", [0, 0, 0, ids[0], 0, 0], 5),
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
    *(
        Wrong(
            "Your function keeps one id too few: a slice from -longest + 1 has longest - 1 ids, and all "
            "of the text if longest is 1. Begin at -longest, or at len(ids) - longest.",
            "max(0, len(ids) - longest) :",
            slice,
        )
        for slice in ("-longest + 1 if longest else len(ids) :", "-longest + 1 :")
    ),
    Wrong(
        "Your slice ends at -1, so the last id is missing. It is the newest: leave the end of the slice "
        "open.",
        "max(0, len(ids) - longest) :",
        "-longest:-1",
    ),
    Wrong(
        "Your function leaves out the last id, and so gives one too few. Leave the end of the slice "
        "open, or let the loop run to len(ids).",
        "max(0, len(ids) - longest) :",
        "max(0, len(ids) - longest) : -1",
    ),
    Wrong(
        "If the text is no longer than the window your function returns nothing. Then all ids are "
        "seen: return them.",
        "    return",
        "    if len(ids) <= longest:\n        return None\n    return",
    ),
    Wrong(
        "If the text is shorter than the window your function returns nothing. Then all ids are seen: "
        "return them.",
        "    return",
        "    if len(ids) < longest:\n        return None\n    return",
    ),
    Wrong(
        "Your function gives an empty list if the text is no longer than the window. Then all of the "
        "text is seen.",
        "max(0, len(ids) - longest)",
        "len(ids) - longest if len(ids) > longest else len(ids)",
    ),
    Wrong(
        "If the window has length 0 your function returns nothing. Return an empty list.",
        "    return",
        "    if longest == 0:\n        return None\n    return",
    ),
    Wrong(
        "If there is no text your function returns nothing. Return an empty list.",
        "    return",
        "    if not ids:\n        return None\n    return",
    ),
    Wrong(
        "If the window has length 0 your function still gives the last id. Give an empty list.",
        "len(ids) - longest",
        "len(ids) - max(1, longest)",
    ),
    Wrong(
        "Your function sorts the ids and keeps the largest of them. They are names of tokens, and only "
        "their place counts: keep the last ones, in the text's order.",
        "ids[max(0, len(ids) - longest) :]",
        "sorted(ids)[max(0, len(ids) - longest) :]",
    ),
    Wrong(
        "Your function sorts the ids that it keeps. Leave them in the text's order.",
        "ids[max(0, len(ids) - longest) :]",
        "sorted(ids[max(0, len(ids) - longest) :])",
    ),
    Wrong(
        "Your function drops an id that has come before. Keep every id: a text may use a token again.",
        "ids[max(0, len(ids) - longest) :]",
        "list(dict.fromkeys(ids))[max(0, len(dict.fromkeys(ids)) - longest) :]",
    ),
    Wrong(
        "Your function drops an id that comes again in the window. Keep every id: a text may use a "
        "token again.",
        "ids[max(0, len(ids) - longest) :]",
        "list(dict.fromkeys(ids[max(0, len(ids) - longest) :]))",
    ),
    Wrong(
        "Your function looks for an id that is not there if the text is shorter than the window. Take "
        "no more ids than there are: min(longest, len(ids)).",
        instead=lambda ids, longest: [ids[-i] for i in range(longest, 0, -1)],
    ),
    Wrong(
        "Your function goes through the text from its end, so the ids are in reverse order; and "
        "it looks for more of them than there are if the text is shorter than the window.",
        instead=lambda ids, longest: [ids[-i - 1] for i in range(longest)],
    ),
    Wrong(
        "If the text is shorter than the window, your loop begins at a negative number, and Python "
        "counts that from the end: ids come twice. Begin at 0 at least.",
        instead=lambda ids, longest: [ids[i] for i in range(len(ids) - longest, len(ids))],
    ),
    Wrong(
        "Your function fills a short text up with zeros at its end. A shorter text needs nothing: give "
        "it as it is.",
        "ids[max(0, len(ids) - longest) :]",
        "ids[max(0, len(ids) - longest) :] + [0] * (longest - len(ids))",
    ),
    Wrong(
        "Your function gives the part that is cut off. Give what is left: the last ids.",
        "max(0, len(ids) - longest) :",
        ": max(0, len(ids) - longest)",
    ),
    Wrong(
        "Your function cuts off one id only. Cut off as many as are too many: len(ids) - longest.",
        "max(0, len(ids) - longest)",
        "1 if len(ids) > longest else 0",
    ),
    Wrong(
        "If the text is shorter than the window your function cuts off the difference all the same "
        "(abs). Then nothing is cut off.",
        "max(0, len(ids) - longest)",
        "abs(len(ids) - longest)",
    ),
    Wrong(
        "Your function takes the smaller of 0 and len(ids) - longest. Take the larger: as many ids have "
        "to go, and never fewer than 0.",
        "max(",
        "min(",
    ),
    Wrong(
        "Your function gives the last id only. Give the last ids, as many as the window is long.",
        "max(0, len(ids) - longest) :",
        "-1:",
    ),
    Wrong(
        "Your function gives the number of ids. Give the ids themselves.",
        "ids[max(0, len(ids) - longest) :]",
        "min(len(ids), longest)",
    ),
    Wrong(
        "Your function takes a part of the window from the text's beginning and a part from its end. "
        "The network sees the end: the last ids only.",
        "ids[max(0, len(ids) - longest) :]",
        "ids[: longest // 2] + ids[len(ids) - longest + longest // 2 :] if longest < len(ids) else ids",
    ),
    Wrong(
        "Your function keeps the text's first id beside the last ones. The network sees the end: the "
        "last ids only.",
        "ids[max(0, len(ids) - longest) :]",
        "ids[:1] + ids[len(ids) - longest + 1 :] if longest < len(ids) else ids",
    ),
    Wrong(
        "Your function cuts the text into blocks as long as the window and gives the last block, "
        "which may be shorter. Give the last ids, as many as the window is long.",
        "max(0, len(ids) - longest) :",
        "len(ids) - len(ids) % longest if longest else len(ids) :",
    ),
    Wrong(
        "Your function uses at most 1,024 ids, whatever the window is. Take longest itself.",
        "len(ids) - longest",
        "len(ids) - min(longest, 1024)",
    ),
    Wrong(
        "Of a text that is longer your function keeps one id too few: longest - 1 of them. Begin at "
        "len(ids) - longest, without + 1.",
        "max(0, len(ids) - longest)",
        "len(ids) - longest + 1 if len(ids) > longest else 0",
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
