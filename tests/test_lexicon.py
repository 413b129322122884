"""The page of smallworld's words: all that a document can say and nothing else, uses told apart, a meaning for each."""

import random
import re

import pytest
from visits import html_of

from authoring import catalogues, lexicon, translations
from authoring.extensions.lexicon import PAGE, rows
from authoring.lexicon import Entry
from nbutils import smallworld
from nbutils.smallworld.choices import Writer
from nbutils.smallworld.scenes import tell_document

LANGUAGE = "ko"
TEXT = translations.source(PAGE).read_text("utf-8")
WORDS = re.compile(r"[A-Za-z]+")
CELL = re.compile(r"<td>(.*?)</td>", re.S)
N = 4_000


@pytest.fixture
def other(monkeypatch):
    """Another list of the words that no table names."""

    def given(part: str, words: list[str]):
        said = lexicon.given()
        made = said | {"words": said["words"] | {part: words}}
        forget()
        monkeypatch.setattr(lexicon, "given", lambda: made)

    yield given
    monkeypatch.undo()
    forget()


def forget() -> None:
    for kept in (lexicon.parts, lexicon.pattern, lexicon.by_word, lexicon.found):
        kept.cache_clear()


class Wide(Writer):
    """A writer that keeps whatever it might have said as well."""

    def __init__(self, draw):
        super().__init__(draw)
        self.choices = {}

    def choose(self, choice):
        self.choices[id(choice)] = choice
        return super().choose(choice)


def test_every_word_that_a_document_can_say_has_an_entry_and_no_other():
    writer, said = Wide(random.Random(3).random), set()
    for _ in range(N):
        tell_document(writer)
        said.update(writer.parts)
        writer.parts.clear()
    texts = said.union(*(choice.texts for choice in writer.choices.values()))
    can = {word.lower() for text in texts for word in WORDS.findall(text)}
    listed = {word.lower() for entry in lexicon.entries() for word in entry.word.split()}
    assert listed == can and sum(lexicon.counts()) == len(can)


def test_no_entry_stands_twice_and_names_are_written_as_names():
    entries = lexicon.entries()
    assert len({(entry.word, entry.use) for entry in entries}) == len(entries)
    for entry in entries:
        assert (entry.part in lexicon.NAMES) == entry.word[0].isupper(), entry


def test_times_are_what_another_count_gives():
    """Each scene with a word of two meanings says it four times."""
    text = "\n".join(smallworld.generate(lexicon.DOCUMENTS))
    found = {(entry.word, entry.use): known.times for entry, known in lexicon.found().items()}
    for sense in smallworld.SENSES:
        told = len(re.findall(rf"This {sense.word} is {sense.kind}\.", text))
        assert found[sense.word, sense.kind] == 4 * told > 0
    for (word, use), before in {
        ("her", "whom"): r"\b(?:gives|help|makes) her\b",
        ("it", "the time of day"): r"^It is",
        ("one", "a day"): r"\bOne\b",
        ("plays", "music"): r"\bplays the (?:flute|piano|violin)\b",
        ("to", "what for"): r"\bTo\b|\bcame to\b",
    }.items():
        assert found[word, use] == len(re.findall(before, text, re.M)), (word, use)
        both = sum(times for (one, _), times in found.items() if one == word)
        assert both == len(re.findall(rf"\b{word}\b", text, re.I)) > found[word, use] > 0
    assert found["tower", ""] == len(re.findall(r" a tower\.", text))  # not the Eiffel tower
    assert found["Eiffel tower", ""] == text.count("Eiffel")


def test_a_sentence_is_of_the_world_and_has_its_word_there():
    said = {sentence for sentence, _ in lexicon.sentences(lexicon.DOCUMENTS)}
    for entry, known in lexicon.found().items():
        assert known.sentence in said
        assert known.sentence[known.begin : known.end].lower() == entry.word.lower()


def test_a_word_without_a_part_and_one_that_is_never_said_are_told(other):
    words = lexicon.given()["words"]["verbs"]
    other("verbs", [word for word in words if word != "swims"])
    with pytest.raises(ValueError, match="smallworld says 'swims' in 'The seal swims very well"):
        lexicon.found()
    other("verbs", [*words, "zooms"])
    with pytest.raises(ValueError, match=r"never says \[Entry\(part='verbs', word='zooms'"):
        lexicon.found()


# The page


def test_the_page_has_each_part_once():
    assert sorted(re.findall(r"^```\{lexicon\} (\w+)$", TEXT, re.M)) == sorted(lexicon.parts())
    assert TEXT.count("```{lexicon}\n") == 1


def test_what_the_page_says_of_the_words_is_so():
    documents = "".join(smallworld.generate(N))
    signs = re.search(r"signs `([^`]+)`", TEXT)[1].split()
    assert {*signs} == {*re.sub(r"[\w\s]", "", documents)}
    assert {*map(int, re.findall(r"\d+", documents))} == {*range(1, 15)}
    uses = re.search(r"two uses: ([^.]+)\.", TEXT)[1]
    assert re.findall(r"\w+", uses.replace("and", "")) == [*lexicon.given()["uses"]]
    of_word = [entry.word for entry in lexicon.entries()]
    assert [of_word.count(word) for word in ("left", "saw", "bark", "kite")] == [1, 1, 1, 1]
    both = [word for word in of_word if of_word.count(word) > 1]
    assert {*both} == {*lexicon.given()["uses"]} | {sense.word for sense in smallworld.SENSES}


@pytest.mark.parametrize("top, columns", [("", 3), (f"{LANGUAGE}/", 4)])
def test_the_built_page_has_a_row_for_each_entry(top, columns):
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in CELL.findall(html_of(top + PAGE))]
    shown = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    assert all(cells) and len(shown) == len(lexicon.entries())
    known = {(found.sentence, f"{found.times:,}") for found in lexicon.found().values()}
    assert {(row[-2], row[-1]) for row in shown} == known


# Meanings


def meanings() -> dict[Entry, str]:
    say = translations.speaker(LANGUAGE, lexicon.CATALOGUE)
    return {entry: say(lexicon.unit(entry)) for entry in lexicon.entries()}


def test_each_word_has_a_meaning_in_korean_and_each_use_its_own():
    told = meanings()
    assert [entry for entry, said in told.items() if not re.search("[가-힣]", said)] == []
    for word in {entry.word for entry in told if entry.use}:
        uses = [said for entry, said in told.items() if entry.word == word]
        assert len({*uses}) == len(uses) == 2, word


def test_a_table_with_meanings_has_them_beside_the_words():
    told = meanings()
    head, *lines = rows("meanings", told.__getitem__)
    assert len(head) == 4 and [line[:2] for line in lines] == [
        (entry.word, told[entry]) for entry in lexicon.parts()["meanings"]
    ]
    head, *lines = rows("meanings")
    assert len(head) == 3 and lines[0][0] == "mole (an animal)"


def test_a_word_without_a_meaning_and_a_meaning_without_a_word_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    left, *units = lexicon.units()
    made = catalogues.update(
        catalogues.load(catalogues.path(LANGUAGE, lexicon.CATALOGUE)),
        [*units, catalogues.Unit("verbs", "zooms")],
    )
    for message in made:
        message.string = "뜻"
    catalogues.store(made, catalogues.path(LANGUAGE, lexicon.CATALOGUE))
    said = [*translations.problems(LANGUAGE, lexicon.CATALOGUE)]
    assert said == [
        f"smallworld [0] {left.where}: no translation of {left.says!r}",
        "smallworld verbs: nothing says 'zooms' any more",
    ]
