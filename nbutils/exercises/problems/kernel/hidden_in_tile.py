"""Where the mask lets a tile be skipped

Attention without its matrix goes through the table of scores in tiles: some neighbouring queries, which
are rows, times some neighbouring keys, which are columns. A query may look at the key of its own
position and at those before it; the mask hides the rest. A tile of which all is hidden need not be
loaded at all: that saves almost half of a long text's work. A tile of which nothing is hidden needs no
mask. Only the tiles between the two have to be masked number by number.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def hidden_in_tile(first_query: int, first_key: int, tile: tuple[int, int]) -> str:
    """How much of a tile the causal mask hides.

    Args:
        first_query: the position of the tile's first query, 0 or more.
        first_key: the position of the tile's first key, 0 or more.
        tile: (queries, keys), how many of each the tile has, 1 or more. They may differ.

    Returns:
        "all" if the mask hides every pair of a query and a key of this tile, "none" if it hides no
        pair, and "some" if it hides some pairs and shows others.
    """
    queries, keys = tile
    last_query, last_key = first_query + queries - 1, first_key + keys - 1
    if first_key > last_query:
        return "all"
    return "some" if last_key > first_query else "none"


def cases(given):
    start = 96 + 8 * given.choice(range(3, 8)) + 3
    return [
        Case("a square tile on the diagonal", 0, 0, (4, 4)),
        Case("a tile far right of the diagonal", start, 4 * start, (4, 4)),
        Case("a tile far left of it", 4 * start, start, (4, 4)),
        Case("one query and the key of its own position", start, start, (1, 1)),
        Case("one query and the key after it", start, start + 1, (1, 1)),
        Case("one query and the key before it", start, start - 1, (1, 1)),
        Case("a first key at the position of the last query", start, start + 7, (8, 4)),
        Case("a first key one position after the last query", start, start + 8, (8, 4)),
        Case("a last key at the position of the first query", start, start - 3, (8, 4)),
        Case("a last key one position after the first query", start, start - 2, (8, 4)),
        Case("more keys than queries, around the diagonal", start, start - 8, (4, 16)),
        Case("more keys than queries, left of the diagonal", start, start - 16, (4, 16)),
        Case("more queries than keys, around the diagonal", start, start + 2, (16, 4)),
        Case("more keys than queries, right after the last query", start, start + 4, (4, 16)),
        Case("more queries than keys, up to the first query", start, start - 3, (16, 4)),
        Case("one query that misses the last of many keys", start, start - 98, (1, 100)),
        Case("a key that only the last of many queries sees", start, start + 99, (100, 1)),
        Case("a large tile far down a long text", 2040, 2050, (60, 110)),
        Case("the tile to the right of it", 2040, 2100, (60, 110)),
    ]


HINTS = (
    "Draw a tile of 3 queries and 2 keys, and put a cross where the key comes after the query. Which "
    "corner is hidden first when the tile moves to the right, and which last?",
    "The pair that is hidden last is that of the last query, which sees most, and the first key. If even "
    "this pair is hidden, all are.",
    "The pair that is hidden first is that of the first query, which sees least, and the last key. If even "
    "this pair is shown, all are.",
    "The last of n positions from `first` on is `first + n - 1`. A pair is hidden if the key's position "
    "is larger than the query's; equal positions are shown.",
)
WHY = """
Of all pairs of the tile, that of the last query and the first key is shown longest, and that of the first
query and the last key is hidden soonest. So these two corners decide, and no other pair is looked at. In a
kernel the first comparison is the end of its loop over the keys: it stops at the last query of its tile.
With tiles as large as 64 by 64 and a long text almost all tiles are hidden or shown whole; the mask is
computed on the diagonal only.
"""
OWN_SEEN = "a query sees the key of its own position"
FIRST_QUERY = (
    "You compare the first key with the first query. The last query of the tile sees furthest: all is "
    "hidden only if this one sees nothing."
)
FIRST_KEY = 'For "none" you compare the first key with the first query. This query must see even the last key.'
THREE_WORDS = 'Your function gives True or False. Give one of three words: "all", "some" or "none".'
IN_SMALL_LETTERS = 'The words are written in small letters: "all", "some" and "none".'

WITHIN_TILE = (
    "You count from the beginning of the tile. Its places in the text count: its last query stands at "
    "first_query + queries - 1, its last key at first_key + keys - 1."
)


def by_numbers_of_tiles(first_query, first_key, tile):
    row, column = first_query // tile[0], first_key // tile[1]
    return "all" if column > row else "some" if column == row else "none"


def as_numbers_of_tiles(first_query, first_key, tile):
    return hidden_in_tile(first_query * tile[0], first_key * tile[1], tile)


def pairs_short_by_one(first_query, first_key, tile):
    return pair_by_pair(first_query, first_key, (tile[0] - 1, tile[1] - 1))


def with_diagonal_turned(first_query, first_key, tile):
    return by_distance(first_key, first_query, tile)


def wherever_it_stands(first_query, first_key, tile):
    return hidden_in_tile(0, 0, tile)


def whether_all(first_query, first_key, tile):
    return hidden_in_tile(first_query, first_key, tile) == "all"


def whether_any_is_shown(first_query, first_key, tile):
    return hidden_in_tile(first_query, first_key, tile) != "all"


def nothing_for_none(first_query, first_key, tile):
    found = hidden_in_tile(first_query, first_key, tile)
    return None if found == "none" else found


def in_large_letters(first_query, first_key, tile):
    return hidden_in_tile(first_query, first_key, tile).upper()


def with_a_large_letter(first_query, first_key, tile):
    return hidden_in_tile(first_query, first_key, tile).capitalize()


def some_for_none(first_query, first_key, tile):
    found = hidden_in_tile(first_query, first_key, tile)
    return "some" if found == "none" else found


ANSWER = """\
    if first_key > last_query:
        return "all"
    return "some" if last_key > first_query else "none"
"""
WRONG = (
    Wrong(
        f"Your mask hides too much by one: {OWN_SEEN}. Only a key whose position is larger than the "
        "query's is hidden.",
        ANSWER,
        ANSWER.replace(">", ">="),
    ),
    Wrong(
        "A tile whose first key has the position of the last query is not all hidden: "
        f"{OWN_SEEN}. Compare with > and not with >=.",
        "first_key > last_query",
        "first_key >= last_query",
    ),
    Wrong(
        "A tile whose first key stands one position after the last query is all hidden. Is your last "
        "query one too far? The last of n positions is first + n - 1.",
        "first_query + queries - 1",
        "first_query + queries",
    ),
    Wrong(
        f"A tile whose last key has the position of the first query has nothing hidden: {OWN_SEEN}. Is it "
        "a >= that should be a >, or a last key that is one too far? The last of n positions is first + "
        "n - 1.",
        "last_key > first_query",
        "last_key >= first_query",
    ),
    Wrong(
        "A tile whose last key stands one position before the first query has nothing hidden, and one with "
        "the same position neither. The last of n positions is first + n - 1, and only a larger position "
        "is hidden.",
        "last_key > first_query",
        "last_key >= first_query - 1",
    ),
    Wrong(
        "A tile whose last key stands one position after the first query has one hidden pair, these two. "
        'So it is "some".',
        "last_key > first_query",
        "last_key > first_query + 1",
    ),
    Wrong(FIRST_QUERY, "first_key > last_query", "first_key > first_query"),
    Wrong(FIRST_QUERY, "first_key > last_query", "first_key >= first_query"),
    Wrong(
        'You call a tile "all" where its last key comes after the last query. Its other keys may still be '
        "shown: compare the first key.",
        "first_key > last_query",
        "last_key > last_query",
    ),
    Wrong(
        'You call a tile "all" where its last key comes after the first query. There most tiles on the '
        "diagonal are lost: the last query may still see its first key.",
        "first_key > last_query",
        "last_key > first_query",
    ),
    Wrong(
        'For "none" you ask whether the last query sees the last key. The first query sees least: nothing '
        "is hidden only if this one sees the last key.",
        "last_key > first_query",
        "last_key > last_query",
    ),
    Wrong(FIRST_KEY, "last_key > first_query", "first_key > first_query"),
    Wrong(FIRST_KEY, "last_key > first_query", "first_key >= first_query"),
    Wrong(
        'Your "all" and "none" are exchanged. "all" means that the mask hides the whole tile.',
        ANSWER,
        ANSWER.replace('"all"', '"_"').replace('"none"', '"all"').replace('"_"', '"none"'),
    ),
    Wrong(
        "Your mask hides the past and shows the future. It hides a key whose position is larger than the "
        "query's.",
        ANSWER,
        ANSWER.replace("first_key > last_query", "last_key < first_query").replace(
            "last_key > first_query", "first_key < last_query"
        ),
    ),
    Wrong(
        "The tile's sizes are exchanged. tile is (queries, keys).",
        "queries, keys = tile",
        "keys, queries = tile",
    ),
    Wrong(
        "You take both sizes to be the same, that of the queries. A tile may have another number of keys.",
        "first_key + keys",
        "first_key + queries",
    ),
    Wrong(
        "You take both sizes to be the same, that of the keys. A tile may have another number of queries.",
        "first_query + queries",
        "first_query + keys",
    ),
    Wrong(WITHIN_TILE, "first_query + queries - 1", "queries - 1"),
    Wrong(WITHIN_TILE, "first_key + keys - 1", "keys - 1"),
    Wrong(WITHIN_TILE, instead=wherever_it_stands),
    Wrong(
        "You multiply the first positions by the tile's sizes. They are positions in the text already, not "
        "numbers of tiles.",
        instead=as_numbers_of_tiles,
    ),
    Wrong(
        "The last query and the last key are left out. A range leaves out its end: range(first, first + n) has "
        "n positions.",
        instead=pairs_short_by_one,
    ),
    Wrong(
        "The diagonal of your mask is moved the wrong way. In the tile it is triu(first_query - first_key "
        "+ 1).",
        instead=with_diagonal_turned,
    ),
    Wrong(
        "You count tiles and compare their numbers. That is right only where both sizes are the same and "
        "the tiles begin at their multiples: compare positions.",
        instead=by_numbers_of_tiles,
    ),
    Wrong(
        'No tile is "all" in your function. It is if even the last query, which sees furthest, '
        "does not see the first key.",
        "first_key > last_query",
        "False",
    ),
    Wrong(
        'A tile that is not all hidden is always "some" in your function. It is "none" if the '
        "first query sees even the last key.",
        instead=some_for_none,
    ),
    Wrong(
        'A tile that is not all hidden is always "none" in your function. It is "some" if the '
        "first query doesn't see the last key.",
        'return "some" if last_key > first_query else "none"',
        'return "none"',
    ),
    Wrong(
        'Your "some" and "none" are exchanged. "none" means that the mask hides no pair.',
        'return "some" if last_key > first_query else "none"',
        'return "none" if last_key > first_query else "some"',
    ),
    Wrong(
        'Where some pairs are hidden and others shown, yours gives None. Give the word "some".',
        'return "some" if last_key > first_query else "none"',
        'return None if last_key > first_query else "none"',
    ),
    Wrong(THREE_WORDS, instead=whether_all),
    Wrong(THREE_WORDS, instead=whether_any_is_shown),
    Wrong(
        'Where nothing is hidden, yours gives None. Give the word "none", in quotes.',
        instead=nothing_for_none,
    ),
    Wrong(IN_SMALL_LETTERS, instead=in_large_letters),
    Wrong(IN_SMALL_LETTERS, instead=with_a_large_letter),
    Wrong(
        "Your last query and your last key are one too far: first + n is the position after them. The last "
        "of n positions is first + n - 1.",
        "queries - 1, first_key + keys - 1",
        "queries, first_key + keys",
    ),
    Wrong(
        'You give numbers. Give one of three words: "all", "some" or "none".',
        instead=lambda q, k, tile: {"all": 2, "some": 1, "none": 0}[hidden_in_tile(q, k, tile)],
    ),
    Wrong(
        'Tiles with one position for first query and first key are all "some". One query and one key hide nothing.',
        instead=lambda q, k, tile: "some" if q == k else hidden_in_tile(q, k, tile),
    ),
)


def pair_by_pair(first_query, first_key, tile):
    hidden = [
        key > query
        for query in range(first_query, first_query + tile[0])
        for key in range(first_key, first_key + tile[1])
    ]
    return "all" if all(hidden) else "some" if any(hidden) else "none"


def by_the_whole_mask(first_query, first_key, tile):
    rows, columns = first_query + tile[0], first_key + tile[1]
    mask = torch.ones(rows, columns, dtype=torch.bool).triu(1)[first_query:, first_key:]
    return ("none", "some", "all")[int(mask.any()) + int(mask.all())]


def by_distance(first_query, first_key, tile):
    """How far the tile lies to the right, against its own extent."""
    right = first_key - first_query
    if right >= tile[0]:
        return "all"
    return "none" if right <= 1 - tile[1] else "some"


def by_numpy(first_query, first_key, tile):
    query = np.arange(first_query, first_query + tile[0])
    hidden = np.arange(first_key, first_key + tile[1])[None, :] > query[:, None]
    share = hidden.mean()
    return {0.0: "none", 1.0: "all"}.get(float(share), "some")


def by_counting(first_query, first_key, tile):
    shown = sum(
        min(max(q - first_key + 1, 0), tile[1]) for q in range(first_query, first_query + tile[0])
    )
    if not shown:
        return "all"
    return "none" if shown == tile[0] * tile[1] else "some"


RIGHT = (pair_by_pair, by_the_whole_mask, by_distance, by_numpy, by_counting)
