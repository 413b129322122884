"""The sorter as a moving picture, its Python side: its numbers, its sums, what it refuses."""

import itertools
import re

import numpy as np
import pytest
import torch

from nbutils.figures.moving.networks import load_network
from nbutils.figures.moving.transformer import WholeTransformer, list_stages, sort_letters


@pytest.fixture(scope="module")
def picture():
    return WholeTransformer("CBACAB")


def test_it_sorts_whatever_it_is_given():
    for letters in [*itertools.product("ABC", repeat=6)][::31]:  # all: test_figures_networks.py
        text = "".join(letters)
        assert sort_letters(text)[0] == "".join(sorted(text))


def test_its_logits_are_the_network_s_in_float32(picture):
    picture.stage = 41
    tokens = torch.tensor([["ABC".index(letter) for letter in "CBACABAABBC"]])
    with torch.no_grad():
        logits = load_network("sorter")(tokens)[0]
    np.testing.assert_allclose(picture.shown(), logits.numpy(), atol=1e-5, rtol=0)


def test_every_number_is_what_its_sentence_ends_with(picture):
    for stage in range(len(list_stages())):
        picture.stage = stage
        wide = picture.shown().shape[1]
        for row, column in ((0, 0), (6, wide - 1), (10, wide // 2)):
            picture.row, picture.column = row, column
            told = re.search(r"(-?[\d.,]+)\.$", picture.summary().replace("0, because", "0."))
            value = float(picture.shown()[row, column])
            if "mask hides" in picture.summary():
                assert value == 0
            else:
                assert float(told[1].replace(",", "")) == pytest.approx(value, rel=0.006)


def test_a_sum_that_is_written_out_whole_comes_out():
    picture = WholeTransformer("CBACAB", stage=7, row=1, column=3)  # two weights, two values
    said = picture.summary().splitlines()[-1].rpartition(":")[2]
    sum_, total = said.rstrip(".").split(" = ")
    assert eval(sum_.replace("×", "*")) == pytest.approx(float(total), rel=0.02)


def test_the_stages_are_those_of_the_trace():
    stages = list_stages()
    assert len(stages) == 1 + 3 * 13 + 3
    assert stages[0] == (None, "embedded") and stages[-1] == (None, "probabilities")


def test_it_says_what_it_shows(picture):
    said = WholeTransformer("bbacca", stage=42, row=5).summary()
    assert said.startswith(
        "The network has read BBACCA and writes AABBCC.\nStage 42 of 42: the prob"
    )
    assert "Position 5, letter A, next letter A: e^" in said
    masked = WholeTransformer("CBACAB", stage=6, row=2, column=14).summary()
    assert masked.endswith(
        "head 2, looking at position 3: 0, because the mask hides what comes later."
    )


def test_it_stays_small():
    assert len(WholeTransformer("CBACAB").html()) < 20_000


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"text": "CBACA"}, ValueError, "text='CBACA' must be 6 letters, each A, B or C"),
        ({"text": "CBADAB"}, ValueError, "must be 6 letters"),
        ({"text": 5}, TypeError, "text=5 must be a str"),
        ({"stage": 43}, ValueError, "stage=43 must be from 0 to 42"),
        ({"row": 11}, ValueError, "row=11 must be from 0 to 10"),
        ({"column": 48}, ValueError, "column=48 must be from 0 to 47"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        WholeTransformer(**arguments)
