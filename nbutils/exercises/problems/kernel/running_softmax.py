"""Softmax, a piece at a time

Softmax divides each $e^{z}$ by a sum over the whole row, and takes the row's largest score off first, so
that nothing overflows. So it seems to need the whole row before it can begin. But a row may be too long
for the fast memory of a chip, and then it comes in pieces. Two numbers are enough to remember of all
that has passed: the largest score so far, $m$, and the sum $\\sum e^{z - m}$ over the scores so far. When
a piece brings a larger score, the old sum was made with the wrong $m$. Put it right, and go on.
"""

import math

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def running_softmax(
    maximum: torch.Tensor, total: torch.Tensor, piece: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The maximum and the sum of each row, after one more piece of its scores.

    Args:
        maximum: (B,), floats, the largest score of each row so far. Where nothing but minus
            infinity has come, and so before the first piece, it is minus infinity.
        total: (B,), floats, the sum of e to the (score - maximum) over the scores so far. A score
            of minus infinity, which a mask has hidden, adds 0. So before the first piece the sum is 0,
            and stays 0 while all scores are hidden.
        piece: (B, n), floats, the next n scores of each row. They may be as large as 1000 or as low
            as -1000. Some may be minus infinity, or all of them.

    Returns:
        maximum, total, both (B,): the same two, with the piece's scores among those so far.
    """
    largest = torch.maximum(maximum, piece.amax(dim=-1))  # (B,)
    reference = largest.masked_fill(largest == -math.inf, 0.0)
    before = total * (maximum - reference).exp()
    added = (piece - reference[:, None]).exp().sum(dim=-1)
    return largest, before + added


def cases(given):
    hidden = -math.inf

    def case(shows, maximum, total, piece):
        return Case(shows, *(torch.tensor(x, dtype=given.dtype) for x in (maximum, total, piece)))

    def numbers(n, around=0.0):
        return (given.normal(n).double() / 2 + around).tolist()

    several = torch.stack([given.normal(3) + 3, given.normal(3) - 3, given.normal(3)])
    return [
        case("a first piece", [hidden], [0.0], [numbers(4, -3)]),
        case("a piece whose scores are all smaller", [3.0], [1.5], [numbers(3)]),
        case("a piece with a larger score", [0.5], [2.5], [numbers(4, 3)]),
        Case(
            "three rows of three scores, of which some bring a larger one",
            torch.tensor([0.5, 0.25, -1.0], dtype=given.dtype),
            torch.tensor([1.25, 3.0, 1.5], dtype=given.dtype),
            several,
        ),
        case("scores of about 1000", [996.0], [1.5], [[1000.0, 992.0, 998.0]]),
        case(
            "a row whose scores are 2000 above those before, and one where they are below",
            [-1000.0, 1000.0],
            [2.0, 1.5],
            [[1000.0, 999.0], [-1000.0, -998.0]],
        ),
        case("a score that is hidden", [0.75], [1.5], [[hidden, *numbers(2, 1)]]),
        case(
            "a piece of which all is hidden, after others",
            [-2.0, 1.5],
            [1.25, 1.5],
            [[hidden] * 3, numbers(3, 2)],
        ),
        case(
            "a piece of which all is hidden, before any other",
            [hidden, 0.5],
            [0.0, 1.75],
            [[hidden] * 4, numbers(4, 1)],
        ),
        case("pieces of one score", [0.5, 1.0], [1.5, 2.5], [numbers(1, 2), numbers(1, -1)]),
        case(
            "long pieces with the highest and the lowest scores side by side, hidden ones among them",
            [hidden, 1000.0, -1000.0, hidden, 2.5, hidden],
            [0.0, 1.5, 2.0, 0.0, 3000.0, 0.0],
            [
                [1000.0, -1000.0, 1000.0, hidden, *numbers(300)],
                [-1000.0, 1000.0, hidden, -998.0, *numbers(299), 1000.0],
                [hidden, -1000.0, *[hidden] * 301, -1000.0],
                [hidden] * 304,
                [*numbers(303, 2), hidden],
                [-1000.0, *numbers(302), 1000.0],
            ],
        ),
    ]


HINTS = (
    "The largest score after the piece is the larger of two: `maximum` and the piece's own largest, "
    "`piece.amax(dim=-1)`. `torch.maximum` takes the larger one in each row.",
    "The old sum was taken with the old maximum $m$. Each of its parts was $e^{z - m}$ and should be "
    "$e^{z - m'}$. By which factor do they differ? It is the same for all of them, so you need not "
    "know the scores any more.",
    "The factor is $e^{m - m'}$: `total * (maximum - largest).exp()`. To this add the piece's own sum, "
    "taken with the new maximum. `largest[:, None]` has the shape (B, 1), so that it can be "
    "subtracted from each row of the piece (B, n).",
    "Minus infinity minus minus infinity is nan. It happens only where the new maximum is minus "
    "infinity: subtract 0 there instead, and e to the minus infinity is the 0 that you want.",
)
WHY = """
With $m' = \\max(m, \\max_j z_j)$ the new sum is $s\\,e^{m - m'} + \\sum_j e^{z_j - m'}$. The factor puts
the whole old sum right, since $e^{z - m} e^{m - m'} = e^{z - m'}$ for every score that has passed. It is at
most 1, as each $e^{z_j - m'}$ is, so nothing overflows. If the piece brings nothing larger, the factor
is 1. FlashAttention rescales what it has added up of the values by the same factor; then one pass over the
keys is enough, and no row of scores is ever whole in memory.

Where all is hidden so far, $m'$ is minus infinity, and $-\\infty - (-\\infty)$ is no number. Any finite
reference will do there, as every $e^{-\\infty}$ is 0.
"""
OVERFLOW = (
    "No maximum is taken off the piece's scores, so e to the 1000 is infinite. Subtract the new maximum "
    "before you take the exponential."
)
OWN_MAXIMUM = (
    "You take the piece's own maximum off its scores. Its sum and the old one can be added only if both "
    "are made with the same maximum: the larger of the two."
)
ALONE = (
    "You give the maximum and the sum of the piece alone. All scores so far count: take the larger "
    "maximum, and add the old sum, rescaled."
)
TOO_LOW = (
    "Where all is hidden so far, your maximum is a very low number. Give minus infinity there: any score "
    "that comes later must be larger."
)
COUNTED = (
    "Where all is hidden so far, your sum counts the hidden scores: each of them gives e to the 0, which "
    "is 1. They count as 0."
)

FROM_ZERO = "Your maximum begins with 0. All scores may be lower: begin with minus infinity, as it is given."
OLD_MAXIMUM = "You measure the piece from the old maximum. Take the new one."
QUOTIENT = (
    "You divide e to the scores by e to the maximum, and both overflow. Subtract first: e to the "
    "(score - new maximum)."
)
ACROSS_ROWS = "dim=0 goes across rows. Take dim=-1."


def of_its_own(maximum, total, piece):
    own = piece.amax(dim=-1)
    largest = torch.maximum(maximum, own)
    added = (piece - own.masked_fill(own == -math.inf, 0.0)[:, None]).exp().sum(dim=-1)
    return largest, total * (maximum - largest).exp().nan_to_num(0.0) + added


def of_the_piece_alone(maximum, total, piece):
    largest = piece.amax(dim=-1)
    return largest, (piece - largest[:, None]).exp().sum(dim=-1)


def of_the_piece_without_nan(maximum, total, piece):
    largest, added = of_the_piece_alone(maximum, total, piece)
    return largest, added.nan_to_num(0.0)


def of_two_parts(maximum, total, piece):
    """Each part's own sum, rescaled, which is right except where the piece is all hidden."""
    own = piece.amax(dim=-1)
    largest = torch.maximum(maximum, own)
    before = total * (maximum - largest).exp().nan_to_num(0.0)
    return largest, before + (piece - own[:, None]).exp().sum(dim=-1) * (own - largest).exp()


def across_rows(maximum, total, piece):
    return running_softmax(maximum, total, piece.T)


def from_zero(maximum, total, piece):
    return running_softmax(maximum.nan_to_num(neginf=0.0), total, piece)


def with_keepdim(maximum, total, piece):
    largest = torch.maximum(maximum, piece.amax(dim=-1, keepdim=True))
    return largest, total * (maximum - largest).exp() + (piece - largest).exp().sum(dim=-1)


def with_keepdim_and_no_nan(maximum, total, piece):
    largest = torch.maximum(maximum, piece.amax(dim=-1, keepdim=True))
    reference = largest.nan_to_num(neginf=0.0)
    added = (piece - reference[:, :1]).exp().sum(dim=-1)
    return largest, total * (maximum - reference).exp() + added


def only_where_larger(maximum, total, piece):
    largest, right = running_softmax(maximum, total, piece)
    return largest, torch.where(piece.amax(dim=-1) > maximum, right, total)


def begins_anew(maximum, total, piece):
    largest, right = running_softmax(maximum, total, piece)
    alone = (piece - piece.amax(dim=-1, keepdim=True)).exp().sum(dim=-1)
    return largest, torch.where(largest > maximum, alone, right)


def counts_hidden_ones(maximum, total, piece):
    largest, right = running_softmax(maximum, total, piece)
    return largest, torch.where(largest == -math.inf, float(piece.shape[-1]), right)


def with_low_maximum(lowest: float):
    return lambda maximum, total, piece: (
        torch.maximum(maximum, piece.amax(dim=-1)).clamp(min=lowest),
        running_softmax(maximum, total, piece)[1],
    )


def with_low_scores(lowest: float):
    return lambda maximum, total, piece: running_softmax(maximum, total, piece.clamp(min=lowest))


LOW = (-1e4, -1e9, -1e30, torch.finfo(torch.float32).min)
WRONG = (
    Wrong(
        "The old sum is not rescaled. Multiply it by e to the (old maximum - new maximum) first.",
        "total * (maximum - reference).exp()",
        "total",
    ),
    Wrong(
        "The old sum is rescaled the wrong way: the factor is e to the (old maximum - new), at most 1.",
        "(maximum - reference).exp()",
        "(reference - maximum).exp()",
    ),
    Wrong(
        "The factor of the old sum is made with the piece's own maximum, which may be the smaller one.",
        "(maximum - reference).exp()",
        "(maximum - piece.amax(dim=-1)).exp()",
    ),
    Wrong(
        "You divide e to one maximum by e to the other: both overflow. Subtract first.",
        "(maximum - reference).exp()",
        "maximum.exp() / reference.exp()",
    ),
    Wrong(OLD_MAXIMUM, "piece - reference[:, None]", "piece - maximum[:, None]"),
    Wrong(ACROSS_ROWS, "piece.amax(dim=-1)", "piece.amax(dim=0)"),
    Wrong(
        "Where all is hidden so far, you give nan. Where the new maximum is minus infinity, subtract 0.",
        "largest.masked_fill(largest == -math.inf, 0.0)",
        "largest",
    ),
    Wrong(
        "Where all of the piece is hidden, you give nan: its maximum is minus infinity. Subtract 0 there.",
        instead=of_two_parts,
    ),
    Wrong(
        OLD_MAXIMUM,
        "piece - reference[:, None]",
        "piece - maximum.masked_fill(maximum == -math.inf, 0.0)[:, None]",
    ),
    Wrong(
        OLD_MAXIMUM,
        "before + added",
        "(total + (piece - maximum[:, None]).exp().sum(dim=-1)) * (maximum - reference).exp()",
    ),
    Wrong(ACROSS_ROWS, ".exp().sum(dim=-1)", ".exp().sum(dim=0)"),
    Wrong(ACROSS_ROWS, instead=across_rows),
    Wrong(QUOTIENT, "(piece - reference[:, None]).exp()", "piece.exp() / reference[:, None].exp()"),
    Wrong(
        QUOTIENT, "before + added", "(total * maximum.exp() + piece.exp().sum(1)) / reference.exp()"
    ),
    Wrong(
        "You multiply the old sum by the difference of the maxima. Multiply it by e to this difference.",
        "(maximum - reference).exp()",
        "(maximum - reference)",
    ),
    Wrong(
        "You add the factor to the old sum. Multiply the sum by it.",
        "total * (maximum",
        "total + (maximum",
    ),
    Wrong(
        "Your new maximum is the piece's own. The scores before it count too: take the larger of both.",
        "torch.maximum(maximum, piece.amax(dim=-1))",
        "piece.amax(dim=-1)",
    ),
    Wrong(
        "Your maximum stays the old one. A piece may bring a larger score: take the larger of both.",
        "torch.maximum(maximum, piece.amax(dim=-1))",
        "maximum",
    ),
    Wrong(
        OWN_MAXIMUM,
        "piece - reference[:, None]",
        "piece - piece.amax(dim=-1, keepdim=True)",
    ),
    Wrong(OWN_MAXIMUM, instead=of_its_own),
    Wrong(ALONE, instead=of_the_piece_alone),
    Wrong(ALONE, instead=of_the_piece_without_nan),
    Wrong(FROM_ZERO, instead=from_zero),
    Wrong(
        FROM_ZERO,
        "torch.maximum(maximum, piece.amax(dim=-1))",
        "torch.maximum(maximum, piece.amax(dim=-1)).clamp(min=0.0)",
    ),
    Wrong(
        "argmax says where the largest score stands. amax gives the score.",
        "piece.amax(dim=-1)",
        "piece.argmax(dim=-1)",
    ),
    Wrong(OVERFLOW, "(piece - reference[:, None]).exp()", "piece.exp()"),
    Wrong(
        "The old sum is lost: you give that of the piece alone. Add the old one, rescaled.",
        "before + added",
        "added",
    ),
    Wrong(
        "The piece's scores are not in your sum. Add e to the (score - new maximum) for each of them.",
        "before + added",
        "before",
    ),
    Wrong(
        "You rescale the piece's sum as well. It is made with the new maximum already: only the old sum "
        "gets the factor.",
        "before + added",
        "before + added * (maximum - reference).exp()",
    ),
    Wrong(
        "A piece without a larger score is left out. It changes no maximum, but its scores belong to the "
        "sum.",
        instead=only_where_larger,
    ),
    Wrong(
        "Where a piece brings a larger score, your sum begins anew. Keep the old sum, and rescale it.",
        instead=begins_anew,
    ),
    Wrong(
        "You give the maximum as it was before the piece. The sum that you give belongs to the new one.",
        "return largest,",
        "return maximum,",
    ),
    Wrong(
        "Where all is hidden so far, you give a maximum of 0. The 0 is there to be subtracted; the maximum "
        "is still minus infinity.",
        "return largest,",
        "return reference,",
    ),
    Wrong(
        "You give the two in the wrong order: first the maximum, then the sum.",
        "return largest, before + added",
        "return before + added, largest",
    ),
    Wrong(
        "You give the sum alone. Give two things: the maximum, and the sum.",
        "return largest, before + added",
        "return before + added",
    ),
    Wrong(
        "You take one maximum for all rows. Each row has its own: dim=-1.",
        "piece.amax(dim=-1)",
        "piece.amax()",
    ),
    Wrong(
        "You add up all rows together. Each row has its own sum: dim=-1.",
        ".exp().sum(dim=-1)",
        ".exp().sum()",
    ),
    Wrong(
        "The maxima (B,) meet the n scores of the piece's last dimension. Each belongs to a whole row: "
        "largest[:, None] has the shape (B, 1).",
        "reference[:, None]",
        "reference",
    ),
    *(
        Wrong(
            "The old maxima (B,) meet the piece's as (B, 1), and each row is compared with every other. Keep "
            "no dimension in amax; give one to the new maxima later, largest[:, None].",
            instead=mistaken,
        )
        for mistaken in (with_keepdim, with_keepdim_and_no_nan)
    ),
    Wrong(
        "Your results have the shape (B, 1). One number for each row is (B,): was keepdim=True left in?",
        "return largest, before + added",
        "return largest[:, None], (before + added)[:, None]",
    ),
    Wrong(
        "You give the logarithm of the sum. Give the sum itself.",
        "before + added",
        "(before + added).log()",
    ),
    Wrong(
        "You give the maximum plus the logarithm of the sum. Give the sum itself.",
        "before + added",
        "largest + (before + added).log()",
    ),
    Wrong(
        "You add up the scores themselves. Add up e to the (score - new maximum).",
        "(piece - reference[:, None]).exp()",
        "piece",
    ),
    Wrong(
        "You take e to the sum of the piece's scores. Take e to each score first, then the sum.",
        ".exp().sum(dim=-1)",
        ".sum(dim=-1).exp()",
    ),
    Wrong(
        "You subtract the piece's scores from the maximum. Subtract the maximum from them: no e to the "
        "(score - new maximum) is above 1.",
        "piece - reference[:, None]",
        "reference[:, None] - piece",
    ),
    Wrong(
        "You take the mean of the piece. Take the sum.", ".exp().sum(dim=-1)", ".exp().mean(dim=-1)"
    ),
    Wrong(
        "The piece's n numbers are not added up. Each row has one sum: sum(dim=-1).",
        ".exp().sum(dim=-1)",
        ".exp()",
    ),
    Wrong(
        "You add up the piece's softmax, and that is always 1. Add up e to the (score - new maximum).",
        "(piece - reference[:, None]).exp()",
        "piece.softmax(dim=-1)",
    ),
    Wrong(
        "Of the piece only the largest score is in your sum. All of them belong there.",
        "(piece - reference[:, None]).exp().sum(dim=-1)",
        "(piece.amax(dim=-1) - reference).exp()",
    ),
    Wrong(
        "A hidden score counts in your sum as if it were 0. e to the minus infinity is 0, so nothing needs "
        "to be put in its place.",
        "piece - reference[:, None]",
        "piece.masked_fill(piece == -math.inf, 0.0) - reference[:, None]",
    ),
    Wrong(COUNTED, instead=counts_hidden_ones),
    *(Wrong(TOO_LOW, instead=with_low_maximum(lowest)) for lowest in LOW),
    *(Wrong(COUNTED, instead=with_low_scores(lowest)) for lowest in LOW),
    Wrong(
        "The smallest score is taken for the maximum. Take amax.",
        "piece.amax(dim=-1)",
        "piece.amin(dim=-1)",
    ),
    Wrong(
        "The old sum counts twice. Add it once, rescaled.",
        "before + added",
        "before + added + total",
    ),
)


def by_logsumexp(maximum, total, piece):
    seen = torch.cat([(maximum.double() + total.double().log())[:, None], piece.double()], dim=1)
    largest = torch.maximum(maximum, piece.max(dim=1).values)
    return largest, (seen.logsumexp(dim=1) - largest).exp().nan_to_num(0.0)


def with_loops(maximum, total, piece):
    out = []
    for m, s, scores in zip(maximum.tolist(), total.tolist(), piece.tolist()):
        for z in scores:
            if z > m:
                s, m = s * math.exp(m - z), z
            if z > -math.inf:
                s += math.exp(z - m)
        out.append((m, s))
    return [m for m, _ in out], [s for _, s in out]


def by_numpy(maximum, total, piece):
    m, s, z = (x.double().numpy() for x in (maximum, total, piece))
    largest = np.maximum(m, z.max(axis=1))
    reference = np.where(np.isinf(largest), 0, largest)
    return largest, s * np.exp(m - reference) + np.exp(z - reference[:, None]).sum(axis=1)


def as_one_more_score(maximum, total, piece):
    """The old maximum is a score that came `total` times."""
    seen = torch.cat([maximum[:, None], piece], dim=1)
    times = torch.cat([total[:, None], torch.ones_like(piece)], dim=1)
    largest = seen.amax(dim=1)
    powers = (seen - largest[:, None]).exp().where(seen > -math.inf, torch.zeros(()))
    return largest, (times * powers).sum(dim=1)


def in_place(maximum, total, piece):
    before = maximum.clone()
    torch.maximum(maximum, piece.amax(1), out=maximum)
    safe = torch.nan_to_num(maximum, neginf=0.0)
    total *= before.sub_(safe).exp_()
    total += piece.sub_(safe.unsqueeze(1)).exp_().sum(1)
    return maximum, total


RIGHT = (by_logsumexp, with_loops, by_numpy, as_one_more_score, in_place)
