"""What one token costs

How long will a training run take? Count before you pay. Almost all the work of a GPT is multiplying
and adding, and how much of it there is for a token follows from a few numbers of its shape. This
count is what people mean by "six times the parameters", and attention adds a part that grows with
the window.
"""

import math

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 4, 10


def training_flops(n_matrix_weights: int, n_layer: int, width: int, T: int) -> int:
    """The floating-point operations (FLOPs) that training spends on one token.

    A multiplication is one operation, an addition another. In the forward pass each weight of a
    matrix is multiplied by a number, and the product is added to a sum. In each layer's attention
    the token's query meets T keys, and T values are mixed for it: both are T times `width` products
    that are added up. Pairs that the causal mask hides are counted too. The backward pass costs
    twice as much as the forward pass. Everything else is so little that it isn't counted.

    Args:
        n_matrix_weights: how many weights stand in matrices that multiply.
        n_layer: how many layers with attention there are.
        width: the width of the embeddings, C.
        T: how many tokens a window has.

    Returns:
        The number of operations, forward and backward.
    """
    return 6 * n_matrix_weights + 12 * n_layer * width * T


def cases(given):
    return [
        Case("matrices alone", 1_000, 0, 8, 16),
        Case("attention alone, in one layer", 0, 1, 8, 16),
        Case("several layers", 0, 3, 8, 5),
        Case("a small GPT", 106_496, 2, 64, 80),
        Case("GPT-2", 123_532_032, 12, 768, 1_024),
        Case("one token, a width of 1", 7, 3, 1, 1),
        Case("a huge network", 10**12 + 7, 200, 20_001, 1_000_003),
    ]


HINTS = (
    "A weight: one multiplication and one addition forward. How many backward?",
    "So 6 operations for each weight of a matrix: 2 forward, 4 backward.",
    "Attention: T times width products for the scores, as many for the values. Each is multiplied "
    "and added: 4 * width * T forward in each layer. With backward it is three times as much.",
)
WHY = """
Forward, a weight costs a multiplication and an addition: 2. Backward there are two such products,
one for the gradient of the weights and one for that of the inputs: 4 more. Attention has
$2\\,C\\,T$ products forward in each layer, so $4\\,C\\,T$ operations, and with backward
$12\\,C\\,T$. For short windows this is little beside $6N$; it grows with the window, while the
first part doesn't.
"""
WRONG = (
    Wrong(
        "This is the forward pass alone. The backward pass costs twice as much, so both together "
        "cost three times the forward pass.",
        "6 * n_matrix_weights + 12 * n_layer",
        "2 * n_matrix_weights + 4 * n_layer",
    ),
    Wrong(
        "Your count is two thirds of what it should be. The backward pass alone costs twice as "
        "much as the forward pass, and both are counted: three times the forward pass.",
        "6 * n_matrix_weights + 12 * n_layer",
        "4 * n_matrix_weights + 8 * n_layer",
    ),
    Wrong(
        "A multiplication and an addition are counted as one operation together. They are two.",
        "6 * n_matrix_weights + 12 * n_layer",
        "3 * n_matrix_weights + 6 * n_layer",
    ),
    Wrong(
        "Attention's products are missing. They have no weights, and yet they multiply.",
        " + 12 * n_layer * width * T",
        "",
    ),
    Wrong(
        "Your count is four thirds of what it should be. The backward pass costs twice as much as "
        "the forward pass, so both together cost three times the forward pass.",
        "6 * n_matrix_weights + 12 * n_layer",
        "8 * n_matrix_weights + 16 * n_layer",
    ),
    Wrong(
        "You count two thirds of attention: its backward pass alone, or both passes at the cost of "
        "one. The backward pass costs twice as much as the forward pass: together three times.",
        "12 * n_layer",
        "8 * n_layer",
    ),
    Wrong(
        "You count two thirds of the matrices: their backward pass alone, or both passes at the "
        "cost of one. The backward pass costs twice as much as the forward pass: together three "
        "times.",
        "6 * n_matrix_weights",
        "4 * n_matrix_weights",
    ),
    Wrong(
        "The matrices count half as much as they should. A multiplication and an addition are two "
        "operations.",
        "6 * n_matrix_weights",
        "3 * n_matrix_weights",
    ),
    Wrong(
        "Attention counts a sixth of what it should. It has two products, for the scores and for "
        "the values, and with the backward pass each costs three times as much.",
        "12 * n_layer",
        "2 * n_layer",
    ),
    Wrong(
        "Attention counts a quarter of what it should. It has two products, for the scores and for "
        "the values, and a multiplication and an addition are two operations.",
        "12 * n_layer",
        "3 * n_layer",
    ),
    Wrong(
        "Attention counts a twelfth of what it should: each product once. There are two of them, "
        "each a multiplication and an addition, and with the backward pass three times that.",
        "12 * n_layer",
        "n_layer",
    ),
    Wrong(
        "The matrices count twice as much as they should. A weight costs 2 operations forward and 4 "
        "backward.",
        "6 * n_matrix_weights",
        "12 * n_matrix_weights",
    ),
    Wrong(
        "Attention counts twice as much as it should. A query meets T keys and mixes T values: 2 * T "
        "* width products forward, each a multiplication and an addition.",
        "12 * n_layer",
        "24 * n_layer",
    ),
    Wrong(
        "The matrices count once: their products alone. With the additions and the backward pass "
        "each weight costs 6 operations.",
        "6 * n_matrix_weights",
        "n_matrix_weights",
    ),
    Wrong(
        "The width stands squared in your attention. A query meets T keys of `width` numbers each: T "
        "times width products.",
        "width * T",
        "width**2 * T",
    ),
    Wrong(
        "The width stands squared in your attention, and T is missing. (The matrices of attention "
        "are in n_matrix_weights already.) Its products are T times width.",
        "width * T",
        "width**2",
    ),
    Wrong(
        "Your attention doesn't depend on the width. Each key and each value has `width` numbers.",
        "width * T",
        "T",
    ),
    Wrong(
        "The matrices are counted once for each layer. n_matrix_weights has those of all layers "
        "already.",
        "6 * n_matrix_weights +",
        "6 * n_matrix_weights * n_layer +",
    ),
    Wrong(
        "The matrices are counted for all T tokens of the window. Count them for one token.",
        "6 * n_matrix_weights +",
        "6 * n_matrix_weights * T +",
    ),
    Wrong(
        "The matrices are missing. Each of their weights costs 6 operations, forward and backward.",
        "6 * n_matrix_weights + 12",
        "12",
    ),
    Wrong(
        "Both parts are multiplied. Add them: the matrices, and attention.",
        "n_matrix_weights + 12",
        "n_matrix_weights * 12",
    ),
    Wrong(
        "Half of attention's pairs are left out, those that the causal mask hides. They are counted "
        "too: T keys, for each token.",
        "width * T",
        "width * (T + 1) // 2",
    ),
    Wrong(
        "Half of attention's pairs are left out, those that the causal mask hides. They are counted "
        "too: T keys, for each token.",
        "width * T",
        "width * (T // 2)",
    ),
    Wrong(
        "Attention counts half as much as it should. Count both products, of queries with keys "
        "and of weights with values, and all pairs, the hidden ones too.",
        "12 * n_layer",
        "6 * n_layer",
    ),
    Wrong(
        "Attention is counted forward only. With its backward pass it costs three times as much.",
        "12 * n_layer",
        "4 * n_layer",
    ),
    Wrong(
        "The matrices are counted forward only. With the backward pass they cost three times as "
        "much.",
        "6 * n_matrix_weights",
        "2 * n_matrix_weights",
    ),
    Wrong(
        "Attention is counted for one layer. Every layer has it.",
        "12 * n_layer * width",
        "12 * width",
    ),
    Wrong(
        "Your attention is that of a whole window, with T times T pairs. One token meets T others.",
        "width * T",
        "width * T * T",
    ),
    Wrong(
        "This is the cost of a whole window of T tokens. Give that of one token.",
        "6 * n_matrix_weights + 12 * n_layer * width * T",
        "(6 * n_matrix_weights + 12 * n_layer * width * T) * T",
    ),
    Wrong(
        "Your attention doesn't depend on the window's length. The token meets T keys.",
        "width * T",
        "width",
    ),
)


def step_by_step(n_matrix_weights, n_layer, width, T):
    in_matrices = 2 * n_matrix_weights
    in_attention = n_layer * 2 * (T * width + T * width)
    forward = in_matrices + in_attention
    return forward + 2 * forward


def with_a_loop(n_matrix_weights, n_layer, width, T):
    products = n_matrix_weights
    for _ in range(n_layer):
        for _scores_then_values in range(2):
            products += T * width
    return float(math.prod((2, 3, products)))


def factored(n_matrix_weights, n_layer, width, T):
    return 6 * (n_matrix_weights + 2 * n_layer * width * T)


RIGHT = (step_by_step, with_a_loop, factored)
