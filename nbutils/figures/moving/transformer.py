"""Chapter 3c's moving picture: the sorter runs in the page, and every number says what made it."""

import copy
import itertools
import math
from functools import cache, lru_cache

import numpy as np
import torch
import traitlets

from nbutils.model import GPT
from nbutils.trace import LayerTrace, Trace, trace
from nbutils.words import sentence

from .networks import SORTED, content, load_network
from .picture import Picture, readable, whole_number

LETTERS = "ABC"
POSITIONS = 2 * SORTED - 1  # the question, and all but the last letter of the answer
SHOWN = 3
"""How many products of a sum are written out."""

FIRST = ("embedded",)
LAYER = (
    "attention_normed",
    "q",
    "k",
    "v",
    "scores",
    "weights",
    "heads",
    "attention_answer",
    "after_attention",
    "mlp_normed",
    "mlp_hidden",
    "mlp_answer",
    "after_mlp",
)
LAST = ("final_normed", "logits", "probabilities")


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
    kept = ("text", "stage", "row", "column")

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
        what = self._words[name]
        if layer is not None:
            what = self.say("layer", layer=layer + 1, what=what)
        said = (
            self.say("read", text=self.text.upper(), answer=answer),
            self.say("where", stage=self.stage, stages=len(list_stages()) - 1, what=what),
            f"{self._place(name, self.text.upper() + answer)} {self._made_of(seen, layer, name)}",
        )
        return "\n".join(said)

    def _place(self, name: str, letters: str) -> str:
        """Which number is explained."""
        here, column = {"row": self.row, "letter": letters[self.row]}, self.column
        if name in ("scores", "weights"):
            head, seen = divmod(column, POSITIONS)
            return self.say("looks", **here, head=head + 1, seen=seen)
        if name in ("q", "k", "v", "heads"):
            return self.say("inHead", **here, head=column // 16 + 1, number=column % 16)
        if name in ("logits", "probabilities"):
            key = "untrained" if self.row < SORTED - 1 else "next"
            return self.say(key, **here, next=LETTERS[column])
        return self.say("number", **here, number=column)

    def _made_of(self, seen: Trace, layer: int | None, name: str) -> str:
        """The sum that made a number."""
        model, row, column = _sorter(), self.row, self.column
        total = _readable(_numbers(seen, layer, name)[row, column])
        if name == "embedded":
            parts = seen.token_embedding[0, row, column], seen.position_embedding[row, column]
            return self._two("embedding", *parts, total)
        if name == "logits":
            products = self._products(seen.final_normed[0, row], model.head.weight[column])
            return self.say("sum", products=products, total=total)
        if name == "probabilities":
            return self._share(seen.logits[0, row], column, total)
        if name == "final_normed":
            return self._normed(model.final_norm, seen.layers[-1].after_mlp[0, row], total)
        here, block = seen.layers[layer], model.blocks[layer]
        before = seen.embedded if layer == 0 else seen.layers[layer - 1].after_mlp
        if name in ("scores", "weights", "heads"):
            return self._looked(here, name, total)
        if name in ("attention_normed", "mlp_normed"):
            stream = before if name == "attention_normed" else here.after_attention
            return self._normed(getattr(block, name.replace("ed", "")), stream[0, row], total)
        if name in ("after_attention", "after_mlp"):
            one = before if name == "after_attention" else here.after_attention
            other = here.attention_answer if name == "after_attention" else here.mlp_answer
            return self._two("added", one[0, row, column], other[0, row, column], total)
        attention, mlp = block.attention, block.mlp
        linear, number, read = {
            "q": (attention.query_key_value, column, here.attention_normed),
            "k": (attention.query_key_value, 48 + column, here.attention_normed),
            "v": (attention.query_key_value, 96 + column, here.attention_normed),
            "attention_answer": (
                attention.projection,
                column,
                here.heads.transpose(1, 2).flatten(2),
            ),
            "mlp_hidden": (mlp.expand, column, here.mlp_normed),
            "mlp_answer": (mlp.contract, column, here.mlp_hidden),
        }[name]
        products = self._products(read[0, row], linear.weight[number], linear.bias[number])
        return self.say("bent" if name == "mlp_hidden" else "sum", products=products, total=total)

    def _looked(self, here: LayerTrace, name: str, total: str) -> str:
        """A number of one head's attention."""
        row = self.row
        if name == "heads":
            head, number = divmod(self.column, 16)
            weights, values = here.weights[0, head, row], here.v[0, head, :, number]
            products = self._products(weights[: row + 1], values[: row + 1])
            return self.say("sum", products=products, total=total)
        head, seen = divmod(self.column, POSITIONS)
        if name == "scores":
            products = self._products(here.q[0, head, row], here.k[0, head, seen])
            return self.say("scaled", products=products, total=total)
        if seen > row:
            return self.say("masked")
        return self._share(here.scores[0, head, row, : row + 1], seen, total)

    def _two(self, key: str, one: torch.Tensor, other: torch.Tensor, total: str) -> str:
        return self.say(key, one=_readable(one), other=_readable(other), total=total)

    def _products(
        self, a: torch.Tensor, b: torch.Tensor, constant: torch.Tensor | None = None
    ) -> str:
        text = " + ".join(f"{_readable(x)} × {_readable(y)}" for x, y in zip(a[:SHOWN], b[:SHOWN]))
        if len(a) > SHOWN:
            text = self.say("more", products=text, count=len(a))
        if constant is None:
            return text
        return self.say("constant", products=text, constant=_readable(constant))

    def _share(self, numbers: torch.Tensor, one: int, total: str) -> str:
        return self.say(
            "share",
            number=_readable(numbers[one]),
            power=_readable(numbers[one].exp()),
            powers=_readable(numbers.exp().sum()),
            total=total,
        )

    def _normed(self, norm: torch.nn.LayerNorm, x: torch.Tensor, total: str) -> str:
        return self.say(
            "norm",
            value=_readable(x[self.column]),
            mean=_readable(x.mean()),
            spread=_readable(math.sqrt(x.var(correction=0) + norm.eps)),
            scale=_readable(norm.weight[self.column]),
            shift=_readable(norm.bias[self.column]),
            total=total,
        )


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(
            sentence("text={text} must be a str of {count} letters", text=repr(text), count=SORTED)
        )
    if len(text) != SORTED or set(text.upper()) - set(LETTERS):
        raise ValueError(
            sentence(
                "text={text} must be {count} letters, each A, B or C",
                text=repr(text[:20]),
                count=SORTED,
            )
        )


def _numbers(seen: Trace, layer: int | None, name: str) -> np.ndarray:
    value = getattr(seen if layer is None else seen.layers[layer], name)[0]
    return (value.transpose(0, 1).flatten(1) if value.dim() == 3 else value).cpu().numpy()


def _readable(value) -> str:
    return readable(float(value))
