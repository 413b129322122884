"""The course's one picture: text, tokens, window, network, probabilities, and the two loops.

The same eight stations are drawn twice, in a row for wide screens and in a column for narrow
ones. In a page they are its map: each station leads to its chapter. The directive ``{flow}`` puts
both into a page; a style sheet shows the one that fits.
``python -m authoring.extensions.flow > book/assets/flow.svg`` writes the wide one for README.md.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from authoring.extensions.course import number, prefix, say, title_of
from authoring.site import toc_pages
from nbutils.tokens import get_encoding
from nbutils.words import fill, language, table

# Which chapters each station belongs to, by how their files begin: the first is where its link leads.
CHAPTERS = {
    "Text": ("01",),
    "Tokens": ("01",),
    "Window": ("02",),
    "Network": ("03a", "03b", "03c"),
    "Probabilities": ("02",),
    "Label": ("02",),
    "Nudge": ("04a", "04b", "06", "06b", "07"),
    "Sampling": ("05",),
}

LINE = "|Viewing Single"
# The chances that the lecture shows for what follows the line above (14:27): an example. Chapter 2
# trains a network that has them.
CHANCES = {" Direction": 4, " Post": 3, " Case": 2}
LABEL = " Post"

AREA = "book/flow"

CARD_W, CARD_H, SIDE_W = 128, 120, 96

LIGHT = (
    "--ink: #1f2328; --quiet: #57606a; --card: #fff; --line: #8c959f; --train: #00694d; "
    "--talk: #a03c00; --c0: #cfe5f5; --c1: #fbe6b5; --c2: #c9ecdf; --c3: #f3d6e5; --bar: #0072b2;"
)
DARK = (
    "--ink: #e6edf3; --quiet: #b1bac4; --card: #1c2128; --line: #768390; --train: #4fd1a5; "
    "--talk: #ffa657; --c0: #1b4561; --c1: #5a4510; --c2: #124d3c; --c3: #5b2c46; --bar: #56b4e9;"
)
# In a page, the reader's own switch (data-theme) goes before the system's wish.
COLOURS = f"""
.flow {{ {LIGHT} }}
@media (prefers-color-scheme: dark) {{ .flow {{ {DARK} }} }}
html[data-theme="light"] .flow {{ {LIGHT} }}
html[data-theme="dark"] .flow {{ {DARK} }}
"""
STYLE = """
.flow { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.flow text { fill: var(--ink); font-size: 12px; text-anchor: middle; }
.flow .title { font-weight: 650; font-size: 13px; }
.flow .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.flow .quiet { fill: var(--quiet); font-size: 11px; }
.flow .small { font-size: 11px; font-style: italic; }
.flow .left { text-anchor: start; }
.flow .box { fill: var(--card); stroke: var(--line); }
.flow .main { fill: none; stroke: var(--line); stroke-width: 2; }
.flow .train { stroke: var(--train); } .flow .talk { stroke: var(--talk); }
.flow text.train { fill: var(--train); stroke: none; }
.flow text.talk { fill: var(--talk); stroke: none; }
.flow path.train, .flow path.talk { fill: none; stroke-width: 2; }
.flow .head { stroke: none; fill: var(--line); }
.flow .head.train { fill: var(--train); } .flow .head.talk { fill: var(--talk); }
.flow .net { fill: none; stroke: var(--line); stroke-width: .7; }
.flow .knob { fill: var(--bar); } .flow .bar { fill: var(--bar); }
.flow .numbers { fill: var(--card); stroke: var(--line); }
.flow a, .flow a:hover { text-decoration: none; outline: none; }
.flow a:hover .box, .flow a:hover .numbers { stroke: var(--bar); stroke-width: 2; }
.flow a:focus-visible .box, .flow a:focus-visible .numbers { stroke: var(--bar); stroke-width: 3.5; }
.flow .hole { fill: none; stroke: var(--quiet); stroke-dasharray: 3 2; }
"""


def words() -> Mapping:
    """What the picture says, in the book's language."""
    return table(AREA, language())


def told(key: str, **values) -> str:
    return fill(words()[key], **values)


def text(x, y, said, kind="") -> str:
    """One line of text, centred on x unless its kind says ``left``."""
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(said)}</text>'


def card(width, title, body, kind="", height=CARD_H) -> str:
    """A station's box with its name and its chapters' numbers; its body is drawn in the box's own coordinates."""
    frame = f'<rect class="box {kind}" width="{width}" height="{height}" rx="8"/>'
    return frame + text(width / 2, 21, told(title), f"title {kind}") + body + badge(title)


def numbers(station: str) -> str:
    """The numbers of a station's chapters: 2, or 3a–3c."""
    chapters = [begins.lstrip("0") for begins in CHAPTERS[station]]
    return chapters[0] if len(chapters) == 1 else say("span", first=chapters[0], last=chapters[-1])


def badge(station: str) -> str:
    """A label on the box's upper left corner that says which chapters it belongs to."""
    said = numbers(station)
    width = 12 + 6.6 * len(said)
    frame = f'<rect class="numbers" x="5" y="-9" width="{width:g}" height="17" rx="8"/>'
    return frame + text(5 + width / 2, 3.5, said, "number")


class Link(NamedTuple):
    """Where a station leads, and what that is called."""

    address: str
    label: str


def linked(drawing: str, station: str, links: dict[str, Link]) -> str:
    """The station's box as a link, if there are links."""
    if station not in links:
        return drawing
    address, label = links[station]
    return f'<a href="{escape(address)}" aria-label="{escape(label)}">{drawing}</a>'


def text_card() -> str:
    body = text(64, 56, LINE, "mono") + text(64, 74, f"{LABEL.strip()} From: …", "mono quiet")
    body += text(64, 104, told("written"), "quiet")
    return card(CARD_W, "Text", body)


def token_card() -> str:
    encoding = get_encoding("cl100k_base")
    body = ""
    for i, token in enumerate(encoding.encode(LINE)):
        x, y = 8 + 57 * (i % 2), 30 + 36 * (i // 2)
        body += f'<rect x="{x}" y="{y}" width="55" height="33" rx="4" style="fill:var(--c{i})"/>'
        body += text(x + 27.5, y + 14, encoding.decode([token]).replace(" ", "␣"), "mono")
        body += text(x + 27.5, y + 28, str(token), "quiet")
    return card(CARD_W, "Tokens", body + text(64, 115, told("pieces"), "quiet"))


def window_card() -> str:
    body = ""
    for i in range(4):
        body += f'<rect x="{9 + 22 * i}" y="46" width="20" height="26" style="fill:var(--c{i})"/>'
    body += '<rect class="hole" x="98" y="46" width="20" height="26"/>' + text(108, 64, "?")
    body += '<path class="main" d="M9 78 v6 h86 v-6"/>'
    return card(CARD_W, "Window", body + text(64, 104, told("before"), "quiet"))


def network_card() -> str:
    layers = [
        [(x, 62 + 13 * (i - (n - 1) / 2)) for i in range(n)]
        for x, n in ((22, 3), (50, 5), (78, 5), (106, 4))
    ]
    lines = "".join(
        f"M{ax} {ay}L{bx} {by}"
        for left, right in zip(layers, layers[1:])
        for ax, ay in left
        for bx, by in right
    )
    dots = "".join(f'<circle class="knob" cx="{x}" cy="{y}" r="4"/>' for c in layers for x, y in c)
    body = f'<path class="net" d="{lines}"/>{dots}'
    return card(CARD_W, "Network", body + text(64, 111, told("knobs"), "quiet"))


def probability_card() -> str:
    body = text(64, 36, told("example"), "quiet")
    for i, (word, percent) in enumerate(CHANCES.items()):
        y = 54 + 16 * i
        body += text(8, y, word.strip(), "left")
        body += f'<rect class="bar" x="68" y="{y - 9}" width="{7 * percent}" height="10"/>'
        body += text(72 + 7 * percent, y, f"{percent}%", "left quiet")
    body += text(64, 101, told("each"), "quiet")
    size = told("tokens", n=f"{get_encoding('cl100k_base').n_vocab:,}")
    return card(CARD_W, "Probabilities", body + text(64, 114, size, "quiet"))


def side_card(title, lines, kind) -> str:
    body = "".join(text(SIDE_W / 2, 41 + 15 * i, line) for i, line in enumerate(lines))
    return card(SIDE_W, title, body, kind, height=80)


def row(links: dict[str, Link]) -> list[str]:
    """The five boxes from the text to the probabilities."""
    cards = (text_card(), token_card(), window_card(), network_card(), probability_card())
    return [linked(drawing, station, links) for drawing, station in zip(cards, CHAPTERS)]


def sides(links: dict[str, Link]) -> list[str]:
    """Label, nudge and sampling: the boxes that close the two loops."""
    boxes = {
        "Label": ("of_label", "train"),
        "Nudge": ("of_nudge", "train"),
        "Sampling": ("of_sampling", "talk"),
    }
    return [
        linked(side_card(name, words()[lines], kind), name, links)
        for name, (lines, kind) in boxes.items()
    ]


def arrow(path, name, kind="main") -> str:
    return f'<path class="{kind}" d="{path}" marker-end="url(#flow-{name}-{kind})"/>'


def place(x, y, drawing) -> str:
    return f'<g transform="translate({x} {y})">{drawing}</g>'


def svg(name, width, height, body) -> str:
    """A whole picture; ``name`` keeps the two pictures' arrow heads apart in one page.

    Its role lets those who hear it go to the links within.
    """
    role, top = "group" if "<a " in body else "img", -10  # labels stand out at the top
    heads = "".join(
        f'<marker id="flow-{name}-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path class="head {kind}" d="M0 0L8 4L0 8z"/></marker>'
        for kind in ("main", "train", "talk")
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow flow-{name}" role="{role}" '
        f'viewBox="0 {top} {width} {height - top}" aria-label="{escape(told("alt"))}">'
        f"<style>{COLOURS}{STYLE}</style><defs>{heads}</defs>{body}</svg>"
    )


def wide(links: dict[str, Link]) -> str:
    """The flow in a row: training closes above it, sampling below."""
    step, top = 157, 130
    body = "".join(place(1 + step * i, top, drawn) for i, drawn in enumerate(row(links)))
    body += "".join(arrow(f"M{129 + step * i} 190h27", "wide") for i in range(4))
    label, nudge, sampling = sides(links)
    body += place(645, 14, label) + place(488, 14, nudge) + place(488, 290, sampling)
    body += arrow("M693 130V97", "wide", "train") + arrow("M645 54H587", "wide", "train")
    body += arrow("M536 94V128", "wide", "train")
    body += arrow("M693 250V330H587", "wide", "talk") + arrow("M488 330H379V252", "wide", "talk")
    body += text(616, 47, told("training"), "train small")
    body += text(432, 323, told("talking"), "talk small")
    return svg("wide", 758, 376, body)


def tall(links: dict[str, Link]) -> str:
    """The flow in a column: training closes on its left, sampling on its right."""
    step = 150
    body = "".join(place(111, 1 + step * i, drawn) for i, drawn in enumerate(row(links)))
    body += "".join(arrow(f"M175 {121 + step * i}v28", "tall") for i in range(4))
    label, nudge, sampling = sides(links)
    body += place(1, 622, label) + place(1, 472, nudge) + place(253, 472, sampling)
    body += arrow("M111 662H99", "tall", "train") + arrow("M49 622V554", "tall", "train")
    body += arrow("M97 512H109", "tall", "train")
    body += arrow("M239 662H301V554", "tall", "talk") + arrow("M301 472V361H241", "tall", "talk")
    body += text(56, 592, told("training"), "train small left")
    body += text(307, 420, told("talking"), "talk small left")
    return svg("tall", 350, 722, body)


class Flow(SphinxDirective):
    """``{flow}``: both forms of the picture, with a link on each station."""

    def run(self) -> list[nodes.Node]:
        links = self.links()
        both = f'<div class="flow-both">{wide(links)}{tall(links)}</div>'
        return [nodes.raw("", both, format="html")]

    def links(self) -> dict[str, Link]:
        """For each station its first chapter."""
        by_prefix = {prefix(page): page for page in reversed(toc_pages()) if "notebooks/" in page}
        found, root, builder = {}, Path(self.env.srcdir), self.env.app.builder
        for station, (begins, *_) in CHAPTERS.items():
            page = by_prefix[begins]
            title = title_of(root, page)
            self.env.note_dependency(str(root / f"{page}.ipynb"))
            name = title.removeprefix(number(title)).strip()
            label = say("station", station=told(station), number=numbers(station), title=name)
            found[station] = Link(builder.get_relative_uri(self.env.docname, page), label)
        return found


def setup(app) -> dict:
    app.add_directive("flow", Flow)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    print(wide({}))
