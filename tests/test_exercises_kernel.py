"""Chapter 6b's exercises: they agree with the package, and strangers' answers are told what is wrong."""

import itertools
import math
from collections import namedtuple

import numpy as np
import pytest
import torch

from nbutils import exercises, kernels
from nbutils.exercises import imitation
from nbutils.exercises.checking import PASSED, WRONG, judge
from nbutils.exercises.exercise import exercise, names

NAMES = [name for name, chapter in names().items() if chapter == "kernel"]
TILES = list(itertools.product((1, 2, 3, 5, 8), repeat=2))


@pytest.mark.parametrize("T", (1, 2, 7, 16, 29))
@pytest.mark.parametrize("causal", (False, True))
def test_the_bytes_are_those_of_the_package(T, causal):
    answer = exercise("attention_bytes").answer
    for tile, D, itemsize in itertools.product(TILES, (1, 6), (2, 4)):
        assert answer(T, D, tile, itemsize, causal) == (
            kernels.plain_attention_bytes(T, D, itemsize),
            kernels.tiled_attention_bytes(T, D, tile, itemsize, causal),
        )


@pytest.mark.parametrize("crossings, queries", [(4, "D/2"), (1, "2D")])
def test_so_many_queries_in_a_tile_cost_as_much_as_the_table_s_crossings(crossings, queries):
    """What the exercise says at its end: with more queries than these the tiles move less."""
    D, T = 16, 1024
    assert f"more than ${queries}$" in exercise("attention_bytes").why
    even = {"D/2": D // 2, "2D": 2 * D}[queries]
    for more, less in ((0, False), (1, True)):
        size = even << more  # a power of 2, so T is a multiple
        _, tiled = exercise("attention_bytes").answer(T, D, (size, 8), 1, False)
        assert (tiled - 2 * T * D < crossings * T * T) == less


@pytest.mark.parametrize("T", (1, 2, 7, 16, 29))
def test_the_tiles_that_are_not_all_hidden_are_those_that_the_package_visits(T):
    answer = exercise("hidden_in_tile").answer
    for tile in TILES:
        every = itertools.product(range(0, T, tile[0]), range(0, T, tile[1]))
        assert [at for at in every if answer(*at, tile) != "all"] == kernels.tiles(T, tile)


@pytest.mark.parametrize("sizes", ([7], [1] * 7, [3, 4], [2, 1, 4]))
def test_the_pieces_of_a_row_give_its_softmax(sizes):
    scores = torch.randn(4, 7, generator=torch.Generator().manual_seed(0)) * 5
    scores[:, :2] = -math.inf
    maximum, total = torch.full((4,), -math.inf), torch.zeros(4)
    for piece in scores.split(sizes, dim=1):
        maximum, total = exercise("running_softmax").answer(maximum, total, piece)
    found = (scores - maximum[:, None]).exp() / total[:, None]
    assert torch.allclose(found, scores.softmax(dim=1))


# --- answers that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        math.nan,
        "tile",
        [],
        [1, 2, 3],
        (math.nan, math.nan),
        torch.zeros(2, 2),
        (torch.ones(3), torch.tensor(1)),
        np.zeros(5),
        {"plain": 1, "tiled": 2},
        (True, False),
        (10**400, 1),
        object(),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_whatever_is_given_gets_a_sentence(name, value, monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 0)  # there are none
    verdict = judge(name, lambda *args: value)
    assert verdict.state == WRONG and verdict.example


@pytest.mark.parametrize("form", (lambda n: n * (1 + 1e-12), np.float64(1 + 1e-12).__mul__))
def test_bytes_that_a_division_has_rounded_should_be_whole(form, monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 0)
    verdict = judge("attention_bytes", in_form("attention_bytes", lambda both: [*map(form, both)]))
    assert verdict.state == WRONG and "give whole numbers: use // instead of /" in verdict.example


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_is_told_without_its_address(name, monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 0)
    verdict = judge(name, lambda *args: (x for x in (1, 2)))
    assert "a generator" in verdict.example and "0x" not in verdict.example


def without_old(maximum, total, piece):
    largest = torch.max(piece, -1).values
    return largest, torch.exp(piece - largest.unsqueeze(1)).sum(1)


def unscaled(maximum, total, piece):
    largest = torch.maximum(maximum, piece.max(-1).values)
    return largest, total + torch.exp(piece - largest[:, None]).sum(-1)


def in_a_loop(maximum, total, piece):
    for i in range(len(piece)):
        largest = max(maximum[i], piece[i].max())
        if largest > maximum[i]:
            total[i] *= torch.exp(maximum[i] - largest)
            maximum[i] = largest
        total[i] += torch.exp(piece[i] - largest).sum()
    return maximum, total


def safe_as_maximum(maximum, total, piece):
    largest = torch.maximum(maximum, piece.amax(-1))
    safe = torch.where(largest == -math.inf, 0.0, largest)
    return safe, total * torch.exp(maximum - safe) + torch.exp(piece - safe[:, None]).sum(-1)


def kept_dimension(maximum, total, piece):
    largest = torch.maximum(maximum, piece.amax(-1, keepdim=True))
    return largest, total * torch.exp(maximum - largest) + torch.exp(piece - largest).sum(-1)


def no_infinity(maximum, total, piece):
    largest = torch.maximum(maximum, piece.amax(-1))
    before = torch.nan_to_num(torch.exp(maximum - largest)) * total
    return torch.nan_to_num(largest), before + torch.nan_to_num(
        torch.exp(piece - largest[:, None])
    ).sum(-1)


def merging(body: str):
    """The old sum and the piece's in one expression; new: the new maximum, with 0 for minus infinity."""

    def answer(maximum, total, piece):
        largest = torch.maximum(maximum, piece.amax(-1))
        new = largest.masked_fill(largest == -math.inf, 0.0)
        return largest, eval(body, {"m": maximum, "new": new, "total": total, "piece": piece})

    return answer


def over_rows(maximum, total, piece):
    largest = torch.maximum(maximum, piece.max(0).values)
    return largest, total * torch.exp(maximum - largest) + torch.exp(piece - largest).sum(0)


def two_own_sums(maximum, total, piece):
    own = piece.max(1).values
    largest = torch.maximum(maximum, own)
    mine = torch.exp(piece - own.unsqueeze(1)).sum(1) * torch.exp(own - largest)
    return largest, torch.where(total > 0, total * torch.exp(maximum - largest), total) + mine


def in_a_mask(diagonal: str):
    def answer(i, j, tile):
        hidden = torch.ones(tile, dtype=torch.bool).triu(eval(diagonal, {"i": i, "j": j}))
        return "all" if hidden.all() else "some" if hidden.any() else "none"

    return answer


def by_rules(hidden: str, shown: str):
    """A tile is "all" where the first rule holds, "none" where the second does; i, j: its first places."""

    def answer(first_query, first_key, tile):
        places = dict(zip(("i", "j", "q", "k"), (first_query, first_key, *tile)))
        return "all" if eval(hidden, places) else "none" if eval(shown, places) else "some"

    return answer


def loaded(rule: str, width: str = "min(k, T - j)"):
    """The bytes by two loops: a tile of keys is loaded where there is no mask or the rule holds."""

    def answer(T, D, tile, itemsize, causal):
        q, k = tile
        found = sum(
            eval(width, {"T": T, "j": j, "k": k})
            for i in range(0, T, q)
            for j in range(0, T, k)
            if not causal or eval(rule, {"i": i, "j": j, "q": q, "k": k})
        )
        return 4 * T * (T + D) * itemsize, 2 * D * (T + found) * itemsize

    return answer


@pytest.mark.parametrize(
    "name, answer, words",
    [
        ("running_softmax", without_old, ["of the piece alone"]),
        ("running_softmax", unscaled, ["Two mistakes", "not rescaled", "you give nan"]),
        ("running_softmax", in_a_loop, ["you give nan"]),
        ("running_softmax", safe_as_maximum, ["you give a maximum of 0"]),
        ("running_softmax", kept_dimension, ["Keep no dimension in amax"]),
        ("running_softmax", no_infinity, ["a very low number"]),
        (
            "running_softmax",
            merging("total * m.exp() / new.exp() + (piece - new[:, None]).exp().sum(1)"),
            ["You divide e to one maximum by e to the other"],
        ),
        (
            "running_softmax",
            merging("(total * m.exp() + piece.exp().sum(1)) / new.exp()"),
            ["You divide e to the scores"],
        ),
        (
            "running_softmax",
            merging("total * (m - new).exp() + (piece - m[:, None]).exp().sum(1)"),
            ["from the old maximum"],
        ),
        (
            "running_softmax",
            merging("total + (m - new).exp() + (piece - new[:, None]).exp().sum(1)"),
            ["You add the factor"],
        ),
        ("running_softmax", over_rows, ["dim=0 goes across rows"]),
        ("running_softmax", two_own_sums, ["Where all of the piece is hidden, you give nan"]),
        ("hidden_in_tile", in_a_mask("1"), ["from the beginning of the tile"]),
        ("hidden_in_tile", in_a_mask("j - i + 1"), ["moved the wrong way"]),
        ("hidden_in_tile", by_rules("j >= q", "j + k - 1 <= i"), ["the beginning of the tile"]),
        ("hidden_in_tile", by_rules("j >= i + q - 1", "j + k - 1 < i"), ["too much by one"]),
        ("hidden_in_tile", by_rules("j >= i + q", "j + k < i"), ["and one with the same position"]),
        (
            "hidden_in_tile",
            by_rules("j > i", "j < i"),
            ["Two mistakes", "sees furthest", "even the"],
        ),
        ("hidden_in_tile", by_rules("j // k > i // q", "j // k < i // q"), ["You count tiles"]),
        ("hidden_in_tile", by_rules("j > i + k - 1", "j + q - 1 <= i"), ["sizes are exchanged"]),
        ("hidden_in_tile", by_rules("False", "j + k - 1 <= i"), ['No tile is "all"']),
        ("attention_bytes", loaded("j < i + q - 1"), ["begins with the last query's own"]),
        ("attention_bytes", loaded("j <= i + q"), ["one tile of keys too many"]),
        ("attention_bytes", loaded("j <= i"), ["by the first query"]),
        ("attention_bytes", loaded("j < i"), ["by the first query"]),
        ("attention_bytes", loaded("j + k <= i + q"), ["on the diagonal, which are seen in part"]),
        ("attention_bytes", loaded("True"), ["causal mask saves nothing"]),
        ("attention_bytes", loaded("j < i + q", "k"), ["reaches beyond the text"]),
        ("attention_bytes", loaded("j // k <= i // q"), ["You compare numbers of tiles"]),
        ("attention_bytes", loaded("j < i + q", "k if j + k <= T else 0"), ["as far as the text"]),
        ("attention_bytes", loaded("j < i + q", "1"), ["as if each were a single key"]),
    ],
)
def test_a_stranger_s_mistake_is_told(name, answer, words, monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 60)  # a busy machine has time
    verdict = judge(name, answer)
    assert verdict.mistakes and all(one in verdict.says for one in words), verdict


# --- answers that are right, in other forms -----------------------------------------------------


Two = namedtuple("Two", "first second")


class Whole(int):
    """A whole number of another class."""


class Text(str):
    """A text of another class."""


def in_form(name: str, form):
    answer = exercise(name).answer
    return lambda *args: form(answer(*args))


@pytest.mark.parametrize(
    "name, form",
    [
        ("running_softmax", list),
        ("running_softmax", torch.stack),
        ("running_softmax", lambda both: Two(*both)),
        ("running_softmax", lambda both: [one.numpy() for one in both]),
        ("running_softmax", lambda both: [one.tolist() for one in both]),
        ("running_softmax", lambda both: tuple(one.double() for one in both)),
        ("hidden_in_tile", np.str_),
        ("hidden_in_tile", Text),
        ("attention_bytes", list),
        ("attention_bytes", np.array),
        ("attention_bytes", torch.tensor),
        ("attention_bytes", lambda both: Two(*both)),
        ("attention_bytes", lambda both: tuple(map(Whole, both))),
        ("attention_bytes", lambda both: tuple(map(float, both))),
        ("attention_bytes", lambda both: [np.int64(one) for one in both]),
    ],
)
def test_a_right_answer_is_taken_in_this_form(name, form):
    verdict = judge(name, in_form(name, form))
    assert verdict.state == PASSED, verdict


def test_a_solution_tells_each_mistake_once(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))
    told = str(exercises.solution("hidden_in_tile", anyway=True))
    lines = [line for line in told.splitlines() if line.startswith("- ")]
    assert len(lines) == len(set(lines)) < len(exercise("hidden_in_tile").wrong)
