"""The moving picture of a run's plan: its Python side, and JavaScript's arithmetic beside it."""

import json
import math
import random
import re

import pytest
from shown import bundled
from test_javascript import node

from nbutils import planning
from nbutils.figures.moving.picture import SECONDS, THOUSANDS, in_units, readable
from nbutils.figures.moving.plan import CHOICES, Plan, scientific
from nbutils.model import GPTConfig

# What node prints for each plan: the numbers in the order of `Plan.numbers`, and those that are written out.
OWN = """import { planned, scientific } from "./plan.js";
import { SECONDS, THOUSANDS, inUnits, readable } from "./shared.js";
let text = "";
process.stdin.on("data", (part) => { text += part; });
process.stdin.on("end", () => {
  const { plans, own, amounts, times } = JSON.parse(text);
  const told = plans.map((plan) => {
    const { needs, memory } = planned(plan, own), { n, flops, seconds, dollars, loss } = needs;
    const bytes = Object.values(memory), known = loss === null ? [] : [loss];
    const counted = [...bytes, n].map((value) => inUnits(value, THOUSANDS, amounts));
    const words = [...counted, scientific(flops), inUnits(seconds, SECONDS, times),
      ...[dollars, ...known].map((one) => readable(one))];
    return [[...bytes, n, flops, seconds, dollars, ...known], words];
  });
  console.log(JSON.stringify(told));
});
"""


def plans(count: int) -> list[Plan]:
    """Plans with every control anywhere."""
    dice, made = random.Random(0), []
    for _ in range(count):
        chip, short = dice.choice(list(planning.ACCELERATORS)), dice.random() < 0.6
        short = short or math.isnan(planning.ACCELERATORS[chip].peak_float32)
        values = {name: dice.choice(those) for name, those in CHOICES.items()}
        made.append(Plan(**values, chip=chip, short=short, sharded=dice.random() < 0.5))
    return made


def written_out(plan: Plan) -> list[str]:
    needs, amounts, times = plan.needs(), plan._words["amounts"], plan._words["times"]
    told = [in_units(value, THOUSANDS, amounts) for value in (*plan.memory().values(), needs["n"])]
    told += [scientific(needs["flops"]), in_units(needs["seconds"], SECONDS, times)]
    return told + [readable(needs[name]) for name in ("dollars", "loss") if name in needs]


def test_javascript_counts_as_planning_does_to_the_last_digit_shown(tmp_path):
    made = plans(400)
    first = made[0]
    own = {name: getattr(first, name) for name in ("kinds", "law", "known", "shape")}
    asked = {"own": own, "amounts": first._words["amounts"], "times": first._words["times"]}
    asked["plans"] = [plan.state() for plan in made]
    script = tmp_path / "planned.mjs"
    # A picture asks for the reader's wish when it is loaded; here there is nobody to ask.
    nobody = "globalThis.matchMedia = () => ({ matches: false });\n"
    script.write_text(nobody + bundled(OWN), "utf-8")
    done = node(str(script), text=json.dumps(asked))
    assert done.returncode == 0, done.stderr
    for plan, (numbers, told) in zip(made, json.loads(done.stdout), strict=True):
        assert numbers == pytest.approx(plan.numbers(), rel=1e-14), plan.state()
        assert told == written_out(plan), plan.state()
    assert sum("loss" in plan.needs() for plan in made) > 20


def test_memory_and_work_are_those_of_the_package():
    plan = Plan(layers=48, width=1600, tokens=10**11, windows=4, chips=8)
    xl = GPTConfig.preset("gpt2-xl")
    assert plan.config().n_layer == xl.n_layer and plan.config().n_embd == xl.n_embd
    assert plan.memory() == planning.training_memory(xl, 4)
    assert plan.needs()["n"] == sum(planning.parameters(xl).values())
    assert plan.needs()["flops"] == 10**11 * planning.training_flops(xl)
    plan.sharded = True
    assert plan.memory() == planning.process_memory(xl, 32, "fsdp", 8)
    plan.chips = 1  # nobody to share with
    assert plan.memory() == planning.training_memory(xl, 4)


def test_it_begins_with_the_plan_that_ends_the_chapter():
    plan = Plan()
    assert sum(plan.memory().values()) == planning.peak_memory(
        planning.training_memory(GPTConfig.preset("gpt2"), 16), accumulation=4
    )
    assert plan.summary() == (
        "124 million parameters, trained on 10 billion tokens: 8.54 · 10¹⁸ FLOPs, 1.14 times 6 N D. On 8 "
        "H100 at 40 % of the peak it takes 45 minutes and costs 12 dollars. Each chip needs 17.6 GB of its "
        "80 GB: it fits. Most of that, 56 %, is logits. Tokens for each parameter: 80.4, where the rule says "
        "20. The law gives a loss of 3.01 nats."
    )


def test_it_says_when_it_does_not_fit_and_when_hardly():
    needed = sum(Plan().memory().values())  # 17.6 GB
    for chip, told in (
        ("T4", "Each chip would need 17.6 GB and has 16 GB: it does not fit"),
        ("L4", "Each chip needs 17.6 GB of its 24 GB: it fits"),
    ):
        assert (needed < planning.ACCELERATORS[chip].memory) == ("it fits" in told)
        assert told in Plan(chip=chip).summary()
    plan = Plan(chip="L4")
    plan.full = 0.99 * needed / planning.ACCELERATORS["L4"].memory
    assert "it may fit, but leaves less than a fifth" in plan.summary()


def test_the_loss_is_told_only_where_the_law_was_measured():
    known = planning.CHINCHILLA_RUNS
    for layers, width, tokens in ((12, 768, 10**10), (1, 64, 10**10), (12, 768, 10**9)):
        plan = Plan(layers=layers, width=width, tokens=tokens)
        n = plan.needs()["n"]
        inside = known["n"][0] <= n <= known["n"][1] and known["d"][0] <= tokens <= known["d"][1]
        assert ("loss" in plan.needs()) == inside
        assert ("The law gives" in plan.summary()) == inside
    assert Plan().needs()["loss"] == planning.CHINCHILLA_REFITTED.loss(124_439_808, 10**10)


@pytest.mark.parametrize(
    "value, told", [(8.54e18, "8.54 · 10¹⁸"), (9.996e9, "1 · 10¹⁰"), (1e23, "1 · 10²³")]
)
def test_large_numbers_have_a_power_of_ten(value, told):
    assert scientific(value) == told


def test_every_width_that_can_be_chosen_is_a_network_s():
    for width in CHOICES["width"]:
        assert Plan(width=width).config().n_embd == width


@pytest.mark.parametrize(
    "arguments, error, told",
    [
        ({"layers": 13}, ValueError, "layers=13 must be one of 1, 2, 4"),
        ({"width": True}, ValueError, "width=True must be one of 64, 128"),
        ({"tokens": float("nan")}, ValueError, "tokens=nan must be one of 1,000,000, 3,000,000"),
        ({"chip": "abacus"}, ValueError, "chip='abacus' must be one of T4, L4, A100"),
        ({"chip": "B200", "short": False}, ValueError, "nobody says B200's peak in float32"),
        ({"short": 1}, TypeError, "short=1 must be True or False"),
        ({"sharded": None}, TypeError, "sharded=None must be True or False"),
    ],
)
def test_it_refuses_with_a_sentence(arguments, error, told):
    with pytest.raises(error, match=re.escape(told)):
        Plan(**arguments)
