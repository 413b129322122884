"""The grader: cells as IPython reads them, odd files, attacks, and what passes between its processes."""

import csv
import json
import linecache
import os
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from handed_in import (
    ANSWER,
    FOLDER_OF_ANSWERS,
    HEADS,
    JOIN,
    MASK,
    hand_in_attacks,
    hand_in_attacks_on_the_fence,
    submit,
)

from authoring import exercises as tool
from nbutils.cli import grade as command
from nbutils.exercises import grading
from nbutils.exercises.checking import PASSED, RAISED, UNTRIED, WRONG, judge
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.grading import landlock

# Each is right in a Jupyter kernel, so it is right here: causal_mask is.
READ = {
    "pip in an if": [
        "import sys\nif 'google.colab' in sys.modules:\n    !pip install x\nimport torch"
    ],
    "pip after except": [
        "try:\n    import nowhere\nexcept ImportError:\n    %pip install -q x\nimport torch"
    ],
    "a line that begins with %": [
        "import torch",
        "def causal_mask(T):\n    n = torch.arange(T * T)\n    column = (\n        n\n        % T\n    )\n"
        "    return (column <= n // T).view(T, T)",
    ],
    "a backslash": ["import torch\n!echo -n \\\n    einops tqdm"],
    "help": ["import torch\ntorch.tril?\n?torch.tril\ntorch.tril??"],
    "await": ["import torch, asyncio\nawait asyncio.sleep(0)"],
    "display": ["import torch", "display('my mask')\n" + MASK],
    "interrupt": ["import torch\nraise KeyboardInterrupt"],
    "exit": ["import torch\nraise SystemExit"],
    "U+2028": ["import torch", MASK.replace("    return", "    sep = 'a\u2028b'\n    return")],
    "get_ipython": ["import torch\nget_ipython().run_line_magic('pip', 'install x')"],
    "a magic of Colab's": ["%tensorflow_version 2.x\nimport torch"],
    "%%time": ["%%time\nimport torch"],
    "%%capture": ["%%capture out\nimport torch"],
    "an unknown %%magic": ["%%wandb\nimport torch"],
    "%%bash": ["%%bash\nrm -rf everything", "import torch"],
    "a task": [
        "import asyncio, torch\ntask = asyncio.create_task(asyncio.sleep(0, 5))",
        "assert await task == 5",
    ],
    "a breakpoint": ["breakpoint()\nimport pdb, torch\npdb.set_trace()"],
    "input": [
        "name = input('your name? ')\nimport torch",
        "while True: input()",
    ],
    "an exit code": ["!true\nassert _exit_code == 0\nimport torch"],
    "a compiled answer": [
        "import torch",
        "@torch.compile\n"
        + "def causal_mask(T):\n    return torch.ones(T, T, dtype=torch.bool).tril()",
    ],
    "matplotlib": ["%matplotlib inline\nimport torch"],
    "a module of its own": [
        "%%writefile mine.py\n" + MASK,
        "import torch\nimport mine\nmine.torch = torch",
    ],
    "tensors without gradients": [
        "import torch\ntorch.set_grad_enabled(False)\ntorch.set_default_dtype(torch.float64)"
    ],
}
OWN_MASK = {
    "a compiled answer",
    "a line that begins with %",
    "display",
    "U+2028",
    "a module of its own",
}


def hand_in_cells(folder: Path) -> None:
    """A notebook for every way in which cells are written."""
    for name, cells in READ.items():
        own = [] if name in OWN_MASK else [MASK]
        submit(folder, f"read {name}", *cells, *own)
    submit(
        folder,
        "read a module of its own",
        *READ["a module of its own"],
        "from mine import causal_mask",
    )
    assigned = "import torch\nfiles = !ls\nassert files == []\nt = %timeit -o -n1 -r1 1 + 1\nassert t.average"
    submit(folder, "read assigned", assigned, MASK)
    cell = {"cell_type": "code", "metadata": {}, "input": f"import torch\n{MASK}", "outputs": []}
    old = {"nbformat": 3, "worksheets": [{"cells": [cell, "no cell"]}, None]}
    (folder / "read format 3.ipynb").write_text(json.dumps(old), "utf-8")


def hand_in_stops(folder: Path) -> None:
    """Cells that stop, and what was right before."""
    submit(
        folder,
        "stops",
        "import torch\n1 / 0\nimport math",
        f"{MASK}\n[][0]\ndef attention(q, k, v):\n    return q",
        "def gelu_tanh(x):\n    return x * math.pi",
        "def mlp(*args):\n    raise NotImplementedError('mlp')",
        "def linear(x, weight, bias)\n    return x",
        "neuron = 3",
        "def mlp(*args)\n    return 1",
        "def split_heads(x, n_head):\n    return x",
        HEADS,
        "from nowhere import embed",
    )
    submit(
        folder,
        "endless",
        "import torch",
        f"{MASK}\nwhile True:\n    try:\n        pass\n    except Exception:\n        pass",
        JOIN,
    )
    submit(
        folder,
        "exits",
        "import os, torch",
        MASK,
        "os._exit(3)",
        "def join_heads(x):\n    os._exit(0)",
        "def layer_norm(x, scale, shift):\n    raise KeyboardInterrupt",
        "def embed(*args):\n    class Odd(ValueError): pass\n    raise Odd('so')",
        "def mlp(*args):\n    return [0] * 600_000",
        HEADS,
    )


# Wrong in ways of which `check` says different things: a value, a form, arguments, crashes of many kinds.
WRONG_ANSWERS = {
    "causal_mask": "def causal_mask():\n    return 1",
    "cross_entropy_loss": "def cross_entropy_loss(logits, labels):\n    return F.crossentropy(logits, labels)",
    "split_heads": "def split_heads(x, n_head):\n    return x.view(x.shape[0], n_head, -1)",
    "join_heads": "def join_heads(x):\n    return x.flaten(2)",
    "attention": "def attention(q, k, v):\n    return (q @ k.mT).softmax(-1) @ v",
    "gelu_tanh": "def gelu_tanh(x):\n    return x * torch.sqrt(2 / torch.pi)",
    "decays": "def decays(shapes):\n    return [one for one in shapes if len(shapes[one]) > 1]",
    "count_pairs": "def count_pairs(ids):\n    return collections.Counter(ids)",
    "generate_ids": "def generate_ids(next_logits, ids, n_new, end_id):\n    for _ in range(n_new):\n"
    "        ids.append(int(next_logits(ids).argmax()))\n    return ids",
    "sgd_step": "def sgd_step(weights, gradients, rate):\n    for w, g in zip(weights, gradients):\n"
    "        w.data -= rate * g\n    return weights",
    "nudge": "def nudge(table, context, label, rate):\n    table[context][label] += rate\n    return table",
    "slope_by_turning": "def slope_by_turning(loss, w, step):\n    return loss(w, 3)",
    "best_pair": "def best_pair(counts):\n    return max(counts, key=lambda pair: counts[pari])",
    "to_bytes": "def to_bytes(text):\n    print(text)\n    return iter(text.encode())",
    "neuron": "def neuron(x1, x2, w):\n    return np.array(0.5)",
}
IMPORTS = "import collections\nimport numpy as np\nimport torch\nimport torch.nn.functional as F"


def hand_in_wrong_answers(folder: Path) -> None:
    submit(folder, "wrong", IMPORTS, *WRONG_ANSWERS.values())


def hand_in_odd_files(folder: Path) -> None:
    """What is no notebook, and notebooks with odd names."""
    submit(folder, "good", "import torch", MASK)
    good = (folder / "good.ipynb").read_bytes()
    for name, content in {
        "no json": b"no notebook",
        "empty": b"",
        "a list": b"[1]",
        "no cells": b'{"a": 1}',
        "deep": b"[" * 100_000,
        "latin": '{"cells": "é"}'.encode("latin-1"),
        "bom": b"\xef\xbb\xbf" + good,
        "=1+1": good,
        "._good": b"\0",
    }.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    odd = [None, 3, {"cell_type": "code"}, {"cell_type": "code", "source": None, "metadata": None}]
    last = {"cell_type": "code", "source": ["import torch\n", MASK], "metadata": {"tags": None}}
    (folder / "odd cells.ipynb").write_text(json.dumps({"cells": [*odd, last]}), "utf-8")
    with open(folder / "large.ipynb", "wb") as file:
        file.truncate(200 * 2**20)
    (folder / "folder.ipynb").mkdir()
    (folder / "folder.ipynb" / "inner.ipynb").write_bytes(good)
    if sys.platform == "linux":
        (folder / "dangling.ipynb").symlink_to("nowhere")
        (folder / "linked.ipynb").symlink_to("good.ipynb")
        (folder / "elsewhere").symlink_to(folder.parent)
        os.mkfifo(folder / "pipe.ipynb")
        for name in (one.encode("cp949") for one in "길값"):
            Path(os.fsdecode(os.fsencode(folder) + b"/" + name + b".ipynb")).write_bytes(good)
        (folder / "new\nline \x1b[31m.ipynb").write_bytes(good)


def hand_in_all_answers(folder: Path) -> None:
    """The course's own answers, and cells that are tagged as of no use."""
    notebook = tool.notebook("io")
    skipped = [c.id for c in notebook.cells if grading.SKIPPED in c.metadata.get("tags", [])]
    assert skipped == ["setup", "functions", "together-1", "progress"]
    for cell in notebook.cells:
        if cell.id == "together-1":
            cell.source = "import os; os._exit(1)"
    nbformat.write(notebook, folder / "untouched.ipynb")
    imports = {line for name in names() for line in tool.imports([exercise(name)]).splitlines()}
    checks = "from nbutils.exercises import check, hint, progress, solution\nhint('x'); solution('x'); progress()"
    cells = [f"{exercise(name).source}\nassert check({name!r}, {name}).passed" for name in names()]
    submit(folder, "all", "\n".join(sorted(imports)), checks, *cells)


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict[tuple[str, str], tuple[str, str]]:
    """State and words of each notebook and exercise, from one call of the command."""
    folder = tmp_path_factory.mktemp("class") / "in"
    folder.mkdir()
    for hand_in in (
        hand_in_cells,
        hand_in_stops,
        hand_in_wrong_answers,
        hand_in_attacks,
        hand_in_attacks_on_the_fence,
        hand_in_odd_files,
        hand_in_all_answers,
    ):
        hand_in(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "A_CELL", 2 / grading.SECONDS)
        command.main([str(folder), "--out", str(folder.parent / "out"), "--workers", "2"])
    with open(folder.parent / "out" / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows.pop(0) == ["notebook", "exercise", "state", "says"]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    page = (folder.parent / "out" / "grades.html").read_text("utf-8")
    assert "<th>good.ipynb</th><td>1</td>" in page and "division by zero" in page
    return {
        (name.removesuffix(".ipynb"), asked): (state, says) for name, asked, state, says in rows
    }


def tried(graded: dict, notebook: str) -> dict[str, str]:
    """The states of those exercises that were tried, by name."""
    return {
        asked: state
        for (name, asked), (state, _) in graded.items()
        if name == notebook and state not in (UNTRIED, grading.REMARK)
    }


# --- cells ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*READ, "assigned", "format 3"])
def test_cells_are_read_as_ipython_reads_them(graded, name):
    assert graded[f"read {name}", "causal_mask"][0] == PASSED, graded[f"read {name}", "causal_mask"]


@pytest.mark.parametrize(
    "name, state, words",
    [
        ("causal_mask", PASSED, "right"),  # the cell stopped after it
        (
            "attention",
            grading.ERROR,
            "cell 2 stopped with IndexError in line 3: [][0]. list index out of range",
        ),
        (
            "gelu_tanh",
            RAISED,
            "cell 1 stopped with ZeroDivisionError in line 2: 1 / 0. division by zero",
        ),
        (
            "linear",
            grading.ERROR,
            "cell 5 stopped with SyntaxError in line 1: def linear(x, weight, bias). expected ':'",
        ),
        ("mlp", grading.ERROR, "cell 7 stopped with SyntaxError"),
        ("neuron", WRONG, "it should be a function; yours is 3"),
        ("split_heads", PASSED, "right"),  # the last definition counts
        ("embed", grading.ERROR, "cell 10 stopped with ModuleNotFoundError"),
        ("layer_norm", UNTRIED, ""),
    ],
)
def test_a_cell_that_stops_is_named_where_something_is_missing_for_it(graded, name, state, words):
    assert graded["stops", name][0] == state and words in graded["stops", name][1]
    assert "ipython-input" not in graded["stops", name][1]


def test_what_was_right_before_an_endless_cell_counts(graded):
    assert tried(graded, "endless") == {"causal_mask": PASSED, "join_heads": PASSED}
    assert "cell 2 took too long and was stopped in line " in graded["endless", ""][1]


def test_a_notebook_that_ends_its_process_is_judged_all_the_same(graded):
    assert tried(graded, "exits") == {
        "causal_mask": PASSED,
        "split_heads": PASSED,
        **dict.fromkeys(("join_heads", "layer_norm", "embed", "mlp"), RAISED),
    }
    assert graded["exits", ""] == (grading.REMARK, "cell 3 was cut off: its process ended")
    assert "its process ended while it was called" in graded["exits", "join_heads"][1]
    assert graded["exits", "embed"][1].startswith("Odd")
    assert "more than 500,000 values" in graded["exits", "mlp"][1]


def test_every_answer_is_right_over_the_pipe_and_what_is_not_answered_is_not_tried(graded):
    assert tried(graded, "all") == dict.fromkeys(names(), PASSED)
    assert ("all", "") not in graded and ("untouched", "") not in graded
    assert tried(graded, "untouched") == {}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_a_wrong_answer_is_told_what_check_says(graded, name, monkeypatch):
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(IMPORTS, vars(main))
    text, file = WRONG_ANSWERS[name], f"<ipython-input-{name}>"
    monkeypatch.setitem(linecache.cache, file, (len(text), None, text.splitlines(True), file))
    exec(compile(text, file, "exec"), vars(main))
    verdict = judge(name, vars(main)[name])
    assert graded["wrong", name] == (verdict.state, str(verdict).partition(": ")[2])
    assert verdict.state in (WRONG, RAISED)


# --- attacks --------------------------------------------------------------------------------------


def test_no_mark_is_had_without_an_answer(graded):
    assert tried(graded, "attack the answers") == {"causal_mask": grading.ERROR}
    assert "answers can't be read while" in graded["attack the answers", "causal_mask"][1]
    assert (
        "look at cell 1, 2, 3, 4, 5, 6, 7, 9, 10: it asks for"
        in graded["attack the answers", ""][1]
    )
    assert set(tried(graded, "attack the judge").values()) == {WRONG}
    assert "Equal." in graded["attack the judge", "decays"][1]
    assert PASSED not in tried(graded, "attack the pipe").values()


def test_the_notebook_s_process_changes_nothing_outside_its_folder(graded):
    assert tried(graded, "attack the process") == {"causal_mask": PASSED}


@pytest.mark.skipif(landlock._version() < 1, reason="a system without Landlock")
def test_what_gets_around_the_fence_is_stopped_by_linux(graded):
    assert tried(graded, "attack the wall") == {"causal_mask": PASSED}


# --- odd files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["good", "bom", "'=1+1", "odd cells", "folder.ipynb/inner"])
def test_an_odd_file_costs_nobody_a_mark(graded, name):
    assert tried(graded, name) == {"causal_mask": PASSED}


@pytest.mark.parametrize(
    "name, words",
    [
        ("no json", "its text is not JSON"),
        ("empty", "the file is empty"),
        ("a list", "no object with cells"),
        ("no cells", "no list of cells"),
        ("deep", "recursion"),
        ("latin", "can't decode byte 0xe9"),
        ("large", "200 MiB, and at most 100 are read"),
        ("folder", "a folder, no notebook"),
        *(
            pytest.param(*one, marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux's"))
            for one in [
                ("dangling", "links are not followed"),
                ("linked", "put the file itself there"),
                ("elsewhere", "links are not followed"),
                ("pipe", "it is no file"),
            ]
        ),
    ],
)
def test_what_is_no_notebook_gets_a_sentence(graded, name, words):
    state, says = graded[name, ""]
    assert state == grading.ERROR and words in says
    assert ("._good", "") not in graded


@pytest.mark.skipif(sys.platform != "linux", reason="names are texts on other systems")
def test_odd_names_are_shown_with_replacement_signs_and_stay_apart(graded):
    shown = {name for name, _ in graded if "\ufffd" in name or "new" in name}
    assert shown == {"\ufffd\ufffd", "\ufffd\ufffd.ipynb (2)", "new line  [31m"}
    assert all(tried(graded, name) == {"causal_mask": PASSED} for name in shown)


def test_what_is_asked_for_in_vain_is_named(tmp_path):
    with pytest.raises(ValueError, match="no notebook"):
        grading.grade(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        grading.grade(tmp_path / "none")
    submit(tmp_path, "one", "1")
    with pytest.raises(ValueError, match="it is a file: give the folder"):
        grading.grade(tmp_path / "one.ipynb")
    with pytest.raises(ValueError, match="workers=-3: at least one"):
        grading.grade(tmp_path, workers=-3)
    with pytest.raises(ValueError, match="seconds=0: a notebook needs some"):
        grading.grade(tmp_path, seconds=0)


# --- what comes out ---------------------------------------------------------------------------------


def test_what_is_done_stays_when_the_command_is_ended(tmp_path, monkeypatch, capsys):
    done = grading.Mark("ada.ipynb", "causal_mask", PASSED, "right")

    def each(*_, **__):
        yield [done]
        assert "ada.ipynb,causal_mask" in (tmp_path / "grades.csv").read_text("utf-8-sig")
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grade_each", each)
    with pytest.raises(KeyboardInterrupt):
        command.main([".", "--out", str(tmp_path)])
    assert "ada.ipynb,causal_mask" in (tmp_path / "grades.csv").read_text("utf-8-sig")
    assert "ada.ipynb" in (tmp_path / "grades.html").read_text("utf-8")


def test_a_worker_that_ends_costs_one_notebook_and_is_started_again(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        submit(tmp_path, name, "1")
    ends = "import sys; sys.stdin.readline(); sys.exit('no memory left')"
    works = 'import sys; sys.stdin.readline(); print(\'["linear", "passed", "right"]\\nnull\')'
    programs = iter(
        [ends, works, works]
    )  # the second ends too late to be the third notebook's fault

    def start():
        command = [sys.executable, "-S", "-c", next(programs)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, encoding="utf-8", **pipes)

    monkeypatch.setattr(grading, "_start", start)
    first, second, third = grading.grade(tmp_path, workers=1)
    assert first.state == grading.ERROR and "no memory left" in first.says
    assert (second.notebook, second.state) == ("b.ipynb", PASSED)
    assert (third.notebook, third.state) == ("c.ipynb", PASSED)


@pytest.mark.part("exercises")
def test_processes_that_are_not_forked_give_the_same_marks(tmp_path, monkeypatch):
    """As on macOS and Windows, where the other tests run so."""
    submit(
        tmp_path,
        "a",
        "import torch, os",
        MASK,
        "os._exit(1)",
        JOIN,
        FOLDER_OF_ANSWERS + f"open({ANSWER})",
    )
    monkeypatch.setattr(grading, "METHOD", "spawn")
    states = {one.exercise: one.state for one in grading.grade(tmp_path) if one.state != UNTRIED}
    assert states == {"": grading.REMARK, "causal_mask": PASSED, "join_heads": PASSED}
