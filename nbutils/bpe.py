"""Which neighbours become one token: byte-pair encoding, learned from counted pieces of text.

The plain way counts all pairs anew for each merge, and so takes time in proportion to the text's
length times the number of merges. Here the places of each pair are kept, and a merge touches those
alone (Sennrich et al., 2016, did so too): near linear in the text, whether it is many short words or
one genome of five million letters without a space.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

import numpy as np

BYTES = 256
"""How many ids stand for one byte each: the first."""

_BETWEEN = -1  # stands before, between and after the pieces, so no pair crosses them
_MERGED = -2  # the right half of a token that grew


def find_merges(pieces: Mapping[bytes, int], n_merges: int) -> list[tuple[int, int]]:
    """The pairs of ids that become one, in the order learned: the first makes id 256.

    Each is the pair of neighbours that is most frequent then; of equally frequent ones that with
    the smaller ``(left id, right id)``. In "aaa", (a, a) is there twice, and the left one merges.

    Args:
        pieces: how often the text has each piece. No merge crosses the end of one.
        n_merges: at most so many; fewer where every piece has become one token before.
    """
    row = _Row(pieces)
    heap = [(-count, pair) for pair, count in row.counts.items()]
    heapify(heap)
    merges = []
    while heap and len(merges) < n_merges:
        count, pair = heappop(heap)
        now = row.counts[pair]
        if now != -count:  # a merge of others took some of them since
            if now:
                heappush(heap, (-now, pair))
            continue
        for new in row.merge(pair, BYTES + len(merges)):
            heappush(heap, (-row.counts[new], new))
        merges.append(_halves(pair))
    return merges


def _pair(left, right):
    """Two ids as one number, which sorts as ``(left, right)`` does."""
    return left << 32 | right


def _halves(pair: int) -> tuple[int, int]:
    return pair >> 32, pair & 0xFFFFFFFF


class _Row:
    """All pieces in one row of ids, a linked list; how often, and where, each pair stands in it.

    A place of a pair is that of its left half. It stays in ``places`` when a merge has taken it,
    and is left out where it is used.
    """

    def __init__(self, pieces: Mapping[bytes, int]):
        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        ends = 1 + np.cumsum(lengths + 1)  # after each piece one number stands between
        self.ids = np.full(1 + int((lengths + 1).sum()), _BETWEEN, np.int64)
        inside = np.ones(len(self.ids), bool)
        inside[0] = inside[ends - 1] = False
        self.ids[inside] = np.frombuffer(b"".join(pieces), np.uint8)
        self.times = np.zeros(len(self.ids), np.int64)  # how often the text has a place's piece
        counts = np.fromiter(pieces.values(), np.int64, len(pieces))
        self.times[1:] = np.repeat(counts, lengths + 1)
        self.after = np.arange(1, len(self.ids) + 1)
        self.before = np.arange(-1, len(self.ids) - 1)
        self.counts: dict[int, int] = {}
        self.places: dict[int, np.ndarray] = {}
        places = np.flatnonzero((self.ids[:-1] >= 0) & (self.ids[1:] >= 0))
        self._add(_pair(self.ids[places], self.ids[places + 1]), places)

    def _add(self, pairs: np.ndarray, places: np.ndarray) -> list[int]:
        """Count pairs that were not there before, and keep their places; gives each pair once."""
        order = np.argsort(pairs, kind="stable")
        pairs, places = pairs[order], places[order]
        firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
        distinct = pairs[firsts].tolist()
        if distinct:
            counts = np.add.reduceat(self.times[places], firsts)
            self.counts.update(zip(distinct, counts.tolist()))
            bounds = [*firsts.tolist(), len(places)]
            self.places.update(
                zip(distinct, map(places.__getitem__, map(slice, bounds, bounds[1:])))
            )
        return distinct

    def _remove(self, pairs: np.ndarray, times: np.ndarray) -> None:
        distinct, which = np.unique(pairs, return_inverse=True)
        fewer = np.bincount(which, times)  # float64: exact up to 2**53
        for pair, count in zip(distinct.tolist(), fewer.tolist()):
            self.counts[pair] -= int(count)

    def merge(self, pair: int, new: int) -> list[int]:
        """Put the id ``new`` wherever the pair stands; gives the pairs that this has made."""
        left, right = _halves(pair)
        ids, before, after = self.ids, self.before, self.after
        starts = self._starts(pair, left, right)
        rights, times = after[starts], self.times[starts]
        befores, afters = before[starts], after[rights]
        touching = np.zeros(len(starts), bool)  # the one before it merges too
        touching[1:] = befores[1:] == rights[:-1]
        has_before = (ids[befores] >= 0) & ~touching
        has_after = ids[afters] >= 0
        befores, times_before = befores[has_before], times[has_before]
        taken = [_pair(ids[befores], left), _pair(right, ids[afters[has_after]])]
        ids[starts], ids[rights] = new, _MERGED
        after[starts], before[afters] = afters, starts
        self._remove(np.concatenate(taken), np.concatenate([times_before, times[has_after]]))
        self.counts[pair] = 0
        made = [_pair(ids[befores], new), _pair(new, ids[afters[has_after]])]
        return self._add(np.concatenate(made), np.concatenate([befores, starts[has_after]]))

    def _starts(self, pair: int, left: int, right: int) -> np.ndarray:
        """Where the pair merges, from left to right: of places that overlap, every other one."""
        starts = self.places.pop(pair)
        starts = starts[(self.ids[starts] == left) & (self.ids[self.after[starts]] == right)]
        if left != right:
            return starts
        starts.sort()
        number = np.arange(len(starts))
        begins = np.ones(len(starts), bool)
        begins[1:] = starts[1:] != self.after[starts[:-1]]
        return starts[(number - np.maximum.accumulate(np.where(begins, number, 0))) % 2 == 0]
