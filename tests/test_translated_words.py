"""Tables of words in another language are made of their catalogues, and of nothing else; so are figures' labels."""

import json
import re

import pytest

from authoring import catalogues, edition, figure_labels, translated_words, translations
from authoring.catalogues import Unit
from authoring.extensions import figures
from authoring.site import ROOT
from nbutils.words import FOLDER, table

LANGUAGE = "ko"
HOLDER = re.compile(r"\{\w+\}")
TABLE = {
    "one": "{n} of {all}",
    "list": ["a b", "", "c"],
    "stages": {"on": "It runs.", "off": ["It", "waits."]},
    "scales": {"thousand": 1000, "k": 1000},
}
UNITS = [
    Unit("t/one", "{n} of {all}"),
    Unit("t/list/0", "a b"),
    Unit("t/list/2", "c"),
    Unit("t/stages/on", "It runs."),
    Unit("t/stages/off/0", "It"),
    Unit("t/stages/off/1", "waits."),
    Unit("t/scales", '{"thousand": 1000, "k": 1000}'),
]


def test_the_package_has_what_the_catalogues_say():
    """`python -m authoring.translations compile` makes it so."""
    stored = {path: path.read_text("utf-8") for path in (FOLDER / LANGUAGE).rglob("*.json")}
    made = translated_words.compiled(LANGUAGE)
    assert sorted(stored) == sorted(made)
    assert [path.name for path in made if made[path] != stored[path]] == []


def test_every_english_table_has_a_catalogue():
    areas = {path.relative_to(FOLDER / "en").parts[0] for path in (FOLDER / "en").rglob("*.json")}
    assert areas == set(translated_words.AREAS)


def test_a_table_is_taken_apart_and_put_together():
    assert [*translated_words.units_of("t", TABLE)] == UNITS
    assert translated_words.translated("t", TABLE, lambda unit: unit.says) == TABLE
    instead = {unit: unit.says.upper() for unit in UNITS} | {UNITS[-1]: '{"천": 1000}'}
    made = translated_words.translated("t", TABLE, instead.__getitem__)
    assert made["stages"] == {"on": "IT RUNS.", "off": ["IT", "WAITS."]}
    assert (made["list"], made["scales"]) == (["A B", "", "C"], {"천": 1000})
    assert [*made] == [*TABLE]


def test_a_table_that_lacks_a_word_is_left_out(monkeypatch, tmp_path):
    """And when it is stored, the old one goes: no page speaks half of each language."""
    told = catalogues.said
    monkeypatch.setattr(translated_words, "FOLDER", tmp_path)
    for area in ("pages", "pictures"):
        (tmp_path / "en" / area).mkdir(parents=True)
    words = {"title": "A window on a stream of tokens"}
    (tmp_path / "en/pictures/window.json").write_text(json.dumps(words), "utf-8")
    translated_words.store(LANGUAGE)
    made = tmp_path / LANGUAGE / "pictures/window.json"
    assert json.loads(made.read_text("utf-8")) == {
        "title": table("pictures/window", LANGUAGE)["title"]
    }
    lacks = Unit("window/title", words["title"])
    monkeypatch.setattr(
        catalogues,
        "said",
        lambda catalogue: {unit: said for unit, said in told(catalogue).items() if unit != lacks},
    )
    translated_words.store(LANGUAGE)
    assert not made.exists()


@pytest.mark.parametrize(
    "name, english, instead, says",
    [
        ("words/pages", '{"k": 1000}', '{"천": 1000}', ""),
        ("words/pages", '{"k": 1000}', '{"천": 1000', "no JSON"),
        ("words/pages", '{"k": 1000}', '{"천": "1000"}', "JSON of another kind"),
        ("words/pages", "{n} tokens", "토큰 {m}개", "place-holders"),
        ("words/pages", "next-{date}.json", "next-{date}.json", ""),
        ("words/pages", "Press the button to go on", "Press the button to go on", "hardly any"),
        ("figures", "Who has the ball now, and why?", "Who has the ball now, and why?", ""),
        ("figures", "after {0} updates", "업데이트 뒤", "place-holders"),
    ],
)
def test_what_is_unsound_in_words_is_seen(name, english, instead, says):
    found = " ".join(translated_words.unsound(name, english, instead))
    assert says in found and bool(says) == bool(found)


# Figures


@pytest.mark.parametrize(
    "label, pattern",
    [
        ("floor: 0.577", "floor: {0}"),
        ("trained on 20, shown the last 1,000", "trained on {0}, shown the last {1}"),
        ("cl100k_base", "cl{0}k_base"),
        ("loss", "loss"),
    ],
)
def test_a_label_s_pattern_is_the_one_that_the_book_looks_up(label, pattern):
    assert figures.pattern(label) == pattern
    numbers = figures.NUMBER.findall(label)
    instead = f"X {HOLDER.sub('{}', pattern)}"
    made = figures.relabelled(f"<text>{label}</text>", {pattern: f"X {pattern}"})
    assert made == f"<text>{instead.format(*numbers)}</text>"


@pytest.mark.parametrize("label", ["0.25", "A", "w0 = −2", "·Seoul", "… It is very", "\xa0capital"])
def test_data_is_no_unit(label):
    assert not figure_labels.says(label)


def test_a_label_that_the_table_lacks_is_named():
    notebook = ROOT / "notebooks/04b_training.ipynb"
    words = figures.table(LANGUAGE)
    assert figure_labels.lacking(notebook, words) == []
    left = {label: said for label, said in words.items() if label not in ("form", "width {0}")}
    assert figure_labels.lacking(notebook, left) == ["form", "width {0}"]


def test_a_finished_chapter_with_such_a_label_is_not_built(monkeypatch):
    page, words = "notebooks/04b_training", figures.table(LANGUAGE)
    edition.have_labels(LANGUAGE, page)
    edition.have_labels(LANGUAGE, "book/running")  # no notebook, so no figure
    left = {label: said for label, said in words.items() if label != "form"}
    monkeypatch.setattr(figures, "table", lambda language: left)
    with pytest.raises(translations.Untranslated, match="figures have no words for .'form'."):
        edition.have_labels(LANGUAGE, page)


def test_most_labels_are_said_in_korean_and_words_of_the_small_world_stay():
    words = figures.table(LANGUAGE)
    stay = {label for label, said in words.items() if said == label}
    assert {"king", "Tokyo", "FSDP"} <= stay and len(stay) < len(words) / 3
    assert not [
        label for label in stay if re.search(r"\b(loss|updates|tokens?|probability)\b", label)
    ]
