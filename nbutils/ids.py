"""Token ids at a network's door: what it can't read is told by name before anything is computed.

Ids and labels are integers (B, T). Which of them a vocabulary has is asked where the answer costs
microseconds, on the CPU. A GPU would have to finish all its work before it could answer, at every
step. There ``Windows`` and ``generate`` check once instead, and CUDA itself stops at a bad id.
"""

import torch
import torch.nn as nn

from nbutils.config import GPTConfig
from nbutils.windows import IGNORE


def check_tokens(tokens: torch.Tensor, config: GPTConfig, start: int = 0) -> None:
    """Raise ``ValueError`` unless such a GPT can read ``tokens`` after ``start`` others."""
    check_batch("tokens", tokens)
    length = start + tokens.size(1)
    if length > config.block_size:
        raise ValueError(
            f"a context of {length} tokens is longer than this model's position table "
            f"({config.block_size}): keep the last {config.block_size} tokens"
        )
    if _can_check_ids(tokens):
        check_ids("tokens", tokens, config.vocab_size)


def check_labels(labels: torch.Tensor, tokens: torch.Tensor, config: GPTConfig) -> None:
    """Raise ``ValueError`` unless each token has a label: one of such a GPT's ids, or `IGNORE`."""
    check_batch("labels", labels)
    if labels.shape != tokens.shape:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)} and tokens {tuple(tokens.shape)}: "
            "every position needs one label"
        )
    if labels.device != tokens.device:
        raise ValueError(
            f"labels is on {labels.device} and tokens on {tokens.device}: bring them together with "
            f"labels.to({str(tokens.device)!r})"
        )
    if _can_check_ids(labels):
        check_ids("labels", labels, config.vocab_size, lowest=IGNORE)


def check_device(name: str, ids: torch.Tensor, device: torch.device) -> None:
    """Raise ``ValueError`` unless ``ids`` is on the model's ``device``."""
    if ids.device != device:
        raise ValueError(
            f"{name} is on {ids.device} and the model on {device}: bring them together with "
            f"{name}.to({str(device)!r}), or model.to({str(ids.device)!r})"
        )


def to_model_device(name: str, ids: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Token ids where the model is.

    Those that come from a CPU are checked before, for a GPU would only stop. Raises ``ValueError``
    for ids outside the vocabulary, ``model.config.vocab_size``; `IGNORE` is none.
    """
    device = next(model.parameters()).device
    if ids.device != device and _can_check_ids(ids):
        check_ids(name, ids, model.config.vocab_size, lowest=IGNORE)
    return ids.to(device)


def check_batch(name: str, ids: torch.Tensor) -> None:
    """Raise ``ValueError`` unless ``ids`` is integers of shape (B, T), with at least one."""
    if ids.dim() != 2 or ids.numel() == 0:
        raise ValueError(
            f"{name} has shape {tuple(ids.shape)}, not (B, T) with at least one token; "
            "make a batch of one text with torch.tensor([ids])"
        )
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"{name} has dtype {ids.dtype}, not torch.int64: use {name}.long()")


def check_ids(name: str, ids: torch.Tensor, vocab_size: int, lowest: int = 0) -> None:
    """Raise ``ValueError`` unless every id is one of ``lowest`` to ``vocab_size - 1``."""
    low, high = (int(bound) for bound in ids.aminmax())
    if low < lowest or high >= vocab_size:
        raise ValueError(
            f"{name} has id {low if low < lowest else high}, outside this model's vocabulary "
            f"({lowest} to {vocab_size - 1}): use the encoding that the model was made for"
        )


def _can_check_ids(ids: torch.Tensor) -> bool:
    """Whether reading ids costs microseconds."""
    return ids.device.type == "cpu" and not torch.compiler.is_compiling()
