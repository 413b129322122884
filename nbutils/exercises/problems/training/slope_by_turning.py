"""The slope of every knob, by trying

Training must know for every knob whether the loss rises or falls when that knob is turned, and how
fast. You can find out without any formula: turn one knob up, then down, and compare the two losses.
This is slow, because every knob needs two runs of the network. But it works for any loss, so it is
how people test a gradient that was computed in another way.
"""

from collections.abc import Callable

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 15


def slope_by_turning(loss: Callable, w: torch.Tensor, turn: float) -> torch.Tensor:
    """The slope of the loss for each knob: that knob is turned alone, once up and once down.

    Args:
        loss: a function; given a tensor of w's shape it gives the loss, a tensor of one number.
        w: the knobs, of any shape. It may require gradients. It is left as it was.
        turn: how far each knob is turned up, and how far down; positive, and not always small.

    Returns:
        A tensor of w's shape: how much larger the loss is with the knob turned up than with it
        turned down, divided by the distance between these two settings of the knob.
    """
    slopes = []
    for i in range(w.numel()):
        turned = torch.zeros_like(w)
        turned.view(-1)[i] = turn
        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))
    return torch.stack(slopes).view(w.shape)


def squares(w):
    return (w.double() ** 2).sum()


def cubes(w):
    return (w.double() ** 3).sum()


def neighbours(w):
    knobs = w.double().flatten()
    return (knobs**3).sum() + (knobs[:-1] * knobs[1:]).sum()


def cases(given):
    settings = (-1.25, -0.75, -0.5, 0.5, 0.75, 1.25)

    def knobs(*shape):
        return torch.tensor(given.sample(settings, np.prod(shape)), dtype=given.dtype).view(shape)

    return [
        Case("one knob and its square", squares, knobs(1), 0.5),
        Case("a loss that bends differently on the two sides", cubes, knobs(1), 1.0),
        Case("three knobs, each turned alone", cubes, knobs(3), 1.0),
        Case("knobs that act together, so each must be turned back", neighbours, knobs(4), 0.5),
        Case("a table of knobs", neighbours, knobs(2, 3), 1.0),
        Case("knobs that require gradients", neighbours, knobs(3).requires_grad_(), 1.0),
    ]


HINTS = (
    "Begin with a single knob: what is the loss at w + turn, what at w - turn, and how far apart "
    "are these two places?",
    "For several knobs make a tensor of zeros of w's shape, put `turn` at one place, and add it "
    "to w: this leaves w as it was.",
    "`w.numel()` is how many knobs there are, and `t.view(-1)[i]` the i-th number of a tensor t "
    "of any shape.",
    "Collect the slopes in a list; `torch.stack(slopes).view(w.shape)` gives them w's shape.",
)
WHY = """
Turning a knob up only, or down only, mixes the slope with the bend of the loss: the error is about
as large as the turn. With both sides the bends cancel, and the error is about as large as the turn
squared. Each knob begins from the same w: what the slope of one knob is depends on where the others
stand.
"""


def in_place(loss, w, turn):
    slopes, knobs = [], w.view(-1)
    for i in range(len(knobs)):
        before = knobs[i].item()
        knobs[i] = before + turn
        up = loss(w)
        knobs[i] = before - turn
        slopes.append((up - loss(w)) / (2 * turn))
        knobs[i] = before
    return torch.stack(slopes).view(w.shape)


def in_place_and_left(loss, w, turn):
    slopes, knobs = [], w.view(-1)
    for i in range(len(knobs)):
        knobs[i] += turn
        up = loss(w)
        knobs[i] -= 2 * turn
        slopes.append((up - loss(w)) / (2 * turn))
    return torch.stack(slopes).view(w.shape)


def copy_and_left(loss, w, turn):
    return in_place_and_left(loss, w.detach().clone(), turn)


def by_rows(loss, w, turn):
    slopes = []
    for i in range(len(w)):
        turned = torch.zeros_like(w)
        turned[i] = turn
        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))
    return torch.stack(slopes)


def by_autograd(loss, w, turn):
    w = w.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(w), w)[0]


WRONG = (
    Wrong(
        "The knob is turned up only. Compare the loss with the knob turned up to that with it "
        "turned down.",
        "(loss(w + turned) - loss(w - turned)) / (2 * turn)",
        "(loss(w + turned) - loss(w)) / turn",
    ),
    Wrong(
        "The knob is turned down only. Compare the loss with the knob turned up to that with it "
        "turned down.",
        "(loss(w + turned) - loss(w - turned)) / (2 * turn)",
        "(loss(w) - loss(w - turned)) / turn",
    ),
    Wrong(
        "Your slopes are twice too large: the two settings of the knob are two turns apart.",
        "(2 * turn)",
        "turn",
    ),
    Wrong(
        "The difference is divided by 2 and then multiplied by the turn. Divide by the whole "
        "product: put 2 * turn in parentheses.",
        "(2 * turn)",
        "2 * turn",
    ),
    Wrong(
        "The difference of the losses is divided by 2, but not by the turn. The two settings are "
        "2 * turn apart: divide by that.",
        "(2 * turn)",
        "2",
    ),
    Wrong(
        "The difference of the two losses isn't divided by anything. Divide it by the distance "
        "between the two settings.",
        "(2 * turn)",
        "1",
    ),
    Wrong(
        "All your slopes have the wrong sign: a slope is positive where the loss rises as the "
        "knob is turned up.",
        "loss(w + turned) - loss(w - turned)",
        "loss(w - turned) - loss(w + turned)",
    ),
    Wrong(
        "All knobs are turned at once, so every slope is the same. Turn one, and leave the others "
        "at w.",
        "turned.view(-1)[i] = turn",
        "turned += turn",
    ),
    Wrong(
        "A knob stays turned while the next one is tried: your turns are collected in one tensor. "
        "Begin with new zeros for each knob.",
        "    for i in range(w.numel()):\n        turned = torch.zeros_like(w)\n",
        "    turned = torch.zeros_like(w)\n    for i in range(w.numel()):\n",
    ),
    Wrong(
        "A knob stays turned down while the next one is tried. Put each knob back to where it was "
        "before you turn another.",
        instead=copy_and_left,
    ),
    Wrong(
        "Your function turns the knobs of w itself and doesn't turn them back. Begin with an "
        "unchanged copy of w for each knob.",
        instead=in_place_and_left,
    ),
    Wrong(
        "Your function stops at knobs that require gradients: these can't be changed in place, "
        "nor be made an array. Work on a copy, w.detach().clone(), or make new tensors.",
        instead=in_place,
    ),
    Wrong(
        "In a table you turn a whole row at once. Each number of w is a knob with a slope of its "
        "own.",
        instead=by_rows,
    ),
    Wrong(
        "Your slopes stand in one row. Give them the shape of w.",
        ".view(w.shape)",
        "",
    ),
    Wrong(
        "This is the exact slope at w, as autograd gives it; it doesn't depend on the turn. Here "
        "the knob is to be turned as far as `turn` says, up and down.",
        instead=by_autograd,
    ),
)


def in_place_and_back(loss, w, turn):
    slopes = torch.zeros_like(w)
    with torch.no_grad():
        for place in np.ndindex(*w.shape):
            before = w[place].item()
            w[place] = before + turn
            up = loss(w).item()
            w[place] = before - turn
            slopes[place] = (up - loss(w).item()) / (2 * turn)
            w[place] = before
    return slopes


def on_copies(loss, w, turn):
    slopes = []
    for i in range(w.numel()):
        up, down = (w.detach().double().flatten().clone() for _ in range(2))
        up[i] += turn
        down[i] -= turn
        high, low = loss(up.view_as(w)).item(), loss(down.view_as(w)).item()
        slopes.append((high - low) / (up[i] - down[i]).item())
    return torch.tensor(slopes).reshape(w.shape)


def from_all_turns(loss, w, turn):
    turns = turn * torch.eye(w.numel(), dtype=w.dtype).view(-1, *w.shape)
    return torch.stack([loss(w + t) / turn / 2 - loss(w - t) / turn / 2 for t in turns]).view_as(w)


RIGHT = (in_place_and_back, on_copies, from_all_turns)
