"""Mistakes in attention that two exercises share, with what it takes to make them."""

import math

import torch

from nbutils.exercises.exercise import Wrong

WRONG_MASKS = (
    Wrong(
        "Nothing is masked: positions see those after them.",
        "scores.masked_fill(later, -math.inf)",
        "scores",
    ),
    Wrong(
        "A position can't see itself: your mask hides the diagonal too.",
        "triu(1)",
        "triu(0)",
    ),
    Wrong(
        "Your mask hides the past and shows the future.",
        "triu(1)",
        "tril(-1)",
    ),
)
TURNED_MASKS = (
    Wrong(
        "Your mask is the wrong way round: it hides what a position may see, itself too, and "
        "shows what comes after. Was a ~ forgotten?",
        "later, -math.inf",
        "~later, -math.inf",
    ),
    Wrong(
        "Your mask is the wrong way round: it hides what a position may see, itself too, and "
        "shows what comes after. Was a ~ forgotten?",
        "later, -math.inf",
        "~later, -1e9",
    ),
)
MASK = "triu(1)\n    weights = scores.masked_fill(later, -math.inf)"
LOW = MASK.replace("-math.inf", "-1e9")  # differs only where a row has nothing else
SEEN = "scores.masked_fill(later, -math.inf).softmax(dim=-1)"  # nan, or 0, where all of a row is hidden
SHARED = (
    Wrong(
        "Each column of your weights sums to 1; each row should: the softmax is over dim=-2.",
        "softmax(dim=-1)",
        "softmax(dim=-2).nan_to_num(0)",
    ),
    Wrong(
        "The weights of later positions are set to 0 after the softmax, so the others no longer sum to "
        "1. Mask the scores before the softmax.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "scores.softmax(dim=-1).masked_fill(later, 0.0)",
    ),
    Wrong(
        "The mask puts 0 where it should put minus infinity: e to the 0 is 1, so later positions "
        "still get weight.",
        "-math.inf",
        "0.0",
    ),
    Wrong(
        "The mask puts a number there that is only somewhat low, so later positions still get some weight. "
        "Put minus infinity.",
        "-math.inf",
        "-10.0",
    ),
    *(
        Wrong(
            "The mask puts a number there that is low, but other scores may be lower still. Put minus infinity.",
            old,
            new,
        )
        for low in ("100.0", "1e3", "1e4", "1e5", "1e6")
        for old, new in (
            ("-math.inf", f"-{low}"),
            ("scores.masked_fill(later, -math.inf)", f"(scores - {low} * later)"),
        )
    ),
    Wrong(
        "The mask puts plus infinity there, and infinite divided by infinite is no number. Put minus infinity.",
        "-math.inf",
        "math.inf",
    ),
    Wrong(
        "Each position sees the one after it, too: your mask begins one place too late. Hide all later ones: triu(1).",
        "triu(1)",
        "triu(2)",
    ),
    *(
        Wrong(
            "Each position sees only the last few up to itself. It may look at all before it.",
            "masked_fill(later,",
            f"masked_fill(later | torch.ones_like(later).tril(-{n}),",
        )
        for n in (2, 3, 32, 64, 128)
    ),
    Wrong(
        "You subtract one number from all scores, their largest. Where a row's scores are far lower, its powers of e "
        "all come out as 0, and 0 / 0 is no number. Subtract each row's own largest score.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(powers := (top := scores.masked_fill(later, -math.inf)).sub(top.max()).exp()) / "
        "powers.sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "The mask is added to the scores as it is: True counts as 1 and False as 0. Put minus infinity where "
        "it is True.",
        "scores.masked_fill(later, -math.inf)",
        "(scores + later)",
    ),
    *TURNED_MASKS,
    Wrong(
        "A position can't see itself: your mask hides the diagonal too.",
        MASK,
        LOW.replace("triu(1)", "triu(0)"),
    ),
    Wrong(
        "Your mask hides the past and shows the future.", MASK, LOW.replace("triu(1)", "tril(-1)")
    ),
    *(
        Wrong(says, SEEN, SEEN.replace("later", hidden) + ".nan_to_num(0)")
        for says, hidden in (
            (TURNED_MASKS[0].says, "~later"),
            (WRONG_MASKS[1].says, "torch.ones_like(scores).triu(0) > 0"),
            (WRONG_MASKS[2].says, "torch.ones_like(scores).tril(-1) > 0"),
        )
    ),
    Wrong(
        "The mask puts a number there that is only somewhat low, so later positions still get some weight. "
        "Put minus infinity.",
        "-math.inf",
        "-1.0",
    ),
    Wrong(
        "Your mask is multiplied by minus infinity, and 0 times infinity is no number: all becomes nan. Put minus "
        "infinity only where a key stands later, with masked_fill.",
        "scores.masked_fill(later, -math.inf)",
        "(scores + later * -math.inf)",
    ),
    Wrong(
        "Your mask multiplies the scores of later positions by minus infinity, which may give plus infinity. "
        "Put minus infinity in their place, with masked_fill.",
        "scores.masked_fill(later, -math.inf)",
        "torch.where(later, scores * -math.inf, scores)",
    ),
    Wrong(
        "Each position sees only itself. It may look at those before it, too: hide the later ones alone.",
        "masked_fill(later,",
        "masked_fill(later | later.transpose(-2, -1),",
    ),
    *(
        Wrong(
            "Your mask is cut from one of a fixed size, so longer texts don't fit. Make it T by T.",
            "torch.ones_like(scores, dtype=torch.bool).triu(1)",
            f"torch.ones({n}, {n}, dtype=torch.bool).triu(1)[: scores.shape[-1], : scores.shape[-1]]",
        )
        for n in (8, 10, 16, 32, 64, 100, 128)
    ),
    Wrong(
        "Your mask is B by B, from the number of windows. Make it T by T, from the number of positions.",
        "torch.ones_like(scores, dtype=torch.bool)",
        "torch.ones(len(v), len(v), dtype=torch.bool)",
    ),
    Wrong(
        "Your mask is D by D, from the numbers of a head. Make it T by T, from the number of positions.",
        "torch.ones_like(scores, dtype=torch.bool)",
        "torch.ones(v.shape[-1], v.shape[-1], dtype=torch.bool)",
    ),
    Wrong(
        "Your mask is added to the scores as numbers, 1 where a position may look and 0 where it may not, so later "
        "positions still get weight. Put minus infinity there.",
        "scores.masked_fill(later, -math.inf)",
        "(scores + ~later)",
    ),
    Wrong(
        "Your softmax runs over the windows, dim=0. Take it along the keys, dim=-1.",
        "softmax(dim=-1)",
        "softmax(dim=0)",
    ),
    Wrong(
        "You have the logarithm of the weights: log_softmax. Take softmax.",
        "softmax(dim=-1)",
        "log_softmax(dim=-1)",
    ),
    Wrong(
        "The softmax is taken twice. The second one gives later positions weight again.",
        "softmax(dim=-1)",
        "softmax(dim=-1).softmax(dim=-1)",
    ),
    Wrong(
        "Your weights come from a sigmoid, so a row need not sum to 1. Take the softmax along the keys.",
        "softmax(dim=-1)",
        "sigmoid()",
    ),
    Wrong(
        "Your powers of e are not divided by their sum, so a row need not sum to 1. Take the softmax.",
        "softmax(dim=-1)",
        "exp()",
    ),
    Wrong(
        "The sum of each row has lost its dimension, so you divide columns by it. Keep it: "
        "sum(dim=-1, keepdim=True).",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(powers := scores.masked_fill(later, -math.inf).exp()) / powers.sum(dim=-1)",
    ),
    Wrong(
        "Large scores give nan: e to a large power is infinite, and infinite divided by infinite is "
        "no number. Use torch's softmax, or subtract each row's largest score first.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(powers := scores.masked_fill(later, -math.inf).exp()) / powers.sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "There is no softmax: the scores themselves weigh the values.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "scores.masked_fill(later, 0.0)",
    ),
    Wrong(
        "Where a later score is far larger, all that a position may see comes out as 0, and 0 / 0 "
        "is no number. Mask the scores first, then take the softmax or subtract the largest.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(seen := scores.softmax(dim=-1).tril()) / seen.sum(dim=-1, keepdim=True)",
    ),
    Wrong(
        "Each position takes only the value with the highest score. Weigh all values, by softmax.",
        "scores.masked_fill(later, -math.inf).softmax(dim=-1)",
        "(top := scores.masked_fill(later, -math.inf)).eq(top.amax(dim=-1, keepdim=True)).to(v.dtype)",
    ),
    Wrong(
        "Keys are mixed where values should be: multiply the weights by v.",
        "weights @ v",
        "weights @ k",
    ),
    Wrong(
        "Queries are mixed where values should be: multiply the weights by v.",
        "weights @ v",
        "weights @ q",
    ),
    Wrong(
        "Your weights are transposed before they meet the values: a row then belongs to a key. "
        "Multiply weights @ v.",
        "weights @ v",
        "weights.transpose(-2, -1) @ v",
    ),
    Wrong(
        "The mixtures are divided by T as well. The weights of a row sum to 1, so their mixture is an average "
        "already.",
        "weights @ v",
        "weights @ v / v.shape[-2]",
    ),
)


def with_rows(weight_qkv, part, rows):
    """weight_qkv with other rows for queries, keys or values: part 0, 1 or 2."""
    parts = [*weight_qkv.chunk(3)]
    parts[part] = rows
    return torch.cat(parts)


def among_heads(mask):
    """Attention of a position's heads to each other, instead of positions."""

    def wrong(x, weight_qkv, weight_out, n_head):
        q, k, v = (x @ weight_qkv.T).unflatten(-1, (3, n_head, -1)).unbind(2)  # (B, T, H, D)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if mask:
            scores += torch.full_like(scores, -math.inf).triu(1)
        return (scores.softmax(dim=-1) @ v).flatten(2) @ weight_out.T

    return wrong
