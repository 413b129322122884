"""Is what a notebook shows what it computes? Outputs are compared as a reader would compare them.

Words and counts must be the same. A number with decimals may differ by a hundred-thousandth of it,
or by one in its last digit where three or more count: sums over several threads, and on other
processors, round differently. So may the numbers inside a picture's state. A figure's labels are
compared in the same way, and its marks one by one: each may be moved by a point, and nothing else.
A cell tagged ``nbval-ignore-output`` may differ from run to run. `notebooks/conftest.py` gives this
to nbval.
"""

import base64
import io
import json
import math
import re
from itertools import zip_longest

import numpy as np
from defusedxml.ElementTree import fromstring
from PIL import Image

from authoring.notebooks import clean, merge_streams

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
PLACE = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
STEP = re.compile(r"([MLQCHV])([^MLQCHVZz]*)")
STATE = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
WIDGET = "application/vnd.jupyter.widget-view+json"
RELATIVE, ABSOLUTE = 1e-5, 1e-7
COLOUR, SHARE = 16, 1e-3  # of 255; of an image's pixels
MOVED, CORNERS = 1.0, 0.05  # points, 72 an inch; a share of a line's corners
IMAGE = "data:image/png;base64,"


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
    if kind == "image/svg+xml":
        return of_figures(stored, fresh)
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


def of_figures(stored: str, fresh: str) -> str:
    """What a reader would see to differ in two figures, as SVG; "" if nothing does.

    stored, fresh: SVG. The names that it has for what others are cut to are made of the drawing and say nothing.
    """
    old, new = (marks(fromstring(svg)) for svg in (stored, fresh))
    texts = ["\n".join(text for _, _, text in drawn if text) for drawn in (old, new)]
    if told := of_texts(*texts):
        return f"in the figure {told}"
    kinds = [[kind for kind, _, _ in drawn] for drawn in (old, new)]
    if kinds[0] != kinds[1]:
        return f"the figure has {len(kinds[1])} marks, not the {len(kinds[0])} that are stored, or others"
    for (kind, before, _), (_, now, _) in zip(old, new):
        if before.keys() != now.keys():
            return f"a {kind} of the figure looks different: {now}, not {before}"
        for name in before:
            if not same_mark(name, before[name], now[name]):
                if name == "href":
                    return "an image of the figure is another"
                return f"a {kind} of the figure has {name}={now[name]!r}, not {before[name]!r}"
    return ""


def marks(svg) -> list[tuple[str, dict[str, str], str]]:
    """What a figure consists of, in order: each mark's kind, its attributes and its text."""
    return [
        (
            part.tag.rpartition("}")[2],
            {name: value for name, value in part.attrib.items() if name not in ("id", "clip-path")},
            "".join(part.itertext()) if part.tag.endswith("}text") else "",
        )
        for part in svg.iter()
    ]


def same_mark(name: str, stored: str, fresh: str) -> bool:
    """Whether an attribute of two marks looks the same: positions nearly, all else exactly."""
    if stored == fresh:
        return True
    if name == "href":
        return same_image(stored.removeprefix(IMAGE), fresh.removeprefix(IMAGE))
    if name not in ("d", "x", "y", "cx", "cy", "r", "width", "height", "viewBox", "transform"):
        return False
    if name == "d" and "a" not in stored + fresh:
        return same_line(corners(stored), corners(fresh))
    old, new = (np.array([float(one) for one in PLACE.findall(text)]) for text in (stored, fresh))
    return len(old) == len(new) and bool((abs(old - new) <= MOVED).all())


def corners(data: str) -> np.ndarray:
    """The points of a path that has no arcs."""
    points = [[0.0, 0.0]]
    for letter, told in STEP.findall(data):
        numbers = [float(one) for one in PLACE.findall(told)]
        if letter == "H":
            points.append([numbers[0], points[-1][1]])
        elif letter == "V":
            points.append([points[-1][0], numbers[0]])
        else:
            points += np.reshape(numbers, (-1, 2)).tolist()
    return np.array(points[1:])


def same_line(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether two lines look alike: as many corners, nearly where they were.

    A line is written with as few corners as show it, and how few the last digits decide: where the number
    is a little different, both must reach as far on all sides.
    """
    if len(old) == len(new):
        return bool((abs(old - new) <= MOVED).all())
    reach = [np.array([line.min(0), line.max(0)]) for line in (old, new)]
    few = abs(len(old) - len(new)) <= max(2, CORNERS * len(old))
    return few and bool((abs(reach[0] - reach[1]) <= MOVED).all())


def same_image(stored: str, fresh: str) -> bool:
    """Whether two PNGs, as base64, look alike."""
    old, new = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGBA")).astype(int)
        for one in (stored, fresh)
    )
    return old.shape == new.shape and (np.abs(old - new).max(-1) > COLOUR).mean() < SHARE
