"""All that needs a GPU, 8 minutes a call: ``make gpu``.

GPT-2 in training and sampling beside others, its share of the fastest product, how far losses are from a CPU's,
chapter 6's ladders, the tests that need a GPU, the notebooks' times; the most important first. Each row is stored
as it comes, in ``nbutils/chips.json``, which chapter 6 and the page "On which chips this was run" show. What did
not fit into the time is measured by the next call, which goes on with a run of the same card and versions.

Without a GPU it says so and stores nothing. ``--pretend T4`` (``make gpu PRETEND=T4``) takes the same path on a
chip that is not there, ``--device cpu --quick`` on a CPU, both with tiny networks: no speed means anything then.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch
from peers import about_nanogpt, nanogpt_gpt, transformers_gpt2
from rows import Row, fastest, readable, table
from torch import nn

from nbutils import chips, device, ladder, planning, smallworld, text, tokens
from nbutils.device import Chip
from nbutils.model import GPT, GPTConfig
from nbutils.optim import make_optimizer
from nbutils.sampling import generate
from nbutils.training import TrainConfig
from nbutils.windows import Windows

ROOT = Path(__file__).parents[1]
COMMAND = "make gpu"
MINUTES = 8
GPT2 = GPTConfig.preset("gpt2", vocab_size=50304)  # padded to a multiple of 64
TINY = GPTConfig(vocab_size=128, block_size=16, n_layer=2, n_head=2, n_embd=32)
BATCHES = (8, 4, 2, 1)  # an update of the largest takes ours about 10 GB
HUNGER = {"transformers": 1.4}  # times as much as ours, before it is compiled: counted by shapes
AGAIN = "then again"  # stands in a row that was measured twice


class TimeIsUp(BaseException):
    """The minutes are over. It is no error: what catches those lets it pass."""


class NoRoom(Exception):
    """The chip has too little free memory for a measurement; the message says how much it needs."""


@dataclass
class Bench:
    """A run on one chip: where its rows go, how long it may take, and what several steps share."""

    chip: Chip
    quick: bool
    run: chips.ChipRun
    file: Path | None = None
    """Where rows are stored; None: nowhere."""
    ends: float = float("inf")
    """By ``time.monotonic``."""
    nanogpt: Path | None = None
    python: tuple[str, ...] = (sys.executable,)
    """What starts another Python program on this chip."""

    def keep(self, row: Row) -> None:
        chips.add(self.run, row._asdict(), self.file)
        value = f"{readable(row.value)} {row.unit}".strip()
        tell(f"  {row.what}: {value}" + (f" ({row.how})" if row.how else ""))

    def free(self) -> None:
        """Let go of what nobody uses any more: one contender is there at a time."""
        torch.compiler.reset()  # compiled programs hold their networks
        device.release(self.chip)

    @property
    def format(self) -> str:
        return str(self.chip.dtype).removeprefix("torch.")

    @property
    def config(self) -> GPTConfig:
        return TINY if self.quick else GPT2

    @cached_property
    def peak(self) -> float:
        """FLOPs a second of the fastest product in the chip's format, from this run where it has it."""
        row = self.run.row(chips.fastest_product(self.chip.dtype))
        return 1e12 * row["value"] if row else self.measured_peak(self.chip)

    def measured_peak(self, chip: Chip) -> float:
        return device.measure_peak(chip, *((0.1, 256) if self.quick else (1.5, None)))

    @cached_property
    def world(self) -> "World":
        return World(100, 10) if self.quick else World()

    @cached_property
    def ladder_shape(self) -> tuple[GPTConfig, int]:
        return (TINY, 2) if self.quick else ladder.shape_for(self.chip)


@dataclass(frozen=True)
class Step:
    """A measurement. It begins with an empty chip, and gives rows as they come."""

    group: str
    """Its table, of ``chips.WANTED``."""
    rows: tuple[str, ...]
    seconds: float
    """What it takes, as guessed before anybody could measure it: a step that won't fit is not begun."""
    measure: Callable[[Bench], Iterator[Row]]
    twice: bool = False
    """Whether it is done only where its first row was measured twice."""

    @property
    def name(self) -> str:
        return self.rows[0] + (", again" if self.twice else "")

    def is_done(self, run: chips.ChipRun) -> bool:
        if run.missing(self.rows):
            return False
        return not self.twice or AGAIN in run.row(self.rows[0])["how"]


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
    parser.add_argument("--to", type=Path, metavar="FILE", help="store the rows there")
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
    run, file = chips.begun(chip, COMMAND), options.to or (None if quick else chips.FILE)
    if quick:  # so that its rows are taken for no real ones, wherever they are stored
        run.command = "bench/gpu.py --quick"
        run.card += ", which is not there" if pretended else ""
    if file is not None:
        run = chips.same(run, file)
    bench = Bench(chip, quick, run, file, time.monotonic() + 60 * options.minutes, options.nanogpt)
    if pretended:
        bench.python = tuple(on_pretended(options.pretend or "T4"))
    tell(f"{chip}, {device.free_memory(chip) / 1e9:.1f} GB free, PyTorch {torch.__version__}")
    if run.rows:
        tell(f"Going on with the run of {run.date}, which has {len(run.rows)} rows.")
    return bench


def tell(words: str) -> None:
    print(words, flush=True)


def measure(
    bench: Bench, steps: list[Step], only: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Run the steps that are not done, as long as there is time; ``only``: these groups, done or not.

    Gives the names of those that are left for want of time, and of what failed.
    """
    due = [step for step in steps if (step.group in only if only else not step.is_done(bench.run))]
    tried, failed = [], []
    try:
        with alarm(bench.ends - time.monotonic()):
            for step in due:
                # The first may be longer than all the time there is: else it would never be tried.
                if not tried or step.seconds <= bench.ends - time.monotonic():
                    failed += attempt(bench, step)
                    tried.append(step)
    except TimeIsUp:
        tell("  Time is up.")
    return [step.name for step in due if step not in tried], failed


def attempt(bench: Bench, step: Step) -> list[str]:
    """Run a step, store each of its rows, and give the names of those that failed."""
    start = time.monotonic()
    tell(f"{step.name} ...")
    try:
        for row in step.measure(bench):
            bench.keep(row)
    except Exception as error:
        explain(error)
        return [step.name]
    finally:
        bench.free()
    tell(f"  {time.monotonic() - start:.0f} s")
    return bench.run.missing(step.rows)


def explain(error: Exception) -> None:
    """Too little memory in a sentence; what nobody expected with the place where it happened."""
    if isinstance(error, NoRoom):
        tell(f"  {error}")
    elif device.out_of_memory(error):
        tell(f"  Out of memory: {str(error).strip().splitlines()[0]}")
    else:
        traceback.print_exception(error)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TimeIsUp` inside it after so many seconds, where the system has alarms (not Windows)."""
    if not hasattr(signal, "setitimer") or seconds == float("inf"):
        yield
        return

    def ring(*_):
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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


def find_room(bench: Bench, what: str, needed: float) -> None:
    """Say what a measurement will need, in bytes by `planning`.

    Raises `NoRoom` if the chip has not that much free, with ``ladder.SPARE`` to spare.
    """
    free, spare = device.free_memory(bench.chip) / 1e9, ladder.SPARE / 1e9
    tell(f"  {what}: {needed / 1e9:.2g} GB by plan, {free:.1f} GB are free")
    if needed / 1e9 + spare > free:
        raise NoRoom(
            f"No room: {needed / 1e9:.2g} GB and {spare:.0f} GB to spare are needed, and {free:.1f} GB are free. End "
            f"what else runs on {bench.chip.name}, or it is too small for this"
        )


# The fastest product


def of_peak(format: str) -> Step:
    return Step("peak", (chips.fastest_product(format),), 3, partial(peak, format=format))


def peak(bench: Bench, format: str) -> Iterator[Row]:
    """FLOPs a second of one large product. Old cards know no bfloat16, or are slow in it."""
    chip = replace(bench.chip, dtype=getattr(torch, format))
    found = bench.measured_peak(chip)
    yield Row(chips.fastest_product(format), found / 1e12, "TFLOP/s", "the best of many")


# Training


class Contender:
    """A network in training, with the loss it computes; all get the same update around it."""

    def __init__(self, model: nn.Module, loss_of: Callable, chip: Chip):
        self.model, self.loss_of, self.chip = model.to(chip.device).train(), loss_of, chip
        self.optimizer = make_optimizer(self.model, TrainConfig(learning_rate=1e-4))
        self.scaler = torch.amp.GradScaler(chip.device.type, enabled=chip.scaler)

    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with self.chip.autocast():
            loss = self.loss_of(self.model, x, y)
        return ladder.update_from(loss, self.model, self.optimizer, self.scaler)


def contender(name: str, chip: Chip, config: GPTConfig, nanogpt: Path | None = None) -> Contender:
    """One of ``chips.CONTENDERS``, a network of this shape that is not compiled yet."""
    if name == "transformers":
        return Contender(transformers_gpt2(config), _their_loss, chip)
    model = nanogpt_gpt(config, nanogpt) if name == "nanoGPT" else GPT(config)
    return Contender(model, lambda model, x, y: model(x, y)[1], chip)


def _their_loss(model, x, y) -> torch.Tensor:
    return model(input_ids=x, labels=x, use_cache=False).loss  # it shifts the labels itself


def of_training(name: str, again: bool) -> Step:
    how = partial(training, name=name, again=again)
    return Step("training", chips.training(name), 30 if again else 60, how, twice=again)


def training(bench: Bench, name: str, again: bool) -> Iterator[Row]:
    """Tokens a second, and the share of the fastest product that its operations are.

    ``again``: the mean of this and of what the run has already.
    """
    what, share = chips.training(name)
    speed, how = training_speed(bench, name)
    before = bench.run.row(what)
    if again and before and before["how"].startswith(f"{how}; "):
        how = f"{how}; {before['value']:,.0f}, {AGAIN} {speed:,.0f}"
        speed = (before["value"] + speed) / 2
    else:
        how = f"{how}; {speed:,.0f} once"
    yield Row(what, speed, "tokens/s", how)
    reached = 100 * speed * planning.training_flops(bench.config) / bench.peak
    yield Row(share, reached, "%", f"of {bench.peak / 1e12:,.4g} TFLOP/s in {bench.format}")


def training_speed(bench: Bench, name: str) -> tuple[float, str]:
    """Tokens a second of a contender in the largest batch for which all have room, and how it trained.

    Raises `NoRoom` if there is none.
    """
    sizes = sizes_that_fit(bench)
    needed = HUNGER.get(name, 1) * update_memory(bench, sizes[0])
    find_room(bench, f"An update of {name}, batch of {sizes[0]}", needed)
    for B in sizes:
        try:
            return speed_of_batch(bench, name, B)
        except Exception as error:
            if not device.out_of_memory(error):
                raise
        tell(f"  Out of memory in a batch of {B}: it needs more than was planned")
        bench.free()
    raise NoRoom(f"{name} finds no room even for a batch of {sizes[-1]}")


def sizes_that_fit(bench: Bench) -> tuple[int, ...]:
    """Those of `BATCHES` in which the hungriest contender finds room; the smallest in any case."""
    sizes, free = BATCHES[-2:] if bench.quick else BATCHES, device.free_memory(bench.chip)
    most = max(HUNGER.values())
    fit = [B for B in sizes if most * update_memory(bench, B) + ladder.SPARE <= free]
    return tuple(fit) or sizes[-1:]


def update_memory(bench: Bench, B: int) -> int:
    """Bytes for an update of ours, by `planning`."""
    dtype, kind = bench.chip.dtype, bench.chip.device.type
    return planning.peak_memory(planning.training_memory(bench.config, B, dtype=dtype, device=kind))


def speed_of_batch(bench: Bench, name: str, B: int) -> tuple[float, str]:
    config, chip, without = bench.config, bench.chip, []

    def made() -> ladder.Update:
        one, batch = contender(name, chip, config, bench.nanogpt), random_batch(config, B, chip)
        if chip.device.type == "cpu" or not compile_in_place(one, "blocks" not in name, *batch):
            without.append(", not compiled")
        return lambda: one.update(*batch), B * config.block_size

    speed = ladder.speeds({name: made}, chip, 0.05 if bench.quick else 1.5)[name]
    speed = float(f"{speed:.4g}")
    how = f"batch of {B} x {config.block_size}, {bench.format}{''.join(without)}{of_peer(name, bench)}"
    return speed, how


def of_peer(name: str, bench: Bench) -> str:
    """Which version of a peer it is."""
    if name == "transformers":
        return f", its version {importlib.metadata.version('transformers')}"
    return f", {about_nanogpt(bench.nanogpt)}" if name == "nanoGPT" else ""


def random_batch(config: GPTConfig, B: int, chip: Chip) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(config.vocab_size, (B, config.block_size + 1), device=chip.device)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def compile_in_place(contender: Contender, whole: bool, x: torch.Tensor, y: torch.Tensor) -> bool:
    """Compile in place and run one update; without a compiler go on as it was, and say False."""
    parts = [contender.model] if whole else list(contender.model.blocks)
    for part in parts:
        part.compile(dynamic=False)
    try:
        float(contender.update(x, y))
        return True
    except Exception as error:  # compilers fail in many ways, none of which is this table's subject
        if device.out_of_memory(error):
            raise
        tell(f"  {ladder.why_not_compiled(error, contender.chip)}")
        for part in parts:
            part._compiled_call_impl = None  # PyTorch has no public way back
        return False


# Sampling


def sampling(bench: Bench, way: str) -> Iterator[Row]:
    """New tokens a second of GPT-2's shape, as one text and as 16.

    A CUDA graph is recorded anew in each call, as for a learner who asks once.
    """
    config, chip, new = bench.config, bench.chip, 8 if bench.quick else 128
    theirs = way == "transformers"
    most = max(chips.TEXTS)
    find_room(bench, f"{most} texts", sampling_memory(config, most, new))
    model = (transformers_gpt2(config) if theirs else GPT(config)).to(chip.device).eval()
    for what, texts in zip(chips.sampling(way), chips.TEXTS, strict=True):
        prompt = torch.zeros(texts, 1, dtype=torch.int64, device=chip.device)
        write = partial(_theirs if theirs else _ours[way], model, prompt, new)
        with chip.autocast():
            if (length := write().size(1)) != 1 + new:
                raise RuntimeError(f"{way} wrote {length - 1} tokens in place of {new}")
            seconds = fastest(lambda write=write: write().tolist(), 1 if bench.quick else 2)
        how = f"{new} new tokens each, {bench.format}{of_peer(way, bench)}"
        yield Row(what, texts * new / seconds, "tokens/s", how)


def sampling_memory(config: GPTConfig, texts: int, length: int) -> int:
    """Bytes for weights in float32 with their 16-bit copies, the cache, and logits."""
    whole = planning.inference_memory(config, texts, length, planning.FLOAT)
    copies = planning.inference_memory(config, texts, length, planning.SHORT)["weights"]
    return sum(whole.values()) + copies + planning.FLOAT * texts * config.vocab_size


def _theirs(model, prompt: torch.Tensor, new: int) -> torch.Tensor:
    how = dict(attention_mask=torch.ones_like(prompt), do_sample=False, pad_token_id=1)
    return model.generate(prompt, max_new_tokens=new, **how)


_ours = {
    "KV cache": partial(generate, temperature=0),
    "CUDA graph": partial(generate, temperature=0, cuda_graph=True),
    "no KV cache": partial(generate, temperature=0, use_cache=False),
}


# smallworld: a CPU's losses, chapter 6's ladders


class World:
    """smallworld as tokens, as chapter 6 trains on it, and the floor of its held-out part."""

    def __init__(self, documents: int = 20_000, held_out: int = 200):
        encoding = smallworld.encoding()
        held_out = text.load("smallworld", "val", n_documents=held_out)
        written = text.load("smallworld", n_documents=documents)
        self.train = tokens.encode_documents(written, encoding)
        self.val = tokens.encode_documents(held_out, encoding)
        self.floor = smallworld.loss_floor("".join(d + tokens.END for d in held_out))
        self.start_token = encoding.eot_token
        self.shape = GPTConfig.preset("small", n_layer=2, block_size=smallworld.MAX_TOKENS)

    def windows(self, ids, batch_size: int, chip: Chip, seed: int = 0) -> Windows:
        where = {"start_token": self.start_token, "device": chip.device, "seed": seed}
        return Windows(ids, batch_size, self.shape.block_size, **where)


def agreement(bench: Bench) -> Iterator[Row]:
    """How far losses on this chip are from a CPU's in float32, on the same batches."""
    chip, world, updates = bench.chip, bench.world, 3 if bench.quick else 50
    rungs = [ladder.Rung(fused_attention=True), ladder.Rung(fused_attention=True, short=True)]
    reference = losses(device.pick("cpu"), world, rungs[0], updates)
    for what, rung in zip(chips.WANTED["agreement"], rungs, strict=True):
        if rung.short and chip.dtype == torch.float32:
            return
        worst = (losses(chip, world, rung, updates) - reference).abs().max().item()
        format = bench.format if rung.short else "float32"
        how = f"largest difference of {updates} losses on the same batches, {format}"
        yield Row(what, worst, "nats", how)


def losses(chip: Chip, world: World, rung: ladder.Rung, updates: int) -> torch.Tensor:
    """The losses of the first updates, each before its update, on the CPU."""
    step = ladder.Step(ladder.make_model(world.shape, rung, chip), rung, chip)
    batches = world.windows(world.train, 8, chip)
    for group in step.optimizer.param_groups:
        group["lr"] = 1e-3
    return torch.stack([step(*batches.batch(i)).cpu() for i in range(updates)])


def of_ladder(name: str) -> Step:
    seconds = 25 if ladder.SPEED[name].compile else 8
    return Step("ladder", (ladder.ROW + name,), seconds, partial(rung_speed, name=name))


def rung_speed(bench: Bench, name: str) -> Iterator[Row]:
    """Tokens a second on a rung of chapter 6."""
    (shape, B), chip, rung = bench.ladder_shape, bench.chip, ladder.SPEED[name]
    how = chips.network(shape, B * rung.larger_batch)
    find_room(bench, how, ladder.memory_needed(shape, [rung], chip, B))
    for compiled in (True, False):
        tried = replace(rung, compile=rung.compile and compiled and chip.device.type != "cpu")
        maker = partial(ladder.make_update, shape, tried, chip, B)
        try:
            speed = ladder.speeds({name: maker}, chip, 0.02 if bench.quick else 0.7)[name]
            break
        except Exception as error:
            if not tried.compile or device.out_of_memory(error):
                raise
            tell(f"  {ladder.why_not_compiled(error, chip)}")
        bench.free()
    without = chips.UNCOMPILED if rung.compile and not tried.compile else ""
    yield Row(ladder.ROW + name, speed, "tokens/s", how + without)


def learning(bench: Bench, name: str) -> Iterator[Row]:
    """Nats above the floor on a rung of chapter 6: after equal updates, and after equal time."""
    chip, world = bench.chip, bench.world
    train, val = world.windows(world.train, 8, chip), world.windows(world.val, 32, chip)
    ends = {"updates": 2 if bench.quick else 200}, {"seconds": 0.05 if bench.quick else 3.0}
    for what, end in zip(chips.learning(name), ends, strict=True):
        run = ladder.short_run(world.shape, ladder.LEARNING[name], chip, train, val, **end)
        how = f"above the floor, {run.updates} updates in {run.seconds:.1f} s"
        yield Row(what, run.loss - world.floor, "nats", how)


# The tests and the notebooks


def tests(bench: Bench) -> Iterator[Row]:
    """How many of the tests that need a GPU pass."""
    command = ["-m", "pytest", "-q", "--part", "gpu", "-p", "no:cacheprovider", "tests/test_gpu.py"]
    start = time.monotonic()
    done = subprocess.run([*bench.python, *command], cwd=ROOT, capture_output=True, text=True)
    yield tests_row(done.stdout, time.monotonic() - start)
    if done.returncode:
        tell(done.stdout[-6000:] + done.stderr[-2000:])


def tests_row(printed: str, seconds: float) -> Row:
    """What pytest's last lines say."""
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for number, word in re.findall(r"(\d+) (passed|failed|error|skipped)", printed):
        counts[word] = int(number)
    bad = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", printed, re.M)
    how = f"{counts['skipped']} skipped, {seconds:.0f} s: pytest --part gpu tests/test_gpu.py"
    (what,) = chips.WANTED["tests"]
    if bad or not counts["passed"]:
        return Row(what, "failed", "", ", ".join([f"{counts['passed']} passed", *bad]))
    return Row(what, counts["passed"], "passed", how)


QUICK_NOTEBOOKS = ("exercises/05_inference",)


def of_notebook(name: str) -> Step:
    """It takes what it took on the machine of the page "How it is tested", as far as one knows."""
    stored = json.loads((ROOT / "book" / "measured.json").read_text("utf-8"))["chapters"]["rows"]
    usual = {row["page"]: row["seconds"] for row in stored}
    seconds = usual.get(f"notebooks/{name}", 60)
    return Step("notebooks", (f"Notebook {name}",), seconds, partial(notebook, name=name))


def notebook(bench: Bench, name: str) -> Iterator[Row]:
    """Seconds from the start of its kernel to its last cell; of one that fails, the cell and the error.

    Nothing of an error but its name: its words may name a folder.
    """
    sys.path.append(str(ROOT / "tools"))
    import nbformat

    import notebooks

    path = ROOT / "notebooks" / f"{name}.ipynb"
    start = time.monotonic()
    try:
        notebooks.execute(path, nbformat.read(path, as_version=4))
    except SystemExit as ended:  # which names the cell
        tell(str(ended))
        cell = re.search(r"cell '([\w-]+)' failed", str(ended))[1]
        yield Row(f"Notebook {name}", "failed", "", f"cell {cell}: {ended.__context__.ename}")
        return
    yield Row(f"Notebook {name}", time.monotonic() - start, "s", "from top to bottom")


if __name__ == "__main__":
    sys.exit(main())
