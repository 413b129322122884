"""Chapter 2's pictures show the numbers that they are given."""

import numpy as np

from nbutils.figures.chapters import io


def only_axes(figure):
    (axes,) = figure.axes
    return axes


def texts(figure) -> list[str]:
    return [text.get_text() for text in only_axes(figure).texts]


def test_cost_of_length_draws_what_was_measured_and_the_straight_line():
    measured, straight = only_axes(io.cost_of_length([10, 20, 40], [1.0, 3.0, 9.0])).lines
    assert measured.get_ydata().tolist() == [1, 3, 9]
    assert straight.get_ydata().tolist() == [1, 2, 4]


def test_probability_bars_are_as_long_as_the_probabilities():
    rows = {"truth": [0.8, 0.2], "model": [0.7, 0.3]}
    axes = only_axes(io.probability_bars([" but", " and"], rows, title="x"))
    assert [bar.get_width() for bar in axes.patches] == [0.8, 0.2, 0.7, 0.3]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["·but", "·and"]


def test_a_dollar_sign_is_text_and_not_the_start_of_a_formula():
    figure = io.probability_bars(["$_$", "$^"], {"truth": [0.8, 0.2]})
    figure.canvas.draw()  # as formulas these would be errors


def test_surprise_marks_points_on_the_curve():
    figure = io.surprise(vocab_size=1000)
    for line in only_axes(figure).lines:
        np.testing.assert_allclose(line.get_ydata(), -np.log(line.get_xdata()), atol=1e-12)
    assert "6.91" in only_axes(figure).get_title()


def test_honest_score_marks_each_lowest_point():
    figure = io.honest_score([0.1, 0.5, 0.9], {"a": [3, 1, 2], "b": [3, 2, 1]}, truth=0.5)
    assert texts(figure) == ["lowest at 0.50", "lowest at 0.90"]


def test_loss_of_each_token_has_two_bars_at_each():
    axes = only_axes(io.loss_of_each_token(["a", "\n"], {"truth": [1, 2], "model": [3, 4]}))
    assert [bar.get_height() for bar in axes.patches] == [1, 2, 3, 4]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "↵"]


def test_model_against_truth_hides_only_what_both_rule_out():
    truth = np.array([[0.0, 0.4, 0.0, 0.6]])
    model = np.array([[0.001, 0.3, 0.099, 0.6]])
    points = only_axes(io.model_against_truth(model, truth)).lines[0]
    assert points.get_xdata().tolist() == [0.4, 0.0, 0.6]
    assert points.get_ydata().tolist() == [0.3, 0.099, 0.6]
