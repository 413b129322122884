"""How a control is moved, and what the model must then hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from nbutils.figures.moving.picture import Picture


def press(shown, button) -> None:
    if shown.hand == "keyboard":
        button.focus()
        shown.page.keyboard.press("Enter")
    else:
        shown.tap(button)


def slide(shown, slider, steps: int, share: float) -> None:
    """So many steps from its least, which is that share of its way."""
    if shown.hand == "keyboard":
        slider.focus()
        shown.page.keyboard.press("Home")
        for _ in range(steps):
            shown.page.keyboard.press("ArrowRight")
    else:
        box = slider.bounding_box()
        at = 8 + (box["width"] - 16) * share  # the thumb is 16 pixels wide
        shown.tap(slider, position={"x": at, "y": box["height"] / 2})


def write(shown, line, text: str) -> None:
    """In place of what stands in the field."""
    if shown.hand == "keyboard":
        line.focus()
    else:
        shown.tap(line)
    shown.page.keyboard.press("ControlOrMeta+A")
    shown.page.keyboard.insert_text(text)


@dataclass(frozen=True)
class Press:
    button: str
    name: str  # of the trait
    value: object

    def do(self, shown):
        press(shown, shown.place.get_by_role("button", name=self.button))
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Slide:
    slider: str
    name: str
    value: int

    def do(self, shown):
        slider = shown.place.get_by_role("slider", name=self.slider)
        most = int(slider.get_attribute("max"))
        slide(shown, slider, self.value, self.value / most)
        off = 0 if shown.hand == "keyboard" else max(1, most // 20)
        assert abs(shown.state()[self.name] - self.value) <= off


@dataclass(frozen=True)
class SlideOver:
    """Move a slider over a list of values to one of them; `choices` has the lists, by trait."""

    slider: str
    name: str
    value: float
    choices: ClassVar[Mapping[str, Sequence]]

    def do(self, shown):
        values = self.choices[self.name]
        at, slider = values.index(self.value), shown.place.get_by_role("slider", name=self.slider)
        slide(shown, slider, at, at / (len(values) - 1))
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Write:
    label: str
    name: str
    value: str

    def do(self, shown):
        write(shown, shown.place.get_by_label(self.label), self.value)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Pick:
    """One of a list's options; ``value`` is what the trait then holds."""

    label: str
    option: str
    name: str
    value: object

    def do(self, shown):
        choice = shown.place.get_by_label(self.label, exact=True)
        if shown.hand == "keyboard":
            choice.focus()
            shown.page.keyboard.press("Home")
            while choice.input_value() != self.option:
                before = choice.input_value()
                shown.page.keyboard.press("ArrowDown")
                assert choice.input_value() != before, f"{self.option} can't be reached"
        else:
            choice.select_option(self.option)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Fetching:
    """A first move, which fetches the picture's files."""

    move: Press | Slide

    def do(self, shown):
        self.move.do(shown)
        shown.page.wait_for_function(
            "place => !place.querySelector('.waiting')", arg=shown.place.element_handle()
        )


@dataclass(frozen=True)
class Drag:
    """From one of the elements to another; with the keyboard, sliders do the same."""

    elements: str
    start: int
    end: int
    name: str
    value: int

    def do(self, shown):
        if shown.hand == "keyboard":
            return
        ends = [
            shown.place.locator(self.elements).nth(i).bounding_box() for i in (self.start, self.end)
        ]
        points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in ends]
        (shown.drag_with_finger if shown.hand == "touch" else shown.drag_with_mouse)(*points)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class TapCurve:
    """On a curve of a `plot`, at a step; with the keyboard, sliders do the same."""

    curve: int
    step: int
    moved: dict = field(default_factory=dict)  # what the model then holds

    def do(self, shown):
        if shown.hand == "keyboard":
            return
        drawn = shown.place.locator(".plot svg")
        top, last = (
            drawn.locator("polyline")
            .nth(self.curve)
            .evaluate("(line, step) => [line.points[step].y, line.points.length - 1]", self.step)
        )
        box = drawn.bounding_box()
        y = min(max(top, 1), box["height"] - 3)
        shown.tap(drawn, position={"x": (box["width"] - 1) * self.step / last, "y": y})
        assert self.moved.items() <= shown.state().items()


@dataclass(frozen=True)
class Moving:
    page: str
    make: Callable[[], Picture]
    moves: tuple
    numbers: str  # JavaScript: what the element shows, as a list
    expected: Callable[[Picture], list]  # the same by Python
    bad: dict[str, str]  # a state in JavaScript -> words of the sentence that answers it
    in_chapter: int | None = (
        None  # so many of the moves can be made there, where its state is another; None: all
    )
    name: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "name", self.make().__class__.__name__)

    def __str__(self):
        return f"{self.page[len('notebooks/') :].partition('_')[0]}-{self.name}"

    def by_python(self, state: dict) -> Picture:
        """The picture in that state, computed in Python."""
        picture = self.make()
        for name, value in state.items():
            setattr(picture, name, value)
        return picture


def numbers_in(selector: str) -> str:
    """JavaScript for `Moving.numbers`: the numbers that these elements show."""
    return f"e => [...e.querySelectorAll('{selector}')].map(x => Number(x.textContent))"
