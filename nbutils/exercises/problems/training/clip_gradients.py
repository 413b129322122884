"""Shorten a gradient that is too long

One unlucky batch can give a gradient ten times longer than usual. A single step along it can throw
the weights far away, and AdamW remembers it for a long time. So the gradient of all weights
together is looked at as one long arrow. If the arrow is too long, it is shortened, and its
direction is kept.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 4, 15


def clip_gradients(gradients: list[torch.Tensor], most: float) -> list[torch.Tensor]:
    """The gradients, shortened by one common factor if all together are longer than `most`.

    The length of all together is the Euclidean norm: the square root of the sum of the squares of
    all numbers in all tensors.

    Args:
        gradients: tensors of any shapes. They may all be 0.
        most: the greatest length allowed, more than 0.

    Returns:
        A list of tensors of the same shapes. If the length was above `most`, it is now `most`, and
        every number has been multiplied by the same factor. If not, the numbers are as they were.
    """
    length = torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()
    factor = most / length if length > most else 1.0
    return [g * factor for g in gradients]


def cases(given):
    def long(length, *shapes):
        """Tensors of these shapes, each of about this length."""
        signs = [given.integers(0, 1, *shape) * 2 - 1 for shape in shapes]
        numbers = [(1 + given.uniform(*s)) * sign for s, sign in zip(shapes, signs, strict=True)]
        return [(n * (length / n.double().norm())).to(given.dtype) for n in numbers]

    lengths = [10.0**i for i in (-3, -2, -1, 0, 1, 2, 3, 4)] * 5
    many = long(5000.0, (1000,)) + [long(one, (2, 3))[0] for one in lengths[1:]]
    return [
        Case("one gradient that is short enough", long(3.0, (4,)), 12.0),
        Case("one gradient that is too long", long(6.0, (4,)), 2.0),
        Case("two gradients, too long only together", long(3.0, (3,), (2, 4)), 3.6),
        Case("three gradients, short enough together", long(2.0, (3,), (2,), (5, 1)), 5.0),
        Case(
            "tensors of different lengths, one of them short",
            [*long(5.0, (2, 3)), *long(8.0, (5,)), *long(3.0, (1, 2)), *long(6.0, ())],
            4.0,
        ),
        Case(
            "gradients that are all 0",
            [torch.zeros(3, dtype=given.dtype), torch.zeros(2, 2, dtype=given.dtype)],
            2.0,
        ),
        Case("40 gradients of all sizes, one of 1,000 numbers", many, 0.25),
        Case("40 gradients whose length is allowed, though it is above 1,000", many, 1e6),
        Case("a single number", [-long(40.0, ())[0].abs()], 0.5),
    ]


HINTS = (
    "Two gradients with the lengths 3 and 4: how long is the arrow that has the numbers of both?",
    "Add up the squares of all numbers in all tensors first; take the root at the end, once.",
    "The factor is `most / length` if the length is above `most`, else 1.",
    "Multiply every tensor by the same factor, the short ones too.",
)
WHY = """
Squares add up, lengths don't: two gradients of the lengths 3 and 4 have the length 5 together. One
factor for all keeps the direction, so the step still goes down the slope. A factor for each tensor
would turn the arrow, and cutting off single large numbers would too.
"""


def squares_compared(gradients, most):
    square = sum((g**2).sum() for g in gradients)
    factor = most / square.sqrt() if square > most else 1.0
    return [g * factor for g in gradients]


def one_by_one(gradients, most):
    square, shortened = 0.0, []
    for g in gradients:
        square = square + (g**2).sum()
        length = square.sqrt()
        shortened.append(g * (most / length if length > most else 1.0))
    return shortened


WRONG = (
    Wrong(
        "Each gradient is shortened by itself. Compute one length from all of them, and one "
        "factor.",
        "    length = torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()\n"
        "    factor = most / length if length > most else 1.0\n"
        "    return [g * factor for g in gradients]",
        "    return [g * min(1.0, most / (g**2).sum().sqrt()) for g in gradients]",
    ),
    Wrong(
        "Each gradient is shortened by the length of those up to it. Compute the length of all of "
        "them first, in a loop of its own, then shorten them.",
        instead=one_by_one,
    ),
    Wrong(
        "Only numbers above most are cut off. This turns the arrow, and leaves large negative ones: "
        "multiply all numbers by one factor.",
        "[g * factor for g in gradients]",
        "[g.clamp(max=most) for g in gradients]",
    ),
    Wrong(
        "Single numbers are cut off at most. This turns the arrow: multiply all numbers by one "
        "factor.",
        "[g * factor for g in gradients]",
        "[g.clamp(-most, most) for g in gradients]",
    ),
    Wrong(
        "Only the gradients that are longer than most by themselves are shortened. One factor "
        "goes for all of them.",
        "g * factor for g",
        "g * factor if (g**2).sum().sqrt() > most else g for g",
    ),
    Wrong(
        "Gradients that are short enough are made longer. Leave them as they are.",
        "most / length if length > most else 1.0",
        "most / length.clamp(min=1e-30)",
    ),
    Wrong(
        "Every gradient is brought to the length most, and zeros become nan. Leave a gradient as "
        "it is if it is short enough.",
        "most / length if length > most else 1.0",
        "most / length",
    ),
    Wrong(
        "Gradients that are all 0 become nan: you divide by 0, their length. Divide only if the "
        "length is above most.",
        "if length > most else 1.0",
        "if length > most else length / length",
    ),
    Wrong(
        "Gradients that are short enough become 0. Leave them as they are.",
        "else 1.0",
        "else 0.0",
    ),
    Wrong(
        "Gradients that are too long are made 0. Shorten them: multiply all numbers by most / "
        "length.",
        "most / length if",
        "0.0 if",
    ),
    Wrong(
        "The length is taken from the first tensor alone. It is that of all together: add up the "
        "squares of all of them.",
        "torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()",
        "(gradients[0] ** 2).sum().sqrt()",
    ),
    Wrong(
        "The length is taken from the last tensor alone. It is that of all together: add up the "
        "squares in the loop, and begin with 0 before it.",
        "torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()",
        "(gradients[-1] ** 2).sum().sqrt()",
    ),
    Wrong(
        "Your length is the root of the mean of all squares. Take their sum: nothing is divided by "
        "how many numbers there are.",
        "torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()",
        "torch.cat([g.flatten() for g in gradients]).square().mean().sqrt()",
    ),
    Wrong(
        "You average the tensors' lengths. Add up the squares of all numbers, and take the root "
        "once.",
        "(g**2).sum() for g in gradients]).sum().sqrt()",
        "(g**2).sum().sqrt() for g in gradients]).mean()",
    ),
    Wrong(
        "The length is divided by how many tensors there are. It is the root of the sum of all "
        "squares, divided by nothing.",
        ".sum().sqrt()",
        ".sum().sqrt() / len(gradients)",
    ),
    Wrong(
        "You take the mean of the squares in each tensor. Take their sum.",
        "(g**2).sum() for",
        "(g**2).mean() for",
    ),
    Wrong(
        "Once all together are too long, each tensor is brought to the length most by itself. All "
        "are multiplied by one factor: most / length.",
        "[g * factor for g in gradients]",
        "[g * (most / (g**2).sum().sqrt() if length > most else 1.0) for g in gradients]",
    ),
    Wrong(
        "The numbers are added with their signs, so they cancel. Square each of them first.",
        "(g**2).sum() for g in gradients]).sum().sqrt()",
        "g.sum() for g in gradients]).sum()",
    ),
    Wrong(
        "The numbers are added before they are squared, so they cancel. Square each of them first.",
        "(g**2).sum() for",
        "g.sum() ** 2 for",
    ),
    Wrong(
        "Your condition is the wrong way round: short gradients are made longer, and long ones "
        "are left.",
        "length > most",
        "length < most",
    ),
    Wrong(
        "The lengths of the tensors are added up. Add the squares, and take the root once, at the "
        "end.",
        "(g**2).sum() for g in gradients]).sum().sqrt()",
        "(g**2).sum().sqrt() for g in gradients]).sum()",
    ),
    Wrong(
        "You take the longest tensor for the length of all. Add up the squares of all of them.",
        ".sum().sqrt()",
        ".max().sqrt()",
    ),
    Wrong(
        "You average the tensors' squares. Add them up.",
        ".sum().sqrt()",
        ".mean().sqrt()",
    ),
    Wrong(
        "The square root is missing: your length is the sum of the squares.",
        ".sum().sqrt()",
        ".sum()",
    ),
    Wrong(
        "You compare the sum of the squares to most. Compare its square root.",
        instead=squares_compared,
    ),
    Wrong(
        "Your factor is most divided by the square of the length. Take the root: most / length.",
        "most / length if",
        "most / length**2 if",
    ),
    *(
        Wrong(
            "Your factor is a power of most / length. Multiply by most / length itself.",
            "most / length if",
            f"(most / length) ** {power} if",
        )
        for power in (2, 0.5)
    ),
    *(
        Wrong(
            "Something is added to the length before you divide by it (an eps), so the gradients "
            "come out too short. Divide by the length itself, if it is above most.",
            "most / length if",
            f"most / (length + {eps}) if",
        )
        for eps in (1, 0.1, 1e-2, 1e-3)
    ),
    Wrong(
        "Your length is the sum of the numbers without their signs. Take the root of the sum of "
        "the squares.",
        "(g**2).sum() for g in gradients]).sum().sqrt()",
        "g.abs().sum() for g in gradients]).sum()",
    ),
    Wrong(
        "Your length is the largest single number. Take the root of the sum of all squares.",
        "(g**2).sum() for g in gradients]).sum().sqrt()",
        "g.abs().max() for g in gradients]).max()",
    ),
    Wrong(
        "A gradient that is too long gets the length 1. It should get the length most.",
        "most / length if",
        "1 / length if",
    ),
    Wrong(
        "A gradient that is too long is multiplied by most. Multiply it by most / length.",
        "most / length if",
        "most if",
    ),
    Wrong(
        "Your factor is the wrong way round: long gradients become longer. Divide most by the "
        "length.",
        "most / length if",
        "length / most if",
    ),
    Wrong(
        "You subtract the surplus length from every number. Multiply each number by most / length.",
        "[g * factor for g in gradients]",
        "[g - (length - most).clamp(min=0) * g.sign() for g in gradients]",
    ),
    Wrong(
        "You subtract the same from every number. Multiply each number by most / length.",
        "[g * factor for g in gradients]",
        "[g - (length - most).clamp(min=0) for g in gradients]",
    ),
    Wrong(
        "Your gradients come as one flat tensor. Give a list of tensors, each in its own shape.",
        "[g * factor for g in gradients]",
        "torch.cat([g.flatten() for g in gradients]) * factor",
    ),
    Wrong(
        "Your list stops after the first tensor. Is the return inside the loop? Give all of them.",
        "[g * factor for g in gradients]",
        "[g * factor for g in gradients[:1]]",
    ),
    Wrong(
        "The tensors that are longer than most are left out of your list. Give all of them, "
        "shortened by one factor.",
        "[g * factor for g in gradients]",
        "[g for g in gradients if (g**2).sum().sqrt() <= most]",
    ),
    Wrong(
        "Your function gives the length as well. Give the list of gradients alone.",
        "[g * factor for g in gradients]",
        "[g * factor for g in gradients], length",
    ),
    Wrong(
        "Your function gives the length as well. Give the list of gradients alone.",
        "[g * factor for g in gradients]",
        "length, [g * factor for g in gradients]",
    ),
    Wrong(
        "This is the length of all together. Give the gradients, in a list.",
        "[g * factor for g in gradients]",
        "length",
    ),
    Wrong(
        "This is what you multiply by. Give the gradients, in a list.",
        "[g * factor for g in gradients]",
        "factor",
    ),
    Wrong(
        "The last tensor is not in your length. Take the squares of all numbers in all tensors.",
        "for g in gradients]).sum()",
        "for g in gradients[: max(1, len(gradients) - 1)]]).sum()",
    ),
    Wrong(
        "The last tensor is not in your length. Take the squares of all numbers in all tensors.",
        "torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()",
        "sum((g**2).sum() for g in gradients[:-1]) ** 0.5",
    ),
)


def by_pytorch(gradients, most):
    knobs = [torch.zeros_like(g).requires_grad_() for g in gradients]
    for knob, g in zip(knobs, gradients, strict=True):
        knob.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(knobs, most)
    return [knob.grad for knob in knobs]


def as_one_arrow(gradients, most):
    arrow = torch.cat([g.flatten() for g in gradients]).double()
    arrow = arrow * min(1.0, most / (arrow.norm().item() + 1e-12))
    parts = arrow.split([g.numel() for g in gradients])
    return [part.view(g.shape) for part, g in zip(parts, gradients, strict=True)]


def in_place(gradients, most):
    square = 0.0
    for g in gradients:
        for number in g.flatten().tolist():
            square += number * number
    if square > most * most:
        for g in gradients:
            g.mul_(most / math.sqrt(square))
    return gradients


RIGHT = (by_pytorch, as_one_arrow, in_place)
