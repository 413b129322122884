"""One mark: an exercise of a notebook, and what its author is told."""

import os
from dataclasses import dataclass

from nbutils.exercises.checking import PASSED, RAISED, STOPPED, UNTRIED, WRONG
from nbutils.words import sentence

ERROR, REMARK = "could not be run", "remark"
STATES = (PASSED, WRONG, RAISED, STOPPED, UNTRIED, ERROR, REMARK)


@dataclass(frozen=True)
class Mark:
    """One exercise of one notebook, with what its author is told.

    exercise: "" where it is said of the whole notebook.
    state: one of `STATES`.
    """

    notebook: str
    exercise: str
    state: str
    says: str

    def row(self) -> list[str]:
        """What a table has of it, the state in the reader's language."""
        return [self.notebook, self.exercise, said(self.state), self.says]


def heads() -> list[str]:
    """Over the columns of `Mark.row`."""
    return [sentence("notebook"), sentence("exercise"), sentence("state"), sentence("says")]


def said(state: str) -> str:
    """One of `STATES` as readers are told it."""
    if state in (PASSED, WRONG):
        return sentence("passed" if state == PASSED else "wrong")
    if state in (RAISED, STOPPED):
        return sentence("raised" if state == RAISED else "stopped")
    if state in (UNTRIED, REMARK):
        return sentence("not tried yet" if state == UNTRIED else "remark")
    return sentence("could not be run")


def printable(text: str) -> str:
    """The text in signs that every file and every terminal takes.

    Bytes of a file's name that are no UTF-8 become replacement signs, and control characters spaces.
    """
    whole = os.fsencode(text) if _is_a_file_s(text) else text.encode("utf-8", "replace")
    return "".join(
        sign if sign.isprintable() or sign == "\n" else " "
        for sign in whole.decode("utf-8", "replace")
    )


def _is_a_file_s(text: str) -> bool:
    """Whether its lone surrogates are those with which Python reads names that are no UTF-8."""
    lone = [sign for sign in text if "\ud800" <= sign <= "\udfff"]
    return bool(lone) and all("\udc80" <= sign <= "\udcff" for sign in lone) and os.name != "nt"


def totals(grades: list[Mark]) -> dict[str, int]:
    """For each notebook, how many exercises are right."""
    right = dict.fromkeys((one.notebook for one in grades), 0)
    for one in grades:
        right[one.notebook] += one.state == PASSED
    return right
