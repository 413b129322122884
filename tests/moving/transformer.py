from dataclasses import dataclass

from moving.hands import Fetching, Moving, Press, Slide, Write
from nbutils.figures.moving.transformer import WholeTransformer

LEFT, TOP, TALL = 30, 18, 17  # of transformer.js


@dataclass(frozen=True)
class Choose:
    """A number of the map, of so many in a row."""

    row: int
    column: int
    wide: int

    def do(self, shown):
        board = shown.place.locator(".map")
        if shown.hand == "keyboard":
            board.focus()
            for name, way in (("row", ("Up", "Down")), ("column", ("Left", "Right"))):
                steps = getattr(self, name) - shown.state()[name]
                for _ in range(abs(steps)):
                    shown.page.keyboard.press(f"Arrow{way[steps > 0]}")
        else:
            wide = board.bounding_box()["width"] - LEFT
            x = LEFT + wide * (self.column + 0.5) / self.wide
            shown.tap(board, position={"x": x, "y": TOP + TALL * (self.row + 0.5)})
        state = shown.state()
        assert (state["row"], state["column"]) == (self.row, self.column)


@dataclass(frozen=True)
class Stop:
    """Tap a stage of the map over them all; with the keyboard, the slider does the same."""

    stage: int

    def do(self, shown):
        if shown.hand == "keyboard":
            return Slide("Stage", "stage", self.stage).do(shown)
        shown.tap(shown.place.locator(".overview .stop").nth(self.stage))
        assert shown.state()["stage"] == self.stage


NEXT, BACK = "Next ▶", "◀ Back"
PICTURES = [
    Moving(
        "notebooks/03c_transformer",
        WholeTransformer,
        (
            Choose(4, 7, 48),
            Fetching(Press(NEXT, "stage", 1)),
            Press(NEXT, "stage", 2),
            Choose(8, 40, 48),
            Press(BACK, "stage", 1),
            Write("Six letters", "text", "bbacca"),
            Fetching(Slide("Stage", "stage", 5)),
            Choose(10, 15, 33),
            Choose(2, 20, 33),
            Stop(24),
            Choose(7, 191, 192),
            Stop(11),
            Write("Six letters", "text", "AAAAAA"),
            Slide("Stage", "stage", 42),
            Choose(9, 1, 3),
            Choose(5, 2, 3),
            Slide("Stage", "stage", 0),
        ),
        "e => e.querySelector('.map').values",
        WholeTransformer.numbers,
        {
            "{text: 'CBACA'}": "Type six letters",
            "{text: 'CBACABA'}": "Type six letters",
            "{text: 'CBADAB'}": "Type six letters",
            "{text: ''}": "Type six letters",
            "{text: 'A'.repeat(1e6)}": "Type six letters",
            "{text: 'CBACA\\ud800'}": "Type six letters",
            "{text: '가나다라마바'}": "Type six letters",
            "{text: 5}": "Type six letters",
            "{stage: NaN}": "stage is NaN",
            "{stage: 43}": "stage is 43",
            "{stage: 'x'}": "stage is x",
            "{row: 11}": "row is 11",
            "{column: 48}": "column is 48",
            "{column: -1}": "column is -1",
        },
    ),
]
