"""Chapter 5's moving picture: the next word's probabilities, the truth beside them, and a draw."""

import copy
import json
import os
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import tiktoken
import torch
import traitlets

from nbutils import network_file, sampling, smallworld, vocabularies
from nbutils.model import GPT
from nbutils.smallworld import scenes
from nbutils.tokens import SPLIT_PATTERN
from nbutils.words import sentence

from ..style import marked
from .merges import for_javascript
from .networks import content, load_network
from .picture import Picture, percent, whole_number

ROWS = 14
"""How many words are shown, the likeliest for the network: a document can begin with so many."""
STEPS = 20
"""A temperature of 1, and a probability of 1, in steps of the sliders."""
RARE = 1e-6
MOST_CHARACTERS = 600
MOST_TOKENS = smallworld.MAX_TOKENS - 1  # the end of a document stands before them


@dataclass(frozen=True)
class Voice:
    """A network that writes, with what its ids mean."""

    model: GPT
    """In float64, so that its rounding is no reader's concern."""
    encoding: tiktoken.Encoding

    @classmethod
    @cache
    def of_course(cls) -> "Voice":
        model = copy.deepcopy(load_network("smallworld")).double()
        return cls(model, smallworld.encoding())

    @classmethod
    def of_file(cls, path: str | os.PathLike) -> "Voice":
        """A reader's own network, as a page saved it. Raises what `network_file` raises."""
        encoding = network_file.read_encoding(path)
        return cls(GPT.from_pretrained(path).requires_grad_(False).double(), encoding)

    @property
    def most_tokens(self) -> int:
        """How many of a text it reads: the end of a document stands before them."""
        return min(MOST_TOKENS, self.model.config.block_size - 1)

    @lru_cache(maxsize=64)  # noqa: B019 - there are one or two voices
    def logits_after(self, text: str) -> torch.Tensor:
        """(V,), float64."""
        ids = [self.encoding.eot_token, *self.encoding.encode_ordinary(text)]
        return self.model(torch.tensor([ids]))[0, -1]

    def truth_after(self, text: str) -> np.ndarray | None:
        """The true probabilities (V,), or None where no document begins so, or the world says no such texts."""
        chosen = vocabularies.base_ids(self.encoding)
        truth = None if chosen is None else _truth_after(text)
        return None if truth is None else truth[chosen]


@cache
def world_tables() -> bytes:
    """What ``smallworld.js`` must know: the vocabulary, and the tables behind the scenes."""
    w, encoding = smallworld, smallworld.encoding()
    genders = (w.FEMALE, w.MALE)
    rows = [encoding.decode_single_token_bytes(i) for i in range(encoding.n_vocab - 1)]
    tables = {
        "vocabulary": [row.decode("latin-1") for row in rows],
        "spoken": smallworld.spoken_ids(),
        "pattern": for_javascript(SPLIT_PATTERN),
        "genders": [vars(gender) for gender in genders],
        "people": [
            {
                "name": p.name,
                "gender": genders.index(p.gender),
                "word": p.word,
                "facts": p.facts.values,
            }
            for p in w.PEOPLE
        ],
        "countries": [vars(country) for country in w.COUNTRIES],
        "figures": [vars(f) | {"gender": genders.index(f.gender)} for f in w.FIGURES],
        "homes": w.HOMES,
        "treasures": w.TREASURES,
        "places": w.PLACES,
        "things": w.THINGS,
        "colours": w.COLOURS,
        "clothes": w.CLOTHES,
        "counted": w.COUNTED,
        "numbers": w.NUMBERS,
        "kinds": w.KINDS,
        "senses": [vars(sense) for sense in w.SENSES],
        "frames": w.FRAMES,
        "times": w.TIMES,
        "daytimes": w.DAYTIMES,
        "deeds": [*w.DEEDS.items()],
        "sights": [
            (text, [_rows(scenes.sentences_about(*sight, gender)) for gender in genders], weight)
            for text, sight, weight in _rows(scenes.SIGHTS)
        ],
        "long": _scenes(scenes.LONG),
        "short": _scenes(scenes.SHORT),
    }
    return json.dumps(tables, separators=(",", ":")).encode()


def _rows(choice) -> list[tuple]:
    return [*zip(choice.texts, choice.values, choice.weights)]


def _scenes(openings: dict) -> list[tuple]:
    return [(f.__name__, texts, weight) for f, (texts, weight) in openings.items()]


@lru_cache(maxsize=64)
def _truth_after(text: str) -> np.ndarray | None:
    """By the ids of smallworld's encoding."""
    try:
        return smallworld.next_probabilities(text)
    except ValueError:
        return None


class Sampler(Picture):
    """Type a beginning, move the sliders, draw a word or let the network write.

    Args:
        text: how the document begins; "" is its start.
        heat: the temperature, in `STEPS`-ths.
        top_k: how many words are kept; 0 keeps all.
        tail: the probability that top-p cuts off, in `STEPS`-ths; 0 cuts nothing.
        waits: its files are fetched when the reader touches it, and not when it comes in sight.
    """

    script = "sampler.js"
    resources = {"network": lambda: content("smallworld"), "world": world_tables}
    kept = ("text", "heat", "top_k", "tail", "ended", "yours")
    parts = ("own", "whose")

    text = traitlets.Unicode().tag(sync=True)
    heat = traitlets.Int().tag(sync=True)
    top_k = traitlets.Int().tag(sync=True)
    tail = traitlets.Int().tag(sync=True)
    ended = traitlets.Bool(False).tag(sync=True)  # the network drew the end
    yours = traitlets.Bool(False).tag(sync=True)  # the reader's own network, which a page remembers
    waits = traitlets.Bool().tag(sync=True)
    beginning = traitlets.Dict().tag(sync=True)  # what is shown before any file is here

    def __init__(
        self,
        text: str = "",
        heat: int = STEPS,
        top_k: int = 0,
        tail: int = 0,
        *,
        waits: bool = False,
    ):
        _check(text)
        whole_number("heat", heat, 0, 2 * STEPS)
        whole_number("top_k", top_k, 0, ROWS)
        whole_number("tail", tail, 0, STEPS - 1)
        super().__init__(text=text, heat=heat, top_k=top_k, tail=tail, waits=waits)
        self.beginning = {
            "text": text,
            "heat": heat,
            "top_k": top_k,
            "tail": tail,
            "rows": self.rows(),
        }

    @property
    def voice(self) -> Voice:
        """Who writes in what Python computes: the course's network. A reader's own is in their browser."""
        return Voice.of_course()

    def rows(self) -> list[tuple]:
        """The words shown, then all others: (word, by the network, drawn from, true or None)."""
        text, encoding = self.text.rstrip(" "), self.voice.encoding
        logits, truth = self.voice.logits_after(text), self.voice.truth_after(text)
        p = logits.softmax(-1)
        drawn = sampling.next_token_probabilities(
            logits, self.heat / STEPS, self.top_k or None, 1 - self.tail / STEPS
        )
        rows = [
            (
                marked(encoding.decode([i])) if i != encoding.eot_token else self.say("ending"),
                p[i].item(),
                drawn[i].item(),
                None if truth is None else float(truth[i]),
            )
            for i in torch.sort(-p, stable=True).indices[:ROWS].tolist()
        ]
        rest = [1 - sum(row[i] for row in rows) for i in (1, 2)]
        true = None if truth is None else max(0.0, 1 - sum(row[3] for row in rows))
        return [*rows, ("", *(max(0.0, value) for value in rest), true)]

    def numbers(self) -> list:
        """Every probability shown, in one list; -1 where there is no truth."""
        return [-1 if value is None else value for row in self.rows() for value in row[1:]]

    def summary(self) -> str:
        rows = self.rows()[:-1]
        name, p, drawn, truth = rows[0]
        kept = sum(row[2] >= RARE for row in rows)
        signs = vocabularies.base_ids(self.voice.encoding) is None
        likeliest = self.say("likeliestSign" if signs else "likeliest", name=name, p=percent(p, 2))
        told = self.say("noTruth" if signs else "unknown")
        if truth is not None:
            told = self.say("truth", p=percent(truth, 2))
        share, key = percent(drawn, 2), "drawnSigns" if signs else "drawn"
        draws = self.say(key, p=share, kept=kept, rows=len(rows))
        said = f"{likeliest} {told}\n{draws}"
        return f"{said}\n{self.say('ended')}" if self.ended else said


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(sentence("text={text} must be a str", text=repr(text)))
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            sentence(
                "text has {count} characters; give up to {most_characters}",
                count=len(text),
                most_characters=MOST_CHARACTERS,
            )
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            sentence("text has half a character at {start}; leave it out", start=error.start)
        ) from error
    tokens = len(smallworld.encoding().encode_ordinary(text))
    if tokens > MOST_TOKENS:
        raise ValueError(
            sentence(
                "text has {tokens} tokens; the network reads up to {most_tokens}",
                tokens=tokens,
                most_tokens=MOST_TOKENS,
            )
        )
