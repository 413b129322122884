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
HANGUL = re.compile("[가-힣]")
# What may hang on a Korean word and leaves it that word, particles and the forms of "is": 토큰 stands in 토큰은, not in
# 토큰화.
PARTICLES = (
    "은|는|이|가|을|를|의|에|에서|에게|로|으로|과|와|도|만|마다|부터|까지|처럼|보다|씩|들|인|이나|나|이란|란|라는|이라는|라고|이라고"
    "|입니다|이고|이며|이자|에는|에서는|에도|으로는|로는|과는|와는|만큼|뿐|들은|들이|들을|들의"
)


@cache
def entries() -> list[tuple[list[str], str]]:
    """The glossary's entries: the words of each, and what it says of them."""
    listed = GLOSSARY.read_text("utf-8").partition("```{glossary}\n:sorted:\n")[2]
    found = []
    for entry in listed.partition("```")[0].strip("\n").split("\n\n"):
        lines = entry.split("\n")
        said = " ".join(line.strip() for line in lines if line.startswith(" "))
        found.append(([line for line in lines if not line.startswith(" ")], said))
    return found


@cache
def sentences() -> dict[str, str]:
    """Each term with its entry's first sentence, as plain text; the first words of an entry come first."""
    return {head: sentence(said) for heads, said in entries() for head in heads}


def sentence(definition: str) -> str:
    """The first sentence of an entry without formulas and marks; the first two where it is very short."""
    plain = re.sub(r"(: )?\$[^$]+\$(: )?", " ", definition)
    plain = re.sub(r"[*`]", "", re.sub(r"\s+(?=[.,;:])|\s+(?=\s)", "", plain)).strip()
    parts = re.split(r"(?<=\.) (?=[A-Z(가-힣])", plain)
    many = 2 if len(parts[0]) < LEAST else 1
    told = " ".join(parts[:many])
    return told[0].upper() + told[1:]


@cache
def pattern() -> re.Pattern:
    """Any term as a whole word, the longest first; a capital may begin it, and it may stand for several."""
    return re.compile(
        "|".join(forms(term) for term in sorted(sentences(), key=len, reverse=True)).join(
            (r"(?<![\w-])(?:", r")(?![A-Za-z0-9_-])")
        )
    )


def forms(term: str) -> str:
    """A regular expression for a term's forms: query, Query, queries."""
    if HANGUL.search(term):
        return rf"{re.escape(term)}(?=(?:{PARTICLES})?(?!\w))"
    first = f"[{term[0].upper()}{term[0]}]" if term[0].islower() else re.escape(term[0])
    if term.endswith("y") and term[-2] not in "aeiou":
        return f"{first}{re.escape(term[1:-1])}(?:y|ies)"
    return f"{first}{re.escape(term[1:])}" + ("" if term.endswith("s") else "(?:s|es)?")


@cache
def named() -> dict[str, str]:
    """The glossary's own spelling of each form that is not just its plural."""
    return {term.lower(): term for term in sentences()}


@cache
def latin() -> dict[str, str]:
    """For each Korean word of the glossary the English one of its entry, by which its place is named."""
    return {
        head: next(other for other in heads if not HANGUL.search(other))
        for heads, _ in entries()
        for head in heads
        if HANGUL.search(head)
    }


def term_of(form: str) -> str:
    """The term that a form is of."""
    low = form.lower()
    for candidate in (low, low.removesuffix("s"), low.removesuffix("es"), re.sub("ies$", "y", low)):
        if candidate in named():
            return named()[candidate]
    raise KeyError(form)


@cache
def everyday() -> dict[str, dict[str, list[str]]]:
    """The rules, each for all words of the entry: in another language for that language's word, too."""
    rules = json.loads(EVERYDAY.read_text("utf-8"))
    return {
        head: rules[known]
        for heads, _ in entries()
        for known in heads
        if known in rules
        for head in heads
    }


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
        term = latin().get(term_of(match[0]), term_of(match[0]))
        around = text[max(0, match.start() - 20) : match.end() + 20]
        if meant(term, page, paragraph, around):
            found.append((match.start(), match.end(), term))
    return found
