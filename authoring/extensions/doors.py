"""Doors in sight: what a reader can do from here, at a page's head, at its sections and at its foot.

A chapter's head has one line under its title: minutes, Colab, exercises, the lecture's minute; an exercise
page's has the way back to its chapters. A section that the lecture speaks of has that minute beside its
heading. Each page's foot asks what is wrong or unclear there. All of it comes from `_toc.yml`, `_config.yml`,
`book/lecture.json` and the notebooks, and is put into the page when it is written: contents and search have
a section's words alone.
"""

import json
import re
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from authoring.extensions.course import (
    EXERCISES,
    NOTEBOOKS,
    chapters_of,
    exercises_of,
    number,
    say,
)
from authoring.extensions.lecture import TABLE, Notebook, seconds
from authoring.extensions.minutes import ENGLISH, minutes, running
from authoring.site import ROOT
from authoring.translations import colab_file, finished
from nbutils.words import language

TITLE = re.compile(r"<h1>.*?</h1>", re.S)
SECTION = re.compile(
    r'(<section id="([^"]+)">\s*(?:<span id="[^"]+"></span>\s*)*<h2>.*?</h2>)', re.S
)
MINUTE = re.compile(r"(?:\d+:)?\d+:\d\d")


class Door(NamedTuple):
    """An entry of a page's head: what it says, and where it leads, if anywhere."""

    words: str
    address: str = ""
    kind: str = ""


def head(app: Sphinx, page: str, doctree: nodes.document) -> list[Door]:
    """The entries of a chapter's or an exercise page's line."""
    root, pages = Path(app.srcdir), app.env.found_docs
    kind, takes = minutes(ENGLISH, page)
    runs = running(ENGLISH, page)
    doors = [Door(say(kind, n=takes))]
    if runs:
        doors.append(Door(say("runs" if runs > 1 else "runs_one", n=runs)))
    doors.append(Door(say("colab"), colab(app, page), "colab"))
    if page.startswith(EXERCISES):
        others, key = chapters_of(page, pages), "chapters"
    else:
        others, key = exercises_of(page, pages), "exercises"
    for other in others:
        title = app.env.titles[other].astext()
        named = say(key, number=number(title)) if number(title) else title
        doors.append(Door(named, app.builder.get_relative_uri(page, other)))
    return doors + lecture_door(root, doctree)


def lecture_door(root: Path, doctree: nodes.document) -> list[Door]:
    """The minute that the chapter's opening names, as the opening links it."""
    video = json.loads((root / TABLE).read_text("utf-8"))["address"]
    for link in doctree.findall(nodes.reference):
        address = link.get("refuri", "")
        at = re.search(r"[?&]t=(\d+)", address)
        if address.startswith(video) and at and not section_of(link):
            named = MINUTE.search(link.astext())
            minute = named[0] if named else clock(int(at[1]))
            return [Door(say("lecture", minute=minute), address)]
    return []


def section_of(node: nodes.Node) -> nodes.section | None:
    """The section below the page's own in which a node stands."""
    above = []
    while node is not None:
        if isinstance(node, nodes.section):
            above.append(node)
        node = node.parent
    return above[-2] if len(above) > 1 else None


def clock(at: int) -> str:
    """Seconds as the lecture's player shows them: 7:47, 1:02:03."""
    hours, rest = divmod(at, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def repository(app: Sphinx) -> tuple[str, str]:
    """The repository's address and its branch, as `_config.yml` has them."""
    options = app.config.html_theme_options
    return options["repository_url"].rstrip("/"), options["repository_branch"]


def colab(app: Sphinx, page: str) -> str:
    """Where Colab opens the page's notebook."""
    (address, branch), host = repository(app), app.config.html_theme_options["launch_buttons"]
    named, notebook = address.removeprefix("https://github.com/"), f"{page}.ipynb"
    if language() != "en" and page in finished(language()):
        notebook = colab_file(language(), page).relative_to(ROOT).as_posix()
    return f"{host['colab_url']}/github/{named}/blob/{branch}/{notebook}"


def drawn(doors: list[Door], label: str) -> str:
    """The line as HTML: a list, so that its entries are counted and read one by one."""
    items = "".join(f"<li>{entry(door)}</li>" for door in doors)
    return f'<ul class="doors" aria-label="{escape(label)}">{items}</ul>'


def entry(door: Door) -> str:
    if not door.address:
        return escape(door.words)
    kind = f' class="{door.kind}"' if door.kind else ""
    return f'<a href="{escape(door.address)}"{kind}>{escape(door.words)}</a>'


def section_minutes(root: Path, page: str) -> dict[str, str]:
    """For each section that the lecture speaks of the minute, "7:47", by MyST's anchor.

    A section may have rows all over the lecture. Its minute is the first in that part of the lecture which the
    page follows, if there is one, else in that part with most of them.
    """
    found = defaultdict(lambda: defaultdict(list))
    notebook = Notebook(root, page.removeprefix(NOTEBOOKS))
    for chapter in json.loads((root / TABLE).read_text("utf-8"))["lecture"]:
        for row in chapter["rows"]:
            for where in row.get("where", ()):
                name, cell = where.split("#")
                if name == notebook.name and notebook.parts.get(cell):
                    found[notebook.parts[cell]][chapter["at"]].append(row["at"])
    start = followed(root, page)
    best = {
        section: max(parts, key=lambda at: (at == start, len(parts[at])))
        for section, parts in found.items()
    }
    return {section: min(found[section][at], key=seconds) for section, at in best.items()}


def followed(root: Path, page: str) -> str | None:
    """Where the part of the lecture begins that the page's opening links, "14:27"; None if it links none."""
    at = re.search(r"watch\?v=\w+&t=(\d+)s", opening(root, page))
    parts = [part["at"] for part in json.loads((root / TABLE).read_text("utf-8"))["lecture"]]
    return max((p for p in parts if seconds(p) <= int(at[1])), key=seconds) if at else None


def opening(root: Path, page: str) -> str:
    """The text above a notebook's first section."""
    cells = json.loads((root / f"{page}.ipynb").read_text("utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.split(r"^## ", "\n".join(texts), maxsplit=1, flags=re.M)[0]


def with_minutes(body: str, by_id: dict[str, str], video: str) -> str:
    """The page with the lecture's minute behind the headings of its sections."""

    def with_minute(found) -> str:
        at = by_id.get(found[2])
        if at is None:
            return found[1]
        said = say("section_minute", minute=at)
        address = escape(f"{video}&t={seconds(at)}s")
        return (
            f'{found[1]}<p class="minute"><a href="{address}" aria-label="{escape(said)}" '
            f'title="{escape(said)}">{at}</a></p>'
        )

    return SECTION.sub(with_minute, body)


def feedback(app: Sphinx, page: str, title: str) -> str:
    """A question, and an issue that names the page for who has an answer."""
    issue = {
        "title": say("issue_title", title=title),
        "body": say("issue_body", address=f"{page}.html"),
    }
    address = escape(f"{repository(app)[0]}/issues/new?{urlencode(issue)}")
    return f'<p class="feedback"><a href="{address}">{escape(say("feedback"))}</a></p>'


def open_doors(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Put them into a page that is about to be written."""
    if doctree is None or pagename not in app.env.found_docs:
        return
    body = context["body"]
    if pagename.startswith(NOTEBOOKS):
        key = "exercise_head" if pagename.startswith(EXERCISES) else "chapter_head"
        line = drawn(head(app, pagename, doctree), say(key))
        body = TITLE.sub(lambda found: found[0] + line, body, count=1)
        body = with_minutes(body, minutes_by_id(app.env, pagename), lecture_address(app.srcdir))
    context["body"] = body + feedback(app, pagename, app.env.titles[pagename].astext())


def lecture_address(root: Path) -> str:
    return json.loads(Path(root, TABLE).read_text("utf-8"))["address"]


def minutes_by_id(env: BuildEnvironment, page: str) -> dict[str, str]:
    """`section_minutes` by the sections' ids in the page, which differ from MyST's anchors."""
    slugs = env.metadata[page].get("myst_slugs", {})
    found = section_minutes(Path(env.srcdir), page)
    return {slugs[slug][1]: at for slug, at in found.items() if slug in slugs}


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", open_doors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
