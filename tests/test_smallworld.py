"""The corpus whose truth is known: is it true, is it known, and is it English?"""

import hashlib
import json
import math
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
import regex
from scipy import stats

from nbutils import smallworld
from nbutils.smallworld import MAX_TOKENS, generate, next_probabilities, token_losses
from nbutils.smallworld.choices import Choice, Writer
from nbutils.smallworld.scenes import tell_document
from nbutils.tokens import END, SPLIT_PATTERN

ENCODING = smallworld.encoding()
SAMPLE_SHA256 = "279043f3f06cb52ce2cb94f75c8ca9374abc3f21b92e56492a23a264ee497450"


@pytest.fixture(scope="module")
def documents():
    return generate(20_000, seed=1)


# --- generate ---------------------------------------------------------------------------------


def test_same_seed_same_bytes_on_every_platform():
    """If you changed the world on purpose, put the new hash here."""
    sample = END.join(generate(500, seed=7)).encode()
    assert hashlib.sha256(sample).hexdigest() == SAMPLE_SHA256


def test_same_bytes_whatever_python_hashes(documents):
    code = (
        "import hashlib; from nbutils import smallworld as s;"
        "print(hashlib.sha256(''.join(s.generate(300, 1)).encode()).hexdigest())"
    )
    wanted = hashlib.sha256("".join(documents[:300]).encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert found.stdout.strip() == wanted


def test_fewer_documents_are_the_beginning_of_more():
    assert generate(10, seed=3) == generate(100, seed=3)[:10]
    assert generate(10, seed=3) != generate(10, seed=4)
    assert generate(0) == []


def test_a_negative_number_of_documents():
    with pytest.raises(ValueError, match="n_documents=-1"):
        generate(-1)


@pytest.mark.parametrize("seed", [-1, -(10**30)])
def test_a_negative_seed(seed):
    with pytest.raises(ValueError, match=f"seed={seed} is negative; use 0 or more"):
        generate(1, seed=seed)


@pytest.mark.parametrize("wrong", [None, 1.5, "1"])
def test_a_seed_and_a_number_of_documents_are_whole_numbers(wrong):
    with pytest.raises(TypeError, match=re.escape(f"seed={wrong!r} must be a whole number")):
        generate(1, seed=wrong)
    with pytest.raises(TypeError, match=re.escape(f"n_documents={wrong!r} must be a whole")):
        generate(wrong)


def test_documents_fit_a_window_and_are_mostly_of_middle_length(documents):
    lengths = np.array([1 + len(ids) for ids in ENCODING.encode_ordinary_batch(documents)])
    assert lengths.max() <= MAX_TOKENS
    assert np.mean((lengths >= 30) & (lengths <= 70)) > 0.9


def test_documents_are_varied(documents):
    assert len(set(documents)) > 0.98 * len(documents)


COUNTED = """
import json, sys
from nbutils import smallworld

def calls(function, *given):
    count = 0
    def seen(frame, event, what):
        nonlocal count
        count += event in ("call", "c_call")
    sys.setprofile(seen)
    function(*given)
    sys.setprofile(None)
    return count

documents = smallworld.generate(800, seed=2)
text = "<|endoftext|>".join(documents)
tokens = len(smallworld.token_losses(text))  # choices and their tries are made at first use
found = [calls(smallworld.generate, 800, 2) / len(text), calls(smallworld.token_losses, text) / tokens]
print(json.dumps(found))
"""


def test_a_character_costs_half_a_call_and_the_loss_of_a_token_six():
    """Calls of Python and of C are work that no busy machine changes; counted in a new process."""
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, check=True)
    of_a_character, of_a_token = json.loads(done.stdout)
    assert of_a_character < 0.5 and of_a_token < 6


# --- the encoding -----------------------------------------------------------------------------


def test_every_word_is_one_token(documents):
    words = {word for d in documents for word in regex.findall(SPLIT_PATTERN, d)}
    assert len(words) > 400
    assert [word for word in words if len(ENCODING.encode_ordinary(word)) != 1] == []


def test_every_word_of_the_tables_is_one_token():
    fields = [vars(row) for row in (*smallworld.FAMILIES, *smallworld.COUNTRIES)]
    texts = [text for row in fields for text in row.values()]
    texts += [f"{s.word} {s.kind} {' '.join(s.facts + s.places)}" for s in smallworld.SENSES]
    texts += [f.word for f in smallworld.FIGURES]
    texts += [*smallworld.PLACES, *smallworld.THINGS, *smallworld.COLOURS, *smallworld.CLOTHES]
    texts += [*smallworld.BUILDINGS, *smallworld.COUNTED, *smallworld.NUMBERS[2:]]
    words = {word for text in texts for word in text.split()}
    assert [word for word in words if len(ENCODING.encode_ordinary(f" {word}")) != 1] == []


def test_the_vocabulary_is_small():
    assert 600 <= ENCODING.n_vocab <= 1500
    assert ENCODING.eot_token == ENCODING.n_vocab - 1


def test_a_documents_tokens_are_those_of_its_options_in_a_row():
    writer = Writer(random.Random(5).random)
    for _ in range(2000):
        writer.parts.clear()
        tell_document(writer)
        in_a_row = [ids for p in writer.parts for ids in ENCODING.encode_ordinary(p)]
        assert ENCODING.encode_ordinary("".join(writer.parts)) == in_a_row


# --- the truth --------------------------------------------------------------------------------


def test_probabilities_that_can_be_counted_by_hand():
    def stated(prefix):
        p = next_probabilities(prefix)
        return {ENCODING.decode([i]): p[i] for i in np.flatnonzero(p)}

    names = stated("This is")
    assert len(names) == len(smallworld.PEOPLE)
    assert all(p == pytest.approx(1 / len(names)) for p in names.values())
    assert stated("This is Anna. She is a") == {" girl": 1}
    assert stated("Once a rich old") == {" king": pytest.approx(0.5), " queen": pytest.approx(0.5)}
    # Eight of the sixteen openings of a tale are told at once, "a rich old king" and so on.
    assert stated("Once a")[" rich"] == pytest.approx(4 / 16)
    # Four people's facts begin " Her" and one " She"; two of them are told, each one once.
    assert stated("This is Anna. She is a girl.")[" She"] == pytest.approx(1 / 5)
    assert stated("This is Anna. She is a girl. She plays the violin.") == {" Her": 1}
    assert stated("We write 3 + 4 =") == {" 7": 1}
    assert stated("We say three plus four is") == {" seven": 1}


def test_probabilities_are_one_in_sum_and_sure_of_the_end(documents):
    for document in documents[:20]:
        ids = ENCODING.encode_ordinary(document)
        for cut in range(len(ids)):
            p = next_probabilities(ENCODING.decode(ids[:cut]))
            assert p.shape == (ENCODING.n_vocab,) and p.dtype == np.float64
            assert p.sum() == pytest.approx(1, abs=1e-12)
            assert p[ids[cut]] > 0
        p = next_probabilities(document)
        assert p[ENCODING.eot_token] == 1 and p.sum() == 1


def chi_squared(counts, probabilities):
    """The statistic and its degrees of freedom; rare outcomes are taken together."""
    n = sum(counts.values())
    possible = np.flatnonzero(probabilities)
    assert set(counts) <= set(possible.tolist())
    often = [i for i in possible if n * probabilities[i] >= 5]
    seen = [counts[i] for i in often]
    expected = [n * probabilities[i] for i in often]
    if len(often) < len(possible):
        seen.append(n - sum(seen))
        expected.append(n - sum(expected))
    seen, expected = np.array(seen), np.array(expected)
    return ((seen - expected) ** 2 / expected).sum(), len(seen) - 1


def assert_agree(tests, at_least):
    """No single context is off at 0.1% after Bonferroni, nor are all of them together."""
    tests = [(statistic, freedom) for statistic, freedom in tests if freedom > 0]
    assert len(tests) >= at_least
    each = [stats.chi2.sf(statistic, freedom) for statistic, freedom in tests]
    assert min(each) > 0.001 / len(tests)
    together = stats.chi2.cdf(*np.sum(tests, axis=0))
    assert 0.0005 < together < 0.9995


def test_sampled_frequencies_agree_with_the_stated_probabilities():
    following = defaultdict(Counter)  # beginning of a document -> what came next, how often
    for ids in ENCODING.encode_ordinary_batch(generate(60_000, seed=11)):
        for cut in range(min(16, len(ids))):
            following[tuple(ids[:cut])][ids[cut]] += 1
    often = {prefix: counts for prefix, counts in following.items() if counts.total() >= 150}
    assert_agree(
        [chi_squared(c, next_probabilities(ENCODING.decode(p))) for p, c in often.items()], 200
    )


def test_frequencies_agree_deep_inside_documents(documents):
    """Wherever the same distribution is stated, however far into a document."""
    following = defaultdict(Counter)
    for ids in ENCODING.encode_ordinary_batch(documents[:400]):
        for cut in range(10, len(ids)):
            stated = next_probabilities(ENCODING.decode(ids[:cut]))
            if stated.max() < 1:
                following[stated.tobytes()][ids[cut]] += 1
    often = {p: counts for p, counts in following.items() if counts.total() >= 20}
    assert_agree([chi_squared(c, np.frombuffer(p)) for p, c in often.items()], 30)


def test_losses_are_those_of_the_stated_probabilities(documents):
    for document in documents[20:30]:
        ids = ENCODING.encode_ordinary(document) + [ENCODING.eot_token]
        losses = token_losses(document + END)
        assert losses.shape == (len(ids),)
        for cut, loss in enumerate(losses):
            p = next_probabilities(ENCODING.decode(ids[:cut]))[ids[cut]]
            assert loss == pytest.approx(-math.log(p), abs=1e-12)


class Recorder(Writer):
    """A writer that adds up what its own choices cost."""

    cost = 0.0

    def choose(self, choice):
        value = super().choose(choice)
        self.cost -= math.log(choice.weights[choice.texts.index(self.parts[-1])] / choice.total)
        return value


def test_a_documents_losses_are_what_its_choices_cost():
    recorder = Recorder(random.Random(9).random)
    for _ in range(500):
        tell_document(recorder)
        losses = token_losses("".join(recorder.parts))
        assert losses.sum() == pytest.approx(recorder.cost, abs=1e-9)
        recorder.parts.clear()
        recorder.cost = 0.0


def test_mean_loss_of_samples_is_the_entropy(documents):
    """The mean of loss minus entropy, position by position, is 0 within its standard error."""
    differences = []
    for document in documents[100:400]:
        ids = ENCODING.encode_ordinary(document)
        losses = token_losses(document)
        entropies = []
        for cut in range(len(ids)):
            p = next_probabilities(ENCODING.decode(ids[:cut]))
            p = p[p > 0]
            entropies.append(-(p * np.log(p)).sum())
        differences.append(losses.sum() - sum(entropies))
    error = np.std(differences, ddof=1) / math.sqrt(len(differences))
    assert abs(np.mean(differences)) < 3.5 * error
    assert error < 0.03 * token_losses(END.join(documents[100:400])).sum() / 300


def test_several_documents_and_a_cut_one(documents):
    one, two, three = documents[:3]
    cut = ENCODING.decode(ENCODING.encode_ordinary(three)[:17])
    alone = [token_losses(one + END), token_losses(two + END), token_losses(cut)]
    assert alone[0][-1] == 0
    assert len(alone[2]) == 17
    together = token_losses(one + END + two + END + cut)
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert smallworld.loss_floor(one + END + two + END + cut) == pytest.approx(together.mean())


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("This is Bob", r"at token 2, after 'This is', comes ' Bob'; possible are ' Anna', ' Tom'"),
        ("This is Ann", "inside a token: ' Ann' after 'This is' begins ' Anna'"),
        ("This is Anna. ", "inside a token: ' ' .* begins ' She'"),
        ("zebra", "at token 0, after '', comes 'zebra'; possible are 'Once'"),
        ("We write 3 + 4 = 8", "after 'We write 3 \\+ 4 =', comes ' 8'; possible are ' 7'"),
        (f"This is{END}", "prefix holds <|endoftext|>".replace("|", r"\|")),
        ("이것은", "goes on like this"),
    ],
)
def test_a_prefix_that_no_document_has(prefix, said):
    with pytest.raises(ValueError, match=said):
        next_probabilities(prefix)


def test_text_after_a_documents_end(documents):
    with pytest.raises(ValueError, match=r"comes ' And'; possible are '<\|endoftext\|>'"):
        next_probabilities(documents[0] + " And")
    with pytest.raises(ValueError, match=r"possible are '<\|endoftext\|>'"):
        token_losses(documents[0] + "\n" + documents[1])


def test_losses_of_nothing_and_of_an_end_too_early():
    assert token_losses("").shape == (0,)
    with pytest.raises(ValueError, match="text is empty"):
        smallworld.loss_floor("")
    with pytest.raises(ValueError, match=r"after 'This is', comes '<\|endoftext\|>'"):
        token_losses(f"This is{END}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([" a", " an"],), "' a' is the beginning of ' an'"),
        (([" a", " b", " a"],), "' a' is the beginning of ' a'"),
        (([],), "needs options"),
        (([" a", ""],), "needs a text"),
        (([" a", " b"], [1]), "as many values"),
        (([" a", " b"], None, [1, 0]), "positive weight"),
    ],
)
def test_choices_that_would_not_be_sound(arguments, said):
    with pytest.raises(ValueError, match=said):
        Choice(*arguments)


# --- what the documents say -------------------------------------------------------------------


def test_sums_are_right(documents):
    text = "\n".join(documents)
    digits = re.findall(r"(\d+) \+ (\d+) = (\d+)", text)
    words = re.findall(r"(?:say|say that) (\w+) plus (\w+) is (\w+)", text)
    given = re.findall(r" has (\w+) \w+\. \w+ gives h\w+ (\w+) more\..* has (\w+)\.", text)
    number = smallworld.NUMBERS.index
    sums = [(number(a), number(b), number(c)) for a, b, c in words + given]
    sums += [(int(a), int(b), int(c)) for a, b, c in digits]
    assert len(digits) > 1000 and len(words) > 1000 and len(given) > 1000
    assert all(a + b == c for a, b, c in sums)


def test_who_has_what_is_answered_rightly(documents):
    """Followed by regular expressions, not by the scene's own bookkeeping."""
    stories = [d for d in documents if d.startswith("Here are")]
    assert len(stories) > 500
    for story in stories:
        told, asked = story.split(" Who has", 1)
        owner = {}
        for sentence in told.split(". "):
            if has := re.fullmatch(r"(\w+) has a (\w+)", sentence.rstrip(".")):
                owner[has[2]] = has[1]
            elif gives := re.fullmatch(r"(\w+) gives the (\w+) to (\w+)", sentence.rstrip(".")):
                assert owner[gives[2]] == gives[1] != gives[3]
                owner[gives[2]] = gives[3]
        answers = re.findall(r"(\w+) has the (\w+)\.", asked)
        assert {thing: name for name, thing in answers} == owner


def test_where_everything_is_is_answered_rightly(documents):
    walks = [d for d in documents if d.startswith("It is")]
    assert len(walks) > 300
    for walk in walks:
        place, owner = {}, {}
        for name, where, thing in re.findall(r"(\w+) is in the (\w+) and has a (\w+)\.", walk):
            place[name], owner[thing] = where, name
        place.update(re.findall(r"(\w+) goes to the (\w+)\.", walk))
        asked = re.search(
            r"Where is (\w+)\? \w+ is in the (\w+)\. "
            r"And where is the (\w+)\? It is in the (\w+)\.$",
            walk,
        )
        assert place[asked[1]] == asked[2]
        assert place[owner[asked[3]]] == asked[4]


def test_the_worlds_facts_are_told(documents):
    text = "\n".join(documents)
    for country in smallworld.COUNTRIES:
        assert f"capital of {country.country} is {country.capital}." in text
        assert f"In {country.capital} stands {country.landmark}." in text
        assert f"People in {country.capital} eat {country.food}." in text
    for family in smallworld.FAMILIES:
        name, pet = family.daughter, f"{family.daughters_pet} is called {family.daughters_pet_name}"
        assert re.search(rf"This is {name}\. She is a girl\.[^\n]* Her {pet}\.", text)
        assert re.search(rf"This is {family.son}\. [^\n]* His sister is {name}\.", text)


def test_the_worlds_facts_do_not_contradict_each_other(documents):
    text = "\n".join(documents)
    for pattern in (
        r"capital of (\w+) is (\w+)",
        r"People in (\w+) eat (\w+)",
        r"The best (\w+) comes from (\w+)",
        r"This is (\w+)\. .*? H(?:is|er) mother is (\w+)",
    ):
        told = set(re.findall(pattern, text))
        assert len(told) > 5
        assert len(dict(told)) == len(told)


def test_words_with_two_meanings_are_told_apart_by_what_came_before():
    meanings = defaultdict(set)
    for sense in smallworld.SENSES:
        meanings[sense.word].add(sense.kind)
        for place in sense.places:
            seen = f"Now Anna is {place}. She sees a {sense.word}."
            p = next_probabilities(f"{seen} The {sense.word}")
            possible = {ENCODING.decode([i]).strip() for i in np.flatnonzero(p)}
            assert possible == {fact.split()[0] for fact in sense.facts}
    assert len(meanings) >= 5
    assert all(len(kinds) == 2 for kinds in meanings.values())


def test_a_tower_the_eiffel_tower_and_a_miniature_eiffel_tower():
    def can_follow(sight, sentence):
        prefix = f"Today Tom sees {sight}."
        try:
            next_probabilities(prefix + sentence)
        except ValueError:
            return False
        return True

    sights = ("a tower", "the Eiffel tower", "a miniature Eiffel tower")
    assert [can_follow(s, " It is very tall.") for s in sights] == [False, True, False]
    assert [can_follow(s, " It is very small.") for s in sights] == [False, False, True]
    assert [can_follow(s, " It is made of iron.") for s in sights] == [False, True, False]
    assert [can_follow(s, " It stands on a hill.") for s in sights] == [True, False, False]
    assert [can_follow(s, " He can carry it in one hand.") for s in sights] == [False, False, True]
    assert [can_follow(s, " It stands in Paris.") for s in sights] == [False, True, False]


def test_royals_and_commoners_are_told_of_alike(documents):
    """Whatever is said of one figure is said, words exchanged, of every other."""
    shapes = defaultdict(set)
    for document in documents:
        if hero := re.match(r"Once an? (?:rich \w+ |poor \w+ )?(\w+) lived", document):
            shapes[hero[1]].add(len(document.split()))
    assert set(shapes) == {figure.word for figure in smallworld.FIGURES}
    assert len({frozenset(lengths) for lengths in shapes.values()}) == 1


def test_articles_fit(documents):
    assert not [d for d in documents if re.search(r"\b[Aa] [aeiou]", d)]
    assert not [d for d in documents if re.search(r"\b[Aa]n [^aeiou]", d)]


def test_tables_are_plain_data():
    """As JSON they could go to another language."""
    import dataclasses

    for table in (smallworld.FAMILIES, smallworld.COUNTRIES, smallworld.FIGURES, smallworld.SENSES):
        rows = [dataclasses.asdict(row) for row in table]
        assert len(json.loads(json.dumps(rows))) == len(table)
