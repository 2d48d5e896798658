"""The same decoder as src/model/forward.ts, the way one would plainly write it in PyTorch: RMSNorm, rotary embedding,
attention with normalised queries and keys, SwiGLU, the embedding tied to the output projection, no biases."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from shapes import Shape


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        if hasattr(F, "rms_norm"):  # PyTorch 2.4
            return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), 1e-6)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


def rotary_tables(columns: int, head: int, theta: float = 10000.0):
    frequencies = theta ** (-torch.arange(0, head, 2).float() / head)
    angles = torch.arange(columns).float()[:, None] * frequencies[None]
    return torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()  # [T, D] each


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def attend(q, k, v, causal: bool):
    if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2.0
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(mask, float("-inf"))
    return scores.softmax(-1) @ v


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        d, self.heads = shape.width, shape.heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.q_norm, self.k_norm = RMSNorm(d // self.heads), RMSNorm(d // self.heads)

    def forward(self, x, cos, sin, cache=None, start=0):
        batch, columns, d = x.shape
        by_head = lambda y: y.view(batch, columns, self.heads, d // self.heads).transpose(1, 2)  # [B, H, T, D]
        q = rotate(self.q_norm(by_head(self.q(x))), cos, sin)
        k = rotate(self.k_norm(by_head(self.k(x))), cos, sin)
        v = by_head(self.v(x))
        if cache is not None:
            keys, values = cache  # [B, H, S, D], filled up to `start`
            keys[:, :, start:start + columns] = k
            values[:, :, start:start + columns] = v
            k, v = keys[:, :, :start + columns], values[:, :, :start + columns]
        mixed = attend(q, k, v, causal=columns > 1)
        return self.o(mixed.transpose(1, 2).reshape(batch, columns, d))


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        d, f = shape.width, shape.feed_forward
        self.attention, self.attention_norm, self.feed_forward_norm = Attention(shape), RMSNorm(d), RMSNorm(d)
        self.gate, self.up, self.down = nn.Linear(d, f, False), nn.Linear(d, f, False), nn.Linear(f, d, False)

    def forward(self, x, cos, sin, cache=None, start=0):
        x = x + self.attention(self.attention_norm(x), cos, sin, cache, start)
        y = self.feed_forward_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)
        cos, sin = rotary_tables(shape.columns, shape.width // shape.heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self):
        """As src/model/model.ts does."""
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                continue  # norms stay at 1
            std = 0.02 if name.startswith("embedding") else weight.shape[1] ** -0.5
            if name.endswith(("attention.o.weight", "down.weight")):
                std *= (2 * self.shape.layers) ** -0.5
            weight.normal_(0, std)

    def forward(self, tokens, caches=None, start=0):
        """tokens [B, T] → logits [B, T, V]."""
        columns = tokens.shape[1]
        cos, sin = self.cos[start:start + columns], self.sin[start:start + columns]
        x = self.embedding(tokens)
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, None if caches is None else caches[index], start)
        return F.linear(self.norm(x), self.embedding.weight)

    def new_caches(self, batch: int):
        s = self.shape
        size = (batch, s.heads, s.columns, s.width // s.heads)
        return [(torch.zeros(size), torch.zeros(size)) for _ in range(s.layers)]
