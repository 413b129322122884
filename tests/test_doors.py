"""Doors in sight, in the built pages: heads, minutes, feet, the first page, and what others show of a page."""

import json
import re
import shutil
import subprocess
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from PIL import Image
from visits import CHAPTERS, html_of

from authoring.extensions import course, doors, finding, minutes, share
from authoring.site import HTML, ROOT, toc_pages
from authoring.translations import finished
from tools.fork import online, repository

COURSE = [page for page in CHAPTERS if not page.startswith(course.EXERCISES)]
EXERCISES = [page for page in CHAPTERS if page.startswith(course.EXERCISES)]
PAGES = set(CHAPTERS)
ONLINE = online(repository())


def line(page: str) -> str:
    """The line under a page's title."""
    return re.search(r'</h1>\s*<ul class="doors"[^>]*>(.*?)</ul>', html_of(page), re.S)[1]


def links(html: str) -> dict[str, str]:
    """What each link says -> where it leads."""
    found = re.findall(r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', html, re.S)
    return {unescape(re.sub("<[^>]+>", "", words)).strip(): unescape(to) for to, words in found}


@pytest.mark.parametrize("page", CHAPTERS)
def test_each_notebook_says_what_it_takes_and_opens_in_colab(page):
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]
    named = settings["url"].removeprefix("https://github.com/")
    kind, takes = minutes.minutes(ROOT, page)
    assert f"<li>{takes} minutes to {kind}</li>" in line(page) and takes >= 5
    assert links(line(page))["Run in Colab"] == (
        f"https://colab.research.google.com/github/{named}/blob/{settings['branch']}/{page}.ipynb"
    )


def test_chapters_lead_to_their_exercises_and_these_lead_back():
    there = {page: course.exercises_of(page, PAGES) for page in COURSE}
    for page, others in there.items():
        name = page.removeprefix("notebooks/")
        for other in others:
            assert f'href="{other.removeprefix("notebooks/")}.html"' in line(page)
            assert f'href="../{name}.html"' in line(other)
    assert {other for others in there.values() for other in others} == set(EXERCISES)
    assert links(line("notebooks/exercises/03_internals")).keys() >= {
        "Chapter 3a",
        "Chapter 3b",
        "Chapter 3c",
    }


def test_a_chapter_with_a_letter_has_its_own_exercises_else_its_number_s():
    pages = {f"notebooks/exercises/{name}" for name in ("03_inside", "06_all", "06b_kernel")}
    for chapter, name in (("03a_one", "03_inside"), ("06b_two", "06b_kernel"), ("06_x", "06_all")):
        found = course.exercises_of(f"notebooks/{chapter}", pages)
        assert found == [f"notebooks/exercises/{name}"]
    assert course.exercises_of("notebooks/07_bigger", pages) == []


@pytest.mark.parametrize("page", COURSE)
def test_a_chapter_names_the_minute_that_its_opening_links(page):
    opening = html_of(page).partition("<article")[2].partition("<h2>")[0].replace(line(page), "")
    said = re.search(r'href="([^"]*[?&](?:amp;)?t=\d+s)">[^<]*?([\d:]+)</a>', opening)
    if said:
        assert links(line(page))[f"Lecture from {said[2]}"] == unescape(said[1])
    else:
        assert "Lecture from" not in line(page)


def test_most_chapters_name_a_minute():
    assert sum("Lecture from" in line(page) for page in COURSE) > len(COURSE) / 2


def test_each_section_that_the_lecture_speaks_of_has_its_minute_and_no_other():
    table = json.loads((ROOT / "book" / "lecture.json").read_text("utf-8"))
    told = {row["at"] for chapter in table["lecture"] for row in chapter["rows"]}
    marked = 0
    for page in CHAPTERS:
        html, wanted = html_of(page), doors.section_minutes(ROOT, page)
        found = re.findall(r'</h2><p class="minute"><a href="([^"]*)" aria-label="([^"]*)"', html)
        assert len(found) == len(wanted)
        for address, label in found:
            minute = label.removeprefix("The lecture at ")
            assert minute in told and minute in wanted.values()
            query = parse_qs(urlsplit(unescape(address)).query)
            assert query["t"] == [f"{doors.seconds(minute)}s"]
            assert doors.clock(doors.seconds(minute)) == minute
        assert 'class="minute"' not in html.partition('id="page-contents"')[2]
        marked += len(found)
    assert marked > 40


@pytest.mark.parametrize(
    "link, minute", [("", "2:00"), ("watch?v=x&t=40s", "0:30"), ("watch?v=x&t=60s", "2:00")]
)
def test_a_section_s_minute_is_of_the_part_that_the_page_follows_or_that_has_most(
    tmp_path, link, minute
):
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    rows = [("0:30", ["a"]), ("2:00", ["b", "a"]), ("2:10", ["a"])]
    table = {
        "lecture": [
            {"at": "0:00", "rows": [{"at": at, "where": ["01_x#a"]} for at, _ in rows[:1]]},
            {
                "at": "1:00",
                "rows": [
                    {"at": at, "where": [f"01_x#{c}" for c in cells]} for at, cells in rows[1:]
                ],
            },
        ]
    }
    (tmp_path / "book" / "lecture.json").write_text(json.dumps(table), "utf-8")
    cells = [
        ("top", f"# 1 X\n{link}"),
        ("b", "before a section"),
        ("h", "## One\n### Deeper"),
        ("a", "text"),
    ]
    notebook = {"cells": [{"id": i, "cell_type": "markdown", "source": [s]} for i, s in cells]}
    (tmp_path / "notebooks" / "01_x.ipynb").write_text(json.dumps(notebook), "utf-8")
    assert doors.section_minutes(tmp_path, "notebooks/01_x") == {"one": minute}


@pytest.mark.parametrize("page", toc_pages())
def test_each_page_s_foot_asks_and_the_issue_names_the_page(page):
    article = html_of(page).partition("<article")[2].partition("</article>")[0]
    asked = re.search(r'<p class="feedback"><a href="([^"]*)"', article)
    issue = urlsplit(unescape(asked[1]))
    assert issue.path == f"/{repository()}/issues/new"
    assert f"{page}.html" in parse_qs(issue.query)["body"][0]
    assert parse_qs(issue.query)["title"][0].startswith("On the page")


def test_no_address_is_escaped_twice():
    """A browser reads &amp;amp; as part of an address, and the lecture begins at its start."""
    for page in toc_pages():
        assert "&amp;amp;" not in "".join(re.findall(r'href="[^"]*"', html_of(page))), page


def test_reading_counts_words_code_and_predictions():
    def cell(source, kind="markdown", outputs=(), tags=()):
        return {
            "cell_type": kind,
            "source": [source],
            "metadata": {"tags": list(tags)},
            "outputs": list(outputs),
        }

    words = cell("word " * 2000)
    assert minutes.reading([words]) == 10
    folded = f"<details>{'word ' * 2000}</details>"
    assert minutes.reading([words, cell(folded)]) == 10
    assert minutes.reading([words, cell(f"**Predict first.** What?\n\n{folded}")]) == 20
    assert minutes.reading([words, cell("x = 1\n" * 75, "code")]) == 15
    assert minutes.reading([words, cell("x = 1\n" * 75, "code", tags=["remove-cell"])]) == 10
    moves = {"data": {"text/html": ['<div class="moving-picture">']}}
    assert minutes.reading([words, *[cell("", "code", [moves])] * 5]) == 15
    assert minutes.reading([cell("few")]) == 5


def test_exercises_take_what_they_state():
    for page in EXERCISES:
        text = (ROOT / f"{page}.ipynb").read_text("utf-8")
        stated = sum(map(int, re.findall(r"· about (\d+) minutes", text)))
        assert minutes.written_minutes(page) == stated


def test_what_runs_long_says_so():
    rows = json.loads((ROOT / minutes.MEASURED).read_text("utf-8"))["chapters"]["rows"]
    long = {row["page"]: row["seconds"] for row in rows if row["seconds"] >= minutes.LONG}
    assert long and all(f"{round(took / 60)} min" in runs_of(page) for page, took in long.items())
    assert {page for page in CHAPTERS if "runs for" in line(page)} == long.keys() & PAGES


def runs_of(page: str) -> str:
    """In the first page's table, or in an exercise page's head."""
    runs = minutes.running(ROOT, page)
    return f"{runs} min" if "runs for about" in line(page) else ""


def test_the_first_page_begins_with_one_button_and_next_leads_there_too():
    html, first = html_of("book/intro"), CHAPTERS[0].removeprefix("notebooks/")
    buttons = re.findall(r'<a class="[^"]*\bstart\b[^"]*" href="([^"]*)"', html)
    assert buttons == [f"../notebooks/{first}.html"]
    following = re.search(r'class="right-next"\s+href="([^"]*)"', html)[1]
    assert following == buttons[0]
    before = html.partition(buttons[0])[0].partition("<article")[2]
    assert (
        len(re.sub("<[^>]+>", " ", before).split()) < 110
    )  # a screen: what this is, and the button
    assert '<p id="go-on" hidden></p>' in html.partition('class="flow')[0]


def test_the_first_page_s_picture_leads_to_every_station_s_chapter():
    drawings = re.findall(r"<svg[^>]*flow-(?:wide|tall).*?</svg>", html_of("book/intro"), re.S)
    assert len(drawings) == 2
    for drawing in drawings:
        found = re.findall(r'<a href="\.\./(notebooks/[^"]*)\.html" aria-label="([^"]*)"', drawing)
        assert len(found) == len(share.CHAPTERS)
        for (page, label), (station, (begins, *_)) in zip(sorted(found), sorted_stations()):
            assert page in COURSE and course.prefix(page) == begins
            assert re.fullmatch(rf"\w+: chapter {begins.lstrip('0')}.*, .+", label), station
        assert 'role="img"' not in drawing  # which would hide the links from those who hear it
    chapters = {begins for of in share.CHAPTERS.values() for begins in of}
    assert chapters <= {course.prefix(page) for page in COURSE}


def sorted_stations() -> list[tuple[str, tuple[str, ...]]]:
    return sorted(share.CHAPTERS.items(), key=lambda station: station[1][0])


def test_the_first_page_s_sampler_fetches_nothing_before_a_touch():
    place = html_of("book/intro").partition('data-picture="nbutils.figures.moving.sampler.Sampler"')
    state = re.search(r'<script type="application/json">(.*?)</script>', place[2], re.S)[1]
    assert json.loads(state)["waits"] is True
    chapter = html_of("notebooks/05_inference").partition("sampler.Sampler")[2]
    state = re.search(r'<script type="application/json">(.*?)</script>', chapter, re.S)[1]
    assert json.loads(state)["waits"] is False


def test_the_first_page_says_what_each_chapter_takes():
    table = re.search(r"<table.*?</table>", html_of("book/intro"), re.S)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.S)[1:]
    found = {re.search(r'href="\.\./([^"]*)\.html"', row)[1]: row for row in rows}
    assert list(found) == COURSE
    for page, row in found.items():
        _, takes = minutes.minutes(ROOT, page)
        runs = minutes.running(ROOT, page)
        assert (f">{takes} min, runs {runs} min<" if runs else f">{takes} min<") in row


def test_descriptions_are_of_each_page_s_own_words_and_of_a_length_that_is_shown():
    found = {}
    for page in toc_pages():
        html = html_of(page)
        (said,) = re.findall(r'<meta name="description" content="([^"]*)"', html)
        assert 50 <= len(unescape(said)) <= 160, (page, said)
        found[page] = said
        for name in ("og:description", "og:title", "og:url", "og:image"):
            assert len(re.findall(rf'<meta property="{name}" content="[^"]+"', html)) == 1
        assert f'rel="canonical" href="{online(repository())}{page}.html"' in html
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    "text, said",
    [
        ("One. Two.", "One. Two."),
        (f"{'a ' * 30}end. {'b ' * 60}end.", f"{'a ' * 30}end."),
        (f"Short. {'long ' * 40}", f"Short. {'long ' * 29}long…"),
    ],
)
def test_a_description_ends_with_a_sentence_or_a_word(text, said):
    assert finding.shortened(text) == said


def test_each_page_has_its_share_picture():
    for page in toc_pages():
        (address,) = re.findall(r'"og:image" content="([^"]*)"', html_of(page))
        with Image.open(HTML / address.removeprefix(online(repository()))) as picture:
            assert picture.size == share.SIZE
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 4
    assert share.stations("notebooks/03b_attention") == {"Network"}
    assert share.stations("notebooks/exercises/03_internals") == {"Network"}
    assert share.stations("book/glossary") == set(share.CHAPTERS)


def test_the_sitemap_lists_every_page_and_no_other():
    """Each language's, and each page names the same page in the others."""
    rows = re.findall("<url>(.*?)</url>", (HTML / "sitemap.xml").read_text("utf-8"))
    listed = {re.search("<loc>(.*?)</loc>", row)[1]: row for row in rows}
    of_top = {f"{ONLINE}{page}.html" for page in toc_pages()}
    of_korean = {f"{ONLINE}ko/{page}.html" for page in finished("ko")}
    assert listed.keys() == of_top | of_korean and len(rows) == len(listed)
    for address in of_korean:
        english = address.replace("/ko/", "/")
        expected = {"en": english, "ko": address, "x-default": english}
        for row in (listed[english], listed[address]):
            assert dict(re.findall('hreflang="([^"]+)" href="([^"]+)"', row)) == expected
    ElementTree.fromstring((HTML / "sitemap.xml").read_bytes())


def test_links_of_the_page_for_lost_readers_hold_at_any_depth():
    html, top = html_of("404"), urlsplit(online(repository())).path
    found = [unescape(to) for to in re.findall(r'\s(?:href|src|action)="([^"]*)"', html)]
    own = [to for to in found if not re.match(r"https?:|#", to)]
    assert own and all(to.startswith(top) for to in own)
    for to in own:
        assert (HTML / urlsplit(to).path.removeprefix(top)).is_file(), to
    assert f'{top}search.html"' in html and f"{top}{CHAPTERS[0]}.html" in own
    assert f'data-content_root="{top}"' in html


def test_the_foot_names_the_version_and_the_day_of_the_last_commit(tmp_path):
    assert f'class="version">{finding.versioned(ROOT)}<' in html_of("book/intro").replace("\n", "")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert re.fullmatch(r"Version [\d.]+", finding.versioned(tmp_path))
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x", "--no-gpg-sign"]):
        subprocess.run([*run, *command], cwd=tmp_path, check=True)
    assert re.fullmatch(r"Version [\d.]+, \d{4}-\d\d-\d\d", finding.versioned(tmp_path))


def test_a_fork_s_pages_have_its_own_addresses(tmp_path):
    """Nothing of these names the repository: `_config.yml` does, alone."""
    (tmp_path / "_config.yml").write_text(
        "repository:\n  url: https://github.com/ada/course\n", "utf-8"
    )
    assert finding.address(tmp_path, "book/intro") == "https://ada.github.io/course/book/intro.html"
    options = {
        "repository_url": "https://github.com/ada/course",
        "repository_branch": "main",
        "launch_buttons": {"colab_url": "https://colab.example"},
    }
    app = SimpleNamespace(config=SimpleNamespace(html_theme_options=options))
    assert doors.colab(app, "notebooks/x") == (
        "https://colab.example/github/ada/course/blob/main/notebooks/x.ipynb"
    )
    assert "github.com%" not in doors.feedback(app, "book/intro", "T")
    assert 'href="https://github.com/ada/course/issues/new?' in doors.feedback(app, "a", "T")
