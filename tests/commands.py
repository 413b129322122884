"""Commands as the tests of ``nbutils.cli`` give them: in a process of their own, or in this one."""

import os
import subprocess
import sys

from nbutils.cli import main

TINY = (
    "--steps 20 --eval-every 10 --eval-batches 1 --batch-size 4 --warmup-steps 2 --device cpu "
    "--model.n-layer 1 --model.n-head 2 --model.n-embd 16"
).split()
FEW = ("--documents", "60")


def byte_alphabet() -> list[str]:
    """The character by which GPT-2, and the library tokenizers, writes each of the 256 bytes.

    Printable bytes of Latin-1 stand for themselves; the others follow from U+0100 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    codes = dict(zip(printable, printable)) | {v: 256 + i for i, v in enumerate(others)}
    return [chr(codes[value]) for value in range(256)]


def shell(*arguments, cwd=None, python=(), encoding="utf-8") -> subprocess.CompletedProcess:
    """``encoding``: of the pipes, as a code page of Windows gives it to them."""
    command = [sys.executable, *python, "-m", "nbutils", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    return subprocess.run(command, capture_output=True, encoding=encoding, cwd=cwd, env=environment)


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def trained(folder, *more):
    assert main(["train", "--out", str(folder), *TINY, *more]) == 0
    return folder
