"""Keys and values of the tokens already read, which each new token looks back at."""

import torch


class KVCache:
    """Keys and values of the tokens already read, so that no step computes them again.

    Memory for ``capacity`` tokens is taken once, in the dtype and on the device of the first
    keys; growing a tensor at every step would copy everything at every step.
    """

    def __init__(self, n_layer: int, capacity: int):
        self.capacity = capacity
        self.length = 0  # tokens already stored
        self._n_layer = n_layer
        self._keys: list[torch.Tensor] = []  # a layer's are (B, H, capacity, D)
        self._values: list[torch.Tensor] = []

    def update(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add a layer's new keys and values (B, H, T, D); returns all so far (B, H, S, D)."""
        B, H, T, D = key.shape
        start, end = self.length, self.length + T
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit a KVCache of capacity={self.capacity}")
        if layer == len(self._keys):
            self._keys.append(key.new_empty(B, H, self.capacity, D))
            self._values.append(value.new_empty(B, H, self.capacity, D))
        keys, values = self._keys[layer], self._values[layer]
        keys.narrow(2, start, T).copy_(key)  # half the time of keys[:, :, start:end] = key
        values.narrow(2, start, T).copy_(value)
        if layer == self._n_layer - 1:  # every layer has stored these tokens now
            self.length = end
        return keys.narrow(2, 0, end), values.narrow(2, 0, end)

    def mask(self) -> torch.Tensor | None:
        """Where one new token may look, for ``scaled_dot_product_attention``: None is anywhere."""
        return None


class StaticKVCache(KVCache):
    """A prompt's KVCache for steps that are all the same to a GPU, and so can be recorded.

    Its length is a tensor, (1,), and each step reads the whole memory through a mask.
    """

    def __init__(self, cache: KVCache):
        super().__init__(cache._n_layer, cache.capacity)
        self._keys, self._values = cache._keys, cache._values
        for memory in (*self._keys, *self._values):
            memory[:, :, cache.length :] = 0  # the mask's 0 times what happens to be there: not nan
        self.length = torch.tensor([cache.length], device=memory.device)

    def update(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add a layer's new key and value (B, H, 1, D); returns its memory (B, H, capacity, D)."""
        keys, values = self._keys[layer], self._values[layer]
        # Under autocast, rotary's keys may be in another format than the prompt's.
        keys.index_copy_(2, self.length, key.to(keys.dtype))
        values.index_copy_(2, self.length, value.to(values.dtype))
        if layer == self._n_layer - 1:
            self.length += 1
        return keys, values

    def mask(self) -> torch.Tensor:
        """(1, capacity): true up to the new token's own place."""
        return (torch.arange(self.capacity, device=self.length.device) <= self.length)[None]
