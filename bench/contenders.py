"""One training run by one of those whom ``train.py`` compares, in a process of its own.

``python bench/contenders.py JSON``: the fields of a ``Job``; the answer is a ``Result`` as JSON.
All read the same text. A run with ``seconds`` is judged: all stop by the same clock, which starts
before the encoding is made and stands still in evaluations only, so what is learned or compiled at
the start counts, and the same function says how much was learned. A run with ``turns`` shows its
speed: once everything is compiled, it trains a stretch for each line that comes in, so that several
can take turns on one machine.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from peers import nanogpt_gpt, transformers_gpt2
from torch import nn

from nbutils import device, text, tokens
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import evaluate
from nbutils.model import GPT
from nbutils.training import train
from nbutils.windows import IGNORE, Windows

STRETCH = 10  # updates between two looks at a judged run
TURN = 10_240  # tokens of a turn, about
# nanoGPT's config/train_shakespeare_char.py with the changes of its README for a CPU
PUBLISHED = dict(learning_rate=1e-3, warmup=100, lowest=0.1, weight_decay=0.1, betas=(0.9, 0.99))


@dataclass(frozen=True)
class Shape:
    """A GPT and its batch, in the order that ``train.py --shapes`` has them."""

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    batch_size: int

    def sizes(self) -> dict[str, int]:
        """The fields that ours and nanoGPT's GPTConfig share."""
        return {name: size for name, size in asdict(self).items() if name != "batch_size"}


@dataclass(frozen=True)
class Job:
    """What one process does. ``shape``: as in `Shape`; ``text``: a file, None for pydocs."""

    who: str
    shape: tuple[int, ...]
    seconds: float = 0
    turns: int = 0  # if it is not judged
    learning_rate: float = PUBLISHED["learning_rate"]
    text: str | None = None
    nanogpt: str | None = None
    device: str = "auto"

    def stretch(self) -> int:
        """How many updates follow each other without a break."""
        shape = Shape(*self.shape)
        turn = max(2, TURN // (shape.block_size * shape.batch_size))
        return turn if self.turns else STRETCH


def my_turn(job: Job) -> None:
    """In a run that takes turns: say that the last one is over, and wait for the next."""
    if job.turns:
        print(file=sys.__stdout__, flush=True)
        sys.stdin.readline()


@dataclass(frozen=True)
class Result:
    updates: int
    tokens_per_second: list[float]  # of each stretch
    bits_per_byte: float | None
    flops_per_token: int
    peak: float  # floating-point operations a second of the best matrix product
    threads: int


class Corpus:
    """A text whose first 90% train and whose last 10% validate, as bytes, characters or BPE."""

    def __init__(self, path: str | None):
        whole = Path(path).read_text("utf-8") if path else _pydocs()
        middle = int(0.9 * len(whole))
        self.train, self.val = whole[:middle], whole[middle:]

    def characters(self) -> "Encoded":
        """A token for each character of the whole text, as nanoGPT makes them."""
        points = [np.frombuffer(t.encode("utf-32-le"), "<u4") for t in (self.train, self.val)]
        found, ids = np.unique(np.concatenate(points), return_inverse=True)
        return self._encoded(ids[: len(points[0])], ids[len(points[0]) :], len(found))

    def bpe(self, vocab_size: int) -> "Encoded":
        """Tokens of a BPE that has seen the training part alone."""
        encoding = tokens.train_bpe([self.train], vocab_size)
        train, val = (np.array(encoding.encode_ordinary(t)) for t in (self.train, self.val))
        return self._encoded(train, val, encoding.n_vocab)

    def _encoded(self, train: np.ndarray, val: np.ndarray, vocab_size: int) -> "Encoded":
        return Encoded(train, val, vocab_size, len(self.val.encode()))


def _pydocs() -> str:
    return tokens.END.join(text.load("pydocs") + text.load("pydocs", "val"))


@dataclass(frozen=True)
class Encoded:
    train: np.ndarray
    val: np.ndarray
    vocab_size: int
    val_bytes: int

    def bits_per_byte(self, model: nn.Module, block_size: int, chip: device.Chip) -> float:
        """What the model pays for the validation text: every byte once, in windows in a row.

        The text's first token follows the training text's last.
        """
        row = np.concatenate([self.train[-1:], self.val])
        windows = Windows(row, 32, min(block_size, len(self.val)), device=chip.device)
        return evaluate(model, windows) * len(self.val) / math.log(2) / self.val_bytes


# --- ours ---------------------------------------------------------------------------------------

SHORT = 30  # seconds in which a text of a megabyte is read about once
LONG = 120  # seconds in which compiling, half a minute when nothing is cached, has been won back


@dataclass(frozen=True)
class Best:
    """What ours at its best is, for a text of a megabyte such as tiny Shakespeare."""

    vocab_size: int
    shape: Shape
    learning_rate: float
    weight_decay: float
    each_once: bool = False
    compile: str | None = None


def best_for(seconds: float) -> Best:
    """The best of those tried for a run of so many seconds.

    A short run sees each part of the text about once. What counts is how much text it sees: many
    bytes in a token, few layers, no window twice (short.md has the trials). A longer one has read it
    many times, and more tokens or wider blocks learn the training part better and the rest worse.
    Against that weight decay helps as much as dropout, and costs no time; a processor draws dropout's
    random numbers slowly.
    """
    if seconds <= SHORT:
        return Best(2048, Shape(2, 4, 128, 64, 32), 6e-3, weight_decay=0.1, each_once=True)
    compiled = "blocks" if seconds > LONG else None
    return Best(512, Shape(4, 4, 128, 64, 32), 3e-3, weight_decay=1.5, compile=compiled)


RECIPE = TrainConfig(
    learning_rate=3e-3,
    optimizer="muon",
    schedule="linear",
    warmup_steps=20,
    betas=(0.9, 0.95),
    progress=False,
    eval_batches=1,
)


def ours(job: Job) -> Result:
    """nbutils with GPT-2's architecture and AdamW, on characters: the peers' own work, faster."""
    start = time.perf_counter()
    shape, encoded = Shape(*job.shape), Corpus(job.text).characters()
    config = GPTConfig(vocab_size=encoded.vocab_size, bias=False, **shape.sizes())
    recipe = replace(
        RECIPE,
        optimizer="adamw",
        compile="model" if job.seconds > LONG or job.turns else None,
        schedule="cosine",
        learning_rate=job.learning_rate,
        min_learning_rate=PUBLISHED["lowest"] * job.learning_rate,
        warmup_steps=PUBLISHED["warmup"],
        betas=PUBLISHED["betas"],
    )
    return _train_ours(job, start, config, shape, encoded, recipe)


def ours_best(job: Job) -> Result:
    """nbutils with everything that chapter 6 adds, and tokens instead of characters."""
    start, best = time.perf_counter(), best_for(job.seconds)
    encoded = Corpus(job.text).bpe(best.vocab_size)
    config = GPTConfig.preset("modern", vocab_size=encoded.vocab_size, **best.shape.sizes())
    recipe = replace(
        RECIPE,
        compile=best.compile,
        learning_rate=job.learning_rate,
        weight_decay=best.weight_decay,
        each_once=best.each_once,
    )
    return _train_ours(job, start, config, best.shape, encoded, recipe)


def _train_ours(job, start, config: GPTConfig, shape: Shape, encoded, recipe) -> Result:
    torch.manual_seed(0)
    model, chip = GPT(config), device.pick(job.device)
    recipe = replace(
        recipe, batch_size=shape.batch_size, device=job.device, eval_every=job.stretch()
    )
    if job.turns:
        train(model, encoded.train, encoded.val, replace(recipe, steps=1))  # compiles
        length = {"steps": job.turns * job.stretch()}
    else:
        length = {"seconds": max(0.0, job.seconds - (time.perf_counter() - start))}
    history = train(
        model,
        encoded.train,
        encoded.val,
        replace(recipe, **length),
        on_eval=lambda *_: my_turn(job),
    )
    speeds = history.tokens_per_second[1:]  # the first stands for no update
    return _result(job, model, shape, encoded, chip, history.steps[-1], speeds)


# --- the others ---------------------------------------------------------------------------------


def nanogpt(job: Job) -> Result:
    """nanoGPT's model and optimizer from the person's clone, by its own loop."""

    def make(encoded: Encoded, shape: Shape, chip: device.Chip):
        config = GPTConfig(vocab_size=encoded.vocab_size, bias=False, **shape.sizes())
        model = nanogpt_gpt(config, job.nanogpt).to(chip.device)
        optimizer = model.configure_optimizers(
            PUBLISHED["weight_decay"], job.learning_rate, PUBLISHED["betas"], chip.device.type
        )
        # Its README has compilation on for a GPU, off for a CPU.
        return torch.compile(model) if chip.device.type == "cuda" else model, optimizer

    return _train_other(job, make)


def transformers(job: Job) -> Result:
    """transformers' GPT-2 and PyTorch's AdamW, as they come, by nanoGPT's loop."""

    def make(encoded: Encoded, shape: Shape, chip: device.Chip):
        config = GPTConfig(vocab_size=encoded.vocab_size, **shape.sizes())
        model = WithLoss(transformers_gpt2(config)).to(chip.device)
        optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=job.learning_rate,
            betas=PUBLISHED["betas"],
            weight_decay=PUBLISHED["weight_decay"],
        )
        return model, optimizer

    return _train_other(job, make)


class WithLoss(nn.Module):
    """A transformers model that answers as ours does: labels are what follows each token."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, labels: torch.Tensor):
        logits = self.model(ids, use_cache=False).logits  # (B, T, V)
        return logits, F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE)


def _train_other(job: Job, make: Callable) -> Result:
    """nanoGPT's loop: float32 on a CPU, a cosine to a tenth, here along the clock."""
    start = time.perf_counter()
    shape, chip, encoded = Shape(*job.shape), device.pick(job.device), Corpus(job.text).characters()
    torch.manual_seed(1337)
    model, optimizer = make(encoded, shape, chip)
    updates, speeds = 0, []
    my_turn(job)
    mark = time.perf_counter()
    while (done := _share_done(job, updates, time.perf_counter() - start)) < 1 or not speeds:
        for group in optimizer.param_groups:
            group["lr"] = job.learning_rate * _nanogpt_rate(updates, min(1, done))
        loss = _nanogpt_update(model, optimizer, _nanogpt_batch(encoded.train, shape, chip), chip)
        updates += 1
        if updates % job.stretch() == 0:
            loss.item()  # as it logs; waits for a GPU
            spent = time.perf_counter() - mark
            speeds.append(job.stretch() * shape.batch_size * shape.block_size / spent)
            my_turn(job)
            mark = time.perf_counter()
    return _result(job, model, shape, encoded, chip, updates, speeds)


def _share_done(job: Job, updates: int, spent: float) -> float:
    """How much of the run is over: of its turns, or of its seconds."""
    return updates / job.stretch() / job.turns if job.turns else spent / job.seconds


def _nanogpt_update(model, optimizer, batch, chip: device.Chip) -> torch.Tensor:
    """One update; the loss before it."""
    with chip.autocast() if chip.device.type == "cuda" else nullcontext():
        loss = model(*batch)[1]
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def _nanogpt_rate(step: int, done: float) -> float:
    """The share of the learning rate at an update, when a share ``done`` of the time is over."""
    if step < PUBLISHED["warmup"]:
        return (step + 1) / (PUBLISHED["warmup"] + 1)
    lowest = PUBLISHED["lowest"]
    return lowest + (1 - lowest) * (1 + math.cos(math.pi * done)) / 2


def _nanogpt_batch(ids: np.ndarray, shape: Shape, chip) -> tuple[torch.Tensor, torch.Tensor]:
    T = shape.block_size
    starts = torch.randint(len(ids) - T, (shape.batch_size,))
    x, y = (
        torch.stack([torch.from_numpy(ids[i : i + T].astype(np.int64)) for i in starts + ahead])
        for ahead in (0, 1)
    )
    return x.to(chip.device), y.to(chip.device)


# --- what all answer ----------------------------------------------------------------------------


def _result(job, model, shape: Shape, encoded: Encoded, chip, updates: int, speeds) -> Result:
    bits = None if job.turns else encoded.bits_per_byte(model, shape.block_size, chip)
    with torch.device("meta"):  # one formula for all
        same = GPT(GPTConfig(vocab_size=encoded.vocab_size, bias=False, **shape.sizes()))
    return Result(
        updates=updates,
        tokens_per_second=speeds,
        bits_per_byte=bits,
        flops_per_token=same.flops_per_token(),
        peak=device.measure_peak(chip),
        threads=torch.get_num_threads(),
    )


CONTENDERS = {
    "nanoGPT": nanogpt,
    "transformers": transformers,
    "ours": ours,
    "ours at its best": ours_best,
}

if __name__ == "__main__":
    job = Job(**json.loads(sys.argv[1]))
    with redirect_stdout(sys.stderr):  # nanoGPT prints, and the answer goes out alone
        result = CONTENDERS[job.who](job)
    print(json.dumps(asdict(result)))
