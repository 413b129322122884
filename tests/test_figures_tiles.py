"""The moving picture of attention in tiles, its Python side."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nbutils import kernels
from nbutils.figures.moving.tiles import LENGTHS, SIDES, Tiles, fast_memory_bytes

TOKENS = [f"token {i}" for i in range(64)]
PLANS = [
    (length, tile, causal)
    for length in (16, 32, 64)
    for tile in SIDES
    for causal in (True, False)
    if tile <= length
]


def random(T: int = 64, D: int = 16) -> torch.Tensor:
    """Queries and keys, shape (2, T, D)."""
    return torch.randn(2, T, D, generator=torch.Generator().manual_seed(0)).double()


def plan(length: int, tile: int, causal: bool, step: int | None = None) -> Tiles:
    """The picture at that step, or at the last."""
    visits = kernels.tiles(length, (tile, tile), causal)
    step = len(visits) if step is None else step
    return Tiles(TOKENS, *random(), length=length, tile=tile, causal=causal, step=step)


@pytest.mark.parametrize("length, tile, causal", PLANS)
def test_what_has_moved_at_the_end_is_what_kernels_say(length, tile, causal):
    made = plan(length, tile, causal)
    whole = kernels.tiled_attention_bytes(length, 16, (tile, tile), causal=causal)
    assert made.totals() == (whole, kernels.plain_attention_bytes(length, 16))
    assert sum(made.moved()) == whole
    assert made.moved()[1] == 4 * length * 16  # each answer once


def test_each_step_moves_its_keys_and_values_and_a_row_s_queries_and_answers():
    made = plan(32, 8, causal=True, step=0)
    size, moved = 4 * 8 * 16, []
    for step in range(len(made.visits()) + 1):
        made.step = step
        moved.append(made.moved())
    steps = [tuple(np.subtract(b, a) // size) for a, b in zip(moved, moved[1:])]
    begins, within = (3, 0), (2, 0)
    assert steps == [(3, 1), begins, (2, 1), begins, within, (2, 1), begins, within, within, (2, 1)]


@pytest.mark.parametrize("length, tile, causal", PLANS)
def test_a_row_s_sum_is_pytorch_s(length, tile, causal):
    """The softmax's largest weight is 1 / sum, e^(largest - largest) being 1."""
    made = plan(length, tile, causal)
    q, k = random()[:, :length]
    eye = torch.eye(length).double()  # values that lay the weights open
    weights = F.scaled_dot_product_attention(q[None], k[None], eye[None], is_causal=causal)[0]
    for step, (query, key) in enumerate(made.visits(), 1):
        made.step = step
        if made._row_ends():
            row = weights[query + tile - 1, : key + tile].numpy()
            assert made.query() == query + tile - 1
            assert np.isclose(row.max(), 1 / made.running().sum, rtol=1e-5)
            assert np.allclose(made.powers() / made.running().sum, row, atol=1e-6)


def test_within_a_row_the_sum_is_that_of_the_keys_met_so_far():
    made = plan(64, 8, causal=False)
    for step in range(1, len(made.visits()) + 1):
        made.step = step
        state = made.running()
        assert np.isclose(state.sum, made.powers().sum())
        assert np.isclose(state.sum, state.scale * state.kept + state.part)
        assert state.largest >= state.old and made.powers().max() == 1


def test_fast_memory_holds_what_a_program_of_the_grid_holds():
    tile, D = 8, 16
    held = {"q": (tile, D), "k": (tile, D), "v": (tile, D), "weights": (tile, tile)}
    held |= {"answer": (tile, D), "largest": (tile,), "sum": (tile,)}
    assert fast_memory_bytes(tile, D) == sum(torch.empty(shape).nbytes for shape in held.values())


def test_larger_tiles_move_fewer_bytes_and_want_more_fast_memory():
    moved = [plan(64, tile, causal=True).totals()[0] for tile in SIDES]
    assert moved == sorted(moved, reverse=True) and len(set(moved)) == len(SIDES)
    held = [fast_memory_bytes(tile, 16) for tile in SIDES]
    assert held == sorted(held) and len(set(held)) == len(SIDES)


def test_it_says_what_travels_what_has_moved_and_the_running_sum():
    q, k = np.zeros((2, 16, 4))
    q[:, 0], k[4:, 0] = 2, np.log(2)  # keys from 4 on have scores of log 2, those before of 0
    made = Tiles(TOKENS[:16], q, k, length=16, tile=4)
    assert made.summary() == (
        "Nothing has travelled yet. Tiles to visit: 10, to skip: 6.\n"
        "Bytes read so far: 0, written: 0. The whole way in tiles moves 1,792, the plain way 5,120: "
        "2.86 times as many."
    )
    told = {}
    for step in range(1, 11):
        made.step = step
        told[step] = made.summary().splitlines()
    assert told[1][0] == (
        "Tile 1 of 10: queries 0 to 3 come in, with keys and values 0 to 3. Their answers go out."
    )
    assert told[1][2] == (
        "Query 3 (“token·3”): its largest score is 0, its sum 4. From all scores at once: 4."
    )
    assert told[5][0] == "Tile 5 of 10: keys and values 4 to 7 come in for queries 8 to 11."
    assert told[5][1].startswith("Bytes read so far: 832, written: 128.")
    assert told[5][2] == (
        "Query 11 (“token·11”): its largest score rises from 0 to 0.693. What was kept is scaled by "
        "e^(old − new) = 0.5: its sum is 0.5 · 4 + 4 = 6."
    )
    assert told[6][2] == (
        "Query 11 (“token·11”): its largest score stays 0.693. 4 is added to its sum: 10. "
        "From all scores at once: 10."
    )
    made.causal = False
    assert made.summary().startswith("Tile 10 of 16: keys and values 4 to 7 come in for")


def test_as_many_tokens_are_kept_as_can_be_chosen():
    T = 100
    made = Tiles([f"{i} " for i in range(T)], *random(T, 8), length=64, tile=32)
    assert made.lengths == [16, 32, 64] and len(made.tokens) == 64 and made.width == 8
    assert made.tokens[63] == "63·"


def test_the_state_stays_small():
    T = LENGTHS[-1]
    assert len(Tiles(["token"] * T, *random(T, 64)).html()) < 80_000


def wrong(**changes):
    q, k = random()
    return {"tokens": TOKENS, "q": q, "k": k} | changes


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        (wrong(tokens=TOKENS[:15]), ValueError, "the number of tokens=15 must be from 16 to"),
        (wrong(tokens=TOKENS[:32]), ValueError, "q has shape (64, 16); give (T, D) with T = 32"),
        (wrong(q=np.zeros((1, 64, 16))), ValueError, "q has shape (1, 64, 16)"),
        (wrong(k=np.zeros((64, 8))), ValueError, "k has (64, 8); give them the same"),
        (wrong(k=np.full((64, 16), np.nan)), ValueError, "k must hold finite numbers"),
        (wrong(q=np.zeros((64, 65))), ValueError, "q's width D=65 must be from 1 to 64"),
        (wrong(q=np.full((64, 16), 1e4)), ValueError, "give some within 50"),
        (wrong(length=128), ValueError, "length=128 must be one of 16, 32, 64"),
        (wrong(length=True), ValueError, "length=True must be one of"),
        (wrong(length=16, tile=32), ValueError, "tile=32 must be one of 4, 8, 16"),
        (wrong(tile=5), ValueError, "tile=5 must be one of 4, 8, 16, 32"),
        (wrong(causal=1), TypeError, "causal=1 must be True or False"),
        (wrong(step=11), ValueError, "step=11 must be from 0 to 10"),
        (wrong(step=1.0), TypeError, "step=1.0 must be a whole number"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Tiles(**arguments)
