"""Moving pictures in a real browser: alone, in the built page, in JupyterLab, with Colab's versions.

To add a picture: a module in ``moving`` with its page, an example, how its controls are moved, which
numbers it shows, and input that it must answer with a sentence.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from itertools import cycle, groupby

import nbformat
import pytest
from conftest import colab_packages
from moving import all_pictures
from moving.hands import Drag, Moving
from nbformat.v4 import new_code_cell, new_notebook
from shown import GONE, RINGS, Shown, agree, alone, state_to_return_to, write_table
from visits import OVERFLOW, Reader, axe_source, html_of

from authoring.site import HTML, ROOT, serving, toc_pages

SHOTS = ROOT / "_build" / "screenshots" / "pictures"
WIDTHS, SCHEMES = (1280, 360), ("light", "dark")
HANDS = ("mouse", "keyboard", "touch")
PICTURES = all_pictures()


@pytest.fixture(params=PICTURES, ids=str)
def moving(request):
    return request.param


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """The address of pages with one picture each, named as the picture prints itself."""
    folder = tmp_path_factory.mktemp("studio")
    for moving in PICTURES:
        alone(moving.make(), folder, str(moving))
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def visitor(browser, studio):
    """A tab on the pictures alone."""
    made = Reader(browser, studio)
    yield made
    made.close()


@pytest.fixture(scope="module")
def finger(browser, studio):
    """The same under a finger."""
    made = Reader(browser, studio, has_touch=True)
    yield made
    made.close()


def met(reader: Reader, moving: Moving, width: int = 360, hand: str = "mouse") -> Shown:
    """The picture, on a page of its own that was opened anew."""
    reader.turn_to(str(moving), width)
    return Shown(reader.page, moving.name, hand)


# Alone


def test_it_is_drawn_in_every_look_and_fits(visitor, moving):
    shown = met(visitor, moving)
    agree(shown, moving)
    grounds = set()
    for scheme in SCHEMES:
        for width in WIDTHS:
            visitor.look(width, scheme)
            looks_right(visitor, shown, scheme)
        assert findings(visitor.page) == []
        grounds.add(ground(shown))
    picture = shown.place.locator(".picture")
    assert picture.evaluate(RINGS) == []
    visitor.page.emulate_media(forced_colors="active")
    assert picture.evaluate(GONE) == []
    visitor.page.emulate_media(forced_colors="none")
    assert len(grounds) == 2
    visitor.page.evaluate("document.documentElement.dataset.theme = 'light'")  # the page's switch
    picture = shown.place.locator(".picture[data-look=light]")
    picture.wait_for()
    assert ground(shown) in grounds
    assert visitor.troubles() == {}


def looks_right(reader: Reader, shown: Shown, scheme: str) -> None:
    """It has the page's look and fits into its place."""
    picture = shown.place.locator(f".picture[data-look={scheme}]")
    picture.wait_for()
    assert reader.page.evaluate(OVERFLOW) <= 0
    assert picture.evaluate("e => e.scrollWidth - e.clientWidth") <= 0


def ground(shown: Shown) -> str:
    return shown.place.locator(".picture").evaluate("e => getComputedStyle(e).backgroundColor")


def findings(page) -> list[str]:
    """Everything that axe-core says about the pictures, however slight."""
    page.evaluate(axe_source())
    result = page.evaluate("() => axe.run({include: [['.moving-picture']]}, {preload: false})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]


# Each picture by mouse and by one of the others; in its chapter by all three, in the part pages.
MOVED = [
    *((moving, "mouse") for moving in PICTURES),
    *zip(PICTURES, cycle(("keyboard", "touch"))),
]


@pytest.mark.parametrize("moving, hand", MOVED, ids=str)
def test_every_control_does_what_python_computes(visitor, finger, moving, hand):
    reader = finger if hand == "touch" else visitor
    move_all(met(reader, moving, hand=hand), moving)
    assert reader.troubles() == {}


def move_all(shown: Shown, moving: Moving) -> None:
    """Move every control; each changes the state, and what then shows is what Python computes."""
    for move in moving.moves:
        before = shown.state()
        move.do(shown)
        assert shown.state() != before or (shown.hand == "keyboard" and isinstance(move, Drag)), (
            move
        )
        agree(shown, moving)


def test_a_change_is_drawn_once(visitor, moving):
    shown = met(visitor, moving)
    before = shown.state()
    drawn = shown.drawings(next(move for move in moving.moves if not isinstance(move, Drag)))
    changed = [name for name, value in shown.state().items() if before.get(name) != value]
    fetches = len(moving.make().resources)  # a file that comes is drawn too
    assert 1 <= len(drawn) <= len(changed) + fetches


def test_bad_input_is_answered_with_a_sentence(visitor, moving):
    answers_bad_input(met(visitor, moving), moving)
    assert visitor.errors == []


def answers_bad_input(shown: Shown, moving: Moving) -> None:
    """Each wrong state is told; afterwards the picture goes on."""
    good = state_to_return_to(shown)
    for state, told in moving.bad.items():
        shown.set(state)
        failed = shown.place.locator(".failed")
        assert failed.is_visible() and told in failed.text_content(), state
        assert "can't be drawn" not in failed.text_content() and not shown.said()
        shown.set(good)
        agree(shown, moving)


@pytest.mark.parametrize("name, most", [("Merges", 120), ("Tokenizer", 1000), ("Sampler", 600)])
def test_a_book_that_is_pasted_is_cut_and_not_refused(visitor, name, most):
    moving = next(moving for moving in PICTURES if moving.name == name)
    shown, book = met(visitor, moving), "👋 war and peace " * 5_000
    field = shown.place.get_by_label("Text", exact=True)
    field.fill(book)
    assert shown.state()["text"] == field.input_value() == book[:most]
    told = shown.place.locator(".cut")
    assert (
        told.text_content()
        == f"That text has 80,000 characters. The picture takes the first {most:,}."
    )
    if name != "Sampler":  # to whose network even that is too long
        agree(shown, moving)
    field.fill("peace")
    assert told.text_content() == ""
    agree(shown, moving)


def test_focus_stays_where_the_keyboard_is_at_either_end(visitor, moving):
    shown = met(visitor, moving, hand="keyboard")
    for button in shown.place.get_by_role("button").all():
        button.focus()
        button.evaluate("button => { for (let i = 0; i < 110; i++) button.click(); }")
        for _ in range(2):
            visitor.page.keyboard.press("Enter")
        assert button.evaluate("button => button === document.activeElement")
        agree(shown, moving)


def test_without_scripts_there_is_a_sentence(browser, studio):
    reader = Reader(browser, studio, java_script_enabled=False)
    moving = PICTURES[0]
    reader.page.goto(f"{studio}{moving}.html")
    assert reader.page.locator(f'[data-picture$=".{moving.name}"] p').is_visible()
    reader.close()


def test_a_script_that_does_not_come_leaves_a_sentence(browser, studio):
    reader = Reader(browser, studio)
    reader.page.route(re.compile(r"/pictures/.*\.js$"), lambda route: route.abort())
    place = met(reader, PICTURES[0]).place
    assert place.get_attribute("data-state") == "failed"
    first, second = place.locator("p").all()
    assert first.is_visible() and "can't be moved here" in second.inner_text()
    reader.close()


@pytest.mark.parametrize("state", ["{", "{}"])
def test_a_state_that_can_t_be_read_leaves_a_sentence(browser, tmp_path, state):
    alone(PICTURES[0].make(), tmp_path)
    page = tmp_path / "index.html"
    kept = re.compile(r'(<script type="application/json">).*?(?=</script>)', re.S)
    page.write_text(kept.sub(rf"\g<1>{state}", page.read_text("utf-8")), "utf-8")
    with serving(tmp_path) as address:
        reader = Reader(browser, address)
        reader.page.goto(address)
        place = Shown(reader.page, PICTURES[0].name).place
        assert place.get_attribute("data-state") == "failed"
        first, second = place.locator("p").all()
        assert first.is_visible() and second.inner_text()
        assert reader.errors == []
        reader.close()


# In the page

# Rules of the page's own stylesheets that mean a class of a picture's parts, and so change it in the book alone.
FOREIGN = r"""() => {
  const parts = [...document.querySelectorAll(".picture, .picture *")];
  const classes = new Set(parts.flatMap((part) => [...part.classList]));
  const means = (selector) => (selector.match(/(?<=\.)[A-Za-z][\w-]*/g) ?? []).some((name) => classes.has(name));
  const selectors = (rules) => [...rules].flatMap((rule) => [
    ...(rule.selectorText?.split(/,(?![^(]*\))/) ?? []), ...(rule.cssRules ? selectors(rule.cssRules) : []),
  ]);
  return [...document.styleSheets].flatMap((sheet) => selectors(sheet.cssRules))
    .filter((selector) => !selector.includes(".picture") && means(selector))
    .filter((selector) => parts.some((part) => part.matches(selector)));
}"""

BY_PAGE = [
    (page, list(those)) for page, those in groupby(sorted(PICTURES, key=str), lambda m: m.page)
]


def test_every_picture_of_the_pages_is_in_the_list():
    found = [
        (page, kind.rpartition(".")[2])
        for page in toc_pages()
        for kind in re.findall(r'data-picture="([\w.]+)"', html_of(page))
    ]
    listed = [(moving.page, moving.name) for moving in PICTURES]
    assert sorted(found) == sorted([*listed, ("book/intro", "Sampler"), ("book/intro", "TrainGPT")])


def test_the_page_has_a_sentence_for_readers_without_scripts(moving):
    said = re.search(
        rf'data-picture="[\w.]+\.{moving.name}"[^>]*><p>(.*?)</p>', html_of(moving.page), re.S
    )
    assert len(said[1].split()) > 10


@pytest.mark.parametrize(
    "page, those", BY_PAGE, ids=lambda value: value if type(value) is str else ""
)
def test_in_their_chapter_they_are_drawn_and_move(reader, page, those):
    reader.turn_to(page)
    for moving in those:
        for width in WIDTHS:
            reader.look(width, "light")
            shown = Shown(reader.page, moving.name)
            looks_right(reader, shown, "light")
        agree(shown, moving)
        moving.moves[0].do(shown)
        agree(shown, moving)
    assert reader.page.evaluate(FOREIGN) == []
    assert reader.troubles() == {}


@pytest.mark.part("pages")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_in_its_chapter_it_looks_right(reader, moving, width, scheme):
    reader.turn_to(moving.page, width, scheme)
    shown = Shown(reader.page, moving.name)
    agree(shown, moving)
    looks_right(reader, shown, scheme)
    SHOTS.mkdir(parents=True, exist_ok=True)
    shown.place.screenshot(path=SHOTS / f"{moving}-{width}-{scheme}.png")
    assert findings(reader.page) == []
    assert reader.troubles() == {}


@pytest.mark.part("pages")
@pytest.mark.parametrize("hand", HANDS)
def test_in_its_chapter_every_control_does_what_python_computes(browser, site, moving, hand):
    reader = Reader(browser, site, has_touch=hand == "touch")
    reader.turn_to(moving.page, 360)
    shown = Shown(reader.page, moving.name, hand)
    first = state_to_return_to(shown)
    move_all(shown, moving)
    shown.set(first)
    answers_bad_input(shown, moving)
    assert reader.troubles() == {}
    reader.close()


def test_pages_load_only_what_their_pictures_need():
    for page in toc_pages():
        html = html_of(page)
        assert ("pictures.js" in html) == ('class="moving-picture"' in html), page
        assert "followLook" not in html  # a script's text is in a file, once
    files = (HTML / "_static" / "pictures").glob("*.js")
    scripts = [file for file in files if "-state-" not in file.name]
    assert len(scripts) == len({moving.name for moving in PICTURES})
    for script in scripts:  # those with an engine that trains have its loops, too
        most = 100_000 if "new Worker" in script.read_text("utf-8") else 60_000
        assert script.stat().st_size < most, script.name


# Elsewhere


SHOW = """
import json, sys
sys.path[:0] = {path!r}
import anywidget, ipywidgets
import moving
made = [picture.make() for picture in moving.all_pictures()]
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
        [sys.executable, "-c", SHOW.format(path=paths)], capture_output=True, encoding="utf-8"
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
        command,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
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
        "import moving, table_picture\n"
        "made = [picture.make() for picture in moving.all_pictures()]",
        *(f"made[{i}]" for i in range(len(PICTURES))),
        "table_picture.Table()",
    ]
    write_table(tmp_path)
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
