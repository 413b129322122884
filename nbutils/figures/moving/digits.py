"""Chapter 3a's moving picture of reading: draw a digit, and the chapter's network answers."""

import re

import numpy as np
import traitlets

from nbutils.words import sentence

from .picture import Picture, floats, packed, percent, unpacked, whole_number

GRID, COARSE = 28, 8  # cells a side: of the drawing and the inputs, and of the digits as they came
SHAPES = [(16, 784), (16,), (16, 16), (16,), (10, 16), (10,)]
_LEVELS = 16  # of ink in a coarse cell
_LEAST = 12  # cells a side: a smaller drawing is not made larger than one of this size


class Digits(Picture):
    """Draw a digit or take an example, and paint on it: 784-16-16-10, its units and its answer.

    Args:
        network: Linear layers 784-16-16-10 with a sigmoid after each but the last.
        examples: digits of 8 × 8 cells from 0 to 1 in sixteenths, shape (n, 8, 8).
        answers: which digits they are, shape (n,).
        example: the one to begin with, counted from 1; 0 for an empty field.
    """

    script = "digits.js"
    kept = ("example", "strokes")

    weights = traitlets.Dict().tag(sync=True)  # packed: W1, b1, W2, b2, W3, b3
    examples = traitlets.List().tag(sync=True)  # (n, 64), from 0 to 16
    answers = traitlets.List().tag(sync=True)  # (n,)
    example = traitlets.Int().tag(sync=True)  # from 1; 0: none
    strokes = traitlets.Unicode().tag(sync=True)  # cells with ink: 4 a hexadecimal digit, or ""

    def __init__(self, network, examples, answers, *, example: int = 1):
        cells = _cells(examples)
        answers = [
            whole_number(sentence("an answer"), answer, 0, 9)
            for answer in np.asarray(answers).tolist()
        ]
        if len(answers) != len(cells):
            raise ValueError(
                sentence(
                    "{answers} answers for {examples} examples; give one for each",
                    answers=len(answers),
                    examples=len(cells),
                )
            )
        super().__init__(
            weights=_packed(network),
            examples=cells,
            answers=answers,
            example=whole_number("example", example, 0, len(cells)),
        )

    def inputs(self) -> np.ndarray:
        """What the network gets, shape (784,): the drawing in the form of the chapter's digits."""
        ink = _ink(self.strokes)
        if not self.example:
            coarse = centred(ink) if ink.any() else np.zeros((COARSE, COARSE))
        else:
            given = np.reshape(self.examples[self.example - 1], (COARSE, COARSE)) / _LEVELS
            coarse = np.minimum(1, given + averaged(ink, 0, 0, GRID))
        return (STRETCH @ coarse @ STRETCH.T).ravel()

    def activations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of both hidden layers, (16,) each, and the probabilities, (10,)."""
        W1, b1, W2, b2, W3, b3 = _matrices(unpacked(self.weights))
        first = 1 / (1 + np.exp(-(W1 @ self.inputs() + b1)))
        second = 1 / (1 + np.exp(-(W2 @ first + b2)))
        logits = W3 @ second + b3
        grown = np.exp(logits - logits.max())
        return first, second, grown / grown.sum()

    def summary(self) -> str:
        first, second, p = self.activations()
        best, next_best = np.argsort(-p, kind="stable")[:2]
        says = self.say(
            "says",
            best=best,
            p=percent(p[best]),
            next=next_best,
            q=percent(p[next_best]),
        )
        lit = self.say("lit", first=(first > 0.5).sum(), second=(second > 0.5).sum())
        return f"{self._subject()} {says}\n{lit}"

    def _subject(self) -> str:
        cells = int(_ink(self.strokes).sum())
        if not self.example:
            return self.say("own" if cells else "empty", cells=cells)
        return self.say(
            "painted" if cells else "given",
            number=self.example,
            of=len(self.examples),
            answer=self.answers[self.example - 1],
        )


def centred(ink: np.ndarray) -> np.ndarray:
    """A drawing as the digits came, (8, 8): cut out, as large as fits, centred, ink averaged."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    size = max(bottom - top, right - left, _LEAST)
    return averaged(ink, (top + bottom - size) / 2, (left + right - size) / 2, size)


def averaged(ink: np.ndarray, top: float, left: float, size: float) -> np.ndarray:
    """The mean ink in each of the 8 × 8 parts of a square of the drawing."""
    return _overlap(top, size) @ ink @ _overlap(left, size).T


def _overlap(start: float, size: float) -> np.ndarray:
    """(8, 28): how much of each part of a line's eight every cell of the drawing is."""
    edges, cells = start + size * np.arange(COARSE + 1) / COARSE, np.arange(GRID)
    ends = np.minimum(edges[1:, None], cells + 1)
    return np.maximum(0, ends - np.maximum(edges[:-1, None], cells)) / (size / COARSE)


def _stretch() -> np.ndarray:
    """(28, 8): a line of 8 cells stretched to 28, as `interpolate`'s "bilinear" does."""
    at = np.clip((np.arange(GRID) + 0.5) * COARSE / GRID - 0.5, 0, COARSE - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(COARSE)))


STRETCH = _stretch()


def _ink(strokes: str) -> np.ndarray:
    """(28, 28): True where there is ink."""
    if not re.fullmatch(r"(?:[0-9a-f]{196})?", strokes):
        raise ValueError(
            sentence(
                "strokes={strokes} must be empty or 196 hexadecimal digits",
                strokes=repr(strokes[:20]),
            )
        )
    ink = np.unpackbits(np.frombuffer(bytes.fromhex(strokes or "0" * 196), np.uint8))
    return ink.reshape(GRID, GRID).astype(bool)


def _cells(examples) -> list[list[int]]:
    examples = floats(examples)
    if examples.ndim != 3 or examples.shape[1:] != (COARSE, COARSE) or not len(examples):
        raise ValueError(
            sentence(
                "examples has shape {shape}; give (n, 8, 8), n at least 1", shape=examples.shape
            )
        )
    levels = examples * _LEVELS
    if not ((levels >= 0) & (levels <= _LEVELS) & (levels == np.rint(levels))).all():
        raise ValueError(
            sentence("examples must hold sixteenths from 0 to 1, as scikit-learn's digits / 16")
        )
    return levels.astype(int).reshape(len(levels), -1).tolist()


def _packed(network) -> dict:
    knobs = [knob.detach().cpu().numpy() for knob in network.parameters()]
    shapes = [knob.shape for knob in knobs]
    if shapes != SHAPES:
        raise ValueError(
            sentence(
                "network's parameters have the shapes {shapes}; give 784-16-16-10: {wanted}",
                shapes=shapes,
                wanted=SHAPES,
            )
        )
    return packed(np.concatenate([knob.ravel() for knob in knobs]))


def _matrices(values: np.ndarray) -> list[np.ndarray]:
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(values, ends), SHAPES)]
