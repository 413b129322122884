"""What learners are told stands once: in the tables of words, not in scripts and not in Python."""

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from moving import all_pictures

from nbutils import words
from nbutils.figures.moving.window import Window

ROOT = Path(__file__).parents[1]
MOVING = ROOT / "nbutils/figures/moving"
TABLES = {path.stem: path for path in (words.FOLDER / "en/pictures").glob("*.json")}
PICTURES = sorted(name for name in TABLES if (MOVING / f"{name}.py").exists())
LITERAL = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`""")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", re.S)
HOLE = re.compile(r"\$\{([^{}]*)\}")
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


def test_the_language_is_the_environment_s_and_else_english(monkeypatch):
    for chosen in ("en", "", None):
        monkeypatch.setenv("NBUTILS_LANG", chosen or "")
        if chosen is None:
            monkeypatch.delenv("NBUTILS_LANG")
        assert words.language() == "en"
    monkeypatch.setenv("NBUTILS_LANG", "xx")
    with pytest.raises(ValueError, match="NBUTILS_LANG='xx' must be one of en, ko, or not set"):
        words.language()


def test_a_picture_speaks_the_language(monkeypatch, tmp_path):
    shutil.copytree(words.FOLDER / "en", tmp_path / "xx")
    table = tmp_path / "xx/pictures/window.json"
    table.write_text(table.read_text("utf-8").replace("A window", "XX"), "utf-8")
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    monkeypatch.setenv("NBUTILS_LANG", "xx")
    assert Window.wording()["title"].startswith("XX")


# smallworld's sentences are the corpus, not the course's words.
SCRIPTS = sorted(
    path
    for path in [*MOVING.glob("*.js"), *MOVING.glob("engine/*.js")]
    if path.stem != "smallworld"
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_holds_a_sentence(path):
    held = list(literals(COMMENT.sub("", path.read_text("utf-8"))))
    assert [literal for literal in held if SENTENCE.search(literal[1:-1])] == []


def literals(code: str) -> Iterator[str]:
    """Each text in a script; the code in a template's holes is none, but may have some."""
    for literal in LITERAL.findall(code):
        yield HOLE.sub("${}", literal)
        for hole in HOLE.findall(literal):
            yield from literals(hole)


def test_a_sentence_in_a_template_is_found_and_code_in_its_holes_is_none():
    assert list(literals('`give {a} ${of.join("; ")}`')) == ["`give {a} ${}`", '"; "']
    assert '"It is so."' in list(literals('f(`a ${b ? "It is so." : c}`)'))


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


# Where the code says a word: words.key, words[… "key" …], self.say("key" …).
SAID = re.compile(r'\bwords\.(\w+)|_words(?:"\)|\?)?\.(\w+)')
LOOKED_UP = re.compile(r"\b_?words\[([^\]]*)\]|\bself\.say\(([^,)]*)")
# Words that are looked up by a name that the code computes or has in a list.
BY_NAME = {
    "counter": "layers width heads vocabulary context tokens positions attention mlp norms head",
    "failures": "noNumber diverges tooFast shortWindow noPositions tooNarrow tooFew",
    "formula": "up down stay",
    "map": "a b c",
    "train": "layers width rate seconds window unknownWord unknownSign said memory worker broken",
    "transformer": "embedded attention_normed q k v scores weights heads attention_answer "
    "after_attention mlp_normed mlp_answer after_mlp final_normed logits probabilities",
    "weights": "token position projection mlp head",
}


def said(code: str) -> set[str]:
    """The keys of words that the code names where it says them."""
    named = {found[1] or found[2] for found in SAID.finditer(code)}
    places = [found[1] or found[2] or "" for found in LOOKED_UP.finditer(code)]
    return named | {key for place in places for key in re.findall(r"[\"'](\w+)[\"']", place)}


@pytest.mark.parametrize("name", TABLES)
def test_every_key_is_used(name):
    where = [MOVING / f"{name}.js", MOVING / f"{name}.py"]
    where += [MOVING / "shared.js", MOVING / "planning.js", *MOVING.glob(f"{name}_*.js")]
    if name == "train":
        where += MOVING.glob("engine/*.js")  # they refuse by a key of its words
    if name not in PICTURES:  # what all pictures say, or several
        where = [*MOVING.glob("*.js"), MOVING / "picture.py", ROOT / "book/assets/pictures.js"]
    code = "".join(path.read_text("utf-8") for path in where)
    by_name = BY_NAME.get(name, "").split()
    used = said(code)
    assert [key for key in words.table(f"pictures/{name}", "en") if key not in used] == by_name
    assert all(re.search(rf'"{key}"|\b{key}: ', code) for key in by_name)


def test_a_string_that_is_no_word_uses_no_key():
    code = 'box.className = "label"; fill(words.one, {}); words[a ? "b" : c]; self.say("d", e="f")'
    assert said(code) == {"one", "b", "d"}


def told(name: str):
    """Every single piece of words of a table, and its key."""
    for key, value in words.table(f"pictures/{name}", "en").items():
        for one in [value] if isinstance(value, str) else value:
            yield key, one


def test_no_sentence_stands_in_two_tables():
    where = {}
    for name in TABLES:
        for key, one in told(name):
            if len(one.split()) > 3:
                where.setdefault(one, []).append(f"{name}.{key}")
    assert {one: places for one, places in where.items() if len(places) > 1} == {}


@pytest.mark.parametrize("moving", all_pictures(), ids=str)
def test_no_picture_s_word_hides_another(moving):
    """Those of every picture, of its parts, and its own stand in one table."""
    picture = type(moving.make())
    tables = ["common", *picture.parts, Path(picture.script).stem]
    keys = [key for name in tables for key in words.table(f"pictures/{name}", "en")]
    assert len(keys) == len(set(keys)) == len(picture.wording())


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
