"""One step with a KV cache

When a text grows by one token, the keys and values of its earlier positions stay what they were:
no position looks ahead. So a network that writes keeps them, in the KV cache, and computes a
query, a key and a value for the newest position alone. Its query looks at all kept keys and at its
own. Nothing is approximated, and a long text is not read again for each token.
"""

import math

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 4, 5, 30


def attend_with_cache(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One head of attention for the newest position, and the cache with this position in it.

    Args:
        q, k, v: (D,), the newest position's query, key and value.
        keys, values: (T, D), those of the T positions before it, the oldest first. T may be 0.

    Returns:
        out, keys, values. out: (D,), the average of all T + 1 values, weighted by the softmax of
        the query's scaled scores (dot product divided by the square root of D) with all T + 1 keys.
        keys, values: (T + 1, D), the newest position's at the end.
    """
    keys = torch.cat([keys, k[None]])  # (T + 1, D)
    values = torch.cat([values, v[None]])
    scores = keys @ q / math.sqrt(len(q))  # (T + 1,)
    return scores.softmax(dim=0) @ values, keys, values


def cases(given):
    def case(shows, T, D):
        q, k, v = given.normal(D), given.normal(D), 3 * given.normal(D)
        return Case(shows, q, k, v, given.normal(T, D), 3 * given.normal(T, D))

    far = torch.tensor([30.0, -10.0, 10.0, -30.0, -20.0], dtype=given.dtype)  # times 50 times √3
    large = far[given.sample(range(5), 5)][:, None].expand(5, 3)
    zero, fifty = torch.zeros(3, dtype=given.dtype), torch.full((3,), 50.0, dtype=given.dtype)
    ends = torch.tensor([-30.0, 20, 30, -20, -30], dtype=given.dtype)[:, None].expand(5, 3)
    ties = ends[2], given.normal(3), ends, given.normal(5, 3)
    return [
        case("an empty cache", 0, 3),
        Case(
            "a query of zeros, so that every position has the same weight",
            zero,
            given.normal(3),
            given.normal(3),
            given.normal(4, 3),
            given.normal(4, 3),
        ),
        case("one number a head, so that nothing is scaled", 4, 1),
        case("one kept position", 1, 6),
        case("five kept positions", 5, 3),
        case("nine kept positions", 9, 2),
        case("forty kept positions", 40, 4),
        Case(
            "scores above 1,000",
            fifty,
            given.normal(3),
            given.normal(3),
            large,
            given.normal(5, 3),
        ),
        case("500 kept positions", 500, 64),
        Case("a score of -2,598 first, and two of 2,598, the last one too", fifty, *ties),
    ]


HINTS = (
    "First extend the cache, then attend: the newest position looks at itself, too.",
    "`k[None]` has the shape (1, D). `torch.cat([keys, k[None]])` puts it under the kept keys.",
    "`keys @ q` is the dot product of each key with the query, (T + 1,). Divide by the square "
    "root of D, which is `len(q)`.",
    "The softmax over the T + 1 scores gives a weight for each position; `weights @ values` adds "
    "up the values with these weights, (D,).",
)
WHY = """
This is the last row of causal attention over T + 1 positions. Its mask hides nothing: the newest
position may look at everything. So no mask is needed, and the rows above it, which would come out
as before, are not computed. The key and the value of the newest position go into the cache since
every later position will look at them; the query does not, for nobody asks for it again.
"""
WRONG = (
    Wrong(
        "The newest position doesn't see itself: out is an average of the kept values only. "
        "Extend the cache before you attend.",
        "    scores = keys @ q / math.sqrt(len(q))  # (T + 1,)\n"
        "    return scores.softmax(dim=0) @ values, keys, values",
        "    scores = keys[:-1] @ q / math.sqrt(len(q))\n"
        "    return scores.softmax(dim=0) @ values[:-1], keys, values",
    ),
    Wrong(
        "Your cache comes back as it was. The newest key and value belong to its end, for the "
        "next step.",
        "@ values, keys, values",
        "@ values, keys[:-1], values[:-1]",
    ),
    Wrong(
        "The newest key and value stand at the front of your cache. The oldest come first: put the "
        "newest at the end.",
        "    keys = torch.cat([keys, k[None]])  # (T + 1, D)\n"
        "    values = torch.cat([values, v[None]])\n",
        "    keys = torch.cat([k[None], keys])\n    values = torch.cat([v[None], values])\n",
    ),
    Wrong(
        "The scores are not scaled. Divide them by the square root of D.",
        " / math.sqrt(len(q))",
        "",
    ),
    Wrong(
        "The scores are divided by D, or twice by its square root. Divide once, by the square root of D.",
        "math.sqrt(len(q))",
        "len(q)",
    ),
    Wrong(
        "The scores are divided by the square root of T + 1, the number of positions. It should "
        "be D, the number of entries of the query.",
        "len(q)",
        "len(keys)",
    ),
    Wrong(
        "The scores are multiplied by the square root of D; divide them.",
        "/ math.sqrt",
        "* math.sqrt",
    ),
    Wrong(
        "There is no softmax: the scores themselves weigh the values.",
        "scores.softmax(dim=0)",
        "scores",
    ),
    Wrong(
        "With large scores your out is nan: e to the 1,000 is too large for a float. Let softmax "
        "compute it, or subtract the largest score first.",
        "scores.softmax(dim=0)",
        "(scores.exp() / scores.exp().sum())",
    ),
    Wrong(
        "Your out is an average of the keys. The scores come from the keys; what they weigh are "
        "the values.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0) @ keys",
    ),
    Wrong(
        "The newest key goes to the values and the newest value to the keys. Put k to the keys "
        "and v to the values.",
        "    keys = torch.cat([keys, k[None]])  # (T + 1, D)\n"
        "    values = torch.cat([values, v[None]])\n",
        "    keys = torch.cat([keys, v[None]])\n    values = torch.cat([values, k[None]])\n",
    ),
    Wrong(
        "The query goes into the cache in place of the key. The cache keeps keys; nobody asks "
        "for a query again.",
        "k[None]",
        "q[None]",
    ),
    Wrong(
        "Your function gives the cache in the wrong order. It is out, keys, values.",
        "@ values, keys, values",
        "@ values, values, keys",
    ),
    Wrong(
        "Your cache has lost its oldest position. Nothing is dropped here: T becomes T + 1.",
        "    keys = torch.cat([keys, k[None]])  # (T + 1, D)\n"
        "    values = torch.cat([values, v[None]])\n",
        "    keys = torch.cat([keys[1:], k[None]])\n"
        "    values = torch.cat([values[1:], v[None]])\n",
    ),
    Wrong(
        "Your out has the shape (1, D). There is one query only, so out is (D,), like v.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0)[None] @ values",
    ),
    Wrong(
        "Your function gives out alone. Give three things: out, and the keys and values with the "
        "newest position in them.",
        "@ values, keys, values",
        "@ values",
    ),
    Wrong(
        "The scores are dot products with the newest key. Take the query: keys @ q.",
        "keys @ q",
        "keys @ k",
    ),
    Wrong(
        "The scores are dot products with the newest value. Take the query: keys @ q.",
        "keys @ q",
        "keys @ v",
    ),
    Wrong(
        "The scores are dot products of the query with the values. Take the keys; the values are what "
        "the weights add up.",
        "keys @ q",
        "values @ q",
    ),
    Wrong(
        "Each weight is 1 in your function, so out is the sum of the values. Is the softmax over a "
        "dimension of size 1? It belongs to the dimension of the T + 1 positions.",
        "scores.softmax(dim=0) @ values",
        "values.sum(dim=0)",
    ),
    Wrong(
        "Your out is the plain average of the values: the scores have no effect. Weigh the values with "
        "the softmax of the scores.",
        "scores.softmax(dim=0) @ values",
        "values.mean(dim=0)",
    ),
    Wrong(
        "Your newest position sees the oldest one only. A causal mask (is_causal=True) for one query "
        "hides all keys but the first; no mask is needed here, for nothing is later.",
        "scores.softmax(dim=0) @ values",
        "values[0]",
    ),
    Wrong(
        "Your out is the newest value alone. Average all T + 1 values with their weights.",
        "scores.softmax(dim=0) @ values",
        "values[-1]",
    ),
    Wrong(
        "Your out is the value with the largest score alone. Average all T + 1 values with their "
        "weights, the softmax of the scores.",
        "scores.softmax(dim=0) @ values",
        "values[scores.argmax()]",
    ),
    Wrong(
        "Your function adds the newest value, whole, to an average of the kept ones. It takes part in "
        "the softmax like any other: extend the cache, then attend.",
        "scores.softmax(dim=0) @ values",
        "scores[:-1].softmax(dim=0) @ values[:-1] + v",
    ),
    Wrong(
        "Your function adds the newest value once more, on top of the average that has it already. Out "
        "is the average alone.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0) @ values + v",
    ),
    Wrong(
        "Your function takes half of the newest value and half of an average of the kept ones. The "
        "newest takes part in the softmax like any other: extend the cache, then attend.",
        "scores.softmax(dim=0) @ values",
        "(scores[:-1].softmax(dim=0) @ values[:-1] + v) / 2",
    ),
    Wrong(
        "Your function adds the query to out. The residual stream comes later; out is the average of "
        "the values.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0) @ values + q",
    ),
    Wrong(
        "Your function gives the newest position a weight and leaves out its value, so the other "
        "weights sum to less than 1. Add up all T + 1 values.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0)[:-1] @ values[:-1]",
    ),
    Wrong(
        "With an empty cache your out is 0. The newest position still sees itself: out is its own value "
        "then.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0) @ values * (len(keys) > 1)",
    ),
    Wrong(
        "The scores are divided by the square root of T, the number of kept positions. It should be D, "
        "the number of entries of the query.",
        "math.sqrt(len(q))",
        "(len(keys) - 1) ** 0.5",
    ),
    Wrong(
        "The square root of D divides what comes after the softmax. Divide the scores, before it.",
        "scores.softmax(dim=0) @ values",
        "(keys @ q).softmax(dim=0) @ values / math.sqrt(len(q))",
    ),
    Wrong(
        "The scores are divided by the square of D; it should be the square root of D.",
        "math.sqrt(len(q))",
        "len(q) ** 2",
    ),
    Wrong(
        "Your sign is wrong: the position whose key fits worst has the largest weight.",
        "keys @ q",
        "-keys @ q",
    ),
    Wrong(
        "Your function takes the scores without their sign (abs). A negative score means a small "
        "weight.",
        "keys @ q",
        "(keys @ q).abs()",
    ),
    Wrong(
        "Your function gives each position its own sigmoid. Use softmax, so that the weights sum to 1.",
        "scores.softmax(dim=0)",
        "scores.sigmoid()",
    ),
    Wrong(
        "Your function weighs with logarithms. Use softmax, not log_softmax.",
        "scores.softmax(dim=0)",
        "scores.log_softmax(dim=0)",
    ),
    Wrong(
        "Your weights don't sum to 1: e to the power of each score is not divided by the sum of all.",
        "scores.softmax(dim=0)",
        "(scores - scores.max()).exp()",
    ),
    Wrong(
        "Your weights don't sum to 1: e to the power of each score is not divided by the sum of all, "
        "and with large scores it is infinite. softmax does both.",
        "scores.softmax(dim=0)",
        "scores.exp()",
    ),
    Wrong(
        "The weights sum to 1 already: don't divide by the number of positions (mean) once more. Add "
        "the weighted values up.",
        "scores.softmax(dim=0) @ values",
        "scores.softmax(dim=0) @ values / len(values)",
    ),
    Wrong(
        "Your function has a score for each entry of a key. Add the products up over D first: one score "
        "for each position.",
        "scores.softmax(dim=0) @ values",
        "((keys * q / math.sqrt(len(q))).softmax(dim=0) * values).sum(dim=0)",
    ),
    *(
        Wrong(
            "Your function keeps the scores within fixed limits, so that large ones look equal. softmax "
            "needs no limits: it takes the largest off first.",
            "scores.softmax(dim=0)",
            f"scores.clamp(-{limit}, {limit}).softmax(dim=0)",
        )
        for limit in (10, 50, 80, 100)
    ),
    Wrong(
        "Each key asks all keys in your function, so out has a row for each position. Only the newest "
        "query asks: keys @ q.",
        "scores.softmax(dim=0) @ values",
        "(keys @ keys.T / math.sqrt(len(q))).softmax(dim=-1) @ values",
    ),
    Wrong(
        "Your out is one number: the weighted values were added up over D, too. Out is (D,), like v.",
        "scores.softmax(dim=0) @ values",
        "(scores.softmax(dim=0) @ values).sum()",
    ),
    Wrong(
        "Your cache of keys comes back as it was. The newest key belongs to its end, for the next step.",
        "@ values, keys, values",
        "@ values, keys[:-1], values",
    ),
    Wrong(
        "Your cache of values comes back as it was. The newest value belongs to its end, for the next "
        "step.",
        "@ values, keys, values",
        "@ values, keys, values[:-1]",
    ),
    Wrong(
        "Your function gives the newest key and value alone. Give the whole cache, (T + 1, D) each, "
        "with them at its end.",
        "@ values, keys, values",
        "@ values, keys[-1:], values[-1:]",
    ),
    Wrong(
        "Your function gives the newest key and value as they came. Give the whole cache, (T + 1, D) "
        "each, with them at its end.",
        "@ values, keys, values",
        "@ values, k, v",
    ),
    Wrong(
        "Your three results are in the wrong order. Give out, keys, values.",
        "return scores.softmax(dim=0) @ values, keys, values",
        "return keys, values, scores.softmax(dim=0) @ values",
    ),
    Wrong(
        "Your function gives out and the keys. The values belong to the cache, too: out, keys, values.",
        "@ values, keys, values",
        "@ values, keys",
    ),
    Wrong(
        "Your function gives the weights as well. Give three things: out, keys, values.",
        "@ values, keys, values",
        "@ values, scores.softmax(dim=0), keys, values",
    ),
    Wrong(
        "Your function gives the weights as well. Give three things: out, keys, values.",
        "@ values, keys, values",
        "@ values, keys, values, scores.softmax(dim=0)",
    ),
    Wrong(
        "Your function gives the keys and values as a pair. Give three things: out, keys, values.",
        "@ values, keys, values",
        "@ values, (keys, values)",
    ),
    Wrong(
        "The newest key stands at the front, and the newest value at the end. Put both at the "
        "end, so that each key has its own value.",
        "[keys, k[None]]",
        "[k[None], keys]",
    ),
    Wrong(
        "The newest value stands at the front, and the newest key at the end. Put both at the "
        "end, so that each key has its own value.",
        "[values, v[None]]",
        "[v[None], values]",
    ),
    Wrong(
        "Your newest key and value replace the last kept ones. Drop nothing: T becomes T + 1.",
        "    keys = torch.cat([keys, k[None]])  # (T + 1, D)\n"
        "    values = torch.cat([values, v[None]])\n",
        "    keys = torch.cat([keys[:-1], k[None]])\n"
        "    values = torch.cat([values[:-1], v[None]])\n",
    ),
    Wrong(
        "The newest key goes to the values, too: their cache has k at its end. Put v there.",
        "v[None]",
        "k[None]",
    ),
    Wrong(
        "The keys in your cache are scaled. Scale the scores, or the query; the cache keeps the keys as "
        "they are.",
        "@ values, keys, values",
        "@ values, keys / math.sqrt(len(q)), values",
    ),
    Wrong(
        "The oldest position is left out of the attention. All T + 1 keys and values take part.",
        "scores = keys @ q / math.sqrt(len(q))  # (T + 1,)\n    return scores.softmax(dim=0) @ values",
        "scores = keys[1:] @ q / math.sqrt(len(q))\n    return scores.softmax(dim=0) @ values[1:]",
    ),
)


def by_pytorch(q, k, v, keys, values):
    keys, values = torch.vstack([keys, k]), torch.vstack([values, v])
    out = torch.nn.functional.scaled_dot_product_attention(q[None], keys, values)
    return out[0], keys, values


def with_loops(q, k, v, keys, values):
    keys, values = [*keys, k], [*values, v]
    scores = [sum((q * key).tolist()) / len(q) ** 0.5 for key in keys]
    weights = [math.exp(score - max(scores)) for score in scores]
    out = sum(w / sum(weights) * value for w, value in zip(weights, values))
    return out, torch.stack(keys), torch.stack(values)


def with_room(q, k, v, keys, values):
    T, D = keys.shape
    cache = torch.empty(2, T + 1, D, dtype=q.dtype)
    cache[0, :T], cache[1, :T], cache[0, T], cache[1, T] = keys, values, k, v
    weights = torch.einsum("d,td->t", q.double(), cache[0].double()).mul(D**-0.5).softmax(dim=0)
    return torch.einsum("t,td->d", weights, cache[1].double()), *cache


def in_two_parts(q, k, v, keys, values):
    """The kept positions and the newest one apart, their exponentials with the same reference."""
    scaled = q.double() / len(q) ** 0.5
    old, new = keys.double() @ scaled, k.double() @ scaled
    top = max([new.item(), *old.tolist()])
    old, new = (old - top).exp(), (new - top).exp()
    out = (old @ values.double() + new * v.double()) / (old.sum() + new)
    return [out, torch.cat((keys, k.view(1, -1))), torch.cat((values, v.view(1, -1)))]


RIGHT = (by_pytorch, with_loops, with_room, in_two_parts)
