"""Chapter 4b's moving picture, in which a GPT is trained in the page itself."""

import json
from collections.abc import Mapping
from functools import cache

import traitlets

from nbutils import arguments
from nbutils.words import sentence

from .picture import FOLDER, Picture, readable
from .sampler import world_tables

SETTINGS = json.loads((FOLDER / "settings.json").read_text("utf-8"))
"""What can be chosen, what is chosen at first, and what is the same in each run; for settings.js, too."""
CHOSEN = tuple(SETTINGS["chosen"])
MOST_CHARACTERS = 400  # of the beginning that its bars follow


@cache
def measured() -> dict:
    """A run that was measured, and the speeds of all shapes: by ``python bench/page_run.py``."""
    return json.loads((FOLDER / "page_run.json").read_text("utf-8"))


def count_parameters(chosen: Mapping, vocabulary: int = SETTINGS["vocabulary"]) -> int:
    """Of a network in the page with these ``layers``, ``width``, ``positions`` and, unless it is whole, ``window``.

    The words' table (V, C), which also unembeds, that of positions (T, C) where there is one, blocks
    and last norm.
    """
    V, T, C = vocabulary, chosen.get("window", SETTINGS["longest"]), chosen["width"]
    rows = V + (T if chosen["positions"] == "table" else 0)
    return rows * C + chosen["layers"] * (12 * C**2 + 13 * C) + 2 * C


class TrainGPT(Picture):
    """Choose a network and a learning rate, press Train, and watch its loss come down to the floor.

    Args:
        layers, width, rate, optimizer, seconds, positions, window, workers, data: what the next run is made of, each
            one of `SETTINGS`. ``rate``: the highest learning rate. ``seconds``: of computing. ``window``: tokens
            that a position may see; no document of smallworld has more than 80. ``workers``: processor cores.
            ``data``: ``"world"``, fresh documents of smallworld, or ``"own"``, a text that the reader gives.
        text: what the bars of the next word follow.
    """

    script = "train.js"
    resources = {"world": world_tables}
    parts = ("own", "failures")
    kept = (*CHOSEN, "text")

    layers = traitlets.Any().tag(sync=True)
    width = traitlets.Any().tag(sync=True)
    rate = traitlets.Any().tag(sync=True)
    optimizer = traitlets.Any().tag(sync=True)
    seconds = traitlets.Any().tag(sync=True)
    positions = traitlets.Any().tag(sync=True)
    window = traitlets.Any().tag(sync=True)
    workers = traitlets.Any().tag(sync=True)
    data = traitlets.Any().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    measured = traitlets.Dict().tag(sync=True)
    beside = traitlets.Dict().tag(sync=True)  # a run that Python trains, too: see train_panel
    first = traitlets.List().tag(sync=True)  # the page's first losses of it

    def __init__(self, *, text: str = SETTINGS["beginnings"][2], **chosen):
        for name in chosen.keys() - set(CHOSEN):
            raise TypeError(
                sentence(
                    "{name}=… is no argument of TrainGPT; it has {names} and text",
                    name=name,
                    names=", ".join(CHOSEN),
                )
            )
        chosen = {
            name: arguments.one_of(name, value, SETTINGS[name])
            for name, value in (SETTINGS["chosen"] | chosen).items()
        }
        arguments.of_type("text", text, str, "give a beginning of a document")
        if len(text) > MOST_CHARACTERS:
            raise ValueError(
                sentence(
                    "text has {count} characters; give up to {most_characters}",
                    count=len(text),
                    most_characters=MOST_CHARACTERS,
                )
            )
        super().__init__(**chosen, text=text)

    @classmethod
    def of_kind(cls) -> dict:
        """A page's second picture of the kind has the same measured run."""
        return super().of_kind() | {"measured": measured()}

    def parameters(self) -> int:
        """With an own text: those before its characters are known, each of which has a row of its own beside END's."""
        chosen = {name: getattr(self, name) for name in CHOSEN}
        return count_parameters(chosen, SETTINGS["vocabulary"] if self.data == "world" else 1)

    def numbers(self) -> list[float]:
        """What the picture shows of a run before it begins: parameters, tokens, documents."""
        tokens = self.seconds * self.measured["speeds"][f"{self.layers}x{self.width}"]
        return [self.parameters(), tokens, tokens / self.measured["tokens"]]

    def summary(self) -> str:
        n, tokens, documents = self.numbers()
        said = [
            self.say(
                "plan",
                parameters=f"{n:,}",
                optimizer=self._words["optimizers"][SETTINGS["optimizer"].index(self.optimizer)],
                rate=readable(self.rate),
                seconds=self.seconds,
            )
        ]
        if self.data == "own":
            said.append(self.say("ownPlan", width=self.width))
        else:
            counted = dict(tokens=readable(tokens, 2), documents=readable(documents, 2))
            said.append(self.say("expected", **counted, chip=self.measured["chip"]))
            if self.window < SETTINGS["longest"]:
                said.append(self.say("narrow", window=self.window))
        if self.positions == "none":
            said.append(self.say("nowhere"))
        return " ".join(said)
