from dataclasses import dataclass

from moving.hands import Moving, Pick, press, slide
from nbutils.figures.moving.race import DIFFERING, PAIRS, Race
from nbutils.figures.moving.train import SETTINGS


@dataclass(frozen=True)
class PickPair:
    """One of the pairs: both sides are what it says."""

    pair: str

    def do(self, shown):
        before = shown.state()
        at = list(PAIRS).index(self.pair)
        Pick("Race", str(at), "seconds", before["seconds"]).do(shown)
        assert [shown.state()["left"], shown.state()["right"]] == PAIRS[self.pair]


@dataclass(frozen=True)
class Change:
    """A knob of one side; who presses "Change either side" sees them."""

    side: str
    knob: str
    value: object

    def do(self, shown):
        if not shown.place.locator("details").get_attribute("open") == "":
            press(shown, shown.place.get_by_text("Change either side"))
        label = ("Layers", "Width", "Positions", "Optimizer", "Rate")[DIFFERING.index(self.knob)]
        place = SETTINGS[self.knob].index(self.value)
        knob = shown.place.get_by_label(f"{label}, {self.side.capitalize()}", exact=True)
        if shown.hand == "keyboard":
            knob.focus()
            shown.page.keyboard.press("Home")
            for _ in range(place):
                shown.page.keyboard.press("ArrowDown")
        else:
            knob.select_option(index=place)
        assert shown.state()[self.side][self.knob] == self.value


@dataclass(frozen=True)
class Seconds:
    value: int

    def do(self, shown):
        values = SETTINGS["seconds"]
        at = values.index(self.value)
        slide(shown, shown.place.get_by_role("slider"), at, at / (len(values) - 1))
        assert shown.state()["seconds"] == self.value


def wrong(side: str, knob: str, value: str) -> str:
    """A state in JavaScript: that side, with a value that no list has."""
    knobs = "layers: 1, width: 48, positions: 'table', optimizer: 'muon', rate: 0.1"
    return f"{{{side}: {{{knobs}, {knob}: {value}}}}}"


NUMBERS = "e => [...e.querySelectorAll('[data-value]')].map(x => Number(x.dataset.value))"
PICTURES = [
    Moving(
        "notebooks/04a_descent",
        lambda: Race("rate"),
        (
            Seconds(6),
            PickPair("shape"),
            Pick("Equal", "data", "equal", "data"),
            Change("right", "positions", "table"),
            Change("right", "rate", 0.1),
            PickPair("layers"),
            Change("left", "layers", 2),  # two of one kind
        ),
        NUMBERS,
        Race.numbers,
        {
            "{seconds: 7}": "seconds is 7. The list has 6, 15",
            "{seconds: NaN}": "seconds is NaN",
            "{equal: 'weight'}": "equal is weight. The list has time, data",
            "{steps: -1}": "steps is -1",
            "{steps: 1.5}": "steps is 1.5",
            "{left: null}": "left must have these and no others: layers, width",
            "{right: {layers: 1}}": "right must have these and no others",
            wrong("left", "layers", "4"): "Layers, Left is 4. The list has 1, 2, 3",
            wrong("right", "optimizer", "'sgd'"): "Optimizer, Right is sgd",
            wrong("right", "rate", "'a\\ud800'"): "Rate, Right is a",
        },
    ),
    Moving(
        "notebooks/06_faster",
        Race,
        (PickPair("blind"), Change("left", "optimizer", "adamw")),
        NUMBERS,
        Race.numbers,
        {"{equal: 5}": "equal is 5"},
    ),
]
