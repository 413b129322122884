"""A context goes in, one number (a logit) for every possible next token comes out.

This is GPT-2 (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners"), whole
and plain, with four switches for what came after it (chapter 6 measures each). It knows nothing
of optimizers, and of devices only that ids are checked on the CPU alone; ``device.attention``
knows the rest. Shapes are written with B (batch), T (time),
C (channels, ``n_embd``), H (heads), D (head width, C / H), V (vocabulary).

Read ``GPT`` first, then ``Block``, ``CausalSelfAttention`` and ``MLP``. What stands below ``GPT``
only moves weights to and from files.
"""

import json
import math
import os
import re
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from nbutils.config import SWITCHES, GPTConfig
from nbutils.device import attention
from nbutils.files import save_tensors, written_aside
from nbutils.windows import IGNORE


def rotate(x: torch.Tensor, start: int = 0) -> torch.Tensor:
    """Turn each vector (..., T, D) by its position: the first is at position ``start``.

    Number i and number i + D / 2 are a point in a plane, turned by position / 10,000^(2 i / D)
    radians. The dot product of two turned vectors depends only on how far apart they stand.

    Source: Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary Position Embedding".
    """
    T, D = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, D, 2, device=x.device) / D)  # (D / 2,)
    angles = torch.arange(start, start + T, device=x.device)[:, None] * speeds  # (T, D / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class CausalSelfAttention(nn.Module):
    """Each position gathers from itself and the positions before it; none sees what comes after.

    softmax(Q K^T / sqrt(D)) V of Vaswani et al. (2017), in ``n_head`` heads. Shapes in and out:
    (B, T, C).
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.rotary, self.qk_norm = config.rotary, config.qk_norm
        # One matrix makes query, key and value: one large product is faster than three small ones.
        self.query_key_value = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: torch.Tensor, cache=None, layer: int = 0) -> torch.Tensor:
        B, T, _ = x.shape
        heads = self.query_key_value(x).view(B, T, 3 * self.n_head, -1)
        q, k, v = heads.transpose(1, 2).chunk(3, dim=1)  # each (B, H, T, D)
        q, k = self.placed(q, k, 0 if cache is None else cache.length)
        if cache is not None:  # keys and values of earlier tokens need no second computation
            k, v = cache.update(layer, k, v)  # (B, H, S, D), S = all tokens so far
        S, mask = k.size(2), None
        if 1 < T < S:  # the T newest of S tokens: is_causal would align them with the oldest
            mask = torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        dropout = self.dropout if self.training else 0.0
        # PyTorch's scaled_dot_product_attention: the formula above without storing the weights.
        x = attention(q, k, v, mask, dropout=dropout, causal=T == S)  # (B, H, T, D)
        return self.projection(x.transpose(1, 2).reshape(B, T, -1))  # heads side by side again

    def placed(
        self, q: torch.Tensor, k: torch.Tensor, start: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Queries and keys (B, H, T, D) as they are compared; GPT-2 changes nothing here.

        With ``qk_norm`` no dot product can grow without bound (Henry et al., 2020).
        """
        if self.qk_norm:
            q, k = F.rms_norm(q, q.shape[-1:]), F.rms_norm(k, k.shape[-1:])
        if self.rotary:
            q, k = rotate(q, start), rotate(k, start)
        return q, k


class ReLUSquared(nn.Module):
    """max(0, x)^2: cheaper than GELU, and exactly 0 for about half (So et al., 2021, "Primer")."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu().square()


class MLP(nn.Module):
    """Each position thinks for itself: four times wider, bent by a GELU, and back. (B, T, C)."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        # GPT-2 uses this approximation of GELU, so we must too.
        gelu = nn.GELU(approximate="tanh")
        self.activation = ReLUSquared() if config.relu_squared else gelu
        self.contract = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.contract(self.activation(self.expand(x)))


class Block(nn.Module):
    """Attention, then MLP; each reads a normalised copy of x and adds its answer to x. (B, T, C).

    The sum that runs through all blocks untouched is the residual stream.
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.attention_norm = _norm(config)
        self.attention = CausalSelfAttention(config)
        self.mlp_norm = _norm(config)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, cache=None, layer: int = 0) -> torch.Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), cache, layer))
        x = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return x


class GPT(nn.Module):
    """Tokens (B, T) in, logits (B, T, V) out: at every position a score for every next token."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.position_embedding = None
        if not config.rotary:
            self.position_embedding = nn.Embedding(config.block_size, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final_norm = _norm(config)
        # A tied head is the token table used backwards, so it has no weights of its own.
        self.head = None
        if not config.tie_weights:
            self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.apply(_initialise)
        # 2 n_layer answers are summed in the residual stream; each starts small enough that the
        # sum does not grow with depth (GPT-2's paper, section 2.3).
        for block in self.blocks:
            for last in (block.attention.projection, block.mlp.contract):
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * config.n_layer))

    def forward(self, tokens: torch.Tensor, labels: torch.Tensor | None = None, cache=None):
        """The logits, or with labels the pair (logits, loss).

        ``tokens`` and ``labels``: integers (B, T). ``loss``: mean cross-entropy in nats per
        token over the labels that are not ``IGNORE``; nan if all are. ``cache``: see
        ``sampling.KVCache``; tokens then holds only what is new.

        Raises ``ValueError`` for a wrong shape, dtype or length, for ids on another device than the
        model, and on the CPU for ids outside the vocabulary.
        """
        if labels is not None:
            _check_labels(labels, tokens, self.config)
        logits = self.unembed(self.hidden(tokens, cache))  # (B, T, V)
        if labels is None:
            return logits
        # float32, because a sum over a large vocabulary in 16 bits loses the small terms.
        flat = logits.flatten(0, 1).float()  # (B * T, V)
        return logits, F.cross_entropy(flat, labels.flatten().long(), ignore_index=IGNORE)

    def hidden(self, tokens: torch.Tensor, cache=None) -> torch.Tensor:
        """The residual stream after the last block and norm, (B, T, C): all but the logits."""
        start = 0 if cache is None else cache.length
        check_tokens(tokens, start, self.config)
        check_place("tokens", tokens, self.token_embedding.weight.device)
        x = self.token_embedding(tokens)  # (B, T, C)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start : start + tokens.size(1)]  # (T, C)
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            # Without a cache all blocks are called alike: compiled, they are one program.
            x = block(x) if cache is None else block(x, cache, layer)
        return self.final_norm(x)

    def unembed(self, x: torch.Tensor) -> torch.Tensor:
        """Residual stream (..., C) to logits (..., V).

        Sampling calls it for the last position alone: with a vocabulary of 100,277 it is the
        dearest product of a small model.
        """
        table = self.token_embedding if self.head is None else self.head
        return F.linear(x, table.weight)

    def num_parameters(self, head: bool = True) -> int:
        """How many numbers training can change; ``head=False`` leaves out an untied head."""
        total = sum(p.numel() for p in self.parameters())
        return total if head or self.head is None else total - self.head.weight.numel()

    def flops_per_token(self, length: int | None = None) -> int:
        """Floating-point operations that training spends on each token: 6 N + 12 n_layer C T.

        N: the weights that multiply, namely all matrices but the tables that only look up. Each
        costs a multiplication and an addition forward, and backward twice as many: a third of the
        answer is what a forward pass alone costs. The second term is attention's products, for
        windows of ``length`` tokens (T; None: ``block_size``), masked pairs counted too.

        Source: Kaplan et al. (2020), section 2.1; Chowdhery et al. (2022), "PaLM", appendix B.
        """
        T = self.config.block_size if length is None else length
        if not 1 <= T <= self.config.block_size:
            raise ValueError(f"length={T} must be from 1 to block_size={self.config.block_size}")
        inside = sum(p.numel() for p in self.blocks.parameters() if p.dim() == 2)
        matrices = inside + self.token_embedding.weight.numel()  # the head has the table's shape
        return 6 * matrices + 12 * self.config.n_layer * self.config.n_embd * T

    @classmethod
    def from_pretrained(cls, name_or_folder: str | os.PathLike) -> "GPT":
        """A GPT that ``save_pretrained`` wrote, or a GPT-2 in Hugging Face's layout.

        It is ready to use: on the CPU, in evaluation mode, float32.

        ``name_or_folder``: a folder with config.json and model.safetensors, or a name such as
        "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl" or "someone/their-gpt2", which is
        downloaded: the first four always at the same commit. Raises ``FileNotFoundError`` for a
        path at which no such folder is, ``ConnectionError`` if a download fails, and
        ``ValueError`` for a model that is not built like this one.
        """
        folder = _find_pretrained(name_or_folder)
        with torch.device("meta"):  # shapes only: the file brings the numbers
            model = cls(_read_config(folder / "config.json"))
        weights = _read_weights(folder / "model.safetensors", model)
        model.load_state_dict(weights, assign=True)
        return model.eval()

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write config.json and model.safetensors, as ``from_pretrained`` and transformers read.

        That layout always has biases: a model without is written with zeros, which come back as
        biases of zero. It has no place for a model with a switch on, which is written in a layout
        of our own: ``from_pretrained`` reads it, transformers refuses it.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if _is_gpt2(self.config):
            weights, config = _hugging_face_weights(self), _hugging_face_config(self.config)
        else:
            weights = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
            config = {"model_type": _OWN_TYPE, **asdict(self.config)}
        with written_aside(folder / "model.safetensors") as aside:
            save_tensors(weights, aside, {"format": "pt"})
        with written_aside(folder / "config.json") as aside:
            text = json.dumps(config, indent=2) + "\n"
            aside.write_text(text, encoding="utf-8")


def _norm(config: GPTConfig) -> nn.Module:
    """A norm for vectors of width C; RMSNorm is Zhang and Sennrich's (2019), with a scale."""
    if config.rms_norm:
        return nn.RMSNorm(config.n_embd, eps=1e-5)
    return nn.LayerNorm(config.n_embd, bias=config.bias)


def _initialise(module: nn.Module) -> None:
    """GPT-2's start: small random weights, biases zero, layer norms that change nothing."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def check_batch(name: str, ids: torch.Tensor) -> None:
    """Raise ``ValueError`` unless ``ids`` is integers of shape (B, T), with at least one."""
    if ids.dim() != 2 or ids.numel() == 0:
        raise ValueError(
            f"{name} has shape {tuple(ids.shape)}, not (B, T) with at least one token; "
            "make a batch of one text with torch.tensor([ids])"
        )
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"{name} has dtype {ids.dtype}, not torch.int64: use {name}.long()")


def check_ids(name: str, ids: torch.Tensor, vocab_size: int, lowest: int = 0) -> None:
    """Raise ``ValueError`` unless every id is one of ``lowest`` to ``vocab_size - 1``."""
    low, high = (int(bound) for bound in ids.aminmax())
    if low < lowest or high >= vocab_size:
        raise ValueError(
            f"{name} has id {low if low < lowest else high}, outside this model's vocabulary "
            f"({lowest} to {vocab_size - 1}): use the encoding that the model was made for"
        )


def _can_check_ids(ids: torch.Tensor) -> bool:
    """Whether reading ids costs microseconds.

    A GPU would have to finish all its work before it could answer, at every step. There
    ``Windows`` and ``generate`` check once instead, and CUDA itself stops at a bad id.
    """
    return ids.device.type == "cpu" and not torch.compiler.is_compiling()


def check_tokens(tokens: torch.Tensor, start: int, config: GPTConfig) -> None:
    """Raise ``ValueError`` unless such a GPT can read ``tokens`` after ``start`` others."""
    check_batch("tokens", tokens)
    length = start + tokens.size(1)
    if length > config.block_size:
        raise ValueError(
            f"a context of {length} tokens is longer than this model's position table "
            f"({config.block_size}): keep the last {config.block_size} tokens"
        )
    if _can_check_ids(tokens):
        check_ids("tokens", tokens, config.vocab_size)


def _check_labels(labels: torch.Tensor, tokens: torch.Tensor, config: GPTConfig) -> None:
    check_batch("labels", labels)
    if labels.shape != tokens.shape:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)} and tokens {tuple(tokens.shape)}: "
            "every position needs one label"
        )
    if labels.device != tokens.device:
        raise ValueError(
            f"labels is on {labels.device} and tokens on {tokens.device}: bring them together with "
            f"labels.to({str(tokens.device)!r})"
        )
    if _can_check_ids(labels):
        check_ids("labels", labels, config.vocab_size, lowest=IGNORE)


def brought(name: str, ids: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Token ids where the model is. Those that come from a CPU are checked before, for a GPU would only stop.

    Raises ``ValueError`` for ids outside the vocabulary, ``model.config.vocab_size``; `IGNORE` is none.
    """
    place = next(model.parameters()).device
    if ids.device != place and _can_check_ids(ids):
        check_ids(name, ids, model.config.vocab_size, lowest=IGNORE)
    return ids.to(place)


def check_place(name: str, ids: torch.Tensor, place: torch.device) -> None:
    if ids.device != place:
        raise ValueError(
            f"{name} is on {ids.device} and the model on {place}: bring them together with "
            f"{name}.to({str(place)!r}), or model.to({str(ids.device)!r})"
        )


_OWN_TYPE = "nbutils-gpt"  # config.json's model_type where a switch is on


def _is_gpt2(config: GPTConfig) -> bool:
    return not any(getattr(config, switch) for switch in SWITCHES)


# Hugging Face's GPT-2 layout. Only names differ, and four matrices are stored transposed.

_NAMES = {
    "token_embedding": "wte",
    "position_embedding": "wpe",
    "blocks": "h",
    "attention_norm": "ln_1",
    "attention.query_key_value": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.expand": "mlp.c_fc",
    "mlp.contract": "mlp.c_proj",
    "final_norm": "ln_f",
    "head": "lm_head",
}
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
_SIZES = {
    "vocab_size": "vocab_size",
    "block_size": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}
# What must hold for our arithmetic to be theirs; the first value is transformers' default.
_REQUIRED = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),  # two names of one function
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}


def _their_name(name: str) -> str:
    """ "blocks.0.mlp.expand.weight" -> "transformer.h.0.mlp.c_fc.weight"."""
    for ours, theirs in _NAMES.items():
        name = name.replace(f"{ours}.", f"{theirs}.")
    return name if name.startswith("lm_head") else f"transformer.{name}"


# A name on the hub, alone or after its owner's. Anything else is a path, and stays on this machine.
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
# What is downloaded of OpenAI's models: a commit's name is a hash of all that is in it.
_COMMITS = {
    "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e",
    "openai-community/gpt2-medium": "6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
    "openai-community/gpt2-large": "32b71b12589c2f8d625668d2335a01cac3249519",
    "openai-community/gpt2-xl": "15ea56dee5df4983c59b2538573817e1667135e2",
}


def _find_pretrained(name_or_folder: str | os.PathLike) -> Path:
    path = Path(name_or_folder)
    if path.is_dir():
        return path
    repository = str(name_or_folder)
    is_name = isinstance(name_or_folder, str) and _HUB_NAME.fullmatch(repository)
    if path.exists() or not is_name:
        raise FileNotFoundError(
            f"name_or_folder={repository!r} is no folder here: give a folder with config.json and "
            'model.safetensors, or a name such as "gpt2"'
        )
    if "/" not in repository:
        repository = f"openai-community/{repository}"
    try:
        from huggingface_hub import hf_hub_download

        commit = _COMMITS.get(repository)  # None is the newest, of what somebody else keeps there
        names = ("config.json", "model.safetensors")
        files = [hf_hub_download(repository, name, revision=commit) for name in names]
    except ImportError as error:
        raise FileNotFoundError(
            f"{str(name_or_folder)!r} is not a folder here, and downloading it needs "
            "huggingface_hub: pip install huggingface_hub"
        ) from error
    except Exception as error:  # the hub has a dozen kinds, some from libraries below it
        raise ConnectionError(
            f"{str(name_or_folder)!r} is not a folder here and could not be downloaded as "
            f"{repository!r}: check the name and the network, or give a folder with config.json "
            f"and model.safetensors ({type(error).__name__})"
        ) from error
    return Path(files[0]).parent


def _read_config(path: Path) -> GPTConfig:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: is {path.parent} a saved GPT-2?")
    try:
        return _our_config(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} describes no GPT-2 that fits this model: {error}") from error


def _our_config(theirs) -> GPTConfig:
    """What config.json holds, as a ``GPTConfig``; what it may leave out is as in transformers."""
    if not isinstance(theirs, dict):
        raise ValueError(f"it holds a {type(theirs).__name__}, not names with values")
    if theirs.get("model_type") == _OWN_TYPE:
        return _own_config(theirs)
    for name, allowed in _REQUIRED.items():
        if theirs.get(name, allowed[0]) not in allowed:
            raise ValueError(f"it has {name}={theirs[name]!r}; this model does {allowed[0]!r}")
    sizes = {ours: theirs.get(name) for ours, name in _SIZES.items()}
    for ours, size in sizes.items():
        if type(size) is not int:
            raise ValueError(f"it has {_SIZES[ours]}={size!r}, which must be a whole number")
    if theirs.get("n_inner") not in (None, 4 * sizes["n_embd"]):
        raise ValueError(f"it has n_inner={theirs['n_inner']!r}; this model does 4 * n_embd")
    dropouts = [theirs.get(name, 0.1) for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop")]
    if type(dropouts[0]) not in (int, float) or dropouts != 3 * dropouts[:1]:
        raise ValueError(f"it has dropouts {dropouts}; this model has one number for all")
    tied = theirs.get("tie_word_embeddings", True)
    if type(tied) is not bool:
        raise ValueError(f"it has tie_word_embeddings={tied!r}, which must be true or false")
    return GPTConfig(**sizes, dropout=dropouts[0], tie_weights=tied)


def _own_config(stored: dict) -> GPTConfig:
    """The config that ``save_pretrained`` wrote for a model with a switch on."""
    try:
        return GPTConfig(**{name: x for name, x in stored.items() if name != "model_type"})
    except TypeError as error:
        raise ValueError(f"it has values that this model does not know ({error})") from error


def _read_weights(path: Path, model: GPT) -> dict[str, torch.Tensor]:
    """The file's tensors by our names; what else is in it (masks, a tied head) is left out."""
    stored = {name.removeprefix("transformer."): t for name, t in _read_tensors(path).items()}
    renamed, weights = _is_gpt2(model.config), {}
    for name, expected in model.state_dict().items():
        file_name = _their_name(name).removeprefix("transformer.") if renamed else name
        if file_name not in stored:
            raise ValueError(f"{path} has no {file_name}: it is not a whole GPT-2")
        tensor = stored[file_name].float()
        turned = tensor.t() if renamed and file_name.endswith(_TRANSPOSED) else tensor
        # A copy: what the library gives stays a part of the file, which Windows then lets nobody replace.
        weights[name] = turned.clone(memory_format=torch.contiguous_format)
        if weights[name].shape != expected.shape:
            raise ValueError(
                f"{path}: {file_name} makes {tuple(weights[name].shape)}, but config.json makes "
                f"{tuple(expected.shape)}"
            )
    return weights


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: save the model again as one file in safetensors format"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, copy or save it again ({error})") from error


def _hugging_face_weights(model: GPT) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        layout = GPT(replace(model.config, bias=True)).state_dict()
    ours, weights = model.state_dict(), {}
    for name, expected in layout.items():
        tensor = ours[name] if name in ours else torch.zeros(expected.shape)
        theirs = _their_name(name)
        weights[theirs] = tensor.t().contiguous() if theirs.endswith(_TRANSPOSED) else tensor
    return weights


def _hugging_face_config(config: GPTConfig) -> dict:
    return {
        "architectures": ["GPT2LMHeadModel"],
        **{name: allowed[0] for name, allowed in _REQUIRED.items()},
        **{theirs: getattr(config, ours) for ours, theirs in _SIZES.items()},
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "tie_word_embeddings": config.tie_weights,
        "bos_token_id": None,  # the encoding knows its special tokens, the model does not
        "eos_token_id": None,
    }
