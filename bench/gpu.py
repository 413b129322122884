"""What does a GPU reach? GPT-2 in training and sampling beside others, and chapter 6's ladder.

``python bench/gpu.py`` takes less than 8 minutes on a GPU, prints a table and stores it, with card
and date, where chapter 6 reads it (``nbutils/measured.json``). Without a GPU it says so and stores
nothing; ``--device cpu --quick`` runs every path there on a tiny network.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import torch
from peers import nanogpt_gpt, transformers_gpt2
from rows import Row, fastest, table
from torch import nn

from nbutils import device, ladder, smallworld, text, tokens
from nbutils.device import Chip
from nbutils.files import written_aside
from nbutils.model import GPT, GPTConfig
from nbutils.sampling import generate
from nbutils.training import TrainConfig, make_optimizer
from nbutils.windows import Windows

GPT2 = GPTConfig.preset("gpt2", vocab_size=50304)  # padded to a multiple of 64
TINY = GPTConfig(vocab_size=128, block_size=16, n_layer=2, n_head=2, n_embd=32)
BATCHES = (64, 32, 16, 8, 4, 2, 1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    parser.add_argument("--nanogpt", type=Path, metavar="FOLDER", help="a clone of nanoGPT")
    parser.add_argument("--quick", action="store_true", help="a tiny network, seconds in all")
    parser.add_argument("--to", type=Path, metavar="FILE", help="store the table there")
    options = parser.parse_args(arguments)
    chip = device.pick(options.device)
    if chip.device.type != "cuda" and not options.quick:
        print(f"There is no GPU here, only {chip.name}: nothing was measured and nothing stored.")
        return
    measured = measure(chip, options.quick, options.nanogpt)
    print(table([Row(**row) for row in measured["rows"]]))
    file = options.to or (None if options.quick else ladder.MEASURED)
    if file is not None:
        with written_aside(file) as aside:
            aside.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
        print(f"stored in {file}")


def measure(chip: Chip, quick: bool, nanogpt: Path | None = None) -> dict:
    """Everything, as it is stored: see ``ladder.stored``; "rows" is the printed table."""
    config, world = TINY if quick else GPT2, World(500 if quick else 20_000)
    peak = device.measure_peak(chip, 0.1 if quick else 1.0)
    rows = [
        Row("Chip", chip.name, "", f"{_format(chip)}, {date.today()}, PyTorch {torch.__version__}"),
        Row("Fastest matrix product", peak / 1e12, "TFLOP/s", f"in {_format(chip)}"),
        *training(chip, config, peak, quick, nanogpt),
        *sampling(chip, config, quick),
        *agreement(chip, world, 3 if quick else 50),
    ]
    speed, learned = speed_ladder(chip, quick), learning_ladder(chip, world, quick)
    rows += [Row(f"Ladder: {name}", x, "tokens/s", "chapter 6") for name, x in speed.items()]
    rows += [
        Row(f"Ladder: {name}", x, "nats", "above smallworld's floor after 200 updates")
        for name, (x, _) in learned.items()
    ]
    return {
        "card": chip.name,
        "date": str(date.today()),
        "torch": torch.__version__,
        "peak": peak,
        "ladder": speed,
        "learning": learned,
        "rows": [row._asdict() for row in rows],
    }


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


def contenders(chip: Chip, config: GPTConfig, nanogpt: Path | None) -> dict[str, Contender]:
    """Networks of one shape, not compiled yet: ours, transformers', nanoGPT's if it is there."""

    def ours(model, x, y):
        return model(x, y)[1]

    found = {
        "ours, blocks compiled": Contender(GPT(config), ours, chip),
        "ours, compiled whole": Contender(GPT(config), ours, chip),
        "transformers": Contender(transformers_gpt2(config), _their_loss, chip),
    }
    if nanogpt is not None:
        found["nanoGPT"] = Contender(nanogpt_gpt(config, nanogpt), ours, chip)
    return found


def _their_loss(model, x, y) -> torch.Tensor:
    return model(input_ids=x, labels=x, use_cache=False).loss  # it shifts the labels itself


def largest_batch(contender: Contender, config: GPTConfig, batches=BATCHES) -> int:
    """The first of ``batches`` that fits in the chip's memory, by trying."""
    for B in batches:
        try:
            float(contender.update(*_batch(config, B, contender.chip)))
            return B
        except torch.cuda.OutOfMemoryError:
            contender.optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
    raise RuntimeError(f"not even a batch of {batches[-1]} fits on {contender.chip.name}")


def _batch(config: GPTConfig, B: int, chip: Chip) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(config.vocab_size, (B, config.block_size + 1), device=chip.device)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def training(
    chip: Chip, config: GPTConfig, peak: float, quick: bool, nanogpt: Path | None
) -> list[Row]:
    """Tokens a second of each contender at its own largest batch, in turn; its share of peak."""
    found = contenders(chip, config, nanogpt)
    for contender in found.values():  # all states in memory, before anyone takes what is left
        contender.update(*_batch(config, 1, chip))
    updates, notes = {}, {}
    for name, contender in found.items():
        B = largest_batch(contender, config, (2, 1) if quick else BATCHES)
        compiled = not quick and compile_in_place(contender, "blocks" not in name, B, config)
        notes[name] = f"batch {B} x {config.block_size}" + ("" if compiled else ", not compiled")
        x, y = _batch(config, B, chip)
        updates[name] = lambda c=contender, x=x, y=y: c.update(x, y), B * config.block_size
    flops = GPT(config).flops_per_token()
    rows = []
    for name, speed in ladder.speeds(updates, 0.05 if quick else 2.0).items():
        rows.append(Row(f"Training, {name}", speed, "tokens/s", notes[name]))
        rows.append(Row(f"Share of peak, {name}", 100 * speed * flops / peak, "%", notes[name]))
    return rows


def compile_in_place(contender: Contender, whole: bool, B: int, config: GPTConfig) -> bool:
    """Compile in place and run one update; without a compiler go on as it was, and say False."""
    parts = [contender.model] if whole else list(contender.model.blocks)
    for part in parts:
        part.compile(dynamic=False)
    try:
        float(contender.update(*_batch(config, B, contender.chip)))
        return True
    except Exception as error:  # compilers fail in many ways, none of which is this table's subject
        print(f"not compiled: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        for part in parts:
            part._compiled_call_impl = None  # PyTorch has no public way back
        return False


def sampling(chip: Chip, config: GPTConfig, quick: bool) -> list[Row]:
    """New tokens a second of GPT-2's shape, with and without the KV cache, and transformers'.

    A CUDA graph is recorded anew in each call, as for a learner who asks once.
    """
    model = GPT(config).to(chip.device).eval()
    theirs = transformers_gpt2(config).to(chip.device).eval()
    new = 8 if quick else 256
    ours = partial(generate, model, max_new_tokens=new, temperature=0)
    rows = []
    for texts in (1, 16):
        prompt = torch.zeros(texts, 1, dtype=torch.int64, device=chip.device)
        ways = {
            "KV cache": lambda p=prompt: ours(p),
            "CUDA graph": lambda p=prompt: ours(p, cuda_graph=True),
            "no KV cache": lambda p=prompt: ours(p, use_cache=False),
            "transformers": lambda p=prompt: theirs.generate(
                p,
                attention_mask=torch.ones_like(p),
                max_new_tokens=new,
                do_sample=False,
                pad_token_id=0,
            ),
        }
        for name, way in ways.items():
            with chip.autocast():
                way()
                seconds = fastest(lambda way=way: way().tolist(), 1 if quick else 3)
            how = f"{texts} texts, {new} new tokens, {_format(chip)}"
            rows.append(Row(f"Sampling, {name}, {texts}", texts * new / seconds, "tokens/s", how))
    return rows


class World:
    """smallworld as tokens, as chapter 6 trains on it, and the floor of its held-out part."""

    def __init__(self, documents: int = 20_000):
        encoding = smallworld.encoding()
        held_out = text.load("smallworld", "val", n_documents=200)
        written = text.load("smallworld", n_documents=documents)
        self.train = tokens.encode_documents(written, encoding)
        self.val = tokens.encode_documents(held_out, encoding)
        self.floor = smallworld.loss_floor("".join(d + tokens.END for d in held_out))
        self.start_token = encoding.eot_token
        self.shape = GPTConfig.preset("small", n_layer=2, block_size=smallworld.MAX_TOKENS)

    def windows(self, ids, batch_size: int, chip: Chip, seed: int = 0) -> Windows:
        where = {"start_token": self.start_token, "device": chip.device, "seed": seed}
        return Windows(ids, batch_size, self.shape.block_size, **where)


def agreement(chip: Chip, world: World, updates: int) -> list[Row]:
    """How far losses on this chip are from a CPU's in float32, on the same batches."""
    exact = ladder.Rung(fused_attention=True)
    reference = losses(device.pick("cpu"), world, exact, updates)
    how = f"largest difference of {updates} losses on the same batches"
    rows = []
    for name, rung in {"float32": exact, _format(chip): replace(exact, short=True)}.items():
        worst = (losses(chip, world, rung, updates) - reference).abs().max().item()
        rows.append(Row(f"From a CPU's losses, {name}", worst, "nats", how))
    return rows


def _format(chip: Chip) -> str:
    return str(chip.dtype).removeprefix("torch.")


def losses(chip: Chip, world: World, rung: ladder.Rung, updates: int) -> torch.Tensor:
    """The losses of the first updates, each before its update, on the CPU."""
    step = ladder.Step(ladder.make_model(world.shape, rung, chip), rung, chip)
    batches = world.windows(world.train, 8, chip)
    for group in step.optimizer.param_groups:
        group["lr"] = 1e-3
    return torch.stack([step(*batches.batch(i)).cpu() for i in range(updates)])


def speed_ladder(chip: Chip, quick: bool) -> dict[str, float]:
    """Tokens a second of each rung of chapter 6."""
    shape, B = (TINY, 2) if quick else ladder.shape_for(chip)
    updates = {
        name: ladder.make_update(shape, replace(rung, compile=rung.compile and not quick), chip, B)
        for name, rung in ladder.SPEED.items()
    }
    return ladder.speeds(updates, 0.02 if quick else 1.0)


def learning_ladder(chip: Chip, world: World, quick: bool) -> dict[str, list[float]]:
    """Nats above the floor for each rung: after 200 updates, and after 3 seconds."""
    train, val = world.windows(world.train, 8, chip), world.windows(world.val, 32, chip)
    learned = {}
    for name, rung in ladder.LEARNING.items():
        learn = partial(ladder.short_run, world.shape, rung, chip, train, val)
        runs = learn(updates=2 if quick else 200), learn(seconds=0.05 if quick else 3.0)
        learned[name] = [run.loss - world.floor for run in runs]
    return learned


if __name__ == "__main__":
    main()
