"""Chapter 7's pictures show the numbers that they are given."""

import numpy as np
import pytest

from nbutils.figures.chapters import bigger as figures


def drawn(axes) -> dict:
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def test_attention_share_has_a_line_for_each_network_and_names_the_lengths():
    (axes,) = figures.attention_share([512, 1024], {"a": [0.1, 0.2], "b": [0.3, 0.6]}).axes
    lines = drawn(axes)
    assert lines["a"] == [0.1, 0.2] and lines["b"] == [0.3, 0.6]
    assert list(axes.lines[0].get_xdata()) == [512, 1024]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["512", "1,024"]


def test_memory_bars_stack_the_parts_in_gigabytes():
    bars = {"one": {"weights": 1e9, "logits": 2e9}, "two": {"weights": 3e9, "logits": 0.5e9}}
    (axes,) = figures.memory_bars(bars, {"T4": 16e9}).axes
    weights, logits = axes.containers
    assert [(bar.get_x(), bar.get_width()) for bar in weights] == [(0, 1), (0, 3)]
    assert [(bar.get_x(), bar.get_width()) for bar in logits] == [(1, 2), (3, 0.5)]
    assert weights.get_label() == "weights" and logits.get_label() == "logits"
    assert list(axes.lines[0].get_xdata()) == [16, 16] and axes.texts[0].get_text() == " T4"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]


def test_same_cost_marks_the_best_size_on_its_curve():
    sizes, losses = [1e6, 1e7, 1e8], {"1e18": [3.0, 2.0, 4.0]}
    (axes,) = figures.same_cost(sizes, losses, {"1e18": 1e7}).axes
    curve, mark = axes.lines
    assert list(curve.get_xdata()) == sizes and list(curve.get_ydata()) == [3, 2, 4]
    assert list(mark.get_xdata()) == [1e7] and mark.get_ydata()[0] == pytest.approx(2)


def test_law_draws_runs_by_tokens_lines_and_the_unseen_run():
    def predict(sizes, tokens):
        return tokens / sizes

    figure = figures.law([10, 20, 10], [100, 100, 300], [9, 5, 31], predict, unseen=(40, 800, 21))
    (axes,) = figure.axes
    lines = drawn(axes)
    assert lines["100"] == [9, 5] and lines["300"] == [31]
    assert lines["800 (unseen)"] == [21]
    first, dashed = axes.lines[0], axes.lines[4]
    assert first.get_ydata()[0] == pytest.approx(10) and first.get_xdata()[-1] == pytest.approx(40)
    assert dashed.get_linestyle() == "--" and dashed.get_ydata()[-1] == pytest.approx(20)
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "20", "40"]


def test_law_needs_no_unseen_run():
    (axes,) = figures.law([10, 20], [5, 5], [2, 1], lambda sizes, tokens: 20 / sizes).axes
    assert list(drawn(axes)["5"]) == [2, 1] and len(axes.lines) == 2


def test_who_holds_what_has_a_picture_for_each_way_process_and_matrix():
    whole, top = np.ones((2, 2), bool), np.array([[True, True], [False, False]])
    held = {"DDP": [[whole, whole]] * 2, "FSDP": [[top, top], [~top, ~top]]}
    figure = figures.who_holds_what(held, ["expand", "contract"])
    pictures = [axes.collections[0].get_array().reshape(2, 2) for axes in figure.axes]
    assert len(pictures) == 8
    assert (np.flipud(pictures[4]) == top).all() and (np.flipud(pictures[6]) == ~top).all()
    assert figure.axes[1].get_title() == "process 0\ncontract"
    assert figure.axes[4].get_ylabel() == "FSDP"
