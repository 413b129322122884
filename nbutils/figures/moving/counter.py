"""Chapter 3c's moving picture: what a GPT of any shape has and needs, counted before it is built."""

import math

import traitlets

from nbutils import planning
from nbutils.config import PRESETS, SWITCHES, GPTConfig
from nbutils.words import sentence

from .picture import SECONDS, THOUSANDS, Picture, in_units, percent, readable, whole_number

UTILISATION = 0.4
"""The share of a chip's peak that training gets: a usual one for large networks."""
FIELDS = {
    "layers": "n_layer",
    "width": "n_embd",
    "heads": "n_head",
    "vocabulary": "vocab_size",
    "context": "block_size",
}
MOST = {
    "layers": 1000,
    "width": 65_536,
    "heads": 65_536,
    "vocabulary": 10**6,
    "context": 10**6,
    "billions": 100_000,
}
"""Up to these JavaScript counts without rounding."""


class Counter(Picture):
    """Choose a network, change its numbers: its parameters, memory, operations and training time.

    Args:
        preset: one of `config.PRESETS` without a switch.
        chip: one of `planning.ACCELERATORS`.
        billions: how many billion tokens it is trained on.
    """

    script = "counter.js"
    kept = ("shape", "before", "billions", "chip")

    shape = traitlets.Dict().tag(sync=True)  # FIELDS' numbers, and whether the head is tied
    before = traitlets.Dict().tag(sync=True)  # the shape that it is compared with; {} for none
    billions = traitlets.Any().tag(sync=True)
    chip = traitlets.Unicode().tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)  # name -> shape
    chips = traitlets.Dict().tag(sync=True)  # name -> (operations a second, bytes)
    most = traitlets.Dict(MOST).tag(sync=True)
    utilisation = traitlets.Float(UTILISATION).tag(sync=True)

    def __init__(self, preset: str = "gpt2", *, chip: str = "H100", billions: int = 300):
        names = [name for name in PRESETS if not {*SWITCHES} & {*PRESETS[name]}]
        presets = {name: _shape(name) for name in sorted(names, key=_size)}
        if preset not in presets:
            raise ValueError(
                sentence(
                    "preset={preset} must be one of {names}",
                    preset=repr(preset),
                    names=", ".join(presets),
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
        super().__init__(
            shape=presets[preset],
            chip=chip,
            presets=presets,
            billions=whole_number("billions", billions, 1, MOST["billions"]),
            chips={name: [one.peak, one.memory] for name, one in planning.ACCELERATORS.items()},
        )

    def config(self) -> GPTConfig:
        """The network that the picture counts."""
        numbers = {field: self.shape[name] for name, field in FIELDS.items()}
        return GPTConfig(**numbers, tie_weights=self.shape["tied"])

    def needs(self) -> dict[str, float]:
        """Bytes to train and to run, operations a token in training and running, seconds."""
        config, work = self.config(), planning.training_flops(self.config())
        peak = planning.ACCELERATORS[self.chip].peak
        return {
            "train": planning.peak_memory(planning.training_memory(config, batch_size=1)),
            "run": sum(planning.inference_memory(config).values()),
            "operations": work,
            "forward": planning.inference_flops(config),
            "seconds": planning.training_time(work * self.billions * 10**9, peak, self.utilisation),
        }

    def numbers(self) -> list[float]:
        """Every number that the picture shows, the parameters of each part first; then the same
        of the network before."""
        own = [*planning.parameters(self.config()).values(), *self.needs().values()]
        earlier = self.earlier()
        return own + earlier.numbers() if earlier else own

    def earlier(self) -> "Counter | None":
        """The network before, counted alike; None where there is none or it is the same."""
        if self.before in ({}, self.shape):
            return None
        counter = Counter(chip=self.chip, billions=self.billions)
        counter.shape = self.before
        return counter

    def summary(self) -> str:
        parts, needs = planning.parameters(self.config()), self.needs()
        total = sum(parts.values())
        chips = math.ceil(needs["train"] / planning.ACCELERATORS[self.chip].memory)
        sizes = self._words["bytes"]
        train, run = (in_units(needs[name], THOUSANDS, sizes) for name in ("train", "run"))
        time = in_units(needs["seconds"], SECONDS, self._words["times"])
        said = (
            self.say("said", total=f"{total:,}", share=percent(parts["MLP"] / total)),
            *self._compared(total),
            self.say(
                "one" if chips == 1 else "many",
                train=train,
                run=run,
                chip=self.chip,
                chips=f"{chips:,}",
            ),
            self.say("computes", billions=f"{self.billions:,}", chip=self.chip, time=time),
        )
        return " ".join(said)

    def _compared(self, total: int) -> list[str]:
        if not self.earlier():
            return []
        before = sum(planning.parameters(self.earlier().config()).values())
        names = [name for name, shape in self.presets.items() if shape == self.before]
        name = names[0] if names else self._words["earlier"]
        times = readable(total / before)
        return [self.say("compared", times=times, before=f"{before:,}", name=name)]


def _shape(preset: str) -> dict:
    config = GPTConfig.preset(preset)
    return {name: getattr(config, field) for name, field in FIELDS.items()} | {
        "tied": config.tie_weights
    }


def _size(preset: str) -> int:
    return sum(planning.parameters(GPTConfig.preset(preset)).values())
