"""Make two symbols one

Once a pair is chosen, the row has to be rewritten: wherever the pair stands, one new symbol takes
its place. The row gets shorter, and its symbols get longer. Both learning a vocabulary and encoding
a text are this one step, done again and again. The difficult spot is where pairs overlap, as in
`aaa`: two programs agree only if they join the same two.
"""

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def merge_pair(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """The row with a new id in each place where the pair stands.

    Args:
        ids: the row; it may have any length.
        pair: (left id, right id), which may be equal.
        new_id: an id that is neither in the row nor in the pair.

    Returns:
        The new row. Pairs are joined from left to right, and no id belongs to two of them: with
        the pair (7, 7), the row 7, 7, 7 becomes new_id, 7. All other ids stay, in their order.
    """
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def cases(given):
    return [
        Case("the pair alone", [97, 116], (97, 116), 256),
        Case("its two ids, but not as that pair", [97, 9, 116, 97, 97], (97, 116), 256),
        Case("the pair in the middle and at the end", [9, 97, 116, 32, 97, 116], (97, 116), 256),
        Case("two pairs, one right behind the other", [5, 97, 116, 97, 116, 8], (97, 116), 300),
        Case("equal ids in a row, so that pairs overlap", [7, 7, 7, 5, 7, 7, 7, 7], (7, 7), 256),
        Case("a pair of symbols that are merges themselves", [256, 257, 256, 9], (256, 257), 258),
        Case("a longer row of random ids", given.integers(1, 2, 30).tolist(), (2, 1), 259),
        Case("a row of 300 ids", given.integers(1, 2, 300).tolist(), (2, 1), 259),
    ]


HINTS = (
    "Walk along the row with an index i and build a new list. What do you append at each place, "
    "and how far do you go on?",
    "After a pair go on by two places, so that its right id is not looked at again; else by one. A "
    "`for` loop over the ids can't do that, a `while` loop can.",
    "`ids[i : i + 2]` has two ids, or one at the end of the row, where no pair can begin. A list "
    "is never equal to a tuple: convert one of them.",
    "`while i < len(ids)`: if `tuple(ids[i : i + 2]) == pair`, append new_id and add 2 to i; else "
    "append ids[i] and add 1.",
)
WHY = """
The walk decides at each place: a pair is replaced and both its ids are used up, anything else is
copied. Since it goes from left to right and jumps over what it has used, `aaa` becomes the new id
and an `a`, always. The slice `ids[i : i + 2]` is shorter at the last id and so equals no pair: the
end of the row needs no special case.
"""


def from_the_right(ids, pair, new_id):
    out, i = [], len(ids)
    while i > 0:
        joined = i > 1 and (ids[i - 2], ids[i - 1]) == pair
        out.append(new_id if joined else ids[i - 1])
        i -= 2 if joined else 1
    return out[::-1]


def overlapping(ids, pair, new_id):
    starts = [tuple(ids[i : i + 2]) == pair for i in range(len(ids))]
    return [
        new_id if starts[i] else ids[i]
        for i in range(len(ids))
        if starts[i] or not (i and starts[i - 1])
    ]


def first_only(ids, pair, new_id):
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return ids


def each_of_them(ids, pair, new_id):
    return [new_id if this in pair else this for this in ids]


WRONG = (
    Wrong(
        "The right id of a pair stays in the row, since you look at it again. Go on by two places "
        "after a pair.",
        "i += 2",
        "i += 1",
    ),
    Wrong(
        "In a row of equal ids, one id belongs to two pairs: 7, 7, 7 becomes two new ids. After a "
        "pair go on by two places.",
        instead=overlapping,
    ),
    Wrong(
        "You join from right to left: 7, 7, 7 becomes 7 and the new id. Join from left to right.",
        instead=from_the_right,
    ),
    Wrong(
        "You join the pair in the other order as well. The right id must stand right of the left "
        "one.",
        "== pair",
        "in (pair, pair[::-1])",
    ),
    Wrong(
        "Only the first place is joined. Go on through the whole row.",
        instead=first_only,
    ),
    Wrong(
        "The last id is lost where it belongs to no pair. Copy it too: your loop ends one place "
        "too early.",
        "i < len(ids)",
        "i < len(ids) - 1",
    ),
    Wrong(
        "Pairs are found at every second place only, since you always go on by two. After an id "
        "that is just copied go on by one.",
        "merged.append(ids[i])\n            i += 1",
        "merged += ids[i : i + 2]\n            i += 2",
    ),
    Wrong(
        "You look at the left id only, and join it with whatever comes next. The id after it must "
        "be the pair's right one.",
        "tuple(ids[i : i + 2]) == pair",
        "ids[i] == pair[0]",
    ),
    Wrong(
        "You look at the right id only. The left one must be the pair's too.",
        "tuple(ids[i : i + 2]) == pair",
        "ids[i + 1 : i + 2] == [pair[1]]",
    ),
    Wrong(
        "Each of the pair's two ids is replaced, wherever it stands. One new id takes the place "
        "of both, and only where they are neighbours.",
        instead=each_of_them,
    ),
    Wrong(
        "Pairs are taken out and nothing takes their place. Append new_id there.",
        "merged.append(new_id)",
        "pass",
    ),
    Wrong(
        "The new id is added, but the pair stays behind it. It should take the pair's place.",
        "merged.append(new_id)",
        "merged += [new_id, *pair]",
    ),
    Wrong(
        "No pair is ever found: the row comes back as it was. A slice of a list is a list and "
        "never equals a tuple: convert one of them.",
        "tuple(ids[i : i + 2])",
        "ids[i : i + 2]",
    ),
)


def looking_back(ids, pair, new_id):
    out = []
    for this in ids:
        if out and (out[-1], this) == pair:
            out[-1] = new_id
        else:
            out.append(this)
    return out


def in_place(ids, pair, new_id):
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return ids


def as_text(ids, pair, new_id):
    joined = "".join(map(chr, ids)).replace("".join(map(chr, pair)), chr(new_id))
    return [ord(character) for character in joined]


RIGHT = (looking_back, in_place, as_text)
