"""Ids that a network can't read are told by name."""

import pytest
import torch
from networks import TINY, tokens_for

from nbutils.model import GPT


@pytest.mark.parametrize(
    "tokens, message",
    [
        (torch.zeros(1, 17, dtype=torch.long), r"17 tokens is longer .* position table \(16\)"),
        (torch.tensor([[3, 61]]), r"tokens has id 61.* \(0 to 60\)"),
        (torch.tensor([[3, -1]]), "tokens has id -1"),
        (torch.tensor([3, 4]), r"shape \(2,\), not \(B, T\)"),
        (torch.zeros(2, 0, dtype=torch.long), r"shape \(2, 0\).*at least one token"),
        (torch.zeros(1, 2), "tokens has dtype torch.float32, not torch.int64"),
        (torch.zeros(1, 2, dtype=torch.uint8), "uint8"),
    ],
)
def test_bad_tokens_are_named(tokens, message):
    with pytest.raises(ValueError, match=message):
        GPT(TINY)(tokens)


@pytest.mark.parametrize(
    "labels, message",
    [
        (torch.zeros(2, 3, dtype=torch.long), r"labels has shape \(2, 3\) and tokens \(2, 4\)"),
        (torch.full((2, 4), 61), r"labels has id 61.* \(-1 to 60\)"),
        (torch.full((2, 4), -100), "labels has id -100"),
        (torch.zeros(2, 4), "labels has dtype torch.float32"),
    ],
)
def test_bad_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        GPT(TINY)(tokens_for(TINY, 2, 4), labels)
