"""What is kept of a student's work: tries, hints, answers, and the code that they need."""

import pytest
import torch

from nbutils import exercises
from nbutils.exercises import record, sources
from nbutils.exercises.checking import judge
from nbutils.exercises.exercise import exercise


def right(T):
    return torch.ones(T, T, dtype=torch.bool).tril()


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def test_hints_come_in_steps_and_the_solution_after_a_try(file):
    assert "Try it first" in str(exercises.solution("causal_mask"))
    assert "Hint 1 of 3" in str(exercises.hint("causal_mask"))
    assert "Hint 2 of 3" in str(exercises.hint("causal_mask"))
    exercises.check("causal_mask", lambda T: T)
    told = str(exercises.solution("causal_mask"))
    assert "return torch.ones(T, T, dtype=torch.bool).tril()" in told and "lower triangle" in told
    assert '"""' not in told and "goes wrong, for example" in told
    assert (
        record.load_progress().of("causal_mask").hints == 2
        and record.load_progress().of("causal_mask").tries == 1
    )


def test_the_solution_can_be_had_at_once():
    assert "tril()" in str(exercises.solution("causal_mask", anyway=True))


def test_progress_says_what_is_done_and_what_is_next(file):
    exercises.check("causal_mask", right)
    shown = exercises.progress()
    (line,) = [line for line in shown.lines if line[1] == "causal_mask"]
    assert line[3] == "✓" and shown.following.startswith("Next: ")
    assert "<b>tokens</b> 0 of" in shown._repr_html_()
    exercises.check("attention", lambda q, k, v: v)
    assert "✗" in str(exercises.progress())


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"version": 9, "exercises": {}}',
        '{"version": 1}',
        '{"version": 1, "exercises": {"a": {"odd": 1}}}',
        "\x00",
    ],
)
def test_a_damaged_file_is_set_aside(file, content):
    file.write_text(content, "utf-8")
    with pytest.warns(record.ProgressWarning, match="is kept as progress.damaged-1.json"):
        assert record.load_progress().entries == {}
    assert file.with_name("progress.damaged-1.json").read_text("utf-8") == content
    exercises.check("causal_mask", right)
    assert record.load_progress().of("causal_mask").passed


def test_a_file_that_can_t_be_read_is_told_and_the_check_still_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path))  # a folder
    with pytest.warns(record.ProgressWarning, match="can't be read"):
        assert exercises.check("causal_mask", right).passed


def test_a_file_that_can_t_be_written_is_told_and_the_check_still_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "no" / "folder.json"))
    with pytest.warns(record.ProgressWarning, match="can't be written"):
        assert exercises.check("causal_mask", right).passed


NOTEBOOK = """
import math
import torch
from collections.abc import Sequence
from torch import softmax
BEFORE = -math.inf

def later(T):
    return torch.ones(T, T, dtype=torch.bool).triu(1)

def attention(q, k, v, unused: Sequence = ()) -> torch.Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return softmax(scores.masked_fill(later(q.shape[1]), BEFORE), dim=-1) @ v
"""


def test_the_student_s_code_is_kept_with_all_that_it_needs(tmp_path):
    """In another process, since that is where it will be used."""
    cell = tmp_path / "cell.py"
    cell.write_text(
        f"{NOTEBOOK}\nfrom nbutils.exercises import check\nassert check('attention', attention).passed\n",
        "utf-8",
    )
    import runpy
    import sys

    runpy.run_path(str(cell), run_name="__main__")
    code = record.load_progress().of("attention").code
    assert "BEFORE = " in code or "math" in code
    answer = sources.load_answers()["attention"]
    assert answer is not exercise("attention").answer
    assert judge("attention", answer).passed
    assert sources.load_answers()["causal_mask"] is exercise("causal_mask").answer
    assert sys.modules["__main__"]


def test_a_function_may_have_another_name_and_one_without_a_text_is_only_right():
    exercises.check("causal_mask", right)
    assert judge("causal_mask", sources.load_answers()["causal_mask"]).passed
    kept = record.load_progress().of("causal_mask")
    assert kept.passed and "causal_mask = right" in kept.code
    exercises.check("causal_mask", lambda T: right(T))
    assert record.load_progress().of("causal_mask").code == ""
