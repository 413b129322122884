"""A run meets a full disk, a signal, an infinite gradient, too little memory: nothing is lost."""

import dataclasses
import errno
import math
import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import runs
import torch

from nbutils.checkpoints import single_file
from nbutils.checkpoints.single_file import CHECKPOINT
from nbutils.checkpoints.state import CheckpointError, CheckpointWarning, State
from nbutils.model import GPT, GPTConfig
from nbutils.training import (
    TrainingDivergedError,
    TrainingInterrupt,
    TrainingMemoryError,
    train,
)

CORPUS = np.random.default_rng(0).integers(0, 12, 3000)
CONFIG = dataclasses.replace(runs.CONFIG, steps=40, checkpoint_every=10)
SHAPE = GPTConfig(vocab_size=12, block_size=8, n_layer=2, n_head=2, n_embd=16, dropout=0.2)
OPTIMIZERS = ["adamw", "muon"]


def fresh() -> GPT:
    torch.manual_seed(1)
    return GPT(SHAPE)


def run(folder=None, on_eval=None, model=None, **changes):
    """Train, or go on; the model and its history."""
    model = model or fresh()
    checkpoint = None if folder is None else str(folder)
    config = dataclasses.replace(CONFIG, checkpoint=checkpoint, **changes)
    return model, train(model, CORPUS, CORPUS, config, on_eval=on_eval)


def alike(one, other) -> bool:
    (model, history), (second, others) = one, other
    losses = ("steps", "train_losses", "val_losses", "learning_rates")
    return all(getattr(history, name) == getattr(others, name) for name in losses) and all(
        map(torch.equal, model.state_dict().values(), second.state_dict().values())
    )


def stored(folder) -> int:
    return single_file._read(Path(folder) / CHECKPOINT).about["step"]


def at_update(number, does):
    """A model that does something in update ``number``, from 0, before it."""
    model, calls = fresh(), 0

    def forward(tokens, labels):
        nonlocal calls
        calls += model.training
        if model.training and calls == number + 1:
            does()
        return GPT.forward(model, tokens, labels)

    model.forward = forward
    return model


# Going on


@pytest.mark.parametrize("accumulation", [1, 4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_on_bit_for_bit(tmp_path, optimizer, accumulation):
    how = {"optimizer": optimizer, "accumulation": accumulation}
    stop = at_update(23 * accumulation, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(TrainingInterrupt):
        run(tmp_path, model=stop, **how)
    assert stored(tmp_path) == 24
    assert alike(run(tmp_path, **how), run(**how))


@pytest.mark.part("package")
def test_compiled_blocks_go_on_bit_for_bit(compiler, tmp_path):
    how = {"compile": "blocks", "steps": 6, "checkpoint_every": 2}
    expected = run(**how)

    def stop(step, model):
        if step == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(tmp_path, stop, eval_every=2, **how)
    assert stored(tmp_path) == 2
    model, history = run(tmp_path, eval_every=2, **how)
    assert history.val_losses[-1] == expected[1].val_losses[-1]
    assert all(map(torch.equal, model.state_dict().values(), expected[0].state_dict().values()))


def test_the_batch_may_be_cut_finer_from_then_on(tmp_path):
    """Which is what too little memory asks for."""
    with pytest.raises(TrainingInterrupt):
        run(tmp_path, model=at_update(12, lambda: signal.raise_signal(signal.SIGINT)))
    assert run(tmp_path, accumulation=4)[1].steps == [0, 20, 40]


def test_a_damaged_checkpoint_costs_the_updates_since_the_one_before(tmp_path):
    expected = run()
    with pytest.raises(TrainingInterrupt):
        run(tmp_path, model=at_update(24, lambda: signal.raise_signal(signal.SIGINT)))
    (tmp_path / CHECKPOINT).write_bytes(b"")
    steps = []
    with pytest.warns(CheckpointWarning, match="goes on from the checkpoint before it"):
        found = run(tmp_path, on_eval=lambda step, model: steps.append(step))
    assert steps == [40] and alike(found, expected)  # from step 20, whose evaluation was done


def test_another_run_s_folder_stays_as_it_is(tmp_path):
    run(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(CheckpointError, match="another run: learning_rate was 0.003"):
        run(tmp_path, learning_rate=1e-3)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_sigterm_is_heard_like_ctrl_c(tmp_path):
    stop = at_update(13, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(TrainingInterrupt, match="stopped at step 14; the same call goes on$"):
        run(tmp_path, model=stop)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert alike(run(tmp_path), run())


# A full disk


class Disk:
    """Checkpoints can be written, or not."""

    def __init__(self, monkeypatch):
        self.full = False
        self.save = single_file.save_tensors
        monkeypatch.setattr(single_file, "save_tensors", self)
        monkeypatch.setattr(single_file, "_free", lambda folder: 3_000)

    def __call__(self, tensors, path, metadata):
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.save(tensors, path, metadata)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def full_from(disk, first, last):
    def on_eval(step, model):
        disk.full = first <= step < last

    return on_eval


def test_a_run_goes_on_while_the_disk_is_full_and_saves_when_it_is_not(tmp_path, disk):
    words = r"step 20: .*No space left on device.: it needs 0.1 MB, and 0.0 MB are free; "
    with pytest.warns(CheckpointWarning, match=words + "that of step 10 stays") as told:
        found = run(tmp_path, full_from(disk, 20, 30), eval_every=10)
    assert len(told) == 1
    assert stored(tmp_path) == 40
    assert alike(found, run(eval_every=10))


def test_at_the_end_a_full_disk_costs_neither_the_model_nor_the_history(tmp_path, disk):
    words = "step 40: .*; that of step 30 stays, and the model is trained all the same"
    with pytest.warns(CheckpointWarning, match=words):
        found = run(tmp_path, full_from(disk, 40, 50), eval_every=10)
    assert alike(found, run(eval_every=10))
    assert stored(tmp_path) == 30
    disk.full = False
    assert alike(run(tmp_path, eval_every=10), found)


def test_a_stop_on_a_full_disk_says_from_where_the_run_will_go_on(tmp_path, disk):
    def stop():
        disk.full = True
        signal.raise_signal(signal.SIGINT)

    words = "stopped at step 25; the same call goes on from step 20"
    with pytest.warns(CheckpointWarning), pytest.raises(TrainingInterrupt, match=words):
        run(tmp_path, model=at_update(24, stop))
    assert stored(tmp_path) == 20


def test_a_first_checkpoint_that_fails_is_told_as_such(tmp_path, disk):
    disk.full = True
    with pytest.warns(CheckpointWarning) as told:
        run(tmp_path, steps=15)
    assert "there is none before, and the run goes on" in str(told[0].message)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, signal, sys, warnings
sys.path.insert(0, {tests!r})
from test_resuming import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run({folder!r}, steps=20, model=at_update(15, lambda: resource.setrlimit(
    resource.RLIMIT_FSIZE, (9_000, 9_000)
)))
print("trained")
"""


def test_a_system_that_stops_the_writer_does_not_stop_the_run(tmp_path):
    """No patch: the system refuses longer files from update 15 on."""
    program = LIMITED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.stdout == "trained\n", done.stderr
    assert "step 20: " in done.stderr and "File too large" in done.stderr
    assert stored(tmp_path) == 10
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT}


# Numbers that are none


def infinite_gradient(model, at):
    """The gradient of update ``at`` is infinite, and its loss is not."""
    seen = 0

    def hook(gradient):
        nonlocal seen
        seen += 1
        return torch.full_like(gradient, math.inf) if seen == at + 1 else gradient

    model.blocks[0].mlp.expand.weight.register_hook(hook)
    return model


@pytest.mark.parametrize(("grad_clip", "accumulation"), [(0.0, 1), (1.0, 1), (1.0, 4)])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_infinite_gradient_stops_and_never_reaches_a_checkpoint(
    tmp_path, optimizer, grad_clip, accumulation
):
    """Update 19 is the last before a checkpoint and an evaluation, so no loss shows it yet."""
    how = {"optimizer": optimizer, "grad_clip": grad_clip, "accumulation": accumulation}
    for at, last in ((9, 0), (19, 10), (39, 30)):
        folder = tmp_path / str(at)
        model = infinite_gradient(fresh(), at * accumulation)
        words = r"is (nan|inf) at step \d+, with a learning rate of .*; try learning_rate=0.0003"
        with pytest.raises(TrainingDivergedError, match=words):
            run(folder, model=model, **how)
        assert (stored(folder) if last else len(list(folder.iterdir()))) == last


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_last_update_s_damage_is_told_without_a_checkpoint_too(optimizer):
    model = infinite_gradient(fresh(), 39)
    with pytest.raises(TrainingDivergedError, match="validation loss is nan at step 40"):
        run(model=model, optimizer=optimizer)


@pytest.mark.parametrize("accumulation", [1, 4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_too_high_a_learning_rate_is_told_by_every_optimizer(tmp_path, optimizer, accumulation):
    how = {"optimizer": optimizer, "accumulation": accumulation, "warmup_steps": 0, "steps": 200}
    with pytest.raises(TrainingDivergedError, match=r"learning_rate=1e\+30"):
        run(tmp_path, learning_rate=1e31, **how)


@pytest.mark.parametrize(
    ("numbers", "damaged"),
    [([1.0, 2.0], 0), ([3e38, 3e38], 0), ([math.inf, -math.inf], 1), ([math.nan, 0.0], 1)],
)
def test_numbers_are_finite_even_if_their_sum_is_not(numbers, damaged):
    tensors = {"random.cpu": torch.ones(3, dtype=torch.uint8), "model.a": torch.tensor(numbers)}
    found = State({}, tensors, {}).not_finite()
    assert bool(found) == damaged and (not found or "model.a" in found[0])


def test_weights_that_are_no_numbers_are_told_before_any_update():
    model = fresh()
    with torch.no_grad():
        model.token_embedding.weight[:] = math.nan
    with pytest.raises(TrainingDivergedError, match="validation loss is nan at step 0"):
        run(model=model)


# Too little memory

CUDA = (
    "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 15.77 GiB of "
    "which 100.88 MiB is free. Process 1234 has 15.67 GiB memory in use."
)
CPU = (
    "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4294967296 bytes. Error code 12 (Cannot allocate memory)"
)
MPS = (
    "MPS backend out of memory (MPS allocated: 17.94 GB, other allocations: 384.00 KB, max "
    "allowed: 18.13 GB). Tried to allocate 256.00 MB on private pool."
)


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (torch.cuda.OutOfMemoryError(CUDA), ": 1.50 GiB more were needed, and 100.88 MiB are free"),
        (RuntimeError(CPU), ": 4,096.00 MiB more were needed"),
        (RuntimeError(MPS), ": 256.00 MB more were needed"),
        (MemoryError(), ""),
        (RuntimeError("CUDA error: out of memory"), ""),
    ],
    ids=["cuda", "cpu", "mps", "python", "driver"],
)
def test_out_of_memory_says_by_how_much_and_what_to_lower(tmp_path, error, missing):
    def fail():
        raise error

    model = at_update(14 * 2 + 1, fail)  # in the second part of a batch
    words = (
        rf"out of memory at step 14{missing}; try accumulation=4 \(now 2; .*\), batch_size below "
        r"8, block_size below 8, a smaller model; the checkpoint of step 10 is kept, and goes on"
    )
    with pytest.raises(TrainingMemoryError, match=words):
        run(tmp_path, model=model, accumulation=2)
    assert stored(tmp_path) == 10
    assert all(weight.grad is None for weight in model.parameters())
    assert run(tmp_path, accumulation=4)[1].steps == [0, 20, 40]


def test_the_error_does_not_keep_what_the_failed_step_had_computed():
    """A notebook keeps its last error, and with it the variables of every function that it went through."""
    computed = []

    def fail():
        activations = torch.zeros(1000)
        computed.append(weakref.ref(activations))
        raise torch.OutOfMemoryError(CUDA)

    with pytest.raises(TrainingMemoryError) as kept:
        run(model=at_update(3, fail))
    assert kept.value.__cause__ is not None and computed[0]() is None


def test_a_batch_that_can_be_cut_no_finer_is_not_told_to_be():
    def fail():
        raise MemoryError

    with pytest.raises(TrainingMemoryError, match="step 0; try block_size below 8, a smaller mod"):
        run(model=at_update(0, fail), accumulation=8)


def test_other_errors_stay_what_they_are():
    def fail():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="^mat1 and mat2 shapes") as error:
        run(model=at_update(3, fail))
    assert not isinstance(error.value, TrainingMemoryError)


def test_evaluation_needs_no_more_memory_than_training(monkeypatch):
    """A batch that is trained in parts is evaluated in parts, with the same result."""
    sizes = []

    class Watched(GPT):
        def forward(self, tokens, labels):
            sizes.append(len(tokens))
            return super().forward(tokens, labels)

    torch.manual_seed(1)
    parts = run(model=Watched(SHAPE), accumulation=4, steps=0)[1]
    assert set(sizes) == {2}
    whole = run(steps=0)[1]
    assert parts.val_losses == pytest.approx(whole.val_losses, rel=1e-6)
    assert parts.train_losses == pytest.approx(whole.train_losses, rel=1e-6)


SMALL = """
import resource, sys
sys.path.insert(0, {tests!r})
from test_resuming import *
from nbutils.config import TrainConfig
from pathlib import Path
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
torch.manual_seed(0)
model = GPT(GPTConfig(vocab_size=5_000, block_size=256, n_layer=1, n_head=2, n_embd=16))
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000,) * 2)
config = TrainConfig(steps=2, batch_size=256, device="cpu", progress=False, eval_batches=1)
try:
    train(model, CORPUS, CORPUS, config)
except TrainingMemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory like this")
def test_memory_that_really_ends_is_told():
    """No patch: the system refuses the 1.3 GB of this batch's logits."""
    program = SMALL.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert "out of memory at step 0: 1,250.00 MiB more were needed; try accumulation=2" in (
        done.stdout
    ), done.stderr
