"""Chapter 3a's moving picture of words as places: neighbours by cosine, and a − b + c."""

from collections.abc import Sequence

import numpy as np
import traitlets

from nbutils.words import sentence

from .picture import Picture, floats, packed, readable, unpacked, whole_number

NEAREST, ANSWERS = 5, 3
MOST_WORDS = 150


class EmbeddingMap(Picture):
    """Words in a plane: choose one for its neighbours, and three for a − b + c.

    Args:
        rows: the words' rows of an embedding table, shape (n, C).
        words: their texts, 5 to `MOST_WORDS`, each once.
        question: the words a, b and c at the start.
        word: whose neighbours are shown at the start; a if not given.
    """

    script = "map.js"
    kept = ("word", "a", "b", "c")

    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.Dict().tag(sync=True)  # packed: (n, C), of length 1
    places = traitlets.List().tag(sync=True)  # (n, 2): the two widest directions of the rows
    word = traitlets.Int().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    c = traitlets.Int().tag(sync=True)

    def __init__(
        self, rows, words: Sequence[str], question: Sequence[str], word: str | None = None
    ):
        words = list(words)
        whole_number(sentence("the number of words"), len(words), NEAREST + 1, MOST_WORDS)
        if len(set(words)) < len(words):
            raise ValueError(sentence("words must hold each word once"))
        rows = _of_length_1(rows, len(words))
        if len(set(question)) != 3 or len(question) != 3:
            raise ValueError(
                sentence(
                    "question={question} must be three different words", question=repr(question)
                )
            )
        a, b, c = (_place(words, one) for one in question)
        super().__init__(
            words=words,
            rows=packed(rows),
            places=_widest(rows),
            a=a,
            b=b,
            c=c,
            word=a if word is None else _place(words, word),
        )

    def nearest(self) -> list[tuple[int, float]]:
        """The chosen word's nearest other words and their cosines, best first."""
        rows = self._rows()
        return _best(rows, rows[self.word], [self.word], NEAREST)

    def answers(self) -> list[tuple[int, float]]:
        """The words nearest to a − b + c, without these three, and their cosines, best first."""
        rows, asked = self._rows(), [self.a, self.b, self.c]
        return _best(rows, rows[self.a] - rows[self.b] + rows[self.c], asked, ANSWERS)

    def summary(self) -> str:
        a, b, c = (self.words[i] for i in (self.a, self.b, self.c))
        said = self.say("said", word=self.words[self.word], near=self._listed(self.nearest()))
        solved = self.say("solved", a=a, b=b, c=c, answers=self._listed(self.answers()))
        return f"{said}\n{solved}"

    def _rows(self) -> np.ndarray:
        return unpacked(self.rows).reshape(len(self.words), -1)

    def _listed(self, found) -> str:
        return ", ".join(f"{self.words[i]} {readable(cosine)}" for i, cosine in found)


def _best(rows, vector, leave_out, most) -> list[tuple[int, float]]:
    cosines = rows @ vector / np.linalg.norm(rows, axis=1) / np.linalg.norm(vector)
    order = [i for i in np.argsort(-cosines, kind="stable") if i not in leave_out]
    return [(int(i), float(cosines[i])) for i in order[:most]]


def _of_length_1(rows, n: int) -> np.ndarray:
    rows = floats(rows)
    if rows.ndim != 2 or len(rows) != n or rows.shape[1] < 2:
        raise ValueError(
            sentence(
                "rows has shape {shape}; give ({n}, C), a row for each word", shape=rows.shape, n=n
            )
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError(sentence("rows must be finite and none of length 0"))
    return rows / lengths


def _widest(rows: np.ndarray) -> list[list[float]]:
    """Each row's place along the first two principal components, at most 1 from the middle."""
    centred = rows - rows.mean(axis=0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    return (flat / (np.abs(flat).max() or 1)).round(4).tolist()


def _place(words: list[str], word: str) -> int:
    if word not in words:
        raise ValueError(sentence("{word} is not among the words", word=repr(word)))
    return words.index(word)
