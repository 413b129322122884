"""Losses against text: of every label, and of every token of a document."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from runs import CORPUS, fresh

from nbutils import smallworld, text, tokens
from nbutils.evaluation import document_losses, evaluate
from nbutils.windows import Windows


def test_evaluate_weighs_every_label_the_same():
    model = fresh(dropout=0.5)
    corpus = CORPUS[:93]  # a last batch that is smaller, a last window that is shorter
    windows = Windows(corpus, 4, 8)
    model.eval()
    losses = []
    for start in range(0, 92, 8):
        row = torch.tensor(corpus[start : start + 9])[None]
        logits = model(row[:, :-1])[0]
        losses += F.cross_entropy(logits, row[0, 1:], reduction="none").tolist()
    model.train()
    assert evaluate(model, windows) == pytest.approx(np.mean(losses), rel=1e-5)
    assert model.training
    assert evaluate(model, windows, 1) == pytest.approx(np.mean(losses[:32]), rel=1e-5)


def test_evaluate_leaves_the_mode_also_after_an_error():
    model = fresh().train()
    model.blocks[0].forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        evaluate(model, Windows(CORPUS, 4, 8))
    assert model.training


# Each token's loss


def test_a_document_s_losses_do_not_depend_on_its_neighbours_in_the_batch():
    documents = text.load("smallworld", "val", n_documents=7)
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=smallworld.MAX_TOKENS)
    together = document_losses(model, documents, encoding, batch_size=4)
    for document, losses in zip(documents, together, strict=True):
        ids = [encoding.eot_token, *encoding.encode(document), encoding.eot_token]
        logits = model(torch.tensor([ids[:-1]]))[0]
        expected = F.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none").detach()
        assert losses == pytest.approx(expected.numpy(), rel=1e-4)
        assert losses.shape == smallworld.token_losses(document + tokens.END).shape


def test_losses_are_computed_without_dropout_and_leave_the_mode(monkeypatch):
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=smallworld.MAX_TOKENS, dropout=0.5)
    documents = text.load("smallworld", "val", n_documents=1)
    one, other = (document_losses(model.train(), documents, encoding)[0] for _ in range(2))
    assert np.array_equal(one, other)
    assert model.training
    assert not document_losses(model.eval(), [], encoding)
    assert not model.training


def test_a_document_longer_than_the_context_is_refused():
    encoding = smallworld.encoding()
    model = fresh(vocab_size=encoding.n_vocab, block_size=8)
    with pytest.raises(ValueError, match="longer than this model's position table"):
        document_losses(model.train(), text.load("smallworld", "val", n_documents=1), encoding)
    assert model.training  # as it was
    with pytest.raises(TypeError, match=r"one string; put it in a list"):
        document_losses(model, "We say", encoding)
    with pytest.raises(ValueError, match="batch_size=0 must be at least 1"):
        document_losses(model, ["We say"], encoding, batch_size=0)
