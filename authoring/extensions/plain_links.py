"""Addresses with an ampersand, as they were written.

MyST escapes an address that it reads, and docutils escapes it again where it writes it: a browser then
reads ``&amp;t=467s``, and the lecture begins at its start instead of at that minute.
"""

from html import unescape

from docutils import nodes
from sphinx.application import Sphinx


def unescape_addresses(app: Sphinx, doctree: nodes.document) -> None:
    """Undo the first of the two."""
    for link in doctree.findall(nodes.reference):
        if "&amp;" in link.get("refuri", ""):
            link["refuri"] = unescape(link["refuri"])


def setup(app: Sphinx) -> dict:
    app.connect("doctree-read", unescape_addresses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
