"""Budgets and parts: what is told of a slow file, and which tests wait for `make all`."""

import subprocess
import sys

import budgets
import pytest
from parts import PARTS


def test_a_file_above_its_budget_is_told_of_and_one_below_is_not(monkeypatch):
    monkeypatch.setattr(budgets, "BUDGETS", {"tests/a.py": 10, "tests/b.py": 10, "tests/c.py": 1})
    slow, fine, new, whole = budgets.lines(
        {"tests/a.py": 15.1, "tests/b.py": 14.9, "tests/d.py": 3.0}
    )
    assert slow == "    15.1 of    10  tests/a.py  OVER 1.5 TIMES ITS BUDGET"
    assert fine == "    14.9 of    10  tests/b.py" and new == "     3.0 of  none  tests/d.py"
    assert whole == "    33.0 of    20  in all"


def test_every_budget_is_of_a_file_that_there_is(root):
    assert budgets.BUDGETS
    assert [name for name in budgets.BUDGETS if not (root / name).exists()] == []


def test_all_budgets_together_fit_into_twenty_three_minutes_on_two_cores():
    assert sum(budgets.BUDGETS.values()) < 2 * 60 * 21  # and three minutes to install


def collected(folder, *options) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "parts",
        "--collect-only",
        *options,
        folder,
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    return done.stdout + done.stderr


def test_a_part_runs_what_is_marked_with_it_and_nothing_else(tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root / "tests"))
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "def test_always(): pass\n"
        "@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.part('pages'))])\n"
        "def test_some(n): pass\n",
        "utf-8",
    )
    assert "test_always" in collected(tmp_path) and "test_some[2]" not in collected(tmp_path)
    assert "test_some[2]" in collected(tmp_path, "--part", "pages")
    assert "test_always" not in collected(tmp_path, "--part", "pages")
    (tmp_path / "test_a.py").write_text(
        "import pytest\npytestmark = pytest.mark.part('page')\ndef test_a(): pass\n", "utf-8"
    )
    assert "is none of" in collected(tmp_path)


@pytest.mark.parametrize("part", PARTS)
def test_make_all_and_the_weekly_workflow_run_every_part(part, root):
    makefile = (root / "Makefile").read_text("utf-8")
    weekly = (root / ".github" / "workflows" / "weekly.yml").read_text("utf-8")
    assert part in makefile.partition("for part in ")[2].partition(";")[0].split()
    assert part in weekly.partition("part: [")[2].partition("]")[0].split(", ")
