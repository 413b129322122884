"""How long the moving pictures of the built book draw while their controls are moved.

    python -m authoring.pictures

Controls are moved as the tests move them, each several times: by the hands in tests/moving, which are the
tests' own. Of a control's times the least counts, since other programs can only make it slower; of a
picture's controls the slowest.
"""

import sys

import numpy as np

from authoring.site import HTML, ROOT, chromium, serving

sys.path.append(str(ROOT / "tests"))
from moving import all_pictures
from shown import Shown, state_to_return_to
from visits import Reader

# The longest texts that the two pictures of tokens take, where they have most to do.
LONGEST = {
    "Merges": [f"{{step: 0, text: {text!r}}}" for text in ("한국어" * 40, "국어한" * 40)],
    "Tokenizer": [f"{{text: {text!r}}}" for text in ("🤗" * 1000, "a" * 1000, "한" * 1000)],
}


def measure(times: int = 5) -> list[dict]:
    """For each picture the milliseconds of its slowest drawing; for some, of their longest text."""
    rows = []
    with chromium() as browser, serving(HTML) as address:
        reader = Reader(browser, address)
        for moving in all_pictures():
            reader.turn_to(moving.page)
            shown = Shown(reader.page, moving.name)
            rows.append({"picture": str(moving), "milliseconds": slowest(shown, moving, times)})
            if moving.name in LONGEST:
                took = longest(shown, LONGEST[moving.name])
                rows.append({"picture": f"{moving}, its longest text", "milliseconds": took})
    return rows


def slowest(shown: Shown, moving, times: int) -> float:
    first, rounds = state_to_return_to(shown), []
    for _ in range(times):
        rounds.append([max(shown.drawings(move), default=0.0) for move in moving.moves])
        shown.set(first)
    return float(np.min(rounds, axis=0).max())


def longest(shown: Shown, states: list[str]) -> float:
    """The slowest of these states' drawings."""
    took = []
    for state in states:
        shown.set(state)
        took.append(float(shown.place.locator(".picture").get_attribute("data-draw-ms")))
    return max(took)


if __name__ == "__main__":
    print(f"{'picture':40} {'slowest drawing, ms':>20}")
    for row in measure():
        print(f"{row['picture']:40} {row['milliseconds']:20.2f}")
