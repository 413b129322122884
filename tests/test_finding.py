"""What readers look for is found: the search's first hit, the place in the contents, the way back from nowhere."""

import contextlib
import functools
import json
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from visits import Reader, html_of

from authoring.extensions import finding
from authoring.site import HTML, ROOT
from tools.fork import online, repository

HITS = """(asked) => asked.map((words) => Search._performSearch(...Search._parseQuery(words)).reverse()
  .map(([page, title, anchor]) => [title, page + anchor]))"""
# What people ask -> the words that the section, or page, must explain where the first hit leads.
ASKED = {
    "temperature": "temperature",
    "learning rate": "learning rate",
    "KV cache": "KV cache",
    "backprop": "backpropagation",
    "softmax": "softmax",
    "attention": "attention",
    "loss": "loss",
    "tokenizer": "tokenizer",
    "top-p": "top-p",
    "gradient": "gradient",
    "batch": "batch",
    "overfitting": "overfitting",
    "perplexity": "perplexity",
    "Embeddings": "embedding",
    "adamw": "AdamW",
}
CURRENT = """() => {
  const begun = [...document.querySelectorAll("article section section[id]")].filter((section) =>
    section.getBoundingClientRect().top < 120 && section.parentElement.matches("article > section"));
  return [begun.at(-1)?.id, document.querySelector("#page-contents a[aria-current]")?.hash.slice(1)];
}"""


@pytest.fixture(scope="module")
def glossary() -> list[str]:
    return finding.terms((ROOT / finding.GLOSSARY).read_text("utf-8"))


@pytest.fixture(scope="module")
def hits(reader):
    """The search page's hits for each of what is asked, in the order in which it shows them."""
    reader.page.goto(f"{reader.address}search.html")
    return dict(zip(ASKED, reader.page.evaluate(HITS, list(ASKED)), strict=True))


@pytest.mark.parametrize("asked, term", ASKED.items())
def test_the_first_hit_explains_what_is_asked(hits, asked, term):
    """The section of a chapter where the term stands in bold, or that is named after it; else the glossary's."""
    title, where = hits[asked][0]
    page, _, anchor = where.partition("#")
    spelled = {term.lower(): term}
    explained = {page for page, of in finding.explained(ROOT).items() if term in of}
    if not explained:
        assert where == f"book/glossary#term-{term.replace(' ', '-')}"
        return
    assert {page} == explained
    section = html_of(page).partition(f'id="{anchor}"')[2] if anchor else html_of(page)
    bold = re.findall(r"<strong>(.*?)</strong>", section.partition("<section")[0], re.S)
    titles = re.findall(r"<h[12]>(.*?)<a", section, re.S)[:1]
    assert any(finding.known(words, spelled) for words in bold) or finding.named_in(
        titles[0], spelled
    )
    assert (" > " in title) == bool(anchor)


def test_hits_are_named_once_and_the_glossary_s_by_their_term(hits):
    for found in hits.values():
        assert len(found) == len({where for _, where in found})
    assert ["Glossary > KV cache", "book/glossary#term-KV-cache"] in hits["KV cache"]


def test_what_a_hit_shows_is_the_running_text_around_the_word(reader):
    reader.page.goto(f"{reader.address}search.html?q=temperature")
    shown = reader.page.locator("#search-results li").first.locator("p.context")
    shown.wait_for()
    first = reader.page.locator("#search-results li a").first
    assert first.inner_text() == "5 Inference > Which token to take"
    words = shown.inner_text()
    assert "temperature" in words.lower() and len(words) < 300
    assert not re.search(r"#|\{|>>>|import ", words)


def test_most_terms_of_the_glossary_have_a_section(glossary):
    placed = {term for of in finding.explained(ROOT).values() for term in of}
    assert placed <= set(glossary) and len(placed) > 0.75 * len(glossary)
    index = json.loads(
        (HTML / "searchindex.js").read_text("utf-8").removeprefix("Search.setIndex(").rstrip(";)\n")
    )
    assert {term.lower() for term in glossary} <= index["indexentries"].keys()


def test_terms_are_known_in_any_case_and_as_plurals():
    spelled = {"learning rate": "learning rate", "loss": "loss"}
    assert finding.known("Learning\n rates.", spelled) == "learning rate"
    assert finding.known("loss", spelled) == "loss" and finding.known("lo", spelled) is None
    assert finding.named_in("From `loss` to glossary", spelled) == ["loss"]
    assert finding.terms("```{glossary}\n:sorted:\n\na b\nc\n  text\n```\nno term") == ["a b", "c"]


def test_contents_follow_what_is_read_also_deep_in_a_section_and_after_a_reload(reader):
    reader.turn_to("notebooks/02_io")
    page = reader.page
    height = page.evaluate("document.documentElement.scrollHeight - innerHeight")
    seen = set()
    for part in range(1, 9):
        page.evaluate("(y) => scrollTo(0, y)", part * height / 10)
        page.wait_for_function(f"() => (([a, b]) => a === b)(({CURRENT})()) || {NEAR}")
        seen.add(page.evaluate(CURRENT)[1])
    assert len(seen) > 4
    page.reload()
    page.wait_for_function(
        f"() => scrollY > {height // 2} && ((([a, b]) => a === b)(({CURRENT})()) || {NEAR})"
    )
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = page.locator("#page-contents > ul > li > a").last
    page.wait_for_function(
        "(a) => a.getAttribute('aria-current') === 'true'", arg=last.element_handle()
    )
    assert page.locator("#page-contents a.active").count() == 1


# Where a section begins between the top of the window and the line, both answers are right.
NEAR = """[...document.querySelectorAll("article section section[id]")].some((section) =>
  ((top) => top >= 120 && top < 0.3 * innerHeight)(section.getBoundingClientRect().top))"""


@contextlib.contextmanager
def published(folder):
    """The book where GitHub Pages has it: below its name, and 404.html where nothing is."""
    top = urlsplit(online(repository())).path

    class Pages(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def translate_path(self, path):
            return super().translate_path(f"/{path.removeprefix(top)}")

        def send_error(self, code, *args, **options):
            content = (HTML / "404.html").read_bytes()
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    handler = functools.partial(Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{top}"
        server.shutdown()


def test_a_lost_reader_has_the_book_s_look_and_its_search(browser):
    lost = "a/b/c/nowhere.html"
    with published(HTML) as address:
        visitor = Reader(browser, address)
        visitor.page.goto(f"{address}{lost}")
        visitor.arrived()
        assert visitor.missing == [f"{address}{lost}"]
        assert len(visitor.errors) <= 1 and not [url for url in visitor.asked if address not in url]
        assert visitor.page.locator("h1").last.inner_text() == "This page is not here"
        assert visitor.page.locator("link[href*='book.css']").count() == 1
        field = visitor.page.locator("#pst-search-dialog form")
        assert field.evaluate("(form) => form.action") == f"{address}search.html"
        visitor.page.locator("article a", has_text="1 Tokens").click()
        visitor.page.wait_for_url(f"{address}notebooks/01_tokens.html")
        visitor.close()


def test_on_paper_every_answer_is_there(browser, site):
    """Printed by the browser itself: what is folded, hidden or veiled on the screen is on paper."""
    visitor = Reader(browser, site)
    visitor.turn_to("notebooks/02_io")
    page = visitor.page
    page.evaluate(
        """document.querySelector("article section").insertAdjacentHTML("beforeend",
        "<div hidden='until-found'><p id='kept'>kept</p></div>")"""
    )
    folded = """[...document.querySelectorAll("article details > p, #kept")].filter((text) =>
      !text.closest(".moving-picture") && text.textContent.trim() && !text.checkVisibility({
        contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true })).length"""
    assert page.evaluate(folded) > 5
    page.emulate_media(media="print")
    assert page.evaluate(folded) == 0
    visitor.close()
