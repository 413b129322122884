"""Attention is the same in each of a chip's ways."""

import pytest
import torch
import torch.nn.functional as F

from nbutils.attention import _attention_in_pieces, attention, attention_written_out
from nbutils.device import Chip

BFLOAT16 = Chip(torch.device("cpu"), torch.bfloat16, "CPU")


def shape_of_attention(dtype=torch.float32, grad=True):
    torch.manual_seed(0)
    return [torch.randn(2, 3, 8, 4, dtype=dtype, requires_grad=grad) for _ in range(3)]


def test_attention_is_pytorchs():
    q, k, v = shape_of_attention()
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert torch.equal(attention(q, k, v, causal=True), expected)
    mask = torch.ones(8, 8, dtype=torch.bool).tril()
    torch.testing.assert_close(attention(q, k, v, mask), expected)
    for grad in (True, False):
        dropped = attention(*shape_of_attention(grad=grad), causal=True, dropout=0.9)
        assert not torch.allclose(dropped, expected)


def test_a_cpu_samples_and_computes_long_contexts_without_pieces(monkeypatch):
    exact = attention(*shape_of_attention(), causal=True)
    with BFLOAT16.autocast():
        sampled = attention(*shape_of_attention(grad=False), causal=True)
        monkeypatch.setattr("nbutils.attention.IN_PIECES", 7)
        assert torch.equal(attention(*shape_of_attention(), causal=True), exact)
        with attention_written_out():
            torch.testing.assert_close(attention(*shape_of_attention(), causal=True), exact)
    assert sampled.dtype == torch.bfloat16
    torch.testing.assert_close(sampled.float(), exact, atol=0.03, rtol=0.03)


def test_attention_written_out_keeps_all_weights_and_ends():
    def kept():
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(sizes.append, lambda x: x):
            with BFLOAT16.autocast():
                attention(*shape_of_attention(), causal=True)
        return [tuple(tensor.shape) for tensor in sizes]

    plain = kept()
    with attention_written_out():
        assert (2, 3, 8, 8) in kept()
    assert kept() == plain and (2, 3, 8, 8) not in plain


@pytest.mark.parametrize("piece", [3, 4, 8, 100])
def test_pieces_of_attention_are_the_whole(monkeypatch, piece):
    monkeypatch.setattr("nbutils.attention.PIECE", piece)
    q, k, v = shape_of_attention()
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    found = _attention_in_pieces(q, k, v, 0.0)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(expected)
    slopes = [torch.autograd.grad(x, (q, k, v), upstream) for x in (found, expected)]
    torch.testing.assert_close(*slopes)


def test_training_in_bfloat16_takes_pieces(monkeypatch):
    q, k, v = shape_of_attention()
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    with BFLOAT16.autocast():
        found = attention(q, k, v, causal=True)
        assert torch.equal(found, _attention_in_pieces(q, k, v, 0.0))
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0.03)


def test_attention_gives_back_the_dtype_it_got():
    short = shape_of_attention(torch.bfloat16)
    x = attention(*short, causal=True)
    assert x.dtype == torch.bfloat16
    x.sum().backward()
    assert all(part.grad.dtype == torch.bfloat16 for part in short)
