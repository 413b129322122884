"""Cut a text into words

Before a tokenizer joins bytes, it cuts the text into pieces, and nothing is joined across a cut. So
`cat` stays apart from the full stop behind it and from the word before it. The pieces must give
back the text exactly when they are put together, so no space may get lost. GPT-2's rule lets a word
take the space *before* it: then a word is nearly always the same piece, with a space in front.
Write a simple form of that rule.
"""

import itertools
import re

from nbutils.exercises.exercise import Case, Wrong

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
        Case("more than one space, of which a word takes the last", "a   cat  (sat"),
        Case(
            "line breaks and tabs, which no word takes",
            "if x:\n\treturn y\nz\n(w\n\n  \n z \t(w \n  ",
        ),
        Case("letters of other scripts", "안녕 cafés über"),
        Case("an empty text", ""),
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


def gpt2s_own_rule(text):
    from nbutils.tokens import split

    return split(text)


WRONG = (
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
    Wrong(
        "Only words take a space in your function. A run of signs takes the one in front of it "
        "too.",
        "| ?[^",
        "|[^",
    ),
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
    Wrong(
        "A word takes a line break or a tab in front of it. It should take only a space.",
        " ?\\w+| ?[",
        "\\s?\\w+|\\s?[",
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
        "You cut by GPT-2's own rule, which parts letters from digits and treats white space in "
        "another way. The rule here is simpler: it has only words, signs and what white space is "
        "left.",
        instead=gpt2s_own_rule,
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
