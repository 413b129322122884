"""One model, many processes: each computes a part, and every step is the step of one process.

`torchrun` starts the processes, one for each GPU, all with the same program. They differ in their
rank, a number from 0, and talk in collectives: all-reduce (everybody gets the sum), all-gather
(everybody gets all parts), reduce-scatter (everybody gets a part of the sum). Three ways to share
the work, each by PyTorch's own modules and applied from outside the model:

- `replicate` (DDP): everybody has the model and a share of the batch; gradients are all-reduced.
- `shard` (FSDP): the same, but everybody keeps only a share of the weights, of their gradients
  and of the optimizer's state; a block's weights are all-gathered just before it needs them.
- `split` (tensor parallelism): everybody has the batch, and some heads and neurons of each block;
  what they answer is all-reduced.

Sources: Li et al. (2020), "PyTorch Distributed"; Zhao et al. (2023), "PyTorch FSDP"; Shoeybi et
al. (2019), "Megatron-LM".
"""

import inspect
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from nbutils import device
from nbutils.checkpoints import (
    CHECKPOINT,
    CheckpointError,
    CheckpointWarning,
    State,
    named,
    random_state,
    same_run,
    weights,
)
from nbutils.files import flush, written_aside
from nbutils.windows import IGNORE

_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_SHARDS = "checkpoint-"  # the beginning of a checkpoint folder's name; then the step
_ABOUT = "about.json"
_PATIENCE = timedelta(minutes=30)  # how long a process waits for the others before it gives up


# The processes


def rank() -> int:
    """This process's number, from 0; 0 if `torchrun` did not start it."""
    return int(os.environ.get("RANK", 0))


def world_size() -> int:
    """How many processes `torchrun` started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1))


def start(name: str = "auto") -> device.Chip:
    """Meet the other processes that `torchrun` started; gives the chip that is this one's.

    ``name``: as in `device.pick`; of several GPUs each process on a machine takes its own.

    Raises ``RuntimeError`` if `torchrun` did not start this program, and ``ValueError`` for a chip
    whose processes can't talk to each other.
    """
    missing = [variable for variable in _TORCHRUN if variable not in os.environ]
    if missing:
        raise RuntimeError(
            f"{missing[0]} is not set, so this is one process alone: start the program by "
            "torchrun, for example `torchrun --nproc-per-node 2 -m nbutils train ...`"
        )
    chip = _own_chip(name)
    if not dist.is_initialized():
        # Numbers on the CPU, such as a checkpoint's plan, go through gloo beside a GPU's nccl.
        backend = "cpu:gloo,cuda:nccl" if chip.device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
    return chip


def finish() -> None:
    """Leave the group that `start` joined; does nothing if there is none."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _own_chip(name: str) -> device.Chip:
    chip = device.pick(name)
    if chip.device.type == "mps":
        raise ValueError("device='mps': processes on Apple GPUs can't talk; use device='cpu'")
    if chip.device.type == "cuda":
        chip = device.pick(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(chip.device)
    return chip


# Three ways to share a model out


def replicate(model: nn.Module) -> nn.Module:
    """DDP: what to call instead of the model; its backward averages everybody's gradients."""
    return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)


def shard(model: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """FSDP: everybody keeps a share of every weight, as rows of a ``DTensor``; in place.

    A block's matrices are gathered before they compute, in ``dtype``, and let go afterwards;
    their gradients are averaged and shared out in float32. Embeddings and norms are one more such
    unit, in float32. In training that is what autocast computes; evaluation is in ``dtype`` too.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard  # slow to import

    mesh = _mesh(model)
    # Nothing is added in place to what attention and MLP answer, which this warns of.
    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor")
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for block in model.blocks:
        # Each apart: of several modules at once PyTorch 2.11 brings only the first one's input to dtype.
        for part in (block.attention, block.mlp):
            fully_shard(part, mesh=mesh, mp_policy=policy)
    return fully_shard(model, mesh=mesh)


def split(model: nn.Module) -> nn.Module:
    """Tensor parallelism: everybody has some heads and neurons of each block; in place.

    The first matrix of attention and of the MLP is cut by its outputs, and needs nothing from the
    others; the second is cut by its inputs and gives a part of each sum, which one all-reduce
    makes whole. Embeddings and norms are whole everywhere.

    Raises ``ValueError`` if the heads can't be shared out equally.
    """
    from torch.distributed.tensor.parallel import (  # slow to import
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    n, n_head = dist.get_world_size(), model.config.n_head
    if n_head % n:
        raise ValueError(
            f"n_head={n_head} heads can't be shared equally by {n} processes: start a divisor of "
            f"{n_head}, or choose another n_head"
        )
    mesh = _mesh(model)
    plan = {
        "attention.query_key_value": ColwiseParallel(),
        "attention.projection": RowwiseParallel(),
        "mlp.expand": ColwiseParallel(),
        "mlp.contract": RowwiseParallel(),
    }
    for block in model.blocks:
        for weight in block.attention.query_key_value.parameters():
            weight.data = _by_process(weight.data, n)
        parallelize_module(block, mesh, plan)
        block.attention.n_head = n_head // n
    return model


def whole(model: nn.Module) -> nn.Module | None:
    """The model as one process has it, on the CPU, from what all hold: in process 0, else None.

    Everybody must call it. A model that is not shared out is given back as it is.
    """
    if not any(_is_shared(weight) for weight in model.parameters()):
        return model if rank() == 0 else None
    copy = type(model)(model.config) if rank() == 0 else None
    for name, tensor in _in_order(model, model.state_dict(), _by_role).items():
        tensor = tensor.full_tensor() if _is_shared(tensor) else tensor
        if copy is not None:
            copy.state_dict()[name].copy_(tensor)
    return copy if copy is None else copy.train(model.training)


def _mesh(model: nn.Module):
    """All processes in a row, each with the chip that its model is on."""
    chip = next(model.parameters()).device
    return dist.device_mesh.init_device_mesh(chip.type, (dist.get_world_size(),))


def _by_process(rows: torch.Tensor, n: int) -> torch.Tensor:
    """(3C, ...): all queries, keys, values -> each process's queries, keys, values in turn."""
    return rows.unflatten(0, (3, n, -1)).transpose(0, 1).flatten(0, 2)


def _by_role(rows: torch.Tensor, n: int) -> torch.Tensor:
    """What `_by_process` did, undone."""
    return rows.unflatten(0, (n, 3, -1)).transpose(0, 1).flatten(0, 2)


def _in_order(model: nn.Module, tensors: dict, order: Callable) -> dict:
    """The same tensors, by name; where `split` moved rows, they are moved by ``order``."""
    n = _cuts(model)
    moved = [name for name in tensors if n > 1 and ".query_key_value." in name]
    return tensors | {k: _moved(tensors[k], order, n) for k in moved if _is_shared(tensors[k])}


def _moved(tensor, order: Callable, n: int):
    from torch.distributed.tensor import distribute_tensor  # slow to import

    rows = order(tensor.full_tensor(), n)
    return distribute_tensor(rows, tensor.device_mesh, tensor.placements)


def _cuts(model: nn.Module) -> int:
    """Among how many processes `split` shared the heads; 1 if it did not."""
    blocks = getattr(model, "blocks", None)
    return model.config.n_head // blocks[0].attention.n_head if blocks else 1


def own(tensor: torch.Tensor) -> torch.Tensor:
    """What this process has of a tensor: all, unless it is shared out."""
    return tensor.to_local() if _is_shared(tensor) else tensor


def _is_shared(tensor: torch.Tensor) -> bool:
    return hasattr(tensor, "full_tensor")  # a DTensor, without its module, which is slow to import


# One training step, shared


class Group:
    """The processes that train one model together; with ``kind`` None, one process alone."""

    def __init__(self, kind: str | None = None):
        self.kind = kind
        self.rank = dist.get_rank() if kind else 0
        self.size = dist.get_world_size() if kind else 1
        # Under tensor parallelism everybody has the whole batch.
        self.shares = self.size if kind in ("ddp", "fsdp") else 1

    def apply(self, model: nn.Module, chip: device.Chip) -> nn.Module:
        """Share the model out, as process 0 has it; gives what to call in training."""
        if self.kind is None:
            return model
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)
        if self.kind == "tensor" and chip.scaler:
            raise ValueError(
                f"parallel='tensor' can't scale the loss up, as float16 on {chip.name} needs: "
                "use parallel='ddp' or 'fsdp'"
            )
        if self.kind == "ddp":
            return replicate(model)
        return shard(model, chip.dtype) if self.kind == "fsdp" else split(model)

    def share(
        self, tokens: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """This process's windows of a batch; one that counts nothing if there are too few."""
        if self.shares == 1:
            return tokens, labels
        if len(tokens) <= self.rank:
            return tokens[:1], torch.full_like(labels[:1], IGNORE)
        return tokens[self.rank :: self.shares], labels[self.rank :: self.shares]

    def mean(self, tensor: torch.Tensor) -> torch.Tensor:
        """The mean of what those have who share a batch."""
        if self.shares == 1:
            return tensor
        total = tensor.clone()
        dist.all_reduce(total)
        return total / self.shares

    def total(self, *numbers: float) -> list[float]:
        """Each number's sum over those who share a batch."""
        if self.shares == 1:
            return list(numbers)
        totals = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(totals)
        return totals.tolist()

    def highest(self, number: float) -> float:
        """The largest that anybody has: 1.0 if anybody says true."""
        if self.kind is None:
            return number
        most = torch.tensor(number, dtype=torch.float64)
        dist.all_reduce(most, dist.ReduceOp.MAX)
        return most.item()

    def first(self, make: Callable[[], object]) -> object:
        """What ``make`` gives or raises in process 0, for all: the others get a copy by pickle."""
        if self.kind is None:
            return make()
        box = [_tried(make) if self.rank == 0 else None]
        dist.broadcast_object_list(box, device=torch.device("cpu"))
        made, error = box[0]
        if error is not None:
            raise error
        return made

    def everybody(self, value: object) -> list:
        """What each process has, by rank."""
        values = [value] * self.size
        if self.kind is not None:
            dist.all_gather_object(values, value)
        return values

    def averaging(self, replica: nn.Module, wanted: bool) -> AbstractContextManager:
        """Inside it, forward and backward average the gradients at once, or leave it to the last.

        Of a batch in several parts only the last needs to send them.
        """
        if self.kind == "fsdp":
            replica.set_requires_gradient_sync(wanted)
        return replica.no_sync() if self.kind == "ddp" and not wanted else nullcontext()

    def clip(self, weights: Iterable[nn.Parameter], longest: float) -> None:
        """Shorten the gradient of the whole model, wherever it lies, to at most ``longest``."""
        if self.kind != "tensor":
            nn.utils.clip_grad_norm_(weights, longest)
            return
        parts = _apart(list(weights))
        norms = [nn.utils.get_total_norm([weight.grad for weight in part]) for part in parts]
        norms = [norm.full_tensor() if _is_shared(norm) else norm for norm in norms]
        for part in parts:
            nn.utils.clip_grads_with_norm_(part, longest, torch.stack(norms).norm())

    def together(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """The optimizer, able to turn shared and whole weights: one fused kernel takes one sort."""
        groups = optimizer.param_groups
        if self.kind == "tensor":
            groups[:] = [{**g, "params": part} for g in groups for part in _apart(g["params"])]
        return optimizer


ALONE = Group()
"""One process."""


def _tried(make: Callable[[], object]) -> tuple[object, Exception | None]:
    try:
        return make(), None
    except Exception as error:  # whatever it is, nobody must wait for what won't come
        return None, error


def _apart(weights: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Shared weights, and whole ones; only what there is."""
    parts = [[w for w in weights if _is_shared(w) == shared] for shared in (True, False)]
    return [part for part in parts if part]


# Checkpoints of which each process writes and reads its share


class Shards:
    """A run's checkpoints by ``torch.distributed.checkpoint``: a folder for each, the newest two.

    A weight is in them under its name, whole, however many processes hold it in whatever way: any
    number of processes can go on, and one alone. Everybody must call each method.
    """

    def __init__(
        self, folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, group: Group
    ):
        self.folder, self.model, self.group = folder, model, group
        names = {weight: name for name, weight in model.named_parameters()}
        order = [weight for part in optimizer.param_groups for weight in part["params"]]
        self.weights = [(names[weight], weight) for weight in order]  # as the optimizer counts

    def wanted(self) -> bool:
        """Is the run to go on from one of these, and not from the file that one process wrote?

        Raises ``CheckpointError`` if such a file is the newest, and this is a group.
        """
        file = self.folder / CHECKPOINT
        newest = self.group.first(lambda: any(_later(path, file) for path in self._all()))
        if self.group.kind is not None and file.exists() and not newest:
            raise CheckpointError(
                f"{file} is the checkpoint of one process alone, from which several can't go on: "
                "go on without parallel, or choose another folder"
            )
        return newest or self.group.kind is not None

    def write(self, step: int, state: State) -> None:
        """Write the state after so many updates.

        Raises ``CheckpointError`` for all if one can't write; the newest is then what it was.
        """
        done = self.folder / f"{_SHARDS}{step:09}"  # nine digits, as `_all` looks for
        aside = done.with_name(f"{done.name}.part")
        try:
            self.group.first(lambda: _make_empty(aside))
            _save(self._named(state.tensors), aside)
            about = {"identity": state.identity, "about": state.about, "files": self._sums(aside)}
            self.group.first(lambda: self._finish(aside, done, about))
        except OSError as error:
            self.group.first(lambda: shutil.rmtree(aside, ignore_errors=True))
            raise CheckpointError(f"{done} can't be written ({error})") from error

    def restore(self, identity: dict, take: Callable[[State], None]) -> bool:
        """As `checkpoints.restore`: give ``take`` the newest whole one; false if there is none."""
        damaged = []
        for path in self.group.first(self._all):
            found = self._checked(path)
            if found is None:
                damaged.append(path)
                continue
            same_run(path, found["identity"], json.loads(json.dumps(identity)))
            take(State(found["identity"], self._load(path), found["about"]))
            self.group.first(lambda: _remove(damaged))
            return True
        if damaged:
            names = " and ".join(map(str, damaged))
            raise CheckpointError(f"{names}: damaged; delete what is there to start afresh")
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

    def _sums(self, folder: Path) -> dict[str, str]:
        """Each file's checksum; everybody reads a part of the files."""
        names = self.group.first(lambda: sorted({p.name for p in folder.iterdir()} - {_ABOUT}))
        mine = names[self.group.rank :: self.group.size]
        parts = self.group.everybody(_tried(lambda: {name: _crc(folder / name) for name in mine}))
        for error in filter(None, (error for _, error in parts)):
            raise error
        return {name: crc for part, _ in parts for name, crc in part.items()}

    def _checked(self, path: Path) -> dict | None:
        """What a checkpoint says about itself; None if that is not what its files are."""
        about = self.group.first(lambda: _read_about(path))
        try:
            return about if about is not None and about["files"] == self._sums(path) else None
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
        return _in_order(self.model, stored, _by_role)

    def _load(self, path: Path) -> dict[str, torch.Tensor]:
        """What `_named` was given, as this process holds it."""
        from torch.distributed import checkpoint as dcp

        reader = _reader(path)
        names, found = self._names(reader.read_metadata().state_dict_metadata)
        with warnings.catch_warnings(action="ignore"):  # one process alone is told that it is
            dcp.load(found, storage_reader=reader, no_dist=self.group.kind is None)
        found = _in_order(self.model, found, _by_process)
        random = named("random", random_state(next(self.model.parameters()).device))
        return random | {names[name]: tensor for name, tensor in found.items()}

    def _names(self, stored: dict) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
        """Of what is stored and this process needs: the run's name, and an empty place."""
        numbers = {name: (i, weight) for i, (name, weight) in enumerate(self.weights)}
        own, names, places = weights(self.model), {}, {}
        for name, about in stored.items():
            part, _, rest = name.partition(".")
            like = torch.empty(about.size, dtype=about.properties.dtype)
            if part == "model":
                names[name], like = name, own[rest]
            elif part == "optimizer":
                of, _, key = rest.rpartition(".")
                i, weight = numbers[of]
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

    KNOWN = {
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
        if not is_dtype and f"{module}.{name}" not in self.KNOWN:
            raise CheckpointError(f"a checkpoint names {module}.{name}, which describes no tensor")
        return super().find_class(module, name)


def _remove(damaged: list[Path]) -> None:
    for path in damaged:
        told = f"{path} is damaged: it is deleted, and the run goes on from the one before"
        warnings.warn(told, CheckpointWarning, stacklevel=7)
        shutil.rmtree(path, ignore_errors=True)


def _make_empty(folder: Path) -> None:
    """A new folder; what killed processes left of others is removed."""
    for left in folder.parent.glob(_SHARDS + 9 * "[0-9]" + ".part"):
        shutil.rmtree(left)
    folder.mkdir(parents=True)


def _later(path: Path, file: Path) -> bool:
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


# Many processes from one, for a notebook


def launch(function: Callable, *arguments, processes: int = 2, seconds: float = 300.0) -> object:
    """Run a function in several processes that `torchrun` starts; gives what process 0 returns.

    Its source is copied, so it may be defined in a notebook, must import what it uses, and takes
    and returns what JSON can hold. Nobody talks before it calls `start`.

    Raises ``RuntimeError`` with what was printed, if a process fails, or takes over ``seconds``.
    """
    with tempfile.TemporaryDirectory() as folder:
        program, answer = Path(folder, "program.py"), Path(folder, "answer.json")
        source = textwrap.dedent(inspect.getsource(function))
        call = f"{function.__name__}(*json.loads(sys.argv[1]))"
        program.write_text(_PROGRAM.format(source=source, call=call), encoding="utf-8")
        command = [*_torchrun(processes), str(program), json.dumps(arguments), str(answer)]
        _run(command, processes, seconds)
        return json.loads(answer.read_text(encoding="utf-8"))


_PROGRAM = """\
{source}

if __name__ == "__main__":
    import json, sys
    from nbutils import parallel

    result = {call}
    if parallel.rank() == 0:
        open(sys.argv[2], "w", encoding="utf-8").write(json.dumps(result))
    parallel.finish()
"""


def _torchrun(processes: int) -> list[str]:
    options = ["--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, "-m", "torch.distributed.run", *options]


def _run(command: list[str], processes: int, seconds: float) -> None:
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    program = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": threads}, **pipes)
    try:
        printed, errors = program.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{processes} processes took more than seconds={seconds:g}") from error
    finally:
        program.terminate()  # torchrun then ends its processes
        program.wait()
    if program.returncode:
        raise RuntimeError(f"a process failed\n{printed[-2000:]}\n{errors[-4000:]}")
    print(printed, end="")
