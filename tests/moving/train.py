from dataclasses import dataclass

from moving.hands import Moving, Pick, SlideOver, Write, press
from nbutils.figures.moving.train import SETTINGS, TrainGPT


class Choose(SlideOver):
    choices = SETTINGS


@dataclass(frozen=True)
class Unfolded:
    """A move of what is folded away at first: it is unfolded before."""

    move: Choose | Pick

    @property
    def name(self):
        return self.move.name

    def do(self, shown):
        if not shown.place.locator("details[open]").count():
            press(shown, shown.place.locator("summary"))
        self.move.do(shown)


PICTURES = [
    Moving(
        "notebooks/04b_training",
        TrainGPT,
        (
            Choose("Layers", "layers", 3),
            Choose("Width", "width", 128),
            Choose("Rate", "rate", 0.3),
            Choose("Time", "seconds", 6),
            Pick("Optimizer", "adamw", "optimizer", "adamw"),
            Unfolded(Choose("Window", "window", 20)),
            Unfolded(Pick("Positions", "none", "positions", "none")),
            Unfolded(Pick("Text", "own", "data", "own")),
            Unfolded(Pick("Positions", "table", "positions", "table")),
            Unfolded(Pick("Text", "world", "data", "world")),
            Choose("Layers", "layers", 1),
            Choose("Width", "width", 16),
            Pick("Example", "1", "text", SETTINGS["beginnings"][1]),
            Write("Beginning", "text", "the elephant 코끼리 👋"),
        ),
        "e => JSON.parse(e.querySelector('.picture').dataset.numbers)",
        TrainGPT.numbers,
        {
            "{layers: 4}": "layers is 4. The picture has 1, 2, 3",
            "{width: NaN}": "width is NaN",
            "{rate: 0.02}": "rate is 0.02. The picture has 0.0001, ",
            "{optimizer: 'sgd'}": "optimizer is sgd. The picture has muon, adamw",
            "{seconds: 1e9}": "seconds is 1000000000",
            "{positions: null}": "positions is null",
            "{window: '80'}": "window is 80",
            "{workers: 3}": "workers is 3",
            "{data: '한\\ud800'}": "data is 한",
            "{text: 5}": "must be text",
            "{text: 'a'.repeat(401)}": "has 401 characters",
            "{text: 'a\\ud800'}": "half a character",
        },
    ),
]
