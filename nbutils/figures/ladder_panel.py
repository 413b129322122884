"""A panel that climbs chapter 6's ladder on the reader's own machine: each rung measured, in a live notebook."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure

from nbutils import device, ladder, planning
from nbutils.device import Chip

from .chapters.faster import draw_ladder
from .panel import Panel, StopPressed

_ROUNDS = 3  # of each rung
_SIZE = (5.8, 2.9)  # of the picture, in inches


class LadderPanel(Panel):
    """Seconds a rung, whether blocks are compiled, Start and Stop: the last line of a cell shows them.

    Args:
        chip: what is measured (None: ``device.pick()``).

    ``speeds`` has the tokens a second of each rung so far, ``peak`` the chip's fastest product in FLOPs a
    second; ``without`` says why nothing could be compiled, where that was asked. All rungs take turns
    where the chip is a CPU, since it is not equally fast at all times.
    """

    area = "panels/ladder"

    def __init__(self, chip: Chip | None = None):
        self.chip = device.pick() if chip is None else chip
        self.shape, self.batch_size = ladder.shape_for(self.chip)
        self.speeds: dict[str, float] = {}
        self.peak: float | None = None
        self.without = ""
        self._done = 0  # measurements
        self.seconds = self._knob(
            widgets.FloatSlider, "seconds", 0.9, min=0.3, max=6, step=0.3, readout_format=".1f"
        )
        self.compile = widgets.Checkbox(description=self.say("compile"), indent=False)
        self.compile.layout.width = "auto"
        self.knobs = (self.seconds, self.compile)
        self._make_box()
        self._draw()

    def rungs(self) -> dict[str, ladder.Rung]:
        """Those that the knobs ask for: without compiling there is one less."""
        if self.compile.value:
            return dict(ladder.SPEED)
        left_out = next(name for name, change in ladder.WAYS.items() if "compile" in change)
        return {
            name: replace(rung, compile=False)
            for name, rung in ladder.SPEED.items()
            if name != left_out
        }

    def used(self, name: str) -> float:
        """The share of the chip's fastest product that reached this rung's network."""
        return self.speeds[name] * planning.training_flops(self.shape) / self.peak

    def _begin(self) -> None:
        self.speeds, self.without, self._done = {}, "", 0

    def _run(self) -> None:
        if self.peak is None:
            self.words.value = self.say("peak")
            self.peak = device.measure_peak(self.chip)
        makers = {name: partial(self._make, name, rung) for name, rung in self.rungs().items()}
        ladder.speeds(makers, self.chip, self.seconds.value / _ROUNDS, _ROUNDS, tell=self._note)

    def _make(self, name: str, rung: ladder.Rung) -> ladder.Update:
        """A rung's update; where it can't be compiled, the same without."""
        self._heed()
        self.words.value = self.say("compiling" if rung.compile else "building", rung=name)
        try:
            made = ladder.make_update(self.shape, rung, self.chip, self.batch_size)
            if rung.compile and not self.without:
                made[0]()  # here it is compiled
        except Exception as error:
            if not rung.compile or device.out_of_memory(error):
                raise
            self.without = ladder.why_not_compiled(error, self.chip)
        if rung.compile and self.without:
            without = replace(rung, compile=False)
            made = ladder.make_update(self.shape, without, self.chip, self.batch_size)
        return self._heeding(made[0]), made[1]

    def _heeding(self, update: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
        """The update, before which Stop is heard."""

        def heeding() -> torch.Tensor:
            self._heed()
            return update()

        return heeding

    def _heed(self) -> None:
        if self._stop.is_set():
            raise StopPressed

    def _note(self, name: str, speed: float) -> None:
        """After each measurement: it is told, and the picture grows."""
        self.speeds[name], self._done = speed, self._done + 1
        self.words.value = self.say(
            "measuring",
            done=self._done,
            all=_ROUNDS * len(self.rungs()),
            rung=name,
            speed=f"{speed:,.0f}",
        )
        self._draw()
        self._heed()

    def _result(self) -> str:
        if not self.speeds:
            return self.say("nothing")
        best = max(self.speeds, key=self.speeds.get)
        result = self.say(
            "result",
            rung=best,
            speed=f"{self.speeds[best]:,.0f}",
            times=f"{self.speeds[best] / self.speeds['plain']:.2f}",
            used=f"{self.used(best):.0%}",
        )
        return self.say("uncompiled", result=result, why=self.without) if self.without else result

    def _draw(self) -> None:
        fig = Figure(figsize=_SIZE, layout="constrained")
        bars = {name: self.speeds.get(name, 0.0) for name in self.rungs()}
        marks = [self._mark(name) if name in self.speeds else "" for name in bars]
        axes = fig.subplots()
        draw_ladder(axes, bars, self.say("axis", chip=self.chip.name), marks)
        axes.margins(x=0.6)  # room for the marks
        self._paint(fig)

    def _mark(self, name: str) -> str:
        return self.say("bar", speed=f"{self.speeds[name]:,.0f}", used=f"{self.used(name):.0%}")
