"""book/lecture.json: each claim of the lecture stands in the cells that it names, as its status says."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What must come out right, whatever else is on the page: words that one computed or corrected row has.
FACTS = [
    ("100,277",),
    ("91, 860, 287 and 11579",),
    ("3962", "Post"),
    ("Case (11799)", "Direction (19438)"),
    ("44 TB", "15 trillion", "3 bytes"),
    ("4,000, 8,000 or 16,000",),
    ("grows faster than the length",),
    ("one for each token", "100,277 numbers"),
    ("ln V",),
    ("4 % in place of 3 %",),
    ("raises the label's probability", "lowers"),
    ("every token", "Every position of every window"),
    ("x1, x2", "w0", "times, plus, exp and divide"),
    ("784 inputs", "two hidden layers of 16", "10 outputs"),
    ("85,584",),
    ("softmax(QK^T / sqrt(d_k)) V",),
    ("cross-attention",),
    ("Several heads",),
    ("king − man + woman", "queen"),
    ("sushi − Japan + Germany", "bratwurst"),
    ("mole",),
    ("tower", "Eiffel tower", "miniature"),
    ("96 layers",),
    ("175 billion parameters", "shapes"),
    ("same input gives the same output",),
    ("entropy and no further",),
]


@pytest.fixture(scope="module")
def lecture():
    """The extension that draws the page."""
    from authoring.extensions import lecture

    return lecture


@pytest.fixture(scope="module")
def table() -> dict:
    return json.loads((ROOT / "book" / "lecture.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def rows(lecture, table) -> list[dict]:
    return [row for part in lecture.parts(table) for row in part["rows"]]


@pytest.fixture(scope="module")
def cells() -> dict[str, dict]:
    """Every cell of every notebook, by ``notebook#id``."""
    found = {}
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        name = path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            found[f"{name}#{cell['id']}"] = cell
    return found


def missing(row: dict, cells: dict[str, dict], chapters: set[str]) -> list[str]:
    """What a row's status asks for and the row or its cells don't have."""
    where, status = row.get("where", []), row["status"]
    lost = [f"no cell {name}" for name in where if name not in cells]
    code = [cells[name] for name in where if name in cells and name.split("#")[1] != "setup"]
    code = [cell for cell in code if cell["cell_type"] == "code"]
    if status == "waits":
        if where or row.get("waits") not in (0, 8, 9, 10):
            lost.append("waits for chapter 0, 8, 9 or 10, and has no cell")
        elif any(re.fullmatch(rf"0*{row['waits']}[a-z]?_.*", name) for name in chapters):
            lost.append(f"chapter {row['waits']} is there: it need not wait")
    elif not where:
        lost.append("names no cell")
    if status in ("computed", "corrected") and not any(asserts(cell) for cell in code):
        lost.append("no cell asserts anything")
    if status == "shown" and not any(cell["outputs"] for cell in code):
        lost.append("no cell shows anything")
    if status == "corrected" and not row.get("note"):
        lost.append("no note says what is corrected")
    return lost


def asserts(cell: dict) -> bool:
    return re.search(r"\bassert(_close)?\b", "".join(cell["source"])) is not None


def test_each_claim_has_what_its_status_says(lecture, rows, cells):
    chapters = {name.split("#")[0] for name in cells}
    assert {row["status"] for row in rows} <= set(lecture.STATUSES)
    lost = {row["claim"]: missing(row, cells, chapters) for row in rows}
    assert {claim: why for claim, why in lost.items() if why} == {}


@pytest.mark.parametrize(
    "row, why",
    [
        ({"status": "computed", "where": ["01_tokens#gone"]}, "no cell 01_tokens#gone"),
        ({"status": "computed", "where": ["01_tokens#bytes"]}, "no cell asserts anything"),
        ({"status": "corrected", "where": ["01_tokens#cl100k"]}, "no note"),
        ({"status": "shown", "where": ["01_tokens#count-pairs"]}, "no cell shows anything"),
        ({"status": "told"}, "names no cell"),
        ({"status": "waits", "waits": 7}, "waits for chapter 0, 8, 9 or 10"),
        ({"status": "waits", "waits": 8, "where": ["05_inference#chat"]}, "and has no cell"),
    ],
)
def test_what_a_row_lacks_is_noticed(cells, row, why):
    assert any(why in told for told in missing(row, cells, {"01_tokens"}))


def test_a_row_does_not_wait_for_a_chapter_that_is_there(cells):
    row = {"status": "waits", "waits": 8}
    assert missing(row, cells, {"07_bigger"}) == []
    for name in ("08_assistant", "08a_format"):
        assert missing(row, cells, {name}) == ["chapter 8 is there: it need not wait"]


def test_no_claim_stands_twice(rows):
    assert [claim for claim, n in Counter(row["claim"] for row in rows).items() if n > 1] == []


def test_minutes_are_in_order_and_within_their_chapters(lecture, table):
    chapters = table["lecture"]
    ends = [*(chapter["at"] for chapter in chapters[1:]), table["length"]]
    last = 0
    for chapter, end in zip(chapters, ends):
        starts = [chapter["at"], *(row["at"] for row in chapter["rows"])]
        for minute in starts:
            assert last <= lecture.seconds(minute) < lecture.seconds(end), (
                chapter["title"],
                minute,
            )
            last = lecture.seconds(minute)
    assert lecture.seconds(ends[-1]) == 3 * 3600 + 31 * 60 + 24


@pytest.mark.parametrize("words", FACTS, ids=lambda words: words[0])
def test_each_fact_that_must_come_out_right_has_a_row(rows, words):
    proved = [row for row in rows if row["status"] in ("computed", "corrected")]
    told = [f"{row['claim']} {row.get('note', '')}" for row in proved]
    assert any(all(word in text for word in words) for text in told)


def test_the_page_counts_what_the_table_has(lecture, table, rows):
    found = lecture.counts(table)
    assert list(found) == list(lecture.STATUSES) and sum(found.values()) == len(rows)
    drawn = dict(re.findall(r"> (\w+) \((\d+)\)</label>", lecture.switches(found)))
    assert drawn.pop("all") == str(len(rows))
    assert drawn == {s: str(sum(row["status"] == s for row in rows)) for s in lecture.STATUSES}
    page = (ROOT / "book" / "lecture.md").read_text("utf-8")
    assert re.findall(r"\*\*(\w+)\*\*:", page) == [s.capitalize() for s in lecture.STATUSES]


def test_a_link_names_chapter_and_section(lecture):
    attention = lecture.Notebook(ROOT, "03b_attention")
    assert attention.link("train-heads") == (
        f"[3b,{lecture.NBSP}Several heads](/notebooks/03b_attention.ipynb#several-heads)"
    )
    assert attention.link("setup") == "[3b](/notebooks/03b_attention.ipynb#3b-internals-attention)"
    exercises = lecture.Notebook(ROOT, "exercises/01_tokens")
    assert exercises.link("join-documents-text").startswith(f"[exercises 1,{lecture.NBSP}")
    with pytest.raises(KeyError, match="03b_attention.ipynb has no cell 'gone'"):
        attention.link("gone")


def test_headings_are_found_within_a_text_and_not_in_code(lecture):
    text = "Before.\n\n## One `two`\n\n```python\n# no heading\n```\n### Three\n#### too deep"
    assert lecture.headings(text) == ["One `two`", "Three"]
    assert lecture.anchor("One `two`", set()) == "one-two"
    assert lecture.anchor("One `two`", {"one-two"}) == "one-two-1"
