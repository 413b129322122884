"""All that needs a GPU, 8 minutes a call: ``make gpu``.

GPT-2 in training and sampling beside others, its share of the fastest product, how far losses are from a CPU's,
chapter 6's ladders, the tests that need a GPU, the notebooks' times; the most important first. Each row is stored
as it comes, in ``nbutils/chips.json``, which chapter 6 and the page "On which chips this was run" show. What did
not fit into the time is measured by the next call, which goes on with a run of the same card and versions.

Without a GPU it says so and stores nothing. ``--pretend T4`` (``make gpu PRETEND=T4``) takes the same path on a
chip that is not there, ``--device cpu --quick`` on a CPU, both with tiny networks: no speed means anything then.
"""

import argparse
import importlib.util
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import torch
from gpu_ladder import agreement, learning, of_ladder
from gpu_programs import QUICK_NOTEBOOKS, of_notebook, tests
from gpu_run import ROOT, Bench, Step, measure, tell
from gpu_speed import of_peak, of_training, sampling
from peers import about_nanogpt
from rows import Row, table

from nbutils import chips, device, ladder
from nbutils.files import expanded

COMMAND = "make gpu"
MINUTES = 8


def main(arguments: list[str] | None = None) -> int:
    """Measure; its answer is the program's exit status, 1 if a step failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parsed(arguments)
    pretended = "pretend" in sys.modules  # then the next line started this program
    if options.pretend and not pretended:
        return subprocess.run([*on_pretended(options.pretend), __file__, *arguments]).returncode
    bench = begun(options, pretended)
    if bench is None:
        return 0
    left, failed = measure(bench, steps(bench), options.only or ())
    tell(f"\n{bench.run.card}, {bench.run.date}\n{table([Row(**row) for row in bench.run.rows])}")
    if failed:
        tell(f"Failed, see above: {'; '.join(failed)}")
    if left:
        tell(f"Left for the next call of {COMMAND}: {'; '.join(left)}")
    tell(f"Stored in {bench.file}" if bench.file else "Nothing was stored.")
    return int(bool(failed))


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:1 or cpu")
    parser.add_argument("--nanogpt", type=Path, metavar="FOLDER", help="a clone of nanoGPT")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="at most so many (8)")
    parser.add_argument("--only", nargs="+", choices=chips.WANTED, help="measure these anew")
    parser.add_argument("--quick", action="store_true", help="tiny networks, to see that all runs")
    parser.add_argument("--pretend", metavar="CHIP", help="on one that is not there, such as T4")
    parser.add_argument("--to", type=expanded, metavar="FILE", help="store the rows there")
    return parser.parse_args(arguments)


def on_pretended(name: str) -> list[str]:
    """What starts a Python program on a chip that is not there, which must be before PyTorch is."""
    return [sys.executable, str(ROOT / "tests" / "chips" / "run.py"), name, "program"]


def begun(options: argparse.Namespace, pretended: bool) -> Bench | None:
    """What the options ask for; None where there is no GPU, after saying so."""
    chip, quick = device.pick(options.device), options.quick or pretended
    if chip.device.type != "cuda" and not quick:
        tell(
            f"There is no GPU with CUDA here, only {chip.name}: nothing was measured or stored. If nvidia-smi shows a "
            "card, this PyTorch was built without CUDA, or NBUTILS_DEVICE is set: unset PIP_EXTRA_INDEX_URL and "
            "NBUTILS_DEVICE, remove .venv, and call make gpu again."
        )
        return None
    if options.nanogpt is not None:
        about_nanogpt(options.nanogpt)  # ends the program if it is none
    run, file = chips.new_run(chip, COMMAND), options.to or (None if quick else chips.FILE)
    if quick:  # so that its rows are taken for no real ones, wherever they are stored
        run.command = "bench/gpu.py --quick"
        run.card += ", which is not there" if pretended else ""
    if file is not None:
        run = chips.resumed_run(run, file)
    bench = Bench(chip, quick, run, file, time.monotonic() + 60 * options.minutes, options.nanogpt)
    if pretended:
        bench.python = tuple(on_pretended(options.pretend or "T4"))
    tell(f"{chip}, {device.free_memory(chip) / 1e9:.1f} GB free, PyTorch {torch.__version__}")
    if run.rows:
        tell(f"Going on with the run of {run.date}, which has {len(run.rows)} rows.")
    return bench


def steps(bench: Bench) -> list[Step]:
    """All of them, the most important first. Peers that are not here are told of and left out."""
    left_out = [name for name in ("nanoGPT", "transformers") if not is_here(name, bench)]
    contenders = [name for name in chips.CONTENDERS if name not in left_out]
    ways = [name for name in chips.WAYS if name not in left_out]
    formats = 1 if bench.chip.dtype == torch.float32 else 2
    return [
        *map(of_peak, chips.FORMATS),
        # A B C A B C: so that a slow moment of the machine shows
        *(of_training(name, again) for again in (False, True) for name in contenders),
        *(Step("sampling", chips.sampling(way), 20, partial(sampling, way=way)) for way in ways),
        Step("agreement", chips.WANTED["agreement"][:formats], 20, agreement),
        *(of_ladder(name) for name in ladder.SPEED),
        Step("tests", chips.WANTED["tests"], 60, tests),
        *(
            Step("learning", chips.learning(name), 8, partial(learning, name=name))
            for name in ladder.LEARNING
        ),
        *map(of_notebook, QUICK_NOTEBOOKS if bench.quick else chips.NOTEBOOKS),
    ]


def is_here(name: str, bench: Bench) -> bool:
    """Whether a peer can be measured; else it is told what to do."""
    if name == "nanoGPT" and bench.nanogpt is None:
        tell("nanoGPT is left out. With a clone of it: make gpu NANOGPT=folder")
        return False
    if name == "transformers" and importlib.util.find_spec("transformers") is None:
        tell("transformers is left out. It comes with: pip install transformers")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
