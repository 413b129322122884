"""The learner's world around a check: it changes no verdict, and no check changes it.

Inside `as_it_came` PyTorch computes with gradients, in float32 and nothing shorter, on the CPU, with its own
functions, and a warning is no error; afterwards everything is as the learner had it, the random states too.
"""

import contextlib
import math
import random
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import torch

from nbutils.device import cpu_by_default

_OWNERS = (torch, torch.nn, torch.nn.functional, torch.linalg, torch.Tensor, torch.autograd, math)
_ORIGINALS = {owner: dict(vars(owner)) for owner in _OWNERS}
"""What belongs to PyTorch when the exercises are imported, by module or class."""


@contextlib.contextmanager
def as_it_came() -> Iterator[None]:
    """The world of a check. What the learner's code has changed in here is put back at the end."""
    replaced = _put_back()
    with contextlib.ExitStack() as after:
        after.callback(_replace, replaced)
        after.callback(_put_back)
        after.callback(_restored_states())
        after.enter_context(warnings.catch_warnings())
        for i, (action, *rest) in enumerate(warnings.filters):
            if action == "error":
                warnings.filters[i] = ("default", *rest)
        warnings._filters_mutated()
        np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
        torch.set_float32_matmul_precision("highest")
        if torch.are_deterministic_algorithms_enabled():  # a second of imports elsewhere
            torch.use_deterministic_algorithms(False)
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        if torch.is_inference_mode_enabled():
            after.enter_context(torch.inference_mode(False))
        after.enter_context(torch.autocast("cpu", enabled=False))
        after.enter_context(cpu_by_default())
        yield


def _put_back() -> dict:
    """PyTorch's own functions, where they were replaced. Returns those that stood in their place."""
    replaced = {}
    for owner, originals in _ORIGINALS.items():
        now = vars(owner)
        for name, value in originals.items():
            if now.get(name) is not value:
                replaced[owner, name] = now.get(name)
                setattr(owner, name, value)
    return replaced


def _replace(replaced: dict) -> None:
    for (owner, name), value in replaced.items():
        setattr(owner, name, value)


def _restored_states():
    """A function that makes states of the interpreter and of PyTorch what they are now."""
    filters, stdout, stderr = list(warnings.filters), sys.stdout, sys.stderr
    recursion, default, threads = (
        sys.getrecursionlimit(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
    )
    gradients, device = torch.is_grad_enabled(), torch.get_default_device()
    states = torch.default_generator.get_state(), np.random.get_state(), random.getstate()
    errors, precision = np.geterr(), torch.get_float32_matmul_precision()
    deterministic = torch.get_deterministic_debug_mode()

    def restore() -> None:
        sys.stdout, sys.stderr = stdout, stderr
        warnings.filters[:] = filters
        sys.setrecursionlimit(recursion)
        torch.set_default_dtype(default)
        torch.set_grad_enabled(gradients)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.default_generator.set_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        np.seterr(**errors)
        torch.set_float32_matmul_precision(precision)
        if torch.get_deterministic_debug_mode() != deterministic:
            torch.set_deterministic_debug_mode(deterministic)

    return restore
