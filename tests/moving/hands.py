"""How a control is moved, and what the model must then hold."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nbutils.figures.picture import Picture


@dataclass(frozen=True)
class Press:
    button: str
    name: str  # of the trait
    value: object

    def do(self, shown):
        button = shown.place.get_by_role("button", name=self.button)
        if shown.hand == "keyboard":
            button.focus()
            shown.page.keyboard.press("Enter")
        else:
            shown.tap(button)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Slide:
    slider: str
    name: str
    value: int

    def do(self, shown):
        slider = shown.place.get_by_role("slider", name=self.slider)
        most = int(slider.get_attribute("max"))
        if shown.hand == "keyboard":
            slider.focus()
            shown.page.keyboard.press("Home")
            for _ in range(self.value):
                shown.page.keyboard.press("ArrowRight")
            assert shown.state()[self.name] == self.value
        else:
            box = slider.bounding_box()
            at = 8 + (box["width"] - 16) * self.value / most  # the thumb is 16 pixels wide
            shown.tap(slider, position={"x": at, "y": box["height"] / 2})
            assert abs(shown.state()[self.name] - self.value) <= max(1, most // 20)


@dataclass(frozen=True)
class Write:
    label: str
    name: str
    value: str

    def do(self, shown):
        line = shown.place.get_by_label(self.label)
        if shown.hand == "keyboard":
            line.focus()
        else:
            shown.tap(line)
        shown.page.keyboard.press("ControlOrMeta+A")
        shown.page.keyboard.insert_text(self.value)
        assert shown.state()[self.name] == self.value


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
        ends = [shown.place.locator(self.elements).nth(i).bounding_box() for i in (self.start, self.end)]
        points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in ends]
        (shown.drag_with_finger if shown.hand == "touch" else shown.drag_with_mouse)(*points)
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class Moving:
    page: str
    make: Callable[[], Picture]
    moves: tuple
    numbers: str  # JavaScript: what the element shows, as a list
    expected: Callable[[Picture], list]  # the same by Python
    bad: dict[str, str]  # a state in JavaScript -> words of the sentence that answers it
    draw_ms: float = 16  # the longest that a drawing may take: a frame; 50 where a network runs
    name: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "name", self.make().__class__.__name__)

    def by_python(self, state: dict) -> Picture:
        """The picture in that state, computed in Python."""
        picture = self.make()
        for name, value in state.items():
            setattr(picture, name, value)
        return picture


def numbers_in(selector: str) -> str:
    """JavaScript for `Moving.numbers`: the numbers that these elements show."""
    return f"e => [...e.querySelectorAll('{selector}')].map(x => Number(x.textContent))"
