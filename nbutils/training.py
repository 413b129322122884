"""Logits + labels -> better knobs: the optimizer, its schedule, evaluation and checkpoints.

One step: a batch goes in, a loss comes out, each knob's gradient says which way to turn it, AdamW
turns it a little. The recipe follows GPT-2 and GPT-3 (Brown et al. 2020, appendix B) at the scale
of a laptop. Losses are in nats per token.
"""

import dataclasses
import json
import math
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import tiktoken
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from nbutils import device
from nbutils.files import written_aside
from nbutils.tokens import encode_documents
from nbutils.windows import IGNORE, CorpusTooShortError, TokenRangeError, Windows

CHECKPOINT = "checkpoint.safetensors"
"""The file in a run's folder that holds everything needed to go on."""

_LOOK_EVERY = 10  # steps between looks at the losses: each look waits for the chip
_MAY_DIFFER = {"device", "checkpoint", "checkpoint_every", "progress"}
_LEAST_WHOLE = {
    "steps": 0, "batch_size": 1, "block_size": 1, "warmup_steps": 0, "accumulation": 1,
    "eval_every": 1, "eval_batches": 1, "start_token": 0, "seed": 0, "checkpoint_every": 1,
}  # fmt: skip
_MAY_BE_NONE = {"block_size", "eval_batches", "start_token", "seconds"}
_CHOICES = {"optimizer": ("adamw", "muon"), "schedule": ("cosine", "linear")}
_FINITE = ("seconds", "learning_rate", "min_learning_rate", "weight_decay", "grad_clip")


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number."""


class CheckpointError(ValueError):
    """A checkpoint is damaged or belongs to another run, or its folder can't be written."""


class TrainingInterrupt(KeyboardInterrupt):
    """Ctrl-C, after the checkpoint was written. ``step``: the updates done."""

    def __init__(self, step: int):
        super().__init__(f"stopped at step {step:,}; the same call goes on")
        self.step = step


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a model is trained.

    The defaults suit smallworld, a GPT of two layers (`GPTConfig`'s default has four) and about
    20 seconds on two CPU cores. Many small batches learn more in a given time there than few
    large ones.

    Raises ``ValueError`` for numbers that make no run.
    """

    steps: int = 900
    """How many times the weights are updated."""
    seconds: float | None = None
    """If given, train for so long instead, evaluations and checkpoints not counted: the learning
    rate follows the clock, and ``steps`` is not used. Such a run ends a little differently each
    time."""
    batch_size: int = 8
    """Windows in one update."""
    block_size: int | None = None
    """Tokens in a window; None: as many as the model can take."""
    learning_rate: float = 4e-3
    """The highest learning rate, reached after the warm-up."""
    min_learning_rate: float = 0.0
    """The learning rate at the end."""
    schedule: str = "cosine"
    """How the learning rate falls after the warm-up: half a cosine, or "linear", a straight line."""
    optimizer: str = "adamw"
    """What turns the knobs: "adamw", or "muon" (Muon for the blocks' matrices, AdamW for the
    rest)."""
    warmup_steps: int = 90
    """Updates in which the learning rate rises from near 0 to its highest."""
    weight_decay: float = 0.1
    """Decay of matrices, per update and unit of learning rate; vectors do not decay."""
    betas: tuple[float, float] = (0.9, 0.99)
    """AdamW's memory: of the gradient and of its square, each from 0 to below 1."""
    grad_clip: float = 1.0
    """The longest gradient, as a Euclidean norm; 0: no limit."""
    accumulation: int = 1
    """Parts in which a batch is computed, one after the other, to need less memory."""
    eval_every: int = 100
    """Updates between evaluations."""
    eval_batches: int | None = 10
    """Batches of validation text in an evaluation, always the same; None: all of it."""
    start_token: int | None = None
    """If given, every window begins with this id, as with a document's <|endoftext|>."""
    seed: int = 0
    """Chooses the windows, and dropout's knobs."""
    device: str = "auto"
    """The chip: auto, cpu, cuda or mps."""
    checkpoint: str | None = None
    """A folder for this run's checkpoint; a run found there is continued. None: keep nothing."""
    checkpoint_every: int = 500
    """Updates between checkpoints; one more is written at the end."""
    compile: bool = False
    """Let torch.compile turn each block into one program: faster after some seconds at the start.
    It needs a C++ compiler on a CPU."""
    progress: bool = True
    """Show a progress bar on a terminal, elsewhere one line for each evaluation."""

    def __post_init__(self):
        for name, least in _LEAST_WHOLE.items():
            self._check(name, Integral, "a whole number", least)
        for name in _FINITE:
            self._check(name, Real, "a finite number", 0)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} is none of {', '.join(choices)}")
        self._check_betas()
        if not 0 <= self.min_learning_rate <= self.learning_rate:
            raise ValueError(
                f"min_learning_rate={self.min_learning_rate} must be from 0 to "
                f"learning_rate={self.learning_rate}"
            )
        if self.batch_size % self.accumulation:
            raise ValueError(
                f"batch_size={self.batch_size} can't be cut into accumulation="
                f"{self.accumulation} equal parts; choose a divisor"
            )

    def _check(self, name: str, kind: type, words: str, least: int | None) -> None:
        """Raise unless the field is such a number; keep it as a plain one, for the checkpoint."""
        value = getattr(self, name)
        if value is None and name in _MAY_BE_NONE:
            return
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
            raise ValueError(f"{name}={value!r} must be {words}")
        if least is not None and value < least:
            none = ", or None" if name in _MAY_BE_NONE else ""
            raise ValueError(f"{name}={value} must be at least {least}{none}")
        object.__setattr__(self, name, int(value) if kind is Integral else float(value))

    def _check_betas(self) -> None:
        betas = self.betas
        fit = isinstance(betas, tuple | list) and len(betas) == 2
        if not fit or not all(isinstance(beta, Real) and 0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas={betas} must be two numbers, each at least 0 and below 1")
        object.__setattr__(self, "betas", tuple(float(beta) for beta in betas))


@dataclass
class History:
    """What happened in a run: one entry in each list for each evaluation."""

    steps: list[int] = field(default_factory=list)
    """Updates done before the evaluation; the first is 0."""
    train_losses: list[float] = field(default_factory=list)
    """Mean loss of the batches since the evaluation before, each before its update; the first
    entry is the loss of the first batch before any update."""
    val_losses: list[float] = field(default_factory=list)
    """Loss on the validation windows."""
    learning_rates: list[float] = field(default_factory=list)
    """Learning rate of the next update."""
    tokens_per_second: list[float] = field(default_factory=list)
    """Tokens trained on a second since the evaluation before, evaluation not counted; first 0."""
    seconds: list[float] = field(default_factory=list)
    """Time since the start, evaluations counted."""

    def to_dict(self) -> dict:
        """Plain lists and numbers, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "History":
        """The history that `to_dict` gave."""
        return cls(**data)


def learning_rate_at(step: int, config: TrainConfig, seconds: float = 0.0) -> float:
    """The learning rate of update ``step`` (from 0): a straight rise, then the schedule down.

    ``seconds``: how long the run has trained, which counts only where ``config.seconds`` is given.

    Source: Loshchilov and Hutter, "SGDR" (2017), without restarts.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    if config.seconds is None:
        done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    else:
        done = seconds / config.seconds if config.seconds else 1.0
    done = min(1.0, done)
    left = 1 - done if config.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return config.min_learning_rate + left * (config.learning_rate - config.min_learning_rate)


class MuonAdamW(torch.optim.Optimizer):
    """Muon for the weights of the first group, AdamW for all others, as one optimizer.

    Muon makes each matrix's averaged gradient as near to a rotation as a few matrix products can,
    so that no direction is turned much more than another (Jordan et al., 2024). It is scaled to
    AdamW's usual length (Liu et al., 2025, "Muon is Scalable for LLM Training"): one learning
    rate serves both.
    """

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer):
        self._parts = (muon, adamw)
        super().__init__(muon.param_groups + adamw.param_groups, {})
        self._share()

    def _share(self) -> None:
        """Both parts work on this optimizer's groups and state: there is one of each."""
        muon, adamw = self._parts
        muon.param_groups, adamw.param_groups = self.param_groups[:1], self.param_groups[1:]
        muon.state = adamw.state = self.state

    def load_state_dict(self, state_dict: dict) -> None:
        super().load_state_dict(state_dict)
        self._share()

    def step(self, closure=None) -> None:
        for part in self._parts:
            part.step(closure)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The config's optimizer, in which only matrices decay; biases and norms, being vectors, do not.

    Raises ``ValueError`` if Muon is asked for and this PyTorch has none, or the model no blocks.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if config.optimizer == "adamw":
        return _adamw(weights, config)
    if not hasattr(torch.optim, "Muon") or not hasattr(model, "blocks"):
        raise ValueError(
            "optimizer='muon' needs PyTorch 2.9 or newer (pip install -U torch) and a model with "
            "blocks; else use optimizer='adamw'"
        )
    matrices = [w for w in model.blocks.parameters() if w.requires_grad and w.dim() == 2]
    muon = torch.optim.Muon(
        matrices,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    chosen = set(map(id, matrices))
    return MuonAdamW(muon, _adamw([w for w in weights if id(w) not in chosen], config))


def _adamw(weights: list[nn.Parameter], config: TrainConfig) -> torch.optim.AdamW:
    groups = [
        {"params": [w for w in weights if w.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]
    fused = all(weight.device.type in ("cpu", "cuda") for weight in weights)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=fused)


@torch.no_grad()
def evaluate(model: nn.Module, windows: Windows, batches: int | None = None) -> float:
    """The model's loss in nats per token on the first ``batches`` batches of ``windows.epoch()``.

    Every counted label weighs the same. Computed in the weights' own precision, without dropout;
    the model is left in the mode it was in.
    """
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    for tokens, labels in windows.epoch(batches):
        counted = int((labels != IGNORE).sum())
        total += float(model(tokens, labels)[1]) * counted
        count += counted
    model.train(was_training)
    return total / count


@torch.no_grad()
def document_losses(
    model: nn.Module, documents: Sequence[str], encoding: tiktoken.Encoding, batch_size: int = 64
) -> list[np.ndarray]:
    """What each token of each document costs the model that reads it from its beginning, in nats.

    The model's side of ``smallworld.token_losses``: one array for each document, with the losses
    of its tokens and of the END that closes it. Computed on the model's device, without dropout.

    Raises ``TypeError`` for one string in place of a list, and ``ValueError`` if a document is
    longer than the model's context or ``batch_size`` is below 1.
    """
    if isinstance(documents, str):
        raise TypeError("documents is one string; put it in a list: [document]")
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} must be at least 1")
    was_training = model.training
    model.eval()
    losses = []
    try:
        for start in range(0, len(documents), batch_size):
            losses += _losses_of_rows(model, documents[start : start + batch_size], encoding)
    finally:
        model.train(was_training)
    return losses


def _losses_of_rows(model, documents: Sequence[str], encoding) -> list[np.ndarray]:
    rows = [torch.from_numpy(encode_documents([d], encoding).astype(np.int64)) for d in documents]
    lengths = [len(row) - 1 for row in rows]  # labels: all but the END before the document
    chip = next(model.parameters()).device
    block = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=encoding.eot_token)
    logits = model(block[:, :-1].to(chip))  # (B, T, V); what stands after a document changes nothing
    losses = F.cross_entropy(logits.mT.float(), block[:, 1:].to(chip), reduction="none").cpu()
    return [row[:n].double().numpy() for row, n in zip(losses, lengths)]


def train(
    model: nn.Module,
    train_tokens,
    val_tokens,
    config: TrainConfig,
    *,
    on_eval: Callable[[int, nn.Module], None] | None = None,
) -> History:
    """Train a model in place, and return what happened.

    Args:
        model: ``model(tokens, labels)`` gives ``(logits, loss)``; ``model.config`` has
            ``vocab_size`` and ``block_size``. It is moved to the chip and left there, in
            evaluation mode.
        train_tokens, val_tokens: 1-D integer arrays or memory maps (see `windows.open_tokens`).
        config: the recipe.
        on_eval: called as ``on_eval(step, model)`` after each evaluation, the first before any
            update, with the model in evaluation mode and without gradients.

    With ``config.checkpoint`` the run is stored in that folder. The same call goes on where it
    stopped, and gives on a CPU the same losses, bit for bit, as if it had not; a finished run is
    only read. Ctrl-C there ends the update or evaluation that it meets and writes a checkpoint; a
    second one stops at once, and leaves the checkpoint before. (Only in the main thread, and
    where Ctrl-C means ``KeyboardInterrupt``.)

    PyTorch's global random generators are seeded with ``config.seed``, and a checkpoint that is
    continued sets them too.

    Raises:
        TrainingDivergedError: the loss is not a number; says at which step and what to try.
        CheckpointError: the folder can't be written, or holds another run or a damaged file.
        TrainingInterrupt: a ``KeyboardInterrupt``, after Ctrl-C and the checkpoint.
        ValueError: ``block_size`` is longer than the model's; as `Windows`, for texts that are
            too short or ids outside the vocabulary.
    """
    run = _Run(model, train_tokens, val_tokens, config)
    run.load()
    ctrl_c, progress = _CtrlC(config.checkpoint is not None), _Progress(config, run.step)
    with ctrl_c, progress, _compiled(model, config.compile):
        while True:
            if run.due():
                with _uncompiled(config.compile):
                    run.evaluate(on_eval)
                progress.evaluated(run.history)
            if run.save_due(stopping=ctrl_c.heard):
                run.save()
            if ctrl_c.heard and run.saved == run.step:  # else it came during the lines above
                raise TrainingInterrupt(run.step)
            if run.at_end():
                break
            if not ctrl_c.heard:
                run.update()
                progress.updated(run.step)
    model.eval()
    return run.history


@contextmanager
def _compiled(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Inside it each block runs as one program; all blocks are alike, so that one is compiled."""
    if not wanted:
        yield
        return
    for block in model.blocks:
        block.compile(dynamic=False)
    try:
        yield
    finally:
        for block in model.blocks:
            block._compiled_call_impl = None  # PyTorch has no public way back


def _uncompiled(wanted: bool) -> AbstractContextManager:
    """Inside it blocks run as written: other shapes, as in evaluation, would compile them anew."""
    return torch.compiler.set_stance("force_eager") if wanted else nullcontext()


class _Run:
    """The state of one training run: what `train` moves forward and a checkpoint holds."""

    def __init__(self, model, train_tokens, val_tokens, config: TrainConfig):
        self.config = config
        self.chip = device.pick(config.device)
        self.model = model.to(self.chip.device)
        self.train_windows = self._windows("the training text (train_tokens)", train_tokens)
        self.val_windows = self._windows("the validation text (val_tokens)", val_tokens)
        self.optimizer = make_optimizer(model, config)
        self.scaler = torch.amp.GradScaler(self.chip.device.type, enabled=self.chip.scaler)
        self.history = History()
        self.step = self.saved = 0
        self.trained = 0.0  # seconds in updates
        self.losses = []  # of updates not looked at yet: tensors on the chip
        self.seen = []  # of updates since the last evaluation: numbers
        self.started = time.perf_counter()
        self.mark = self.started  # when the updates since the last evaluation began
        torch.manual_seed(config.seed)

    def _windows(self, name: str, tokens) -> Windows:
        try:
            return Windows(
                tokens,
                self.config.batch_size,
                self._block_size(),
                seed=self.config.seed,
                device=self.chip.device,
                start_token=self.config.start_token,
                vocab_size=self.model.config.vocab_size,
            )
        except (CorpusTooShortError, TokenRangeError) as error:
            raise type(error)(f"{name}: {error}") from error

    def _block_size(self) -> int:
        longest, chosen = self.model.config.block_size, self.config.block_size
        if chosen is not None and chosen > longest:
            raise ValueError(
                f"block_size={chosen} is longer than the model's context, {longest} tokens; "
                f"choose at most {longest}, or a model with a larger block_size"
            )
        return longest if chosen is None else chosen

    def update(self) -> None:
        """One step: the batch's gradient, in parts, and a turn of every knob."""
        start = time.perf_counter()
        rate = self._learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        self.losses.append(self._backward(*self.train_windows.batch(self.step)))
        if self.config.grad_clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if len(self.losses) == _LOOK_EVERY:
            self._look()
        self.trained += time.perf_counter() - start

    def _learning_rate(self) -> float:
        return learning_rate_at(self.step, self.config, self.trained)

    def _backward(self, tokens, labels) -> torch.Tensor:
        """Add the gradient of the batch's mean loss, one part of the batch after the other."""
        parts = self.config.accumulation
        counted = (labels != IGNORE).sum()
        batch_loss = torch.zeros((), device=self.chip.device)
        for part, answers in zip(tokens.chunk(parts), labels.chunk(parts), strict=True):
            with self.chip.autocast():
                loss = self.model(part, answers)[1]
            # A part weighs as much of the mean as it has labels, so parts give the same
            # gradient as the batch at once.
            loss = loss * ((answers != IGNORE).sum() / counted)
            self.scaler.scale(loss).backward()
            batch_loss += loss.detach()
        return batch_loss

    def _look(self) -> None:
        """Bring the losses from the chip, and stop if one is not a number."""
        first = self.step - len(self.losses)
        losses = torch.stack(self.losses).tolist() if self.losses else []
        self.losses = []
        for i, loss in enumerate(losses):
            if not math.isfinite(loss):
                rate = learning_rate_at(first + i, self.config, self.trained)
                raise TrainingDivergedError(_advice(first + i, loss, rate, self.config))
        self.seen += losses

    def due(self) -> bool:
        """Is there an evaluation to do at this step that has not been done?"""
        done = bool(self.history.steps) and self.history.steps[-1] == self.step
        return not done and (self.step % self.config.eval_every == 0 or self.at_end())

    def save_due(self, stopping: bool) -> bool:
        """Is there a checkpoint to write at this step that has not been written?"""
        wanted = self.config.checkpoint is not None and self.step != self.saved
        regular = self.step % self.config.checkpoint_every == 0 or self.at_end()
        return wanted and (regular or stopping)

    def at_end(self) -> bool:
        """Has the run had all its updates, or all its time?"""
        if self.config.seconds is None:
            return self.step == self.config.steps
        return self.trained >= self.config.seconds

    def evaluate(self, on_eval) -> None:
        """Write one entry of the history."""
        self._look()
        seconds = time.perf_counter() - self.mark
        windows = self.train_windows
        trained = len(self.seen) * windows.batch_size * windows.block_size
        self.model.eval()
        history = self.history
        history.steps.append(self.step)
        history.train_losses.append(float(np.mean(self.seen)) if self.seen else self._first_loss())
        history.val_losses.append(evaluate(self.model, self.val_windows, self.config.eval_batches))
        history.learning_rates.append(self._learning_rate())
        history.tokens_per_second.append(trained / seconds)
        if on_eval is not None:
            # What the callback draws, for example samples, must not change the run.
            with torch.no_grad(), _random_kept(self.chip):
                on_eval(self.step, self.model)
        history.seconds.append(time.perf_counter() - self.started)
        self.seen, self.mark = [], time.perf_counter()

    @torch.no_grad()
    def _first_loss(self) -> float:
        return float(self.model(*self.train_windows.batch(0))[1])

    # Checkpoints: one file, so that it is always the state of one step.

    def _identity(self) -> dict:
        """What must be equal for two runs to be the same run."""
        config = dataclasses.asdict(self.config)
        return {
            "model": str(self.model.config),
            "train_tokens": _fingerprint(self.train_windows.tokens),
            "val_tokens": _fingerprint(self.val_windows.tokens),
            **{name: value for name, value in config.items() if name not in _MAY_DIFFER},
        }

    def save(self) -> None:
        """Write the checkpoint."""
        self._look()
        about = {
            "identity": self._identity(),
            "step": self.step,
            "seen": self.seen,
            "history": self.history.to_dict(),
            "scaler": self.scaler.state_dict(),
            "seconds": time.perf_counter() - self.started,
            "trained": self.trained,
            "since_evaluation": time.perf_counter() - self.mark,
        }
        tensors = _flat("model", _own_state(self.model))
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= _flat(f"optimizer.{i}", state)
        tensors |= _flat("random", _random_state(self.chip))
        about["tensors"] = sorted(tensors)
        with written_aside(_checkpoint_path(self.config)) as aside:
            save_file(tensors, aside, metadata={"nbutils": json.dumps(about)})
        self.saved = self.step

    def load(self) -> None:
        """Go on from the run's checkpoint, if there is one; else see that one can be written."""
        if self.config.checkpoint is None:
            return
        path = _checkpoint_path(self.config)
        if path.exists():
            tensors, about = _read_checkpoint(path)
            _same_run(path, about["identity"], json.loads(json.dumps(self._identity())))
            with _damage_named(path):
                self._restore(tensors, about)
        if not self.at_end() or not path.exists():  # a finished run is only read
            _check_folder(path.parent)

    def _restore(self, tensors: dict, about: dict) -> None:
        """Take over a checkpoint's state; what is missing or misshapen is an error."""
        state = _part(tensors, "model")
        _check_shapes(state, _own_state(self.model))
        # Not strict, because a tied weight is stored once; the names were compared before.
        self.model.load_state_dict(state, strict=False)
        self.optimizer.load_state_dict(_optimizer_state(self.optimizer, tensors))
        _set_random_state(_part(tensors, "random"), self.chip)
        if about["scaler"]:  # empty, if the chip that wrote it needed none
            self.scaler.load_state_dict(about["scaler"])
        most = self.config.steps if self.config.seconds is None else sys.maxsize
        self.step = self.saved = _whole(about["step"], most)
        self.seen = list(about["seen"])
        self.history = History.from_dict(about["history"])
        self.started = time.perf_counter() - about["seconds"]
        self.trained = float(about["trained"])
        self.mark = time.perf_counter() - about["since_evaluation"]


class _CtrlC:
    """Ctrl-C is heard between updates, where the run's state is whole; a second stops at once.

    Does nothing outside the main thread, and where Ctrl-C is not ``KeyboardInterrupt`` already.
    """

    def __init__(self, wanted: bool):
        self.heard = False
        self.taken = (
            wanted
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )

    def __enter__(self) -> "_CtrlC":
        if self.taken:
            signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *error) -> None:
        if self.taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, *signal_and_frame) -> None:
        if self.heard:
            raise KeyboardInterrupt
        self.heard = True


def _checkpoint_path(config: TrainConfig) -> Path:
    return Path(config.checkpoint) / CHECKPOINT


def _advice(step: int, loss: float, rate: float, config: TrainConfig) -> str:
    clip = "" if config.grad_clip else ", grad_clip=1.0"
    return (
        f"the loss is {loss} at step {step}, with a learning rate of {rate:.2g}; try "
        f"learning_rate={config.learning_rate / 10:.2g}, a longer warm-up (warmup_steps="
        f"{max(100, 2 * config.warmup_steps)}){clip}"
    )


def _fingerprint(tokens: np.ndarray) -> str:
    """Length and checksum of the first million tokens: enough to notice another corpus."""
    head = np.asarray(tokens[:1_000_000]).astype("<u4")
    return f"{len(tokens)} tokens, crc {zlib.crc32(head.tobytes()):08x}"


def _own_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights and buffers, a tied weight once (safetensors stores no aliases)."""
    every = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    once = {name for name, _ in model.named_parameters()}
    return {k: v for k, v in model.state_dict().items() if k not in every - once}


def _random_kept(chip):
    return torch.random.fork_rng(devices=[chip.device] if chip.device.type == "cuda" else [])


def _random_state(chip) -> dict[str, torch.Tensor]:
    """The random generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    if chip.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(chip.device)
    return states


def _set_random_state(states: dict[str, torch.Tensor], chip) -> None:
    torch.set_rng_state(states["cpu"])
    if chip.device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], chip.device)


def _flat(prefix: str, tensors: dict) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{k}": v.detach().cpu().contiguous() for k, v in tensors.items()}


def _part(tensors: dict, prefix: str) -> dict[str, torch.Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _optimizer_state(optimizer, tensors: dict) -> dict:
    """The optimizer's state as `load_state_dict` wants it; its settings are the config's."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state = {}
    for name, tensor in _part(tensors, "optimizer").items():
        i, key = name.split(".")
        state.setdefault(int(i), {})[key] = tensor
    for i, moments in state.items():
        weight = weights[i]
        _check_shapes(moments, {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight})
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}


def _check_shapes(found: dict, expected: dict) -> None:
    if {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in expected.items()}:
        raise ValueError("tensors are missing, or of another shape")


def _whole(step, most: int) -> int:
    if not isinstance(step, int) or not 0 <= step <= most:
        raise ValueError(f"step is {step!r}, not from 0 to {most}")
    return step


def _check_folder(folder: Path) -> None:
    """Raise at the start what would else be an error at the first checkpoint."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"checkpoint")
    except OSError as error:
        raise CheckpointError(
            f"checkpoint={str(folder)!r} can't be written ({error.strerror or error}); choose a "
            "folder that can"
        ) from error


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes go wrong becomes one error that says so."""
    try:
        yield
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as e:
        raise CheckpointError(
            f"{path} is damaged or is not a checkpoint of nbutils; delete it to start afresh"
        ) from e


def _read_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    with _damage_named(path), safe_open(path, framework="pt") as file:
        about = json.loads((file.metadata() or {})["nbutils"])
        if sorted(file.keys()) != about["tensors"] or not isinstance(about["identity"], dict):
            raise ValueError("tensors are missing")
        return {name: file.get_tensor(name) for name in file.keys()}, about


def _same_run(path: Path, stored: dict, given: dict) -> None:
    different = sorted(name for name in given if stored.get(name) != given[name])
    if different:
        name = different[0]
        raise CheckpointError(
            f"{path} is another run: {name} was {stored.get(name)} and is now {given[name]}; "
            "choose another folder, or delete this one"
        )


class _Progress:
    """A bar on a terminal; in a log or a notebook one line for each evaluation."""

    def __init__(self, config: TrainConfig, step: int):
        bar = config.progress and sys.stderr.isatty()
        self.lines = config.progress and not bar
        total = config.steps if config.seconds is None else None  # unknown, if the clock decides
        self.bar = tqdm(total=total, initial=step, unit="step", disable=not bar)
        self.of = "" if total is None else f"/{total:,}"

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *error) -> None:
        self.bar.close()

    def updated(self, step: int) -> None:
        self.bar.update(step - self.bar.n)

    def evaluated(self, history: History) -> None:
        step, train, val = history.steps[-1], history.train_losses[-1], history.val_losses[-1]
        self.bar.set_postfix(train=f"{train:.3f}", val=f"{val:.3f}")
        if self.lines:
            print(
                f"step {step:>{len(self.of) - 1 if self.of else 5},}{self.of}  train {train:.3f}  val {val:.3f}  "
                f"lr {history.learning_rates[-1]:.1e}  "
                f"{history.tokens_per_second[-1]:9,.0f} tokens/s  {history.seconds[-1]:6.1f} s",
                flush=True,
            )
