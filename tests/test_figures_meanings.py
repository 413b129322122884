"""The moving picture of a word with two meanings, its Python side."""

import re

import numpy as np
import pytest

from nbutils.figures.moving.meanings import Meanings

WHERE = ("in the garden", "in the kitchen", "at the hospital")
KINDS = {"an animal": ["in the garden"], "a spot": ["at the hospital"]}
PEOPLE, STAGES = ("Tom", "Anna"), ("token\ntable", "after\nlayer 1")
TEXTS = {place: [f"Now {p} is {place}. The mole" for p in PEOPLE] for place in WHERE}
SAYS = [[{" digs": 0.5, " is": 0.25}] * 2] * 3
VECTORS = np.random.default_rng(0).normal(size=(3, 2, 2, 8))
VECTORS[:, :, 0] = VECTORS[0, 0, 0]  # the token table has one vector for all


def mole(**changes) -> Meanings:
    given = {
        "texts": TEXTS,
        "vectors": VECTORS,
        "kinds": KINDS,
        "people": PEOPLE,
        "stages": STAGES,
        "says": SAYS,
    } | changes
    return Meanings(**given)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("person", range(2))
def test_positions_and_cosines_are_those_of_the_vectors(place, person):
    picture, v = mole(place=place, person=person), VECTORS[place, person, 1]
    a, b = VECTORS[0, :, 1].mean(0), VECTORS[2, :, 1].mean(0)
    position = 2 * (v - (a + b) / 2) @ (b - a) / ((b - a) @ (b - a))
    assert np.allclose(picture.positions(), [0, position], atol=1e-5, rtol=0)
    cosines = [v @ m / np.linalg.norm(v) / np.linalg.norm(m) for m in (a, b)]
    assert np.allclose(picture.cosines()[1], cosines, atol=1e-5, rtol=0)
    assert np.allclose(picture.cosines()[0], 1, atol=1e-5, rtol=0)


def test_the_means_are_at_minus_one_and_one():
    for place, end in ((0, -1), (2, 1)):
        both = [mole(place=place, person=person).positions()[1] for person in range(2)]
        assert np.mean(both) == pytest.approx(end, abs=1e-6)


def test_it_says_where_the_word_stands_and_what_comes_next():
    last, first = mole(stage=1).summary(), mole().summary()
    position = f"{mole().positions()[1]:.2f}".replace("-", "−")
    assert last.startswith(
        f"After layer 1: this mole stands at {position}. The mean of “an animal” is at −1"
    )
    assert first.startswith("Token table: the two meanings have one and the same vector.\n")
    for said in (last, first):
        assert said.endswith("after the last layer: ·digs (50 %), ·is (25 %).")


def test_a_number_that_rounds_to_nothing_has_no_sign():
    vectors = VECTORS.copy()
    a, b = vectors[0, :, 1].mean(0), vectors[2, :, 1].mean(0)
    vectors[1, 0, 1] = (a + b) / 2 - 1e-4 * (b - a)
    assert "stands at 0.00." in mole(vectors=vectors, place=1, stage=1).summary()


def test_the_largest_state_stays_small():
    texts = {
        f"{i}": ["Now Katharina is in front of the mirror. She sees a mole. The mole"] * 12
        for i in range(7)
    }
    vectors = np.random.default_rng(0).normal(size=(7, 12, 5, 128))
    made = Meanings(
        texts, vectors, {"a": ["0"], "b": ["1"]}, ["x"] * 12, ["s"] * 5, [SAYS[0] * 6] * 7
    )
    assert len(made.html()) < 60_000


@pytest.mark.parametrize(
    "changes, error, told",
    [
        ({"vectors": VECTORS[0]}, ValueError, "vectors has shape (2, 2, 8); give (3, 2, 2, 'C')"),
        ({"vectors": VECTORS * np.nan}, ValueError, "vectors must hold finite numbers"),
        ({"vectors": VECTORS * 0}, ValueError, "no vector of zeros"),
        ({"vectors": VECTORS * np.array([1, -1])[:, None, None]}, ValueError, "is 0 at some stage"),
        ({"texts": {}}, ValueError, "the number of places=0 must be from 2 to 12"),
        (
            {"texts": TEXTS | {WHERE[0]: ["The mole"]}},
            ValueError,
            "texts must have 2 entries for each",
        ),
        (
            {"texts": TEXTS | {WHERE[0]: ["The bat", "The bat"]}},
            ValueError,
            "texts end in ['bat', 'mole']",
        ),
        ({"says": SAYS[:2]}, ValueError, "says must have 2 entries for each of the 3 places"),
        ({"people": ["Tom"] * 25}, ValueError, "the number of people=25 must be from 1 to 24"),
        ({"stages": ["one"]}, ValueError, "the number of stages=1 must be from 2 to 12"),
        ({"kinds": {"a": [WHERE[0]]}}, ValueError, "kinds has 1 meanings; give two"),
        (
            {"kinds": {"a": [WHERE[0]], "b": ["at sea"]}},
            ValueError,
            "kinds['b']=['at sea'] must name",
        ),
        ({"kinds": {"a": [WHERE[0]], "b": []}}, ValueError, "kinds['b']=[] must name places"),
        (
            {"kinds": {"a": WHERE[:2], "b": WHERE[1:]}},
            ValueError,
            "kinds has ['in the kitchen'] twice",
        ),
        ({"place": 3}, ValueError, "place=3 must be from 0 to 2"),
        ({"person": 2}, ValueError, "person=2 must be from 0 to 1"),
        ({"stage": 2}, ValueError, "stage=2 must be from 0 to 1"),
        ({"stage": 0.5}, TypeError, "stage=0.5 must be a whole number"),
    ],
)
def test_it_refuses_with_a_sentence(changes, error, told):
    with pytest.raises(error, match=re.escape(told)):
        mole(**changes)
