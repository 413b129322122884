"""Encodings of few tokens: some of another encoding's, or the characters of one text.

A small network that learns one small thing needs no more, and each id costs it a row of numbers. What such
an encoding has no token for, it can't write down: that is told by name, where a byte-pair encoding would
fall back to bytes.
"""

import unicodedata
from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import tiktoken

from nbutils.words import sentence

from .arguments import of_type, shown, whole
from .tokens import END, Encoding, check_encoding, check_unicode, split

OTHER = "□"
"""Among an encoding's characters it stands for every one that is none of them (``engine/characters.js``)."""
_FEW = 3  # unknown words that an error names
_A_TEXT = "give a text"


class _Few(Encoding):
    """tokens: the bytes of each id; after them comes END's."""

    def __init__(self, name: str, pattern: str, tokens: Sequence[bytes]):
        if not tokens:
            raise ValueError(
                sentence(
                    "ids or characters must have one token at least beside the end of a document"
                )
            )
        ranks = {token: i for i, token in enumerate(tokens)}
        super().__init__(
            name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={END: len(ranks)}
        )

    @abstractmethod
    def encode_ordinary(self, text: str) -> list[int]:
        """The ids of a text in which nothing is special. Raises ValueError for what has none."""

    def encode(
        self,
        text: str,
        *,
        allowed_special: str | Collection[str] = (),
        disallowed_special: str | Collection[str] = "all",
    ) -> list[int]:
        """As tiktoken's: END is read where it is allowed, refused where it is disallowed, else text."""
        of_type("text", text, str, _A_TEXT)
        if END in text and "all" != allowed_special and END not in allowed_special:
            if disallowed_special == "all" or END in disallowed_special:
                tiktoken.core.raise_disallowed_special_token(END)
            return self.encode_ordinary(text)
        first, *others = text.split(END)
        ids = self.encode_ordinary(first)
        for other in others:
            ids += [self.eot_token, *self.encode_ordinary(other)]
        return ids

    def encode_to_numpy(self, text: str, **special) -> np.ndarray:
        return np.array(self.encode(text, **special), np.uint32)

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        whole_text = isinstance(text_or_bytes, str)
        return self.encode_ordinary(text_or_bytes if whole_text else text_or_bytes.decode())


class ChosenTokens(_Few):
    """Some tokens of another encoding, under ids of their own: the first of ``ids`` is 0, the next 1, ...

    ``ids``: of the other encoding, all different, END's last. Raises ``ValueError`` otherwise.
    """

    def __init__(self, base: tiktoken.Encoding, ids: Sequence[int]):
        check_encoding(base)
        ids = _checked(base, ids)
        self._base, self._ids = base, ids
        self._places = {token: i for i, token in enumerate(ids)}
        tokens = [base.decode_single_token_bytes(token) for token in ids[:-1]]
        super().__init__(f"{base.name}, {len(ids)} tokens", base._pat_str, tokens)

    def encode_ordinary(self, text: str) -> list[int]:
        check_unicode(of_type("text", text, str, _A_TEXT), "text")
        found = [self._places.get(token) for token in self._base.encode_ordinary(text)]
        if None in found:
            unknown = [word for word in split(text) if not self._knows(word)]
            raise ValueError(
                sentence(
                    "text has {unknown}, of which this encoding has no tokens: it has {count} of {name}'s "
                    "{n_vocab}; write with the words that its network has learned",
                    unknown=_told(unknown),
                    count=len(self._ids) - 1,
                    name=self._base.name,
                    n_vocab=self._base.n_vocab - 1,
                )
            )
        return found

    def _knows(self, word: str) -> bool:
        return self._places.keys() >= set(self._base.encode_ordinary(word))

    def __reduce__(self):
        return ChosenTokens, (self._base, self._ids)


class Characters(_Few):
    """Each character of one text is a token; with `OTHER` among them, that one is whatever is none of them.

    ``characters``: all different, each one code point. Raises ``ValueError`` otherwise.
    """

    def __init__(self, characters: Sequence[str]):
        self._characters = list(of_type("characters", characters, (list, tuple), "give a list"))
        for i, sign in enumerate(self._characters):
            if not isinstance(sign, str) or len(sign) != 1 or "\ud800" <= sign <= "\udfff":
                raise ValueError(
                    sentence("characters[{i}]={sign} must be one character", i=i, sign=shown(sign))
                )
        if len(set(self._characters)) < len(self._characters):
            raise ValueError(sentence("characters has one twice: each has one id"))
        self._places = {sign: i for i, sign in enumerate(self._characters)}
        tokens = [sign.encode() for sign in self._characters]
        super().__init__(f"{len(tokens)} characters", "(?s:.)", tokens)

    def encode_ordinary(self, text: str) -> list[int]:
        check_unicode(of_type("text", text, str, _A_TEXT), "text")
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        signs, other = unicodedata.normalize("NFC", plain), self._places.get(OTHER)
        found = [self._places.get(sign, other) for sign in signs]
        if None in found:
            unknown = [sign for sign in signs if sign not in self._places]
            raise ValueError(
                sentence(
                    "text has {unknown}, of which this encoding has no tokens: it has the {count} characters "
                    "of the text that its network has learned; write with these",
                    unknown=_told(unknown),
                    count=len(self._characters),
                )
            )
        return found

    def __reduce__(self):
        return Characters, (self._characters,)


def base_ids(encoding: tiktoken.Encoding) -> list[int] | None:
    """The id of each token in the encoding that it was chosen from; all, where it is whole. None for characters."""
    check_encoding(encoding)
    if isinstance(encoding, Characters):
        return None
    return encoding._ids if isinstance(encoding, ChosenTokens) else [*range(encoding.n_vocab)]


def _checked(base: tiktoken.Encoding, ids: Sequence[int]) -> list[int]:
    if not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) != 1:
        raise ValueError(sentence("ids={ids} must be a list of token ids", ids=shown(ids)))
    ids = [whole(f"ids[{i}]", token, 0, base.n_vocab) for i, token in enumerate(ids)]
    if len(set(ids)) < len(ids):
        raise ValueError(sentence("ids has one twice: each token has one id of its own"))
    if base.eot_token not in ids[-1:]:
        raise ValueError(
            sentence(
                "ids must end with {eot_token}, which is {end} in {name}",
                eot_token=base.eot_token,
                end=END,
                name=repr(base.name),
            )
        )
    if len({*ids} - {*base._mergeable_ranks.values()}) > 1:
        raise ValueError(
            sentence(
                "ids has one that stands for no token of {name}, or for a special one",
                name=repr(base.name),
            )
        )
    return ids


def _told(unknown: Sequence[str]) -> str:
    return ", ".join(shown(one) for one in list(dict.fromkeys(unknown))[:_FEW])
