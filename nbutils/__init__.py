"""The code behind the Next Token course: text becomes tokens, tokens become a GPT that talks.

The modules are the stations of the flow. Each is loaded when it is first used, so that
``import nbutils`` is quick and needs neither PyTorch nor matplotlib.
"""

import importlib
import os


def _turns(cpuinfo: str = "/proc/cpuinfo") -> str:
    """How often a waiting thread asks again before it sleeps: about 25 microseconds' worth.

    A turn is one ``pause`` instruction, which is several times shorter on AMD's processors. With too few turns
    a small network's update takes longer; with too many, a program beside it makes both several times as slow
    (``python bench/threads.py``).
    """
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            amd = "AuthenticAMD" in file.read(4096)
    except OSError:  # not Linux
        amd = False
    return "2000" if amd else "500"


# PyTorch's threads wait for each other in busy loops, about 300,000 turns long. On a machine that
# does anything else as well, training then takes up to a hundred times as long. Without any turns
# the waiting itself costs a third of a small model's time.
# PyTorch reads this when it is loaded, so import nbutils first.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": _turns()}
if not WAITING.keys() & os.environ.keys():
    os.environ.update(WAITING)

__version__ = "0.1.0"

_MODULES = (
    "words",
    "config",
    "files",
    "device",
    "attention",
    "elementwise",
    "kernels",
    "tokens",
    "smallworld",
    "text",
    "windows",
    "packing",
    "ids",
    "hub",
    "model",
    "tiny",
    "trace",
    "planning",
    "parallel",
    "checkpoints",
    "optim",
    "evaluation",
    "advice",
    "compiling",
    "progress",
    "training",
    "kv_cache",
    "decoding",
    "sampling",
    "profiling",
    "recipes",
    "ladder",
    "chips",
    "doctor",
    "figures",
    "exercises",
    "cli",
)
__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"nbutils has no module {name!r}; it has {', '.join(_MODULES)}")


def __dir__():
    return sorted({*_MODULES, "__version__"})
