"""One step down the slope

The gradient says for each weight how fast the loss rises as the weight grows. So go the other way:
take from each weight its slope, times a learning rate. This one line is all of plain gradient
descent (SGD). What came after it, AdamW too, is a refinement.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 5, 5


def sgd_step(
    weights: list[torch.Tensor], gradients: list[torch.Tensor], rate: float
) -> list[torch.Tensor]:
    """The weights after one step of plain gradient descent.

    Args:
        weights: tensors of any shapes. They may require gradients, and they stay as they are.
        gradients: one for each tensor of weights, in the same order and of the same shape.
        rate: the learning rate, positive.

    Returns:
        A list of new tensors: from each weight its slope is taken, times the learning rate.
    """
    return [w - rate * g for w, g in zip(weights, gradients, strict=True)]


def cases(given):
    def steep(*shape):  # no number near 0
        return (1 + given.uniform(*shape)) * given.choice((-1, 1))

    shapes = (2, 3), (4,), ()
    return [
        Case("one weight and a rate of 1", [steep(1)], [steep(1)], 1.0),
        Case("another rate", [steep(3)], [steep(3)], 0.25),
        Case(
            "three tensors of different shapes",
            [steep(*shape) for shape in shapes],
            [steep(*shape) for shape in shapes],
            0.5,
        ),
        Case(
            "weights that require gradients",
            [steep(*shape).requires_grad_() for shape in shapes],
            [steep(*shape) for shape in shapes],
            0.5,
        ),
    ]


HINTS = (
    "A weight with a positive slope makes the loss larger as it grows. Should it become larger or "
    "smaller?",
    "`zip(weights, gradients)` gives each tensor with its gradient.",
    "New tensors come from `w - rate * g`; `w -= ...` would change the old ones.",
)
WHY = """
The loss rises along the gradient, so the step goes against it. A step is as long as the slope is
steep: near the lowest point the steps become short by themselves. The rate says how far to trust
the slope, which holds only close by.
"""


def in_place(weights, gradients, rate):
    for w, g in zip(weights, gradients, strict=True):
        w -= rate * g
    return weights


WRONG = (
    Wrong(
        "Your weights go up the slope. The loss rises that way: subtract.",
        "w - rate",
        "w + rate",
    ),
    Wrong(
        "The learning rate is not used. Multiply each gradient by it.",
        "rate * g",
        "g",
    ),
    Wrong(
        "The gradient is divided by the learning rate. Multiply: a smaller rate is a shorter step.",
        "rate * g",
        "g / rate",
    ),
    Wrong(
        "The learning rate multiplies the weight as well. Only the gradient is multiplied by it.",
        "w - rate * g",
        "rate * (w - g)",
    ),
    Wrong(
        "Your function gives the steps alone. It should give the weights after the step.",
        "w - rate * g",
        "-rate * g",
    ),
    Wrong(
        "Only the sign of each slope counts in your step. Plain descent goes farther where the "
        "slope is steeper.",
        "rate * g",
        "rate * g.sign()",
    ),
    Wrong(
        "Your step is a share of each weight. The slope alone says how far a weight moves, "
        "however large the weight is.",
        "w - rate * g",
        "w * (1 - rate * g)",
    ),
    Wrong(
        "Your function stops at weights that require gradients: they can't be changed in place. "
        "Make new tensors.",
        instead=in_place,
    ),
    Wrong(
        "Only the first tensor is changed. Take the step for each one.",
        "for w, g in zip(weights, gradients, strict=True)]",
        "for w, g in [(weights[0], gradients[0])]] + weights[1:]",
    ),
)


def with_indices(weights, gradients, rate):
    new = [w.detach().clone() for w in weights]
    for i in range(len(new)):
        new[i].sub_(gradients[i], alpha=rate)
    return new


def all_at_once(weights, gradients, rate):
    row = torch.cat([w.detach().flatten() for w in weights])
    row = row.add(torch.cat([g.flatten() for g in gradients]), alpha=-rate)
    parts = row.split([w.numel() for w in weights])
    return [part.view_as(w) for part, w in zip(parts, weights, strict=True)]


def in_numpy(weights, gradients, rate):
    pairs = zip(weights, gradients, strict=True)
    return tuple(
        torch.from_numpy(np.asarray(w.detach().double().numpy() - rate * g.double().numpy()))
        for w, g in pairs
    )


RIGHT = (with_indices, all_at_once, in_numpy)
