"""Run the notebooks that the book's cache lacks, one on each core.

`make book` calls this before Jupyter Book, which would run one notebook after the other. Small networks gain
little from a second core, two notebooks gain almost all of it. `notebooks.MEASURING` names those that
measure the chip: they run last, each alone on all cores.

``python tools/cache.py FOLDER notebooks/01_tokens.ipynb ...`` fills the cache in FOLDER; what is there
already is not run again. After a failure, which names the cell, no other is begun; what ran before it and
beside it is kept.
"""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from notebooks import MEASURING, execute

AT_ONCE = min(4, os.cpu_count() or 1)  # each takes about a gigabyte of memory


def main(folder: str, paths: list[str]) -> None:
    """Run what is missing: `AT_ONCE` at the same time, then those that measure, one by one."""
    cache = get_cache(folder)
    missing = {path: nbformat.read(path, as_version=4) for path in map(Path, paths)}
    missing = {path: stored for path, stored in missing.items() if not known(cache, stored)}
    alone = [path for path in missing if path.stem in MEASURING]
    together = [
        path for path in reversed(missing) if path not in alone
    ]  # the later ones take longer
    for some, workers in ((together, AT_ONCE), (alone, 1)):
        threads = max(1, (os.cpu_count() or 1) // workers)
        with ThreadPoolExecutor(workers) as pool:
            stop = threading.Event()
            runs = [pool.submit(timed, path, missing[path], threads, stop) for path in some]
            failures = []
            try:
                for run in as_completed(runs):
                    try:
                        done = run.result()
                    except (
                        SystemExit
                    ) as failure:  # those beside it go on, and what they give is kept
                        failures.append(str(failure))
                        continue
                    if done is not None:
                        path, notebook, seconds = done
                        bundle = CacheBundleIn(
                            notebook, str(path.resolve()), data={"execution_seconds": seconds}
                        )
                        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                        print(f"{path}: {seconds:.0f} s", flush=True)
            finally:
                pool.shutdown(cancel_futures=True)
        if failures:
            sys.exit("\n".join(failures))


def known(cache, notebook: nbformat.NotebookNode) -> bool:
    """Is a run of this very code in the cache?"""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def timed(
    path: Path, stored: nbformat.NotebookNode, threads: int, stop: threading.Event
) -> tuple | None:
    """The path, the notebook with what came out, and how many seconds it took; None after a failure.

    Sets ``stop`` if this one fails, so that no other begins.
    """
    if stop.is_set():
        return None
    start = time.monotonic()
    try:
        return path, execute(path, stored, threads), time.monotonic() - start
    except BaseException:
        stop.set()
        raise


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
