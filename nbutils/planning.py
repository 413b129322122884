"""What a run will need, before it starts: parameters, FLOPs, memory, time and money.

Plain arithmetic over a `GPTConfig`; nothing is built. N is the number of parameters, D
the number of training tokens; B (batch), T (time), C (channels), H (heads) and V (vocabulary) are
as in ``nbutils.model``, L is the number of layers. Memory is in bytes, time in seconds, work in
FLOPs: floating-point operations, where a multiplication and an addition are two.
"""

import json
import math
from dataclasses import dataclass
from importlib import resources
from numbers import Real

import numpy as np
import torch

from nbutils.arguments import finite, of_type, one_of, plain, shown, whole, yes_or_no
from nbutils.attention import IN_PIECES, PIECE
from nbutils.config import GPTConfig
from nbutils.device import Chip, free_memory, measure_peak
from nbutils.words import sentence

FP32_BYTES = 4
BF16_BYTES = 2  # float16 too

# What errors say.
_NO_ROOM = (
    "available={available} bytes is too little: the smallest network takes {needed}, and a fifth "
    "should stay free"
)
_NO_LENGTH = "length={length} must be from 1 to block_size={block_size}"
_NOT_SHARED = "batch_size={batch_size} can't be shared by {processes} processes"
_NO_SHARE = "utilisation={utilisation} must be above 0 and at most 1, such as 0.4"
_NO_PEAK = "peak={peak} must be above 0, in FLOPs a second, such as device.measure_peak(chip)"
_TOO_FEW = "{runs} runs can't fix {unknown} unknown numbers; measure more"
_NO_FLOOR = "floor={floor} is not below the lowest loss, {lowest}"


@dataclass(frozen=True)
class Accelerator:
    """A chip as its maker describes it."""

    peak: float
    """FLOPs a second for dense matrix products in bfloat16."""
    memory: float
    """Bytes."""
    source: str
    bandwidth: float = math.nan
    """Bytes a second that this memory gives or takes; nan where nobody has said it."""
    peak_float32: float = math.nan
    """FLOPs a second in float32, not shortened; nan where the maker does not say it."""


ACCELERATORS = {
    "T4": Accelerator(
        65e12, 16e9, "NVIDIA T4 data sheet; float16, it has no bfloat16", 320e9, 8.1e12
    ),
    "L4": Accelerator(
        121e12, 24e9, "NVIDIA L4 data sheet, half of its figure with sparsity", 300e9, 30.3e12
    ),
    "A100": Accelerator(312e12, 80e9, "NVIDIA A100 data sheet, SXM with 80 GB", 2039e9, 19.5e12),
    "H100": Accelerator(
        989e12, 80e9, "NVIDIA H100 data sheet, SXM, half of that with sparsity", 3350e9, 67e12
    ),
    "H200": Accelerator(
        989e12, 141e9, "NVIDIA H200 data sheet, SXM, half of that with sparsity", 4800e9, 67e12
    ),
    "B200": Accelerator(2250e12, 180e9, "NVIDIA DGX B200 data sheet, an eighth, dense", 8000e9),
}
"""For a chip that is not here (a CPU, an Apple GPU) take what ``device.measure_peak`` says."""


def parameters(config: GPTConfig) -> dict[str, int]:
    """The parameters of each part; their sum is ``GPT(config).num_parameters()``."""
    of_type("config", config, GPTConfig, 'give one, such as GPTConfig.preset("gpt2")')
    C, L, V = config.n_embd, config.n_layer, config.vocab_size
    bias = 1 if config.bias else 0
    return {
        "token table": V * C,
        "position table": 0 if config.rotary else config.block_size * C,
        "attention": L * (4 * C * C + bias * 4 * C),  # query, key, value; projection
        "MLP": L * (8 * C * C + bias * 5 * C),  # expand; contract
        "norms": (2 * L + 1) * (1 if config.rms_norm else 1 + bias) * C,
        "head": 0 if config.tie_weights else V * C,
    }


def training_flops(config: GPTConfig, length: int | None = None) -> int:
    """FLOPs of training on one token, as ``GPT.flops_per_token`` counts them in a network.

    6 for each weight that multiplies, 12 L C T for attention's products (T: ``length``; None:
    ``block_size``). Raises ``ValueError`` for a length that does not fit.
    """
    of_type("config", config, GPTConfig, 'give one, such as GPTConfig.preset("gpt2")')
    C, L = config.n_embd, config.n_layer
    T = config.block_size if length is None else whole("length", length, -math.inf)
    if not 1 <= T <= config.block_size:
        raise ValueError(sentence(_NO_LENGTH, length=T, block_size=config.block_size))
    head = config.vocab_size * C  # tied or not, it multiplies
    return 6 * (block_matrices(config) + head) + 12 * L * C * T


def block_matrices(config: GPTConfig) -> int:
    """The weights that multiply inside the blocks: Muon takes them, autocast copies them."""
    return 12 * config.n_layer * config.n_embd**2


def inference_flops(config: GPTConfig, length: int | None = None) -> int:
    """FLOPs of one new token after ``length - 1`` others whose keys and values are kept.

    Forward alone: a third of training. Raises ``ValueError`` as `training_flops`.
    """
    return training_flops(config, length) // 3


def training_memory(
    config: GPTConfig,
    batch_size: int,
    length: int | None = None,
    *,
    optimizer: str = "adamw",
    dtype: torch.dtype = torch.bfloat16,
    device: str = "cuda",
    checkpointing: bool = False,
    split: int = 1,
    written_out: bool = False,
) -> dict[str, int]:
    """Bytes that ``training.train`` needs at once for a batch of ``batch_size`` windows, by part.

    ``optimizer``: "adamw" or "muon". ``dtype``: the format of matrix products under autocast;
    weights, gradients, optimizer states and the residual stream stay float32. ``device``: a "cpu"
    keeps attention's weights, or float32 (``attention.attention``). ``checkpointing``: keep each block's
    input alone and compute the rest again on the way back. ``split``: how many processes share
    each block's heads and neurons (tensor parallelism); the answer is for one of them.
    ``written_out``: attention keeps all its weights (``attention_written_out``), as on a Mac's GPU
    it always does (PyTorch issue 179294).

    Counted for GPT-2's block, whose dropout is 0: uncompiled, ``GPTConfig``'s switches keep up to
    two thirds more of each token. What no formula knows (fragments of free memory, the program
    itself) is left out. See `peak_memory` for how much of it there is at a time.

    Source: Korthikanti et al. (2022), "Reducing Activation Recomputation in Large Transformer
    Models", section 4, counted anew for this model: no dropout, attention's weights never stored,
    the stream in float32.

    Raises ``ValueError`` for an unknown optimizer.
    """
    total, batch_size = sum(parameters(config).values()), whole("batch_size", batch_size, 1)
    C, L, split = config.n_embd, config.n_layer, whole("split", split, 1)
    shared = 12 * L * C * C + (7 * L * C if config.bias else 0)  # cut by heads and neurons
    total += shared // split - shared
    matrices = block_matrices(config) // split
    T = config.block_size if length is None else whole("length", length, 1)
    tokens = batch_size * T
    short = min(FP32_BYTES, of_type("dtype", dtype, torch.dtype, "give torch.bfloat16").itemsize)
    in_pieces = device == "cpu" and short != FP32_BYTES and T <= IN_PIECES
    in_attention = short if in_pieces or device != "cpu" else FP32_BYTES
    kept = saved_by_block(config, short, in_attention, split)
    kept += short * config.n_head // split * attention_pairs(T) // T if in_pieces else 0
    if yes_or_no("written_out", written_out) or device == "mps":
        # the softmax in float32, and shortened for the product with the values
        kept += (FP32_BYTES + (short if short != FP32_BYTES else 0)) * config.n_head // split * T
    in_blocks, copied = L * kept, matrices
    if yes_or_no("checkpointing", checkpointing):  # of one block at a time
        in_blocks, copied = L * FP32_BYTES * C + kept, matrices // L
    return {
        "weights": FP32_BYTES * total,
        "gradients": FP32_BYTES * total,
        "optimizer": _states(optimizer, total, matrices),
        # the head has the token table's shape
        "copies": 0 if short == FP32_BYTES else short * (copied + config.vocab_size * C),
        "activations": tokens * (in_blocks + (FP32_BYTES + short) * C),  # final norm, head
        # log-probabilities, and on the way back the gradient that comes and the one that goes
        "logits": tokens * 3 * FP32_BYTES * config.vocab_size,
    }


def peak_memory(parts: dict[str, int], accumulation: int = 1) -> int:
    """The most bytes at a time, of the parts that `training_memory` gave.

    An update begins without gradients, so at the turn from forward to backward there are none
    yet, and at its end there is nothing else but what stays. With ``accumulation`` the gradients
    of the batch's earlier parts wait through the turn.
    """
    whole, gradients = sum(parts.values()), parts["gradients"]
    if accumulation > 1:
        return whole
    return max(whole - gradients, parts["weights"] + gradients + parts["optimizer"])


@dataclass(frozen=True)
class Fit:
    """A network that a chip can train, and what an update takes there."""

    preset: str
    config: GPTConfig
    batch_size: int
    """Windows of ``config.block_size`` tokens in an update."""
    memory: int
    """Bytes, by `training_memory`."""
    available: float
    """Bytes that the chip has free."""
    seconds: float
    """Of an update, if `USUAL_UTILISATION` of the chip's peak arrives."""

    def __str__(self) -> str:
        size = sum(parameters(self.config).values())
        return sentence(
            "{preset}, {size} parameters, in batches of {batch_size} x {block_size} tokens: {memory} of "
            "{available} GB, about {seconds} s an update"
            if self.available < float("inf")
            else "{preset}, {size} parameters, in batches of {batch_size} x {block_size} tokens: {memory} "
            "GB, about {seconds} s an update",
            preset=self.preset,
            size=f"{size:,}",
            batch_size=self.batch_size,
            block_size=f"{self.config.block_size:,}",
            memory=f"{self.memory / 1e9:.1f}",
            available=f"{self.available / 1e9:.0f}",
            seconds=f"{self.seconds:.2g}",
        )


SIZES = ("gpt2-xl", "gpt2-large", "gpt2-medium", "gpt2", "small")
"""The presets among which `largest` chooses."""
BATCHES = (32, 16, 8, 4)
MEMORY_SHARE = 0.8  # of the memory; the rest is for what no formula knows
USUAL_UTILISATION = 0.3  # of the measured peak: what training gets on most chips


def largest(
    chip: Chip, available: float | None = None, peak: float | None = None, *, seconds: float = 2.0
) -> Fit:
    """The largest of `SIZES` that trains on the chip with AdamW, in the largest of `BATCHES` that fits.

    It fits if `MEMORY_SHARE` of ``available`` (bytes; None: ``device.free_memory``) holds it and an update takes at
    most ``seconds`` at `USUAL_UTILISATION` of ``peak`` (FLOPs a second; None: ``device.measure_peak``). A chip that
    is too slow for all gets the smallest.

    Raises ``ValueError`` if not even the smallest finds room, or for a peak that is not above 0.
    """
    of_type("chip", chip, Chip, "give one, such as device.pick()")
    if available is None:
        available = free_memory(chip)
    if type(plain(available)) is not float:  # which may be infinite
        available = finite("available", available, -math.inf, or_none="None for what is free")
    peak, seconds = measure_peak(chip) if peak is None else peak, finite("seconds", seconds)
    peak = _peak(peak)
    for preset in SIZES:
        config = GPTConfig.preset(preset)
        for batch_size in BATCHES:
            parts = training_memory(config, batch_size, dtype=chip.dtype, device=chip.device.type)
            needed = peak_memory(parts)
            work = batch_size * config.block_size * training_flops(config)
            took = training_time(work, peak, USUAL_UTILISATION)
            in_time = took <= seconds or (preset, batch_size) == (SIZES[-1], BATCHES[-1])
            if needed <= MEMORY_SHARE * available and in_time:
                return Fit(preset, config, batch_size, needed, available, took)
    raise ValueError(sentence(_NO_ROOM, available=f"{available:.3g}", needed=f"{needed:.3g}"))


def saved_by_block(
    config: GPTConfig, short: int = BF16_BYTES, attention: int = BF16_BYTES, split: int = 1
) -> int:
    """Bytes that a block keeps of each token for the way back: 36 C in bfloat16 on a GPU.

    ``short``: bytes of a number in matrix products; ``attention``: inside attention. Where that
    stays float32 46 C in bfloat16, everywhere 64 C in float32. ``split``: see `training_memory`. The norms'
    means and attention's sums, less than a hundredth, are left out.
    """
    C = config.n_embd
    whole = 2 * FP32_BYTES * C  # the stream, as each of the two norms finds it
    whole += 2 * short * C  # what goes into query_key_value and expand
    shared = 3 * attention * C  # queries, keys, values
    shared += short * C  # attention's answer, which goes into projection
    shared += attention * C if attention != short else 0  # that answer before it was shortened
    shared += 2 * short * 4 * C  # before and after GELU; contract reads the second
    return whole + shared // split


def attention_pairs(length: int) -> int:
    """Queries times keys that a CPU multiplies and keeps in each head (``attention.attention``)."""
    starts = range(0, length, PIECE)
    return sum(min(PIECE, length - start) * min(start + PIECE, length) for start in starts)


def _states(optimizer: str, total: int, matrices: int) -> int:
    """AdamW keeps two numbers for each parameter, Muon one for each of the blocks' matrices."""
    one_of("optimizer", optimizer, ("adamw", "muon"))
    return 2 * FP32_BYTES * total - (FP32_BYTES * matrices if optimizer == "muon" else 0)


def process_memory(
    config: GPTConfig, batch_size: int, kind: str, processes: int, **how
) -> dict[str, int]:
    """Bytes of one of several processes that train together on ``batch_size`` windows, by part.

    ``kind``: one of ``config.PARALLEL``: "ddp", "fsdp" or "tensor". ``how``: as for
    `training_memory`. For "fsdp" the copies are the weights gathered at a time: one block's
    matrices, and in float32 what is around them.

    Source: Rajbhandari et al. (2020), "ZeRO"; Shoeybi et al. (2019), "Megatron-LM".

    Raises ``ValueError`` for an unknown kind, or a batch that can't be shared out.
    """
    _check_kind(kind)
    batch_size, processes = whole("batch_size", batch_size, 1), whole("processes", processes, 1)
    if kind == "tensor":
        return training_memory(config, batch_size, split=processes, **how)
    if batch_size % processes:
        raise ValueError(sentence(_NOT_SHARED, batch_size=batch_size, processes=processes))
    parts = training_memory(config, batch_size // processes, **how)
    if kind == "fsdp":
        blocks, around = _blocks_and_around(config)
        number = BF16_BYTES if parts["copies"] else FP32_BYTES
        gathered = number * blocks // config.n_layer + FP32_BYTES * around
        if parts["copies"]:
            gathered += BF16_BYTES * config.vocab_size * config.n_embd  # the head's, by autocast
        shares = {name: parts[name] // processes for name in ("weights", "gradients", "optimizer")}
        parts = {**parts, **shares, "copies": gathered}
    return parts


def _blocks_and_around(config: GPTConfig) -> tuple[int, int]:
    """Parameters of attention and MLP in all blocks, and all others."""
    counts = parameters(config)
    blocks = counts["attention"] + counts["MLP"]
    return blocks, sum(counts.values()) - blocks


def sent_per_step(
    config: GPTConfig, tokens: int, kind: str, processes: int, number: int = BF16_BYTES
) -> int:
    """Bytes that each process sends in one update on ``tokens`` tokens of the whole batch.

    In a ring a process sends (p - 1) / p of the data for an all-gather or a reduce-scatter, and
    twice that for an all-reduce (Patarasu and Yuan, 2009). Gradients travel as float32;
    ``number``: bytes of a number in matrix products, for "fsdp" a weight's, for "tensor" an
    activation's. Raises ``ValueError`` for an unknown kind.
    """
    _check_kind(kind)
    tokens, processes = whole("tokens", tokens), whole("processes", processes, 1)
    number = whole("number", number, 1)
    ring = (processes - 1) / processes
    total = sum(parameters(config).values())
    if kind == "ddp":
        return int(ring * 2 * FP32_BYTES * total)
    if kind == "fsdp":  # the blocks' matrices forward and again backward, then all gradients
        blocks, around = _blocks_and_around(config)
        return int(ring * (2 * number * blocks + FP32_BYTES * around + FP32_BYTES * total))
    # in each layer two sums forward and two backward, each an all-reduce of (B, T, C)
    return int(ring * 2 * 4 * config.n_layer * config.n_embd * tokens * number)


def _check_kind(kind: str) -> None:
    one_of("kind", kind, ("ddp", "fsdp", "tensor"))


def inference_memory(
    config: GPTConfig, batch_size: int = 1, length: int | None = None, number: int = BF16_BYTES
) -> dict[str, int]:
    """Bytes to write ``batch_size`` texts of ``length`` tokens; ``number``: bytes of a number.

    In the KV cache each token leaves a key and a value of C numbers in each layer.
    """
    total, number = sum(parameters(config).values()), whole("number", number, 1)
    T = config.block_size if length is None else whole("length", length, 1)
    tokens = whole("batch_size", batch_size, 1) * T
    return {
        "weights": number * total,
        "KV cache": number * 2 * config.n_layer * config.n_embd * tokens,
    }


def training_time(flops: float, peak: float, utilisation: float, chips: int = 1) -> float:
    """Seconds that ``flops`` take on ``chips`` that do ``peak`` each, of which a share arrives.

    ``utilisation``: that share, above 0 and at most 1 (model FLOPs utilization, Chowdhery et al.
    2022). Raises ``ValueError`` for another share.
    """
    flops, chips = finite("flops", flops), whole("chips", chips, 1)
    peak, utilisation = _peak(peak), finite("utilisation", utilisation, -math.inf)
    if not 0 < utilisation <= 1:
        raise ValueError(sentence(_NO_SHARE, utilisation=utilisation))
    return flops / (peak * utilisation * chips)


def _peak(peak: float) -> float:
    number = plain(peak)
    if not isinstance(number, Real) or isinstance(number, bool) or not 0 < number <= 1e300:
        raise ValueError(sentence(_NO_PEAK, peak=shown(peak)))
    return float(number)


def price(seconds: float, chips: int, dollars_an_hour: float) -> float:
    """Dollars for so many chips for so long, at the price of one chip for an hour."""
    seconds, dollars = finite("seconds", seconds), finite("dollars_an_hour", dollars_an_hour)
    return seconds / 3600 * whole("chips", chips) * dollars


@dataclass(frozen=True)
class ScalingLaw:
    """The loss of a network of N parameters after D tokens: E + A / N^alpha + B / D^beta.

    Source: Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", approach 3.
    """

    E: float
    A: float
    alpha: float
    B: float
    beta: float

    def loss(self, n: float, d: float) -> float:
        """Nats per token."""
        return self.E + self.A / n**self.alpha + self.B / d**self.beta

    def optimum(self, flops: float) -> tuple[float, float]:
        """The N and D with the lowest loss among all whose 6 N D is ``flops``."""
        ratio = self.alpha * self.A / (self.beta * self.B)
        n = ratio ** (1 / (self.alpha + self.beta))
        n *= (flops / 6) ** (self.beta / (self.alpha + self.beta))
        return n, flops / 6 / n


CHINCHILLA = ScalingLaw(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28)
"""As the paper prints it."""

CHINCHILLA_REFITTED = ScalingLaw(E=1.8172, A=482.01, alpha=0.3478, B=2085.43, beta=0.3658)
"""Besiroglu et al. (2024), "Chinchilla Scaling: A replication attempt"."""

CHINCHILLA_RUNS = {"n": (70e6, 16e9), "d": (5e9, 500e9)}
"""How large and how long the runs were behind both, from and to; beyond them a law is a guess. Hoffmann et al.,
abstract: "over 400 language models ranging from 70 million to over 16 billion parameters on 5 to 500 billion
tokens"."""

TOKENS_PER_PARAMETER = 20  # the rule of thumb that the same paper's other two approaches gave


def compute_optimal(flops: float) -> tuple[float, float]:
    """N and D by the rule of 20 tokens a parameter, with 6 N D = ``flops``."""
    n = (finite("flops", flops) / 6 / TOKENS_PER_PARAMETER) ** 0.5
    return n, TOKENS_PER_PARAMETER * n


def fit_scaling_law(n, d, losses, floor: float | None = None) -> ScalingLaw:
    """The law nearest to measured runs: parameters ``n``, tokens ``d``, ``losses``, 1-D each.

    Nearest in the mean square of the relative error of the loss, or with a known ``floor`` (E) of
    the loss above it. Every pair of exponents from 0.1 to 2 in steps of 0.05 is tried; the law is
    linear in its other numbers, which least squares finds.

    Raises ``ValueError`` if there are fewer runs than unknown numbers, or a loss is not above the
    floor.
    """
    n, d, losses = (np.asarray(x, dtype=float) for x in (n, d, losses))
    unknown = 5 if floor is None else 4
    if len(losses) < unknown:
        raise ValueError(sentence(_TOO_FEW, runs=len(losses), unknown=unknown))
    above = losses - (floor or 0)
    if above.min() <= 0:
        raise ValueError(sentence(_NO_FLOOR, floor=floor, lowest=losses.min()))
    tried = [
        _fit_with(alpha, beta, n, d, above, floor) for alpha in _EXPONENTS for beta in _EXPONENTS
    ]
    return min((fit for fit in tried if fit), key=lambda fit: fit[0])[1]


_EXPONENTS = np.arange(0.1, 2.001, 0.05)


def _fit_with(alpha, beta, n, d, above, floor) -> tuple[float, ScalingLaw] | None:
    """Error and law for two exponents; None if a term would be negative."""
    terms = [(n / n.min()) ** -alpha, (d / d.min()) ** -beta]
    if floor is None:
        terms.append(np.ones_like(above))
    rows = np.stack(terms, axis=1) / above[:, None]  # (runs, unknown): each row should sum to 1
    found = np.linalg.lstsq(rows, np.ones_like(above), rcond=None)[0]
    if (found < 0).any():
        return None
    error = np.mean((rows @ found - 1) ** 2)
    E = floor if floor is not None else found[2]
    return error, ScalingLaw(
        E=float(E),
        A=float(found[0] * n.min() ** alpha),
        alpha=float(alpha),
        B=float(found[1] * d.min() ** beta),
        beta=float(beta),
    )


def scaling_runs() -> list[dict]:
    """Small GPTs trained on smallworld, as ``bench/scaling.py`` measured and stored them.

    Each has ``width`` (C), ``steps``, ``seed``, ``n`` (parameters), ``d`` (training tokens),
    ``loss`` and ``floor`` (nats per token, on the same held-out documents).
    """
    return json.loads(resources.files("nbutils").joinpath("scaling.json").read_text("utf-8"))
