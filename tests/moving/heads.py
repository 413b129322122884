from dataclasses import dataclass

import numpy as np

from moving.hands import Drag, Moving, Slide
from nbutils.figures.moving.heads import AttentionHeads

TOKENS = "<start>|The| capital| of| Italy| is| Rome|.".split("|")  # as many as in the chapter


@dataclass(frozen=True)
class Tick:
    box: str
    name: str
    value: bool

    def do(self, shown):
        box = shown.place.get_by_role("checkbox", name=self.box)
        if shown.hand == "keyboard":
            box.focus()
            shown.page.keyboard.press("Space")
        else:
            shown.tap(box)
        assert shown.state()[self.name] is self.value


def example() -> AttentionHeads:
    q, k = np.random.default_rng(0).normal(size=(2, 4, len(TOKENS), 16))
    return AttentionHeads(TOKENS, q, 2 * k, token=5)


def numbers(picture: AttentionHeads) -> list:
    scores = picture.scores().T.ravel()  # row by row, as the table
    return [*picture.weights().T.ravel(), *scores[np.isfinite(scores)]]


PICTURES = [
    Moving(
        "notebooks/03b_attention",
        example,
        (
            Tick("divide scores", "scaled", False),
            Tick("mask later", "masked", False),
            Slide("Token", "token", 4),
            Tick("divide scores", "scaled", True),
            Drag(".stream .chip", 1, 3, "token", 3),
            Tick("mask later", "masked", True),
            Slide("Token", "token", 0),
            Slide("Token", "token", 7),
            Tick("mask later", "masked", False),
            Drag(".stream .chip", 6, 6, "token", 6),
        ),
        """e => { const cells = [...e.querySelectorAll('.heads td')];
            return [...cells.map(x => Number(x.dataset.weight)),
                    ...cells.filter(x => 'score' in x.dataset).map(x => Number(x.dataset.score))]; }""",
        numbers,
        {
            "{token: 16}": "token is 16",
            "{token: NaN}": "token is NaN",
            "{token: 'a'}": "token is a",
            "{token: 'a'.repeat(1e6)}": "token is aaa",
            "{scaled: 1}": "scaled is 1",
            "{masked: undefined}": "masked is undefined",
            "{q: [[[NaN]]]}": "q must hold",
            "{k: []}": "k must hold",
            "{k: 'mole'}": "k must hold",
            "{yours: 'a'}": "yours is a; it must be true or false",
            "{layer: -1}": "layer is -1",
        },
    ),
]
