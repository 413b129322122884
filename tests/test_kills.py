"""A run that is killed at any moment, again and again, ends as if nothing had happened.

A hundred kills: ``python -m pytest -s --part package tests/test_kills.py``. Killed are children of
a process that has loaded PyTorch, so that a new beginning costs no import; as a program this file
is that process.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nbutils.checkpoints.single_file import CHECKPOINT, PREVIOUS
from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig, train

CORPUS = np.random.default_rng(0).integers(0, 12, 3000)
SHAPE = GPTConfig(vocab_size=12, block_size=16, n_layer=2, n_head=2, n_embd=16, dropout=0.2)
OPTIMIZERS = ("adamw", "muon")


def work(folder: Path, optimizer: str, steps: int) -> None:
    """Train, and write down how it ended."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = GPT(SHAPE)
    config = TrainConfig(
        steps=steps,
        batch_size=8,
        accumulation=2,
        learning_rate=3e-3,
        warmup_steps=10,
        optimizer=optimizer,
        eval_every=7,
        eval_batches=2,
        device="cpu",
        progress=False,
        checkpoint=str(folder),
        checkpoint_every=3,
    )
    history = train(model, CORPUS, CORPUS, config)
    losses = [history.steps, history.train_losses, history.val_losses, history.learning_rates]
    torch.save([losses, model.state_dict()], folder / "end")


def same(one: Path, other: Path) -> bool:
    """Whether two runs ended alike, bit for bit, and left their checkpoints and no more."""
    ends = (torch.load(folder / "end", weights_only=True) for folder in (one, other))
    (losses, weights), (others, other_weights) = ends
    assert {path.name for path in other.iterdir()} == {"end", CHECKPOINT, PREVIOUS}
    return losses == others and all(map(torch.equal, weights.values(), other_weights.values()))


def start(what: Callable, *given) -> int:
    """A child that does it."""
    child = os.fork()
    if child:
        return child
    try:
        what(*given)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def finished(child: int) -> bool:
    """Whether it ended by itself; false if it was killed."""
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), f"it ended with status {status}"
    return status == 0


def killed_at_random(folder: Path, kills: int, steps: int = 60) -> dict:
    """Kill runs until that was done often enough, and let the last one end."""
    whole, draw, done, ends, writing = {}, random.Random(time.time()), 0, 0, 0
    for optimizer in OPTIMIZERS:
        whole[optimizer] = folder / optimizer
        begun = time.perf_counter()
        assert finished(start(work, whole[optimizer], optimizer, steps))
        seconds = time.perf_counter() - begun
    while done < kills or ends < len(OPTIMIZERS):
        optimizer = OPTIMIZERS[ends % len(OPTIMIZERS)]
        run = folder / f"run{ends}"
        child = start(work, run, optimizer, steps)
        if done < kills:
            time.sleep(draw.uniform(0, seconds / 3))
            os.kill(child, signal.SIGKILL)
        if finished(child):
            assert same(whole[optimizer], run), f"{run} ended differently"
            ends += 1
        else:
            done += 1
            writing += any(run.glob("*.part"))
    return {"kills": done, "while writing": writing, "runs": ends}


CHANGES = {"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "shutil.rmtree"}


def killed_at_every_change(folder: Path, steps: int = 9) -> dict:
    """Kill a run just before it changes its folder the first, the second ... the last time."""

    def die_at(place: int, run: Path) -> None:
        left = place

        def count(event, given):
            nonlocal left
            if event in CHANGES and str(run) in str(given[0]):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work(run, "adamw", steps)

    whole, place = folder / "whole", 0
    assert finished(start(work, whole, "adamw", steps))
    ended = False
    while not ended:
        place += 1
        run = folder / f"place{place}"
        ended = finished(start(die_at, place, run))
        assert finished(start(work, run, "adamw", steps))
        assert same(whole, run), f"killed at change {place}, it ended differently"
    return {"kills": place - 1}


def computed() -> float:
    """Processor seconds of children that ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def report(which: str, folder: Path, *more) -> dict:
    """What this file as a program says of it."""
    begun = time.perf_counter()
    command = [sys.executable, __file__, which, str(folder), *map(str, more)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    before = computed()
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    took, cost = time.perf_counter() - begun, computed() - before
    print(f"{found} in {took:.0f} s, {cost:.0f} s of them computing")
    return found


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@forks
@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.part("package"))])
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(kills, tmp_path):
    assert report("killed_at_random", tmp_path, kills)["kills"] >= kills


@forks
def test_a_run_killed_before_any_change_of_its_folder_ends_as_if_it_had_not_been(tmp_path):
    assert report("killed_at_every_change", tmp_path)["kills"] > 20


if __name__ == "__main__":
    import torch._dynamo  # which optimizers load when they are made

    WHICH, FOLDER, *MORE = sys.argv[1:]
    print(json.dumps(globals()[WHICH](Path(FOLDER), *map(int, MORE))))
