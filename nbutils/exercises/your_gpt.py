"""Your functions, put together: a tokenizer, a GPT, its training, and what it writes.

`your_functions` gives all exercises' functions, yours where they are right and of use, else the
course's; everything here calls them by their names and does no arithmetic of its own.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from nbutils.device import cpu_by_default
from nbutils.exercises.compare import difference
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.guard import Stopped, outcome
from nbutils.exercises.record import answers, load_progress
from nbutils.model import GPT, GPTConfig
from nbutils.windows import IGNORE

IN_THE_GPT = frozenset(
    {
        "split_words",
        "to_bytes",
        "count_pairs",
        "best_pair",
        "merge_pair",
        "encode_text",
        "decode_ids",
        "join_documents",
        "windows_at",
        "embed",
        "transformer_block",
        "layer_norm",
        "multi_head_attention",
        "mlp",
        "linear",
        "cross_entropy_loss",
        "decays",
        "clip_gradients",
        "rate_at",
        "adamw_step",
        "mean_loss",
        "crop_context",
        "with_temperature",
        "keep_top_p",
        "draw_token",
    }
)
"""The functions that are called here; the others are steps on the way to them, or measures."""

TOO_SLOW = 20  # times the course's own function; a run of two minutes would take most of an hour
LEAST = 0.05  # seconds that any function may take
TRIES = 3  # before a function is called slow: the machine may have paused

# --- whose functions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Functions:
    """All exercises' functions by name: ``your.linear`` is the function ``linear``.

    yours: names of those that the student wrote. instead: why the course's own stands in for one
    that is right but of no use here, by name.
    """

    all: dict[str, Callable]
    yours: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Callable:
        try:
            return self.__dict__["all"][name]
        except KeyError:
            raise AttributeError(f"there is no exercise {name!r}") from None

    def __repr__(self) -> str:
        chapters = Counter(exercise(name).chapter for name in self.yours)
        count = {chapter: list(names().values()).count(chapter) for chapter in names().values()}
        rows = [
            f"{chapter:10} {chapters[chapter]:2} of {of} yours" for chapter, of in count.items()
        ]
        rows += [f"{name}: {why}; the course's stands in" for name, why in self.instead.items()]
        return "\n".join(rows)


def your_functions() -> Functions:
    """Your functions where they are right and fit for training, else the course's.

    A right answer may be of no use in a network: it gives no gradient, or it goes through its
    numbers one by one and is more than `TOO_SLOW` times as slow. ``instead`` says so.
    """
    entries = load_progress().entries
    found, instead, yours = answers(), {}, []
    for name, function in found.items():
        if function is exercise(name).answer or name not in entries:
            continue
        why = unfit(name, function)
        if why:
            instead[name], found[name] = why, exercise(name).answer
        else:
            yours.append(name)
    return Functions(found, tuple(yours), instead)


def unfit(name: str, function: Callable) -> str:
    """Why this right answer can't be used in a network that trains; "" if it can.

    Tried with inputs of the size that training has, against the course's own function.
    """
    if name not in _AT_WORK:
        return ""
    with cpu_by_default():
        return _unfit(name, function)


def _unfit(name: str, function: Callable) -> str:
    args = _AT_WORK[name](torch.Generator().manual_seed(0))
    start = time.perf_counter()
    expected = outcome(exercise(name).answer, args)
    usual = time.perf_counter() - start
    for _ in range(TRIES):
        got = outcome(function, args, max(LEAST, TOO_SLOW * usual))
        if not isinstance(got.error, Stopped):
            break
    if isinstance(got.error, Stopped):
        return f"with a whole batch it is more than {TOO_SLOW} times as slow as the course's"
    if got.error is not None:
        return f"with a whole batch it raises {got.kind}: {str(got.error).rstrip('.')}"
    if found := difference(got.value, expected.value):
        return f"with a whole batch {found}"
    slopes = _slopes(name, function, args)
    if slopes is None:
        return "it gives no gradient (detach, no_grad, numpy, item() or tolist() cut it off)"
    for mine, right in zip(slopes, _slopes(name, exercise(name).answer, args), strict=True):
        if difference(mine, right):
            return "its gradient is not the derivative of what it computes"
    return ""


def _slopes(name: str, function: Callable, args: tuple) -> list[torch.Tensor] | None:
    """Gradients of a sum over what the function gives, for those args that training changes."""
    knobs = [x for x in args if isinstance(x, torch.Tensor) and x.requires_grad]
    if not knobs:
        return []
    copies = {id(x): x.detach().clone().requires_grad_() for x in knobs}
    out = function(*(copies.get(id(x), x) for x in args))
    if not isinstance(out, torch.Tensor) or not out.requires_grad:
        return None
    weights = torch.linspace(-1, 1, out.numel()).view(out.shape)
    found = torch.autograd.grad((out * weights).sum(), list(copies.values()), allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(copies.values(), found)]


def _with_gradients(*shapes: tuple[int, ...]) -> Callable:
    """Inputs whose gradients training asks for."""
    return lambda dice: tuple(torch.randn(s, generator=dice).requires_grad_() for s in shapes)


def _changed(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x)


def _ids(dice, *shape: int, V: int = 1000) -> torch.Tensor:
    return torch.randint(V, shape, generator=dice)


_B, _T, _C, _V = 4, 80, 128, 1000
_AT_WORK: dict[str, Callable[[torch.Generator], tuple]] = {
    "windows_at": lambda dice: (_ids(dice, 100_000), _ids(dice, 16, V=90_000), _T),
    "embed": lambda dice: (_ids(dice, _B, _T), *_with_gradients((_V, _C), (_T, _C))(dice)),
    "layer_norm": _with_gradients((_B, _T, _C), (_C,), (_C,)),
    "linear": lambda dice: (*_with_gradients((_B, _T, _C), (_V, _C))(dice), None),
    "multi_head_attention": lambda dice: (
        *_with_gradients((_B, _T, _C), (3 * _C, _C), (_C, _C))(dice),
        4,
    ),
    "mlp": _with_gradients((_B, _T, _C), (4 * _C, _C), (4 * _C,), (_C, 4 * _C), (_C,)),
    "transformer_block": lambda dice: (*_with_gradients((_B, _T, _C))(dice), *[_changed] * 4),
    "cross_entropy_loss": lambda dice: (*_with_gradients((_B * _T, _V))(dice), _ids(dice, _B * _T)),
    "adamw_step": lambda dice: (
        *(torch.rand(4 * _C, _C, generator=dice) for _ in range(4)),
        1,
        1e-3,
        0.9,
        0.98,
        1e-8,
        0.1,
    ),
    "clip_gradients": lambda dice: ([torch.randn(4 * _C, _C, generator=dice)], 1.0),
    "mean_loss": lambda dice: ([(torch.rand(64, _T, generator=dice), _ids(dice, 64, _T))],),
    "with_temperature": lambda dice: (torch.randn(_V, generator=dice), 0.8),
    "keep_top_p": lambda dice: (torch.randn(_V, generator=dice).softmax(0), 0.9),
}
"""What each of these functions gets in `YourGPT`, `train` and `write`: its arguments, by chance."""

# --- text to tokens and back ----------------------------------------------------------------------


class YourTokenizer:
    """Byte pair encoding by your functions, learned from documents that are cut into words.

    GPT-2 learns in this way too: a pair is counted inside words only, and a word that stands in the
    text a thousand times is counted once, times a thousand.

    Args:
        your: the functions; `split_words`, `to_bytes`, `count_pairs`, `best_pair`, `merge_pair`,
            `encode_text`, `decode_ids` and `join_documents` are called.
        documents: texts to learn from.
        n_merges: how many merges to learn at most.
    """

    def __init__(self, your: Functions, documents: Iterable[str], n_merges: int):
        self.your, self.merges, self.known = your, [], {}
        times = Counter(word for text in documents for word in your.split_words(text))
        rows = {word: your.to_bytes(word) for word in times}
        while len(self.merges) < n_merges:
            counts = Counter()
            for word, row in rows.items():
                for pair, n in your.count_pairs(row).items():
                    counts[pair] += n * times[word]
            if not counts:
                break
            pair, new_id = your.best_pair(counts), 256 + len(self.merges)
            self.merges.append(pair)
            rows = {
                word: your.merge_pair(row, pair, new_id) if pair[0] in row else row
                for word, row in rows.items()
                if len(row) > 1
            }
        self.end_id = 256 + len(self.merges)

    @property
    def vocab_size(self) -> int:
        """256 bytes, the merges, and one id for the end of a document."""
        return self.end_id + 1

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; each word is encoded once and then known."""
        ids = []
        for word in self.your.split_words(text):
            if word not in self.known:
                self.known[word] = self.your.encode_text(word, self.merges)
            ids += self.known[word]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a row of tokens; the end of a document has none."""
        return self.your.decode_ids([i for i in ids if i != self.end_id], self.merges)

    def encode_documents(self, documents: Iterable[str]) -> torch.Tensor:
        """All documents in one row (N,), an end before each and after the last."""
        rows = [self.encode(text) for text in documents]
        return torch.tensor(self.your.join_documents(rows, self.end_id))


# --- the network ----------------------------------------------------------------------------------


class YourGPT(nn.Module):
    """GPT-2's architecture without biases, computed by your functions.

    Args:
        your: the functions; `embed`, `transformer_block`, `layer_norm`, `multi_head_attention`,
            `mlp` and `linear` are called.
        config: the sizes; ``bias=False`` and no dropout.

    The knobs are those of the course's own GPT, ``reference``: both compute with the same numbers,
    so that what they give can be compared.

    Raises:
        ValueError: the config asks for more than the exercises have.
    """

    def __init__(self, your: Functions, config: GPTConfig):
        super().__init__()
        sizes = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
        if config != GPTConfig(bias=False, **{size: getattr(config, size) for size in sizes}):
            raise ValueError(
                "YourGPT has no biases, no dropout and no switches: make its config with "
                "GPTConfig(bias=False, vocab_size=…, block_size=…, n_layer=…, n_head=…, n_embd=…)"
            )
        self.your, self.config, self.reference = your, config, GPT(config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Ids (B, T) to logits (B, T, V)."""
        table = self.reference.token_embedding.weight
        positions = self.reference.position_embedding.weight
        x = self.your.embed(tokens, table, positions[: tokens.shape[1]])
        for block in self.reference.blocks:
            x = self.your.transformer_block(
                x,
                self._attend(block.attention),
                self._think(block.mlp),
                self._norm(block.attention_norm),
                self._norm(block.mlp_norm),
            )
        x = self._norm(self.reference.final_norm)(x)
        return self.your.linear(x, table, None)

    def _attend(self, knobs) -> Callable:
        weights = knobs.query_key_value.weight, knobs.projection.weight
        return lambda x: self.your.multi_head_attention(x, *weights, self.config.n_head)

    def _think(self, knobs) -> Callable:
        expand, contract = knobs.expand.weight, knobs.contract.weight
        no_bias = expand.new_zeros(len(expand)), contract.new_zeros(len(contract))
        return lambda x: self.your.mlp(x, expand, no_bias[0], contract, no_bias[1])

    def _norm(self, knobs) -> Callable:
        no_bias = torch.zeros_like(knobs.weight)
        return lambda x: self.your.layer_norm(x, knobs.weight, no_bias)


# --- its training ---------------------------------------------------------------------------------


def train(
    model: YourGPT,
    tokens: torch.Tensor,
    end_id: int,
    updates: int,
    *,
    batch_size: int = 16,
    highest: float = 2.5e-3,
    warmup: int = 200,
    decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.98),
    clip: float = 1.0,
) -> Iterator[tuple[int, float]]:
    """Train by your functions; after each update comes (its number, the loss before it in nats).

    `windows_at`, `cross_entropy_loss`, `clip_gradients`, `rate_at`, `decays` and `adamw_step` are
    called. Windows begin where a document begins, so that the floor holds for each of their tokens.

    Args:
        tokens: (N,), documents in one row with ``end_id`` before each.
        updates: how many steps of AdamW.
        batch_size: windows in each, drawn by PyTorch's random numbers.
        highest, warmup: of the learning rate, which falls to a tenth of ``highest``.
        decay, betas: AdamW's. clip: the gradient's length at most.

    Raises:
        ValueError: no window can begin in tokens.
    """
    your, T = model.your, model.config.block_size
    starts = (tokens[:-T] == end_id).nonzero()[:, 0]
    if not len(starts):
        raise ValueError(
            f"tokens has no end_id={end_id} with {T} tokens after it, so no window can begin: give more "
            "documents, or a model with a smaller block_size"
        )
    weights = dict(model.named_parameters())
    shrinking = your.decays({name: tuple(w.shape) for name, w in weights.items()})
    memory = {name: [torch.zeros_like(w), torch.zeros_like(w)] for name, w in weights.items()}
    for step in range(updates):
        places = starts[torch.randint(len(starts), (batch_size,))]
        contexts, labels = your.windows_at(tokens, places, T)
        loss = your.cross_entropy_loss(model(contexts).flatten(0, 1), labels.flatten())
        gradients = torch.autograd.grad(loss, list(weights.values()))
        gradients = your.clip_gradients(list(gradients), clip)
        rate = your.rate_at(step, updates, warmup, highest, highest / 10)
        with torch.no_grad():
            for (name, w), g in zip(weights.items(), gradients, strict=True):
                share = decay if name in shrinking else 0.0
                new, *memory[name] = your.adamw_step(
                    w.detach(), g, *memory[name], step + 1, rate, *betas, 1e-8, share
                )
                w.copy_(new)
        yield step + 1, float(loss.detach())


@torch.no_grad()
def evaluate(model: YourGPT, tokenizer: YourTokenizer, documents: Sequence[str]) -> float:
    """The loss of whole documents, each from its beginning to its end, in nats a document.

    `mean_loss` is called. A document longer than the model's context counts up to there.

    Raises:
        ValueError: there is no document, or the tokenizer has more ids than the model.
    """
    if not documents:
        raise ValueError("documents is empty: the loss of no text is not defined")
    _check_fit(model, tokenizer)
    your, T, batches, labels = model.your, model.config.block_size, [], 0
    rows = [[tokenizer.end_id, *tokenizer.encode(text), tokenizer.end_id] for text in documents]
    for start in range(0, len(rows), 64):
        some = torch.full((len(rows[start : start + 64]), T + 1), IGNORE)
        for line, row in zip(some, rows[start:]):
            line[: len(row)] = torch.tensor(row[: T + 1])
        logits = model(some[:, :-1].clamp(min=0))
        losses = F.cross_entropy(logits.mT, some[:, 1:], ignore_index=IGNORE, reduction="none")
        batches.append((losses, some[:, 1:]))
        labels += int((some[:, 1:] != IGNORE).sum())
    return float(your.mean_loss(batches)) * labels / len(rows)


def _check_fit(model: YourGPT, tokenizer: YourTokenizer) -> None:
    if tokenizer.end_id >= model.config.vocab_size:
        raise ValueError(
            f"the tokenizer's ids go to {tokenizer.end_id}, and the model was made for "
            f"vocab_size={model.config.vocab_size}: use the tokenizer that it was made with"
        )


# --- what it writes -------------------------------------------------------------------------------


@torch.no_grad()
def write(
    model: YourGPT,
    tokenizer: YourTokenizer,
    prompt: str = "",
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    most: int = 80,
) -> str:
    """Go on with a text until the network ends it, or for ``most`` tokens.

    `crop_context`, `with_temperature`, `keep_top_p` and `draw_token` are called.

    Raises:
        ValueError: the tokenizer has more ids than the model.
    """
    _check_fit(model, tokenizer)
    your = model.your
    ids = [tokenizer.end_id, *tokenizer.encode(prompt)]
    for _ in range(most):
        context = your.crop_context(list(ids), model.config.block_size)
        logits = model(torch.tensor([context]))[0, -1]
        probabilities = your.with_temperature(logits, temperature)
        if top_p < 1:
            probabilities = your.keep_top_p(probabilities, top_p)
        ids.append(your.draw_token(probabilities, float(torch.rand(()))))
        if ids[-1] == tokenizer.end_id:
            break
    return tokenizer.decode(ids)
