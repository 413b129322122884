"""The catalogues of translations: complete, fresh and sound for each finished page, and the check sees what is not."""

import ast
import json
import re

import pytest

from authoring import (
    catalogues,
    exercise_pages,
    lexicon,
    translated_exercises,
    translated_pages,
    translated_sentences,
    translated_words,
    translations,
)
from authoring.catalogues import Unit
from authoring.translation_check import unsound

LANGUAGE = "ko"
FINISHED = translations.finished(LANGUAGE)
OF_EXERCISES = [page for page in FINISHED if page.startswith(exercise_pages.FOLDER)]
WHOLE = [
    translations.FRAME,
    translations.LECTURE,
    lexicon.CATALOGUE,
    *translated_words.NAMES,
    *translated_sentences.NAMES,
    *translated_exercises.NAMES,
    *FINISHED,
]
NONE = "no translation of"
CELL = "## The cost\n\nA **window** of 16 tokens costs $T^2$: see `block_size` and [3b](03b.ipynb#x).\n\n- one\n- two"
IN_KOREAN = (
    "## 비용\n\n토큰 16개짜리 **윈도우**(window)의 비용은 $T^2$입니다. "
    "`block_size`와 [3b장](03b.ipynb#x)을 보세요.\n\n- 하나\n- 둘"
)
QUESTION = """**Predict first.** How many are there?

*Type a number of pairs; within 10 % is right.*

<details>
<summary>Answer</summary>

**18.** One for each.

- *Not 17*: the empty one counts.

</details>"""
ASKED = """**먼저 예측해 보세요.** 몇 개일까요?

*숫자를 적어 보세요(쌍의 수); 10% 안이면 맞습니다.*

<details>
<summary>답 보기</summary>

**18.** 하나에 하나씩입니다.

- **17이 아닌 까닭**: 빈 것도 셉니다.

</details>"""


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_finished_is_whole_fresh_and_sound(name):
    """`python -m authoring.translations update` and `check` say what to do."""
    assert [*translations.problems(LANGUAGE, name)] == []
    file = catalogues.path(LANGUAGE, name)
    known = catalogues.load(file)
    assert catalogues.text(catalogues.update(known, translations.units(name))) == file.read_bytes()


@pytest.mark.parametrize("page", [page for page in FINISHED if page.startswith("notebooks/")])
def test_a_notebook_for_colab_is_fresh_and_has_the_same_code(page):
    file, english = (
        translations.colab_file(LANGUAGE, page),
        json.loads(translations.source(page).read_text("utf-8")),
    )
    assert file.read_text("utf-8") == translations.for_colab(LANGUAGE, page)
    korean = json.loads(file.read_text("utf-8"))
    assert korean["metadata"] == english["metadata"]
    for mine, theirs in zip(korean["cells"], english["cells"], strict=True):
        assert mine["id"] == theirs["id"] and not mine.get("outputs")
        if mine["id"] == "setup":
            assert "".join(mine["source"]).count('nbutils.language("ko")') == 1
        elif mine["cell_type"] == "code":
            assert code_of(mine) == code_of(theirs)


def code_of(cell: dict) -> str:
    """A cell's code without its comments and docstrings."""
    tree = ast.parse(re.sub(r"^[%!].*", "", "".join(cell["source"]), flags=re.M))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


@pytest.mark.parametrize("page", OF_EXERCISES)
def test_a_page_of_exercises_is_made_again_as_it_stands(page):
    """In English: what it is made of, and what it shows of one's own work, is what the notebook stores."""
    stored = json.loads(translations.source(page).read_text("utf-8"))
    assert exercise_pages.notebook_in(page, stored, "en", lambda unit: unit.says) == stored


@pytest.mark.parametrize("page", OF_EXERCISES)
def test_a_page_of_exercises_shows_ones_own_work_in_its_language(page):
    stored = json.loads(translations.source(page).read_text("utf-8"))
    told = json.loads(translations.translated(LANGUAGE, page))
    shown = 0
    for mine, was in zip(told["cells"], stored["cells"], strict=True):
        if mine.get("outputs") != was.get("outputs"):
            shown += 1
            html = json.dumps(mine["outputs"], ensure_ascii=False)
            assert re.search("[가-힣]", html) and not re.search("not tried|minutes|yours", html)
    checks = sum("check(" in "".join(cell["source"]) for cell in stored["cells"])
    assert shown >= checks + 2  # progress(), and whose functions there are


def test_the_english_of_fuzzy_words_is_kept_however_long_its_lines_are(tmp_path, monkeypatch):
    before = '- a line of a list longer than a comment\'s line may be: "one", `two`, [3](four.ipynb#five)\n- six'
    old = catalogues.update(catalogues.Catalog(locale=LANGUAGE), [Unit("cell", before)])
    old.get(before, "cell").string = "- 하나\n- 둘"
    changed = catalogues.update(old, [Unit("cell", before.replace("six", "seven"))])
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    file = catalogues.path(LANGUAGE, "a page")
    for _ in range(2):  # as it is stored again and again
        catalogues.store(changed, file)
        changed = catalogues.load(file)
    (message,) = (one for one in changed if one.id)
    assert message.fuzzy and message.string == "- 하나\n- 둘" and message.previous_id == [before]


def test_a_docstring_wider_than_the_page_is_seen():
    unit = Unit("neuron docstring", "What a neuron gives.")
    assert [*translated_exercises.unsound(unit, "뉴런이 내놓는 값.")] == []
    (wide,) = translated_exercises.unsound(unit, "뉴런이 내놓는 값. " + 33 * "가")
    assert wide.startswith("84 columns, where 80 are allowed")


@pytest.mark.parametrize("name", sorted({*translations.names()} - {*WHOLE}))
def test_what_is_translated_of_another_is_fresh_and_sound(name):
    assert [one for one in translations.problems(LANGUAGE, name) if NONE not in one] == []


def test_the_list_of_finished_pages_names_pages():
    assert FINISHED and set(FINISHED) <= set(translations.pages())
    assert len(set(FINISHED)) == len(FINISHED)


def test_a_sound_translation_is_taken():
    assert [*unsound(CELL, IN_KOREAN)] == []
    assert [*unsound(QUESTION, ASKED)] == []
    assert [*unsound("loss {loss}", "손실 {loss}내트", markdown=False)] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("16개", "61개", "numbers: lost [16.0], new [61.0]"),
        ("$T^2$", "$T^3$", "'$T^2$' stands there 0 times"),
        ("`block_size`", "`블록_크기`", "'`block_size`' stands there 0 times"),
        ("03b.ipynb#x", "03c.ipynb#x", "](03b.ipynb#x)"),
        ("- 하나\n- 둘", "- 하나", "2 items or rows became 1"),
        ("## 비용\n\n", "", "its blocks"),
        ("**윈도우**(window)의", "**윈도우(window)**의", "an emphasis that is not rendered"),
        ("**윈도우**(window)", "**윈도**(window)", "never '윈도'"),
        ("16개짜리", "16를 쓰는", "the particle in '16를'"),
        ("토큰 16개짜리", "<b>토큰</b> 16개짜리", "other HTML tags"),
    ],
)
def test_a_damage_is_seen(old, new, says):
    assert IN_KOREAN.count(old) == 1
    assert says in " ".join(unsound(CELL, IN_KOREAN.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [("**18.**", "**17.**"), ("10% 안", "20% 안"), ("17이 아닌", "16이 아닌"), ("답 보기", "정답")],
)
def test_another_question_or_answer_is_seen(old, new):
    found = " ".join(unsound(QUESTION, ASKED.replace(old, new)))
    assert "as a question" in found


@pytest.mark.parametrize(
    ("english", "korean", "says"),
    [
        ("{name} of {all}", "{name}은 {all} 중", "hangs on a place-holder: '}은'"),
        ("{name} of {all}", "{all}개의 {name}라는 것", "hangs on a place-holder: '}라는'"),
        ("{name} of {all}", "{name}", "place-holders ['{all}', '{name}'] became ['{name}']"),
        ("Press the button to begin anew", "Press the button", "hardly any Korean"),
        ("175 billion", "175억", "numbers: lost [175000000000.0]"),
    ],
)
def test_a_damage_in_plain_words_is_seen(english, korean, says):
    assert says in " ".join(unsound(english, korean, markdown=False))


def test_changed_english_keeps_the_old_words_marked_and_unshown(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    file = tmp_path / "ko" / "page.po"
    first, second = Unit("a", "One\n\ncell."), Unit("b", "Another.")
    made = catalogues.update(catalogues.load(file), [first, second])
    made.get(first.says, "a").string, made.get(second.says, "b").string = "셀 하나.", "다른 셀."
    catalogues.store(made, file)
    assert catalogues.said(catalogues.load(file)) == {first: "셀 하나.", second: "다른 셀."}

    changed = Unit("a", "One cell, changed.")
    for _ in range(2):  # and the second time nothing more
        catalogues.store(
            catalogues.update(catalogues.load(file), [second, changed, Unit("c", "New.")]), file
        )
        stored = file.read_text("utf-8")
        assert (
            '#, fuzzy\n#| msgid "" "One\\n" "\\n" "cell."\nmsgctxt "a"\nmsgid "One cell, changed."'
            in stored
        )
        assert catalogues.said(catalogues.load(file)) == {second: "다른 셀."}
        assert "Date" not in stored and "python-format" not in stored


def test_a_page_without_words_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    wanted = "book/intro is finished in 'ko'.*update book/intro"
    with pytest.raises(translations.Untranslated, match=wanted):
        translations.translated(LANGUAGE, "book/intro")


def test_nothing_but_texts_alts_and_comments_is_changed():
    code = "# warm up\nx = f'# {1}'  # 2 (B, T)\n%time y = 1  # as it is\n"
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "a", "source": ["# Title"], "metadata": {}},
            {
                "cell_type": "code",
                "id": "b",
                "source": code.splitlines(keepends=True),
                "metadata": {"mystnb": {"image": {"alt": "A curve."}}},
                "outputs": [{"output_type": "stream", "text": ["# warm up"]}],
            },
        ]
    }
    said = [*translated_pages.units_of_notebook(notebook)]
    assert said == [Unit("a", "# Title"), Unit("b code", "# warm up"), Unit("b alt", "A curve.")]
    made = translated_pages.notebook_in(notebook, lambda unit: f"# {unit.where}")
    text, cell = made["cells"]
    assert text["source"] == ["# a"] and cell["outputs"] == notebook["cells"][1]["outputs"]
    assert "".join(cell["source"]) == code.replace("# warm up", "# b code")
    assert cell["metadata"] == {"mystnb": {"image": {"alt": "# b alt"}}}


def test_a_pages_blocks_are_the_page():
    for page in translations.pages():
        file = translations.source(page)
        text = file.read_text("utf-8")
        if file.suffix == ".md":
            assert translated_pages.markdown_in(text, lambda unit: unit.says) == text
        else:
            notebook = json.loads(text)
            assert translated_pages.notebook_in(notebook, lambda unit: unit.says) == notebook
