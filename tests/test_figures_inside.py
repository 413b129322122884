"""Chapter 3c's pictures show the numbers that they are given."""

import numpy as np

from nbutils.figures.chapters import inside
from nbutils.figures.style import BLUE, INK


def random(*shape):
    return np.random.default_rng(0).normal(size=shape)


def labels(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def images(figure) -> list[np.ndarray]:
    """What the pictures in a figure show; colour bars have none."""
    return [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]


def test_values_at_positions_shows_each_array_with_zero_in_the_middle():
    panels = {"a": random(3, 7), "b": 10 * random(3, 5)}
    figure = inside.values_at_positions(panels, ["x", "y", "z"], xlabel="number")
    for shown, (title, values), ax in zip(images(figure), panels.items(), figure.axes):
        np.testing.assert_array_equal(shown, values)
        assert ax.get_title() == title
        assert labels(ax.yaxis) == ["x", "y", "z"]
        low, high = ax.images[0].get_clim()
        assert high == -low == np.abs(values).max()
    assert figure.axes[1].get_xlabel() == "number"


def test_a_dollar_sign_is_text_and_not_the_start_of_a_formula():
    pieces, weights = ["$_$", "$^"], np.full((1, 1, 2, 2), 0.5)
    inside.values_at_positions({"a": np.eye(2)}, pieces).canvas.draw()
    inside.from_scores_to_weights(np.eye(2), np.eye(2), pieces).canvas.draw()
    inside.weights_of_all_heads(weights, pieces).canvas.draw()


def test_values_that_are_all_zero_can_be_drawn():
    figure = inside.values_at_positions({"nothing": np.zeros((2, 2))}, ["x", "y"])
    assert figure.axes[0].images[0].get_clim() == (-1, 1)


def test_from_scores_to_weights_shows_both_with_the_tokens_on_both_axes():
    scores, weights = random(3, 3), np.full((3, 3), 1 / 3)
    figure = inside.from_scores_to_weights(scores, weights, ["x", "y", "z"])
    for shown, given, ax in zip(images(figure), (scores, weights), figure.axes):
        np.testing.assert_array_equal(shown, given)
        assert labels(ax.xaxis) == labels(ax.yaxis) == ["x", "y", "z"]


def test_weights_of_all_heads_puts_layers_below_each_other_and_heads_side_by_side():
    weights = np.abs(random(2, 3, 4, 4))
    figure = inside.weights_of_all_heads(weights, list("abcd"))
    titles = [ax.get_title() for ax in figure.axes[:6]]
    assert titles[0] == "layer 1, head 1" and titles[5] == "layer 2, head 3"
    np.testing.assert_array_equal(images(figure), weights.reshape(6, 4, 4))
    assert len({ax.images[0].get_clim() for ax in figure.axes[:6]}) == 1  # one colour bar for all


def test_table_of_numbers_writes_each_number_in_its_cell():
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    figure = inside.table_of_numbers(values, ["r", "s"], ["a", "b", "c"], title="t", form="{:.0f}")
    (ax,) = figure.axes
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written[(2, 0)] == "3" and written[(0, 1)] == "4" and len(written) == 6
    assert labels(ax.xaxis) == ["a", "b", "c"] and labels(ax.yaxis) == ["r", "s"]
    assert ax.get_title() == "t"


def test_table_of_equal_numbers_can_be_drawn_and_read():
    figure = inside.table_of_numbers(np.full((2, 2), 729), ["r", "s"], ["a", "b"])
    assert {text.get_color() for text in figure.axes[0].texts} == {INK}


def test_weight_on_letters_has_a_line_for_each_letter_in_each_head():
    given = np.abs(random(2, 3, 6))
    figure = inside.weight_on_letters(given, "ABC", even=0.25)
    for ax, head in zip(figure.axes, given, strict=True):
        *lines, even = ax.lines
        np.testing.assert_array_equal([line.get_ydata() for line in lines], head)
        assert [line.get_label() for line in lines] == ["A", "B", "C"]
        assert list(lines[0].get_xdata()) == [1, 2, 3, 4, 5, 6]
        assert list(even.get_ydata()) == [0.25, 0.25]


def test_apart_by_stage_draws_every_word_and_the_first_boldly():
    between = {"mole": [0, 0.1, 0.4], "bat": [0, 0.2, 0.3], "bank": [0, 0, 0.5]}
    figure = inside.apart_by_stage(["table", "one", "two"], between, [0, 0.05, 0.1])
    (ax,) = figure.axes
    bat, bank, mole, within = ax.lines
    for line, values in zip((mole, bat, bank), between.values()):
        assert list(line.get_ydata()) == values
    assert list(within.get_ydata()) == [0, 0.05, 0.1]
    assert mole.get_color() == BLUE and mole.get_linewidth() > bat.get_linewidth()
    assert labels(ax.xaxis) == ["table", "one", "two"]
    assert "2 other words" in figure.legends[0].get_texts()[0].get_text()


def test_along_a_direction_draws_each_thing_and_the_two_ends():
    figure = inside.along_a_direction(["one", "two"], {"big": [0.9, 1.1], "small": [-1, -2]})
    (ax,) = figure.axes
    big, small, *ends = ax.lines
    assert list(big.get_ydata()) == [0.9, 1.1] and list(small.get_ydata()) == [-1, -2]
    assert [end.get_ydata()[0] for end in ends] == [-1, 1]


def test_where_parameters_sit_shows_shares_that_add_up_to_the_whole():
    models = {"a": {"tables": 30, "layers": 70}, "b": {"tables": 1, "layers": 3}}
    figure = inside.where_parameters_sit(models)
    (ax,) = figure.axes
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [30, 25, 70, 75]
    assert [bar.get_x() for bar in ax.patches] == [0, 0, 30, 25]
    assert labels(ax.yaxis) == ["a", "b"]


def test_weight_by_head_draws_each_head_and_the_even_share():
    weights = {name: {"noun": random(3, 4) ** 2, "stop": random(3, 4) ** 2} for name in "ab"}
    figure = inside.weight_by_head(weights, even={"noun": 0.1, "stop": 0.2})
    for ax, (name, places) in zip(figure.axes, weights.items()):
        assert ax.get_title() == name
        drawn = [bar.get_height() for bar in ax.patches]
        np.testing.assert_allclose(drawn, np.concatenate([w.ravel() for w in places.values()]))
        assert [line.get_ydata()[0] for line in ax.lines] == [0.1, 0.2]
    assert labels(ax.xaxis) == [f"{i}.{k}" for i in (1, 2, 3) for k in (1, 2, 3, 4)]  # the lowest's


def test_firing_rates_counts_the_hidden_numbers_of_each_layer():
    rates = np.array([[0.0, 0.02, 1.0], [0.52, 0.52, 0.52]])
    figure = inside.firing_rates(rates)
    counts = [[bar.get_height() for bar in ax.patches] for ax in figure.axes]
    assert [ax.get_title() for ax in figure.axes] == ["layer 1", "layer 2"]
    assert counts[0][0] == 2 and counts[0][-1] == 1 and sum(counts[0]) == 3
    assert counts[1][10] == 3 and sum(counts[1]) == 3
