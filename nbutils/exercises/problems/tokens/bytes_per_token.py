"""How much text is a token?

A network reads a limited number of tokens at once, and each one costs computing time. So a
vocabulary is good if a token covers much text. How much is counted in bytes: a "character" is a
letter in English and a whole syllable in Korean, while a byte is the same everywhere. For English
text GPT-4's vocabulary has about four bytes a token; with bytes alone it would be one.
"""

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.tokens.to_bytes import long_text

DIFFICULTY, IMPORTANCE, MINUTES = 1, 3, 5


def bytes_per_token(text: str, ids: list[int]) -> float:
    """How many bytes of text a token covers on average.

    Args:
        text: in any script.
        ids: all its tokens, at least one. How they were made doesn't matter here.

    Returns:
        The number of the text's bytes in UTF-8, divided by the number of its tokens.
    """
    return len(text.encode("utf-8")) / len(ids)


def cases(given):
    def some(n):
        return given.integers(256, 100_276, n).tolist()

    the, cat = some(2)
    return [
        Case("one token", " cats", some(1)),
        Case("several tokens", "|Viewing Single Post", some(5)),
        Case("an average that is no whole number", "that cat sat", some(7)),
        Case("tokens that come twice", "the cat the cat the mat", [the, cat, the, cat, the, 77]),
        Case("Korean, whose letters have three bytes", "안녕하세요", some(6)),
        Case("white space at the end, and an emoji", "Hi 👋 \n", some(4)),
        Case("a text of 300 tokens", "é a\r\n" * 100, some(300)),
        Case("more tokens than bytes", " ", some(3)),
        Case("a long text of all kinds of characters", long_text(given, 10), [0, *some(699), 0]),
    ]


HINTS = (
    "It is one division: what is above the line, and what is below?",
    "`len(text)` counts characters. What has to be done to the text so that `len` counts bytes?",
    "`len(text.encode())` is the number of bytes, and `/` keeps what stands behind the point.",
)
WHY = """
Bytes above, tokens below. Characters would give the same number for plain English, since each
letter there is one byte, and a third of it for Korean: scripts could not be compared. Each token
counts, also one that comes again, because each takes a place in the row.
"""


def words_for_tokens(text, ids):
    return len(text.encode()) / len(text.split())


def sum_of_ids(text, ids):
    return len(text.encode()) / sum(ids)


def of_type(kept):
    return lambda text, ids: sum(len(c.encode()) for c in text if kept(c)) / len(ids)


WRONG = (
    Wrong(
        "You count the bytes and don't divide. Divide by the number of tokens.",
        " / len(ids)",
        "",
    ),
    Wrong(
        "You divide by one more than there are tokens. Divide by len(ids).",
        "len(ids)",
        "(len(ids) + 1)",
    ),
    Wrong(
        "You subtract the number of tokens. Divide by it.",
        " / len(ids)",
        " - len(ids)",
    ),
    Wrong(
        "Your average is rounded. Return it as it is.",
        'len(text.encode("utf-8")) / len(ids)',
        'round(len(text.encode("utf-8")) / len(ids), 2)',
    ),
    Wrong(
        "Your average is rounded. Return it as it is.",
        'len(text.encode("utf-8")) / len(ids)',
        'round(len(text.encode("utf-8")) / len(ids), 1)',
    ),
    Wrong(
        "Your average is rounded up to a whole number. Return it as it is.",
        'len(text.encode("utf-8")) / len(ids)',
        '-(-len(text.encode("utf-8")) // len(ids))',
    ),
    Wrong(
        "You count words; count bytes: `encode` the text first.",
        'len(text.encode("utf-8"))',
        "len(text.split())",
    ),
    Wrong(
        "You add up the bytes; count them: `len`.",
        'len(text.encode("utf-8"))',
        'sum(text.encode("utf-8"))',
    ),
    Wrong(
        "White space is not counted. It is text as well.",
        instead=of_type(lambda character: not character.isspace()),
    ),
    Wrong(
        "Only letters and digits are counted. Every byte of the text counts.",
        instead=of_type(str.isalnum),
    ),
    Wrong(
        "You count only ASCII. Every byte of the text counts.",
        instead=of_type(str.isascii),
    ),
    Wrong(
        "A byte that comes twice counts once in your function. Count each.",
        'len(text.encode("utf-8"))',
        'len(set(text.encode("utf-8")))',
    ),
    Wrong(
        "A character that comes twice counts once in your function. Count the bytes of each.",
        'text.encode("utf-8")',
        "set(text)",
    ),
    Wrong(
        "You divide by the length of the ids written as text. Divide by how many there are, len(ids).",
        "len(ids)",
        "len(str(ids))",
    ),
    Wrong(
        "You divide by the largest id. Divide by the number of tokens, len(ids).",
        "len(ids)",
        "max(ids)",
    ),
    Wrong(
        "You divide by four for each id. Divide by how many ids there are.",
        "len(ids)",
        "(4 * len(ids))",
    ),
    Wrong(
        "You count two bytes for every character, as UTF-16 has them, or four, as UTF-32. Count bytes in "
        "UTF-8: `encode`.",
        '"utf-8"',
        '"utf-16-le"',
    ),
    Wrong(
        "You count two bytes for every character, as UTF-16 has them, or four, as UTF-32. Count bytes in "
        "UTF-8: `encode`.",
        '"utf-8"',
        '"utf-32-le"',
    ),
    Wrong(
        "You divide the number of tokens by that of characters. Divide the bytes by the tokens.",
        'len(text.encode("utf-8")) / len(ids)',
        "len(ids) / len(text)",
    ),
    Wrong(
        "Line breaks of Windows, \\r\\n, count as one byte in your function. Encode the text as it is.",
        "text.encode",
        'text.replace("\\r\\n", "\\n").encode',
    ),
    Wrong(
        "You count characters; count bytes. A Korean letter has three of them: `encode` the text "
        "first.",
        'text.encode("utf-8")',
        "text",
    ),
    Wrong(
        "Your average is rounded down to a whole number. Divide with `/`, not with `//`.",
        "/ len",
        "// len",
    ),
    Wrong(
        "Your average is rounded to a whole number. Return it as it is.",
        'len(text.encode("utf-8")) / len(ids)',
        'round(len(text.encode("utf-8")) / len(ids))',
    ),
    Wrong(
        "Your fraction is upside down: it gives tokens per byte. Divide the bytes by the tokens.",
        'len(text.encode("utf-8")) / len(ids)',
        'len(ids) / len(text.encode("utf-8"))',
    ),
    Wrong(
        "A token that comes twice counts once in your function. Count each place in the row.",
        "len(ids)",
        "len(set(ids))",
    ),
    Wrong(
        "You divide by the number of words; divide by the number of tokens, which is len(ids).",
        instead=words_for_tokens,
    ),
    Wrong(
        "You divide by the number of characters; divide by the number of tokens, which is "
        "len(ids).",
        "len(ids)",
        "len(text)",
    ),
    Wrong(
        "You divide by the sum of the ids. They are names, not amounts: divide by how many there "
        "are.",
        instead=sum_of_ids,
    ),
    Wrong(
        "You count bits, eight for each byte. Count bytes.",
        'len(text.encode("utf-8"))',
        '8 * len(text.encode("utf-8"))',
    ),
    Wrong(
        "You count bytes in UTF-16, which has two for an English letter and a mark at the start. "
        "Count them in UTF-8.",
        '"utf-8"',
        '"utf-16"',
    ),
    Wrong(
        "White space at the start and the end of the text is not counted. It is text as well.",
        "text.encode",
        "text.strip().encode",
    ),
    Wrong(
        "You divide by one token too few. Divide by their number, len(ids).",
        "len(ids)",
        "max(1, len(ids) - 1)",
    ),
)


def with_a_sum(text, ids):
    return sum(len(character.encode()) for character in text) / len(ids)


def with_a_loop(text, ids):
    average = 0.0
    for _ in bytearray(text, "utf-8"):
        average += 1 / len(ids)
    return average


def by_code_points(text, ids):
    size = sum(1 + (p > 0x7F) + (p > 0x7FF) + (p > 0xFFFF) for p in map(ord, text))
    return size / sum(1 for _ in ids)


RIGHT = (with_a_sum, with_a_loop, by_code_points)
