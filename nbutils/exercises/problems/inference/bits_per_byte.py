"""Compare models whose tokens differ

A loss per token says little about a model whose tokens you don't know. With a larger vocabulary a
text has fewer tokens, and each is harder to guess. The bytes of the text are the same for all. So
add up the loss of the whole text and divide by its bytes. In bits, this is also the size to which
the model could compress each byte of 8 bits.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def bits_per_byte(losses: torch.Tensor, text: str) -> float:
    """The loss of a text in bits, for each of its bytes.

    Args:
        losses: (T,), floats: the loss of each of the text's T tokens in nats (with the natural
            logarithm). ln 2 nats, about 0.693, are one bit.
        text: the text itself, one character or more. Its bytes are those of UTF-8.

    Returns:
        All bits of the text divided by the number of its bytes.
    """
    bits = losses.sum().item() / math.log(2)
    return bits / len(text.encode("utf-8"))


def cases(given):
    def losses(T):
        return 0.8 + 1.5 * given.uniform(T)

    return [
        Case("one token of one byte", losses(1), given.choice("abc")),
        Case("one token of five bytes", losses(1), "queen"),
        Case("three tokens", losses(3), "a mole in a garden"),
        Case("characters of two bytes", losses(4), "naïve café, déjà vu"),
        Case("characters of three and four bytes", losses(7), "寿司 🍣🍣"),
    ]


HINTS = (
    "What is asked for is a quotient: all bits of the text, over all bytes of the text. The "
    "number of tokens doesn't occur in it.",
    "A bit is ln 2 nats. Are there more bits or more nats in the same text?",
    "`text.encode()` gives the bytes of the text; `len(text)` counts characters, and one of them "
    "can have up to four bytes.",
)
WHY = """
The sum of the losses is minus the logarithm of the whole text's probability, however it was cut
into tokens. A nat is more than a bit, so there are more bits: divide by ln 2. Text that is not
English has more bytes than characters, so counting characters would make the same model look worse
there.
"""
WRONG = (
    Wrong(
        "Your function divides by the number of characters. An é has two bytes in UTF-8, an "
        "emoji four: count the bytes of text.encode().",
        'text.encode("utf-8")',
        "text",
    ),
    Wrong(
        "Your function divides by the number of tokens. Divide by the number of bytes.",
        'text.encode("utf-8")',
        "losses",
    ),
    Wrong(
        "Your function takes the average loss of a token. Add up the losses of all tokens: they "
        "are the cost of the whole text.",
        "losses.sum()",
        "losses.mean()",
    ),
    Wrong(
        "Your result is in nats. Divide by ln 2 to have bits.",
        " / math.log(2)",
        "",
    ),
    Wrong(
        "Your function multiplies by ln 2. A bit is less than a nat, so the number of bits is "
        "larger: divide.",
        "/ math.log(2)",
        "* math.log(2)",
    ),
    Wrong(
        "Your function divides by the logarithm of 10, or has taken log10. Bits come from ln 2.",
        "math.log(2)",
        "math.log(10)",
    ),
    Wrong(
        "Your function divides by the number of bits of the text, 8 for each byte. Divide by the "
        "bytes.",
        'len(text.encode("utf-8"))',
        '(8 * len(text.encode("utf-8")))',
    ),
    Wrong(
        "Your quotient stands on its head: it is bytes per bit.",
        'bits / len(text.encode("utf-8"))',
        'len(text.encode("utf-8")) / bits',
    ),
    Wrong(
        "Your function gives the bits of the whole text. Divide them by the number of its bytes.",
        'bits / len(text.encode("utf-8"))',
        "bits",
    ),
    Wrong(
        "Your function counts bytes of UTF-16. Count those of UTF-8, which encode() gives by "
        "itself.",
        '"utf-8"',
        '"utf-16"',
    ),
    Wrong(
        "Your function counts each different byte once. Count all bytes of the text.",
        'text.encode("utf-8")',
        'set(text.encode("utf-8"))',
    ),
    Wrong(
        "Your function counts each different character once. Count all bytes of the text.",
        'text.encode("utf-8")',
        "set(text)",
    ),
)


def with_a_loop(losses, text):
    bits = 0.0
    for loss in losses.tolist():
        bits += loss * math.log2(math.e)
    return bits / sum(1 for _ in bytes(text, "utf-8"))


def by_the_average(losses, text):
    tokens_per_byte = len(losses) / len(text.encode())
    return losses.double().mean() * tokens_per_byte / math.log(2)


def by_the_probability(losses, text):
    return -math.log2(math.exp(-losses.double().sum())) / len(bytearray(text, "utf8"))


RIGHT = (with_a_loop, by_the_average, by_the_probability)
