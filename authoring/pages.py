"""What a reader's browser loads for each page, and after how long the page can be used.

    python -m authoring.pages [page ...] [--times 3]

The built book (`make book`) is served on this machine to headless Chromium, with an empty cache and
nothing else to be reached. Bytes are as compressed by gzip, as servers send them; a network or another
file that a picture fetches doesn't count. A page can be used once it is read and every moving
picture near the first screen moves. Once more on a processor slowed to a quarter: there, blocked is for
how long tasks of more than 50 ms kept the page from answering, less 50 ms each, until a second after
it could be used.
"""

import argparse
import gzip
import sys
from statistics import median
from typing import NamedTuple

from authoring.site import HTML, chromium, serving, toc_pages

# When the page was read, or its last picture began to move, in ms from the start of loading.
READY = """async () => {
  const places = [...document.querySelectorAll(".moving-picture")]
    .filter((place) => place.getBoundingClientRect().top < innerHeight);
  while (places.some((place) => !place.dataset.state)) await new Promise(requestAnimationFrame);
  const [page] = performance.getEntriesByType("navigation");
  const moves = places.map((place) => Number(place.dataset.ready));
  return Math.max(page.domContentLoadedEventEnd, ...moves);
}"""

WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries()))
    .observe({ type: "longtask", buffered: true });
}"""
BLOCKED = """async () => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return window.longTasks.reduce((sum, { duration }) => sum + duration - 50, 0);
}"""
SLOWED = 4


class Load(NamedTuple):
    """One visit: bytes compressed, of the page with its images and of all, milliseconds until the page can be
    used, and for how many of them it was blocked."""

    own: int
    size: int
    ready: float
    blocked: float


def visit(browser, address: str, page: str, slowed: int = 1) -> Load:
    """Load a page with an empty cache. Raises RuntimeError if a picture of it does not move."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    answers, tab = [], context.new_page()
    tab.add_init_script(f"({WATCH})()")
    context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(f"{address}{page}.html", wait_until="load")
    ready = tab.evaluate(READY)
    if tab.locator('.moving-picture[data-state="failed"]').count():
        raise RuntimeError(f"a picture of {page} does not move")
    blocked = tab.evaluate(BLOCKED)
    tab.wait_for_load_state("networkidle")
    sizes = [
        (answer.request.resource_type, len(gzip.compress(answer.body())))
        for answer in answers
        if answer.ok and not answer.url.endswith(".bin")
    ]
    context.close()
    own = sum(size for kind, size in sizes if kind in ("document", "image"))
    return Load(own, sum(size for _, size in sizes), ready, blocked)


def measure(names: list[str] | None = None, times: int = 1) -> list[dict]:
    """For each page kB of itself and of a first visit, and medians of milliseconds."""
    rows = []
    with chromium() as browser, serving(HTML) as address:
        for page in names or toc_pages():
            loads = [visit(browser, address, page) for _ in range(times)]
            slow = [visit(browser, address, page, SLOWED) for _ in range(times)]
            rows.append(
                {
                    "page": page,
                    "own": loads[0].own / 1000,
                    "first": loads[0].size / 1000,
                    "usable": median(load.ready for load in loads),
                    "usable_slowed": median(load.ready for load in slow),
                    "blocked_slowed": median(load.blocked for load in slow),
                }
            )
    return rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="as in _toc.yml; all of them if none is named")
    parser.add_argument("--times", type=int, default=3, help="visits of each page")
    options = parser.parse_args(arguments)
    if not (HTML / "index.html").exists():
        sys.exit("_build/html is missing. Build the book first: make book")
    heads = ("itself, kB", "first visit, kB", "usable after, ms", "slowed, ms", "blocked, ms")
    print(f"{'page':32}", *(f"{head:>16}" for head in heads))
    for row in measure(options.pages, options.times):
        page, *numbers = row.values()
        print(f"{page:32}", *(f"{number:16,.0f}" for number in numbers))


if __name__ == "__main__":
    main()
