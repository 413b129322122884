"""Does Colab's image still have the versions that tests/colab.txt records?

``python -m authoring.colab`` fetches the newest lists of Colab's machine with a GPU and prints a line for each
version that has changed. The exit status is 0 if none has, 1 if one has, 2 if a list can't be read.
``python -m authoring.colab own`` prints the requirements of an environment with Colab's own PyTorch.

Source: https://github.com/googlecolab/backend-info, whose lists may be a day or two ahead of the machines.
"""

import argparse
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "tests" / "colab.txt"
NEWEST = "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
PACKAGES, SYSTEM = "pip-freeze.gpu.txt", "os-info-gpu.txt"
TIMEOUT = 60  # seconds
BROUGHT = ("python", "triton")  # no requirements: the environment's own, and what PyTorch brings


def main() -> int:
    """Compare, or print requirements; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=["changed", "own"], default="changed")
    parser.add_argument("--address", default=NEWEST, help="the folder of both lists")
    asked = parser.parse_args()
    if asked.what == "own":
        print("\n".join(own()))
        return 0
    try:
        found = newest(asked.address)
    except (OSError, ValueError) as error:
        print(f"Can't tell what Colab has now: {error}", file=sys.stderr)
        return 2
    told = list(changes(recorded(), found))
    print("\n".join(told) or "Colab's image is as tests/colab.txt records it.")
    if told:
        print("Write these into tests/colab.txt, then run: make all PART=colab")
    return 1 if told else 0


def recorded() -> dict[str, str]:
    """Version of each package that tests/colab.txt names, and of Python ("python").

    Where a line ``# colab: NAME VERSION`` says that Colab's is another than the one installed for the
    tests, it is Colab's.
    """
    text = RECORDED.read_text("utf-8")
    installed = re.findall(r"^([\w.-]+)==(\S+)", text, re.M)
    of_colab = re.findall(r"^# colab: ([\w.-]+) (\S+)", text, re.M)
    return {canonical(name): version for name, version in installed + of_colab}


def own() -> list[str]:
    """Requirements like Colab's, PyTorch included, without what names its build (``+cu128``)."""
    return [
        f"{name}=={version.partition('+')[0]}"
        for name, version in recorded().items()
        if name not in BROUGHT
    ]


def newest(address: str) -> dict[str, str]:
    """Version of each of Colab's packages and of Python, from the lists in the folder at ``address``.

    Raises ``OSError`` where a list can't be fetched, ``ValueError`` where it is no such list.
    """
    packages = versions_of(fetched(address, PACKAGES))
    python = re.search(r"^Python (\d\S+)$", fetched(address, SYSTEM), re.M)
    if "torch" not in packages:
        raise ValueError(f"{address}{PACKAGES} names no version of torch; is it still pip's list?")
    if python is None:
        raise ValueError(f"{address}{SYSTEM} has no line such as 'Python 3.13.15'")
    return packages | {"python": python[1]}


def fetched(address: str, name: str) -> str:
    """The text of one list."""
    url = urllib.parse.urljoin(address, name)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # nosec B310: our own address
            return answer.read().decode("utf-8")
    except OSError as error:
        raise OSError(
            f"{url} can't be fetched ({error}); this needs a network, and the list may have moved"
        ) from error


def versions_of(text: str) -> dict[str, str]:
    """What ``pip freeze`` printed: ``name==version``, or ``name @ address`` of a wheel."""
    pinned = re.findall(r"^([\w.-]+)==(\S+)", text, re.M)
    wheels = re.findall(r"^([\w.-]+) @ \S+/[\w.]+-([^-/\s]+)-\S+\.whl", text, re.M)
    return {canonical(name): urllib.parse.unquote(version) for name, version in pinned + wheels}


def changes(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """A line for each name of ``old`` whose version is another in ``new``."""
    for name, version in old.items():
        if new.get(name) != version:
            yield f"{name}: {version} recorded, {new.get(name, 'none')} on Colab now"


def canonical(name: str) -> str:
    """A package's name as pip compares it: https://peps.python.org/pep-0503/."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
