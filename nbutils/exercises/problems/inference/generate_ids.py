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
    """A function that goes on with each beginning of the text, and with one of ``lost`` after others."""
    small = [-3.5, -3.0, -2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.25, 2.5]
    others = given.sample(small, len(small))

    def next_logits(ids):
        try:
            ids = [int(token) for token in ids]
        except (TypeError, ValueError):
            shape = f" of shape {tuple(ids.shape)}" if isinstance(ids, torch.Tensor) else ""
            what = "a list of other things" if isinstance(ids, list) else type(ids).__name__ + shape
            raise TypeError(f"next_logits takes a list of ids, and was given {what}") from None
        known = 0 < len(ids) < len(text) and ids == text[: len(ids)]
        logits = torch.tensor(others, dtype=given.dtype).repeat(times)
        logits[text[len(ids)] if known else lost[len(ids) % len(lost)]] = 4.0
        return logits

    return next_logits


def cases(given):
    words = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]

    def case(shows, prompt, new, after, *, n_new, end=END, times=1):
        """The network would write ``after`` if it were asked beyond what is right."""
        go_on = network(given, [*prompt, *new, *after], lost, times)
        return Case(shows, go_on, Prompt(prompt), n_new, end)

    *lost, a, b, c, d, e, f, g = given.sample(words, 10)
    w = [a, b, c, d, e, f, g]
    return [
        case("one new token", w[:1], w[1:2], w[2:4], n_new=1),
        case("three new tokens", w[:1], w[1:4], w[4:6], n_new=3),
        case("a prompt of four tokens", w[:4], w[4:6], w[6:7], n_new=2),
        case("a text that ends early", w[:2], [max(w), min(w), END], w[4:7], n_new=5),
        case("the end-of-text token as the prompt", [END], w[:3], w[3:5], n_new=3),
        case("a prompt whose last token is the end", [w[0], END], [w[1], END], w[3:5], n_new=3),
        case("a text that ends at once", w[:3], [END], w[4:6], n_new=2),
        case("the end in a prompt that goes on", [w[0], END, w[1]], w[2:4], w[4:6], n_new=2),
        case("no new token", w[:3], [], w[3:5], n_new=0),
        case("a larger vocabulary", w[:2], [700, 1000], [800, 900], n_new=4, end=1000, times=120),
        case("a token that comes again", w[:2], [w[2], w[2], w[0], w[2]], w[3:5], n_new=4),
        case("a prompt of 14 tokens", w + w[::-1], w[2:5], w[5:6], n_new=3),
        case(
            "80 new tokens",
            w[:2],
            w[:4] * 20,
            [],
            n_new=80,
            end=END,
            times=1,
        ),
        case(
            "a token 0 that ends the text",
            w[:1],
            [8 if t == 0 else t for t in w[1:4]] + [0],
            w[4:6],
            n_new=9,
            end=0,
        ),
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
        "Your text doesn't grow: what your function gives is the prompt. `text + [token]` makes a new "
        "list and leaves text as it is: append, or assign the sum.",
        "text.append(token)",
        "text + [token]",
    ),
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
        "Your function asks the network with the prompt only, once or each time. Ask with the longer text, so "
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
    Wrong(
        "append changes the list and returns nothing: `text = text.append(token)` leaves None in text. "
        "Write text.append(token) alone.",
        "text.append(token)",
        "text = text.append(token)",
    ),
    Wrong(
        "Your function draws the next token by its probability. Always take the likeliest: argmax, "
        "without chance.",
        "int(next_logits(text).argmax())",
        "int(torch.multinomial(next_logits(text).softmax(dim=-1), 1))",
    ),
    Wrong(
        "Your function stops at any token whose id is end_id or larger. Only end_id itself ends the "
        "text: ==.",
        "token == end_id",
        "token >= end_id",
    ),
    Wrong(
        "Your function stops at any token whose id is end_id or smaller. Only end_id itself ends the "
        "text: ==.",
        "token == end_id",
        "token <= end_id",
    ),
    Wrong(
        "With ids above 256 your function doesn't stop after end_id: `is` asks whether two numbers are "
        "one object in memory. Compare with ==.",
        "token == end_id",
        "token == end_id < 257",
    ),
    Wrong(
        "Your function stops at any token but end_id. Stop when they are equal: ==.",
        "token == end_id",
        "token != end_id",
    ),
    Wrong(
        "Your function gives the network one id, the newest. It takes a list: the whole text.",
        "next_logits(text)",
        "next_logits(text[-1])",
    ),
    Wrong(
        "Your function takes an entry of the logits, as if there were a row for each position. "
        "next_logits gives one row, (V,), that of the next token: take its argmax.",
        "next_logits(text).argmax()",
        "next_logits(text)[-1].argmax()",
    ),
    Wrong(
        "next_logits gives one row, (V,), that of the next token. There is no dimension of texts or "
        "positions, so no [:, -1] and no dim=1.",
        "next_logits(text).argmax()",
        "next_logits(text).argmax(dim=1)",
    ),
    Wrong(
        "Your function appends the largest logit itself. Append its place, the token's id: argmax.",
        "int(next_logits(text).argmax())",
        "next_logits(text).max().item()",
    ),
    Wrong(
        "Your function appends a list to the list. Append the id alone, or use extend.",
        "text.append(token)",
        "text.append([token])",
    ),
    *(
        Wrong(
            "Your function shows the network the last few tokens only. Give it the whole text: the next "
            "token may depend on all of it.",
            "next_logits(text)",
            f"next_logits(text[-{n}:])",
        )
        for n in (2, 3, 4, 5, 8, 10)
    ),
    Wrong(
        "Your function shows the network the text in reverse order. Give it as it is, the oldest "
        "token first.",
        "next_logits(text)",
        "next_logits(text[::-1])",
    ),
    Wrong(
        "Your function shows the network the text without its newest token. Give it the whole text.",
        "next_logits(text)",
        "next_logits(text[:-1])",
    ),
    Wrong(
        "Your function leaves out the text's first token when it asks. Give the network the whole text.",
        "next_logits(text)",
        "next_logits(text[1:])",
    ),
    Wrong(
        "With n_new = 0 your function adds a token all the same. Ask whether one is wanted before you "
        "add it.",
        "range(n_new)",
        "range(max(1, n_new))",
    ),
    Wrong(
        "With n_new = 0 your function returns nothing. Return the prompt: is there a return after the "
        "loop?",
        "    return text",
        "    return text if n_new else None",
    ),
    Wrong(
        "Your function returns nothing if the network doesn't end the text. Return it after the loop, "
        "too.",
        "            break\n    return text",
        "            return text",
    ),
    Wrong(
        "Your function leaves after the first new token, for the return stands in the loop; and with "
        "n_new = 0 it returns nothing.",
        "            break\n    return text",
        "            break\n        return text",
    ),
    Wrong(
        "Your function fills the text up with end_id to the full length. After end_id nothing more is "
        "added.",
        "return text",
        "return text + [end_id] * (len(ids) + n_new - len(text))",
    ),
    Wrong(
        "Your function always puts end_id at the end. It stands there only if the network has chosen "
        "it.",
        "return text",
        "return text if text[-1] == end_id and len(text) > len(ids) else [*text, end_id]",
    ),
    Wrong(
        "Your function adds end_id twice when the network ends the text. Once is enough.",
        "            break\n",
        "            text.append(end_id)\n            break\n",
    ),
    Wrong(
        "Your function asks the network once and takes its n_new likeliest tokens. Ask again after each "
        "token, with the longer text.",
        instead=lambda next_logits, ids, n_new, end_id: [
            *ids,
            *next_logits(ids).topk(n_new).indices.tolist(),
        ],
    ),
    Wrong(
        "Your function gives the last token alone. Give the whole text: the prompt, then the new ids.",
        "return text",
        "return text[-1]",
    ),
    Wrong(
        "Your function gives the number of tokens. Give the ids.",
        "return text",
        "return len(text)",
    ),
    Wrong(
        "Your function gives the text without the prompt's first token, or without its own last one. "
        "Give all of it.",
        "return text",
        "return text[1:]",
    ),
    Wrong(
        "Your function leaves out the last token of the text. Give all of it.",
        "return text",
        "return text[:-1]",
    ),
    Wrong(
        "Your ids are wrong above 255: a byte (uint8) has no room for them. Use int, or torch.long.",
        "text.append(token)",
        "text.append(token % 256)",
    ),
    Wrong(
        "Your function never takes a token that has come before. A text may use a token again: take the "
        "likeliest.",
        "next_logits(text).argmax()",
        "next_logits(text).index_fill(0, torch.tensor(text), -torch.inf).argmax()",
    ),
    Wrong(
        "Your function stops when a token comes twice in a row. Only end_id ends the text.",
        "        text.append(token)\n",
        "        if token == text[-1]:\n            break\n        text.append(token)\n",
    ),
    Wrong(
        "Your function stops after a token that comes twice in a row. Only end_id ends the text.",
        "        text.append(token)\n",
        "        text.append(token)\n        if token == text[-2]:\n            break\n",
    ),
    Wrong(
        "Your function never lets the network choose end_id. It may end the text: take the likeliest "
        "token, and stop after it if it is end_id.",
        "next_logits(text).argmax()",
        "next_logits(text).index_fill(0, torch.tensor(end_id), -torch.inf).argmax()",
    ),
    Wrong(
        "Your function removes end_id from the prompt. The prompt stays as it is: end_id ends nothing "
        "there.",
        "list(ids)",
        "[token for token in ids if token != end_id]",
    ),
    Wrong(
        "Your function cuts the text after the first end_id, also where that stands in the prompt. Only "
        "a new end_id ends the text.",
        "return text",
        "return text[: text.index(end_id) + 1] if end_id in text else text",
    ),
    Wrong(
        "Your ids are one too large: they count from 1. The first token has id 0.",
        "int(next_logits(text).argmax())",
        "int(next_logits(text).argmax()) + 1",
    ),
    Wrong(
        "Your function writes nothing if end_id stands anywhere in the prompt. In the prompt it ends "
        "nothing: compare only new tokens.",
        "    for _ in range",
        "    if end_id in ids:\n        return text\n    for _ in range",
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
