"""Which pair goes first?

Byte pair encoding joins the most frequent pair of neighbours. Often several pairs are equally
frequent, and any of them would do. But the choice must always be the same: a vocabulary numbers its
symbols in the order in which they were learned, and two programs that choose differently number
them differently. So a rule decides: of equally frequent pairs the one with the smaller numbers.
"""

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def best_pair(counts: dict[tuple[int, int], int]) -> tuple[int, int]:
    """The pair that is joined next.

    Args:
        counts: for each pair (left id, right id) how often it occurs; at least one pair, in any
            order.

    Returns:
        The most frequent pair. Of several that are equally frequent, the one with the smallest left
        id; if several of these have the same left id, the one with the smallest right id.
    """
    return min(counts, key=lambda pair: (-counts[pair], pair))


def cases(given):
    left, right = given.sample(range(100), 5), given.sample(range(100, 200), 3)
    many = given.sample([(a, b) for a in left for b in right], 15)
    how_often = dict(zip(many, given.integers(1, 4, 15).tolist()))
    sizes = [0, 1, 9, 10, 255, 256, 9_999, 32_768, 65_536, 70_000, 100_276]
    sixty = given.sample([(a, b) for a in sizes for b in sizes], 60)
    billions = [10**12 + n for n in given.integers(0, 2, 60).tolist()]
    return [
        Case("one pair", {(97, 116): 3}),
        Case(
            "pairs of which one is the most frequent",
            {(32, 97): 2, (104, 101): 1, (97, 32): 4, (116, 104): 12, (1, 8): 5, (120, 121): 3},
        ),
        Case(
            "equally frequent pairs, so that the left id decides",
            {(7, 95): 4, (88, 5): 4, (3, 90): 4, (4, 80): 4, (2, 1): 3, (88, 50): 4, (9, 85): 4},
        ),
        Case(
            "the same left id, so that the right id decides",
            {(5, 40): 2, (5, 60): 2, (5, 20): 2, (5, 30): 2, (6, 70): 2},
        ),
        Case("fifteen pairs with random counts", how_often),
        Case("ids of one to three digits", {(100, 50): 3, (20, 7): 3, (9, 100): 3, (9, 30): 3}),
        Case(
            "large ids and counts",
            {(70_000, 300): 999_998, (100_276, 256): 1_000_000, (300, 100_276): 1_000_000},
        ),
        Case("pairs with the id 0", {(1, 0): 5, (0, 3): 5, (0, 0): 5, (2, 2): 5, (0, 1): 4}),
        Case("pairs that all occur once", {(9, 2): 1, (3, 8): 1, (3, 1): 1, (8, 0): 1}),
        Case(
            "sixty pairs of ids of all sizes, with counts that differ by little",
            dict(zip(sixty, billions)),
        ),
    ]


HINTS = (
    "Solve it first without ties: which function gives the key of a dict with the largest value?",
    "`max(counts, key=counts.get)` gives the most frequent pair, but of equal ones the first in "
    "the dict. You need one comparison that looks at the count first and then at the pair.",
    "Python compares tuples entry by entry: (-5, (97, 116)) is smaller than (-4, (1, 1)), and "
    "smaller than (-5, (97, 117)).",
    "`min` with a key that has minus the count first, and the pair second.",
)
WHY = """
The count should be large and the ids small. Minus the count turns both into "small", so one `min`
does it: it compares minus the counts, and only where they are equal the pairs, left id first. With
`max(counts, key=counts.get)` the order of the dict would decide: the same text, read in another
order, would give another vocabulary.
"""


def last_of_equals(counts):
    best = None
    for pair in counts:
        if best is None or counts[pair] >= counts[best]:
            best = pair
    return best


def loop(better):
    def best_so_far(counts):
        best = None
        for pair in counts:
            if best is None or (-counts[pair], 0) < (-counts[best], better(pair, best)):
                best = pair
        return best

    return best_so_far


WRONG = (
    Wrong(
        "You compare ids as text, where 100 comes before 9. Compare them as numbers.",
        ", pair))",
        ", str(pair)))",
    ),
    Wrong(
        "You return how often the best pair occurs, and the pair. Return the pair alone: two ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "(counts[min(counts, key=lambda pair: (-counts[pair], pair))],"
        " min(counts, key=lambda pair: (-counts[pair], pair)))",
    ),
    Wrong(
        "You return the pair together with its count. Return the pair alone: two ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "min(counts.items(), key=lambda item: (-item[1], item[0]))",
    ),
    Wrong(
        "You return the left id only. Return the pair: both ids.",
        "(-counts[pair], pair))",
        "(-counts[pair], pair))[0]",
    ),
    Wrong(
        "You return the right id only. Return the pair: both ids.",
        "(-counts[pair], pair))",
        "(-counts[pair], pair))[1]",
    ),
    Wrong(
        "You return the pair the wrong way round. Return it as it is: (left id, right id).",
        "(-counts[pair], pair))",
        "(-counts[pair], pair))[::-1]",
    ),
    Wrong(
        "You return a list of all the most frequent pairs. Return one of them: the one with the "
        "smaller ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "sorted(pair for pair in counts if counts[pair] == max(counts.values()))",
    ),
    Wrong(
        "You return a list of all the most frequent pairs. Return one of them: the one with the "
        "smaller ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "[pair for pair in counts if counts[pair] == max(counts.values())]",
    ),
    Wrong(
        "You return all pairs, sorted. Return the first of them.",
        "min(counts, key",
        "sorted(counts, key",
    ),
    Wrong(
        "You return the dict of the best pair. Return the pair itself.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "dict([min(counts.items(), key=lambda item: (-item[1], item[0]))])",
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the larger left id. Take the smaller one.",
        ", pair))",
        ", -pair[0], pair[1]))",
    ),
    Wrong(
        "Of equally frequent pairs with the same left id you take the one with the larger right id. "
        "Take the smaller one.",
        ", pair))",
        ", pair[0], -pair[1]))",
    ),
    Wrong(
        "Of equally frequent pairs with the same left id you take the last in the dict. There the "
        "right id decides: the smaller one.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "min([*counts][::-1], key=lambda pair: (-counts[pair], pair[0]))",
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the smallest id in it, left or right. "
        "Compare the left ids first, then the right ones.",
        ", pair))",
        ", sorted(pair)))",
    ),
    Wrong(
        "You return the first pair of the dict. The counts decide: take the most frequent one.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "next(iter(counts))",
    ),
    Wrong(
        "You return the last pair of the dict. The counts decide: take the most frequent one.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "[*counts][-1]",
    ),
    Wrong(
        "Of the rarest pairs you take the one with the larger ids. The most frequent one is joined "
        "first, and of equals the smaller one.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "min(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1]))",
    ),
    Wrong(
        "You take the rarest pair that comes first in the dict. Take the most frequent one, and of "
        "equals the one with the smaller ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "min(counts, key=counts.get)",
    ),
    Wrong(
        "Of equally frequent pairs you take the one that comes first in the dict. Take the one "
        "with the smaller ids.",
        "(-counts[pair], pair)",
        "-counts[pair]",
    ),
    Wrong(
        "Of equally frequent pairs you take the one that comes last in the dict. Take the one "
        "with the smaller ids.",
        instead=last_of_equals,
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the larger ids. Take the smaller ones: "
        "`max` with (count, pair) prefers large pairs too.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "max(counts, key=lambda pair: (counts[pair], pair))",
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the smallest right id. The left id "
        "decides first.",
        ", pair))",
        ", pair[::-1]))",
    ),
    Wrong(
        "Of equally frequent pairs with the same left id you take the first in the dict. There the "
        "right id decides: the smaller one.",
        ", pair))",
        ", pair[0]))",
    ),
    Wrong(
        "Of equally frequent pairs you take the one whose two ids have the smallest sum. Compare "
        "the left ids first, then the right ones.",
        ", pair))",
        ", sum(pair)))",
    ),
    Wrong(
        "Of equally frequent pairs you prefer one whose left id or right id is smaller. The right "
        "id may decide only where the left ids are equal.",
        instead=loop(lambda pair, best: pair[0] < best[0] or pair[1] < best[1]),
    ),
    Wrong(
        "Of equally frequent pairs you prefer one only if both its ids are smaller. The left id "
        "decides, and the right one only where the left ids are equal.",
        instead=loop(lambda pair, best: pair[0] < best[0] and pair[1] < best[1]),
    ),
    Wrong(
        "You return the pair together with its count. Return the pair alone: two ids.",
        instead=lambda counts: [max(counts.items(), key=lambda item: item[1])],
    ),
    Wrong(
        "You take the rarest pair. The most frequent one is joined first.",
        "-counts",
        "counts",
    ),
    Wrong(
        "You take the pair with the smallest ids and don't look at the counts. They decide first.",
        ", key=lambda pair: (-counts[pair], pair)",
        "",
    ),
    Wrong(
        "You take the pair with the largest ids and don't look at the counts. They decide first: "
        "give `max` or `min` a key.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "max(counts)",
    ),
    Wrong(
        "You return how often the best pair occurs; return the pair itself.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "max(counts.values())",
    ),
    Wrong(
        "You return the pair together with its count. Return the pair alone: two ids.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
        "max(counts.items(), key=lambda item: item[1])",
    ),
)


def in_two_steps(counts):
    most = max(counts.values())
    return min(pair for pair, times in counts.items() if times == most)


def with_a_loop(counts):
    best, most = None, 0
    for pair, times in counts.items():
        if times > most or (times == most and pair < best):
            best, most = pair, times
    return best


def by_sorting_twice(counts):
    return sorted(sorted(counts), key=counts.get, reverse=True)[0]


RIGHT = (in_two_steps, with_a_loop, by_sorting_twice)
