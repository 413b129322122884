"""What learners are told stands once: in the tables of words, not in scripts and not in Python."""

import ast
import json
import re
from pathlib import Path

import pytest

from nbutils import words

ROOT = Path(__file__).parents[1]
MOVING = ROOT / "nbutils/figures/moving"
TABLES = {path.stem: path for path in (words.FOLDER / "en/pictures").glob("*.json")}
PICTURES = sorted(TABLES.keys() - {"common"})
LITERAL = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`""")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", re.S)
# A capital letter or a sentence's end, and a space between words: no list of CSS classes has both.
SENTENCE = re.compile(r"^[^A-Za-z]*[A-Z][a-z]* [a-z]|[a-z}] [a-z{][^:;]*[a-z}][.?!…]")


def test_place_holders_are_filled():
    assert words.fill("{a} and {b_2}, {a}", a=1, b_2="{a}") == "1 and {a}, 1"
    with pytest.raises(KeyError, match="b"):
        words.fill("{b}", a=1)


def test_an_area_or_a_language_without_words_is_named():
    for area, language in (("pictures/chair", "en"), ("pictures/window", "xx")):
        with pytest.raises(ValueError, match=f"area='{area}' in language='{language}'"):
            words.table(area, language)


# smallworld's sentences are the corpus, not the course's words.
SCRIPTS = sorted(path for path in MOVING.glob("*.js") if path.stem != "smallworld")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_holds_a_sentence(path):
    held = LITERAL.findall(COMMENT.sub("", path.read_text("utf-8")))
    assert [literal for literal in held if SENTENCE.search(literal[1:-1])] == []


@pytest.mark.parametrize(
    "literal, found",
    [
        ("This picture can't be drawn:", True),
        ("after {step} of {steps} updates.", True),
        ("Type one", True),
        ("controls wide", False),
        ("background: var(--tint); color: #111", False),
        ("ABC", False),
        ("Enter", False),
    ],
)
def test_the_check_of_scripts_knows_a_sentence(literal, found):
    assert bool(SENTENCE.search(literal)) == found


@pytest.mark.parametrize("name", TABLES)
def test_every_key_is_used(name):
    where = [MOVING / f"{name}.js", MOVING / f"{name}.py", MOVING / "shared.js"]
    if name == "common":
        where = [*MOVING.glob("*.js"), ROOT / "book/assets/pictures.js"]
    code = "".join(path.read_text("utf-8") for path in where)
    unused = [
        key
        for key in words.table(f"pictures/{name}")
        if not re.search(rf'\b_?words\.{key}\b|"_words"\)\.{key}\b|"{key}"', code)
    ]
    assert unused == []


def told(name: str):
    """Every single piece of words of a table, and its key."""
    for key, value in words.table(f"pictures/{name}").items():
        for one in [value] if isinstance(value, str) else value:
            yield key, one


def test_no_sentence_stands_in_two_tables():
    where = {}
    for name in TABLES:
        for key, one in told(name):
            if len(one.split()) > 3:
                where.setdefault(one, []).append(f"{name}.{key}")
    assert {one: places for one, places in where.items() if len(places) > 1} == {}


@pytest.mark.parametrize("name", PICTURES)
def test_no_picture_hides_a_common_word(name):
    assert not words.table("pictures/common").keys() & words.table(f"pictures/{name}").keys()


def strings(path: Path) -> list[str]:
    """The strings in a module's code: neither docstrings nor what is said to who calls it wrongly."""
    tree = ast.parse(path.read_text("utf-8"))
    left_out = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.Expr)
        and not isinstance(getattr(node, "value", 0), ast.Call)
        for inner in ast.walk(node)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in left_out
    ]


@pytest.mark.parametrize("name", PICTURES)
def test_python_says_it_with_the_same_words(name):
    """No piece of three words that a table has stands in the picture's module again."""
    pieces = [piece.strip() for _, one in told(name) for piece in re.split(r"\{\w+\}", one)]
    pieces = [piece for piece in pieces if len(piece.split()) >= 3]
    own = strings(MOVING / f"{name}.py")
    assert [piece for piece in pieces if any(piece in one for one in own)] == []


def test_tables_are_written_as_one_writes_them():
    for path in TABLES.values():
        table = json.loads(path.read_text("utf-8"))
        assert path.read_text("utf-8") == json.dumps(table, indent=1, ensure_ascii=False) + "\n"
