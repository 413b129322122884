"""Who trains a GPT faster, and who has learned more by the same time? Ours beside others.

    python bench/train.py --text tinyshakespeare.txt --nanogpt ../nanoGPT --out bench/train.md

The others are transformers' GPT-2 and, where ``--nanogpt`` names a clone of it, nanoGPT. Each run
has a process of its own with the same threads, the same text, and nothing compiled before. For the
speed these processes live side by side and train in turn, a few seconds each; what is judged by its
loss has the machine to itself for as long as ``--seconds`` say. How threads wait is nbutils' choice
for ours and PyTorch's for the others, unless OMP_WAIT_POLICY says it for all. ``contenders.py`` has
what each of them does.
"""

import argparse
import contextlib
import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import mean, median

import contenders

import nbutils  # isort: skip
import torch
from contenders import Job, Result, Shape
from rows import markdown

from nbutils.files import expanded

SHAPES = ("4/4/128/64/12", "6/6/384/256/16")  # nanoGPT's for a CPU, and its small one for a GPU
SPEED = (
    "Shape",
    "Who",
    "Tokens/s (median)",
    "Lowest to highest",
    "GFLOP/s",
    "Of the peak",
    "Ours is faster",
)
LEARNING = ("Seconds", "Who", "Rate", "Bits a byte", "Ours at its best is lower", "Updates")
RATES = {  # learning rates tried: the published one first
    "nanoGPT": (1e-3, 3e-3),
    "transformers": (1e-3, 3e-3),
    "ours": (3e-3,),
}
BEST = "ours at its best"  # its rate, as its shape, depends on the time: see contenders.best_for
Runs = dict[Job, list[Result]]


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    speed_jobs, learning_jobs = jobs(options)
    runs = side_by_side(speed_jobs)
    runs |= one_by_one(learning_jobs, options.repeats)
    page = report(runs, speed_jobs, learning_jobs)
    print(page)
    if options.out:
        options.out.write_text(page, "utf-8")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", metavar="FILE", help="a UTF-8 text; else Python's help, pydocs")
    parser.add_argument("--nanogpt", metavar="FOLDER", help="a clone of nanoGPT to compare with")
    parser.add_argument(
        "--seconds", type=float, nargs="*", default=[60, 180], help="when losses are compared"
    )
    parser.add_argument(
        "--shapes",
        nargs="+",
        default=SHAPES,
        metavar="L/H/C/T/B",
        help="n_layer/n_head/n_embd/block_size/batch_size; losses are compared at the first",
    )
    parser.add_argument(
        "--who",
        nargs="+",
        default=list(contenders.CONTENDERS),
        choices=contenders.CONTENDERS,
        help="those compared; the speed only where ours is among them",
    )
    parser.add_argument("--turns", type=int, default=15, help="of each, for the speed")
    parser.add_argument("--repeats", type=int, default=2, help="how often each is judged")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--out", type=expanded, metavar="FILE", help="store the tables there")
    parser.add_argument("--quick", action="store_true", help="a tiny shape, for a second, once")
    options = parser.parse_args(arguments)
    if options.quick:
        quick = dict(shapes=["1/1/8/8/2"], seconds=[1], turns=1, repeats=1)
        options = argparse.Namespace(**vars(options) | quick)
    if not any(jobs(options)):
        parser.error(
            "nothing is to be run: speeds are compared with ours, losses after --seconds, nanoGPT where --nanogpt "
            "names its folder"
        )
    return options


def _contenders(options) -> list[str]:
    return [name for name in options.who if name != "nanoGPT" or options.nanogpt]


def _common(options) -> dict[str, str | None]:
    return {name: getattr(options, name) for name in ("text", "nanogpt", "device")}


def jobs(options) -> tuple[list[Job], list[Job]]:
    """What is to be run: for the speed, and for the loss."""
    fast = list(speed(options.shapes, options.turns, options)) if "ours" in options.who else []
    return fast, list(dict.fromkeys(learning(options.shapes[0], options.seconds, options)))


def speed(shapes: Iterable[str], turns: int, options) -> Iterable[Job]:
    """Runs at the published learning rate by all that have GPT-2's architecture."""
    for shape in shapes:
        for who in _contenders(options):
            if who != BEST:
                yield Job(who, parsed(shape), turns=turns, **_common(options))


def learning(shape: str, limits: Iterable[float], options) -> Iterable[Job]:
    """Runs whose loss is judged: everyone, at every learning rate, and ours at its best in a tenth
    of the time too."""
    for limit in limits:
        found = [(who, limit, rate) for who in _contenders(options) for rate in RATES.get(who, ())]
        if BEST in options.who:
            times = limit / 10, limit
            found += [(BEST, t, contenders.best_for(t).learning_rate) for t in times]
        for who, seconds, rate in found:
            yield Job(who, parsed(shape), seconds, learning_rate=rate, **_common(options))


def parsed(shape: str) -> tuple[int, ...]:
    """ "4/4/128/64/12" -> (4, 4, 128, 64, 12)."""
    sizes = tuple(int(size) for size in shape.split("/"))
    Shape(*sizes)
    return sizes


def side_by_side(jobs: list[Job]) -> Runs:
    """All of a shape at once, but one at a time: what disturbs the machine meets each of them."""
    runs = {}
    for _, group in itertools.groupby(jobs, key=lambda job: job.shape):
        group = list(group)
        with contextlib.ExitStack() as at_end:
            processes = [at_end.enter_context(started(job)) for job in group]
            for _ in range(group[0].turns):
                for job, process in zip(group, processes, strict=True):
                    train_a_turn(job, process)
            for job, process in zip(group, processes, strict=True):
                runs[job] = [answer(job, process)]
                print(f"{job.who}, {runs[job][0]}", file=sys.stderr, flush=True)
    return runs


def one_by_one(jobs: list[Job], repeats: int) -> Runs:
    """Each job with the machine to itself, then each again."""
    runs = {job: [] for job in jobs}
    for turn in range(repeats):
        for job in jobs:
            with started(job) as process:
                runs[job].append(answer(job, process))
            print(f"turn {turn + 1}: {job.who}, {runs[job][-1]}", file=sys.stderr, flush=True)
    return runs


@contextlib.contextmanager
def started(job: Job):
    """The job's process; one that takes turns waits for the first. It compiles all anew."""
    with tempfile.TemporaryDirectory() as cache:
        process = subprocess.Popen(
            [sys.executable, contenders.__file__, json.dumps(asdict(job))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**_environment(job), "TORCHINDUCTOR_CACHE_DIR": cache, "HF_HUB_OFFLINE": "1"},
        )
        with process:
            try:
                if job.turns:
                    heard(job, process)
                yield process
            finally:
                process.kill()


def train_a_turn(job: Job, process) -> None:
    go_on(process)
    print(file=process.stdin, flush=True)
    heard(job, process)


def answer(job: Job, process) -> Result:
    """What it found, once it is done."""
    go_on(process)
    return Result(**json.loads(process.communicate("\n")[0] or stopped(job)))


def heard(job: Job, process) -> None:
    """Wait until a turn is over. Then the process does nothing: its threads may wait in loops."""
    if not process.stdout.readline():
        stopped(job)
    if hasattr(signal, "SIGSTOP"):
        process.send_signal(signal.SIGSTOP)


def go_on(process) -> None:
    if hasattr(signal, "SIGCONT"):
        process.send_signal(signal.SIGCONT)


def stopped(job: Job):
    raise RuntimeError(f"{job.who} stopped with an error (see above): {job}")


def _environment(job: Job) -> dict[str, str]:
    """This process's, in which nbutils has chosen how threads wait; for others without that."""
    ours = job.who.startswith("ours")
    chosen = {} if ours else nbutils.WAITING
    return {name: value for name, value in os.environ.items() if chosen.get(name) != value}


def report(runs: Runs, speed_jobs: list[Job], learning_jobs: list[Job]) -> str:
    """The page: on what and how it was measured, and two tables."""
    results = [result for several in runs.values() for result in several]
    peak = max(result.peak for result in results)
    about = (
        f"Measured on {date.today()} by `{command()}` on {machine()}, "
        f"{results[0].threads} threads, PyTorch {torch.__version__}. Its fastest matrix product "
        f"reached {peak / 1e9:,.0f} GFLOP/s. How much faster ours is, is the median of all turns' "
        "ratios. Where a loss was measured more than once, the numbers are the lowest and highest."
    )
    parts = ["# Training beside others", about]
    if speed_jobs:
        parts.append(markdown(speed_table(runs, speed_jobs, peak)))
    if learning_jobs:
        parts.append(markdown(learning_table(runs, learning_jobs)))
    return "\n\n".join(parts) + "\n"


def command() -> str:
    """What was called; a folder of this machine means nothing elsewhere and is left out."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv]
    policy = os.environ["OMP_WAIT_POLICY"]
    told = "" if policy == nbutils.WAITING["OMP_WAIT_POLICY"] else f"OMP_WAIT_POLICY={policy} "
    return f"{told}python {shlex.join(words)}"


def machine() -> str:
    """The processor in words."""
    can = torch.cpu.get_capabilities()
    amx = " with AMX" if can.get("amx_bf16") else ""
    gpu = f" and {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{os.cpu_count()} processor cores{amx}{gpu}"


def speed_table(runs: Runs, jobs: list[Job], peak: float) -> list[tuple[str, ...]]:
    lines = [SPEED]
    for job in jobs:
        (result,) = runs[job]
        found = result.tokens_per_second
        (our,) = [mine for mine in jobs if mine.who == "ours" and mine.shape == job.shape]
        pairs = zip(runs[our][0].tokens_per_second, found, strict=True)
        ratio = median(mine / theirs for mine, theirs in pairs)
        flops = median(found) * result.flops_per_token
        lines.append(
            (
                "/".join(map(str, job.shape)),
                job.who,
                f"{median(found):,.0f}",
                spread(found, ",.0f"),
                f"{flops / 1e9:,.0f}",
                f"{flops / peak:.0%}",
                "" if job.who == "ours" else f"{ratio:.2f} times",
            )
        )
    return lines


def learning_table(runs: Runs, jobs: list[Job]) -> list[tuple[str, ...]]:
    """``jobs``: without `BEST` among them the column that compares with it stays empty."""
    lines = [LEARNING]
    for job in jobs:
        found = [result.bits_per_byte for result in runs[job]]
        best = [b for b in jobs if b.who == BEST and b.seconds == job.seconds]
        lower = ""
        if best and job not in best:
            lower = f"{mean(found) - mean(result.bits_per_byte for result in runs[best[0]]):.3f}"
        lines.append(
            (
                f"{job.seconds:g}",
                job.who,
                f"{job.learning_rate:g}",
                spread(found, ".3f"),
                lower,
                spread([result.updates for result in runs[job]], ",.0f"),
            )
        )
    return lines


def spread(values: list[float], form: str) -> str:
    low, high = (format(bound(values), form) for bound in (min, max))
    return low if low == high else f"{low} to {high}"


if __name__ == "__main__":
    main()
