"""The theme's styles and scripts: pages load what they use.

The theme brings all of Bootstrap's styles, sphinx-design's and its own: 400 kB, of which a page uses an eighth. A rule
stays if what it selects can occur: each class and id of it stands in a built page or in a script. Every page
would load the index of the search, which the page of results alone reads; and scripts for tabs and folded boxes that
few pages have. Scripts that are left run when the page has been read, in the same order.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from sphinx.application import Sphinx

STYLES = (
    "styles/*.css",
    "basic.css",
    "mystnb*.css",
    "sphinx-design*.css",
    "togglebutton.css",
)
NAME = re.compile(r"[.#]((?:\\.|[\w-])+)")
WORD = re.compile(r"[\w-]+")
ATTRIBUTE = re.compile(r'\b(?:class|id)="([^"]*)"')
INNERMOST = re.compile(r"\([^()]*\)|\[[^\]]*\]")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{};]", re.S)
GROUPS = ("@media", "@supports", "@layer", "@container")
SEARCH = "search.html"
OF_SEARCH = r"(?:_static/searchtools|_static/language_data|searchindex)"
# What a page must have so that a file is of use to it.
NEEDS = {
    r"_static/design-tabs": re.compile(r'class="[^"]*\bsd-tab'),
    r"_static/sphinx-design": re.compile(r'class="[^"]*\bsd-'),
    r"_static/togglebutton": re.compile(
        r'class="(?:[^"]*\s)?toggle[\s"]|class="[^"]*\badmonition\b[^"]*\bdropdown\b'
    ),
}
# Of use before the page has been read: later scripts, within it, put their settings there.
FIRST = "_static/documentation_options"
THEME = "scripts/pydata-sphinx-theme.js"
MEASURES = re.compile(
    r'"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)'
)
SCRIPT = re.compile(r"<script(?![^>]*json)[^>]*>(.*?)</script>", re.S)


def lighten(app: Sphinx, error) -> None:
    """Cut the built book's styles, and what each page loads."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    used = set()
    for page in out.rglob("*.html"):
        html = page.read_text("utf-8")
        used |= {name for names in ATTRIBUTE.findall(html) for name in names.split()}
        used |= set(WORD.findall(" ".join(SCRIPT.findall(html))))
        page.write_text(without_unused(html, page.name == SEARCH), "utf-8")
    static = out / "_static"
    for script in static.rglob("*.js"):
        used |= set(WORD.findall(script.read_text("utf-8")))
    for pattern in STYLES:
        for style in static.glob(pattern):
            style.write_text(cut(style.read_text("utf-8"), used), "utf-8")
    theme = static / THEME
    theme.write_text(MEASURES.sub("0", theme.read_text("utf-8")), "utf-8")  # scrollers.js does it


def without_unused(html: str, search: bool) -> str:
    """The page without the files that it has no use for; its scripts wait until it has been read."""
    unused = [name for name, needed in NEEDS.items() if not needed.search(html)]
    for name in unused if search else [*unused, OF_SEARCH]:
        html = re.sub(rf'[ \t]*<script[^>]*src="[^"]*{name}[^"]*"></script>\n?', "", html)
        html = re.sub(rf'[ \t]*<link[^>]*href="[^"]*{name}[^"]*"[^>]*/>\n?', "", html)
    if search:  # its own script uses the others while it is read
        return html
    return re.sub(rf'<script src="(?![^"]*{FIRST})([^"]*_static/)', r'<script defer src="\1', html)


def cut(css: str, used: set[str]) -> str:
    """The style without rules for classes and ids that nothing has."""
    return "".join(kept(COMMENT.sub("", css), lambda selector: possible(selector, used)))


def possible(selector: str, used: set[str]) -> bool:
    """Can it select something? What stands in brackets, such as ``:not(.a)``, is not asked."""
    while (plain := INNERMOST.sub("", selector)) != selector:
        selector = plain
    return all(name.replace("\\", "") in used for name in NAME.findall(selector))


def kept(css: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """The rules that are wanted, with those of their selectors that are."""
    for head, body in rules(css):
        if body is None:  # @charset, @import
            yield f"{head};"
        elif head.startswith(GROUPS):
            inside = "".join(kept(body, wanted))
            yield f"{head}{{{inside}}}" if inside else ""
        elif head.startswith("@"):
            yield f"{head}{{{body}}}"
        elif selectors := [one for one in parts(head) if wanted(one)]:
            yield f"{','.join(selectors)}{{{body}}}"


def rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Head and body of each rule of the outermost level; no body where the rule ends with a semicolon."""
    start = opened = depth = 0
    for token in TOKEN.finditer(css):
        sign = token[0]
        if sign == "{":
            opened = opened if depth else token.start()
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : token.start()]
                start = token.end()
        elif sign == ";" and not depth:
            yield css[start : token.start()].strip(), None
            start = token.end()


def parts(selectors: str) -> list[str]:
    """The selectors of a list; commas within brackets part nothing."""
    found, depth = [""], 0
    for sign in selectors:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", lighten, priority=810)  # after light_icons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
