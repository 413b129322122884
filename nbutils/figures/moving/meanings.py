"""Chapter 3c's moving picture of a word with two meanings: where its vector stands, layer by layer."""

from collections.abc import Mapping, Sequence

import numpy as np
import traitlets

from nbutils.words import sentence

from ..style import marked
from .picture import Picture, floats, percent, whole_number

_DIGITS = 9  # that matter, of a recorded product
_SAME = 1e-6  # two means closer than this, measured against their own length, have no axis
_PLACES, _PEOPLE, _STAGES = (2, 12), (1, 24), (2, 12)  # more would not fit on a screen or a page


class Meanings(Picture):
    """Choose a sentence and a layer: a word's vector moves between the means of its two meanings.

    Kept of a vector v are its length and its dot products with the two means, all that the picture
    needs: a place on the axis between them, and the cosines.

    Args:
        texts: what happens where -> one text for each person; each ends in the word.
        vectors: the word's vector in each text, shape (places, people, stages, C).
        kinds: each of the two meanings -> the keys of ``texts`` whose mean stands for it.
        people: a name for each text of a place.
        stages: a name for each stage that a vector goes through.
        says: for each place and person, next tokens and their probabilities after the last stage.
        place, person, stage: what is chosen at the start.
    """

    script = "meanings.js"
    kept = ("place", "person", "stage")

    word = traitlets.Unicode().tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    groups = traitlets.List(traitlets.Int()).tag(sync=True)  # of each place: 0, 1, or -1 for none
    people = traitlets.List(traitlets.Unicode()).tag(sync=True)
    stages = traitlets.List(traitlets.Unicode()).tag(sync=True)
    texts = traitlets.List().tag(sync=True)  # (places, people)
    says = traitlets.List().tag(sync=True)  # (places, people): [[token, probability], ...]
    means = traitlets.List().tag(sync=True)  # (stages, 3): a·a, b·b, a·b of the two means
    products = traitlets.List().tag(sync=True)  # (places, people, stages, 3): v·a, v·b, |v|
    place = traitlets.Int().tag(sync=True)
    person = traitlets.Int().tag(sync=True)
    stage = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        texts: Mapping[str, Sequence[str]],
        vectors,
        kinds: Mapping[str, Sequence[str]],
        people: Sequence[str],
        stages: Sequence[str],
        says: Sequence[Sequence[Mapping[str, float]]],
        *,
        place: int = 0,
        person: int = 0,
        stage: int = 0,
    ):
        whole_number(sentence("the number of places"), len(texts), *_PLACES)
        whole_number(sentence("the number of people"), len(people), *_PEOPLE)
        whole_number(sentence("the number of stages"), len(stages), *_STAGES)
        shape = len(texts), len(people), len(stages)
        vectors = _checked(vectors, shape)
        rows = list(texts.values())
        _check_grid("texts", rows, shape)
        _check_grid("says", says, shape)
        for name, value, most in zip(("place", "person", "stage"), (place, person, stage), shape):
            whole_number(name, value, 0, most - 1)
        groups = _groups(list(texts), kinds)
        a, b = (vectors[np.equal(groups, i)].mean(axis=(0, 1)) for i in (0, 1))  # (stages, C) each
        if not (a.any(axis=-1) & b.any(axis=-1)).all():
            raise ValueError(
                sentence("the mean vector of a meaning is 0 at some stage; it has no direction")
            )
        dots = [(vectors * a).sum(-1), (vectors * b).sum(-1), np.linalg.norm(vectors, axis=-1)]
        super().__init__(
            word=_last_word(rows),
            kinds=list(kinds),
            groups=groups,
            people=list(map(str, people)),
            stages=[" ".join(name.split()) for name in stages],
            texts=[list(row) for row in rows],
            says=[[_short_says(said) for said in row] for row in says],
            means=_short(np.stack([(a * a).sum(-1), (b * b).sum(-1), (a * b).sum(-1)], axis=-1)),
            products=_short(np.stack(dots, axis=-1)),
            place=place,
            person=person,
            stage=stage,
        )

    def positions(self) -> np.ndarray:
        """On the axis at each stage, shape (stages,): the means are at -1 and 1, the middle at 0."""
        aa, bb, ab = np.array(self.means).T
        va, vb, _ = np.array(self.products[self.place][self.person]).T
        square = aa + bb - 2 * ab  # of the means' distance
        apart = square > _SAME * (aa + bb)
        return np.where(apart, 2 * (vb - va - (bb - aa) / 2) / np.where(apart, square, 1), 0)

    def cosines(self) -> np.ndarray:
        """With each of the two means at each stage, shape (stages, 2)."""
        aa, bb, _ = np.array(self.means).T
        va, vb, length = np.array(self.products[self.place][self.person]).T
        return np.stack([va / length / np.sqrt(aa), vb / length / np.sqrt(bb)], axis=-1)

    def summary(self) -> str:
        return f"{self._where()}\n{self._next()}"

    def _where(self) -> str:
        name = self.stages[self.stage]
        stage = name[:1].upper() + name[1:]
        aa, bb, ab = self.means[self.stage]
        if aa + bb - 2 * ab <= _SAME * (aa + bb):
            return self.say("same", stage=stage)
        left, right = self.kinds
        a, b = self.cosines()[self.stage]
        return self.say(
            "said",
            stage=stage,
            word=self.word,
            position=_signed(self.positions()[self.stage]),
            left=left,
            right=right,
            a=_signed(a),
            b=_signed(b),
        )

    def _next(self) -> str:
        tokens = [
            self.say("token", token=token, share=percent(p))
            for token, p in self.says[self.place][self.person]
        ]
        return self.say("next", tokens=", ".join(tokens))


def _checked(vectors, shape: tuple) -> np.ndarray:
    vectors = floats(vectors)
    if vectors.ndim != 4 or vectors.shape[:3] != shape:
        raise ValueError(
            sentence(
                "vectors has shape {shape}; give {wanted}: places, people, stages, C",
                shape=vectors.shape,
                wanted=(*shape, "C"),
            )
        )
    if not np.isfinite(vectors).all() or not vectors.any(axis=-1).all():
        raise ValueError(sentence("vectors must hold finite numbers, and no vector of zeros"))
    return vectors


def _check_grid(name: str, rows, shape: tuple) -> None:
    if [len(row) for row in rows] != [shape[1]] * shape[0]:
        raise ValueError(
            sentence(
                "{name} must have {entries} entries for each of the {places} places",
                name=name,
                entries=shape[1],
                places=shape[0],
            )
        )


def _groups(places: list[str], kinds: Mapping[str, Sequence[str]]) -> list[int]:
    if len(kinds) != 2:
        raise ValueError(sentence("kinds has {count} meanings; give two", count=len(kinds)))
    for kind, own in kinds.items():
        if not own or set(own) - set(places):
            raise ValueError(
                sentence(
                    "kinds[{kind}]={own} must name places of texts, at least one",
                    kind=repr(kind),
                    own=repr(list(own)),
                )
            )
    left, right = (set(own) for own in kinds.values())
    if left & right:
        raise ValueError(
            sentence(
                "kinds has {both} twice; a place has one meaning at most",
                both=sorted(left & right),
            )
        )
    return [0 if place in left else 1 if place in right else -1 for place in places]


def _last_word(rows: list[Sequence[str]]) -> str:
    words = {text.split(" ")[-1] for row in rows for text in row}
    if len(words) != 1 or words == {""}:
        raise ValueError(
            sentence("texts end in {words}; let all end in the same word", words=sorted(words)[:3])
        )
    return words.pop()


def _short(values: np.ndarray) -> list:
    if values.ndim:
        return [_short(value) for value in values]
    return float(f"{values:.{_DIGITS}g}")


def _short_says(said: Mapping[str, float]) -> list:
    return [[marked(token), float(f"{p:.4g}")] for token, p in said.items()]


def _signed(value: float) -> str:
    """With two decimals and a minus sign; what rounds to 0 has no sign."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
