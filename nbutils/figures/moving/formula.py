"""Chapter 3a's moving picture: a formula of two inputs, its three knobs, and points that it fits.

The formula is 1 / (1 + exp(-(w0 + w1·x1 + w2·x2))): logistic regression. Its loss over points has
one lowest place, so the picture can say how low a reader can come.
"""

from collections.abc import Sequence

import numpy as np
import traitlets

from nbutils.words import sentence

from .picture import Picture, floats, readable, whole_number

KNOBS = ("w0", "w1", "w2")
REACH = 20.0
"""How far from 0 a knob may be; the sliders end earlier, gradient descent may pass their end."""
_SLIDER = 6.0
_SIDE = 3.0  # of the drawn square, from the middle
_FLAT = 0.0005  # a slope below that would be shown as 0


class Formula(Picture):
    """Turn three knobs until the formula fits the points, or let gradient descent turn them.

    Args:
        points: the inputs x1 and x2, from -3 to 3, shape (n, 2).
        answers: 0 or 1 for each point. No straight line may part them: the loss would have no
            lowest place.
        knobs: the setting at the start.
        rate: the learning rate.
        steps: how many steps of gradient descent a press does.
    """

    script = "formula.js"
    kept = ("knobs",)

    points = traitlets.List().tag(sync=True)  # (n, 2)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)
    knobs = traitlets.List(traitlets.Float()).tag(sync=True)
    start = traitlets.List(traitlets.Float()).tag(sync=True)
    lowest = traitlets.Float().tag(sync=True)  # loss, at the best setting
    rate = traitlets.Float().tag(sync=True)
    steps = traitlets.Int().tag(sync=True)
    reach = traitlets.Float(REACH).tag(sync=True)
    slider = traitlets.Float(_SLIDER).tag(sync=True)
    side = traitlets.Float(_SIDE).tag(sync=True)

    def __init__(
        self, points, answers, knobs: Sequence[float], *, rate: float = 1.0, steps: int = 5
    ):
        points = _numbers("points", points, _SIDE)
        answers = _numbers("answers", answers, 1)
        knobs = _numbers("knobs", knobs, _SLIDER)
        if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= 200:
            raise ValueError(
                sentence(
                    "points has shape {shape}; give (n, 2) with n from 2 to 200", shape=points.shape
                )
            )
        if answers.shape != points.shape[:1] or set(answers) != {0.0, 1.0}:
            raise ValueError(sentence("answers must be 0 or 1 for each point, and both must occur"))
        if knobs.shape != (len(KNOBS),):
            raise ValueError(
                sentence(
                    "knobs has shape {shape}; give {count} numbers",
                    shape=knobs.shape,
                    count=len(KNOBS),
                )
            )
        whole_number("steps", steps, 1, 100)
        points = np.round(points, 3)
        best = best_knobs(points, answers)
        _check_rate(rate, points)
        super().__init__(
            points=points.tolist(),
            answers=[int(answer) for answer in answers],
            knobs=knobs.tolist(),
            start=knobs.tolist(),
            rate=float(rate),
            steps=steps,
            lowest=loss_and_slopes(best, points, answers)[0],
        )

    def measured(self) -> tuple[float, np.ndarray]:
        """The loss in nats and the slope for each knob, at the present setting."""
        return loss_and_slopes(self.knobs, self.points, self.answers)

    def wrong(self) -> int:
        """How many points the formula puts on the wrong side of one half."""
        yes = _sums(self.knobs, self.points) > 0
        return int((yes != (np.array(self.answers) == 1)).sum())

    def summary(self) -> str:
        loss, slopes = self.measured()
        said = self.say(
            "wrong",
            loss=readable(loss),
            lowest=readable(self.lowest),
            wrong=self.wrong(),
            points=len(self.points),
        )
        if (np.abs(slopes) < _FLAT).all():
            return f"{said} {self.say('flat')}"
        ways = [f"{name} {self._words[_way(slope)]}" for name, slope in zip(KNOBS, slopes)]
        return f"{said} {self.say('says', ways=', '.join(ways))}"


def loss_and_slopes(knobs, points, answers) -> tuple[float, np.ndarray]:
    """The mean of minus the logarithm of the right answer's probability, and its gradient."""
    z, answers = _sums(knobs, points), np.asarray(answers)
    loss = np.logaddexp(0, np.where(answers == 1, -z, z)).mean()
    too_much = 1 / (1 + np.exp(-z)) - answers
    return float(loss), (too_much @ _with_one(points)) / len(z)


def best_knobs(points, answers) -> np.ndarray:
    """The setting of the lowest loss, by Newton's method. Raises ValueError where there is none."""
    x, knobs = _with_one(points), np.zeros(len(KNOBS))
    for _ in range(50):
        _, slopes = loss_and_slopes(knobs, points, answers)
        p = 1 / (1 + np.exp(-x @ knobs))
        bend = (x * (p * (1 - p))[:, None]).T @ x / len(x)
        if np.linalg.cond(bend) > 1e9:
            break
        turn = np.linalg.solve(bend, slopes)
        knobs = knobs - turn * min(1, 1 / np.abs(turn).max(initial=1e-9))  # at most 1 a turn
        if np.abs(turn).max() < 1e-12 and np.abs(knobs).max() <= _SLIDER:
            return knobs
    raise ValueError(
        sentence(
            "the lowest loss of these points lies beyond knobs of {largest}: a line parts them, or "
            "nearly; give points whose answers overlap more",
            largest=f"{_SLIDER:g}",
        )
    )


def _check_rate(rate, points) -> None:
    bend = np.linalg.eigvalsh(_with_one(points).T @ _with_one(points) / len(points)).max() / 4
    most = 1 / bend  # the loss never bends more: a longer step may jump over the lowest place
    if not (isinstance(rate, int | float) and 0 < rate <= most):
        raise ValueError(
            sentence(
                "rate={rate} must be above 0 and at most {most} for these points",
                rate=repr(rate),
                most=readable(most),
            )
        )


def _numbers(name: str, values, reach: float) -> np.ndarray:
    try:
        values = floats(values)
    except (TypeError, ValueError) as error:
        raise TypeError(sentence("{name} must hold numbers in equal rows", name=name)) from error
    if not (np.abs(values) <= reach).all():
        raise ValueError(
            sentence(
                "{name} must hold numbers from {least} to {reach}, and no nan",
                name=name,
                least=f"{-reach:g}",
                reach=f"{reach:g}",
            )
        )
    return values


def _with_one(points) -> np.ndarray:
    points = floats(points)
    return np.column_stack([np.ones(len(points)), points])  # (n, 3): what each knob multiplies


def _sums(knobs, points) -> np.ndarray:
    return _with_one(points) @ floats(knobs)


def _way(slope: float) -> str:
    """Which way to turn a knob: against its slope."""
    return "stay" if abs(slope) < _FLAT else "down" if slope > 0 else "up"
