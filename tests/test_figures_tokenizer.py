"""The cutting picture, its Python side: what it gives the page, and what it refuses."""

import base64
import re

import pytest

from nbutils import tokens
from nbutils.figures.moving.merges import for_javascript
from nbutils.figures.moving.tokenizer import EXAMPLES, Tokenizer, ranks_packed

TEXT = "that cat, 안녕"


@pytest.fixture(scope="module")
def own():
    return tokens.train_bpe("that cat sat on that mat", 262)


def unpacked(table: bytes) -> list[bytes]:
    """As the page reads it: lengths until their sum is what is left."""
    size = total = 0
    while size + total < len(table):
        total += table[size]
        size += 1
    pieces, at = [], size
    for length in table[:size]:
        pieces.append(table[at : at + length])
        at += length
    return pieces


def test_a_packed_table_holds_every_token_in_order(own):
    published = tokens.get_encoding("cl100k_base")
    for encoding, count in ((own, own.n_vocab - 1), (published, 100_256)):
        pieces = unpacked(ranks_packed(encoding))
        assert pieces == [encoding.decode_single_token_bytes(i) for i in range(count)]


def test_the_table_is_fetched_and_not_in_the_page(own):
    picture = Tokenizer(TEXT, own)
    assert unpacked(Tokenizer.resources["cl100k_base"]())[15339] == b"hello"
    assert len(picture.html().encode()) < 10_000
    assert unpacked(base64.b64decode(picture.own))[256] == b"at"


def test_the_first_text_is_cut_already(own):
    picture = Tokenizer(TEXT, own)
    first, cut = picture.given
    assert first == TEXT and [i for i, _ in cut] == picture.ids()[0]
    assert [piece for _, piece in cut[:3]] == ["that", "·cat", ","]


def test_it_says_the_counts(own):
    assert Tokenizer("that cat sat", own).summary() == (
        "Characters: 12. Bytes: 12. Tokens: 3 with cl100k_base, 6 with our own vocabulary of 262."
    )


def test_rules_for_cutting_become_javascript():
    assert for_javascript(tokens.SPLIT_PATTERN) == (
        r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+"
        r"|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"
    )
    assert for_javascript(tokens.get_encoding("cl100k_base")._pat_str) == (
        r"'(?:[sdmtSDMTſ]|[lL]{2}|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}+$|\p{White_Space}*[\r\n]"
        r"|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}"
    )


def test_an_encoding_with_a_gap_is_refused():
    class Gap:
        name, _mergeable_ranks = "gap", {b"a": 0, b"b": 2}

    with pytest.raises(ValueError, match="encoding='gap' has ids that are not 0, 1, 2"):
        ranks_packed(Gap())


@pytest.mark.parametrize(
    "text, error, told",
    [
        ("", ValueError, "text has 0 characters; give 1 to 1000"),
        ("a" * 1001, ValueError, "text has 1001 characters"),
        ("a\ud800", ValueError, "not valid Unicode at character 1"),
        (5, TypeError, "text=5 must be a str"),
    ],
)
def test_it_refuses_with_a_sentence(own, text, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Tokenizer(text, own)
    with pytest.raises(error, match=re.escape(told)):
        Tokenizer(TEXT, own, examples=EXAMPLES | {"one more": text})
