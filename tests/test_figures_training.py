"""Chapter 4b's pictures show the numbers that they are given."""

from nbutils.figures.chapters import training as figures
from nbutils.training import History

RUN = History(steps=[0, 50, 100], train_losses=[7.0, 3.0, 2.0], val_losses=[7.1, 3.2, 2.5])


def drawn(axes) -> dict:
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def test_loss_curve_draws_both_losses_and_the_floor():
    (axes,) = figures.loss_curve(RUN, floor=1.25).axes
    assert drawn(axes) == {
        "training": [7.0, 3.0, 2.0],
        "validation": [7.1, 3.2, 2.5],
        "floor: 1.250": [1.25, 1.25],
    }
    assert list(axes.lines[0].get_xdata()) == [0, 50, 100]
    assert axes.get_ylabel() == "loss (nats per token)"


def test_loss_curve_without_a_floor_draws_none():
    (axes,) = figures.loss_curve(RUN).axes
    assert list(drawn(axes)) == ["training", "validation"]


def test_runs_compared_gives_each_run_its_own_axes_on_one_scale():
    other = History(steps=[0, 9], train_losses=[9.0, 0.5], val_losses=[9.0, 8.0])
    figure = figures.runs_compared({"one": RUN, "other": other}, floor=1.0)
    assert [axes.get_title() for axes in figure.axes] == ["one", "other"]
    assert [drawn(axes)["validation"] for axes in figure.axes] == [[7.1, 3.2, 2.5], [9.0, 8.0]]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert len(figure.legends) == 1


def test_gap_by_kind_has_a_line_for_each_kind_on_two_logarithmic_axes():
    figure = figures.gap_by_kind([0, 50, 200], {"grammar": [6, 1, 0.1], "sums": [7, 5, 0.2]})
    (axes,) = figure.axes
    assert drawn(axes) == {"grammar": [6, 1, 0.1], "sums": [7, 5, 0.2]}
    assert list(axes.lines[0].get_xdata()) == [0, 50, 200]
    assert axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "50", "200"]


def test_gap_by_kind_leaves_out_labels_that_would_overlap():
    steps = [0, 50, 60, 100, 120, 1000]
    (axes,) = figures.gap_by_kind(steps, {"form": [6, 5, 4, 3, 2, 1]}).axes
    assert list(axes.get_xticks()) == [0, 50, 100, 1000]
    assert list(axes.lines[0].get_xdata()) == steps
