"""Build the book in another language: python -m authoring.edition ko

It stands in `_build/html/ko`, beside the English book, page for page and section for section. Nothing is run: the
translated pages have the outputs of the one run. First a copy of the course is laid out in `_build/editions/ko`, in
which the pages are translated and all else is linked; then that is built. A page that is not finished (named in
``translations/ko/finished.txt``) is English there, and says so.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from babel.messages.mofile import write_mo

from authoring import catalogues, figure_labels, measured_words, translations
from authoring.catalogues import Unit
from authoring.extensions import figures, theme_words
from authoring.translated_pages import Say

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
# What an edition has of its own, or has no use for.
OWN = {"notebooks", "book", "_config.yml", "_toc.yml", "_build", "node_modules"}
BOOK = "from jupyter_book.cli.main import main; main()"


def lay_out(language: str, folder: Path) -> None:
    """The course in that language, as a tree that can be built."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name not in OWN and (path.name == ".git" or not path.name.startswith(".")):
            (folder / path.name).symlink_to(path)
    (folder / "book").mkdir()
    for path in (ROOT / "book").iterdir():
        if path.suffix != ".md":
            (folder / "book" / path.name).symlink_to(path)
    done = translations.finished(language)
    if "book/lecture" in done:
        (folder / "book" / "lecture.json").unlink()
        (folder / "book" / "lecture.json").write_text(claims(language), "utf-8")
    for page in translations.pages():
        file = translations.source(page)
        made = folder / file.relative_to(ROOT)
        made.parent.mkdir(parents=True, exist_ok=True)
        if page in done:
            have_words(language, page)
            made.write_text(translations.translated(language, page), "utf-8")
        else:
            shutil.copy(file, made)
    say = translations.speaker(language, translations.FRAME)
    (folder / "_config.yml").write_text(config(language), "utf-8")
    (folder / "_toc.yml").write_text(contents(say), "utf-8")


# What pages show that is stored in English: the name of its table and catalogue -> what a page's lacks.
STORED = {"figures": figure_labels.lacking, "measured": measured_words.lacking}


def have_words(language: str, page: str) -> None:
    """Raises `Untranslated` where a figure has a label, or a table of measurements a row, without words."""
    for name, lacks in STORED.items():
        if lacking := lacks(translations.source(page), figures.table(language, name)):
            raise translations.Untranslated(
                f"{page} is finished in {language!r}, and the catalogue {name!r} has no words for {lacking}: "
                f"python -m authoring.translations update {name}, write them, and compile"
            )


def claims(language: str) -> str:
    """The table of the lecture in that language."""
    say, table = translations.speaker(language, translations.LECTURE), translations.lecture()
    for where, key, unit in translations.claims(table):
        where[key] = say(unit)
    return json.dumps(table, ensure_ascii=False)


def config(language: str) -> str:
    """The book's settings in that language, for its edition."""
    made = translations.settings(language)
    options = made["sphinx"]["config"]
    options["language"] = language
    options["locale_dirs"] = [str(theme(language))]
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False)


def contents(say: Say) -> str:
    made = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    for part in made["parts"]:
        part["caption"] = say(Unit("", part["caption"]))
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False)


def theme(language: str) -> Path:
    """A folder of catalogues with the theme's own words, as gettext wants it.

    One is Sphinx's, which compiles it, one the theme's.
    """
    folder = ROOT / "_build" / "editions" / f"{language}-theme"
    words = catalogues.path(language, "theme")
    made = folder / language / "LC_MESSAGES"
    made.mkdir(parents=True, exist_ok=True)
    shutil.copy(words, made / "sphinx.po")
    with (made / f"{theme_words.CATALOGUE}.mo").open("wb") as file:
        write_mo(file, catalogues.load(words))
    return folder


def build(language: str) -> None:
    """Build the edition and put it beside the English book."""
    folder, out = (ROOT / "_build" / "editions" / name for name in (language, f"{language}-built"))
    lay_out(language, folder)
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", BOOK, "build", str(folder), "--path-output", str(out)]
    command += ["--all", "-W", "-n", "--keep-going", "--quiet"]
    environment = os.environ | {"NBUTILS_LANG": language, "PYTHONPATH": str(folder)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    target = HTML / language
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(out / "_build" / "html", target)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in translations.LANGUAGES:
        sys.exit(__doc__)
    build(sys.argv[1])
