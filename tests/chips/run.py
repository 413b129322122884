"""Runs GPU code on a pretend chip, one of specs.json.

``run.py T4 package notebooks/02_io.ipynb``: the checks of package.py and students.py with the mistakes of
mistakes.py, and notebooks from top to bottom; long trainings are cut to a few updates. For each what went wrong; {}
if nothing.
``run.py T4 memory notebooks/06_faster.ipynb``: by shapes alone, the most bytes that its cells put on the chip, and
what stopped one.
``run.py T4 program FILE ARGUMENTS`` (or ``program -m MODULE ARGUMENTS``): any Python program.

The last line of the first two is JSON, by what was asked; the exit status is 0 whatever was found.
"""

import gc
import json
import os
import runpy
import sys
import traceback

import pretend


def package(chip, name: str) -> dict[str, str]:
    """The checks that fail, and the mistakes that nothing caught."""
    import mistakes
    import package
    import students

    found = {}
    for check, chips in (package.CHECKS | students.CHECKS).items():
        if name in chips:
            chip.forget()
            try:
                check(chip)
            except Exception:
                found[check.__name__] = traceback.format_exc(limit=-3)
    return found | dict.fromkeys(mistakes.slipped_through(chip, name), "planted, and not caught")


def program(file: str, *arguments: str) -> None:
    if file == "-m":
        file, *arguments = arguments
        sys.argv = [file, *arguments]
        runpy.run_module(file, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [file, *arguments]
        sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
        runpy.run_path(file, run_name="__main__")


def main() -> None:
    name, what, *rest = sys.argv[1:]
    if name not in pretend.CHIPS:
        sys.exit(f"chip {name!r} is none of {', '.join(pretend.CHIPS)}")
    spec = pretend.CHIPS[name]
    Pretend = pretend.load(spec)
    with Pretend(spec, hollow=what == "memory") as chip:
        if what == "program":
            program(*rest)
            return
        import cells

        gc.freeze()  # what was imported is no garbage: looking for some takes a tenth of the time
        if what == "memory":
            found = {path: cells.memory(chip, path) for path in rest}
        else:
            found = {
                one: package(chip, name) if one == "package" else cells.run(chip, one)
                for one in (what, *rest)
            }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
