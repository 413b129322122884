"""The sampler as a moving picture: its numbers, its truth in JavaScript, what it refuses."""

import json
import random
import re

import numpy as np
import pytest
import torch
from shown import bundled

from nbutils import sampling, smallworld
from nbutils.figures.moving.networks import load_network
from nbutils.figures.moving.picture import FOLDER
from nbutils.figures.moving.sampler import ROWS, Sampler, world_tables

OWN = """import { END, nextProbabilities } from "./smallworld.js";
import { encoder } from "./tokens.js";
export default (world, texts) => {
  const { pieces } = encoder(world), cut = pieces;
  return texts.map((text) => {
    const next = nextProbabilities(pieces(text), world, cut);
    return { pieces: pieces(text), next: next && [...next], end: END };
  });
};
"""


@pytest.fixture(scope="module")
def read(browser):
    """JavaScript's truth: texts -> for each its pieces and [next piece, probability]."""
    page, script = browser.new_page(), bundled(OWN)
    yield lambda texts: page.evaluate(
        """async ([script, world, texts]) => {
          const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
          return (await import(address)).default(JSON.parse(world), texts);
        }""",
        [script, world_tables().decode(), texts],
    )
    page.close()


def test_the_truth_in_javascript_is_that_of_the_course(read):
    encoding, draw, texts = smallworld.encoding(), random.Random(0), [""]
    for document in smallworld.generate(400, seed=3):
        ids = encoding.encode(document)
        texts += [encoding.decode(ids[: draw.randrange(1, len(ids) + 1)]) for _ in range(3)]
    for text, got in zip(texts, read(texts), strict=True):
        expected, p = smallworld.next_probabilities(text), np.zeros(encoding.n_vocab)
        for piece, share in got["next"]:
            end = piece == got["end"]
            p[
                encoding.eot_token if end else encoding.encode_single_token(piece.encode("latin-1"))
            ] = share
        np.testing.assert_allclose(p, expected, atol=1e-12, err_msg=text)


def test_a_text_that_the_world_never_says_has_no_truth(read):
    texts = [
        "Once a cat",
        "Once a quee",
        "Every cat is an animal, and every cat",
        "Every king is a man. x",
    ]
    assert [got["next"] for got in read(texts)] == [None] * 4
    for text in texts:
        rows = Sampler(text).rows()
        assert all(row[3] is None for row in rows) and -1 in Sampler(text).numbers()


def test_javascript_cuts_a_text_as_the_course_does(read):
    encoding = smallworld.encoding()
    texts = [
        "the elephant  eats",
        "코끼리 👋 naïve",
        "It's 1234 o'clock\n\nNow",
        "Once a queen lived in a",
    ]
    for text, got in zip(texts, read(texts), strict=True):
        ids = encoding.encode_ordinary(text)
        assert got["pieces"] == [
            encoding.decode_single_token_bytes(i).decode("latin-1") for i in ids
        ]


def test_every_scene_of_the_world_is_there():
    tables = json.loads(world_tables())
    script = (FOLDER / "smallworld.js").read_text("utf-8")
    for name, _, _ in tables["long"] + tables["short"]:
        assert f"  {name}(doc" in script
    assert len(world_tables()) < 60_000


def test_it_shows_what_the_package_draws_from():
    encoding = smallworld.encoding()
    ids = torch.tensor([[encoding.eot_token, *encoding.encode("The capital of")]])
    with torch.no_grad():
        logits = load_network("smallworld")(ids)[0, -1]
    picture = Sampler("The capital of", heat=30, top_k=5, tail=4)
    expected = sampling.next_token_probabilities(logits, 1.5, 5, 0.8)
    got = [row[2] for row in picture.rows()[:-1]]
    np.testing.assert_allclose(got, expected[logits.topk(ROWS).indices], atol=1e-5)
    assert sum(got) == pytest.approx(1, abs=1e-6)
    total = sum(row[1] for row in picture.rows())
    assert total == pytest.approx(1)


def test_it_says_what_it_shows():
    said = Sampler("Once a queen lived in a").summary()
    assert re.match(r"The likeliest next word is ·(castle|palace): \d\d %", said)
    assert "The truth is 50 %." in said and "14 of these 14 words" in said
    greedy = Sampler("Once a queen lived in a ", heat=0).summary()
    assert "drawn with 100 %, and 1 of these 14 words" in greedy and "The truth is 50 %." in greedy
    assert "there is no truth" in Sampler("Once a cat").summary()


def test_it_begins_where_the_world_has_most_choices_and_shows_each():
    first = Sampler()
    shown = [truth for _, _, _, truth in first.rows()[:-1]]
    assert first.text == "" and min(shown) > 0 and first.rows()[-1][3] < 1e-9


def test_the_size_that_it_tells_is_that_of_its_files():
    size = sum(len(content()) for content in Sampler.resources.values()) / 1e6
    assert f'SIZE = "{size:.1f} MB"' in (FOLDER / "sampler.js").read_text("utf-8")


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"text": 5}, TypeError, "text=5 must be a str"),
        ({"text": "a" * 601}, ValueError, "text has 601 characters; give up to 600"),
        ({"text": "1 " * 90}, ValueError, "the network reads up to 79"),
        ({"text": "a\ud800"}, ValueError, "half a character at 1; leave it out"),
        ({"heat": 41}, ValueError, "heat=41 must be from 0 to 40"),
        ({"top_k": 15}, ValueError, "top_k=15 must be from 0 to 14"),
        ({"tail": 20}, ValueError, "tail=20 must be from 0 to 19"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Sampler(**arguments)
