"""Small networks with random weights, which tests of several modules share."""

from dataclasses import replace

import pytest
import torch

from nbutils.config import SWITCHES, GPTConfig
from nbutils.model import GPT

TINY = GPTConfig(vocab_size=61, block_size=16, n_layer=2, n_head=2, n_embd=24)
MODERN = replace(TINY, bias=False, **dict.fromkeys(SWITCHES, True))
TALKATIVE = GPTConfig(
    vocab_size=31, block_size=24, n_layer=2, n_head=2, n_embd=16, tie_weights=False
)


def filled(config: GPTConfig, seed: int = 0) -> GPT:
    """A model whose every parameter is random: biases and layer norms too, so none can hide."""
    torch.manual_seed(seed)
    model = GPT(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def tokens_for(config: GPTConfig, *shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(config.vocab_size, shape, generator=generator)


def judge(folder):
    transformers = pytest.importorskip("transformers")
    return transformers.GPT2LMHeadModel.from_pretrained(folder).eval()


def random_model(**changes) -> GPT:
    torch.manual_seed(0)
    model = GPT(replace(TALKATIVE, **changes)).eval()
    # Large embeddings and small layers: the answer hangs on what was read and where. Otherwise
    # one constant answer wins everywhere, and a wrong context would go unnoticed.
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=1.0 if "embedding" in name else 0.4)
        else:  # norms and biases that do something
            torch.nn.init.normal_(parameter, mean=float("norm.weight" in name), std=0.2)
    return model


def prompts(*shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(TALKATIVE.vocab_size, shape, generator=generator)
