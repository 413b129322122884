"""Your functions, put together: a tokenizer, a GPT, its training, and what it writes.

`your_functions` gives all exercises' functions, yours where they are right and of use, else the
course's; everything here calls them by their names and does no arithmetic of its own.

A `YourGPT` begins on the CPU, as each network here does, and ``.to(device)`` moves it. `train` computes on
the chip and gives it back where it was; `evaluate` and `write` compute where the network is. What is no
part of a network, the mean of losses and the choice of one token, is done on the CPU.
"""

import inspect
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from nbutils.device import Chip, cpu_by_default, out_of_memory, pick, wait
from nbutils.exercises.compare import difference
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.guard import Outcome, Stopped, outcome
from nbutils.exercises.record import answers, load_progress
from nbutils.ids import check_device
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
ON_THE_CPU = frozenset({"mean_loss", "with_temperature", "keep_top_p"})
"""Those that get tensors, and get them on the CPU wherever the network is."""

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


def your_functions(device: str | torch.device = "auto") -> Functions:
    """Your functions where they are right and fit for training on that device, else the course's.

    A right answer may be of no use in a network: it gives no gradient, or it goes through its
    numbers one by one and is more than `TOO_SLOW` times as slow, or it makes a tensor on the CPU that
    a GPU can't meet. ``instead`` says so.

    Args:
        device: where the network will be trained, as for `train`.

    Raises:
        ValueError: there is no such device here.
    """
    device, entries = pick(device).device, load_progress().entries
    found, instead, yours = answers(), {}, []
    for name, function in found.items():
        if function is exercise(name).answer or name not in entries:
            continue
        why = unfit(name, function, device)
        if why:
            instead[name], found[name] = why, exercise(name).answer
        else:
            yours.append(name)
    return Functions(found, tuple(yours), instead)


def unfit(name: str, function: Callable, device: str | torch.device = "auto") -> str:
    """Why this right answer can't be used in a network that trains on that device; "" if it can.

    Tried with inputs of the size that training has, against the course's own function: on the CPU,
    then on the chip. Raises ``ValueError`` if there is no such device here.
    """
    if name not in _AT_WORK:
        return ""
    chip = pick(device)
    with cpu_by_default():
        args = _AT_WORK[name](torch.Generator().manual_seed(0))
        why = _differs(name, function, args)
        if why or chip.device.type == "cpu" or name in ON_THE_CPU:
            return why
        return _differs_on(chip, name, function, args)


def _differs(name: str, function: Callable, args: tuple) -> str:
    start = time.perf_counter()
    expected = outcome(exercise(name).answer, args)
    got = _tried(function, args, time.perf_counter() - start)
    if isinstance(got.error, Stopped):
        return f"with a whole batch it is more than {TOO_SLOW} times as slow as the course's"
    if got.error is not None:
        return f"with a whole batch it raises {got.kind}: {str(got.error).rstrip('.')}"
    if found := difference(got.value, expected.value):
        return f"with a whole batch {found}"
    return _no_slopes(name, function, args) or _no_tensor(got.value, expected.value)


def _differs_on(chip: Chip, name: str, function: Callable, args: tuple) -> str:
    """As `_differs`, with the inputs on a GPU; a function that is right on the CPU is its measure."""
    course, remedy = exercise(name).answer, f"device={_first(name, args)}.device"
    try:
        args = _brought(args, chip.device)
        course(*args)  # the first call also loads the GPU's programs
        wait(chip)
    except Exception as error:
        if out_of_memory(error):  # a card that others have filled says nothing of the function
            return ""
        raise
    start = time.perf_counter()
    expected = course(*args)
    wait(chip)
    got = _tried(function, args, time.perf_counter() - start)
    if isinstance(got.error, Stopped):
        return f"on the GPU it is more than {TOO_SLOW} times as slow as the course's"
    if got.error is not None:
        return _raised_on_the_gpu(got, remedy)
    # Here only a gross difference counts: a GPU may add up in another order, and in a shorter format.
    found = difference(got.value, _brought(expected, torch.device("cpu")), torch.float16)
    if found:
        return f"on the GPU {found}"
    places = [
        (getattr(mine, "device", None), right.device) for mine, right in _pairs(got.value, expected)
    ]
    if any(mine != right for mine, right in places):
        return f"on the GPU its result is on the CPU (make new tensors with {remedy})"
    return ""


def _tried(function: Callable, args: tuple, usual: float) -> Outcome:
    """What it gives within `TOO_SLOW` times the usual seconds, at the best of `TRIES`."""
    for _ in range(TRIES):
        got = outcome(function, args, max(LEAST, TOO_SLOW * usual))
        if not isinstance(got.error, Stopped):
            break
    return got


def _raised_on_the_gpu(got: Outcome, remedy: str) -> str:
    """What an error on a GPU means for a function that is right on the CPU, and what to do."""
    message = str(got.error).strip().split("\n")[0].rstrip(".")
    if re.search(r"same device|on cpu|Placeholder storage", message):  # the last one: a Mac's
        return f"on the GPU it meets a tensor that it made on the CPU (make it with {remedy})"
    if "to numpy" in message:
        return (
            "on the GPU it calls NumPy, which knows the CPU alone (PyTorch has the same functions)"
        )
    if "float64" in message and "MPS" in message:
        return "a Mac's GPU has no float64 (compute in float32)"
    return f"on the GPU it raises {got.kind}: {message}"


def _no_slopes(name: str, function: Callable, args: tuple) -> str:
    slopes = _slopes(name, function, args)
    if slopes is None:
        return "it gives no gradient (detach, no_grad, numpy, item() or tolist() cut it off)"
    for mine, right in zip(slopes, _slopes(name, exercise(name).answer, args), strict=True):
        largest = right.abs().max()  # what was rounded in a sum is small beside it
        if difference(mine / largest, right / largest):
            return "its gradient is not the derivative of what it computes"
    return ""


def _no_tensor(got, expected) -> str:
    """`check` takes a list or an array for a tensor; what comes next in a network can't."""
    forms = [type(mine) for mine, right in _pairs(got, expected) if right.dim()]
    if all(issubclass(form, torch.Tensor) for form in forms):
        return ""
    return (
        "it gives a list or an array, and a network needs a tensor (torch.tensor makes one of it)"
    )


def _pairs(got, expected) -> Iterator[tuple]:
    """Each tensor that is expected, and what was given for it."""
    if isinstance(expected, torch.Tensor):
        yield got, expected
    elif isinstance(expected, (list, tuple)):
        for mine, right in zip(got, expected, strict=True):
            yield from _pairs(mine, right)


def _brought(value, device: torch.device):
    """All tensors of a value on that device."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(device).requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(_brought(one, device) for one in value)
    return value


def _first(name: str, args: tuple) -> str:
    """The course's word for the first input: a tensor, or a list of them."""
    first = next(iter(inspect.signature(exercise(name).answer).parameters))
    return f"{first}[0]" if isinstance(args[0], list) else first


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


def _with_gradients(first: tuple[int, ...], *others: tuple[int, ...]) -> Callable:
    """Inputs whose gradients training asks for. Matrices after the first are knobs, as small as knobs are:
    else sums grow so large that the order in which they are added shows."""

    def drawn(dice) -> tuple[torch.Tensor, ...]:
        knobs = [torch.randn(s, generator=dice) / (s[-1] ** 0.5 if s[1:] else 1) for s in others]
        return tuple(x.requires_grad_() for x in (torch.randn(first, generator=dice), *knobs))

    return drawn


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
        """Ids (B, T) to logits (B, T, V). Raises ``ValueError`` for ids that are not where the model is."""
        table = self.reference.token_embedding.weight
        check_device("tokens", tokens, table.device)
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
    device: str | torch.device = "auto",
) -> Iterator[tuple[int, float]]:
    """Train by your functions; after each update comes (its number, the loss before it in nats).

    `windows_at`, `cross_entropy_loss`, `clip_gradients`, `rate_at`, `decays` and `adamw_step` are
    called. Windows begin where a document begins, so that the floor holds for each of their tokens.
    All is computed in float32, on the chip; at the end, however it ends, the network is where it was.

    Args:
        tokens: (N,), documents in one row with ``end_id`` before each; on any device.
        updates: how many steps of AdamW.
        batch_size: windows in each, drawn by PyTorch's random numbers, alike for each device.
        highest, warmup: of the learning rate, which falls to a tenth of ``highest``.
        decay, betas: AdamW's. clip: the gradient's length at most.
        device: "auto", "cpu", "cuda", "mps": see `nbutils.device.pick`.

    Raises:
        ValueError: no window can begin in tokens, or there is no such device here.
    """
    your, T = model.your, model.config.block_size
    here, home = pick(device).device, next(model.parameters()).device
    starts = (tokens[:-T] == end_id).nonzero()[:, 0].cpu()
    if not len(starts):
        raise ValueError(
            f"tokens has no end_id={end_id} with {T} tokens after it, so no window can begin: give more "
            "documents, or a model with a smaller block_size"
        )
    try:
        tokens, weights = tokens.to(here), dict(model.to(here).named_parameters())
        shrinking = your.decays({name: tuple(w.shape) for name, w in weights.items()})
        memory = {name: [torch.zeros_like(w), torch.zeros_like(w)] for name, w in weights.items()}
        for step in range(updates):
            places = starts[torch.randint(len(starts), (batch_size,))]
            contexts, labels = your.windows_at(tokens, _sent(places, here), T)
            loss = your.cross_entropy_loss(model(contexts).flatten(0, 1), labels.flatten())
            gradients = torch.autograd.grad(loss, list(weights.values()))
            gradients = your.clip_gradients(list(gradients), clip)
            loss = float(loss.detach())  # read here, so that nothing waits for AdamW's steps
            rate = your.rate_at(step, updates, warmup, highest, highest / 10)
            with torch.no_grad():
                for (name, w), g in zip(weights.items(), gradients, strict=True):
                    share = decay if name in shrinking else 0.0
                    new, *memory[name] = your.adamw_step(
                        w.detach(), g, *memory[name], step + 1, rate, *betas, 1e-8, share
                    )
                    w.copy_(new)
            yield step + 1, loss
            model.to(here)  # wherever the loop that reads the losses took it
    finally:
        model.to(home)


def _sent(numbers: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A few numbers to the chip, without waiting until it has done all that was asked of it before."""
    return numbers.to(device, non_blocking=device.type == "cuda")


@torch.no_grad()
def evaluate(model: YourGPT, tokenizer: YourTokenizer, documents: Sequence[str]) -> float:
    """The loss of whole documents, each from its beginning to its end, in nats a document.

    `mean_loss` is called. A document longer than the model's context counts up to there. Computed
    where the model is.

    Raises:
        ValueError: there is no document, or the tokenizer has more ids than the model.
    """
    if not documents:
        raise ValueError("documents is empty: the loss of no text is not defined")
    _check_fit(model, tokenizer)
    your, T, batches, labels = model.your, model.config.block_size, [], 0
    place = next(model.parameters()).device
    rows = [[tokenizer.end_id, *tokenizer.encode(text), tokenizer.end_id] for text in documents]
    for start in range(0, len(rows), 64):
        some = torch.full((len(rows[start : start + 64]), T + 1), IGNORE)
        for line, row in zip(some, rows[start:]):
            line[: len(row)] = torch.tensor(row[: T + 1])
        logits = model(some[:, :-1].clamp(min=0).to(place))
        losses = F.cross_entropy(
            logits.mT, some[:, 1:].to(place), ignore_index=IGNORE, reduction="none"
        )
        batches.append((losses.cpu(), some[:, 1:]))
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

    `crop_context`, `with_temperature`, `keep_top_p` and `draw_token` are called. The network computes
    where it is; from its row of logits the CPU chooses, by the same random numbers for each device.

    Raises:
        ValueError: the tokenizer has more ids than the model.
    """
    _check_fit(model, tokenizer)
    your, place = model.your, next(model.parameters()).device
    ids = [tokenizer.end_id, *tokenizer.encode(prompt)]
    for _ in range(most):
        context = your.crop_context(list(ids), model.config.block_size)
        logits = model(torch.tensor([context], device=place))[0, -1].cpu()
        probabilities = your.with_temperature(logits, temperature)
        if top_p < 1:
            probabilities = your.keep_top_p(probabilities, top_p)
        ids.append(your.draw_token(probabilities, float(torch.rand(()))))
        if ids[-1] == tokenizer.end_id:
            break
    return tokenizer.decode(ids)
