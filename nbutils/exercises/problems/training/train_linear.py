"""A whole training run

Forward, loss, gradient, step, and again: this loop trains every network. Here is the smallest one
that has all of it. One matrix gives each class a score, softmax makes probabilities of the scores,
and the mean cross-entropy says how wrong they are. You write the loop. The last layer of a GPT
learns in just this way, with a class for each token.
"""

import torch
import torch.nn.functional as F

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 40


def train_linear(x: torch.Tensor, y: torch.Tensor, V: int, steps: int, rate: float) -> torch.Tensor:
    """The weights of a softmax classifier after some steps of plain gradient descent from zeros.

    The logits are x @ w, without a bias. The loss is the mean cross-entropy of all N examples, in
    nats. Every step uses all of them at once: from w it takes the learning rate times the gradient
    of the loss at the present w.

    Args:
        x: (N, n), the inputs, floats.
        y: (N,), the right classes, whole numbers from 0 to V - 1. Some classes may not occur.
        V: how many classes there are.
        steps: how many steps; 0 gives the zeros.
        rate: the learning rate.

    Returns:
        w, (n, V), of x's dtype. It may require gradients.
    """
    w = x.new_zeros(x.shape[1], V)
    for _ in range(steps):
        p = (x @ w).softmax(dim=1)  # (N, V)
        d_logits = (p - F.one_hot(y, V)) / len(y)
        w = w - rate * x.T @ d_logits
    return w


def cases(given):
    N, n, V = 6, 3, 4

    def inputs(*shape):
        signs = given.integers(0, 1, *shape) * 2 - 1
        return (1 + given.uniform(*shape)) * signs.to(given.dtype)

    y = torch.tensor([0, 2, 1, 3, 2, 2])
    return [
        Case("no step", inputs(2, n), y[:2], V, 0, 1.0),
        Case("one step with one example", inputs(1, n), y[1:2], V, 1, 2.0),
        Case("one step with six examples", inputs(N, n), y, V, 1, 3.0),
        Case("a class that never occurs", inputs(4, n), torch.tensor([1, 0, 2, 1]), 5, 1, 3.0),
        Case("two steps, the second at the new weights", inputs(N, n), y, V, 2, 2.0),
        Case("four steps", inputs(N, n), y, V, 4, 1.0),
    ]


HINTS = (
    "With autograd: begin with `w = torch.zeros(n, V, dtype=x.dtype, requires_grad=True)`. In the "
    "loop: logits, `F.cross_entropy(logits, y)`, the gradient, the step.",
    "`torch.autograd.grad(loss, w)[0]` gives the gradient and keeps nothing from step to step. "
    "With `backward()` you must set `w.grad` to None, or it adds up.",
    "The step itself is no part of what is to be differentiated: put it into `with "
    "torch.no_grad():`, or detach the new w.",
    "By hand: the slope for the logits is (p - y) / N, with y as rows of zeros with a single 1 "
    "(`F.one_hot(y, V)`). For w it is `x.T @ d_logits`.",
)
WHY = """
With zeros all classes begin equally likely. That is a fair start: their slopes differ at once,
because the labels do. (In a network with hidden layers it wouldn't be: all units would stay alike.)
The gradient has to be asked for anew in every step, since it holds only where the weights stand.
The mean, and not the sum, makes the rate independent of the number of examples. `x.new_zeros` makes
zeros of x's dtype where x is, on a GPU too.
"""


def gradients_add_up(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype, requires_grad=True)
    for _ in range(steps):
        F.cross_entropy(x @ w, y).backward()
        with torch.no_grad():
            w -= rate * w.grad
    return w


def softmax_twice(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype, requires_grad=True)
    for _ in range(steps):
        loss = F.cross_entropy((x @ w).softmax(dim=1), y)
        w = (w - rate * torch.autograd.grad(loss, w)[0]).detach().requires_grad_()
    return w


def one_gradient_for_all(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype)
    d_w = x.T @ ((x @ w).softmax(dim=1) - F.one_hot(y, V)) / len(y)
    for _ in range(steps):
        w = w - rate * d_w
    return w


def one_example_at_a_time(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype)
    for _ in range(steps):
        for i in range(len(y)):
            p = (x[i] @ w).softmax(dim=0)
            w = w - rate * torch.outer(x[i], p - F.one_hot(y[i], V))
    return w


WRONG = (
    Wrong(
        "The gradients add up from step to step: backward() adds to w.grad. Set it to None, or "
        "zero it, before each backward().",
        instead=gradients_add_up,
    ),
    Wrong(
        "The softmax is taken twice: F.cross_entropy takes the logits and does the softmax itself.",
        instead=softmax_twice,
    ),
    Wrong(
        "The gradient is computed once and used for all steps. Compute it anew in the loop, at the "
        "present weights.",
        instead=one_gradient_for_all,
    ),
    Wrong(
        "Your weights move after every single example. A step uses the mean over all examples at "
        "once.",
        instead=one_example_at_a_time,
    ),
    Wrong(
        "The loss is summed over the examples. Take the mean: divide the gradient by N.",
        " / len(y)",
        "",
    ),
    Wrong(
        "The gradient is divided by N times V, the number of logits. The mean is over the N "
        "examples.",
        "len(y)",
        "p.numel()",
    ),
    Wrong(
        "Your weights go up the slope, so the loss rises. Subtract.",
        "w - rate",
        "w + rate",
    ),
    Wrong(
        "Your softmax runs over the examples. It should run over the classes of each example: "
        "dim=1.",
        "dim=1",
        "dim=0",
    ),
    Wrong(
        "There is no softmax: the logits themselves are compared to the labels.",
        ".softmax(dim=1)",
        "",
    ),
    Wrong(
        "Each class has a sigmoid of its own in yours. Let softmax share the probability out "
        "among the classes of each example.",
        ".softmax(dim=1)",
        ".sigmoid()",
    ),
    Wrong(
        "The labels are not used: your slope for the logits is p. It should be p - y, with a "
        "single 1 in each row of y.",
        "(p - F.one_hot(y, V))",
        "p",
    ),
    Wrong(
        "The learning rate is not used. Multiply the gradient by it.",
        "rate * x.T",
        "x.T",
    ),
    Wrong(
        "Your loop takes one step too many.",
        "range(steps)",
        "range(steps + 1)",
    ),
    Wrong(
        "Your loop takes one step too few. range(1, steps) has steps - 1 numbers.",
        "range(steps)",
        "range(1, steps)",
    ),
    Wrong(
        "Your function stops after its first step. Is the return inside the loop?",
        "    return w",
        "        return w",
    ),
    Wrong(
        "Each step begins again from zeros. Make the zeros once, before the loop.",
        "    w = x.new_zeros(x.shape[1], V)\n    for _ in range(steps):\n",
        "    w = x.new_zeros(x.shape[1], V)\n    for _ in range(steps):\n"
        "        w = x.new_zeros(x.shape[1], V)\n",
    ),
    Wrong(
        "Your weights have the shape (V, n), as nn.Linear keeps them. Here w is (n, V): transpose "
        "it.",
        "    return w",
        "    return w.T",
    ),
)


def by_autograd(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype, requires_grad=True)
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(F.cross_entropy(x @ w, y), w)
        with torch.no_grad():
            w -= rate * gradient
    return w


def by_pytorch(x, y, V, steps, rate):
    layer = torch.nn.Linear(x.shape[1], V, bias=False, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    for _ in range(steps):
        layer.zero_grad()
        F.cross_entropy(layer(x.double()), y).backward()
        layer.weight.data -= rate * layer.weight.grad
    return layer.weight.T


def with_loops(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=torch.float64)
    for _ in range(steps):
        d_w = torch.zeros_like(w)
        for inputs, label in zip(x.double(), y.tolist(), strict=True):
            powers = torch.stack([(inputs * w[:, k]).sum().exp() for k in range(V)])
            for k in range(V):
                mistake = powers[k] / powers.sum() - (1 if k == label else 0)
                d_w[:, k] += inputs * mistake / len(y)
        w -= rate * d_w
    return w


RIGHT = (by_autograd, by_pytorch, with_loops)
