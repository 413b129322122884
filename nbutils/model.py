"""A context goes in, one number (a logit) for every possible next token comes out.

This is GPT-2 (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners"), whole
and plain, with four switches for what came after it (chapter 6 measures each). It knows nothing of
optimizers; files are `hub`'s concern, and chips `attention`'s. Read ``GPT`` first, then ``Block``.
Shapes: B (batch), T (time), C (channels, ``n_embd``), H (heads), D (C / H), V (vocabulary).
"""

import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

from nbutils import hub
from nbutils.arguments import of_type, whole
from nbutils.attention import attention
from nbutils.config import GPTConfig
from nbutils.elementwise import apply_rotary, relu_squared, rms_norm
from nbutils.ids import check_device, check_labels, check_tokens, check_window
from nbutils.windows import IGNORE


def rotate(x: torch.Tensor, start: int = 0) -> torch.Tensor:
    """Turn each vector (..., T, D) by its position: the first is at position ``start``.

    Number i and number i + D / 2 are a point in a plane, turned by position / 10,000^(2 i / D)
    radians. The dot product of two turned vectors depends only on how far apart they stand (Su et
    al., 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding").
    """
    T, D = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, D, 2, device=x.device) / D)  # (D / 2,)
    angles = torch.arange(start, start + T, device=x.device)[:, None] * speeds  # (T, D / 2)
    return apply_rotary(x, angles.cos().to(x.dtype), angles.sin().to(x.dtype))


class CausalSelfAttention(nn.Module):
    """Each position gathers from itself and the positions before it; none sees what comes after.

    softmax(Q K^T / sqrt(D)) V of Vaswani et al. (2017), in ``n_head`` heads. (B, T, C).
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_head, self.dropout = config.n_head, config.dropout
        self.qk_norm, self.rotate = config.qk_norm, rotate if config.rotary else None
        # One matrix makes query, key and value: one large product is faster than three small ones.
        self.query_key_value = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: torch.Tensor, cache=None, layer: int = 0) -> torch.Tensor:
        q, k, v = self.queries_keys_values(x, 0 if cache is None else cache.length)
        if cache is not None:  # keys and values of earlier tokens need no second computation
            k, v = cache.update(layer, k, v)  # (B, H, S, D), S = all tokens so far
        T, S, mask = q.size(2), k.size(2), None
        if 1 < T < S:  # the T newest of S tokens: is_causal would align them with the oldest
            mask = torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        dropout = self.dropout if self.training else 0.0
        # softmax(q k^T / sqrt(D)) v, as in `attention_weights`, in the way that the chip does fast.
        x = attention(q, k, v, mask, dropout=dropout, causal=T == S)  # (B, H, T, D)
        return self.projection(x.transpose(1, 2).flatten(2))  # heads side by side again: (B, T, C)

    def queries_keys_values(self, x: torch.Tensor, start: int = 0) -> tuple[torch.Tensor, ...]:
        """Of x (B, T, C), whose first position is ``start``; each (B, H, T, D)."""
        B, T, _ = x.shape
        heads = self.query_key_value(x).view(B, T, 3 * self.n_head, -1)  # (B, T, 3 H, D)
        q, k, v = heads.transpose(1, 2).chunk(3, dim=1)  # each (B, H, T, D)
        return self.normalize_and_rotate(q, start), self.normalize_and_rotate(k, start), v

    def normalize_and_rotate(self, x: torch.Tensor, start: int) -> torch.Tensor:
        """Queries or keys (..., T, D) as they are compared; GPT-2 changes nothing here."""
        if self.qk_norm:  # no dot product can grow without bound (Henry et al., 2020)
            x = rms_norm(x)
        return x if self.rotate is None else self.rotate(x, start)

    def attention_weights(self, q: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """How much each query (row) takes of each value: scores, and their softmax (B, H, T, T)."""
        scores = q @ k.mT / math.sqrt(q.size(-1))  # (B, H, T, T)
        later = torch.ones_like(scores, dtype=torch.bool).triu(1)
        return scores, scores.masked_fill(later, -math.inf).softmax(dim=-1)


class ReLUSquared(nn.Module):
    """max(0, x)^2: cheaper than GELU, and exactly 0 for about half (So et al., 2021, "Primer")."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return relu_squared(x)


class MLP(nn.Module):
    """Each position thinks for itself: four times wider, bent by a GELU, and back. (B, T, C)."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        gelu = nn.GELU(approximate="tanh")  # GPT-2 uses this approximation, so we must too
        self.activation = ReLUSquared() if config.relu_squared else gelu
        self.contract = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.contract(self.activation(self.expand(x)))


class Block(nn.Module):
    """Attention, then MLP; each reads a normalised copy of x and adds its answer to x. (B, T, C).

    The sum that runs through all blocks untouched is the residual stream.
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.attention_norm = _norm(config)
        self.attention = CausalSelfAttention(config)
        self.mlp_norm = _norm(config)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, cache=None, layer: int = 0) -> torch.Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), cache, layer))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class GPT(nn.Module):
    """Tokens (B, T) in, logits (B, T, V) out: at every position a score for every next token."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = of_type("config", config, GPTConfig, "give GPTConfig(...)")
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.position_embedding = None
        if not config.rotary:
            self.position_embedding = nn.Embedding(config.block_size, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final_norm = _norm(config)
        # A tied head is the token table used backwards, so it has no weights of its own.
        self.head = None
        if not config.tie_weights:
            self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.register_load_state_dict_pre_hook(hub.read_over_wrappers)
        self.apply(_initialise)
        # 2 n_layer answers are summed in the residual stream; each starts small enough that the
        # sum does not grow with depth (GPT-2's paper, section 2.3).
        for block in self.blocks:
            for last in (block.attention.projection, block.mlp.contract):
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * config.n_layer))

    def forward(self, tokens: torch.Tensor, labels: torch.Tensor | None = None, cache=None):
        """The logits, or with labels the pair (logits, loss).

        ``tokens`` and ``labels``: integers (B, T). ``loss``: mean cross-entropy in nats per
        token over the labels that are not ``IGNORE``; nan if all are. ``cache``: see
        ``kv_cache.KVCache``; tokens then holds only what is new.

        Raises ``ValueError`` for a wrong shape, dtype or length, for ids on another device than the
        model, and on the CPU for ids outside the vocabulary.
        """
        if labels is not None:
            check_labels(labels, tokens, self.config)
        logits = self.unembed(self.hidden(tokens, cache))  # (B, T, V)
        if labels is None:
            return logits
        # float32, because a sum over a large vocabulary in 16 bits loses the small terms.
        flat = logits.flatten(0, 1).float()  # (B * T, V)
        return logits, F.cross_entropy(flat, labels.flatten().long(), ignore_index=IGNORE)

    def hidden(self, tokens: torch.Tensor, cache=None) -> torch.Tensor:
        """The residual stream after the last block and norm, (B, T, C): all but the logits."""
        start = 0 if cache is None else cache.length
        check_tokens(tokens, self.config, start)
        check_device("tokens", tokens, self.token_embedding.weight.device)
        x = self.token_embedding(tokens)  # (B, T, C)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start : start + tokens.size(1)]  # (T, C)
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            # Without a cache all blocks are called alike: compiled, they are one program.
            x = block(x) if cache is None else block(x, cache, layer)
        return self.final_norm(x)

    def unembed(self, x: torch.Tensor) -> torch.Tensor:
        """Residual stream (..., C) to logits (..., V).

        Sampling calls it for the last position alone: with a vocabulary of 100,277 it is the
        dearest product of a small model.
        """
        table = self.token_embedding if self.head is None else self.head
        return F.linear(x, table.weight)

    def num_parameters(self, head: bool = True) -> int:
        """How many numbers training can change; ``head=False`` leaves out an untied head."""
        total = sum(p.numel() for p in self.parameters())
        return total if head or self.head is None else total - self.head.weight.numel()

    def flops_per_token(self, length: int | None = None) -> int:
        """Floating-point operations that training spends on each token: 6 N + 12 n_layer C T.

        N: the weights that multiply, namely all matrices but the tables that only look up. Each
        costs a multiplication and an addition forward, and backward twice as many: a third of the
        answer is what a forward pass alone costs. The second term is attention's products, for
        windows of ``length`` tokens (T; None: ``block_size``), masked pairs counted too.

        Source: Kaplan et al. (2020), section 2.1; Chowdhery et al. (2022), "PaLM", appendix B.
        """
        T = self.config.block_size if length is None else whole("length", length, -math.inf)
        check_window(T, self.config)
        inside = sum(p.numel() for p in self.blocks.parameters() if p.dim() == 2)
        matrices = inside + self.token_embedding.weight.numel()  # the head has the table's shape
        return 6 * matrices + 12 * self.config.n_layer * self.config.n_embd * T

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike) -> "GPT":
        """A GPT that ``save_pretrained`` or a page wrote, or a GPT-2 in Hugging Face's layout, in
        evaluation mode and float32, on the CPU. ``name_or_path``: a folder with config.json and
        model.safetensors; a file of the page's (`network_file`); or a name such as "gpt2", "gpt2-xl" or
        "someone/their-gpt2", which is downloaded. Raises ``FileNotFoundError`` for a path at which there
        is none, ``ConnectionError`` if a download fails, and ``ValueError`` for a model that is not
        built like this one.
        """
        from nbutils import (
            network_file,
        )  # it brings encodings, which a network without a file does not need

        path = hub.find_pretrained(name_or_path)
        reader = network_file if path.is_file() else hub
        with torch.device("meta"):  # shapes only: the file brings the numbers
            model = cls(reader.read_config(path))
        weights = reader.read_weights(path, model.config, model.state_dict())
        model.load_state_dict(weights, assign=True)
        return model.eval()

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write config.json and model.safetensors, which transformers reads too: see `hub`."""
        hub.save_pretrained(folder, self.config, self.state_dict())


class RMSNorm(nn.RMSNorm):
    """Zhang and Sennrich's (2019), with a scale: a layer norm that takes no mean off."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return rms_norm(x, self.weight, self.eps)


def _norm(config: GPTConfig) -> nn.Module:
    """A norm for vectors of width C."""
    if config.rms_norm:
        return RMSNorm(config.n_embd, eps=1e-5)
    return nn.LayerNorm(config.n_embd, bias=config.bias)


def _initialise(module: nn.Module) -> None:
    """GPT-2's start: small random weights, biases zero, layer norms that change nothing."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
