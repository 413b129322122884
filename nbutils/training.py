"""Logits + labels -> better knobs: the optimizer, its schedule, evaluation and checkpoints.

One step: a batch goes in, a loss comes out, each knob's gradient says which way to turn it, AdamW
turns it a little. The recipe follows GPT-2 and GPT-3 (Brown et al. 2020, appendix B) at the scale
of a laptop. Losses are in nats per token.
"""

import dataclasses
import math
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tiktoken
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from nbutils import checkpoints, device, parallel
from nbutils.checkpoints import CheckpointError, CheckpointWarning
from nbutils.config import TrainConfig
from nbutils.ids import to_model_device
from nbutils.tokens import encode_documents
from nbutils.windows import IGNORE, CorpusTooShortError, TokenRangeError, Windows

_LOOK_EVERY = 10  # steps between looks at the losses: each look waits for the chip
_MAY_DIFFER = {
    "device",
    "parallel",
    "accumulation",
    "compile",
    "checkpoint",
    "checkpoint_every",
    "progress",
}
# tanh by way of exp, which C++ compilers turn into wide instructions: GPT-2 trains a tenth faster
_COMPILER = {"cpp.use_decompose_tanh": True}


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number."""


class TrainingMemoryError(RuntimeError):
    """The chip has too little memory for this run."""


class TrainingInterrupt(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, after the checkpoint.

    ``step``: the updates done; ``kept``: those in the checkpoint, if that could not be written.
    """

    def __init__(self, step: int, kept: int | None = None):
        where = "" if kept in (None, step) else f" from step {kept:,}"
        super().__init__(f"stopped at step {step:,}; the same call goes on{where}")
        self.step = step


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


class Muon(torch.optim.Optimizer):
    """Turns matrices by their averaged gradients, with all directions made about equally strong.

    A few matrix products bring each averaged gradient as near to a rotation as is useful, so that
    no direction is turned much more than another (Jordan et al., 2024). The result is scaled to
    AdamW's usual length (Liu et al., 2025, "Muon is Scalable for LLM Training"), so that one
    learning rate serves both. As ``torch.optim.Muon`` with ``match_rms_adamw``, except that all
    matrices of one shape are computed together, in a third of the time on a CPU.
    """

    def __init__(
        self, params: Iterable, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95
    ):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            alike = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for weights in alike.values():
                self._turn(weights, **{key: group[key] for key in self.defaults})

    def _turn(self, weights: list, lr: float, weight_decay: float, momentum: float) -> None:
        ahead = []
        for weight in weights:
            average = self._average(weight).lerp_(weight.grad, 1 - momentum)
            ahead.append(weight.grad.lerp(average, momentum))  # Nesterov's look ahead
        length = 0.2 * max(weights[0].shape) ** 0.5
        for weight, turn in zip(weights, evened_out(torch.stack(ahead)), strict=True):
            weight.mul_(1 - lr * weight_decay).add_(turn, alpha=-lr * length)

    def _average(self, weight: torch.Tensor) -> torch.Tensor:
        """The running mean of the weight's gradients, which begins at 0."""
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return state["momentum_buffer"]


def evened_out(matrices: torch.Tensor) -> torch.Tensor:
    """Matrices (n, M, N) with all singular values brought to between about 0.7 and 1.2.

    Five rounds of X <- a X + (b X X^T + c (X X^T)^2) X, after which no exactness is asked: in
    bfloat16, but in float32 on a chip that multiplies bfloat16 more slowly, as a T4 does.

    Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
    """
    a, b, c = 3.4445, -4.775, 2.0315
    tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if tall else matrices  # X X^T is the smaller product
    x = x.bfloat16() if device.pick(x.device).dtype == torch.bfloat16 else x.float()
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class MuonAdamW(torch.optim.Optimizer):
    """Muon for the weights of the first group, AdamW for all others, as one optimizer."""

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
    """The config's optimizer. Only matrices decay; biases and norms, being vectors, do not.

    Raises ``ValueError`` if Muon is asked for and the model has no blocks.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if config.optimizer == "adamw":
        return _adamw(weights, config)
    if not hasattr(model, "blocks"):
        raise ValueError(
            f"optimizer='muon' takes the matrices of model.blocks, and {type(model).__name__} has "
            "no blocks; use optimizer='adamw'"
        )
    matrices = [w for w in model.blocks.parameters() if w.requires_grad and w.dim() == 2]
    muon = Muon(matrices, config.learning_rate, config.weight_decay)
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
def evaluate(
    model: nn.Module,
    windows: Windows,
    batches: int | None = None,
    group: parallel.Group = parallel.ALONE,
) -> float:
    """The model's loss in nats per token on the first ``batches`` batches of ``windows.epoch()``.

    Every counted label weighs the same. Computed in the weights' own precision, without dropout, where
    the model is, wherever the windows are; the model is left in the mode it was in. The processes of
    a ``group`` share the windows.
    """
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    try:
        for tokens, labels in windows.epoch(batches):
            tokens, labels = group.share(tokens, labels)
            counted = int((labels != IGNORE).sum())
            loss = model(
                to_model_device("tokens", tokens, model), to_model_device("labels", labels, model)
            )[1]
            if counted:  # a process has nothing to count where a batch has too few windows for all
                total += float(loss) * counted
            count += counted
    finally:
        model.train(was_training)
    total, count = group.total(total, count)
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
    block = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=encoding.eot_token)
    # What stands after a document changes nothing before it.
    logits = model(to_model_device("tokens", block[:, :-1], model))  # (B, T, V)
    labels = to_model_device("labels", block[:, 1:], model)
    losses = F.cross_entropy(logits.mT.float(), labels, reduction="none").cpu()
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
            ``vocab_size`` and ``block_size``. It is trained on the chip and given back where it
            was, in evaluation mode and without gradients. (Moving it gives its weights new
            memory: keep the model, not views of them.)
        train_tokens, val_tokens: 1-D integer arrays or memory maps (see `windows.open_tokens`).
        config: the recipe.
        on_eval: called as ``on_eval(step, model)`` after each evaluation, the first before any
            update, with the model on the chip, in evaluation mode and without gradients.

    With ``config.checkpoint`` the run is stored in that folder. The same call goes on where it
    stopped, and gives on a CPU the same losses, bit for bit, as if it had not; a finished run is
    only read. The folder keeps the newest checkpoint and the one before, which is used, with a
    warning, if the newest is damaged. Ctrl-C, and SIGTERM, which a cluster sends before it stops
    a job, end the update or evaluation that they meet and write a checkpoint; a second one stops
    at once, and leaves the checkpoint before. (Only in the main thread, and where these signals
    mean what they usually mean.)

    A checkpoint that can't be written, as on a full disk, does not end the run: a
    ``CheckpointWarning`` says how much room was missing, the checkpoint before stays, and the
    next is tried in its turn. That holds for the last one too, since what the hour of training
    gave, the model and the history, is there to be returned.

    With ``config.parallel`` every process that `torchrun` started calls this alike, ``on_eval``
    too, and gets the same losses. The model is left shared out, on the chips; `parallel.whole` joins it. The
    checkpoint is a folder for each step, from which any number of processes goes on, with the same
    losses but for rounding, and one alone without ``parallel``.

    PyTorch's global random generators are seeded with ``config.seed``, and a checkpoint that is
    continued sets them too.

    Raises:
        TrainingDivergedError: a loss or a weight is not a finite number; says at which step and
            what to try. No checkpoint has that weight.
        TrainingMemoryError: the memory is too small; says by how much and what to lower.
        CheckpointError: at the start, if the folder can't be written, or holds another run or
            only damaged files.
        TrainingInterrupt: a ``KeyboardInterrupt``, after Ctrl-C or SIGTERM and the checkpoint.
        ValueError: ``block_size`` is longer than the model's; as `Windows`, for texts that are
            too short or ids outside the vocabulary; a batch or heads that the processes can't
            share equally; a device that `device.pick` refuses; Muon for a model without blocks; a
            model without parameters.
        RuntimeError: ``parallel`` without `torchrun`; ``compile`` on a CPU without a C++ compiler.
    """
    with nullcontext() if config.parallel else _given_back(model):
        return _train(_Run(model, train_tokens, val_tokens, config), on_eval)


@contextmanager
def _given_back(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, afterwards the model is on the device where it was, in evaluation mode."""
    first = next(model.parameters(), None)
    if first is None:
        raise ValueError(f"model is a {type(model).__name__} without parameters: nothing to train")
    home = first.device
    try:
        yield
    finally:
        model.eval().to(home)


def _train(run: "_Run", on_eval: Callable[[int, nn.Module], None] | None) -> History:
    try:
        return _steps(run, on_eval)
    except BaseException as error:
        # A notebook keeps its last error, with the variables of every function that it went through.
        if isinstance(error, TrainingMemoryError | KeyboardInterrupt):
            traceback.clear_frames(error.__traceback__)
        run.let_go()
        raise


def _steps(run: "_Run", on_eval: Callable[[int, nn.Module], None] | None) -> History:
    model, config = run.model, run.config
    with _memory_explained(run):
        run.load()
    ctrl_c, progress = _CtrlC(config.checkpoint is not None), _Progress(run)
    kept = device.memory_kept(run.chip)
    with ctrl_c, progress, kept, _memory_explained(run), _compiled(model, config.compile, run.chip):
        while True:
            if run.due():
                with _uncompiled(config.compile):
                    run.evaluate(on_eval)
                progress.evaluated(run.history)
            stopping = bool(run.group.highest(ctrl_c.heard))  # all processes stop at one step
            if run.save_due(stopping):
                run.save()
            if stopping:
                raise TrainingInterrupt(run.step, run.kept)
            if run.at_end():
                break
            run.update()
            progress.updated(run.step)
    return run.history


@contextmanager
def _compiled(model: nn.Module, what: str | None, chip: device.Chip) -> Iterator[None]:
    """Inside it the whole model runs as one program, or each block: they are alike, one is made."""
    if what and chip.device.type == "cpu" and device.cpp_compiler() is None:
        raise RuntimeError(
            f"compile={what!r} needs a C++ compiler on a CPU, and none was found: leave compile out, or "
            "install one (Debian and Ubuntu: apt install g++; macOS: xcode-select --install; Windows: "
            "Visual Studio's Build Tools, whose command prompt finds it)"
        )
    parts = {None: [], "blocks": getattr(model, "blocks", []), "model": [model]}[what]
    for part in parts:
        part.compile(dynamic=False, options=_compiler_options())
    try:
        yield
    finally:
        for part in parts:
            part._compiled_call_impl = None  # PyTorch has no public way back


def _compiler_options() -> dict[str, bool]:
    from torch._inductor import list_options

    return {name: value for name, value in _COMPILER.items() if name in list_options()}


def _uncompiled(what: str | None) -> AbstractContextManager:
    """Inside it all runs as written: other shapes, as in evaluation, would be compiled anew."""
    return torch.compiler.set_stance("force_eager") if what else nullcontext()


class _Run:
    """The state of one training run: what `train` moves forward and a checkpoint holds."""

    optimizer = None

    def __init__(self, model, train_tokens, val_tokens, config: TrainConfig):
        self.config = config
        start = parallel.start if config.parallel else device.pick
        self.chip = start(config.device)
        self.group = parallel.Group(config.parallel)
        self.model = _moved(model, self.chip)
        self.let_go()
        size, part = config.batch_size, config.batch_size // config.accumulation
        self.train_windows = self._windows("the training text (train_tokens)", train_tokens, size)
        self.val_windows = self._windows("the validation text (val_tokens)", val_tokens, part)
        self._check_shares()
        self.replica = self.group.apply(model, self.chip)  # what is called in training
        self.optimizer = self.group.together(make_optimizer(model, config))
        self.scaler = torch.amp.GradScaler(self.chip.device.type, enabled=self.chip.scaler)
        self.history = History()
        self.step = self.saved = self.kept = 0  # now, at the last try to save, and in the folder
        self.trained = 0.0  # seconds in updates
        self.losses = []  # of updates not looked at yet: tensors on the chip
        self.seen = []  # of updates since the last evaluation: numbers
        self.started = time.perf_counter()
        self.mark = self.started  # when the updates since the last evaluation began
        # Dropout: who shares a batch draws other knobs, who shares a matrix the same.
        torch.manual_seed(config.seed + (self.group.rank if self.group.shares > 1 else 0))
        self.shards = None
        if config.checkpoint is not None:
            folder = Path(config.checkpoint)
            self.shards = parallel.Shards(folder, model, self.optimizer, self.group)

    def let_go(self) -> None:
        """Of what fills a chip beside the weights: half a gradient is none, and states are of this run."""
        self.model.zero_grad(set_to_none=True)
        self.losses = []
        if self.optimizer is not None:
            self.optimizer.state.clear()

    def _check_shares(self) -> None:
        parts = self.group.shares * self.config.accumulation
        if self.config.batch_size % parts:
            raise ValueError(
                f"batch_size={self.config.batch_size} can't be shared by {self.group.shares} "
                f"processes in accumulation={self.config.accumulation} equal parts each; choose a "
                f"multiple of {parts}"
            )

    def _windows(self, name: str, tokens, batch_size: int) -> Windows:
        try:
            return Windows(
                tokens,
                batch_size,
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
            self.group.clip(self.model.parameters(), self.config.grad_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if len(self.losses) == _LOOK_EVERY:
            self._look()
        self.trained = self.group.highest(self.trained + time.perf_counter() - start)

    def _learning_rate(self) -> float:
        return learning_rate_at(self.step, self.config, self.trained)

    def _backward(self, tokens, labels) -> torch.Tensor:
        """Add the gradient of the batch's mean loss, one part of the batch after the other."""
        batch_loss = torch.zeros((), device=self.chip.device)
        parts = list(self._parts(tokens, labels))
        for i, (part, answers, share) in enumerate(parts, start=1):
            with self.group.averaging(self.replica, i == len(parts)):
                with self.chip.autocast():
                    loss = self.replica(part, answers)[1]
                loss = loss * share
                self.scaler.scale(loss).backward()
            batch_loss += loss.detach()
        return batch_loss

    def _parts(self, tokens, labels) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """The batch in parts, each with its share of the mean: as many labels as it has.

        In a group, this process's windows, and the shares of what is then the group's mean.
        """
        parts = self.config.accumulation
        tokens, labels = self.group.share(tokens, labels)
        counted = self.group.mean((labels != IGNORE).sum())
        for part, answers in zip(tokens.chunk(parts), labels.chunk(parts), strict=True):
            yield part, answers, (answers != IGNORE).sum() / counted

    def _look(self) -> None:
        """Bring the losses from the chip, and stop if one is not a number."""
        first = self.step - len(self.losses)
        losses = self.group.mean(torch.stack(self.losses)).tolist() if self.losses else []
        self.losses = []
        for i, loss in enumerate(losses):
            if not math.isfinite(loss):
                rate = learning_rate_at(first + i, self.config, self.trained)
                raise TrainingDivergedError(_advice("loss", loss, first + i, rate, self.config))
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
        history.val_losses.append(self._val_loss())
        history.learning_rates.append(self._learning_rate())
        history.tokens_per_second.append(trained / seconds)
        if on_eval is not None:
            # What the callback draws, for example samples, must not change the run.
            with torch.no_grad(), _random_kept(self.chip):
                on_eval(self.step, self.model)
            if self.config.parallel is None:
                self.model.to(self.chip.device)  # a callback may have taken it elsewhere
        history.seconds.append(time.perf_counter() - self.started)
        self.seen, self.mark = [], time.perf_counter()

    @torch.no_grad()
    def _first_loss(self) -> float:
        parts = self._parts(*self.train_windows.batch(0))
        loss = sum(float(self.model(part, answers)[1] * share) for part, answers, share in parts)
        return self.group.total(loss)[0] / self.group.shares

    def _val_loss(self) -> float:
        """The loss on validation text, in parts as small as training's."""
        batches, parts = self.config.eval_batches, self.config.accumulation
        loss = evaluate(self.model, self.val_windows, batches and batches * parts, self.group)
        if not math.isfinite(loss):  # after the last update, for example, there is no other loss
            self._diverged("validation loss", loss)
        return loss

    def _diverged(self, what: str, value: float) -> None:
        rate = self._learning_rate()
        raise TrainingDivergedError(_advice(what, value, self.step, rate, self.config))

    # Checkpoints: one file, so that it is always the state of one step.

    def _identity(self) -> dict:
        """What must be equal for two runs to be the same run."""
        config = dataclasses.asdict(self.config)
        return {
            "model": str(self.model.config),
            "train_tokens": checkpoints.fingerprint(self.train_windows.tokens),
            "val_tokens": checkpoints.fingerprint(self.val_windows.tokens),
            **{name: value for name, value in config.items() if name not in _MAY_DIFFER},
        }

    def state(self) -> checkpoints.State:
        """All that decides how the run goes on."""
        about = {
            "step": self.step,
            "seen": self.seen,
            "history": self.history.to_dict(),
            "scaler": self.scaler.state_dict(),
            "seconds": time.perf_counter() - self.started,
            "trained": self.trained,
            "since_evaluation": time.perf_counter() - self.mark,
        }
        tensors = {
            **checkpoints.named("model", checkpoints.weights(self.model)),
            **checkpoints.named("optimizer", checkpoints.moments(self.optimizer)),
            **checkpoints.named("random", checkpoints.random_state(self.chip.device)),
        }
        return checkpoints.State(self._identity(), tensors, about)

    def save(self) -> None:
        """Write the checkpoint, or tell why there is none of this step."""
        self._look()
        state = self.state()
        for found in filter(None, self.group.everybody(_not_finite(state))):
            self._diverged(*found)  # an infinite gradient, after the last known loss
        try:
            if self.config.parallel is None:
                checkpoints.write(Path(self.config.checkpoint), state)
            else:
                self.shards.write(self.step, state)
            self.kept = self.step
        except CheckpointError as error:
            if self.group.rank == 0:
                warnings.warn(self._not_saved(error), CheckpointWarning, stacklevel=3)
        self.saved = self.step

    def _not_saved(self, error: CheckpointError) -> str:
        kept = f"that of step {self.kept:,} stays" if self.kept else "there is none before"
        then = "the model is trained all the same" if self.at_end() else "the run goes on"
        return f"step {self.step:,}: {error}; {kept}, and {then}"

    def load(self) -> None:
        """Go on from the run's checkpoint, if there is one; else see that one can be written."""
        if self.config.checkpoint is None:
            return
        folder = Path(self.config.checkpoint)
        if self.shards.wanted():
            found = self.shards.restore(self._identity(), self._take)
        else:
            found = checkpoints.restore(folder, self._identity(), self._take)
        if not found or not self.at_end():  # a finished run is only read
            checkpoints.prepare(folder)

    def _take(self, state: checkpoints.State) -> None:
        """Take over a checkpoint's state; what is missing or misshapen is an error."""
        about = state.about
        checkpoints.set_weights(self.model, state.part("model"))
        checkpoints.set_moments(self.optimizer, state.part("optimizer"))
        checkpoints.set_random_state(state.part("random"), self.chip.device)
        if about["scaler"]:  # empty, if the chip that wrote it needed none
            self.scaler.load_state_dict(about["scaler"])
        most = self.config.steps if self.config.seconds is None else sys.maxsize
        self.step = self.saved = self.kept = _whole(about["step"], most)
        self.seen = list(about["seen"])
        self.history = History.from_dict(about["history"])
        self.started = time.perf_counter() - about["seconds"]
        self.trained = float(about["trained"])
        self.mark = time.perf_counter() - about["since_evaluation"]


class _CtrlC:
    """Ctrl-C is heard between updates, where the run's state is whole; a second stops at once.

    SIGTERM is heard the same way. Does nothing outside the main thread, and for a signal that
    does not mean what it usually means.
    """

    _USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}

    def __init__(self, wanted: bool):
        self.heard = False
        wanted = wanted and threading.current_thread() is threading.main_thread()
        usual = self._USUAL.items() if wanted else ()
        self.taken = [number for number, does in usual if signal.getsignal(number) == does]

    def __enter__(self) -> "_CtrlC":
        for number in self.taken:
            signal.signal(number, self._hear)
        return self

    def __exit__(self, *error) -> None:
        for number in self.taken:
            signal.signal(number, self._USUAL[number])

    def _hear(self, *signal_and_frame) -> None:
        if self.heard:
            raise KeyboardInterrupt
        self.heard = True


def _advice(what: str, value: float, step: int, rate: float, config: TrainConfig) -> str:
    clip = "" if config.grad_clip else ", grad_clip=1.0"
    return (
        f"the {what} is {value} at step {step}, with a learning rate of {rate:.2g}; try "
        f"learning_rate={config.learning_rate / 10:.2g}, a longer warm-up (warmup_steps="
        f"{max(100, 2 * config.warmup_steps)}){clip}"
    )


def _moved(model: nn.Module, chip: device.Chip) -> nn.Module:
    try:
        return model.to(chip.device)
    except RuntimeError as error:
        if not device.out_of_memory(error):
            raise
        raise TrainingMemoryError(
            f"the model's weights find no room on {chip.name}{_missing(str(error))}; try a smaller model, or "
            "let go of what else is there (del it, then device.release(chip))"
        ) from error


@contextmanager
def _memory_explained(run: _Run) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not device.out_of_memory(error):
            raise
        # What the failed step had computed would stay as long as somebody, as a notebook does, keeps the error.
        traceback.clear_frames(error.__traceback__)
        run.model.zero_grad(set_to_none=True)  # half a gradient is none
        advice = f"out of memory at step {run.step:,}{_missing(str(error))}; {_to_lower(run)}"
        raise TrainingMemoryError(advice) from error


def _missing(message: str) -> str:
    """By how much memory was too small, from PyTorch's message on a CPU, a GPU or a Mac."""
    asked = re.search(r"ried to allocate ([\d.]+) ?(\w+)", message)
    free = re.search(r"of which ([\d.]+ \w+) is free", message)
    if asked is None:
        return ""
    amount, unit = asked.groups()
    if unit == "bytes":
        amount, unit = f"{int(amount) / 2**20:,.2f}", "MiB"
    return f": {amount} {unit} more were needed" + (f", and {free[1]} are free" if free else "")


def _to_lower(run: _Run) -> str:
    config, block = run.config, run.train_windows.block_size
    more = range(config.accumulation + 1, config.batch_size + 1)
    finer = next((parts for parts in more if config.batch_size % parts == 0), None)
    parts = f"accumulation={finer} (now {config.accumulation}; the same gradient in smaller parts)"
    smaller = f"block_size below {block}, a smaller model"
    kept = f"; the checkpoint of step {run.kept:,} is kept" if run.kept else ""
    if finer is None:
        return f"try {smaller}{kept}"
    goes_on = ", and goes on with another accumulation" if kept else ""
    return f"try {parts}, batch_size below {config.batch_size}, {smaller}{kept}{goes_on}"


@contextmanager
def _random_kept(chip: device.Chip) -> Iterator[None]:
    """Inside it anything may draw random numbers; afterwards the generators are as before."""
    kept = checkpoints.random_state(chip.device)
    try:
        yield
    finally:
        checkpoints.set_random_state(kept, chip.device)


def _not_finite(state: checkpoints.State) -> tuple[str, float] | None:
    """A tensor with a number that is none, and its largest number."""
    for name, tensor in state.tensors.items():
        own = parallel.own(tensor)
        # The sum of finite numbers may be too large, but it takes a tenth of the time.
        if not own.sum().isfinite() and not own.isfinite().all():
            return f"largest number in {name}", float(own.abs().max())
    return None


def _whole(step, most: int) -> int:
    if not isinstance(step, int) or not 0 <= step <= most:
        raise ValueError(f"step is {step!r}, not from 0 to {most}")
    return step


class _Progress:
    """A bar on a terminal; in a log or a notebook one line for each evaluation."""

    def __init__(self, run: _Run):
        config, step = run.config, run.step
        wanted = config.progress and run.group.rank == 0
        bar = wanted and sys.stderr.isatty()
        self.lines = wanted and not bar
        total = config.steps if config.seconds is None else None  # unknown, if the clock decides
        self.bar = tqdm(total=total, initial=step, unit="step", disable=not bar)
        self.of = "" if total is None else f"/{total:,}"
        self.width = 5 if total is None else len(self.of) - 1

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
                f"step {step:{self.width},}{self.of}  train {train:.3f}  val {val:.3f}  "
                f"lr {history.learning_rates[-1]:.1e}  "
                f"{history.tokens_per_second[-1]:9,.0f} tokens/s  {history.seconds[-1]:6.1f} s",
                flush=True,
            )
