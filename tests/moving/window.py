from moving.hands import Drag, Moving, Slide, numbers_in
from nbutils import tokens
from nbutils.figures.moving.window import Window
from nbutils.model import GPTConfig


def example() -> Window:
    encoding = tokens.get_encoding("cl100k_base")
    line = "|Viewing Single Post From: Spoilers for the Week of February 11th|"
    return Window(
        encoding.encode(line), encoding, network=GPTConfig.preset("gpt2", block_size=32_000)
    )


def ids(window: Window) -> list:
    return [number for number, _ in window.tokens[window.start :][: window.length + 1]]


PICTURES = [
    Moving(
        "notebooks/02_io",
        example,
        (
            Drag(".stream .chip", 1, 4, "start", 3),
            Slide("Length", "length", 0),
            Slide("Length", "length", 9),
            Slide("Place", "start", 5),
            Slide("Length", "length", 16),
            Slide("Length", "length", 2),
            Drag(".stream .chip", 2, 0, "start", 0),
        ),
        numbers_in(".chip:is(.context, .label) small"),
        ids,
        {
            "{length: 17}": "length is 17",
            "{length: NaN}": "length is NaN",
            "{start: 99}": "start is 99",
            "{start: 'x'}": "start is x",
        },
    ),
]
