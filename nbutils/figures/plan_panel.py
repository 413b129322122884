"""A panel that plans a small run on the reader's own machine, trains it, and shows both beside each other."""

import time
from typing import NamedTuple

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils import device, planning
from nbutils.config import GPTConfig, TrainConfig
from nbutils.device import Chip
from nbutils.model import GPT
from nbutils.optim import make_optimizer
from nbutils.profiling import LiveMemory
from nbutils.training import train

from .panel import Panel, StopPressed
from .style import GREY, ORANGE

_HEAD_WIDTH = 32
_SIZE = (5.8, 2.2)  # of the picture, in inches


class SmallPlan(NamedTuple):
    """What is said of a run before it begins."""

    config: GPTConfig
    batch_size: int
    steps: int
    seconds: float  # of all updates
    memory: int  # bytes at the fullest moment


class Measured(NamedTuple):
    """What came of it, as far as it went."""

    steps: int  # updates that were timed
    seconds: float  # of these
    memory: int | None  # bytes at the fullest moment; None where the chip does not say it


class PlanPanel(Panel):
    """Layers, width, windows, seconds; Start and Stop: the last line of a cell shows them.

    Args:
        train_tokens, val_tokens: 1-D integer arrays, as `training.train` takes them.
        vocab_size: V.
        block_size: T, tokens in a window.
        chip: what trains (None: ``device.pick()``).

    ``used`` is the share of the chip's fastest product that a plan reckons with: at first
    ``planning.USUAL_UTILISATION``, then what the last run reached. ``planned`` and ``measured`` are the last
    run's.
    """

    area = "panels/plan"

    def __init__(
        self,
        train_tokens,
        val_tokens,
        *,
        vocab_size: int,
        block_size: int,
        chip: Chip | None = None,
    ):
        self.tokens = (train_tokens, val_tokens)
        self.vocab_size, self.block_size = vocab_size, block_size
        self.chip = device.pick() if chip is None else chip
        self.peak: float | None = None
        self.used = planning.USUAL_UTILISATION
        self.planned: SmallPlan | None = None
        self.measured: Measured | None = None
        self.layers = self._knob(widgets.IntSlider, "layers", 2, min=1, max=6)
        self.width = self._knob(
            widgets.SelectionSlider, "width", 128, options=[32, 64, 128, 256, 512]
        )
        self.batch = self._knob(widgets.SelectionSlider, "batch", 16, options=[4, 8, 16, 32, 64])
        self.seconds = self._knob(widgets.IntSlider, "seconds", 4, min=2, max=20)
        self.knobs = (self.layers, self.width, self.batch, self.seconds)
        self._make_box()
        self._draw()

    def plan(self) -> SmallPlan:
        """As many updates as fit into the seconds, if the plan is right. Needs ``peak``."""
        config = GPTConfig(
            vocab_size=self.vocab_size,
            block_size=self.block_size,
            n_layer=self.layers.value,
            n_head=self.width.value // _HEAD_WIDTH,
            n_embd=self.width.value,
        )
        batch_size = self.batch.value
        work = batch_size * self.block_size * planning.training_flops(config)
        update = planning.training_time(work, self.peak, self.used)
        steps = max(3, round(self.seconds.value / update))
        parts = planning.training_memory(
            config, batch_size, dtype=self.chip.dtype, device=self.chip.device.type
        )
        return SmallPlan(config, batch_size, steps, steps * update, planning.peak_memory(parts))

    def _begin(self) -> None:
        self.planned = self.measured = None

    def _run(self) -> None:
        if self.peak is None:
            self.words.value = self.say("peak")
            self.peak = device.measure_peak(self.chip)
        plan = self.planned = self.plan()
        free = device.free_memory(self.chip)
        if plan.memory > planning.MEMORY_SHARE * free:
            raise ValueError(self.say("full", memory=_bytes(plan.memory), free=_bytes(free)))
        self.words.value = self.say(
            "planned",
            steps=f"{plan.steps:,}",
            seconds=f"{plan.seconds:.1f}",
            used=f"{self.used:.0%}",
            memory=_bytes(plan.memory),
        )
        self._draw()
        self._train(plan)

    def _train(self, plan: SmallPlan) -> None:
        """Train as planned; however it ends, what was timed is kept."""
        torch.manual_seed(0)
        model, clock = GPT(plan.config), _Clock(self._stop)
        recipe = TrainConfig(
            steps=plan.steps,
            batch_size=plan.batch_size,
            block_size=self.block_size,
            warmup_steps=plan.steps // 10,
            eval_every=plan.steps,
            eval_batches=1,
            device=str(self.chip.device),
            progress=False,
        )
        on_gpu = self.chip.device.type == "cuda"
        before = torch.cuda.memory_allocated(self.chip.device) if on_gpu else 0
        if on_gpu:
            torch.cuda.reset_peak_memory_stats(self.chip.device)
        hook = model.register_forward_hook(clock)
        try:
            train(model, *self.tokens, recipe)
        finally:
            hook.remove()
            steps, seconds = clock.timed()
            if steps:
                self.measured = Measured(steps, seconds, None)
                self.used = self._reached(plan, steps / seconds)
        held = torch.cuda.max_memory_allocated(self.chip.device) - before if on_gpu else None
        if self.chip.device.type == "cpu":
            self.words.value = self.say("weighing")
            held = weighed(plan.config, plan.batch_size, self.chip)
        self.measured = Measured(steps, seconds, held)

    def _reached(self, plan: SmallPlan, updates_a_second: float) -> float:
        """The share of the peak that so many updates a second are."""
        work = plan.batch_size * self.block_size * planning.training_flops(plan.config)
        return min(1.0, work * updates_a_second / self.peak)

    def _result(self) -> str:
        plan, measured = self.planned, self.measured
        if measured is None:
            return self.say("nothing")
        said = [
            self.say(
                "time",
                steps=f"{measured.steps:,}",
                planned=f"{plan.seconds * measured.steps / plan.steps:.1f}",
                measured=f"{measured.seconds:.1f}",
            )
        ]
        if measured.memory is None:
            said.append(self.say("unweighed", planned=_bytes(plan.memory)))
        else:
            told = {"planned": _bytes(plan.memory), "measured": _bytes(measured.memory)}
            said.append(self.say("memory", **told))
        return " ".join([*said, self.say("used", used=f"{self.used:.0%}")])

    def _draw(self) -> None:
        fig = Figure(figsize=_SIZE, layout="constrained")
        plan, measured = self.planned, self.measured
        steps = measured.steps if measured else plan.steps if plan else 0
        seconds = [
            plan.seconds * steps / plan.steps if plan else 0,
            measured.seconds if measured else 0,
        ]
        memory = [plan.memory / 1e6 if plan else 0, (measured.memory or 0) / 1e6 if measured else 0]
        left, right = fig.subplots(1, 2)
        self._bars(left, seconds, self.say("axis_time", steps=f"{steps:,}"), "{:.1f}")
        self._bars(right, memory, self.say("axis_memory"), "{:,.0f}")
        self._paint(fig)

    def _bars(self, axes: Axes, values: list[float], label: str, mark: str) -> None:
        """Planned above measured, each with its number."""
        bars = axes.barh(self._names(), values, color=(GREY, ORANGE))
        axes.bar_label(bars, [mark.format(value) if value else "" for value in values], padding=3)
        axes.set(xlabel=label)
        axes.margins(x=0.25)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)

    def _names(self) -> list[str]:
        return [self.say("planned_bar"), self.say("measured_bar")]


class _Clock:
    """A forward hook that times updates after the first, and ends the run when it is to stop."""

    def __init__(self, stop):
        self.stop, self.times = stop, []

    def __call__(self, model: GPT, inputs: tuple, outputs: tuple) -> None:
        if self.stop.is_set():
            raise StopPressed
        if model.training:
            self.times.append(time.perf_counter())

    def timed(self) -> tuple[int, float]:
        """How many updates lie between the first forward pass and the last, and their seconds."""
        return max(0, len(self.times) - 1), (self.times or [0])[-1] - (self.times or [0])[0]


def weighed(config: GPTConfig, batch_size: int, chip: Chip) -> int:
    """The most bytes of tensors that lay in a CPU's memory at a time in two updates of such a network."""
    with LiveMemory() as memory:
        model = GPT(config)
        optimizer = make_optimizer(model, TrainConfig())
        window = torch.zeros(batch_size, config.block_size, dtype=torch.long)
        for _ in range(2):
            with chip.autocast():
                loss = model(window, window)[1]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return memory.peak


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
