"""The networks that run in pages: the stored files, and JavaScript's forward beside PyTorch's."""

import base64
import copy
import json
from dataclasses import asdict

import pytest
import torch
from shown import bundled

from nbutils import smallworld
from nbutils.figures.moving import networks
from nbutils.model import GPT, GPTConfig
from nbutils.network_file import safetensors_bytes
from nbutils.trace import trace

OWN = """import { gelu, kvCache, network, read, softmax, unembed } from "./gpt.js";
export default (base64, tokens, whole) => {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  const net = network(new DataView(bytes.buffer), { unread: "no network: {what}" }), cache = kvCache(net);
  const plain = (value) => ArrayBuffer.isView(value) ? [...value]
    : Array.isArray(value) ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  return tokens.map((token) => {
    const seen = read(net, cache, token), logits = unembed(net, seen.final_normed);
    return plain({ ...(whole && seen), logits, probabilities: softmax(logits) });
  });
};
"""
SHAPE = dict(vocab_size=11, block_size=7, n_layer=2, n_head=3, n_embd=12)
TOKENS = [3, 0, 10, 3, 7, 1, 2]


@pytest.fixture(scope="module")
def run(browser):
    """JavaScript's forward: (a network's bytes, tokens) -> the values at each position.

    Unless it is asked for the whole way, the last ones only.
    """
    page, script = browser.new_page(), bundled(OWN)

    def run(content, tokens, whole=False):
        return page.evaluate(
            """async ([script, base64, tokens, whole]) => {
              const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
              return (await import(address)).default(base64, tokens, whole);
            }""",
            [script, base64.b64encode(content).decode(), tokens, whole],
        )

    yield run
    page.close()


def side_by_side(value: torch.Tensor, at: int) -> torch.Tensor:
    """A trace's value at a position; with heads, (B, H, T, ...), one after the other."""
    return value[0, at] if value.dim() == 3 else value[0, :, at].flatten()


def assert_same(rows, seen) -> None:
    for at, row in enumerate(rows):
        for name in ("token_embedding", "embedded", "final_normed", "logits", "probabilities"):
            close(row[name], getattr(seen, name)[0, at])
        close(row["position_embedding"], seen.position_embedding[at])
        for got, layer in zip(row["layers"], seen.layers, strict=True):
            for name, value in vars(layer).items():
                if name in ("scores", "weights"):
                    value = value[..., : at + 1]
                close(got[name], side_by_side(value, at))


def close(got, expected):
    torch.testing.assert_close(torch.tensor(got), expected, atol=1e-5, rtol=0, check_dtype=False)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"bias": False},
        {"tie_weights": False},
        {"rotary": True},
        {"rms_norm": True},
        {"qk_norm": True},
        {"relu_squared": True},
        {"rotary": True, "rms_norm": True, "qk_norm": True, "relu_squared": True, "bias": False},
    ],
    ids=str,
)
def test_every_value_is_torch_s(run, switches):
    if switches.get("rotary"):
        switches = switches | {"n_head": 2}
    torch.manual_seed(0)
    model = GPT(GPTConfig(**{**SHAPE, **switches}))
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    model = model.half().float().eval()
    assert_same(
        run(safetensors_bytes(model), TOKENS, whole=True),
        trace(model, torch.tensor([TOKENS])),
    )


def test_the_stored_networks_compute_as_in_torch(run):
    texts = {
        "sorter": [2, 1, 0, 2, 0, 1, 0, 0, 1, 1, 2],
        "smallworld": [
            smallworld.encoding().eot_token,
            *smallworld.encoding().encode(smallworld.generate(1)[0]),
        ],
    }
    for name, tokens in texts.items():
        model = networks.load_network(name)
        rows = run(networks.content(name), tokens)
        with torch.no_grad():
            logits = model(torch.tensor([tokens]))[0]
            exactly = copy.deepcopy(model).double()(torch.tensor([tokens]))[0]
        got = torch.tensor([row["logits"] for row in rows], dtype=torch.float64)
        torch.testing.assert_close(got, exactly, atol=1e-9, rtol=0)
        # PyTorch's own float32 is 1e-5 away from that where a logit is 18.
        torch.testing.assert_close(got, logits.double(), atol=1e-5, rtol=1e-6)
        close([row["probabilities"] for row in rows], logits.softmax(-1))


def test_a_spoiled_file_is_a_sentence(run):
    with pytest.raises(Exception, match="no network: "):
        run(networks.content("sorter")[:50], [0])


def test_the_sorter_makes_no_mistake():
    model = networks.load_network("sorter")
    assert model.config == GPTConfig.preset("sorter")
    rows = torch.cartesian_prod(*[torch.arange(3)] * 6)
    texts = torch.cat([rows, rows.sort(dim=1).values], dim=1)
    with torch.no_grad():
        assert (model(texts[:, :-1])[:, 5:].argmax(-1) == texts[:, 6:]).all()


def test_what_is_stored_is_what_is_packed():
    for name in networks.FILES:
        content = networks.content(name)
        assert safetensors_bytes(networks.load_network(name)) == content
        assert len(content) < 2_000_000
        head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        assert json.loads(head["__metadata__"]["config"]) == asdict(
            networks.load_network(name).config
        )
