"""The panel that trains in PyTorch what the picture trains in the page, and the page's first losses beside it."""

import json
import re

import numpy as np
import pytest
from shown import Shown, alone
from test_panel import enabled, finish, until
from visits import PATIENCE

from authoring.site import serving
from nbutils.figures.moving.train import TrainGPT
from nbutils.figures.panel import INVITATION
from nbutils.figures.train_panel import FIRST, TrainPanel
from nbutils.page_training import PageSettings, first_losses

SMALL = dict(layers=1, width=16, rate=0.03, optimizer="adamw", positions="table", window=40)
UPDATES = 30


@pytest.fixture
def panel():
    """A run of the smallest network, of few updates."""
    made = TrainPanel()
    for name, value in SMALL.items():
        made.chosen[name].value = value
    shorten(made)
    yield made
    made.stop()
    finish(made)


def shorten(panel):
    panel.updates.min = panel.updates.value = UPDATES


def test_start_trains_what_the_page_would_and_tells_it(panel):
    empty = panel.picture.value
    panel.start_button.click()
    finish(panel)
    settings = PageSettings(**SMALL, steps=UPDATES)
    assert panel.settings() == panel.run.settings == settings
    losses = [update.loss for update in panel.seen]
    assert losses == first_losses(settings, UPDATES)
    newest, tokens = panel.seen[-25:], sum(update.tokens for update in panel.seen[-25:])
    loss = sum(update.loss * update.tokens for update in newest) / tokens
    above = loss - sum(update.floor * update.tokens for update in newest) / tokens
    first = ", ".join(f"{loss:.4f}" for loss in losses[:3])
    assert re.fullmatch(
        "Done. Layers: 1, width: 16, AdamW, rate: 0.03, positions: a table, window: 40, seed: 0. "
        f"After 30 updates: loss {loss:.3f}, {above:.3f} above the floor, as a mean of the last 25. "
        rf"[\d,]+ tokens/s. First losses: {first}\.",
        panel.words.value,
    )
    assert bytes(panel.picture.value).startswith(b"<svg") and panel.picture.value != empty
    assert enabled(panel) == (True, False, [True] * 8)
    assert panel.beside.value == ""  # there is no page


def test_another_seed_is_another_run_and_the_earlier_curve_stays(panel):
    panel.start()
    finish(panel)
    first = panel.seen
    panel.seed.value = 5
    panel.start()
    finish(panel)
    assert panel.earlier == [first] and panel.run.settings.seed == 5
    assert panel.seen[0].loss != first[0].loss


def test_stop_ends_the_run_and_keeps_what_was_learned(panel):
    panel.updates.value = 2000
    panel.start_button.click()
    until(lambda: panel.seen)
    assert enabled(panel)[:2] == (False, True)
    panel.stop_button.click()
    finish(panel)
    assert panel.words.value.startswith("Stopped. Layers: 1") and len(panel.seen) < 2000
    panel.seen = []
    assert panel._result() == "Nothing was learned yet."


def test_beside_a_picture_its_settings_hold_and_its_losses_are_compared():
    picture = TrainGPT(**SMALL, seconds=6)
    panel = TrainPanel(picture)
    shorten(panel)
    assert len(panel.knobs) == 2
    asked = []
    picture.observe(lambda change: asked.append(change["new"]), "beside")
    for _ in range(2):  # the same run again is asked for again
        panel.start()
        finish(panel)
    settings = PageSettings(**SMALL, steps=UPDATES)
    assert panel.run.settings == settings
    assert [one.pop("asked") for one in asked] == [1, 2]
    assert asked == [json.loads(json.dumps(vars(settings))) | {"updates": FIRST}] * 2
    assert panel.beside.value == ""
    own = [update.loss for update in panel.seen]
    picture.first = [own[0], own[1] + 2e-6, *own[2:FIRST]]
    rows = re.findall(r"<td>(\d+)</td><td>([\d.]+)</td><td>([\d.]+)</td>", panel.beside.value)
    assert len(rows) == FIRST and rows[1] == ("2", f"{own[1] + 2e-6:.6f}", f"{own[1]:.6f}")
    assert "The first 20 losses differ by 2e-06 at most" in panel.beside.value


def test_a_picture_with_an_own_text_is_told_so():
    panel = TrainPanel(TrainGPT(data="own"))
    panel.start()
    finish(panel)
    assert panel.words.value.startswith(
        "The run broke off: the picture is set to a text of your own"
    )
    assert enabled(panel) == (True, False, [True] * 2)


def test_the_page_s_first_losses_are_pytorch_s(browser, tmp_path):
    """As a notebook asks for them; the page's engine in Chromium, in its fastest way."""
    settings = PageSettings(**SMALL | dict(optimizer="muon", positions="rotary"), steps=200, seed=4)
    alone(TrainGPT(), tmp_path)
    with serving(tmp_path) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        shown = Shown(page, "TrainGPT")
        asked = vars(settings) | {"updates": FIRST, "asked": 1}
        shown.place.evaluate("(place, asked) => place.model.set('beside', asked)", asked)
        page.wait_for_function("p => p.model.get('first').length", arg=shown.place.element_handle())
        losses = shown.state()["first"]
        page.close()
    np.testing.assert_allclose(losses, first_losses(settings, FIRST), atol=1e-4, rtol=0)


def test_it_shows_controls_to_a_kernel_and_a_picture_to_a_page(panel):
    data = panel._repr_mimebundle_()
    assert data["text/plain"] == INVITATION
    assert data["image/svg+xml"].encode() == panel.picture.value
    assert {*panel.knobs, panel.words, panel.picture, panel.beside} <= {*panel.box.children}
