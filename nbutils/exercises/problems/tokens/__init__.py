"""Chapter 1's exercises, in the order in which they are done."""

ORDER = (
    "to_bytes",
    "split_words",
    "count_pairs",
    "best_pair",
    "merge_pair",
    "learn_merges",
    "encode_text",
    "decode_ids",
    "bytes_per_token",
    "join_documents",
)
