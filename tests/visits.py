"""A reader in a browser: the pages that a tab opens one after another, and what went wrong on each.

One tab serves many pages. Its styles, scripts and fonts stay in memory, as a reader's do, so that a
page opens in a third of the time that a new tab needs.
"""

import functools
import gzip
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fontTools.ttLib import TTFont

from authoring.site import HTML, toc_pages

PAGES = [*toc_pages(), "search", "genindex"]
CHAPTERS = [page for page in toc_pages() if page.startswith("notebooks/")]
# The theme's own: the text on its buttons differs from their label; its logo is in no landmark.
KNOWN_FINDINGS = {"label-content-name-mismatch", "region"}
GRAVE = {"serious", "critical"}
WORDS_OF_CODE = ".highlight pre span"  # thousands on a page, in a handful of looks
PATIENCE = 120_000  # ms that a wait may take: no test fails because a machine is slow
FRAME = "new Promise(requestAnimationFrame)"
OF_ONE_PAGE = (".html", ".png", ".svg", ".jpg")
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
BROKEN_IMAGES = (
    "[...document.images].filter(i => i.complete && !i.naturalWidth).map(image => image.src)"
)
BROKEN_FONTS = (
    "[...document.fonts].filter(font => font.status === 'error').map(font => font.family)"
)


class Reader:
    """A tab, and everything that went wrong since it opened its page.

    errors: what the console says. asked: addresses of every request. missing: those without an answer.
    """

    def __init__(self, browser, address: str, **options):
        self.address = address
        self.errors, self.asked, self.missing = [], [], []
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("response", lambda r: r.status >= 400 and self.missing.append(r.url))

    def turn_to(self, name: str, width: int = 1280, scheme: str = "light") -> None:
        """Go to a page; it has come with its pictures, fonts and mathematics."""
        for noted in (self.errors, self.asked, self.missing):
            noted.clear()
        self.look(width, scheme)
        self.page.goto(f"{self.address}{name}.html", wait_until="load")
        self.arrived()

    def arrived(self) -> None:
        """Return when the page has come with its pictures, fonts and mathematics."""
        self.page.wait_for_load_state()
        self.page.evaluate("document.fonts.ready.then(() => true)")

    def lay_out(self) -> None:
        """Lay out also what is far below; else what it needs, the formulas' font, say, is not asked for."""
        self.page.evaluate("document.documentElement.style.setProperty('--far', 'visible')")
        self.arrived()

    def look(self, width: int, scheme: str) -> None:
        """Give the window that width, in pixels, and the system that scheme, light or dark."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def close(self) -> None:
        self.context.close()

    def troubles(self) -> dict[str, list]:
        """What has gone wrong on this page, by kind; empty where nothing has."""
        found = {
            "errors": self.errors,
            "asked of another host": [url for url in self.asked if not self._own(url)],
            "missing": self.missing,
            "too wide, pixels": [wide] if (wide := self.page.evaluate(OVERFLOW)) > 0 else [],
            "images": self.page.evaluate(BROKEN_IMAGES),
            "fonts": self.page.evaluate(BROKEN_FONTS),
            "mathematics": self.undrawn_mathematics(),
        }
        return {kind: list(what) for kind, what in found.items() if what}

    def _own(self, url: str) -> bool:
        return url.startswith((self.address, "data:", "blob:"))  # blob: a Worker of the page itself

    def undrawn_mathematics(self) -> list[str]:
        """Formulas without their font or without room, and TeX in the running text."""
        return self.page.evaluate(
            r"""() => {
              const left = [...document.querySelectorAll(".math, math")].filter((e) => {
                const formula = e.matches("math") ? e : e.querySelector("math");
                return !formula || (e.checkVisibility() && !formula.getBoundingClientRect().width);
              }).map((e) => e.textContent);
              const shown = document.querySelector("math") && ![...document.fonts]
                .some((font) => font.family.includes("Book Math") && font.status === "loaded");
              if (shown) left.push("no font");
              const main = (document.querySelector("main") ?? document.body).cloneNode(true);
              main.querySelectorAll("pre, code, script").forEach(e => e.remove());
              return left.concat(main.textContent.match(/\$\$|\\[(\[]|\\[a-z]+\{/g) ?? []);
            }"""
        )

    def icons(self) -> set[int]:
        """The theme's icons that the page shows."""
        shown = self.page.evaluate(ICONS)
        assert all("Font Awesome" in family for _, family in shown)
        return {ord(content.strip('"')) for content, _ in shown}

    def weight(self) -> tuple[int, int, int]:
        """Bytes of the page with its images and of all that it asked for, as servers send them; how many requests.

        A network that a picture fetches doesn't count. `python -m authoring.pages` lists the same, with seconds.
        """
        paths = {unquote(urlsplit(url).path) for url in self.asked if url.startswith(self.address)}
        sizes = {
            path: compressed(HTML / path.lstrip("/")) for path in paths if not path.endswith(".bin")
        }
        own = sum(size for path, size in sizes.items() if path.endswith(OF_ONE_PAGE))
        return own, sum(sizes.values()), len(sizes)

    def findings(self, once: str = "*") -> dict[str, str]:
        """axe-core's serious and critical findings, less the theme's own: rule and first place.

        Of the elements that ``once`` selects, the first of each look (colour, size, weight and ground)
        is asked whether its text can be told from its ground: axe takes milliseconds for each.
        """
        self.lay_out()
        self.page.evaluate(
            f"{FRAME}.then(() => {FRAME}).then(() => 0)"
        )  # all is laid out, and seen to be
        self.page.evaluate(axe_source())
        return {
            v["id"]: v["nodes"][0]["html"][:200]
            for v in self.page.evaluate(AXE, once)
            if v["impact"] in GRAVE and v["id"] not in KNOWN_FINDINGS
        }


AXE = """async (once) => {
  const seen = new Set(), grounds = new Map();
  const ground = (e) => {
    if (!e) return "";
    if (!grounds.has(e)) {
      const { backgroundColor: own, opacity } = getComputedStyle(e);
      const through = own === "rgba(0, 0, 0, 0)" && opacity === "1";
      grounds.set(e, through ? ground(e.parentElement) : own + opacity);
    }
    return grounds.get(e);
  };
  const shows = (e) => e.checkVisibility()
    && [...e.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const e of [...document.querySelectorAll(once)].filter(shows)) {
    const { color, fontSize, fontWeight } = getComputedStyle(e);
    const look = [color, fontSize, fontWeight, ground(e)].join();
    e.toggleAttribute("data-again", seen.has(look));
    seen.add(look);
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "*:not([data-again])" }] });
  return (await axe.run(document, { resultTypes: ["violations"], preload: false })).violations;
}"""
ICONS = """() => [...document.querySelectorAll("[class*='fa-']")].map((icon) => {
  const { content, fontFamily } = getComputedStyle(icon, "::before");
  return [content, fontFamily];
})"""


@functools.cache
def axe_source() -> str:
    import axe_playwright_python

    return next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text("utf-8")


@functools.cache
def compressed(path: Path) -> int:
    """Bytes of the file as gzip makes them."""
    return len(gzip.compress(path.read_bytes()))


@functools.cache
def signs() -> set[int]:
    """What is left of the theme's icons after the extension light_icons."""
    fonts = (HTML / "_static/vendor/fontawesome/webfonts").glob("*.ttf")
    return set().union(*(TTFont(font).getBestCmap() for font in fonts))


def html_of(name: str) -> str:
    """A page of the built book, as text."""
    return (HTML / f"{name}.html").read_text("utf-8")
