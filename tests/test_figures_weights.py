"""Six weights of the sorter as a moving picture, its Python side: which they are, what it says."""

import copy
import re

import numpy as np
import pytest
import torch

from nbutils import sampling
from nbutils.figures.moving.networks import load_network
from nbutils.figures.moving.weights import (
    PLACES,
    QUESTION,
    STEPS,
    SixWeights,
    first_change,
    six_weights,
    soonest,
)
from nbutils.windows import IGNORE

AS_TRAINED = [0] * 6
TURNED = [-17, 6, 0, 3, 0, -13]
RIGHT = "AABBCC"


def ids(text: str) -> torch.Tensor:
    return torch.tensor([["ABC".index(letter) for letter in text]])


def turned(**values: float):
    """The sorter with weights set by hand: place -> what is added to its weight."""
    model = copy.deepcopy(load_network("sorter")).double()
    for weight in six_weights():
        tensor = model.get_parameter(weight["tensor"]).data
        tensor[weight["row"], weight["column"]] += values.get(weight["place"], 0.0)
    return model


def as_turned(turns):
    reaches = {weight["place"]: weight["reach"] for weight in six_weights()}
    return turned(**{place: t * reaches[place] / STEPS for place, t in zip(reaches, turns)})


def answer_of(model) -> str:
    out = sampling.generate(model, ids(QUESTION), max_new_tokens=6, temperature=0)
    return "".join("ABC"[i] for i in out[0, -6:])


# Which weights


def test_the_weights_are_one_of_each_place():
    assert [weight["place"] for weight in six_weights()] == list(PLACES)
    model = load_network("sorter")
    for weight in six_weights():
        tensor = model.get_parameter(weight["tensor"])
        assert weight["trained"] == tensor[weight["row"], weight["column"]].item()
    (query_or_key,) = [weight for weight in six_weights() if weight["place"] == "query_key"]
    assert query_or_key["row"] < 2 * 48


def test_no_other_of_their_place_changes_the_answer_sooner_by_slopes():
    """By differences in place of gradients: the chosen one beside twelve others of its tensor."""
    model, tokens = turned(), ids(QUESTION + RIGHT[:-1])
    letters = ids(RIGHT)[0]

    def leads() -> torch.Tensor:
        logits = model(tokens)[0, 5:]
        rivals = torch.arange(3) != letters[:, None]
        return (logits.gather(1, letters[:, None]) - logits)[rivals]

    def needed(tensor, row: int, column: int) -> float:
        before = tensor[row, column].item()
        both = []
        for way in (1e-5, -1e-5):
            tensor[row, column] = before + way
            both.append(leads())
        tensor[row, column] = before
        return (leads() / ((both[0] - both[1]) / 2e-5).abs()).min().item()

    dice = np.random.default_rng(0)
    for place, (row, column) in soonest().items():
        tensor = model.get_parameter(PLACES[place]).data
        rows = 96 if place == "query_key" else len(tensor)
        least = needed(tensor, row, column)
        others = zip(dice.integers(rows, size=12), dice.integers(tensor.shape[1], size=12))
        assert all(least <= needed(tensor, *other) * (1 + 1e-6) for other in others), place


def test_the_first_change_is_the_smallest_turn_that_changes_a_letter():
    for weight in six_weights():
        turn = first_change(weight["place"], weight["row"], weight["column"])
        beyond, within = (
            {answer_of(turned(**{weight["place"]: way * share * turn})) for way in (1, -1)}
            for share in (1.0001, 0.99)
        )
        assert within == {RIGHT} and beyond != {RIGHT}, weight["place"]
        assert 2 * turn <= weight["reach"] <= 2.25 * turn  # two figures, rounded up


def test_a_weight_that_changes_nothing_is_told(monkeypatch):
    nothing = torch.zeros(122, dtype=torch.bool)
    monkeypatch.setattr("nbutils.figures.moving.weights._changes", lambda *weight: nothing)
    with pytest.raises(RuntimeError, match=re.escape("no turn of head.weight[2, 4] changes")):
        first_change("head", 2, 4)


@pytest.mark.parametrize("i", range(6), ids=list(PLACES))
def test_a_slider_keeps_the_answer_in_its_inner_half_and_changes_it_outside(i):
    def answer(turn: int) -> str:
        return SixWeights([turn * (j == i) for j in range(6)]).answer()

    assert {answer(turn) for turn in (-9, -5, 0, 5, 9)} == {RIGHT}
    assert {answer(-11), answer(11)} != {RIGHT}


# What it shows


@pytest.mark.parametrize("turns", [AS_TRAINED, TURNED, [20, -20, 20, -20, 20, -20]])
def test_its_numbers_are_those_of_the_network_with_its_weights_set(turns):
    picture, model = SixWeights(turns), as_turned(turns)
    answer = answer_of(model)
    assert picture.answer() == answer
    expected = model(ids(QUESTION + answer[:-1]))[0, 5:].softmax(-1)
    np.testing.assert_allclose(picture.probabilities(), expected, atol=1e-6, rtol=0)
    labels = torch.cat([torch.full((1, 5), IGNORE), ids(RIGHT)], dim=1)
    loss = model(ids(QUESTION + RIGHT[:-1]), labels)[1].item()
    assert picture.loss() == pytest.approx(loss, rel=1e-4)  # of float32


def test_how_many_it_solves_is_what_it_writes_to_all_questions():
    turns = [0, 10, 0, 0, 0, 0]
    questions = torch.cartesian_prod(*[torch.arange(3)] * 6)
    written = sampling.generate(as_turned(turns), questions, max_new_tokens=6, temperature=0)
    right = (written[:, -6:] == questions.sort(dim=1).values).all(dim=1).sum().item()
    assert SixWeights(turns).answer() == RIGHT and right < 729
    assert SixWeights(turns).solved() == right
    assert SixWeights().solved() == len(questions) == 729


def test_it_says_what_it_shows():
    assert SixWeights().summary() == (
        "All 85,728 numbers are as trained.\n"
        "The network answers CBACAB with AABBCC: 6 of 6 letters are right.\n"
        "The loss on this question is 0.000614 nats."
    )
    one = SixWeights([12, 0, 0, 0, 0, 0]).summary()
    assert one.startswith(
        "1 of 85,728 numbers is turned.\nThe network answers CBACAB with AAABCC: 5"
    )
    picture = SixWeights(TURNED)
    away = np.abs(picture.probabilities() - SixWeights().probabilities())
    said = picture.summary()
    assert said.startswith("4 of 85,728 numbers are turned.")
    assert f"{(away > 0.001).sum()} of 18 probabilities have moved by more than 0.001." in said
    assert said.endswith("nats; as trained it is 0.000614.")
    right = sum(a == b for a, b in zip(picture.answer(), RIGHT))
    assert f"with {picture.answer()}: {right} of 6 letters" in said and right < 6


def test_the_network_itself_stays_as_trained():
    before = SixWeights().probabilities()
    SixWeights(TURNED).probabilities()
    assert (SixWeights().probabilities() == before).all()
    assert len(SixWeights().html()) < 5_000


@pytest.mark.parametrize(
    "turns, error, told",
    [
        ([0] * 5, ValueError, "must be 6 whole numbers"),
        (None, ValueError, "turns=None must be 6 whole numbers"),
        ([0, 0, 21, 0, 0, 0], ValueError, "turns[2]=21 must be from -20 to 20"),
        ([0, 0, 0, 0.5, 0, 0], TypeError, "turns[3]=0.5 must be a whole number"),
    ],
)
def test_it_refuses_with_a_sentence(turns, error, told):
    with pytest.raises(error, match=re.escape(told)):
        SixWeights(turns)
