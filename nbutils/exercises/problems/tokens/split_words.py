"""Cut a text into words

Before a tokenizer joins bytes, it cuts the text into pieces, and nothing is joined across a cut. So
`cat` stays apart from the full stop behind it and from the word before it. The pieces must give
back the text exactly when they are put together, so no space may get lost. GPT-2's rule lets a word
take the space *before* it: then a word is nearly always the same piece, with a space in front.
Write a simple form of that rule.
"""

import itertools
import re
import unicodedata

from nbutils.exercises.exercise import Case, Wrong
from nbutils.exercises.problems.tokens.to_bytes import long_text

DIFFICULTY, IMPORTANCE, MINUTES = 3, 3, 25


def split_words(text: str) -> list[str]:
    """Cut a text into pieces; put together, they are the text again.

    There are three kinds of characters: word characters (letters and digits of any script, for
    which `isalnum()` is True, and "_"), white space (for which `isspace()` is True), and signs (all
    others). A piece is a run of one kind, as long as possible, with one exception: a space (" ")
    directly before a run of word characters or of signs belongs to that run. A run takes only one
    space, and no other white space. What white space is left stays in runs of its own.

    Args:
        text: in any script; it may be empty.

    Returns:
        The pieces in order. None of them is empty.
    """
    return re.findall(r" ?\w+| ?[^\w\s]+|\s+(?= \S)|\s+", text)


def cases(given):
    return [
        Case("one word", "cat"),
        Case("two words, so that the second takes the space", "cat sat"),
        Case("signs, digits and an underscore", "The 2nd my_cat (a fat1) sat... on 7 mats!"),
        Case("signs inside a word or a number", "it's 3.5 low-fat"),
        Case("more than one space, of which a word takes the last", "a   cat  (sat  on   (it"),
        Case(
            "line breaks and tabs, which no word takes",
            "if x:\n\treturn y\nz\n(w\n\n  \n z \t(w \n  ",
        ),
        Case("letters of other scripts", "안녕 cafés über"),
        Case("digits and signs of other kinds", "m² 2½ → “a” €5 👋"),
        Case("an empty text", ""),
        Case("a space at the beginning, and one at the end", " cat "),
        Case("white space alone", " \n  "),
        Case("white space of other kinds", "(\u00a0b\u2003\n\u3000c\r\n\x0b\x0cd\x85"),
        Case("spaces alone", "   "),
        Case("two spaces at the beginning, and capitals inside a word", "  _getItem  HTML5Page x_"),
        Case("accents and vowels that are characters of their own", "e\u0301t\u0301 कि\u200bab\0c"),
        Case(
            "a long text of all kinds of characters, with long runs",
            "\ufeff" + long_text(given, 15) + "a" * 300 + "." * 300 + " " * 300 + "\n b",
        ),
    ]


HINTS = (
    "Take `cat  (sat` with its two spaces and write the pieces on paper: `cat`, then one space, "
    "then `·(` with a dot for the other space, then `sat`.",
    "`re.findall(pattern, text)` gives all that a pattern matches, one after the other. In a "
    "pattern `\\w` is a word character, `\\s` is white space, `[^\\w\\s]` is neither, and `a|b` "
    "tries `a` first, then `b`.",
    "` ?\\w+` is a run of word characters with at most one space in front. Signs need the same. "
    "What matches neither is white space.",
    "A run of white space must leave its last space to what follows: `\\s+(?= \\S)` matches white "
    "space only as far as a space and something visible come next. After it, `\\s+` takes the "
    "rest.",
)
WHY = """
At each place the first part of the pattern that fits is taken: a word with its space, signs with
their space, white space that stops before a last space, white space. Every character is of one of
the three kinds, so `findall` leaves nothing out, and the pieces put together are the text. The
space goes in front, since most words follow a space: so ` cat` is nearly always the same piece,
while `cat ` and `cat.` would be two.
"""


def by(*patterns):
    return lambda text: [piece for piece in re.findall("|".join(patterns), text) if piece]


WORDS, SIGNS = r" ?\w+", r" ?[^\w\s]+"
ASCII = r" ?[A-Za-z0-9_]+"


def words_with_a_space(text):
    first, *others = text.split(" ")
    return [first, *(" " + word for word in others)]


def each_with_a_space(text):
    return [" " + word for word in text.split()]


def taken_for(other, odd):
    """Cuts as if each such character were the other one."""
    return lambda text: _with(text, "".join(other if odd(c) else c for c in text))


def _with(text, other):
    """The text, cut where split_words cuts the other one, which is as long."""
    ends = [0, *itertools.accumulate(map(len, split_words(other)))]
    return [text[a:b] for a, b in itertools.pairwise(ends)]


def gpt2s_own_rule(text):
    from nbutils.tokens import split

    return split(text)


ONLY_WORDS = (
    "Only words take a space in your function. A run of signs takes the one in front of it too."
)
ANY_SPACE = "A word takes a line break or a tab in front of it. It should take only a space."
LAST_OF_A_RUN = (
    "A run of white space always gives up its last character in your function. It gives up only a "
    "space, and only to a word or to signs; otherwise the run stays whole."
)
TWO_KINDS = (
    "Signs and white space are one kind to your function. A run of signs is a piece of its own, and "
    "takes one space; other white space stays apart."
)
WRONG = (
    Wrong(
        "You cut the text into its characters. Put neighbours of one kind together.",
        instead=list,
    ),
    Wrong(
        "The last piece is missing. After the loop add what you have collected.",
        "text)",
        "text)[:-1]",
    ),
    Wrong("The first piece is missing. Keep it.", "text)", "text)[1:]"),
    Wrong(
        "White space at the start and the end of the text is lost. Make pieces of it as well.",
        "text)",
        "text.strip())",
    ),
    Wrong(
        "White space at the end of the text is lost. Make a piece of it as well.",
        "text)",
        "text.rstrip())",
    ),
    Wrong("Your pieces have small letters only. Keep the text as it is.", "text)", "text.lower())"),
    Wrong(
        "Your pieces have no white space, so they can't give back the text. Keep every space: the "
        "one before a word belongs to the word.",
        're.findall(r" ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)|\\s+", text)',
        "text.split()",
    ),
    Wrong(
        "You cut at each space and lose it, so your pieces can't give back the text. Keep every "
        "space: the one before a word belongs to the word.",
        're.findall(r" ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)|\\s+", text)',
        'text.split(" ")',
    ),
    Wrong(
        "You keep words and single signs, but no white space, so your pieces can't give back the "
        "text. Keep every space, and neighbouring signs in one piece.",
        " ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)|\\s+",
        "\\w+|[^\\w\\s]",
    ),
    Wrong(
        "The white space that no word takes is lost. Make pieces of it as well, so that nothing is "
        "lost.",
        "|\\s+(?= \\S)|\\s+",
        "",
    ),
    Wrong(
        "A space is a piece of its own in your list. The one directly before a word or signs "
        "belongs to their piece.",
        " ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)|\\s+",
        "\\w+|[^\\w\\s]+|\\s+",
    ),
    Wrong(
        "A word takes the space behind it. It should take the one in front.",
        " ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)|\\s+",
        "\\w+ ?|[^\\w\\s]+ ?|\\s+",
    ),
    *(
        Wrong(
            "A word takes the white space behind it. It should take one space, the one in front.",
            instead=by(r"\w+" + behind, r"[^\w\s]+" + behind, r"\s+"),
        )
        for behind in (r"\s?", r"\s*", r" *")
    ),
    Wrong(
        "Your pieces are tuples, since `findall` gives one for each match of a pattern with several "
        "groups in (). Leave the () out.",
        instead=lambda text: re.findall(r"( ?\w+)|( ?[^\w\s]+)|(\s+)", text),
    ),
    Wrong(
        "Some pieces are empty: `\\s*` fits where there is nothing. Use `\\s+`.",
        '|\\s+"',
        '|\\s*"',
    ),
    Wrong(
        "A run of signs goes on with the letters behind it. Only signs belong to it: `[^\\w\\s]+`, "
        "not `\\S+`.",
        " ?[^\\w\\s]+",
        " ?\\S+",
    ),
    Wrong(
        "Each character of white space is a piece of its own. One space belongs to what follows, and "
        "the others stay together.",
        instead=by(r"\w+", r"[^\w\s]+", r"\s"),
    ),
    Wrong(
        "You cut whatever is no word into single characters. Neighbouring signs stay together, "
        "with one space in front; other white space stays together, too.",
        instead=by(WORDS, r"\W"),
    ),
    Wrong(
        "Signs stay with the word that they touch, so `cat` and `cat.` have nothing in common. "
        "Make a run of signs a piece of its own.",
        " ?\\w+| ?[^\\w\\s]+",
        " ?\\S+",
    ),
    Wrong(
        "Each sign is a piece of its own. Neighbouring signs, such as three dots, belong together.",
        "[^\\w\\s]+",
        "[^\\w\\s]",
    ),
    Wrong(ONLY_WORDS, "| ?[^", "|[^"),
    Wrong(ONLY_WORDS, instead=by(WORDS, r"[^\w\s]+", r"\s+(?= \w)", r"\s+")),
    Wrong(ONLY_WORDS, instead=by(WORDS, r"[^\w\s]+", r"\s+")),
    Wrong(
        "A run of several spaces stays whole. It should leave its last space to the word or the "
        "signs that follow.",
        "|\\s+(?= \\S)",
        "",
    ),
    Wrong(
        "A word takes all the spaces before it. It should take one; those before it are a piece of "
        "their own.",
        " ?\\w+| ?[^\\w\\s]+|\\s+(?= \\S)",
        " *\\w+| *[^\\w\\s]+",
    ),
    Wrong(ANY_SPACE, " ?\\w+| ?[", "\\s?\\w+|\\s?["),
    *(
        Wrong(ANY_SPACE, instead=by(r"\s?\w+", r"\s?[^\w\s]+", *rest))
        for rest in ([r"\s+?(?=\s\S)", r"\s+"], [r"\s+(?=\s\S)", r"\s+"], [r"\s+"], [r"\s"], [])
    ),
    Wrong(ANY_SPACE, instead=by(r"\s*\w+", r"\s*[^\w\s]+", r"\s+")),
    Wrong(LAST_OF_A_RUN, instead=by(WORDS, SIGNS, r"\s+(?!\S)", r"\s+")),
    Wrong(LAST_OF_A_RUN, instead=by(WORDS, SIGNS, r"\s+(?=\s)", r"\s+")),
    Wrong(LAST_OF_A_RUN, instead=by(WORDS, SIGNS, r"\s+(?=\s\S)", r"\s+")),
    Wrong(
        "A space that ends a run of white space stands apart, also where nothing or other white space "
        "follows it. Only a word or signs take it: else the run stays whole.",
        instead=by(WORDS, SIGNS, r"\s+(?= )", r"\s+"),
    ),
    Wrong(
        "A space at the end of the text is cut off the white space before it. No word follows there, so "
        "the run stays whole.",
        instead=by(WORDS, SIGNS, r"\s+(?= \S| \Z)", r"\s+"),
    ),
    *(
        Wrong("Several spaces become one in your function. Keep every one.", instead=short)
        for short in (
            lambda text: split_words(re.sub(" +", " ", text)),
            lambda text: split_words(re.sub(r"\s+", " ", text)),
        )
    ),
    Wrong(
        "You write Ġ for a space, as GPT-2's list of tokens does. Keep the space.",
        instead=lambda text: [piece.replace(" ", "Ġ") for piece in split_words(text)],
    ),
    Wrong(
        'A space that can\'t be broken, U+00A0, goes to the word behind it. Only " " does so.',
        instead=taken_for(" ", "\u00a0".__eq__),
    ),
    Wrong(
        "Accents that are characters of their own are letters to your function. `isalnum()` is False "
        "for them: they are signs.",
        instead=taken_for("a", lambda c: unicodedata.category(c)[0] == "M"),
    ),
    Wrong(
        "Digits are signs to your function. They are word characters here: ask `isalnum()`, not "
        "`isalpha()`.",
        instead=taken_for("€", lambda c: c.isalnum() and not c.isalpha()),
    ),
    Wrong(
        "Only runs of spaces leave one to the word in your function. A line break or a tab before the "
        "last space changes nothing: the space belongs to what follows.",
        instead=by(WORDS, SIGNS, r" +(?= \S)", r"\s+"),
    ),
    Wrong(TWO_KINDS, instead=by(r"\w+", r"\W+")),
    Wrong(TWO_KINDS, instead=by(WORDS, r"\W+")),
    Wrong(TWO_KINDS, instead=by(WORDS, r" ?\W+")),
    Wrong(
        "Only some signs are kept, such as . and !, and the others are lost. A sign is whatever "
        "is neither a word character nor white space: `[^\\w\\s]`.",
        instead=by(WORDS, r" ?[.,!?;:]+", r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "Each sign and each character of white space is a piece of its own. Neighbours of one kind stay "
        "together, and one space belongs to what follows.",
        instead=by(r"\w+", r"\W"),
    ),
    Wrong(
        "You cut before each space only, so signs and line breaks stay with the words that they touch. Cut "
        "where one kind of character ends and another begins.",
        instead=lambda text: [piece for piece in re.split(r"(?= )", text) if piece],
    ),
    Wrong(
        "You put a space behind each word, also where the text has none. The pieces put together must be "
        "the text: keep the spaces that are there.",
        instead=lambda text: [word + " " for word in text.split()],
    ),
    Wrong(TWO_KINDS, instead=by(WORDS, r"[^\w]+?(?= ?\w)", r"\W+")),
    Wrong(
        "You know only the white space of your keyboard: space, tab and line break. Others, such as "
        "U+00A0, are white space too: ask `isspace()`, or use `\\s`.",
        instead=by(WORDS, r" ?[^\w \t\n]+", r"[ \t\n]+(?= [^ \t\n])", r"[ \t\n]+"),
    ),
    Wrong(
        "You know only the white space of ASCII. Others, such as U+00A0, are white space too: ask "
        "`isspace()`, or use `\\s`.",
        instead=by(
            WORDS, r" ?[^\w \t\n\r\v\f]+", r"[ \t\n\r\v\f]+(?= [^ \t\n\r\v\f])", r"[ \t\n\r\v\f]+"
        ),
    ),
    Wrong(
        "Only the space is white space to your function. Line breaks and tabs are too: ask "
        "`isspace()`, or use `\\s`.",
        instead=by(WORDS, r" ?[^\w ]+", r" +(?= [^ ])", r" +"),
    ),
    Wrong(
        "You cut at white space only, so signs stay with the words that they touch. Make a run of "
        "signs a piece of its own.",
        instead=by(r"\S+", r"\s+"),
    ),
    Wrong(
        "You put a space before each word, also where the text has none. The pieces put together must "
        "be the text: keep the spaces that are there.",
        instead=each_with_a_space,
    ),
    Wrong(
        "You cut at spaces only, so signs and line breaks stay with the words that they touch. Cut "
        "where one kind of character ends and another begins.",
        instead=words_with_a_space,
    ),
    Wrong(
        "You cut the text into lines. Cut it where one kind of character ends and another begins.",
        instead=lambda text: text.splitlines(keepends=True),
    ),
    Wrong(
        "Signs are lost. Make pieces of them as well, so that nothing is lost.",
        "| ?[^\\w\\s]+",
        "",
    ),
    Wrong(
        "A sign inside a word or a number stays with it, as in it's or 3.5. Here every sign ends a "
        "word.",
        instead=by(r" ?\w+(?:['.\-]\w+)*", SIGNS, r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "A hyphen or an apostrophe inside a word stays with it. Here every sign ends a word.",
        instead=by(r" ?\w+(?:['\-]\w+)*", SIGNS, r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "An apostrophe stays with the letters behind or around it, as in it's. Here it is a sign like "
        "others, and ends a word.",
        instead=by(r"'(?:s|t|re|ve|m|ll|d)", WORDS, SIGNS, r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "An apostrophe stays with the letters behind or around it, as in it's. Here it is a sign like "
        "others, and ends a word.",
        instead=by(r" ?[\w']+", r" ?[^\w\s']+", r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "Digits such as ½ are signs to your function. Ask `isalnum()`, which is True for them, not "
        "`isalpha()` or `isdigit()`.",
        instead=taken_for("€", lambda c: c.isalnum() and not (c.isalpha() or c.isdigit())),
    ),
    Wrong(
        "Signs beyond ASCII, such as → and “, are letters to your function. A sign is whatever is no "
        "word character and no white space.",
        instead=taken_for("a", lambda c: ord(c) > 127 and not (c.isalnum() or c.isspace())),
    ),
    Wrong(
        "Each word character is a piece of its own. Neighbours stay together: `\\w+`, not `\\w`.",
        " ?\\w+|",
        " ?\\w|",
    ),
    Wrong(
        "Each character of white space that is left is a piece of its own. Neighbours stay "
        "together in one run.",
        "\\s+(?= \\S)|\\s+",
        "\\s",
    ),
    Wrong(
        "Letters such as é and 안 are signs to your function. Letters of every script are word "
        "characters.",
        "text)",
        "text, re.ASCII)",
    ),
    Wrong(
        "Letters such as é and 안 are signs to your function. Letters of every script are word "
        "characters.",
        instead=by(ASCII, r" ?[^A-Za-z0-9_\s]+", r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "Letters such as é and 안 get lost. Letters of every script are word characters: use `\\w`.",
        instead=by(ASCII, SIGNS, r"\s+(?= \S)", r"\s+"),
    ),
    Wrong(
        "You cut by GPT-2's own rule, which parts letters from digits and treats white space in "
        "another way. The rule here is simpler: words, signs, and the white space that is left.",
        instead=gpt2s_own_rule,
    ),
    Wrong(
        "You cut by GPT-4's rule, which parts letters from digits and gives line breaks to signs. "
        "The rule here is simpler: words, signs, and the white space that is left.",
        instead=by(
            r"'(?:[sdmt]|ll|ve|re)|[^\r\n\w]?[^\W\d_]+|\d{1,3}| ?[^\s\w]+[\r\n]*|\s*[\r\n]",
            r"\s+(?!\S)|\s+",
        ),
    ),
    Wrong(
        "Letters and digits are cut from each other. Here both are word "
        "characters and stay in one piece.",
        " ?\\w+|",
        " ?[^\\W\\d]+| ?\\d+|",
    ),
    Wrong(
        "Digits are signs to your function. They are word characters here, as letters are.",
        " ?\\w+| ?[^\\w\\s]+",
        " ?[^\\W\\d]+| ?(?:[^\\w\\s]|\\d)+",
    ),
    Wrong(
        "The underscore is a sign to your function. Here it is a word character, as in Python's "
        "names.",
        " ?\\w+| ?[^\\w\\s]+",
        " ?[^\\W_]+| ?(?:[^\\w\\s]|_)+",
    ),
    Wrong(
        "An empty text gives an empty piece. It should give none: an empty list.",
        "text)",
        'text) or [""]',
    ),
)


def kind(character):
    if character.isspace():
        return "space"
    return "word" if character.isalnum() or character == "_" else "sign"


def by_groups(text):
    pieces = [(name, "".join(run)) for name, run in itertools.groupby(text, kind)]
    for i, (name, run) in enumerate(pieces[:-1]):
        if name == "space" and run.endswith(" "):
            after, word = pieces[i + 1]
            pieces[i], pieces[i + 1] = (name, run[:-1]), (after, " " + word)
    return [run for _, run in pieces if run]


def character_by_character(text):
    pieces, current = [], ""
    for character in text:
        if not current or kind(character) == kind(current[-1]):
            current += character
        elif current[-1] == " ":
            if current[:-1]:
                pieces.append(current[:-1])
            current = " " + character
        else:
            pieces.append(current)
            current = character
    return pieces + [current] if current else pieces


def by_cuts(text):
    kinds = [*map(kind, text), "end"]
    cuts = [0]
    for i in range(1, len(text)):
        takes = text[i] == " " and kinds[i + 1] in ("word", "sign")
        taken = text[i - 1] == " " and kinds[i] != "space"
        if takes or (kinds[i] != kinds[i - 1] and not taken):
            cuts.append(i)
    return [text[a:b] for a, b in itertools.pairwise([*cuts, len(text)]) if a < b]


RIGHT = (by_groups, character_by_character, by_cuts)
