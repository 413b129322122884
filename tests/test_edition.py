"""The Korean edition beside the English one: the same pages and sections, a switch between them, and a search."""

import re
from functools import cache
from urllib.parse import urljoin

import nbformat
import pytest
from visits import CHAPTERS, PAGES, Reader

from authoring import catalogues, exercise_pages, headings, notebooks, translations
from authoring.catalogues import Unit
from authoring.extensions.languages import HANGUL, pieces
from authoring.site import HTML
from nbutils import words
from nbutils.exercises.exercise import exercise, in_language, names

FINISHED = translations.finished("ko")
# Follow the switch to English, and say which section was being read.
BACK = """() => {
  const read = document.querySelector("#page-contents a[aria-current]").hash;
  document.querySelector(".language-switch a[lang=en]").click();
  return read;
}"""
SECTION = re.compile(r'<section\b[^>]*\bid="([^"]+)"')


@cache
def html(page: str) -> str:
    return (HTML / f"{page}.html").read_text("utf-8")


@pytest.mark.parametrize("page", translations.pages())
def test_a_page_has_the_same_sections_in_both_languages(page):
    assert SECTION.findall(html(f"ko/{page}")) == SECTION.findall(html(page)) != []


def test_terms_have_the_anchors_of_the_english_glossary():
    """The first of an entry has the English one's, so that a link leads to the entry's top."""
    anchor = re.compile(r'<dt id="(term-[^"]+)">([^<]*)')
    english, korean = (dict(anchor.findall(html(f"{top}book/glossary"))) for top in ("", "ko/"))
    assert english.keys() < korean.keys()
    assert korean["term-byte"] == "바이트" and korean["term-byte-en"] == "byte"
    assert korean["term-loss-floor"] == "loss floor" and korean["term-floor-2"] == "손실의 바닥"
    assert not [name for name in korean if re.fullmatch(r"term-\d+", name)]
    assert headings.term("term-바이트") == "term-바이트"  # in an English book


@pytest.mark.parametrize("page", ["notebooks/03b_attention", "book/glossary", "search"])
def test_what_the_theme_says_is_korean(page):
    """What is read aloud, or shown beside the pointer; what stands on its buttons."""
    own = html(f"ko/{page}")
    said = re.findall(r'\s(?:title|aria-label|alt|placeholder)="([^"]*)"', own)
    assert len(said) > 10
    assert [one for one in said if re.search("[A-Za-z]{2}", one) and not HANGUL.search(one)] == []
    assert not re.search(r">\s*(?:Repository|Suggest edit|Open issue)\s*<", own)
    words = catalogues.said(catalogues.load(catalogues.path("ko", "theme")))
    written = re.search(r'class="component-author">\s*([^<]+?)\s*<', own)[1]
    assert written.split()[0] == words[Unit("", "By")]  # the theme has another, which is wrong
    assert "Toggle primary sidebar" in html(page)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_where_it_stands_in_other_languages(page):
    for here, top in (("en", ""), ("ko", "ko/")):
        own = html(f"{top}{page}")
        assert f'<html lang="{here}"' in own
        switch = re.search(r'<nav class="language-switch".*?</nav>', own, re.S)[0]
        links = re.findall(r'href="([^"]+)" lang="(\w+)"', switch)
        lead = {code: urljoin(f"/{top}{page}.html", address) for address, code in links}
        assert lead == {"en": f"/{page}.html", "ko": f"/ko/{page}.html"}
        assert re.findall(r'lang="(\w+)"[^>]*aria-current', switch) == [here]
        if page in translations.pages():
            alternates = dict(
                re.findall(r'<link rel="alternate" hreflang="([\w-]+)" href="([^"]+)"', own)
            )
            assert alternates["ko"].endswith(f"/ko/{page}.html")
            assert (
                alternates["en"] == alternates["x-default"] == alternates["ko"].replace("/ko/", "/")
            )


@pytest.mark.parametrize("page", translations.pages())
def test_a_page_says_whether_it_is_translated(page):
    waits = words.table("book/languages", "ko")["waits"]
    assert (waits in html(f"ko/{page}")) == (page not in FINISHED)
    assert waits not in html(page)


def test_a_translated_page_is_corrected_in_its_catalogue():
    assert f"/edit/main/translations/ko/{FINISHED[0]}.po" in html(f"ko/{FINISHED[0]}")
    assert "translations/" not in re.search(r'href="[^"]*/edit/[^"]*"', html(FINISHED[0]))[0]


def test_a_translated_chapter_asks_what_the_english_one_asks():
    asked = re.compile(r'<div class="prediction" id="([^"]+)" data-question="([^"]*)"')
    wrong = re.compile(r'<li data-wrong="([^"]*)"')
    chapters = [page for page in FINISHED if page in CHAPTERS]
    assert chapters
    for page in chapters:
        korean, english = html(f"ko/{page}"), html(page)
        assert asked.findall(korean) == asked.findall(english)
        assert wrong.findall(korean) == wrong.findall(english)
        assert korean.count('<div class="veiled"') == english.count('<div class="veiled"')


def test_words_are_cut_for_the_search():
    assert pieces("토큰은") == ["토큰", "큰은"] and pieces("토큰") == ["토큰"]
    assert pieces("GPT가") == ["GPT", "가"] and pieces("a1") == ["a1"] and pieces("값") == ["값"]


@pytest.mark.parametrize("page", FINISHED)
def test_nothing_goes_wrong_on_a_translated_page(browser, site, page):
    """One look each: on a phone, dark and light in turn."""
    reader = Reader(browser, site)
    reader.turn_to(f"ko/{page}", width=390, scheme=("dark", "light")[FINISHED.index(page) % 2])
    reader.lay_out()
    assert not any(reader.troubles().values()), reader.troubles()
    reader.close()


def test_the_switch_keeps_the_section_and_the_search_finds_a_word_with_its_particle(browser, site):
    reader = Reader(browser, site)
    page = reader.page
    reader.turn_to("notebooks/02_io")
    page.locator("#page-contents a").nth(2).click()
    anchor = page.locator("#page-contents a").nth(2).get_attribute("href")
    page.wait_for_function(
        f"document.querySelector('#page-contents a[aria-current]')?.hash === '{anchor}'"
    )
    page.get_by_role("link", name="한국어").click()
    page.wait_for_url(f"**/ko/notebooks/02_io.html{anchor}")
    place = page.locator(f"[id='{anchor[1:]}']").first
    page.wait_for_function(
        "place => Math.abs(place.getBoundingClientRect().top) < 200", arg=place.element_handle()
    )
    page.wait_for_function("document.querySelector('#page-contents a[aria-current]')")
    read = page.evaluate(BACK)  # pictures that come late may have moved the page on
    page.wait_for_url(f"{site}notebooks/02_io.html{read}")
    page.goto(f"{site}ko/search.html?q=윈도우")
    page.wait_for_function(
        "() => Search.status?.innerText.includes('완료') && document.querySelector('#search-results li a')"
    )
    found = page.locator("#search-results li a").all_text_contents()
    assert found[0].startswith("2 입력과 출력 > ")  # the section that explains the word
    assert "용어집 > 윈도우" in found
    assert reader.errors == []
    reader.close()


@pytest.mark.parametrize("page", ["notebooks/02_io", "ko/notebooks/06_faster"])
def test_a_link_leads_to_its_section_below_pictures_and_lets_the_reader_go_on(browser, site, page):
    """Pictures come to life, and what is far away is laid out late; who scrolls is not pulled back."""
    reader = Reader(browser, site)
    reader.turn_to(page, width=390)
    anchor = reader.page.locator("#page-contents a").nth(-2).get_attribute("href")
    top = f"document.getElementById(decodeURIComponent('{anchor[1:]}')).getBoundingClientRect().top"
    reader.page.goto("about:blank")
    reader.page.goto(f"{site}{page}.html{anchor}", wait_until="load")
    reader.page.wait_for_function(f"Math.abs({top} - 64) < 2")  # under the header
    reader.page.mouse.wheel(0, 3000)
    reader.page.wait_for_function(f"{top} < -500")
    reader.page.evaluate("document.querySelector('#main-content').style.paddingTop = '50px'")
    reader.page.wait_for_timeout(200)
    assert reader.page.evaluate(top) < -500
    reader.close()


def run_of(page: str, until: int | None = None, **sources: str):
    """A notebook for Colab that is run up to a cell. sources: what is filled in, by the names of exercises."""
    file = translations.colab_file("ko", page)
    stored = nbformat.read(file, as_version=4)
    stored.cells = stored.cells[:until]
    for cell in stored.cells:
        cell.source = sources.get(cell.id.replace("-", "_"), cell.source)
    return notebooks.execute(file, stored, threads=1)


def pictures(notebook) -> list[str]:
    """Those of a notebook that was run, as they are shown there."""
    shown = [
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    ]
    return [html for html in shown if "moving-picture" in html]


def test_a_notebook_for_colab_begins_and_speaks_its_language():
    shown = pictures(run_of("notebooks/02_io", until=3))  # title, setup, the first picture
    assert len(shown) == 1 and re.search("<p>[^<]*[가-힣]", shown[0])


@pytest.mark.part("exercises")
@pytest.mark.parametrize(
    "page", [page for page in FINISHED if page in CHAPTERS and "6b" not in page]
)
def test_a_notebook_for_colab_runs_to_its_end(page):
    assert all(re.search("<p>[^<]*[가-힣]", picture) for picture in pictures(run_of(page)))


AT_ONCE = "inference"  # the chapter whose answers are filled in by `make test`


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if of == AT_ONCE else [pytest.mark.part("exercises")])
        for page, of in exercise_pages.PAGES.items()
        if page in FINISHED
    ],
)
def test_exercises_for_colab_are_checked_in_their_language(page, tmp_path, monkeypatch):
    """All answers, and in the last one a mistake."""
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))
    asked = [exercise(name) for name, of in names().items() if of == exercise_pages.PAGES[page]]
    wrong = next(wrong for wrong in asked[-1].wrong if wrong.old)
    sources = {one.name: one.source for one in asked}
    sources[asked[-1].name] = asked[-1].source.replace(wrong.old, wrong.new)
    says = {
        cell.id: cell.outputs[0]["data"]["text/plain"]
        for cell in run_of(page, **sources).cells
        if cell.id.endswith("-check")
    }
    *right, last = says.values()
    assert len(says) == len(asked)
    assert all(
        re.match(r"✓ \w+: 맞았습니다\. 시험해 본 경우: .*[가-힣]", told) for told in right
    ), right
    known = in_language(asked[-1], "ko").wrong
    mistake = known[asked[-1].wrong.index(wrong)].says
    assert re.search("[가-힣]", mistake) and last.startswith(f"✗ {asked[-1].name}: {mistake}")
