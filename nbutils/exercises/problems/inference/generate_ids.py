"""A network writes

A network does one thing only: it reads a text and gives logits for the token that comes next. To
make it write, ask it, put its token at the end of the text, and ask again with the longer text.
Each token may depend on all before it, also on those that the network itself has just written. It
says when it is done by choosing a special token, the end.
"""

from collections.abc import Callable

import torch

from nbutils.exercises.exercise import Case, Wrong

DIFFICULTY, IMPORTANCE, MINUTES = 3, 5, 20


def generate_ids(
    next_logits: "Callable[[list[int]], torch.Tensor]", ids: list[int], n_new: int, end_id: int
) -> list[int]:
    """A text and how a network goes on with it, always with the likeliest token.

    Args:
        next_logits: the network, a function. It takes a list of ids, the whole text so far, and
            gives the logits (V,) of the token after it.
        ids: the prompt, one id or more. This list stays as it is.
        n_new: how many tokens are added at most, 0 or more.
        end_id: a token that ends the text. When the network has added it, it adds no more. In the
            prompt it ends nothing.

    Returns:
        A list: the prompt, then the new ids; if the network ended the text, end_id is the last.
    """
    text = list(ids)
    for _ in range(n_new):
        token = int(next_logits(text).argmax())
        text.append(token)
        if token == end_id:
            break
    return text


class PromptChanged(TypeError):
    """The prompt was changed."""


class Prompt(list):
    """A list that must not be changed; its copies are ordinary lists."""

    def _refuse(self, *_, **__):
        raise PromptChanged("the list `ids` must not be changed: make a new one")

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __iadd__ = __imul__ = __setitem__ = __delitem__ = _refuse

    def __copy__(self):
        return list(self)

    def __deepcopy__(self, _):
        return list(self)


END = 6


def network(given, text, lost, times=1):
    """A function that goes on with each beginning of the text; with ``lost`` after any other."""
    others = given.sample([-3.0, -2.5, -1.5, -1.0, 0.5, 1.0, 1.5, 2.0, 2.5], 9)

    def next_logits(ids):
        ids = [int(token) for token in ids]
        known = 0 < len(ids) < len(text) and ids == text[: len(ids)]
        logits = torch.tensor(others, dtype=given.dtype).repeat(times)
        logits[text[len(ids)] if known else lost] = 4.0
        return logits

    return next_logits


def cases(given):
    words = [0, 1, 2, 3, 4, 5, 7, 8]

    def case(shows, prompt, new, after, *, n_new, end=END, times=1):
        """The network would write ``after`` if it were asked beyond what is right."""
        go_on = network(given, [*prompt, *new, *after], lost, times)
        return Case(shows, go_on, Prompt(prompt), n_new, end)

    lost, *w = given.sample(words, 8)
    return [
        case("one new token", w[:1], w[1:2], w[2:4], n_new=1),
        case("three new tokens", w[:1], w[1:4], w[4:6], n_new=3),
        case("a prompt of four tokens", w[:4], w[4:6], w[6:7], n_new=2),
        case("a text that ends early", w[:2], [*w[2:4], END], w[4:7], n_new=5),
        case("the end-of-text token as the prompt", [END], w[:3], w[3:5], n_new=3),
        case("a prompt whose last token is the end", [w[0], END], [w[1], END], w[3:5], n_new=3),
        case("no new token", w[:3], [], w[3:5], n_new=0),
        case("a larger vocabulary", w[:2], [700, 1000], [800, 900], n_new=4, end=1000, times=120),
    ]


HINTS = (
    "Begin with a list of your own, `text = list(ids)`, and a loop that runs n_new times.",
    "In each round: ask the network with the whole text, take the id of its largest logit, and "
    "put it at the end of the text.",
    "Look at the new token, after it has been added: if it is end_id, `break`.",
)
WHY = """
The network has no memory: whatever it shall heed must stand in the text that it is given, so the
whole text goes in at every step. Only a new token is compared with end_id, so a prompt may begin
with the end-of-text token; prompts usually do, to say that a document begins. The copy matters:
who calls the function may want to use the same prompt again.
"""
WRONG = (
    Wrong(
        "Your function changes the list that it was given. Copy it first: text = list(ids).",
        "list(ids)",
        "ids",
    ),
    Wrong(
        "Your function shows the network the newest token only. Give it the whole text: the next "
        "token may depend on all of it.",
        "next_logits(text)",
        "next_logits(text[-1:])",
    ),
    Wrong(
        "Your function asks the network with the prompt each time. Ask with the longer text, so "
        "that it sees what it has written.",
        "next_logits(text)",
        "next_logits(ids)",
    ),
    Wrong(
        "Your function shows the network only what is new, and nothing of the prompt after the "
        "first step. Give it the whole text.",
        "next_logits(text)",
        "next_logits(text[len(ids) :] or text)",
    ),
    Wrong(
        "The end is missing in your text: end_id belongs to it as its last token. Add the token, "
        "then compare it.",
        "        text.append(token)\n        if token == end_id:\n            break\n",
        "        if token == end_id:\n            break\n        text.append(token)\n",
    ),
    Wrong(
        "Your function doesn't stop after end_id. Leave the loop once the network has added it.",
        "            break\n",
        "            pass\n",
    ),
    Wrong(
        "Your function writes nothing if the prompt's last token is end_id. In the prompt it ends "
        "nothing: compare only new tokens.",
        "        token = int(next_logits(text).argmax())\n",
        "        if text[-1] == end_id:\n            break\n"
        "        token = int(next_logits(text).argmax())\n",
    ),
    Wrong(
        "Your function stops as soon as end_id stands anywhere in the text, also in the prompt. "
        "Compare only the newest token.",
        "token == end_id",
        "end_id in text",
    ),
    Wrong(
        "Your function gives the new tokens alone. The prompt belongs to the result.",
        "return text",
        "return text[len(ids) :]",
    ),
    Wrong(
        "Your function adds one token too few.",
        "range(n_new)",
        "range(n_new - 1)",
    ),
    Wrong(
        "Your function adds one token too many, if no end comes.",
        "range(n_new)",
        "range(n_new + 1)",
    ),
    Wrong(
        "Your function takes n_new for the length of the whole text. It is the number of tokens "
        "that are added to the prompt.",
        "range(n_new)",
        "range(n_new - len(ids))",
    ),
    Wrong(
        "Your function takes the least likely token at each step: the smallest logit.",
        "argmax()",
        "argmin()",
    ),
    Wrong(
        "Your function puts new tokens in front of the text. They go to its end.",
        "text.append(token)",
        "text.insert(0, token)",
    ),
    Wrong(
        "Your function leaves after the first new token: the return stands in the loop.",
        "            break\n    return text",
        "            break\n        return text\n    return text",
    ),
)


def with_while(next_logits, ids, n_new, end_id):
    new = []
    while len(new) < n_new and end_id not in new:
        logits = next_logits(ids + new).tolist()
        new += [logits.index(max(logits))]
    return ids + new


def by_calling_itself(next_logits, ids, n_new, end_id):
    if n_new == 0:
        return ids
    token = max(enumerate(next_logits(ids)), key=lambda pair: pair[1])[0]
    text = [*ids, token]
    return text if token == end_id else by_calling_itself(next_logits, text, n_new - 1, end_id)


def as_a_tensor(next_logits, ids, n_new, end_id):
    text = torch.tensor(ids)
    for _ in range(n_new):
        text = torch.cat([text, next_logits(text.tolist()).argmax(dim=-1, keepdim=True)])
        if text[-1] == end_id:
            return text
    return text


def with_a_plan(next_logits, ids, n_new, end_id):
    text, length = ids.copy(), len(ids) + n_new
    while len(text) != length:
        text += [next_logits(text).float().topk(1).indices.item()]
        length = len(text) if text[-1] == end_id else length
    return text


RIGHT = (with_while, by_calling_itself, as_a_tensor, with_a_plan)
