"""Writes test/data/fixtures: small Parquet and Arrow files as pyarrow makes them (test/data/columnar.test.ts).

Run: pip install pyarrow==26.0.1 && python scripts/golden/make_columnar.py
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

out = Path(__file__).resolve().parents[2] / "test" / "data" / "fixtures"
out.mkdir(parents=True, exist_ok=True)

# 30 rows; row 7 is null, row 9 is empty. The other columns are there to be skipped.
texts = [f"第{i}行 row {i} " + "春眠不觉晓" * (i % 4) for i in range(30)]
texts[7] = None
texts[9] = ""
columns = {
    "id": pa.array(range(30), pa.int64()),
    "meta": pa.array([{"tags": ["a", str(i)], "score": i / 7} for i in range(30)]),
    "text": pa.array(texts, pa.string()),
    "kind": pa.array([["zh", "en", None][i % 3] for i in range(30)]),
    "flag": pa.array([i % 2 == 0 for i in range(30)]),
    "blob": pa.array([b"\xc4\xe3\xba\xc3" if i == 3 else b"plain" for i in range(30)], pa.binary()),
}
table = pa.table(columns)

for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    pq.write_table(table, out / f"{codec}.parquet", compression=codec, row_group_size=11)
plain = table.select(["id", "text"])
pq.write_table(
    plain,
    out / "v2-delta.parquet",
    compression="zstd",
    use_dictionary=False,
    data_page_version="2.0",
    column_encoding={"text": "DELTA_BYTE_ARRAY", "id": "DELTA_BINARY_PACKED"},
    row_group_size=16,
)
pq.write_table(
    plain,
    out / "delta-length.parquet",
    compression="snappy",
    use_dictionary=False,
    column_encoding={"text": "DELTA_LENGTH_BYTE_ARRAY"},
)
for name, options in {"checked": {}, "checked-v2": {"compression": "zstd", "data_page_version": "2.0"}}.items():
    pq.write_table(plain, out / f"{name}.parquet", write_page_checksum=True, row_group_size=16, **options)
required = pa.schema([pa.field("text", pa.string(), nullable=False)])
pq.write_table(pa.table([pa.array(["one", "two"])], schema=required), out / "required.parquet")
# Bytes that are declared as text, but are GBK.
gbk = pa.Array.from_buffers(pa.string(), 3, columns["blob"].slice(2, 3).buffers(), offset=2)
pq.write_table(pa.table({"text": gbk}), out / "gbk.parquet")
pq.write_table(plain.slice(0, 0), out / "empty.parquet")

large = table.set_column(2, "text", table["text"].cast(pa.large_string()))
dictionary = table.set_column(2, "text", table["text"].combine_chunks().dictionary_encode())


def write_arrow(name, table, stream=False, **options):
    options = pa.ipc.IpcWriteOptions(**options)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(str(out / name), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=11)


write_arrow("file.arrow", table)
write_arrow("stream.arrow", table, stream=True)
write_arrow("large.arrow", large)
write_arrow("dictionary.arrow", dictionary)
# The dictionary grows from batch to batch.
growing = pa.schema([pa.field("text", pa.dictionary(pa.int16(), pa.string()))])
options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
with pa.ipc.new_stream(str(out / "delta.arrow"), growing, options=options) as writer:
    for end in [10, 20, 30]:
        indices = [None if text is None else i for i, text in enumerate(texts[:end])][end - 10 :]
        values = pa.array([text or "" for text in texts[:end]])
        array = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int16()), values)
        writer.write_batch(pa.record_batch([array], schema=growing))
write_arrow("zstd.arrow", table, compression="zstd")
write_arrow("lz4.arrow", table, compression="lz4")
write_arrow("empty.arrow", table.slice(0, 0))
write_arrow("legacy-stream.arrow", table, stream=True, use_legacy_format=True, metadata_version=pa.ipc.MetadataVersion.V4)
write_arrow("gbk.arrow", pa.table({"text": gbk}))
union = pa.UnionArray.from_dense(
    pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array(["a", "b"]), pa.array([1])]
)
skipped = pa.table(
    {
        "union": union,
        "fixed": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int32(), 2)),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["x", "y"])),
        "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "nothing": pa.nulls(3),
        "text": pa.array(["one", None, "three"]),
    }
)
write_arrow("skipped.arrow", skipped)
write_arrow("view.arrow", pa.table({"text": pa.array(["one"], pa.string_view())}))
feather.write_feather(plain, out / "feather-v1.arrow", version=1)

# One cell of 20 kB, packed to less than 2 kB: larger than what the low limits of limits.test.ts let a column have.
long = pa.table({"text": ["one", "x" * 20_000]})
pq.write_table(long, out / "long.parquet", compression="zstd")
write_arrow("long.arrow", long, compression="zstd")
# Views into two buffers, each of 20 kB.
views = pa.table({"text": pa.array(["x" * 20_000, "y" * 20_000], pa.string_view())})
write_arrow("long-views.arrow", views, compression="zstd")
