"""The whole book as one PDF: everything is in it, at its place, and nothing leads to this machine."""

import functools
import re
from html import unescape
from types import SimpleNamespace

import pytest
from moving import all_pictures
from pypdf import PdfReader
from visits import CHAPTERS, html_of

from authoring import pdf
from authoring.site import serving
from tools.fork import online, repository

# What stands beside the paper, where nobody can read it.
CUT = """() => [...document.querySelectorAll("article.bd-article *")]
  .filter((e) => e.closest("svg, mjx-assistive-mml, .visually-hidden, .sd-sr-only") === null)
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 2)
  .map((e) => e.outerHTML.slice(0, 200))"""
UNDRAWN = """() => [...document.querySelectorAll("article.bd-article img")]
  .filter((image) => !image.naturalWidth).map((image) => image.src)"""
PICTURES = all_pictures()
ONLINE = online(repository())
IN_KOREAN = ["notebooks/01_tokens", "book/glossary"]


@pytest.fixture(scope="module")
def book(browser, tmp_path_factory):
    """The PDF, its text by page, and what was cut off or not drawn while it was printed."""
    return printed(browser, tmp_path_factory.mktemp("pdf") / "book.pdf", pdf.pages())


@pytest.fixture(scope="module")
def korean(browser, tmp_path_factory):
    """The same of two pages of the Korean edition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBUTILS_LANG", "ko")
        return printed(browser, tmp_path_factory.mktemp("pdf") / "ko.pdf", IN_KOREAN)


def printed(browser, path, names: list[str]) -> SimpleNamespace:
    cut, undrawn, printing = [], [], pdf.on_paper

    def watched(tab, scale):
        cut.extend(tab.evaluate(CUT))
        undrawn.extend(tab.evaluate(UNDRAWN))
        return printing(tab, scale)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "on_paper", watched)
        pdf.main(browser, names, path)
    reader = PdfReader(path)
    starts = [reader.get_destination_page_number(item) for item in chapters(reader.outline)]
    ends = [*starts[1:], len(reader.pages)]
    where = {name: range(*ends) for name, ends in zip(names, zip(starts, ends), strict=True)}
    text = functools.cache(lambda number: plain(reader.pages[number].extract_text()))
    return SimpleNamespace(
        path=path, reader=reader, text=text, where=where, cut=cut, undrawn=undrawn
    )


def chapters(outline) -> list:
    return [item for item in outline if not isinstance(item, list)]


def plain(words: str) -> str:
    """Without white space and ligatures, which a PDF spells as it likes."""
    for sign, letters in {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"}.items():
        words = words.replace(sign, letters)
    return "".join(words.split())


def links(page) -> list[dict]:
    return [link.get_object() for link in page.get("/Annots", ())]


def addresses(page) -> set[str]:
    return {link["/A"]["/URI"] for link in links(page) if "/A" in link}


def headings(name: str, level: int) -> list[str]:
    article = html_of(name).partition("<article")[2]
    found = re.findall(rf"<h{level}>(.*?)<a class=\"headerlink\"", article, re.S)
    return [plain(unescape(re.sub(r"<[^>]+>", "", words))) for words in found]


def test_nothing_is_cut_off_and_every_figure_is_drawn(book):
    assert book.cut == []
    assert book.undrawn == []


def test_its_letters_are_of_the_fonts_that_it_brings(book):
    names = fonts(book)
    assert {"DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "NanumGothic"} <= names


def fonts(book) -> set[str]:
    """The fonts' names. Whatever the machine has: of its fonts come at most signs that are no letters of ours."""
    names, foreign = set(), set()

    def look(words, matrix, text_matrix, font, size):
        name = str((font or {}).get("/BaseFont", "")).rpartition("+")[2]
        letters = name and re.search("[A-Za-z가-힣]", words)  # without a name: drawn by the PDF
        if letters and not name.startswith(("DejaVuSans", "STIXTwoMath", "NanumGothic")):
            foreign.add((name, words))

    for page in book.reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            names.add(font.get("/BaseFont", "").rpartition("+")[2])
            assert embedded(font), font
    for number in (0, 1, *(pages[1] for pages in book.where.values() if len(pages) > 1)):
        book.reader.pages[number].extract_text(visitor_text=look)
    assert not foreign
    return names


def embedded(font) -> bool:
    """Whether the PDF holds the font's file; a font of type 3 is drawn by the PDF itself."""
    if font["/Subtype"] == "/Type3":
        return True
    kept = font.get("/DescendantFonts", [font])[0].get_object()["/FontDescriptor"]
    return any(f"/FontFile{kind}" in kept for kind in ("", 2, 3))


def test_it_is_a_book_of_plausible_size(book):
    assert 150 < len(book.reader.pages) < 600
    assert 1e6 < book.path.stat().st_size < 40e6
    empty = [
        page.page_number for page in book.reader.pages if len(page.get_contents().get_data()) < 500
    ]
    assert empty == []


def test_bookmarks_are_the_chapters_and_their_sections(book):
    outline, pages = book.reader.outline, iter(pdf.pages())
    assert len(chapters(outline)) == len(pdf.pages())
    for item, after in zip(outline, [*outline[1:], None]):
        if isinstance(item, list):
            continue
        name = next(pages)
        assert plain(item.title) == headings(name, 1)[0]
        under = after if isinstance(after, list) else []
        assert [plain(part.title) for part in under] == headings(name, 2)
        tops = [(book.reader.get_destination_page_number(part), -float(part.top)) for part in under]
        assert tops == sorted(tops) and all(page in book.where[name] for page, _ in tops)
        assert all(top < -100 for _, top in tops), (
            f"a title of {name} stands alone at the foot of a page"
        )
    assert max(len(item) for item in outline if isinstance(item, list)) > 8


def test_each_chapter_begins_on_its_page_with_its_number(book):
    contents = book.text(1)
    for name, pages in book.where.items():
        first = book.text(pages[0])
        number, title = str(pages[0] + 1), headings(name, 1)[0]
        assert title in first and (first.startswith(number) or first.endswith(number)), name
        assert title + number in contents


def test_a_bookmark_leads_to_just_above_its_title(book):
    """Chromium notes places without margins and scale; pdf.py adds them."""
    sections = [part for item in book.reader.outline if isinstance(item, list) for part in item]
    for part in sections[:12]:
        page = book.reader.pages[book.reader.get_destination_page_number(part)]
        assert 5 < part.top - baseline(page, part.title) < 25, part.title


def baseline(page, title: str) -> float:
    """How high on the page the title's first line stands, in points."""
    found = []

    def look(words, matrix, text_matrix, font, size):
        large = matrix[0] * text_matrix[0] * size > 12
        if large and words.strip() and plain(title).startswith(plain(words)):
            found.append(matrix[3] * text_matrix[5] + matrix[5])

    page.extract_text(visitor_text=look)
    return found[0]


@pytest.mark.parametrize("name", CHAPTERS)
def test_figures_are_on_the_pages(book, name):
    """Each by its longest label, which is text on paper too."""
    told = "".join(book.text(number) for number in book.where[name])
    for figure in re.findall(r'<svg class="figure-svg".*?</svg>', html_of(name), re.S):
        labels = re.findall(r"<text(?![^>]*rotate)[^>]*>([^<]+)</text>", figure)
        assert plain(unescape(max(labels, key=len))) in told


@pytest.mark.parametrize("moving", PICTURES, ids=str)
def test_a_moving_picture_stands_still_beside_its_address(book, moving):
    own = f"{ONLINE}{moving.page}.html#"
    pages = [book.reader.pages[number] for number in book.where[moving.page]]
    said = plain(re.search(rf'{moving.name}"[^>]*><p>(.*?)</p>', html_of(moving.page), re.S)[1])
    (page,) = [
        page
        for page in pages
        if own_picture(page, own) and plain(unescape(said))[:40] in book.text(page.page_number)
    ]
    (address,) = [address for address in addresses(page) if address.startswith(own)]
    assert f'id="{address.removeprefix(own)}"' in html_of(moving.page)
    assert "MovethispictureintheonlineBook".lower() in book.text(page.page_number).lower()
    assert "can'tbemoved" not in book.text(page.page_number)


def own_picture(page, own: str) -> bool:
    return any(address.startswith(own) for address in addresses(page))


def test_links_lead_within_the_book_or_to_other_sites(book):
    everywhere = set().union(*(addresses(page) for page in book.reader.pages))
    assert all(address.startswith("https://") for address in everywhere)
    assert not [address for address in everywhere if re.search(r"localhost|127\.0\.0\.1", address)]
    assert any("youtube.com" in address for address in everywhere)
    here = {address for address in everywhere if address.startswith(ONLINE)}
    assert ONLINE in here and all(moves(address) for address in here - {ONLINE})
    for name in CHAPTERS[:10]:  # the first page's table of them
        assert leads_from(book, "book/intro", book.where[name][0]), name


def moves(address: str) -> bool:
    """Whether a picture moves at that place of the online book, or the page is none of the PDF's."""
    name, _, section = address.removeprefix(ONLINE).partition(".html")
    if name == "book/progress":
        return True
    section = section.removeprefix("#")
    return 'class="moving-picture"' in html_of(name).partition(f'id="{section}"')[2]


def leads_from(book, name: str, number: int) -> bool:
    """Whether a link of the page of that name leads to the paper page of that number."""
    target = book.reader.pages[number].indirect_reference
    found = [link for at in book.where[name] for link in links(book.reader.pages[at])]
    return any(link["/Dest"][0] == target for link in found if "/Dest" in link)


def test_a_link_to_a_page_that_is_not_printed_leads_to_the_online_book(browser, tmp_path):
    pdf.main(browser, ["book/intro"], tmp_path / "one.pdf")
    everywhere = set().union(*(addresses(page) for page in PdfReader(tmp_path / "one.pdf").pages))
    assert {f"{ONLINE}{name}.html" for name in CHAPTERS[:10]} <= everywhere
    assert all(address.startswith("https://") for address in everywhere)


def test_folded_answers_are_open(book):
    name = "notebooks/02_io"
    printed = "".join(book.text(number) for number in book.where[name])
    answers = re.findall(r"<summary>Answer</summary>\s*<p>(.*?)</p>", html_of(name), re.S)
    simple = [
        plain(unescape(re.sub(r"</?strong>", "", answer)))
        for answer in answers
        if not re.search(r"<(?!/?strong>)", answer)
    ]
    assert len(simple) > 3
    for answer in simple:
        assert answer[:40] in printed, answer


def test_a_picture_that_fails_stops_the_printing(browser, site):
    tab = browser.new_page()
    tab.route(re.compile(r"/_static/pictures/.*\.js$"), lambda route: route.abort())
    with (
        serving(pdf.FONTS) as letters,
        serving(pdf.HANGUL) as hangul,
        pytest.raises(RuntimeError, match="a picture of notebooks/02_io is not drawn"),
    ):
        pdf.print_page(tab, pdf.Addresses(site, letters, hangul, ONLINE), "notebooks/02_io", 0)
    tab.close()


def test_signs_that_no_font_has_are_told(browser):
    tab = browser.new_page()
    assert tab.evaluate(pdf.LACKING, "aé\u0379") == ["\u0379"]
    tab.close()


def test_the_korean_edition_is_a_book_of_its_own(korean, monkeypatch):
    """Its cover, contents, bookmarks and text are Korean, and can be searched."""
    assert korean.reader.root_object["/Lang"] == "ko"
    assert korean.reader.metadata.author == "Next Token 저자들"
    assert ONLINE + "ko/" in korean.text(0) and "사람들이쓴글" in korean.text(0)
    assert korean.text(1).startswith(("2차례", "차례"))
    outline = korean.reader.outline
    assert [item.title for item in chapters(outline)] == ["1 토큰", "용어집"]
    sections = [
        plain(item.title) for item in next(item for item in outline if isinstance(item, list))
    ]
    assert sections == headings(f"ko/{IN_KOREAN[0]}", 2) and "글자도낱말도아닌까닭" in sections
    said = korean.text(korean.where[IN_KOREAN[0]][0])
    assert plain("신경망이 할 줄 아는 것은 숫자를 곱하고 더하는 일뿐입니다.") in said
    assert plain("온라인 책에서 이 그림을 움직여 보세요: " + ONLINE) in said
    assert pdf.file().name == "next-token.pdf"
    monkeypatch.setenv("NBUTILS_LANG", "ko")
    assert pdf.file().name == "next-token-ko.pdf"


def test_hangul_is_of_the_font_that_it_brings(korean):
    assert {"NanumGothic", "NanumGothicBold"} <= fonts(korean)
    assert korean.cut == korean.undrawn == []
    assert 0.2e6 < korean.path.stat().st_size < 3e6


def test_links_of_the_korean_edition_lead_within_it_or_to_it_online(korean):
    everywhere = set().union(*(addresses(page) for page in korean.reader.pages))
    assert not [address for address in everywhere if not address.startswith("https://")]
    ours = {address for address in everywhere if address.startswith(ONLINE)}
    assert f"{ONLINE}ko/notebooks/exercises/01_tokens.html" in ours
    assert all(address.startswith(f"{ONLINE}ko/") for address in ours)
    entries = range(korean.where["book/glossary"][0], len(korean.reader.pages))
    assert sum(leads_from(korean, IN_KOREAN[0], number) for number in entries) > 5
