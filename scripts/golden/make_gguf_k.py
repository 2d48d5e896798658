"""Writes test/checkpoint/fixtures/gguf-k.json: what llama.cpp's own Python package reads in blocks of q4_K and q6_K.

For each dtype `bytes` holds blocks whose scales are sane and whose other bits are random, `numbers` the float32 values that
`gguf.quants.dequantize` makes of them (base64).
Run: pip install gguf==0.19.0 numpy && python scripts/golden/make_gguf_k.py
and then: npx biome check --write test/checkpoint
Made with gguf 0.19.0 and numpy 2.4.6.
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants

TARGET = Path(__file__).resolve().parents[2] / "test" / "checkpoint" / "fixtures" / "gguf-k.json"
BLOCKS = 4


def halves(random, low, high):
    return random.uniform(low, high, BLOCKS).astype(np.float16).view(np.uint8).reshape(BLOCKS, 2)


def blocks(random, dtype):
    size = {"q4_k": 144, "q6_k": 210}[dtype]
    made = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    if dtype == "q4_k":
        made[:, 0:2] = halves(random, 1e-4, 0.1)
        made[:, 2:4] = halves(random, 1e-4, 0.1)
    else:
        made[:, 208:210] = halves(random, -0.1, 0.1)
    return made


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


random = np.random.default_rng(11)
golden = {}
for name, kind in (("q4_k", GGMLQuantizationType.Q4_K), ("q6_k", GGMLQuantizationType.Q6_K)):
    made = blocks(random, name)
    golden[name] = {"bytes": text(made), "numbers": text(quants.dequantize(made, kind).astype(np.float32))}
TARGET.write_text(json.dumps(golden, indent=1) + "\n")
