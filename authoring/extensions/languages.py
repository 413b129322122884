"""The book in several languages: each page says where it stands in the others, and keeps the reader's place.

English stands at the top, another language in a folder of its name, with the same pages and the same sections: a
heading has the anchors of the English one, so that links, what is remembered and the switch hold in all of them.
"""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage, languages
from sphinx.util import nodes as of_sphinx

from authoring import catalogues
from authoring.extensions.doors import repository
from authoring.extensions.finding import base
from authoring.headings import of_english, term
from authoring.translations import LANGUAGES, finished
from nbutils.words import table

AREA = "book/languages"
EVERY = ("en", *LANGUAGES)
HANGUL = re.compile(r"[가-힣]+")
make_id, make_term_id = nodes.make_id, of_sphinx._make_id


class Korean(SearchLanguage):
    """Words are found inside longer ones: 토큰 in 토큰은. Both sides are cut into pieces of two letters."""

    lang = "ko"
    language_name = "Korean"
    js_stemmer_code = "var Stemmer = function () { this.stemWord = (word) => word; };"
    js_splitter_code = r"""
function splitQuery(query) {
  const found = [];
  for (const word of query.toLowerCase().split(/[^\p{Letter}\p{Number}_]+/u).filter(Boolean)) {
    for (const part of word.match(/[\uac00-\ud7a3]+|[^\uac00-\ud7a3]+/g)) {
      if (!/[\uac00-\ud7a3]/.test(part) || part.length < 2) found.push(part);
      else for (let i = 0; i + 1 < part.length; i++) found.push(part.slice(i, i + 2));
    }
  }
  return found;
}"""
    stopwords = frozenset()

    def split(self, input: str) -> list[str]:
        return [piece for word in super().split(input) for piece in pieces(word)]

    def stem(self, word: str) -> str:
        return word.lower()

    def word_filter(self, word: str) -> bool:
        return True


def pieces(word: str) -> list[str]:
    """A word's parts: each two neighbouring Hangul letters, and what is no Hangul whole."""
    found, last = [], 0
    for part in HANGUL.finditer(word):
        found += [word[last : part.start()]] * (last < part.start())
        letters = part[0]
        found += [letters[i : i + 2] for i in range(max(1, len(letters) - 1))]
        last = part.end()
    return found + [word[last:]] * (last < len(word))


def settle(app: Sphinx, config) -> None:
    """In another language headings and terms have English anchors, and the search knows its words."""
    if config.language == "en":
        return
    languages.update({Korean.lang: Korean})
    config.myst_heading_slug_func = "authoring.headings.slug"
    nodes.make_id = lambda string: make_id(of_english(string))
    of_sphinx._make_id = lambda string: make_term_id(term(string))


def address_of(language: str, here: str, page: str, to_top: str) -> str:
    """Where a page stands in a language. to_top: from this page to the top of this language's book."""
    top = to_top if here == "en" else f"{to_top}../"
    return f"{top}{'' if language == 'en' else language + '/'}{page}.html"


def tell(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Give a page its switch, and tell those who look from outside of the others."""
    here, to_top = app.config.language, context.get("content_root", "./")
    context["languages"] = table(AREA, here)["languages"]
    context["editions"] = [
        (code, table(AREA, code)["own"], address_of(code, here, pagename, to_top), code == here)
        for code in EVERY
    ]
    if doctree is None or pagename not in app.env.found_docs:
        return
    top = base(Path(app.srcdir)).removesuffix("" if here == "en" else f"{here}/")
    others = "".join(
        f'\n<link rel="alternate" hreflang="{code}" href="{escape(address_of(shown, "en", pagename, top))}"/>'
        for code, shown in [*zip(EVERY, EVERY), ("x-default", "en")]
    )
    context["metatags"] += others
    if here != "en" and pagename not in finished(here):
        told = escape(table(AREA, here)["waits"])
        context["body"] = (
            f'<p class="waits" role="note">{told}</p><div lang="en">{context["body"]}</div>'
        )


def edit(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Who corrects a translated page corrects its catalogue."""
    if app.config.language == "en" or pagename not in app.env.found_docs:
        return
    url, branch = repository(app)
    file = catalogues.path(app.config.language, pagename).relative_to(catalogues.ROOT.parent)
    context["edit_page_provider_name"] = "GitHub"
    # The theme's template must name file_name: in a comment of it here.
    context["edit_page_url_template"] = f"{url}/edit/{branch}/{file.as_posix()}{{# file_name #}}"


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", settle)
    app.connect("html-page-context", edit, priority=400)  # before the theme reads it
    app.connect("html-page-context", tell, priority=700)  # after the page has its description
    return {"parallel_read_safe": True, "parallel_write_safe": True}
