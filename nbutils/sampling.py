"""Logits become new tokens: one is drawn, put at the end of the context, and the next is asked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F

from nbutils.model import (
    GPT,
    MLP,
    Block,
    CausalSelfAttention,
    ReLUSquared,
    check_batch,
    check_ids,
    rotate,
)

COLDEST = torch.finfo(torch.float32).tiny  # what float32 cannot divide by counts as temperature 0


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


class _FixedCache(KVCache):
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
        keys.index_copy_(
            2, self.length, key.to(keys.dtype)
        )  # rotary's angles may be in another format
        values.index_copy_(2, self.length, value.to(values.dtype))
        if layer == self._n_layer - 1:
            self.length += 1
        return keys, values

    def mask(self) -> torch.Tensor:
        return (torch.arange(self.capacity, device=self.length.device) <= self.length)[None]


def next_token_probabilities(
    logits: torch.Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> torch.Tensor:
    """Logits (..., V) to the probabilities (..., V) that the next token is drawn from, float32.

    ``temperature`` divides the logits: below 1 sharpens, above 1 flattens, 0 (or less
    than ``COLDEST``) leaves only the largest. ``top_k`` then keeps the k likeliest tokens, and
    ``top_p`` the fewest of those whose probabilities reach p together ("nucleus sampling",
    Holtzman et al., 2020). What is kept is scaled to sum to 1. Raises ``ValueError`` for values
    that mean nothing.
    """
    _check_choice(temperature, top_k, top_p)
    logits = logits.float()
    if temperature < COLDEST:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(-1, keepdim=True), 1.0)
    if temperature != 1:  # without the largest taken off first, one near 0 would overflow
        logits = (logits - logits.amax(-1, keepdim=True)) / temperature
    V = logits.size(-1)
    if (top_k is None or top_k >= V) and (top_p is None or top_p == 1):
        return logits.softmax(-1)
    kept, ids = logits.topk(min(top_k or V, V))  # (..., k), likeliest first
    p = kept.softmax(-1)
    if top_p is not None and top_p < 1:
        before = p.cumsum(-1) - p  # what the likelier tokens already hold
        beyond = before >= top_p
        beyond[..., 0] = False  # the likeliest stays, even if float32 rounds top_p to 0
        p = p.masked_fill(beyond, 0.0)
    return torch.zeros_like(logits).scatter(-1, ids, p / p.sum(-1, keepdim=True))


def generate(
    model: GPT,
    tokens: torch.Tensor,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | Sequence[int] | None = None,
    seed: int | None = None,
    use_cache: bool = True,
    cuda_graph: bool = False,
) -> torch.Tensor:
    """The prompt (B, T) and the model's continuation, (B, T + new), on the prompt's device.

    It is computed where the model is, wherever the prompt is.

    ``temperature``, ``top_k``, ``top_p``: see ``next_token_probabilities``. ``stop``: one id or
    several; a row that drew one repeats it from then on, and when every row has, no more is
    drawn. ``seed``: the same seed, prompts and model draw the same tokens; without one PyTorch's
    own random state is used. All rows share one generator, so a row's tokens depend on the rows
    beside it. ``use_cache=False`` computes the whole context at every step: slower, but in
    float32 the same tokens. In 16 bits the two round differently and may draw others. With it, a
    CPU keeps a second copy of the matrices while several rows are drawn.
    ``cuda_graph``: with a cache, record a step once and replay it, so that a GPU need not wait for
    Python. Recording takes a while, so it is for many tokens; on a CPU nothing is recorded, and
    the same tokens come more slowly.

    The model sees at most its last ``block_size`` tokens. Once the text is longer, that window
    slides: every token changes its position, so nothing can be kept and each step computes the
    whole window.

    Raises ``ValueError`` for bad input.
    """
    new = stream(
        model,
        prompt := tokens.to(_place(model)),  # so that no step waits until its tokens are back
        max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop,
        seed=seed,
        use_cache=use_cache,
        cuda_graph=cuda_graph,
    )
    return torch.cat([prompt, *(drawn[:, None] for drawn in new)], dim=1).to(tokens.device)


def stream(
    model: GPT,
    tokens: torch.Tensor,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | Sequence[int] | None = None,
    seed: int | None = None,
    use_cache: bool = True,
    cuda_graph: bool = False,
) -> Iterator[torch.Tensor]:
    """``generate`` step by step: gives each step's new tokens, (B,), as soon as they are drawn.

    They are on the prompt's device: beside a model on a GPU, a prompt there spares each step a wait.
    Each step is computed in evaluation mode; between steps the model has the mode that it came
    with, so several streams, or training, can take turns.
    """
    _check_choice(temperature, top_k, top_p)
    _check_request(model, tokens, max_new_tokens)
    asked, tokens = tokens.device, tokens.to(_place(model))
    generator = None
    if seed is not None:
        generator = torch.Generator(tokens.device).manual_seed(seed)

    def draw(logits: torch.Tensor) -> torch.Tensor:  # (B, V) to (B,)
        if temperature < COLDEST:
            return logits.argmax(-1)
        p = next_token_probabilities(logits, temperature, top_k, top_p)
        # The same as p.multinomial(1), which first asks again whether p are probabilities.
        return p.div_(torch.empty_like(p).exponential_(generator=generator)).argmax(-1)

    capacity = min(tokens.size(1) + max_new_tokens, model.config.block_size)
    read = _Reader(model, capacity, use_cache, cuda_graph)
    steps = _steps(model, tokens, max_new_tokens, draw, read)
    ids = [] if stop is None else stop
    stops = torch.as_tensor(ids, dtype=torch.int64, device=tokens.device).flatten()
    if len(stops):
        check_ids("stop", stops, model.config.vocab_size)
        steps = _until_stopped(steps, tokens[:, -1], stops)
    return (new.to(asked) for new in steps)


def _place(model: GPT) -> torch.device:
    return next(model.parameters()).device


def _steps(
    model: GPT,
    tokens: torch.Tensor,
    max_new_tokens: int,
    draw: Callable[[torch.Tensor], torch.Tensor],
    read: Callable[[torch.Tensor], torch.Tensor],
) -> Iterator[torch.Tensor]:
    B, T = tokens.shape
    text = torch.cat([tokens, tokens.new_zeros(B, max_new_tokens)], dim=1)
    for end in range(T, T + max_new_tokens):
        with torch.inference_mode():
            text[:, end] = draw(read(text[:, :end]))
        yield text[:, end].clone()


class _Reader:
    """A function from text (B, T), a token longer at each call, to the logits (B, V) after it."""

    def __init__(self, model: GPT, capacity: int, use_cache: bool, cuda_graph: bool):
        self._model, self._cuda_graph = model, cuda_graph
        self._cache = KVCache(model.config.n_layer, capacity) if use_cache else None
        self._decode = None

    def __call__(self, text: torch.Tensor) -> torch.Tensor:
        block_size = self._model.config.block_size
        if text.size(1) > block_size:  # the window slides, and every position with it
            self._cache = self._decode = None
        if self._decode is not None:
            return self._decode(text[:, -1])
        if self._cache is None:
            return self._logits(text[:, -block_size:])
        if self._cache.length and _is_plain(self._model):
            self._decode = _decoder(self._model, self._cache, text[:, -1], self._cuda_graph)
            return self._decode(text[:, -1])
        return self._logits(text[:, self._cache.length :])

    def _logits(self, tokens: torch.Tensor) -> torch.Tensor:
        with _evaluation(self._model):  # only the last position is asked
            return self._model.unembed(self._model.hidden(tokens, self._cache)[:, -1])


# What follows says ``GPT.hidden`` and ``GPT.unembed`` a second time, for one new token of each row.
# Calling a module, finding its weights and waking a second thread each take as long as a small
# model's product; here the first two are done once, and the third where it pays. A test holds
# that the logits agree for every switch of ``GPTConfig``.

_PARTS = (GPT, nn.ModuleList, Block, CausalSelfAttention, MLP, ReLUSquared)
_PARTS += (nn.Embedding, nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.GELU, nn.Dropout)


def _is_plain(model: GPT) -> bool:
    """Whether each part is as ``nbutils.model`` made it: none exchanged, none with a hook."""
    return all(
        type(part) in _PARTS and not part._forward_hooks and not part._forward_pre_hooks
        for part in model.modules()
    )


def _decoder(
    model: GPT, cache: KVCache, tokens: torch.Tensor, cuda_graph: bool = False
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function from the newest token of each row (B,) to the logits after it (B, V).

    ``cache`` holds what was read before ``tokens`` (B,), the first that it will be given.
    """
    if not cuda_graph:
        return _stepping(model, cache, len(tokens))
    cache = _FixedCache(cache)
    decode = _stepping(model, cache, len(tokens))
    return _recorded(decode, tokens, cache.length) if tokens.is_cuda else decode


def _recorded(
    decode: Callable[[torch.Tensor], torch.Tensor], tokens: torch.Tensor, length: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """``decode`` as a CUDA graph; ``length`` is what a run of it changes for the next."""
    given, before = tokens.clone(), length.clone()
    enabled = torch.is_autocast_enabled("cuda")
    # Weights that autocast has shortened must live as long as the graph, so it keeps none itself.
    autocast = torch.autocast("cuda", enabled=enabled, cache_enabled=False)
    with torch.cuda.device(tokens.device), autocast:  # of several cards, the one with the model
        side, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            decode(given)  # what is set up at a first run can't be recorded
        torch.cuda.current_stream().wait_stream(side)
        length.copy_(before)
        with torch.cuda.graph(graph):
            logits = decode(given)

    def replay(tokens: torch.Tensor) -> torch.Tensor:
        given.copy_(tokens)
        graph.replay()
        return logits

    return replay


def _stepping(model: GPT, cache: KVCache, B: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """``GPT.hidden`` and ``unembed`` for one token of each row: (B,) to (B, V)."""
    blocks = [_decoding(block, cache, layer, B) for layer, block in enumerate(model.blocks)]
    table, positions = model.token_embedding.weight, model.position_embedding
    norm = _norm(model.final_norm)
    unembed = _product(table if model.head is None else model.head.weight, None, B)
    # Numbers read and multiplied, roughly, in the largest matrix: with fewer, one thread is faster.
    small = 4 * model.config.n_embd**2 * (16 + B) < 2**22

    def decode(tokens: torch.Tensor) -> torch.Tensor:
        threads = torch.get_num_threads()
        with _threads(1 if small else threads):
            x = F.embedding(tokens, table)  # (B, C)
            if positions is not None:
                x = x + positions.weight[cache.length]
            mask = cache.mask()
            for block in blocks:
                x = block(x, mask, threads)
            return unembed(norm(x))

    return decode


def _decoding(
    block: Block, cache: KVCache, layer: int, B: int
) -> Callable[[torch.Tensor, torch.Tensor | None, int], torch.Tensor]:
    """``Block.forward`` for one token of each row, (B, C); long attention gets all ``threads``."""
    attention, mlp = block.attention, block.mlp
    attention_norm, mlp_norm = _norm(block.attention_norm), _norm(block.mlp_norm)
    query_key_value, project, expand, contract = (
        _product(linear.weight, linear.bias, B)
        for linear in (attention.query_key_value, attention.projection, mlp.expand, mlp.contract)
    )

    placed = _placing(attention, cache.capacity)

    def forward(x: torch.Tensor, mask: torch.Tensor | None, threads: int) -> torch.Tensor:
        heads = query_key_value(attention_norm(x)).view(B, 3, attention.n_head, 1, -1)
        if placed is not None:
            heads = torch.cat([placed(heads[:, :2], cache.length), heads[:, 2:]], dim=1)
        q, k, v = heads.unbind(1)  # each (B, H, 1, D)
        k, v = cache.update(layer, k, v)  # (B, H, S, D)
        with _threads(threads) if k.numel() > 2**17 else nullcontext():
            y = F.scaled_dot_product_attention(q, k, v, mask)  # (B, H, 1, D)
        x = x + project(y.view(B, -1))
        return x + contract(mlp.activation.forward(expand(mlp_norm(x))))

    return forward


def _placing(
    attention: CausalSelfAttention, capacity: int
) -> Callable[[torch.Tensor, int], torch.Tensor] | None:
    """``CausalSelfAttention.placed`` for the query and key of one position, (B, 2, H, 1, D)."""
    if not (attention.qk_norm or attention.rotary):
        return None
    weight = attention.query_key_value.weight
    half = weight.size(0) // attention.n_head // 6
    # (1, 0) turned is (cos, sin): the angles of all positions, found once and not at each step.
    points = torch.cat([weight.new_ones(capacity, half), weight.new_zeros(capacity, half)], dim=1)
    turns = rotate(points).chunk(2, dim=-1)  # each (capacity, D / 2)

    def placed(x: torch.Tensor, position: int) -> torch.Tensor:
        if attention.qk_norm:
            x = F.rms_norm(x, x.shape[-1:])
        if not attention.rotary:
            return x
        cos, sin = (turn[position].to(x.dtype) for turn in turns)
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)

    return placed


def _norm(norm: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    options = dict(normalized_shape=norm.normalized_shape, weight=norm.weight, eps=norm.eps)
    if isinstance(norm, nn.RMSNorm):
        return partial(torch.rms_norm, **options)
    return partial(torch.layer_norm, bias=norm.bias, **options)


def _product(
    weight: torch.Tensor, bias: torch.Tensor | None, B: int
) -> Callable[[torch.Tensor], torch.Tensor]:
    """``nn.Linear``'s product (B, C). CPUs are faster with a turned copy of the matrix.

    Only one row times a large matrix is not: there, reading the matrix is what takes the time.
    """
    if weight.device.type != "cpu" or (B == 1 and weight.numel() > 2**18):
        return partial(F.linear, weight=weight, bias=bias)
    turned = weight.t().contiguous()
    if bias is None:
        return partial(torch.mm, mat2=turned)
    return partial(torch.addmm, bias, mat2=turned)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Inside it PyTorch computes with ``count`` threads; to switch takes 0.1 microseconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _evaluation(model: GPT) -> Iterator[None]:
    """Inside it nothing is dropped, for dropout belongs to training; then the mode comes back."""
    was_training = model.training
    if was_training:  # switching walks through every module, which each step would pay for
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def _until_stopped(
    steps: Iterator[torch.Tensor], last: torch.Tensor, stops: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Rows that drew a stop repeat it; ends when all have. ``last``: the prompts' last tokens."""
    stopped = torch.zeros_like(last, dtype=torch.bool)  # a stop at the prompt's end is no stop
    for new in steps:
        last = torch.where(stopped, last, new)
        yield last
        stopped = stopped | torch.isin(last, stops)
        if stopped.all():
            return


def _check_choice(temperature: float, top_k: int | None, top_p: float | None) -> None:
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature={temperature} must be 0 (always the likeliest) or above")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} must be at least 1, or None to keep every token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} must be above 0 and at most 1")


def _check_request(model: GPT, tokens: torch.Tensor, max_new_tokens: int) -> None:
    check_batch("tokens", tokens)
    check_ids("tokens", tokens, model.config.vocab_size)
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens={max_new_tokens} must be at least 0")
