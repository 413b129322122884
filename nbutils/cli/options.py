"""What a command's options are, and their help in the reader's language.

Options are the fields of a class; the texts below them are their help. tyro reads these by itself, so English is
left to it; for another language each field is annotated with its sentence while the options are read.
"""

import ast
import contextlib
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, TypeVar

import tyro

from nbutils.words import language, sentence

Options = TypeVar("Options")


def parsed(
    kind: type[Options],
    arguments: list[str],
    command: str,
    *,
    inside: tuple[type, ...] = (),
    default: Options | None = None,
) -> Options:
    """The options that a shell's words give.

    command: the word behind ``python -m nbutils``. inside: other classes that have fields of theirs, a base or what
    a field holds. default: where the options begin.
    """
    given = {} if default is None else {"default": default}
    with contextlib.ExitStack() as stack:
        if language() != "en":
            given["description"] = sentence(about(kind))
            for each in (kind, *inside):
                stack.enter_context(_annotated(each))
        return tyro.cli(kind, args=arguments, prog=f"python -m nbutils {command}", **given)


def about(kind: type) -> str:
    """The first words of a class of options, on one line."""
    return " ".join(kind.__doc__.split())


def helps(kind: type) -> dict[str, str]:
    """What stands below each of the class's own fields, on one line."""
    (found,) = ast.parse(inspect.getsource(kind)).body
    return {
        one.target.id: " ".join(below.value.value.split())
        for one, below in pairwise(found.body)
        if isinstance(one, ast.AnnAssign) and isinstance(below, ast.Expr)
    }


@contextlib.contextmanager
def _annotated(kind: type) -> Iterator[None]:
    """Inside it, the class's fields carry their help in the language spoken."""
    own = kind.__annotations__
    kind.__annotations__ = own | {
        name: Annotated[own[name], tyro.conf.arg(help=sentence(said))]
        for name, said in helps(kind).items()
    }
    try:
        yield
    finally:
        kind.__annotations__ = own
