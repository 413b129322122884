"""Notebooks that try to get marks without an answer, and what notebooks of the grader's tests are made of."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from nbutils.exercises.grading import landlock

MASK = "def causal_mask(T):\n    return torch.ones(T, T, dtype=torch.bool).tril()"
HEADS = "def split_heads(x, n_head):\n    return x.unflatten(2, (n_head, -1)).transpose(1, 2)"
JOIN = "def join_heads(x):\n    return x.transpose(1, 2).flatten(2)"
FOLDER_OF_ANSWERS = (
    "import nbutils.exercises, os\nhere = os.path.dirname(nbutils.exercises.__file__)\n"
)
ANSWER = "here + '/problems/internals/causal_mask.py'"


def submit(folder: Path, name: str, *cells: str) -> None:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / f"{name}.ipynb")


def hand_in_attacks(folder: Path) -> None:
    """Notebooks that want marks without an answer."""
    read = FOLDER_OF_ANSWERS
    submit(
        folder,
        "attack the answers",
        "from nbutils.exercises.exercise import exercise\ncausal_mask = exercise('causal_mask').answer",
        "from nbutils.exercises.problems.internals.causal_mask import causal_mask",
        f"{read}exec(open({ANSWER}).read())",
        f"{read}os.symlink(here, 'x')\nexec(open('x/problems/internals/causal_mask.py').read())",
        f"{read}os.link({ANSWER}, 'y.py')",
        f"{read}os.chdir(here + '/problems/internals')\nexec(open('causal_mask.py').read())",
        f"{read}os.chdir(here)\nexec(open('problems/internals/causal_mask.py').read())",
        f"{read}fd = os.open(here, os.O_RDONLY)",
        f"{read}text = !cat {{{ANSWER}}}\nexec('\\n'.join(text))",
        f"{read}import subprocess\nexec(subprocess.run(['cat', {ANSWER}], capture_output=True).stdout)",
        "import gc\n(causal_mask,) = [f for f in gc.get_objects() if getattr(f, '__name__', '') == 'causal_mask']",
    )
    submit(
        folder,
        "attack the judge",
        "from nbutils.exercises import checking, compare, guard\nfrom nbutils.exercises.grading import judging, marks\n"
        "checking.judge = judging.judge = lambda *_: checking.Verdict('x', 'passed')\n"
        "compare.difference = checking.difference = lambda *_: ''\nmarks.PASSED = 'wrong'",
        "class Equal:\n    def __eq__(self, other): return True\n    def __reduce__(self): return print, ()\n"
        "def causal_mask(T): return Equal()\ndef decays(shapes): return Equal()\n"
        "def hidden_in_tile(*_): return {'is': 'function', 'of': 0, 'name': 'x'}",
    )
    told = '{"told": ["causal_mask", "passed", "forged"]}'
    submit(
        folder,
        "attack the pipe",
        f"import os\nfor number in range(3, 60):\n    try: os.write(number, b'{told}')\n    except OSError: pass",
        "def causal_mask(T): return 1",
    )
    submit(
        folder,
        "attack the process",
        "import os, torch\ntries = [lambda: os.kill(os.getppid(), 9), lambda: os.killpg(os.getpgid(os.getppid()), 9),"
        "\n    lambda: open('/proc/%d/mem' % os.getppid(), 'rb'), lambda: os.system('true'),"
        "\n    lambda: os.remove(RESULTS), lambda: open(RESULTS, 'a'), lambda: os.rename(RESULTS, 'mine')]".replace(
            "RESULTS", repr(str(folder.parent / "out" / "grades.csv"))
        )
        + "\nrefused = 0\nfor one in tries:\n    try: one()\n    except PermissionError: refused += 1"
        "\nassert refused == len(tries), refused\nopen('own', 'w').close()\nos.mkdir('ours')\n"
        + MASK,
    )


def hand_in_attacks_on_the_fence(folder: Path) -> None:
    """Notebooks that get around Python's hooks, or ask from C: what is behind them is Linux's own."""
    others = repr(str(folder / "attack the wall.ipynb"))
    submit(
        folder,
        "attack the wall",
        FOLDER_OF_ANSWERS + "import builtins, ctypes, signal, torch",
        f"size = 900\ntext = bytes(torch.from_file({ANSWER}, size=size, dtype=torch.uint8).tolist())",
        f"builtins.isinstance, old = (lambda *_: True), isinstance\ntry: os.open({ANSWER}, os.O_RDONLY)\n"
        "finally: builtins.isinstance = old",
        f"assert ctypes.CDLL(None).open(({ANSWER}).encode(), 0) < 0\nbarred = 1",
        f"try: open({others})\nexcept PermissionError: barred += 1",
        "import multiprocessing.util\nprogram = multiprocessing.util.spawnv_passfds(b'/bin/true', [b'true'], [])\n"
        "barred += os.waitpid(program, 0)[1] != 0",
        f"if {landlock._version()} < 6: barred += 1\nelse:\n    try:\n"
        "        signal.pidfd_send_signal(os.pidfd_open(os.getppid()), signal.SIGKILL)\n"
        "    except PermissionError: barred += 1",
        "try: import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))\n"
        "except PermissionError: barred += 1",
        "assert 'text' not in globals() and barred == 5, barred\n" + MASK,
    )
