"""Training the student's GPT by the student's functions, and measuring it."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F

from nbutils.device import pick
from nbutils.exercises.your_gpt.model import YourGPT, check_vocabulary
from nbutils.exercises.your_gpt.tokenizer import YourTokenizer
from nbutils.windows import IGNORE
from nbutils.words import sentence


def train(
    model: YourGPT,
    tokens: torch.Tensor,
    end_id: int,
    updates: int,
    *,
    batch_size: int = 16,
    highest: float = 2.5e-3,
    warmup: int = 200,
    decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.98),
    clip: float = 1.0,
    device: str | torch.device = "auto",
) -> Iterator[tuple[int, float]]:
    """Train by your functions; after each update comes (its number, the loss before it in nats).

    `windows_at`, `cross_entropy_loss`, `clip_gradients`, `rate_at`, `decays` and `adamw_step` are
    called. Windows begin where a document begins, so that the floor holds for each of their tokens.
    All is computed in float32, on the chip; at the end, however it ends, the network is where it was.

    Args:
        tokens: (N,), documents in one row with ``end_id`` before each; on any device.
        updates: how many steps of AdamW.
        batch_size: windows in each, drawn by PyTorch's random numbers, alike for each device.
        highest, warmup: of the learning rate, which falls to a tenth of ``highest``.
        decay, betas: AdamW's. clip: the gradient's length at most.
        device: "auto", "cpu", "cuda", "mps": see `nbutils.device.pick`.

    Raises:
        ValueError: no window can begin in tokens, or there is no such device here.
    """
    your, T = model.your, model.config.block_size
    here, home = pick(device).device, next(model.parameters()).device
    starts = _document_starts(tokens, end_id, T)
    try:
        tokens, weights = tokens.to(here), dict(model.to(here).named_parameters())
        shrinking = your.decays({name: tuple(w.shape) for name, w in weights.items()})
        memory = {name: [torch.zeros_like(w), torch.zeros_like(w)] for name, w in weights.items()}
        for step in range(updates):
            places = starts[torch.randint(len(starts), (batch_size,))]
            contexts, labels = your.windows_at(tokens, _to_device(places, here), T)
            loss = your.cross_entropy_loss(model(contexts).flatten(0, 1), labels.flatten())
            gradients = torch.autograd.grad(loss, list(weights.values()))
            gradients = your.clip_gradients(list(gradients), clip)
            loss = float(loss.detach())  # read here, so that nothing waits for AdamW's steps
            rate = your.rate_at(step, updates, warmup, highest, highest / 10)
            with torch.no_grad():
                for (name, w), g in zip(weights.items(), gradients, strict=True):
                    share = decay if name in shrinking else 0.0
                    new, *memory[name] = your.adamw_step(
                        w.detach(), g, *memory[name], step + 1, rate, *betas, 1e-8, share
                    )
                    w.copy_(new)
            yield step + 1, loss
            model.to(here)  # wherever the loop that reads the losses took it
    finally:
        model.to(home)


def _document_starts(tokens: torch.Tensor, end_id: int, T: int) -> torch.Tensor:
    """Where a document begins with at least T tokens after that place, on the CPU."""
    starts = (tokens[:-T] == end_id).nonzero()[:, 0].cpu()
    if not len(starts):
        raise ValueError(
            sentence(
                "tokens has no end_id={end_id} with {T} tokens after it, so no window can begin: give more "
                "documents, or a model with a smaller block_size",
                end_id=end_id,
                T=T,
            )
        )
    return starts


def _to_device(numbers: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A few numbers to the chip, without waiting until it has done all that was asked of it before."""
    return numbers.to(device, non_blocking=device.type == "cuda")


@torch.no_grad()
def evaluate(model: YourGPT, tokenizer: YourTokenizer, documents: Sequence[str]) -> float:
    """The loss of whole documents, each from its beginning to its end, in nats a document.

    `mean_loss` is called. A document longer than the model's context counts up to there. Computed
    where the model is.

    Raises:
        ValueError: there is no document, or the tokenizer has more ids than the model.
    """
    if not documents:
        raise ValueError(sentence("documents is empty: the loss of no text is not defined"))
    check_vocabulary(model, tokenizer)
    your, T, batches, labels = model.your, model.config.block_size, [], 0
    place = next(model.parameters()).device
    rows = [[tokenizer.end_id, *tokenizer.encode(text), tokenizer.end_id] for text in documents]
    for start in range(0, len(rows), 64):
        some = torch.full((len(rows[start : start + 64]), T + 1), IGNORE)
        for line, row in zip(some, rows[start:]):
            line[: len(row)] = torch.tensor(row[: T + 1])
        logits = model(some[:, :-1].clamp(min=0).to(place))
        losses = F.cross_entropy(
            logits.mT, some[:, 1:].to(place), ignore_index=IGNORE, reduction="none"
        )
        batches.append((losses.cpu(), some[:, 1:]))
        labels += int((some[:, 1:] != IGNORE).sum())
    return float(your.mean_loss(batches)) * labels / len(rows)
