"""``python -m nbutils``: what `nbutils.cli` does, as a program."""

import codecs
import sys

from nbutils.cli import main

PLAIN = {
    "✓": "+",
    "✗": "x",
    "○": "o",
    "—": "-",
    "–": "-",
    "…": "...",
    "’": "'",
    "→": "->",
    "≈": "~",
}
"""What is printed for a sign that an output lacks, such as a pipe on Windows; for others "?"."""


def _plainly(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return b"".join(map(_plain, lacking)), error.end


def _plain(sign):
    """The bytes for a sign that the output lacks; a part of a path that was no text is as it was given."""
    if "\udc80" <= sign <= "\udcff":  # how Python keeps such a byte (PEP 383)
        return bytes([ord(sign) - 0xDC00])
    return PLAIN.get(sign, "?").encode("ascii")


if __name__ == "__main__":
    codecs.register_error("nbutils.plainly", _plainly)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="nbutils.plainly")
    sys.exit(main())
