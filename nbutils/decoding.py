"""A step of sampling: the newest token of each row goes in, the logits after it come out.

With one token in each row, calling an ``nn.Module``, finding its weights and waking a second thread
each take as long as a small model's product. So a step calls the network's own forward functions
(``Block.forward``, ``MLP.forward``, ``CausalSelfAttention.normalize_and_rotate``) over plain
functions in the place of modules, and takes the threads that pay. For the preset "sorter" it is more than
twice as fast as the modules, for "small" one and a half times; GPT-2's 124 million parameters take the
same time either way. A test holds that the logits agree for every switch of ``GPTConfig``.

With several texts, reading the keys and values of all tokens so far takes longer than all else. Where
it can, a step then reads what both were made of, half as many numbers: see `_AttentionOverInputs`.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F

from nbutils.elementwise import apply_rotary
from nbutils.ids import check_tokens
from nbutils.kv_cache import InputCache, KVCache, StaticKVCache
from nbutils.model import GPT, MLP, Block, CausalSelfAttention, ReLUSquared, RMSNorm, rotate

Function = Callable[[torch.Tensor], torch.Tensor]
_KNOWN_MODULES = (GPT, nn.ModuleList, Block, CausalSelfAttention, MLP, ReLUSquared)
_KNOWN_MODULES += (nn.Embedding, nn.Linear, nn.LayerNorm, RMSNorm, nn.GELU, nn.Dropout)
_MANY_KEYS = 2**17  # numbers among a layer's keys from which on attention gains by all threads

_TEXTS, _HEADS = 4, 8  # from so many texts on, and up to so many heads, inputs are kept: measured
_MANY_INPUTS = 2**17  # numbers among a layer's inputs, at the end, from which on that gains


def is_unmodified(model: GPT) -> bool:
    """Whether each part is as ``nbutils.model`` made it: none exchanged, none with a hook."""
    return all(
        type(part) in _KNOWN_MODULES and not part._forward_hooks and not part._forward_pre_hooks
        for part in model.modules()
    )


def keeps_inputs(model: GPT, B: int, capacity: int) -> bool:
    """Whether B texts of up to ``capacity`` tokens go on faster over an `InputCache` than over keys and
    values, equally exact."""
    config, table = model.config, model.token_embedding.weight
    kept_as_made = not (config.rotary or config.qk_norm)  # a key is then a matrix times its input
    in_float32 = table.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    on_cpu = table.device.type == "cpu" and in_float32
    few_heads = B >= _TEXTS and config.n_head <= _HEADS
    many = few_heads and B * capacity * config.n_embd >= _MANY_INPUTS
    return on_cpu and many and kept_as_made and is_unmodified(model)


def read_inputs(model: GPT, tokens: torch.Tensor, cache: InputCache) -> torch.Tensor:
    """The logits (B, V) after a prompt (B, T), in evaluation mode; ``cache``, empty, keeps it."""
    check_tokens(tokens, model.config, 0)
    x = model.token_embedding(tokens) + model.position_embedding.weight[: tokens.size(1)]
    for layer, block in enumerate(model.blocks):
        given = block.attention_norm(x)
        cache.update_inputs(layer, given)
        x = x + block.attention(given)
        x = x + block.mlp(block.mlp_norm(x))
    return model.unembed(model.final_norm(x[:, -1]))


def read_prompt(
    model: GPT, tokens: torch.Tensor, capacity: int, cuda_graph: bool = False
) -> tuple[torch.Tensor, KVCache]:
    """The logits (B, V) after a prompt (B, T), and what the next steps need of it: a cache with room
    for ``capacity`` tokens. The model is in evaluation mode."""
    if not cuda_graph and keeps_inputs(model, len(tokens), capacity):
        cache = InputCache(model.config.n_layer, capacity)
        return read_inputs(model, tokens, cache), cache
    cache = KVCache(model.config.n_layer, capacity)
    return model.unembed(model.hidden(tokens, cache)[:, -1]), cache


def decoder(model: GPT, cache: KVCache, tokens: torch.Tensor, cuda_graph: bool = False) -> Function:
    """A function from the newest token of each row (B,) to the logits after it (B, V).

    ``cache`` holds what was read before ``tokens`` (B,), the first that it will be given. The model
    is plain (`is_unmodified`), and its weights stay as they are.
    """
    if not cuda_graph:
        return _DecodeStep(model, cache, len(tokens)).forward
    cache = StaticKVCache(cache)
    decode = _DecodeStep(model, cache, len(tokens)).forward
    return _capture_cuda_graph(decode, tokens, cache.length) if tokens.is_cuda else decode


def _capture_cuda_graph(decode: Function, tokens: torch.Tensor, length: torch.Tensor) -> Function:
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


class _DecodeStep:
    """``GPT.hidden`` and ``GPT.unembed`` for one token of each row, and what its layers share."""

    def __init__(self, model: GPT, cache: KVCache, B: int):
        self.B, self.cache = B, cache
        self.table, self.positions = model.token_embedding.weight, model.position_embedding
        self.blocks = [_Block(block, self).forward for block in model.blocks]
        self.final_norm = _norm(model.final_norm)
        head = model.token_embedding if model.head is None else model.head
        self.unembed = _matmul(head.weight, None, B)
        # Numbers read and multiplied in the largest matrix, roughly: with few, one thread is faster.
        self.small = 4 * model.config.n_embd**2 * (16 + B) < 2**22
        if model.config.rotary:
            half = model.config.n_embd // model.config.n_head // 2
            # (1, 0) turned is (cos, sin): the angles of all positions, found once.
            points = [
                new(cache.capacity, half) for new in (self.table.new_ones, self.table.new_zeros)
            ]
            self.turns = rotate(torch.cat(points, dim=-1))  # (capacity, D)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B,) to (B, V)."""
        cache, self.threads = self.cache, torch.get_num_threads()
        self.mask = cache.mask()
        torch.set_num_threads(1 if self.small else self.threads)  # takes 0.1 microseconds
        try:
            x = F.embedding(tokens, self.table)  # (B, C)
            if self.positions is None:
                self.cos_sin = self.turns[cache.length].chunk(2, dim=-1)  # each (D / 2,)
            else:
                x = x + self.positions.weight[cache.length]
            for layer, block in enumerate(self.blocks):
                x = block(x, cache, layer)
            return self.unembed(self.final_norm(x))
        finally:
            torch.set_num_threads(self.threads)

    def rotate(self, x: torch.Tensor, start: int) -> torch.Tensor:
        cos, sin = self.cos_sin
        return apply_rotary(x, cos.to(x.dtype), sin.to(x.dtype))

    def attention(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float | None = None
    ) -> torch.Tensor:
        """softmax(scale q k^T) v, with all threads if the keys are many; ``scale``: 1 / sqrt(D)."""
        many = self.small and k.numel() > _MANY_KEYS
        if many:
            torch.set_num_threads(self.threads)
        x = F.scaled_dot_product_attention(q, k, v, self.mask, scale=scale)
        if many:
            torch.set_num_threads(1)
        return x


class _Block:
    forward = Block.forward

    def __init__(self, block: Block, step: _DecodeStep):
        self.attention_norm, self.mlp_norm = _norm(block.attention_norm), _norm(block.mlp_norm)
        over_inputs = isinstance(step.cache, InputCache)
        attention = _AttentionOverInputs if over_inputs else _Attention
        self.attention = attention(block.attention, step).forward
        self.mlp = _MLP(block.mlp, step.B).forward

    @staticmethod
    def dropout(x: torch.Tensor) -> torch.Tensor:
        return x


class _MLP:
    forward = MLP.forward

    def __init__(self, mlp: MLP, B: int):
        self.expand, self.contract = _linear(mlp.expand, B), _linear(mlp.contract, B)
        self.activation = mlp.activation.forward


class _Attention:
    """``CausalSelfAttention`` for T = 1, where nothing needs to be transposed."""

    normalize_and_rotate = CausalSelfAttention.normalize_and_rotate

    def __init__(self, attention: CausalSelfAttention, step: _DecodeStep):
        self.step, self.B, self.n_head = step, step.B, attention.n_head
        self.qk_norm, self.rotate = attention.qk_norm, attention.rotate and step.rotate
        self.query_key_value = _linear(attention.query_key_value, step.B)
        self.projection = _linear(attention.projection, step.B)

    def forward(self, x: torch.Tensor, cache: KVCache, layer: int) -> torch.Tensor:
        heads = self.query_key_value(x).view(self.B, 3, self.n_head, 1, -1)
        q, k, v = heads.unbind(1)  # each (B, H, 1, D)
        if self.qk_norm or self.rotate:  # both at once
            q, k = self.normalize_and_rotate(heads[:, :2], cache.length).unbind(1)
        k, v = cache.update(layer, k, v)  # (B, H, S, D)
        return self.projection(self.step.attention(q, k, v).view(self.B, -1))  # (B, C)


class _AttentionOverInputs:
    """``CausalSelfAttention`` for T = 1 over the inputs of all tokens, without keys and values.

    A key is k = W x + b of its input x, so q k = (q W) x + q b. All keys share q b, so softmax does not
    see it. The weights sum to 1, so the mean value is W (mean input) + b, with the values' W and b.
    Each head thus compares a query as wide as x, (C,), with inputs that all heads share. DeepSeek-V2
    absorbs its matrices so (DeepSeek-AI, 2024, arXiv 2405.04434, section 2.1.2).

    Half the bytes are read, for H times the operations: good while memory is what is waited for.
    """

    def __init__(self, attention: CausalSelfAttention, step: _DecodeStep):
        self.step, self.B, self.n_head = step, step.B, attention.n_head
        weight, bias = attention.query_key_value.weight, attention.query_key_value.bias
        C, projection = weight.size(1), attention.projection
        self.scale = (C // self.n_head) ** -0.5
        queries, keys, values = weight.split(C)  # each (C, C)
        self.query = _matmul(queries, None if bias is None else bias[:C], self.B)
        self.keys = keys.view(self.n_head, -1, C)  # (H, D, C)
        self.values = values.view(self.n_head, -1, C).mT.contiguous()  # (H, C, D)
        if bias is not None:
            bias = F.linear(bias[2 * C :], projection.weight, projection.bias)
        self.projection = _matmul(projection.weight, bias, self.B)

    def forward(self, x: torch.Tensor, cache: InputCache, layer: int) -> torch.Tensor:
        q = self.query(x).view(self.B, self.n_head, -1).transpose(0, 1)  # (H, B, D)
        q = torch.bmm(q, self.keys).transpose(0, 1)[:, None]  # (B, 1, H, C): one head, H queries
        inputs = cache.update_inputs(layer, x[:, None])[:, None]  # (B, 1, S, C)
        x = self.step.attention(q, inputs, inputs, self.scale)[:, 0]  # (B, H, C)
        x = torch.bmm(x.transpose(0, 1), self.values).transpose(0, 1)  # (B, H, D)
        return self.projection(x.reshape(self.B, -1))  # (B, C)


def _norm(norm: nn.Module) -> Function:
    options = dict(normalized_shape=norm.normalized_shape, weight=norm.weight, eps=norm.eps)
    if isinstance(norm, nn.RMSNorm):
        return partial(torch.rms_norm, **options)
    return partial(torch.layer_norm, bias=norm.bias, **options)


def _linear(linear: nn.Linear, B: int) -> Function:
    return _matmul(linear.weight, linear.bias, B)


def _matmul(weight: torch.Tensor, bias: torch.Tensor | None, B: int) -> Function:
    """``nn.Linear``'s product (B, C). CPUs are faster with a turned copy of the matrix.

    Only one row times a large matrix is not: there, reading the matrix is what takes the time.
    """
    if weight.device.type != "cpu" or (B == 1 and weight.numel() > 2**18):
        return partial(F.linear, weight=weight, bias=bias)
    turned = weight.t().contiguous()
    if bias is None:
        return partial(torch.mm, mat2=turned)
    return partial(torch.addmm, bias, mat2=turned)
