"""One head of attention

Each position asks a question (its query), and every position offers an answer (its value) under a
heading (its key). The better a heading fits the question, the more of that answer is taken:

$$\\text{softmax}\\left(\\frac{QK^\\top}{\\sqrt{D}} + \\text{mask}\\right)V$$

No position may look at a later one.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong, each
from nbutils.exercises.problems.attentions import SHARED, WRONG_MASKS

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
    # Exact in any dtype, so that equal scores stay equal.
    asked = given.integers(1, 2, 3, 5, 1).to(given.dtype)
    levels = torch.tensor([-20480.0, 3072.0, 3072.0, -8192.0, 6144.0], dtype=given.dtype)
    levels = levels[None, :, None].repeat(3, 1, 1)
    return [
        Case("one position, which sees only itself", *(given.normal(1, 1, D) for _ in range(3))),
        Case("equal scores, so that only the mask decides", zeros, zeros, given.normal(1, T, D)),
        Case(
            "one number a head, so that nothing is scaled",
            *(given.normal(1, T, 1) for _ in range(3)),
        ),
        Case("three numbers a head", *(given.normal(1, T, D) for _ in range(3))),
        Case("two windows, five numbers a head", *(given.normal(B, T, 5) for _ in range(3))),
        Case("large scores", given.uniform(B, T, D) + 0.5, far_apart, given.normal(B, T, D)),
        Case("140 positions", *(given.normal(1, 140, 2) for _ in range(3))),
        Case("scores of all sizes, some of them equal", asked, levels, given.normal(3, 5, 1)),
        Case("more numbers a head than positions", *(given.normal(3, 2, 16) for _ in range(3))),
        Case(
            "scores of many millions, and more windows than positions",
            1e5 * (given.uniform(T + 2, T, D) + 0.5),
            far_apart[:1].expand(T + 2, T, D),
            given.normal(T + 2, T, D),
        ),
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
WRONG = (
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
        "Keys and queries are exchanged: row t of the scores must belong to query t.",
        "q @ k.transpose(1, 2)",
        "k @ q.transpose(1, 2)",
    ),
    *SHARED,
    Wrong(
        "The weights are divided by the square root of D after the softmax, so they no longer sum to 1. Divide the "
        "scores, before it.",
        instead=lambda q, k, v: attention(q * v.shape[-1] ** 0.5, k, v) / v.shape[-1] ** 0.5,
    ),
    Wrong(
        "Queries and keys have no effect: you give the plain average of the values so far, with equal weights. "
        "Weigh them by the softmax of the scores.",
        instead=lambda q, k, v: attention(torch.zeros_like(q), k, v),
    ),
    Wrong(
        "Queries and keys have no effect: you give the plain average of all values, later ones too. Weigh them by the "
        "softmax of the masked scores.",
        instead=lambda q, k, v: v.mean(dim=1, keepdim=True).expand_as(v),
    ),
    Wrong(
        "k is reshaped to (B, D, T), which mixes its numbers up. Exchange the two dimensions: k.transpose(1, 2).",
        "k.transpose(1, 2)",
        "k.reshape(k.shape[0], k.shape[2], k.shape[1])",
    ),
    Wrong(
        "Your scores are made of queries and values. Make them of queries and keys.",
        "k.transpose(1, 2)",
        "v.transpose(1, 2)",
    ),
    Wrong(
        "Your scores are made of keys alone. Row t belongs to query t: q @ k.transpose(1, 2).",
        "q @ k",
        "k @ k",
    ),
    Wrong(
        "Your scores are made of queries alone. Column s belongs to key s: q @ k.transpose(1, 2).",
        "k.transpose(1, 2)",
        "q.transpose(1, 2)",
    ),
    Wrong(
        "The scores are divided by the square root of B, the number of windows; it should be D, the number of "
        "entries of a query.",
        "q.shape[-1]",
        "q.shape[0]",
    ),
    Wrong(
        "You give the weights. Multiply them by the values.",
        "weights @ v",
        "weights",
    ),
    *each(
        "You give the last position's mixture alone. Give one for each of the T positions.",
        "weights @ v",
        "(weights @ v)[:, -1]",
        "(weights @ v)[:, -1:]",
    ),
    Wrong(
        "One softmax runs over the whole table, so all its weights together sum to 1. Each row should: dim=-1.",
        "softmax(dim=-1)",
        "flatten(1).softmax(dim=-1).view_as(scores)",
    ),
    Wrong(
        "Your mixtures are added to the values. Give the mixtures alone.",
        "weights @ v",
        "v + weights @ v",
    ),
    Wrong(
        "Your mixtures are added to the queries. Give the mixtures alone.",
        "weights @ v",
        "q + weights @ v",
    ),
    Wrong(
        "Values and keys have changed places: the scores are made of values, and the keys are mixed. Make the "
        "scores of queries and keys.",
        instead=lambda q, k, v: attention(q, v, k),
    ),
    Wrong(
        "Queries and values have changed places: the scores are made of values, and the queries are mixed. Make the "
        "scores of queries and keys, and mix the values.",
        instead=lambda q, k, v: attention(v, k, q),
    ),
    Wrong(
        "Your scores are neither scaled nor masked. Divide them by the square root of D, and put minus infinity "
        "where a key stands later.",
        instead=lambda q, k, v: (q @ k.mT).softmax(dim=-1) @ v,
    ),
    *(
        Wrong(says, "math.sqrt(q.shape[-1])", root)
        for says, root in (
            (
                "The scores are divided by a root that is cut to a whole number. Take math.sqrt(D) as it is.",
                "int(math.sqrt(q.shape[-1]))",
            ),
            (
                "The scores are divided by 2 at least. Divide by the square root of D, however small it is.",
                "max(2, math.sqrt(q.shape[-1]))",
            ),
        )
    ),
    Wrong(
        "All windows get what the first one gets. Each has queries, keys and values of its own.",
        instead=lambda q, k, v: attention(q[:1], k[:1], v[:1]).expand_as(v),
    ),
    Wrong(
        "Only the first window is masked. Put minus infinity in all of them.",
        "masked_fill(later,",
        "masked_fill(later & (torch.arange(len(v)) == 0)[:, None, None],",
    ),
    *(
        Wrong(
            f"Only the first {n} positions are there. Give all T of them.",
            instead=lambda q, k, v, n=n: attention(q[:, :n], k[:, :n], v[:, :n]),
        )
        for n in (32, 64, 128)
    ),
    Wrong(
        "Only the first window is there. Give all B of them: the products take them as they are.",
        instead=lambda q, k, v: attention(q[:1], k[:1], v[:1]),
    ),
    Wrong(
        "Only the first window is there. Give all B of them: the products take them as they are.",
        instead=lambda q, k, v: attention(q[:1], k[:1], v[:1])[0],
    ),
    Wrong(
        "The last position's answer is 0: your loop ends before it. range(T) goes to T - 1 by itself.",
        "return weights @ v",
        "return weights @ v * (torch.arange(v.shape[1]) < v.shape[1] - 1)[:, None]",
    ),
    Wrong(
        "The first position's answer is 0. It sees itself: begin the loop at 0.",
        "return weights @ v",
        "return weights @ v * (torch.arange(v.shape[1]) > 0)[:, None]",
    ),
    Wrong(
        "Each position looks at itself alone: its query is multiplied with its own key, number by number."
        " Every query meets every key: q @ k.transpose(1, 2), (B, T, T).",
        instead=lambda q, k, v: (q * k / math.sqrt(q.shape[-1])).softmax(dim=-1) * v,
    ),
    Wrong(
        "Each position looks at itself alone: its query is multiplied with its own key, number by number."
        " Every query meets every key: q @ k.transpose(1, 2), (B, T, T).",
        instead=lambda q, k, v: (q * k).softmax(dim=-1) * v,
    ),
    *each(
        "The scores are divided by a fixed number. Divide them by the square root of D, q.shape[-1].",
        "math.sqrt(q.shape[-1])",
        "math.sqrt(64)",
        "math.sqrt(3)",
    ),
    Wrong(
        "Queries and keys are brought to length 1 first. Take them as they are.",
        instead=lambda q, k, v: attention(
            torch.nn.functional.normalize(q, dim=-1), torch.nn.functional.normalize(k, dim=-1), v
        ),
    ),
    Wrong(
        "Mixtures below 0 become 0. Give them as they are.", "weights @ v", "(weights @ v).relu()"
    ),
)


def by_pytorch(q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def with_loops(q, k, v):
    out = torch.zeros_like(v)
    for b in range(q.shape[0]):
        for t in range(q.shape[1]):
            scores = torch.stack([q[b, t] @ k[b, s] for s in range(t + 1)]) / q.shape[2] ** 0.5
            out[b, t] = torch.softmax(scores, dim=0) @ v[b, : t + 1]
    return out


def in_double(q, k, v):
    scores = torch.einsum("btd,bsd->bts", q.double(), k.double()) * q.shape[-1] ** -0.5
    mask = torch.arange(q.shape[1])[:, None] >= torch.arange(q.shape[1])
    top = scores.masked_fill(~mask, -1e30).amax(dim=-1, keepdim=True)
    weights = (scores - top).exp().where(mask, torch.zeros(()).double())
    return torch.einsum("bts,bsd->btd", weights / weights.sum(dim=-1, keepdim=True), v.double())


RIGHT = (by_pytorch, with_loops, in_double)
