"""The moving picture of the ladder, its Python side, and the speeds that are stored for it."""

import json
import re
from itertools import product

import pytest
from moving.ladder import SHAPE, climbed, example, run

from nbutils import ladder, planning
from nbutils.figures.moving.ladder import WAYS, Ladder
from nbutils.model import GPT, GPTConfig
from nbutils.words import table


def test_every_combination_was_measured_on_each_stored_machine():
    runs = ladder.stored_combinations()
    assert runs == sorted(runs, key=lambda run: run["date"])
    for one in runs:
        assert set(one["speeds"]) == {"".join(signs) for signs in product("01", repeat=len(WAYS))}
        assert all(speed > 0 for speed in one["speeds"].values())
        shape = GPTConfig(**one["shape"])
        limit = one["peak"] / planning.training_flops(shape)
        assert max(one["speeds"].values()) < limit  # nothing is faster than the fastest product
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", one["date"]) and one["versions"]["PyTorch"]
    assert len({(one["machine"], one["chip"]) for one in runs}) == len(runs)


def test_the_words_name_the_ways_in_chapter_6_s_order():
    assert tuple(table("pictures/ladder", "en")["ways"]) == WAYS == tuple(ladder.SPEED)[1:]


def test_the_picture_has_each_combination_s_own_speed():
    picture, stored = example(), run("A processor")["speeds"]
    for on, speed in enumerate(picture.machines[0]["speeds"]):
        ways = [way for i, way in enumerate(WAYS) if on >> i & 1]
        assert speed == stored["".join("1" if way in ways else "0" for way in WAYS)]
        assert Ladder(ways, runs=[run("A processor")]).on == on


def test_what_a_way_brings_is_a_quotient_of_two_measured_speeds():
    picture = example()
    assert picture.brings() == pytest.approx([0.6, 1.2, 1.3, 1.5, 1.1, 0.98], rel=1e-4)
    picture.on = 0b010000  # compiled blocks, which the larger batch then does not suit
    assert picture.brings()[3] == pytest.approx(1.5 * 0.9, rel=1e-4)


def test_what_is_used_are_the_operations_of_the_network_over_the_fastest_product():
    picture = example()
    shape = GPTConfig(**SHAPE)
    seconds = picture.milliseconds(picture.on) / 1e6  # of a token
    assert picture.used() == pytest.approx(GPT(shape).flops_per_token() / seconds / 1e11)
    assert 0 < picture.used() < 1


def test_it_says_what_is_on_what_is_used_and_what_would_bring_most():
    assert example().summary() == (
        "Ways that are on: 1 of 6. An update of 640 tokens takes 59.3 ms, so 1,000 tokens take 92.6 ms: "
        "1.2 times as fast as the plain step. At the chip's limit, the fastest product, they would take "
        f"{example().milliseconds(2) * example().used():.1f} ms: {100 * example().used():.1f} % of the limit "
        f"is used, {100 - 100 * example().used():.1f} % is unused. Of the ways that are off, “batch 4 times as "
        "large” would bring most: × 1.5. Measured on A processor, CPU with 1 thread, 2026-11-30, PyTorch "
        "2.13.0: 2 layers, width 128, 8 windows of 80 tokens in a plain update."
    )


def test_a_larger_batch_is_an_update_of_more_tokens():
    assert "An update of 2,560 tokens" in Ladder([WAYS[3]], runs=[run("A processor")]).summary()


def test_where_nothing_more_helps_it_says_so():
    best = Ladder(WAYS[1:4], runs=[run("A processor")])
    assert "No way that is off would make it faster." in best.summary()


def test_a_machine_on_which_only_the_rungs_were_measured_knows_no_other_combination():
    picture = Ladder(runs=[climbed()])
    assert [times is None for times in picture.brings()] == [False] + [True] * 5
    with pytest.raises(ValueError, match="on=.'fused optimizer',. was not measured on A card"):
        Ladder(["fused optimizer"], runs=[climbed()])


@pytest.mark.parametrize(
    "arguments, told",
    [
        ({"on": ["faster"]}, "on has 'faster', which is none of 16-bit products, fused"),
        ({"machine": 2}, "machine=2 must be from 0 to 1"),
        ({"machine": -1}, "machine=-1 must be from 0 to 1"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Ladder(**{"runs": [run("A processor"), climbed()]} | arguments)


def test_the_state_stays_small():
    assert len(json.dumps(example().state())) < 5000
