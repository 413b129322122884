"""What a reader's browser loads for each page, and after how long the page can be used.

    python bench/pages.py [page ...] [--times 3]

The built book (`make book`) is served on this machine to headless Chromium, with an empty cache and
nothing else to be reached. Bytes are as compressed by gzip, as servers send them; files that a
picture fetches when it is first moved don't count. A page can be used once it is read and every
moving picture on it moves.
"""

import argparse
import contextlib
import functools
import gzip
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import NamedTuple

import yaml
from rows import markdown

from nbutils.doctor import find_chromium

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other machine is reached
]
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
        for page in names or pages():
            loads = [visit(browser, address, page) for _ in range(times)]
            usable = median(load.ready for load in loads)
            own, first = loads[0].own / 1000, loads[0].size / 1000
            rows.append({"page": page, "own": own, "first": first, "usable": usable})
    return rows


def pages() -> list[str]:
    """Every page named in _toc.yml, in reading order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]


@contextlib.contextmanager
def serving(folder: Path):
    """The address of a server of that folder. Pages from elsewhere may use its fonts, too."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def end_headers(self):
            self.send_header("Access-Control-Allow-Origin", "*")
            super().end_headers()

    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextlib.contextmanager
def chromium():
    """A headless Chromium: CHROMIUM from the environment, one on PATH, or Playwright's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = find_chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=found or None, args=OPTIONS)
        yield browser
        browser.close()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="as in _toc.yml; all of them if none is named")
    parser.add_argument("--times", type=int, default=3, help="visits of each page")
    options = parser.parse_args(arguments)
    if not (HTML / "index.html").exists():
        sys.exit("_build/html is missing. Build the book first: make book")
    cells = [("Page", "Itself, kB", "First visit, kB", "Usable after, ms (median)")]
    for row in measure(options.pages, options.times):
        page, *numbers = row.values()
        cells.append((page, *(f"{number:,.0f}" for number in numbers)))
    print(markdown(cells))


if __name__ == "__main__":
    main()
