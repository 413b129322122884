"""Chapter 3's exercises, in the order in which they are done."""

ORDER = (
    "neuron",
    "linear",
    "gelu_tanh",
    "embed",
    "layer_norm",
    "causal_mask",
    "attention",
    "split_heads",
    "join_heads",
    "multi_head_attention",
    "mlp",
    "transformer_block",
)
