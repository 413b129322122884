"""Tokens become text

What a network gives is a row of token ids; a person wants to read it. Each id stands for one or
more bytes, and the bytes put together are the text. But a token's end need not be a character's
end: the two bytes of `é` may lie in two tokens. So the order of the steps matters. And a network
may give any row, also one whose bytes are no text at all: that must not stop the program.
"""

import re

from nbutils.exercises.exercise import Case, Wrong

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


WRONG = (
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
