"""How long a run waits for a checkpoint, and what of that its checksum takes."""

import tempfile
from pathlib import Path

import torch
from rows import Row, fastest, table

from nbutils import recipes
from nbutils.checkpoints import single_file
from nbutils.checkpoints.state import State, model_state, named, optimizer_state
from nbutils.config import GPTConfig, TrainConfig
from nbutils.model import GPT
from nbutils.optim import make_optimizer


def measure(quick: bool) -> list[Row]:
    """On the disk of the folder for temporary files. ``quick``: without GPT-2."""
    rows = _rows("the course's GPT", recipes.MODEL, times=20)
    return rows if quick else rows + _rows("GPT-2", GPTConfig.preset("gpt2"), times=5)


def _rows(name: str, shape: GPTConfig, times: int) -> list[Row]:
    state = _trained_state(shape)
    size = sum(tensor.nbytes for tensor in state.tensors.values()) / 1e6
    how = f"{size:,.0f} MB: weights and AdamW's memory; the fastest of {times}"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        written = fastest(lambda: single_file.write(folder, state), times)
        read = fastest(lambda: single_file.restore(folder, {}, lambda found: None), times)
    checksum = fastest(lambda: single_file._checksum("", state.tensors), times)
    finite = fastest(state.not_finite, times)
    return [
        Row(f"Checkpoint of {name}, written", 1e3 * written, "ms", how),
        Row(f"Checkpoint of {name}, its checksum", 1e3 * checksum, "ms", "a part of writing"),
        Row(f"Checkpoint of {name}, all finite?", 1e3 * finite, "ms", "asked before writing"),
        Row(f"Checkpoint of {name}, read", 1e3 * read, "ms", how),
    ]


def _trained_state(shape: GPTConfig) -> State:
    """What a run stores after an update."""
    model = GPT(shape)
    optimizer = make_optimizer(model, TrainConfig())
    for weight in model.parameters():
        weight.grad = torch.rand_like(weight)
    optimizer.step()
    tensors = named("model", model_state(model))
    tensors |= named("optimizer", optimizer_state(optimizer))
    return State({}, tensors, {})


if __name__ == "__main__":
    print(table(measure(quick=False)))
