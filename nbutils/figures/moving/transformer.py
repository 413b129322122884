"""Chapter 3c's moving picture: the sorter runs in the page, and every number says what made it."""

import copy
import itertools
import math
from functools import cache, lru_cache

import numpy as np
import torch
import traitlets

from nbutils.model import GPT
from nbutils.trace import Trace, trace

from .networks import SORTED, content, load_network
from .picture import Picture, readable, whole_number

LETTERS = "ABC"
POSITIONS = 2 * SORTED - 1  # the question, and all but the last letter of the answer
SHOWN = 3
"""How many products of a sum are written out."""

FIRST = {"embedded": "each letter's numbers plus those of its position"}
LAYER = {
    "attention_normed": "the stream, normalised for attention to read",
    "q": "the queries of the three heads, side by side",
    "k": "the keys of the three heads, side by side",
    "v": "the values of the three heads, side by side",
    "scores": "the scores of the three heads: each query times each key, before the mask",
    "weights": "the attention weights of the three heads: mask and softmax of the scores",
    "heads": "what each head gathers: the sum of the values by their weights",
    "attention_answer": "attention's answer: the three heads mixed by a matrix",
    "after_attention": "the stream with attention's answer added",
    "mlp_normed": "the stream, normalised for the MLP to read",
    "mlp_hidden": "the MLP's 192 hidden numbers after GELU, in four rows of pictures",
    "mlp_answer": "the MLP's answer",
    "after_mlp": "the stream with the MLP's answer added",
}
LAST = {
    "final_normed": "the stream after the last layer, normalised",
    "logits": "the logits: a score for each next letter",
    "probabilities": "the probabilities of the next letter: the softmax of the logits",
}


@cache
def _sorter() -> GPT:
    """In float64, so that its rounding is no reader's concern."""
    return copy.deepcopy(load_network("sorter")).double()


def list_stages() -> list[tuple[int | None, str]]:
    """Every stage as (layer, name): the names are those of `nbutils.trace`."""
    layers = itertools.product(range(_sorter().config.n_layer), LAYER)
    return [*((None, name) for name in FIRST), *layers, *((None, name) for name in LAST)]


@lru_cache(maxsize=16)
def sort_letters(text: str) -> tuple[str, Trace]:
    """The answer that the network writes, letter by letter, and every value on the way to it."""
    tokens = torch.tensor([[LETTERS.index(letter) for letter in text.upper()]])
    for _ in range(SORTED):
        seen = trace(_sorter(), tokens)
        tokens = torch.cat([tokens, seen.logits[:, -1:].argmax(-1)], dim=1)
    return "".join(LETTERS[i] for i in tokens[0, SORTED:]), seen


class WholeTransformer(Picture):
    """Step through all stages of the sorter; each number can be asked what made it.

    Args:
        text: six letters, each A, B or C.
        stage: which stage is shown at the start, of `list_stages`.
        row: the position, and ``column`` the number at it, that is explained.
    """

    script = "transformer.js"
    resources = {"sorter": lambda: content("sorter")}

    text = traitlets.Unicode().tag(sync=True)
    stage = traitlets.Int().tag(sync=True)
    row = traitlets.Int().tag(sync=True)
    column = traitlets.Int().tag(sync=True)
    beginning = traitlets.Dict().tag(sync=True)  # what the first stage needs, before any file

    def __init__(self, text: str = "CBACAB", stage: int = 0, row: int = 0, column: int = 0):
        _check(text)
        whole_number("stage", stage, 0, len(list_stages()) - 1)
        super().__init__(text=text, stage=stage)
        whole_number("row", row, 0, POSITIONS - 1)
        whole_number("column", column, 0, self.shown().shape[1] - 1)
        model = _sorter()
        tables = [model.token_embedding.weight, model.position_embedding.weight]
        letters, positions = [table.tolist() for table in tables]
        self.beginning = {
            "text": text.upper(),
            "answer": self.answer(),
            "letters": letters,
            "positions": positions,
        }
        self.row, self.column = row, column

    def answer(self) -> str:
        """What the network writes after the text."""
        return sort_letters(self.text)[0]

    def shown(self) -> np.ndarray:
        """The numbers of the stage, a row for each position, (T, n); heads side by side."""
        layer, name = list_stages()[self.stage]
        return _numbers(sort_letters(self.text)[1], layer, name)

    def numbers(self) -> list:
        """The same in one list."""
        return self.shown().flatten().tolist()

    def summary(self) -> str:
        answer, seen = sort_letters(self.text)
        layer, name = list_stages()[self.stage]
        words = (FIRST | LAYER | LAST)[name]
        where = "" if layer is None else f"layer {layer + 1}, "
        return (
            f"The network has read {self.text.upper()} and writes {answer}.\n"
            f"Stage {self.stage} of {len(list_stages()) - 1}: {where}{words}.\n"
            f"{_place(name, self.row, self.column, self.text.upper() + answer)} "
            f"{_made_of(seen, layer, name, self.row, self.column)}"
        )


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"text={text!r} must be a str of {SORTED} letters")
    if len(text) != SORTED or set(text.upper()) - set(LETTERS):
        raise ValueError(f"text={text[:20]!r} must be {SORTED} letters, each A, B or C")


def _numbers(seen: Trace, layer: int | None, name: str) -> np.ndarray:
    value = getattr(seen if layer is None else seen.layers[layer], name)[0]
    return (value.transpose(0, 1).flatten(1) if value.dim() == 3 else value).cpu().numpy()


def _place(name: str, row: int, column: int, letters: str) -> str:
    """Which number is explained."""
    here = f"Position {row}, letter {letters[row]},"
    if name in ("scores", "weights"):
        head, seen = divmod(column, POSITIONS)
        return f"{here} head {head + 1}, looking at position {seen}:"
    if name in ("q", "k", "v", "heads"):
        return f"{here} head {column // 16 + 1}, number {column % 16}:"
    if name in ("logits", "probabilities"):
        return f"{here} next letter {LETTERS[column]}:"
    return f"{here} number {column}:"


def _made_of(seen: Trace, layer: int | None, name: str, row: int, column: int) -> str:
    """The sum that made a number."""
    model, value = _sorter(), _numbers(seen, layer, name)[row, column]
    total = _readable(value)
    if name == "embedded":
        parts = seen.token_embedding[0, row, column], seen.position_embedding[row, column]
        return f"{_readable(parts[0])} of the letter + {_readable(parts[1])} of the position = {total}."
    if name == "logits":
        return f"{_products(seen.final_normed[0, row], model.head.weight[column])} = {total}."
    if name == "probabilities":
        return _share(seen.logits[0, row], column, total)
    if name == "final_normed":
        return _normed(model.final_norm, seen.layers[-1].after_mlp[0, row], column, total)
    here, block = seen.layers[layer], model.blocks[layer]
    before = seen.embedded if layer == 0 else seen.layers[layer - 1].after_mlp
    if name in ("scores", "weights", "heads"):
        return _looked(here, name, row, column, total)
    if name in ("attention_normed", "mlp_normed"):
        stream = before if name == "attention_normed" else here.after_attention
        return _normed(getattr(block, name.replace("ed", "")), stream[0, row], column, total)
    if name in ("after_attention", "after_mlp"):
        one = before if name == "after_attention" else here.after_attention
        other = here.attention_answer if name == "after_attention" else here.mlp_answer
        parts = _readable(one[0, row, column]), _readable(other[0, row, column])
        return f"{parts[0]} of the stream + {parts[1]} of the answer = {total}."
    linear, number, read = {
        "q": (block.attention.query_key_value, column, here.attention_normed),
        "k": (block.attention.query_key_value, 48 + column, here.attention_normed),
        "v": (block.attention.query_key_value, 96 + column, here.attention_normed),
        "attention_answer": (
            block.attention.projection,
            column,
            here.heads.transpose(1, 2).flatten(2),
        ),
        "mlp_hidden": (block.mlp.expand, column, here.mlp_normed),
        "mlp_answer": (block.mlp.contract, column, here.mlp_hidden),
    }[name]
    products = _products(read[0, row], linear.weight[number], linear.bias[number])
    return f"GELU({products}) = {total}." if name == "mlp_hidden" else f"{products} = {total}."


def _looked(here, name: str, row: int, column: int, total: str) -> str:
    """A number of one head's attention."""
    if name == "heads":
        head, number = divmod(column, 16)
        return f"{_products(here.weights[0, head, row, : row + 1], here.v[0, head, : row + 1, number])} = {total}."
    head, seen = divmod(column, POSITIONS)
    if name == "scores":
        return f"({_products(here.q[0, head, row], here.k[0, head, seen])}) / √16 = {total}."
    if seen > row:
        return "0, because the mask hides what comes later."
    return _share(here.scores[0, head, row, : row + 1], seen, total)


def _products(a: torch.Tensor, b: torch.Tensor, constant: torch.Tensor | None = None) -> str:
    text = " + ".join(f"{_readable(x)} × {_readable(y)}" for x, y in zip(a[:SHOWN], b[:SHOWN]))
    if len(a) > SHOWN:
        text += f" + … ({len(a)} products)"
    return text if constant is None else f"{text} + the constant {_readable(constant)}"


def _share(numbers: torch.Tensor, one: int, total: str) -> str:
    return (
        f"e^{_readable(numbers[one])} = {_readable(numbers[one].exp())}; divided by "
        f"{_readable(numbers.exp().sum())}, the sum of all such powers in its row, it is {total}."
    )


def _normed(norm: torch.nn.LayerNorm, x: torch.Tensor, column: int, total: str) -> str:
    spread = math.sqrt(x.var(correction=0) + norm.eps)
    numbers = x[column], x.mean(), spread, norm.weight[column], norm.bias[column]
    value, mean, spread, scale, shift = map(_readable, numbers)
    return (
        f"{value}, less its row's mean {mean}, over the row's spread {spread}, "
        f"× {scale} + {shift} = {total}."
    )


def _readable(value) -> str:
    return readable(float(value))
