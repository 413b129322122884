"""What a student has done, in a small file: tries, hints, right answers and their code."""

import datetime
import json
import os
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbutils.files import expanded, written_aside
from nbutils.words import sentence

FILE = "next_token_progress.json"
DRIVE = Path("/content/drive/MyDrive")  # Google Drive on Colab, if it is mounted
VERSION = 1


class ProgressWarning(UserWarning):
    """The progress file could not be read or written as it should be."""


@dataclass
class Entry:
    """What is known of one exercise. code: the last right answer, and all that it needs."""

    tries: int = 0
    hints: int = 0
    passed: str = ""  # when, as an ISO date and time
    solution: str = ""  # when it was shown
    code: str = ""
    says: str = ""  # of the last verdict
    unfit: str = ""  # why the right answer can't be used in a network


@dataclass
class Progress:
    """All entries of a file, by exercise."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    def of(self, name: str) -> Entry:
        return self.entries.setdefault(name, Entry())


def progress_file() -> Path:
    """Where the file is: NBUTILS_PROGRESS, else in a mounted Drive, else in the working folder."""
    chosen = os.environ.get("NBUTILS_PROGRESS")
    if chosen:
        return expanded(chosen)
    return (DRIVE if DRIVE.is_dir() else Path.cwd()) / FILE


def load_progress(path: Path | None = None) -> Progress:
    """The progress in a file. One that can't be understood is set aside, with a warning."""
    path = path or progress_file()
    if not path.exists():
        return Progress(path)
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["version"] > VERSION:
            raise ValueError(
                sentence(
                    "it is of version {version}, and this nbutils reads {known}",
                    version=content["version"],
                    known=VERSION,
                )
            )
        return Progress(
            path, {name: Entry(**entry) for name, entry in content["exercises"].items()}
        )
    except OSError as error:
        warnings.warn(
            sentence(
                "{path} can't be read ({error}): what was done before is not known here. Set "
                "NBUTILS_PROGRESS to a file that can be read and written.",
                path=path,
                error=error,
            ),
            ProgressWarning,
            stacklevel=3,
        )
        return Progress(path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = _unused(path)
        path.rename(aside)
        warnings.warn(
            sentence(
                "{path} can't be read ({error}). It is kept as {aside}; a new one is begun.",
                path=path,
                error=error,
                aside=aside.name,
            ),
            ProgressWarning,
            stacklevel=3,
        )
        return Progress(path)


def _unused(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}.json")).exists():
        number += 1
    return aside


def store_progress(progress: Progress) -> None:
    """Store it; a killed kernel or a full disk leaves the old file whole."""
    content = {
        "version": VERSION,
        "exercises": {name: asdict(entry) for name, entry in progress.entries.items()},
    }
    try:
        with written_aside(progress.path) as aside:
            aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        warnings.warn(
            sentence(
                "{path} can't be written ({error}): what you have done now is lost when the notebook is closed. "
                "Set NBUTILS_PROGRESS to a file that can be written.",
                path=progress.path,
                error=error,
            ),
            ProgressWarning,
            stacklevel=3,
        )


def now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
