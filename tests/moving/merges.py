from moving.hands import Moving, Press, Slide, Write, numbers_in
from nbutils.figures.moving.merges import Merges

PICTURES = [
    Moving(
        "notebooks/01_tokens",
        lambda: Merges("that cat sat on that mat", step=1),
        (
            Press("Merge ▶", "step", 2),
            Slide("Merges", "step", 7),
            Press("◀ Back", "step", 6),
            Write("Text", "text", "hello hello, 안녕 안녕 👋\u0085\ufeff"),
            Slide("Merges", "step", 9),
            Write("Text", "text", "aaaaaaa"),
            Press("Merge ▶", "step", 1),
        ),
        numbers_in(".tokens small"),
        Merges.tokens,
        {
            "{text: ''}": "Type a word",
            "{text: 'a'.repeat(1e6)}": "has 1000000 characters",
            "{text: '한'.repeat(121)}": "has 121 characters",
            "{text: 'a\\ud800'}": "half a character",
            "{step: NaN}": "step is NaN",
            "{step: 99}": "step is 99",
            "{step: -1}": "step is -1",
        },
    ),
]
