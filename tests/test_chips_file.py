"""nbutils/chips.json: what is in it, how a run goes on, a reader's own row, the page that shows it all."""

import json
import os
import re
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
import yaml

from nbutils import chips, device, ladder

ROOT = Path(__file__).parents[1]
CPU = device.pick("cpu")
T4 = replace(CPU, device=torch.device("cuda"), dtype=torch.float16, name="Tesla T4")
SPEEDS = {name: 1000.0 + i for i, name in enumerate(ladder.SPEED)}


def row(what: str, value=1.0, how: str = "") -> dict:
    return {"what": what, "value": value, "unit": "tokens/s", "how": how}


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "chips.json"


@pytest.fixture
def run() -> chips.ChipRun:
    return chips.new_run(T4, "make gpu")


# The file of the package


def test_what_the_package_holds_is_as_it_is_written():
    """Its rows are known ones, none is from a chip that was only played, and a command stands beside each."""
    wanted = {name for names in chips.WANTED.values() for name in names}
    for run in chips.all_runs():
        assert run.rows and {row["what"] for row in run.rows} <= wanted
        assert "not there" not in run.card
        assert run.command in ("make gpu", "chapter 6")


def test_every_notebook_is_wanted_those_that_are_long_first():
    listed = re.findall(r"file: notebooks/(\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
    assert sorted(chips.NOTEBOOKS) == sorted(listed)
    from authoring import notebooks

    first = [name.rpartition("/")[2] for name in chips.NOTEBOOKS[: len(notebooks.LONG)]]
    assert tuple(first) == notebooks.LONG


def test_no_row_is_wanted_twice():
    names = [name for names in chips.WANTED.values() for name in names]
    assert len(set(names)) == len(names) > 50


# Rows, one by one


def test_a_row_is_in_the_file_as_soon_as_it_is_added(file, run):
    chips.add_row(run, row("a", 12.3456), file)
    chips.add_row(run, row("b", "failed"), file)
    (stored,) = chips.all_runs(file)
    assert stored == run and [known["value"] for known in stored.rows] == [12.35, "failed"]
    chips.add_row(run, row("a", 2.0), file)
    assert [known["value"] for known in chips.all_runs(file)[0].rows] == [2.0, "failed"]


def test_what_failed_is_missing_like_what_is_not_there(run):
    for name, value in {"a": 1.0, "b": "failed", "c": 0}.items():
        chips.add_row(run, row(name, value), None)
    assert run.missing(["a", "b", "c", "d"]) == ["b", "d"]


def test_a_second_call_goes_on_with_the_run_of_this_week(file, run):
    chips.add_row(run, row("a"), file)
    old = replace(run, rows=[], date=str(date.fromisoformat(run.date) - timedelta(chips.DAYS + 1)))
    chips.add_row(old, row("a"), file)
    assert chips.resumed_run(chips.new_run(T4, "make gpu"), file) == run
    week = date.fromisoformat(run.date) + timedelta(chips.DAYS)
    for days, goes_on in {0: True, 1: False}.items():
        later = replace(run, date=str(week + timedelta(days)), rows=[])
        assert (chips.resumed_run(later, file) == run) is goes_on
    for other in (
        {"card": "L4"},
        {"versions": run.versions | {"PyTorch": "9.9"}},
        {"command": "chapter 6"},
    ):
        changed = replace(run, rows=[], **other)
        assert chips.resumed_run(changed, file) is changed


def test_runs_of_other_chips_stay(file, run):
    other = replace(run, card="NVIDIA L4", rows=[])
    for which, name in ((run, "a"), (other, "a"), (run, "b")):
        chips.add_row(which, row(name), file)
    assert [(one.card, len(one.rows)) for one in chips.all_runs(file)] == [
        ("Tesla T4", 2),
        ("NVIDIA L4", 1),
    ]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"device": "tpu"},
        {"date": "yesterday"},
        {"card": ""},
        {"versions": {"PyTorch": 2}},
        {"rows": [row("a"), row("a")]},
        {"rows": [row("a", None)]},
        {"rows": [row("a", float("nan"))]},
        {"rows": [{"what": "a"}]},
        {"rows": ["a"]},
        {"host": "mine"},
    ],
)
def test_what_is_not_as_it_is_written_is_told(file, run, spoilt):
    file.write_text(json.dumps([asdict(run) | spoilt]), "utf-8")
    with pytest.raises(ValueError, match=r"chips.json is not as .* git checkout"):
        chips.all_runs(file)


def test_half_a_file_is_told_and_no_row_is_lost(file, run):
    chips.add_row(run, row("a"), file)
    text = file.read_text("utf-8")
    file.write_text(text[: len(text) // 2], "utf-8")
    with pytest.raises(ValueError, match="git checkout"):
        chips.add_row(run, row("b"), file)
    assert file.read_text("utf-8") == text[: len(text) // 2]


def test_chapter_6_reads_the_newest_ladder_of_a_gpu(file, run, monkeypatch):
    monkeypatch.setattr(ladder, "MEASURED", file)
    assert ladder.stored_speeds() is None
    old = replace(run, date="2020-01-01", card="old", rows=[])
    on_cpu = replace(run, device="cpu", card="a processor", rows=[])
    for which, speed in ((run, 2.0), (old, 1.0), (on_cpu, 3.0)):
        chips.add_row(which, row("Training, nanoGPT"), file)
        assert which is not run or ladder.stored_speeds() is None
        chips.add_row(which, row(ladder.ROW + "plain", speed), file)
    assert ladder.stored_speeds() == {
        "card": "Tesla T4",
        "date": run.date,
        "torch": torch.__version__,
        "ladder": {"plain": 2.0},
    }


def test_the_versions_are_of_what_computes(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(chips, "_triton", lambda: "3.6.0")
    assert list(chips.versions(T4)) == ["Python", "PyTorch", "CUDA", "Triton", "nbutils"]
    assert list(chips.versions(CPU)) == ["Python", "PyTorch", "nbutils"]


# A reader's chip


def printed(chip=T4, compiled=True) -> str:
    return chips.for_form(
        chip, SPEEDS | {"memory kept": 5.0}, 2.5e13, *ladder.shape_for(CPU), compiled
    )


@pytest.mark.parametrize(
    "chip", [T4, CPU, replace(CPU, device=torch.device("mps"), name="Apple GPU")]
)
def test_what_is_printed_for_the_form_is_read_from_it(chip):
    """Also as a browser sends it, and with the line that says where it goes."""
    text = printed(chip)
    assert text.endswith(chips.FORM)
    for pasted in (text, text.partition("\n\n")[0], text.replace("\n", "\r\n") + "\r\n"):
        run = chips.from_form(pasted)
        assert replace(run, rows=[]) == chips.new_run(chip, "chapter 6")
        values = {known["what"]: known["value"] for known in run.rows}
        assert values.pop(chips.fastest_product(chip.dtype)) == 25.0
        assert values == {ladder.ROW + name: round(speed) for name, speed in SPEEDS.items()}
    assert run.row("Ladder: plain")["how"] == "2 layers of 128, 8 windows of 80 tokens"
    assert "32 windows" in run.row("Ladder: padded vocabulary")["how"]


def test_where_nothing_was_compiled_the_rows_say_so():
    run = chips.from_form(printed(compiled=False))
    said = [known["what"] for known in run.rows if known["how"].endswith("not compiled")]
    assert said == ["Ladder: compiled blocks", "Ladder: padded vocabulary"]


def test_it_names_neither_a_person_nor_a_computer(monkeypatch):
    import getpass
    import platform

    monkeypatch.setattr(platform, "node", lambda: "my-computer")
    text = printed(CPU)
    assert "my-computer" not in text and str(Path.home()) not in text
    assert not re.search(rf"\b{re.escape(getpass.getuser())}\b", text)


@pytest.mark.parametrize(
    "line, instead, told",
    [
        ("card: Tesla T4 (cuda)", "card: <b>me</b> (cuda)", "card: is missing or wrong"),
        ("card: Tesla T4 (cuda)", "", "card: is missing or wrong"),
        ("card: Tesla T4 (cuda)", f"card: {'T4' * 200} (cuda)", "card: is missing or wrong"),
        ("plain: 1000 tokens/s", "plain: fast", "plain: is missing or wrong"),
        ("plain: 1000 tokens/s", "rope: 1000 tokens/s", "'rope' is none of plain"),
        ("nbutils ", "secret ", "versions: is missing or wrong"),
        ("TFLOP/s in float16", "TFLOP/s in fp8", "fastest product: is missing or wrong"),
        (
            "TFLOP/s in float16",
            "e999 TFLOP/s in float16",
            "could not convert|twice, or is none|wrong",
        ),
        ("date: 20", "date: 99", "date: is missing or wrong"),
    ],
)
def test_what_chapter_6_does_not_print_is_refused(line, instead, told):
    text = printed()
    assert line in text
    with pytest.raises(ValueError, match=told):
        chips.from_form(text.replace(line, instead))


def test_what_was_pasted_is_added_once(file, capsys):
    chips.add_pasted(printed(), file)
    assert f"{len(SPEEDS) + 1} rows are in chips.json" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="has a run on Tesla T4 of .* already"):
        chips.add_pasted(printed(), file)
    with pytest.raises(SystemExit, match="card: is missing"):
        chips.add_pasted("", file)
    assert len(chips.all_runs(file)) == 1


def test_it_has_a_form_of_its_own():
    """With one field, so that nothing else is asked; a link leads to it."""
    templates = ROOT / ".github" / "ISSUE_TEMPLATE"
    name = parse_qs(urlsplit(chips.FORM).query)["template"][0]
    (asked,) = yaml.safe_load((templates / name).read_text("utf-8"))["body"]
    assert asked["type"] == "textarea" and asked["validations"]["required"]
    assert f"({chips.FORM})" in (ROOT / "book" / "chips.md").read_text("utf-8")


# The page


def test_the_page_has_every_table():
    text = (ROOT / "book" / "chips.md").read_text("utf-8")
    shown = re.findall(r"^```\{chips\} (\w+)$", text, re.M)
    assert sorted(shown) == sorted(["runs", *chips.WANTED])


def test_a_row_that_nobody_measured_says_so(run, monkeypatch):
    from authoring.extensions import measured

    chips.add_row(run, row("a", 1234.5, "batch of 8"), None)
    other = replace(run, card="NVIDIA L4", rows=[])
    chips.add_row(other, row("a", "failed"), None)
    head, *lines = measured.by_chip(("a", "b"), [other, run], measured.in_language())
    assert lines == [
        ("a", "failed tokens/s", f"NVIDIA L4, {run.date}", ""),
        ("a", "1,234 tokens/s", f"Tesla T4, {run.date}", "batch of 8"),
        ("b", "by nobody yet", "", ""),
    ]
    assert measured.told([]) == ["Measured on a chip: by nobody yet."]
    assert any("`make gpu`" in line and "PyTorch" in line for line in measured.told([run]))


def test_what_the_page_says_of_a_run_is_found(run):
    from authoring import measured_words

    chips.add_row(run, row("Fastest product, float32", 3e-7, "the best of 1,024; by hand"), None)
    chips.add_row(run, row("Notebook 02_io", "failed", "cell a: KeyError"), None)
    said = measured_words.of_runs(tuple(row["what"] for row in run.rows), [run])
    of_first = {"Fastest product", "{0} tokens/s", "the best of {0}", "by hand"}
    assert set(said) == of_first | {"Notebook {0}", "failed tokens/s"}


def test_a_reader_s_chip_is_told_in_korean(monkeypatch):
    """Of each row of the form; nobody who sends one need write Korean."""
    from authoring.extensions import measured

    monkeypatch.setenv("NBUTILS_LANG", "ko")
    run, line = chips.from_form(printed(CPU, compiled=False)), "Ladder: compiled blocks"
    _, told = measured.by_chip((line,), [run], measured.in_language())
    how = "너비 128짜리 레이어 2개, 토큰 80개짜리 윈도우 32개, 컴파일하지 않음"
    assert told[0] == "사다리: 컴파일한 블록" and told[1].startswith("초당 토큰 1,00")
    assert told[2].endswith(f"코어 {os.cpu_count()}개, {run.date}") and told[3] == how
    assert measured.by_chip((line,), [], measured.in_language())[1][1] == "아직 아무도 재지 않음"
    assert "`6장`" in measured.told([run])[-1] and "재지 않았습니다" in measured.told([])[0]
