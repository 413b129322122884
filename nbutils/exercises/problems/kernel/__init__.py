"""Chapter 6b's exercises, in the order in which they are done."""

ORDER = ("running_softmax", "hidden_in_tile", "attention_bytes")
