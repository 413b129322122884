"""Make two symbols one

Once a pair is chosen, the row has to be rewritten: wherever the pair stands, one new symbol takes
its place. The row gets shorter, and its symbols get longer. Both learning a vocabulary and encoding
a text are this one step, done again and again. The difficult spot is where pairs overlap, as in
`aaa`: two programs agree only if they join the same two.
"""

import itertools

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
    sizes = [0, 300, 40_000, 70_000, 100_276]
    row = [sizes[i] for i in given.integers(0, 4, 1000).tolist()]
    return [
        Case("the pair alone", [97, 116], (97, 116), 256),
        Case("its two ids, but not as that pair", [97, 9, 116, 97, 97], (97, 116), 256),
        Case("the pair in the middle and at the end", [9, 97, 116, 32, 97, 116], (97, 116), 256),
        Case("two pairs, one right behind the other", [5, 97, 116, 97, 116, 8], (97, 116), 300),
        Case("equal ids in a row, so that pairs overlap", [7, 7, 7, 5, 7, 7, 7, 7], (7, 7), 256),
        Case("a pair of symbols that are merges themselves", [256, 257, 256, 9], (256, 257), 258),
        Case("a longer row of random ids", given.integers(1, 2, 30).tolist(), (2, 1), 259),
        Case("an empty row", [], (97, 116), 256),
        Case("a row of one id", [97], (97, 116), 256),
        Case(
            "ids whose digits contain those of the pair",
            [197, 116, 97, 1160, 0, 5, 97, 116, 97, 11, 6, 9, 7, 116],
            (97, 116),
            300,
        ),
        Case("five equal ids", [8, 8, 7, 7, 7, 7, 7, 8, 7], (7, 7), 1000),
        Case("a row of 1200 ids", given.integers(1, 2, 1200).tolist(), (2, 1), 259),
        Case("ids of all sizes, and a small new id", row, (70_000, 0), 7),
        Case("a run of 601 equal ids, and a new id of 0", [9] * 601 + [8, 9], (9, 9), 0),
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


def with_a_first_id(ids, pair, new_id):
    merged = [ids[0]]
    for this in ids[1:]:
        if (merged[-1], this) == pair:
            merged[-1] = new_id
        else:
            merged.append(this)
    return merged


def last_only(ids, pair, new_id):
    return first_only(ids[::-1], pair[::-1], new_id)[::-1]


def last_appended(ids, pair, new_id):
    used = merge_pair(ids, pair, new_id)
    return used if ids[-1:] == used[-1:] else [*used, ids[-1]]


def last_appended_always(ids, pair, new_id):
    return last_appended(ids, pair, new_id) if ids else ids[-1]


def copied_after(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new_id)
            i += 2
        merged += ids[i : i + 1]
        i += 1
    return merged


def not_at_the_start(ids, pair, new_id):
    return [*ids[:1], *merge_pair(ids[1:], pair, new_id)]


def right_stays(ids, pair, new_id):
    return [new_id if tuple(ids[i : i + 2]) == pair else ids[i] for i in range(len(ids))]


def last_lost(ids, pair, new_id):
    merged = merge_pair(ids, pair, new_id)
    return merged[:-1] if merged[-1:] == ids[-1:] else merged


def runs_made_one(ids, pair, new_id):
    if pair[0] != pair[1]:
        return merge_pair(ids, pair, new_id)
    out = []
    for this, run in itertools.groupby(ids):
        n = len(list(run))
        out += [new_id] if this == pair[0] and n > 1 else [this] * n
    return out


def by_digits(ids, pair, new_id):
    row = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new_id))
    return [int(number) for number in row.split()]


def sets_and_deletes(ids, pair, new_id):
    return [i for i in merge_pair(ids, pair, new_id) if i not in pair]


WRONG = (
    Wrong(
        "You replace digits in a text, so a pair is also found in the middle of other numbers: 97 116 "
        "stands in 197 1160 too. Compare ids, not their digits.",
        instead=by_digits,
    ),
    Wrong(
        "Your function fails for an empty row, which has no first id. It should give an empty row.",
        instead=with_a_first_id,
    ),
    Wrong(
        "The pair's left id stays before the new one. The new id takes the place of both.",
        "merged.append(new_id)",
        "merged += [pair[0], new_id]",
    ),
    Wrong(
        "The new id stands twice where the pair was. One new id takes the place of both.",
        "merged.append(new_id)",
        "merged += [new_id, new_id]",
    ),
    Wrong(
        "You put the pair itself into the row. Put new_id in its place.",
        "merged.append(new_id)",
        "merged.append(pair)",
    ),
    Wrong(
        "Your new id is always 256. Use new_id.",
        "merged.append(new_id)",
        "merged.append(256)",
    ),
    Wrong(
        "Your row has only the new ids. All other ids stay, in their order.",
        "merged.append(ids[i])",
        "pass",
    ),
    Wrong(
        "You give how many pairs were joined. Give the new row.",
        instead=lambda ids, pair, new_id: len(ids) - len(merge_pair(ids, pair, new_id)),
    ),
    Wrong(
        "A pair of two equal ids is not joined. It is a pair like any other.",
        "== pair:",
        "== pair and pair[0] != pair[1]:",
    ),
    Wrong(
        "A whole run of equal ids becomes one new id. A new id stands for two ids: 7, 7, 7, 7 becomes "
        "two of them.",
        instead=runs_made_one,
    ),
    Wrong(
        "After a pair an id is lost, or not looked at. Go on by two places: that is the next id after "
        "the pair.",
        "i += 2",
        "i += 3",
    ),
    Wrong(
        "Only the last place is joined. Join every place, from left to right.",
        instead=last_only,
    ),
    Wrong(
        "A pair at the end of the row is not joined. Your loop ends one place too early.",
        "if tuple(",
        "if i < len(ids) - 2 and tuple(",
    ),
    Wrong(
        "After the loop you add the row's last id always, so it stays where a pair ends the row. Add it "
        "only if it belongs to no pair.",
        instead=last_appended,
    ),
    Wrong(
        "After the loop you add the row's last id always, so it stays where a pair ends the row, and an "
        "empty row fails. Add it only if it belongs to no pair.",
        instead=last_appended_always,
    ),
    Wrong(
        "The id after a pair is copied without a look, so a pair that begins there is missed. After a "
        "pair go on with the loop: `else`.",
        instead=copied_after,
    ),
    Wrong(
        "You join two neighbours if only one of them fits: `or`. Both must fit: `and`.",
        "tuple(ids[i : i + 2]) == pair",
        "len(ids[i:]) > 1 and (ids[i] == pair[0] or ids[i + 1] == pair[1])",
    ),
    Wrong(
        "A pair at the start of the row is not joined. Begin at index 0.",
        instead=not_at_the_start,
    ),
    Wrong(
        "The first id is lost. Begin at index 0.",
        "merged, i = [], 0",
        "merged, i = [], 1",
    ),
    Wrong(
        "Wherever an id of the pair stands alone, it is lost. Only pairs are replaced, all other ids "
        "stay.",
        instead=sets_and_deletes,
    ),
    Wrong(
        "You return after the first id. Is the return inside the loop?",
        instead=lambda ids, pair, new_id: merge_pair(ids, pair, new_id)[:1],
    ),
    Wrong(
        "Your new row is in reverse order. Keep the order.",
        "return merged",
        "return merged[::-1]",
    ),
    Wrong(
        "You join pairs in the other order instead: (right id, left id). The left id stands first.",
        "== pair",
        "== pair[::-1]",
    ),
    Wrong(
        "The row's last id is never looked at, and lost. Go through the row to its end.",
        instead=lambda ids, pair, new_id: merge_pair(ids[:-1], pair, new_id),
    ),
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
    Wrong(
        "Your new id is the row's largest id plus 1. Put new_id there, as it is given.",
        "merged.append(new_id)",
        "merged.append(max(ids) + 1)",
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
