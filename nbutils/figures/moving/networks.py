"""The small trained networks that run inside pages, as files of this package.

A page must get the same bytes from every build, and training gives the same bits only on the same
machine. So the networks are trained once, rounded to float16 and stored, as `network_file.safetensors_bytes` does
it; ``gpt.js`` reads these files too. The course's GPT is the one of `nbutils.recipes`. The sorter is
made anew by

    python -m nbutils.figures.moving.networks
"""

import itertools
from functools import cache

import torch

from nbutils import recipes
from nbutils.config import GPTConfig
from nbutils.model import GPT
from nbutils.network_file import safetensors_bytes
from nbutils.windows import IGNORE

from .picture import FOLDER

SORTED = 6  # letters in a question to the sorter


def train_sorter(updates: int = 800, seed: int = 0) -> GPT:
    """Chapter 3c's network: six letters of three kinds in, the same in order out.

    The chapter's loop, on all 729 questions and a little longer. Raises RuntimeError if an answer
    is wrong at the end.
    """
    questions = torch.tensor(list(itertools.product(range(3), repeat=SORTED)))
    texts = torch.cat([questions, questions.sort(dim=1).values], dim=1)
    x, y = texts[:, :-1], texts[:, 1:].clone()
    y[:, : SORTED - 1] = IGNORE
    torch.manual_seed(seed)
    model = GPT(GPTConfig.preset("sorter"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(updates):
        rows = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        model(x[rows], y[rows])[1].backward()
        optimizer.step()
    model = model.half().float().eval()
    with torch.no_grad():
        right = (model(x)[:, SORTED - 1 :].argmax(-1) == y[:, SORTED - 1 :]).all()
    if not right:
        raise RuntimeError("the sorter makes mistakes; train it with more updates")
    return model


FILES = {
    "sorter": FOLDER / "sorter.safetensors",
    "smallworld": recipes.FOLDER / "smallworld.safetensors",
}


@cache
def content(name: str) -> bytes:
    """The bytes of a stored network."""
    return FILES[name].read_bytes()


@cache
def load_network(name: str) -> GPT:
    """A stored network, in float32 and evaluation mode: the numbers that a page computes with."""
    return recipes.read_network(FILES[name]).requires_grad_(False)


if __name__ == "__main__":
    FILES["sorter"].write_bytes(safetensors_bytes(train_sorter()))
    print(f"{FILES['sorter']}: {FILES['sorter'].stat().st_size:,} bytes")
