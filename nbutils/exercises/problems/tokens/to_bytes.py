"""Text becomes bytes

A network multiplies and adds numbers; it can't read letters. Your computer already keeps every text
as numbers from 0 to 255, its bytes. UTF-8 is the usual rule for that: it gives each character one
to four bytes. So 256 different numbers write every text in every language, and nothing is ever
unknown. Find the bytes of a text.
"""

import numpy as np

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 4, 5


def to_bytes(text: str) -> list[int]:
    """The bytes of a text in UTF-8.

    Args:
        text: in any script; it may be empty.

    Returns:
        The values of all its bytes in one row, in order, each from 0 to 255.
    """
    return list(text.encode("utf-8"))


def cases(given):
    characters = ["H", "i", " ", "é", "ß", "안", "녕", "→", "👋", "\n"]
    return [
        Case("one English letter", "H"),
        Case("white space and letters that come twice", " that cat\n"),
        Case("a letter of two bytes", "né"),
        Case("a Korean syllable, which has three bytes", "안"),
        Case("an emoji, which has four bytes", "Hi 👋"),
        Case("characters of one to four bytes, mixed", "".join(given.sample(characters, 8))),
        Case("an empty text", ""),
    ]


HINTS = (
    "A character is not a byte: there are far more than 256 characters. Which method of `str` "
    "writes a text as bytes?",
    '`"H".encode("utf-8")` gives a `bytes` object. What does `for value in b"Hi"` go through?',
    "`list` of a `bytes` object is a list of whole numbers.",
)
WHY = """
`encode` applies UTF-8, and `list` shows the bytes as the numbers that they are. An English letter
takes one byte, `é` two, `안` three and `👋` four, so the row can be longer than the text. In exchange
no number is above 255, whatever the language.
"""


def lowest_byte(text):
    return [ord(character) % 256 for character in text]


def a_row_each(text):
    return [list(character.encode()) for character in text]


WRONG = (
    Wrong(
        "Your numbers are those of characters, as `ord` gives them, and they go far beyond 255. "
        "Ask for bytes: `encode` the text first.",
        'text.encode("utf-8")',
        "map(ord, text)",
    ),
    Wrong(
        "You keep only the lowest byte of each character's number, so several characters look the "
        "same. UTF-8 gives a character up to four bytes: leave this to `encode`.",
        instead=lowest_byte,
    ),
    Wrong(
        "Characters that are not ASCII are lost. Encode in UTF-8, which has bytes for every "
        "character.",
        '"utf-8"',
        '"ascii", "ignore"',
    ),
    Wrong(
        "Characters that are not ASCII become 63, a question mark. Encode in UTF-8, which has "
        "bytes for every character.",
        '"utf-8"',
        '"ascii", "replace"',
    ),
    Wrong(
        "You encode in Latin-1, which has one byte for each of 256 characters and fails with all "
        "the others. Encode in UTF-8.",
        '"utf-8"',
        '"latin-1"',
    ),
    Wrong(
        "You encode in ASCII, which has 128 characters and fails with all the others. Encode in "
        "UTF-8.",
        '"utf-8"',
        '"ascii"',
    ),
    Wrong(
        "You encode in UTF-16, which starts with a mark and spends two bytes even on an English "
        "letter. Encode in UTF-8.",
        '"utf-8"',
        '"utf-16"',
    ),
    Wrong(
        "You return a `bytes` object; it should be a list of whole numbers. Put `list` around it.",
        'list(text.encode("utf-8"))',
        'text.encode("utf-8")',
    ),
    Wrong(
        "You return a list for each character; it should be one row with the bytes of all of them.",
        instead=a_row_each,
    ),
    Wrong(
        "Your list has each byte once, in order of size. Keep all of them, in the order of the "
        "text.",
        'list(text.encode("utf-8"))',
        'sorted(set(text.encode("utf-8")))',
    ),
    Wrong(
        "White space at the start and the end of the text is lost. A space and a line break are "
        "characters too: keep them.",
        "text.encode",
        "text.strip().encode",
    ),
)


def character_by_character(text):
    row = []
    for character in text:
        row.extend(character.encode())
    return row


def with_bits(text):
    row = []
    for point in map(ord, text):
        if point < 128:
            row.append(point)
            continue
        size = 2 if point < 0x800 else 3 if point < 0x10000 else 4
        row.append((0xF00 >> size) & 255 | point >> 6 * (size - 1))
        row += [128 | (point >> 6 * i) & 63 for i in reversed(range(size - 1))]
    return row


def as_an_array(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


RIGHT = (character_by_character, with_bits, as_an_array)
