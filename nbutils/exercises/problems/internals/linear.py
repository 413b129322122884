"""A linear layer

Nearly all knobs of a GPT's blocks stand in linear layers. Each output is a weighted sum of all
inputs, plus a number of its own, the bias. PyTorch keeps the weights as a table with a row for each
output, so `weight[i]` holds what output i needs. A GPT applies the same layer to every position of
every window, so the inputs may have any dimensions before the last.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 8


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Weighted sums of the inputs, one for each output.

    Args:
        x: (..., n_in), one or more vectors of inputs; before the last there may be any number of
            dimensions, or none.
        weight: (n_out, n_in), a row of weights for each output.
        bias: (n_out,), a number that is added to each output; or None, and nothing is added.

    Returns:
        (..., n_out), with the same dimensions as x before the last.
    """
    y = x @ weight.T
    return y if bias is None else y + bias


def cases(given):
    normal = given.normal
    return [
        Case("one vector, as many outputs as inputs and no bias", normal(3), normal(3, 3), None),
        Case("a bias", normal(3), normal(3, 3), normal(3)),
        Case("fewer outputs than inputs", normal(4), normal(2, 4), normal(2)),
        Case("five vectors", normal(5, 4), normal(2, 4), normal(2)),
        Case("two windows of five positions", normal(2, 5, 4), normal(3, 4), normal(3)),
        Case("two windows and no bias", normal(2, 5, 4), normal(3, 4), None),
        Case("a single output", normal(5, 4), normal(1, 4), normal(1)),
        Case("four dimensions", normal(2, 1, 3, 4), normal(2, 4), normal(2)),
        Case("a single input", normal(1, 3, 1), normal(2, 1), normal(2)),
        Case(
            "a hundred long vectors, in five dimensions",
            normal(100, 1, 1, 1, 40),
            normal(30, 40) / 6,
            10 * normal(30),
        ),
    ]


HINTS = (
    "Output i is the dot product of x with row i of weight. All of them at once are a matrix "
    "product.",
    "Shapes must meet: (..., n_in) @ (n_in, n_out). weight has the shape (n_out, n_in), so turn "
    "it.",
    "`weight.T` has rows and columns exchanged. `x @ weight.T` works for any dimensions before the "
    "last.",
    "The bias (n_out,) fits the last dimension, so `+` adds it to every vector. Ask `bias is None` "
    "first.",
)
WHY = """
The matrix product sums over what stands in the middle: (..., n_in) @ (n_in, n_out) gives
(..., n_out). Exchanging rows and columns with `.T` costs nothing, because no number is moved.
Adding the bias is broadcasting: it fits from the right, so each vector gets the same n_out numbers.
"""
WRONG = (
    Wrong(
        "Your sums take a column of weight for each output. A row belongs to each output: multiply "
        "with weight.T.",
        "weight.T",
        "weight",
    ),
    Wrong(
        "The bias is never added. Add it to the outputs where it isn't None.",
        "y + bias",
        "y",
    ),
    Wrong(
        "The bias is subtracted; add it.",
        "y + bias",
        "y - bias",
    ),
    Wrong(
        "Without a bias your function fails: None can't be added. Ask `bias is None` first.",
        "y if bias is None else y + bias",
        "y + bias",
    ),
    Wrong(
        "Every output gets the sum of all biases. Output i gets bias[i] alone.",
        "y + bias",
        "y + bias.sum()",
    ),
    Wrong(
        "Your weighted sums are divided by n_in, so they are averages. Leave them as sums.",
        "x @ weight.T",
        "x @ weight.T / x.shape[-1]",
    ),
    Wrong(
        "Negative outputs become 0. A linear layer ends with the sum; a bend such as this one "
        "comes after it.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).relu()",
    ),
    Wrong(
        "The outputs go through a sigmoid. A linear layer ends with the sum; a bend comes after "
        "it.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).sigmoid()",
    ),
    Wrong(
        "Your result is a table of all vectors, one below the other. Keep the dimensions that x "
        "has before the last.",
        "x @ weight.T",
        "x.reshape(-1, x.shape[-1]) @ weight.T",
    ),
    Wrong(
        "weight is reshaped to (n_in, n_out), which mixes its numbers up. Exchange rows and columns: weight.T.",
        "weight.T",
        "weight.reshape(weight.shape[1], weight.shape[0])",
    ),
    Wrong(
        "The outputs are multiplied by the bias; add it.",
        "y + bias",
        "y * bias",
    ),
    Wrong(
        "Your function works up to three dimensions, since it names each of them. x may have any number: "
        "x @ weight.T takes them all, as einsum does with ... before the last.",
        instead=lambda x, weight, bias: (
            torch.einsum("bti,oi->bto", x, weight) if x.dim() > 3 else linear(x, weight, bias)
        ),
    ),
    Wrong(
        "Your product works for one vector and fails for several: in weight @ x the inputs must stand first. "
        "They stand last: x @ weight.T.",
        "x @ weight.T",
        "weight @ x",
    ),
    Wrong(
        "The bias is added twice. Once is right.",
        "y + bias",
        "y + bias + bias",
    ),
    Wrong(
        "The bias is added to the inputs, before the weighted sums. Add it to the outputs.",
        "x @ weight.T\n    return y if bias is None else y + bias",
        "(x if bias is None else x + bias) @ weight.T\n    return y",
    ),
    Wrong(
        "Without a bias your function gives None. Give the weighted sums then, too.",
        "return y if",
        "return None if",
    ),
    Wrong(
        "Your condition is the wrong way round: the bias is added where it is None, and left out "
        "where there is one. Add it where it is not None.",
        "bias is None",
        "bias is not None",
    ),
    Wrong(
        "Without a bias you add 1 to each output. None means that nothing is added.",
        "y if bias is None",
        "y + 1 if bias is None",
    ),
    Wrong(
        "Every output gets the mean of all biases. Output i gets bias[i] alone.",
        "y + bias",
        "y + bias.mean()",
    ),
    Wrong(
        "Every output gets the first bias. Output i gets bias[i].",
        "y + bias",
        "y + bias[0]",
    ),
    Wrong(
        "The bias is turned into a column, so it meets the vectors and not their outputs. Its shape (n_out,) fits "
        "the last dimension as it is.",
        "y + bias",
        "y + bias[:, None]",
    ),
    Wrong(
        "x is added to the result. A linear layer gives the weighted sums and the bias alone.",
        "y = x @ weight.T",
        "y = x + x @ weight.T",
    ),
    Wrong(
        "The outputs go through a softmax. A linear layer ends with the sum.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).softmax(dim=-1)",
    ),
    Wrong(
        "The outputs go through a tanh. A linear layer ends with the sum; a bend comes after it.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).tanh()",
    ),
    Wrong(
        "All outputs of a vector are added up. Give each by itself: n_out numbers for each vector.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).sum(dim=-1)",
    ),
    Wrong(
        "Where there is a single output, its dimension is lost. The result has n_out numbers for each "
        "vector, also if n_out is 1: leave squeeze out.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).squeeze()",
    ),
    Wrong(
        "Where there is a single output, its dimension is lost. The result has n_out numbers for each "
        "vector, also if n_out is 1: leave squeeze out.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).squeeze(-1)",
    ),
    Wrong(
        "The outputs stand first and the vectors last. Exchange them: (..., n_out).",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias).movedim(-1, 0)",
    ),
    Wrong(
        "The weights of each row are made to sum to 1 first. Take them as they are.",
        "weight.T",
        "weight.softmax(dim=-1).T",
    ),
    Wrong(
        "Without a bias you add zeros, one for each input. There is one for each output: weight.shape[0] of them, or "
        "none at all.",
        "y if bias is None",
        "y + torch.zeros(weight.shape[1]) if bias is None",
    ),
    Wrong(
        "Of several vectors only the first one's outputs are given. Give those of all.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias)[0 if x.dim() > 1 else ...]",
    ),
    Wrong(
        "Of several vectors only the last one's outputs are given. Give those of all.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias)[-1 if x.dim() > 1 else ...]",
    ),
    Wrong(
        "The last output is missing. There are n_out of them, one for each row of weight.",
        "return y if bias is None else y + bias",
        "return (y if bias is None else y + bias)[..., :-1]",
    ),
    Wrong(
        "The last input is left out. Each output sums over all n_in of them.",
        "x @ weight.T",
        "x[..., :-1] @ weight[:, :-1].T",
    ),
    Wrong(
        "The first input is left out. Each output sums over all n_in of them, and they count from 0.",
        "x @ weight.T",
        "x[..., 1:] @ weight[:, 1:].T",
    ),
    Wrong(
        "The weights have lost their sign. Take them as they are.",
        "x @ weight.T",
        "x @ weight.abs().T",
    ),
    Wrong(
        "Your sums are divided by the square root of n_in, as scores of attention are. Leave them as they are.",
        "x @ weight.T",
        "x @ weight.T / x.shape[-1] ** 0.5",
    ),
    Wrong(
        "The outputs go through a GELU. A linear layer ends with the sum; a bend comes after it.",
        "return y if bias is None else y + bias",
        "return torch.nn.functional.gelu(y if bias is None else y + bias)",
    ),
    Wrong("Every output gets the first bias. Output i gets bias[i].", "y + bias", "y + bias[0]"),
    Wrong(
        "A bias below 0 counts as 0, or without its sign. Add it as it is.",
        "y + bias",
        "y + bias.relu()",
    ),
    Wrong(
        "A bias below 0 counts as 0, or without its sign. Add it as it is.",
        "y + bias",
        "y + bias.abs()",
    ),
)


def by_pytorch(x, weight, bias):
    return torch.nn.functional.linear(x, weight, bias)


def row_by_row(x, weight, bias):
    out = torch.stack([(x * row).sum(dim=-1) for row in weight], dim=-1)
    if bias is not None:
        out += bias
    return out


def as_lists(x, weight, bias):
    def one(vector):
        if isinstance(vector[0], list):
            return [one(v) for v in vector]
        return [
            sum(a * b for a, b in zip(vector, row, strict=True)) + add
            for row, add in zip(rows, adds, strict=True)
        ]

    rows = weight.tolist()
    adds = [0.0] * len(rows) if bias is None else bias.tolist()
    return one(x.tolist())


def in_double(x, weight, bias):
    y = torch.einsum("...i,oi->...o", x.double(), weight.double())
    return y if bias is None else y + bias.double()


RIGHT = (by_pytorch, row_by_row, as_lists, in_double)
