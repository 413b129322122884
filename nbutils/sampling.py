"""Logits become new tokens: one is drawn, put at the end of the context, and the next is asked."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch

from nbutils.arguments import finite, of_type, plain, shown, whole, yes_or_no
from nbutils.decoding import decoder, is_unmodified, read_prompt
from nbutils.ids import check_batch, check_ids, check_model, check_numbers, to_model_device
from nbutils.kv_cache import InputCache
from nbutils.model import GPT
from nbutils.words import sentence

MIN_TEMPERATURE = torch.finfo(torch.float32).tiny
"""What float32 cannot divide by counts as temperature 0."""
_ROOM = 1024  # new tokens for which there is room at first


def next_token_probabilities(
    logits: torch.Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> torch.Tensor:
    """Logits (..., V) to the probabilities (..., V) that the next token is drawn from, float32.

    ``temperature`` divides the logits: below 1 sharpens, above 1 flattens, 0 (or less
    than ``MIN_TEMPERATURE``) leaves only the largest. ``top_k`` then keeps the k likeliest tokens, and
    ``top_p`` the fewest of those whose probabilities reach p together ("nucleus sampling",
    Holtzman et al., 2020). What is kept is scaled to sum to 1. Raises ``ValueError`` for values
    that mean nothing, and for logits of which a row has nan, inf or no number.
    """
    of_type("logits", logits, torch.Tensor, "give a tensor (..., V), such as model(tokens)[:, -1]")
    if logits.dim() == 0 or logits.numel() == 0 or logits.is_complex() or logits.is_meta:
        raise ValueError(
            sentence(
                "logits has shape {shape} and dtype {dtype} on {device}; it must be real numbers (..., "
                "V), with V at least 1",
                shape=tuple(logits.shape),
                dtype=logits.dtype,
                device=logits.device,
            )
        )
    if not logits.amax(-1).isfinite().all():
        raise ValueError(
            sentence(
                "logits has a row with nan or inf, or with -inf alone: it says nothing of which token "
                "comes next; look for nan among the model's weights"
            )
        )
    return _probabilities(logits, *_checked_options(temperature, top_k, top_p))


def _probabilities(
    logits: torch.Tensor, temperature: float, top_k: int | None, top_p: float | None
) -> torch.Tensor:
    logits = logits.float()
    if temperature < MIN_TEMPERATURE:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(-1, keepdim=True), 1.0)
    if temperature != 1:  # without the largest taken off first, one near 0 would overflow
        logits = (logits - logits.amax(-1, keepdim=True)) / temperature
    V = logits.size(-1)
    if (top_k is None or top_k >= V) and (top_p is None or top_p == 1):
        return logits.softmax(-1)
    kept, ids = logits.topk(min(top_k or V, V))  # (..., k), likeliest first
    p = kept.softmax(-1)
    if top_p is not None and top_p < 1:
        before = p.cumsum(-1) - p  # what the likelier tokens already hold
        beyond = before >= top_p
        beyond[..., 0] = False  # the likeliest stays, even if float32 rounds top_p to 0
        p = p.masked_fill(beyond, 0.0)
    return torch.zeros_like(logits).scatter(-1, ids, p / p.sum(-1, keepdim=True))


def generate(model: GPT, tokens: torch.Tensor, max_new_tokens: int, **options) -> torch.Tensor:
    """The prompt (B, T) and the model's continuation, (B, T + new), on the prompt's device.

    It is computed where the model is, wherever the prompt is. ``options``: ``temperature``, ``top_k``,
    ``top_p``, ``stop``, ``seed``, ``use_cache``, ``cuda_graph`` and ``suppress_tokens``, as in
    ``stream``, which gives the same tokens one step after the other.

    Raises ``ValueError`` for bad input.
    """
    _check_request(model, tokens)
    prompt = to_model_device(
        "tokens", tokens, model
    )  # so that no step waits until its tokens are back
    new = [drawn[:, None] for drawn in stream(model, prompt, max_new_tokens, **options)]
    return torch.cat([prompt, *new], dim=1).to(tokens.device)


def stream(
    model: GPT,
    tokens: torch.Tensor,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | Sequence[int] | None = None,
    seed: int | None = None,
    use_cache: bool = True,
    cuda_graph: bool = False,
    suppress_tokens: Sequence[int] | None = None,
) -> Iterator[torch.Tensor]:
    """Go on with the prompt (B, T): gives each step's new tokens, (B,), as soon as they are drawn.

    They are on the prompt's device: beside a model on a GPU, a prompt there spares each step a wait.
    Each step is computed in evaluation mode; between steps the model has the mode that it came
    with, so several streams, or training, can take turns.

    ``temperature``, ``top_k``, ``top_p``: see ``next_token_probabilities``. ``stop``: one id or
    several; a row that drew one repeats it from then on, and when every row has, no more is
    drawn. ``seed``: the same seed, prompts and model draw the same tokens; without one PyTorch's
    own random state is used. All rows share one generator, so a row's tokens depend on the rows
    beside it. ``use_cache=False`` computes the whole context at every step: slower, but in
    float32 the same tokens. In 16 bits the two round differently and may draw others. With it, a
    CPU keeps a second copy of the matrices while several rows are drawn.
    ``cuda_graph``: with a cache, record a step once and replay it, so that a GPU need not wait for
    Python. Recording takes a while, so it is for many tokens; on a CPU nothing is recorded, and
    the same tokens come more slowly. ``suppress_tokens``: ids that are never drawn (`tokens.unused_ids`).

    The model sees at most its last ``block_size`` tokens. Once the text is longer, that window
    slides: every token changes its position, so nothing can be kept and each step computes the
    whole window.

    Raises ``ValueError`` for bad input, and at the first token for a model whose weights are nan.
    """
    temperature, top_k, top_p = _checked_options(temperature, top_k, top_p)
    _check_request(model, tokens)
    max_new_tokens = whole("max_new_tokens", max_new_tokens)
    yes_or_no("use_cache", use_cache)
    yes_or_no("cuda_graph", cuda_graph)
    asked, tokens = tokens.device, to_model_device("tokens", tokens, model)
    check_ids("tokens", tokens, model.config.vocab_size)
    stops = _ids("stop", stop, model)
    generator = _generator(seed, tokens.device)

    def draw(logits: torch.Tensor) -> torch.Tensor:  # (B, V) to (B,)
        if temperature < MIN_TEMPERATURE:
            return logits.max(-1).indices  # as argmax, in two thirds of the time
        p = _probabilities(logits, temperature, top_k, top_p)
        # The same as p.multinomial(1), which first asks again whether p are probabilities.
        return p.div_(_exponential(p, generator)).max(-1).indices

    capacity = min(tokens.size(1) + max_new_tokens, model.config.block_size)
    read = _suppressed(_NextLogits(model, capacity, use_cache, cuda_graph), model, suppress_tokens)
    steps = _steps(model, tokens, max_new_tokens, draw, read)
    if len(stops):
        steps = _until_stopped(steps, tokens[:, -1], stops)
    return (new.to(asked) for new in steps)


def _exponential(like: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    """As many numbers from the exponential distribution, float32.

    A CPU's ``exponential_`` takes the logarithms one by one. The same of many at once are the same
    numbers, in a third of the time: a uniform u in 64 bits becomes -log(1 - u).
    """
    if like.device.type != "cpu":
        return torch.empty_like(like).exponential_(generator=generator)
    u = torch.rand(like.shape, dtype=torch.float64, generator=generator)
    return u.neg_().log1p_().neg_().float()


def _suppressed(
    read: Callable[[torch.Tensor], torch.Tensor], model: GPT, ids: Sequence[int] | None
) -> Callable[[torch.Tensor], torch.Tensor]:
    """``read``, with logits of -inf for these ids."""
    ids = _ids("suppress_tokens", ids, model)
    if not len(ids):
        return read
    if len(ids.unique()) == model.config.vocab_size:
        raise ValueError(
            sentence("suppress_tokens has every id of this model's vocabulary: leave some")
        )
    return lambda text: read(text).index_fill(-1, ids, float("-inf"))


def _steps(
    model: GPT,
    tokens: torch.Tensor,
    max_new_tokens: int,
    draw: Callable[[torch.Tensor], torch.Tensor],
    read: Callable[[torch.Tensor], torch.Tensor],
) -> Iterator[torch.Tensor]:
    B, T = tokens.shape
    end, last = T, T + max_new_tokens
    text = tokens
    while end < last:
        if end == text.size(1):  # room for more: twice as much, but never more than is asked for
            room = min(last - end, max(end, _ROOM))
            text = torch.cat([text, text.new_zeros(B, room)], dim=1)
        with torch.inference_mode():
            logits = read(text[:, :end])
            if end == T:
                check_numbers(model, logits)
            text[:, end] = draw(logits)
        end += 1
        yield text[:, end - 1].clone()


class _NextLogits:
    """A function from text (B, T), a token longer at each call, to the logits (B, V) after it."""

    def __init__(self, model: GPT, capacity: int, use_cache: bool, cuda_graph: bool):
        self._model, self._capacity = model, capacity
        self._use_cache, self._cuda_graph = use_cache, cuda_graph
        self._cache = self._decode = None

    def __call__(self, text: torch.Tensor) -> torch.Tensor:
        block_size = self._model.config.block_size
        if text.size(1) > block_size:  # the window slides, and every position with it
            self._use_cache, self._cache, self._decode = False, None, None
        if self._decode is not None:
            return self._decode(text[:, -1])
        if not self._use_cache:
            return self._logits(text[:, -block_size:])
        if self._cache is None:
            with _eval_mode(self._model):
                logits, self._cache = read_prompt(
                    self._model, text, self._capacity, self._cuda_graph
                )
            return logits
        if is_unmodified(self._model):
            self._decode = decoder(self._model, self._cache, text[:, -1], self._cuda_graph)
            return self._decode(text[:, -1])
        if isinstance(self._cache, InputCache):  # which the model itself can't read
            self._use_cache, self._cache = False, None
            return self._logits(text)
        return self._logits(text[:, self._cache.length :])

    def _logits(self, tokens: torch.Tensor) -> torch.Tensor:
        with _eval_mode(self._model):  # only the last position is asked
            return self._model.unembed(self._model.hidden(tokens, self._cache)[:, -1])


@contextmanager
def _eval_mode(model: GPT) -> Iterator[None]:
    """Inside it nothing is dropped, for dropout belongs to training; then the mode comes back."""
    was_training = model.training
    if was_training:  # switching walks through every module, which each step would pay for
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()


def _until_stopped(
    steps: Iterator[torch.Tensor], last: torch.Tensor, stops: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Rows that drew a stop repeat it; ends when all have. ``last``: the prompts' last tokens."""
    stopped = torch.zeros_like(last, dtype=torch.bool)  # a stop at the prompt's end is no stop
    for new in steps:
        last = torch.where(stopped, last, new)
        yield last
        stopped = stopped | torch.isin(last, stops)
        if stopped.all():
            return


def _checked_options(temperature, top_k, top_p) -> tuple[float, int | None, float | None]:
    temperature = finite("temperature", temperature, -math.inf)
    if temperature < 0:
        raise ValueError(
            sentence(
                "temperature={temperature} must be 0 (always the likeliest) or above",
                temperature=temperature,
            )
        )
    top_k = whole("top_k", top_k, 1, or_none="None to keep every token")
    top_p = finite("top_p", top_p, -math.inf, or_none="None to keep every token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(sentence("top_p={top_p} must be above 0 and at most 1", top_p=top_p))
    return temperature, top_k, top_p


def _check_request(model: GPT, tokens: torch.Tensor) -> None:
    check_model(model)
    check_batch("tokens", tokens)


def _ids(name: str, given, model: GPT) -> torch.Tensor:
    """One id, several or None as a tensor, 1-D int64, where the model is."""
    if given is None:
        given = []
    several = isinstance(given, Iterable) and not isinstance(given, str) and plain(given) is given
    try:
        ids = [whole(name, each, -(2**63), 2**63) for each in (given if several else [given])]
    except ValueError:
        raise ValueError(
            sentence(
                "{name}={given} must be an id, several ids, or None: whole numbers, such as "
                "encoding.eot_token",
                name=name,
                given=shown(given),
            )
        ) from None
    tensor = torch.tensor(ids, dtype=torch.int64)
    if len(tensor):
        check_ids(name, tensor, model.config.vocab_size)
    return tensor.to(next(model.parameters()).device)


def _generator(seed, device: torch.device) -> torch.Generator | None:
    seed = whole("seed", seed, -(2**63), 2**64, or_none="None to draw anew each time")
    return None if seed is None else torch.Generator(device).manual_seed(seed)
