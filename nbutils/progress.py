"""How far a run is: its steps and its clock, what it tells of them, and the signals that end it."""

import dataclasses
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from tqdm import tqdm

from nbutils.advice import Advice, TrainingDivergedError
from nbutils.parallel import Group
from nbutils.words import sentence

_READ_EVERY = 10  # steps between readings of the losses: each waits for the chip


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


class TrainState:
    """What moves on with each update, and what a checkpoint says beside its tensors.

    Args:
        steps: updates in all, if ``seconds`` is None.
        seconds: of training, if the clock decides how many updates there are.
        every: updates between evaluations.
        group: the processes that train the model.
        advice: what to try where a loss is no number.

    ``steps``: updates in all, None if the clock decides; ``step``: those done; ``trained``: seconds
    in them; ``losses``: of the updates since the last evaluation, so far as they were read.
    """

    def __init__(self, steps: int, seconds: float | None, every: int, group: Group, advice: Advice):
        self.steps = steps if seconds is None else None
        self.seconds, self.every = seconds, every
        self.group, self.advice = group, advice
        self.history = History()
        self.step = 0
        self.trained = 0.0
        self.losses: list[float] = []
        self._unread = []  # of the updates since: each one's learning rate, and its loss on the chip
        self.started = self._mark = time.perf_counter()

    @property
    def over(self) -> bool:
        """Has the run had all its updates, or all its time?"""
        return self.step == self.steps if self.seconds is None else self.trained >= self.seconds

    def evaluation_due(self) -> bool:
        """Is there an evaluation to do at this step that has not been done?"""
        done = self.step in self.history.steps[-1:]
        return not done and (self.step % self.every == 0 or self.over)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Inside it an update is made, whose time counts: that of the slowest process."""
        start = time.perf_counter()
        yield
        self.trained = self.group.all_reduce_max(self.trained + time.perf_counter() - start)

    def updated(self, rate: float, loss: torch.Tensor) -> None:
        """An update more, with its learning rate and the loss before it, still on the chip."""
        self._unread.append((rate, loss))
        self.step += 1
        if len(self._unread) == _READ_EVERY:
            self.read_losses()

    def read_losses(self) -> None:
        """Bring the losses from the chip.

        Raises ``TrainingDivergedError`` if one is not a finite number.
        """
        if not self._unread:
            return
        first = self.step - len(self._unread)
        rates, losses = zip(*self._unread, strict=True)
        self._unread = []
        losses = self.group.all_reduce_mean(torch.stack(losses)).tolist()
        for step, (rate, loss) in enumerate(zip(rates, losses, strict=True), start=first):
            if not math.isfinite(loss):
                raise TrainingDivergedError(
                    self.advice.diverged(sentence("loss"), loss, step, rate)
                )
        self.losses += losses

    def since_evaluation(self) -> float:
        """Seconds since the evaluation before, or since the start."""
        return time.perf_counter() - self._mark

    def evaluated(self, train_loss: float, val_loss: float, rate: float, speed: float) -> None:
        """An entry of the history; the losses and the clock since the evaluation begin anew."""
        history, now = self.history, time.perf_counter()
        history.steps.append(self.step)
        history.train_losses.append(train_loss)
        history.val_losses.append(val_loss)
        history.learning_rates.append(rate)
        history.tokens_per_second.append(speed)
        history.seconds.append(now - self.started)
        self.losses, self._mark = [], now

    def release(self) -> None:
        """Let go of what is on the chip."""
        self._unread = []

    def state_dict(self) -> dict:
        """What JSON can hold."""
        return {
            "step": self.step,
            "seen": self.losses,
            "history": self.history.to_dict(),
            "seconds": time.perf_counter() - self.started,
            "trained": self.trained,
            "since_evaluation": self.since_evaluation(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` gave. What is missing or makes no sense is an error."""
        step, most = state["step"], sys.maxsize if self.steps is None else self.steps
        if not isinstance(step, int) or not 0 <= step <= most:
            raise ValueError(f"step is {step!r}, not from 0 to {most}")
        self.step = step
        self.losses = list(state["seen"])
        self.history = History.from_dict(state["history"])
        self.started = time.perf_counter() - state["seconds"]
        self.trained = float(state["trained"])
        self._mark = time.perf_counter() - state["since_evaluation"]


class ProgressBar:
    """A bar on a terminal; in a log or a notebook one line for each evaluation."""

    def __init__(self, wanted: bool, state: TrainState):
        self.state = state
        self.on_terminal = wanted and sys.stderr.isatty()
        self.lines = wanted and not self.on_terminal
        self.of = "" if state.steps is None else f"/{state.steps:,}"
        self.width = 5 if state.steps is None else len(self.of) - 1

    def __enter__(self) -> "ProgressBar":
        steps, done = self.state.steps, self.state.step
        self.bar = tqdm(total=steps, initial=done, unit="step", disable=not self.on_terminal)
        return self

    def __exit__(self, *error) -> None:
        self.bar.close()

    def updated(self) -> None:
        self.bar.update(self.state.step - self.bar.n)

    def evaluated(self) -> None:
        history = self.state.history
        step, train, val = history.steps[-1], history.train_losses[-1], history.val_losses[-1]
        self.bar.set_postfix(train=f"{train:.3f}", val=f"{val:.3f}")
        if self.lines:
            print(
                sentence(
                    "step {step}{of}  train {train}  val {val}  lr {rate}  {speed} tokens/s  {seconds} s",
                    step=f"{step:{self.width},}",
                    of=self.of,
                    train=f"{train:.3f}",
                    val=f"{val:.3f}",
                    rate=f"{history.learning_rates[-1]:.1e}",
                    speed=f"{history.tokens_per_second[-1]:9,.0f}",
                    seconds=f"{history.seconds[-1]:6.1f}",
                ),
                flush=True,
            )


class TrainingInterrupt(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, after the checkpoint.

    ``step``: the updates done; ``kept``: those in the checkpoint, if that could not be written.
    """

    def __init__(self, step: int, kept: int | None = None):
        self.step, self.kept = step, kept
        super().__init__(self.message())

    def message(self, command: bool = False) -> str:
        """Where the run stopped, and that the same call, or the same command, goes on."""
        kept = self.step if self.kept is None else self.kept
        told = dict(step=f"{self.step:,}", kept=f"{kept:,}")
        if command:
            return sentence(
                "stopped at step {step}; the same command goes on"
                if kept == self.step
                else "stopped at step {step}; the same command goes on from step {kept}",
                **told,
            )
        return sentence(
            "stopped at step {step}; the same call goes on"
            if kept == self.step
            else "stopped at step {step}; the same call goes on from step {kept}",
            **told,
        )


class StopSignals:
    """Ctrl-C is heard between updates, where the run's state is whole; a second stops at once.

    SIGTERM is heard the same way. Does nothing outside the main thread, and for a signal that
    does not mean what it usually means.
    """

    _USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}

    def __init__(self, wanted: bool):
        self.received = False
        wanted = wanted and threading.current_thread() is threading.main_thread()
        usual = self._USUAL.items() if wanted else ()
        self.taken = [number for number, does in usual if signal.getsignal(number) == does]

    def __enter__(self) -> "StopSignals":
        for number in self.taken:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *error) -> None:
        for number in self.taken:
            signal.signal(number, self._USUAL[number])

    def _receive(self, *signal_and_frame) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
