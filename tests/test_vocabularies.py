"""Encodings of few tokens: chosen ones of another encoding, and characters."""

import pytest

from nbutils import smallworld, tokens
from nbutils.figures.moving.picture import FOLDER
from nbutils.vocabularies import OTHER, Characters, ChosenTokens


def test_chosen_tokens_name_the_words_that_they_lack():
    whole = smallworld.encoding()
    encoding = ChosenTokens(whole, [*smallworld.spoken_ids(), whole.eot_token])
    for document in smallworld.generate(20, seed=3):
        assert encoding.decode(encoding.encode_ordinary(document)) == document
    with pytest.raises(ValueError, match="text has ' zebra', ' Zürich', of which .* has no tokens"):
        encoding.encode("Once a zebra and a queen lived in Zürich, a zebra")
    with pytest.raises(ValueError, match="half a character"):
        encoding.encode("a\ud800")
    with pytest.raises(ValueError, match="disallowed special token"):
        encoding.encode(f"Once{tokens.END}")
    assert encoding.encode(f"Once{tokens.END}", allowed_special={tokens.END})[-1] == 440


@pytest.mark.parametrize(
    "ids, told",
    [
        ([95, 95, 1241], "ids has one twice"),
        ([95, 4], "ids must end with 1241"),
        ([], "ids must end with 1241"),
        ([1242, 1241], r"ids\[0\]=1242"),
        ([0.5, 1241], r"ids\[0\]=0.5"),
        ([-1, 1241], r"ids\[0\]=-1"),
        ([1241], "one token at least beside"),
    ],
)
def test_ids_that_can_t_be_chosen_are_named(ids, told):
    with pytest.raises(ValueError, match=told):
        ChosenTokens(smallworld.encoding(), ids)


def test_characters_are_code_points():
    encoding = Characters(["a", "é", "안", "👋", "\n"])
    assert encoding.encode("\ufeffae\u0301\r\n👋안") == [0, 1, 4, 3, 2]
    assert encoding.decode([1, 2, 3]) == "é안👋" and encoding.eot_token == 5
    with pytest.raises(ValueError, match="text has 'x', 'y', of which"):
        encoding.encode("axy")
    assert Characters(["a", OTHER]).encode("axy") == [0, 1, 1]
    assert f'OTHER = "{OTHER}"' in (FOLDER / "engine/characters.js").read_text("utf-8")
    for wrong, told in ((["ab"], "one character"), ([1], "one character"), (["a", "a"], "twice")):
        with pytest.raises(ValueError, match=told):
            Characters(wrong)
    with pytest.raises(ValueError, match="one character"):
        Characters(["\ud800"])
