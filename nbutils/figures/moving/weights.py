"""Chapter 3c's moving picture: six weights of the sorter with sliders, and what it then answers.

The weights are one of each place in `PLACES`. `soonest` takes the one whose turn would change the
answer soonest, judging by slopes. Slopes are of the trained value only, so how far the weight must
really be turned is then found by turning it (`first_change`), and its slider goes twice as far.
"""

import copy
import itertools
from collections.abc import Sequence
from decimal import ROUND_UP, Context
from functools import cache, lru_cache

import numpy as np
import torch
import traitlets
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from nbutils.model import GPT
from nbutils.words import sentence

from .networks import SORTED, content, load_network
from .picture import Picture, readable, whole_number
from .transformer import LETTERS

QUESTION = "CBACAB"
PLACES = {
    "token": "token_embedding.weight",
    "position": "position_embedding.weight",
    "query_key": "blocks.0.attention.query_key_value.weight",
    "projection": "blocks.1.attention.projection.weight",
    "mlp": "blocks.2.mlp.contract.weight",
    "head": "head.weight",
}
"""Where the six weights are from: place -> tensor. Of ``query_key`` the values have no part."""

STEPS = 20
"""A slider has so many steps below the trained value, and as many above it."""
MOVED = 0.001
"""A probability that is further than this from the trained one has moved."""


class SixWeights(Picture):
    """Turn six of the sorter's numbers: what it answers to `QUESTION`, and how sure it is.

    Args:
        turns: how many of its slider's steps each weight is away from its trained value, six whole
            numbers from -`STEPS` to `STEPS`.
    """

    script = "weights.js"
    resources = {"sorter": lambda: content("sorter")}
    kept = ("turns",)

    turns = traitlets.List().tag(sync=True)
    question = traitlets.Unicode(QUESTION).tag(sync=True)
    weights = traitlets.List().tag(sync=True)  # of `six_weights`
    trained = traitlets.Dict().tag(sync=True)  # what it answers as trained, before any file is here
    total = traitlets.Int().tag(sync=True)  # all numbers of the network
    steps = traitlets.Int(STEPS).tag(sync=True)
    moved = traitlets.Float(MOVED).tag(sync=True)

    def __init__(self, turns: Sequence[int] = (0,) * len(PLACES)):
        if not isinstance(turns, Sequence) or len(turns) != len(PLACES):
            raise ValueError(
                sentence(
                    "turns={turns} must be {count} whole numbers",
                    turns=repr(turns),
                    count=len(PLACES),
                )
            )
        turns = [whole_number(f"turns[{i}]", turn, -STEPS, STEPS) for i, turn in enumerate(turns)]
        super().__init__(
            turns=turns,
            weights=list(six_weights()),
            trained=_as_trained(),
            total=_sorter().num_parameters(),
        )

    def answer(self) -> str:
        """The six letters that the network writes."""
        return written(tuple(self.turns))[0]

    def probabilities(self) -> np.ndarray:
        """Of A, B and C at each place of the answer, after what was written before; (6, 3)."""
        return written(tuple(self.turns))[1]

    def loss(self) -> float:
        """The mean over the six letters, in nats; as in training, after the right letters."""
        return loss(tuple(self.turns))

    def solved(self) -> int:
        """How many of all 729 questions the network now answers without a mistake."""
        questions = torch.tensor(list(itertools.product(range(len(LETTERS)), repeat=SORTED)))
        answers = questions.sort(dim=1).values
        logits = _logits(tuple(self.turns), torch.cat([questions, answers[:, :-1]], dim=1))
        return int((logits.argmax(-1) == answers).all(dim=1).sum())

    def summary(self) -> str:
        answer, turned = self.answer(), sum(turn != 0 for turn in self.turns)
        right = sum(a == b for a, b in zip(answer, _right()))
        away = np.abs(self.probabilities() - self.trained["probabilities"]) > MOVED
        now, trained = readable(self.loss()), readable(self.trained["loss"])
        said = (
            self.say(
                "many" if turned > 1 else "one" if turned else "none",
                turned=turned,
                total=f"{self.total:,}",
            ),
            self.say("answers", question=QUESTION, answer=answer, right=right, letters=SORTED),
            self.say(
                "both" if turned else "loss",
                away=away.sum(),
                all=away.size,
                moved=MOVED,
                loss=now,
                trained=trained,
            ),
        )
        return "\n".join(said)


# The six weights


@cache
def six_weights() -> tuple[dict, ...]:
    """Of each place its weight: place, row, column, trained value, and reach of its slider."""
    found = []
    for place, (row, column) in soonest().items():
        trained = _sorter().get_parameter(PLACES[place])[row, column].item()
        twice = 2 * first_change(place, row, column)
        reach = Context(2, ROUND_UP).create_decimal(twice)  # two figures are enough to be read
        found.append(
            {
                "place": place,
                "tensor": PLACES[place],
                "row": row,
                "column": column,
                "trained": trained,
                "reach": float(reach),
            }
        )
    return tuple(found)


def soonest() -> dict[str, tuple[int, int]]:
    """Of each place the weight whose turn changes the answer soonest, judging by slopes.

    A letter changes when the logit of another one reaches its own. So for each of the 6 letters and
    its 2 rivals, the lead of the right letter's logit is divided by the lead's slope for the
    weight; the smallest of the 12 quotients is how far that weight must be turned.
    """
    model = copy.deepcopy(_sorter()).requires_grad_(True)
    tensors = [model.get_parameter(name) for name in PLACES.values()]
    logits = model(_right_tokens())[0, SORTED - 1 :]
    right = logits.gather(1, _right_letters()[:, None])
    leads = (right - logits)[torch.arange(len(LETTERS)) != _right_letters()[:, None]]
    needed = [torch.full_like(tensor, torch.inf) for tensor in tensors]
    for lead in leads:  # 12
        slopes = torch.autograd.grad(lead, tensors, retain_graph=True)
        needed = [torch.minimum(a, lead.detach() / b.abs()) for a, b in zip(needed, slopes)]
    places = dict(zip(PLACES, needed))
    places["query_key"][2 * model.config.n_embd :] = torch.inf  # the values' rows
    return {place: divmod(int(n.argmin()), n.shape[1]) for place, n in places.items()}


def first_change(place: str, row: int, column: int) -> float:
    """The smallest turn of a weight, up or down, after which the network answers otherwise.

    Tried are turns from 0.01 to 1000, each a tenth longer than the one before; then the last such
    step is parted in 16. Raises RuntimeError if none changes the answer.
    """
    turns = 0.01 * 1.1 ** torch.arange(122, dtype=torch.float64)
    for _ in range(2):
        changes = _changes(place, row, column, turns)
        if not changes.any():
            raise RuntimeError(f"no turn of {PLACES[place]}[{row}, {column}] changes the answer")
        first = turns[changes.int().argmax()].item()
        turns = torch.linspace(first / 1.1, first, 17, dtype=torch.float64)
    return first


def _changes(place: str, row: int, column: int, turns: torch.Tensor) -> torch.Tensor:
    """Whether the network answers otherwise after each turn, up or down; (n,) to (n,)."""
    tensor = _sorter().get_parameter(PLACES[place])
    one = torch.zeros_like(tensor)
    one[row, column] = 1

    def logits(turn: torch.Tensor) -> torch.Tensor:
        turned = {PLACES[place]: tensor + turn * one}
        return functional_call(_sorter(), turned, (_right_tokens(),))[0, SORTED - 1 :]

    with sdpa_kernel(SDPBackend.MATH):  # vmap knows it; the default it would call turn by turn
        answers = vmap(logits)(torch.cat([turns, -turns])).argmax(-1)
    return (answers != _right_letters()).any(dim=1).view(2, -1).any(dim=0)


# What the network answers


@cache
def _sorter() -> GPT:
    """In float64; a turned weight is a float32 nevertheless, as it is in the page."""
    return copy.deepcopy(load_network("sorter")).double()


def _right() -> str:
    return "".join(sorted(QUESTION))


def _ids(text: str) -> torch.Tensor:
    return torch.tensor([LETTERS.index(letter) for letter in text])


def _right_letters() -> torch.Tensor:
    return _ids(_right())  # (6,)


def _right_tokens() -> torch.Tensor:
    return _ids(QUESTION + _right()[:-1])[None]  # (1, 11)


def _logits(turns: tuple[int, ...], tokens: torch.Tensor) -> torch.Tensor:
    """From the last letter of the question on: (B, T - 5, 3)."""
    tensors = {}
    for weight, turn in zip(six_weights(), turns):
        value = weight["trained"] + turn * weight["reach"] / STEPS
        tensors[weight["tensor"]] = turned = _sorter().get_parameter(weight["tensor"]).clone()
        turned[weight["row"], weight["column"]] = float(np.float32(value))
    return functional_call(_sorter(), tensors, (tokens,))[:, SORTED - 1 :]


@lru_cache(maxsize=64)
def written(turns: tuple[int, ...]) -> tuple[str, np.ndarray]:
    """The letters that it writes, and the probabilities of A, B and C before each; (6, 3)."""
    text = QUESTION
    for _ in range(SORTED):
        logits = _logits(turns, _ids(text)[None])[0]
        text += LETTERS[int(logits[-1].argmax())]
    return text[SORTED:], logits.softmax(-1).numpy()


@lru_cache(maxsize=64)
def loss(turns: tuple[int, ...]) -> float:
    """The mean loss of the six right letters, each after the right ones before it, in nats."""
    logits = _logits(turns, _right_tokens())[0]
    return torch.nn.functional.cross_entropy(logits, _right_letters()).item()


def _as_trained() -> dict:
    """Rounded, so that each machine stores the same: its last bits are the machine's own."""
    turns = (0,) * len(PLACES)
    answer, probabilities = written(turns)
    return {
        "answer": answer,
        "probabilities": probabilities.round(9).tolist(),
        "loss": round(loss(turns), 9),
    }
