"""Make a copy of the built book that opens by double click: python -m authoring.offline

It stands in `_build/offline`, and packed in `_build/next-token.zip`. From a disk a browser runs a page's
scripts, but refuses it to fetch a file. So each file that a picture fetches becomes a script, which
book/assets/pictures.js asks for in its place, and search shows titles without the text around the words.
"""

import base64
import shutil
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "_build" / "html"
OFFLINE = ROOT / "_build" / "offline"
PACKED = ROOT / "_build" / "next-token.zip"
LEFT_OUT = (  # for programs and servers, not for readers
    *(".buildinfo", "objects.inv", "*webpack-macros.html"),
    *("404.html", "sitemap.xml", "share"),
)
SUMMARY = "SHOW_SEARCH_SUMMARY: true"


def main(built: Path = BUILT, offline: Path = OFFLINE, packed: Path = PACKED) -> None:
    """Write the folder anew from the built book, and pack it."""
    shutil.rmtree(offline, ignore_errors=True)
    shutil.copytree(built, offline, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path in offline.rglob("_static/pictures/*.bin"):
        path.with_suffix(".js").write_text(as_script(path.read_bytes()), "utf-8")
        path.unlink()
    for options in offline.rglob("documentation_options.js"):
        without_summaries(options)
    pack(offline, packed)


def as_script(content: bytes) -> str:
    """A script that leaves the bytes, as base64, with its own element."""
    return f'document.currentScript.content = "{base64.b64encode(content).decode()}";\n'


def without_summaries(options: Path) -> None:
    """Let the search page list its findings without fetching the pages. Raises ValueError if it can't."""
    text = options.read_text("utf-8")
    if SUMMARY not in text:
        raise ValueError(f"{options.name} has no {SUMMARY!r}: Sphinx has changed it")
    options.write_text(text.replace(SUMMARY, SUMMARY.replace("true", "false")), "utf-8")


def pack(folder: Path, packed: Path) -> None:
    """A zip file with everything in the folder, under the zip file's own name."""
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path(packed.stem, path.relative_to(folder)))


if __name__ == "__main__":
    if not (BUILT / "index.html").exists():
        sys.exit("_build/html is missing. Build the book first: make book")
    main()
    print(
        f"{OFFLINE}/index.html opens by double click; {PACKED} is the same in one file of "
        f"{PACKED.stat().st_size / 1e6:.0f} MB."
    )
