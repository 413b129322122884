"""The network, computed by the student's functions with the weights of a GPT of the course."""

from collections.abc import Callable

import torch
from torch import nn

from nbutils.config import GPTConfig
from nbutils.exercises.your_gpt.functions import Functions
from nbutils.exercises.your_gpt.tokenizer import YourTokenizer
from nbutils.ids import check_device, check_tokens
from nbutils.model import GPT
from nbutils.words import sentence


class YourGPT(nn.Module):
    """GPT-2's architecture without biases, computed by your functions.

    Args:
        your: the functions; `embed`, `transformer_block`, `layer_norm`, `multi_head_attention`,
            `mlp` and `linear` are called.
        config: the sizes; ``bias=False`` and no dropout.

    The weights are those of the course's own GPT, ``reference``: both compute with the same numbers,
    so that what they give can be compared.

    Raises:
        ValueError: the config asks for more than the exercises have.
    """

    def __init__(self, your: Functions, config: GPTConfig):
        super().__init__()
        sizes = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
        if config != GPTConfig(bias=False, **{size: getattr(config, size) for size in sizes}):
            raise ValueError(
                sentence(
                    "YourGPT has no biases, no dropout and no switches: make its config with "
                    "GPTConfig(bias=False, vocab_size=…, block_size=…, n_layer=…, n_head=…, n_embd=…)"
                )
            )
        self.your, self.config, self.reference = your, config, GPT(config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Ids (B, T) to logits (B, T, V). Raises ``ValueError`` for ids that `GPT` would refuse."""
        table = self.reference.token_embedding.weight
        check_tokens(tokens, self.config)
        check_device("tokens", tokens, table.device)
        positions = self.reference.position_embedding.weight
        x = self.your.embed(tokens, table, positions[: tokens.shape[1]])
        for block in self.reference.blocks:
            x = self.your.transformer_block(
                x,
                self._attention(block.attention),
                self._mlp(block.mlp),
                self._norm(block.attention_norm),
                self._norm(block.mlp_norm),
            )
        x = self._norm(self.reference.final_norm)(x)
        return self.your.linear(x, table, None)

    def _attention(self, part: nn.Module) -> Callable:
        weights = part.query_key_value.weight, part.projection.weight
        return lambda x: self.your.multi_head_attention(x, *weights, self.config.n_head)

    def _mlp(self, part: nn.Module) -> Callable:
        expand, contract = part.expand.weight, part.contract.weight
        no_bias = expand.new_zeros(len(expand)), contract.new_zeros(len(contract))
        return lambda x: self.your.mlp(x, expand, no_bias[0], contract, no_bias[1])

    def _norm(self, part: nn.Module) -> Callable:
        no_bias = torch.zeros_like(part.weight)
        return lambda x: self.your.layer_norm(x, part.weight, no_bias)


def check_vocabulary(model: YourGPT, tokenizer: YourTokenizer) -> None:
    """Raises ``ValueError`` if the tokenizer has more ids than the model."""
    if tokenizer.end_id >= model.config.vocab_size:
        raise ValueError(
            sentence(
                "the tokenizer's ids go to {last}, and the model was made for vocab_size={size}: use the tokenizer "
                "that it was made with",
                last=tokenizer.end_id,
                size=model.config.vocab_size,
            )
        )
