"""Each position by itself

Attention gathers what stands elsewhere. The MLP then does something with what was gathered, at each
position by itself: a linear layer to more numbers, a bend, and a linear layer back. GPT-2 makes the
middle four times as wide as the residual stream, and two thirds of a large GPT's knobs stand in its
MLPs. Without the bend both layers together could do no more than one.
"""

import torch
import torch.nn.functional as F

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def mlp(
    x: torch.Tensor,
    expand_weight: torch.Tensor,
    expand_bias: torch.Tensor,
    contract_weight: torch.Tensor,
    contract_bias: torch.Tensor,
) -> torch.Tensor:
    """Expand, bend, contract: what a GPT's MLP gives for each position.

    The bend is the GELU in GPT-2's approximation, 0.5 x (1 + tanh(sqrt(2 / π) (x + 0.044715 x³))),
    which PyTorch has as torch.nn.functional.gelu(x, approximate="tanh"). It acts on the M numbers
    in the middle.

    Args:
        x: (B, T, C), C numbers for each of T positions in B windows.
        expand_weight: (M, C), a row for each number in the middle. In GPT-2 M is 4 * C; here it may
            be any number.
        expand_bias: (M,).
        contract_weight: (C, M), a row for each output.
        contract_bias: (C,).

    Returns:
        (B, T, C), without the residual: x is not added to it.
    """
    z = x @ expand_weight.T + expand_bias  # (B, T, M)
    bent = F.gelu(z, approximate="tanh")
    return bent @ contract_weight.T + contract_bias


def cases(given):
    def bias(size, wanted):
        return given.normal(size) if wanted else torch.zeros(size, dtype=given.dtype)

    def knobs(M, C, expand=True, contract=True):
        to_middle = given.normal(M, C), bias(M, expand)
        return *to_middle, given.normal(C, M) / M**0.5, bias(C, contract)

    return [
        Case(
            "biases of 0 and a middle that is no wider",
            given.normal(1, 1, 3),
            *knobs(3, 3, expand=False, contract=False),
        ),
        Case("a bias before the bend", given.normal(1, 1, 3), *knobs(3, 3, contract=False)),
        Case("a bias at the end", given.normal(1, 1, 3), *knobs(3, 3)),
        Case("a middle that is four times as wide", given.normal(1, 1, 3), *knobs(12, 3)),
        Case("two windows of five positions", given.normal(2, 5, 3), *knobs(12, 3)),
    ]


HINTS = (
    "Three lines: to M numbers, the bend, back to C numbers.",
    "Each weight has a row for each output, so a linear layer is `x @ weight.T + bias`.",
    "The bend stands between the two linear layers, after the first bias. "
    "`F.gelu` alone is the exact GELU; GPT-2's has approximate='tanh'.",
)
WHY = """
A linear layer of a linear layer is a linear layer: contract(expand(x)) without a bend could be
written as a single matrix. With the bend each number in the middle is a question of its own, "is
this here?", and contract says what to write if it is. No position looks at another, so all are done
at once. The residual belongs to the block, which adds this answer to x.
"""
WRONG = (
    Wrong(
        "There is no bend between the two linear layers. Put the GELU there.",
        'F.gelu(z, approximate="tanh")',
        "z",
    ),
    Wrong(
        "Your bend is the exact GELU. GPT-2 uses the approximation with tanh: approximate='tanh'.",
        'F.gelu(z, approximate="tanh")',
        "F.gelu(z)",
    ),
    Wrong(
        "Your bend is a ReLU, which has a corner at 0. Take the GELU.",
        'F.gelu(z, approximate="tanh")',
        "F.relu(z)",
    ),
    Wrong(
        "Your bend is a sigmoid. Take the GELU.",
        'F.gelu(z, approximate="tanh")',
        "z.sigmoid()",
    ),
    Wrong(
        "Your bend is tanh alone. Take the GELU, of which tanh is only a part.",
        'F.gelu(z, approximate="tanh")',
        "z.tanh()",
    ),
    Wrong(
        "The result is bent once more. The bend stands only between the two linear layers.",
        "bent @ contract_weight.T + contract_bias",
        'F.gelu(bent @ contract_weight.T + contract_bias, approximate="tanh")',
    ),
    Wrong(
        "The bend comes after both linear layers. It belongs between them.",
        instead=lambda x, expand_weight, expand_bias, contract_weight, contract_bias: F.gelu(
            (x @ expand_weight.T + expand_bias) @ contract_weight.T + contract_bias,
            approximate="tanh",
        ),
    ),
    Wrong(
        "expand_bias has no effect. Add it before the bend.",
        " + expand_bias",
        "",
    ),
    Wrong(
        "expand_bias is added after the bend. Add it before.",
        'F.gelu(z, approximate="tanh")',
        'F.gelu(z - expand_bias, approximate="tanh") + expand_bias',
    ),
    Wrong(
        "contract_bias has no effect. Add it at the end.",
        " + contract_bias",
        "",
    ),
    Wrong(
        "x is added to the result. The MLP gives its answer alone; the block adds it to x.",
        "bent @ contract_weight.T",
        "x + bent @ contract_weight.T",
    ),
    Wrong(
        "Yours multiplies with expand_weight itself. It has a row for each output, so multiply "
        "with expand_weight.T.",
        "expand_weight.T",
        "expand_weight",
    ),
    Wrong(
        "Yours multiplies with contract_weight itself. It has a row for each output, so multiply "
        "with contract_weight.T.",
        "contract_weight.T",
        "contract_weight",
    ),
    Wrong(
        "The second linear layer is missing: the result has M numbers. Bring them back to C with "
        "contract_weight and contract_bias.",
        "bent @ contract_weight.T + contract_bias",
        "bent",
    ),
)


def by_pytorch(x, expand_weight, expand_bias, contract_weight, contract_bias):
    wide = F.linear(x, expand_weight, expand_bias)
    return F.linear(F.gelu(wide, approximate="tanh"), contract_weight, contract_bias)


def one_by_one(x, expand_weight, expand_bias, contract_weight, contract_bias):
    out = contract_bias.expand(x.shape).clone()
    for i, (row, bias) in enumerate(zip(expand_weight, expand_bias, strict=True)):
        z = (x * row).sum(dim=-1, keepdim=True) + bias
        gate = torch.sigmoid(1.5957691216 * (z + 0.044715 * z**3))
        out += z * gate * contract_weight[:, i]
    return out


def in_double(x, expand_weight, expand_bias, contract_weight, contract_bias):
    z = torch.einsum("btc,mc->btm", x.double(), expand_weight.double()) + expand_bias
    z = z / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z.pow(3))))
    return torch.einsum("btm,cm->btc", z, contract_weight.double()) + contract_bias


RIGHT = (by_pytorch, one_by_one, in_double)
