"""Chapter 1's pictures: what they say about the data that they were given."""

import re

import numpy as np

from nbutils.figures import style
from nbutils.figures.chapters import tokens as figures


def texts(html):
    return re.findall(r">([^<>]+)<", html.data)


def test_a_strip_shows_each_piece_above_its_id():
    html = figures.strips({"two words": [(15339, b"hello"), (1917, b" world")]})
    assert texts(html) == ["two words", "hello", "15339", "·world", "1917"]


def test_a_strip_shows_white_space_and_half_characters():
    html = figures.strips({"": [(1, b"\n"), (2, b"\t"), (31495, b"\xec\x95"), (4, "안".encode())]})
    assert texts(html) == ["↵", "1", "⇥", "2", "EC 95", "31495", "안", "4"]


def test_a_strip_shows_markup_as_text():
    html = figures.strips({"<i>": [(0, b"<b>&")]})
    assert "<b>" not in html.data and "<i>" not in html.data
    assert "&lt;b&gt;&amp;" in html.data


def test_neighbours_have_different_colours():
    html = figures.strips({"": [(i, b"x") for i in range(9)]})
    colours = re.findall(r"background:(#\w+)", html.data)
    assert len(colours) == 9
    assert all(a != b for a, b in zip(colours, colours[1:]))


def test_pieces_are_readable_on_their_tints():
    """Contrast of the two text colours with every tint is at least 4.5, as WCAG asks."""
    for tint in style.TINTS:
        for ink in ("#111111", "#333333"):
            light, dark = sorted((luminance(tint), luminance(ink)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) > 4.5


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_size_against_length_names_every_point():
    ax = figures.size_against_length({"bits": (2, 8000), "bytes": (256, 1000)}).axes[0]
    assert [label.get_text() for label in ax.texts] == ["bits", "bytes"]
    assert [tuple(line.get_xydata()[0]) for line in ax.lines] == [(2, 8000), (256, 1000)]
    assert ax.get_xlabel() and ax.get_ylabel()


def test_vocabulary_growth_draws_each_text():
    curves = {"a": ([0, 10], [0, 5]), "b": ([0, 20], [0, 3])}
    ax = figures.vocabulary_growth(curves).axes[0]
    assert [line.get_ydata()[-1] for line in ax.lines] == [5, 3]
    assert len({line.get_linestyle() for line in ax.lines}) == 2  # told apart without colour
    assert [label.get_text() for label in ax.texts] == ["a", "b"]


def test_bytes_a_token_starts_at_nought_and_names_both():
    ax = figures.bytes_a_token([257, 512], [1.0, 2.1], 4.4, "other").axes[0]
    assert ax.get_ylim()[0] == 0
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["our BPE", "other"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["257", "512"]


def test_tokens_a_character_labels_its_bars():
    ax = figures.tokens_a_character({"x": 0.25, "y": 1.0}, {"x": 1.5, "y": 3.0}).axes[0]
    assert [label.get_text() for label in ax.texts] == ["0.25", "1.00", "1.50", "3.00"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["x", "y"]


def test_picture_and_tone_draw_what_they_are_given():
    picture, restored = np.zeros((4, 6)), np.ones((4, 6))
    ids = np.array([[7, 8], [9, 10]])
    curves = {"as it was": [0, 1, 2], "even": [0, 0, 2], "mu": [0, 1, 1]}
    fig = figures.picture_and_tone(picture, ids, restored, [0, 1, 2], curves)
    cut, back, sound = fig.axes
    np.testing.assert_array_equal(cut.images[0].get_array(), picture)
    np.testing.assert_array_equal(back.images[0].get_array(), restored)
    assert [line.get_xdata()[0] for line in cut.lines if line.get_xdata()[0] not in (0, 1)] == [2.5]
    assert [line.get_ydata()[0] for line in cut.lines if line.get_ydata()[0] not in (0, 1)] == [1.5]
    placed = {text.get_text(): text.get_position() for text in back.texts}
    assert placed == {"7": (1, 0.5), "8": (4, 0.5), "9": (1, 2.5), "10": (4, 2.5)}
    assert not cut.texts
    assert [list(line.get_ydata()) for line in sound.lines] == list(curves.values())
    assert [line.get_drawstyle() for line in sound.lines] == ["default", "steps-mid", "steps-mid"]
    assert [line.get_label() for line in sound.lines] == list(curves)
