"""Which weights decay

Weight decay pulls weights gently toward 0, so that none grows large without a reason. It suits the
matrices, of which a GPT has most of its parameters. Biases and the knobs of a norm are single
vectors: a norm's scale begins at 1, and to pull it toward 0 would only do harm. So the optimizer
gets two groups, and someone has to sort the weights.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 3, 5


def decays(named_shapes: dict[str, tuple[int, ...]]) -> set[str]:
    """The names of the weights that decay: those of two or more dimensions.

    Args:
        named_shapes: the shape of each weight, by its name. Only the shape decides: a name may be
            anything, and a dimension may have the size 1.

    Returns:
        A set of names.
    """
    return {name for name, shape in named_shapes.items() if len(shape) >= 2}


def cases(given):
    shapes = [(), (1,), (9,), (100_000,), (1, 1), (7, 1), (1, 1, 1), (0, 3), (2, 3, 4, 5, 6)]
    names = [
        "weight",
        "bias",
        "ln",
        "",
        "embedding.weight",
        "blocks.3.norm.scale",
        "W",
        "b.",
        "gain",
    ]
    many = {f"{i}.{given.choice(names)}": given.choice(shapes) for i in range(300)}
    return [
        Case("a linear layer", {"linear.weight": (5, 3), "linear.bias": (5,)}),
        Case("a norm, whose weight is a vector", {"norm.weight": (4,), "norm.bias": (4,)}),
        Case(
            "a table of embeddings", {"token_embedding.weight": (10, 4), "final_norm.weight": (4,)}
        ),
        Case(
            "matrices that are called a bias and a norm",
            {"relative_bias": (3, 3), "norm.mixing": (4, 4), "scale": (3,)},
        ),
        Case(
            "more dimensions than two, and none",
            {"patches.weight": (8, 3, 2, 2), "heads": (2, 4, 3), "temperature": ()},
        ),
        Case(
            "a matrix with one row or one column, and vectors of 600 and 1",
            {"row": (1, 6), "column": (6, 1), "one": (1, 1), "vector": (600,), "single": (1,)},
        ),
        Case("no weights at all", {}),
        Case("a matrix as the last of the weights", {"norm.weight": (4,), "head.weight": (9, 4)}),
        Case("300 weights with names and shapes of all kinds", many),
    ]


HINTS = (
    "A shape is a tuple. What says how many dimensions it has?",
    "`len(shape)` is the number of dimensions: 2 for a matrix, 1 for a vector.",
    "A set from a dict: `{name for name, shape in named_shapes.items() if ...}`.",
)
WHY = """
The names are no help: a norm's scale is called weight, as a matrix is. The number of dimensions is.
A matrix acts through sums of many products, which small weights keep tame. A bias or a scale acts
on one number, and it may well have to be large.
"""


def first_weight(named_shapes):
    for name, shape in named_shapes.items():
        return {name} if len(shape) >= 2 else set()


def first_found(named_shapes):
    for name, shape in named_shapes.items():
        if len(shape) >= 2:
            return {name}


def first_found_alone(named_shapes):
    for name, shape in named_shapes.items():
        if len(shape) >= 2:
            return name


WRONG = (
    Wrong(
        "You go by the name: what is called weight decays. Go by the shape: a norm's weight is a "
        "vector.",
        "len(shape) >= 2",
        'name.endswith("weight")',
    ),
    Wrong(
        "You go by the name: all but the biases decay. Go by the shape, whatever the name is.",
        "len(shape) >= 2",
        '"bias" not in name',
    ),
    Wrong(
        "You go by the name: neither biases nor norms decay, all else does. Go by the shape, "
        "whatever the name is.",
        "len(shape) >= 2",
        '"bias" not in name and "norm" not in name',
    ),
    Wrong(
        "You leave out weights that are called a bias or a norm. Only the number of dimensions "
        "decides.",
        "len(shape) >= 2",
        'len(shape) >= 2 and "bias" not in name and "norm" not in name',
    ),
    Wrong(
        "You leave out a weight that is called a norm. Only the number of dimensions decides.",
        "len(shape) >= 2",
        'len(shape) >= 2 and "norm" not in name',
    ),
    Wrong(
        "You leave out weights that aren't called weight. Only the number of dimensions decides.",
        "len(shape) >= 2",
        'len(shape) >= 2 and name.endswith("weight")',
    ),
    Wrong(
        "You leave out a weight that is called a bias. Only the number of dimensions decides.",
        "len(shape) >= 2",
        'len(shape) >= 2 and "bias" not in name',
    ),
    Wrong(
        "You leave out the table of embeddings. It has two dimensions, so it decays here.",
        "len(shape) >= 2",
        'len(shape) >= 2 and "embedding" not in name',
    ),
    Wrong(
        "Only matrices decay in your function. A weight with more than two dimensions does too.",
        "len(shape) >= 2",
        "len(shape) == 2",
    ),
    Wrong(
        "Yours asks for more than two dimensions. A matrix has two, and it decays.",
        "len(shape) >= 2",
        "len(shape) > 2",
    ),
    Wrong(
        "In yours vectors decay. They have one dimension: leave them out.",
        "len(shape) >= 2",
        "len(shape) >= 1",
    ),
    Wrong(
        "A weight without dimensions, a single number, decays in your function. Leave it out: "
        "only weights with two or more dimensions decay.",
        "len(shape) >= 2",
        "len(shape) != 1",
    ),
    *(
        Wrong(
            "You count the numbers in a weight, or how large it is. Count its dimensions: "
            "len(shape).",
            "len(shape) >= 2",
            size,
        )
        for size in ("sum(shape) >= 2", "sum(shape) > 2", "any(size > 1 for size in shape)")
    ),
    *(
        Wrong(
            "You look at the size of the first dimension. Count the dimensions: len(shape).",
            "len(shape) >= 2",
            size,
        )
        for size in ("shape[0] >= 2", "shape and shape[0] >= 2")
    ),
    Wrong(
        "You don't count dimensions of size 1, so a matrix with a single row or column is left "
        "out. It has two dimensions all the same.",
        "len(shape) >= 2",
        "sum(size > 1 for size in shape) >= 2",
    ),
    Wrong(
        "You leave out a matrix of one number. It has two dimensions all the same.",
        "len(shape) >= 2",
        "len(shape) >= 2 and set(shape) != {1}",
    ),
    Wrong(
        "These are the weights that don't decay. Give the others.",
        "len(shape) >= 2",
        "len(shape) < 2",
    ),
    Wrong(
        "Every weight decays in your function. Leave out those with fewer than two dimensions.",
        " if len(shape) >= 2",
        "",
    ),
    Wrong(
        "Your function stops at the first name that it finds. Is the return inside the loop?",
        "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
        "set([name for name, shape in named_shapes.items() if len(shape) >= 2][:1])",
    ),
    Wrong(
        "Your function stops at the first weight, whatever its shape is. Is the return inside the "
        "loop?",
        instead=first_weight,
    ),
    *(
        Wrong(
            "Your function stops at the first name that it finds, and gives None where there is none. "
            "Collect the names in a set, and return it after the loop.",
            instead=function,
        )
        for function in (first_found, first_found_alone)
    ),
    Wrong(
        "Your set has the last name only: it is made anew in the loop. Make it once, before the "
        "loop, and add each name to it.",
        "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
        "set([name for name, shape in named_shapes.items() if len(shape) >= 2][-1:])",
    ),
    Wrong(
        "Your set has single letters: set(name), or update(name), takes a name apart. Put the whole "
        "name in: {name}, or add(name).",
        "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
        "{x for name, shape in named_shapes.items() if len(shape) >= 2 for x in name}",
    ),
    Wrong(
        "Your function gives the shapes of the weights that decay. Give their names.",
        "{name for",
        "{shape for",
    ),
    Wrong(
        "Your set has pairs of a name and its shape. Give the names alone.",
        "{name for",
        "{(name, shape) for",
    ),
    Wrong(
        "Your function gives a dict. Give a set of the names alone.",
        "{name for",
        "{name: shape for",
    ),
    *(
        Wrong(
            "Your function says of each weight whether it decays. Give a set of the names of those "
            "that do.",
            "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
            new,
        )
        for new in (
            "{name: len(shape) >= 2 for name, shape in named_shapes.items()}",
            "[len(shape) >= 2 for name, shape in named_shapes.items()]",
        )
    ),
    Wrong(
        "Your function gives how many weights decay. Give a set of their names.",
        "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
        "sum(len(shape) >= 2 for name, shape in named_shapes.items())",
    ),
    Wrong(
        "Your function gives a list. Give a set: braces in the place of brackets, or set(...).",
        "{name for name, shape in named_shapes.items() if len(shape) >= 2}",
        "[name for name, shape in named_shapes.items() if len(shape) >= 2]",
    ),
    Wrong(
        "The last weight is left out. Look at every one of them.",
        "in named_shapes.items()",
        "in [*named_shapes.items()][:-1]",
    ),
    Wrong(
        "The first weight is left out. Look at every one of them.",
        "in named_shapes.items()",
        "in [*named_shapes.items()][1:]",
    ),
)


def with_a_loop(named_shapes):
    chosen = set()
    for name in named_shapes:
        try:
            named_shapes[name][1]
        except IndexError:
            continue
        chosen.add(name)
    return chosen


def by_difference(named_shapes):
    vectors = filter(lambda name: len(named_shapes[name]) in (0, 1), named_shapes)
    return named_shapes.keys() - set(vectors)


def by_pytorch(named_shapes):
    weights = {name: torch.empty(shape, device="meta") for name, shape in named_shapes.items()}
    return frozenset(name for name, weight in weights.items() if weight.dim() > 1)


RIGHT = (with_a_loop, by_difference, by_pytorch)
