"""The copy for a disk, unpacked and opened as by double click: pages, pictures, links, search."""

import re
from urllib.parse import unquote, urldefrag, urljoin
from zipfile import ZipFile

import pytest
from moving import all_pictures
from shown import Shown, agree
from visits import PAGES, Reader

from authoring import offline
from authoring.site import HTML
from nbutils.figures.moving import picture

TABLE = re.compile(r"/_static/pictures/[0-9a-f]{64}\.js$")
PICTURES = all_pictures()
SAMPLER = next(moving for moving in PICTURES if moving.name == "Sampler")
OPENED = {"book/intro", "book/tested", "search", *(moving.page for moving in PICTURES)}


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


@pytest.fixture(scope="module")
def visitor(browser, disk):
    """A tab on the pages there."""
    made = Reader(browser, disk)
    yield made
    made.close()


@pytest.mark.parametrize(
    "name",
    [n if n in OPENED else pytest.param(n, marks=pytest.mark.part("pages")) for n in PAGES],
)
def test_page_from_a_disk(visitor, name):
    visitor.turn_to(name)
    assert visitor.page.url.startswith("file:")
    for moving in PICTURES:
        if moving.page == name:
            shown = Shown(visitor.page, moving.name)
            agree(shown, moving)
            for move in moving.moves[:2]:  # among them those that fetch a file
                before = shown.state()
                move.do(shown)
                assert shown.state() != before
                agree(shown, moving)
    assert visitor.troubles() == {}


def test_every_file_that_a_picture_fetches_is_a_script_and_comes_when_needed(visitor, folder):
    packed = {path.stem for path in folder.rglob("*.js") if len(path.stem) == 64}
    expected = {
        picture.sha256(get()) for moving in PICTURES for get in moving.make().resources.values()
    }
    assert packed == expected and expected
    assert not list(folder.rglob("*.bin"))
    visitor.turn_to("book/intro")  # there the sampler waits for a touch
    shown = Shown(visitor.page, SAMPLER.name)
    assert not any(map(TABLE.search, visitor.asked))
    shown.place.get_by_role("button", name="Draw one").click()
    shown.place.locator(".written .chip").wait_for()
    assert any(map(TABLE.search, visitor.asked))


def test_a_file_that_is_not_there_leaves_a_sentence(browser, disk):
    page = browser.new_page()
    page.route(TABLE, lambda route: route.abort())
    page.goto(f"{disk}{SAMPLER.page}.html")
    shown = Shown(page, SAMPLER.name)
    SAMPLER.moves[0].move.do(shown)
    shown.place.get_by_text("can't be loaded").wait_for()
    page.close()


def test_links_lead_to_files(folder):
    pages = list(folder.rglob("*.html"))
    assert len(pages) == 2 * (len(PAGES) + 1)  # index.html; and in Korean
    for page in pages:
        for link in re.findall(r'\s(?:href|src)="([^"]*)"', page.read_text("utf-8")):
            target = urldefrag(link)[0].partition("?")[0]
            if target and not re.match(r"[a-z]+:|//", target):
                to = folder / unquote(urljoin(page.relative_to(folder).as_posix(), target))
                assert to.is_file(), f"{page.name} names {link}"


def test_search_finds_a_page_and_leads_to_it(visitor):
    visitor.turn_to("book/intro")
    page = visitor.page
    page.goto(f"{visitor.address}search.html?q=vocabulary")
    found = page.locator("#search-results li a").first
    found.wait_for()
    page.wait_for_function("() => Search.status.innerText.includes('finished')")
    found.click()
    visitor.arrived()
    assert page.url.startswith(visitor.address) and "search.html" not in page.url
    assert "vocabulary" in page.locator("article").inner_text()
    assert visitor.troubles() == {}


def test_double_click_on_the_index_leads_to_the_first_page(visitor):
    visitor.page.goto(f"{visitor.address}index.html")
    visitor.page.wait_for_url(f"{visitor.address}book/intro.html")


def test_another_sphinx_is_noticed(tmp_path):
    (tmp_path / "options.js").write_text("const DOCUMENTATION_OPTIONS = {};", "utf-8")
    with pytest.raises(ValueError, match="SHOW_SEARCH_SUMMARY"):
        offline.without_summaries(tmp_path / "options.js")
