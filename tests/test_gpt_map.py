"""What of the GPT stands so far: the chapters' maps and nbutils.tiny are those of now."""

import ast
import dataclasses
from pathlib import Path

import nbformat
import pytest
import torch

from authoring import gpt_map
from nbutils.model import GPT, GPTConfig
from nbutils.tiny import TinyGPT

ROOT = Path(__file__).parents[1]

SHAPE = GPTConfig(vocab_size=50, block_size=12, n_layer=2, n_head=4, n_embd=32)


@pytest.fixture(params=gpt_map.chapters(), ids=lambda path: path.stem)
def chapter(request):
    return request.param


def test_the_map_is_what_the_notebooks_and_the_package_say(chapter):
    cells = nbformat.read(chapter, as_version=4).cells
    maps = [cell.source for cell in cells if cell.id == gpt_map.CELL]
    assert maps == [gpt_map.drawn(chapter.stem)], "run python -m authoring.gpt_map"
    before_it = [cell.source for cell in cells[: [c.id for c in cells].index(gpt_map.CELL)]]
    assert not any(source.startswith("## ") for source in before_it), "the map opens the chapter"


def test_the_map_stays_where_it_stands(chapter):
    notebook = nbformat.read(chapter, as_version=4)
    at = [cell.id for cell in notebook.cells].index(gpt_map.CELL)
    again = gpt_map.with_map(notebook, chapter.stem)
    assert again.cells[at].id == gpt_map.CELL and again.cells == notebook.cells
    without = nbformat.from_dict(notebook)
    del without.cells[at]
    assert gpt_map.with_map(without, chapter.stem).cells[2].id == gpt_map.CELL


def test_each_chapter_after_the_first_has_one():
    every = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert gpt_map.chapters() == every[1:]


def test_parts_come_to_stand_and_stay():
    maps = [gpt_map.drawn(path.stem) for path in gpt_map.chapters()]
    written = [{part for part in gpt_map.PARTS if f"- ✓ {part.name}:" in text} for text in maps]
    assert not written[0] and written[-1] == set(gpt_map.PARTS)
    assert all(before <= after for before, after in zip(written, written[1:]))


@pytest.mark.parametrize("wrong", [{"cell": "no-cell"}, {"shows": "nothing"}, {"line": "x = "}])
def test_a_part_that_is_not_where_it_is_looked_for_is_an_error(wrong):
    with pytest.raises(LookupError):
        gpt_map.row(dataclasses.replace(gpt_map.PARTS[0], **wrong), "02_io")


def test_tiny_is_chapter_3c_word_for_word():
    assert gpt_map.TINY.read_text("utf-8") == gpt_map.tiny(), "run python -m authoring.gpt_map"


def test_tiny_is_at_most_sixty_lines_and_takes_nothing_from_the_package():
    cells = [gpt_map.found(gpt_map.TINY_NOTEBOOK, name)[1] for name in gpt_map.TINY_CELLS]
    lines = [line for cell in cells for line in cell.splitlines() if line.strip()]
    assert len(lines) <= 60 and len(cells) <= 4
    imported = [
        node
        for node in ast.parse(gpt_map.tiny()).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    names = {getattr(node, "module", None) or node.names[0].name for node in imported}
    assert names == {"math", "torch", "torch.nn"}


def tiny_and_gpt():
    torch.manual_seed(0)
    gpt = GPT(SHAPE)
    for knobs in gpt.parameters():
        torch.nn.init.normal_(knobs, std=0.2)  # also scales, shifts and biases: none is idle
    tiny = TinyGPT(V=50, T=12, C=32, H=4, L=2)
    tiny.load_state_dict(gpt.state_dict())
    return tiny, gpt


def test_tiny_gives_the_logits_and_the_gradients_of_the_gpt():
    tiny, gpt = (network.double() for network in tiny_and_gpt())
    ids, labels = torch.randint(50, (2, 3, 12), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(tiny(ids), gpt(ids))
    torch.nn.functional.cross_entropy(tiny(ids).flatten(0, 1), labels.flatten()).backward()
    gpt(ids, labels)[1].backward()
    for mine, theirs in zip(tiny.parameters(), gpt.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


def test_tiny_begins_as_gpt_2_does():
    torch.manual_seed(0)
    tiny = TinyGPT(V=500, T=12, C=64, H=4, L=2)
    gpt = GPT(dataclasses.replace(SHAPE, vocab_size=500, n_embd=64))
    for (name, mine), theirs in zip(tiny.named_parameters(), gpt.parameters(), strict=True):
        last = name.endswith(("projection.weight", "contract.weight"))  # chapter 6 says so
        expected = theirs.std() * (2 if last else 1)
        torch.testing.assert_close(mine.std(), expected, rtol=0.1, atol=0.002, msg=name)
        torch.testing.assert_close(mine.mean(), theirs.mean(), rtol=0, atol=0.01, msg=name)
