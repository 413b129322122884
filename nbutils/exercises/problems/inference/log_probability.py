"""How likely is this text?

The probability of a text is a product: the first token's, times the second one's given the first,
and so on. A product of a hundred numbers below 1 soon becomes too small for a float. Its logarithm
is a sum, and sums are harmless. So programs compare texts, measure losses and grade answers by the
sum of the logarithms.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def log_probability(logits: torch.Tensor, ids: torch.Tensor) -> float:
    """The natural logarithm of the probability of these tokens.

    Args:
        logits: (T, V), floats. Row t is what the network says of the token at place t. They may be
            large, like 900 or -900, and the sum must be right all the same.
        ids: (T,), whole numbers from 0 to V - 1: the token that stands at each place t.

    Returns:
        The sum over all places of the logarithm of the probability (softmax over the V logits) of
        the token that stands there. It is 0 or below.
    """
    log_p = logits.log_softmax(dim=-1)  # (T, V)
    return log_p[torch.arange(len(ids)), ids].sum().item()


def cases(given):
    T, V = 4, 6
    zeros = torch.zeros(1, 5, dtype=given.dtype)
    rows = torch.tensor([[-900, -300, 900, 300], [300, -300, -900, 900]], dtype=given.dtype)
    large = rows[:, given.sample(range(4), 4)]
    ids = torch.stack([large[0].argmin(), large[1].argmax()])
    far = torch.tensor([[900.0, 896, 888], [-900, -904, -896]], dtype=given.dtype)
    both = [
        [0.0, -1000, 1000, 1000],
        [-1000, 1000, 1000, 1000],
        [0, 103, -1000, 0],
        [1000, 0, 0, 0],
    ]
    both = torch.tensor(both, dtype=given.dtype)
    wide = given.normal(1, 50_257)
    return [
        Case("five equal logits, so that each token has one fifth", zeros, given.integers(0, 4, 1)),
        Case("one token", given.normal(1, V), given.integers(0, V - 1, 1)),
        Case("four tokens", 2 * given.normal(T, V), given.integers(0, V - 1, T)),
        Case("one token four times", 2 * given.normal(T, V), given.integers(0, V - 1, 1).expand(T)),
        Case("logits of 900 and -900", large, ids),
        Case("a row of large logits and a row of very negative ones", far, given.integers(0, 2, 2)),
        Case("the same row and token twice", given.normal(1, V).expand(2, V), torch.tensor([3, 3])),
        Case("300 tokens", 2 * given.normal(300, 5), given.integers(0, 4, 300)),
        Case("1,000 and -1,000 in a row, the largest twice", both, torch.tensor([1, 0, 2, 0])),
        Case("the largest logit three times", both[:2], torch.tensor([2, 1])),
        Case("a probability nearly too small for a float", both[2:3], torch.tensor([0])),
        Case("a vocabulary of one token", given.normal(3, 1), torch.tensor([0, 0, 0])),
        Case("a vocabulary of 50,257 tokens", wide, torch.tensor([50_256])),
    ]


HINTS = (
    "`logits.log_softmax(dim=-1)` turns each row into logarithms of probabilities. It is more "
    "exact than the logarithm of a softmax, which is minus infinity where the softmax has become "
    "0.",
    "From each row you need one entry: in row t the one of ids[t].",
    "`table[rows, columns]` with two tensors of T whole numbers takes T entries, one for each "
    "pair. The rows are `torch.arange(T)`.",
)
WHY = """
A logarithm turns the product into a sum. `log_softmax` is the logit minus the logarithm of the sum
of all e to the logit, and it computes this with the largest logit taken off first. So it never
takes the logarithm of a probability that was rounded to 0. With the sign turned, divided by T, the
sum is the loss of training.
"""
WRONG = (
    Wrong(
        "Your function gives the average over the tokens. Add the logarithms up; don't divide by "
        "T.",
        ".sum()",
        ".mean()",
    ),
    Wrong(
        "Your sign is wrong: that is the loss. The logarithm of a probability is 0 or below.",
        "return log_p[torch",
        "return -log_p[torch",
    ),
    Wrong(
        "Your function gives the loss: the sign is wrong, and the sum is divided by T. Give the "
        "sum of the logarithms.",
        "return log_p[torch.arange(len(ids)), ids].sum()",
        "return -log_p[torch.arange(len(ids)), ids].mean()",
    ),
    Wrong(
        "With large logits your function gives minus infinity: an exponential has become 0 or "
        "infinite before its logarithm was taken. Use log_softmax, which avoids this.",
        "logits.log_softmax(dim=-1)",
        "logits.softmax(dim=-1).log()",
    ),
    Wrong(
        "With large logits your function gives nan: e to the 900 is too large for a float. Use "
        "log_softmax, which takes the largest logit off first.",
        "logits.log_softmax(dim=-1)",
        "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()",
    ),
    Wrong(
        "The softmax is over the places (dim=0). It should be over the tokens of the vocabulary, "
        "the last dimension.",
        "dim=-1",
        "dim=0",
    ),
    Wrong(
        "Your function adds up the logits of the tokens. They are no logarithms of probabilities "
        "yet: take log_softmax first.",
        "logits.log_softmax(dim=-1)",
        "logits",
    ),
    Wrong(
        "Your function adds up the probabilities. Add up their logarithms.",
        "log_softmax",
        "softmax",
    ),
    Wrong(
        "Your function takes the logarithm of the sum of the probabilities. Take the logarithm "
        "of each, then the sum.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p[torch.arange(len(ids)), ids].logsumexp(dim=0)",
    ),
    Wrong(
        "Your function gives the probability. Its logarithm is asked for, without the exp at the "
        "end.",
        ".sum().item()",
        ".sum().exp().item()",
    ),
    Wrong(
        "Your logarithm has base 2. Use the natural one.",
        "logits.log_softmax(dim=-1)",
        "logits.log_softmax(dim=-1) / 0.6931471805599453",
    ),
    Wrong(
        "Your function compares each row with the next token. Here row t already belongs to "
        "ids[t]: don't shift.",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[torch.arange(len(ids) - 1), ids[1:]]",
    ),
    Wrong(
        "Your function takes the likeliest token of each row. Take the one that stands there, "
        "ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p.amax(dim=-1)",
    ),
    Wrong(
        "log_p[:, ids] takes the columns of all ids in every row. From row t take only the "
        "column ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[:, ids]",
    ),
    Wrong(
        "Your function gives T numbers. Add them up.",
        ".sum().item()",
        ".tolist()",
    ),
    Wrong(
        "Your function multiplies the probabilities up and takes the logarithm of the product, which "
        "soon is too small for a float. Take the logarithm of each, then the sum.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "logits.softmax(dim=-1)[torch.arange(len(ids)), ids].prod().log()",
    ),
    *(
        Wrong(
            "Your function adds a small number to the probability before the logarithm, or keeps "
            "the probability above such a number (clamp). So what is unlikely looks likelier. "
            "log_softmax needs no such number.",
            "logits.log_softmax(dim=-1)",
            f"(logits.softmax(dim=-1) + {small}).log()",
        )
        for small in (
            "1e-5",
            "1e-6",
            "1e-7",
            "1e-8",
            "1e-9",
            "1e-10",
            "1e-12",
            "1e-15",
            "1e-20",
            "1e-30",
        )
    ),
    Wrong(
        "Your function takes a softmax of what a softmax gave. cross_entropy and log_softmax take the "
        "logits themselves.",
        "logits.log_softmax",
        "logits.softmax(dim=-1).log_softmax",
    ),
    Wrong(
        "Your logarithm has base 2, and with large logits it is minus infinity. Use the natural one: "
        "log_softmax.",
        "logits.log_softmax(dim=-1)",
        "logits.softmax(dim=-1).log2()",
    ),
    *(
        Wrong(
            "Your logarithm has base 10. Use the natural one.",
            "logits.log_softmax(dim=-1)",
            new,
        )
        for new in ("logits.log_softmax(dim=-1) / math.log(10)", "logits.softmax(dim=-1).log10()")
    ),
    Wrong(
        "Your softmax is over the whole table. Each row is a distribution of its own: dim=-1.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.flatten().logsumexp(dim=0))",
    ),
    Wrong(
        "Your function takes the largest logit of the whole table off. Where a row lies far below it, "
        "each e to the power is 0. Take off each row's own largest: log_softmax does that.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.max() - (logits - logits.max()).exp().sum(dim=-1, keepdim=True).log())",
    ),
    Wrong(
        "Your function adds up the logarithms of all tokens of the vocabulary. From each row take only "
        "the token that stands there.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p.sum()",
    ),
    Wrong(
        "log_p[ids] takes whole rows, those with these numbers. From row t take the column ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[ids]",
    ),
    Wrong(
        "Your function takes all tokens from the first row. Row t belongs to the token at place t.",
        "torch.arange(len(ids)), ids",
        "0, ids",
    ),
    Wrong(
        "Your function takes all tokens from the last row. Row t belongs to the token at place t.",
        "torch.arange(len(ids)), ids",
        "-1, ids",
    ),
    Wrong(
        "Your function takes the first token only. Add up the logarithms of all.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p[0, ids[0]]",
    ),
    Wrong(
        "Your function takes the last token only. Add up the logarithms of all.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p[-1, ids[-1]]",
    ),
    Wrong(
        "Your function leaves out the last token. Add up the logarithms of all T.",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[torch.arange(len(ids)), ids][:-1]",
    ),
    Wrong(
        "Your function leaves out the first token. Row 0 belongs to it: add up the logarithms of all T.",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[torch.arange(len(ids)), ids][1:]",
    ),
    Wrong(
        "Your function counts the ids from 1. The first token of the vocabulary has id 0: take the "
        "column ids[t].",
        "log_p[torch.arange(len(ids)), ids]",
        "log_p[torch.arange(len(ids)), ids - 1]",
    ),
    Wrong(
        "Your function takes the logarithm of the average probability. Take the logarithm of each, then "
        "the sum.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p.exp()[torch.arange(len(ids)), ids].mean().log()",
    ),
    Wrong(
        "Your function takes the logarithm of the logits. Probabilities come from softmax; log_softmax "
        "gives their logarithms at once.",
        "logits.log_softmax(dim=-1)",
        "logits.log()",
    ),
    Wrong(
        "Your function divides the logits by their sum; the e to the power of each is missing. Take "
        "log_softmax.",
        "logits.log_softmax(dim=-1)",
        "(logits / logits.sum(dim=-1, keepdim=True)).log()",
    ),
    Wrong(
        "The sums of your softmax are not beside their own rows: keep the dimension, keepdim=True, or "
        "let log_softmax do it.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.logsumexp(dim=-1))",
    ),
    Wrong(
        "Your function takes each row's largest logit off the token's, and no more. Take off the "
        "logarithm of the row's sum, too, the sum of e to each logit: log_softmax does that.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.amax(dim=-1, keepdim=True))",
    ),
    Wrong(
        "Your function takes the largest logit off inside the sum and not off the token's own "
        "logit. Take it off in both places: log_softmax does that.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.sub(logits.amax(dim=-1, keepdim=True)).exp().sum(-1, keepdim=True).log())",
    ),
    Wrong(
        "Your function multiplies the logarithms. Probabilities are multiplied; their logarithms "
        "are added up.",
        ".sum()",
        ".prod()",
    ),
    Wrong(
        "Your function takes the logarithm twice: log_softmax has taken it already.",
        "logits.log_softmax(dim=-1)",
        "logits.log_softmax(dim=-1).log()",
    ),
    Wrong(
        "With large logits a probability is rounded to 0, and math.log takes no 0. Use log_softmax, "
        "which avoids this.",
        instead=lambda logits, ids: sum(
            math.log(row[i]) for row, i in zip(logits.softmax(dim=-1).tolist(), ids.tolist())
        ),
    ),
    Wrong(
        "math.exp fails with large logits: e to the 900 is too large for a float. Use log_softmax, "
        "which takes the largest logit off first.",
        instead=lambda logits, ids: sum(
            row[i] - math.log(sum(math.exp(x) for x in row))
            for row, i in zip(logits.tolist(), ids.tolist())
        ),
    ),
    *(
        Wrong(
            "Your function keeps the logits within fixed limits, so that large ones look equal. "
            "log_softmax needs no limits: it takes the largest off first.",
            "logits.log_softmax",
            f"logits.clamp(-{limit}, {limit}).log_softmax",
        )
        for limit in (20, 50, 80, 100)
    ),
    Wrong(
        "Your function gives the perplexity. Give the sum of the logarithms.",
        "log_p[torch.arange(len(ids)), ids].sum()",
        "log_p[torch.arange(len(ids)), ids].mean().neg().exp()",
    ),
    Wrong(
        "Your function divides by V. Add the logarithms up; don't divide.",
        ".sum()",
        ".sum().div(logits.shape[1])",
    ),
    Wrong(
        "Your function gives the running sums, T numbers. Give the sum of all.",
        ".sum().item()",
        ".cumsum(dim=0).tolist()",
    ),
    Wrong(
        "Your function gives T losses: the sign is wrong, and nothing is added up. Give the sum "
        "of the logarithms.",
        "return log_p[torch.arange(len(ids)), ids].sum().item()",
        "return log_p[torch.arange(len(ids)), ids].neg().tolist()",
    ),
    Wrong(
        "Your function gives each logit its own sigmoid. Use log_softmax, over all tokens of a row.",
        "logits.log_softmax(dim=-1)",
        "logits.sigmoid().log()",
    ),
    Wrong(
        "Your function counts equal logarithms once. Each place counts: add up all T.",
        ".sum()",
        ".unique().sum()",
    ),
    Wrong(
        "Your sum of e to the logits becomes infinite with large logits, or 0 with very negative ones. "
        "Use logsumexp or log_softmax, which take each row's own largest logit off first.",
        "logits.log_softmax(dim=-1)",
        "(logits - logits.exp().sum(dim=-1, keepdim=True).log())",
    ),
)


def by_the_loss(logits, ids):
    return -torch.nn.functional.cross_entropy(logits.double(), ids, reduction="sum")


def by_gathering(logits, ids):
    chosen = logits.double().gather(1, ids[:, None])[:, 0]
    return (chosen - logits.double().logsumexp(dim=1)).sum()


def with_loops(logits, ids):
    total = 0.0
    for row, i in zip(logits.tolist(), ids.tolist()):
        top = max(row)
        rest = torch.tensor([x - top for x in row], dtype=torch.float64).exp().sum().log()
        total += row[i] - top - rest.item()
    return total


def with_one_hot(logits, ids):
    marks = torch.nn.functional.one_hot(ids, logits.shape[1])
    return torch.where(marks == 1, logits.log_softmax(dim=1), 0).sum()


RIGHT = (by_the_loss, by_gathering, with_loops, with_one_hot)
