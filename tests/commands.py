"""Commands as the tests of ``nbutils.cli`` give them: in a process of their own, or in this one."""

import subprocess
import sys

from nbutils.cli import main

TINY = (
    "--steps 20 --eval-every 10 --eval-batches 1 --batch-size 4 --warmup-steps 2 --device cpu "
    "--model.n-layer 1 --model.n-head 2 --model.n-embd 16"
).split()
FEW = ("--documents", "60")


def shell(*arguments, cwd=None, python=()) -> subprocess.CompletedProcess:
    command = [sys.executable, *python, "-m", "nbutils", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def trained(folder, *more):
    assert main(["train", "--out", str(folder), *TINY, *more]) == 0
    return folder
