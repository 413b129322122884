"""A run's state in a file: written whole or not at all, checked when it is read, kept twice."""

import errno
import json
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from nbutils.checkpoints.state import (
    CheckpointError,
    CheckpointWarning,
    OtherModelError,
    State,
    of_another_model,
    same_run,
)
from nbutils.device import out_of_memory
from nbutils.files import remove_leftovers, save_tensors, written_aside
from nbutils.words import sentence

CHECKPOINT = "checkpoint.safetensors"
"""The file in a run's folder that holds everything needed to go on."""
PREVIOUS = "checkpoint.before.safetensors"
"""The checkpoint before, for when the newest is damaged."""


class _DamagedError(Exception):
    pass


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
            (folder / PREVIOUS).unlink()
            _write(folder, state, tensors)
    except OSError as error:
        raise CheckpointError(
            sentence(
                "{file} can't be written ({error}): it needs {size}, and {free} are free",
                file=folder / CHECKPOINT,
                error=error.strerror or error,
                size=_size(needed),
                free=_size(_free(folder)),
            )
        ) from error


def restore(folder: Path, identity: dict, load: Callable[[State], None]) -> bool:
    """Give ``load`` the newest whole checkpoint of the run; false if there is none.

    A damaged one is told by a ``CheckpointWarning`` and deleted, and the one before is taken.
    ``load`` may find damage too: ``ValueError``, ``LookupError`` and the like mean that, but for
    ``OtherModelError``.

    Raises ``CheckpointError`` for a checkpoint of another run or model, and if all are damaged.
    """
    newest, before = folder / CHECKPOINT, folder / PREVIOUS
    damaged = []
    for path in filter(Path.exists, (newest, before)):
        try:
            _load(path, identity, load)
        except _DamagedError as error:
            damaged.append(path)
            cause = error.__cause__
            continue
        if damaged:
            _replace_damaged(newest, before)
        remove_leftovers(newest)  # of a run that was killed at its very end
        return True
    if damaged:
        names = sentence(" and ").join(map(str, damaged))
        raise CheckpointError(
            sentence(
                "{names}: damaged, or no checkpoint of nbutils; delete what is there to start afresh",
                names=names,
            )
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
            sentence(
                "checkpoint={folder} can't be written ({error}); choose a folder that can",
                folder=repr(str(folder)),
                error=error.strerror or error,
            )
        ) from error


def _write(folder: Path, state: State, tensors: dict[str, torch.Tensor]) -> None:
    text = json.dumps(
        {"identity": state.identity, "about": state.about, "tensors": _dtypes_and_shapes(tensors)}
    )
    metadata = {"nbutils": text, "crc32": _checksum(text, tensors)}
    with written_aside(folder / CHECKPOINT, before=folder / PREVIOUS) as aside:
        save_tensors(tensors, aside, metadata)


def _read(path: Path) -> State:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        # Copies: what the library gives stays a part of the file, which Windows then lets nobody replace.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
    text = metadata["nbutils"]
    found = json.loads(text)
    # The checksum first: a flipped bit is likelier than a file made by hand.
    if metadata["crc32"] != _checksum(text, tensors) or found["tensors"] != _dtypes_and_shapes(
        tensors
    ):
        raise ValueError("what the file holds is not what was written")
    return State(found["identity"], tensors, found["about"])


def _dtypes_and_shapes(tensors: dict[str, torch.Tensor]) -> dict[str, list]:
    return {name: [str(t.dtype), *t.shape] for name, t in sorted(tensors.items())}


def _checksum(text: str, tensors: dict[str, torch.Tensor]) -> str:
    """Of everything that was written: of a damaged disk or copy one in 4 billion goes unseen."""
    value = zlib.crc32(text.encode())
    for _, tensor in sorted(tensors.items()):
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy(), value)
    return f"{value:08x}"


def _load(path: Path, identity: dict, load: Callable[[State], None]) -> None:
    with _as_damage():
        state = _read(path)
    same_run(path, state.identity, json.loads(json.dumps(identity)))
    try:
        with _as_damage():
            load(state)
    except OtherModelError as error:
        raise CheckpointError(of_another_model(path, error)) from error


@contextmanager
def _as_damage() -> Iterator[None]:
    """Whatever a damaged file makes go wrong becomes one error. What a full or broken chip does is none."""
    try:
        yield
    except OtherModelError:
        raise
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as e:
        if out_of_memory(e) or isinstance(e, torch.AcceleratorError):
            raise
        raise _DamagedError from e


def _replace_damaged(newest: Path, before: Path) -> None:
    """The one before becomes the newest: the next checkpoint must not replace it by the damaged."""
    warnings.warn(
        sentence(
            "{newest} is damaged: it is deleted, and the run goes on from the checkpoint before it",
            newest=newest,
        ),
        CheckpointWarning,
        stacklevel=6,  # where `train` was called
    )
    prepare(newest.parent)
    os.replace(before, newest)


def _room_without_the_one_before(folder: Path, needed: int, error: OSError) -> bool:
    before = folder / PREVIOUS
    full = error.errno == errno.ENOSPC and before.exists()
    return full and _free(folder) + before.stat().st_size > needed


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
