"""What an exception in a student's function says, in plain words, and what to do.

`in_plain_words` looks up the exception's own message in the table of `crash_kinds`; the words are about the line
where it was raised. An exception that is not in the table gets no advice: its message stands alone.
"""

import difflib
import inspect
import re
from collections.abc import Callable

import torch

from nbutils.exercises.crash_kinds import KINDS
from nbutils.words import sentence


def in_plain_words(error: BaseException, line: str, function: Callable) -> str:
    """What this exception means in this line, and what to do; "" if nothing certain can be said."""
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        return _unknown_name(error, function)
    message = str(error)
    if isinstance(error, NotImplementedError) and re.fullmatch(r"\w+", message):
        return sentence(
            "`{name}`, which is called here, isn't written yet: only its starter stands there.",
            name=message,
        )
    for kind in KINDS:
        found = isinstance(error, kind.errors) and re.search(kind.message, message)
        if found and re.search(kind.line, line):
            parts = [
                message.splitlines()[0] if message else "",
                *(one or "" for one in found.groups()),
            ]
            says = sentence(kind.says, **{str(i): part for i, part in enumerate(parts)})
            says = re.sub(r"\b([Aa]) (?=int\b)", r"\1n ", says)
            return " ".join(filter(None, (says, _near(error))))
    return ""


def wrong_number_of_arguments(error: BaseException, function: Callable, args: tuple, names) -> str:
    """Says that the function can't be called with these arguments at all; "" if it can."""
    if not isinstance(error, TypeError) or not hasattr(function, "__code__"):
        return ""
    signature = inspect.signature(function)
    try:
        signature.bind(*args)
    except TypeError:
        return sentence(
            "Your function can't be called as the exercise calls it. It is given {n} arguments: {names}; yours "
            "begins with `def {function}{signature}`."
            if len(args) != 1
            else "Your function can't be called as the exercise calls it. It is given {n} argument: {names}; yours "
            "begins with `def {function}{signature}`.",
            n=len(args),
            names=", ".join(names),
            function=function.__name__,
            signature=signature,
        )
    return ""


def _unknown_name(error: NameError, function: Callable) -> str:
    found = re.search(r"name '(\w+)'", str(error))
    if not found:
        return sentence("Has the cell that defines it been run?")
    code = getattr(function, "__code__", None)
    known = [*getattr(code, "co_varnames", ()), *getattr(function, "__globals__", ())]
    near = difflib.get_close_matches(found[1], known, n=1, cutoff=0.7)
    if near:
        return sentence(
            "The name `{name}` is not known here. Is `{near}` meant? Has the cell that defines it been run?",
            name=found[1],
            near=near[0],
        )
    return sentence(
        "The name `{name}` is not known here. Is it misspelt, or not imported? Has the cell that defines it "
        "been run?",
        name=found[1],
    )


def _near(error: BaseException) -> str:
    """A name that may be meant by one that a module or a tensor doesn't have."""
    if not isinstance(error, AttributeError) or error.obj is None or not error.name:
        return ""
    owner = error.obj
    near = difflib.get_close_matches(error.name, dir(owner), n=1, cutoff=0.7)
    if near:
        return sentence("Is `{near}` meant?", near=near[0])
    if isinstance(owner, (list, tuple, int, float)) and hasattr(torch.Tensor, error.name):
        return sentence("A tensor has: torch.tensor(…) makes one.")
    return ""
