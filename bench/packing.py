"""How fast does a corpus become token files, with how many workers, and in how much memory?"""

import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import cycle, takewhile
from pathlib import Path

from bpe import VOCAB_SIZE
from rows import Row, table

from nbutils import packing, text, tokens

ENCODINGS = {"cl100k_base": "cl100k_base", f"own {VOCAB_SIZE:,} tokens": None}
PAGE = 3_000  # characters
WAYS = {"1 process": 1, "2 processes": 2, "2 threads": None}


def measure(quick: bool) -> list[Row]:
    """``quick``: 2 MB of text once, instead of 30 MB three times."""
    size, times = (2_000_000, 1) if quick else (30_000_000, 3)
    rows = []
    for label, name in ENCODINGS.items():
        speeds = dict.fromkeys(WAYS, 0.0)
        for way in list(WAYS) * times:  # in turn, and of each the fastest
            speeds[way] = max(speeds[way], speed(name, WAYS[way], size))
        how = f"{size / 1e6:.0f} MB in documents of {PAGE:,} characters; workers' start counted"
        rows += [Row(f"Packing, {label}, {way}", speeds[way], "tokens/s", how) for way in WAYS]
    return rows + memory(size)


def speed(name: str | None, workers: int | None, size: int) -> float:
    """Tokens a second.

    ``name``: one of tiktoken's encodings, None: one's own. ``workers``: None for two threads.
    """

    source = pages()
    encoding = tokens.get_encoding(name) if name else tokens.train_bpe(source, VOCAB_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if workers is None:
            count = threads(documents(source, size), encoding, Path(folder) / "tokens")
        else:
            corpus = packing.pack(
                documents(source, size), encoding, folder, workers=workers, progress=False
            )
            count = len(corpus.train) + len(corpus.val)
            del corpus  # Windows removes no file that is open
        return count / (time.perf_counter() - start)


def memory(size: int) -> list[Row]:
    """The most memory that a process needs, for a corpus and for one ten times as large."""
    sizes = (size // 10, size)
    how = "cl100k_base, 1 process, Python and PyTorch with it; as Linux says"
    return [
        Row(f"Packing's memory, {size / 1e6:.1f} MB of text", used / 1e6, "MB", how)
        for size, used in zip(sizes, map(alone, sizes), strict=True)
        if used is not None
    ]


def alone(size: int) -> int | None:
    """The most bytes that a process had in memory which did only this."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(memory_used, size).result()


def memory_used(size: int) -> int | None:
    speed("cl100k_base", 1, size)
    return peak()


def pages() -> list[str]:
    """Python's help in documents as long as FineWeb's are on average."""
    topics = text.load("pydocs")
    return [topic[i : i + PAGE] for topic in topics for i in range(0, len(topic), PAGE)]


def documents(source: list[str], size: int):
    """The source's documents again and again, up to so many characters."""
    total = 0

    def more(document: str) -> bool:
        nonlocal total
        total += len(document)
        return total <= size

    return takewhile(more, cycle(source))


def threads(documents, encoding, path: Path) -> int:
    """What `pack` does with two processes, done with tiktoken's own two threads."""
    batch, size, count = [], 0, 0
    with open(path, "wb") as file, ThreadPoolExecutor(2) as pool:
        for document in documents:
            batch.append(document)
            size += len(document)
            if size > 1 << 22:
                count, batch, size = count + written(file, batch, encoding, pool), [], 0
        return count + written(file, batch, encoding, pool)


def written(file, batch: list[str], encoding, pool: ThreadPoolExecutor) -> int:
    rows = list(pool.map(lambda document: tokens.encode_documents([document], encoding)[1:], batch))
    file.writelines(row.tobytes() for row in rows)
    return sum(map(len, rows))


def peak() -> int | None:
    """The most bytes that this process has had in memory; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(table(measure(quick=False)))
