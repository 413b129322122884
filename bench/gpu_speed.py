"""How fast a GPU multiplies, trains GPT-2 and writes with it, beside others: steps of ``gpu.py``."""

import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from gpu_run import AGAIN, Bench, NoRoom, Step, find_room, tell
from peers import about_nanogpt, nanogpt_gpt, transformers_gpt2
from rows import Row, fastest
from torch import nn

from nbutils import chips, device, ladder, planning
from nbutils.config import GPTConfig, TrainConfig
from nbutils.device import Chip
from nbutils.model import GPT
from nbutils.optim import make_optimizer
from nbutils.sampling import generate

BATCHES = (8, 4, 2, 1)  # an update of the largest takes ours about 10 GB
HUNGER = {"transformers": 1.4}  # times as much as ours, before it is compiled: counted by shapes


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
        return ladder.backward_and_step(loss, self.model, self.optimizer, self.scaler)


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
    whole = planning.inference_memory(config, texts, length, planning.FP32_BYTES)
    copies = planning.inference_memory(config, texts, length, planning.BF16_BYTES)["weights"]
    return sum(whole.values()) + copies + planning.FP32_BYTES * texts * config.vocab_size


def _theirs(model, prompt: torch.Tensor, new: int) -> torch.Tensor:
    how = dict(attention_mask=torch.ones_like(prompt), do_sample=False, pad_token_id=1)
    return model.generate(prompt, max_new_tokens=new, **how)


_ours = {
    "KV cache": partial(generate, temperature=0),
    "CUDA graph": partial(generate, temperature=0, cuda_graph=True),
    "no KV cache": partial(generate, temperature=0, use_cache=False),
}
