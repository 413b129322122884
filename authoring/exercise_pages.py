"""The pages of exercises in another language.

Statements and starters are made of the exercises in that language, as `exercises.notebook` makes the English ones; a
page's catalogue has the rest of its text. What a cell showed of the reader's own work is looked up again, with nothing
done; nothing else is run.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from authoring import exercises, translated_pages
from authoring.catalogues import Unit
from nbutils.exercises import student
from nbutils.exercises.exercise import CHAPTERS, compile_function, exercise, names
from nbutils.exercises.your_gpt import your_functions

FOLDER = "notebooks/exercises/"
PAGES = {
    f"{FOLDER}{exercises.file_name(chapter).removesuffix('.ipynb')}": chapter
    for chapter in CHAPTERS
}
CHECK = re.compile(r'check\("(\w+)", \w+\)')


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """That variable of the environment has that value, until the end; then what it had before."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def speaking(language: str) -> contextlib.AbstractContextManager:
    return environment("NBUTILS_LANG", language)


@contextlib.contextmanager
def nothing_done() -> Iterator[None]:
    """The file of progress is one that is not there."""
    with tempfile.TemporaryDirectory() as folder:
        with environment("NBUTILS_PROGRESS", str(Path(folder, "none.json"))):
            yield


def made(page: str, language: str) -> dict[str, str]:
    """The cells that are made of the exercises, in that language, by their ids; none on another page."""
    with speaking(language):
        return {
            cell.id: cell.source
            for name, of in names().items()
            if of == PAGES.get(page)
            for cell in exercises.asked_in(exercise(name))
        }


def own_units(page: str, notebook: dict) -> Iterator[Unit]:
    """What the page says beside its exercises."""
    of_exercises = made(page, "en")
    rest = [cell for cell in notebook["cells"] if cell["id"] not in of_exercises]
    yield from translated_pages.units_of_notebook({"cells": rest})


def notebook_in(page: str, notebook: dict, language: str, say: translated_pages.Say) -> dict:
    """The notebook in that language. say: the words of `own_units`."""
    of_exercises = made(page, language)
    rest = [cell for cell in notebook["cells"] if cell["id"] not in of_exercises]
    told = {
        cell["id"]: cell for cell in translated_pages.notebook_in({"cells": rest}, say)["cells"]
    }
    cells = [
        told.get(cell["id"]) or cell | {"source": translated_pages.lines(of_exercises[cell["id"]])}
        for cell in notebook["cells"]
    ]
    with speaking(language), nothing_done():
        return notebook | {"cells": [*map(shown_again, cells)]}


def shown_again(cell: dict) -> dict:
    """The cell with what it shows of the reader's own work as the language spoken has it."""
    value = own_work("".join(cell["source"]).rpartition("\n")[2])
    if cell["cell_type"] != "code" or value is None:
        return cell
    return cell | {"outputs": [again(output, value) for output in cell["outputs"]]}


def own_work(last: str):
    """What a cell with this last line shows of the reader's own work: an exercise as nobody has begun it, say."""
    if last == "progress()":
        return student.progress()
    if last == "your":
        return your_functions("cpu")
    if checked := CHECK.fullmatch(last):
        one = exercise(checked[1])
        return student.check(
            one.name, compile_function(one.starter(), one.name, dict(one.namespace))
        )
    return None


def again(output: dict, value) -> dict:
    """The output of a value, in the forms that it was stored in."""
    forms = {
        "text/plain": lambda: repr(value),
        "text/html": lambda: value._repr_html_(),
    }
    data = {kind: translated_pages.lines(forms[kind]()) for kind in output["data"]}
    return output | {"data": data}
