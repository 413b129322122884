"""A network and its token ids at the door: what can't be computed is told by name before it is tried.

Ids and labels are integers (B, T). Which of them a vocabulary has is asked where the answer costs
microseconds, on the CPU. A GPU would have to finish all its work before it could answer, at every
step. There ``Windows`` and ``generate`` check once instead, and CUDA itself stops at a bad id.
"""

import torch
import torch.nn as nn

from nbutils.arguments import shown
from nbutils.config import GPTConfig
from nbutils.windows import IGNORE
from nbutils.words import sentence


def check_network(model: nn.Module) -> None:
    """Raise ``ValueError`` unless ``model`` is a network with weights."""
    kind = type(model).__name__
    if not isinstance(model, nn.Module):
        raise ValueError(
            sentence(
                "model={model} is a {kind}, not a network: give one such as GPT(config) or "
                'GPT.from_pretrained("gpt2")',
                model=shown(model),
                kind=kind,
            )
        )
    if next(model.parameters(), None) is None:
        raise ValueError(
            sentence("model is a {kind} without parameters: nothing to train or to ask", kind=kind)
        )


def check_model(model: nn.Module) -> None:
    """Raise ``ValueError`` unless ``model`` is a network with weights and a ``config``."""
    check_network(model)
    kind, inside = type(model).__name__, getattr(model, "module", None)
    if hasattr(model, "config"):
        return
    if hasattr(inside, "config"):
        raise ValueError(
            sentence(
                "model is a {kind} around a network: give the network, model.module", kind=kind
            )
        )
    raise ValueError(
        sentence(
            "model is a {kind} without a config, which has its vocab_size and block_size", kind=kind
        )
    )


def check_numbers(model: nn.Module, logits: torch.Tensor) -> None:
    """Raise ``ValueError`` if a row of a model's ``logits`` (B, V) is not numbers to draw by.

    An impossible token's may be -inf. Rows of the tables that other tokens will need are looked at, too.
    The first weight that is no number is named.
    """
    position, token = (getattr(model, f"{of}_embedding", None) for of in ("position", "token"))
    unseen = [position] if getattr(model, "head", None) is None else [position, token]
    total = logits.amax(-1).sum() + sum(table.weight.sum() for table in unseen if table is not None)
    if total.isfinite():  # nan and inf are larger than any number
        return
    if found := not_finite(dict(model.named_parameters())):
        raise ValueError(
            sentence(
                "the model can't write: its weight {found} has numbers that are not finite (nan or inf). "
                "Its training went wrong, or its file is damaged: load it again, take an earlier "
                "checkpoint, or train it anew with a lower learning_rate",
                found=found,
            )
        )
    if not logits.amax(-1).isfinite().all():
        raise ValueError(
            sentence(
                "the model's logits are not finite, though its weights are: these are too large, or a "
                "layer that was exchanged divides by 0; look at each layer with trace(model, tokens)"
            )
        )


def not_finite(tensors: dict[str, torch.Tensor]) -> str | None:
    """The name of the first tensor with a number that is not finite."""
    for name, tensor in tensors.items():
        # The sum of finite numbers may be too large, but it takes a tenth of the time.
        if not tensor.sum().isfinite() and not tensor.isfinite().all():
            return name
    return None


def check_tokens(tokens: torch.Tensor, config: GPTConfig, start: int = 0) -> None:
    """Raise ``ValueError`` unless such a GPT can read ``tokens`` after ``start`` others."""
    check_batch("tokens", tokens)
    length = start + tokens.size(1)
    if length > config.block_size:
        raise ValueError(
            sentence(
                "a context of {length} tokens is longer than this model's position table ({block_size}): "
                "keep the last {block_size} tokens",
                length=length,
                block_size=config.block_size,
            )
        )
    if _can_check_ids(tokens):
        check_ids("tokens", tokens, config.vocab_size)


def check_labels(labels: torch.Tensor, tokens: torch.Tensor, config: GPTConfig) -> None:
    """Raise ``ValueError`` unless each token has a label: one of such a GPT's ids, or `IGNORE`."""
    check_batch("labels", labels)
    check_batch("tokens", tokens)
    if labels.shape != tokens.shape:
        raise ValueError(
            sentence(
                "labels has shape {shape} and tokens {of_tokens}: every position needs one label",
                shape=tuple(labels.shape),
                of_tokens=tuple(tokens.shape),
            )
        )
    if labels.device != tokens.device:
        raise ValueError(
            sentence(
                "labels is on {device} and tokens on {there}: bring them together with "
                "labels.to({wanted})",
                device=labels.device,
                there=tokens.device,
                wanted=repr(str(tokens.device)),
            )
        )
    if _can_check_ids(labels):
        check_ids("labels", labels, config.vocab_size, lowest=IGNORE)


def check_window(length: int, config: GPTConfig) -> None:
    """Raise ``ValueError`` unless such a GPT can read a window of ``length`` tokens."""
    if not 1 <= length <= config.block_size:
        raise ValueError(
            sentence(
                "length={length} must be from 1 to block_size={block_size}",
                length=length,
                block_size=config.block_size,
            )
        )


def check_device(name: str, ids: torch.Tensor, device: torch.device) -> None:
    """Raise ``ValueError`` unless ``ids`` is on the model's ``device``."""
    if ids.device != device:
        raise ValueError(
            sentence(
                "{name} is on {device} and the model on {there}: bring them together with "
                "{name}.to({wanted}), or model.to({other})",
                name=name,
                device=ids.device,
                there=device,
                wanted=repr(str(device)),
                other=repr(str(ids.device)),
            )
        )


def to_model_device(name: str, ids: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Token ids where the model is.

    Those that come from a CPU are checked before, for a GPU would only stop. Raises ``ValueError``
    for ids outside the vocabulary, ``model.config.vocab_size``; `IGNORE` is none.
    """
    device = next(model.parameters()).device
    if ids.is_meta and device.type != "meta":
        raise ValueError(
            sentence(
                "{name} is on the device meta, where a tensor has no numbers: give ids", name=name
            )
        )
    if ids.device != device and _can_check_ids(ids):
        check_ids(name, ids, model.config.vocab_size, lowest=IGNORE)
    return ids.to(device)


def check_batch(name: str, ids: torch.Tensor) -> None:
    """Raise ``ValueError`` unless ``ids`` is a tensor of integers (B, T), with at least one."""
    if not isinstance(ids, torch.Tensor):
        raise ValueError(
            sentence(
                "{name}={ids} is of type {kind}, not a tensor (B, T): use torch.tensor([ids]) of "
                "encoding.encode(text), or torch.from_numpy(ids).long()[None] of an array"
                if isinstance(ids, str)
                else "{name}={ids} is of type {kind}, not a tensor (B, T): use torch.tensor([ids]), or "
                "torch.from_numpy(ids).long()[None] of an array",
                name=name,
                ids=shown(ids),
                kind=type(ids).__name__,
            )
        )
    if ids.dim() != 2 or ids.numel() == 0:
        raise ValueError(
            sentence(
                "{name} has shape {shape}, not (B, T) with at least one token; make a batch of one text "
                "with torch.tensor([ids])",
                name=name,
                shape=tuple(ids.shape),
            )
        )
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            sentence(
                "{name} has dtype {dtype}, not torch.int64: use {name}.long()",
                name=name,
                dtype=ids.dtype,
            )
        )


def check_ids(name: str, ids: torch.Tensor, vocab_size: int, lowest: int = 0) -> None:
    """Raise ``ValueError`` unless every id is one of ``lowest`` to ``vocab_size - 1``."""
    low, high = (int(bound) for bound in ids.aminmax())
    if low < lowest or high >= vocab_size:
        raise ValueError(
            sentence(
                "{name} has id {wrong}, outside this model's vocabulary ({lowest} to {highest}): use "
                "the encoding that the model was made for",
                name=name,
                wrong=low if low < lowest else high,
                lowest=lowest,
                highest=vocab_size - 1,
            )
        )


def _can_check_ids(ids: torch.Tensor) -> bool:
    """Whether reading ids costs microseconds."""
    return ids.device.type == "cpu" and not torch.compiler.is_compiling()
