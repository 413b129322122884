"""The student's functions, put together: compared with the course's own GPT, optimizer and measures."""

import itertools
import types
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbutils import exercises, smallworld
from nbutils.evaluation import document_losses
from nbutils.exercises import record, your_gpt
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.your_gpt import (
    IN_THE_GPT,
    Functions,
    YourGPT,
    YourTokenizer,
    evaluate,
    fitness,
    train,
    unfit,
    write,
    your_functions,
)
from nbutils.model import GPT, GPTConfig

COURSE = Functions({name: exercise(name).answer for name in names()})
SMALL = dict(n_layer=2, n_head=2, n_embd=16, bias=False)


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))


@pytest.fixture(scope="module")
def documents():
    return smallworld.generate(60)


@pytest.fixture(scope="module")
def tokenizer(documents):
    return YourTokenizer(COURSE, documents, n_merges=150)


def model(vocab_size, block_size=24, seed=0) -> YourGPT:
    torch.manual_seed(seed)
    return YourGPT(COURSE, GPTConfig(vocab_size=vocab_size, block_size=block_size, **SMALL))


# The tokenizer


@settings(deadline=None, max_examples=60)
@given(text=st.text())
def test_every_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_with_all_merges_each_word_of_the_world_is_one_token(documents):
    whole = YourTokenizer(COURSE, documents, n_merges=5000)
    words = {word for text in documents for word in COURSE.split_words(text)}
    assert all(len(whole.encode(word)) == 1 for word in words)
    assert whole.vocab_size == 256 + len(whole.merges) + 1 < 5000


def test_one_word_is_learned_as_learn_merges_learns_it():
    word = "banananabanana" * 3
    assert YourTokenizer(COURSE, [word], 6).merges == COURSE.learn_merges(word, 6)


def test_a_word_counts_as_often_as_it_stands_there():
    assert YourTokenizer(COURSE, ["xy ab", "ab", "ab"], 1).merges == [(ord("a"), ord("b"))]


def test_documents_are_joined_by_their_ends(tokenizer, documents):
    row = tokenizer.encode_documents(documents[:3])
    assert (row == tokenizer.end_id).sum() == 4
    assert tokenizer.decode(row.tolist()) == "".join(documents[:3])


# The network


@pytest.mark.parametrize("heads, layers, T", [(1, 1, 1), (2, 3, 7), (4, 2, 24)])
def test_logits_are_the_reference_s(heads, layers, T):
    torch.manual_seed(heads)
    sizes = GPTConfig(
        vocab_size=50, block_size=24, n_layer=layers, n_head=heads, n_embd=16, bias=False
    )
    gpt = YourGPT(COURSE, sizes)
    for weight in gpt.parameters():  # far from how they begin: every norm and table counts
        torch.nn.init.normal_(weight, std=0.3)
    ids = torch.randint(50, (3, T))
    torch.testing.assert_close(gpt(ids), gpt.reference(ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "name", ["embed", "transformer_block", "layer_norm", "multi_head_attention", "mlp", "linear"]
)
def test_each_part_of_the_network_is_really_called(name):
    called = []

    def counted(*args):
        called.append(args)
        return exercise(name).answer(*args)

    gpt = model(50)
    gpt.your = Functions(COURSE.all | {name: counted})
    gpt(torch.randint(50, (1, 5)))
    assert called


@pytest.mark.parametrize("wish", [dict(bias=True), dict(dropout=0.1), dict(rotary=True)])
def test_what_the_exercises_lack_is_refused(wish):
    config = GPTConfig(**{"vocab_size": 50, "block_size": 8, **SMALL, **wish})
    with pytest.raises(ValueError, match="GPTConfig\\(bias=False"):
        YourGPT(COURSE, config)


@pytest.mark.parametrize(
    "ids, message",
    [
        (torch.tensor([[3, 50]]), r"tokens has id 50.* \(0 to 49\)"),
        (torch.zeros(1, 25, dtype=torch.long), "25 tokens is longer"),
        ([[3, 4]], "tokens=.* is of type list, not a tensor"),
        (torch.zeros(1, 2), "dtype torch.float32"),
    ],
)
def test_ids_that_it_can_t_read_are_told(ids, message):
    with pytest.raises(ValueError, match=message):
        model(50)(ids)


# Its training


def test_updates_are_pytorch_s(tokenizer, documents):
    """Three updates by the course's functions, and by PyTorch's AdamW and clipping."""
    stream = tokenizer.encode_documents(documents)
    ours, theirs = model(tokenizer.vocab_size), model(tokenizer.vocab_size)
    parameters = list(theirs.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.98), eps=1e-8)
    torch.manual_seed(1)
    how = dict(batch_size=4, warmup=1, device="cpu")
    losses = [loss for _, loss in train(ours, stream, tokenizer.end_id, 3, **how)]
    torch.manual_seed(1)
    starts = (stream[:-24] == tokenizer.end_id).nonzero()[:, 0]
    for step in range(3):
        places = starts[torch.randint(len(starts), (4,))]
        window = torch.stack([stream[at : at + 25] for at in places])
        _, loss = theirs.reference(window[:, :-1], window[:, 1:])
        assert abs(loss.item() - losses[step]) < 1e-4
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = COURSE.rate_at(step, 3, 1, 2.5e-3, 2.5e-4)
        optimizer.step()
    for mine, right in zip(ours.parameters(), parameters, strict=True):
        torch.testing.assert_close(mine, right, atol=1e-5, rtol=1e-4)


def test_training_learns(tokenizer, documents):
    stream = tokenizer.encode_documents(documents)
    gpt = model(tokenizer.vocab_size)
    losses = [loss for _, loss in train(gpt, stream, tokenizer.end_id, 40, highest=1e-2, warmup=4)]
    assert losses[-1] < losses[0] - 1


def test_whole_documents_are_measured_as_the_course_measures_them(documents):
    encoding = smallworld.encoding()
    same = types.SimpleNamespace(end_id=encoding.eot_token, encode=encoding.encode)
    gpt = model(encoding.n_vocab, block_size=smallworld.MAX_TOKENS)
    expected = sum(row.sum() for row in document_losses(gpt.reference, documents, encoding))
    torch.testing.assert_close(
        evaluate(gpt, same, documents), expected / len(documents), rtol=1e-5, atol=1e-3
    )


# What it writes


def test_at_temperature_0_it_writes_the_likeliest_tokens(tokenizer):
    gpt = model(tokenizer.vocab_size)
    end = tokenizer.end_id

    def next_logits(ids):
        return gpt(torch.tensor([ids]))[0, -1]

    with torch.no_grad():
        ids = COURSE.generate_ids(next_logits, [end, *tokenizer.encode("Anna")], 10, end)
    assert write(gpt, tokenizer, "Anna", temperature=0, most=10) == tokenizer.decode(ids)


def test_longer_than_its_context_it_goes_on(tokenizer):
    gpt = model(tokenizer.vocab_size, block_size=4)
    torch.manual_seed(0)
    text = write(gpt, tokenizer, "Anna is a girl", most=12)
    assert text.startswith("Anna is a girl")
    torch.manual_seed(0)
    assert write(gpt, tokenizer, "Anna is a girl", most=12) == text


def test_a_low_top_p_leaves_the_likeliest(tokenizer):
    gpt = model(tokenizer.vocab_size)
    assert write(gpt, tokenizer, "Anna", top_p=1e-6, most=8) == write(
        gpt, tokenizer, "Anna", temperature=0, most=8
    )


# What can't be done


def test_tokens_elsewhere_and_a_chip_that_is_not_here_are_told(tokenizer):
    """What a GPU does is tried in tests/chips."""
    gpt = model(tokenizer.vocab_size)
    with pytest.raises(ValueError, match="tokens is on meta and the model on cpu"):
        gpt(torch.zeros(1, 5, dtype=torch.long, device="meta"))
    stream = torch.tensor([tokenizer.end_id] * 60)
    for use in (
        lambda: next(train(gpt, stream, tokenizer.end_id, 1, device="tpu")),
        lambda: your_functions("tpu"),
        lambda: unfit("linear", COURSE.linear, "tpu"),
    ):
        with pytest.raises(ValueError, match="device='tpu' is none of"):
            use()


def test_a_row_in_which_no_window_can_begin_is_refused(tokenizer):
    for tokens in ([tokenizer.end_id] * 5, [0] * 100):
        with pytest.raises(ValueError, match="smaller block_size"):
            next(train(model(tokenizer.vocab_size), torch.tensor(tokens), tokenizer.end_id, 1))


def test_another_s_tokenizer_and_no_documents_are_refused(tokenizer):
    small = model(tokenizer.vocab_size - 1)
    for use in (lambda: write(small, tokenizer), lambda: evaluate(small, tokenizer, ["Anna"])):
        with pytest.raises(ValueError, match="use the tokenizer that it was made with"):
            use()
    with pytest.raises(ValueError, match="documents is empty"):
        evaluate(model(tokenizer.vocab_size), tokenizer, [])


# Which functions are of use


@pytest.mark.parametrize("name", list(fitness.TRAINING_INPUTS))
def test_the_course_s_functions_are_of_use(name):
    assert unfit(name, exercise(name).answer) == ""


def detached(x, weight, bias):
    return exercise("linear").answer(x, weight, bias).detach()


def by_numpy(x, weight, bias):
    y = x.detach().numpy() @ weight.detach().numpy().T
    return torch.tensor(y if bias is None else y + bias.numpy())


def half_detached(x, weight, bias):
    return exercise("linear").answer(x, weight.detach(), bias)


def slow(x, weight, bias):
    rows = [[float((one * row).sum()) for row in weight] for one in x.flatten(0, -2)]
    return torch.tensor(rows).view(*x.shape[:-1], -1)


def windows_as_lists(tokens, starts, T):
    rows = [tokens[start : start + T + 1].tolist() for start in starts]
    return [row[:-1] for row in rows], [row[1:] for row in rows]


def in_place(x, scale, shift):
    x -= x.mean(dim=-1, keepdim=True)
    return exercise("layer_norm").answer(x, scale, shift)


@pytest.mark.parametrize(
    "name, answer, why",
    [
        ("linear", detached, "gives no gradient"),
        ("linear", by_numpy, "gives no gradient"),
        ("linear", half_detached, "gives no gradient for weight"),
        ("linear", slow, "20 times as slow"),
        ("layer_norm", in_place, "changes a tensor that it was given"),
        ("windows_at", windows_as_lists, "gives a list or an array, and a network needs a tensor"),
    ],
)
def test_what_is_right_and_of_no_use_is_told_and_stays_out(name, answer, why):
    assert why in unfit(name, answer)
    verdict = exercises.check(name, answer)
    if verdict.passed:
        assert "can't become part of your GPT" in verdict.says and why in verdict.says


@pytest.mark.parametrize(
    "name, answer",
    [
        ("multi_head_attention", "by_pytorch"),
        ("multi_head_attention", "by_einsum"),
        ("mlp", "in_double"),
        ("mean_loss", "by_shares"),
    ],
)
def test_who_adds_up_in_another_order_or_format_is_of_use(name, answer):
    (function,) = (one for one in exercise(name).right if one.__name__ == answer)
    assert unfit(name, function, "cpu") == ""


def stored(monkeypatch, **code):
    entries = {
        name: record.Entry(tries=1, passed="2026-01-01", code=text) for name, text in code.items()
    }
    record.store_progress(record.Progress(record.progress_file(), entries))


def test_your_functions_are_called_and_named(monkeypatch):
    stored(
        monkeypatch,
        linear="def linear(x, weight, bias):\n    y = x @ weight.T\n    return y if bias is None else y + bias\n",
        layer_norm="import torch\ndef layer_norm(x, a, b):\n"
        "    return torch.layer_norm(x, x.shape[-1:], a, b).detach()\n",
        to_bytes="def to_bytes(text):\n    return list(text.encode())\n",
    )
    your = your_functions()
    assert set(your.yours) == {"linear", "to_bytes"}
    assert your.linear is not COURSE.linear and your.layer_norm is COURSE.layer_norm
    assert "internals   1 of 12 yours" in repr(your)
    assert "layer_norm: it gives no gradient" in repr(your)
    with pytest.raises(AttributeError, match="no exercise 'liner'"):
        your.liner  # noqa: B018
    shown = exercises.progress()
    assert "are yours: to_bytes, linear, layer_norm" in shown.in_words()
    assert "<b>internals</b> 2 of 12" in shown._repr_html_()


def test_progress_leaves_out_what_is_of_no_use():
    exercises.check("linear", detached)
    shown = exercises.progress()
    assert "0 of the" in shown.in_words() and "gives no gradient" in str(shown)
    assert "<b>internals</b> 1 of 12" in shown._repr_html_()


def test_the_functions_that_are_named_are_those_that_are_called():
    files = Path(your_gpt.__file__).parent.glob("*.py")
    source = "".join(path.read_text("utf-8") for path in files)
    called = {name for name in names() if f"your.{name}(" in source}
    assert called == IN_THE_GPT
    assert fitness.ON_THE_CPU < fitness.TRAINING_INPUTS.keys() < IN_THE_GPT


def test_the_reference_is_the_course_s_own_model():
    assert isinstance(model(50).reference, GPT)
    assert list(itertools.islice(train(model(50), torch.tensor([0] * 40), 0, 0), 1)) == []
