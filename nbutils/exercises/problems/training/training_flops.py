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
        "Attention in yours doesn't depend on the window's length. The token meets T keys.",
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
