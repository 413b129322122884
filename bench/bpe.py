"""How fast are tokens? Training a BPE of 2,048 tokens on 1 MB, and encoding with it."""

from pathlib import Path

from rows import Row, fastest, table

from nbutils import text, tokens

SIZE = 1_000_000  # bytes of text
VOCAB_SIZE = 2048


def measure(quick: bool, path: Path | None = None) -> list[Row]:
    """``quick``: each once, instead of the fastest of five. ``path``: a text of one's own."""
    documents = cut(source(path), SIZE)
    size = sum(len(document.encode()) for document in documents)
    times = 1 if quick else 5
    encoding = tokens.train_bpe(documents, VOCAB_SIZE)
    seconds = fastest(lambda: tokens.train_bpe(documents, VOCAB_SIZE), times)
    name = path.name if path else "Python's help, then smallworld"
    how = f"{size:,} bytes: {name}"
    rows = [Row(f"BPE training, {VOCAB_SIZE:,} tokens", seconds, "s", how)]
    for what, used in (
        (f"Encoding, own {VOCAB_SIZE:,} tokens", encoding),
        ("Encoding, cl100k_base", tokens.get_encoding("cl100k_base")),
    ):
        seconds = fastest(lambda used=used: tokens.encode_documents(documents, used), times)
        count = len(tokens.encode_documents(documents, used))
        rows.append(Row(what, size / seconds / 1e6, "MB/s", f"the same text, {count:,} tokens"))
    return rows


def source(path: Path | None) -> list[str]:
    if path is not None:
        return [path.read_text(encoding="utf-8")]
    return text.load("pydocs") + text.load("smallworld", n_documents=5_000)


def cut(documents: list[str], size: int) -> list[str]:
    """The first ``size`` bytes of the documents, as UTF-8, to the character."""
    kept, left = [], size
    for document in documents:
        kept.append(document.encode()[:left].decode(errors="ignore"))
        left -= len(kept[-1].encode())
        if left < 4:  # not enough for every character
            break
    return kept


if __name__ == "__main__":
    print(table(measure(quick=False)))
