"""What of the GPT stands so far: the map at the top of each chapter, and ``nbutils.tiny``.

``python -m authoring.gpt_map`` writes both anew from the notebooks: where each part is written in the
open, and which line of the package is the same thing. A test fails while they differ from what
the notebooks and the package say, so neither can go stale.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from authoring.notebooks import write
from tools.fork import repository

ROOT = Path(__file__).parents[1]
CELL = "gpt-map"
TITLE = "The GPT so far."
"""The id of the map's cell, which follows the setup cell."""
TINY = ROOT / "nbutils" / "tiny.py"
TINY_NOTEBOOK = "03c_transformer"
TINY_CELLS = ("tiny-norm-and-mlp", "tiny-attention", "tiny-block", "tiny-gpt")
TINY_HEAD = '''\
"""``TinyGPT``: the GPT that chapter 3c writes in the open, word for word, for chapters 4b to 6.

Made from the notebook's cells by authoring/gpt_map.py: change it there. ``nbutils.model.GPT`` computes
the same, faster and with checks; a trained network's weights fit into either.
"""

import math

import torch
import torch.nn as nn
'''


@dataclass(frozen=True)
class Part:
    """A part of the GPT: where a chapter writes it, and the line of the package that is the same."""

    name: str
    notebook: str
    cell: str
    shows: str  # a word of the cell by which its reader finds the part
    module: str
    line: str  # as it begins in the module, without its indentation


PARTS = (
    Part("token embedding", "03a_knobs", "lookup", "one_hot @ table", "model", "x = self.token_embedding(tokens)"),
    Part("positions", "03b_attention", "translator", "word_place", "model",
         "x = x + self.position_embedding.weight["),
    Part("layer norm", "03b_attention", "norm-and-mlp", "norm_by_hand", "model", "def _norm("),
    Part("attention", "03b_attention", "attend-at-once", "attend", "model", "x = attention(q, k, v, mask"),
    Part("heads", "03b_attention", "heads-by-hand", "attention_by_hand", "model",
         "heads = self.query_key_value(x).view("),
    Part("MLP", "03b_attention", "norm-and-mlp", "mlp_by_hand", "model",
         "return self.contract(self.activation(self.expand(x)))"),
    Part("residual stream", "03b_attention", "block-by-hand", "block_by_hand", "model",
         "x = x + self.dropout(self.attention("),
    Part("stack of blocks", "03c_transformer", "walk-by-hand", "walk", "model",
         "for layer, block in enumerate(self.blocks):"),
    Part("output head", "03a_knobs", "guess-middle", "guess_middle", "model", "return F.linear(x, table.weight)"),
    Part("loss", "02_io", "untrained-batch", "by_hand", "model", "return logits, F.cross_entropy("),
    Part("the whole GPT", "03c_transformer", "tiny-gpt", "TinyGPT", "model", "class GPT("),
    Part("training", "04a_descent", "learn", "learn", "training", "def train("),
    Part("writing", "05_inference", "write-by-hand", "write_by_hand", "sampling", "def generate("),
)  # fmt: skip
"""In the order in which a text passes through them; then what is done with the whole."""
FIRST = "02_io"
"""Before it nothing of the GPT is written: chapter 1 is about text."""


def main() -> None:
    """Write the maps and the module."""
    for path in chapters():
        write(with_map(nbformat.read(path, as_version=4), path.stem), path)
    TINY.write_text(tiny(), "utf-8", newline="\n")


def chapters() -> list[Path]:
    """The notebooks that have a map."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [path for path in paths if path.stem >= FIRST]


def with_map(notebook: nbformat.NotebookNode, chapter: str) -> nbformat.NotebookNode:
    """A copy whose map is that of now: where it stood, or behind the setup cell if it is new."""
    copy = nbformat.from_dict(notebook)
    at = next((i for i, cell in enumerate(copy.cells) if cell.id == CELL), None)
    if at is None:
        copy.cells.insert(at := 2, None)
    copy.cells[at] = new_markdown_cell(drawn(chapter), id=CELL)
    return copy


def drawn(chapter: str) -> str:
    """The map of one chapter, in Markdown: one line to see, and a list to open."""
    stands = [part for part in PARTS if part.notebook < chapter]
    here = [part for part in PARTS if part.notebook == chapter]
    later = [part for part in PARTS if part.notebook > chapter]
    line = [f"**{TITLE}**"]
    if not stands:
        line += ["Nothing of it is written yet."]
    elif not (here or later):
        line += ["All of it is written: `TinyGPT`, at the end of chapter 3c, is the whole."]
    else:
        line += ["Written: " + names(stands) + "."]
    if here:
        line += ["In this chapter: " + names(here) + "."]
    if later:
        line += ["Later: " + names(later) + "."]
    rows = [row(part, chapter) for part in PARTS]
    return "\n".join([
        " ".join(line),
        "",
        "<details>",
        "<summary>Where each part is written, and the same line in the package</summary>",
        "",
        *rows,
        "",
        "</details>",
    ])  # fmt: skip


def names(parts: list[Part]) -> str:
    return ", ".join(part.name for part in parts)


def row(part: Part, chapter: str) -> str:
    """One line of the list; a part that is not written yet has no mark before its name.

    Raises ``LookupError`` if the part's cell or line is not there.
    """
    title, source = found(part.notebook, part.cell)
    if part.shows not in source:
        raise LookupError(f"{part.notebook}.ipynb, cell {part.cell!r}, has no {part.shows!r}")
    mark = "✓ " if part.notebook < chapter else "→ " if part.notebook == chapter else ""
    link = f"{part.notebook}.ipynb#{anchor(title)}"
    at, code = line_of(part)
    address = f"{sources()}/nbutils/{part.module}.py#L{at}"
    return (
        f"- {mark}{part.name}: `{part.shows}` in [{number(part.notebook)}, {title}]({link}); "
        f"in the package `{code}`, [{part.module}.py, line {at}]({address})"
    )


@cache
def sources() -> str:
    """Where GitHub shows the repository's files."""
    return f"https://github.com/{repository()}/blob/main"


def number(chapter: str) -> str:
    """How readers call a chapter: 3b for 03b_attention."""
    return chapter.partition("_")[0].lstrip("0")


def anchor(title: str) -> str:
    """A heading's name in links, as the book makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@cache
def notebook_of(chapter: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)


def found(chapter: str, cell_id: str) -> tuple[str, str]:
    """The section that a cell stands in, and the cell's code.

    Raises ``LookupError`` if the chapter has no such cell.
    """
    title = ""
    for cell in notebook_of(chapter).cells:
        if cell.id == cell_id:
            return title, cell.source
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#{2,3} (.+)$", cell.source, re.M)
            title = headings[-1] if headings else title
    raise LookupError(f"{chapter}.ipynb has no cell {cell_id!r}: name the right one in PARTS")


def line_of(part: Part) -> tuple[int, str]:
    """The number of a part's line in its module, and the line.

    Raises ``LookupError`` if the module has not exactly one line that begins so.
    """
    lines = (ROOT / "nbutils" / f"{part.module}.py").read_text("utf-8").splitlines()
    at = [i for i, line in enumerate(lines, start=1) if line.strip().startswith(part.line)]
    if len(at) != 1:
        raise LookupError(
            f"nbutils/{part.module}.py has {len(at)} lines that begin with {part.line!r}, not one: "
            "name the right one in PARTS"
        )
    code = lines[at[0] - 1].partition("  #")[0].strip()
    return at[0], code


def tiny() -> str:
    """The source of ``nbutils.tiny``: chapter 3c's cells, one after the other."""
    cells = [found(TINY_NOTEBOOK, name)[1] for name in TINY_CELLS]
    return TINY_HEAD + "".join("\n\n" + spaced(source) + "\n" for source in cells)


def spaced(source: str) -> str:
    """A cell's classes with two empty lines between them, as modules have them."""
    return re.sub(r"\n\n(?=class )", "\n\n\n", source)


if __name__ == "__main__":
    main()
