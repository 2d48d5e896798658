"""Writes test/checkpoint/fixtures/gguf.json: q8_0 blocks by llama.cpp's own Python package, and RoPE by transformers.

`q8_0` holds float32 numbers and the bytes that `gguf.quants` makes of them (base64). `llama3Factors` holds what
transformers' llama3 RoPE divides each frequency by, which GGUF stores as rope_freqs.weight.
Run: pip install gguf==0.19.0 numpy torch transformers && python scripts/golden/make_gguf.py
and then: npx biome check --write test/checkpoint
Made with gguf 0.19.0, numpy 2.4.6 and transformers 5.23.0.
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

TARGET = Path(__file__).resolve().parents[2] / "test" / "checkpoint" / "fixtures" / "gguf.json"
LLAMA3 = dict(rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
HEAD_DIM = 64


def blocks():
    """Rows of 32: ordinary weights, and every edge of the format."""
    random = np.random.default_rng(7)
    rows = [random.normal(0, scale, 32) for scale in (0.02, 1, 1e-4, 300) for _ in range(16)]
    rows += [np.zeros(32), np.full(32, -0.0), np.full(32, 3.5), -np.full(32, 1e-6)]
    rows.append(np.arange(32) / 2 - 8)  # halves and their neighbours
    rows.append(np.append((np.arange(31) - 15.5), 127))  # scale 1: exact ties
    rows.append(np.append((np.arange(31) - 15.5), -127))
    rows.append(np.append(np.zeros(31), 8.3e6))  # scale just below the largest half
    rows.append(np.append(np.full(31, 1e-9), 2e-5))  # subnormal scale
    rows.append(np.append(np.full(31, 1e-9), 1e-7))  # scale rounds to zero in f16, the numbers do not
    return np.array(rows, dtype=np.float32)


def llama3_factors():
    config = LlamaConfig(head_dim=HEAD_DIM, rope_parameters={"rope_type": "llama3", **LLAMA3}, max_position_embeddings=131072)
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 1.0 / LLAMA3["rope_theta"] ** (np.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    return [round(float(p / s), 6) for p, s in zip(plain, scaled.numpy())]


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


values = blocks()
golden = {
    "q8_0": {"numbers": encoded(values), "bytes": encoded(quants.quantize(values, GGMLQuantizationType.Q8_0))},
    "llama3": {"headDim": HEAD_DIM, "rope": LLAMA3, "factors": llama3_factors()},
}
TARGET.write_text(json.dumps(golden, indent=2) + "\n")
