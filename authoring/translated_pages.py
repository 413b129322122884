"""A page's units, and the page in another language: notebooks cell by cell, Markdown block by block.

Of a notebook its texts, the alt texts of its figures and the comments in its code are translated, and nothing else:
the code stays as it is, and so do the outputs, which are those of the one run.
"""

import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

from authoring.catalogues import Unit

ALT = " alt"
CODE = " code"
OPAQUE = re.compile(r"^(`{3,}|~{3,})(?!\{glossary\})")
TRANSPARENT = re.compile(r"^```\{glossary\}")
BARE = re.compile(
    r"^(?:\s*(?:```.*|:\w+:.*|<p [^>]*></p>))+\s*$"
)  # fences, their options, empty places
Say = Callable[[Unit], str]


def units(file: Path) -> Iterator[Unit]:
    """What the page says, in its order."""
    if file.suffix == ".ipynb":
        yield from units_of_notebook(json.loads(file.read_text("utf-8")))
    else:
        yield from (unit for unit, _ in blocks(file.read_text("utf-8")) if unit)


def units_of_notebook(notebook: dict) -> Iterator[Unit]:
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield Unit(cell["id"], source)
            continue
        if cell["id"] == "setup":
            continue
        for comment in comments(source):
            yield Unit(cell["id"] + CODE, comment.string)
        if alt := alt_text(cell):
            yield Unit(cell["id"] + ALT, alt)


def alt_text(cell: dict) -> str:
    return cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")


def comments(source: str) -> list[tokenize.TokenInfo]:
    """The comments of a cell's code that say something to a reader."""
    if "#" not in source:
        return []
    code = re.sub(r"^[%!].*", lambda found: " " * len(found[0]), source, flags=re.M)
    found = tokenize.generate_tokens(io.StringIO(code).readline)
    return [
        token
        for token in found
        if token.type == tokenize.COMMENT and re.search(r"[A-Za-z]{2}", token.string)
    ]


def notebook_in(notebook: dict, say: Say) -> dict:
    """The notebook in another language. say: a unit's words there."""
    made = deepcopy(notebook)
    for cell in made["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = lines(say(Unit(cell["id"], source)))
        elif cell["id"] != "setup":
            cell["source"] = lines(
                with_comments(source, lambda words, at=cell["id"]: say(Unit(at + CODE, words)))
            )
            if alt := alt_text(cell):
                cell["metadata"]["mystnb"]["image"]["alt"] = say(Unit(cell["id"] + ALT, alt))
    return made


def with_comments(source: str, say: Callable[[str], str]) -> str:
    """The code with other comments, and with nothing else changed."""
    rows = source.splitlines(keepends=True)
    for token in reversed(comments(source)):
        (row, begin), (_, end) = token.start, token.end
        line = rows[row - 1]
        rows[row - 1] = line[:begin] + say(token.string) + line[end:]
    return "".join(rows)


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def blocks(markdown: str) -> Iterator[tuple[Unit | None, str]]:
    """Each block of a page: its unit, or None where nothing is said, and its text with what follows it.

    Blocks are parted by empty lines. What stands between fences is one block; the entries of a glossary are blocks.
    """
    fence, block = "", ""
    for line in markdown.splitlines(keepends=True):
        if fence:
            block += line
            if line.startswith(fence):
                fence = ""
            continue
        if not line.strip():
            yield from _parted(block + line)
            block = ""
        else:
            if opens := OPAQUE.match(line):
                yield from _parted(block)
                block, fence = "", opens[1]
            block += line
    yield from _parted(block)


def _parted(block: str) -> Iterator[tuple[Unit | None, str]]:
    if not block:
        return
    opened = TRANSPARENT.match(block)
    plain = block.rstrip("\n")
    if not plain or opened or OPAQUE.match(block) or BARE.match(block):
        yield None, block
    else:
        yield Unit("", plain), block


def markdown_in(markdown: str, say: Say) -> str:
    """The page in another language. say: a unit's words there."""
    return "".join(
        say(unit) + block[len(unit.says) :] if unit else block for unit, block in blocks(markdown)
    )
