"""Chapter 4a's moving picture: recorded runs at several learning rates, update by update."""

from collections.abc import Mapping

import numpy as np
import traitlets

from nbutils.tokens import decode
from nbutils.words import sentence

from ..style import marked
from .picture import Picture, floats, percent, readable, whole_number

_DIGITS = 4  # that matter, of a recorded number
_PLACES = 6  # after the point, at most
_NAMED = 6  # tokens that are shown by name


class Rates(Picture):
    """Choose a learning rate and an update: losses of all runs, and one run's guess beside the truth.

    Args:
        runs: learning rate -> (losses in nats, shape (n,), and the next token's probabilities,
            shape (n, V)), both before each of the n updates.
        truth: the next token's true probabilities, shape (V,).
        encoding: names the tokens.
        floor: the lowest mean loss possible.
        rate: that of the run to begin with.
        step: updates that are done at the start.
    """

    script = "rates.js"
    kept = ("chosen", "step")

    rates = traitlets.List(traitlets.Float()).tag(sync=True)
    losses = traitlets.List().tag(sync=True)  # (rates, n)
    guesses = traitlets.List().tag(sync=True)  # (rates, n, names)
    truth = traitlets.List(traitlets.Float()).tag(sync=True)  # (names,)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    floor = traitlets.Float().tag(sync=True)
    chosen = traitlets.Int().tag(sync=True)  # the rate's place in the list
    step = traitlets.Int().tag(sync=True)

    def __init__(self, runs: Mapping, truth, encoding, *, floor: float, rate: float, step: int = 0):
        whole_number(sentence("the number of runs"), len(runs), 2, 12)
        truth, rates = floats(truth), sorted(runs)
        if truth.ndim != 1 or not np.isclose(truth.sum(), 1, atol=1e-4):
            raise ValueError(
                sentence("truth of shape {shape} must be (V,) and sum to 1", shape=truth.shape)
            )
        if rate not in runs:
            raise ValueError(
                sentence(
                    "rate={rate} is none of the runs' {names}",
                    rate=repr(rate),
                    names=", ".join(map(readable, rates)),
                )
            )
        checked = [_checked(rate, *runs[rate], len(truth)) for rate in rates]
        if len({len(losses) for losses, _ in checked}) > 1:
            raise ValueError(sentence("the runs must all have as many updates"))
        whole_number("step", step, 0, len(checked[0][0]) - 1)
        ids = np.argsort(-truth, kind="stable")[:_NAMED]
        super().__init__(
            rates=[float(rate) for rate in rates],
            chosen=rates.index(rate),
            step=step,
            losses=[_short(losses) for losses, _ in checked],
            floor=float(floor),
            guesses=[[_short(row) for row in guesses[:, ids]] for _, guesses in checked],
            truth=_short(truth[ids]),
            names=[marked(decode([i], encoding)) for i in ids],
        )

    def summary(self) -> str:
        losses = self.losses[self.chosen]
        guess, truth = self.guesses[self.chosen][self.step][0], self.truth[0]
        return self.say(
            "done",
            rate=readable(self.rates[self.chosen]),
            step=self.step,
            steps=len(losses) - 1,
            loss=readable(losses[self.step]),
            name=self.names[0],
            p=percent(guess),
            truth=percent(truth),
            misplaced=percent(self.misplaced()),
        )

    def misplaced(self) -> float:
        """The share that would have to move to other tokens, as far as the named ones and the rest
        of the vocabulary as one tell."""
        guess, truth = (
            np.append(row, 1 - sum(row))
            for row in (self.guesses[self.chosen][self.step], self.truth)
        )
        return float(np.abs(guess - truth).sum() / 2)


def _checked(rate, losses, guesses, V: int) -> tuple[np.ndarray, np.ndarray]:
    losses, guesses = floats(losses), floats(guesses)
    if not (isinstance(rate, int | float) and 0 < rate < np.inf):
        raise ValueError(
            sentence("the learning rate {rate} must be a number above 0", rate=repr(rate))
        )
    if losses.ndim != 1 or len(losses) < 2 or guesses.shape != (len(losses), V):
        raise ValueError(
            sentence(
                "the run at {rate} has losses of shape {shape} and guesses of {guesses}; give (n,) and "
                "(n, {v}), with n at least 2",
                rate=rate,
                shape=losses.shape,
                guesses=guesses.shape,
                v=V,
            )
        )
    if not np.isfinite(losses).all() or not (losses >= 0).all():
        raise ValueError(
            sentence(
                "the losses at {rate} must be finite and not negative; leave out that run",
                rate=rate,
            )
        )
    if not ((guesses >= 0) & (guesses <= 1)).all() or not np.allclose(guesses.sum(1), 1, atol=1e-3):
        raise ValueError(
            sentence(
                "each row of guesses at {rate} must hold probabilities that sum to 1", rate=rate
            )
        )
    return losses, guesses


def _short(values) -> list[float]:
    """Digits that a picture can show: a run that was lost gives tokens 1e-90 and less."""
    return [round(float(f"{value:.{_DIGITS}g}"), _PLACES) for value in values]
