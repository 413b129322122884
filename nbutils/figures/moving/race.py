"""Chapters 4a's and 6's moving picture: two networks learn at once, side by side, and the better one is told."""

import json
from collections.abc import Mapping
from functools import cache

import traitlets

from nbutils import arguments
from nbutils.words import sentence

from .picture import FOLDER, Picture, readable, whole_number
from .sampler import world_tables
from .train import SETTINGS, count_parameters

DIFFERING = ("layers", "width", "positions", "optimizer", "rate")
"""What the sides of a race may differ in."""
_WELL = {"layers": 2, "width": 48, "positions": "rotary", "optimizer": "muon", "rate": 0.015}
PAIRS = {
    "optimizer": ({"optimizer": "adamw", "rate": 0.015}, {}),
    "shape": ({"layers": 1, "width": 64}, {}),
    "positions": ({}, {"positions": "table"}),
    "blind": ({}, {"positions": "none"}),
    "rate": ({"optimizer": "adamw", "rate": 0.003}, {"optimizer": "adamw", "rate": 0.03}),
    "layers": ({"layers": 1}, {}),
}
PAIRS = {name: [_WELL | side for side in sides] for name, sides in PAIRS.items()}
"""Name -> what the left and the right side are."""
EQUAL = ("time", "data")
"""What is equal for both: the seconds of computing, or the documents."""
MOST_UPDATES = 10_000


@cache
def races_beforehand() -> dict:
    """The races that were run beforehand: ``python -m authoring.races`` writes them."""
    return json.loads((FOLDER / "races.json").read_text("utf-8"))


class Race(Picture):
    """Choose two ways to learn, let them race on the same documents, and see who is ahead, and by what measure.

    Args:
        pair: one of `PAIRS`, which says what both sides are.
        left, right: what differs from that: some of `DIFFERING`, each one of `SETTINGS`.
        equal: what is equal for both, one of `EQUAL`: the time, or the documents.
        seconds: of computing, for each side, one of `SETTINGS`; with equal data, for the slower one.
        steps: so many updates in place of the seconds: such a race ends the same on every machine. 0: by the clock.
    """

    script = "race.js"
    resources = {"world": world_tables}
    kept = ("left", "right", "equal", "seconds")

    left = traitlets.Dict().tag(sync=True)
    right = traitlets.Dict().tag(sync=True)
    equal = traitlets.Unicode().tag(sync=True)
    seconds = traitlets.Any().tag(sync=True)
    steps = traitlets.Any().tag(sync=True)
    pairs = traitlets.Dict().tag(sync=True)
    stored = traitlets.Dict().tag(sync=True)  # as `races_beforehand` gives it

    def __init__(
        self,
        pair: str = "optimizer",
        *,
        left: Mapping | None = None,
        right: Mapping | None = None,
        equal: str = "time",
        seconds: int = 15,
        steps: int = 0,
    ):
        arguments.one_of("pair", pair, PAIRS)
        arguments.one_of("equal", equal, EQUAL)
        seconds = arguments.one_of("seconds", seconds, SETTINGS["seconds"])
        sides = [
            _side(name, known, own)
            for name, own, known in zip(("left", "right"), (left, right), PAIRS[pair])
        ]
        super().__init__(
            left=sides[0],
            right=sides[1],
            equal=equal,
            seconds=seconds,
            steps=whole_number("steps", steps, 0, MOST_UPDATES),
        )

    @classmethod
    def of_kind(cls) -> dict:
        return super().of_kind() | {"pairs": PAIRS, "stored": races_beforehand()}

    @property
    def pair(self) -> str | None:
        """Which of `PAIRS` the sides are; None: the reader's own."""
        return next((name for name, both in PAIRS.items() if both == [self.left, self.right]), None)

    def names(self) -> list[str]:
        """What each side is called: by what it has and the other has not."""
        differ = [knob for knob in DIFFERING if self.left[knob] != self.right[knob]]
        if not differ:
            return list(self._words["sides"])
        return [", ".join(self._told(knob, side[knob]) for knob in differ) for side in self._both]

    @property
    def _both(self) -> tuple[dict, dict]:
        return self.left, self.right

    def _told(self, knob: str, value) -> str:
        if knob == "rate":
            return self.say("rated", rate=readable(value))
        if knob == "width":
            return self.say("wide", width=value)
        return self._words[knob][SETTINGS[knob].index(value)]

    def numbers(self) -> list[int]:
        """Parameters of each side."""
        return [count_parameters(side) for side in self._both]

    def summary(self) -> str:
        names, counts = self.names(), [f"{count:,}" for count in self.numbers()]
        said = [
            self.say("two", left=names[0], right=names[1], n=counts[0], m=counts[1]),
            self.say("updates", steps=f"{self.steps:,}")
            if self.steps
            else self.say(f"by_{self.equal}", seconds=self.seconds),
            self._beforehand(names),
        ]
        return " ".join(said)

    def _beforehand(self, names: list[str]) -> str:
        """How the stored races of these two ended."""
        if self.pair not in self.stored["races"]:
            return self.say("unraced")
        ends = self.stored["races"][self.pair][self.equal]["ends"]
        gap = sum(right - left for left, right in ends) / len(ends)
        ahead, behind = (0, 1) if gap > 0 else (1, 0)
        return self.say(
            "raced",
            count=len(ends),
            seconds=self.stored["seconds"],
            machine=self.stored["machine"],
            date=self.stored["date"],
            name=names[ahead],
            wins=sum(end[ahead] < end[behind] for end in ends),
            gap=readable(abs(gap), 2),
            low=readable(sum(end[ahead] for end in ends) / len(ends), 2),
            high=readable(sum(end[behind] for end in ends) / len(ends), 2),
        )


def _side(name: str, known: Mapping, own: Mapping | None) -> dict:
    """That side's knobs, checked."""
    own = {} if own is None else own
    arguments.of_type(
        name,
        own,
        Mapping,
        sentence("give some of {names}, like dict(width=64)", names=", ".join(DIFFERING)),
    )
    if unknown := [knob for knob in own if knob not in DIFFERING]:
        told = arguments.shown(unknown[0])
        raise ValueError(
            sentence(
                "{name} has {knob}, which is none of {names}",
                name=name,
                knob=told,
                names=", ".join(DIFFERING),
            )
        )
    asked = known | dict(own)
    return {
        knob: arguments.one_of(f"{name}: {knob}", asked[knob], SETTINGS[knob]) for knob in DIFFERING
    }
