"""What a trained model is worth: its losses against text, in nats per token."""

from collections.abc import Iterable

import numpy as np
import tiktoken
import torch
import torch.nn.functional as F
from torch import nn

from nbutils import parallel
from nbutils.arguments import of_type, shown, whole
from nbutils.ids import check_model, check_network, to_model_device
from nbutils.tokens import encode_documents
from nbutils.windows import IGNORE, Windows
from nbutils.words import sentence


@torch.no_grad()
def evaluate(
    model: nn.Module,
    windows: Windows,
    batches: int | None = None,
    group: parallel.Group = parallel.ALONE,
) -> float:
    """The model's loss in nats per token on the first ``batches`` batches of ``windows.epoch()``.

    Every counted label weighs the same. Computed in the weights' own precision, without dropout, where
    the model is, wherever the windows are; the model is left in the mode it was in. The processes of
    a ``group`` share the windows.

    Raises ``ValueError`` for what is no model, no `Windows` or no number of batches.
    """
    check_network(model)
    of_type("windows", windows, Windows, "give Windows(tokens, batch_size, block_size)")
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    try:
        for tokens, labels in windows.epoch(batches):
            tokens, labels = group.shard_batch(tokens, labels)
            counted = int((labels != IGNORE).sum())
            loss = model(
                to_model_device("tokens", tokens, model), to_model_device("labels", labels, model)
            )[1]
            if counted:  # a process has nothing to count where a batch has too few windows for all
                total += float(loss) * counted
            count += counted
    finally:
        model.train(was_training)
    total, count = group.all_reduce_sum(total, count)
    return total / count


@torch.no_grad()
def document_losses(
    model: nn.Module, documents: Iterable[str], encoding: tiktoken.Encoding, batch_size: int = 64
) -> list[np.ndarray]:
    """What each token of each document costs the model that reads it from its beginning, in nats.

    The model's side of ``smallworld.token_losses``: one array for each document, with the losses
    of its tokens and of the END that closes it. Computed on the model's device, without dropout.

    Raises ``TypeError`` for one string in place of a list, and ``ValueError`` if a document is
    longer than the model's context or ``batch_size`` is below 1.
    """
    if isinstance(documents, str):
        raise TypeError(sentence("documents is one string; put it in a list: [document]"))
    check_model(model)
    try:
        documents = list(documents)
    except TypeError as error:
        raise TypeError(
            sentence("documents={documents} must be a list of texts", documents=shown(documents))
        ) from error
    of_type("encoding", encoding, tiktoken.Encoding, "give tokens.get_encoding(name)")
    batch_size = whole("batch_size", batch_size, 1)
    was_training = model.training
    model.eval()
    losses = []
    try:
        for start in range(0, len(documents), batch_size):
            losses += _document_losses(model, documents[start : start + batch_size], encoding)
    finally:
        model.train(was_training)
    return losses


def _document_losses(model, documents: list[str], encoding) -> list[np.ndarray]:
    rows = [torch.from_numpy(encode_documents([d], encoding).astype(np.int64)) for d in documents]
    lengths = [len(row) - 1 for row in rows]  # labels: all but the END before the document
    block = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=encoding.eot_token)
    # What stands after a document changes nothing before it.
    logits = model(to_model_device("tokens", block[:, :-1], model))  # (B, T, V)
    labels = to_model_device("labels", block[:, 1:], model)
    losses = F.cross_entropy(logits.mT.float(), labels, reduction="none").cpu()
    return [row[:n].double().numpy() for row, n in zip(losses, lengths)]
