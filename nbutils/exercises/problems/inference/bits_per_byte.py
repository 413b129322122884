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
            logarithm). ln 2 nats, about 0.693, are one bit. A long text's sum may be above 1,000.
        text: the text itself, one character or more. Its bytes are those of UTF-8.

    Returns:
        All bits of the text divided by the number of its bytes.
    """
    bits = losses.sum().item() / math.log(2)
    return bits / len(text.encode("utf-8"))


def cases(given):
    def losses(T):
        return 0.8 + 1.5 * given.uniform(T)

    kinds = [
        *"aZ_9 |#'\0\t\n\r\x1c\x1f\x7f\x85\u2028\u3000\u200b\ufeff",
        "e\u0301",
        "é",
        "٣",
        "½",
        "👩\u200d💻",
    ]
    text = "".join(given.choice(kinds) for _ in range(600)) * 5 + "  _"
    unlike = losses(200) * torch.tensor([0, 1, 1, 500.0]).to(given.dtype).repeat(50)
    return [
        Case("one token of one byte", losses(1), given.choice("abc")),
        Case("one token of five bytes", losses(1), "queen"),
        Case("three tokens", losses(3), "a mole in a garden"),
        Case("characters of two bytes", losses(4), "naïve café, déjà vu"),
        Case("characters of three and four bytes", losses(7), "寿司 🍣🍣"),
        Case("white space at both ends", losses(3), "   \ta mole\r\n in  a\u00a0garden\n\n"),
        Case("white space alone", losses(2), " \n"),
        Case(
            "capitals, and letters with accents of their own",
            losses(5),
            "İSTANBUL, ırmak, re\u0301sume\u0301",
        ),
        Case("a text whose loss is above 1,000 nats", 3 * losses(300), "seldom " * 90),
        Case("a long text of all kinds of characters, with losses of 0 and of 1,000", unlike, text),
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
        "Your function counts bytes of UTF-16 (utf-16-le or -be). Count those of UTF-8, which encode() "
        "gives by itself.",
        '"utf-8"',
        '"utf-16-le"',
    ),
    Wrong(
        "Your function counts bytes of UTF-32. Count those of UTF-8, which encode() gives by itself.",
        '"utf-8"',
        '"utf-32"',
    ),
    Wrong(
        "Your function takes four bytes for each character, as UTF-32 does. In UTF-8 they have one to "
        "four: count the bytes of text.encode().",
        '"utf-8"',
        '"utf-32-le"',
    ),
    Wrong(
        "Your function counts three bytes too many: utf-8-sig puts a mark in front of the text. Use "
        "utf-8.",
        '"utf-8"',
        '"utf-8-sig"',
    ),
    *(
        Wrong(
            "Your encoding has no bytes for some characters, and your function leaves these out. Use "
            "UTF-8, which has bytes for all.",
            'text.encode("utf-8")',
            new,
        )
        for new in ('text.encode("latin-1", "ignore")', 'text.encode("ascii", "ignore")')
    ),
    *(
        Wrong(
            "Your encoding has no bytes for some characters, so encode raises an error. Use UTF-8, "
            "which has bytes for all.",
            '"utf-8"',
            encoding,
        )
        for encoding in ('"ascii"', '"latin-1"')
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
    *(
        Wrong(
            "Your function leaves out white space at the ends of the text (strip). Its bytes belong to "
            "the text, too: count all.",
            'text.encode("utf-8")',
            f'text.{strip}.encode("utf-8")',
        )
        for strip in (
            "strip()",
            "rstrip()",
            "lstrip()",
            "strip(' ')",
            "strip('\\n')",
            "rstrip('\\n')",
        )
    ),
    *(
        Wrong(
            "Your function leaves out white space. Its bytes belong to the text, too: count all.",
            'text.encode("utf-8")',
            f'{words}.encode("utf-8")',
        )
        for words in (
            '"".join(text.split())',
            'text.replace(" ", "")',
            'text.replace("\\n", "")',
            '"".join(text.splitlines())',
        )
    ),
    Wrong(
        "Your function turns all white space between two words into one space. Count the bytes of "
        "the text as it is.",
        'text.encode("utf-8")',
        '" ".join(text.split()).encode("utf-8")',
    ),
    Wrong(
        "Your function counts words. Count the bytes of the text.",
        'text.encode("utf-8")',
        "text.split()",
    ),
    *(
        Wrong(
            "Your function counts the bytes of a changed text: in small letters or capitals some letters "
            "have other bytes. Count those of the text as it is.",
            'text.encode("utf-8")',
            f'text.{change}.encode("utf-8")',
        )
        for change in ("lower()", "upper()", "casefold()")
    ),
    *(
        Wrong(
            "Your function changes how accents are written (normalize), which changes the bytes. Count "
            "those of the text as it is.",
            'text.encode("utf-8")',
            f'__import__("unicodedata").normalize("{form}", text).encode("utf-8")',
        )
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    ),
    *(
        Wrong(
            "Your function takes the logarithm of the losses. They are logarithms already: to have bits, "
            "divide nats by ln 2.",
            old,
            new,
        )
        for old, new in (
            ("losses.sum().item() / math.log(2)", "losses.log2().sum().item()"),
            ("losses.sum().item() / math.log(2)", "losses.log().sum().item()"),
            ("losses.sum().item() / math.log(2)", "math.log2(losses.sum().item())"),
            (
                'bits / len(text.encode("utf-8"))',
                'math.log2(losses.sum() / len(text.encode("utf-8")))',
            ),
            ("losses.sum().item() / math.log(2)", "math.log2(losses.mean().item())"),
            ('bits / len(text.encode("utf-8"))', "math.log2(losses.mean())"),
        )
    ),
    *(
        Wrong(
            "Your function takes a power: that gives a perplexity. Bits per byte are a quotient: all bits "
            "over all bytes.",
            'bits / len(text.encode("utf-8"))',
            new,
        )
        for new in (
            "2 ** losses.mean().item()",
            "losses.mean().exp().item()",
            "2 ** (losses.mean().item() / math.log(2) ** 2)",
            '2 ** (losses.sum().item() / len(text.encode("utf-8")))',
            'math.exp(losses.sum() / len(text.encode("utf-8")))',
        )
    ),
    Wrong(
        "Your function goes through the text's probability, which soon is too small for a float: "
        "its logarithm is then infinite. Add the losses up; they are logarithms already.",
        "losses.sum().item() / math.log(2)",
        "-torch.log2(torch.exp(-losses.double().sum())).item()",
    ),
    Wrong(
        "Your function goes through the probability, which soon is 0 in a float, and fails. Add the "
        "losses up; they are logarithms already.",
        "losses.sum().item() / math.log(2)",
        "-math.log2(math.exp(-losses.double().sum()))",
    ),
    Wrong(
        "Your function gives the average loss of a token, in nats. Add the losses up, divide by ln 2 to "
        "have bits, and by the number of bytes.",
        'bits / len(text.encode("utf-8"))',
        "losses.mean().item()",
    ),
    Wrong(
        "Your function gives the loss of the whole text, in nats. Divide by ln 2 to have bits, and by the "
        "number of bytes.",
        'bits / len(text.encode("utf-8"))',
        "losses.sum().item()",
    ),
    Wrong(
        "Your function divides by 8. Divide the nats by ln 2 to have bits, and these by the "
        "number of bytes; 8 has no place here.",
        'bits / len(text.encode("utf-8"))',
        'losses.sum().item() / 8 / len(text.encode("utf-8"))',
    ),
    Wrong(
        "Your function multiplies by 8. Divide all bits by the number of bytes; 8 has no place "
        "here.",
        'bits / len(text.encode("utf-8"))',
        '8 * bits / len(text.encode("utf-8"))',
    ),
    Wrong(
        "Your function takes 8 bits for a nat. A nat is 1 / ln 2 bits: divide by ln 2.",
        "/ math.log(2)",
        "* 8",
    ),
    Wrong(
        "Your function divides by 2. A nat is 1 / ln 2 bits: divide by ln 2, about 0.693.",
        "math.log(2)",
        "2",
    ),
    Wrong(
        "Your function multiplies by 2. A nat is 1 / ln 2 bits: divide by ln 2, about 0.693.",
        "/ math.log(2)",
        "* 2",
    ),
    Wrong(
        "Your function divides by ln 2 twice. Once turns nats into bits.",
        "/ math.log(2)",
        "/ math.log(2) / math.log(2)",
    ),
    *(
        Wrong(
            "Your function uses a rounded ln 2. Take math.log(2), which has all digits.",
            "math.log(2)",
            ln2,
        )
        for ln2 in ("0.693", "0.69", "0.7", "(1 / 1.44)")
    ),
    Wrong(
        "Your function multiplies by the number of bytes. Divide by it.",
        'bits / len(text.encode("utf-8"))',
        'bits * len(text.encode("utf-8"))',
    ),
    Wrong(
        "Your function adds the values of the bytes up. Count them: len.",
        'len(text.encode("utf-8"))',
        'sum(text.encode("utf-8"))',
    ),
    Wrong(
        "Your function takes the last token's loss only. Add up the losses of all tokens.",
        "losses.sum()",
        "losses[-1]",
    ),
    Wrong(
        "Your function takes the first token's loss only. Add up the losses of all tokens.",
        "losses.sum()",
        "losses[0]",
    ),
    Wrong(
        "Your function takes the largest loss only. Add up the losses of all tokens.",
        "losses.sum()",
        "losses.max()",
    ),
    Wrong(
        "Your function leaves out the first token's loss. Add up all.",
        "losses.sum()",
        "losses[1:].sum()",
    ),
    Wrong(
        "Your function leaves out the last token's loss. Add up all.",
        "losses.sum()",
        "losses[:-1].sum()",
    ),
    Wrong(
        "Your function gives a number for each token. Add the losses up first.",
        'bits / len(text.encode("utf-8"))',
        '(losses / math.log(2) / len(text.encode("utf-8"))).tolist()',
    ),
    *(
        Wrong(
            "Your function rounds the result (int and // do that, too). Give it as it is.",
            'bits / len(text.encode("utf-8"))',
            f'{rounded}(bits / len(text.encode("utf-8")){digits})',
        )
        for rounded, digits in (("int", ""), ("round", ""), ("round", ", 2"), ("round", ", 3"))
    ),
    Wrong(
        "Your sign is wrong. A loss is above 0, and so are its bits.",
        "losses.sum()",
        "-losses.sum()",
    ),
    Wrong(
        "Your function gives the memory that Python uses for the text (sys.getsizeof). Count the bytes of "
        "text.encode().",
        'len(text.encode("utf-8"))',
        '__import__("sys").getsizeof(text)',
    ),
    Wrong(
        "Your function counts the characters of the text's repr. Count the bytes of text.encode().",
        'text.encode("utf-8")',
        'str(text.encode("utf-8"))[2:-1]',
    ),
    Wrong(
        "Your function divides by the probability, which soon is 0 in a float. Add the losses up; they "
        "are logarithms already.",
        "losses.sum().item() / math.log(2)",
        "math.log2(1 / math.exp(-losses.double().sum()))",
    ),
    Wrong(
        "You divide by one byte too many. Divide by the number of the text's own bytes.",
        'len(text.encode("utf-8"))',
        '(len(text.encode("utf-8")) + 1)',
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


def by_numpy(losses, text):
    import numpy as np

    return np.log2(np.e) * losses.double().numpy().sum() / np.array(bytearray(text, "utf8")).size


RIGHT = (with_a_loop, by_the_average, by_numpy)
