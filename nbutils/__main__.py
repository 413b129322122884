"""``python -m nbutils``: what `nbutils.cli` does, as a program."""

import sys

from nbutils.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # on Windows a pipe may lack signs such as the doctor's
        stream.reconfigure(errors="replace")
    sys.exit(main())
