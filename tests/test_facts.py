"""book/facts.json: each fact has one cell, whose mutants fail; nbval runs these: notebooks/conftest.py."""

import json

import pytest

from authoring import facts

NOTEBOOKS = facts.FACTS.parents[1] / "notebooks"


@pytest.fixture(scope="module")
def tagged() -> dict[str, str]:
    """The source of each cell with the tag, by ``notebook#id``."""
    found = {}
    for path in NOTEBOOKS.rglob("[0-9]*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if facts.TAG in cell["metadata"].get("tags", []):
                found[f"{path.stem}#{cell['id']}"] = "".join(cell["source"])
    return found


def test_each_fact_has_one_cell_and_each_such_cell_a_fact(tagged):
    rows = facts.facts()
    assert sorted(row["name"] for row in rows) == sorted(tagged)
    assert all(set(row) == {"fact", "where", "name"} for row in rows)
    assert len({row["fact"] for row in rows}) == len(rows) > 20


def test_each_fact_asserts_something_that_can_be_changed(tagged):
    assert [name for name, source in tagged.items() if not facts.mutants(source)] == []


@pytest.mark.parametrize(
    "assertion, mutants",
    [
        ("assert a == [1, 'b']", ["assert a == [2, 'b']", "assert a == [1, 'b?']"]),
        ("assert 2 * 3 == n == 6", ["assert 3 * 3 == n == 6", "assert 2 * 4 == n == 6", "assert 2 * 3 == n == 7"]),
        ("assert 0 < f(7)[3] <= 0.5", ["assert 1 < f(7)[3] <= 0.5", "assert 0 < f(7)[3] <= 0.05"]),
        ("assert -0.5 > x >= -2", ["assert -5.0 > x >= -2", "assert -0.5 > x >= -0.2"]),
        ("n == 5\nassert n == 5 * m and x < y", []),
        ("for x in y:\n    close.assert_close(f(x), g(x), atol=1)", ["close.assert_close(f(x), g(x) + 1, atol=1)"]),
    ],
)  # fmt: skip
def test_one_value_after_the_other_is_changed(assertion, mutants):
    assert sorted(facts.mutants(assertion)) == sorted(mutants)


@pytest.mark.parametrize(
    "cell, lets_pass",
    [
        ("n, x = 5, 0.2\nassert n == 5 and 0.1 < x < 0.5 and math.isclose(x, x)", None),
        ("x = 0.001\nassert abs(x) < 0.05", "assert abs(x) < 0.005"),
        ("x = 3\nassert not math.isclose(x, 5)", "assert not math.isclose(x, 5 + 1)"),
    ],
)
def test_a_cell_that_asserts_too_little_is_told(cell, lets_pass):
    program = f"import math\n{cell}\n{facts.mutation_test(cell)}"
    if lets_pass is None:
        exec(program, {})
        return
    with pytest.raises(AssertionError) as told:
        exec(program, {})
    assert str(told.value) == f"this holds as well, so the cell asserts too little: {lets_pass}"
