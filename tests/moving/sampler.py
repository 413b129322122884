from dataclasses import dataclass

from moving.hands import Fetching, Moving, Slide, Write, press, slide
from nbutils.figures.moving.picture import percent
from nbutils.figures.moving.sampler import Sampler


@dataclass(frozen=True)
class LetWrite:
    """Press the button; at temperature 0 the text is certain, and so is its end."""

    text: str

    def do(self, shown):
        press(shown, shown.place.get_by_role("button", name="Let it write"))
        shown.page.wait_for_function(
            "place => place.model.get('ended')", arg=shown.place.element_handle()
        )
        assert shown.state()["text"].startswith(self.text)


@dataclass(frozen=True)
class Keep:
    """Move top-k or top-p, which keep the more the further right they stand: all at the end."""

    slider: str
    name: str
    value: int
    at: int  # the slider's place for it

    def do(self, shown):
        slider = shown.place.get_by_role("slider", name=self.slider)
        slide(shown, slider, self.at, self.at / int(slider.get_attribute("max")))
        assert shown.state()[self.name] == self.value


@dataclass(frozen=True)
class DrawOne:
    """Press the button: what was drawn stands with the probability that it had; where it is certain."""

    text: str

    def do(self, shown):
        before = Sampler(shown.state()["text"], heat=shown.state()["heat"])
        press(shown, shown.place.get_by_role("button", name="Draw one"))
        assert shown.state()["text"] == self.text
        newest = shown.place.locator(".written .chip.label")
        name, _, drawn, _ = before.rows()[0]
        assert newest.locator("span").text_content() == name
        assert newest.locator("small").text_content() == percent(drawn, 2)


LIKELY = "Every cat is an"
PICTURES = [
    Moving(
        "notebooks/05_inference",
        Sampler,
        (
            Fetching(Slide("Temperature", "heat", 10)),
            Keep("Top-k", "top_k", 3, at=2),
            Keep("Top-p", "tail", 8, at=11),
            Keep("Top-k", "top_k", 0, at=14),
            Keep("Top-p", "tail", 0, at=19),
            Slide("Temperature", "heat", 40),
            Write("Text", "text", "Once a queen"),
            Write("Text", "text", "the elephant 코끼리 👋"),
            Slide("Temperature", "heat", 0),
            Write("Text", "text", "Every cat is"),
            DrawOne(LIKELY),
            LetWrite(LIKELY),
        ),
        "e => [...e.querySelectorAll('.bar')]"
        ".flatMap(x => [x.dataset.p, x.dataset.drawn, x.dataset.truth].map(Number))",
        Sampler.numbers,
        {
            "{text: 'a'.repeat(1e6)}": "has 1000000 characters",
            "{text: 'a\\ud800'}": "half a character",
            "{text: '한'.repeat(601)}": "has 601 characters",
            "{text: 5}": "must be text",
            "{heat: NaN}": "heat is NaN",
            "{heat: 41}": "heat is 41",
            "{heat: 'hot'}": "heat is hot",
            "{top_k: 15}": "top_k is 15",
            "{tail: 20}": "tail is 20",
            "{tail: -1}": "tail is -1",
            "{yours: 1}": "yours is 1; it must be true or false",
        },
    ),
]
