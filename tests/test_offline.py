"""The copy for a disk, unpacked and opened as by double click: pages, pictures, links, search."""

import re
from urllib.parse import unquote, urldefrag, urljoin
from zipfile import ZipFile

import offline  # tools/offline.py
import pytest
from test_book import HTML, PAGES, Visit
from test_pictures import PICTURES, Shown, agree

from nbutils.figures import picture

TABLE = re.compile(r"/_static/pictures/[0-9a-f]{64}\.js$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a reader unpacks, where the path has signs that addresses spell otherwise."""
    made = tmp_path_factory.mktemp("made")
    offline.main(HTML, made / "offline", made / "book.zip")
    unpacked = tmp_path_factory.mktemp("Bücher & 100% mehr #1")
    ZipFile(made / "book.zip").extractall(unpacked)
    return unpacked / "book"


@pytest.fixture(scope="module")
def disk(folder):
    """Its address."""
    return f"{folder.as_uri()}/"


@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_disk(browser, disk, name):
    visit = Visit(browser, disk, name, 1280, "light")
    assert visit.page.url.startswith("file:")
    for moving in PICTURES:
        if moving.page == name:
            shown = Shown(visit.page, moving.name)
            agree(shown, moving)
            for move in moving.moves[:2]:  # among them those that fetch a file
                before = shown.state()
                move.do(shown)
                assert shown.state() != before
                agree(shown, moving)
    assert not visit.undrawn_mathematics()
    fonts = (
        "() => [...document.fonts].filter(font => font.status === 'error').map(font => font.family)"
    )
    assert visit.page.evaluate(fonts) == []
    broken = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert visit.page.evaluate(broken) == []
    assert not visit.errors and not visit.missing
    assert not visit.refused, "the page asked for something that is not in the folder"
    visit.context.close()


def test_every_file_that_a_picture_fetches_is_a_script_and_comes_when_needed(browser, folder, disk):
    packed = {path.stem for path in folder.rglob("*.js") if len(path.stem) == 64}
    expected = {
        picture.sha256(get()) for moving in PICTURES for get in moving.make().resources.values()
    }
    assert packed == expected and expected
    assert not list(folder.rglob("*.bin"))
    asked = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    moving = next(moving for moving in PICTURES if moving.name == "Sampler")
    page.goto(f"{disk}{moving.page}.html")
    shown = Shown(page, moving.name)
    assert not any(map(TABLE.search, asked))
    moving.moves[0].do(shown)
    assert any(map(TABLE.search, asked))
    page.close()


def test_a_file_that_is_not_there_leaves_a_sentence(browser, disk):
    page = browser.new_page()
    page.route(TABLE, lambda route: route.abort())
    moving = next(moving for moving in PICTURES if moving.name == "Sampler")
    page.goto(f"{disk}{moving.page}.html")
    shown = Shown(page, moving.name)
    moving.moves[0].move.do(shown)
    shown.place.get_by_text("can't be loaded").wait_for(timeout=10_000)
    page.close()


def test_links_lead_to_files(folder):
    pages = list(folder.rglob("*.html"))
    assert len(pages) == len(PAGES) + 1  # index.html
    for page in pages:
        for link in re.findall(r'\s(?:href|src)="([^"]*)"', page.read_text("utf-8")):
            target = urldefrag(link)[0].partition("?")[0]
            if target and not re.match(r"[a-z]+:|//", target):
                to = folder / unquote(urljoin(page.relative_to(folder).as_posix(), target))
                assert to.is_file(), f"{page.name} names {link}"


def test_search_finds_a_page_and_leads_to_it(browser, disk):
    visit = Visit(browser, disk, "book/intro", 1280, "light")
    visit.page.goto(f"{disk}search.html?q=vocabulary")
    found = visit.page.locator("#search-results li a").first
    found.wait_for(timeout=10_000)
    visit.page.wait_for_function("() => Search.status.innerText.includes('finished')")
    found.click()
    visit.page.wait_for_load_state()
    assert visit.page.url.startswith(disk) and "search.html" not in visit.page.url
    assert "vocabulary" in visit.page.locator("article").inner_text()
    assert not visit.errors and not visit.refused
    visit.context.close()


def test_double_click_on_the_index_leads_to_the_first_page(browser, disk):
    page = browser.new_page()
    page.goto(f"{disk}index.html")
    page.wait_for_url(f"{disk}book/intro.html")
    page.close()


def test_another_sphinx_is_noticed(tmp_path):
    (tmp_path / "options.js").write_text("const DOCUMENTATION_OPTIONS = {};")
    with pytest.raises(ValueError, match="SHOW_SEARCH_SUMMARY"):
        offline.without_summaries(tmp_path / "options.js")
