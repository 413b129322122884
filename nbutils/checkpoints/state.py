"""What a run must remember: tensors by name, what JSON can hold about them, and whose they are."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nbutils import parallel
from nbutils.hub import names_as_in, plain_names
from nbutils.ids import not_finite
from nbutils.words import sentence


class CheckpointError(ValueError):
    """A checkpoint is damaged or belongs to another run, or can't be written."""


class OtherModelError(CheckpointError):
    """A checkpoint is whole, and of a network with other weights."""


class CheckpointWarning(UserWarning):
    """A checkpoint is damaged or could not be written, and the run goes on without it."""


@dataclass(frozen=True)
class State:
    """What a run must remember to go on as if it had not stopped."""

    identity: dict
    """What must be equal for two runs to be the same run; like ``about`` of what JSON can hold."""
    tensors: dict[str, torch.Tensor]
    about: dict

    def part(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors that `named` gave this prefix, by the names they had before."""
        start = f"{prefix}."
        names = (name for name in self.tensors if name.startswith(start))
        return {name.removeprefix(start): self.tensors[name] for name in names}

    def not_finite(self) -> tuple[str, float] | None:
        """A tensor of this process with a number that is none, and its largest number."""
        own = {name: parallel.to_local(tensor) for name, tensor in self.tensors.items()}
        name = not_finite(own)
        return name and (
            sentence("largest number in {name}", name=name),
            float(own[name].abs().max()),
        )


def named(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, with a prefix before each name, which `State.part` takes off again."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def model_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights and buffers, a tied weight once (safetensors stores no aliases).

    By their plain names, whether or not torch.compile wrapped the model or a part of it.
    """
    every = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    once = {name for name, _ in model.named_parameters()}
    return plain_names({k: v for k, v in model.state_dict().items() if k not in every - once})


def load_model_state(model: nn.Module, stored: dict[str, torch.Tensor]) -> None:
    """Take over what `model_state` gave. Raises ``OtherModelError`` for other names or shapes."""
    stored = plain_names(stored)
    _check_same_weights(model_state(model), stored)
    # Not strict, because a tied weight is stored once; the names were compared before.
    model.load_state_dict(names_as_in(model.state_dict(), stored), strict=False)


def _check_same_weights(own: dict[str, torch.Tensor], stored: dict[str, torch.Tensor]) -> None:
    for name in [*own, *stored]:
        if name not in stored:
            raise OtherModelError(sentence("it has no {name}, which this model has", name=name))
        if name not in own:
            raise OtherModelError(sentence("it has {name}, which this model has not", name=name))
        if own[name].shape != stored[name].shape:
            shapes = [tuple(tensors[name].shape) for tensors in (stored, own)]
            raise OtherModelError(
                sentence(
                    "its {name} has shape {shape}, and this model's {own}",
                    name=name,
                    shape=shapes[0],
                    own=shapes[1],
                )
            )


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What the optimizer remembers of each weight; its settings are the run's recipe."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{key}": tensor for i, of in state.items() for key, tensor in of.items()}


def load_optimizer_state(optimizer: torch.optim.Optimizer, stored: dict[str, torch.Tensor]) -> None:
    """Take over what `optimizer_state` gave. Raises ``ValueError`` for what does not fit the weights.

    An optimizer keeps, of each weight of a group, the same things, each a single number or of
    the weight's shape.
    """
    state = {}
    for name, tensor in stored.items():
        i, key = name.split(".")
        state.setdefault(int(i), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    if not set(state) <= {i for numbers in groups for i in numbers["params"]}:
        raise ValueError("the optimizer's memory is of more weights than there are")
    for numbers, live in zip(groups, optimizer.param_groups, strict=True):
        _check_group([state.get(i, {}) for i in numbers["params"]], live["params"])
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _check_group(kept: list[dict], params: list[torch.Tensor]) -> None:
    if len({frozenset(of) for of in kept if of}) > 1:
        raise ValueError("a part of the optimizer's memory is missing")
    for of, weight in zip(kept, params, strict=True):
        if not {tensor.shape for tensor in of.values()} <= {torch.Size(), weight.shape}:
            raise ValueError("a part of the optimizer's memory is of another shape")


def rng_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The random generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_rng_state(stored: dict[str, torch.Tensor], device: torch.device) -> None:
    """Take over what `rng_state` gave, on whichever chip."""
    torch.set_rng_state(stored["cpu"])
    if device.type == "cuda" and "cuda" in stored:
        torch.cuda.set_rng_state(stored["cuda"], device)
    if device.type == "mps" and "mps" in stored:
        torch.mps.set_rng_state(stored["mps"])


@contextmanager
def fork_rng(device: torch.device) -> Iterator[None]:
    """Inside it anything may draw random numbers; afterwards the generators are as before."""
    kept = rng_state(device)
    try:
        yield
    finally:
        set_rng_state(kept, device)


def fingerprint(tokens: np.ndarray) -> str:
    """Length and checksum of the first million tokens: enough to notice another corpus."""
    head = np.asarray(tokens[:1_000_000]).astype("<u4")
    return f"{len(tokens)} tokens, crc {zlib.crc32(head.tobytes()):08x}"


def same_run(path: Path, stored: dict, given: dict) -> None:
    """Raise ``CheckpointError`` unless two runs' identities, as JSON gives them, are equal."""
    different = sorted(n for n in stored | given if stored.get(n) != given.get(n))
    if different:
        name = different[0]
        before, now = (run.get(name, sentence("its default")) for run in (stored, given))
        raise CheckpointError(
            sentence(
                "{path} is another run: {name} was {before} and is now {now}; choose another folder, or "
                "delete this one",
                path=path,
                name=name,
                before=before,
                now=now,
            )
        )


def of_another_model(path: Path, error: OtherModelError) -> str:
    """What a run says of a checkpoint that has other weights than its model."""
    return sentence(
        "{path} is of another model: {error}; train that model, choose another folder, or delete this one",
        path=path,
        error=error,
    )
