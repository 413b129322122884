"""Token ids -> (context, label): windows, batches and token files.

A window is ``block_size`` tokens in a row. The label of a position is the token that follows it,
so the labels of a window are the same tokens, one place later. Shapes: B is the number of windows
in a batch, T is ``block_size``.
"""

import math
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from nbutils.words import sentence

from .arguments import of_type, shown, whole, yes_or_no
from .files import expanded, written_aside

IGNORE = -1
"""The label of a position that is not counted in the loss."""

_MAGIC = b"NBTOKENS"
_HEADER = struct.Struct("<8sQQ")  # magic, bytes a token, number of tokens
_SCAN = 1 << 24  # tokens looked at in one piece while documents are searched


class CorpusTooShortError(ValueError):
    """There are fewer tokens than one window and its labels need."""


class TokenRangeError(ValueError):
    """A token id is not in the vocabulary."""


class TokenFileError(ValueError):
    """A file is not a token file, or is damaged."""


class Windows:
    """Random batches of windows from one long array of token ids.

    Args:
        tokens: 1-D integers; a ``np.memmap`` (see `open_tokens`) is read only where it is needed,
            but with ``start_token`` once from end to end, here, a piece at a time.
        batch_size: B, windows a batch.
        block_size: T, tokens a window.
        seed: chooses the windows. A batch depends on ``(seed, step)`` alone, so a run that was
            interrupted sees the same data as one that was not.
        device: where the batches go. To CUDA they go from pinned memory, without waiting.
        start_token: if given, a window begins only where this id stands in ``tokens``. With
            ``<|endoftext|>`` every window begins where a document does, and every position has
            the whole of its document in sight.
        vocab_size: V. If given, an id outside ``0 .. V - 1`` is an error.
        each_once: every window comes once before one comes again, in an order drawn anew each time.
            Plain windows then follow each other in the text, from another place each time. Otherwise
            each is drawn from all, and while some come twice others have not come yet.

    Raises:
        CorpusTooShortError: fewer than ``block_size + 1`` tokens, or no ``start_token`` in them.
        TokenRangeError: an id is outside the vocabulary. An array in memory is checked at once,
            a memory map batch by batch.
    """

    def __init__(
        self,
        tokens,
        batch_size: int,
        block_size: int,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        start_token: int | None = None,
        vocab_size: int | None = None,
        each_once: bool = False,
    ):
        self.tokens = _checked_tokens(tokens)
        self.batch_size = whole("batch_size", batch_size, 1)
        self.block_size = block_size = whole("block_size", block_size, 1)
        self.seed = whole("seed", seed)
        self.device = _device(device)
        self.vocab_size = vocab_size = whole("vocab_size", vocab_size, 1, or_none="None")
        self.each_once = yes_or_no("each_once", each_once)
        start_token = whole("start_token", start_token, or_none="None")
        self._kept_round = (-1, np.empty(0, np.int64))
        if len(self.tokens) <= block_size:
            raise CorpusTooShortError(
                sentence(
                    "the corpus has {count} tokens; a window of block_size={block_size} and its labels need "
                    "{needed}: use a longer text or a shorter window",
                    count=f"{len(self.tokens):,}",
                    block_size=block_size,
                    needed=f"{block_size + 1:,}",
                )
            )
        if not isinstance(self.tokens, np.memmap):
            _check_range(self.tokens, vocab_size)
        self.starts = None if start_token is None else _start_positions(self.tokens, start_token)

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch of one step: tokens and labels, each ``(B, T)`` int64 on the device.

        A label is `IGNORE` only where an aligned window runs past the last token.
        """
        step = whole("step", step)
        rng = np.random.default_rng((self.seed, step))
        if self.each_once:
            starts = self._once_each(step)
        elif self.starts is None:
            starts = rng.integers(len(self.tokens) - self.block_size, size=self.batch_size)
        else:
            starts = self.starts[rng.integers(len(self.starts), size=self.batch_size)]
        ends = np.full_like(starts, len(self.tokens))
        return self._gather(starts, ends)

    def _once_each(self, step: int) -> np.ndarray:
        """Where this step's windows start, as ``each_once`` says."""
        first = step * self.batch_size
        rounds, places = np.divmod(np.arange(first, first + self.batch_size), self._in_a_round())
        starts = np.empty(self.batch_size, np.int64)
        for number in np.unique(rounds):
            chosen = rounds == number
            starts[chosen] = self._round(int(number))[places[chosen]]
        return starts

    def _in_a_round(self) -> int:
        """Windows that come before one comes again."""
        if self.starts is not None:
            return len(self.starts)
        return max(1, (len(self.tokens) - self.block_size) // self.block_size)

    def _round(self, number: int) -> np.ndarray:
        """The starts of all windows of a round, in its order; that of the last call is kept."""
        if self._kept_round[0] != number:
            rng, count = np.random.default_rng((self.seed, number)), self._in_a_round()
            starts = self.starts
            if starts is None:
                left = (
                    len(self.tokens) - count * self.block_size
                )  # at least 1: the last one's label
                starts = rng.integers(left) + self.block_size * np.arange(count)
            self._kept_round = number, rng.permutation(starts)
        return self._kept_round[1]

    def epoch(self, batches: int | None = None) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The corpus once, in order, the same at every call: what evaluation needs.

        No label is counted twice. Plain windows follow each other. An aligned window counts only
        documents that fit in it whole, and the next begins with the first that did not; only a
        document longer than a window loses its end. Labels that are not counted are `IGNORE`.

        Args:
            batches: stop after so many batches; None: the whole corpus.
        """
        batches = whole("batches", batches, 1, or_none="None for the whole corpus")
        return self._epoch(batches)

    def _epoch(self, batches: int | None) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        bounds = self._bounds()
        done = 0
        while batches is None or done < batches:
            chosen = [pair for _, pair in zip(range(self.batch_size), bounds, strict=False)]
            if not chosen:
                return
            starts, ends = np.array(chosen).T
            yield self._gather(starts, np.minimum(ends, len(self.tokens)))
            done += 1

    def _bounds(self) -> Iterator[tuple[int, int]]:
        """Where each window of `epoch` starts, and its last label's position plus one."""
        size, last = self.block_size, len(self.tokens) - 1
        if self.starts is None:
            yield from ((start, start + size + 1) for start in range(0, last, size))
            return
        i = 0
        while i < len(self.starts):
            start = int(self.starts[i])
            fits = int(np.searchsorted(self.starts, start + size, side="right")) - 1
            if start + size >= last:  # the rest of the corpus fits
                yield start, last + 1
                return
            if fits == i:  # one document, longer than the window
                yield start, start + size + 1
                i += 1
            else:
                yield start, int(self.starts[fits]) + 1
                i = fits

    def _gather(self, starts, ends) -> tuple[torch.Tensor, torch.Tensor]:
        """Windows from ``starts``; labels from ``ends`` on are not counted."""
        index = starts[:, None] + np.arange(self.block_size + 1)  # (B, T + 1)
        block = self.tokens.take(index, mode="clip").astype(np.int64)
        if isinstance(self.tokens, np.memmap):
            _check_range(block, self.vocab_size)
        labels = np.where(index[:, 1:] < ends[:, None], block[:, 1:], IGNORE)
        return self._to_device(block[:, :-1]), self._to_device(labels)

    def _to_device(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self.device.type != "cuda":
            return tensor.to(self.device)
        # From pinned memory the copy runs beside the computation of the step before.
        return tensor.pin_memory().to(self.device, non_blocking=True)


def token_dtype(vocab_size: int) -> np.dtype:
    """The smallest type a token file stores ids in: uint16 up to 65,536 tokens, then uint32."""
    vocab_size = whole("vocab_size", vocab_size, -math.inf)
    if not 1 <= vocab_size <= 1 << 32:
        raise ValueError(
            sentence(
                "vocab_size={vocab_size} must be from 1 to {value}",
                vocab_size=vocab_size,
                value=f"{1 << 32:,}",
            )
        )
    return np.dtype("<u2") if vocab_size <= 1 << 16 else np.dtype("<u4")


def write_tokens(path: str | Path, chunks: Iterable, vocab_size: int) -> int:
    """Write a token file from one array or from many in turn, and return the number of tokens.

    Only one chunk is in memory at a time. The file is written aside, flushed to the disk and
    renamed, so that ``path`` never holds half a corpus.

    Raises:
        TokenRangeError: an id is outside the vocabulary.
        CorpusTooShortError: the chunks hold no token.
    """
    path, dtype = _path(path), token_dtype(vocab_size)
    of_type("chunks", chunks, Iterable, "give an array of ids, or several")
    chunks = [chunks] if isinstance(chunks, np.ndarray) else chunks
    with written_aside(path) as aside, open(aside, "wb") as file:
        return _write_chunks(file, chunks, dtype, vocab_size)


def open_tokens(path: str | Path) -> np.memmap:
    """Open a token file: 1-D uint16 or uint32, read-only, read from the disk only where used.

    Raises:
        FileNotFoundError: there is no such file.
        TokenFileError: it is not a token file, or has more or fewer bytes than it says.
    """
    path = _path(path)
    if path.is_dir():
        raise TokenFileError(
            sentence(
                "{path} is a folder: give its train.tokens, or open both with packing.open_corpus",
                path=path,
            )
        )
    with open(path, "rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise TokenFileError(
            sentence("{path} is not a token file; make one with windows.write_tokens", path=path)
        )
    _, itemsize, count = _HEADER.unpack(header)
    if itemsize not in (2, 4) or count == 0:
        raise TokenFileError(sentence("{path} has a damaged header; write it again", path=path))
    size, expected = path.stat().st_size, _HEADER.size + count * itemsize
    if size != expected:
        raise TokenFileError(
            sentence(
                "{path} has {size} bytes; its {count} tokens of {itemsize} bytes need {expected}: it was "
                "cut off or changed; write it again",
                path=path,
                size=f"{size:,}",
                count=f"{count:,}",
                itemsize=itemsize,
                expected=f"{expected:,}",
            )
        )
    return np.memmap(path, dtype=f"<u{itemsize}", mode="r", offset=_HEADER.size, shape=(count,))


def write_header(file, vocab_size: int, count: int) -> None:
    """Write the first bytes of a token file, after which its ``count`` tokens stand.

    A file that grows is given a count of 0, with which `open_tokens` refuses it, until it is whole.
    """
    file.write(_HEADER.pack(_MAGIC, token_dtype(vocab_size).itemsize, count))


def _write_chunks(file, chunks: Iterable, dtype: np.dtype, vocab_size: int) -> int:
    """Header and tokens; the header last, when the number of tokens is known."""
    write_header(file, vocab_size, 0)
    count = 0
    for chunk in chunks:
        array = _checked_tokens(chunk)
        _check_range(array, vocab_size)
        file.write(array.astype(dtype).tobytes())
        count += len(array)
    if count == 0:
        raise CorpusTooShortError(sentence("there are no tokens to write; is the text empty?"))
    file.seek(0)
    write_header(file, vocab_size, count)
    return count


def _checked_tokens(tokens) -> np.ndarray:
    """``tokens`` as a 1-D array of integers; a memory map stays one."""
    if isinstance(tokens, torch.Tensor) and not tokens.is_meta:
        tokens = tokens.detach().cpu().numpy()
    try:
        array = tokens if isinstance(tokens, np.ndarray) else np.asarray(tokens)
    except (ValueError, TypeError, NotImplementedError):  # rows of different lengths
        array = np.empty((), object)
    if array.dtype.kind not in "iu" and (array.size or array.dtype.kind not in "fO"):
        raise ValueError(
            sentence(
                "tokens has dtype {dtype}; it must be one row of token ids, which are integers: encode a "
                "text with tokens.encode_documents([text], encoding)"
                if array.ndim
                else "tokens is {tokens}; it must be one row of token ids, which are integers: encode a "
                "text with tokens.encode_documents([text], encoding)",
                dtype=array.dtype,
                tokens=shown(tokens),
            )
        )
    if array.ndim != 1:
        raise ValueError(
            sentence("tokens has shape {shape}; it must be one row of ids, 1-D", shape=array.shape)
        )
    return array


def _path(path: str | Path) -> Path:
    return expanded(of_type("path", path, (str, os.PathLike), "give the path of a token file"))


def _device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            sentence(
                'device={device} must be a device\'s name, such as "cpu" or "cuda", or a torch.device',
                device=shown(device),
            )
        ) from error


def _check_range(tokens: np.ndarray, vocab_size: int | None) -> None:
    if vocab_size is None or tokens.size == 0:
        return
    low, high = int(tokens.min()), int(tokens.max())
    if low < 0 or high >= vocab_size:
        raise TokenRangeError(
            sentence(
                "tokens has the id {wrong}, outside the vocabulary (vocab_size={vocab_size}): were they "
                "made by another encoding?",
                wrong=low if low < 0 else high,
                vocab_size=vocab_size,
            )
        )


def _start_positions(tokens: np.ndarray, start_token: int) -> np.ndarray:
    """Where windows may start: each ``start_token`` that has a token after it."""
    found = [
        np.flatnonzero(tokens[i : i + _SCAN] == start_token) + i
        for i in range(0, len(tokens), _SCAN)
    ]
    starts = np.concatenate(found)
    starts = starts[starts < len(tokens) - 1]
    if len(starts) == 0:
        raise CorpusTooShortError(
            sentence(
                "start_token={start_token} is nowhere in the corpus, so no window can begin with it",
                start_token=start_token,
            )
        )
    return starts
