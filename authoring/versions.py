"""Does the course work with the lowest versions that pyproject.toml allows, and with the newest?

``python -m authoring.versions lowest`` (or ``newest``) makes an environment in ``_build/lowest``, runs the
package's tests there (``tests/package.txt`` lists them), and then chapter 3's notebooks, each alone in an
empty folder. PyTorch is the pinned one in both: its other builds are gigabytes. The lowest, which is Colab's,
has its own part: ``make all PART=colab``.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = ("lowest", "newest")
EXTRA = "fineweb"
# What the tests and the notebooks need beside the package.
TOOLS = (
    "pytest",
    "pytest-xdist",
    "hypothesis",
    "scipy",
    "transformers",  # tests/package.txt
    "nbclient",
    "ipykernel",
    "pyyaml",  # authoring/notebooks.py, tools/fork.py
)


def main(kind: str) -> None:
    """Make the environment and run all; the first failure ends the program with its status."""
    folder = ROOT / "_build" / kind
    began = time.monotonic()
    python = environment(folder, constraints(kind))
    made = time.monotonic()
    run(python, "-m", "nbutils", "doctor")
    run(python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "@tests/package.txt")
    tested = time.monotonic()
    run(python, "-m", "authoring.notebooks", *copies(folder / "notebooks"))
    done = time.monotonic()
    seconds = (
        f"environment {made - began:.0f}, tests {tested - made:.0f}, notebooks {done - tested:.0f}"
    )
    print(f"{kind}: all is well. Seconds: {seconds}")


def constraints(kind: str) -> list[str]:
    """What pip must hold to: torch as it is pinned, and for "lowest" each dependency's lower bound."""
    pinned = re.search(r"^torch==\S+", (ROOT / "requirements.txt").read_text("utf-8"), re.M)[0]
    if kind == "newest":
        return [pinned]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ranges = [*project["dependencies"], *project["optional-dependencies"][EXTRA]]
    return [pinned, *(one.replace(">=", "==") for one in ranges if not one.startswith("torch>="))]


def environment(folder: Path, held: list[str]) -> Path:
    """A new virtual environment with the package as its folder is now; gives its Python."""
    venv.create(folder, clear=True, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    listed = folder / "constraints.txt"
    listed.write_text("\n".join(held) + "\n", "utf-8")
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", listed]
    run(*install, "--editable", f".[{EXTRA}]", *TOOLS)
    run(python, "-m", "pip", "check")
    return python


def copies(folder: Path) -> list[Path]:
    """Chapter 3's notebooks, copied: to run one writes it anew."""
    folder.mkdir()
    return [
        Path(shutil.copy(path, folder)) for path in sorted((ROOT / "notebooks").glob("03*.ipynb"))
    ]


def run(*command: str | Path) -> None:
    """Run a command in the repository; PyTorch takes one thread, as in `make test`."""
    print("$", *command, flush=True)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    if sys.argv[1:] not in ([kind] for kind in KINDS):
        sys.exit(__doc__)
    main(sys.argv[1])
