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

    large = torch.tensor([[[30.0, -30.0, 2.0]]], dtype=given.dtype)
    same, zeros = torch.eye(3, dtype=given.dtype), torch.zeros(3, dtype=given.dtype)
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
        Case("large numbers", large, same, zeros, same, zeros),
        Case("one number in and out, and one in the middle", given.normal(2, 1, 1), *knobs(1, 1)),
        Case(
            "three windows of a hundred positions, and a narrow middle",
            2 * given.normal(3, 100, 5),
            *knobs(2, 5),
        ),
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
BEND = 'F.gelu(z, approximate="tanh")'
WRONG = (
    Wrong(
        "There is no bend between the two linear layers. Put the GELU there.",
        BEND,
        "z",
    ),
    Wrong(
        "Your bend is the exact GELU. GPT-2 uses the approximation with tanh: approximate='tanh'.",
        BEND,
        "F.gelu(z)",
    ),
    Wrong(
        "Your bend is a ReLU, which has a corner at 0. Take the GELU.",
        BEND,
        "F.relu(z)",
    ),
    Wrong(
        "Your bend is a sigmoid. Take the GELU.",
        BEND,
        "z.sigmoid()",
    ),
    Wrong(
        "Your bend is tanh alone. Take the GELU, of which tanh is only a part.",
        BEND,
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
        BEND,
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
    Wrong(
        "The bend comes before the first layer. It belongs between the two.",
        'z = x @ expand_weight.T + expand_bias  # (B, T, M)\n    bent = F.gelu(z, approximate="tanh")',
        'bent = F.gelu(x, approximate="tanh") @ expand_weight.T + expand_bias',
    ),
    Wrong(
        "contract_bias is added before the second matrix. Add it at the end, to the C numbers.",
        "bent @ contract_weight.T + contract_bias",
        "(bent + contract_bias) @ contract_weight.T",
    ),
    Wrong(
        "contract_bias is added in the middle, before the bend. Add it at the end, to the C numbers.",
        'expand_bias  # (B, T, M)\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ contract_weight.T + contract_bias",
        'expand_bias + contract_bias\n    bent = F.gelu(z, approximate="tanh")\n    return bent @ contract_weight.T',
    ),
    Wrong(
        "expand_bias is added to x, before the first matrix. Add it to the M numbers in the middle.",
        "x @ expand_weight.T + expand_bias",
        "(x + expand_bias) @ expand_weight.T",
    ),
    Wrong(
        "The two biases are exchanged. expand_bias (M,) belongs to the middle, contract_bias (C,) to the end.",
        'expand_bias  # (B, T, M)\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ contract_weight.T + contract_bias",
        'contract_bias\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ contract_weight.T + expand_bias",
    ),
    Wrong(
        "The two matrices are exchanged: contract_weight stands first. Its shape (C, M) fits "
        "there without .T, but it belongs at the end, transposed.",
        'expand_weight.T + expand_bias  # (B, T, M)\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ contract_weight.T",
        'contract_weight + expand_bias\n    bent = F.gelu(z, approximate="tanh")\n    return bent @ expand_weight',
    ),
    Wrong(
        "The two matrices are exchanged: contract_weight stands first. expand_weight comes first, with expand_bias.",
        'expand_weight.T + expand_bias  # (B, T, M)\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ contract_weight.T",
        'contract_weight.T + expand_bias\n    bent = F.gelu(z, approximate="tanh")\n'
        "    return bent @ expand_weight.T",
    ),
    Wrong(
        "expand_weight is used for both layers. The second has a matrix of its own, contract_weight.",
        "contract_weight.T",
        "expand_weight",
    ),
    Wrong(
        "expand_weight is used for both layers. The second has a matrix of its own, contract_weight.",
        "contract_weight.T",
        "expand_weight.T",
    ),
    Wrong(
        "expand_weight is reshaped to (C, M), which mixes its numbers up. Exchange rows and columns: "
        "expand_weight.T.",
        "expand_weight.T",
        "expand_weight.reshape(x.shape[-1], -1)",
    ),
    Wrong(
        "contract_weight is reshaped to (M, C), which mixes its numbers up. Exchange rows and columns: "
        "contract_weight.T.",
        "contract_weight.T",
        "contract_weight.reshape(-1, x.shape[-1])",
    ),
    Wrong(
        "Neither bias has any effect. Add expand_bias before the bend, and contract_bias at the end.",
        instead=lambda x, expand_weight, expand_bias, contract_weight, contract_bias: (
            F.gelu(x @ expand_weight.T, approximate="tanh") @ contract_weight.T
        ),
    ),
    Wrong(
        "The bend is taken twice. Once, between the two linear layers, is right.",
        BEND,
        'F.gelu(F.gelu(z, approximate="tanh"), approximate="tanh")',
    ),
    *(
        Wrong(f"Your bend is {name}. Take the GELU with approximate='tanh'.", BEND, bend)
        for name, bend in (
            ("z times the sigmoid of z, called SiLU", "F.silu(z)"),
            (
                "z times the sigmoid of 1.702 z, another approximation",
                "z * torch.sigmoid(1.702 * z)",
            ),
            ("a ReLU that lets a little of negative numbers through", "F.leaky_relu(z)"),
            ("a ReLU, squared", "F.relu(z).square()"),
            ("a softmax", "z.softmax(dim=-1)"),
            ("a softplus", "F.softplus(z)"),
            ("an ELU", "F.elu(z)"),
        )
    ),
    *(
        Wrong(says, BEND, f"0.5 * z * {gate}")
        for says, gate in (
            (
                "Your GELU has 2 / π without its square root. Take math.sqrt(2 / math.pi).",
                "(1 + torch.tanh(2 / torch.pi * (z + 0.044715 * z**3)))",
            ),
            (
                "In your GELU the third power is missing. Add 0.044715 z³ inside the tanh.",
                "(1 + torch.tanh((2 / torch.pi) ** 0.5 * z))",
            ),
            (
                "In your GELU z is squared where it should have its third power.",
                "(1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**2)))",
            ),
            (
                "In your GELU the constant is 0.44715. It is 0.044715.",
                "(1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.44715 * z**3)))",
            ),
            (
                "In your GELU the root of 2 / π is missing.",
                "(1 + torch.tanh(z + 0.044715 * z**3))",
            ),
            (
                "In your GELU the 1 before the tanh is missing.",
                "torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3))",
            ),
            (
                "Your GELU is twice as large as it should be. Multiply by one half.",
                "2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3)))",
            ),
            (
                "Your GELU gives nan for large numbers: e to a large power is infinite. Use torch.tanh.",
                "(1 + ((e := (2 * (2 / torch.pi) ** 0.5 * (z + 0.044715 * z**3)).exp()) - 1) / (e + 1))",
            ),
        )
    ),
    Wrong(
        "contract_bias is added twice. Once is right.",
        "+ contract_bias",
        "+ 2 * contract_bias",
    ),
    Wrong(
        "expand_bias is added twice. Once, before the bend, is right.",
        "+ expand_bias",
        "+ 2 * expand_bias",
    ),
    Wrong(
        "x is normalised first. The MLP takes it as it is; the block has a layer norm before it.",
        "x @ expand_weight.T",
        "F.layer_norm(x, x.shape[-1:]) @ expand_weight.T",
    ),
    *(
        Wrong(f"{bias} is subtracted. Add it.", f"+ {bias}", f"- {bias}")
        for bias in ("expand_bias", "contract_bias")
    ),
    Wrong(
        "expand_bias is added at the end, too. contract_bias belongs there.",
        "+ contract_bias",
        "+ expand_bias",
    ),
    Wrong(
        "contract_bias is added in the middle, too. expand_bias belongs there.",
        "+ expand_bias",
        "+ contract_bias",
    ),
    Wrong(
        "Of the two layers only one acts, with expand_weight. Bend its numbers, and bring them back to C with "
        "contract_weight.",
        "return bent @ contract_weight.T + contract_bias",
        "return z",
    ),
    Wrong(
        "Yours multiplies with both weights themselves. They have a row for each output, so multiply with "
        "expand_weight.T and contract_weight.T.",
        instead=lambda x, expand_weight, expand_bias, contract_weight, contract_bias: (
            F.gelu(x @ expand_weight + expand_bias, approximate="tanh") @ contract_weight
            + contract_bias
        ),
    ),
    Wrong(
        "The middle is multiplied by its own GELU. Give the GELU of it alone.",
        "bent @ contract_weight.T",
        "(z * bent) @ contract_weight.T",
    ),
    Wrong(
        "The results of a window's positions are averaged. Each position has its own.",
        "return bent @ contract_weight.T + contract_bias",
        "return (bent @ contract_weight.T + contract_bias).mean(1, keepdim=True)",
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
