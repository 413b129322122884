"""Notebooks on a chip that is not there: each cell run, or what its cells put on the chip at once.

A long training is cut to a few updates, so what a cell asserts of its end may not hold: `ALLOWED`
(allowed.json) lists those cells by notebook and name, each with the reason. No other error is allowed, and
neither is a clock that is read while the chip is at work.
"""

import contextlib
import json
import symtable
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib
import torch

matplotlib.use("Agg")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from nbutils import device, ladder, planning, profiling, smallworld, training
from nbutils.exercises import your_gpt
from nbutils.exercises.exercise import exercise, names
from nbutils.model import GPT, GPTConfig

ALLOWED = json.loads(Path(__file__).with_name("allowed.json").read_text("utf-8"))
TINY = GPTConfig.preset("small", n_layer=2, n_embd=64, block_size=smallworld.MAX_TOKENS)
PEAK = 25e12  # operations a second that the chip is told to do
BANDWIDTH = 300e9
ON_THE_CPU = {"01_tokens", "03a_knobs", "04a_descent", "05_inference"}
"""Chapters that put nothing on a chip; a whole run of each shows it."""


class Cell(NamedTuple):
    name: str
    source: str


def code_cells(path: Path) -> list[Cell]:
    """The code cells of a notebook; in one of exercises every answer is filled in."""
    answers = {name.replace("_", "-"): name for name in names()}
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        Cell(
            cell["id"],
            exercise(answers[cell["id"]]).source
            if path.parent.name == "exercises" and cell["id"] in answers
            else "".join(cell["source"]),
        )
        for cell in cells
        if cell["cell_type"] == "code"
    ]


@contextlib.contextmanager
def shortened(small: bool) -> Iterator[None]:
    """Inside it a training computes three updates and two evaluations, and counts the others without
    computing them; ``on_eval`` is called then and at the end. (The ladder's short runs are three updates long, the
    students' own 120.) Where ``small``, networks that would fill a chip
    are small ones."""
    with contextlib.ExitStack() as undo:

        def put(where, name, value):
            undo.callback(setattr, where, name, getattr(where, name))
            setattr(where, name, value)

        update, evaluate = training._update, training._Evaluation.__call__
        val_loss = training._Evaluation.val_loss
        run, own = ladder.short_run, your_gpt.train

        def counted(step, windows, run, rate):
            if run.step < 3:
                before = run.trained
                update(step, windows, run, rate)
                run.seconds_of_one = run.trained - before
                return
            run.read_losses()
            run._mark -= getattr(run, "seconds_of_one", 0.1)  # as if it had been computed
            losses = run.losses
            losses.append(losses[-1] if losses else run.history.train_losses[-1])
            run.step, run.trained = run.step + 1, run.trained + 0.1

        def seldom(self, run, rate):
            early = len(run.history.steps) < 2
            wanted, self.on_eval = self.on_eval, self.on_eval if early or run.over else None
            evaluate(self, run, rate)
            self.on_eval = wanted

        def remembered(self, run, rate):
            losses = run.history.val_losses
            return val_loss(self, run, rate) if len(losses) < 2 else losses[-1]

        put(training, "_update", counted)
        put(training._Evaluation, "__call__", seldom)
        put(training._Evaluation, "val_loss", remembered)
        put(
            ladder,
            "short_run",
            lambda *where, updates=0, seconds=None, **how: run(*where, updates=3, **how),
        )
        put(your_gpt, "train", lambda *what, updates=0, **how: own(*what, updates=120, **how))
        for module in (planning, device):
            put(module, "measure_peak", lambda *_: PEAK)
        put(device, "measure_bandwidth", lambda *_, **how: BANDWIDTH)
        put(device, "fastest_time", lambda chip, action, *_: (action(), 1.0)[1])
        (_small_networks if small else _shapes_only)(put)
        yield


def _small_networks(put: Callable) -> None:
    put(ladder, "_seconds_per_update", lambda update, least: float(update()) and 1.0)
    put(ladder, "shape_for", lambda *_: (TINY, 8))
    put(planning, "largest", lambda *_: planning.Fit("small", TINY, 4, 1, 1e9, 0.1))


def _shapes_only(put: Callable) -> None:
    """Of an update the second needs most: then the optimizer has its state."""

    def interleaved(updates, *_):
        return {name: _twice(update) for name, (update, _) in updates.items()}

    put(ladder, "make_model", _of_shapes)
    put(ladder, "_interleaved", interleaved)
    put(profiling, "where_time_goes", lambda update, *_: {"all": _twice(update)})
    put(profiling, "count_work", lambda update: profiling.Count({}, int(_twice(update))))
    put(profiling, "_seconds", lambda update, *_: _twice(update))


def _of_shapes(config: GPTConfig, rung: ladder.Rung, chip: device.Chip) -> GPT:
    with torch.device("meta"):
        return GPT(rung.model_config(config)).to(chip.device)


def _twice(update) -> float:
    update(), update()
    return 1.0


def run(chip, path: str) -> dict[str, str]:
    """Every cell in turn; what the chip has against them, by the cell's name."""
    notebook = Path(path)
    allowed = ALLOWED.get(f"{notebook.parent.name}/{notebook.stem}", {})
    chip.forget()
    found = {}
    with shortened(small=True):
        for cell, error in _executed(code_cells(notebook)):
            expected = isinstance(error, AssertionError) and cell.name in allowed
            if error is not None and not expected:
                found[cell.name] = f"{type(error).__name__}: {error}"
            if chip.early:
                found[cell.name] = "reads the clock while the chip is at work"
                chip.early.clear()
    if notebook.stem in ON_THE_CPU and chip.most:
        found["all"] = f"{chip.most:,} bytes on the chip, and this chapter was to use the CPU alone"
    return found


def memory(chip, path: str) -> dict:
    """The most bytes that a notebook's cells put on the chip, and what stopped one: {"most", "errors"}.

    By shapes alone. Only cells that use the chip, and those that they stand on, are run; what they assert of
    numbers, which are not there, is left out.
    """
    chip.forget()
    errors = {}
    with shortened(small=False):
        for cell, error in _executed(needed(code_cells(Path(path)))):
            if error is not None and not isinstance(error, AssertionError):
                errors[cell.name] = f"{type(error).__name__}: {error}"
    return {"most": chip.most, "errors": errors}


def _executed(cells: list[Cell]) -> Iterator[tuple[Cell, BaseException | None]]:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *_, **__: None
    for cell in cells:
        with capture_output():
            done = shell.run_cell(cell.source, silent=True)
        yield cell, done.error_in_exec or done.error_before_exec


USES_THE_CHIP = {"train", "chip"}


def needed(cells: list[Cell]) -> list[Cell]:
    """The cells that use the chip, and those that last set a name which one of these reads."""
    about = [_names(cell.source) for cell in cells]
    chosen = {i for i, (_, reads) in enumerate(about) if USES_THE_CHIP & reads}
    waiting = list(chosen)
    while waiting:
        sets, reads = about[i := waiting.pop()]
        for name in reads - sets:
            setters = [j for j in range(i) if name in about[j][0]]
            if setters and setters[-1] not in chosen:
                chosen.add(setters[-1])
                waiting.append(setters[-1])
    return [cells[i] for i in sorted(chosen)]


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell sets for later ones, and those that it reads, in its functions too."""
    top = symtable.symtable(source, "cell", "exec")
    sets = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    reads, scopes = set(), [top]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        reads |= {
            one.get_name()
            for one in scope.get_symbols()
            if one.is_referenced() and (scope is top or one.is_global())
        }
    return sets, reads
