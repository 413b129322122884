"""What attention carries

A fast chip waits for memory more than it computes. So count bytes before you count operations. Plain
attention makes a table of T times T scores, and each step of it stores the table and the next one loads
it again. Attention in tiles keeps a tile of queries in the fast memory and brings the keys and values to
it, tile after tile; the table never exists. But each tile of queries loads keys and values anew. What
does that come to?
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 4, 25


def attention_bytes(
    T: int, D: int, tile: tuple[int, int], itemsize: int, causal: bool
) -> tuple[int, int]:
    """How many bytes one head of attention moves to and from the slow memory.

    There are T queries, keys, values and outputs of D numbers each.

    The plain way takes three steps, each of which loads what it needs and stores what it makes, each
    once. The first makes the T times T scores from all queries and keys. The second makes weights of
    the scores, by mask and softmax; its mask costs no bytes. The third makes the outputs from weights
    and values. Numbers that the mask hides are moved like the rest.

    In tiles, each tile of queries is loaded once, and its outputs are stored once. For each tile of
    queries the tiles of keys are loaded from the first one on, and with them the same tiles of values.
    With a causal mask a tile of keys is left out if its first key comes after the last query of the
    tile of queries; else it is loaded whole. Where tiles reach beyond the T tokens, nothing is
    loaded or stored.

    Args:
        T: how many tokens there are, 1 or more.
        D: how many numbers a query, a key, a value or an output has.
        tile: (queries, keys), how many of each a tile has, 1 or more. T need be no multiple of them.
        itemsize: the bytes of one number.
        causal: whether there is a causal mask; without it every tile of keys is loaded.

    Returns:
        plain, tiled: the bytes of each way.
    """
    queries, keys = tile
    loaded = 0  # keys, over all tiles of queries
    for first_query in range(0, T, queries):
        seen = min(first_query + queries, T) if causal else T  # keys up to the last query
        loaded += min(-(-seen // keys) * keys, T)
    plain = 4 * T * T + 4 * T * D
    tiled = 2 * T * D + 2 * loaded * D
    return plain * itemsize, tiled * itemsize


def cases(given):
    D = given.choice((5, 7, 11))
    return [
        Case("one token", 1, D, (1, 1), 1, False),
        Case("one tile of everything", 6, D, (6, 6), 1, False),
        Case("three tiles of queries", 6, D, (2, 6), 1, False),
        Case("three tiles of queries and four of keys", 12, D, (4, 3), 1, False),
        Case("numbers of four bytes", 12, D, (4, 3), 4, False),
        Case("a causal mask and square tiles", 12, D, (3, 3), 4, True),
        Case("more queries than keys in a tile", 24, D, (6, 2), 4, True),
        Case("more keys than queries in a tile", 24, D, (2, 8), 4, True),
        Case("a text that does not fill its last tiles", 13, D, (5, 4), 4, False),
        Case("such a text and a causal mask", 13, D, (4, 3), 4, True),
        Case("a head of GPT-2", 1024, 64, (128, 64), 2, True),
        Case("a text that is shorter than a tile", 5, D, (64, 48), 2, True),
        Case("a long text and tiles that fit nothing", 1500 + D, 80, (46, 112), 2, True),
        Case("the same without a mask", 1500 + D, 80, (46, 112), 8, False),
    ]


HINTS = (
    "The plain way: write down for each of its three steps what it loads and what it stores. Each is "
    "either a table of T times T numbers or T rows of D numbers.",
    "Scores: load 2 T D, store T². Weights: load T², store T². Outputs: load T² + T D, store T D.",
    "In tiles: queries and outputs cross once, 2 T D numbers. Then go through the tiles of queries, with "
    "`range(0, T, queries)`. How many keys does each load? Each brings 2 D numbers, its own and its "
    "value's.",
    "With a causal mask a tile of queries needs the keys up to its last query, `first_query + queries` of "
    "them. They are loaded in whole tiles: round up to a multiple of `keys`, but not beyond T. "
    "`-(-n // keys) * keys` rounds n up.",
)
WHY = """
Plain attention moves $4T^2 + 4TD$ numbers. The table is what hurts: four crossings of $T^2$, while
queries, keys, values and outputs are $T$ rows each. In tiles the table never leaves the fast memory. What
grows with $T^2$ there is $2DT^2$ divided by the number of queries in a tile, since each tile of queries
loads all keys and values: with more than $D/2$ queries in a tile it is less than the four crossings
together, with more than $2D$ less than one, and causal tiles save almost half of it. So a tile should
have as many queries as fit. The number of keys hardly matters. The operations are as many as before:
FlashAttention is faster because it carries less.
"""
MASKED_HALF = (
    "In your plain way the mask saves bytes. It does not: the table of scores is computed, stored and "
    "loaded whole, with the half that is hidden."
)
MASK_LOADED = (
    "In your plain way a table crosses five times. Is it the mask that you load? It costs no bytes."
)
PER_QUERY = (
    "You load keys and values for each query. A tile of queries loads them once for all its queries: that "
    "is what tiles are for."
)
BOTH_STAY = (
    "You count a tile of queries or its outputs again for each tile of keys. They stay in the fast memory: "
    "loaded once, stored once."
)
TURNED = (
    "Your loops are the wrong way round: keys and values stay, and queries and outputs come again "
    "and again. Here a tile of queries stays, and the keys and values come to it."
)
BY_FIRST_QUERY = (
    "You leave out tiles of keys by the first query of a tile. Its last query sees furthest: compare with "
    "that one."
)
HALF = (
    "Your causal mask halves what keys and values cost. That is nearly so for a long text, but the tiles on "
    "the diagonal are loaded whole: go through the tiles of queries."
)
QUOTIENT = (
    "You count a part of a tile of queries, as / gives it. That part loads keys and values like a whole one: "
    "-(-T // queries) rounds up."
)
ONE_PRODUCT = "itemsize multiplies only a part of the sum. Put the sum in parentheses."
SUMS_STAY = (
    "A row's maximum and sum don't cross: they stay in the fast memory. Only outputs are stored."
)
NO_TABLE = "In tiles the table of scores does not cross: it stays in the fast memory, tile by tile."


def tiles_and_keys(T: int, tile: tuple[int, int], causal: bool):
    """For each tile of queries its first query, how many it has, and how many keys it loads."""
    queries, keys = tile
    for first in range(0, T, queries):
        seen = first + queries if causal else T
        yield first, min(queries, T - first), min(-(-seen // keys) * keys, T)


def with_loaded(loaded, T, D, itemsize):
    return (4 * T * T + 4 * T * D) * itemsize, (2 * T * D + 2 * loaded * D) * itemsize


def for_each_query(T, D, tile, itemsize, causal):
    loaded = sum(n * keys for _, n, keys in tiles_and_keys(T, tile, causal))
    return with_loaded(loaded, T, D, itemsize)


def for_each_query_alone(T, D, tile, itemsize, causal):
    return attention_bytes(T, D, (1, tile[1]), itemsize, causal)


def again(loads: int, stores: int):
    """Queries or outputs, or both, cross for each tile of keys."""

    def wrong(T, D, tile, itemsize, causal):
        plain, tiled = attention_bytes(T, D, tile, itemsize, causal)
        rows = sum(n * (-(-keys // tile[1]) - 1) for _, n, keys in tiles_and_keys(T, tile, causal))
        return plain, tiled + (loads + stores) * rows * D * itemsize

    return wrong


def keys_stay(more: int, once: int):
    """Keys and values cross once; queries and outputs, so many of them, for each tile of keys."""

    def wrong(T, D, tile, itemsize, causal):
        visits = sum(n * -(-keys // tile[1]) for _, n, keys in tiles_and_keys(T, tile, causal))
        plain = 4 * T * T + 4 * T * D
        return plain * itemsize, ((2 + once) * T * D + more * visits * D) * itemsize

    return wrong


def for_each_pair(T, D, tile, itemsize, causal):
    return with_loaded(T * (T + 1) // 2 if causal else T * T, T, D, itemsize)


def half_of(all_of):
    """The mask halves what is loaded; without it the number of queries in the last tile is right."""

    def wrong(T, D, tile, itemsize, causal):
        loaded = all_of(T, tile[0]) / 2 if causal else T * -(-T // tile[0])
        return with_loaded(loaded, T, D, itemsize)

    return wrong


def by_numbers_of_tiles(T, D, tile, itemsize, causal):
    rows, columns = -(-T // tile[0]), -(-T // tile[1])
    visits = (j for i in range(rows) for j in range(min(i + 1, columns) if causal else columns))
    return with_loaded(sum(min(tile[1], T - j * tile[1]) for j in visits), T, D, itemsize)


def parts_of_tiles(T, D, tile, itemsize, causal):
    loaded = (
        sum(keys for _, _, keys in tiles_and_keys(T, tile, True)) if causal else T * T / tile[0]
    )
    return with_loaded(loaded, T, D, itemsize)


def half_of_parts(T, D, tile, itemsize, causal):
    return with_loaded(T * T / tile[0] / (2 if causal else 1), T, D, itemsize)


def without_the_diagonal(T, D, tile, itemsize, causal):
    loaded = sum(
        min(tile[1], T - first_key)
        for first_query in range(0, T, tile[0])
        for first_key in range(0, T, tile[1])
        if not causal or first_key + tile[1] <= first_query + tile[0]
    )
    return with_loaded(loaded, T, D, itemsize)


# Pairs of mistakes are tried in this order: those that are met most often come first.
WRONG = (
    Wrong(
        "You count numbers. Each has itemsize bytes: multiply.",
        "return plain * itemsize, tiled * itemsize",
        "return plain, tiled",
    ),
    Wrong(
        "Your tiled way counts numbers. Each has itemsize bytes: multiply.",
        "tiled * itemsize",
        "tiled",
    ),
    *(
        Wrong(
            f"In your plain way the table crosses {often}. It does so four times: scores are stored and "
            "loaded, weights are stored and loaded.",
            "4 * T * T",
            f"{n} * T * T",
        )
        for n, often in ((3, "three times"), (2, "twice"), (1, "once"))
    ),
    Wrong(MASK_LOADED, "4 * T * T", "5 * T * T"),
    Wrong(MASK_LOADED, "4 * T * T", "(5 if causal else 4) * T * T"),
    Wrong(
        "Your plain way misses one of queries, keys, values and outputs. The outputs are stored, too.",
        "4 * T * D",
        "3 * T * D",
    ),
    Wrong(MASKED_HALF, "4 * T * T", "(2 if causal else 4) * T * T"),
    Wrong(MASKED_HALF, "4 * T * T", "4 * (T * (T + 1) // 2 if causal else T * T)"),
    Wrong(
        "In tiles you count either the queries or the outputs. The queries are loaded and the outputs are "
        "stored: T * D numbers each.",
        "2 * T * D",
        "T * D",
    ),
    Wrong(
        "In tiles you count keys and values alone. The queries are loaded and the outputs are stored, too.",
        "2 * T * D + ",
        "",
    ),
    Wrong(
        "In tiles you count keys and values once. Each tile of queries loads them anew.",
        "2 * loaded * D",
        "2 * T * D",
    ),
    Wrong(
        "In tiles you count keys or values, but not both. Each key that is loaded brings a value.",
        "2 * loaded * D",
        "loaded * D",
    ),
    Wrong(PER_QUERY, instead=for_each_query),
    Wrong(PER_QUERY, instead=for_each_query_alone),
    Wrong(PER_QUERY, instead=for_each_pair),
    Wrong(
        "In tiles your causal mask saves nothing. A tile of keys is left out if its first key comes after "
        "the last query of the tile.",
        "min(first_query + queries, T) if causal else T",
        "T",
    ),
    Wrong(
        "You leave out tiles where there is no causal mask. Then every query sees all keys.",
        "min(first_query + queries, T) if causal else T",
        "min(first_query + queries, T)",
    ),
    Wrong(
        "You count only those keys that some query of the tile sees. A tile of keys that is not left out is "
        "loaded whole.",
        "-(-seen // keys) * keys",
        "seen",
    ),
    Wrong(
        "You leave out the tile of keys in which the last query lies, if it is not all seen. It is loaded: "
        "round up, not down.",
        "-(-seen // keys) * keys",
        "seen // keys * keys",
    ),
    Wrong(
        "You leave out tiles of keys on the diagonal, which are seen in part. Only a tile whose first key "
        "comes after the last query is left out.",
        instead=without_the_diagonal,
    ),
    Wrong(
        "You compare numbers of tiles. That is right only with as many queries as keys in a tile: compare "
        "positions.",
        instead=by_numbers_of_tiles,
    ),
    Wrong(QUOTIENT, instead=parts_of_tiles),
    Wrong(HALF, instead=half_of_parts),
    Wrong(HALF, instead=half_of(lambda T, queries: T * -(-T // queries))),
    Wrong(HALF, instead=half_of(lambda T, queries: T * T / queries)),
    Wrong(
        "You load one tile of keys too many where its first key stands right after the last query. That one "
        "is left out. The last query is first + queries - 1.",
        "first_query + queries, T",
        "first_query + queries + 1, T",
    ),
    Wrong(
        "You leave out a tile of keys that begins with the last query's own position. This query sees that "
        "key: the tile is loaded.",
        "first_query + queries, T",
        "first_query + queries - 1, T",
    ),
    Wrong(BY_FIRST_QUERY, "first_query + queries, T", "first_query + 1, T"),
    Wrong(BY_FIRST_QUERY, "first_query + queries, T", "first_query, T"),
    Wrong(
        "The last tile of keys reaches beyond the text, and you count what is not there. No more than T "
        "keys are loaded.",
        "min(-(-seen // keys) * keys, T)",
        "-(-seen // keys) * keys",
    ),
    Wrong(
        "The last tile of queries is left out where it is not full. It loads keys and values like the "
        "others: round the number of tiles up.",
        "range(0, T, queries)",
        "range(0, T - queries + 1, queries)",
    ),
    Wrong(
        "You count one tile of queries too many where the last one is full. T // queries + 1 isn't T / queries "
        "rounded up; -(-T // queries) is.",
        "range(0, T, queries)",
        "range(0, T + 1, queries)",
    ),
    Wrong(
        "The last tile of keys is left out where it is not full. It is loaded as far as the text goes.",
        "min(-(-seen // keys) * keys, T)",
        "min(-(-seen // keys) * keys, T // keys * keys)",
    ),
    Wrong(
        "The last tile of queries reaches beyond the text, and you count what is not there. T queries are "
        "loaded, T outputs stored.",
        "2 * T * D",
        "2 * -(-T // queries) * queries * D",
    ),
    Wrong(ONE_PRODUCT, "plain * itemsize", "4 * T * T + 4 * T * D * itemsize"),
    Wrong(ONE_PRODUCT, "tiled * itemsize", "2 * T * D + 2 * loaded * D * itemsize"),
    Wrong(
        ONE_PRODUCT,
        "return plain * itemsize, tiled * itemsize",
        "return 4 * T * T + 4 * T * D * itemsize, 2 * T * D + 2 * loaded * D * itemsize",
    ),
    Wrong(MASKED_HALF, "plain * itemsize", "plain * itemsize // (2 if causal else 1)"),
    *(Wrong(SUMS_STAY, "2 * T * D", f"2 * T * D + {n} * T") for n in (1, 2)),
    Wrong(BOTH_STAY, instead=again(1, 0)),
    Wrong(BOTH_STAY, instead=again(1, 1)),
    *(Wrong(TURNED, instead=keys_stay(*rows)) for rows in ((1, 1), (2, 0), (3, 0))),
    Wrong(
        "The tile's sizes are exchanged. tile is (queries, keys).",
        "queries, keys = tile",
        "keys, queries = tile",
    ),
    Wrong(
        "You give the two in the wrong order: first the plain way, then that in tiles.",
        "return plain * itemsize, tiled * itemsize",
        "return tiled * itemsize, plain * itemsize",
    ),
    Wrong(
        "Your plain way counts numbers. Each has itemsize bytes: multiply.",
        "plain * itemsize",
        "plain",
    ),
    *(
        Wrong(
            f"You take each number for one of {n} bytes. itemsize says how many it has.",
            "return plain * itemsize, tiled * itemsize",
            f"return plain * {n}, tiled * {n}",
        )
        for n in (4, 2)
    ),
    Wrong(
        "You count bits. itemsize is in bytes, and so is the answer.",
        "return plain * itemsize, tiled * itemsize",
        "return plain * itemsize * 8, tiled * itemsize * 8",
    ),
    Wrong(
        "In your plain way the table crosses six times. Mask and softmax are one step here, and the mask "
        "costs no bytes.",
        "4 * T * T",
        "6 * T * T",
    ),
    Wrong(
        "In your plain way no table crosses. The scores are stored and loaded, and so are the weights: four "
        "times T * T numbers.",
        "4 * T * T + ",
        "",
    ),
    Wrong(
        "Your plain way misses two of queries, keys, values and outputs. Each of them crosses once.",
        "4 * T * D",
        "2 * T * D",
    ),
    Wrong(
        "Your plain way is the table alone. Queries, keys and values are loaded, and outputs are stored.",
        " + 4 * T * D",
        "",
    ),
    Wrong(
        "In your plain way D multiplies the table. That is how many multiplications there are; a table has "
        "T times T numbers.",
        "4 * T * T",
        "4 * T * T * D",
    ),
    Wrong(
        "In tiles you count keys and values once more than they are loaded. Beside what the tiles of "
        "queries load, only queries and outputs cross.",
        "2 * T * D",
        "4 * T * D",
    ),
    Wrong(
        "In tiles D is missing. Each key that is loaded has D numbers, and so has its value.",
        "2 * loaded * D",
        "2 * loaded",
    ),
    Wrong(
        "In tiles you count tiles of keys as if each were a single key. A tile brings as many keys as it "
        "has.",
        "min(-(-seen // keys) * keys, T)",
        "-(-seen // keys)",
    ),
    *(Wrong(NO_TABLE, "2 * T * D", f"2 * T * D + {n} * T * T") for n in (1, 2, 4)),
    *(
        Wrong(
            "You give the bytes of one way. Give two numbers: those of the plain way, and those in tiles.",
            "return plain * itemsize, tiled * itemsize",
            f"return {way} * itemsize",
        )
        for way in ("tiled", "plain")
    ),
    Wrong(
        "You give how many times less the tiles move. Give the bytes of each way.",
        "return plain * itemsize, tiled * itemsize",
        "return plain / tiled",
    ),
)


def step_by_step(T, D, tile, itemsize, causal):
    table, rows = T * T, T * D
    plain = (2 * rows + table) + (table + table) + (table + rows + rows)
    tiled = 0
    for first_query in range(0, T, tile[0]):
        last_query = min(first_query + tile[0], T) - 1
        tiled += 2 * (last_query + 1 - first_query) * D
        for first_key in range(0, T, tile[1]):
            if causal and first_key > last_query:
                break
            tiled += 2 * min(tile[1], T - first_key) * D
    return [plain * itemsize, tiled * itemsize]


def by_the_mask(T, D, tile, itemsize, causal):
    """Each tile of keys is loaded for those tiles of queries of which one query sees one of its keys."""
    seen = torch.ones(T, T, dtype=torch.bool)
    seen = seen.tril() if causal else seen
    loaded = sum(
        columns.shape[1]
        for rows in seen.split(tile[0], dim=0)
        for columns in rows.split(tile[1], dim=1)
        if columns.any()
    )
    return torch.tensor([4 * T * (T + D), 2 * D * (T + loaded)]) * itemsize


def from_the_keys(T, D, tile, itemsize, causal):
    """The same visits, counted from the keys: how many tiles of queries load each tile of keys."""
    queries, keys = tile
    rows = -(-T // queries)
    visits = {first: rows - (first // queries if causal else 0) for first in range(0, T, keys)}
    loaded = sum(n * min(keys, T - first) for first, n in visits.items())
    return 4 * T * itemsize * (T + D), 2 * D * itemsize * (T + loaded)


def with_floats(T, D, tile, itemsize, causal):
    loaded = 0.0
    for i in range(math.ceil(T / tile[0])):
        seen = min((i + 1) * tile[0], T) if causal else T
        loaded += min(math.ceil(seen / tile[1]) * tile[1], T)
    return itemsize * (2.0 * T) ** 2 + itemsize * 4.0 * T * D, 2.0 * D * itemsize * (T + loaded)


RIGHT = (step_by_step, by_the_mask, from_the_keys, with_floats)
