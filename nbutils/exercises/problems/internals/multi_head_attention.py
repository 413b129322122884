"""All of self-attention

Here everything comes together: queries, keys and values, the causal mask, several heads. One matrix
makes queries, keys and values of all heads in one product. Each head then runs attention on its own
piece of width D = C / H:

$$\\text{softmax}\\left(\\frac{QK^\\top}{\\sqrt{D}} + \\text{mask}\\right)V$$

The mask hides every later position. The heads' answers are laid side by side, and a last matrix
mixes what they found. This is the only place in a GPT where one position learns of another. GPT-2
adds a bias in both linear layers; here there are none.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.internals.attention import TURNED_MASKS, WRONG_MASKS

DIFFICULTY, IMPORTANCE, MINUTES = 5, 5, 45


def multi_head_attention(
    x: torch.Tensor, weight_qkv: torch.Tensor, weight_out: torch.Tensor, n_head: int
) -> torch.Tensor:
    """What causal self-attention with several heads gives for each position.

    Args:
        x: (B, T, C), C numbers for each of T positions in B windows.
        weight_qkv: (3 * C, C), a row for each output, as PyTorch stores it: first C rows that make
            the queries, then C for the keys, then C for the values. Head 0 has the first D = C / H
            of each C, head 1 the next D, and so on.
        weight_out: (C, C), a row for each output: it mixes the heads' answers, which stand side by
            side in the order of the heads.
        n_head: H, how many heads there are; it divides C.

    Returns:
        (B, T, C). Position t depends on the positions 0 to t of its own window.
    """
    B, T, C = x.shape
    q, k, v = (
        part.reshape(B, T, n_head, -1).transpose(1, 2)  # (B, H, T, D)
        for part in (x @ weight_qkv.T).chunk(3, dim=-1)
    )
    scores = q @ k.transpose(-2, -1) / math.sqrt(C // n_head)  # (B, H, T, T)
    later = torch.ones_like(scores, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(later, -math.inf).softmax(dim=-1)
    heads = weights @ v  # (B, H, T, D)
    return heads.transpose(1, 2).reshape(B, T, C) @ weight_out.T


def cases(given):
    def inputs(B, T, C):
        return given.normal(B, T, C), given.normal(3 * C, C) / C**0.5

    def matrix(C):
        return given.normal(C, C)

    return [
        Case(
            "one position and a weight_out that changes nothing, so that only values count",
            *inputs(1, 1, 4),
            torch.eye(4, dtype=given.dtype),
            1,
        ),
        Case("a weight_out that mixes", *inputs(1, 1, 4), matrix(4), 1),
        Case("five positions", *inputs(1, 5, 4), matrix(4), 1),
        Case("two heads", *inputs(1, 5, 6), matrix(6), 2),
        Case("two windows and three heads", *inputs(2, 5, 12), matrix(12), 3),
    ]


HINTS = (
    "Write the shapes down first: x (B, T, C), then queries, keys and values (B, T, C) each, cut "
    "into heads (B, H, T, D), scores (B, H, T, T), answers (B, H, T, D), and (B, T, C) again.",
    "`(x @ weight_qkv.T).chunk(3, dim=-1)` gives queries, keys and values. Cut each: "
    "`.reshape(B, T, n_head, -1).transpose(1, 2)`.",
    "The rest is attention for one head: `@` multiplies the last two dimensions and leaves those "
    "before them alone, so all heads are done at once. Divide by the square root of D, put minus "
    "infinity where a key stands later than the query, and take the softmax along the keys.",
    "At the end exchange H and T back, reshape to (B, T, C), and multiply with `weight_out.T`.",
)
WHY = """
One product for queries, keys and values is faster than three small ones, and the heads are one more
dimension before the last two, so no loop is needed. The scores are divided by the root of D, not of
C: each of them is a dot product of D numbers. Without weight_out every head's answer would stay in
its own D places of the residual stream; with it each head can write anywhere.
"""
WRONG = (
    Wrong(
        "Queries and keys are exchanged. The first C rows of weight_qkv make the queries.",
        "q, k, v = (",
        "k, q, v = (",
    ),
    Wrong(
        "Keys and values are exchanged. The second C rows of weight_qkv make the keys, the last C "
        "the values.",
        "q, k, v = (",
        "q, v, k = (",
    ),
    Wrong(
        "Queries and values are exchanged. The first C rows of weight_qkv make the queries, the "
        "last C the values.",
        "q, k, v = (",
        "v, k, q = (",
    ),
    Wrong(
        "Your rows of weight_qkv go head by head: each head's queries, keys and values. First "
        "come the queries of all heads, then all keys, then all values.",
        "(x @ weight_qkv.T).chunk(3, dim=-1)",
        "(x @ weight_qkv.T).reshape(B, T, n_head, 3, -1).unbind(3)",
    ),
    Wrong(
        "weight_qkv is reshaped to (C, 3 * C), which mixes its numbers up. Exchange rows and "
        "columns: weight_qkv.T.",
        "weight_qkv.T",
        "weight_qkv.reshape(C, 3 * C)",
    ),
    Wrong(
        "Positions and heads are mixed up when you cut: a change of shape keeps the numbers in "
        "their order. Reshape to (B, T, H, D), then exchange H and T.",
        "part.reshape(B, T, n_head, -1).transpose(1, 2)",
        "part.reshape(B, n_head, T, -1)",
    ),
    Wrong(
        "Positions and heads are mixed up when you join the heads: a change of shape keeps the "
        "numbers in their order. Exchange H and T first.",
        "heads.transpose(1, 2)",
        "heads",
    ),
    Wrong(
        "The scores are divided by the square root of C. A head's queries have D numbers: divide "
        "by the square root of D = C / H.",
        "C // n_head",
        "C",
    ),
    Wrong(
        "The scores are not scaled. Divide them by the square root of D.",
        " / math.sqrt(C // n_head)",
        "",
    ),
    Wrong(
        "The scores are divided by D; it should be the square root of D.",
        "math.sqrt(C // n_head)",
        "(C // n_head)",
    ),
    *WRONG_MASKS,
    Wrong(
        "The weights of later positions are set to 0 after the softmax, so the others no longer "
        "sum to 1. Mask the scores before the softmax.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "scores.softmax(dim=-1).masked_fill(later, 0.0)",
    ),
    Wrong(
        "Each column of your weights sums to 1; each row should: take the softmax along the keys, "
        "dim=-1.",
        "softmax(dim=-1)",
        "softmax(dim=-2)",
    ),
    Wrong(
        "weight_out has no effect. Multiply the joined heads with it at the end.",
        " @ weight_out.T",
        "",
    ),
    Wrong(
        "weight_out is multiplied the wrong way round. Its rows belong to the outputs: use "
        "weight_out.T.",
        "weight_out.T",
        "weight_out",
    ),
    Wrong(
        "There is one head, whatever n_head says. Cut the C numbers into n_head pieces, each with weights of "
        "its own.",
        instead=lambda x, weight_qkv, weight_out, n_head: multi_head_attention(
            x, weight_qkv, weight_out, 1
        ),
    ),
    Wrong(
        "Your softmax runs over the heads, dim=1. Take it along the keys, dim=-1.",
        "softmax(dim=-1)",
        "softmax(dim=1).nan_to_num(0)",
    ),
    Wrong(
        "The scores are divided by the square root of H, the number of heads. Divide by that of D = C / H.",
        "C // n_head)",
        "n_head)",
    ),
    Wrong(
        "The scores are divided by the square root of T, the number of positions. Divide by that of D = C / H.",
        "C // n_head)",
        "T)",
    ),
    *TURNED_MASKS,
    Wrong(
        "The mask is added to the scores as it is: True counts as 1 and False as 0. Put minus infinity where "
        "it is True.",
        "scores.masked_fill(later, -math.inf)",
        "(scores + later)",
    ),
    Wrong(
        "The mask puts 0 where it should put minus infinity: e to the 0 is 1, so later positions still get "
        "weight.",
        "-math.inf",
        "0.0",
    ),
)


def by_pytorch(x, weight_qkv, weight_out, n_head):
    B, T, C = x.shape
    heads = torch.nn.functional.linear(x, weight_qkv).view(B, T, 3 * n_head, -1)
    q, k, v = heads.transpose(1, 2).chunk(3, dim=1)
    mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return torch.nn.functional.linear(mixed.transpose(1, 2).flatten(2), weight_out)


def with_loops(x, weight_qkv, weight_out, n_head):
    B, T, C = x.shape
    D = C // n_head
    found = torch.zeros(B, T, C, dtype=torch.float64)
    for b in range(B):
        for h in range(n_head):
            W_q, W_k, W_v = (
                weight_qkv[start : start + D].double() for start in range(h * D, 3 * C, C)
            )
            for t in range(T):
                seen = x[b, : t + 1].double()
                scores = (seen @ W_k.T) @ (W_q @ x[b, t].double()) / D**0.5
                found[b, t, h * D : (h + 1) * D] = scores.softmax(0) @ (seen @ W_v.T)
    return found @ weight_out.double().T


def by_einsum(x, weight_qkv, weight_out, n_head):
    C = x.shape[-1]
    weight = weight_qkv.double().view(3, n_head, C // n_head, C)
    q, k, v = torch.einsum("btc,nhdc->nbhtd", x.double(), weight)
    scores = torch.einsum("bhtd,bhsd->bhts", q, k) * (C // n_head) ** -0.5
    powers = (scores - scores.amax(dim=-1, keepdim=True)).exp().tril()
    mixed = torch.einsum("bhts,bhsd->bhtd", powers / powers.sum(dim=-1, keepdim=True), v)
    out = weight_out.double().view(C, n_head, -1)
    return torch.einsum("bhtd,chd->btc", mixed, out)


RIGHT = (by_pytorch, with_loops, by_einsum)
