"""That pages are found: in the book's own search, and by those who look from outside.

**Search.** A term of the glossary is explained where it first stands in bold, else in the first section that
is named after it. That section becomes the term's entry in the index, which Sphinx's search reads, too;
`book/assets/search.js` puts it before all else, and says which section it is.

**From outside.** Each page has a description of its own first sentences, its address, and what a link to it
shows elsewhere; `sitemap.xml` at the site's root lists them all, in each language. A wrong address leads to
`404.html`, whose own links hold at any depth. Every address follows from the repository's, which `make fork`
writes. At each foot stand the version and the day of the last commit, so that the same commit gives the same
pages.
"""

import json
import re
import subprocess
import tomllib
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from authoring.extensions.course import EXERCISES, NOTEBOOKS, say
from authoring.extensions.doors import section_of
from authoring.site import toc_pages
from authoring.translations import LANGUAGES, finished
from nbutils.words import language
from tools.fork import online, repository

GLOSSARY = Path("book", "glossary.md")
LOST = "404"
SEARCH = "search.js"  # in book/assets
LEAST, MOST = 50, 160  # characters of a description: what a result of a search has room for
LINK = re.compile(r'(\s(?:href|src|action)=")(?![a-z]+:|//|#)(?:\./)?([^"]*")')


def terms(glossary: str) -> list[str]:
    """The terms of the glossary's Markdown, as they are spelled there."""
    inside = re.search(r"^```\{glossary\}\n(.*?)^```", glossary, re.S | re.M)[1]
    return [line.strip() for line in inside.splitlines() if re.match(r"[^\s:]", line)]


def known(words: str, spelled: dict[str, str]) -> str | None:
    """The term that these words are, in any case, or as a plural; None if they are none."""
    plain = " ".join(words.lower().split()).strip(".,:")
    return spelled.get(plain) or spelled.get(plain.removesuffix("s"))


@cache
def explained(root: Path) -> dict[str, dict[str, str]]:
    """Where each term is explained: chapter -> term -> "bold", or the heading that has it."""
    spelled = {term.lower(): term for term in terms((root / GLOSSARY).read_text("utf-8"))}
    bold, titled = {}, {}
    for page in toc_pages():
        if not page.startswith(NOTEBOOKS) or page.startswith(EXERCISES):
            continue
        for cell in json.loads((root / f"{page}.ipynb").read_text("utf-8"))["cells"]:
            if cell["cell_type"] != "markdown":
                continue
            text = "".join(cell["source"])
            for words in re.findall(r"\*\*([^*]+)\*\*", text):
                if term := known(words, spelled):
                    bold.setdefault(term, (page, "bold"))
            for heading in re.findall(r"^#{1,2} +(.+?) *$", text, re.M):
                for term in named_in(heading, spelled):
                    titled.setdefault(term, (page, heading))
    found = {}
    for term, (page, how) in (titled | bold).items():
        found.setdefault(page, {})[term] = how
    return found


def named_in(heading: str, spelled: dict[str, str]) -> list[str]:
    """The terms whose words stand in a heading."""
    words = re.sub(r"[^\w-]+", " ", heading.lower())
    return [term for lower, term in spelled.items() if f" {lower} " in f" {words} "]


class TermPlaces(SphinxTransform):
    """An entry of the index for each term that this chapter explains, which leads to the section."""

    default_priority = 800  # before the index collects its entries

    def apply(self, **kwargs) -> None:
        places = explained(Path(self.env.srcdir)).get(self.env.docname)
        if not places:
            return
        self.env.note_dependency(str(Path(self.env.srcdir, GLOSSARY)))
        spelled = {term.lower(): term for term in places}
        for term, how in places.items():
            of = nodes.strong if how == "bold" else nodes.title
            for node in self.document.findall(of):
                words = node.astext()
                if known(words, spelled) == term if how == "bold" else words.endswith(plain(how)):
                    self.enter(term, section_of(node))
                    break

    def enter(self, term: str, section: nodes.section | None) -> None:
        """Into a section of the page, or where there is none, into the page itself."""
        target = section["ids"][0] if section else ""
        entry = addnodes.index(entries=[("single", term, target, "main", None)])
        place = section or next(self.document.findall(nodes.section))
        place.insert(1, entry)


def plain(heading: str) -> str:
    """A heading's words without its code's marks."""
    return heading.replace("`", "")


def description(doctree: nodes.document) -> str:
    """A page's first sentences, from 50 to 160 characters if it has so many."""
    paragraphs = list(doctree.findall(nodes.paragraph))
    own = [paragraph for paragraph in paragraphs if isinstance(paragraph.parent, nodes.section)]
    text = ""
    for paragraph in own or paragraphs:
        text = f"{text} {opening(paragraph)}".strip()
        if len(text) > MOST:
            break
    return shortened(text)


def opening(paragraph: nodes.paragraph) -> str:
    """A paragraph's words; without the bold ones before them, "The question of this chapter."."""
    words = " ".join(paragraph.astext().split())
    bold = next(iter(paragraph.findall(nodes.strong)), None)
    name = " ".join(bold.astext().split()) if bold else ""
    if name and words.startswith(name) and len(words) - len(name) >= LEAST:
        return words.removeprefix(name).strip()
    return words


def shortened(text: str) -> str:
    """Whole sentences that fit, if they say enough; else as many words as fit."""
    if len(text) <= MOST:
        return text
    ends = [found.end() for found in re.finditer(r"[.?!](?= )", text[: MOST + 1])]
    if ends and ends[-1] >= LEAST:
        return text[: ends[-1]]
    return f"{text[: MOST - 1].rpartition(' ')[0].rstrip(',;:')}…"


def base(root: Path) -> str:
    """The address of the online book; in another language than English, of that edition."""
    return top(root) + ("" if language() == "en" else f"{language()}/")


def top(root: Path) -> str:
    """The address of the English book, whose folder has those of the others."""
    return online(repository(root))


def address(root: Path, page: str) -> str:
    return f"{base(root)}{page}.html"


def describe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Say in a page's head what it is about; give the page of search its script."""
    if pagename == "search":
        app.add_js_file(SEARCH, defer="defer")
    if doctree is None or pagename not in app.env.found_docs:
        return
    said = description(doctree)
    context["metatags"] += f'\n<meta name="description" content="{escape(said)}"/>'


def versioned(root: Path) -> str:
    """The package's version and the day of the last commit; the version alone without git."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    date = committed(root)
    key = "version_date" if date else "version"
    return say(key, version=project["version"], date=date)


def committed(root: Path) -> str:
    """The day of the last commit, as 2026-11-30; "" where that is not known."""
    if not (root / ".git").exists():  # or another's repository around this one would answer
        return ""
    command = ["git", "log", "-1", "--format=%cs"]
    try:
        told = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()


def settle(app: Sphinx, config) -> None:
    """What every page's head and foot say."""
    root = Path(app.srcdir)
    config.html_baseurl = base(root)
    version = f'<p class="version">{escape(versioned(root))}</p>'
    config.html_theme_options["extra_footer"] = version


def lost(app: Sphinx):
    """The page for an address that leads nowhere."""
    pages = [page for page in toc_pages() if page in app.env.found_docs]
    first = [pages[0], *(page for page in pages if page.startswith(NOTEBOOKS))]
    links = "".join(
        f'<li><a href="{page}.html">{escape(app.env.titles[page].astext())}</a></li>'
        for page in first
        if not page.startswith(EXERCISES)
    )
    body = (
        f"<h1>{escape(say('not_found'))}</h1><p>{escape(say('not_found_why'))}</p><ul>{links}</ul>"
    )
    yield LOST, {"title": say("not_found"), "body": body}, "page.html"


def sitemap(top: str) -> str:
    """All pages; those that are translated are listed in each language, and each names the others."""
    rows = ""
    for page in toc_pages():
        editions = {"en": f"{top}{page}.html"} | {
            code: f"{top}{code}/{page}.html" for code in LANGUAGES if page in finished(code)
        }
        named = editions | {"x-default": editions["en"]} if len(editions) > 1 else {}
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href="{to}"/>'
            for code, to in named.items()
        )
        rows += "".join(f"<url><loc>{to}</loc>{links}</url>\n" for to in editions.values())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        f' xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{rows}</urlset>\n'
    )


def publish(app: Sphinx, error) -> None:
    """Write the sitemap beside the English book; let the links of 404.html begin at its root, wherever it is shown."""
    if error or app.builder.format != "html":
        return
    root, out = Path(app.srcdir), Path(app.outdir)
    if language() == "en":
        (out / "sitemap.xml").write_text(sitemap(top(root)), "utf-8")
    page, start = out / f"{LOST}.html", urlsplit(base(root)).path
    if page.exists():
        html = page.read_text("utf-8").replace(
            'data-content_root="./"', f'data-content_root="{start}"'
        )
        page.write_text(LINK.sub(rf"\g<1>{start}\g<2>", html), "utf-8")


def setup(app: Sphinx) -> dict:
    app.add_transform(TermPlaces)
    app.connect("config-inited", settle)
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", lost)
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
