# Makes test/checkpoint/fixtures/reference.safetensors with the reference implementation (the Rust library behind PyPI
# `safetensors`), and reads a file back with it.
#
#   pip install safetensors==0.8.0 numpy==2.4.6
#   python scripts/golden/make_safetensors.py            writes the fixture
#   python scripts/golden/make_safetensors.py FILE       prints name, shape and sum of every tensor in FILE
#
# test/checkpoint/safetensors.test.ts reads the fixture to the bit, and requires that our writer makes the same bytes:
# so whatever we write, the reference implementation reads.
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

FIXTURE = pathlib.Path(__file__).parents[2] / "test/checkpoint/fixtures/reference.safetensors"


def fixture() -> dict[str, np.ndarray]:
    return {
        "model.embed_tokens.weight": (np.arange(12, dtype=np.float32).reshape(4, 3) - 5) / 7,
        "model.norm.weight": np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3.4028235e38], dtype=np.float32),
        "a scalar": np.array(0.1, dtype=np.float32),
        "nothing": np.zeros((0, 3), dtype=np.float32),
        "名字 \"quoted\"": np.array([[[1.5]], [[-2.5]]], dtype=np.float32),
    }


if len(sys.argv) > 1:
    for name, array in sorted(load_file(sys.argv[1]).items()):
        print(name, list(array.shape), array.dtype, float(array.astype(np.float64).sum()))
else:
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    save_file(fixture(), FIXTURE, metadata={"format": "pt"})
    print(FIXTURE, FIXTURE.stat().st_size, "bytes")
