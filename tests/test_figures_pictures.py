"""Moving pictures, their Python side: what they refuse, what they say, how their scripts are joined."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbutils import planning, tokens
from nbutils.figures.moving import picture as module
from nbutils.figures.moving.merges import MOST_CHARACTERS, Merges, learn_merges, tokens_after
from nbutils.figures.moving.nudge import Nudge
from nbutils.figures.moving.picture import Picture, css, readable
from nbutils.figures.moving.window import Window, count_looks, window_flops
from nbutils.figures.style import LOOKS, TINTS
from nbutils.model import GPTConfig

SENTENCE = "that cat sat on that mat"
NETWORK = GPTConfig.preset("gpt2", block_size=32_000)
RUN = [[0.2, 0.3, 0.5], [0.4, 0.2, 0.4], [0.7, 0.25, 0.05]]


@pytest.fixture(scope="module")
def bpe():
    return tokens.train_bpe(SENTENCE, 262)


def window(bpe, **changes):
    given = {"ids": bpe.encode(SENTENCE), "encoding": bpe, "network": NETWORK} | changes
    return Window(given.pop("ids"), given.pop("encoding"), **given)


# The base


def test_html_is_a_sentence_and_the_state(bpe):
    for picture in (Merges(SENTENCE), window(bpe), Nudge(RUN, {" a": 0})):
        kind, said, state = re.fullmatch(
            r'<div class="moving-picture" data-picture="([\w.]+)"><p>((?s:.*))</p>\n'
            r'<script type="application/json">(.*)</script></div>',
            picture.html(),
        ).groups()
        assert kind == f"{type(picture).__module__}.{type(picture).__name__}"
        assert said == f"{picture.summary()} {picture.say('again')}"
        # What all of a kind have in common comes when the book is built, in the book's language.
        assert json.loads(state) | picture.of_kind() == picture.state()
        assert json.loads(state).keys().isdisjoint(picture.of_kind())
        assert "_esm" not in picture.state() and "layout" not in picture.state()


def test_text_can_not_end_its_place():
    picture = Merges("</script><!-- <b> & \"'")
    assert picture.html().count("<") == 6
    state = picture.html().partition('json">')[2].removesuffix("</script></div>")
    assert json.loads(state)["text"] == picture.text


def test_two_of_the_same_are_shown_alike():
    assert Merges(SENTENCE).html() == Merges(SENTENCE).html()
    assert repr(Merges(SENTENCE)) == repr(Merges(SENTENCE))


def test_a_kernel_gets_the_widget_and_a_page_gets_html():
    picture = Merges(SENTENCE)
    data, _ = picture._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == picture.model_id
    assert data["text/html"] == picture.html() and data["text/plain"] == repr(picture)


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.00108, "0.00108"),
        (3.0451, "3.05"),
        (2.0, "2"),
        (13_104, "13,100"),
        (100, "100"),
        (0, "0"),
    ],
)
def test_numbers_have_three_digits_that_matter(value, shown):
    assert readable(value) == shown


def test_the_look_has_the_colours_of_style_and_no_other():
    for colour in {*TINTS, *(c for colours in LOOKS.values() for c in colours.values())}:
        assert colour in css()
    own = "".join(path.read_text("utf-8") for path in module.FOLDER.glob("*.css"))
    assert not set(re.findall(r"#[0-9A-Fa-f]{3,8}\b", own)) - {"#111", "#333"}  # on the tints


# Resources


class WithTable(Picture):
    script = "merges.js"
    resources = {"table": lambda: b"1 2 3"}

    def summary(self):
        return "A table."


def test_a_resource_is_named_by_its_hash_and_sent_when_asked(monkeypatch):
    picture, sent = WithTable(), []
    monkeypatch.setattr(picture, "send", lambda *message: sent.append(message))
    assert picture.state()["_resources"] == {"table": module.sha256(b"1 2 3")}
    assert "1 2 3" not in picture.html()
    picture._handle_custom_msg({"resource": "table"}, [])
    picture._handle_custom_msg({"resource": "chair"}, [])
    assert sent[0] == ({"resource": "table"}, [b"1 2 3"])
    assert sent[1] == ({"resource": "chair", "error": "There is no resource 'chair'."},)


# Merges


def by_course(text, size):
    encoding = tokens.train_bpe(text, size + 1)
    return [encoding.decode_single_token_bytes(i) for i in range(encoding.n_vocab - 1)]


@given(st.text(st.sampled_from("aab \n한'1"), min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_merges_are_those_of_the_course_s_bpe(text):
    merges, vocabulary = learn_merges(text)
    assert by_course(text, len(vocabulary)) == vocabulary
    encoding = tokens.train_bpe(text, len(vocabulary) + 1)
    assert tokens_after(text, merges) == encoding.encode_ordinary(text)


def test_counts_are_those_of_the_sentence():
    merges, vocabulary = learn_merges(SENTENCE)
    assert [vocabulary[m.new] for m in merges[:3]] == [b"at", b"hat", b"that"]
    assert [m.count for m in merges[:4]] == [5, 2, 2, 1]
    assert len(tokens_after(SENTENCE, merges[:1])) == 24 - 5


def test_merges_says_what_comes_next_and_when_nothing_does():
    assert "Next: h and at, seen 2×, become number 257." in Merges(SENTENCE, step=1).summary()
    assert Merges(SENTENCE, step=12).summary().endswith("every piece is one token.")


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"text": ""}, ValueError, "text has 0 characters; give 1 to 120"),
        ({"text": "a" * (MOST_CHARACTERS + 1)}, ValueError, "text has 121 characters"),
        ({"text": "a\ud800"}, ValueError, "half a character, '\\ud800', at 1; leave it out"),
        ({"text": 5}, TypeError, "text=5 must be a str"),
        ({"text": SENTENCE, "step": 13}, ValueError, "step=13 must be from 0 to 12"),
        ({"text": SENTENCE, "step": 1.5}, TypeError, "step=1.5 must be a whole number"),
        ({"text": SENTENCE, "step": True}, TypeError, "step=True must be a whole number"),
    ],
)
def test_merges_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Merges(**arguments)


# Window


def test_window_counts_as_the_network_does():
    for length in (1, 4000, 32_000):
        assert window_flops(NETWORK, length) == length * planning.training_flops(NETWORK, length)
    assert count_looks(4) == sum(position + 1 for position in range(4))


def test_window_gives_its_script_the_same_cost(bpe):
    fixed, growing = window(bpe).flops
    for length in (1, 777, 32_000):
        assert length * (fixed + growing * length) == window_flops(NETWORK, length)


def test_window_says_context_label_and_cost(bpe):
    said = window(bpe, start=1, length=2).summary()
    ids = bpe.encode(SENTENCE)
    assert f"number {ids[3]}." in said
    assert ": 3; in a window of length 4: 10, which is 3.33 times as many." in said
    assert "one of 2,000 tokens" in said and "one of 4,000 tokens" in said


def test_chapter_2_states_these_growths():
    twice = [window_flops(NETWORK, 2 * T) / window_flops(NETWORK, T) for T in (4000, 16_000)]
    assert [readable(times) for times in twice] == ["2.75", "3.41"]


def test_an_empty_window_has_a_label_and_no_cost(bpe):
    said = window(bpe, length=0).summary()
    assert said.startswith("Context: nothing but the start. Label: that") and "Looks" not in said


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"ids": [0]}, "the number of ids=1 must be from 2 to 200"),
        ({"length": 17}, "length=17 must be from 0 to"),
        ({"start": 30}, "start=30 must be from 0 to"),
        ({"network": GPTConfig(vocab_size=9, block_size=64)}, "network.block_size=64 must be from"),
    ],
)
def test_window_refuses_with_a_sentence(bpe, changes, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        window(bpe, **changes)


# Nudge


def test_nudge_keeps_the_run_of_the_named_tokens():
    picture = Nudge(RUN, {" a": 0, "b": 2})
    assert picture.rows == [[0.2, 0.5], [0.4, 0.4], [0.7, 0.05]]
    assert picture.fell == [1.0, 0.5]
    assert picture.names == ["·a", "b"]


def test_nudge_says_what_an_update_does():
    assert Nudge(RUN, {"a": 0}, step=1).summary() == (
        "1 of 2 updates done: the label a has 40 %, a loss of 0.916 nats. The next update takes it to "
        "70 %, and 50 % of all other tokens fall."
    )
    assert Nudge(RUN, {"a": 0}, step=2).summary().endswith("The recorded run ends here.")


def test_nudge_stays_small_whatever_the_vocabulary():
    rows = np.full((102, 5000), 1 / 5000)
    assert len(Nudge(rows, {"a": 0, "b": 1, "c": 2}).html()) < 10_000


@pytest.mark.parametrize(
    "history, names, told",
    [
        ([0.5, 0.5], {"a": 0}, "history has shape (2,)"),
        ([[0.5, 0.5]], {"a": 0}, "with at least one update"),
        ([[0.5, 0.5], [1.0, 0.0]], {"a": 0}, "above 0, at most 1, and no nan"),
        ([[0.5, 0.5], [np.nan, 0.5]], {"a": 0}, "above 0, at most 1, and no nan"),
        ([[0.5, 0.5], [0.5, 0.4]], {"a": 0}, "must sum to 1"),
        (RUN, {"a": 3}, "the id of 'a'=3 must be from 0 to 2"),
        (RUN, {}, "the number of names=0 must be from 1 to 3"),
    ],
)
def test_nudge_refuses_with_a_sentence(history, names, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Nudge(history, names)
