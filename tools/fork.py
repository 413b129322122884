"""Make this repository yours: make fork URL=https://github.com/you/your-course

Wherever the repository's address stands, the new one is written: settings, badges, commands to copy, the
citation. `_config.yml` is the one place where it is looked up; a test fails if another file differs.

It stays here, alone and with no import from the repository: people's own scripts call tools/fork.py by
this path, and import it with its folder on the path. What else makes the book is in authoring/.
"""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
# The notebooks' setup cell. Where it has another address than `_config.yml`, somebody wrote only the one.
INSTALLED = re.compile(r"install -q git\+https://github\.com/([\w.-]+/[\w.-]*\w)")
CREDIT = "LICENSE-TEXT"  # whose course it was: that stays


def main(url: str, root: Path = ROOT) -> list[str]:
    """Write the new address into every file that git knows; gives the names of those that changed.

    Raises:
        ValueError: the address is not that of a repository on GitHub, or the folder is no clone.
    """
    if not ADDRESS.fullmatch(url):
        raise ValueError(f"URL={url!r} is no address such as https://github.com/you/your-course")
    new = "/".join(ADDRESS.fullmatch(url).groups())
    texts = known_texts(root)
    old = {repository(root)}.union(*(INSTALLED.findall(text) for text in texts.values()))
    changed = []
    for path, text in texts.items():
        moved = text
        for name in old - {new}:
            moved = readdressed(moved, name, new)
        if moved != text:
            path.write_text(moved, "utf-8", newline="\n")
            changed.append(path.relative_to(root).as_posix())
    return changed


def readdressed(text: str, old: str, new: str) -> str:
    """The text with OWNER/NAME exchanged, the book's address, and NAME where it is the folder of a clone."""
    text = text.replace(online(old), online(new))
    folder = rf"(?m)^([$>] cd ){re.escape(old.partition('/')[2])}$"
    text = re.sub(folder, lambda found: found[1] + new.partition("/")[2], text)
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", lambda _: new, text)


def online(named: str) -> str:
    """Where GitHub Pages publishes the book of OWNER/NAME."""
    owner, name = named.split("/")
    owner = owner.lower()
    folder = "" if name.lower() == f"{owner}.github.io" else f"{name}/"
    return f"https://{owner}.github.io/{folder}"


def repository(root: Path = ROOT) -> str:
    """OWNER/NAME, as `_config.yml` has it."""
    url = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]["url"]
    return "/".join(ADDRESS.fullmatch(url).groups())


def known_files(root: Path) -> list[Path]:
    """The files of the repository, without those that are built or installed."""
    command = ["git", "ls-files", "-z"]  # names as they are: bytes, whatever the code page
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    names = os.fsdecode(listed).split("\0")
    return [root / name for name in names if name and (root / name).is_file()]


def known_texts(root: Path) -> dict[Path, str]:
    """Those that may name an address. Raises ``ValueError`` if git knows none."""
    texts = {}
    for path in known_files(root) if (root / ".git").exists() else ():
        if path.name != CREDIT:
            with contextlib.suppress(UnicodeDecodeError):  # a picture, a table of numbers
                texts[path] = path.read_text("utf-8")
    if not texts:
        raise ValueError(
            f"{root} is no clone: get your fork with git clone, and call make fork there"
        )
    return texts


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit(__doc__)
    for stream in (sys.stdout, sys.stderr):  # a code page may lack a file's name
        stream.reconfigure(errors="replace")
    try:
        changed = main(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    print("\n".join(changed) or "Nothing had to change.")
