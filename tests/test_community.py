"""What GitHub reads: workflows, issue forms, the citation. Schemas come with the linter: no network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path for path in TEMPLATES.glob("*.yml") if path.name != "config.yml")
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [TEMPLATES / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def told(schema: str, *paths: Path) -> str:
    """What is wrong with files; "" if nothing is."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", schema, *paths]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("schema", SCHEMAS)
def test_they_are_well_formed(schema):
    assert SCHEMAS[schema] and told(schema, *SCHEMAS[schema]) == ""


def test_a_file_that_is_not_is_noticed(tmp_path):
    text = WORKFLOWS[0].read_text("utf-8")
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace("runs-on:", "runs-at:"), "utf-8")
    assert "runs-at" in told("vendor.github-workflows", broken)
    broken.write_text(re.sub("timeout-minutes: .*", "", text), "utf-8")
    assert "timeout-minutes" in told("custom.github-workflows-require-timeout", broken)


def audit(folder: Path) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name("zizmor"), "--offline", "--quiet", folder]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_no_workflow_can_be_misused(tmp_path):
    done = audit(ROOT / ".github")
    assert done.returncode == 0, done.stdout
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    text = (
        WORKFLOWS[0]
        .read_text("utf-8")
        .replace("run: bash .ci/run", "run: echo ${{ github.event.head_commit.message }}")
    )
    (tmp_path / ".github" / "workflows" / "a.yml").write_text(text, "utf-8")
    assert "template-injection" in audit(tmp_path).stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_there(path):
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for command in commands:
        for name in re.findall(r"(?:tests|tools|\.ci)/[\w./]+", command):
            assert (ROOT / name).exists(), name


def test_the_package_is_tested_on_every_system_and_python():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["package"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert jobs["publish"]["needs"] == ["everything", "package"]
    assert "refs/heads/main" in jobs["publish"]["if"]


def test_the_version_is_one():
    import nbutils

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == nbutils.__version__
    assert f"## {nbutils.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f'version = "{nbutils.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "DESIGN.md"])
def test_what_pages_for_contributors_name_is_there(page):
    text = (ROOT / page).read_text("utf-8")
    for name in re.findall(r"(?:notebooks|nbutils|tests|tools|authoring|bench|book)/[\w./]+", text):
        place = ROOT / name.rstrip(".")
        assert place.exists() or place.stem == "name", name
