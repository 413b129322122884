"""What the package must do on any chip, tried on one that is not there.

Each check is a function that raises; `CHECKS` says on which chips each runs.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from nbutils import device, kernels, ladder, planning, sampling, smallworld, tokens, training
from nbutils.checkpoints.state import rng_state, set_rng_state
from nbutils.evaluation import document_losses, evaluate
from nbutils.exercises.exercise import exercise
from nbutils.kernels import launch
from nbutils.kernels import standin as tl
from nbutils.kernels.memory import Moved
from nbutils.model import GPT, GPTConfig
from nbutils.trace import trace
from nbutils.windows import Windows

ENCODING = smallworld.encoding()
DOCUMENTS = smallworld.generate(300)
IDS = tokens.encode_documents(DOCUMENTS, ENCODING)
END, V = ENCODING.eot_token, ENCODING.n_vocab
GPT2 = GPTConfig.preset("small", n_layer=1, n_embd=32)
MODERN = GPTConfig.preset("modern", n_layer=1, n_embd=32)
SHORT = training.TrainConfig(
    steps=6,
    batch_size=2,
    warmup_steps=2,
    eval_every=3,
    eval_batches=1,
    start_token=END,
    progress=False,
)
CPU = torch.device("cpu")


def made(shape=GPT2) -> GPT:
    torch.manual_seed(0)
    return GPT(shape)


def losses(shape=GPT2, where="auto", **how) -> list[float]:
    return training.train(made(shape), IDS, IDS, replace(SHORT, device=where, **how)).val_losses


def place(model) -> set[torch.device]:
    return {weight.device for weight in model.parameters()}


def brings_the_network_back(chip):
    seen, model = [], made()
    training.train(model, IDS, IDS, SHORT, on_eval=lambda _, model: seen.append(place(model)))
    assert seen == 3 * [{chip.current}] and place(model) == {CPU}
    try:
        training.train(model, IDS, IDS, replace(SHORT, learning_rate=1e30, warmup_steps=0))
    except training.TrainingDivergedError:
        pass
    assert place(model) == {CPU}
    device.empty_cache(device.pick())
    assert chip.used == 0, f"{chip.used} bytes are still held"


def trains_on_wherever_a_callback_takes_the_network(chip):
    model = made()
    config = replace(SHORT, steps=2, eval_every=1)
    training.train(model, IDS, IDS, config, on_eval=lambda _, model: model.cpu())
    assert place(model) == {CPU}


def takes_ids_from_anywhere(chip):
    here, model = device.pick().device, made().eval()
    ids = torch.tensor([[END, 5, 6]])
    alone = sampling.generate(model, ids, 4, temperature=0)
    windows = Windows(IDS, 8, 80)
    loss, values = evaluate(model, windows, 1), trace(model, ids).logits
    model.to(here)
    for where in (CPU, here):
        written = sampling.generate(model, ids.to(where), 4, temperature=0, stop=END)
        assert written.device.type == where.type and written.tolist() == alone.tolist()
        new = list(sampling.stream(model, ids.to(where), 2, seed=0))
        assert {one.device.type for one in new} == {where.type}
        found = trace(model, ids.to(where)).logits
        assert found.device.type == here.type
        torch.testing.assert_close(found.cpu(), values, atol=1e-4, rtol=1e-4)
    assert abs(evaluate(model, windows, 1) - loss) < 1e-3
    assert len(document_losses(model, DOCUMENTS[:3], ENCODING)) == 3
    assert refused(model, ids).startswith("tokens is on cpu and the model on")
    for ask, what in (
        (trace, torch.tensor([[5, V]])),
        (evaluate, Windows(IDS[:500] + V, 2, 80)),
        (
            lambda *given: document_losses(*given, tokens.get_encoding("cl100k_base")),
            DOCUMENTS[:2],
        ),
    ):
        assert "outside this model's vocabulary" in refused(ask, model, what), ask


def refused(ask, *given) -> str:
    """A GPU does not refuse an id that it has no row for: it stops, or gives any numbers."""
    try:
        ask(*given)
    except ValueError as error:
        return str(error)
    return "taken"


def has_a_cpus_losses(chip):
    for shape, how in (
        (GPT2, {"accumulation": 2}),
        (MODERN, {"optimizer": "muon"}),
    ):
        alone, found = (losses(shape, where, **how) for where in ("cpu", "auto"))
        worst = max(abs(a - b) for a, b in zip(alone, found, strict=True))
        assert worst < 5e-3, f"{how}: {worst}"
    compiled = chip.compiled
    assert losses(compile="blocks") == losses() and chip.compiled > compiled


def uses_its_own_format(chip):
    losses(MODERN, optimizer="muon")
    assert not chip.emulated, f"{chip.emulated} products in a format that this chip emulates"
    assert chip.lost < 5e-5, f"{chip.lost:.3%} of the numbers became 0 in float16"


def does_not_wait_for_each_update(chip):
    waits = []
    for steps in (10, 20):
        before = chip.waits
        losses(steps=steps, eval_every=steps)
        waits.append(chip.waits - before)
    assert waits[1] - waits[0] <= 4, f"{waits[1] - waits[0]} waits in 10 updates"


def reads_the_clock_when_it_is_done(chip):
    here = device.pick()
    update, _ = ladder.make_update(GPT2, ladder.SPEED["fused optimizer"], here, 2)
    ladder._seconds_per_update(update, 0.01)
    assert not chip.clock_early
    windows = Windows(IDS, 2, 80, device=here.device)
    ladder.short_run(GPT2, ladder.SPEED["fused optimizer"], here, windows, windows, updates=2)
    update()
    device.synchronize(here)
    assert not chip.busy


def goes_on_as_if_it_had_not_stopped(chip):
    """Dropout's numbers too, and whatever is drawn between evaluations."""
    config, dropping = replace(SHORT, checkpoint_every=2), replace(GPT2, dropout=0.1)

    def draw(step, model):
        torch.rand(3, device=chip.current)

    whole = training.train(made(dropping), IDS, IDS, config).val_losses
    drawn = training.train(made(dropping), IDS, IDS, config, on_eval=draw).val_losses
    assert drawn == whole, "what on_eval draws changes the run"

    def stop(step, model):
        if step == 3:
            raise InterruptedError

    with tempfile.TemporaryDirectory() as folder:
        config = replace(config, checkpoint=folder)
        try:
            training.train(made(dropping), IDS, IDS, config, on_eval=stop)
        except InterruptedError:
            pass
        torch.rand(3, device=chip.current)
        again = training.train(made(dropping), IDS, IDS, config).val_losses
    assert again == whole, "a checkpoint lost something"


def draws_the_same_in_every_way(chip):
    model, start = made(MODERN).to(device.pick().device), torch.full((3, 1), END)
    ways = {}, {"cuda_graph": True}, {"use_cache": False}
    written = [sampling.generate(model, start, 20, seed=0, **way).tolist() for way in ways]
    assert written[0] == written[1] == written[2]
    with device.pick().autocast():
        for way in ways:
            assert sampling.generate(model, start, 5, **way).shape == (3, 6)


def needs_what_was_planned(chip):
    here, batch = device.pick(), 1
    shape = GPTConfig.preset("small", n_layer=2, n_embd=128, block_size=80)
    chip.forget()
    training.train(made(shape), IDS, IDS, replace(SHORT, batch_size=batch))
    parts = planning.training_memory(shape, batch, dtype=here.dtype, device=here.device.type)
    planned = planning.peak_memory(parts)
    least = (
        0.95 if chip.spec.kind == "cuda" else 0.9
    )  # AdamW is not fused on a Mac, and copies a little
    assert least < planned / chip.most < 1.05, f"planned {planned:,}, needed {chip.most:,}"


def remembers_the_state_of_its_generator(chip):
    kept = rng_state(chip.current)
    first = torch.rand(3, device=chip.current).tolist()
    set_rng_state(kept, chip.current)
    assert torch.rand(3, device=chip.current).tolist() == first


def keeps_to_the_second_card(chip):
    second = torch.device("cuda:1")
    assert device.pick("cuda:1").device == second
    assert losses(where="cuda:1") == losses()
    seen = []
    config = replace(SHORT, device="cuda:1")
    training.train(made(), IDS, IDS, config, on_eval=lambda _, model: seen.append(place(model)))
    assert seen == 3 * [{second}]
    model = made().to(second)
    assert sampling.generate(model, torch.tensor([[END]]), 5, seed=0).device == CPU
    on_first = sampling.generate(made().to("cuda:0"), torch.tensor([[END]]), 5, seed=0)
    assert on_first.tolist() == sampling.generate(model, torch.tensor([[END]]), 5, seed=0).tolist()
    trace(model, torch.tensor([[END]]))
    sampling.generate(model, torch.tensor([[END]]), 8, seed=0, cuda_graph=True)
    device.synchronize(device.pick("cuda:1"))
    assert chip.waited_for == 1


class Kept(Exception):
    pass


def lets_go_after_an_error(chip):
    """Also while somebody keeps the error, as a notebook does."""

    def stop(kind):
        def on_eval(step, model):
            if step:
                raise kind

        return on_eval

    kept = []
    for kind in (Kept, KeyboardInterrupt, torch.OutOfMemoryError):
        try:
            training.train(made(), IDS, IDS, SHORT, on_eval=stop(kind))
        except BaseException as error:
            kept.append(error)
    try:
        training.train(made(), IDS, IDS, replace(SHORT, learning_rate=1e30, warmup_steps=0))
    except training.TrainingDivergedError as error:
        kept.append(error)
    here = device.pick()

    def fails():
        raise torch.OutOfMemoryError("CUDA out of memory")

    update, count = ladder.make_update(GPT2, ladder.SPEED["fused optimizer"], here, 2)
    makers = {"one": lambda made=[(update, count)]: made.pop(), "two": lambda: (fails, 1)}
    del update
    try:
        ladder.speeds(makers, here, 0.01, 1)
    except torch.OutOfMemoryError as error:
        kept.append(error)
    device.empty_cache(here)
    assert len(kept) == 5 and chip.used < 2**20, f"{len(kept)} errors hold {chip.used:,} bytes"


def damages_no_checkpoint_when_it_is_full(chip):
    def stop(step, model):
        if step == 3:
            raise Kept

    with tempfile.TemporaryDirectory() as folder:
        config = replace(SHORT, checkpoint=folder, checkpoint_every=1)
        try:
            training.train(made(), IDS, IDS, config, on_eval=stop)
        except Kept:
            pass
        stored = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        here, model = device.pick(), made()
        needed = sum(weight.nbytes for weight in model.parameters())
        size = int(device.free_memory(here)) - needed - needed // 2  # not for the optimizer's state
        chip.take(size)
        try:
            training.train(model, IDS, IDS, config)
        except training.TrainingMemoryError as error:
            assert "out of memory at step 0" in str(error)
        else:
            raise AssertionError("where was the memory?")
        finally:
            chip.used_on[0] -= size
        assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == stored
        assert training.train(made(), IDS, IDS, config).steps[-1] == SHORT.steps


def shows_what_is_on_the_chip(chip):
    from nbutils.figures.moving.heads import AttentionHeads
    from nbutils.figures.moving.nudge import Nudge

    model = made().to(device.pick().device)
    last = trace(model, torch.tensor([[END, 5, 6]])).layers[-1]
    AttentionHeads(["a", "b", "c"], last.q[0], last.k[0])
    here = torch.full((1, 1), END, device=chip.current)
    Nudge(torch.stack([model(here)[0, 0].softmax(-1)] * 3), {"five": 5, "six": 6})


def leaves_the_chips_random_numbers_alone(chip):
    """What a learner draws after a check is not what it was after the check before."""
    from nbutils.exercises.checking import judge

    here, drawn = device.pick(), []
    for _ in range(2):
        judge("stable_softmax", exercise("stable_softmax").answer)
        ladder.make_model(GPT2, ladder.Rung(), here)
        drawn.append(torch.rand(3, device=chip.current).tolist())
    assert drawn[0] != drawn[1]


def checks_wherever_new_tensors_are(chip):
    from nbutils.exercises.checking import PASSED, judge

    torch.set_default_device(chip.current)
    try:
        for name in ("stable_softmax", "causal_mask", "cross_entropy_loss"):
            verdict = judge(name, exercise(name).answer)
            assert verdict.state == PASSED, verdict
        ladder.make_update(GPT2, ladder.Rung(), device.pick(), 2)
    finally:
        torch.set_default_device(None)


def says_when_it_is_full(chip):
    from nbutils import doctor

    here = device.pick()
    for left, words in ((2**20, "accumulation=2"), (2**10, "the model's weights find no room on")):
        size = int(device.free_memory(here)) - left
        chip.take(size)  # as another program does
        told = doctor._trains(here)
        assert told.startswith("Its memory is full"), told
        model = made()
        try:
            training.train(model, IDS, IDS, SHORT)
        except training.TrainingMemoryError as error:
            assert words in str(error), error
        else:
            raise AssertionError("where was the memory?")
        assert place(model) == {CPU}
        chip.used_on[0] -= size


def runs_kernels_where_their_tensors_are(chip):
    """By the stand-in, on the CPU: what was stored comes back, and nothing else."""

    @launch.jit
    def negate(X, Y, N, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(Y + at, -tl.load(X + at, mask=at < N), mask=at < N)

    torch.set_default_device(chip.current)
    try:
        x = torch.arange(60.0)
        negate[(1,)](x, x[5:], 5, BLOCK=16)
        moved = kernels.count_bytes(negate, (4,), x, x.clone(), 50, BLOCK=16)
    finally:
        torch.set_default_device(None)
    assert x.device == chip.current and moved == Moved(loaded=200, stored=200)
    assert x.tolist() == [*range(5), *range(0, -5, -1), *range(10, 60)]


ANY, CUDA, TWO = (
    ("T4", "L4", "A100", "H100", "two T4", "Mac"),
    ("T4", "L4", "A100", "H100"),
    ("two T4",),
)
ONE = (*CUDA, "Mac")
CHECKS = {
    brings_the_network_back: ONE,
    trains_on_wherever_a_callback_takes_the_network: ONE,
    takes_ids_from_anywhere: ANY,
    has_a_cpus_losses: ONE,
    uses_its_own_format: ONE,
    does_not_wait_for_each_update: ONE,
    reads_the_clock_when_it_is_done: ONE,
    goes_on_as_if_it_had_not_stopped: ONE,
    draws_the_same_in_every_way: ONE,
    needs_what_was_planned: ONE,
    lets_go_after_an_error: ONE,
    damages_no_checkpoint_when_it_is_full: CUDA,
    leaves_the_chips_random_numbers_alone: ONE,
    shows_what_is_on_the_chip: ONE,
    checks_wherever_new_tensors_are: ONE,
    remembers_the_state_of_its_generator: ANY,
    keeps_to_the_second_card: TWO,
    runs_kernels_where_their_tensors_are: ANY,
    says_when_it_is_full: CUDA,
}
