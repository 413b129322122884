"""Cut a batch of windows

One window at a time would leave most of a processor idle. So a network is trained on a **batch**: B
windows from different places of the stream, one below the other in one tensor. The windows don't
know of each other. They only share the step, and one pass through the network gives B times T
predictions.
"""

import numpy as np
import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 2, 5, 15


def windows_at(
    tokens: torch.Tensor, starts: torch.Tensor, T: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows of a stream, and their labels.

    Args:
        tokens: (N,), whole numbers: the stream.
        starts: (B,), whole numbers: the place of each window's first token, in any order; the same
            place may come twice. At least T + 1 tokens stand from each of them on.
        T: how many tokens a context has, 2 or more.

    Returns:
        Two tensors of whole numbers: the contexts (B, T), where row b begins at place starts[b],
        and the labels (B, T): for each token of a context the one that stands next in the stream.
    """
    index = starts[:, None] + torch.arange(T, device=starts.device)  # places
    return tokens[index], tokens[index + 1]


def cases(given):
    stream = torch.tensor(given.sample(range(100), 20))
    return [
        Case("one window at the stream's beginning", stream, torch.tensor([0]), 4),
        Case("two windows", stream, torch.tensor([2, 9]), 3),
        Case("starts in any order", stream, torch.tensor([12, 3, 8]), 5),
        Case("the same start twice", stream, torch.tensor([7, 4, 7]), 2),
        Case("the last window that fits", stream, torch.tensor([15, 1]), 4),
        Case("as many windows as tokens in each", stream, torch.tensor([6, 13, 2]), 3),
        Case(
            "long windows of large ids",
            given.integers(100_000, 100_276, 400),
            torch.tensor([300, 0, 339]),
            60,
        ),
        Case(
            "40 windows of a long stream",
            given.integers(0, 100_276, 50_000),
            given.integers(0, 49_900, 40),
            17,
        ),
    ]


HINTS = (
    "Do it with a loop first: cut the T + 1 tokens from each start on. The first T of them are the "
    "context, the last T the labels.",
    "`torch.stack` puts B tensors (n,) below each other, to (B, n).",
    "Without a loop: make a table of places (B, T). `starts[:, None]` has the shape (B, 1); what "
    "happens when you add `torch.arange(T)` to it?",
    "A tensor may be indexed with a table: `tokens[index]` has the shape of `index`.",
    "`torch.arange(T)` is on the CPU. With `device=starts.device` it is where the starts are: then your "
    "function can also work on a GPU.",
)
WHY = """
`starts[:, None]` is a column (B, 1) and `torch.arange(T)` a row (T,). Added, they are spread to a
table (B, T) in which row b counts from starts[b]. One lookup then fetches all tokens at once, and
a second one, with every place moved on by one, the labels. What a function makes itself belongs
where its inputs are, `device=starts.device`: a GPU can't add a row that is on the CPU.
"""


def in_a_slice(tokens, starts, T):
    return tokens[starts : starts + T], tokens[starts + 1 : starts + T + 1]


def with_starts_as_columns(tokens, starts, T):
    index = starts + torch.arange(T)
    return tokens[index], tokens[index + 1]


def next_window(shift):
    def cut(tokens, starts, T):
        runs = [[tokens[s : s + T], tokens[s + T + shift :][:T]] for s in starts.tolist()]
        contexts, labels = zip(*runs)
        return torch.stack(contexts), torch.stack(labels)

    return cut


ROLLED = (
    "The last label of each row is not the token that follows its window: your labels are rolled around. "
    "Cut the labels from the stream, at every place plus one."
)


def stacked(first, last):
    """Windows of a loop from `first` to the one before B + `last`."""

    def windows(tokens, starts, T):
        places = starts.tolist()[first : len(starts) + last]
        rows = torch.stack([tokens[place : place + T + 1] for place in places])
        return rows[:, :-1], rows[:, 1:]

    return windows


WRONG = (
    Wrong(
        "You use starts as one slice. It has B places: cut from each of them, then torch.stack.",
        instead=in_a_slice,
    ),
    Wrong(
        "`starts + torch.arange(T)` adds the two entry by entry, so window and place get mixed. Make a "
        "column of the starts: starts[:, None] has the shape (B, 1).",
        instead=with_starts_as_columns,
    ),
    Wrong(
        "Your labels are the next window: they are moved on by T places. Move them on by one.",
        instead=next_window(0),
    ),
    Wrong(
        "Your labels are the next window: they are moved on by T + 1 places. Move them on by one.",
        instead=next_window(1),
    ),
    Wrong(
        "Your labels are moved back: each is the token before, where it should be the token after.",
        "tokens[index + 1]",
        "tokens[index - 1]",
    ),
    Wrong(
        "Your labels are moved on by two places; the label is the very next token.",
        "tokens[index + 1]",
        "tokens[(index + 2).clamp(max=len(tokens) - 1)]",
    ),
    Wrong(ROLLED, "tokens[index + 1]", "tokens[index].roll(-1)"),
    Wrong(ROLLED, "tokens[index + 1]", "tokens[index].roll(-1, dims=0)"),
    Wrong(ROLLED, "tokens[index + 1]", "tokens[index].roll(1, dims=1)"),
    Wrong(
        "You add 1 to the tokens themselves. Add 1 to their places: the label is the token that stands "
        "next in the stream.",
        "tokens[index + 1]",
        "tokens[index] + 1",
    ),
    Wrong(
        "You sort the starts. Row b begins at starts[b], in the order given.",
        "starts[:, None]",
        "starts.sort().values[:, None]",
    ),
    Wrong(
        "Your rows stand in reverse order. Row b begins at starts[b].",
        "starts[:, None]",
        "starts.flip(0)[:, None]",
    ),
    Wrong(
        "A start that comes twice gives one window only. Each start has a row of its own.",
        "starts[:, None]",
        "starts[[int((starts[:b] == s).sum()) == 0 for b, s in enumerate(starts)]][:, None]",
    ),
    Wrong(
        "A start is taken as the number of a window; it is a place in the stream. Don't multiply it by "
        "T.",
        "tokens[index], tokens[index + 1]",
        "tokens[(index - starts[:, None] + starts[:, None] * T) % len(tokens)],"
        " tokens[(index - starts[:, None] + starts[:, None] * T + 1) % len(tokens)]",
    ),
    Wrong(
        "You give the places; give the tokens that stand there: tokens[index].",
        "tokens[index], tokens[index + 1]",
        "index, index + 1",
    ),
    Wrong(
        "Contexts and labels begin one place too late. Row b begins at starts[b] itself.",
        "tokens[index], tokens[index + 1]",
        "tokens[index + 1], tokens[(index + 2).clamp(max=len(tokens) - 1)]",
    ),
    Wrong(
        "Your function gives the contexts only. Give two tensors: the contexts, and the labels.",
        "tokens[index], tokens[index + 1]",
        "tokens[index]",
    ),
    Wrong(
        "Your function gives the labels only. Give two tensors: the contexts, and the labels.",
        "tokens[index], tokens[index + 1]",
        "tokens[index + 1]",
    ),
    Wrong(
        "Your function gives one table of T + 1 columns. Give two tensors: its first T columns, and its "
        "last T.",
        "return tokens[index], tokens[index + 1]",
        "return tokens[starts[:, None] + torch.arange(T + 1)]",
    ),
    Wrong(
        "Your labels have T + 1 columns. There are T: one for each token of the context.",
        "tokens[index + 1]",
        "tokens[starts[:, None] + torch.arange(T + 1)]",
    ),
    Wrong(
        "Contexts and labels stand in one table of 2 T columns. Give two tensors.",
        "return tokens[index], tokens[index + 1]",
        "return torch.cat([tokens[index], tokens[index + 1]], dim=1)",
    ),
    Wrong(
        "The last label of each row is a filler. Each token of a context has a label: cut the labels from "
        "the stream.",
        "tokens[index + 1]",
        "torch.cat([tokens[index[:, 1:]], torch.zeros_like(index[:, :1])], dim=1)",
    ),
    Wrong(
        "The last label of each row is a filler. Each token of a context has a label: cut the labels from "
        "the stream.",
        "tokens[index + 1]",
        "torch.cat([tokens[index[:, 1:]], torch.zeros_like(index[:, :1]) - 1], dim=1)",
    ),
    Wrong(
        "T is taken as the place where a context ends, but it is its length.",
        instead=lambda tokens, starts, T: tuple(
            [tokens[s + i : T + i].tolist() for s in starts.tolist()] for i in (0, 1)
        ),
    ),
    Wrong(
        "Your labels are the contexts themselves. Move them on by one place.",
        "index + 1",
        "index",
    ),
    Wrong(
        "Contexts and labels are exchanged: the contexts come first.",
        "tokens[index], tokens[index + 1]",
        "tokens[index + 1], tokens[index]",
    ),
    Wrong(
        "Your windows are the columns, (T, B). Each window must be a row: (B, T).",
        "starts[:, None] + torch.arange(T, device=starts.device)",
        "starts + torch.arange(T)[:, None]",
    ),
    Wrong(
        "Your function gives the first window only, without the dimension B. Is there a return "
        "inside the loop? Collect all windows, then stack them.",
        "starts[:, None]",
        "starts[0]",
    ),
    Wrong(
        "Your function gives the last window only, without the dimension B. Does each turn of the "
        "loop overwrite the window before? Collect all windows, then stack them.",
        "starts[:, None]",
        "starts[-1]",
    ),
    Wrong(
        "Your windows stand in one long row of B times T tokens. Each needs a row of its own: use "
        "torch.stack, or reshape to (B, T).",
        "  # places",
        "\n    index = index.flatten()",
    ),
    Wrong(
        "There is one label for each window, the token after it. Each of the T tokens of a context "
        "has a label of its own.",
        "tokens[index + 1]",
        "tokens[starts + T]",
    ),
    Wrong(
        "The last label of each row is the first token of the same window: your labels are rolled "
        "around. It should be the token that follows the window in the stream.",
        "tokens[index + 1]",
        "tokens[index].roll(-1, dims=1)",
    ),
    Wrong(
        "Your labels have T - 1 columns: the last token of a context has a label too. It stands "
        "outside the context, at place start + T.",
        "tokens[index + 1]",
        "tokens[index[:, 1:]]",
    ),
    Wrong(
        "Your contexts and labels have T - 1 columns. Cut T + 1 tokens from the stream: the first "
        "T are the context, the last T the labels.",
        "torch.arange(T,",
        "torch.arange(T - 1,",
    ),
    Wrong(
        "Your contexts have T + 1 columns: the last label is in them too. Leave the last column "
        "out.",
        "return tokens[index],",
        "return tokens[starts[:, None] + torch.arange(T + 1)],",
    ),
    Wrong(
        "Your windows all begin at the first start. Row b begins at starts[b].",
        "starts[:, None] +",
        "starts[:1].expand(len(starts))[:, None] +",
    ),
    Wrong(
        "Your windows begin at the places 0, 1, 2 and so on, the numbers of the rows. Row b begins "
        "at starts[b].",
        "starts[:, None] +",
        "torch.arange(len(starts))[:, None] +",
    ),
    Wrong(
        "Your function gives a pair for each window. Give two tensors: all contexts, all labels.",
        "tokens[index], tokens[index + 1]",
        "[*zip(tokens[index], tokens[index + 1])]",
    ),
    Wrong(
        "The last window is missing. There are B of them, one for each of the starts.",
        "starts[:, None]",
        "starts[:-1, None]",
    ),
    Wrong(
        "The first window is missing. There are B of them, one for each of the starts.",
        "starts[:, None]",
        "starts[1:, None]",
    ),
    Wrong(
        "The last window is missing. There are B of them, one for each of the starts.",
        instead=stacked(0, -1),
    ),
    Wrong(
        "The first window is missing. There are B of them, one for each of the starts.",
        instead=stacked(1, 0),
    ),
)


def with_stack(tokens, starts, T):
    runs = torch.stack([tokens[s : s + T + 1] for s in starts.tolist()])  # (B, T + 1)
    return runs[:, :-1], runs[:, 1:]


def as_lists(tokens, starts, T):
    stream = tokens.tolist()
    contexts = [stream[s : s + T] for s in starts.tolist()]
    return contexts, [stream[s + 1 :][:T] for s in starts.tolist()]


def by_unfolding(tokens, starts, T):
    runs = tokens.unfold(0, T + 1, 1)[starts]  # every run of T + 1 tokens that there is
    return runs.narrow(1, 0, T), runs.narrow(1, 1, T)


def filled_in(tokens, starts, T):
    contexts = np.empty((len(starts), T), dtype=np.int64)
    labels = np.empty_like(contexts)
    for b, start in enumerate(starts):
        for t in range(T):
            contexts[b, t] = tokens[start + t]
            labels[b, t] = tokens[start + t + 1]
    return contexts, labels


RIGHT = (with_stack, as_lists, by_unfolding, filled_in)
