"""A learning rate for every step

At the beginning a network's slopes change quickly, and a large step would lead astray. So the rate
climbs during a warm-up. Near the end it falls along half a cosine, so that the weights can settle.
GPT-3 was trained with such a curve.
"""

import math

import numpy as np

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 15


def rate_at(step: int, steps: int, warmup: int, highest: float, lowest: float) -> float:
    """The learning rate of one step.

    In the warm-up, step 0 has highest / (warmup + 1), and every further step has that much more. So
    step number `warmup`, the first after the warm-up, has exactly `highest`. From there the rate
    falls along half a cosine, reaches `lowest` at step number `steps`, and stays there. `lowest`
    plays no part in the warm-up.

    Args:
        step: the number of the step, from 0. It may be larger than `steps`.
        steps: how many steps the whole run has.
        warmup: how many of them are the warm-up; from 0 to steps - 1.
        highest, lowest: learning rates, in any unit.

    Returns:
        The rate. After the warm-up, with `done` the share of the way down from 0 to 1, the share of
        the way that is left is half of 1 + cos(pi * done).
    """
    if step < warmup:
        return highest * (step + 1) / (warmup + 1)
    done = min(1.0, (step - warmup) / (steps - warmup))
    return lowest + (1 + math.cos(math.pi * done)) / 2 * (highest - lowest)


def cases(given):
    return [
        Case("the first step of a warm-up", 0, 12, 4, 10.0, 1.0),
        Case("the last step of a warm-up", 3, 12, 4, 10.0, 2.0),
        Case("the first step after the warm-up", 4, 12, 4, 10.0, 2.0),
        Case("a quarter of the way down", 6, 12, 4, 10.0, 0.0),
        Case("three quarters of the way down, to a rate that isn't 0", 10, 12, 4, 10.0, 2.0),
        Case("a run without warm-up", 3, 9, 0, 10.0, 2.0),
        Case("a step after the last one", 15, 12, 4, 10.0, 2.0),
        Case("a warm-up of three steps to a rate below 1", 1, 13, 3, 0.3, 0.1),
        Case("the way down from there", 8, 13, 3, 0.3, 0.1),
    ]


HINTS = (
    "There are two parts: `if step < warmup`, and the rest. Draw both on paper for a warm-up of 4 "
    "steps.",
    "In the warm-up: step 0 has one part of `warmup + 1`, step 1 has two, and so on.",
    "After it, `done = (step - warmup) / (steps - warmup)` goes from 0 to 1; `min` holds it there.",
    "`(1 + math.cos(math.pi * done)) / 2` goes from 1 to 0. Let the part of the rate above "
    "`lowest` shrink with it.",
)
WHY = """
Step 0 doesn't get a rate of 0, since it would be wasted; and the step after the warm-up has exactly
the highest rate. The cosine of 0 is 1, that of pi is -1. Half of 1 + cosine therefore goes from 1
to 0, slowly at both ends. It multiplies only the distance between the two rates, so that the end is
`lowest`.
"""
WRONG = (
    Wrong(
        "Your warm-up begins at 0, so the first step changes nothing. Step 0 has highest / "
        "(warmup + 1).",
        "highest * (step + 1) / (warmup + 1)",
        "highest * step / warmup",
    ),
    Wrong(
        "Your warm-up is one step behind: step 0 has a rate of 0. It should have highest / "
        "(warmup + 1).",
        "highest * (step + 1)",
        "highest * step",
    ),
    Wrong(
        "Your warm-up is at the highest rate one step too early: its last step has it already. "
        "Divide by warmup + 1.",
        "(step + 1) / (warmup + 1)",
        "(step + 1) / warmup",
    ),
    Wrong(
        "Your warm-up starts from the lowest rate. It should rise in equal steps as if from 0.",
        "highest * (step + 1) / (warmup + 1)",
        "lowest + (highest - lowest) * (step + 1) / (warmup + 1)",
    ),
    Wrong(
        "There is no warm-up: the first steps have the highest rate already. Where step < warmup, "
        "let the rate rise.",
        "highest * (step + 1) / (warmup + 1)",
        "highest",
    ),
    Wrong(
        "Your way down is counted from step 0. It begins after the warm-up: subtract warmup from "
        "step, and from steps.",
        "(step - warmup) / (steps - warmup)",
        "step / steps",
    ),
    Wrong(
        "Your way down is as long as the whole run. It has only the steps after the warm-up: "
        "divide by steps - warmup.",
        "(steps - warmup)",
        "steps",
    ),
    Wrong(
        "Your way down is one step too short: the lowest rate belongs to step number steps, one "
        "after the last.",
        "(steps - warmup)",
        "(steps - warmup - 1)",
    ),
    Wrong(
        "Your way down is one step ahead: step number warmup still has the highest rate.",
        "step - warmup) /",
        "step - warmup + 1) /",
    ),
    Wrong(
        "The rate falls along a straight line. Use half of 1 + cos(pi * done) for what is left.",
        "(1 + math.cos(math.pi * done)) / 2",
        "(1 - done)",
    ),
    Wrong(
        "Your cosine goes from 1 to -1, so the rate falls too far. Add 1 and halve it.",
        "(1 + math.cos(math.pi * done)) / 2",
        "math.cos(math.pi * done)",
    ),
    Wrong(
        "Your way down begins at twice its height: 1 + cosine is 2 there. Halve it.",
        "(1 + math.cos(math.pi * done)) / 2",
        "(1 + math.cos(math.pi * done))",
    ),
    Wrong(
        "This is a quarter of a cosine wave, from 1 to 0. Take half a wave, cos(pi * done), and "
        "bring it to the range from 1 to 0.",
        "(1 + math.cos(math.pi * done)) / 2",
        "math.cos(math.pi * done / 2)",
    ),
    Wrong(
        "Your cosine goes through a whole wave, so the rate is back at the top at the end. Half a "
        "wave is cos(pi * done).",
        "math.pi * done",
        "2 * math.pi * done",
    ),
    Wrong(
        "Your cosine is given degrees; math.cos takes radians: pi at the end, not 180.",
        "math.pi * done",
        "180 * done",
    ),
    Wrong(
        "Your way down goes up: it begins at the lowest rate. Add the cosine, don't subtract it.",
        "1 + math.cos",
        "1 - math.cos",
    ),
    Wrong(
        "The lowest rate is not used: yours falls to 0.",
        "lowest + (1 + math.cos(math.pi * done)) / 2 * (highest - lowest)",
        "(1 + math.cos(math.pi * done)) / 2 * highest",
    ),
    Wrong(
        "The lowest rate is added to a curve that begins at the highest one already. Let the "
        "cosine multiply only highest - lowest.",
        "(highest - lowest)",
        "highest",
    ),
    Wrong(
        "Yours takes the larger of the lowest rate and a cosine that falls to 0. The cosine itself "
        "should end at the lowest rate.",
        "lowest + (1 + math.cos(math.pi * done)) / 2 * (highest - lowest)",
        "max(lowest, (1 + math.cos(math.pi * done)) / 2 * highest)",
    ),
    Wrong(
        "After the last step your rate rises again. The share that is done is never more than 1.",
        "min(1.0, (step - warmup) / (steps - warmup))",
        "(step - warmup) / (steps - warmup)",
    ),
    Wrong(
        "After the last step your rate is 0. It stays at the lowest rate.",
        "    return lowest + ",
        "    if step >= steps:\n        return 0.0\n    return lowest + ",
    ),
)


def from_a_table(step, steps, warmup, highest, lowest):
    rise = [highest * (i + 1) / (warmup + 1) for i in range(warmup)]
    turns = [math.pi * i / (steps - warmup) for i in range(steps - warmup + 1)]
    fall = [(highest + lowest) / 2 + math.cos(turn) * (highest - lowest) / 2 for turn in turns]
    rates = rise + fall
    return rates[step] if step < len(rates) else rates[-1]


def with_a_sine(step, steps, warmup, highest, lowest):
    if step >= steps:
        return lowest
    if step >= warmup:
        done = (step - warmup) / (steps - warmup)
        return highest - (highest - lowest) * math.sin(math.pi / 2 * done) ** 2
    return (step + 1) * (highest / (warmup + 1))


def in_numpy(step, steps, warmup, highest, lowest):
    places = [0, warmup + 1, warmup + 1 + steps]
    rise = np.interp(step + 1, places, [0.0, highest, highest])
    left = np.cos(np.pi * np.clip((step - warmup) / (steps - warmup), 0, 1)) / 2 + 0.5
    return rise - (1 - left) * (highest - lowest)


RIGHT = (from_a_table, with_a_sine, in_numpy)
