"""Tokens become text

What a network gives is a row of token ids; a person wants to read it. Each id stands for one or
more bytes, and the bytes put together are the text. But a token's end need not be a character's
end: the two bytes of `é` may lie in two tokens. So the order of the steps matters. And a network
may give any row, also one whose bytes are no text at all: that must not stop the program.
"""

import re

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.tokens.to_bytes import long_text

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 25


def decode_ids(ids: list[int], merges: list[tuple[int, int]]) -> str:
    """The text that a row of tokens stands for.

    Args:
        ids: the tokens, each from 0 to 255 + len(merges); there may be none.
        merges: pairs (left id, right id) in the order in which they were learned. The ids 0 to 255
            are the bytes of these values; the id 256 + i stands for the bytes of merges[i]'s left
            id and then those of its right id, which are both smaller than 256 + i.

    Returns:
        The text whose bytes in UTF-8 these are. Bytes that are no valid UTF-8 become U+FFFD, the
        sign for a broken character, as the option "replace" of `bytes.decode` puts it.
    """
    vocabulary = [bytes([value]) for value in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    return b"".join(vocabulary[i] for i in ids).decode("utf-8", errors="replace")


def cases(given):
    cat = [(97, 116), (104, 256), (116, 257), (32, 99)]
    hello = [(236, 149), (256, 136), (235, 133), (195, 169), (258, 149), (9, 149)]
    merges = [tuple(given.integers(32, 255 + n, 2).tolist()) for n in range(300)]
    odd = [237, 160, 128, 192, 128, 244, 144, 128, 128, 255]  # UTF-8 in form only
    row = [*long_text(given, 3).encode(), *odd, *given.integers(0, 555, 60).tolist()]
    return [
        Case("English letters without merges", [67, 97, 116, 32], []),
        Case("one merge", [115, 256, 32, 99, 256], [(97, 116)]),
        Case("merges of merges", [258, 259, 256, 32, 257], cat),
        Case("characters of several bytes in one token", [257, 32, 259, 260, 33], hello),
        Case("characters that lie in two tokens", [256, 136, 258, 149, 195, 169], hello),
        Case(
            "bytes that are no valid UTF-8",
            [72, 149, 256, 105, 136, 136, 258, 261, 240, 159, 144],
            hello,
        ),
        Case("no tokens", [], cat),
        Case(
            "white space at both ends, and line breaks of Windows",
            [32, 10, 65, 0, 13, 10, 256, 32],
            cat,
        ),
        Case("a mark at the start, U+FEFF", [239, 187, 191, 258, 259], cat),
        Case(
            "a merge of two characters, and the last id", [104, 257, 256], [(195, 169), (256, 256)]
        ),
        Case("300 merges, and a long row of all kinds of characters and bytes", row, merges),
    ]


HINTS = (
    "Which bytes does the id 256 stand for, if merges[0] is (97, 116)? And the id 257, if "
    "merges[1] is (104, 256)?",
    "Build a list `vocabulary` with the bytes of every id: first `bytes([value])` for the 256 "
    "bytes, then for each merge the bytes of its left id plus those of its right id. These are in "
    "the list already.",
    "Put the bytes of *all* tokens together before you make text of them: a token alone may hold "
    'half a character. `b"".join` joins bytes.',
    '`data.decode("utf-8", errors="replace")` makes text of bytes, whatever they are.',
)
WHY = """
A merge uses only smaller ids, so one pass through the list is enough to spell out the whole
vocabulary. The bytes are joined before they are decoded, since UTF-8 can be read only where a
character is complete: token by token, an `é` in two tokens would become two broken signs. A network
can give any row of ids, so what is no UTF-8 must become a sign, not an error.
"""


def token_by_token(ids, merges):
    return "".join(decode_ids([i], merges) for i in ids)


def unfolded_once(ids, merges):
    row = []
    for i in ids:
        row += merges[i - 256] if i > 255 else [i]
    return bytes(row).decode(errors="replace")


def one_for_each_byte(ids, merges):
    vocabulary = [bytes([value]) for value in range(256)]
    for left, right in merges:
        vocabulary.append(vocabulary[left] + vocabulary[right])
    text = b"".join(vocabulary[i] for i in ids).decode(errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def unfolded_once_and_cut(ids, merges):
    row = []
    for i in ids:
        row += merges[i - 256] if i > 255 else [i]
    return bytes(one for one in row if one < 256).decode(errors="replace")


def unfolded_once_by_bytes(ids, merges):
    data = b""
    for i in ids:
        data += b"".join(bytes([j % 256]) for j in (merges[i - 256] if i > 255 else (i,)))
    return data.decode(errors="replace")


def characters(ids, merges):
    return "".join(map(chr, ids))


def off_by(places):
    return lambda ids, merges: decode_ids([i + places * (i > 255) for i in ids], merges)


def pieces(errors):
    return lambda ids, merges: [_token(i, merges).decode("utf-8", errors) for i in ids]


def _token(i, merges):
    return bytes([i]) if i < 256 else b"".join(_token(j, merges) for j in merges[i - 256])


def bytes_alone(ids, merges):
    return bytes(i for i in ids if i < 256).decode("utf-8", "replace")


def tokens_with(errors):
    return lambda ids, merges: "".join(pieces(errors)(ids, merges))


def tokens_or(ids, merges, other):
    try:
        return bytes(row_of_bytes(ids, merges)).decode()
    except UnicodeDecodeError:
        return other


def row_of_bytes(ids, merges):
    return [byte for i in ids for byte in _token(i, merges)]


def merges_from(first):
    """Ids that the vocabulary does not have are left out."""

    def decode(ids, merges):
        vocabulary = {value: bytes([value]) for value in range(256)}
        for new_id, pair in enumerate(merges, start=first):
            vocabulary[new_id] = b"".join(vocabulary.get(i, b"") for i in pair)
        return b"".join(vocabulary.get(i, b"") for i in ids).decode("utf-8", errors="replace")

    return decode


WRONG = (
    Wrong(
        "Each token is decoded by itself, and what is no whole character is dropped. Join the bytes of "
        "all tokens first, then decode.",
        instead=tokens_with("ignore"),
    ),
    Wrong(
        "Each token is decoded by itself, so your function stops where a character lies in two tokens. "
        "Join the bytes of all tokens first, then decode.",
        instead=tokens_with("strict"),
    ),
    Wrong(
        "You return a list with the text of each token. Join the bytes of all tokens first, then decode: "
        "one text.",
        instead=pieces("replace"),
    ),
    Wrong(
        "You return a list with the bytes of each token. Join them, and decode them to get a text.",
        instead=lambda ids, merges: [_token(i, merges) for i in ids],
    ),
    Wrong(
        "You return the bytes as numbers. Make a `bytes` object of them and decode it to get a text.",
        instead=row_of_bytes,
    ),
    Wrong(
        "You return `str` of bytes, which begins with b'. Decode the bytes to get a text.",
        instead=lambda ids, merges: str(bytes(row_of_bytes(ids, merges))),
    ),
    Wrong(
        "You return a list of characters. Return one text.",
        instead=lambda ids, merges: list(decode_ids(ids, merges)),
    ),
    Wrong(
        "You unfold a merge only once, and drop the ids above 255 that are left. They are merges "
        "again: unfold them too, or build the bytes of every id from those of smaller ids.",
        instead=unfolded_once_and_cut,
    ),
    Wrong(
        "You unfold a merge only once, and take ids above 255 modulo 256. They are merges again: unfold "
        "them too, or build the bytes of every id from those of smaller ids.",
        instead=unfolded_once_by_bytes,
    ),
    Wrong(
        "You take each id for the number of a character, as `chr` does. An id below 256 is a byte, and a "
        "larger one stands for the bytes of its merge.",
        instead=characters,
    ),
    Wrong(
        "Merged tokens are dropped. An id from 256 on stands for the bytes of its merge's two ids.",
        instead=bytes_alone,
    ),
    Wrong(
        "You look up the merge one place beside the right one. merges[0] makes the id 256: take "
        "merges[i - 256].",
        instead=off_by(-1),
    ),
    Wrong(
        "You look up the merge one place beside the right one. merges[0] makes the id 256: take "
        "merges[i - 256].",
        instead=off_by(1),
    ),
    Wrong(
        "Bytes that are no valid UTF-8 become a question mark. Put the sign for a broken character "
        'there, U+FFFD: errors="replace".',
        'errors="replace")',
        'errors="replace").replace("\ufffd", "?")',
    ),
    Wrong(
        "Bytes that are no valid UTF-8 become half characters, U+DC80 to U+DCFF, which can't be printed. "
        'Put the sign for a broken character there: errors="replace".',
        'errors="replace"',
        'errors="surrogateescape"',
    ),
    Wrong(
        "A row with bytes that are no valid UTF-8 gives an empty text. Put the sign for a broken "
        'character there: errors="replace".',
        instead=lambda ids, merges: tokens_or(ids, merges, ""),
    ),
    Wrong(
        "The mark U+FEFF at the start is lost, as utf-8-sig reads it. Decode plain UTF-8.",
        '"utf-8"',
        '"utf-8-sig"',
    ),
    Wrong(
        "You decode UTF-16, two bytes for a character. Decode UTF-8.",
        '"utf-8"',
        '"utf-16"',
    ),
    Wrong(
        "Line breaks are changed: \\r\\n becomes \\n. Keep all characters.",
        'errors="replace")',
        'errors="replace").replace("\\r\\n", "\\n")',
    ),
    Wrong(
        "The tokens stand in reverse order. Keep the order of ids.",
        "for i in ids)",
        "for i in ids[::-1])",
    ),
    Wrong(
        "Only the left id of each merge is unfolded. A merge stands for the bytes of both.",
        "vocabulary[left] + vocabulary[right]",
        "vocabulary[left]",
    ),
    Wrong(
        "Only the right id of each merge is unfolded. A merge stands for the bytes of both.",
        "vocabulary[left] + vocabulary[right]",
        "vocabulary[right]",
    ),
    Wrong(
        "`bytes(value)` makes as many bytes as value says, all 0. Put the value into a list: "
        "`bytes([value])`.",
        "bytes([value])",
        "bytes(value)",
    ),
    Wrong(
        "Your vocabulary begins with 255 bytes, so every later id is one off. There are 256: "
        "range(256).",
        "range(256)",
        "range(255)",
    ),
    Wrong(
        "A token that comes again is left out. Keep all.",
        "for i in ids)",
        "for i in dict.fromkeys(ids))",
    ),
    Wrong(
        "No tokens give None. They should give an empty text.",
        "    return b",
        "    return None if not ids else b",
    ),
    Wrong(
        "You give the text with quotation marks, as `repr` writes it. Give the text itself.",
        'errors="replace")',
        'errors="replace").__repr__()',
    ),
    Wrong(
        "Each token is decoded by itself, so a character in two tokens is broken. Join the bytes "
        "of all tokens first, then decode.",
        instead=token_by_token,
    ),
    Wrong(
        "Bytes that are no valid UTF-8 stop your function with an error. Decode with "
        'errors="replace".',
        ', errors="replace"',
        "",
    ),
    Wrong(
        "Bytes that are no valid UTF-8 are dropped without a sign. Put the sign for a broken "
        'character there: errors="replace".',
        'errors="replace"',
        'errors="ignore"',
    ),
    Wrong(
        "Bytes that are no valid UTF-8 are spelled as \\x and two digits. Put the sign for a "
        'broken character there: errors="replace".',
        'errors="replace"',
        'errors="backslashreplace"',
    ),
    Wrong(
        "Each byte that is no valid UTF-8 becomes a sign of its own. The first bytes of one "
        'unfinished character share a sign: leave this to errors="replace".',
        instead=one_for_each_byte,
    ),
    Wrong(
        "Each byte becomes a character of its own, as in Latin-1 or with `chr`. In UTF-8 a "
        "character has up to four bytes: decode all bytes together.",
        '"utf-8", errors="replace"',
        '"latin-1"',
    ),
    Wrong(
        "Every byte above 127 becomes a broken character, since you decode ASCII. Decode UTF-8.",
        '"utf-8"',
        '"ascii"',
    ),
    Wrong(
        "The two halves of a merge are exchanged: the left id's bytes come first.",
        "vocabulary[left] + vocabulary[right]",
        "vocabulary[right] + vocabulary[left]",
    ),
    Wrong(
        "You unfold a merge only once, so a merge of a merge leaves ids above 255, which are no "
        "bytes. Unfold those too, or build the bytes of every id from those of smaller ids.",
        instead=unfolded_once,
    ),
    Wrong(
        "You put a space between tokens. Spaces are bytes like all others and are in the tokens "
        "already: join with nothing between.",
        'b"".join',
        'b" ".join',
    ),
    Wrong(
        "You return bytes; decode them to get a text.",
        '.decode("utf-8", errors="replace")',
        "",
    ),
    Wrong(
        "White space at the start and the end is lost. It belongs to the text: keep it.",
        'errors="replace")',
        'errors="replace").strip()',
    ),
    Wrong(
        "The last id is left out. Your loop ends one place too early.",
        "for i in ids)",
        "for i in ids[:-1])",
    ),
    Wrong(
        "The first id is left out. Places count from 0.",
        "for i in ids)",
        "for i in ids[1:])",
    ),
    Wrong(
        "Your first merge makes the id 257, and ids that you don't know are left out. It makes 256.",
        instead=merges_from(257),
    ),
    Wrong(
        "Your first merge makes the id 255, which is a byte. It makes 256.",
        instead=merges_from(255),
    ),
)


def by_recursion(ids, merges):
    def spelled(i):
        return bytes([i]) if i < 256 else b"".join(map(spelled, merges[i - 256]))

    return b"".join(map(spelled, ids)).decode(errors="replace")


def from_the_last_merge(ids, merges):
    for n in reversed(range(len(merges))):
        row = []
        for i in ids:
            row.extend(merges[n] if i == 256 + n else (i,))
        ids = row
    return str(bytes(ids), "utf-8", "replace")


def with_a_stack(ids, merges):
    stack, data = list(reversed(ids)), bytearray()
    while stack:
        i = stack.pop()
        if i < 256:
            data.append(i)
        else:
            left, right = merges[i - 256]
            stack += [right, left]
    return data.decode("utf-8", "replace")


RIGHT = (by_recursion, from_the_last_merge, with_a_stack)
