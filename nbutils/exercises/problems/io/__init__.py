"""Chapter 2's exercises, in the order in which they are done."""

ORDER = (
    "window_at",
    "windows_at",
    "window_starts",
    "one_hot",
    "stable_softmax",
    "cross_entropy_loss",
    "perplexity",
    "bigram_counts",
    "bigram_probabilities",
    "nudge",
)
