"""Chapter 3a's pictures show the numbers that they are given."""

import numpy as np
import pytest

from nbutils.figures.chapters import knobs


def ramp(n=5):
    return np.tile(np.linspace(0, 1, n), (n, 1))  # the value grows with x1


def titles(figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_knob_maps_has_a_row_for_each_knob_and_a_map_for_each_setting():
    rows = [{"w0 = 1": ramp(), "w0 = 2": ramp() ** 2}, {"w1 = 1": ramp(), "w1 = 2": ramp()}]
    figure = knobs.knob_maps(rows, reach=3)
    assert titles(figure) == ["w0 = 1", "w0 = 2", "w1 = 1", "w1 = 2"]
    drawn = figure.axes[1].images[0]
    np.testing.assert_array_equal(drawn.get_array(), ramp() ** 2)
    assert drawn.get_clim() == (0, 1)
    assert drawn.get_extent() == [-3, 3, -3, 3]
    assert drawn.origin == "lower"  # x2 grows upward


def test_a_map_has_its_line_at_one_half_only_if_the_formula_gets_there():
    figure = knobs.knob_maps([{"through": ramp(), "never": ramp() / 3}], reach=3)
    through, never = figure.axes[:2]
    (line,) = through.collections
    np.testing.assert_allclose(line.get_paths()[0].vertices[:, 0], 0, atol=1e-12)
    assert not never.collections


def test_maps_with_points_draws_each_point_with_its_label():
    points = np.array([[0, 1], [2, 0], [1, 1]])
    figure = knobs.maps_with_points({"a": ramp(), "b": ramp()}, points, [0, 1, 0], reach=2)
    for ax in figure.axes:
        zero, one = ax.lines
        assert zero.get_xydata().tolist() == [[0, 1], [1, 1]]
        assert one.get_xydata().tolist() == [[2, 0]]
        assert [zero.get_label(), one.get_label()] == ["label 0", "label 1"]


def test_knob_slopes_draws_a_line_of_that_slope_through_the_present_setting():
    slope = ([0.0, 1.0, 2.0], [5.0, 4.0, 3.5], 1.0, 4.0, -0.7)
    figure = knobs.knob_slopes({"w1": slope})
    curve, tangent, now = figure.axes[0].lines
    assert curve.get_ydata().tolist() == [5.0, 4.0, 3.5]
    (x0, y0), (x1, y1) = tangent.get_xydata()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-0.7)
    assert (y0 + y1) / 2 == pytest.approx(4.0)
    assert now.get_xydata().tolist() == [[1.0, 4.0]]
    assert titles(figure) == ["slope -0.70"]


def test_loss_by_turn_has_a_line_for_each_start_and_a_name_for_each_group():
    (axes,) = knobs.loss_by_turn({"a": [[3, 2, 1], [3, 2, 2]], "b": [[3, 3, 3]]}).axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[3, 2, 1], [3, 2, 2], [3, 3, 3]]
    assert axes.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert axes.get_ylim()[0] == 0


def test_pictures_leaves_unused_places_empty():
    figure = knobs.pictures([ramp(), ramp() / 2, ramp()], ["a", "b", "c"], columns=2)
    assert titles(figure) == ["a", "b", "c"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), ramp() / 2)
    assert len(figure.axes) == 4 and not figure.axes[3].images


def test_weight_pictures_share_one_scale_with_zero_in_its_middle():
    weights = np.stack([ramp(), -2 * ramp()])
    figure = knobs.weight_pictures(weights)
    for unit in (0, 1):
        drawn = figure.axes[unit].images[0]
        np.testing.assert_array_equal(drawn.get_array(), weights[unit])
        assert drawn.get_clim() == (-2, 2)
    assert titles(figure) == ["unit 0", "unit 1"]


def test_likeness_table_names_rows_and_columns():
    figure = knobs.likeness_table(["a", "b"], np.array([[1, -0.5], [-0.5, 1]]))
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[1, -0.5], [-0.5, 1]]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["a", "b"]


def test_relation_arrows_lead_from_each_start_to_its_end():
    starts, ends = np.array([[0, 0], [1, 0]]), np.array([[0, 2], [1, 3]])
    (axes,) = knobs.relation_arrows(starts, ends, ["a", "b"], ["c", "d"]).axes
    arrows = [text for text in axes.texts if text.arrow_patch is not None]
    assert [tuple(arrow.xyann) for arrow in arrows] == [(0, 0), (1, 0)]
    assert [tuple(arrow.xy) for arrow in arrows] == [(0, 2), (1, 3)]
    points, others = axes.lines
    assert points.get_xydata().tolist() == starts.tolist()
    assert others.get_xydata().tolist() == ends.tolist()


def test_relation_arrows_names_stand_at_the_sides_and_never_on_each_other():
    starts, ends = np.array([[0.2, 1], [0, 1.01]]), np.array([[1, 0], [2, 3]])
    (axes,) = knobs.relation_arrows(starts, ends, ["a", "b"], ["c", "d"]).axes
    names = {text.get_text(): tuple(text.xy) for text in axes.texts if text.get_text()}
    assert names["c"] == (2, 0) and names["d"] == (2, 3)
    assert names["a"] == (0, 1) and names["b"][0] == 0
    assert names["b"][1] == pytest.approx(1 + 0.042 * 3)


def test_likeness_spread_places_pairs_by_their_cosine_over_the_count_of_all():
    above, below = knobs.likeness_spread({"a/b": 0.9, "c/d": -0.2}, [0.01, 0.02, -0.51]).axes
    assert above.lines[0].get_xdata().tolist() == [-0.2, 0.9]
    assert [label.get_text() for label in above.get_yticklabels()] == ["c/d", "a/b"]
    counted = {round(bar.get_x(), 2): bar.get_height() for bar in below.patches}
    assert {at: n for at, n in counted.items() if n} == {0.0: 2, -0.55: 1}
    assert below.get_xlim() == (-1, 1) == above.get_xlim()


def test_share_by_removed_has_a_dot_for_each_draw_and_a_line_of_means():
    (axes,) = knobs.share_by_removed([0, 8], [[1.0, 0.8], [0.5, 0.1]], 16).axes
    none, eight, means = (line.get_xydata().tolist() for line in axes.lines)
    assert none == [[0, 1.0], [0, 0.8]] and eight == [[8, 0.5], [8, 0.1]]
    assert means == [[0, 0.9], [8, pytest.approx(0.3)]]
    assert axes.get_ylim()[0] == 0 and "of 16" in axes.get_xlabel()


def test_share_by_move_draws_each_network_over_the_moves():
    (axes,) = knobs.share_by_move([-2, 0, 2], {"a": [0.1, 0.9, 0.2], "b": [0.5, 0.8, 0.6]}).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {
        "a": [[-2, 0.1], [0, 0.9], [2, 0.2]],
        "b": [[-2, 0.5], [0, 0.8], [2, 0.6]],
    }
    assert axes.get_ylim()[0] == 0
