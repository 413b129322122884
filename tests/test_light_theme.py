"""Styles and pages without what they have no use for."""

import re

import pytest

from authoring.extensions import light_theme
from authoring.site import HTML, toc_pages

CSS = """@charset "UTF-8";/* .gone { } */:root{--a:1}.on,.off:hover{color:red}.off{x:"}"}
@media print{.off{a:b}.on{c:d}}@media screen{.off{a:b}}@keyframes turn{from{a:b}to{c:d}}
#place:not(.off) a[href=".off"]{e:f}.sd-w\\:1{g:h}.on:is(.off,p) .off{i:j}"""


def test_rules_stay_for_what_can_occur():
    cut = light_theme.cut(CSS, {"on", "place", "sd-w:1"})
    assert cut == (
        '@charset "UTF-8";:root{--a:1}.on{color:red}@media print{.on{c:d}}'
        "@keyframes turn{from{a:b}to{c:d}}"
        '#place:not(.off) a[href=".off"]{e:f}.sd-w\\:1{g:h}'
    )


@pytest.mark.parametrize(
    "class_, kept", [("sd-card", True), ("other sd-card", True), ("card", False)]
)
def test_a_file_stays_where_a_page_has_use_for_it(class_, kept):
    page = (
        '<link rel="stylesheet" href="_static/sphinx-design.min.css?v=1" />\n'
        '<script src="_static/doctools.js"></script>\n'
        f'<script src="searchindex.js"></script>\n<p class="{class_}">'
    )
    left = light_theme.without_unused(page, search=False)
    assert ("sphinx-design" in left) == kept
    assert '<script defer src="_static/doctools.js">' in left and "searchindex" not in left
    assert "searchindex" in light_theme.without_unused(page, search=True)


def test_the_book_s_styles_are_light_and_its_index_is_on_the_page_of_search_alone():
    style = (HTML / "_static" / "styles" / "pydata-sphinx-theme.css").read_text("utf-8")
    assert 50_000 < len(style) < 150_000
    theme = (HTML / "_static" / light_theme.THEME).read_text("utf-8")
    assert not light_theme.MEASURES.search(theme)  # scrollers.js does it
    for page in [*toc_pages(), "search"]:
        html = (HTML / f"{page}.html").read_text("utf-8")
        assert ("searchindex.js" in html) == (page == "search")
        waits = re.findall(r"<script ([^>]*)src=", html)
        assert page == "search" or sum("defer" not in how for how in waits) == 1
