"""What a reader's browser loads for each page, and after how long the page can be used.

    python -m authoring.pages [page ...] [--times 3]

The built book (`make book`) is served on this machine to headless Chromium, with an empty cache and
nothing else to be reached. Bytes are as compressed by gzip, as servers send them; files that a
picture fetches when it is first moved don't count. A page can be used once it is read and every
moving picture on it moves.
"""

import argparse
import gzip
import sys
from statistics import median
from typing import NamedTuple

from authoring.site import HTML, chromium, serving, toc_pages

# When the page was read, or its last picture began to move, in ms from the start of loading.
READY = """async () => {
  const places = [...document.querySelectorAll(".moving-picture")];
  while (places.some((place) => !place.dataset.state)) await new Promise(requestAnimationFrame);
  const [page] = performance.getEntriesByType("navigation");
  const moves = places.map((place) => Number(place.dataset.ready));
  return Math.max(page.domContentLoadedEventEnd, ...moves);
}"""


class Load(NamedTuple):
    """One visit: bytes compressed, of the page with its images and of all, and milliseconds until
    the page can be used."""

    own: int
    size: int
    ready: float


def visit(browser, address: str, page: str) -> Load:
    """Load a page with an empty cache. Raises RuntimeError if a picture of it does not move."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    answers, tab = [], context.new_page()
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(f"{address}{page}.html", wait_until="load")
    ready = tab.evaluate(READY)
    if tab.locator('.moving-picture[data-state="failed"]').count():
        raise RuntimeError(f"a picture of {page} does not move")
    tab.wait_for_load_state("networkidle")
    sizes = [
        (answer.request.resource_type, len(gzip.compress(answer.body())))
        for answer in answers
        if answer.ok
    ]
    context.close()
    own = sum(size for kind, size in sizes if kind in ("document", "image"))
    return Load(own, sum(size for _, size in sizes), ready)


def measure(names: list[str] | None = None, times: int = 3) -> list[dict]:
    """For each page kB of itself and of a first visit, and the median of ms until it can be used."""
    rows = []
    with chromium() as browser, serving(HTML) as address:
        for page in names or toc_pages():
            loads = [visit(browser, address, page) for _ in range(times)]
            usable = median(load.ready for load in loads)
            own, first = loads[0].own / 1000, loads[0].size / 1000
            rows.append({"page": page, "own": own, "first": first, "usable": usable})
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
    print(f"{'page':32} {'itself, kB':>12} {'first visit, kB':>16} {'usable after, ms':>17}")
    for row in measure(options.pages, options.times):
        print(f"{row['page']:32} {row['own']:12,.0f} {row['first']:16,.0f} {row['usable']:17,.0f}")


if __name__ == "__main__":
    main()
