"""Questions that a learner answers before reading on, as a notebook's Markdown holds them.

A cell with a question stands straight before the code cell that answers it. `CONTRIBUTING.md` shows the four kinds; all
of them begin with "Predict first." and keep their answer in ``<details>``, so that a notebook without the page still
shows them well. The page (``book/scripts/predictions.js``) makes each a question to act on.

The words that make a kind ("Type a number", "Not B") stand in ``nbutils/words``: a translated notebook has others.
"""

import re
from dataclasses import dataclass, field

from nbutils import words

AREA = "pages/predictions"
CHOICE = re.compile(r"^[-*] \*\*([A-Z])\.\*\* +\S", re.M)
DETAILS = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.S)
NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


class BadPrediction(ValueError):
    """A question that the page could not ask."""


@dataclass(frozen=True)
class Question:
    """What the page needs beside the texts.

    kind: ``choice``, ``number``, ``word`` or ``sentence``. right: a letter, a number, the words that are right, or
    None. within: how far off a number may be, as a ``share`` of it, a ``factor`` or the difference ``off``. wrong:
    the choices, numbers or words that have a sentence of their own. percent: whether a number is a share in %, so that
    1/4 means 25.
    """

    kind: str
    right: str | float | tuple[str, ...] | None = None
    within: dict[str, float] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    percent: bool = False

    def page(self) -> dict:
        """What the page gets: what it can't see in its texts."""
        return {
            name: value
            for name, value in (
                ("kind", self.kind),
                ("right", self.right),
                ("within", self.within),
                ("percent", self.percent),
            )
            if value is not False and value not in (None, {})
        }


def is_question(markdown: str, language: str = "en") -> bool:
    """Whether a cell asks for a prediction."""
    return f"**{words.table(AREA, language)['predict']}**" in markdown


def read(markdown: str, language: str = "en") -> Question:
    """The question in a cell. Raises BadPrediction that says what its Markdown lacks."""
    told = words.table(AREA, language)
    asked, answer = parts(markdown, told)
    wrong = tuple(re.findall(rf"^- \*+{pattern(told['not'], said='([^*]+?)')}\*+:", answer, re.M))
    if letters := CHOICE.findall(asked):
        return choices(letters, answer, wrong)
    last = asked.strip().rpartition("\n\n")[2]
    if last.startswith(f"*{told['type_number']}"):
        right = number(first_bold(answer))
        percent = "%" in last.partition(";")[0]
        return Question("number", right, within(last.strip("*"), told), wrong, percent)
    if last.startswith(f"*{told['type']}"):
        return Question("word", tuple(words_of(answer, told)), wrong=wrong)
    if last.startswith(f"*{told['write']}"):
        return Question("sentence")
    raise BadPrediction(
        f"a question has choices (- **A.** ...), or ends in *{told['type_number']}.*, *{told['type']}word.* or "
        f"*{told['write']}.*; this one ends in {last[-60:]!r}"
    )


def parts(markdown: str, told) -> tuple[str, str]:
    """The Markdown from the question's first word to its answer, and the answer's."""
    asked = markdown.partition(f"**{told['predict']}**")[2]
    found = DETAILS.findall(asked)
    if len(found) != 1 or found[0][0] != told["answer"]:
        raise BadPrediction(
            f"a question has one answer, in <details><summary>{told['answer']}</summary>; this has {len(found)}"
        )
    return DETAILS.split(asked)[0], found[0][1].strip()


def pattern(phrase: str, **groups: str) -> str:
    """A regular expression for a phrase, with groups for its place-holders.

    ``이/가`` in a phrase is either: which of the two depends on the sound before it.
    """
    made = re.escape(phrase).replace("이/가", "[이가]")
    for name, group in groups.items():
        made = made.replace(re.escape(f"{{{name}}}"), group)
    return made


def choices(letters: list[str], answer: str, wrong: tuple[str, ...]) -> Question:
    expected = [chr(ord("A") + i) for i in range(len(letters))]
    if letters != expected or not 2 <= len(letters) <= 4:
        raise BadPrediction(f"two to four choices are A, B and so on; these are {letters}")
    right = first_bold(answer).rstrip(".")
    if right not in letters:
        raise BadPrediction(f"the answer begins with **{right}**, which is none of the choices")
    if sorted(wrong) != [letter for letter in letters if letter != right]:
        raise BadPrediction(
            f"each wrong choice has its own sentence (- *Not A*: ...); these have one: {sorted(wrong)}"
        )
    return Question("choice", right, wrong=wrong)


def first_bold(answer: str) -> str:
    """What an answer begins with, in bold: what is right."""
    found = re.match(r"\*\*(.+?)\*\*", answer)
    if not found:
        raise BadPrediction(
            f"an answer begins with what is right, in bold; this with {answer[:40]!r}"
        )
    return found[1]


def number(text: str) -> float:
    """The first number in a text: 33,554,432, 2.9, 12 %, -0.5, 1e6."""
    found = NUMBER.search(text)
    if not found:
        raise BadPrediction(f"the answer begins with **{text}**, in which there is no number")
    plain = found[0].replace(",", "").replace("\N{MINUS SIGN}", "-")
    value = float(plain)
    return int(value) if value.is_integer() else value


def within(line: str, told) -> dict[str, float]:
    """How far off a number may be: of *Type a number; within 10 % is right.* a share of 0.1."""
    allowed = line.partition(";")[2].strip().rstrip(".")
    if not allowed:
        return {}
    for name, scale in (("share", 0.01), ("factor", 1), ("off", 1)):
        found = re.fullmatch(pattern(told[f"within_{name}"], n=r"([\d.]+)"), allowed)
        if found:
            return {name: float(found[1]) * scale}
    raise BadPrediction(f"how far off a number may be is not understood: {allowed!r}")


def words_of(answer: str, told) -> list[str]:
    """The words that are right, without the signs of code: of **`Post`** or **post** both."""
    joined = rf"\s+{re.escape(told['or'])}\s+"
    first = re.match(rf"\*\*.+?\*\*(?:{joined}\*\*.+?\*\*)*", answer)
    if not first:
        first_bold(answer)  # which says so
    found = re.findall(r"\*\*(.+?)\*\*", first[0])
    return [re.sub(r"^`(.+)`\.?$|^(.*?)\.?$", r"\1\2", word) for word in found]
