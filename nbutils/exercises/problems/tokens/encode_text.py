"""Text becomes tokens

A vocabulary of byte pair encoding is a list of merges in the order in which they were learned. To
write a new text with it, do the same merges in the same order. Each text then has exactly one row
of tokens, the same as in training; and a network that has learned what ` cat` means finds it again.
Rules that sound as good, such as "take the longest token that fits", give other rows, which the
network has never seen.
"""

import re
from collections import Counter

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.tokens.merge_pair import first_only, merge_pair, overlapping

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 35


def encode_text(text: str, merges: list[tuple[int, int]]) -> list[int]:
    """The tokens of a text.

    Args:
        text: to encode, as one row without cuts.
        merges: pairs (left id, right id) in the order in which they were learned. The ids 0 to 255
            are the bytes; merges[i] makes the id 256 + i, out of ids that are smaller than that.

    Returns:
        The ids of the text's bytes in UTF-8, after all merges: as long as any pair of the row is in
        merges, the one that was learned earliest is joined, everywhere in the row, from left to
        right without overlap (7, 7, 7 with the pair (7, 7) becomes the new id and 7).
    """
    ids = list(text.encode("utf-8"))
    for new_id, pair in enumerate(merges, start=256):
        merged = []
        for this in ids:
            if merged and (merged[-1], this) == pair:
                merged[-1] = new_id
            else:
                merged.append(this)
        ids = merged
    return ids


SPACE, A, B, C, D, E, F, G = b" abcdefg"


def cases(given):
    random = "".join("abcd"[i] for i in given.integers(0, 3, 40).tolist())
    merges = [(A, B), (C, C), (256, C), (D, D), (B, D), (257, A), (258, 258), (260, A)]
    return [
        Case("no merges, so that the bytes are the ids", "né 안", []),
        Case("one merge, which occurs twice", "that cat", [(97, 116)]),
        Case("a merge of a merge", "that cat", [(97, 116), (104, 256), (99, 256)]),
        Case(
            "merges that want the same letter, so that the earlier one gets it",
            "abc efg ef",
            [(B, C), (A, B), (F, G), (E, 258), (E, F)],
        ),
        Case(
            "equal letters in a row, across a space as well",
            "aaa aaaa a",
            [(A, A), (256, 256), (A, SPACE), (258, 257)],
        ),
        Case("letters of three bytes", "안녕 안", [(236, 149), (256, 136), (235, 133)]),
        Case("a longer text of random letters, with eight merges", random, merges),
    ]


HINTS = (
    "How would you do it with one merge only? Then with two: on which row does the second one "
    "work?",
    "Nothing has to be searched for or counted: go through the list of merges from its start, and "
    "join each one's pair everywhere in the row.",
    "`enumerate(merges, start=256)` gives each pair with the id that it makes.",
    "If you have solved `merge_pair`: after `ids = list(text.encode())`, each round of the loop is "
    "`ids = merge_pair(ids, pair, new_id)`.",
)
WHY = """
A merge is made of bytes and of symbols of earlier merges. So after merge i has been done, no later
merge can make its pair appear again: one pass through the list in order is enough. The order
matters where two merges want the same letter: the one learned earlier was more frequent and gets
it, even if the other way would make fewer tokens. That is how the row was made in training too.
"""


def longest_first(text, merges):
    vocabulary = [bytes([value]) for value in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    data, ids = text.encode(), []
    while data:
        fits = [i for i, token in enumerate(vocabulary) if data.startswith(token)]
        ids.append(max(fits, key=lambda i: len(vocabulary[i])))
        data = data[len(vocabulary[ids[-1]]) :]
    return ids


def leftmost_first(text, merges):
    ids, i = list(text.encode()), 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) in merges:
            ids[i : i + 2] = [256 + merges.index((ids[i], ids[i + 1]))]
            i = 0
        else:
            i += 1
    return ids


def most_frequent_first(text, merges):
    ids = list(text.encode())
    while True:
        counts = Counter(pair for pair in zip(ids, ids[1:]) if pair in merges)
        if not counts:
            return ids
        best = min(counts, key=lambda pair: (-counts[pair], merges.index(pair)))
        ids = merge_pair(ids, best, 256 + merges.index(best))


def first_place_only(text, merges):
    ids = list(text.encode())
    for new_id, pair in enumerate(merges, start=256):
        ids = first_only(ids, pair, new_id)
    return ids


def pairs_of_bytes_only(text, merges):
    ids = list(text.encode())
    for new_id, pair in enumerate(merges, start=256):
        if max(pair) < 256:
            ids = merge_pair(ids, pair, new_id)
    return ids


def from_the_right(text, merges):
    ids = list(text.encode())[::-1]
    for new_id, (left, right) in enumerate(merges, start=256):
        ids = merge_pair(ids, (right, left), new_id)
    return ids[::-1]


def with_overlap(text, merges):
    ids = list(text.encode())
    for new_id, pair in enumerate(merges, start=256):
        ids = overlapping(ids, pair, new_id)
    return ids


def cut_into_words(text, merges):
    return [i for word in re.findall(r" ?\S+|\s+", text) for i in encode_text(word, merges)]


WRONG = (
    Wrong(
        "You begin with the numbers of characters, as `ord` gives them. Begin with the text's "
        "bytes in UTF-8.",
        'text.encode("utf-8")',
        "map(ord, text)",
    ),
    Wrong(
        "You do the last merge first. Do them in the order in which they were learned.",
        "enumerate(merges, start=256)",
        "[*enumerate(merges, start=256)][::-1]",
    ),
    Wrong(
        "You take the longest token that fits at each place. Do the merges in their order "
        "instead: an early one may take a letter away from a longer token.",
        instead=longest_first,
    ),
    Wrong(
        "You join the leftmost pair that is in merges. The one that was learned earliest goes "
        "first, wherever it stands.",
        instead=leftmost_first,
    ),
    Wrong(
        "You join the pair that is most frequent in this text. When you encode, nothing is "
        "counted: the order of merges decides.",
        instead=most_frequent_first,
    ),
    Wrong(
        "Each merge is done at one place only. Join its pair everywhere in the row.",
        instead=first_place_only,
    ),
    Wrong(
        "Only bytes are joined, no merges of merges. Let each merge work on the row that the "
        "earlier ones have left.",
        instead=pairs_of_bytes_only,
    ),
    Wrong(
        "You stop after the first merge. Go through all of them: is your `return` inside the loop?",
        "ids = merged\n",
        "return merged\n",
    ),
    Wrong(
        "Your row never changes, and comes back as bytes. Go on with the joined row.",
        "ids = merged\n",
        "pass\n",
    ),
    Wrong(
        "Your new ids begin at 257. The first merge makes the id 256.",
        "start=256",
        "start=257",
    ),
    Wrong(
        "Your new ids begin at 255, which is a byte. The first merge makes the id 256.",
        "start=256",
        "start=255",
    ),
    Wrong(
        "Your new ids begin at 0, and those are bytes already. The first merge makes the id 256.",
        ", start=256",
        "",
    ),
    Wrong(
        "You join pairs in the other order as well. The right id must stand right of the left one.",
        "== pair",
        "in (pair, pair[::-1])",
    ),
    Wrong(
        "You join from right to left: 7, 7, 7 becomes 7 and the new id. Join from left to right.",
        instead=from_the_right,
    ),
    Wrong(
        "You join overlapping pairs, so that an id is used twice. 7, 7, 7 becomes the new id and "
        "7.",
        instead=with_overlap,
    ),
    Wrong(
        "You cut the text into words, so no pair crosses a space. Here the whole text is one row.",
        instead=cut_into_words,
    ),
)


def earliest_pair_first(text, merges):
    number = {pair: i for i, pair in enumerate(merges)}
    ids = list(text.encode())
    while True:
        found = [number[pair] for pair in zip(ids, ids[1:]) if pair in number]
        if not found:
            return ids
        ids = merge_pair(ids, merges[min(found)], 256 + min(found))


def in_place(text, merges):
    ids = [*text.encode()]
    for n, (left, right) in enumerate(merges):
        i = 0
        while i < len(ids) - 1:
            if ids[i] == left and ids[i + 1] == right:
                ids[i] = 256 + n
                del ids[i + 1]
            i += 1
    return ids


def as_text(text, merges):
    row = "".join(map(chr, text.encode()))
    for n, (left, right) in enumerate(merges):
        row = row.replace(chr(left) + chr(right), chr(256 + n))
    return [ord(character) for character in row]


RIGHT = (earliest_pair_first, in_place, as_text)
