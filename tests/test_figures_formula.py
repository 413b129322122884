"""The formula with knobs: its loss and slopes are PyTorch's, its lowest loss is the lowest."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving.formula import START, by_autograd, example

from nbutils.figures.moving.formula import Formula, best_knobs, loss_and_slopes

SETTING = st.lists(st.floats(-6, 6), min_size=3, max_size=3)


@given(SETTING)
@settings(max_examples=60, deadline=None)
def test_loss_and_slopes_are_pytorch_s_and_no_setting_is_below_the_lowest(knobs):
    picture = example()
    loss, slopes = loss_and_slopes(knobs, picture.points, picture.answers)
    expected, by_torch = by_autograd(picture, knobs)
    np.testing.assert_allclose([loss, *slopes], [expected, *by_torch], atol=1e-9)
    assert loss >= picture.lowest


def test_gradient_descent_comes_down_to_the_lowest():
    picture, knobs = example(), np.array(START)
    for _ in range(1000):
        knobs = knobs - loss_and_slopes(knobs, picture.points, picture.answers)[1]
    np.testing.assert_allclose(knobs, best_knobs(picture.points, picture.answers), atol=1e-4)
    picture.knobs = knobs.tolist()
    assert picture.measured()[0] == pytest.approx(picture.lowest)
    assert picture.summary().endswith("All slopes are as good as 0: this is the lowest place.")


def test_it_says_the_loss_and_which_way_to_turn():
    said = example().summary()
    loss, slopes = example().measured()
    assert f"The loss is {loss:.3g} nats" in said and f"{example().wrong()} of 24" in said
    ways = [f"w{k} {'down' if slope > 0 else 'up'}" for k, slope in enumerate(slopes)]
    assert said.endswith(f"The slopes say: {', '.join(ways)}.")


def test_a_tiny_loss_is_no_overflow():
    loss, slopes = loss_and_slopes([0, 20, 20], [[3, 3], [-3, -3]], [1, 0])
    assert 0 <= loss < 1e-12 and np.isfinite(slopes).all()


POINTS, ANSWERS = [[0, 0], [1, 1], [2, 0], [0, 1]], [0, 1, 0, 1]


@pytest.mark.parametrize(
    "changes, error, told",
    [
        ({"points": [[0, 0, 0]]}, ValueError, "points has shape (1, 3); give (n, 2)"),
        ({"points": [[0, 4]] * 4}, ValueError, "points must hold numbers from -3 to 3, and no nan"),
        ({"points": [[0, np.nan]] * 4}, ValueError, "and no nan"),
        ({"points": "ab"}, TypeError, "points must hold numbers"),
        ({"answers": [0, 1, 0]}, ValueError, "answers must be 0 or 1 for each point"),
        ({"answers": [0, 0, 0, 0]}, ValueError, "both must occur"),
        ({"answers": [0, 0.5, 1, 0]}, ValueError, "answers must be 0 or 1"),
        ({"knobs": [1, 2]}, ValueError, "knobs has shape (2,); give 3 numbers"),
        ({"knobs": [1, 2, 7]}, ValueError, "knobs must hold numbers from -6 to 6"),
        ({"steps": 0}, ValueError, "steps=0 must be from 1 to 100"),
        ({"rate": 50.0}, ValueError, "rate=50.0 must be above 0 and at most"),
        ({"rate": "fast"}, ValueError, "rate='fast' must be above 0"),
        ({"points": POINTS, "answers": ANSWERS}, ValueError, "a line parts them"),
    ],
)
def test_it_refuses_with_a_sentence(changes, error, told):
    points = [[1, 1], [1, -1], [-1, -1], [-1, 1]]
    arguments = {"points": points, "answers": [0, 1, 0, 1], "knobs": START} | changes
    with pytest.raises(error, match=re.escape(told)):
        Formula(**arguments)
