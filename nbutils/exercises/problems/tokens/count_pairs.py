"""Count neighbours

Byte pair encoding makes new symbols out of frequent pairs of neighbours: where `t` and `h` stand
side by side very often, `th` deserves a number of its own. So the first question is which pairs a
row of numbers has, and how often. This small count is the part that all learning of a vocabulary
rests on.
"""

from collections import Counter
from itertools import combinations

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
    return [
        Case("two ids, which are one pair", [116, 104]),
        Case("one id, which has no neighbour", [116]),
        Case("four different ids", [116, 104, 97, 256]),
        Case("a pair that comes twice", [116, 104, 32, 97, 116, 104]),
        Case("a pair in both orders", [97, 116, 97]),
        Case("equal neighbours, so that pairs overlap", [7, 7, 7, 7, 5]),
        Case("a longer row of random ids", given.integers(250, 253, 30).tolist()),
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


WRONG = (
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
