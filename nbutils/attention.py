"""softmax(q k^T / sqrt(D)) v, as the chip does it fast. All ways differ by rounding alone.

- **One operation**, PyTorch's ``scaled_dot_product_attention``: on every GPU, and on a CPU that
  keeps nothing for a way back. It never holds the table of all weights, T times S for each head.
- **In pieces**: on a CPU that trains with products in bfloat16, up to `IN_PIECES` tokens. PyTorch's
  one operation gains nothing from bfloat16 on the way back: up to 128 tokens it takes 3 to 7 times
  as long as in float32 (PyTorch 2.13). Pieces of large bfloat16 products take a third to a half of its
  time. They keep the weights, which is why long contexts do without.
- **One operation in float32**: on a CPU that trains, for all else.
- **Written out** (`attention_written_out`): as the formula is usually first written, for those who
  measure what the others save. ``CausalSelfAttention.weights`` has it in plain sight.
"""

import contextlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

PIECE = 128
"""Queries whose attention a CPU computes at a time, in training (see `attention`)."""
IN_PIECES = 512
"""The longest context that is computed so: all weights are kept for the way back."""
_written_out = False  # see attention_written_out


def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    dropout: float = 0.0,
    causal: bool = False,
) -> torch.Tensor:
    """softmax(q k^T / sqrt(D)) v of Vaswani et al. (2017), (..., T, D), in the queries' dtype.

    ``q``: (..., T, D); ``k`` and ``v``: (..., S, D); ``mask`` (T, S): true where a query may look.
    ``causal``: no query looks at later keys; T is then S. ``dropout``: the share of the weights that
    is set to zero.
    """
    # Compiled for all lengths, T == S comes as a symbol, which PyTorch's own attention refuses.
    causal = True if causal else False
    if q.device.type != "cpu" or not q.requires_grad:
        return F.scaled_dot_product_attention(q, k, v, mask, dropout, causal)
    if causal and q.size(-2) <= IN_PIECES and _in_bfloat16(q) and not _written_out:
        return _attention_in_pieces(q, k, v, dropout)
    with torch.autocast("cpu", enabled=False):
        x = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), mask, dropout, causal)
    return x.to(q.dtype)


@contextlib.contextmanager
def attention_written_out() -> Iterator[None]:
    """Inside it, attention is a chain of separate operations that keep all weights, as its formula
    is usually first written."""
    global _written_out
    before, _written_out = _written_out, True
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        _written_out = before


def _in_bfloat16(q: torch.Tensor) -> bool:
    autocast = torch.is_autocast_enabled("cpu")
    return (torch.get_autocast_dtype("cpu") if autocast else q.dtype) == torch.bfloat16


def _attention_in_pieces(q, k, v, dropout: float) -> torch.Tensor:
    """Causal attention, `PIECE` queries at a time: keys after a piece are never multiplied."""
    shape, T, D = q.shape, q.size(-2), q.size(-1)
    q, k, v = (x.reshape(-1, T, D) for x in (q, k, v))
    rows = []
    for start in range(0, T, PIECE):
        end = min(start + PIECE, T)
        later = q.new_full((end - start, end), -torch.inf).triu(start + 1)
        scores = torch.baddbmm(later, q[:, start:end], k[:, :end].mT, alpha=D**-0.5)
        weights = F.dropout(scores.softmax(-1), dropout)  # (B H, up to PIECE, end)
        rows.append(weights @ v[:, :end])
    return torch.cat(rows, dim=1).view(shape).to(q.dtype)
