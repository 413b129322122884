"""Measure what the page "How it is tested, how fast it is" shows: python -m authoring.measure [part ...]

Each part is measured on this machine, which should do nothing else meanwhile, and replaces its rows
in `book/measured.json`; without a name all parts are, one after the other. `make measure PART=pages`
is the same. A part that fails leaves the rows that there were.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import nbformat

from authoring import grading_time, notebooks, strangers
from authoring import pages as page_loads
from authoring import proof as exercises_proof
from nbutils import device

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "book" / "measured.json"
TESTED = ROOT / "_build" / "tested.json"  # what the last `make test` left: tests/budgets.py
PACKAGES = {"PyTorch": "torch", "NumPy": "numpy"}
# These measure the chip, so they have it for themselves; the others run one on each core.
ALONE = ("04b_training", "06_faster", "06b_kernel", "07_bigger")


def bench() -> list[dict]:
    """The quick benchmarks."""
    return rows_of("run.py", "--quick")


def limit() -> list[dict]:
    """Training and sampling beside what this machine can do."""
    return rows_of("limit.py")


def training() -> list[dict]:
    """Training in the page beside PyTorch."""
    return rows_of("page.py")


def rows_of(program: str, *options: str) -> list[dict]:
    """What a file of bench/ measures, in a program of its own."""
    command = [sys.executable, str(ROOT / "bench" / program), *options, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def proof() -> list[dict]:
    """What is proved of each exercise: told mistakes, taken answers, changed answers."""
    return [asdict(row) for row in exercises_proof.rows()]


def chapters() -> list[dict]:
    """Seconds of each notebook, in reading order; their asserts about time hold as well."""
    paths = notebook_paths()
    cores = os.cpu_count() or 1
    os.environ["NBUTILS_MEASURE"] = "1"
    try:
        seconds = {path: timed(path, cores) for path in paths if path.stem in ALONE}
        others = [path for path in paths if path not in seconds]
        with ThreadPoolExecutor(cores) as pool:
            seconds |= dict(zip(others, pool.map(lambda path: timed(path, 1), others)))
    finally:
        del os.environ["NBUTILS_MEASURE"]
    return [
        {"page": page_of(path), "seconds": seconds[path], "on": told_cores(path, cores)}
        for path in paths
    ]


def timed(path: Path, threads: int) -> float:
    """Seconds that a notebook runs from top to bottom, its kernel's start included."""
    start = time.monotonic()
    notebooks.execute(path, nbformat.read(path, as_version=4), threads)
    print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)
    return time.monotonic() - start


def told_cores(path: Path, cores: int) -> str:
    return f"all {cores} cores" if path.stem in ALONE else "one core"


def check() -> list[dict]:
    """What each file of tests took in the last `make test`, beside its budget."""
    return json.loads(TESTED.read_text("utf-8"))


def tested_today() -> bool:
    return TESTED.exists() and time.time() - TESTED.stat().st_mtime < 24 * 3600


def pages() -> list[dict]:
    """What each page weighs, and after how long it can be used."""
    return page_loads.measure()


def pictures() -> list[dict]:
    """The slowest drawing of each moving picture while its controls are moved."""
    from authoring import pictures as drawn  # they bring the tests' hands

    return drawn.measure()


def grading() -> list[dict]:
    """How long the grader takes for notebooks in which every exercise is answered."""
    return [asdict(row) for row in grading_time.rows()]


def answers() -> list[dict]:
    """What the checks say of answers that strangers wrote, and how fast, by chapter."""
    return [asdict(row) for row in strangers.rows()]


PARTS: dict[str, Callable[[], list[dict]]] = {
    "bench": bench,
    "limit": limit,
    "training": training,
    "proof": proof,
    "answers": answers,
    "chapters": chapters,
    "pages": pages,
    "pictures": pictures,
    "grading": grading,
    "check": check,
}


def notebook_paths() -> list[Path]:
    """Every notebook, in reading order."""
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    return [ROOT / f"{name}.ipynb" for name in re.findall(r"file: (notebooks/\S+)", toc)]


def page_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


def machine() -> str:
    """Processor, memory, system, and the chip that computes where it is another."""
    size, chip = device.memory(device.pick("cpu")), device.pick()
    told = [device.processor(), f"{size / 2**30:.0f} GiB" if size else "", platform.system()]
    return ", ".join(filter(None, [*told, chip.name * (chip.device.type != "cpu")]))


def measured(name: str) -> dict:
    """A part's rows, with day, machine, versions, command, and how long it took to measure."""
    start = time.monotonic()
    rows = PARTS[name]()
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "versions": {"Python": platform.python_version()}
        | {told: version(package) for told, package in PACKAGES.items()},
        "command": f"make measure PART={name}",
        "seconds": round(time.monotonic() - start),
        "rows": list(rounded(rows)),
    }


def rounded(rows: list[dict]) -> Iterator[dict]:
    """Four figures of each number: more is noise, and a line that changes for nothing."""
    for row in rows:
        yield {
            name: float(f"{value:.4g}") if isinstance(value, float) else value
            for name, value in row.items()
        }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if "check" in (options.parts or PARTS) and not tested_today():
        parser.error(
            "part check shows what make test took today, and it has not passed: run it first"
        )
    for name in options.parts or PARTS:
        print(f"{name} ...", flush=True)
        part = measured(name)
        stored = json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else {}
        stored[name] = part
        text = json.dumps({name: stored[name] for name in PARTS if name in stored}, indent=1)
        MEASURED.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
