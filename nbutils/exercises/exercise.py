"""What an exercise is: one module with its statement, its answer, its cases and its mistakes.

A module has, in this order: a docstring (a title, an empty line, the statement in Markdown),
DIFFICULTY and IMPORTANCE from 1 to 5, MINUTES, perhaps KEPT (names of arguments that must be left as they
were), a function of the module's own name (the answer, whose
docstring the student sees), ``cases(given)``, HINTS, WHY, WRONG and RIGHT. The page "For teachers"
goes through one of them, under "Write an exercise".
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import torch

from nbutils.words import language, sentence, table

WIDTH = 84  # characters of a line that a page shows beside its list of contents
PROBLEMS = f"{__package__}.problems"  # a package for each chapter
CHAPTERS = ("tokens", "io", "internals", "training", "inference", "kernel")


class ExerciseError(ValueError):
    """A module that is no whole exercise."""


class Inputs:
    """Random inputs for the cases: the same ones for the same seed, in the same dtype."""

    def __init__(self, seed: int = 0, dtype: torch.dtype = torch.float32):
        self.dtype = dtype
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> torch.Tensor:
        """Normally distributed numbers of this shape."""
        numbers = torch.randn(shape, generator=self.generator, dtype=torch.float64)
        return numbers.to(self.dtype)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Numbers from 0 to 1 of this shape."""
        numbers = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return numbers.to(self.dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """Whole numbers from low to high, both of which may come."""
        return torch.randint(low, high + 1, shape, generator=self.generator)

    def choice(self, values: Sequence):
        """One of the values."""
        return self.sample(values, 1)[0]

    def sample(self, values: Sequence, n: int) -> list:
        """A list of n different ones of the values."""
        order = torch.randperm(len(values), generator=self.generator)
        return [values[i] for i in order[:n].tolist()]


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


def each(says: str, old: str, *news: str) -> tuple[Wrong, ...]:
    """One mistake for each of ``news`` in the place of ``old``, all with the same sentence."""
    return tuple(Wrong(says, old, new) for new in news)


@dataclass(frozen=True, eq=False)  # two are one only if they are the same object
class Exercise:
    """One exercise; ``answer`` is the reference, ``source`` its text.

    kept: arguments that its docstring promises to leave as they were.
    docstring: what stands in the function that the student fills in; "" for the answer's own.
    """

    name: str
    chapter: str
    title: str
    statement: str
    difficulty: int
    importance: int
    minutes: int
    answer: Callable
    source: str
    cases: Callable[[Inputs], list[Case]]
    hints: tuple[str, ...]
    why: str
    wrong: tuple[Wrong, ...]
    right: tuple[Callable, ...]
    namespace: dict
    kept: tuple[str, ...] = ()
    docstring: str = ""

    def starter(self) -> str:
        """The answer's signature and docstring, and a place to write."""
        (function,) = ast.parse(self.source).body
        first, last = function.body[0].lineno - 1, function.body[0].end_lineno
        lines = self.source.splitlines()
        told = self._docstring_lines() if self.docstring else wrap_docstring(lines[first:last])
        place = f'    raise NotImplementedError("{self.name}")  # {sentence("your code here")}'
        return "\n".join([*lines[:first], *told, place])

    def _docstring_lines(self) -> list[str]:
        """The docstring of another language as it stands in the function; it is filled where it is written."""
        first, *rest = self.docstring.replace("\\", r"\\").splitlines()
        if not rest:
            return [f'    """{first}"""']
        return [f'    """{first}', *(line and f"    {line}" for line in rest), '    """']

    def body(self) -> str:
        """The answer's text without its docstring."""
        (function,) = ast.parse(self.source).body
        lines = self.source.splitlines()
        head = lines[: function.body[0].lineno - 1]
        return "\n".join([*head, *lines[function.body[0].end_lineno :]])

    def with_mistakes(self, wrongs: tuple[Wrong, ...]) -> Callable:
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
        return compile_function(source, self.name, dict(self.namespace))


def wrap_docstring(lines: list[str], width: int = WIDTH) -> list[str]:
    """The lines of a docstring, filled anew so that a page shows them whole."""
    return [line for one in _paragraphs(lines) for line in one.wrapped(width)]


@dataclass
class _Paragraph:
    """Words of a docstring that are filled together; heading: a section's name, such as Args."""

    indent: int
    words: list[str]
    heading: bool
    of_args: bool

    def continues(self, last: "_Paragraph") -> bool:
        """Whether this line goes on with the paragraph before it.

        A paragraph ends at an empty line, at a heading, at the quotes, and among arguments where the
        next one begins, no deeper than the one before.
        """
        if not (self.words and last.words) or self.heading or last.heading:
            return False
        if self.words == ['"""']:
            return False
        return not self.of_args or self.indent > last.indent

    def wrapped(self, width: int) -> list[str]:
        filled = textwrap.wrap(
            " ".join(self.words),
            width,
            initial_indent=" " * self.indent,
            subsequent_indent=" " * (self.indent + 4 * self.of_args),
            break_long_words=False,
            break_on_hyphens=False,
        )
        return filled or [""]


def _paragraphs(lines: list[str]) -> list[_Paragraph]:
    paragraphs, of_args = [], False
    for line in lines:
        words = line.split()
        heading = len(words) == 1 and line.endswith(":")
        if heading:
            of_args = words == ["Args:"]
        this = _Paragraph(len(line) - len(line.lstrip()), words, heading, of_args)
        if paragraphs and this.continues(paragraphs[-1]):
            paragraphs[-1].words.extend(words)
        else:
            paragraphs.append(this)
    return paragraphs


def compile_function(source: str, name: str, namespace: dict, file: str = "") -> Callable:
    """The function of that name that the text defines. file: what a traceback says of where it stands."""
    exec(compile(source, file or f"<{name}>", "exec"), namespace)
    return namespace[name]


def exercise(name: str) -> Exercise:
    """The exercise of that name. Raises ValueError with the names that there are."""
    found = names()
    if name not in found:
        raise ValueError(_no_such_exercise(name, found))
    return _load(found[name], name, language())


def _no_such_exercise(name, found) -> str:
    import difflib

    if near := difflib.get_close_matches(str(name), found, n=1, cutoff=0.5):
        return sentence(
            "there is no exercise {name}; did you mean {near}?", name=repr(name), near=repr(near[0])
        )
    return sentence(
        "there is no exercise {name}; there are {all}", name=repr(name), all=", ".join(found)
    )


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
def _load(chapter: str, name: str, spoken: str) -> Exercise:
    made = from_module(importlib.import_module(f"{PROBLEMS}.{chapter}.{name}"), chapter, name)
    return made if spoken == "en" else in_language(made, spoken)


def in_language(made: Exercise, spoken: str) -> Exercise:
    """The exercise in a language; what has no words there stays English."""
    words = table(f"exercises/{made.chapter}", spoken).get(made.name, {})

    def say(kind: str, english: str) -> str:
        return words.get(kind, {}).get(english, english)

    def cases(given: Inputs) -> list[Case]:
        return [Case(say("case", case.shows), *case.args) for case in made.cases(given)]

    return replace(
        made,
        title=say("title", made.title),
        statement=say("statement", made.statement.strip()),
        hints=tuple(say("hint", text) for text in made.hints),
        why=say("why", made.why.strip()),
        wrong=tuple(replace(wrong, says=say("wrong", wrong.says)) for wrong in made.wrong),
        cases=cases,
        docstring=say("docstring", inspect.getdoc(made.answer)),
    )


def from_module(module: ModuleType, chapter: str, name: str) -> Exercise:
    """The exercise in a module. Raises ExerciseError that says what is missing."""
    numbers, texts = ("DIFFICULTY", "IMPORTANCE", "MINUTES"), ("HINTS", "WHY", "WRONG", "RIGHT")
    missing = [part for part in (*numbers, name, "cases", *texts) if not hasattr(module, part)]
    if missing or not module.__doc__:
        raise ExerciseError(f"{module.__name__} has no {', '.join(missing) or 'docstring'}")
    title, _, statement = inspect.cleandoc(module.__doc__).partition("\n\n")
    answer = getattr(module, name)
    if not answer.__doc__:
        raise ExerciseError(f"{module.__name__}: {name} has no docstring for the student")
    made = Exercise(
        name=name,
        chapter=chapter,
        title=title,
        statement=statement,
        difficulty=module.DIFFICULTY,
        importance=module.IMPORTANCE,
        minutes=module.MINUTES,
        answer=answer,
        source=textwrap.dedent(inspect.getsource(answer)),
        cases=module.cases,
        hints=tuple(module.HINTS),
        why=inspect.cleandoc(module.WHY),
        wrong=tuple(module.WRONG),
        right=tuple(module.RIGHT),
        namespace=vars(module),
        kept=tuple(getattr(module, "KEPT", ())),
    )
    if odd := set(made.kept) - set(inspect.signature(answer).parameters):
        raise ExerciseError(
            f"{module.__name__}: KEPT names {min(odd)!r}, which is no argument of {name}"
        )
    for wrong in made.wrong:
        made.with_mistakes((wrong,))
    return made
