"""Chapter 5's pictures show the numbers that they are given."""

import numpy as np
import pytest

from nbutils.figures.chapters import inference


def widths(axes) -> list[float]:
    return [bar.get_width() for bar in axes.patches]


def test_bars_beside_truth_has_a_panel_for_each_choice_and_the_truth_in_all():
    truth = [0.6, 0.4]
    figure = inference.bars_beside_truth(
        ["Once", " a"], truth, {"as it is": [0.5, 0.5], "cold": [0.7, 0.3], "top": [0.9, 0.1]}
    )
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == ["as it is", "cold", "top"]
    assert [widths(axes) for axes in panels] == [[0.5, 0.5], [0.7, 0.3], [0.9, 0.1]]
    for axes in panels:
        assert list(axes.lines[0].get_xdata()) == truth
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["Once", "·a"]


def test_bars_beside_truth_names_the_value_of_a_bar_that_is_too_long():
    figure = inference.bars_beside_truth(["a", "b"], [0.2, 0.1], {"greedy": [1.0, 0.0]})
    assert [text.get_text().strip() for text in figure.axes[0].texts] == ["1.00 →"]


def test_price_of_temperature_draws_both_measurements():
    above, below = inference.price_of_temperature([0.5, 1, 2], [0.2, 0, 0.3], [1, 2], [0.5, 1]).axes
    assert list(above.lines[0].get_xdata()) == [0.5, 1, 2]
    assert list(above.lines[0].get_ydata()) == [0.2, 0, 0.3]
    assert list(below.lines[0].get_xdata()) == [1, 2]
    assert list(below.lines[0].get_ydata()) == [50, 100]
    assert "%" in below.get_ylabel()


def test_computed_and_kept_counts_and_shows_each_state():
    state = np.array([[1, 1, 0], [2, 2, 1]])
    axes = inference.computed_and_kept({"all": state.clip(max=1), "cache": state}, prompt=2).axes
    assert [a.get_title() for a in axes] == ["all: 5 computed", "cache: 3 computed"]
    assert axes[1].collections[0].get_array().tolist() == state.tolist()
    assert axes[1].lines[0].get_xdata() == [2, 2]


def test_time_of_each_token_is_in_milliseconds():
    (axes,) = inference.time_of_each_token([10, 20], {"a": [0.1, 0.2], "b": [0.1, 0.1]}).axes
    assert list(axes.lines[0].get_ydata()) == [100, 200]
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    assert "ms" in axes.get_ylabel()


def test_score_of_each_kind_shows_percent_and_the_blind_guess():
    (axes,) = inference.score_of_each_kind(["who", "where"], [0.75, 0.5], [0.5, 0.125]).axes
    assert widths(axes) == [75, 50]
    assert list(axes.lines[0].get_xdata()) == [50, 12.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["who", "where"]


def test_reliability_has_the_diagonal_and_a_line_for_each_row():
    (axes,) = inference.reliability({"T 1": ([0.1, 0.9], [0.2, 0.8])}).axes
    diagonal, line = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert list(line.get_xdata()) == [0.1, 0.9] and list(line.get_ydata()) == [0.2, 0.8]


def test_certainty_shares_add_up_to_all_questions():
    figure = inference.certainty({"told": [0.9, 0.96, 0.31], "not told": [0.5]})
    for axes in figure.axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["told", "not told"]
    last = [bar.get_height() for bar in figure.axes[0].patches][-2:]
    assert last == pytest.approx([100 / 3, 100 / 3])
