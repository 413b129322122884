"""Recorded runs at several learning rates: what is kept, what is said, what is refused."""

import re

import numpy as np
import pytest
from moving.rates import example

from nbutils import smallworld
from nbutils.figures.moving.rates import Rates

TRUTH, ENCODING = smallworld.next_probabilities(""), smallworld.encoding()
EVEN = np.full((3, len(TRUTH)), 1 / len(TRUTH))
RUN = ([7.0, 6.0, 5.0], EVEN)


def made(**changes) -> Rates:
    arguments = {"runs": {0.01: RUN, 0.1: RUN}, "truth": TRUTH, "rate": 0.1, "floor": 0.4} | changes
    return Rates(arguments.pop("runs"), arguments.pop("truth"), ENCODING, **arguments)


def test_the_likeliest_tokens_are_kept_with_their_recorded_probabilities():
    picture = example()
    ids = [ENCODING.encode(name)[0] for name in picture.names]
    assert sorted(picture.truth, reverse=True) == picture.truth
    np.testing.assert_allclose(picture.truth, TRUTH[ids], rtol=1e-3)
    np.testing.assert_allclose(picture.guesses[0][0], 1 / len(TRUTH), rtol=1e-3)
    assert picture.rates == sorted(picture.rates) and picture.rates[picture.chosen] == 0.003


def test_it_says_the_loss_and_how_far_the_guess_is_off():
    picture = made(step=2)
    off = sum(picture.truth) - len(picture.truth) / len(TRUTH)
    said = picture.summary()
    assert said.startswith(
        "Learning rate 0.1, 2 of 2 updates done: a loss of 5 nats. “Now” is given 0.08"
    )
    assert said.endswith(f"{100 * off:.1f} % of the probability is misplaced.")
    exact = made(runs={0.01: RUN, 0.1: ([7, 6, 5], [TRUTH] * 3)})
    assert exact.misplaced() < 1e-4


def test_a_token_that_a_lost_run_rules_out_is_given_nothing():
    lost = np.zeros_like(EVEN)
    lost[:, :2] = 1e-90, 1
    picture = made(runs={0.01: RUN, 0.1: ([7, 60, 500], lost)})
    assert picture.guesses[1][0] == [0.0] * len(picture.names)
    assert "“Now” is given 0 %" in picture.summary()


def test_runs_of_a_hundred_updates_stay_small():
    many = (np.linspace(7, 2, 100), np.full((100, len(TRUTH)), 1 / len(TRUTH)))
    assert len(made(runs={rate / 100: many for rate in range(1, 7)}, rate=0.01).html()) < 60_000


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"runs": {0.1: RUN}}, "the number of runs=1 must be from 2 to 12"),
        ({"rate": 0.5}, "rate=0.5 is none of the runs' 0.01, 0.1"),
        ({"step": 3}, "step=3 must be from 0 to 2"),
        ({"truth": TRUTH / 2}, "must be (V,) and sum to 1"),
        ({"truth": TRUTH[:, None]}, "must be (V,) and sum to 1"),
        ({"runs": {-0.1: RUN, 0.1: RUN}}, "the learning rate -0.1 must be a number above 0"),
        ({"runs": {0.1: RUN, 0.2: ([7.0], EVEN[:1])}}, "with n at least 2"),
        ({"runs": {0.1: RUN, 0.2: ([7.0, 6.0], EVEN[:2])}}, "must all have as many updates"),
        ({"runs": {0.1: RUN, 0.2: ([7.0, np.nan, 6.0], EVEN)}}, "the losses at 0.2 must be finite"),
        ({"runs": {0.1: RUN, 0.2: ([7.0, 6.0, 5.0], EVEN / 2)}}, "probabilities that sum to 1"),
    ],
)
def test_it_refuses_with_a_sentence(changes, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        made(**changes)
