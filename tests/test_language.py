"""A reader chooses the language; pictures that a notebook stored in English speak another."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import nbutils
from authoring import summaries
from authoring.extensions.moving_pictures import class_in, class_named
from nbutils import words
from nbutils.figures.moving.picture import Picture
from nbutils.words import table

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r'<div class="moving-picture" data-picture="([\w.]+)"><p>(.*?)</p>', re.S)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    """What a test chooses ends with it."""
    monkeypatch.setenv("NBUTILS_LANG", "")


def test_a_reader_chooses_the_language():
    assert nbutils.language() == "en"
    assert nbutils.language("ko") == nbutils.language() == words.language() == "ko"
    assert nbutils.language("en") == words.language() == "en"


@pytest.mark.parametrize("chosen", ["KO", "korean", "", 7])
def test_a_language_without_words_is_refused_and_changes_nothing(chosen):
    nbutils.language("ko")
    with pytest.raises(ValueError, match=f"^language={chosen!r} must be one of en, ko$"):
        nbutils.language(chosen)
    assert nbutils.language() == "ko"


def test_the_choice_stands_before_the_environment_s(monkeypatch):
    monkeypatch.setenv("NBUTILS_LANG", "xx")
    nbutils.language("ko")
    assert nbutils.language() == "ko"


def test_to_choose_loads_nothing_heavy_and_the_system_s_language_counts_for_nothing():
    code = (
        "import sys, nbutils; said = nbutils.language(); nbutils.language('ko')\n"
        "print(said, nbutils.language(), *{'torch', 'numpy', 'matplotlib'} & sys.modules.keys())"
    )
    spoken = {"LANG": "ko_KR.UTF-8", "LC_ALL": "ko_KR.UTF-8", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=spoken, capture_output=True, encoding="utf-8", check=True
    )
    assert ran.stdout.split() == ["en", "ko"]


def stored() -> list[tuple[str, type[Picture], str]]:
    """Each picture that a notebook stored: the cell, its class, its summary."""
    found = []
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                found += [
                    (f"{path.stem} {cell['id']}", class_named(kind), unescape(said))
                    for kind, said in PLACE.findall(html)
                ]
    return found


STORED = stored()


@pytest.mark.parametrize("_cell, kind, summary", STORED, ids=[one[0] for one in STORED])
def test_a_stored_summary_is_made_of_the_picture_s_words(_cell, kind, summary):
    assert summaries.in_language(kind, summary, "en") == summary


def test_a_sentence_that_no_table_has_is_named():
    _, kind, summary = STORED[0]
    with pytest.raises(ValueError, match=f"{kind.__name__} says what its words in 'en' don't"):
        summaries.in_language(kind, f"{summary} Or so.", "en")


def test_there_are_stored_pictures():
    assert len(STORED) > 20


@pytest.fixture
def xx(monkeypatch, tmp_path):
    """A language of English words, each with a mark."""

    def marked(told):
        if isinstance(told, str):
            return f"§{told}" if told else ""
        if isinstance(told, dict):
            return {key: marked(one) for key, one in told.items()}
        return [marked(one) for one in told] if isinstance(told, list) else told

    for path in (words.FOLDER / "en").glob("pictures/*.json"):
        own = tmp_path / "xx" / path.relative_to(words.FOLDER / "en")
        own.parent.mkdir(parents=True, exist_ok=True)
        table = marked(json.loads(path.read_text("utf-8")))
        own.write_text(json.dumps(table), "utf-8")
        own = tmp_path / path.relative_to(words.FOLDER)
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(path.read_bytes())
    names = (words.FOLDER / "en" / summaries.NAMES).with_suffix(".json")
    for language in ("en", "xx"):  # Python says these as they are stored
        own = (tmp_path / language / summaries.NAMES).with_suffix(".json")
        own.parent.mkdir(parents=True)
        own.write_bytes(names.read_bytes())
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    cached = (words.table, summaries.templates, summaries.names)
    for made in cached:
        made.cache_clear()
    yield
    for made in cached:
        made.cache_clear()


MADE = {
    "counter": dict(preset="gpt2-xl", billions=100),
    "ladder": {},
    "plan": dict(chips=64, tokens=3e12),
    "race": dict(pair="shape"),
    "train": dict(positions="none", window=20),
    "transformer": dict(stage=9, row=3, column=20),
}


@pytest.mark.parametrize("name", MADE)
def test_a_summary_is_translated_as_python_says_it(xx, name):
    """The same picture, made once in each language."""
    kind = class_in(f"nbutils.figures.moving.{name}")
    said = {}
    for language in ("en", "xx"):
        words.language(language)
        said[language] = (
            f"{kind(**MADE[name]).summary()} {table('pictures/common', language)['again']}"
        )
    assert said["xx"].count("§") > 2
    assert summaries.in_language(kind, said["en"], "xx") == said["xx"]
    assert summaries.in_language(kind, said["xx"], "xx") == said["xx"]  # it is so already


def test_a_summary_in_a_page_is_put_in_its_place(xx):
    kind = class_in("nbutils.figures.moving.plan")
    html = kind().html()
    words.language("xx")
    made = summaries.in_html(kind, html, "xx")
    assert made.partition("<script")[2] == html.partition("<script")[2]
    assert made.partition("\n<script")[0] == kind().html().partition("\n<script")[0]


def test_what_a_state_calls_in_english_is_said_in_korean():
    state = {"stages": ["token table", "after layer 2"], "name": "AMD EPYC, 2 cores", "n": 3}
    assert summaries.in_state(state, "ko") == {
        "stages": ["토큰 표", "레이어 2 뒤"],
        "name": "AMD EPYC, 코어 2개",
        "n": 3,
    }
    tokens = {"tokens": ["·table", "position", "Who has the ball?"], "none": None}
    assert summaries.in_state(tokens, "ko") == tokens
