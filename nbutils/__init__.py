"""The code behind the Next Token course: text becomes tokens, tokens become a GPT that talks.

The modules are the stations of the flow. Each is loaded when it is first used, so that
``import nbutils`` is quick and needs neither PyTorch nor matplotlib. ``nbutils.language("ko")``
chooses what pictures and panels speak.
"""

import importlib
import os

# PyTorch's threads wait for each other in busy loops, about 300,000 turns long. On a machine that
# does anything else as well, training then takes up to a hundred times as long. Without any turns
# the waiting itself costs a third of a small model's time. In between a price is paid on either side
# (`python bench/threads.py`): on two virtual Intel cores an update took 13.7 ms with 500 turns, 9.7 with
# 2,000, 7.3 with 20,000; beside a second program like it 19, 25 and 82.
# PyTorch reads this when it is loaded, so import nbutils first.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}
if not WAITING.keys() & os.environ.keys():
    os.environ.update(WAITING)

__version__ = "0.1.0"

_MODULES = (
    "words",
    "arguments",
    "shadowing",
    "config",
    "files",
    "device",
    "attention",
    "elementwise",
    "kernels",
    "bpe",
    "tiktoken_tables",
    "tokens",
    "vocabularies",
    "smallworld",
    "text_files",
    "text",
    "windows",
    "packing",
    "ids",
    "hub",
    "network_file",
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
    "page_training",
    "ladder",
    "chips",
    "doctor",
    "figures",
    "exercises",
    "cli",
)
__all__ = list(_MODULES)


def __getattr__(name):
    if name == "language":
        return importlib.import_module("nbutils.words").language
    if name in _MODULES:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except Exception as error:
            from nbutils.shadowing import explain_to_import

            if why := explain_to_import(error):
                raise ImportError(why) from error
            raise
    sentence = importlib.import_module("nbutils.words").sentence
    raise AttributeError(
        sentence(
            "nbutils has no module {name}; it has {names}",
            name=repr(name),
            names=", ".join(_MODULES),
        )
    )


def __dir__():
    return sorted({*_MODULES, "language", "__version__"})
