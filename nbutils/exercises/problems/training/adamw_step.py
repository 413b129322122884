"""One step of AdamW

Plain descent has one learning rate for steep and for flat directions. AdamW evens them out: it
keeps a running mean of each weight's slopes and one of their squares, and moves the weight by the
first, divided by the root of the second. So each weight moves about one learning rate a step,
however large its slope is. Almost every large language model has been trained in this way.
"""

import math

import torch
from torch.optim.adamw import adamw

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 30


def adamw_step(
    w: torch.Tensor,
    g: torch.Tensor,
    m: torch.Tensor,
    v: torch.Tensor,
    t: int,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The weights and the two running means after one step of AdamW.

    In PyTorch's order: the weights decay, both means are renewed, the weights take their step.

    Args:
        w, g: weights and their gradient, of the same shape.
        m, v: the running means of the gradient and of its square before this step, of w's shape.
        t: the number of this step, counted from 1; before the first one m and v are 0.
        rate: the learning rate.
        beta1, beta2: the share of the old mean in the new m and in the new v; below 1. The new
            gradient has the rest.
        eps: is added to the root that the step is divided by, after the root is drawn from the
            corrected mean.
        decay: the share of itself that a weight loses in a step, per unit of learning rate.

    Returns:
        The new (w, m, v). The new m and v are returned as they are; only for the step they are
        corrected for having begun at 0: divided by 1 less the t-th power of their beta.
    """
    w = w * (1 - rate * decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_fair = m / (1 - beta1**t)
    v_fair = v / (1 - beta2**t)
    return w - rate * m_fair / (v_fair.sqrt() + eps), m, v


def cases(given):
    def away_from_0(*shape):
        signs = given.integers(0, 1, *shape) * 2 - 1
        return (1 + given.uniform(*shape)) * signs.to(given.dtype)

    def zeros(*shape):
        return torch.zeros(shape, dtype=given.dtype)

    def before(*shape):  # running means that are not 0
        return away_from_0(*shape), 1 + 3 * given.uniform(*shape)

    def case(shows, *shape, t, rate, beta1=0.75, beta2=0.625, eps=1e-8, decay=0.0, flat=False):
        w, g = away_from_0(*shape), away_from_0(*shape)
        if flat:
            g[0] = 0
        m, v = (zeros(*shape), zeros(*shape)) if t == 1 else before(*shape)
        return Case(shows, w, g, m, v, t, rate, beta1, beta2, eps, decay)

    scale = 10.0 ** torch.linspace(-2, 1, 300, dtype=given.dtype)
    many = away_from_0(300), scale * away_from_0(300), scale * away_from_0(300), scale**2
    return [
        case("a first step, in which only the sign of the slope counts", 3, t=1, rate=0.75),
        case("an eps that is not small", 3, t=1, rate=2.0, eps=4.0),
        case("a third step, with means from before", 3, t=3, rate=2.0),
        case("weight decay", 3, t=2, rate=0.75, decay=0.75),
        case("all of it, for a matrix", 2, 4, t=4, rate=0.75, eps=0.5, decay=0.75),
        case("betas below 1/2", 3, t=2, rate=0.75, beta1=0.375, beta2=0.3125, eps=0.5, decay=0.75),
        case("a first step with a slope of 0", 3, t=1, rate=0.75, flat=True),
        case(
            "one number without dimensions, and betas of 0",
            t=2,
            rate=0.75,
            beta1=0.0,
            beta2=0.0,
            decay=0.5,
        ),
        Case("300 steep and flat slopes at step 2,000", *many, 2000, 0.5, 0.9, 0.999, 0.125, 0.25),
    ]


HINTS = (
    "Write five lines: the decay, the new m, the new v, the corrected means, the step.",
    "A running mean: `m = beta1 * m + (1 - beta1) * g`. For v the same with the square of g.",
    "Both means begin at 0, so they are too small at first. Divide by `1 - beta1**t`, and by "
    "`1 - beta2**t`, for the step only.",
    "The decay has nothing to do with the gradient: first of all, `w = w * (1 - rate * decay)`. "
    "The step is `rate * m_fair / (v_fair.sqrt() + eps)`.",
)
WHY = """
If a slope is steady, its mean divided by the root of its mean square is about 1 in size, whether
the slope is large or tiny; if it jumps to and fro, the mean is small and so is the step. The
correction undoes the zeros at the beginning: at t = 1 it gives back exactly g and its square. The
decay stands apart from the gradient (the W of AdamW: decoupled). If it were a part of the gradient,
the division would take its strength away where slopes are large.
"""


def betas_exchanged(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    return adamw_step(w, g, m, v, t, rate, beta2, beta1, eps, decay)


def decay_at_the_end(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    w, m, v = adamw_step(w, g, m, v, t, rate, beta1, beta2, eps, 0.0)
    return w * (1 - rate * decay), m, v


def betas_fixed(beta1, beta2):
    def function(w, g, m, v, t, rate, _beta1, _beta2, eps, decay):
        return adamw_step(w, g, m, v, t, rate, beta1, beta2, eps, decay)

    return function


def old_ones_returned(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    return adamw_step(w, g, m, v, t, rate, beta1, beta2, eps, decay)[0], m, v


def old_means(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    w = w * (1 - rate * decay)
    w = w - rate * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


BY_BETA1, BY_BETA2 = "m / (1 - beta1**t)", "v / (1 - beta2**t)"
NEW_M, NEW_V = "beta1 * m + (1 - beta1) * g", "beta2 * v + (1 - beta2) * g**2"
STEP = "m_fair / (v_fair.sqrt() + eps)"


def corrected(m_fair, v_fair):
    return f"{BY_BETA1}\n    v_fair = {BY_BETA2}", f"{m_fair}\n    v_fair = {v_fair}"


def renewed(m, v):
    return f"{NEW_M}\n    v = {NEW_V}", f"{m}\n    v = {v}"


def each(says, *edits):
    return [Wrong(says, *edit) for edit in edits]


WRONG = (
    Wrong(
        "The decay is a part of your gradient, so it is divided like a slope: that is Adam, not "
        "AdamW. Multiply w by 1 - rate * decay, apart from the means.",
        "w = w * (1 - rate * decay)",
        "g = g + decay * w",
    ),
    Wrong(
        "The decay is divided by the root of v, as a slope is. Multiply w by 1 - rate * decay, apart "
        "from the step.",
        "w = w * (1 - rate * decay)\n    m = beta1 * m + (1 - beta1) * g\n    v = beta2 * v + (1 - "
        "beta2) * g**2\n    m_fair = m / (1 - beta1**t)",
        "m = beta1 * m + (1 - beta1) * g\n    v = beta2 * v + (1 - beta2) * g**2\n    m_fair = m / "
        "(1 - beta1**t) + decay * w",
    ),
    Wrong(
        "Every weight loses the same, rate * decay. It loses that share of itself: multiply w by 1 "
        "- rate * decay.",
        "w * (1 - rate * decay)",
        "w - rate * decay",
    ),
    Wrong(
        "The weights decay after the step, so the step decays as well. Let w decay first.",
        instead=decay_at_the_end,
    ),
    Wrong(
        "The decay is not multiplied by the learning rate. Multiply w by 1 - rate * decay.",
        "1 - rate * decay",
        "1 - decay",
    ),
    Wrong(
        "There is no weight decay. Multiply w by 1 - rate * decay before the step.",
        "w * (1 - rate * decay)",
        "w",
    ),
    Wrong(
        "Your weights grow where they should decay: multiply by 1 minus rate * decay.",
        "1 - rate * decay",
        "1 + rate * decay",
    ),
    *each(
        "Neither mean is corrected, though both began at 0. For the step divide m by 1 - beta1**t "
        "and v by 1 - beta2**t.",
        corrected("m", "v"),
    ),
    *each(
        "The corrections count the steps from 0. The first step has t = 1, so the powers are t.",
        corrected("m / (1 - beta1 ** (t - 1))", "v / (1 - beta2 ** (t - 1))"),
    ),
    *each(
        "The corrections count one step too many. The first step has t = 1 already, so the powers "
        "are t.",
        corrected("m / (1 - beta1 ** (t + 1))", "v / (1 - beta2 ** (t + 1))"),
    ),
    *each(
        "One of your corrections leaves out the power, so it fits the first step alone. Divide by "
        "1 - beta1**t and 1 - beta2**t.",
        corrected("m / (1 - beta1)", "v / (1 - beta2)"),
        corrected("m / (1 - beta1)", BY_BETA2),
        corrected(BY_BETA1, "v / (1 - beta2)"),
    ),
    *each(
        "Your corrections take the power of 1 - beta. Take that of beta, then subtract it from 1: "
        "1 - beta1**t.",
        corrected("m / (1 - beta1) ** t", "v / (1 - beta2) ** t"),
    ),
    *each(
        "Your corrections make the means smaller still: they multiply. Divide by 1 - beta1**t and "
        "by 1 - beta2**t.",
        corrected("m * (1 - beta1**t)", "v * (1 - beta2**t)"),
    ),
    *each(
        "In your corrections the betas are mixed up: m is divided by 1 - beta1**t, v by 1 - "
        "beta2**t.",
        corrected("m / (1 - beta2**t)", "v / (1 - beta1**t)"),
        corrected("m / (1 - beta2**t)", BY_BETA2),
        corrected(BY_BETA1, "v / (1 - beta1**t)"),
    ),
    *each(
        "Your corrections multiply the betas by t. They take the t-th power: beta1**t.",
        corrected("m / (1 - beta1 * t)", "v / (1 - beta2 * t)"),
    ),
    Wrong(
        "The mean of the slopes, m, isn't corrected for having begun at 0. Divide it by 1 - "
        "beta1**t for the step.",
        "m / (1 - beta1**t)",
        "m",
    ),
    Wrong(
        "The mean of the squares, v, isn't corrected for having begun at 0. Divide it by 1 - "
        "beta2**t for the step.",
        "v / (1 - beta2**t)",
        "v",
    ),
    Wrong(
        "The root is taken before v is corrected. Divide v by 1 - beta2**t first, then take the "
        "root.",
        "v_fair.sqrt()",
        "v.sqrt() / (1 - beta2**t)",
    ),
    Wrong(
        "Your eps stands inside the root. Add it to the root.",
        "v_fair.sqrt() + eps",
        "(v_fair + eps).sqrt()",
    ),
    Wrong(
        "Your eps is added before v is corrected, so the correction changes it too. Correct v, "
        "take the root, then add eps.",
        "v_fair.sqrt() + eps",
        "(v.sqrt() + eps) / math.sqrt(1 - beta2**t)",
    ),
    Wrong(
        "There is no eps, so a weight whose slopes were all 0 becomes nan (0 / 0). Add it to the "
        "root that the step is divided by.",
        "v_fair.sqrt() + eps",
        "v_fair.sqrt()",
    ),
    Wrong(
        "You add a tiny number of your own to the root. Add the eps that is given.",
        "v_fair.sqrt() + eps",
        "v_fair.sqrt() + 1e-8",
    ),
    *each(
        "Your eps is added after the division. Put the divisor in parentheses: (root + eps).",
        ("rate * m_fair / (v_fair.sqrt() + eps)", "rate * m_fair / v_fair.sqrt() + eps"),
        ("rate * m_fair / (v_fair.sqrt() + eps)", "rate * (m_fair / v_fair.sqrt() + eps)"),
    ),
    Wrong(
        "The step is divided by the mean of the squares. Divide it by the square root of that "
        "mean.",
        "v_fair.sqrt()",
        "v_fair",
    ),
    Wrong(
        "Your v is a mean of the slopes. It should be one of their squares.",
        "g**2",
        "g",
    ),
    Wrong(
        "Your v is a mean of the slopes without their signs. It should be one of their squares.",
        "g**2",
        "g.abs()",
    ),
    Wrong(
        "Your v takes the square of the mean m. It takes the square of the gradient g.",
        "g**2",
        "m**2",
    ),
    Wrong(
        "The share 1 - beta2 is squared together with the gradient. Square g alone.",
        "(1 - beta2) * g**2",
        "((1 - beta2) * g) ** 2",
    ),
    *each(
        "All weights share a single number in your v, from the squares of all slopes. Each "
        "weight has a v of its own: square the gradient, number by number.",
        ("g**2", "(g**2).sum()"),
        ("g**2", "(g**2).mean()"),
    ),
    *each(
        "All weights are divided by one number, from v as a whole. Each weight is divided by the "
        "root of its own v.",
        ("v_fair.sqrt()", "v_fair.norm()"),
        ("v_fair.sqrt()", "v_fair.mean().sqrt()"),
        ("v_fair.sqrt()", "v_fair.sum().sqrt()"),
    ),
    Wrong(
        "Your divisor is the larger of the root and eps. Add them.",
        "(v_fair.sqrt() + eps)",
        "v_fair.sqrt().clamp(min=eps)",
    ),
    Wrong(
        "The two betas are exchanged: beta1 belongs to m, beta2 to v.",
        instead=betas_exchanged,
    ),
    *each(
        "The two betas are exchanged in the means: beta1 belongs to m, beta2 to v.",
        renewed("beta2 * m + (1 - beta2) * g", "beta1 * v + (1 - beta1) * g**2"),
    ),
    *each(
        "Both means are renewed with the same beta. beta1 belongs to m, beta2 to v.",
        renewed(NEW_M, "beta1 * v + (1 - beta1) * g**2"),
        renewed("beta2 * m + (1 - beta2) * g", NEW_V),
    ),
    *each(
        "In your means the old and the new have each other's share: beta is the share of the old "
        "mean, 1 - beta that of the new gradient.",
        renewed("(1 - beta1) * m + beta1 * g", "(1 - beta2) * v + beta2 * g**2"),
        renewed("(1 - beta1) * m + beta1 * g", NEW_V),
        renewed(NEW_M, "(1 - beta2) * v + beta2 * g**2"),
    ),
    *each(
        "One of your means is a running sum: what is new goes in whole. It has the share 1 - "
        "beta1 in m, and 1 - beta2 in v.",
        renewed("beta1 * m + g", "beta2 * v + g**2"),
        renewed("beta1 * m + g", NEW_V),
        renewed(NEW_M, "beta2 * v + g**2"),
    ),
    *each(
        "An old mean goes in whole. In a running mean the old one has the share beta: beta1 * m, "
        "beta2 * v.",
        renewed("m + (1 - beta1) * g", NEW_V),
        renewed(NEW_M, "v + (1 - beta2) * g**2"),
        renewed(NEW_M, "v + g**2"),
        renewed("m + (1 - beta1) * g", "v + (1 - beta2) * g**2"),
    ),
    *each(
        "Your means forget what was before: only this step's gradient is in them. The old mean has "
        "the share beta.",
        renewed("(1 - beta1) * g", "(1 - beta2) * g**2"),
        renewed("g", "g**2"),
    ),
    *(
        Wrong(
            "The betas are fixed numbers in your function. Use the beta1 and beta2 that are given.",
            instead=betas_fixed(*fixed),
        )
        for fixed in ((0.9, 0.999), (0.9, 0.95))
    ),
    Wrong(
        "The step is divided by nothing: it is as long as the mean slope. Divide by the root of "
        "the corrected v, plus eps.",
        "m_fair / (v_fair.sqrt() + eps)",
        "m_fair",
    ),
    Wrong(
        "Your step takes only the sign of the mean, as Lion does. AdamW divides the corrected mean "
        "by the root of the corrected v, plus eps.",
        STEP,
        "m.sign()",
    ),
    Wrong(
        "Your step takes only the sign of the slope. AdamW divides the corrected mean by the root of "
        "the corrected v, plus eps.",
        STEP,
        "g.sign()",
    ),
    Wrong(
        "Your step is plain descent: the rate times the gradient. AdamW divides the corrected mean "
        "by the root of the corrected v, plus eps.",
        STEP,
        "g",
    ),
    Wrong(
        "The weights decay twice, before and after the step. Multiply them by 1 - rate * decay once, "
        "first of all.",
        "return w - rate * m_fair / (v_fair.sqrt() + eps), m",
        "return (w - rate * m_fair / (v_fair.sqrt() + eps)) * (1 - rate * decay), m",
    ),
    Wrong(
        "Your step takes this step's gradient, g. It takes the corrected mean of the slopes.",
        STEP,
        "g / (v_fair.sqrt() + eps)",
    ),
    Wrong(
        "The learning rate is missing from your step. Multiply the quotient by it.",
        "return w - rate * m_fair",
        "return w - m_fair",
    ),
    *each(
        "The first of your results is the step alone. Give the weights after it.",
        ("return w - rate * m_fair", "return rate * m_fair"),
        ("return w - rate * m_fair", "return -rate * m_fair"),
    ),
    *each(
        "Your results stand in another order. Give the new w, then m, then v.",
        (
            "return w - rate * m_fair / (v_fair.sqrt() + eps), m, v",
            "return m, v, w - rate * m_fair / (v_fair.sqrt() + eps)",
        ),
        ("eps), m, v", "eps), v, m"),
    ),
    Wrong(
        "The m and v that you return are the old ones. Return those with this step's gradient in "
        "them.",
        instead=old_ones_returned,
    ),
    Wrong(
        "The corrected means are handed on. They are for this step only: return m and v as they "
        "were before the correction.",
        "eps), m, v",
        "eps), m_fair, v_fair",
    ),
    Wrong(
        "Your step uses the means from before, without this step's gradient. Renew m and v first.",
        instead=old_means,
    ),
    Wrong(
        "Your weights go up the slope. Subtract the step.",
        "return w - rate",
        "return w + rate",
    ),
)


def by_pytorch(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    """What torch.optim.AdamW calls; the class itself takes seconds at its first use, to import."""
    w, m, v = w.clone(), m.clone(), v.clone()
    adamw(
        [w],
        [g],
        [m],
        [v],
        [],
        [torch.tensor(t - 1.0)],
        foreach=False,
        capturable=False,
        differentiable=False,
        fused=False,
        has_complex=False,
        amsgrad=False,
        maximize=False,
        beta1=beta1,
        beta2=beta2,
        lr=rate,
        weight_decay=decay,
        eps=eps,
    )
    return w, m, v


def in_place(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    w.mul_(1 - rate * decay)
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    root = v.sqrt().div_(math.sqrt(1 - beta2**t)).add_(eps)
    return w.addcdiv_(m, root, value=-rate / (1 - beta1**t)), m, v


def one_by_one(w, g, m, v, t, rate, beta1, beta2, eps, decay):
    new = []
    for one, slope, mean, square in zip(
        *(x.double().flatten().tolist() for x in (w, g, m, v)), strict=True
    ):
        mean += (1 - beta1) * (slope - mean)
        square += (1 - beta2) * (slope * slope - square)
        step = mean / (1 - beta1**t) / (math.sqrt(square / (1 - beta2**t)) + eps)
        new.append((one - rate * decay * one - rate * step, mean, square))
    return [torch.tensor(x).view(w.shape) for x in zip(*new, strict=True)]


RIGHT = (by_pytorch, in_place, one_by_one)
