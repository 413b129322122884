from dataclasses import dataclass

import numpy as np

from moving.hands import Drag, Moving, Press, Slide, press, slide
from moving.heads import Tick
from nbutils import kernels
from nbutils.figures.moving.tiles import SIDES, Tiles, fast_memory_bytes

TOKENS = [f"word {i}" for i in range(64)]


def example() -> Tiles:
    q, k = np.random.default_rng(0).normal(size=(2, len(TOKENS), 16))
    return Tiles(TOKENS, q, 2 * k, step=5)


@dataclass(frozen=True)
class Choose:
    """Move a slider over a list of values to one of them."""

    slider: str
    name: str
    value: int

    def do(self, shown):
        state = shown.state()
        sides = [side for side in SIDES if side <= state["length"]]
        values = {"length": state["lengths"], "tile": sides}[self.name]
        at = values.index(self.value)
        slider = shown.place.get_by_role("slider", name=self.slider)
        slide(shown, slider, at, at / (len(values) - 1))
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Tap(Drag):
    """Tap a tile of the table, by its row and column; the step is then the one that visits it."""

    def do(self, shown):
        if shown.hand == "keyboard":
            return
        table = shown.place.locator(self.elements).first.bounding_box()
        tiles = shown.state()["length"] // shown.state()["tile"]
        x, y = ((at + 0.5) / tiles for at in (self.end, self.start))
        stage = shown.place.locator(".stage")
        corner = stage.bounding_box()
        where = {
            "x": table["x"] - corner["x"] + x * table["width"],
            "y": table["y"] - corner["y"] + y * table["height"],
        }
        shown.tap(stage, position=where)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Play:
    """Press the button until all tiles have been visited; pressed twice more, it begins and stops."""

    def do(self, shown):
        press(shown, shown.place.get_by_role("button", name="Play"))
        shown.place.get_by_role("button", name="Stop").wait_for()
        button = shown.place.get_by_role("button", name="Play")
        button.wait_for()
        state = shown.state()
        visits = kernels.tiles(state["length"], (state["tile"], state["tile"]), state["causal"])
        assert state["step"] == len(visits)
        button.evaluate("button => { button.click(); button.click(); }")
        assert shown.state()["step"] == 1
        button.wait_for()


def numbers(picture: Tiles) -> list:
    """In the order of the page: what the memories hold, the bars of bytes, the query's powers."""
    T, D, tile = picture.length, picture.width, picture.tile
    total, plain = picture.totals()
    held = [4 * 4 * T * D, fast_memory_bytes(tile, D)]
    return [*map(float, held), total, *picture.moved(), plain, *picture.powers()]


PICTURES = [
    Moving(
        "notebooks/06b_kernel",
        example,
        (
            Slide("Step", "step", 8),
            Press("Next tile", "step", 9),
            Press("Back", "step", 8),
            Tap(".vacant", 2, 1, "step", 5),
            Tick("causal", "causal", False),
            Tap(".vacant", 0, 3, "step", 4),
            Choose("Tile", "tile", 4),
            Choose("Tokens", "length", 64),
            Slide("Step", "step", 256),
            Choose("Tile", "tile", 16),
            Tick("causal", "causal", True),
            Tap(".vacant", 3, 2, "step", 9),
            Choose("Tokens", "length", 16),  # with tiles of 16 at most
            Choose("Tokens", "length", 32),
            Slide("Step", "step", 2),
            Play(),
        ),
        "e => [...e.querySelectorAll('[data-value]')].map(x => Number(x.dataset.value))",
        numbers,
        {
            "{length: 33}": "length is 33; it can be 16, 32, 64",
            "{length: 8}": "length is 8",
            "{length: 'a'.repeat(1e6)}": "length is aaa",
            "{tile: 64}": "tile is 64; it can be 4, 8, 16, 32",
            "{tile: '8'}": "tile is 8; it can be",
            "{tile: NaN}": "tile is NaN",
            "{tile: null}": "tile is null",
            "{causal: 1}": "causal is 1; it must be true",
            "{step: 11}": "step is 11; it must be a whole number from 0 to 10",
            "{step: 0.5}": "step is 0.5",
            "{step: undefined}": "step is undefined",
        },
    ),
]
