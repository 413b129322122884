"""The small trained networks that run inside pages, as files of this package.

A page must get the same bytes from every build, and training gives the same bits only on the same
machine. So the networks are trained once, by the recipes below, rounded to float16 and stored:

    python -m nbutils.figures.networks

makes the files anew. A file is a safetensors file of the model's own weights, with its
``GPTConfig`` in the head; ``gpt.js`` reads it too.
"""

import itertools
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from nbutils import recipes
from nbutils.model import GPT, GPTConfig
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


RECIPES = {"sorter": train_sorter, "smallworld": lambda: recipes.smallworld().model}


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.safetensors"


def as_bytes(model: GPT) -> bytes:
    """The model as a file's bytes: its weights in float16, its configuration in the head."""
    weights = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    return save(weights, {"config": json.dumps(asdict(model.config))})


@cache
def content(name: str) -> bytes:
    """The bytes of a stored network."""
    return path_of(name).read_bytes()


@cache
def load_network(name: str) -> GPT:
    """A stored network, in float32 and evaluation mode: the numbers that a page computes with."""
    with safe_open(path_of(name), "pt") as file:
        model = GPT(GPTConfig(**json.loads(file.metadata()["config"])))
        model.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})
    return model.eval().requires_grad_(False)


if __name__ == "__main__":
    for name, make in RECIPES.items():
        path_of(name).write_bytes(as_bytes(make()))
        print(f"{path_of(name)}: {path_of(name).stat().st_size:,} bytes")
