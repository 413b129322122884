"""Chapter 3b's pictures show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from nbutils.figures import style
from nbutils.figures.chapters import attention


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def tick_texts(ticks) -> list[str]:
    return [tick.get_text() for tick in ticks]


def test_weight_maps_colour_and_write_the_weights():
    weights = np.array([[1.0, 0.0], [0.25, 0.75]])
    first, second = attention.weight_maps({"a": weights, "b": weights.T}, "pq", "rs").axes
    np.testing.assert_array_equal(first.images[0].get_array(), weights)
    np.testing.assert_array_equal(second.images[0].get_array(), weights.T)
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 1)
    assert texts(first) == ["1.00", ".25", ".75"]  # a 0 stays blank
    assert [axes.get_title() for axes in (first, second)] == ["a", "b"]
    assert tick_texts(first.get_yticklabels()) == ["p", "q"]
    assert tick_texts(first.get_xticklabels()) == ["r", "s"]


def test_a_dollar_sign_is_text_and_not_the_start_of_a_formula():
    attention.weight_maps({"a": np.eye(2)}, ["$_$", "$^"], ["$_$", "$^"]).canvas.draw()


@pytest.mark.parametrize("names, angle", [(["5", "+"], 0), (["Tom to Ben", "+"], 90)])
def test_only_long_names_stand_on_end(names, angle):
    (axes,) = attention.weight_maps({"a": np.eye(2)}, names, names).axes
    assert [label.get_rotation() for label in axes.get_xticklabels()] == [angle, angle]


def test_weight_maps_need_not_be_square():
    (axes,) = attention.weight_maps({"a": np.full((2, 4), 0.25)}, "ab", "cdef").axes
    assert texts(axes) == [".25"] * 8


def test_blends_draw_areas_in_proportion_and_the_way_to_the_result():
    points, weights, result = np.array([[2.0, 0.0], [1.0, 1.0]]), [0.25, 0.75], np.array([1.2, 0.7])
    figure = attention.blends({"t": (["river", "bank"], points, weights, result)})
    (axes,) = figure.axes
    dots = axes.collections[0]
    np.testing.assert_array_equal(dots.get_offsets(), points)
    assert dots.get_sizes()[1] == 3 * dots.get_sizes()[0]
    assert axes.lines[0].get_xydata().tolist() == [[1.2, 0.7]]
    assert texts(axes)[:2] == ["river 0.25", "bank 0.75"]
    arrow = axes.texts[2]
    assert tuple(arrow.xyann) == (1, 1)  # from the last point
    assert tuple(arrow.xy) == (1.2, 0.7)


def test_by_width_draws_every_row_on_logarithmic_axes():
    panels = {"spread": {"x": [1, 2], "y": [3, 4]}, "slope": {"x": [5, 6], "y": [7, 8]}}
    left, right = attention.by_width([1, 4], panels).axes
    assert [list(line.get_ydata()) for line in right.lines] == [[5, 6], [7, 8]]
    assert [line.get_label() for line in left.lines] == ["x", "y"]
    assert (left.get_ylabel(), right.get_ylabel()) == ("spread", "slope")
    assert left.get_xscale() == left.get_yscale() == "log"
    assert tick_texts(left.get_xticklabels()) == ["1", "4"]


def test_losses_compared_draws_curves_and_named_lines():
    figure = attention.losses_compared([0, 10], {"whole": [7, 1], "less": [7, 3]}, {"floor": 0.4})
    (axes,) = figure.axes
    *curves, floor = axes.lines
    assert [list(line.get_ydata()) for line in curves] == [[7, 1], [7, 3]]
    assert [line.get_label() for line in curves] == ["whole", "less"]
    assert set(floor.get_ydata()) == {0.4}
    assert texts(axes) == ["floor"]
    assert axes.get_ylim()[0] == 0


def test_block_order_is_norm_attention_add_norm_mlp_add():
    (axes,) = attention.block_order().axes
    stations = {"layer norm", "attention", "MLP", "+"}
    placed = [(t.get_position()[0], t.get_text()) for t in axes.texts if t.get_text() in stations]
    order = [text for _, text in sorted(placed)]
    assert order == ["layer norm", "attention", "+", "layer norm", "MLP", "+"]


def test_no_curve_is_lost_when_there_are_more_than_colours():
    names = "abcdefgh"
    fig = attention.losses_compared([1, 2], {name: [1, 2] for name in names}, {})
    assert [line.get_label() for line in fig.axes[0].lines] == list(names)


def test_two_softmaxes_draw_both_rows_from_top_to_bottom():
    left, right = attention.two_softmaxes(
        ["a", "$b"], np.array([0.25, 0.75]), ["x", "y", "z"], np.array([0.9, 0.06, 0.01])
    ).axes
    assert [bar.get_width() for bar in left.patches] == [0.25, 0.75]
    assert texts(right) == ["0.900", "0.060", "0.010"]
    assert tick_texts(left.get_yticklabels()) == ["a", r"\$b"]
    assert left.yaxis_inverted() and right.yaxis_inverted()
    assert (left.get_xlabel(), right.get_xlabel()) == ("weight", "probability")


def test_looks_on_picture_put_the_patches_together_and_each_weight_in_its_patch():
    patches = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5) / 120
    weights = np.array([0.0, 0.75, 0.0, 0.0, 0.25, 0.001])
    first, second = attention.looks_on_picture(patches, {"a": weights, "b": weights[::-1]}).axes
    picture = first.images[0].get_array()
    assert picture.shape == (8, 15)
    np.testing.assert_array_equal(picture[4:, 10:], patches[1, 2])  # the last one, last at the end
    assert texts(first) == [".75", ".25"]  # one that is nearly 0 stays blank
    inside = [(text.get_position()[0] // 5, text.get_position()[1] // 4) for text in first.texts]
    assert inside == [(1, 0), (1, 1)]  # (column, row)
    heavy, light = (p for p in first.patches if p.get_edgecolor() == to_rgba(style.ORANGE))
    assert heavy.get_linewidth() > 2 * light.get_linewidth()
    assert heavy.get_xy() == (5.25 - 0.5, 0.25 - 0.5) and heavy.get_width() == 4.5
    assert [axes.get_title() for axes in (first, second)] == ["a", "b"]
