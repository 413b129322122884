"""A check speaks the reader's language, whatever the answer does: no English is left beside code and values."""

import ast
import contextlib
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import nbutils
from authoring.translated_sentences import TABLED
from nbutils import exercises
from nbutils.exercises import imitation, sources
from nbutils.exercises.checking import judge
from nbutils.exercises.compare import Consumed, difference
from nbutils.exercises.exercise import exercise
from nbutils.exercises.forms import Results, describe_form, describe_relation
from nbutils.exercises.guard import Outcome, outcome
from nbutils.exercises.imitation import difference_of
from nbutils.exercises.record import Entry, Progress
from nbutils.exercises.your_gpt import Functions, fitness, unfit
from nbutils.words import sentence

PACKAGE = Path(exercises.__file__).parent
# What stands in code and nobody is told.
NOT_SAID = {
    "checking": {"not tried yet"},  # the name of a state
    "sources": {"from {} import {} as {}"},
}
HANGUL = re.compile("[가-힣]")
WORD = re.compile(r"[(\"']?[A-Za-z]{2,}(?:['’-][a-z]+)*[,.:!?)\"']*")
BETWEEN = re.compile(r"[^\w;]*(\{\}|[A-Za-z])[^\w;]*")  # it ends no run of words


@pytest.fixture
def korean(monkeypatch, tmp_path):
    """What a test says in Korean ends with it."""
    monkeypatch.setenv("NBUTILS_LANG", "")
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 0.01)
    nbutils.language("ko")


def english_in(text: str) -> list[str]:
    """Runs of three words or more, of two letters or more; {} and single letters in a run count for none."""
    runs: list[list[str]] = [[]]
    for one in text.split():
        if WORD.fullmatch(one) or BETWEEN.fullmatch(one):
            runs[-1].append(one)
        else:
            runs.append([])
    return [" ".join(run) for run in runs if len([*filter(WORD.fullmatch, run)]) > 2]


def assert_korean(said: str, *values) -> None:
    """values: what was given or raised, and is shown as it is."""
    text = re.sub("`[^`]*`", "", said)
    for value in values:
        text = text.replace(str(value), "")
    assert HANGUL.search(text), said
    assert english_in(text) == [], said


def test_english_is_seen():
    """Or nothing below could fail."""
    assert english_in("✗ mlp: it should be 3; yours is 4.") == ["mlp: it should be"]
    assert english_in("{} of {} numbers differ 3") == ["{} of {} numbers differ"]
    assert english_in("a {} or 3, b is {}") == []
    assert english_in("숫자는 맞지만 dtype이 다릅니다. 나온 dtype: bool, 맞는 dtype: int64.") == []
    assert english_in("(detach, .data, no_grad, item()가 끊습니다) from {} import {}") == []
    with pytest.raises(AssertionError):
        assert_korean("it should give a dict; yours gives 3")
    with pytest.raises(AssertionError):
        assert_korean("모양: the shape should be (2,)")
    assert_korean("`the shape is no` 모양이 다릅니다: the very value", "the very value")


# --- what is told -------------------------------------------------------------------------------------

RIGHT = {name: exercise(name).answer for name in ("mlp", "causal_mask", "adamw_step", "neuron")}


def raises(_):
    return [1][3]


def multiplies(_):
    return torch.ones(2, 3) @ torch.ones(2, 3)


ODD = {
    "nothing": ("mlp", lambda out: None),
    "prints": ("mlp", print),
    "another dtype": ("causal_mask", lambda out: out.double()),
    "a dimension too many": ("mlp", lambda out: out[None]),
    "flat": ("causal_mask", lambda out: out.flatten()),
    "transposed": ("mlp", lambda out: out.mT),
    "in a tuple": ("mlp", lambda out: (out,)),
    "one of several": ("adamw_step", lambda out: out[1]),
    "more than several": ("adamw_step", lambda out: (*out, 1)),
    "in reverse": ("adamw_step", lambda out: out[::-1]),
    "twice": ("mlp", lambda out: 2 * out),
    "more": ("mlp", lambda out: out + 1),
    "squared": ("neuron", lambda out: out**2),
    "zeros": ("mlp", lambda out: 0 * out),
    "few digits": ("mlp", lambda out: out.half().float()),
    "constant": ("mlp", lambda out: 7),
    "a function": ("mlp", lambda out: print),
    "text": ("causal_mask", str),
    "generator": ("mlp", lambda out: (row for row in out)),
}
UNNAMED = {
    "random": ("mlp", torch.rand_like),
    "random without a seed": (
        "mlp",
        lambda out: torch.rand(out.shape, generator=torch.Generator()),
    ),
    "nan": ("mlp", lambda out: out * float("nan")),
    "an object": ("mlp", lambda out: object()),
    "raises": ("mlp", raises),
    "a product that doesn't fit": ("mlp", multiplies),
    "right": ("mlp", lambda out: out),
}


def verdict_on(name: str, odd):
    with contextlib.redirect_stdout(io.StringIO()):
        return judge(name, lambda *args: odd(RIGHT[name](*args)))


@pytest.mark.parametrize("name, odd", ODD.values(), ids=ODD)
def test_an_odd_result_is_told_in_korean(korean, name, odd):
    verdict = verdict_on(name, odd)
    assert verdict.named
    assert_korean(str(verdict))


@pytest.mark.parametrize("name, odd", UNNAMED.values(), ids=UNNAMED)
def test_a_verdict_is_korean(korean, name, odd):
    messages = "list index out of range", "mat1 and mat2 shapes cannot be multiplied"
    assert_korean(str(verdict_on(name, odd)), *messages)


TENSOR = torch.arange(8.0).view(2, 4)


@pytest.mark.parametrize(
    "got, expected",
    [
        (None, TENSOR),
        (object(), TENSOR),
        ([TENSOR, TENSOR], TENSOR),
        ([TENSOR, TENSOR[0]], TENSOR),
        (TENSOR.T, TENSOR),
        (TENSOR.bool(), TENSOR),
        (TENSOR * float("nan"), TENSOR),
        (TENSOR + 1, TENSOR),
        (TENSOR[0] + 1, TENSOR[0]),
        (np.ones(2), 1.0),
        ("1", 1.0),
        (1.5, 1.0),
        (3, [1, 2]),
        ([1], [1, 2]),
        ([1, 2], [1]),
        ([4.0, 2.0000000001], [4, 2]),
        ([4, 3], [4, 2]),
        ([TENSOR, TENSOR], [TENSOR, TENSOR + 1]),
        (3, {"a": 1}),
        ({}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 2}, {"a": 1}),
        (Consumed("generator", [1]), "a"),
        (lambda: 3, None),
        (torch.ones(30), "a"),
    ],
)
def test_a_difference_is_told_in_korean(korean, got, expected):
    assert_korean(difference(got, expected))


def test_a_difference_of_exceptions_is_told_in_korean(korean):
    three, error, other = Outcome(3), Outcome(error=ValueError("no")), Outcome(error=KeyError("k"))
    sparse, whole = Outcome(torch.eye(2).to_sparse()), Outcome(torch.eye(2))
    for mine, right in ((three, error), (error, three), (other, error), (sparse, whole)):
        assert_korean(difference_of(mine, right, torch.float32))


@pytest.mark.parametrize(
    "mine, right",
    [
        (["a", "b"], [b"a", b"b"]),
        ([b"a", b"b"], ["a", "b"]),
        ([["a", "b"], ["c"]], ["ab", "c"]),
        ([{2, 1}, {4, 3}], [[1, 2], [3, 4]]),
        ([[3, 2, 1], [2, 1, 3]], [[1, 2, 3], [3, 1, 2]]),
        ([[2, 1, 3], [3, 2, 1]], [[1, 2, 3], [3, 1, 2]]),
        ([(7, 1), (7, 2)], [1, 2]),
        ([torch.ones(1), torch.zeros(1)], [1.0, 0.0]),
        ([Consumed("map", [1]), Consumed("map", [2])], [[1], [2]]),
        ([Consumed("map", [1]), Consumed("map", [2])], [{1}, {2}]),
        ([torch.arange(3.0).exp()], [torch.arange(3.0)]),
        (
            [torch.tensor([2.0, 8.0]), torch.tensor([3.0, 9.0])],
            [torch.tensor([1.0, 4.0]), torch.tensor([1.0, 3.0])],
        ),
    ],
)
def test_a_form_or_relation_is_told_in_korean(korean, mine, right):
    results = Results(mine, right, [()] * len(mine), [], [""] * len(mine), torch.float32)
    assert_korean(describe_form(results) or describe_relation(results))


def test_what_does_not_end_is_told_in_korean(korean):
    def forever():
        while True:
            pass

    found = outcome(forever, (), seconds=0.05)
    assert_korean(str(found.error))
    assert_korean(found.line, "while True:")


# --- what is right, and of no use -----------------------------------------------------------------------


UNFIT = {
    "in place": ("linear", lambda x, weight, bias: x.add_(0) @ weight.mT),
    "cut off": ("linear", lambda x, weight, bias: x @ weight.detach().mT),
    "no gradient": ("linear", lambda x, weight, bias: (x @ weight.mT).detach()),
    "wrong gradient": ("linear", lambda x, weight, bias: (2 * x - x.detach()) @ weight.mT),
    "wrong": ("linear", lambda x, weight, bias: x @ weight.mT * 1.1),
    "wrong shape": ("linear", lambda x, weight, bias: weight @ x.mT),
    "raises": ("linear", lambda x, weight, bias: raises(x)),
    "slow": ("linear", lambda x, weight, bias: time.sleep(9)),
    "a list": ("with_temperature", lambda logits, t: (logits / t).softmax(0).tolist()),
}


@pytest.mark.parametrize("name, answer", UNFIT.values(), ids=UNFIT)
def test_why_an_answer_is_unfit_is_told_in_korean(korean, name, answer):
    assert_korean(unfit(name, answer, "cpu"), "list index out of range")


@pytest.mark.parametrize("message", ["on cpu", "can't convert to numpy", "MPS float64", "no"])
def test_an_error_on_a_gpu_is_told_in_korean(korean, message):
    found = Outcome(error=RuntimeError(message))
    assert_korean(fitness._error_on_the_gpu(found, "device=x.device"))


def test_whose_functions_a_gpt_has_is_told_in_korean(korean):
    your = Functions({}, ("embed",), {"linear": sentence("a function")})
    for line in str(your).splitlines():
        assert_korean(line)
    with pytest.raises(AttributeError) as caught:
        your.nothing  # noqa: B018
    assert_korean(str(caught.value))


def test_code_that_can_t_be_run_here_is_told_in_korean(korean, tmp_path):
    kept = Progress(tmp_path, {"linear": Entry(passed="today", code="import nothing_of_this_name")})
    with pytest.warns() as told:
        sources.load_answers(kept)
    assert_korean(str(told[0].message), "No module named 'nothing_of_this_name'")


# --- what stands in the code ----------------------------------------------------------------------------


def sentences_in(code: str) -> Iterator[str]:
    """What stands in code and no reader's language can change.

    Left out are docstrings, what `sentence` says, and internal errors.
    """
    tree = ast.parse(code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    known = [call.args[0] for call in calls if called(call) == "sentence"]
    known += [call for call in calls if called(call) == "ExerciseError"]
    known += [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and is_text(node.value)]
    said = {one.id for one in known if isinstance(one, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and said & {getattr(of, "id", "") for of in node.targets}:
            known.append(node)
    left_out = {inside for one in known for inside in ast.walk(one)}
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {part for node in joined for part in node.values}
    for node in ast.walk(tree):
        if is_text(node) and node not in left_out | parts:
            text = text_of(node)
            if english_in(text):
                yield text


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """With {} for each value in it."""
    if isinstance(node, ast.Constant):
        return node.value
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def test_a_sentence_in_code_is_seen():
    code = '''
"""The docstring is no sentence that is said."""
SAID = "This one is said below."
FREE = "This one is said nowhere."
sentence(SAID, name="words of a value")
sentence("This one is said" if SAID else "Or is this one?", name=sentence("and this is too"))
raise ExerciseError(f"This is internal: {SAID}")
f"It is {FREE} of {SAID} values"
print(f"with {FREE}, {SAID} and so on", "two words", "border: 1px solid red")
'''
    found = ["This one is said nowhere.", "words of a value", "with {}, {} and so on"]
    assert sorted(sentences_in(code)) == sorted(found)


# A module whose table of sentences is gathered whole has patterns of Python's own messages beside them.
HERE = "nbutils.exercises."
OF_TABLES = {one.removeprefix(HERE).replace(".", "/") for one in TABLED if one.startswith(HERE)}
MODULES = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("problems", "grading")
)


@pytest.mark.parametrize("module", sorted({*MODULES} - OF_TABLES))
def test_no_sentence_stands_in_code_that_nobody_can_translate(module):
    found = set(sentences_in((PACKAGE / f"{module}.py").read_text("utf-8")))
    assert found == NOT_SAID.get(module, set())


def test_what_is_left_out_is_a_module():
    assert {*MODULES} >= NOT_SAID.keys() | OF_TABLES
