"""Chapter 5's exercises, in the order in which they are done."""

ORDER = (
    "greedy_token",
    "with_temperature",
    "keep_top_k",
    "keep_top_p",
    "draw_token",
    "crop_context",
    "generate_ids",
    "attend_with_cache",
    "log_probability",
    "bits_per_byte",
    "best_of",
)
