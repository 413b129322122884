"""The counting picture, its Python side: every number is the package's own."""

import re

import pytest
import torch

from nbutils import planning
from nbutils.figures.moving.counter import Counter
from nbutils.figures.moving.picture import readable
from nbutils.model import GPT, GPTConfig

PRESETS = ["sorter", "small", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "gpt3-175b"]


@pytest.mark.parametrize("preset", PRESETS)
def test_counts_are_those_of_the_network_itself(preset):
    picture = Counter(preset)
    assert picture.config() == GPTConfig.preset(preset)
    with torch.device("meta"):
        network = GPT(picture.config())
    parts, needs = picture.numbers()[:6], picture.needs()
    assert sum(parts) == network.num_parameters()
    assert needs["operations"] == network.flops_per_token() == 3 * needs["forward"]


def test_every_network_without_a_switch_can_be_chosen():
    assert list(Counter().presets) == PRESETS
    assert list(Counter().chips) == list(planning.ACCELERATORS)


def test_the_words_are_those_of_gpt_3():
    assert Counter("gpt3-175b", chip="H100").summary() == (
        "174,604,259,328 parameters, 66.4 % of them in the MLPs. Training takes 2.79 TB, which needs "
        "the memory of 35 H100s, and running 359 GB. To train on 300 billion tokens, one H100 would "
        "compute for 25.9 years."
    )


def test_the_network_before_is_counted_alike_and_said():
    picture, before = Counter("gpt2-xl", chip="T4"), Counter("gpt2", chip="T4")
    alone = picture.numbers()
    picture.before = before.shape
    assert picture.numbers() == alone + before.numbers()
    assert "That is 12.5 times the 124,439,808 of gpt2." in picture.summary()
    picture.before = before.shape | {"layers": 13}
    assert "of the network before." in picture.summary()
    picture.before = picture.shape
    assert picture.numbers() == alone and "That is" not in picture.summary()


def test_a_small_network_fits_into_one():
    said = Counter("sorter", chip="T4", billions=1).summary()
    assert "which fits into one T4, and running 178 kB" in said and said.endswith("seconds.")


def test_a_half_is_rounded_up_as_in_javascript():
    assert [readable(value) for value in (1.125, 2.625, 0.0625)] == ["1.13", "2.63", "0.0625"]


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"preset": "gpt5"}, ValueError, "preset='gpt5' must be one of sorter, small, gpt2"),
        ({"preset": "modern"}, ValueError, "preset='modern' must be one of"),
        ({"chip": "abacus"}, ValueError, "chip='abacus' must be one of T4, L4"),
        ({"billions": 0}, ValueError, "billions=0 must be from 1 to 100000"),
        ({"billions": 0.5}, TypeError, "billions=0.5 must be a whole number"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Counter(**arguments)
