"""Learn a vocabulary

Bytes write every text, but in a long row; words make a short row, but no list of words is ever
complete. Byte pair encoding (BPE) stands between them. It begins with bytes, joins the most
frequent pair of neighbours to a new symbol, and does this again and again. Frequent words become
one symbol, rare ones stay in parts, and nothing is unknown. The vocabularies of GPT-2 and GPT-4
were learned in this way. Write the whole algorithm; here, to keep it simple, without cutting the
text into words first.
"""

import re
from collections import Counter

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.tokens.merge_pair import (
    each_of_them,
    first_only,
    from_the_right,
    last_lost,
    merge_pair,
    overlapping,
    right_stays,
)
from nbutils.exercises.problems.tokens.to_bytes import long_text

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 45


def learn_merges(text: str, n_merges: int) -> list[tuple[int, int]]:
    """Learn byte pair encoding from a text, as one row without cuts.

    The row begins as the text's bytes in UTF-8, with the ids 0 to 255. Each merge takes the most
    frequent pair of neighbours; every place counts, so 7, 7, 7 has the pair (7, 7) twice. Of
    equally frequent pairs it takes the one with the smallest left id, and of those the one with the
    smallest right id. It joins the pair in the whole row, from left to right without overlap: 7, 7,
    7 becomes the new id and 7. The first merge makes the id 256, the next one 257, and so on.

    Args:
        text: to learn from.
        n_merges: how many merges to learn at most. It stops before that when no pair occurs twice.

    Returns:
        For each merge its pair (left id, right id), in the order in which they were learned.
    """
    ids, merges = list(text.encode("utf-8")), []
    for new_id in range(256, 256 + n_merges):
        counts = Counter(zip(ids, ids[1:]))
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if counts[best] < 2:
            break
        merges.append(best)
        merged = []
        for this in ids:
            if merged and (merged[-1], this) == best:
                merged[-1] = new_id
            else:
                merged.append(this)
        ids = merged
    return merges


def cases(given):
    letters = given.sample(list("dkpsuw"), 3)
    random = "".join(letters[i] for i in given.integers(0, 2, 60).tolist())
    text = long_text(given, 1)
    return [
        Case("one letter, which has no neighbour", "a", 2),
        Case("four merges, so that symbols are joined again", "that cat sat on that mat", 4),
        Case("equally frequent pairs, so that the smaller one goes first", "xyxy cbcb cacz cz", 3),
        Case("equal letters in a row, so that pairs overlap", "aaab aaac xyxyxy", 3),
        Case("Korean, whose letters have three bytes", "안녕 안녕 안안", 4),
        Case("more merges than there are pairs that occur twice", "z\0b\0b", 9),
        Case("many more merges than there are pairs", "zabcabc", 257),
        Case("a longer text of random letters", random, 7),
        Case("an empty text", "", 3),
        Case("no merges", "aaaa", 0),
        Case("a pair of symbols as frequent as one of bytes", "abz abz cd cd ab", 6),
        Case("equally frequent pairs with ids of two and three digits", "de99de99 d0d0 9", 4),
        Case("a pair that comes 300 times", "ab" * 300, 2),
        Case("a text of all kinds of characters", text + text[:90], 20),
    ]


HINTS = (
    "The plan has two steps that repeat: find the best pair of the row, and join it everywhere in "
    "the row. If you have solved `count_pairs`, `best_pair` and `merge_pair`, call them: what is "
    "left is the loop around them.",
    "Begin with `ids = list(text.encode())` and `merges = []`. In each round the row must become "
    "the *joined* row, so that the next round can join what this one has made.",
    "Merge number i, counted from 0, makes the id 256 + i, since the bytes use 0 to 255.",
    "Before you join, look at the best pair's count: if it is less than 2, or if the row has no "
    "pair left, leave the loop.",
)
WHY = """
Each round looks at the row as it is *now*: after `at` has become 256, the pair `h` and 256 can
become `hat`. So symbols grow from letters to words, although only two are ever joined. A pair that
occurs once saves one place in one text and will help nowhere else, so learning stops there. The
list of pairs is all that has to be kept: the place of a pair in it is its id minus 256.
"""


def _best(counts):
    return min(counts, key=lambda pair: (-counts[pair], pair), default=None)


def _neighbours(ids):
    return Counter(zip(ids, ids[1:]))


def _learned(ids, n_merges, count=_neighbours, join=merge_pair, choose=_best):
    merges = []
    for new_id in range(256, 256 + n_merges):
        counts = count(ids)
        best = choose(counts)
        if counts[best] < 2:
            break
        merges.append(best)
        ids = join(ids, best, new_id)
    return merges


def counted_once(text, n_merges):
    ids = list(text.encode())
    counts = Counter(zip(ids, ids[1:]))
    order = sorted(counts, key=lambda pair: (-counts[pair], pair))
    return [pair for pair in order if counts[pair] > 1][:n_merges]


def joined(join):
    return lambda text, n_merges: _learned(list(text.encode()), n_merges, join=join)


def counted(count):
    return lambda text, n_merges: _learned(list(text.encode()), n_merges, count)


def without_overlap(ids):
    counts = _neighbours(ids)
    for left, right in list(counts):
        if left == right:
            counts[left, right] = len(ids) - len(merge_pair(ids, (left, right), -1))
    return counts


def tied_by_bytes(text, n_merges):
    ids, merges = list(text.encode()), []
    spelled = {i: bytes([i]) for i in range(256)}
    for new_id in range(256, 256 + n_merges):
        counts = _neighbours(ids)
        best = min(counts, key=lambda p: (-counts[p], spelled[p[0]], spelled[p[1]]), default=None)
        if counts[best] < 2:
            break
        spelled[new_id] = spelled[best[0]] + spelled[best[1]]
        merges.append(best)
        ids = merge_pair(ids, best, new_id)
    return merges


def tied(key):
    def choose(counts):
        return min(counts, key=lambda pair: (-counts[pair], key(pair)), default=None)

    return lambda text, n_merges: _learned(list(text.encode()), n_merges, choose=choose)


def last_of_equals(text, n_merges):
    def choose(counts):
        return min([*counts][::-1], key=lambda pair: -counts[pair], default=None)

    return _learned(list(text.encode()), n_merges, choose=choose)


def never_reset(text, n_merges):
    total = Counter()

    def count(ids):
        total.update(zip(ids, ids[1:]))
        return total

    return _learned(list(text.encode()), n_merges, count)


def with_a_first_id(text, n_merges):
    return [] if not n_merges else learn_merges(text, n_merges) if text else text[0]


def as_bytes(text, n_merges):
    merges, spelled = learn_merges(text, n_merges), [bytes([i]) for i in range(256)]
    for left, right in merges:
        spelled.append(spelled[left] + spelled[right])
    return merges, spelled


def cut_into_words(pattern):
    return lambda text, n_merges: _learned_in_words(re.findall(pattern, text), n_merges)


def _learned_in_words(words, n_merges):
    rows, merges = [list(word.encode()) for word in words], []
    for new_id in range(256, 256 + n_merges):
        counts = Counter(pair for row in rows for pair in zip(row, row[1:]))
        best = _best(counts)
        if counts[best] < 2:
            break
        merges.append(best)
        rows = [merge_pair(row, best, new_id) for row in rows]
    return merges


THREE = (
    "Each entry has three numbers: the new id stands with its pair. Give the pair alone, (left id, "
    "right id); its place in the list says which id it makes."
)
SPELLED = "Your entries are what the pairs spell. Give the ids: (left id, right id)."
WRONG = (
    Wrong(
        "Your list is empty: nothing is learned. Add each best pair to it.",
        "merges.append(best)",
        "pass",
    ),
    Wrong(
        "Your function fails for an empty text, which has no first byte. It should learn no merges.",
        instead=with_a_first_id,
    ),
    Wrong(
        "You learn a merge before you look at n_merges. With 0 there is nothing to learn.",
        "range(256, 256 + n_merges)",
        "range(256, 256 + max(1, n_merges))",
    ),
    Wrong(
        "Of equally frequent pairs you take the one whose bytes come first. The ids decide, also those "
        "of symbols: 256 is larger than every byte.",
        instead=tied_by_bytes,
    ),
    Wrong(
        "You compare ids as text, where 100 comes before 99. Compare them as numbers.",
        instead=tied(str),
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the smallest right id. The left id decides "
        "first.",
        instead=tied(lambda pair: pair[::-1]),
    ),
    Wrong(
        "Of equally frequent pairs with the same left id you take the one that comes first in the text. "
        "There the right id decides: the smaller one.",
        instead=tied(lambda pair: pair[0]),
    ),
    Wrong(
        "Of equally frequent pairs you take the one whose two ids have the smallest sum. Compare the "
        "left ids first, then the right ones.",
        instead=tied(sum),
    ),
    Wrong(
        "Of equally frequent pairs you take the one that comes last in the text. Take the one with the "
        "smaller ids.",
        instead=last_of_equals,
    ),
    Wrong(
        "Your counts go on from one round to the next. Begin each round with an empty dict and count the "
        "row as it is now.",
        instead=never_reset,
    ),
    Wrong(
        "You count only at every second place, as if the row were cut into pairs that don't "
        "overlap. Every place counts.",
        instead=counted(lambda ids: Counter(zip(ids[::2], ids[1::2]))),
    ),
    Wrong(
        "The two orders of a pair are counted together. The pair (97, 116) is not the pair (116, 97).",
        instead=counted(lambda ids: Counter(map(tuple, map(sorted, zip(ids, ids[1:]))))),
    ),
    Wrong(
        "All merges make the same id. The first makes 256, the next 257, and so on.",
        "merged[-1] = new_id",
        "merged[-1] = 256",
    ),
    Wrong(
        "You learn one merge and return. Is the return inside the loop?",
        "return merges",
        "return merges[:1]",
    ),
    Wrong(
        "Your list begins with the last merge. Keep the order in which they were learned.",
        "return merges",
        "return merges[::-1]",
    ),
    Wrong(THREE, "merges.append(best)", "merges.append((*best, new_id))"),
    Wrong(THREE, "merges.append(best)", "merges.append((new_id, *best))"),
    Wrong(
        "The new id stands beside each pair. Give the pairs alone: a pair's place in the list says which "
        "id it makes.",
        "merges.append(best)",
        "merges.append((best, new_id))",
    ),
    Wrong(
        "You give how often each pair occurred as well. Give the pairs alone.",
        "merges.append(best)",
        "merges.append((best, counts[best]))",
    ),
    Wrong(
        "You give a dict from each pair to its new id. Give a list of the pairs, in order.",
        "return merges",
        "return {pair: 256 + i for i, pair in enumerate(merges)}",
    ),
    Wrong(
        "You give a dict from each new id to its pair. Give a list of the pairs, in order.",
        "return merges",
        "return {256 + i: pair for i, pair in enumerate(merges)}",
    ),
    Wrong(
        "You give the row as it is after all merges. Give the pairs that were joined.",
        "return merges",
        "return ids",
    ),
    Wrong(SPELLED, instead=lambda text, n: as_bytes(text, n)[1][256:]),
    Wrong(
        SPELLED,
        instead=lambda text, n: [
            tuple(as_bytes(text, n)[1][i] for i in pair) for pair in learn_merges(text, n)
        ],
    ),
    Wrong(
        "You join characters; the text's bytes should be joined. Encode the text in UTF-8 first.",
        'text.encode("utf-8")',
        "map(ord, text)",
    ),
    Wrong(
        "The same pair is learned again and again, since the row never changes. Go on with the "
        "joined row.",
        "ids = merged",
        "pass",
    ),
    Wrong(
        "You count the pairs once, at the start, and take the most frequent ones. Join the best "
        "pair and count again before you choose the next: then symbols can be joined further.",
        instead=counted_once,
    ),
    Wrong(
        "You go on with pairs that occur only once. Stop when no pair occurs twice.",
        "counts[best] < 2",
        "not counts[best]",
    ),
    Wrong(
        "Your loop goes on until the row has no pair left, and then fails. Stop when no pair "
        "occurs twice.",
        ", default=None)\n        if counts[best] < 2:",
        ")\n        if False:",
    ),
    Wrong(
        "Your function fails where there is no pair at all, as in a text of one letter. Stop "
        "there: no pair occurs twice.",
        ", default=None",
        "",
    ),
    Wrong(
        "You stop while there are still pairs that occur twice. Twice is enough to be joined.",
        "< 2",
        "<= 2",
    ),
    Wrong(
        "Your new ids begin at 257. Bytes use 0 to 255, so the first new one is 256.",
        "range(256, 256 + n_merges)",
        "range(257, 257 + n_merges)",
    ),
    Wrong(
        "Your new ids begin at 255, which is a byte. The first new one is 256.",
        "range(256, 256 + n_merges)",
        "range(255, 255 + n_merges)",
    ),
    Wrong(
        "Your new ids begin at 0, and those are bytes already. The first new one is 256.",
        "range(256, 256 + n_merges)",
        "range(n_merges)",
    ),
    Wrong(
        "You take n_merges for the size of the vocabulary, and learn nothing where it is below "
        "257. It is the number of merges, without the 256 bytes.",
        "256 + n_merges",
        "n_merges",
    ),
    Wrong(
        "You learn one merge too few. If it doesn't stop early, your loop has n_merges rounds.",
        "256 + n_merges)",
        "255 + n_merges)",
    ),
    Wrong(
        "You learn one merge too many. Your loop has at most n_merges rounds.",
        "256 + n_merges)",
        "257 + n_merges)",
    ),
    Wrong(
        "Of equally frequent pairs you take the one that comes first in the text. Take the one "
        "with the smaller ids.",
        "(-counts[pair], pair)",
        "-counts[pair]",
    ),
    Wrong(
        "Of equally frequent pairs you take the one with the larger ids. Take the smaller ones.",
        "(-counts[pair], pair)",
        "(-counts[pair], -pair[0], -pair[1])",
    ),
    Wrong(
        "You join only the first place of a pair. Join it everywhere in the row.",
        instead=joined(first_only),
    ),
    Wrong(
        "You join overlapping pairs, so that an id is used twice. 7, 7, 7 becomes the new id and "
        "7.",
        instead=joined(overlapping),
    ),
    Wrong(
        "The right id of a pair stays in the row, behind the new id. Go on by two places after a pair.",
        instead=joined(right_stays),
    ),
    Wrong(
        "In each round the row's last id is lost where it belongs to no pair. Copy it too: your loop ends "
        "one place too early.",
        instead=joined(last_lost),
    ),
    Wrong(
        "Each of the pair's two ids is replaced, wherever it stands. One new id takes the place of both, "
        "and only where they are neighbours.",
        instead=joined(each_of_them),
    ),
    Wrong(
        "You join from right to left: 7, 7, 7 becomes 7 and the new id. Join from left to right.",
        instead=joined(from_the_right),
    ),
    Wrong(
        "Equal ids in a row are counted without overlap. Count every place: 7, 7, 7 has the pair "
        "(7, 7) twice.",
        instead=counted(without_overlap),
    ),
    Wrong(
        "You cut the text into words, so no pair crosses a space. Here the whole text is one row.",
        instead=cut_into_words(r" ?\S+"),
    ),
    *(
        Wrong(
            "You cut the text into words and leave spaces out, so no pair has a space in it. Here the "
            "whole text is one row, spaces too.",
            instead=cut_into_words(pattern),
        )
        for pattern in (r"[^ ]+", r"\w+")
    ),
    Wrong(
        "You cut the text into words, each with the space behind it, so no pair crosses a cut. Here the "
        "whole text is one row.",
        instead=cut_into_words(r"\S+\s*"),
    ),
    Wrong(
        "Your list has the new ids; it should have the pairs that they stand for.",
        "merges.append(best)",
        "merges.append(new_id)",
    ),
    Wrong(
        "Your new id is the row's largest id plus 1. The first merge makes 256, the next 257, whatever "
        "ids stand in the row.",
        "merged[-1] = new_id",
        "merged[-1] = max(ids) + 1",
    ),
)


def by_parts(text, n_merges):
    return _learned([*text.encode()], n_merges)


def with_while(text, n_merges):
    ids, merges = bytearray(text, "utf-8"), []
    ids = [int(value) for value in ids]
    while len(merges) < n_merges and len(ids) > 1:
        pairs = [(ids[i - 1], ids[i]) for i in range(1, len(ids))]
        most = max(map(pairs.count, pairs))
        if most == 1:
            return merges
        pair = sorted(pair for pair in set(pairs) if pairs.count(pair) == most)[0]
        i = 0
        while i + 1 < len(ids):
            if ids[i] == pair[0] and ids[i + 1] == pair[1]:
                ids[i : i + 2] = [256 + len(merges)]
            i += 1
        merges.append(pair)
    return merges


def as_text(text, n_merges):
    row, merges = "".join(map(chr, text.encode())), []
    for new_id in range(256, 256 + n_merges):
        found = Counter(a + b for a, b in zip(row, row[1:])).items()
        joined, times = min(found, key=lambda item: (-item[1], item[0]), default=("", 0))
        if times < 2:
            break
        merges.append((ord(joined[0]), ord(joined[1])))
        row = row.replace(joined, chr(new_id))
    return merges


RIGHT = (by_parts, with_while, as_text)
