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
KEPT = ("w",)


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

    sixty = given.integers(-6, 6, 3, 4, 5).to(given.dtype) / 4
    return [
        Case("one knob and its square", squares, -knobs(1).abs(), 0.5),
        Case("a loss that bends differently on the two sides", cubes, knobs(1), 1.0),
        Case("three knobs, each turned alone", cubes, knobs(3) + given.uniform(3) / 8, 1.0),
        Case("knobs that act together, so each must be turned back", neighbours, knobs(4), 0.5),
        Case("a table of knobs", neighbours, knobs(2, 3), 1.0),
        Case("knobs that require gradients", neighbours, knobs(2, 1, 2).requires_grad_(), 1.0),
        Case("one knob without dimensions", cubes, knobs(1)[0], 0.25),
        Case("sixty knobs, some of them at 0", neighbours, sixty, 0.375),
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


def by_rows_filled(loss, w, turn):
    rows = by_rows(loss, w, turn)
    return torch.stack([one.detach() * 0 + row for one, row in zip(w, rows, strict=True)])


def only_the_way_up_is_left(loss, w, turn):
    slopes, up = [], w.detach().clone()
    for i in range(w.numel()):
        down = w.detach().clone()
        up.view(-1)[i] += turn
        down.view(-1)[i] -= turn
        slopes.append((loss(up) - loss(down)) / (2 * turn))
    return torch.stack(slopes).view(w.shape)


def only_the_way_down_is_left(loss, w, turn):
    return only_the_way_up_is_left(loss, w, -turn)


def turned_by(tiny):
    return lambda loss, w, turn: slope_by_turning(loss, w, tiny)


def by_autograd(loss, w, turn):
    w = w.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(w), w)[0]


def in_one_tensor(loss, w, turn):
    up = down = w
    slopes = []
    for i in range(w.numel()):
        up.view(-1)[i] += turn
        down.view(-1)[i] -= turn
        slopes.append((loss(up) - loss(down)) / (2 * turn))
    return torch.stack(slopes).view(w.shape)


WRONG = (
    *(
        Wrong(
            "Your slopes are all 0: both losses are those of the same knobs. `up = w` is no copy, so "
            "turning it up and down turns it back; take w.detach().clone() for each.",
            instead=function,
        )
        for function in (lambda loss, w, turn: torch.zeros_like(w), in_one_tensor)
    ),
    Wrong(
        "The knob is turned up only. Compare the loss with the knob turned up to that with it "
        "turned down.",
        "(loss(w + turned) - loss(w - turned)) / (2 * turn)",
        "(loss(w + turned) - loss(w)) / turn",
    ),
    Wrong(
        "The knob is turned up only: your second loss is at w itself. Turn the knob down from w as "
        "far as you turned it up.",
        "loss(w - turned)",
        "loss(w)",
    ),
    Wrong(
        "The knob is turned down only. Compare the loss with the knob turned up to that with it "
        "turned down.",
        "(loss(w + turned) - loss(w - turned)) / (2 * turn)",
        "(loss(w) - loss(w - turned)) / turn",
    ),
    Wrong(
        "The knob is turned down only: your first loss is at w itself. Turn the knob up from w as "
        "far as you turn it down.",
        "loss(w + turned)",
        "loss(w)",
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
        "You get a single slope: all knobs are turned at once, or their slopes are added up. Turn "
        "one after the other, each alone, and give every one its slope.",
        instead=lambda loss, w, turn: (loss(w + turn) - loss(w - turn)) / (2 * turn),
    ),
    Wrong(
        "You multiply the knob by 1 + turn and 1 - turn. Turn it by `turn`: w + turn and w - turn.",
        "turned.view(-1)[i] = turn",
        "turned.view(-1)[i] = turn * w.view(-1)[i]",
    ),
    Wrong(
        "You multiply the knob by 1 + turn and 1 - turn. Turn it by `turn`: w + turn and w - turn.",
        "turned.view(-1)[i] = turn\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))",
        "turned.view(-1)[i] = turn * w.view(-1)[i]\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turned.sum()))",
    ),
    Wrong(
        "The knob is set to turn and to -turn, wherever it stood. Turn it from where it is: w + "
        "turn and w - turn.",
        "turned.view(-1)[i] = turn\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))",
        "turned.view(-1)[i] = 1\n"
        "        w0 = w * (1 - turned)\n"
        "        slopes.append((loss(w0 + turn * turned) - loss(w0 - turn * turned)) / (2 * turn))",
    ),
    Wrong(
        "The other knobs are 0 while one is turned. Leave them where they stand in w.",
        "turned.view(-1)[i] = turn\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))",
        "turned.view(-1)[i] = 1\n"
        "        w0, turned = w * turned, turn * turned\n"
        "        slopes.append((loss(w0 + turned) - loss(w0 - turned)) / (2 * turn))",
    ),
    Wrong(
        "Your loss is that of the turn alone: the knobs themselves, w, are missing. Try loss(w + "
        "turned) and loss(w - turned).",
        "loss(w + turned) - loss(w - turned)",
        "loss(turned) - loss(-turned)",
    ),
    Wrong(
        "You turn the knob by half a turn to each side. Turn it by a whole `turn` up and a whole "
        "one down, and divide by 2 * turn.",
        "turned.view(-1)[i] = turn\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / (2 * turn))",
        "turned.view(-1)[i] = turn / 2\n"
        "        slopes.append((loss(w + turned) - loss(w - turned)) / turn)",
    ),
    Wrong(
        "You turn the knob by half a turn to each side. Turn it by a whole `turn` up and a whole "
        "one down.",
        "turned.view(-1)[i] = turn",
        "turned.view(-1)[i] = turn / 2",
    ),
    Wrong(
        "You turn the knob twice as far as you should. Turn it by `turn` up and by `turn` down.",
        "turned.view(-1)[i] = turn",
        "turned.view(-1)[i] = 2 * turn",
    ),
    Wrong(
        "The slopes are divided by how many knobs there are. Each is the difference of two losses "
        "divided by 2 * turn alone.",
        "(2 * turn)",
        "(2 * turn * w.numel())",
    ),
    Wrong(
        "The difference is divided by the square of the turn. Divide it by 2 * turn, the distance "
        "between the two settings.",
        "(2 * turn)",
        "turn**2",
    ),
    Wrong(
        "The difference is divided by the knob. Divide it by 2 * turn, the distance between the two "
        "settings.",
        "(2 * turn)",
        "(2 * w.view(-1)[i])",
    ),
    Wrong(
        "Your slopes have lost their signs (an abs). A slope is negative where the loss falls as "
        "the knob is turned up.",
        "(loss(w + turned) - loss(w - turned))",
        "(loss(w + turned) - loss(w - turned)).abs()",
    ),
    Wrong(
        "The two losses are added. Subtract: the loss with the knob up less that with it down.",
        "loss(w + turned) - loss(w - turned)",
        "loss(w + turned) + loss(w - turned)",
    ),
    Wrong(
        "This is how the loss bends (its second derivative). The slope is the loss with the knob "
        "up less that with it down, divided by 2 * turn.",
        "(loss(w + turned) - loss(w - turned)) / (2 * turn)",
        "(loss(w + turned) - 2 * loss(w) + loss(w - turned)) / turn**2",
    ),
    Wrong(
        "A knob stays turned while the next one is tried: your turns are collected in one tensor. "
        "Begin with new zeros for each knob.",
        "    for i in range(w.numel()):\n        turned = torch.zeros_like(w)\n",
        "    turned = torch.zeros_like(w)\n    for i in range(w.numel()):\n",
    ),
    Wrong(
        "A knob stays turned up while the next one is tried. Put each knob back to where it was "
        "before you turn another.",
        instead=only_the_way_up_is_left,
    ),
    Wrong(
        "Where you turn down, the knobs before it are still turned down. Put each knob back to "
        "where it was before you turn another.",
        instead=only_the_way_down_is_left,
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
        "In a table you turn a whole row at once. Each number of w is a knob with a slope of its "
        "own: go through w.numel() knobs, with view(-1).",
        instead=by_rows_filled,
    ),
    Wrong(
        "Your slopes stand in one row. Give them the shape of w.",
        ".view(w.shape)",
        "",
    ),
    *(
        Wrong(
            "This is the exact slope at w, or nearly so, as autograd or a tiny turn gives it; it "
            "doesn't depend on `turn`. Turn the knob as far as `turn` says, up and down.",
            instead=function,
        )
        for function in (by_autograd, *map(turned_by, (1e-3, 1e-4, 1e-5)))
    ),
    Wrong(
        "Only the first knob has a slope. Is the return inside the loop?",
        "    return torch.stack(slopes).view(w.shape)",
        "        return slopes[0]",
    ),
    Wrong(
        "The last knob's slope is 0: your loop ends before it. range(n) goes to n - 1 by itself.",
        "torch.stack(slopes)",
        "torch.stack([*slopes[:-1], 0 * slopes[-1]])",
    ),
    Wrong(
        "The first knob's slope is 0. Knobs count from 0: begin the loop there.",
        "torch.stack(slopes)",
        "torch.stack([0 * slopes[0], *slopes[1:]])",
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
