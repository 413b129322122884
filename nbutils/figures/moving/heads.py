"""Chapter 3b's moving picture of attention: where each head of a token looks, and from which scores."""

from collections.abc import Sequence

import numpy as np
import traitlets

from nbutils.words import sentence

from ..style import marked
from .picture import Picture, floats, percent, whole_number
from .sampler import world_tables

_DIGITS = 6  # that matter, of a query's or a key's number
_TOKENS, _HEADS, _WIDTH = (2, 24), (1, 4), (1, 64)  # more would not fit on a screen


class AttentionHeads(Picture):
    """Choose a token and see each head's scores and weights, with and without scale and mask.

    Args:
        tokens: the T tokens of a text, 2 to 24.
        q, k: each head's queries and keys, as they are compared, shape (H, T, D) with H at most 4
            and D at most 64. They are kept to 6 digits.
        token: position of the token that looks.
        scaled: whether scores are divided by √D.
        masked: whether later tokens are hidden.
    """

    script = "heads.js"
    kept = ("token", "scaled", "masked", "yours", "layer")
    parts = ("own", "whose")
    resources = {"world": world_tables}  # names the tokens that the reader's own network knows

    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    q = traitlets.List().tag(sync=True)
    k = traitlets.List().tag(sync=True)
    token = traitlets.Int().tag(sync=True)
    scaled = traitlets.Bool().tag(sync=True)
    masked = traitlets.Bool().tag(sync=True)
    # yours: the heads are of the network that a page remembers, in this of its layers.
    yours = traitlets.Bool(False).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        tokens: Sequence[str],
        q,
        k,
        *,
        token: int = 0,
        scaled: bool = True,
        masked: bool = True,
    ):
        whole_number(sentence("the number of tokens"), len(tokens), *_TOKENS)
        whole_number("token", token, 0, len(tokens) - 1)
        for name, value in (("scaled", scaled), ("masked", masked)):
            if not isinstance(value, bool):
                raise TypeError(
                    sentence("{name}={value} must be True or False", name=name, value=repr(value))
                )
        q, k = _checked("q", q, len(tokens)), _checked("k", k, len(tokens))
        if q.shape != k.shape:
            raise ValueError(
                sentence(
                    "q has shape {q}, k has {k}; give them the same",
                    q=q.shape,
                    k=k.shape,
                )
            )
        super().__init__(
            tokens=[marked(text) for text in tokens],
            q=_short(q),
            k=_short(k),
            token=token,
            scaled=scaled,
            masked=masked,
        )

    def scores(self, scaled: bool | None = None) -> np.ndarray:
        """What the softmax gets for the chosen token, shape (H, T): minus infinity where masked."""
        q, k = np.array(self.q), np.array(self.k)  # (H, T, D)
        scores = k @ q[:, self.token, :, None]  # (H, T, 1)
        if self.scaled if scaled is None else scaled:
            scores = scores / q.shape[-1] ** 0.5
        if self.masked:
            scores[:, self.token + 1 :] = -np.inf
        return scores[..., 0]

    def weights(self, scaled: bool | None = None) -> np.ndarray:
        """Their softmax, shape (H, T); each row sums to 1."""
        scores = self.scores(scaled)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def summary(self) -> str:
        most = [
            self.say(
                "most", head=head + 1, name=self.tokens[row.argmax()], share=percent(row.max())
            )
            for head, row in enumerate(self.weights())
        ]
        looks = self.say("looks", name=self.tokens[self.token], most=", ".join(most))
        return f"{looks}\n{self._scale()}\n{self._mask()}"

    def _scale(self) -> str:
        scaled, plain = (
            percent(self.weights(divide).max(axis=1).mean()) for divide in (True, False)
        )
        key, D = "divided" if self.scaled else "undivided", len(self.q[0][0])
        return self.say(key, D=D, scaled=scaled, plain=plain)

    def _mask(self) -> str:
        later = len(self.tokens) - 1 - self.token
        if not later:
            return self.say("last")
        share = percent(self.weights()[:, self.token + 1 :].sum(axis=1).mean())
        return self.say("hidden" if self.masked else "peeked", later=later, share=share)


def _checked(name: str, values, T: int) -> np.ndarray:
    values = floats(values)
    if values.ndim != 3 or values.shape[1] != T:
        raise ValueError(
            sentence(
                "{name} has shape {shape}; give (H, T, D) with T = {t} tokens",
                name=name,
                shape=values.shape,
                t=T,
            )
        )
    whole_number(sentence("{name}'s number of heads", name=name), values.shape[0], *_HEADS)
    whole_number(f"{name}'s width D", values.shape[2], *_WIDTH)
    if not np.isfinite(values).all():
        raise ValueError(sentence("{name} must hold finite numbers, without nan", name=name))
    return values


def _short(values: np.ndarray) -> list:
    return [[[float(f"{x:.{_DIGITS}g}") for x in row] for row in head] for head in values]
