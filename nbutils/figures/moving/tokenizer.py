"""Chapter 1's moving picture of cutting: any text as tokens, GPT-4's and the course's side by side."""

import base64
from collections.abc import Mapping
from functools import cache

import tiktoken
import traitlets

from nbutils import tokens
from nbutils.words import sentence

from ..style import spelled
from .merges import for_javascript
from .picture import Picture

NAME = "cl100k_base"
MOST_CHARACTERS = 1000
"""What the picture takes: a page can draw the tokens of so many before a reader notices."""
EXAMPLES = {
    "English": "The weather is nice today, so let's take a walk.",
    "한국어": "오늘은 날씨가 좋으니 산책하러 갑시다.",
    "Python": "for x in data:\n        if x:\n            return x\n",
    "Emoji": "👋 👩‍🚀 café, 1234567 + 8 = 1234575",
}


def ranks_packed(encoding: tiktoken.Encoding) -> bytes:
    """An encoding's tokens in the order of their ids: all lengths, a byte each, then all bytes.

    Not compressed: other versions of a compressor make other bytes, and so another hash.
    """
    ranks = encoding._mergeable_ranks
    pieces = sorted(ranks, key=ranks.get)
    if list(map(ranks.get, pieces)) != list(range(len(pieces))):
        raise ValueError(
            sentence("encoding={name} has ids that are not 0, 1, 2, ...", name=repr(encoding.name))
        )
    return bytes(map(len, pieces)) + b"".join(pieces)


@cache
def _table() -> bytes:
    return ranks_packed(tokens.get_encoding(NAME))


class Tokenizer(Picture):
    """Type any text and see how two encodings cut it: cl100k_base and one of your own.

    Args:
        text: 1 to `MOST_CHARACTERS` characters.
        own: an encoding of `tokens.train_bpe`.
        examples: name -> text, to begin with.
    """

    script = "tokenizer.js"
    resources = {NAME: _table}
    kept = ("text",)

    text = traitlets.Unicode().tag(sync=True)
    examples = traitlets.Dict().tag(sync=True)
    given = traitlets.List().tag(sync=True)  # the first text and its tokens in cl100k_base
    patterns = traitlets.List().tag(sync=True)  # how the two cut a text, for JavaScript
    own = traitlets.Unicode().tag(sync=True)  # as `ranks_packed` makes it, in base 64
    size = traitlets.Int().tag(sync=True)  # of the own vocabulary
    most = traitlets.Int(MOST_CHARACTERS).tag(sync=True)
    fetched = traitlets.Int(0).tag(sync=True)  # how often the table came, or failed to

    def __init__(self, text: str, own: tiktoken.Encoding, examples: Mapping = EXAMPLES):
        for checked in (text, *examples.values()):
            _check(checked)
        published = tokens.get_encoding(NAME)
        cut = [[i, spelled(piece)] for i, piece in tokens.pieces(text, published)]
        super().__init__(
            text=text,
            examples=dict(examples),
            given=[text, cut],
            size=own.n_vocab,
            patterns=[for_javascript(encoding._pat_str) for encoding in (published, own)],
            own=base64.b64encode(ranks_packed(own)).decode(),
        )
        self._encodings = published, own

    def ids(self) -> tuple[list[int], list[int]]:
        """The ids of the text in cl100k_base and in the own encoding."""
        published, own = self._encodings
        return published.encode_ordinary(self.text), own.encode_ordinary(self.text)

    def summary(self) -> str:
        published, own = self.ids()
        return self.say(
            "said",
            characters=f"{len(self.text):,}",
            bytes=f"{len(self.text.encode()):,}",
            published=f"{len(published):,}",
            own=f"{len(own):,}",
            size=f"{self.size:,}",
        )


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(sentence("text={text} must be a str", text=repr(text)))
    if not 0 < len(text) <= MOST_CHARACTERS:
        raise ValueError(
            sentence(
                "text has {count} characters; give 1 to {most_characters}",
                count=len(text),
                most_characters=MOST_CHARACTERS,
            )
        )
    tokens.pieces(text, tokens.get_encoding(NAME))  # raises where the text is no Unicode
