"""One block

A GPT is the same block, stacked. A block has four parts: attention and an MLP, each with a layer
norm of its own. No part replaces x. A normalised copy of x goes into attention, and its answer is
added to x; then a normalised copy of this sum goes into the MLP, and its answer is added too. The
sum that runs through all blocks in this way is the residual stream. Nothing on it is ever
normalised or thrown away, and that is what lets a deep network learn.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 10


def transformer_block(x: torch.Tensor, attend, think, norm1, norm2) -> torch.Tensor:
    """Attention, then the MLP; each reads a normalised copy and adds its answer.

    Args:
        x: (B, T, C), the residual stream as it comes in.
        attend, think: functions for attention and for the MLP. Each takes a (B, T, C) tensor and
            gives its answer, of the same shape, to which x is not yet added.
        norm1, norm2: functions for the layer norms before attend and before think. Each takes a
            (B, T, C) tensor and gives one of the same shape. (The check passes simple functions for
            all four, named after what they do: `doubled`, `unchanged`.)

    Returns:
        (B, T, C), the residual stream as it goes out.
    """
    x = x + attend(norm1(x))
    return x + think(norm2(x))


def nothing(x):
    return torch.zeros_like(x)


def unchanged(x):
    return x


def halved(x):
    return x / 2


def doubled(x):
    return 2 * x


def squared(x):
    return x * x


def plus_one(x):
    return x + 1


def backwards(x):
    return x.flip(1)


def averaged_so_far(x):
    return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1)[:, None].to(x.dtype)


def cases(given):
    def stream(B, T, C):
        return given.uniform(B, T, C) + 0.5

    return [
        Case(
            "a think that answers 0 and norms that change nothing, so that only attend counts",
            stream(1, 1, 3),
            doubled,
            nothing,
            unchanged,
            unchanged,
        ),
        Case("an attend that answers 0", stream(1, 1, 3), nothing, squared, unchanged, unchanged),
        Case("both", stream(1, 1, 3), doubled, squared, unchanged, unchanged),
        Case("a norm before attend", stream(1, 1, 3), doubled, squared, plus_one, unchanged),
        Case("a norm before think", stream(1, 1, 3), doubled, squared, unchanged, halved),
        Case(
            "two windows with both norms and an attend that looks back",
            stream(2, 4, 3),
            averaged_so_far,
            squared,
            halved,
            plus_one,
        ),
        Case(
            "numbers of both signs, in windows of a hundred positions",
            given.integers(-9, 9, 3, 100, 8).to(given.dtype),
            backwards,
            halved,
            doubled,
            plus_one,
        ),
        Case(
            "one number of both signs",
            given.normal(2, 3, 1),
            squared,
            doubled,
            plus_one,
            halved,
        ),
    ]


HINTS = (
    "Two lines are enough, one for each answer that is added.",
    "The first: attend reads norm1 of x, and its answer is added to x, not to the normalised copy.",
    "The second does the same with think and norm2, and begins with what the first line gave.",
)
WHY = """
The norm stands before the part (pre-norm), so the stream itself stays a plain sum: what came in,
plus every answer since. A gradient flows back along such a sum unchanged, through any number of
blocks. And a part that answers 0 does no harm: x passes by it as it is. The first transformer
normalised the sums themselves (post-norm), which is harder to train when there are many blocks.
"""


def norms_after_sums(x, attend, think, norm1, norm2):
    x = norm1(x + attend(x))
    return norm2(x + think(x))


def norms_after_parts(x, attend, think, norm1, norm2):
    x = x + norm1(attend(x))
    return x + norm2(think(x))


def think_first(x, attend, think, norm1, norm2):
    x = x + think(norm2(x))
    return x + attend(norm1(x))


def norms_exchanged(x, attend, think, norm1, norm2):
    x = x + attend(norm2(x))
    return x + think(norm1(x))


def stream_normalised(x, attend, think, norm1, norm2):
    x = norm1(x)
    x = norm2(x + attend(x))
    return x + think(x)


def norms_around_parts(x, attend, think, norm1, norm2):
    x = x + norm1(attend(norm1(x)))
    return x + norm2(think(norm2(x)))


WRONG = (
    Wrong(
        "Attention's answer replaces x. Add it to x.",
        "x + attend(norm1(x))",
        "attend(norm1(x))",
    ),
    Wrong(
        "The MLP's answer replaces x. Add it to x.",
        "x + think(norm2(x))",
        "think(norm2(x))",
    ),
    Wrong(
        "Your norms come after the sums: that is post-norm, of the first transformer. Give each "
        "part a normalised copy, and leave the sum as it is.",
        instead=norms_after_sums,
    ),
    Wrong(
        "Your norms are applied to the answers. Apply them to what the parts read.",
        instead=norms_after_parts,
    ),
    Wrong(
        "Attention's answer is added to the normalised copy. Add it to x itself.",
        "x + attend(norm1(x))",
        "norm1(x) + attend(norm1(x))",
    ),
    Wrong(
        "The MLP's answer is added to the normalised copy. Add it to the residual stream itself.",
        "x + think(norm2(x))",
        "norm2(x) + think(norm2(x))",
    ),
    Wrong(
        "The MLP reads the x that came in, and learns nothing of attention's answer. Let it read "
        "the sum of both.",
        instead=lambda x, attend, think, norm1, norm2: x + attend(norm1(x)) + think(norm2(x)),
    ),
    Wrong(
        "The MLP's answer is added to the x that came in, so attention's answer is lost from the "
        "stream. Add it to the sum of both.",
        instead=lambda x, attend, think, norm1, norm2: x + think(norm2(x + attend(norm1(x)))),
    ),
    Wrong(
        "norm1 is never used. Attention reads norm1 of x.",
        "norm1(x)",
        "x",
    ),
    Wrong(
        "norm2 is never used. The MLP reads norm2 of the stream.",
        "norm2(x)",
        "x",
    ),
    Wrong(
        "Both parts read through norm1. The MLP has its own, norm2.",
        "norm2(x)",
        "norm1(x)",
    ),
    Wrong(
        "The MLP comes first. Attention gathers, then the MLP does something with what was "
        "gathered.",
        instead=think_first,
    ),
    Wrong(
        "The norms are exchanged: norm1 stands before attend, norm2 before think.",
        instead=norms_exchanged,
    ),
    Wrong(
        "The MLP reads attention's answer alone. Let it read the sum of x and that answer.",
        instead=lambda x, attend, think, norm1, norm2: (
            x + (answer := attend(norm1(x))) + think(norm2(answer))
        ),
    ),
    Wrong(
        "The MLP is missing: think is never called. Add its answer to the stream, too.",
        "return x + think(norm2(x))",
        "return x",
    ),
    Wrong(
        "Attention is missing: attend is never called. Add its answer to x before the MLP reads.",
        "x = x + attend(norm1(x))",
        "x = x",
    ),
    Wrong(
        "The stream counts twice at the end. Add the MLP's answer to it once.",
        "x + think(norm2(x))",
        "x + x + think(norm2(x))",
    ),
    Wrong(
        "The x that came in is added again at the end. The sum of x and attention's answer holds it already.",
        instead=lambda x, attend, think, norm1, norm2: (
            x + transformer_block(x, attend, think, norm1, norm2)
        ),
    ),
    Wrong(
        "All that you give is twice as large as it should be. Is the stream, changed in place, added to itself?",
        instead=lambda *all_of: 2 * transformer_block(*all_of),
    ),
    Wrong(
        "Attention's answer counts twice. Add it to x once.",
        "attend(norm1(x))",
        "2 * attend(norm1(x))",
    ),
    Wrong(
        "The result is normalised by norm2. The stream itself is never normalised: give the sum as it is.",
        "x + think(norm2(x))",
        "norm2(x + think(norm2(x)))",
    ),
    Wrong(
        "The result is normalised by norm1. The stream itself is never normalised: give the sum as it is.",
        "x + think(norm2(x))",
        "norm1(x + think(norm2(x)))",
    ),
    Wrong(
        "The first sum is normalised by norm1, beside what attention reads. The stream itself is never normalised.",
        "x = x + attend(norm1(x))",
        "x = norm1(x + attend(norm1(x)))",
    ),
    Wrong(
        "Both answers are added to normalised copies, so x itself is lost. Keep x, and give each part a normalised "
        "copy of it.",
        instead=stream_normalised,
    ),
    Wrong(
        "Nothing is added to x: each part's answer replaces the stream. Add both answers to it.",
        instead=lambda x, attend, think, norm1, norm2: think(norm2(attend(norm1(x)))),
    ),
    Wrong(
        "There is one sum around both parts: the MLP reads attention's answer alone, and this answer is not added. "
        "Add each part's answer to the stream.",
        instead=lambda x, attend, think, norm1, norm2: x + think(norm2(attend(norm1(x)))),
    ),
    Wrong(
        "The two answers are added to each other, and not to x. Begin with x, and add both.",
        instead=lambda x, attend, think, norm1, norm2: attend(norm1(x)) + think(norm2(x)),
    ),
    Wrong(
        "No norm is used. Attention reads norm1 of x, the MLP norm2 of the stream.",
        instead=lambda x, attend, think, norm1, norm2: (x := x + attend(x)) + think(x),
    ),
    Wrong(
        "Both parts read through norm2. Attention has its own, norm1.",
        "norm1(x)",
        "norm2(x)",
    ),
    Wrong(
        "The norms are applied to the answers, too. Apply them to what the parts read, and to nothing else.",
        instead=norms_around_parts,
    ),
    Wrong(
        "Attention stands in both places: think is never called. The second part is the MLP.",
        "think(",
        "attend(",
    ),
    Wrong(
        "The MLP stands in both places: attend is never called. The first part is attention.",
        "attend(",
        "think(",
    ),
    Wrong(
        "Attention's answer is subtracted. Add it to x.",
        "x + attend",
        "x - attend",
    ),
    Wrong(
        "The MLP's answer is subtracted. Add it to the stream.",
        "x + think",
        "x - think",
    ),
    Wrong(
        "Attention's answer is multiplied by x. Add it.",
        "x + attend",
        "x * attend",
    ),
    Wrong(
        "The MLP reads the stream through both norms. It has its own alone, norm2.",
        "norm2(x)",
        "norm2(norm1(x))",
    ),
    Wrong(
        "x itself is lost at the end: you give the sum of the two answers. Add them to x.",
        instead=lambda x, attend, think, norm1, norm2: (
            transformer_block(x, attend, think, norm1, norm2) - x
        ),
    ),
    Wrong(
        "Attention's answer is added again at the end. The sum of x and this answer holds it already.",
        instead=lambda x, attend, think, norm1, norm2: (
            transformer_block(x, attend, think, norm1, norm2) + attend(norm1(x))
        ),
    ),
    Wrong(
        "The MLP's answer is multiplied by the stream. Add it.",
        "x + think",
        "x * think",
    ),
    Wrong(
        "The first sum is normalised by norm2 for good, so the MLP's answer is added to the normalised stream. Give "
        "the MLP a normalised copy, and add its answer to the sum as it was.",
        instead=lambda x, attend, think, norm1, norm2: (
            (y := norm2(x + attend(norm1(x)))) + think(norm2(y))
        ),
    ),
    Wrong(
        "attend and think are never called: only the norms are. Attention answers attend(norm1(x)).",
        instead=lambda x, attend, think, norm1, norm2: (x := x + norm1(x)) + norm2(x),
    ),
    Wrong(
        "Each sum is divided by 2, so it is an average. Give the sum as it is.",
        instead=lambda x, attend, think, norm1, norm2: (
            ((x := (x + attend(norm1(x))) / 2) + think(norm2(x))) / 2
        ),
    ),
    Wrong(
        "Numbers below 0 become 0 on the stream. Nothing bends it: give the sum as it is.",
        "return x + think(norm2(x))",
        "return (x + think(norm2(x))).relu()",
    ),
)


def in_place(x, attend, think, norm1, norm2):
    stream = x.clone()
    stream += attend(norm1(stream))
    stream += think(norm2(stream))
    return stream


def with_a_loop(x, attend, think, norm1, norm2):
    for part, norm in ((attend, norm1), (think, norm2)):
        x = torch.add(part(norm(x)), x)
    return x


def answers_kept(x, attend, think, norm1, norm2):
    answers = [x.double()]
    answers.append(attend(norm1(answers[0])))
    answers.append(think(norm2(torch.stack(answers).sum(dim=0))))
    return torch.stack(answers).sum(dim=0)


RIGHT = (in_place, with_a_loop, answers_kept)
