"""Chapter 7's moving picture: a run's work, memory, time, price and loss, before it is paid for."""

import math
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Context

import torch
import traitlets

from nbutils import planning
from nbutils.config import GPTConfig
from nbutils.words import sentence

from .picture import SECONDS, THOUSANDS, Picture, in_units, percent, readable

CHOICES = {
    "layers": (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128),
    "width": (64, 128, 256, 512, 768, 1024, 1280, 1600, 2048, 3072, 4096, 5120, 8192, 12288, 16384),
    "tokens": tuple(m * 10**e for e in range(6, 14) for m in (1, 3)),
    "windows": (1, 2, 4, 8, 16, 32, 64),
    "chips": tuple(2**i for i in range(15)),
    "utilisation": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    "dollars": (0.25, 0.5, 1, 2, 3, 4, 6, 8, 10),
}
"""What each slider goes through."""
VOCABULARY, LENGTH = 50_257, 1024  # GPT-2's
_PARTS = ("weights", "gradients", "optimizer", "copies", "activations", "logits")


class Plan(Picture):
    """Choose a network, an amount of text and chips: what the run will need, and whether it fits.

    Args:
        layers, width, tokens, windows, chips, utilisation, dollars: where the sliders stand at first, each
            one of `CHOICES`. ``windows``: of 1,024 tokens, on each chip at a time. ``utilisation``: the
            share of the chips' peak that arrives. ``dollars``: for a chip and an hour.
        chip: one of ``planning.ACCELERATORS``.
        short: products in 16 bits; else all in 32, for chips whose peak in that the maker tells.
        sharded: each of several chips keeps its share of weights and states only (FSDP), not all (DDP).
    """

    script = "plan.js"
    kept = (*CHOICES, "chip", "short", "sharded")

    layers = traitlets.Any().tag(sync=True)
    width = traitlets.Any().tag(sync=True)
    tokens = traitlets.Any().tag(sync=True)
    windows = traitlets.Any().tag(sync=True)
    chips = traitlets.Any().tag(sync=True)
    utilisation = traitlets.Any().tag(sync=True)
    dollars = traitlets.Any().tag(sync=True)
    chip = traitlets.Unicode().tag(sync=True)
    short = traitlets.Bool().tag(sync=True)
    sharded = traitlets.Bool().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    kinds = traitlets.Dict().tag(sync=True)  # name -> FLOPs a second in 16 bits and in 32, bytes
    law = traitlets.Dict(asdict(planning.CHINCHILLA_REFITTED)).tag(sync=True)
    known = traitlets.Dict().tag(sync=True)  # where the law was measured
    full = traitlets.Float(planning.MEMORY_SHARE).tag(sync=True)
    rule = traitlets.Int(planning.TOKENS_PER_PARAMETER).tag(sync=True)
    shape = traitlets.Dict({"vocabulary": VOCABULARY, "context": LENGTH}).tag(sync=True)

    def __init__(
        self,
        *,
        layers: int = 12,
        width: int = 768,
        tokens: int = 10**10,
        windows: int = 16,
        chip: str = "H100",
        chips: int = 8,
        short: bool = True,
        sharded: bool = False,
        utilisation: float = 0.4,
        dollars: float = 2,
    ):
        asked = dict(layers=layers, width=width, tokens=tokens, windows=windows, chips=chips)
        asked |= dict(utilisation=utilisation, dollars=dollars)
        for name, value in asked.items():
            if isinstance(value, bool) or value not in CHOICES[name]:
                those = ", ".join(f"{one:,}" for one in CHOICES[name])
                raise ValueError(
                    sentence(
                        "{name}={value} must be one of {those}",
                        name=name,
                        value=repr(value),
                        those=those,
                    )
                )
        if chip not in planning.ACCELERATORS:
            raise ValueError(
                sentence(
                    "chip={chip} must be one of {names}",
                    chip=repr(chip),
                    names=", ".join(planning.ACCELERATORS),
                )
            )
        for name, value in (("short", short), ("sharded", sharded)):
            if not isinstance(value, bool):
                raise TypeError(
                    sentence("{name}={value} must be True or False", name=name, value=repr(value))
                )
        super().__init__(
            **{name: CHOICES[name][CHOICES[name].index(value)] for name, value in asked.items()},
            chip=chip,
            short=short,
            sharded=sharded,
            choices={name: list(values) for name, values in CHOICES.items()},
            kinds={name: _kind(made) for name, made in planning.ACCELERATORS.items()},
            known={name: list(ends) for name, ends in planning.CHINCHILLA_RUNS.items()},
        )
        if self.peak is None:
            raise ValueError(
                sentence(
                    "short=False: nobody says {chip}'s peak in float32; choose short=True",
                    chip=chip,
                )
            )

    def config(self) -> GPTConfig:
        """The network, with heads 64 wide."""
        return GPTConfig(
            vocab_size=VOCABULARY,
            block_size=LENGTH,
            n_layer=self.layers,
            n_head=self.width // 64,
            n_embd=self.width,
        )

    @property
    def peak(self) -> float | None:
        """FLOPs a second of a chip in the chosen format; None where the maker does not tell."""
        return self.kinds[self.chip][0 if self.short else 1]

    def memory(self) -> dict[str, int]:
        """Bytes on each chip, by part. Gradients of a batch's parts are added up, so all is there at once."""
        dtype = torch.bfloat16 if self.short else torch.float32
        kind = "fsdp" if self.sharded and self.chips > 1 else "ddp"
        windows = self.windows * self.chips
        return planning.process_memory(self.config(), windows, kind, self.chips, dtype=dtype)

    def needs(self) -> dict[str, float]:
        """Parameters; FLOPs, and their part by 6 N D; seconds, dollars, and the loss by the law where it is known."""
        n = sum(planning.parameters(self.config()).values())
        flops = self.tokens * planning.training_flops(self.config())
        seconds = planning.training_time(flops, self.peak, self.utilisation, self.chips)
        dollars = planning.price(seconds, self.chips, self.dollars)
        needs = {"n": n, "flops": flops, "seconds": seconds, "dollars": dollars}
        if all(
            low <= {"n": n, "d": self.tokens}[name] <= high
            for name, (low, high) in self.known.items()
        ):
            needs["loss"] = planning.CHINCHILLA_REFITTED.loss(n, self.tokens)
        return needs

    def numbers(self) -> list[float]:
        """Every number that the picture shows, the memory's parts first."""
        return [float(number) for number in (*self.memory().values(), *self.needs().values())]

    def summary(self) -> str:
        needs, parts = self.needs(), self.memory()
        total, memory = sum(parts.values()), planning.ACCELERATORS[self.chip].memory
        state = "over" if total > memory else "tight" if total > self.full * memory else "fits"
        sizes, amounts, times = (self._words[name] for name in ("bytes", "amounts", "times"))
        largest = max(parts, key=parts.get)
        said = (
            self.say(
                "work",
                n=in_units(needs["n"], THOUSANDS, amounts),
                d=in_units(self.tokens, THOUSANDS, amounts),
                flops=scientific(needs["flops"]),
                times=readable(needs["flops"] / (6 * needs["n"] * self.tokens)),
            ),
            self.say(
                "run",
                chips=f"{self.chips:,}",
                chip=self.chip,
                share=percent(self.utilisation),
                time=in_units(needs["seconds"], SECONDS, times),
                price=readable(needs["dollars"]),
            ),
            self.say(
                state,
                total=in_units(total, THOUSANDS, sizes),
                memory=in_units(memory, THOUSANDS, sizes),
                chip=self.chip,
                part=self._words["parts"][_PARTS.index(largest)],
                share=percent(parts[largest] / total),
            ),
            self._learns(needs),
        )
        return " ".join(said)

    def _learns(self, needs: dict[str, float]) -> str:
        ratio = readable(self.tokens / needs["n"])
        if "loss" not in needs:
            return self.say("unknown", ratio=ratio, rule=self.rule)
        return self.say("loss", ratio=ratio, rule=self.rule, loss=readable(needs["loss"]))


def scientific(value: float) -> str:
    """A large number with three digits that matter: 8.54 · 10¹⁸."""
    rounded = Context(3, ROUND_HALF_UP).create_decimal(value)  # as JavaScript does it
    digits, power = f"{rounded:e}".split("e+")
    return f"{readable(float(digits))} · 10{power.translate(_RAISED)}"


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _kind(made: planning.Accelerator) -> list[float | None]:
    return [made.peak, None if math.isnan(made.peak_float32) else made.peak_float32, made.memory]
