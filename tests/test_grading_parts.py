"""The grader's parts alone: the judge, what passes between its processes, tables, what a text says."""

import csv
import json
import re
from collections import Counter, deque
from multiprocessing import Pipe

import numpy as np
import pytest
import torch
import tyro
from test_grading import JOIN, MASK

from nbutils.cli import grade as command
from nbutils.exercises import grading
from nbutils.exercises.checking import PASSED, RAISED, UNTRIED, WRONG
from nbutils.exercises.grading import judging, marks, reading, student, submitted, tables, wire
from nbutils.exercises.guard import SECONDS, Stopped

# --- the judge --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"\xff", b"[1]", b"[" * 100_000),
        *({"defined": 3}, {"gave": {"is": "eval", "of": "1"}}, {"gave": {"is": "tensor"}}),
        {"gave": {"is": "tensor", "of": "AAAA", "dtype": "float32", "shape": [-1], "grad": False}},
        {"gave": {"is": "tensor", "of": "", "dtype": "float32", "shape": [10**9], "grad": False}},
        {"gave": {"is": "array", "of": "", "dtype": "O", "shape": [0]}},
        {"gave": {"is": "function", "of": 0, "name": "f"}},
        {"gave": {"is": "dict", "of": [[[], 1]]}},
        {"gave": 1, "changed": [[7, 1]]},
        {"raised": 3},
        {"ask": 5, "args": []},
        {},
    ],
)
def test_what_a_notebook_s_process_may_say_is_no_mark_and_ends_no_judge(sent):
    here, there = Pipe()
    there.send_bytes(sent if isinstance(sent, bytes) else json.dumps(sent).encode())
    there.close()
    judge = judging._Judging([], {"seconds": 9, "end": 2e10}, judging.Known(), here)
    verdict = judging.judge("causal_mask", judging._Answer(judge, "causal_mask", {}))
    assert verdict.state in (WRONG, RAISED)


def test_a_process_that_does_not_answer_is_lost():
    here, there = Pipe()
    judge = judging._Judging([], {"seconds": 9, "end": 2e10}, judging.Known(), here)
    with pytest.raises(judging.Lost, match="hangs"):
        judge.hear(0.1)
    there.send_bytes(b'{"gave": 1}')  # too late: it is no answer to the next call
    with pytest.raises(RuntimeError, match="no more"):
        judging._Answer(judge, "causal_mask", {})(3)


def test_what_is_left_when_the_time_is_over_is_named():
    cell = submitted.Cell(1, f"{MASK}\n{JOIN}")
    judge = judging._Judging([cell], {"seconds": 3, "end": 0}, judging.Known(done=[""]), None)
    says = {name: (state, words) for name, state, words in judge.marks()}
    assert says["causal_mask"] == says["join_heads"] and says["causal_mask"][0] == grading.ERROR
    assert "took all of its 3 s" in says["causal_mask"][1] and says["attention"][0] == UNTRIED


# --- what comes out ---------------------------------------------------------------------------------


def test_texts_are_made_printable():
    assert marks.printable("a\udcb1") == "a\ufffd"
    assert marks.printable("\ud800 \x1b[31m\nnext") == "?  [31m\nnext"


def test_tables_hold_no_formula_and_no_markup(tmp_path):
    rows = [grading.Mark("<b>", "linear", WRONG, "=1"), grading.Mark("é", "linear", PASSED, "-")]
    grading.write_csv(rows, tmp_path / "grades.csv")
    with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert [row[3] for row in csv.reader(file)] == ["says", "'=1", "'-"]
    page = tables.as_html(rows)
    assert "<b>&lt;b&gt;</b>" in page and "<th><b></th>" not in page
    assert grading.totals(rows) == {"<b>": 0, "é": 1}


# --- the wire ---------------------------------------------------------------------------------------


def sent(value):
    """What comes out of the pipe."""
    message = wire.to_bytes_of_json({"value": wire.Encoder().encode(value)})
    return wire.Decoder().decode(wire.from_bytes_of_json(message)["value"])


class Colour(str):
    pass


@pytest.mark.parametrize(
    "value, comes",
    [
        *(
            (one, one)
            for one in (
                None,
                True,
                3,
                2**200,
                -(2**70),
                0.1,
                float("inf"),
                2j,
                "a\udc80\u2028",
                b"\0x",
            )
        ),
        *(
            (one, one)
            for one in (
                [1, (2, [3])],
                {1, 2},
                frozenset("a"),
                {(1, 2): {"a": None}},
                range(3, 9, 2),
            )
        ),
        (bytearray(b"a"), b"a"),
        (deque([1]), [1]),
        (Counter("aab"), {"a": 2, "b": 1}),
        ({"a": 1}.keys(), {"a"}),
        (torch.Size([1, 2]), (1, 2)),
        (Colour("red"), "red"),
        (np.str_("a"), "a"),
        (np.float32(0.5), np.float32(0.5)),
    ],
)
def test_plain_data_comes_out_as_it_went_in(value, comes):
    assert sent(value) == comes and type(sent(value)) is type(comes)


@pytest.mark.parametrize("dtype", wire.DTYPES.values())
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 4)])
def test_tensors_come_out_with_dtype_and_shape(dtype, shape):
    value = torch.arange(1, 7)[: int(np.prod(shape))].reshape(shape).to(dtype)
    assert sent(value).dtype == dtype and torch.equal(sent(value), value)
    assert sent(torch.ones(shape, requires_grad=True)).requires_grad
    assert np.array_equal(sent(np.ones(shape)), np.ones(shape))


def test_of_other_things_comes_the_type_s_name_alone():
    odd = [object(), type, torch.ones(2).to_sparse(), torch.ones(2, device="meta"), np.array(["a"])]
    names = [type(sent(one)).__name__ for one in odd]
    assert names[:2] == ["object", "function"] and "sparse" in names[2] and "meta" in names[3]
    assert sent(object()) == sent(object()) != sent(type) and sent(object()) != object()
    endless = []
    endless.append(endless)
    assert "holds itself" in str(sent(endless)) or sent(endless)[0]
    assert (
        list(sent(iter([1, 2]))) == [1, 2] and type(sent(x for x in "ab")).__name__ == "generator"
    )
    with pytest.raises(wire.WireError, match="more than 500,000 values"):
        sent([0] * 600_000)
    with pytest.raises(wire.WireError, match="larger than 64 MiB"):
        sent("x" * (wire.LARGEST + 1))


def test_what_changed_in_place_is_changed_here():
    tensor, numbers, table = torch.ones(2, requires_grad=True), [1, [2, 3]], {"a": 1, "b": [1]}
    inner = numbers[1]
    wire.write_back(tensor, torch.tensor([5.0, 6.0]))
    wire.write_back(numbers, [1, [2, 4], 7])
    wire.write_back(table, {"b": [1, 2]})
    assert tensor.tolist() == [5, 6] and not tensor.requires_grad
    assert numbers == [1, [2, 4], 7] and numbers[1] is inner and table == {"b": [1, 2]}


@pytest.mark.parametrize(
    "error",
    [
        *(
            KeyError("a"),
            KeyError(5),
            ValueError("x"),
            NameError("n", name="foo"),
            OSError(2, "no"),
        ),
        *(UnicodeDecodeError("utf8", b"a", 0, 1, "bad"), SystemExit(3), NotImplementedError("f")),
        *(RecursionError("deep"), torch.OutOfMemoryError("large"), torch.linalg.LinAlgError("odd")),
    ],
)
def test_an_exception_comes_out_as_its_builtin_type_with_its_message(error):
    came = wire.decode_error(wire.encode_error(error))
    assert str(came) == str(error) and type(came).__name__ == type(error).__name__
    assert isinstance(
        came, next(one for one in type(error).__mro__ if one.__module__ == "builtins")
    )
    assert getattr(came, "name", None) == getattr(error, "name", None)


def test_what_is_no_exception_of_a_program_is_a_runtime_error():
    assert (
        type(wire.decode_error(wire.encode_error(KeyboardInterrupt()))).__mro__[1] is RuntimeError
    )
    assert isinstance(wire.decode_error({"kind": "X", "bases": ["eval", "int"]}), RuntimeError)


def test_a_function_is_called_where_it_came_from_and_errors_have_the_student_s_line():
    here, there = Pipe()
    judge = judging._Judging([], {"seconds": 9, "end": 2e10}, judging.Known(), here)
    answer, given = judging._Answer(judge, "slope_by_turning", {}), torch.zeros(2)
    there.send_bytes(json.dumps({"ask": 0, "args": [3]}).encode())
    there.send_bytes(json.dumps({"ask": 0, "args": ["a"]}).encode())
    raised = {"raised": wire.encode_error(KeyError("k")), "line": "line 2: x['k']", "printed": ""}
    after = [1, wire.Encoder().encode(torch.ones(2))]
    there.send_bytes(json.dumps({**raised, "changed": [after]}).encode())
    with pytest.raises(KeyError) as caught:
        answer(lambda x: x - 1, given)
    assert caught.value.student_line == "line 2: x['k']" and given.tolist() == [1, 1]
    called, gave, refused = (json.loads(there.recv_bytes()) for _ in range(3))
    assert called["args"][0]["is"] == "function" and gave == {"gave": 2}
    assert refused["raised"]["kind"] == "TypeError"
    there.send_bytes(json.dumps({**raised, "late": True}).encode())
    with pytest.raises(Stopped):
        answer(3)


# --- what a cell's text says --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, bound",
    [
        ("import a.b, c as d\nfrom e import f as g", "a d g"),
        ("def f(x):\n    y = 1\nclass C:\n    z = 2", "f C"),
        ("if a:\n    b = c = 1\nelse:\n    d, (e, *h) = 1, 2", "b c d e h"),
        (
            "for i in x:\n    with y as z:\n        !ls\nw = !ls\n%time q = 1\nv = lambda u: u",
            "i z w v",
        ),
        ("%%time\ndef f(): pass", "f"),
        ("def f(x)\n    return x\nimport m, n as o\nk = 3", "f m o k"),
        ("(" * 9999, ""),
    ],
)
def test_the_names_that_a_cell_defines(text, bound):
    assert reading.names_bound(text) == set(bound.split())


def test_a_cell_that_asks_for_answers_is_seen():
    asks = reading.asks_for_answers
    assert asks("exercise('linear').answer") and asks("import nbutils.exercises.problems.io")
    assert not asks("# the exercise (first)\nsolution('linear')\nmy_exercise(3)")


# --- the page for teachers ----------------------------------------------------------------------------


def test_the_page_for_teachers_says_what_is_so(root):
    page = (root / "book" / "teachers.md").read_text("utf-8")
    words = " ".join(page.split())
    told = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert told == list(marks.STATES)
    for options in re.findall(r"python -m nbutils grade (.+)$", page, re.M):
        asked = tyro.cli(command.Grade, args=options.split())
        assert asked.seconds == grading.SECONDS == 300
    assert (grading.A_CELL, grading.ALL_CELLS) == (1 / 5, 3 / 5)
    assert "one cell may take a fifth of them, all cells together three fifths" in words
    assert f"{student.MEMORY >> 30} GiB of address space" in words
    assert f"one above {submitted.LARGEST >> 20} MiB" in words
    assert f"within about {SECONDS:g} seconds" in words
