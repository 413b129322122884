"""What this machine has and lacks for the course: ``python -m nbutils doctor``.

Each examination stands alone, so that one that fails hides no other; and nothing beyond the standard
library is needed before it is known to be there.
"""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbutils.shadowing import find

PYTHONS = ((3, 11), (3, 13))  # the first and the last that the course is tested with
FREE = 2 * 2**30  # bytes that the course's model, caches and the built book may take
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GOOD, BAD, OPTIONAL = "✓", "✗", "○"


@dataclass(frozen=True)
class Finding:
    """What was found; for what is not as it should be, what to do. sign: of `GOOD` and so on."""

    what: str
    found: str
    advice: str = ""
    sign: str = GOOD

    def __str__(self) -> str:
        line = f"{self.sign} {self.what}: {self.found}"
        return f"{line}\n    {self.advice}" if self.advice else line


def examine(shadows=None) -> list[Finding]:
    """All findings. None of them raises: what can't be examined is a finding, too.

    ``shadows``: a list as `shadowing.find` gives it; None: it is asked.
    """
    shadows = find() if shadows is None else shadows
    found = [Finding(one.name, one.says, sign=BAD) for one in shadows]
    hidden = {one.name for one in shadows}
    for one in (_python, _packages, _chip, _compiler, _table, _disk, _memory, _browser):
        try:
            found += [each for each in one() if each.what not in hidden]
        except Exception as error:  # whatever is broken here is what the doctor is asked about
            name = one.__name__.strip("_")
            advice = "" if shadows else _REINSTALL  # what is in the way may be all that is wrong
            found.append(Finding(name, f"{type(error).__name__}: {error}", advice, BAD))
    return found


def ready() -> None:
    """What each notebook begins with: print in one line which chip computes.

    On a GPU, also the largest network that it can train (`planning.largest`).

    Raises ``RuntimeError`` with what to do if Python is too old, a package is missing or too old, or a
    file of the learner's stands in its place.
    """
    if sys.version_info[:2] < PYTHONS[0]:
        raise RuntimeError(*(one.advice for one in _python()))
    if packages := [one for one in find() if not one.own]:  # any notebook may need them
        raise RuntimeError(f"{'; '.join(map(str, packages))}, then restart the kernel.")
    try:
        bad = [one for one in _packages(imported=False) if one.sign == BAD]
    except ImportError as error:  # also where nbutils itself was never installed, only copied
        raise RuntimeError(f"nbutils is installed only in part ({error}). {_REINSTALL}") from error
    if bad:
        found = "; ".join(f"{one.what}: {one.found}" for one in bad)
        missing = " ".join(one.advice.removeprefix("pip install ") for one in bad)
        raise RuntimeError(
            f"{found}. Run %pip install {missing} in a cell, then restart the kernel."
        )

    from nbutils import device  # so that a file of the learner's which is in PyTorch's way is named

    chip = device.pick()
    if chip.device.type == "cuda":
        print(f"{chip}. {_trains(chip)}")
    elif "google.colab" in sys.modules:
        print(f"No GPU (Runtime, Change runtime type, chooses one): {chip}")
    else:
        print(chip)


def _trains(chip) -> str:
    """What a GPU can train, or why it can't just now: a notebook must begin on a full one, too."""
    from nbutils.device import empty_cache, memory, out_of_memory
    from nbutils.planning import largest

    try:
        return f"It can train {largest(chip)}"
    except Exception as error:
        empty_cache(chip)
        if isinstance(error, ValueError):  # not even the smallest network finds room
            return f"Its memory is full ({memory(chip) / 1e9:.0f} GB): {_MAKE_ROOM}"
        if out_of_memory(error):
            return f"Its memory is full: {_MAKE_ROOM}"
        raise


_MAKE_ROOM = (
    "end the program that holds it (nvidia-smi lists them; on Colab: Runtime, Manage sessions), or set "
    "NBUTILS_DEVICE=cpu before you start"
)


def report(findings: list[Finding]) -> str:
    """A text that goes well into an issue: the home folder, which names the user, is "~"."""
    bad = sum(one.sign == BAD for one in findings)
    text = "\n".join([*map(str, findings), f"{bad} to mend" if bad else "All is well"])
    home = os.path.expanduser("~")
    if len(Path(home).parts) == 1:  # "/", as in a container: it names nobody
        return text
    return text.replace(home, "~").replace(
        home.replace("\\", "\\" * 2), "~"
    )  # as Windows quotes it, too


_REINSTALL = "Install it anew, from the repository's folder: pip install -e ."


def _python() -> Iterator[Finding]:
    here, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    least, most = (".".join(map(str, version)) for version in PYTHONS)
    good = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    advice = (
        "" if good else f"The course is tested with Python {least} to {most}: install one of them."
    )
    yield Finding("Python", f"{here} on {system}", advice, GOOD if good else BAD)


def _packages(imported: bool = True) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires("nbutils") or []:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        yield _package(wanted.name, wanted.specifier, imported)


def _package(name: str, allowed, imported: bool = True) -> Finding:
    install = f'pip install "{name}{allowed}"'
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "is missing", install, BAD)
    if not allowed.contains(version, prereleases=True):
        return Finding(name, f"{version}, and the course needs {allowed}", install, BAD)
    module = {"scikit-learn": "sklearn", "ipython": "IPython"}.get(name, name)
    try:
        if imported:
            importlib.import_module(module)
    except Exception as error:
        broken = f"{version}, but it can't be imported ({type(error).__name__}: {error})"
        public = version.partition("+")[0]  # 2.13.0+cpu is PyTorch's own name for a build of 2.13.0
        return Finding(
            name, broken, f"pip install --force-reinstall --no-deps {name}=={public}", BAD
        )
    return Finding(name, version)


def _chip() -> Iterator[Finding]:
    import torch

    from nbutils.device import pick

    chip = pick()
    advice, sign = "", GOOD
    if chip.device.type == "cpu" and shutil.which("nvidia-smi") and torch.version.cuda is None:
        advice = "There is an NVIDIA GPU, but this PyTorch has no CUDA: see pytorch.org/get-started"
        sign = OPTIONAL
    yield Finding("Chip", f"{chip}, {os.cpu_count()} cores", advice, sign)


def _compiler() -> Iterator[Finding]:
    from nbutils.device import cpp_compiler, pick, unfit_for_compiler

    if found := cpp_compiler():
        unfit = unfit_for_compiler() if pick().device.type == "cpu" else ""
        advice = f"Only --compile needs it, and for that: {unfit}." if unfit else ""
        yield Finding("C++ compiler", Path(found).name, advice, OPTIONAL if unfit else GOOD)
    elif pick().device.type == "cpu":
        advice = "Only --compile needs it, and chapter 6 leaves a row out: apt-get install g++"
        yield Finding("C++ compiler", "is not found", advice, OPTIONAL)


def _table() -> Iterator[Finding]:
    from nbutils.tokens import get_encoding

    count = get_encoding("cl100k_base").n_vocab
    yield Finding("Tokenizer", f"cl100k_base with {count:,} tokens, without a network")


def _disk() -> Iterator[Finding]:
    from nbutils.files import SET_CACHE, cache_folder

    try:
        folder = cache_folder()
    except RuntimeError:  # no home: what would be kept is made anew each time
        yield Finding("Kept files", "have no place", f"Please {SET_CACHE}.", OPTIONAL)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            "Kept files", f"can't be written ({error.strerror})", f"Please {SET_CACHE}.", BAD
        )
        return
    free = shutil.disk_usage(folder).free
    few = free < FREE
    advice = (
        f"The course may need {FREE / 2**30:.0f} GiB: make room, or {SET_CACHE}." if few else ""
    )
    yield Finding("Disk", f"{free / 2**30:.1f} GiB are free", advice, BAD if few else GOOD)


def _memory() -> Iterator[Finding]:
    from nbutils.device import memory, pick

    if size := memory(pick("cpu")):
        size /= 2**30
        advice = (
            "" if size > 3 else "Notebooks of chapters 3 to 7 may need 3 GiB: close other programs."
        )
        yield Finding("Memory", f"{size:.1f} GiB", advice, OPTIONAL if advice else GOOD)


def _browser() -> Iterator[Finding]:
    if chosen := find_chromium(_downloaded_browser()):
        yield Finding("Chromium", Path(chosen).name)
    else:
        advice = "`make test`, `make pdf` and `make measure` need it: apt-get install chromium, or set CHROMIUM to one."
        yield Finding("Chromium", "is not found", advice, OPTIONAL)


def find_chromium(own: str = "") -> str:
    """CHROMIUM from the environment, else one on PATH, else ``own``; "" if there is none."""
    chosen = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), own)
    chosen = os.path.expanduser(chosen)
    return chosen if Path(chosen).is_file() else ""


def _downloaded_browser() -> str:
    """The browser that ``playwright install chromium`` brought; "" if there is none."""
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            return playwright.chromium.executable_path
    except Exception:  # not installed, or in an event loop: then there is only what PATH has
        return ""
