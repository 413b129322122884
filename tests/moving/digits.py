from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from moving.hands import Moving, Press
from nbutils.figures.moving.digits import Digits, _ink


@dataclass(frozen=True)
class Stroke:
    """A straight line from one cell, (row, column), to another; by keyboard down first, then right."""

    start: tuple[int, int]
    end: tuple[int, int]

    def do(self, shown):
        field = shown.place.get_by_role("application")
        if shown.hand == "keyboard":
            self.by_keyboard(field, shown.page.keyboard)
        else:
            field.scroll_into_view_if_needed()
            box = field.bounding_box()
            points = [
                (
                    box["x"] + box["width"] * (column + 0.5) / 28,
                    box["y"] + box["height"] * (row + 0.5) / 28,
                )
                for row, column in (self.start, self.end)
            ]
            (shown.drag_with_finger if shown.hand == "touch" else shown.drag_with_mouse)(*points)
        ink = _ink(shown.state()["strokes"])
        assert ink[self.start] and ink[self.end]

    def by_keyboard(self, field, keyboard):
        field.focus()
        keyboard.press("Home")
        for key, times in zip(("ArrowDown", "ArrowRight"), self.start):
            for _ in range(times):
                keyboard.press(key)
        keyboard.press("Space")
        for key, start, end in zip(("ArrowDown", "ArrowRight"), self.start, self.end):
            for _ in range(end - start):
                keyboard.press(f"Shift+{key}")


@cache
def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Linear(784, 16), nn.Sigmoid(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 10)
    with torch.no_grad():
        for layer in layers[::2]:
            layer.weight *= 6  # so that the answers differ
    return nn.Sequential(*layers)


def example() -> Digits:
    raw = load_digits()
    return Digits(network(), raw.images[:4] / 16, raw.target[:4])


PICTURES = [
    Moving(
        "notebooks/03a_knobs",
        example,
        (
            Press("An example", "example", 2),
            Stroke((3, 5), (9, 20)),
            Press("Clear", "example", 0),
            Stroke((6, 8), (7, 18)),
            Stroke((7, 17), (23, 17)),
            Stroke((13, 13), (13, 20)),
            Press("An example", "example", 1),
            Press("Clear", "strokes", ""),
            Stroke((0, 0), (27, 27)),
            Press("Clear", "strokes", ""),
            Stroke((14, 14), (14, 14)),
        ),
        "e => [...e.querySelectorAll('[data-value]')].map(x => Number(x.dataset.value))",
        lambda digits: np.concatenate(digits.activations()).tolist(),
        {
            "{example: NaN}": "example is NaN",
            "{example: 99}": "example is 99",
            "{example: -1}": "example is -1",
            "{example: '2'}": "example is 2",
            "{strokes: 'x'.repeat(196)}": "Press Clear",
            "{strokes: NaN}": "Press Clear",
            "{strokes: 'f'.repeat(1e6)}": "Press Clear",
            "{strokes: '\\ud800한'}": "Press Clear",
        },
    ),
]
