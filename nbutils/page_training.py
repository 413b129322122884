"""The runs of the page that trains, again in PyTorch: the same start, documents and updates for the same settings.

The page's engine is JavaScript (``figures/moving/engine``), and every bit of a run there follows from
its settings: first weights and documents come from small random number generators, which are here
too. So the two can be held beside each other, loss by loss: they differ by the rounding of float32.
What both must know of a run stands once, in ``settings.json`` and ``recipe.json`` beside the pictures.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from nbutils import smallworld
from nbutils.advice import TrainingDivergedError
from nbutils.arguments import finite, of_type, one_of, shown, whole
from nbutils.config import GPTConfig, TrainConfig
from nbutils.model import GPT
from nbutils.optim import make_optimizer
from nbutils.windows import IGNORE
from nbutils.words import sentence

_MOVING = Path(__file__).parent / "figures/moving"
CHOICES = json.loads((_MOVING / "settings.json").read_text("utf-8"))
"""What can be chosen in the page, and its defaults."""
RECIPE = json.loads((_MOVING / "recipe.json").read_text("utf-8"))
"""What all runs share. Shares are of a run: ``warm_up``, in which the learning rate rises, and ``start``, from which it
begins. ``longest_update``: seconds that an update counts at most. ``documents``: is added to a run's seed for these."""
END = CHOICES["vocabulary"] - 1
"""The id before and after each document; the others are places in ``smallworld.spoken_ids()``."""

_STEP = 0x6D2B79F5  # of mulberry32's counter


def uniform(seed: int, start: int, count: int) -> np.ndarray:
    """Random numbers ``start`` to ``start + count`` of a seed, each from 0 to below 1; float64.

    mulberry32, as ``random`` in engine.js: each number is a counter, mixed, so that any can be had at
    once. Source: T. Ettinger, "Mulberry32" (2017).
    """
    with np.errstate(over="ignore"):
        counter = np.arange(start + 1, start + count + 1, dtype=np.uint64) * np.uint64(_STEP)
        a = (counter + np.uint64(seed % 2**32)).astype(np.uint32)
        t = (a ^ (a >> 15)) * (a | np.uint32(1))
        t = (t + (t ^ (t >> 7)) * (t | np.uint32(61))) ^ t
        return (t ^ (t >> 14)) / 2**32


def normal(seed: int, start: int, count: int) -> np.ndarray:
    """Normally distributed numbers, each made of two `uniform` ones; float64.

    Source: Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958).
    """
    pairs = uniform(seed, 2 * start, 2 * count).reshape(-1, 2)
    return np.sqrt(-2 * np.log(1 - pairs[:, 0])) * np.cos(2 * np.pi * pairs[:, 1])


@dataclass(frozen=True)
class PageSettings:
    """What was chosen for a run in the page; the names are those of its own ``Settings``.

    ``steps``: updates, in place of ``seconds``: such a run is the same everywhere. By the clock it follows
    from how fast the machine is how far the learning rate has come at an update.

    Raises ``ValueError`` for what makes no run.
    """

    layers: int = CHOICES["chosen"]["layers"]
    width: int = CHOICES["chosen"]["width"]
    positions: str = CHOICES["chosen"]["positions"]
    window: int = CHOICES["chosen"]["window"]
    optimizer: str = CHOICES["chosen"]["optimizer"]
    rate: float = CHOICES["chosen"]["rate"]
    seconds: float = CHOICES["chosen"]["seconds"]
    steps: int | None = None
    batch: int = CHOICES["batch"]
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("positions", "optimizer"):
            self._keep(name, one_of(name, getattr(self, name), CHOICES[name]))
        limits = {"layers": 13, "width": 1025, "window": CHOICES["longest"] + 1, "batch": 1025}
        for name, below in limits.items():
            self._keep(name, whole(name, getattr(self, name), 1, below))
        if self.width % (2 * RECIPE["heads"]):
            raise ValueError(
                sentence(
                    "width={width} must be a multiple of {multiple}: {heads} heads share it, and each turns "
                    "pairs of numbers",
                    width=self.width,
                    multiple=2 * RECIPE["heads"],
                    heads=RECIPE["heads"],
                )
            )
        self._keep("steps", whole("steps", self.steps, 1, or_none="as long as the seconds last"))
        self._keep("seed", whole("seed", self.seed, 0, 2**31))
        for name in ("rate", "seconds"):
            self._keep(name, finite(name, getattr(self, name), 0))
            if not getattr(self, name):
                raise ValueError(
                    sentence(
                        "{name}={value} must be more than 0",
                        name=name,
                        value=shown(getattr(self, name)),
                    )
                )

    def _keep(self, name: str, value) -> None:
        object.__setattr__(self, name, value)

    def learning_rate(self, done: float) -> float:
        """At an update before which this share of the run was done: a short rise, then a straight fall to 0."""
        warm_up = RECIPE["warm_up"]
        return self.rate * min(1.0, (done + RECIPE["start"]) / warm_up, (1 - done) / (1 - warm_up))


class Told(NamedTuple):
    """A document as a network reads it."""

    ids: list[int]  # END before and after it
    floor: float  # what the truth pays for all of its tokens, in nats


def page_documents(seed: int) -> Iterator[Told]:
    """The documents of a run with this seed, one after the other: those of stream.js, in the same order."""
    encoding, own = smallworld.encoding(), np.zeros(smallworld.encoding().n_vocab, int)
    own[smallworld.spoken_ids()] = np.arange(END)
    for text in smallworld.by_chance(_one_by_one(RECIPE["documents"] + seed).__next__):
        ids = own[encoding.encode_ordinary(text)].tolist()
        yield Told([END, *ids, END], float(smallworld.token_losses(text).sum()))


def _one_by_one(seed: int, block: int = 1024) -> Iterator[float]:
    start = 0
    while True:
        yield from uniform(seed, start, block).tolist()
        start += block


def _pieces(ids: list[int], window: int) -> list[list[int]]:
    """A document in pieces of at most ``window`` tokens, each with its labels: one id more."""
    return [ids[at : at + window + 1] for at in range(0, len(ids) - 1, window)]


def _padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of ids as tokens (B, T) and labels (B, T): ``IGNORE`` where a row has ended."""
    length = max(map(len, rows)) - 1
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full_like(tokens, IGNORE)
    for i, ids in enumerate(rows):
        tokens[i, : len(ids) - 1] = torch.tensor(ids[:-1])
        labels[i, : len(ids) - 1] = torch.tensor(ids[1:])
    return tokens, labels


def first_network(settings: PageSettings) -> GPT:
    """The GPT with which a run begins, its weights as the engine's ``start`` makes them.

    Without positions it has a table of zeros, which does not learn.
    """
    of_type("settings", settings, PageSettings, "give PageSettings(...)")
    config = GPTConfig(
        vocab_size=END + 1,
        block_size=settings.window,
        n_layer=settings.layers,
        n_head=RECIPE["heads"],
        n_embd=settings.width,
        rotary=settings.positions == "rotary",
    )
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay where they are
        model, drawn = GPT(config), 0
    if settings.positions == "none":
        model.position_embedding.weight.requires_grad_(False).zero_()
    for name, weight in model.named_parameters():
        if weight.dim() < 2 or not weight.requires_grad:
            continue  # norms change nothing at the start, and biases add nothing
        last = "projection" in name or "contract" in name  # of an answer: smaller, see `GPT`
        std = 0.02 / math.sqrt(2 * settings.layers) if last else 0.02
        values = std * normal(settings.seed, drawn, weight.numel())
        weight.data.copy_(torch.from_numpy(values).view_as(weight))
        drawn += weight.numel()
    return model


class Update(NamedTuple):
    """What an update saw. ``loss`` and ``floor``: means of its documents, in nats per token."""

    step: int  # from 1
    loss: float
    floor: float
    tokens: int
    rate: float


class PageTraining:
    """A run as in the page: `update` by update, in float32 on a CPU.

    ``model`` is the network so far, ``seconds`` what its updates have taken.
    """

    def __init__(self, settings: PageSettings):
        self.settings, self.model = settings, first_network(settings)
        recipe = TrainConfig(
            learning_rate=settings.rate,
            optimizer=settings.optimizer,
            betas=tuple(RECIPE["betas"]),
            weight_decay=RECIPE["weight_decay"],
        )
        # As WebAssembly has no shorter format, the page's Muon multiplies in float32.
        self.optimizer = make_optimizer(self.model, recipe, torch.float32)
        self.documents = page_documents(settings.seed)
        self.step, self.seconds = 0, 0.0

    @property
    def done(self) -> float:
        """The share of the run that is over, 0 to 1."""
        settings = self.settings
        share = self.step / settings.steps if settings.steps else self.seconds / settings.seconds
        return min(1.0, share)

    def update(self) -> Update:
        """Read the next documents and turn the knobs once.

        Raises ``TrainingDivergedError`` where the loss is no number.
        """
        began, settings = time.perf_counter(), self.settings
        told = [next(self.documents) for _ in range(settings.batch)]
        tokens, labels = _padded(
            [part for ids, _ in told for part in _pieces(ids, settings.window)]
        )
        loss = self.model(tokens, labels)[1]  # the mean over all labels
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingDivergedError(
                sentence(
                    "the loss is {value} at update {step}; try rate={rate}",
                    value=value,
                    step=self.step + 1,
                    rate=f"{settings.rate / 10:.2g}",
                )
            )
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), RECIPE["grad_clip"])
        rate = settings.learning_rate(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.step += 1
        self.seconds += min(RECIPE["longest_update"], time.perf_counter() - began)
        count = int((labels != IGNORE).sum())
        return Update(self.step, value, sum(one.floor for one in told) / count, count, rate)


def first_losses(settings: PageSettings, updates: int) -> list[float]:
    """The losses of a run's first updates, in nats per token."""
    run, updates = PageTraining(settings), whole("updates", updates)
    return [run.update().loss for _ in range(updates)]
