"""What an exercise is: one module with its statement, its answer, its cases and its mistakes.

A module has, in this order: a docstring (a title, an empty line, the statement in Markdown),
DIFFICULTY and IMPORTANCE from 1 to 5, MINUTES, a function of the module's own name (the answer, whose
docstring the student sees), ``cases(given)``, HINTS, WHY, WRONG and RIGHT. The page "Write an
exercise" goes through one of them.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import torch

WIDTH = 84  # characters of a line that a page shows beside its list of contents
PROBLEMS = f"{__package__}.problems"  # a package for each chapter
CHAPTERS = ("tokens", "io", "internals", "training", "inference")


class ExerciseError(ValueError):
    """A module that is no whole exercise."""


class Given:
    """Inputs for the cases: the same ones for the same seed, in the same dtype."""

    def __init__(self, seed: int = 0, dtype: torch.dtype = torch.float32):
        self.dtype = dtype
        self.dice = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> torch.Tensor:
        """Normally distributed numbers of this shape."""
        return torch.randn(shape, generator=self.dice, dtype=torch.float64).to(self.dtype)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Numbers from 0 to 1 of this shape."""
        return torch.rand(shape, generator=self.dice, dtype=torch.float64).to(self.dtype)

    def whole(self, least: int, most: int, *shape: int) -> torch.Tensor:
        """Whole numbers from least to most, both of which may come."""
        return torch.randint(least, most + 1, shape, generator=self.dice)

    def pick(self, values, n: int | None = None):
        """One of the values, or a list of n different ones."""
        order = torch.randperm(len(values), generator=self.dice)[: 1 if n is None else n].tolist()
        return values[order[0]] if n is None else [values[i] for i in order]


@dataclass(frozen=True)
class Case:
    """One call of an answer.

    shows: what this call tests that those before don't, as the object of "tested with …" and
        "wrong with …": "one token", "a document that is shorter than the window".
    """

    shows: str
    args: tuple

    def __init__(self, shows: str, *args):
        object.__setattr__(self, "shows", shows)
        object.__setattr__(self, "args", args)


@dataclass(frozen=True)
class Wrong:
    """A mistake that students make.

    says: a sentence that names it, and one that says what to do.
    old, new: what stands in the answer's text, once, and what the mistake has there; or
    instead: a function that makes the mistake.
    """

    says: str
    old: str = ""
    new: str = ""
    instead: Callable | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise; ``answer`` is the reference, ``source`` its text."""

    name: str
    chapter: str
    title: str
    statement: str
    difficulty: int
    importance: int
    minutes: int
    answer: Callable
    source: str
    cases: Callable[[Given], list[Case]]
    hints: tuple[str, ...]
    why: str
    wrong: tuple[Wrong, ...]
    right: tuple[Callable, ...]
    namespace: dict

    def starter(self) -> str:
        """The answer's signature and docstring, and a place to write."""
        (function,) = ast.parse(self.source).body
        first, last = function.body[0].lineno - 1, function.body[0].end_lineno
        lines = self.source.splitlines()
        place = f'    raise NotImplementedError("{self.name}")  # your code here'
        return "\n".join([*lines[:first], *narrow(lines[first:last]), place])

    def body(self) -> str:
        """The answer's text without its docstring."""
        (function,) = ast.parse(self.source).body
        lines = self.source.splitlines()
        head = lines[: function.body[0].lineno - 1]
        return "\n".join([*head, *lines[function.body[0].end_lineno :]])

    def mistaken(self, wrongs: tuple[Wrong, ...]) -> Callable:
        """The answer with these mistakes in it. Raises ExerciseError if they don't fit together."""
        instead = [wrong.instead for wrong in wrongs if wrong.instead]
        if instead:
            if len(wrongs) > 1:
                raise ExerciseError("a function that makes a mistake has no room for another one")
            return instead[0]
        source = self.source
        for wrong in wrongs:
            if source.count(wrong.old) != 1:
                raise ExerciseError(
                    f"{self.name}: {wrong.old!r} stands {source.count(wrong.old)} times in the "
                    "answer; it must stand there once"
                )
            source = source.replace(wrong.old, wrong.new)
        return compiled(source, self.name, dict(self.namespace))


def narrow(docstring: list[str], width: int = WIDTH) -> list[str]:
    """The lines of a docstring, filled anew so that a page shows them whole.

    A paragraph ends at an empty line, at a line that ends a section's name, and among arguments where
    the next one begins, no deeper than the one before.
    """
    paragraphs, in_args = [], False
    for line in docstring:
        deep, words = len(line) - len(line.lstrip()), line.split()
        name = len(words) == 1 and line.endswith(":")
        in_args = line.strip() == "Args:" if name else in_args
        last = paragraphs[-1] if paragraphs else None
        new = not words or name or not last or not last[1] or last[2]
        if new or (in_args and deep <= last[0]) or line.strip() == '"""':
            paragraphs.append([deep, words, name, in_args])
        else:
            last[1].extend(words)
    return [
        line
        for deep, words, _, hanging in paragraphs
        for line in textwrap.wrap(
            " ".join(words),
            width,
            initial_indent=" " * deep,
            break_long_words=False,
            subsequent_indent=" " * (deep + 4 * hanging),
            break_on_hyphens=False,
        )
        or [""]
    ]


def compiled(source: str, name: str, namespace: dict) -> Callable:
    """The function of that name that the text defines."""
    exec(compile(source, f"<{name}>", "exec"), namespace)
    return namespace[name]


def exercise(name: str) -> Exercise:
    """The exercise of that name. Raises ValueError with the names that there are."""
    found = names()
    if name not in found:
        raise ValueError(unknown(name, found))
    return _loaded(found[name], name)


def unknown(name, found) -> str:
    import difflib

    near = difflib.get_close_matches(str(name), found, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(found)}"
    return f"there is no exercise {name!r}; {hint}"


@functools.cache
def names() -> dict[str, str]:
    """Each exercise's chapter, in the order in which they are done."""
    found = {}
    for chapter in CHAPTERS:
        package = importlib.import_module(f"{PROBLEMS}.{chapter}")
        modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
        if modules != set(package.ORDER):
            odd = ", ".join(sorted(modules ^ set(package.ORDER)))
            raise ExerciseError(
                f"exercises/problems/{chapter}: ORDER and the files differ in {odd}"
            )
        found |= dict.fromkeys(package.ORDER, chapter)
    return found


@functools.cache
def _loaded(chapter: str, name: str) -> Exercise:
    return of_module(importlib.import_module(f"{PROBLEMS}.{chapter}.{name}"), chapter, name)


def of_module(module: ModuleType, chapter: str, name: str) -> Exercise:
    """The exercise in a module. Raises ExerciseError that says what is missing."""
    missing = [
        part
        for part in (
            "DIFFICULTY",
            "IMPORTANCE",
            "MINUTES",
            name,
            "cases",
            "HINTS",
            "WHY",
            "WRONG",
            "RIGHT",
        )
        if not hasattr(module, part)
    ]
    if missing or not module.__doc__:
        raise ExerciseError(f"{module.__name__} has no {', '.join(missing) or 'docstring'}")
    title, _, statement = inspect.cleandoc(module.__doc__).partition("\n\n")
    answer = getattr(module, name)
    if not answer.__doc__:
        raise ExerciseError(f"{module.__name__}: {name} has no docstring for the student")
    made = Exercise(
        name,
        chapter,
        title,
        statement,
        module.DIFFICULTY,
        module.IMPORTANCE,
        module.MINUTES,
        answer,
        textwrap.dedent(inspect.getsource(answer)),
        module.cases,
        tuple(module.HINTS),
        inspect.cleandoc(module.WHY),
        tuple(module.WRONG),
        tuple(module.RIGHT),
        vars(module),
    )
    for wrong in made.wrong:
        made.mistaken((wrong,))
    return made
