"""Chapter 6b's moving picture: attention in tiles, the bytes that travel, and a query's running sum."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import traitlets

from nbutils.kernels import plain_attention_bytes, tiled_attention_bytes, tiles
from nbutils.words import sentence

from ..style import marked
from .picture import Picture, floats, packed, readable, unpacked, whole_number

LENGTHS = (16, 32, 64, 128)
"""How many tokens can be chosen, as far as there are so many."""
SIDES = (4, 8, 16, 32)
"""How many queries, and keys, a tile can have."""
BYTES = 4
"""Of a number in float32."""
_WIDTH = (1, 64)
_SCORE = 50  # of either sign: e^(old - new) can be read then


class Running(NamedTuple):
    """A query's softmax after one more tile of keys (Milakov and Gimelshein, arXiv 1805.02867)."""

    old: float  # largest score before; minus infinity before the first tile
    largest: float
    scale: float  # e^(old - largest): what was kept is multiplied by it
    kept: float  # sum before
    part: float  # what the tile's scores add
    sum: float  # scale * kept + part


def fast_memory_bytes(tile: int, D: int) -> int:
    """What fast memory holds at once: a tile of Q, K, V, the answer and the weights, and two
    numbers for each query, its largest score and its sum."""
    return BYTES * (4 * tile * D + tile * tile + 2 * tile)


class Tiles(Picture):
    """Step through the tiles of one head's attention: what travels, and how much of it.

    Args:
        tokens: the texts of at least 16 tokens.
        q, k: the head's queries and keys, as they are compared, shape (T, D) with D at most 64.
        length: how many of the tokens, one of `LENGTHS`.
        tile: queries and keys of a tile, one of `SIDES`, at most ``length``.
        causal: whether queries look at no later keys, so that tiles of such are skipped.
        step: how many tiles have been visited.
    """

    script = "tiles.js"
    kept = ("length", "tile", "causal", "step")

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    q = traitlets.Dict().tag(sync=True)
    k = traitlets.Dict().tag(sync=True)
    lengths = traitlets.List(traitlets.Int()).tag(sync=True)  # those there are tokens for
    length = traitlets.Int().tag(sync=True)
    tile = traitlets.Int().tag(sync=True)
    causal = traitlets.Bool().tag(sync=True)
    step = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        tokens: Sequence[str],
        q,
        k,
        *,
        length: int = 32,
        tile: int = 8,
        causal: bool = True,
        step: int = 0,
    ):
        whole_number(sentence("the number of tokens"), len(tokens), LENGTHS[0], 10**6)
        most = max(known for known in LENGTHS if known <= len(tokens))
        q, k = _checked("q", q, len(tokens)), _checked("k", k, len(tokens))
        if q.shape != k.shape:
            raise ValueError(
                sentence(
                    "q has shape {q}, k has {k}; give them the same",
                    q=q.shape,
                    k=k.shape,
                )
            )
        _one_of("length", length, [known for known in LENGTHS if known <= most])
        _one_of("tile", tile, [side for side in SIDES if side <= length])
        if not isinstance(causal, bool):
            raise TypeError(sentence("causal={causal} must be True or False", causal=repr(causal)))
        largest = np.abs(q @ k.T).max() / q.shape[1] ** 0.5
        if largest > _SCORE:
            raise ValueError(
                sentence(
                    "q and k have scores up to {largest}; give some within {score}",
                    largest=f"{largest:.0f}",
                    score=_SCORE,
                )
            )
        whole_number("step", step, 0, len(tiles(length, (tile, tile), causal)))
        super().__init__(
            tokens=[marked(text) for text in tokens[:most]],
            q=packed(q[:most]),
            k=packed(k[:most]),
            lengths=[known for known in LENGTHS if known <= most],
            length=length,
            tile=tile,
            causal=causal,
            step=step,
        )

    @property
    def width(self) -> int:
        """D, the numbers of a query."""
        return len(unpacked(self.q)) // len(self.tokens)

    def visits(self) -> list[tuple[int, int]]:
        """First query and first key of each tile, in the order of the visits."""
        return tiles(self.length, (self.tile, self.tile), self.causal)

    def moved(self) -> tuple[int, int]:
        """Bytes read and written so far."""
        visits, tile = self.visits(), BYTES * self.tile * self.width
        done, to_come = visits[: self.step], {query for query, _ in visits[self.step :]}
        begun = {query for query, _ in done}
        return tile * (len(begun) + 2 * len(done)), tile * len(begun - to_come)

    def totals(self) -> tuple[int, int]:
        """Bytes that attention moves in all: in tiles, and the plain way."""
        T, D, tile = self.length, self.width, (self.tile, self.tile)
        return (
            tiled_attention_bytes(T, D, tile, itemsize=BYTES, causal=self.causal),
            plain_attention_bytes(T, D, itemsize=BYTES),
        )

    def query(self) -> int:
        """The query that is watched: the last of those that are in fast memory."""
        return self.visits()[max(self.step, 1) - 1][0] + self.tile - 1

    def scores(self) -> np.ndarray:
        """The watched query's, for each key that it looks at, shape (T,) or fewer."""
        D, seen = self.width, self.query() + 1 if self.causal else self.length
        q, k = (unpacked(numbers).reshape(-1, D) for numbers in (self.q, self.k))
        return k[:seen] @ q[self.query()] / D**0.5

    def running(self) -> Running:
        """The watched query's softmax after the newest tile; at step 0 there is none yet."""
        scores, state = self.scores(), Running(-np.inf, -np.inf, 0.0, 0.0, 0.0, 0.0)
        for key in range(0, self.visits()[self.step - 1][1] + 1, self.tile):
            new = scores[key : key + self.tile]
            largest = max(state.largest, new.max())
            scale, part = np.exp(state.largest - largest), np.exp(new - largest).sum()
            total = scale * state.sum + part
            state = Running(state.largest, largest, scale, state.sum, part, total)
        return state

    def powers(self) -> np.ndarray:
        """e^(score - largest so far) of each key that the watched query has met."""
        if not self.step:
            return np.empty(0)
        met = self.scores()[: self.visits()[self.step - 1][1] + self.tile]
        return np.exp(met - met.max())

    def summary(self) -> str:
        read, written = self.moved()
        total, plain = self.totals()
        moved = self.say(
            "moved",
            read=f"{read:,}",
            written=f"{written:,}",
            total=f"{total:,}",
            plain=f"{plain:,}",
            times=readable(plain / total),
        )
        return "\n".join([self._tile(), moved, *([self._sum()] if self.step else [])])

    def _tile(self) -> str:
        visits, T, tile = self.visits(), self.length, self.tile
        if not self.step:
            return self.say("start", tiles=len(visits), skipped=(T // tile) ** 2 - len(visits))
        query, key = visits[self.step - 1]
        said = self.say(
            "next" if key else "first",
            step=self.step,
            tiles=len(visits),
            firstQuery=query,
            lastQuery=query + tile - 1,
            firstKey=key,
            lastKey=key + tile - 1,
        )
        return f"{said} {self.say('ready')}" if self._row_ends() else said

    def _row_ends(self) -> bool:
        """Whether the newest tile is its queries' last."""
        later = self.visits()[self.step - 1 :]
        return len(later) == 1 or later[1][0] != later[0][0]

    def _sum(self) -> str:
        state = self.running()
        first, rises = np.isinf(state.old), state.largest > state.old
        said = self.say(
            "begins" if first else "rises" if rises else "stays",
            query=self.query(),
            name=self.tokens[self.query()],
            **{name: _signed(value) for name, value in state._asdict().items()},
        )
        if not self._row_ends():
            return said
        scores = self.scores()
        once = self.say("once", sum=_signed(np.exp(scores - scores.max()).sum()))
        return f"{said} {once}"


def _signed(value: float) -> str:
    return readable(value).replace("-", "−")


def _one_of(name: str, value, those: list[int]) -> None:
    if isinstance(value, bool) or value not in those:
        raise ValueError(
            sentence(
                "{name}={value} must be one of {names}",
                name=name,
                value=repr(value),
                names=", ".join(map(str, those)),
            )
        )


def _checked(name: str, values, T: int) -> np.ndarray:
    values = floats(values)
    if values.ndim != 2 or values.shape[0] != T:
        raise ValueError(
            sentence(
                "{name} has shape {shape}; give (T, D) with T = {t} tokens",
                name=name,
                shape=values.shape,
                t=T,
            )
        )
    whole_number(f"{name}'s width D", values.shape[1], *_WIDTH)
    if not np.isfinite(values).all():
        raise ValueError(sentence("{name} must hold finite numbers, without nan", name=name))
    return values
