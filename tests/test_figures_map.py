"""The picture of words as places, its Python side: cosines, what it says, what it refuses."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from moving.map import example

from nbutils.figures.moving.map import EmbeddingMap
from nbutils.figures.moving.picture import unpacked

WORDS = "king man queen woman Paris France Tokyo Japan".split()
ROWS = np.random.default_rng(1).normal(size=(8, 16))


def test_neighbours_and_answers_are_torch_s():
    picture = EmbeddingMap(ROWS, WORDS, ("king", "man", "woman"), word="Tokyo")
    unit = F.normalize(torch.tensor(ROWS, dtype=torch.float32), dim=1)
    for found, vector, left_out in (
        (picture.nearest(), unit[6], [6]),
        (picture.answers(), unit[0] - unit[1] + unit[3], [0, 1, 3]),
    ):
        likeness = unit @ F.normalize(vector, dim=0)
        likeness[left_out] = -2
        best = likeness.topk(len(found))
        assert [i for i, _ in found] == best.indices.tolist()
        np.testing.assert_allclose([cosine for _, cosine in found], best.values, atol=1e-5)


def test_the_places_are_the_two_widest_directions():
    picture = EmbeddingMap(3 * ROWS, WORDS, ("king", "man", "woman"))
    unit = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    np.testing.assert_allclose(unpacked(picture.rows).reshape(8, 16), unit, atol=1e-6)
    places = np.array(picture.places)
    assert places.shape == (8, 2) and np.abs(places).max() == 1
    spread = np.linalg.svd(unit - unit.mean(axis=0), compute_uv=False)[:2]
    ours = np.linalg.norm(places, axis=0)
    assert ours[0] / ours[1] == pytest.approx(spread[0] / spread[1], abs=1e-3)


def test_it_says_both_lists():
    near, solved = example().summary().splitlines()
    assert near.startswith("Nearest to Paris: ") and near.count(", ") == 4
    assert solved.startswith("Nearest to king − man + woman, without these three: queen ")


def test_150_words_of_the_chapter_stay_small():
    words = [f"word {i}" for i in range(150)]
    rows = np.random.default_rng(0).normal(size=(150, 64))
    assert len(EmbeddingMap(rows, words, words[:3]).html()) < 60_000


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"rows": ROWS[:5]}, "rows has shape (5, 16); give (8, C), a row for each word"),
        ({"rows": ROWS * np.nan}, "rows must be finite and none of length 0"),
        ({"rows": 0 * ROWS}, "rows must be finite and none of length 0"),
        ({"words": WORDS[:5]}, "the number of words=5 must be from 6 to 150"),
        ({"words": WORDS[:7] + ["king"]}, "words must hold each word once"),
        ({"question": ("king", "man", "cat")}, "'cat' is not among the words"),
        ({"question": ("king", "king", "man")}, "must be three different words"),
        ({"word": "cat"}, "'cat' is not among the words"),
    ],
)
def test_it_refuses_with_a_sentence(changes, told):
    given = {"rows": ROWS, "words": WORDS, "question": ("king", "man", "woman")} | changes
    with pytest.raises(ValueError) as raised:
        EmbeddingMap(**given)
    assert told in str(raised.value)
