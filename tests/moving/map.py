from dataclasses import dataclass

import numpy as np

from moving.hands import Moving, Pick
from nbutils.figures.moving.map import EmbeddingMap


def choose(label: str, name: str, word: int) -> Pick:
    return Pick(label, str(word), name, word)


@dataclass(frozen=True)
class Tap:
    """On the place of a word; by keyboard, the list of words does the same."""

    word: int

    def do(self, shown):
        if shown.hand == "keyboard":
            choose("Word", "word", self.word).do(shown)
            return
        drawing = shown.place.locator("svg.words").first
        places = np.array(shown.state()["places"])
        box = drawing.bounding_box()
        low, high = places.min(axis=0), places.max(axis=0)
        x, y = (places[self.word] - (low + high) / 2) / (high - low)
        shown.tap(
            drawing,
            position={
                "x": box["width"] / 2 + x * (box["width"] - 82),
                "y": box["height"] / 2 - y * (box["height"] - 38),
            },
        )
        assert shown.state()["word"] == self.word


def example() -> EmbeddingMap:
    named = "king man queen woman Paris France Tokyo Japan".split()
    words = [*named, *(f"word {i}" for i in range(len(named), 60))]
    rows = np.random.default_rng(0).normal(size=(len(words), 16))
    rows[2] = rows[0] - rows[1] + rows[3]
    return EmbeddingMap(rows, words, ("king", "man", "woman"), word="Paris")


def cosines(shown: EmbeddingMap) -> list:
    return [cosine for _, cosine in shown.nearest() + shown.answers()]


PICTURES = [
    Moving(
        "notebooks/03a_knobs",
        example,
        (
            choose("Word", "word", 7),
            Tap(53),
            choose("a", "a", 20),
            choose("minus b", "b", 30),
            choose("plus c", "c", 40),
            Tap(41),
            choose("a", "a", 44),
            choose("minus b", "b", 44),
        ),
        "e => [...e.querySelectorAll('.bar')].map(x => Number(x.dataset.value))",
        cosines,
        {
            "{word: NaN}": "word is NaN",
            "{a: -1}": "a is -1",
            "{b: 1e6}": "b is 1000000",
            "{c: 'queen'}": "c is queen",
            "{word: '\\ud800'}": "word is",
        },
    ),
]
