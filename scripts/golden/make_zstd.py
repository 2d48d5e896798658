"""Writes test/data/fixtures/rows.jsonl.zst as libzstd makes it: two frames with checksums (test/data/zstd.test.ts).

Run: pip install zstandard==0.25.0 xxhash==4.1.0 && python scripts/golden/make_zstd.py
"""

import json
from pathlib import Path

import xxhash
import zstandard

fixtures = Path(__file__).resolve().parents[2] / "test" / "data" / "fixtures"
rows = [json.dumps({"text": f"第{i}行 row {i}, packed by zstd"}, ensure_ascii=False) + "\n" for i in range(40)]
compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
frames = [compressor.compress("".join(part).encode()) for part in (rows[:20], rows[20:])]
(fixtures / "rows.jsonl.zst").write_bytes(b"".join(frames))

# Printed for the test: the low 32 bits of XXH64, of a few lengths.
content = bytes((i * i * 7 + i) % 251 for i in range(3000))
print({n: xxhash.xxh64(content[:n]).intdigest() & 0xFFFFFFFF for n in [0, 1, 3, 4, 7, 8, 12, 31, 32, 33, 63, 64, 100, 3000]})
