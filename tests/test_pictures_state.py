"""What all moving pictures share: a link to a state, what a reload keeps, start again, full screen."""

import json
import re
from urllib.parse import parse_qs, urlencode

import pytest
from moving import all_pictures
from shown import Shown, agree, alone
from visits import Reader

from authoring.site import serving

PICTURES = all_pictures()
# One whose state is numbers and flags, one a text, one a list, one an object: the rest is the same for all.
LINKED = [m for m in PICTURES if m.name in ("AttentionHeads", "Sampler", "SixWeights", "Digits")]
LINKED.append(next(moving for moving in PICTURES if moving.name == "Counter"))
HEADS = next(moving for moving in PICTURES if moving.name == "AttentionHeads")
# As book/scripts/memory.js: paths in localStorage. Tests of that file are its own.
MEMORY = """if (location.protocol !== "about:") window.nextToken = { memory: {
  all: JSON.parse(localStorage.getItem("memory") ?? "{}"),
  get(path, otherwise) { return this.all[path.join("/")] ?? otherwise; },
  set(path, value) {
    this.all[path.join("/")] = value;
    localStorage.setItem("memory", JSON.stringify(this.all));
  },
} };"""
# What the clipboard gets; headless browsers have none.
CLIPBOARD = """if (navigator.clipboard) navigator.clipboard.writeText = async (text) => { window.copied = text; };"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    for moving in PICTURES:
        alone(moving.make(), folder, str(moving))
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def reader(browser, studio):
    made = Reader(browser, studio)
    made.context.add_init_script(MEMORY)
    made.context.add_init_script(CLIPBOARD)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_remembered(reader):
    reader.page.goto(f"{reader.address}picture.css")
    reader.page.evaluate("localStorage.clear()")
    reader.errors.clear()


def opened(reader: Reader, moving, fragment: str = "") -> Shown:
    """The picture, loaded anew, with that fragment in the address."""
    reader.page.goto("about:blank")  # a fragment alone would load nothing
    reader.page.goto(f"{reader.address}{moving}.html{fragment}")
    reader.arrived()
    return Shown(reader.page, moving.name)


def own(shown: Shown) -> dict:
    """What of the state is the reader's."""
    state = shown.state()
    return {name: state[name] for name in state["_kept"]}


@pytest.mark.parametrize("moving", PICTURES, ids=str)
def test_what_controls_move_is_kept(moving):
    """Each move's trait is one that is kept, small, and a trait that the page has."""
    made = moving.make()
    moved = {move.name for move in moving.moves if hasattr(move, "name")}
    traits = set(made.traits(sync=True))
    assert moved & traits <= set(made.kept) <= traits
    assert len(json.dumps([getattr(made, name) for name in made.kept])) < 2_000


@pytest.mark.parametrize("moving", LINKED, ids=str)
def test_a_link_a_reload_and_a_new_start(reader, moving):
    shown = opened(reader, moving)
    first = own(shown)
    again = shown.place.get_by_role("button", name="Start again")
    assert again.get_attribute("aria-disabled") == "true"
    moving.moves[0].do(shown)
    moved = own(shown)
    assert moved != first and again.get_attribute("aria-disabled") == "false"
    shown.place.get_by_role("button", name="Copy a link").click()
    fragment = "#" + reader.page.evaluate("copied").partition("#")[2]
    assert shown.place.get_by_role("button", name="Link copied").is_visible()
    reader.page.wait_for_function("Object.keys(nextToken.memory.all).length")  # it is remembered
    for where in ("", fragment):
        shown = opened(reader, moving, where)
        assert own(shown) == moved
        agree(shown, moving)
        if where == "":
            shown.place.get_by_role("button", name="Start again").click()
            assert own(shown) == first
            reader.page.wait_for_function("JSON.stringify(nextToken.memory.all) === '{}'")
            agree(shown, moving)
    assert parse_qs(fragment[1:])["picture"] == [moving.make().script.removesuffix(".js")]
    assert reader.page.evaluate("document.activeElement.getAttribute('role')") == "group"
    assert reader.troubles() == {}


@pytest.mark.parametrize(
    "asked, told",
    [
        ({"token": "99"}, "token is 99"),
        ({"token": "x"}, "token is x"),
        ({"token": "3", "masked": "maybe"}, "masked is maybe"),
        ({"q": "[]", "_words": "{}", "__proto__": "{}"}, ""),  # no reader's to change
        ({"picture": "nudge", "token": "3"}, ""),
    ],
)
def test_a_link_that_is_wrong_is_told_and_changes_nothing(reader, asked, told):
    fragment = "#" + urlencode({"picture": "heads"} | asked)
    shown = opened(reader, HEADS, fragment)
    failed = shown.place.locator(".failed")
    assert failed.is_visible() == bool(told) and told in failed.text_content()
    assert own(shown)["token"] == HEADS.make().token
    assert shown.said() == HEADS.make().summary()
    HEADS.moves[0].do(shown)
    agree(shown, HEADS)
    assert reader.errors == []


def test_a_second_link_in_the_same_page_is_followed_and_left_behind(reader):
    shown = opened(reader, HEADS, "#picture=heads&token=3")
    reader.page.evaluate("location.hash = '#picture=heads&masked=false'")
    reader.page.wait_for_function(
        "place => !place.model.get('masked')", arg=shown.place.element_handle()
    )
    first = HEADS.make()
    assert own(shown) == {name: getattr(first, name) for name in first.kept} | {"masked": False}
    agree(shown, HEADS)
    HEADS.moves[0].do(shown)
    assert "#" not in reader.page.url  # a reload finds what the reader went on to


def test_what_is_remembered_wrongly_is_forgotten(reader):
    opened(reader, HEADS)
    path = f"pictures/{HEADS}/heads"
    kept = json.dumps({path: {"token": 99}})
    reader.page.evaluate("kept => localStorage.setItem('memory', kept)", kept)
    shown = opened(reader, HEADS)
    assert own(shown)["token"] == HEADS.make().token
    assert reader.page.evaluate("path => nextToken.memory.all[path] === undefined", path)


def test_full_screen_and_back(reader):
    shown = opened(reader, HEADS)
    shown.place.get_by_role("button", name="Full screen").click()
    leave = shown.place.get_by_role("button", name="Leave full screen")
    leave.wait_for()
    picture = shown.place.locator(".picture")
    assert picture.evaluate("e => e === document.fullscreenElement")
    assert picture.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    leave.click()
    shown.place.get_by_role("button", name="Full screen", exact=True).wait_for()


def test_where_nothing_may_be_copied_the_link_can_be_read(reader):
    shown = opened(reader, HEADS)
    reader.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject('no'); }")
    HEADS.moves[0].do(shown)
    shown.place.get_by_role("button", name="Copy a link").click()
    line = shown.place.get_by_label("The link to this state")
    line.wait_for()
    assert re.search(r"#picture=heads&scaled=false$", line.input_value())


def test_without_memory_and_page_a_picture_starts_as_it_was_made(browser, studio):
    reader = Reader(browser, studio)
    reader.turn_to(str(HEADS))
    shown = Shown(reader.page, HEADS.name)
    HEADS.moves[0].do(shown)
    reader.turn_to(str(HEADS))
    agree(shown, HEADS)
    assert shown.said() == HEADS.make().summary()
    assert reader.troubles() == {}
    reader.close()
