"""Large files of a picture: fetched when they are first needed, and checked."""

import sys

import pytest
from shown import Shown, alone, write_table

from authoring.site import serving


@pytest.fixture
def table_page(tmp_path, monkeypatch, request):
    """A folder with a page of that picture."""
    monkeypatch.syspath_prepend(tmp_path)
    request.addfinalizer(lambda: sys.modules.pop("table_picture", None))
    write_table(tmp_path)
    import table_picture

    page = tmp_path / "site"
    page.mkdir()
    alone(table_picture.Table(), page)
    return page


@pytest.mark.parametrize(
    "spoil, told",
    [
        (None, "one two three"),
        (lambda path: path.write_bytes(b"one two four!"), "damaged on its way"),
        (lambda path: path.unlink(), "can't be loaded (404)"),
    ],
)
def test_a_resource_is_fetched_on_first_use_and_checked(browser, table_page, spoil, told):
    (path,) = table_page.glob("pictures/*.bin")
    if spoil:
        spoil(path)
    asked = []
    with serving(table_page) as address:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        shown = Shown(page, "Table")
        assert not [url for url in asked if url.endswith(".bin")]
        page.get_by_role("button", name="Fetch").click()
        page.wait_for_function("document.querySelector('output').textContent")
        assert told in page.locator("output").text_content()
        assert shown.said() == "Ready."
        page.close()


def test_a_stored_page_with_another_file_is_not_built(table_page):
    import table_picture

    from authoring.extensions import moving_pictures

    html = table_picture.Table().html().replace('table":"', 'table":"0')
    with pytest.raises(Exception, match="table has changed: run the notebook again"):
        moving_pictures.with_scripts(html, "pictures", table_page / "pictures")
    unknown = html.replace("table_picture.Table", "table_picture.Chair")
    with pytest.raises(Exception, match="'table_picture.Chair', which is nowhere defined"):
        moving_pictures.with_scripts(unknown, "pictures", table_page / "pictures")
