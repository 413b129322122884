"""How long the moving pictures of the built book draw while their controls are moved, and how soon they answer.

    python -m authoring.pictures [Picture ...]

A drawing is the script's part of an answer. An answer is the whole: from the reader's touch until the browser
shows what came of it, on a processor slowed down four times, as a cheap phone's is. Controls are moved as the
tests move them, each several times: by the hands in tests/moving, which are the tests' own. Of a control's
times the least counts, since other programs can only make it slower; of a picture's controls the slowest.
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


SLOWED = 4
# Notes of each event that a reader made how long it took until the page showed the next frame, in ms.
WATCH = """() => {
  window.answers = [];
  new PerformanceObserver((list) => list.getEntries().forEach((one) => answers.push(one.duration)))
    .observe({ type: "event", durationThreshold: 16 });
}"""
# Two frames later the last event's entry is there.
ANSWERS = """() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
  resolve(Math.max(0, ...answers));
  answers.length = 0;
}, 50)))"""


def measure(names: list[str] | None = None, times: int = 5) -> list[dict]:
    """For each picture the milliseconds of its slowest drawing; for some, of their longest text."""
    rows = []
    with chromium() as browser, serving(HTML) as address:
        reader = Reader(browser, address)
        for moving in [one for one in all_pictures() if not names or one.name in names]:
            reader.turn_to(moving.page)
            shown = Shown(reader.page, moving.name)
            drawn = slowest(shown, moving, times)
            answered = slowest_answer(shown, moving, times)
            rows.append({"picture": str(moving), "milliseconds": drawn, "answer": answered})
            if moving.name in LONGEST:
                took = longest(shown, LONGEST[moving.name])
                rows.append({"picture": f"{moving}, its longest text", "milliseconds": took})
    return rows


def slowest(shown: Shown, moving, times: int) -> float:
    first, rounds = state_to_return_to(shown), []
    for _ in range(times):
        rounds.append(
            [max(shown.drawings(move), default=0.0) for move in moving.moves[: moving.in_chapter]]
        )
        shown.set(first)
    return float(np.min(rounds, axis=0).max())


def slowest_answer(shown: Shown, moving, times: int) -> float:
    """From a touch to the frame that shows what came of it, where the processor is `SLOWED` times slower."""
    session = shown.page.context.new_cdp_session(shown.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    shown.page.evaluate(WATCH)
    first, rounds = state_to_return_to(shown), []
    for _ in range(times):
        took = []
        for move in moving.moves[: moving.in_chapter]:
            move.do(shown)
            took.append(shown.page.evaluate(ANSWERS))
        rounds.append(took)
        shown.set(first)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    session.detach()
    return float(np.min(rounds, axis=0).max())


def longest(shown: Shown, states: list[str]) -> float:
    """The slowest of these states' drawings."""
    took = []
    for state in states:
        shown.set(state)
        took.append(float(shown.place.locator(".picture").get_attribute("data-draw-ms")))
    return max(took)


if __name__ == "__main__":
    print(f"{'picture':40} {'slowest drawing, ms':>20} {'slowest answer, ms':>20}")
    for row in measure(sys.argv[1:]):
        print(f"{row['picture']:40} {row['milliseconds']:20.2f} {row.get('answer', 0):20.0f}")
