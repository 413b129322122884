"""Chapter 2's moving picture of learning: a recorded run, one update at a time."""

from collections.abc import Mapping

import numpy as np
import traitlets

from nbutils.words import sentence

from ..style import marked
from .picture import Picture, floats, percent, readable, whole_number

_DIGITS = 9  # that matter, of a recorded probability


class Nudge(Picture):
    """Press update: the label's probability rises, the others fall. Recorded, not computed anew.

    Args:
        history: probabilities after each update, shape (updates + 1, V); rows sum to 1.
        names: text -> id of the tokens to show; the first is the label.
        step: updates that are done at the start.
    """

    script = "nudge.js"
    kept = ("step",)

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List().tag(sync=True)  # (updates + 1, names): probabilities
    fell = traitlets.List().tag(sync=True)  # (updates,): share of all other tokens that fell
    step = traitlets.Int().tag(sync=True)

    def __init__(self, history, names: Mapping[str, int], *, step: int = 0):
        history = _checked(history)
        updates, V = len(history) - 1, history.shape[1]
        whole_number("step", step, 0, updates)
        ids = [whole_number(f"the id of {name!r}", i, 0, V - 1) for name, i in names.items()]
        whole_number(sentence("the number of names"), len(ids), 1, 3)
        others = np.arange(V) != ids[0]
        fell = (history[1:] < history[:-1])[:, others].mean(axis=1)
        super().__init__(
            names=[marked(name) for name in names],
            step=step,
            rows=[[_short(p) for p in row] for row in history[:, ids]],
            fell=[_short(share) for share in fell],
        )

    def summary(self) -> str:
        p = self.rows[self.step][0]
        done = self.say(
            "done",
            step=self.step,
            steps=len(self.fell),
            name=self.names[0],
            p=percent(p),
            loss=readable(-np.log(p)),
        )
        if self.step == len(self.fell):
            return f"{done} {self.say('end')}"
        then, fell = percent(self.rows[self.step + 1][0]), percent(self.fell[self.step])
        return f"{done} {self.say('next', p=then, fell=fell)}"


def _checked(history) -> np.ndarray:
    history = floats(history)
    if history.ndim != 2 or len(history) < 2:
        raise ValueError(
            sentence(
                "history has shape {shape}; give (updates + 1, V) with at least one update",
                shape=history.shape,
            )
        )
    if not ((history > 0) & (history <= 1)).all():
        raise ValueError(
            sentence("history must hold probabilities: above 0, at most 1, and no nan")
        )
    if not np.allclose(history.sum(axis=1), 1, atol=1e-4):
        raise ValueError(sentence("each row of history must sum to 1; give softmax's output"))
    return history


def _short(value) -> float:
    return float(f"{value:.{_DIGITS}g}")
