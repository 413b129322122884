"""What every moving picture shares: one anywidget, and how it reaches a page without a kernel.

A picture is a subclass of `Picture` in a module of its own, with a JavaScript file of the same name
beside it that computes and draws. In a live notebook it is an ordinary anywidget. For a page it
shows itself as HTML: a sentence for readers without JavaScript, and its state as JSON. The book's
extension ``moving_pictures`` adds the script.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context
from functools import cache
from html import escape
from numbers import Integral
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from nbutils.arguments import plain, shown
from nbutils.words import fill, language, sentence, table

from ..style import LOOKS, TINTS

FOLDER = Path(__file__).parent
BUNDLES = FOLDER / "bundles"


class Picture(anywidget.AnyWidget):
    """A picture that can be moved: in the page, in Jupyter and in Colab.

    A subclass sets ``script``, the name of its JavaScript file, has traits tagged ``sync=True`` for
    its data and the state of its controls, and says in ``summary`` what it shows: with the words of
    ``nbutils/words/en/pictures``, the same that the script has from the state. Its ``resources``
    are files that are too large for the state: name -> a function that returns their bytes. The
    script asks for one when it first needs it; a page gets it as a file of its own. ``kept`` names
    the traits that the reader changes: a page remembers them, a link names them, and "start again"
    sets them back. They are few and small. ``parts`` names further tables of words: those of the
    parts that the script imports.
    """

    script: str
    resources: Mapping = {}
    kept: Sequence[str] = ()
    parts: Sequence[str] = ()

    _kept = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _resources = traitlets.Dict().tag(sync=True)  # name -> SHA-256
    _words = traitlets.Dict().tag(sync=True)  # what `wording` gives

    def __init_subclass__(cls, **kwargs):
        if "script" in cls.__dict__:  # not a class that traitlets makes of it
            cls._esm, cls._css = esm(cls.script), css()
        super().__init_subclass__(**kwargs)

    def __init__(self, **state):
        hashes = {name: sha256(content()) for name, content in self.resources.items()}
        super().__init__(**state, _resources=hashes, **self.of_kind())
        self.on_msg(self._answer)

    @classmethod
    def wording(cls, spoken: str | None = None) -> dict:
        """All that it may say: the words of every picture, of its parts, and of its script's name.

        spoken: the language, else the one that `words.language` names.
        """
        tables = ("common", *cls.parts, Path(cls.script).stem)
        return {
            key: words
            for name in tables
            for key, words in table(f"pictures/{name}", spoken or language()).items()
        }

    @classmethod
    def of_kind(cls) -> dict:
        """What all pictures of the class have in their state: a page gets it when it is built."""
        return {"_words": cls.wording(), "_kept": list(cls.kept)}

    def say(self, key: str, **values) -> str:
        """The words of that key with the values filled in."""
        return fill(self._words[key], **values)

    def summary(self) -> str:
        """What the picture shows at its start, in words, for those who can't move it."""
        raise NotImplementedError

    def state(self) -> dict:
        """The traits that the script reads, as JSON can hold them."""
        own = self.traits(sync=True).keys() - anywidget.AnyWidget.class_traits().keys()
        return {
            name: getattr(self, name) for name in sorted(own - {"_esm", "_css", "_anywidget_id"})
        }

    def html(self) -> str:
        """The picture for a page: the summary, and what of the state is its own (see `of_kind`).

        A notebook keeps it, too, and shows the summary where it is opened again without a kernel.
        """
        own = self.state()
        state = as_script({name: own[name] for name in own if name not in self.of_kind()})
        said = escape(f"{self.summary()} {self.say('again')}")
        kind = f"{type(self).__module__}.{type(self).__name__}"
        return (
            f'<div class="moving-picture" data-picture="{kind}"><p>{said}</p>\n'
            f'<script type="application/json">{state}</script></div>'
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {' '.join(self.summary().split())}"

    def _repr_mimebundle_(self, **kwargs):
        """The widget for a front end with a kernel, HTML for a page without."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": repr(self), "text/html": self.html()}, metadata

    def _answer(self, _widget, message, _buffers) -> None:
        """Send the script the resource that it asks for, or a sentence why not."""
        name = message.get("resource")
        if name not in self.resources:
            self.send({"resource": name, "error": self.say("no_resource", name=name)})
            return
        self.send({"resource": name}, [self.resources[name]()])


def as_script(state: dict) -> str:
    """A state as JSON that can stand in a script element: nothing in it may end that."""
    dumped = json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return dumped.replace("<", "\\u003c")


def bundle(script: str) -> str:
    """A picture's script with the parts that it imports: a script that calls ``deliver``.

    ``authoring/bundle.mjs`` writes it.
    """
    return (BUNDLES / script).read_text("utf-8")


def esm(script: str) -> str:
    """The bundle as the module that anywidget loads."""
    return f"let widget;\nconst deliver = (made) => {{ widget = made; }};\n{bundle(script)}export default widget;\n"


@cache
def css() -> str:
    """The look of every picture: the colours of `style` as CSS variables, picture.css, the rest."""
    tints = "".join(f"--tint-{i}: {tint};" for i, tint in enumerate(TINTS))
    looks = "".join(
        f'.picture[data-look="{look}"] {{ color-scheme: {look}; {tints}'
        + "".join(f"--{name}: {colour};" for name, colour in colours.items())
        + "}\n"
        for look, colours in LOOKS.items()
    )
    files = sorted(FOLDER.glob("*.css"), key=lambda path: (path.stem != "picture", path.stem))
    return looks + "".join(path.read_text("utf-8") for path in files)


def sha256(content: bytes) -> str:
    """The hash by which a resource is checked, as a script finds it too."""
    return hashlib.sha256(content).hexdigest()


def whole_number(name: str, value, least: int, most: int) -> int:
    """The value as an int. Raises TypeError or ValueError unless it is whole and in the range."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(
            sentence(
                "{name}={number} must be a whole number from {least} to {most}",
                name=name,
                number=shown(number),
                least=least,
                most=most,
            )
        )
    if not least <= number <= most:
        raise ValueError(
            sentence(
                "{name}={number} must be from {least} to {most}",
                name=name,
                number=shown(number),
                least=least,
                most=most,
            )
        )
    return int(number)


def readable(value: float, digits: int = 3) -> str:
    """A number for people, with that many digits that matter: 0.00108, 3.05, 13,100."""
    # A half is rounded up, as JavaScript does, and not to the even digit.
    rounded = f"{Context(digits, ROUND_HALF_UP).create_decimal(float(value)):,f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded


THOUSANDS = (1, 1e3, 1e6, 1e9, 1e12, 1e15)
SECONDS = (1, 60, 3600, 86_400, 31_557_600)  # a minute, an hour, a day, a year


def in_units(value: float, sizes: tuple[float, ...], names: list[str]) -> str:
    """The value in the largest of these units that it reaches, else in the first."""
    at = max(i for i, size in enumerate(sizes) if value >= size or i == 0)
    return f"{readable(value / sizes[at])} {names[at]}".strip()


def percent(share: float, digits: int = 3) -> str:
    """A share of 1 for people, `readable`: 12.3 %."""
    return f"{readable(100 * share, digits)} %"


def floats(values) -> np.ndarray:
    """Numbers as an array; a tensor may be on a chip and want a gradient."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=float)


def packed(values) -> dict:
    """Numbers for a state, 24 bits each: half the size of JSON, a millionth of the largest exact."""
    values = floats(values).ravel()
    most = np.abs(values).max(initial=0)
    if not np.isfinite(most):
        raise ValueError("the numbers to pack must be finite, and some are nan or infinite")
    scale = float(most) / (2**23 - 1) or 1.0
    whole = np.rint(values / scale).astype("<i4")
    low = np.frombuffer(whole.tobytes(), np.uint8).reshape(-1, 4)[:, :3]  # the sign is in the third
    return {"scale": scale, "bytes": base64.b64encode(low.tobytes()).decode()}


def unpacked(state: dict) -> np.ndarray:
    """The numbers that `packed` has packed, shape (n,)."""
    low = np.frombuffer(base64.b64decode(state["bytes"]), np.uint8).reshape(-1, 3)
    whole = np.pad(low, ((0, 0), (1, 0))).copy().view("<i4")[:, 0] >> 8
    return whole * state["scale"]
