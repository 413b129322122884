"""What every panel shares, and one to train a small GPT in the notebook: knobs, Start, Stop and a live curve.

A panel needs a running kernel. Where there is none, as in the built page, it shows itself as the
picture of its last run, without controls. Works with ipywidgets 7.7 and 8.
"""

import html
import threading

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure

from nbutils import device
from nbutils.advice import TrainingMemoryError
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import evaluate
from nbutils.model import GPT
from nbutils.progress import History
from nbutils.training import train
from nbutils.windows import Windows
from nbutils.words import fill, language, sentence, table

from .chapters.training import draw_losses
from .style import GREY
from .svg import svg

INVITATION = "Run this cell, in Colab or Jupyter, to turn the knobs."
"""What the panel says where no kernel runs and no picture can be shown: also in a saved notebook."""

_HEAD_WIDTH = 32
_EVALUATIONS = 20  # points on the curve of a run
_SIZE = (5.8, 2.9)  # of the picture, in inches
_WIDGET = "application/vnd.jupyter.widget-view+json"


class Panel:
    """Knobs, two buttons, a line of words and a picture: the last line of a cell shows them.

    A subclass makes ``knobs``, widgets with a ``.value``, calls `_make_box`, and says in `_run` what Start
    does, in a thread of its own, so that Stop is heard; in `_result` what came of it; and in `_draw` how
    it looks.
    """

    area: str
    """Its table of words: "panels/training", say."""
    knobs: tuple[widgets.Widget, ...]

    def say(self, key: str, **values) -> str:
        """The words of that key with the values filled in."""
        words = table(self.area, language())
        return fill(
            words[key] if key in words else table("panels/common", language())[key], **values
        )

    def _make_box(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.start_button = widgets.Button(description=self.say("start"), button_style="primary")
        self.stop_button = widgets.Button(description=self.say("stop"), disabled=True)
        self.start_button.on_click(lambda button: self.start())
        self.stop_button.on_click(lambda button: self.stop())
        # Not a Label: that shows one line only and would cut an error's sentence off.
        self.words = widgets.HTML(self.say("invitation"))
        self.picture = widgets.Image(
            format="svg+xml", layout={"width": "580px", "max_width": "100%"}
        )
        buttons = widgets.HBox([self.start_button, self.stop_button])
        self.box = widgets.VBox([*self.knobs, buttons, self.words, self.picture])

    def _knob(self, kind: type, name: str, value, **limits) -> widgets.Widget:
        return kind(
            value=value,
            description=self.say(name),
            continuous_update=False,
            style={"description_width": "90px"},
            layout={"width": "400px", "max_width": "100%"},
            **limits,
        )

    @property
    def running(self) -> bool:
        """Is a run under way?"""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Run with the knobs as they stand; does nothing while a run is under way."""
        if self.running:
            return
        self._begin()
        self._stop.clear()
        self._show_running(True)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the run as soon as it can be; what it has found stays."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Return when the run is over, or after so many seconds; clicks are not heard so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _begin(self) -> None:
        """What is put aside before a run begins."""

    def _run(self) -> None:
        """A whole run; raises `StopPressed` where Stop was pressed."""
        raise NotImplementedError

    def _result(self) -> str:
        """What came of the run, so far as it went."""
        raise NotImplementedError

    def _draw(self) -> None:
        """Make the picture anew, by `_paint`."""
        raise NotImplementedError

    def _work(self) -> None:
        """A whole run; whatever goes wrong in it becomes a sentence."""
        try:
            self._run()
            self.words.value = self.say("done", result=self._result())
        except StopPressed:
            self.words.value = self.say("stopped", result=self._result())
        except TrainingMemoryError:
            self.words.value = self.say("too_large")
        except Exception as error:  # a thread has nobody else to tell
            told = html.escape(str(error), quote=False)
            full = device.out_of_memory(error)
            self.words.value = self.say("too_large") if full else self.say("broken", error=told)
        finally:
            self._finish()

    def _finish(self) -> None:
        """The last picture; whatever becomes of it, the panel can be used again."""
        try:
            self._draw()
        finally:
            self._show_running(False)

    def _show_running(self, running: bool) -> None:
        for control in (*self.knobs, self.start_button):
            control.disabled = running
        self.stop_button.disabled = not running

    def _paint(self, fig: Figure) -> None:
        self.picture.value = svg(fig).encode()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The controls for a front end with a kernel, the picture for a page without."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        picture = bytes(self.picture.value).decode()
        return {"text/plain": sentence(INVITATION), "image/svg+xml": picture, _WIDGET: view}


class StopPressed(Exception):
    """Stop was pressed."""


class TrainingPanel(Panel):
    """Knobs, two buttons, a line of words and a curve: the last line of a cell shows them.

    Args:
        train_tokens, val_tokens: 1-D integer arrays, as `training.train` takes them.
        vocab_size: V.
        block_size: T, tokens in a window; also the longest context of the models.
        start_token: as in `TrainConfig`.
        floor: the truth's own loss in nats per token, drawn as a line if it is known.

    ``layers``, ``width``, ``learning_rate`` and ``steps`` are the knobs: widgets with a
    ``.value``. A run trains in a thread of its own, so that Stop is heard. ``model`` is the last
    run's GPT, ``history`` what happened in it; earlier runs stay in the picture, in grey.
    """

    area = "panels/training"

    def __init__(
        self,
        train_tokens,
        val_tokens,
        *,
        vocab_size: int,
        block_size: int,
        start_token: int | None = None,
        floor: float | None = None,
    ):
        self.tokens = (train_tokens, val_tokens)
        self.vocab_size, self.block_size = vocab_size, block_size
        self.start_token, self.floor = start_token, floor
        self.model: GPT | None = None
        self.history = History()
        self.earlier: list[History] = []
        self._make_widgets()
        self._draw()

    def _make_widgets(self) -> None:
        self.layers = self._knob(widgets.IntSlider, "layers", 2, min=1, max=6)
        self.width = self._knob(widgets.SelectionSlider, "width", 64, options=[32, 64, 128, 256])
        self.learning_rate = self._knob(
            widgets.FloatLogSlider, "learning_rate", 4e-3, min=-5, max=0, readout_format=".1e"
        )
        self.steps = self._knob(widgets.IntSlider, "steps", 300, min=100, max=3000, step=100)
        self.knobs = (self.layers, self.width, self.learning_rate, self.steps)
        self._make_box()

    def _begin(self) -> None:
        if self.history.steps:
            self.earlier.append(self.history)
        self.history = History()

    def config(self) -> tuple[GPTConfig, TrainConfig]:
        """The shape and the recipe for which the knobs stand."""
        width, steps = self.width.value, self.steps.value
        shape = GPTConfig(
            vocab_size=self.vocab_size,
            block_size=self.block_size,
            n_layer=self.layers.value,
            n_head=width // _HEAD_WIDTH,
            n_embd=width,
        )
        return shape, TrainConfig(
            steps=steps,
            learning_rate=self.learning_rate.value,
            warmup_steps=steps // 10,
            eval_every=steps // _EVALUATIONS,
            start_token=self.start_token,
            progress=False,
        )

    def _run(self) -> None:
        self.words.value = self.say("preparing")
        self._train(*self.config())

    def _train(self, shape: GPTConfig, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.model = GPT(shape)
        watch = _Watch(self._stop)
        hook = self.model.register_forward_hook(watch)
        try:
            self.history = train(
                self.model, *self.tokens, config, on_eval=self._live(watch, config)
            )
        finally:
            hook.remove()

    def _live(self, watch: "_Watch", config: TrainConfig):
        """What happens at each evaluation: the curve grows by a point."""
        windows = Windows(
            self.tokens[1],
            config.batch_size,
            self.block_size,
            device=device.pick().device,
            start_token=self.start_token,
        )

        def on_eval(step: int, model: GPT) -> None:
            self.history.steps.append(step)
            self.history.train_losses.append(watch.mean_loss())
            self.history.val_losses.append(evaluate(model, windows, config.eval_batches))
            self.words.value = self._result()
            self._draw()

        return on_eval

    def _result(self) -> str:
        if not self.history.steps:
            return self.say("nothing")
        loss = self.history.val_losses[-1]
        reached = {"steps": f"{self.history.steps[-1]:,}", "loss": f"{loss:.3f}"}
        if self.floor is None:
            return self.say("reached", **reached)
        return self.say("above", **reached, above=f"{loss - self.floor:.3f}")

    def _draw(self) -> None:
        # Not pyplot's figure: pyplot belongs to the notebook's own thread.
        fig = Figure(figsize=_SIZE, layout="constrained")
        ax = fig.subplots()
        for run in self.earlier:
            ax.plot(run.steps, run.val_losses, color=GREY, linewidth=1, alpha=0.6)
        draw_losses(ax, self.history, self.floor)
        ax.legend()
        self._paint(fig)


class _Watch:
    """A forward hook that keeps the training losses, and ends the run when it is to stop."""

    def __init__(self, stop: threading.Event):
        self.stop = stop
        self.losses: list[torch.Tensor] = []

    def __call__(self, model: GPT, inputs: tuple, outputs: tuple) -> None:
        if self.stop.is_set():
            raise StopPressed
        if model.training:
            self.losses.append(outputs[1].detach())

    def mean_loss(self) -> float:
        """Mean since the last call; nan if there was no update."""
        losses, self.losses = self.losses, []
        return float(torch.stack(losses).mean()) if losses else float("nan")
