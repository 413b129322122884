from dataclasses import dataclass

from moving.hands import Moving, Pick, Press
from moving.heads import Tick
from nbutils.figures.moving.ladder import WAYS, Ladder

SHAPE = {"n_layer": 2, "block_size": 80, "n_embd": 128, "n_head": 4}


def run(machine: str, **changes) -> dict:
    """What might have been measured: each way has a factor of its own, and some get in each other's way."""
    factors, speeds = (0.6, 1.2, 1.3, 1.5, 1.1, 0.98), {}
    for on in range(1 << len(WAYS)):
        signs = "".join("01"[on >> i & 1] for i in range(len(WAYS)))
        speed = 9000.0
        for i, sign in enumerate(signs):
            speed *= factors[i] if sign == "1" else 1
        speeds[signs] = round(speed * (0.9 if signs[3] == signs[4] == "1" else 1), 1)
    made = {"machine": machine, "chip": "CPU with 1 thread", "date": "2026-11-30"}
    made |= {"versions": {"PyTorch": "2.13.0"}, "shape": SHAPE, "batch_size": 8, "peak": 1e11}
    return made | {"speeds": speeds} | changes


def climbed() -> dict:
    """A run in which only rung after rung was measured."""
    speeds, signs = run("")["speeds"], ["1" * n + "0" * (len(WAYS) - n) for n in range(7)]
    return run("A card", chip="A card", speeds={sign: speeds[sign] for sign in signs})


def example() -> Ladder:
    return Ladder(["fused attention"], runs=[run("A processor"), climbed()], machine=0)


@dataclass(frozen=True)
class Way(Tick):
    """Tick that way, or untick it; ``bit`` is the one of ``name``, "on", that it changes."""

    bit: int = 0

    def do(self, shown):
        before = shown.state()[self.name]
        box = shown.place.get_by_role("checkbox", name=self.box)
        if shown.hand == "keyboard":
            box.focus()
            shown.page.keyboard.press("Space")
        else:
            shown.tap(box)
        assert shown.state()[self.name] == before ^ self.bit


NUMBERS = "e => [...e.querySelectorAll('[data-value]')].map(x => Number(x.dataset.value))"
PICTURES = [
    Moving(
        "notebooks/06_faster",
        example,
        (
            Way("fused optimizer", "on", True, 0b000100),
            Way("batch 4 times as large", "on", True, 0b001000),
            Way("16-bit products", "on", True, 1),
            Way("16-bit products", "on", False, 1),
            Press("Plain step", "on", 0),
            Press("Fastest step", "on", 0b001110),
            Way("compiled blocks", "on", True, 0b010000),
            Pick("Machine", "1", "machine", 1),  # which knows no such combination
            Way("16-bit products", "on", True, 1),
            Press("Fastest step", "on", 0b001111),
        ),
        NUMBERS,
        Ladder.numbers,
        {
            "{on: 64}": "on is 64; it must be a whole number from 0 to 63",
            "{on: 1.5}": "on is 1.5",
            "{on: NaN}": "on is NaN",
            "{on: null}": "on is null",
            "{machine: 1, on: 32}": "was not measured on A card",
            "{machine: 2}": "machine is 2; it must be a whole number from 0 to 1",
            "{machine: 'x'}": "machine is x",
        },
        in_chapter=5,  # it has one machine
    ),
]
