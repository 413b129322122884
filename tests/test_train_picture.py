"""The picture in which a GPT learns: runs in a page, what they show, and what the reader is told."""

import json
import re

import pytest
from moving.hands import Pick
from moving.train import Choose, Unfolded
from shown import DROP_FOLDER, Shown, alone
from visits import Reader

from authoring.site import serving
from nbutils import network_file, smallworld, tokens, words
from nbutils.config import GPTConfig
from nbutils.figures.moving.train import SETTINGS, TrainGPT
from nbutils.model import GPT
from nbutils.vocabularies import ChosenTokens

SMALL = {"layers": 1, "width": 16}  # learns fast, and much enough
LONGEST = 79  # tokens that the page lets a network say, after the END before them
WORDS = words.table("pictures/train", "en")
# A Worker that takes its task and computes nothing: what it was asked to do is in `asked`.
IDLE = """window.asked = []; window.Worker = class {
  constructor() { setTimeout(() => this.onmessage?.({ data: { type: "here" } })); }
  postMessage({ type, settings, source }) { if (type === "start") asked.push({ settings, source: source.kind }); }
  terminate() {}
};"""
LIFE = "place => place.querySelector('.picture').life"
NUMBERS = "place => JSON.parse(place.querySelector('.picture').dataset.numbers)"
# When each of these has changed, in ms.
WATCH = """place => { place.changed = { told: [], figures: [] };
  for (const name of ["told", "figures"]) new MutationObserver(() => place.changed[name].push(performance.now()))
    .observe(place.querySelector(`.${name}`), { childList: true, subtree: true, characterData: true }); }"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    alone(TrainGPT(**SMALL, seconds=6, rate=0.03, text=SETTINGS["beginnings"][1]), folder, "train")
    with serving(folder) as address:
        yield address


@pytest.fixture
def shown(browser, studio, request):
    reader = Reader(browser, studio)
    reader.context.add_init_script(getattr(request, "param", ""))
    reader.turn_to("train")
    made = Shown(reader.page, "TrainGPT")
    yield made
    assert reader.errors == []
    reader.close()


def press(shown: Shown, name: str) -> None:
    shown.place.get_by_role("button", name=name, exact=True).click()


def life(shown: Shown, what: str):
    """What the picture knows of its run: an expression of `life`."""
    return shown.place.evaluate(f"place => {{ const life = ({LIFE})(place); return {what}; }}")


def until(shown: Shown, what: str) -> None:
    """Wait until that is true of `life`."""
    script = f"place => {{ const life = ({LIFE})(place); return {what}; }}"
    shown.page.wait_for_function(script, arg=shown.place.element_handle())
    shown.page.evaluate("new Promise(requestAnimationFrame)")


def curves(shown: Shown) -> list[int]:
    """How many points each curve has, the newest run's first."""
    lines = shown.place.locator(".losses polyline")
    return lines.evaluate_all("all => all.map(line => line.points.length).reverse()")


def test_before_anything_is_trained_a_measured_run_stands_there(shown):
    stored = shown.state()["measured"]
    assert curves(shown) == [len(stored["points"])] and stored["asked"] == SETTINGS["chosen"]
    told = shown.place.locator(".told").text_content()
    assert "Nothing has been trained here yet" in told and "measured before" in told
    last = [loss - floor for _, loss, floor in stored["points"][-3:]]
    above = float(re.search(r"ended ([\d.]+) nats", told)[1])
    assert min(last) < above < max(last) and above < 0.1
    assert shown.place.locator(".newest").text_content().startswith(stored["said"][0]["text"][:20])
    for said in stored["said"]:
        assert judged(said["text"]) == said["possible"]


def judged(text: str) -> bool:
    """Whether smallworld can say it, as Python judges: a document to its end, or the beginning of a longer one."""
    try:
        n = len(smallworld.token_losses(text))
    except ValueError:
        return False
    return n == LONGEST or smallworld.next_probabilities(text)[smallworld.encoding().eot_token] > 0


def test_a_document_that_stops_too_early_is_not_possible():
    document = smallworld.generate(1)[0].removesuffix(tokens.END)
    assert judged(document) and not judged(document[: document.rindex(" ")])
    assert not judged("Here are Paul, Tom and Maria.")  # a network stopped there after 6 s


def test_a_run_learns_stops_goes_on_and_is_kept_beside_the_next(shown):
    press(shown, "Train")
    until(shown, "life.history.length > 5")
    n = life(shown, "life.now.points.length")
    assert curves(shown)[0] >= n > 5 and len(curves(shown)) == 2
    press(shown, "Stop")
    until(shown, "life.stage === 'stopped'")
    step = life(shown, "life.last.step")
    shown.page.wait_for_timeout(300)
    assert life(shown, "life.last.step") == step > 0
    assert f"stopped at {life(shown, 'Math.round(life.last.seconds)')} of 6" in told(shown)
    press(shown, "Go on")
    until(shown, f"life.last.step > {step} && life.stage === 'running'")
    press(shown, "Again with another seed")
    until(shown, "life.seed === 1 && life.history.length > 2")
    assert life(shown, "life.earlier.map(run => [run.seed, !!run.stored])") == [
        [0, False],
        [0, True],
    ]
    names = shown.place.locator(".losses li span").all_text_contents()
    assert ["seed 1" in names[0], "seed 0" in names[1]] == [True, True]
    for _ in range(4):
        life(
            shown, "life.now.points.push({ x: 1, loss: 2, floor: 1 }, { x: 2, loss: 2, floor: 1 })"
        )
        press(shown, "Again with another seed")
        until(shown, "life.stage === 'running'")
    assert life(shown, "life.earlier.map(run => run.seed)") == [4, 3, 2, 1, 0]
    assert len(curves(shown)) == 6
    press(shown, "Stop")
    until(shown, "life.stage === 'stopped'")
    shown.place.get_by_role("slider", name="Layers").press("End")
    press(shown, "Start again")
    until(shown, "life.stage === 'none'")
    assert len(curves(shown)) == 1 and life(shown, "life.run === null")


def told(shown: Shown) -> str:
    return shown.place.locator(".told").text_content()


def test_a_run_to_its_end(shown):
    """It learns, what it says is judged as Python judges, its bars have the truth, and its words come slowly."""
    shown.place.evaluate(WATCH)
    press(shown, "Train")
    until(shown, "life.stage === 'running' && life.history.length > 3")
    press_knob(shown)
    until(shown, "life.stage === 'done' && life.looks.open === false && life.said.length > 5")
    changed = shown.place.evaluate("place => place.changed")
    apart = [b - a for a, b in zip(changed["told"], changed["told"][1:])]
    stages = 5  # fetching, starting, running, done, and a last document after that: said at once
    assert sum(gap < 4900 for gap in apart) <= stages and len(changed["figures"]) > 10
    assert "It has learned for 6 seconds" in told(shown)
    points = life(shown, "life.now.points")
    above = [point["loss"] - point["floor"] for point in points]
    assert (
        above[0] > 3 and min(above[-5:]) > 0.02 and max(above[-5:]) < 2
    )  # after 120 updates 1.4: on a tenth of the speed
    assert life(shown, "life.now.asked.width") == 16  # the knob that was moved meanwhile
    for said in life(shown, "life.said"):
        assert judged(said["text"]) == said["possible"]
        smallworld.token_losses(said["text"][: said["wrong"]])  # up to there it is
    marked = shown.place.locator(".newest mark").count()
    assert marked == (not life(shown, "life.said[0].possible"))
    assert re.search(
        r"where none was \(\d+ of \d+\)", shown.place.locator(".sayings").text_content()
    )
    bars_are_beside_the_truth(shown)
    press(shown, "Go on for 6 s")
    until(shown, f"life.last.seconds > {points[-1]['x']}")
    assert life(shown, "life.now.until") == 12
    life(shown, "life.told({ type: 'done', seconds: 7, step: 9, diverged: true })")
    shown.page.evaluate("new Promise(requestAnimationFrame)")
    assert "its loss is no number any more" in told(shown)
    go_on = shown.place.get_by_role("button", name="Go on for 6 s")
    assert go_on.get_attribute("aria-disabled") == "true"


def press_knob(shown: Shown) -> None:
    """A knob that is moved while it runs holds for the next run, and that is said."""
    Choose("Width", "width", 32).do(shown)
    assert shown.place.get_by_text(WORDS["holds"]).is_visible()


def bars_are_beside_the_truth(shown: Shown) -> None:
    text = shown.state()["text"]
    truth, encoding = smallworld.next_probabilities(text), smallworld.encoding()
    bars = shown.place.locator(".bar").evaluate_all(
        "all => all.map(x => [x.querySelector('.name').textContent, Number(x.dataset.p), Number(x.dataset.truth)])"
    )
    assert len(bars) == 9 and abs(sum(p for _, p, _ in bars) - 1) < 1e-6
    for name, _, true in bars[:-1]:
        if name != "(end)":
            token = name.replace("·", " ").replace("↵", "\n")
            assert abs(truth[encoding.encode_single_token(token)] - true) < 1e-9
    assert bars[0][0] == "·animal"  # after "Every cat is an": it has learned so much
    field = shown.place.get_by_label("Beginning")
    field.fill("Every zebra")
    until(shown, "life.next?.refused")
    assert "has the word “ zebra”" in said_of_bars(shown)
    field.fill("Once cat")
    until(shown, "life.next?.text === 'Once cat'")
    assert "there is no truth" in said_of_bars(shown)


def said_of_bars(shown: Shown) -> str:
    return shown.place.locator(".speaking p[role=status]").text_content()


@pytest.mark.parametrize("shown", [IDLE], indirect=True)
def test_every_knob_changes_what_the_next_run_is_made_of(shown):
    asked = [started(shown)]
    for name in SETTINGS["chosen"]:
        values = [value for value in SETTINGS[name] if value != asked[0].get(name)]
        if name == "data":
            shown.set("{data: 'own'}")
            shown.place.get_by_label("Your text", exact=True).fill("to be or not to be")
        else:
            shown.set(json.dumps({name: values[-1]}))
        asked.append(started(shown))
        changed = {key for key in asked[-1] if asked[-1][key] != asked[-2][key]}
        assert changed == ({"source", "data"} if name == "data" else {name})


def started(shown: Shown) -> dict:
    """Train, for a moment: the settings with which a Worker was asked to begin."""
    n = shown.page.evaluate("asked.length")
    press(shown, "Train")
    shown.page.wait_for_function(f"asked.length > {n}")
    press(shown, "Stop")
    start = shown.page.evaluate("asked.at(-1)")
    return start["settings"] | {"source": start["source"]}


@pytest.mark.parametrize("shown", [IDLE], indirect=True)
def test_more_cores_are_offered_where_there_are_more(shown):
    option = shown.place.locator("option[value='2']").last
    cores = shown.page.evaluate("navigator.hardwareConcurrency")
    assert option.is_disabled() == (cores == 1)


def test_a_text_of_one_s_own_has_no_floor_and_no_judge(shown):
    Unfolded(Choose("Window", "window", 20)).do(shown)
    shown.set("{data: 'own', seconds: 6}")
    press(shown, "Train")
    until(shown, "life.stage === 'failed'")
    assert told(shown) == WORDS["ownEmpty"]
    poem = {"name": "poem.txt", "mimeType": "text/plain", "buffer": "가나다 🙂\r\n".encode() * 500}
    chooser = shown.place.locator(".own input[type=file]")
    chooser.set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG\xff" * 9}
    )
    shown.place.get_by_text(WORDS["notPlain"]).wait_for()
    chooser.set_input_files(poem)
    shown.place.get_by_text("different ones").wait_for()
    shown.place.locator(".own").evaluate(DROP_FOLDER)
    shown.place.get_by_text("folder can't be read").wait_for()
    press(shown, "Train")
    until(shown, "life.history.length > 3 && life.said.length")
    assert "It learns" in told(shown)
    signs, rest = len(set("가나다 🙂\n")), shown.place.evaluate(NUMBERS)[0]
    assert life(shown, "life.ready.parameters") == rest + 16 * signs
    press(shown, "Stop")
    until(shown, "life.stage === 'stopped'")
    assert "The loss is" in told(shown) and "floor" not in told(shown)
    assert not shown.place.locator(".losses .floor").is_visible()
    assert "Nobody knows its floor" in shown.place.locator(".losses").text_content()
    assert shown.place.locator(".newest mark").count() == 0 and len(curves(shown)) == 1
    assert life(shown, "life.said[0].possible") is None


def test_a_network_goes_into_a_file_and_the_next_run_begins_with_it(shown, tmp_path):
    save = shown.place.get_by_role("button", name="Save as a file")
    assert save.get_attribute("aria-disabled") == "true"
    press(shown, "Train")
    until(shown, "life.history.length > 5")
    press(shown, "Stop")
    until(shown, "life.stage === 'stopped'")
    with shown.page.expect_download() as saving:
        save.click()
    path = tmp_path / saving.value.suggested_filename
    saving.value.save_as(path)
    assert path.name == "gpt-1x16.safetensors"
    loss = life(shown, "life.now.points[0].loss")
    chooser = shown.place.locator("input[accept='.safetensors']")
    chooser.set_input_files({"name": "x.safetensors", "mimeType": "", "buffer": b""})
    shown.place.get_by_text("x.safetensors is empty").wait_for()
    chooser.set_input_files(path)
    shown.place.get_by_text("The next run begins with the weights").wait_for()
    press(shown, "Train")
    until(shown, "life.history.length > 1")
    assert life(shown, "life.now.points[0].loss") < loss - 0.5
    Choose("Layers", "layers", 2).do(shown)
    shown.place.get_by_text(WORDS["unfits"]).wait_for()
    press(shown, "Stop")
    shown.set("{positions: 'table', window: 20}")
    press(shown, "Train")
    until(shown, "life.ready")
    assert life(shown, "life.ready.parameters") == shown.place.evaluate(NUMBERS)[0]


# What a file's network has that can't learn on here -> what the reader is told.
UNLIKE = {
    "n_layer = 4. What learns on here has 1, 2, 3": {"n_layer": 4},
    "n_embd = 24. What learns on here has 16, 32, 48, 64, 128": {"n_embd": 24},
    "n_head = 2. What learns on here has 4": {"n_head": 2},
    "bias = false. What learns on here has true": {"bias": False},
    "tie_weights = false": {"tie_weights": False},
    "rms_norm = true": {"rms_norm": True},
    "qk_norm = true": {"qk_norm": True},
    "relu_squared = true": {"relu_squared": True},
    "block_size = 30. What learns on here has 10, 20, 40, 80": {"block_size": 30},
    "The 1,242 ids of x.safetensors mean other tokens than the 441": {"vocab_size": 1242},
}


@pytest.mark.parametrize("shown", [IDLE], indirect=True)
def test_a_file_whose_network_can_t_learn_on_here_is_told(shown):
    small = {"vocab_size": 441, "block_size": 20, "n_layer": 1, "n_head": 4, "n_embd": 16}
    whole = smallworld.encoding()
    few = ChosenTokens(whole, [*smallworld.spoken_ids(), whole.eot_token])
    chooser = shown.place.locator("input[accept='.safetensors']")
    for told, unlike in ({"begins with the weights": {}} | UNLIKE).items():
        config = GPTConfig(**small | unlike)
        encoding = whole if config.vocab_size == whole.n_vocab else few
        content = network_file.safetensors_bytes(GPT(config), encoding)
        chooser.set_input_files({"name": "x.safetensors", "mimeType": "", "buffer": content})
        shown.place.get_by_text(told).wait_for()
        assert [shown.state()[name] for name in ("layers", "positions", "window")] == [
            1,
            "table",
            20,
        ]
    shown.set("{window: 40}")  # and so another table of positions
    shown.place.get_by_text(WORDS["unfits"]).wait_for()


@pytest.mark.parametrize("shown", [IDLE], indirect=True)
def test_a_good_rate_stays_good_when_the_optimizer_or_the_width_changes(shown):
    """The rate that a failure advises; one that the reader tries stays as it is."""
    shown.set("{rate: 0.01}")
    Pick("Optimizer", "adamw", "optimizer", "adamw").do(shown)
    rates = {}
    for width in SETTINGS["width"]:
        Choose("Width", "width", width).do(shown)
        rates[width] = shown.state()["rate"]
        assert not shown.place.locator(".failed").is_visible()
    assert rates == {16: 0.01, 32: 0.01, 48: 0.01, 64: 0.005, 128: 0.003}
    Pick("Optimizer", "muon", "optimizer", "muon").do(shown)
    assert shown.state()["rate"] == 0.01
    shown.set("{rate: 0.1}")
    Pick("Optimizer", "adamw", "optimizer", "adamw").do(shown)
    assert shown.state()["rate"] == 0.1
