"""Every intermediate value of a GPT's forward pass, kept by name.

``GPT.forward`` keeps nothing and lets PyTorch's fast attention hide the weights that it uses.
``trace`` walks the same way through the model's own parts, with attention written out, and keeps
each value. Shapes are written with B (batch), T (time), C (channels), H (heads), D (head width,
C / H), V (vocabulary), as in ``nbutils.model``.
"""

from dataclasses import dataclass

import torch

from nbutils.ids import check_model, check_tokens, to_model_device
from nbutils.model import GPT, Block, CausalSelfAttention


@dataclass(frozen=True)
class LayerTrace:
    """What happened in one block, in the order in which it happened."""

    attention_normed: torch.Tensor
    """(B, T, C): the copy of the stream that attention reads, after its layer norm."""
    q: torch.Tensor
    """(B, H, T, D): each position's query, as it is compared (with qk_norm and rotary done)."""
    k: torch.Tensor
    """(B, H, T, D): each position's key, as it is compared."""
    v: torch.Tensor
    """(B, H, T, D): each position's value."""
    scores: torch.Tensor
    """(B, H, T, T): query (row) times key (column) over sqrt(D), before mask and softmax."""
    weights: torch.Tensor
    """(B, H, T, T): the softmax of the masked scores; each row sums to 1, nothing looks ahead."""
    heads: torch.Tensor
    """(B, H, T, D): each head's weighted mean of the values."""
    attention_answer: torch.Tensor
    """(B, T, C): the heads side by side, projected: what attention adds to the stream."""
    after_attention: torch.Tensor
    """(B, T, C): the stream with that answer added."""
    mlp_normed: torch.Tensor
    """(B, T, C): the copy of the stream that the MLP reads, after its layer norm."""
    mlp_hidden: torch.Tensor
    """(B, T, 4 C): the MLP's wide middle, after its activation."""
    mlp_answer: torch.Tensor
    """(B, T, C): what the MLP adds to the stream."""
    after_mlp: torch.Tensor
    """(B, T, C): the stream with that answer added: what the next block gets."""


@dataclass(frozen=True)
class Trace:
    """A forward pass from tokens to probabilities; ``layers`` holds one entry for each block."""

    tokens: torch.Tensor
    """(B, T): what went in."""
    token_embedding: torch.Tensor
    """(B, T, C): each token's row of the token table."""
    position_embedding: torch.Tensor
    """(T, C): each position's row of the position table; zeros where a model has none (rotary)."""
    embedded: torch.Tensor
    """(B, T, C): their sum, where the residual stream begins."""
    layers: tuple[LayerTrace, ...]
    final_normed: torch.Tensor
    """(B, T, C): the stream after the last layer norm."""
    logits: torch.Tensor
    """(B, T, V): a score for each possible next token."""
    probabilities: torch.Tensor
    """(B, T, V): their softmax."""

    def streams(self) -> torch.Tensor:
        """The residual stream as it was embedded and after each block, (n_layer + 1, B, T, C)."""
        return torch.stack([self.embedded, *(layer.after_mlp for layer in self.layers)])


@torch.no_grad()
def trace(model: GPT, tokens: torch.Tensor) -> Trace:
    """Every intermediate value for ``tokens`` (B, T), without dropout whatever the model's mode.

    The tokens may be anywhere; the values are on the model's device and without gradients. Raises
    ``ValueError`` for tokens that the model would refuse.
    """
    check_model(model)
    check_tokens(tokens, model.config)
    tokens = to_model_device("tokens", tokens, model)
    token_embedding = model.token_embedding(tokens)  # (B, T, C)
    position_embedding = torch.zeros_like(token_embedding[0])  # (T, C)
    if model.position_embedding is not None:
        position_embedding += model.position_embedding.weight[: tokens.size(1)]
    x = embedded = token_embedding + position_embedding
    layers = []
    for block in model.blocks:
        layers.append(_trace_block(block, x))
        x = layers[-1].after_mlp
    normed = model.final_norm(x)
    logits = model.unembed(normed)
    return Trace(
        tokens=tokens,
        token_embedding=token_embedding,
        position_embedding=position_embedding,
        embedded=embedded,
        layers=tuple(layers),
        final_normed=normed,
        logits=logits,
        probabilities=logits.softmax(dim=-1),
    )


def _trace_block(block: Block, x: torch.Tensor) -> LayerTrace:
    normed = block.attention_norm(x)
    attention = _trace_attention(block.attention, normed)
    after_attention = x + attention["attention_answer"]
    mlp_normed = block.mlp_norm(after_attention)
    hidden = block.mlp.activation(block.mlp.expand(mlp_normed))
    answer = block.mlp.contract(hidden)
    return LayerTrace(
        attention_normed=normed,
        **attention,
        after_attention=after_attention,
        mlp_normed=mlp_normed,
        mlp_hidden=hidden,
        mlp_answer=answer,
        after_mlp=after_attention + answer,
    )


def _trace_attention(attention: CausalSelfAttention, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """softmax(Q K^T / sqrt(D)) V (Vaswani et al., 2017), each step by its name."""
    q, k, v = attention.queries_keys_values(x)  # each (B, H, T, D)
    scores, weights = attention.attention_weights(q, k)  # each (B, H, T, T)
    heads = weights @ v  # (B, H, T, D)
    answer = attention.projection(heads.transpose(1, 2).flatten(2))  # (B, T, C)
    return dict(q=q, k=k, v=v, scores=scores, weights=weights, heads=heads, attention_answer=answer)
