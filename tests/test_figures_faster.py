"""Chapter 6's pictures show the numbers that they are given."""

import numpy as np
from matplotlib.colors import to_hex

from nbutils.figures import style
from nbutils.figures.chapters import faster


def drawn(axes) -> dict:
    return {line.get_label(): np.asarray(line.get_xydata()).tolist() for line in axes.lines}


def test_time_by_kind_stacks_each_steps_kinds():
    steps = {"plain": {"products": 3.0, "rest": 1.0}, "best": {"products": 1.0, "rest": 0.5}}
    (axes,) = faster.time_by_kind(steps).axes
    pieces = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert pieces == [(0, 3), (0, 1), (3, 1), (1, 0.5)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["plain", "best"]
    assert axes.yaxis_inverted() and "1,000 tokens" in axes.get_xlabel()


def test_time_by_kind_gives_seven_kinds_seven_colours():
    kinds = {f"kind {i}": 1.0 for i in range(7)}
    (axes,) = faster.time_by_kind({"plain": kinds}).axes
    assert len({to_hex(bar.get_facecolor()) for bar in axes.patches}) == 7


def test_time_by_kind_leaves_out_what_takes_no_time():
    (axes,) = faster.time_by_kind({"plain": {"a": 1.0, "b": 0.0, "c": 2.0}}).axes
    assert [bar.get_width() for bar in axes.patches] == [1.0, 2.0]
    assert to_hex(axes.patches[1].get_facecolor()) == style.GREEN.lower()


def test_roofline_is_the_lower_of_two_limits_with_every_point_under_it():
    points = {"small": (2.0, 8e9), "large": (100.0, 90e9)}
    (axes,) = faster.roofline(points, bandwidth=10e9, peak=100e9).axes
    x, y = np.array(drawn(axes)["the most there can be"]).T
    np.testing.assert_allclose(y, np.minimum(x * 10, 100))
    assert x.min() < 2 and x.max() > 100
    marks = [line.get_xydata().tolist() for line in axes.lines[1:]]
    assert marks == [[[2.0, 8.0]], [[100.0, 90.0]]]
    assert [text.get_text() for text in axes.texts] == ["small", "large"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [text.get_ha() for text in axes.texts] == ["left", "right"]
    (axes,) = faster.roofline(points, 10e9, 100e9, ["left"]).axes
    assert [text.get_ha() for text in axes.texts] == ["right", "right"]


def test_time_and_limit_draws_what_must_be_within_what_is():
    update = {"products": (2.0, 3.0), "Python": (0.0, 1.0)}
    first, second = faster.time_and_limit({"update": update, "sampling": {"all": (1.0, 4.0)}}).axes
    takes, least = ([bar.get_width() for bar in bars] for bars in first.containers)
    assert (takes, least) == ([3, 1], [2, 0])
    assert [bar.get_width() for bars in second.containers for bar in bars] == [4, 1]
    assert [axes.get_title() for axes in (first, second)] == ["update", "sampling"]
    assert first.yaxis_inverted() and second.get_xlabel() == "milliseconds"


def test_gradient_sizes_draws_the_same_numbers_twice_and_the_formats_end():
    exponents = np.array([-30.5, -30.2, -20.5])
    (axes,) = faster.gradient_sizes(exponents, lowest=-24, shift=10).axes
    heights = [[bar.get_height() for bar in group] for group in axes.containers]
    assert [sum(h) for h in heights] == [3, 3]
    assert np.flatnonzero(heights[1])[0] - np.flatnonzero(heights[0])[0] == 10
    assert drawn(axes)["below it float16 says 0"][0][0] == -24
    assert "2 to the 10" in axes.get_legend().get_texts()[1].get_text()


def test_memory_by_length_has_a_line_for_each_way():
    (axes,) = faster.memory_by_length([64, 128], {"written out": [1, 4], "fused": [1, 2]}).axes
    assert drawn(axes) == {"written out": [[64, 1], [128, 4]], "fused": [[64, 1], [128, 2]]}
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_turned_draws_an_arrow_to_each_position():
    points = np.array([[1.0, 0.0], [0.0, 1.0]])
    figure = faster.turned({"fast": points, "slow": 2 * points})
    assert [axes.get_title() for axes in figure.axes] == ["fast", "slow"]
    axes = figure.axes[1]
    assert [t.xy for t in axes.texts if t.get_text() == ""] == [(2, 0), (0, 2)]
    assert [t.get_text() for t in axes.texts if t.get_text()] == ["0", "1"]
    assert axes.get_aspect() == 1


def test_singular_values_are_drawn_by_rank():
    (axes,) = faster.singular_values({"before": np.array([1.0, 0.2])}).axes
    assert drawn(axes) == {"before": [[1, 1.0], [2, 0.2]]}


def test_ladder_draws_a_bar_with_its_number_for_each_rung():
    (axes,) = faster.ladder({"plain": 1000.0, "fused": 2500.0}, "tokens/s").axes
    assert [bar.get_width() for bar in axes.patches] == [1000, 2500]
    assert [text.get_text() for text in axes.texts] == ["1,000", "2,500"]
    assert axes.yaxis_inverted() and axes.get_xlabel() == "tokens/s"
    (axes,) = faster.ladder({"a": 0.5}, "nats", style.ORANGE, "{:.2f}").axes
    assert axes.texts[0].get_text() == "0.50"
    assert to_hex(axes.patches[0].get_facecolor()) == style.ORANGE.lower()


def test_two_measures_has_two_marks_for_each_rung():
    figure = faster.two_measures({"a": (1.0, 2.0), "b": (0.5, 3.0)}, ("updates", "time"), "nats")
    (axes,) = figure.axes
    assert {k: [x for x, _ in v] for k, v in drawn(axes).items()} == {
        "updates": [1.0, 0.5],
        "time": [2.0, 3.0],
    }
    assert axes.yaxis_inverted()


def test_loss_by_position_places_each_mean_in_the_middle_of_its_positions():
    curves = {"whole": [1.0, 0.5, 0.6], "ends early": [1.2, 0.7]}
    figure = faster.loss_by_position(curves, [0.4, 0.2, 0.3], every=4, trained=5)
    (axes,) = figure.axes
    lines = drawn(axes)
    assert lines["whole"] == [[2.5, 1.0], [6.5, 0.5], [10.5, 0.6]]
    assert lines["ends early"] == [[2.5, 1.2], [6.5, 0.7]]
    assert lines["the floor"] == [[2.5, 0.4], [6.5, 0.2], [10.5, 0.3]]
    assert [x for x, _ in lines["5 tokens"]] == [5.5, 5.5]
    floor = next(line for line in axes.lines if line.get_label() == "the floor")
    assert floor.get_color() == style.GREY and axes.get_ylim()[0] == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(lines)


def test_line_by_line_shows_every_line_as_text():
    shown = faster.line_by_line([("a < b", "c & d", "why <b>"), ("e", "f", "g")]).data
    for text in (
        "  a &lt; b</div>",
        "  c &amp; d</div>",
        "why &lt;b&gt;",
        "  e</div>",
        "  f</div>",
        ">g<",
    ):
        assert text in shown
    assert shown.index("a &lt; b") < shown.index("c &amp; d") < shown.index("  e</div>")
