"""What each file of tests took beside its budget, printed at the end of a run.

A budget is in seconds of one worker, which has one core. A file that takes more than 1.5 times as
long is told of, and nothing fails for it: a machine may be slow. ``budgets.json`` has the budgets.
"""

import json
from collections import Counter
from pathlib import Path

BUDGETS: dict[str, float] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
TESTED = Path(__file__).parents[1] / "_build" / "tested.json"
MUCH = 1.5
LEAST = 2.0  # seconds below which nobody needs to know


class Spent:
    """Adds up how long each file's tests took, on all workers."""

    def __init__(self):
        self.seconds = Counter()

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter, config):
        if config.getoption("--part") or not self.seconds:
            return
        if len(self.seconds) > len(BUDGETS) / 2:  # a whole run, which `make measure` shows
            keep(self.seconds)
        terminalreporter.section("seconds of one core, beside the budget")
        for line in lines(self.seconds):
            terminalreporter.write_line(line)


def keep(seconds: dict[str, float]) -> None:
    """Leave what a whole run took for the page "How it is tested"."""
    TESTED.parent.mkdir(exist_ok=True)
    rows = [
        {"file": Path(name).name, "seconds": took, "budget": BUDGETS.get(Path(name).name, 0)}
        for name, took in sorted(seconds.items(), key=lambda pair: -pair[1])
    ]
    TESTED.write_text(json.dumps(rows, indent=1), "utf-8")


def lines(seconds: dict[str, float]) -> list[str]:
    """A line for each file, the slowest first, and one for all."""
    told, known = [], 0.0
    for name, took in sorted(seconds.items(), key=lambda pair: -pair[1]):
        budget = BUDGETS.get(Path(name).name)
        known += budget or 0
        if took >= LEAST or (budget and took > MUCH * budget):
            warning = "  OVER 1.5 TIMES" if budget and took > MUCH * budget else ""
            told.append(f"{took:8.1f} of {budget or 'none':>5}  {name}{warning}")
    return [*told, f"{sum(seconds.values()):8.1f} of {known:>5.0f}  in all"]


def pytest_configure(config):
    if not hasattr(
        config, "workerinput"
    ):  # with several workers: where their reports come together
        config.pluginmanager.register(Spent(), "spent")
