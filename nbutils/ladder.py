"""How fast is a training step that is built this way or that, and what does it learn?

The rungs of chapter 6: each changes one thing of the rung before. On a CPU all take turns, since it is
not equally fast at all times; a GPU holds one at a time.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import nn
from torch.utils._triton import has_triton

from nbutils import smallworld
from nbutils.attention import attention_written_out
from nbutils.config import SWITCHES, GPTConfig, TrainConfig
from nbutils.device import (
    Chip,
    cpp_compiler,
    cpu_by_default,
    empty_cache,
    free_memory,
    out_of_memory,
    unfit_for_compiler,
)
from nbutils.evaluation import evaluate
from nbutils.model import GPT
from nbutils.optim import learning_rate_at, make_optimizer
from nbutils.planning import peak_memory, training_memory
from nbutils.windows import Windows
from nbutils.words import sentence

MEASURED = Path(__file__).with_name("chips.json")
"""What was measured on which chip: a list of runs, which `chips` reads, checks and adds to."""
COMBINED = Path(__file__).with_name("ladder.json")
"""How fast each combination of `WAYS` was, by machine: `bench/combined.py` measures and stores it."""
ROW = "Ladder: "
"""Before the name of a rung, how its speed is called there."""


@dataclass(frozen=True)
class Rung:
    """How a training step is built; the defaults are the plainest one."""

    mixed_precision: bool = False
    """Matrix products in the chip's short number format, with loss scaling where it needs that."""
    fused_attention: bool = False
    """Attention as the chip does it fastest (``attention.attention``), not written out."""
    fused_optimizer: bool = False
    """AdamW in one pass over all weights, not several operations for each matrix."""
    compile: bool = False
    """Each block as one program made by torch.compile; on a CPU it needs a C++ compiler."""
    padded: bool = False
    """A vocabulary rounded up to a multiple of 64; the ids beyond the old one never occur."""
    larger_batch: int = 1
    """So many times the windows in an update."""
    schedule: str = "cosine"
    """As in ``TrainConfig``."""
    switches: tuple[str, ...] = ()
    """Those fields of ``GPTConfig`` are True."""
    optimizer: str = "adamw"
    """As in ``TrainConfig``; "muon" is as fast as it can be."""
    learning_rate: float = 6e-3
    """The highest one. Of 3, 6 and 12 thousandths, 6 is best for the plain step."""

    def model_config(self, config: GPTConfig) -> GPTConfig:
        """The same shape with the rung's switches, and its vocabulary padded if wanted."""
        size = -(-config.vocab_size // 64) * 64 if self.padded else config.vocab_size
        return replace(config, vocab_size=size, **dict.fromkeys(self.switches, True))

    def train_config(self, updates: int = 0, seconds: float | None = None) -> TrainConfig:
        """A short run's recipe, over so many updates or seconds."""
        return TrainConfig(
            steps=updates,
            seconds=seconds,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            optimizer=self.optimizer,
            warmup_steps=25,
        )


def climb(first: Rung, changes: dict[str, dict]) -> dict[str, Rung]:
    """A rung for each name: the one before with the named change; the first is ``first``'s."""
    rungs, rung = {}, first
    for name, change in changes.items():
        rung = rungs[name] = replace(rung, **change)
    return rungs


WAYS = {
    "16-bit products": {"mixed_precision": True},
    "fused attention": {"fused_attention": True},
    "fused optimizer": {"fused_optimizer": True},
    "batch 4 times as large": {"larger_batch": 4},
    "compiled blocks": {"compile": True},
    "padded vocabulary": {"padded": True},
}
"""Ways to compute the same update, or nearly, in less time, and what each changes of the plain step."""

SPEED = climb(Rung(), {"plain": {}} | WAYS)
"""A rung for each of `WAYS`; each keeps those before it."""


def rung_with(ways: Iterable[str]) -> Rung:
    """The plain step with these of `WAYS`, whichever they are."""
    return replace(Rung(), **{name: value for way in ways for name, value in WAYS[way].items()})


LEARNING = climb(
    SPEED["fused optimizer"],
    {
        "GPT-2, AdamW": {},
        "linear schedule": {"schedule": "linear"},
        "rotary": {"switches": ("rotary",)},
        "RMSNorm": {"switches": ("rotary", "rms_norm")},
        "QK-norm": {"switches": ("rotary", "rms_norm", "qk_norm")},
        "ReLU squared": {"switches": SWITCHES},
        "Muon": {"optimizer": "muon"},
        "twice the learning rate": {"learning_rate": 12e-3},
    },
)
"""Rungs that learn more from each update; each keeps those before it."""


SPARE = 1e9
"""Bytes that must stay free: for what no plan knows."""


def memory_needed(config: GPTConfig, rungs: Iterable[Rung], chip: Chip, batch_size: int) -> int:
    """Bytes for an update of the hungriest of these rungs, by `planning`; one is there at a time.

    0 for no rungs.
    """
    return max((_rung_memory(config, rung, chip, batch_size) for rung in rungs), default=0)


def describe_memory(config: GPTConfig, rungs: Iterable[Rung], chip: Chip, batch_size: int) -> str:
    """For learners, before a cell that may fill the chip: what it will need, of what is free there.

    Of a CPU's memory, of all that there is (see ``device.free_memory``).
    """
    needed, free = memory_needed(config, rungs, chip, batch_size), free_memory(chip)
    size = f"{needed / 1e9:.1f} GB" if needed >= 1e9 else f"{needed / 1e6:.0f} MB"
    return sentence(
        "needs at most {size} of {free} GB" if free < float("inf") else "needs at most {size}",
        size=size,
        free=f"{free / 1e9:.1f}",
    )


def _rung_memory(config: GPTConfig, rung: Rung, chip: Chip, batch_size: int) -> int:
    parts = training_memory(
        rung.model_config(config),
        batch_size * rung.larger_batch,
        optimizer=rung.optimizer,
        dtype=chip.dtype if rung.mixed_precision else torch.float32,
        device=chip.device.type,
        written_out=not rung.fused_attention,
    )
    if rung.switches:  # they keep more of each token, by up to two thirds
        parts["activations"] = parts["activations"] * 5 // 3
    return peak_memory(parts)


def shape_for(chip: Chip, available: float | None = None) -> tuple[GPTConfig, int]:
    """The network whose speed is measured on this chip, and the windows in its plain batch.

    On a GPU GPT-2, with half of its context and four windows, the same on every card, or fewer where
    ``available`` bytes (None: ``device.free_memory``) don't hold every rung with `SPARE` left over.
    Elsewhere, and where not one window fits, two layers that learn smallworld.
    """
    if chip.device.type == "cuda":
        available = free_memory(chip) if available is None else available
        gpt2 = GPTConfig.preset("gpt2", block_size=512)
        for batch_size in (4, 2, 1):
            if memory_needed(gpt2, SPEED.values(), chip, batch_size) + SPARE <= available:
                return gpt2, batch_size
    return GPTConfig.preset("small", n_layer=2, block_size=smallworld.MAX_TOKENS), 8


def make_model(config: GPTConfig, rung: Rung, chip: Chip) -> GPT:
    """A new GPT of this shape on the chip, the same at every call."""
    with torch.random.fork_rng(devices=[]), cpu_by_default():
        torch.default_generator.manual_seed(0)  # a CPU's; manual_seed would turn every GPU's, too
        model = GPT(rung.model_config(config)).to(chip.device)
    if rung.compile:
        for block in model.blocks:  # all are alike, so one is compiled and serves all
            block.compile(dynamic=False)
    return model


def backward_and_step(
    loss: torch.Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> torch.Tensor:
    """The part of an update that follows the loss: backward, clip, step. The loss, detached."""
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


class Step:
    """One update of a model: call it with tokens and labels (B, T), and it returns the loss."""

    def __init__(self, model: GPT, rung: Rung, chip: Chip):
        self.model, self.rung, self.chip = model, rung, chip
        self.optimizer = _optimizer(model, rung)
        self.scaler = torch.amp.GradScaler(
            chip.device.type, enabled=rung.mixed_precision and chip.scaler
        )

    def __call__(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with self._attention(), self._format():
            loss = self.model(tokens, labels)[1]
        return backward_and_step(loss, self.model, self.optimizer, self.scaler)

    def _attention(self) -> AbstractContextManager:
        return nullcontext() if self.rung.fused_attention else attention_written_out()

    def _format(self) -> AbstractContextManager:
        return self.chip.autocast() if self.rung.mixed_precision else nullcontext()


def _optimizer(model: GPT, rung: Rung) -> torch.optim.Optimizer:
    config = rung.train_config()
    made = make_optimizer(model, config)
    if rung.fused_optimizer or rung.optimizer == "muon":
        return made
    kept = "params", "weight_decay"
    groups = [{name: group[name] for name in kept} for group in made.param_groups]
    return torch.optim.AdamW(groups, config.learning_rate, config.betas, foreach=False, fused=False)


class Learned(NamedTuple):
    """What a short run came to."""

    loss: float  # nats per token on the validation windows
    updates: int
    seconds: float  # in updates; evaluation is not counted


def short_run(
    config: GPTConfig,
    rung: Rung,
    chip: Chip,
    train: Windows,
    val: Windows,
    *,
    updates: int = 0,
    seconds: float | None = None,
) -> Learned:
    """Train a new model for so many updates, or for so many seconds if they are given."""
    step = Step(make_model(config, rung, chip), rung, chip)
    recipe = rung.train_config(updates, seconds)
    done, start, passed = 0, time.perf_counter(), 0.0
    while done < updates if seconds is None else passed < seconds:
        for group in step.optimizer.param_groups:
            group["lr"] = learning_rate_at(done, recipe, passed)
        float(step(*train.batch(done)))  # a GPU answers before it is done; this waits for it
        done, passed = done + 1, time.perf_counter() - start
    return Learned(evaluate(step.model, val), done, passed)


def make_update(
    config: GPTConfig, rung: Rung, chip: Chip, batch_size: int
) -> tuple[Callable[[], torch.Tensor], int]:
    """An update on one batch of random tokens, and how many tokens it trains on.

    ``batch_size``: windows of ``config.block_size`` tokens where the batch is no larger one.
    """
    B, T = batch_size * rung.larger_batch, config.block_size
    dice = torch.Generator().manual_seed(0)
    ids = torch.randint(config.vocab_size, (B, T + 1), generator=dice, device="cpu")
    tokens, labels = ids[:, :-1].to(chip.device), ids[:, 1:].to(chip.device)
    step = Step(make_model(config, rung, chip), rung, chip)
    return lambda: step(tokens, labels), B * T


Update = tuple[Callable[[], torch.Tensor], int]
"""What `make_update` gives: an update, and the tokens that it trains on."""


def speeds(
    makers: dict[str, Callable[[], Update]],
    chip: Chip,
    seconds: float = 0.4,
    rounds: int = 3,
    tell: Callable[[str, float], None] | None = None,
) -> dict[str, float]:
    """Tokens a second of each update, given by what makes it: the median of so many rounds.

    On a CPU all are there and take turns, since such a machine is not equally fast at all times.
    On a chip with memory of its own one is there at a time, and is let go before the next.

    ``tell``: called after each measurement with the name and the median so far; what it raises ends all.
    """
    together = [list(makers)] if chip.device.type == "cpu" else [[name] for name in makers]
    found = {}
    for names in together:
        try:
            found |= _interleaved({name: makers[name]() for name in names}, seconds, rounds, tell)
        except BaseException as error:  # who keeps the error would keep the networks
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            empty_cache(chip)
    return found


def _interleaved(
    updates: dict[str, Update],
    seconds: float,
    rounds: int,
    tell: Callable[[str, float], None] | None,
) -> dict[str, float]:
    """Each is run twice before, so that what happens only once is not counted."""
    for update, _ in updates.values():
        update()
        float(update())
    measured = {name: [] for name in updates}
    for _ in range(rounds):
        for name, (update, count) in updates.items():
            measured[name].append(count / _seconds_per_update(update, seconds))
            if tell is not None:
                tell(name, median(measured[name]))
    return {name: median(found) for name, found in measured.items()}


def why_not_compiled(error: Exception, chip: Chip) -> str:
    """What to tell a learner whose torch.compile ended with an error: memory, no compiler, or that."""
    if out_of_memory(error):
        return sentence(
            "{chip} has too little free memory to compile this: use fewer windows in a batch",
            chip=chip.name,
        )
    if chip.device.type == "cpu" and cpp_compiler() is None:
        return sentence("No C++ compiler here")
    if chip.device.type == "cpu" and (unfit := unfit_for_compiler()):
        return unfit
    if chip.device.type == "cuda" and not has_triton():
        return sentence("No Triton here, which compiles for a GPU")
    first = str(error).strip().partition("\n")[0]
    told = ": ".join(filter(None, [type(error).__name__, first]))
    return sentence("Compiling failed ({error})", error=told)


def _seconds_per_update(update: Callable[[], torch.Tensor], least: float) -> float:
    """Seconds of one update, over at least ``least`` seconds."""
    start, times = time.perf_counter(), 0
    while time.perf_counter() < start + least:
        loss, times = update(), times + 1
        if times % 4 == 0:
            float(loss)  # a GPU answers before it is done; this waits for it
    float(loss)
    return (time.perf_counter() - start) / times


def stored_speeds() -> dict | None:
    """The newest speeds of `SPEED` that were measured on a GPU, or None if none has been measured yet.

    "card", "date" and "torch" say on what; "ladder" has tokens a second by the name of the rung.
    """
    runs = json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else []
    for run in sorted(runs, key=lambda run: run["date"], reverse=True):
        rows = {row["what"]: row["value"] for row in run["rows"]}
        speed = {name: rows[ROW + name] for name in SPEED if ROW + name in rows}
        if speed and run["device"] == "cuda":
            about = {"card": run["card"], "date": run["date"], "torch": run["versions"]["PyTorch"]}
            return about | {"ladder": speed}
    return None


def stored_combinations() -> list[dict]:
    """How fast each combination of `WAYS` was on the machines where all were measured, oldest first.

    "machine", "chip", "date" and "versions" say on what; "shape" has fields of `GPTConfig`, "batch_size" the
    windows of a plain batch, "peak" the fastest product in FLOPs a second. "speeds" has tokens a second by
    combination: a 1 for each of `WAYS` that is on, a 0 for each that is not, in their order.
    """
    return json.loads(COMBINED.read_text("utf-8"))
