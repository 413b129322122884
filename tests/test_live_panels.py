"""The panels that climb the ladder and carry out a plan, driven without a browser."""

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib import rcParams
from test_panel import enabled, finish, until

from nbutils import device, ladder, planning
from nbutils.figures import ladder_panel as climbing
from nbutils.figures import plan_panel as planned
from nbutils.figures import svg
from nbutils.figures.ladder_panel import LadderPanel
from nbutils.figures.panel import INVITATION
from nbutils.figures.plan_panel import PlanPanel
from nbutils.model import GPTConfig
from nbutils.words import FOLDER, table

TINY = GPTConfig(vocab_size=70, block_size=8, n_layer=1, n_head=1, n_embd=16)
TEXT = np.tile(np.arange(7), 60)
CPU = device.pick("cpu")


@pytest.fixture
def ladder_panel(monkeypatch):
    """A ladder of a tiny network; the chip's peak is known, and a measurement is short."""
    monkeypatch.setattr(ladder, "shape_for", lambda chip: (TINY, 2))
    monkeypatch.setattr(climbing, "_ROUNDS", 1)
    made = LadderPanel(CPU)
    made.peak, made.seconds.min = 1e10, 0.003
    made.seconds.value = 0.003
    yield made
    made.stop()
    finish(made)


@pytest.fixture
def plan_panel():
    """A plan of the smallest network; the peak is so low that few updates fill the time."""
    made = PlanPanel(TEXT, TEXT, vocab_size=7, block_size=8, chip=CPU)
    made.layers.value, made.width.value, made.batch.value, made.peak = 1, 32, 4, 1e7
    yield made
    made.stop()
    finish(made)


def test_start_measures_every_rung_and_says_which_is_fastest(ladder_panel):
    empty = ladder_panel.picture.value
    ladder_panel.start_button.click()
    finish(ladder_panel)
    speeds = ladder_panel.speeds
    assert list(speeds) == [name for name in ladder.SPEED if name != "compiled blocks"]
    best = max(speeds, key=speeds.get)
    told = (
        rf"Done\. Fastest here: {best}, {speeds[best]:,.0f} tokens/s, "
        rf"{speeds[best] / speeds['plain']:.2f} times the plain step\. \d+% of the chip's"
    )
    assert re.match(told, ladder_panel.words.value)
    assert (
        bytes(ladder_panel.picture.value).startswith(b"<svg")
        and ladder_panel.picture.value != empty
    )
    assert enabled(ladder_panel) == (True, False, [True] * 2)


def test_what_is_used_are_the_network_s_operations_over_the_peak(ladder_panel):
    ladder_panel.speeds = {"plain": 1e4}
    assert ladder_panel.used("plain") == planning.training_flops(TINY) * 1e4 / 1e10


def test_stop_ends_the_climb_and_keeps_what_was_measured(ladder_panel):
    ladder_panel.seconds.max = ladder_panel.seconds.value = 600
    ladder_panel.seconds.value = 0.9
    ladder_panel.start_button.click()
    until(lambda: ladder_panel.speeds)
    assert enabled(ladder_panel) == (False, True, [False] * 2)
    ladder_panel.stop_button.click()
    finish(ladder_panel)
    assert ladder_panel.words.value.startswith("Stopped. Fastest here:")
    assert 0 < len(ladder_panel.speeds) < len(ladder_panel.rungs())
    assert enabled(ladder_panel) == (True, False, [True] * 2)


def test_stop_before_anything_was_measured_says_so(ladder_panel):
    ladder_panel._stop.set()
    with pytest.raises(climbing.StopPressed):
        ladder_panel._run()
    assert ladder_panel._result() == "Nothing was measured."


def test_where_nothing_can_be_compiled_the_ladder_goes_on_without(ladder_panel, monkeypatch):
    make_update = ladder.make_update

    def refusing(config, rung, chip, batch_size):
        if rung.compile:
            raise RuntimeError("no compiler")
        return make_update(config, rung, chip, batch_size)

    monkeypatch.setattr(ladder, "make_update", refusing)
    monkeypatch.setattr(ladder_panel, "_draw", lambda: None)
    monkeypatch.setattr(ladder, "why_not_compiled", lambda error, chip: f"It said: {error}")
    ladder_panel.compile.value = True
    ladder_panel.start()
    finish(ladder_panel)
    assert list(ladder_panel.speeds) == list(ladder.SPEED)
    assert ladder_panel.words.value.endswith("It said: no compiler: measured without compiling.")


@pytest.mark.parametrize(
    "error, told",
    [
        (ValueError("<b> is wrong"), "The run broke off: &lt;b&gt; is wrong"),
        (torch.OutOfMemoryError("CUDA out of memory"), "The chip's memory is too small for this"),
    ],
)
def test_an_error_is_a_sentence_and_both_can_be_used_again(
    ladder_panel, plan_panel, monkeypatch, error, told
):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(ladder, "make_update", broken)
    monkeypatch.setattr(planned, "train", broken)
    for panel in (ladder_panel, plan_panel):
        panel.start()
        finish(panel)
        assert panel.words.value.startswith(told)
        assert enabled(panel)[:2] == (True, False)


def test_each_measurement_is_told_with_the_median_so_far(monkeypatch):
    told, seconds = [], iter([1.0, 4.0, 2.0, 8.0])
    monkeypatch.setattr(ladder, "_seconds_per_update", lambda update, least: next(seconds))
    makers = {name: lambda: (lambda: torch.zeros(()), 8) for name in "ab"}
    ladder.speeds(makers, CPU, rounds=2, tell=lambda *what: told.append(what))
    assert told == [("a", 8.0), ("b", 2.0), ("a", 6.0), ("b", 1.5)]


def test_a_run_is_planned_carried_out_and_compared(plan_panel):
    plan = plan_panel.plan()
    work = 4 * 8 * planning.training_flops(plan.config)
    assert plan.seconds / plan.steps == pytest.approx(work / 1e7 / planning.USUAL_UTILISATION)
    assert plan.memory == planning.peak_memory(
        planning.training_memory(plan.config, 4, dtype=CPU.dtype, device="cpu")
    )
    empty = plan_panel.picture.value
    plan_panel.start_button.click()
    finish(plan_panel)
    measured = plan_panel.measured
    assert plan_panel.planned == plan and measured.steps == plan.steps - 1
    assert 0 < measured.seconds
    assert measured.memory == pytest.approx(plan.memory, rel=0.15)  # of so small a network
    assert plan_panel.used == min(1.0, work * measured.steps / measured.seconds / 1e7)
    assert re.match(
        rf"Done\. {measured.steps} updates: planned [\d.]+ s, measured [\d.]+ s\. Memory: planned \d+ MB, "
        r"measured \d+ MB\. \d+% of the chip's peak arrived, which the next plan takes\.",
        plan_panel.words.value,
    )
    assert bytes(plan_panel.picture.value).startswith(b"<svg") and plan_panel.picture.value != empty


def test_the_next_plan_reckons_with_what_the_last_run_reached(plan_panel):
    plan_panel.used = 0.6
    assert plan_panel.plan().seconds / plan_panel.plan().steps == pytest.approx(
        4 * 8 * planning.training_flops(plan_panel.plan().config) / 1e7 / 0.6
    )


def test_a_stopped_run_is_compared_as_far_as_it_went(plan_panel):
    plan_panel.peak = 1e13  # so many updates are planned that it is never over
    plan_panel.start_button.click()
    clock = "updates: planned"
    until(lambda: "Training." in plan_panel.words.value)
    until(lambda: plan_panel._thread.is_alive())
    plan_panel.wait(0.5)
    plan_panel.stop_button.click()
    finish(plan_panel)
    assert plan_panel.words.value.startswith("Stopped.") and clock in plan_panel.words.value
    assert 0 < plan_panel.measured.steps < plan_panel.planned.steps - 1
    assert plan_panel.measured.memory is None and "does not say" in plan_panel.words.value


def test_a_network_that_the_memory_can_t_hold_is_not_begun(plan_panel, monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda chip: 1e5)
    plan_panel.start()
    finish(plan_panel)
    assert "this needs 0 MB, and 0 MB is free: take fewer layers" in plan_panel.words.value
    assert plan_panel.measured is None


def test_a_chip_that_does_not_say_what_it_held_is_no_error(plan_panel):
    plan_panel.planned = plan = plan_panel.plan()
    plan_panel.measured = planned.Measured(plan.steps, 1.0, None)
    plan_panel._draw()
    assert "this chip does not say what it held" in plan_panel._result()


def test_they_show_controls_to_a_kernel_and_a_picture_to_a_page(ladder_panel, plan_panel):
    for panel in (ladder_panel, plan_panel):
        data = panel._repr_mimebundle_()
        assert data["text/plain"] == INVITATION
        assert data["image/svg+xml"].encode() == panel.picture.value
        view = data["application/vnd.jupyter.widget-view+json"]
        assert view["model_id"] == panel.box.model_id
        assert {*panel.knobs, panel.words, panel.picture} <= {*panel.box.children}


def test_a_korean_panel_needs_no_font_where_it_is_computed(monkeypatch):
    """The reader's own machine draws Hangul; there is room for letters of about one em."""
    monkeypatch.setenv("NBUTILS_LANG", "ko")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib says so of each letter that its font lacks
        panel = PlanPanel(TEXT, TEXT, vocab_size=7, block_size=8, chip=CPU)
    picture = bytes(panel.picture.value).decode()
    left = float(re.search(r'viewBox="(\S+)', picture)[1])
    end = float(
        re.search(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="end"[^>]*>계획<', picture)[1]
    )
    em = rcParams["font.size"]
    assert 1.9 * em < end - left - svg.MARGIN < 2.1 * em


@pytest.mark.parametrize("area", ["common", "training", "ladder", "plan", "train"])
def test_every_word_of_the_panels_is_used(area):
    files = ("panel",) if area in ("common", "training") else (f"{area}_panel", "panel")
    code = "".join((FOLDER.parent / f"figures/{name}.py").read_text("utf-8") for name in files)
    assert [key for key in table(f"panels/{area}", "en") if f'"{key}"' not in code] == []
    path = FOLDER / f"en/panels/{area}.json"
    words = json.loads(path.read_text("utf-8"))
    assert path.read_text("utf-8") == json.dumps(words, indent=1, ensure_ascii=False) + "\n"


def test_a_chip_in_short_format_is_measured_as_it_is(monkeypatch):
    monkeypatch.setattr(ladder, "shape_for", lambda chip: (TINY, 2))
    chip = replace(CPU, dtype=torch.bfloat16)
    assert LadderPanel(chip).rungs()["16-bit products"].mixed_precision
