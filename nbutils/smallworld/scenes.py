"""The scenes: plain functions that tell of the world, for a writer and a reader alike.

A scene gets the document, `doc` (a ``choices.Writer`` or ``choices.Reader``), and the words
that opened it, which are already said. Its own text must make certain whether it is over: most
scenes have a fixed number of sentences, the others a last one that can't be mistaken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from . import tables
from .choices import Choice, among, groups
from .people import PEOPLE, Person
from .tables import NUMBERS, Country, Figure, Gender

_PERSON = among(PEOPLE)
_PLACE = among(tables.PLACES)
_THING = among(tables.THINGS)
_COLOUR = among(tables.COLOURS)
_CLOTHES = among(tables.CLOTHES)


def _several(doc, sentences: Choice, n: int) -> list:
    """Say n of the sentences, no value twice; return the values."""
    said: list = []
    for _ in range(n):
        said.append(doc.choose(sentences.without(*said)))
    return said


def introduction(doc, opening: str) -> None:
    """A person, two facts, what they wear, and a question about one of these with its answer."""
    person = doc.choose(_PERSON)
    gender = person.gender
    doc.say(f". {gender.He} is a {person.word}.")
    facts = _several(doc, person.facts, 2)
    doc.say(f" Today {gender.he} wears a")
    colour = doc.choose(_COLOUR)
    clothes = doc.choose(_CLOTHES)
    doc.say(".")
    doc.say(doc.choose(_questions(gender, colour, clothes, *facts)))


@cache
def _questions(gender: Gender, colour: str, clothes: str, *facts: tuple[str, str]) -> Choice:
    return Choice(
        (
            f" What colour is {gender.his} {clothes}?",
            f" What does {gender.he} wear?",
            *(question for _, question in facts),
        ),
        (
            f" It is {colour}.",
            f" {gender.He} wears a {colour} {clothes}.",
            *(sentence for sentence, _ in facts),
        ),
    )


# The hero of a tale: a king or, told at once, a rich old king. The verb belongs to the option
# because " prince" alone would be the beginning of " princess".
_HERO = Choice(
    [f"{told}{f.word} lived" for f in tables.FIGURES for told in (" ", f" {f.wealth} {f.age} ")],
    [(f, described) for f in tables.FIGURES for described in (False, True)],
)
_HELPER = Choice((f" {figure.word} came" for figure in tables.FIGURES), tables.FIGURES)
_HOME = {wealth: among(homes) for wealth, homes in tables.HOMES.items()}
_TREASURE = {wealth: among(treasures) for wealth, treasures in tables.TREASURES.items()}
_FOUND = Choice((", and there it was.", ", but it was not there."), (True, False), (1, 4))


def tale(doc, opening: str) -> None:
    """Someone loses a treasure; where it is not found at once, a helper finds it."""
    hero, described = doc.choose(_HERO)
    gender = hero.gender
    doc.say(" in a")
    doc.choose(_HOME[hero.wealth])
    doc.say("." if described else f". {gender.He} was {hero.age} and {hero.wealth}.")
    doc.say(f" One day {gender.he} lost {gender.his}")
    doc.choose(_TREASURE[hero.wealth])
    doc.say(f". {gender.He} looked in the")
    place = doc.choose(_PLACE)
    if not doc.choose(_FOUND):
        _help(doc, hero, place)
    doc.say(f" The {hero.word} was happy again.")


def _help(doc, hero: Figure, place: str) -> None:
    doc.say(" Then a")
    helper = doc.choose(_HELPER.without(hero))
    doc.say(f" to help {hero.gender.him}. {helper.gender.He} looked in the")
    doc.choose(_PLACE.without(place))
    doc.say(f", and there it was. The {hero.word} thanked the {helper.word}.")


_FRAME = Choice((f" {opening}" for opening in tables.FRAMES), tables.FRAMES)
_FRAME_GOES_ON = {
    opening: Choice(ends, ends.values()) for opening, (_, ends) in tables.FRAMES.items()
}


@cache
def _frame_slot(opening: str, last: Country | None) -> Choice:
    """The countries for a frame's first slot; the last one is twice as likely as all others."""
    rows = [
        (f" {getattr(c, kind)}", c) for kind in tables.FRAMES[opening][0] for c in tables.COUNTRIES
    ]
    weights = [2 * (len(tables.COUNTRIES) - 1) if country is last else 1 for _, country in rows]
    return Choice(*zip(*rows), weights=weights)


def _frame(doc, opening: str, last: Country | None = None) -> Country:
    country = doc.choose(_frame_slot(opening, last))
    asked = doc.choose(_FRAME_GOES_ON[opening])
    doc.say(f" {getattr(country, asked)}.")
    return country


def countries(doc, opening: str) -> None:
    """Three sentences about countries; each is likely to stay with the one before."""
    country = _frame(doc, opening)
    second = doc.choose(_FRAME.without(opening))
    country = _frame(doc, second, country)
    _frame(doc, doc.choose(_FRAME.without(opening, second)), country)


_TIME = among(tables.TIMES)
_COUNTRY = Choice((f" {c.country}" for c in tables.COUNTRIES), tables.COUNTRIES)
_DEED = Choice(tables.DEEDS, tables.DEEDS.values())
_DEED_TEXT = dict(zip(_DEED.values, _DEED.texts))


def journeys(doc, opening: str) -> None:
    """Two travellers, what each did where they went, and who did one of these things."""
    doc.choose(_TIME)
    one = doc.choose(_PERSON)
    doc.say(" went to")
    went = {one: doc.choose(_COUNTRY)}
    doc.say(" and")
    other = doc.choose(_PERSON.without(one))
    doc.say(" went to")
    went[other] = doc.choose(_COUNTRY.without(went[one]))
    doc.say(".")
    told = _tell_deed(doc, went, _DEED)
    _tell_deed(doc, went, _DEED.without(told))
    _ask_deed(doc, went)


def _tell_deed(doc, went: Mapping[Person, Country], deeds: Choice) -> str:
    first = doc.choose(among(tuple(went)))
    deed = doc.choose(deeds)
    doc.say(f" {getattr(went[first], deed)}, and")
    (second,) = set(went) - {first}
    doc.say(f" {second}{_DEED_TEXT[deed]} {getattr(went[second], deed)}.")
    return deed


def _ask_deed(doc, went: Mapping[Person, Country]) -> None:
    doc.say(" Who")
    deed = doc.choose(_DEED)
    person = doc.choose(_who_of(deed, tuple(went.items())))
    doc.say(f"? {person} did.")


@cache
def _who_of(deed: str, went: tuple[tuple[Person, Country], ...]) -> Choice:
    return Choice((f" {getattr(country, deed)}" for _, country in went), (p for p, _ in went))


# A tower, the Eiffel tower, a miniature Eiffel tower: the same word, three kinds of thing.
SIGHTS = Choice(
    [
        *(f" a {building}" for building in tables.BUILDINGS),
        *(f" {country.landmark}" for country in tables.COUNTRIES),
        *(f" a miniature {country.bare_landmark}" for country in tables.COUNTRIES),
    ],
    [
        *(("plain", building) for building in tables.BUILDINGS),
        *(("famous", country) for country in tables.COUNTRIES),
        *(("miniature", country) for country in tables.COUNTRIES),
    ],
    [3 * len(tables.COUNTRIES)] * len(tables.BUILDINGS)
    + [4 * len(tables.BUILDINGS)] * 2 * len(tables.COUNTRIES),
)


def _plain_sight(building: str, gender: Gender) -> dict[str, tuple[str, ...]]:
    return {
        "size": (f" It is {'tall' if building == 'tower' else 'big'}.",),
        "made": tuple(f" It is made of {what}." for what in ("stone", "brick", "wood")),
        "where": tuple(f" It stands {place}." for place in ("on a hill", "by the river")),
        "use": (" Nobody can carry it.", f" {gender.He} walks around it."),
    }


def _famous_sight(country: Country, gender: Gender) -> dict[str, tuple[str, ...]]:
    return {
        "size": (f" It is very {country.size}.",),
        "made": (f" It is made of {country.material}.",),
        "where": (f" It stands in {country.capital}.",),
        "use": (" Nobody can carry it.", " Many people visit it every day."),
    }


def _miniature_sight(country: Country, gender: Gender) -> dict[str, tuple[str, ...]]:
    return {
        "size": (" It is very small.",),
        "made": tuple(f" It is made of {what}." for what in ("glass", "paper", "chocolate")),
        "where": tuple(f" It stands on the {place}." for place in ("table", "shelf")),
        "use": (
            f" {gender.He} can carry it in one hand.",
            f" It makes {gender.him} think of {country.capital}.",
        ),
    }


_SENTENCES = {"plain": _plain_sight, "famous": _famous_sight, "miniature": _miniature_sight}


@cache
def sentences_about(kind: str, sight: str | Country, gender: Gender) -> Choice:
    """What can be said of a sight of this kind, by what it tells of; ``gender``: of who sees it."""
    return groups(_SENTENCES[kind](sight, gender))


def sightseeing(doc, opening: str) -> None:
    """A building, a landmark or a miniature of one, and three things that are true of its kind."""
    person = doc.choose(_PERSON)
    doc.say(" sees")
    kind, sight = doc.choose(SIGHTS)
    doc.say(".")
    _several(doc, sentences_about(kind, sight, person.gender), 3)


_SENSE_PLACES = tuple(sorted({place for sense in tables.SENSES for place in sense.places}))
_SENSE_PLACE = among(_SENSE_PLACES)
_SENSE_AT = {
    place: Choice(*zip(*((f" {s.word}", s) for s in tables.SENSES if place in s.places)))
    for place in _SENSE_PLACES
}
_SENSE_FACTS = {s: Choice(f" The {s.word} {fact}." for fact in s.facts) for s in tables.SENSES}


def meanings(doc, opening: str) -> None:
    """A word of two meanings, of which the place says which is meant."""
    person = doc.choose(_PERSON)
    doc.say(" is")
    place = doc.choose(_SENSE_PLACE)
    doc.say(f". {person.gender.He} sees a")
    sense = doc.choose(_SENSE_AT[place])
    doc.say(".")
    _several(doc, _SENSE_FACTS[sense], 2)
    doc.say(f" This {sense.word} is {sense.kind}.")


_ADDENDS = range(1, 8)
_ADDEND = Choice((f" {NUMBERS[n]}" for n in _ADDENDS), _ADDENDS)
_DIGIT = Choice((f" {n}" for n in _ADDENDS), _ADDENDS)
_SEVERAL = _ADDEND.without(1)
_COUNTED = among(tables.COUNTED)
_NOTATION = Choice((" write", " say"))


def sums(doc, opening: str) -> None:
    """A sum in digits and in words, then another in one of them."""
    if doc.choose(_NOTATION) == " write":
        a, b = _sum_in_digits(doc)
        doc.say(f" and say {NUMBERS[a]} plus {NUMBERS[b]} is {NUMBERS[a + b]}. Then we")
    else:
        a, b = _sum_in_words(doc)
        doc.say(f" and write {a} + {b} = {a + b}. Then we")
    (_sum_in_digits if doc.choose(_NOTATION) == " write" else _sum_in_words)(doc)
    doc.say(".")


def _sum_in_digits(doc) -> tuple[int, int]:
    a = doc.choose(_DIGIT)
    doc.say(" +")
    b = doc.choose(_DIGIT)
    doc.say(f" = {a + b}")
    return a, b


def _sum_in_words(doc) -> tuple[int, int]:
    a = doc.choose(_ADDEND)
    doc.say(" plus")
    b = doc.choose(_ADDEND)
    doc.say(f" is {NUMBERS[a + b]}")
    return a, b


def counting(doc, opening: str) -> None:
    """Someone has so many things and is given more."""
    person = doc.choose(_PERSON)
    doc.say(" has")
    had = doc.choose(_SEVERAL)
    things = doc.choose(_COUNTED)
    doc.say(".")
    doc.choose(_PERSON.without(person))
    doc.say(f" gives {person.gender.him}")
    more = doc.choose(_ADDEND)
    doc.say(f" more. How many {things} does {person} have now?")
    doc.say(f" {person.gender.He} has {NUMBERS[had + more]}.")


_KIND = Choice((f" {word} is {kind}" for word, kind in tables.KINDS.items()), tables.KINDS)


def kinds(doc, opening: str) -> None:
    """What every one of two kinds is."""
    first = doc.choose(_KIND)
    doc.say(", and every")
    doc.choose(_KIND.without(first))
    doc.say(".")


def gifts(doc, opening: str) -> None:
    """Two things go from hand to hand among three people; who has them at the end?"""
    people = _three_people(doc)
    doc.say(". They are in the")
    doc.choose(_PLACE)
    doc.say(".")
    owner: dict[str, Person] = {}  # of each thing
    first = _has(doc, people, owner)
    _has(doc, tuple(p for p in people if p is not first), owner)
    events = 0
    while person := doc.choose(_next_event(_owners(owner), events, " Who has the")):
        _give(doc, person, people, owner)
        events += 1
    asked = doc.choose(among(tuple(owner)))
    (other,) = set(owner) - {asked}
    doc.say(f"? {owner[asked]} has the {asked}.")
    doc.say(f" And who has the {other}? {owner[other]} has the {other}.")


def _three_people(doc) -> tuple[Person, Person, Person]:
    one = doc.choose(_PERSON)
    doc.say(",")
    two = doc.choose(_PERSON.without(one))
    doc.say(" and")
    return one, two, doc.choose(_PERSON.without(one, two))


def _has(doc, people: tuple[Person, ...], owner: dict[str, Person]) -> Person:
    person = doc.choose(among(people))
    doc.say(" has a")
    owner[doc.choose(_THING.without(*owner))] = person
    doc.say(".")
    return person


def _owners(owner: Mapping[str, Person]) -> tuple[Person, ...]:
    return tuple(dict.fromkeys(owner.values()))


@cache
def _next_event(people: tuple[Person, ...], events: int, question: str) -> Choice:
    """Who acts next, or None with the question that ends the events: after two to four."""
    names = [f" {person}" for person in people]
    if events < 2:
        return Choice(names, people)
    if events == 4:
        return Choice([question], [None])
    return Choice([*names, question], [*people, None], [1] * len(people) + [len(people)])


def _give(doc, person: Person, people: tuple[Person, ...], owner: dict[str, Person]) -> None:
    doc.say(" gives the")
    thing = doc.choose(among(tuple(t for t in owner if owner[t] is person)))
    doc.say(" to")
    owner[thing] = doc.choose(among(tuple(p for p in people if p is not person)))
    doc.say(".")


_DAYTIME = among(tables.DAYTIMES)


def walks(doc, opening: str) -> None:
    """Two people walk about, each with a thing; where are they at the end?"""
    doc.choose(_DAYTIME)
    doc.say(".")
    place: dict[Person, str] = {}  # where each is
    thing: dict[Person, str] = {}  # what each has
    for _ in range(2):
        person = doc.choose(_PERSON.without(*place))
        doc.say(" is in the")
        place[person] = doc.choose(_PLACE.without(*place.values()))
        doc.say(" and has a")
        thing[person] = doc.choose(_THING.without(*thing.values()))
        doc.say(".")
    people, events = tuple(place), 0
    while person := doc.choose(_next_event(people, events, " Where is")):
        doc.say(" goes to the")
        place[person] = doc.choose(_PLACE.without(place[person]))
        doc.say(".")
        events += 1
    _ask_where(doc, place, thing)


def _ask_where(doc, place: Mapping[Person, str], thing: Mapping[Person, str]) -> None:
    person = doc.choose(among(tuple(place)))
    doc.say(f"? {person.gender.He} is in the {place[person]}. And where is the")
    asked = doc.choose(among(tuple(thing.values())))
    (owner,) = (p for p in thing if thing[p] == asked)
    doc.say(f"? It is in the {place[owner]}.")


# Scenes that fill a document, and those of which it takes two: openings and weight.
LONG = {
    tale: (("Once a",), 6),
    gifts: (("Here are",), 3),
    walks: (("It is",), 1),
    journeys: (("Last",), 1),
}
SHORT = {
    introduction: (("This is",), 6),
    countries: (tuple(tables.FRAMES), 7),
    sightseeing: (("Today",), 5),
    meanings: (("Now",), 6),
    sums: (("We",), 4),
    counting: (("Suppose",), 3),
    kinds: (("Every",), 1),
}


def _opening(scenes: Mapping) -> Choice:
    common = math.lcm(*(len(openings) for openings, _ in scenes.values()))
    rows = [
        (opening, (scene, opening), weight * common // len(openings))
        for scene, (openings, weight) in scenes.items()
        for opening in openings
    ]
    return Choice(*zip(*rows))


_FIRST = _opening(LONG | SHORT)
_SECOND = {
    first: _opening({scene: said for scene, said in SHORT.items() if scene is not first})
    for first in SHORT
}


def tell_document(doc) -> None:
    """A long scene, or two short ones that differ."""
    scene, opening = doc.choose(_FIRST)
    scene(doc, opening)
    if scene in SHORT:
        doc.say("\n")
        scene, opening = doc.choose(_SECOND[scene])
        scene(doc, opening)
