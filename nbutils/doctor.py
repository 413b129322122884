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
from nbutils.words import sentence

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
            advice = (
                "" if shadows else sentence(_REINSTALL)
            )  # what is in the way may be all that is wrong
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
        raise RuntimeError(
            sentence("{names}, then restart the kernel.", names="; ".join(map(str, packages)))
        )
    try:
        bad = [one for one in _packages(imported=False) if one.sign == BAD]
    except ImportError as error:  # also where nbutils itself was never installed, only copied
        raise RuntimeError(
            sentence(
                "nbutils is installed only in part ({error}). {reinstall}",
                error=error,
                reinstall=sentence(_REINSTALL),
            )
        ) from error
    if bad:
        found = "; ".join(f"{one.what}: {one.found}" for one in bad)
        missing = " ".join(one.advice.removeprefix("pip install ") for one in bad)
        raise RuntimeError(
            sentence(
                "{found}. Run %pip install {missing} in a cell, then restart the kernel.",
                found=found,
                missing=missing,
            )
        )

    from nbutils import device  # so that a file of the learner's which is in PyTorch's way is named

    chip = device.pick()
    if chip.device.type == "cuda":
        print(f"{chip}. {_trains(chip)}")
    elif "google.colab" in sys.modules:
        print(sentence("No GPU (Runtime, Change runtime type, chooses one): {chip}", chip=chip))
    else:
        print(chip)


def _trains(chip) -> str:
    """What a GPU can train, or why it can't just now: a notebook must begin on a full one, too."""
    from nbutils.device import empty_cache, memory, out_of_memory
    from nbutils.planning import largest

    try:
        return sentence("It can train {largest}", largest=largest(chip))
    except Exception as error:
        empty_cache(chip)
        if isinstance(error, ValueError):  # not even the smallest network finds room
            size = f"{memory(chip) / 1e9:.0f}"
            return sentence(
                "Its memory is full ({size} GB): end the program that holds it (nvidia-smi lists them; on "
                "Colab: Runtime, Manage sessions), or set NBUTILS_DEVICE=cpu before you start",
                size=size,
            )
        if out_of_memory(error):
            return sentence(
                "Its memory is full: end the program that holds it (nvidia-smi lists them; on Colab: "
                "Runtime, Manage sessions), or set NBUTILS_DEVICE=cpu before you start"
            )
        raise


def report(findings: list[Finding]) -> str:
    """A text that goes well into an issue: the home folder, which names the user, is "~"."""
    bad = sum(one.sign == BAD for one in findings)
    last = sentence("{bad} to mend" if bad else "All is well", bad=bad)
    text = "\n".join([*map(str, findings), last])
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
        ""
        if good
        else sentence(
            "The course is tested with Python {least} to {most}: install one of them.",
            least=least,
            most=most,
        )
    )
    found = sentence("{version} on {system}", version=here, system=system)
    yield Finding("Python", found, advice, GOOD if good else BAD)


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
        return Finding(name, sentence("is missing"), install, BAD)
    if not allowed.contains(version, prereleases=True):
        return Finding(
            name,
            sentence("{version}, and the course needs {allowed}", version=version, allowed=allowed),
            install,
            BAD,
        )
    module = {"scikit-learn": "sklearn", "ipython": "IPython"}.get(name, name)
    try:
        if imported:
            importlib.import_module(module)
    except Exception as error:
        broken = sentence(
            "{version}, but it can't be imported ({kind}: {error})",
            version=version,
            kind=type(error).__name__,
            error=error,
        )
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
        advice = sentence(
            "There is an NVIDIA GPU, but this PyTorch has no CUDA: see pytorch.org/get-started"
        )
        sign = OPTIONAL
    found = sentence("{chip}, {cores} cores", chip=chip, cores=os.cpu_count())
    yield Finding(sentence("Chip"), found, advice, sign)


def _compiler() -> Iterator[Finding]:
    from nbutils.device import cpp_compiler, pick, unfit_for_compiler

    if found := cpp_compiler():
        unfit = unfit_for_compiler() if pick().device.type == "cpu" else ""
        advice = (
            sentence("Only --compile needs it, and for that: {unfit}.", unfit=unfit)
            if unfit
            else ""
        )
        name = Path(found).name
        yield Finding(sentence("C++ compiler"), name, advice, OPTIONAL if unfit else GOOD)
    elif pick().device.type == "cpu":
        advice = sentence(
            "Only --compile needs it, and chapter 6 leaves a row out: apt-get install g++"
        )
        yield Finding(sentence("C++ compiler"), sentence("is not found"), advice, OPTIONAL)


def _table() -> Iterator[Finding]:
    from nbutils.tokens import get_encoding

    count = get_encoding("cl100k_base").n_vocab
    yield Finding(
        sentence("Tokenizer"),
        sentence("cl100k_base with {count} tokens, without a network", count=f"{count:,}"),
    )


_SET_CACHE = "Please set NBUTILS_CACHE to a folder that can be written."


def _disk() -> Iterator[Finding]:
    from nbutils.files import cache_folder

    try:
        folder = cache_folder()
    except RuntimeError:  # no home: what would be kept is made anew each time
        yield Finding(
            sentence("Kept files"), sentence("have no place"), sentence(_SET_CACHE), OPTIONAL
        )
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            sentence("Kept files"),
            sentence("can't be written ({strerror})", strerror=error.strerror),
            sentence(_SET_CACHE),
            BAD,
        )
        return
    free = shutil.disk_usage(folder).free
    few = free < FREE
    advice = sentence(
        "The course may need {size} GiB: make room, or set NBUTILS_CACHE to a folder that can be written.",
        size=f"{FREE / 2**30:.0f}",
    )
    yield Finding(
        sentence("Disk"),
        sentence("{free} GiB are free", free=f"{free / 2**30:.1f}"),
        advice if few else "",
        BAD if few else GOOD,
    )


def _memory() -> Iterator[Finding]:
    from nbutils.device import memory, pick

    if size := memory(pick("cpu")):
        size /= 2**30
        advice = sentence("Notebooks of chapters 3 to 7 may need 3 GiB: close other programs.")
        few = size <= 3
        yield Finding(
            sentence("Memory"),
            f"{size:.1f} GiB",
            advice if few else "",
            OPTIONAL if few else GOOD,
        )


def _browser() -> Iterator[Finding]:
    if chosen := find_chromium(_downloaded_browser()):
        yield Finding("Chromium", Path(chosen).name)
    else:
        advice = sentence(
            "`make test`, `make pdf` and `make measure` need it: apt-get install chromium, or set CHROMIUM "
            "to one."
        )
        yield Finding("Chromium", sentence("is not found"), advice, OPTIONAL)


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
