"""Code of the pages: what is folded, that nothing is lost of it, and that no line is cut off."""

import json
import re
from html import unescape

import pytest
from visits import CHAPTERS, html_of

from authoring.extensions import code
from authoring.site import ROOT
from nbutils import words

WHOLE = ["notebooks/06_faster", "notebooks/exercises/05_inference"]
TOLD = words.table(code.AREA, "en")
IMPORTS = "import math\nfrom a import (\n    b,\n    c as d,\n)\n\nstyle.use_style()"
CUT = """width => [...document.querySelectorAll("article .highlight pre")].filter((pre) => {
  for (let fold = pre.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  return !pre.closest(".columns") && pre.checkVisibility() && pre.scrollWidth > pre.clientWidth + 1;
}).map((pre) => pre.textContent.slice(0, 80))"""
# What each copy button of a cell's code takes: see filterText of sphinx-copybutton.
COPIED = """() => [...document.querySelectorAll(".cell_input .copybtn")].map((button) => {
  const taken = document.querySelector(button.dataset.clipboardTarget).cloneNode(true);
  taken.querySelectorAll(".linenos, .gp, .go, summary").forEach((left) => left.remove());
  return taken.innerText.trim();
})"""
SIGNS = """() => [...document.querySelectorAll("article .highlight .line")].filter((line) => line.checkVisibility())
  .map((line) => [line.getBoundingClientRect().height / parseFloat(getComputedStyle(line).lineHeight),
    parseFloat(getComputedStyle(line, "::before").height) / parseFloat(getComputedStyle(line).lineHeight)])"""


def folded(source: str, exercise: bool = False) -> list[tuple]:
    return [tuple(fold) for fold in code.folds(source, exercise, TOLD)]


@pytest.mark.parametrize(
    "source, expected",
    [
        (IMPORTS, [(0, 7, "3 imports", "math, b, d")]),
        ("import a\nimport b\nprint(a)", [(0, 2, "2 imports", "a, b")]),
        ("import a\nprint(a)", []),  # one line is no shorter folded
        ("x = 1\nassert (\n    x == 1\n)\nassert x\nprint(x)\nassert x > 0",
         [(1, 5, "checked: 2 asserts", ""), (6, 7, "checked: 1 assert", "")]),
        ("assert x\nassert y", []),  # the cell is about them
        ("x = 1; assert x", []),
        ("x = '''\n'''; assert x", []),
        ("def f():\n    assert True", []),
        ("%pip install x\nimport a\nimport b", []),
        ("", []),
    ],
)  # fmt: skip
def test_imports_and_asserts_are_folded(source, expected):
    assert folded(source) == expected


def test_what_learners_fill_in_stays_in_sight():
    assert folded("import a\nimport b", exercise=True) == [(0, 2, "2 imports", "a, b")]
    assert folded("import a\nimport b\nx = ...", exercise=True) == []
    assert folded("x = f()\nassert x", exercise=True) == []


def test_nothing_is_lost_of_a_folded_block():
    lines = ['<span class="kn">import</span> a', "import b", "", "f(&#39;x&#39;)", "", "assert f"]
    html = f'<div class="highlight"><pre><span></span>{chr(10).join(lines)}\n</pre></div>'
    made = code.shown(html, [code.Fold(0, 2, "2 <imports>", "a, b"), code.Fold(5, 6, "checked")])
    assert re.sub("<summary>.*?</summary>|<[^>]*>", "", made) == re.sub("<[^>]*>", "", html)
    assert made.count("<details") == made.count("</details>") == 2 and "2 &lt;imports&gt;" in made
    assert code.shown(html, []).count("<pre>") == 1


def test_a_long_line_knows_how_far_in_it_begins():
    long = f"    <b>x = {'y' * code.WRAPS}</b>"
    assert code.wrapping(long) == f'<span class="line" style="--in:4">{long}\n</span>'
    entities = "&lt;" * code.WRAPS  # each is one sign
    assert code.wrapping(entities) == f"{entities}\n"


@pytest.mark.parametrize("page", WHOLE)
def test_the_copy_button_takes_each_cell_as_it_is_in_the_notebook(reader, page):
    reader.turn_to(page)
    reader.page.wait_for_function("document.querySelector('.cell_input .copybtn')")
    taken = reader.page.evaluate(COPIED)
    cells = json.loads((ROOT / f"{page}.ipynb").read_text("utf-8"))["cells"]
    sources = [
        "".join(cell["source"]).strip()
        for cell in cells
        if cell["cell_type"] == "code" and "remove-cell" not in cell["metadata"].get("tags", [])
    ]
    assert taken == [source for source in sources if source]


def test_asserts_and_import_blocks_are_nowhere_open():
    """In chapters; but in cells that are nothing else."""
    for page in CHAPTERS:
        if "exercises" not in page:
            kept = re.sub(r'<details class="fold">.*?</details>', "", html_of(page), flags=re.S)
            texts = re.findall(r'<div class="folded">(.*?)</div>', kept, re.S)
            assert texts and not any(re.search(r"^assert ", plain(text), re.M) for text in texts)


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", WHOLE)
def test_no_line_is_cut_and_each_that_goes_on_has_a_sign(reader, page, width):
    reader.turn_to(page, width)
    assert reader.page.evaluate(CUT, width) == []
    signs = reader.page.evaluate(SIGNS)
    wrapped = [lines for lines, _ in signs if lines > 1.5]
    assert wrapped and all(abs(lines - 1 - shown) < 0.1 for lines, shown in signs)
    if width == 1280:
        assert len(wrapped) < 0.2 * len(signs)


def test_a_column_holds_88_characters_beside_both_bars(reader):
    reader.turn_to("notebooks/06_faster")
    room = reader.page.evaluate(
        """() => [...document.querySelectorAll(".cell_input pre")].filter((pre) => pre.checkVisibility()).map((pre) => {
          const sign = pre.appendChild(Object.assign(document.createElement("span"), { textContent: "0".repeat(88) }));
          const { width } = sign.getBoundingClientRect(), style = getComputedStyle(pre);
          sign.remove();
          return pre.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - width;
        })"""
    )
    assert min(room) >= 0
    assert reader.page.locator(".bd-sidebar-secondary").is_visible()


def test_folds_open_by_keyboard_and_stand_open_in_print(reader):
    reader.turn_to("notebooks/06_faster")
    page, fold = reader.page, reader.page.locator("details.fold").first
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.locator("pre").is_visible()
    page.keyboard.press("Enter")
    assert not fold.locator("pre").is_visible()
    page.emulate_media(media="print")
    hidden = "[...document.querySelectorAll('details.fold pre')].filter(e => !e.getBoundingClientRect().height).length"
    assert page.evaluate(hidden) == 0
    page.emulate_media(media="screen")


def test_a_selection_has_each_line_once(reader):
    reader.turn_to("notebooks/06_faster")
    lines = reader.page.evaluate(
        """() => {
          const all = [...document.querySelectorAll("div.highlight > pre")];
          const pre = all.find((one) => one.querySelectorAll(".line").length > 2 && one.checkVisibility());
          getSelection().selectAllChildren(pre);
          return [getSelection().toString(), pre.textContent];
        }"""
    )
    assert lines[0].strip() == lines[1].strip()
