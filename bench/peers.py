"""Those beside whom ours is measured: transformers' GPT-2, and nanoGPT from a person's clone."""

import hashlib
import importlib.util
import sys
from contextlib import redirect_stdout
from pathlib import Path

from torch import nn

from nbutils.config import GPTConfig
from nbutils.files import expanded


def transformers_gpt2(config: GPTConfig) -> nn.Module:
    """A new GPT-2 of transformers in this shape, without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.block_size,
            n_layer=config.n_layer,
            n_head=config.n_head,
            n_embd=config.n_embd,
            **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
            **dict.fromkeys(("bos_token_id", "eos_token_id")),
        )
    )


def nanogpt_gpt(config: GPTConfig, folder: Path) -> nn.Module:
    """A new nanoGPT in this shape, without dropout, from the clone in ``folder``.

    Ends the program with a sentence if there is none.
    """
    spec = importlib.util.spec_from_file_location("nanogpt_model", _nanogpt_file(folder))
    module = sys.modules["nanogpt_model"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = "vocab_size", "block_size", "n_layer", "n_head", "n_embd", "bias"
    with redirect_stdout(sys.stderr):  # it prints its size
        shape = {name: getattr(config, name) for name in names}
        return module.GPT(module.GPTConfig(dropout=0.0, **shape))


def about_nanogpt(folder: Path) -> str:
    """Which nanoGPT is in ``folder``: its file and the beginning of that file's SHA-256.

    Ends the program with a sentence if there is none.
    """
    content = _nanogpt_file(folder).read_bytes()
    return f"its model.py {hashlib.sha256(content).hexdigest()[:8]}"


def _nanogpt_file(folder: Path) -> Path:
    file = expanded(folder) / "model.py"
    if not file.is_file():
        sys.exit(f"--nanogpt {folder}: there is no model.py in it; give a clone of nanoGPT")
    return file
