"""The moving picture of attention's heads, its Python side."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nbutils.figures.moving.heads import AttentionHeads
from nbutils.model import GPT, GPTConfig
from nbutils.trace import trace

TOKENS = ["<start>", "Now", " Anna", " is", " in"]


def random(heads=2, width=16, T=5):
    return torch.randn(2, heads, T, width, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("token", range(len(TOKENS)))
def test_weights_are_pytorch_s(token, masked):
    q, k = random()
    picture = AttentionHeads(TOKENS, q, k, token=token, masked=masked)
    eye = torch.eye(len(TOKENS)).double().expand(2, -1, -1)  # values that lay the weights open
    expected = F.scaled_dot_product_attention(q, k, eye, is_causal=masked)[:, token]
    assert np.allclose(picture.weights(), expected, atol=1e-5, rtol=0)


def test_weights_are_those_of_a_network():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=9, block_size=8, n_layer=1, n_head=4, n_embd=64))
    layer = trace(model, torch.tensor([[1, 2, 3, 4, 5]])).layers[0]
    picture = AttentionHeads(TOKENS, layer.q[0], layer.k[0], token=3)
    assert np.allclose(picture.weights(), layer.weights[0, :, 3], atol=1e-5, rtol=0)
    scores = picture.scores()
    assert np.allclose(scores[:, :4], layer.scores[0, :, 3, :4], atol=1e-5, rtol=0)
    assert np.isneginf(scores[:, 4]).all()


def test_chapter_3b_s_bank_takes_in_the_river():
    x = np.array([[[0, 0], [2, 0], [1, 1]]])
    picture = AttentionHeads(["by the", " river", " bank"], x, x, token=2, scaled=False)
    assert picture.scores().tolist() == [[0, 2, 2]]
    assert np.round(picture.weights() @ x[0], 2).tolist() == [[1.4, 0.47]]


def test_without_the_division_scores_are_as_many_times_larger():
    q, k = random()
    picture = AttentionHeads(TOKENS, q, k, token=4)
    scores = picture.scores()
    assert np.allclose(picture.scores(scaled=False), 4 * scores)
    assert picture.weights(scaled=False).max() > picture.weights().max()


def test_it_says_where_the_token_looks_and_what_scale_and_mask_do():
    q, k = np.zeros((2, 2, 3, 4))
    q[:, 1], k[0, 0], k[1, 2] = 1, 1, 1  # head 1 finds the first token, head 2 the last
    made = AttentionHeads(["a", " b", "c"], q, k, token=1)
    assert made.summary() == (
        "Where ·b looks most: head 1 at a (88.1 %), head 2 at a (50 %).\n"
        "Scores are divided by √4: a head's largest weight is 69 % on average; "
        "undivided it would be 74.1 %.\n"
        "The mask is on. Tokens that come later: 1. They get nothing."
    )
    made.scaled = made.masked = False
    assert "head 2 at c (96.5 %)" in made.summary() and "are not divided" in made.summary()
    assert made.summary().endswith(
        "The mask is off. Tokens that come later: 1. They get 49.1 % of the weight."
    )
    made.token = 2
    assert made.summary().endswith("No token comes later, so the mask changes nothing here.")


def test_the_state_stays_small():
    T = 24
    q, k = random(heads=4, width=16, T=T)
    assert len(AttentionHeads(["token"] * T, q, k).html()) < 60_000


def wrong(**changes):
    q, k = random()
    return {"tokens": TOKENS, "q": q, "k": k} | changes


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        (wrong(tokens=["a"]), ValueError, "the number of tokens=1 must be from 2 to 24"),
        (wrong(tokens=TOKENS[:4]), ValueError, "q has shape (2, 5, 16); give (H, T, D) with T = 4"),
        (wrong(q=np.zeros((5, 16))), ValueError, "q has shape (5, 16)"),
        (wrong(k=np.zeros((2, 5, 8))), ValueError, "k has (2, 5, 8); give them the same"),
        (wrong(k=np.full((2, 5, 16), np.nan)), ValueError, "k must hold finite numbers"),
        (wrong(q=np.zeros((5, 5, 16))), ValueError, "q's number of heads=5 must be from 1 to 4"),
        (wrong(q=np.zeros((2, 5, 65))), ValueError, "q's width D=65 must be from 1 to 64"),
        (wrong(token=5), ValueError, "token=5 must be from 0 to 4"),
        (wrong(token=1.0), TypeError, "token=1.0 must be a whole number"),
        (wrong(scaled=1), TypeError, "scaled=1 must be True or False"),
        (wrong(masked=None), TypeError, "masked=None must be True or False"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        AttentionHeads(**arguments)
