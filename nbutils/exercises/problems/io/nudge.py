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
        logits: (V,), floats, as large as 1000 or as low as -1000.
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
    impossible = torch.tensor([0.0, -1000.0, 2.0], dtype=given.dtype)
    certain = torch.tensor([0.5, -1.0, 8.0], dtype=given.dtype)

    def of(*numbers):
        return torch.tensor(numbers, dtype=given.dtype)

    return [
        Case("two equal logits with one half each", even, 0, 3.0),
        Case("four different logits", given.normal(4), 2, 4.0),
        Case("the last token as the label", given.normal(5), 4, 6.0),
        Case("a small rate", given.normal(4), 1, 0.125),
        Case("a rate of 0", given.normal(3), 1, 0.0),
        Case("a label that was nearly certain", certain, 2, 4.0),
        Case("logits of about 1000", 1000 + given.normal(3), 0, 200.0),
        Case("a label that was held to be impossible", impossible, 1, 2.0),
        Case("logits of 1000 and -1000, the lower one as the label", of(-1000.0, 1000.0), 0, 2.5),
        Case(
            "the largest logit first, and the last as the label",
            of(1000.0, 0.0, 0.0, -1000.0),
            3,
            1.5,
        ),
        Case("two largest logits, and a label far below them", of(200.0, 200.0, 0.0), 2, 3.0),
        Case("a label whose probability a float can hardly hold", of(103.0, 0.0), 1, 2.0),
        Case("a vocabulary of one token", of(0.75), 0, 2.0),
        Case("a vocabulary of 200 tokens, and a large rate", 2 * given.normal(200), 150, 5000.0),
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


def of_small_probability(loss):
    def stepped(logits, label, rate):
        knobs = logits.detach().clone().requires_grad_()
        loss(knobs, label).backward()
        return (logits - rate * knobs.grad).detach()

    return stepped


def twice(logits, label):
    return -logits.softmax(dim=-1).log_softmax(dim=-1)[label]


def log_of_softmax(logits, label):
    return -logits.softmax(dim=-1)[label].log()


def with_a_little_more(logits, label):
    return -(logits.softmax(dim=-1)[label] + 1e-9).log()


WRONG = (
    Wrong(
        "Your logits come back as they were: no step is taken. Take rate times the gradient off "
        "them.",
        "logits - rate * slope",
        "logits.clone()",
    ),
    Wrong(
        "A label that was held to be impossible makes nan: its probability is 0 in a float, and you take "
        "the logarithm's gradient there. Use log_softmax or cross_entropy, or the formula.",
        instead=of_small_probability(log_of_softmax),
    ),
    Wrong(
        "A label that was held to be impossible is not nudged, since you keep its probability above a small "
        "number in the logarithm. Use log_softmax or cross_entropy, or the formula.",
        instead=of_small_probability(with_a_little_more),
    ),
    Wrong(
        "You take a softmax twice: cross_entropy and log_softmax take one themselves. Give them the logits.",
        instead=of_small_probability(twice),
    ),
    Wrong(
        "Your function gives the step, rate times the gradient. Give the logits after it: take it off them.",
        "return logits - rate * slope",
        "return rate * slope",
    ),
    Wrong(
        "You give the loss. Give the logits after a step.",
        instead=lambda logits, label, rate: -logits.log_softmax(dim=-1)[label],
    ),
    Wrong(
        "You give the probabilities. Give the logits after a step.",
        "return logits - rate * slope",
        "return logits.softmax(dim=-1)",
    ),
    Wrong(
        "The label counts from 1 in your function: you nudge the token before it. It counts from 0.",
        "slope[label] -= 1",
        "slope[label - 1] -= 1",
    ),
    Wrong(
        "You take the most probable token for the label. Nudge the token that really came: label.",
        "slope[label] -= 1",
        "slope[slope.argmax()] -= 1",
    ),
    Wrong(
        "You nudge the last token, whatever the label is. Use label.",
        "slope[label] -= 1",
        "slope[-1] -= 1",
    ),
    Wrong(
        "You take 1 off everywhere. Take it off at the label only.",
        "slope[label] -= 1",
        "slope -= 1",
    ),
    Wrong(
        "You take 1 off everywhere but at the label. Take it off at the label only.",
        "slope[label] -= 1",
        "slope -= 1.0 * (torch.arange(len(slope)) != label)",
    ),
    Wrong(
        "The label's logit stays as it is. Its gradient is p - 1: it rises.",
        "slope[label] -= 1",
        "slope[label] = 0",
    ),
    Wrong(
        "At the label you set the gradient to -1. It is p - 1: the probability counts too.",
        "slope[label] -= 1",
        "slope[label] = -1",
    ),
    Wrong(
        "At the label you set the gradient to 1, so the label falls. It is p - 1, below 0.",
        "slope[label] -= 1",
        "slope[label] = 1",
    ),
    Wrong(
        "You take rate off the softmax at the label, and then multiply by rate again. Take 1 off.",
        "slope[label] -= 1",
        "slope[label] -= rate",
    ),
    Wrong(
        "You step with the gradient of the probability, p times (1 - p) and the like. The loss is minus the "
        "logarithm of p: the softmax less 1 at the label.",
        "slope[label] -= 1",
        "slope = slope * (1 - slope)",
    ),
    Wrong(
        "You step with the gradient of the squared error. The loss is minus the logarithm of p: its "
        "gradient is the softmax less 1 at the label.",
        instead=of_small_probability(
            lambda logits, label: (
                (logits.softmax(-1) - (torch.arange(len(logits)) == label).to(logits)) ** 2
            ).sum()
        ),
    ),
    Wrong(
        "You take the logarithms of the probabilities for the gradient. It is the probabilities themselves, "
        "less 1 at the label.",
        "logits.softmax(dim=-1)",
        "logits.log_softmax(dim=-1)",
    ),
    Wrong(
        "You step with the gradient with respect to the probability, -1 / p. Go on to the logits: the "
        "softmax less 1 at the label.",
        "slope[label] -= 1",
        "slope = -1.0 * (torch.arange(len(slope)) == label) / slope[label]",
    ),
    Wrong(
        "You take the smallest logit off before e. Then the largest may still be far above 0 and "
        "overflow: take the largest off.",
        "logits.softmax(dim=-1)",
        "(logits - logits.min()).exp() / (logits - logits.min()).exp().sum()",
    ),
    Wrong(
        "You step with the gradient of the label's probability p, so that p falls. The loss is minus the "
        "logarithm of p: its gradient is the softmax less 1 at the label.",
        instead=of_small_probability(lambda logits, label: logits.softmax(dim=-1)[label]),
    ),
    Wrong(
        "You use a sigmoid for the softmax. The probabilities of all tokens sum to 1: use softmax.",
        "logits.softmax(dim=-1)",
        "logits.sigmoid()",
    ),
    Wrong(
        "You step twice. One step is enough.",
        "logits - rate * slope",
        "logits - 2 * rate * slope",
    ),
    Wrong(
        "You multiply the logits by rate. Multiply the gradient by it.",
        "logits - rate * slope",
        "rate * logits - slope",
    ),
    Wrong(
        "You multiply logits and step by rate. Multiply the gradient only.",
        "logits - rate * slope",
        "rate * (logits - slope)",
    ),
    Wrong(
        "Logits and step are exchanged: take the step off the logits.",
        "logits - rate * slope",
        "rate * slope - logits",
    ),
    Wrong(
        "You multiply the gradient by the loss. The gradient alone says how far to step.",
        "rate * slope",
        "rate * slope * -logits.log_softmax(dim=-1)[label]",
    ),
    Wrong(
        "You make the gradient's length 1. Its own length counts: a small error gives a small step.",
        "rate * slope",
        "rate * slope / slope.norm()",
    ),
    Wrong(
        "You take the maximum off the logits and give these. It is for the softmax only: step from the "
        "logits as they came.",
        "return logits - rate",
        "return logits - logits.max() - rate",
    ),
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
    Wrong(
        "Your label is one too high: ids count from 0, and label is such an id already.",
        "slope[label] -= 1",
        "slope[(label + 1) % len(slope)] -= 1",
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
