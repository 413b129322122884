"""How long until the model is there? `import nbutils.model` beside `import torch` alone."""

import subprocess
import sys
from statistics import median

from rows import Row, table

TIMED = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""


def measure(quick: bool) -> list[Row]:
    """``quick``: 3 new processes of each kind in place of 20."""
    times = 3 if quick else 20
    theirs, ours = in_turn(("torch", "nbutils.model"), times)
    how = f"the fastest of {times} new processes, in turn with the other; median"
    return [
        Row("import torch", min(theirs), "s", f"{how} {median(theirs):.3f} s"),
        Row("import nbutils.model", min(ours), "s", f"{how} {median(ours):.3f} s"),
        Row("its share", min(ours) / min(theirs), "", "of the time of `import torch`"),
    ]


def in_turn(modules: tuple[str, ...], times: int) -> list[list[float]]:
    """Seconds to import each module, ``times`` times: A, B, A, B, ..."""
    rounds = [[seconds(module) for module in modules] for _ in range(times)]
    return [list(column) for column in zip(*rounds, strict=True)]


def seconds(module: str) -> float:
    """Seconds to import a module in a process that has imported nothing."""
    command = [sys.executable, "-c", TIMED.format(module=module)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    print(table(measure(quick=False)))
