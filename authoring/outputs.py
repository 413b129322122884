"""Is what a notebook shows what it computes? Outputs are compared as a reader would compare them.

Words and counts must be the same. A number with decimals may differ by a hundred-thousandth of it,
or by one in its last digit where three or more count: sums over several threads, and on other
processors, round differently. So may the numbers inside a picture's state. Of a drawn picture one
pixel in a thousand may look different. A cell tagged ``nbval-ignore-output`` may differ from run to
run. `notebooks/conftest.py` gives this to nbval.
"""

import base64
import io
import json
import math
import re
from itertools import zip_longest

import numpy as np
from PIL import Image

from authoring.notebooks import clean, merge_streams

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
STATE = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
WIDGET = "application/vnd.jupyter.widget-view+json"
RELATIVE, ABSOLUTE = 1e-5, 1e-7
COLOUR, SHARE = 16, 1e-3  # of 255; of a picture's pixels


def difference(stored: list, fresh: list) -> str:
    """What differs and should not, in a sentence; "" if nothing does.

    stored, fresh: a cell's outputs, as nbformat has them.
    """
    old, new = said(stored), said(fresh)
    kinds = [kind for kind, _ in old], [kind for kind, _ in new]
    if kinds[0] != kinds[1]:
        return f"the cell gave {', '.join(kinds[1]) or 'nothing'}, not {', '.join(kinds[0]) or 'nothing'}"
    for (kind, before), (_, now) in zip(old, new):
        if told := of_one(kind, before, now):
            return told
    return ""


def said(outputs: list) -> list[tuple[str, str]]:
    """A cell's outputs: kind and content, without what a run leaves to chance."""
    found = []
    for output in (clean(output, 1) for output in merge_streams(outputs)):
        kinds = dict(output.get("data", {}))
        kinds.pop(WIDGET, None)
        found += sorted(kinds.items()) or [
            (output.output_type, output.get("text", output.get("ename", "")))
        ]
    return found


def of_one(kind: str, stored: str, fresh: str) -> str:
    """What differs in one output of a kind; "" if nothing does."""
    if stored == fresh:
        return ""
    if kind == "image/png":
        return "" if same_picture(stored, fresh) else "another picture is drawn"
    if kind == "text/html" and (told := of_states(stored, fresh)):
        return told
    return of_texts(*(STATE.sub("", text) for text in (stored, fresh)))


def of_texts(stored: str, fresh: str) -> str:
    """The first place at which two texts differ by more than rounding; "" if there is none."""
    for old, new in zip_longest(stored.splitlines(), fresh.splitlines(), fillvalue=""):
        if NUMBER.split(old) != NUMBER.split(new):
            return f"{new!r}\nis not what is stored:\n{old!r}"
        for was, now in zip(NUMBER.findall(old), NUMBER.findall(new)):
            if not same_number(was, now):
                return f"{now} is not the stored {was}, in\n{new!r}"
    return ""


def same_number(stored: str, fresh: str) -> bool:
    """Whether two numbers, as they are written, are the same up to rounding.

    Counts, which have neither a point nor an exponent, must be equal. Where three digits or more
    are significant the last may differ by one: 0.39449 and 0.39451 are nearly equal, 0.394 and 0.395
    are what becomes of them.
    """
    if stored == fresh:
        return True
    if not {*stored, *fresh} & {".", "e"}:
        return False
    old, new = (float(number.replace(",", "")) for number in (stored, fresh))
    step = last_digit(stored) if last_digit(stored) == last_digit(fresh) else 0.0
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=max(ABSOLUTE, 1.001 * step))


def last_digit(number: str) -> float:
    """What one in the last written digit is worth, 0.01 for 3.14; 0 where fewer than three count."""
    digits, _, exponent = number.partition("e")
    if len(re.sub(r"^[-0.,]+|[.,]", "", digits)) < 3:
        return 0.0
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def of_states(stored: str, fresh: str) -> str:
    """What differs in the states of the pictures of two outputs; "" if nothing does."""
    states = [[json.loads(state) for state in STATE.findall(text)] for text in (stored, fresh)]
    return of_values("the picture's state", *states)


def of_values(name: str, stored, fresh) -> str:
    """What differs in two values as JSON has them; "" if nothing does. name: where they stand."""
    if isinstance(stored, float) or isinstance(fresh, float):
        # What is nearly nothing is often left over from larger numbers, whose rounding it has.
        close = all(isinstance(one, int | float) for one in (stored, fresh)) and math.isclose(
            stored, fresh, rel_tol=RELATIVE, abs_tol=RELATIVE
        )
        return "" if close else f"{name} is {fresh!r}, not {stored!r}"
    if type(stored) is not type(fresh):
        return f"{name} is {fresh!r}, not {stored!r}"
    if isinstance(stored, str):
        return of_texts(stored, fresh)
    if isinstance(stored, dict):
        stored, fresh = sorted(stored.items()), sorted(fresh.items())
    if not isinstance(stored, list | tuple):
        return "" if stored == fresh else f"{name} is {fresh!r}, not {stored!r}"
    if len(stored) != len(fresh):
        return f"{name} has {len(fresh)} entries, not {len(stored)}"
    return next(filter(None, (of_values(name, *pair) for pair in zip(stored, fresh))), "")


def same_picture(stored: str, fresh: str) -> bool:
    """Whether two PNGs, as base64, look alike."""
    old, new = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB")).astype(int)
        for one in (stored, fresh)
    )
    return old.shape == new.shape and (np.abs(old - new).max(-1) > COLOUR).mean() < SHARE
