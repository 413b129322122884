"""Processes that encode documents side by side."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import tiktoken

from nbutils.tokens import encode_stream, get_encoding
from nbutils.words import sentence


def available_cores() -> int:
    """The cores that this process may use; Windows can wait for 61 processes at most."""
    available = getattr(os, "sched_getaffinity", None)  # on Linux; in a container it may be fewer
    return min(len(available(0)) if available else os.cpu_count() or 1, 61)


def encode_in_order(batches, encoding, path: Path, workers: int) -> Iterator[tuple[tuple, int]]:
    """The batches encoded, in their order, with their checksums; few are on the way at a time.

    A batch is the number of its first document, its documents and the checksum.

    Processes, because threads get in each other's way: tiktoken lets go of Python's lock only
    while it encodes one document (``bench/packing.py`` compares them).
    """
    if workers == 1:
        yield from ((_encode(first, batch, encoding), total) for first, batch, total in batches)
        return
    context = multiprocessing.get_context("spawn")  # the same everywhere, also with threads
    pool = ProcessPoolExecutor(workers, context, _init_worker, (path,))
    waiting = deque()
    try:
        for first, batch, checksum in batches:
            waiting.append((pool.submit(_encode_in_worker, first, batch), checksum))
            if len(waiting) > 2 * workers:  # all are busy, and each has one to go on with
                yield waiting[0][0].result(), waiting.popleft()[1]
        yield from ((future.result(), checksum) for future, checksum in waiting)
    except BrokenProcessPool as error:
        raise RuntimeError(
            sentence(
                "a worker process ended before its work did: was it killed, or short of memory "
                "(workers=1 needs least), or does a script call pack outside `if __name__ == "
                '"__main__":`? What is packed so far is kept: the same call goes on'
            )
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _encode(
    first: int, documents: list[str], encoding: tiktoken.Encoding
) -> tuple[np.ndarray, np.ndarray]:
    """The documents' tokens in a row, an END after each, and how many each has with its END."""
    _, *rows = encode_stream(documents, encoding, first)  # without the END before all documents
    return np.concatenate(rows), np.array([len(row) for row in rows])


def _init_worker(path: Path) -> None:
    """In a new worker: read the encoding once; Ctrl-C is for the process that started it."""
    global _worker_encoding
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker_encoding = get_encoding(path)


def _end_with_parent() -> None:
    """A killed process can't tell its workers, and they would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _encode_in_worker(first: int, documents: list[str]) -> tuple[np.ndarray, np.ndarray]:
    return _encode(first, documents, _worker_encoding)
