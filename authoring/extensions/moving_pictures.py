"""Bring moving pictures into the pages that have them: their scripts, their look, their files.

`nbutils.figures.picture.Picture.html` is what a notebook's cell leaves in a page. Here each kind of
picture gets its script as one file for the whole book, named after its content, so that no browser
keeps an old one. Other pages load nothing. The scripts are classic ones, since a browser that opens a
page from a disk refuses modules.
"""

import hashlib
import importlib
import json
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from nbutils.figures import picture

HOST = "pictures.js"  # in book/assets
FOLDER = "pictures"  # in the built book's _static
DEFAULT = re.compile(r"^export default ", re.M)
WIDGETS = "application/vnd.jupyter.widget-state+json"
PLACE = re.compile(
    r'(<div class="moving-picture" data-picture="([\w.]+)")(><p>.*?</p>\s*'
    r'<script type="application/json">(.*?)</script>)',
    re.S,
)


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
        opening, kind, rest, state = found.groups()
        name = publish(class_named(kind), json.loads(state), folder)
        return f'{opening} data-script="{here}/{name}"{rest}'

    return PLACE.sub(with_script, body)


def preloads(body: str) -> str:
    """For the browser: the pictures' scripts, to be fetched while it reads the page."""
    scripts = dict.fromkeys(re.findall(r'data-script="([^"]+)"', body))
    return "".join(f'<link rel="preload" as="script" href="{script}">' for script in scripts)


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
    script = classic(picture.esm(picture.FOLDER / kind.script))
    return written(folder, Path(kind.script).stem, "js", script.encode())


def classic(module: str) -> str:
    """The module as a classic script, which leaves its default export with its own element."""
    body = DEFAULT.sub("const exported = ", module)
    return f'document.currentScript.content = (() => {{\n"use strict";\n{body}return exported;\n}})();\n'


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
    texts = [path.read_bytes() for path in sorted(picture.FOLDER.glob("*.[jc]s*"))]
    config.moving_pictures = hashlib.sha256(b"".join(texts)).hexdigest()


def setup(app: Sphinx) -> dict:
    app.add_config_value("moving_pictures", "", "html")
    app.connect("config-inited", note_scripts)
    app.connect("html-page-context", fill_in)
    app.connect("build-finished", remove_old)
    app.connect("html-page-context", without_widgets, priority=900)  # after those who add it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
