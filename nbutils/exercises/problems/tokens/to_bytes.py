"""Text becomes bytes

A network multiplies and adds numbers; it can't read letters. Your computer already keeps every text
as numbers from 0 to 255, its bytes. UTF-8 is the usual rule for that: it gives each character one
to four bytes. So 256 different numbers write every text in every language, and nothing is ever
unknown. Find the bytes of a text.
"""

import unicodedata

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


LETTERS = "the getItem _x __a__ B2 7 ½ ² ٣ ४ é e\u0301 안녕 ß Ⅷ ﬁ Ġa 漢字 İ".split(" ")
SIGNS = ". ... | || # \0 \x01 \x7f ‿ → “ 👋 👩\u200d💻 \u200b \ufeff \ufffd \u0301 \u093f ' - <> ▁ \\n ̈".split(
    " "
)
SPACES = [
    " ",
    "  ",
    "   ",
    "\n",
    "\n ",
    " \n",
    "\t",
    " \t",
    "\r\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1f",
]
SPACES += ["\x85", "\u00a0", " \u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u3000"]


def long_text(given, rounds):
    """A text in which letters, signs and white space of all kinds stand beside each other, in any order.

    A round is about 190 characters. Each kind comes in every round.
    """
    parts = [*LETTERS, *SIGNS, *SPACES, *[" "] * 12]
    return "".join(part for _ in range(rounds) for part in given.sample(parts, len(parts)))


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
        Case("an accent that is a character of its own, and a ligature", "e\u0301 \ufb01"),
        Case("line breaks of Windows and of old Macs", "a\r\nb\rc\0"),
        Case("a long text of all kinds of characters", long_text(given, 10)),
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


def a_row_for_each_word(text):
    return [list(word.encode()) for word in text.split()]


def from_points(text):
    rows = [ord(c).to_bytes(max(1, (ord(c).bit_length() + 7) // 8), "big") for c in text]
    return list(b"".join(rows))


def units(text):
    data = text.encode("utf-16-le")
    return [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]


def signed(text):
    return [value - 256 if value > 127 else value for value in text.encode()]


def bits(text):
    return [int(bit) for value in text.encode() for bit in f"{value:08b}"]


def written(form):
    return lambda text: [form(value) for value in text.encode()]


def normal(form):
    return lambda text: list(unicodedata.normalize(form, text).encode())


NORMALIZED = (
    "You normalize the text first, so that other characters stand in it. Encode the text as it is."
)

WRONG = (
    Wrong(
        "Your numbers are those of characters, as `ord` gives them, and they go far beyond 255. "
        "Ask for bytes: `encode` the text first.",
        'text.encode("utf-8")',
        "map(ord, text)",
    ),
    Wrong(
        "You give the bytes of each character's number, as `ord` gives it. UTF-8 writes that number "
        "in another way: leave this to `encode`.",
        instead=from_points,
    ),
    Wrong(
        "You give the characters. Give the numbers of their bytes: `encode` the text first.",
        'list(text.encode("utf-8"))',
        "list(text)",
    ),
    Wrong(
        "You give how many bytes there are. Give their values, one after the other.",
        'list(text.encode("utf-8"))',
        'len(text.encode("utf-8"))',
    ),
    Wrong(
        "You give each byte as text, in hexadecimal digits. Give whole numbers: what `list` makes of "
        "a `bytes` object.",
        instead=written("{:02x}".format),
    ),
    Wrong(
        "You give each byte as text, in hexadecimal digits. Give whole numbers: what `list` makes of "
        "a `bytes` object.",
        instead=written(hex),
    ),
    Wrong(
        "You give each byte as text. Give whole numbers: what `list` makes of a `bytes` object.",
        instead=written(str),
    ),
    Wrong(
        "You give each byte as text, in binary digits. Give whole numbers: what `list` makes of a "
        "`bytes` object.",
        instead=written("{:08b}".format),
    ),
    Wrong(
        "You give each byte as text, in binary digits. Give whole numbers: what `list` makes of a "
        "`bytes` object.",
        instead=written(bin),
    ),
    Wrong(
        "You give a `bytes` object for each byte. Give whole numbers: what `list` makes of a `bytes` "
        "object.",
        instead=written(lambda value: bytes([value])),
    ),
    Wrong(
        "You give bits, eight for each byte. Give the value of each byte, from 0 to 255.",
        instead=bits,
    ),
    Wrong(
        "Your bytes above 127 are negative, as in int8. A byte's value is from 0 to 255.",
        instead=signed,
    ),
    *(Wrong(NORMALIZED, instead=normal(form)) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    Wrong(
        "Line breaks are changed: \\r\\n and \\r become \\n. They are characters as well: encode the "
        "text as it is.",
        "text.encode",
        'text.replace("\\r\\n", "\\n").replace("\\r", "\\n").encode',
    ),
    Wrong(
        "You encode with a mark at the start, 239, 187, 191 (utf-8-sig). Encode in plain UTF-8.",
        '"utf-8"',
        '"utf-8-sig"',
    ),
    *(
        Wrong(
            "You encode in UTF-16, two bytes for most characters. Encode in UTF-8.",
            '"utf-8"',
            f'"{name}"',
        )
        for name in ("utf-16-le", "utf-16-be")
    ),
    *(
        Wrong(
            "You encode in UTF-32, four bytes for every character. Encode in UTF-8.",
            '"utf-8"',
            f'"{name}"',
        )
        for name in ("utf-32", "utf-32-le", "utf-32-be")
    ),
    Wrong(
        "Characters that are not ASCII become a backslash and digits. Encode in UTF-8, which has "
        "bytes for every character.",
        '"utf-8"',
        '"unicode_escape"',
    ),
    Wrong(
        "Characters that are not ASCII become a backslash and digits. Encode in UTF-8, which has "
        "bytes for every character.",
        '"utf-8"',
        '"ascii", "backslashreplace"',
    ),
    Wrong(
        "Characters whose number is above 255 are lost: Latin-1 has no bytes for them. Encode in "
        "UTF-8, which has bytes for every character.",
        '"utf-8"',
        '"latin-1", "ignore"',
    ),
    Wrong(
        "You encode with one byte a character, as Latin-1 does, and what it doesn't have becomes 63, a "
        "question mark. Encode in UTF-8.",
        '"utf-8"',
        '"latin-1", "replace"',
    ),
    Wrong(
        "Numbers above 255 are cut off at 255. Don't take the numbers of characters, as `ord` gives "
        "them: `encode` the text.",
        'text.encode("utf-8")',
        "[min(ord(character), 255) for character in text]",
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
        "You return a list for each word; it should be one row with the bytes of the whole text, "
        "white space too.",
        instead=a_row_for_each_word,
    ),
    Wrong(
        "White space is lost. A space and a line break are characters too: keep them.",
        "text.encode",
        '"".join(text.split()).encode',
    ),
    Wrong(
        "The bytes are sorted. Keep them in the order of the text.",
        'list(text.encode("utf-8"))',
        'sorted(text.encode("utf-8"))',
    ),
    Wrong(
        "The bytes stand in reverse order. Keep the order of the text.",
        'list(text.encode("utf-8"))',
        'list(text.encode("utf-8"))[::-1]',
    ),
    Wrong(
        "A byte that comes again is left out. Keep all of them.",
        'list(text.encode("utf-8"))',
        'list(dict.fromkeys(text.encode("utf-8")))',
    ),
    Wrong(
        "Capital letters become small ones. Encode the text as it is.",
        "text.encode",
        "text.lower().encode",
    ),
    Wrong(
        "Your numbers are those of UTF-16, up to 65535. Ask for bytes: `encode` the text in UTF-8.",
        instead=units,
    ),
    Wrong(
        "You give the first byte of the text only. Is there a return inside the loop?",
        'list(text.encode("utf-8"))',
        'list(text.encode("utf-8"))[:1]',
    ),
    Wrong(
        "Each byte stands in a list of its own. Give one list of whole numbers.",
        instead=written(lambda value: [value]),
    ),
    Wrong(
        "You add up the bytes of each character. Keep them apart: one number for each byte.",
        instead=lambda text: [sum(character.encode()) for character in text],
    ),
    Wrong(
        "You give the number of bytes of each character. Give the values of the bytes.",
        instead=lambda text: [len(character.encode()) for character in text],
    ),
    Wrong(
        "You give one text of hexadecimal digits. Give a list of whole numbers: put `list` around "
        "the `bytes` object.",
        instead=lambda text: text.encode().hex(),
    ),
    Wrong(
        "You keep the first byte of each character only. A character has up to four: keep all.",
        instead=lambda text: [character.encode()[0] for character in text],
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
    Wrong(
        "The last byte is left out. Give all of them.",
        'list(text.encode("utf-8"))',
        'list(text.encode("utf-8"))[:-1]',
    ),
    Wrong(
        "A 0 stands behind your bytes, as at the end of a text in C. Give the text's own bytes alone.",
        'list(text.encode("utf-8"))',
        'list(text.encode("utf-8")) + [0]',
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
