"""Numbers of this build, written by the build: the directive ``{build-numbers}``.

Its one argument says which: ``chapters`` (how long each notebook ran, and the training of the model that
several share), ``machine`` (where, with which versions), ``bench`` (the rows of
``bench/run.py --quick --json``), ``proof`` (those of ``tools/proof.py --json``) or ``pages`` (what each page
weighs). Nothing is typed in, so nothing can be out of date.
"""

import gzip
import json
import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

from nbutils import recipes

BENCH = Path("_build", "bench.json")
PROOF = Path("_build", "proof.json")
PACKAGES = ("torch", "numpy", "matplotlib", "tiktoken", "tokenizers", "jupyter-book", "Sphinx")
WEIGHT = "weight-of:{}:{}"  # stands in a page until every page is written


class numbers_node(nodes.General, nodes.Element):
    """Stands for a table until all notebooks have run."""


class BuildNumbers(Directive):
    required_arguments = 1

    def run(self):
        subject = self.arguments[0]
        if subject not in TABLES:
            raise self.error(f"build-numbers knows {', '.join(TABLES)}, not {subject!r}")
        return [numbers_node(subject=subject)]


class FillIn(SphinxPostTransform):
    """Replace each place-holder; this runs after every page has been read."""

    default_priority = 400

    def run(self, **kwargs):
        for node in list(self.document.findall(numbers_node)):
            node.replace_self(table(*TABLES[node["subject"]](self.app)))


def chapters(app) -> tuple:
    """Seconds of the shared model's training and of each notebook; when, in this build or an earlier one."""
    shared = recipes.smallworld()
    trained = (shared.folder / "history.json").stat().st_mtime
    rows = [
        ("The model that chapters 3c, 4b and 5 share", *ran(shared.history.seconds[-1], trained))
    ]
    for docname in notebooks(app.env):
        run = NbMetadataCollector.get_exec_data(app.env, docname)
        rows.append((app.env.titles[docname].astext(), *ran(run["runtime"], run["mtime"])))
    return ("Chapter", "Seconds", "Run at"), rows


def ran(seconds: float, mtime: float) -> tuple[str, str]:
    """How long, and when it ended."""
    return f"{seconds:.1f}", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(mtime))


def machine(app) -> tuple:
    """The processor, memory, system and versions behind every number of the page."""
    rows = [
        ("Processor", f"{processor()}, {os.cpu_count()} cores"),
        ("Memory", memory()),
        ("System", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
    ]
    return ("What", "This build"), rows + [(name, version(name)) for name in PACKAGES]


def bench(app) -> tuple:
    """The benchmark's rows, as they are."""
    rows = stored(app, BENCH)
    cells = [(row["what"], f"{readable(row['value'])} {row['unit']}", row["how"]) for row in rows]
    return ("What", "Measured", "How"), cells


def proof(app) -> tuple:
    """What was proved of each chapter's exercises, and of all together."""
    rows = [list(row.values()) for row in stored(app, PROOF)]
    rows.append(["all", *(sum(column) for column in list(zip(*rows))[1:])])
    head = (
        "Chapter",
        "Exercises",
        "Mistakes told by name",
        "Right answers taken",
        "Mechanical changes",
        "still right",
        "wrong and taken",
    )
    cells = [
        (row[0], str(row[1]), f"{row[3]} of {row[2]}", f"{row[5]} of {row[4]}", *map(str, row[6:]))
        for row in rows
    ]
    return head, cells


def stored(app, path: Path) -> list:
    """Rows that `make book` wrote before it builds."""
    path = Path(app.srcdir, path)
    if not path.exists():
        raise ExtensionError(f"{path.name} is missing; `make book` writes it before it builds")
    return json.loads(path.read_text("utf-8"))


def pages(app) -> tuple:
    """Place-holders for each page's weight, which is known when all is written."""
    rows = [
        (app.env.titles[name].astext(), WEIGHT.format("own", name), WEIGHT.format("all", name))
        for name in toc_order(app.env)
    ]
    return ("Page", "Itself, kB", "First visit, kB"), rows


TABLES = {
    "chapters": chapters,
    "machine": machine,
    "bench": bench,
    "proof": proof,
    "pages": pages,
}


def notebooks(env) -> list[str]:
    return [d for d in toc_order(env) if NbMetadataCollector.get_exec_data(env, d)]


def toc_order(env) -> list[str]:
    """Page names in reading order."""
    found = [env.config.root_doc]
    for name in found:  # grows while it is read: a page's children follow
        found += [child for child in env.toctree_includes.get(name, []) if child not in found]
    return found


def processor() -> str:
    """The processor's own name where the system tells it."""
    try:
        info = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    named = re.search(r"model name\s*:\s*(.+)", info)
    return named.group(1).strip() if named else platform.machine()


def memory() -> str:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return "not told by this system"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


def readable(value) -> str:
    """A number with three figures that matter; words stay as they are."""
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head, rows) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", table_row(head))
    group += nodes.tbody("", *[table_row(row) for row in rows])
    return nodes.table("", group, classes=["numbers"])


def table_row(cells) -> nodes.row:
    return nodes.row("", *[nodes.entry("", paragraph(cell)) for cell in cells])


def paragraph(words: str) -> nodes.paragraph:
    """Words, with what stands between backticks set as code."""
    parts = enumerate(words.split("`"))
    return nodes.paragraph(
        "", "", *[nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in parts]
    )


def write_weights(app: Sphinx, error) -> None:
    """Put each page's weight where its place-holder stands."""
    if error or app.builder.format != "html":
        return

    def weigh(found):
        kind, name = found.groups()
        page = Path(app.outdir, f"{name}.html")
        files = [page, *loaded_files(page, shared=kind == "all")]
        return f"{sum(len(gzip.compress(f.read_bytes())) for f in files) / 1000:,.0f}"

    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text("utf-8")
        if "weight-of:" in html:
            page.write_text(re.sub(r"weight-of:(\w+):([\w/]+)", weigh, html), "utf-8")


def loaded_files(page: Path, shared: bool) -> set[Path]:
    """Files that a page loads: its pictures, and with ``shared`` its styles and scripts too."""
    html = page.read_text("utf-8")
    links = re.findall(r'<img[^>]+src="([^":]+?)"', html)
    if shared:
        links += re.findall(r'<script[^>]+src="([^":]+?)"', html)
        links += re.findall(r' data-script="([^":]+?)"', html)  # what moving pictures load
        links += re.findall(r'<link[^>]+rel="stylesheet"[^>]*href="([^":]+?)"', html)
    paths = {(page.parent / link.partition("?")[0]).resolve() for link in links}
    return {path for path in paths if path.is_file()}


def setup(app: Sphinx) -> dict:
    app.add_node(numbers_node)
    app.add_directive("build-numbers", BuildNumbers)
    app.add_post_transform(FillIn)
    app.connect("build-finished", write_weights, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
