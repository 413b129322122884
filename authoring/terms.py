"""The glossary's terms, each with the sentence that a page shows of it, and where a text says one.

``book/glossary.md`` has the terms. Some are everyday words, too: ``book/terms.json`` says on which ``pages`` such a
word has the glossary's meaning, ``beside`` which words of its paragraph, and in which phrases it has ``not``.
"""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "book" / "glossary.md"
EVERYDAY = ROOT / "book" / "terms.json"
LEAST = 30  # characters: a first sentence that is shorter says too little alone


@cache
def sentences() -> dict[str, str]:
    """Each term with its entry's first sentence, as plain text; the first words of an entry come first."""
    listed = GLOSSARY.read_text("utf-8").partition("```{glossary}\n:sorted:\n")[2]
    entries = listed.partition("```")[0].strip("\n").split("\n\n")
    found = {}
    for entry in entries:
        lines = entry.split("\n")
        told = sentence(" ".join(line.strip() for line in lines if line.startswith(" ")))
        found |= {line: told for line in lines if not line.startswith(" ")}
    return found


def sentence(definition: str) -> str:
    """The first sentence of an entry without formulas and marks; the first two where it is very short."""
    plain = re.sub(r"(: )?\$[^$]+\$(: )?", " ", definition)
    plain = re.sub(r"[*`]", "", re.sub(r"\s+(?=[.,;:])|\s+(?=\s)", "", plain)).strip()
    parts = re.split(r"(?<=\.) (?=[A-Z(])", plain)
    many = 2 if len(parts[0]) < LEAST else 1
    told = " ".join(parts[:many])
    return told[0].upper() + told[1:]


@cache
def pattern() -> re.Pattern:
    """Any term as a whole word, the longest first; a capital may begin it, and it may stand for several."""
    return re.compile(
        "|".join(forms(term) for term in sorted(sentences(), key=len, reverse=True)).join(
            (r"(?<![\w-])(?:", r")(?![\w-])")
        )
    )


def forms(term: str) -> str:
    """A regular expression for a term's forms: query, Query, queries."""
    first = f"[{term[0].upper()}{term[0]}]" if term[0].islower() else re.escape(term[0])
    if term.endswith("y") and term[-2] not in "aeiou":
        return f"{first}{re.escape(term[1:-1])}(?:y|ies)"
    return f"{first}{re.escape(term[1:])}" + ("" if term.endswith("s") else "(?:s|es)?")


@cache
def named() -> dict[str, str]:
    """The glossary's own spelling of each form that is not just its plural."""
    return {term.lower(): term for term in sentences()}


def term_of(form: str) -> str:
    """The term that a form is of."""
    low = form.lower()
    for candidate in (low, low.removesuffix("s"), low.removesuffix("es"), re.sub("ies$", "y", low)):
        if candidate in named():
            return named()[candidate]
    raise KeyError(form)


@cache
def everyday() -> dict[str, dict[str, list[str]]]:
    return json.loads(EVERYDAY.read_text("utf-8"))


def meant(term: str, page: str, paragraph: str, around: str) -> bool:
    """Whether a word has the glossary's meaning there. around: the word with those before and behind it."""
    rule = everyday().get(term, {})
    if "pages" in rule and page.rpartition("/")[2] not in rule["pages"]:
        return False
    if any(re.search(rf"\b{phrase}", around) for phrase in rule.get("not", ())):
        return False
    beside = rule.get("beside")
    return not beside or re.search(rf"\b(?:{'|'.join(beside)})\b", paragraph, re.I) is not None


def places(text: str, page: str, paragraph: str) -> list[tuple[int, int, str]]:
    """Where a text says terms in the glossary's meaning: begin, end and term."""
    found = []
    for match in pattern().finditer(text):
        term = term_of(match[0])
        around = text[max(0, match.start() - 20) : match.end() + 20]
        if meant(term, page, paragraph, around):
            found.append((match.start(), match.end(), term))
    return found
