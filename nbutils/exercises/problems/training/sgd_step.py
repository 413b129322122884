"""One step down the slope

The gradient says for each weight how fast the loss rises as the weight grows. So go the other way:
take from each weight its slope, times a learning rate. This one line is all of plain gradient
descent (SGD). What came after it, AdamW too, is a refinement.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 5, 5
KEPT = ("weights",)


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

    shapes = (2, 3), (4,), (), (1, 2, 1, 2)
    many = [[steep(1 + i % 3, 5) for i in range(40)] for _ in range(2)]
    many[1] = [g * (0, 1 / 256, 1000)[i % 3] for i, g in enumerate(many[1])]
    return [
        Case("one weight and a rate of 1", [steep(1)], [steep(1)], 1.0),
        Case("another rate", [steep(3)], [steep(3) / 4], 0.25),
        Case(
            "four tensors of different shapes",
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
        Case("40 tensors, with slopes of 0 and of 1,000, and a rate of 3", *many, 3.0),
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


def of_length_1(weights, gradients, rate):
    length = sum((g**2).sum() for g in gradients).sqrt()
    return [w - rate * g / length for w, g in zip(weights, gradients, strict=True)]


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
    Wrong(
        "Your function stops after the first tensor. Is the return inside the loop, or is there no "
        "loop? Give a list with a new tensor for each weight.",
        "for w, g in zip(weights, gradients, strict=True)]",
        "for w, g in [(weights[0], gradients[0])]]",
    ),
    Wrong(
        "Your list has only the last tensor. Make the empty list once, before the loop, and append "
        "each new weight to it.",
        "for w, g in zip(weights, gradients, strict=True)]",
        "for w, g in [(weights[-1], gradients[-1])]]",
    ),
    *(
        Wrong(
            "Your function gives a single tensor. Give a list with a new tensor for each weight.",
            instead=lambda weights, gradients, rate, i=i: weights[i] - rate * gradients[i],
        )
        for i in (0, -1)
    ),
    Wrong(
        "The new tensors stand in the list after the old ones. Give a list of the new ones alone.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "weights + [w - rate * g for w, g in zip(weights, gradients, strict=True)]",
    ),
    Wrong(
        "Your list is in another order. Give the new tensors in the order of weights.",
        "strict=True)]",
        "strict=True)][::-1]",
    ),
    Wrong(
        "You multiply by the learning rate twice. Multiply the gradient by it once.",
        "rate * g",
        "rate**2 * g",
    ),
    *(
        Wrong(
            f"Your rate is always {fixed}. Multiply the gradient by the rate that is given.",
            "rate * g",
            f"{fixed} * g",
        )
        for fixed in (0.1, 0.01, 0.001)
    ),
    Wrong(
        "Your function gives rate times the gradient, which is what has to be subtracted. Give "
        "the weights after the step: w less that.",
        "w - rate * g",
        "rate * g",
    ),
    Wrong(
        "The gradient is not used: every weight moves by the rate. Multiply the rate by the slope.",
        "rate * g",
        "rate",
    ),
    Wrong(
        "The weight and its gradient are exchanged: you subtract rate times the weight from the "
        "gradient. Subtract rate times the gradient from the weight.",
        "w - rate * g",
        "g - rate * w",
    ),
    Wrong(
        "Your slopes lose their signs (an abs, or a root of the square). A negative slope makes the "
        "weight larger: keep the sign.",
        "rate * g",
        "rate * g.abs()",
    ),
    Wrong(
        "Your step takes the squares of the slopes. Plain descent takes the slopes themselves.",
        "rate * g",
        "rate * g**2",
    ),
    Wrong(
        "All numbers of a tensor take the same step, by the mean of their slopes. Each has a slope "
        "of its own: no mean.",
        "rate * g",
        "rate * g.mean()",
    ),
    Wrong(
        "All numbers of a tensor take the same step, by the sum of their slopes. Each has a slope "
        "of its own: no sum.",
        "rate * g",
        "rate * g.sum()",
    ),
    Wrong(
        "The step is divided by how many numbers a tensor has. The gradient is taken as it is: "
        "don't divide.",
        "rate * g",
        "rate * g / g.numel()",
    ),
    Wrong(
        "The step is divided by the number of tensors. The gradient is taken as it is: don't "
        "divide.",
        "rate * g",
        "rate * g / len(weights)",
    ),
    Wrong(
        "Each gradient is brought to the length 1. Plain descent goes farther where the slope is "
        "steeper: take the gradient as it is.",
        "rate * g",
        "rate * g / g.norm()",
    ),
    Wrong(
        "All gradients together are brought to the length 1. Plain descent goes farther where the "
        "slope is steeper: take them as they are.",
        instead=of_length_1,
    ),
    Wrong(
        "The weights shrink as well, by the rate: that is weight decay. Subtract only rate times "
        "the gradient.",
        "w - rate * g",
        "w - rate * (g + w)",
    ),
    Wrong(
        "Your weights come as one flat tensor. Give a list, with each tensor in the shape of its "
        "weight.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "torch.cat([(w - rate * g).flatten() for w, g in zip(weights, gradients, strict=True)])",
    ),
    Wrong(
        "The last tensor of weights is missing. Give all of them: your loop ends one too early.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)][:-1]",
    ),
    Wrong(
        "The first tensor of weights is missing. Give all of them: they count from 0.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)][1:]",
    ),
    Wrong(
        "The last tensor of weights takes no step. All of them do: your loop ends one too early.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)][:-1] + [weights[-1].clone()]",
    ),
    Wrong(
        "The first tensor of weights takes no step. All of them do: they count from 0.",
        "[w - rate * g for w, g in zip(weights, gradients, strict=True)]",
        "[weights[0].clone()] + [w - rate * g for w, g in zip(weights, gradients, strict=True)][1:]",
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
