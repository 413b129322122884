"""The people of the small world, and what is true of each in every document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .choices import Choice
from .tables import FAMILIES, FEMALE, MALE, Family, Gender


@dataclass(frozen=True, eq=False)
class Person:
    """Of one family, with the facts that scenes tell."""

    name: str
    gender: Gender
    word: str
    facts: Choice  # sentences that are true of this person in every document

    def __str__(self) -> str:
        return self.name


def _person(name: str, gender: Gender, word: str, facts: Mapping[str, str]) -> Person:
    """``facts`` maps sentences to the questions that they answer, with He, he and His, his."""
    texts = {s.format(**vars(gender)): q.format(**vars(gender)) for s, q in facts.items()}
    pairs = [(sentence, (sentence, question)) for sentence, question in texts.items()]
    return Person(name, gender, word, Choice(*zip(*pairs)))


def _relative(kind: str, name: str) -> dict[str, str]:
    return {f" {{His}} {kind} is {name}.": f" Who is {{his}} {kind}?"}


def _child(name: str, family: Family) -> Person:
    girl = name == family.daughter
    pet, pet_name, plays = (
        (family.daughters_pet, family.daughters_pet_name, family.daughter_plays)
        if girl
        else (family.sons_pet, family.sons_pet_name, family.son_plays)
    )
    facts = {
        **(_relative("brother", family.son) if girl else _relative("sister", family.daughter)),
        **_relative("mother", family.mother),
        **_relative("father", family.father),
        f" {{His}} {pet} is called {pet_name}.": f" What is {{his}} {pet} called?",
        f" {{He}} plays {plays}.": " What does {he} play?",
    }
    return _person(name, FEMALE if girl else MALE, "girl" if girl else "boy", facts)


def _parent(name: str, family: Family) -> Person:
    woman = name == family.mother
    work = family.mothers_work if woman else family.fathers_work
    facts = {
        **(_relative("husband", family.father) if woman else _relative("wife", family.mother)),
        **_relative("daughter", family.daughter),
        **_relative("son", family.son),
        f" {{He}} works as a {work}.": " What is {his} work?",
    }
    return _person(name, FEMALE if woman else MALE, "woman" if woman else "man", facts)


PEOPLE = tuple(
    person
    for family in FAMILIES
    for person in (
        _child(family.daughter, family),
        _child(family.son, family),
        _parent(family.mother, family),
        _parent(family.father, family),
    )
)
