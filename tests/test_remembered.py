"""In the page: questions are asked, what answers them is veiled, and what the reader did is remembered."""

import json

import pytest
from visits import CHAPTERS, Reader

from authoring import predictions
from nbutils import words

TOLD = words.table(predictions.AREA, "en")
PROGRESS = words.table("pages/progress", "en")
PAGE = "notebooks/01_tokens"
COURSE = [page for page in CHAPTERS if "exercises" not in page]
KEPT = "(JSON.parse(localStorage.getItem('next-token'))?.kept ?? {})"
# Answers each question of the page in its first wrong way (then all of them are right); what is then said.
ANSWER_ALL = """() => [...document.querySelectorAll(".prediction")].map((place) => {
  const { kind, right } = JSON.parse(place.dataset.question);
  const blocks = [...document.querySelectorAll(`.veiled[data-by="${place.id}"]`)];
  const veiled = blocks.map((block) => block.getAttribute("hidden"));
  const wrong = place.querySelector("li[data-wrong]")?.dataset.wrong;
  const own = place.querySelector("li[data-wrong]")?.textContent.trim();
  if (kind === "choice") place.querySelector(`[data-choice="${wrong}"]`).click();
  else {
    place.querySelector("input, textarea").value = wrong ?? (kind === "number" ? "-123456" : "xyz");
    place.querySelector(".acts .main").click();
  }
  const lifted = !blocks.some((block) => block.hasAttribute("hidden"));
  return { id: place.id, kind, veiled, lifted, done: place.dataset.done, own,
    verdict: place.querySelector(".verdict").textContent, because: place.querySelector(".because")?.textContent.trim(),
    open: place.querySelector("details").open, right: String(right) };
})"""


@pytest.fixture
def visitor(browser, site):
    """A reader whose browser remembers nothing yet."""
    made = Reader(browser, site, has_touch=True)
    yield made
    made.close()


@pytest.mark.parametrize("name", COURSE)
def test_each_question_veils_its_answer_and_names_the_mistake(visitor, name):
    visitor.turn_to(name)
    found = visitor.page.evaluate(ANSWER_ALL)
    assert len(found) >= 9
    for one in found:
        assert {*one["veiled"]} == {"until-found"}, one
        assert one["lifted"] and one["open"], one
        assert one["because"] == one["own"], one
        if one["kind"] in ("choice", "number", "word"):
            assert one["done"] == "wrong" and one["verdict"], one
        if one["kind"] == "choice":
            assert one["verdict"].endswith(f"It is {one['right']}."), one
    kept = visitor.page.evaluate(f"{KEPT}.predictions['{name}']")
    assert kept.keys() == {one["id"] for one in found}
    assert visitor.troubles() == {}
    if name != PAGE:
        return
    visitor.page.reload()
    visitor.arrived()
    assert visitor.page.evaluate("[...document.querySelectorAll('.veiled[hidden]')].length") == 0
    again = visitor.page.evaluate(
        "[...document.querySelectorAll('.prediction')].map(p => p.dataset.done)"
    )
    assert again == [one["done"] for one in found]


def question(visitor, kind: str, page: str = PAGE):
    """The first question of that kind on a page."""
    visitor.turn_to(page)
    return visitor.page.locator(f".prediction[data-question*='\"{kind}\"']").first


@pytest.mark.parametrize("hand", ["mouse", "keyboard", "touch"])
def test_a_choice_is_made_by_each_hand(visitor, hand):
    place = question(visitor, "choice")
    right = json.loads(place.get_attribute("data-question"))["right"]
    choice = place.locator(f"[data-choice='{right}']")
    if hand == "keyboard":
        choice.focus()
        visitor.page.keyboard.press("Enter")
    else:
        choice.click() if hand == "mouse" else choice.tap()
    assert place.locator(".verdict").inner_text().endswith(f"Right, it is {right}.")
    place.locator(".again").click()  # asked anew, it is as it was
    fresh = visitor.page.locator(f"#{place.get_attribute('id')}")
    assert fresh.get_attribute("data-done") is None and visitor.page.locator(".veil").count() > 0


def test_a_number_is_typed_and_what_is_none_is_asked_for_again(visitor):
    place = question(visitor, "number")
    right = json.loads(place.get_attribute("data-question"))["right"]
    line = place.locator("input")
    for typed, said in (("", TOLD["nothing"]), ("many", "many is no number")):
        line.fill(typed)
        line.press("Enter")
        assert said in place.locator(".result").inner_text()
        assert place.get_attribute("data-done") is None
    line.fill(str(right))
    line.press("Enter")
    assert "Right" in place.locator(".verdict").inner_text()


def test_show_me_find_in_page_a_link_and_show_all_open_what_is_veiled(visitor):
    visitor.turn_to(PAGE)
    page, veils = visitor.page, visitor.page.locator(".veiled[hidden]")
    before = veils.count()
    page.get_by_role("button", name=TOLD["show"]).first.click()
    assert veils.count() == before - 1
    assert "shown" in page.evaluate(f"Object.values({KEPT}.predictions['{PAGE}'])[0]")
    page.evaluate(
        "document.querySelector('.veiled[hidden]').dispatchEvent(new Event('beforematch'))"
    )
    assert veils.count() == before - 2
    page.evaluate(
        "document.querySelector('.veiled[hidden] pre').id = 'inside'; location.hash = '#inside'"
    )
    page.wait_for_function(f"document.querySelectorAll('.veiled[hidden]').length === {before - 3}")
    said = page.locator(".veil").first.text_content()
    block = page.locator(".veiled[hidden]").first
    assert f"{block.get_attribute('data-cells')} cell" in said
    pressed = page.get_by_role("button", name=TOLD["show_all"]).last
    pressed.scroll_into_view_if_needed()
    pressed.click()
    assert veils.count() == 0 and page.locator(".veil").count() == 0
    assert page.evaluate("document.activeElement.matches('.veiled')")
    assert page.evaluate(f"Object.keys({KEPT}.predictions['{PAGE}']).length") == len(
        page.locator(".prediction").all()
    )


def test_print_and_a_page_without_script_show_everything(browser, site):
    hidden = """[...document.querySelectorAll(".prediction li, .prediction details p, .veiled .cell_input")]
        .filter((e) => !e.checkVisibility({ contentVisibilityAuto: true })).length"""
    for options in ({}, {"java_script_enabled": False}):
        visitor = Reader(browser, site, **options)
        visitor.page.goto(f"{site}{PAGE}.html")
        if options:
            shown = visitor.page.locator(".prediction details, .veiled .cell_input")
            assert all(one.is_visible() for one in shown.all()[:6])
        else:
            assert visitor.page.evaluate(hidden) > 0
            visitor.page.emulate_media(media="print")
            visitor.page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert visitor.page.evaluate(hidden) == 0
        visitor.close()


def test_what_was_read_is_counted_and_gone_on_with(visitor):
    page = visitor.page
    visitor.turn_to(PAGE)
    page.evaluate(
        "document.querySelectorAll('article h2')[1].closest('section').lastElementChild.scrollIntoView()"
    )
    page.wait_for_function(f"{KEPT}.last")
    last = page.evaluate(f"{KEPT}.last")
    assert last["page"] == PAGE and last["title"] and last["heading"]
    page.locator(".bd-sidebar-secondary .was-read").first.wait_for(state="attached")
    assert "1 of" in page.locator(".on-this-page").inner_text()
    visitor.turn_to("book/intro")
    go_on = page.locator("#go-on a")
    assert last["heading"] in go_on.inner_text()
    assert go_on.get_attribute("href").endswith(f"{PAGE}.html#{last['section']}")


def progress_page(visitor):
    visitor.turn_to("book/progress")
    return visitor.page.locator("#progress-here")


# As own.js keeps a network.
KEEP_NETWORK = """() => new Promise((done) => {
  const asked = indexedDB.open("next-token", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("networks");
  asked.onsuccess = () => {
    const work = asked.result.transaction("networks", "readwrite");
    const kept = { name: "mine", date: "2026-11-30T20:00:00Z", file: new ArrayBuffer(3e5) };
    work.objectStore("networks").put(kept, "newest");
    work.oncomplete = () => done(dispatchEvent(new Event("network")));
    asked.result.close();
  };
})"""


def test_progress_is_shown_saved_taken_back_and_forgotten(visitor, tmp_path):
    place = question(visitor, "choice")
    place.locator(".choice").first.click()
    shown = progress_page(visitor)
    assert "1 / " in shown.inner_text()
    network = shown.locator("section", has_text=PROGRESS["network"])
    assert network.is_hidden()
    visitor.page.evaluate(KEEP_NETWORK)
    network.get_by_text("mine of 2026-11-30 (0.3 MB)").wait_for()
    with visitor.page.expect_download() as download:
        shown.get_by_role("button", name=PROGRESS["save"]).click()
    saved = tmp_path / "saved.json"
    download.value.save_as(saved)
    kept = json.loads(saved.read_text("utf-8"))["kept"]
    shown.get_by_role("button", name=PROGRESS["forget"]).click()
    shown.get_by_role("button", name=PROGRESS["forget_yes"]).click()
    assert visitor.page.evaluate(KEPT) == {} and PROGRESS["nothing"] in shown.inner_text()
    network.wait_for(state="hidden")
    visitor.page.reload()
    assert PROGRESS["nothing"] in shown.inner_text() and network.is_hidden()
    shown.locator("input[type=file]").set_input_files(saved)
    shown.get_by_text("saved.json was read").wait_for()
    assert visitor.page.evaluate(KEPT) == kept


@pytest.mark.parametrize(
    "content, said",
    [
        (
            '{"version": 1, "exercises": {"to_bytes": {"tries": 2, "passed": "2026"}, "count_pairs": {"tries": 7}}}',
            "1 of",
        ),
        ('{"version": 2, "exercises": {}}', "newer version"),
        ('{"version": 1, "kept": []}', "neither"),
        ("no JSON", "neither"),
    ],
)  # fmt: skip
def test_a_file_of_exercises_is_read_and_another_named(visitor, tmp_path, content, said):
    shown = progress_page(visitor)
    file = tmp_path / "next_token_progress.json"
    file.write_text(content, "utf-8")
    shown.locator("input[type=file]").set_input_files(file)
    shown.get_by_text(said).first.wait_for()
    if "to_bytes" in content:
        assert "count_pairs: 7 tries" in shown.inner_text() and "1 / 10" in shown.inner_text()
        visitor.page.reload()
        assert "count_pairs: 7 tries" in shown.inner_text()


def test_a_browser_that_saves_nothing_still_asks(visitor):
    visitor.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw Error('no'); } })"
    )
    visitor.page.goto(f"{visitor.address}{PAGE}.html")
    visitor.page.locator(".choice").first.click()
    assert visitor.page.locator(".prediction[data-done]").count() == 1
    visitor.page.goto(f"{visitor.address}book/progress.html")
    assert PROGRESS["not_saved"] in visitor.page.locator("#progress-here").inner_text()


def test_what_was_changed_by_hand_and_a_cut_link_stop_nothing(visitor):
    """A part that isn't of its form is as if it were not there; the page that can forget it is shown."""
    bad = {"read": {PAGE: 5}, "predictions": {PAGE: "x"}, "exercises": {"to_bytes": 3}, "last": 7}
    text = json.dumps({"version": 1, "kept": bad})
    visitor.turn_to(f"{PAGE}")
    visitor.page.evaluate("text => localStorage.setItem('next-token', text)", text)
    visitor.page.goto(f"{visitor.address}{PAGE}.html?again#%E0%A4%A")
    visitor.page.locator(".on-this-page").wait_for()
    shown = progress_page(visitor)
    assert "0 / " in shown.inner_text()
    assert shown.get_by_role("button", name=PROGRESS["forget"]).is_visible()
    assert visitor.errors == []
