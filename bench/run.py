"""All benchmarks, as one table: ``python bench/run.py``. Each file here also runs alone."""

import argparse
import json
import sys
from pathlib import Path

from rows import Row, table

from nbutils.files import expanded


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="seconds instead of minutes: fewer repetitions, 5 s of training",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="-",
        help="also write the rows to FILE as JSON; without FILE, to the output instead of a table",
    )
    parser.add_argument(
        "--text", type=expanded, metavar="FILE", help="a UTF-8 text of your own for the BPE"
    )
    options = parser.parse_args(arguments)
    rows = measure(options.quick, options.text)
    written = json.dumps([row._asdict() for row in rows], indent=1)
    if options.json == "-":
        print(written)
        return
    print(table(rows))
    if options.json:
        expanded(options.json).write_text(written + "\n", "utf-8")


def measure(quick: bool, path: Path | None) -> list[Row]:
    # Here, because the processes that packing starts import this file, and need no PyTorch.
    import bpe
    import checkpoints
    import imports
    import machine
    import packing
    import sample
    import training

    subjects = {
        "machine": lambda: machine.measure(quick),
        "imports": lambda: imports.measure(quick),
        "bpe": lambda: bpe.measure(quick, path),
        "packing": lambda: packing.measure(quick),
        "training": lambda: training.measure(quick),
        "checkpoints": lambda: checkpoints.measure(quick),
        "sampling": lambda: sample.measure(quick),
    }
    rows = []
    for name, subject in subjects.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += subject()
    return rows


if __name__ == "__main__":
    main()
