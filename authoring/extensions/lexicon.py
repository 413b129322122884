"""Tables of the words of smallworld: the directive ``{lexicon}`` with the name of a part, such as ``animals``.

A row has a word, a sentence in which it stands, and how often it comes; in another language its meaning, too, from the
catalogue ``translations/LANGUAGE/smallworld.po``. Without a part the directive tells how many words there are.
"""

from collections.abc import Callable
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from authoring import catalogues, lexicon
from authoring.extensions.measured import table as markdown
from authoring.lexicon import Entry, Found
from authoring.translations import finished, speaker
from nbutils import smallworld
from nbutils.words import fill, language, table

PAGE = "book/smallworld"
Mean = Callable[[Entry], str]


class Lexicon(SphinxDirective):
    """The table of a part, or the sentence that counts them all."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.depend()
        part, made = "".join(self.arguments), nodes.container(classes=["lexicon"])
        if part and part not in lexicon.parts():
            raise self.error(f"lexicon knows {', '.join(lexicon.parts())}, not {part!r}")
        text = markdown(rows(part, meaning(language()))) if part else [all_of_them()]
        self.state.nested_parse(
            StringList(text, source=str(lexicon.FILE)), self.content_offset, made
        )
        return [made]

    def depend(self) -> None:
        """The page is made anew when the words or their meanings are others."""
        catalogue = catalogues.path(language(), lexicon.CATALOGUE)
        for file in (lexicon.FILE, catalogue, *Path(smallworld.__file__).parent.glob("*.py")):
            if file.exists():
                self.env.note_dependency(str(file))


def meaning(spoken: str) -> Mean | None:
    """What tells an entry's meaning in that language; None where the page is the English one."""
    if spoken == "en" or PAGE not in finished(spoken):
        return None
    say = speaker(spoken, lexicon.CATALOGUE)
    return lambda entry: say(lexicon.unit(entry))


def rows(part: str, mean: Mean | None = None) -> list[tuple]:
    """The lines of a part's table, its head first; with meanings where there is one who tells them."""
    told = table("book/lexicon", language())
    head = [told["word"], told["meaning"], told["sentence"], told["times"]]
    lines = []
    for entry in lexicon.parts()[part]:
        known = lexicon.found()[entry]
        beside = [entry.word, mean(entry)] if mean else [named(entry)]
        lines.append((*beside, marked(known), known.times))
    return [tuple(head if mean else head[:1] + head[2:]), *lines]


def named(entry: Entry) -> str:
    """The word, and of several uses which."""
    if not entry.use:
        return entry.word
    return fill(table("book/lexicon", language())["which"], word=entry.word, use=entry.use)


def marked(known: Found) -> str:
    """The sentence with the word in bold."""
    before, behind = known.sentence[: known.begin], known.sentence[known.end :]
    return f"{before}**{known.sentence[known.begin : known.end]}**{behind}"


def all_of_them() -> str:
    count, names = lexicon.counts()
    told = table("book/lexicon", language())["all"]
    return fill(told, count=count, names=names, documents=f"{lexicon.DOCUMENTS:,}")


def setup(app: Sphinx) -> dict:
    app.add_directive("lexicon", Lexicon)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
