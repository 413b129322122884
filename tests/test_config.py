"""What decides a GPT's shape and its training: presets, and the rule of each field."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nbutils import smallworld
from nbutils.config import PRESETS, GPTConfig, TrainConfig


def test_the_small_preset_fits_smallworld():
    config = GPTConfig.preset("small")
    assert config.vocab_size == smallworld.encoding().n_vocab
    assert config.block_size >= smallworld.MAX_TOKENS


def test_a_preset_can_be_changed():
    assert GPTConfig.preset("small", vocab_size=77) == GPTConfig(vocab_size=77)
    assert GPTConfig.preset("gpt2", n_layer=2).n_layer == 2


def test_presets_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="'gpt5' is unknown; there are small, sorter"):
        GPTConfig.preset("gpt5")
    gpt2 = {"gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"}
    assert set(PRESETS) == {"small", "sorter", "gpt3-175b", "modern"} | gpt2


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(n_embd=100, n_head=3), "n_embd=100 is not divisible by n_head=3"),
        (dict(n_layer=0), "n_layer=0 must be at least 1"),
        (dict(rotary=True, n_embd=9, n_head=3), "rotary=True turns pairs .* must be even"),
        (dict(qk_norm=1), "qk_norm=1 must be True or False"),
        (dict(vocab_size=-5), "vocab_size=-5"),
        (dict(dropout=1.0), "dropout=1.0 must be at least 0 and below 1"),
        (dict(dropout="0.1"), "dropout='0.1' must be a finite number"),
        (dict(n_layer=1.5), "n_layer=1.5 must be a whole number"),
        (dict(n_layer=True), "n_layer=True must be a whole number"),
        (dict(tie_weights=None), "tie_weights=None must be True or False"),
    ],
)
def test_numbers_that_make_no_network_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        GPTConfig(**change)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": -1}, "steps=-1 must be at least 0"),
        ({"eval_every": 0}, "eval_every=0 must be at least 1"),
        ({"eval_batches": 0}, "eval_batches=0 must be at least 1, or None"),
        ({"block_size": 0}, "block_size=0 must be at least 1, or None"),
        ({"seed": -1}, "seed=-1 must be at least 0"),
        ({"steps": 2.5}, "steps=2.5 must be a whole number"),
        ({"batch_size": None}, "batch_size=None must be a whole number"),
        ({"betas": (0.9, 1.0)}, "betas=.* each at least 0 and below 1"),
        ({"betas": (-0.1, 0.9)}, "betas=.* each at least 0 and below 1"),
        ({"learning_rate": math.inf}, "learning_rate=inf must be a finite number"),
        ({"weight_decay": math.nan}, "weight_decay=nan must be a finite number"),
        ({"grad_clip": math.nan}, "grad_clip=nan must be a finite number"),
        ({"seconds": -1}, "seconds=-1.* must be at least 0, or None"),
        ({"seconds": math.inf}, "seconds=inf must be a finite number"),
        ({"weight_decay": 10**400}, "weight_decay=10+ must be a finite number"),
        ({"steps": 10**400}, "steps=10+ must be a whole number"),
        ({"device": None}, "device=None must be the name of a chip"),
        ({"device": 3}, "device=3 must be the name of a chip"),
        ({"checkpoint": 3}, "checkpoint=3 must be the path of a folder, or None"),
        ({"checkpoint": ""}, "checkpoint='' must be the path of a folder, or None"),
        ({"optimizer": ["adamw"]}, "optimizer=.'adamw'. is none of adamw, muon"),
        ({"progress": 1}, "progress=1 must be True or False"),
        ({"steps": 10**5000}, "steps=a int must be a whole number"),
        ({"optimizer": "sgd"}, "optimizer='sgd' is none of adamw, muon"),
        ({"schedule": None}, "schedule=None is none of cosine, linear"),
        ({"batch_size": 6, "accumulation": 4}, "batch_size=6 can't be cut into accumulation=4"),
        ({"min_learning_rate": 1.0}, "min_learning_rate=1.0 must be from 0 to learning_rate=0.004"),
    ],
)
def test_recipes_that_make_no_sense(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**changes)


def test_numbers_are_kept_as_plain_ones():
    """As checkpoints and config.json want them, whose numbers they were."""
    config = TrainConfig(steps=np.int64(7), learning_rate=1, betas=[np.float32(0.5), 0])
    assert json.dumps([config.steps, config.betas]) == "[7, [0.5, 0.0]]"
    assert type(config.learning_rate) is float
    assert type(GPTConfig(n_layer=np.int32(3)).n_layer) is int
    assert type(GPTConfig(dropout=0).dropout) is float
    assert TrainConfig(steps=np.array(7)) == TrainConfig(steps=7)


def test_a_path_and_a_device_are_kept_as_text():
    config = TrainConfig(checkpoint=Path("runs") / "1", device=torch.device("cuda", 1))
    assert (config.checkpoint, config.device) == (str(Path("runs") / "1"), "cuda:1")


def test_what_a_resumed_run_may_change():
    changed = TrainConfig(accumulation=4, device="cpu", parallel="ddp", checkpoint="here")
    changed = replace(changed, checkpoint_every=7, compile="blocks", progress=False)
    assert changed.identity() == TrainConfig().identity()
    assert TrainConfig(eval_every=7).identity() != TrainConfig().identity()
    assert len(TrainConfig().identity()) == len(fields(TrainConfig)) - 8
    # Checkpoints from before the field go on; with another value they are another run.
    assert "each_once" not in TrainConfig().identity()
    assert TrainConfig(each_once=True).identity()["each_once"] is True
