"""A notebook's cells, run as Jupyter runs them: by IPython's own shell, which shows nothing."""

import builtins
import getpass
import itertools
import os
import pdb
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from IPython.core import debugger
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

# Magics that don't run the cell's Python here: they are for a shell, another language or a page.
FOREIGN = (
    *("bash", "sh", "script", "shell", "system", "sx", "cmd", "perl", "ruby", "python", "python2"),
    *("python3", "pypy", "html", "HTML", "javascript", "js", "latex", "svg", "SVG", "markdown"),
)
QUIET = ("matplotlib", "pip", "conda", "mamba", "micromamba", "uv", "pylab", "pdb", "debug")
# What wants a running event loop, as a Jupyter kernel has one in every cell.
WANTS_A_LOOP = re.compile(
    r"\b(create_task|ensure_future|get_running_loop|current_task|nest_asyncio)\b"
)
MOST_LINES = 100  # that a notebook may ask for
SETTINGS = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})


class Shell(InteractiveShell):
    """IPython in a process of its own, without a terminal.

    Lines for the system (``!pip install``) do nothing; the magics of `FOREIGN` and `QUIET` don't, either. Who
    asks for input gets an empty line, and a breakpoint is passed by.
    Magics that are not known here, such as Colab's, do nothing in a line, and run a cell as it is.
    ``error``: what stopped the last cell, or None.
    """

    error: BaseException | None = None

    def run(self, text: str) -> None:
        """Run a cell's text; what stops it is in ``error``."""
        self.error = None
        found = self.run_cell(text, store_history=False)
        self.error = self.error or found.error_before_exec or found.error_in_exec

    def should_run_async(self, raw_cell: str, **known) -> bool:
        return bool(WANTS_A_LOOP.search(raw_cell)) or super().should_run_async(raw_cell, **known)

    def showtraceback(self, exc_tuple=None, *_, **__):
        self.error = (exc_tuple or sys.exc_info())[1]

    def showsyntaxerror(self, *_, **__):
        self.error = sys.exc_info()[1]

    def system(self, *_, **__):
        """As if the program had run, and said nothing."""
        self.user_ns["_exit_code"] = 0

    system_piped = system_raw = system

    def getoutput(self, *_, **__):
        return SList([])

    def ask_exit(self) -> None:
        """The cells after it are run all the same."""

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        if magic_name in (*QUIET, *FOREIGN) or not self.knows("line", magic_name):
            return None
        return super().run_line_magic(magic_name, line, _stack_depth=_stack_depth + 1)

    def run_cell_magic(self, magic_name, line, cell):
        if magic_name in FOREIGN:
            return None
        if not self.knows("cell", magic_name):
            self.run_cell(cell, store_history=False)
            return None
        return super().run_cell_magic(magic_name, line, cell)

    def knows(self, kind: str, name: str) -> bool:
        """Whether IPython has this magic for a "line" or a "cell"."""
        manager = self.magics_manager
        return name in manager.magics[kind] or name in getattr(manager, "lazy_magics", {})


def _typed(asked: Iterator[int]) -> Callable:
    """What somebody types who presses Enter alone, and does not do so for ever."""

    def typed(*_, **__) -> str:
        if next(asked) >= MOST_LINES:
            raise EOFError("the grader types nothing")
        return ""

    return typed


def start_shell() -> Shell:
    """The shell of this process, whose notebook is the module ``__main__``."""
    os.environ["IPYTHONDIR"] = str(Path.cwd() / ".ipython")
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    builtins.input = getpass.getpass = _typed(itertools.count())
    sys.breakpointhook = pdb.set_trace = debugger.set_trace = lambda *_, **__: None
    return Shell.instance(user_module=main, user_ns=main.__dict__, config=SETTINGS)
