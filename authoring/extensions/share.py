"""What a link to a page shows where it is shared: its title and description, and a picture of both.

The picture has the page's title, and below it the stations of the course's flow; those that the page is about
are filled. It is drawn when the book is built, with a font that matplotlib brings, and is the same each time.
"""

from html import escape
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from sphinx.application import Sphinx

from authoring.extensions.course import prefix
from authoring.extensions.finding import address, description, top
from authoring.extensions.flow import CHAPTERS

FOLDER = "_static/share"
SIZE = (1200, 630)  # pixels, as those who show it ask for
EDGE = 70
INK, QUIET, LINE, BLUE, PAPER = "#1f2328", "#57606a", "#8c959f", "#0072b2", "#ffffff"
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")


def font(size: int, kind: str = "") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"DejaVuSans{kind}.ttf"), size)


def name(page: str) -> str:
    return f"{FOLDER}/{page.replace('/', '-')}.png"


def stations(page: str) -> set[str]:
    """The stations of the flow that a page is about; all of them for one that is no chapter's."""
    begins = prefix(page)
    own = {
        station
        for station, chapters in CHAPTERS.items()
        if begins in chapters or begins in {chapter.rstrip("abc") for chapter in chapters}
    }
    return own or set(CHAPTERS)


def draw(title: str, course: str, shown: set[str]) -> Image.Image:
    """The picture of a page of that title, with these stations filled."""
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 14), fill=BLUE)
    pen.text((EDGE, 62), course, font=font(38, "-Bold"), fill=BLUE)
    lines, size = fitted(pen, title)
    for i, line in enumerate(lines):
        pen.text((EDGE, 160 + i * size * 1.25), line, font=font(size, "-Bold"), fill=INK)
    step = (SIZE[0] - 2 * EDGE) / len(CHAPTERS)
    for i, station in enumerate(CHAPTERS):
        left, filled = EDGE + i * step, station in shown
        box = (left, 480, left + step - 18, 560)
        pen.rounded_rectangle(
            box, 12, fill=BLUE if filled else PAPER, outline=BLUE if filled else LINE, width=2
        )
        middle = ((box[0] + box[2]) / 2, 520)
        pen.text(
            middle, station, font=font(14, "-Bold"), fill=PAPER if filled else QUIET, anchor="mm"
        )
        if i:
            pen.line((left - 15, 520, left - 3, 520), fill=LINE, width=3)
    return image


def fitted(pen: ImageDraw.ImageDraw, title: str) -> tuple[list[str], int]:
    """The title in lines, in the largest letters with which it has three at most."""
    for size in range(84, 30, -6):
        lines = wrapped(pen, title, font(size, "-Bold"))
        if len(lines) <= 3 and len(lines) * size * 1.25 <= 290:
            return lines, size
    return lines, size


def wrapped(pen: ImageDraw.ImageDraw, text: str, letters) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, letters) > SIZE[0] - 2 * EDGE:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def tags(app: Sphinx, page: str, said: str) -> str:
    """For those who show a link: what Open Graph and Twitter's cards ask for."""
    root, title = Path(app.srcdir), app.env.titles[page].astext()
    image = f"{top(root)}{name(page)}"
    graph = {
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title or app.config.project,
        "og:title": title,
        "og:description": said,
        "og:url": address(root, page),
        "og:image": image,
        "og:image:width": SIZE[0],
        "og:image:height": SIZE[1],
        "og:image:alt": title,
    }
    made = [
        f'<meta property="{key}" content="{escape(str(value))}"/>' for key, value in graph.items()
    ]
    return "\n".join([*made, '<meta name="twitter:card" content="summary_large_image"/>'])


def tell(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Put the tags into a page's head, and draw its picture."""
    if doctree is None or pagename not in app.env.found_docs:
        return
    context["metatags"] += f"\n{tags(app, pagename, description(doctree))}\n"
    if app.config.language != "en":
        return  # the picture's letters are Latin ones: other editions show the English one
    path = Path(app.outdir, name(pagename))
    path.parent.mkdir(parents=True, exist_ok=True)
    title, course = app.env.titles[pagename].astext(), app.config.html_title or app.config.project
    image = draw(title, course, stations(pagename))
    image.quantize(32, dither=Image.Dither.NONE).save(path, format="png", optimize=True)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
