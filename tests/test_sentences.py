"""Sentences that stand in code are said in the reader's language: the doctor's, commands', errors', the grader's."""

import ast
import csv
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import nbutils
from authoring import catalogues, translated_sentences
from nbutils import (
    cli,
    device,
    doctor,
    evaluation,
    hub,
    ids,
    kernels,
    ladder,
    network_file,
    optim,
    page_training,
    planning,
    recipes,
    sampling,
    shadowing,
    smallworld,
    text,
    text_files,
    tokens,
    training,
    vocabularies,
    windows,
    words,
)
from nbutils.config import GPTConfig, TrainConfig
from nbutils.exercises import grading
from nbutils.exercises.grading import marks
from nbutils.figures.moving.counter import Counter
from nbutils.figures.moving.tiles import Tiles
from nbutils.model import GPT
from nbutils.progress import TrainingInterrupt
from nbutils.words import sentence

HANGUL = re.compile("[가-힣]")
FOLDER = Path(nbutils.__file__).parent
CPU = device.Chip(torch.device("cpu"), torch.float32, "CPU with 2 threads")


@pytest.fixture
def korean(monkeypatch):
    monkeypatch.setenv("NBUTILS_LANG", "ko")


@pytest.fixture(scope="module")
def small():
    return GPT(GPTConfig(vocab_size=8, block_size=4, n_layer=1, n_head=1, n_embd=4)).eval()


# What a learner gives, and what the error must keep of it.
ERRORS = {
    "whole": (lambda _: GPTConfig(n_layer=2.5), ["n_layer=2.5", "정수"]),
    "least": (lambda _: TrainConfig(batch_size=0), ["batch_size=0", "1 이상"]),
    "below": (lambda _: GPTConfig(dropout=1), ["dropout=1", "0 이상 1 미만"]),
    "choices": (lambda _: TrainConfig(schedule="step"), ["schedule='step'", "cosine, linear"]),
    "yes or no": (lambda _: GPTConfig(bias=1), ["bias=1", "True"]),
    "text": (lambda _: TrainConfig(device=""), ["device=''", '"cpu"', "칩의 이름"]),
    "two numbers": (lambda _: TrainConfig(betas=(0.9, 1.0)), ["betas=(0.9, 1.0)", "1 미만"]),
    "shape": (lambda _: GPTConfig(n_embd=130), ["n_embd=130", "n_head=4"]),
    "preset": (lambda _: GPTConfig.preset("gpt5"), ["'gpt5'", "gpt2-xl"]),
    "device": (lambda _: device.pick("gpu"), ["device='gpu'", '"cuda"']),
    "of type": (lambda _: device.measure_peak("cpu"), ["chip='cpu'", "device.pick()"]),
    "ids": (lambda model: model(torch.tensor([[9]])), ["tokens", "9", "7"]),
    "long": (lambda model: model(torch.zeros(1, 5).long()), ["5", "4"]),
    "a list": (lambda model: model([1]), ["tokens=[1]", "torch.tensor([ids])"]),
    "a text": (lambda model: model("Tom"), ["tokens='Tom'", "encoding.encode(text)"]),
    "no network": (lambda _: ids.check_network("gpt2"), ["model='gpt2'", "GPT(config)"]),
    "temperature": (
        lambda model: sampling.generate(model, torch.zeros(1, 1).long(), 1, temperature=-1),
        ["temperature=-1", "0"],
    ),
    "top_k": (
        lambda model: sampling.generate(model, torch.zeros(1, 1).long(), 1, top_k=0),
        ["top_k=0", "1 이상", "None"],
    ),
    "top_p": (
        lambda model: sampling.generate(model, torch.zeros(1, 1).long(), 1, top_p=2.0),
        ["top_p=2.0", "1 이하"],
    ),
    "window": (lambda _: windows.Windows([1, 2], 1, 4), ["block_size=4", "2개", "5개"]),
    "id of a text": (
        lambda _: windows.Windows([1, 9], 1, 1, vocab_size=4),
        ["9", "vocab_size=4", "인코딩"],
    ),
    "config": (lambda model: training.train(model, [1], [1], None), ["config=None", "TrainConfig"]),
    "too short": (
        lambda model: training.train(model, [1], [1], TrainConfig(device="cpu")),
        ["train_tokens", "block_size=4"],
    ),
    "documents": (
        lambda model: evaluation.document_losses(model, "Tom", smallworld.encoding()),
        ["documents", "[document]"],
    ),
    "vocabulary": (lambda _: tokens.train_bpe("ab", 100), ["vocab_size=100", "257"]),
    "encoding": (lambda _: tokens.get_encoding("gpt5"), ["name='gpt5'", "cl100k_base"]),
    "no text": (lambda _: tokens.encode(7, smallworld.encoding()), ["text", "int", "str"]),
    "split": (lambda _: text.load("smallworld", "test"), ["split='test'", '"val"']),
    "source": (lambda _: text.load("wikipedia"), ["name='wikipedia'", '"smallworld"']),
    "prefix": (lambda _: smallworld.next_probabilities(7), ["prefix=7", "int"]),
    "no such document": (
        lambda _: smallworld.token_losses("Tom."),
        ["'Tom.'", "작은 세계"],
    ),
    "muon": (
        lambda _: optim.make_optimizer(torch.nn.Linear(2, 2), TrainConfig(optimizer="muon")),
        ["optimizer='muon'", "Linear", "optimizer='adamw'"],
    ),
    "plan": (lambda _: planning.training_flops(GPTConfig(), 500), ["length=500", "block_size=128"]),
    "peak": (lambda _: planning.training_time(1.0, 0, 0.4), ["peak=0", "device.measure_peak"]),
    "page": (lambda _: page_training.PageSettings(width=7), ["width=7", "배수"]),
    "folder": (
        lambda _: hub.read_config(Path("nowhere/at/all")),
        ["nowhere/at/all", "config.json"],
    ),
    "network's file": (lambda _: network_file.read_encoding("no.safetensors"), ["no.safetensors"]),
    "snapshot": (lambda _: recipes.smallworld().at(7), ["step=7"]),
    "characters": (lambda _: vocabularies.Characters("aab"), ["characters"]),
    "tiles": (lambda _: kernels.tiles(0, (2, 2)), ["T=0", "1 이상"]),
    "picture": (lambda _: Counter(preset="gpt5"), ["preset='gpt5'", "gpt2-xl"]),
    "a picture's tokens": (
        lambda _: Tiles([], np.zeros((0, 2)), np.zeros((0, 2))),
        ["토큰 수=0"],
    ),
    "module": (lambda _: nbutils.token, ["'token'", "tokens"]),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_in_korean_keeps_name_value_and_remedy(korean, small, case):
    does, kept = ERRORS[case]
    with pytest.raises(Exception) as caught:
        does(small)
    said = str(caught.value)
    assert HANGUL.search(said) and not re.search(r"[a-z]+ [a-z]+ [a-z]+", said), said
    assert [words for words in kept if words not in said] == [], said
    assert not re.search(r"\{\w+\}", said)


def test_errors_of_files_name_file_and_line(korean, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a"}\n{"words": "b"}\n', "utf-8")
    with pytest.raises(ValueError, match=r"rows.jsonl, 2번째 줄: 키 'text' .*있는 것: words"):
        list(text_files.documents(rows))
    rows.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="rows.jsonl: .*zip.*UTF-8"):
        list(text_files.documents(rows))
    table = tmp_path / "table.csv"
    table.write_text("a,b\n", "utf-8")
    with pytest.warns(UserWarning, match="table.csv: .*기호"):
        list(text_files.documents(table))


def test_the_doctor_speaks_korean(korean, capsys, monkeypatch):
    monkeypatch.setattr(device, "pick", lambda name="auto": CPU)
    doctor.ready()
    assert (
        capsys.readouterr().out
        == "CPU, 스레드 2개, float32 (이 칩은 더 짧은 형식에서 확실한 이득이 없습니다)\n"
    )
    findings = [doctor.Finding("torch", "2.13.0"), *doctor._python(), *doctor._memory()]
    assert doctor.report(findings).endswith("모두 괜찮습니다")
    assert "메모리: " in doctor.report(findings)
    findings.append(doctor._package("surely-not-there", ">=2"))
    assert doctor.report(findings).endswith(
        '✗ surely-not-there: 없습니다\n    pip install "surely-not-there>=2"\n고칠 것 1개'
    )


def test_a_file_in_the_place_of_a_package_is_told_in_korean(korean, monkeypatch):
    shadow = shadowing.Shadow("torch", "/home/ada/torch.py", own=False)
    assert (
        shadow.says
        == "내 파일 /home/ada/torch.py 때문에 패키지 torch 대신 그 파일이 쓰입니다. 이름을 바꾸세요"
    )
    monkeypatch.setitem(sys.modules, "nbutils.words", None)  # as if it could not be loaded
    assert shadow.says.startswith("a file of yours, /home/ada/torch.py, stands in place of")


def test_a_chip_and_what_it_can_do(korean):
    fit = planning.Fit("gpt2", GPTConfig.preset("gpt2"), 8, int(9e9), 16e9, 0.5)
    assert str(fit) == (
        "gpt2, 파라미터 124,439,808개, 배치 8 x 토큰 1,024개: 16 GB 가운데 9.0 GB, 업데이트 한 번에 약 0.5초"
    )
    assert ladder.describe_memory(GPTConfig(), [], CPU, 1).startswith("많아야 0 MB 필요")
    assert (
        str(TrainingInterrupt(1500))
        == "1,500스텝에서 멈췄습니다. 같은 것을 다시 부르면 이어 갑니다"
    )
    assert TrainingInterrupt(1500, 1000).message(command=True).endswith("1,000스텝에서 이어 갑니다")


@pytest.mark.parametrize("command", ["pack", "train", "sample", "grade", "doctor"])
def test_a_command_s_help(korean, capsys, monkeypatch, command):
    def said() -> str:
        try:
            cli.main([command, "--help"])
        except SystemExit:
            pass
        return capsys.readouterr().out

    in_korean = said()
    assert f"python -m nbutils {command}" in in_korean
    assert sum(bool(HANGUL.search(line)) for line in in_korean.splitlines()) >= 1
    monkeypatch.setenv("NBUTILS_LANG", "en")
    in_english = said()
    assert not HANGUL.search(in_english)
    options = re.findall(r"^\S (--?[\w.-]+)", in_english, re.M)
    assert [one for one in options if one not in in_korean] == []


def test_every_option_has_its_help_in_korean(korean, capsys):
    for command in ("pack", "train", "sample", "grade"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
    out = capsys.readouterr().out
    left = re.sub(
        r"\((?:default|required)[^)]*\)|show this help message and exit|\w+ options", "", out
    )
    assert re.findall(r"(?<=[a-z] )[a-z]+ [a-z]+ [a-z]+", left) == []


def test_the_command_line_says_what_went_wrong(korean, capsys, tmp_path):
    assert cli.main([]) == 0 and cli.main(["paint"]) == 2
    told = capsys.readouterr()
    assert HANGUL.search(told.out) and told.err.startswith("'paint': 없는 명령입니다")
    assert cli.main(["sample", "--from", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith(f"오류: {tmp_path / 'none'}: 훈련이 끝난 모델이")


def test_a_grader_s_tables_in_korean(korean, tmp_path):
    found = [
        grading.Mark("ada.ipynb", "linear", marks.PASSED, "맞습니다."),
        grading.Mark("ada.ipynb", "embed", marks.UNTRIED, ""),
        grading.Mark("bob.ipynb", "", marks.ERROR, "비어 있습니다"),
    ]
    grading.write_csv(found, tmp_path / "grades.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "grades.csv").read_text("utf-8-sig"))))
    assert rows[0] == ["노트북", "연습 문제", "상태", "설명"]
    assert [row[2] for row in rows[1:]] == ["정답", sentence("not tried yet"), "실행할 수 없음"]
    page = grading.as_html(found)
    assert '<html lang="ko">' in page and "<h1>채점 결과</h1>" in page
    with pytest.raises(ValueError, match="no-such: 그런 폴더가 없습니다|no-such': 그런 폴더가"):
        grading.grade(tmp_path / "no-such")


def test_a_state_is_told_in_words():
    assert tuple(map(marks.said, marks.STATES)) == marks.STATES  # in English


def test_where_words_are_missing_it_is_english(monkeypatch):
    monkeypatch.setenv("NBUTILS_LANG", "ko")
    assert words.sentence("nobody has said {what}", what="{this}") == "nobody has said {this}"


def test_one_english_sentence_is_one_korean_one():
    """The tables lead from English to Korean, whichever module says it."""
    told: dict[str, set[str]] = {}
    for name in translated_sentences.NAMES:
        for one in catalogues.load(catalogues.path("ko", name)):
            if one.id and one.string:
                told.setdefault(one.id, set()).add(one.string)
    assert {english: said for english, said in told.items() if len(said) > 1} == {}


# --- what stands in the code --------------------------------------------------------------------

# These run where a notebook is graded, behind its fence, and have no words.
FENCED = {
    f"exercises/grading/{name}.py" for name in ("fence", "landlock", "shell", "student", "wire")
}
# What only who writes the package meets: an invariant, a damaged file of its own, a row for `make gpu`.
INTERNAL = {
    "checkpoints/shards.py": ["a checkpoint names"],
    "checkpoints/single_file.py": ["what the file holds"],
    "checkpoints/state.py": [
        "the optimizer's memory is of",
        "a part of the optimizer's memory is missing",
        "a part of the optimizer's memory is of",
    ],
    "chips.py": [
        "is not as `make gpu`",
        "device= is none of",
        ": must be words",
        ", : a row",
        "versions: is missing or",
        "is none of",
        ": is missing or",
        "has a run on",
        ", : rows are in",
    ],
    "doctor.py": ["pip install"],  # a command
    "figures/moving/networks.py": ["the sorter makes mistakes"],
    "figures/moving/picture.py": ["the numbers to pack"],
    "figures/moving/weights.py": ["no turn of"],
    "kernels/trial.py": ["it stored in the"],
    "progress.py": ["step is , not from"],
    "recipes.py": [": nats a token"],
    "smallworld/choices.py": ["a choice needs options", "an option needs a", "the option is the"],
}
FILES = sorted(FOLDER.rglob("*.py"))
CONVERTED = [
    path
    for path in FILES
    if path.relative_to(FOLDER).parts[0] not in ("words", "exercises")
    or (path.relative_to(FOLDER).parts[:2] == ("exercises", "grading"))
    and path.relative_to(FOLDER).as_posix() not in FENCED
]
TOLD = re.compile(r"(Error|Interrupt|Lost|warnings\.warn|print|Finding)$")


def english(node: ast.AST) -> list[str]:
    """Literals of three words or more in it, f-strings as a whole, outside of what says a sentence."""
    if isinstance(node, ast.Call) and [*translated_sentences.said_by(node)]:
        return []
    if isinstance(node, ast.JoinedStr):
        text = "".join(one.value for one in node.values if isinstance(one, ast.Constant))
        inside = [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
    else:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        inside = [*ast.iter_child_nodes(node)]
    own = [text] if len(re.findall(r"[A-Za-z']{2,}", text)) > 2 else []
    return own + [said for one in inside for said in english(one)]


def told_in_english(path: Path) -> list[str]:
    """What a module tells in English alone: as an error, a warning, a finding, or printed."""
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        said
        for call in calls
        if TOLD.search(ast.unparse(call.func))
        for given in (*call.args, *call.keywords)
        for said in english(given)
    ]


@pytest.mark.parametrize("path", CONVERTED, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_nothing_is_told_in_english_alone(path):
    known = INTERNAL.get(path.relative_to(FOLDER).as_posix(), [])
    found = [" ".join(re.findall(r"[\w'`=.,:]+", said)) for said in told_in_english(path)]
    assert [said for said in found if not said.startswith(tuple(known))] == []
    assert [one for one in known if not any(said.startswith(one) for said in found)] == []


SAYING = [path for path in FILES if "words" not in path.relative_to(FOLDER).parts]


@pytest.mark.parametrize("path", SAYING, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_each_place_in_a_sentence_has_its_value(path):
    """And each value its place in one of the sentences, where they stand in the call."""
    module = ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    module = module.removesuffix(".__init__")
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != translated_sentences.CALL:
            continue
        places = set()
        for says in translated_sentences.literals(call.args[0], module):
            places |= set(re.findall(r"\{(\w+)\}", says))
        given = {each.arg for each in call.keywords}
        assert places == given or None in given, f"line {call.lineno}: {places ^ given}"


def test_what_is_told_in_english_is_found(tmp_path):
    file = tmp_path / "one.py"
    file.write_text(
        'raise ValueError(f"x={x} is too small for this")\n'
        'raise ValueError(sentence("x={x} is too small for this", x=x))\n'
        'print("this is printed", "two words")\n'
        'whole("n", n, 1, or_none="None for all of them")\n'
        'warnings.warn("a" if b else "one two three")\n',
        "utf-8",
    )
    assert told_in_english(file) == [
        "x= is too small for this",
        "this is printed",
        "one two three",
    ]


@pytest.mark.parametrize("path", CONVERTED, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_no_sentence_is_said_when_a_module_is_loaded(path):
    """Who chooses a language does so afterwards."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    later = {id(inner) for one in functions for part in one.body for inner in ast.walk(part)}
    assert [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == translated_sentences.CALL
        and id(node) not in later
    ] == []
