"""The panel trains, stops, shows errors and shows itself, all driven without a browser."""

import math
import time

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot as plt

from nbutils.figures import panel as module
from nbutils.figures.panel import INVITATION, TrainingPanel
from nbutils.training import History, TrainConfig, TrainingDivergedError

V, T = 7, 8
TEXT = np.tile(np.arange(V), 60)


@pytest.fixture
def panel():
    made = TrainingPanel(TEXT, TEXT, vocab_size=V, block_size=T, start_token=0, floor=0.0)
    made.width.value, made.layers.value, made.steps.value = 32, 1, 100
    yield made
    made.stop()
    made.wait(300)
    assert not made.running


@pytest.fixture
def short(panel, monkeypatch):
    """A panel whose run is over, and drawn, after a few updates."""
    monkeypatch.setattr(module, "_EVALUATIONS", 2)
    shorten(panel)
    return panel


def shorten(panel):
    panel.steps.min = panel.steps.value = 20


def finish(panel):
    panel.wait(300)
    assert not panel.running


def enabled(panel) -> tuple[bool, bool, list[bool]]:
    knobs = [not knob.disabled for knob in panel.knobs]
    return not panel.start_button.disabled, not panel.stop_button.disabled, knobs


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_start_trains_a_model_of_the_chosen_shape_and_draws_it(panel):
    empty = panel.picture.value
    panel.start_button.click()
    finish(panel)
    assert (panel.model.config.n_layer, panel.model.config.n_embd) == (1, 32)
    assert panel.history.steps == list(range(0, 101, 5))
    assert panel.history.val_losses[-1] < panel.history.val_losses[0] / 2
    assert panel.words.value.startswith("Done. After 100 updates: validation loss ")
    assert panel.words.value.endswith(" above the floor.")
    assert bytes(panel.picture.value).startswith(b"<svg") and panel.picture.value != empty
    assert enabled(panel) == (True, False, [True] * 4)


def test_the_knobs_decide_the_run(panel):
    panel.layers.value, panel.width.value = 3, 64
    panel.learning_rate.value, panel.steps.value = 1e-2, 200
    shape, config = panel.config()
    assert (shape.vocab_size, shape.block_size) == (V, T)
    assert (shape.n_layer, shape.n_embd, shape.n_head) == (3, 64, 2)
    assert config == TrainConfig(
        steps=200,
        learning_rate=1e-2,
        warmup_steps=20,
        eval_every=10,
        start_token=0,
        progress=False,
    )


def test_a_run_is_the_same_as_one_without_the_panel(short):
    short.start()
    finish(short)
    shape, config = short.config()
    module.torch.manual_seed(0)
    history = module.train(module.GPT(shape), TEXT, TEXT, config)
    assert short.history.val_losses == history.val_losses
    assert short.history.train_losses == history.train_losses


def test_while_it_runs_the_curve_grows_and_only_stop_can_be_pressed(panel):
    panel.steps.value = 3000
    panel.start_button.click()
    until(lambda: len(panel.history.val_losses) > 1)
    assert enabled(panel) == (False, True, [False] * 4)
    before = panel.picture.value
    count = len(panel.history.val_losses)
    until(lambda: len(panel.history.val_losses) > count and panel.picture.value != before)
    thread = panel._thread
    panel.start()  # a second press is not a second run
    assert panel._thread is thread


def test_stop_ends_the_run_soon_and_keeps_what_was_learned(panel):
    panel.steps.value = 3000
    panel.start_button.click()
    until(lambda: len(panel.history.val_losses) > 1)
    panel.stop_button.click()
    finish(panel)
    assert panel.words.value.startswith("Stopped. After ")
    assert 0 < panel.history.steps[-1] < 3000
    assert math.isnan(panel.history.train_losses[0])  # there was no update before it
    assert not panel.model._forward_hooks and not panel.model.training
    assert enabled(panel) == (True, False, [True] * 4)


def test_a_stopped_panel_starts_again_and_keeps_the_earlier_curve(short):
    short.start()
    finish(short)
    first = short.history
    short.start()
    short.stop()
    finish(short)
    short.history = History()  # nothing was learned
    short.layers.value = 2
    short.start()
    finish(short)
    assert short.earlier == [first]
    assert short.model.config.n_layer == 2
    assert short.words.value.startswith("Done. ")  # the stop was for the run before


def test_an_error_is_a_sentence_and_leaves_the_panel_usable(short):
    short.tokens = (TEXT[:3], TEXT)
    short.start_button.click()
    finish(short)
    assert short.words.value.startswith("The run broke off: the training text (train_tokens): ")
    assert enabled(short) == (True, False, [True] * 4)
    short.tokens = (TEXT, TEXT)
    short.start_button.click()
    finish(short)
    assert short.words.value.startswith("Done.")


def test_a_loss_that_is_no_number_is_a_sentence(panel, monkeypatch):
    def broken(*args, **kwargs):
        raise TrainingDivergedError("the loss is nan at step 3; try learning_rate=0.1")

    monkeypatch.setattr(module, "train", broken)
    panel.start()
    finish(panel)
    assert panel.words.value == (
        "The run broke off: the loss is nan at step 3; try learning_rate=0.1"
    )


def test_words_may_take_several_lines_and_an_error_is_no_markup(panel, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("steps='<b>' must be a whole number")

    monkeypatch.setattr(module, "train", broken)
    panel.start()
    finish(panel)
    assert isinstance(panel.words, ipywidgets.HTML)  # a Label would cut a long sentence off
    assert panel.words.value == "The run broke off: steps='&lt;b&gt;' must be a whole number"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_picture_that_fails_leaves_the_panel_usable(panel, monkeypatch):
    def broken(*args):
        raise RuntimeError("no font")

    monkeypatch.setattr(module, "train", lambda *args, **kwargs: module.History())
    monkeypatch.setattr(module, "draw_losses", broken)
    panel.start()
    finish(panel)
    assert enabled(panel) == (True, False, [True] * 4)


def test_without_a_floor_none_is_told(short):
    panel = TrainingPanel(TEXT, TEXT, vocab_size=V, block_size=T)
    panel.width.value = 32
    shorten(panel)
    panel.start()
    finish(panel)
    assert "floor" not in panel.words.value


def test_it_shows_controls_to_a_kernel_and_a_picture_to_a_page(panel):
    data = panel._repr_mimebundle_()
    assert data["text/plain"] == INVITATION
    assert data["image/svg+xml"].encode() == panel.picture.value
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.box.model_id


def test_everything_is_in_the_box(panel):
    def inside(widget):
        for child in getattr(widget, "children", ()):
            yield from inside(child)
        yield widget

    shown = list(inside(panel.box))
    for part in (*panel.knobs, panel.start_button, panel.stop_button, panel.words, panel.picture):
        assert part in shown
    assert all(isinstance(part, ipywidgets.Widget) for part in shown)


def test_it_leaves_pyplot_alone(short):
    before = plt.get_fignums()
    short.start()
    finish(short)
    assert plt.get_fignums() == before
