"""Conversations as Polars and pyarrow write them: lists of structs, with fields that only some rows have.

    pip install pyarrow==26.0.1 polars==2.1.0
    python scripts/golden/make_nested.py test/data/fixtures
"""
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

out = Path(sys.argv[1])
rows = [
    {
        "id": i,
        "messages": [
            {"role": "user", "content": f"问题{i}: what is the number of this row?", "name": "Li" if i else None},
            {"role": "assistant", "content": f"{i}", "name": None},
        ],
        "score": i / 4,
        "good": i % 2 == 0,
        "bytes": b"\xff\xfe",
    }
    for i in range(3)
]
table = pa.Table.from_pylist(rows).append_column("kind", pa.array(["a", "b", "a"]).dictionary_encode())
pq.write_table(table, out / "messages.parquet")
with pa.ipc.new_stream(out / "messages-stream.arrow", table.schema) as writer:
    writer.write_table(table, max_chunksize=2)
frame = pl.DataFrame([{key: row[key] for key in ("id", "messages", "score", "good")} for row in rows])
# Polars puts no schema message at the beginning of a file, and texts are views.
frame.write_ipc(out / "messages-polars.arrow", compression="uncompressed")
frame.write_ipc(out / "messages-polars-zstd.arrow", compression="zstd")
