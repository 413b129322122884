"""The moving pictures under test: how each is made, moved and checked.

A picture has a module of its own here with a list ``PICTURES`` of `Moving`: its page, an example,
how its controls are moved, which numbers it shows, and input that it must answer with a sentence.
"""

import importlib
import pkgutil

from moving.hands import Moving


def all_pictures() -> list[Moving]:
    """Every picture of every module, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"moving.{name}") for name in names if name != "hands"]
    return [picture for module in modules for picture in module.PICTURES]
