"""Make this repository yours: make fork URL=https://github.com/you/your-course

Wherever the repository's address stands, the new one is written: settings, badges, commands to copy, the
citation. `_config.yml` is the one place where it is looked up; a test fails if another file differs.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


def main(url: str, root: Path = ROOT) -> list[str]:
    """Write the new address into every file that git knows; gives the names of those that changed.

    Raises:
        ValueError: the address is not that of a repository on GitHub.
    """
    if not ADDRESS.fullmatch(url):
        raise ValueError(f"URL={url!r} is no address such as https://github.com/you/your-course")
    old, new = repository(root), "/".join(ADDRESS.fullmatch(url).groups())
    changed = []
    for path in known_files(root):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:  # a picture, a table of numbers
            continue
        moved = readdressed(text, old, new)
        if moved != text:
            path.write_text(moved, "utf-8", newline="\n")
            changed.append(path.relative_to(root).as_posix())
    return changed


def readdressed(text: str, old: str, new: str) -> str:
    """The text with OWNER/NAME exchanged, and NAME too where it is the folder of a clone."""
    folder = rf"(?m)^([$>] cd ){re.escape(old.partition('/')[2])}$"
    text = re.sub(folder, lambda found: found[1] + new.partition("/")[2], text)
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", lambda _: new, text)


def repository(root: Path = ROOT) -> str:
    """OWNER/NAME, as `_config.yml` has it."""
    url = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]["url"]
    return "/".join(ADDRESS.fullmatch(url).groups())


def known_files(root: Path) -> list[Path]:
    """The files of the repository, without those that are built or installed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit(__doc__)
    try:
        changed = main(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    print("\n".join(changed) or "Nothing had to change.")
