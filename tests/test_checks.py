"""What a check sees and says, whatever the exercise: arguments, forms, crashes, and the learner's world."""

import functools
import random
import threading
import time
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nbutils import exercises
from nbutils.exercises import guard, imitation
from nbutils.exercises.checking import PASSED, RAISED, STOPPED, WRONG, judge
from nbutils.exercises.exercise import exercise
from nbutils.exercises.forms import Results, describe_form
from nbutils.exercises.guard import Stopped, outcome
from nbutils.exercises.record import load_progress
from nbutils.exercises.your_gpt import unfit


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_PROGRESS", str(tmp_path / "progress.json"))


@pytest.fixture(autouse=True)
def short_search(monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 0.01)


def right_of(name: str):
    return exercise(name).answer


# --- arguments and results ------------------------------------------------------------------------


def test_an_argument_that_must_stay_is_looked_at_after_the_call():
    def in_place(weights, gradients, rate):
        with torch.no_grad():
            for w, g in zip(weights, gradients):
                w -= rate * g
        return weights

    verdict = judge("sgd_step", in_place)
    assert verdict.state == WRONG and verdict.named and "changes `weights`" in verdict.says


def test_an_argument_that_may_change_is_remarked_on():
    def in_place(counts):
        best = right_of("best_pair")(counts)
        counts.clear()
        return best

    verdict = judge("best_pair", in_place)
    assert verdict.state == PASSED and "It changes `counts`" in verdict.says


def test_each_result_is_compared_before_the_next_call():
    kept = []

    def reused(text):
        kept.clear()
        kept.extend(text.encode())
        return kept

    assert judge("to_bytes", reused).passed


def test_what_remembers_and_what_draws_is_told():
    seen = []

    def remembers(text):
        seen.extend(text.encode())
        return list(seen)

    assert "it remembers earlier calls" in judge("to_bytes", remembers).says

    def draws(x, weight, bias):
        return F.dropout(right_of("linear")(x, weight, bias), 0.5)

    assert "draws random numbers" in judge("linear", draws).says


# --- forms and relations ---------------------------------------------------------------------------

BYTES, MASK, LOSS = right_of("to_bytes"), right_of("causal_mask"), right_of("cross_entropy_loss")


@pytest.mark.parametrize(
    "name, answer, words",
    [
        ("to_bytes", lambda text: text, "gives `text` back as it came"),
        ("to_bytes", lambda text: print(BYTES(text)), "prints its result and returns nothing"),
        ("to_bytes", lambda text: None, "Is there a return"),
        ("to_bytes", lambda text: map(int, text.encode()), "a map, which holds the right values"),
        ("to_bytes", lambda text: (n for n in BYTES(text)), "a generator, which holds the right"),
        ("to_bytes", lambda text: BYTES, "gives a function"),
        ("to_bytes", lambda text: (BYTES(text), len(text)), "the first is the right one"),
        ("to_bytes", lambda text: [BYTES(text)], "stands in a list of one"),
        ("to_bytes", lambda text: str(BYTES(text)), "text that shows the right values"),
        ("to_bytes", lambda text: [72], "whatever it is given"),
        ("causal_mask", lambda T: MASK(T)[None], "squeeze"),
        ("causal_mask", lambda T: MASK(T).flatten(), "in another shape"),
        ("mlp", lambda *a: right_of("mlp")(*a).transpose(-2, -1), "two dimensions exchanged"),
        ("adamw_step", lambda *a: right_of("adamw_step")(*a)[0], "only the first of the 3"),
        ("adamw_step", lambda *a: right_of("adamw_step")(*a)[::-1], "in the wrong order"),
        ("adamw_step", lambda *a: (*right_of("adamw_step")(*a), 1), "the first 3 are right"),
        ("cross_entropy_loss", lambda *a: LOSS(*a) * 3, "3 times the right one"),
        ("cross_entropy_loss", lambda *a: LOSS(*a) + 2, "larger by 2"),
        ("neuron", lambda *a: right_of("neuron")(*a) ** 2, "the square of the right one"),
        ("mlp", lambda *a: right_of("mlp")(*a) * 0, "zeros only"),
        ("mlp", lambda *a: right_of("mlp")(*a).half().float(), "digits only"),
    ],
)
def test_a_form_has_its_sentence(name, answer, words):
    verdict = judge(name, answer)
    assert verdict.state == WRONG and verdict.named and words in verdict.says, verdict


def test_what_gives_an_object_is_not_told_to_remember():
    async def later(T):
        return MASK(T)

    class Mask:
        def __init__(self, T):
            self.mask = MASK(T)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # never awaited
        assert "Write def alone" in judge("causal_mask", later).says
    assert "another result" not in judge("causal_mask", Mask).says
    without_numbers = judge("causal_mask", lambda T: MASK(T).to("meta"))
    assert without_numbers.state == WRONG and "another result" not in without_numbers.says


def test_whatever_is_raised_ends_its_call_only():
    class Panic(BaseException):
        """As libraries in Rust raise it."""

    for error in (Panic("no"), GeneratorExit(), SystemExit(3)):

        def raises(T, error=error):
            raise error

        assert judge("causal_mask", raises).state == RAISED


def test_the_order_of_values_has_its_sentence():
    right = [[1, 2, 3], [3, 1, 2]]
    for mine, words in (
        ([row[::-1] for row in right], "backwards"),
        ([[2, 1, 3], [3, 2, 1]], "in another order"),
    ):
        results = Results(mine, right, [(), ()], [], ["", ""], torch.float32)
        assert words in describe_form(results)


def test_nothing_is_said_where_nothing_is_certain():
    mixed = iter([0.7, 1.9, 0.1, 3.3, 0.2, 8.5, 1.1, 0.9] * 9)
    noise = [next(mixed) for _ in range(60)]
    verdict = judge(
        "mlp", lambda *a: right_of("mlp")(*a) ** 3 + torch.tensor(noise[: a[0].shape[1]])[:, None]
    )
    assert verdict.state == WRONG and not verdict.named


# --- two mistakes at once ---------------------------------------------------------------------------


def test_two_are_told_only_if_both_show(monkeypatch):
    monkeypatch.setattr(imitation, "SECONDS_FOR_PAIRS", 60)

    def mean_for_b_only(x, y, w, b):
        d = torch.sigmoid(x @ w + b) - y
        return x.T @ d, d.mean()

    assert not judge("neuron_gradient", mean_for_b_only).says.startswith("Two mistakes")

    def nothing(gradients, most):
        torch.nn.utils.clip_grad_norm_(gradients, most)
        return gradients

    assert "back as it came" in judge("clip_gradients", nothing).says


# --- what takes too long -----------------------------------------------------------------------------


def caught(T):
    while True:
        try:
            T += 1
        except:  # noqa: E722
            pass


def caught_deeper(T):
    while True:
        try:
            while True:
                try:
                    caught(T)
                except:  # noqa: E722
                    continue
        except BaseException:
            pass


def sleeps(T):
    time.sleep(60)


def waits(T):
    threading.Event().wait()


def searches(T):
    import re

    return re.match(r"(a+)+$", "a" * 60 + "b")


@pytest.mark.parametrize("endless", [caught, caught_deeper, sleeps, waits, searches])
def test_whatever_does_not_end_is_ended(endless):
    start, before = time.monotonic(), guard._Chased.__init__
    found = outcome(endless, (1,), seconds=0.1)
    assert isinstance(found.error, Stopped) and found.line.startswith("line ")
    assert time.monotonic() - start < 5 and guard._Chased.__init__ is before
    assert sum(range(100_000))  # nothing of the watch is left to meet this


def test_what_can_t_be_ended_is_told(monkeypatch, capsys):
    monkeypatch.setattr(guard, "PATIENCE", 0.05)
    found = []

    def asleep(T):
        time.sleep(0.6)

    thread = threading.Thread(target=lambda: found.append(outcome(asleep, (1,), seconds=0.05)))
    thread.start()  # not the main thread: no alarm rings there
    thread.join()
    told = capsys.readouterr().err
    assert "asleep still runs in line" in told and "restart the kernel" in told
    assert isinstance(found[0].error, Stopped)


def test_an_alarm_of_the_learner_s_own_still_rings():
    signal = pytest.importorskip("signal")
    if not hasattr(signal, "setitimer"):
        pytest.skip("no alarms here")
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        outcome(lambda: time.sleep(0.02), ())
        end = time.monotonic() + 5
        while not rung and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung


def test_a_check_has_a_limit_in_all(monkeypatch):
    monkeypatch.setattr("nbutils.exercises.checking.SECONDS_IN_ALL", 0.3)
    verdict = judge("causal_mask", lambda T: time.sleep(0.2) or MASK(T))
    assert verdict.state == STOPPED


# --- the learner's world ------------------------------------------------------------------------------


def worlds():
    yield "no gradients", lambda: torch.set_grad_enabled(False)
    yield "float64", lambda: torch.set_default_dtype(torch.float64)
    yield "another device", lambda: torch.set_default_device("meta")
    yield "replaced", lambda: setattr(torch, "softmax", None)
    yield "replaced method", lambda: setattr(torch.Tensor, "softmax", None)
    yield "warnings are errors", lambda: warnings.simplefilter("error")
    yield "errors of numpy", lambda: np.seterr(all="raise")
    yield "half precision", lambda: torch.set_autocast_enabled("cpu", True)
    yield "short products", lambda: torch.set_float32_matmul_precision("medium")
    yield "determinism", lambda: torch.use_deterministic_algorithms(True)


@pytest.fixture
def put_back():
    softmax, method = torch.softmax, torch.Tensor.softmax
    errors = np.geterr()
    with warnings.catch_warnings():
        yield
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.softmax, torch.Tensor.softmax = softmax, method
    np.seterr(**errors)
    torch.set_autocast_enabled("cpu", False)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)


def state() -> tuple:
    return (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.softmax,
        torch.Tensor.softmax,
        list(warnings.filters),
        torch.default_generator.get_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),
        np.geterr(),
        torch.is_autocast_enabled("cpu"),
        torch.get_float32_matmul_precision(),
        torch.are_deterministic_algorithms_enabled(),
    )


@pytest.mark.parametrize("change", [c for _, c in worlds()], ids=[n for n, _ in worlds()])
def test_the_world_changes_no_verdict_and_is_the_same_afterwards(change, put_back):
    softmax = torch.softmax
    change()
    before = state()
    if torch.softmax is softmax:  # an answer that calls it
        assert exercises.check("bigram_probabilities", right_of("bigram_probabilities")).passed
    verdict = exercises.check("linear", right_of("linear"))
    assert verdict.passed and "can't become part" not in verdict.says, verdict
    assert ("Checked on the CPU" in verdict.says) == (torch.get_default_device().type != "cpu")
    assert judge("attention", right_of("attention")).passed
    assert state() == before


def test_a_function_that_changes_the_world_changes_it_for_its_call_only(put_back):
    def careless(T):
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.softmax = None
        warnings.simplefilter("error")
        return MASK(T)

    before = state()
    assert judge("causal_mask", careless).passed
    assert state() == before


def test_what_an_answer_prints_is_seen_once(capsys):
    def talks(T):
        print("T is", T)
        return MASK(T)

    assert exercises.check("causal_mask", talks).passed
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"T is {case.args[0]}" for case in exercise("causal_mask").cases(None)]


# --- fit for the GPT ----------------------------------------------------------------------------------


def attention_of_pytorch(x, weight_qkv, weight_out, n_head):
    T, C = x.shape[1:]
    layer = torch.nn.MultiheadAttention(C, n_head, bias=False, batch_first=True)
    weights = {"in_proj_weight": weight_qkv, "out_proj.weight": weight_out}
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    how = {"attn_mask": hidden, "need_weights": False}
    return torch.func.functional_call(layer, weights, (x, x, x), how)[0]


def test_another_way_to_compute_is_fit():
    assert judge("multi_head_attention", attention_of_pytorch).passed
    assert unfit("multi_head_attention", attention_of_pytorch, "cpu") == ""


def test_a_gradient_that_is_missing_is_named():
    def copied(x, weight, bias):
        layer = torch.nn.Linear(*weight.shape[::-1], bias=False)
        layer.weight.data.copy_(weight)
        return layer(x) if bias is None else layer(x) + bias

    assert "no gradient for weight" in unfit("linear", copied, "cpu")


def test_an_answer_whose_text_can_t_be_kept_is_told_so():
    partial = functools.partial(lambda more, T: MASK(T), 1)
    for answer in (lambda T: MASK(T), partial):
        verdict = exercises.check("causal_mask", answer)
        assert verdict.passed and "its text can't be kept" in verdict.says
    assert load_progress().entries["causal_mask"].passed
