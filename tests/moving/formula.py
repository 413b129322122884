from dataclasses import dataclass

import numpy as np
import torch

from moving.hands import Moving, Press, press, slide
from nbutils.figures.moving.formula import Formula

START = [0.5, 1.0, -2.0]


def example() -> Formula:
    dice = np.random.default_rng(0)
    points = dice.uniform(-2.5, 2.5, (24, 2))
    chances = 1 / (1 + np.exp(1 - points @ [1.0, 1.0]))
    return Formula(points, dice.random(24) < chances, START)


def by_autograd(formula: Formula, knobs) -> tuple[float, list]:
    """The loss and the slopes, by PyTorch from the formula as the chapter writes it."""
    w = torch.tensor(knobs, dtype=torch.float64, requires_grad=True)
    x1, x2 = torch.tensor(formula.points, dtype=torch.float64).T
    sign = 2.0 * torch.tensor(formula.answers) - 1  # 1 - p is the formula of minus the sum
    right = 1 / (1 + torch.exp(-sign * (w[0] + w[1] * x1 + w[2] * x2)))
    loss = -right.log().mean()
    return loss.item(), torch.autograd.grad(loss, [w])[0].tolist()


@dataclass(frozen=True)
class Turn:
    """Move a knob's slider: its settings are no whole numbers."""

    knob: int
    setting: float

    def do(self, shown):
        slider = shown.place.get_by_role("slider", name=f"w{self.knob}")
        least, most = (float(slider.get_attribute(end)) for end in ("min", "max"))
        way = self.setting - least
        slide(shown, slider, round(way / 0.05), way / (most - least))
        reached = shown.state()["knobs"][self.knob]
        assert abs(reached - self.setting) < (1e-9 if shown.hand == "keyboard" else 0.3)


@dataclass(frozen=True)
class Descend(Press):
    """Press for gradient descent: the knobs must then be where PyTorch's gradients lead."""

    button: str = "5 steps of gradient descent"
    name: str = "knobs"
    value: object = None

    def do(self, shown):
        formula, knobs = example(), shown.state()["knobs"]
        formula.points, formula.answers = shown.state()["points"], shown.state()["answers"]
        for _ in range(5):
            slopes = by_autograd(formula, knobs)[1]
            knobs = [knob - 1.0 * slope for knob, slope in zip(knobs, slopes)]
        press(shown, shown.place.get_by_role("button", name=self.button))
        assert np.allclose(shown.state()["knobs"], knobs, atol=1e-5, rtol=0)


def shown_numbers(formula: Formula) -> list:
    loss, slopes = by_autograd(formula, formula.knobs)
    return [*slopes, loss, formula.lowest]


PICTURES = [
    Moving(
        "notebooks/03a_knobs",
        example,
        (
            Turn(2, 2.0),
            Turn(0, -1.0),
            Turn(1, 5.0),
            Descend(),
            Descend(),
            Turn(2, -6.0),
            Descend(),
            Press("Back to the start", "knobs", START),
            Descend(),
        ),
        "e => [...e.querySelectorAll('.slope, .bar')].map(x => Number(x.dataset.value))",
        shown_numbers,
        {
            "{knobs: [NaN, 0, 0]}": "knobs is NaN,0,0",
            "{knobs: [1, 2]}": "must be three numbers from",
            "{knobs: [0, 1e9, 0]}": "knobs is 0,1000000000,0",
            "{knobs: []}": "three numbers",
            "{knobs: [0, Infinity, 0]}": "Infinity",
            "{knobs: null}": "knobs is null",
            "{knobs: 'w\\ud800'}": "knobs is w",
            "{knobs: '9'.repeat(1e6)}": "knobs is 999",
            "{knobs: ['1', '2', '3']}": "three numbers",
        },
    ),
]
