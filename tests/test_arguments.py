"""Whatever a learner gives to a function of the package: it works, or a sentence names it."""

import math
import re
import traceback
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import TALKATIVE, TINY, random_model

import nbutils
from nbutils import device, network_file, planning, recipes, smallworld, vocabularies
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import document_losses, evaluate
from nbutils.kv_cache import KVCache
from nbutils.model import GPT
from nbutils.optim import learning_rate_at
from nbutils.page_training import PageSettings, first_network
from nbutils.sampling import generate, next_token_probabilities, stream
from nbutils.trace import trace
from nbutils.training import train
from nbutils.windows import Windows, open_tokens, token_dtype, write_tokens

# What people give where a number, a tensor, a network or a text should be.
STRANGE = {
    "None": None,
    "text": "0.7",
    "bytes": b"ab",
    "yes": True,
    "negative": -1,
    "half": 0.5,
    "zero": 0,
    "nan": math.nan,
    "inf": math.inf,
    "huge": 10**30,
    "longer than Python writes": 10**5000,
    "list": [1, 2],
    "ragged": [[1, 2], [3]],
    "nested": [[1, 2]],
    "empty": [],
    "dict": {"a": 1},
    "array": np.array([[1, 2]]),
    "floats": np.array([0.5, 1.5]),
    "NumPy's float": np.float32(0.5),
    "NumPy's integer": np.int16(3),
    "NumPy's yes": np.bool_(True),
    "PyTorch's number": torch.tensor(0.5),
    "PyTorch's integer": torch.tensor(3),
    "row": torch.tensor([1, 2]),
    "float row": torch.tensor([[0.5, 1.0]]),
    "no shape": torch.empty(2, 0, dtype=torch.long),
    "elsewhere": torch.ones(1, 2, dtype=torch.long, device="meta"),
    "complex": 1 + 2j,
    "decimal": Decimal("0.5"),
    "fraction": Fraction(1, 2),
    "path": Path("no/such/place"),
    "home of nobody": "~nobody-of-that-name/x",
    "kind": GPT,
    "function": print,
    "network": torch.nn.Linear(2, 2),
    "nothing in it": torch.nn.Identity(),
}


class Settings:
    """What each function is called with, one argument after the other exchanged for what is strange."""

    model, corpus = random_model(), np.arange(200, dtype=np.uint16) % TALKATIVE.vocab_size
    prompt, windows = torch.tensor([[3, 4]]), Windows(corpus, 2, 8)
    encoding, chip = smallworld.encoding(), device.pick("cpu")
    reader = GPT(
        GPTConfig(vocab_size=encoding.n_vocab, n_layer=1, n_head=1, n_embd=4, block_size=64)
    )
    quick = TrainConfig(
        steps=1, batch_size=1, eval_batches=1, block_size=4, device="cpu", progress=False
    )
    logits = torch.tensor([0.1, 0.2, 0.3])
    in_page = PageSettings(layers=1, width=16, steps=9)
    signs = vocabularies.Characters(["a", "b"])


S = Settings
SAMPLING = dict(temperature=1.0, top_k=2, top_p=0.9)
STREAM = SAMPLING | dict(stop=3, seed=1, use_cache=True, cuda_graph=False)
REQUEST = dict(model=S.model, tokens=S.prompt, max_new_tokens=1)
CALLS = {
    "forward": (lambda **given: len(S.model(**given)), dict(tokens=S.prompt, labels=S.prompt)),
    "flops_per_token": (S.model.flops_per_token, dict(length=8)),
    "GPT": (GPT, dict(config=TINY)),
    "generate": (generate, REQUEST | STREAM),
    "stream": (lambda **given: list(stream(**given)), REQUEST | STREAM),
    "next_token_probabilities": (next_token_probabilities, SAMPLING | dict(logits=S.logits)),
    "trace": (trace, dict(model=S.model, tokens=S.prompt)),
    "KVCache": (KVCache, dict(n_layer=2, capacity=4)),
    "evaluate": (partial(evaluate, S.model), dict(windows=S.windows, batches=1)),
    "document_losses": (
        document_losses,
        dict(model=S.reader, documents=["Ada"], encoding=S.encoding, batch_size=2),
    ),
    "train": (
        train,
        dict(
            model=random_model(n_layer=1),
            train_tokens=S.corpus,
            val_tokens=S.corpus,
            config=S.quick,
            on_eval=None,
        ),
    ),
    "Windows": (
        Windows,
        dict(
            tokens=S.corpus,
            batch_size=2,
            block_size=8,
            seed=0,
            device="cpu",
            start_token=3,
            vocab_size=31,
            each_once=True,
        ),
    ),
    "batch": (S.windows.batch, dict(step=0)),
    "epoch": (lambda batches: next(S.windows.epoch(batches)), dict(batches=1)),
    "token_dtype": (token_dtype, dict(vocab_size=9)),
    "open_tokens": (open_tokens, dict(path="no/such/file")),
    "write_tokens": (partial(write_tokens, chunks=S.corpus), dict(path="ids.bin", vocab_size=31)),
    "learning_rate_at": (
        learning_rate_at,
        dict(step=3, config=TrainConfig(seconds=4), seconds=1.0),
    ),
    "pick": (device.pick, dict(device="cpu")),
    "measure_peak": (partial(device.measure_peak, seconds=0), dict(chip=S.chip, n=2)),
    "measure_bandwidth": (partial(device.measure_bandwidth, seconds=0), dict(chip=S.chip, size=8)),
    "fastest_time": (lambda chip: device.fastest_time(chip, int, 1), dict(chip=S.chip)),
    "parameters": (planning.parameters, dict(config=TINY)),
    "training_flops": (planning.training_flops, dict(config=TINY, length=4)),
    "training_memory": (
        planning.training_memory,
        dict(
            config=TINY,
            batch_size=2,
            length=4,
            optimizer="adamw",
            dtype=torch.float32,
            checkpointing=False,
            split=1,
            written_out=False,
        ),
    ),
    "process_memory": (
        planning.process_memory,
        dict(config=TINY, batch_size=2, kind="ddp", processes=2),
    ),
    "sent_per_step": (
        planning.sent_per_step,
        dict(config=TINY, tokens=9, kind="ddp", processes=2, number=2),
    ),
    "inference_memory": (
        planning.inference_memory,
        dict(config=TINY, batch_size=2, length=4, number=2),
    ),
    "training_time": (
        planning.training_time,
        dict(flops=1e9, peak=1e9, utilisation=0.5, chips=1),
    ),
    "price": (planning.price, dict(seconds=9.0, chips=2, dollars_an_hour=2)),
    "compute_optimal": (planning.compute_optimal, dict(flops=1e9)),
    "largest": (planning.largest, dict(chip=S.chip, available=1e12, peak=1e12, seconds=2.0)),
    "at": (recipes.smallworld().at, dict(step=100)),
    "read_network": (
        recipes.read_network,
        dict(path=recipes.FOLDER / "smallworld-100.safetensors"),
    ),
    "PageSettings": (
        PageSettings,
        dict(
            layers=2,
            width=16,
            positions="none",
            window=80,
            optimizer="muon",
            rate=0.01,
            seconds=9,
            steps=9,
            batch=8,
            seed=0,
        ),
    ),
    "first_network": (first_network, dict(settings=S.in_page)),
    "save_network": (
        network_file.save_network,
        dict(model=S.reader, path="my-gpt.safetensors", encoding=S.encoding),
    ),
    "read_encoding": (network_file.read_encoding, dict(path="no/such/file")),
    "Characters": (vocabularies.Characters, dict(characters=["a", "b"])),
    "ChosenTokens": (partial(vocabularies.ChosenTokens, S.encoding), dict(ids=[0, 1241])),
    "base_ids": (vocabularies.base_ids, dict(encoding=S.signs)),
    "Characters.encode": (S.signs.encode, dict(text="ab")),
    "encode_ordinary": (S.signs.encode_ordinary, dict(text="ab")),
    "smallworld.generate": (smallworld.generate, dict(n_documents=1, seed=1)),
    "smallworld.endless": (lambda seed: next(smallworld.endless(seed)), dict(seed=1)),
    "next_probabilities": (smallworld.next_probabilities, dict(prefix="")),
    "token_losses": (smallworld.token_losses, dict(text="")),
}
# there are no such files
FORMS = {"open_tokens": np.memmap, "read_encoding": vocabularies.Characters}
CASES = [
    (name, argument) for name, (_, good) in CALLS.items() if name != "train" for argument in good
]
CASES += [("train", argument) for argument in ("train_tokens", "val_tokens", "config")]
CASES += [("train", "model")]


def form(result) -> object:
    """What a result is made of: a text or a list in place of a number is none."""
    if isinstance(result, dict):
        return {name: form(value) for name, value in result.items()}
    return "a number" if isinstance(result, int | float) else type(result)


def complaint(function, argument: str, given: dict, expected: object) -> str | None:
    """What is wrong with how a call ends; None for a result of the usual form or the package's sentence."""
    try:
        found = form(function(**given))
        return None if found == expected else f"gave {found}"
    except (ValueError, TypeError, OSError) as error:
        where = traceback.extract_tb(error.__traceback__)[-1].filename
        told = str(error)
        text = isinstance(given[argument], str | Path) and str(given[argument])[:16]
        if text and text in told:
            return None  # of a text or a path the sentence has what is wrong with it
        if Path(nbutils.__file__).parent not in Path(where).parents:
            return f"raised in {where}: {type(error).__name__}: {told}"
        named = re.search(rf"\b{argument.removesuffix('_tokens')}", told)
        return None if named else f"does not name {argument}: {told}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def complaints(name: str, argument: str) -> dict[str, str]:
    function, good = CALLS[name]
    expected = FORMS.get(name) or form(function(**good))
    tried = {
        kind: complaint(function, argument, good | {argument: value}, expected)
        for kind, value in STRANGE.items()
    }
    return {kind: told[:300] for kind, told in tried.items() if told}


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_what_is_strange_works_or_is_named(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaints(name, argument) == {}
