"""Prove the exercises' checks: python -m authoring.proof

Two questions for each exercise. Is every named mistake told by its own sentence, and every right answer
taken? And is anything taken that is wrong: the answer itself, changed mechanically in one place (another
operator, a number one larger or smaller, a condition turned round, a loop that never runs)? Changes after
which the answer is still right stand in `EQUIVALENT`, each with its reason. Some never end: their loops
count their turns, so that no clock decides.
"""

import ast
import itertools
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass

import cosmic_ray.plugins as operators
from cosmic_ray.mutating import mutate_code

from nbutils.exercises.checking import is_right, judge
from nbutils.exercises.exercise import Exercise, compile_function, exercise, names
from nbutils.exercises.guard import Stopped

TURNS = 20_000  # of a changed answer's loops, in all its cases; no answer that is right takes 2,000
PATIENT = 60.0  # seconds for a call whose time goes elsewhere than into turns
NEED_NAMES = {"core/VariableInserter", "core/VariableReplacer"}

# By exercise: the line as it is after the change, and why the answer is still right.
SAME_ORDER = "~n is -n - 1: the order is the same"
ONE_DIMENSION = "there is one dimension: 0, which is also -0, and -1 are the same"
TWO_DIMENSIONS = "there are two dimensions, so 1 is also the last"
NOTHING_SEEN = "every score is minus infinity there: any finite reference gives the sum 0"
NOT_BELOW = "smaller ones than this don't occur"
EQUIVALENT: dict[str, dict[str, str]] = {
    "best_pair": {"return min(counts, key=lambda pair: (~counts[pair], pair))": SAME_ORDER},
    "merge_pair": {"while i != len(ids):": "i never jumps over the end: a pair ends at it at most"},
    "learn_merges": {
        "best = min(counts, key=lambda pair: (~counts[pair], pair), default=None)": SAME_ORDER,
        "continue": "no pair occurs twice; the rounds that are left find none either",
    },
    "cross_entropy_loss": {
        "counted = labels > -1": NOT_BELOW,
        "log_p = logits.log_softmax(dim=1)": TWO_DIMENSIONS,
        "log_p = logits.log_softmax(dim=+1)": TWO_DIMENSIONS,
    },
    "bigram_probabilities": {
        "return torch.where(totals != 0, raised / totals, 1 / len(counts))": NOT_BELOW,
        "totals = raised.sum(dim=1, keepdim=True)": TWO_DIMENSIONS,
        "totals = raised.sum(dim=+1, keepdim=True)": TWO_DIMENSIONS,
    },
    "nudge": {"slope = logits.softmax(dim=- 0)": ONE_DIMENSION},
    "multi_head_attention": {
        "scores = q @ k.transpose(-2, -1) / math.sqrt(C / n_head)": "n_head divides C",
        "scores = q @ k.transpose(2, -1) / math.sqrt(C // n_head)": "of four dimensions 2 is also -2",
        "scores = q @ k.transpose(+2, -1) / math.sqrt(C // n_head)": "of four dimensions 2 is also -2",
    },
    "sgd_step": {
        "return [w - rate * g for w, g in zip(weights, gradients, strict=False)]": "both lists are equally long",
    },
    "rate_at": {"if step <= warmup:": "both formulas give the highest rate at this step"},
    "clip_gradients": {
        "factor = most / length if length >= most else 1.0": "where both are equal the factor is 1",
    },
    "mean_loss": {"counted = labels > -1": NOT_BELOW},
    "with_temperature": {
        "return (logits / temperature).softmax(dim=- 0)": ONE_DIMENSION,
        "if temperature <= 0:": NOT_BELOW,
    },
    "keep_top_p": {"before = largest.cumsum(dim= -1) - largest": ONE_DIMENSION},
    "draw_token": {"ends = probabilities.cumsum(dim= -1)": ONE_DIMENSION},
    "attend_with_cache": {"return (scores.softmax(dim= -1) @ values, keys, values)": ONE_DIMENSION},
    "log_probability": {
        "log_p = logits.log_softmax(dim=1)": TWO_DIMENSIONS,
        "log_p = logits.log_softmax(dim=+1)": TWO_DIMENSIONS,
    },
    "running_softmax": {
        "reference = largest.masked_fill(largest == -math.inf, 1.0)": NOTHING_SEEN,
        "reference = largest.masked_fill(largest == -math.inf, -1.0)": NOTHING_SEEN,
        "reference = largest.masked_fill(largest <= -math.inf, 0.0)": NOT_BELOW,
        "largest = torch.maximum(maximum, piece.amax(dim=1))": TWO_DIMENSIONS,
        "largest = torch.maximum(maximum, piece.amax(dim=+1))": TWO_DIMENSIONS,
        "added = (piece - reference[:, None]).exp().sum(dim=1)": TWO_DIMENSIONS,
        "added = (piece - reference[:, None]).exp().sum(dim=+1)": TWO_DIMENSIONS,
    },
}


@dataclass(frozen=True)
class Mutant:
    """An answer with one mechanical change. line: the first line that it changed, as it is now."""

    source: str
    line: str
    change: str


def mutants(asked: Exercise) -> Iterator[Mutant]:
    """The answer with each single change that cosmic-ray knows, outside its signature."""
    function = ast.parse(asked.source).body[0]
    function.body = function.body[1:]  # the docstring
    for node in [function.args, *ast.walk(function.args)]:
        if isinstance(node, ast.arg):
            node.annotation = None
    function.returns, function.args.defaults = None, []
    source, seen = ast.unparse(function) + "\n", set()
    for change in sorted(set(operators.operator_names()) - NEED_NAMES):
        operator, occurrence = operators.get_operator(change)(), 0
        while (changed := mutate_code(source, operator, occurrence)) not in (None, source):
            occurrence += 1
            if changed not in seen:
                seen.add(changed)
                yield Mutant(changed, _first_other(source, changed), change.removeprefix("core/"))


def _first_other(before: str, after: str) -> str:
    pairs = zip(before.splitlines(), after.splitlines())
    return next((now.strip() for was, now in pairs if was != now), "")


class _Counted(ast.NodeTransformer):
    """Every turn of a loop calls ``_turn`` first."""

    def visit_loop(self, node: ast.For | ast.While) -> ast.For | ast.While:
        self.generic_visit(node)
        node.body[:0] = ast.parse("_turn()").body
        return node

    visit_For = visit_While = visit_loop


def that_ends(source: str, asked: Exercise) -> Callable:
    """The changed answer; it raises ``Stopped`` where its loops have taken `TURNS` turns.

    Raises:
        SyntaxError: the change made no Python of it.
    """
    left = itertools.repeat(None, TURNS)

    def turn() -> None:
        if next(left, ...) is ...:
            raise Stopped(f"no answer after {TURNS:,} turns")

    counted = ast.unparse(_Counted().visit(ast.parse(source)))
    return compile_function(counted, asked.name, asked.namespace | {"_turn": turn})


def survivors(asked: Exercise) -> tuple[list[Mutant], list[Mutant]]:
    """The mutants that the check takes for right, and all."""
    alive, made = [], list(mutants(asked))
    for mutant in made:
        try:
            changed = that_ends(mutant.source, asked)
        except SyntaxError:
            continue
        if is_right(asked, changed, seconds=PATIENT):
            alive.append(mutant)
    return alive, made


@dataclass(frozen=True)
class Row:
    """What was proved of an exercise."""

    exercise: str
    chapter: str
    mistakes: int
    told: int  # mistakes that got their own sentence
    right: int  # right answers, the course's own among them
    taken: int
    changes: int  # mechanical ones
    same: int  # after which the answer is still right, each for a reason that is given
    missed: int  # that are wrong and were taken


def rows() -> list[Row]:
    """A row for each exercise, in the order in which they are done: first seed, float32.

    Each core proves one at a time.
    """
    with ProcessPoolExecutor() as pool:
        return list(pool.map(row, names()))


def row(name: str) -> Row:
    """What is proved of the exercise of that name."""
    warnings.simplefilter("ignore", SyntaxWarning)  # a changed answer may compare with `is`
    asked = exercise(name)
    right = (asked.answer, *asked.right)
    alive, made = survivors(asked)
    same = sum(mutant.line in EQUIVALENT.get(name, {}) for mutant in alive)
    return Row(
        name,
        asked.chapter,
        len(asked.wrong),
        sum(judge(asked, asked.with_mistakes((one,))).says == one.says for one in asked.wrong),
        len(right),
        sum(judge(asked, answer).passed for answer in right),
        len(made),
        same,
        len(alive) - same,
    )


def main() -> None:
    made = [asdict(one) for one in rows()]
    print(f"{'exercise':24}", *(f"{key:>9}" for key in made[0] if key != "exercise"))
    for one in made:
        print(f"{one.pop('exercise'):24}", *(f"{value:>9}" for value in one.values()))


if __name__ == "__main__":
    main()
