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
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from nbutils import device
from nbutils.windows import IGNORE
from nbutils.words import sentence

_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_TIMEOUT = timedelta(minutes=30)  # how long a process waits for the others before it gives up


# The processes


def rank() -> int:
    """This process's number, from 0; 0 if `torchrun` did not start it."""
    return int(os.environ.get("RANK", 0))


def start(name: str = "auto") -> device.Chip:
    """Meet the other processes that `torchrun` started; gives the chip that is this one's.

    ``name``: as in `device.pick`; of several GPUs each process on a machine takes its own.

    Raises ``RuntimeError`` if `torchrun` did not start this program, and ``ValueError`` for a chip
    whose processes can't talk to each other.
    """
    missing = [variable for variable in _TORCHRUN if variable not in os.environ]
    if missing:
        raise RuntimeError(
            sentence(
                "{variable} is not set, so this is one process alone: start the program by torchrun, for "
                "example `torchrun --nproc-per-node 2 -m nbutils train ...`",
                variable=missing[0],
            )
        )
    chip = _own_chip(name)
    if not dist.is_initialized():
        # Numbers on the CPU, such as a checkpoint's plan, go through gloo beside a GPU's nccl.
        backend = "cpu:gloo,cuda:nccl" if chip.device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_TIMEOUT)
    return chip


def finish() -> None:
    """Leave the group that `start` joined; does nothing if there is none."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _own_chip(name: str) -> device.Chip:
    chip = device.pick(name)
    if chip.device.type == "mps":
        raise ValueError(
            sentence("device='mps': processes on Apple GPUs can't talk; use device='cpu'")
        )
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
            sentence(
                "n_head={n_head} heads can't be shared equally by {n} processes: start a divisor of "
                "{n_head}, or choose another n_head",
                n_head=n_head,
                n=n,
            )
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


def gather_model(model: nn.Module) -> nn.Module | None:
    """The model as one process has it, on the CPU, from what all hold: in process 0, else None.

    Everybody must call it. A model that is not shared out is given back as it is.
    """
    if not any(_is_dtensor(weight) for weight in model.parameters()):
        return model if rank() == 0 else None
    copy = type(model)(model.config) if rank() == 0 else None
    for name, tensor in unpermute_rows(model, model.state_dict()).items():
        tensor = tensor.full_tensor() if _is_dtensor(tensor) else tensor
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


def permute_rows(model: nn.Module, tensors: dict) -> dict:
    """Tensors by name, their rows in the order in which `split` gave them to the processes."""
    return _reorder(model, tensors, _by_process)


def unpermute_rows(model: nn.Module, tensors: dict) -> dict:
    """Tensors by name, their rows in the order in which one process alone has them."""
    return _reorder(model, tensors, _by_role)


def _reorder(model: nn.Module, tensors: dict, order: Callable) -> dict:
    n = _tensor_parallel_size(model)
    moved = [name for name in tensors if n > 1 and ".query_key_value." in name]
    return tensors | {
        k: _redistribute(tensors[k], order, n) for k in moved if _is_dtensor(tensors[k])
    }


def _redistribute(tensor, order: Callable, n: int):
    from torch.distributed.tensor import distribute_tensor  # slow to import

    rows = order(tensor.full_tensor(), n)
    return distribute_tensor(rows, tensor.device_mesh, tensor.placements)


def _tensor_parallel_size(model: nn.Module) -> int:
    """Among how many processes `split` shared the heads; 1 if it did not."""
    blocks = getattr(model, "blocks", None)
    return model.config.n_head // blocks[0].attention.n_head if blocks else 1


def to_local(tensor: torch.Tensor) -> torch.Tensor:
    """What this process has of a tensor: all, unless it is shared out."""
    return tensor.to_local() if _is_dtensor(tensor) else tensor


def _is_dtensor(tensor: torch.Tensor) -> bool:
    return hasattr(tensor, "full_tensor")  # a DTensor, without its module, which is slow to import


# One training step, shared


class Group:
    """The processes that train one model together; with ``kind`` None, one process alone."""

    def __init__(self, kind: str | None = None):
        self.kind = kind
        self.rank = dist.get_rank() if kind else 0
        self.size = dist.get_world_size() if kind else 1
        # Under tensor parallelism everybody has the whole batch.
        self.data_parallel_size = self.size if kind in ("ddp", "fsdp") else 1

    def parallelize(self, model: nn.Module, chip: device.Chip) -> nn.Module:
        """Share the model out, as process 0 has it; gives what to call in training."""
        if self.kind is None:
            return model
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)
        if self.kind == "tensor" and chip.scaler:
            raise ValueError(
                sentence(
                    "parallel='tensor' can't scale the loss up, as float16 on {chip} needs: use "
                    "parallel='ddp' or 'fsdp'",
                    chip=chip.name,
                )
            )
        if self.kind == "ddp":
            return replicate(model)
        return shard(model, chip.dtype) if self.kind == "fsdp" else split(model)

    def check_batch(self, batch_size: int, accumulation: int) -> None:
        """Raise ``ValueError`` if the windows of a batch can't be shared out equally."""
        if batch_size % (self.data_parallel_size * accumulation):
            raise ValueError(
                sentence(
                    "batch_size={batch_size} can't be shared by {processes} processes in "
                    "accumulation={accumulation} equal parts each; choose a multiple of {multiple}",
                    batch_size=batch_size,
                    processes=self.data_parallel_size,
                    accumulation=accumulation,
                    multiple=self.data_parallel_size * accumulation,
                )
            )

    def shard_batch(
        self, tokens: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """This process's windows of a batch; one that counts nothing if there are too few."""
        if self.data_parallel_size == 1:
            return tokens, labels
        if len(tokens) <= self.rank:
            return tokens[:1], torch.full_like(labels[:1], IGNORE)
        own = slice(self.rank, None, self.data_parallel_size)
        return tokens[own], labels[own]

    def all_reduce_mean(self, tensor: torch.Tensor) -> torch.Tensor:
        """The mean of what those have who share a batch."""
        if self.data_parallel_size == 1:
            return tensor
        total = tensor.clone()
        dist.all_reduce(total)
        return total / self.data_parallel_size

    def all_reduce_sum(self, *numbers: float) -> list[float]:
        """Each number's sum over those who share a batch."""
        if self.data_parallel_size == 1:
            return list(numbers)
        totals = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(totals)
        return totals.tolist()

    def all_reduce_max(self, number: float) -> float:
        """The largest that anybody has: 1.0 if anybody says true."""
        if self.kind is None:
            return number
        most = torch.tensor(number, dtype=torch.float64)
        dist.all_reduce(most, dist.ReduceOp.MAX)
        return most.item()

    def broadcast(self, make: Callable[[], object]) -> object:
        """What ``make`` gives or raises in process 0, for all: the others get a copy by pickle."""
        if self.kind is None:
            return make()
        box = [attempt(make) if self.rank == 0 else None]
        dist.broadcast_object_list(box, device=torch.device("cpu"))
        made, error = box[0]
        if error is not None:
            raise error
        return made

    def all_gather(self, value: object) -> list:
        """What each process has, by rank; by pickle."""
        values = [value] * self.size
        if self.kind is not None:
            dist.all_gather_object(values, value)
        return values

    def sync_gradients(self, replica: nn.Module, now: bool) -> AbstractContextManager:
        """Inside it, forward and backward average the gradients at once, or leave it to the last.

        Of a batch in several parts only the last needs to send them.
        """
        if self.kind == "fsdp":
            replica.set_requires_gradient_sync(now)
        return replica.no_sync() if self.kind == "ddp" and not now else nullcontext()

    def clip_grad_norm(self, weights: Iterable[nn.Parameter], max_norm: float) -> None:
        """Shorten the gradient of the whole model, wherever it lies, to at most ``max_norm``."""
        if self.kind != "tensor":
            nn.utils.clip_grad_norm_(weights, max_norm)
            return
        parts = _dtensors_apart(list(weights))
        norms = [nn.utils.get_total_norm([weight.grad for weight in part]) for part in parts]
        norms = [norm.full_tensor() if _is_dtensor(norm) else norm for norm in norms]
        for part in parts:
            nn.utils.clip_grads_with_norm_(part, max_norm, torch.stack(norms).norm())

    def split_param_groups(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """The optimizer, able to turn shared and whole weights: one fused kernel takes one sort."""
        groups = optimizer.param_groups
        if self.kind == "tensor":
            groups[:] = [
                {**g, "params": part} for g in groups for part in _dtensors_apart(g["params"])
            ]
        return optimizer


ALONE = Group()
"""One process."""


def attempt(make: Callable[[], object]) -> tuple[object, Exception | None]:
    """What ``make`` gives, and the error that it raises instead."""
    try:
        return make(), None
    except Exception as error:  # whatever it is, nobody must wait for what won't come
        return None, error


def _dtensors_apart(weights: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Shared weights, and whole ones; only what there is."""
    parts = [[w for w in weights if _is_dtensor(w) == shared] for shared in (True, False)]
    return [part for part in parts if part]


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
    environment = os.environ | {"OMP_NUM_THREADS": threads, "PYTHONIOENCODING": "utf-8"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment}
    program = subprocess.Popen(command, encoding="utf-8", errors="replace", **pipes)
    try:
        printed, errors = program.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(
            sentence(
                "{processes} processes took more than seconds={seconds}",
                processes=processes,
                seconds=f"{seconds:g}",
            )
        ) from error
    finally:
        program.terminate()  # torchrun then ends its processes
        program.wait()
    if program.returncode:
        raise RuntimeError(sentence("a process failed") + f"\n{printed[-2000:]}\n{errors[-4000:]}")
    print(printed, end="")
