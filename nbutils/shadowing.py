"""A learner's file that Python takes for a package: ``torch.py`` beside a notebook, ``random.py`` beside a script.

Python looks into the folder of the script, or the one in which it was started, before it looks where it
keeps its own modules and what pip installed; a notebook's kernel does so between the two. This module needs
nothing that could be in the way itself.
"""

import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

ALONE = {
    "antigravity",
    "conftest",
    "examples",
    "idlelib",
    "test",
    "tests",
    "this",
    "turtle",
    "turtledemo",
}
"""Modules of Python's, and names that some packages install by mistake, which no other one needs."""


class Shadow:
    """A file or a folder of the learner's, by the ``name`` of the module in whose place it stands.

    own: that module is Python's own.
    """

    def __init__(self, name, path, own):
        self.name, self.path, self.own = name, path, own
        near = os.path.relpath(path) if path.startswith(os.getcwd() + os.sep) else path
        self.near = os.path.join(os.curdir, near) if near != path else path

    @property
    def says(self):
        """What it is, and what to do, in the reader's language."""
        sentence, folder = _speaker(), os.path.isdir(self.path)
        if self.own:
            return sentence(
                "a folder of yours, {near}, stands in place of Python's own module {name}: rename it"
                if folder
                else "a file of yours, {near}, stands in place of Python's own module {name}: rename it",
                near=self.near,
                name=self.name,
            )
        return sentence(
            "a folder of yours, {near}, stands in place of the package {name}: rename it"
            if folder
            else "a file of yours, {near}, stands in place of the package {name}: rename it",
            near=self.near,
            name=self.name,
        )

    def __str__(self):
        return self.says


def _speaker():
    """What says a sentence; English where the words can't be loaded, since what they need may be in the way."""
    if not os.environ.get("NBUTILS_LANG"):
        return str.format
    try:
        from nbutils.words import sentence
    except Exception:
        return str.format
    return sentence


def find():
    """All of them, as a list; modules that are loaded already, and are the right ones, are none.

    Nor is what somebody put into a folder of PYTHONPATH: that is meant.
    """
    try:
        here = os.getcwd()
    except OSError:  # the folder has been removed
        return []
    meant = {os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    found = {}
    for i, entry in enumerate(sys.path):
        folder = os.path.abspath(entry)
        if folder in meant and folder != here:
            continue
        for name in () if _is_own(folder) else _modules(folder):
            if name not in found and (shadow := _shadow(name, folder, sys.path[i + 1 :])):
                found[name] = shadow
    return sorted(found.values(), key=lambda one: one.name)


def explain():
    """What is in the way, in one sentence; "" if nothing is."""
    return "; ".join(map(str, find()))


def explain_to_import(error):
    """What is in the way of a module, and what to do; "" if nothing is."""
    why, sentence = explain(), _speaker()
    return why and sentence("{why}, and start Python anew ({error})", why=why, error=error)


def set_aside():
    """Take the folders that hold one from where Python looks, for this process; gives what `find` does."""
    shadows = find()
    folders = {os.path.dirname(shadow.path) for shadow in shadows}
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) not in folders]
    return shadows


def _is_own(folder):
    """Whether Python keeps its own modules there, or pip installs into it."""
    library, name = os.path.dirname(os.path.abspath(os.__file__)), os.path.basename(folder)
    return folder.startswith(library) or name.endswith((".zip", "-packages"))


def _modules(folder):
    """The names of what can be imported from a folder."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return []
    return sorted(
        {name for name in (entry.partition(".")[0] for entry in entries) if name.isidentifier()}
    )


def _shadow(name, folder, rest):
    """A `Shadow`, if a module of that name is found there, and another one in the rest."""
    if (
        name in ALONE
        or name == __package__
        or BuiltinImporter.find_spec(name)
        or FrozenImporter.find_spec(name)
    ):
        return None
    mine = PathFinder.find_spec(name, [folder])
    if mine is None or mine.origin is None:  # a folder without __init__.py gives way to the others
        return None
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded and not _same(loaded, mine.origin):
        return None
    own = name in getattr(sys, "stdlib_module_names", ())  # which Python 3.10 brought
    other = PathFinder.find_spec(name, rest)
    if other is None or other.origin is None or _same(other.origin, mine.origin):
        return None
    path = mine.origin
    return Shadow(name, os.path.dirname(path) if mine.submodule_search_locations else path, own)


def _same(one, other):
    return os.path.realpath(one) == os.path.realpath(other)
