"""Logits + labels -> better knobs: a training, from its recipe to its history.

One step: a batch goes in, a loss comes out, each knob's gradient says which way to turn it, the
optimizer turns it a little. The recipe follows GPT-2 and GPT-3 (Brown et al. 2020, appendix B) at the
scale of a laptop. Losses are in nats per token.
"""

import math
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from torch import nn

from nbutils import device, parallel
from nbutils.advice import Advice, TrainingDivergedError, TrainingMemoryError
from nbutils.arguments import of_type, shown
from nbutils.checkpoints import Store
from nbutils.checkpoints.state import (
    CheckpointError,
    CheckpointWarning,
    fingerprint,
    fork_rng,
)
from nbutils.compiling import compilation
from nbutils.config import TrainConfig
from nbutils.evaluation import evaluate
from nbutils.ids import check_model
from nbutils.optim import learning_rate_at, make_optimizer
from nbutils.progress import History, ProgressBar, StopSignals, TrainingInterrupt, TrainState
from nbutils.windows import IGNORE, Windows
from nbutils.words import sentence


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

    With ``config.checkpoint`` the run is stored in that folder, as `nbutils.checkpoints` says. The
    same call goes on where it stopped, and gives on a CPU the same losses, bit for bit, as if it had
    not; a finished run is only read. Ctrl-C, and SIGTERM, which a cluster sends before it stops
    a job, end the update or evaluation that they meet and write a checkpoint; a second one stops
    at once, and leaves the checkpoint before (see `progress.StopSignals`).

    With ``config.parallel`` every process that `torchrun` started calls this alike, ``on_eval``
    too, and gets the same losses. The model is left shared out, on the chips; `parallel.gather_model` joins it.

    PyTorch's global random generators are seeded with ``config.seed``, and a checkpoint that is
    continued sets them too.

    Raises:
        TrainingDivergedError: a loss or a weight is not a finite number; says at which step and
            what to try. No checkpoint has that weight.
        TrainingMemoryError: the memory is too small; says by how much and what to lower.
        CheckpointError: at the start, if the folder can't be written, or holds another run, another
            model's weights or only damaged files.
        TrainingInterrupt: a ``KeyboardInterrupt``, after Ctrl-C or SIGTERM and the checkpoint.
        ValueError: an argument is of the wrong kind; ``block_size`` is longer than the model's; as
            `Windows`, for texts that are too short or ids outside the vocabulary; a batch or heads
            that the processes can't share equally; a device that `device.pick` refuses; Muon for a
            model without blocks; a model without parameters.
        RuntimeError: ``parallel`` without `torchrun`; ``compile`` on a CPU without a C++ compiler.
    """
    check_model(model)
    of_type("config", config, TrainConfig, "give TrainConfig(...)")
    if on_eval is not None and not callable(on_eval):
        raise ValueError(
            sentence(
                "on_eval={on_eval} must be a function of (step, model), or None",
                on_eval=shown(on_eval),
            )
        )
    with nullcontext() if config.parallel else _restore_device(model):
        return _train(model, train_tokens, val_tokens, config, on_eval)


def _train(model, train_tokens, val_tokens, config: TrainConfig, on_eval) -> History:
    chip = (parallel.start if config.parallel else device.pick)(config.device)
    group = parallel.Group(config.parallel)
    size, parts = config.batch_size, config.accumulation
    options = _window_options(model, config, chip)
    _move(model, chip)
    model.zero_grad(set_to_none=True)  # half a gradient is none
    with _named(training=True):
        train_windows = Windows(train_tokens, size, each_once=config.each_once, **options)
    with _named(training=False):  # in parts as small as training's
        val_windows = Windows(val_tokens, size // parts, **options)

    group.check_batch(size, parts)
    replica = group.parallelize(model, chip)  # what is called in training
    optimizer = group.split_param_groups(make_optimizer(model, config))
    schedule = partial(learning_rate_at, config=config)
    program = compilation(model, config.compile, chip)
    step = _Step(model, replica, optimizer, chip, group, parts, config.grad_clip)
    evaluation = _Evaluation(step, train_windows, val_windows, config.eval_batches, on_eval)
    identity = _identity(model, train_windows, val_windows, config)

    advice = Advice(config, train_windows.block_size)
    run = TrainState(config.steps, config.seconds, config.eval_every, group, advice)
    bar = ProgressBar(config.progress and group.rank == 0, run)
    signals = StopSignals(wanted=config.checkpoint is not None)
    store = Store(config.checkpoint, config.checkpoint_every, identity, model, optimizer, group)
    # Dropout: who shares a batch draws other knobs, who shares a matrix the same.
    torch.manual_seed(config.seed + (group.rank if group.data_parallel_size > 1 else 0))

    with _release_on_error(step, run, store):
        found = store.restore(lambda about: _resume(about, step, run))
        if not found or not run.over:  # a finished run is only read
            store.prepare()
        with signals, bar, device.memory_kept(chip), program as eager:
            while True:
                rate = schedule(run.step, seconds=run.trained)
                if run.evaluation_due():
                    with eager():
                        evaluation(run, rate)
                    bar.evaluated()
                stopping = bool(group.all_reduce_max(signals.received))  # all stop at one step
                if store.due(run.step, stopping or run.over):
                    _save(store, step, run, rate)
                if stopping:
                    raise TrainingInterrupt(run.step, store.kept)
                if run.over:
                    return run.history
                _update(step, train_windows, run, rate)
                bar.updated()


# Before the first step, and after the last


@contextmanager
def _restore_device(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, afterwards the model is on the device where it was, in evaluation mode."""
    home = next(model.parameters()).device
    try:
        yield
    finally:
        model.eval().to(home)


def _move(model: nn.Module, chip: device.Chip) -> None:
    try:
        model.to(chip.device)
    except RuntimeError as error:
        if not device.out_of_memory(error):
            raise
        raise TrainingMemoryError(
            sentence(
                "the model's weights find no room on {chip}{missing}; try a smaller model, or let "
                "go of what else is there (del it, then device.empty_cache(chip))",
                chip=chip.name,
                missing=device.missing_memory(error),
            )
        ) from error


def _window_options(model: nn.Module, config: TrainConfig, chip: device.Chip) -> dict:
    """What the windows of both texts have in common."""
    longest, chosen = model.config.block_size, config.block_size
    if chosen is not None and chosen > longest:
        raise ValueError(
            sentence(
                "block_size={chosen} is longer than the model's context, {longest} tokens; choose at "
                "most {longest}, or a model with a larger block_size",
                chosen=chosen,
                longest=longest,
            )
        )
    return {
        "block_size": longest if chosen is None else chosen,
        "seed": config.seed,
        "device": chip.device,
        "start_token": config.start_token,
        "vocab_size": model.config.vocab_size,
    }


@contextmanager
def _named(training: bool) -> Iterator[None]:
    """An error about the tokens inside it says which text they are."""
    try:
        yield
    except ValueError as error:
        said = sentence(
            "the training text (train_tokens): {error}"
            if training
            else "the validation text (val_tokens): {error}",
            error=error,
        )
        raise type(error)(said) from error


def _identity(model: nn.Module, train_windows, val_windows, config: TrainConfig) -> dict:
    """What must be equal for two runs to be the same run."""
    return {
        "model": str(model.config),
        "train_tokens": fingerprint(train_windows.tokens),
        "val_tokens": fingerprint(val_windows.tokens),
        **config.identity(),
    }


@contextmanager
def _release_on_error(step: "_Step", run: TrainState, store: Store) -> Iterator[None]:
    """After an error the chip has of the run its weights alone. Too little memory gets advice."""
    try:
        yield
    except BaseException as error:
        full = isinstance(error, MemoryError | RuntimeError) and device.out_of_memory(error)
        if full or isinstance(error, KeyboardInterrupt):
            # A notebook keeps its last error, with the variables of every function that it went through.
            traceback.clear_frames(error.__traceback__)
        step.release()
        run.release()
        if full:
            told = run.advice.out_of_memory(error, run.step, store.kept)
            raise TrainingMemoryError(told) from error
        raise


# One step


class _Step:
    """An update: the batch's gradient, in parts, and a turn of every knob."""

    def __init__(self, model, replica, optimizer, chip, group, accumulation: int, grad_clip: float):
        self.model, self.replica, self.optimizer = model, replica, optimizer
        self.chip, self.group = chip, group
        self.accumulation, self.grad_clip = accumulation, grad_clip
        self.scaler = torch.amp.GradScaler(chip.device.type, enabled=chip.scaler)

    def __call__(self, tokens: torch.Tensor, labels: torch.Tensor, rate: float) -> torch.Tensor:
        """The batch's mean loss before the update; on the chip, so that nobody waits for it."""
        for params in self.optimizer.param_groups:
            params["lr"] = rate
        self.model.train()
        loss = self.backward(tokens, labels)
        if self.grad_clip:
            self.scaler.unscale_(self.optimizer)
            self.group.clip_grad_norm(self.model.parameters(), self.grad_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def backward(self, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Add the gradient of the batch's mean loss, one part of the batch after the other."""
        batch_loss = torch.zeros((), device=self.chip.device)
        parts = list(self._micro_batches(tokens, labels))
        for i, (*part, share) in enumerate(parts, start=1):
            with self.group.sync_gradients(self.replica, i == len(parts)):
                with self.chip.autocast():
                    loss = self.replica(*part)[1]
                loss = loss * share
                self.scaler.scale(loss).backward()
            batch_loss += loss.detach()
        return batch_loss

    @torch.no_grad()
    def loss(self, tokens: torch.Tensor, labels: torch.Tensor) -> float:
        """The batch's mean loss without an update."""
        parts = self._micro_batches(tokens, labels)
        loss = sum(float(self.model(*part)[1] * share) for *part, share in parts)
        return self.group.all_reduce_sum(loss)[0] / self.group.data_parallel_size

    def _micro_batches(
        self, tokens, labels
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """The batch in parts, each with its share of the mean: as many labels as it has.

        In a group, this process's windows, and the shares of what is then the group's mean.
        """
        tokens, labels = self.group.shard_batch(tokens, labels)
        counted = self.group.all_reduce_mean((labels != IGNORE).sum())
        parts = self.accumulation
        for part, expected in zip(tokens.chunk(parts), labels.chunk(parts), strict=True):
            yield part, expected, (expected != IGNORE).sum() / counted

    def release(self) -> None:
        """Let go of what fills a chip beside the weights: half a gradient is none, and states are of this run."""
        self.model.zero_grad(set_to_none=True)
        self.optimizer.state.clear()


def _update(step: _Step, windows: Windows, run: TrainState, rate: float) -> None:
    with run.timed():
        run.updated(rate, step(*windows.batch(run.step), rate))


# Between steps


class _Evaluation:
    """An entry of the history, and what the caller wants to see then."""

    def __init__(self, step: _Step, train_windows, val_windows, batches: int | None, on_eval):
        self.step, self.model, self.chip, self.group = step, step.model, step.chip, step.group
        self.train_windows, self.val_windows = train_windows, val_windows
        self.batches = batches and batches * step.accumulation
        self.on_eval = on_eval

    def __call__(self, run: TrainState, rate: float) -> None:
        run.read_losses()
        windows, losses = self.train_windows, run.losses
        speed = len(losses) * windows.batch_size * windows.block_size / run.since_evaluation()
        self.model.eval()
        train_loss = float(np.mean(losses)) if losses else self.step.loss(*windows.batch(0))
        val_loss = self.val_loss(run, rate)
        self._call_on_eval(run.step)
        run.evaluated(train_loss, val_loss, rate, speed)

    def val_loss(self, run: TrainState, rate: float) -> float:
        """The loss on validation text, in parts as small as training's."""
        loss = evaluate(self.model, self.val_windows, self.batches, self.group)
        if not math.isfinite(loss):  # after the last update, for example, there is no other loss
            raise TrainingDivergedError(
                run.advice.diverged(sentence("validation loss"), loss, run.step, rate)
            )
        return loss

    def _call_on_eval(self, step: int) -> None:
        if self.on_eval is None:
            return
        # What the callback draws, for example samples, must not change the run.
        with torch.no_grad(), fork_rng(self.chip.device):
            self.on_eval(step, self.model)
        if self.group.kind is None:
            self.model.to(self.chip.device)  # a callback may have taken it elsewhere


def _save(store: Store, step: _Step, run: TrainState, rate: float) -> None:
    """Write a checkpoint, or tell why there is none of this step."""
    run.read_losses()
    state = store.state(run.state_dict() | {"scaler": step.scaler.state_dict()})
    for found in filter(None, step.group.all_gather(state.not_finite())):
        # an infinite gradient, after the last known loss
        raise TrainingDivergedError(run.advice.diverged(*found, run.step, rate))
    try:
        store.write(run.step, state)
    except CheckpointError as error:
        if step.group.rank == 0:
            told = _without_checkpoint(run, store.kept, error)
            warnings.warn(told, CheckpointWarning, stacklevel=4)  # where `train` was called


def _without_checkpoint(run: TrainState, kept: int, error: CheckpointError) -> str:
    """``kept``: the step of the checkpoint before, or 0."""
    told = dict(step=f"{run.step:,}", error=error, kept=f"{kept:,}")
    if run.over:
        return sentence(
            "step {step}: {error}; that of step {kept} stays, and the model is trained all the same"
            if kept
            else "step {step}: {error}; there is none before, and the model is trained all the same",
            **told,
        )
    return sentence(
        "step {step}: {error}; that of step {kept} stays, and the run goes on"
        if kept
        else "step {step}: {error}; there is none before, and the run goes on",
        **told,
    )


def _resume(about: dict, step: _Step, run: TrainState) -> None:
    """Take over what a checkpoint says; what is missing or makes no sense is an error."""
    if about["scaler"]:  # empty, if the chip that wrote it needed none
        step.scaler.load_state_dict(about["scaler"])
    run.load_state_dict(about)
