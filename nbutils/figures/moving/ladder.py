"""Chapter 6's moving picture: which ways to train faster are on, what each brings, what stays unused."""

from collections.abc import Iterable

import traitlets

from nbutils import ladder, planning
from nbutils.config import GPTConfig
from nbutils.words import sentence

from .picture import Picture, percent, readable, whole_number

WAYS = tuple(ladder.WAYS)
"""In the order of chapter 6."""
_LARGER = next(
    [i, change["larger_batch"]]
    for i, change in enumerate(ladder.WAYS.values())
    if "larger_batch" in change
)


class Ladder(Picture):
    """Turn ways to train faster on and off: the time of a step as it was measured, and the chip's limit beside it.

    Every number is measured or, where the sentence says so, a quotient of two that are: no combination
    that nobody measured can be set.

    Args:
        on: those of ``ladder.WAYS`` that are on at first.
        runs: what was measured, a run for each machine, as ``ladder.stored_combinations`` gives them. A
            combination may be missing from a run.
        machine: the place of the run to begin with.
    """

    script = "ladder.js"
    kept = ("machine", "on")

    machines = traitlets.List().tag(sync=True)
    machine = traitlets.Int().tag(sync=True)
    on = traitlets.Int().tag(sync=True)  # a bit for each way, the first one's the lowest
    larger = traitlets.List(_LARGER).tag(sync=True)  # which way enlarges batches, how many times

    def __init__(
        self, on: Iterable[str] = (), *, runs: list[dict] | None = None, machine: int | None = None
    ):
        runs = ladder.stored_combinations() if runs is None else runs
        on = tuple(on)
        if unknown := [way for way in on if way not in WAYS]:
            raise ValueError(
                sentence(
                    "on has {unknown}, which is none of {names}",
                    unknown=repr(unknown[0]),
                    names=", ".join(WAYS),
                )
            )
        machine = len(runs) - 1 if machine is None else machine  # the newest
        super().__init__(
            machines=[_machine(run) for run in runs],
            machine=whole_number("machine", machine, 0, len(runs) - 1),
            on=sum(1 << WAYS.index(way) for way in set(on)),
        )
        if self._run["speeds"][self.on] is None:
            raise ValueError(
                sentence(
                    "on={on} was not measured on {machine}", on=repr(on), machine=self._run["name"]
                )
            )

    @property
    def _run(self) -> dict:
        return self.machines[self.machine]

    def milliseconds(self, on: int) -> float:
        """Of 1,000 tokens with these ways on."""
        return 1e6 / self._run["speeds"][on]

    def brings(self) -> list[float | None]:
        """How many times as fast each way makes the step, beside the others that are on.

        None where the combination without it, or with it, was not measured.
        """
        speeds = self._run["speeds"]
        pairs = [(speeds[self.on | 1 << i], speeds[self.on & ~(1 << i)]) for i in range(len(WAYS))]
        return [with_it / without if with_it and without else None for with_it, without in pairs]

    def used(self) -> float:
        """The share of the fastest product that arrives: the operations that the plain step needs, over time."""
        return self._run["flops"] * self._run["speeds"][self.on] / self._run["peak"]

    def numbers(self) -> list[float]:
        """What each way brings, where it is known; the plain step and this one, in ms; what of this is used."""
        now = self.milliseconds(self.on)
        known = [times for times in self.brings() if times is not None]
        return [*known, self.milliseconds(0), now, now * self.used()]

    def summary(self) -> str:
        run, speeds = self._run, self._run["speeds"]
        now = self.milliseconds(self.on)
        batch, times = self.larger
        tokens = run["windows"] * run["length"] * (times if self._is_on(batch) else 1)
        return " ".join(
            (
                self.say(
                    "step",
                    on=f"{self.on:b}".count("1"),
                    all=len(WAYS),
                    tokens=f"{tokens:,}",
                    update=readable(1e3 * tokens / speeds[self.on]),
                    now=readable(now),
                    times=readable(speeds[self.on] / speeds[0]),
                ),
                self.say(
                    "limit",
                    least=readable(now * self.used()),
                    used=percent(self.used()),
                    unused=percent(1 - self.used()),
                ),
                self._next(),
                self.say("where", **{name: run[name] for name in _SAID}),
            )
        )

    def _is_on(self, way: int) -> bool:
        return bool(self.on & 1 << way)

    def _next(self) -> str:
        """Which way that is off would bring most, or that none would."""
        named = enumerate(zip(self._words["ways"], self.brings()))
        off = {way: times for i, (way, times) in named if times and not self._is_on(i)}
        best = max(off, key=off.get, default=None)
        if best is None or off[best] <= 1:
            return self.say("done")
        return self.say("next", way=best, times=readable(off[best]))


_SAID = ("name", "date", "torch", "layers", "width", "windows", "length")


def _machine(run: dict) -> dict:
    """What the script needs of a run."""
    shape = GPTConfig(**run["shape"])
    signs = ["".join("01"[on >> i & 1] for i in range(len(WAYS))) for on in range(1 << len(WAYS))]
    return {
        "name": f"{run['machine']}, {run['chip']}"
        if run["chip"] != run["machine"]
        else run["chip"],
        "date": run["date"],
        "torch": run["versions"]["PyTorch"],
        "layers": shape.n_layer,
        "width": shape.n_embd,
        "windows": run["batch_size"],
        "length": shape.block_size,
        "peak": run["peak"],
        "flops": planning.training_flops(shape),
        "speeds": [run["speeds"].get(sign) for sign in signs],
    }
