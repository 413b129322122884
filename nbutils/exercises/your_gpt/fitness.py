"""Whether a right answer is fit for a network: its gradient, its speed, and where it computes.

It is tried with inputs of the size that training has, against the course's own function in float64. What
was rounded on the way is no difference: errors count beside the whole tensor's size, not number by number.
"""

import inspect
import re
import time
from collections.abc import Callable, Iterator

import torch

from nbutils.device import Chip, out_of_memory, pick, synchronize
from nbutils.exercises.compare import as_tensor, difference
from nbutils.exercises.exercise import exercise
from nbutils.exercises.guard import Outcome, Stopped, outcome
from nbutils.exercises.world import as_it_came
from nbutils.words import sentence

ON_THE_CPU = frozenset({"mean_loss", "with_temperature", "keep_top_p"})
"""Those that get tensors, and get them on the CPU wherever the network is."""

ROUNDED = 1e-4  # what float32 may lose, as a share of a tensor's length
ROUNDED_BACK = 1e-3  # and on the way back
TOO_SLOW = 20  # times the course's own function; a run of two minutes would take most of an hour
LEAST = 0.05  # seconds that any function may take
TRIES = 3  # before a function is called slow: the machine may have paused


def unfit(name: str, function: Callable, device: str | torch.device = "auto") -> str:
    """Why this right answer can't be used in a network that trains on that device; "" if it can.

    Tried with inputs of the size that training has, against the course's own function: on the CPU,
    then on the chip. Raises ``ValueError`` if there is no such device here.
    """
    if name not in TRAINING_INPUTS:
        return ""
    chip = pick(device)
    with as_it_came():
        args = TRAINING_INPUTS[name](torch.Generator().manual_seed(0))
        why = _problem_on_the_cpu(name, function, args)
        if why or chip.device.type == "cpu" or name in ON_THE_CPU:
            return why
        return _problem_on_the_gpu(chip, name, function, args)


def _problem_on_the_cpu(name: str, function: Callable, args: tuple) -> str:
    start = time.perf_counter()
    outcome(exercise(name).answer, args)
    got = _time_limited(function, args, time.perf_counter() - start)
    if isinstance(got.error, Stopped):
        return sentence(
            "with a whole batch it is more than {times} times as slow as the course's",
            times=TOO_SLOW,
        )
    if "leaf Variable" in str(got.error):
        return sentence(
            "it changes a tensor that it was given, which the network needs again (make a new one)"
        )
    if got.error is not None:
        message = str(got.error).rstrip(".")
        return sentence(
            "with a whole batch it raises {error}: {message}", error=got.kind, message=message
        )
    expected = outcome(exercise(name).answer, _in_float64(args)).value
    if found := _value_problem(got.value, expected):
        return sentence("with a whole batch {difference}", difference=found)
    return _gradient_problem(name, function, args) or _type_problem(got.value, expected)


def _in_float64(value):
    """All floats of a value in float64."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.detach().double().requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_in_float64, value))
    return value


def _value_problem(got, expected) -> str:
    """How a result differs from that in float64 by more than was rounded; "" if it doesn't."""
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        if len(got) != len(expected):
            return difference(got, expected)
        return next(filter(None, map(_value_problem, got, expected)), "")
    tensor = as_tensor(got)
    if tensor is None or not isinstance(expected, torch.Tensor) or not expected.is_floating_point():
        return difference(got, expected)
    infinite = expected.isinf()
    if tensor.shape != expected.shape or not tensor.isinf().equal(infinite) or tensor.isnan().any():
        return difference(got, expected)
    off = _beside(tensor.detach()[~infinite], expected[~infinite])
    return difference(got, expected) if off > ROUNDED else ""


def _beside(mine: torch.Tensor, right: torch.Tensor) -> float:
    """The length of the difference, as a share of the right one's length."""
    length = right.double().norm().item()
    off = (mine.double() - right.double()).norm().item()
    return off / length if length else off


def _problem_on_the_gpu(chip: Chip, name: str, function: Callable, args: tuple) -> str:
    """With the inputs on a GPU; the function is right on the CPU, and there the course's is its measure."""
    course, remedy = exercise(name).answer, f"device={_first_input(name, args)}.device"
    try:
        args = move(args, chip.device)
        course(*args)  # the first call also loads the GPU's programs
        synchronize(chip)
    except Exception as error:
        if out_of_memory(error):  # a card that others have filled says nothing of the function
            return ""
        raise
    start = time.perf_counter()
    expected = course(*args)
    synchronize(chip)
    got = _time_limited(function, args, time.perf_counter() - start)
    if isinstance(got.error, Stopped):
        return sentence(
            "on the GPU it is more than {times} times as slow as the course's", times=TOO_SLOW
        )
    if got.error is not None:
        return _error_on_the_gpu(got, remedy)
    # Here only a gross difference counts: a GPU may add up in another order, and in a shorter format.
    found = difference(got.value, move(expected, torch.device("cpu")), torch.float16)
    if found:
        return sentence("on the GPU {difference}", difference=found)
    places = [
        (getattr(mine, "device", None), right.device) for mine, right in _pairs(got.value, expected)
    ]
    if any(mine != right for mine, right in places):
        return sentence(
            "on the GPU its result is on the CPU (make new tensors with {remedy})", remedy=remedy
        )
    return ""


def _time_limited(function: Callable, args: tuple, usual: float) -> Outcome:
    """What it gives within `TOO_SLOW` times the usual seconds, at the best of `TRIES`."""
    for _ in range(TRIES):
        got = outcome(function, args, max(LEAST, TOO_SLOW * usual))
        if not isinstance(got.error, Stopped):
            break
    return got


def _error_on_the_gpu(got: Outcome, remedy: str) -> str:
    """What an error on a GPU means for a function that is right on the CPU, and what to do."""
    message = str(got.error).strip().split("\n")[0].rstrip(".")
    if re.search(r"same device|on cpu|Placeholder storage", message):  # the last one: a Mac's
        return sentence(
            "on the GPU it meets a tensor that it made on the CPU (make it with {remedy})",
            remedy=remedy,
        )
    if "to numpy" in message:
        return sentence(
            "on the GPU it calls NumPy, which knows the CPU alone (PyTorch has the same functions)"
        )
    if "float64" in message and "MPS" in message:
        return sentence("a Mac's GPU has no float64 (compute in float32)")
    return sentence("on the GPU it raises {error}: {message}", error=got.kind, message=message)


def _gradient_problem(name: str, function: Callable, args: tuple) -> str:
    places = [i for i, x in enumerate(args) if _has_gradient(x)]
    gradients = _gradients(function, args)
    if gradients is None:
        return sentence(
            "it gives no gradient (detach, no_grad, numpy, item() or tolist() cut it off)"
        )
    expected = _gradients(exercise(name).answer, _in_float64(args))
    for i, mine, right in zip(places, gradients, expected, strict=True):
        if not right.any():
            continue
        if mine is None or not mine.any():
            return sentence(
                "it gives no gradient for {argument}, so training can't change that (detach, .data, no_grad, or a "
                "layer with parameters of its own cut it off)",
                argument=_names(name)[i],
            )
        if not mine.isfinite().all() or _beside(mine, right) > ROUNDED_BACK:
            return sentence(
                "its gradient for {argument} is not the derivative of what it computes",
                argument=_names(name)[i],
            )
    return ""


def _names(name: str) -> list[str]:
    """Of the arguments, as the exercise calls them."""
    return list(inspect.signature(exercise(name).answer).parameters)


def _type_problem(got, expected) -> str:
    """`check` takes a list or an array for a tensor; what comes next in a network can't."""
    forms = [type(mine) for mine, right in _pairs(got, expected) if right.dim()]
    if all(issubclass(form, torch.Tensor) for form in forms):
        return ""
    return sentence(
        "it gives a list or an array, and a network needs a tensor (torch.tensor makes one of it)"
    )


def _pairs(got, expected) -> Iterator[tuple]:
    """Each tensor that is expected, and what was given for it."""
    if isinstance(expected, torch.Tensor):
        yield got, expected
    elif isinstance(expected, (list, tuple)):
        for mine, right in zip(got, expected, strict=True):
            yield from _pairs(mine, right)


def move(value, device: torch.device):
    """All tensors of a value on that device."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(device).requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(move(one, device) for one in value)
    return value


def _first_input(name: str, args: tuple) -> str:
    """The course's word for the first input: a tensor, or a list of them."""
    first = _names(name)[0]
    return f"{first}[0]" if isinstance(args[0], list) else first


def _gradients(function: Callable, args: tuple) -> list[torch.Tensor | None] | None:
    """Gradients of a sum over what the function gives, for those args that training changes, each in
    its dtype; None if it gives none."""
    args = [x.detach().clone().requires_grad_() if _has_gradient(x) else x for x in args]
    weights = [x for x in args if _has_gradient(x)]
    if not weights:
        return []
    out = function(*args)
    if not isinstance(out, torch.Tensor) or not out.requires_grad:
        return None
    # another one for each number
    share = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    found = torch.autograd.grad((out * share).sum(), weights, allow_unused=True)
    return list(found)


def _has_gradient(x) -> bool:
    return isinstance(x, torch.Tensor) and x.requires_grad


def _normal_inputs(x: tuple[int, ...], *weights: tuple[int, ...]) -> Callable:
    """Inputs of these shapes, whose gradients training asks for. Matrices of weights are as small as they
    are in a network: else sums grow so large that the order in which they are added shows."""

    def drawn(rng: torch.Generator) -> tuple[torch.Tensor, ...]:
        small = [torch.randn(s, generator=rng) / (s[-1] ** 0.5 if s[1:] else 1) for s in weights]
        return tuple(one.requires_grad_() for one in (torch.randn(x, generator=rng), *small))

    return drawn


def _ids(rng: torch.Generator, *shape: int, V: int = 1000) -> torch.Tensor:
    return torch.randint(V, shape, generator=rng)


_B, _T, _C, _V = 4, 80, 128, 1000
_ADAMW = (1, 1e-3, 0.9, 0.98, 1e-8, 0.1)  # step, rate, betas, eps, decay
TRAINING_INPUTS: dict[str, Callable[[torch.Generator], tuple]] = {
    "windows_at": lambda rng: (_ids(rng, 100_000), _ids(rng, 16, V=90_000), _T),
    "embed": lambda rng: (_ids(rng, _B, _T), *_normal_inputs((_V, _C), (_T, _C))(rng)),
    "layer_norm": _normal_inputs((_B, _T, _C), (_C,), (_C,)),
    "linear": lambda rng: (*_normal_inputs((_B, _T, _C), (_V, _C))(rng), None),
    "multi_head_attention": lambda rng: (
        *_normal_inputs((_B, _T, _C), (3 * _C, _C), (_C, _C))(rng),
        4,
    ),
    "mlp": _normal_inputs((_B, _T, _C), (4 * _C, _C), (4 * _C,), (_C, 4 * _C), (_C,)),
    "transformer_block": lambda rng: (*_normal_inputs((_B, _T, _C))(rng), *[torch.tanh] * 4),
    "cross_entropy_loss": lambda rng: (*_normal_inputs((_B * _T, _V))(rng), _ids(rng, _B * _T)),
    "adamw_step": lambda rng: (
        *(torch.rand(4 * _C, _C, generator=rng) for _ in range(4)),
        *_ADAMW,
    ),
    "clip_gradients": lambda rng: ([torch.randn(4 * _C, _C, generator=rng)], 1.0),
    "mean_loss": lambda rng: ([(torch.rand(64, _T, generator=rng), _ids(rng, 64, _T))],),
    "with_temperature": lambda rng: (torch.randn(_V, generator=rng), 0.8),
    "keep_top_p": lambda rng: (torch.randn(_V, generator=rng).softmax(0), 0.9),
}
"""What each of these functions gets in `YourGPT`, `train` and `write`: its arguments, by chance."""
