"""A cache spares work and changes nothing."""

import pytest
import torch
from networks import MODERN, TINY, filled, tokens_for

from nbutils.kv_cache import KVCache


@pytest.mark.parametrize("config", [TINY, MODERN])
@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 1, 3], [4, 3], [1, 6]])
def test_the_cache_changes_no_logits(sizes, config):
    model, tokens = filled(config), tokens_for(config, 2, 7)
    cache = KVCache(config.n_layer, config.block_size)
    with torch.no_grad():
        parts = [model(part, cache=cache) for part in tokens.split(sizes, dim=1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(tokens), atol=1e-5, rtol=1e-5)
    assert cache.length == 7


def test_a_cache_counts_toward_the_context():
    model, cache = filled(TINY), KVCache(TINY.n_layer, 99)
    model(tokens_for(TINY, 1, 16), cache=cache)
    with pytest.raises(ValueError, match="17 tokens is longer"):
        model(tokens_for(TINY, 1, 1), cache=cache)


def test_the_cache_takes_its_memory_once():
    cache = KVCache(n_layer=1, capacity=6)
    one = torch.randn(2, 3, 1, 4)
    keys, values = cache.update(0, one, 2 * one)
    assert torch.equal(keys, one) and torch.equal(values, 2 * one)
    more, _ = cache.update(0, -one, one)
    assert more.data_ptr() == keys.data_ptr() and cache.length == 2
    assert torch.equal(more, torch.cat([one, -one], dim=2))
    with pytest.raises(ValueError, match="7 tokens do not fit a KVCache of capacity=6"):
        cache.update(0, torch.randn(2, 3, 5, 4), torch.randn(2, 3, 5, 4))
