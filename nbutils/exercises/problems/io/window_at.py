"""Cut one window

A network learns from short runs of neighbouring tokens, cut from one long stream. It reads the
**context**; the **label** of each token in it is the token that really stands next in the stream.
Nobody has to write these labels: they are the same run of text, moved on by one place. If they are
moved wrongly, the network still trains, but it learns something else than what comes next.
"""

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 1, 5, 5


def window_at(tokens: torch.Tensor, start: int, T: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One window of a stream, and its labels.

    Args:
        tokens: (N,), whole numbers: the stream.
        start: the place of the window's first token; the stream's own first token has place 0.
            At least T + 1 tokens stand from there on.
        T: how many tokens the context has, 1 or more.

    Returns:
        Two tensors, whole numbers: the context (T,), which begins at ``start``, and the labels
        (T,): for each token of the context the one that stands next in the stream.
    """
    context = tokens[start : start + T]
    labels = tokens[start + 1 : start + T + 1]
    return context, labels


def cases(given):
    stream = torch.tensor(given.sample(range(100), 9))
    return [
        Case("a context of one token", stream, 0, 1),
        Case("four tokens from the stream's beginning", stream, 0, 4),
        Case("a start inside the stream", stream, 2, 4),
        Case("the last window that fits", stream, 5, 3),
        Case("the whole stream but its last token", stream, 0, 8),
        Case("a long window of large ids", given.integers(100_000, 100_276, 70), 3, 60),
        Case(
            "300 tokens far inside a long stream", given.integers(0, 100_276, 50_000), 40_321, 300
        ),
    ]


HINTS = (
    "Write a stream of six tokens on paper, underline a context of three, and write its labels "
    "below.",
    "`tokens[a:b]` gives the tokens from place a to place b - 1: that is b - a tokens.",
    "The context ends before place `start + T`. The labels begin one place later than the context, "
    "and end one place later.",
)
WHY = """
Both slices have T tokens, so their ends are T apart from their beginnings. The labels reach one
place further than the context: a window of T tokens uses T + 1 tokens of the stream. All labels
but the last are in the context too. That is no cheating, since a GPT's position t sees nothing
later than itself.
"""
WRONG = (
    Wrong(
        "You give the whole stream, uncut. Cut T tokens from start on, and as many one place later.",
        "    context = tokens[start : start + T]\n    labels = tokens[start + 1 : start + T + 1]",
        "    context = tokens\n    labels = tokens",
    ),
    Wrong(
        "You add 1 to the tokens themselves. Add 1 to their places: the label is the token that stands "
        "next in the stream.",
        "labels = tokens[start + 1 : start + T + 1]",
        "labels = context + 1",
    ),
    Wrong(
        "The last label is the first token of the window: your labels are rolled around. It should be the "
        "token that follows the window in the stream.",
        "labels = tokens[start + 1 : start + T + 1]",
        "labels = context.roll(-1)",
    ),
    Wrong(
        "Your context and your labels begin one place too late. The context begins at start itself.",
        "context = tokens",
        "start = start + 1\n    context = tokens",
    ),
    Wrong(
        "Your context begins one place late: start counts from 0.",
        "context = tokens[start : start + T]",
        "context = tokens[start + 1 : start + T + 1]",
    ),
    Wrong(
        "Your labels are one too many. They end one place after the context, before start + T + 1.",
        "start + 1 : start + T + 1",
        "start + 1 : start + T + 2",
    ),
    Wrong(
        "Your labels go on to the stream's end. There are T of them: they end before start + T + 1.",
        "start + 1 : start + T + 1",
        "start + 1 :",
    ),
    Wrong(
        "Your context goes on to the stream's end. It has T tokens: it ends before start + T.",
        "tokens[start : start + T]",
        "tokens[start:]",
    ),
    Wrong(
        "Context and labels go on to the stream's end. Each has T tokens.",
        "    context = tokens[start : start + T]\n    labels = tokens[start + 1 : start + T + 1]",
        "    context = tokens[start:-1]\n    labels = tokens[start + 1 :]",
    ),
    Wrong(
        "T is taken as the place where the labels end, but it is their number: they end before start + T "
        "+ 1.",
        "start + 1 : start + T + 1",
        "start + 1 : T + 1",
    ),
    Wrong(
        "T is taken as the place where the context ends, but it is its length: the context ends before "
        "start + T.",
        "tokens[start : start + T]",
        "tokens[start:T]",
    ),
    Wrong(
        "Your labels don't count from start. They begin at start + 1.",
        "start + 1 : start + T + 1",
        "1 : T + 1",
    ),
    Wrong(
        "Your labels have a filler for the last token. It has a label too, the token after the window: "
        "cut the labels from the stream, not from the context.",
        "labels = tokens[start + 1 : start + T + 1]",
        "labels = torch.cat([context[1:], context.new_tensor([0])])",
    ),
    Wrong(
        "Your labels have a filler for the last token. It has a label too, the token after the window: "
        "cut the labels from the stream, not from the context.",
        "labels = tokens[start + 1 : start + T + 1]",
        "labels = torch.cat([context[1:], context.new_tensor([-1])])",
    ),
    Wrong(
        "Your labels are cut from the context, so the last one is missing. Cut them from the stream.",
        "labels = tokens[start + 1 : start + T + 1]",
        "labels = context[start + 1 : start + T + 1]",
    ),
    Wrong(
        "Context and labels stand in one row of 2 T tokens. Give two tensors.",
        "return context, labels",
        "return torch.cat([context, labels])",
    ),
    Wrong(
        "Your function gives a pair for each token. Give two tensors: all of the context, all labels.",
        "return context, labels",
        "return list(zip(context.tolist(), labels.tolist()))",
    ),
    Wrong(
        "Your function gives the labels only. Give two tensors: the context, and the labels.",
        "return context, labels",
        "return labels",
    ),
    Wrong(
        "You cut the last tokens of the stream. The context begins at place start.",
        "    context = tokens[start : start + T]\n    labels = tokens[start + 1 : start + T + 1]",
        "    context = tokens[-T - 1 : -1]\n    labels = tokens[-T:]",
    ),
    Wrong(
        "Context and labels stand in reverse order. Keep the order of the stream.",
        "return context, labels",
        "return context.flip(0), labels.flip(0)",
    ),
    Wrong(
        "You give the places; give the tokens that stand there.",
        "return context, labels",
        "return start + torch.arange(T), start + 1 + torch.arange(T)",
    ),
    Wrong(
        "You begin one place too early: start counts from 0.",
        "context = tokens",
        "start = start - 1\n    context = tokens",
    ),
    Wrong(
        "Your labels are the context itself, so the network would learn to copy. Move them on by "
        "one place.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start : start + T]",
    ),
    Wrong(
        "Your labels are moved on by two places; the label is the very next token.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start + 2 : start + T + 2]",
    ),
    Wrong(
        "Your labels are moved back: each is the token before, where it should be the token after.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start - 1 : start + T - 1]",
    ),
    Wrong(
        "Your labels are one too few: the last token of the context has no label. A slice ends "
        "before its second number, so move both numbers on by one.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start + 1 : start + T]",
    ),
    Wrong(
        "Your context is one token too long: it contains the last label. A slice ends before its "
        "second number.",
        "tokens[start : start + T]",
        "tokens[start : start + T + 1]",
    ),
    Wrong(
        "Your windows always begin at the stream's first token. Count both slices from start.",
        "context = tokens",
        "start = 0\n    context = tokens",
    ),
    Wrong(
        "T is taken as the place where the context ends, but it is its length: the context ends at "
        "start + T.",
        "context = tokens",
        "T = T - start\n    context = tokens",
    ),
    Wrong(
        "start is taken as the number of a window; it is a place in the stream. Don't multiply it "
        "by T.",
        "context = tokens",
        "start = start * T\n    context = tokens",
    ),
    Wrong(
        "Your labels are one token only, the one after the window. Each of the T tokens of the "
        "context has a label of its own.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start + T]",
    ),
    Wrong(
        "Your labels are the next window. They overlap with the context: move it on by one place, "
        "not by T.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start + T : start + 2 * T]",
    ),
    Wrong(
        "Context and labels are exchanged: the context comes first.",
        "return context, labels",
        "return labels, context",
    ),
    Wrong(
        "Your function gives one run of T + 1 tokens. Give two tensors: its first T tokens, and "
        "its last T.",
        instead=lambda tokens, start, T: tokens[start : start + T + 1],
    ),
    Wrong(
        "Your function gives the context only. Give two tensors: the context, and the labels.",
        "return context, labels",
        "return context",
    ),
    Wrong(
        "Your labels are one token only, the one after the window. Each of the T tokens of the "
        "context has a label of its own.",
        "tokens[start + 1 : start + T + 1]",
        "tokens[start + T : start + T + 1]",
    ),
    Wrong(
        "Your context and your labels have T - 1 tokens. Cut T + 1 tokens from the stream: the "
        "first T are the context, the last T the labels.",
        "context = tokens",
        "T = T - 1\n    context = tokens",
    ),
)


def cut_once(tokens, start, T):
    run = tokens[start:][: T + 1]
    return run[:-1], run[1:]


def with_a_loop(tokens, start, T):
    context, labels = [], []
    for place in range(start, start + T):
        context.append(int(tokens[place]))
        labels.append(int(tokens[place + 1]))
    return context, labels


def by_places(tokens, start, T):
    places = start + torch.arange(T)
    return tokens[places], tokens[places + 1]


def moved_stream(tokens, start, T):
    return tuple(stream.numpy()[start : start + T] for stream in (tokens, tokens.roll(-1)))


RIGHT = (cut_once, with_a_loop, by_places, moved_stream)
