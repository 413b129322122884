import copy
from dataclasses import dataclass

import numpy as np
import torch

from moving.hands import Fetching, Moving, Press, press, slide
from nbutils.figures.moving.networks import load_network
from nbutils.figures.moving.weights import QUESTION, STEPS, SixWeights

TRAINED = [0] * 6


@dataclass(frozen=True)
class Turn:
    """Move one weight's slider, whose middle is 0."""

    weight: int
    turn: int

    def do(self, shown):
        slider = shown.place.get_by_role("slider").nth(self.weight)
        slide(shown, slider, self.turn + STEPS, (self.turn + STEPS) / (2 * STEPS))
        reached = shown.state()["turns"]
        off = 0 if shown.hand == "keyboard" else 1
        assert abs(reached[self.weight] - self.turn) <= off


@dataclass(frozen=True)
class TurnAll:
    """Press for six turns at random; the page's dice are loaded, so that each run moves alike."""

    def do(self, shown):
        shown.page.evaluate("() => { let n = 0; Math.random = () => (++n * 0.618034) % 1; }")
        press(shown, shown.place.get_by_role("button", name="Turn all six at random"))
        turns = shown.state()["turns"]
        assert len(turns) == 6 and all(abs(turn) <= STEPS for turn in turns)


def by_the_network(picture: SixWeights) -> np.ndarray:
    """The probabilities before each letter that it writes, (6, 3): by the network as it is used."""
    model = copy.deepcopy(load_network("sorter"))
    for weight, turn in zip(picture.weights, picture.turns):
        tensor = model.get_parameter(weight["tensor"]).data
        tensor[weight["row"], weight["column"]] += turn * weight["reach"] / STEPS
    ids = torch.tensor([["ABC".index(letter) for letter in QUESTION]])
    for _ in range(6):
        logits = model(ids)[:, 5:]
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
    return logits[0].softmax(-1).numpy()


def shown_numbers(picture: SixWeights) -> list:
    """Of each bar how long it is now, and how long as trained."""
    now, trained = by_the_network(picture), by_the_network(SixWeights())
    return np.stack([now, trained], axis=-1).flatten().tolist()


PICTURES = [
    Moving(
        "notebooks/03c_transformer",
        SixWeights,
        (
            Fetching(Turn(0, 12)),
            Turn(3, 14),
            Turn(0, -18),
            Press("All as trained", "turns", TRAINED),
            Turn(5, -16),
            Turn(1, -15),
            TurnAll(),
            Turn(4, -20),
            Turn(2, 20),
            Press("All as trained", "turns", TRAINED),
        ),
        "e => [...e.querySelectorAll('.share')].flatMap(x => [Number(x.dataset.value), Number(x.dataset.trained)])",
        shown_numbers,
        {
            "{turns: [NaN, 0, 0, 0, 0, 0]}": "turns is NaN,0,0,0,0,0",
            "{turns: [0, 0]}": "must be 6 whole numbers from -20 to 20",
            "{turns: [0, 21, 0, 0, 0, 0]}": "turns is 0,21",
            "{turns: [0, 0.5, 0, 0, 0, 0]}": "whole numbers",
            "{turns: []}": "6 whole numbers",
            "{turns: null}": "turns is null",
            "{turns: 'w\\ud800'}": "turns is w",
            "{turns: '9'.repeat(1e6)}": "turns is 999",
            "{turns: ['1', '2', '3', '4', '5', '6']}": "6 whole numbers",
        },
    ),
]
