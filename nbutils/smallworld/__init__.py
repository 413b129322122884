"""A small world in short English documents, with the true next-token probabilities known.

A document is written by plain functions, the scenes below. Wherever the text could go on in
more than one way, a scene asks ``doc.choose(choice)``; what is certain it ``doc.say``s. A
writer answers by chance and so generates text. A reader answers by looking at a given text and
so finds out which choices made it. No option of a choice is the beginning of another, so a
text determines its choices, and the probability of each token in it is known exactly.

Mind the conditioning: the probabilities assume that the whole document so far is in sight.
A model whose window starts inside a document knows less and can't reach them, so measure it
on windows that start where a document starts.
"""

from __future__ import annotations

import math
import operator
import random
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nbutils import tokens

if TYPE_CHECKING:
    import tiktoken

MAX_TOKENS = 80  # no document is longer, the END before it counted: a window that holds any

# --------------------------------------------------------------------------- the world
# Rows are compared by identity (eq=False), which makes them quick keys.


@dataclass(frozen=True, eq=False)
class Gender:
    He: str
    he: str
    him: str
    His: str
    his: str


FEMALE = Gender("She", "she", "her", "Her", "her")
MALE = Gender("He", "he", "him", "His", "his")


@dataclass(frozen=True, eq=False)
class Family:
    mother: str
    father: str
    daughter: str
    son: str
    mothers_work: str
    fathers_work: str
    daughters_pet: str
    daughters_pet_name: str
    daughter_plays: str
    sons_pet: str
    sons_pet_name: str
    son_plays: str


FAMILIES = (
    Family(
        "Clara",
        "Paul",
        "Anna",
        "Tom",
        "doctor",
        "baker",
        "dog",
        "Rex",
        "the violin",
        "cat",
        "Luna",
        "football",
    ),
    Family(
        "Maria",
        "David",
        "Lucy",
        "Ben",
        "pilot",
        "teacher",
        "rabbit",
        "Coco",
        "the flute",
        "parrot",
        "Kiwi",
        "chess",
    ),
    Family(
        "Helen",
        "Oscar",
        "Emma",
        "Leo",
        "farmer",
        "singer",
        "cat",
        "Misty",
        "tennis",
        "dog",
        "Bruno",
        "the piano",
    ),
)


@dataclass(frozen=True, eq=False)
class Country:
    country: str
    capital: str
    language: str
    food: str
    landmark: str  # stands in the capital
    material: str  # of the landmark
    size: str  # of the landmark

    @property
    def bare_landmark(self) -> str:
        return self.landmark.removeprefix("the ")


COUNTRIES = (
    Country("France", "Paris", "French", "ratatouille", "the Eiffel tower", "iron", "tall"),
    Country("Japan", "Tokyo", "Japanese", "sushi", "the Skytree", "steel", "tall"),
    Country("Germany", "Berlin", "German", "bratwurst", "the Brandenburg gate", "stone", "big"),
    Country("Italy", "Rome", "Italian", "pizza", "the Colosseum", "stone", "big"),
    Country("Korea", "Seoul", "Korean", "kimchi", "the Namsan tower", "concrete", "tall"),
    Country("Spain", "Madrid", "Spanish", "paella", "the Prado museum", "brick", "big"),
    Country("England", "London", "English", "pudding", "Westminster abbey", "stone", "big"),
    Country("Greece", "Athens", "Greek", "moussaka", "the Parthenon", "marble", "big"),
    Country("Egypt", "Cairo", "Arabic", "koshari", "the Cairo tower", "concrete", "tall"),
    Country("Russia", "Moscow", "Russian", "borscht", "the Kremlin", "brick", "big"),
    Country("China", "Beijing", "Chinese", "tofu", "the Forbidden city", "wood", "big"),
    Country("Vietnam", "Hanoi", "Vietnamese", "pho", "the Turtle tower", "stone", "tall"),
)


@dataclass(frozen=True, eq=False)
class Figure:
    """Someone in a tale. Three properties, two values each, and a word for every combination."""

    word: str
    gender: Gender
    age: str
    wealth: str


FIGURES = (
    Figure("king", MALE, "old", "rich"),
    Figure("queen", FEMALE, "old", "rich"),
    Figure("prince", MALE, "young", "rich"),
    Figure("princess", FEMALE, "young", "rich"),
    Figure("man", MALE, "old", "poor"),
    Figure("woman", FEMALE, "old", "poor"),
    Figure("boy", MALE, "young", "poor"),
    Figure("girl", FEMALE, "young", "poor"),
)
HOMES = {"rich": ("castle", "palace"), "poor": ("cottage", "hut")}
TREASURES = {"rich": ("crown", "sword", "jewel"), "poor": ("hat", "axe", "basket")}

PLACES = ("kitchen", "garden", "park", "library", "attic", "forest", "market", "barn")
THINGS = ("ball", "key", "book", "lamp", "map", "cup", "kite", "letter")
COLOURS = ("red", "blue", "green", "yellow", "white", "black")
CLOTHES = ("coat", "scarf", "hat", "shirt")
BUILDINGS = ("tower", "castle", "bridge", "gate")
COUNTED = ("apples", "books", "coins", "nuts", "shells", "stamps")
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
).split()  # the place in the list is the number; no document says zero

# What every one of its kind is.
KINDS = {
    "king": "a man",
    "queen": "a woman",
    "prince": "a boy",
    "princess": "a girl",
    "father": "a man",
    "mother": "a woman",
    "son": "a boy",
    "daughter": "a girl",
    "dog": "an animal",
    "cat": "an animal",
    "rabbit": "an animal",
    "parrot": "a bird",
}


@dataclass(frozen=True, eq=False)
class Sense:
    """One of the two meanings of a word, and what is told of it."""

    word: str
    kind: str
    places: tuple[str, ...]
    facts: tuple[str, ...]


SENSES = (
    Sense(
        "mole",
        "an animal",
        ("in the garden", "in the meadow"),
        ("digs a long tunnel", "has soft black fur", "eats worms"),
    ),
    Sense(
        "mole",
        "a spot on the skin",
        ("at the hospital", "in front of the mirror"),
        ("is on the left arm", "is small and brown", "does not hurt"),
    ),
    Sense(
        "bank",
        "the side of a river",
        ("by the river", "in a boat"),
        ("is wet and muddy", "is full of flowers", "is covered with grass"),
    ),
    Sense(
        "bank",
        "a place for money",
        ("in the city", "at the station"),
        ("keeps money safe", "opens at nine", "has many customers"),
    ),
    Sense(
        "bat",
        "an animal",
        ("in a dark cave", "in the meadow"),
        ("sleeps upside down", "flies at night", "has thin wings"),
    ),
    Sense(
        "bat",
        "a thing for games",
        ("at the baseball game", "at school"),
        ("hits the ball", "has a long handle", "is made of wood"),
    ),
    Sense(
        "trunk",
        "a part of a tree",
        ("in the garden", "by the river"),
        ("has rough bark", "grows every year", "carries many branches"),
    ),
    Sense(
        "trunk",
        "a box for a journey",
        ("at the station", "at the harbour"),
        ("is full of clothes", "has two locks", "is made of leather"),
    ),
    Sense(
        "seal",
        "an animal",
        ("by the sea", "at the zoo"),
        ("catches a fish", "swims very well", "has a wet nose"),
    ),
    Sense(
        "seal",
        "a stamp of wax",
        ("at the office", "at the museum"),
        ("closes a letter", "is made of red wax", "shows a lion"),
    ),
    Sense(
        "crane",
        "a bird",
        ("by the sea", "in a boat"),
        ("stands on one leg", "has long feathers", "builds a nest"),
    ),
    Sense(
        "crane",
        "a machine",
        ("at the harbour", "in the city"),
        ("lifts a heavy box", "is made of steel", "has a big engine"),
    ),
    Sense(
        "mouse",
        "an animal",
        ("in a dark cave", "at the zoo"),
        ("eats cheese", "has a long tail", "hides in a hole"),
    ),
    Sense(
        "mouse",
        "a part of a computer",
        ("at the office", "at school"),
        ("has two buttons", "moves the arrow", "is made of plastic"),
    ),
)

# ------------------------------------------------------------------- choices and who answers


class Choice:
    """Weighted options at one point of a text: what each one says and what it means.

    Args:
        texts: what the options say; each whole pre-tokens, such as " Anna" or ", but".
        values: what ``choose`` returns for them; the texts themselves if not given.
        weights: positive integers; all 1 if not given.

    Raises:
        ValueError: no options, or one is the beginning of another.
    """

    __slots__ = ("texts", "values", "weights", "cumulative", "total", "_subsets", "_trie")

    def __init__(
        self,
        texts: Iterable[str],
        values: Iterable[Any] | None = None,
        weights: Iterable[int] | None = None,
    ):
        self.texts = tuple(texts)
        self.values = self.texts if values is None else tuple(values)
        self.weights = (1,) * len(self.texts) if weights is None else tuple(weights)
        self.cumulative = list(accumulate(self.weights))
        _check_options(self.texts, self.values, self.weights)
        self.total = self.cumulative[-1]
        self._subsets: dict[tuple, Choice] = {}
        self._trie: dict | None = None

    def without(self, *values: Any) -> Choice:
        """The same choice with the options of these values taken out."""
        if values not in self._subsets:
            rows = zip(self.texts, self.values, self.weights, strict=True)
            self._subsets[values] = Choice(*zip(*(r for r in rows if r[1] not in values)))
        return self._subsets[values]

    @property
    def trie(self) -> dict:
        """The options token by token: ``{token: (probability, loss, rest)}``.

        ``rest`` is another such dict, or at an option's end the option's number.
        """
        if self._trie is None:
            encode = encoding().encode
            rows = [(encode(t, allowed_special="all"), w) for t, w in zip(self.texts, self.weights)]
            self._trie = _grow([(ids, w, i) for i, (ids, w) in enumerate(rows)])
        return self._trie


def _check_options(texts: Sequence[str], values: Sequence, weights: Sequence[int]) -> None:
    if not texts or not len(texts) == len(values) == len(weights):
        raise ValueError(f"a choice needs options, and as many values and weights: {texts}")
    if min(weights) < 1 or "" in texts:
        raise ValueError(f"an option needs a text and a positive weight: {texts}, {weights}")
    ordered = sorted(texts)
    for one, other in zip(ordered, ordered[1:]):
        if other.startswith(one):
            raise ValueError(f"the option {one!r} is the beginning of {other!r}")


def _grow(options: list[tuple[list[int], int, int]], depth: int = 0) -> dict:
    total = sum(weight for _, weight, _ in options)
    branches: dict[int, list] = {}
    for option in options:
        branches.setdefault(option[0][depth], []).append(option)
    trie = {}
    for token, branch in branches.items():
        part = sum(weight for _, weight, _ in branch)
        ends = len(branch[0][0]) == depth + 1  # then it is alone: no option begins another
        rest = branch[0][2] if ends else _grow(branch, depth + 1)
        trie[token] = (part / total, math.log(total / part), rest)
    return trie


@cache
def _only(text: str) -> Choice:
    return Choice((text,))


@cache
def _among(options: tuple) -> Choice:
    return Choice((f" {option}" for option in options), options)


def _groups(texts: Mapping[Any, Sequence[str]]) -> Choice:
    """Every text of each group, the group as its value, each group equally likely."""
    common = math.lcm(*(len(group) for group in texts.values()))
    rows = [(text, key, common // len(group)) for key, group in texts.items() for text in group]
    return Choice(*zip(*rows))


class _Writer:
    """Answers every choice by chance and keeps what was said."""

    def __init__(self, seed: int):
        self._random = random.Random(seed).random
        self.parts: list[str] = []
        self.say = self.parts.append

    def choose(self, choice: Choice) -> Any:
        option = bisect(choice.cumulative, self._random() * choice.total)
        self.say(choice.texts[option])
        return choice.values[option]


class _Reader:
    """Answers every choice as the given tokens did, and keeps what each token cost."""

    def __init__(self, ids: Sequence[int]):
        self.ids = ids
        self.losses: list[float] = []  # of the tokens read so far
        self.what_next: dict = {}  # the trie where the tokens end

    def choose(self, choice: Choice) -> Any:
        ids, losses, rest = self.ids, self.losses, choice.trie
        while type(rest) is dict:
            if len(losses) == len(ids):
                self.what_next = rest
                raise _EndOfTokens
            try:
                _, loss, rest = rest[ids[len(losses)]]
            except KeyError:
                raise ValueError(_explain(ids, len(losses), rest)) from None
            losses.append(loss)
        return choice.values[rest]

    def say(self, text: str) -> None:
        self.choose(_only(text))


class _EndOfTokens(Exception):
    """The reader's tokens end here."""


def _explain(ids: Sequence[int], at: int, trie: Mapping[int, tuple]) -> str:
    decode = encoding().decode
    before, found = decode(ids[max(0, at - 12) : at]), decode(ids[at : at + 12])
    possible = [decode([token]) for token in trie]
    shown = ", ".join(map(repr, possible[:8])) + (", ..." if len(possible) > 8 else "")
    whole = [p for p in possible if p.startswith(decode(ids[at:]))]
    if whole:
        return f"the text ends inside a token: {found!r} after {before!r} begins {whole[0]!r}"
    return (
        f"no document of the small world goes on like this: at token {at}, after {before!r}, "
        f"comes {found!r}; possible are {shown}"
    )


# ---------------------------------------------------------------------------- people


@dataclass(frozen=True, eq=False)
class Person:
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

# ------------------------------------------------------------------------------ scenes
# A scene gets the document (a writer or a reader) and the words that opened it, which are
# already said. Its own text must make certain whether it is over: most scenes have a fixed
# number of sentences, the others a last one that can't be mistaken.

_PERSON = _among(PEOPLE)
_PLACE = _among(PLACES)
_THING = _among(THINGS)
_COLOUR = _among(COLOURS)
_CLOTHES = _among(CLOTHES)


def _several(doc, sentences: Choice, n: int) -> list:
    """Say n of the sentences, no value twice; return the values."""
    said: list = []
    for _ in range(n):
        said.append(doc.choose(sentences.without(*said)))
    return said


def _introduction(doc, opening: str) -> None:
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
    [f"{told}{f.word} lived" for f in FIGURES for told in (" ", f" {f.wealth} {f.age} ")],
    [(f, described) for f in FIGURES for described in (False, True)],
)
_HELPER = Choice((f" {figure.word} came" for figure in FIGURES), FIGURES)
_HOME = {wealth: _among(homes) for wealth, homes in HOMES.items()}
_TREASURE = {wealth: _among(treasures) for wealth, treasures in TREASURES.items()}
_FOUND = Choice((", and there it was.", ", but it was not there."), (True, False), (1, 4))


def _tale(doc, opening: str) -> None:
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


# Sentences about countries: opening, what its first slot may name, then how it goes on and
# what of the country comes then.
FRAMES = {
    "The capital of": (("country",), {" is": "capital"}),
    "The best": (("food",), {" comes from": "country"}),
    "People in": (("country", "capital"), {" speak": "language", " eat": "food"}),
    "In": (("capital",), {" stands": "landmark"}),
    "To see": (("landmark",), {", go to": "capital"}),
    "To learn": (("language",), {", go to": "country"}),
}
_FRAME = Choice((f" {opening}" for opening in FRAMES), FRAMES)
_FRAME_GOES_ON = {opening: Choice(ends, ends.values()) for opening, (_, ends) in FRAMES.items()}


@cache
def _frame_slot(opening: str, last: Country | None) -> Choice:
    """The countries for a frame's first slot; the last one is twice as likely as all others."""
    rows = [(f" {getattr(c, kind)}", c) for kind in FRAMES[opening][0] for c in COUNTRIES]
    weights = [2 * (len(COUNTRIES) - 1) if country is last else 1 for _, country in rows]
    return Choice(*zip(*rows), weights=weights)


def _frame(doc, opening: str, last: Country | None = None) -> Country:
    country = doc.choose(_frame_slot(opening, last))
    asked = doc.choose(_FRAME_GOES_ON[opening])
    doc.say(f" {getattr(country, asked)}.")
    return country


def _countries(doc, opening: str) -> None:
    country = _frame(doc, opening)
    second = doc.choose(_FRAME.without(opening))
    country = _frame(doc, second, country)
    _frame(doc, doc.choose(_FRAME.without(opening, second)), country)


_TIME = _among(("week", "year", "summer", "winter"))
_COUNTRY = Choice((f" {c.country}" for c in COUNTRIES), COUNTRIES)
_DEED = Choice(
    (" ate", " saw", " stayed in", " learned some"), ("food", "landmark", "capital", "language")
)
_DEED_TEXT = dict(zip(_DEED.values, _DEED.texts))


def _journeys(doc, opening: str) -> None:
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
    first = doc.choose(_among(tuple(went)))
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
_SIGHT = Choice(
    [
        *(f" a {building}" for building in BUILDINGS),
        *(f" {country.landmark}" for country in COUNTRIES),
        *(f" a miniature {country.bare_landmark}" for country in COUNTRIES),
    ],
    [
        *(("plain", building) for building in BUILDINGS),
        *(("famous", country) for country in COUNTRIES),
        *(("miniature", country) for country in COUNTRIES),
    ],
    [3 * len(COUNTRIES)] * len(BUILDINGS) + [4 * len(BUILDINGS)] * 2 * len(COUNTRIES),
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


_SIGHTS = {"plain": _plain_sight, "famous": _famous_sight, "miniature": _miniature_sight}


@cache
def _said_of_sight(kind: str, sight: str | Country, gender: Gender) -> Choice:
    return _groups(_SIGHTS[kind](sight, gender))


def _sightseeing(doc, opening: str) -> None:
    person = doc.choose(_PERSON)
    doc.say(" sees")
    kind, sight = doc.choose(_SIGHT)
    doc.say(".")
    _several(doc, _said_of_sight(kind, sight, person.gender), 3)


_SENSE_PLACES = tuple(sorted({place for sense in SENSES for place in sense.places}))
_SENSE_PLACE = _among(_SENSE_PLACES)
_SENSE_AT = {
    place: Choice(*zip(*((f" {s.word}", s) for s in SENSES if place in s.places)))
    for place in _SENSE_PLACES
}
_SENSE_FACTS = {s: Choice(f" The {s.word} {fact}." for fact in s.facts) for s in SENSES}


def _meanings(doc, opening: str) -> None:
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
_COUNTED = _among(COUNTED)
_NOTATION = Choice((" write", " say"))


def _sums(doc, opening: str) -> None:
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


def _counting(doc, opening: str) -> None:
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


_KIND = Choice((f" {word} is {kind}" for word, kind in KINDS.items()), KINDS)


def _kinds(doc, opening: str) -> None:
    first = doc.choose(_KIND)
    doc.say(", and every")
    doc.choose(_KIND.without(first))
    doc.say(".")


def _gifts(doc, opening: str) -> None:
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
    asked = doc.choose(_among(tuple(owner)))
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
    person = doc.choose(_among(people))
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
    thing = doc.choose(_among(tuple(t for t in owner if owner[t] is person)))
    doc.say(" to")
    owner[thing] = doc.choose(_among(tuple(p for p in people if p is not person)))
    doc.say(".")


_DAYTIME = _among(("morning", "noon", "evening", "night"))


def _walks(doc, opening: str) -> None:
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
    person = doc.choose(_among(tuple(place)))
    doc.say(f"? {person.gender.He} is in the {place[person]}. And where is the")
    asked = doc.choose(_among(tuple(thing.values())))
    (owner,) = (p for p in thing if thing[p] == asked)
    doc.say(f"? It is in the {place[owner]}.")


# ---------------------------------------------------------------------------- documents

# Scenes that fill a document, and those of which it takes two: openings and weight.
_LONG = {
    _tale: (("Once a",), 6),
    _gifts: (("Here are",), 3),
    _walks: (("It is",), 1),
    _journeys: (("Last",), 1),
}
_SHORT = {
    _introduction: (("This is",), 6),
    _countries: (tuple(FRAMES), 7),
    _sightseeing: (("Today",), 5),
    _meanings: (("Now",), 6),
    _sums: (("We",), 4),
    _counting: (("Suppose",), 3),
    _kinds: (("Every",), 1),
}


def _openings(scenes: Mapping) -> Choice:
    common = math.lcm(*(len(openings) for openings, _ in scenes.values()))
    rows = [
        (opening, (scene, opening), weight * common // len(openings))
        for scene, (openings, weight) in scenes.items()
        for opening in openings
    ]
    return Choice(*zip(*rows))


_FIRST = _openings(_LONG | _SHORT)
_SECOND = {
    first: _openings({scene: said for scene, said in _SHORT.items() if scene is not first})
    for first in _SHORT
}


def _document(doc) -> None:
    scene, opening = doc.choose(_FIRST)
    scene(doc, opening)
    if scene in _SHORT:
        doc.say("\n")
        scene, opening = doc.choose(_SECOND[scene])
        scene(doc, opening)


def _read(ids: Sequence[int]) -> _Reader:
    """A reader that has read all the ids: documents, each with END after it."""
    reader = _Reader(ids)
    try:
        while True:
            _document(reader)
            reader.say(tokens.END)
    except _EndOfTokens:
        return reader


def generate(n_documents: int, seed: int = 0) -> list[str]:
    """Documents of the small world.

    The same seed gives the same bytes on every platform, and fewer documents are the beginning
    of more: ``generate(10, s) == generate(100, s)[:10]``.

    Raises:
        ValueError: ``n_documents`` or ``seed`` is negative.
        TypeError: one of them is no whole number.
    """
    n_documents = _natural("n_documents", n_documents)
    return list(islice(endless(seed), n_documents))


def endless(seed: int = 0) -> Iterator[str]:
    """The documents of `generate` one after the other, and never the last."""
    writer = _Writer(_natural("seed", seed))
    while True:
        _document(writer)
        yield "".join(writer.parts)
        writer.parts.clear()


def _natural(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}={value!r} must be a whole number, 0 or more") from error
    if number < 0:  # random.Random would take a negative seed for the positive one
        raise ValueError(f"{name}={number} is negative; use 0 or more")
    return number


# ------------------------------------------------------------------- encoding and truth

_SAMPLE = 3000  # documents to learn the encoding from; they hold every word of the world


@cache
def encoding() -> tiktoken.Encoding:
    """The small world's own byte-level BPE, trained on its documents until no pair is left.

    So every word is one token: with its leading space, or without where it opens a scene.
    """
    return tokens.train_bpe(generate(_SAMPLE), vocab_size=4096, name="smallworld")


def next_probabilities(prefix: str) -> np.ndarray:
    """The true probability of every token to come next, ``(V,)`` float64, sum 1.

    Args:
        prefix: a document from its beginning, cut after any token; "" is its start. At a
            document's end the next token is certain: END.

    Raises:
        ValueError: no document begins with ``prefix``, or it ends inside a token. The message
            names the place and what would have been possible.
    """
    if tokens.END in prefix:
        raise ValueError(f"prefix holds {tokens.END}; give the beginning of one document")
    probabilities = np.zeros(encoding().n_vocab)
    for token, (probability, _, _) in _read(encoding().encode(prefix)).what_next.items():
        probabilities[token] = probability
    return probabilities


def token_losses(text: str) -> np.ndarray:
    """What the true distribution pays for each token of ``text``, in nats, ``(n_tokens,)``.

    Args:
        text: documents, an END after each; the last may stop after any token and need no END.
            Each is read from its beginning and predicted with all of itself so far in sight.
            An END costs 0, as the end of a document is certain.

    Raises:
        ValueError: as for ``next_probabilities``.
    """
    return np.array(_read(encoding().encode(text, allowed_special={tokens.END})).losses)


def loss_floor(text: str) -> float:
    """The mean of ``token_losses(text)``: nats per token that no model can be expected to beat.

    Raises:
        ValueError: ``text`` is empty, or as for ``next_probabilities``.
    """
    losses = token_losses(text)
    if not len(losses):
        raise ValueError("text is empty: the loss of no tokens is not defined")
    return float(losses.mean())
