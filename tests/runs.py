"""A short run of a tiny network, which several test files train; not a test itself."""

import dataclasses

import numpy as np
import torch

from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig

CONFIG = TrainConfig(
    steps=60,
    batch_size=8,
    learning_rate=3e-3,
    warmup_steps=10,
    eval_every=20,
    eval_batches=3,
    device="cpu",
    progress=False,
)
CORPUS = np.tile(np.arange(1, 12), 300)  # what follows is always certain
MODEL = GPTConfig(vocab_size=12, block_size=8, n_layer=1, n_head=2, n_embd=16)


def fresh(**changes) -> GPT:
    torch.manual_seed(1)
    return GPT(dataclasses.replace(MODEL, **changes))


def weights(model) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


class Interrupted(Exception):
    pass


def stop_at(step):
    def on_eval(now, model):
        torch.rand(1000)  # what a callback draws must not change the run
        if now == step:
            raise Interrupted

    return on_eval
