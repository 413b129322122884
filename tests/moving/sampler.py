from dataclasses import dataclass

from moving.hands import Fetching, Moving, Press, Slide, Write, press
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


LIKELY = "Every cat is an"
PICTURES = [
    Moving(
        "notebooks/05_inference",
        Sampler,
        (
            Fetching(Slide("Temperature", "heat", 10)),
            Slide("Top-k", "top_k", 3),
            Slide("Top-p", "tail", 8),
            Slide("Top-k", "top_k", 0),
            Slide("Top-p", "tail", 0),
            Slide("Temperature", "heat", 40),
            Write("Text", "text", ""),
            Write("Text", "text", "the elephant 코끼리 👋"),
            Slide("Temperature", "heat", 0),
            Write("Text", "text", "Every cat is"),
            Press("Draw one", "text", LIKELY),
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
            "{top_k: 9}": "top_k is 9",
            "{tail: 20}": "tail is 20",
            "{tail: -1}": "tail is -1",
        },
    ),
]
