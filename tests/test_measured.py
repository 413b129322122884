"""book/measured.json: it names what there is, all of it, and where its numbers are from."""

import json
import re

import pytest
import yaml
from moving import all_pictures

from authoring import measure, strangers
from authoring.extensions import measured
from authoring.translations import LANGUAGES
from nbutils import words
from nbutils.exercises.exercise import names

ROOT = measure.ROOT


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads(measure.MEASURED.read_text("utf-8"))


def toc() -> list[str]:
    found = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [found["root"], *(page["file"] for part in found["parts"] for page in part["chapters"])]


def test_every_part_is_there_and_says_where_it_was_measured(stored):
    assert list(stored) == list(measure.PARTS)
    for name, part in stored.items():
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", part["date"])
        assert part["command"] == f"make measure PART={name}"
        assert re.search(r"\d+ cores", part["machine"]) and part["versions"]["PyTorch"]
        assert part["rows"] and part["seconds"] >= 0


def test_all_parts_are_measured_within_twenty_minutes(stored):
    assert sum(part["seconds"] for part in stored.values()) < 20 * 60


def test_the_page_shows_each_part():
    text = (ROOT / "book" / "tested.md").read_text("utf-8")
    assert sorted(re.findall(r"^```\{measured\} (\w+)$", text, re.M)) == sorted(measure.PARTS)


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("name", measured.TABLES)
def test_a_table_has_a_head_for_each_column(stored, monkeypatch, name, language):
    monkeypatch.setenv("NBUTILS_LANG", language)
    head, *lines = measured.measured(name, stored[name]["rows"], measured.in_language())
    assert {len(line) for line in lines} == {len(head)} and all(head)


def test_every_word_of_the_tables_is_used():
    own = {"chips", "runs", "nobody", "no_run", "of", "seconds"}
    assert set(words.table(measured.AREA, "en")) == own | set(measured.TABLES)


def test_in_english_a_row_says_what_is_stored(stored):
    rows = stored["bench"]["rows"]
    lines = measured.bench(rows, measured.saying({}))
    assert [(what, how) for what, _, how in lines] == [(row["what"], row["how"]) for row in rows]


# Code, links whose words are a page's title, and pictures' names in the code.
NO_WORDS = re.compile(r"`[^`]+`|\{doc\}|\d\d\w?-[A-Z]\w+")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", measured.TABLES)
def test_no_row_says_a_word_past_the_tables(stored, monkeypatch, name, language):
    """Where all that the table of parts says is one letter, no letters of English are left."""
    monkeypatch.setenv("NBUTILS_LANG", language)
    _, *lines = measured.measured(name, stored[name]["rows"], lambda text: "가")
    cells = [NO_WORDS.sub("", measured.cell(value)) for line in lines for value in line]
    assert [cell for cell in cells if re.search("[A-Za-z]", cell)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_it_was_measured_is_said_in_the_page_s_language(stored, monkeypatch, language):
    monkeypatch.setenv("NBUTILS_LANG", language)
    for part in stored.values():
        told = measured.source(part)
        assert part["command"] in told and part["date"] in told and " cores" not in told


@pytest.mark.parametrize(
    "part, field, there_are",
    [
        ("chapters", "page", lambda: [name for name in toc() if name.startswith("notebooks/")]),
        ("pages", "page", toc),
        ("proof", "exercise", lambda: list(names())),
    ],
)
def test_it_names_what_there_is(stored, part, field, there_are):
    told = f"make measure PART={part}"
    assert [row[field] for row in stored[part]["rows"]] == there_are(), told


def test_it_names_every_picture(stored):
    rows = [row["picture"].partition(",")[0] for row in stored["pictures"]["rows"]]
    assert set(rows) == set(map(str, all_pictures())), "make measure PART=pictures"


def test_a_class_is_graded_within_three_minutes(stored):
    row = stored["grading"]["rows"][-1]
    assert row["what"].startswith("30 of 03_internals") and row["workers"] == 2
    assert row["right"] == row["answers"] == 360 and row["seconds"] < 180


def test_a_check_answers_at_once(stored):
    row = stored["answers"]["rows"][-1]
    assert row["chapter"] == "all" and row["answers"] == len(strangers.answers())
    assert row["within_95"] < 0.3 and row["within_99"] < 1


def test_it_names_files_of_tests_that_there_are(stored):
    named = [row["file"] for row in stored["check"]["rows"]]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_part_that_is_not_there_is_told(capsys):
    with pytest.raises(SystemExit):
        measure.main(["speed"])
    assert "there is no part speed; there are bench, limit" in capsys.readouterr().err


def test_a_part_is_renewed_and_the_others_stay(monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "MEASURED", tmp_path / "measured.json")
    monkeypatch.setattr(measure, "PARTS", {"a": lambda: [{"x": 1 / 3}], "b": lambda: [{"y": 2}]})
    measure.main([])
    first = json.loads(measure.MEASURED.read_text("utf-8"))
    assert first["a"]["rows"] == [{"x": 0.3333}] and first["b"]["rows"] == [{"y": 2}]
    monkeypatch.setitem(measure.PARTS, "b", lambda: [{"y": 3}])
    measure.main(["b"])
    second = json.loads(measure.MEASURED.read_text("utf-8"))
    assert list(second) == ["a", "b"] and second["a"] == first["a"]
    assert second["b"]["rows"] == [{"y": 3}]


def test_a_part_that_fails_leaves_what_there_was(monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "MEASURED", tmp_path / "measured.json")
    monkeypatch.setattr(measure, "PARTS", {"a": lambda: [{"x": 1}]})
    measure.main([])
    before = measure.MEASURED.read_bytes()
    monkeypatch.setitem(measure.PARTS, "a", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measure.main(["a"])
    assert measure.MEASURED.read_bytes() == before
