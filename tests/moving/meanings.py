import numpy as np

from moving.hands import Moving, Press, Slide
from nbutils.figures.moving.meanings import Meanings

PEOPLE = ("Tom", "Anna", "Leo", "Emma", "Maria", "Ben")
WHERE = (
    "in the garden",
    "in the meadow",
    "in the kitchen",
    "in the garden at the hospital",
    "at the hospital in the garden",
    "at the hospital",
    "in front of the mirror",
)
KINDS = {"an animal": WHERE[:2], "a spot on the skin": WHERE[5:]}
STAGES = ("token\ntable", "with\nposition", "after\nlayer 1", "after\nlayer 2", "after\nlayer 3")


def example(**chosen) -> Meanings:
    draw = np.random.default_rng(0)
    side = np.array([-1, -1, -0.7, 0.1, 0.7, 1, 1])[:, None, None, None]  # toward which meaning
    apart = np.array([0, 0.01, 2, 3, 5])[:, None]  # grows with the layers
    shape = (len(WHERE), len(PEOPLE), len(STAGES), 32)
    vectors = (
        draw.normal(size=32)
        + side * apart * draw.normal(size=32)
        + 0.3 * apart * draw.normal(size=shape)
    )
    texts = {
        place: [f"Now {p} is {place}. {p} sees a mole. The mole" for p in PEOPLE] for place in WHERE
    }
    says = [[{" digs": 0.46, " has": 0.3, " is": 0.2} for _ in PEOPLE] for _ in WHERE]
    return Meanings(texts, vectors, KINDS, PEOPLE, STAGES, says, **chosen)


def numbers(picture: Meanings) -> list:
    return [*picture.positions(), *picture.cosines()[picture.stage]]


PICTURES = [
    Moving(
        "notebooks/03c_transformer",
        example,
        (
            Press("Onward ▶", "stage", 1),
            Slide("Where", "place", 3),
            Slide("Who", "person", 2),
            Slide("Where", "place", 6),
            Slide("Stage", "stage", 4),
            Press("◀ Back", "stage", 3),
            Slide("Who", "person", 0),
            Slide("Where", "place", 0),
        ),
        """e => [...JSON.parse(e.querySelector('.ways').dataset.positions),
                 ...[...e.querySelectorAll('.bar')].map(x => Number(x.dataset.value))]""",
        numbers,
        {
            "{place: 99}": "place is 99",
            "{place: NaN}": "place is NaN",
            "{person: -1}": "person is -1",
            "{person: '한'}": "person is 한",
            "{stage: 1.5}": "stage is 1.5",
            "{stage: 1e6}": "stage is 1000000",
            "{stage: null}": "stage is null",
            "{place: '\\ud800'}": "place is",
            "{place: 'a'.repeat(1e6)}": "place is aaa",
        },
    ),
]
