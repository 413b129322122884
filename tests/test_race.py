"""The picture in which two networks race: the same documents, a verdict that is the numbers', the count of races."""

import json
import re
from itertools import combinations, product

import numpy as np
import pytest
from shown import Shown, alone
from visits import Reader

from authoring import races
from authoring.site import serving
from nbutils.figures.moving.picture import readable
from nbutils.figures.moving.race import (
    DIFFERING,
    EQUAL,
    PAIRS,
    Race,
    races_beforehand,
)
from nbutils.figures.moving.train import SETTINGS, count_parameters

SMALL = {"layers": 1, "width": 16}
STEPS = 12
# What the page has of the race: of each side every point as seconds, tokens, tokens of the stretch, loss, floor.
POINTS = """place => place.querySelector(".picture").races.shown.contest.sides.map(({ points }) =>
  points.map(({ seconds, tokens, own, loss, floor }) => [seconds, tokens, own, loss, floor]))"""
RACED = "place => { const { contest, ...raced } = place.querySelector('.picture').races.shown; return raced; }"
ONE_CORE = "Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 1 });"


@pytest.fixture(scope="module")
def reader(browser, tmp_path_factory):
    """A tab on pages with a race each."""
    folder, small = tmp_path_factory.mktemp("races"), dict(left=SMALL, right=SMALL)
    alone(Race(**small, steps=STEPS), folder, "few")
    alone(Race("rate", left=SMALL, right=SMALL | {"rate": 0.003}, steps=STEPS), folder, "same")
    alone(Race(**small, equal="data", seconds=120), folder, "long")
    wild = SMALL | {"rate": 1}
    alone(Race(left=wild, right=wild, steps=STEPS), folder, "wild")
    with serving(folder) as address:
        made = Reader(browser, address)
        yield made
        made.close()


def met(reader: Reader, page: str) -> Shown:
    """The race of that page, opened anew."""
    reader.turn_to(page)
    return Shown(reader.page, "Race")


def press(shown: Shown, name: str) -> None:
    shown.place.get_by_role("button", name=name, exact=True).click()


def wait(shown: Shown, script: str) -> None:
    """Until that is true of its `races`."""
    shown.page.wait_for_function(
        f"place => (({{ phase, running, shown }}) => {script})(place.querySelector('.picture').races)",
        arg=shown.place.element_handle(),
    )


def raced(shown: Shown, button: str = "Race") -> np.ndarray:
    """Race to the end: of each side tokens and the sums of losses and of floors over them, shape (2, 3)."""
    press(shown, button)
    wait(shown, "!running && shown.contest")
    both = [np.array(points) for points in shown.place.evaluate(POINTS)]
    return np.array([[p[-1, 1], p[:, 2] @ p[:, 3], p[:, 2] @ p[:, 4]] for p in both])


def above(points: list, by: int) -> float:
    """Nats above the floor in the last tenth of the way."""
    p = np.array(points)
    late = p[:, by] > 0.9 * p[-1, by]
    return float((p[late, 2] @ (p[late, 3] - p[late, 4])) / p[late, 2].sum())


def test_both_read_the_same_and_the_verdict_is_that_of_the_numbers(reader):
    shown = met(reader, "few")
    (n, loss, floor), (m, other_loss, other_floor) = raced(shown)
    assert n == m and floor == pytest.approx(other_floor, rel=1e-9) and loss != other_loss
    points = shown.place.evaluate(POINTS)
    ends = [above(side, 0) for side in points]
    won = int(ends[1] < ends[0])
    names = [said.text_content() for said in shown.place.locator(".who").all()]
    told = shown.place.locator(".status").text_content()
    low, high, gap = (readable(x, 2) for x in (ends[won], ends[1 - won], abs(ends[0] - ends[1])))
    assert told == (
        f"{names[won]} wins by {gap} nats: it ended {low} nats above the floor, the other {high}."
    )
    shown_figures = [float(b.text_content()) for b in shown.place.locator(".runner b").all()]
    assert shown_figures == pytest.approx(ends, abs=6e-4)
    assert "One race proves little" in shown.place.locator(".result").text_content()


def test_races_with_other_seeds_are_counted(reader):
    shown = met(reader, "few")
    first, second = raced(shown), raced(shown, "Race again, with another seed")
    assert first[0, 2] != second[0, 2]  # other documents
    gaps = shown.place.evaluate(RACED)["gaps"]
    assert len(gaps) == 2
    sign = 1 if sum(gaps) > 0 else -1
    wins, mean = sum(sign * gap > 0 for gap in gaps), readable(abs(sum(gaps)) / 2, 2)
    told = shown.place.locator(".result").text_content()
    assert f"was ahead in {wins} of 2 races, by {mean} nats on average" in told


def test_two_that_learn_nothing_have_no_winner(reader):
    shown = met(reader, "wild")
    raced(shown)
    (left, right), status = shown.place.evaluate(POINTS), shown.place.locator(".status")
    low, high = sorted([above(left, 0), above(right, 0)])
    floor = sum(own * floor for _, _, own, _, floor in left) / left[-1][1]
    blind = np.log(SETTINGS["vocabulary"]) - floor
    assert low > blind
    told = status.text_content()
    assert told.startswith("Neither has learned") and f"costs {readable(blind, 2)}." in told
    assert f"ended {readable(low, 2)} nats" in told and f"the other {readable(high, 2)}." in told


def test_two_of_one_kind_learn_the_same(reader):
    left, right = raced(met(reader, "same"))
    assert left[0] == right[0] and np.allclose(left, right, rtol=1e-9)


def test_on_one_core_they_take_turns_and_learn_the_same(browser, reader):
    together = raced(met(reader, "few"))
    single = Reader(browser, reader.address)
    single.context.add_init_script(ONE_CORE)
    shown = met(single, "few")
    press(shown, "Race")
    wait(shown, "phase === 'running'")
    told = shown.place.locator(".status").text_content()
    wait(shown, "!running")
    points = shown.place.evaluate(POINTS)
    sums = [[p[-1][1], sum(x[2] * x[3] for x in p), sum(x[2] * x[4] for x in p)] for p in points]
    assert "take turns" in told
    assert np.allclose(sums, together, rtol=1e-9)
    assert single.errors == []
    single.close()


def test_stop_ends_both_at_once_and_the_race_does_not_count(reader):
    shown = met(reader, "long")
    press(shown, "Race")
    wait(shown, "phase === 'running' && shown.contest.sides.every(({ points }) => points.length)")
    updates = shown.place.evaluate(RACED)["updates"]
    settings = shown.place.evaluate(
        "place => place.querySelector('.picture').races.shown.contest.sides.map(({ settings }) => settings)"
    )
    assert updates > 1 and [one["steps"] for one in settings] == [updates] * 2  # equal documents
    assert settings[0]["seed"] == settings[1]["seed"]
    shown.set("{equal: 'time'}")
    assert "Your change holds for the next." in shown.place.locator(".status").text_content()
    shown.set("{equal: 'data'}")
    press(shown, "Stop")
    wait(shown, "!running && shown.contest.state === 'stopped'")
    assert "It does not count." in shown.place.locator(".result").text_content()
    assert shown.place.evaluate(RACED)["gaps"] == []
    assert shown.place.get_by_role("button", name="Race", exact=True).is_visible()
    assert reader.errors == []


def test_a_world_that_does_not_come_is_told(browser, reader):
    cut_off = Reader(browser, reader.address)
    cut_off.page.route(re.compile(r"\.bin$"), lambda route: route.abort())
    shown = met(cut_off, "few")
    press(shown, "Race")
    cut_off.page.get_by_text("The race ended: ").wait_for()
    assert shown.place.get_by_role("button", name="Race", exact=True).is_visible()
    cut_off.close()


# Beforehand


def test_width_and_depth_have_as_equal_parameters_as_can_be_chosen():
    shapes = [
        (layers, width, count_parameters(dict(layers=layers, width=width, positions="rotary")))
        for layers, width in product(SETTINGS["layers"], SETTINGS["width"])
    ]
    unlike = [
        (abs(np.log(a[2] / b[2])), {a[:2], b[:2]})
        for a, b in combinations(shapes, 2)
        if a[0] != b[0]
    ]
    pair = {(side["layers"], side["width"]) for side in PAIRS["shape"]}
    assert min(unlike, key=lambda one: one[0])[1] == pair


def test_what_was_raced_beforehand_is_whole():
    stored = races_beforehand()["races"]
    assert list(stored) == list(PAIRS)
    for name, equal in product(stored, EQUAL):
        found = stored[name][equal]
        assert np.isfinite(found["ends"]).all() and np.shape(found["ends"])[1] == 2
        for curve in found["curves"]:
            seconds, tokens, nats = np.array(curve).T
            assert (np.diff(seconds) > 0).all() and (np.diff(tokens) > 0).all()
            assert 20 <= len(curve) <= 40 and nats[-1] < 1 < nats[0]
        if equal == "data":
            assert found["curves"][0][-1][1] == found["curves"][1][-1][1]


@pytest.mark.part("pages")
def test_what_is_stored_is_what_the_command_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(races, "RACES", tmp_path / "races.json")
    monkeypatch.setattr(races, "SECONDS", 0.3)
    races.main(["layers", "--seeds", "1"])
    made = json.loads((tmp_path / "races.json").read_text("utf-8"))
    assert made.keys() == races_beforehand().keys() and made["seconds"] == 0.3
    assert made["races"]["layers"].keys() == races_beforehand()["races"]["layers"].keys()
    found = made["races"]["layers"]["data"]
    assert np.shape(found["ends"]) == (1, 2) and found["curves"][0][0][2] > 3


def test_it_says_what_differs_and_how_it_ended_beforehand():
    race = Race("rate")
    said = race.summary()
    assert race.names() == ["rate 0.003", "rate 0.03"]
    ends = np.array(races_beforehand()["races"]["rate"]["time"]["ends"])
    gap = ends[:, 0] - ends[:, 1]
    ahead = race.names()[int(gap.mean() > 0)]
    assert f"{ahead} was ahead in {max((gap > 0).sum(), (gap < 0).sum())}, by " in said
    assert readable(abs(gap.mean()), 2) in said
    own = Race(left={"layers": 3}, right={"positions": "none"})
    assert own.pair is None and "No race of these two is stored" in own.summary()
    assert Race(left=dict(zip(DIFFERING, PAIRS["blind"][0].values()))).names() == ["Left", "Right"]


@pytest.mark.parametrize(
    "arguments, told",
    [
        ({"pair": "sumo"}, "pair='sumo' is none of optimizer, shape"),
        ({"equal": "weight"}, "equal='weight' is none of time, data"),
        ({"seconds": 7}, "seconds=7 is none of 6, 15"),
        ({"seconds": True}, "seconds=True is none of 6"),
        ({"left": {"layers": 4}}, "left: layers=4 is none of 1, 2, 3"),
        ({"right": {"depth": 4}}, "right has 'depth', which is none of layers, width"),
        ({"steps": -1}, "steps=-1 must be from 0 to"),
        ({"steps": np.array([1, 2])}, "steps=array([1, 2]) must be a whole number from 0"),
        ({"left": "layers"}, "left='layers' is of type str: give some of layers, width"),
        ({"left": 0}, "left=0 is of type int"),
        ({"right": {"x": 1, 3: 3}}, "right has 'x', which is none of layers"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, told):
    with pytest.raises((TypeError, ValueError), match=re.escape(told)):
        Race(**arguments)


def test_numbers_may_be_numpys():
    race = Race(left={"rate": np.float64(0.03), "width": np.int64(16), "layers": 1.0}, seconds=6.0)
    assert json.loads(json.dumps(race.state()))["left"] == race.left
    assert [race.left[knob] for knob in ("rate", "width", "layers")] == [0.03, 16, 1]
    assert type(race.seconds) is int
