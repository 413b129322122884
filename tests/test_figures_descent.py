"""Chapter 4a's pictures show the numbers that they are given."""

import numpy as np

from nbutils.figures.chapters import descent

FLOOR = 0.4


def points(line) -> list[list[float]]:
    return np.asarray(line.get_xydata()).tolist()


def labels(axes) -> list[str]:
    return [line.get_label() for line in axes.lines]


def test_there_and_back_names_each_step_and_its_shape_on_both_ways():
    (axes,) = descent.there_and_back([("tokens", "(2, 5)"), ("loss", "()")]).axes
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("tokens") == texts.count("loss") == 1
    assert texts.count("(2, 5)") == texts.count("()") == 2


def test_probability_and_slope_draws_p_y_and_their_difference():
    top, bottom = descent.probability_and_slope("ab", [0.25, 0.75], [1, 0]).axes
    assert [bar.get_height() for bar in top.patches] == [0.25, 0.75, 1, 0]
    assert [bar.get_height() for bar in bottom.patches] == [-0.75, 0.75]
    assert [tick.get_text() for tick in bottom.get_xticklabels()] == ["a", "b"]


def test_weights_and_slopes_draws_both_and_white_is_zero():
    weights, slopes = np.eye(2), np.array([[0, 0], [0.1, -0.3]])
    images = [
        image
        for axes in descent.weights_and_slopes(weights, slopes).axes[:2]
        for image in axes.images
    ]
    np.testing.assert_array_equal(images[0].get_array(), weights)
    np.testing.assert_array_equal(images[1].get_array(), slopes)
    assert images[1].get_clim() == (-0.3, 0.3)


def test_valley_has_a_panel_for_each_path():
    a, b = np.linspace(-2, 2, 5), np.linspace(-1, 1, 3)
    paths = {"slow": np.array([[2.0, 1.0], [1.0, 0.5]]), "fast": np.array([[2.0, 1.0], [0, 0]])}
    figure = descent.valley(a, b, a[None, :] ** 2 + b[:, None] ** 2, paths)
    assert [axes.get_title() for axes in figure.axes] == ["slow", "fast"]
    for axes, path in zip(figure.axes, paths.values()):
        assert points(axes.lines[0]) == path.tolist()
        assert axes.get_xlim() == (-2, 2)


def test_schedules_has_a_line_for_each():
    (axes,) = descent.schedules({"constant": [2, 2], "falling": [2, 1]}).axes
    assert labels(axes) == ["constant", "falling"]
    assert points(axes.lines[1]) == [[0, 2], [1, 1]]


def test_runs_draws_each_curve_and_the_floor():
    (axes,) = descent.runs({"one": ([0, 10], [7, 3])}, FLOOR).axes
    assert labels(axes) == ["one", "floor: 0.40"]
    assert points(axes.lines[0]) == [[0, 7], [10, 3]]
    assert set(axes.lines[1].get_ydata()) == {FLOOR}


def test_by_learning_rate_names_each_rate():
    (axes,) = descent.by_learning_rate([0.001, 0.01], {"AdamW": [3, 2], "SGD": [5, 4]}).axes
    assert [points(line) for line in axes.lines] == [
        [[0.001, 3], [0.01, 2]],
        [[0.001, 5], [0.01, 4]],
    ]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.001", "0.01"]


def test_gradient_lengths_shows_the_limit():
    (axes,) = descent.gradient_lengths([0.5, 3], limit=1.0).axes
    assert points(axes.lines[0]) == [[0, 0.5], [1, 3]]
    assert set(axes.lines[1].get_ydata()) == {1.0}


def test_gradient_errors_draws_the_law_from_the_first_point():
    measured, law = descent.gradient_errors([1, 4], [2.0, 1.1]).axes[0].lines
    assert points(measured) == [[1, 2], [4, 1.1]]
    assert points(law) == [[1, 2], [4, 1]]


def test_patients_draws_three_curves_in_each_panel_and_hides_what_is_left():
    train, val, healthy = ([0, 1], [7, 0]), ([0, 1], [7, 9]), ([0, 1], [7, 2])
    figure = descent.patients(
        {"A": (train, val), "B": (val, train), "C": (val, val)}, healthy, FLOOR
    )
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == ["A", "B", "C"]
    drawn = [line.get_ydata()[-1] for line in panels[0].lines]
    assert drawn == [2, 0, 9, FLOOR]
    assert len(figure.axes) == 4
