"""On what was it measured? The cores, the chip, and the fastest matrix product on it."""

import os

from rows import Row, table

from nbutils import device


def measure(quick: bool) -> list[Row]:
    """``quick``: look for the fastest product for a shorter time."""
    chip = device.pick()
    peak = device.measure_peak(chip, 0.3 if quick else 2.0)
    return [
        Row("Chip", str(chip), "", "as `nbutils.device.pick()` says"),
        Row("Processor cores", os.cpu_count() or 1, "", "as the system says"),
        Row("Fastest matrix product", peak / 1e9, "GFLOP/s", "the best of many large ones"),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
