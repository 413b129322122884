"""What a caller gives, told by name: each check gives the value as it is used, or says what would be right.

Numbers may be Python's, NumPy's or PyTorch's (a tensor of one number without dimensions). A yes or no is
no number. Every error is a ``ValueError`` with the argument's name, its value and a remedy. No PyTorch is
needed here.
"""

import math
import reprlib
import sys
from numbers import Integral, Real

from nbutils.words import sentence


def whole(
    name: str, value, least: int = 0, below: float = math.inf, or_none: str = ""
) -> int | None:
    """A whole number from ``least`` to below ``below``; with ``or_none``, what None means, None too.

    Raises ``ValueError`` for anything else.
    """
    if value is None and or_none:
        return None
    return int(_bounded(name, value, Integral, least, below, or_none))


def finite(
    name: str, value, least: float = 0, below: float = math.inf, or_none: str = ""
) -> float | None:
    """A finite number from ``least`` to below ``below``; with ``or_none``, what None means, None too.

    Raises ``ValueError`` for anything else.
    """
    if value is None and or_none:
        return None
    return float(_bounded(name, value, Real, least, below, or_none))


def one_of(name: str, value, choices):
    """One of the ``choices``, as it stands there. Raises ``ValueError`` for anything else."""
    number = plain(value)
    for each in choices:
        if type(number) is type(each) and number == each:
            return each
        if _is_number(number) and _is_number(each) and number == each:
            return each  # 1.0 is 1
    raise ValueError(
        sentence(
            "{name}={number} is none of {names}",
            name=name,
            number=shown(number),
            names=", ".join(map(str, choices)),
        )
    )


def yes_or_no(name: str, value) -> bool:
    """True or False. Raises ``ValueError`` for anything else, 0 and 1 too."""
    if type(value) is not bool:
        raise ValueError(
            sentence("{name}={value} must be True or False", name=name, value=shown(value))
        )
    return value


def of_type(name: str, value, kind: type | tuple[type, ...], remedy: str):
    """A value of the kind. Raises ``ValueError`` for another; ``remedy`` says how to get one."""
    if not isinstance(value, kind):
        raise ValueError(
            sentence(
                "{name}={value} is of type {kind}: {remedy}",
                name=name,
                value=shown(value),
                kind=type(value).__name__,
                remedy=sentence(remedy),
            )
        )
    return value


def shown(value) -> str:
    """A value in a sentence: as ``repr`` shows it, on one line, and not long."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except ValueError:  # an int that is too long for Python to write
        return f"a {type(value).__name__}"


def plain(value):
    """The number in an array or a tensor without dimensions; anything else as it is."""
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    try:
        return value.item()
    except RuntimeError:  # a tensor on the "meta" device has no number
        return value


def _is_number(value, kind: type = Real) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


_SHORT = reprlib.Repr()
_SHORT.maxlong, _SHORT.maxstring, _SHORT.maxother = 500, 60, 60


def _bounded(name: str, value, kind: type, least: float, below: float, or_none: str):
    number = plain(value)
    if not _is_number(number, kind) or not abs(number) <= sys.float_info.max:  # nan is not, either
        raise ValueError(_no_number(name, number, kind is Integral, or_none))
    if not least <= number < below:
        raise ValueError(_out_of_bounds(name, number, least, below, or_none))
    return number


def _no_number(name: str, number, whole: bool, or_none: str) -> str:
    if not or_none:
        return sentence(
            "{name}={number} must be a whole number"
            if whole
            else "{name}={number} must be a finite number",
            name=name,
            number=shown(number),
        )
    return sentence(
        "{name}={number} must be a whole number, or {or_none}"
        if whole
        else "{name}={number} must be a finite number, or {or_none}",
        name=name,
        number=shown(number),
        or_none=sentence(or_none),
    )


def _out_of_bounds(name: str, number, least: float, below: float, or_none: str) -> str:
    told = dict(name=name, number=shown(number), least=least, below=below)
    if not or_none:
        return sentence(
            "{name}={number} must be at least {least} and below {below}"
            if below < math.inf
            else "{name}={number} must be at least {least}",
            **told,
        )
    return sentence(
        "{name}={number} must be at least {least} and below {below}, or {or_none}"
        if below < math.inf
        else "{name}={number} must be at least {least}, or {or_none}",
        or_none=sentence(or_none),
        **told,
    )
