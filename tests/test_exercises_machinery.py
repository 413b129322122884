"""What stands behind every exercise: limits, comparing, grading, and the notebooks."""

import json
import re
import time
import types
import warnings
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from authoring import exercises as tool
from authoring.notebooks import normalise
from nbutils import exercises
from nbutils.exercises import checking, grading, imitation
from nbutils.exercises.checking import RAISED, STOPPED, WRONG, judge
from nbutils.exercises.compare import difference
from nbutils.exercises.exercise import CHAPTERS, ExerciseError, Wrong, exercise, from_module, names
from nbutils.exercises.guard import outcome


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def right(T):
    return torch.arange(T)[:, None] >= torch.arange(T)


# --- limits -------------------------------------------------------------------------------------


def test_an_endless_loop_is_stopped_with_its_line():
    def forever(T):
        while True:
            try:
                T += 1
            except Exception:
                pass

    found = outcome(forever, (1,), seconds=0.3)
    assert "no answer after 0.3 seconds" in str(found.error)
    assert found.line.startswith("line ")
    time.sleep(0.2)  # nothing of the watch is left to meet this test


def test_an_import_that_takes_long_is_not_cut_in_half(tmp_path, monkeypatch):
    (tmp_path / "slow_to_come.py").write_text("import time\ntime.sleep(0.5)\nvalue = 3\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def imports():
        import slow_to_come

        return slow_to_come.value

    outcome(imports, (), seconds=0.1)
    assert outcome(imports, (), seconds=1).value == 3


def test_a_huge_tensor_is_refused_with_a_sentence():
    verdict = judge("causal_mask", lambda T: torch.ones(120_000, 120_000))
    assert verdict.state == RAISED and "memory" in verdict.says
    assert judge("causal_mask", lambda T: [0] * 10**11).state == RAISED
    torch.ones(2**29)  # afterwards there is memory again: 2 GiB


def test_an_exception_is_shown_at_the_student_s_line_with_help():
    def wrong(T):
        rows = [T]
        return rows[1]

    verdict = judge("causal_mask", wrong)
    assert verdict.state == RAISED
    assert "IndexError in line" in verdict.says and "return rows[1]" in verdict.says
    assert "Count from 0" in verdict.says and "nbutils" not in str(verdict)


def test_a_function_that_ends_the_program_ends_its_call_only():
    assert judge("causal_mask", lambda T: exit("bye")).state == RAISED


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(3, 3).to_sparse(),
        torch.ones(3, 3, device="meta"),
        torch.ones(3, 3, dtype=torch.complex64),
        float("inf"),
        "mask",
        [[True, [False]]],
        {1: 2},
        iter([]),
        object(),
        type,
    ],
)
def test_whatever_is_given_gets_a_sentence(value):
    verdict = judge("causal_mask", lambda T: value)
    assert verdict.state == WRONG and verdict.example


def test_a_list_that_holds_itself_gets_a_sentence():
    endless = []
    endless.append(endless)
    assert "can't be compared" in judge("causal_mask", lambda T: endless).example


def test_shapes_that_don_t_fit_get_advice():
    def product(q, k, v):
        return q @ k

    assert "say for each dimension what it counts" in judge("attention", product).says


def test_what_is_given_is_not_changed_for_the_next_call():
    given = torch.ones(3)
    assert outcome(lambda x: x.mul_(2), (given,)).value.tolist() == [2, 2, 2]
    assert given.tolist() == [1, 1, 1]


# --- comparing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "got, expected",
    [
        (np.array([1.0, 2.0]), torch.tensor([1.0, 2.0])),
        ([1.0, 2.0], torch.tensor([1.0, 2.0])),
        (torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, 2.0])),
        ((1, 2), [1, 2]),
        (torch.tensor([1, 2]), [1, 2]),
        (torch.tensor(2.0), 2.0),
        (np.float32(0.5), 0.5),
        (3, 3.0),
        (torch.tensor(1.0), 1),
        ({"a": [1.0]}, {"a": torch.tensor([1.0])}),
        (bytearray(b"a"), b"a"),
        (np.str_("a"), "a"),
        ([(1, 2), (3, 4)], [(1, 2), (3, 4)]),
        (torch.tensor(True), True),
        (float("nan"), float("nan")),
    ],
)
def test_forms_that_mean_the_same_are_equal(got, expected):
    assert difference(got, expected) == ""


@pytest.mark.parametrize(
    "got, expected, words",
    [
        (None, torch.ones(2), "is there a return?"),
        (torch.ones(3), torch.ones(2), "shape should be (2,)"),
        (torch.ones(2), torch.ones(2).bool(), "dtype should be bool"),
        (torch.tensor([1, float("nan")]), torch.ones(2), "1 of 2 numbers are nan"),
        (torch.ones(9), torch.arange(9.0), "8 of 9 numbers differ, the first at [0]"),
        ("ab", "abc", "should be 'abc'"),
        (None, "abc", "is there a return?"),
        (b"a", "a", "should be 'a'"),
        ([1], [1, 2], "2 values; yours gives 1"),
        ([1, 3], [1, 2], "should be [1, 2]"),
        ([[1], [2]], [[1], [3]], "at [1]"),
        ("12", [1, 2], "a str"),
        ({"a": 1}, {"b": 1}, "has no 'b'"),
        ({"a": 1, "b": 2}, {"a": 1}, "has 'b'"),
        ({"a": 1}, {"a": 2}, "at ['a']"),
        (torch.ones(1, 1), 1.0, "shape (1, 1)"),
        ("1", 1, "a str"),
        ([[1], [1, 2]], torch.ones(2), "gives a list"),
        (2, 1, "should be 1"),
        (0.11, 0.1, "should be 0.1"),
    ],
)
def test_a_difference_is_said_where_it_begins(got, expected, words):
    assert words in difference(got, expected)


# --- what is told -------------------------------------------------------------------------------


def test_two_mistakes_at_once_are_both_named(monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 60)  # a busy machine has time
    asked = exercise("attention")
    unscaled, after = (
        next(wrong for wrong in asked.wrong if words in wrong.says)
        for words in ("not scaled", "hides the diagonal")
    )
    verdict = judge("attention", asked.with_mistakes((unscaled, after)))
    assert verdict.mistakes == (unscaled, after) or verdict.mistakes == (after, unscaled)
    assert verdict.says.startswith("Two mistakes at once.")


def test_a_second_try_is_judged_with_less_work(monkeypatch):
    calls = []

    def counted(function, *args, **how):
        calls.append(function)
        return outcome(function, *args, **how)

    for module in (checking, imitation):
        monkeypatch.setattr(module, "outcome", counted)
    asked = exercise("rate_at")
    wrong = asked.with_mistakes((asked.wrong[-1],))

    def work(asked=asked, **how) -> int:
        calls.clear()
        assert judge(asked, wrong, **how).mistakes == (asked.wrong[-1],)
        return len(calls)

    judge("linear", lambda x, weight, bias: x)  # another exercise is forgotten
    first = work(seed=1)
    assert work(seed=1) == len(asked.cases(checking.Inputs(1))) < first / 2
    assert work(seed=2) > first / 2 and work(seed=2, dtype=torch.float64) > first / 2
    assert work(replace(asked, title="another"), seed=2, dtype=torch.float64) > first / 2


def test_an_answer_that_the_machine_paused_is_asked_again(monkeypatch):
    asked = replace(exercise("rate_at"))
    for module in (checking, imitation):
        late = checking.Outcome(error=checking.Stopped("late"))
        monkeypatch.setattr(module, "outcome", lambda *_, late=late, **how: late)
    assert not judge(asked, lambda *_: 0.0).passed
    case = asked.cases(checking.Inputs(0))[0]
    imitation.expected_of(asked, 0, torch.float32).outcome(0, case)
    monkeypatch.undo()
    assert judge(asked, asked.answer).passed


def test_what_nobody_foresaw_gets_the_first_case_that_is_wrong():
    def cubed(q, k, v):
        scores = (q @ k.transpose(-2, -1)) ** 3
        return scores.masked_fill(~right(q.shape[1]), -torch.inf).softmax(-1) @ v

    verdict = judge("attention", cubed)
    assert verdict.state == WRONG and not verdict.mistakes and not verdict.named
    assert "Right with one position, which sees only itself and equal scores" in verdict.says
    assert "Wrong with one number a head" in verdict.says and "it should be" in verdict.example


def test_an_answer_that_is_no_function_and_a_name_that_is_none():
    with pytest.raises(TypeError, match="without parentheses"):
        exercises.check("causal_mask", right(3))
    with pytest.raises(ValueError, match="did you mean 'causal_mask'"):
        exercises.check("casual_mask", right)


def test_a_module_that_is_no_whole_exercise_is_named():
    with pytest.raises(ExerciseError, match="has no DIFFICULTY"):
        from_module(types.ModuleType("half", "Title\n\nText."), "internals", "half")
    asked = exercise("causal_mask")
    with pytest.raises(ExerciseError, match="stands 0 times"):
        asked.with_mistakes((Wrong("", "nowhere", ""),))


def test_nothing_warns_when_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judge("causal_mask", right).passed
        assert json.dumps(STOPPED)


# --- the notebooks ------------------------------------------------------------------------------


HANGS = 900  # seconds of a cell on the busiest machine
AT_ONCE = "internals"  # the chapter whose answers are filled in by `make test`
IN_THE_PART = pytest.mark.part("exercises")


def execute(notebook, folder) -> None:
    """Run a notebook from top to bottom in that folder."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=HANGS, resources=resources).execute()


def told(notebook) -> dict[str, str]:
    """What each check of a notebook says, by the name of its exercise."""
    return {
        cell.id.removesuffix("-check"): cell.outputs[0]["data"]["text/plain"]
        for cell in notebook.cells
        if cell.id.endswith("-check")
    }


def of_chapter(chapter: str) -> list:
    return [exercise(name) for name, of in names().items() if of == chapter]


@pytest.mark.parametrize(
    "chapter",
    [
        pytest.param(chapter, marks=[] if chapter == AT_ONCE else [IN_THE_PART])
        for chapter in CHAPTERS
    ],
)
def test_a_notebook_runs_with_all_answers(chapter, tmp_path):
    notebook, asked = tool.notebook(chapter), of_chapter(chapter)
    cells = {cell.id: cell for cell in notebook.cells}
    for one in asked:
        cells[one.name.replace("_", "-")].source = one.source
    execute(notebook, tmp_path)
    assert list(told(notebook)) == [one.name.replace("_", "-") for one in asked]
    assert all(text.startswith("✓") for text in told(notebook).values()), told(notebook)
    assert "your code" in cells["progress"].outputs[0]["data"]["text/plain"]


FOLDER = Path(__file__).parents[1] / "notebooks" / "exercises"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_stored_notebook_is_as_the_exercises_are(chapter):
    stored = nbformat.read(FOLDER / tool.file_name(chapter), as_version=4)
    made = tool.notebook(chapter)
    nbformat.validate(made)
    assert [(cell.id, cell.source) for cell in stored.cells] == [
        (cell.id, cell.source) for cell in made.cells
    ], "run: python -m authoring.exercises notebooks/exercises && make notebooks"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_is_tried_in_a_stored_notebook(chapter):
    """That it gives what is stored, nbval proves."""
    says = told(nbformat.read(FOLDER / tool.file_name(chapter), as_version=4))
    assert list(says) == [one.name.replace("_", "-") for one in of_chapter(chapter)]
    assert all(text.startswith("○") and text.endswith("not tried yet") for text in says.values())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_nothing_is_stored_that_differs_between_runs_or_machines(path):
    stored = nbformat.read(path, as_version=4)
    assert normalise(stored, path) == stored, "run `make notebooks`"
    outputs = str([cell.outputs for cell in stored.cells if cell.cell_type == "code"])
    assert not re.search(r"/(home|root|tmp|work|Users)/|site-packages| at 0x[0-9a-f]{6,}", outputs)
    assert "'error'" not in outputs


TOO_EARLY = {"curve", "end", "possible"}  # cells that want the whole run
SMALLER = {  # what stands in the last notebook, and what makes it short
    "generate(20_000)": "generate(300)",
    "documents[:2000]": "documents[:60]",
    "generate(400, seed=1)": "generate(10, seed=1)",
    "n_layer=3, n_head=4, n_embd=128": "n_layer=1, n_head=2, n_embd=32",
    "updates=1500": "updates=60, highest=1e-2, warmup=5",
}


def all_answers_and_the_last_notebook(changes: dict[str, str]):
    """The cells of all answers and checks, then those of the last notebook with these changes.

    A cell "loss" at the end gives the first loss and the mean of the last five.
    """
    answers = [
        cell
        for chapter in CHAPTERS
        for cell in tool.notebook(chapter).cells
        if cell.cell_type == "code" and grading.SKIPPED not in cell.metadata.get("tags", [])
    ]
    sources = {name.replace("_", "-"): exercise(name).source for name in names()}
    for i, cell in enumerate(answers):
        cell.source = sources.get(cell.id, cell.source)
        cell.id = f"{i}-{cell.id}"
    last = nbformat.read(FOLDER / "06_your_gpt.ipynb", as_version=4)
    whole = [cell for cell in last.cells if cell.cell_type == "code" and cell.id not in TOO_EARLY]
    code = "\n".join(cell.source for cell in whole)
    assert all(old in code for old in changes)
    for cell in whole:
        for old, new in changes.items():
            cell.source = cell.source.replace(old, new)
    loss = nbformat.v4.new_code_cell("curve[0], sum(curve[-5:]) / 5", id="loss")
    cells = [*answers, *whole, loss]
    return nbformat.v4.new_notebook(cells=cells, metadata=last.metadata, nbformat_minor=5)


def check_all_is_the_student_s(notebook) -> tuple[float, float]:
    """Each function is the student's; the first loss and the last."""
    said = {cell.id: "".join(map(str, cell.outputs)) for cell in notebook.cells}
    for chapter in CHAPTERS:
        count = len(of_chapter(chapter))
        assert re.search(rf"{chapter} +{count} of {count} yours", said["whose"]), said["whose"]
    assert "25 of the 25 functions" in said["progress"]
    first, last = re.search(r"\((\d[\d.]*), (\d[\d.]*)\)", said["loss"]).groups()
    return float(first), float(last)


def test_a_gpt_of_nothing_but_the_student_s_code(tmp_path):
    """All answers in one kernel, then the last notebook with a small network."""
    notebook = all_answers_and_the_last_notebook(SMALLER)
    execute(notebook, tmp_path)
    first, last = check_all_is_the_student_s(notebook)
    assert last < first - 1


@IN_THE_PART
def test_a_gpt_of_the_student_s_code_learns_as_the_last_notebook_says(tmp_path):
    """With its own network and documents, and 300 updates."""
    notebook = all_answers_and_the_last_notebook({"updates=1500": "updates=300"})
    execute(notebook, tmp_path)
    assert check_all_is_the_student_s(notebook)[1] < 1.2  # an untrained one pays 7
