"""The built book in a real browser: every page, two widths, light and dark, no other host."""

import functools
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from fontTools.ttLib import TTFont
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "bench"))
from pages import HTML, serving  # noqa: E402
from pages import pages as toc_pages  # noqa: E402
from pages import visit as visit_once  # noqa: E402

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
# The theme's own: the text on its buttons differs from their label; its logo is in no landmark.
KNOWN_FINDINGS = {"label-content-name-mismatch", "region"}
GRAVE = {"serious", "critical"}
PAGES = [*toc_pages(), "search", "genindex"]
CHAPTERS = [page for page in toc_pages() if page.startswith("notebooks/")]


@pytest.fixture(scope="module")
def site():
    """The address of a server of _build/html."""
    if not (HTML / "index.html").exists():
        pytest.fail("_build/html is missing. Build the book first: `make book`", pytrace=False)
    with serving(HTML) as address:
        yield address


class Visit:
    """One page in one look, with everything that went wrong while it loaded."""

    def __init__(self, browser, site, name, width, scheme, **options):
        self.errors, self.refused, self.missing = [], [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            **options,
        )
        self.page = self.context.new_page()
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", lambda r: r.status >= 400 and self.missing.append(r.url))
        self.page.route(lambda url: not url.startswith((site, "data:")), self.refuse)
        self.page.goto(f"{site}{name}.html", wait_until="load")
        self.wait_for_mathematics()

    def refuse(self, route):
        self.refused.append(route.request.url)
        route.abort()

    def wait_for_mathematics(self):
        self.page.wait_for_function(
            "window.MathJax?.startup?.promise?.then(() => true) ?? !document.querySelector('.math')"
        )
        self.page.evaluate("() => document.fonts.ready.then(() => true)")

    def undrawn_mathematics(self) -> list[str]:
        """Formulas that MathJax left alone or could not read, and TeX in the running text."""
        return self.page.evaluate(
            r"""() => {
              const main = document.querySelector("main").cloneNode(true);
              const left = [...main.querySelectorAll(".math")]
                .filter(e => !e.querySelector("mjx-container") || e.querySelector("mjx-merror"))
                .map(e => e.textContent);
              main.querySelectorAll("pre, code, mjx-container, script").forEach(e => e.remove());
              return left.concat(main.textContent.match(/\$\$|\\[(\[]|\\[a-z]+\{/g) ?? []);
            }"""
        )

    def icons(self) -> set[int]:
        """The theme's icons that the page shows."""
        shown = self.page.evaluate(ICONS)
        assert all("Font Awesome" in family for _, family in shown)
        return {ord(content.strip('"')) for content, _ in shown}

    def findings(self) -> dict[str, str]:
        """axe-core's serious and critical findings, less the theme's own: rule and first place.

        axe takes milliseconds for each of a chapter's thousands of coloured words of code. So each combination
        of colour, size, weight and background stays once; other words stay as text without a colour of their own.
        """
        self.page.evaluate(axe_source())
        result = self.page.evaluate(
            """() => {
              const seen = new Set(), grounds = new Map();
              const ground = e => {
                if (!e) return "";
                if (!grounds.has(e)) {
                  const {backgroundColor: own, opacity} = getComputedStyle(e);
                  const through = own === "rgba(0, 0, 0, 0)" && opacity === "1";
                  grounds.set(e, through ? ground(e.parentElement) : own + opacity);
                }
                return grounds.get(e);
              };
              const words = [...document.querySelectorAll(".highlight pre span")].filter(e => !e.children.length);
              const look = word => {
                const {color, fontSize, fontWeight} = getComputedStyle(word);
                return [color, fontSize, fontWeight, ground(word)].join();
              };
              const again = words.filter(word => {
                const known = seen.has(look(word));
                seen.add(look(word));
                return known;
              });
              again.forEach(word => word.replaceWith(word.textContent));
              return axe.run(document, {resultTypes: ["violations"], preload: false});
            }"""
        )
        return {
            v["id"]: v["nodes"][0]["html"][:200]
            for v in result["violations"]
            if v["impact"] in GRAVE and v["id"] not in KNOWN_FINDINGS
        }


@functools.cache
def axe_source() -> str:
    import axe_playwright_python

    return next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text("utf-8")


@pytest.fixture(params=PAGES)
def name(request):
    return request.param


@pytest.mark.parametrize("width, scheme", LOOKS)
def test_page_in_a_browser(browser, site, name, width, scheme):
    visit = Visit(browser, site, name, width, scheme)
    page = visit.page
    if "SCREENSHOTS" in os.environ:  # for people to look at
        shots = ROOT / "_build" / "screenshots"
        shots.mkdir(parents=True, exist_ok=True)
        page.screenshot(
            path=shots / f"{name.replace('/', '-')}-{width}-{scheme}.png", full_page=True
        )
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    assert not visit.errors
    assert not visit.refused, "the page asked another host"
    assert not visit.missing
    assert not visit.undrawn_mathematics()
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    broken = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(broken) == []
    assert visit.icons() <= signs()
    assert visit.findings() == {}
    visit.context.close()


def test_a_pale_word_of_code_is_noticed(browser, site):
    """Though axe sees each look of the code's words once, and this word is one of many of its kind."""
    visit = Visit(browser, site, CHAPTERS[0], 1280, "light")
    visit.page.evaluate(
        """() => {
          const words = [...document.querySelectorAll(".highlight pre span.n")];
          words[words.length - 1].style.color = "#ddd";
        }"""
    )
    assert set(visit.findings()) == {"color-contrast"}
    visit.context.close()


def test_mathjax_comes_from_the_book_and_only_where_it_is_needed():
    for page in toc_pages():
        needed = 'class="math' in html_of(page)
        assert ("_static/formulas.js" in html_of(page)) == needed, page
    assert 'class="math' in html_of("book/glossary")
    copied = [path for path in (HTML / "_static" / "mathjax").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in copied) < 2_000_000


def test_every_page_in_the_toc_is_built_and_no_other():
    built = {p.relative_to(HTML).with_suffix("").as_posix() for p in HTML.rglob("*.html")}
    assert {page for page in built if not page.startswith("_static/")} == {*PAGES, "index"}


def test_links_lead_somewhere(name):
    for link in re.findall(r'<a\b[^>]*?\shref="([^"]*)"', html_of(name)):
        target, anchor = urldefrag(link)
        if re.match(r"[a-z]+:|//", target):
            continue
        path = HTML / unquote(urljoin(f"{name}.html", target) if target else f"{name}.html")
        assert path.exists(), f"{name} links to {link}"
        if anchor and path.suffix == ".html":
            assert f'id="{unquote(anchor)}"' in path.read_text("utf-8"), f"{name} links to {link}"


def test_pictures_have_words_as_alt_text(name):
    for image in re.findall(r"<img\b[^>]*>", html_of(name)):
        alt = re.search(r'alt="([^"]*)"', image)
        assert alt and re.search(r"[A-Za-z]{2}", alt[1]), image
        assert not re.search(r"[0-9a-f]{16}|\.(png|svg|jpg)$", alt[1]), image


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_buttons_lead_to_this_repository(chapter):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]
    owner_name = repository["url"].removeprefix("https://github.com/")
    branch, html = repository["branch"], html_of(chapter)
    colab = f"https://colab.research.google.com/github/{owner_name}/blob/{branch}/{chapter}.ipynb"
    assert f'href="{colab}"' in html
    assert f'href="{repository["url"]}/edit/{branch}/{chapter}.ipynb"' in html
    assert f'href="{repository["url"]}/issues/new?' in html


def test_numbers_of_the_build_are_filled_in():
    html = html_of("book/tested")
    assert html.count('<table class="numbers') == 5
    assert "weight-of:" not in html
    rows = json.loads((ROOT / "_build" / "bench.json").read_text("utf-8"))
    (speed,) = (
        row["value"] for row in rows if row["what"] == "Training"
    )  # tokens/s of this machine
    assert 0 < float(
        re.search(r"<p>The model that [\w, ]+ share</p></td>\s*<td><p>([\d.]+)</p>", html)[1]
    )
    for chapter in CHAPTERS:
        title = re.search(r"<title>(.*?) &#8212;", html_of(chapter))[1]
        seconds = re.search(rf"<p>{re.escape(title)}</p></td>\s*<td><p>([\d.]+)</p>", html)
        # Four minutes where this trains 42,000 tokens/s (two cores with AMX); on a slower one, as much work.
        assert 0 < float(seconds[1]) * speed < 240 * 42_000, f"{chapter} takes too long"


def test_pictures_are_light():
    pictures = list((HTML / "_images").glob("*.png"))
    assert len(pictures) > 50
    for picture in pictures:
        assert picture.stat().st_size < 120_000, picture.name
        with Image.open(picture) as image:
            assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)  # white stays white


def test_no_page_shows_a_control_that_needs_a_kernel(browser, site):
    """In place of the training panel stands the picture of a finished run."""
    visit = Visit(browser, site, "notebooks/04b_training", 1280, "light")
    cell = visit.page.locator("div.cell", has_text="TrainingPanel(train_tokens").last
    assert cell.locator("img").get_attribute("alt")
    assert cell.locator("img").evaluate("image => image.naturalWidth") > 600
    visit.context.close()
    for chapter in CHAPTERS:
        assert not re.search(
            r"jupyter\.widget-view|class=\"[^\"]*jupyter-widgets", html_of(chapter)
        )


def test_search_finds_a_word_of_a_chapter(browser, site):
    visit = Visit(browser, site, "search", 1280, "light")
    visit.page.goto(f"{site}search.html?q=vocabulary")
    visit.page.locator("#search-results li a").first.wait_for(timeout=10_000)
    visit.context.close()


def test_first_page_is_where_the_address_leads(browser, site):
    page = browser.new_page()
    page.goto(site)
    page.wait_for_url(f"{site}book/intro.html")
    page.close()


@pytest.mark.parametrize("width, shown, hidden", [(1280, "wide", "tall"), (390, "tall", "wide")])
def test_the_picture_fits_the_screen(browser, site, width, shown, hidden):
    visit = Visit(browser, site, "book/intro", width, "light")
    assert visit.page.locator(f".flow-{shown}").is_visible()
    assert not visit.page.locator(f".flow-{hidden}").is_visible()
    smallest = visit.page.evaluate(
        f"""() => Math.min(...[...document.querySelectorAll(".flow-{shown} text")]
        .map(t => t.getBoundingClientRect().height))"""
    )
    assert smallest >= 10, "some words of the picture are too small to read"
    visit.context.close()


def html_of(name) -> str:
    return (HTML / f"{name}.html").read_text("utf-8")


ICONS = """() => [...document.querySelectorAll("[class*='fa-']")].map((icon) => {
  const { content, fontFamily } = getComputedStyle(icon, "::before");
  return [content, fontFamily];
})"""


@functools.cache
def signs() -> set[int]:
    """What is left of the theme's icons after the extension light_icons."""
    fonts = (HTML / "_static/vendor/fontawesome/webfonts").glob("*.ttf")
    return set().union(*(TTFont(font).getBestCmap() for font in fonts))


def test_icons_are_looked_for(browser, site):
    visit = Visit(browser, site, CHAPTERS[0], 1280, "light")
    assert 10 < len(visit.icons()) <= len(signs())
    visit.context.close()


def test_a_page_is_light_and_soon_usable(browser, site):
    """`python bench/pages.py` says how light; the limit on time leaves room for a busy machine."""
    for name in toc_pages():
        load = visit_once(browser, site, name)
        assert load.size < 1.2e6, name
        if load.ready >= 5000:  # the machine may have paused
            load = visit_once(browser, site, name)
        assert 0 < load.ready < 5000, name
