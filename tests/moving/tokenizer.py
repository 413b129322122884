from dataclasses import dataclass
from functools import cache

from moving.hands import Moving, Press, numbers_in, write
from nbutils import text, tokens
from nbutils.figures.moving.tokenizer import EXAMPLES, Tokenizer

LINE = "|Viewing Single Post From: Spoilers for the Week of February 11th|"
SIGNS = "It'ſ HERE'LL, \t\r\n\u0085\ufeff e\u0301 안녕 👩‍🚀 ١٢٣٤\x00 "


@dataclass(frozen=True)
class Type:
    """Write into the field of several lines, and wait for the table that the first text needs."""

    value: str

    def do(self, shown):
        write(shown, shown.place.get_by_role("textbox"), self.value)
        shown.page.wait_for_function(
            "place => place.model.get('fetched')", arg=shown.place.element_handle()
        )
        assert shown.state()["text"] == self.value


@cache
def own():
    return tokens.train_bpe(text.load("pydocs"), 2048)


def example() -> Tokenizer:
    return Tokenizer(LINE, own())


def ids(picture: Tokenizer) -> list[int]:
    return sum(picture.ids(), [])


PICTURES = [
    Moving(
        "notebooks/01_tokens",
        example,
        (
            Type("hello world"),
            Press("한국어", "text", EXAMPLES["한국어"]),
            Type("  a\n\n  b  "),
            Press("Python", "text", EXAMPLES["Python"]),
            Type(SIGNS.replace("\r", "").replace("\0", "")),
            Press("Emoji", "text", EXAMPLES["Emoji"]),
            Type("a" * 1000),
            Press("English", "text", EXAMPLES["English"]),
            Type("🤗" * 100),
            Type(LINE),
        ),
        numbers_in(".tokens small"),
        ids,
        {
            "{text: ''}": "Type a word",
            "{text: 'a'.repeat(1e6)}": "has 1000000 characters",
            "{text: '한'.repeat(1001)}": "has 1001 characters",
            "{text: 'a\\ud800'}": "half a character",
            "{text: '\\udc00'}": "half a character",
            "{text: NaN}": "Type a word",
            "{text: null}": "Type a word",
        },
    ),
]
