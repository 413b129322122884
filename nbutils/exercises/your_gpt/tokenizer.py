"""Text to tokens and back, by the student's functions."""

from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from nbutils.exercises.your_gpt.functions import Functions


class YourTokenizer:
    """Byte pair encoding by your functions, learned from documents that are cut into words.

    GPT-2 learns in this way too: a pair is counted inside words only, and a word that stands in the
    text a thousand times is counted once, times a thousand.

    Args:
        your: the functions; `split_words`, `to_bytes`, `count_pairs`, `best_pair`, `merge_pair`,
            `encode_text`, `decode_ids` and `join_documents` are called.
        documents: texts to learn from.
        n_merges: how many merges to learn at most.
    """

    def __init__(self, your: Functions, documents: Iterable[str], n_merges: int):
        self.your, self.merges, self.known = your, [], {}
        times = Counter(word for text in documents for word in your.split_words(text))
        rows = {word: your.to_bytes(word) for word in times}
        while len(self.merges) < n_merges:
            counts = Counter()
            for word, row in rows.items():
                for pair, n in your.count_pairs(row).items():
                    counts[pair] += n * times[word]
            if not counts:
                break
            pair, new_id = your.best_pair(counts), 256 + len(self.merges)
            self.merges.append(pair)
            rows = {
                word: your.merge_pair(row, pair, new_id) if pair[0] in row else row
                for word, row in rows.items()
                if len(row) > 1
            }
        self.end_id = 256 + len(self.merges)

    @property
    def vocab_size(self) -> int:
        """256 bytes, the merges, and one id for the end of a document."""
        return self.end_id + 1

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; each word is encoded once and then known."""
        ids = []
        for word in self.your.split_words(text):
            if word not in self.known:
                self.known[word] = self.your.encode_text(word, self.merges)
            ids += self.known[word]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a row of tokens; the end of a document has none."""
        return self.your.decode_ids([i for i in ids if i != self.end_id], self.merges)

    def encode_documents(self, documents: Iterable[str]) -> torch.Tensor:
        """All documents in one row (N,), an end before each and after the last."""
        rows = [self.encode(text) for text in documents]
        return torch.tensor(self.your.join_documents(rows, self.end_id))
