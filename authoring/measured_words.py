"""What the tables of measurements say in their rows, and the same in another language.

Rows are stored in English: those of `book/measured.json`, which `make measure` writes, and those of `nbutils.chips`,
which `make gpu` and the form of chapter 6 bring. They are said part by part, as `authoring.extensions.measured` takes
them apart, with a place-holder for a number or a name with a digit in it: ``{0} tokens/s``, ``median {0} s``. Of the
other names a translator says that they stay: there, what is said instead is the same.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from authoring.catalogues import Unit
from authoring.extensions.figures import pattern
from authoring.extensions.measured import DATUM, MEASURED, TABLES, Say, by_chip, parts
from authoring.site import ROOT
from nbutils import chips

TABLE = re.compile(r"^```\{(measured|chips)\} (\w+)$", re.M)
SAYS = re.compile(r"[A-Za-z]")
HOLDER = re.compile(r"\{\d+\}")
# What rows say of a chip that somebody measures next: who sends them need not write another language.
OF_CHIPS = (
    "the best of many",
    "batch of {0} x {1}",
    "not compiled",
    "its version {0}",
    "its model.py {0}",
    "{0} once",
    "then again {0}",
    "of {0} TFLOP/s in {1}",
    "{0} new tokens each",
    "largest difference of {0} losses on the same batches",
    "{0} layers of {1}",
    "{0} windows of {1} tokens",
    "above the floor",
    "{0} updates in {1} s",
    "{0} skipped",
    "{0} s: pytest --part gpu tests/test_gpu.py",
    "from top to bottom",
    "{0} TFLOP/s",
    "{0} tokens/s",
    "{0} %",
    "{0} nats",
    "{0} passed",
    "{0} s",
    "failed",
)
# What the course says around names: of a processor, and of the command of a run that came by the form.
AROUND = ("{0} cores", "chapter {0}")


def said_by(table: Callable[[Say], object]) -> list[str]:
    """The patterns of what a table says in its rows, each once."""
    heard = []

    def hear(text: str) -> str:
        heard.append(text)
        return text

    table(hear)
    return patterns(heard)


def patterns(texts: list[str]) -> list[str]:
    """The patterns of the parts of texts that say something, each once."""
    made = dict.fromkeys(pattern(part, DATUM) for text in texts for part in parts(text))
    return [one for one in made if SAYS.search(HOLDER.sub("", one))]


def shown(kind: str, name: str) -> list[str]:
    """What the table of a directive says: ``measured`` or ``chips``, and its argument."""
    if kind == "measured":
        rows = json.loads((ROOT / MEASURED).read_text("utf-8"))[name]["rows"]
        return said_by(lambda hear: TABLES[name](rows, hear))
    return of_runs(chips.WANTED.get(name, ()), chips.all_runs())


def of_runs(wanted: tuple[str, ...], runs: list[chips.ChipRun]) -> list[str]:
    """What the table of these rows says, with what the runs gave."""
    return said_by(lambda hear: by_chip(wanted, runs, hear))


def everything() -> Iterator[tuple[str, str]]:
    """What is said, and in which table."""
    for kind, names in (("measured", TABLES), ("chips", chips.WANTED)):
        for name in names:
            yield from ((f"{kind}/{name}", one) for one in shown(kind, name))
    yield from (("chips", one) for one in OF_CHIPS)
    yield from (("names", one) for one in AROUND)


def units() -> list[Unit]:
    """What all tables say in their rows; each pattern once, where it stands first."""
    found = {}
    for where, one in everything():
        found.setdefault(one, Unit(where, one))
    return [*found.values()]


def lacking(page: Path, words: Mapping[str, str]) -> list[str]:
    """What the tables on a page say in their rows and a table of words lacks."""
    asked = TABLE.findall(page.read_text("utf-8")) if page.suffix == ".md" else ()
    said = dict.fromkeys(one for kind, name in asked for one in shown(kind, name))
    return [one for one in said if one not in words]
