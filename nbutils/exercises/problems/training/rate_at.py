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
        Case("a warm-up that is still below the lowest rate", 1, 12, 4, 10.0, 5.0),
        Case("the last step", 11, 12, 4, 10.0, 2.0),
        Case("step number `steps`, one after the last", 12, 12, 4, 10.0, 2.0),
        Case("a warm-up that leaves a single step", 3, 4, 3, 10.0, 2.0),
        Case("rates as small as GPT-3's", 8, 12, 4, 6e-4, 6e-5),
        Case("a step inside a long warm-up", 123, 6_000, 200, 0.25, 0.75),
        Case("a step on the way down of a long run", 4_242, 6_000, 200, 500.0, 30.0),
        Case("a step far behind the end", 10_000_000, 7, 0, 1.0, 0.25),
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


def between(left, highest, lowest):
    return lowest + left * (highest - lowest)


def half_a_cosine(done):
    return (1 + math.cos(math.pi * done)) / 2


def other_way_down(left, ends, mixed=between):
    """The answer with another share of the way that is left, as a function of the one that is done.

    ends: whether it gives `lowest` from step number `steps` on, whatever the curve is there.
    mixed: what it makes of that share and the two rates.
    """

    def rate(step, steps, warmup, highest, lowest):
        if step < warmup:
            return rate_at(step, steps, warmup, highest, lowest)
        if ends and step >= steps:
            return lowest
        done = min(1.0, (step - warmup) / (steps - warmup))
        return mixed(left(done), highest, lowest)

    return rate


def divided_by_steps(step, steps, warmup, highest, lowest):
    if warmup <= step < steps:
        return rate_at(step - warmup, steps, 0, highest, lowest)
    return rate_at(step, steps, warmup, highest, lowest)


def half_added(step, steps, warmup, highest, lowest):
    done = max(0.0, min(1.0, (step - warmup) / (steps - warmup)))
    down = lowest + 1 + math.cos(math.pi * done) / 2 * (highest - lowest)
    return down if step >= warmup else rate_at(step, steps, warmup, highest, lowest)


WRONG = (
    Wrong(
        "There is no warm-up: the first steps are on the cosine. Where step < warmup, let the rate rise.",
        "    if step < warmup:\n        return highest * (step + 1) / (warmup + 1)\n",
        "",
    ),
    Wrong(
        "There is no warm-up: the rate falls from step 0 on. Where step < warmup, let the rate rise; "
        "the way down begins after that.",
        instead=lambda step, steps, warmup, *rates: rate_at(step, steps, 0, *rates),
    ),
    Wrong(
        "In the warm-up your rate is never below the lowest one. `lowest` plays no part there.",
        "highest * (step + 1) / (warmup + 1)",
        "max(lowest, highest * (step + 1) / (warmup + 1))",
    ),
    Wrong(
        "In the warm-up you add the lowest rate. It plays no part there: step 0 has highest / (warmup + 1).",
        "highest * (step + 1) / (warmup + 1)",
        "lowest + highest * (step + 1) / (warmup + 1)",
    ),
    Wrong(
        "Every step of your warm-up has the same rate. Step 0 has one part of it, step 1 two, and so "
        "on: multiply by step + 1.",
        "highest * (step + 1)",
        "highest",
    ),
    *(
        Wrong(
            "Your warm-up rises too slowly: it is divided by the steps of the whole run. Divide by "
            "warmup + 1.",
            "highest * (step + 1) / (warmup + 1)",
            f"highest * (step + 1) / {divisor}",
        )
        for divisor in ("steps", "(steps + 1)")
    ),
    Wrong(
        "Your warm-up's rate is 0 at every step. Let it rise: highest * (step + 1) / (warmup + 1), "
        "with / and not //.",
        "highest * (step + 1) / (warmup + 1)",
        "highest * ((step + 1) // (warmup + 1))",
    ),
    Wrong(
        "Your warm-up stays at the lowest rate. Let it rise: highest * (step + 1) / (warmup + 1).",
        "highest * (step + 1) / (warmup + 1)",
        "lowest",
    ),
    Wrong(
        "Your warm-up starts from the lowest rate. It should rise in equal steps as if from 0.",
        "highest * (step + 1) / (warmup + 1)",
        "lowest + (highest - lowest) * step / warmup",
    ),
    *(
        Wrong(
            "Your warm-up rises along a curve. It rises in equal steps: highest * (step + 1) / "
            "(warmup + 1).",
            "highest * (step + 1) / (warmup + 1)",
            new,
        )
        for new in (
            "highest * ((step + 1) / (warmup + 1)) ** 2",
            "highest * (1 - math.cos(math.pi * (step + 1) / (warmup + 1))) / 2",
            "highest / (warmup + 1 - step)",
        )
    ),
    Wrong(
        "Your warm-up ends one step early: step number warmup - 1 belongs to it. Ask for step < "
        "warmup.",
        "if step < warmup:",
        "if step + 1 < warmup:",
    ),
    Wrong(
        "Your warm-up rises to the lowest rate. It rises to the highest.",
        "highest * (step + 1) / (warmup + 1)",
        "lowest * (step + 1) / (warmup + 1)",
    ),
    Wrong(
        "The two rates are exchanged: the warm-up rises to `highest`, the way down ends at `lowest`.",
        instead=lambda step, steps, warmup, highest, lowest: rate_at(
            step, steps, warmup, lowest, highest
        ),
    ),
    Wrong(
        "The share that is done is a whole number, since // rounds down. Divide with /.",
        "(step - warmup) / (steps",
        "(step - warmup) // (steps",
    ),
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
        "Your way down is as long as the whole run, so it is not at the lowest rate when the run "
        "ends. It has only the steps after the warm-up: divide by steps - warmup.",
        instead=divided_by_steps,
    ),
    Wrong(
        "Your way down is one step too short: the lowest rate belongs to step number steps.",
        "(steps - warmup)",
        "(steps - warmup - 1)",
    ),
    Wrong(
        "Your way down is one step ahead: step number warmup still has the highest rate.",
        "step - warmup) /",
        "step - warmup + 1) /",
    ),
    Wrong(
        "Your way down is one step behind: step number warmup has the highest rate, the next one "
        "less.",
        "step - warmup) /",
        "max(0, step - warmup - 1)) /",
    ),
    Wrong(
        "The last step has the lowest rate already. That belongs to step number steps, one after "
        "the last.",
        "    done =",
        "    if step >= steps - 1:\n        return lowest\n    done =",
    ),
    Wrong(
        "The rate falls along a straight line. Use half of 1 + cos(pi * done) for what is left.",
        "(1 + math.cos(math.pi * done)) / 2",
        "(1 - done)",
    ),
    *(
        Wrong(
            "The rate falls along a parabola or a root. Use half of 1 + cos(pi * done) for what is "
            "left.",
            "(1 + math.cos(math.pi * done)) / 2",
            curve,
        )
        for curve in ("(1 - done) ** 2", "(1 - done) ** 0.5", "(1 - done**2)")
    ),
    *(
        Wrong(
            "Your cosine has lost its sign (an abs), so the rate falls and climbs again. Take half of "
            "1 + cos(pi * done).",
            instead=other_way_down(lambda done: abs(math.cos(math.pi * done)), ends),
        )
        for ends in (True, False)
    ),
    *(
        Wrong(
            "The rate falls exponentially. Use half of 1 + cos(pi * done) for what is left.",
            instead=other_way_down(lambda done, speed=speed: math.exp(-speed * done), ends),
        )
        for speed in (1, 2, 3, 4, 5, 10)
        for ends in (True, False)
    ),
    Wrong(
        "The rate falls exponentially. Use half of 1 + cos(pi * done) for what is left.",
        "lowest + (1 + math.cos(math.pi * done)) / 2 * (highest - lowest)",
        "highest * (lowest / highest) ** done",
    ),
    *(
        Wrong(
            "Your curve is a sine. Use the cosine: half of 1 + cos(pi * done) for what is left.",
            instead=other_way_down(left, ends),
        )
        for left in (
            lambda done: (1 + math.sin(math.pi * done)) / 2,
            lambda done: math.sin(math.pi * done),
            lambda done: 1 - math.sin(math.pi * done / 2),
        )
        for ends in (True, False)
    ),
    Wrong(
        "Your cosine goes from 1 to -1, so the rate falls too far. Add 1 and halve it.",
        "(1 + math.cos(math.pi * done)) / 2",
        "math.cos(math.pi * done)",
    ),
    Wrong(
        "Your cosine goes from 1 to -1, so the rate falls below the lowest one and jumps back to it "
        "at the end. Add 1 and halve it.",
        instead=other_way_down(lambda done: math.cos(math.pi * done), ends=True),
    ),
    Wrong(
        "Your way down begins at twice its height: 1 + cosine is 2 there. Halve it.",
        "(1 + math.cos(math.pi * done)) / 2",
        "(1 + math.cos(math.pi * done))",
    ),
    *(
        Wrong(
            "You halve only the cosine. Halve the sum: (1 + cos(pi * done)) / 2, with the "
            "parentheses.",
            instead=function,
        )
        for function in (
            half_added,
            *(
                other_way_down(lambda done: 1 + math.cos(math.pi * done) / 2, ends)
                for ends in (True, False)
            ),
        )
    ),
    Wrong(
        "This is a quarter of a cosine wave, from 1 to 0. Take half a wave, cos(pi * done), and "
        "bring it to the range from 1 to 0.",
        "(1 + math.cos(math.pi * done)) / 2",
        "math.cos(math.pi * done / 2)",
    ),
    *(
        Wrong(
            "Your cosine goes through a whole wave, so the rate falls and climbs again. Half a wave "
            "is cos(pi * done).",
            instead=other_way_down(lambda done: (1 + math.cos(2 * math.pi * done)) / 2, ends),
        )
        for ends in (True, False)
    ),
    *(
        Wrong(
            "Your cosine is given degrees; math.cos takes radians: pi at the end, not 180.",
            instead=other_way_down(lambda done: (1 + math.cos(180 * done)) / 2, ends),
        )
        for ends in (True, False)
    ),
    *(
        Wrong(
            "The pi is missing: your cosine goes only from 1 to 0.54. Take cos(pi * done).",
            instead=other_way_down(lambda done: (1 + math.cos(done)) / 2, ends),
        )
        for ends in (True, False)
    ),
    Wrong(
        "Your way down goes up: it begins at the lowest rate. What is left is half of 1 + cos(pi * "
        "done), with done from 0 to 1.",
        "1 + math.cos",
        "1 - math.cos",
    ),
    Wrong(
        "Your way down goes up, from the lowest rate nearly to the highest. What is left is half of "
        "1 + cos(pi * done), with done from 0 to 1.",
        instead=other_way_down(lambda done: (1 - math.cos(math.pi * done)) / 2, ends=True),
    ),
    Wrong(
        "The lowest rate is used only at the end: before, your rate falls toward 0, and then it "
        "jumps. Let the cosine multiply highest - lowest, and add lowest.",
        instead=other_way_down(half_a_cosine, True, lambda left, highest, _: left * highest),
    ),
    Wrong(
        "`lowest` is not added: your rate begins at highest - lowest. Add it to the part that "
        "shrinks.",
        instead=other_way_down(
            half_a_cosine, True, lambda left, highest, lowest: left * (highest - lowest)
        ),
    ),
    *(
        Wrong(
            "The cosine is halved twice, so the way down begins half as high. Halve 1 + cosine once.",
            instead=other_way_down(lambda done: half_a_cosine(done) / 2, ends),
        )
        for ends in (True, False)
    ),
    *(
        Wrong(
            "The part that shrinks goes below the lowest rate. Add it: lowest + left * (highest - "
            "lowest).",
            instead=other_way_down(
                half_a_cosine,
                ends,
                lambda left, highest, lowest: lowest - left * (highest - lowest),
            ),
        )
        for ends in (True, False)
    ),
    *(
        Wrong(
            "You let the sum of the two rates shrink. Let the cosine multiply their difference, "
            "highest - lowest.",
            instead=other_way_down(
                half_a_cosine,
                ends,
                lambda left, highest, lowest: lowest + left * (highest + lowest),
            ),
        )
        for ends in (True, False)
    ),
    Wrong(
        "`lowest` is not added: your rate falls from highest - lowest to 0. Add it to the part "
        "that shrinks.",
        "lowest + (1",
        "(1",
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
    Wrong(
        "After step number steps your rate is 0. It stays at the lowest rate.",
        "    return lowest + ",
        "    if step > steps:\n        return 0.0\n    return lowest + ",
    ),
    Wrong(
        "Your way down is one step too long: step number steps has the lowest rate.",
        "(steps - warmup)",
        "(steps - warmup + 1)",
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
