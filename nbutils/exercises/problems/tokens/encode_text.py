"""Text becomes tokens

A vocabulary of byte pair encoding is a list of merges in the order in which they were learned. To
write a new text with it, do the same merges in the same order. Each text then has exactly one row
of tokens, the same as in training; and a network that has learned what ` cat` means finds it again.
Rules that sound as good, such as "take the longest token that fits", give other rows, which the
network has never seen.
"""

import itertools
import re
import unicodedata

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.encoders import (
    as_digits,
    by_their_bytes,
    each_merge_on_the_bytes,
    first_by,
    from_the_right,
    joined,
    least_of_none,
    leftmost_first,
    longest_first,
    numbered_by_use,
    one_number_for_all,
    one_pass,
    pairs_of_bytes_only,
    skipping,
    stops_at_a_gap,
)
from nbutils.exercises.problems.tokens.merge_pair import (
    each_of_them,
    first_only,
    last_lost,
    merge_pair,
    overlapping,
    right_stays,
)

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
SIZES = 256, 300, 500, 512, 1000, 1024
KINDS = (
    "  The  cAt\tsat\r\n\r\n e\u0301 é Á 😀 ﬁ a.b*c+d? (x_1)[#]|\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u3000"
    '\xa0\u200b\ufeff\0 "it\'s" \\n 12345 -0.5 <|endoftext|> ńb ad ٣ '
)


def of_everything(given):
    """A long text, and merges in a random order, some of which want the same letters."""
    letters = "".join("abcd"[i] for i in given.integers(0, 3, 2000).tolist())
    pairs = given.sample(sorted({*zip(KINDS.encode(), KINDS.encode()[1:])}), 30)
    pairs = {*pairs, *itertools.product(b"abcd", repeat=2), (SPACE, SPACE), (10, SPACE)}
    merges = given.sample(sorted(pairs), len(pairs))
    made = [256 + i for i, pair in enumerate(merges) if A <= min(pair) and max(pair) <= D]
    merges += given.sample([*itertools.product(made, made)], 12)
    return KINDS + letters + KINDS[::-1] + "\n  ", merges


def many_merges():
    """A few that the text has a place for, among 1100; ids such that (a, n + 98) and (b, b) are mistaken
    for each other if a pair (left, right) is kept as the number left * n + right."""
    merges = [(255, i) for i in range(256)]
    merges += [(256 + i // 256, 256 + i % 256) for i in range(1100 - len(merges))]
    text = ""
    for i, n in enumerate(SIZES):
        letters = chr(ord("A") + 2 * i), chr(ord("B") + 2 * i)
        merges[n + B - 256] = tuple(map(ord, letters))
        text += "a" + "".join(letters)
    return text + "xyz", [*merges, (B, B), (120, 121)]


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
        Case("an empty text", "", [(97, 116), (104, 256)]),
        Case("a text of one byte", "a", [(97, 116), (256, 97)]),
        Case(
            "a merge that the text has no place for",
            "abc bcd\0\n",
            [(122, 122), (B, C), (A, B), (C, D)],
        ),
        Case("a text that becomes one token", "that", [(116, 104), (97, 116), (256, 257)]),
        Case("a text that came before, with another merge", "that cat", [(116, SPACE)]),
        Case(
            "tokens with the same letters, made of different pairs",
            "abc ddd wab",
            [(B, C), (A, B), (257, C), (D, D), (D, 259), (119, 257), (A, 256)],
        ),
        Case(
            "longer and shorter tokens that want the same letter",
            "abcd stuv",
            [(A, B), (C, D), (256, C), (115, 116), (259, 117), (117, 118)],
        ),
        Case("a letter of three bytes that becomes one token", "안", [(236, 149), (256, 136)]),
        Case(
            "letters and signs that have a meaning elsewhere, as . and *",
            "xabc a*b a.b ad ńb",
            [(46, B), (42, B), (A, 10), (SPACE, B), (1, A)],
        ),
        Case("more than a thousand merges", *many_merges()),
        Case("a long text of all kinds of characters", *of_everything(given)),
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


def cut_into_words(text, merges):
    return [i for word in re.findall(r" ?\S+|\s+", text) for i in encode_text(word, merges)]


def with_a_first_byte(text, merges):
    return encode_text(text, merges) if text or not merges else text[0]


def spelled(text, merges):
    vocabulary = [bytes([value]) for value in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    return [vocabulary[i] for i in encode_text(text, merges)]


WRONG = (
    Wrong(
        "You join the pair that was learned last. The one that was learned earliest goes first.",
        instead=first_by(lambda i, pair, many, size: -i),
    ),
    Wrong(
        "You join the pair with the smallest ids. The one that was learned earliest goes first: its place "
        "in merges decides, not its ids.",
        instead=first_by(lambda i, pair, many, size: pair),
    ),
    Wrong(
        "Your function fails where there is no pair, as in an empty text or one of one byte: `min` of "
        "nothing. Then nothing is left to join: return the ids.",
        instead=least_of_none,
    ),
    Wrong(
        "Your function fails for an empty text, which has no first byte. It should give no tokens.",
        instead=with_a_first_byte,
    ),
    Wrong(
        "You stop at the first merge that the text has no place for. Go on with the others.",
        instead=stops_at_a_gap,
    ),
    Wrong(
        "You go through the row once, and join what is in merges. What a merge makes may be joined again, "
        "and earlier merges go first: do one merge after the other on the whole row.",
        instead=one_pass,
    ),
    Wrong(
        "Each merge begins again with the text's bytes, so only the last one is seen. Let each merge work "
        "on the row that the earlier ones have left.",
        instead=each_merge_on_the_bytes,
    ),
    Wrong(
        "The last merge is not done. Go through all of them.",
        "(merges, start=256)",
        "(merges[:-1], start=256)",
    ),
    Wrong(
        "The first merge is not done. Begin at index 0: it makes the id 256.",
        "(merges, start=256)",
        "(merges[1:], start=257)",
    ),
    Wrong(
        "All merges make the id 256. The first makes 256, the next 257, and so on.",
        instead=one_number_for_all,
    ),
    Wrong(
        "The right id of a pair stays in the row, behind the new id. The new id takes the place of both.",
        instead=joined(right_stays),
    ),
    Wrong(
        "The row's last id is lost where it belongs to no pair. Copy it too: your loop ends one place too "
        "early.",
        instead=joined(last_lost),
    ),
    Wrong(
        "You replace each of a pair's two ids, wherever it stands. Join them only where they are "
        "neighbours.",
        instead=joined(each_of_them),
    ),
    Wrong(
        "You give the bytes of each token. Give its id.",
        instead=spelled,
    ),
    Wrong(
        "You give each token as text. Give its id.",
        instead=lambda text, merges: [
            one.decode("utf-8", "replace") for one in spelled(text, merges)
        ],
    ),
    Wrong(
        "You give how many tokens there are. Give their ids.",
        "return ids",
        "return len(ids)",
    ),
    Wrong(
        "A token that comes again is left out. Keep all, in the order of the text.",
        "return ids",
        "return list(dict.fromkeys(ids))",
    ),
    Wrong(
        "White space at the start and the end of the text is lost. It is text as well: keep it.",
        "text.encode",
        "text.strip().encode",
    ),
    Wrong(
        "You cut the text into words and lose the spaces. Here the whole text is one row, spaces too.",
        instead=lambda text, merges: [
            i for word in text.split() for i in encode_text(word, merges)
        ],
    ),
    Wrong(
        "You join right id and left id. The left id of a pair stands left of the right one.",
        "(merged[-1], this) == pair",
        "(this, merged[-1]) == pair",
    ),
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
    *(
        Wrong(
            "You join the pair that is most frequent in this text. When you encode, nothing is "
            "counted: the order of merges decides.",
            instead=first_by(key),
        )
        for key in (lambda i, pair, many, size: (-many, i), lambda i, pair, many, size: -many)
    ),
    *(
        Wrong(
            f"You join the pair that makes the {which} token. The one that was learned earliest goes first.",
            instead=first_by(key),
        )
        for which, key in (
            ("longest", lambda i, pair, many, size: (-size, i)),
            ("longest", lambda i, pair, many, size: -size),
            ("shortest", lambda i, pair, many, size: (size, i)),
        )
    ),
    Wrong(
        "You join neighbours whose letters together are those of a token. Join only a pair of ids that is in "
        "merges: the same letters may also be made of two others.",
        instead=by_their_bytes,
    ),
    Wrong(
        "You write the ids as text and replace in it, so that 10 is found at the start of 100, too. Compare the "
        "ids as numbers.",
        instead=as_digits,
    ),
    Wrong(
        "You count only the merges that the text has a place for. merges[i] makes 256 + i, whatever was done before.",
        instead=numbered_by_use,
    ),
    Wrong(
        "After each join you skip one id, so that a pair right behind it is missed. Go on with the next id.",
        instead=joined(skipping),
    ),
    Wrong(
        "You join each pair in the other order as well. The right id must stand right of the left one.",
        instead=joined(lambda ids, pair, i: merge_pair(merge_pair(ids, pair, i), pair[::-1], i)),
    ),
    *(
        Wrong("Your bytes are those of another encoding. Take UTF-8.", 'encode("utf-8")', other)
        for other in ('encode("latin-1", "replace")', 'encode("utf-16")', 'encode("utf-16-le")')
    ),
    *(
        Wrong(says, "text.encode", f"{text}.encode")
        for says, text in (
            ("The spaces are lost. They are text as well: keep them.", 'text.replace(" ", "")'),
            ("The text's last character is lost. Encode all of it.", "text[:-1]"),
            ("The text's first character is lost. Encode all of it.", "text[1:]"),
        )
    ),
    *(
        Wrong(
            "You change the text before you encode it: its capitals, white space, line ends or accents. Take each "
            "character as it is.",
            instead=lambda text, merges, change=change: encode_text(change(text), merges),
        )
        for change in (
            str.lower,
            str.lstrip,
            str.rstrip,
            str.expandtabs,
            lambda text: text.replace("\r\n", "\n"),
            lambda text: " ".join(text.split()),
            lambda text: re.sub(" +", " ", text),
            lambda text: unicodedata.normalize("NFC", text),
            lambda text: unicodedata.normalize("NFKC", text),
        )
    ),
    Wrong(
        "The left id of a pair stays in the row, before the new id. The new id takes the place of both.",
        "merged[-1] = new_id",
        "merged.append(new_id)",
    ),
    Wrong(
        "You take the new ids modulo 256, and those are bytes. Give them as they are.",
        "return ids",
        "return [i % 256 for i in ids]",
    ),
    Wrong(
        "You add a token that the text does not have, for its start or end. Give the text's tokens only.",
        "return ids",
        "return [0, *ids]",
    ),
    *(
        Wrong(
            f"You cut the text into {parts}, so no pair crosses their ends. Here the whole text is one row.",
            instead=lambda text, merges, cut=cut: [
                i for t in cut(text) for i in encode_text(t, merges)
            ],
        )
        for parts, cut in (("characters", list), ("lines", lambda text: text.splitlines(True)))
    ),
    Wrong(
        "Each merge is done at one place only. Join its pair everywhere in the row.",
        instead=joined(first_only),
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
        "Your row never changes: you give the text's bytes. Go on with the joined row (and mind that a "
        "list never equals a tuple).",
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
        instead=joined(overlapping),
    ),
    Wrong(
        "You cut the text into words, so no pair crosses a space. Here the whole text is one row.",
        instead=cut_into_words,
    ),
    Wrong(
        "Your new id is the row's largest id plus 1. merges[i] makes the id 256 + i, whatever ids stand "
        "in the row.",
        "merged[-1] = new_id",
        "merged[-1] = max(ids) + 1",
    ),
    Wrong(
        "All merges make one id, 256 plus the number of merges. merges[i] makes the id 256 + i.",
        "merged[-1] = new_id",
        "merged[-1] = 256 + len(merges)",
    ),
    Wrong(
        "Your new ids are counted from the last merge. merges[i] makes the id 256 + i: the first one "
        "makes 256.",
        "merged[-1] = new_id",
        "merged[-1] = 511 + len(merges) - new_id",
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
