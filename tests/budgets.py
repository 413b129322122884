"""What each file of tests took beside its budget, printed at the end of a run.

A budget is in seconds of one worker, which has one core. A file that takes more than 1.5 times as
long is told of, and nothing fails for it: a machine may be slow. ``budgets.json`` has the budgets,
by the file's path; those with the largest begin first, so that no core waits for a long one at the
end.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

BUDGETS: dict[str, float] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
CHECKED = set(Path(__file__).with_name("check.txt").read_text("utf-8").split())
TESTED = Path(__file__).parents[1] / "_build" / "tested.json"
MUCH = 1.5
LEAST = 2.0  # seconds below which nobody needs to know


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Spent:
    """Adds up how long each file's tests took, on all workers."""

    def __init__(self):
        self.seconds = Counter()

    def pytest_runtest_logreport(self, report):
        self.seconds[file_of(report.nodeid)] += report.duration

    def pytest_terminal_summary(self, terminalreporter, exitstatus, config):
        if config.getoption("--part") or not self.seconds:
            return
        if exitstatus == 0 and BUDGETS.keys() - CHECKED <= self.seconds.keys():
            keep(self.seconds)  # a whole run, which `make measure` shows
        terminalreporter.section("seconds of one core, beside the budget")
        for line in lines(self.seconds):
            terminalreporter.write_line(line)


def keep(seconds: dict[str, float]) -> None:
    """Leave what a whole run took for the page "How it is tested"."""
    TESTED.parent.mkdir(exist_ok=True)
    rows = [
        {"file": name, "seconds": took, "budget": BUDGETS.get(name, 0)}
        for name, took in sorted(seconds.items(), key=lambda pair: -pair[1])
    ]
    TESTED.write_text(json.dumps(rows, indent=1), "utf-8")


def lines(seconds: dict[str, float]) -> list[str]:
    """A line for each file, the slowest first, and one for all."""
    told = []
    for name, took in sorted(seconds.items(), key=lambda pair: -pair[1]):
        budget = BUDGETS.get(name)
        over = budget is not None and took > MUCH * budget
        if took >= LEAST or over:
            warning = f"  OVER {MUCH} TIMES ITS BUDGET" if over else ""
            told.append(
                f"{took:8.1f} of {'none' if budget is None else budget:>5}  {name}{warning}"
            )
    budget = sum(BUDGETS.get(name, 0) for name in seconds)
    return [*told, f"{sum(seconds.values()):8.1f} of {budget:>5.0f}  in all"]


def pytest_configure(config):
    if not hasattr(
        config, "workerinput"
    ):  # with several workers: where their reports come together
        config.pluginmanager.register(Spent(), "spent")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: -BUDGETS.get(file_of(item.nodeid), 0))
