"""The package as a whole: quick to import, its modules in the order of the flow, nothing twice."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbutils
from nbutils import cli

FOLDER = Path(nbutils.__file__).parent
# A module imports only modules of lines above its own.
FLOW = (
    {"words"},
    {"arguments"},
    {"shadowing"},
    {"config"},
    {"files"},
    {"device", "attention", "elementwise"},
    {"kernels"},
    {"bpe", "tiktoken_tables"},
    {"tokens"},
    {"vocabularies"},
    {"smallworld"},
    {"text_files"},
    {"text"},
    {"windows"},
    {"packing"},
    {"ids", "hub"},
    {"network_file"},
    {"model", "tiny"},
    {"trace"},
    {"planning"},
    {"parallel"},
    {"checkpoints"},
    {"optim"},
    {"evaluation"},
    {"advice"},
    {"compiling"},
    {"progress"},
    {"training"},
    {"kv_cache"},
    {"decoding"},
    {"sampling"},
    {"profiling"},
    {"recipes"},
    {"page_training"},
    {"ladder"},
    {"chips"},
    {"doctor"},
    {"figures"},
    {"exercises"},
    {"cli"},
    {"__main__"},
)
# One word for two things.
HOMONYMS = {
    "generate": {
        "smallworld/__init__.py",
        "sampling.py",
    },  # documents of the world; tokens of a model
    "split": {"tokens.py", "parallel.py"},  # a text into pieces; a model among processes
    "train": {"training.py", "exercises/your_gpt/training.py"},  # the course's; a student's
    "evaluate": {"evaluation.py", "exercises/your_gpt/training.py"},
    "load": {"text.py", "kernels/standin.py"},  # a text; numbers from slow memory, in Triton's word
    "language": {"words/__init__.py", "kernels/__init__.py"},  # a reader's; a kernel's
    "read_config": {"hub.py", "network_file.py"},  # of a folder; of a file: one interface
    "read_weights": {"hub.py", "network_file.py"},
    "cdiv": {
        "kernels/launch.py",
        "kernels/standin.py",
    },  # Triton has it outside of kernels and inside
    "write": {
        "checkpoints/single_file.py",
        "exercises/your_gpt/writing.py",
    },  # a run's state; a text
    "main": {f"cli/{name}.py" for name in ("__init__", *cli.COMMANDS)},  # all commands; each
}
FILES = sorted(path for path in FOLDER.rglob("*.py"))


def station(path: Path) -> str:
    """The part of the package that a file belongs to: its module, or its folder."""
    return path.relative_to(FOLDER).parts[0].removesuffix(".py")


def place(name: str) -> int:
    found = [i for i, names in enumerate(FLOW) if name in names]
    assert found, f"nbutils.{name} has no place in the flow"
    return found[0]


def imported(path: Path) -> set[str]:
    """The stations that a file imports, also inside functions and for type checkers."""
    parts = ("nbutils", *path.relative_to(FOLDER).with_suffix("").parts)
    modules = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            modules |= {f"{module}.{alias.name}" for alias in node.names}
    inside = (name.split(".") for name in modules)
    return {name[1] for name in inside if name[0] == "nbutils" and len(name) > 1}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_imports_follow_the_flow(path):
    own = station(path)
    if own == "__init__":
        assert imported(path) == {"shadowing"}  # it loads modules when they are first used
        return
    later = {name for name in imported(path) if place(name) >= place(own) and name != own}
    assert not later, f"{path.name} imports {sorted(later)}, which come after it"


def test_the_page_on_the_design_names_every_module_in_the_order_of_the_flow():
    page = (FOLDER.parent / "DESIGN.md").read_text("utf-8")
    layout = page.partition("\nnbutils/ ")[2].partition("\nnotebooks/")[0]
    named = re.findall(r"^  (\w+)(?:\.py|/) ", layout, re.M)
    own = {station(path) for path in FILES} - {"__init__", "__main__"}
    assert sorted(named) == sorted(own)
    assert [place(name) for name in named] == sorted(map(place, named))


def test_the_check_of_imports_sees_every_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "FOLDER", tmp_path)
    (tmp_path / "figures").mkdir()
    file = tmp_path / "figures" / "io.py"
    file.write_text(
        "import nbutils.device\nimport numpy\nfrom nbutils import text\n"
        "from nbutils.model import GPT\nfrom .style import BLUE\nfrom ..windows import Windows\n"
        "def late():\n    from .. import sampling\n",
        "utf-8",
    )
    assert imported(file) == {"device", "text", "model", "figures", "windows", "sampling"}
    assert station(file) == "figures"


def defined(path: Path) -> set[str]:
    """A file's public functions and classes."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = {
        node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, kinds)
    }
    return {name for name in names if not name.startswith("_")}


def test_nothing_is_defined_twice():
    """Exercises define again what their students write."""
    where = {}
    for path in (p for p in FILES if "problems" not in p.relative_to(FOLDER).parts):
        for name in defined(path):
            where.setdefault(name, []).append(str(path.relative_to(FOLDER)))
    twice = {name: set(files) for name, files in where.items() if len(files) > 1}
    assert twice.items() <= HOMONYMS.items()


def test_a_name_is_imported_from_where_it_is_defined():
    """A folder's own module may gather the names of those inside it."""
    homes = {}
    for path in FILES:
        name = ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
        homes[name.removesuffix(".__init__")] = path
    elsewhere = [
        f"{path.relative_to(FOLDER)}: {node.module}.{alias.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level and node.module in homes
        if homes[node.module].name != "__init__.py"
        for alias in node.names
        if alias.name not in bound(homes[node.module])
    ]
    assert elsewhere == []


def bound(path: Path) -> set[str]:
    """The names that a module's own statements bind, imports aside."""
    body = ast.parse(path.read_text("utf-8")).body
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    names = {node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name)}
    names |= {node.target.id for node in body if isinstance(node, ast.AnnAssign)}
    kinds = ast.FunctionDef | ast.ClassDef
    return names | {node.name for node in body if isinstance(node, kinds)}


@pytest.mark.parametrize("name", nbutils.__all__)
def test_every_module_loads_when_it_is_first_used(name):
    assert getattr(nbutils, name) is importlib.import_module(f"nbutils.{name}")


def test_all_is_every_public_module_and_no_other():
    files = {station(path) for path in FILES} - {"__init__", "__main__"}
    assert set(nbutils.__all__) == files


def test_a_module_that_does_not_exist_is_named():
    with pytest.raises(AttributeError, match="no module 'utils'; it has .*tokens"):
        nbutils.utils  # noqa: B018


def test_importing_brings_few_modules_and_neither_pytorch_nor_matplotlib():
    code = (
        "import sys; before = set(sys.modules); import nbutils; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    modules = set(done.stdout.split())
    assert "nbutils" in modules and len(modules) < 40
    assert {name.split(".")[0] for name in modules} - sys.stdlib_module_names == {"nbutils"}


@pytest.mark.parametrize("name", ["tokens", "smallworld", "text"])
def test_text_and_tokens_need_no_pytorch(name):
    code = f"import sys; import nbutils.{name}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "own, expected",
    [
        ({}, nbutils.WAITING),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
    ],
)
def test_threads_wait_in_short_turns_unless_told_otherwise(own, expected):
    environment = {k: v for k, v in os.environ.items() if k not in nbutils.WAITING} | own
    code = "import json, os, nbutils; print(json.dumps({k: os.environ.get(k) for k in nbutils.WAITING}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert {k: v for k, v in json.loads(done.stdout).items() if v} == expected
