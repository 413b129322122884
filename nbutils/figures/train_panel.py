"""A panel that trains in PyTorch what the picture trains in the page: in a live notebook, beside it."""

import time
from dataclasses import asdict

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from nbutils.arguments import of_type
from nbutils.page_training import CHOICES, PageSettings, PageTraining, Update
from nbutils.words import language, table

from .moving.train import TrainGPT
from .panel import Panel, StopPressed
from .style import BLUE, GREY

FIRST = 20
"""How many losses are told one by one."""
_SETTINGS = ("layers", "width", "rate", "optimizer", "positions", "window")  # that decide a run
_MEAN = 25  # updates whose mean is drawn and told: one batch's loss jumps
_PAUSE = 1.0  # seconds between two pictures: drawing one takes a tenth of a second
_SIZE = (5.8, 2.6)  # of the picture, in inches


class TrainPanel(Panel):
    """Settings, Start and Stop: the last line of a cell shows them.

    Args:
        picture: a ``TrainGPT``; its settings then hold here, too, and the page is asked for the first losses of
            the same run. None: the panel has knobs for all.

    The run is as long as its number of updates, so it is the same each time. ``run`` is the last
    ``PageTraining``, with its ``model``; ``seen`` has what each update saw, ``earlier`` the runs before.
    """

    area = "panels/train"

    def __init__(self, picture=None):
        if picture is not None:
            of_type("picture", picture, TrainGPT, "give a TrainGPT, or none for knobs of its own")
        self.page = picture
        self.run: PageTraining | None = None
        self.seen: list[Update] = []
        self.earlier: list[list[Update]] = []
        self.seed = self._knob(widgets.BoundedIntText, "seed", 0, min=0, max=2**31 - 1)
        self.updates = self._knob(widgets.IntSlider, "updates", 400, min=100, max=2000, step=100)
        self.chosen = {} if picture is not None else self._make_choices()
        self.knobs = (*self.chosen.values(), self.updates, self.seed)
        self._make_box()
        self.beside = widgets.HTML()
        self.box.children = (*self.box.children, self.beside)
        if picture is not None:
            self.words.value = self.say("beside")
            picture.observe(lambda change: self._compare(), "first")
        self._draw()

    def _make_choices(self) -> dict[str, widgets.Widget]:
        """A knob for each setting of the picture that decides the run."""
        first = CHOICES["chosen"]
        named = {"optimizer": self._list("optimizers"), "positions": self._list("places")}
        made = {}
        for name in _SETTINGS:
            options = CHOICES[name]
            if name in named:
                options = [*zip(named[name], options, strict=True)]
            made[name] = self._knob(widgets.SelectionSlider, name, first[name], options=options)
        return made

    def settings(self) -> PageSettings:
        """For which the knobs stand, or the picture's. Raises ``ValueError`` where it reads an own text."""
        if self.page is None:
            chosen = {name: knob.value for name, knob in self.chosen.items()}
        else:
            if self.page.data != "world":
                raise ValueError(self.say("own"))
            chosen = {name: getattr(self.page, name) for name in _SETTINGS}
        return PageSettings(**chosen, steps=self.updates.value, seed=self.seed.value)

    def _begin(self) -> None:
        if self.seen:
            self.earlier.append(self.seen)
        self.run, self.seen = None, []

    def _run(self) -> None:
        settings = self.settings()
        self._ask_page(settings)
        self.run, drawn = PageTraining(settings), 0.0
        while self.run.done < 1:
            if self._stop.is_set():
                raise StopPressed
            self.seen.append(self.run.update())
            if len(self.seen) <= FIRST:
                self._compare()
            if time.monotonic() - drawn > _PAUSE:
                self.words.value = self._result()
                self._draw()
                drawn = time.monotonic()

    def _ask_page(self, settings: PageSettings) -> None:
        """The page computes the first losses of this run, too; where no page is, nothing comes back."""
        if self.page is not None:
            self.page.first = []
            again = (
                self.page.beside.get("asked", 0) + 1
            )  # else the same settings would be no change
            self.page.beside = asdict(settings) | {"updates": FIRST, "asked": again}

    def _compare(self) -> None:
        """The page's first losses beside PyTorch's, and how far they are apart."""
        own = [update.loss for update in self.seen[:FIRST]]
        both = [*zip(self.page.first if self.page is not None else [], own)]
        if not both:
            self.beside.value = ""
            return
        rows = "".join(
            f"<tr><td>{i}</td><td>{page:.6f}</td><td>{loss:.6f}</td></tr>"
            for i, (page, loss) in enumerate(both, 1)
        )
        names = "".join(f"<th>{self.say(name)}</th>" for name in ("update", "page", "pytorch"))
        most = max(abs(page - loss) for page, loss in both)
        apart = self.say("apart", updates=len(both), most=f"{most:.1g}")
        self.beside.value = f"<p>{apart}</p><table><tr>{names}</tr>{rows}</table>"

    def _result(self) -> str:
        if not self.seen:
            return self.say("nothing")
        settings, newest = self.run.settings, self.seen[-_MEAN:]
        tokens = sum(update.tokens for update in newest)
        loss, floor = (
            sum(getattr(update, name) * update.tokens for update in newest) / tokens
            for name in ("loss", "floor")
        )
        return self.say(
            "reached",
            begun=self._begun(settings),
            updates=f"{len(self.seen):,}",
            loss=f"{loss:.3f}",
            above=f"{loss - floor:.3f}",
            mean=len(newest),
            speed=f"{sum(update.tokens for update in self.seen) / self.run.seconds:,.0f}",
            first=", ".join(f"{update.loss:.4f}" for update in self.seen[:3]),
        )

    def _begun(self, settings: PageSettings) -> str:
        told = {name: getattr(settings, name) for name in ("layers", "width", "window", "seed")}
        optimizer = CHOICES["optimizer"].index(settings.optimizer)
        return self.say(
            "begun",
            **told,
            rate=f"{settings.rate:g}",
            optimizer=self._list("optimizers")[optimizer],
            places=self._list("places")[CHOICES["positions"].index(settings.positions)],
        )

    def _list(self, key: str) -> list[str]:
        return table(self.area, language())[key]

    def _draw(self) -> None:
        fig = Figure(figsize=_SIZE, layout="constrained")
        axes = fig.subplots()
        for run in self.earlier:
            axes.plot(*_smooth(run, "loss"), color=GREY, linewidth=1, alpha=0.6)
        axes.plot(*_smooth(self.seen, "loss"), color=BLUE, label=self.say("loss"))
        axes.plot(*_smooth(self.seen, "floor"), color=GREY, linestyle="--", label=self.say("floor"))
        axes.set(xlabel=self.say("axis"), ylabel=self.say("nats"))
        axes.set_xlim(0, self.updates.value)
        axes.set_ylim(bottom=0)
        axes.legend()
        self._paint(fig)


def _smooth(seen: list[Update], name: str) -> tuple[list[int], list[float]]:
    """Updates, and for each the mean of the last of them: (x, y)."""
    sums = np.cumsum([0.0, *(getattr(update, name) for update in seen)])
    at = np.arange(1, len(sums))
    before = np.maximum(0, at - _MEAN)
    return at.tolist(), ((sums[at] - sums[before]) / (at - before)).tolist()
