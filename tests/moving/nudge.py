import numpy as np

from moving.hands import Moving, Press, Slide, TapCurve
from nbutils.figures.moving.nudge import Nudge


def example() -> Nudge:
    share = np.linspace(0.01, 0.9, 41)
    history = np.stack([share, 0.6 * (1 - share), 0.4 * (1 - share)], axis=1)
    return Nudge(history, {" Post": 0, " Case": 1})


def shares(nudge: Nudge) -> list:
    row = nudge.rows[nudge.step]
    return [*row, 1 - sum(row)]


PICTURES = [
    Moving(
        "notebooks/02_io",
        example,
        (
            Press("Update ▶", "step", 1),
            Press("Update ▶", "step", 2),
            Press("◀ Back", "step", 1),
            Slide("Updates", "step", 38),
            TapCurve(0, 20, {"step": 20}),
            Slide("Updates", "step", 0),
        ),
        "e => [...e.querySelectorAll('.bar')].map(x => Number(x.dataset.value))",
        shares,
        {"{step: NaN}": "step is NaN", "{step: 1e6}": "step is 1000000"},
    ),
]
