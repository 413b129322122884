"""A run's state in shards, of which each process writes and reads its own.

A checkpoint is a folder, as ``torch.distributed.checkpoint`` writes it, with a checksum of each file.
"""

import json
import os
import pickle
import shutil
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from nbutils.checkpoints.state import (
    CheckpointError,
    CheckpointWarning,
    OtherModelError,
    State,
    model_state,
    named,
    of_another_model,
    rng_state,
    same_run,
)
from nbutils.files import flush, written_aside
from nbutils.hub import plain_name
from nbutils.parallel import Group, attempt, permute_rows, unpermute_rows
from nbutils.words import sentence

_SHARDS = "checkpoint-"  # the beginning of a checkpoint folder's name; then the step
_ABOUT = "about.json"


class Shards:
    """The checkpoints of a run in several processes, the newest two.

    A weight is in them under its name, whole, however many processes hold it in whatever way: any
    number of processes can go on, and one alone. Everybody must call each method.
    """

    def __init__(
        self, folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, group: Group
    ):
        self.folder, self.model, self.group = folder, model, group
        names = {weight: plain_name(name) for name, weight in model.named_parameters()}
        order = [weight for part in optimizer.param_groups for weight in part["params"]]
        self.weights = [(names[weight], weight) for weight in order]  # as the optimizer counts

    def newer_than(self, file: Path) -> bool:
        """Is one of these newer than a file? Any is, where there is no such file."""
        return self.group.broadcast(lambda: any(_is_newer(path, file) for path in self._all()))

    def write(self, step: int, state: State) -> None:
        """Write the state after so many updates.

        Raises ``CheckpointError`` for all if one can't write; the newest is then what it was.
        """
        done = self.folder / f"{_SHARDS}{step:09}"  # nine digits, as `_all` looks for
        aside = done.with_name(f"{done.name}.part")
        try:
            self.group.broadcast(lambda: _make_empty(aside))
            _save(self._named(state.tensors), aside)
            about = {
                "identity": state.identity,
                "about": state.about,
                "files": self._checksums(aside),
            }
            self.group.broadcast(lambda: self._finish(aside, done, about))
        except OSError as error:
            self.group.broadcast(lambda: shutil.rmtree(aside, ignore_errors=True))
            raise CheckpointError(
                sentence("{done} can't be written ({error})", done=done, error=error)
            ) from error

    def restore(self, identity: dict, load: Callable[[State], None]) -> bool:
        """As `single_file.restore`: give ``load`` the newest whole one; false if there is none."""
        damaged = []
        for path in self.group.broadcast(self._all):
            found = self._checked(path)
            if found is None:
                damaged.append(path)
                continue
            same_run(path, found["identity"], json.loads(json.dumps(identity)))
            try:
                load(State(found["identity"], self._load(path), found["about"]))
            except OtherModelError as error:
                raise CheckpointError(of_another_model(path, error)) from error
            for path in damaged if self.group.rank == 0 else ():
                told = sentence(
                    "{path} is damaged: it is deleted, and the run goes on from the one before",
                    path=path,
                )
                warnings.warn(told, CheckpointWarning, stacklevel=5)  # where `train` was called
            self.group.broadcast(lambda: _remove(damaged))
            return True
        if damaged:
            names = sentence(" and ").join(map(str, damaged))
            raise CheckpointError(
                sentence("{names}: damaged; delete what is there to start afresh", names=names)
            )
        return False

    def _all(self) -> list[Path]:
        """What is whole, as its name says; the newest first."""
        return sorted(self.folder.glob(_SHARDS + 9 * "[0-9]"), reverse=True)

    def _finish(self, aside: Path, done: Path, about: dict) -> None:
        """The checkpoint gets its name when all of it is on the disk."""
        with written_aside(aside / _ABOUT) as file:
            file.write_text(json.dumps(about), encoding="utf-8")
        shutil.rmtree(done, ignore_errors=True)  # a damaged one of the same step
        os.replace(aside, done)
        with suppress(OSError):  # Windows, and some network drives, flush no folder
            flush(self.folder)
        for old in self._all()[2:]:
            shutil.rmtree(old, ignore_errors=True)

    def _checksums(self, folder: Path) -> dict[str, str]:
        """Each file's checksum; everybody reads a part of the files."""
        names = self.group.broadcast(lambda: sorted({p.name for p in folder.iterdir()} - {_ABOUT}))
        mine = names[self.group.rank :: self.group.size]
        parts = self.group.all_gather(attempt(lambda: {name: _crc(folder / name) for name in mine}))
        for error in filter(None, (error for _, error in parts)):
            raise error
        return {name: crc for part, _ in parts for name, crc in part.items()}

    def _checked(self, path: Path) -> dict | None:
        """What a checkpoint says about itself; None if that is not what its files are."""
        about = self.group.broadcast(lambda: _read_about(path))
        try:
            return about if about is not None and about["files"] == self._checksums(path) else None
        except OSError:
            return None

    def _named(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The state's tensors by names and in an order that do not depend on who holds them."""
        stored = {}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part == "optimizer":
                i, _, key = rest.partition(".")
                rest = f"{self.weights[int(i)][0]}.{key}"
            elif part == "random":
                rest = f"{self.group.rank}.{rest}"
            stored[f"{part}.{rest}"] = tensor
        return unpermute_rows(self.model, stored)

    def _load(self, path: Path) -> dict[str, torch.Tensor]:
        """What `_named` was given, as this process holds it."""
        from torch.distributed import checkpoint as dcp

        reader = _reader(path)
        names, found = self._names(reader.read_metadata().state_dict_metadata)
        with warnings.catch_warnings(action="ignore"):  # one process alone is told that it is
            dcp.load(found, storage_reader=reader, no_dist=self.group.kind is None)
        found = permute_rows(self.model, found)
        random = named("random", rng_state(next(self.model.parameters()).device))
        return random | {names[name]: tensor for name, tensor in found.items()}

    def _names(self, stored: dict) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
        """Of what is stored and this process needs: the run's name, and an empty place."""
        numbers = {name: (i, weight) for i, (name, weight) in enumerate(self.weights)}
        own, names, places = model_state(self.model), {}, {}
        for name, about in stored.items():
            part, _, rest = name.partition(".")
            like = torch.empty(about.size, dtype=about.properties.dtype)
            if part == "model":
                if plain_name(rest) not in own:
                    raise OtherModelError(
                        sentence("it has {rest}, which this model has not", rest=rest)
                    )
                names[name], like = name, own[plain_name(rest)]
            elif part == "optimizer":
                of, _, key = rest.rpartition(".")
                i, weight = numbers[plain_name(of)]
                names[name] = f"optimizer.{i}.{key}"
                like = weight.detach() if about.size == weight.shape else like
            elif rest.startswith(f"{self.group.rank}."):
                names[name] = f"random.{rest.partition('.')[2]}"
            if name in names:
                places[name] = torch.empty_like(like)
        return names, places


def _save(tensors: dict[str, torch.Tensor], folder: Path) -> None:
    from torch.distributed import checkpoint as dcp

    try:
        dcp.save(tensors, storage_writer=dcp.FileSystemWriter(folder))
    except dcp.api.CheckpointException as error:
        cause, _ = next(iter(error.failures.values()))
        raise OSError(getattr(cause, "strerror", None) or str(cause)) from error


def _reader(path: Path):
    """For ``dcp.load``: what describes the tensors is a pickle, and any pickle may call anything."""
    from torch.distributed import checkpoint as dcp

    class Reader(dcp.FileSystemReader):
        def read_metadata(self, *_, **__):
            with open(path / ".metadata", "rb") as file:
                described = _Description(file).load()
            described.storage_meta.load_id = self.load_id
            return described

    return Reader(path)


class _Description(pickle.Unpickler):
    """Makes what describes tensors, and nothing else."""

    ALLOWED = {
        *(
            f"torch.distributed.checkpoint.metadata.{name}"
            for name in (
                "Metadata",
                "MetadataIndex",
                "StorageMeta",
                "TensorStorageMetadata",
                "ChunkStorageMetadata",
                "TensorProperties",
                "_MEM_FORMAT_ENCODING",
            )
        ),
        "torch.distributed.checkpoint.filesystem._StorageInfo",
        "torch.serialization._get_layout",
        "torch.Size",
        *(
            f"{module}.{name}"
            for module in ("pathlib", "pathlib._local")
            for name in ("PosixPath", "WindowsPath")
        ),
    }

    def find_class(self, module: str, name: str) -> object:
        is_dtype = module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        if not is_dtype and f"{module}.{name}" not in self.ALLOWED:
            raise CheckpointError(f"a checkpoint names {module}.{name}, which describes no tensor")
        return super().find_class(module, name)


def _remove(damaged: list[Path]) -> None:
    for path in damaged:
        shutil.rmtree(path, ignore_errors=True)


def _make_empty(folder: Path) -> None:
    """A new folder; what killed processes left of others is removed."""
    for left in folder.parent.glob(_SHARDS + 9 * "[0-9]" + ".part"):
        shutil.rmtree(left)
    folder.mkdir(parents=True)


def _is_newer(path: Path, file: Path) -> bool:
    return not file.exists() or path.stat().st_mtime > file.stat().st_mtime


def _read_about(path: Path) -> dict | None:
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(about, dict) and {"identity", "about", "files"} <= about.keys()
    return about if known else None


def _crc(path: Path) -> str:
    value = 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 24):
            value = zlib.crc32(piece, value)
    return f"{value:08x}"
