"""Chapter 6b's pictures show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from nbutils import kernels
from nbutils.figures import style
from nbutils.figures.chapters import kernel


def mesh(axes) -> np.ndarray:
    """The numbers behind a picture of squares, row by row."""
    (collection,) = axes.collections
    return np.asarray(collection.get_array())


def said(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_programs_draws_a_row_for_each_and_where_the_mask_is_false():
    (axes,) = kernel.programs(100, 32).axes
    assert mesh(axes).sum(1).tolist() == [32, 32, 32, 4]
    assert mesh(axes)[3].tolist() == [1] * 4 + [0] * 28
    assert said(axes) == ["0", "31", "32", "63", "64", "95", "96", "99", "mask is false"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "2", "3"]
    assert axes.yaxis_inverted() and axes.get_xlabel() == "place in the block, 0 to 31"


def test_programs_that_come_out_even_have_no_idle_places():
    (axes,) = kernel.programs(8, 4).axes
    assert mesh(axes).all() and "mask is false" not in said(axes)


@pytest.mark.parametrize("T, tile", [(16, (4, 4)), (10, (4, 4)), (16, (4, 8)), (16, (8, 4))])
def test_tiles_visited_colours_skipped_whole_and_cut_tiles(T, tile):
    steps = [(*first, 0.5, 2.0) for first in kernels.tiles(T, tile)]
    figure = kernel.tiles_visited(T, tile, steps)
    (axes,) = figure.axes
    mask = np.tri(T, dtype=bool)
    for (row, column), kind in np.ndenumerate(mesh(axes)):
        part = mask[row * tile[0] :, column * tile[1] :][: tile[0], : tile[1]]
        assert kind == (2 if part.any() and not part.all() else part.all()), (row, column)
    shown = [to_hex(swatch.get_facecolor()) for swatch in figure.legends[0].get_patches()]
    assert shown == [kernel.IDLE.lower(), *(tint.lower() for tint in style.TINTS[:2])]


def test_tiles_visited_numbers_the_visits_and_names_rows_and_columns():
    steps = [(0, 0, 1.25, 1.0), (4, 0, -0.5, 2.5), (4, 4, 0.75, 3.123)]
    (axes,) = kernel.tiles_visited(6, (4, 4), steps).axes
    assert said(axes) == [
        "1\nmax 1.25\nsum 1.00",
        "2\nmax -0.50\nsum 2.50",
        "3\nmax 0.75\nsum 3.12",
    ]
    places = [tuple(text.get_position()) for text in axes.texts]
    assert places == [(0.5, 0.5), (0.5, 1.5), (1.5, 1.5)]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["0 to 3", "4 to 5"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("keys", "queries") and axes.yaxis_inverted()


def test_read_in_pieces_shows_what_is_kept_after_each():
    row, kept = [0.5, 1.0, 3.0, 2.0, 0.1], [(1.0, 1.6), (3.0, 1.5), (3.0, 1.56)]
    above, below = kernel.read_in_pieces(row, 2, kept).axes
    assert [bar.get_height() for bar in above.patches[:5]] == row
    maxima, totals = above.patches[-1].get_data(), below.patches[-1].get_data()
    assert maxima.values.tolist() == [1.0, 3.0, 3.0] and totals.values.tolist() == [1.6, 1.5, 1.56]
    assert maxima.edges.tolist() == totals.edges.tolist() == [-0.5, 1.5, 3.5, 4.5]
    colors = [to_hex(bar.get_facecolor()) for bar in above.patches[:5]]
    assert colors == [style.TINTS[at].lower() for at in (0, 0, 1, 1, 0)]


def test_time_and_bytes_has_one_colour_for_a_way_and_ends_where_its_numbers_end():
    milliseconds = {"plain": [1.0, 4.0], "in tiles": [0.5, 1.5, 6.0], "yours": [0.7, 2.0, 8.0]}
    moved = {"plain": [4e6, 16e6, 64e6], "in tiles": [1e6, 2e6, 8e6]}
    figure = kernel.time_and_bytes([256, 512, 1024], milliseconds, moved)
    time, size = figure.axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in time.lines}
    assert drawn["plain"] == [[256, 1.0], [512, 4.0]] and drawn["yours"][2] == [1024, 8.0]
    assert [line.get_ydata().tolist() for line in size.lines] == [[4, 16, 64], [1, 2, 8]]
    assert time.lines[1].get_color() == size.lines[1].get_color() != time.lines[0].get_color()
    for axes, label in ((time, "time (ms)"), (size, "moved (MB)")):
        assert axes.get_xscale() == axes.get_yscale() == "log" and axes.get_ylabel() == label
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*milliseconds]
