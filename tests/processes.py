"""What the processes do that tests/test_parallel.py starts; not a test itself.

All but one case computes in float32, and on a tiny GPT, so that results can be compared closely.
"""

import os
import shutil
import signal
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from nbutils import config, device, parallel
from nbutils.checkpoints import shards
from nbutils.checkpoints.state import CheckpointError
from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig, TrainingDivergedError, TrainingInterrupt, train

CHIP = device.Chip(torch.device("cpu"), torch.float32, "test")
SHORT_CHIP = device.Chip(torch.device("cpu"), torch.bfloat16, "test")
STEPS, SAVED_ON_4, SAVED_ON_2 = 8, 3, 6  # a run's steps, and where one is cut off


def corpus() -> np.ndarray:
    """Documents of seven tokens; windows that run past the end ignore labels.

    Of the first 125 the last batch in an evaluation is a single window: not one for everybody.
    """
    ids = np.random.default_rng(0).integers(1, 50, 200)
    ids[::7] = ids[-6:-1] = 0
    return ids


def model(**changes) -> GPT:
    shape = dict(vocab_size=50, block_size=16, n_layer=2, n_head=4, n_embd=32)
    return GPT(GPTConfig(**shape | changes))


def recipe(kind: str | None, **changes) -> TrainConfig:
    """Clipping shortens every gradient, and the learning rate changes at every step."""
    given = dict(
        steps=STEPS,
        batch_size=8,
        learning_rate=1e-2,
        warmup_steps=2,
        grad_clip=0.3,
        eval_every=1,
        eval_batches=None,
        start_token=0,
        device="cpu",
        progress=False,
        parallel=kind,
    )
    return TrainConfig(**given | changes)


def trained(kind: str | None, to: Path | None = None, on_eval=None, shape=None, **changes) -> dict:
    """A run's history; process 0 writes the weights to a file."""
    # Only process 0 begins with the weights that count.
    torch.manual_seed(parallel.rank() if kind else 0)
    network = model(**shape or {})
    ids = corpus()
    history = train(network, ids, ids[:125], recipe(kind, **changes), on_eval=on_eval)
    whole = parallel.gather_model(network) if kind else network
    if to is not None and whole is not None:
        save_file(whole.state_dict(), to)
    return history.to_dict()


class Cut(Exception):
    """The end of a run that did not reach its own."""


def cut_after(step: int):
    def on_eval(done, _):
        if done > step:
            raise Cut

    return on_eval


def cut_off(kind: str, folder: Path, saved: int) -> None:
    """A run that ends one step after its checkpoint of step ``saved``."""
    try:
        trained(kind, on_eval=cut_after(saved), checkpoint=str(folder), checkpoint_every=saved)
    except Cut:
        return
    raise AssertionError(f"{kind} was not cut off after {saved}")


def trained_in_16_bits(kind: str | None) -> dict:
    """A run's history where products are in bfloat16."""
    kept, device.pick = device.pick, lambda name: SHORT_CHIP
    try:
        return trained(kind)
    finally:
        device.pick = kept


def begin() -> None:
    device.pick = lambda name: CHIP
    parallel.start("cpu")


def first(act) -> object:
    """What process 0 does, while the other waits."""
    return parallel.Group("ddp").broadcast(act)


def of_four(folder: str) -> dict:
    """Whole runs of each kind, and one that is cut off."""
    begin()
    folder, results = Path(folder), {}
    for kind in config.PARALLEL:
        results[kind] = trained(kind, folder / f"{kind}-4.safetensors")
        cut_off(kind, folder / f"{kind}-cut-on-4", SAVED_ON_4)
    return results


def of_two(folder: str) -> dict:
    """What four left is gone on with, and everything that needs no more than two."""
    begin()
    folder, results = Path(folder), {}
    for kind in config.PARALLEL:
        results[kind] = of_two_of(kind, folder)
    results["muon"] = trained("ddp", folder / "muon-2.safetensors", optimizer="muon")
    results["modern"] = trained("tensor", shape=MODERN)
    results["16 bits"] = {kind: trained_in_16_bits(kind) for kind in config.PARALLEL}
    results["crossed"] = crossed(folder)
    results["errors"] = refused(folder)
    return results


MODERN = dict(rotary=True, rms_norm=True, qk_norm=True, relu_squared=True, bias=False)


def of_two_of(kind: str, folder: Path) -> dict:
    parts = trained(kind, folder / f"{kind}-parts.safetensors", accumulation=2)
    later, resumed = folder / f"{kind}-cut-on-2", folder / f"{kind}-resumed-on-2"
    for copy in (later, resumed):
        first(lambda to=copy: shutil.copytree(folder / f"{kind}-cut-on-4", to))
    cut_off(kind, later, SAVED_ON_2)
    goes_on = trained(kind, folder / f"{kind}-2.safetensors", checkpoint=str(resumed))
    return {"parts": parts, "resumed": goes_on, "stopped": stopped(kind, folder)}


def crossed(folder: Path) -> dict:
    """The newest checkpoint is damaged, and another kind goes on from the one before."""
    both = folder / "crossed"
    cut_off("tensor", both, 2)
    before = sorted(path.name for path in both.iterdir())
    first(lambda: damaged_copy(both / "checkpoint-000000002", both / "checkpoint-000000004"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = trained("fsdp", checkpoint=str(both))
    told = [str(w.message) for w in caught if "damaged" in str(w.message)]
    return {"history": history, "told": told, "before": before}


def damaged_copy(path: Path, to: Path) -> None:
    """One bit is another."""
    shutil.copytree(path, to)
    part = to / "__1_0.distcp"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)


def stopped(kind: str, folder: Path) -> list:
    """Process 1 alone hears that it is to stop; where each stops, and what it says then."""

    def on_eval(step, _):
        if step == 2 and parallel.rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        trained(kind, on_eval=on_eval, checkpoint=str(folder / f"{kind}-stopped"))
    except TrainingInterrupt as stop:
        return parallel.Group(kind).all_gather(stop.step)
    return []


def refused(folder: Path) -> dict:
    """What each process is told."""
    trained_alone = folder / "alone"
    cases = {
        "batch": lambda: trained("ddp", batch_size=5),
        "parts": lambda: trained("fsdp", batch_size=6, accumulation=2),
        "heads": lambda: trained("tensor", shape=dict(n_head=1)),
        "file": lambda: trained("fsdp", checkpoint=str(trained_alone)),
        "another": lambda: trained("ddp", checkpoint=str(folder / "ddp-resumed-on-2"), seed=1),
        "diverged": lambda: trained("fsdp", learning_rate=1e30, grad_clip=0, eval_every=100),
        "unwritable": lambda: unwritable(folder),
    }
    return {name: parallel.Group("ddp").all_gather(error_of(act)) for name, act in cases.items()}


def unwritable(folder: Path) -> None:
    """A disk that is full for process 1 alone."""
    kept, shards._crc = shards._crc, full if parallel.rank() == 1 else shards._crc
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trained("fsdp", checkpoint=str(folder / "full"), steps=2)
    finally:
        shards._crc = kept
    raise CheckpointError(" ".join(str(w.message) for w in caught if "written" in str(w.message)))


def full(path: Path) -> str:
    raise OSError(28, "No space left on device")


def error_of(act) -> str:
    try:
        act()
    except (ValueError, TrainingDivergedError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"
