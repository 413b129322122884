"""What Windows does otherwise: encodings, line ends, what it lacks, files in use that nobody may replace."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbutils import packing
from nbutils.exercises import guard
from nbutils.exercises.grading import student

ROOT = Path(__file__).parents[1]
FOLDERS = ("nbutils", "authoring", "tools", "bench")
MISSING = ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "posix")  # modules
FEWER = {  # names that os and signal lack there
    "os": (
        "fork",
        "forkpty",
        "sysconf",
        "sysconf_names",
        "sched_getaffinity",
        "getuid",
        "geteuid",
        "getgid",
        "killpg",
        "getpgid",
        "setsid",
        "statvfs",
        "uname",
        "wait",
        "mkfifo",
        "chown",
        "getloadavg",
        "posix_fadvise",
        "posix_fallocate",
        "pread",
        "pwrite",
        "sendfile",
    ),
    "signal": (
        "SIGKILL",
        "SIGALRM",
        "SIGHUP",
        "SIGSTOP",
        "SIGCONT",
        "SIGUSR1",
        "SIGUSR2",
        "alarm",
        "setitimer",
    ),
}
GUARDED = {  # found there only after a look whether the system has it
    ("bench/gpu_run.py", "signal.SIGALRM"),
    ("bench/gpu_run.py", "signal.setitimer"),
    ("bench/train.py", "signal.SIGSTOP"),
    ("bench/train.py", "signal.SIGCONT"),
    ("nbutils/device.py", "os.sysconf"),
    ("nbutils/exercises/guard.py", "signal.SIGALRM"),
    ("nbutils/exercises/guard.py", "signal.setitimer"),
    ("nbutils/exercises/grading/server.py", "os.killpg"),
    ("nbutils/exercises/grading/server.py", "signal.SIGKILL"),
    ("nbutils/exercises/grading/student.py", "os.setsid"),
}


@functools.cache
def programs(folders=FOLDERS) -> list[tuple[str, ast.AST]]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))) for path in paths
    ]


def without_encoding(tree: ast.AST) -> list[int]:
    """The lines that read or write text as the system likes, not as the file or the program does."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node.lineno for node in calls if _reads_a_file(node) or _reads_a_program(node)]


def _reads_a_file(node: ast.Call) -> bool:
    name = _last_name(node)
    if name not in ("open", "fdopen", "read_text", "write_text", "TextIOWrapper"):
        return False
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    texts = [str(one.value) for one in values if isinstance(one, ast.Constant)]
    if any(one.arg == "encoding" and isinstance(one.value, ast.Name) for one in node.keywords):
        return False  # the one that the file was found to have
    if any(text.lower() in ("utf-8", "utf-8-sig", "ascii") for text in texts):
        return False
    binary = name in ("open", "fdopen") and any(
        "b" in mode and set(mode) <= set("rwxab+") for mode in texts
    )
    return ast.unparse(node.func) not in ("os.open", "Image.open") and not binary


def _reads_a_program(node: ast.Call) -> bool:
    named = {keyword.arg for keyword in node.keywords}
    if _last_name(node) in ("popen", "getoutput", "getstatusoutput"):
        return "encoding" not in named
    asked = {"text", "universal_newlines", "errors"} & named
    return (
        bool(asked) and ast.unparse(node.func).startswith("subprocess.") and "encoding" not in named
    )


def _last_name(node: ast.Call) -> str:
    """Of the function that is called: "run" of subprocess.run."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_every_text_file_and_program_is_read_and_written_with_its_encoding():
    found = {name: without_encoding(tree) for name, tree in programs((*FOLDERS, "tests"))}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "call",
    [
        "open(path)",
        "open(path, 'w')",
        "path.open()",
        "path.read_text()",
        "path.write_text(text)",
        "subprocess.run(command, capture_output=True, text=True)",
        "subprocess.Popen(command, stdout=PIPE, universal_newlines=True)",
        "os.popen('ls')",
    ],
)
def test_a_missing_encoding_is_noticed(call):
    assert without_encoding(ast.parse(call)) == [1]


@pytest.mark.parametrize(
    "call",
    [
        "open(path, 'rb')",
        "path.read_text('utf-8')",
        "os.open(path, flags)",
        "open(path, 'w', encoding='utf-8')",
        "subprocess.run(command, capture_output=True)",
        "subprocess.run(command, capture_output=True, encoding='utf-8')",
        "Tokenizer(text=True)",
    ],
)
def test_a_call_that_needs_none_is_not(call):
    assert without_encoding(ast.parse(call)) == []


def test_what_windows_lacks_is_asked_for_only_where_it_may_be_missing():
    found = {
        (name, ast.unparse(node))
        for name, tree in programs()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in FEWER.get(node.value.id, ())
    }
    assert found == GUARDED
    for name, tree in programs():
        tried = {
            id(node) for part in ast.walk(tree) if isinstance(part, ast.Try) for node in part.body
        }
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [one.name for one in node.names] + [getattr(node, "module", "")]
                assert not set(modules) & set(MISSING) or id(node) in tried, f"{name}:{node.lineno}"


def test_files_have_the_same_line_ends_everywhere():
    names = ["nbutils/files.py", "nbutils/figures/moving/sorter.safetensors"]
    command = ["git", "check-attr", "eol", "binary", "--", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    told = done.stdout.splitlines()
    assert told[0].endswith("files.py: eol: lf") and told[3].endswith(
        "sorter.safetensors: binary: set"
    )
    for path in ROOT.joinpath("nbutils").rglob("*.[pjc]*"):
        if path.suffix in (".py", ".js", ".css", ".json"):
            assert b"\r" not in path.read_bytes(), path


@pytest.mark.parametrize("system", ["Windows", "macOS"])
def test_without_a_limit_on_memory_exercises_are_judged_all_the_same(system, monkeypatch):
    def refuse(*_):
        raise ValueError("current limit exceeds maximum limit")

    def no_proc(*_):
        raise FileNotFoundError("/proc/self/statm")

    resource = None if system == "Windows" else pytest.importorskip("resource")
    monkeypatch.setitem(sys.modules, "resource", resource)
    if resource:
        monkeypatch.setattr(resource, "setrlimit", refuse)
        monkeypatch.setattr(guard.Path, "read_text", no_proc)
    student._limit_memory()
    assert guard.outcome(lambda x: x + 1, (1,)).value == 2
    assert guard.outcome(lambda: 1 / 0, ()).kind == "ZeroDivisionError"


def test_packing_counts_cores_without_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert packing.available_cores() == os.cpu_count()


# A whole run with what Windows has. There, too, a file that a program still reads has to stay: its name
# can't be given to another.
RUN = """
import gc, json, os, signal, sys
from pathlib import Path

import numpy as np
import torch
import filelock, tokenizers, tiktoken, safetensors.torch, matplotlib.pyplot, IPython.display

modules, fewer = json.loads(sys.argv[1])
for name in modules:
    sys.modules[name] = None
for module, names in fewer.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
replace, rename = os.replace, os.rename


def in_use(path):
    path = os.path.realpath(path)
    if not os.path.isdir("/proc/self/fd"):
        return False  # Windows itself refuses
    handles = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    opened = {os.readlink(handle) for handle in handles if os.path.lexists(handle)}
    maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
    return any(one == path or one.startswith(path + os.sep) for one in
               [*opened, *(line.partition("/")[1] + line.partition("/")[2] for line in maps)])


def as_windows(change):
    def changed(one, other, **how):
        for path in (one, other):
            if in_use(path):
                raise PermissionError(13, "Access is denied: it is in use", str(path))
        return change(one, other, **how)
    return changed


os.replace, os.rename = as_windows(replace), as_windows(rename)

from nbutils import files, packing, recipes, smallworld, text, tokens, windows
from nbutils.exercises import grading, guard
from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig, train

assert files.fcntl is None
os.makedirs("ü ñ")
folder = Path("ü ñ").absolute()
documents = [one for one, _ in zip(smallworld.endless(), range(200))]
encoding = smallworld.encoding()
packed = packing.pack(documents, encoding, folder / "corpus", workers=1, progress=False)
corpora = (packed.train, packed.val)
config = TrainConfig(steps=4, batch_size=2, warmup_steps=1, eval_every=2, eval_batches=1, device="cpu",
                     progress=False, checkpoint=str(folder / "run"), checkpoint_every=1)


def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=encoding.n_vocab, block_size=8, n_layer=1, n_head=1, n_embd=8))


class Cut(Exception):
    pass


def cut(step, model):
    if step == 2:
        raise Cut


try:
    train(model(), *corpora, config, on_eval=cut)
except Cut:
    pass
trained = model()
history = train(trained, *corpora, config)  # goes on from a checkpoint, and replaces it
assert history.steps[-1] == 4

for _ in range(2):
    trained.save_pretrained(folder / "model")
    trained = GPT.from_pretrained(folder / "model")  # and it is saved again where it came from
tokens.save(encoding, folder / "model" / "encoding.json")
assert tokens.get_encoding(folder / "model" / "encoding.json").n_vocab == encoding.n_vocab
windows.write_tokens(folder / "a.tokens", packed.train, encoding.n_vocab)
(folder / "crlf.txt").write_bytes("ä b\\r\\n\\r\\nc d\\r\\n".encode() * 10)
assert "\\r" not in "".join(text.load(folder / "crlf.txt"))
print("all is well")
"""


def test_a_run_with_what_windows_has(tmp_path):
    given = json.dumps([MISSING, FEWER])
    environment = os.environ | {"NBUTILS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", RUN, given],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.stdout == "all is well\n", done.stderr
    assert not re.search(rf"{re.escape(str(ROOT / 'nbutils'))}.*EncodingWarning", done.stderr)
