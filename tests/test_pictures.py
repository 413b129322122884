"""Moving pictures in a real browser: in the built page, in JupyterLab, with Colab's versions.

To add a picture: a module in ``moving`` with its page, an example, how its controls are moved, which
numbers it shows, and input that it must answer with a sentence.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata

import nbformat
import numpy as np
import pytest
from conftest import colab_packages
from moving import all_pictures
from moving.hands import Drag, Moving, Write
from nbformat.v4 import new_code_cell, new_notebook
from test_book import HTML, ROOT, Visit, axe_source, serving, site, toc_pages  # noqa: F401

SHOTS = ROOT / "_build" / "screenshots" / "pictures"
LOOKS = [(width, scheme) for width in (1280, 360) for scheme in ("light", "dark")]
HANDS = ("mouse", "keyboard", "touch")
PICTURES = all_pictures()
MERGES = next(moving for moving in PICTURES if moving.name == "Merges")
WORST = "한국어" * 40  # the most bytes of the most characters that Merges takes


class Shown:
    """A picture in a page, and a hand to move it with."""

    def __init__(self, page, kind: str, hand: str = "mouse"):
        self.page, self.hand = page, hand
        self.place = page.locator(f'.moving-picture[data-picture$=".{kind}"]')
        self.place.scroll_into_view_if_needed()
        page.wait_for_function("place => place.dataset.state", arg=self.place.element_handle())

    def tap(self, control, **where):
        control.scroll_into_view_if_needed()
        (control.tap if self.hand == "touch" else control.click)(**where)

    def drag_with_mouse(self, start, end):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=5)
        self.page.mouse.up()

    def drag_with_finger(self, start, end):
        session = self.page.context.new_cdp_session(self.page)
        middle = [(a + b) / 2 for a, b in zip(start, end)]
        for kind, point in (("touchStart", start), ("touchMove", middle), ("touchMove", end)):
            at = [{"x": point[0], "y": point[1]}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
            self.page.wait_for_timeout(50)  # a finger is not faster, and a busy browser must follow
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        self.page.wait_for_timeout(
            350
        )  # a tap that follows sooner is taken for part of the gesture
        session.detach()

    def state(self) -> dict:
        return self.place.evaluate("place => ({...place.model.state})")

    def set(self, state: str):
        """Give the model a state, written in JavaScript: it may hold what JSON can't."""
        self.place.evaluate(
            f"place => {{ for (const [k, v] of Object.entries({state})) place.model.set(k, v); }}"
        )

    def said(self) -> str:
        return self.place.locator(".said").text_content()

    def draw_ms(self, moves) -> list[float]:
        """The longest drawing of each move, from the picture's first state on."""
        took = []
        self.place.evaluate(
            """place => {
                 place.drawn = [];
                 new MutationObserver(() => place.drawn.push(Number(place.querySelector(".picture").dataset.drawMs)))
                   .observe(place.querySelector(".picture"), {attributes: true, attributeFilter: ["data-draw-ms"]});
               }"""
        )
        for move in moves:
            move.do(self)
            took.append(self.place.evaluate("place => Math.max(0, ...place.drawn.splice(0))"))
        return took


@pytest.fixture(params=PICTURES, ids=str)
def moving(request):
    return request.param


def agree(shown: Shown, moving: Moving) -> None:
    """What the page shows is what Python computes for the same state."""
    picture = moving.by_python(shown.state())
    assert shown.place.locator(".failed").is_hidden()
    assert shown.said() == picture.summary()
    got, expected = shown.place.evaluate(moving.numbers), moving.expected(picture)
    exact = all(isinstance(number, int) for number in expected)
    assert got == expected if exact else np.allclose(got, expected, atol=1e-5, rtol=0)
    assert len(got)


# In the page


def test_every_picture_of_the_pages_is_in_the_list():
    found = [
        (page, kind.rpartition(".")[2])
        for page in toc_pages()
        for kind in re.findall(r'data-picture="([\w.]+)"', (HTML / f"{page}.html").read_text())
    ]
    assert sorted(found) == sorted((moving.page, moving.name) for moving in PICTURES)


@pytest.mark.parametrize("width, scheme", LOOKS)
def test_it_is_drawn_and_fits(browser, site, moving, width, scheme):
    visit = Visit(browser, site, moving.page, width, scheme)
    shown = Shown(visit.page, moving.name)
    agree(shown, moving)
    assert shown.place.locator(".picture").get_attribute("data-look") == scheme
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert shown.place.locator(".picture").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    SHOTS.mkdir(parents=True, exist_ok=True)
    shown.place.screenshot(path=SHOTS / f"{moving}-{width}-{scheme}.png")
    assert findings(visit.page) == []
    assert not visit.errors and not visit.refused and not visit.missing
    visit.context.close()


def findings(page) -> list[str]:
    """Everything that axe-core says about the pictures, however slight."""
    page.evaluate(axe_source())
    result = page.evaluate("() => axe.run({include: [['.moving-picture']]}, {preload: false})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]


@pytest.mark.parametrize("hand", HANDS)
def test_every_control_does_what_python_computes(browser, site, moving, hand):
    visit = Visit(browser, site, moving.page, 360, "light", has_touch=hand == "touch")
    shown = Shown(visit.page, moving.name, hand)
    for move in moving.moves:
        before = shown.state()
        move.do(shown)
        assert shown.state() != before or (hand == "keyboard" and isinstance(move, Drag)), move
        agree(shown, moving)
    assert not visit.errors and not visit.refused
    visit.context.close()


@pytest.mark.timing
def test_a_drawing_takes_less_than_a_frame(browser, site, moving):
    """Of 25 times that the controls are moved the best, since a machine may be busy for a while."""
    visit = Visit(browser, site, moving.page, 1280, "light")
    shown = Shown(visit.page, moving.name)
    first, rounds = shown.state(), []
    first.pop("fetched", None)  # what has come does not come again
    for _ in range(25):
        rounds.append(shown.draw_ms(moving.moves))
        shown.set(json.dumps(first))
        took = np.min(rounds, axis=0)
        if len(rounds) >= 3 and took.max() < moving.draw_ms:
            break
    print(f"{moving}: {took.max():.2f} ms")
    assert 0 < took.max() < moving.draw_ms
    visit.context.close()


@pytest.mark.timing
def test_the_largest_text_is_learned_within_a_frame(browser, site):
    visit = Visit(browser, site, "notebooks/01_tokens", 1280, "light")
    shown = Shown(visit.page, "Merges")
    times = []
    for text in [WORST, "abc", WORST[1:] + "a", "abc", WORST[2:] + "ab"]:
        shown.set(f"{{step: 0, text: {json.dumps(text)}}}")
        times.append(float(shown.place.locator(".picture").get_attribute("data-draw-ms")))
    print(times)
    assert min(times[::2]) < 50
    agree(shown, MERGES)
    visit.context.close()


def test_bad_input_is_answered_with_a_sentence(browser, site, moving):
    visit = Visit(browser, site, moving.page, 360, "light")
    shown = Shown(visit.page, moving.name)
    good = json.dumps(shown.state())
    for state, told in moving.bad.items():
        start = time.monotonic()
        shown.set(state)
        failed = shown.place.locator(".failed")
        assert failed.is_visible() and told in failed.text_content(), state
        assert "can't be drawn" not in failed.text_content() and not shown.said()
        assert time.monotonic() - start < 2, "the page was frozen"
        shown.set(good)
        agree(shown, moving)
    assert not visit.errors
    visit.context.close()


def test_a_reader_who_pastes_a_book_can_go_on(browser, site):
    visit = Visit(browser, site, "notebooks/01_tokens", 360, "light")
    shown = Shown(visit.page, "Merges")
    shown.place.get_by_label("Text").fill("war and peace " * 70_000)
    assert "980000 characters" in shown.place.locator(".failed").text_content()
    Write("Text", "text", "peace").do(shown)
    agree(shown, MERGES)
    visit.context.close()


def test_focus_stays_where_the_keyboard_is_at_either_end(browser, site, moving):
    visit = Visit(browser, site, moving.page, 360, "light")
    shown = Shown(visit.page, moving.name, "keyboard")
    for button in shown.place.get_by_role("button").all():
        button.focus()
        for _ in range(110):
            visit.page.keyboard.press("Enter")
        assert button.evaluate("b => b === document.activeElement")
        agree(shown, moving)
    visit.context.close()


def test_the_look_follows_the_page_s_switch(browser, site, moving):
    visit = Visit(browser, site, moving.page, 1280, "light")
    shown = Shown(visit.page, moving.name).place.locator(".picture")
    colour = "e => getComputedStyle(e).backgroundColor"
    light = shown.evaluate(colour)
    visit.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    visit.page.wait_for_timeout(50)
    assert shown.get_attribute("data-look") == "dark" and shown.evaluate(colour) != light
    visit.context.close()


def test_without_scripts_there_is_a_sentence(browser, site, moving):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}{moving.page}.html")
    said = page.locator(f'[data-picture$=".{moving.name}"] p')
    assert said.is_visible() and len(said.inner_text().split()) > 10
    context.close()


def test_a_script_that_does_not_come_leaves_a_sentence(browser, site, moving):
    context = browser.new_context()
    page = context.new_page()
    page.route(re.compile(r"/_static/pictures/.*\.js$"), lambda route: route.abort())
    page.goto(f"{site}{moving.page}.html")
    place = Shown(page, moving.name).place
    assert place.get_attribute("data-state") == "failed"
    first, second = place.locator("p").all()
    assert first.is_visible() and "can't be moved here" in second.inner_text()
    context.close()


def test_pages_load_only_what_their_pictures_need():
    for page in toc_pages():
        html = (HTML / f"{page}.html").read_text()
        assert ("pictures.js" in html) == ('class="moving-picture"' in html), page
        assert "followLook" not in html  # a script's text is in a file, once
    scripts = list((HTML / "_static" / "pictures").glob("*.js"))
    assert len(scripts) == len({moving.name for moving in PICTURES})
    assert all(script.stat().st_size < 60_000 for script in scripts)


# Resources: large files, fetched when they are first needed

TABLE = """
from nbutils.figures.picture import Picture

class Table(Picture):
    script = {script!r}
    resources = {{"table": lambda: b"one two three"}}

    def summary(self):
        return "A table that is not here yet."
"""
TABLE_SCRIPT = """
import { button, element, picture, resource } from "./shared.js";
function build({ model, root }) {
  const out = element("output");
  const fetched = async () => {
    try { out.textContent = new TextDecoder().decode(await resource(model, "table")); }
    catch (error) { out.textContent = error.message; }
  };
  root.append(button("Fetch", fetched), out);
  return () => "Ready.";
}
export default picture({ en: { title: "A table" } }, build);
"""


@pytest.fixture
def table_page(tmp_path, monkeypatch, request):
    """A folder with a page, made as the book's extension makes it."""
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    monkeypatch.syspath_prepend(tmp_path)
    request.addfinalizer(lambda: sys.modules.pop("table_picture", None))
    (tmp_path / "table.js").write_text(TABLE_SCRIPT)
    (tmp_path / "table_picture.py").write_text(TABLE.format(script=str(tmp_path / "table.js")))
    import moving_pictures
    import table_picture

    page = tmp_path / "site"
    html = moving_pictures.with_scripts(table_picture.Table().html(), "pictures", page / "pictures")
    (page / "pictures.js").write_text((ROOT / "book/assets/pictures.js").read_text())
    head = '<html lang="en"><meta charset="utf-8"><script defer src="pictures.js"></script>'
    (page / "index.html").write_text(head + html)
    return page


@pytest.mark.parametrize(
    "spoil, told",
    [
        (None, "one two three"),
        (lambda path: path.write_bytes(b"one two four!"), "damaged on its way"),
        (lambda path: path.unlink(), "can't be loaded (404)"),
    ],
)
def test_a_resource_is_fetched_on_first_use_and_checked(browser, table_page, spoil, told):
    (path,) = table_page.glob("pictures/*.bin")
    if spoil:
        spoil(path)
    asked = []
    with serving(table_page) as address:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        shown = Shown(page, "Table")
        assert not [url for url in asked if url.endswith(".bin")]
        page.get_by_role("button", name="Fetch").click()
        page.wait_for_function("document.querySelector('output').textContent")
        assert told in page.locator("output").text_content()
        assert shown.said() == "Ready."
        page.close()


def test_a_stored_page_with_another_file_is_not_built(table_page):
    import moving_pictures
    import table_picture

    html = table_picture.Table().html().replace('table":"', 'table":"0')
    with pytest.raises(Exception, match="table has changed: run the notebook again"):
        moving_pictures.with_scripts(html, "pictures", table_page / "pictures")
    unknown = html.replace("table_picture.Table", "table_picture.Chair")
    with pytest.raises(Exception, match="'table_picture.Chair', which is nowhere defined"):
        moving_pictures.with_scripts(unknown, "pictures", table_page / "pictures")


# Elsewhere


SHOW = """
import json, sys
sys.path[:0] = {path!r}
import anywidget, ipywidgets
import test_pictures
made = [moving.make() for moving in test_pictures.PICTURES]
data = [picture._repr_mimebundle_()[0] for picture in made]
print(json.dumps({{
    "versions": [anywidget.__version__, ipywidgets.__version__],
    "html": [picture.html() for picture in made],
    "kinds": [sorted(bundle) for bundle in data],
    "scripts": [picture._esm for picture in made],
}}))
"""


def test_with_colab_s_versions_a_page_and_a_widget_are_the_same(tmp_path):
    """What they make is what the tests above have moved in the page."""
    for name in ("anywidget", "ipywidgets", "ipython_genutils"):
        (package,) = metadata.distributions(name=name, path=[str(colab_packages())])
        for file in package.files:
            if ".." not in file.parts and file.locate().is_file():
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), tmp_path / file)
    paths = [str(tmp_path), str(ROOT / "tests")]
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(path=paths)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout.splitlines()[-1])
    assert made["versions"] == ["0.9.21", "7.7.1"]
    here = [moving.make() for moving in PICTURES]
    assert made["html"] == [picture.html() for picture in here]
    assert made["scripts"] == [picture._esm for picture in here]
    view = "application/vnd.jupyter.widget-view+json"
    assert all(kinds == [view, "text/html", "text/plain"] for kinds in made["kinds"])


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab in an empty folder."""
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "work"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        "--port=0",
        "--IdentityProvider.token=",
        "--allow-root",
        "--ServerApp.root_dir=" + str(tmp_path),
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    server = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        told = next(line for line in server.stderr if "http://127.0.0.1" in line)
        yield re.search(r"http://127\.0\.0\.1:\d+/", told)[0]
    finally:
        server.terminate()
        server.wait(20)


def test_the_same_pictures_move_in_jupyterlab(browser, lab, tmp_path):
    code = [
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT / 'tests')!r}]\n"
        "import test_pictures, table_picture\n"
        "made = [moving.make() for moving in test_pictures.PICTURES]",
        *(f"made[{i}]" for i in range(len(PICTURES))),
        "table_picture.Table()",
    ]
    (tmp_path / "table.js").write_text(TABLE_SCRIPT)
    (tmp_path / "table_picture.py").write_text(TABLE.format(script=str(tmp_path / "table.js")))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(line) for line in code], metadata=kernel)
    nbformat.write(notebook, tmp_path / "a.ipynb")
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.goto(f"{lab}lab/tree/a.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.evaluate(
        "jupyterapp.shell.currentWidget.sessionContext.ready"
    )  # else it asks for a kernel
    page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    shown = page.locator(".jp-OutputArea .picture")
    for i, moving in enumerate(PICTURES):
        picture = shown.nth(i)
        picture.wait_for(timeout=90_000)
        assert picture.locator(".said").text_content() == moving.make().summary()
        move_in_lab(InLab(page, picture, moving), moving)
    shown.nth(len(PICTURES)).get_by_role("button", name="Fetch").click()
    page.get_by_text("one two three").wait_for(timeout=20_000)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "jupyterlab.png")
    page.close()


class InLab(Shown):
    """A picture in a live notebook, whose state the kernel has too."""

    def __init__(self, page, place, moving: Moving):
        self.page, self.place, self.hand = page, place, "mouse"
        self.names = list(moving.make().state())

    def state(self) -> dict:
        return self.place.evaluate(
            "(root, names) => Object.fromEntries(names.map(name => [name, root.model.get(name)]))",
            self.names,
        )


def move_in_lab(shown: InLab, moving: Moving) -> None:
    """Move one control; what is said then is what Python computes."""
    shown.place.scroll_into_view_if_needed()
    moving.moves[0].do(shown)
    expected = moving.by_python(shown.state()).summary()
    shown.place.locator(".said", has_text=expected.splitlines()[0]).wait_for(timeout=10_000)
    assert shown.said() == expected
