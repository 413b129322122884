"""What single pictures show beside numbers and a sentence: lines, places, what is fetched when."""

import numpy as np
import pytest
from moving import all_pictures
from moving.hands import press
from shown import Shown, agree, alone
from visits import Reader

from authoring.site import serving
from nbutils.figures.moving.sampler import Sampler
from nbutils.figures.moving.transformer import list_stages

ALL = {
    moving.name: moving for moving in all_pictures()
}  # of a name's pictures the last: a counter that begins with gpt2
HEADS, WHOLE, MOLE, COUNTER, MAP = (
    ALL[name]
    for name in ("AttentionHeads", "WholeTransformer", "Meanings", "Counter", "EmbeddingMap")
)
OTHERS = {
    "meanings": "Meanings",
    "counter": "Counter",
    "nudge": "Nudge",
    "rates": "Rates",
    "map": "EmbeddingMap",
    "digits": "Digits",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    alone(HEADS.make(), folder, "heads")
    alone(WHOLE.make(), folder, "whole")
    for page, name in OTHERS.items():
        alone(ALL[name].make(), folder, page)
    alone(Sampler(), folder, "sampler")
    alone(Sampler(waits=True), folder, "waits")
    far = (folder / "sampler.html").read_text("utf-8")
    (folder / "far.html").write_text(
        far.replace("<main>", "<main><p style='height: 400vh'>"), "utf-8"
    )
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def reader(browser, studio):
    made = Reader(browser, studio)
    yield made
    made.close()


def met(reader: Reader, page: str, kind: str, width: int = 1280) -> Shown:
    reader.turn_to(page, width)
    return Shown(reader.page, kind)


def test_each_weight_that_counts_has_a_line_as_thick_as_it(reader):
    shown = met(reader, "heads", "AttentionHeads")
    for token in (5, 3):
        shown.set(f"{{token: {token}}}")
        weights = HEADS.by_python(shown.state()).weights()
        drawn = shown.place.locator(".looking > svg path").evaluate_all(
            "lines => lines.map(l => [l.className.baseVal.slice(5), l.dataset.place, "
            "l.getAttribute('stroke-width')].map(Number))"
        )
        expected = [
            [head, place, round(1 + 5 * share, 2)]
            for (head, place), share in np.ndenumerate(weights)
            if share >= 0.03
        ]
        assert np.allclose(drawn, expected, atol=0.006)


def test_who_hovers_over_a_token_reads_what_each_head_gives_it(reader):
    shown = met(reader, "heads", "AttentionHeads")
    share = HEADS.make().weights()[0, 2]
    for place in (".stream .chip", ".heads tbody tr"):
        shown.place.locator(place).nth(2).hover()
        told = shown.place.locator(".hovered").text_content()
        assert f"(token 2): head 1 with {100 * share:.3g} %".replace(".0 ", " ") in told
        bright = shown.place.locator(".looking path:not(.faint)")
        assert set(bright.evaluate_all("lines => lines.map(l => l.dataset.place)")) <= {"2"}
        reader.page.mouse.move(0, 0)
        assert "Tap or drag" in shown.place.locator(".hovered").text_content()


def test_what_it_says_is_on_the_screen_with_what_says_it(reader):
    shown = met(reader, "heads", "AttentionHeads")
    ends = shown.place.evaluate(
        "e => [e.querySelector('.controls'), e.querySelector('.said')].map(x => x.getBoundingClientRect().bottom)"
    )
    assert ends[1] - ends[0] < 420


@pytest.mark.parametrize("width", [1280, 390])
def test_no_stage_of_the_transformer_makes_the_page_jump(reader, width):
    shown = met(reader, "whole", "WholeTransformer", width)
    heights = set()
    for stage in range(len(list_stages())):
        shown.set(f"{{column: 0, stage: {stage}}}")
        shown.settled()
        heights.add(shown.place.bounding_box()["height"])
        here = shown.place.locator(".overview .here")
        assert here.count() == 1 and here.get_attribute("title").startswith(f"{stage}: ")
    assert max(heights) - min(heights) <= 2


def test_an_answer_that_was_never_trained_is_not_told_as_one(reader):
    shown = met(reader, "whole", "WholeTransformer")
    shown.set("{column: 0, stage: 42, row: 2}")
    agree(shown, WHOLE)
    assert "for which it was never trained" in shown.said()
    ink = """e => { const c = e.querySelector("canvas"), at = devicePixelRatio;
      return [2, 8].map((row) => [...c.getContext("2d").getImageData(
        (c.clientWidth * .3) * at, (18 + 17 * row + 3) * at, 1, 1).data]); }"""
    shown.set("{row: 10, column: 2}")
    values = np.reshape(shown.place.evaluate("e => e.querySelector('.map').values"), (11, 3))
    pale, strong = shown.place.evaluate(ink)
    assert values[8, 0] < 0.5 or pale[3] < strong[3] / 4


def test_the_network_comes_when_it_is_in_sight_or_touched(reader):
    met(reader, "sampler", "Sampler")
    reader.page.wait_for_function("document.querySelector('.note').hidden")
    assert sum(".bin" in address for address in reader.asked) == 2
    for page, wakes in (("far", False), ("waits", True)):
        reader.turn_to(page)
        reader.page.wait_for_timeout(300)
        assert not any(".bin" in address for address in reader.asked), page
        note = reader.page.locator(".note")
        if wakes:
            assert "(1.6 MB)" in note.text_content()
            press(Shown(reader.page, "Sampler"), reader.page.get_by_role("button", name="Draw one"))
        else:
            assert note.count() == 0  # far away, it has not even begun
            reader.page.locator(".moving-picture").scroll_into_view_if_needed()
        reader.page.wait_for_function("document.querySelector('.note')?.hidden")
        assert sum(".bin" in address for address in reader.asked) == 2
    reader.page.locator(".written .chip").wait_for()
    assert reader.errors == []


def test_start_again_forgets_what_was_drawn(reader):
    shown = met(reader, "sampler", "Sampler")
    press(shown, shown.place.get_by_role("button", name="Draw one"))
    shown.place.locator(".written .chip").wait_for()
    shown.place.get_by_role("button", name="Start again").click()
    assert shown.state()["text"] == "" and shown.place.locator(".written .chip").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_words_place_is_where_its_line_and_its_stage_are(reader, width):
    shown = met(reader, "meanings", "Meanings", width)
    for stage in range(len(MOLE.make().stages)):
        shown.set(f"{{place: 6, stage: {stage}}}")
        off = shown.place.evaluate("""e => {
          const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
          const [x, y] = middle(e.querySelector(".dot").getBoundingClientRect()), line = e.querySelector(".done");
          const drawn = e.querySelector(".ways svg").getBoundingClientRect(), end = line.points[line.points.length - 1];
          const name = middle(e.querySelector(".stages .now").getBoundingClientRect());
          const ends = e.querySelector(".ends").getBoundingClientRect();
          return [x - drawn.left - end.x * drawn.width / 100, y - drawn.top - end.y, y - name[1],
            drawn.left - ends.left, drawn.right - ends.right];
        }""")
        assert np.abs(off).max() < 2, (stage, off)


def test_bars_of_two_networks_are_as_long_as_their_numbers(reader):
    shown = met(reader, "counter", "Counter")
    shown.place.get_by_label("Width", exact=True).fill("1024")
    shown.place.get_by_label("Width", exact=True).fill("1536")  # gpt2 stays beside it
    agree(shown, COUNTER)
    assert shown.state()["before"] == COUNTER.make().shape
    pairs = shown.place.locator(".counted .bar:not([hidden])").evaluate_all(
        "rows => rows.map(r => [...r.querySelectorAll('.fill')].flatMap((f, i) => "
        "[f.getBoundingClientRect().width, Number(i ? r.dataset.value : f.dataset.before)]))"
    )
    lengths, numbers = np.reshape(pairs, (-1, 2)).T
    assert np.abs(lengths - numbers * lengths.max() / numbers.max()).max() < 0.5
    assert "of gpt2." in shown.said()


def test_a_bar_of_the_nudges_is_as_long_as_its_probability(reader):
    shown = met(reader, "nudge", "Nudge")
    shown.set("{step: 5}")
    shares = shown.place.locator(".nudged .bar").evaluate_all(
        "rows => rows.map(r => [r.querySelector('.fill').getBoundingClientRect().width / "
        "r.querySelector('.track').getBoundingClientRect().width, Number(r.dataset.value)])"
    )
    assert all(abs(long - p) < 0.005 for long, p in shares)


@pytest.mark.parametrize("page, kind", [("nudge", "Nudge"), ("rates", "Rates")])
@pytest.mark.parametrize("width", [1280, 390])
def test_each_curve_has_its_name_and_says_itself(reader, page, kind, width):
    shown = met(reader, page, kind, width)
    boxes = shown.place.locator(".plot .name").evaluate_all(
        "names => names.map(n => n.getBoundingClientRect()).map(b => [b.top, b.bottom, b.right])"
    )
    assert len(boxes) == shown.place.locator("polyline").count()
    tops = sorted(boxes)
    assert all(above[1] <= below[0] + 1 for above, below in zip(tops, tops[1:]))
    assert max(box[2] for box in boxes) <= shown.place.evaluate(
        "e => e.getBoundingClientRect().right"
    )
    drawn = shown.place.locator(".plot svg")
    box = drawn.bounding_box()
    line = shown.place.locator("polyline").first
    middle = line.evaluate("l => l.points[l.points.length >> 1].y")
    before = shown.state()
    drawn.hover(position={"x": box["width"] / 2, "y": middle})
    told = shown.place.locator(".plot + .quiet")
    name = shown.place.locator(".plot .name").first.text_content().removesuffix(" ▲")
    assert name in told.text_content() and line.get_attribute("class").count("hovered") == 1
    assert shown.state() == before  # to point is not to choose
    reader.page.mouse.move(0, 0)
    assert "Tap a line" in told.text_content()


def test_every_word_of_the_map_has_a_name_under_the_mouse(reader):
    shown = met(reader, "map", "EmbeddingMap")
    words, chosen = shown.state()["words"], shown.state()["word"]
    drawn = shown.place.locator("svg.words").first
    named = set()
    for place in drawn.locator("circle").all():
        at = {key: float(place.get_attribute(key)) for key in ("cx", "cy")}
        drawn.hover(position={"x": at["cx"], "y": at["cy"]}, force=True)
        named.add(drawn.locator(".pointed text").text_content())
    assert named == set(words) and shown.state()["word"] == chosen


def test_the_same_word_twice_is_told_beside_the_lists_and_nothing_goes(reader):
    shown = met(reader, "map", "EmbeddingMap")
    told = shown.place.locator(".differ")
    for state in ("{a: 3, b: 3}", "{a: 0, b: 5, c: 5}", "{a: 2, b: 1, c: 2}", "{a: 4, b: 4, c: 4}"):
        shown.set(state)
        agree(shown, MAP)
        assert "Choose three different ones" in told.text_content() and told.is_visible()
        drawn = shown.place.locator("svg.words")
        assert "NaN" not in "".join(drawn.evaluate_all("all => all.map(x => x.innerHTML)"))
        assert min(drawn.nth(i).locator("circle").count() for i in (0, 1)) >= 5
    shown.set("{a: 0, b: 1, c: 3}")
    assert told.text_content() == ""


def test_paper_is_white_and_ink_black_in_the_dark_too(reader):
    shown = met(reader, "digits", "Digits")
    for look in ("light", "dark"):
        reader.page.evaluate("look => { document.documentElement.dataset.theme = look; }", look)
        shown.place.locator(f'.picture[data-look="{look}"]').wait_for()
        for place in (".field", ".seen"):
            paper = shown.place.locator(place).evaluate(
                "e => [e, e.querySelector('canvas') ?? e].map(getComputedStyle).map(s => [s.backgroundColor, s.filter])"
            )
            assert paper[0][0] == "rgb(255, 255, 255)" and {filter for _, filter in paper} == {
                "none"
            }
