"""Chapter 2's moving picture of a window: drag it along a token stream, and see what length costs."""

from collections.abc import Sequence

import tiktoken
import traitlets

from nbutils.config import GPTConfig
from nbutils.planning import training_flops
from nbutils.tokens import token_bytes
from nbutils.words import sentence

from ..style import spelled
from .picture import Picture, readable, whole_number

MOST_LENGTH = 16
"""The longest window that can be drawn, in tokens."""
THOUSAND = 1000
_STREAM = (2, 200)  # fewer have no label, more don't fit on a screen


def count_looks(length: int) -> int:
    """How often a window's positions look: each at itself and at every one before it."""
    return length * (length + 1) // 2


def window_flops(config: GPTConfig, length: int) -> int:
    """Floating-point operations to train on one window of that many tokens."""
    return length * training_flops(config, length)


class Window(Picture):
    """Drag a window along a stream: its context, its label, and the cost of a longer one.

    Args:
        ids: the stream, 2 to 200 token ids.
        encoding: what the ids mean.
        start, length: the context is ``ids[start : start + length]``, the label comes next; a
            length is from 0 to `MOST_LENGTH`.
        network: whose operations are counted, for windows a thousand times as long; its
            ``block_size`` is at least twice the longest.
    """

    script = "window.js"
    kept = ("start", "length")

    tokens = traitlets.List().tag(sync=True)  # (id, text) of each token
    start = traitlets.Int().tag(sync=True)
    length = traitlets.Int().tag(sync=True)
    longest = traitlets.Int().tag(sync=True)
    # One token's operations in a window of T tokens: flops[0] + flops[1] * T.
    flops = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        ids: Sequence[int],
        encoding: tiktoken.Encoding,
        *,
        network: GPTConfig,
        start: int = 0,
        length: int = 4,
    ):
        whole_number(sentence("the number of ids"), len(ids), *_STREAM)
        longest = min(MOST_LENGTH, len(ids) - 1)
        whole_number("length", length, 0, longest)
        whole_number("start", start, 0, len(ids) - 1 - length)
        pieces = [[int(i), spelled(token_bytes(i, encoding))] for i in ids]
        one, two = training_flops(network, 1), training_flops(network, 2)
        whole_number("network.block_size", network.block_size, 2 * THOUSAND * longest, 10**9)
        super().__init__(
            tokens=pieces,
            start=start,
            length=length,
            longest=longest,
            flops=[2 * one - two, two - one],
        )
        self._network = network

    def summary(self) -> str:
        number, text = self.tokens[self.start + self.length]
        if not self.length:
            return self.say("empty", text=text, number=number)
        seen = "".join(piece for _, piece in self.tokens[self.start :][: self.length])
        said = self.say("said", length=self.length, seen=seen, text=text, number=number)
        return f"{said}\n{self._looks()}\n{self._thousands()}"

    def _looks(self) -> str:
        T = self.length
        once, twice = count_looks(T), count_looks(2 * T)
        times = readable(twice / once)
        return self.say("cost", once=once, longer=2 * T, twice=twice, times=times)

    def _thousands(self) -> str:
        T = THOUSAND * self.length
        once, twice = window_flops(self._network, T), window_flops(self._network, 2 * T)
        return self.say(
            "thousands",
            tokens=f"{T:,}",
            once=readable(once / 1e12),
            longer=f"{2 * T:,}",
            times=readable(twice / once),
        )
