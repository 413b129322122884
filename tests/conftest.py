"""What several test files share: where the repository is, and a browser."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = (
    "No Chromium found. Install one (`sudo apt install chromium`, or `.venv/bin/playwright install "
    "chromium`), or set CHROMIUM=/path/to/it."
)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


def find_chromium(own: str) -> str:
    """CHROMIUM from the environment, else one on PATH, else Playwright's ``own``; "" if none."""
    chosen = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), own)
    return chosen if Path(chosen).exists() else ""


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        executable = find_chromium(playwright.chromium.executable_path)
        if not executable:
            pytest.fail(NO_CHROMIUM, pytrace=False)
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()
