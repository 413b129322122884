"""One nudge

A network learns by small steps: for each of its numbers it finds out how the loss would grow if
that number grew, and moves it a little the other way. Here the numbers are the logits themselves.
The **gradient** of the loss has a simple form for them, and it shows what every label does to an
answer: it pulls one logit up and pushes all others down.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 30


def nudge(logits: torch.Tensor, label: int, rate: float) -> torch.Tensor:
    """Logits after one step of gradient descent.

    The loss is the cross-entropy: minus the natural logarithm of the probability that the softmax
    of the logits gives to the label.

    Args:
        logits: (V,), floats, as large as 1000.
        label: the token that really came, 0 to V - 1.
        rate: the learning rate, 0 or more: how far to step.

    Returns:
        (V,), floats: the logits minus ``rate`` times the loss's gradient with respect to them.
    """
    slope = logits.softmax(dim=-1)
    slope[label] -= 1
    return logits - rate * slope


def cases(given):
    even = torch.ones(2, dtype=given.dtype)
    certain = torch.tensor([0.5, -1.0, 8.0], dtype=given.dtype)
    return [
        Case("two equal logits with one half each", even, 0, 3.0),
        Case("four different logits", given.normal(4), 2, 4.0),
        Case("the last token as the label", given.normal(5), 4, 6.0),
        Case("a small rate", given.normal(4), 1, 0.125),
        Case("a rate of 0", given.normal(3), 1, 0.0),
        Case("a label that was nearly certain", certain, 2, 4.0),
        Case("logits of about 1000", 1000 + given.normal(3), 0, 200.0),
    ]


HINTS = (
    "Write the loss as $\\ln \\sum_j e^{z_j} - z_y$, where $y$ is the label. How fast does it "
    "grow with $z_y$, and how fast with another $z_i$?",
    "The first part grows with $z_i$ as fast as the probability $p_i$ says. The second falls with "
    "$z_y$, one for one, and doesn't know the others.",
    "So the gradient is the softmax, with 1 taken off at the label.",
    "A step goes against the gradient: the logits minus rate times it.",
)
WHY = """
The gradient is what the network said minus what it should have said: the softmax minus a row that
is 1 at the label. At the label that is $p - 1$, below 0, so the logit rises; elsewhere it is $p$,
above 0, so the logit falls. Together it sums to 0. The step is large where the answer was far off
and vanishes where it was right, so an answer that has been learned is left alone.
"""
WRONG = (
    Wrong(
        "You step uphill: the label's logit falls, and the loss grows. Subtract the step.",
        "logits - rate",
        "logits + rate",
    ),
    Wrong(
        "The label is treated like all other tokens, and falls. Take 1 off the softmax there: the "
        "gradient is the softmax minus a row that is 1 at the label.",
        "slope[label] -= 1",
        "slope[label] -= 0",
    ),
    Wrong(
        "You add 1 to the softmax at the label, so the label falls. Take 1 off there.",
        "slope[label] -= 1",
        "slope[label] += 1",
    ),
    Wrong(
        "Only the label's logit moves. The others have a gradient too, their probability: they "
        "must fall.",
        "slope[label] -= 1",
        "slope = (slope - 1) * (torch.arange(len(slope)) == label)",
    ),
    Wrong(
        "You raise the label's logit by rate, and leave the others. The gradient is the softmax "
        "with 1 taken off at the label: the others fall, and the label rises by less.",
        "slope[label] -= 1",
        "slope = -1.0 * (torch.arange(len(slope)) == label)",
    ),
    Wrong(
        "You raise the label's logit by rate and lower all others by rate. Each other falls by "
        "rate times its own probability.",
        "slope[label] -= 1",
        "slope = 1 - 2.0 * (torch.arange(len(slope)) == label)",
    ),
    Wrong(
        "Your function gives probabilities. Give the new logits, without a softmax after the step.",
        "logits - rate * slope",
        "(logits - rate * slope).softmax(dim=-1)",
    ),
    Wrong(
        "You nudge the probabilities. Subtract the step from the logits.",
        "logits - rate",
        "logits.softmax(dim=-1) - rate",
    ),
    Wrong(
        "rate is not used: multiply the gradient by it.",
        "rate * slope",
        "slope",
    ),
    Wrong(
        "You divide by rate; multiply the gradient by it.",
        "rate * slope",
        "slope / rate",
    ),
    Wrong(
        "You divide the gradient by V. The loss is that of one prediction: nothing is averaged "
        "over the vocabulary.",
        "rate * slope",
        "rate * slope / len(slope)",
    ),
    Wrong(
        "The softmax is missing: you take 1 off the logit, where it should be off the probability.",
        "logits.softmax(dim=-1)",
        "logits.clone()",
    ),
    Wrong(
        "Your function gives the gradient. Give the logits after the step.",
        "return logits - rate * slope",
        "return slope",
    ),
    Wrong(
        "Your function gives the step alone. Add it to the logits.",
        "return logits - rate * slope",
        "return -rate * slope",
    ),
    Wrong(
        "That is a step on the loss 1 - p: your gradient is too small by a factor of p, the "
        "label's probability. The loss is minus the logarithm of p.",
        "slope[label] -= 1",
        "slope = slope[label] * (slope - 1.0 * (torch.arange(len(slope)) == label))",
    ),
    Wrong(
        "Large logits make nan: e to the 1000 is infinite. Take the maximum off before e, or use "
        "torch.softmax.",
        "logits.softmax(dim=-1)",
        "logits.exp() / logits.exp().sum()",
    ),
    Wrong(
        "At the label you take 1 - p as the gradient, so the label falls. It is p - 1, below 0.",
        "slope[label] -= 1",
        "slope[label] = 1 - slope[label]",
    ),
    Wrong(
        "You take the loss itself off every logit. Each logit has a gradient of its own: how fast "
        "the loss grows with it.",
        instead=lambda logits, label, rate: logits + rate * logits.log_softmax(dim=-1)[label],
    ),
)


def by_backward(logits, label, rate):
    knobs = logits.clone().requires_grad_()
    torch.nn.functional.cross_entropy(knobs[None], torch.tensor([label])).backward()
    return (knobs - rate * knobs.grad).detach()


def one_by_one(logits, label, rate):
    z = logits.tolist()
    powers = [math.exp(one - max(z)) for one in z]
    p = [power / sum(powers) for power in powers]
    return [z[i] + rate * ((i == label) - p[i]) for i in range(len(z))]


def in_place(logits, label, rate):
    p = logits.double().softmax(dim=0)
    logits.sub_(rate * p)
    logits[label] += rate
    return logits


def toward_the_label(logits, label, rate):
    z = logits.double()
    certain = torch.nn.functional.one_hot(torch.tensor(label), len(z))
    return torch.lerp(z, z + certain - z.softmax(dim=0), float(rate))


RIGHT = (by_backward, one_by_one, in_place, toward_the_label)
