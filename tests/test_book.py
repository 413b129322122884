"""The built book in a real browser: every page, two widths, light and dark, no other host."""

import gzip
import os
import re
from itertools import cycle
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from visits import CHAPTERS, PAGES, WORDS_OF_CODE, Reader, compressed, html_of, signs

from authoring.site import HTML, ROOT, toc_pages

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
SMALL = "notebooks/exercises/06_your_gpt"  # a page with some code


@pytest.mark.parametrize("name, look", list(zip(PAGES, cycle(LOOKS))))
def test_page_in_a_browser(reader, name, look):
    """Each page in one look, so that each look is met by many; then the window changes the others."""
    sound(reader, name, look)
    own, first, requests = reader.weight()
    assert own < 150_000 and first < 450_000 and requests < 50, (own, first, requests)
    icons = reader.icons()
    assert icons <= signs() and (name not in CHAPTERS or len(icons) > 10)
    assert reader.findings() == {}
    for width, scheme in LOOKS:
        reader.look(width, scheme)
        reader.page.wait_for_function(
            "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
        )
        assert reader.troubles() == {}, (width, scheme)


@pytest.mark.part("pages")
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_page_in_every_look(reader, name, look):
    """Opened anew, and each text asked for its contrast."""
    sound(reader, name, look)
    assert reader.findings(once=WORDS_OF_CODE) == {}


def sound(reader: Reader, name: str, look: tuple[int, str]) -> None:
    """Open the page: it follows the system's scheme, and nothing is wrong."""
    reader.turn_to(name, *look)
    if "SCREENSHOTS" in os.environ:  # for people to look at
        width, scheme = look
        shots = ROOT / "_build" / "screenshots"
        shots.mkdir(parents=True, exist_ok=True)
        path = shots / f"{name.replace('/', '-')}-{width}-{scheme}.png"
        reader.page.screenshot(path=path, full_page=True)
    assert reader.page.evaluate("document.documentElement.dataset.theme") == look[1]
    assert reader.troubles() == {}


@pytest.mark.parametrize("once", ["*", WORDS_OF_CODE])
def test_a_pale_word_of_code_is_noticed(reader, once):
    """Though axe sees each look once, and this word is one of many of its kind."""
    reader.turn_to(SMALL)
    reader.page.evaluate(
        """() => {
          const words = [...document.querySelectorAll(".highlight pre span.n")];
          words[words.length - 1].style.color = "#ddd";
        }"""
    )
    assert set(reader.findings(once)) == {"color-contrast"}


def test_what_a_page_lacks_or_asks_of_another_host_is_noticed(reader):
    reader.turn_to(SMALL)
    assert reader.troubles() == {}
    reader.page.evaluate(
        """() => {
          const image = (src) => document.body.append(Object.assign(new Image(), { src }));
          ["nowhere.png", "http://example.com/a.png", "http://93.184.215.14/b.png"].forEach(image);
          document.querySelector("main").append("$$x$$");
          document.body.insertAdjacentHTML("beforeend", "<p style='width: 9999px'>wide</p>");
        }"""
    )
    reader.page.wait_for_function("[...document.images].slice(-3).every(image => image.complete)")
    found = reader.troubles()
    assert len(found["errors"]) == 3 and len(found["missing"]) == 1 and len(found["images"]) == 3
    assert len(found["asked of another host"]) == 2
    assert found["mathematics"] and found["too wide, pixels"]


def test_a_page_with_formulas_loads_one_style_for_them_and_no_script_draws_them():
    for page in toc_pages():
        html = html_of(page)
        needed = "<math" in html
        assert ("_static/formulas.css" in html) == ("_static/formulas.js" in html) == needed, page
        assert "mathjax" not in html.replace("mathjax_ignore", "").lower()
        told = re.findall(r'<math alttext="([^"]*)"', html)  # between two prices stands no formula
        assert not [
            tex for tex in told if re.search(r"[a-z]{3} [a-z]{2,} ", tex) and "text" not in tex
        ]
        assert html.count('class="math ') <= html.count("<math")
    assert "<math" in html_of("book/glossary")
    assert compressed(HTML / "_static" / "formulas.css") < 25_000  # with the font
    assert not (HTML / "_static" / "mathjax").exists()


def test_every_page_in_the_toc_is_built_and_no_other():
    built = {p.relative_to(HTML).with_suffix("").as_posix() for p in HTML.rglob("*.html")}
    every = {*PAGES, "index", "404"}
    assert {page for page in built if "_static/" not in page} == every | {f"ko/{p}" for p in every}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    for link in re.findall(r'<a\b[^>]*?\shref="([^"]*)"', html_of(name)):
        target, anchor = urldefrag(link)
        if re.match(r"[a-z]+:|//", target):
            continue
        path = HTML / unquote(urljoin(f"{name}.html", target) if target else f"{name}.html")
        assert path.exists(), f"{name} links to {link}"
        if anchor and path.suffix == ".html":
            assert f'id="{unquote(anchor)}"' in path.read_text("utf-8"), f"{name} links to {link}"


@pytest.mark.parametrize("name", PAGES)
def test_pictures_have_words_as_alt_text(name):
    for image in re.findall(r'<img\b[^>]*>|<svg class="figure-svg"[^>]*>', html_of(name)):
        alt = re.search(r'(?:alt|aria-label)="([^"]*)"', image)
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


def test_the_tables_of_what_was_measured_are_filled_and_name_every_page():
    tables = re.findall(r'class="numbers.*?</table>', html_of("book/tested"), re.S)
    text = (ROOT / "book" / "tested.md").read_text("utf-8")
    assert len(tables) == text.count("```{measured}") > 4
    told = []
    for table in tables:
        cells = re.findall(r"<td>(.*?)</td>", table, re.S)
        told += [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells]
        assert cells and all(told)
    for page in toc_pages():
        title = re.search(r"<title>(.*?) &#8212;", html_of(page))[1]
        assert told.count(title) == (2 if page in CHAPTERS else 1), title  # its time, its weight


def figures(name: str) -> list[str]:
    """The figures that stand in a page."""
    return re.findall(r'<svg class="figure-svg".*?</svg>', html_of(name), re.S)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_stand_in_their_page_and_are_light(chapter):
    drawn = figures(chapter)
    stored = (ROOT / f"{chapter}.ipynb").read_text("utf-8").count('"image/svg+xml"')
    assert len(drawn) == stored
    for figure in drawn:
        assert len(gzip.compress(figure.encode())) < 40_000, figure[:300]
        assert figure.count("<text") and "NAME" not in figure
    names = re.findall(r' id="(figure-[^"]*)"', html_of(chapter))
    assert len(names) == len(set(names))
    assert {*re.findall(r"url\(#([^)]*)\)", "".join(drawn))} <= {*names}


def test_figures_follow_the_look_and_their_text_is_found(reader):
    """With letters of three kinds no label leaves its figure or the page."""
    reader.turn_to("notebooks/03b_attention", 1280, "light")
    page, colours = reader.page, {}
    for scheme in ("light", "dark"):
        reader.look(1280, scheme)
        page.wait_for_function(
            "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
        )
        colours[scheme] = page.evaluate(
            "getComputedStyle(document.querySelector('.figure-svg text')).fill"
        )
    assert colours == {"light": "rgb(31, 35, 40)", "dark": "rgb(230, 237, 243)"}
    assert page.evaluate("window.find('over the vocabulary')")
    for letters in ("DejaVu Sans", "Liberation Sans", "Noto Sans"):
        page.evaluate(
            "font => document.documentElement.style.setProperty('--figure-font', `'${font}'`)",
            letters,
        )
        assert page.evaluate(OUTSIDE) == [], letters


OUTSIDE = """() => [...document.querySelectorAll(".figure-svg text")].filter((text) => {
  const [box, frame] = [text, text.closest("svg")].map((one) => one.getBoundingClientRect());
  return box.left < frame.left - 4 || box.right > frame.right + 4 || box.bottom > frame.bottom + 4;
}).map((text) => text.textContent)"""


def test_no_page_shows_a_control_that_needs_a_kernel():
    """In place of the training panel stands the picture of a finished run."""
    page = html_of("notebooks/04b_training").rpartition("TrainingPanel")[2]
    picture = re.search(r'<svg class="figure-svg"[^>]*>.*?</svg>', page, re.S)[0]
    assert re.search(r'aria-label="[^"]+"', picture) and "validation" in picture
    for chapter in CHAPTERS:
        assert not re.search(
            r"jupyter\.widget-view|class=\"[^\"]*jupyter-widgets", html_of(chapter)
        )


def test_search_finds_a_word_of_a_chapter(reader):
    reader.page.goto(f"{reader.address}search.html?q=vocabulary")
    reader.page.locator("#search-results li a").first.wait_for()


def test_first_page_is_where_the_address_leads(reader):
    reader.page.goto(reader.address)
    reader.page.wait_for_url(f"{reader.address}book/intro.html")


def test_code_scrolls_on_a_phone_and_wraps_on_paper(browser, site):
    """Printed by the browser itself, without authoring/pdf.py."""
    cut = """[...document.querySelectorAll("article pre")]
        .filter((code) => code.scrollWidth > code.clientWidth && code.checkVisibility()).length"""
    paper = Reader(browser, site)
    paper.turn_to("notebooks/02_io", width=390)
    assert paper.page.evaluate(cut) > 0
    paper.page.emulate_media(media="print")
    assert paper.page.evaluate(cut) == 0
    paper.close()


def test_the_picture_fits_the_screen(reader):
    reader.turn_to("book/intro")
    for width, shown, hidden in ((1280, "wide", "tall"), (390, "tall", "wide")):
        reader.look(width, "light")
        assert reader.page.locator(f".flow-{shown}").is_visible()
        assert not reader.page.locator(f".flow-{hidden}").is_visible()
        smallest = reader.page.evaluate(
            f"""() => Math.min(...[...document.querySelectorAll(".flow-{shown} text")]
            .map(t => t.getBoundingClientRect().height))"""
        )
        assert smallest >= 10, "some words of the picture are too small to read"
