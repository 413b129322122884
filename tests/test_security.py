"""No data is run as code, and what is downloaded is what was read here.

The package has no function that downloads. Three libraries do it for those who ask for it:

- huggingface_hub, for ``GPT.from_pretrained("gpt2")``: at a commit, whose name is a hash of its content;
- datasets, for ``text.load("fineweb")``: at a commit;
- tiktoken, for encodings other than cl100k_base: it knows each table's SHA-256 and refuses others.
"""

import ast
import json
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint import FileSystemReader

from nbutils.checkpoints import shards
from nbutils.checkpoints.state import CheckpointError
from nbutils.model import GPT, GPTConfig

ROOT = Path(__file__).parents[1]
FOLDERS = ("nbutils", "authoring", "tools", "bench")
CALLS = {
    "eval",
    "exec",
    "torch.load",
    "np.load",
    "numpy.load",
    "os.system",
    "os.popen",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "tiktoken.get_encoding",
    "hf_hub_download",
    "snapshot_download",
    "load_dataset",
    "load_state_dict_from_url",
    "broadcast_object_list",
    "all_gather_object",
    "gather_object",
    "scatter_object_list",
    "urlretrieve",
    "urlopen",
}
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",  # run what they read
    "urllib.request",
    "http.client",
    "ftplib",
    "socket",
    "requests",
    "httpx",
    "aiohttp",
    "urllib3",
}
# What is there nevertheless, how often, and why that is right.
RIGHT = {
    ("nbutils/exercises/exercise.py", "exec"): (
        1,
        "an exercise's answer, ours or the student's own",
    ),
    ("nbutils/checkpoints/shards.py", "pickle"): (
        1,
        "its Unpickler makes descriptions of tensors only",
    ),
    ("nbutils/parallel.py", "broadcast_object_list"): (1, "between the processes of one run"),
    ("nbutils/parallel.py", "all_gather_object"): (1, "between the processes of one run"),
    ("nbutils/hub.py", "hf_hub_download"): (1, "at a commit, and safetensors hold no code"),
    ("nbutils/text.py", "load_dataset"): (2, "at a commit; and local files"),
    ("nbutils/tiktoken_tables.py", "tiktoken.get_encoding"): (2, "tiktoken checks a SHA-256"),
    ("authoring/colab.py", "urllib.request"): (1, "lists of versions, for a person to compare"),
    ("authoring/colab.py", "urlopen"): (1, "the same"),
}


def risks(source: str) -> list[str]:
    """What in a program runs data as code, or fetches something."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name in MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] * (node.module in MODULES)
        elif isinstance(node, ast.Call):
            names = {ast.unparse(node.func)}
            if isinstance(node.func, ast.Attribute):
                names |= {node.func.attr} - {"eval", "exec"}  # model.eval() is none
            found += sorted(names & CALLS)
            shell = [
                k for k in node.keywords if k.arg == "shell" and ast.unparse(k.value) != "False"
            ]
            found += ["shell"] * len(shell)
    return found


def programs(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_nothing_runs_data_or_fetches_but_what_is_named_here():
    found = Counter(
        (path.relative_to(ROOT).as_posix(), risk)
        for path in programs(*FOLDERS)
        for risk in risks(path.read_text("utf-8"))
    )
    assert found == {what: count for what, (count, _) in RIGHT.items()}


@pytest.mark.parametrize(
    "source, risk",
    [
        ("eval(text)", "eval"),
        ("exec(text)", "exec"),
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("torch.load(path)", "torch.load"),
        ("np.load(path, allow_pickle=True)", "np.load"),
        ("yaml.load(text)", "yaml.load"),
        ("os.system(command)", "os.system"),
        ("subprocess.run(command, shell=True)", "shell"),
        ("from urllib.request import urlopen", "urllib.request"),
        ("import requests", "requests"),
        ("datasets.load_dataset(name)", "load_dataset"),
        ("torch.hub.load_state_dict_from_url(url)", "load_state_dict_from_url"),
        ("dist.all_gather_object(values, value)", "all_gather_object"),
    ],
)
def test_each_risk_is_noticed(source, risk):
    assert risks(source) == [risk]


@pytest.mark.parametrize("source", ["model.eval()", "yaml.safe_load(text)", "import urllib.parse"])
def test_what_is_no_risk_is_not_noticed(source):
    assert risks(source) == []


def test_tests_load_tensors_only_as_tensors():
    for path in programs("tests"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                given = {one.arg: ast.unparse(one.value) for one in node.keywords}
                assert given.get("weights_only") == "True", f"{path.name}:{node.lineno}"


# Checkpoints of several processes: what describes their tensors is a pickle


class Evil:
    def __reduce__(self):
        return os.mkdir, ("it_ran",)


@pytest.mark.filterwarnings("ignore")  # one process alone is told that it is
def test_a_checkpoint_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    shards._save({"model.a": torch.ones(3, 2), "random.0.cpu": torch.zeros(4).byte()}, folder)
    described = shards._reader(folder).read_metadata().state_dict_metadata
    sizes = {name: about.size for name, about in described.items()}
    assert sizes == {"model.a": (3, 2), "random.0.cpu": (4,)}

    (folder / ".metadata").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError, match="mkdir, which describes no tensor"):
        shards._reader(folder).read_metadata()
    assert not Path("it_ran").exists()
    with pytest.raises(AttributeError):  # PyTorch's own reader has made the folder by then
        FileSystemReader(folder).read_metadata()
    assert Path("it_ran").exists()


# Downloads: what huggingface_hub does is what we rely on


@pytest.fixture
def hub(tmp_path):
    """A hub with a GPT-2 of 25 MB, which cuts the first answer with the weights off in its middle."""
    folder = tmp_path / "model"
    GPT(GPTConfig(vocab_size=61, block_size=16, n_layer=2, n_head=2, n_embd=512)).save_pretrained(
        folder
    )

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(with_body=False)

        def do_GET(self):
            self.answer(with_body=True)

        def answer(self, with_body):
            *_, commit, name = self.path.split("/")
            again = self.headers.get("Range")
            if not (folder / name).is_file() or again and not server.comes_back:
                self.send_error(404)
                return
            server.asked.append((commit, again))
            content = (folder / name).read_bytes()
            begin = int(again.removeprefix("bytes=").partition("-")[0]) if again else 0
            self.send_response(206 if again else 200)
            self.send_header("ETag", f'"of-{name}"')
            self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", str(len(content) - begin))
            if again:
                self.send_header(
                    "Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}"
                )
            self.end_headers()
            cut = name.endswith("safetensors") and not again
            if with_body:
                self.wfile.write(content[begin : len(content) // 2 if cut else None])
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.comes_back, server.content = [], True, folder / "model.safetensors"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def load_gpt2(hub, cache):
    code = "from nbutils.model import GPT; print(GPT.from_pretrained('gpt2').config.n_embd)"
    settings = {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "*",
    }
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, encoding="utf-8"
    )


def test_a_download_that_is_cut_goes_on_where_it_was(hub, tmp_path):
    done = load_gpt2(hub, tmp_path / "cache")
    assert done.stdout == "512\n", done.stderr
    assert [again for _, again in hub.asked if again] == [
        f"bytes={10 * 2**20}-"
    ]  # it keeps pieces of 10 MiB
    [kept] = (tmp_path / "cache").rglob("model.safetensors")
    assert kept.read_bytes() == hub.content.read_bytes()
    assert {commit for commit, _ in hub.asked} == {"607a30d783dfa663caf39e06633721c8d4cfcd7e"}


def test_a_download_that_stays_cut_leaves_nothing_in_place(hub, tmp_path):
    hub.comes_back = False
    done = load_gpt2(hub, tmp_path / "cache")
    assert "ConnectionError: 'gpt2' is not a folder here and could not be downloaded" in done.stderr
    assert not list((tmp_path / "cache").rglob("model.safetensors"))


# bandit: what others know of


def bandit(*paths) -> list[str]:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json"]
    settings = ["--configfile", "pyproject.toml"]
    done = subprocess.run(
        [*command, *settings, *paths], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    told = json.loads(done.stdout)
    assert not told["errors"]
    return [f"{one['test_id']} {one['filename']}:{one['line_number']}" for one in told["results"]]


def test_bandit_finds_nothing(tmp_path):
    assert bandit(*FOLDERS) == []
    bad = tmp_path / "bad.py"
    bad.write_text("import hashlib, yaml\nyaml.load(text)\nhashlib.md5(text)\n", "utf-8")
    assert bandit(bad) == [f"B506 {bad}:2", f"B324 {bad}:3"]
