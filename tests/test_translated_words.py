"""Tables of words in another language are made of their catalogues, and of nothing else; so are figures' labels."""

import json
import re

import pytest

from authoring import (
    catalogues,
    edition,
    figure_labels,
    measured_words,
    translated_words,
    translations,
)
from authoring.catalogues import Unit
from authoring.extensions import figures, measured
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
        ("measured", "{0} GFLOP/s", "{0} GFLOP/s", ""),
        ("measured", "median {0} s", "중앙값 {1}초", "place-holders"),
        (
            "measured",
            "of the time of `import torch`",
            "`임포트` 시간과 견줌",
            "stands there 0 times",
        ),
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


@pytest.mark.parametrize(
    "page, name, lost",
    [
        ("notebooks/04b_training", "figures", "form"),
        ("book/tested", "measured", "{0} tokens/s"),
        ("book/chips", "measured", "Tests that need a GPU"),
    ],
)
def test_a_finished_page_that_shows_what_has_no_words_is_not_built(monkeypatch, page, name, lost):
    words = {one: figures.table(LANGUAGE, one) for one in ("figures", "measured")}
    edition.have_words(LANGUAGE, page)
    del words[name][lost]
    monkeypatch.setattr(figures, "table", lambda language, name: words[name])
    edition.have_words(LANGUAGE, "book/running")  # neither a figure nor a table
    told = f"catalogue '{name}' has no words for {[lost]}: python .* update {name}, "
    with pytest.raises(translations.Untranslated, match=re.sub(r"([][{}])", r"\\\1", told)):
        edition.have_words(LANGUAGE, page)


def test_most_labels_are_said_in_korean_and_words_of_the_small_world_stay():
    words = figures.table(LANGUAGE)
    stay = {label for label, said in words.items() if said == label}
    assert {"king", "Tokyo", "FSDP"} <= stay and len(stay) < len(words) / 3
    assert not [
        label for label in stay if re.search(r"\b(loss|updates|tokens?|probability)\b", label)
    ]


# Tables of measurements


@pytest.mark.parametrize(
    "text, made",
    [
        ("Packing, cl100k_base, 1 process", ["Packing", "{0}", "{0} process"]),
        ("9 MB: weights; the fastest of 20", ["{0} MB: weights", "the fastest of {0}"]),
        ("1,000,000 bytes", ["{0} bytes"]),
        ("1.2e-06 nats", ["{0} nats"]),
        ("-0.5 nats, float32", ["{0} nats", "{0}"]),
        ("Training, 4/4/128/64/12", ["Training", "{0}"]),
        ("Ladder: 16-bit products", ["Ladder: {0}-bit products"]),
        ("Notebook exercises/06b_kernel", ["Notebook {0}"]),
        ("GPT-2, QK-norm", ["GPT-2", "QK-norm"]),
    ],
)
def test_a_row_is_said_part_by_part_with_its_data_as_they_are(text, made):
    parts = measured.parts(text)
    assert [figures.pattern(part, measured.DATUM) for part in parts[::2]] == made
    assert measured.saying({})(text) == text
    loud = measured.saying({one: f"X {one}" for one in made})
    assert loud(text) == "".join(
        f"X {part}" if i % 2 == 0 else part for i, part in enumerate(parts)
    )


def test_numbers_alone_are_no_unit_and_units_of_measure_are():
    assert measured_words.patterns(["1,024", "2", "5 s, 16 x 3; float32"]) == ["{0} s", "{0} x {1}"]


@pytest.mark.parametrize("page", ["book/tested", "book/chips"])
def test_what_the_rows_of_a_page_lack_is_named(page):
    file, words = translations.source(page), figures.table(LANGUAGE, "measured")
    lacks = measured_words.lacking(file, words)
    assert lacks == [] and len(measured_words.lacking(file, {})) > 25


# Names of programs, of methods and of units of measure.
STAY = (
    "AdamW GPT-2 Muon PyTorch RMSNorm SIMD WebAssembly nanoGPT transformers "
    "relaxed_SIMD import_torch import_nbutils.model "
    "{0}_GFLOP/s {0}_MB {0}_MB/s {0}_TFLOP/s {0}_ms"
)


def test_only_names_stay_in_the_tables_of_measurements():
    words = figures.table(LANGUAGE, "measured")
    stay = {said.replace(" ", "_") for said, instead in words.items() if said == instead}
    assert stay == set(STAY.split())
