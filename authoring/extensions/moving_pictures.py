"""Bring moving pictures into the pages that have them: their scripts, their look, their files.

`nbutils.figures.moving.picture.Picture.html` is what a notebook's cell leaves in a page, and the directive ``{moving}``
in a page that is no notebook: ``{moving} sampler``. Here it gets its words, and each kind of picture its script as one
file for the whole book, named after its content, so that no browser keeps an old one. Other pages load nothing. The
scripts are classic ones, since a browser that opens a page from a disk refuses modules. In another language the summary
that a notebook stored is said in that language, too.
"""

import gzip
import hashlib
import importlib
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from authoring.summaries import in_html, in_state
from nbutils.figures.moving import picture
from nbutils.words import language

HOST = "pictures.js"  # in book/assets
LARGE = 2000  # characters of one part of a picture's state
WORTH_A_FILE = 8000  # bytes, compressed, that a page's readers don't wait for
FOLDER = "pictures"  # in the built book's _static
WIDGETS = "application/vnd.jupyter.widget-state+json"
PLACE = re.compile(
    r'(<div class="moving-picture" data-picture="([\w.]+)")(><p>.*?</p>\s*'
    r'<script type="application/json">)(.*?)</script>',
    re.S,
)


class Moving(SphinxDirective):
    """The picture of a module of `nbutils.figures.moving`, as it stands at its start.

    One that can wait for a touch before it fetches its files does: this is not the page that is about it.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        kind = class_in(f"{picture.__package__}.{self.arguments[0]}")
        made = kind(waits=True) if "waits" in kind.class_trait_names() else kind()
        return [nodes.raw("", made.html(), format="html")]


def class_in(module: str) -> type[picture.Picture]:
    """The one picture that the module defines."""
    try:
        things = vars(importlib.import_module(module)).values()
    except ImportError as error:
        raise ExtensionError(f"a page has a picture of {module!r}, which is no module") from error
    (kind,) = [
        thing
        for thing in things
        if isinstance(thing, type)
        and issubclass(thing, picture.Picture)
        and thing.__module__ == module
    ]
    return kind


def without_widgets(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Leave out the state of a kernel's widgets, which nothing in a page can show."""
    files = context.get("script_files", [])
    files[:] = [file for file in files if getattr(file, "attributes", {}).get("type") != WIDGETS]


def fill_in(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Give a page's pictures their scripts; load what runs them on this page only."""
    body = context.get("body", "")
    if 'class="moving-picture"' not in body:
        return
    here = context["pathto"](f"_static/{FOLDER}", resource=True)
    folder = Path(app.outdir, "_static", FOLDER)
    body = with_scripts(body, here, folder)
    context["body"] = preloads(body) + body
    app.add_css_file(f"{FOLDER}/{written(folder, 'picture', 'css', picture.css().encode())}")
    app.add_js_file(HOST, defer="defer")


def with_scripts(body: str, here: str, folder: Path) -> str:
    """The page with each picture's script named; what the pictures need stands in the folder.

    here: the folder's address, seen from the page.
    """

    def with_script(found) -> str:
        opening, named, rest, own = found.groups()
        kind = class_named(named)
        state = json.loads(own) | kind.of_kind()
        if (spoken := language()) != "en":
            state, rest = in_state(state, spoken), in_html(kind, rest, spoken)
        name = publish(kind, state, folder)
        state, later = parted(kind, state, folder)
        files = f'data-script="{here}/{name}"' + (f' data-later="{here}/{later}"' if later else "")
        return f"{opening} {files}{rest}{picture.as_script(state)}</script>"

    return PLACE.sub(with_script, body)


def parted(kind: type[picture.Picture], state: dict, folder: Path) -> tuple[dict, str]:
    """The state that stands in the page, and the name of a file with the large rest; "" if there is none."""
    large = {name: state[name] for name in state if len(picture.as_script(state[name])) > LARGE}
    if len(gzip.compress(picture.as_script(large).encode())) < WORTH_A_FILE:
        return state, ""
    script = f"document.currentScript.content = {picture.as_script(large)};\n".encode()
    small = {name: state[name] for name in state if name not in large}
    return small, written(folder, f"{Path(kind.script).stem}-state", "js", script)


def preloads(body: str) -> str:
    """For the browser: the first picture's script, to be fetched while it reads the page; others wait."""
    first = re.search(r'data-script="([^"]+)"', body)
    return f'<link rel="preload" as="script" href="{first[1]}">' if first else ""


def class_named(kind: str) -> type[picture.Picture]:
    """The picture's class from its module and name."""
    module, _, name = kind.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ExtensionError(f"a page has a picture {kind!r}, which is nowhere defined") from error


def publish(kind: type[picture.Picture], state: dict, folder: Path) -> str:
    """Write what a picture needs into the folder; return the name of its script there."""
    for name, expected in state["_resources"].items():
        content = kind.resources[name]()
        if picture.sha256(content) != expected:
            raise ExtensionError(f"{kind.__name__}'s {name} has changed: run the notebook again")
        put(folder / f"{expected}.bin", content)
    script = classic(picture.bundle(kind.script))
    return written(folder, Path(kind.script).stem, "js", script.encode())


def classic(bundle: str) -> str:
    """The bundle as a classic script, which leaves its picture with its own element."""
    deliver = "const deliver = (made) => { document.currentScript.content = made; };"
    return f'(() => {{\n"use strict";\n{deliver}\n{bundle}}})();\n'


def written(folder: Path, stem: str, ending: str, content: bytes) -> str:
    """Write the content to a file that is named after it; return the name."""
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    put(folder / name, content)
    return name


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def remove_old(app: Sphinx, error) -> None:
    """Files of earlier builds that no page names any more."""
    folder = Path(app.outdir, "_static", FOLDER)
    if error or not folder.is_dir():
        return
    pages = "".join(path.read_text("utf-8") for path in Path(app.outdir).rglob("*.html"))
    for path in folder.iterdir():
        if path.stem not in pages:
            path.unlink()


def note_scripts(app: Sphinx, config) -> None:
    """A changed script makes every page be written again: their cells' outputs don't name it."""
    bundles = [path.read_text("utf-8") for path in sorted(picture.BUNDLES.glob("*.js"))]
    config.moving_pictures = hashlib.sha256("".join([*bundles, picture.css()]).encode()).hexdigest()


def setup(app: Sphinx) -> dict:
    app.add_directive("moving", Moving)
    app.add_config_value("moving_pictures", "", "html")
    app.connect("config-inited", note_scripts)
    app.connect("html-page-context", fill_in)
    app.connect("build-finished", remove_old)
    app.connect("html-page-context", without_widgets, priority=900)  # after those who add it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
