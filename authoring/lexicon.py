"""The words of smallworld: which part each plays, how often it comes, and in which sentence.

The parts of most nouns and names are the package's own tables. ``book/smallworld.json`` has the ``words`` that no table
names, by their part, and of words with several ``uses`` which one stands where: by what follows, the first that fits.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from authoring.catalogues import Unit
from authoring.site import ROOT
from nbutils import smallworld

FILE = ROOT / "book" / "smallworld.json"
CATALOGUE = "smallworld"  # the words' meanings in another language
DOCUMENTS = 10_000  # the rarest word comes in one of 200
NAMES = ("people", "pets", "countries", "capitals", "languages", "landmarks")
MEANINGS = "meanings"  # the part of the words that have two
ANIMALS = ("an animal", "a bird")
SENTENCE = re.compile(r"[^.?\s][^.?]*[.?]")
SENSE = re.compile(r" This (\w+) is ([^.]+)\.$")  # how a scene with such a word ends


class Entry(NamedTuple):
    """A word, or a name of several, as it stands inside a sentence: its part, and of several uses which."""

    part: str
    word: str
    use: str = ""


class Found(NamedTuple):
    """How often an entry comes in the first `DOCUMENTS`, and where it stands in the sentence that has it most often."""

    times: int
    sentence: str
    begin: int
    end: int


@cache
def given() -> dict[str, dict]:
    """What ``book/smallworld.json`` says."""
    return json.loads(FILE.read_text("utf-8"))


def of_tables() -> dict[str, list[str]]:
    """The words that the package's tables name, by their part; one may have several parts, the first is its own."""
    families, countries = smallworld.FAMILIES, smallworld.COUNTRIES
    works = [work for f in families for work in (f.mothers_work, f.fathers_work)]
    played = [
        play.removeprefix("the ") for f in families for play in (f.daughter_plays, f.son_plays)
    ]
    homes, treasures = (
        [word for words in table.values() for word in words]
        for table in (smallworld.HOMES, smallworld.TREASURES)
    )
    seen_at = [place.split()[-1] for sense in smallworld.SENSES for place in sense.places]
    animals = [word for word, kind in smallworld.KINDS.items() if kind in ANIMALS]
    return {
        "people": [person.name for person in smallworld.PEOPLE],
        "pets": [name for f in families for name in (f.daughters_pet_name, f.sons_pet_name)],
        "countries": [c.country for c in countries],
        "capitals": [c.capital for c in countries],
        "languages": [c.language for c in countries],
        "landmarks": [c.bare_landmark for c in countries],
        "food": [c.food for c in countries],
        "animals": animals,
        "who": [*(f.word for f in smallworld.FIGURES), *smallworld.KINDS, *works],
        "places": [*smallworld.PLACES, *homes, *smallworld.BUILDINGS, *seen_at],
        "things": [*smallworld.THINGS, *smallworld.COUNTED, *treasures, *smallworld.CLOTHES, *played],
        "materials": [c.material for c in countries],
        "nature": [],
        "ideas": [],
        "colours": [*smallworld.COLOURS],
        "numbers": smallworld.NUMBERS[1:],  # no document says zero
        "times": [*smallworld.TIMES, *smallworld.DAYTIMES],
        "verbs": [],
        "describing": [],
        "grammar": [],
    }  # fmt: skip


@cache
def parts() -> dict[str, list[Entry]]:
    """Every entry once, by its part; those with two meanings, of which the package tells, are one."""
    made = {MEANINGS: [Entry(MEANINGS, sense.word, sense.kind) for sense in smallworld.SENSES]}
    known = {entry.word for entry in made[MEANINGS]}
    for part, words in of_tables().items():
        new = [
            w for w in dict.fromkeys([*words, *given()["words"].get(part, ())]) if w not in known
        ]
        known.update(new)
        made[part] = [
            Entry(part, word, use) for word in new for use in given()["uses"].get(word, [""])
        ]
    return made


def entries() -> list[Entry]:
    return [entry for part in parts().values() for entry in part]


def units() -> list[Unit]:
    """What a translation has to say: each entry's meaning."""
    return [unit(entry) for entry in entries()]


def unit(entry: Entry) -> Unit:
    return Unit(": ".join(filter(None, (entry.part, entry.use))), entry.word)


@cache
def pattern() -> re.Pattern:
    """Words, and before them what has several."""
    several = [entry.word for entry in entries() if " " in entry.word]
    return re.compile("|".join([*map(re.escape, several), "[A-Za-z]+"]))


def said_in(sentence: str, kind: str) -> Iterator[tuple[Entry, int, int]]:
    """The entries that a sentence says, in order: where each begins and ends.

    kind: which meaning the scene has, where it is one of a word with two. Raises ValueError for a word without a part.
    """
    for found in pattern().finditer(sentence):
        word = found[0] if found[0] in by_word() else found[0].lower()
        for entry, follows in by_word().get(word, ()):
            if (
                entry.use == kind
                if entry.part == MEANINGS
                else follows.match(sentence, found.end())
            ):
                yield entry, *found.span()
                break
        else:
            raise ValueError(
                f"smallworld says {found[0]!r} in {sentence!r}: give it a part in {FILE}"
            )


@cache
def by_word() -> dict[str, list[tuple[Entry, re.Pattern]]]:
    """A word's entries, each with what follows it there."""
    made = {}
    for entry in entries():
        follows = given()["uses"].get(entry.word, {}).get(entry.use, "")
        made.setdefault(entry.word, []).append((entry, re.compile(follows)))
    return made


def sentences(n_documents: int, seed: int = 0) -> Counter:
    """How often documents say each sentence, with the meaning that its scene has, or ""."""
    said = Counter()
    for document in smallworld.generate(n_documents, seed):
        for scene in document.split("\n"):
            sense = SENSE.search(scene)
            said.update((one, sense[2] if sense else "") for one in SENTENCE.findall(scene))
    return said


@cache
def found() -> dict[Entry, Found]:
    """Every entry with what the first `DOCUMENTS` say of it. Raises ValueError where one is never said, or lacks."""
    times, example = Counter(), {}
    said = sentences(DOCUMENTS)
    for sentence, kind in sorted(said, key=lambda one: (-said[one], len(one[0]), one)):
        for entry, begin, end in said_in(sentence, kind):
            times[entry] += said[sentence, kind]
            example.setdefault(entry, (sentence, begin, end))
    if never := [entry for entry in entries() if entry not in times]:
        raise ValueError(f"smallworld never says {never}: take it out of {FILE}")
    return {entry: Found(times[entry], *example[entry]) for entry in entries()}


def counts() -> tuple[int, int]:
    """How many words there are that are no name, and how many that are a name's."""
    words = {(word, entry.part in NAMES) for entry in entries() for word in entry.word.split()}
    named = {word for word, name in words if name and word[0].isupper()}
    return len({word for word, _ in words} - named), len(named)
