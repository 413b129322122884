"""One head of attention

Each position asks a question (its query), and every position offers an answer (its value) under a
heading (its key). The better a heading fits the question, the more of that answer is taken:

$$\\text{softmax}\\left(\\frac{QK^\\top}{\\sqrt{D}} + \\text{mask}\\right)V$$

No position may look at a later one.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """What one head of causal self-attention gives.

    Args:
        q, k, v: (B, T, D), the queries, keys and values of B windows with T positions.

    Returns:
        (B, T, D): for each position the average of the values up to it, weighted by softmax.
    """
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])  # (B, T, T)
    later = torch.ones_like(scores, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(later, -math.inf).softmax(dim=-1)
    return weights @ v


def cases(given):
    B, T, D = 2, 4, 3
    zeros = torch.zeros(1, T, D, dtype=given.dtype)
    # The large scores lie far apart, so that rounding can't change which is the largest.
    # The first position sees a low score alone.
    levels = [[-600.0, *given.sample([-300.0, 450.0, 900.0], T - 1)] for _ in range(B)]
    far_apart = torch.tensor(levels, dtype=given.dtype)[..., None].expand(B, T, D)
    return [
        Case("one position, which sees only itself", *(given.normal(1, 1, D) for _ in range(3))),
        Case("equal scores, so that only the mask decides", zeros, zeros, given.normal(1, T, D)),
        Case(
            "one number a head, so that nothing is scaled",
            *(given.normal(1, T, 1) for _ in range(3)),
        ),
        Case("three numbers a head", *(given.normal(1, T, D) for _ in range(3))),
        Case("two windows", *(given.normal(B, T, D) for _ in range(3))),
        Case("large scores", given.uniform(B, T, D) + 0.5, far_apart, given.normal(B, T, D)),
    ]


HINTS = (
    "Begin with the scores: a (B, T, T) tensor with a row for each query and a column for each key. "
    "`k.transpose(1, 2)` has the shape (B, D, T).",
    "Divide the scores by the square root of D, the number of entries of a query.",
    "Put minus infinity where a key stands later than the query, before the softmax: e to the minus "
    "infinity is 0.",
    "Each row of weights must sum to 1: the softmax goes along the keys, the last dimension.",
)
WHY = """
Minus infinity goes in *before* the softmax, so that the weights that are left still sum to 1. The
square root keeps the scores at about the same size for any D: a dot product of D random entries is
about $\\sqrt D$ large, and large scores make a softmax that looks at one place only and hardly learns.
"""
# Both also in multi_head_attention, at other places among its mistakes.
WRONG_MASKS = (
    Wrong(
        "Nothing is masked: positions see those after them.",
        "scores.masked_fill(later, -math.inf)",
        "scores",
    ),
    Wrong(
        "A position can't see itself: your mask hides the diagonal too.",
        "triu(1)",
        "triu(0)",
    ),
    Wrong(
        "Your mask hides the past and shows the future.",
        "triu(1)",
        "tril(-1)",
    ),
)
TURNED_MASKS = (
    Wrong(
        "Your mask is turned round: it hides what a position may see, itself too, and shows what comes "
        "after. Was a ~ forgotten?",
        "later, -math.inf",
        "~later, -math.inf",
    ),
    Wrong(
        "Your mask is turned round: it hides what a position may see, itself too, and shows what comes "
        "after. Was a ~ forgotten?",
        "later, -math.inf",
        "~later, -1e9",
    ),
)
WRONG = (
    Wrong(
        "Each column of your weights sums to 1; each row should: the softmax is over dim=-2.",
        "softmax(dim=-1)",
        "softmax(dim=-2).nan_to_num(0)",
    ),
    Wrong(
        "The scores are not scaled. Divide them by the square root of D.",
        " / math.sqrt(q.shape[-1])",
        "",
    ),
    Wrong(
        "The scores are divided by D; it should be the square root of D.",
        "math.sqrt(q.shape[-1])",
        "q.shape[-1]",
    ),
    Wrong(
        "The scores are divided by the square root of T, the number of positions; it should be D, the "
        "number of entries of a query.",
        "q.shape[-1]",
        "q.shape[-2]",
    ),
    Wrong(
        "The scores are multiplied by the square root of D; divide them.",
        "/ math.sqrt",
        "* math.sqrt",
    ),
    *WRONG_MASKS,
    Wrong(
        "The mask puts 0 where it should put minus infinity: e to the 0 is 1, so later positions "
        "still get weight.",
        "-math.inf",
        "0.0",
    ),
    Wrong(
        "The weights of later positions are set to 0 after the softmax, so the others no longer sum to "
        "1. Mask the scores before the softmax.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "scores.softmax(dim=-1).masked_fill(later, 0.0)",
    ),
    Wrong(
        "Keys and queries are exchanged: row t of the scores must belong to query t.",
        "q @ k.transpose(1, 2)",
        "k @ q.transpose(1, 2)",
    ),
    Wrong(
        "Large scores give nan: e to a large power is infinite, and infinite divided by infinite is "
        "no number. Use torch's softmax, or subtract each row's largest score first.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(powers := scores.masked_fill(later, -math.inf).exp()) / powers.sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "There is no softmax: the scores themselves weigh the values.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "scores.masked_fill(later, 0.0)",
    ),
    *TURNED_MASKS,
    Wrong(
        "The mask puts a number there that is only somewhat low, so later positions still get some weight. "
        "Put minus infinity.",
        "-math.inf",
        "-10.0",
    ),
    Wrong(
        "The mask puts -100 where it should put minus infinity: other scores may be lower than that.",
        "-math.inf",
        "-100.0",
    ),
    Wrong(
        "The mask is added to the scores as it is: True counts as 1 and False as 0. Put minus infinity where "
        "it is True.",
        "scores.masked_fill(later, -math.inf)",
        "(scores + later)",
    ),
)


def by_pytorch(q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def with_loops(q, k, v):
    out = torch.zeros_like(v)
    for b in range(q.shape[0]):
        for t in range(q.shape[1]):
            scores = torch.stack([q[b, t] @ k[b, s] for s in range(t + 1)]) / q.shape[2] ** 0.5
            for s, weight in enumerate(torch.softmax(scores, dim=0)):
                out[b, t] += weight * v[b, s]
    return out


def in_double(q, k, v):
    scores = torch.einsum("btd,bsd->bts", q.double(), k.double()) * q.shape[-1] ** -0.5
    mask = torch.arange(q.shape[1])[:, None] >= torch.arange(q.shape[1])
    top = scores.masked_fill(~mask, -1e30).amax(dim=-1, keepdim=True)
    weights = (scores - top).exp().where(mask, torch.zeros(()).double())
    return torch.einsum("bts,bsd->btd", weights / weights.sum(dim=-1, keepdim=True), v.double())


RIGHT = (by_pytorch, with_loops, in_double)
