"""How long do the chapters and the book take? One build from nothing, in a copy."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import Row, table

ROOT = Path(__file__).parents[1]
NEEDED = ("_config.yml", "_toc.yml", "book", "notebooks")


def measure() -> list[Row]:
    """Every notebook runs once, then the pages are made; nothing comes from a cache."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in NEEDED:
            copy_of = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy_of(ROOT / name, copy / name)
        (copy / "_build").mkdir()
        (copy / "_build" / "bench.json").write_text("[]", "utf-8")  # the page that shows these rows
        start = time.perf_counter()
        build(copy)
        seconds = time.perf_counter() - start
        rows = [
            Row(f"Chapter {name}", took, "s", "executed once, alone")
            for name, took in sorted(notebook_seconds(copy / "_build" / ".jupyter_cache"))
        ]
    return [*rows, Row("The book", seconds, "s", "built from nothing, its chapters included")]


def build(folder: Path) -> None:
    tool = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    if tool is None:
        raise FileNotFoundError("jupyter-book is missing; run `make book` once")
    command = [tool, "build", str(folder), "--all", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the book can't be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def notebook_seconds(cache: Path) -> list[tuple[str, float]]:
    """Each notebook's name and how long it ran, as the build's cache remembers."""
    from jupyter_cache import get_cache

    records = get_cache(cache).list_cache_records()
    return [(Path(r.uri).stem, r.data["execution_seconds"]) for r in records]


if __name__ == "__main__":
    print(table(measure()))
