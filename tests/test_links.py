"""Links within the repository lead to files, in Markdown files and in the notebooks' text."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")


def sources() -> list[Path]:
    """Every Markdown file and notebook that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md", "*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def prose(path: Path) -> str:
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return re.sub(r"```.*?```", "", text, flags=re.S)
    cells = nbformat.reads(text, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def dead(text: str, folder: Path) -> list[str]:
    """The links of a text in that folder that lead to no file."""
    found = (
        unquote("".join(groups).partition("#")[0]) for groups in LINK.findall(text) if any(groups)
    )
    local = [target for target in found if target and not re.match(r"[a-z]+:", target)]
    return [target for target in local if not (folder / target).exists()]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files(path):
    if path.name == "CONTRIBUTING.md":  # GitHub's own pages, above the files
        assert set(dead(prose(path), path.parent)) <= {"../../issues"}
    else:
        assert dead(prose(path), path.parent) == []


def test_a_dead_link_is_noticed(tmp_path):
    (tmp_path / "a b.md").touch()
    text = '[a](a%20b.md#there) [b](https://example.org) <img src="none.svg"> [c](gone.md)'
    assert dead(text, tmp_path) == ["none.svg", "gone.md"]
