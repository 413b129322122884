"""A whole training run

Forward, loss, gradient, step, and again: this loop trains every network. Here is the smallest one
that has all of it. One matrix gives each class a score, softmax makes probabilities of the scores,
and the mean cross-entropy says how wrong they are. You write the loop. The last layer of a GPT
learns in just this way, with a class for each token.
"""

import math

import torch
import torch.nn.functional as F

from nbutils.exercises.exercise import Case, Wrong, each

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 40


def train_linear(x: torch.Tensor, y: torch.Tensor, V: int, steps: int, rate: float) -> torch.Tensor:
    """The weights of a softmax classifier after some steps of plain gradient descent from zeros.

    The logits are x @ w, without a bias. The loss is the mean cross-entropy of all N examples, in
    nats. Every step uses all of them at once: from w it takes the learning rate times the gradient
    of the loss at the present w.

    Args:
        x: (N, n), the inputs, floats. They may be so large that a probability is rounded to 0.
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
    unlike = torch.tensor([[512.0, 0]] * 7 + [[0, 0.5]], dtype=given.dtype)
    mixed = torch.tensor([0, 0, 1, 0, 1, 0, 1, 5])
    many, labels = inputs(66, 7).double(), given.integers(0, 4, 66)
    many, labels = torch.cat([many, many[:4]]), torch.cat([labels, labels[:4]])
    return [
        Case("no step", inputs(2, n), y[:2], V, 0, 1.0),
        Case("one step with one example", inputs(1, n), y[1:2], V, 1, 2.0),
        Case("one step with six examples", inputs(N, n), y, V, 1, 3.0),
        Case("a class that never occurs", inputs(4, n), torch.tensor([1, 0, 2, 1]), 5, 1, 3.0),
        Case("two steps, the second at the new weights", inputs(N, n), y, V, 2, 2.0),
        Case("four steps", inputs(N, n), y.flip(0), V, 4, 1.0),
        Case("steps after the only example is right", inputs(1, n), y[1:2], V, 3, 1.0),
        Case(
            "inputs so large that a probability is rounded to 0",
            30 + 4 * given.uniform(5, n),
            torch.tensor([0, 0, 0, 0, 1]),
            V,
            2,
            1.0,
        ),
        Case("inputs of 512 and of 1/2, with logits above 1,000", unlike, mixed, 8, 4, 1 / 64),
        Case(
            "200 steps after the only example is right",
            torch.tensor([[1.5]]).double(),
            y[:1],
            2,
            200,
            1.5,
        ),
        Case("a single class, inputs of one number", inputs(2, 1), y[:1].expand(2), 1, 3, 0.75),
        Case("70 examples in float64, some of them twice", many, labels, 5, 3, 0.75),
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


def with_loss(loss):
    """The answer with another loss: a function of the logits, and of y as rows with a single 1."""

    def train(x, y, V, steps, rate):
        w = x.new_zeros(x.shape[1], V)
        for _ in range(steps):
            w.requires_grad_()
            value = loss(x @ w, F.one_hot(y, V).to(x.dtype))
            w = (w - rate * torch.autograd.grad(value, w)[0]).detach()
        return w

    return train


def by_adam(decay):
    def train(x, y, V, steps, rate):
        w, m, v = (x.new_zeros(x.shape[1], V) for _ in range(3))
        for t in range(1, steps + 1):
            d_w = slope(x, y, w)
            m, v = 0.9 * m + 0.1 * d_w, 0.999 * v + 0.001 * d_w**2
            step = m / (1 - 0.9**t) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
            w = w * (1 - rate * decay) - rate * step
        return w

    return train


def slope(x, y, w):
    return x.T @ ((x @ w).softmax(dim=1) - F.one_hot(y, w.shape[1])) / len(y)


def with_momentum(x, y, V, steps, rate):
    w, running = x.new_zeros(x.shape[1], V), 0.0
    for _ in range(steps):
        running = 0.9 * running + slope(x, y, w)
        w = w - rate * running
    return w


def with_a_bias(x, y, V, steps, rate):
    w = train_linear(torch.cat([x, torch.ones_like(x[:, :1])], dim=1), y, V, steps, rate)
    return w[:-1]


def classes_in_y(x, y, V, steps, rate):
    return train_linear(x, y, int(y.max()) + 1, steps, rate)


def stops_if(enough):
    """The answer with a loop that ends sooner; enough: whether, by the loss and the one before it."""

    def train(x, y, V, steps, rate):
        w, before = x.new_zeros(x.shape[1], V), math.inf
        for _ in range(steps):
            loss = -(x @ w).softmax(dim=1)[range(len(y)), y].log().mean()
            if enough(loss, before):
                break
            w, before = w - rate * slope(x, y, w), loss
        return w

    return train


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
            w = w - rate * slope(x[i : i + 1], y[i : i + 1], w)
    return w


def one_example_for_each_step(x, y, V, steps, rate):
    w = torch.zeros(x.shape[1], V, dtype=x.dtype)
    for step in range(steps):
        i = step % len(y)
        w = w - rate * slope(x[i : i + 1], y[i : i + 1], w)
    return w


def one_example_at_a_time_over_N(x, y, V, steps, rate):
    return one_example_at_a_time(x, y, V, steps, rate / len(y))


ONLY_WRONG = "Only examples whose likeliest class is wrong teach something in yours. All do."
EDITS = {  # what stands in the answer: what stands there instead, and what is said of it
    "len(y)": {
        "p.numel()": "The gradient is divided by N times V. The mean is over the N examples.",
        "len(y) ** 2": "The gradient is divided by N twice: a mean, and a division besides.",
        "V": "The gradient is divided by V, the number of classes. Divide it by N.",
        "x.shape[1]": "The gradient is divided by n, the numbers of one example. Divide it by N.",
        "F.one_hot(y, V).sum(dim=0).clamp(min=1)": "Each class's slopes are divided by how often it "
        "occurs. Divide all by N.",
    },
    "range(steps)": {
        "range(steps + 1)": "Your loop takes one step too many.",
        "range(1)": "Your function takes one step, however many are asked for. Repeat it.",
        "range(1, steps)": "Your loop takes one step too few: range(1, steps) has steps - 1 numbers.",
        "range(steps * len(y))": "Your loop takes a step for each example. Take `steps` in all.",
    },
    "(p - F.one_hot(y, V))": {
        "p": "The labels are not used: your slope for the logits is p. It should be p - y, with a single "
        "1 in each row of y.",
        "-F.one_hot(y, V).to(x.dtype)": "The probabilities are missing in your slope: it is p - y.",
        "(p - 1) * F.one_hot(y, V)": "Only the right class of each example learns in yours. The others "
        "have a slope too: p.",
        "(p - F.one_hot(y, V)) * (p.argmax(dim=1) != y)[:, None]": ONLY_WRONG,
        "(F.one_hot(p.argmax(dim=1), V) - F.one_hot(y, V)).to(x.dtype)": ONLY_WRONG,
    },
    "F.one_hot(y, V)": {
        "F.one_hot((y + 1) % V, V)": "The labels are off by 1 in yours: they count from 0 already.",
        "F.one_hot((y - 1) % V, V)": "The labels are off by 1 in yours: they count from 0 already.",
        "(0.9 * F.one_hot(y, V) + 0.1 / V)": "Your labels are smoothed: the right class should have a "
        "whole 1, the others 0.",
    },
    "    return w": {
        "        return w": "Your function stops after its first step. Is the return inside the loop?",
        "    return x @ w": "These are the classifier's answers for x. Give the weights, w.",
        "    return (x @ w).softmax(dim=1)": "These are the classifier's answers for x. Give the weights.",
        "    return F.cross_entropy(x @ w, y)": "This is the loss. Give the weights, w.",
        "    return w.T": "Your weights have the shape (V, n), as in nn.Linear. Transpose them: (n, V).",
    },
}
WRONG = (
    Wrong(
        "Your weights are still 0 at the end: nothing moves them. Take the step in the loop, w = w - "
        "rate * gradient or the optimizer's step(), before the gradient is set to 0 again. (The mean over "
        "the whole gradient is 0 as well: each weight takes its own slope.)",
        "w = w - rate * x.T @ d_logits",
        "pass",
    ),
    Wrong(
        "The gradients add up from step to step. Set w.grad to None, or zero it, before each backward().",
        instead=gradients_add_up,
    ),
    Wrong(
        "The softmax is taken twice: F.cross_entropy takes the logits and does the softmax itself.",
        instead=with_loss(lambda z, t: F.cross_entropy(z.softmax(dim=1), t)),
    ),
    Wrong(
        "The gradient is computed once and used for all steps. Compute it anew in the loop, at the "
        "present weights.",
        instead=one_gradient_for_all,
    ),
    *(
        Wrong(
            "Your weights move after every single example. A step uses the mean over all at once.",
            instead=function,
        )
        for function in (one_example_at_a_time, one_example_at_a_time_over_N)
    ),
    *(
        Wrong(
            "Your steps are those of Adam. Take plain ones: the rate times the gradient "
            "(torch.optim.SGD).",
            instead=by_adam(decay),
        )
        for decay in (0.0, 0.01)
    ),
    Wrong(
        "Your steps have momentum: gradients of earlier steps are in them. Take plain ones, from the "
        "present gradient alone.",
        instead=with_momentum,
    ),
    Wrong(
        "Only each slope's sign counts in yours. Take the rate times the gradient.",
        "rate * x.T @ d_logits",
        "rate * (x.T @ d_logits).sign()",
    ),
    Wrong(
        "Each gradient is brought to the length 1. Take it as it is, times the rate.",
        "rate * x.T @ d_logits",
        "rate * x.T @ d_logits / (x.T @ d_logits).norm()",
    ),
    *each(
        "The rate changes from step to step in yours. It is the same in each.",
        "for _ in range(steps):\n        p =",
        *(
            f"for i in range(steps):\n        rate *= {factor}\n        p ="
            for factor in (
                "i / (i + 1) if i else 1",
                "(i / (i + 1)) ** 0.5 if i else 1",
                "0.9 if i else 1",
                "0.5 if i else 1",
                "1 - 1 / (steps - i + 1) if i else 1",
                "(i + 1) / i if i else 1 / steps",
            )
        ),
    ),
    Wrong(
        "Each of your steps uses one example. A step uses the mean over all examples at once.",
        instead=one_example_for_each_step,
    ),
    Wrong(
        "Your classifier has a bias, which learns as well. The logits are x @ w alone.",
        instead=with_a_bias,
    ),
    Wrong(
        "The classes are counted from y, so one that doesn't occur is missing. Take V.",
        instead=classes_in_y,
    ),
    Wrong("Your weights begin at 1. Begin with zeros.", "x.new_zeros(", "x.new_ones("),
    Wrong(
        "Your weights become nan where the inputs are large: exp is infinite there, or 0 in a whole row, "
        "or the logarithm of a probability of 0 is taken. Give the logits to F.cross_entropy; or take the "
        "slope p - y, with p from softmax.",
        instead=with_loss(lambda z, t: -(t * z.softmax(dim=1).log()).sum(dim=1).mean()),
    ),
    Wrong(
        "Your weights become nan where the inputs are large: exp is infinite there. Use softmax, or "
        "subtract each row's largest logit before exp.",
        "(x @ w).softmax(dim=1)",
        "(x @ w).exp() / (x @ w).exp().sum(dim=1, keepdim=True)",
    ),
    *(
        Wrong(
            "An example whose right class has the probability 0 teaches nothing in your function: "
            "a small number added to p, or a clamp, cuts its logarithm off. Give the logits to "
            "F.cross_entropy; or take the slope p - y.",
            instead=with_loss(function),
        )
        for function in (
            lambda z, t: -(t * (z.softmax(dim=1) + 1e-9).log()).sum(dim=1).mean(),
            lambda z, t: -(t * (z.softmax(dim=1) + 1e-5).log()).sum(dim=1).mean(),
        )
    ),
    Wrong(
        "The logarithm is missing: your loss is minus the probability of the right class. "
        "F.nll_loss takes logarithms, F.cross_entropy logits.",
        instead=with_loss(lambda z, t: -(t * z.softmax(dim=1)).sum(dim=1).mean()),
    ),
    *(
        Wrong(
            "Your loss is the squared error of the probabilities. Take the cross-entropy, "
            "F.cross_entropy(logits, y); its slope for the logits is p - y.",
            instead=with_loss(function),
        )
        for function in (
            lambda z, t: ((z.softmax(dim=1) - t) ** 2).mean(),
            lambda z, t: ((z.softmax(dim=1) - t) ** 2).sum(dim=1).mean(),
            lambda z, t: ((z.softmax(dim=1) - t) ** 2).sum(dim=1).mean() / 2,
        )
    ),
    *(
        Wrong(
            "Your loss is the squared error of the logits: there is no softmax. Take the "
            "cross-entropy, F.cross_entropy(logits, y).",
            instead=with_loss(function),
        )
        for function in (
            lambda z, t: ((z - t) ** 2).mean(),
            lambda z, t: ((z - t) ** 2).sum(dim=1).mean(),
        )
    ),
    Wrong(
        "Your loss is in bits: its logarithm has the base 2. Take the natural one.",
        instead=with_loss(lambda z, t: F.cross_entropy(z, t) * 1.4426950408889634),
    ),
    Wrong(
        "The loss is summed over the examples. Take the mean: divide the gradient by N.",
        " / len(y)",
        "",
    ),
    Wrong("Your weights go up the slope, so the loss rises. Subtract.", "w - rate", "w + rate"),
    Wrong(
        "Your softmax runs over the examples. Run it over each one's classes: dim=1.",
        "dim=1",
        "dim=0",
    ),
    Wrong(
        "There is no softmax: the logits themselves are compared to the labels.",
        ".softmax(dim=1)",
        "",
    ),
    Wrong(
        "Your softmax runs over the examples. It should run over the classes of each example: "
        "dim=1.",
        instead=with_loss(lambda z, t: -(t * z.log_softmax(dim=0)).sum(dim=1).mean()),
    ),
    Wrong(
        "Each class has a sigmoid of its own in yours. Let softmax share the probability out "
        "among the classes of each example.",
        ".softmax(dim=1)",
        ".sigmoid()",
    ),
    Wrong("The learning rate is not used. Multiply the gradient by it.", "rate * x.T", "x.T"),
    *(
        Wrong(
            "Your loop stops before its last step, by the loss. Take all `steps` steps.",
            instead=stop,
        )
        for stop in (
            *(stops_if(lambda loss, _, least=least: loss < least) for least in (1e-2, 1e-3)),
            stops_if(lambda loss, before: loss > before),
            stops_if(lambda loss, _: loss == math.inf),
        )
    ),
    *each(
        "Your gradient is shortened where it is long. Take it as it is, times the rate.",
        "rate * x.T @ d_logits",
        *(f"rate * x.T @ d_logits / max(1, (x.T @ d_logits).norm() / {n})" for n in (1, 10, 100)),
    ),
    *each(
        "Your logits are cut off (clamp) where they are large. Give them to softmax as they are.",
        "(x @ w)",
        *(f"(x @ w).clamp(-{n}, {n})" for n in (20, 80, 1000)),
    ),
    *each(
        "Your steps are twice or half as long as they should be. There is a factor of 2 too many, as for "
        "a squared error.",
        "rate * x.T",
        "2 * rate * x.T",
        "rate / 2 * x.T",
    ),
    *(
        Wrong(
            "Not all examples are used in yours: only the first or the last, or all but the last. Take all.",
            instead=lambda x, y, *others, part=part: train_linear(x[part], y[part], *others),
        )
        for part in (slice(1), slice(-1, None), slice(-1))
    ),
    *(
        Wrong(
            "This is the last step, or its gradient. Give the weights themselves.",
            "w = w - rate * x.T @ d_logits\n    return w",
            f"w, last = w - rate * x.T @ d_logits, {last}\n    return last if steps else w",
        )
        for last in ("rate * x.T @ d_logits", "x.T @ d_logits")
    ),
    Wrong(
        "However many steps are asked for, yours is the result of one: each begins again from zeros, "
        "or the return stands in the loop. Make the zeros before it, and return after it.",
        "    w = x.new_zeros(x.shape[1], V)\n    for _ in range(steps):\n",
        "    w = x.new_zeros(x.shape[1], V)\n    for _ in range(steps):\n"
        "        w = x.new_zeros(x.shape[1], V)\n",
    ),
    Wrong(
        "Your w is float32, whatever x is, and inputs of another dtype can't be multiplied with it. Make it "
        "with x's: torch.zeros(n, V, dtype=x.dtype).",
        "x.new_zeros(x.shape[1], V)",
        "torch.zeros(x.shape[1], V, dtype=torch.float32)",
    ),
    *(Wrong(says, old, new) for old, edits in EDITS.items() for new, says in edits.items()),
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
            scores = torch.stack([(inputs * w[:, k]).sum() for k in range(V)])
            powers = (scores - scores.max()).exp()
            for k in range(V):
                mistake = powers[k] / powers.sum() - (1 if k == label else 0)
                d_w[:, k] += inputs * mistake / len(y)
        w -= rate * d_w
    return w


RIGHT = (by_autograd, by_pytorch, with_loops)
