"""A run's state in a file: written whole or not at all, checked when it is read, kept twice.

The state is tensors by name, and what JSON can hold about them. What they mean is the run's affair.
"""

import errno
import json
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from nbutils.device import out_of_memory
from nbutils.files import remove_leftovers, save_tensors, written_aside

CHECKPOINT = "checkpoint.safetensors"
"""The file in a run's folder that holds everything needed to go on."""
BEFORE = "checkpoint.before.safetensors"
"""The checkpoint before, for when the newest is damaged."""


class CheckpointError(ValueError):
    """A checkpoint is damaged or belongs to another run, or can't be written."""


class CheckpointWarning(UserWarning):
    """A checkpoint is damaged or could not be written, and the run goes on without it."""


class _DamagedError(Exception):
    pass


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


def write(folder: Path, state: State) -> None:
    """Write the newest checkpoint; the one that was newest becomes the one before.

    A full disk that has room for two checkpoints but not for three loses the one before.

    Raises ``CheckpointError`` if the file can't be written; the newest is then what it was.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in state.tensors.items()}
    needed = sum(tensor.nbytes for tensor in tensors.values())
    try:
        try:
            _write(folder, state, tensors)
        except OSError as error:
            if not _room_without_the_one_before(folder, needed, error):
                raise
            (folder / BEFORE).unlink()
            _write(folder, state, tensors)
    except OSError as error:
        raise CheckpointError(
            f"{folder / CHECKPOINT} can't be written ({error.strerror or error}): it needs "
            f"{_size(needed)}, and {_size(_free(folder))} are free"
        ) from error


def restore(folder: Path, identity: dict, take: Callable[[State], None]) -> bool:
    """Give ``take`` the newest whole checkpoint of the run; false if there is none.

    A damaged one is told by a ``CheckpointWarning`` and deleted, and the one before is taken.
    ``take`` may find damage too: ``ValueError``, ``LookupError`` and the like mean that.

    Raises ``CheckpointError`` for a checkpoint of another run, and if all are damaged.
    """
    newest, before = folder / CHECKPOINT, folder / BEFORE
    damaged = []
    for path in filter(Path.exists, (newest, before)):
        try:
            _take(path, identity, take)
        except _DamagedError as error:
            damaged.append(path)
            cause = error.__cause__
            continue
        if damaged:
            _replace_damaged(newest, before)
        remove_leftovers(newest)  # of a run that was killed at its very end
        return True
    if damaged:
        names = " and ".join(map(str, damaged))
        raise CheckpointError(
            f"{names}: damaged, or no checkpoint of nbutils; delete what is there to start afresh"
        ) from cause
    return False


def prepare(folder: Path) -> None:
    """Make the folder, and remove what killed runs left in it.

    Raises ``CheckpointError``, which would else come at the first checkpoint.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder / CHECKPOINT)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"checkpoint")
    except OSError as error:
        raise CheckpointError(
            f"checkpoint={str(folder)!r} can't be written ({error.strerror or error}); choose a "
            "folder that can"
        ) from error


# What a state is made of


def named(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, with a prefix before each name, which `State.part` takes off again."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights and buffers, a tied weight once (safetensors stores no aliases)."""
    every = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    once = {name for name, _ in model.named_parameters()}
    return {k: v for k, v in model.state_dict().items() if k not in every - once}


def set_weights(model: nn.Module, stored: dict[str, torch.Tensor]) -> None:
    """Take over what `weights` gave. Raises ``ValueError`` for other names or shapes."""
    expected = {name: tensor.shape for name, tensor in weights(model).items()}
    if {name: tensor.shape for name, tensor in stored.items()} != expected:
        raise ValueError("weights are missing, or of another shape")
    # Not strict, because a tied weight is stored once; the names were compared before.
    model.load_state_dict(stored, strict=False)


def moments(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What the optimizer remembers of each weight; its settings are the run's recipe."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{key}": tensor for i, of in state.items() for key, tensor in of.items()}


def set_moments(optimizer: torch.optim.Optimizer, stored: dict[str, torch.Tensor]) -> None:
    """Take over what `moments` gave. Raises ``ValueError`` for what does not fit the weights.

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


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The random generators that dropout draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_state(stored: dict[str, torch.Tensor], device: torch.device) -> None:
    """Take over what `random_state` gave, on whichever chip."""
    torch.set_rng_state(stored["cpu"])
    if device.type == "cuda" and "cuda" in stored:
        torch.cuda.set_rng_state(stored["cuda"], device)
    if device.type == "mps" and "mps" in stored:
        torch.mps.set_rng_state(stored["mps"])


def fingerprint(tokens: np.ndarray) -> str:
    """Length and checksum of the first million tokens: enough to notice another corpus."""
    head = np.asarray(tokens[:1_000_000]).astype("<u4")
    return f"{len(tokens)} tokens, crc {zlib.crc32(head.tobytes()):08x}"


# The file


def _write(folder: Path, state: State, tensors: dict[str, torch.Tensor]) -> None:
    text = json.dumps(
        {"identity": state.identity, "about": state.about, "tensors": _kinds(tensors)}
    )
    metadata = {"nbutils": text, "crc32": _checksum(text, tensors)}
    with written_aside(folder / CHECKPOINT, before=folder / BEFORE) as aside:
        save_tensors(tensors, aside, metadata)


def _read(path: Path) -> State:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        # Copies: what the library gives stays a part of the file, which Windows then lets nobody replace.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
    text = metadata["nbutils"]
    found = json.loads(text)
    # The checksum first: a flipped bit is likelier than a file made by hand.
    if metadata["crc32"] != _checksum(text, tensors) or found["tensors"] != _kinds(tensors):
        raise ValueError("what the file holds is not what was written")
    return State(found["identity"], tensors, found["about"])


def _kinds(tensors: dict[str, torch.Tensor]) -> dict[str, list]:
    return {name: [str(t.dtype), *t.shape] for name, t in sorted(tensors.items())}


def _checksum(text: str, tensors: dict[str, torch.Tensor]) -> str:
    """Of everything that was written: of a damaged disk or copy one in 4 billion goes unseen."""
    value = zlib.crc32(text.encode())
    for _, tensor in sorted(tensors.items()):
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy(), value)
    return f"{value:08x}"


def _take(path: Path, identity: dict, take: Callable[[State], None]) -> None:
    with _damage_noticed():
        state = _read(path)
    same_run(path, state.identity, json.loads(json.dumps(identity)))
    with _damage_noticed():
        take(state)


@contextmanager
def _damage_noticed() -> Iterator[None]:
    """Whatever a damaged file makes go wrong becomes one error. What a full or broken chip does is none."""
    try:
        yield
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as e:
        if out_of_memory(e) or isinstance(e, torch.AcceleratorError):
            raise
        raise _DamagedError from e


def same_run(path: Path, stored: dict, given: dict) -> None:
    """Raise ``CheckpointError`` unless two runs' identities, as JSON gives them, are equal."""
    different = sorted(name for name in given if stored.get(name) != given[name])
    if different:
        name = different[0]
        raise CheckpointError(
            f"{path} is another run: {name} was {stored.get(name)} and is now {given[name]}; "
            "choose another folder, or delete this one"
        )


def _replace_damaged(newest: Path, before: Path) -> None:
    """The one before becomes the newest: the next checkpoint must not replace it by the damaged."""
    warnings.warn(
        f"{newest} is damaged: it is deleted, and the run goes on from the checkpoint before it",
        CheckpointWarning,
        stacklevel=5,  # where `train` was called
    )
    prepare(newest.parent)
    os.replace(before, newest)


def _room_without_the_one_before(folder: Path, needed: int, error: OSError) -> bool:
    before = folder / BEFORE
    full = error.errno == errno.ENOSPC and before.exists()
    return full and _free(folder) + before.stat().st_size > needed


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
