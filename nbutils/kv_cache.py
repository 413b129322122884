"""Keys and values of the tokens already read, which each new token looks back at."""

import torch

from nbutils.arguments import whole
from nbutils.words import sentence


class KVCache:
    """Keys and values of the tokens already read, so that no step computes them again.

    Memory for ``capacity`` tokens is taken once, in the dtype and on the device of the first
    keys; growing a tensor at every step would copy everything at every step.
    """

    def __init__(self, n_layer: int, capacity: int):
        self.capacity = whole("capacity", capacity, 1)
        self.length = 0  # tokens already stored
        self._n_layer = whole("n_layer", n_layer, 1)
        self._keys: list[torch.Tensor] = []  # a layer's are (B, H, capacity, D)
        self._values: list[torch.Tensor] = []

    def update(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add a layer's new keys and values (B, H, T, D); returns all so far (B, H, S, D)."""
        keys = self._store(self._keys, layer, key)
        values = self._store(self._values, layer, value)
        self._advance(layer, key.size(2))
        return keys, values

    def _store(self, memories: list[torch.Tensor], layer: int, new: torch.Tensor) -> torch.Tensor:
        """Put ``new`` (..., T, D) behind what a layer's memory has; returns all so far (..., S, D)."""
        *rows, T, D = new.shape
        end = self.length + T
        if end > self.capacity:
            raise ValueError(
                sentence(
                    "{end} tokens do not fit a KVCache of capacity={capacity}",
                    end=end,
                    capacity=self.capacity,
                )
            )
        if layer == len(memories):
            memories.append(new.new_empty(*rows, self.capacity, D))
        memory = memories[layer]
        memory.narrow(-2, self.length, T).copy_(new)  # half the time of memory[..., a:b, :] = new
        return memory.narrow(-2, 0, end)

    def _advance(self, layer: int, T: int) -> None:
        if layer == self._n_layer - 1:  # every layer has stored these tokens now
            self.length += T

    def mask(self) -> torch.Tensor | None:
        """Where one new token may look, for ``scaled_dot_product_attention``: None is anywhere."""
        return None


class InputCache(KVCache):
    """What each layer's attention was given, of which keys and values are made: half the numbers.

    For steps that make neither (`decoding` says how), where reading the memory is what takes time.
    """

    def __init__(self, n_layer: int, capacity: int):
        super().__init__(n_layer, capacity)
        self._inputs: list[torch.Tensor] = []  # a layer's are (B, capacity, C)

    def update_inputs(self, layer: int, x: torch.Tensor) -> torch.Tensor:
        """Add what a layer's attention is given now (B, T, C); returns all so far (B, S, C)."""
        inputs = self._store(self._inputs, layer, x)
        self._advance(layer, x.size(1))
        return inputs


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
