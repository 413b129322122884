r"""TeX's mathematics as MathML, which browsers draw themselves: no script comes with a page.

`mathml` knows what is in `authoring.extensions.mathml_symbols` and the commands and environments below. Whatever
else a formula holds raises `TeXError`, so that no page shows a formula half read.

The space between two signs is TeX's own (The TeXbook, chapter 18): each part of a formula has a class, such as
``ord`` or ``rel``, and a table says what stands between two of them. Browsers have a table of their own,
by the sign alone, and differ in it; so every operator here says its space itself.
"""

import re
import unicodedata
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from authoring.extensions.mathml_symbols import (
    ACCENTS,
    ALPHABETS,
    BRACES,
    DELIMITERS,
    FUNCTIONS,
    LIMITS,
    SIZES,
    SPACES,
    SYMBOLS,
)

TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.S)
KINDS = ("ord", "op", "bin", "rel", "open", "close", "punct", "inner")
# Between the class of the row and that of the column: 1 thin, 2 medium, 3 thick; negative: not in scripts.
BETWEEN = dict(
    ord=(0, 1, -2, -3, 0, 0, 0, -1),
    op=(1, 1, 0, -3, 0, 0, 0, -1),
    bin=(-2, -2, 0, 0, -2, 0, 0, -2),
    rel=(-3, -3, 0, 0, -3, 0, 0, -3),
    open=(0, 0, 0, 0, 0, 0, 0, 0),
    close=(0, 1, -2, -3, 0, 0, 0, -1),
    punct=(-1, -1, 0, -1, -1, -1, -1, -1),
    inner=(-1, 1, -2, -3, -1, 0, -1, -1),
)
WIDTHS = ("0", ".167em", ".222em", ".278em")  # 3, 4 and 5 of 18 parts of an em
DISPLAY, TEXT, SCRIPT = range(
    3
)  # TeX's styles: on a line of its own, in a line, above or below one


class TeXError(ValueError):
    """A formula that can't be read: what in it, and why."""


class Part(NamedTuple):
    """A piece of a row: its class, or None for a space; the element; whether scripts stand above and below."""

    kind: str | None
    element: Element
    limits: bool = False


def mathml(tex: str, display: bool) -> str:
    """The formula as a ``<math>`` element. Raises TeXError for what this module does not know."""
    tex = " ".join(re.sub(r"(?<!\\)%.*", "", tex).split())
    reader = Reader(tex)
    style = DISPLAY if display else TEXT
    row = reader.row(style)
    if reader.next is not None:
        raise TeXError(f"{reader.next!r} has no beginning")
    shown = {"display": "block"} if display else {}
    return tostring(element("math", row, alttext=tex, **shown), encoding="unicode")


def element(tag: str, *inside, text: str | None = None, **attributes) -> Element:
    made = Element(tag, attributes)
    made.text = text
    made.extend(inside)
    return made


def operator(sign: str, **attributes) -> Element:
    """A sign without space around it; `spaced` gives it some."""
    return element("mo", text=sign, lspace="0", rspace="0", **attributes)


def identifier(name: str) -> Element:
    """A name. Browsers slant a single letter, as TeX does, but TeX not a Greek capital."""
    upright = {"mathvariant": "normal"} if "Α" <= name <= "Ω" else {}
    return element("mi", text=name, **upright)


def grouped(elements: list[Element]) -> Element:
    return elements[0] if len(elements) == 1 else element("mrow", *elements)


def spaced(parts: list[Part], style: int) -> list[Element]:
    """The elements of a row, with TeX's space between each two."""
    kinds = classes([part.kind for part in parts])
    elements, before = [], None
    for part, kind in zip(parts, kinds):
        if kind and before and (width := space(before[0], kind, style)):
            if part.element.tag == "mo":
                part.element.set("lspace", width)
            elif before[1].tag == "mo":
                before[1].set("rspace", width)
            else:
                elements.append(element("mspace", width=width))
        elements.append(part.element)
        before = (kind, part.element) if kind else before
    return elements


def classes(kinds: list[str | None]) -> list[str | None]:
    """TeX's rule: a binary operator with nothing to join, such as a sign before a number, is ordinary."""
    kinds = list(kinds)
    places = [place for place, kind in enumerate(kinds) if kind]
    for before, place in zip([None, *places], places):
        alone = before is None or kinds[before] in ("bin", "op", "rel", "open", "punct")
        if kinds[place] == "bin" and alone:
            kinds[place] = "ord"
        elif kinds[place] in ("rel", "close", "punct") and not alone and kinds[before] == "bin":
            kinds[before] = "ord"
    if places and kinds[places[-1]] == "bin":
        kinds[places[-1]] = "ord"
    return kinds


def space(left: str, right: str, style: int) -> str | None:
    amount = BETWEEN[left][KINDS.index(right)]
    return None if not amount or (amount < 0 and style == SCRIPT) else WIDTHS[abs(amount)]


class Reader:
    """Reads a formula from left to right."""

    def __init__(self, tex: str):
        self.tokens = TOKEN.findall(tex)
        self.at = 0

    @property
    def next(self) -> str | None:
        """What comes next but blanks; None at the end."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, expected: str | None = None) -> str:
        token = self.next
        if token is None:
            raise TeXError(f"it ends where {expected or 'something'!r} should come")
        if expected and token != expected:
            raise TeXError(f"{token!r} stands where {expected!r} should come")
        self.at += 1
        return token

    def row(self, style: int, ends: tuple[str, ...] = ()) -> Element:
        return grouped(spaced(self.parts(style, ends), style))

    def parts(self, style: int, ends: tuple[str, ...]) -> list[Part]:
        parts = []
        while self.next is not None and self.next not in (*ends, *CLOSING):
            if self.next in STYLES:
                style, shown = STYLES[self.take()]
                parts.append(Part("ord", element("mstyle", self.row(style, ends), **shown)))
            else:
                parts.append(self.scripted(style))
        return parts

    def scripted(self, style: int) -> Part:
        """A part with what stands above and below it."""
        part = Part("ord", element("mrow")) if self.next in ("^", "_", "'") else self.part(style)
        limits = part.limits
        if self.next in (r"\limits", r"\nolimits"):
            limits = self.take() == r"\limits"
        if self.next == "'":
            part = part._replace(element=element("mrow", part.element, self.primes()))
        scripts = {}
        while self.next in ("^", "_"):
            sign = self.take()
            if sign in scripts:
                raise TeXError(f"two times {sign!r} after one thing: use braces")
            scripts[sign] = self.argument(SCRIPT)
        if not scripts:
            return part
        names = ("munder", "mover", "munderover") if limits else ("msub", "msup", "msubsup")
        tag = names[2 if len(scripts) == 2 else "^" in scripts]
        inside = [scripts[sign] for sign in "_^" if sign in scripts]
        return Part(part.kind, element(tag, part.element, *inside))

    def primes(self) -> Element:
        """Beside the letter, not above it: the font's own sign stands high already."""
        count = 0
        while self.next == "'":
            self.take()
            count += 1
        return operator("′″‴"[count - 1] if count < 4 else "′" * count)

    def argument(self, style: int) -> Element:
        """What a command or a script takes: a group in braces, or one thing."""
        if self.next == "{":
            self.take()
            made = self.row(style)
            self.take("}")
            return made
        if self.next in ("^", "_", *CLOSING):
            raise TeXError(f"{self.next!r} stands where something in braces should come")
        return self.part(style, digits=1).element

    def text(self) -> str:
        """What stands in braces, as it is."""
        self.take("{")
        start, depth = self.at, 1
        while depth:
            if self.at == len(self.tokens):
                raise TeXError("'{' has no end")
            depth += {"{": 1, "}": -1}.get(self.tokens[self.at], 0)
            self.at += 1
        return "".join(self.tokens[start : self.at - 1])

    def part(self, style: int, digits: int | None = None) -> Part:
        """One thing without its scripts. digits: how many of a number count, as in ``\\frac12``."""
        token = self.take()
        if token == "{":
            self.at -= 1
            return Part("ord", self.argument(style))
        if token.isdigit():
            return Part("ord", element("mn", text=token if digits else token + self.digits()))
        if token in SYMBOLS:
            return symbol(token)
        if token.isalpha():
            return Part("ord", identifier(token))
        if token in SPACES:
            return Part(None, element("mspace", width=SPACES[token]))
        if token[1:] in FUNCTIONS:
            return Part("op", element("mi", text=FUNCTIONS[token[1:]]))
        if token[1:] in LIMITS:
            return Part("op", operator(LIMITS[token[1:]], movablelimits="true"), limits=True)
        command = COMMANDS.get(token) or next(
            (read for known, read in FAMILIES if token[1:] in known), None
        )
        if not token.startswith("\\") or command is None:
            raise TeXError(f"{token!r} is unknown")
        return command(self, token[1:], style)

    def digits(self) -> str:
        """The rest of a number."""
        found = re.match(r"\d*(?:\.\d+)?", "".join(self.tokens[self.at : self.at + 40]))[0]
        self.at += len(found)
        return found

    def fraction(self, name: str, style: int) -> Part:
        shown = {"d": DISPLAY, "t": TEXT}.get(name[0], style)
        within = TEXT if shown == DISPLAY else SCRIPT
        line = {"linethickness": "0"} if name.endswith("binom") else {}
        made = element("mfrac", self.argument(within), self.argument(within), **line)
        if line:
            made = element("mrow", fence("(", "prefix"), made, fence(")", "postfix"))
        if name[0] in "dt":
            made = element(
                "mstyle", made, displaystyle=str(shown == DISPLAY).lower(), scriptlevel="0"
            )
        return Part("inner", made)

    def root(self, name: str, style: int) -> Part:
        if self.next != "[":
            return Part("ord", element("msqrt", self.argument(style)))
        self.take()
        degree = self.row(SCRIPT, ends=("]",))
        self.take("]")
        return Part("ord", element("mroot", self.argument(style), degree))

    def words(self, name: str, style: int) -> Part:
        """Running text; MathML drops the blanks at its ends, and a no-break space stays."""
        text = re.sub(r"\s+", " ", self.text())
        if re.search(r"[$\\]", text):
            raise TeXError(f"text can't hold {text!r}: only words")
        return Part("ord", element("mtext", text=text.replace(" ", "\N{NO-BREAK SPACE}")))

    def operatorname(self, name: str, style: int) -> Part:
        text = self.text().replace(r"\,", "\N{THIN SPACE}")
        if not re.fullmatch(r"[\w\u2009-]+", text):
            raise TeXError(f"{text!r} is no name of a function")
        if name.endswith("*"):
            return Part("op", operator(text, movablelimits="true"), limits=True)
        return Part("op", upright(text))

    def alphabet(self, name: str, style: int) -> Part:
        """Letters of another kind. What is upright and has several letters is one name."""
        text = self.text().strip() if self.next == "{" else self.take()
        if name == "mathrm":
            if not re.fullmatch(r"[\w ]+", text):
                raise TeXError(f"\\mathrm can't hold {text!r}: only letters")
            return Part("ord", upright(text))
        letters = [
            SYMBOLS.get(sign, ("", sign))[1] for sign in TOKEN.findall(text.replace(" ", ""))
        ]
        signs = [element("mi", text=letter_of(sign, ALPHABETS[name])) for sign in letters]
        return Part("ord", grouped(signs))

    def accent(self, name: str, style: int) -> Part:
        sign, stretchy, tag = ACCENTS[name]
        mark = operator(sign, stretchy=stretchy)
        over = {"accent": "true"} if tag == "mover" else {"accentunder": "true"}
        return Part("ord", element(tag, self.argument(style), mark, **over))

    def brace(self, name: str, style: int) -> Part:
        sign, tag = BRACES[name]
        made = element(tag, self.argument(style), operator(sign, stretchy="true"))
        return Part("op", made, limits=True)

    def stacked(self, name: str, style: int) -> Part:
        small, base = self.argument(SCRIPT), self.argument(style)
        kind = "rel" if name == "stackrel" or base.text in RELATIONS else "ord"
        return Part(kind, element("munder" if name == "underset" else "mover", base, small))

    def left(self, name: str, style: int) -> Part:
        inside = [fence(self.delimiter(), "prefix")]
        parts = self.parts(style, ())
        while self.next == r"\middle":
            self.take()
            inside += [*spaced(parts, style), fence(self.delimiter(), "infix")]
            parts = self.parts(style, ())
        self.take(r"\right")
        inside += [*spaced(parts, style), fence(self.delimiter(), "postfix")]
        return Part("inner", element("mrow", *inside))

    def delimiter(self) -> str:
        token = self.take()
        if token not in DELIMITERS:
            raise TeXError(f"{token!r} is no bracket")
        return DELIMITERS[token]

    def big(self, name: str, style: int) -> Part:
        size, kind = SIZES[name.rstrip("lrm")], {"l": "open", "r": "close", "m": "rel"}
        sized = operator(self.delimiter(), stretchy="true", minsize=size, maxsize=size)
        return Part(kind.get(name[-1], "ord"), sized)

    def phantom(self, name: str, style: int) -> Part:
        return Part("ord", element("mphantom", self.argument(style)))

    def environment(self, name: str, style: int) -> Part:
        kind = self.text()
        plain = kind.rstrip("*")
        if plain == "equation":
            part = Part("ord", self.row(style))
        elif plain in ENVIRONMENTS:
            part = self.tabular(plain)
        else:
            raise TeXError(f"{kind!r} is an unknown environment")
        self.take(r"\end")
        if (end := self.text()) != kind:
            raise TeXError(f"{kind!r} ends as {end!r}")
        return part

    def tabular(self, kind: str) -> Part:
        look, opening, closing = ENVIRONMENTS[kind]
        columns = self.text() if kind == "array" else ""
        if columns.strip("lcr "):
            raise TeXError(f"an array's columns are l, c and r, not {columns!r}")
        style = DISPLAY if look in ("aligned", "gathered") else TEXT
        rows = self.rows(style, goes_on=look == "aligned")
        for cells in rows:
            for cell, letter in zip(cells, columns.replace(" ", "")):
                cell.set("style", f"text-align:{ALIGN[letter]}")
        shown = {"displaystyle": "true"} if style == DISPLAY else {}
        table = element("mtable", *rows, **shown, **({"class": look} if look else {}))
        if not opening:
            return Part("ord", table)
        closed = [fence(closing, "postfix")] if closing else []
        return Part("inner", element("mrow", fence(opening, "prefix"), table, *closed))

    def rows(self, style: int, goes_on: bool) -> list[Element]:
        """A table's rows. goes_on: each second cell goes on with what stands in the cell before."""
        rows, cells = [], []
        while True:
            parts = self.parts(style, ())
            if goes_on and len(cells) % 2:
                parts.insert(0, Part("ord", element("mrow")))  # TeX: so that "=" has its space
            cells.append(element("mtd", *spaced(parts, style)))
            if self.next == "&":
                self.take()
                continue
            if self.next == r"\\" or any(len(cell) for cell in cells):
                rows.append(element("mtr", *cells))
            if self.next != r"\\":
                return rows
            self.take()
            cells = []


def symbol(token: str) -> Part:
    kind, sign = SYMBOLS[token]
    if kind == "name":
        return Part("ord", identifier(sign))
    if kind == "sign":
        return Part("ord", element("mi", text=sign, mathvariant="normal"))
    if kind == "sum":
        return Part("op", operator(sign), limits=True)
    straight = {"stretchy": "false"} if kind in ("open", "close") or sign in "|‖∣→←↔" else {}
    return Part("op" if kind == "integral" else kind, operator(sign, **straight))


def fence(sign: str, form: str) -> Element:
    """A bracket as high as what it holds."""
    return operator(sign, stretchy="true", fence="true", form=form)


def upright(name: str) -> Element:
    return element("mi", text=name, **({"mathvariant": "normal"} if len(name) == 1 else {}))


def letter_of(sign: str, alphabet: str) -> str:
    """A letter or digit of one of Unicode's mathematical alphabets."""
    try:
        name = (
            unicodedata.name(sign)
            .replace("LATIN ", "")
            .replace("GREEK ", "")
            .replace(" LETTER", "")
        )
        try:
            return unicodedata.lookup(f"MATHEMATICAL {alphabet} {name}")
        except KeyError:  # Unicode had a few of them before it had the alphabets
            return unicodedata.lookup(f"{alphabet} {name}")
    except (TypeError, KeyError):
        raise TeXError(f"there is no {alphabet.lower()} {sign!r}") from None


CLOSING = ("}", "&", r"\\", r"\right", r"\middle", r"\end")
RELATIONS = {sign for kind, sign in SYMBOLS.values() if kind == "rel"}
ALIGN = {"l": "left", "c": "center", "r": "right"}
STYLES = {
    r"\displaystyle": (DISPLAY, {"displaystyle": "true", "scriptlevel": "0"}),
    r"\textstyle": (TEXT, {"displaystyle": "false", "scriptlevel": "0"}),
    r"\scriptstyle": (SCRIPT, {"displaystyle": "false", "scriptlevel": "1"}),
}
# An environment's look, as formulas.css knows it, and what stands around it.
ENVIRONMENTS = {
    **dict.fromkeys(("align", "aligned", "split", "alignat"), ("aligned", "", "")),
    **dict.fromkeys(("gather", "gathered"), ("gathered", "", "")),
    "cases": ("cases", "{", ""),
    "array": ("", "", ""),
    "matrix": ("", "", ""),
    "pmatrix": ("", "(", ")"),
    "bmatrix": ("", "[", "]"),
    "Bmatrix": ("", "{", "}"),
    "vmatrix": ("", "|", "|"),
    "Vmatrix": ("", "‖", "‖"),
}
COMMANDS = {
    r"\sqrt": Reader.root,
    r"\left": Reader.left,
    r"\begin": Reader.environment,
    r"\phantom": Reader.phantom,
    **dict.fromkeys((r"\text", r"\textrm", r"\mbox"), Reader.words),
    **dict.fromkeys((r"\operatorname", r"\operatorname*"), Reader.operatorname),
}
FAMILIES = (
    (("frac", "dfrac", "tfrac", "binom", "dbinom", "tbinom"), Reader.fraction),
    (("stackrel", "overset", "underset"), Reader.stacked),
    ((*ALPHABETS, "mathrm"), Reader.alphabet),
    (ACCENTS, Reader.accent),
    (BRACES, Reader.brace),
    ([size + side for size in SIZES for side in ("", "l", "r", "m")], Reader.big),
)
