"""How long should a waiting thread ask before it sleeps? An update, alone and beside a second program.

``nbutils/__init__.py`` sets GOMP_SPINCOUNT; here other numbers of turns are tried, one process each, in turn.
"""

import os
import subprocess
import sys
from statistics import median

from rows import Row, table

TURNS = ("0", "500", "2000", "20000")


def measure(turns: tuple[str, ...] = TURNS, updates: int = 200, rounds: int = 5) -> list[Row]:
    """A row for each number of turns and for one and two programs; all are tried once a round."""
    taken = {(count, programs): [] for count in turns for programs in (1, 2)}
    for _ in range(rounds):
        for (count, programs), found in taken.items():
            found += milliseconds(count, programs, updates)
    how = f"the median of {rounds} times {updates} updates of a GPT with two layers of width 64"
    beside = {1: "alone", 2: "two programs at once"}
    return [
        Row(f"{count} turns, {beside[programs]}", median(found), "ms an update", how)
        for (count, programs), found in taken.items()
    ]


def milliseconds(turns: str, programs: int, updates: int) -> list[float]:
    """What an update took in each of so many programs that train at the same time."""
    waiting = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": turns}
    clean = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, __file__, str(updates)]
    running = [
        subprocess.Popen(command, env=clean | waiting, stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(programs)
    ]
    told = [process.communicate()[0] for process in running]
    if failed := [process.returncode for process in running if process.returncode]:
        raise RuntimeError(f"training with GOMP_SPINCOUNT={turns} ended with status {failed[0]}")
    return [float(line) for line in told]


def train_here(updates: int) -> float:
    """Milliseconds of an update of a network as small as chapter 4a's, evaluations not counted."""
    import torch

    from nbutils.config import GPTConfig, TrainConfig
    from nbutils.model import GPT
    from nbutils.training import train

    shape = GPTConfig(vocab_size=300, block_size=64, n_layer=2, n_head=4, n_embd=64)
    drawn = torch.randint(shape.vocab_size, (10_000,))  # what it learns does not matter here
    config = TrainConfig(
        steps=updates,
        batch_size=8,
        eval_every=max(1, updates // 4),
        eval_batches=1,
        device="cpu",
        progress=False,
    )
    history = train(GPT(shape), drawn, drawn, config)
    return 1000 * config.batch_size * shape.block_size / median(history.tokens_per_second[1:])


if __name__ == "__main__":
    if sys.argv[1:]:
        print(train_here(int(sys.argv[1])))
    else:
        print(table(measure()))
