"""Prints the digests of test/checkpoint/float16.test.ts: how numpy and torch round float32 to 16 bits.

Run: pip install numpy torch && python scripts/golden/make_float16.py
Made with numpy 2.4 and torch 2.15.0.
"""

import hashlib

import numpy
import torch

bits = (numpy.arange(1 << 22, dtype=numpy.uint64) * 1021 + 511).astype(numpy.uint32)  # spread over all 2^32 patterns
values = bits.view(numpy.float32)
values = values[~numpy.isnan(values)]
with numpy.errstate(over="ignore"):
    half = values.astype(numpy.float16)
bfloat = torch.from_numpy(values).to(torch.bfloat16).view(torch.int16).numpy()
print(len(values), "numbers")
for name, array in {"f16": half, "bf16": bfloat}.items():
    print(name, hashlib.sha256(array.tobytes()).hexdigest())
