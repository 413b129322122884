"""A GPT from a shell: ``python -m nbutils pack`` a corpus, ``... train`` on it, ``... sample``.

And for a teacher: ``... grade``; for whom something fails: ``... doctor``. Each command is a file here,
with its options and its ``main``. It loads what it computes with after its options are read: ``--help``
answers at once. Most of that is ``nbutils.name``, which loads a module when it is first used.
"""

import importlib
import os
import sys
import warnings

from nbutils.words import sentence

COMMANDS = ("pack", "train", "sample", "grade", "doctor")
_USAGE = """\
usage: python -m nbutils COMMAND [OPTIONS]

  pack      encode a corpus, however large, into token files to train on
  train     train a GPT on a text or a packed corpus and keep it in a folder
  sample    let a trained GPT go on with a prompt
  grade     judge the exercises in a folder of submitted notebooks
  doctor    say what this machine has and lacks for the course

`python -m nbutils COMMAND --help` lists the command's options.
"""


def main(arguments=None) -> int:
    """Run one command, by the words after ``python -m nbutils``; gives the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(sentence(_USAGE), end="")
        return 0
    name, *options = arguments
    if name not in COMMANDS:
        print(
            sentence(
                "{name} is no command; there are {names}",
                name=repr(name),
                names=", ".join(COMMANDS),
            ),
            file=sys.stderr,
        )
        return 2
    try:
        # Its file alone: the doctor's needs no package, and what others need may be missing.
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return importlib.import_module(f"nbutils.cli.{name}").main(options) or 0
    except (ValueError, OSError, RuntimeError) as error:
        print(_who() + sentence("error: {error}", error=error), file=sys.stderr)
        return 1
    except Exception as error:  # such as an AttributeError of a file that is taken for a package
        from nbutils.shadowing import explain

        if not (why := explain() or (str(error) if isinstance(error, ImportError) else "")):
            raise
        print(_who() + sentence("error: {error}", error=why), file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(_who() + (str(stop) or sentence("stopped")), file=sys.stderr)
        return 130


def _show_warning(message, *where) -> None:
    """In a sentence: whoever gives a command has no use for the line of the package's code."""
    print(_who() + sentence("note: {message}", message=message), file=sys.stderr)


def _who() -> str:
    """Which process speaks, where torchrun started several."""
    return sentence("process {rank}: ", rank=os.environ["RANK"]) if "RANK" in os.environ else ""
