"""The cutting picture in a browser: the ids of thousands of texts, and a table that doesn't come."""

import random
import re

import pytest
from moving.tokenizer import LINE, own
from shown import alone

from authoring.site import ROOT, serving
from nbutils import smallworld, text, tokens
from nbutils.figures.moving.tokenizer import EXAMPLES, MOST_CHARACTERS, Tokenizer

TEXTS = 5000
# Where letters, digits, marks, signs and white space of all kinds stand.
RANGES = [
    (0x20, 0x7E),
    (0x00, 0x1F),
    (0x7F, 0xFF),
    (0x100, 0x24F),
    (0x300, 0x36F),
    (0x391, 0x3A9),
    (0x400, 0x4FF),
    (0x5D0, 0x5EA),
    (0x600, 0x669),
    (0x904, 0x97F),
    (0xE01, 0xE3A),
    (0x1100, 0x11F9),
    (0x1E00, 0x1EFF),
    (0x2000, 0x206F),
    (0x2150, 0x218B),
    (0x2460, 0x249B),
    (0x3000, 0x30FF),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0xE000, 0xE010),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFF01, 0xFFEE),
    (0x10400, 0x1044F),
    (0x1D400, 0x1D7FF),
    (0x1F1E6, 0x1F1FF),
    (0x1F300, 0x1F64F),
    (0x1F680, 0x1F6C5),
    (0x20000, 0x2A6D6),
    (0xE0020, 0xE007F),
]
BITS = [
    "'s",
    "'LL",
    "'ſ",
    "'Re",
    "'T",
    "'m",
    " '",
    "don't",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u0085",
    "\u00a0",
    "\u200b",
    "\u200d",
    "\u2028",
    "\u3000",
    "\ufeff",
    "e\u0301",
    "각",
    "👩‍🚀",
    "👋🏽",
    "🇰🇷",
    "한국어",
    "안녕하세요",
    "123",
    "4567",
    "١٢٣",
    "Ⅷ",
    "½",
    "if x:",
    "return",
    "<|endoftext|>",
    "://",
    "--",
    "...",
    "Zanzibar",
    "ǅ",
    "ß",
    "ʰ",
    "_",
    "\\",
    "\x00",
    "\x1b[0m",
]


def many_texts() -> list[str]:
    """Real texts, and random ones of single characters and of awkward pieces."""
    rng = random.Random(0)
    pages = "\n".join(text.load("pydocs"))
    starts = [rng.randrange(len(pages) - 200) for _ in range(800)]
    code = (ROOT / "nbutils" / "tokens.py").read_text("utf-8")
    chosen = [LINE, *EXAMPLES.values(), *smallworld.generate(200, seed=3)]
    chosen += [pages[start : start + rng.randrange(1, 200)] for start in starts]
    chosen += [code[start : start + 90] for start in range(0, len(code) - 90, 45)]
    while len(chosen) < TEXTS:
        if rng.random() < 0.5:
            chosen.append("".join(rng.choices(BITS, k=rng.randrange(1, 16))))
            continue
        low, high = rng.choice(RANGES)
        near = [chr(rng.randint(low, high)) for _ in range(rng.randrange(1, 12))]
        far = [chr(rng.randint(*rng.choice(RANGES))) for _ in range(rng.randrange(8))]
        chosen.append("".join(rng.sample([*near, *far], len(near) + len(far))))
    return [made[:MOST_CHARACTERS] for made in chosen[:TEXTS]]


@pytest.fixture
def page_folder(tmp_path):
    """A folder with a page of the picture alone."""
    alone(Tokenizer(LINE, own()), tmp_path)
    return tmp_path


def opened(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.locator(".said").wait_for()
    return page


ENCODE_ALL = """async (texts) => {
  const { model } = document.querySelector(".moving-picture"), got = [];
  const ids = half => [...half.querySelectorAll(".chip small")].map(x => Number(x.textContent));
  for (const text of texts) {
    model.set("text", text);
    await null;  // it is drawn once all that changes has changed
    while (document.querySelector(".waiting")) await new Promise(requestAnimationFrame);
    got.push([...document.querySelectorAll(".halves section")].map(ids));
  }
  return got;
}"""


def test_thousands_of_texts_have_tiktoken_s_ids(browser, page_folder):
    texts = many_texts()
    assert len(set(texts)) > 0.95 * TEXTS
    with serving(page_folder) as address:
        page = opened(browser, address)
        page.get_by_role("textbox").fill("first")
        page.wait_for_function("document.querySelector('.moving-picture').model.get('fetched')")
        got = page.evaluate(ENCODE_ALL, texts)
        page.close()
    encodings = tokens.get_encoding("cl100k_base"), own()
    expected = [[encoding.encode_ordinary(text) for encoding in encodings] for text in texts]
    wrong = [text for text, a, b in zip(texts, got, expected) if a != b]
    assert not wrong, f"{len(wrong)} of {TEXTS}, such as {wrong[:5]!a}"


def test_nothing_is_fetched_before_the_reader_types(browser, page_folder):
    with serving(page_folder) as address:
        asked, page = [], browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.locator(".said").wait_for()
        assert page.locator("section").first.locator(".chip").count() == len(
            tokens.get_encoding("cl100k_base").encode_ordinary(LINE)
        )
        assert not [url for url in asked if url.endswith(".bin")]
        page.get_by_role("button", name="한국어").click()
        page.wait_for_function("document.querySelector('.moving-picture').model.get('fetched')")
        assert len([url for url in asked if url.endswith(".bin")]) == 1
        page.close()


def test_a_table_that_does_not_come_is_told_and_asked_for_again(browser, page_folder):
    with serving(page_folder) as address:
        page = opened(browser, address)
        page.route(re.compile(r"\.bin$"), lambda route: route.abort())
        left, right = page.locator("section").all()
        page.get_by_role("textbox").fill("hello")
        left.get_by_text("can't be loaded").wait_for()
        assert right.locator(".chip").count() == len(own().encode_ordinary("hello"))
        assert "cl100k_base" not in page.locator(".said").text_content()
        page.unroute_all()
        page.get_by_role("textbox").fill("hello world")
        left.get_by_text("2 tokens").wait_for()
        assert "2 with cl100k_base" in page.locator(".said").text_content()
        page.close()


def test_while_the_table_is_on_its_way_our_own_is_there(browser, page_folder):
    with serving(page_folder) as address:
        page, held = opened(browser, address), []
        page.route(re.compile(r"\.bin$"), lambda route: held.append(route))
        page.get_by_role("textbox").fill("hello")
        left, right = page.locator("section").all()
        left.get_by_text("is being fetched").wait_for()
        assert right.locator(".chip").count() and not left.locator(".chip").count()
        page.get_by_role("textbox").fill("hello world")
        held[0].continue_()
        left.get_by_text("2 tokens").wait_for()
        assert len(held) == 1
        page.close()
