import numpy as np

from moving.hands import Moving, Press, Slide, TapCurve
from nbutils import smallworld
from nbutils.figures.moving.rates import Rates

RATES = (0.0001, 0.001, 0.003, 0.03, 1.0)


def example() -> Rates:
    """Runs made up: from an even guess toward the truth, each as far as its rate leads."""
    truth, encoding = smallworld.next_probabilities(""), smallworld.encoding()
    even = np.full(len(truth), 1 / len(truth))
    runs = {}
    for rate in RATES:
        near = np.minimum(1, np.arange(80) * min(rate, 0.003) * 4)[:, None]
        losses = 7.12 * (1 - 0.6 * near[:, 0]) if rate < 1 else 7.12 + 3.3 * np.arange(80)
        runs[rate] = (losses, near * truth + (1 - near) * even)
    return Rates(runs, truth, encoding, floor=0.385, rate=0.003, step=40)


def compared(rates: Rates) -> list:
    """The guess and the truth of each bar, the last being all other tokens."""
    rows = (rates.guesses[rates.chosen][rates.step], rates.truth)
    return [share for pair in zip(*([*row, 1 - sum(row)] for row in rows)) for share in pair]


PICTURES = [
    Moving(
        "notebooks/04a_descent",
        example,
        (
            Slide("Rate", "chosen", 4),
            Press("Update ▶", "step", 41),
            Press("Update ▶", "step", 42),
            Press("◀ Back", "step", 41),
            Slide("Updates", "step", 5),
            Slide("Rate", "chosen", 0),
            Slide("Updates", "step", 79),
            TapCurve(1, 60, {"step": 60, "chosen": 1}),
            TapCurve(0, 0, {"step": 0}),
            Slide("Rate", "chosen", 3),
        ),
        "e => [...e.querySelectorAll('.bar')].flatMap(x => [Number(x.dataset.value), Number(x.dataset.truth)])",
        compared,
        {
            "{step: NaN}": "step is NaN",
            "{step: 80}": "step is 80",
            "{step: 'x'}": "step is x",
            "{step: 2.5}": "step is 2.5",
            "{chosen: 5}": "chosen is 5",
            "{chosen: -1}": "chosen is -1",
            "{chosen: null}": "chosen is null",
            "{chosen: '한\\ud800'}": "chosen is 한",
        },
    ),
]
