"""How much text is a token?

A network reads a limited number of tokens at once, and each one costs computing time. So a
vocabulary is good if a token covers much text. How much is counted in bytes: a "character" is a
letter in English and a whole syllable in Korean, while a byte is the same everywhere. For English
text GPT-4's vocabulary has about four bytes a token; with bytes alone it would be one.
"""

from nbutils.exercises.exercise import Case, Wrong

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


WRONG = (
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
