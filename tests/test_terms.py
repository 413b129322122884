"""Terms of the glossary in the pages: where they are marked, what is said of them, and that they are reached."""

import re
from html import unescape

import pytest
from docutils import nodes
from visits import CHAPTERS, html_of

from authoring import terms
from authoring.extensions import terms as extension
from authoring.site import HTML

PAGE = "notebooks/03c_transformer"
TOLD = "#term-told"


def test_each_entry_has_a_sentence_without_formulas():
    told = terms.sentences()
    assert len(told) > 100
    for term, sentence in told.items():
        assert re.fullmatch(r"[A-Z0-9(].{18,230}[.)]|Max.*", sentence), term
        assert not re.search(r"[$\\*`]|  |:\.| \.", sentence), (term, sentence)
    assert told["nat"] == "The unit of information when logarithms are natural."
    assert told["BPE"] == told["byte pair encoding"] and "256 bytes" in told["BPE"]


def test_the_list_of_everyday_words_names_terms_and_pages():
    pages = {page.rpartition("/")[2] for page in CHAPTERS}
    assert terms.everyday().keys() <= terms.sentences().keys()
    for term, rule in terms.everyday().items():
        assert rule and rule.keys() <= {"pages", "beside", "not"}, term
        assert set(rule.get("pages", ())) <= pages, term


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Queries meet keys.", ["query", "key"]),
        ("A key opens a door.", []),  # an everyday word
        ("self-attention and causal masks", ["self-attention", "causal mask"]),
        ("the output head, and one head", ["head"]),
        ("Batches, entropies, GPTs, gpt", ["batch", "entropy", "GPT"]),
        ("tokenization, untrained, byte-wise", []),
        ("activation checkpointing", ["activation checkpointing"]),
    ],
)
def test_terms_are_whole_words_in_the_meaning_of_the_glossary(text, expected):
    assert [term for _, _, term in terms.places(text, PAGE, text)] == expected


def paragraph(*children) -> nodes.paragraph:
    return nodes.paragraph("", "", *children)


def marks(*beside: nodes.Node) -> list[str]:
    section = nodes.section("", *beside)
    extension.mark([section], PAGE)
    return [node["term"] for node in section.findall(extension.Term)]


def test_the_first_place_in_a_section_is_marked():
    assert marks(paragraph(nodes.Text("A token, a batch.")), paragraph(nodes.Text("Two tokens."))) == [
        "token", "batch",
    ]  # fmt: skip


def test_where_a_term_is_defined_it_is_not_marked():
    assert marks(paragraph(nodes.Text("Tokens are ")), paragraph(nodes.strong("", "tokens"))) == []


@pytest.mark.parametrize(
    "kept",
    [
        nodes.title("", "A token"),
        nodes.literal_block("", "token"),
        paragraph(nodes.literal("", "token")),
        paragraph(nodes.reference("", "token")),
        extension.Prediction("", paragraph(nodes.Text("Which token?"))),
        nodes.container("", paragraph(nodes.Text("token")), classes=["cell"]),
        paragraph(nodes.strong("", extension.TITLE), nodes.Text(" In this chapter: loss.")),
    ],
    ids=lambda node: type(node).__name__,
)
def test_elsewhere_nothing_is_marked(kept):
    assert marks(kept) == []


def test_what_is_folded_is_left_alone():
    raw = lambda text: nodes.raw("", text, format="html")  # noqa: E731
    folded = [
        raw("<details><summary>More</summary>"),
        paragraph(nodes.Text("A token.")),
        raw("</details>"),
    ]
    assert marks(*folded, paragraph(nodes.Text("A batch."))) == ["batch"]


def test_marks_of_the_built_pages_lead_to_their_entries():
    entries = set(re.findall(r'<dt id="([^"]+)"', html_of("book/glossary")))
    for page in CHAPTERS:
        marked = re.findall(
            r'<a class="term" href="[^"#]*glossary.html#([^"]+)" data-term="([^"]+)">',
            html_of(page),
        )
        assert len(marked) > 10, page
        assert {place for place, _ in marked} <= entries
        assert {unescape(term) for _, term in marked} <= terms.sentences().keys()
        (address,) = re.findall(r'<meta name="terms" content="([^"]+)"', html_of(page))
        assert (HTML / page).parent.joinpath(address).resolve().is_file()
    assert 'class="term"' not in html_of("book/glossary")


def test_a_sentence_comes_with_the_pointer_and_the_focus_and_goes_with_escape(reader):
    reader.turn_to(PAGE)
    page, told = reader.page, reader.page.locator(TOLD)
    term = page.locator("a.term:visible").nth(20)
    expected = terms.sentences()[term.get_attribute("data-term")]
    page.evaluate(
        "document.documentElement.style.setProperty('--far', 'visible')"
    )  # no guessed heights
    before = page.evaluate("document.documentElement.scrollHeight")
    term.hover()
    told.wait_for()
    assert told.inner_text().startswith(expected)
    assert (
        told.locator("a")
        .get_attribute("href")
        .endswith(term.get_attribute("href").removeprefix(".."))
    )
    page.keyboard.press("Escape")
    assert told.is_hidden() and term.get_attribute("aria-describedby") is None
    page.mouse.move(0, 0)
    term.focus()
    told.wait_for()
    assert term.get_attribute("aria-describedby") == "term-told"
    assert page.evaluate("document.documentElement.scrollHeight") == before
    assert reader.findings(once="*") == {}
    page.evaluate("document.activeElement.blur()")
    told.wait_for(state="hidden")


def test_a_touch_shows_the_sentence_and_a_second_follows_the_link(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{site}{PAGE}.html")
    term, told = page.locator("a.term:visible").nth(20), page.locator(TOLD)
    term.tap()
    told.wait_for()
    box = told.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.locator("h2").nth(1).tap()
    assert told.is_hidden() and page.url.endswith(f"{PAGE}.html")
    term.tap()
    told.wait_for()
    term.tap()
    page.wait_for_url("**/glossary.html#term-*")
    context.close()
