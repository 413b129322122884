"""Make one PDF of the built book: python -m authoring.pdf; of the Korean edition: python -m authoring.pdf ko

Headless Chromium prints one page of the book after another in the light look, folded answers open, each
moving picture as it stands at its start with the address where it moves, in fonts that matplotlib and a package
of npm bring. pypdf joins what was printed: bookmarks, and links that lead from page to page within the PDF.
"""

import io
import re
import sys
from html import escape, unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import matplotlib
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Destination, Fit, NameObject, TextStringObject

from authoring.extensions import flow
from authoring.site import HTML, ROOT, chromium, serving, toc_pages
from authoring.translations import settings
from nbutils import words
from tools.fork import online, repository

STYLE = (ROOT / "authoring" / "pdf.css").read_text("utf-8")
SCALE = 0.8  # of the screen's sizes: a line of 100 characters of code fits
TOP = 17 / 25.4 * 72  # the margin above the text, as pdf.css has it, in points
WIDTH = round((210 - 2 * 18) / 25.4 * 96 / SCALE)  # of the text, as pdf.css has it, in pixels
READY = """async () => {
  dispatchEvent(new Event("beforeprint")); // those out of sight start, too
  const places = [...document.querySelectorAll(".moving-picture")];
  while (places.some((place) => !place.dataset.state)) await new Promise(requestAnimationFrame);
  const own = [...document.fonts].filter((font) => font.family.includes("Book"));
  await Promise.all(own.map((font) => font.load()));
  await document.fonts.ready;
}"""
BOOK = "book:"  # begins a link to a page of the book until `relink` knows where it leads
# A link to every id, which nobody sees, makes Chromium note in the PDF where each stands.
PREPARE = """({ home, book, online, here, move }) => {
  const article = document.querySelector("article.bd-article");
  for (const details of article.querySelectorAll("details")) details.open = true;
  for (const toggle of article.querySelectorAll(".toggle-hidden")) toggle.classList.remove("toggle-hidden");
  for (const link of document.querySelectorAll("a[href]")) {
    if (link.hostname === "localhost") link.removeAttribute("href");
    else { // also in a drawing, where href is no string
      const to = new URL(link.getAttribute("href"), location.href).href;
      link.setAttribute("href", to.replace(home, book));
    }
  }
  for (const place of article.querySelectorAll(".moving-picture")) {
    const line = document.createElement("p"), link = document.createElement("a");
    link.textContent = link.href = `${online}${here}.html#${place.closest("section").id}`;
    line.className = "online";
    line.append(`${move} `, link);
    place.append(line);
  }
  for (const block of article.querySelectorAll("table, div.math")) {
    const room = block.parentElement.clientWidth, needed = block.scrollWidth;
    if (needed > room) block.style.zoom = Math.max(0.4, room / needed);
  }
  for (const box of article.querySelectorAll("pre, details")) box.classList.toggle("long", box.clientHeight > 450);
  for (const first of article.querySelectorAll(":is(h2, h3) + p")) { // a title stays with what it names
    const both = document.createElement("div"), title = first.previousElementSibling;
    both.className = "together";
    title.before(both);
    both.append(title, first);
    if (first.matches(".minute") && both.nextElementSibling?.matches("p")) both.append(both.nextElementSibling);
  }
  const targets = document.createElement("div");
  targets.hidden = true;
  for (const { id } of article.querySelectorAll("[id]")) {
    targets.append(Object.assign(document.createElement("a"), { href: `#${encodeURIComponent(id)}` }));
  }
  document.body.append(targets);
  const words = (heading) => {
    const copy = heading.cloneNode(true);
    for (const link of copy.querySelectorAll(".headerlink")) link.remove();
    return copy.textContent.trim();
  };
  return [...article.querySelectorAll("h1, h2")].map((h) => [words(h), h.closest("section").id]);
}"""

# matplotlib brings Latin letters, and npm Hangul: a machine need have no font for the book to be printed.
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
HANGUL = ROOT / "node_modules" / "@fontsource" / "nanum-gothic" / "files"
FACES = {  # the end of a file's name: how it stands in CSS
    "": "",
    "-Bold": "font-weight: 600 900;",
    "-Oblique": "font-style: italic;",
    "-BoldOblique": "font-weight: 600 900; font-style: italic;",
}
HANGUL_FACES = {
    "nanum-gothic-korean-400-normal": "",
    "nanum-gothic-korean-700-normal": "font-weight: 600 900;",
}
IN_NO_FONT = "ｶ👋"  # signs that the book shows and the machine draws
NO_FONT = (
    "No font here has {}: signs of its kind are printed as empty boxes. "
    "On Debian and Ubuntu: sudo apt install fonts-noto-cjk fonts-noto-color-emoji"
)
# The signs that look like one that no font has.
LACKING = """signs => {
  const drawn = (sign) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 50, height: 50 });
    const context = canvas.getContext("2d");
    context.font = "30px sans-serif";
    context.fillText(sign, 5, 40);
    return canvas.toDataURL();
  };
  return [...signs].filter((sign) => drawn(sign) === drawn("\\u0378"));
}"""


def pages() -> list[str]:
    """What is printed: all pages but that which a reader's own browser fills."""
    return [page for page in toc_pages() if page != "book/progress"]


class Addresses(NamedTuple):
    """Where the built book and the fonts are served on this machine, and where the online book is.

    book and online: of the edition that is printed.
    """

    book: str
    fonts: str
    hangul: str
    online: str


class Printed(NamedTuple):
    """A page of the book on paper.

    sections: titles and ids, the page's own first. places: id -> (paper page from 0, height in points).
    """

    name: str
    sections: list[tuple[str, str]]
    paper: PdfReader
    places: dict[str, tuple[int, float]]


def edition(top: str) -> str:
    """A folder or an address in the edition whose language is spoken. top: of the English book."""
    return top if words.language() == "en" else f"{top}{words.language()}/"


def told(key: str) -> str:
    return words.table("book/pdf", words.language())[key]


def file() -> Path:
    """The PDF of the language that is spoken."""
    end = "" if words.language() == "en" else f"-{words.language()}"
    return ROOT / "_build" / f"next-token{end}.pdf"


def main(browser, names: list[str], to: Path) -> None:
    """Print these pages of the built book in the language that is spoken, and write them as one PDF."""
    context = browser.new_context(color_scheme="light", viewport={"width": WIDTH, "height": 1100})
    tab = context.new_page()
    tab.emulate_media(media="print")
    printed, rows = [], []
    with serving(HTML) as book, serving(FONTS) as letters, serving(HANGUL) as hangul:
        at = Addresses(edition(book), letters, hangul, edition(online(repository())))
        before = len(front(tab, at, [(name, title(name), 0) for name in names]).pages)
        for name in names:
            page = print_page(tab, at, name, before)
            print(f"{name}: {len(page.paper.pages)} pages", flush=True)
            printed.append(page)
            rows.append((name, page.sections[0][0], before + 1))
            before += len(page.paper.pages)
        joined(front(tab, at, rows), printed, at.online).write(to)
    for sign in tab.evaluate(LACKING, IN_NO_FONT):
        print(NO_FONT.format(sign))
    context.close()


def style(at: Addresses) -> str:
    """What is added to a page: the letters, from where they are served, and authoring/pdf.css.

    DejaVu Sans is wide, so it is set smaller: as large as others look.
    """
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; {face} {size} src: url({at.fonts}{file}{end}.ttf); }}\n'
        for family, file, size in (
            ("Book Sans", "DejaVuSans", "size-adjust: 92%;"),
            ("Book Mono", "DejaVuSansMono", ""),
        )
        for end, face in FACES.items()
    )
    faces += "".join(
        f'@font-face {{ font-family: "Book Hangul"; {face} src: url({at.hangul}{file}.woff2); }}\n'
        for file, face in HANGUL_FACES.items()
    )
    return faces + STYLE


def title(name: str) -> str:
    """A page's title, as the browser's window shows it."""
    html = (HTML / f"{edition('')}{name}.html").read_text("utf-8")
    return unescape(re.search(r"<title>(.*?) &#8212;", html)[1])


def print_page(tab, at: Addresses, name: str, before: int) -> Printed:
    """One page of the book, whose first paper page comes after so many others."""
    tab.goto(f"{at.book}{name}.html", wait_until="load")
    tab.add_style_tag(content=f"{style(at)} html {{ counter-reset: page {before} }}")
    tab.evaluate(READY)
    if tab.locator('.moving-picture[data-state="failed"]').count():
        raise RuntimeError(f"a picture of {name} is not drawn")
    told_of = {"home": at.book, "book": BOOK, "online": at.online, "here": name}
    sections = tab.evaluate(PREPARE, told_of | {"move": told("move")})
    paper = on_paper(tab, SCALE)
    height = float(paper.pages[0].mediabox.height)
    places = {}
    for place in paper.named_destinations.values():
        down = height - float(place.top)  # as Chromium has it: of the text, in the screen's sizes
        number = paper.get_destination_page_number(place)
        places[unquote(place["/Title"].removeprefix("/"))] = (number, height - TOP - down * SCALE)
    return Printed(name, sections, paper, places)


def on_paper(tab, scale: float) -> PdfReader:
    made = tab.pdf(prefer_css_page_size=True, print_background=True, scale=scale)
    return PdfReader(io.BytesIO(made))


def front(tab, at: Addresses, rows: list[tuple[str, str, int]]) -> PdfReader:
    """The title page and the contents. rows: a page's name, its title, its number on paper."""
    language = words.language()
    said = settings(language)
    title, author, rights = (escape(said[key]) for key in ("title", "author", "copyright"))
    listed = "".join(
        f'<li><a href="{BOOK}{name}.html">{escape(called)}</a><span>{number}</span></li>'
        for name, called, number in rows
    )
    tab.set_content(
        f'<html lang="{language}" data-theme="light"><style>{style(at)}{FRONT}</style>'
        f'<div class="cover"><h1>{title}</h1><p>{author}</p>{flow.wide({})}'
        f'<p><a href="{at.online}">{at.online}</a></p><p>{rights}</p></div>'
        f"<h2>{escape(told('contents'))}</h2><ol>{listed}</ol>"
    )
    tab.evaluate(READY)
    return on_paper(tab, 1)


FRONT = """
@page :first { @bottom-center { content: none; } }
body { font: 11pt/1.5 var(--pst-font-family-base); }
a { color: inherit; text-decoration: none; }
.cover { break-after: page; text-align: center; padding-top: 35mm; }
.cover h1 { font-size: 40pt; margin: 0; }
.cover svg { width: 100%; margin: 25mm 0; }
ol { list-style: none; padding: 0; }
li { display: flex; justify-content: space-between; border-bottom: 1px dotted #999; padding: 1mm 0; }
"""


def joined(cover: PdfReader, printed: list[Printed], online: str) -> PdfWriter:
    """One PDF: the cover's pages and the printed ones, with bookmarks and links within it."""
    writer = PdfWriter()
    places = {}  # address in the book -> (page in the whole, height)
    for page in cover.pages:
        writer.add_page(page)
    for page in printed:
        start = len(writer.pages)
        address = f"{BOOK}{page.name}.html"
        places[address] = (start, None)
        places |= {
            f"{address}#{name}": (start + at, top) for name, (at, top) in page.places.items()
        }
        for paper in page.paper.pages:
            writer.add_page(paper)
        chapter = None
        for title, name in page.sections:
            at, top = places.get(f"{address}#{name}", places[address])
            item = writer.add_outline_item(
                title=title, page_number=at, parent=chapter, fit=Fit.xyz(top=top), is_open=False
            )
            chapter = chapter or item
    relink(writer, places, online)
    return labelled(writer)


def relink(writer: PdfWriter, places: dict[str, tuple[int, float | None]], online: str) -> None:
    """Let links to the book lead to their place in the PDF; to the online book if it isn't printed."""
    for page in writer.pages:
        for link in page.get("/Annots", ()):
            link = link.get_object()
            address = unquote(link["/A"]["/URI"]).removesuffix("#")  # a page's link to itself
            if address in places:
                at, top = places[address]
                to = Destination("", writer.pages[at].indirect_reference, Fit.xyz(top=top))
                link[NameObject("/Dest")] = to.dest_array
                del link["/A"]
            elif address.startswith(BOOK):
                there = TextStringObject(online + link["/A"]["/URI"].removeprefix(BOOK))
                link["/A"][NameObject("/URI")] = there


def labelled(writer: PdfWriter) -> PdfWriter:
    """With the book's title and author; a reader opens it with the bookmarks beside it."""
    said = settings(words.language())
    writer.metadata = {"/Title": said["title"], "/Author": said["author"]}
    writer.root_object[NameObject("/Lang")] = TextStringObject(words.language())
    writer.page_mode = "/UseOutlines"
    return writer


if __name__ == "__main__":
    try:
        words.language(*sys.argv[1:])
    except (TypeError, ValueError):
        sys.exit(__doc__)
    if not (HTML / edition("") / "index.html").exists():
        sys.exit("_build/html is missing. Build the book first: make book")
    if not HANGUL.exists():
        sys.exit("node_modules is missing, with the Hangul letters. Install it first: make setup")
    with chromium() as browser:
        main(browser, pages(), file())
    print(f"{file()}: {file().stat().st_size / 1e6:.1f} MB")
