"""Count neighbours

Byte pair encoding makes new symbols out of frequent pairs of neighbours: where `t` and `h` stand
side by side very often, `th` deserves a number of its own. So the first question is which pairs a
row of numbers has, and how often. This small count is the part that all learning of a vocabulary
rests on.
"""

from collections import Counter
from itertools import combinations, product

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 10


def count_pairs(ids: list[int]) -> dict[tuple[int, int], int]:
    """How often each pair of neighbours occurs in a row of ids.

    Args:
        ids: the row; it may have any length.

    Returns:
        For each pair (left id, right id) that occurs, the number of places where it stands. A row
        of n ids has n - 1 such places, and they may overlap: 7, 7, 7 has the pair (7, 7) twice. A
        row with fewer than two ids gives an empty dict.
    """
    counts = {}
    for pair in zip(ids, ids[1:]):
        counts[pair] = counts.get(pair, 0) + 1
    return counts


def cases(given):
    sizes = [0, 1, 10, 255, 256, 32_768, 65_536, 65_537, 100_276]
    row = [sizes[i] for i in given.integers(0, 8, 400).tolist()]
    return [
        Case("two ids, which are one pair", [116, 104]),
        Case("one id, which has no neighbour", [116]),
        Case("four different ids", [116, 104, 97, 256]),
        Case("a pair that comes twice", [116, 104, 32, 97, 116, 104]),
        Case("a pair in both orders", [97, 116, 97]),
        Case("equal neighbours, so that pairs overlap", [7, 7, 7, 7, 5]),
        Case("a longer row of random ids", given.integers(250, 253, 30).tolist()),
        Case("an empty row", []),
        Case("a pair that comes 300 times", [3, 4] * 300),
        Case("large ids and the id 0", [100_276, 9, 100_276, 9, 10, 0, 0, 9]),
        Case("a row of 400 ids of all sizes", row),
    ]


HINTS = (
    "With a pencil, draw an arc between each id and the one after it. Each arc is one pair to "
    "count.",
    "`zip(ids, ids[1:])` goes through the row and the row without its first id side by side, and "
    "ends with the shorter one.",
    "Keep a dict from pair to number. `counts.get(pair, 0)` is 0 for a pair that is not in it yet.",
)
WHY = """
`zip(ids, ids[1:])` puts each id beside its right neighbour and stops at the last pair by itself, so
there is no index to get wrong, and a row of one id gives nothing. A pair has an order: `th` and
`ht` are different symbols. Every place counts, also one that overlaps with the place before it.
"""


def without_overlap(ids):
    counts, free = {}, 0
    for i, pair in enumerate(zip(ids, ids[1:])):
        if i < free and pair[0] == pair[1] and pair == (ids[i - 1], ids[i]):
            continue
        counts[pair] = counts.get(pair, 0) + 1
        free = i + 2
    return counts


def single_ids(ids):
    return dict(Counter(ids))


def all_pairs(ids):
    return dict(Counter(combinations(ids, 2)))


def with_a_first_id(ids):
    counts, left = {}, ids[0]
    for right in ids[1:]:
        counts[left, right] = counts.get((left, right), 0) + 1
        left = right
    return counts


def _pairs(ids):
    return Counter(zip(ids, ids[1:]))


def by_two_levels(ids):
    counts = {}
    for left, right in zip(ids, ids[1:]):
        counts.setdefault(left, {}).setdefault(right, 0)
        counts[left][right] += 1
    return counts


WRONG = (
    Wrong(
        "You give an empty dict: nothing is counted. Go through the pairs and store each count.",
        "counts[pair] = counts.get(pair, 0) + 1",
        "counts.get(pair, 0) + 1",
    ),
    Wrong(
        "Your function fails for an empty row, which has no first id. It should give an empty dict.",
        instead=with_a_first_id,
    ),
    Wrong(
        "You count up to 255 only, and then begin at 0 again: 8 bits have no larger number. Keep the "
        "counts as Python's whole numbers.",
        "counts.get(pair, 0) + 1",
        "(counts.get(pair, 0) + 1) % 256",
    ),
    Wrong(
        "You return as soon as the first pair is counted. Is the return inside the loop?",
        "    return counts",
        "        return counts\n    return counts",
    ),
    Wrong(
        "You give the list of pairs, in the order of the row. Give a dict: for each pair its count.",
        instead=lambda ids: list(zip(ids, ids[1:])),
    ),
    Wrong(
        "You give how many pairs the row has. Give a dict: for each pair its count.",
        instead=lambda ids: max(0, len(ids) - 1),
    ),
    Wrong(
        "You give how many different pairs there are. Give a dict: for each pair its count.",
        instead=lambda ids: len(_pairs(ids)),
    ),
    Wrong(
        "You give the most frequent pair alone. Give a dict: for each pair its count.",
        instead=lambda ids: max(_pairs(ids), key=_pairs(ids).get, default=None),
    ),
    Wrong(
        "You leave out pairs that occur once. Every pair that occurs has a place in the dict.",
        "    return counts",
        "    return {pair: n for pair, n in counts.items() if n > 1}",
    ),
    Wrong(
        "You leave out pairs of two equal ids. They are pairs like all others.",
        "    for pair in zip(ids, ids[1:]):\n",
        "    for pair in zip(ids, ids[1:]):\n        if pair[0] == pair[1]:\n            continue\n",
    ),
    Wrong(
        "You also keep pairs that don't occur, with the count 0. Leave them out.",
        instead=lambda ids: {
            pair: _pairs(ids)[pair] for pair in product(sorted(set(ids)), repeat=2)
        },
    ),
    Wrong(
        "Each pair is counted in the other order too. Count (left id, right id) only.",
        instead=lambda ids: dict(_pairs(ids) + _pairs(ids[::-1])),
    ),
    Wrong(
        "A row with fewer than two ids gives None. It should give an empty dict.",
        "    return counts",
        "    return counts if len(ids) > 1 else None",
    ),
    Wrong(
        "Your keys are texts. A key is a tuple of two ids: (left id, right id).",
        instead=lambda ids: {f"{a} {b}": n for (a, b), n in _pairs(ids).items()},
    ),
    Wrong(
        "Your keys are texts. A key is a tuple of two ids: (left id, right id).",
        instead=lambda ids: {f"{a},{b}": n for (a, b), n in _pairs(ids).items()},
    ),
    Wrong(
        "Your keys are texts. A key is a tuple of two ids: (left id, right id).",
        instead=lambda ids: {str(pair): n for pair, n in _pairs(ids).items()},
    ),
    Wrong(
        "Your keys are sets, which have no order: a frozenset. A key is a tuple (left id, right id).",
        instead=lambda ids: dict(Counter(frozenset(pair) for pair in zip(ids, ids[1:]))),
    ),
    Wrong(
        "Your keys are the places of pairs. Use the pairs as keys; the values are how often they "
        "occur.",
        instead=lambda ids: dict(enumerate(zip(ids, ids[1:]))),
    ),
    Wrong(
        "Your dict has for each left id a dict of right ids. Use pairs as keys: counts[left, right].",
        instead=by_two_levels,
    ),
    Wrong(
        "You give the share of each pair. Give how often it occurs, a whole number.",
        "    return counts",
        "    return {pair: n / (len(ids) - 1) for pair, n in counts.items()}",
    ),
    Wrong(
        "For each pair you keep the place where it stood last. Count how often it occurs.",
        instead=lambda ids: {pair: i for i, pair in enumerate(zip(ids, ids[1:]))},
    ),
    Wrong(
        "You keep only the most frequent pairs. Keep every pair that occurs.",
        instead=lambda ids: dict(_pairs(ids).most_common(1)),
    ),
    Wrong(
        "You count runs of three ids. A pair has two.",
        instead=lambda ids: dict(Counter(zip(ids, ids[1:], ids[2:]))),
    ),
    Wrong(
        "You count only at every second place, as if the row were cut into twos. The right id of a "
        "pair is also the left one of the next.",
        "zip(ids, ids[1:])",
        "zip(ids[::2], ids[1::2])",
    ),
    Wrong(
        "Equal ids in a row are counted without overlap. Count every place: 7, 7, 7 has the pair "
        "(7, 7) twice.",
        instead=without_overlap,
    ),
    Wrong(
        "The two orders of a pair are counted together. The pair (97, 116) is not the pair (116, "
        "97): don't sort.",
        "zip(ids, ids[1:])",
        "map(tuple, map(sorted, zip(ids, ids[1:])))",
    ),
    Wrong(
        "Your pairs are the wrong way round: the right id stands first. Each pair is (left id, "
        "right id).",
        "zip(ids, ids[1:])",
        "zip(ids[1:], ids)",
    ),
    Wrong(
        "Every pair has the count 1, however often it occurs. Add 1 to the count that it has so "
        "far.",
        "counts.get(pair, 0) + 1",
        "1",
    ),
    Wrong(
        "Each count is one too small: the first time that you meet a pair counts as 0. It counts "
        "as 1.",
        "counts.get(pair, 0) + 1",
        "counts.get(pair, -1) + 1",
    ),
    Wrong(
        "Each count is one too large: a pair that you meet for the first time is counted twice. "
        "Begin at 0 and add 1 each time.",
        "get(pair, 0)",
        "get(pair, 1)",
    ),
    Wrong(
        "A pair that comes again is counted only if its ids differ from the pair before. Count every "
        "place: 7, 7, 7 has the pair (7, 7) twice.",
        instead=lambda ids: dict(
            Counter(
                pair
                for before, pair in zip([None, *zip(ids, ids[1:])], zip(ids, ids[1:]))
                if pair != before
            )
        ),
    ),
    Wrong(
        "You look for each pair in a text: `str.count` leaves out places that overlap, and finds "
        "a pair in the middle of other numbers, too. Go through the row of ids.",
        instead=lambda ids: {
            (a, b): str(ids)[1:-1].count(f"{a}, {b}") for a, b in zip(ids, ids[1:])
        },
    ),
    Wrong(
        "The last pair of the row is missing. A row of n ids has n - 1 pairs.",
        "ids[1:])",
        "ids[1:-1])",
    ),
    Wrong(
        "The first pair of the row is missing. A row of n ids has n - 1 pairs: begin at index 0.",
        "zip(ids, ids[1:])",
        "zip(ids[1:], ids[2:])",
    ),
    Wrong(
        "You also count a pair of the last id and the first one. A row has no circle: the last id "
        "has no right neighbour.",
        "ids[1:])",
        "ids[1:] + ids[:1])",
    ),
    Wrong(
        "Your pairs leave out the id between them: they are two places apart. The neighbour of "
        "ids[i] is ids[i + 1].",
        "ids[1:]",
        "ids[2:]",
    ),
    Wrong(
        "You count single ids; count pairs of neighbours.",
        instead=single_ids,
    ),
    Wrong(
        "You pair each id with all that come after it. A pair is an id and the very next one.",
        instead=all_pairs,
    ),
)


def with_a_counter(ids):
    return Counter(zip(ids, ids[1:]))


def with_indices(ids):
    pairs = [(ids[i], ids[i + 1]) for i in range(len(ids) - 1)]
    return {pair: pairs.count(pair) for pair in set(pairs)}


def remembering_the_last(ids):
    counts, last = {}, None
    for this in ids:
        if last is not None:
            counts.setdefault((last, this), 0)
            counts[last, this] += 1
        last = this
    return counts


RIGHT = (with_a_counter, with_indices, remembering_the_last)
