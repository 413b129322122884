"""A trace is the model's own forward pass: every value is what the model's parts give."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from nbutils.config import SWITCHES
from nbutils.model import GPT, GPTConfig
from nbutils.trace import trace

# Odd on purpose: no two sizes are equal, so that no two axes can be swapped unseen.
CONFIG = GPTConfig(vocab_size=61, block_size=13, n_layer=3, n_head=5, n_embd=35)
B, T = 2, 11


def filled(**changes) -> GPT:
    """A model whose every parameter is random: biases and layer norms too, so none can hide."""
    torch.manual_seed(0)
    model = GPT(GPTConfig(**{**vars(CONFIG), **changes})).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def some_tokens(T: int = T) -> torch.Tensor:
    return torch.randint(61, (B, T), generator=torch.Generator().manual_seed(1))


def recorded(model: GPT, tokens: torch.Tensor) -> dict[str, tuple]:
    """What each of the model's modules was given and returned, by its name."""
    seen = {}
    hooks = [
        module.register_forward_hook(lambda m, x, y, name=name: seen.update({name: (x[0], y)}))
        for name, module in model.named_modules()
    ]
    with torch.no_grad():
        model(tokens)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.fixture(scope="module")
def both():
    model = filled()
    return trace(model, some_tokens()), recorded(model, some_tokens())


MODERN = dict(bias=False, n_embd=30, **dict.fromkeys(SWITCHES, True))


@pytest.mark.parametrize(
    "changes", [{}, {"tie_weights": False}, {"bias": False}, {"n_head": 1}, MODERN]
)
@pytest.mark.parametrize("length", [1, T, CONFIG.block_size])
def test_ends_with_the_models_own_logits(changes, length):
    model, tokens = filled(**changes), some_tokens(length)
    found = trace(model, tokens)
    with torch.no_grad():
        assert_close(found.logits, model(tokens))
        assert_close(found.final_normed, model.hidden(tokens))
    assert_close(found.probabilities, found.logits.softmax(dim=-1))
    assert torch.equal(found.tokens, tokens)


def test_shapes_are_as_documented(both):
    found, _ = both
    H, C = CONFIG.n_head, CONFIG.n_embd
    D = C // H
    assert found.token_embedding.shape == found.embedded.shape == (B, T, C)
    assert found.position_embedding.shape == (T, C)
    assert found.logits.shape == (B, T, 61)
    assert len(found.layers) == CONFIG.n_layer
    for layer in found.layers:
        shapes = {name: tuple(value.shape) for name, value in vars(layer).items()}
        narrow = dict.fromkeys(("q", "k", "v", "heads"), (B, H, T, D))
        square = dict.fromkeys(("scores", "weights"), (B, H, T, T))
        wide = {"mlp_hidden": (B, T, 4 * C)}
        rest = dict.fromkeys(set(shapes) - set(narrow) - set(square) - set(wide), (B, T, C))
        assert shapes == {**narrow, **square, **wide, **rest}


def test_the_stream_begins_as_the_sum_of_the_two_tables(both):
    found, seen = both
    assert_close(found.token_embedding, seen["token_embedding"][1])
    assert_close(found.embedded, seen["blocks.0"][0])
    assert_close(found.embedded, found.token_embedding + found.position_embedding)


@pytest.mark.parametrize("i", range(CONFIG.n_layer))
def test_every_value_is_what_the_models_part_gives(both, i):
    found, seen = both[0].layers[i], both[1]
    at = f"blocks.{i}"
    assert_close(found.attention_normed, seen[f"{at}.attention_norm"][1])
    assert_close(found.after_attention, seen[f"{at}.mlp_norm"][0])
    assert_close(found.attention_answer, seen[f"{at}.attention"][1])
    assert_close(found.mlp_normed, seen[f"{at}.mlp_norm"][1])
    assert_close(found.mlp_hidden, seen[f"{at}.mlp.contract"][0])
    assert_close(found.mlp_answer, seen[f"{at}.mlp"][1])
    assert_close(found.after_mlp, seen[at][1])


@pytest.mark.parametrize("i", range(CONFIG.n_layer))
def test_attention_is_pytorchs_head_by_head(both, i):
    found, seen = both[0].layers[i], both[1]
    three = seen[f"blocks.{i}.attention.query_key_value"][1]  # (B, T, 3 C)
    D = CONFIG.n_embd // CONFIG.n_head
    for h in range(CONFIG.n_head):
        q, k, v = (part[..., h * D : (h + 1) * D] for part in three.chunk(3, dim=-1))
        assert_close(found.q[:, h], q)
        assert_close(found.k[:, h], k)
        assert_close(found.v[:, h], v)
        assert_close(found.scores[:, h], torch.einsum("btd,bsd->bts", q, k) / math.sqrt(D))
        expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        assert_close(found.heads[:, h], expected)


def test_weights_are_shares_and_never_look_ahead(both):
    for layer in both[0].layers:
        assert_close(layer.weights.sum(dim=-1), torch.ones(B, CONFIG.n_head, T))
        assert not layer.weights.triu(1).any()
        assert layer.scores.triu(1).any()  # before the mask: what would have been


def test_streams_are_the_embedding_and_what_left_each_block(both):
    found, _ = both
    streams = found.streams()
    assert streams.shape == (CONFIG.n_layer + 1, B, T, CONFIG.n_embd)
    assert torch.equal(streams[0], found.embedded)
    for layer, stream in zip(found.layers, streams[1:], strict=True):
        assert torch.equal(layer.after_mlp, stream)


def test_a_model_in_training_is_traced_without_dropout_and_left_as_it_was():
    model = filled(dropout=0.5)
    expected = trace(model, some_tokens()).logits
    model.train()
    assert torch.equal(trace(model, some_tokens()).logits, expected)
    assert model.training


def test_nothing_needs_a_gradient_or_shares_memory_with_the_weights():
    model = filled()
    found = trace(model, some_tokens())
    values = [value for layer in found.layers for value in vars(layer).values()]
    values += [value for value in vars(found).values() if isinstance(value, torch.Tensor)]
    assert not any(value.requires_grad for value in values)
    before = found.position_embedding.clone()
    with torch.no_grad():
        model.position_embedding.weight.zero_()
    assert torch.equal(found.position_embedding, before)


@pytest.mark.parametrize(
    "tokens, message",
    [
        (torch.zeros(1, 14, dtype=torch.long), "14 tokens is longer .* keep the last 13"),
        (torch.tensor([[61]]), "id 61, outside this model's vocabulary"),
        (torch.zeros(3, dtype=torch.long), "not .B, T."),
        (torch.zeros(1, 3), "use tokens.long"),
    ],
)
def test_refuses_what_the_model_refuses(tokens, message):
    with pytest.raises(ValueError, match=message):
        trace(filled(), tokens)
