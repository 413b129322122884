"""Layer norm

Every part of a transformer adds its answer to the residual stream, so the stream's numbers grow
from layer to layer. Before a part reads them, a layer norm brings the C numbers of each position to
mean 0 and variance 1. Then it multiplies each of them by a knob of its own, its scale, and adds
another one, its shift:

$$\\text{scale} \\cdot \\frac{x - \\text{mean}}{\\sqrt{\\text{variance} + 10^{-5}}} + \\text{shift}$$

The 10⁻⁵ sees to it that equal numbers, whose variance is 0, don't give 0 / 0. Without layer norms a
deep network learns slowly or not at all.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 15


def layer_norm(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Each vector of C numbers with mean 0 and variance 1, then scaled and shifted.

    The variance is the mean of the squared distances from the mean: the sum is divided by C, not by
    C - 1. Under the root 1e-5 is added to it.

    Args:
        x: (..., C), one or more vectors; each is normalised by itself. Before the last there may be
            any number of dimensions, or none. A vector's numbers may lie far from 0 and close
            together, as 144.1 and 145.9 do.
        scale, shift: (C,), what each of the C numbers is multiplied by, and what is then added.

    Returns:
        A tensor of x's shape.
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return scale * centred / (variance + 1e-5).sqrt() + shift


def cases(given):
    C = 5
    dtype = given.dtype
    ones, zeros = torch.ones(C, dtype=dtype), torch.zeros(C, dtype=dtype)

    def spread(*shape):  # the same five numbers, well apart, in each vector in another order
        rows = [
            given.sample([-1.2, 0.4, 0.9, 1.7, 3.2], C) for _ in range(torch.Size(shape).numel())
        ]
        return torch.tensor(rows, dtype=dtype).view(*shape, C)

    scales = (0.5, 0.8, 1.3, 1.8, 2.4)

    def knobs():
        return torch.tensor(given.sample(scales, C), dtype=dtype), spread()

    # So far that a square's rounding is larger than the variance, and that of the mean is not.
    far = 0.05 / torch.finfo(dtype).eps ** 0.5
    widths = torch.tensor([0.5, 1.0, 2.0], dtype=dtype)[:, None]
    below = torch.tensor(given.sample([-1.6, -0.7, 0.0, 1.3, 2.4], C), dtype=dtype)
    many = given.normal(100, 3, 40)
    many[..., given.choice(range(40))] = 15
    many = many * torch.tensor([0.01, 1.0, 100.0], dtype=dtype)[:, None]
    return [
        Case("one vector with scale 1 and shift 0", spread(), ones, zeros),
        Case("a scale for each number", spread(), knobs()[0], zeros),
        Case("a shift for each number", spread(), *knobs()),
        Case("three positions", widths * spread(3), *knobs()),
        Case("two windows", widths * spread(2, 3), *knobs()),
        Case("numbers so small that 1e-5 counts", 0.002 * spread(3), *knobs()),
        Case("equal numbers", torch.full((C,), 2.0, dtype=dtype), *knobs()),
        Case("four dimensions", spread(2, 1, 3), *knobs()),
        Case("numbers that lie far from 0", far + spread(2), *knobs()),
        Case("scales of 0 and below it", spread(1, 3), below, spread()),
        Case("vectors of two numbers", spread(2, 1)[..., :2], below[:2], spread()[:2]),
        Case(
            "three hundred longer vectors, small and large, each with a number far above the others",
            many,
            given.normal(40),
            given.normal(40),
        ),
    ]


HINTS = (
    "Three steps: subtract the mean, divide by the root of the variance plus 1e-5, then scale and "
    "shift.",
    "Mean and variance go over the last dimension alone: `x.mean(dim=-1, keepdim=True)`. keepdim "
    "leaves a dimension of 1, so that the result fits x again.",
    "When x is centred, the variance is the mean of its squares.",
    "The 1e-5 stands under the root: `(variance + 1e-5).sqrt()`.",
)
WHY = """
Each vector is treated by itself, so a position's result depends on nothing but its own C numbers:
not on the batch, nor on the other positions. In training and in use it is the same. `keepdim=True`
keeps the shape (..., 1), which broadcasting repeats for the C numbers. Scale and shift let the
network take back what the normalising took away, where that is better.
"""


def over(dim, x, scale, shift):
    variance, mean = torch.var_mean(x, dim, correction=0, keepdim=True)
    return scale * (x - mean) / (variance + 1e-5).sqrt() + shift


WRONG = (
    Wrong(
        "The mean is never subtracted from x. Subtract it before you divide.",
        "scale * centred",
        "scale * x",
    ),
    Wrong(
        "Yours divides by the root of the mean of x's squares. For the variance subtract the mean "
        "first, then square.",
        "centred.square()",
        "x.square()",
    ),
    Wrong(
        "Your variance is divided by C - 1, as PyTorch's var and std do unless told otherwise. "
        "Divide by C: `correction=0`.",
        "centred.square().mean(dim=-1, keepdim=True)",
        "x.var(dim=-1, keepdim=True)",
    ),
    Wrong(
        "Yours divides by the variance. Divide by its square root.",
        "(variance + 1e-5).sqrt()",
        "(variance + 1e-5)",
    ),
    Wrong(
        "The 1e-5 is added after the root. Add it to the variance, under the root.",
        "(variance + 1e-5).sqrt()",
        "(variance.sqrt() + 1e-5)",
    ),
    Wrong(
        "The 1e-5 is missing: equal numbers give 0 / 0, which is nan. Add it to the variance, "
        "under the root.",
        "(variance + 1e-5)",
        "variance",
    ),
    Wrong(
        "Mean and variance go over all vectors together. Each vector is normalised by itself: "
        "dim=-1.",
        instead=lambda x, scale, shift: (
            scale * (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() + shift
        ),
    ),
    Wrong(
        "Mean and variance go over the first dimension: yours is right for one vector alone. Each "
        "vector is normalised over its own C numbers: dim=-1.",
        instead=lambda x, scale, shift: over(0, x, scale, shift),
    ),
    Wrong(
        "Mean and variance go over dimension 1, which isn't always the last. Take dim=-1: that is "
        "the C numbers, whatever stands before them.",
        instead=lambda x, scale, shift: over(1, x, scale, shift),
    ),
    Wrong(
        "Mean and variance go over the positions, dim=-2. Each vector is normalised over its own C "
        "numbers: dim=-1.",
        instead=lambda x, scale, shift: over(-2, x, scale, shift),
    ),
    Wrong(
        "It works for one vector and fails for several. Keep the dimension that you average over, "
        "with keepdim=True, so that means and vectors fit each other again.",
        "x.mean(dim=-1, keepdim=True)",
        "x.mean(dim=-1)",
    ),
    Wrong(
        "The scale has no effect. Multiply by it after normalising.",
        "scale * centred",
        "centred",
    ),
    Wrong(
        "The shift has no effect. Add it at the end.",
        " + shift",
        "",
    ),
    Wrong(
        "Scale and shift are exchanged: the scale multiplies, the shift is added.",
        "return scale * centred / (variance + 1e-5).sqrt() + shift",
        "return shift * centred / (variance + 1e-5).sqrt() + scale",
    ),
    Wrong(
        "The shift is added before the scale multiplies, so it is scaled too. Multiply first, then "
        "add.",
        " + shift",
        " + scale * shift",
    ),
    *(
        Wrong(f"Under the root you add {eps}. Add 1e-5.", "variance + 1e-5", f"variance + {eps}")
        for eps in ("1e-3", "1e-6", "1e-8", "1e-4", "1e-2")
    ),
    Wrong(
        "What you add keeps the divisor above 0, but is much less than it should be. Add 1e-5 to "
        "the variance, under the root.",
        "variance + 1e-5",
        "variance + 1e-12",
    ),
    Wrong(
        "You take the sum of the squared distances from the mean. The variance is their mean: divide by C.",
        "centred.square().mean(",
        "centred.square().sum(",
    ),
    Wrong(
        "You bring the smallest number to 0 and the largest to 1. Subtract the mean, and divide by the root of "
        "the variance plus 1e-5.",
        "centred / (variance + 1e-5).sqrt()",
        "(x - x.amin(-1, True)) / (x.amax(-1, True) - x.amin(-1, True) + 1e-5)",
    ),
    Wrong(
        "Your variance is the mean of the squares minus the square of the mean. Far from 0 these two are almost "
        "the same, and their difference has hardly a right digit. Subtract the mean first, then square.",
        "centred.square().mean(dim=-1, keepdim=True)",
        "(x * x).mean(dim=-1, keepdim=True) - x.mean(dim=-1, keepdim=True).square()",
    ),
    Wrong(
        "Your variance is the mean of the squares minus the mean. Subtract the mean from x first, then square.",
        "centred.square().mean(dim=-1, keepdim=True)",
        "(x * x).mean(dim=-1, keepdim=True) - x.mean(dim=-1, keepdim=True)",
    ),
    Wrong(
        "The mean is not subtracted anywhere: you divide x by the root of its mean square, as RMSNorm does. "
        "Subtract the mean first, and take the variance.",
        instead=lambda x, scale, shift: (
            scale * x / (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt() + shift
        ),
    ),
    Wrong(
        "You subtract the mean and divide by nothing. Divide by the root of the variance plus 1e-5.",
        " / (variance + 1e-5).sqrt()",
        "",
    ),
    Wrong(
        "You multiply by the root of the variance. Divide by it.",
        "centred / (variance",
        "centred * (variance",
    ),
    Wrong(
        "You divide by the mean distance from the mean. Divide by the root of the mean squared "
        "distance.",
        "(variance + 1e-5).sqrt()",
        "(centred.abs().mean(dim=-1, keepdim=True) + 1e-5)",
    ),
    Wrong(
        "You take 1e-5 or the variance, whichever is larger. Add the 1e-5 to the variance.",
        "(variance + 1e-5)",
        "variance.clamp(min=1e-5)",
    ),
    Wrong(
        "Only x is divided, before the mean is subtracted: x / root - mean. Put parentheses around x - mean.",
        "centred / (variance + 1e-5).sqrt()",
        "(x / (variance + 1e-5).sqrt() - x.mean(dim=-1, keepdim=True))",
    ),
    Wrong(
        "Only the mean is divided: x - mean / root. Put parentheses around x - mean.",
        "centred / (variance + 1e-5).sqrt()",
        "(x - x.mean(dim=-1, keepdim=True) / (variance + 1e-5).sqrt())",
    ),
    Wrong(
        "The median is subtracted. Subtract the mean.",
        "x - x.mean(dim=-1, keepdim=True)",
        "x - x.median(dim=-1, keepdim=True).values",
    ),
    Wrong(
        "x is multiplied by the scale before it is normalised, which takes the scale out again. Normalise first.",
        instead=lambda x, scale, shift: over(-1, scale * x, torch.ones_like(scale), shift),
    ),
    Wrong(
        "Scale and shift come before the normalising, which takes them out again. Normalise first, then scale and "
        "shift.",
        instead=lambda x, scale, shift: over(-1, scale * x + shift, torch.ones(()), 0.0),
    ),
    Wrong(
        "The shift is subtracted. Add it.",
        " + shift",
        " - shift",
    ),
    Wrong(
        "Scale and shift have no effect. Multiply by the scale after normalising, and add the shift.",
        "scale * centred / (variance + 1e-5).sqrt() + shift",
        "centred / (variance + 1e-5).sqrt()",
    ),
    Wrong(
        "You give a softmax. Subtract the mean, and divide by the root of the variance plus 1e-5.",
        "centred / (variance + 1e-5).sqrt()",
        "x.softmax(dim=-1)",
    ),
    Wrong(
        "You subtract x from the mean. Subtract the mean from x.",
        "centred = x - x.mean(dim=-1, keepdim=True)",
        "centred = x.mean(dim=-1, keepdim=True) - x",
    ),
    Wrong(
        "The mean is added to x. Subtract it.",
        "x - x.mean",
        "x + x.mean",
    ),
    Wrong(
        "The scale is added, and the shift too. Multiply by the scale.",
        "scale * centred / (variance + 1e-5).sqrt()",
        "scale + centred / (variance + 1e-5).sqrt()",
    ),
    Wrong(
        "The root is taken of the squared variance, which is the variance again. Divide by the root of the variance "
        "plus 1e-5.",
        "(variance + 1e-5)",
        "(variance**2 + 1e-5)",
    ),
    Wrong(
        "Mean and variance go over all vectors, for each of the C numbers by itself: that is a batch norm. Each "
        "vector is normalised over its own C numbers: dim=-1.",
        instead=lambda x, scale, shift: over(0, x.reshape(-1, x.shape[-1]), scale, shift).view(
            x.shape
        ),
    ),
    Wrong(
        "Mean and variance go over all vectors, for each of the C numbers by itself: that is a batch norm. Each "
        "vector is normalised over its own C numbers: dim=-1.",
        instead=lambda x, scale, shift: (
            over(0, x.reshape(-1, x.shape[-1]), scale, shift).view(x.shape)
            if x.dim() > 1
            else layer_norm(x, scale, shift)
        ),
    ),
    Wrong(
        "The scale counts without its sign. Multiply by it as it is: it may be below 0.",
        "scale * centred",
        "scale.abs() * centred",
    ),
    Wrong(
        "Normalised numbers are cut off at 3 and -3. Leave them as they are.",
        "scale * centred / (variance + 1e-5).sqrt()",
        "scale * (centred / (variance + 1e-5).sqrt()).clamp(-3, 3)",
    ),
    Wrong(
        "Your scale is 1 + scale. Multiply by the scale itself.",
        "scale * centred",
        "(1 + scale) * centred",
    ),
    Wrong(
        "All numbers get the first scale. Each of the C numbers has its own.",
        "scale * centred",
        "scale[0] * centred",
    ),
    Wrong(
        "All numbers get the first shift. Each of the C numbers has its own.",
        " + shift",
        " + shift[0]",
    ),
    Wrong("You divide by the scale. Multiply by it.", "scale * centred", "1 / scale * centred"),
    Wrong(
        "Numbers below 0 become 0 at the end. Leave them: a layer norm has no such bend.",
        "return scale * centred / (variance + 1e-5).sqrt() + shift",
        "return (scale * centred / (variance + 1e-5).sqrt() + shift).relu()",
    ),
    Wrong(
        "You divide by the largest distance from the mean. Divide by the root of the variance plus 1e-5.",
        "(variance + 1e-5).sqrt()",
        "(centred.abs().amax(dim=-1, keepdim=True) + 1e-5)",
    ),
    Wrong(
        "Only the mean is divided: x - mean / root. Put parentheses around x - mean.",
        "scale * centred",
        "scale * x - x.mean(dim=-1, keepdim=True)",
    ),
    Wrong(
        "x is added to the result. Give the normalised numbers alone; the residual is added elsewhere.",
        "+ shift",
        "+ shift + x",
    ),
    Wrong(
        "You divide by the squared variance. Divide by its square root.",
        "(variance + 1e-5).sqrt()",
        "(variance + 1e-5) ** 2",
    ),
    Wrong(
        "You divide by the fourth root of the variance: a root is taken twice. Take it once.",
        "(variance + 1e-5).sqrt()",
        "(variance.sqrt() + 1e-5).sqrt()",
    ),
)


def by_pytorch(x, scale, shift):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], scale, shift, eps=1e-5)


def in_place(x, scale, shift):
    x -= x.mean(dim=-1, keepdim=True)
    x *= (x.var(dim=-1, keepdim=True, correction=0) + 1e-5).rsqrt()
    x *= scale
    x += shift
    return x


def one_by_one(x, scale, shift):
    out = []
    for row in x.reshape(-1, x.shape[-1]).tolist():
        mean = sum(row) / len(row)
        variance = sum((number - mean) ** 2 for number in row) / len(row)
        out.append([(number - mean) / (variance + 1e-5) ** 0.5 for number in row])
    return torch.tensor(out).view(x.shape) * scale + shift


def in_double(x, scale, shift):
    wide = x.double()
    variance, mean = torch.var_mean(wide, -1, correction=0)
    normed = (wide - mean[..., None]) / torch.sqrt(variance + 1e-5)[..., None]
    return torch.addcmul(shift.double(), normed, scale.double())


RIGHT = (by_pytorch, in_place, one_by_one, in_double)
