"""``TinyGPT``: the GPT that chapter 3c writes in the open, word for word, for chapters 4b to 6.

Made from the notebook's cells by authoring/gpt_map.py: change it there. ``nbutils.model.GPT`` computes
the same, faster and with checks; a trained network's weights fit into either.
"""

import math

import torch
import torch.nn as nn


class TinyNorm(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))

    def forward(self, x):  # (B, T, C)
        centred = x - x.mean(-1, keepdim=True)
        variance = centred.square().mean(-1, keepdim=True)
        return self.weight * centred / (variance + 1e-5).sqrt() + self.bias


class TinyMLP(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.expand, self.contract = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):  # (B, T, C)
        z = self.expand(x)  # (B, T, 4 C)
        z = 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))  # GELU
        return self.contract(z)


class TinyAttention(nn.Module):
    def __init__(self, C, H):
        super().__init__()
        self.H = H
        self.query_key_value, self.projection = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        B, T, C = x.shape
        heads = self.query_key_value(x).view(B, T, 3 * self.H, -1).transpose(1, 2)
        q, k, v = heads.chunk(3, dim=1)  # each (B, H, T, D)
        scores = q @ k.mT / math.sqrt(q.size(-1))  # (B, H, T, T)
        later = torch.ones_like(scores, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, -math.inf).softmax(-1)
        return self.projection((weights @ v).transpose(1, 2).reshape(B, T, C))


class TinyBlock(nn.Module):
    def __init__(self, C, H):
        super().__init__()
        self.attention_norm, self.attention = TinyNorm(C), TinyAttention(C, H)
        self.mlp_norm, self.mlp = TinyNorm(C), TinyMLP(C)

    def forward(self, x):  # (B, T, C)
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class TinyGPT(nn.Module):
    def __init__(self, V, T, C, H, L):  # vocabulary, longest context, width, heads, layers
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.ModuleList(TinyBlock(C, H) for _ in range(L))
        self.final_norm = TinyNorm(C)
        for name, knobs in self.named_parameters():
            if knobs.dim() == 2:
                nn.init.normal_(knobs, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(knobs)

    def forward(self, ids):  # (B, T)
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)  # (B, T, C)
        return self.final_norm(x) @ self.token_embedding.weight.T  # (B, T, V)
